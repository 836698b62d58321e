/* power_template.c - a rates file to begin with: what the specification needs, what is assumed now, and the query that tells it.
 *
 * The compiler asks no server. Each value that a running system can tell has the PromQL that tells it above it, of the specification's own
 * counters, over the last day: paste it into Prometheus or `promtool query instant`, and write the answer in the value's place. */
#include "config.h"
#include "power_parts.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct template
{
    const struct model *m;
    const struct rates *r;
    struct gr_buf *b;
    struct gr_promql *requests; /* the counter that traffic is asked of; NULL: none counts */
    const struct guardrail *counted;
    enum gr_err err;
};

/* A selector over a day with more matchers, as text: x_total{flow="web"}[1d]. suffix: of the metric's name. */
static void
put_range(struct template *t, const struct gr_promql *selector, const char *suffix,
          const struct pairs *labels, const struct pairs *more)
{
    struct gr_promql_matcher add[2 * MODEL_LABELS_MAX];
    size_t n = 0;
    struct gr_promql *e = gr_promql_clone(t->m->arena, selector);
    struct gr_promql_add what = {.matchers = add};

    for (size_t i = 0; labels && i < labels->n && n < GR_COUNT(add); i++)
        add[n++] = (struct gr_promql_matcher){
            .name = labels->v[i].key, .op = GR_PROMQL_IS, .value = labels->v[i].value};
    for (size_t i = 0; more && i < more->n && n < GR_COUNT(add); i++)
        add[n++] =
            (struct gr_promql_matcher){.name = more->v[i].key, .op = GR_PROMQL_IS, .value = more->v[i].value};
    what.count = n;
    if (!e || e->kind != GR_PROMQL_SELECTOR) {
        t->err = e ? t->err : GR_ENOMEM;
        return;
    }
    e->u.selector.metric = gr_arena_printf(t->m->arena, GR_FMT "%s", GR_ARG(e->u.selector.metric), suffix);
    e->u.selector.range_ms = suffix && strcmp(suffix, "") == 0 && t->counted == NULL ? 0 : DAY_MS;
    if (gr_promql_add_matchers(t->m->arena, e, &what) == GR_ENOMEM)
        t->err = GR_ENOMEM;
    gr_promql_print(t->b, e);
}

static void
put_rate(struct template *t, const struct gr_promql *selector, const char *suffix, const struct pairs *labels,
         const struct pairs *more)
{
    gr_buf_puts(t->b, "sum(rate(");
    put_range(t, selector, suffix, labels, more);
    gr_buf_puts(t->b, "))");
}

static void
put_pairs(struct gr_buf *b, const struct pairs *p, bool *first)
{
    for (size_t i = 0; i < p->n; i++) {
        gr_buf_puts(b, *first ? "" : ", ");
        gr_quote_yaml(b, p->v[i].key);
        gr_buf_puts(b, ": ");
        gr_quote_yaml(b, p->v[i].value);
        *first = false;
    }
}

static bool
is_ratio(const struct guardrail *g)
{
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
}

/* The first counter of everything: of a ratio, not narrowed by `only`. */
static void
choose_requests(struct template *t)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->m->n_guardrails && !t->requests; i++) {
            const struct guardrail *g = &t->m->guardrails[i];

            if (!power_compares(g) || !is_ratio(g) || (pass == 0 && g->only.n > 0))
                continue;
            t->requests = g->metric.total;
            t->counted = g;
        }
}

static void
put_traffic(struct template *t)
{
    size_t n;
    const struct rates_cell *cells = rates_cells(t->r, &n);

    gr_buf_puts(t->b, "# Requests a second, canary and the rest together.\ntraffic:\n");
    for (size_t i = 0; i < n; i++) {
        const struct pairs *release = &t->m->streams[cells[i].stream].release;
        bool first = true;

        if (t->requests) {
            gr_buf_puts(t->b, "  # ");
            put_rate(t, t->requests, "", release, &cells[i].labels);
            gr_buf_puts(t->b, "\n");
        }
        gr_buf_puts(t->b, "  - where: {");
        put_pairs(t->b, release, &first);
        put_pairs(t->b, &cells[i].labels, &first);
        gr_buf_printf(t->b, "}\n    per_second: %.6g # ?\n", cells[i].per_second);
    }
}

static const struct gr_promql *
total_of(const struct guardrail *g)
{
    return is_ratio(g) ? g->metric.total : g->metric.part;
}

/* How many observations one request makes: another counter than that of the traffic. */
static void
put_per_request(struct template *t, const struct guardrail *g)
{
    const char *suffix = g->metric.kind == METRIC_HISTOGRAM ? "_count" : "";

    if (t->requests && is_ratio(g) && gr_promql_equal(t->requests, g->metric.total))
        return;
    gr_buf_puts(t->b, "    # ");
    put_rate(t, total_of(g), suffix, &g->only, NULL);
    if (t->requests) {
        gr_buf_puts(t->b, " / ");
        put_rate(t, t->requests, "", &g->only, NULL);
    }
    gr_buf_puts(t->b,
                t->requests ? "\n    per_request: 1 # ?\n" : "\n    per_second: 100 # ? in each slice\n");
}

