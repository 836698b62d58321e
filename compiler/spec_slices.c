/* spec_slices.c - inside which labels a guardrail compares, and which slices it expects to report. */
#include "config.h"
#include "spec_parts.h"

/* ---- only ---- */

/* Labels that `only` and `where` may name. */
static struct strs
slice_label_names(struct spec *s, const struct draft *d)
{
    struct strs known = {NULL, 0};
    const struct model *m = s->m;

    for (size_t i = 0; i < m->release_labels.n; i++)
        (void)strs_add(s, &known, m->release_labels.v[i]);
    if (d->g->stream_scope)
        return known;
    if (m->flow_label.n > 0)
        (void)strs_add(s, &known, m->flow_label);
    for (size_t i = 0; i < m->compare_within.n; i++)
        (void)strs_add(s, &known, m->compare_within.v[i]);
    for (size_t i = 0; i < d->g->compare_within.n; i++)
        (void)strs_add(s, &known, d->g->compare_within.v[i]);
    for (size_t i = 0; i < m->n_dynamic; i++)
        (void)strs_add(s, &known, m->dynamic[i].label);
    return known;
}

void
read_only(struct spec *s, struct draft *d)
{
    const struct gr_node *map = spec_get(s, d->node, "only");
    struct strs known;

    d->only_ok = map || !spec_has(d->node, "only");
    if (!map || !(d->g->only.v = gr_arena_array(s->a, map->count, sizeof *d->g->only.v)))
        return;
    d->g->compare_within = spec_texts(s, d->node, "compare_within");
    known = slice_label_names(s, d);
    gr_node_each (entry, map) {
        bool ok = !spec_poisoned(s, entry);

        if (ok && !strs_has(&known, entry->key)) {
            if (s->labels_ok && s->flows_ok && s->dynamic_ok)
                gr_diag(s->d, GR0303, entry->key_span, spec_suggest(s, entry->key, &known, "labels here"),
                        "unknown label \"" GR_FMT "\"", GR_ARG(entry->key));
            ok = false;
        }
        ok = ok && check_label_value(s, entry->key, entry);
        if (ok)
            d->g->only.v[d->g->only.n++] = (struct pair){entry->key, entry->text};
        d->only_ok = d->only_ok && ok;
    }
    pairs_sort(&d->g->only);
}

/* ---- labels of the slices ---- */

static void
report_lacking(struct spec *s, const struct draft *d, struct gr_str label, struct gr_span where,
               struct gr_str fix)
{
    gr_diag(s->d, GR0314, where, fix, "the metric does not carry the label \"" GR_FMT "\"", GR_ARG(label));
    if (d->g->metric.span.start != where.start)
        gr_diag_note(s->d, d->g->metric.span, "the metric is here");
}

/* A label of `compare_within` as it is written in this guardrail. */
static bool
check_stated(struct spec *s, struct draft *d, const struct gr_node *item)
{
    const struct model *m = s->m;
    struct strs known = {NULL, 0}, values;
    const char *taken = NULL;

    if (strs_has(&m->release_labels, item->text))
        taken = "a release label";
    else if (gr_str_eq(m->cohort_label, item->text))
        taken = "the cohort label";
    if (taken) {
        gr_diag(s->d, GR0107, item->span, GR_STR("remove it here"), "the label \"" GR_FMT "\" is %s already",
                GR_ARG(item->text), taken);
        return false;
    }
    if (s->expect_ok && s->flows_ok && !label_values(s, item->text, &values)) {
        if (m->flow_label.n > 0)
            (void)strs_add(s, &known, m->flow_label);
        for (size_t i = 0; i < m->n_streams; i++)
            for (size_t j = 0; j < m->streams[i].n_slice_labels; j++)
                (void)strs_add(s, &known, m->streams[i].slice_labels[j]);
        gr_diag(s->d, GR0303, item->span, spec_suggest(s, item->text, &known, "labels of expect"),
                "unknown label \"" GR_FMT "\"", GR_ARG(item->text));
        return false;
    }
    if (d->metric_ok && metric_lacks(d, item->text)) {
        report_lacking(s, d, item->text, item->span,
                       GR_STR("remove it here, or add it to the metric's `labels`"));
        return false;
    }
    return true;
}

static bool
read_stated(struct spec *s, struct draft *d, const struct gr_node *list)
{
    bool ok = true;

    if (spec_too_many(s, list, MODEL_LABELS_MAX, "labels"))
        return false;
    spec_refuse_twice(s, list, "label");
    gr_node_each (item, list)
        ok = !spec_poisoned(s, item) && check_stated(s, d, item) && ok;
    d->g->compare_within = spec_node_texts(s, list);
    strs_sort(&d->g->compare_within);
    return ok;
}

/* The spec's default. A fixed limit needs no comparison, so a label that its metric lacks is left out;
 * against control it would pool what must not be pooled. */
