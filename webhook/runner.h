/* runner.h - runs programs, in a process of its own that holds no sockets and no secrets.
 *
 * runner_start forks the runner before the daemon starts threads, opens listeners or reads secrets. The two talk over one
 * SOCK_SEQPACKET pair; every message has a magic, a version, a length that must fit, and bounded parts. For each job the runner
 * forks a supervisor, a child subreaper that owns exactly that job's processes, so jobs run side by side and nothing of a job
 * survives it: at the end everything that still descends from the supervisor is killed, double forks and setsid included. When the
 * daemon dies, supervisors end their jobs the same way (PR_SET_PDEATHSIG and the closed socket).
 *
 * A program gets: argv as given (no shell, ever), the working folder actions_dir, standard input /dev/null or the pipe from its
 * left neighbour, output captured, no other descriptor, default signals, its own process group, no new privileges, no core, and
 * exactly this environment: PATH, LANG=C, GR_DEPLOYMENT_ID, GR_GUARDRAIL, GR_PHASE, GR_EFFECT_ID, GR_STEP, GR_ATTEMPT,
 * GR_DRY_RUN (0 or 1), of rollback steps GR_FENCE and GR_IDEMPOTENCY_KEY, and what runner_options.environment adds (as KUBECONFIG).
 * A program's name is an absolute path, a path below actions_dir (it holds a '/', no ".." part), or searched in the fixed PATH.
 *
 * Deadline: SIGTERM to the group, grace_ms later SIGKILL to everything left.
 *
 * Thread: struct runner belongs to one thread (the executor). runner_cancel and the rest are not to be mixed from several. */
#ifndef GUARDRAIL_WEBHOOK_RUNNER_H
#define GUARDRAIL_WEBHOOK_RUNNER_H
#include "guardrail/hash.h"
#include "policy.h"

#define RUNNER_JOBS_MAX 16u
#define RUNNER_REQUEST_BYTES_MAX 65536u /* all arguments of a job together, roughly */
#define RUNNER_TAIL_BYTES_MAX 65536u    /* output kept: its end */
#define RUNNER_TIMEOUT_MS_MAX INT64_C(3600000)
#define RUNNER_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct runner_options {
    const char *actions_dir; /* must exist; programs run there */
    const char *path;        /* NULL: RUNNER_DEFAULT_PATH */
    int64_t grace_ms;        /* between SIGTERM and SIGKILL; 0: 5000 */
    int lock_fd; /* > 0: kept open by the runner and its supervisors, not by programs; so a flock on it ends with the last of them */
    const char *const *environment; /* "NAME=value", NULL-terminated; NULL: none. No PATH, LANG, LD_*, GR_* */
};
struct runner; /* opaque */

/* Forks the runner. Call while the process has one thread. GR_ENOENT, GR_EACCES: actions_dir; GR_EUSER: a bad environment entry;
 * GR_EAGAIN, GR_ENOMEM, GR_EIO. *out: runner_stop. */
GR_MUST_USE enum gr_err runner_start(const struct runner_options *options, struct runner **out);
/* Closes the socket, whereupon running jobs are ended (SIGTERM, grace, SIGKILL), and waits for the runner. Accepts NULL. */
void runner_stop(struct runner *r);
/* For poll: readable when runner_next would return at once. */
int runner_fd(const struct runner *r);
int64_t runner_pid(const struct runner *r);
/* Whether the runner can take no job any more: its end of the socket is closed. For the thread that owns r. */
bool runner_gone(struct runner *r);
/* Whether the runner process has ended (it is reaped then). For the thread that called runner_start, after a SIGCHLD; once true,
 * runner_stop only frees. */
bool runner_ended(struct runner *r);

/* Whether a text may name a program: an absolute path, a path below actions_dir, or a plain name; no "." or ".." part, no
 * leading '-', no trailing '/'. */
bool runner_program_ok(struct gr_str program);

struct runner_request {
    const struct policy_argv *commands; /* expanded (expand.h); several: a pipeline, left to right */
    size_t command_count;               /* 1 … POLICY_COMMANDS_MAX */
    int64_t timeout_ms;                 /* 1 … RUNNER_TIMEOUT_MS_MAX */
    struct gr_str deployment_id, guardrail, phase, effect_id, step; /* no NULs; may be empty */
    uint32_t attempt;                                               /* from 1 */
    /* Grows whenever a rollback is taken up, after a crash as well: a target can refuse whoever comes with a smaller one. 0: none. */
    uint64_t fence;
    struct gr_str idempotency_key; /* the same for every attempt of one step of one arming; empty: none */
    bool dry_run;                  /* GR_DRY_RUN=1; the program is run all the same */
};
/* Hands a job over; returns at once. id: the caller's, unique among running jobs. GR_ERANGE: a bad request (empty argv, "..",
 * a NUL, too long); GR_EAGAIN: RUNNER_JOBS_MAX are running; GR_EEXIST: the id runs; GR_EIO: the runner is gone. */
GR_MUST_USE enum gr_err runner_submit(struct runner *r, uint64_t id, const struct runner_request *request);
/* Asks to end a job early: SIGTERM, grace, SIGKILL. Its result still comes. GR_ENOENT: no such job; GR_EIO. */
GR_MUST_USE enum gr_err runner_cancel(struct runner *r, uint64_t id);

enum runner_outcome {
    RUNNER_SUCCEEDED, /* every member exited with 0 */
    RUNNER_FAILED,    /* a member exited otherwise or died by a signal */
    RUNNER_TIMED_OUT,
    RUNNER_CANCELLED,
    RUNNER_NOT_STARTED, /* a program was not found or could not be executed, or fork failed; started members were killed */
    RUNNER_LOST, /* the supervisor died: what ran is unknown. Treat as a crash: ambiguous unless idempotent */
    RUNNER_OUTCOMES
};
const char *runner_outcome_name(enum runner_outcome outcome); /* "succeeded", "failed", "timed-out" … */
enum runner_end { RUNNER_EXITED, RUNNER_SIGNALED, RUNNER_UNSTARTED };
struct runner_member {
    enum runner_end end;
    int code; /* exit status, signal number, or errno */
};
struct runner_result {
    uint64_t id;
    enum runner_outcome outcome;
    struct runner_member members[POLICY_COMMANDS_MAX];
    size_t member_count;
    int64_t duration_ms;
    uint64_t output_bytes;                 /* all there was */
    char output_sha256[GR_SHA256_HEX + 1]; /* of all there was */
    struct gr_buf tail;                    /* the last RUNNER_TAIL_BYTES_MAX of it: foreign bytes */
};
#define RUNNER_RESULT_INIT                                                                                   \
    {                                                                                                        \
        .tail = GR_BUF_INIT(RUNNER_TAIL_BYTES_MAX)                                                           \
    }
void runner_result_fini(struct runner_result *result);
/* Waits up to timeout_ms (-1: for ever, 0: no wait) for any job's result. GR_ETIMEOUT: none yet; GR_ENOENT: no job is running;
 * GR_EIO: the runner is gone, with it all running jobs: they are ambiguous, and the daemon must be restarted to get a new one. */
GR_MUST_USE enum gr_err runner_next(struct runner *r, int64_t timeout_ms, struct runner_result *result);
/* submit and next in one, for a caller that has no other job running. */
GR_MUST_USE enum gr_err runner_run(struct runner *r, const struct runner_request *request,
                                   struct runner_result *result);
/* One line for people: "exit 3", "killed by signal 9", "timed out after 10000 ms", "kustomize: exit 1; kubectl: exit 0". */
void runner_result_print(struct gr_buf *b, const struct runner_result *result);
#endif
