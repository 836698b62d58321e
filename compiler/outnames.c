#include "config.h"
#include "outnames.h"

#include "guardrail/hash.h"
#include "guardrail/quote.h"

#define HASH_DIGITS 8u

enum gr_err
outname_uid(const struct model *m, struct gr_str what, struct gr_buf *b)
{
    char hex[GR_SHA256_HEX + 1];
    size_t start = b->n;
    enum gr_err err;

    gr_buf_printf(b, GR_FMT "-" GR_FMT, GR_ARG(m->spec), GR_ARG(what));
    if ((err = gr_buf_err(b)) != GR_OK || b->n - start <= UID_BYTES_MAX)
        return err;
    if ((err = gr_sha256_hex(gr_str_sub(gr_buf_str(b), start, b->n), hex)) != GR_OK)
        return err;
    gr_buf_cut(b, start + UID_BYTES_MAX - HASH_DIGITS - 1);
    gr_buf_printf(b, "-%.*s", (int)HASH_DIGITS, hex);
    return gr_buf_err(b);
}

/* FNV-1a, folded to 27 bits: no secret depends on it, only a number that does not change. */
static uint32_t
number_of(struct gr_str name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)((h ^ h >> 32) & 0x7ffffff);
}

uint32_t
outname_panel(const struct model *m, const struct guardrail *g)
{
    uint32_t number = number_of(g->name), same = 0;

    for (size_t i = 0; i < m->n_guardrails; i++)
        same += gr_str_cmp(m->guardrails[i].name, g->name) < 0 && number_of(m->guardrails[i].name) == number;
    return (UINT32_C(1) << 30) + (number + same) * OUTNAME_PANELS % (UINT32_C(1) << 30);
}

bool
outname_crowded(const struct model *m, const struct phase *p)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_guardrails; i++)
        n += (m->guardrails[i].phases >> (p - m->phases)) & 1;
    return n > DASH_MANY;
}

/* Below those of guardrails, above the fixed ones. */
uint32_t
outname_row(struct gr_str name)
{
    return (UINT32_C(1) << 29) + number_of(name);
}

struct gr_str
outname_canary(const struct model *m, const struct guardrail *g)
{
    return g->stream_scope ? GR_STR(COHORT_STREAM) : m->canary;
}

void
outname_secret(struct gr_buf *b, struct gr_str file)
{
    if (!gr_str_starts(file, GR_STR("/")))
        gr_buf_puts(b, "secrets/");
    gr_buf_put(b, file);
}

void
outname_variable(struct gr_buf *b, struct gr_str file)
{
    while (file.n > 0 && (file.p[0] == '/' || file.p[0] == '.'))
        file = gr_str_sub(file, 1, file.n);
    if (file.n > 0 && file.p[0] >= '0' && file.p[0] <= '9')
        gr_buf_putc(b, '_');
    for (size_t i = 0; i < file.n; i++) {
        char c = file.p[i];

        if (c >= 'a' && c <= 'z')
            gr_buf_putc(b, (char)(c - 'a' + 'A'));
        else
            gr_buf_putc(b, (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_');
    }
}

/* The matcher's value is quoted twice: first as a regular expression, then as a string. */
static void
put_values(struct gr_buf *b, const char *label, const char *op, const struct gr_str *values, size_t n)
{
    struct gr_buf re = GR_BUF_INIT(b->max);

    gr_buf_printf(b, "%s%s", label, op);
    if (n == 1) {
        gr_quote_promql(b, values[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            gr_buf_putc(&re, '|');
        gr_quote_regex(&re, values[i]);
    }
    if (gr_buf_err(&re) != GR_OK)
        b->err = gr_buf_err(&re);
    gr_quote_promql(b, gr_buf_str(&re));
    gr_buf_fini(&re);
}

void
outname_matcher_any(struct gr_buf *b, const char *label, const struct gr_str *values, size_t n)
{
    put_values(b, label, n == 1 ? "=" : "=~", values, n);
}

void
outname_matcher_none(struct gr_buf *b, const char *label, const struct gr_str *values, size_t n)
{
    put_values(b, label, n == 1 ? "!=" : "!~", values, n);
}

void
outname_matcher(struct gr_buf *b, const char *label, struct gr_str value)
{
    gr_buf_puts(b, label);
    gr_buf_putc(b, '=');
    gr_quote_promql(b, value);
}

struct gr_str
outname_setting(const struct action *a, const char *key)
{
    for (size_t i = 0; i < a->settings.n; i++)
        if (gr_str_is(a->settings.v[i].key, key))
            return a->settings.v[i].value;
    return GR_STR_NONE;
}
