/* prove_share.c - cases about the canary's share of the traffic: docs/rule-reference.md, "Traffic share".
 *
 * In all other cases both cohorts count alike, so that numbers are exact, and the rules that look at the share are left out there. Here they are
 * in, and each planned share (of a phase, of a flow) gets release streams in which the canary's part of the totals is right, just inside and
 * just outside of the tolerance on both sides, by the stated tolerance and, with few observations, by eight standard deviations; in
 * which control counts nothing, and in which a flow is not planned. All rates are constant, so that what must come is computed here in
 * closed form. */
#include "config.h"
#include "prove.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"

#define MANY                                                                                                 \
    1e6 /* observations a scrape, both cohorts together: eight standard deviations are less than any tolerance */
#define INSIDE 0.98713719 /* of the tolerance; odd, so that no result lies between two rounded ones */
#define OUTSIDE 1.01171373
#define SIGMAS 8.0
#define FEW 1.50731 /* the tolerance of few observations, in multiples of the stated one */
#define UNIT 0.000001
#define DEPLOYMENT "d1"

/* At work on one world; w and b of what is written. */
struct maker {
    struct gr_arena *arena;
    const struct model *m;
    const struct guardrail *g;
    struct prove_suite *suite;
    struct prove_world *w;
    struct prove_share *shares; /* of the world's streams */
    struct gr_str key;          /* the release label that tells cases apart */
    size_t phase, gate, slots;
    enum gr_err err;
};
struct asker {
    struct gr_buf *b;
    const struct prove_world *w;
    const struct prove_stream *s;
    const struct prove_share *x;
    size_t gate, slots;
};

/* The first step whose slot counts. */
static size_t
gate_of(const struct model *m)
{
    return (size_t)((m->sampling_ms + m->scrape_ms + m->sampling_ms - 1) / m->sampling_ms);
}

static bool
tells_flows(const struct maker *k)
{
    for (size_t i = 0; k->m->flow_label.n > 0 && i < k->g->compare_within.n; i++)
        if (gr_str_eq(k->g->compare_within.v[i], k->m->flow_label))
            return true;
    return false;
}

/* -- streams ------------------------------------------------------------------------------------------------------------------- */

static struct gr_str
value_of(const struct maker *k, struct gr_str label, struct gr_str flow)
{
    for (size_t i = 0; i < k->g->only.n; i++)
        if (gr_str_eq(k->g->only.v[i].key, label))
            return k->g->only.v[i].value;
    return flow.n > 0 && gr_str_eq(label, k->m->flow_label) ? flow : GR_STR("s1");
}

static struct pairs
labels_of(struct maker *k, struct strs own, struct strs more, struct gr_str flow, struct gr_str name)
{
    struct pairs p = {gr_arena_array(k->arena, own.n + more.n + 1, sizeof(struct pair)), 0};

    for (size_t i = 0; p.v && i < own.n + more.n; i++) {
        struct gr_str label = i < own.n ? own.v[i] : more.v[i - own.n];

        p.v[p.n++] =
            (struct pair){label, name.n > 0 && gr_str_eq(label, k->key) ? name : value_of(k, label, flow)};
    }
    k->err = p.v ? k->err : GR_ENOMEM;
    return p;
}

/* Control's own ratio: above its floor, inside a backstop, and the same for the canary: nothing is breached. */
static double
usual_ratio(const struct guardrail *g)
{
    double floor = gr_dec_double(g->limit.floor), ratio = g->metric.kind == METRIC_RATIO_GOOD ? 0.999 : 0.01;

    ratio = fmax(ratio, 2 * floor);
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].side == SIDE_BACKSTOP)
            ratio = fmin(ratio, 0.9 * gr_dec_double(g->limit.bounds[i].literal));
    return ratio;
}

/* Counters of one cohort that grow by `total` a scrape; of weights the second has twice the first, as elsewhere. */
static void
count(struct maker *k, struct prove_cell *c, size_t cohort, double total)
{
    size_t weights = k->g->metric.n_weights ? k->g->metric.n_weights : 1;
    double ratio = usual_ratio(k->g);

    for (size_t p = 0; p < 2 * weights; p++) {
        double *v = gr_arena_array(k->arena, k->w->scrapes, sizeof *v);
        double step = total * (double)(p / 2 + 1) * (p % 2 ? ratio : 1);

        for (size_t i = 0; v && i < k->w->scrapes; i++)
            v[i] = step * (double)i;
        c->raw[cohort][p][0] = v;
        k->err = v ? k->err : GR_ENOMEM;
    }
}

