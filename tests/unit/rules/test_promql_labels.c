/* test_promql_labels.c - what labels a result has. A row's answer is "open" or "closed", then the labels:
 * name! certain, name? possible, -name absent, =value where it is fixed; absent ones only where the set is
 * open. */
#include "config.h"
#include "test_rules.h"

static const struct row {
    const char *text, *want;
} rows[] = {
    /* selectors */
    {"foo", "open __name__!=foo"},
    {"{a=\"b\"}", "open __name__! a!=b"},
    {"{__name__=\"foo\"}", "open __name__!=foo"},
    {"foo{a=\"b\",c!=\"\",d=~\".+\",e=~\".*\",f!=\"x\",g!~\".*\",h=\"\"}",
     "open __name__!=foo a!=b c! d! e? f? g! -h"},
    {"known", "open __name__!=known cluster! venue!"},
    {"closed", "closed __name__!=closed venue!"},
    {"closed{venue=\"X\",other=\"\"}", "closed __name__!=closed venue!=X"},
    {"foo[5m:]", "open __name__!=foo"},
    /* scalars */
    {"1 + time()", "closed"},
    {"\"x\"", "closed"},
    {"scalar(foo)", "closed"},
    {"vector(1)", "closed"},
    {"hour()", "closed"},
    /* functions */
    {"rate(foo{a=\"b\"}[5m])", "open -__name__ a!=b"},
    {"last_over_time(foo[5m])", "open __name__!=foo"},
    {"sort_desc(foo)", "open __name__!=foo"},
    {"clamp_min(foo, 1)", "open -__name__"},
    {"quantile_over_time(0.5, foo[5m])", "open -__name__"},
    {"histogram_quantile(0.9, foo{le!=\"\"})", "open -__name__ -le"},
    {"hour(foo)", "open -__name__"},
    {"absent(foo{a=\"b\",c=~\"d\",e=\"f\",e!=\"g\"})", "closed a!=b"},
    {"absent(foo{e!=\"g\",e=\"f\"})", "closed e!=f"},
    {"absent(foo{e=\"f\",e=\"f\",e=\"f\"})", "closed"},
    {"absent(foo{e=\"\",e=\"f\"})", "closed"},
    {"absent(((foo{a=\"b\"})))", "closed a!=b"},
    {"absent(sum(foo))", "closed"},
    {"absent_over_time(foo{a=\"b\"}[5m])", "closed a!=b"},
    {"-foo", "open -__name__"},
    {"+foo", "open __name__!=foo"},
    {"(foo)", "open __name__!=foo"},
    {"timestamp(foo)", "open -__name__"},
    /* label_replace, label_join */
    {"label_replace(foo, \"v\", \"X\", \"\", \"\")", "open __name__!=foo v!=X"},
    {"label_replace(foo{v=\"a\"}, \"v\", \"\", \"\", \"\")", "open __name__!=foo -v"},
    {"label_replace(foo{t=~\"a|b\"}, \"c\", \"$1\", \"t\", \"(.+)\")", "open __name__!=foo c! t!"},
    {"label_replace(foo{t=\"a\"}, \"c\", \"$1\", \"t\", \"(.*)\")", "open __name__!=foo c!=a t!=a"},
    {"label_replace(foo, \"c\", \"$1\", \"t\", \"(.*)\")", "open __name__!=foo c?"},
    {"label_replace(closed, \"c\", \"$1\", \"t\", \"(.*)\")", "closed __name__!=closed venue!"},
    {"label_replace(closed, \"venue\", \"$1\", \"t\", \"(.+)\")", "closed __name__!=closed venue!"},
    {"label_replace(closed, \"venue\", \"$1\", \"t\", \"(.*)\")", "closed __name__!=closed"},
    {"label_replace(closed, \"c\", \"x\", \"venue\", \"X.*\")", "closed __name__!=closed c? venue!"},
    {"label_replace(closed, \"venue\", \"x\", \"venue\", \"X.*\")", "closed __name__!=closed venue!"},
    {"label_replace(closed, \"venue\", \"\", \"venue\", \"X.*\")", "closed __name__!=closed venue?"},
    {"label_replace(closed, \"c\", \"\", \"venue\", \"X.*\")", "closed __name__!=closed venue!"},
    {"label_replace(closed, \"c\", \"x\", \"venue\", \"(.+)\")", "closed __name__!=closed c!=x venue!"},
    {"label_replace(closed, \"c\", \"x\", \"t\", \"(.+)\")", "closed __name__!=closed c? venue!"},
    {"label_join(closed, \"c\", \"-\", \"venue\", \"t\")", "closed __name__!=closed c! venue!"},
    {"label_join(closed, \"c\", \"\", \"t\", \"u\")", "closed __name__!=closed venue!"},
    {"label_join(foo, \"c\", \"-\", \"t\")", "open __name__!=foo c?"},
    {"label_join(closed, \"venue\", \"-\")", "closed __name__!=closed"},
    /* aggregations */
    {"sum(foo)", "closed"},
    {"sum by (a, b) (foo{a=\"x\"})", "closed a!=x b?"},
    {"sum by (venue, b, __name__) (closed)", "closed __name__!=closed venue!"},
    {"sum without (a, b) (foo{a=\"x\",c=\"y\"})", "open -__name__ -a -b c!=y"},
    {"topk by (a) (1, foo{b=\"c\"})", "open __name__!=foo b!=c"},
    {"count_values by (a) (\"v\", foo)", "closed a? v!"},
    {"count_values by (a) (\"v\", foo{a=\"b\"})", "closed a?=b v!"},
    {"count_values without (v) (\"v\", closed)", "closed venue!"},
    {"count_values without (a) (\"v\", closed)", "closed v! venue!"},
    {"quantile(0.5, foo)", "closed"},
    /* operators with scalars */
    {"foo + 1", "open -__name__"},
    {"foo atan2 1", "open __name__?=foo"},
    {"foo atan2 on () bar", "closed"},
    {"foo > 1", "open __name__!=foo"},
    {"1 < foo", "open __name__!=foo"},
    {"foo > bool 1", "open -__name__"},
    /* joins */
    {"foo / bar", "open -__name__"},
    {"foo{a=\"x\"} / bar{b=\"y\"}", "open -__name__ a!=x b!=y"},
    {"foo > bar", "open __name__!=foo"},
    {"foo > bool on (a) group_left (__name__) bar", "open -__name__ a?"},
    {"foo + on (a) group_left (__name__) bar", "open __name__!=bar a?"},
    {"foo > bool bar", "open -__name__"},
    {"sum by (a) (foo) / bar", "closed a?"},
    {"foo / on (a, b) bar{a=\"x\"}", "closed a!=x b?"},
    {"foo > on (a) bar", "closed a?"},
    {"foo{a=\"x\"} / ignoring (a, t) bar{t=\"y\"}", "open -__name__ -a -t"},
    {"foo{a=\"x\"} * on (v) group_left () bar{v=\"y\",w=\"z\"}", "open -__name__ a!=x v!=y w?"},
    {"foo{a=\"x\",c=\"z\"} * on (v) group_left (a, b) bar{b=\"y\",c=\"\"}", "open -__name__ a? b!=y c!=z v?"},
    {"bar * on (v) group_right (b) foo{a=\"x\"}", "open -__name__ a!=x b? v?"},
    {"sum by (a) (foo) * on (v) group_left () bar", "closed a?"},
    {"foo * ignoring (t) group_left () sum by (a) (bar{a=\"x\"})", "closed a!=x t?"},
    {"foo and bar{a=\"x\"}", "open __name__!=foo a!=x"},
    {"foo and on (b) bar{a=\"x\",b=\"y\"}", "open __name__!=foo a? b!=y"},
    {"foo unless bar{a=\"x\"}", "open __name__!=foo"},
    {"foo{a=\"x\"} or bar{a=\"x\"}", "open __name__! a!=x"},
    {"foo{a=\"x\"} or bar{a=\"y\",b=\"z\"}", "open __name__! a! b?"},
    {"sum by (a) (foo{a=\"x\"}) or sum by (b) (foo)", "closed a?=x b?"},
    {"sum(foo) or sum(bar)", "closed"},
    /* what can never match */
    {"foo{a=\"x\"} / bar{a=\"y\"}", "closed EMPTY"},
    {"sum by (a) (foo{a=\"x\"}) / sum by (b) (foo{b=\"y\"})", "closed EMPTY"},
    {"foo{a=\"x\"} and on (b) bar{a=\"y\"}", "open __name__!=foo a!=x b?"},
    {"foo{a=\"x\"} / bar{a=\"y\"} or baz", "open __name__!=baz"},
    {"sum(foo{a=\"x\"} / bar{a=\"y\"})", "closed EMPTY"},
    {"rate((foo{a=\"x\"} / bar{a=\"y\"})[5m:])", "closed EMPTY"},
};

