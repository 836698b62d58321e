/* evaluate.c - see evaluate.h: the loop over evaluations and cells. */
#include "config.h"
#include "evaluate.h"
#include "parts.h"

static bool
evaluation_add(struct run *r, struct evaluation *e, const struct judged *j)
{
    if (e->n == e->cap) {
        struct judged *grown = gr_arena_grow(r->a, e->v, e->n, &e->cap, sizeof *grown);

        if (!grown)
            return false;
        e->v = grown;
    }
    e->v[e->n++] = *j;
    return true;
}

struct evaluation *
evaluate(struct gr_arena *a, const struct model *m, const struct world *w, size_t count)
{
    struct run r = {.a = a, .m = m, .w = w, .count = count};
    struct evaluation *out = gr_arena_array(a, count, sizeof *out);

    r.edges = gr_arena_array(a, EDGES_MAX, sizeof *r.edges);
    if (!out || !r.edges || !run_discover(&r))
        return NULL;
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < r.n_cells; i++) {
            slots_record(&r, &r.cells[i], k);
            chance_note(&r, &r.cells[i], k);
            judge_note(&r, &r.cells[i], k);
        }
        for (size_t i = 0; i < r.n_cells; i++) {
            struct judged j;

            edges_use(&r, r.cells[i].g);
            if (judge(&r, &r.cells[i], k, &j) && !evaluation_add(&r, &out[k], &j))
                return NULL;
        }
    }
    return out;
}
