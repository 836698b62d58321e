/* test_rulefile_write.c - the YAML of a rule file: one golden text, and every text reads back as it was. */
#include "config.h"
#include "test_rules.h"

#include "guardrail/node.h"
#include "guardrail/rulefile.h"

static const char golden[] = "# Generated.\n"
                             "#\n"
                             "# Twice.\n"
                             "groups:\n"
                             "  # first\n"
                             "  - name: demo\n"
                             "    interval: 2m\n"
                             "    rules:\n"
                             "      # the gate\n"
                             "      - record: guardrail:gate\n"
                             "        expr: |-\n"
                             "          guardrail:phase{spec=\"demo\"} == 1\n"
                             "        labels:\n"
                             "          guardrail: err\n"
                             "          \"on\": \"yes\"\n"
                             "      - alert: Breach\n"
                             "        expr: |-\n"
                             "          sum by (a) (b)\n"
                             "            > 1\n"
                             "\n"
                             "          or vector(0)\n"
                             "        for: 1m30s\n"
                             "        keep_firing_for: 4m\n"
                             "        labels:\n"
                             "          level: hard\n"
                             "        annotations:\n"
                             "          summary: \"{{ $labels.a }}: {{ $value }}\"\n"
                             "  - name: empty\n"
                             "    rules: []\n";

START_TEST(writes)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("demo"), 120000);
    struct gr_buf b = GR_BUF_INIT(1 << 16), again = GR_BUF_INIT(1 << 16);
    struct gr_rule *r;

    gr_rule_group_comment(f, g, GR_STR("first"));
    r = gr_rulefile_rule(f, g, GR_RULE_RECORD, GR_STR("guardrail:gate"),
                         GR_STR("guardrail:phase{spec=\"demo\"} == 1"));
    gr_rule_comment(f, r, GR_STR("the gate"));
    gr_rule_label(f, r, GR_STR("guardrail"), GR_STR("err"));
    gr_rule_label(f, r, GR_STR("on"), GR_STR("yes"));
    r->for_ms = 5; /* no such thing in a recording rule: left out */
    r = gr_rulefile_rule(f, g, GR_RULE_ALERT, GR_STR("Breach"),
                         GR_STR("sum by (a) (b)\n  > 1\n\nor vector(0)"));
    r->for_ms = 90000;
    r->keep_firing_for_ms = 240000;
    gr_rule_label(f, r, GR_STR("level"), GR_STR("hard"));
    gr_rule_annotation(f, r, GR_STR("summary"), GR_STR("{{ $labels.a }}: {{ $value }}"));
    ck_assert_ptr_nonnull(gr_rulefile_group(f, GR_STR("empty"), 0));
    gr_rulefile_write(&b, f, GR_STR("Generated.\n\nTwice."));
    ck_assert_str_eq(gr_buf_cstr(&b), golden);
    gr_rulefile_write(&again, f, GR_STR("Generated.\n\nTwice."));
    ck_assert_str_eq(gr_buf_cstr(&again), golden);
    gr_buf_fini(&b);
    gr_buf_fini(&again);
    gr_arena_free(a);
}
END_TEST

/* Long annotations that occur again are cited, and read back as they were; writing twice gives the same bytes. */
START_TEST(anchors)
{
    static const char want[] = "groups:\n"
                               "  - name: g\n"
                               "    rules:\n"
                               "      - alert: A\n"
                               "        expr: up\n"
                               "        labels:\n"
                               "          long: 0123456789abcdef0123456789abcdef01234567\n"
                               "        annotations:\n"
                               "          text: &a1 |-\n"
                               "            \"several\" lines that are longer than\n"
                               "            forty bytes\n"
                               "          hash: &a2 0123456789abcdef0123456789abcdef01234567\n"
                               "          short: same\n"
                               "          own: 0123456789abcdef0123456789abcdef0123456A\n"
                               "      - alert: B\n"
                               "        expr: up\n"
                               "        labels:\n"
                               "          long: 0123456789abcdef0123456789abcdef01234567\n"
                               "        annotations:\n"
                               "          text: *a1\n"
                               "          hash: *a2\n"
                               "          short: same\n"
                               "          own: 0123456789abcdef0123456789abcdef0123456B\n";
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, GR_STR("g"), 0);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    struct gr_node *root;
    const struct gr_node *rules, *text;
    uint32_t file;

    f->anchors = true;
    for (int i = 0; i < 2; i++) {
        struct gr_rule *r =
            gr_rulefile_rule(f, g, GR_RULE_ALERT, i ? GR_STR("B") : GR_STR("A"), GR_STR("up"));

        gr_rule_label(f, r, GR_STR("long"), GR_STR("0123456789abcdef0123456789abcdef01234567"));
        gr_rule_annotation(f, r, GR_STR("text"),
                           GR_STR("\"several\" lines that are longer than\nforty bytes"));
        gr_rule_annotation(f, r, GR_STR("hash"), GR_STR("0123456789abcdef0123456789abcdef01234567"));
        gr_rule_annotation(f, r, GR_STR("short"), GR_STR("same"));
        gr_rule_annotation(f, r, GR_STR("own"),
                           i ? GR_STR("0123456789abcdef0123456789abcdef0123456B")
                             : GR_STR("0123456789abcdef0123456789abcdef0123456A"));
    }
    for (int i = 0; i < 2; i++) {
        gr_buf_reset(&b);
        gr_rulefile_write(&b, f, GR_STR_NONE);
        ck_assert_str_eq(gr_buf_cstr(&b), want);
    }
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), gr_buf_str(&b), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read_foreign(a, sources, file, &gr_node_limits_default, d, &root), GR_OK);
    rules = gr_node_get(gr_node_get(root, "groups")->first, "rules");
    text = gr_node_get(gr_node_get(rules->first->next, "annotations"), "text");
    ck_assert(gr_str_is(text->text, "\"several\" lines that are longer than\nforty bytes"));
    gr_buf_fini(&b);
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_arena_free(a);
}
END_TEST

