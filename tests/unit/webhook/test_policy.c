/* Also covers policy_json.c, policy_read.c and policy_actions.c, which only policy.c calls. */
#include "config.h"
#include "fixture.h"
#include "test_webhook.h"

#include <math.h>
#include <stdlib.h>

#include "guardrail/sys.h"

/* Each row changes one place of the fixture and must give a finding of this code; NULL: it must still be read. */
static const struct row {
    const char *name, *find, *replace, *code;
} rows[] = {
    {"as it is", "\"demo\"", "\"demo\"", NULL},
    {"another format", "\"format\": 1", "\"format\": 2", "GR0209"},
    {"format as a string", "\"format\": 1", "\"format\": \"1\"", "GR0209"},
    {"no format", "\"format\": 1,", "", "GR0102"},
    {"not JSON", "\"format\": 1,", "\"format\" 1,", "GR0007"},
    {"a key twice", "\"format\": 1,", "\"format\": 1, \"format\": 1,", "GR0006"},
    {"a spec's name", "\"spec\": \"demo\"", "\"spec\": \"de mo\"", "GR0104"},
    {"no spec", "\"spec\": \"demo\",", "", "GR0102"},
    {"spec is null", "\"spec\": \"demo\"", "\"spec\": null", "GR0102"},
    {"spec is a number", "\"spec\": \"demo\"", "\"spec\": 7", "GR0103"},
    {"a short hash", "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"", "\"0011\"",
     "GR0601"},
    {"hash in capitals", "\"00112233445566778899aabb", "\"00112233445566778899AABB", "GR0601"},
    {"no time", "\"time_scale\": 1,", "\"time_scale\": 0,", "GR0209"},
    {"no whole scale", "\"time_scale\": 1,", "\"time_scale\": 1.5,", "GR0209"},
    {"a scale", "\"time_scale\": 1,", "\"time_scale\": 60,", NULL},
    {"a reserved release label", "[\"cluster\"]", "[\"phase\"]", "GR0104"},
    {"no label's name", "[\"cluster\"]", "[\"clus-ter\"]", "GR0104"},
    {"a release label twice", "[\"cluster\"]", "[\"cluster\", \"cluster\"]", "GR0106"},
    {"a stream without its label", "{\"cluster\": \"crypto\"}]", "{\"cl\": \"crypto\"}]", "GR0601"},
    {"a stream with one more", "{\"cluster\": \"crypto\"}]", "{\"cluster\": \"crypto\", \"x\": \"y\"}]",
     "GR0601"},
    {"a stream twice", "[{\"cluster\": \"equities\"}, {\"cluster\": \"crypto\"}]",
     "[{\"cluster\": \"equities\"}, {\"cluster\": \"equities\"}]", "GR0106"},
    {"no streams", "[{\"cluster\": \"equities\"}, {\"cluster\": \"crypto\"}]", "[]", "GR0108"},
    {"a flow twice", "[\"making\", \"agency\"]", "[\"making\", \"making\"]", "GR0106"},
    {"a split", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"split\", \"run\": [\"x\", \"{traffic_share}\"], \"timeout_ms\": 1000}], "
     "\"traffic\": {\"making\": 0.01,",
     NULL},
    {"a split that is no map", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [7], \"traffic\": {\"making\": 0.01,", "GR0103"},
    {"a split without a name", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"run\": [\"x\"], \"timeout_ms\": 1}], \"traffic\": {\"making\": 0.01,", "GR0102"},
    {"a split that does nothing", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"timeout_ms\": 1}], \"traffic\": {\"making\": 0.01,", "GR0107"},
    {"a split that does two things", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"run\": [\"x\"], \"post\": \"notify\", \"timeout_ms\": 1}], "
     "\"traffic\": {\"making\": 0.01,",
     "GR0107"},
    {"a split by a message", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"post\": \"notify\", \"timeout_ms\": 1}], \"traffic\": {\"making\": "
     "0.01,",
     "GR0304"},
    {"a split by nobody", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"post\": \"router\", \"timeout_ms\": 1}], \"traffic\": {\"making\": "
     "0.01,",
     "GR0304"},
    {"a split without an end", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"run\": [\"x\"]}], \"traffic\": {\"making\": 0.01,", "GR0102"},
    {"a split by a shell", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"run\": [\"../x\"], \"timeout_ms\": 1}], \"traffic\": {\"making\": "
     "0.01,",
     "GR0602"},
    {"a split that is tried for ever", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"run\": [\"x\"], \"timeout_ms\": 1, \"retries\": 11}], \"traffic\": "
     "{\"making\": 0.01,",
     "GR0209"},
    {"two splits of one name", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"split\", \"run\": [\"x\", \"{traffic_share}\"], \"timeout_ms\": 1000}, "
     "{\"name\": \"split\", \"run\": [\"x\", \"{traffic_share}\"], \"timeout_ms\": 1000}], \"traffic\": "
     "{\"making\": 0.01,",
     "GR0106"},
    {"a guardrail in a split", "\"traffic\": {\"making\": 0.01,",
     "\"on_enter\": [{\"name\": \"s\", \"run\": [\"x\", \"{guardrail}\"], \"timeout_ms\": 1}], \"traffic\": "
     "{\"making\": 0.01,",
     "GR0315"},
    {"shares in a check", "[\"deploy/bin/replay\", \"{deployment_id}\"]",
     "[\"deploy/bin/replay\", \"{traffic_share}\"]", "GR0315"},
    {"a check that aborts", "\"timeout_ms\": 600000", "\"timeout_ms\": 600000, \"on_failure\": \"abort\"",
     NULL},
    {"a check that pages", "\"timeout_ms\": 600000", "\"timeout_ms\": 600000, \"on_failure\": \"page\"",
     "GR0105"},
    {"a phase twice", "\"name\": \"phase_2\"", "\"name\": \"phase_1\"", "GR0106"},
    {"two final phases", "\"phase_2\", \"shadow\": false, \"final\": false",
     "\"phase_2\", \"shadow\": false, \"final\": true", "GR0316"},
    {"no final phase", "\"final\": true", "\"final\": false", "GR0316"},
    {"a final shadow", "\"shadow\": false, \"final\": true", "\"shadow\": true, \"final\": true", "GR0601"},
    {"shadow is no word", "\"shadow\": true", "\"shadow\": \"true\"", "GR0103"},
    {"a phase without time", "\"min_duration_ms\": 1800000", "\"min_duration_ms\": 0", "GR0209"},
    {"maximum below minimum", "\"max_duration_ms\": 4800000", "\"max_duration_ms\": 1", "GR0209"},
    {"a share over 1", "\"making\": 0.05", "\"making\": 1.05", "GR0209"},
    {"a share below 0", "\"making\": 0.05", "\"making\": -0.05", "GR0209"},
    {"a share of no flow", "\"making\": 0.05", "\"mking\": 0.05", "GR0302"},
    {"a flow without share", "\"making\": 0.05, ", "", "GR0601"},
    {"traffic in the shadow", "\"traffic\": {}", "\"traffic\": {\"making\": 0.1, \"agency\": 0}", "GR0601"},
    {"zeros in the shadow", "\"traffic\": {}", "\"traffic\": {\"making\": 0, \"agency\": 0}", NULL},
    {"guardrail in a check", "[\"deploy/bin/replay\", \"{deployment_id}\"]",
     "[\"deploy/bin/replay\", \"{guardrail}\"]", "GR0315"},
    {"a check without a program", "[\"deploy/bin/replay\", \"{deployment_id}\"]", "[]", "GR0108"},
    {"a check without time", "\"timeout_ms\": 600000", "\"timeout_ms\": 0", "GR0209"},
    {"a check for days", "\"timeout_ms\": 600000", "\"timeout_ms\": 3600001", "GR0209"},
    {"a guardrail twice", "\"name\": \"model_drift\"", "\"name\": \"error_rate\"", "GR0106"},
    {"an unknown phase", "[\"phase_1\", \"phase_2\"]", "[\"phase_1\", \"phase_9\"]", "GR0301"},
    {"no phase", "[\"phase_1\", \"phase_2\"]", "[]", "GR0108"},
    {"an unknown action", "\"hard\": [\"rollback\", \"page\"]", "\"hard\": [\"rollbak\", \"page\"]",
     "GR0304"},
    {"an action twice", "\"hard\": [\"rollback\", \"page\"]", "\"hard\": [\"page\", \"page\"]", "GR0106"},
    {"hold twice", "\"no_data\": [\"hold\", \"notify\"]", "\"no_data\": [\"hold\", \"hold\"]", "GR0106"},
    {"a level of no limit", "{\"level\": \"soft\", \"side\": \"upper\", \"text\": \"+25%",
     "{\"level\": \"no_data\", \"side\": \"upper\", \"text\": \"+25%", "GR0105"},
    {"an unknown side", "\"side\": \"backstop\"", "\"side\": \"left\"", "GR0105"},
    {"a backstop below", "\"side\": \"backstop\"", "\"side\": \"backstop_lower\"", NULL},
    {"an unknown common cause", "\"common_cause\": \"hold\"", "\"common_cause\": \"halt\"", "GR0105"},
    {"no common cause", "\"common_cause\": \"hold\",", "", NULL},
    {"an unknown thin", "\"thin\": \"allow\"", "\"thin\": \"deny\"", "GR0105"},
    {"a target of jsm", "\"kind\": \"jira\"", "\"kind\": \"jsm\"", NULL},
    {"a limit without words", "\"text\": \"above 0\"", "\"text\": \"\"", "GR0108"},
    {"a reserved slice label", "[\"venue\", \"flow\"]", "[\"venue\", \"level\"]", "GR0104"},
    {"a slice of another label", "{\"venue\": \"BINANCE\", \"flow\": \"making\"}",
     "{\"venue\": \"BINANCE\", \"host\": \"a\"}", "GR0303"},
    {"expected in an unknown stream", "{\"stream\": {\"cluster\": \"crypto\"}",
     "{\"stream\": {\"cluster\": \"bonds\"}", "GR0601"},
    {"expected of an unknown guardrail", "\"guardrail\": \"schema_changes\"}", "\"guardrail\": \"schema\"}",
     "GR0601"},
    {"an unknown kind", "\"kind\": \"jira\"", "\"kind\": \"trac\"", "GR0105"},
    {"an action named as a verb", "\"ticket\": {\"kind\"", "\"hold\": {\"kind\"", "GR0601"},
    {"a secret's path", "\"slack.url\"", "\"../slack.url\"", "GR0104"},
    {"no secret", ", \"webhook_url_file\": \"slack.url\"", "", "GR0102"},
    {"a base_url of another kind", "\"https://jira.example.org\"", "\"file:///etc\"", "GR0602"},
    {"escalation to nobody", "\"escalate_to\": \"commander\"", "\"escalate_to\": \"nobody\"", "GR0304"},
    {"escalation to a rollback", "\"escalate_to\": \"commander\"", "\"escalate_to\": \"rollback\"", "GR0601"},
    {"escalation to itself", "\"escalate_to\": \"commander\"", "\"escalate_to\": \"page\"", "GR0601"},
    {"escalation in a circle", "\"routing_key_file\": \"commander.key\"",
     "\"routing_key_file\": \"c.key\", \"escalate_to\": \"page\"", "GR0601"},
    {"a step twice", "\"name\": \"drain\"", "\"name\": \"freeze\"", "GR0106"},
    {"a program that climbs", "[\"deploy/bin/drain\", ", "[\"deploy/../../bin/sh\", ", "GR0602"},
    {"a program that is an option", "[\"deploy/bin/drain\", ", "[\"-c\", ", "GR0602"},
    {"an empty program", "[\"deploy/bin/drain\", ", "[\"\", ", "GR0602"},
    {"a folder as a program", "[\"deploy/bin/drain\", ", "[\"deploy/bin/\", ", "GR0602"},
    {"a placeholder as a program", "[\"deploy/bin/drain\", ", "[\"deploy/{spec}\", ", "GR0602"},
    {"an absolute program", "[\"deploy/bin/drain\", ", "[\"/bin/drain\", ", NULL},
    {"an unknown placeholder", "\"--cluster={cluster}\"", "\"--cluster={region}\"", "GR0315"},
    {"an argument that is a number", "[\"kubectl\", \"apply\", \"-f\", \"-\"]", "[\"kubectl\", 7]", "GR0103"},
    {"a pipeline of one",
     "[[\"kustomize\", \"build\", \"overlays/prod\"], [\"kubectl\", \"apply\", \"-f\", \"-\"]]", "[[\"x\"]]",
     "GR0108"},
    {"a pipeline of words",
     "[[\"kustomize\", \"build\", \"overlays/prod\"], [\"kubectl\", \"apply\", \"-f\", \"-\"]]",
     "[\"x\", \"y\"]", "GR0103"},
    {"a pipeline with nothing", "[\"kubectl\", \"apply\", \"-f\", \"-\"]", "[]", "GR0108"},
    {"run and query", "\"name\": \"verify\",", "\"name\": \"verify\", \"run\": [\"x\"],", "GR0107"},
    {"neither", "\"run\": [\"deploy/bin/drain\", \"{deployment_id}\"], ", "", "GR0107"},
    {"below and above", "\"below\": 0.01", "\"below\": 0.01, \"above\": 0", "GR0107"},
    {"no bound", "\"below\": 0.01, ", "", "GR0107"},
    {"an unknown placeholder in a query", "cluster=\\\"{cluster}\\\"", "cluster=\\\"{x}\\\"", "GR0315"},
    {"a query that may take for ever", "\"within_ms\": 120000", "\"within_ms\": 0", "GR0209"},
    {"an unknown consequence", "\"on_failure\": \"continue\"", "\"on_failure\": \"ignore\"", "GR0105"},
    {"eleven retries", "\"retries\": 3", "\"retries\": 11", "GR0209"},
    {"a rollback without steps", "\"kind\": \"rollback\", \"steps\": [",
     "\"kind\": \"rollback\", \"steps\": [], \"old\": [", "GR0108"},
};

