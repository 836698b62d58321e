/* scenario_spec.c - a random specification, as text: what a user could have written. */
#include "config.h"
#include "scenario.h"

static size_t
pick(struct rng *r, size_t n)
{
    size_t i = (size_t)(rng_uniform(r) * (double)n);

    return i < n ? i : n - 1;
}

static bool
chance(struct rng *r, double p)
{
    return rng_uniform(r) < p;
}

static const char *
one(struct rng *r, const char *const *from, size_t n)
{
    return from[pick(r, n)];
}
#define ONE(r, ...) one(r, (const char *const[]){__VA_ARGS__}, GR_COUNT(((const char *const[]){__VA_ARGS__})))

struct plan { /* what later parts of the text have to agree with */
    struct rng rng;
    struct gr_buf *out;
    bool shadow, dynamic, budget;
    bool shares; /* of traffic are planned: the first guardrail has to be able to check them */
    bool flows;  /* fast and slow traffic have shares of their own */
    bool idle;   /* slow has none in the first phase */
    unsigned sampling_s;
    /* Numbers for what came later into these texts, so that what a seed gives is the same without it. */
    struct rng late, latest;
    char part_kind
        [6]; /* of guardrails that are ratios 'g' or 'b', by number: whose events another may count as well */
};

static void
put_head(struct plan *p)
{
    bool two = chance(&p->rng, 0.4), wide = chance(&p->rng, 0.5);

    p->sampling_s = chance(&p->rng, 0.5) ? 60 : 120;
    p->dynamic = chance(&p->rng, 0.25);
    p->flows = chance(&p->late, 0.35);
    p->idle = p->flows && chance(&p->late, 0.5);
    gr_buf_printf(
        p->out,
        "apiVersion: guardrail/v1\nspec: ref\nowner: tests@example.com\nrelease: {labels: [cluster]}\n"
        "%scohorts: {label: track, canary: new, control: old, compare_within: [venue%s]",
        p->flows ? "flows: {label: flow, values: [fast, slow]}\n" : "", p->flows ? ", flow" : "");
    p->shares = chance(&p->rng, 0.35);
    if (p->shares)
        gr_buf_printf(p->out, ", control_traffic: %s", ONE(&p->rng, "rest", "equal"));
    gr_buf_puts(p->out, "}\nexpect:\n");
    gr_buf_printf(p->out, "  - {cluster: equities, venue: [XA%s%s]%s}\n", wide || two ? ", XB" : "",
                  wide ? ", XC" : "", p->flows ? ", flow: [fast, slow]" : "");
    if (two)
        gr_buf_printf(p->out, "  - {cluster: crypto, venue: [XA]%s}\n",
                      !p->flows ? "" : ONE(&p->late, ", flow: [fast, slow]", ", flow: [fast]"));
    if (p->dynamic)
        gr_buf_puts(p->out, "dynamic_slices: {bucket: {at_most: 3}}\n");
    gr_buf_printf(p->out, "sampling: %us\nscrape_interval: %s\n", p->sampling_s, ONE(&p->rng, "15s", "30s"));
    p->budget = chance(&p->rng, 0.75);
    if (p->budget)
        gr_buf_printf(p->out, "false_rollback_budget: %s\nfalse_alarm_budget: %s\n",
                      ONE(&p->rng, "1%", "5%", "20%"), ONE(&p->rng, "20%", "40%"));
}

static void
put_phases(struct plan *p)
{
    p->shadow = chance(&p->rng, 0.3);
    gr_buf_puts(p->out, "phases:\n");
    if (p->shadow)
        gr_buf_printf(p->out, "  - {name: preflight, shadow: true, min_duration: %us}\n",
                      p->sampling_s * (unsigned)(2 + pick(&p->rng, 4)));
    for (unsigned i = 1; i <= 2; i++) {
        unsigned slots = (unsigned)(3 + pick(&p->rng, 9)), odd = chance(&p->rng, 0.3) ? 30 : 0;

        gr_buf_printf(p->out, "  - {name: p%u, traffic: ", i);
        if (p->flows)
            gr_buf_printf(p->out, "{fast: %u%%, slow: %u%%}", i * 10, i == 1 && p->idle ? 0 : i * 4);
        else
            gr_buf_printf(p->out, "%u%%", i * 10);
        gr_buf_printf(p->out, ", min_duration: %us", slots * p->sampling_s + odd);
        if (chance(&p->rng, 0.4))
            gr_buf_printf(p->out, ", max_duration: %us",
                          (slots + 1 + (unsigned)pick(&p->rng, 10)) * p->sampling_s + odd);
        gr_buf_puts(p->out, "}\n");
    }
    gr_buf_printf(p->out, "  - {name: done, traffic: %s, final: true}\n",
                  p->flows ? "{fast: 100%, slow: 100%}" : "100%");
}

