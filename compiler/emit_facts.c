/* emit_facts.c - guardrail/facts.json: what the tree means, so that trees can be compared (facts.h). */
#include "config.h"
#include "backend.h"

#include "facts_parts.h"

#define BATCH 256u /* guardrails that share an arena, which is emptied then: a part of what all need */
#define BATCH_BYTES (64u << 20)

static enum gr_err
print_batch(const struct model *m, uint32_t phases, size_t first, struct gr_buf *b)
{
    struct gr_arena *a = gr_arena_create(BATCH_BYTES);
    enum gr_err err = a ? GR_OK : GR_ENOMEM;

    for (size_t i = first; err == GR_OK && i < m->n_guardrails && i < first + BATCH; i++) {
        struct fact_guardrail g;

        err = facts_guardrail(a, m, phases, &m->guardrails[i], &g);
        if (err == GR_OK)
            facts_print_guardrail(b, &g, i == 0);
    }
    gr_arena_free(a);
    return err;
}

static enum gr_err
print_head(const struct model *m, struct gr_buf *b)
{
    struct gr_arena *a = gr_arena_create(BATCH_BYTES);
    struct facts_out o = {.a = a, .m = m, .node = m->root};
    enum gr_err err;

    if (!a)
        return GR_ENOMEM;
    facts_spec(&o);
    if ((err = gr_arena_status(a)) == GR_OK)
        facts_print_head(b, m->spec, m->spec_hash, o.v, o.n);
    gr_arena_free(a);
    return err;
}

enum gr_err
emit_facts(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(FACTS_BYTES_MAX);
    uint32_t phases = facts_default_phases(m);
    enum gr_err err = print_head(m, &b);

    for (size_t i = 0; err == GR_OK && i < m->n_guardrails; i += BATCH)
        err = print_batch(m, phases, i, &b);
    facts_print_tail(&b);
    if (err == GR_OK)
        err = gr_buf_err(&b);
    if (err == GR_OK)
        err = tree_add(t, GR_STR(FACTS_PATH), &b);
    gr_buf_fini(&b);
    return err;
}
