/* spec_check.c - what only the whole document can tell. Each check names what it builds on and is silent when
 * that is wrong. */
#include "config.h"
#include "power.h"
#include "spec_parts.h"

/* ---- sampling ---- */

static void
check_sampling(struct spec *s)
{
    const struct gr_node *sampling = spec_get(s, s->root, "sampling");
    const struct gr_node *scrape = spec_get(s, s->root, "scrape_interval");

    if (!sampling || !scrape || s->m->sampling_ms == 0 || s->m->scrape_ms == 0 ||
        s->m->sampling_ms >= 2 * s->m->scrape_ms)
        return;
    gr_diag(s->d, GR0307, scrape->span,
            gr_arena_printf(s->a, "write at most " GR_FMT ", or `sampling: " GR_FMT "`",
                            GR_ARG(spec_time(s, s->m->sampling_ms / 2)),
                            GR_ARG(spec_time(s, 2 * s->m->scrape_ms))),
            "a slot of " GR_FMT " cannot hold two scrapes", GR_ARG(sampling->text));
}

/* ---- labels of expect ---- */

/* Labels of which somebody makes use; a slice label of expect that is none of them is a slip. */
static struct strs
used_labels(struct spec *s, bool *complete)
{
    const struct model *m = s->m;
    struct strs used = {NULL, 0};

    *complete = s->labels_ok && s->flows_ok;
    for (size_t i = 0; i < m->compare_within.n; i++)
        (void)strs_add(s, &used, m->compare_within.v[i]);
    if (m->flow_label.n > 0)
        (void)strs_add(s, &used, m->flow_label);
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct draft *d = &s->drafts[i];

        *complete = *complete && d->metric_ok &&
                    (spec_get(s, d->node, "compare_within") || !spec_has(d->node, "compare_within"));
        for (size_t j = 0; j < d->g->compare_within.n; j++)
            (void)strs_add(s, &used, d->g->compare_within.v[j]);
        for (size_t j = 0; j < d->g->only.n; j++)
            (void)strs_add(s, &used, d->g->only.v[j].key);
        if (d->g->metric.weight_label.n > 0)
            (void)strs_add(s, &used, d->g->metric.weight_label);
    }
    return used;
}

/* Once for each label, unless it looks like a slip of the pen: those have to be mended one by one. */
static void
report_unused_label(struct spec *s, const struct gr_node *item, const struct strs *used, struct strs *told)
{
    if (strs_nearest(used, item->key).n == 0 && strs_has(told, item->key))
        return;
    (void)strs_add(s, told, item->key);
    gr_diag(s->d, GR0303, item->key_span, spec_suggest(s, item->key, used, "labels that guardrails use"),
            "no guardrail compares within \"" GR_FMT "\"", GR_ARG(item->key));
}

static void
check_expect_labels(struct spec *s)
{
    bool complete;
    struct strs used = used_labels(s, &complete), told = {NULL, 0};

    if (!complete)
        return;
    gr_node_each (entry, spec_get(s, s->root, "expect"))
        gr_node_each (item, entry)
            if (!spec_poisoned(s, entry) && !strs_has(&used, item->key) &&
                !strs_has(&s->m->release_labels, item->key))
                report_unused_label(s, item, &used, &told);
}

/* ---- flows ---- */

/* Whether two flows that the guardrail sees get different shares in one of its phases. */
static const struct phase *
uneven_phase(const struct model *m, const struct guardrail *g)
{
    for (size_t p = 0; p < m->n_phases; p++) {
        const struct phase *phase = &m->phases[p];

        for (size_t i = 1; (g->phases >> p & 1u) && i < phase->n_traffic; i++)
            if (gr_dec_cmp(phase->traffic[i].ratio, phase->traffic[0].ratio) != 0)
                return phase;
    }
    return NULL;
}

/* Counted series of unknown labels are taken to carry the flow: that is what counters of traffic do. */
static bool
carries_flow(const struct draft *d, struct gr_str flow)
{
    const struct metric *m = &d->g->metric;
    bool counted = m->kind == METRIC_RATIO_BAD || m->kind == METRIC_RATIO_GOOD || m->kind == METRIC_HISTOGRAM;

    return m->labels.n > 0 ? strs_has(&m->labels, flow) : counted;
}

