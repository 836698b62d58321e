/* rates_read.c - a rates file: its keys, its ranges, and what of it the specification knows. */
#include "config.h"
#include "rates_parts.h"

#include <math.h>

#define KEYS(name, what)                                                                                     \
    static const struct keys name##_keys = {what, name##_rows, GR_COUNT(name##_rows), NULL, KEY_TEXT}

/* -- the tables ---------------------------------------------------------------------------------------------------------------- */

static const struct key label_value = {
    .name = "a label", .type = KEY_TEXT, .help = "the value of this label", .form = "XNAS"};
static const struct keys where_keys = {"where", NULL, 0, &label_value, KEY_LABEL};
static const struct key mix_value = {.name = "a value of the weights' label",
                                     .type = KEY_SHARE,
                                     .help = "its share of the observations",
                                     .form = "20%"};
static const struct keys mix_keys = {"mix", NULL, 0, &mix_value, KEY_TEXT};

#define WHERE_ROW                                                                                            \
    {                                                                                                        \
        .name = "where", .type = KEY_MAP, .map = &where_keys, .flags = KEY_REQUIRED | KEY_MAY_BE_EMPTY,      \
        .help = "the slices it is about", .form = "{cluster: eu, flow: web}"                                 \
    }
#define FACT_ROWS                                                                                            \
    {.name = "per_second",                                                                                   \
     .type = KEY_NUMBER,                                                                                     \
     .group = 2,                                                                                             \
     .help = "observations a second in each slice, canary and the rest together",                            \
     .form = "per_second: 12"},                                                                              \
        {.name = "per_request",                                                                              \
         .type = KEY_NUMBER,                                                                                 \
         .group = 2,                                                                                         \
         .help = "observations for each request of `traffic`",                                               \
         .form = "per_request: 0.3"},                                                                        \
        {.name = "bad", .type = KEY_SHARE, .group = 3, .help = "bad events per observation", .form = "1%"},  \
        {.name = "good",                                                                                     \
         .type = KEY_SHARE,                                                                                  \
         .group = 3,                                                                                         \
         .help = "good events per observation",                                                              \
         .form = "97%"},                                                                                     \
        {.name = "dispersion",                                                                               \
         .type = KEY_NUMBER,                                                                                 \
         .help = "the variance of a slot's bad events, in multiples of the binomial one",                    \
         .form = "dispersion: 2"},                                                                           \
        {.name = "noise",                                                                                    \
         .type = KEY_QUANTITY,                                                                               \
         .help = "the standard deviation from slot to slot of canary / control - 1, or of their difference", \
         .form = "4%"},                                                                                      \
        {.name = "autocorrelation",                                                                          \
         .type = KEY_NUMBER,                                                                                 \
         .help = "of that from one slot to the next",                                                        \
         .form = "autocorrelation: 0.3"},                                                                    \
        {.name = "spread",                                                                                   \
         .type = KEY_NUMBER,                                                                                 \
         .help = "the log standard deviation of the histogram's values",                                     \
         .form = "spread: 0.5"},                                                                             \
    {                                                                                                        \
        .name = "value", .type = KEY_QUANTITY, .help = "the quantile's usual value", .form = "12ms"          \
    }

static const struct key slice_rows[] = {WHERE_ROW, FACT_ROWS};
KEYS(slice, "an entry of slices");
static const struct key guardrail_rows[] = {
    FACT_ROWS,
    {.name = "mix",
     .type = KEY_MAP,
     .map = &mix_keys,
     .help = "how the observations are spread over the values that have weights",
     .form = "{platinum: 20%, gold: 30%, silver: 50%}"},
    {.name = "slices",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .map = &slice_keys,
     .help = "slices where it is otherwise",
     .form = "[{where: {venue: XNAS}, bad: 2%}]"},
};
KEYS(guardrail, "the rates of a guardrail");
static const struct key guardrail_value = {.name = "a guardrail",
                                           .type = KEY_MAP,
                                           .map = &guardrail_keys,
                                           .flags = KEY_MAY_BE_EMPTY,
                                           .help = "what it is expected to see",
                                           .form = "{bad: 1%}"};