START_TEST(one_change)
{
    const struct row *r = &rows[_i];
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_buf text, found = GR_BUF_INIT(1 << 20);
    struct policy *p = NULL;
    enum gr_err err;

    fixture_text(&text);
    fixture_replace(&text, r->find, r->replace);
    err = policy_parse(GR_STR("policy.json"), gr_buf_str(&text), sources, d, &p);
    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &found);
    ck_assert_msg(err == (r->code ? GR_EUSER : GR_OK), "%s: %s\n%s", r->name, gr_err_name(err),
                  gr_buf_cstr(&found));
    ck_assert_msg(!r->code || strstr(gr_buf_cstr(&found), r->code), "%s: no %s in\n%s", r->name, r->code,
                  gr_buf_cstr(&found));
    ck_assert_msg(!r->code || strstr(gr_buf_cstr(&found), "policy.json:"), "%s has no place", r->name);
    ck_assert((p == NULL) == (r->code != NULL));
    policy_free(p);
    gr_buf_fini(&found);
    gr_buf_fini(&text);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

START_TEST(reads_everything)
{
    struct policy *p = fixture_policy();
    const struct policy_guardrail *g = policy_guardrail(p, GR_STR("error_rate"));
    const struct policy_phase *phase = policy_phase(p, GR_STR("phase_2"));

    ck_assert(gr_str_is(p->spec, "demo") && gr_str_is(p->owner, "release@example.org"));
    ck_assert(gr_str_is(p->overview_uid, "demo-overview") && gr_str_is(p->flow_label, "flow"));
    ck_assert_int_eq(p->retention_ms, INT64_C(31104000000));
    ck_assert_int_eq(p->sampling_ms, 120000);
    ck_assert_uint_eq(p->phase_count, 4);
    ck_assert_uint_eq(phase->index, 2);
    ck_assert_uint_eq(phase->traffic_count, 2);
    ck_assert(gr_str_is(phase->traffic[1].flow, "agency") && fabs(phase->traffic[1].ratio - 0.02) < 1e-12);
    ck_assert(p->phases[0].shadow && p->phases[3].final && p->phases[3].require_count == 1);
    ck_assert(gr_str_is(p->phases[0].checks[0].argv.args[1], "{deployment_id}"));
    ck_assert(policy_guardrail_active(g, phase) && !policy_guardrail_active(g, &p->phases[0]));
    ck_assert_uint_eq(g->limit_count, 3);
    ck_assert(gr_str_is(g->limits[2].side, "backstop") && gr_str_is(g->limits[1].text, "+40% over control"));
    ck_assert(fabs(g->snapshot_scale - 100) < 1e-12 && gr_str_is(g->snapshot_unit, "%"));
    ck_assert_uint_eq(g->on[LEVEL_SOFT].count, 3);
    ck_assert_int_eq(g->on[LEVEL_SOFT].uses[0].verb, VERB_EXTEND);
    ck_assert_ptr_eq(g->on[LEVEL_HARD].uses[1].action, policy_action(p, GR_STR("page")));
    ck_assert(policy_guardrail_has_level(g, LEVEL_SOFT) && policy_guardrail_has_level(g, LEVEL_NO_DATA));
    g = policy_guardrail(p, GR_STR("schema_changes"));
    ck_assert(!policy_guardrail_has_level(g, LEVEL_SOFT));
    ck_assert(gr_str_is(policy_guardrail(p, GR_STR("model_drift"))->source, "model_drift"));
    ck_assert_ptr_null(policy_guardrail(p, GR_STR("none")));
    ck_assert_ptr_null(policy_phase(p, GR_STR("none")));
    ck_assert_ptr_null(policy_action(p, GR_STR("hold")));
    ck_assert_int_eq(p->text.p[p->text.n], 0);
    policy_free(p);
}
END_TEST

