/* power_ask.c - the questions that a rates file answers, and the PromQL for each, from the specification's own counters and gauges. */
#include "config.h"
#include "power_ask.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "power.h"

#define QUERY_BYTES_MAX 60000u

struct maker {
    struct power_asks *asks;
    const struct rates *r;
    const struct gr_promql *requests; /* the counter that traffic is asked of; NULL: none counts */
    size_t room;
    struct gr_buf q; /* the query being composed */
    enum gr_err err;
};

/* -- pieces of queries --------------------------------------------------------------------------------------------------------- */

struct narrowed {
    const struct gr_promql *selector;
    const char *suffix; /* of the metric's name */
    const struct pairs *labels, *more;
    int64_t range_ms, offset_ms; /* 0: none */
};

/* The selector with more matchers, as text: x_total{flow="web"}[1d]. */
static void
put_selector(struct maker *k, struct narrowed n)
{
    struct gr_arena *arena = k->asks->m->arena;
    struct gr_promql_matcher add[2 * MODEL_LABELS_MAX];
    struct gr_promql_add what = {.matchers = add};
    struct gr_promql *e = gr_promql_clone(arena, n.selector);
    const struct pairs *both[] = {n.labels, n.more};

    for (size_t b = 0; b < GR_COUNT(both); b++)
        for (size_t i = 0; both[b] && i < both[b]->n && what.count < GR_COUNT(add); i++)
            add[what.count++] = (struct gr_promql_matcher){
                .name = both[b]->v[i].key, .op = GR_PROMQL_IS, .value = both[b]->v[i].value};
    if (!e || e->kind != GR_PROMQL_SELECTOR) {
        k->err = e ? k->err : GR_ENOMEM;
        return;
    }
    e->u.selector.metric = gr_arena_printf(arena, GR_FMT "%s", GR_ARG(e->u.selector.metric), n.suffix);
    e->u.selector.range_ms = n.range_ms;
    if (n.offset_ms > 0)
        e->u.selector.shift.offset_ms = n.offset_ms;
    if (gr_promql_add_matchers(arena, e, &what) == GR_ENOMEM)
        k->err = GR_ENOMEM;
    gr_promql_print(&k->q, e);
}

static void
put_rate(struct maker *k, struct narrowed n)
{
    n.range_ms = n.range_ms > 0 ? n.range_ms : k->asks->lookback_ms;
    n.suffix = n.suffix ? n.suffix : "";
    gr_buf_puts(&k->q, "sum(rate(");
    put_selector(k, n);
    gr_buf_puts(&k->q, "))");
}

/* ")[1d:2m]" */
static void
put_subquery(struct maker *k)
{
    gr_buf_puts(&k->q, "[");
    gr_duration_print(&k->q, k->asks->lookback_ms);
    gr_buf_puts(&k->q, ":");
    gr_duration_print(&k->q, k->asks->m->sampling_ms);
    gr_buf_puts(&k->q, "]");
}

/* A slot's range as the rules have it: one scrape longer. */
static int64_t
slot_range(const struct model *m)
{
    return m->sampling_ms + m->scrape_ms;
}

/* Adds the question whose query stands in k->q, and starts the next query. */
static void
ask(struct maker *k, struct power_ask what)
{
    struct power_asks *all = k->asks;
    struct power_ask *a;

    if (all->n == k->room) {
        size_t room = k->room * 2;
        struct power_ask *v = gr_arena_array(all->m->arena, room, sizeof *v);

        if (!v) {
            k->err = GR_ENOMEM;
            return;
        }
        memcpy(v, all->v, all->n * sizeof *v);
        all->v = v;
        k->room = room;
    }
    a = &all->v[all->n++];
    *a = what;
    a->answer = (double)NAN;
    a->unit = a->unit ? a->unit : "";
    a->what = a->what ? a->what : "";
    if (gr_buf_err(&k->q) == GR_OK)
        a->query = gr_arena_dup(all->m->arena, gr_buf_str(&k->q));
    gr_buf_reset(&k->q); /* one too long is none */
}

/* -- traffic ------------------------------------------------------------------------------------------------------------------- */