static void
check_pooled(struct spec *s, const struct draft *d)
{
    const struct model *m = s->m;
    const struct gr_node *list = gr_node_get(d->node, "compare_within");
    const struct phase *uneven;

    if (m->flow_label.n == 0 || !d->slices_ok || !d->phases_ok || !d->limit_ok ||
        d->g->limit.against == AGAINST_FIXED || strs_has(&d->g->compare_within, m->flow_label) ||
        pairs_get(&d->g->only, m->flow_label) || !carries_flow(d, m->flow_label) ||
        !(uneven = uneven_phase(m, d->g)))
        return;
    gr_diag(s->d, GR0309, list ? list->span : d->g->span,
            gr_arena_printf(
                s->a, "add \"" GR_FMT "\" to compare_within, or say with `labels:` that the metric lacks it",
                GR_ARG(m->flow_label)),
            "flows with different shares in \"" GR_FMT "\" are pooled", GR_ARG(uneven->name));
}

/* ---- weights ---- */

static void
check_weights(struct spec *s, const struct draft *d)
{
    const struct metric *m = &d->g->metric;
    const struct gr_node *values = spec_get(s, spec_get(s, d->metric, "weights"), "values");
    struct strs expected;

    if (!values || !s->expect_ok || !s->flows_ok || !label_values(s, m->weight_label, &expected))
        return;
    gr_node_each (entry, values)
        if (!strs_has(&expected, entry->key))
            gr_diag(s->d, GR0105, entry->key_span, spec_suggest(s, entry->key, &expected, "expected values"),
                    "no entry of expect has " GR_FMT " \"" GR_FMT "\"", GR_ARG(m->weight_label),
                    GR_ARG(entry->key));
    for (size_t i = 0; i < expected.n; i++) {
        bool has = false;

        gr_node_each (entry, values)
            has = has || gr_str_eq(entry->key, expected.v[i]);
        if (!has)
            gr_diag(s->d, GR0310, values->key_span,
                    gr_arena_printf(s->a, "add " GR_FMT ": 1 or its weight", GR_ARG(expected.v[i])),
                    "the expected " GR_FMT " \"" GR_FMT "\" has no weight", GR_ARG(m->weight_label),
                    GR_ARG(expected.v[i]));
    }
}

/* ---- buckets ---- */

/* From the middle of which bucket a value that rises to the limit leaves that bucket. If there is none,
 * canary and control look alike in every bucket until they are much further apart than the limit allows. */
static bool
resolves(const struct metric *m, const struct limit *l, const struct bound *b)
{
    double lit = gr_dec_double(b->literal), low = 0;

    if (l->against == AGAINST_FIXED || side_is_backstop(b->side)) /* quantiles end at the last edge */
        return lit < gr_dec_double(m->buckets[m->n_buckets - 1]);
    if (b->side != SIDE_UPPER)
        return true;
    for (size_t i = 0; i < m->n_buckets; i++) {
        double edge = gr_dec_double(m->buckets[i]), middle = (low + edge) / 2;

        if (l->against == AGAINST_CONTROL_RELATIVE ? middle * lit > edge : middle + lit > edge)
            return true;
        low = edge;
    }
    return false;
}

static void
check_buckets(struct spec *s, const struct draft *d)
{
    const struct metric *m = &d->g->metric;
    const struct limit *l = &d->g->limit;

    if (!d->metric_ok || !d->limit_ok || m->n_buckets == 0)
        return;
    for (size_t i = 0; i < l->n_bounds; i++)
        if (!resolves(m, l, &l->bounds[i])) {
            gr_diag(s->d, GR0317, l->bounds[i].span,
                    GR_STR("use finer buckets around the usual value, or a wider limit"),
                    "no declared bucket is fine enough to tell " GR_FMT " from control",
                    GR_ARG(l->bounds[i].text));
            gr_diag_note(s->d, gr_node_get(d->metric, "buckets")->span, "the buckets are here");
        }
}

/* ---- actions ---- */

static struct strs
action_names(struct spec *s)
{
    static const char *const builtin[] = {"hold", "extend", "halt", "abort"};
    struct strs names = {NULL, 0};

    for (size_t i = 0; i < s->m->n_actions; i++)
        (void)strs_add(s, &names, s->m->actions[i].name);
    for (size_t i = 0; i < GR_COUNT(builtin); i++)
        (void)strs_add(s, &names, gr_str(builtin[i]));
    return names;
}

/* What `on:` and escalations name. Where a list is wrong or a name is a slip, what was meant counts as
 * used. */
struct uses {
    struct strs known, used, unknown; /* unknown: that no slip of the pen explains */
    bool complete;
};

