/* lower_verdict.c - limits as series, breaches, which of them the evidence supports, and the four verdicts. */
#include "config.h"
#include "lower.h"

/* -- limits and breaches -------------------------------------------------------------------------------------------------- */

/* On whatever slices report, so that a slice outside `expect` gets its (tightest) limit too. */
static void
limit(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    const char *value;
    struct gr_rule *rule;
    size_t from = lo->expr.n;

    if (b->side == SIDE_BACKSTOP)
        lower_put(lo, "sum without (cohort) (guardrail:window:value{$$S$1,cohort=$C$$1})", name, NULL);
    else
        lower_put(lo, "guardrail:effect{$$S$1$$1}", name, NULL);
    value = lower_cut(lo, from);
    lower_per_literal(lo, g, b, value, "* 0 +");
    rule = lower_record(lo, "guardrail:limit");
    lower_label(lo, rule, "guardrail", g->name);
    lower_label(lo, rule, "level", gr_str(level_name(b->level)));
    lower_label(lo, rule, "side", gr_str(side_name(b->side)));
}

struct form {
    enum side side;
    bool inclusive;
};

static bool
has_form(const struct guardrail *g, const void *arg)
{
    const struct form *f = arg;

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].side == f->side && g->limit.bounds[i].inclusive == f->inclusive)
            return true;
    return false;
}

/* Strict unless the limit says at_or_…: exactly at the limit is inside. */
static void
breach(struct lower *lo)
{
    static const struct {
        struct form form;
        const char *template;
    } forms[] = {
        {{SIDE_UPPER, false},
         "guardrail:limit{$S$1,side=\"upper\"} < ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_UPPER, true},
         "guardrail:limit{$S$1,side=\"upper\"} <= ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_LOWER, false},
         "guardrail:limit{$S$1,side=\"lower\"} > ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_LOWER, true},
         "guardrail:limit{$S$1,side=\"lower\"} >= ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_BACKSTOP, false},
         "guardrail:limit{$S$1,side=\"backstop\"} < ignoring (level, side) group_left ()"
         " sum without (cohort) (guardrail:window:value{$S$1,cohort=$C})"},
    };
    const char *which;

    lower_branches(lo, "\nor ");
    for (size_t i = 0; i < GR_COUNT(forms); i++)
        if ((which = lower_which(lo, has_form, &forms[i].form)) != NULL)
            lower_branch(lo, forms[i].template, which, NULL);
    lower_record(lo, "guardrail:breach");
}

/* -- supported ------------------------------------------------------------------------------------------------------------- */

static bool
has_min_events(const struct guardrail *g, const void *arg)
{
    return is_sum(g, NULL) && (is_compared(g, NULL) || has_backstop(g, NULL)) && g->evidence.min_events > 0 &&
           g->evidence.min_events == *(const uint32_t *)arg;
}

/* `unless ignoring (level, side) (…)`: fewer bad events of the canary than min_events. */
static void
put_min_events(struct lower *lo)
{
    const struct model *m = lo->m;
    bool any = false;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const uint32_t *least = &m->guardrails[i].evidence.min_events;
        bool first = has_min_events(&m->guardrails[i], least);

        for (size_t k = 0; first && k < i; k++)
            first = !has_min_events(&m->guardrails[k], least);
        if (!first)
            continue;
        lower_put(lo, any ? " or " : "\n  unless ignoring (level, side) sum without (cohort) (", NULL);
        lower_put(lo, "guardrail:test:bad{$S$1,cohort=$C} < $2", lower_which(lo, has_min_events, least),
                  lower_uint(lo, *least), NULL);
        any = true;
    }
    if (any)
        lower_put(lo, ")", NULL);
}

struct confirm {
    enum level level;
    uint32_t k, n;
};

static bool
has_confirm(const struct guardrail *g, const void *arg)
{
    const struct confirm *c = arg;

    if (!is_fixed(g, NULL))
        return false;
    return c->level == LEVEL_HARD ? g->evidence.hard_k == c->k && g->evidence.hard_n == c->n
                                  : g->evidence.soft_k == c->k && g->evidence.soft_n == c->n;
}

