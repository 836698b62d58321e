/* lower_slot.c - one slot per sampling interval: what each guardrail saw, per cohort and slice, in parts that can be pooled.
 *
 * Counters: increase() over the slot and one scrape more (so that no step between two scrapes is lost), scaled back to the slot.
 * Gauges are reduced over the slot's time and over series; `> -Inf < +Inf` drops NaN and Inf, one of which would poison the window. */
#include "config.h"
#include "lower.h"

#include "guardrail/quote.h"
#include "outnames.h"
#include "timescale.h"

/* What one selector of a guardrail needs besides its own matchers. */
struct select {
    const struct guardrail *g;
    struct gr_str cohort;      /* one cohort's value; empty: all that the guardrail looks at */
    const struct weight *tier; /* restricts to one value of the weight label; NULL: all */
    const char *suffix;        /* of the metric name: "_bucket", or "" */
};

/* `common` series have no cohort and no slice: they are left as they are. */
static bool
is_own(const struct gr_promql *selector, void *ctx)
{
    const struct guardrail *g = ctx;
    struct gr_str metric = gr_promql_metric(selector);

    for (size_t i = 0; i < g->metric.common.n; i++)
        if (gr_str_eq(g->metric.common.v[i], metric))
            return false;
    return true;
}

static void
add(struct lower *lo, struct gr_promql *e, const struct gr_promql_matcher *matchers, size_t n,
    bool (*wants)(const struct gr_promql *, void *), const struct guardrail *g)
{
    const struct guardrail *borrowed = g;
    struct gr_promql_add what = {.matchers = matchers, .count = n, .wants = wants};

    memcpy(&what.ctx, &borrowed, sizeof what.ctx); /* the callback only reads it */
    if (lo->err == GR_OK)
        lo->err = gr_promql_add_matchers(lo->arena, e, &what);
}

/* `canary|control` as the value of one matcher, or a single cohort. Fixed limits judge the canary alone; control is recorded to tell
 * whether it is beyond the limit, too. */
static struct gr_promql_matcher
cohort_matcher(struct lower *lo, const struct select *s)
{
    const struct model *m = lo->m;
    struct gr_promql_matcher match = {.name = m->cohort_label, .op = GR_PROMQL_IS};
    struct gr_buf both = GR_BUF_INIT(4096);

    if (s->cohort.n > 0) {
        match.value = s->cohort;
        return match;
    }
    gr_quote_regex(&both, m->canary);
    gr_buf_putc(&both, '|');
    gr_quote_regex(&both, m->control);
    match.op = GR_PROMQL_LIKE;
    match.value = gr_arena_dup(lo->arena, gr_buf_str(&both));
    if (gr_buf_err(&both) != GR_OK || !match.value.p)
        lo->err = GR_ENOMEM;
    gr_buf_fini(&both);
    return match;
}

/* The name stands before the braces or, quoted, within them. */
static void
add_suffix(struct lower *lo, struct gr_promql *e, const char *suffix)
{
    struct gr_str name = gr_arena_printf(lo->arena, GR_FMT "%s", GR_ARG(gr_promql_metric(e)), suffix);

    GR_ASSERT(e->kind == GR_PROMQL_SELECTOR);
    if (!name.p)
        lo->err = GR_ENOMEM;
    if (e->u.selector.metric.n > 0)
        e->u.selector.metric = name;
    for (size_t i = 0; i < e->u.selector.count; i++)
        if (e->u.selector.matchers[i].op == GR_PROMQL_IS &&
            gr_str_is(e->u.selector.matchers[i].name, "__name__"))
            e->u.selector.matchers[i].value = name;
}

