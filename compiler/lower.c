/* lower.c - composing expressions: templates, branches, matchers over sets of guardrails. */
#include "config.h"
#include "lower.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "outnames.h"

static void
fail(struct lower *lo, enum gr_err err)
{
    if (lo->err == GR_OK)
        lo->err = err;
}

/* The text of a one-letter variable. */
static struct gr_str
variable(const struct lower *lo, char letter)
{
    switch (letter) {
    case 'S':
        return lo->spec;
    case 'R':
        return lo->release;
    case 'P':
        return lo->pure;
    case 'C':
        return lo->canary;
    case 'K':
        return lo->control;
    case 'T':
        return lo->subject;
    case 'Y':
        return lo->dynamic;
    case 'Z':
        return lo->dynamic_more;
    default:
        GR_ASSERT(letter == '$');
        return GR_STR("$");
    }
}

/* Expands one template; argv holds $1 … $9. */
static void
expand(struct lower *lo, const char *template, const char *const argv[9])
{
    for (const char *t = template, *end; *t; t++) {
        end = strchrnul(t, '$');
        gr_buf_put(&lo->expr, (struct gr_str){t, (size_t)(end - t)});
        if (!*end)
            return;
        t = end + 1;
        if (*t >= '1' && *t <= '9') {
            GR_ASSERT(argv[*t - '1'] != NULL);
            gr_buf_puts(&lo->expr, argv[*t - '1']);
        } else {
            gr_buf_put(&lo->expr, variable(lo, *t));
        }
    }
}

/* The arguments end with NULL. */
static void
put(struct lower *lo, const char *template, va_list ap)
{
    const char *argv[9] = {NULL}, *arg;
    size_t n = 0;

    while ((arg = va_arg(ap, const char *)) != NULL) {
        GR_ASSERT(n < 9);
        argv[n++] = arg;
    }
    if (lo->err == GR_OK)
        expand(lo, template, argv);
}

void
lower_put(struct lower *lo, const char *template, ...)
{
    va_list ap;

    va_start(ap, template);
    put(lo, template, ap);
    va_end(ap);
}

void
lower_branches(struct lower *lo, const char *separator)
{
    if (lo->err != GR_OK) /* what was being composed when memory ended is never used */
        gr_buf_reset(&lo->expr);
    GR_ASSERT(lo->expr.n == 0);
    lo->separator = separator;
}

void
lower_branch(struct lower *lo, const char *template, ...)
{
    va_list ap;

    if (lo->expr.n > 0)
        gr_buf_puts(&lo->expr, lo->separator);
    va_start(ap, template);
    put(lo, template, ap);
    va_end(ap);
}

static struct gr_rule *
finish(struct lower *lo, enum gr_rule_kind kind, const char *name)
{
    struct gr_rule *rule = NULL;

    if (lo->err == GR_OK)
        lo->err = gr_buf_err(&lo->expr);
    if (lo->err == GR_OK && lo->expr.n > 0) {
        rule = gr_rulefile_rule(lo->file, lo->group, kind, gr_str(name), gr_buf_str(&lo->expr));
        if (!rule)
            fail(lo, GR_ENOMEM);
    }
    gr_buf_reset(&lo->expr);
    return rule;
}

struct gr_rule *
lower_record(struct lower *lo, const char *name)
{
    return finish(lo, GR_RULE_RECORD, name);
}

struct gr_rule *
lower_alert(struct lower *lo, const char *name)
{
    return finish(lo, GR_RULE_ALERT, name);
}

void
lower_label(struct lower *lo, struct gr_rule *rule, const char *key, struct gr_str value)
{
    gr_rule_label(lo->file, rule, gr_str(key), value);
}

const char *
lower_cut(struct lower *lo, size_t from)
{
    struct gr_str s = GR_STR_NONE;

    if (lo->err == GR_OK && (lo->err = gr_buf_err(&lo->expr)) == GR_OK) {
        s = gr_arena_dup(lo->arena, gr_str_sub(gr_buf_str(&lo->expr), from, lo->expr.n));
        if (!s.p)
            fail(lo, GR_ENOMEM);
        gr_buf_cut(&lo->expr, from);
    }
    return s.p ? s.p : "";
}