static void
put_ratio(struct template *t, const struct guardrail *g)
{
    gr_buf_puts(t->b, "    # 100 * ");
    put_rate(t, g->metric.part, "", &g->only, NULL);
    gr_buf_puts(t->b, " / ");
    put_rate(t, g->metric.total, "", &g->only, NULL);
    gr_buf_puts(t->b, g->metric.kind == METRIC_RATIO_GOOD ? "\n    good: 99% # ?\n" : "\n    bad: 1% # ?\n");
    if (g->metric.n_weights == 0)
        return;
    gr_buf_puts(t->b, "    mix: {"); /* even, and 100 % together */
    for (size_t i = 0; i < g->metric.n_weights; i++) {
        size_t each = 100 / g->metric.n_weights, rest = 100 - each * (g->metric.n_weights - 1);

        gr_buf_puts(t->b, i > 0 ? ", " : "");
        gr_quote_yaml(t->b, g->metric.weights[i].value);
        gr_buf_printf(t->b, ": %zu%%", i == 0 ? rest : each);
    }
    gr_buf_puts(t->b, "} # ?\n");
}

static void
put_histogram(struct template *t, const struct guardrail *g)
{
    static const char *const high = "    # ln(histogram_quantile(0.99, sum by (le) (rate(";

    gr_buf_puts(t->b, high);
    put_range(t, g->metric.part, "_bucket", &g->only, NULL);
    gr_buf_puts(t->b, "))) / histogram_quantile(0.5, sum by (le) (rate(");
    put_range(t, g->metric.part, "_bucket", &g->only, NULL);
    gr_buf_puts(t->b, ")))) / 2.326\n    spread: 0.5 # ?\n");
    if (g->limit.against == AGAINST_CONTROL_POINTS)
        gr_buf_printf(t->b, "    value: 1%s # ? the quantile's usual value, in %s\n",
                      g->metric.unit->label[0] == ' ' ? g->metric.unit->label + 1 : g->metric.unit->label,
                      g->metric.unit->name);
}

static void
put_gauge_cohort(struct template *t, const struct guardrail *g, struct gr_str cohort)
{
    struct pair pair = {t->m->cohort_label, cohort};
    struct pairs one = {&pair, 1};
    const struct guardrail *kept = t->counted;

    t->counted = NULL; /* no range */
    gr_buf_puts(t->b, "avg(");
    put_range(t, g->metric.part, "", &one, &g->only);
    gr_buf_puts(t->b, ")");
    t->counted = kept;
}

static void
put_gauge(struct template *t, const struct guardrail *g)
{
    bool points = g->limit.against == AGAINST_CONTROL_POINTS;
    struct rated rated = rates_of(t->r, g, &g->expected[0], &t->m->phases[0], 1);

    if (g->metric.kind == METRIC_GAUGE) {
        gr_buf_puts(t->b, "    # in one slice: stddev_over_time((");
        put_gauge_cohort(t, g, t->m->canary);
        gr_buf_puts(t->b, points ? " - " : " / ");
        put_gauge_cohort(t, g, t->m->control);
        gr_buf_puts(t->b, points ? ")[1d:" : " - 1)[1d:");
        gr_duration_print(t->b, t->m->sampling_ms);
        gr_buf_puts(t->b, "])\n");
    }
    if (points)
        gr_buf_printf(t->b, "    noise: %.3g%s # ? of canary - control\n", rated.noise,
                      g->metric.unit->label[0] == ' ' ? g->metric.unit->label + 1 : g->metric.unit->label);
    else
        gr_buf_puts(t->b, "    noise: 5% # ? of canary / control - 1\n");
    gr_buf_puts(t->b, "    # autocorrelation: 0.3\n");
}

static void
put_guardrail(struct template *t, const struct guardrail *g)
{
    gr_buf_printf(t->b, "  " GR_FMT ":\n", GR_ARG(g->name));
    if (!plan_counts(g)) {
        put_gauge(t, g);
        return;
    }
    put_per_request(t, g);
    if (g->metric.kind == METRIC_HISTOGRAM)
        put_histogram(t, g);
    else
        put_ratio(t, g);
    gr_buf_puts(t->b, "    # dispersion: 2\n");
}

enum gr_err
power_template(const struct model *m, const struct rates *r, struct gr_buf *b)
{
    struct template t = {.m = m, .r = r, .b = b};
    bool any = false;

    choose_requests(&t);
    gr_buf_printf(
        b,
        "# What " GR_FMT
        " is expected to see, for `guardrailc power SPEC --rates FILE`. Values marked ? are assumed: put\n"
        "# in their place what the query above them answers.\n",
        GR_ARG(m->spec));
    gr_buf_puts(
        b, "dispersion: 2         # a slot's bad events vary so many times as much as independent ones\n"
           "autocorrelation: 0.3  # of gauges, from slot to slot\n"
           "control: 100%         # of what the canary does not get, the part that is labelled control\n");
    put_traffic(&t);
    for (size_t i = 0; i < m->n_guardrails; i++) {
        if (!power_compares(&m->guardrails[i]) || m->guardrails[i].n_expected == 0)
            continue;
        gr_buf_puts(b, any ? "" : "guardrails:\n");
        put_guardrail(&t, &m->guardrails[i]);
        any = true;
    }
    return t.err == GR_OK ? gr_buf_err(b) : t.err;
}
