/* spec_promql.c - what the result of a `promql` metric carries, and whether it can have one.
 *
 * Inferred for the expression as it will be evaluated: every selector but those of `common` metrics has the cohort's label and those of
 * `only`, by the matchers that the compiler inserts, and the labels that the metric declares. An operator between a selector and an
 * aggregate that drops the cohort, say, looks right and matches nothing. */
#include "config.h"
#include "spec_parts.h"

struct knowledge {
    struct spec *s;
    const struct draft *d;
    struct strs labels;            /* of every selector but common ones */
    const struct gr_promql *never; /* the first operator whose sides cannot match */
    struct gr_str why;             /* a label that shows it */
    bool without_cohort;           /* that label is the cohort's */
};

static bool
knows(const struct gr_promql *selector, const struct gr_str **labels, size_t *count, bool *closed, void *ctx)
{
    const struct knowledge *k = ctx;

    if (strs_has(&k->d->g->metric.common, gr_promql_metric(selector)))
        return false;
    *labels = k->labels.v;
    *count = k->labels.n;
    *closed = false;
    return true;
}

static bool
collect(struct knowledge *k)
{
    const struct guardrail *g = k->d->g;
    bool ok = true;

    for (size_t i = 0; i < g->metric.labels.n && ok; i++)
        ok = strs_add(k->s, &k->labels, g->metric.labels.v[i]);
    for (size_t i = 0; i < g->only.n && ok; i++)
        ok = strs_add(k->s, &k->labels, g->only.v[i].key);
    if (ok && !g->stream_scope && k->s->m->cohort_label.n > 0)
        ok = strs_add(k->s, &k->labels, k->s->m->cohort_label);
    return ok;
}

/* A label that is on one side only, or has another value there. */
static struct gr_str
excluding_label(const struct gr_promql_join *j)
{
    for (size_t side = 0; side < 2; side++) {
        const struct gr_promql_labels *mine = side == 0 ? j->left : j->right,
                                      *other = side == 0 ? j->right : j->left;

        for (size_t i = 0; i < mine->count; i++) {
            const struct gr_promql_label *a = &mine->labels[i], *b = gr_promql_labels_find(other, a->name);
            enum gr_promql_presence have = gr_promql_labels_get(other, a->name);

            if (a->presence != GR_PROMQL_CERTAIN || !gr_promql_matched_on(&j->e->u.binary, a->name))
                continue;
            if (have == GR_PROMQL_ABSENT ||
                (b && have == GR_PROMQL_CERTAIN && a->fixed && b->fixed && !gr_str_eq(a->value, b->value)))
                return a->name;
        }
    }
    return GR_STR_NONE;
}

static void
visit_join(const struct gr_promql_join *j, void *ctx)
{
    struct knowledge *k = ctx;
    struct gr_str many = j->many_left.n > 0 ? j->many_left : j->many_right;

    if (j->never && !k->never) {
        k->never = j->e;
        k->why = excluding_label(j);
        k->without_cohort = !k->d->g->stream_scope && gr_str_eq(k->why, k->s->m->cohort_label);
    }
    if (many.n > 0 && !j->never)
        gr_diag(k->s->d, GR0406, j->e->u.binary.op_where,
                j->e->u.binary.group == GR_PROMQL_ONE_TO_ONE
                    ? GR_STR("match on it, aggregate it away, or say group_left or group_right")
                    : GR_STR("match on it, or aggregate it away"),
                "the %s side has a series for each \"" GR_FMT "\", which is not matched on",
                j->many_left.n > 0 ? "left" : "right", GR_ARG(many));
}

static void
report_never(const struct knowledge *k)
{
    gr_diag(
        k->s->d, GR0405, k->never->u.binary.op_where,
        k->without_cohort
            ? GR_STR("keep the cohort's label on both sides, name the metric under `common`, or say on (…)")
            : GR_STR("say on (…) with the labels that both sides have"),
        "no series of the two sides can match: label \"" GR_FMT
        "\" is on one side only, or has another value%s",
        GR_ARG(k->why), k->without_cohort ? "; the compiler adds it to every selector" : "");
}

bool
spec_infer(struct spec *s, struct draft *d)
{
    struct knowledge k = {.s = s, .d = d};
    const struct gr_promql_infer how = {.knows = knows, .join = visit_join, .ctx = &k};

    if (!collect(&k) || gr_promql_infer(s->a, d->g->metric.part, &how, &d->inferred) != GR_OK)
        return false;
    d->has_inferred = !d->inferred.empty;
    if (d->inferred.empty && k.never)
        report_never(&k);
    return d->has_inferred;
}
