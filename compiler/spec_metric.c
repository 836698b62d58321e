/* spec_metric.c - what a guardrail measures: ratios, gauges, histograms and expressions. */
#include "config.h"
#include "spec_parts.h"

enum { RATIO = 1, GAUGE = 2, HISTOGRAM = 4, PROMQL = 8 };

/* Which keys mean something with which kind of metric. */
static const struct {
    const char *key;
    unsigned kinds;
} uses[] = {
    {"buckets", HISTOGRAM}, {"common", PROMQL},         {"quantile", HISTOGRAM},
    {"reduce", GAUGE},      {"signed", GAUGE | PROMQL}, {"unit", GAUGE | HISTOGRAM | PROMQL},
    {"weights", RATIO},
};
static const struct {
    const char *key;
    unsigned kind;
} kinds[] = {{"ratio", RATIO}, {"gauge", GAUGE}, {"histogram", HISTOGRAM}, {"promql", PROMQL}};

/* Names that say their unit, as Prometheus' conventions have it. */
static const struct {
    struct gr_str suffix;
    const char *unit;
} suffixes[] = {
    {GR_STR_INIT("_seconds"), "s"}, {GR_STR_INIT("_bytes"), "bytes"}, {GR_STR_INIT("_ratio"), "ratio"}};

/* ---- selectors ---- */

/* A label that the compiler sets itself. */
static bool
is_ours(const struct spec *s, const struct draft *d, struct gr_str label)
{
    if (pairs_get(&d->g->only, label))
        return true;
    return !d->g->stream_scope && label.n > 0 &&
           (gr_str_eq(label, s->m->cohort_label) || gr_str_eq(label, s->m->flow_label));
}

struct conflicts {
    struct spec *s;
    const struct draft *d;
    const struct gr_node *node;
    bool found, any_cohort;
};

static bool
is_common(const struct draft *d, const struct gr_promql *selector)
{
    return strs_has(&d->g->metric.common, gr_promql_metric(selector));
}

static bool
check_matchers(struct gr_promql *e, void *ctx)
{
    struct conflicts *c = ctx;

    if (is_common(c->d, e))
        return true;
    c->any_cohort = true;
    for (size_t i = 0; i < e->u.selector.count; i++) {
        const struct gr_promql_matcher *m = &e->u.selector.matchers[i];

        if (!is_ours(c->s, c->d, m->name))
            continue;
        gr_diag(c->s->d, GR0404, m->where.file ? m->where : c->node->span,
                gr_str_eq(m->name, c->s->m->cohort_label)
                    ? GR_STR("remove the matcher; the compiler adds it for each cohort")
                    : GR_STR("remove the matcher; use `only:` to restrict the guardrail"),
                "the selector fixes the label \"" GR_FMT "\", which the compiler has to set",
                GR_ARG(m->name));
        c->found = true;
    }
    return true;
}

static bool
has_conflict(struct spec *s, const struct draft *d, const struct gr_node *node, struct gr_promql *e)
{
    struct conflicts c = {s, d, node, false, false};

    gr_promql_selectors(e, check_matchers, &c);
    return c.found;
}

/* One instant vector selector of one metric; NULL after a report. */
static struct gr_promql *
read_selector(struct spec *s, const struct draft *d, const struct gr_node *node)
{
    struct gr_promql *e = NULL;
    const char *wrong = NULL;

    if (!node || gr_promql_parse(s->a, node->text, node->span, s->d, &e) != GR_OK)
        return NULL;
    if (e->kind != GR_PROMQL_SELECTOR)
        wrong = "a metric's name is expected here, not an expression";
    else if (e->u.selector.range_ms != 0)
        wrong = "a metric has no range here; the compiler adds it";
    else if (e->u.selector.shift.offset_ms != 0 || e->u.selector.shift.at != GR_PROMQL_AT_NONE)
        wrong = "a metric has no offset or @ here";
    else if (gr_promql_metric(e).n == 0)
        wrong = "the selector does not name one metric";
    if (wrong) {
        gr_diag(s->d, GR0402, e->where,
                GR_STR("write a metric name, with matchers if need be; use `promql:` for an expression"),
                "%s", wrong);
        return NULL;
    }
    return has_conflict(s, d, node, e) ? NULL : e;
}

/* ---- kinds ---- */

static bool
read_ratio(struct spec *s, struct draft *d, const struct gr_node *ratio)
{
    const struct gr_node *bad = spec_get(s, ratio, "bad"), *good = spec_get(s, ratio, "good");
    struct metric *m = &d->g->metric;

    m->kind = spec_has(ratio, "bad") ? METRIC_RATIO_BAD : METRIC_RATIO_GOOD;
    m->part = read_selector(s, d, bad ? bad : good);
    m->total = read_selector(s, d, spec_get(s, ratio, "total"));
    m->unit = gr_unit_by_name(GR_STR("ratio"));
    return m->part && m->total;
}

