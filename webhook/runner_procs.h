/* runner_procs.h - what the runner and its supervisors need from the system: signals as a descriptor, children found and killed. */
#ifndef GUARDRAIL_WEBHOOK_RUNNER_PROCS_H
#define GUARDRAIL_WEBHOOK_RUNNER_PROCS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Puts every signal back to its default, SIGPIPE included, and unblocks all. */
void procs_default_signals(void);
/* Blocks SIGCHLD and SIGTERM and returns a non-blocking signalfd for them, or -1. */
int procs_signal_fd(void);
/* SIGKILL to every living child of this process except the spared ones; returns how many there were. Children that die hand their own
 * children to us (subreaper), so the caller repeats until there is none. */
size_t procs_kill_children(const pid_t *spare, size_t count);
/* Kills and reaps all children, double forks included, within limit_ms. False if some are left. */
bool procs_end_children(int64_t limit_ms);
#endif
