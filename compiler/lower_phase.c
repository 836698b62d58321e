/* lower_phase.c - which phase is active, since when, and which slices must report while it is. */
#include "config.h"
#include "lower.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

/* A gap in scraping guardraild that the phase survives; longer is GuardrailPhaseUnknown. */
#define PHASE_GAP_MS INT64_C(300000)

/* Exactly one (deployment, phase) per stream, by construction: the newest start wins. Without topk, two exporters (restart elsewhere,
 * HA pair) or an old deployment resting in its last phase would make every join below fail, for every stream. */
static void
phase_start(struct lower *lo)
{
    const char *gap = lower_duration(lo, model_ms(lo->m, PHASE_GAP_MS));

    lower_put(lo,
              "topk by (spec, $R) (1, max by (spec, $P) (\n"
              "  last_over_time(" GR_SERIES_PHASE_START "{$S}[$1])\n"
              "    and last_over_time(" GR_SERIES_PHASE "{$S}[$1]) == 1))",
              gap, NULL);
    lower_record(lo, "guardrail:phase_start");
    lower_put(lo, "guardrail:phase_start{$S} * 0 + 1", NULL);
    lower_record(lo, "guardrail:open");
}

/* Comparisons with control count once the whole increase range (slot + one scrape) lies inside the phase: nothing spills over. */
static void
gate(struct lower *lo)
{
    struct gr_dec seconds;
    int64_t range_ms = model_ms(lo->m, lo->m->sampling_ms) + model_ms(lo->m, lo->m->scrape_ms);

    if (gr_dec_mul(gr_dec_int(range_ms), GR_DEC(1, -3), &seconds) != GR_OK) {
        lo->err = GR_ERANGE;
        return;
    }
    lower_put(lo, "(guardrail:phase_start{$S} <= bool (time() - $1)) == 1", lower_dec(lo, seconds), NULL);
    lower_record(lo, "guardrail:gate");
}

/* One cohort's copy of a phase's series: with the specification's own cohort label, which scraped series have, and `cohort`. */
static const char *
copy_for(struct lower *lo, const char *series, struct gr_str value, struct gr_str cohort)
{
    return lower_text(
        lo, "label_replace(label_replace($1, \"$2\", $3, \"\", \"\"), \"cohort\", $4, \"\", \"\")", series,
        lower_cohort_label(lo), lower_replacement(lo, value), lower_replacement(lo, cohort));
}

void
lower_put_cohorts(struct lower *lo, const char *series, const char *early)
{
    const struct model *m = lo->m;

    lower_put(lo, "$1\nor $2", copy_for(lo, series, m->canary, m->canary),
              copy_for(lo, series, m->control, m->control), NULL);
    if (early)
        lower_put(lo, "\nor $1", copy_for(lo, early, m->canary, GR_STR(COHORT_EARLY)), NULL);
}

static bool
joins_open(const struct guardrail *g, const void *arg)
{
    return is_fixed(g, arg) && !g->stream_scope;
}

static bool
joins_gate(const struct guardrail *g, const void *arg)
{
    return is_compared(g, arg) && !has_backstop(g, arg);
}

/* What slots are joined with: the phase, once for each cohort. Of guardrails with a backstop the canary's slots before the gate opens are a
 * cohort of their own: a backstop counts at once, and comparisons must not see those slots. */
static void
cohorts(struct lower *lo)
{
    if (lower_any(lo, joins_open, NULL)) {
        lower_put_cohorts(lo, lower_text(lo, "guardrail:open{$S}"), NULL);
        lower_record(lo, "guardrail:cohort:open");
    }
    if (lower_any(lo, joins_gate, NULL)) {
        lower_put_cohorts(lo, lower_text(lo, "guardrail:gate{$S}"), NULL);
        lower_record(lo, "guardrail:cohort:gate");
    }
    if (lower_any(lo, has_backstop, NULL)) {
        lower_put_cohorts(lo, lower_text(lo, "guardrail:gate{$S}"),
                          lower_text(lo, "(guardrail:open{$S} unless guardrail:gate{$S})"));
        lower_record(lo, "guardrail:cohort:begun");
    }
}

