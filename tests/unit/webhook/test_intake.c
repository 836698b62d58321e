#include "config.h"
#include "test_webhook.h"

#include <string.h>
#include "webhook/intake.h"

#define HEAD(version, alerts)                                                                                \
    "{\"version\":" version                                                                                  \
    ",\"groupKey\":\"k\",\"status\":\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"                       \
    "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":" alerts "}"
#define ALERT_(labels, annotations, starts, ends, rest)                                                      \
    "{\"status\":\"firing\",\"labels\":" labels ",\"annotations\":" annotations ",\"startsAt\":\"" starts    \
    "\",\"endsAt\":\"" ends "\",\"generatorURL\":\"g\",\"fingerprint\":\"f\"" rest "}"
#define ALERT(labels)                                                                                        \
    ALERT_(labels, "{\"spec_hash\":\"h\",\"common_cause\":\"control\"}", "2026-11-23T14:05:09.123+02:00",    \
           "0001-01-01T00:00:00Z", "")
#define NAMED "{\"alertname\":\"A\",\"b\":\"c\"}"

static struct gr_arena *arena;
static struct gr_buf error;
static struct intake_batch batch;

static void
setup(void)
{
    arena = gr_arena_create(192u << 20);
    ck_assert_ptr_nonnull(arena);
    gr_buf_init(&error, 4096);
    memset(&batch, 0, sizeof batch);
}

static void
teardown(void)
{
    gr_arena_free(arena);
    gr_buf_fini(&error);
}

static enum gr_err
parse(const char *text)
{
    return intake_parse(arena, gr_str(text), 1000, &batch, &error);
}

START_TEST(accepted)
{
    const struct intake_alert *a;

    ck_assert_msg(parse(HEAD("\"4\"", "[" ALERT(NAMED) "]")) == GR_OK, "%s", gr_buf_cstr(&error));
    ck_assert_uint_eq(batch.count, 1);
    a = &batch.alerts[0];
    ck_assert(a->decide.firing);
    ck_assert(gr_str_is(a->alertname, "A"));
    ck_assert(gr_str_is(a->decide.spec_hash, "h"));
    ck_assert(gr_str_is(a->decide.common_cause, GR_COMMON_CAUSE_CONTROL));
    ck_assert_int_eq(a->decide.starts_at_ms, INT64_C(1795435509123)); /* 12:05:09.123 UTC */
    ck_assert_int_eq(a->decide.ends_at_ms, 0);
    ck_assert_int_eq(a->decide.received_ms, 1000);
    ck_assert(gr_str_is(labels_get(a->decide.labels, GR_STR("b")), "c"));
}
END_TEST

START_TEST(no_alerts_and_unknown_members)
{
    ck_assert_int_eq(parse(HEAD("\"4\"", "[]")), GR_OK);
    ck_assert_uint_eq(batch.count, 0);
    ck_assert_int_eq(parse("{\"new\":[1,{\"x\":null}]," HEAD("\"4\"", "[]")), GR_EUSER); /* two objects: no */
    ck_assert_int_eq(parse(HEAD("\"4\",\"notification_reason\":\"unknown\",\"routeLabels\":{}", "[]")),
                     GR_OK);
}
END_TEST

START_TEST(cut_alerts_are_counted)
{
    ck_assert_int_eq(parse(HEAD("\"4\",\"truncatedAlerts\":12", "[]")), GR_OK);
    ck_assert_int_eq(batch.truncated, 12);
    ck_assert_int_eq(parse(HEAD("\"4\"", "[]")), GR_OK); /* Alertmanager before 0.16 */
    ck_assert_int_eq(batch.truncated, 0);
}
END_TEST

