/* prove_input.c - raw samples as promtool's input_series, for whatever selectors the user wrote. */
#include "config.h"
#include "prove.h"

#include <math.h>

#include "guardrail/policy.h"
#include "guardrail/quote.h"

#define COMMON_VALUE 0.5 /* of series without a cohort */

/* ---- one value of a regular expression ---- */

/* Appends a text that the simple ones among regular expressions match: literals, ., [abc], \d, (a|b), with ? * + behind. false: too hard. */
static bool
sample_regex(struct gr_buf *b, struct gr_str re, size_t *at)
{
    for (; *at < re.n && re.p[*at] != ')'; (*at)++) {
        size_t from = b->n;
        char c = re.p[*at];

        if (c == '|') {
            unsigned depth = 0; /* the first alternative will do: skip to the end of the group */
            for (; *at < re.n && (depth > 0 || re.p[*at] != ')'); (*at)++)
                depth += re.p[*at] == '(' ? 1u : re.p[*at] == ')' ? (unsigned)-1 : 0u;
            return true;
        }
        if (c == '(') {
            (*at)++;
            if (*at + 1 < re.n && re.p[*at] == '?' && re.p[*at + 1] == ':')
                *at += 2;
            if (!sample_regex(b, re, at) || *at >= re.n)
                return false;
        } else if (c == '[') {
            if (*at + 2 >= re.n || re.p[*at + 1] == '^')
                return false;
            gr_buf_putc(b, re.p[*at + 1]);
            while (*at < re.n && re.p[*at] != ']')
                (*at)++;
        } else if (c == '\\') {
            if (++*at >= re.n)
                return false;
            gr_buf_putc(b, re.p[*at] == 'd' ? '0' : re.p[*at] == 'w' ? 'x' : re.p[*at]);
        } else if (c == '{' || c == '^' || c == '$' || c == '?' || c == '*' || c == '+') {
            return false;
        } else {
            gr_buf_putc(b, c == '.' ? '0' : c);
        }
        if (*at + 1 < re.n && (re.p[*at + 1] == '?' || re.p[*at + 1] == '*' || re.p[*at + 1] == '+')) {
            (*at)++;
            if (re.p[*at] == '?')
                gr_buf_cut(b, from);
        }
    }
    return true;
}

static bool
sample(struct gr_buf *b, struct gr_str re)
{
    size_t at = 0;

    return sample_regex(b, re, &at) && at == re.n;
}

/* ---- expressions ---- */

static bool
is_common(const struct guardrail *g, const struct gr_promql *e)
{
    for (size_t i = 0; i < g->metric.common.n; i++)
        if (gr_str_eq(g->metric.common.v[i], gr_promql_metric(e)))
            return true;
    return false;
}

static double
arithmetic(enum gr_promql_op op, double a, double b)
{
    switch ((int)op) {
    case GR_PROMQL_ADD:
        return a + b;
    case GR_PROMQL_SUB:
        return a - b;
    case GR_PROMQL_MUL:
        return a * b;
    case GR_PROMQL_DIV:
        return a / b;
    default:
        return (double)NAN;
    }
}

static double
value_of(const struct guardrail *g, const struct gr_promql *e, double v)
{
    switch ((int)e->kind) {
    case GR_PROMQL_NUMBER:
        return e->u.number;
    case GR_PROMQL_SELECTOR:
        return is_common(g, e) ? COMMON_VALUE : v;
    case GR_PROMQL_PAREN:
        return value_of(g, e->child[0], v);
    case GR_PROMQL_UNARY:
        return e->u.sign == '-' ? -value_of(g, e->child[0], v) : value_of(g, e->child[0], v);
    case GR_PROMQL_BINARY:
        return arithmetic(e->u.binary.op, value_of(g, e->child[0], v), value_of(g, e->child[1], v));
    case GR_PROMQL_AGGREGATE:
        if (e->count == 1 && (e->u.aggregate.op == GR_PROMQL_AVG || e->u.aggregate.op == GR_PROMQL_SUM ||
                              e->u.aggregate.op == GR_PROMQL_MAX || e->u.aggregate.op == GR_PROMQL_MIN))
            return value_of(g, e->child[0], v);
        return (double)NAN;
    default:
        return (double)NAN;
    }
}

double
prove_expression(const struct prove_world *w, double v)
{
    return value_of(w->g, w->g->metric.part, v);
}