/* The text of a selector (or a whole expression) with the cohort's, `only`'s and the weight's matchers inserted in its tree. */
static const char *
selector(struct lower *lo, const struct gr_promql *tree, const struct select *s)
{
    struct gr_promql *e = gr_promql_clone(lo->arena, tree);
    size_t from = lo->expr.n;

    if (!e) {
        lo->err = GR_ENOMEM;
        return "";
    }
    if (*s->suffix)
        add_suffix(lo, e, s->suffix);
    if (!s->g->stream_scope) {
        struct gr_promql_matcher cohort = cohort_matcher(lo, s);
        add(lo, e, &cohort, 1, is_own, s->g);
    }
    for (size_t i = 0; i < s->g->only.n; i++) {
        struct gr_promql_matcher only = {.name = s->g->only.v[i].key, .value = s->g->only.v[i].value};
        add(lo, e, &only, 1, is_own, s->g);
    }
    if (s->tier) {
        struct gr_promql_matcher tier = {.name = s->g->metric.weight_label, .value = s->tier->value};
        add(lo, e, &tier, 1, NULL, s->g);
    }
    timescale_apply(lo->m, e);
    gr_promql_print(&lo->expr, e);
    return lower_cut(lo, from);
}

/* The labels that a slot keeps: release, compare_within, dynamic; each followed by ", ". */
static const char *
kept(struct lower *lo, const struct guardrail *g)
{
    size_t from = lo->expr.n;

    lower_put(lo, "$R$1$2", lower_strs(lo, g->compare_within, ", "), lower_strs(lo, g->dynamic, ", "), NULL);
    return lower_cut(lo, from);
}

static const char *
of_stream(struct lower *lo, const char *phase)
{
    return lower_text(lo, "label_replace($1, \"cohort\", \"" COHORT_STREAM "\", \"\", \"\")", phase);
}

/* The phase of an expression that looks further back than a slot begins later than the others'. */
static const char *
late_phase(struct lower *lo, const struct guardrail *g, const char *phases)
{
    int64_t ms = model_ms(lo->m, lo->m->sampling_ms) + model_ms(lo->m, lo->m->scrape_ms) +
                 model_gate_more_ms(lo->m, g);
    struct gr_dec seconds;
    const char *gate;
    size_t from = lo->expr.n;

    if (gr_dec_mul(gr_dec_int(ms), GR_DEC(1, -3), &seconds) != GR_OK) {
        lo->err = GR_ERANGE;
        return "";
    }
    gate = lower_text(lo, "(guardrail:gate{$S$1} and guardrail:phase_start{$S$1} <= time() - $2)", phases,
                      lower_dec(lo, seconds));
    if (g->stream_scope)
        return of_stream(lo, gate);
    lower_put(lo, "(", NULL);
    lower_put_cohorts(lo, gate,
                      has_backstop(g, NULL) ? lower_text(lo, "(guardrail:open{$S$1} unless $2)", phases, gate)
                                            : NULL);
    lower_put(lo, ")", NULL);
    return lower_cut(lo, from);
}

/* The phase that slots belong to, and the cohorts that count: they exist only in the guardrail's phases. Fixed limits count at once, comparisons
 * once the gate is open. */
static const char *
phase_of(struct lower *lo, const struct guardrail *g)
{
    const char *phases = lower_phases(lo, g->phases, false);

    if (model_gate_more_ms(lo->m, g) > 0)
        return late_phase(lo, g, phases);
    if (g->stream_scope)
        return of_stream(lo, lower_text(lo, "guardrail:open{$S$1}", phases));
    return lower_text(lo, "guardrail:cohort:$1{$S$2}",
                      has_backstop(g, NULL) ? "begun"
                      : is_fixed(g, NULL)   ? "open"
                                            : "gate",
                      phases);
}

/* What slots are multiplied with: the phase's series, which is 1, or the share of the increase that belongs to the slot. Scraped series have the
 * specification's cohort label, the recorded ones `cohort`: `labels: {track: ""}` of the rule takes the former away. */
static void
put_join(struct lower *lo, const struct guardrail *g, const char *phase)
{
    if (g->stream_scope)
        lower_put(lo, "\n  * on ($R) group_left (spec, deployment_id, phase, cohort) $1", phase, NULL);
    else
        lower_put(lo, "\n  * on ($R, $2) group_left (spec, deployment_id, phase, cohort) $1", phase,
                  lower_cohort_label(lo), NULL);
}

