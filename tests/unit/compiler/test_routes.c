/* test_routes.c - the Alertmanager proof: our idea of routing is amtool's, for every alert of several specs and for odd trees; and each way
 * in which a configuration can be broken is found. */
#include "config.h"
#include "test_compiler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "guardrail/file.h"
#include "guardrail/policy.h"
#include "routes.h"
#include "scratch.h"
#include "specs.h"

/* -- one spec, its routes and alerts ----------------------------------------------------------------------------------------- */

struct subject {
    struct specs s;
    struct routes *r;
    struct alerts alerts;
};

static void
subject_init(struct subject *u)
{
    ck_assert_int_eq(u->s.err, GR_OK);
    ck_assert_int_eq(rules_lower(u->s.model, &u->s.model->rules), GR_OK);
    ck_assert_int_eq(routes_build(u->s.model, &u->r), GR_OK);
    ck_assert_int_eq(routes_alerts(u->s.model, u->s.model->rules, &u->alerts), GR_OK);
}

/* Two compared guardrails with other slices, one without slices, one that has no soft limit. */
static const char guardrails[] =
    "guardrails:\n"
    "  - name: errors\n"
    "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
    "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%, backstop: 5%}\n"
    "  - name: age\n"
    "    slice: [symbol_bucket]\n"
    "    metric: {histogram: age_seconds, quantile: 0.5}\n"
    "    limit: {against: control, soft: +15%, hard: +30%}\n"
    "  - name: cpu\n"
    "    compare_within: []\n"
    "    metric: {gauge: cpu, unit: ratio, reduce: max}\n"
    "    limit: {against: fixed, bad: above, soft: 80%, hard: 90%}\n"
    "  - name: fresh\n"
    "    scope: stream\n"
    "    metric: {gauge: age_minutes, unit: minutes, reduce: max}\n"
    "    limit: {against: fixed, bad: above, hard: 5min}\n"
    "on: {hard: [rollback, page]}\n"
    "actions:\n"
    "  page: {pagerduty: {service: demo, routing_key_file: pd.key}}\n"
    "  rollback: {steps: [{name: undo, run: [bin/undo, \"{deployment_id}\"]}]}\n";

static void
subject_demo(struct subject *u)
{
    size_t head = gr_str_find(gr_str(specs_base), GR_STR("guardrails:\n"), 0);
    struct gr_buf text = GR_BUF_INIT(65536);

    gr_buf_put(&text, gr_str_sub(gr_str(specs_base), 0, head));
    gr_buf_puts(&text, guardrails);
    specs_read(&u->s, GR_STR("demo.yml"), gr_buf_str(&text));
    gr_buf_fini(&text);
    subject_init(u);
}

/* -- amtool ---------------------------------------------------------------------------------------------------------------------- */

static const char *
amtool(void)
{
    const char *path = getenv("AMTOOL");

    return path && *path ? path : NULL;
}

