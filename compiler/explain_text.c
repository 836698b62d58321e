/* explain_text.c - what a guardrail will do, for people. */
#include "config.h"
#include "explain.h"

#include "guardrail/duration.h"
#include "lower.h"

#define WIDTH 110u

static void
heading(struct gr_buf *b, const char *title)
{
    gr_buf_printf(b, "\n%s\n", title);
}

static void
pad_to(struct gr_buf *b, size_t line_start, size_t column)
{
    while (gr_buf_err(b) == GR_OK && b->n < line_start + column)
        gr_buf_putc(b, ' ');
}

/* -- head ---------------------------------------------------------------------------------------------------------------------- */

static void
put_metric(const struct guardrail *g, struct gr_buf *b)
{
    const struct metric *mt = &g->metric;

    if (mt->kind == METRIC_HISTOGRAM) {
        gr_buf_puts(b, "quantile ");
        gr_dec_print(b, mt->quantile);
        gr_buf_puts(b, " of ");
    } else if (mt->kind == METRIC_GAUGE) {
        gr_buf_printf(b, "%s of ",
                      mt->reduce == REDUCE_AVG   ? "average"
                      : mt->reduce == REDUCE_MAX ? "maximum"
                                                 : "minimum");
    }
    gr_promql_print(b, mt->part);
    if (mt->total) {
        gr_buf_puts(b, " / ");
        gr_promql_print(b, mt->total);
    }
}

static void
put_strs(struct gr_buf *b, struct strs list)
{
    for (size_t i = 0; i < list.n; i++)
        gr_buf_printf(b, "%s" GR_FMT, i > 0 ? ", " : "", GR_ARG(list.v[i]));
}

static void
put_head(const struct explain *x, struct gr_buf *b)
{
    const struct guardrail *g = x->g;

    gr_buf_printf(b, GR_FMT " of " GR_FMT " (group " GR_FMT "), ", GR_ARG(g->name), GR_ARG(x->m->spec),
                  GR_ARG(g->group));
    explain_place(x, g->span, b);
    gr_buf_puts(b, "\n  ");
    put_metric(g, b);
    gr_buf_printf(b, "\n  %s",
                  g->stream_scope     ? "one value per release stream, against a fixed limit"
                  : is_fixed(g, NULL) ? "the canary, against a fixed limit"
                                      : "the canary, against control");
    if (g->compare_within.n + g->dynamic.n > 0) {
        gr_buf_printf(b, ", %s each ", is_fixed(g, NULL) ? "for" : "within");
        put_strs(b, g->compare_within);
        gr_buf_puts(b, g->compare_within.n && g->dynamic.n ? ", " : "");
        put_strs(b, g->dynamic);
    }
    if (g->only.n > 0) {
        gr_buf_puts(b, "; only ");
        explain_pairs(NULL, &g->only, b);
    }
    gr_buf_putc(b, '\n');
}

/* -- limits -------------------------------------------------------------------------------------------------------------------------- */

/* "  cluster=equities venue=XNAS, cluster=… and 3 more", broken into lines. */
static void
put_slices(const struct explain *x, const struct limit_group *group, struct gr_buf *b)
{
    size_t shown = group->n_slices > 4 ? 3 : group->n_slices;

    for (size_t i = 0; i < shown; i++) {
        const struct slice *s = group->slices[i];

        gr_buf_puts(b, "\n                 ");
        explain_pairs(&x->m->streams[s->stream].release, &s->labels, b);
    }
    if (shown < group->n_slices)
        gr_buf_printf(b, "\n                 and %zu more slices", group->n_slices - shown);
    if (group->outside)
        gr_buf_puts(b, "\n                 and any slice outside `expect`");
}

/* "guardrails.yml:84 (override for venue=XNAS; base +20% guardrails.yml:82; replaces +18% base.yml:31)" */
static void
put_origin(const struct explain *x, const struct bound *base, const struct limit_group *group,
           struct gr_buf *b)
{
    const struct bound *replaced = explain_replaced(x, base, group);
    const char *before = " (";