static const struct keys guardrails_keys = {"guardrails", NULL, 0, &guardrail_value, KEY_NAME};
static const struct key traffic_rows[] = {
    WHERE_ROW,
    {.name = "per_second",
     .type = KEY_NUMBER,
     .flags = KEY_REQUIRED,
     .help = "requests a second in each slice, canary and the rest together",
     .form = "per_second: 120"},
};
KEYS(traffic, "an entry of traffic");
static const struct key rates_rows[] = {
    {.name = "dispersion",
     .type = KEY_NUMBER,
     .help = "the variance of a slot's bad events, in multiples of the binomial one",
     .form = "dispersion: 2"},
    {.name = "autocorrelation",
     .type = KEY_NUMBER,
     .help = "of gauges, from one slot to the next",
     .form = "autocorrelation: 0.3"},
    {.name = "control",
     .type = KEY_SHARE,
     .help = "the part of what the canary does not get that is labelled control",
     .form = "100%"},
    {.name = "traffic",
     .type = KEY_MAP,
     .shape = SHAPE_LIST,
     .map = &traffic_keys,
     .help = "requests a second, by slice and flow",
     .form = "[{where: {flow: web}, per_second: 120}]"},
    {.name = "guardrails",
     .type = KEY_MAP,
     .map = &guardrails_keys,
     .help = "what each guardrail is expected to see",
     .form = "{errors: {bad: 1%}}"},
};
KEYS(rates, "a rates file");

/* -- numbers ------------------------------------------------------------------------------------------------------------------- */

#define OF(kind) (1u << METRIC_##kind)
#define COUNTED (OF(RATIO_BAD) | OF(RATIO_GOOD) | OF(HISTOGRAM))
#define MEASURED (OF(GAUGE) | OF(PROMQL))

/* One fact: how it is called, whose it is, and between what it lies (ends included). */
static const struct fact_row {
    const char *key;
    enum fact fact;
    unsigned kinds;
    double min, max;
    const char *range; /* the fix: "write …" */
} fact_rows[] = {
    {"per_second", FACT_PER_SECOND, COUNTED, 0, RATES_PER_SECOND_MAX, "0 to 1000000000"},
    {"per_request", FACT_PER_REQUEST, COUNTED, 0, 1e6, "0 to 1000000"},
    {"bad", FACT_BAD, OF(RATIO_BAD), 1e-7, 0.99, "0.00001% to 99%: a rate of 0 never differs from itself"},
    {"good", FACT_BAD, OF(RATIO_GOOD), 0.01, 1 - 1e-7,
     "1% to 99.99999%: where nothing is ever bad, nothing can be compared"},
    {"dispersion", FACT_DISPERSION, COUNTED, 1, 100, "1 (independent events) to 100"},
    {"noise", FACT_NOISE, MEASURED, 1e-9, 1e12, "more than 0"},
    {"autocorrelation", FACT_AUTOCORRELATION, MEASURED, 0, 0.95, "0 to 0.95"},
    {"spread", FACT_SPREAD, OF(HISTOGRAM), 0.01, 5, "0.01 to 5"},
    {"value", FACT_VALUE, OF(HISTOGRAM), 1e-12, 1e15, "more than 0"},
};

static const struct fact_row *
fact_row(const char *key)
{
    for (size_t i = 0; i < GR_COUNT(fact_rows); i++)
        if (strcmp(fact_rows[i].key, key) == 0)
            return &fact_rows[i];
    return NULL;
}

const char *
rates_refuse(const char *key, double v)
{
    const struct fact_row *row = fact_row(key);

    return row && !(v >= row->min && v <= row->max) ? row->range : NULL;
}

static void
out_of_range(struct spec *s, const struct gr_node *node, const struct fact_row *row)
{
    gr_diag(s->d, GR0209, node->span, gr_arena_printf(s->a, "write %s", row->range), "%s cannot be " GR_FMT,
            row->key, GR_ARG(node->text));
}

/* A plain number or a share, in range; NAN after a finding, or where nothing is written. */
static double
number_of(struct spec *s, const struct gr_node *map, const char *key)
{
    const struct gr_node *node = spec_get(s, map, key);
    const struct fact_row *row = fact_row(key);
    struct gr_dec v;
    double x;

    if (!node || !row || (gr_dec_parse(node->text, &v) != GR_OK && spec_ratio(node->text, &v) != GR_OK))
        return (double)NAN;
    x = gr_dec_double(v);
    if (x >= row->min && x <= row->max)
        return x;
    out_of_range(s, node, row);
    return (double)NAN;
}

