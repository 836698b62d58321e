#include "config.h"
#include "test_compiler.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "guardrail/file.h"
#include "guardrail/node.h"
#include "guardrail/policy.h"
#include "scratch.h"
#include "testmodel.h"

#define FILE_NAME "alertmanager/alertmanager.yml"

/* -- what is written ----------------------------------------------------------------------------------------------------- */

struct reading {
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_arena *arena;
    struct tree *tree;
    struct gr_node *root;
};

static void
read_emitted(struct reading *r, const struct model *m)
{
    uint32_t file;

    ck_assert_ptr_nonnull(r->sources = gr_sources_create());
    ck_assert_ptr_nonnull(r->diags = gr_diags_create(r->sources));
    ck_assert_ptr_nonnull(r->arena = gr_arena_create(16u << 20));
    ck_assert_int_eq(gr_sources_add(r->sources, GR_STR(FILE_NAME),
                                    testmodel_emit(m, emit_alertmanager, FILE_NAME, &r->tree), &file),
                     GR_OK);
    ck_assert_int_eq(gr_yaml_read(r->arena, r->sources, file, &gr_node_limits_default, r->diags, &r->root),
                     GR_OK);
}

static void
reading_fini(struct reading *r)
{
    tree_free(r->tree);
    gr_arena_free(r->arena);
    gr_diags_free(r->diags);
    gr_sources_free(r->sources);
}

static const struct gr_node *
at(const struct gr_node *node, const char *path)
{
    struct gr_str rest = gr_str(path), part;

    while (node && gr_str_next(&rest, '/', &part)) {
        const struct gr_node *found = NULL;
        int64_t i = -1;

        if (node->kind == GR_NODE_LIST)
            ck_assert_int_eq(gr_parse_i64(part, 0, 1000, &i), GR_OK);
        gr_node_each (item, node)
            if (node->kind == GR_NODE_LIST ? i-- == 0 : gr_str_eq(item->key, part))
                found = item;
        node = found;
    }
    return node;
}

/* Scalars as they are, lists as a,b,c. */
static void
print_at(struct gr_buf *b, const struct gr_node *root, const char *path)
{
    const struct gr_node *node = at(root, path);

    if (!node) {
        gr_buf_puts(b, "missing");
        return;
    }
    gr_buf_put(b, node->text);
    if (node->kind == GR_NODE_LIST)
        gr_node_each (item, node)
            gr_buf_printf(b, "%s" GR_FMT, item == node->first ? "" : ",", GR_ARG(item->text));
}

#define ROUTE(i) "route/routes/0/routes/" #i "/"
static const struct {
    uint32_t scale;
    const char *path, *want;
} rows[] = {
    {1, "route/receiver", "native_pagerduty"},
    {1, "route/group_by", "alertname,spec,cluster"},
    {1, "route/routes/0/matchers", "spec=\"demo\""},
    {1, "route/routes/0/receiver", "missing"}, /* the native one, inherited */
    {1, "route/routes/1", "missing"},
    {1, ROUTE(0) "matchers", "alertname=\"GuardrailWatchdog\""},
    {1, ROUTE(0) "receiver", "guardraild_watchdog"},
    {1, ROUTE(0) "group_by", "spec"},
    {1, ROUTE(0) "group_wait", "0s"},
    {1, ROUTE(0) "group_interval", "1m"},
    {1, ROUTE(0) "repeat_interval", "50s"},
    {60, ROUTE(0) "group_interval", "1s"},
    {60, ROUTE(0) "repeat_interval", "833ms"}, /* below group_interval at every scale */
    {1000, ROUTE(0) "group_interval", "1s"},
    {1000, ROUTE(0) "repeat_interval", "833ms"},
    {1, ROUTE(1) "matchers", "alertname=\"GuardrailHardBreach\""},
    {1, ROUTE(1) "receiver", "guardraild"},
    {1, ROUTE(1) "group_by", "spec,cluster,deployment_id,level"},
    {1, ROUTE(1) "group_wait", "0s"},
    {1, ROUTE(1) "group_interval", "10s"},
    {1, ROUTE(1) "repeat_interval", "5m"},
    {10, ROUTE(1) "group_interval", "1s"},
    {60, ROUTE(1) "group_interval", "1s"},
    {60, ROUTE(1) "repeat_interval", "5s"},
    {1000, ROUTE(1) "repeat_interval", "1s"},
    {1, ROUTE(2) "matchers", "alertname=\"GuardrailSoftBreach\""},
    {1, ROUTE(2) "receiver", "guardraild"},
    {1, ROUTE(2) "group_wait", "10s"},
    {60, ROUTE(2) "group_wait", "166ms"},
    {1, ROUTE(3) "matchers", "alertname=\"GuardrailNoData\""},
    {1, ROUTE(3) "receiver", "guardraild"},
    {1, ROUTE(4) "receiver", "missing"},
    {1, "inhibit_rules/0/source_matchers",
     "alertname=\"GuardrailHardBreach\",spec=\"demo\",guardrail=~\"errors|pnl\""},
    {1, "inhibit_rules/0/target_matchers",
     "alertname=\"GuardrailSoftBreach\",spec=\"demo\",guardrail=~\"errors|pnl\""},
    {1, "inhibit_rules/0/equal", "spec,cluster,flow,venue,deployment_id,guardrail"},
    {1, "inhibit_rules/1/target_matchers/2", "guardrail=\"age\""},
    {1, "inhibit_rules/1/equal", "spec,cluster,venue,bucket,deployment_id,guardrail"},
    {1, "inhibit_rules/2/target_matchers/2", "guardrail=\"cpu\""}, /* not refdata: it has no soft limit */
    {1, "inhibit_rules/2/equal", "spec,cluster,deployment_id,guardrail"},
    {1, "inhibit_rules/3", "missing"},
    {1, "receivers/0/name", "guardraild"},
    {1, "receivers/0/webhook_configs/0/url", "http://127.0.0.1:9797/v1/alerts"},
    {1, "receivers/0/webhook_configs/0/send_resolved", "true"},
    {1, "receivers/0/webhook_configs/0/max_alerts", "0"},
    {1, "receivers/0/webhook_configs/0/http_config/follow_redirects", "false"},
    {1, "receivers/0/webhook_configs/0/http_config/authorization", "missing"},
    {1, "receivers/1/webhook_configs/0/url", "http://127.0.0.1:9797/v1/watchdog"},
    {1, "receivers/1/webhook_configs/0/send_resolved", "false"},
    {1, "receivers/2/pagerduty_configs/0/routing_key_file", "secrets/pagerduty.key"},
    {1, "receivers/2/pagerduty_configs/0/http_config/follow_redirects", "false"},
    {1, "receivers/3", "missing"},
};