static struct confirm
confirm_of(const struct guardrail *g, enum level level)
{
    return level == LEVEL_HARD ? (struct confirm){level, g->evidence.hard_k, g->evidence.hard_n}
                               : (struct confirm){level, g->evidence.soft_k, g->evidence.soft_n};
}

/* Fixed limits: 1 of 1 is the windowed value, k of n counts recorded slots. */
static void
confirmed(struct lower *lo, enum level level)
{
    const struct model *m = lo->m;
    const char *name = level_name(level);

    for (size_t i = 0; i < m->n_guardrails; i++) {
        struct confirm c = confirm_of(&m->guardrails[i], level);
        bool first = has_confirm(&m->guardrails[i], &c);

        for (size_t k = 0; first && k < i; k++)
            first = !has_confirm(&m->guardrails[k], &c);
        if (!first)
            continue;
        if (c.n == 1)
            lower_branch(
                lo, "guardrail:breach{$S$1,level=\"$2\"} and ignoring (level, side) guardrail:enough{$S}",
                lower_which(lo, has_confirm, &c), name, NULL);
        else
            lower_branch(lo,
                         "count_over_time(guardrail:slot:over{$S$1,level=\"$2\"}[$3]) >= $4"
                         " and on ($P) guardrail:open{$S}",
                         lower_which(lo, has_confirm, &c), name, lower_duration(lo, lower_range_ms(lo, c.n)),
                         lower_uint(lo, c.k), NULL);
    }
}

struct row {
    enum level level;
    enum side side;
    const char *sign; /* of the difference, for evidence on the bad side */
};

static bool
has_row(const struct guardrail *g, const void *arg)
{
    const struct row *r = arg;

    for (size_t i = 0; is_sequential(g, NULL) && i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == r->level && g->limit.bounds[i].side == r->side)
            return true;
    return false;
}

/* Breaches against control whose difference lies on the bad side with enough evidence; and those of `point`. */
static void
put_compared(struct lower *lo)
{
    static const struct row rows[] = {
        {LEVEL_HARD, SIDE_UPPER, ">"},
        {LEVEL_HARD, SIDE_LOWER, "<"},
        {LEVEL_SOFT, SIDE_UPPER, ">"},
        {LEVEL_SOFT, SIDE_LOWER, "<"},
    };
    const char *which;
    bool any = false;

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        if ((which = lower_which(lo, has_row, &rows[i])) == NULL)
            continue;
        lower_put(lo, any ? "\n  or " : "((", NULL);
        lower_put(lo,
                  "guardrail:breach{$S$1,level=\"$2\",side=\"$3\"}"
                  " and ignoring (level, side) (guardrail:evidence{$S} > $4 and guardrail:test:d{$S} $5 0)",
                  which, level_name(rows[i].level), side_name(rows[i].side),
                  lower_threshold(lo, rows[i].level), rows[i].sign, NULL);
        any = true;
    }
    if ((which = lower_which(lo, is_point, NULL)) != NULL) {
        lower_put(lo, any ? "\n  or " : "((", NULL);
        lower_put(lo, "guardrail:breach{$S$1,side!=\"backstop\"}", which, NULL);
        any = true;
    }
    if (!any)
        return;
    lower_put(lo, ")\n  and ignoring (level, side) guardrail:enough{$S}", NULL);
    put_min_events(lo);
    lower_put(lo, ")", NULL);
}

static void
supported(struct lower *lo)
{
    const char *backstop = lower_which(lo, has_backstop, NULL);

    lower_branches(lo, "\nor ");
    put_compared(lo);
    if (backstop) {
        lower_branch(lo, "(guardrail:breach{$S$1,side=\"backstop\"}", backstop, NULL);
        put_min_events(lo);
        lower_put(lo, ")", NULL);
    }
    confirmed(lo, LEVEL_HARD);
    confirmed(lo, LEVEL_SOFT);
    lower_record(lo, "guardrail:supported");
}

/* -- verdict ---------------------------------------------------------------------------------------------------------------- */

static bool
has_no_soft(const struct guardrail *g, const void *arg)
{
    return !has_soft(g, arg);
}

static bool
has_phase_end(const struct lower *lo)
{
    for (size_t i = 0; i < lo->m->n_phases; i++)
        if (lo->m->phases[i].max_ms > 0)
            return true;
    return false;
}