static int
run_quietly(char *const *argv)
{
    pid_t pid = fork();
    int status, null;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(126);
        execv(argv[0], argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define LABELS_MAX 24u
struct concrete { /* an alert with all its values */
    char text[LABELS_MAX][300];
    size_t n;
};

static void
set_label(struct concrete *c, struct gr_str key, struct gr_str value)
{
    ck_assert_uint_lt(c->n, LABELS_MAX);
    snprintf(c->text[c->n++], sizeof c->text[0], GR_FMT "=" GR_FMT, GR_ARG(key), GR_ARG(value));
}

/* What an alert looks like on a slice (NULL: about no slice). */
static void
make_concrete(const struct model *m, const struct alert *a, const struct slice *slice, struct concrete *c)
{
    c->n = 0;
    set_label(c, GR_STR("alertname"), a->name);
    if (a->spec.n > 0)
        set_label(c, GR_STR(GR_LABEL_SPEC), a->spec);
    for (size_t i = 0; a->labels && i < a->labels->count; i++)
        if (!gr_str_is(a->labels->items[i].key, GR_LABEL_SPEC))
            set_label(c, a->labels->items[i].key, a->labels->items[i].value);
    if (!a->g)
        return;
    set_label(c, GR_STR(GR_LABEL_DEPLOYMENT), GR_STR("d1"));
    set_label(c, GR_STR(GR_LABEL_PHASE), m->phases[0].name);
    if (!slice)
        return;
    for (size_t i = 0; i < m->streams[slice->stream].release.n; i++)
        set_label(c, m->streams[slice->stream].release.v[i].key,
                  m->streams[slice->stream].release.v[i].value);
    for (size_t i = 0; i < slice->labels.n; i++)
        set_label(c, slice->labels.v[i].key, slice->labels.v[i].value);
}

static void
amtool_agrees(const char *config, const char *receivers, const struct concrete *c)
{
    char file[4200], verify[300];
    char *argv[LABELS_MAX + 8];
    size_t n = 0;
    char words[4][16] = {"config", "routes", "test", ""};
    char *path = (char *)(uintptr_t)amtool();

    snprintf(file, sizeof file, "--config.file=%s", config);
    snprintf(verify, sizeof verify, "--verify.receivers=%s", receivers);
    argv[n++] = path;
    argv[n++] = words[0];
    argv[n++] = words[1];
    argv[n++] = words[2];
    argv[n++] = file;
    argv[n++] = verify;
    for (size_t i = 0; i < c->n; i++)
        argv[n++] = (char *)(uintptr_t)c->text[i];
    argv[n] = NULL;
    ck_assert_msg(run_quietly(argv) == 0, "amtool does not send %s %s to %s", c->text[0],
                  c->n > 2 ? c->text[2] : "", receivers);
}

/* "a,b": in the order of the routes, once each, as amtool wants them. All must be certain. */
static void
receivers_of(const struct routes *r, const struct alert *a, struct gr_buf *out)
{
    struct hit hits[ROUTES_HITS_MAX];
    size_t n = routes_hits(r, a, hits);

    gr_buf_reset(out);
    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(hits[i].sure, GR_FMT " is not sure", GR_ARG(a->name));
        gr_buf_printf(out, "%s%s", i > 0 ? "," : "", hits[i].receiver->name);
    }
}

static void
write_config(struct scratch *s, const struct model *m, const struct routes *r)
{
    struct gr_buf b = GR_BUF_INIT(16u << 20);

    emit_routes(m, r, &b);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_int_eq(gr_file_write(scratch_path(s, "a.yml"), gr_buf_str(&b), 0644), GR_OK);
    gr_buf_fini(&b);
}

static const char *const files[] = {"examples/tradepulse/guardrails.yml", "examples/minimal/guardrails.yml",
                                    "tests/golden/explain/odd.yml"};

/* Every alert, on the first slice of each release stream; the alerts of the first guardrail on all slices. */
START_TEST(amtool_routes_alike)
{
    struct subject u;
    struct scratch s;
    struct gr_buf receivers = GR_BUF_INIT(4096);
    struct concrete c;
    size_t rows = 0;

    specs_read_file(&u.s, files[_i]);
    subject_init(&u);
    ck_assert_uint_gt(u.alerts.n, 7);
    scratch_make(&s);
    write_config(&s, u.s.model, u.r);
    for (size_t i = 0; amtool() && i < u.alerts.n; i++) {
        const struct alert *a = &u.alerts.v[i];
        size_t slices = a->g ? a->g->n_expected : 1;

        receivers_of(u.r, a, &receivers);
        for (size_t k = 0; k < slices; k++) {
            const struct slice *slice = a->g ? &a->g->expected[k] : NULL;

            if (slice && k > 0 && a->g != &u.s.model->guardrails[0] && slice->stream == slice[-1].stream)
                continue;
            make_concrete(u.s.model, a, slice, &c);
            amtool_agrees(scratch_path(&s, "a.yml"), gr_buf_cstr(&receivers), &c);
            rows++;
        }
    }
    ck_assert(!amtool() || rows >= u.alerts.n);
    scratch_remove(&s);
    gr_buf_fini(&receivers);
    specs_fini(&u.s);
}
END_TEST

/* What the compiler emits is what it has proved: no finding; and each rule's alert carries the spec. */
START_TEST(emitted_is_proved)
{
    struct subject u;

    specs_read_file(&u.s, files[_i]);
    subject_init(&u);
    ck_assert_int_eq(routes_prove(u.s.model, u.r, &u.alerts, u.s.diags), GR_OK);
    ck_assert_uint_eq(gr_diags_count(u.s.diags, GR_SEV_ERROR), 0);
    for (size_t i = 0; i < u.alerts.n; i++)
        ck_assert_msg(gr_str_eq(u.alerts.v[i].spec, u.s.model->spec), GR_FMT " has no spec",
                      GR_ARG(u.alerts.v[i].name));
    specs_fini(&u.s);
}
END_TEST

/* -- odd trees: continue, negation, nesting --------------------------------------------------------------------------------------- */

static const struct gr_str hard[] = {GR_STR_INIT(GR_ALERT_HARD)}, soft[] = {GR_STR_INIT(GR_ALERT_SOFT)},
                           demo[] = {GR_STR_INIT("demo")},
                           demo_or_other[] = {GR_STR_INIT("demo"), GR_STR_INIT("other")},
                           level_hard[] = {GR_STR_INIT("hard")}, absent[] = {GR_STR_INIT("")},
                           hard_or_host[] = {GR_STR_INIT(GR_ALERT_HARD), GR_STR_INIT("HostDown")},
                           hard_or_soft[] = {GR_STR_INIT(GR_ALERT_HARD), GR_STR_INIT(GR_ALERT_SOFT)},
                           misspelt[] = {GR_STR_INIT("GuardrailHardBreech")},
                           quoted[] = {GR_STR_INIT("a.b|c\"d\\")},
                           watchdog[] = {GR_STR_INIT(GR_ALERT_WATCHDOG)}, errors[] = {GR_STR_INIT("errors")};
#define ONE(l, list)                                                                                         \
    {                                                                                                        \
        .label = l, .values = list, .n = GR_COUNT(list)                                                      \
    }
#define NOT(l, list)                                                                                         \
    {                                                                                                        \
        .label = l, .values = list, .n = GR_COUNT(list), .negated = true                                     \
    }
static struct matcher m_hard[] = {ONE("alertname", hard)}, m_soft[] = {ONE("alertname", soft)},
                      m_not_hard[] = {NOT("alertname", hard)}, m_level[] = {ONE("level", level_hard)},
                      m_no_level[] = {ONE("level", absent)}, m_either[] = {ONE("alertname", hard_or_soft)},
                      m_neither[] = {NOT("alertname", hard_or_soft), ONE("spec", demo)},
                      m_quoted[] = {ONE("side", quoted)}, m_errors[] = {ONE("guardrail", errors)};
#define MATCH(list)                                                                                          \
    {                                                                                                        \
        (list), GR_COUNT(list)                                                                               \
    }

/* Each builds the routes below the spec's route; rcv: daemon, watchdog, native. */
#define TREE_MAX 4u
struct tree_case {
    const char *name;
    struct route routes[TREE_MAX];
    size_t n;
};
enum { TO_DAEMON, TO_WATCHDOG, TO_NATIVE };
static struct route inner_soft[] = {{.matchers = MATCH(m_soft)}, {.matchers = MATCH(m_hard)}};
static struct route inner_errors[] = {{.matchers = MATCH(m_errors)}};
static const struct tree_case trees[] = {
    {"two siblings, the first goes on",
     {{.matchers = MATCH(m_hard), .goes_on = true}, {.matchers = MATCH(m_level)}},
     2},
    {"two siblings, it does not", {{.matchers = MATCH(m_hard)}, {.matchers = MATCH(m_level)}}, 2},
    {"the last goes on", {{.matchers = MATCH(m_hard), .goes_on = true}}, 1},
    {"all but one", {{.matchers = MATCH(m_not_hard)}, {.matchers = MATCH(m_hard)}}, 2},
    {"a label that is not there is empty",
     {{.matchers = MATCH(m_no_level)}, {.matchers = MATCH(m_either)}},
     2},
    {"none of two", {{.matchers = MATCH(m_neither), .goes_on = true}, {.matchers = MATCH(m_either)}}, 2},
    {"children inherit", {{.matchers = MATCH(m_either), .routes = inner_soft, .n_routes = 2}}, 1},
    {"a child that does not match leaves it to its parent",
     {{.matchers = MATCH(m_either), .routes = inner_errors, .n_routes = 1, .goes_on = true},
      {.matchers = MATCH(m_level)}},
     2},
    {"quoting", {{.matchers = MATCH(m_quoted)}, {.matchers = MATCH(m_level)}}, 2},
};

START_TEST(amtool_walks_alike)
{
    static const int to[TREE_MAX] = {TO_DAEMON, TO_WATCHDOG, TO_NATIVE, TO_DAEMON};
    const struct tree_case *t = &trees[_i];
    struct route routes[TREE_MAX];
    struct subject u;
    struct scratch s;
    struct gr_buf receivers = GR_BUF_INIT(4096);
    struct concrete c;

    subject_demo(&u);
    for (size_t i = 0; i < t->n; i++) {
        routes[i] = t->routes[i];
        routes[i].receiver = &u.r->receivers[to[i]];
    }
    u.r->root.routes[0].routes = routes;
    u.r->root.routes[0].n_routes = t->n;
    scratch_make(&s);
    write_config(&s, u.s.model, u.r);
    for (size_t i = 0; amtool() && i < u.alerts.n; i++) {
        const struct alert *a = &u.alerts.v[i];

        if (a->g && a->g != u.s.model->guardrails && a->g != u.s.model->guardrails + 2)
            continue;
        if (!a->g && a->any) /* what it carries is not known */
            continue;
        receivers_of(u.r, a, &receivers);
        make_concrete(u.s.model, a, NULL, &c);
        amtool_agrees(scratch_path(&s, "a.yml"), gr_buf_cstr(&receivers), &c);
    }
    scratch_remove(&s);
    gr_buf_fini(&receivers);
    specs_fini(&u.s);
}
END_TEST

/* Where the answer hangs on a value that is not known, both ends are told and neither is sure. */
START_TEST(unknown_values_are_not_sure)
{
    static const struct gr_str venue[] = {GR_STR_INIT("XNAS")};
    static struct matcher m_venue[] = {ONE("venue", venue)};
    struct route route = {.matchers = MATCH(m_venue)};
    struct hit hits[ROUTES_HITS_MAX];
    struct subject u;

    subject_demo(&u);
    route.receiver = &u.r->receivers[TO_DAEMON];
    u.r->root.routes[0].routes = &route;
    u.r->root.routes[0].n_routes = 1;
    ck_assert_uint_eq(routes_hits(u.r, &u.alerts.v[0], hits), 2);
    ck_assert(!hits[0].sure && !hits[1].sure);
    ck_assert_int_eq(hits[0].receiver->kind, RECEIVER_DAEMON);
    ck_assert_int_eq(hits[1].receiver->kind, RECEIVER_NATIVE);
    route.goes_on = true; /* what it may take, the next one gets as well; the parent may not */
    ck_assert_uint_eq(routes_hits(u.r, &u.alerts.v[0], hits), 2);
    specs_fini(&u.s);
}
END_TEST

/* -- planted mistakes ---------------------------------------------------------------------------------------------------------------- */

static struct route *
leaf(struct routes *r, const char *alert)
{
    struct route *of_spec = &r->root.routes[0];

    for (size_t i = 0; i < of_spec->n_routes; i++)
        if (gr_str_is(of_spec->routes[i].matchers.v[0].values[0], alert))
            return &of_spec->routes[i];
    ck_abort_msg("no route for %s", alert);
}

static void
no_change(struct subject *u)
{
    (void)u;
}
static void
no_hard_route(struct subject *u)
{
    struct route *of_spec = &u->r->root.routes[0];
    struct route *gone = leaf(u->r, GR_ALERT_HARD);

    memmove(gone, gone + 1, (size_t)(of_spec->routes + --of_spec->n_routes - gone) * sizeof *gone);
}
static void
by_level(struct subject *u)
{
    leaf(u->r, GR_ALERT_HARD)->matchers = (struct matchers)MATCH(m_level);
}
static void
wrong_receiver(struct subject *u)
{
    leaf(u->r, GR_ALERT_HARD)->receiver = &u->r->receivers[TO_WATCHDOG];
}
static void
misspelt_name(struct subject *u)
{
    leaf(u->r, GR_ALERT_HARD)->matchers.v[0].values = misspelt;
}
static void
wide_first(struct subject *u)
{
    struct route *first = &u->r->root.routes[0].routes[0];

    first->matchers = u->r->root.routes[0].matchers; /* spec="demo" */
}
static void
twice(struct subject *u)
{
    struct route *of_spec = &u->r->root.routes[0];
    struct route *v = gr_arena_array(u->s.arena, of_spec->n_routes + 1, sizeof *v);

    ck_assert_ptr_nonnull(v);
    memcpy(v, of_spec->routes, of_spec->n_routes * sizeof *v);
    v[of_spec->n_routes++] = v[1];
    of_spec->routes = v;
}
static void
no_spec(struct subject *u)
{
    u->r->root.routes[0].matchers.n = 0;
}
static void
two_specs(struct subject *u)
{
    u->r->root.routes[0].matchers.v[0].values = demo_or_other;
    u->r->root.routes[0].matchers.v[0].n = 2;
}
static void
foreign_name(struct subject *u)
{
    leaf(u->r, GR_ALERT_HARD)->matchers.v[0].values = hard_or_host;
    leaf(u->r, GR_ALERT_HARD)->matchers.v[0].n = 2;
}
static void
all_but_soft(struct subject *u)
{
    leaf(u->r, GR_ALERT_HARD)->matchers.v[0] = (struct matcher)NOT("alertname", soft);
}
/* Takes a label out of the first inhibition's `equal`. */
static void
drop_equal(struct subject *u, const char *label)
{
    struct strs *equal = &u->r->inhibitions[0].equal;
    size_t n = 0;

    for (size_t i = 0; i < equal->n; i++)
        if (!gr_str_is(equal->v[i], label))
            equal->v[n++] = equal->v[i];
    ck_assert_uint_eq(n + 1, equal->n);
    equal->n = n;
}
static void
no_venue(struct subject *u)
{
    drop_equal(u, "venue");
}
static void
no_stream(struct subject *u)
{
    drop_equal(u, "cluster");
}
static void
no_deployment(struct subject *u)
{
    drop_equal(u, GR_LABEL_DEPLOYMENT);
}
static void
no_bucket(struct subject *u)
{
    u->r->inhibitions[0] = u->r->inhibitions[1];
    drop_equal(u, "symbol_bucket");
}
/* No guardrail in `equal`, and more than one among the alerts. */
static void
no_guardrail(struct subject *u)
{
    drop_equal(u, GR_LABEL_GUARDRAIL);
    u->r->inhibitions[0].source.n = u->r->inhibitions[0].target.n = 2;
}
/* Only the labels that nobody carries: two that both lack them are equal. */
static void
equal_nothing(struct subject *u)
{
    static struct gr_str nowhere[] = {GR_STR_INIT("rack")};

    u->r->inhibitions[0].equal = (struct strs){nowhere, 1};
}
static void
equal_level(struct subject *u)
{
    u->r->inhibitions[0].equal.v[0] = GR_STR(GR_LABEL_LEVEL);
}
static void
equal_reason(struct subject *u)
{
    u->r->inhibitions[0].target.v[0].values = watchdog;
    u->r->inhibitions[0].target.n = 2;
}
static void
swapped(struct subject *u)
{
    struct matchers source = u->r->inhibitions[0].source;

    u->r->inhibitions[0].source = u->r->inhibitions[0].target;
    u->r->inhibitions[0].target = source;
}
static void
hard_by_hard(struct subject *u)
{
    u->r->inhibitions[0].target.v[0].values = hard;
}
static void
hard_too(struct subject *u)
{
    u->r->inhibitions[0].target.v[0] = (struct matcher)ONE("alertname", hard_or_soft);
}
static void
any_target(struct subject *u)
{
    u->r->inhibitions[0].target.v += 1; /* every level of these guardrails */
    u->r->inhibitions[0].target.n -= 1;
}
/* Neither matchers nor `equal` ask for the spec. */
static void
of_others(struct subject *u)
{
    drop_equal(u, GR_LABEL_SPEC);
    for (size_t i = 0; i < 2; i++) {
        struct matchers *side = i == 0 ? &u->r->inhibitions[0].source : &u->r->inhibitions[0].target;
        side->v[1] = side->v[2];
        side->n = 2;
    }
}
static void
of_anybody(struct subject *u)
{
    static const struct gr_str warning[] = {GR_STR_INIT("warning")};
    static struct matcher severity[] = {ONE("severity", warning)};

    u->r->inhibitions[0].target = (struct matchers)MATCH(severity);
    u->r->inhibitions[0].equal.n = 0;
}
static void
dead_guardrail(struct subject *u)
{
    static const struct gr_str fresh[] = {GR_STR_INIT("fresh")}; /* it has no soft limit */

    u->r->inhibitions[0].source.v[2] = u->r->inhibitions[0].target.v[2] =
        (struct matcher)ONE("guardrail", fresh);
}

static const struct planted {
    const char *name;
    void (*plant)(struct subject *u);
    const char *want; /* codes, each once, sorted; "": none */
    const char *says; /* in some message */
} planted[] = {
    {"as emitted", no_change, "", NULL},
    {"no route for hard breaches", no_hard_route, "GR0701", "does not reach guardraild"},
    {"by level", by_level, "GR0703", "may take GuardrailVerdictMissing"},
    {"the wrong receiver", wrong_receiver, "GR0703", "to guardraild_watchdog"},
    {"a name misspelt", misspelt_name, "GR0701 GR0702 GR0703", "no alert matches it"},
    {"the first takes all", wide_first, "GR0702 GR0703", "an earlier route takes them all"},
    {"a route twice", twice, "GR0702", "an earlier route takes them all"},
    {"no spec", no_spec, "GR0703", "no label spec"},
    {"another's spec, too", two_specs, "GR0703", "spec=\"other\""},
    {"another's alert, too", foreign_name, "GR0703", "\"HostDown\" that no rule raises"},
    {"all but one", all_but_soft, "GR0702 GR0703", "takes GuardrailDaemonDown"},
    {"equal without the venue", no_venue, "GR0705", "a hard one of another venue"},
    {"equal without the stream", no_stream, "GR0705", "another cluster"},
    {"equal without the deployment", no_deployment, "GR0705", "another deployment_id"},
    {"equal without the dynamic slice", no_bucket, "GR0705", "another symbol_bucket"},
    {"equal without the guardrail", no_guardrail, "GR0705", "can mute"},
    {"what both lack is equal", equal_nothing, "GR0705", "by a hard one of another cluster"},
    {"what can never agree", equal_level, "GR0704", "never applies"},
    {"what only one carries", equal_reason, "GR0704", "never applies"},
    {"hard muted by soft", swapped, "GR0705", "can mute GuardrailHardBreach"},
    {"hard muted by hard", hard_by_hard, "GR0704", "never applies"}, /* both match both sides */
    {"hard muted by hard, and soft", hard_too, "",
     NULL}, /* an alert that matches both sides is not muted by its like */
    {"any level muted", any_target, "GR0705", "can mute"},
    {"other specs' alerts", of_others, "GR0705", "can mute"},
    {"anybody's alerts", of_anybody, "GR0705", "can mute GuardrailVerdictMissing"},
    {"no such pair", dead_guardrail, "GR0704", "never applies"},
};

/* "GR0701 GR0703": the codes among the findings. */
static void
codes_of(const struct gr_diags *d, struct gr_buf *out, struct gr_buf *messages)
{
    struct gr_diag_view v;

    for (unsigned code = 0; code < GR_CODE_COUNT; code++)
        for (size_t i = 0; gr_diags_get(d, i, &v); i++) {
            if (v.code != (enum gr_code)code)
                continue;
            gr_buf_printf(out, "%s%s", out->n > 0 ? " " : "", gr_code_info(v.code)->code);
            break;
        }
    for (size_t i = 0; gr_diags_get(d, i, &v); i++)
        gr_buf_printf(messages, GR_FMT "\n", GR_ARG(v.message));
}

START_TEST(mistake_is_found)
{
    const struct planted *p = &planted[_i];
    struct gr_buf codes = GR_BUF_INIT(65536), messages = GR_BUF_INIT(1u << 20);
    struct subject u;

    subject_demo(&u);
    p->plant(&u);
    ck_assert_int_eq(routes_prove(u.s.model, u.r, &u.alerts, u.s.diags), GR_OK);
    codes_of(u.s.diags, &codes, &messages);
    ck_assert_msg(gr_str_is(gr_buf_str(&codes), p->want), "%s: %s, not %s\n%s", p->name, gr_buf_cstr(&codes),
                  p->want, gr_buf_cstr(&messages));
    ck_assert_msg(!p->says || strstr(gr_buf_cstr(&messages), p->says), "%s does not say %s\n%s", p->name,
                  p->says, gr_buf_cstr(&messages));
    gr_buf_fini(&codes);
    gr_buf_fini(&messages);
    specs_fini(&u.s);
}
END_TEST

/* A level that no guardrail has gets no route: nothing could reach it. */
START_TEST(no_level_no_route)
{
    struct subject u;

    specs_read_changed(&u.s, "soft: +25%, hard: +40%", "hard: +40%");
    subject_init(&u);
    ck_assert_uint_eq(u.r->root.routes[0].n_routes, 3);
    ck_assert_uint_eq(u.r->n_inhibitions, 0);
    ck_assert_int_eq(routes_check(u.s.model, u.s.diags), GR_OK);
    ck_assert_uint_eq(gr_diags_count(u.s.diags, GR_SEV_ERROR), 0);
    ck_assert_uint_eq(gr_diags_count(u.s.diags, GR_SEV_WARNING), 1); /* GR0706: nobody is told */
    specs_fini(&u.s);
}
END_TEST

/* Soft is muted by hard of its guardrail; nothing else is muted at all. */
START_TEST(muted_by)
{
    const struct inhibition *by;
    const struct alert *source;
    struct subject u;

    subject_demo(&u);
    for (size_t i = 0; i < u.alerts.n; i++) {
        const struct alert *a = &u.alerts.v[i];
        bool muted = routes_muted_by(u.r, &u.alerts, a, &by, &source);

        ck_assert_msg(muted == (a->g && a->level == LEVEL_SOFT), "%zu: " GR_FMT, i, GR_ARG(a->name));
        ck_assert(!muted || (source->g == a->g && source->level == LEVEL_HARD));
    }
    specs_fini(&u.s);
}
END_TEST

Suite *
routes_suite(void)
{
    Suite *s = suite_create("routes");
    TCase *tc = tcase_create("amtool");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, amtool_routes_alike, 0, (int)GR_COUNT(files));
    tcase_add_loop_test(tc, amtool_walks_alike, 0, (int)GR_COUNT(trees));
    suite_add_tcase(s, tc);
    tc = tcase_create("proof");
    tcase_add_loop_test(tc, emitted_is_proved, 0, (int)GR_COUNT(files));
    tcase_add_loop_test(tc, mistake_is_found, 0, (int)GR_COUNT(planted));
    tcase_add_test(tc, unknown_values_are_not_sure);
    tcase_add_test(tc, no_level_no_route);
    tcase_add_test(tc, muted_by);
    suite_add_tcase(s, tc);
    return s;
}
