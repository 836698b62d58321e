#include "config.h"
#include "fixture.h"
#include "test_webhook.h"
#include "webhook/record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardrail/file.h"
#include "guardrail/node.h"
#include "guardrail/sys.h"

static struct gr_arena *arena;
static char dir[64];

static void
setup(void)
{
    arena = gr_arena_create(1 << 20);
    fixture_dir(dir, sizeof dir);
}

static void
teardown(void)
{
    fixture_remove(dir);
    gr_arena_free(arena);
}

static const struct policy_share shares[] = {{GR_STR_INIT("market_making"), 0.05},
                                             {GR_STR_INIT("agency"), 0.02}};

static struct record_decision
rollback(void)
{
    struct record_metric *metrics = gr_arena_array(arena, 4, sizeof *metrics);
    struct record_step *steps = gr_arena_array(arena, 2, sizeof *steps);

    metrics[0] = (struct record_metric){.source = GR_STR("execution.match.latency.p99_ms"),
                                        .guardrail = GR_STR("latency"),
                                        .unit = GR_STR("ms"),
                                        .slice = fixture_labels(arena, "venue=XNYS"),
                                        .value = 6.1};
    metrics[1] = (struct record_metric){.source = GR_STR("execution.match.latency.p99_ms"),
                                        .guardrail = GR_STR("latency"),
                                        .unit = GR_STR("ms"),
                                        .slice = fixture_labels(arena, "venue=XNAS"),
                                        .value = 6.8,
                                        .worst = true,
                                        .verdict = GR_VERDICT_HARD};
    metrics[2] = (struct record_metric){.source = GR_STR("pnl.realized.delta_bps"),
                                        .guardrail = GR_STR("pnl"),
                                        .unit = GR_STR("bps"),
                                        .value = -1.1,
                                        .verdict = -1};
    metrics[3] = (struct record_metric){.source = GR_STR("gone"),
                                        .guardrail = GR_STR("gone"),
                                        .value = (double)NAN,
                                        .verdict = GR_VERDICT_INSUFFICIENT};
    steps[0] = (struct record_step){.name = GR_STR("freeze"),
                                    .command = GR_STR("deploy/bin/freeze tp-1"),
                                    .result = GR_STR("exit 0"),
                                    .ok = true,
                                    .started_ms = INT64_C(1715894160000),
                                    .duration_ms = 412,
                                    .attempt = 1,
                                    .output_sha256 = GR_STR("ab12")};
    steps[1] = (struct record_step){.name = GR_STR("verify"), .result = GR_STR("held: \"ambiguous\"")};
    return (struct record_decision){
        .decision = GR_STR("rollback"),
        .at_ms = INT64_C(1715894159000),
        .phase_start_ms = INT64_C(1715894100000),
        .spec = GR_STR("demo"),
        .spec_hash = GR_STR("00ff"),
        .phase = GR_STR("canary_phase_2"),
        .approver = GR_STR("guardraild"),
        .stream = fixture_labels(arena, "cluster=equities"),
        .traffic = shares,
        .traffic_count = 2,
        .metrics = metrics,
        .metric_count = 4,
        .notes = GR_STR(""),
        .reason = GR_STR("hard breach of latency: 6.8 ms"),
        .guardrail = GR_STR("latency"),
        .level = GR_STR("hard"),
        .limit = GR_STR("+20% over control"),
        .slice = fixture_labels(arena, "venue=XNAS"),
        .steps = steps,
        .step_count = 2,
        .outcome = GR_STR("incomplete"),
    };
}

static struct record_decision
promotion(void)
{
    return (struct record_decision){
        .decision = GR_STR("promote"),
        .at_ms = INT64_C(1715894100000),
        .spec = GR_STR("demo"),
        .spec_hash = GR_STR("00ff"),
        .phase = GR_STR("canary_phase_2"),
        .approver = GR_STR("jane.doe@tradepulse.ai"),
        .notes = GR_STR("Latency normalized after cache warmup. Proceeding to phase 3."),
        .ack_by = GR_STR("joe"),
        .ack_ms = INT64_C(1715894100000),
        .snapshot_error = GR_STR("Prometheus cannot be asked"),
    };
}

