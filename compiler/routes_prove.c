/* routes_prove.c - that every alert reaches whom it is for and nobody else, and that nothing is muted that must not be.
 *
 * Alerts that agree on all labels that some route asks for are routed alike, so one of each kind is followed through the tree: a spec with
 * ten thousand guardrails has eight kinds. Strangers are alerts of ours with one label changed: another spec or none, another name. */
#include "config.h"
#include "routes.h"

#include "backend.h"
#include "guardrail/policy.h"

#define KINDS_MAX                                                                                            \
    4096u /* of alerts that are routed alike; more would be a route per guardrail, which we do not write */
#define ROUTES_MAX 1024u           /* in the tree */
#define STRANGER "Somebody else's" /* no name that a spec can have */

struct flat { /* one route of the tree */
    const struct route *route, *parent;
    bool reached;
};
struct kind {
    const struct alert *a;
    uint64_t answers; /* of all matchers of the tree, two bits each, folded */
};
struct proof {
    const struct model *m;
    const struct routes *r;
    const struct alerts *alerts;
    struct gr_diags *d;
    struct flat *routes;
    size_t n_routes;
    struct kind *kinds;
    size_t n_kinds;
    const struct alert **common; /* those about the whole spec */
    size_t n_common;
};

static struct gr_span
place(const struct alert *a)
{
    return a->bound ? a->bound->span : a->g ? a->g->span : GR_SPAN_NONE;
}

/* -- names for people ---------------------------------------------------------------------------------------------------------------- */

