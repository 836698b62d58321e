/* look.c - see look.h. */
#include "config.h"
#include "look.h"

#include <check.h>
#include <math.h>

struct world *
look_world(uint64_t seed, double rps)
{
    struct world *w = NULL;

    ck_assert_int_eq(world_create(&w, &(struct world_options){.seed = seed, .rps = rps}), GR_OK);
    for (size_t v = 0; v < VENUE_COUNT; v++) {
        w->share[v][FLOW_MARKET_MAKING] = 0.15;
        w->share[v][FLOW_AGENCY] = 0.05;
    }
    return w;
}

struct fault
look_fault(const struct world *w, const char *line)
{
    struct gr_buf why = GR_BUF_INIT(4096);
    struct fault f;

    ck_assert_msg(fault_parse(&w->topology, gr_str(line), &f, &why) == GR_OK, "%s: %s", line,
                  gr_buf_cstr(&why));
    gr_buf_fini(&why);
    return f;
}

void
look_break(struct world *w, const char *line)
{
    struct fault f = look_fault(w, line);

    ck_assert_int_eq(world_fault(w, &f), GR_OK);
}

/* The fault machinery already knows how to select series. */
static struct fault
selection(const struct world *w, const char *filter)
{
    struct gr_buf line = GR_BUF_INIT(512);
    struct fault f;

    gr_buf_printf(&line, "silent %s", filter);
    f = look_fault(w, gr_buf_cstr(&line));
    gr_buf_fini(&line);
    return f;
}

/* The index of the next selected series of the family at or after *at; false at the end. */
static bool
next_series(const struct world *w, enum family_id id, const struct fault *chosen, size_t *at)
{
    for (; *at < w->topology.count; *at += 1) {
        if (w->topology.series[*at].family == id && fault_hits(chosen, &w->topology.series[*at]))
            return true;
    }
    return false;
}

uint64_t
look_total(const struct world *w, enum family_id id, const char *filter)
{
    struct fault chosen = selection(w, filter);
    uint64_t sum = 0;

    for (size_t i = 0; next_series(w, id, &chosen, &i); i++)
        sum += w->points[i].total;
    return sum;
}

uint64_t
look_part(const struct world *w, enum family_id id, const char *filter)
{
    struct fault chosen = selection(w, filter);
    uint64_t sum = 0;

    for (size_t i = 0; next_series(w, id, &chosen, &i); i++)
        sum += w->points[i].part;
    return sum;
}

double
look_quantile(const struct world *w, enum family_id id, const char *filter, double q)
{
    struct fault chosen = selection(w, filter);
    const struct family *f = &families[id];
    double bucket[EDGES_MAX + 1] = {0}, total = 0, rank, below = 0;
    size_t b = 0;

    for (size_t i = 0; next_series(w, id, &chosen, &i); i++) {
        for (size_t k = 0; k <= f->edge_count; k++)
            bucket[k] += (double)w->points[i].bucket[k];
        total += (double)w->points[i].total;
    }
    for (rank = q * total; b < f->edge_count && below + bucket[b] < rank; b++)
        below += bucket[b];
    ck_assert_msg(b < f->edge_count && bucket[b] > 0, "the quantile lies above the last edge");
    return (b > 0 ? f->edges[b - 1].s : 0) +
           (f->edges[b].s - (b > 0 ? f->edges[b - 1].s : 0)) * (rank - below) / bucket[b];
}

double
look_mean(const struct world *w, enum family_id id, const char *filter)
{
    struct fault chosen = selection(w, filter);
    double sum = 0;
    int count = 0;

    for (size_t i = 0; next_series(w, id, &chosen, &i); i++, count++)
        sum += w->points[i].value;
    ck_assert_int_gt(count, 0);
    return sum / count;
}

double
look_min(const struct world *w, enum family_id id, const char *filter)
{
    struct fault chosen = selection(w, filter);
    double least = HUGE_VAL;

    for (size_t i = 0; next_series(w, id, &chosen, &i); i++)
        least = fmin(least, w->points[i].value);
    return least;
}

double
look_max(const struct world *w, enum family_id id, const char *filter)
{
    struct fault chosen = selection(w, filter);
    double most = -HUGE_VAL;

    for (size_t i = 0; next_series(w, id, &chosen, &i); i++)
        most = fmax(most, w->points[i].value);
    return most;
}

double
look_drift(const struct world *w, const char *venue, const char *track)
{
    struct gr_buf filter = GR_BUF_INIT(128);
    double drift, beta;

    gr_buf_printf(&filter, "venue=%s", venue);
    beta = look_mean(w, FAM_HEDGE_BETA, gr_buf_cstr(&filter));
    gr_buf_printf(&filter, " track=%s", track);
    drift = look_mean(w, FAM_DRIFT, gr_buf_cstr(&filter));
    gr_buf_fini(&filter);
    return drift - beta * look_mean(w, FAM_MARKET_RETURN, "");
}
