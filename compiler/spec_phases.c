/* spec_phases.c - the phases of a release, and when a guardrail applies. */
#include "config.h"
#include "spec_parts.h"

#define MAX_PER_MIN 4 /* max_duration, when it is not stated */

static void
read_flow_shares(struct spec *s, const struct gr_node *traffic, struct phase *p)
{
    struct strs meant = {NULL, 0};

    gr_node_each (entry, traffic) {
        struct gr_dec ratio;

        if (!strs_has(&s->m->flows, entry->key)) {
            (void)strs_add(s, &meant, strs_nearest(&s->m->flows, entry->key));
            gr_diag(s->d, GR0302, entry->key_span, spec_suggest(s, entry->key, &s->m->flows, "flows"),
                    "unknown flow \"" GR_FMT "\"", GR_ARG(entry->key));
            s->phases_ok = false;
        } else if (spec_poisoned(s, entry) || spec_ratio(entry->text, &ratio) != GR_OK) {
            s->phases_ok = false;
        } else {
            p->traffic[p->n_traffic++] = (struct share){entry->key, ratio, entry->text};
        }
    }
    for (size_t i = 0; i < s->m->flows.n; i++) {
        bool named = strs_has(&meant, s->m->flows.v[i]);

        gr_node_each (entry, traffic)
            named = named || gr_str_eq(entry->key, s->m->flows.v[i]);
        if (named)
            continue;
        gr_diag(s->d, GR0102, traffic->key_span,
                gr_arena_printf(s->a, "add " GR_FMT ": 0%% or its share", GR_ARG(s->m->flows.v[i])),
                "the share of the flow \"" GR_FMT "\" is missing", GR_ARG(s->m->flows.v[i]));
        s->phases_ok = false;
    }
}

/* In the order of `flows`, whatever the order of the text. */
static void
sort_shares(const struct model *m, struct phase *p)
{
    size_t done = 0;

    for (size_t f = 0; f < m->flows.n; f++)
        for (size_t i = done; i < p->n_traffic; i++)
            if (gr_str_eq(p->traffic[i].flow, m->flows.v[f])) {
                struct share t = p->traffic[i];

                p->traffic[i] = p->traffic[done];
                p->traffic[done++] = t;
                break;
            }
}

static void
read_traffic(struct spec *s, const struct gr_node *traffic, struct phase *p)
{
    bool with_flows = spec_has(s->root, "flows");
    struct gr_dec ratio;

    if (!s->flows_ok || !(p->traffic = gr_arena_array(s->a, traffic->count + 1, sizeof *p->traffic)))
        return;
    if (!with_flows && traffic->kind == GR_NODE_MAP && s->no_flows_told) {
        s->phases_ok = false;
    } else if (with_flows != (traffic->kind == GR_NODE_MAP)) {
        s->no_flows_told = !with_flows;
        gr_diag(s->d, GR0103, with_flows ? traffic->span : traffic->key_span,
                with_flows ? gr_arena_printf(s->a, "write {" GR_FMT ": " GR_FMT ", …}",
                                             GR_ARG(s->m->flows.v[0]), GR_ARG(traffic->text))
                           : GR_STR("write one share, as in 1%, or declare `flows:`"),
                with_flows ? "with flows each needs its own share" : "without flows there is one share");
        s->phases_ok = false;
    } else if (with_flows) {
        read_flow_shares(s, traffic, p);
        sort_shares(s->m, p);
    } else if (spec_ratio(traffic->text, &ratio) == GR_OK) {
        p->traffic[p->n_traffic++] = (struct share){GR_STR_NONE, ratio, traffic->text};
    }
}