/* The rule of what was composed. part: NULL where there is none. */
static void
record_slot(struct lower *lo, const struct guardrail *g, const char *name, const char *part)
{
    struct gr_rule *rule = lower_record(lo, name);

    lower_label(lo, rule, "guardrail", g->name);
    if (part)
        lower_label(lo, rule, "part", gr_str(part));
    if (!g->stream_scope)
        lower_label(lo, rule, lower_cohort_label(lo), GR_STR_NONE);
}

/* The labels that a slot is added up by: those it keeps, and the cohort's. */
static const char *
grouped(struct lower *lo, const struct guardrail *g)
{
    if (g->stream_scope)
        return kept(lo, g);
    return lower_text(lo, "$1, $2", kept(lo, g), lower_cohort_label(lo));
}

/* -- counters -------------------------------------------------------------------------------------------------------------- */

/* increase(x{…}[150s]), or with weights 5 * increase(x{…,tier="platinum"}[150s]) or 3 * …; squares: 25, 9, … */
static const char *
increases(struct lower *lo, const struct guardrail *g, const struct gr_promql *counter, const char *suffix,
          bool squares)
{
    const struct metric *mt = &g->metric;
    const char *range =
        lower_duration(lo, model_ms(lo->m, lo->m->sampling_ms) + model_ms(lo->m, lo->m->scrape_ms));
    size_t from = lo->expr.n;

    if (mt->n_weights == 0) {
        struct select s = {.g = g, .suffix = suffix};
        lower_put(lo, "increase($1[$2])", selector(lo, counter, &s), range, NULL);
        return lower_cut(lo, from);
    }
    for (size_t i = 0; i < mt->n_weights; i++) {
        struct select s = {.g = g, .tier = &mt->weights[i], .suffix = suffix};
        struct gr_dec w = mt->weights[i].weight;
        if (squares && gr_dec_mul(w, w, &w) != GR_OK)
            lo->err = GR_ERANGE;
        lower_put(lo, i > 0 ? "\n      or $1 * increase($2[$3])" : "$1 * increase($2[$3])", lower_dec(lo, w),
                  selector(lo, counter, &s), range, NULL);
    }
    return lower_cut(lo, from);
}

/* One slot's share of the increase range: 120 s of 150 s are 0.8. */
static const char *
share(struct lower *lo)
{
    struct gr_dec slot = gr_dec_int(model_ms(lo->m, lo->m->sampling_ms));
    struct gr_dec range = gr_dec_int(model_ms(lo->m, lo->m->sampling_ms) + model_ms(lo->m, lo->m->scrape_ms));
    struct gr_dec ratio = GR_DEC(1, 0);

    if (gr_dec_div(slot, range, &ratio) != GR_OK)
        lo->err = GR_ERANGE;
    return lower_dec(lo, ratio);
}

/* `sum by (cluster, venue, track) (increase(…))` */
static const char *
counted(struct lower *lo, const struct guardrail *g, const struct gr_promql *counter, const char *suffix,
        bool squares)
{
    const char *keys = grouped(lo, g), *what = increases(lo, g, counter, suffix, squares);

    if (*suffix)
        return lower_text(lo, "sum by ($1, le) ($2)", keys, what);
    return lower_text(lo, g->metric.n_weights > 0 ? "sum by ($1) (\n      $2)" : "sum by ($1) ($2)", keys,
                      what);
}

/* The increases that belong to the slot, in the guardrail's phases. */
static void
put_increases(struct lower *lo, const struct guardrail *g, const char *increases)
{
    lower_put(lo, "$1", increases, NULL);
    put_join(lo, g, lower_text(lo, "($1 * $2)", share(lo), phase_of(lo, g)));
}