START_TEST(empty_file)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_buf b = GR_BUF_INIT(1 << 16);

    gr_rulefile_write(&b, f, GR_STR_NONE);
    ck_assert_str_eq(gr_buf_cstr(&b), "groups: []\n");
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

static const char *const texts[] = {
    "",
    " ",
    "a",
    "a b",
    "up == 1",
    "a: b",
    "a #b",
    "#a",
    "- a",
    "-1",
    "1",
    "1e3",
    "0x1F",
    "yes",
    "null",
    "~",
    "true",
    "NaN",
    "{a=\"b\"}",
    "[a]",
    "'a'",
    "\"a\"",
    "a\n",
    "\na",
    "a\nb",
    "a\n\nb",
    " a\nb",
    "a \nb",
    "a\nb ",
    "a\n b",
    "a\n\tb",
    "a\r\nb",
    "a\rb",
    "\t",
    "a\tb",
    "a\\nb",
    "\xc3\xa9",
    "\xc3\xa9\nb",
    "a\342\200\250b",
    "a\xef\xbb\xbf\nb",
    "\x01\nb",
    "a\n\x7f",
    "---\na",
    "a\n---\nb",
    "...\n...",
    "a\n# no comment\nb",
    "%a\nb",
    "- a\n- b",
    "a: b\nc: d",
    "|-\n  a",
    "a\n\n",
    "\n",
    "\n\n",
    "@a",
    "`a`",
    "*a",
    "&a",
    "!a",
    "a,b",
    "a]",
    "?",
    "? a",
    ":",
    "a:",
    "=",
    "<<",
    "2026-11-23",
    "12:30:45",
    "0o17",
    "1_000",
};

/* As expression, label, annotation, name and comment at once. */
START_TEST(reads_back)
{
    struct gr_str text = gr_str(texts[_i]);
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_rule_group *g = gr_rulefile_group(f, text, 1000);
    struct gr_rule *r = gr_rulefile_rule(f, g, GR_RULE_ALERT, text, text);
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_node *root = NULL;
    const struct gr_node *group, *rule;
    uint32_t file;

    gr_rule_label(f, r, text, text);
    gr_rule_annotation(f, r, text, text);
    gr_rule_comment(f, r, text);
    gr_rule_group_comment(f, g, text);
    gr_rulefile_write(&b, f, text);
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), gr_buf_str(&b), &file), GR_OK);
    ck_assert_msg(gr_yaml_read(a, sources, file, &gr_node_limits_default, diags, &root) == GR_OK, "%s",
                  gr_buf_cstr(&b));
    group = gr_node_get(root, "groups")->first;
    rule = gr_node_get(group, "rules")->first;
    ck_assert_msg(gr_str_eq(gr_node_get(group, "name")->text, text), "%s", gr_buf_cstr(&b));
    ck_assert_msg(gr_str_eq(gr_node_get(rule, "alert")->text, text), "%s", gr_buf_cstr(&b));
    ck_assert_msg(gr_str_eq(gr_node_get(rule, "expr")->text, text), "%s", gr_buf_cstr(&b));
    ck_assert_msg(gr_str_eq(gr_node_get(rule, "labels")->first->text, text), "%s", gr_buf_cstr(&b));
    ck_assert_msg(gr_str_eq(gr_node_get(rule, "labels")->first->key, text), "%s", gr_buf_cstr(&b));
    ck_assert_msg(gr_str_eq(gr_node_get(rule, "annotations")->first->text, text), "%s", gr_buf_cstr(&b));
    ck_assert_uint_eq(root->count, 1); /* no comment became anything else */
    gr_buf_fini(&b);
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_arena_free(a);
}
END_TEST

START_TEST(buffer_ends)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_rulefile *f = gr_rulefile_create(a);
    struct gr_buf b = GR_BUF_INIT(20);

    gr_rulefile_rule(f, gr_rulefile_group(f, GR_STR("g"), 0), GR_RULE_RECORD, GR_STR("r"), GR_STR("up"));
    gr_rulefile_write(&b, f, GR_STR("header"));
    ck_assert_int_eq(gr_buf_err(&b), GR_ELIMIT);
    gr_buf_fini(&b);
    gr_arena_free(a);
}
END_TEST

Suite *
rulefile_write_suite(void)
{
    Suite *s = suite_create("rulefile_write");
    TCase *tc = tcase_create("yaml");

    tcase_add_test(tc, writes);
    tcase_add_test(tc, anchors);
    tcase_add_test(tc, empty_file);
    tcase_add_loop_test(tc, reads_back, 0, GR_COUNT(texts));
    tcase_add_test(tc, buffer_ends);
    suite_add_tcase(s, tc);
    return s;
}
