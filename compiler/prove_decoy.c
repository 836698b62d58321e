/* prove_decoy.c - series that no rule may read.
 *
 * For each matcher of each selector in the rules there are series that fulfil all the others and not this one: of another specification, another
 * guardrail, another cohort, without a venue. What is recorded with them around must be what is recorded without: two streams
 * show the same samples, one of them has decoys beside, and every recorded series and every alert of the one is compared with the other's. The
 * emitted rules say only what decoys there are, never what comes of them. A series that some other selector takes is no decoy.
 *
 * Decoys show a few different values, so that comparisons fall to either side. They pause at each evaluation, so that what a rule records there
 * would be seen, and end before the question. */
#include "config.h"
#include "prove_build.h"

#include <math.h>

#include "guardrail/number.h"
#include "guardrail/quote.h"

#define DECOYS_MAX 4000u
#define LABELS_MAX 64u
#define ANOTHER "another"

struct selector {
    struct gr_str metric, record; /* what it reads, and what its rule records */
    const struct gr_promql_matcher *m;
    size_t n;
};
struct hunt {
    struct build *b;
    const struct prove_stream *s;
    const struct prove_cell *c;
    const char *deployment;
    size_t phase;
    struct selector *selectors;
    size_t n, cap;
    struct gr_str record; /* of the rule whose selectors are being read */
    struct gr_str *found;
    size_t n_found, cap_found;
    bool failed;
};
/* A series in the making; in the order in which labels were set. */
struct series {
    struct pair v[LABELS_MAX];
    size_t n;
};

static struct gr_str
get(const struct series *l, struct gr_str key)
{
    for (size_t i = 0; i < l->n; i++)
        if (gr_str_eq(l->v[i].key, key))
            return l->v[i].value;
    return GR_STR_NONE;
}

static void
set(struct series *l, struct gr_str key, struct gr_str value)
{
    for (size_t i = 0; i < l->n; i++)
        if (gr_str_eq(l->v[i].key, key)) {
            l->v[i].value = value;
            return;
        }
    if (l->n < LABELS_MAX)
        l->v[l->n++] = (struct pair){key, value};
}

static void
set_pairs(struct series *l, struct pairs p)
{
    for (size_t i = 0; i < p.n; i++)
        set(l, p.v[i].key, p.v[i].value);
}

/* ---- matchers ---- */

enum answer { NO, YES, MAYBE };

/* One alternative: a word, perhaps with escapes, or one with .* behind. */
static enum answer
like_word(struct gr_str word, struct gr_str v)
{
    size_t at = 0;

    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];

        if (c == '.' && i + 2 == word.n && word.p[i + 1] == '*')
            return at <= v.n ? YES : NO;
        if (strchr("^$.[]()?*+{}|", c))
            return MAYBE;
        if (c == '\\' && (++i == word.n || !strchr("\\^$.[]()?*+{}|-/", word.p[i])))
            return MAYBE;
        if (at >= v.n || v.p[at] != word.p[i])
            return NO;
        at++;
    }
    return at == v.n ? YES : NO;
}

static enum answer
like(struct gr_str re, struct gr_str v)
{
    struct gr_str rest = re, word;
    enum answer best = re.n == 0 && v.n == 0 ? YES : NO;

    if (gr_str_find(re, GR_STR("("), 0) < re.n)
        return MAYBE;
    while (re.n > 0 && gr_str_next(&rest, '|', &word)) {
        enum answer a = like_word(word, v);
        best = a == YES || best == YES ? YES : a == MAYBE ? MAYBE : best;
    }
    return best;
}

static enum answer
takes(const struct gr_promql_matcher *m, struct gr_str v)
{
    enum answer a =
        m->op == GR_PROMQL_IS || m->op == GR_PROMQL_IS_NOT ? gr_str_eq(m->value, v) : like(m->value, v);

    if (a == MAYBE || m->op == GR_PROMQL_IS || m->op == GR_PROMQL_LIKE)
        return a;
    return a == YES ? NO : YES;
}

/* The n'th word of a positive matcher, without escapes; false: there are not so many, or it is none. */
static bool
word_of(struct hunt *h, const struct gr_promql_matcher *m, size_t n, struct gr_str *out)
{
    struct gr_str rest = m->value, word;
    struct gr_buf b = GR_BUF_INIT(65536);

    if (m->op == GR_PROMQL_IS || m->op == GR_PROMQL_IS_NOT) {
        *out = m->value;
        return n == 0 && m->value.n > 0;
    }
    for (size_t i = 0; gr_str_next(&rest, '|', &word); i++)
        if (i == n) {
            for (size_t k = 0; k < word.n; k++)
                if (word.p[k] != '\\')
                    gr_buf_putc(&b, word.p[k]);
            *out = gr_arena_dup(h->b->arena, gr_buf_str(&b));
            h->failed = h->failed || !out->p;
            gr_buf_fini(&b);
            return true;
        }
    return false;
}