/* noise and value: a percentage where they are relative, else in a unit that converts to the metric's. */
static double
quantity_of(struct spec *s, const struct gr_node *node, const struct fact_row *row, const struct guardrail *g)
{
    bool relative = row->fact == FACT_NOISE && g->limit.against != AGAINST_CONTROL_POINTS;
    struct gr_quantity q;
    struct gr_str bad;
    struct gr_dec v;
    double x;

    if (relative) {
        if (spec_ratio(node->text, &v) != GR_OK) {
            gr_diag(s->d, GR0204, node->span, GR_STR("write a percentage of control, as in 4%"),
                    "the limit is relative to control, so its noise is a percentage");
            return (double)NAN;
        }
    } else if (gr_quantity_parse(node->text, &q, &bad) != GR_OK ||
               (q.unit && gr_unit_convert(q.value, q.unit, g->metric.unit, &v) != GR_OK) ||
               (!q.unit && g->metric.unit->dim != GR_DIM_COUNT && g->metric.unit->dim != GR_DIM_SCORE)) {
        gr_diag(s->d, GR0204, node->span, gr_arena_printf(s->a, "write it in %s", g->metric.unit->name),
                "\"" GR_FMT "\" does not convert to %s, the metric's unit", GR_ARG(node->text),
                g->metric.unit->name);
        return (double)NAN;
    } else if (!q.unit) {
        v = q.value;
    }
    x = gr_dec_double(v);
    if (x >= row->min && x <= row->max)
        return x;
    out_of_range(s, node, row);
    return (double)NAN;
}

static const char *const kind_names[] = {[METRIC_RATIO_BAD] = "a ratio of bad events",
                                         [METRIC_RATIO_GOOD] = "a ratio of good events",
                                         [METRIC_GAUGE] = "a gauge",
                                         [METRIC_HISTOGRAM] = "a histogram",
                                         [METRIC_PROMQL] = "an expression"};

/* What a guardrail of another kind would be told by this key, it cannot use. */
static void
refuse_kind(struct spec *s, const struct gr_node *node, const struct fact_row *row, const struct guardrail *g)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    for (size_t i = 0; i < GR_COUNT(fact_rows); i++)
        if (fact_rows[i].kinds & 1u << g->metric.kind)
            gr_buf_printf(&b, "%s%s", b.n > 0 ? ", " : "", fact_rows[i].key);
    gr_diag(s->d, GR0107, node->key_span, gr_arena_printf(s->a, "it has %s", gr_buf_cstr(&b)),
            "%s has no `%s`", kind_names[g->metric.kind], row->key);
    gr_buf_fini(&b);
}

/* What is not written stays as it was. */
static void
read_facts(struct spec *s, const struct gr_node *map, const struct guardrail *g, struct facts *out)
{
    for (size_t i = 0; i < GR_COUNT(fact_rows); i++) {
        const struct fact_row *row = &fact_rows[i];
        const struct gr_node *node = spec_get(s, map, row->key);
        double v;

        if (!node)
            continue;
        if (!(row->kinds & 1u << g->metric.kind)) {
            refuse_kind(s, node, row, g);
            continue;
        }
        v = row->fact == FACT_NOISE || row->fact == FACT_VALUE ? quantity_of(s, node, row, g)
                                                               : number_of(s, map, row->key);
        if (!isnan(v))
            out->v[row->fact] = strcmp(row->key, "good") == 0 ? 1 - v : v;
    }
}

/* -- where ---------------------------------------------------------------------------------------------------------------------- */

static struct strs
known_labels(struct spec *s)
{
    struct strs known = {NULL, 0};

    for (size_t i = 0; i < s->m->n_streams; i++) {
        const struct stream *st = &s->m->streams[i];

        for (size_t k = 0; k < st->release.n; k++)
            (void)strs_add(s, &known, st->release.v[k].key);
        for (size_t k = 0; k < st->n_slice_labels; k++)
            (void)strs_add(s, &known, st->slice_labels[k]);
    }
    if (s->m->flow_label.n > 0)
        (void)strs_add(s, &known, s->m->flow_label);
    for (size_t i = 0; i < s->m->n_dynamic; i++)
        (void)strs_add(s, &known, s->m->dynamic[i].label);
    return known;
}

static void
read_where(struct spec *s, const struct gr_node *entry, struct pairs *out)
{
    const struct gr_node *map = spec_get(s, entry, "where");
    struct strs known;

    *out = (struct pairs){NULL, 0};
    if (!map || !(out->v = gr_arena_array(s->a, map->count, sizeof *out->v)))
        return;
    known = known_labels(s);
    gr_node_each (item, map) {
        if (spec_poisoned(s, item))
            continue;
        if (!strs_has(&known, item->key))
            gr_diag(s->d, GR0303, item->key_span, spec_suggest(s, item->key, &known, "labels"),
                    "neither expect nor flows have the label \"" GR_FMT "\"", GR_ARG(item->key));
        else if (check_label_value(s, item->key, item))
            out->v[out->n++] = (struct pair){item->key, item->text};
    }
    pairs_sort(out);
}

