/* What people get to read, of each target: messages/CASE.json holds the messages as the stand-in took them. UPDATE_GOLDEN=1 rewrites them: read
 * them as somebody who was asleep a minute ago. */
#include "config.h"
#include "fixture.h"
#include "standin_process.h"
#include "test_webhook.h"
#include "webhook/sender.h"

#include <stdlib.h>

#include "guardrail/file.h"
#include "guardrail/json.h"

#define FILE_BYTES_MAX (1u << 20)

static struct gr_arena *arena;
static struct gr_http_client *http;
static char dir[64];
static struct sender_env env;
static struct standin_process standin;
static const struct gr_str loopback[] = {GR_STR_INIT("127.0.0.1")};

static void
setup(void)
{
    struct gr_http_options options = {.allow_http = true};

    arena = gr_arena_create(8 << 20);
    fixture_dir(dir, sizeof dir);
    ck_assert_int_eq(gr_http_global_init(), GR_OK);
    ck_assert_int_eq(gr_http_client_create(&options, &http), GR_OK);
    standin_start(&standin);
    env =
        (struct sender_env){.http = http,
                            .secrets_dir = dir,
                            .allow_http = true,
                            .pagerduty_url = gr_arena_printf(arena, "%s/pagerduty/v2/enqueue", standin.url).p,
                            .slack_url = gr_arena_printf(arena, "%s/slack-api", standin.url).p,
                            .private_hosts = loopback,
                            .private_host_count = 1,
                            .settle_ms = 1};
    fixture_file(dir, "slack.url", gr_arena_printf(arena, "%s/slack", standin.url).p, 0600);
    fixture_file(dir, "slack.token", "xoxb-standin-0123456789", 0600);
    fixture_file(dir, "pagerduty.key", "0123456789abcdef0123456789abcdef", 0600);
    fixture_file(dir, "cloud", "bot@example.org:cloud-token", 0600);
    fixture_file(dir, "dc", "dc-token-0123456789", 0600);
    fixture_file(dir, "genie", "00000000-0000-4000-8000-000000000000", 0600);
}

static void
teardown(void)
{
    standin_stop(&standin);
    gr_http_client_free(http);
    gr_http_global_fini();
    fixture_remove(dir);
    gr_arena_free(arena);
}

/* -- the targets ----------------------------------------------------------------------------------------------------------- */

static const struct target_row {
    const char *name, *base;
    struct policy_action action;
} target_rows[] = {
    {"slack_webhook", NULL, {.kind = ACTION_SLACK, .webhook_url_file = GR_STR_INIT("slack.url")}},
    {"slack_api",
     NULL,
     {.kind = ACTION_SLACK, .channel = GR_STR_INIT("C0123456789"), .token_file = GR_STR_INIT("slack.token")}},
    {"pagerduty", NULL, {.kind = ACTION_PAGERDUTY, .routing_key_file = GR_STR_INIT("pagerduty.key")}},
    {"jira_cloud",
     "/jira/cloud",
     {.kind = ACTION_JIRA,
      .project = GR_STR_INIT("DEPLOY"),
      .close = GR_STR_INIT("Done"),
      .token_file = GR_STR_INIT("cloud")}},
    {"jira_data_center",
     "/jira/dc",
     {.kind = ACTION_JIRA, .project = GR_STR_INIT("DEPLOY"), .token_file = GR_STR_INIT("dc")}},
    {"opsgenie",
     "/jsm",
     {.kind = ACTION_OPSGENIE, .team = GR_STR_INIT("trading-ops"), .token_file = GR_STR_INIT("genie")}},
    {"jsm", "/jsm", {.kind = ACTION_JSM, .token_file = GR_STR_INIT("genie")}},
    {"http", "/http", {.kind = ACTION_HTTP}},
    {"http_template",
     "/http",
     {.kind = ACTION_HTTP,
      .body = GR_STR_INIT(
          "{\"kind\":\"{kind}\",\"title\":\"{title}\",\"text\":\"{summary}\\n{action}\\n{commands}\","
          "\"tags\":[\"{level}\",\"{where}\"],\"links\":{\"panel\":\"{dashboard_url}\"},"
          "\"by\":\"{by}\",\"now\":\"{now}\",\"version\":2}")}},
};