    explain_place(x, group->bound->span, b);
    if (group->by) {
        gr_buf_puts(b, " (override for ");
        explain_pairs(NULL, &group->by->where, b);
        before = "; ";
    }
    if (group->by && !base->only_overrides) {
        gr_buf_printf(b, "; base " GR_FMT " ", GR_ARG(base->text));
        explain_place(x, base->span, b);
    }
    if (replaced) {
        gr_buf_printf(b, "%sreplaces " GR_FMT " ", before, GR_ARG(replaced->text));
        explain_place(x, replaced->span, b);
    }
    gr_buf_puts(b, group->by || replaced ? ")" : "");
}

static void
put_waivers(const struct explain *x, struct gr_buf *b)
{
    for (size_t i = 0; i < x->m->n_waivers; i++) {
        const struct waiver *w = &x->m->waivers[i];

        if (!gr_str_eq(w->guardrail, x->g->name))
            continue;
        gr_buf_printf(b, "  looser until " GR_FMT " by a waiver of " GR_FMT ", " GR_FMT ": " GR_FMT ", ",
                      GR_ARG(w->expires), GR_ARG(w->approved_by), GR_ARG(w->ticket), GR_ARG(w->reason));
        explain_place(x, w->span, b);
        gr_buf_putc(b, '\n');
    }
}

static void
put_bound(const struct explain *x, const struct bound *base, struct gr_buf *b)
{
    struct limit_groups groups;

    if (explain_limits(x, base, &groups) != GR_OK) {
        b->err = GR_ENOMEM;
        return;
    }
    for (size_t i = 0; i < groups.n; i++) {
        size_t line = b->n;

        gr_buf_printf(b, "  %s", level_name(base->level));
        pad_to(b, line, 7);
        gr_buf_printf(b, " %s", side_is_backstop(base->side) ? "backstop" : side_name(base->side));
        pad_to(b, line, 17);
        gr_buf_put(b, groups.v[i].bound->text);
        pad_to(b, line, 25);
        gr_buf_puts(b, "  ");
        put_origin(x, base, &groups.v[i], b);
        if (groups.n > 1 || base->only_overrides)
            put_slices(x, &groups.v[i], b);
        gr_buf_putc(b, '\n');
    }
    if (base->only_overrides)
        gr_buf_printf(b, "  %s: no limit for other slices\n", level_name(base->level));
}

static void
put_limits(const struct explain *x, struct gr_buf *b)
{
    heading(b, "Limits");
    if (!x->all_slices) {
        for (size_t i = 0; i < x->n_slices && i < 8; i++) {
            gr_buf_puts(b, "  for ");
            explain_pairs(&x->m->streams[x->slices[i]->stream].release, &x->slices[i]->labels, b);
            gr_buf_putc(b, '\n');
        }
        if (x->n_slices > 8)
            gr_buf_printf(b, "  and %zu more slices\n", x->n_slices - 8);
        if (x->outside)
            gr_buf_puts(b, "  for a slice outside `expect`: the tightest of all\n");
    }
    for (size_t i = 0; i < x->g->limit.n_bounds; i++)
        put_bound(x, &x->g->limit.bounds[i], b);
    put_waivers(x, b);
}

/* -- evidence, coverage ------------------------------------------------------------------------------------------------------------------ */

static void
put_test(const struct explain *x, enum level level, struct gr_buf *b)
{
    struct gr_dec budget = level == LEVEL_SOFT ? x->m->false_alarm_budget : x->m->false_rollback_budget;
    uint64_t tests = model_tests(x->m, level);
    double alpha = gr_dec_double(budget) / (double)(tests ? tests : 1);

    if (budget.mant == 0) {
        gr_buf_printf(b, "  %-4s  no budget is stated\n", level_name(level));
        return;
    }
    gr_buf_printf(b, "  %-4s  log Λ > ln(1/2α) = %.4f; α = %.4g %% = %.4g %% over %llu tests\n",
                  level_name(level), model_evidence_threshold(x->m, level), 100 * alpha,
                  100 * gr_dec_double(budget), (unsigned long long)tests);
}

