/* promql_labels.c - what labels the series of a result carry.
 *
 * A set of labels is a sorted list with, for each, absent, possible or certain, and one answer (open or not)
 * for all that are not listed. Every construct of PromQL is a function from the sets of its operands to its
 * own; docs of each stand above it. */
#include "config.h"
#include "promql_tree.h"

#define NAME GR_STR("__name__")

struct infer {
    struct gr_arena *arena;
    const struct gr_promql_infer *how;
};
typedef struct gr_promql_labels set; /* short, as it stands in every line here */

static enum gr_err infer_expr(const struct infer *in, const struct gr_promql *e, set *out);

/* ---- sets ---- */

static size_t
find(const set *s, struct gr_str name)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (gr_str_cmp(s->labels[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct gr_promql_label *
gr_promql_labels_find(const struct gr_promql_labels *l, struct gr_str name)
{
    size_t i = find(l, name);

    return i < l->count && gr_str_eq(l->labels[i].name, name) ? &l->labels[i] : NULL;
}

enum gr_promql_presence
gr_promql_labels_get(const struct gr_promql_labels *l, struct gr_str name)
{
    const struct gr_promql_label *found = gr_promql_labels_find(l, name);

    if (found)
        return found->presence;
    return l->open ? GR_PROMQL_POSSIBLE : GR_PROMQL_ABSENT;
}

/* The entry, or what stands for one that is not listed. */
static struct gr_promql_label
get(const set *s, struct gr_str name)
{
    const struct gr_promql_label *found = gr_promql_labels_find(s, name);

    if (found)
        return *found;
    return (struct gr_promql_label){.name = name, .presence = gr_promql_labels_get(s, name)};
}

/* Lists have room for the next power of two (at least 8), so that a growing one is copied rarely. A set is
 * changed only by the one function that made it or was handed it, so changing in place is safe. */
static size_t
room(size_t count)
{
    size_t n = 8;

    while (n < count)
        n *= 2;
    return n;
}

/* Sets one label. */
static enum gr_err
put(const struct infer *in, set *s, struct gr_promql_label label)
{
    size_t i = find(s, label.name);

    if (i < s->count && gr_str_eq(s->labels[i].name, label.name)) {
        s->labels[i] = label;
        return GR_OK;
    }
    if (s->count == 0 || s->count == room(s->count)) {
        struct gr_promql_label *copy = gr_arena_array(in->arena, room(s->count + 1), sizeof *copy);

        if (!copy)
            return GR_ENOMEM;
        if (s->count > 0)
            memcpy(copy, s->labels, s->count * sizeof *copy);
        s->labels = copy;
    }
    if (i < s->count)
        memmove(s->labels + i + 1, s->labels + i, (s->count - i) * sizeof *s->labels);
    s->labels[i] = label;
    s->count++;
    return GR_OK;
}

static enum gr_err
put_absent(const struct infer *in, set *s, struct gr_str name)
{
    return put(in, s, (struct gr_promql_label){.name = name, .presence = GR_PROMQL_ABSENT});
}

/* How one label of a result follows from those of two operands. */
typedef struct gr_promql_label combine_fn(struct gr_promql_label a, struct gr_promql_label b);

/* Both sides are matched on the label: it is the same on both. */
static struct gr_promql_label
meet(struct gr_promql_label a, struct gr_promql_label b)
{
    struct gr_promql_label out = a;

    if (a.presence == GR_PROMQL_ABSENT || b.presence == GR_PROMQL_ABSENT)
        out.presence = GR_PROMQL_ABSENT;
    else if (b.presence == GR_PROMQL_CERTAIN)
        out.presence = GR_PROMQL_CERTAIN;
    if (!a.fixed && b.fixed) {
        out.fixed = true;
        out.value = b.value;
    }
    return out;
}

/* A series comes from either side. */
static struct gr_promql_label
join(struct gr_promql_label a, struct gr_promql_label b)
{
    struct gr_promql_label out = {.name = a.name, .presence = GR_PROMQL_POSSIBLE};

    if (a.presence == b.presence)
        out.presence = a.presence;
    if (a.presence == GR_PROMQL_ABSENT) {
        out.fixed = b.fixed;
        out.value = b.value;
    } else if (a.fixed && (b.presence == GR_PROMQL_ABSENT || (b.fixed && gr_str_eq(a.value, b.value)))) {
        out.fixed = true;
        out.value = a.value;
    }
    return out;
}

/* Combines two sets label by label, in one merge of the sorted lists. */
static enum gr_err
merge(const struct infer *in, const set *a, const set *b, combine_fn *combine, bool open, set *out)
{
    struct gr_promql_label *labels = gr_arena_array(in->arena, room(a->count + b->count), sizeof *labels);
    size_t i = 0, k = 0, n = 0;

    if (!labels)
        return GR_ENOMEM;
    while (i < a->count || k < b->count) {
        int order = i == a->count ? 1 : k == b->count ? -1 : gr_str_cmp(a->labels[i].name, b->labels[k].name);
        struct gr_str name = order <= 0 ? a->labels[i].name : b->labels[k].name;

        labels[n++] = combine(get(a, name), get(b, name));
        i += order <= 0;
        k += order >= 0;
    }
    *out = (set){.open = open, .labels = labels, .count = n};
    return GR_OK;
}

/* Two values of a matched label that can never be equal. */
static bool
never_equal(struct gr_promql_label a, struct gr_promql_label b)
{
    if (a.presence == GR_PROMQL_ABSENT && b.presence == GR_PROMQL_CERTAIN)
        return true;
    if (a.presence == GR_PROMQL_CERTAIN && b.presence == GR_PROMQL_ABSENT)
        return true;
    return a.presence == GR_PROMQL_CERTAIN && b.presence == GR_PROMQL_CERTAIN && a.fixed && b.fixed &&
           !gr_str_eq(a.value, b.value);
}

static bool
is_listed(struct gr_str name, const struct gr_str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gr_str_eq(name, names[i]))
            return true;
    return false;
}

/* ---- selectors ---- */

/* One matcher more. = and =~ that refuse the empty string make a label certain, ="" makes it absent. */
static enum gr_err
put_matcher(const struct infer *in, set *s, const struct gr_promql_matcher *m)
{
    struct gr_promql_label label = get(s, m->name);

    if (m->op == GR_PROMQL_IS && m->value.n == 0)
        label.presence = GR_PROMQL_ABSENT;
    else if (!promql_matches_empty(m))
        label.presence = GR_PROMQL_CERTAIN;
    if (m->op == GR_PROMQL_IS && m->value.n > 0) {
        label.fixed = true;
        label.value = m->value;
    }
    return put(in, s, label);
}

static enum gr_err
infer_selector(const struct infer *in, const struct gr_promql *e, set *out)
{
    const struct gr_promql_selector *s = &e->u.selector;
    const struct gr_str *known = NULL;
    size_t known_count = 0;
    bool closed = false;
    enum gr_err err = GR_OK;

    *out = (set){.open = true};
    if (in->how->knows && in->how->knows(e, &known, &known_count, &closed, in->how->ctx)) {
        out->open = !closed;
        for (size_t i = 0; i < known_count && err == GR_OK; i++)
            err = put(in, out, (struct gr_promql_label){.name = known[i], .presence = GR_PROMQL_CERTAIN});
    }
    if (err == GR_OK)
        err = put(in, out, (struct gr_promql_label){NAME, GR_PROMQL_CERTAIN, s->metric.n > 0, s->metric});
    for (size_t i = 0; i < s->count && err == GR_OK; i++)
        err = put_matcher(in, out, &s->matchers[i]);
    return err;
}

static const struct gr_promql *
bare(const struct gr_promql *e)
{
    while (e->kind == GR_PROMQL_PAREN)
        e = e->child[0];
    return e;
}

/* absent(): a label of the selector for each = matcher, unless a later matcher names the label again; nothing else. For anything but a
 * selector none. */
static enum gr_err
infer_absent(const struct infer *in, const struct gr_promql *arg, set *out)
{
    enum gr_err err = GR_OK;

    *out = (set){.open = false};
    arg = bare(arg);
    if (arg->kind != GR_PROMQL_SELECTOR)
        return GR_OK;
    for (size_t i = 0; i < arg->u.selector.count && err == GR_OK; i++) {
        const struct gr_promql_matcher *m = &arg->u.selector.matchers[i];
        struct gr_promql_label label = {.name = m->name, .presence = GR_PROMQL_ABSENT};
        bool first = m->op == GR_PROMQL_IS && m->value.n > 0;

        if (gr_str_eq(m->name, NAME))
            continue;
        for (size_t k = 0; k < i && first; k++) /* the second = on a label takes it away, the third, too */
            first = !gr_str_eq(arg->u.selector.matchers[k].name, m->name) ||
                    arg->u.selector.matchers[k].op != GR_PROMQL_IS;
        if (first)
            label = (struct gr_promql_label){m->name, GR_PROMQL_CERTAIN, true, m->value};
        err = put(in, out, label);
    }
    return err;
}

/* ---- functions that write labels ---- */

/* The text of a string argument. */
static struct gr_str
text_of(const struct gr_promql *e)
{
    e = bare(e);
    return e->kind == GR_PROMQL_STRING ? e->u.text : GR_STR_NONE;
}

/* label_replace(v, target, replacement, source, regex): sets target where regex matches source's value ("" if
 * it has none). An empty result removes it. Told apart: the copy ("$1" of "(.*)" or "(.+)"), the constant on
 * a source that always matches, and the rest, which may or may not touch the label. */
static enum gr_err
infer_label_replace(const struct infer *in, const struct gr_promql *e, set *out)
{
    struct gr_str target = text_of(e->child[1]), replacement = text_of(e->child[2]);
    struct gr_str source = text_of(e->child[3]), regex = text_of(e->child[4]);
    struct gr_promql_label old, from, label = {.name = target, .presence = GR_PROMQL_POSSIBLE};
    bool constant = gr_str_find(replacement, GR_STR("$"), 0) == SIZE_MAX;
    bool all = gr_str_is(regex, "(.*)") || gr_str_is(regex, ".*"), some = gr_str_is(regex, "(.+)");
    enum gr_err err = infer_expr(in, e->child[0], out);

    if (err != GR_OK)
        return err;
    old = get(out, target);
    from = get(out, source);
    /* "" matches an empty source, which no label has the name of. */
    all = all || (source.n == 0 && regex.n == 0) || (some && from.presence == GR_PROMQL_CERTAIN);
    if (constant && all) {
        label.presence = replacement.n > 0 ? GR_PROMQL_CERTAIN : GR_PROMQL_ABSENT;
        label.fixed = replacement.n > 0;
        label.value = replacement;
    } else if (gr_str_is(replacement, "$1") && (all || some) && regex.p[0] == '(') {
        label = from;
        label.name = target;
        if (!all)
            label.presence = old.presence > from.presence ? old.presence : from.presence;
        label.fixed = from.fixed && (all || old.presence == GR_PROMQL_ABSENT);
    } else if (constant && replacement.n > 0 && old.presence == GR_PROMQL_CERTAIN) {
        label.presence = GR_PROMQL_CERTAIN;
    } else if (constant && replacement.n == 0 && old.presence == GR_PROMQL_ABSENT) {
        label.presence = GR_PROMQL_ABSENT;
    }
    return put(in, out, label);
}

/* label_join(v, target, separator, sources…): the values with the separator between; nothing at all removes
 * it. */
static enum gr_err
infer_label_join(const struct infer *in, const struct gr_promql *e, set *out)
{
    struct gr_promql_label label = {.name = text_of(e->child[1]), .presence = GR_PROMQL_ABSENT};
    enum gr_err err = infer_expr(in, e->child[0], out);

    if (err != GR_OK)
        return err;
    if (text_of(e->child[2]).n > 0 && e->count > 4)
        label.presence = GR_PROMQL_CERTAIN;
    for (size_t i = 3; i < e->count; i++) {
        enum gr_promql_presence p = gr_promql_labels_get(out, text_of(e->child[i]));

        if (p > label.presence)
            label.presence = p;
    }
    return put(in, out, label);
}

/* Functions that keep the metric's name; all others of vectors drop it. */
static bool
keeps_name(struct gr_str function)
{
    return gr_str_is(function, "last_over_time") || gr_str_is(function, "sort") ||
           gr_str_is(function, "sort_desc") || gr_str_is(function, "label_replace") ||
           gr_str_is(function, "label_join");
}

static enum gr_err
infer_call(const struct infer *in, const struct gr_promql *e, set *out)
{
    struct gr_str name = e->u.function->name;
    const struct gr_promql *vector = NULL;
    enum gr_err err;

    if (gr_str_is(name, "label_replace"))
        return infer_label_replace(in, e, out);
    if (gr_str_is(name, "label_join"))
        return infer_label_join(in, e, out);
    if (gr_str_is(name, "absent") || gr_str_is(name, "absent_over_time"))
        return infer_absent(in, e->child[0], out);
    for (size_t i = 0; i < e->count && !vector; i++) {
        enum gr_promql_type t = i < e->u.function->arg_count ? e->u.function->args[i] : GR_PROMQL_T_NONE;

        if (t == GR_PROMQL_T_VECTOR || t == GR_PROMQL_T_MATRIX)
            vector = e->child[i];
    }
    *out = (set){.open = false};
    if (!vector || e->u.function->result == GR_PROMQL_T_SCALAR)
        return GR_OK; /* time(), vector(1), scalar(x), hour(): no labels */
    err = infer_expr(in, vector, out);
    if (err == GR_OK && !keeps_name(name))
        err = put_absent(in, out, NAME);
    if (err == GR_OK && gr_str_is(name, "histogram_quantile"))
        err = put_absent(in, out, GR_STR("le"));
    return err;
}

/* ---- aggregations ---- */

/* A label in a by clause. Prometheus 2.42 may lose some where count_values is evaluated more than once (in a
 * subquery: it appends its own label to the sorted clause each time), so they are not promised there. */
static struct gr_promql_label
grouped(const struct gr_promql_aggregate *agg, struct gr_promql_label label)
{
    if (agg->op == GR_PROMQL_COUNT_VALUES && label.presence == GR_PROMQL_CERTAIN)
        label.presence = GR_PROMQL_POSSIBLE;
    return label;
}

/* count_values writes the value into a label, before a without clause takes that away again. */
static enum gr_err
put_values_label(const struct infer *in, const struct gr_promql *e, set *out)
{
    const struct gr_promql_aggregate *agg = &e->u.aggregate;
    struct gr_promql_label label = {.name = text_of(e->child[0]), .presence = GR_PROMQL_CERTAIN};

    if (agg->clause == GR_PROMQL_WITHOUT && is_listed(label.name, agg->labels, agg->count))
        label.presence = GR_PROMQL_ABSENT;
    return put(in, out, label);
}

/* by keeps what is listed, without drops it and the name; topk and bottomk keep whole series. */
static enum gr_err
infer_aggregate(const struct infer *in, const struct gr_promql *e, set *out)
{
    const struct gr_promql_aggregate *agg = &e->u.aggregate;
    set inner;
    enum gr_err err = infer_expr(in, e->child[e->count - 1], &inner);

    if (err != GR_OK)
        return err;
    if (agg->op == GR_PROMQL_TOPK || agg->op == GR_PROMQL_BOTTOMK) {
        *out = inner;
        return GR_OK;
    }
    if (agg->clause == GR_PROMQL_WITHOUT) {
        *out = inner;
        err = put_absent(in, out, NAME);
        for (size_t i = 0; i < agg->count && err == GR_OK; i++)
            err = put_absent(in, out, agg->labels[i]);
    } else {
        *out = (set){.open = false, .empty = inner.empty};
        for (size_t i = 0; i < agg->count && err == GR_OK; i++)
            err = put(in, out, grouped(agg, get(&inner, agg->labels[i])));
    }
    return err == GR_OK && agg->op == GR_PROMQL_COUNT_VALUES ? put_values_label(in, e, out) : err;
}

/* ---- operators ---- */

/* The metric's name behind an operator: arithmetic and bool drop it, filters keep it, atan2 keeps it up to Prometheus 2.x. */
static enum gr_err
put_name(const struct infer *in, const struct gr_promql_binary *b, set *s)
{
    struct gr_promql_label name = get(s, NAME);

    if (gr_promql_op_compares(b->op) && !b->return_bool)
        return GR_OK;
    if (b->op == GR_PROMQL_ATAN2 && name.presence != GR_PROMQL_ABSENT)
        name.presence = GR_PROMQL_POSSIBLE;
    else
        name = (struct gr_promql_label){.name = NAME, .presence = GR_PROMQL_ABSENT};
    return put(in, s, name);
}

bool
gr_promql_matched_on(const struct gr_promql_binary *op, struct gr_str label)
{
    bool listed = is_listed(label, op->labels, op->label_count);

    if (op->has_matching && op->on)
        return listed;
    return !listed && !gr_str_eq(label, NAME);
}

/* The many side (or the left one), refined by what the other side says about the labels they are matched on.
 * What is listed in no operand but in the clause has to be listed in the result: the answer for all others
 * may not hold for it. */
static enum gr_err
refine(const struct infer *in, const struct gr_promql_binary *b, const set *many, const set *one, set *out)
{
    bool on = b->has_matching && b->on;
    enum gr_err err = merge(in, many, one, meet, many->open && (on || one->open), out);

    for (size_t i = 0; i < b->label_count && err == GR_OK; i++)
        err = put(in, out, meet(get(many, b->labels[i]), get(one, b->labels[i])));
    if (err != GR_OK)
        return err;
    out->empty = many->empty || one->empty;
    for (size_t i = 0; i < out->count; i++) {
        struct gr_str name = out->labels[i].name;

        if (!gr_promql_matched_on(b, name))
            out->labels[i] = get(many, name);
        else if (never_equal(get(many, name), get(one, name)))
            out->empty = true;
    }
    return GR_OK;
}

/* on (a, b), one to one: nothing but a and b is left. ignoring (a): a is gone. */
static enum gr_err
keep_matched(const struct infer *in, const struct gr_promql_binary *b, set *s)
{
    set all = *s;
    enum gr_err err = GR_OK;

    if (!b->has_matching)
        return GR_OK;
    if (!b->on) {
        for (size_t i = 0; i < b->label_count && err == GR_OK; i++)
            err = put_absent(in, s, b->labels[i]);
        return err;
    }
    *s = (set){.open = false, .empty = all.empty};
    for (size_t i = 0; i < b->label_count && err == GR_OK; i++)
        err = put(in, s, get(&all, b->labels[i]));
    return err;
}

/* Arithmetic and comparisons between vectors. Labels listed in group_left or group_right come from the one
 * side. */
static enum gr_err
infer_join(const struct infer *in, const struct gr_promql_binary *b, const set *left, const set *right,
           set *out)
{
    bool to_right = b->group == GR_PROMQL_GROUP_RIGHT;
    const set *many = to_right ? right : left, *one = to_right ? left : right;
    enum gr_err err = refine(in, b, many, one, out);

    if (err == GR_OK && b->group == GR_PROMQL_ONE_TO_ONE)
        err = keep_matched(in, b, out);
    if (err == GR_OK)
        err = put_name(in, b, out);
    for (size_t i = 0; i < b->include_count && err == GR_OK; i++)
        err = put(in, out, get(one, b->include[i]));
    if (err == GR_OK && b->return_bool) /* even when group_left (__name__) has just brought it */
        err = put_absent(in, out, NAME);
    return err;
}

/* A label in the by clause of one side which has a series for each of its values, for one match. */
static struct gr_str
multiplying_label(const struct gr_promql *e, size_t side, const set *s)
{
    const struct gr_promql_binary *b = &e->u.binary;
    const struct gr_promql *operand = bare(e->child[side]);

    if (gr_promql_op_sets(b->op) || b->group == (side == 0 ? GR_PROMQL_GROUP_LEFT : GR_PROMQL_GROUP_RIGHT) ||
        operand->kind != GR_PROMQL_AGGREGATE || operand->u.aggregate.clause != GR_PROMQL_BY ||
        operand->u.aggregate.op == GR_PROMQL_TOPK || operand->u.aggregate.op == GR_PROMQL_BOTTOMK)
        return GR_STR_NONE;
    for (size_t i = 0; i < s->count; i++)
        if (s->labels[i].presence != GR_PROMQL_ABSENT && !s->labels[i].fixed &&
            !gr_promql_matched_on(b, s->labels[i].name))
            return s->labels[i].name;
    return GR_STR_NONE;
}

static void
tell(const struct infer *in, const struct gr_promql *e, const set *left, const set *right, bool empty)
{
    struct gr_promql_join j = {.e = e, .left = left, .right = right};

    if (!in->how->join)
        return;
    j.never = empty && !left->empty && !right->empty;
    j.many_left = multiplying_label(e, 0, left);
    j.many_right = multiplying_label(e, 1, right);
    in->how->join(&j, in->how->ctx);
}

static enum gr_err
infer_binary(const struct infer *in, const struct gr_promql *e, set *out)
{
    const struct gr_promql_binary *b = &e->u.binary;
    bool left_scalar = gr_promql_type(e->child[0]) == GR_PROMQL_T_SCALAR;
    bool right_scalar = gr_promql_type(e->child[1]) == GR_PROMQL_T_SCALAR;
    set left, right;
    enum gr_err err = infer_expr(in, e->child[0], &left);

    if (err == GR_OK)
        err = infer_expr(in, e->child[1], &right);
    if (err != GR_OK)
        return err;
    if (left_scalar || right_scalar) {
        *out = left_scalar ? right : left;
        return left_scalar && right_scalar ? GR_OK : put_name(in, b, out);
    }
    switch (b->op) {
    case GR_PROMQL_OR:
        err = merge(in, &left, &right, join, left.open || right.open, out);
        out->empty = left.empty && right.empty;
        if (left.empty != right.empty)
            *out = left.empty ? right : left;
        return err;
    case GR_PROMQL_AND:
        err = refine(in, b, &left, &right, out);
        break;
    case GR_PROMQL_UNLESS:
        tell(in, e, &left, &right, false);
        *out = left;
        return GR_OK;
    case GR_PROMQL_ADD:
    case GR_PROMQL_SUB:
    case GR_PROMQL_MUL:
    case GR_PROMQL_DIV:
    case GR_PROMQL_MOD:
    case GR_PROMQL_ATAN2:
    case GR_PROMQL_POW:
    case GR_PROMQL_EQ:
    case GR_PROMQL_NE:
    case GR_PROMQL_LT:
    case GR_PROMQL_LE:
    case GR_PROMQL_GT:
    case GR_PROMQL_GE:
        err = infer_join(in, b, &left, &right, out);
        break;
    }
    if (err == GR_OK)
        tell(in, e, &left, &right, out->empty);
    return err;
}

static enum gr_err
infer_expr(const struct infer *in, const struct gr_promql *e, set *out)
{
    enum gr_err err;

    *out = (set){.open = false};
    switch (e->kind) {
    case GR_PROMQL_NUMBER:
    case GR_PROMQL_STRING:
        return GR_OK;
    case GR_PROMQL_SELECTOR:
        return infer_selector(in, e, out);
    case GR_PROMQL_CALL:
        return infer_call(in, e, out);
    case GR_PROMQL_AGGREGATE:
        return infer_aggregate(in, e, out);
    case GR_PROMQL_BINARY:
        return infer_binary(in, e, out);
    case GR_PROMQL_UNARY:
        if ((err = infer_expr(in, e->child[0], out)) != GR_OK || e->u.sign == '+' ||
            gr_promql_type(e->child[0]) == GR_PROMQL_T_SCALAR)
            return err;
        return put_absent(in, out, NAME);
    case GR_PROMQL_SUBQUERY:
    case GR_PROMQL_PAREN:
        return infer_expr(in, e->child[0], out);
    }
    return GR_OK;
}

enum gr_err
gr_promql_infer(struct gr_arena *a, const struct gr_promql *e, const struct gr_promql_infer *how,
                struct gr_promql_labels *out)
{
    const struct infer in = {.arena = a, .how = how};
    set result;
    enum gr_err err = infer_expr(&in, e, &result);

    if (err == GR_OK)
        *out = result;
    return err;
}

enum gr_err
gr_promql_labels(struct gr_arena *a, const struct gr_promql *e, gr_promql_knows_fn *knows, void *ctx,
                 struct gr_promql_labels *out)
{
    const struct gr_promql_infer how = {.knows = knows, .ctx = ctx};

    return gr_promql_infer(a, e, &how, out);
}
