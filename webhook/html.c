#include "config.h"
#include "html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "guardrail/duration.h"
#include "guardrail/quote.h"

static void
put_number(struct gr_buf *b, const char *spec, va_list *ap)
{
    if (strcmp(spec, "d") == 0)
        gr_buf_put_i64(b, va_arg(*ap, int));
    else if (strcmp(spec, "u") == 0)
        gr_buf_put_u64(b, va_arg(*ap, unsigned));
    else if (strcmp(spec, "zu") == 0)
        gr_buf_put_u64(b, va_arg(*ap, size_t));
    else if (strcmp(spec, "ld") == 0)
        gr_buf_put_i64(b, va_arg(*ap, long));
    else if (strcmp(spec, "lld") == 0)
        gr_buf_put_i64(b, va_arg(*ap, long long));
    else
        GR_ASSERT(false); /* a conversion that html_put does not know */
}

/* at: behind the %. Returns what stands behind the conversion. */
static const char *
put_one(struct gr_buf *b, const char *at, va_list *ap)
{
    char spec[4] = "";
    size_t n = 0;

    if (*at == '%') {
        gr_buf_putc(b, '%');
        return at + 1;
    }
    if (*at == 's') {
        gr_quote_html(b, gr_str(va_arg(*ap, const char *)));
        return at + 1;
    }
    if (strncmp(at, ".*s", 3) == 0) {
        int bytes = va_arg(*ap, int);
        const char *p = va_arg(*ap, const char *);

        GR_ASSERT(bytes >= 0);
        gr_quote_html(b, (struct gr_str){p, (size_t)bytes});
        return at + 3;
    }
    while (n < sizeof spec - 1 && *at && strchr("lzdu", *at)) {
        spec[n++] = *at;
        if (strchr("du", *at++))
            break;
    }
    put_number(b, spec, ap);
    return at;
}

void
html_put(struct gr_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    while (*fmt) {
        size_t n = strcspn(fmt, "%");

        gr_buf_put(b, (struct gr_str){fmt, n});
        fmt += n;
        if (*fmt)
            fmt = put_one(b, fmt + 1, &ap);
    }
    va_end(ap);
}

void
html_cut(struct gr_buf *b, struct gr_str s, size_t max)
{
    size_t n = s.n < max ? s.n : max;

    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0u) == 0x80u)
        n--;
    html_put(b, GR_FMT "%s", GR_ARG(gr_str_sub(s, 0, n)), n < s.n ? "…" : "");
}

void
html_time(struct gr_buf *b, int64_t unix_ms, int64_t now_ms)
{
    struct gr_buf at = GR_BUF_INIT(64), now = GR_BUF_INIT(64);
    struct gr_str text;

    if (unix_ms == 0)
        return;
    gr_time_print(&at, unix_ms);
    gr_time_print(&now, now_ms);
    text = gr_buf_str(&at);
    if (gr_buf_err(&at) != GR_OK || gr_buf_err(&now) != GR_OK || text.n < 20) {
        b->err = GR_ENOMEM;
    } else {
        html_put(b, "<time datetime=\"" GR_FMT "\">", GR_ARG(text));
        if (!gr_str_eq(gr_str_sub(text, 0, 10), gr_str_sub(gr_buf_str(&now), 0, 10)))
            html_put(b, GR_FMT " ", GR_ARG(gr_str_sub(text, 0, 10)));
        html_put(b, GR_FMT "</time>", GR_ARG(gr_str_sub(text, 11, 19)));
    }
    gr_buf_fini(&at);
    gr_buf_fini(&now);
}

void
html_span(struct gr_buf *b, int64_t ms)
{
    int64_t s = ms > 0 ? ms / 1000 : 0;

    if (s < 60)
        html_put(b, "%" PRId64 " s", s);
    else if (s < 3600)
        html_put(b, "%" PRId64 " min", s / 60);
    else if (s < 86400 && s % 3600 < 60)
        html_put(b, "%" PRId64 " h", s / 3600);
    else if (s < 86400)
        html_put(b, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
    else
        html_put(b, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}