/* How many series of the guardrail's own the expression reads, where each may be several: what aggregates them takes the mean, and joins let many of
 * them meet one other series. 2: more, or another expression. */
static unsigned
own_operands(const struct guardrail *g, const struct gr_promql *e)
{
    unsigned n = 0, one;

    if (e->kind == GR_PROMQL_SELECTOR)
        return is_common(g, e) ? 0 : 1;
    if (e->kind == GR_PROMQL_AGGREGATE && e->u.aggregate.op != GR_PROMQL_AVG)
        return 2;
    if (e->kind == GR_PROMQL_CALL || e->kind == GR_PROMQL_SUBQUERY)
        return 2;
    for (size_t i = 0; i < e->count; i++) {
        enum gr_promql_group many = i == 0 ? GR_PROMQL_GROUP_LEFT : GR_PROMQL_GROUP_RIGHT;

        one = own_operands(g, e->child[i]);
        if (one > 0 && e->kind == GR_PROMQL_BINARY && e->count == 2 &&
            gr_promql_type(e->child[1 - i]) != GR_PROMQL_T_SCALAR && e->u.binary.group != many)
            return 2;
        n += one;
    }
    return n < 2 ? n : 2;
}

bool
prove_shows_instances(const struct prove_world *w)
{
    const struct metric *mt = &w->g->metric;

    return mt->kind != METRIC_PROMQL || (mt->reduce == REDUCE_AVG && own_operands(w->g, mt->part) == 1);
}

/* ---- what cannot be made up ---- */

static bool
matchers_possible(const struct gr_promql *e, void *ctx)
{
    struct gr_buf b = GR_BUF_INIT(4096);
    bool *possible = ctx;

    for (size_t i = 0; i < e->u.selector.count; i++) {
        gr_buf_reset(&b);
        if (e->u.selector.matchers[i].op == GR_PROMQL_LIKE && !sample(&b, e->u.selector.matchers[i].value))
            *possible = false;
    }
    gr_buf_fini(&b);
    return *possible;
}

static bool
possible_selector(struct gr_promql *e, void *ctx)
{
    return matchers_possible(e, ctx);
}

/* Whether a sum inside an expression adds up series of several slices. */
static bool
adds_slices(const struct guardrail *g, const struct gr_promql *e)
{
    const struct gr_promql_aggregate *a = &e->u.aggregate;

    for (size_t i = 0; i < e->count; i++)
        if (adds_slices(g, e->child[i]))
            return true;
    for (size_t i = 0; e->kind == GR_PROMQL_AGGREGATE && a->op == GR_PROMQL_SUM && i < g->compare_within.n;
         i++) {
        bool listed = false;

        for (size_t k = 0; k < a->count; k++)
            listed = listed || gr_str_eq(a->labels[k], g->compare_within.v[i]);
        if (listed != (a->clause == GR_PROMQL_BY))
            return true;
    }
    return false;
}

const char *
prove_input_refused(const struct prove_world *w)
{
    const struct metric *mt = &w->g->metric;
    bool possible = true;

    gr_promql_selectors(mt->part, possible_selector, &possible);
    if (mt->total)
        gr_promql_selectors(mt->total, possible_selector, &possible);
    if (!possible)
        return "samples cannot be made up for its regular expression";
    if (mt->kind == METRIC_PROMQL && !(fabs(prove_expression(w, 1) - prove_expression(w, 0)) > 1e-9))
        return "samples cannot be made up for its expression: it is more than sums and products";
    if (mt->kind == METRIC_PROMQL && adds_slices(w->g, mt->part))
        return "samples cannot be made up for its expression: a sum in it is over several slices";
    return NULL;
}

/* ---- labels ---- */

/* `name{` of a selector, then every label that its matchers ask for. */
static void
put_matched(struct gr_buf *b, const struct gr_promql *e, const char *suffix)
{
    gr_buf_put(b, gr_promql_metric(e));
    gr_buf_puts(b, suffix);
    gr_buf_putc(b, '{');
    for (size_t i = 0; i < e->u.selector.count; i++) {
        const struct gr_promql_matcher *m = &e->u.selector.matchers[i];
        struct gr_buf text = GR_BUF_INIT(4096);

        if (gr_str_is(m->name, "__name__") || (m->op != GR_PROMQL_IS && m->op != GR_PROMQL_LIKE) ||
            m->value.n == 0)
            continue;
        if (m->op == GR_PROMQL_IS || !sample(&text, m->value)) {
            gr_buf_reset(&text);
            gr_buf_put(&text, m->value);
        }
        gr_buf_put(b, m->name);
        gr_buf_putc(b, '=');
        gr_quote_promql(b, gr_buf_str(&text));
        gr_buf_putc(b, ',');
        gr_buf_fini(&text);
    }
}