/* -- the messages ---------------------------------------------------------------------------------------------------------- */

static void
hard(struct message *m)
{
    *m = (struct message){
        .kind = MESSAGE_BREACH,
        .level = LEVEL_HARD,
        .known = true,
        .page = true,
        .act = ACT_ROLLBACK,
        .spec = GR_STR("tradepulse"),
        .deployment_id = GR_STR("tp-2026-11-24-1"),
        .phase = GR_STR("canary_phase_2"),
        .guardrail = GR_STR("matching_latency_p99"),
        .source = GR_STR("execution.match.latency.p99_ms"),
        .stream = fixture_labels(arena, "cluster=equities"),
        .slice = fixture_labels(arena, "venue=XNAS"),
        .summary = GR_STR("matching_latency_p99 cluster=equities venue=XNAS: canary +27.4% against control, "
                          "hard limit +20%"),
        .description = GR_STR("Canary 8.66 ms, control 6.8 ms; limit +20%; log evidence 12.31, 10.06 needed. "
                              "canary_phase_2 of deployment tp-2026-11-24-1."),
        .limit = GR_STR("+20% over control"),
        .action = GR_STR("rolls the release back"),
        .reason = GR_STR("hard breach of matching_latency_p99 (upper) in deployment tp-2026-11-24-1, "
                         "venue=XNAS, phase canary_phase_2"),
        .record_path = GR_STR("/var/lib/guardrail/reports/release_decisions/tp-2026-11-24-1.yaml"),
        .audit_head = GR_STR("417:2c26b46b68ffc68f"),
        .runbook_url = GR_STR("https://runbooks.tradepulse.ai/canary/matching_latency_p99"),
        .dashboard_url =
            GR_STR("https://grafana.tradepulse.ai/d/tradepulse-canary_phase_2?viewPanel=12&var-venue=XNAS"),
        .ack_url = GR_STR("https://guardraild.tradepulse.ai/ack/AQAAAAAAAAAR"),
        .reference = GR_STR("G-17"),
        .key = GR_STR(
            "tradepulse/cluster=equities/tp-2026-11-24-1/matching_latency_p99/hard/venue=XNAS/page/page/1"),
        .dedup_key = GR_STR(
            "tradepulse/cluster=equities/tp-2026-11-24-1/matching_latency_p99/hard/venue=XNAS/page/page/1"),
        .incident = GR_STR(
            "tradepulse/cluster=equities/tp-2026-11-24-1/matching_latency_p99/hard/venue=XNAS/page/page"),
        .attempt = 1,
        .at_ms = INT64_C(1795489444000), /* 2026-11-24T03:04:04Z */
        .first_ms = INT64_C(1795489444000)};
}

static void
waits(struct message *m)
{
    hard(m);
    m->confirm_by_ms = m->at_ms + 600000;
}

static void
soft(struct message *m)
{
    hard(m);
    m->level = LEVEL_SOFT;
    m->page = false;
    m->act = ACT_EXTEND;
    m->ack_url = GR_STR_NONE;
    m->action = GR_STR("extends the phase");
    m->limit = GR_STR("+10% over control");
    m->summary =
        GR_STR("matching_latency_p99 cluster=equities venue=XNAS: canary +14.1% against control, soft "
               "limit +10%");
    m->reason = GR_STR("soft breach of matching_latency_p99 (upper) in deployment tp-2026-11-24-1, "
                       "venue=XNAS, phase canary_phase_2");
}