/* "route {spec="demo",alertname="GuardrailHardBreach"} to guardraild", in the arena. */
static const char *
describe_matchers(const struct proof *p, const struct matchers *list, const char *before)
{
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str text;

    gr_buf_puts(&b, before);
    gr_buf_putc(&b, '{');
    for (size_t i = 0; i < list->n; i++) {
        const struct matcher *m = &list->v[i];

        gr_buf_printf(&b, "%s%s%s%s", i > 0 ? "," : "", m->label, m->negated ? "!" : "",
                      m->n > 1 ? "=~\"" : "=\"");
        for (size_t k = 0; k < m->n && k < 4; k++)
            gr_buf_printf(&b, "%s" GR_FMT, k > 0 ? "|" : "", GR_ARG(m->values[k]));
        gr_buf_puts(&b, m->n > 4 ? "|…\"" : "\"");
    }
    gr_buf_putc(&b, '}');
    text = gr_arena_dup(p->m->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text.p ? text.p : "";
}

static const char *
describe_route(const struct proof *p, const struct route *r)
{
    return r == &p->r->root ? "the root route" : describe_matchers(p, &r->matchers, "route ");
}

static const char *const kind_names[] = {
    [RECEIVER_NATIVE] = "Alertmanager's own receiver",
    [RECEIVER_DAEMON] = "guardraild",
    [RECEIVER_WATCHDOG] = "guardraild's watchdog",
};

static struct gr_str
name_of(const struct alert *a)
{
    return a->g ? a->g->name : a->spec;
}

/* -- kinds of alerts -------------------------------------------------------------------------------------------------------------------- */

static bool
add_route(struct proof *p, const struct route *r, const struct route *parent)
{
    if (p->n_routes == ROUTES_MAX)
        return false;
    p->routes[p->n_routes++] = (struct flat){r, parent, false};
    for (size_t i = 0; i < r->n_routes; i++)
        if (!add_route(p, &r->routes[i], r))
            return false;
    return true;
}

static enum answer
answer_of(const struct matcher *m, const struct alert *a)
{
    struct matcher copy = *m;
    struct matchers one = {&copy, 1};

    return matchers_match(&one, a);
}

/* What all matchers of the tree say to an alert. More than 32 of them are folded: two kinds that fall together by chance could only hide a
 * finding from a tree that is five times as large as ours. */
static uint64_t
answers(const struct proof *p, const struct alert *a)
{
    uint64_t all = 0;

    for (size_t i = 0; i < p->n_routes; i++)
        for (size_t k = 0; k < p->routes[i].route->matchers.n; k++)
            all = (all << 2 | all >> 62) ^ (uint64_t)answer_of(&p->routes[i].route->matchers.v[k], a);
    return all ^ (uint64_t)a->wants << 60;
}

static void
add_kinds(struct proof *p)
{
    for (size_t i = 0; i < p->alerts->n && p->n_kinds < KINDS_MAX; i++) {
        struct kind kind = {&p->alerts->v[i], answers(p, &p->alerts->v[i])};
        bool known = false;

        for (size_t k = p->n_kinds; k > 0 && !known; k--)
            known = p->kinds[k - 1].answers == kind.answers;
        if (!known)
            p->kinds[p->n_kinds++] = kind;
    }
}

/* -- routes -------------------------------------------------------------------------------------------------------------------------------- */

static void
mark(struct proof *p, const struct route *r)
{
    for (size_t i = p->n_routes; i > 0 && r; i--)
        if (p->routes[i - 1].route == r) {
            p->routes[i - 1].reached = true;
            r = p->routes[i - 1].parent; /* which stands before its children */
        }
}

/* What falls through to the native receiver has no route; what another route takes is taken from it. */
static void
prove_arrival(struct proof *p, const struct alert *a)
{
    struct hit hits[ROUTES_HITS_MAX];
    size_t n = routes_hits(p->r, a, hits);
    bool arrives = false, taken = false;

    for (size_t i = 0; i < n; i++) {
        mark(p, hits[i].route);
        if (hits[i].receiver->kind == a->wants) {
            arrives = arrives || hits[i].sure;
        } else if (hits[i].receiver->kind != RECEIVER_NATIVE) {
            taken = true;
            gr_diag(p->d, GR0703, place(a), GR_STR("let the route ask for the alert by its name"),
                    "%s %s " GR_FMT " of \"" GR_FMT "\" to %s, for which it is not",
                    describe_route(p, hits[i].route), hits[i].sure ? "takes" : "may take", GR_ARG(a->name),
                    GR_ARG(name_of(a)), hits[i].receiver->name);
        }
    }
    if (!arrives && !taken)
        gr_diag(p->d, GR0701, place(a), GR_STR("add a route for it"),
                GR_FMT " of \"" GR_FMT "\" does not reach %s", GR_ARG(a->name), GR_ARG(name_of(a)),
                kind_names[a->wants]);
}

/* An alert that is none of ours must be handled by the root: in an Alertmanager that is shared, that is somebody else's. */
static void
refuse_stranger(struct proof *p, const struct alert *a)
{
    struct hit hits[ROUTES_HITS_MAX];
    size_t n = routes_hits(p->r, a, hits);

    for (size_t i = 0; i < n; i++)
        if (hits[i].route != &p->r->root)
            gr_diag(p->d, GR0703, GR_SPAN_NONE, GR_STR("let the route ask for spec"),
                    "%s takes alerts of others, as " GR_FMT " with %s" GR_FMT "%s",
                    describe_route(p, hits[i].route), GR_ARG(a->name),
                    a->spec.n > 0 ? "spec=\"" : "no label spec", GR_ARG(a->spec), a->spec.n > 0 ? "\"" : "");
}

/* One of our spec with a name that we do not give: whoever wrote it, guardraild does not know it. */
static void
refuse_unknown(struct proof *p, struct alert *a)
{
    struct hit hits[ROUTES_HITS_MAX];
    size_t n;

    a->wants = RECEIVER_NATIVE;
    n = routes_hits(p->r, a, hits);
    for (size_t i = 0; i < n; i++)
        if (hits[i].receiver->kind != RECEIVER_NATIVE)
            gr_diag(p->d, GR0703, GR_SPAN_NONE, GR_STR("let the route ask for the alert by its name"),
                    "%s takes an alert \"" GR_FMT "\" that no rule raises", describe_route(p, hits[i].route),
                    GR_ARG(a->name));
}

static bool
is_ours(const struct proof *p, struct gr_str alertname)
{
    for (size_t i = 0; i < p->n_kinds; i++)
        if (gr_str_eq(p->kinds[i].a->name, alertname))
            return true;
    return false;
}

/* Strangers like `a`: with every value of spec and alertname that some matcher speaks of, and with one that none does. */
static void
refuse_strangers_like(struct proof *p, const struct alert *a)
{
    struct alert other = *a;

    other.spec = GR_STR_NONE;
    refuse_stranger(p, &other);
    other.spec = GR_STR(STRANGER);
    refuse_stranger(p, &other);
    for (size_t i = 0; i < p->n_routes; i++)
        for (size_t k = 0; k < p->routes[i].route->matchers.n; k++) {
            const struct matcher *m = &p->routes[i].route->matchers.v[k];

            for (size_t v = 0; v < m->n; v++) {
                other = *a;
                if (strcmp(m->label, GR_LABEL_SPEC) == 0 && !gr_str_eq(m->values[v], p->m->spec)) {
                    other.spec = m->values[v];
                    refuse_stranger(p, &other);
                } else if (strcmp(m->label, "alertname") == 0 && !is_ours(p, m->values[v])) {
                    other.name = m->values[v];
                    refuse_unknown(p, &other);
                }
            }
        }
    other = *a;
    other.name = GR_STR("SomebodyElses");
    refuse_unknown(p, &other);
}

/* Whether any alert would come here, were it not for the routes before. */
static bool
anything_matches(const struct proof *p, size_t at)
{
    for (size_t k = 0; k < p->n_kinds; k++) {
        const struct route *r = p->routes[at].route;
        bool all = true;

        for (size_t i = at + 1; i > 0 && r && all; i--)
            if (p->routes[i - 1].route == r) {
                all = matchers_match(&r->matchers, p->kinds[k].a) != ANSWER_NO;
                r = p->routes[i - 1].parent;
            }
        if (all)
            return true;
    }
    return false;
}

static bool
is_reached(const struct proof *p, const struct route *r)
{
    for (size_t i = 0; i < p->n_routes; i++)
        if (p->routes[i].route == r)
            return p->routes[i].reached;
    return true; /* there is no such route: the root's parent */
}

static void
prove_routes(struct proof *p)
{
    for (size_t i = 0; i < p->n_kinds; i++)
        prove_arrival(p, p->kinds[i].a);
    for (size_t i = 0; i < p->n_kinds; i++)
        refuse_strangers_like(p, p->kinds[i].a);
    for (size_t i = 0; i < p->n_routes; i++)
        if (!p->routes[i].reached && is_reached(p, p->routes[i].parent)) /* its children are lost with it */
            gr_diag(p->d, GR0702, GR_SPAN_NONE, GR_STR("remove it, or move it up"), "no alert reaches %s: %s",
                    describe_route(p, p->routes[i].route),
                    anything_matches(p, i) ? "an earlier route takes them all" : "no alert matches it");
}

/* -- inhibitions --------------------------------------------------------------------------------------------------------------------------- */

static bool
equal_has(const struct inhibition *in, struct gr_str label)
{
    for (size_t i = 0; i < in->equal.n; i++)
        if (gr_str_eq(in->equal.v[i], label))
            return true;
    return false;
}

/* A label that tells one slice or deployment of the guardrail from another and that `equal` leaves out; empty: none. */
static struct gr_str
left_out(const struct proof *p, const struct inhibition *in, const struct guardrail *g)
{
    const struct strs *const sets[] = {&p->m->release_labels, &g->compare_within, &g->dynamic};

    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s]->n; i++)
            if (!equal_has(in, sets[s]->v[i]))
                return sets[s]->v[i];
    return equal_has(in, GR_STR(GR_LABEL_DEPLOYMENT)) ? GR_STR_NONE : GR_STR(GR_LABEL_DEPLOYMENT);
}

