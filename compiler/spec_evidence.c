/* spec_evidence.c - how much it takes to call a breach. */
#include "config.h"
#include "spec_parts.h"

#define MIN_EVENTS 5  /* a standard deviation of 45 %: fewer tell nothing about a rate */
#define MIN_TOTAL 200 /* at 1 % bad events two are expected */

static void
read_k_of_n(const struct spec *s, const struct gr_node *confirm, const char *key, uint32_t *k, uint32_t *n)
{
    struct gr_str text = spec_text(s, confirm, key);
    size_t of = gr_str_find(text, GR_STR(" of "), 0);
    uint64_t a, b;

    if (of == SIZE_MAX || gr_parse_u64(gr_str_sub(text, 0, of), 100, &a) != GR_OK ||
        gr_parse_u64(gr_str_sub(text, of + 4, text.n), 100, &b) != GR_OK)
        return;
    *k = (uint32_t)a;
    *n = (uint32_t)b;
}

static void
refuse_key(struct spec *s, const struct gr_node *map, const char *key, const char *why)
{
    const struct gr_node *entry = spec_get(s, map, key);

    if (entry)
        gr_diag(s->d, GR0107, entry->key_span, GR_STR("remove it"), "%s", why);
}

static void
check_keys(struct spec *s, const struct draft *d, const struct gr_node *map)
{
    enum metric_kind kind = d->g->metric.kind;
    bool counts = kind == METRIC_RATIO_BAD || kind == METRIC_RATIO_GOOD || kind == METRIC_HISTOGRAM;

    if (d->limit_ok && d->g->limit.against == AGAINST_FIXED)
        refuse_key(s, map, "kind", "a fixed limit is no test; `confirm:` says how many slots it takes");
    if (d->limit_ok && d->g->limit.against != AGAINST_FIXED)
        refuse_key(s, map, "confirm", "`confirm` is for fixed limits");
    if (d->limit_ok && d->g->limit.against == AGAINST_FIXED && counts)
        refuse_key(s, map, "min_events", "`min_events` is for comparisons with control and their backstops");
    if (d->metric_ok && !counts) {
        refuse_key(s, map, "min_events", "`min_events` is for ratios and histograms, which count");
        refuse_key(s, map, "min_total", "`min_total` is for ratios and histograms, which count");
    }
}

/* Sequential evidence splits a budget; there must be one. */
static void
read_kind(struct spec *s, struct draft *d, const struct gr_node *node)
{
    struct evidence *e = &d->g->evidence;
    bool budget = spec_has(s->root, "false_rollback_budget");

    d->evidence_stated = node != NULL;
    e->kind = budget ? EVIDENCE_SEQUENTIAL : EVIDENCE_POINT;
    if (!node)
        return;
    e->kind = gr_str_is(node->text, "point") ? EVIDENCE_POINT : EVIDENCE_SEQUENTIAL;
    if (e->kind == EVIDENCE_SEQUENTIAL && !budget)
        gr_diag(s->d, GR0102, node->span,
                GR_STR("add `false_rollback_budget: 1%` to the spec, or write point"),
                "sequential evidence needs a false_rollback_budget");
}

void
read_evidence(struct spec *s, struct draft *d)
{
    const struct gr_node *node = spec_get(s, d->node, "evidence"), *confirm;
    struct evidence *e = &d->g->evidence;
    bool scalar = node && node->kind == GR_NODE_SCALAR;

    *e = (struct evidence){
        .min_events = MIN_EVENTS, .min_total = MIN_TOTAL, .hard_k = 1, .hard_n = 1, .soft_k = 2, .soft_n = 3};
    read_kind(s, d, scalar ? node : spec_get(s, node, "kind"));
    if (scalar && d->limit_ok && d->g->limit.against == AGAINST_FIXED)
        gr_diag(s->d, GR0107, node->key_span, GR_STR("remove it, or write {confirm: …}"),
                "a fixed limit is no test; `confirm:` says how many slots it takes");
    if (!node || scalar)
        return;
    check_keys(s, d, node);
    e->min_events = spec_count(s, node, "min_events", MIN_EVENTS);
    e->min_total = spec_count(s, node, "min_total", MIN_TOTAL);
    e->thin_allow = gr_str_is(spec_text(s, node, "thin"), "allow");
    e->share_ignored = gr_str_is(spec_text(s, node, "traffic_share"), "ignore");
    confirm = spec_get(s, node, "confirm");
    read_k_of_n(s, confirm, "hard", &e->hard_k, &e->hard_n);
    read_k_of_n(s, confirm, "soft", &e->soft_k, &e->soft_n);
}