START_TEST(config_has)
{
    struct testmodel *t = testmodel_make();
    struct gr_buf got = GR_BUF_INIT(1u << 20);
    struct reading r;

    t->m.time_scale = rows[_i].scale;
    read_emitted(&r, &t->m);
    print_at(&got, r.root, rows[_i].path);
    ck_assert_msg(gr_str_is(gr_buf_str(&got), rows[_i].want), "%s is %s\nnot %s", rows[_i].path,
                  gr_buf_cstr(&got), rows[_i].want);
    gr_buf_fini(&got);
    reading_fini(&r);
    testmodel_free(t);
}
END_TEST

/* -- variants, and amtool's opinion -------------------------------------------------------------------------------------- */

static const char *
amtool(void)
{
    const char *path = getenv("AMTOOL");

    return path && *path ? path : NULL;
}

/* Runs amtool with output thrown away; its exit status. */
static int
run(const char *const *argv)
{
    pid_t pid = fork();
    int status, null;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(126);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
save(struct scratch *s, const struct model *m)
{
    struct tree *t;
    struct gr_str text = testmodel_emit(m, emit_alertmanager, FILE_NAME, &t);

    ck_assert_int_eq(gr_file_write(scratch_path(s, "a.yml"), text, 0644), GR_OK);
    tree_free(t);
}

static void
no_pagerduty(struct testmodel *t)
{
    t->m.actions[1].kind = t->m.actions[2].kind = ACTION_HTTP;
}

static void
no_target(struct testmodel *t)
{
    no_pagerduty(t);
    t->m.n_actions = 1;
}

static void
with_token(struct testmodel *t)
{
    t->m.webhook_token_file = GR_STR("ingest.token");
}

static void
absolute_files(struct testmodel *t)
{
    static struct pair settings[] = {{GR_STR_INIT("routing_key_file"), GR_STR_INIT("/etc/keys/pd")}};

    t->actions[1].settings.v = settings;
    t->actions[1].settings.n = 1;
    t->m.webhook_token_file = GR_STR("/etc/keys/token");
}

static void
page_unused(struct testmodel *t)
{
    for (size_t i = 0; i < t->m.n_guardrails; i++)
        t->guardrails[i].on[LEVEL_HARD].n = 1;
}

static void
hard_only(struct testmodel *t)
{
    t->m.guardrails += 4; /* refdata */
    t->m.n_guardrails = 1;
}

static void
scaled(struct testmodel *t)
{
    t->m.time_scale = 1000;
}

static void
no_change(struct testmodel *t)
{
    (void)t;
}

static const struct {
    const char *name;
    void (*change)(struct testmodel *t);
    const char *path, *want, *native;
} variants[] = {
    {"as it is", no_change, "receivers/2/name", "native_pagerduty", "native_pagerduty"},
    {"slack in place of a pager", no_pagerduty, "receivers/2/slack_configs/0/api_url_file",
     "secrets/slack.url", "native_slack"},
    {"slack's channel", no_pagerduty, "receivers/2/slack_configs/0/channel", "#ops", "native_slack"},
    {"nobody to tell", no_target, "receivers/2/name", "native_not_configured", "native_not_configured"},
    {"a token", with_token, "receivers/0/webhook_configs/0/http_config/authorization/credentials_file",
     "secrets/ingest.token", "native_pagerduty"},
    {"absolute key", absolute_files, "receivers/2/pagerduty_configs/0/routing_key_file", "/etc/keys/pd",
     "native_pagerduty"},
    {"absolute token", absolute_files,
     "receivers/1/webhook_configs/0/http_config/authorization/credentials_file", "/etc/keys/token",
     "native_pagerduty"},
    {"a pager that no guardrail uses", page_unused, "receivers/2/name", "native_pagerduty",
     "native_pagerduty"},
    {"nothing to inhibit", hard_only, "inhibit_rules", "", "native_pagerduty"},
    {"scaled to the floor", scaled, "route/group_interval", "1s", "native_pagerduty"},
};

START_TEST(variant)
{
    struct testmodel *t = testmodel_make();
    struct gr_buf got = GR_BUF_INIT(1u << 20);
    struct scratch s;
    struct reading r;

    variants[_i].change(t);
    read_emitted(&r, &t->m);
    print_at(&got, r.root, variants[_i].path);
    ck_assert_msg(gr_str_is(gr_buf_str(&got), variants[_i].want), "%s: %s", variants[_i].name,
                  gr_buf_cstr(&got));
    if (amtool()) {
        scratch_make(&s);
        save(&s, &t->m);
        ck_assert_msg(run((const char *const[]){amtool(), "check-config", scratch_path(&s, "a.yml"), NULL}) ==
                          0,
                      "amtool: %s", variants[_i].name);
        scratch_remove(&s);
    }
    gr_buf_fini(&got);
    reading_fini(&r);
    testmodel_free(t);
}
END_TEST

struct alert {
    const char *name, *level; /* level NULL: the alert has none */
    const char *receiver;     /* NULL: the native one */
};
static const struct alert alerts[] = {
    {GR_ALERT_HARD, "hard", "guardraild"},
    {GR_ALERT_SOFT, "soft", "guardraild"},
    {GR_ALERT_NO_DATA, "no_data", "guardraild"},
    {GR_ALERT_WATCHDOG, NULL, "guardraild_watchdog"},
    {GR_ALERT_DAEMON_DOWN, NULL, NULL},
    {GR_ALERT_PHASE_UNKNOWN, NULL, NULL},
    {GR_ALERT_STORE_FAILING, NULL, NULL},
    {GR_ALERT_QUEUE_STUCK, NULL, NULL},
    {GR_ALERT_DEAD_LETTERS, NULL, NULL},
    {GR_ALERT_BLIND, NULL, NULL}, /* nor to the daemon that hears nothing */
    {GR_ALERT_BREAKER_OPEN, NULL, NULL},
    {GR_ALERT_ROLLBACK_FAILED, NULL, NULL}, /* the second path: guardraild pages by itself as well */
    {GR_ALERT_UNHANDLED, "hard", NULL},     /* must not go to the daemon that did not handle it */
    {GR_ALERT_VERDICT_MISSING, NULL, NULL},
    {GR_ALERT_WAIVER_EXPIRED, NULL, NULL},
    {"SomebodyElses", "hard", NULL},
};

static void
check_route(struct scratch *s, const char *spec, const char *guardrail, const struct alert *a,
            const char *receiver)
{
    char config[4096], verify[256], labels[4][256];
    const char *argv[] = {amtool(),  "config",  "routes",  "test",    config, verify,
                          labels[0], labels[1], labels[2], labels[3], NULL};

    snprintf(config, sizeof config, "--config.file=%s", scratch_path(s, "a.yml"));
    snprintf(verify, sizeof verify, "--verify.receivers=%s", receiver);
    snprintf(labels[0], sizeof *labels, "alertname=%s", a->name);
    snprintf(labels[1], sizeof *labels, "spec=%s", spec);
    snprintf(labels[2], sizeof *labels, "guardrail=%s", guardrail);
    snprintf(labels[3], sizeof *labels, "level=%s", a->level ? a->level : "none");
    ck_assert_msg(run(argv) == 0, "%s of %s in %s does not go to %s", a->name, guardrail, spec, receiver);
}

/* Every alert that the model can raise, for each guardrail: which receiver, by amtool's own routing. */
START_TEST(alert_is_routed)
{
    const struct alert *a = &alerts[_i];
    struct testmodel *t = testmodel_make();
    struct scratch s;

    if (amtool()) {
        scratch_make(&s);
        save(&s, &t->m);
        for (size_t i = 0; i < t->m.n_guardrails; i++)
            check_route(&s, "demo", t->guardrails[i].name.p, a,
                        a->receiver ? a->receiver : "native_pagerduty");
        check_route(&s, "other", "errors", a, "native_pagerduty"); /* another spec's alert is none of ours */
        scratch_remove(&s);
    }
    testmodel_free(t);
}
END_TEST

Suite *
emit_alertmanager_suite(void)
{
    Suite *s = suite_create("emit_alertmanager");
    TCase *tc = tcase_create("config");

    tcase_add_loop_test(tc, config_has, 0, (int)GR_COUNT(rows));
    suite_add_tcase(s, tc);
    tc = tcase_create("amtool");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, variant, 0, (int)GR_COUNT(variants));
    tcase_add_loop_test(tc, alert_is_routed, 0, (int)GR_COUNT(alerts));
    suite_add_tcase(s, tc);
    return s;
}
