/* lint_match.c - checks of binary operators between two vectors: do the labels of the two sides fit. */
#include "config.h"
#include "lint.h"

#define HEIGHT_MAX 200u

/* One operator and what its sides carry. */
struct join {
    struct lint_check *c;
    const struct gr_promql *e;
    const struct gr_promql_binary *b;
    struct gr_promql_labels side[2];
};

static bool
listed(const struct gr_str *labels, size_t count, struct gr_str name)
{
    for (size_t i = 0; i < count; i++)
        if (gr_str_eq(labels[i], name))
            return true;
    return false;
}

/* Whether the label takes part in matching. */
static bool
is_matched(const struct join *j, struct gr_str name)
{
    if (gr_str_is(name, "__name__"))
        return j->b->has_matching && j->b->on && listed(j->b->labels, j->b->label_count, name);
    return listed(j->b->labels, j->b->label_count, name) == (j->b->has_matching && j->b->on);
}

/* One side certainly has it and the other cannot, or both have values that differ. */
static bool
excludes(const struct join *j, struct gr_str name)
{
    const struct gr_promql_label *a = gr_promql_labels_find(&j->side[0], name),
                                 *b = gr_promql_labels_find(&j->side[1], name);
    enum gr_promql_presence pa = gr_promql_labels_get(&j->side[0], name),
                            pb = gr_promql_labels_get(&j->side[1], name);

    if ((pa == GR_PROMQL_CERTAIN && pb == GR_PROMQL_ABSENT) ||
        (pa == GR_PROMQL_ABSENT && pb == GR_PROMQL_CERTAIN))
        return true;
    return a && b && a->fixed && b->fixed && pa == GR_PROMQL_CERTAIN && pb == GR_PROMQL_CERTAIN &&
           !gr_str_eq(a->value, b->value);
}

static const char *
other_side(size_t side)
{
    return side == 0 ? "right" : "left";
}

/* False: reported, nothing more to say. */
static bool
check_matches(struct join *j)
{
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < j->side[s].count; i++) {
            struct gr_str name = j->side[s].labels[i].name;

            if (!is_matched(j, name) || !excludes(j, name))
                continue;
            lint_report(j->c->lint, GR0519, j->b->op_where,
                        j->b->has_matching && j->b->on
                            ? GR_STR("match on labels that both sides have")
                            : GR_STR("say on (…) with the labels that both sides have"),
                        "no series of the two sides match: label \"" GR_FMT
                        "\" is on one side only, or has another value",
                        GR_ARG(name));
            return false;
        }
    }
    return true;
}

/* Without on or ignoring: a label that one side may have and the other cannot. */
static void
check_fragile(struct join *j)
{
    for (size_t s = 0; s < 2; s++) {
        const struct gr_promql_labels *mine = &j->side[s], *other = &j->side[1 - s];

        if (mine->open && !other->open) {
            lint_report(
                j->c->lint, GR0518, j->b->op_where, GR_STR("say which labels match: on (…) or ignoring (…)"),
                "the %s side is aggregated, the other keeps all its labels: they match only by chance",
                other_side(s));
            return;
        }
        for (size_t i = 0; i < mine->count; i++) {
            struct gr_str name = mine->labels[i].name;

            if (!is_matched(j, name) || mine->labels[i].presence == GR_PROMQL_ABSENT ||
                gr_promql_labels_get(other, name) != GR_PROMQL_ABSENT)
                continue;
            lint_report(j->c->lint, GR0518, j->b->op_where,
                        GR_STR("say which labels match: on (…) or ignoring (…)"),
                        "the %s side has no label \"" GR_FMT "\", the other may: they match only by chance",
                        other_side(s), GR_ARG(name));
            return;
        }
    }
}

/* A label by which a side has several series for one match, by how it is written; empty: none is known. */
static struct gr_str
multiplying_label(const struct join *j, size_t side)
{
    const struct gr_promql *e = lint_bare(j->e->child[side]);
    const struct gr_promql_labels *l = &j->side[side];

    if (l->open || e->kind != GR_PROMQL_AGGREGATE || e->u.aggregate.clause != GR_PROMQL_BY ||
        e->u.aggregate.op == GR_PROMQL_TOPK || e->u.aggregate.op == GR_PROMQL_BOTTOMK)
        return GR_STR_NONE;
    for (size_t i = 0; i < l->count; i++)
        if (l->labels[i].presence != GR_PROMQL_ABSENT && !l->labels[i].fixed &&
            !is_matched(j, l->labels[i].name))
            return l->labels[i].name;
    return GR_STR_NONE;
}

static void
check_cardinality(struct join *j)
{
    static const char *const names[] = {"left", "right"};

    for (size_t s = 0; s < 2; s++) {
        bool may = j->b->group == (s == 0 ? GR_PROMQL_GROUP_LEFT : GR_PROMQL_GROUP_RIGHT);
        struct gr_str name = may ? GR_STR_NONE : multiplying_label(j, s);

        if (name.n == 0)
            continue;
        lint_report(j->c->lint, GR0520, j->b->op_where,
                    j->b->group == GR_PROMQL_ONE_TO_ONE
                        ? GR_STR("match on it, aggregate it away, or say group_left or group_right")
                        : GR_STR("match on it, or aggregate it away"),
                    "the %s side has a series for each \"" GR_FMT
                    "\", which is not matched on: the rule fails as soon as "
                    "there are two",
                    names[s], GR_ARG(name));
        return;
    }
}

static bool
visit_joins(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;
    struct join j = {.c = c, .e = e, .b = &e->u.binary};

    if (e->kind != GR_PROMQL_BINARY || c->err != GR_OK || gr_promql_type(e->child[0]) != GR_PROMQL_T_VECTOR ||
        gr_promql_type(e->child[1]) != GR_PROMQL_T_VECTOR || j.b->op == GR_PROMQL_OR)
        return c->err == GR_OK;
    for (size_t s = 0; s < 2 && c->err == GR_OK; s++)
        c->err = gr_promql_labels(c->scratch, e->child[s], NULL, NULL, &j.side[s]);
    if (c->err != GR_OK || j.side[0].empty || j.side[1].empty)
        return true;
    if (!check_matches(&j) && j.b->op != GR_PROMQL_UNLESS)
        return true;
    if (!j.b->has_matching)
        check_fragile(&j);
    if (!gr_promql_op_sets(j.b->op))
        check_cardinality(&j);
    return true;
}

void
lint_matching(struct lint_check *c)
{
    if (c->expr && c->expr->height <= HEIGHT_MAX)
        gr_promql_visit(c->expr, visit_joins, c);
}
