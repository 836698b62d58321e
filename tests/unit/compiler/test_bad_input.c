/* test_bad_input.c - hostile and broken files: each gives a clear finding within a second of CPU and 64 MiB.
 *
 * Measured without sanitizers (ms of CPU): 100,000 unknown keys 340, 90,000 wrong entries 130, everything else below 60. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "specs.h"
#include "test_compiler.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define CPU_S_MAX 5 /* sanitizers are ten times slower */

/* What a row's text is made of. */
struct text {
    const char *before, *unit, *after;
    size_t times;
    bool numbered; /* the unit is a format, for its number */
};

static const char frame[] = "apiVersion: guardrail/v1\nspec: demo\nrelease: {labels: [cluster]}\n"
                            "cohorts: {label: track, canary: canary, control: control}\n"
                            "expect: [{cluster: equities}]\nsampling: 2m\nscrape_interval: 30s\n"
                            "false_rollback_budget: 1%\n"
                            "phases:\n  - {name: p1, traffic: 1%, min_duration: 20m}\n"
                            "  - {name: ga, traffic: 100%, final: true}\n"
                            "on: {hard: [rollback]}\n"
                            "actions:\n  rollback: {steps: [{name: undo, run: [bin/undo]}]}\n";
static const char guardrail[] = "guardrails:\n  - name: errors\n"
                                "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
                                "    limit: {against: control, hard: +40%, floor: 0.05%}\n";

#define EXPRESSION                                                                                           \
    "guardrails:\n  - {name: a, limit: {against: fixed, bad: above, hard: 1ms}, metric: {unit: ms, promql: " \
    "'"

static const struct row {
    const char *name;
    bool framed; /* behind the frame */
    struct text text;
    const char *code; /* of the first finding; NULL: none */
    const char *says; /* a part of its message or fix */
    size_t least;     /* findings, those that are not kept included */
} rows[] = {
    /* clang-format off */
    {"empty", false, {"", "", "", 0, false},
     "GR0108", "no content", 1},
    {"only comments", false, {"", "# nothing\n", "", 1000, false},
     "GR0108", "no content", 1},
    {"only blanks", false, {"", " \n", "", 1000, false},
     "GR0108", "no content", 1},
    {"a document of nothing", false, {"---\n...\n", "", "", 0, false},
     "GR0108", "no content", 1},
    {"deep lists", false, {"", "[", "", 100000, false},
     "GR0002", "nested deeper than 32", 1},
    {"deep mappings", false, {"spec: ", "{spec: ", "", 100000, false},
     "GR0002", "nested deeper", 1},
    {"deep block lists", false, {"", "- ", "", 100000, false},
     "GR0002", "nested deeper than 32", 1},
    {"complex keys", false, {"", "? ", "", 100000, false},
     "GR0002", "nested deeper than 32", 1},
    {"anchors", false, {"spec: ", "&a ", "x", 50000, false},
     "GR0005", "anchors are not allowed", 1},
    {"aliases", false, {"spec: &a [x]\nowner: [", "*a,", "]\n", 50000, false},
     "GR0005", "anchors", 1},
    {"tags", false, {"spec: ", "!", "", 100000, false},
     "GR0005", "tags are not allowed", 1},
    {"a huge scalar", true, {"owner: ", "x", "\n", 1000000, false},
     "GR0002", "1000000 bytes", 1},
    {"an endless quote", true, {"owner: \"", "x", "", 1000000, false},
     "GR0004", "quoted scalar", 1},
    {"an endless line", true, {"guardrails: [", "{},", "]\n", 200000, false},
     "GR0102", "needs the keys", 100000},
    {"unknown keys", true, {guardrail, "k%zu:\n", "", 100000, true},
     "GR0101", "unknown key \"k0\"", 99000},
    {"one key again", true, {guardrail, "owner: a\n", "", 90000, false},
     "GR0006", "here twice", 89999},
    {"wrong entries", true, {"guardrails: [", "{},", "]\n", 90000, false},
     "GR0102", "needs the keys", 89000},
    {"guardrails without a name", true, {"guardrails:\n", "  - {source: a}\n", "", 9000, false},
     "GR0102", "needs the keys", 9000},
    {"one name", true, {"guardrails:\n", "  - {name: a}\n", "", 9000, false},
     "GR0102", "needs the keys", 17999},
    {"release labels", false, {"release: {labels: [", "l%zu,", "]}\n", 90000, true},
     "GR0102", "needs the keys", 2},
    {"a bomb of brackets", true, {"guardrails:\n  - {name: a, limit: {against: fixed, bad: above, hard: 1ms}, metric: {unit: ms, promql: " "'", "(", "'}}\n", 60000, false},
     "GR0002", "nested too deep", 1},
    {"a bomb of sums", true, {"guardrails:\n  - {name: a, limit: {against: fixed, bad: above, hard: 1ms}, metric: {unit: ms, promql: " "'", "x+", "x'}}\n", 30000, false},
     "GR0002", "nested too deep", 1},
    {"Latin-1", true, {"owner: J\xfcrgen\n", "", "", 0, false},
     "GR0003", "0xfc", 1},
    {"binary", false, {"\x01\x02\xff\xfe", "\x80\x81", "", 500000, false},
     "GR0003", "not valid UTF-8", 1},
    {"UTF-16", false, {"\xff\xfe", "a", "", 1000, false},
     "GR0003", "UTF-8", 1},
    {"tabs", false, {"phases:\n", "\t- {name: a}\n", "", 1000, false},
     "GR0004", "tab", 1},
    {"carriage returns", true, {"# a\r\n", "# b\r\n", guardrail, 1000, false},
     NULL, "", 0},
    /* clang-format on */
};