START_TEST(one_document)
{
    struct record_decision d = rollback();
    struct gr_buf b = GR_BUF_INIT(65536);

    record_print(&b, GR_STR("tp-1"), &d);
    ck_assert_str_eq(gr_buf_cstr(&b), "---\n"
                                      "decision: rollback\n"
                                      "timestamp: 2024-05-16T21:15:59Z\n"
                                      "deployment_id: tp-1\n"
                                      "spec: demo\n"
                                      "spec_hash: 00ff\n"
                                      "release:\n"
                                      "  cluster: equities\n"
                                      "phase: canary_phase_2\n"
                                      "approver: guardraild\n"
                                      "start_timestamp: 2024-05-16T21:15:00Z\n"
                                      "traffic_share:\n"
                                      "  market_making: 0.05\n"
                                      "  agency: 0.02\n"
                                      "metrics_snapshot:\n"
                                      "  execution.match.latency.p99_ms: 6.8\n"
                                      "  pnl.realized.delta_bps: -1.1\n"
                                      "  gone: null\n"
                                      "metrics_by_slice:\n"
                                      "  - guardrail: latency\n"
                                      "    source: execution.match.latency.p99_ms\n"
                                      "    slice:\n"
                                      "      venue: XNYS\n"
                                      "    value: 6.1\n"
                                      "    unit: ms\n"
                                      "    verdict: healthy\n"
                                      "  - guardrail: latency\n"
                                      "    source: execution.match.latency.p99_ms\n"
                                      "    slice:\n"
                                      "      venue: XNAS\n"
                                      "    value: 6.8\n"
                                      "    unit: ms\n"
                                      "    verdict: hard\n"
                                      "  - guardrail: pnl\n"
                                      "    source: pnl.realized.delta_bps\n"
                                      "    slice: {}\n"
                                      "    value: -1.1\n"
                                      "    unit: bps\n"
                                      "  - guardrail: gone\n"
                                      "    source: gone\n"
                                      "    slice: {}\n"
                                      "    value: null\n"
                                      "    verdict: insufficient\n"
                                      "notes: \"\"\n"
                                      "reason: \"hard breach of latency: 6.8 ms\"\n"
                                      "guardrail: latency\n"
                                      "level: hard\n"
                                      "limit: +20% over control\n"
                                      "slice:\n"
                                      "  venue: XNAS\n"
                                      "on_call: null\n"
                                      "steps:\n"
                                      "  - name: freeze\n"
                                      "    command: deploy/bin/freeze tp-1\n"
                                      "    result: exit 0\n"
                                      "    ok: true\n"
                                      "    attempt: 1\n"
                                      "    started: 2024-05-16T21:16:00Z\n"
                                      "    duration_ms: 412\n"
                                      "    output_sha256: ab12\n"
                                      "  - name: verify\n"
                                      "    result: \"held: \\\"ambiguous\\\"\"\n"
                                      "    ok: false\n"
                                      "outcome: incomplete\n");
    gr_buf_fini(&b);
}
END_TEST

/* The printed document read back by our YAML reader; fails the test on findings. */
static const struct gr_node *
read_back(struct gr_str text, struct gr_sources *sources, struct gr_diags *d)
{
    struct gr_buf found = GR_BUF_INIT(65536);
    struct gr_node *root = NULL;
    uint32_t file;
    enum gr_err err;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("record"), text, &file), GR_OK);
    err = gr_yaml_read(arena, sources, file, &gr_node_limits_default, d, &root);
    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &found);
    ck_assert_msg(err == GR_OK, "%s\n" GR_FMT, gr_buf_cstr(&found), GR_ARG(text));
    gr_buf_fini(&found);
    return root;
}

static bool
is_text(const struct gr_node *map, const char *key, const char *text)
{
    const struct gr_node *node = gr_node_get(map, key);

    return node && node->kind == GR_NODE_SCALAR && gr_str_is(node->text, text);
}

