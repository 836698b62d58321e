/* rulefile_gen.c - a grammar of rule files and of templates, run backwards. */
#include "config.h"
#include "rulefile_gen.h"

#include "guardrail/quote.h"

static bool
once_in(struct gen *g, unsigned n)
{
    return gen_below(g, n) == 0;
}

static bool
wrong(struct gen *g)
{
    return g->errors_in > 0 && once_in(g, g->errors_in);
}

static void
put(struct gen *g, const char *text)
{
    gr_buf_puts(g->out, text);
}

static void
puts_any(struct gen *g, const char *const *texts, size_t count)
{
    put(g, texts[gen_below(g, (unsigned)count)]);
}
#define PUT_ANY(g, ...)                                                                                      \
    do {                                                                                                     \
        static const char *const texts_[] = {__VA_ARGS__};                                                   \
        puts_any(g, texts_, GR_COUNT(texts_));                                                               \
    } while (0)

/* ---- templates ---- */

static void
put_operand(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "$label.x", "nope", "now", "1_", "0x", "\"\\q\"", "\"\\'\"", "'ab'", "''", "1.2.3", "$",
                "..", ".5.6", "08", "0b12", "9999999999999999999999", "1e999", "nil.x", "true.x", "\"a\".b",
                ".1x", "1i2", "$labels.", "\"open", "`open", "é", "0x1.8", "1__0", "'\\''x", "\"\\400\"",
                "\"\\ud800\"", "@", "break", "tmpl");
    else
        PUT_ANY(g, "$value", "$labels.job", "$labels", ".", ".Value", ".Labels.instance",
                "$externalLabels.env", "$externalURL", "\"x\"", "`raw`", "1", "-1", "0x1F", "1.5e3", "'a'",
                "'\\n'", "true", "nil", "(1)", "($value)", "(printf \"%f\" $value)", "$labels.a.b",
                "($labels).job", "1i", "1+2i", ".5", "1_000", "0o17", "0b11", "0x1p-2", "'\\x41'",
                "\"\\u00e9\\101\"", "$.Value", "'\\u00e9'", "1.", "010", "'\\''");
}

static void
put_command(struct gen *g, unsigned depth)
{
    if (depth > 0 && once_in(g, 3)) {
        put(g, "(");
        put_command(g, depth - 1);
        put(g, ")");
    } else if (once_in(g, 2)) {
        PUT_ANY(g, "humanize", "printf \"%s\"", "query \"up\"", "index $labels \"job\"", "label \"x\"",
                "first", "title", "reReplaceAll \"a\" \"b\"", "and", "or", "not", "eq 1", "humanizeDuration",
                "len", "toTime", "parseDuration", "stripPort", "html", "args 1 2", "pathPrefix",
                "externalURL");
        put(g, " ");
        put_operand(g);
    } else {
        put_operand(g);
    }
    if (once_in(g, 3)) {
        PUT_ANY(g, "|", " | ", " |\n");
        if (wrong(g))
            PUT_ANY(g, "1", "\"x\"", ".", "", "|", "nil", "$value", "'x'", "($value)");
        else
            PUT_ANY(g, "humanize", "printf \"%.2f\"", "$labels.x", "title", ".Labels", "(len)", "value");
    }
}

static void
put_action(struct gen *g, unsigned depth)
{
    static const char *const heads[] = {"if ",         "with ",     "range ",       "range $i, $x := ",
                                        "with $x := ", "if $x := ", "range $x := ", "define \"t\"",
                                        "block \"b\" "};
    unsigned head = gen_below(g, GR_COUNT(heads));

    PUT_ANY(g, "{{", "{{ ", "{{- ", "{{-\n");
    if (depth == 0 || once_in(g, 2)) {
        if (wrong(g))
            PUT_ANY(g, "end", "else", "break", "continue", "if", "template", "define \"t\"", "", "$x",
                    "range", "/* c */", "$x, $y := 1", "template \"x", "1 2 |", "else if", "$v :=", ":", ",",
                    "(", ")", "((1)", "= 1", "-", "range $x, 1", "template t");
        else if (once_in(g, 6))
            PUT_ANY(g, "$v := 1", "$value = 2", "template \"t\"", "template \"t\" .",
                    "$v := printf \"x\" | len");
        else
            put_command(g, 2);
        PUT_ANY(g, "}}", " }}", " -}}", "  }}", "\n-}}");
        return;
    }
    put(g, heads[head]);
    if (head != 7)
        put_command(g, 1);
    PUT_ANY(g, "}}", " }}", " -}}");
    for (unsigned n = gen_below(g, 3); n > 0; n--) {
        put(g, "text ");
        put_action(g, depth - 1);
    }
    if (once_in(g, 4))
        PUT_ANY(g, "{{$x}}", "{{ break }}", "{{continue}}", "{{ $i }}", "{{/* comment */}}",
                "{{- /* c */ -}}", "{{ break 1 }}");
    if (once_in(g, 3))
        PUT_ANY(g, "{{else}}b", "{{ else if $value }}c", "{{ else with 1 }}", "{{else}}a{{else}}");
    if (!wrong(g))
        PUT_ANY(g, "{{end}}", "{{ end }}", "{{- end -}}");
}

