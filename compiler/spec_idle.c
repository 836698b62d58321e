/* spec_idle.c - what is written and would do nothing. A control that is only written down is worse than one that is missing, so each
 * is refused, with the way to make it count. */
#include "config.h"
#include "spec_parts.h"

static void
idle(struct spec *s, const struct gr_node *entry, struct gr_str fix, const char *why)
{
    gr_diag(s->d, GR0107, entry->key_span, fix, "%s", why);
}

static bool
has_level(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level)
            return true;
    return false;
}

/* Actions and confirmations of a level that the limit does not have. */
static void
check_levels(struct spec *s, const struct draft *d)
{
    static const enum level levels[] = {LEVEL_HARD, LEVEL_SOFT};
    const struct gr_node *on = spec_get(s, d->node, "on");
    const struct gr_node *confirm = spec_get(s, spec_get(s, d->node, "evidence"), "confirm");

    for (size_t i = 0; d->limit_ok && i < GR_COUNT(levels); i++) {
        const char *name = level_name(levels[i]);
        const struct gr_node *uses[] = {spec_get(s, on, name), spec_get(s, confirm, name)};

        for (size_t k = 0; !has_level(d->g, levels[i]) && k < GR_COUNT(uses); k++)
            if (uses[k])
                idle(s, uses[k], gr_arena_printf(s->a, "remove it, or state `%s:` under `limit`", name),
                     levels[i] == LEVEL_HARD ? "the guardrail has no hard limit"
                                             : "the guardrail has no soft limit");
    }
}

/* A phase that never ends has nothing to pass before it ends; before the first one nobody asks. */
static void
check_programs(struct spec *s)
{
    const struct gr_node *list = spec_get(s, s->root, "phases");

    gr_node_each (item, list) {
        const struct gr_node *checks = spec_get(s, item, "checks"), *requires = spec_get(s, item, "requires");

        if (spec_poisoned(s, item))
            continue;
        if (checks && spec_bool(s, item, "final", false))
            idle(s, checks, GR_STR("make them `requires`, which are asked before the phase begins"),
                 "a final phase never ends, so its checks would never run");
        if (requires && item == list->first)
            idle(s, requires, GR_STR("make them `checks`, which are asked before the phase ends"),
                 "nothing comes before the first phase, so its requirements would never be asked");
    }
}

/* ---- traffic ---- */

/* The flows of which the guardrail sees slices of their own, or all of them together. */
static bool
sees(const struct spec *s, const struct draft *d, struct gr_str flow)
{
    const struct gr_str *only = s->m->flow_label.n ? pairs_get(&d->g->only, s->m->flow_label) : NULL;

    return !only || gr_str_eq(*only, flow);
}

/* Whether a phase gives the canary this much of one flow whose slices are compared apart, or of all that the guardrail sees. */
static const struct share *
share_of(const struct spec *s, const struct draft *d, const struct phase *p, struct gr_dec ratio)
{
    bool apart = s->m->flow_label.n > 0 && (strs_has(&d->g->compare_within, s->m->flow_label) ||
                                            pairs_get(&d->g->only, s->m->flow_label));
    const struct share *found = NULL;
    bool all = true;

    for (size_t i = 0; i < p->n_traffic; i++) {
        bool is = gr_dec_cmp(p->traffic[i].ratio, ratio) == 0;

        if (!sees(s, d, p->traffic[i].flow))
            continue;
        all = all && is;
        if (is && !found)
            found = &p->traffic[i];
    }
    return apart || all ? found : NULL;
}

static bool
counts(const struct draft *d)
{
    enum metric_kind kind = d->g->metric.kind;

    return kind == METRIC_RATIO_BAD || kind == METRIC_RATIO_GOOD || kind == METRIC_HISTOGRAM;
}

/* Slices that can never be judged in a phase would hold it for ever. (Slices of a flow without traffic are not expected in the phase; a
 * guardrail of that flow alone has nothing to look at.) */