/* A final phase lasts until the next release; the others need a minimum. */
static void
read_times(struct spec *s, const struct gr_node *node, struct phase *p)
{
    const struct gr_node *min = spec_get(s, node, "min_duration"), *max = spec_get(s, node, "max_duration");
    static const char *const keys[] = {"min_duration", "max_duration"};

    for (size_t i = 0; p->final && i < GR_COUNT(keys); i++)
        if (spec_has(node, keys[i]))
            gr_diag(s->d, GR0107, gr_node_get(node, keys[i])->key_span, GR_STR("remove it"),
                    "a final phase lasts until the next release");
    if (p->final)
        return;
    if (!spec_has(node, "min_duration"))
        gr_diag(s->d, GR0102, spec_head(node), GR_STR("add `min_duration:`, as 20m"),
                "a phase needs the key \"min_duration\"");
    p->min_ms = spec_duration(s, node, "min_duration", 0);
    p->max_ms = spec_duration(s, node, "max_duration", MAX_PER_MIN * p->min_ms);
    if (max && p->min_ms > 0 && p->max_ms < p->min_ms)
        gr_diag(s->d, GR0209, max->span, gr_arena_printf(s->a, "write at least " GR_FMT, GR_ARG(min->text)),
                "the maximum is shorter than the minimum");
    if (min && p->min_ms > 0 && s->m->sampling_ms > p->min_ms && !p->shadow)
        gr_diag(s->d, GR0209, min->span,
                gr_arena_printf(s->a, "write at least " GR_FMT, GR_ARG(spec_time(s, s->m->sampling_ms))),
                "the phase is shorter than the sampling interval");
    s->phases_ok = s->phases_ok && p->min_ms > 0;
}

static void
read_programs(struct spec *s, const struct gr_node *phase, const struct gr_node *list, struct program **out,
              size_t *n)
{
    if (!list || !(*out = gr_arena_array(s->a, list->count, sizeof **out)))
        return;
    spec_refuse_same_names(s, list, "check");
    gr_node_each (item, list) {
        struct program *p = &(*out)[*n];

        if (spec_poisoned(s, item))
            continue;
        (void)read_program(s, item, PLACEHOLDERS_RELEASE, p);
        p->name = list->kind == GR_NODE_MAP ? item->key : spec_text(s, item, "name");
        p->aborts = gr_str_is(spec_text(s, item, "on_failure"), "abort");
        if (p->aborts && spec_has(phase, "traffic"))
            gr_diag(s->d, GR0105, spec_get(s, item, "on_failure")->span,
                    GR_STR("let it hold, or check it in a shadow phase"),
                    "\"abort\" ends a release before traffic; this phase has traffic");
        (*n)++;
    }
}

static void
read_phase(struct spec *s, const struct gr_node *node, struct phase *p)
{
    const struct gr_node *traffic = spec_get(s, node, "traffic");

    p->name = spec_text(s, node, "name");
    p->node = node;
    p->span = spec_head(node);
    p->shadow = spec_bool(s, node, "shadow", false);
    p->final = spec_bool(s, node, "final", false);
    if (p->shadow && spec_has(node, "traffic"))
        gr_diag(s->d, GR0107, gr_node_get(node, "traffic")->key_span,
                GR_STR("keep one of \"shadow\" and \"traffic\""), "a shadow phase has no traffic");
    else if (traffic)
        read_traffic(s, traffic, p);
    else if (!p->shadow && !spec_has(node, "traffic") && !spec_has(node, "shadow"))
        gr_diag(s->d, GR0102, spec_head(node), GR_STR("add `traffic:`, or `shadow: true`"),
                "a phase needs the key \"traffic\" or \"shadow\"");
    if (!p->shadow && p->n_traffic == 0)
        s->phases_ok = false;
    if (spec_has(node, "final") && !spec_get(s, node, "final"))
        s->phases_ok = false;
    else
        read_times(s, node, p);
    read_programs(s, node, spec_get(s, node, "checks"), &p->checks, &p->n_checks);
    read_programs(s, node, spec_get(s, node, "requires"), &p->requires, &p->n_requires);
}

/* ---- the order of phases ---- */

static void
report_order(struct spec *s, const struct phase *p, const char *what, struct gr_str fix)
{
    s->order_ok = false;
    gr_diag(s->d, GR0316, p->span, fix, "%s", what);
}

/* A flow that gets less than in an earlier phase. */
static bool
shrinks(const struct phase *before, const struct phase *p, struct gr_str *flow)
{
    for (size_t i = 0; i < p->n_traffic; i++)
        for (size_t j = 0; j < before->n_traffic; j++)
            if (gr_str_eq(p->traffic[i].flow, before->traffic[j].flow) &&
                gr_dec_cmp(p->traffic[i].ratio, before->traffic[j].ratio) < 0) {
                *flow = p->traffic[i].flow;
                return true;
            }
    return before->n_traffic > 0 && p->n_traffic == 0;
}