void
gen_template(struct gen *g)
{
    for (unsigned n = gen_below(g, 4); n > 0; n--) {
        PUT_ANY(g, "Instance ", "a }} b ", "", "{ ", "100% ", "it's ");
        put_action(g, 2);
    }
    if (wrong(g))
        PUT_ANY(g, "{{", "}}", "{{/*", "{{/* a */ }}", "{{ -}}", "{{}}", "{{- /*x*/ y}}", "{{\"}}", "{{-1}}");
    else
        PUT_ANY(g, "", " end", "{{/* a */}}", "}}", "{{- 1 -}}");
}

/* ---- YAML ---- */

/* A text in one of YAML's styles; indent: of the line it stands in. */
static void
put_text(struct gen *g, struct gr_str text, const char *indent)
{
    bool one_line =
        !memchr(text.p ? text.p : "", '\n', text.n) && !memchr(text.p ? text.p : "", '\r', text.n);
    unsigned style = gen_below(g, 4);

    if (!one_line || text.n == 0 || text.p[0] == ' ' || style == 0) {
        gr_quote_yaml(g->out, text);
    } else if (style == 1) {
        gr_buf_putc(g->out, '\'');
        for (size_t i = 0; i < text.n; i++)
            gr_buf_puts(g->out, text.p[i] == '\'' ? "''" : (char[]){text.p[i], '\0'});
        gr_buf_putc(g->out, '\'');
    } else {
        PUT_ANY(g, "|", "|-", ">", ">-", "|+", "| # why");
        gr_buf_printf(g->out, "\n%s  ", indent);
        for (size_t i = 0; i < text.n; i++) {
            gr_buf_putc(g->out, text.p[i]);
            if (text.p[i] == ' ' && style == 3 && i + 1 < text.n && text.p[i + 1] != ' ' && once_in(g, 3)) {
                gr_buf_cut(g->out, g->out->n - 1);
                gr_buf_printf(g->out, "\n%s  ", indent);
            }
        }
    }
}

static void
put_expression(struct gen *g, const char *indent)
{
    struct gr_buf b = GR_BUF_INIT(1 << 22);
    struct gen inner = *g;

    if (once_in(g, 3)) {
        inner.out = &b;
        gen_expression(&inner, false);
        g->state = inner.state;
        if (b.n < 2000)
            put_text(g, gr_buf_str(&b), indent);
        else
            put(g, "up");
        gr_buf_fini(&b);
        return;
    }
    if (wrong(g))
        PUT_ANY(g, "sum(", "up ==", "rate(up)", "null", "~", "", "''", "[up]", "{a: b}", "*e", "{}", "5x",
                "!!str up", "&a up == 1", "| ", "\"up\\x\"", "!x up", "true", "nan()", "up # c", "2001-01-01",
                "&x");
    else
        PUT_ANY(g, "up == 0", "1", "sum(rate(x_total[5m])) > 1", "'absent(up)'", "\"up{job=\\\"a\\\"}\"",
                "vector(1)", "&e up > 0", "0x10", "up", "true_metric", "1.5", "null_ > 0");
}

static void
put_duration(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "5", "5x", "1m5h", "''", "-5m", "1.5h", "[5m]", "{}", "5M", "300y", "1h 5m", "0x5m",
                "99999999999999y", "0y300y", "5 m", "true", "1e3s");
    else
        PUT_ANY(g, "5m", "1h30m", "0", "0s", "~", "", "1d", "'10s'", "1y2w3d4h5m6s7ms", "null", "0h0m",
                "\"1m\"", "05m");
}