static void
use_action(struct spec *s, const struct gr_node *item, struct uses *u)
{
    struct gr_str near = strs_nearest(&u->known, item->text);
    bool again;

    if (near.n > 0)
        (void)strs_add(s, &u->used, near);
    if (!s->actions_ok || strs_has(&u->known, item->text))
        return;
    again = strs_has(&u->unknown, item->text) || (s->m->n_actions == 0 && u->unknown.n > 0);
    if (near.n == 0) {
        (void)strs_add(s, &u->unknown, item->text);
        u->complete = false; /* it may be meant for any */
    }
    if (!again) /* a definition that is missing is told once */
        gr_diag(s->d, GR0304, item->span, spec_suggest(s, item->text, &u->known, "actions"),
                "unknown action \"" GR_FMT "\"", GR_ARG(item->text));
}

static bool
rolls_back(const struct spec *s, const struct gr_node *item)
{
    const struct action *a = model_action(s->m, item->text);

    return a && a->kind == ACTION_ROLLBACK && a->steps;
}

/* Missing data never rolls back by itself (the second promise). */
static void
check_no_data(struct spec *s, const struct gr_node *item)
{
    if (!gr_str_is(item->text, "abort") && !rolls_back(s, item))
        return;
    gr_diag(s->d, GR0105, item->span, GR_STR("write hold, and whom to tell"),
            "missing data must not end a release; \"" GR_FMT "\" does", GR_ARG(item->text));
}

/* Two rollbacks of one breach would run into each other. */
static void
check_rollbacks(struct spec *s, const struct gr_node *level)
{
    const struct gr_node *first = NULL;

    gr_node_each (item, level) {
        if (!rolls_back(s, item))
            continue;
        if (first && !gr_str_eq(first->text, item->text)) {
            gr_diag(s->d, GR0107, item->span, GR_STR("make it one action with the steps of both"),
                    "a breach is rolled back by one action");
            gr_diag_note(s->d, first->span, "the other one is here");
            return;
        }
        first = item;
    }
}

static void
use_levels(struct spec *s, const struct gr_node *map, struct uses *u)
{
    const struct gr_node *on = spec_get(s, map, "on");

    u->complete = u->complete && (on || !spec_has(map, "on"));
    gr_node_each (level, on) {
        u->complete = u->complete && !spec_poisoned(s, level);
        if (spec_poisoned(s, level) || level->kind != GR_NODE_LIST)
            continue;
        spec_refuse_twice(s, level, "action");
        check_rollbacks(s, level);
        gr_node_each (item, level) {
            use_action(s, item, u);
            if (gr_str_is(level->key, "no_data"))
                check_no_data(s, item);
        }
    }
}

/* `abort` ends a release before traffic; with canary traffic running it would leave it running. */
static void
check_abort(struct spec *s, const struct draft *d)
{
    const struct gr_node *own = spec_get(s, d->node, "on");
    bool traffic = false;

    for (size_t i = 0; i < s->m->n_phases; i++)
        traffic = traffic || ((d->g->phases >> i & 1u) && model_has_traffic(&s->m->phases[i], GR_STR_NONE));
    if (!traffic || !d->phases_ok)
        return;
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        const struct gr_node *on =
            spec_has(own, level_name((enum level)level)) ? own : spec_get(s, s->root, "on");

        gr_node_each (item, spec_get(s, on, level_name((enum level)level)))
            if (gr_str_is(item->text, "abort"))
                gr_diag(s->d, GR0105, item->span,
                        GR_STR("use a rollback or `halt`, or guard only phases before traffic"),
                        "\"abort\" ends a release before traffic; there is traffic in a phase of \"" GR_FMT
                        "\"",
                        GR_ARG(d->g->name));
    }
}

static bool
in_circle(const struct model *m, const struct action *a)
{
    const struct action *at = a;

    for (size_t i = 0; at && i < m->n_actions; i++) {
        at = at->escalate_to.n > 0 ? model_action(m, at->escalate_to) : NULL;
        if (at == a)
            return true;
    }
    return false;
}

static void
check_escalation(struct spec *s, struct uses *u)
{
    gr_node_each (entry, spec_get(s, s->root, "actions")) {
        const struct gr_node *to = spec_poisoned(s, entry) ? NULL : spec_get(s, entry, "escalate_to");
        const struct action *a = to ? model_action(s->m, to->text) : NULL;

        u->complete = u->complete && !spec_poisoned(s, entry) && (to || !spec_has(entry, "escalate_to"));
        if (!to)
            continue;
        use_action(s, to, u);
        if (gr_str_eq(to->text, entry->key) || model_action_builtin(to->text) || (a && a->steps))
            gr_diag(s->d, GR0105, to->span, GR_STR("name another page or message"),
                    "a page cannot escalate to \"" GR_FMT "\"", GR_ARG(to->text));
        else if (in_circle(s->m, model_action(s->m, entry->key)))
            gr_diag(s->d, GR0105, to->span, GR_STR("let the last of them escalate to nobody"),
                    "these pages escalate in a circle");
    }
}

