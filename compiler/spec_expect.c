/* spec_expect.c - `expect`: the release streams, and the slices that each must report. */
#include "config.h"
#include "spec_parts.h"

#include "guardrail/policy.h"

#define EXPECT_LABELS_MAX (4 * MODEL_LABELS_MAX) /* of one entry; each guardrail uses some of them */

/* A release label's value names files and becomes an argument of programs: it must match
 * GR_POLICY_VALUE_PATTERN. */
static bool
is_policy_value(struct gr_str v)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!word && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return v.n > 0 && v.n <= 128;
}

static bool
check_release_value(struct spec *s, const struct gr_node *value)
{
    if (is_policy_value(value->text))
        return true;
    gr_diag(s->d, GR0104, value->span, GR_STR("use letters, digits, '.', '_' and '-', at most 128 of them"),
            "\"" GR_FMT "\" cannot name a release stream", GR_ARG(value->text));
    spec_poison(s, value);
    return false;
}

static const struct gr_node *
find_label(const struct gr_node *entry, struct gr_str label)
{
    gr_node_each (item, entry)
        if (gr_str_eq(item->key, label))
            return item;
    return NULL;
}

/* A release label that no entry has is wrong where it is named; told there once, not at each entry. */
static bool
check_release_labels(struct spec *s, const struct gr_node *list)
{
    const struct gr_node *labels = spec_get(s, gr_node_get(s->root, "release"), "labels");
    struct strs known = {NULL, 0};
    bool ok = true;

    gr_node_each (entry, list) {
        if (entry->kind != GR_NODE_MAP || spec_poisoned(s, entry))
            return true; /* reported, and it might have had any */
        gr_node_each (item, entry)
            (void)strs_add(s, &known, item->key);
    }
    gr_node_each (item, labels) {
        if (spec_poisoned(s, item) || strs_has(&known, item->text))
            continue;
        gr_diag(s->d, GR0303, item->span, spec_suggest(s, item->text, &known, "labels of expect"),
                "no entry of expect has the release label \"" GR_FMT "\"", GR_ARG(item->text));
        ok = false;
    }
    return ok;
}

/* Whether a text stands somewhere below, as a key or as a value. */
static bool
mentions(const struct gr_node *node, struct gr_str text)
{
    if (gr_str_eq(node->key, text) || (node->kind == GR_NODE_SCALAR && gr_str_eq(node->text, text)))
        return true;
    gr_node_each (item, node)
        if (mentions(item, text))
            return true;
    return false;
}

/* A label that no guardrail speaks of and that looks like one of the default compare_within that the entry lacks is that
 * one: it is told here, and everything goes on as if it were spelt right. */
static void
take_slips(struct spec *s, const struct gr_node *entry)
{
    const struct gr_node *guardrails = gr_node_get(s->root, "guardrails");

    for (struct gr_node *item = entry->first; item; item = item->next) {
        struct gr_str near = strs_nearest(&s->m->compare_within, item->key);

        if (near.n == 0 || gr_str_eq(near, item->key) || find_label(entry, near) ||
            strs_has(&s->m->release_labels, item->key) || (guardrails && mentions(guardrails, item->key)))
            continue;
        gr_diag(s->d, GR0303, item->key_span, spec_suggest(s, item->key, &s->m->compare_within, "labels"),
                "no guardrail compares within \"" GR_FMT "\"", GR_ARG(item->key));
        item->key = near;
    }
}

/* Checks an entry's release labels; false when its streams cannot be told. */
static bool
check_entry(struct spec *s, const struct gr_node *entry)
{
    bool ok = true;

    for (size_t i = 0; i < s->m->release_labels.n; i++) {
        struct gr_str label = s->m->release_labels.v[i];
        const struct gr_node *value = find_label(entry, label);

        if (!value) {
            gr_diag(s->d, GR0102, spec_head(entry), gr_arena_printf(s->a, "add `" GR_FMT ":`", GR_ARG(label)),
                    "an entry of expect needs the release label \"" GR_FMT "\"", GR_ARG(label));
            ok = false;
            continue;
        }
        ok = ok && !spec_poisoned(s, value);
        if (value->kind == GR_NODE_SCALAR && !spec_poisoned(s, value))
            ok = check_release_value(s, value) && ok;
        if (value->kind == GR_NODE_LIST)
            gr_node_each (item, value)
                ok = !spec_poisoned(s, item) && check_release_value(s, item) && ok;
    }
    return ok;
}

/* What an entry lists for labels that are no release labels. */
static bool
read_slices_of(struct spec *s, const struct gr_node *entry, struct stream *out)
{
    bool ok = true;

    out->slice_labels = gr_arena_array(s->a, entry->count, sizeof *out->slice_labels);
    out->slice_values = gr_arena_array(s->a, entry->count, sizeof *out->slice_values);
    if (!out->slice_labels || !out->slice_values)
        return false;
    gr_node_each (item, entry) {
        if (strs_has(&s->m->release_labels, item->key))
            continue;
        spec_refuse_twice(s, item, "value");
        if (spec_poisoned(s, item)) {
            ok = false;
            continue;
        }
        out->slice_labels[out->n_slice_labels] = item->key;
        out->slice_values[out->n_slice_labels++] = spec_node_texts(s, item);
    }
    return ok;
}

static const struct stream *
find_stream(const struct model *m, const struct pairs *release)
{
    for (size_t i = 0; i < m->n_streams; i++) {
        bool same = true;

        for (size_t j = 0; same && j < release->n; j++)
            same = gr_str_eq(m->streams[i].release.v[j].value, release->v[j].value);
        if (same)
            return &m->streams[i];
    }
    return NULL;
}

