#include "config.h"
#include "test_webhook.h"

#include <stdlib.h>
#include <string.h>
#include "webhook/intake_read.h"

#define BODY_(head, labels, annotations, rest)                                                               \
    "{" head "\"receiver\":\"r\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":"       \
    "{\"alertname\":\"A\"" labels "},\"annotations\":{" annotations "},\"startsAt\":"                        \
    "\"2026-11-23T14:05:09.123+02:00\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"g\","          \
    "\"fingerprint\":\"f\"}],\"groupLabels\":{},\"commonLabels\":{},\"commonAnnotations\":{},"               \
    "\"externalURL\":\"u\",\"version\":\"4\",\"groupKey\":\"k\"" rest "}"
#define BODY(labels, annotations) BODY_("", labels, annotations, ",\"truncatedAlerts\":7")

/* GR_OK: read, as the thorough reader reads it; GR_ESTATE: left to that one, whatever it makes of it. */
static const struct {
    const char *name, *body;
    enum gr_err want;
} rows[] = {
    {"as it comes", BODY(",\"z\":\"1\",\"b\":\"c\"", "\"spec_hash\":\"h\",\"common_cause\":\"control\""),
     GR_OK},
    {"blanks", " \n" BODY(" ,\t\"b\" : \"c\" ", "") "\r\n ", GR_OK},
    {"no truncatedAlerts", BODY_("", "", "", ""), GR_OK},
    {"short escapes", BODY("", "\"summary\":\"a\\\"b\\\\c\\/d\\n\\t\\r\\b\\f\""), GR_OK},
    {"escapes of ASCII", BODY("", "\"summary\":\"a\\u0026b\\u003c\\u007f\""), GR_OK},
    {"an empty value", BODY(",\"b\":\"\"", ""), GR_OK},
    {"no alerts",
     "{\"receiver\":\"r\",\"status\":\"resolved\",\"alerts\":[],\"groupLabels\":{},\"commonLabels\":{},"
     "\"commonAnnotations\":{},\"externalURL\":\"u\",\"version\":\"4\",\"groupKey\":\"k\"}",
     GR_OK},
    {"UTF-8", BODY("", "\"summary\":\"\xc3\xa9\""), GR_ESTATE},
    {"invalid UTF-8", BODY("", "\"summary\":\"\xff\""), GR_ESTATE},
    {"an escape of more than ASCII", BODY("", "\"summary\":\"\\u00e9\""), GR_ESTATE},
    {"upper-case digits", BODY("", "\"summary\":\"\\u003C\""), GR_ESTATE},
    {"an escaped NUL", BODY("", "\"summary\":\"\\u0000\""), GR_ESTATE},
    {"an unknown escape", BODY("", "\"summary\":\"\\x\""), GR_ESTATE},
    {"a control character", BODY("", "\"summary\":\"a\tb\""), GR_ESTATE},
    {"a control character far in", BODY("", "\"summary\":\"abcdefghijklmnop\nq\""), GR_ESTATE},
    {"an unknown member", BODY_("\"more\":1,", "", "", ""), GR_ESTATE},
    {"a member twice", BODY_("\"version\":\"4\",", "", "", ""), GR_ESTATE},
    {"a label twice", BODY(",\"b\":\"1\",\"b\":\"2\"", ""), GR_ESTATE},
    {"no name of a label", BODY(",\"b-c\":\"1\"", ""), GR_ESTATE},
    {"a number for a text", BODY(",\"b\":1", ""), GR_ESTATE},
    {"a comma too many", BODY(",", ""), GR_ESTATE},
    {"no comma", BODY(" \"b\":\"c\"", ""), GR_ESTATE},
    {"something behind it", BODY("", "") "x", GR_ESTATE},
    {"a number with a needless 0", BODY_("", "", "", ",\"truncatedAlerts\":07"), GR_ESTATE},
    {"a negative number", BODY_("", "", "", ",\"truncatedAlerts\":-1"), GR_ESTATE},
    {"a fraction", BODY_("", "", "", ",\"truncatedAlerts\":1.5"), GR_ESTATE},
    {"a list", "[]", GR_ESTATE},
    {"nothing", "", GR_ESTATE},
};

static void
same_labels(const char *name, struct label_set a, struct label_set b)
{
    ck_assert_msg(labels_equal(a, b), "%s", name);
    for (size_t i = 0; i < a.count; i++)
        ck_assert_msg(gr_str_eq(a.items[i].name, b.items[i].name), "%s: %zu", name, i);
}

START_TEST(a_part_of_what_the_thorough_one_takes)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_buf error = GR_BUF_INIT(1024);
    struct intake_batch quick = {.count = 77}, slow = {.count = 0};
    struct gr_str body = gr_str(rows[_i].body);
    enum gr_err got = intake_read(a, body, 1000, &quick);

    ck_assert_msg(got == rows[_i].want, "%s: %s", rows[_i].name, gr_err_name(got));
    if (got != GR_OK) {
        ck_assert_uint_eq(quick.count, 77);
        goto done;
    }
    ck_assert_int_eq(intake_parse_thorough(a, body, 1000, &slow, &error), GR_OK);
    ck_assert_uint_eq(quick.count, slow.count);
    ck_assert_int_eq(quick.truncated, slow.truncated);
    ck_assert(gr_str_eq(quick.receiver, slow.receiver) && gr_str_eq(quick.group_key, slow.group_key));
    for (size_t i = 0; i < quick.count; i++) {
        const struct intake_alert *q = &quick.alerts[i], *s = &slow.alerts[i];

        same_labels(rows[_i].name, q->decide.labels, s->decide.labels);
        same_labels(rows[_i].name, q->annotations, s->annotations);
        ck_assert(gr_str_eq(q->alertname, s->alertname) && gr_str_eq(q->generator_url, s->generator_url) &&
                  gr_str_eq(q->decide.spec_hash, s->decide.spec_hash) &&
                  gr_str_eq(q->decide.common_cause, s->decide.common_cause));
        ck_assert(q->decide.firing == s->decide.firing && q->decide.received_ms == 1000);
        ck_assert_int_eq(q->decide.starts_at_ms, s->decide.starts_at_ms);
        ck_assert_int_eq(q->decide.ends_at_ms, s->decide.ends_at_ms);
    }
done:
    gr_arena_free(a);
    gr_buf_fini(&error);
}
END_TEST

