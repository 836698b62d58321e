/* fuzz_promql.c - any bytes as PromQL: an answer within bounds, the same twice; what parses prints, reads
 * back as the same tree and prints the same, survives cloning, rewriting and label inference, and knows its
 * places. */
#include "config.h"
#include "fuzz.h"

#include "guardrail/promql.h"

#define ARENA_MAX (256u << 20)

struct run {
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_arena *arena;
    struct gr_promql *expr;
    enum gr_err err;
};

static void
run_init(struct run *r, struct gr_str text)
{
    uint32_t file;

    *r = (struct run){.sources = gr_sources_create(), .arena = gr_arena_create(ARENA_MAX)};
    GR_ASSERT(r->sources && r->arena);
    GR_ASSERT(gr_sources_add(r->sources, GR_STR("expr"), text, &file) == GR_OK);
    r->diags = gr_diags_create(r->sources);
    GR_ASSERT(r->diags);
    r->err = gr_promql_parse(r->arena, text, (struct gr_span){file, 0, (uint32_t)text.n}, r->diags, &r->expr);
    GR_ASSERT(r->err == GR_OK || r->err == GR_EUSER);
    GR_ASSERT((r->err == GR_OK) == (r->expr != NULL));
    GR_ASSERT((r->err == GR_OK) == (gr_diags_count(r->diags, GR_SEV_ERROR) == 0));
    GR_ASSERT(gr_arena_used(r->arena) <= 200 * text.n + 8192);
}

static void
run_fini(struct run *r)
{
    gr_diags_free(r->diags);
    gr_sources_free(r->sources);
    gr_arena_free(r->arena);
}

static bool
check_places(struct gr_promql *e, void *ctx)
{
    size_t n = *(size_t *)ctx;
    uint32_t height = 0;

    GR_ASSERT(e->start < e->end && e->end <= n);
    GR_ASSERT(e->where.start == e->start && e->where.end == e->end);
    for (size_t i = 0; i < e->count; i++) {
        GR_ASSERT(e->child[i]->start >= e->start && e->child[i]->end <= e->end);
        height = e->child[i]->height > height ? e->child[i]->height : height;
    }
    GR_ASSERT(e->height == height + 1 && e->height <= GR_PROMQL_HEIGHT_MAX);
    return true;
}

static void
check_labels(struct run *r)
{
    struct gr_promql_labels l;

    GR_ASSERT(gr_promql_labels(r->arena, r->expr, NULL, NULL, &l) == GR_OK);
    for (size_t i = 1; i < l.count; i++)
        GR_ASSERT(gr_str_cmp(l.labels[i - 1].name, l.labels[i].name) < 0);
    if (gr_promql_type(r->expr) == GR_PROMQL_T_SCALAR)
        GR_ASSERT(!l.open && l.count == 0);
}

/* Adding a label that no input has, to all selectors, leaves a tree that still checks and reads back. */
static void
check_rewriting(struct run *r, struct gr_buf *out)
{
    struct gr_promql_matcher m = {
        .name = GR_STR("guardrail_fuzz"), .op = GR_PROMQL_IS, .value = GR_STR("a\"\n")};
    struct gr_promql_add add = {.matchers = &m, .count = 1};
    struct gr_promql *copy = gr_promql_clone(r->arena, r->expr);
    enum gr_err err;
    struct run again;

    GR_ASSERT(copy && gr_promql_equal(copy, r->expr));
    err = gr_promql_add_matchers(r->arena, copy, &add);
    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT(gr_promql_check(copy, r->diags) == GR_OK);
    gr_buf_reset(out);
    gr_promql_print(out, copy);
    GR_ASSERT(gr_buf_err(out) == GR_OK);
    if (out->n > GR_PROMQL_BYTES_MAX)
        return;
    run_init(&again, gr_buf_str(out));
    GR_ASSERT(again.err == GR_OK || copy->height > GR_PROMQL_HEIGHT_MAX);
    GR_ASSERT(gr_promql_equal(again.expr, copy));
    run_fini(&again);
}

static void
check_printing(struct run *r, struct gr_buf *out)
{
    struct gr_buf second = GR_BUF_INIT(64u << 20);
    struct run again;

    gr_buf_reset(out);
    gr_promql_print(out, r->expr);
    GR_ASSERT(gr_buf_err(out) == GR_OK);
    run_init(&again, gr_buf_str(out));
    GR_ASSERT(again.err == GR_OK);
    GR_ASSERT(gr_promql_equal(again.expr, r->expr));
    gr_promql_print(&second, again.expr);
    GR_ASSERT(gr_str_eq(gr_buf_str(out), gr_buf_str(&second)));
    run_fini(&again);
    gr_buf_fini(&second);
}