static void
overdue(struct lower *lo)
{
    const struct model *m = lo->m;
    uint32_t done = 0;

    lower_branches(lo, "\nor ");
    for (size_t i = 0; i < m->n_phases; i++) {
        uint32_t same = 0;
        struct gr_dec seconds;

        if (m->phases[i].max_ms == 0 || (done & (UINT32_C(1) << i)))
            continue;
        for (size_t j = i; j < m->n_phases; j++)
            if (m->phases[j].max_ms == m->phases[i].max_ms)
                same |= UINT32_C(1) << j;
        done |= same;
        if (gr_dec_mul(gr_dec_int(model_ms(m, m->phases[i].max_ms)), GR_DEC(1, -3), &seconds) != GR_OK) {
            lo->err = GR_ERANGE;
            return;
        }
        lower_branch(lo, "time() - guardrail:phase_start{$S$1} > $2", lower_phases(lo, same, false),
                     lower_dec(lo, seconds), NULL);
    }
    lower_record(lo, "guardrail:overdue");
}

/* -- slices ---------------------------------------------------------------------------------------------------------------- */

static bool
strs_has(struct strs set, struct gr_str s)
{
    for (size_t i = 0; i < set.n; i++)
        if (gr_str_eq(set.v[i], s))
            return true;
    return false;
}

static bool
strs_eq(struct strs a, struct strs b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (!gr_str_eq(a.v[i], b.v[i]))
            return false;
    return true;
}

static bool
slice_eq(const struct slice *a, const struct slice *b)
{
    if (a->stream != b->stream || a->labels.n != b->labels.n)
        return false;
    for (size_t i = 0; i < a->labels.n; i++)
        if (!gr_str_eq(a->labels.v[i].key, b->labels.v[i].key) ||
            !gr_str_eq(a->labels.v[i].value, b->labels.v[i].value))
            return false;
    return true;
}

/* PromQL has no cross join of streams and slices, so slices are copies of the stream's open phase:
 * label_replace(guardrail:open{spec="demo",cluster="equities"}, "venue", "XNAS", "", "") */
static void
slice_branch(struct lower *lo, const struct slice *s)
{
    const struct stream *stream = &lo->m->streams[s->stream];
    size_t from = lo->expr.n;
    const char *inner;

    for (size_t i = 0; i < s->labels.n; i++)
        lower_put(lo, "label_replace(", NULL);
    lower_put(lo, "guardrail:open{$S", NULL);
    for (size_t i = 0; i < stream->release.n; i++) {
        const struct pair *p = &stream->release.v[i];
        lower_put(lo, "$1", lower_values(lo, p->key, &p->value, 1, false), NULL);
    }
    lower_put(lo, "}", NULL);
    for (size_t i = 0; i < s->labels.n; i++) {
        gr_buf_puts(&lo->expr, ", ");
        gr_quote_promql(&lo->expr, s->labels.v[i].key);
        lower_put(lo, ", $1, \"\", \"\")", lower_replacement(lo, s->labels.v[i].value), NULL);
    }
    inner = lower_cut(lo, from);
    lower_branch(lo, "$1", inner, NULL);
}

/* Guardrails with equal `compare_within` and `only` expect the same slices, so these are worked out once for all of them. */
struct kind {
    const struct guardrail *g; /* the first of them */
    const char **matchers;     /* each selects some of the slices, all of them all */
    size_t n_matchers;
};
struct kinds {
    struct kind *v;
    size_t n;
    size_t *of;         /* guardrail to kind */
    struct strs labels; /* that slices of any kind have */
};

static bool
pairs_eq(struct pairs a, struct pairs b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (!gr_str_eq(a.v[i].key, b.v[i].key) || !gr_str_eq(a.v[i].value, b.v[i].value))
            return false;
    return true;
}

static const struct gr_str *
value_of(struct pairs set, struct gr_str key)
{
    for (size_t i = 0; i < set.n; i++)
        if (gr_str_eq(set.v[i].key, key))
            return &set.v[i].value;
    return NULL;
}

static void
add_slice_labels(struct lower *lo, struct kinds *ks, struct strs within)
{
    struct strs *all = &ks->labels;
    struct gr_str *v;

    if (!(v = gr_arena_array(lo->arena, all->n + within.n, sizeof *v))) {
        lo->err = GR_ENOMEM;
        return;
    }
    for (size_t i = 0; i < all->n; i++)
        v[i] = all->v[i];
    all->v = v;
    for (size_t i = 0; i < within.n; i++)
        if (!strs_has(*all, within.v[i]))
            all->v[all->n++] = within.v[i];
}