static void
too_wide(const struct proof *p, const struct inhibition *in, const struct alert *source,
         const struct alert *target)
{
    gr_diag(p->d, GR0705, place(target), GR_STR("name in `equal` all that tells the two apart"),
            "%s can mute " GR_FMT " of \"" GR_FMT "\" by " GR_FMT " of \"" GR_FMT "\"",
            describe_matchers(p, &in->target, "the inhibition of "), GR_ARG(target->name),
            GR_ARG(name_of(target)), GR_ARG(source->name), GR_ARG(name_of(source)));
}

/* One pair that the inhibition applies to. True: it is as it should be. */
static bool
prove_pair(const struct proof *p, const struct inhibition *in, const struct alert *source,
           const struct alert *target)
{
    struct gr_str missing;

    if (!source->g || source->g != target->g || source->level != LEVEL_HARD || target->level != LEVEL_SOFT ||
        !gr_str_eq(source->spec, target->spec)) {
        too_wide(p, in, source, target);
        return false;
    }
    missing = left_out(p, in, source->g);
    if (missing.n == 0)
        return true;
    gr_diag(p->d, GR0705, place(target),
            gr_arena_printf(p->m->arena, "add " GR_FMT " to `equal`", GR_ARG(missing)),
            "the soft breach of \"" GR_FMT "\" can be muted by a hard one of another " GR_FMT,
            GR_ARG(source->g->name), GR_ARG(missing));
    return false;
}

/* Alerts that are not ours, whatever they carry: nobody of them may mute ours, or be muted by ours. */
static bool
refuse_strangers(const struct proof *p, const struct inhibition *in, const struct alert *source,
                 const struct alert *target)
{
    static const struct gr_str specs[] = {{NULL, 0}, GR_STR_INIT(STRANGER)};

    for (size_t i = 0; i < GR_COUNT(specs); i++) {
        struct alert stranger = {.name = GR_STR("SomebodyElses"), .spec = specs[i], .any = true};
        struct alert like_source = *source, like_target = *target;

        like_source.spec = like_target.spec = specs[i];
        if (routes_inhibits(in, source, &stranger))
            return too_wide(p, in, source, &stranger), false;
        if (routes_inhibits(in, &stranger, target))
            return too_wide(p, in, &stranger, target), false;
        if (routes_inhibits(in, source, &like_target))
            return too_wide(p, in, source, &like_target), false;
        if (routes_inhibits(in, &like_source, target))
            return too_wide(p, in, &like_source, target), false;
    }
    return true;
}

