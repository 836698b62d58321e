/* test_template.c - templates are taken and refused as Go's text/template does; promtool was asked about
 * each row. */
#include "config.h"
#include "test_rules.h"

#include "template.h"

static const char *const taken[] = {
    "",
    "no action }}",
    "{ {",
    "{{ $value }}",
    "{{- $value -}}",
    "{{-\n$value\n-}}",
    "{{ 1 }}{{ -1 }}{{ +1.5e3 }}{{ 0x1F }}{{ 0b11 }}{{ 0o17 }}{{ 010 }}{{ 1_000 }}{{ 0x1p-2 }}{{ .5 }}{{ 1. "
    "}}{{ 1i }}{{ 1+2i }}",
    "{{ 'a' }}{{ '\\n' }}{{ '\\x41' }}{{ '\\u00e9' }}{{ '\\'' }}",
    "{{ \"\\u00e9\\101\\x41\\\"\" }}{{ `raw \\q` }}",
    "{{ $labels.a.b }}{{ .Labels.a }}{{ ($labels).a }}{{ $.Value }}",
    "{{ if $value }}a{{ else if 1 }}b{{ else }}c{{ end }}",
    "{{ with $x := $value }}{{ $x }}{{ else }}{{ end }}",
    "{{ range $i, $e := query \"up\" }}{{ $i }}{{ $e.Value }}{{ break }}{{ continue }}{{ else }}none{{ end "
    "}}",
    "{{ define \"t\" }}{{ . }}{{ end }}{{ template \"t\" . }}{{ template \"u\" }}{{ block \"b\" 1 }}{{ end "
    "}}",
    "{{/* a comment */}}{{- /* another */ -}}",
    "{{ $x := 1 }}{{ $x = 2 }}{{ $x }}",
    "{{ $value | humanize | printf \"%s\" }}",
    "{{ printf \"%s\" (index $labels \"a\") }}",
    "{{ nil }}",
    "{{ 1 | }}",
};

START_TEST(takes)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct template_error e = {.why = GR_STR_NONE};

    ck_assert_msg(template_check(a, gr_str(taken[_i]), NULL, NULL, &e) == GR_OK, "%s: " GR_FMT, taken[_i],
                  GR_ARG(e.why));
    gr_arena_free(a);
}
END_TEST

static const struct {
    const char *text;
    size_t start; /* of what is pointed at */
    const char *why;
} refused[] = {
    {"{{", 2, "}} is missing"},
    {"{{ }}", 3, "a value is missing"},
    {"a {{ $x }}", 5, "undefined variable \"$x\""},
    {"{{ $lables.a }}", 3, "did you mean \"$labels\"?"},
    {"{{ nope 1 }}", 3, "undefined function \"nope\""},
    {"{{ titel 1 }}", 3, "did you mean \"title\"?"},
    {"{{ \"a }}", 3, "the quote is not closed"},
    {"{{ \"\\q\" }}", 3, "bad escape"},
    {"{{ \"\\ud800\" }}", 3, "bad escape"},
    {"{{ 'ab' }}", 3, "bad character constant"},
    {"{{ '' }}", 3, "bad character constant"},
    {"{{ 08 }}", 3, "bad number"},
    {"{{ 1__0 }}", 3, "bad number"},
    {"{{ 0x1.8 }}", 3, "bad number"},
    {"{{ 99999999999999999999 }}", 3, "bad number"},
    {"{{ 1e999 }}", 3, "bad number"},
    {"{{ 5x }}", 3, "bad number"},
    {"{{ 1i2 }}", 3, "bad number"},
    {"{{ true.x }}", 7, "has no fields"},
    {"{{ \"a\".b }}", 6, "has no fields"},
    {"{{ (1 }}", 6, "parenthesis is not closed"},
    {"{{ 1) }}", 4, "nothing is open"},
    {"{{ | 1 }}", 3, "unexpected \"|\""},
    {"{{ 1 | , }}", 7, "unexpected \",\""},
    {"{{ $value | 1 }}", 12, "no function but \"1\""},
    {"{{ $value | . }}", 12, "no function but \".\""},
    {"{{ @ }}", 3, "unexpected \"@\""},
    {"{{ \x01 }}", 3, "no meaning"},
    {"{{ $a : 1 }}", 6, "expected :="},
    {"{{ $a, $b := 1 }}", 3, "too many declarations"},
    {"{{ range $a, 1 }}{{ end }}", 13, "range can only"},
    {"{{ if 1 }}", 10, "ends before {{end}}"},
    {"{{ else }}", 10, "{{else}} without {{if}}"},
    {"{{ end }}", 9, "{{end}} without"},
    {"{{ end 1 }}", 7, "unexpected \"1\""},
    {"{{ with 1 }}{{ else if 1 }}{{ end }}", 20, "unexpected \"if\""},
    {"{{ if 1 }}{{ else }}{{ else }}{{ end }}", 30, "expected {{end}}"},
    {"{{ break }}", 3, "no range around"},
    {"{{ if 1 }}{{ define \"t\" }}{{ end }}{{ end }}", 13, "unexpected \"define\""},
    {"{{ define t }}{{ end }}", 10, "unexpected \"t\""},
    {"{{ define \"t\" }}{{ $value }}{{ end }}", 19, "undefined variable"},
    {"{{ template 1 }}", 12, "unexpected \"1\""},
    {"{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}", 35, "undefined variable"},
    {"{{/* a", 0, "comment is not closed"},
    {"{{/* a */ b }}", 7, "must end right before"},
    {"{{ a$b }}", 4, "cannot go on like this"},
};