START_TEST(the_playbooks_fields)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct record_decision d = promotion();
    struct gr_buf b = GR_BUF_INIT(65536);
    const struct gr_node *root;

    record_print(&b, GR_STR("tp-1"), &d);
    root = read_back(gr_buf_str(&b), sources, diags);
    ck_assert(is_text(root, "phase", "canary_phase_2") &&
              is_text(root, "approver", "jane.doe@tradepulse.ai"));
    ck_assert(is_text(root, "notes", "Latency normalized after cache warmup. Proceeding to phase 3."));
    ck_assert_int_eq(gr_node_get(root, "start_timestamp")->kind, GR_NODE_NULL);
    ck_assert_int_eq(gr_node_get(root, "traffic_share")->kind, GR_NODE_MAP);
    ck_assert_int_eq(gr_node_get(root, "metrics_snapshot")->kind, GR_NODE_MAP);
    ck_assert(is_text(root, "metrics_snapshot_error", "Prometheus cannot be asked"));
    ck_assert(is_text(gr_node_get(root, "on_call"), "acknowledged_by", "joe"));
    ck_assert_ptr_null(gr_node_get(root, "guardrail"));
    ck_assert_ptr_null(gr_node_get(root, "steps"));
    gr_buf_fini(&b);
    gr_diags_free(diags);
    gr_sources_free(sources);
}
END_TEST

static const struct gr_str hostile[] = {
    GR_STR_INIT("a\ndecision: promote"),
    GR_STR_INIT("---"),
    GR_STR_INIT("...\n---\n"),
    GR_STR_INIT("{a: b}"),
    GR_STR_INIT("&x"),
    GR_STR_INIT("*x"),
    GR_STR_INIT("!!int 7"),
    GR_STR_INIT("null"),
    GR_STR_INIT("yes"),
    GR_STR_INIT("# no"),
    GR_STR_INIT("a # b"),
    GR_STR_INIT("a: b"),
    GR_STR_INIT("\"'"),
    GR_STR_INIT("\\"),
    GR_STR_INIT(" lead"),
    GR_STR_INIT("\x1b[31m"),
    GR_STR_INIT("\xc3\xa9"),
    GR_STR_INIT("\xe2\x80\xa8"),
};

START_TEST(hostile_texts)
{
    struct gr_str bad = hostile[_i];
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct label label = {bad, bad};
    struct record_metric metric = {bad, bad, bad, {&label, 1}, 1, true, 0};
    struct record_step step = {.name = bad, .command = bad, .result = bad, .output_sha256 = bad};
    struct policy_share share = {bad, 1};
    struct record_decision d = {.decision = bad,
                                .spec = bad,
                                .spec_hash = bad,
                                .phase = bad,
                                .approver = bad,
                                .stream = {&label, 1},
                                .traffic = &share,
                                .traffic_count = 1,
                                .metrics = &metric,
                                .metric_count = 1,
                                .notes = bad,
                                .reason = bad,
                                .guardrail = bad,
                                .level = bad,
                                .limit = bad,
                                .slice = {&label, 1},
                                .ack_by = bad,
                                .steps = &step,
                                .step_count = 1,
                                .outcome = bad};
    struct gr_buf b = GR_BUF_INIT(65536);
    const struct gr_node *root;

    record_print(&b, GR_STR("tp-1"), &d);
    root = read_back(gr_buf_str(&b), sources, diags);
    ck_assert(is_text(root, "deployment_id", "tp-1"));
    ck_assert(gr_str_eq(gr_node_get(root, "notes")->text, bad) &&
              gr_str_eq(gr_node_get(root, "outcome")->text, bad));
    ck_assert(gr_str_eq(gr_node_get(root, "release")->first->key, bad));
    ck_assert_uint_eq(gr_node_get(root, "metrics_snapshot")->count, 1);
    gr_buf_fini(&b);
    gr_diags_free(diags);
    gr_sources_free(sources);
}
END_TEST

static struct gr_str
content(const char *id)
{
    struct gr_buf path = GR_BUF_INIT(4096), b = GR_BUF_INIT(RECORD_BYTES_MAX);
    struct gr_str s;

    record_path(&path, dir, gr_str(id));
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &b), GR_OK);
    s = gr_arena_dup(arena, gr_buf_str(&b));
    gr_buf_fini(&path);
    gr_buf_fini(&b);
    return s;
}

static unsigned
mode(const char *id)
{
    struct stat st;

    ck_assert_int_eq(stat(gr_arena_printf(arena, "%s/release_decisions/%s.yaml", dir, id).p, &st), 0);
    return (unsigned)st.st_mode & 0777u;
}

