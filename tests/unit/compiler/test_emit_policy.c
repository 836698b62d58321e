#include "config.h"
#include "test_compiler.h"

#include "backend.h"
#include "guardrail/json.h"
#include "guardrail/policy.h"
#include "testmodel.h"

static const struct gr_json_limits limits = {GR_POLICY_BYTES_MAX, 32, 1u << 20};

/* Follows a path like "guardrails/0/limits/1/text"; NULL if it leads nowhere. */
static const cJSON *
at(const cJSON *value, const char *path)
{
    struct gr_str rest = gr_str(path), part;

    while (value && gr_str_next(&rest, '/', &part)) {
        struct gr_buf name = GR_BUF_INIT(1000);
        int64_t i;

        gr_buf_put(&name, part);
        if (cJSON_IsArray(value))
            value = gr_parse_i64(part, 0, 10000, &i) == GR_OK ? cJSON_GetArrayItem(value, (int)i) : NULL;
        else
            value = gr_json_get(value, gr_buf_cstr(&name));
        gr_buf_fini(&name);
    }
    return value;
}

/* The value on one line: "missing" where there is none. */
static void
print_at(struct gr_buf *b, const cJSON *root, const char *path)
{
    const cJSON *value = at(root, path);

    if (value)
        gr_json_print_canonical(b, value);
    else
        gr_buf_puts(b, "missing");
}

static cJSON *
emit(const struct model *m)
{
    struct gr_json_error where;
    struct tree *t;
    cJSON *root = NULL;

    ck_assert_int_eq(
        gr_json_parse(testmodel_emit(m, emit_policy, "guardraild/policy.json", &t), &limits, &root, &where),
        GR_OK);
    tree_free(t);
    return root;
}

#define QUERY(name)                                                                                          \
    "guardrail:window:value{spec=\\\"demo\\\",guardrail=\\\"" name "\\\",cohort=~\\\"canary|stream\\\"}"