static void
put_name(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "''", "~", "", "[a]", "{}", "5", "a b", "a-b", "1a", "é", "null", "*e", "\"\"", "!!str",
                "!!int 5", "a:b.c");
    else
        PUT_ANY(g, "job:up:sum", "a", "b", "HighLatency", "x_y", "'q'", "\"r:s\"", "&e name", "true", "_",
                ":a", "Foo");
}

static void
put_pairs(struct gen *g, bool annotations)
{
    static const char *const indent = "        ";
    unsigned n = gen_below(g, 4);

    if (wrong(g)) {
        PUT_ANY(g, " [a]\n", " text\n", " 5\n", " ''\n", " {a: [b]}\n", " {a: {b: c}}\n", " {1: b}\n",
                " {a-b: c}\n", " {__name__: x}\n", " {a: b, a: c}\n", " {é: x}\n", " {'': x}\n", " {<<: x}\n",
                " {<<: {a-b: c}}\n", " {[a]: b}\n", " {a: 'x' y}\n", " {a: !!int b}\n", " {<<: [x]}\n");
        return;
    }
    if (n == 0 || once_in(g, 6)) {
        PUT_ANY(g, "\n", " ~\n", " {}\n", " {a: b}\n", " {a: 5, b: true, c: ~}\n", " {a: , b: 1.5}\n",
                " {<<: {a: b}, a: c}\n", " {~: x, b: c}\n", " {a: 2001-01-01}\n",
                " {<<: [{a: b}, {a: c, d: e}]}\n", " &l {a: b}\n", " {? a : b}\n");
        return;
    }
    put(g, "\n");
    for (unsigned i = 0; i < n; i++) {
        static const char *const names[] = {"severity",    "team",        "summary",
                                            "description", "runbook_url", "_x"};
        struct gr_buf b = GR_BUF_INIT(1 << 20);
        struct gen inner = *g;

        gr_buf_printf(g->out, "%s%s: ", indent,
                      wrong(g) ? "a.b" : names[(i + gen_below(g, 2) * 3) % GR_COUNT(names)]);
        inner.out = &b;
        if (annotations || once_in(g, 3))
            gen_template(&inner);
        else
            gr_buf_puts(&b, "page");
        g->state = inner.state;
        put_text(g, gr_buf_str(&b), indent);
        gr_buf_putc(g->out, '\n');
        gr_buf_fini(&b);
    }
}

static void
put_rule(struct gen *g)
{
    bool alert = once_in(g, 2);

    if (wrong(g)) {
        PUT_ANY(g, "      - ~\n", "      -\n", "      - x\n", "      - []\n", "      - {}\n",
                "      - {record: a, alert: b, expr: up}\n", "      - {expr: up}\n", "      - {record: x}\n",
                "      - &r {record: rr, expr: up}\n", "      - *r\n", "      - {<<: {expr: up}, alert: M}\n",
                "      - {<<: {expr: up, x: y}, alert: M}\n",
                "      - record: a\n        record: b\n        expr: up\n");
        return;
    }
    put(g, alert ? "      - alert: " : "      - record: ");
    put_name(g);
    put(g, "\n        expr: ");
    put_expression(g, "        ");
    put(g, "\n");
    if (alert ? once_in(g, 3) : wrong(g)) {
        put(g, "        for: ");
        put_duration(g);
        put(g, "\n");
    }
    if (alert ? once_in(g, 6) : wrong(g)) {
        put(g, "        keep_firing_for: ");
        put_duration(g);
        put(g, "\n");
    }
    if (once_in(g, 2)) {
        put(g, "        labels:");
        put_pairs(g, false);
    }
    if (alert ? once_in(g, 2) : wrong(g)) {
        put(g, "        annotations:");
        put_pairs(g, true);
    }
    if (wrong(g))
        PUT_ANY(g, "        limit: 5\n", "        expr: up\n", "        foo: bar\n", "        Labels: {}\n",
                "        ~: x\n", "        <<: {for: 5m}\n", "        query_offset: 1m\n",
                "        'for': 1m\n", "        - x\n", "       bad: x\n");
}

