/* timescale.c - --time-scale inside expressions. */
#include "config.h"
#include "timescale.h"

struct scaling {
    const struct model *m;
};

static int64_t
scaled_offset(const struct model *m, int64_t offset_ms)
{
    return offset_ms < 0 ? -model_ms(m, -offset_ms) : model_ms(m, offset_ms);
}

static bool
scale_node(struct gr_promql *e, void *ctx)
{
    const struct model *m = ((struct scaling *)ctx)->m;

    if (e->kind == GR_PROMQL_SELECTOR) {
        e->u.selector.range_ms = model_ms(m, e->u.selector.range_ms);
        e->u.selector.shift.offset_ms = scaled_offset(m, e->u.selector.shift.offset_ms);
    } else if (e->kind == GR_PROMQL_SUBQUERY) {
        e->u.subquery.range_ms = model_ms(m, e->u.subquery.range_ms);
        e->u.subquery.step_ms = model_ms(m, e->u.subquery.step_ms);
        e->u.subquery.shift.offset_ms = scaled_offset(m, e->u.subquery.shift.offset_ms);
    }
    return true;
}

void
timescale_apply(const struct model *m, struct gr_promql *e)
{
    struct scaling s = {m};

    if (m->time_scale > 1)
        gr_promql_visit(e, scale_node, &s);
}