static bool
read_weights(struct spec *s, struct draft *d)
{
    const struct gr_node *weights = spec_get(s, d->metric, "weights"),
                         *values = spec_get(s, weights, "values");
    struct metric *m = &d->g->metric;
    bool ok = values != NULL;

    if (!weights)
        return !spec_has(d->metric, "weights");
    m->weight_label = spec_text(s, weights, "label");
    if (!values || !(m->weights = gr_arena_array(s->a, values->count, sizeof *m->weights)))
        return false;
    gr_node_each (entry, values) {
        struct weight *w = &m->weights[m->n_weights];

        if (spec_poisoned(s, entry) || gr_dec_parse(entry->text, &w->weight) != GR_OK) {
            ok = false;
            continue;
        }
        if (w->weight.mant <= 0) {
            gr_diag(s->d, GR0209, entry->span, GR_STR("write a positive number"),
                    "a weight must be positive");
            ok = false;
        }
        w->value = entry->key;
        m->n_weights++;
    }
    return ok && m->weight_label.n > 0;
}

static bool
read_buckets(struct spec *s, struct draft *d)
{
    const struct gr_node *list = spec_get(s, d->metric, "buckets");
    struct metric *m = &d->g->metric;

    if (!list)
        return !spec_has(d->metric, "buckets");
    if (!(m->buckets = gr_arena_array(s->a, list->count, sizeof *m->buckets)))
        return false;
    gr_node_each (item, list) {
        struct gr_dec *edge = &m->buckets[m->n_buckets];

        if (gr_dec_parse(item->text, edge) != GR_OK)
            return false;
        if (m->n_buckets > 0 && gr_dec_cmp(*edge, m->buckets[m->n_buckets - 1]) <= 0) {
            gr_diag(s->d, GR0209, item->span, GR_STR("write the edges in ascending order, without +Inf"),
                    "this edge does not lie above the one before it");
            return false;
        }
        m->n_buckets++;
    }
    return true;
}

static bool
read_histogram(struct spec *s, struct draft *d, const struct gr_node *node)
{
    const struct gr_node *quantile = spec_get(s, d->metric, "quantile");
    struct metric *m = &d->g->metric;
    struct gr_str name;

    m->kind = METRIC_HISTOGRAM;
    m->part = read_selector(s, d, node);
    name = m->part ? gr_promql_metric(m->part) : GR_STR_NONE;
    if (gr_str_ends(name, GR_STR("_bucket"))) {
        gr_diag(
            s->d, GR0104, node->span,
            gr_arena_printf(s->a, "write " GR_FMT, GR_ARG(gr_str_sub(name, 0, name.n - strlen("_bucket")))),
            "a histogram is named without _bucket");
        m->part = NULL;
    }
    if (!spec_has(d->metric, "quantile"))
        gr_diag(s->d, GR0102, node->key_span, GR_STR("add `quantile:`, as 0.99"),
                "a histogram needs the key \"quantile\"");
    m->quantile = spec_number(s, d->metric, "quantile");
    if (quantile && (m->quantile.mant <= 0 || gr_dec_cmp(m->quantile, GR_DEC(1, 0)) >= 0)) {
        gr_diag(s->d, GR0209, quantile->span, GR_STR("write 0.99 for the 99th percentile"),
                "a quantile lies between 0 and 1");
        quantile = NULL;
    }
    return read_buckets(s, d) && m->part && quantile;
}

static bool
read_gauge(struct spec *s, struct draft *d, const struct gr_node *node)
{
    static const char *const reduces[] = {"avg", "max", "min", NULL};
    int reduce = spec_choice(s, d->metric, "reduce", reduces, REDUCE_AVG);

    d->g->metric.kind = METRIC_GAUGE;
    d->g->metric.part = read_selector(s, d, node);
    d->g->metric.reduce = reduce < 0 ? REDUCE_AVG : (enum reduce)reduce;
    return d->g->metric.part && reduce >= 0;
}

static bool
add_metric_name(struct gr_promql *e, void *ctx)
{
    struct {
        struct spec *s;
        struct strs names;
    } *all = ctx;

    (void)strs_add(all->s, &all->names, gr_promql_metric(e));
    return true;
}

/* Every name in `common` is used, and something is left that differs between cohorts. */
static bool
check_common(struct spec *s, struct draft *d, const struct gr_node *node)
{
    const struct gr_node *list = spec_get(s, d->metric, "common");
    struct {
        struct spec *s;
        struct strs names;
    } all = {s, {NULL, 0}};
    struct conflicts c = {s, d, node, false, false};
    bool ok = true;

    gr_promql_selectors(d->g->metric.part, add_metric_name, &all);
    gr_node_each (item, list) {
        if (spec_poisoned(s, item) || strs_has(&all.names, item->text))
            continue;
        gr_diag(s->d, GR0105, item->span,
                spec_suggest(s, item->text, &all.names, "metrics of the expression"),
                "the expression has no metric \"" GR_FMT "\"", GR_ARG(item->text));
        ok = false;
    }
    gr_promql_selectors(d->g->metric.part, check_matchers, &c);
    if (ok && !c.any_cohort && !d->g->stream_scope) {
        gr_diag(s->d, GR0107, list ? list->span : node->span,
                GR_STR("leave out the metrics that have a cohort, or use `scope: stream`"),
                "nothing in the expression differs between canary and control");
        ok = false;
    }
    return ok && !c.found;
}