/* What this guardrail has just recorded under a name. more: further matchers, with a leading comma, or "". */
static const char *
recorded(struct lower *lo, const struct guardrail *g, const char *name, const char *more)
{
    return lower_text(lo, "$1{$S$2$3}", name, lower_values(lo, GR_STR("guardrail"), &g->name, 1, false),
                      more);
}

/* The same, matched with scraped series. op: "or", "and". own: the labels that only the recorded ones have. */
static void
put_beside(struct lower *lo, const struct guardrail *g, const char *op, const char *own, const char *series)
{
    lower_put(lo, "\n$1 ignoring ($2$3) $4", op, own,
              g->stream_scope ? "" : lower_text(lo, ", $1", lower_cohort_label(lo)), series, NULL);
}

/* A bad event never counted is 0, with the denominator's labels. */
static void
bad_slots(struct lower *lo, const struct guardrail *g)
{
    const char *total = recorded(lo, g, "guardrail:slot:sum", ",part=\"total\"");

    put_increases(lo, g, counted(lo, g, g->metric.total, "", false));
    record_slot(lo, g, "guardrail:slot:sum", "total");
    put_increases(lo, g, counted(lo, g, g->metric.part, "", false));
    put_beside(lo, g, "and", "guardrail, part", total);
    put_beside(lo, g, "or", "guardrail, part", total);
    lower_put(lo, " * 0", NULL);
    record_slot(lo, g, "guardrail:slot:sum", "bad");
}

/* A good event never counted is not 0 but no data: an absent counter (one that the new version renamed, say) must not look like a ratio of 0 and roll
 * back; so the total counts only where the numerator is there. */
static void
good_slots(struct lower *lo, const struct guardrail *g)
{
    struct gr_rule *rule;

    put_increases(lo, g, counted(lo, g, g->metric.part, "", false));
    record_slot(lo, g, "guardrail:slot:good", NULL);
    put_increases(lo, g, counted(lo, g, g->metric.total, "", false));
    put_beside(lo, g, "and", "guardrail", recorded(lo, g, "guardrail:slot:good", ""));
    record_slot(lo, g, "guardrail:slot:sum", "total");
    lower_put(lo, "$1 and ignoring (part) $2", recorded(lo, g, "guardrail:slot:good", ""),
              recorded(lo, g, "guardrail:slot:sum", ",part=\"total\""), NULL);
    rule = lower_record(lo, "guardrail:slot:sum");
    lower_label(lo, rule, "guardrail", g->name);
    lower_label(lo, rule, "part", GR_STR("good"));
}

/* A rule for each part, so that scraped series are read once. Events do not count that nobody knows the total of: pooled with other slots they would
 * make the ratio larger than it is, which rolls back, or looks healthy. */
static void
ratio_slots(struct lower *lo, const struct guardrail *g)
{
    if (g->metric.kind == METRIC_RATIO_GOOD)
        good_slots(lo, g);
    else
        bad_slots(lo, g);
    if (g->metric.n_weights == 0)
        return;
    put_increases(lo, g, counted(lo, g, g->metric.total, "", true));
    record_slot(lo, g, "guardrail:slot:sum", "square");
}

static void
histogram_slots(struct lower *lo, const struct guardrail *g)
{
    put_increases(lo, g, counted(lo, g, g->metric.part, "_bucket", false));
    record_slot(lo, g, "guardrail:slot:sum", "bucket");
}

/* -- gauges and expressions ----------------------------------------------------------------------------------------------- */

static const char *const reduce_names[] = {[REDUCE_AVG] = "avg", [REDUCE_MAX] = "max", [REDUCE_MIN] = "min"};

static const char *
gauge_values(struct lower *lo, const struct guardrail *g)
{
    struct select s = {.g = g, .suffix = ""};
    const char *slot = lower_duration(lo, model_ms(lo->m, lo->m->sampling_ms));

    return lower_text(lo, "$1 by ($2) ($1_over_time($3[$4]) > -Inf < +Inf)", reduce_names[g->metric.reduce],
                      grouped(lo, g), selector(lo, g->metric.part, &s), slot);
}

