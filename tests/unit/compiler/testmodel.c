#include "config.h"
#include "testmodel.h"

#include <check.h>
#include <stdlib.h>

#define S(text) GR_STR_INIT(text)
#define MIN INT64_C(60000)

/* The macros give unnamed arrays; at file scope they live as long as the program. */
static struct gr_str label_venue[] = {S("venue")}, labels_both[] = {S("flow"), S("venue")},
                     label_bucket[] = {S("bucket")};
static struct gr_str label_cluster[] = {S("cluster")}, flow_values[] = {S("fast"), S("slow")};
static struct gr_str on_hard[] = {S("rollback"), S("page")}, on_soft[] = {S("extend"), S("notify")},
                     on_no_data[] = {S("hold"), S("notify")};
static struct pair east[] = {{S("cluster"), S("east")}}, west[] = {{S("cluster"), S("west")}};
static struct gr_str venues_east[] = {S("XNAS"), S("XNYS")}, venues_west[] = {S("BINANCE")};
static struct strs values_east[] = {{venues_east, 2}}, values_west[] = {{venues_west, 1}};

static struct bound errors_bounds[] = {
    {.level = LEVEL_HARD, .side = SIDE_UPPER, .literal = {14, -1}, .text = S("+40%")},
    {.level = LEVEL_HARD, .side = SIDE_BACKSTOP, .literal = {5, -2}, .text = S("5%")},
    {.level = LEVEL_SOFT, .side = SIDE_UPPER, .literal = {125, -2}, .text = S("+25%")},
};
static struct bound errors_tight[] = {
    {.level = LEVEL_HARD, .side = SIDE_UPPER, .literal = {12, -1}, .text = S("+20%")}};
static struct pair where_xnas[] = {{S("venue"), S("XNAS")}};
static struct override errors_overrides[] = {
    {.where = {where_xnas, 1}, .bounds = errors_tight, .n_bounds = 1}};
static struct bound age_bounds[] = {
    {.level = LEVEL_HARD, .side = SIDE_UPPER, .literal = {13, -1}, .text = S("+30%")},
    {.level = LEVEL_SOFT, .side = SIDE_UPPER, .literal = {115, -2}, .text = S("+15%")},
};
static struct bound cpu_bounds[] = {
    {.level = LEVEL_HARD, .side = SIDE_UPPER, .literal = {9, -1}, .text = S("90%")},
    {.level = LEVEL_SOFT, .side = SIDE_UPPER, .literal = {8, -1}, .text = S("80%")},
};
static struct bound pnl_bounds[] = {
    {.level = LEVEL_HARD, .side = SIDE_UPPER, .literal = {8, 0}, .text = S("±8bps")},
    {.level = LEVEL_HARD, .side = SIDE_LOWER, .literal = {-8, 0}, .text = S("±8bps")},
    {.level = LEVEL_SOFT, .side = SIDE_UPPER, .literal = {5, 0}, .text = S("±5bps")},
    {.level = LEVEL_SOFT, .side = SIDE_LOWER, .literal = {-5, 0}, .text = S("±5bps")},
};
static struct bound refdata_bounds[] = {
    {.level = LEVEL_HARD, .side = SIDE_UPPER, .inclusive = true, .literal = {5, 0}, .text = S("5min")},
};

static struct share shares_p1[] = {{S("fast"), {1, -2}, S("1%")}, {S("slow"), {5, -3}, S("0.5%")}};
static struct share shares_p2[] = {{S("fast"), {5, -2}, S("5%")}, {S("slow"), {2, -2}, S("2%")}};
static struct share shares_full[] = {{S("fast"), {1, 0}, S("100%")}, {S("slow"), {1, 0}, S("100%")}};
static struct gr_str replay_args[] = {S("deploy/bin/replay"), S("{deployment_id}")};
static struct strs replay_argv[] = {{replay_args, 2}};
static struct program replay[] = {{S("replay"), replay_argv, 1, 10 * MIN, false}};

static struct gr_str freeze_args[] = {S("deploy/bin/freeze"), S("{deployment_id}")},
                     probe_args[] = {S("deploy/bin/frozen")};
static struct strs freeze_argv[] = {{freeze_args, 2}};
static struct gr_str build_args[] = {S("kustomize"), S("build")},
                     apply_args[] = {S("kubectl"), S("apply"), S("-f"), S("-")};