/* Makes the series fulfil the matcher. false: nobody knows how. */
static bool
fulfil(struct hunt *h, struct series *l, const struct gr_promql_matcher *m)
{
    struct gr_str word;

    if (gr_str_is(m->name, "__name__") || takes(m, get(l, m->name)) == YES)
        return true;
    for (size_t i = 0; word_of(h, m, i, &word); i++)
        if (takes(m, word) == YES && word.n > 0) {
            set(l, m->name, word);
            return true;
        }
    for (size_t i = 0; i < h->n; i++) /* a word that another selector uses */
        for (size_t k = 0; k < h->selectors[i].n; k++)
            if (gr_str_eq(h->selectors[i].m[k].name, m->name) &&
                word_of(h, &h->selectors[i].m[k], 0, &word) && takes(m, word) == YES) {
                set(l, m->name, word);
                return true;
            }
    return false;
}

/* ---- series ---- */

static bool
any_takes(const struct hunt *h, struct gr_str metric, const struct series *l)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct selector *s = &h->selectors[i];
        bool taken = gr_str_eq(s->metric, metric);

        for (size_t k = 0; k < s->n && taken; k++)
            taken = gr_str_is(s->m[k].name, "__name__") || takes(&s->m[k], get(l, s->m[k].name)) != NO;
        if (taken)
            return true;
    }
    return false;
}

static bool
is_release_label(const struct hunt *h, struct gr_str label)
{
    for (size_t i = 0; i < h->s->release.n; i++)
        if (gr_str_eq(h->s->release.v[i].key, label))
            return true;
    return false;
}

/* Whether a rule may record such a series of this stream and guardrail: one of its selectors takes what they say of themselves. */
static bool
may_be_recorded(const struct hunt *h, struct gr_str metric, const struct series *l)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct selector *s = &h->selectors[i];
        bool takes_it = gr_str_eq(s->record, metric);

        for (size_t k = 0; k < s->n && takes_it; k++)
            if (gr_str_is(s->m[k].name, "guardrail") || gr_str_is(s->m[k].name, "spec") ||
                is_release_label(h, s->m[k].name))
                takes_it = takes(&s->m[k], get(l, s->m[k].name)) != NO;
        if (takes_it)
            return true;
    }
    return false;
}

static void
keep(struct hunt *h, struct gr_str metric, const struct series *l)
{
    struct gr_buf b = GR_BUF_INIT(65536);
    struct gr_str text = GR_STR_NONE, *v = h->found;

    gr_buf_put(&b, metric);
    gr_buf_putc(&b, '{');
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].value.n > 0) {
            gr_buf_puts(&b, b.p[b.n - 1] == '{' ? "" : ",");
            gr_buf_put(&b, l->v[i].key);
            gr_buf_putc(&b, '=');
            gr_quote_promql(&b, l->v[i].value);
        }
    gr_buf_putc(&b, '}');
    for (size_t i = 0; i < h->n_found && text.n == 0; i++)
        if (gr_str_eq(h->found[i], gr_buf_str(&b)))
            text = h->found[i]; /* known */
    if (text.n == 0 && h->n_found < DECOYS_MAX) {
        text = gr_arena_dup(h->b->arena, gr_buf_str(&b));
        if (h->n_found == h->cap_found)
            v = gr_arena_grow(h->b->arena, v, h->n_found, &h->cap_found, sizeof *v);
        if (v && text.p) {
            h->found = v;
            h->found[h->n_found++] = text;
        } else {
            h->failed = true;
        }
    }
    gr_buf_fini(&b);
}

static bool
is_ours(struct gr_str metric)
{
    return gr_str_starts(metric, GR_STR("guardrail:"));
}

static bool
is_exported(struct gr_str metric)
{
    return gr_str_starts(metric, GR_STR("guardrail_release_"));
}

/* What is recorded of a phase, and not of a guardrail. */
static bool
is_of_phase(struct gr_str metric)
{
    static const char *const names[] = {"phase_start", "open", "gate", "begun", "overdue", "slice"};

    for (size_t i = 0; i < GR_COUNT(names); i++)
        if (gr_str_eq(gr_str_sub(metric, 10, metric.n), gr_str(names[i])))
            return true;
    return is_exported(metric);
}