START_TEST(reads_the_steps)
{
    struct policy *p = fixture_policy();
    const struct policy_action *a = policy_action(p, GR_STR("rollback"));

    ck_assert_uint_eq(a->step_count, 4);
    ck_assert(a->steps[0].kind == STEP_RUN && a->steps[0].probe.count == 2 && !a->steps[0].idempotent);
    ck_assert_int_eq(a->steps[0].on_failure, ON_FAILURE_ABORT);
    ck_assert_int_eq(a->steps[1].on_failure, ON_FAILURE_CONTINUE);
    ck_assert(a->steps[2].kind == STEP_PIPELINE && a->steps[2].command_count == 2 &&
              a->steps[2].retries == 3);
    ck_assert(gr_str_is(a->steps[2].commands[1].args[0], "kubectl") && a->steps[2].idempotent);
    ck_assert(a->steps[3].kind == STEP_QUERY && a->steps[3].has_below && !a->steps[3].has_above);
    ck_assert(a->steps[3].no_data == NO_DATA_OK && a->steps[3].within_ms == 120000);
    a = policy_action(p, GR_STR("page"));
    ck_assert_int_eq(a->escalate_after_ms, 300000);
    ck_assert_ptr_eq(a->escalate_to, policy_action(p, GR_STR("commander")));
    ck_assert_uint_eq(p->pager_count, 1); /* commander is used by no guardrail */
    ck_assert_ptr_eq(p->pagers[0], a);
    policy_free(p);
}
END_TEST