/* Cut anywhere, it is left to the thorough reader, which refuses it. */
START_TEST(cut_short)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_str whole = gr_str(BODY(",\"b\":\"c\"", "\"summary\":\"a\\\"b\\u0026c\""));
    struct intake_batch batch;

    for (size_t n = 0; n < whole.n; n++) {
        char *copy = malloc(n + 1); /* so that a sanitizer sees a look behind the end */

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, whole.p, n);
        ck_assert_msg(intake_read(a, (struct gr_str){copy, n}, 1000, &batch) == GR_ESTATE, "%zu", n);
        free(copy);
        gr_arena_reset(a);
    }
    gr_arena_free(a);
}
END_TEST

/* Limits of the thorough reader that are limits here, at them and one past them. */
static const struct {
    const char *name;
    size_t labels, name_bytes, value_bytes;
    enum gr_err want;
} limits[] = {
    {"labels", INTAKE_LABELS_MAX, 0, 0, GR_OK},
    {"a label more", INTAKE_LABELS_MAX + 1, 0, 0, GR_ESTATE},
    {"a name", 2, INTAKE_NAME_BYTES_MAX, 0, GR_OK},
    {"a longer name", 2, INTAKE_NAME_BYTES_MAX + 1, 0, GR_ESTATE},
    {"a value", 2, 0, INTAKE_VALUE_BYTES_MAX, GR_OK},
    {"a longer value", 2, 0, INTAKE_VALUE_BYTES_MAX + 1, GR_ESTATE},
};
START_TEST(at_its_limits)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_buf labels = GR_BUF_INIT(1u << 20), body = GR_BUF_INIT(1u << 20);
    struct gr_str text = gr_str(BODY("@", ""));
    size_t at = gr_str_find(text, GR_STR("@"), 0);
    struct intake_batch batch = {.count = 0};

    for (size_t i = 1; i < limits[_i].labels; i++) {
        gr_buf_printf(&labels, ",\"l%zu", i);
        for (size_t n = 2; i == 1 && n < limits[_i].name_bytes; n++)
            gr_buf_putc(&labels, 'x');
        gr_buf_puts(&labels, "\":\"");
        for (size_t n = 0; i == 1 && n < limits[_i].value_bytes; n++)
            gr_buf_putc(&labels, 'v');
        gr_buf_puts(&labels, "\"");
    }
    gr_buf_put(&body, gr_str_sub(text, 0, at));
    gr_buf_put(&body, gr_buf_str(&labels));
    gr_buf_put(&body, gr_str_sub(text, at + 1, text.n));
    ck_assert_int_eq(gr_buf_err(&body), GR_OK);
    ck_assert_msg(intake_read(a, gr_buf_str(&body), 1000, &batch) == limits[_i].want, "%s", limits[_i].name);
    gr_arena_free(a);
    gr_buf_fini(&labels);
    gr_buf_fini(&body);
}
END_TEST

START_TEST(without_memory)
{
    struct gr_arena *a = gr_arena_create(64);
    struct intake_batch batch = {.count = 0};

    ck_assert_int_eq(intake_read(a, gr_str(BODY("", "")), 1000, &batch), GR_ENOMEM);
    gr_arena_free(a);
}
END_TEST

Suite *
intake_read_suite(void)
{
    Suite *suite = suite_create("intake_read");
    TCase *tc = tcase_create("intake_read");

    tcase_add_loop_test(tc, a_part_of_what_the_thorough_one_takes, 0, GR_COUNT(rows));
    tcase_add_test(tc, cut_short);
    tcase_add_loop_test(tc, at_its_limits, 0, GR_COUNT(limits));
    tcase_add_test(tc, without_memory);
    suite_add_tcase(suite, tc);
    return suite;
}