static bool
read_default(struct spec *s, struct draft *d)
{
    const struct strs *all = &s->m->compare_within;
    struct strs *own = &d->g->compare_within;
    bool ok = s->labels_ok && d->metric_ok && d->limit_ok;

    if (!(own->v = gr_arena_array(s->a, all->n, sizeof *own->v)))
        return false;
    own->n = 0;
    for (size_t i = 0; i < all->n && ok; i++) {
        if (!metric_lacks(d, all->v[i])) {
            own->v[own->n++] = all->v[i];
        } else if (d->g->limit.against != AGAINST_FIXED) {
            report_lacking(s, d, all->v[i], d->g->span,
                           GR_STR("state `compare_within:` with the labels that it carries"));
            return false;
        }
    }
    return ok;
}

static bool
read_dynamic_labels(struct spec *s, struct draft *d)
{
    const struct gr_node *list = spec_get(s, d->node, "slice");
    struct strs known = {NULL, 0};
    bool ok = list || !spec_has(d->node, "slice");

    if (spec_too_many(s, list, MODEL_LABELS_MAX, "labels"))
        return false;
    for (size_t i = 0; i < s->m->n_dynamic; i++)
        (void)strs_add(s, &known, s->m->dynamic[i].label);
    spec_refuse_twice(s, list, "label");
    gr_node_each (item, list) {
        if (spec_poisoned(s, item)) {
            ok = false;
        } else if (!strs_has(&known, item->text)) {
            if (s->dynamic_ok)
                gr_diag(s->d, GR0303, item->span, spec_suggest(s, item->text, &known, "dynamic_slices"),
                        "\"" GR_FMT "\" is none of the dynamic_slices", GR_ARG(item->text));
            ok = false;
        } else if (d->metric_ok && metric_lacks(d, item->text)) {
            report_lacking(s, d, item->text, item->span,
                           GR_STR("remove it here, or add it to the metric's `labels`"));
            ok = false;
        }
    }
    d->g->dynamic = spec_node_texts(s, list);
    strs_sort(&d->g->dynamic);
    return ok;
}

/* Each stream's series are told apart by the release labels. */
static bool
check_release_labels(struct spec *s, const struct draft *d)
{
    const struct gr_node *labels = gr_node_get(d->metric, "labels");
    bool ok = true;

    for (size_t i = 0; d->metric_ok && s->labels_ok && i < s->m->release_labels.n; i++)
        if (metric_lacks(d, s->m->release_labels.v[i])) {
            report_lacking(s, d, s->m->release_labels.v[i], labels ? labels->span : d->g->metric.span,
                           GR_STR("every metric needs the release labels"));
            ok = false;
        }
    return ok;
}

/* ---- expected slices ---- */

struct dimension {
    struct gr_str label;
    struct strs values;
};

/* What a stream lists for a label; NULL when it does not mention it. */
static const struct strs *
stream_values(const struct model *m, const struct stream *st, struct gr_str label)
{
    for (size_t i = 0; i < st->n_slice_labels; i++)
        if (gr_str_eq(st->slice_labels[i], label))
            return &st->slice_values[i];
    return m->flow_label.n > 0 && gr_str_eq(label, m->flow_label) ? &m->flows : NULL;
}

/* Whether `only` leaves anything of a stream. */
static bool
stream_applies(const struct model *m, const struct stream *st, const struct pairs *only)
{
    for (size_t i = 0; i < only->n; i++) {
        const struct gr_str *release = pairs_get(&st->release, only->v[i].key);
        const struct strs *values = stream_values(m, st, only->v[i].key);

        if (release ? !gr_str_eq(*release, only->v[i].value) : values && !strs_has(values, only->v[i].value))
            return false;
    }
    return true;
}

/* The dimensions of a stream's slices; false after a report. */
static bool
stream_dimensions(struct spec *s, struct draft *d, const struct stream *st, struct dimension *dims)
{
    const struct strs *labels = &d->g->compare_within;

    for (size_t i = 0; i < labels->n; i++) {
        const struct strs *values = stream_values(s->m, st, labels->v[i]);
        const struct gr_str *only = pairs_get(&d->g->only, labels->v[i]);

        dims[i].label = labels->v[i];
        if (only) {
            dims[i].values.v = gr_arena_array(s->a, 1, sizeof *dims[i].values.v);
            if (!dims[i].values.v)
                return false;
            dims[i].values.v[0] = *only;
            dims[i].values.n = 1;
        } else if (values) {
            dims[i].values = *values;
        } else {
            /* Told once at the stream, whichever guardrails it concerns: equal findings are one. */
            gr_diag(s->d, GR0311, st->span,
                    gr_arena_printf(
                        s->a, "add `" GR_FMT ":` here, or leave it out of the guardrails' compare_within",
                        GR_ARG(labels->v[i])),
                    "guardrails compare within " GR_FMT ", but none is expected of this release stream",
                    GR_ARG(labels->v[i]));
            return false;
        }
    }
    return true;
}

static size_t
product(const struct dimension *dims, size_t n)
{
    size_t all = 1;

    for (size_t i = 0; i < n && all <= MODEL_SLICES_MAX; i++)
        all *= dims[i].values.n;
    return all;
}