START_TEST(expected_by_stream_and_phase)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct label_set equities = fixture_labels(a, "cluster=equities");
    const struct policy_expected *e;
    size_t at = 0, rows_seen = 0, slices = 0;

    while ((e = policy_expected_next(p, equities, policy_phase(p, GR_STR("phase_1")), &at))) {
        rows_seen++;
        slices += e->slice_count;
    }
    ck_assert_uint_eq(rows_seen, 2);
    ck_assert_uint_eq(slices, 3); /* two of error_rate, one without labels of model_drift */
    at = 0;
    e = policy_expected_next(p, equities, policy_phase(p, GR_STR("preflight")), &at);
    ck_assert(gr_str_is(e->guardrail->name, "schema_changes") && e->slice_count == 1 &&
              e->slices[0].count == 0);
    ck_assert_ptr_null(policy_expected_next(p, equities, policy_phase(p, GR_STR("preflight")), &at));
    at = 0;
    ck_assert_ptr_null(policy_expected_next(p, equities, policy_phase(p, GR_STR("general")), &at));
    ck_assert_ptr_nonnull(policy_stream(p, equities));
    ck_assert_ptr_null(policy_stream(p, fixture_labels(a, "cluster=bonds")));
    ck_assert_ptr_null(policy_stream(p, LABELS_NONE));
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