static const struct {
    const char *name, *text;
} bad[] = {
    {"empty", ""},
    {"no object", "[]"},
    {"negative truncatedAlerts", HEAD("\"4\",\"truncatedAlerts\":-1", "[]")},
    {"truncatedAlerts as a string", HEAD("\"4\",\"truncatedAlerts\":\"1\"", "[]")},
    {"truncatedAlerts of 2^31", HEAD("\"4\",\"truncatedAlerts\":2147483648", "[]")},
    {"version 3", HEAD("\"3\"", "[]")},
    {"version as a number", HEAD("4", "[]")},
    {"no version", "{\"alerts\":[]}"},
    {"alerts an object", HEAD("\"4\"", "{}")},
    {"alert a list", HEAD("\"4\"", "[[]]")},
    {"labels a list", HEAD("\"4\"", "[" ALERT("[]") "]")},
    {"label a number", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"b\":1}") "]")},
    {"label null", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"b\":null}") "]")},
    {"label name empty", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"\":\"x\"}") "]")},
    {"label name with a colon", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"a:b\":\"x\"}") "]")},
    {"label name with a digit first", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"1a\":\"x\"}") "]")},
    {"label twice", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"a\":\"x\",\"a\":\"y\"}") "]")},
    {"no alertname", HEAD("\"4\"", "[" ALERT("{\"a\":\"x\"}") "]")},
    {"escaped NUL", HEAD("\"4\"", "[" ALERT("{\"alertname\":\"A\",\"b\":\"x\\u0000y\"}") "]")},
    {"no time", HEAD("\"4\"", "[" ALERT_(NAMED, "{}", "soon", "0001-01-01T00:00:00Z", "") "]")},
    {"no end", HEAD("\"4\"", "[" ALERT_(NAMED, "{}", "2026-01-01T00:00:00Z", "", "") "]")},
    {"annotations a text",
     HEAD("\"4\"", "[" ALERT_(NAMED, "\"\"", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "") "]")},
    {"behind the end", HEAD("\"4\"", "[]") "x"},
    {"single quotes", "{'version':'4'}"},
};
START_TEST(refused)
{
    ck_assert_msg(parse(bad[_i].text) == GR_EUSER, "%s: accepted", bad[_i].name);
    ck_assert_msg(error.n > 0, "%s: no words", bad[_i].name);
    ck_assert_uint_eq(batch.count, 0);
}
END_TEST