static bool
knows(const struct gr_promql *selector, const struct gr_str **labels, size_t *count, bool *closed, void *ctx)
{
    static const struct gr_str list[] = {GR_STR_INIT("venue"), GR_STR_INIT("cluster")};
    struct gr_str metric = gr_promql_metric(selector);

    ck_assert_ptr_nonnull(ctx);
    if (!gr_str_is(metric, "known") && !gr_str_is(metric, "closed"))
        return false;
    *labels = list;
    *closed = gr_str_is(metric, "closed");
    *count = *closed ? 1 : 2;
    return true;
}

static void
describe(struct gr_buf *b, const struct gr_promql_labels *l)
{
    gr_buf_puts(b, l->open && !l->empty ? "open" : "closed");
    if (l->empty) {
        gr_buf_puts(b, " EMPTY");
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        const struct gr_promql_label *label = &l->labels[i];

        if (i > 0)
            ck_assert_int_lt(gr_str_cmp(l->labels[i - 1].name, label->name), 0);
        ck_assert(gr_promql_labels_find(l, label->name) == label);
        ck_assert_int_eq(gr_promql_labels_get(l, label->name), label->presence);
        if (label->presence == GR_PROMQL_ABSENT && !l->open)
            continue;
        gr_buf_puts(b, label->presence == GR_PROMQL_ABSENT ? " -" : " ");
        gr_buf_put(b, label->name);
        if (label->presence == GR_PROMQL_ABSENT)
            continue;
        gr_buf_putc(b, label->presence == GR_PROMQL_CERTAIN ? '!' : '?');
        if (label->fixed)
            gr_buf_printf(b, "=" GR_FMT, GR_ARG(label->value));
    }
}

