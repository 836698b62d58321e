/* test_metrics.c - /metrics and the table in docs/metrics.md say the same. */
#include "config.h"
#include "test_webhook.h"

#include <check.h>
#include <stdlib.h>
#include "bench.h"
#include "fixture.h"
#include "guardrail/file.h"
#include "webhook/metrics.h"
#include "webhook/outbox.h"

static struct bench bench;
static struct gr_buf text, docs;

static void
setup(void)
{
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_buf path = GR_BUF_INIT(4096);

    bench_make(&bench);
    atomic_store(&bench.app.tls_expires_s, 1);
    metrics_request(bench.app.metrics, "GET", "/metrics", 200);
    gr_buf_init(&text, 16u << 20);
    gr_buf_init(&docs, 1u << 20);
    metrics_print(&bench.app, &text);
    ck_assert_int_eq(gr_buf_err(&text), GR_OK);
    gr_buf_printf(&path, "%s/docs/metrics.md", srcdir ? srcdir : "..");
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &docs), GR_OK);
    gr_buf_fini(&path);
}

static void
teardown(void)
{
    gr_buf_fini(&text);
    gr_buf_fini(&docs);
    bench_remove(&bench);
}

/* The next line that begins with `head`, without it. */
static bool
next_with(struct gr_str *rest, const char *head, struct gr_str *out)
{
    struct gr_str line;

    while (rest->n > 0 && gr_str_next(rest, '\n', &line))
        if (gr_str_starts(line, gr_str(head))) {
            *out = gr_str_sub(line, strlen(head), line.n);
            return true;
        }
    return false;
}

/* "name type" of each # TYPE line is "| `name` | type |" in the table, with a unit; each name once. */
START_TEST(each_metric_is_in_the_table)
{
    struct gr_str rest = gr_buf_str(&text), line, name = GR_STR_NONE;
    size_t n = 0;

    while (next_with(&rest, "# TYPE ", &line)) {
        struct gr_buf row = GR_BUF_INIT(1024);
        size_t at;

        ck_assert(gr_str_next(&line, ' ', &name));
        gr_buf_printf(&row, "\n| `" GR_FMT "` | " GR_FMT " | ", GR_ARG(name), GR_ARG(line));
        at = gr_str_find(gr_buf_str(&docs), gr_buf_str(&row), 0);
        ck_assert_msg(at != SIZE_MAX, "docs/metrics.md has no row %s", gr_buf_cstr(&row));
        ck_assert_msg(docs.p[at + row.n] != '|', "%s: no unit", gr_buf_cstr(&row));
        ck_assert_msg(gr_str_find(gr_buf_str(&docs), gr_buf_str(&row), at + 1) == SIZE_MAX, "%s: twice",
                      gr_buf_cstr(&row));
        gr_buf_fini(&row);
        n++;
    }
    ck_assert_uint_gt(n, 40);
}
END_TEST

START_TEST(each_row_is_a_metric)
{
    struct gr_str rest = gr_buf_str(&docs), line, name = GR_STR_NONE;
    size_t n = 0;

    while (next_with(&rest, "| `", &line)) {
        struct gr_buf type = GR_BUF_INIT(1024), help = GR_BUF_INIT(1024);

        ck_assert(gr_str_next(&line, '`', &name));
        gr_buf_printf(&type, "# TYPE " GR_FMT " ", GR_ARG(name));
        gr_buf_printf(&help, "# HELP " GR_FMT " ", GR_ARG(name));
        ck_assert_msg(gr_str_find(gr_buf_str(&text), gr_buf_str(&type), 0) != SIZE_MAX, "no metric " GR_FMT,
                      GR_ARG(name));
        ck_assert_msg(gr_str_find(gr_buf_str(&text), gr_buf_str(&help), 0) != SIZE_MAX, "no help of " GR_FMT,
                      GR_ARG(name));
        gr_buf_fini(&type);
        gr_buf_fini(&help);
        n++;
    }
    ck_assert_uint_gt(n, 40);
}
END_TEST

/* A release with one rollback: what /metrics says of its times. */
static const struct rollback_row {
    const char *kind, *state;
    const char *end; /* NULL: none yet; "": not even a beginning */
} rollback_rows[] = {
    {"rollback", "ready", NULL},
    {"rollback", "running", NULL},
    {"rollback", "held", NULL},
    {"rollback", "waiting", NULL},
    {"rollback", "done", "done"},
    {"rollback", "failed", "failed"},
    {"rollback", "ambiguous", "ambiguous"},
    {"rollback", "denied", "denied"},
    {"rollback", "cancelled", "cancelled"},
    {"rollback", "dead", "dead"},
    {"rollback", "void", ""},
    {"rollback", "observed", ""},
    {"abort", "done", ""},
};

static enum gr_err
add_rollback(struct db *db, void *arg)
{
    const struct rollback_row *row = arg;
    const struct release_act by = {.by = GR_STR("jane"), .reason = GR_STR("because"), .now_ms = 1000};
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release r;
    bool added;
    enum gr_err err;

    if ((err = release_start(db, &bench.policies, fixture_labels(bench.arena, "cluster=equities"),
                             GR_STR("d1"), &by, &r, &why)) == GR_OK)
        err = outbox_add(db,
                         &(struct outbox_effect){.key = GR_STR("k"),
                                                 .kind = gr_str(row->kind),
                                                 .target = GR_STR("rollback"),
                                                 .release_id = r.id,
                                                 .guardrail = GR_STR("error_rate"),
                                                 .level = GR_STR("hard"),
                                                 .epoch = 1,
                                                 .state = GR_STR("ready"),
                                                 .payload = GR_STR("{}")},
                         2000, &added);
    if (err == GR_OK && strcmp(row->state, "ready") != 0)
        err = outbox_finish(db, 1, row->state, GR_STR(""), 65500);
    gr_buf_fini(&why);
    return err;
}

START_TEST(a_rollback_has_its_times)
{
    struct rollback_row row = rollback_rows[_i];
    struct gr_str line, rest;
    struct gr_buf want = GR_BUF_INIT(1024);

    bench_call(&bench, add_rollback, &row, GR_OK);
    gr_buf_reset(&text);
    metrics_print(&bench.app, &text);
    rest = gr_buf_str(&text);
    ck_assert_int_eq(next_with(&rest, "guardraild_rollback_start_seconds{", &line), !row.end || *row.end);
    if (!row.end || *row.end)
        ck_assert_msg(
            gr_str_ends(line, GR_STR("deployment_id=\"d1\",guardrail=\"error_rate\",level=\"hard\"} 2")),
            GR_FMT, GR_ARG(line));
    rest = gr_buf_str(&text);
    ck_assert_int_eq(next_with(&rest, "guardraild_rollback_end_seconds{", &line), row.end && *row.end);
    if (row.end && *row.end) {
        gr_buf_printf(&want, ",level=\"hard\",state=\"%s\"} 65.5", row.end);
        ck_assert_msg(gr_str_ends(line, gr_buf_str(&want)), GR_FMT, GR_ARG(line));
    }
    gr_buf_fini(&want);
}
END_TEST

Suite *
metrics_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("metrics");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_metric_is_in_the_table);
    tcase_add_test(tc, each_row_is_a_metric);
    tcase_add_loop_test(tc, a_rollback_has_its_times, 0, GR_COUNT(rollback_rows));
    suite_add_tcase(suite, tc);
    return suite;
}
