#include "config.h"
#include "guardrail/diag.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "../fault.h"
#include "test_base.h"

static struct gr_sources *sources;
static struct gr_diags *diags;
static struct gr_buf out;

static void
setup(void)
{
    sources = gr_sources_create();
    ck_assert_ptr_nonnull(sources);
    diags = gr_diags_create(sources);
    ck_assert_ptr_nonnull(diags);
    gr_buf_init(&out, 16u << 20);
}

static void
teardown(void)
{
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_buf_fini(&out);
}

static uint32_t
add(const char *name, struct gr_str text)
{
    uint32_t file = 0;

    ck_assert_int_eq(gr_sources_add(sources, gr_str(name), text, &file), GR_OK);
    return file;
}

static const char *
a_page(enum gr_code code)
{
    return code == GR0103 ? "why\n" : NULL;
}

static const char *
printed(enum gr_diag_format format)
{
    gr_buf_reset(&out);
    gr_diags_print(diags, (struct gr_diag_style){.format = format, .tool = "guardrailc", .page = a_page},
                   &out);
    ck_assert_int_eq(gr_buf_err(&out), GR_OK);
    return gr_buf_cstr(&out);
}

static cJSON *
sarif(void)
{
    cJSON *json = cJSON_Parse(printed(GR_DIAG_SARIF));

    ck_assert_ptr_nonnull(json);
    ck_assert(gr_str_is_utf8(gr_buf_str(&out)));
    return json;
}

static const cJSON *
run_member(const cJSON *log, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(log, "runs"), 0), name);
}

static const char *
fingerprint(const cJSON *log, int result)
{
    const cJSON *r = cJSON_GetArrayItem(run_member(log, "results"), result);

    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(r, "partialFingerprints"), "guardrailFinding/v1"));
}

#define HEAD                                                                                                 \
    "{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"                     \
    "sarif-schema-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":"             \
    "\"guardrailc\",\"version\":\"" PACKAGE_VERSION "\",\"rules\":["

START_TEST(a_log_looks_as_drawn)
{
    uint32_t f = add("a dir/f.yml", GR_STR("unit: mz\nb\n"));
    struct gr_str got;
    size_t print_at;

    gr_diag(diags, GR0103, (struct gr_span){f, 6, 8}, GR_STR("say \"ms\""), "unknown unit");
    gr_diag_note(diags, (struct gr_span){f, 9, 10}, "n1");
    gr_diag_note(diags, GR_SPAN_NONE, "n2");
    gr_diag(diags, GR0312, GR_SPAN_NONE, GR_STR_NONE, "never used");
    got = gr_str(printed(GR_DIAG_SARIF));
    /* the fingerprint's digits are looked at below */
    while ((print_at = gr_str_find(got, GR_STR("/v1\":\""), 0)) != SIZE_MAX)
        memset(out.p + (got.p - out.p) + print_at, '#', 6 + 32), got = gr_str_sub(got, print_at, got.n);
    ck_assert_str_eq(
        gr_buf_cstr(&out), HEAD
        "{\"id\":\"GR0103\",\"name\":\"wrong-type\",\"shortDescription\":{\"text\":\"a value of another "
        "kind is expected here\"},\"help\":{\"text\":\"why\\n\"},\"defaultConfiguration\":{\"level\":"
        "\"error\"}},{\"id\":\"GR0312\",\"name\":\"no-budget\",\"shortDescription\":{\"text\":\"without a "
        "budget the first "
        "excursion fires\"},\"help\":{\"text\":\"without a budget the first "
        "excursion "
        "fires\"},\"defaultConfiguration\":{\"level\":\"warning\"}}]}},\"columnKind\":\"unicodeCodePoints\","
        "\"invocations\":[{\"executionSuccessful\":true}],\"results\":[{\"ruleId\":\"GR0312\","
        "\"ruleIndex\":1,\"level\":\"warning\",\"message\":{\"text\":\"never "
        "used\"},\"partialFingerprints\":{\"guardrailFinding######################################:1\"}},"
        "{\"ruleId\":\"GR0103\",\"ruleIndex\":0,\"level\":\"error\",\"message\":{\"text\":\"unknown "
        "unit; say \\\"ms\\\"\"},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":"
        "\"a%20dir/f.yml\"},\"region\":{\"startLine\":1,\"startColumn\":7,\"endLine\":1,\"endColumn\":"
        "9}}}],\"relatedLocations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"a%20dir/"
        "f.yml\"},\"region\":{\"startLine\":2,\"startColumn\":1,\"endLine\":2,\"endColumn\":2}},"
        "\"message\":{\"text\":\"n1\"}},{\"message\":{\"text\":\"n2\"}}],\"partialFingerprints\":{"
        "\"guardrailFinding######################################:1\"}}]}]}\n");
}
END_TEST

START_TEST(a_clean_run_is_a_log_too)
{
    ck_assert_str_eq(printed(GR_DIAG_SARIF), HEAD
                     "]}},\"columnKind\":\"unicodeCodePoints\",\"invocations\":[{\"executionSuccessful\":"
                     "true}],\"results\":[]}]}\n");
    ck_assert_str_eq(printed(GR_DIAG_GITHUB), "");
}
END_TEST

