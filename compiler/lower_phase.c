/* lower_phase.c - which phase is active, since when, and which slices must report while it is. */
#include "config.h"
#include "lower.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"

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
        lower_branch(lo, "time() - guardrail:phase_start{$S$1} > $2", lower_phases(lo, same),
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

/* The replacement of label_replace() reads $ as a reference to a group: double it. */
static void
put_replacement(struct lower *lo, struct gr_str value)
{
    struct gr_buf b = GR_BUF_INIT(LOWER_EXPR_BYTES_MAX);

    for (size_t i = 0; i < value.n; i++) {
        gr_buf_putc(&b, value.p[i]);
        if (value.p[i] == '$')
            gr_buf_putc(&b, '$');
    }
    gr_quote_promql(&lo->expr, gr_buf_str(&b));
    if (gr_buf_err(&b) != GR_OK)
        lo->err = gr_buf_err(&b);
    gr_buf_fini(&b);
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
        gr_buf_puts(&lo->expr, ", ");
        put_replacement(lo, s->labels.v[i].value);
        gr_buf_puts(&lo->expr, ", \"\", \"\")");
    }
    inner = lower_cut(lo, from);
    lower_branch(lo, "$1", inner, NULL);
}

/* Every distinct slice of the guardrails that are compared within `shape`. */
static void
shape_branches(struct lower *lo, struct strs shape)
{
    const struct slice *seen[MODEL_SLICES_MAX];
    size_t n_seen = 0;

    for (size_t g = 0; g < lo->m->n_guardrails; g++) {
        const struct guardrail *gr = &lo->m->guardrails[g];

        if (!strs_eq(gr->compare_within, shape))
            continue;
        for (size_t i = 0; i < gr->n_expected; i++) {
            size_t k = 0;
            while (k < n_seen && !slice_eq(seen[k], &gr->expected[i]))
                k++;
            if (k < n_seen)
                continue;
            if (n_seen == GR_COUNT(seen)) {
                lo->err = GR_ELIMIT;
                return;
            }
            seen[n_seen++] = &gr->expected[i];
            slice_branch(lo, &gr->expected[i]);
        }
    }
}

/* One rule for all guardrails: slices of every shape (set of labels) stand side by side; expected() tells them apart by which labels
 * they have. */
static void
slices(struct lower *lo)
{
    const struct model *m = lo->m;

    lower_branches(lo, "\nor ");
    for (size_t g = 0; g < m->n_guardrails; g++) {
        bool first = true;
        for (size_t k = 0; k < g && first; k++)
            first = !strs_eq(m->guardrails[k].compare_within, m->guardrails[g].compare_within);
        if (first)
            shape_branches(lo, m->guardrails[g].compare_within);
    }
    lower_record(lo, "guardrail:slice");
}

static struct strs
all_slice_labels(struct lower *lo)
{
    struct strs all = {NULL, 0};
    size_t cap = 0;

    for (size_t g = 0; g < lo->m->n_guardrails; g++) {
        const struct strs *within = &lo->m->guardrails[g].compare_within;
        for (size_t i = 0; i < within->n; i++) {
            struct gr_str *v = all.v;
            if (strs_has(all, within->v[i]))
                continue;
            if (all.n == cap && !(v = gr_arena_grow(lo->arena, all.v, all.n, &cap, sizeof *v))) {
                lo->err = GR_ENOMEM;
                return all;
            }
            all.v = v;
            all.v[all.n++] = within->v[i];
        }
    }
    return all;
}

static void
expected(struct lower *lo, const struct guardrail *g, struct strs all)
{
    lower_put(lo, "guardrail:slice{$S$1", lower_phases(lo, g->phases), NULL);
    for (size_t i = 0; i < all.n; i++) {
        const struct gr_str none = GR_STR_NONE;
        const struct pair *only = NULL;

        for (size_t k = 0; k < g->only.n; k++)
            if (gr_str_eq(g->only.v[k].key, all.v[i]))
                only = &g->only.v[k];
        if (!strs_has(g->compare_within, all.v[i]))
            lower_put(lo, "$1", lower_values(lo, all.v[i], &none, 1, false), NULL);
        else if (only)
            lower_put(lo, "$1", lower_values(lo, only->key, &only->value, 1, false), NULL);
        else
            lower_put(lo, "$1", lower_values(lo, all.v[i], &none, 1, true), NULL);
    }
    lower_put(lo, "}", NULL);
    lower_label(lo, lower_record(lo, "guardrail:expected"), "guardrail", g->name);
}

void
lower_phase(struct lower *lo)
{
    struct strs all = all_slice_labels(lo);

    phase_start(lo);
    gate(lo);
    overdue(lo);
    slices(lo);
    for (size_t i = 0; i < lo->m->n_guardrails; i++)
        expected(lo, &lo->m->guardrails[i], all);
}
