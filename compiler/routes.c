/* routes.c - the configuration that the compiler emits for Alertmanager, as data:
 *
 *     route → native                                     everything that is not ours, and whatever we forgot
 *       └ spec="…" → native                              GuardrailDaemonDown, …: what guardraild cannot tell
 *           ├ GuardrailWatchdog    → guardraild_watchdog
 *           ├ GuardrailHardBreach  → guardraild          at once; only where a guardrail has such a limit
 *           ├ GuardrailSoftBreach  → guardraild
 *           └ GuardrailNoData      → guardraild
 *     inhibit soft by hard, per set of slice labels
 *
 * Routes ask for the alert's name, not for its level: GuardrailUnhandledBreach carries level="hard" too and must not end up at the
 * daemon that did not handle it. */
#include "config.h"
#include "routes.h"

#include "guardrail/policy.h"

/* Alertmanager refuses 0 for group_interval and repeat_interval, and an interval below the second that it takes to answer would only
 * queue deliveries: a time scale stops here. group_wait may be 0. */
#define INTERVAL_FLOOR_MS 1000

/* -- timing --------------------------------------------------------------------------------------------------------------- */

static const struct timing at_once = {0, 10000, 300000}, gathered = {10000, 60000, 900000};

static int64_t
at_least(int64_t ms, int64_t floor_ms)
{
    return ms < floor_ms ? floor_ms : ms;
}

static struct timing
scaled(const struct model *m, struct timing t)
{
    /* The watchdog's repeat must stay below its group_interval when both stand at the floor: equal ones skip ticks. */
    int64_t repeat_floor =
        t.repeat_interval_ms < t.group_interval_ms ? INTERVAL_FLOOR_MS * 5 / 6 : INTERVAL_FLOOR_MS;

    return (struct timing){model_ms(m, t.group_wait_ms),
                           at_least(model_ms(m, t.group_interval_ms), INTERVAL_FLOOR_MS),
                           at_least(model_ms(m, t.repeat_interval_ms), repeat_floor)};
}

struct timing
routes_timing(const struct model *m, enum level level)
{
    return scaled(m, level == LEVEL_HARD ? at_once : gathered);
}

static const struct timing *
keep_timing(const struct model *m, struct timing t)
{
    struct timing *kept = gr_arena_alloc(m->arena, sizeof *kept);

    if (kept)
        *kept = scaled(m, t);
    return kept;
}

/* -- receivers ------------------------------------------------------------------------------------------------------------ */

static const struct action *
used_for_hard(const struct model *m, enum action_kind kind)
{
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct strs *on = &m->guardrails[i].on[LEVEL_HARD];

        for (size_t k = 0; k < on->n; k++) {
            const struct action *a = model_action(m, on->v[k]);

            if (a && a->kind == kind)
                return a;
        }
    }
    return NULL;
}

static const struct action *
first_of(const struct model *m, enum action_kind kind)
{
    for (size_t i = 0; i < m->n_actions; i++)
        if (m->actions[i].kind == kind)
            return &m->actions[i];
    return NULL;
}

/* Whom hard breaches page, pages Alertmanager as well; a channel is better than nobody. */
static struct receiver
native_receiver(const struct model *m)
{
    const struct action *a;

    if ((a = used_for_hard(m, ACTION_PAGERDUTY)) || (a = first_of(m, ACTION_PAGERDUTY)))
        return (struct receiver){"native_pagerduty", RECEIVER_NATIVE, a};
    if ((a = used_for_hard(m, ACTION_SLACK)) || (a = first_of(m, ACTION_SLACK)))
        return (struct receiver){"native_slack", RECEIVER_NATIVE, a};
    return (struct receiver){"native_not_configured", RECEIVER_NATIVE, NULL};
}

static bool
add_receivers(const struct model *m, struct routes *r)
{
    r->n_receivers = RECEIVER_KINDS;
    if (!(r->receivers = gr_arena_array(m->arena, r->n_receivers, sizeof *r->receivers)))
        return false;
    r->receivers[0] = (struct receiver){"guardraild", RECEIVER_DAEMON, NULL};
    r->receivers[1] = (struct receiver){"guardraild_watchdog", RECEIVER_WATCHDOG, NULL};
    r->receivers[2] = native_receiver(m);
    return true;
}

static const struct receiver *
receiver_for(const struct routes *r, enum receiver_kind kind)
{
    for (size_t i = 0; i < r->n_receivers; i++)
        if (r->receivers[i].kind == kind)
            return &r->receivers[i];
    return NULL;
}

/* -- matchers and lists of labels ------------------------------------------------------------------------------------------- */

struct is {
    const char *label;
    struct gr_str value;
};