static void
stream(struct maker *k, struct gr_str name, struct gr_str flow, double canary, double control)
{
    static const struct strs none;
    struct prove_world *w = k->w;
    struct prove_stream *v = w->streams;
    struct prove_cell *c = gr_arena_alloc(k->arena, sizeof *c);

    if (w->n_streams == w->cap_streams)
        v = gr_arena_grow(k->arena, v, w->n_streams, &w->cap_streams, sizeof *v);
    if (!v || !c || !name.p) {
        k->err = GR_ENOMEM;
        return;
    }
    w->streams = v;
    v = &v[w->n_streams++];
    *c = (struct prove_cell){.labels = labels_of(k, k->g->compare_within, k->g->dynamic, flow, GR_STR_NONE)};
    *v = (struct prove_stream){.name = name, .cells = c, .n_cells = 1};
    v->release = labels_of(k, k->m->release_labels, none, GR_STR_NONE, name);
    v->exports[v->n_exports++] =
        (struct prove_export){DEPLOYMENT, k->phase, 0, 0, 0, w->scrapes, 0, w->scrapes, w->scrapes};
    count(k, c, PROVE_CANARY, canary);
    count(k, c, PROVE_CONTROL, control);
    k->suite->cases++;
}

/* -- what must come -------------------------------------------------------------------------------------------------------------- */

struct shares {
    double tolerance;
    bool wrong;
    const char *reason; /* "traffic_share", "no_control" or NULL */
};

/* Observations of both cohorts in so many slots, effective ones where they are weighted (Kish). */
static double
observations(const struct prove_world *w, double per_scrape, size_t slots)
{
    double scrapes = (double)w->m->sampling_ms / (double)w->m->scrape_ms, sum = 0, squares = 0;

    if (w->g->metric.n_weights == 0)
        return per_scrape * scrapes * (double)slots;
    for (size_t t = 0; t < w->g->metric.n_weights; t++) {
        double v = gr_dec_double(w->g->metric.weights[t].weight);

        sum += v * (double)(t + 1);
        squares += v * v * (double)(t + 1);
    }
    return per_scrape * scrapes * (double)slots * sum * sum / squares;
}

static struct shares
shares_at(const struct asker *q, size_t step)
{
    const struct prove_share *x = q->x;
    size_t seen = step - q->gate + 1 < q->slots ? step - q->gate + 1 : q->slots;
    double s = x->planned, stated = gr_dec_double(q->w->m->share_tolerance) * s;
    struct shares out = {.tolerance = stated};

    if (s > 0) {
        out.tolerance = fmax(stated, SIGMAS * sqrt(s * (1 - s) / observations(q->w, x->per_scrape, seen)));
        out.wrong = fabs(x->share - s) > out.tolerance;
    }
    out.reason = x->share >= 1 ? "no_control" : out.wrong ? "traffic_share" : NULL;
    return out;
}

/* -- questions ------------------------------------------------------------------------------------------------------------------- */

static void
put_pair(struct gr_buf *b, struct gr_str key, struct gr_str value)
{
    if (value.n == 0)
        return;
    gr_buf_puts(b, b->n > 0 && b->p[b->n - 1] != '{' ? "," : "");
    gr_buf_put(b, key);
    gr_buf_putc(b, '=');
    gr_quote_promql(b, value);
}

static void
put_pairs(struct gr_buf *b, struct pairs p)
{
    for (size_t i = 0; i < p.n; i++)
        put_pair(b, p.v[i].key, p.v[i].value);
}

static void
put_question(struct asker *q, size_t step, const char *before, const char *after)
{
    struct gr_buf e = GR_BUF_INIT(65536);

    gr_buf_puts(&e, before);
    put_pairs(&e, q->s->release);
    gr_buf_puts(&e, after);
    gr_buf_puts(q->b, "  - expr: ");
    gr_quote_json(q->b, gr_buf_str(&e));
    gr_buf_puts(q->b, "\n    eval_time: ");
    gr_duration_print(q->b, (int64_t)step * q->w->step_ms);
    gr_buf_puts(q->b, "\n    exp_samples:\n");
    gr_buf_fini(&e);
}