static void
kinds_fill(struct lower *lo, struct kinds *ks)
{
    const struct model *m = lo->m;

    ks->v = gr_arena_array(lo->arena, m->n_guardrails, sizeof *ks->v);
    ks->of = gr_arena_array(lo->arena, m->n_guardrails, sizeof *ks->of);
    if (!ks->v || !ks->of) {
        lo->err = GR_ENOMEM;
        return;
    }
    for (size_t i = 0; lo->err == GR_OK && i < m->n_guardrails; i++) {
        const struct guardrail *g = &m->guardrails[i];
        size_t k = 0;

        while (k < ks->n && !(strs_eq(ks->v[k].g->compare_within, g->compare_within) &&
                              pairs_eq(ks->v[k].g->only, g->only)))
            k++;
        ks->of[i] = k;
        if (k < ks->n)
            continue;
        ks->v[ks->n++] = (struct kind){.g = g};
        add_slice_labels(lo, ks, g->compare_within);
    }
}

/* The distinct slices of one shape (set of labels). */
struct shape {
    const struct slice *v[MODEL_SLICES_MAX];
    size_t n;
};

static void
shape_fill(struct lower *lo, const struct kinds *ks, struct strs within, struct shape *s)
{
    s->n = 0;
    for (size_t k = 0; k < ks->n; k++) {
        const struct guardrail *g = ks->v[k].g;

        for (size_t i = 0; strs_eq(g->compare_within, within) && i < g->n_expected; i++) {
            size_t have = 0;
            while (have < s->n && !slice_eq(s->v[have], &g->expected[i]))
                have++;
            if (have < s->n)
                continue;
            if (s->n == GR_COUNT(s->v)) {
                lo->err = GR_ELIMIT;
                return;
            }
            s->v[s->n++] = &g->expected[i];
        }
    }
}

/* Whether matchers made of `only` alone tell a slice from those that the guardrail does not expect. */
static bool
passes_only(const struct lower *lo, const struct guardrail *g, const struct slice *s)
{
    for (size_t i = 0; i < g->only.n; i++) {
        const struct gr_str *have = value_of(s->labels, g->only.v[i].key);

        if (!have)
            have = value_of(lo->m->streams[s->stream].release, g->only.v[i].key);
        if (have && !gr_str_eq(*have, g->only.v[i].value))
            return false;
    }
    return true;
}

static void
put_pairs(struct lower *lo, struct pairs set)
{
    for (size_t i = 0; i < set.n; i++)
        lower_put(lo, "$1", lower_values(lo, set.v[i].key, &set.v[i].value, 1, false), NULL);
}

/* Slices of other shapes have other labels; `only` chooses among those of this shape. one: the very slice that is wanted. */
static const char *
slice_matchers(struct lower *lo, const struct guardrail *g, struct strs labels, const struct slice *one)
{
    const struct gr_str none = GR_STR_NONE;
    size_t from = lo->expr.n;

    for (size_t i = 0; i < labels.n; i++)
        if (!strs_has(g->compare_within, labels.v[i]))
            lower_put(lo, "$1", lower_values(lo, labels.v[i], &none, 1, false), NULL);
        else if (!one && !value_of(g->only, labels.v[i]))
            lower_put(lo, "$1", lower_values(lo, labels.v[i], &none, 1, true), NULL);
    if (one) {
        put_pairs(lo, lo->m->streams[one->stream].release);
        put_pairs(lo, one->labels);
        return lower_cut(lo, from);
    }
    for (size_t i = 0; i < g->only.n; i++) {
        const struct pair *p = &g->only.v[i];
        if (strs_has(g->compare_within, p->key) || strs_has(lo->m->release_labels, p->key))
            lower_put(lo, "$1", lower_values(lo, p->key, &p->value, 1, false), NULL);
    }
    return lower_cut(lo, from);
}

/* `only: {flow: agency}` of a guardrail that is compared within venues alone rules out streams without that flow, which no matcher on
 * a slice's labels can tell: then each slice is named. */