static void
check_order(struct spec *s)
{
    const struct model *m = s->m;
    struct gr_str flow;

    for (size_t i = 0; i < m->n_phases; i++) {
        const struct phase *p = &m->phases[i];
        bool last = i + 1 == m->n_phases;

        if (p->final && !last)
            report_order(s, p, "only the last phase can be final",
                         GR_STR("move it to the end, or remove `final`"));
        else if (last && !p->final)
            report_order(s, p, "the last phase must be final", GR_STR("add a phase with `final: true`"));
        else if (p->final && p->shadow)
            report_order(s, p, "a final phase cannot be in the shadow", GR_STR("give it its traffic"));
        else if (i > 0 && shrinks(&m->phases[i - 1], p, &flow))
            report_order(s, p, "this phase gives the canary less traffic than the one before it",
                         GR_STR("order the phases from least to most traffic"));
        else if (!p->shadow && !model_has_traffic(p, GR_STR_NONE))
            report_order(s, p, "this phase gives the canary no traffic",
                         GR_STR("write `shadow: true` instead"));
    }
}

/* Dashboards are named after phases, and two after what they show. */
static void
check_dashboard_name(struct spec *s, const struct gr_node *phase)
{
    const struct gr_node *name = spec_get(s, phase, "name");

    if (name && (gr_str_is(name->text, "overview") || gr_str_is(name->text, "audit")))
        gr_diag(s->d, GR0104, name->span, GR_STR("name the phase otherwise"),
                "the dashboard \"" GR_FMT "\" shows something else than a phase", GR_ARG(name->text));
}

void
read_phases(struct spec *s)
{
    const struct gr_node *list = spec_get(s, s->root, "phases");
    struct model *m = s->m;

    s->phases_ok = list != NULL && s->flows_ok;
    if (!list)
        return;
    spec_refuse_same_names(s, list, "phase");
    if (list->count > MODEL_PHASES_MAX) {
        gr_diag(s->d, GR0002, list->key_span,
                gr_arena_printf(s->a, "use at most %u phases", MODEL_PHASES_MAX), "too many phases");
        s->phases_ok = false;
        return;
    }
    if (!(m->phases = gr_arena_array(s->a, list->count, sizeof *m->phases)))
        return;
    gr_node_each (item, list) {
        if (spec_poisoned(s, item)) {
            s->phases_ok = false;
            continue;
        }
        read_phase(s, item, &m->phases[m->n_phases]);
        check_dashboard_name(s, item);
        s->phases_ok = s->phases_ok && m->phases[m->n_phases].name.n > 0;
        m->n_phases++;
    }
    s->order_ok = s->phases_ok;
    if (s->phases_ok)
        check_order(s);
}

/* ---- when a guardrail applies ---- */

static struct strs
phase_names(struct spec *s)
{
    struct strs names = {NULL, 0};

    for (size_t i = 0; i < s->m->n_phases; i++)
        if (s->m->phases[i].name.n > 0)
            (void)strs_add(s, &names, s->m->phases[i].name);
    return names;
}

/* In the final phase all traffic is the canary's: no control is left, and no minimum duration that could be the window. */
static void
check_final(struct spec *s, struct draft *d, const struct gr_node *item)
{
    if (d->limit_ok && d->g->limit.against != AGAINST_FIXED) {
        gr_diag(s->d, GR0107, item->span, GR_STR("remove it here, and guard it with a fixed limit"),
                "in the final phase no control is left to compare with");
        d->phases_ok = false;
    } else if (d->limit_ok && !spec_has(d->node, "window")) {
        gr_diag(s->d, GR0102, item->span, GR_STR("add `window:`, as 10m"),
                "the final phase has no minimum duration, so the guardrail needs the key \"window\"");
        d->phases_ok = false;
    }
}

/* Each phase has a name that can be read; else an unknown one may be meant for that. */
static bool
phases_named(const struct spec *s)
{
    const struct gr_node *list = spec_get(s, s->root, "phases");

    if (!list || list->count != s->m->n_phases)
        return false;
    for (size_t i = 0; i < s->m->n_phases; i++)
        if (s->m->phases[i].name.n == 0)
            return false;
    return true;
}

static void
add_phase(struct spec *s, struct draft *d, const struct gr_node *item)
{
    struct strs names = phase_names(s);

    for (size_t i = 0; i < s->m->n_phases; i++) {
        if (!gr_str_eq(s->m->phases[i].name, item->text))
            continue;
        d->g->phases |= UINT32_C(1) << i;
        if (s->m->phases[i].final)
            check_final(s, d, item);
        return;
    }
    d->phases_ok = false;
    if (phases_named(s))
        gr_diag(s->d, GR0301, item->span, spec_suggest(s, item->text, &names, "phases"),
                "unknown phase \"" GR_FMT "\"", GR_ARG(item->text));
}