/* Healthy needs positive proof; whatever is expected or seen and proves nothing is insufficient. */
static void
verdict(struct lower *lo)
{
    const char *hard_only = lower_which(lo, has_no_soft, NULL);

    lower_put(lo,
              "max without (level, side) (guardrail:supported{$S,level=\"hard\"}) * 0 + 3\n"
              "or max without (level, side) (guardrail:supported{$S,level=\"soft\"}) * 0 + 2\n"
              "or (guardrail:effect{$S} and guardrail:enough{$S} and guardrail:coverage{$S} >= 0.9\n"
              "    and ignoring (level, side) (guardrail:limit{$S,level=\"soft\"}",
              NULL);
    if (hard_only)
        lower_put(lo, " or guardrail:limit{$S$1,level=\"hard\"}", hard_only, NULL);
    lower_put(lo, ")\n    unless ignoring (level, side) guardrail:breach{$S}", NULL);
    if (has_phase_end(lo))
        lower_put(lo, " unless on ($P) guardrail:overdue{$S}", NULL);
    lower_put(lo,
              ") * 0 + 0\n"
              "or (guardrail:expected{$S} unless $Yguardrail:coverage{$S})\n"
              "or guardrail:coverage{$S} * 0 + 1",
              NULL);
    lower_record(lo, "guardrail:verdict");
}

static void
reason(struct lower *lo, const char *name, const char *vector)
{
    lower_branch(lo, "label_replace($1, \"reason\", \"$2\", \"\", \"\")", vector, name, NULL);
}

static const char *
expanded(struct lower *lo, const char *template, const char *arg)
{
    size_t from = lo->expr.n;

    lower_put(lo, template, arg, NULL);
    return lower_cut(lo, from);
}

/* missing: an expected slice recorded no slot in this very evaluation. no_control: control's window is empty or thinner than the
 * canary's, so the comparison is with the past. */
static void
insufficient(struct lower *lo)
{
    const char *compared = lower_which(lo, is_compared, NULL);
    bool sums = lower_any(lo, is_sum, NULL), values = lower_any(lo, is_value, NULL);
    size_t from;
    const char *missing;

    from = lo->expr.n;
    lower_put(lo, "guardrail:expected{$S} unless ignoring (cohort, part, le$Z) (", NULL);
    if (sums)
        lower_put(lo, "guardrail:slot:sum{$S,part=~\"total|bucket\",cohort=~$T}", NULL);
    if (values)
        lower_put(lo,
                  sums ? " or guardrail:slot:value{$S,cohort=~$T}" : "guardrail:slot:value{$S,cohort=~$T}",
                  NULL);
    lower_put(lo, ")", NULL);
    missing = lower_cut(lo, from);

    lower_branches(lo, "\nor ignoring (reason) ");
    reason(lo, "missing", missing);
    if (compared)
        reason(lo, "no_control",
               expanded(lo,
                        "(guardrail:coverage{$S$1} unless ignoring (cohort) "
                        "guardrail:window:value{$S,cohort=$K}"
                        " or sum without (cohort) (guardrail:coverage:cohort{$S$1,cohort=$C} >= 0.9)"
                        " and sum without (cohort) (guardrail:coverage:cohort{$S$1,cohort=$K} < "
                        "0.9)) * 0 + 1",
                        compared));
    if (has_phase_end(lo))
        reason(lo, "overdue",
               expanded(lo, "guardrail:verdict{$S} == 1 and on ($P) guardrail:overdue{$S}", ""));
    reason(lo, "suspect",
           expanded(lo,
                    "max without (level, side) (guardrail:breach{$S}) * 0 + 1 and guardrail:verdict{$S} == 1",
                    ""));
    reason(lo, "thin", expanded(lo, "guardrail:verdict{$S} == 1", ""));
    lower_record(lo, "guardrail:insufficient");
}

void
lower_verdict(struct lower *lo)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++)
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            limit(lo, &m->guardrails[i], &m->guardrails[i].limit.bounds[k]);
    breach(lo);
    supported(lo);
    verdict(lo);
    insufficient(lo);
}