/* n matchers of one value each. */
static bool
set_matchers(const struct model *m, struct matchers *out, const struct is *is, size_t n)
{
    struct gr_str *values = gr_arena_array(m->arena, n, sizeof *values);

    out->v = gr_arena_array(m->arena, n, sizeof *out->v);
    out->n = values && out->v ? n : 0;
    for (size_t i = 0; i < out->n; i++) {
        values[i] = is[i].value;
        out->v[i] = (struct matcher){.label = is[i].label, .values = &values[i], .n = 1};
    }
    return out->n == n;
}

/* before…, <release labels>, middle…, after… */
static const struct strs *
label_list(const struct model *m, struct strs before, const struct strs *const middle[2], struct strs after)
{
    size_t n = before.n + m->release_labels.n + after.n + (middle ? middle[0]->n + middle[1]->n : 0);
    struct strs *out = gr_arena_alloc(m->arena, sizeof *out);
    const struct strs *parts[] = {&before, &m->release_labels, middle ? middle[0] : NULL,
                                  middle ? middle[1] : NULL, &after};

    if (!out || !(out->v = gr_arena_array(m->arena, n, sizeof *out->v)))
        return NULL;
    for (size_t p = 0; p < GR_COUNT(parts); p++)
        for (size_t i = 0; parts[p] && i < parts[p]->n; i++)
            out->v[out->n++] = parts[p]->v[i];
    return out;
}

static struct gr_str label_spec[] = {GR_STR_INIT(GR_LABEL_SPEC)};
static struct gr_str label_named[] = {GR_STR_INIT("alertname"), GR_STR_INIT(GR_LABEL_SPEC)};
static struct gr_str label_deployed[] = {GR_STR_INIT(GR_LABEL_DEPLOYMENT), GR_STR_INIT(GR_LABEL_LEVEL)};
static struct gr_str label_guarded[] = {GR_STR_INIT(GR_LABEL_DEPLOYMENT), GR_STR_INIT(GR_LABEL_GUARDRAIL)};
static const struct strs only_spec = {label_spec, 1}, named_spec = {label_named, 2}, none = {NULL, 0};
static const struct strs deployment_level = {label_deployed, 2}, deployment_guardrail = {label_guarded, 2};

/* -- the route tree ---------------------------------------------------------------------------------------------------------- */

static bool
has_level(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level)
            return true;
    return false;
}

static bool
any_has_level(const struct model *m, enum level level)
{
    for (size_t i = 0; i < m->n_guardrails; i++)
        if (has_level(&m->guardrails[i], level))
            return true;
    return false;
}

static const struct leaf {
    const char *comment, *alert;
    enum receiver_kind to;
    enum level level; /* LEVEL_COUNT: always there */
    struct timing timing;
} leaves[] = {
    {"The beat. repeat_interval below group_interval: with equal values Alertmanager skips every other one.",
     GR_ALERT_WATCHDOG,
     RECEIVER_WATCHDOG,
     LEVEL_COUNT,
     {0, 60000, 50000}},
    {"To the daemon at once, no waiting for company. group_interval is also the time until a delivery that "
     "failed for good is tried\n"
     "again; repeat_interval heals a daemon that lost its store (effects are unique, so repeats change "
     "nothing).",
     GR_ALERT_HARD,
     RECEIVER_DAEMON,
     LEVEL_HARD,
     {0, 0, 0}},
    {"Nothing acts within seconds on a soft breach: 10s gather the slices of one slot in one message. "
     "Repeats come within the\n"
     "shortest useful phase, for a daemon that was restored from a backup.",
     GR_ALERT_SOFT,
     RECEIVER_DAEMON,
     LEVEL_SOFT,
     {0, 0, 0}},
    {"No data holds the gate and never rolls back by itself: timed as soft.",
     GR_ALERT_NO_DATA,
     RECEIVER_DAEMON,
     LEVEL_NO_DATA,
     {0, 0, 0}},
};

static bool
set_leaf(const struct model *m, const struct routes *r, const struct leaf *l, struct route *out)
{
    bool beat = l->to == RECEIVER_WATCHDOG; /* it belongs to no release */
    const struct is named = {"alertname", gr_str(l->alert)};

    *out = (struct route){.comment = l->comment, .receiver = receiver_for(r, l->to)};
    out->timing = keep_timing(m, beat ? l->timing : l->level == LEVEL_HARD ? at_once : gathered);
    out->group_by = beat ? &only_spec : label_list(m, only_spec, NULL, deployment_level);
    return set_matchers(m, &out->matchers, &named, 1) && out->timing && out->group_by;
}