static bool
has_level(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level)
            return true;
    return false;
}

static void
put_evidence(const struct explain *x, struct gr_buf *b)
{
    const struct guardrail *g = x->g;

    heading(b, "Evidence");
    for (unsigned level = LEVEL_HARD; level <= LEVEL_SOFT; level++) {
        struct gr_buf kind = GR_BUF_INIT(64);

        if (!has_level(g, (enum level)level))
            continue;
        explain_evidence(g, (enum level)level, &kind);
        if (is_sequential(g, NULL))
            put_test(x, (enum level)level, b);
        else
            gr_buf_printf(b, "  %-4s  %s%s\n", level_name((enum level)level),
                          is_fixed(g, NULL) ? "" : "the first excursion fires: ", gr_buf_cstr(&kind));
        b->err = gr_buf_err(&kind) != GR_OK ? gr_buf_err(&kind) : b->err;
        gr_buf_fini(&kind);
    }
    if (is_fixed(g, NULL))
        gr_buf_puts(b, "  1 of 1 is the value over the window; k of n counts single slots\n");
    if (is_sum(g, NULL))
        gr_buf_printf(b, "  at least %u observations%s, and %u bad ones of the canary\n",
                      (unsigned)g->evidence.min_total, is_compared(g, NULL) ? " in each cohort" : "",
                      (unsigned)g->evidence.min_events);
    else if (is_sequential(g, NULL))
        gr_buf_printf(b, "  at least %u slots in which both cohorts report\n", LOWER_PAIRS_MIN);
    if (model_checks_share(x->m, g))
        gr_buf_printf(b, "  the canary's share of the observations within %.4g %% of the planned one\n",
                      100 * gr_dec_double(x->m->share_tolerance));
    if (is_sequential(g, NULL))
        gr_buf_puts(b, "  counted from the start of the phase; a difference that begins late is diluted\n");
    if (is_compared(g, NULL) && has_level(g, LEVEL_HARD))
        gr_buf_puts(b, "  what it can see, and how often it is wrong: guardrailc power\n");
}

static void
put_phases(const struct explain *x, struct gr_buf *b)
{
    size_t widest = 5;

    for (size_t i = 0; i < x->m->n_phases; i++)
        if ((x->phases >> i & 1u) && x->m->phases[i].name.n > widest)
            widest = x->m->phases[i].name.n;
    heading(b, "Window and coverage (healthy needs 90 % of the window's slots)");
    for (size_t i = 0; i < x->m->n_phases; i++) {
        const struct phase *p = &x->m->phases[i];
        struct coverage c = explain_coverage(x->m, x->g, p);
        size_t line = b->n;

        if (!(x->phases >> i & 1u))
            continue;
        gr_buf_printf(b, "  " GR_FMT, GR_ARG(p->name));
        pad_to(b, line, widest + 4);
        gr_duration_print(b, (int64_t)c.slots * model_ms(x->m, x->m->sampling_ms));
        pad_to(b, line, widest + 13);
        gr_buf_printf(b, "%llu of %llu slots surely by ", (unsigned long long)c.needed,
                      (unsigned long long)c.slots);
        gr_duration_print(b, c.sure_ms);
        if (c.sure_ms > model_ms(x->m, p->min_ms) && p->min_ms > 0) {
            gr_buf_puts(b, ", so perhaps just below when the minimum of ");
            gr_duration_print(b, model_ms(x->m, p->min_ms));
            gr_buf_puts(b, " is over");
        }
        gr_buf_putc(b, '\n');
    }
}

/* -- what happens ---------------------------------------------------------------------------------------------------------------------- */

