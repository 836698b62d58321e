/* lint_rate.c - checks of counters: rated once, over ranges that hold enough scrapes, before they are
 * summed. */
#include "config.h"
#include "lint.h"

#include "guardrail/duration.h"

static bool
is_any(const struct gr_promql *e, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lint_is(e, names[i]))
            return true;
    return false;
}

static bool
ends_in_any(struct gr_str s, const char *const *ends, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gr_str_ends(s, gr_str(ends[i])))
            return true;
    return false;
}

/* Named as the conventions name counters. */
static bool
is_counter(struct gr_str metric)
{
    static const char *const ends[] = {"_total", "_count", "_sum", "_bucket"};

    return ends_in_any(metric, ends, GR_COUNT(ends));
}

/* Surely none: recorded, or named as gauges are. A name that tells nothing is left alone. */
static bool
is_gauge(struct gr_str metric)
{
    static const char *const ends[] = {
        "_celsius", "_in_flight",   "_in_progress",       "_info",       "_limit", "_percent",
        "_ratio",   "_temperature", "_timestamp_seconds", "_utilization"};

    if (is_counter(metric))
        return false;
    return gr_str_is(metric, "up") || (metric.n > 0 && memchr(metric.p, ':', metric.n)) ||
           ends_in_any(metric, ends, GR_COUNT(ends));
}

static const char *const counter_functions[] = {"increase", "irate", "rate"};

/* ---- rate and its like ---- */

static void
check_rated(struct lint_check *c, const struct gr_promql *call, const struct gr_promql *selector)
{
    struct gr_str metric = gr_promql_metric(selector), f = call->u.function->name;

    if (!is_gauge(metric))
        return;
    if (memchr(metric.p, ':', metric.n))
        lint_report(
            c->lint, GR0512, selector->where, GR_STR("take the rate of the counter itself, then record that"),
            GR_FMT "() of a recorded series: where it is a sum of counters its resets are hidden", GR_ARG(f));
    else
        lint_report(c->lint, GR0512, selector->where, GR_STR("use delta(), deriv() or avg_over_time()"),
                    GR_FMT "() of \"" GR_FMT "\", which is no counter", GR_ARG(f), GR_ARG(metric));
}

static void
check_range(struct lint_check *c, const struct gr_promql *call, const struct gr_promql *selector)
{
    static const char *const sampled[] = {"delta", "deriv",          "idelta", "increase",
                                          "irate", "predict_linear", "rate"};
    int64_t scrape = c->lint->options.scrape_interval_ms, range = selector->u.selector.range_ms;
    struct gr_buf b = GR_BUF_INIT(200);

    if (!is_any(call, sampled, GR_COUNT(sampled)) || scrape <= 0 || range >= 4 * scrape)
        return;
    gr_buf_puts(&b, "make it at least ");
    gr_duration_print(&b, 4 * scrape);
    lint_report(c->lint, GR0513, selector->where, gr_buf_str(&b),
                "the range holds fewer than four scrapes: one lost scrape and " GR_FMT "() is wrong or empty",
                GR_ARG(call->u.function->name));
    c->lint->no_memory = c->lint->no_memory || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
}

/* rate(sum(…)[5m:]) */
static void
check_subquery(struct lint_check *c, const struct gr_promql *call, const struct gr_promql *subquery)
{
    const struct gr_promql *inner = lint_bare(subquery->child[0]);

    if (inner->kind == GR_PROMQL_AGGREGATE && is_any(call, counter_functions, GR_COUNT(counter_functions)))
        lint_report(c->lint, GR0514, call->where, GR_STR("write it inside out: sum(rate(x[5m]))"),
                    GR_FMT "() of " GR_FMT
                           "(): when one counter is reset, the sum drops and all of it counts as increase",
                    GR_ARG(call->u.function->name), GR_ARG(gr_promql_agg_name(inner->u.aggregate.op)));
}

static bool
visit_rates(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;

    for (size_t i = 0; e->kind == GR_PROMQL_CALL && i < e->count; i++) {
        const struct gr_promql *arg = lint_bare(e->child[i]);

        if (arg->kind == GR_PROMQL_SUBQUERY)
            check_subquery(c, e, arg);
        if (arg->kind != GR_PROMQL_SELECTOR || arg->u.selector.range_ms == 0)
            continue;
        check_range(c, e, arg);
        if (is_any(e, counter_functions, GR_COUNT(counter_functions)))
            check_rated(c, e, arg);
    }
    return true;
}