static bool
is_ratio(const struct guardrail *g)
{
    return g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
}

/* The first counter of everything: of a ratio, not narrowed by `only`. */
static void
choose_requests(struct maker *k)
{
    const struct model *m = k->asks->m;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < m->n_guardrails && !k->requests; i++) {
            const struct guardrail *g = &m->guardrails[i];

            if (power_compares(g) && is_ratio(g) && (pass > 0 || g->only.n == 0))
                k->requests = g->metric.total;
        }
}

/* Of what the canary does not get, in the moments when there are both: outside of releases neither may be labelled. */
static void
ask_control(struct maker *k)
{
    const struct model *m = k->asks->m;
    struct pair canary = {m->cohort_label, m->canary}, control = {m->cohort_label, m->control};
    struct pairs one = {&canary, 1}, other = {&control, 1};
    int64_t range = slot_range(m);

    if (k->requests) {
        gr_buf_puts(&k->q, "100 * avg_over_time((");
        put_rate(k, (struct narrowed){.selector = k->requests, .labels = &other, .range_ms = range});
        gr_buf_puts(&k->q, " / (");
        put_rate(k, (struct narrowed){.selector = k->requests, .range_ms = range});
        gr_buf_puts(&k->q, " - ");
        put_rate(k, (struct narrowed){.selector = k->requests, .labels = &one, .range_ms = range});
        gr_buf_puts(&k->q, "))");
        put_subquery(k);
        gr_buf_puts(&k->q, ")");
    }
    ask(k, (struct power_ask){.key = "control",
                              .assumed = 100,
                              .unit = "%",
                              .stated = true,
                              .what = "of what the canary does not get, the part that is labelled control"});
}

static void
ask_traffic(struct maker *k)
{
    size_t n;

    k->asks->cells = rates_cells(k->r, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rates_cell *cell = &k->asks->cells[i];

        if (k->requests)
            put_rate(k, (struct narrowed){.selector = k->requests,
                                          .labels = &k->asks->m->streams[cell->stream].release,
                                          .more = &cell->labels});
        ask(k,
            (struct power_ask){.key = "per_second", .index = i, .assumed = cell->per_second, .stated = true});
    }
}

/* -- guardrails on counters ------------------------------------------------------------------------------------------------------ */

static const struct gr_promql *
total_of(const struct guardrail *g)
{
    return is_ratio(g) ? g->metric.total : g->metric.part;
}

/* How many observations one request makes: another counter than that of the traffic. */
static void
ask_observations(struct maker *k, const struct guardrail *g)
{
    const char *suffix = g->metric.kind == METRIC_HISTOGRAM ? "_count" : "";

    if (k->requests && is_ratio(g) && gr_promql_equal(k->requests, g->metric.total))
        return;
    put_rate(k, (struct narrowed){.selector = total_of(g), .suffix = suffix, .labels = &g->only});
    if (k->requests) {
        gr_buf_puts(&k->q, " / ");
        put_rate(k, (struct narrowed){.selector = k->requests, .labels = &g->only});
    } else if (g->n_expected > 1) {
        gr_buf_printf(&k->q, " / %zu", g->n_expected);
    }
    ask(k, (struct power_ask){.key = k->requests ? "per_request" : "per_second",
                              .g = g,
                              .assumed = k->requests ? 1 : RATES_PER_SECOND,
                              .stated = true,
                              .what = k->requests ? "" : "in each slice"});
}

static void
ask_share(struct maker *k, const struct guardrail *g)
{
    bool good = g->metric.kind == METRIC_RATIO_GOOD;

    gr_buf_puts(&k->q, "100 * ");
    put_rate(k, (struct narrowed){.selector = g->metric.part, .labels = &g->only});
    gr_buf_puts(&k->q, " / ");
    put_rate(k, (struct narrowed){.selector = g->metric.total, .labels = &g->only});
    ask(k, (struct power_ask){
               .key = good ? "good" : "bad", .g = g, .assumed = good ? 99 : 1, .unit = "%", .stated = true});
}