/* -- the parts -------------------------------------------------------------------------------------------------------------------- */

static bool
where_cell(const struct model *m, const struct pairs *where, const struct rates_cell *c)
{
    for (size_t i = 0; i < where->n; i++) {
        const struct gr_str *have = pairs_get(&c->labels, where->v[i].key);

        if (!have)
            have = pairs_get(&m->streams[c->stream].release, where->v[i].key);
        if (!have || !gr_str_eq(*have, where->v[i].value))
            return false;
    }
    return true;
}

/* Of the entries that match, the one with most labels wins, then the later one. */
static void
read_traffic(struct spec *s, const struct gr_node *root, struct rates *r)
{
    const struct gr_node *list = spec_get(s, root, "traffic");
    size_t *best = gr_arena_array(s->a, r->n_cells, sizeof *best);

    gr_node_each (entry, list) {
        struct pairs where;
        double per_second;
        size_t hits = 0;

        if (spec_poisoned(s, entry) || !best)
            continue;
        per_second = number_of(s, entry, "per_second");
        read_where(s, entry, &where);
        for (size_t i = 0; i < r->n_cells; i++) {
            if (!where_cell(s->m, &where, &r->cells[i]))
                continue;
            hits++;
            if (isnan(per_second) || where.n + 1 < best[i])
                continue;
            best[i] = where.n + 1;
            r->cells[i].per_second = per_second;
            r->cells[i].assumed = false;
        }
        if (hits == 0 && gr_diags_status(s->d) == GR_OK)
            gr_diag(s->d, GR0801, spec_head(entry), GR_STR("compare with `expect` and `flows`, or remove it"),
                    "no slice of the spec has these labels together");
    }
}

static void
read_mix(struct spec *s, const struct gr_node *map, const struct guardrail *g, struct rates_guardrail *out)
{
    const struct gr_node *mix = spec_get(s, map, "mix");
    double sum = 0;

    if (!mix)
        return;
    if (g->metric.n_weights == 0) {
        gr_diag(s->d, GR0107, mix->key_span, GR_STR("remove it"),
                "`mix` is for ratios with weights, and this one has none");
        return;
    }
    if (!(out->mix = gr_arena_array(s->a, g->metric.n_weights, sizeof *out->mix)))
        return;
    gr_node_each (item, mix) {
        struct strs known = {NULL, 0};
        bool found = false;

        for (size_t i = 0; i < g->metric.n_weights; i++) {
            (void)strs_add(s, &known, g->metric.weights[i].value);
            if (!gr_str_eq(g->metric.weights[i].value, item->key))
                continue;
            found = true;
            out->mix[i] = gr_dec_double(spec_share(s, mix, gr_arena_dup(s->a, item->key).p));
            sum += out->mix[i];
        }
        if (!found)
            gr_diag(s->d, GR0801, item->key_span, spec_suggest(s, item->key, &known, "values with a weight"),
                    "no weight is given to \"" GR_FMT "\"", GR_ARG(item->key));
    }
    if (gr_diags_status(s->d) == GR_OK && fabs(sum - 1) > 1e-6)
        gr_diag(s->d, GR0209, mix->key_span, GR_STR("make the shares 100% together"),
                "the shares are %.4g%% together", 100 * sum);
}

static void
nothing_stated(struct facts *f)
{
    for (unsigned i = 0; i < FACTS; i++)
        f->v[i] = (double)NAN;
}

/* Observations have two keys; a file laid on another states one of them, and means it instead of either. */
static void
one_of_two(const struct facts *stated, struct facts *out)
{
    if (!isnan(stated->v[FACT_PER_SECOND]))
        out->v[FACT_PER_REQUEST] = (double)NAN;
    if (!isnan(stated->v[FACT_PER_REQUEST]))
        out->v[FACT_PER_SECOND] = (double)NAN;
    for (unsigned i = 0; i < FACTS; i++)
        if (!isnan(stated->v[i]))
            out->v[i] = stated->v[i];
}

