#include "config.h"
#include "options.h"
#include "test_compiler.h"

static const struct option_row table[] = {
    {"out", 'o', "DIR", "where to"},   {"only", 0, "PART,…", "a part"}, {"check", 'c', NULL, "write nothing"},
    {"quiet", 'q', NULL, "be silent"}, {NULL, 0, NULL, NULL},
};

#define ARGS_MAX 8
static const struct row {
    const char *name;
    const char *args[ARGS_MAX];
    const char *complaint; /* NULL: accepted */
    const char *out, *only, *check, *quiet;
    const char *operands; /* each followed by a blank */
} rows[] = {
    {"nothing", {NULL}, NULL, NULL, NULL, NULL, NULL, ""},
    {"an operand", {"a", NULL}, NULL, NULL, NULL, NULL, NULL, "a "},
    {"long, value apart", {"--out", "d", NULL}, NULL, "d", NULL, NULL, NULL, ""},
    {"long, value attached", {"--out=d", NULL}, NULL, "d", NULL, NULL, NULL, ""},
    {"attached and empty", {"--out=", NULL}, NULL, "", NULL, NULL, NULL, ""},
    {"attached with =", {"--only=a=b", NULL}, NULL, NULL, "a=b", NULL, NULL, ""},
    {"short", {"-o", "d", NULL}, NULL, "d", NULL, NULL, NULL, ""},
    {"a value like an option", {"-o", "--check", NULL}, NULL, "--check", NULL, NULL, NULL, ""},
    {"a value that is --", {"--out", "--", "a", NULL}, NULL, "--", NULL, NULL, NULL, "a "},
    {"flags", {"--check", "-q", NULL}, NULL, NULL, NULL, "", "", ""},
    {"the last one wins", {"-o", "a", "--out=b", NULL}, NULL, "b", NULL, NULL, NULL, ""},
    {"mixed", {"a", "-o", "d", "b", "-c", "c", NULL}, NULL, "d", NULL, "", NULL, "a b c "},
    {"standard input", {"-", "-q", NULL}, NULL, NULL, NULL, NULL, "", "- "},
    {"-- ends options", {"-q", "--", "-o", "--x", "--", NULL}, NULL, NULL, NULL, NULL, "", "-o --x -- "},
    {"an empty operand", {"", NULL}, NULL, NULL, NULL, NULL, NULL, " "},

    {"unknown", {"--zzzzzz", NULL}, "unknown option --zzzzzz", .operands = NULL},
    {"near", {"--chek", NULL}, "unknown option --chek; did you mean --check?", .operands = NULL},
    {"near, with a value",
     {"--onyl=x", NULL},
     "unknown option --onyl=x; did you mean --only?",
     .operands = NULL},
    {"a prefix is no name",
     {"--ou", "d", NULL},
     "unknown option --ou; did you mean --out?",
     .operands = NULL},
    {"unknown letter", {"-x", NULL}, "unknown option -x", .operands = NULL},
    {"letters do not join", {"-qc", NULL}, "unknown option -qc", .operands = NULL},
    {"a letter takes its value apart", {"-od", NULL}, "unknown option -od", .operands = NULL},
    {"the row that ends the table", {"--=x", NULL}, "unknown option --=x", .operands = NULL},
    {"value missing", {"a", "--out", NULL}, "option --out needs a value: DIR", .operands = NULL},
    {"value missing, short", {"-o", NULL}, "option --out needs a value: DIR", .operands = NULL},
    {"value too many", {"--check=yes", NULL}, "option --check takes no value", .operands = NULL},
    {"value too many, empty", {"--quiet=", NULL}, "option --quiet takes no value", .operands = NULL},
};

static void
same(const char *row, const char *name, const struct options *o, const char *want)
{
    const char *got = options_get(table, o, name);

    ck_assert_msg((got == NULL) == (want == NULL) && (!want || strcmp(got, want) == 0),
                  "%s: --%s is %s, not %s", row, name, got ? got : "absent", want ? want : "absent");
}

