/* Runs every suite of rules/. CK_RUN_SUITE, CK_RUN_CASE and CK_FORK=no narrow it down. */
#include "config.h"
#include "../suites.h"
#include "test_rules.h"

#define ARENA_MAX (64u << 20)

void
parsed_init(struct parsed *p, struct gr_str text)
{
    uint32_t file;

    *p = (struct parsed){.arena = gr_arena_create(ARENA_MAX), .sources = gr_sources_create()};
    gr_buf_init(&p->message, 1 << 20);
    ck_assert(p->arena && p->sources);
    p->diags = gr_diags_create(p->sources);
    ck_assert_ptr_nonnull(p->diags);
    ck_assert_int_eq(gr_sources_add(p->sources, GR_STR("expr"), text, &file), GR_OK);
    p->err = gr_promql_parse(p->arena, text, (struct gr_span){file, 0, (uint32_t)text.n}, p->diags, &p->expr);
}

void
parsed_fini(struct parsed *p)
{
    gr_buf_fini(&p->message);
    gr_diags_free(p->diags);
    gr_sources_free(p->sources);
    gr_arena_free(p->arena);
}

const char *
parsed_message(struct parsed *p)
{
    gr_buf_reset(&p->message);
    gr_diags_print(p->diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &p->message);
    return gr_buf_cstr(&p->message);
}

void
parsed_must(struct parsed *p, const char *text)
{
    parsed_init(p, gr_str(text));
    ck_assert_msg(p->err == GR_OK, "%s", parsed_message(p));
}

/* clang-format off */
static suite_fn *const suites[] = {
    lint_suite,
    promql_check_suite,
    promql_diff_suite,
    promql_eval_suite,
    promql_hint_suite,
    promql_labels_suite,
    promql_lex_suite,
    promql_literal_suite,
    promql_parse_suite,
    promql_place_suite,
    promql_pretty_suite,
    promql_print_suite,
    promql_regex_suite,
    promql_rewrite_suite,
    promql_table_suite,
    promql_tree_suite,
    rulefile_suite,
    rulefile_diff_suite,
    rulefile_write_suite,
    template_suite,
};
/* clang-format on */

int
main(void)
{
    return suites_run(suites, GR_COUNT(suites));
}