/* Each target meets the sources of its own guardrail, which stand beside it, and those about the whole spec. Where `equal` does not ask for
 * the guardrail, it meets all. */
static bool
meet(const struct proof *p, const struct inhibition *in, const struct alert *target, bool *applies)
{
    const struct alert *end = p->alerts->v + p->alerts->n, *a = p->alerts->v;
    bool wide = !target->g || !equal_has(in, GR_STR(GR_LABEL_GUARDRAIL));
    bool fine = true;

    for (a = target; !wide && a > p->alerts->v && a[-1].g == target->g;)
        a--;
    for (a = wide ? p->alerts->v : a; fine && a < end && (wide || a->g == target->g); a++)
        if (a != target && routes_inhibits(in, a, target)) {
            *applies = true;
            fine = prove_pair(p, in, a, target);
        }
    for (size_t i = 0; !wide && fine && i < p->n_common; i++)
        if (routes_inhibits(in, p->common[i], target))
            fine = prove_pair(p, in, p->common[i], target);
    return fine;
}

static void
prove_inhibition(const struct proof *p, const struct inhibition *in)
{
    const struct alert *source = NULL, *target = NULL;
    bool applies = false, fine = true;

    for (size_t i = 0; fine && i < p->alerts->n; i++) {
        const struct alert *a = &p->alerts->v[i];

        if (!source && matchers_match(&in->source, a) != ANSWER_NO)
            source = a;
        if (matchers_match(&in->target, a) == ANSWER_NO)
            continue;
        target = target ? target : a;
        fine = meet(p, in, a, &applies);
    }
    if (fine && source && target)
        fine = refuse_strangers(p, in, source, target);
    if (fine && !applies)
        gr_diag(p->d, GR0704, GR_SPAN_NONE, GR_STR("remove it, or mend its matchers and `equal`"),
                "%s never applies: no alert that it names as source carries the same labels",
                describe_matchers(p, &in->target, "the inhibition of "));
}

/* Those about the whole spec. */
static bool
add_common(struct proof *p)
{
    for (size_t i = 0; i < p->alerts->n; i++)
        p->n_common += !p->alerts->v[i].g;
    p->common = gr_arena_array(p->m->arena, p->n_common, sizeof *p->common);
    p->n_common = 0;
    for (size_t i = 0; p->common && i < p->alerts->n; i++)
        if (!p->alerts->v[i].g)
            p->common[p->n_common++] = &p->alerts->v[i];
    return p->common != NULL;
}

enum gr_err
routes_prove(const struct model *m, const struct routes *r, const struct alerts *alerts, struct gr_diags *d)
{
    struct proof p = {.m = m, .r = r, .alerts = alerts, .d = d};

    p.routes = gr_arena_array(m->arena, ROUTES_MAX, sizeof *p.routes);
    p.kinds = gr_arena_array(m->arena, KINDS_MAX, sizeof *p.kinds);
    if (!p.routes || !p.kinds || !add_common(&p))
        return GR_ENOMEM;
    if (!add_route(&p, &r->root, NULL))
        return GR_ELIMIT;
    add_kinds(&p);
    prove_routes(&p);
    for (size_t i = 0; i < r->n_inhibitions; i++)
        prove_inhibition(&p, &r->inhibitions[i]);
    return gr_arena_status(m->arena);
}

/* What guardraild cannot tell, that it is down, Alertmanager must tell somebody. */
static void
say_nobody(const struct model *m, const struct routes *r, struct gr_diags *d)
{
    const struct gr_node *actions = m->root ? gr_node_get(m->root, "actions") : NULL;

    for (size_t i = 0; i < r->n_receivers; i++)
        if (r->receivers[i].kind == RECEIVER_NATIVE && !r->receivers[i].pager)
            gr_diag(d, GR0706,
                    actions   ? actions->key_span
                    : m->root ? m->root->span
                              : GR_SPAN_NONE,
                    GR_STR("add an action with pagerduty or slack, as `page: {pagerduty: {service: …}}`"),
                    "no action pages or posts: when guardraild is down, Alertmanager tells nobody");
}

enum gr_err
routes_check(struct model *m, struct gr_diags *d)
{
    struct routes *r = NULL;
    struct alerts alerts;
    enum gr_err err;

    if ((err = rules_lower(m, &m->rules)) != GR_OK || (err = routes_build(m, &r)) != GR_OK ||
        (err = routes_alerts(m, m->rules, &alerts)) != GR_OK)
        return err;
    say_nobody(m, r, d);
    return routes_prove(m, r, &alerts, d);
}