START_TEST(inferred)
{
    const struct row *r = &rows[_i];
    struct parsed p;
    struct gr_promql_labels l;
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    const char *want = r->want;

    parsed_must(&p, r->text);
    ck_assert_int_eq(gr_promql_labels(p.arena, p.expr, knows, &p, &l), GR_OK);
    describe(&b, &l);
    ck_assert_msg(strcmp(gr_buf_cstr(&b), want) == 0, "%s has %s, not %s", r->text, gr_buf_cstr(&b), want);
    ck_assert_ptr_null(gr_promql_labels_find(&l, GR_STR("zz")));
    ck_assert_int_eq(gr_promql_labels_get(&l, GR_STR("zz")), l.open ? GR_PROMQL_POSSIBLE : GR_PROMQL_ABSENT);
    gr_buf_fini(&b);
    parsed_fini(&p);
}
END_TEST

/* ---- joins ---- */

/* What is told of each operator, those inside first: the operator, "!" when its sides never match, <label or >label by which a side is
 * many. */
static const struct row told[] = {
    {"foo + 1", ""},
    {"foo or bar", ""},
    {"foo / bar", "/ "},
    {"foo and bar unless baz", "and unless "},
    {"(foo + bar) * (foo > bar)", "+ > * "},
    {"foo{a=\"x\"} / bar{a=\"y\"}", "/! "},
    {"foo{a=\"x\"} and bar{a=\"y\"}", "and! "},
    {"foo{a=\"x\"} unless bar{a=\"y\"}", "unless "},
    {"(foo{a=\"x\"} / bar{a=\"y\"}) * foo", "/! * "},
    {"sum by (a, b) (foo) / on (a) bar", "/<b "},
    {"(sum by (a, b) (foo)) / on (a) bar", "/<b "},
    {"bar / on (a) sum by (a, b) (foo)", "/>b "},
    {"bar / ignoring (b) sum by (a, b) (foo)", "/>b "},
    {"sum by (a, b) (foo) / on (a) sum by (a, c) (foo)", "/<b>c "},
    {"sum by (a, b) (foo) / on (a) group_left () bar", "/ "},
    {"sum by (a, b) (foo) / on (a) group_right () bar", "/<b "},
    {"bar / on (a) group_left () sum by (a, b) (foo)", "/>b "},
    {"sum by (a, b) (foo{b=\"x\"}) / on (a) bar", "/ "},
    {"sum by (a, b) (foo{b=\"\"}) / on (a) bar", "/ "},
    {"sum by (a, b) (foo) and on (a) bar", "and "},
    {"topk by (a, b) (1, foo) / on (a) bar", "/ "},
    {"sum without (a) (foo) / on (a) bar", "/ "},
    {"count_values by (a) (\"v\", foo) / on (a) bar", "/<v "},
};