static void
put_pair(struct gr_buf *b, struct gr_str key, struct gr_str value)
{
    gr_buf_put(b, key);
    gr_buf_putc(b, '=');
    gr_quote_promql(b, value);
    gr_buf_putc(b, ',');
}

static void
put_pairs(struct gr_buf *b, struct pairs p)
{
    for (size_t i = 0; i < p.n; i++)
        put_pair(b, p.v[i].key, p.v[i].value);
}

struct gr_str
prove_canary_name(const struct prove_world *w)
{
    return w->g->stream_scope ? GR_STR("stream") : w->m->canary;
}

static bool
has_key(struct pairs p, struct gr_str key)
{
    for (size_t i = 0; i < p.n; i++)
        if (gr_str_eq(p.v[i].key, key))
            return true;
    return false;
}

/* Labels of a cell's series, but for the metric's own. */
static void
put_own(struct gr_buf *b, const struct prove_world *w, const struct prove_stream *s,
        const struct prove_cell *c, size_t cohort)
{
    put_pairs(b, s->release);
    put_pairs(b, c->labels);
    for (size_t i = 0; i < w->g->only.n; i++)
        if (!has_key(s->release, w->g->only.v[i].key) && !has_key(c->labels, w->g->only.v[i].key))
            put_pair(b, w->g->only.v[i].key, w->g->only.v[i].value);
    if (!w->g->stream_scope)
        put_pair(b, w->m->cohort_label, cohort == PROVE_CANARY ? w->m->canary : w->m->control);
}

/* ---- values ---- */

void
prove_put_number(struct gr_buf *b, double v)
{
    gr_double_print(b, v == 0 ? 0 : v);
}

static bool
none(double v)
{
    return isfinite(v) && v <= PROVE_NONE; /* -Inf is a sample */
}

static bool
same(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 0; /* the very same */
}

/* `5x3`, `0+10x3` (three more than the first), `_x4`: runs of equal values or equal steps. */
static void
put_values(struct gr_buf *b, const double *v, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        double step = i + 1 < n && isfinite(v[i]) && isfinite(v[i + 1]) && !none(v[i]) && !none(v[i + 1])
                          ? v[i + 1] - v[i]
                          : 0;

        if (i > 0)
            gr_buf_putc(b, ' ');
        while (i + run < n && (same(v[i + run], v[i + run - 1] + step) ||
                               (isnan(v[i]) && isnan(v[i + run])) || (none(v[i]) && none(v[i + run]))))
            run++;
        if (none(v[i])) {
            gr_buf_printf(b, "_x%zu", run);
        } else if (run == 1 || isnan(v[i])) {
            run = 1;
            prove_put_number(b, v[i]);
        } else {
            prove_put_number(b, v[i]);
            if (fabs(step) > 0) {
                gr_buf_putc(b, step < 0 ? '-' : '+');
                prove_put_number(b, fabs(step));
            }
            gr_buf_printf(b, "x%zu", run - 1);
        }
        i += run;
    }
}

/* Ends a series: label list is complete but for its brace. */
static void
put_series(struct gr_buf *b, struct gr_buf *name, const double *v, size_t n)
{
    if (name->n > 0 && name->p[name->n - 1] == ',')
        gr_buf_cut(name, name->n - 1);
    gr_buf_putc(name, '}');
    gr_buf_puts(b, "  - series: ");
    gr_quote_json(b, gr_buf_str(name));
    gr_buf_puts(b, "\n    values: '");
    put_values(b, v, n);
    gr_buf_puts(b, "'\n");
    gr_buf_reset(name);
}

/* ---- guardraild's series ---- */