static void
ask_mix(struct maker *k, const struct guardrail *g)
{
    for (size_t i = 0; i < g->metric.n_weights; i++) { /* even, and 100 % together */
        struct pair pair = {g->metric.weight_label, g->metric.weights[i].value};
        struct pairs one = {&pair, 1};
        size_t each = 100 / g->metric.n_weights, rest = 100 - each * (g->metric.n_weights - 1);

        gr_buf_puts(&k->q, "100 * ");
        put_rate(k, (struct narrowed){.selector = g->metric.total, .labels = &g->only, .more = &one});
        gr_buf_puts(&k->q, " / ");
        put_rate(k, (struct narrowed){.selector = g->metric.total, .labels = &g->only});
        ask(k, (struct power_ask){.key = "mix",
                                  .g = g,
                                  .index = i,
                                  .assumed = (double)(i == 0 ? rest : each),
                                  .unit = "%",
                                  .stated = true});
    }
}

static void
put_bad_rate(struct maker *k, const struct guardrail *g, int64_t offset_ms)
{
    struct narrowed n = {.labels = &g->only, .range_ms = slot_range(k->asks->m), .offset_ms = offset_ms};

    if (g->metric.kind == METRIC_RATIO_GOOD) {
        gr_buf_puts(&k->q, "(");
        n.selector = g->metric.total;
        put_rate(k, n);
        gr_buf_puts(&k->q, " - ");
    }
    n.selector = g->metric.part;
    put_rate(k, n);
    if (g->metric.kind == METRIC_RATIO_GOOD)
        gr_buf_puts(&k->q, ")");
}

/* Neighbouring slots differ by twice a slot's own variance, whatever tides lift both (J. von Neumann, Annals of Mathematical Statistics 12,
 * 1941, pp. 367-395): of independent events that variance is their mean. With b bad events a second and slots of s seconds
 * it is s/2 avg((b - b before)²) / avg(b). */
static void
ask_dispersion(struct maker *k, const struct guardrail *g)
{
    double half_s = (double)k->asks->m->sampling_ms / 2000;

    if (is_ratio(g)) {
        gr_double_print(&k->q, half_s);
        gr_buf_puts(&k->q, " * avg_over_time(((");
        put_bad_rate(k, g, 0);
        gr_buf_puts(&k->q, " - ");
        put_bad_rate(k, g, k->asks->m->sampling_ms);
        gr_buf_puts(&k->q, ") ^ 2)");
        put_subquery(k);
        gr_buf_puts(&k->q, ") / avg_over_time(");
        put_bad_rate(k, g, 0);
        put_subquery(k);
        gr_buf_puts(&k->q, ")");
    }
    ask(k, (struct power_ask){.key = "dispersion", .g = g, .assumed = RATES_DISPERSION});
}

static void
put_buckets(struct maker *k, const struct guardrail *g, const char *quantile)
{
    gr_buf_printf(&k->q, "histogram_quantile(%s, sum by (le) (rate(", quantile);
    put_selector(k, (struct narrowed){.selector = g->metric.part,
                                      .suffix = "_bucket",
                                      .labels = &g->only,
                                      .range_ms = k->asks->lookback_ms});
    gr_buf_puts(&k->q, ")))");
}

/* How a quantity in the metric's unit is written, "ms"; a plain ratio, in which no quantity can be, as percentage points. */
static bool
is_plain_ratio(const struct guardrail *g)
{
    return g->metric.unit->dim == GR_DIM_RATIO && g->metric.unit->suffixes[0] == '\0';
}

static const char *
unit_suffix(struct maker *k, const struct guardrail *g)
{
    struct gr_str rest = gr_str(is_plain_ratio(g) ? "pp" : g->metric.unit->suffixes), first = GR_STR_NONE;

    if (gr_str_next(&rest, ' ', &first) && first.n > 0)
        first = gr_arena_dup(k->asks->m->arena, first);
    return first.n > 0 && first.p ? first.p : "";
}