static void
no_data(struct message *m)
{
    soft(m);
    m->level = LEVEL_NO_DATA;
    m->act = ACT_HOLD;
    m->limit = GR_STR_NONE;
    m->action = GR_STR("holds promotion");
    m->summary = GR_STR("matching_latency_p99 cluster=equities venue=XNAS: no data, so no verdict");
    m->description =
        GR_STR("An expected slice has not reported for two sampling intervals. The release cannot be "
               "promoted; it is not rolled back for this. canary_phase_2 of deployment "
               "tp-2026-11-24-1.");
    m->reason = GR_STR("no data for matching_latency_p99 in deployment tp-2026-11-24-1, venue=XNAS, phase "
                       "canary_phase_2");
}

static void
rolled_back(struct message *m)
{
    hard(m);
    m->kind = MESSAGE_OUTCOME;
    m->ok = true;
    m->page = false;
    m->act = ACT_NONE;
    m->action = m->ack_url = GR_STR_NONE;
    m->reason =
        GR_STR("hard breach of matching_latency_p99 (upper) in deployment tp-2026-11-24-1, venue=XNAS, "
               "phase canary_phase_2; every step is done");
    m->now = GR_STR("the release was rolled back at 2026-11-24T03:04:51Z");
}

static void
incomplete(struct message *m)
{
    rolled_back(m);
    m->ok = false;
    m->halted = m->page = true;
    m->kind = MESSAGE_HELD;
    m->reason = GR_STR("step redeploy failed: exit 1 after 3 attempts; by hand: kustomize build "
                       "deploy/overlays/prod | kubectl apply -f -");
    m->now = GR_STR("the release is halted in canary_phase_2");
}

static void
unknown(struct message *m)
{
    hard(m);
    m->kind = MESSAGE_HELD;
    m->known = false;
    m->act = ACT_HOLD;
    m->action = GR_STR("holds; a person must decide");
    m->reason =
        GR_STR("hard breach of matching_latency_p99 (upper) in deployment tp-2026-11-24-1, venue=XNAS, "
               "phase canary_phase_2; no release with this deployment_id was started");
    m->record_path = GR_STR_NONE;
}

static void
blind(struct message *m)
{
    *m = (struct message){.kind = MESSAGE_BLIND,
                          .level = LEVEL_HARD,
                          .page = true,
                          .spec = GR_STR("tradepulse"),
                          .reason =
                              GR_STR("no beat of the watchdog for five minutes: the guardrails are blind"),
                          .reference = GR_STR("G-18"),
                          .key = GR_STR("page|blind|tradepulse|3|page"),
                          .dedup_key = GR_STR("page|blind|tradepulse|3|page"),
                          .incident = GR_STR("page|blind|tradepulse|3|page"),
                          .attempt = 1,
                          .at_ms = INT64_C(1795489444000)};
}

static void
acknowledged(struct message *m)
{
    hard(m);
    m->kind = MESSAGE_ACKED;
    m->by = GR_STR("jane.doe@tradepulse.ai");
    m->action = GR_STR_NONE;
    m->reason = GR_STR("acknowledged by jane.doe@tradepulse.ai");
    m->now = GR_STR("the release was rolled back at 2026-11-24T03:04:51Z");
}

static void
over(struct message *m)
{
    acknowledged(m);
    m->kind = MESSAGE_CLOSED;
    m->by = GR_STR_NONE;
    m->key = GR_STR(
        "tradepulse/cluster=equities/tp-2026-11-24-1/matching_latency_p99/hard/venue=XNAS/page/page/1|over");
    m->reason = GR_STR("the release was rolled back and its alerts are over");
}

static const struct case_row {
    const char *name;
    void (*make)(struct message *m);
} case_rows[] = {
    {"hard", hard},
    {"hard-waits", waits},
    {"soft", soft},
    {"no-data", no_data},
    {"rolled-back", rolled_back},
    {"rollback-failed", incomplete},
    {"unknown", unknown},
    {"blind", blind},
    {"acknowledged", acknowledged},
    {"over", over},
};