/* Of a limit against control on a rise; `sign` is "+", "-" or "±". */
static void
put_relative(struct plan *p, const char *sign)
{
    static const char *const soft[] = {"4%", "8%", "10%"}, *const hard[] = {"12%", "15%", "30%"};
    static const char *const rise[] = {"10%", "25%", "40%"}, *const big[] = {"50%", "100%", "80%"};
    bool up = sign[0] == '+';

    if (chance(&p->rng, 0.6))
        gr_buf_printf(p->out, ", soft: %s%s", sign, one(&p->rng, up ? rise : soft, 3));
    gr_buf_printf(p->out, ", hard: %s%s", sign, one(&p->rng, up ? big : hard, 3));
}

/* ignores: the planned share of the traffic. */
static void
put_evidence(struct plan *p, bool compared, bool ignores)
{
    gr_buf_puts(p->out, "    evidence: {");
    gr_buf_printf(p->out, "min_total: %s", ONE(&p->rng, "20", "50", "200", "1000"));
    if (compared) {
        gr_buf_printf(p->out, ", min_events: %s", ONE(&p->rng, "1", "5", "20"));
        if (p->budget && chance(&p->rng, 0.3))
            gr_buf_puts(p->out, ", kind: point");
        if (ignores)
            gr_buf_puts(p->out, ", traffic_share: ignore");
    } else if (chance(&p->rng, 0.6)) {
        gr_buf_printf(p->out, ", confirm: {hard: %s}", ONE(&p->rng, "1 of 1", "2 of 2", "2 of 3", "3 of 4"));
    }
    gr_buf_puts(p->out, "}\n");
}

static bool
has_buckets(struct plan *p)
{
    return p->dynamic && chance(&p->rng, 0.4);
}

/* Limits of some slices: tighter than the base, or of a level or side that the others do not have. backstop: NULL for none. */
static void
put_overrides(struct plan *p, bool buckets, const char *hard, const char *soft, const char *backstop)
{
    size_t n = 1 + pick(&p->rng, 2);
    const char *before = "";

    gr_buf_puts(p->out, "    overrides:\n");
    for (size_t i = 0; i < n; i++) {
        const char *where = buckets ? ONE(&p->rng, "venue: XA", "bucket: b1", "venue: XA, bucket: b1")
                                    : ONE(&p->rng, "venue: XA", "venue: XA", "cluster: equities");
        const char *what = ONE(&p->rng, "hard", "soft", backstop ? "backstop" : "hard");

        if (what == before) /* one of the two might do nothing, which is an error */
            break;
        before = what;
        gr_buf_printf(p->out, "      - {where: {%s}, %s: %s}\n", where, what,
                      what[0] == 'h'   ? hard
                      : what[0] == 's' ? soft
                                       : backstop);
    }
}

/* Sometimes one flow alone, with slices that tell flows apart or need not. Whether there is nothing of it in the first phase. */
static bool
put_flow(struct plan *p)
{
    bool slow = chance(&p->late, 0.5);

    if (!p->flows || !chance(&p->late, 0.3))
        return false;
    gr_buf_printf(p->out, "    only: {flow: %s}\n", slow ? "slow" : "fast");
    if (chance(&p->late, 0.4))
        gr_buf_puts(p->out, "    compare_within: [venue]\n");
    return slow && p->idle;
}

/* Slices and time: what any guardrail can have. buckets: the slice is dynamic; venues: something in it names one. */
static void
put_options(struct plan *p, bool buckets, bool venues)
{
    bool late = false;

    if (buckets)
        gr_buf_puts(p->out, "    slice: [bucket]\n");
    else if (!venues && chance(&p->rng, 0.15) && !p->flows) /* flows of different shares are never pooled */
        gr_buf_puts(p->out, "    compare_within: []\n");
    else if (chance(&p->rng, 0.1))
        gr_buf_puts(p->out, "    only: {venue: XA}\n");
    else
        late = put_flow(p);
    if (chance(&p->rng, 0.25))
        gr_buf_printf(p->out, "    window: %us\n", p->sampling_s * (unsigned)(1 + pick(&p->rng, 3)));
    if (chance(&p->rng, 0.2))
        gr_buf_printf(p->out, "    phases: [%s]\n", late ? "p2" : ONE(&p->rng, "p1", "p2", "p1, p2"));
}