static void
ask_histogram(struct maker *k, const struct guardrail *g)
{
    struct gr_buf q = GR_BUF_INIT(64);

    gr_buf_puts(&k->q, "ln(");
    put_buckets(k, g, "0.99");
    gr_buf_puts(&k->q, " / ");
    put_buckets(k, g, "0.5");
    gr_buf_puts(&k->q, ") / 2.326");
    ask(k, (struct power_ask){.key = "spread", .g = g, .assumed = RATES_SPREAD, .stated = true});
    if (g->limit.against != AGAINST_CONTROL_POINTS)
        return;
    gr_buf_puts(&k->q, is_plain_ratio(g) ? "100 * " : "");
    gr_dec_print(&q, g->metric.quantile);
    put_buckets(k, g, gr_buf_cstr(&q));
    gr_buf_fini(&q);
    ask(k, (struct power_ask){.key = "value",
                              .g = g,
                              .assumed = 1,
                              .unit = unit_suffix(k, g),
                              .stated = true,
                              .what = "the quantile's usual value"});
}

/* -- guardrails on gauges -------------------------------------------------------------------------------------------------------- */

/* avg by (venue) (x{track="canary"}): a value for each slice. */
static void
put_cohort(struct maker *k, const struct guardrail *g, struct gr_str cohort, int64_t offset_ms)
{
    const struct model *m = k->asks->m;
    const struct pairs *release = &m->streams[0].release;
    struct pair pair = {m->cohort_label, cohort};
    struct pairs one = {&pair, 1};
    const char *comma = " by (";

    gr_buf_puts(&k->q, "avg");
    for (size_t i = 0; m->n_streams > 1 && i < release->n; i++, comma = ", ")
        gr_buf_printf(&k->q, "%s" GR_FMT, comma, GR_ARG(release->v[i].key));
    for (size_t i = 0; i < g->compare_within.n; i++, comma = ", ")
        gr_buf_printf(&k->q, "%s" GR_FMT, comma, GR_ARG(g->compare_within.v[i]));
    gr_buf_puts(&k->q, comma[0] == ',' ? ") (" : "(");
    put_selector(k, (struct narrowed){.selector = g->metric.part,
                                      .suffix = "",
                                      .labels = &one,
                                      .more = &g->only,
                                      .offset_ms = offset_ms});
    gr_buf_puts(&k->q, ")");
}

static void
put_difference(struct maker *k, const struct guardrail *g, int64_t offset_ms)
{
    put_cohort(k, g, k->asks->m->canary, offset_ms);
    gr_buf_puts(&k->q, g->limit.against == AGAINST_CONTROL_POINTS ? " - " : " / ");
    put_cohort(k, g, k->asks->m->control, offset_ms);
}

/* The share of a slot's noise that is left in the next: 1 - (squared difference of neighbours) / (2 variance). */
static void
ask_autocorrelation(struct maker *k, const struct guardrail *g)
{
    if (g->metric.kind == METRIC_GAUGE) {
        gr_buf_puts(&k->q, "1 - sum(avg_over_time(((");
        put_difference(k, g, 0);
        gr_buf_puts(&k->q, " - (");
        put_difference(k, g, k->asks->m->sampling_ms);
        gr_buf_puts(&k->q, ")) ^ 2)");
        put_subquery(k);
        gr_buf_puts(&k->q, ")) / (2 * sum(stdvar_over_time((");
        put_difference(k, g, 0);
        gr_buf_puts(&k->q, ")");
        put_subquery(k);
        gr_buf_puts(&k->q, ")))");
    }
    ask(k, (struct power_ask){.key = "autocorrelation", .g = g, .assumed = RATES_AUTOCORRELATION});
}

static void
ask_gauge(struct maker *k, const struct guardrail *g)
{
    bool points = g->limit.against == AGAINST_CONTROL_POINTS;
    struct rated rated = rates_of(k->r, g, &g->expected[0], &k->asks->m->phases[0], 1);

    if (g->metric.kind == METRIC_GAUGE) {
        gr_buf_puts(&k->q, points && !is_plain_ratio(g) ? "" : "100 * ");
        gr_buf_puts(&k->q, "max(stddev_over_time((");
        put_difference(k, g, 0);
        gr_buf_puts(&k->q, ")");
        put_subquery(k);
        gr_buf_puts(&k->q, "))");
    }
    ask(k, (struct power_ask){.key = "noise",
                              .g = g,
                              .assumed =
                                  points ? rated.noise * (is_plain_ratio(g) ? 100 : 1) : 100 * RATES_NOISE,
                              .unit = points ? unit_suffix(k, g) : "%",
                              .stated = true,
                              .what = points ? "of canary - control" : "of canary / control - 1"});
    ask_autocorrelation(k, g);
}