static struct strs redeploy_argv[] = {{build_args, 2}, {apply_args, 4}};
static struct step steps[] = {
    {.program = {S("freeze"), freeze_argv, 1, 15000, false}, .probe = {probe_args, 1}},
    {.program = {S("redeploy"), redeploy_argv, 2, 5 * MIN, false},
     .is_pipeline = true,
     .idempotent = true,
     .retries = 3,
     .on_failure = ON_FAILURE_CONTINUE},
    {.program = {.name = S("verify")},
     .query_text = S("sum(rate(orders_total{track=\"canary\",cluster=\"{cluster}\"}[2m]))"),
     .threshold = {1, -2},
     .below = true,
     .no_data_ok = true,
     .within_ms = 2 * MIN,
     .on_failure = ON_FAILURE_PAGE},
};
static struct pair page_settings[] = {{S("routing_key_file"), S("pagerduty.key")}, {S("service"), S("prod")}};
static struct pair boss_settings[] = {{S("routing_key_file"), S("boss.key")}, {S("service"), S("boss")}};
static struct pair notify_settings[] = {{S("channel"), S("#ops")}, {S("webhook_url_file"), S("slack.url")}};

static void
make_phases(struct testmodel *t)
{
    t->phases[0] = (struct phase){.name = S("dark"),
                                  .shadow = true,
                                  .min_ms = 15 * MIN,
                                  .max_ms = 60 * MIN,
                                  .checks = replay,
                                  .n_checks = 1};
    t->phases[1] = (struct phase){
        .name = S("p1"), .min_ms = 20 * MIN, .max_ms = 80 * MIN, .traffic = shares_p1, .n_traffic = 2};
    t->phases[2] = (struct phase){
        .name = S("p2"), .min_ms = 30 * MIN, .max_ms = 120 * MIN, .traffic = shares_p2, .n_traffic = 2};
    t->phases[3] = (struct phase){.name = S("full"),
                                  .final = true,
                                  .traffic = shares_full,
                                  .n_traffic = 2,
                                  .requires = replay,
                                  .n_requires = 1};
    t->m.phases = t->phases;
    t->m.n_phases = GR_COUNT(t->phases);
}

static void
make_actions(struct testmodel *t)
{
    t->actions[0] = (struct action){
        .name = S("rollback"), .kind = ACTION_ROLLBACK, .steps = steps, .n_steps = GR_COUNT(steps)};
    t->actions[1] = (struct action){.name = S("page"),
                                    .kind = ACTION_PAGERDUTY,
                                    .settings = {page_settings, 2},
                                    .escalate_after_ms = 5 * MIN,
                                    .escalate_to = S("boss")};
    t->actions[2] =
        (struct action){.name = S("boss"), .kind = ACTION_PAGERDUTY, .settings = {boss_settings, 2}};
    t->actions[3] =
        (struct action){.name = S("notify"), .kind = ACTION_SLACK, .settings = {notify_settings, 2}};
    t->m.actions = t->actions;
    t->m.n_actions = GR_COUNT(t->actions);
}

static struct guardrail
guardrail(const char *name, const char *group, enum against against, struct bound *bounds, size_t n)
{
    return (struct guardrail){.name = gr_str(name),
                              .group = gr_str(group),
                              .source = gr_str(name),
                              .runbook = S("https://runbooks.example/x"),
                              .limit = {.against = against, .bounds = bounds, .n_bounds = n},
                              .mandatory = true,
                              .phases = 6,
                              .on = {{on_hard, 2}, {on_soft, 2}, {on_no_data, 2}}};
}

static void
set_unit(struct guardrail *g, const char *unit, const char *show)
{
    g->metric.unit = gr_unit_by_name(gr_str(unit));
    g->metric.show = gr_unit_by_name(gr_str(show));
    ck_assert(g->metric.unit && g->metric.show);
}

static void
make_guardrails(struct testmodel *t)
{
    struct guardrail *g = t->guardrails;

    g[0] = guardrail("errors", "core", AGAINST_CONTROL_RELATIVE, errors_bounds, GR_COUNT(errors_bounds));
    g[0].limit.floor = GR_DEC(5, -4);
    g[0].limit.overrides = errors_overrides;
    g[0].limit.n_overrides = 1;
    g[0].compare_within = (struct strs){labels_both, 2};
    g[0].metric.kind = METRIC_RATIO_BAD;
    set_unit(&g[0], "ratio", "ratio");
    g[1] = guardrail("age", "core", AGAINST_CONTROL_RELATIVE, age_bounds, GR_COUNT(age_bounds));
    g[1].compare_within = (struct strs){label_venue, 1};
    g[1].dynamic = (struct strs){label_bucket, 1};
    g[1].metric.kind = METRIC_HISTOGRAM;
    set_unit(&g[1], "s", "ms");
    g[2] = guardrail("cpu", "core", AGAINST_FIXED, cpu_bounds, GR_COUNT(cpu_bounds));
    g[2].metric.kind = METRIC_GAUGE;
    set_unit(&g[2], "ratio", "percent");
    g[3] = guardrail("pnl", "money", AGAINST_FIXED, pnl_bounds, GR_COUNT(pnl_bounds));
    g[3].compare_within = (struct strs){labels_both, 2};
    g[3].metric.kind = METRIC_GAUGE;
    g[3].phases = 4;
    set_unit(&g[3], "bps", "bps");
    g[4] = guardrail("refdata", "", AGAINST_FIXED, refdata_bounds, GR_COUNT(refdata_bounds));
    g[4].metric.kind = METRIC_GAUGE;
    g[4].stream_scope = true;
    g[4].phases = 7;
    set_unit(&g[4], "minutes", "minutes");
    t->m.guardrails = g;
    t->m.n_guardrails = GR_COUNT(t->guardrails);
}

