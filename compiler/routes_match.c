/* routes_match.c - which alerts there are, where each ends up, and which can mute which. */
#include "config.h"
#include "routes.h"

#include "guardrail/policy.h"
#include "lower.h"

#define INDEX_FROM 8u /* values; below, comparing one by one is as fast */

/* -- matchers --------------------------------------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits (Fowler, Noll, Vo), folded. */
static uint32_t
hash(struct gr_str s)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return (uint32_t)(h ^ h >> 32);
}

bool
matcher_index(struct gr_arena *a, struct matcher *m)
{
    size_t cap = 16;
    uint32_t *slots;

    if (m->n <= INDEX_FROM)
        return true;
    while (cap < 2 * m->n)
        cap *= 2;
    if (!(slots = gr_arena_array(a, cap, sizeof *slots)))
        return false;
    for (size_t i = 0; i < m->n; i++) {
        size_t at = hash(m->values[i]) & (cap - 1);

        while (slots[at] != 0)
            at = (at + 1) & (cap - 1);
        slots[at] = (uint32_t)i + 1;
    }
    m->index = slots;
    m->cap = cap;
    return true;
}

static bool
has_value(const struct matcher *m, struct gr_str value)
{
    if (!m->index) {
        for (size_t i = 0; i < m->n; i++)
            if (gr_str_eq(m->values[i], value))
                return true;
        return false;
    }
    for (size_t at = hash(value) & (m->cap - 1); m->index[at] != 0; at = (at + 1) & (m->cap - 1))
        if (gr_str_eq(m->values[m->index[at] - 1], value))
            return true;
    return false;
}

/* -- what a template says about a label ----------------------------------------------------------------------------------------- */

enum carries { CARRIES_NOT, CARRIES_VALUE, CARRIES_SOME, CARRIES_PERHAPS };

static bool
lists(struct strs set, struct gr_str label)
{
    for (size_t i = 0; i < set.n; i++)
        if (gr_str_eq(set.v[i], label))
            return true;
    return false;
}

static enum carries
carries(const struct alert *a, struct gr_str label, struct gr_str *value)
{
    if (gr_str_is(label, "alertname"))
        return *value = a->name, CARRIES_VALUE;
    if (gr_str_is(label, GR_LABEL_SPEC))
        return *value = a->spec, a->spec.n > 0 ? CARRIES_VALUE : CARRIES_NOT;
    for (size_t i = 0; a->labels && i < a->labels->count; i++)
        if (gr_str_eq(a->labels->items[i].key, label))
            return *value = a->labels->items[i].value, CARRIES_VALUE;
    if (lists(a->open, label))
        return CARRIES_SOME;
    return a->any || lists(a->maybe, label) ? CARRIES_PERHAPS : CARRIES_NOT;
}

static enum answer
matches(const struct matcher *m, const struct alert *a)
{
    struct gr_str value = GR_STR_NONE;
    enum carries c = carries(a, gr_str(m->label), &value);

    if (c == CARRIES_SOME || c == CARRIES_PERHAPS)
        return ANSWER_PERHAPS;
    return has_value(m, value) != m->negated ? ANSWER_YES : ANSWER_NO;
}

enum answer
matchers_match(const struct matchers *list, const struct alert *a)
{
    enum answer worst = ANSWER_YES;

    for (size_t i = 0; i < list->n && worst != ANSWER_NO; i++) {
        enum answer one = matches(&list->v[i], a);
        worst = one < worst ? one : worst;
    }
    return worst;
}

/* -- routes ------------------------------------------------------------------------------------------------------------------------ */

struct walk {
    const struct alert *a;
    struct hit *hits;
    size_t n;
};

static void
add_hit(struct walk *w, struct hit hit)
{
    if (w->n < ROUTES_HITS_MAX)
        w->hits[w->n++] = hit;
}

/* As Route.Match() of dispatch/route.go: the parent handles what no child does. outer: what is inherited. */
static void
descend(struct walk *w, const struct route *r, struct hit outer)
{
    bool handled = false, reached = outer.sure, alone = outer.sure; /* the next sibling is; no child may be */

    outer.route = r;
    outer.receiver = r->receiver ? r->receiver : outer.receiver;
    outer.group_by = r->group_by ? r->group_by : outer.group_by;
    outer.timing = r->timing ? r->timing : outer.timing;
    for (size_t i = 0; i < r->n_routes; i++) {
        enum answer answer = matchers_match(&r->routes[i].matchers, w->a);

        if (answer == ANSWER_NO)
            continue;
        outer.sure = reached && answer == ANSWER_YES;
        descend(w, &r->routes[i], outer);
        handled = handled || answer == ANSWER_YES;
        alone = false;
        reached = reached && (answer == ANSWER_YES || r->routes[i].goes_on);
        if (answer == ANSWER_YES && !r->routes[i].goes_on)
            break;
    }
    outer.sure = alone;
    if (!handled)
        add_hit(w, outer);
}