static void
put_group(struct gen *g, unsigned i)
{
    if (wrong(g))
        PUT_ANY(g, "  - ~\n", "  - x\n", "  - {}\n", "  - {name: n}\n", "  - {rules: []}\n", "  - name: ''\n",
                "  - [a]\n", "  - name: ~\n    rules: []\n", "  - {name: [x]}\n",
                "  - {name: 5, rules: ~}\n");
    gr_buf_printf(g->out, "  - name: %s%u\n", wrong(g) ? "same # " : "g", i);
    if (once_in(g, 4)) {
        put(g, "    interval: ");
        put_duration(g);
        put(g, "\n");
    }
    if (once_in(g, 5)) {
        put(g, "    limit: ");
        if (wrong(g))
            PUT_ANY(g, "x", "'5'", "[1]", "true", "1e30", "99999999999999999999", "5m", "-", "0x", "1.2.3",
                    "_", "0b2", "..");
        else
            PUT_ANY(g, "5", "0", "-1", "1_000", "0x10", "0o17", "1e3", "5.7", "~", "", "010", "08", ".5",
                    "5.", "+3", "0b11", "1e2", "-0x10");
        put(g, "\n");
    }
    if (wrong(g)) {
        PUT_ANY(g, "    rules: {}\n", "    rules: x\n", "    rules: ~\n", "    rules:\n", "    rule: []\n",
                "    namespace: x\n", "    rules: []\n    rules: []\n",
                "    partial_response_strategy: abort\n", "    interval: 5m\n");
        return;
    }
    put(g, "    rules:\n");
    for (unsigned n = gen_below(g, 4); n > 0; n--)
        put_rule(g);
}

/* ---- changes afterwards ---- */

static void
mutate(struct gen *g, size_t start)
{
    static const char *const pieces[] = {
        "\t", " ", "  ", ":",     "- ",    "#",  "\"", "'",  "[", "}", "&a ", "*a",       "!", "|",    ">",
        "%",  "@", "`",  "---\n", "...\n", "\n", "? ", "{{", "$", ",", "\\",  "\xc3\xa9", "~", "<<: ", "0"};
    struct gr_buf copy = GR_BUF_INIT(1 << 22);
    size_t n = g->out->n - start, at, end;
    const char *p = g->out->p + start;

    if (n == 0)
        return;
    at = gen_below(g, (unsigned)n);
    end = at + 1 + gen_below(g, 3);
    while (at > 0 && ((unsigned char)p[at] & 0xc0) == 0x80)
        at--;
    if (once_in(g, 3)) { /* a whole line */
        while (at > 0 && p[at - 1] != '\n')
            at--;
        for (end = at; end < n && p[end] != '\n';)
            end++;
    }
    end = end > n ? n : end;
    while (end < n && ((unsigned char)p[end] & 0xc0) == 0x80)
        end++;
    gr_buf_put(&copy, (struct gr_str){p, at});
    switch (gen_below(g, 4)) {
    case 0: /* gone */
        break;
    case 1: /* twice */
        gr_buf_put(&copy, (struct gr_str){p + at, end - at});
        gr_buf_put(&copy, (struct gr_str){p + at, end - at});
        break;
    case 2: /* another */
        gr_buf_puts(&copy, pieces[gen_below(g, GR_COUNT(pieces))]);
        break;
    default: /* one more */
        gr_buf_puts(&copy, pieces[gen_below(g, GR_COUNT(pieces))]);
        gr_buf_put(&copy, (struct gr_str){p + at, end - at});
        break;
    }
    gr_buf_put(&copy, (struct gr_str){p + end, n - end});
    gr_buf_cut(g->out, start);
    gr_buf_put(g->out, gr_buf_str(&copy));
    gr_buf_fini(&copy);
}

void
gen_rulefile(struct gen *g, unsigned mutations)
{
    size_t start = g->out->n;

    if (once_in(g, 8))
        PUT_ANY(g, "# comment\n", "---\n", "%YAML 1.1\n---\n", "\n", "x-: &l {a: b}\n", "\xef\xbb\xbf");
    if (wrong(g))
        PUT_ANY(g, "", "groups: ~\n", "groups: {}\n", "[]\n", "text\n", "group:\n", "namespace: x\n",
                "groups: [x]\n", "groups:\n");
    put(g, "groups:\n");
    for (unsigned i = 0, n = gen_below(g, 4); i < n; i++)
        put_group(g, i);
    if (wrong(g))
        PUT_ANY(g, "---\ngroups: x\n", "...\n", "extra: 1\n", "groups: []\n", "  - name: g0\n    rules: []\n",
                "# end", "---\n[");
    while (mutations-- > 0)
        mutate(g, start);
}