static bool
set_spec_route(const struct model *m, const struct routes *r, struct route *out)
{
    const struct is ours = {GR_LABEL_SPEC, m->spec};

    *out = (struct route){.routes = gr_arena_array(m->arena, GR_COUNT(leaves), sizeof *out->routes)};
    if (!out->routes || !set_matchers(m, &out->matchers, &ours, 1))
        return false;
    for (size_t i = 0; i < GR_COUNT(leaves); i++) {
        enum level level = leaves[i].level;

        if (level != LEVEL_COUNT && level != LEVEL_NO_DATA && !any_has_level(m, level))
            continue;
        if (!set_leaf(m, r, &leaves[i], &out->routes[out->n_routes++]))
            return false;
    }
    return true;
}

static bool
set_root(const struct model *m, struct routes *r)
{
    struct route *root = &r->root;

    *root = (struct route){.receiver = receiver_for(r, RECEIVER_NATIVE),
                           .group_by = label_list(m, named_spec, NULL, none),
                           .timing = keep_timing(m, (struct timing){0, 60000, 3600000}),
                           .routes = gr_arena_array(m->arena, 1, sizeof *root->routes),
                           .n_routes = 1};
    return root->group_by && root->timing && root->routes && set_spec_route(m, r, root->routes);
}

/* -- inhibitions ------------------------------------------------------------------------------------------------------------ */

static bool
same_strs(const struct strs *a, const struct strs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!gr_str_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

static bool
same_slices(const struct guardrail *a, const struct guardrail *b)
{
    return same_strs(&a->compare_within, &b->compare_within) && same_strs(&a->dynamic, &b->dynamic);
}

static bool
inhibits(const struct guardrail *g)
{
    return has_level(g, LEVEL_HARD) && has_level(g, LEVEL_SOFT);
}

/* The guardrails with the slice labels of guardrail i; 0 if an earlier one has them, so that each set is written once. */
static size_t
collect(const struct model *m, size_t i, struct gr_str *names)
{
    size_t n = 0;

    for (size_t k = 0; k < m->n_guardrails; k++) {
        const struct guardrail *g = &m->guardrails[k];

        if (!inhibits(g) || !same_slices(g, &m->guardrails[i]))
            continue;
        if (k < i)
            return 0;
        names[n++] = g->name;
    }
    return n;
}

static bool
set_inhibition(const struct model *m, struct inhibition *out, const struct guardrail *first,
               const struct gr_str *names, size_t n)
{
    struct is source[] = {
        {"alertname", GR_STR(GR_ALERT_HARD)}, {GR_LABEL_SPEC, m->spec}, {GR_LABEL_GUARDRAIL, names[0]}};
    const struct strs *const slices[] = {&first->compare_within, &first->dynamic};
    struct gr_str *values = gr_arena_array(m->arena, n, sizeof *values);
    const struct strs *equal = label_list(m, only_spec, slices, deployment_guardrail);
    struct matcher guardrails = {.label = GR_LABEL_GUARDRAIL, .values = values, .n = n};

    if (!values || !equal || !set_matchers(m, &out->source, source, GR_COUNT(source)))
        return false;
    source[0].value = GR_STR(GR_ALERT_SOFT);
    if (!set_matchers(m, &out->target, source, GR_COUNT(source)))
        return false;
    memcpy(values, names, n * sizeof *values);
    if (!matcher_index(m->arena, &guardrails))
        return false;
    out->source.v[2] = out->target.v[2] = guardrails;
    out->equal = *equal;
    return true;
}

/* A label that both alerts lack counts as equal, so there is an inhibition for each set of labels that both provably carry. */
static bool
add_inhibitions(const struct model *m, struct routes *r)
{
    struct gr_str *names = gr_arena_array(m->arena, m->n_guardrails, sizeof *names);
    size_t cap = 0;

    for (size_t i = 0; names && i < m->n_guardrails; i++) {
        size_t n = inhibits(&m->guardrails[i]) ? collect(m, i, names) : 0;
        struct inhibition *v = r->inhibitions;

        if (n == 0)
            continue;
        if (r->n_inhibitions == cap && !(v = gr_arena_grow(m->arena, v, r->n_inhibitions, &cap, sizeof *v)))
            return false;
        r->inhibitions = v;
        if (!set_inhibition(m, &v[r->n_inhibitions++], &m->guardrails[i], names, n))
            return false;
    }
    return names != NULL;
}

enum gr_err
routes_build(const struct model *m, struct routes **out)
{
    struct routes *r = gr_arena_alloc(m->arena, sizeof *r);

    if (!r || !add_receivers(m, r) || !set_root(m, r) || !add_inhibitions(m, r))
        return GR_ENOMEM;
    *out = r;
    return GR_OK;
}