size_t
routes_hits(const struct routes *r, const struct alert *a, struct hit hits[ROUTES_HITS_MAX])
{
    struct walk w = {.a = a, .hits = hits};

    descend(&w, &r->root, (struct hit){.sure = true});
    return w.n;
}

/* -- inhibitions ------------------------------------------------------------------------------------------------------------------- */

static bool
may_agree(const struct alert *a, const struct alert *b, struct gr_str label)
{
    struct gr_str va = GR_STR_NONE, vb = GR_STR_NONE;
    enum carries ca = carries(a, label, &va), cb = carries(b, label, &vb);

    if (ca == CARRIES_PERHAPS || cb == CARRIES_PERHAPS)
        return true;
    if (ca == CARRIES_SOME || cb == CARRIES_SOME)
        return ca != CARRIES_NOT && cb != CARRIES_NOT;
    return gr_str_eq(va, vb); /* both may be empty: a label that both lack is equal */
}

bool
routes_inhibits(const struct inhibition *i, const struct alert *source, const struct alert *target)
{
    if (matchers_match(&i->source, source) == ANSWER_NO || matchers_match(&i->target, target) == ANSWER_NO)
        return false;
    /* Alertmanager: an alert that matches both sides is not muted by another that does. */
    if (matchers_match(&i->source, target) == ANSWER_YES && matchers_match(&i->target, source) == ANSWER_YES)
        return false;
    for (size_t k = 0; k < i->equal.n; k++)
        if (!may_agree(source, target, i->equal.v[k]))
            return false;
    return true;
}

bool
routes_muted_by(const struct routes *r, const struct alerts *alerts, const struct alert *target,
                const struct inhibition **by, const struct alert **source)
{
    const struct alert *first = target, *end = alerts->v + alerts->n;

    /* The alerts of a guardrail stand side by side. */
    while (first > alerts->v && first[-1].g == target->g)
        first--;
    for (size_t i = 0; target->g && i < r->n_inhibitions; i++)
        for (const struct alert *a = first; a < end && a->g == target->g; a++)
            if (routes_inhibits(&r->inhibitions[i], a, target)) {
                *by = &r->inhibitions[i];
                *source = a;
                return true;
            }
    return false;
}

/* -- the alerts of a spec ---------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *alert;
    enum receiver_kind wants;
} wanted[] = {
    {GR_ALERT_HARD, RECEIVER_DAEMON},
    {GR_ALERT_SOFT, RECEIVER_DAEMON},
    {GR_ALERT_NO_DATA, RECEIVER_DAEMON},
    {GR_ALERT_WATCHDOG, RECEIVER_WATCHDOG},
    /* Everything else is what guardraild cannot tell. */
};

static enum receiver_kind
receiver_wanted(struct gr_str name)
{
    for (size_t i = 0; i < GR_COUNT(wanted); i++)
        if (gr_str_is(name, wanted[i].alert))
            return wanted[i].wants;
    return RECEIVER_NATIVE;
}

static const struct gr_str *
label_of(const struct gr_rule *rule, const char *key)
{
    for (size_t i = 0; i < rule->labels.count; i++)
        if (gr_str_is(rule->labels.items[i].key, key))
            return &rule->labels.items[i].value;
    return NULL;
}

/* <release labels>, deployment_id, phase, <slice labels>; missing data also says why. */
static bool
open_labels(const struct model *m, const struct guardrail *g, enum level level, struct strs *out)
{
    const struct strs *const sets[] = {&m->release_labels, &g->compare_within};

    out->n = 0;
    if (!(out->v = gr_arena_array(m->arena, m->release_labels.n + g->compare_within.n + 3, sizeof *out->v)))
        return false;
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s]->n; i++)
            out->v[out->n++] = sets[s]->v[i];
    out->v[out->n++] = GR_STR(GR_LABEL_DEPLOYMENT);
    out->v[out->n++] = GR_STR(GR_LABEL_PHASE);
    if (level == LEVEL_NO_DATA)
        out->v[out->n++] = GR_STR("reason");
    return true;
}