/* One slice for each combination; the last label runs fastest. */
static bool
add_slices(struct spec *s, struct guardrail *g, uint32_t stream, const struct dimension *dims, size_t *cap)
{
    size_t n = g->compare_within.n, count = product(dims, n);

    for (size_t k = 0; k < count; k++) {
        struct pairs labels = {gr_arena_array(s->a, n, sizeof *labels.v), n};
        size_t rest = k;

        if (!labels.v)
            return false;
        for (size_t i = n; i > 0; i--) {
            const struct strs *values = &dims[i - 1].values;

            labels.v[i - 1] = (struct pair){dims[i - 1].label, values->v[rest % values->n]};
            rest /= values->n;
        }
        if (g->n_expected == *cap) {
            struct slice *bigger = gr_arena_grow(s->a, g->expected, g->n_expected, cap, sizeof *bigger);

            if (!bigger)
                return false;
            g->expected = bigger;
        }
        g->expected[g->n_expected++] = (struct slice){stream, labels};
    }
    return true;
}

/* An earlier guardrail with the same labels and restrictions expects the same; most do, so slices are
 * shared. */
static const struct guardrail *
same_shape(const struct spec *s, const struct draft *d)
{
    for (size_t k = (size_t)(d - s->drafts); k > 0; k--) {
        const struct guardrail *a = s->drafts[k - 1].g, *b = d->g;
        bool same = s->drafts[k - 1].slices_ok && a->compare_within.n == b->compare_within.n &&
                    a->only.n == b->only.n;

        for (size_t i = 0; same && i < a->compare_within.n; i++)
            same = gr_str_eq(a->compare_within.v[i], b->compare_within.v[i]);
        for (size_t i = 0; same && i < a->only.n; i++)
            same = gr_str_eq(a->only.v[i].key, b->only.v[i].key) &&
                   gr_str_eq(a->only.v[i].value, b->only.v[i].value);
        if (same)
            return a;
    }
    return NULL;
}

static bool
read_expected(struct spec *s, struct draft *d)
{
    const struct model *m = s->m;
    struct guardrail *g = d->g;
    const struct guardrail *shape = same_shape(s, d);
    struct dimension dims[MODEL_LABELS_MAX];
    size_t cap = 0;

    if (shape) {
        g->expected = shape->expected;
        g->n_expected = shape->n_expected;
        return true;
    }
    for (size_t i = 0; i < m->n_streams; i++) {
        if (!stream_applies(m, &m->streams[i], &g->only))
            continue;
        memset(dims, 0, sizeof dims);
        if (!stream_dimensions(s, d, &m->streams[i], dims))
            return false;
        if (product(dims, g->compare_within.n) > MODEL_SLICES_MAX) {
            gr_diag(s->d, GR0002, g->span, GR_STR("compare inside fewer labels, or expect fewer values"),
                    "a release stream has more than %u slices", MODEL_SLICES_MAX);
            return false;
        }
        if (!add_slices(s, g, (uint32_t)i, dims, &cap))
            return false;
    }
    if (g->n_expected > 0)
        return true;
    gr_diag(s->d, GR0311, g->span, GR_STR("change `only:`, or add an entry to expect"),
            "no slice is expected to report for this guardrail");
    return false;
}

/* A guardrail with one value per stream has no slices at all. */
static bool
check_stream_scope(struct spec *s, const struct draft *d)
{
    static const char *const keys[] = {"compare_within", "slice"};
    bool ok = true;

    for (size_t i = 0; i < GR_COUNT(keys); i++)
        if (spec_has(d->node, keys[i])) {
            gr_diag(s->d, GR0107, gr_node_get(d->node, keys[i])->key_span, GR_STR("remove it"),
                    "\"%s\" has no meaning with `scope: stream`", keys[i]);
            ok = false;
        }
    return ok;
}

void
read_slices(struct spec *s, struct draft *d)
{
    const struct gr_node *list = spec_get(s, d->node, "compare_within");
    bool ok = s->labels_ok && d->only_ok;

    d->g->compare_within = (struct strs){NULL, 0};
    if (d->g->stream_scope) {
        ok = check_stream_scope(s, d) && ok;
    } else {
        if (list)
            ok = read_stated(s, d, list) && ok;
        else
            ok = !spec_has(d->node, "compare_within") && read_default(s, d) && ok;
        ok = read_dynamic_labels(s, d) && ok;
    }
    ok = check_release_labels(s, d) && ok;
    if (d->g->compare_within.n + d->g->dynamic.n > MODEL_LABELS_MAX) {
        gr_diag(s->d, GR0002, d->g->span, gr_arena_printf(s->a, "use at most %u labels", MODEL_LABELS_MAX),
                "too many labels");
        ok = false;
    }
    if (ok && s->expect_ok && s->flows_ok)
        ok = read_expected(s, d);
    d->slices_ok = ok && s->expect_ok && s->flows_ok;
}