/* Without a pager, the Slack targets of hard levels stand in, then those of the levels below. */
START_TEST(pagers_fall_back_to_slack)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_buf text;
    struct policy *p = NULL;

    fixture_text(&text);
    fixture_replace(&text, "[\"rollback\", \"page\"]", "[\"rollback\"]");
    fixture_replace(&text, "[\"halt\", \"page\", \"notify\"]",
                    _i == 0 ? "[\"halt\", \"notify\"]" : "[\"halt\"]");
    if (_i == 1)
        fixture_replace(&text, "[\"abort\", \"notify\"]", "[\"abort\"]");
    ck_assert_int_eq(policy_parse(GR_STR("p"), gr_buf_str(&text), sources, d, &p), GR_OK);
    ck_assert_uint_eq(p->pager_count, 1);
    ck_assert(gr_str_is(p->pagers[0]->name, "notify"));
    policy_free(p);
    gr_buf_fini(&text);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

/* The one thing that passes between the two rooms, as the compiler wrote it for the example. */
START_TEST(what_the_compiler_wrote)
{
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_buf path = GR_BUF_INIT(4096), found = GR_BUF_INIT(1 << 20);
    struct policy *p = NULL;
    enum gr_err err;

    gr_buf_printf(&path, "%s/examples/tradepulse/compiled/guardraild/policy.json", srcdir ? srcdir : "..");
    err = policy_load(gr_buf_cstr(&path), sources, d, &p);
    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &found);
    ck_assert_msg(err == GR_OK, "%s: %s\n%s", gr_buf_cstr(&path), gr_err_name(err), gr_buf_cstr(&found));
    ck_assert(gr_str_is(p->spec, "tradepulse") && p->pager_count > 0 && p->expected_count > 0);
    policy_free(p);
    gr_buf_fini(&found);
    gr_buf_fini(&path);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