/* Labels that series of this name carry beside the slice's: those that any selector asks for, with the first value. */
static void
set_usual(struct hunt *h, struct gr_str metric, struct series *l)
{
    static const char *const labels[] = {"cohort", "part", "le", "level", "side", "reason"};

    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; gr_str_eq(h->selectors[i].metric, metric) && k < h->selectors[i].n; k++) {
            const struct gr_promql_matcher *m = &h->selectors[i].m[k];

            for (size_t j = 0; j < GR_COUNT(labels); j++)
                if (gr_str_is(m->name, labels[j]) && get(l, m->name).n == 0 &&
                    (m->op == GR_PROMQL_IS || m->op == GR_PROMQL_LIKE))
                    (void)fulfil(h, l, m);
        }
}

static void
set_base(struct hunt *h, struct gr_str metric, struct series *l)
{
    const struct model *m = h->b->m;
    const struct guardrail *g = h->b->g;

    l->n = 0;
    if (is_ours(metric) || is_exported(metric)) {
        set(l, GR_STR("spec"), m->spec);
        set(l, GR_STR("deployment_id"), gr_str(h->deployment));
        set(l, GR_STR("phase"), m->phases[h->phase].name);
    }
    set_pairs(l, h->s->release);
    if (!is_of_phase(metric))
        set_pairs(l, h->c->labels);
    if (is_exported(metric) || !is_ours(metric))
        set(l, GR_STR("instance"), GR_STR("a"));
    if (is_ours(metric) && !is_of_phase(metric))
        set(l, GR_STR("guardrail"), g->name);
    if (is_ours(metric))
        set_usual(h, metric, l);
    if (is_ours(metric) || is_exported(metric))
        return;
    for (size_t i = 0; i < g->only.n; i++)
        if (get(l, g->only.v[i].key).n == 0)
            set(l, g->only.v[i].key, g->only.v[i].value);
    if (!g->stream_scope)
        set(l, m->cohort_label, m->canary);
    if (g->metric.kind == METRIC_HISTOGRAM)
        set(l, GR_STR("le"), GR_STR("+Inf"));
    if (g->metric.n_weights > 0)
        set(l, g->metric.weight_label, g->metric.weights[0].value);
}

/* A value that nothing which is recorded has. */
static bool
invented(struct gr_str value)
{
    return gr_str_starts(value, GR_STR(ANOTHER)) || gr_str_starts(value, GR_STR(PROVE_STRANGER));
}

/* One for each metric: what a rule makes of one metric's decoys must not have the labels of another's, which would end it. */
static struct gr_str
invent(struct hunt *h, const char *word, struct gr_str metric)
{
    struct gr_str s = gr_arena_printf(h->b->arena, "%s-" GR_FMT, word, GR_ARG(metric));

    h->failed = h->failed || !s.p;
    return s;
}

/* The series with this value for the matcher's label, if that is none of the matcher's, and nobody's. */
static void
try_value(struct hunt *h, const struct selector *s, const struct series *base,
          const struct gr_promql_matcher *m, struct gr_str value)
{
    struct series l = *base;

    if (takes(m, value) != NO)
        return;
    set(&l, m->name, value);
    if (!invented(value) && may_be_recorded(h, s->metric, &l))
        return;
    if (!any_takes(h, s->metric, &l))
        keep(h, s->metric, &l);
}

/* Decoys by one matcher of a selector. */
static void
by_matcher(struct hunt *h, const struct selector *s, size_t which, struct gr_str edge)
{
    const struct gr_promql_matcher *m = &s->m[which];
    struct series base;
    struct gr_str word;

    if (gr_str_is(m->name, "__name__") || is_release_label(h, m->name))
        return;
    set_base(h, s->metric, &base);
    if (edge.n > 0)
        set(&base, GR_STR("le"), edge);
    for (size_t i = 0; i < s->n; i++)
        if (i != which && !fulfil(h, &base, &s->m[i]))
            return;
    if (!gr_str_is(m->name, "guardrail") && is_ours(s->metric) && get(&base, GR_STR("guardrail")).n > 0 &&
        !gr_str_eq(get(&base, GR_STR("guardrail")), h->b->g->name))
        return; /* of another guardrail, whose tests see to it */
    if (is_ours(s->metric) && !gr_str_is(m->name, "phase") &&
        !gr_str_eq(get(&base, GR_STR("phase")), h->b->m->phases[h->phase].name))
        return;
    if (gr_str_is(m->name, "guardrail")) {
        try_value(h, s, &base, m, invent(h, PROVE_STRANGER, s->metric));
        try_value(h, s, &base, m, h->b->g->name);
        return;
    }
    try_value(h, s, &base, m, invent(h, ANOTHER, s->metric));
    try_value(h, s, &base, m, GR_STR_NONE);
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < h->selectors[i].n; k++)
            for (size_t n = 0;
                 gr_str_eq(h->selectors[i].m[k].name, m->name) && word_of(h, &h->selectors[i].m[k], n, &word);
                 n++)
                try_value(h, s, &base, m, word);
}