static void
expect(struct testmodel *t, struct guardrail *g, uint32_t stream, const char *venue, const char *flow)
{
    struct slice *s = &g->expected[g->n_expected++];

    s->stream = stream;
    s->labels.v = gr_arena_array(t->arena, 2, sizeof *s->labels.v);
    ck_assert_ptr_nonnull(s->labels.v);
    if (flow)
        s->labels.v[s->labels.n++] = (struct pair){S("flow"), gr_str(flow)};
    if (venue)
        s->labels.v[s->labels.n++] = (struct pair){S("venue"), gr_str(venue)};
}

static void
make_expected(struct testmodel *t)
{
    for (size_t i = 0; i < t->m.n_guardrails; i++) {
        struct guardrail *g = &t->guardrails[i];

        g->expected = gr_arena_array(t->arena, 16, sizeof *g->expected);
        ck_assert_ptr_nonnull(g->expected);
        for (uint32_t s = 0; s < t->m.n_streams; s++) {
            const struct strs *venues = t->streams[s].slice_values;

            if (g->compare_within.n == 0)
                expect(t, g, s, NULL, NULL);
            for (size_t v = 0; g->compare_within.n > 0 && v < venues->n; v++)
                for (size_t f = 0; f < (g->compare_within.n == 2 ? 2u : 1u); f++)
                    expect(t, g, s, venues->v[v].p, g->compare_within.n == 2 ? flow_values[f].p : NULL);
        }
    }
}

struct testmodel *
testmodel_make(void)
{
    static struct dynamic_slice buckets[] = {{S("bucket"), 16}};
    struct testmodel *t = calloc(1, sizeof *t);

    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_nonnull(t->arena = gr_arena_create(16u << 20));
    t->m = (struct model){.arena = t->arena,
                          .spec = S("demo"),
                          .owner = S("owner@example.org"),
                          .spec_hash = S("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                          .release_labels = {label_cluster, 1},
                          .cohort_label = S("track"),
                          .canary = S("canary"),
                          .control = S("control"),
                          .compare_within = {labels_both, 2},
                          .dynamic = buckets,
                          .n_dynamic = 1,
                          .sampling_ms = 2 * MIN,
                          .scrape_ms = 30000,
                          .flow_label = S("flow"),
                          .flows = {flow_values, 2},
                          .webhook_url = S("http://127.0.0.1:9797/"),
                          .dashboards_folder = S("Demo/Canary"),
                          .grafana_url = S("https://grafana.example"),
                          .time_scale = 1,
                          .retention = {.decisions_ms = INT64_C(31104000000)}};
    t->streams[0] = (struct stream){
        .release = {east, 1}, .slice_labels = label_venue, .slice_values = values_east, .n_slice_labels = 1};
    t->streams[1] = (struct stream){
        .release = {west, 1}, .slice_labels = label_venue, .slice_values = values_west, .n_slice_labels = 1};
    t->m.streams = t->streams;
    t->m.n_streams = GR_COUNT(t->streams);
    make_phases(t);
    make_guardrails(t);
    make_actions(t);
    make_expected(t);
    return t;
}

void
testmodel_free(struct testmodel *t)
{
    gr_arena_free(t->arena);
    free(t);
}

struct gr_str
testmodel_emit(const struct model *m, enum gr_err (*emit)(const struct model *m, struct tree *t),
               const char *path, struct tree **t)
{
    struct gr_str s;

    ck_assert_ptr_nonnull(*t = tree_create());
    ck_assert_int_eq(emit(m, *t), GR_OK);
    s = tree_get(*t, gr_str(path));
    ck_assert_msg(s.p != NULL, "%s is not there", path);
    return s;
}
