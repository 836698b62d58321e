/* runner_wire.h - the messages between the daemon and its runner; private to runner.c, runner_child.c and runner_job.c.
 *
 * One message is one SOCK_SEQPACKET datagram: the head, then fields in a fixed order. Numbers are little-endian, texts are a
 * 32-bit length and the bytes. Whoever reads checks magic, version, kind, the stated length against the real one, every part
 * against its bound, and that nothing is left over; one that fails is dropped by the runner, and ends the daemon's trust in it.
 *
 *     head     u32 magic  u16 version  u16 kind  u32 length of the whole  u64 id
 *     JOB      i64 timeout_ms, i64 grace_ms, u32 attempt, u32 dry_run, u64 fence, 6 texts, u32 commands, each: u32 args, texts
 *     CANCEL   nothing
 *     RESULT   u32 outcome, i64 duration_ms, u64 output bytes, text sha256, u32 members, each: u32 end, i32 code; text tail */
#ifndef GUARDRAIL_WEBHOOK_RUNNER_WIRE_H
#define GUARDRAIL_WEBHOOK_RUNNER_WIRE_H
#include "runner.h"

#define WIRE_MAGIC 0x47525231u /* "GRR1" */
#define WIRE_VERSION 2u
#define WIRE_HEAD_BYTES 20u
#define WIRE_BYTES_MAX 98304u /* a full request or a full tail, with room for the rest */

enum wire_kind { WIRE_JOB = 1, WIRE_CANCEL = 2, WIRE_RESULT = 3 };

/* Writing: into a buffer whose error sticks. wire_begin empties it; wire_end fills in the length. */
void wire_begin(struct gr_buf *b, enum wire_kind kind, uint64_t id);
void wire_u32(struct gr_buf *b, uint32_t v);
void wire_u64(struct gr_buf *b, uint64_t v);
void wire_text(struct gr_buf *b, struct gr_str s);
GR_MUST_USE enum gr_err wire_end(struct gr_buf *b);

/* Reading: a cursor whose error sticks; after one, everything reads as 0 and empty. Texts point into the message. */
struct wire_in {
    struct gr_str rest;
    bool bad;
};
/* False if the head is not one of ours. */
bool wire_open(struct gr_str message, struct wire_in *in, enum wire_kind *kind, uint64_t *id);
uint32_t wire_get_u32(struct wire_in *in, uint32_t max);
uint64_t wire_get_u64(struct wire_in *in, uint64_t max);
struct gr_str wire_get_text(struct wire_in *in, size_t max);
/* Whether all went well and nothing is left. */
bool wire_done(const struct wire_in *in);

/* Whole messages. The request's arrays come from the arena; GR_ESYNTAX when it is not one. */
GR_MUST_USE enum gr_err wire_put_job(struct gr_buf *b, uint64_t id, int64_t grace_ms,
                                     const struct runner_request *r);
GR_MUST_USE enum gr_err wire_get_job(struct wire_in *in, struct gr_arena *a, int64_t *grace_ms,
                                     struct runner_request *r);
GR_MUST_USE enum gr_err wire_put_result(struct gr_buf *b, const struct runner_result *r);
GR_MUST_USE enum gr_err wire_get_result(struct wire_in *in, uint64_t id, struct runner_result *r);

/* One datagram. GR_OK, GR_EAGAIN (nothing there, not blocking), GR_ENOENT (the other side closed), GR_EIO, GR_ELIMIT (cut). */
GR_MUST_USE enum gr_err wire_send(int fd, struct gr_str message);
GR_MUST_USE enum gr_err wire_receive(int fd, bool wait, struct gr_buf *b);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t wire_now_ms(void);

/* What the runner process works with; set up before the fork. */
struct runner_setup {
    int socket;       /* its end */
    int folder;       /* actions_dir, opened */
    int lock;         /* runner_options.lock_fd */
    const char *path; /* the fixed PATH */
    const char *const *environment;
    int64_t grace_ms;
};
/* runner_child.c: the runner's main loop; returns when the daemon's end is closed and all jobs have ended. */
void runner_child_main(const struct runner_setup *setup);
/* runner_job.c: one supervisor: runs the job and sends the result. Never returns to the caller's loop: its result is the exit
 * status of the supervisor, 0 when the result was sent. */
int runner_job_main(const struct runner_setup *setup, uint64_t id, const struct runner_request *request,
                    int64_t grace_ms);
/* Whether a request is within the bounds of runner.h. */
bool runner_request_ok(const struct runner_request *request);
#endif