static void
ask_guardrail(struct maker *k, const struct guardrail *g)
{
    if (g->metric.kind == METRIC_GAUGE || g->metric.kind == METRIC_PROMQL) {
        ask_gauge(k, g);
        return;
    }
    ask_observations(k, g);
    if (g->metric.kind == METRIC_HISTOGRAM) {
        ask_histogram(k, g);
    } else {
        ask_share(k, g);
        ask_mix(k, g);
    }
    ask_dispersion(k, g);
}

enum gr_err
power_asks_init(struct power_asks *out, const struct model *m, const struct rates *r, int64_t lookback_ms)
{
    struct maker k = {.asks = out, .r = r, .room = 64, .q = GR_BUF_INIT(QUERY_BYTES_MAX)};

    *out = (struct power_asks){.m = m, .lookback_ms = lookback_ms};
    if (!(out->v = gr_arena_array(m->arena, k.room, sizeof *out->v)))
        return GR_ENOMEM;
    choose_requests(&k);
    ask_control(&k);
    ask_traffic(&k);
    for (size_t i = 0; i < m->n_guardrails; i++)
        if (power_compares(&m->guardrails[i]) && m->guardrails[i].n_expected > 0)
            ask_guardrail(&k, &m->guardrails[i]);
    gr_buf_fini(&k.q);
    return gr_arena_status(m->arena) != GR_OK ? GR_ENOMEM : k.err;
}

/* -- answers ------------------------------------------------------------------------------------------------------------------- */

void
power_ask_name(const struct power_asks *asks, const struct power_ask *a, struct gr_buf *b)
{
    const struct rates_cell *cell = &asks->cells[a->index];
    const struct pairs *both[] = {NULL, &cell->labels};
    const char *comma = "";

    if (a->g) {
        gr_buf_printf(b, GR_FMT ": %s", GR_ARG(a->g->name), a->key);
        return;
    }
    if (strcmp(a->key, "per_second") != 0) {
        gr_buf_puts(b, a->key);
        return;
    }
    both[0] = &asks->m->streams[cell->stream].release;
    gr_buf_puts(b, "traffic {");
    for (size_t i = 0; i < GR_COUNT(both); i++)
        for (size_t j = 0; j < both[i]->n; j++, comma = ", ")
            gr_buf_printf(b, "%s" GR_FMT ": " GR_FMT, comma, GR_ARG(both[i]->v[j].key),
                          GR_ARG(both[i]->v[j].value));
    gr_buf_puts(b, "}");
}

/* What chance may put just outside of what a rates file states. */
static const struct ends {
    const char *key;
    double low, high;
} ends[] = {{"dispersion", 1, 100}, {"autocorrelation", 0, 0.95}, {"control", 0, 100}, {"mix", 0, 100}};

void
power_ask_take(struct power_asks *asks, struct power_ask *a, double answer)
{
    double ratio = strcmp(a->unit, "%") == 0 && strcmp(a->key, "control") != 0 ? 100 : 1;
    const char *range = NULL;

    if (!isfinite(answer)) {
        a->why = isnan(answer) ? GR_STR("the answer is NaN: nothing was counted")
                               : GR_STR("the answer is infinite");
        return;
    }
    for (size_t i = 0; i < GR_COUNT(ends); i++)
        if (strcmp(ends[i].key, a->key) == 0)
            answer = fmin(fmax(answer, ends[i].low), ends[i].high);
    if (strcmp(a->key, "control") == 0 && !(answer > 0))
        range = "more than 0%";
    else if (strcmp(a->key, "control") != 0 && strcmp(a->key, "mix") != 0)
        range = rates_refuse(a->key, answer / ratio);
    if (!range) {
        a->answer = answer;
        return;
    }
    a->why = gr_arena_printf(asks->m->arena, "the answer is %.6g%s; it can be %s", answer, a->unit, range);
}
