/* spec_release.c - what identifies a release and its cohorts: release, cohorts, flows, dynamic_slices. */
#include "config.h"
#include "outnames.h"
#include "spec_parts.h"

#define DYNAMIC_MAX 100u /* of the document; rules list them all */

/* Each label has one part to play. Reports a second one at `node`. */
static bool
label_is_free(struct spec *s, const struct gr_node *node, bool taken, const char *as)
{
    if (!taken)
        return true;
    gr_diag(s->d, GR0107, node->span, GR_STR("use another label, or remove it here"),
            "the label \"" GR_FMT "\" is %s already", GR_ARG(node->text), as);
    spec_poison(s, node);
    return false;
}

static void
read_release_labels(struct spec *s)
{
    const struct gr_node *list = spec_get(s, spec_get(s, s->root, "release"), "labels");
    struct model *m = s->m;

    if (!spec_too_many(s, list, MODEL_LABELS_MAX, "labels"))
        spec_refuse_twice(s, list, "label");
    m->release_labels = spec_texts(s, spec_get(s, s->root, "release"), "labels");
    strs_sort(&m->release_labels);
}

static void
read_compare_within(struct spec *s, const struct gr_node *cohorts)
{
    const struct gr_node *list = spec_get(s, cohorts, "compare_within");
    struct model *m = s->m;

    if (spec_too_many(s, list, MODEL_LABELS_MAX, "labels"))
        return;
    spec_refuse_twice(s, list, "label");
    gr_node_each (item, list) {
        (void)label_is_free(s, item, strs_has(&m->release_labels, item->text), "a release label");
        (void)label_is_free(s, item, gr_str_eq(m->cohort_label, item->text), "the cohort label");
    }
    m->compare_within = spec_node_texts(s, list);
    strs_sort(&m->compare_within);
}

/* Values of the label cohort that guardrail gives itself; a cohort of that name would be taken for them. */
static const struct {
    const char *name, *to;
} own_cohorts[] = {
    {COHORT_STREAM, "series of `scope: stream`"},
    {COHORT_EARLY, "the first slots of a phase"},
};

static void
check_cohort(struct spec *s, const struct gr_node *cohort)
{
    for (size_t i = 0; cohort && i < GR_COUNT(own_cohorts); i++)
        if (gr_str_is(cohort->text, own_cohorts[i].name))
            gr_diag(s->d, GR0104, cohort->span, GR_STR("relabel the metrics, and use the new value here"),
                    "\"%s\" is no cohort: guardrail gives this value to %s", own_cohorts[i].name,
                    own_cohorts[i].to);
}

static void
read_traffic_split(struct spec *s, const struct gr_node *cohorts)
{
    struct gr_str control = spec_text(s, cohorts, "control_traffic");

    s->m->control_traffic = gr_str_is(control, "rest")    ? CONTROL_REST
                            : gr_str_is(control, "equal") ? CONTROL_EQUAL
                                                          : CONTROL_SAMPLE;
    s->m->share_tolerance =
        spec_has(cohorts, "share_tolerance") ? spec_share(s, cohorts, "share_tolerance") : GR_DEC(25, -2);
}

static void
read_cohorts(struct spec *s)
{
    const struct gr_node *cohorts = spec_get(s, s->root, "cohorts");
    const struct gr_node *label = spec_get(s, cohorts, "label"), *control = spec_get(s, cohorts, "control");
    struct model *m = s->m;

    m->canary = spec_text(s, cohorts, "canary");
    m->control = spec_text(s, cohorts, "control");
    check_cohort(s, spec_get(s, cohorts, "canary"));
    check_cohort(s, control);
    if (control && m->canary.n > 0 && gr_str_eq(m->canary, m->control))
        gr_diag(s->d, GR0106, control->span, GR_STR("give the control cohort a label value of its own"),
                "canary and control have the same value");
    if (label && label_is_free(s, label, strs_has(&m->release_labels, label->text), "a release label"))
        m->cohort_label = label->text;
    read_compare_within(s, cohorts);
    read_traffic_split(s, cohorts);
}

static void
read_flows(struct spec *s)
{
    const struct gr_node *flows = spec_get(s, s->root, "flows"), *label = spec_get(s, flows, "label");
    struct model *m = s->m;

    spec_refuse_twice(s, spec_get(s, flows, "values"), "flow");
    m->flows = spec_texts(s, flows, "values");
    if (label && label_is_free(s, label, strs_has(&m->release_labels, label->text), "a release label") &&
        label_is_free(s, label, gr_str_eq(m->cohort_label, label->text), "the cohort label"))
        m->flow_label = label->text;
    s->flows_ok = !spec_has(s->root, "flows") || (m->flow_label.n > 0 && m->flows.n > 0);
}

static void
read_dynamic(struct spec *s)
{
    const struct gr_node *map = spec_get(s, s->root, "dynamic_slices");
    struct model *m = s->m;

    if (spec_too_many(s, map, DYNAMIC_MAX, "dynamic slices"))
        map = NULL;
    s->dynamic_ok = !spec_has(s->root, "dynamic_slices") || map;
    if (!map || !(m->dynamic = gr_arena_array(s->a, map->count, sizeof *m->dynamic)))
        return;
    gr_node_each (entry, map) {
        struct dynamic_slice *slice = &m->dynamic[m->n_dynamic];

        if (spec_poisoned(s, entry)) {
            s->dynamic_ok = false;
            continue;
        }
        if (strs_has(&m->release_labels, entry->key) || strs_has(&m->compare_within, entry->key) ||
            gr_str_eq(m->cohort_label, entry->key)) {
            gr_diag(s->d, GR0107, entry->key_span, GR_STR("use another label, or remove it here"),
                    "the label \"" GR_FMT "\" has another part already", GR_ARG(entry->key));
            continue;
        }
        slice->label = entry->key;
        slice->at_most = spec_count(s, entry, "at_most", 0);
        m->n_dynamic++;
    }
}

void
read_release(struct spec *s)
{
    read_release_labels(s);
    read_cohorts(s);
    read_flows(s);
    read_dynamic(s);
    s->labels_ok = s->m->release_labels.n > 0 && s->m->cohort_label.n > 0 &&
                   spec_get(s, s->root, "cohorts") &&
                   (!spec_has(gr_node_get(s->root, "cohorts"), "compare_within") ||
                    spec_get(s, gr_node_get(s->root, "cohorts"), "compare_within"));
}