/* The form on several lines reads back as well. */
static void
check_pretty(struct run *r, struct gr_buf *out, size_t width)
{
    struct run again;

    gr_buf_reset(out);
    gr_promql_pretty(out, r->expr, width);
    GR_ASSERT(gr_buf_err(out) == GR_OK);
    if (out->n > GR_PROMQL_BYTES_MAX)
        return;
    run_init(&again, gr_buf_str(out));
    GR_ASSERT(again.err == GR_OK);
    GR_ASSERT(gr_promql_equal(again.expr, r->expr));
    run_fini(&again);
}

/* The first half as the YAML scalar that the second half was read from: places stay within it, whatever it is. */
static void
check_origin(struct gr_str raw, struct gr_str text)
{
    struct run r = {.sources = gr_sources_create(), .arena = gr_arena_create(ARENA_MAX)};
    struct gr_buf out = GR_BUF_INIT(1u << 20);
    uint32_t file;

    GR_ASSERT(r.sources && r.arena);
    GR_ASSERT(gr_sources_add(r.sources, GR_STR("yaml"), raw, &file) == GR_OK);
    r.diags = gr_diags_create(r.sources);
    GR_ASSERT(r.diags);
    r.err = gr_promql_parse(r.arena, text, (struct gr_span){file, 0, (uint32_t)raw.n}, r.diags, &r.expr);
    if (r.err == GR_OK)
        GR_ASSERT(r.expr->where.start <= r.expr->where.end && r.expr->where.end <= raw.n);
    gr_diags_print(r.diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &out);
    gr_buf_fini(&out);
    run_fini(&r);
}

/* The text with placeholders ($e, $l, $m, $d), filled: what is taken is a good tree. */
static void
check_placeholders(struct gr_str text, struct gr_buf *out)
{
    static const struct gr_str labels[] = {GR_STR_INIT("x"), GR_STR_INIT("y")};
    static const struct gr_promql_matcher matcher = {
        .name = GR_STR_INIT("track"), .op = GR_PROMQL_IS, .value = GR_STR_INIT("a\"")};
    struct run lent, r = {.sources = gr_sources_create(), .arena = gr_arena_create(ARENA_MAX)};
    struct gr_promql_param items[] = {
        {"l", GR_PROMQL_PARAM_LABELS, .labels = labels, .count = GR_COUNT(labels)},
        {"m", GR_PROMQL_PARAM_MATCHERS, .matchers = &matcher, .count = 1},
        {"d", GR_PROMQL_PARAM_DURATION, .duration_ms = 1500},
        {"e", GR_PROMQL_PARAM_EXPR, .expr = NULL},
    };
    struct gr_promql_params params = {items, GR_COUNT(items)};
    struct gr_buf second = GR_BUF_INIT(64u << 20);
    struct run again;

    run_init(&lent, GR_STR("a + on (b) -c"));
    GR_ASSERT(lent.err == GR_OK && r.sources && r.arena);
    items[3].expr = lent.expr;
    r.diags = gr_diags_create(r.sources);
    GR_ASSERT(r.diags);
    r.err = gr_promql_parse_with(r.arena, text, GR_SPAN_NONE, &params, r.diags, &r.expr);
    GR_ASSERT(r.err == GR_OK || r.err == GR_EUSER);
    gr_buf_reset(out);
    if (r.err == GR_OK)
        gr_promql_print(out, r.expr);
    GR_ASSERT(gr_buf_err(out) == GR_OK);
    if (r.err == GR_OK && out->n <= GR_PROMQL_BYTES_MAX) {
        run_init(&again, gr_buf_str(out));
        GR_ASSERT(again.err == GR_OK); /* with the parentheses that the tree did without */
        gr_promql_print(&second, again.expr);
        GR_ASSERT(gr_str_eq(gr_buf_str(out), gr_buf_str(&second)));
        run_fini(&again);
    }
    gr_buf_fini(&second);
    run_fini(&r);
    run_fini(&lent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};
    struct gr_buf out = GR_BUF_INIT(64u << 20);
    const char *why = NULL;
    size_t at = 0;
    bool empty;
    struct run r;

    if (gr_promql_regex(text, &empty, &at, &why) != GR_OK)
        GR_ASSERT(why && at <= n);
    run_init(&r, text);
    if (r.err == GR_OK) {
        gr_promql_visit(r.expr, check_places, &n);
        check_labels(&r);
        check_printing(&r, &out);
        check_pretty(&r, &out, n % 100);
        check_rewriting(&r, &out);
    }
    run_fini(&r);
    check_placeholders(text, &out);
    gr_buf_fini(&out);
    check_origin(gr_str_sub(text, 0, n / 2), gr_str_sub(text, n / 2, n));
    check_origin(gr_str_sub(text, 0, n), text);
    return 0;
}