static bool
read_promql(struct spec *s, struct draft *d, const struct gr_node *node)
{
    struct metric *m = &d->g->metric;

    m->kind = METRIC_PROMQL;
    m->common = spec_texts(s, d->metric, "common");
    if (gr_promql_parse(s->a, node->text, node->span, s->d, &m->part) != GR_OK)
        return false;
    if (gr_promql_type(m->part) != GR_PROMQL_T_VECTOR) {
        gr_diag(s->d, GR0402, m->part->where, GR_STR("write an expression whose result is an instant vector"),
                "the expression is of type %s", gr_promql_type_name(gr_promql_type(m->part)));
        return false;
    }
    return check_common(s, d, node) && spec_infer(s, d);
}

/* ---- units and labels ---- */

static void
infer_unit(struct spec *s, struct draft *d, const struct gr_node *node)
{
    struct metric *m = &d->g->metric;
    struct gr_str name = m->part ? gr_promql_metric(m->part) : GR_STR_NONE;

    for (size_t i = 0; i < GR_COUNT(suffixes) && m->kind != METRIC_PROMQL; i++)
        if (gr_str_ends(name, suffixes[i].suffix))
            m->unit = gr_unit_by_name(gr_str(suffixes[i].unit));
    if (!m->unit && m->part)
        gr_diag(s->d, GR0102, node->key_span, GR_STR("add `unit:`, as ms, ratio, bps or count"),
                "the metric's unit cannot be told from its name");
}

static bool
read_units(struct spec *s, struct draft *d, const struct gr_node *node)
{
    const struct gr_node *show = spec_get(s, d->metric, "show");
    struct metric *m = &d->g->metric;

    if (spec_has(d->metric, "unit") && !m->unit)
        m->unit = gr_unit_by_name(spec_text(s, d->metric, "unit"));
    else if (!m->unit)
        infer_unit(s, d, node);
    m->show = m->unit;
    if (!show || !m->unit)
        return m->unit != NULL;
    m->show = gr_unit_by_name(show->text);
    if (m->show->dim == m->unit->dim)
        return true;
    gr_diag(s->d, GR0204, show->span, GR_STR("name a unit of the same kind, or remove `show`"),
            "%s does not convert to %s", m->unit->name, m->show->name);
    return false;
}

static void
check_uses(struct spec *s, const struct draft *d, const char *kind_key, unsigned kind)
{
    for (size_t i = 0; i < GR_COUNT(uses); i++) {
        const struct gr_node *entry = spec_get(s, d->metric, uses[i].key);

        if (!entry || (uses[i].kinds & kind))
            continue;
        gr_diag(s->d, GR0107, entry->key_span, GR_STR("remove it"), "\"%s\" has no meaning with \"%s\"",
                uses[i].key, kind_key);
        spec_poison(s, entry);
    }
}

static bool
read_kind(struct spec *s, struct draft *d, unsigned kind, const struct gr_node *node)
{
    if (kind == RATIO) {
        bool weights = read_weights(s, d);

        return read_ratio(s, d, node) && weights;
    }
    if (kind == GAUGE)
        return read_gauge(s, d, node);
    return kind == HISTOGRAM ? read_histogram(s, d, node) : read_promql(s, d, node);
}

/* Labels that are declared, but that the expression drops. */
static bool
check_labels(struct spec *s, const struct draft *d)
{
    bool ok = true;

    gr_node_each (item, spec_get(s, d->metric, "labels"))
        if (d->has_inferred && gr_promql_labels_get(&d->inferred, item->text) == GR_PROMQL_ABSENT) {
            gr_diag(s->d, GR0314, item->span, GR_STR("keep the label in the expression, or remove it here"),
                    "the expression's result has no label \"" GR_FMT "\"", GR_ARG(item->text));
            ok = false;
        }
    return ok;
}

bool
metric_lacks(const struct draft *d, struct gr_str label)
{
    const struct metric *m = &d->g->metric;

    if (m->labels.n > 0 && !strs_has(&m->labels, label))
        return true;
    return d->has_inferred && gr_promql_labels_get(&d->inferred, label) == GR_PROMQL_ABSENT;
}

void
read_metric(struct spec *s, struct draft *d)
{
    struct metric *m = &d->g->metric;

    d->metric = spec_get(s, d->node, "metric");
    if (!d->metric)
        return;
    m->span = d->metric->key_span;
    for (size_t i = 0; i < GR_COUNT(kinds); i++) {
        const struct gr_node *node = spec_get(s, d->metric, kinds[i].key);

        if (!node)
            continue;
        check_uses(s, d, kinds[i].key, kinds[i].kind);
        m->labels = spec_texts(s, d->metric, "labels");
        m->is_signed = spec_bool(s, d->metric, "signed", false);
        d->metric_ok = read_kind(s, d, kinds[i].kind, node);
        d->metric_ok = read_units(s, d, node) && d->metric_ok;
        d->metric_ok = check_labels(s, d) && d->metric_ok;
        break;
    }
}