static bool
add_stream(struct spec *s, const struct gr_node *entry, const struct stream *shape, struct pairs release,
           size_t *cap)
{
    struct model *m = s->m;
    const struct stream *first = find_stream(m, &release);
    struct gr_span where = entry->first->key_span;

    if (first) {
        gr_diag(s->d, GR0106, where, GR_STR("list all slices of a release stream in one entry"),
                "this release stream is expected already");
        gr_diag_note(s->d, first->span, "the first entry is here");
        return false;
    }
    if (m->n_streams >= MODEL_STREAMS_MAX) {
        gr_diag(s->d, GR0002, where, GR_STR("split the spec"), "more than %u release streams",
                MODEL_STREAMS_MAX);
        return false;
    }
    if (m->n_streams == *cap) {
        struct stream *bigger = gr_arena_grow(s->a, m->streams, m->n_streams, cap, sizeof *bigger);

        if (!bigger)
            return false;
        m->streams = bigger;
    }
    m->streams[m->n_streams] = *shape;
    m->streams[m->n_streams].release = release;
    m->streams[m->n_streams++].span = where;
    return true;
}

/* One stream for each combination of the entry's release label values. `at` counts through them like an
 * odometer. */
static bool
add_streams(struct spec *s, const struct gr_node *entry, const struct stream *shape, size_t *cap)
{
    const struct strs *labels = &s->m->release_labels;
    struct strs values[MODEL_LABELS_MAX];
    size_t at[MODEL_LABELS_MAX] = {0}, i;
    bool ok = true;

    for (i = 0; i < labels->n; i++)
        values[i] = spec_node_texts(s, find_label(entry, labels->v[i]));
    do {
        struct pairs release = {gr_arena_array(s->a, labels->n, sizeof *release.v), labels->n};

        if (!release.v)
            return false;
        for (i = 0; i < labels->n; i++)
            release.v[i] = (struct pair){labels->v[i], values[i].v[at[i]]};
        ok = add_stream(s, entry, shape, release, cap);
        for (i = labels->n; ok && i > 0 && ++at[i - 1] == values[i - 1].n; i--)
            at[i - 1] = 0;
    } while (ok && i > 0);
    return ok;
}

bool
label_values(struct spec *s, struct gr_str label, struct strs *values)
{
    const struct model *m = s->m;
    bool known = false;

    *values = (struct strs){NULL, 0};
    if (m->flow_label.n > 0 && gr_str_eq(label, m->flow_label)) {
        *values = m->flows;
        return true;
    }
    for (size_t i = 0; i < m->n_streams; i++) {
        const struct stream *st = &m->streams[i];
        const struct gr_str *release = pairs_get(&st->release, label);

        if (release)
            known = strs_add(s, values, *release) || known;
        for (size_t j = 0; j < st->n_slice_labels; j++)
            for (size_t k = 0; gr_str_eq(st->slice_labels[j], label) && k < st->slice_values[j].n; k++)
                known = strs_add(s, values, st->slice_values[j].v[k]) || known;
    }
    return known;
}

/* The default's labels must be expected somewhere; told here once, not at each guardrail. */
static void
check_default_labels(struct spec *s)
{
    const struct gr_node *list = spec_get(s, spec_get(s, s->root, "cohorts"), "compare_within");
    struct strs values, known = {NULL, 0};

    if (!s->labels_ok || !s->expect_ok || !s->flows_ok)
        return;
    for (size_t i = 0; i < s->m->n_streams; i++)
        for (size_t j = 0; j < s->m->streams[i].n_slice_labels; j++)
            (void)strs_add(s, &known, s->m->streams[i].slice_labels[j]);
    if (s->m->flow_label.n > 0)
        (void)strs_add(s, &known, s->m->flow_label);
    gr_node_each (item, list) {
        if (spec_poisoned(s, item) || label_values(s, item->text, &values))
            continue;
        gr_diag(s->d, GR0303, item->span, spec_suggest(s, item->text, &known, "labels of expect and flows"),
                "no entry of expect has the label \"" GR_FMT "\"", GR_ARG(item->text));
        s->labels_ok = false;
    }
}

void
read_expect(struct spec *s)
{
    const struct gr_node *list = spec_get(s, s->root, "expect");
    size_t cap = 0;

    s->expect_ok = list != NULL && s->labels_ok;
    if (!s->expect_ok)
        return;
    if (!check_release_labels(s, list)) {
        s->expect_ok = s->labels_ok = false;
        return;
    }
    gr_node_each (entry, list) {
        struct stream shape = {.n_slice_labels = 0};
        bool ok = !spec_poisoned(s, entry);

        ok = ok && !spec_too_many(s, entry, EXPECT_LABELS_MAX, "labels");
        if (ok)
            take_slips(s, entry);
        ok = ok && check_entry(s, entry);
        ok = ok && read_slices_of(s, entry, &shape);
        s->expect_ok = ok && add_streams(s, entry, &shape, &cap) && s->expect_ok;
    }
    check_default_labels(s);
}

bool
check_label_value(struct spec *s, struct gr_str label, const struct gr_node *value)
{
    bool flow = s->m->flow_label.n > 0 && gr_str_eq(label, s->m->flow_label);
    struct strs known;

    if (!(flow ? s->flows_ok : s->expect_ok) || !label_values(s, label, &known) || known.n == 0 ||
        strs_has(&known, value->text))
        return true;
    if (flow)
        gr_diag(s->d, GR0302, value->span, spec_suggest(s, value->text, &known, "flows"),
                "unknown flow \"" GR_FMT "\"", GR_ARG(value->text));
    else
        gr_diag(s->d, GR0105, value->span, spec_suggest(s, value->text, &known, "expected values"),
                "no entry of expect has " GR_FMT " \"" GR_FMT "\"", GR_ARG(label), GR_ARG(value->text));
    return false;
}