/* Whose events ratio i counts: its own, or those of an earlier one of its kind. Dynamic slices need labels that others do not have. */
static unsigned
events_of(struct plan *p, unsigned i, char kind)
{
    unsigned j = i;

    if (!p->dynamic && chance(&p->late, 0.3))
        for (j = 0; j < i && p->part_kind[j] != kind;)
            j++;
    if (j == i)
        p->part_kind[i] = kind;
    return j;
}

static void
put_ratio(struct plan *p, unsigned i)
{
    bool checks = p->shares && i == 0;
    bool good = chance(&p->rng, 0.4), control = chance(&p->rng, 0.75) || checks,
         points = chance(&p->rng, 0.3);
    bool overrides = control && !points && chance(&p->rng, 0.4), buckets = has_buckets(p) && !checks;
    unsigned events;

    events = events_of(p, i, good ? 'g' : 'b');
    gr_buf_printf(p->out, "    metric:\n      ratio: {%s: g%u_%s_total, total: g%u_all_total}\n",
                  good ? "good" : "bad", events, good ? "good" : "bad", events);
    if (chance(&p->rng, 0.3))
        gr_buf_puts(p->out, "      weights: {label: tier, values: {gold: 5, silver: 1}}\n");
    if (!control) {
        gr_buf_printf(p->out, "    limit: {against: fixed, bad: %s",
                      good ? ONE(&p->rng, "below", "at_or_below") : ONE(&p->rng, "above", "at_or_above"));
        if (chance(&p->rng, 0.6))
            gr_buf_printf(p->out, ", soft: %s", good ? "96%" : "4%");
        gr_buf_printf(p->out, ", hard: %s", good ? "92%" : "8%");
    } else if (points) {
        gr_buf_puts(p->out, "    limit: {against: control");
        if (chance(&p->rng, 0.6))
            gr_buf_printf(p->out, ", soft: %s1pp", good ? "-" : "+");
        gr_buf_printf(p->out, ", hard: %s3pp", good ? "-" : "+");
    } else {
        gr_buf_puts(p->out, "    limit: {against: control");
        put_relative(p, good ? "-" : "+");
        if (!good)
            gr_buf_printf(p->out, ", floor: %s", ONE(&p->rng, "0.1%", "1%", "3%"));
    }
    if (control && chance(&p->rng, 0.4))
        gr_buf_printf(p->out, ", backstop: %s", good ? "85%" : "12%");
    gr_buf_puts(p->out, "}\n");
    if (overrides && good)
        put_overrides(p, buckets, "-11%", "-3%", "88%");
    else if (overrides)
        put_overrides(p, buckets, "+45%", "+9%", "10%");
    put_evidence(p, control, control && p->shares && i > 0 && chance(&p->late, 0.4));
    put_options(p, buckets, overrides);
}

/* How far back, and in which steps: not always multiples of what is sampled. */
static unsigned
some_time(struct plan *p, unsigned most)
{
    return p->sampling_s / 4 * (unsigned)(1 + pick(&p->latest, most));
}

/* `(…)` of a counter: by its range or, of what it was each time, by a subquery. */
static void
put_rates(struct plan *p, unsigned i)
{
    const char *name = ONE(&p->latest, "rate", "rate", "irate", "increase");
    unsigned range = 2 * some_time(p, 6);

    if (chance(&p->latest, 0.3)) {
        gr_buf_printf(p->out, "(%s_over_time(rate(g%u_events_total[%us])[%us:%us]%s))",
                      ONE(&p->latest, "max", "avg", "min"), i, range, some_time(p, 10), some_time(p, 3),
                      ONE(&p->latest, "", " offset 45s"));
        return;
    }
    gr_buf_printf(p->out, "(%s(g%u_events_total[%us]", name, i, range);
    if (chance(&p->latest, 0.3))
        gr_buf_printf(p->out, " offset %us", some_time(p, 8));
    gr_buf_puts(p->out, "))");
    if (name[2] == 'c')
        gr_buf_printf(p->out, " / %u", range);
}