static const struct bound *
find_bound(const struct guardrail *g, enum level level, struct gr_str side)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level && gr_str_is(side, side_name(g->limit.bounds[i].side)))
            return &g->limit.bounds[i];
    return NULL;
}

static bool
set_breach(const struct model *m, const struct gr_rule *rule, const struct guardrail *g, struct alert *a)
{
    const struct gr_str *level = label_of(rule, GR_LABEL_LEVEL), *side = label_of(rule, GR_LABEL_SIDE);

    a->g = g;
    a->spec = m->spec;
    a->level = LEVEL_NO_DATA;
    for (unsigned i = 0; level && i < LEVEL_COUNT; i++)
        if (gr_str_is(*level, level_name((enum level)i)))
            a->level = (enum level)i;
    a->bound = side ? find_bound(g, a->level, *side) : NULL;
    a->maybe = g->dynamic; /* of a slice without the label, or of which nothing reports */
    return open_labels(m, g, a->level, &a->open);
}

/* An alert about the whole spec carries what its expression yields. */
static enum gr_err
set_watch(const struct model *m, const struct gr_rule *rule, struct alert *a)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_promql *e = NULL;
    struct gr_promql_labels labels;
    const struct gr_str *spec = label_of(rule, GR_LABEL_SPEC);
    enum gr_err err = diags ? gr_promql_parse(m->arena, rule->expr, GR_SPAN_NONE, diags, &e) : GR_ENOMEM;

    GR_ASSERT(err != GR_EUSER);
    if (err == GR_OK)
        err = gr_promql_labels(m->arena, e, NULL, NULL, &labels);
    if (err == GR_OK && !(a->maybe.v = gr_arena_array(m->arena, labels.count, sizeof *a->maybe.v)))
        err = GR_ENOMEM;
    for (size_t i = 0; err == GR_OK && i < labels.count; i++) {
        const struct gr_promql_label *l = &labels.labels[i];

        if (!spec && l->fixed && gr_str_is(l->name, GR_LABEL_SPEC))
            a->spec = l->value;
        else if (l->presence != GR_PROMQL_ABSENT)
            a->maybe.v[a->maybe.n++] = l->name;
    }
    if (err == GR_OK) {
        a->any = labels.open;
        a->spec = spec ? *spec : a->spec;
    }
    gr_diags_free(diags);
    gr_sources_free(sources);
    return err;
}

/* Rules stand in the order of the guardrails, so the wanted one is at *next or soon behind it. */
static const struct guardrail *
find_guardrail(const struct model *m, struct gr_str name, size_t *next)
{
    for (size_t i = 0; i < m->n_guardrails; i++) {
        size_t at = (*next + i) % m->n_guardrails;

        if (gr_str_eq(m->guardrails[at].name, name))
            return *next = at, &m->guardrails[at];
    }
    return NULL;
}

static enum gr_err
set_alert(const struct model *m, const struct gr_rule *rule, size_t *next, struct alert *a)
{
    const struct gr_str *name = label_of(rule, GR_LABEL_GUARDRAIL);
    const struct guardrail *g = name ? find_guardrail(m, *name, next) : NULL;

    *a = (struct alert){.name = rule->name, .labels = &rule->labels, .wants = receiver_wanted(rule->name)};
    if (!g)
        return set_watch(m, rule, a);
    return set_breach(m, rule, g, a) ? GR_OK : GR_ENOMEM;
}

enum gr_err
routes_alerts(const struct model *m, const struct gr_rulefile *rules, struct alerts *out)
{
    struct alerts all = {.n = 0};
    enum gr_err err = GR_OK;
    size_t count = 0, next = 0;

    for (size_t g = 0; g < rules->count; g++)
        for (size_t i = 0; i < rules->groups[g]->count; i++)
            count += rules->groups[g]->rules[i]->kind == GR_RULE_ALERT;
    if (!(all.v = gr_arena_array(m->arena, count, sizeof *all.v)))
        return GR_ENOMEM;
    for (size_t g = 0; g < rules->count; g++)
        for (size_t i = 0; err == GR_OK && i < rules->groups[g]->count; i++)
            if (rules->groups[g]->rules[i]->kind == GR_RULE_ALERT)
                err = set_alert(m, rules->groups[g]->rules[i], &next, &all.v[all.n++]);
    if (err == GR_OK)
        *out = all;
    return err;
}
