/* fuzz_facts.c - any bytes as guardrail/facts.json: refused with a finding, or facts that print, read back and compare with themselves. */
#include "config.h"
#include "fuzz.h"

#include "compare.h"

#define ARENA_MAX (256u << 20)

/* NULL: refused. */
static struct facts *
read_text(struct gr_arena *a, struct gr_str text)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d;
    struct facts *f = NULL;
    uint32_t file = 0;
    enum gr_err err;

    GR_ASSERT(sources && gr_sources_add(sources, GR_STR("facts.json"), text, &file) == GR_OK);
    d = gr_diags_create(sources);
    GR_ASSERT(d);
    err = facts_read(a, sources, file, d, &f);
    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT((err == GR_OK) == (f != NULL));
    GR_ASSERT((err == GR_OK) == (gr_diags_count(d, GR_SEV_ERROR) == 0));
    gr_diags_free(d);
    gr_sources_free(sources); /* texts of nodes live in the arena */
    return f;
}

/* Facts of a tree have no places, so nothing but a limit's text may be lost in between. */
static void
check(struct gr_arena *a, const struct facts *f)
{
    struct gr_buf first = GR_BUF_INIT(64u << 20), second = GR_BUF_INIT(64u << 20);
    struct facts *again, empty = {.spec = GR_STR_NONE};
    struct changes changes;

    facts_print(f, &first);
    GR_ASSERT(gr_buf_err(&first) == GR_OK);
    again = read_text(a, gr_buf_str(&first));
    GR_ASSERT(again);
    facts_print(again, &second);
    GR_ASSERT(gr_str_eq(gr_buf_str(&first), gr_buf_str(&second)));
    GR_ASSERT(compare(a, f, again, &changes) == GR_OK);
    GR_ASSERT(changes.n == 0);
    GR_ASSERT(compare(a, f, &empty, &changes) == GR_OK);
    GR_ASSERT(changes.guardrails_removed == f->n_guardrails);
    GR_ASSERT(compare(a, &empty, f, &changes) == GR_OK);
    GR_ASSERT(changes.guardrails_added == f->n_guardrails);
    gr_buf_fini(&first);
    gr_buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct facts *f;

    GR_ASSERT(a);
    if (n <= 1u << 18 && (f = read_text(a, (struct gr_str){(const char *)data, n})) != NULL)
        check(a, f);
    gr_arena_free(a);
    return 0;
}