static void
kind_matchers(struct lower *lo, struct kind *k, struct strs labels, const struct shape *s)
{
    size_t passing = 0;
    bool plain;

    for (size_t i = 0; i < s->n; i++)
        passing += passes_only(lo, k->g, s->v[i]);
    plain = passing == k->g->n_expected;
    k->n_matchers = plain ? 1 : k->g->n_expected;
    if (!(k->matchers = gr_arena_array(lo->arena, k->n_matchers, sizeof *k->matchers))) {
        lo->err = GR_ENOMEM;
        return;
    }
    for (size_t i = 0; i < k->n_matchers; i++)
        k->matchers[i] = slice_matchers(lo, k->g, labels, plain ? NULL : &k->g->expected[i]);
}

/* One rule for all guardrails: slices of every shape stand side by side; expected() tells them apart by which labels they have. */
static void
slices(struct lower *lo, struct kinds *ks)
{
    struct shape *shape = gr_arena_array(lo->arena, 1, sizeof *shape);

    if (!shape) {
        lo->err = GR_ENOMEM;
        return;
    }
    lower_branches(lo, "\nor ");
    for (size_t i = 0; i < ks->n; i++) {
        struct strs within = ks->v[i].g->compare_within;
        bool first = true;

        for (size_t k = 0; k < i && first; k++)
            first = !strs_eq(ks->v[k].g->compare_within, within);
        if (!first)
            continue;
        shape_fill(lo, ks, within, shape);
        for (size_t k = 0; k < shape->n; k++)
            slice_branch(lo, shape->v[k]);
    }
    lower_record(lo, "guardrail:slice");
    for (size_t i = 0; lo->err == GR_OK && i < ks->n; i++) {
        shape_fill(lo, ks, ks->v[i].g->compare_within, shape);
        kind_matchers(lo, &ks->v[i], ks->labels, shape);
    }
}

/* `,flow!~"agency"`: slices of flows that get nothing in the phase cannot report. "" where all get some, or slices have no flow. */
static const char *
idle_flows(struct lower *lo, const struct guardrail *g, const struct phase *p)
{
    struct gr_str *idle;
    size_t n = 0;

    for (size_t i = 0; i < p->n_traffic; i++)
        n += p->traffic[i].ratio.mant == 0;
    if (n == 0 || lo->m->flow_label.n == 0 || !strs_has(g->compare_within, lo->m->flow_label))
        return "";
    if (!(idle = gr_arena_array(lo->arena, n, sizeof *idle))) {
        lo->err = GR_ENOMEM;
        return "";
    }
    n = 0;
    for (size_t i = 0; i < p->n_traffic; i++)
        if (p->traffic[i].ratio.mant == 0)
            idle[n++] = p->traffic[i].flow;
    return lower_values(lo, lo->m->flow_label, idle, n, true);
}

static void
expected(struct lower *lo, const struct guardrail *g, const struct kind *k)
{
    uint32_t left = g->phases;

    lower_branches(lo, "\nor ");
    for (size_t p = 0; p < lo->m->n_phases; p++) {
        const char *idle, *phases;
        uint32_t same = 0;

        if (!(left >> p & 1u))
            continue;
        idle = idle_flows(lo, g, &lo->m->phases[p]);
        for (size_t q = p; q < lo->m->n_phases; q++)
            if ((left >> q & 1u) && strcmp(idle, idle_flows(lo, g, &lo->m->phases[q])) == 0)
                same |= UINT32_C(1) << q;
        left &= ~same;
        phases = lower_phases(lo, same, false);
        for (size_t i = 0; i < k->n_matchers; i++)
            lower_branch(lo, "guardrail:slice{$S$1$2$3}", phases, k->matchers[i], idle, NULL);
    }
    lower_label(lo, lower_record(lo, "guardrail:expected"), "guardrail", g->name);
}

void
lower_phase(struct lower *lo)
{
    struct kinds ks = {.n = 0};

    phase_start(lo);
    gate(lo);
    cohorts(lo);
    overdue(lo);
    kinds_fill(lo, &ks);
    if (lo->err == GR_OK)
        slices(lo, &ks);
    for (size_t i = 0; lo->err == GR_OK && i < lo->m->n_guardrails; i++)
        expected(lo, &lo->m->guardrails[i], &ks.v[ks.of[i]]);
}