/* What the mean call took: sums of two counters. */
static void
put_mean(struct plan *p, unsigned i, const char *by)
{
    unsigned range = 2 * some_time(p, 6);
    const char *name = ONE(&p->latest, "rate", "increase"), *shift = ONE(&p->latest, "", " offset 30s");

    gr_buf_printf(
        p->out,
        "promql: 'sum by (%s) (%s(g%u_spent_total[%us]%s)) / sum by (%s) (%s(g%u_calls_total[%us]%s))'", by,
        name, i, range, shift, by, name, i, range, shift);
}

/* `(…)` of a gauge, further back or as it was from step to step. */
static void
put_levels(struct plan *p, unsigned i, bool is_signed, const char *by)
{
    const char *over = ONE(&p->latest, "avg", "max", "min");
    double kind = rng_uniform(&p->latest);

    if (is_signed && kind < 0.3)
        gr_buf_printf(p->out, "(delta(g%u_level[%us]))", i, 2 * some_time(p, 6));
    else if (kind < 0.4)
        gr_buf_printf(p->out, "(g%u_level offset %us)", i, some_time(p, 8));
    else if (kind < 0.6)
        gr_buf_printf(p->out, "(%s_over_time(g%u_level[%us] offset %us))", over, i, some_time(p, 8),
                      some_time(p, 8));
    else if (kind < 0.8)
        gr_buf_printf(p->out, "(%s_over_time(g%u_level[%us:%us]))", over, i, some_time(p, 10),
                      some_time(p, 3));
    else
        gr_buf_printf(p->out, "(%s_over_time((sum by (%s) (g%u_level%s) / 2)[%us:%us] offset %us))", over, by,
                      i, ONE(&p->latest, "", " offset 15s"), some_time(p, 10), some_time(p, 3),
                      some_time(p, 4));
}

/* Over what there is now, or over a range that may be longer than a slot; counters, offsets and subqueries. */
static void
put_expression(struct plan *p, unsigned i, bool is_signed)
{
    const char *by = p->flows ? "cluster, venue, flow" : "cluster, venue";
    double kind = rng_uniform(&p->latest);

    if (!is_signed && kind < 0.2) {
        put_mean(p, i, by);
        return;
    }
    gr_buf_printf(p->out, "promql: '%s by (%s) ", ONE(&p->rng, "avg", "max", "min", "sum"), by);
    if (!is_signed && kind < 0.5)
        put_rates(p, i);
    else if (kind < 0.75)
        put_levels(p, i, is_signed, by);
    else if (chance(&p->late, 0.5))
        gr_buf_printf(p->out, "(%s_over_time(g%u_level[%us]))", ONE(&p->late, "avg", "max", "min"), i,
                      p->sampling_s / 2 * (unsigned)(1 + pick(&p->late, 6)));
    else
        gr_buf_printf(p->out, "(g%u_level)", i);
    gr_buf_printf(p->out, "%s'", ONE(&p->rng, "", " * 2", " / 4"));
}