START_TEST(writes_and_seals)
{
    struct record_decision list[] = {promotion(), rollback()};
    struct gr_str one, two;

    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 1, false), GR_OK);
    one = content("tp-1");
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 2, false), GR_OK);
    two = content("tp-1");
    ck_assert(gr_str_starts(two, one) && two.n > one.n);
    ck_assert_uint_eq(mode("tp-1") & 0222u, 0200u);
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 2, true), GR_OK);
    ck_assert_uint_eq(mode("tp-1"), 0444);
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 2, true), GR_OK); /* the same again */
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 1, true), GR_ESTATE);
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 1, false), GR_ESTATE);
    ck_assert(gr_str_eq(content("tp-1"), two));
    ck_assert_uint_eq(mode("tp-1"), 0444);
    ck_assert_int_eq(record_write(dir, GR_STR("tp-2"), list, 1, false), GR_OK); /* another one is free */
}
END_TEST

static const struct gr_str bad_ids[] = {
    GR_STR_INIT(""),   GR_STR_INIT(".."),  GR_STR_INIT("../x"), GR_STR_INIT("a/b"), GR_STR_INIT("/etc/x"),
    GR_STR_INIT(".x"), GR_STR_INIT("a\n"), GR_STR_INIT("a\0b"), GR_STR_INIT("-x"),
};

START_TEST(bad_id)
{
    struct record_decision d = promotion();

    ck_assert_int_eq(record_write(dir, bad_ids[_i], &d, 1, false), GR_ERANGE);
    ck_assert_int_ne(access(gr_arena_printf(arena, "%s/release_decisions", dir).p, F_OK), 0);
}
END_TEST

static int failing_call; /* 1 write, 2 fsync, 3 rename */
static int countdown;

static bool
now_failing(int call)
{
    return failing_call == call && countdown-- <= 0;
}

static ssize_t
bad_write(int fd, const void *p, size_t n)
{
    if (!now_failing(1))
        return gr_sys_real.write(fd, p, n);
    errno = ENOSPC;
    return -1;
}

static int
bad_fsync(int fd)
{
    if (!now_failing(2))
        return gr_sys_real.fsync(fd);
    errno = EIO;
    return -1;
}

static int
bad_rename(const char *from, const char *to)
{
    if (!now_failing(3))
        return gr_sys_real.rename(from, to);
    errno = EACCES;
    return -1;
}

/* A write that fails anywhere before the rename leaves the old file, and nothing beside it. */
START_TEST(failures_leave_the_old_one)
{
    static const enum gr_err want[] = {GR_OK, GR_ENOSPC, GR_EIO, GR_EACCES};
    struct record_decision list[] = {promotion(), rollback()};
    struct gr_str before;

    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 1, false), GR_OK);
    before = content("tp-1");
    failing_call = _i;
    countdown = 0;
    gr_sys.write = bad_write;
    gr_sys.fsync = bad_fsync;
    gr_sys.rename = bad_rename;
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 2, true), want[_i]);
    gr_sys = gr_sys_real;
    ck_assert(gr_str_eq(content("tp-1"), before));
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), list, 2, true), GR_OK);
}
END_TEST

START_TEST(folder_in_the_way)
{
    struct record_decision d = promotion();

    fixture_file(dir, "release_decisions", "a file\n", 0644);
    ck_assert_int_eq(record_write(dir, GR_STR("tp-1"), &d, 1, false), GR_EEXIST);
}
END_TEST

Suite *
record_suite(void)
{
    Suite *s = suite_create("record");
    TCase *tc = tcase_create("record");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_document);
    tcase_add_test(tc, the_playbooks_fields);
    tcase_add_loop_test(tc, hostile_texts, 0, GR_COUNT(hostile));
    tcase_add_test(tc, writes_and_seals);
    tcase_add_loop_test(tc, bad_id, 0, GR_COUNT(bad_ids));
    tcase_add_loop_test(tc, failures_leave_the_old_one, 1, 4);
    tcase_add_test(tc, folder_in_the_way);
    suite_add_tcase(s, tc);
    return s;
}