/* n labels, names of name_bytes, values of value_bytes. */
static enum gr_err
parse_labels(int n, size_t name_bytes, size_t value_bytes)
{
    struct gr_buf b = GR_BUF_INIT(8u << 20), labels = GR_BUF_INIT(4u << 20);
    enum gr_err err;

    gr_buf_puts(&labels, "{\"alertname\":\"A\"");
    for (int i = 1; i < n; i++) {
        size_t start = labels.n + 2;
        gr_buf_printf(&labels, ",\"l%d_", i);
        while (labels.n - start < name_bytes)
            gr_buf_putc(&labels, 'x');
        gr_buf_puts(&labels, "\":\"");
        for (size_t k = 0; k < value_bytes; k++)
            gr_buf_putc(&labels, 'v');
        gr_buf_putc(&labels, '"');
    }
    gr_buf_putc(&labels, '}');
    gr_buf_puts(
        &b,
        "{\"version\":\"4\",\"groupKey\":\"k\",\"status\":\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"
        "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":[{\"status\":"
        "\"firing\",\"labels\":");
    gr_buf_put(&b, gr_buf_str(&labels));
    gr_buf_puts(
        &b, ",\"annotations\":{},\"startsAt\":\"2026-01-01T00:00:00Z\",\"endsAt\":\"0001-01-01T00:00:00Z\","
            "\"generatorURL\":\"\",\"fingerprint\":\"\"}]}");
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    err = intake_parse(arena, gr_buf_str(&b), 1, &batch, &error);
    gr_buf_fini(&b);
    gr_buf_fini(&labels);
    return err;
}

static const struct {
    const char *name;
    int labels;
    size_t name_bytes, value_bytes;
    enum gr_err want;
} limits[] = {
    {"64 labels", 64, 8, 8, GR_OK},       {"65 labels", 65, 8, 8, GR_EUSER},
    {"name of 256", 2, 256, 8, GR_OK},    {"name of 257", 2, 257, 8, GR_EUSER},
    {"value of 4096", 2, 8, 4096, GR_OK}, {"value of 4097", 2, 8, 4097, GR_EUSER},
};
START_TEST(at_the_limits)
{
    enum gr_err got = parse_labels(limits[_i].labels, limits[_i].name_bytes, limits[_i].value_bytes);

    ck_assert_msg(got == limits[_i].want, "%s: %s (%s)", limits[_i].name, gr_err_name(got),
                  gr_buf_cstr(&error));
}
END_TEST

static const struct {
    int alerts;
    enum gr_err want;
} counts[] = {{10000, GR_OK}, {10001, GR_ELIMIT}};
START_TEST(number_of_alerts)
{
    struct gr_buf b = GR_BUF_INIT(8u << 20);

    gr_buf_puts(
        &b,
        "{\"version\":\"4\",\"groupKey\":\"k\",\"status\":\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"
        "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":[");
    for (int i = 0; i < counts[_i].alerts; i++) {
        gr_buf_puts(&b, i ? "," : "");
        gr_buf_puts(&b, ALERT(NAMED));
    }
    gr_buf_puts(&b, "]}");
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_int_eq(intake_parse(arena, gr_buf_str(&b), 1, &batch, &error), counts[_i].want);
    ck_assert_uint_eq(batch.count, counts[_i].want == GR_OK ? 10000 : 0);
    gr_buf_fini(&b);
}
END_TEST

/* Refused before memory is spent on them: a further member of the payload that holds n times `each`, between `open` and `close`. */
static const struct {
    const char *name, *open, *each, *close;
    int n;
    enum gr_err want;
} members[] = {
    {"128 members", "{\"x\":0", ",\"k%d\":1", "}", 127, GR_OK},
    {"129 members", "{\"x\":0", ",\"k%d\":1", "}", 128, GR_EUSER},
    {"10 000 elements", "[0", ",%d", "]", 9999, GR_OK},
    {"10 001 elements", "[0", ",%d", "]", 10000, GR_ELIMIT},
    {"members side by side", "[{\"x\":0}", ",{\"k%d\":1,\"l\":2}", "]", 9999, GR_OK},
    {"14 below", "", "", "[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]", 0, GR_OK},
    {"16 below", "", "", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", 0, GR_EUSER},
    {"in a string", "\"\\\"[[[[[[[[[[[[[[[[[{{,\\\\", ",%d", "\"", 9000, GR_OK},
};
START_TEST(members_are_counted_first)
{
    struct gr_buf b = GR_BUF_INIT(8u << 20);
    const char *each = members[_i].each;
    size_t at = strcspn(each, "%");
    enum gr_err got;

    gr_buf_puts(
        &b,
        "{\"version\":\"4\",\"groupKey\":\"k\",\"status\":\"firing\",\"receiver\":\"r\",\"groupLabels\":{},"
        "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":[],\"more\":");
    gr_buf_puts(&b, members[_i].open);
    for (int i = 0; i < members[_i].n; i++) {
        gr_buf_put(&b, (struct gr_str){each, at});
        gr_buf_printf(&b, "%d", i);
        gr_buf_puts(&b, each + at + 2);
    }
    gr_buf_puts(&b, members[_i].close);
    gr_buf_puts(&b, "}");
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    got = intake_parse(arena, gr_buf_str(&b), 1, &batch, &error);
    ck_assert_msg(got == members[_i].want, "%s: %s (%s)", members[_i].name, gr_err_name(got),
                  gr_buf_cstr(&error));
    ck_assert_int_eq(got == GR_OK, error.n == 0);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(without_memory)
{
    struct gr_arena *tiny = gr_arena_create(256);

    ck_assert_int_eq(intake_parse(tiny, GR_STR(HEAD("\"4\"", "[" ALERT(NAMED) "]")), 1, &batch, &error),
                     GR_ENOMEM);
    ck_assert_uint_eq(batch.count, 0);
    gr_arena_free(tiny);
}
END_TEST

START_TEST(beats)
{
    ck_assert_int_eq(
        parse(HEAD("\"4\"", "[" ALERT("{\"alertname\":\"GuardrailWatchdog\"}") "," ALERT(NAMED) "]")), GR_OK);
    ck_assert_uint_eq(intake_beats(&batch), 1);
}
END_TEST

Suite *
intake_suite(void)
{
    Suite *suite = suite_create("intake");
    TCase *tc = tcase_create("intake");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, accepted);
    tcase_add_test(tc, no_alerts_and_unknown_members);
    tcase_add_test(tc, cut_alerts_are_counted);
    tcase_add_loop_test(tc, refused, 0, GR_COUNT(bad));
    tcase_add_loop_test(tc, at_the_limits, 0, GR_COUNT(limits));
    tcase_add_loop_test(tc, number_of_alerts, 0, GR_COUNT(counts));
    tcase_add_loop_test(tc, members_are_counted_first, 0, GR_COUNT(members));
    tcase_add_test(tc, without_memory);
    tcase_add_test(tc, beats);
    suite_add_tcase(suite, tc);
    return suite;
}