/* more: pairs of further labels, ending with an empty key. */
static void
put_answer(struct asker *q, const char *series, const struct pair *more, double v)
{
    struct gr_buf l = GR_BUF_INIT(65536);

    gr_buf_printf(&l, "%s{", series);
    put_pair(&l, GR_STR("spec"), q->w->m->spec);
    put_pairs(&l, q->s->release);
    put_pair(&l, GR_STR("deployment_id"), GR_STR(DEPLOYMENT));
    put_pair(&l, GR_STR("phase"), q->w->m->phases[q->x->phase].name);
    put_pairs(&l, q->s->cells[0].labels);
    put_pair(&l, GR_STR("guardrail"), q->w->g->name);
    for (; more->key.n > 0; more++)
        put_pair(&l, more->key, more->value);
    gr_buf_putc(&l, '}');
    gr_buf_puts(q->b, "    - {labels: ");
    gr_quote_json(q->b, gr_buf_str(&l));
    gr_buf_puts(q->b, ", value: ");
    prove_put_number(q->b, v);
    gr_buf_puts(q->b, "}\n");
    gr_buf_fini(&l);
}

static double
rounded(double v)
{
    double inverse = 1 / UNIT;

    return floor(v * inverse + 0.5) / inverse;
}

static void
put_series(struct asker *q, size_t step, struct shares want)
{
    struct pair more[] = {{GR_STR("series"), GR_STR("guardrail:share")}, {GR_STR_NONE, GR_STR_NONE}};

    put_question(q, step, "round(label_replace({__name__=~\"guardrail:share.*\"",
                 "}, \"series\", \"$1\", \"__name__\", \"(.+)\"), 0.000001)");
    put_answer(q, "", more, rounded(q->x->share));
    if (!(q->x->planned > 0))
        return;
    more[0].value = GR_STR("guardrail:share:planned");
    put_answer(q, "", more, rounded(q->x->planned));
    more[0].value = GR_STR("guardrail:share:tolerance");
    put_answer(q, "", more, rounded(want.tolerance));
    more[0].value = GR_STR("guardrail:share:wrong");
    if (want.wrong)
        put_answer(q, "", more, rounded(q->x->share));
}

static void
put_reason(struct asker *q, size_t step, struct shares want)
{
    struct pair more[] = {{GR_STR("reason"), gr_str(want.reason ? want.reason : "")},
                          {GR_STR_NONE, GR_STR_NONE}};

    put_question(q, step, "guardrail:insufficient{reason=~\"traffic_share|no_control\"", "}");
    if (want.reason)
        put_answer(q, "guardrail:insufficient", more, 1);
}

/* Healthy only where the share is right; a wrong one alone breaches nothing. */
static void
put_verdict(struct asker *q, size_t step, struct shares want)
{
    static const struct pair none[] = {{{NULL, 0}, {NULL, 0}}};
    bool covered = 10 * (step - q->gate + 1) >= 9 * q->slots;

    if (q->x->few)
        return;
    put_question(q, step, "guardrail:verdict{", "}");
    put_answer(q, "guardrail:verdict", none, covered && !want.reason ? 0 : 1);
}

/* One reason all along: fires after two slots. */
static void
put_alert(struct asker *q, size_t step, struct shares want)
{
    struct pair more[] = {{GR_STR("alertname"), GR_STR(GR_ALERT_NO_DATA)},
                          {GR_STR("alertstate"), GR_STR("pending")},
                          {GR_STR("group"), q->w->g->group},
                          {GR_STR("level"), GR_STR("no_data")},
                          {GR_STR("reason"), gr_str(want.reason ? want.reason : "")},
                          {GR_STR_NONE, GR_STR_NONE}};
    size_t since = step;

    while (since > q->gate && want.reason && shares_at(q, since - 1).reason == want.reason)
        since--;
    if (step - since >= 2)
        more[1].value = GR_STR("firing");
    put_question(q, step, "ALERTS{alertname=\"" GR_ALERT_NO_DATA "\"", "}");
    if (want.reason)
        put_answer(q, "ALERTS", more, 1);
}

