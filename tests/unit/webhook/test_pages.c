/* test_pages.c - the examples in the pages of findings that are guardraild's: a bad one has its finding and no other, a good one
 * none. */
#include "config.h"
#include "guardrail/pages.h"
#include "fixture.h"
#include "test_webhook.h"

#include "webhook/conf.h"

struct read {
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
};

/* The fixture's policy with the member that the example shows in the place of its own. Members begin a line, two blanks deep. */
static void
complete(struct gr_buf *out, struct gr_str member)
{
    struct gr_buf name = GR_BUF_INIT(1000), frame;
    size_t at, end;

    gr_buf_printf(&name, "\n  " GR_FMT ":",
                  GR_ARG(gr_str_sub(member, 0, gr_str_find(member, GR_STR(":"), 0))));
    fixture_text(&frame);
    at = gr_str_find(gr_buf_str(&frame), gr_buf_str(&name), 0);
    ck_assert_msg(at != SIZE_MAX, "no member \"%s\"", gr_buf_cstr(&name));
    end = gr_str_find(gr_buf_str(&frame), GR_STR("\n  \""), at + 1);
    ck_assert(end != SIZE_MAX); /* the last member is none of the examples */
    gr_buf_put(out, gr_str_sub(gr_buf_str(&frame), 0, at + 1));
    gr_buf_printf(out, "  " GR_FMT ",", GR_ARG(gr_str_sub(member, 0, member.n - 1)));
    gr_buf_put(out, gr_str_sub(gr_buf_str(&frame), end, frame.n));
    gr_buf_fini(&frame);
    gr_buf_fini(&name);
}

static void
read_example(struct read *r, enum gr_page_kind kind, const char *text)
{
    struct gr_buf whole = GR_BUF_INIT(1u << 20);
    struct policy *policy = NULL;
    struct conf conf;
    enum gr_err err;

    *r = (struct read){gr_arena_create(1u << 20), gr_sources_create(), NULL};
    r->diags = gr_diags_create(r->sources);
    ck_assert(r->arena && r->diags);
    if (kind == GR_PAGE_POLICY) {
        complete(&whole, gr_str(text));
        err = policy_parse(GR_STR("policy.json"), gr_buf_str(&whole), r->sources, r->diags, &policy);
        policy_free(policy);
    } else {
        err = conf_parse(GR_STR("guardraild.yml"), gr_str(text), GR_STR("/etc/guardrail"), r->arena,
                         r->sources, r->diags, &conf);
    }
    ck_assert(err == GR_OK || err == GR_EUSER);
    gr_buf_fini(&whole);
}

static void
read_fini(struct read *r)
{
    gr_diags_free(r->diags);
    gr_sources_free(r->sources);
    gr_arena_free(r->arena);
}

START_TEST(examples)
{
    const struct gr_page *page = gr_page((enum gr_code)_i);
    const char *code = gr_code_info((enum gr_code)_i)->code;
    struct gr_diag_view v;
    struct read r;

    if (!page || (page->kind != GR_PAGE_POLICY && page->kind != GR_PAGE_CONFIG))
        return;
    read_example(&r, page->kind, page->bad);
    ck_assert_msg(gr_diags_get(r.diags, 0, &v), "%s: the bad example has no finding", code);
    for (size_t i = 0; gr_diags_get(r.diags, i, &v); i++)
        ck_assert_msg((int)v.code == _i, "%s: the bad example has %s: " GR_FMT, code,
                      gr_code_info(v.code)->code, GR_ARG(v.message));
    read_fini(&r);
    read_example(&r, page->kind, page->good);
    if (gr_diags_get(r.diags, 0, &v))
        ck_abort_msg("%s: the good example has %s: " GR_FMT, code, gr_code_info(v.code)->code,
                     GR_ARG(v.message));
    read_fini(&r);
}
END_TEST

Suite *
pages_suite(void)
{
    Suite *s = suite_create("pages");
    TCase *tc = tcase_create("pages");

    tcase_add_loop_test(tc, examples, 0, GR_CODE_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