/* A finding that moves keeps its fingerprint; another message, file or repetition has another one. */
START_TEST(fingerprints_do_not_know_lines)
{
    static const char *const texts[] = {"a: 1\na: 1\n", "# moved\n\na: 1\na: 1\n"};
    char *prints[2][3];

    for (size_t round = 0; round < 2; round++) {
        uint32_t f, at = (uint32_t)strlen(texts[round]) - 10;
        cJSON *log;

        teardown();
        setup();
        f = add("f.yml", gr_str(texts[round]));
        gr_diag(diags, GR0103, (struct gr_span){f, at, at + 1}, GR_STR_NONE, "same");
        gr_diag(diags, GR0103, (struct gr_span){f, at + 5, at + 6}, GR_STR_NONE, "same");
        gr_diag(diags, GR0103, (struct gr_span){f, at + 6, at + 7}, GR_STR_NONE, "other");
        log = sarif();
        for (int i = 0; i < 3; i++)
            ck_assert_ptr_nonnull(prints[round][i] = strdup(fingerprint(log, i)));
        cJSON_Delete(log);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(prints[0][i], prints[1][i]);
    ck_assert_str_ne(prints[0][0], prints[0][1]);
    ck_assert_str_ne(prints[0][0], prints[0][2]);
    ck_assert_ptr_nonnull(strstr(prints[0][1], ":2"));
    for (int i = 0; i < 6; i++)
        free(prints[i / 3][i % 3]);
}
END_TEST

START_TEST(what_was_dropped_is_said)
{
    uint32_t f = add("f", GR_STR("x"));
    cJSON *log;

    for (unsigned i = 0; i < GR_DIAGS_MAX + 7; i++)
        gr_diag(diags, GR0103, (struct gr_span){f, 0, 1}, GR_STR_NONE, "number %u", i);
    ck_assert_ptr_nonnull(
        strstr(printed(GR_DIAG_GITHUB), "\n::warning title=guardrail::7 more findings are"));
    log = sarif();
    ck_assert_int_eq(cJSON_GetArraySize(run_member(log, "results")), GR_DIAGS_MAX);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&out), "\"7 more findings are not shown\""));
    cJSON_Delete(log);
}
END_TEST

START_TEST(annotations_look_as_drawn)
{
    uint32_t f = add("d,e/f.yml", GR_STR("unit: mz\nb\n")), in = add("-", GR_STR("x"));

    gr_diag(diags, GR0103, (struct gr_span){f, 6, 8}, GR_STR("50%: x"), "bad\nunit");
    gr_diag_note(diags, (struct gr_span){f, 9, 10}, "first here");
    gr_diag_note(diags, GR_SPAN_NONE, "and so");
    gr_diag(diags, GR0312, (struct gr_span){f, 6, 10}, GR_STR_NONE, "two lines");
    gr_diag(diags, GR0523, (struct gr_span){in, 0, 1}, GR_STR_NONE, "from standard input");
    ck_assert_str_eq(printed(GR_DIAG_GITHUB),
                     "::error file=d%2Ce/f.yml,line=1,endLine=1,col=7,endColumn=9,title=GR0103 wrong-type::"
                     "bad%0Aunit%0Ahelp: 50%25: x%0Anote: d,e/f.yml:2: first here%0Anote: and so\n"
                     "::warning file=d%2Ce/f.yml,line=1,endLine=2,title=GR0312 no-budget::two lines"
                     "%0Ahelp: without a budget the first excursion fires\n"
                     "::notice title=GR0523 unread-series::from standard input%0Ahelp: no rule reads the "
                     "recorded series\n");
}
END_TEST

START_TEST(what_comes_in_stays_inside)
{
    uint32_t f = add("\xff\"\\\n::x", GR_STR("\xff\033"));

    gr_diag(diags, GR0103, (struct gr_span){f, 0, 9}, GR_STR("\x01\xc3"), "%s",
            "\"\\\xed\xa0\x80\t\n::error::x");
    cJSON_Delete(sarif());
    printed(GR_DIAG_GITHUB);
    ck_assert(gr_str_is_utf8(gr_buf_str(&out)));
    ck_assert_ptr_eq(strchr(out.p, '\n'), out.p + out.n - 1);
}
END_TEST

START_TEST(printing_stops_where_the_buffer_does)
{
    uint32_t f = add("f", GR_STR("a: b"));
    enum gr_diag_format format = _i & 1 ? GR_DIAG_SARIF : GR_DIAG_GITHUB;
    bool failed = true;

    gr_diag(diags, GR0103, (struct gr_span){f, 3, 4}, GR_STR("fix"), "text");
    for (unsigned n = 1; failed; n++) {
        struct gr_buf b = GR_BUF_INIT(10000);

        fault_arm(FAULT_REALLOC, n, _i >> 1, ENOMEM);
        gr_diags_print(diags, (struct gr_diag_style){.format = format}, &b);
        failed = fault_hit();
        ck_assert_int_eq(gr_buf_err(&b), failed ? GR_ENOMEM : GR_OK);
        gr_buf_fini(&b);
        fault_off();
        ck_assert_int_eq(fault_live(), 0);
    }
}
END_TEST

Suite *
diag_sarif_suite(void)
{
    Suite *s = suite_create("diag_sarif");
    TCase *tc = tcase_create("machine formats");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_log_looks_as_drawn);
    tcase_add_test(tc, a_clean_run_is_a_log_too);
    tcase_add_test(tc, fingerprints_do_not_know_lines);
    tcase_add_test(tc, what_was_dropped_is_said);
    tcase_add_test(tc, annotations_look_as_drawn);
    tcase_add_test(tc, what_comes_in_stays_inside);
    tcase_add_loop_test(tc, printing_stops_where_the_buffer_does, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}
