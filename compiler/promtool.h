/* promtool.h - promtool as a child: started by name with an argument list, never through a shell, bounded in time and output. */
#ifndef GUARDRAIL_COMPILER_PROMTOOL_H
#define GUARDRAIL_COMPILER_PROMTOOL_H
#include <sys/types.h>

#include "guardrail/buf.h"

#define PROMTOOL_TIMEOUT_MS 120000
#define PROMTOOL_BYTES_MAX (8u << 20)
#define PROMTOOL_JOBS_MAX 16u

enum promtool_end {
    PROMTOOL_PASSED,
    PROMTOOL_FAILED,  /* output says what */
    PROMTOOL_ABSENT,  /* there is no such program */
    PROMTOOL_TIMEOUT, /* killed */
    PROMTOOL_MACHINE
};
/* One run. Zero it before the first; out is the caller's to free. */
struct promtool_run {
    bool running;
    pid_t pid;
    int fd;
    int64_t deadline_ms; /* on the monotonic clock */
    const char *until;   /* output that tells enough: killed when this comes, and it has failed; NULL: none */
    struct gr_buf out;   /* both its outputs, up to PROMTOOL_BYTES_MAX; what is more is dropped */
    enum promtool_end end;
};
/* Which promtool: `given` if not NULL or empty, as from the environment's PROMTOOL; else "promtool", which PATH finds. */
const char *promtool_program(const char *given);
/* Starts `PROGRAM ARGUMENT…`; argv ends with NULL and begins with the program. If that fails the run has ended already. */
void promtool_start(struct promtool_run *r, const char *const *argv);
/* Waits for output or the end of any of n runs, at most until a deadline; kills what is over it. Returns whether any run has ended. */
bool promtool_wait(struct promtool_run *const *runs, size_t n);
/* Kills and reaps, if it runs. */
void promtool_stop(struct promtool_run *r);
int64_t promtool_clock_ms(void);
#endif
