/* spec_enter.c - traffic.on_enter: what applies the split of a phase before it counts as entered. */
#include "config.h"
#include "spec_parts.h"

#define RETRIES 3
#define POST_TIMEOUT_MS 5000 /* also the most: a rollback waits for it */

static void
read_post(struct spec *s, const struct gr_node *node, struct enter_step *out)
{
    out->post = spec_text(s, node, "post");
    out->program.timeout_ms = spec_duration(s, node, "timeout", POST_TIMEOUT_MS);
    if (out->program.timeout_ms > POST_TIMEOUT_MS)
        gr_diag(s->d, GR0105, spec_get(s, node, "timeout")->span, GR_STR("write at most 5s"),
                "a POST has 5s, for a rollback waits until it has ended");
}

void
read_on_enter(struct spec *s)
{
    const struct gr_node *list = spec_get(s, spec_get(s, s->root, "traffic"), "on_enter");
    struct model *m = s->m;

    if (!list || !(m->on_enter = gr_arena_array(s->a, list->count, sizeof *m->on_enter)))
        return;
    spec_refuse_same_names(s, list, "step");
    gr_node_each (item, list) {
        struct enter_step *e = &m->on_enter[m->n_on_enter];

        if (spec_poisoned(s, item))
            continue;
        if (spec_has(item, "post"))
            read_post(s, item, e);
        else
            (void)read_program(s, item, PLACEHOLDERS_TRAFFIC, &e->program);
        e->program.name = spec_text(s, item, "name");
        e->retries = spec_count(s, item, "retries", RETRIES);
        m->n_on_enter++;
    }
}