START_TEST(no_such_file)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct policy *p = NULL;

    ck_assert_int_eq(policy_load("no/such/policy.json", sources, d, &p), GR_ENOENT);
    ck_assert_ptr_null(p);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

static long allocations_left;

static void *
scarce(void *p, size_t n)
{
    return allocations_left-- > 0 ? gr_sys_real.realloc(p, n) : NULL;
}

/* Every allocation fails once, from then on: an honest error each time, until a run succeeds. */
START_TEST(no_memory)
{
    struct gr_buf text;
    struct policy *p = NULL;
    long n = 0;

    fixture_text(&text);
    for (; !p && n < 100000; n++) {
        struct gr_sources *sources = gr_sources_create();
        struct gr_diags *d = gr_diags_create(sources);
        enum gr_err err;

        allocations_left = n;
        gr_sys.realloc = scarce;
        err = policy_parse(GR_STR("p"), gr_buf_str(&text), sources, d, &p);
        gr_sys = gr_sys_real;
        ck_assert_int_eq(err, p ? GR_OK : GR_ENOMEM);
        ck_assert_uint_eq(gr_diags_count(d, GR_SEV_ERROR), 0);
        gr_diags_free(d);
        gr_sources_free(sources);
    }
    ck_assert_ptr_nonnull(p);
    ck_assert_int_gt(n, 3);
    policy_free(p);
    gr_buf_fini(&text);
}
END_TEST

Suite *
policy_suite(void)
{
    Suite *s = suite_create("policy");
    TCase *tc = tcase_create("policy");

    tcase_add_loop_test(tc, one_change, 0, GR_COUNT(rows));
    tcase_add_test(tc, reads_everything);
    tcase_add_test(tc, reads_the_steps);
    tcase_add_test(tc, expected_by_stream_and_phase);
    tcase_add_loop_test(tc, pagers_fall_back_to_slack, 0, 2);
    tcase_add_test(tc, what_the_compiler_wrote);
    tcase_add_test(tc, no_such_file);
    tcase_add_test(tc, no_memory);
    suite_add_tcase(s, tc);
    return s;
}