static void
put_export(struct gr_buf *b, const struct prove_world *w, const struct prove_stream *s,
           const struct prove_export *x, const char *instance, double *v)
{
    struct gr_buf name = GR_BUF_INIT(65536);

    for (unsigned start = 0; start < 2; start++) {
        for (size_t i = 0; i < w->scrapes; i++)
            v[i] = i < x->from || i >= (start ? x->start_to : x->to) ? PROVE_NONE
                   : start ? (i < x->on ? x->before_s : x->start_s) -
                                 (*instance == 'b' ? 1 : 0) /* the newest counts */
                   : i >= x->on && i < x->off ? 1
                                              : 0;
        gr_buf_puts(&name, start ? GR_SERIES_PHASE_START "{" : GR_SERIES_PHASE "{");
        put_pair(&name, GR_STR("spec"), w->m->spec);
        put_pairs(&name, s->release);
        put_pair(&name, GR_STR("deployment_id"), gr_str(x->deployment));
        put_pair(&name, GR_STR("phase"), w->m->phases[x->phase].name);
        put_pair(&name, GR_STR("instance"), gr_str(instance));
        put_series(b, &name, v, w->scrapes);
    }
    gr_buf_fini(&name);
}

/* ---- the guardrail's series ---- */

/* Counters of a ratio may be one metric, told apart by matchers of the numerator alone: then the rest is what is counted beside it. */
static bool
overlaps(const struct metric *mt)
{
    return mt->total && gr_str_eq(gr_promql_metric(mt->part), gr_promql_metric(mt->total));
}

/* Labels by which the rest is none of the numerator's: what that refuses. */
static void
put_refused(struct gr_buf *b, const struct metric *mt)
{
    for (size_t i = 0; i < mt->part->u.selector.count; i++) {
        const struct gr_promql_matcher *m = &mt->part->u.selector.matchers[i];
        struct gr_buf text = GR_BUF_INIT(4096);

        if (m->value.n == 0 || gr_promql_matcher_on(mt->total, m->name))
            continue;
        if (m->op == GR_PROMQL_IS_NOT)
            put_pair(b, m->name, m->value);
        else if (m->op == GR_PROMQL_NOT_LIKE && sample(&text, m->value))
            put_pair(b, m->name, gr_buf_str(&text));
        gr_buf_fini(&text);
    }
}

static void
put_ratio(struct gr_buf *b, const struct prove_world *w, const struct prove_stream *s,
          const struct prove_cell *c, size_t h, size_t i, double *rest)
{
    const struct metric *mt = &w->g->metric;
    struct gr_buf name = GR_BUF_INIT(65536);
    bool beside = overlaps(mt);

    for (size_t p = 0; p < PROVE_PARTS; p++) {
        const double *v = c->raw[h][p][i];
        const double *part = p % 2 == 0 ? c->raw[h][p + 1][i] : NULL;

        if (!v)
            continue;
        for (size_t k = 0; beside && part && k < w->scrapes; k++)
            rest[k] = v[k] > PROVE_NONE && part[k] > PROVE_NONE ? v[k] - part[k] : v[k];
        put_matched(&name, p % 2 == 0 ? mt->total : mt->part, "");
        if (beside && p % 2 == 0)
            put_refused(&name, mt);
        put_own(&name, w, s, c, h);
        if (mt->n_weights > 0)
            put_pair(&name, mt->weight_label, mt->weights[p / 2].value);
        put_pair(&name, GR_STR("instance"), i ? GR_STR("b") : GR_STR("a"));
        put_series(b, &name, beside && part ? rest : v, w->scrapes);
    }
    gr_buf_fini(&name);
}

static void
put_other(struct gr_buf *b, const struct prove_world *w, const struct prove_stream *s,
          const struct prove_cell *c, size_t h, size_t i)
{
    const struct metric *mt = &w->g->metric;
    struct gr_buf name = GR_BUF_INIT(65536), le = GR_BUF_INIT(64);

    for (size_t p = 0; p < PROVE_PARTS; p++) {
        if (!c->raw[h][p][i])
            continue;
        put_matched(&name, mt->part, mt->kind == METRIC_HISTOGRAM ? "_bucket" : "");
        put_own(&name, w, s, c, h);
        if (mt->kind == METRIC_HISTOGRAM) {
            gr_buf_reset(&le);
            gr_double_print(&le, w->edges[p]);
            put_pair(&name, GR_STR("le"), gr_buf_str(&le));
        }
        put_pair(&name, GR_STR("instance"), i ? GR_STR("b") : GR_STR("a"));
        put_series(b, &name, c->raw[h][p][i], w->scrapes);
    }
    gr_buf_fini(&name);
    gr_buf_fini(&le);
}

/* What an operand must carry so that the joins above it find it: NULL: all labels of the cell. */
struct walk {
    struct gr_buf *b, seen;
    const struct prove_world *w;
    const struct prove_stream *s;
    const struct prove_cell *c;
    double *v;
    size_t h;
};
struct wanted {
    const struct gr_promql_binary *op; /* its on(…) list, or NULL for all */
};

