#include "config.h"
#include "jw.h"

#include <inttypes.h>
#include <math.h>
#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"

static void
put_key(struct jw *w, const char *key)
{
    if (w->comma)
        gr_buf_putc(w->b, ',');
    if (key) {
        gr_quote_json(w->b, gr_str(key));
        gr_buf_putc(w->b, ':');
    }
    w->comma = true;
}

void
jw_open(struct jw *w, const char *key, char bracket)
{
    put_key(w, key);
    gr_buf_putc(w->b, bracket);
    w->comma = false;
}

void
jw_close(struct jw *w, char bracket)
{
    gr_buf_putc(w->b, bracket);
    w->comma = true;
}

void
jw_str(struct jw *w, const char *key, struct gr_str value)
{
    put_key(w, key);
    gr_quote_json(w->b, value);
}

void
jw_text(struct jw *w, const char *key, const char *value)
{
    if (value)
        jw_str(w, key, gr_str(value));
    else
        jw_null(w, key);
}

void
jw_i64(struct jw *w, const char *key, int64_t value)
{
    put_key(w, key);
    gr_buf_printf(w->b, "%" PRId64, value);
}

void
jw_double(struct jw *w, const char *key, double value)
{
    put_key(w, key);
    if (isfinite(value))
        gr_double_print(w->b, value);
    else
        gr_buf_puts(w->b, "null");
}

void
jw_bool(struct jw *w, const char *key, bool value)
{
    put_key(w, key);
    gr_buf_puts(w->b, value ? "true" : "false");
}

void
jw_null(struct jw *w, const char *key)
{
    put_key(w, key);
    gr_buf_puts(w->b, "null");
}

void
jw_time(struct jw *w, const char *key, int64_t unix_ms)
{
    put_key(w, key);
    if (unix_ms <= 0) {
        gr_buf_puts(w->b, "null");
        return;
    }
    gr_buf_putc(w->b, '"');
    gr_time_print(w->b, unix_ms);
    gr_buf_putc(w->b, '"');
}

void
jw_raw(struct jw *w, const char *key, struct gr_str json)
{
    put_key(w, key);
    gr_buf_put(w->b, json);
}

void
jw_labels(struct jw *w, const char *key, struct label_set set)
{
    put_key(w, key);
    gr_buf_putc(w->b, '{');
    for (size_t i = 0; i < set.count; i++) {
        if (i)
            gr_buf_putc(w->b, ',');
        gr_quote_json(w->b, set.items[i].name);
        gr_buf_putc(w->b, ':');
        gr_quote_json(w->b, set.items[i].value);
    }
    gr_buf_putc(w->b, '}');
}