static void
note_join(const struct gr_promql_join *j, void *ctx)
{
    struct gr_buf *b = ctx;

    ck_assert_int_eq(j->e->kind, GR_PROMQL_BINARY);
    ck_assert(j->left && j->right);
    gr_buf_printf(b, GR_FMT "%s", GR_ARG(gr_promql_op_name(j->e->u.binary.op)), j->never ? "!" : "");
    if (j->many_left.n > 0)
        gr_buf_printf(b, "<" GR_FMT, GR_ARG(j->many_left));
    if (j->many_right.n > 0)
        gr_buf_printf(b, ">" GR_FMT, GR_ARG(j->many_right));
    gr_buf_putc(b, ' ');
}

START_TEST(joins)
{
    const struct row *r = &told[_i];
    struct gr_buf b = GR_BUF_INIT(1 << 16);
    const struct gr_promql_infer how = {.join = note_join, .ctx = &b};
    struct gr_promql_labels l;
    struct parsed p;

    parsed_must(&p, r->text);
    ck_assert_int_eq(gr_promql_infer(p.arena, p.expr, &how, &l), GR_OK);
    ck_assert_msg(strcmp(gr_buf_cstr(&b), r->want) == 0, "%s: %s, not %s", r->text, gr_buf_cstr(&b), r->want);
    gr_buf_fini(&b);
    parsed_fini(&p);
}
END_TEST

START_TEST(without_memory)
{
    struct parsed p;
    enum gr_err err = GR_ENOMEM;

    parsed_must(
        &p,
        "label_replace(sum by (a, b) (foo{a=\"x\"}), \"c\", \"$1\", \"a\", \"(.*)\") / on (a) group_left (d) "
        "label_join(bar, \"x\", \"y\", \"z\") or absent(q{a=\"b\"}) and -sum without (e) "
        "(count_values(\"v\", f))");
    for (size_t ceiling = 0; err != GR_OK; ceiling += 32) {
        struct gr_arena *a = gr_arena_create(ceiling);
        struct gr_promql_labels l = {.count = 77};

        err = gr_promql_labels(a, p.expr, NULL, NULL, &l);
        ck_assert_int_eq(err, l.count == 77 ? GR_ENOMEM : GR_OK);
        gr_arena_free(a);
        ck_assert_uint_lt(ceiling, 1 << 20);
    }
    parsed_fini(&p);
}
END_TEST

Suite *
promql_labels_suite(void)
{
    Suite *s = suite_create("promql_labels");
    TCase *tc = tcase_create("inference");

    tcase_add_loop_test(tc, inferred, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, joins, 0, GR_COUNT(told));
    tcase_add_test(tc, without_memory);
    suite_add_tcase(s, tc);
    return s;
}