static void
send_to(const struct target_row *t, struct message m)
{
    struct policy_action action = t->action;
    struct sender_result result;

    action.name = gr_str(t->name);
    if (t->base)
        action.base_url = gr_arena_printf(arena, "%s%s", standin.url, t->base);
    m.dedup_key = gr_arena_printf(arena, "%s/" GR_FMT, t->name, GR_ARG(m.dedup_key)); /* an issue for each */
    m.incident = m.dedup_key;
    m.key = gr_arena_printf(arena, "%s/" GR_FMT "/%d", t->name, GR_ARG(m.key), (int)m.kind);
    sender_send(&env, &action, &m, gr_http_now_ms() + 10000, &result);
    ck_assert_msg(result.answer == SENDER_DONE, "%s: %s", t->name, result.text);
}

/* What the stand-in has taken of one message. */
static cJSON *
taken(const struct target_row *t, const struct message *m)
{
    cJSON *json, *list, *out = cJSON_CreateArray();
    struct message first;
    int before;

    hard(&first);
    if (m->kind == MESSAGE_ACKED || m->kind == MESSAGE_CLOSED)
        send_to(t, first);
    json = standin_received(&standin, http);
    before = cJSON_GetArraySize(gr_json_get(json, "messages"));
    cJSON_Delete(json);
    send_to(t, *m);
    json = standin_received(&standin, http);
    list = cJSON_DetachItemFromObjectCaseSensitive(json, "messages");
    while (cJSON_GetArraySize(list) > before) {
        cJSON *item = cJSON_DetachItemFromArray(list, before);

        ck_assert(cJSON_AddItemToArray(out, cJSON_DetachItemFromObjectCaseSensitive(item, "message")));
        cJSON_Delete(item);
    }
    cJSON_Delete(list);
    cJSON_Delete(json);
    ck_assert_int_gt(cJSON_GetArraySize(out), 0);
    return out;
}

START_TEST(reads_well)
{
    const struct case_row *r = &case_rows[_i];
    const char *src = getenv("GR_SRCDIR");
    struct gr_buf path = GR_BUF_INIT(4096), want = GR_BUF_INIT(FILE_BYTES_MAX);
    cJSON *all = cJSON_CreateObject();
    struct message m;
    char *text;

    r->make(&m);
    for (size_t i = 0; i < GR_COUNT(target_rows); i++) {
        const struct target_row *t = &target_rows[i];
        bool follows = m.kind == MESSAGE_ACKED || m.kind == MESSAGE_CLOSED;

        if (!follows || sender_follows(&t->action, m.kind))
            ck_assert(cJSON_AddItemToObject(all, t->name, taken(t, &m)));
    }
    text = cJSON_Print(all);
    gr_buf_printf(&path, "%s/tests/unit/webhook/messages/%s.json", src ? src : ".", r->name);
    if (getenv("UPDATE_GOLDEN")) {
        struct gr_buf out = GR_BUF_INIT(FILE_BYTES_MAX);

        gr_buf_printf(&out, "%s\n", text);
        ck_assert_int_eq(gr_file_write(gr_buf_cstr(&path), gr_buf_str(&out), 0644), GR_OK);
        gr_buf_fini(&out);
    }
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &want), GR_OK);
    ck_assert_msg(gr_str_eq(gr_str_trim(gr_buf_str(&want)), gr_str(text)),
                  "%s is not what is sent now (UPDATE_GOLDEN=1, then read it):\n%s", r->name, text);
    free(text);
    cJSON_Delete(all);
    gr_buf_fini(&path);
    gr_buf_fini(&want);
}
END_TEST

Suite *
messages_suite(void)
{
    Suite *s = suite_create("messages");
    TCase *tc = tcase_create("messages");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, reads_well, 0, GR_COUNT(case_rows));
    suite_add_tcase(s, tc);
    return s;
}