START_TEST(refuses)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct template_error e = {.why = GR_STR_NONE};

    ck_assert_msg(template_check(a, gr_str(refused[_i].text), NULL, NULL, &e) == GR_ESYNTAX, "%s",
                  refused[_i].text);
    ck_assert_msg(gr_str_find(e.why, gr_str(refused[_i].why), 0) != SIZE_MAX, "%s: " GR_FMT, refused[_i].text,
                  GR_ARG(e.why));
    ck_assert_msg(e.start == refused[_i].start, "%s: at %zu: " GR_FMT, refused[_i].text, e.start,
                  GR_ARG(e.why));
    gr_arena_free(a);
}
END_TEST

START_TEST(depth_is_limited)
{
    for (unsigned past = 0; past < 2; past++) {
        struct gr_arena *a = gr_arena_create(1 << 20);
        struct gr_buf b = GR_BUF_INIT(1 << 16);
        struct template_error e;

        gr_buf_puts(&b, "{{ ");
        for (unsigned i = 0; i < TEMPLATE_NESTING_MAX + past; i++)
            gr_buf_putc(&b, '(');
        gr_buf_putc(&b, '1');
        for (unsigned i = 0; i < TEMPLATE_NESTING_MAX + past; i++)
            gr_buf_putc(&b, ')');
        gr_buf_puts(&b, " }}");
        ck_assert_int_eq(template_check(a, gr_buf_str(&b), NULL, NULL, &e), past ? GR_ESYNTAX : GR_OK);
        if (past)
            ck_assert(gr_str_is(e.why, "nested too deep"));
        gr_buf_fini(&b);
        gr_arena_free(a);
    }
}
END_TEST

static void
collect(struct gr_str label, size_t start, size_t end, void *ctx)
{
    gr_buf_printf(ctx, GR_FMT "@%zu-%zu ", GR_ARG(label), start, end);
}

START_TEST(labels_are_seen)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"{{ $labels.a }}", "a@3-12 "},
        {"{{ .Labels.a }}{{ $labels.b.c }}", "a@3-12 b@18-27 "},
        {"{{ index $labels \"a\" }}", "a@17-20 "},
        {"{{ range query \"up\" }}{{ .Labels.a }}{{ $labels.b }}{{ end }}", "b@40-49 "},
        {"{{ if 1 }}{{ .Labels.a }}{{ end }}", "a@13-22 "},
        {"{{ $externalLabels.a }}{{ .Values.b }}{{ $labels }}", ""},
    };

    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        struct gr_arena *a = gr_arena_create(1 << 20);
        struct gr_buf b = GR_BUF_INIT(1000);

        ck_assert_int_eq(template_check(a, gr_str(rows[i].text), collect, &b, NULL), GR_OK);
        ck_assert_str_eq(gr_buf_cstr(&b), rows[i].want);
        gr_buf_fini(&b);
        gr_arena_free(a);
    }
}
END_TEST

Suite *
template_suite(void)
{
    Suite *s = suite_create("template");
    TCase *tc = tcase_create("template");

    tcase_add_loop_test(tc, takes, 0, GR_COUNT(taken));
    tcase_add_loop_test(tc, refuses, 0, GR_COUNT(refused));
    tcase_add_test(tc, depth_is_limited);
    tcase_add_test(tc, labels_are_seen);
    suite_add_tcase(s, tc);
    return s;
}