/* What switches traffic by POST: a plain HTTP target, not a message to people. */
static void
check_posts(struct spec *s, struct uses *u)
{
    const struct gr_node *traffic = spec_get(s, s->root, "traffic");

    gr_node_each (entry, spec_get(s, traffic, "on_enter")) {
        const struct gr_node *post = spec_poisoned(s, entry) ? NULL : spec_get(s, entry, "post");
        const struct action *a = post ? model_action(s->m, post->text) : NULL;

        u->complete = u->complete && !spec_poisoned(s, entry) && (post || !spec_has(entry, "post"));
        if (!post)
            continue;
        use_action(s, post, u);
        if (model_action_builtin(post->text) || (a && (a->steps || a->kind != ACTION_HTTP)))
            gr_diag(s->d, GR0105, post->span, GR_STR("name an action of the kind `http`"),
                    "traffic cannot be switched by \"" GR_FMT "\"", GR_ARG(post->text));
    }
}

static void
check_actions(struct spec *s)
{
    struct uses u = {action_names(s), {NULL, 0}, {NULL, 0}, spec_has(gr_node_get(s->root, "on"), "hard")};

    use_levels(s, s->root, &u);
    for (size_t i = 0; i < s->m->n_guardrails; i++) {
        use_levels(s, s->drafts[i].node, &u);
        check_abort(s, &s->drafts[i]);
    }
    check_escalation(s, &u);
    check_posts(s, &u);
    for (size_t i = 0; i < s->m->n_actions && u.complete; i++)
        if (!strs_has(&u.used, s->m->actions[i].name))
            gr_diag(s->d, GR0305, s->m->actions[i].span, GR_STR("name it under `on:`, or remove it"),
                    "the action \"" GR_FMT "\" is never used", GR_ARG(s->m->actions[i].name));
}

/* ---- budget ---- */

#define LETTER_REQUESTS 200

/* What that buys, of the first guardrail for which it can be said. Its assumptions are in the text; `power` computes with real ones. */
static struct gr_str
letter(struct spec *s)
{
    for (size_t i = 0; s->phases_ok && !spec_enough(s) && i < s->m->n_guardrails; i++) {
        const struct draft *d = &s->drafts[i];
        const struct phase *phase = NULL;
        double p;

        if (!d->limit_ok || !d->metric_ok || !d->phases_ok || d->evidence_stated ||
            (p = power_of_letter(s->m, d->g, LETTER_REQUESTS, &phase)) < 0)
            continue;
        return gr_arena_printf(s->a,
                               "; with %d canary requests a slot and 1 %% bad events, one slice of "
                               "\"" GR_FMT "\" alone does so in %.0f %% of healthy phases of " GR_FMT,
                               LETTER_REQUESTS, GR_ARG(d->g->name), 100 * p,
                               GR_ARG(spec_time(s, phase->min_ms)));
    }
    return GR_STR_NONE;
}

static void
check_budget(struct spec *s)
{
    const struct draft *first = NULL;
    size_t count = 0;

    if (spec_has(s->root, "false_rollback_budget"))
        return;
    for (size_t i = 0; i < s->m->n_guardrails; i++) {
        const struct draft *d = &s->drafts[i];

        if (!d->limit_ok || d->evidence_stated || d->g->limit.against == AGAINST_FIXED)
            continue;
        first = first ? first : d;
        count++;
    }
    if (first)
        gr_diag(s->d, GR0312, first->g->span,
                GR_STR("add `false_rollback_budget: 1%`, or say `evidence: point`"),
                "without a budget the first excursion fires: a healthy release may be rolled back (%zu "
                "guardrail%s)" GR_FMT,
                count, count == 1 ? "" : "s", GR_ARG(letter(s)));
}

void
check_spec(struct spec *s)
{
    check_sampling(s);
    check_expect_labels(s);
    for (size_t i = 0; i < s->m->n_guardrails; i++) {
        check_pooled(s, &s->drafts[i]);
        check_weights(s, &s->drafts[i]);
        check_buckets(s, &s->drafts[i]);
    }
    check_actions(s);
    check_budget(s);
    check_idle(s);
}