static void
put_route(const struct explain *x, const struct alert *a, struct gr_buf *b)
{
    struct hit hits[ROUTES_HITS_MAX];
    size_t n = routes_hits(x->routes, a, hits);
    const struct inhibition *by;
    const struct alert *source;

    gr_buf_printf(b, "           " GR_FMT, GR_ARG(a->name));
    if (a->bound && !side_is_backstop(a->bound->side))
        gr_buf_printf(b, " (%s)", side_name(a->bound->side));
    else if (a->bound)
        gr_buf_puts(b, " (backstop)");
    for (size_t i = 0; i < n; i++) {
        gr_buf_printf(b, "%s to %s: group_wait ", i > 0 ? ", and" : "", hits[i].receiver->name);
        gr_duration_print(b, hits[i].timing->group_wait_ms);
        gr_buf_puts(b, ", group_interval ");
        gr_duration_print(b, hits[i].timing->group_interval_ms);
        gr_buf_puts(b, ", repeat_interval ");
        gr_duration_print(b, hits[i].timing->repeat_interval_ms);
    }
    gr_buf_putc(b, '\n');
    if (routes_muted_by(x->routes, &x->alerts, a, &by, &source))
        gr_buf_printf(b, "             muted while " GR_FMT " of the same slice fires\n",
                      GR_ARG(source->name));
}

static void
put_actions(const struct explain *x, struct gr_buf *b)
{
    heading(b, "Actions and routes");
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        const struct strs *on = &x->g->on[level];

        if (level != LEVEL_NO_DATA && !has_level(x->g, (enum level)level))
            continue;
        gr_buf_printf(b, "  %-9s", level_name((enum level)level));
        put_strs(b, *on);
        gr_buf_puts(b, on->n == 0 ? "nothing\n" : "\n");
        for (size_t i = 0; i < x->alerts.n; i++)
            if (x->alerts.v[i].g == x->g && x->alerts.v[i].level == (enum level)level)
                put_route(x, &x->alerts.v[i], b);
    }
}

/* -- reaction -------------------------------------------------------------------------------------------------------------------------- */

static bool
same_reaction(const struct reaction *a, const struct reaction *b)
{
    return a->total_ms == b->total_ms && a->evidence_slots == b->evidence_slots;
}

/* In all phases shown. */
static bool
same_reactions(const struct explain *x, const struct bound *a, const struct bound *b)
{
    for (size_t i = 0; i < x->m->n_phases; i++) {
        struct reaction ra = reaction_of(x->m, x->g, a, &x->m->phases[i]);
        struct reaction rb = reaction_of(x->m, x->g, b, &x->m->phases[i]);

        if ((x->phases >> i & 1u) && !same_reaction(&ra, &rb))
            return false;
    }
    return true;
}

static void
put_terms(const struct reaction *r, struct gr_buf *b)
{
    bool first = true;

    for (unsigned i = 0; i < REACTION_TERMS; i++) {
        if (r->ms[i] == 0)
            continue;
        gr_buf_printf(b, "%s%s ", first ? "" : " + ", reaction_term((enum reaction_what)i));
        explain_time(r->ms[i], b);
        if (i == REACTION_EVIDENCE)
            gr_buf_printf(b, " (%llu slots)", (unsigned long long)r->evidence_slots);
        first = false;
    }
}

/* Phases that react alike stand on one line. */
static void
put_phase_reactions(const struct explain *x, const struct bound *bound, size_t first, uint32_t *left,
                    struct gr_buf *b)
{
    struct reaction r = reaction_of(x->m, x->g, bound, &x->m->phases[first]);
    struct gr_buf late = GR_BUF_INIT(4096);
    const char *before = "    ";
    int64_t last_ms = 0;