static void
read_guardrail(struct spec *s, const struct gr_node *node, const struct guardrail *g, struct rates *r)
{
    struct rates_guardrail *out = &r->guardrails[g - s->m->guardrails];
    const struct gr_node *list = spec_get(s, node, "slices");
    struct facts stated;

    if (g->limit.against == AGAINST_FIXED)
        gr_diag(s->d, GR0802, node->key_span, GR_STR("remove it; a fixed limit is a policy, not a test"),
                "the rates of \"" GR_FMT "\" are not used: its limit is fixed", GR_ARG(g->name));
    nothing_stated(&stated);
    read_facts(s, node, g, &stated);
    one_of_two(&stated, &out->facts);
    read_mix(s, node, g, out);
    if (!list || !(out->slices = gr_arena_array(s->a, list->count, sizeof *out->slices)))
        return;
    out->n = 0; /* the list of a file below is no longer meant */
    gr_node_each (entry, list) {
        struct rates_where *w = &out->slices[out->n];

        if (spec_poisoned(s, entry))
            continue;
        read_where(s, entry, &w->where);
        nothing_stated(&w->facts);
        read_facts(s, entry, g, &w->facts);
        out->n++;
    }
}

static void
read_guardrails_of(struct spec *s, const struct gr_node *root, struct rates *r)
{
    gr_node_each (entry, spec_get(s, root, "guardrails")) {
        const struct guardrail *g = NULL;
        struct strs known = {NULL, 0};

        for (size_t i = 0; i < s->m->n_guardrails && !g; i++)
            if (gr_str_eq(s->m->guardrails[i].name, entry->key))
                g = &s->m->guardrails[i];
        if (g) {
            if (!spec_poisoned(s, entry))
                read_guardrail(s, entry, g, r);
            continue;
        }
        for (size_t i = 0; i < s->m->n_guardrails; i++)
            (void)strs_add(s, &known, s->m->guardrails[i].name);
        gr_diag(s->d, GR0801, entry->key_span, spec_suggest(s, entry->key, &known, "guardrails"),
                "the spec has no guardrail \"" GR_FMT "\"", GR_ARG(entry->key));
    }
}

static void
read_common(struct spec *s, const struct gr_node *root, struct rates *r)
{
    static const struct {
        const char *key;
        enum fact fact;
    } common[] = {{"dispersion", FACT_DISPERSION}, {"autocorrelation", FACT_AUTOCORRELATION}};
    const struct gr_node *control = spec_get(s, root, "control");

    for (size_t i = 0; i < GR_COUNT(common); i++) {
        double v = number_of(s, root, common[i].key);

        if (isnan(v))
            continue;
        r->facts.v[common[i].fact] = v;
        for (size_t k = 0; k < s->m->n_guardrails; k++) /* of the file below, if there is one */
            r->guardrails[k].facts.v[common[i].fact] = (double)NAN;
    }
    if (!control)
        return;
    r->control = gr_dec_double(spec_share(s, root, "control"));
    if (!(r->control > 0))
        gr_diag(s->d, GR0209, control->span, GR_STR("write the share that control gets, as in 20%"),
                "without traffic of control nothing can be compared");
}

enum gr_err
rates_lay(struct gr_arena *a, struct gr_sources *sources, uint32_t file, struct model *m, struct gr_diags *d,
          struct rates *r)
{
    struct spec s = {.a = a, .sources = sources, .d = d, .m = m, .expect_ok = true, .flows_ok = true};
    struct gr_node *root = NULL;
    enum gr_err err = gr_yaml_read(a, sources, file, &gr_node_limits_default, d, &root);

    if (err != GR_OK && err != GR_EUSER)
        return err;
    if (err == GR_OK && (!root || root->kind != GR_NODE_MAP)) {
        gr_diag(d, GR0108, (struct gr_span){file, 0, 0},
                GR_STR("guardrailc power SPEC --write-rates prints a file to begin with"),
                "a rates file is a mapping with `traffic:` and `guardrails:`");
        return GR_EUSER;
    }
    if (root && root->kind == GR_NODE_MAP)
        keys_check(&s, root, &rates_keys, err != GR_OK);
    if (err != GR_OK)
        return err;
    read_common(&s, root, r);
    read_traffic(&s, root, r);
    read_guardrails_of(&s, root, r);
    return gr_arena_status(a) != GR_OK ? GR_ENOMEM : gr_diags_status(d);
}

enum gr_err
rates_read(struct gr_arena *a, struct gr_sources *sources, uint32_t file, struct model *m, struct gr_diags *d,
           struct rates **out)
{
    struct rates *r = NULL;
    enum gr_err err = rates_none(a, m, &r);

    if (err == GR_OK && (err = rates_lay(a, sources, file, m, d, r)) == GR_OK)
        *out = r;
    return err;
}