static void
put_answers(struct asker *q)
{
    size_t last = q->gate + q->slots - 1;
    size_t steps[] = {q->gate, q->gate + 2, last > q->gate + 2 && last < q->w->steps ? last : 0};

    for (size_t i = 0; i < GR_COUNT(steps); i++) {
        struct shares want;

        if (steps[i] == 0 || steps[i] >= q->w->steps)
            continue;
        want = shares_at(q, steps[i]);
        put_series(q, steps[i], want);
        put_reason(q, steps[i], want);
        put_verdict(q, steps[i], want);
        put_alert(q, steps[i], want);
    }
}

/* -- cases ----------------------------------------------------------------------------------------------------------------------- */

#define CASES_MAX 512u

static void
add(struct maker *k, struct gr_str name, struct gr_str flow, struct prove_share x)
{
    if (k->w->n_streams == CASES_MAX || !(x.share > 0))
        return;
    x.phase = k->phase;
    k->shares[k->w->n_streams] = x;
    stream(k, name, flow, x.per_scrape * x.share, x.per_scrape * (1 - x.share));
}

/* So many observations a scrape that in a full window eight standard deviations are `wide` times the planned share. */
static double
few_for(const struct maker *k, double s, double wide)
{
    return SIGMAS * SIGMAS * (1 - s) / (s * wide * wide) / observations(k->w, 1, k->slots);
}

static struct gr_str
name_of(struct maker *k, const char *what, const char *where, struct gr_str flow)
{
    return gr_arena_printf(k->arena, "%s%s%s%s" GR_FMT, what, where[0] != '\0' ? "-" : "", where,
                           flow.n > 0 ? "-" : "", GR_ARG(flow));
}

/* One plan: a flow, or all of them. */
static void
plan_cases(struct maker *k, struct gr_str flow, double s)
{
    static const struct {
        const char *name;
        double at; /* of the tolerance */
    } where[] = {{"right", 0},
                 {"above-inside", INSIDE},
                 {"above-outside", OUTSIDE},
                 {"below-inside", -INSIDE},
                 {"below-outside", -OUTSIDE}};
    double tolerance = gr_dec_double(k->m->share_tolerance), wide = tolerance > 0 ? tolerance * FEW : 0.3;

    for (size_t i = 0; i < GR_COUNT(where); i++) {
        double share = s * (1 + tolerance * where[i].at), far = s * (1 + wide * where[i].at);

        if (share > 0.001 * s && share < 1)
            add(k, name_of(k, "share", where[i].name, flow), flow,
                (struct prove_share){0, share, s, MANY, false});
        if (i > 0 && far > 0.001 * s && far < 1)
            add(k, name_of(k, "few", where[i].name, flow), flow,
                (struct prove_share){0, far, s, few_for(k, s, wide), true});
    }
    /* Where one tolerance hands over to the other. */
    for (size_t i = 0; i < 2 && tolerance > 0; i++)
        add(k, name_of(k, i ? "barely-few" : "barely-many", "", flow), flow,
            (struct prove_share){0, s, s, few_for(k, s, tolerance * (i ? 1.004 : 0.996)), true});
    add(k, name_of(k, "idle-control", "", flow), flow, (struct prove_share){0, 1, s, MANY, false});
}

static void
phase_cases(struct maker *k)
{
    const struct phase *p = &k->m->phases[k->phase];
    bool flows = tells_flows(k), any = false;
    struct gr_dec s;

    for (size_t i = 0; i < p->n_traffic; i++) {
        struct gr_str flow = flows ? p->traffic[i].flow : GR_STR_NONE;

        if ((i > 0 && flow.n == 0) || !model_planned_share(k->m, k->g, p, flow, &s))
            continue;
        any = true;
        plan_cases(k, flow, gr_dec_double(s));
    }
    if (any && flows)
        add(k, GR_STR("flow-without-a-plan"), GR_STR("unplanned"),
            (struct prove_share){0, 0.25, 0, MANY, false});
}