static bool
in_list(const struct gr_str *v, size_t n, struct gr_str s)
{
    for (size_t i = 0; i < n; i++)
        if (gr_str_eq(v[i], s))
            return true;
    return false;
}

static void
put_wanted(struct gr_buf *b, struct pairs p, struct wanted want)
{
    for (size_t i = 0; i < p.n; i++)
        if (!want.op || in_list(want.op->labels, want.op->label_count, p.v[i].key) == want.op->on)
            put_pair(b, p.v[i].key, p.v[i].value);
}

/* A series that several cells share is written once. */
static void
put_selector(struct walk *x, const struct gr_promql *e, struct wanted want, size_t instance)
{
    struct gr_buf name = GR_BUF_INIT(65536);
    bool common = is_common(x->w->g, e);
    const double *v = x->v;

    put_matched(&name, e, "");
    if (common) {
        put_wanted(&name, x->s->release, want);
        put_wanted(&name, x->c->labels, want);
        for (size_t i = 0; i < x->w->scrapes; i++)
            x->v[i] = COMMON_VALUE;
    } else {
        put_own(&name, x->w, x->s, x->c, x->h);
        v = x->c->raw[x->h][0][instance];
        if (instance > 0)
            put_pair(&name, GR_STR("instance"), GR_STR("b"));
    }
    gr_buf_putc(&name, '\n');
    if (v && !(x->seen.n > 0 && strstr(gr_buf_cstr(&x->seen), gr_buf_cstr(&name)))) {
        gr_buf_put(&x->seen, gr_buf_str(&name));
        gr_buf_cut(&name, name.n - 1);
        put_series(x->b, &name, v, x->w->scrapes);
    }
    gr_buf_fini(&name);
}

/* Of a join, the side of which one series serves many carries the labels that are matched on; the other what is wanted above. */
static void
put_operands(struct walk *x, const struct gr_promql *e, struct wanted want)
{
    if (e->kind == GR_PROMQL_SELECTOR) {
        for (size_t i = 0; i < PROVE_INSTANCES; i++)
            put_selector(x, e, want, i);
    } else if (e->kind == GR_PROMQL_BINARY && e->u.binary.has_matching) {
        struct wanted one = {&e->u.binary};

        put_operands(x, e->child[0], e->u.binary.group == GR_PROMQL_GROUP_LEFT ? want : one);
        put_operands(x, e->child[1], e->u.binary.group == GR_PROMQL_GROUP_RIGHT ? want : one);
    } else {
        for (size_t i = 0; i < e->count; i++)
            put_operands(x, e->child[i], want);
    }
}

static void
put_expressions(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to, double *v)
{
    struct walk x = {.b = b, .seen = GR_BUF_INIT(16u << 20), .w = w, .v = v};

    for (size_t i = from; i < to; i++)
        for (size_t k = 0; k < w->streams[i].n_cells; k++)
            for (size_t h = 0; h < 2; h++) {
                x.s = &w->streams[i];
                x.c = &w->streams[i].cells[k];
                x.h = h;
                put_operands(&x, w->g->metric.part, (struct wanted){NULL});
            }
    gr_buf_fini(&x.seen);
}

void
prove_put_series(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to)
{
    double *v = gr_arena_array(w->arena, w->scrapes, sizeof *v);
    bool ratio = w->g->metric.total != NULL;

    if (!v)
        return; /* the arena remembers */
    gr_buf_puts(b, "  input_series:\n");
    for (size_t i = from; i < to; i++) {
        const struct prove_stream *s = &w->streams[i];

        for (size_t e = 0; e < s->n_exports; e++) {
            put_export(b, w, s, &s->exports[e], "a", v);
            put_export(b, w, s, &s->exports[e], "b", v);
        }
        for (size_t k = 0; k < s->n_cells && w->g->metric.kind != METRIC_PROMQL; k++)
            for (size_t h = 0; h < 2; h++)
                for (size_t n = 0; n < PROVE_INSTANCES; n++)
                    if (ratio)
                        put_ratio(b, w, s, &s->cells[k], h, n, v);
                    else
                        put_other(b, w, s, &s->cells[k], h, n);
    }
    if (w->g->metric.kind == METRIC_PROMQL)
        put_expressions(b, w, from, to, v);
}