static void
check_shares(struct spec *s, const struct draft *d)
{
    const struct gr_node *list = gr_node_get(d->node, "phases");
    struct gr_span where = list ? list->span : d->g->span;

    bool by_only = s->m->flow_label.n > 0 && pairs_get(&d->g->only, s->m->flow_label);

    if (!s->order_ok || !d->limit_ok || !d->phases_ok || !d->slices_ok || d->g->stream_scope)
        return;
    for (size_t i = 0; i < s->m->n_phases; i++) {
        const struct phase *p = &s->m->phases[i];
        bool compared = d->g->limit.against != AGAINST_FIXED;
        const struct share *none, *whole;

        if (!(d->g->phases >> i & 1u) || p->n_traffic == 0)
            continue;
        none = by_only && (compared || counts(d)) ? share_of(s, d, p, GR_DEC(0, 0)) : NULL;
        whole = compared ? share_of(s, d, p, GR_DEC(1, 0)) : NULL;
        if (!none && !whole)
            continue;
        gr_diag(s->d, GR0308, where,
                gr_arena_printf(
                    s->a, "leave \"" GR_FMT "\" out of `phases:`, or restrict the guardrail with `only:`",
                    GR_ARG(p->name)),
                none ? "in \"" GR_FMT "\" the canary gets nothing%s" GR_FMT ", so it can never report"
                     : "in \"" GR_FMT "\" the canary gets everything%s" GR_FMT ", so there is no control",
                GR_ARG(p->name), (none ? none : whole)->flow.n > 0 ? " of the flow " : "",
                GR_ARG((none ? none : whole)->flow));
        gr_diag_note(s->d, p->span, "the phase is here");
        return;
    }
}

/* What is said about the canary's share where nobody looks at it. */
static void
check_traffic_share(struct spec *s)
{
    const struct gr_node *cohorts = spec_get(s, s->root, "cohorts");
    const struct gr_node *traffic = spec_get(s, cohorts, "control_traffic");
    const struct gr_node *tolerance = spec_get(s, cohorts, "share_tolerance");
    bool any = false, good = s->phases_ok && s->flows_ok && s->labels_ok;

    if (spec_has(cohorts, "control_traffic") && !traffic)
        good = false; /* it is wrong, which was told */

    for (size_t i = 0; i < s->m->n_guardrails; i++) {
        struct draft *d = &s->drafts[i];
        const struct gr_node *entry = spec_get(s, spec_get(s, d->node, "evidence"), "traffic_share");

        good = good && d->metric_ok && d->limit_ok && d->slices_ok && d->phases_ok && d->only_ok;
        d->g->evidence.share_ignored = false;
        if (good && entry && !model_checks_share(s->m, d->g))
            idle(s, entry, GR_STR("remove it"),
                 s->m->control_traffic == CONTROL_SAMPLE
                     ? "the canary's share is checked only where `cohorts` says `control_traffic: rest` or "
                       "`equal`"
                     : "the canary's share is checked for ratios against control, where a share is planned");
        d->g->evidence.share_ignored = entry && gr_str_is(entry->text, "ignore");
        any = any || model_checks_share(s->m, d->g);
    }
    if (!good || s->partial)
        return;
    if (traffic && s->m->control_traffic != CONTROL_SAMPLE && !any)
        idle(s, traffic, GR_STR("remove it"),
             "no guardrail is a ratio against control in a phase with traffic, so no share would be checked");
    else if (tolerance && !any)
        idle(s, tolerance, GR_STR("add `control_traffic: rest`, or remove it"),
             "the canary's share is not checked");
}

void
check_idle(struct spec *s)
{
    const struct gr_node *alarm = spec_get(s, s->root, "false_alarm_budget");

    if (alarm && !spec_has(s->root, "false_rollback_budget"))
        gr_diag(s->d, GR0102, alarm->key_span, GR_STR("add `false_rollback_budget: 1%` or the like"),
                "a budget for alarms needs the key \"false_rollback_budget\"");
    check_programs(s);
    check_traffic_share(s);
    for (size_t i = 0; i < s->m->n_guardrails; i++) {
        check_levels(s, &s->drafts[i]);
        check_shares(s, &s->drafts[i]);
    }
}