/* One cohort's, or the stream's. */
static const char *
expression_value(struct lower *lo, const struct guardrail *g, struct gr_str cohort)
{
    struct select s = {.g = g, .cohort = cohort, .suffix = ""};
    const char *value =
        lower_text(lo, "$1 by ($2) (\n    ($3) > -Inf < +Inf)", reduce_names[g->metric.reduce], kept(lo, g),
                   selector(lo, g->metric.part, &s));

    if (g->stream_scope)
        return value;
    return lower_text(lo, "label_replace($1, \"$2\", $3, \"\", \"\")", value, lower_cohort_label(lo),
                      lower_replacement(lo, cohort));
}

/* The expression once per cohort, its selectors restricted to it. */
static const char *
expression_values(struct lower *lo, const struct guardrail *g)
{
    if (g->stream_scope)
        return expression_value(lo, g, lo->m->canary);
    return lower_text(lo, "($1\n  or $2)", expression_value(lo, g, lo->m->canary),
                      expression_value(lo, g, lo->m->control));
}

static void
value_slots(struct lower *lo, const struct guardrail *g)
{
    lower_put(lo, "$1", g->metric.kind == METRIC_GAUGE ? gauge_values(lo, g) : expression_values(lo, g),
              NULL);
    put_join(lo, g, phase_of(lo, g));
    record_slot(lo, g, "guardrail:slot:value", NULL);
}

/* -- derived from slots ---------------------------------------------------------------------------------------------------- */

static bool
confirms(const struct guardrail *g, const struct bound *b)
{
    if (!is_fixed(g, NULL) || side_is_backstop(b->side))
        return false;
    return b->level == LEVEL_HARD ? g->evidence.hard_n > 1 : g->evidence.soft_n > 1;
}

/* `confirm: k of n` counts these, recorded slots and not steps of a subquery: those sit on the clock, slots on the group's own offset,
 * so a subquery can miss the newest slot (and promtool, which has no offset, would not show it). */
static void
over(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    const char *value;
    /* What is infinite is beyond no limit; NaN never is, and slots of values are finite. An infinite total, of which the ratio is 0, is kept out by
     * guardrail:enough. */
    const char *finite = side_is_lower(b->side) ? "> -Inf" : "< +Inf";
    struct gr_rule *rule;
    size_t from = lo->expr.n;

    if (is_value(g, NULL)) {
        lower_put(lo, "guardrail:slot:value{$S$1$$1}", name, NULL);
    } else if (is_ratio(g, NULL)) {
        lower_put(lo,
                  "sum without (part) (guardrail:slot:sum{$S$1,part=~\"bad|good\"$$1} / ignoring (part) "
                  "(guardrail:slot:sum{$S$1,part=\"total\"$$1} > 0)) $2",
                  name, finite, NULL);
    } else {
        lower_put(lo, "sum without (part) (histogram_quantile($2, guardrail:slot:sum{$S$1$$1})) $3", name,
                  lower_dec(lo, g->metric.quantile), finite, NULL);
    }
    value = lower_cut(lo, from);
    lower_per_literal(lo, g, b, value, lower_op(b));
    rule = lower_record(lo, "guardrail:slot:over");
    lower_label(lo, rule, "guardrail", g->name);
    lower_label(lo, rule, "level", gr_str(level_name(b->level)));
    lower_label(lo, rule, "side", gr_str(side_name(b->side)));
}

void
lower_slots(struct lower *lo)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct guardrail *g = &m->guardrails[i];
        if (is_ratio(g, NULL))
            ratio_slots(lo, g);
        else if (is_histogram(g, NULL))
            histogram_slots(lo, g);
        else
            value_slots(lo, g);
        lower_forget(lo);
    }
    for (size_t i = 0; i < m->n_guardrails; i++) {
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            if (confirms(&m->guardrails[i], &m->guardrails[i].limit.bounds[k]))
                over(lo, &m->guardrails[i], &m->guardrails[i].limit.bounds[k]);
        lower_forget(lo);
    }
}