void
lower_forget(struct lower *lo)
{
    GR_ASSERT(lo->expr.n == 0 || lo->err != GR_OK);
    if (!lo->keep)
        return;
    if (lo->err == GR_OK)
        lo->err = gr_arena_status(lo->arena);
    gr_arena_reset(lo->arena);
}

const char *
lower_text_from(struct lower *lo, const char *template, ...)
{
    size_t from = lo->expr.n;
    va_list ap;

    va_start(ap, template);
    put(lo, template, ap);
    va_end(ap);
    return lower_cut(lo, from);
}

const char *
lower_duration(struct lower *lo, int64_t ms)
{
    size_t from = lo->expr.n;

    gr_duration_print(&lo->expr, ms);
    return lower_cut(lo, from);
}

const char *
lower_dec(struct lower *lo, struct gr_dec v)
{
    size_t from = lo->expr.n;

    gr_dec_print(&lo->expr, v);
    return lower_cut(lo, from);
}

const char *
lower_uint(struct lower *lo, uint64_t v)
{
    size_t from = lo->expr.n;

    gr_buf_put_u64(&lo->expr, v);
    return lower_cut(lo, from);
}

const char *
lower_strs(struct lower *lo, struct strs labels, const char *before_each)
{
    size_t from = lo->expr.n;

    for (size_t i = 0; i < labels.n; i++) {
        gr_buf_puts(&lo->expr, before_each);
        gr_buf_put(&lo->expr, labels.v[i]);
    }
    return lower_cut(lo, from);
}

const char *
lower_cohort_label(struct lower *lo)
{
    struct gr_str s = gr_arena_dup(lo->arena, lo->m->cohort_label);

    if (!s.p)
        fail(lo, GR_ENOMEM);
    return s.p ? s.p : "";
}

const char *
lower_replacement(struct lower *lo, struct gr_str value)
{
    struct gr_buf b = GR_BUF_INIT(LOWER_EXPR_BYTES_MAX);
    size_t from = lo->expr.n;

    for (size_t i = 0; i < value.n; i++) {
        gr_buf_putc(&b, value.p[i]);
        if (value.p[i] == '$')
            gr_buf_putc(&b, '$');
    }
    if (gr_buf_err(&b) != GR_OK)
        fail(lo, gr_buf_err(&b));
    else
        gr_quote_promql(&lo->expr, gr_buf_str(&b));
    gr_buf_fini(&b);
    return lower_cut(lo, from);
}

/* A regular expression that matches one of n values, as a quoted PromQL string. */
static void
put_alternatives(struct lower *lo, const struct gr_str *values, size_t n)
{
    struct gr_buf regex = GR_BUF_INIT(LOWER_EXPR_BYTES_MAX);

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            gr_buf_putc(&regex, '|');
        gr_quote_regex(&regex, values[i]);
    }
    if (gr_buf_err(&regex) != GR_OK)
        fail(lo, gr_buf_err(&regex));
    else
        gr_quote_promql(&lo->expr, gr_buf_str(&regex));
    gr_buf_fini(&regex);
}

const char *
lower_values(struct lower *lo, struct gr_str label, const struct gr_str *values, size_t n, bool negated)
{
    size_t from = lo->expr.n;

    GR_ASSERT(n > 0);
    gr_buf_putc(&lo->expr, ',');
    gr_buf_put(&lo->expr, label);
    if (n == 1) {
        gr_buf_puts(&lo->expr, negated ? "!=" : "=");
        gr_quote_promql(&lo->expr, values[0]);
    } else {
        gr_buf_puts(&lo->expr, negated ? "!~" : "=~");
        put_alternatives(lo, values, n);
    }
    return lower_cut(lo, from);
}

bool
lower_any(const struct lower *lo, lower_pick *pick, const void *arg)
{
    for (size_t i = 0; i < lo->m->n_guardrails; i++)
        if (pick(&lo->m->guardrails[i], arg))
            return true;
    return false;
}