static const struct {
    uint32_t scale;
    const char *path, *want;
} rows[] = {
    {1, "format", "1"},
    {1, "compiler", "\"guardrail " PACKAGE_VERSION "\""},
    {1, "spec", "\"demo\""},
    {1, "spec_hash", "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""},
    {1, "time_scale", "1"},
    {60, "time_scale", "60"},
    {1, "owner", "\"owner@example.org\""},
    {1, "release_labels", "[\"cluster\"]"},
    {1, "streams", "[{\"cluster\":\"east\"},{\"cluster\":\"west\"}]"},
    {1, "cohorts", "{\"canary\":\"canary\",\"control\":\"control\",\"label\":\"track\"}"},
    {1, "sampling_ms", "120000"},
    {60, "sampling_ms", "2000"},
    {1, "flows", "{\"label\":\"flow\",\"values\":[\"fast\",\"slow\"]}"},
    {1, "phases/0/shadow", "true"},
    {1, "phases/0/traffic", "{}"},
    {1, "phases/0/checks",
     "[{\"name\":\"replay\",\"run\":[\"deploy/bin/replay\",\"{deployment_id}\"],\"timeout_ms\":600000}]"},
    {60, "phases/0/checks/0/timeout_ms", "600000"}, /* a program runs no faster in a demo */
    {1, "phases/1/name", "\"p1\""},
    {1, "phases/1/min_duration_ms", "1200000"},
    {60, "phases/1/min_duration_ms", "20000"},
    {1, "phases/1/max_duration_ms", "4800000"},
    {1, "phases/1/traffic", "{\"fast\":0.01,\"slow\":0.005}"},
    {1, "phases/1/checks", "[]"},
    {1, "phases/3/final", "true"},
    {1, "phases/3/requires/0/name", "\"replay\""},
    {1, "phases/4", "missing"},
    {1, "guardrails/0/name", "\"errors\""},
    {1, "guardrails/0/group", "\"core\""},
    {1, "guardrails/0/runbook_url", "\"https://runbooks.example/x\""},
    {1, "guardrails/0/phases", "[\"p1\",\"p2\"]"},
    {1, "guardrails/4/phases", "[\"dark\",\"p1\",\"p2\"]"},
    {1, "guardrails/0/slice_labels", "[\"flow\",\"venue\"]"},
    {1, "guardrails/0/dynamic_labels", "[]"},
    {1, "guardrails/1/dynamic_labels", "[\"bucket\"]"},
    {1, "guardrails/4/slice_labels", "[]"},
    {1, "guardrails/0/on",
     "{\"hard\":[\"rollback\",\"page\"],\"no_data\":[\"hold\",\"notify\"],\"soft\":[\"extend\",\"notify\"]}"},
    {1, "guardrails/0/limits/0", "{\"level\":\"hard\",\"side\":\"upper\",\"text\":\"+40% over control\"}"},
    {1, "guardrails/0/limits/1",
     "{\"level\":\"hard\",\"side\":\"backstop\",\"text\":\"5% whatever control says\"}"},
    {1, "guardrails/0/limits/2/text", "\"+25% over control\""},
    {1, "guardrails/2/limits/1/text", "\"above 80%\""},
    {1, "guardrails/3/limits/1", "{\"level\":\"hard\",\"side\":\"lower\",\"text\":\"outside ±8bps\"}"},
    {1, "guardrails/4/limits/0/text", "\"at or above 5min\""},
    {1, "guardrails/0/snapshot", "{\"query\":\"" QUERY("errors") "\",\"scale\":1,\"unit\":\"\"}"},
    {1, "guardrails/1/snapshot/scale", "1000"}, /* s, read in ms */
    {1, "guardrails/1/snapshot/unit", "\"ms\""},
    {1, "guardrails/2/snapshot/scale", "100"},
    {1, "guardrails/2/snapshot/unit", "\"%\""},
    {1, "guardrails/5", "missing"},
    {1, "expected/0",
     "{\"guardrail\":\"errors\",\"slices\":[{\"flow\":\"fast\",\"venue\":\"XNAS\"},{\"flow\":\"slow\","
     "\"venue\":\"XNAS\"},"
     "{\"flow\":\"fast\",\"venue\":\"XNYS\"},{\"flow\":\"slow\",\"venue\":\"XNYS\"}],\"stream\":{\"cluster\":"
     "\"east\"}}"},
    {1, "expected/4", "{\"guardrail\":\"refdata\",\"slices\":[{}],\"stream\":{\"cluster\":\"east\"}}"},
    {1, "expected/6",
     "{\"guardrail\":\"age\",\"slices\":[{\"venue\":\"BINANCE\"}],\"stream\":{\"cluster\":\"west\"}}"},
    {1, "expected/9/guardrail", "\"refdata\""},
    {1, "expected/10", "missing"},
    {1, "actions/rollback/kind", "\"rollback\""},
    {1, "actions/rollback/steps/0",
     "{\"idempotent\":false,\"name\":\"freeze\",\"on_failure\":\"abort\",\"probe\":[\"deploy/bin/"
     "frozen\"],\"retries\":0,"
     "\"run\":[\"deploy/bin/freeze\",\"{deployment_id}\"],\"timeout_ms\":15000}"},
    {1, "actions/rollback/steps/1/pipeline",
     "[[\"kustomize\",\"build\"],[\"kubectl\",\"apply\",\"-f\",\"-\"]]"},
    {1, "actions/rollback/steps/1/run", "missing"},
    {1, "actions/rollback/steps/1/probe", "missing"},
    {1, "actions/rollback/steps/1/on_failure", "\"continue\""},
    {1, "actions/rollback/steps/1/idempotent", "true"},
    {1, "actions/rollback/steps/1/retries", "3"},
    {1, "actions/rollback/steps/2",
     "{\"below\":0.01,\"name\":\"verify\",\"no_data\":\"ok\",\"on_failure\":\"page\",\"query\":\"sum(rate("
     "orders_total{track="
     "\\\"canary\\\",cluster=\\\"{cluster}\\\"}[2m]))\",\"within_ms\":120000}"},
    {60, "actions/rollback/steps/2/within_ms", "2000"},
    {60, "actions/rollback/steps/0/timeout_ms", "15000"},
    {1, "actions/page",
     "{\"escalate_after_ms\":300000,\"escalate_to\":\"boss\",\"kind\":\"pagerduty\",\"routing_key_file\":"
     "\"pagerduty.key\","
     "\"service\":\"prod\"}"},
    {60, "actions/page/escalate_after_ms", "5000"},
    {1, "actions/boss/escalate_after_ms", "missing"},
    {1, "actions/notify", "{\"channel\":\"#ops\",\"kind\":\"slack\",\"webhook_url_file\":\"slack.url\"}"},
    {1, "dashboards/overview_uid", "\"demo-overview\""},
    {1, "retention/decisions_ms", "31104000000"},
};

START_TEST(policy_has)
{
    struct testmodel *t = testmodel_make();
    struct gr_buf got = GR_BUF_INIT(1u << 20);
    cJSON *root;

    t->m.time_scale = rows[_i].scale;
    root = emit(&t->m);
    print_at(&got, root, rows[_i].path);
    ck_assert_msg(gr_str_is(gr_buf_str(&got), rows[_i].want), "%s is %s\nnot %s", rows[_i].path,
                  gr_buf_cstr(&got), rows[_i].want);
    cJSON_Delete(root);
    gr_buf_fini(&got);
    testmodel_free(t);
}
END_TEST

START_TEST(policy_leaves_out_what_is_not_stated)
{
    struct testmodel *t = testmodel_make();
    cJSON *root;

    t->m.flow_label = GR_STR_NONE;
    t->m.flows.n = 0;
    t->m.retention.decisions_ms = 0;
    root = emit(&t->m);
    ck_assert_ptr_null(at(root, "flows"));
    ck_assert_ptr_null(at(root, "retention"));
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

/* A cohort's name is a regular expression's text in the query, and quotes in names stay inside their string. */
START_TEST(policy_quotes)
{
    struct testmodel *t = testmodel_make();
    cJSON *root;

    t->m.canary = GR_STR("v2.0\"");
    root = emit(&t->m);
    ck_assert_str_eq(
        at(root, "guardrails/0/snapshot/query")->valuestring,
        "guardrail:window:value{spec=\"demo\",guardrail=\"errors\",cohort=~\"v2\\\\.0\\\"|stream\"}");
    cJSON_Delete(root);
    testmodel_free(t);
}
END_TEST

Suite *
emit_policy_suite(void)
{
    Suite *s = suite_create("emit_policy");
    TCase *tc = tcase_create("policy.json");

    tcase_add_loop_test(tc, policy_has, 0, (int)GR_COUNT(rows));
    tcase_add_test(tc, policy_leaves_out_what_is_not_stated);
    tcase_add_test(tc, policy_quotes);
    suite_add_tcase(s, tc);
    return s;
}
