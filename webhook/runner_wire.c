#include "config.h"
#include "runner_wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

int64_t
wire_now_ms(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
        GR_ASSERT(false && "the monotonic clock exists");
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
put_le(struct gr_buf *b, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        gr_buf_putc(b, (char)(v >> (8 * i) & 0xff));
}

void
wire_u32(struct gr_buf *b, uint32_t v)
{
    put_le(b, v, 4);
}

void
wire_u64(struct gr_buf *b, uint64_t v)
{
    put_le(b, v, 8);
}

void
wire_text(struct gr_buf *b, struct gr_str s)
{
    if (s.n > WIRE_BYTES_MAX) {
        b->err = GR_ELIMIT;
        return;
    }
    wire_u32(b, (uint32_t)s.n);
    gr_buf_put(b, s);
}

void
wire_begin(struct gr_buf *b, enum wire_kind kind, uint64_t id)
{
    gr_buf_reset(b);
    wire_u32(b, WIRE_MAGIC);
    put_le(b, WIRE_VERSION, 2);
    put_le(b, kind, 2);
    wire_u32(b, 0); /* the length, by wire_end */
    wire_u64(b, id);
}

enum gr_err
wire_end(struct gr_buf *b)
{
    if (gr_buf_err(b) != GR_OK)
        return gr_buf_err(b);
    for (size_t i = 0; i < 4; i++)
        b->p[8 + i] = (char)(b->n >> (8 * i) & 0xff);
    return GR_OK;
}

static uint64_t
get_le(struct wire_in *in, size_t bytes)
{
    uint64_t v = 0;

    if (in->bad || in->rest.n < bytes) {
        in->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)in->rest.p[i] << (8 * i);
    in->rest = gr_str_sub(in->rest, bytes, in->rest.n);
    return v;
}

bool
wire_open(struct gr_str message, struct wire_in *in, enum wire_kind *kind, uint64_t *id)
{
    uint64_t magic, version, k, length;

    *in = (struct wire_in){message, false};
    magic = get_le(in, 4);
    version = get_le(in, 2);
    k = get_le(in, 2);
    length = get_le(in, 4);
    *id = get_le(in, 8);
    *kind = (enum wire_kind)k;
    return !in->bad && magic == WIRE_MAGIC && version == WIRE_VERSION && length == message.n &&
           k >= WIRE_JOB && k <= WIRE_RESULT;
}

uint32_t
wire_get_u32(struct wire_in *in, uint32_t max)
{
    uint64_t v = get_le(in, 4);

    if (v > max)
        in->bad = true;
    return in->bad ? 0 : (uint32_t)v;
}

uint64_t
wire_get_u64(struct wire_in *in, uint64_t max)
{
    uint64_t v = get_le(in, 8);

    if (v > max)
        in->bad = true;
    return in->bad ? 0 : v;
}

struct gr_str
wire_get_text(struct wire_in *in, size_t max)
{
    size_t n = wire_get_u32(in, UINT32_MAX);
    struct gr_str s;

    if (n > max || n > in->rest.n)
        in->bad = true;
    if (in->bad)
        return GR_STR_NONE;
    s = gr_str_sub(in->rest, 0, n);
    in->rest = gr_str_sub(in->rest, n, in->rest.n);
    return s;
}

bool
wire_done(const struct wire_in *in)
{
    return !in->bad && in->rest.n == 0;
}

enum gr_err
wire_put_job(struct gr_buf *b, uint64_t id, int64_t grace_ms, const struct runner_request *r)
{
    wire_begin(b, WIRE_JOB, id);
    wire_u64(b, (uint64_t)r->timeout_ms);
    wire_u64(b, (uint64_t)grace_ms);
    wire_u32(b, r->attempt);
    wire_u32(b, r->dry_run);
    wire_u64(b, r->fence);
    wire_text(b, r->deployment_id);
    wire_text(b, r->guardrail);
    wire_text(b, r->phase);
    wire_text(b, r->effect_id);
    wire_text(b, r->step);
    wire_text(b, r->idempotency_key);
    wire_u32(b, (uint32_t)r->command_count);
    for (size_t i = 0; i < r->command_count; i++) {
        wire_u32(b, (uint32_t)r->commands[i].count);
        for (size_t k = 0; k < r->commands[i].count; k++)
            wire_text(b, r->commands[i].args[k]);
    }
    return wire_end(b);
}

static enum gr_err
get_command(struct wire_in *in, struct gr_arena *a, struct policy_argv *command)
{
    size_t n = wire_get_u32(in, POLICY_ARGS_MAX);
    struct gr_str *args = gr_arena_array(a, n, sizeof *args);

    if (!args)
        return GR_ENOMEM;
    for (size_t k = 0; k < n; k++)
        args[k] = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    *command = (struct policy_argv){args, n};
    return GR_OK;
}

enum gr_err
wire_get_job(struct wire_in *in, struct gr_arena *a, int64_t *grace_ms, struct runner_request *r)
{
    struct policy_argv *commands;
    enum gr_err err = GR_OK;

    r->timeout_ms = (int64_t)wire_get_u64(in, (uint64_t)RUNNER_TIMEOUT_MS_MAX);
    *grace_ms = (int64_t)wire_get_u64(in, (uint64_t)RUNNER_TIMEOUT_MS_MAX);
    r->attempt = wire_get_u32(in, UINT32_MAX);
    r->dry_run = wire_get_u32(in, 1) == 1;
    r->fence = wire_get_u64(in, UINT64_MAX);
    r->deployment_id = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    r->guardrail = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    r->phase = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    r->effect_id = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    r->step = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    r->idempotency_key = wire_get_text(in, RUNNER_REQUEST_BYTES_MAX);
    r->command_count = wire_get_u32(in, POLICY_COMMANDS_MAX);
    if (!(commands = gr_arena_array(a, r->command_count, sizeof *commands)))
        return GR_ENOMEM;
    for (size_t i = 0; err == GR_OK && i < r->command_count; i++)
        err = get_command(in, a, &commands[i]);
    r->commands = commands;
    if (err == GR_OK && (!wire_done(in) || !runner_request_ok(r)))
        err = GR_ESYNTAX;
    return err;
}

enum gr_err
wire_put_result(struct gr_buf *b, const struct runner_result *r)
{
    wire_begin(b, WIRE_RESULT, r->id);
    wire_u32(b, (uint32_t)r->outcome);
    wire_u64(b, (uint64_t)r->duration_ms);
    wire_u64(b, r->output_bytes);
    wire_text(b, gr_str(r->output_sha256));
    wire_u32(b, (uint32_t)r->member_count);
    for (size_t i = 0; i < r->member_count; i++) {
        wire_u32(b, (uint32_t)r->members[i].end);
        wire_u32(b, (uint32_t)r->members[i].code);
    }
    wire_text(b, gr_buf_str(&r->tail));
    return wire_end(b);
}

enum gr_err
wire_get_result(struct wire_in *in, uint64_t id, struct runner_result *r)
{
    struct gr_str hash;

    r->id = id;
    r->outcome = (enum runner_outcome)wire_get_u32(in, RUNNER_OUTCOMES - 1);
    r->duration_ms = (int64_t)wire_get_u64(in, INT64_MAX);
    r->output_bytes = wire_get_u64(in, UINT64_MAX);
    hash = wire_get_text(in, GR_SHA256_HEX);
    memset(r->output_sha256, 0, sizeof r->output_sha256);
    if (hash.n > 0)
        memcpy(r->output_sha256, hash.p, hash.n);
    r->member_count = wire_get_u32(in, POLICY_COMMANDS_MAX);
    for (size_t i = 0; i < r->member_count; i++) {
        r->members[i].end = (enum runner_end)wire_get_u32(in, RUNNER_UNSTARTED);
        r->members[i].code = (int)wire_get_u32(in, INT32_MAX);
    }
    gr_buf_reset(&r->tail);
    gr_buf_put(&r->tail, wire_get_text(in, RUNNER_TAIL_BYTES_MAX));
    if (!wire_done(in))
        return GR_ESYNTAX;
    return gr_buf_err(&r->tail);
}

enum gr_err
wire_send(int fd, struct gr_str message)
{
    ssize_t n;

    do
        n = send(fd, message.p, message.n, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EPIPE || errno == ECONNRESET ? GR_ENOENT : GR_EIO;
    return (size_t)n == message.n ? GR_OK : GR_EIO;
}

enum gr_err
wire_receive(int fd, bool wait, struct gr_buf *b)
{
    ssize_t n;
    char *room;

    gr_buf_reset(b);
    if (!(room = gr_buf_room(b, WIRE_BYTES_MAX)))
        return gr_buf_err(b);
    do
        n = recv(fd, room, WIRE_BYTES_MAX, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return GR_EAGAIN;
    if (n < 0)
        return errno == ECONNRESET ? GR_ENOENT : GR_EIO;
    if (n == 0)
        return GR_ENOENT;
    if ((size_t)n > WIRE_BYTES_MAX)
        return GR_ELIMIT;
    b->n = (size_t)n;
    b->p[b->n] = '\0';
    return GR_OK;
}