    for (size_t k = first; k < x->m->n_phases; k++) {
        struct reaction other = reaction_of(x->m, x->g, bound, &x->m->phases[k]);

        if (!(*left >> k & 1u) || !same_reaction(&r, &other))
            continue;
        gr_buf_printf(b, "%s" GR_FMT, before, GR_ARG(x->m->phases[k].name));
        before = ", ";
        *left &= ~(UINT32_C(1) << k);
        if (other.late_ms == other.total_ms || other.late_ms == last_ms)
            continue;
        last_ms = other.late_ms;
        gr_buf_puts(&late, late.n > 0 ? ", " : "");
        explain_time(other.late_ms, &late);
    }
    gr_buf_puts(b, ": ");
    explain_time(r.total_ms, b);
    gr_buf_puts(b, "\n      = ");
    put_terms(&r, b);
    gr_buf_putc(b, '\n');
    if (late.n > 0)
        gr_buf_printf(b, "      a difference that begins later must also fill the window: at least %s\n",
                      gr_buf_cstr(&late));
    b->err = gr_buf_err(&late) != GR_OK ? gr_buf_err(&late) : b->err;
    gr_buf_fini(&late);
}

static void
put_reaction(const struct explain *x, const struct bound *bound, struct gr_buf *b)
{
    uint32_t left = x->phases;

    gr_buf_printf(b, "  %s%s\n", level_name(bound->level), side_is_backstop(bound->side) ? ", backstop" : "");
    for (size_t i = 0; i < x->m->n_phases; i++)
        if (left >> i & 1u)
            put_phase_reactions(x, bound, i, &left, b);
}

static void
put_reactions(const struct explain *x, struct gr_buf *b)
{
    const struct bound *last = NULL;

    heading(b, "Worst-case time from breach to the first step");
    for (size_t i = 0; i < x->g->limit.n_bounds; i++) {
        const struct bound *bound = &x->g->limit.bounds[i];

        if (last && last->level == bound->level &&
            side_is_backstop(last->side) == side_is_backstop(bound->side) && same_reactions(x, last, bound))
            continue; /* the other side of ±5bps */
        put_reaction(x, bound, b);
        last = bound;
    }
    if (is_compared(x->g, NULL))
        gr_buf_printf(b, "  taken: a clear difference from the start of the phase%s\n",
                      is_sum(x->g, NULL) ? ", and traffic enough to show it in the slots counted" : "");
    if (is_fixed(x->g, NULL) || has_backstop(x->g, NULL))
        gr_buf_printf(
            b, "  taken%s: a value that stays just beyond the limit; one that goes further is seen sooner\n",
            is_fixed(x->g, NULL) ? "" : " for the backstop");
}

/* -- rules ------------------------------------------------------------------------------------------------------------------------------ */

static void
put_rule(const struct explained_rule *r, void *context)
{
    struct gr_buf *b = context;
    struct gr_str rest = r->expr, line;
    bool any = false;

    gr_buf_printf(b, "  " GR_FMT, GR_ARG(r->rule->name));
    for (size_t i = 0; i < r->rule->labels.count; i++) {
        const struct gr_rule_pair *p = &r->rule->labels.items[i];

        if (gr_str_is(p->key, "part") || gr_str_is(p->key, "level") || gr_str_is(p->key, "side")) {
            gr_buf_printf(b, "%s" GR_FMT "=\"" GR_FMT "\"", any ? "," : "{", GR_ARG(p->key),
                          GR_ARG(p->value));
            any = true;
        }
    }
    gr_buf_puts(b, any ? "}\n" : "\n");
    while (gr_str_next(&rest, '\n', &line))
        gr_buf_printf(b, "    " GR_FMT "\n", GR_ARG(line));
}

void
explain_guardrail_text(const struct explain *x, struct gr_buf *b)
{
    put_head(x, b);
    put_limits(x, b);
    put_evidence(x, b);
    put_phases(x, b);
    put_actions(x, b);
    put_reactions(x, b);
    heading(b, "PromQL (of rules that serve other guardrails too, the branches of this one)");
    if (explain_rules(x, put_rule, b) != GR_OK)
        b->err = GR_ENOMEM;
}