const char *
lower_which(struct lower *lo, lower_pick *pick, const void *arg)
{
    const struct model *m = lo->m;
    struct gr_str *names = lo->names;
    size_t in = 0, out = m->n_guardrails;

    if (!names && !(names = lo->names =
                        gr_arena_array(lo->keep ? lo->keep : lo->arena, m->n_guardrails, sizeof *names))) {
        fail(lo, GR_ENOMEM);
        return NULL;
    }
    for (size_t i = 0; i < m->n_guardrails; i++) {
        if (pick(&m->guardrails[i], arg))
            names[in++] = m->guardrails[i].name;
        else
            names[--out] = m->guardrails[i].name;
    }
    if (in == 0)
        return NULL;
    if (in == m->n_guardrails)
        return "";
    if (in > 8 && in > m->n_guardrails - in)
        return lower_values(lo, GR_STR("guardrail"), names + out, m->n_guardrails - out, true);
    return lower_values(lo, GR_STR("guardrail"), names, in, false);
}

const char *
lower_which_of(struct lower *lo, lower_pick *kind, lower_pick *pick, const void *arg)
{
    for (size_t i = 0; i < lo->m->n_guardrails; i++)
        if (kind(&lo->m->guardrails[i], NULL) && !pick(&lo->m->guardrails[i], arg))
            return lower_which(lo, pick, arg);
    return lower_any(lo, pick, arg) ? "" : NULL;
}

const char *
lower_phases(struct lower *lo, uint32_t phases, bool negated)
{
    struct gr_str names[MODEL_PHASES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < lo->m->n_phases; i++)
        if (phases & (UINT32_C(1) << i))
            names[n++] = lo->m->phases[i].name;
    return lower_values(lo, GR_STR("phase"), names, n, negated);
}

bool
is_histogram(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->metric.kind == METRIC_HISTOGRAM;
}

bool
is_ratio(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
}

bool
is_sum(const struct guardrail *g, const void *arg)
{
    return is_ratio(g, arg) || is_histogram(g, arg);
}

bool
is_value(const struct guardrail *g, const void *arg)
{
    return !is_sum(g, arg);
}

bool
is_fixed(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return g->limit.against == AGAINST_FIXED;
}

bool
is_compared(const struct guardrail *g, const void *arg)
{
    return !is_fixed(g, arg);
}

bool
is_sequential(const struct guardrail *g, const void *arg)
{
    return is_compared(g, arg) && g->evidence.kind == EVIDENCE_SEQUENTIAL;
}

bool
is_point(const struct guardrail *g, const void *arg)
{
    return is_compared(g, arg) && g->evidence.kind == EVIDENCE_POINT;
}

bool
has_backstop(const struct guardrail *g, const void *arg)
{
    (void)arg;
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (side_is_backstop(g->limit.bounds[i].side))
            return true;
    return false;
}

bool
has_soft(const struct guardrail *g, const void *arg)
{
    (void)arg;
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == LEVEL_SOFT)
            return true;
    return false;
}

const char *
lower_op(const struct bound *b)
{
    if (side_is_lower(b->side))
        return b->inclusive ? "<=" : "<";
    return b->inclusive ? ">=" : ">";
}

const char *
lower_not_early(const struct lower *lo)
{
    return lower_any(lo, has_backstop, NULL) ? ",cohort!=\"" COHORT_EARLY "\"" : "";
}

uint64_t
lower_backstop_total(const struct guardrail *g)
{
    double q = gr_dec_double(g->metric.quantile), share = 1;

    if (!is_histogram(g, NULL) || !has_backstop(g, NULL))
        return 0;
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].side == SIDE_BACKSTOP && 1 - q < share)
            share = 1 - q;
        else if (g->limit.bounds[i].side == SIDE_BACKSTOP_LOWER && q < share)
            share = q;
    /* A billionth less, so that 5 / (1 − 0.99) is 500 and not 501. */
    return (uint64_t)ceil(g->evidence.min_events / share * (1 - 1e-9));
}