void
lint_rates(struct lint_check *c)
{
    if (c->expr)
        gr_promql_visit(c->expr, visit_rates, c);
}

/* ---- counters used raw ---- */

static bool
is_raw_counter(const struct gr_promql *e)
{
    static const char *const ends[] = {"_total", "_bucket"};
    struct gr_str metric = gr_promql_metric(e);

    return e->kind == GR_PROMQL_SELECTOR && metric.n > 0 && !memchr(metric.p, ':', metric.n) &&
           ends_in_any(metric, ends, GR_COUNT(ends));
}

/* Where a counter's value does not matter, or is taken care of. */
static bool
counter_may_stand_in(const struct gr_promql *e)
{
    static const char *const functions[] = {
        "absent", "absent_over_time", "changes",       "count_over_time", "increase",
        "irate",  "last_over_time",   "max_over_time", "min_over_time",   "present_over_time",
        "rate",   "resets",           "timestamp"};
    double value;

    if (e->kind == GR_PROMQL_AGGREGATE)
        return e->u.aggregate.op == GR_PROMQL_COUNT || e->u.aggregate.op == GR_PROMQL_GROUP;
    if (e->kind == GR_PROMQL_BINARY && e->u.binary.op == GR_PROMQL_UNLESS)
        return true; /* x unless x offset 1h: which series are new */
    if (e->kind == GR_PROMQL_BINARY && e->u.binary.op == GR_PROMQL_MUL) /* 0 * x: its labels */
        return (lint_constant(e->child[0], &value) || lint_constant(e->child[1], &value)) && value <= 0 &&
               value >= 0;
    return is_any(e, functions, GR_COUNT(functions));
}

static bool
visit_raw(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;

    if (is_raw_counter(e))
        lint_report(c->lint, GR0515, e->where, GR_STR("take its rate or increase: rate(x[5m])"),
                    "\"" GR_FMT "\" is a counter: its value depends on when its process started",
                    GR_ARG(gr_promql_metric(e)));
    if (e->kind == GR_PROMQL_BINARY &&
        e->u.binary.op == GR_PROMQL_AND) { /* x and y: y is only looked at for being there */
        gr_promql_visit(e->child[0], visit_raw, ctx);
        if (!is_raw_counter(lint_bare(e->child[1])))
            gr_promql_visit(e->child[1], visit_raw, ctx);
        return false;
    }
    return !counter_may_stand_in(e);
}

void
lint_raw_counters(struct lint_check *c)
{
    if (c->expr)
        gr_promql_visit(c->expr, visit_raw, c);
}

/* ---- the group's interval ---- */

#define STALE_AFTER_MS 300000 /* Prometheus' default lookback */

static bool
visit_intervals(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;
    int64_t interval = c->rule->group->interval_ms;
    struct gr_buf b = GR_BUF_INIT(200);

    for (size_t i = 0; e->kind == GR_PROMQL_CALL && i < e->count; i++) {
        const struct gr_promql *arg = lint_bare(e->child[i]);
        int64_t range = arg->kind == GR_PROMQL_SELECTOR ? arg->u.selector.range_ms : 0;
        struct gr_str metric = gr_promql_metric(arg);

        if (metric.n > 0 && memchr(metric.p, ':', metric.n))
            continue; /* recorded, once in an interval: there is no more to see */
        if (range == 0 || range >= interval || lint_is(e, "irate") || lint_is(e, "idelta"))
            continue;
        gr_buf_puts(&b, "the group is evaluated every ");
        gr_duration_print(&b, interval);
        lint_report(c->lint, GR0525, arg->where,
                    GR_STR("make the range at least as long as the group's interval"),
                    "%s: this range never looks at a part of the data", gr_buf_cstr(&b));
        gr_buf_reset(&b);
    }
    c->lint->no_memory = c->lint->no_memory || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
    return true;
}

void
lint_intervals(struct lint_check *c)
{
    const struct lint_group *g = c->rule->group;

    if (g->interval_ms == 0)
        return;
    if (c->expr)
        gr_promql_visit(c->expr, visit_intervals, c);
    if (g->interval_ms > STALE_AFTER_MS && c->rule == g->rules)
        lint_report(c->lint, GR0525, g->interval_span, GR_STR("make it 5m at most"),
                    "series are stale after 5m: what these rules write comes and goes between evaluations");
}
