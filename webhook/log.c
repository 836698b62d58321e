#include "config.h"
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>
#include "guardrail/buf.h"
#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "guardrail/sys.h"

#define LINE_BYTES_MAX (64u << 10)

struct log {
    int fd; /* borrowed */
    enum log_format format;
    atomic_int least; /* enum log_level */
    atomic_uint_fast64_t lost;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

const char *
log_level_name(enum log_level level)
{
    return level_names[level];
}

struct log *
log_create(int fd, enum log_format format, enum log_level least)
{
    struct log *log = gr_sys.realloc(NULL, sizeof *log);

    if (!log)
        return NULL;
    log->fd = fd;
    log->format = format;
    atomic_init(&log->least, (int)least);
    atomic_init(&log->lost, 0);
    return log;
}

void
log_set_level(struct log *log, enum log_level least)
{
    atomic_store(&log->least, (int)least);
}

void
log_free(struct log *log)
{
    if (log)
        gr_sys.free(log);
}

/* Bare when a logfmt reader takes it as it is, else quoted with the log escapes inside. */
static void
put_logfmt_value(struct gr_buf *b, struct gr_str v)
{
    bool bare = v.n > 0;

    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            bare = false;
    }
    if (bare) {
        gr_buf_put(b, v);
        return;
    }
    struct gr_buf escaped = GR_BUF_INIT(LINE_BYTES_MAX);
    gr_quote_log(&escaped, v);
    gr_buf_putc(b, '"');
    for (size_t i = 0; i < escaped.n; i++) {
        if (escaped.p[i] == '"')
            gr_buf_putc(b, '\\');
        gr_buf_putc(b, escaped.p[i]);
    }
    gr_buf_putc(b, '"');
    gr_buf_fini(&escaped);
}

static void
put_pair(struct gr_buf *b, enum log_format format, const char *name, struct gr_str value, bool first)
{
    if (format == LOG_JSON) {
        gr_buf_puts(b, first ? "{" : ",");
        gr_quote_json(b, gr_str(name));
        gr_buf_putc(b, ':');
        gr_quote_json(b, value);
        return;
    }
    if (!first)
        gr_buf_putc(b, ' ');
    gr_buf_puts(b, name);
    gr_buf_putc(b, '=');
    put_logfmt_value(b, value);
}

bool
log_wants(const struct log *log, enum log_level level)
{
    return log && (int)level >= atomic_load(&log->least);
}

void
log_event(struct log *log, enum log_level level, const char *message, ...)
{
    struct gr_buf line = GR_BUF_INIT(LINE_BYTES_MAX), when = GR_BUF_INIT(64);
    struct timespec ts;
    const char *name;
    va_list ap;

    if (!log_wants(log, level))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail with this clock */
    gr_time_print(&when, (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
    put_pair(&line, log->format, "ts", gr_buf_str(&when), true);
    put_pair(&line, log->format, "level", gr_str(log_level_name(level)), false);
    put_pair(&line, log->format, "msg", gr_str(message), false);
    va_start(ap, message);
    while ((name = va_arg(ap, const char *)) != NULL) {
        const char *value = va_arg(ap, const char *);
        if (value)
            put_pair(&line, log->format, name, gr_str(value), false);
    }
    va_end(ap);
    gr_buf_puts(&line, log->format == LOG_JSON ? "}\n" : "\n");
    if (gr_buf_err(&line) != GR_OK || gr_sys.write(log->fd, line.p, line.n) != (ssize_t)line.n)
        atomic_fetch_add(&log->lost, 1); /* there is nowhere else to say it; /metrics shows the count */
    gr_buf_fini(&line);
    gr_buf_fini(&when);
}

uint64_t
log_lost(const struct log *log)
{
    return log ? atomic_load(&log->lost) : 0;
}
