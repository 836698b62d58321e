/* timescale.c - --time-scale inside expressions. */
#include "config.h"
#include "timescale.h"

struct scaling {
    const struct model *m;
};

static int64_t
scaled(enum gr_promql_duration what, int64_t ms, void *ctx)
{
    const struct model *m = ((struct scaling *)ctx)->m;

    (void)what;
    return ms < 0 ? -model_ms(m, -ms) : model_ms(m, ms);
}

void
timescale_apply(const struct model *m, struct gr_promql *e)
{
    struct scaling s = {m};
    enum gr_err err = GR_OK;

    if (m->time_scale > 1)
        err = gr_promql_map_durations(e, scaled, &s);
    GR_ASSERT(err == GR_OK); /* model_ms() leaves at least a millisecond of any duration */
}