START_TEST(parses)
{
    const struct row *r = &rows[_i];
    const char *given[ARGS_MAX + 2] = {"guardrailc"};
    char *argv[ARGS_MAX + 2];
    struct gr_buf complaint = GR_BUF_INIT(4096), operands = GR_BUF_INIT(4096);
    struct options o;
    int argc = 1;
    enum gr_err err;

    for (size_t i = 0; r->args[i]; i++)
        given[argc++] = r->args[i];
    memcpy(argv, given, sizeof argv); /* their order is changed, not their texts */
    err = options_parse(table, argc, argv, &o, &complaint);
    ck_assert_msg(err == (r->complaint ? GR_EUSER : GR_OK), "%s: %s", r->name, gr_err_name(err));
    if (r->complaint) {
        ck_assert_msg(strncmp(gr_buf_cstr(&complaint), r->complaint, strlen(r->complaint)) == 0, "%s: \"%s\"",
                      r->name, gr_buf_cstr(&complaint));
        ck_assert_ptr_null(strchr(gr_buf_cstr(&complaint), '\n'));
        gr_buf_fini(&complaint);
        return;
    }
    ck_assert_uint_eq(complaint.n, 0);
    same(r->name, "out", &o, r->out);
    same(r->name, "only", &o, r->only);
    same(r->name, "check", &o, r->check);
    same(r->name, "quiet", &o, r->quiet);
    for (size_t i = 0; i < o.n_operands; i++)
        gr_buf_printf(&operands, "%s ", o.operands[i]);
    ck_assert_msg(strcmp(gr_buf_cstr(&operands), r->operands) == 0, "%s: \"%s\"", r->name,
                  gr_buf_cstr(&operands));
    gr_buf_fini(&operands);
    gr_buf_fini(&complaint);
}
END_TEST

START_TEST(helps)
{
    static const struct option_row wide[] = {
        {"out", 'o', "DIR", "where to"},
        {"a-name-that-leaves-no-room", 0, "VALUE", "below it"},
        {NULL, 0, NULL, NULL},
    };
    struct gr_buf b = GR_BUF_INIT(4096);

    options_help(wide, &b);
    ck_assert_str_eq(gr_buf_cstr(&b), "  -o, --out DIR               where to\n"
                                      "      --a-name-that-leaves-no-room VALUE\n"
                                      "                              below it\n");
    gr_buf_fini(&b);
}
END_TEST

static const struct choice_row {
    const char *given;
    int want;
    const char *complaint;
} choice_rows[] = {
    {NULL, 7, ""},
    {"text", 0, ""},
    {"json", 1, ""},
    {"sarif", 2, ""},
    {"jsn", -1, "--format is text, json or sarif, not 'jsn'; did you mean 'json'?"},
    {"tex", -1, "--format is text, json or sarif, not 'tex'; did you mean 'text'?"},
    {"", -1, "--format is text, json or sarif, not ''"},
    {"text|json", -1, "--format is text, json or sarif, not 'text|json'"},
};

START_TEST(chooses)
{
    static const struct option_row formats[] = {{"format", 0, "text|json|sarif", ""}, {NULL, 0, NULL, NULL}};
    const struct choice_row *r = &choice_rows[_i];
    struct options o = {.value = {r->given}};
    struct gr_buf complaint = GR_BUF_INIT(4096);

    ck_assert_int_eq(options_choice(formats, &o, "format", 7, &complaint), r->want);
    ck_assert_str_eq(gr_buf_cstr(&complaint), r->complaint);
    gr_buf_fini(&complaint);
}
END_TEST

Suite *
options_suite(void)
{
    Suite *s = suite_create("options");
    TCase *tc = tcase_create("parse");

    tcase_add_loop_test(tc, parses, 0, GR_COUNT(rows));
    tcase_add_test(tc, helps);
    tcase_add_loop_test(tc, chooses, 0, GR_COUNT(choice_rows));
    suite_add_tcase(s, tc);
    return s;
}