/* Of buckets one for each edge, or there would be no quantile. */
static void
by_edges(struct hunt *h, const struct selector *s, size_t which)
{
    struct gr_buf b = GR_BUF_INIT(64);

    by_matcher(h, s, which, GR_STR_NONE);
    for (size_t i = 0; i < h->b->w->n_edges && gr_str_is(s->metric, "guardrail:slot:sum"); i++) {
        gr_buf_reset(&b);
        gr_double_print(&b, h->b->w->edges[i]);
        by_matcher(h, s, which, gr_arena_dup(h->b->arena, gr_buf_str(&b)));
    }
    gr_buf_fini(&b);
}

/* ---- the rules' selectors ---- */

static bool
collect(struct gr_promql *e, void *ctx)
{
    struct hunt *h = ctx;
    struct selector *v = h->selectors;

    if (h->n == h->cap)
        v = gr_arena_grow(h->b->arena, v, h->n, &h->cap, sizeof *v);
    if (!v) {
        h->failed = true;
        return false;
    }
    h->selectors = v;
    h->selectors[h->n++] =
        (struct selector){gr_promql_metric(e), h->record, e->u.selector.matchers, e->u.selector.count};
    return true;
}

static void
read_rules(struct hunt *h)
{
    const struct gr_rule_group *g = h->b->rules->groups[0];

    for (size_t i = 0; i < g->count && !h->failed; i++) {
        struct gr_promql *e = NULL;

        if (!prove_concerns(g->rules[i], h->b->g->name))
            continue;
        if (!(e = prove_parse(h->b->arena, g->rules[i]->expr)))
            h->failed = true;
        h->record = g->rules[i]->kind == GR_RULE_RECORD ? g->rules[i]->name : GR_STR_NONE;
        if (e)
            gr_promql_selectors(e, collect, h);
    }
}

/* ---- streams ---- */

/* A stream of samples, with decoys (and then it must look like `twin`) or without. */
static struct prove_stream *
shown(struct build *b, size_t phase, struct prove_level l, const char *name)
{
    struct prove_stream *s;
    struct prove_cell *c = build_outside(b, name, &s);

    build_fill(b, c, 0, ALL, l);
    if (c && !build_compared(b->g)) /* control's series are recorded, and read by nobody */
        for (size_t p = 0; p < PROVE_PARTS; p++)
            c->raw[PROVE_CONTROL][p][0] = NULL;
    (void)build_enter(b, s, D1, phase, -3600); /* the gate is open */
    return s;
}

static void
twins(struct build *b, size_t phase, const char *name, struct prove_level l, const double *values, size_t n)
{
    size_t plain = b->w->n_streams;

    (void)shown(b, phase, l, name);
    for (size_t i = 0; i < n; i++) {
        struct prove_stream *s = shown(b, phase, l, TEXT(b, "%s-decoys-%zu", name, i + 1));
        struct hunt h = {.b = b, .s = s, .deployment = D1, .phase = phase};

        if (!s || s->n_cells == 0)
            return;
        h.c = &s->cells[0];
        read_rules(&h);
        for (size_t k = 0; k < h.n; k++)
            for (size_t j = 0; j < h.selectors[k].n && h.selectors[k].metric.n > 0 && !h.failed; j++)
                by_edges(&h, &h.selectors[k], j);
        if (h.failed)
            build_failed(b);
        s->decoys = h.found;
        s->n_decoys = h.n_found;
        s->decoy_value = values[i];
        s->twin = plain + 1;
    }
}

void
build_decoys(struct build *b, size_t phase)
{
    static const double values[] = {777, -1e7, 1, 0.25}; /* the second is a start long ago, too */
    const struct bound *bound = &b->g->limit.bounds[0];

    if (!b->rules ||
        !build_world(b, TEXT(b, "decoys in " GR_FMT, GR_ARG(b->m->phases[phase].name)), b->m->sampling_ms, 9))
        return;
    twins(b, phase, "calm", prove_level_effect(b->w, b->calm), values, phase == b->phase ? 4 : 2);
    if (phase == b->phase)
        twins(b, phase, "breach",
              build_level(b, bound, build_beside(bound, build_literal(b, bound, NULL), 200)), values, 2);
}