static void
put_gauge(struct plan *p, unsigned i)
{
    bool fixed = chance(&p->rng, 0.45), is_signed = chance(&p->rng, 0.4),
         expression = chance(&p->rng, 0.3) || chance(&p->latest, 0.3);
    const char *reduce = expression ? "" : fixed ? ONE(&p->rng, ", reduce: max", ", reduce: min", "") : "";
    bool buckets = !expression && has_buckets(p), overrides = false;
    const char *labels = !expression ? ""
                         : p->flows  ? ", labels: [cluster, venue, flow]"
                                     : ", labels: [cluster, venue]";

    gr_buf_puts(p->out, "    metric: {");
    if (expression)
        put_expression(p, i, is_signed);
    else
        gr_buf_printf(p->out, "gauge: g%u_level", i);
    gr_buf_printf(p->out, ", unit: %s%s%s%s}\n", is_signed ? "bps" : "ms", reduce, labels,
                  is_signed ? ", signed: true" : "");
    if (fixed && is_signed)
        gr_buf_puts(p->out, "    limit: {against: fixed, bad: outside, soft: ±5bps, hard: ±8bps}\n");
    else if (fixed)
        gr_buf_puts(p->out, chance(&p->rng, 0.5)
                                ? "    limit: {against: fixed, bad: above, soft: 12ms, hard: 15ms}\n"
                                : "    limit: {against: fixed, bad: at_or_below, soft: 9ms, hard: 8ms}\n");
    else if (is_signed)
        gr_buf_printf(p->out, "    limit: {against: control, %shard: %s8bps%s}\n",
                      chance(&p->rng, 0.6) ? "soft: ±4bps, " : "", "±",
                      chance(&p->rng, 0.3) ? ", backstop: ±20bps" : "");
    else
        gr_buf_printf(p->out, "    limit: {against: control%s, hard: +25%%%s}\n",
                      chance(&p->rng, 0.6) ? ", soft: +10%" : "",
                      chance(&p->rng, 0.3) ? ", backstop: 16ms" : "");
    if (!fixed && !is_signed && !expression && chance(&p->rng, 0.3)) {
        put_overrides(p, buckets, "+20%", "+9%", NULL);
        overrides = true;
    }
    if (fixed && chance(&p->rng, 0.6))
        gr_buf_printf(p->out, "    evidence: {confirm: {hard: %s, soft: %s}}\n",
                      ONE(&p->rng, "1 of 1", "2 of 2", "2 of 3"), ONE(&p->rng, "2 of 3", "3 of 4", "3 of 3"));
    else if (!fixed && p->budget && chance(&p->rng, 0.3))
        gr_buf_puts(p->out, "    evidence: point\n");
    put_options(p, buckets, overrides);
}

static void
put_stream_gauge(struct plan *p, unsigned i)
{
    gr_buf_printf(p->out,
                  "    scope: stream\n    metric: {gauge: g%u_age, unit: minutes, reduce: max}\n"
                  "    limit: {against: fixed, bad: %s, soft: 4min, hard: 6min}\n",
                  i, ONE(&p->rng, "above", "at_or_above"));
    if (chance(&p->rng, 0.5))
        gr_buf_printf(p->out, "    window: %us\n", p->sampling_s);
    else if (chance(&p->rng, 0.5)) /* also when all is done */
        gr_buf_printf(p->out, "    window: %us\n    phases: [p2, done]\n", 2 * p->sampling_s);
    else if (p->shadow && chance(&p->rng, 0.5))
        gr_buf_puts(p->out, "    phases: [preflight, p1]\n");
}

static void
put_histogram(struct plan *p, unsigned i)
{
    bool fixed = chance(&p->rng, 0.3);

    gr_buf_printf(p->out, "    metric: {histogram: g%u_seconds, quantile: %s}\n", i,
                  ONE(&p->rng, "0.5", "0.9", "0.99"));
    if (fixed) {
        gr_buf_puts(p->out, "    limit: {against: fixed, bad: above, soft: 100ms, hard: 200ms}\n");
    } else {
        gr_buf_puts(p->out, "    limit: {against: control");
        put_relative(p, "+");
        gr_buf_printf(p->out, "%s}\n", chance(&p->rng, 0.3) ? ", backstop: 300ms" : "");
    }
    put_evidence(p, !fixed, false);
    put_options(p, has_buckets(p), false);
}

void
scenario_spec(struct gr_buf *out, uint64_t seed)
{
    struct plan p = {.out = out};
    unsigned n;

    rng_init(&p.rng, seed, 1);
    rng_init(&p.late, seed, 2);
    rng_init(&p.latest, seed, 3);
    put_head(&p);
    put_phases(&p);
    n = 1 + (unsigned)pick(&p.rng, 6);
    gr_buf_puts(out, "guardrails:\n");
    for (unsigned i = 0; i < n; i++) {
        double kind = rng_uniform(&p.rng);

        gr_buf_printf(out, "  - name: g%u\n", i);
        if (kind < 0.4 || (p.shares && i == 0))
            put_ratio(&p, i);
        else if (kind < 0.7)
            put_gauge(&p, i);
        else if (kind < 0.9)
            put_histogram(&p, i);
        else
            put_stream_gauge(&p, i);
    }
    gr_buf_puts(out, "on:\n  hard: [tell]\n  soft: [tell]\n  no_data: [hold]\nactions:\n"
                     "  tell: {slack: {channel: \"#t\", webhook_url_file: slack.url}}\n");
}