/* The flow it is restricted to; empty: none. */
static struct gr_str
only_flow(const struct spec *s, const struct draft *d)
{
    const struct gr_str *flow = s->m->flow_label.n ? pairs_get(&d->g->only, s->m->flow_label) : NULL;

    return flow ? *flow : GR_STR_NONE;
}

static bool
needs_traffic(const struct draft *d)
{
    const struct metric *m = &d->g->metric;

    return (d->limit_ok && d->g->limit.against != AGAINST_FIXED) || m->kind == METRIC_HISTOGRAM ||
           m->kind == METRIC_RATIO_BAD || m->kind == METRIC_RATIO_GOOD;
}

static void
check_traffic(struct spec *s, struct draft *d)
{
    const struct gr_node *phases = gr_node_get(d->node, "phases");
    struct gr_str flow = only_flow(s, d);
    bool any = false;

    for (size_t i = 0; i < s->m->n_phases; i++)
        any = any || ((d->g->phases >> i & 1u) && model_has_traffic(&s->m->phases[i], flow));
    if (any || (d->g->phases != 0 && (d->g->stream_scope || !needs_traffic(d))))
        return;
    d->phases_ok = false;
    if (!phases && flow.n == 0 && s->no_traffic_told)
        return; /* it is the phases that have none: told once */
    s->no_traffic_told = s->no_traffic_told || (!phases && flow.n == 0);
    gr_diag(s->d, GR0308, phases ? phases->span : d->g->span,
            phases ? GR_STR("name a phase with traffic, or use `scope: stream`")
                   : GR_STR("give the canary traffic in a phase that is not final"),
            "the guardrail can never see canary traffic%s" GR_FMT, flow.n ? " of the flow " : "",
            GR_ARG(flow));
}

static void
check_window(struct spec *s, struct draft *d, const struct gr_node *window)
{
    int64_t slot = s->m->sampling_ms;

    if (slot > 0 && d->g->window_ms % slot != 0) {
        int64_t below = d->g->window_ms - d->g->window_ms % slot;

        gr_diag(s->d, GR0306, window->span,
                below > 0 ? gr_arena_printf(s->a, "write " GR_FMT " or " GR_FMT, GR_ARG(spec_time(s, below)),
                                            GR_ARG(spec_time(s, below + slot)))
                          : gr_arena_printf(s->a, "write " GR_FMT " or more", GR_ARG(spec_time(s, slot))),
                "the window of " GR_FMT " is no multiple of the sampling interval, " GR_FMT,
                GR_ARG(window->text), GR_ARG(spec_time(s, slot)));
        return;
    }
    for (size_t i = 0; s->phases_ok && i < s->m->n_phases; i++)
        if ((d->g->phases >> i & 1u) && !s->m->phases[i].final && d->g->window_ms > s->m->phases[i].min_ms) {
            gr_diag(s->d, GR0209, window->span,
                    gr_arena_printf(s->a, "write at most " GR_FMT ", or leave it out",
                                    GR_ARG(spec_time(s, s->m->phases[i].min_ms))),
                    "the window is longer than the phase \"" GR_FMT "\"", GR_ARG(s->m->phases[i].name));
            return;
        }
}

void
read_guardrail_phases(struct spec *s, struct draft *d)
{
    const struct gr_node *list = spec_get(s, d->node, "phases"), *window = spec_get(s, d->node, "window");

    d->phases_ok = s->phases_ok && (list || !spec_has(d->node, "phases"));
    spec_refuse_twice(s, list, "phase");
    gr_node_each (item, list)
        if (!spec_poisoned(s, item))
            add_phase(s, d, item);
    for (size_t i = 0; !spec_has(d->node, "phases") && i < s->m->n_phases; i++)
        if (!s->m->phases[i].final && model_has_traffic(&s->m->phases[i], only_flow(s, d)))
            d->g->phases |= UINT32_C(1) << i;
    if (d->phases_ok && d->metric_ok && d->only_ok && s->flows_ok)
        check_traffic(s, d);
    d->g->window_ms = spec_duration(s, d->node, "window", 0);
    if (window && d->g->window_ms > 0)
        check_window(s, d, window);
}