/* A world for the phase: up to a full window in the shortest, where verdicts can be healthy. */
static bool
one_world(struct maker *k, bool shortest)
{
    struct prove_world *w = gr_arena_alloc(k->arena, sizeof *w), **grown = k->suite->worlds;
    struct gr_str name = gr_arena_printf(k->arena, "shares of the traffic in phase " GR_FMT,
                                         GR_ARG(k->m->phases[k->phase].name));
    size_t steps = shortest && k->slots <= PROVE_STEPS_MAX / 2 ? k->gate + k->slots : 0;

    if (k->suite->n_worlds == k->suite->cap_worlds)
        grown = gr_arena_grow(k->arena, grown, k->suite->n_worlds, &k->suite->cap_worlds, sizeof(void *));
    if (!w || !grown || !name.p || !(k->shares = gr_arena_array(k->arena, CASES_MAX, sizeof *k->shares))) {
        k->err = GR_ENOMEM;
        return false;
    }
    k->suite->worlds = grown;
    *w = (struct prove_world){.arena = k->arena,
                              .m = k->m,
                              .g = k->g,
                              .name = name.p,
                              .step_ms = k->m->sampling_ms,
                              .steps = steps > k->gate + 3 ? steps : k->gate + 3,
                              .share = k->shares,
                              .left_open = k->suite->left_open};
    w->scrapes = (size_t)((int64_t)(w->steps - 1) * w->step_ms / k->m->scrape_ms) + 1;
    prove_level_init(w);
    k->suite->worlds[k->suite->n_worlds++] = w;
    k->w = w;
    return true;
}

static void
choose(struct maker *k)
{
    for (size_t i = 0; i < k->m->release_labels.n && k->key.n == 0; i++) {
        bool fixed = false;

        for (size_t j = 0; j < k->g->only.n; j++)
            fixed = fixed || gr_str_eq(k->g->only.v[j].key, k->m->release_labels.v[i]);
        k->key = fixed ? GR_STR_NONE : k->m->release_labels.v[i];
    }
    k->gate = gate_of(k->m);
}

static bool
is_shortest(const struct maker *k)
{
    for (size_t p = 0; p < k->m->n_phases; p++)
        if ((k->g->phases >> p & 1u) && !k->m->phases[p].final &&
            model_window_slots(k->m, k->g, &k->m->phases[p]) < k->slots)
            return false;
    return true;
}

enum gr_err
prove_share_build(struct gr_arena *a, struct prove_suite *suite, const struct model *m)
{
    struct maker k = {.arena = a, .m = m, .g = suite->g, .suite = suite};

    choose(&k);
    for (size_t p = 0; p < m->n_phases && k.err == GR_OK && model_checks_share(m, suite->g); p++) {
        if (!(suite->g->phases >> p & 1u) || m->phases[p].n_traffic == 0)
            continue;
        k.phase = p;
        k.slots = (size_t)model_window_slots(m, suite->g, &m->phases[p]);
        if (!one_world(&k, is_shortest(&k)))
            break;
        phase_cases(&k);
        if (k.w->n_streams == 0)
            suite->n_worlds--; /* nothing is planned in this phase */
    }
    return k.err;
}

bool
prove_share_any(const struct prove_suite *suite)
{
    for (size_t i = 0; i < suite->n_worlds; i++)
        if (suite->worlds[i]->share)
            return true;
    return false;
}

void
prove_share_put_world(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to)
{
    struct asker q = {.b = b, .w = w, .gate = gate_of(w->m)};

    gr_buf_puts(b, "- name: ");
    gr_quote_json(b, gr_str(w->name));
    gr_buf_puts(b, "\n  interval: ");
    gr_duration_print(b, w->m->scrape_ms);
    gr_buf_puts(b, "\n");
    prove_put_series(b, w, from, to);
    gr_buf_puts(b, "  promql_expr_test:\n");
    for (size_t i = from; i < to; i++) {
        q.s = &w->streams[i];
        q.x = &w->share[i];
        q.slots = (size_t)model_window_slots(w->m, w->g, &w->m->phases[q.x->phase]);
        put_answers(&q);
    }
}

void
prove_share_put(struct gr_buf *b, const struct prove_suite *suite, const char *rules)
{
    bool any = false;

    for (size_t i = 0; i < suite->n_worlds; i++) {
        const struct prove_world *w = suite->worlds[i];

        if (!w->share)
            continue;
        if (!any) {
            gr_buf_puts(b, "rule_files: [");
            gr_quote_json(b, gr_str(rules));
            gr_buf_puts(b, "]\nevaluation_interval: ");
            gr_duration_print(b, w->step_ms);
            gr_buf_puts(b, "\ntests:\n");
        }
        any = true;
        prove_share_put_world(b, w, 0, w->n_streams);
    }
}
