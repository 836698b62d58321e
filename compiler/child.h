/* child.h - starting another program: git, promtool. */
#ifndef GUARDRAIL_COMPILER_CHILD_H
#define GUARDRAIL_COMPILER_CHILD_H
#include <sys/types.h>

#define CHILD_ARGUMENTS_MAX 256u /* the program among them */

/* Starts argv[0] (looked for on PATH) with nothing to read, its output into out, its messages into messages (-1: nowhere), no signal
 * blocked, and a process group of its own, so that what it may have started ends with it. 0 and *pid, or what went wrong as errno has it. */
int child_start(const char *const *argv, int out, int messages, pid_t *pid);
#endif