static void
make(const struct row *r, struct gr_buf *out)
{
    if (r->framed)
        gr_buf_puts(out, frame);
    gr_buf_puts(out, r->text.before);
    for (size_t i = 0; i < r->text.times; i++) {
        const char *hole = r->text.numbered ? strstr(r->text.unit, "%zu") : NULL;

        if (hole)
            gr_buf_printf(out, "%.*s%zu%s", (int)(hole - r->text.unit), r->text.unit, i, hole + 3);
        else
            gr_buf_puts(out, r->text.unit);
    }
    gr_buf_puts(out, r->text.after);
    ck_assert_int_eq(gr_buf_err(out), GR_OK);
}

struct reading {
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
    double cpu_s;
};

static void
read_text(struct reading *r, struct gr_str text)
{
    clock_t start = clock();
    struct model *model = NULL;
    uint32_t file = 0;
    enum gr_err err;

    *r = (struct reading){gr_arena_create(ARENA_BYTES), gr_sources_create(), NULL, 0};
    r->diags = gr_diags_create(r->sources);
    ck_assert(r->arena && r->diags);
    ck_assert_int_eq(gr_sources_add(r->sources, GR_STR("input.yml"), text, &file), GR_OK);
    err = spec_read(r->arena, r->sources, file, (struct spec_options){.time_scale = 1}, r->diags, &model);
    ck_assert_msg(err == GR_OK || err == GR_EUSER, "%s", gr_err_name(err));
    ck_assert_int_eq(err == GR_OK, model != NULL);
    r->cpu_s = (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void
reading_fini(struct reading *r)
{
    gr_diags_free(r->diags);
    gr_sources_free(r->sources);
    gr_arena_free(r->arena);
}

static bool
says(const struct gr_diag_view *v, const char *what)
{
    return gr_str_find(v->message, gr_str(what), 0) != SIZE_MAX ||
           gr_str_find(v->fix, gr_str(what), 0) != SIZE_MAX;
}

/* Whether it is among those that are kept. */
static bool
has(const struct reading *r, const char *code, const char *what)
{
    struct gr_diag_view v;

    for (size_t i = 0; gr_diags_get(r->diags, i, &v); i++)
        if (strcmp(gr_code_info(v.code)->code, code) == 0 && says(&v, what))
            return true;
    return false;
}

START_TEST(bad_input)
{
    const struct row *row = &rows[_i];
    struct gr_buf text = GR_BUF_INIT(2u << 20), out = GR_BUF_INIT(16u << 20);
    struct gr_diag_view v;
    struct reading r;
    size_t errors;

    make(row, &text);
    read_text(&r, gr_buf_str(&text));
    errors = gr_diags_count(r.diags, GR_SEV_ERROR);
    gr_diags_print(r.diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &out);
    ck_assert_int_eq(gr_buf_err(&out), GR_OK);
    if (!row->code)
        ck_assert_msg(!gr_diags_get(r.diags, 0, &v), "%s: %s", row->name, gr_buf_cstr(&out));
    else
        ck_assert_msg(has(&r, row->code, row->says), "%s: no %s \"%s\", but: %.1000s", row->name, row->code,
                      row->says, gr_buf_cstr(&out));
    ck_assert_msg(errors >= row->least, "%s: %zu findings", row->name, errors);
    if (errors > GR_DIAGS_MAX)
        ck_assert_msg(strstr(gr_buf_cstr(&out), "more, not shown"), "%s: does not say that there are more",
                      row->name);
    ck_assert_msg(out.n < 1000000, "%s: %zu bytes of findings", row->name, out.n);
    ck_assert_msg(r.cpu_s < CPU_S_MAX, "%s: %g s", row->name, r.cpu_s);
    reading_fini(&r);
    gr_buf_fini(&out);
    gr_buf_fini(&text);
}
END_TEST

/* ---- what is no text, or not as it seems ---- */

/* Changes the whole spec byte by byte; the same text must come out as GR_OK or with this code. */
static const struct {
    const char *name, *front, *find, *replace;
    size_t replace_n;
    const char *code;
} bytes[] = {
    {"a byte order mark", "\xef\xbb\xbf", NULL, NULL, 0, NULL},
    {"a NUL", "", "demo", "d\0mo", 4, "GR0003"},
    {"half a character", "", "demo", "d\xc3mo", 4, "GR0003"},
    {"a character of three bytes in a name", "", "demo", "d\xe2\x82\xac", 4, "GR0104"},
    {"a control character", "", "demo", "d\x01mo", 4, "GR0004"},
};

START_TEST(odd_bytes)
{
    struct gr_buf text = GR_BUF_INIT(100000);
    struct gr_str whole;
    struct reading r;
    struct gr_diag_view v;
    size_t at;

    gr_buf_printf(&text, "%s%s", frame, guardrail);
    whole = gr_str(gr_buf_cstr(&text));
    at = bytes[_i].find ? gr_str_find(whole, gr_str(bytes[_i].find), 0) : 0;
    {
        struct gr_buf changed = GR_BUF_INIT(100000);

        gr_buf_puts(&changed, bytes[_i].front);
        gr_buf_put(&changed, gr_str_sub(whole, 0, at));
        gr_buf_put(&changed, (struct gr_str){bytes[_i].replace, bytes[_i].replace_n});
        gr_buf_put(&changed, gr_str_sub(whole, at + (bytes[_i].find ? strlen(bytes[_i].find) : 0), whole.n));
        read_text(&r, gr_buf_str(&changed));
        gr_buf_fini(&changed);
    }
    ck_assert_msg(gr_diags_get(r.diags, 0, &v) == (bytes[_i].code != NULL), "%s", bytes[_i].name);
    if (bytes[_i].code)
        ck_assert_msg(has(&r, bytes[_i].code, ""), "%s: %s " GR_FMT, bytes[_i].name,
                      gr_code_info(v.code)->code, GR_ARG(v.message));
    reading_fini(&r);
    gr_buf_fini(&text);
}
END_TEST

Suite *
bad_input_suite(void)
{
    Suite *s = suite_create("bad_input");
    TCase *tc = tcase_create("files");

    tcase_add_loop_test(tc, bad_input, 0, (int)GR_COUNT(rows));
    tcase_add_loop_test(tc, odd_bytes, 0, (int)GR_COUNT(bytes));
    suite_add_tcase(s, tc);
    return s;
}
