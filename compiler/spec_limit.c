/* spec_limit.c - limits: from "+25%" against control to exact literals.
 *
 * What a quantity means depends on what it is compared with. Against control: a percentage is relative
 * (effect = canary ÷ control, literal 1 ± v), pp and bps and the metric's own unit are points (effect =
 * canary − control). Against a fixed value: it is that value, converted to the metric's unit. All in decimal:
 * 1 + 25/100 is 1.25, not the double next to it. */
#include "config.h"
#include "spec_parts.h"

enum bad { BAD_ABOVE, BAD_BELOW, BAD_OUTSIDE, BAD_AT_OR_ABOVE, BAD_AT_OR_BELOW, BAD_NONE };
static const char *const bad_names[] = {"above", "below", "outside", "at_or_above", "at_or_below", NULL};

/* One quantity on its way to a bound. */
struct reading {
    const struct gr_node *node;
    struct gr_quantity q;
    struct gr_dec value; /* in the metric's unit, or a ratio if relative */
    bool of_control;     /* "of control" is written */
    bool relative;
};

static bool
is_unit(const struct gr_unit *unit, const char *name)
{
    return unit && gr_str_is(gr_str(unit->name), name);
}

static bool
takes_bare_numbers(const struct gr_unit *unit)
{
    return unit->dim == GR_DIM_COUNT || unit->dim == GR_DIM_SCORE;
}

/* The first way to write a unit, "%" for ratios. */
static struct gr_str
suffix_of(const struct gr_unit *unit)
{
    struct gr_str rest = gr_str(unit->suffixes), first = GR_STR_NONE;

    if (is_unit(unit, "ratio"))
        return GR_STR("%");
    (void)gr_str_next(&rest, ' ', &first);
    return first;
}

static bool
parse(const struct gr_node *node, struct reading *r)
{
    struct gr_str text = node->text, bad;

    r->node = node;
    r->of_control = gr_str_ends(text, GR_STR(" of control"));
    if (r->of_control)
        text.n -= strlen(" of control");
    return gr_quantity_parse(text, &r->q, &bad) == GR_OK;
}

static bool
refuse(struct spec *s, enum gr_code code, const struct reading *r, struct gr_str fix, const char *what)
{
    gr_diag(s->d, code, r->node->span, fix, "%s", what);
    return false;
}

/* ---- units ---- */

/* Into the metric's unit. */
static bool
convert(struct spec *s, const struct draft *d, struct reading *r)
{
    const struct gr_unit *to = d->g->metric.unit;
    struct gr_str text = r->node->text;

    if (!r->q.unit && !takes_bare_numbers(to))
        return refuse(
            s, GR0203, r,
            gr_arena_printf(s->a, "write " GR_FMT GR_FMT " or the like", GR_ARG(text), GR_ARG(suffix_of(to))),
            "the limit has no unit");
    if (!r->q.unit) {
        r->value = r->q.value;
        return true;
    }
    if (r->q.unit->dim != to->dim) {
        gr_diag(s->d, GR0204, r->node->span,
                takes_bare_numbers(to) ? GR_STR("write the number without a unit")
                                       : gr_arena_printf(s->a, "write it in " GR_FMT, GR_ARG(suffix_of(to))),
                "%s does not convert to the metric's unit, %s", r->q.unit->name, to->name);
        return false;
    }
    if (gr_unit_convert(r->q.value, r->q.unit, to, &r->value) == GR_OK)
        return true;
    return refuse(s, GR0209, r, GR_STR("write fewer digits"), "the limit has too many digits");
}

/* Against control: relative or points? */
static bool
classify(struct spec *s, const struct draft *d, struct reading *r)
{
    const struct metric *m = &d->g->metric;
    bool percent = is_unit(r->q.unit, "percent");

    if (r->of_control && !percent)
        return refuse(s, GR0202, r, GR_STR("write +25% of control"), "only a percentage can be of control");
    r->relative = percent;
    if (!percent)
        return convert(s, d, r);
    if (m->is_signed)
        return refuse(
            s, GR0207, r,
            gr_arena_printf(s->a, "write points, as in +5%s", is_unit(m->unit, "bps") ? "bps" : "pp"),
            "a percentage of a value that can be negative has no meaning");
    if (is_unit(m->unit, "percent") && !r->of_control)
        return refuse(
            s, GR0211, r,
            gr_arena_printf(s->a, "write " GR_FMT "pp for percentage points, or \"" GR_FMT " of control\"",
                            GR_ARG(gr_str_sub(r->node->text, 0, r->node->text.n - 1)), GR_ARG(r->node->text)),
            "percent of control, or percentage points?");
    if (gr_dec_mul(r->q.value, GR_DEC(1, -2), &r->value) == GR_OK)
        return true;
    return refuse(s, GR0209, r, GR_STR("write fewer digits"), "the limit has too many digits");
}

/* ---- bounds ---- */

static bool
add(struct spec *s, struct bounds *out, const struct reading *r, enum level level, enum side side,
    bool inclusive, struct gr_dec literal)
{
    struct bound *bigger = gr_arena_array(s->a, out->n + 1, sizeof *bigger);

    if (!bigger)
        return false;
    if (out->n > 0)
        memcpy(bigger, out->v, out->n * sizeof *bigger);
    bigger[out->n] = (struct bound){.level = level,
                                    .side = side,
                                    .inclusive = inclusive,
                                    .literal = literal,
                                    .text = r->node->text,
                                    .span = r->node->span};
    out->v = bigger;
    out->n++;
    return true;
}

static bool
add_control(struct spec *s, const struct reading *r, enum level level, bool upper, struct bounds *out)
{
    struct gr_dec v = r->value, literal;

    if ((v.mant < 0) == upper)
        v = gr_dec_neg(v);
    literal = v;
    if (r->relative && gr_dec_add(GR_DEC(1, 0), v, &literal) != GR_OK)
        return refuse(s, GR0209, r, GR_STR("write fewer digits"), "the limit has too many digits");
    if (r->relative && literal.mant <= 0)
        return refuse(s, GR0209, r, GR_STR("write less than 100%"), "a value cannot fall by 100% or more");
    return add(s, out, r, level, upper ? SIDE_UPPER : SIDE_LOWER, false, literal);
}

static bool
read_control(struct spec *s, const struct draft *d, enum level level, struct reading *r, struct bounds *out)
{
    enum metric_kind kind = d->g->metric.kind;
    enum gr_sign sign = r->q.sign;

    if (sign == GR_SIGN_NONE)
        return refuse(s, GR0206, r,
                      gr_arena_printf(s->a, "write +" GR_FMT " or -" GR_FMT, GR_ARG(r->node->text),
                                      GR_ARG(r->node->text)),
                      "a limit against control says its direction");
    if (!classify(s, d, r))
        return false;
    if (r->value.mant == 0)
        return refuse(s, GR0209, r, GR_STR("write how much it may differ"),
                      "a difference of zero cannot be tested");
    if (kind == METRIC_RATIO_BAD && sign != GR_SIGN_PLUS)
        return refuse(s, GR0206, r, GR_STR("write it with +"), "fewer bad events are no breach");
    if (kind == METRIC_RATIO_GOOD && sign != GR_SIGN_MINUS)
        return refuse(s, GR0206, r, GR_STR("write it with -"), "more good events are no breach");
    if (sign != GR_SIGN_MINUS && !add_control(s, r, level, true, out))
        return false;
    return sign == GR_SIGN_PLUS || add_control(s, r, level, false, out);
}

/* A share of all events cannot leave 0 … 1, so such a limit would never be breached, or always. */
static bool
check_ratio_range(struct spec *s, const struct draft *d, const struct reading *r)
{
    enum metric_kind kind = d->g->metric.kind;

    if (kind != METRIC_RATIO_BAD && kind != METRIC_RATIO_GOOD)
        return true;
    if (r->value.mant >= 0 && gr_dec_cmp(r->value, GR_DEC(1, 0)) <= 0)
        return true;
    return refuse(s, GR0209, r, GR_STR("write 0% to 100%"), "a ratio lies between 0% and 100%");
}

/* A value that cannot be negative is never below 0, a share never above 1: such a limit would guard nothing, or always be breached. */
static bool
check_reachable(struct spec *s, const struct draft *d, const struct reading *r, enum side side,
                bool inclusive)
{
    enum metric_kind kind = d->g->metric.kind;
    bool is_share = kind == METRIC_RATIO_BAD || kind == METRIC_RATIO_GOOD, lower = side_is_lower(side);

    if (d->g->metric.is_signed)
        return true;
    if (!is_share && r->value.mant < 0)
        return refuse(s, GR0206, r, GR_STR("add `signed: true` to the metric, or write a positive limit"),
                      "a metric that is not `signed` has no negative values");
    if (inclusive || (lower ? r->value.mant != 0 : !is_share || gr_dec_cmp(r->value, GR_DEC(1, 0)) != 0))
        return true;
    return refuse(s, GR0209, r,
                  lower ? GR_STR("write more than 0, or `bad: at_or_below`")
                        : GR_STR("write less than 100%, or `bad: at_or_above`"),
                  lower ? "the value is never below 0" : "the value is never above 100%");
}

static enum bad
bad_of(const struct spec *s, const struct draft *d)
{
    int bad = spec_choice(s, d->limit, "bad", bad_names, BAD_NONE);

    return bad < 0 ? BAD_NONE : (enum bad)bad;
}

static bool
read_fixed(struct spec *s, const struct draft *d, enum level level, struct reading *r, struct bounds *out)
{
    enum bad bad = bad_of(s, d);
    bool inclusive = bad == BAD_AT_OR_ABOVE || bad == BAD_AT_OR_BELOW;
    bool upper = bad == BAD_ABOVE || bad == BAD_AT_OR_ABOVE;
    struct gr_str digits = gr_str_sub(r->node->text, r->q.sign == GR_SIGN_PLUS ? 1 : 0, r->node->text.n);

    if (bad == BAD_NONE)
        return false; /* reported by read_limit */
    if (r->of_control)
        return refuse(s, GR0202, r, GR_STR("write the value itself, or `against: control`"),
                      "a fixed limit knows no control");
    if (bad != BAD_OUTSIDE && r->q.sign == GR_SIGN_BOTH)
        return refuse(s, GR0206, r, GR_STR("write `bad: outside`, or the limit without ±"),
                      "± needs `bad: outside`");
    if (bad == BAD_OUTSIDE && r->q.sign != GR_SIGN_BOTH)
        return refuse(s, GR0206, r, gr_arena_printf(s->a, "write ±" GR_FMT, GR_ARG(digits)),
                      "`bad: outside` needs a limit on both sides");
    if (r->q.sign == GR_SIGN_PLUS)
        return refuse(s, GR0206, r,
                      gr_arena_printf(s->a, "write " GR_FMT ", or `against: control`", GR_ARG(digits)),
                      "a fixed limit is a value, not a difference");
    if (is_unit(r->q.unit, "pp") && bad != BAD_OUTSIDE)
        return refuse(s, GR0211, r, GR_STR("write %, or `against: control`"),
                      "percentage points are a difference, not a value");
    if (bad == BAD_OUTSIDE && !d->g->metric.is_signed)
        return refuse(s, GR0206, r, GR_STR("add `signed: true` to the metric, or write `bad: above`"),
                      "a metric that is not `signed` has no negative values");
    if (!convert(s, d, r) || !check_ratio_range(s, d, r))
        return false;
    if (bad != BAD_OUTSIDE && !check_reachable(s, d, r, upper ? SIDE_UPPER : SIDE_LOWER, inclusive))
        return false;
    if (bad != BAD_OUTSIDE)
        return add(s, out, r, level, upper ? SIDE_UPPER : SIDE_LOWER, inclusive, r->value);
    return add(s, out, r, level, SIDE_UPPER, false, r->value) &&
           add(s, out, r, level, SIDE_LOWER, false, gr_dec_neg(r->value));
}

/* On which sides the limits against control lie: what rises is held from above, what falls from below. The base's limits, if it has
 * any, and those that were read just now. */
static void
sides_of(const struct draft *d, const struct bounds *now, bool *upper, bool *lower)
{
    const struct limit *base = &d->g->limit;

    *upper = d->g->metric.kind == METRIC_RATIO_BAD;
    *lower = d->g->metric.kind == METRIC_RATIO_GOOD;
    for (size_t i = 0; i < base->n_bounds + now->n; i++) {
        enum side side = i < base->n_bounds ? base->bounds[i].side : now->v[i - base->n_bounds].side;

        *upper = *upper || side == SIDE_UPPER;
        *lower = *lower || side == SIDE_LOWER;
    }
}

/* The sign of a backstop: both where the limit is on both sides; else it is a value, and only one that can be negative has a sign. */
static bool
check_backstop_sign(struct spec *s, const struct draft *d, const struct reading *r, bool both)
{
    enum gr_sign sign = r->q.sign;
    struct gr_str text = r->node->text;
    size_t first = sign == GR_SIGN_NONE ? 0 : text.p[0] == '+' || text.p[0] == '-' ? 1 : 3; /* U+2212 */

    if (both && !d->g->metric.is_signed)
        return refuse(s, GR0206, r, GR_STR("remove it, and add a guardrail with a fixed limit"),
                      "the limit lies on both sides: on which does the backstop?");
    if (both && sign != GR_SIGN_BOTH)
        return refuse(s, GR0206, r,
                      gr_arena_printf(s->a, "write ±" GR_FMT, GR_ARG(gr_str_sub(text, first, text.n))),
                      "the limit lies on both sides, so the backstop has to");
    if (!both && sign == GR_SIGN_BOTH)
        return refuse(s, GR0206, r, GR_STR("write the value without ±"),
                      "the limit lies on one side, so the backstop has to");
    if (!both && (sign == GR_SIGN_PLUS || (sign == GR_SIGN_MINUS && !d->g->metric.is_signed)))
        return refuse(s, GR0206, r, GR_STR("write the value itself, without a sign"),
                      "a backstop is a fixed value, whatever control says");
    return true;
}

static bool
read_backstop(struct spec *s, const struct draft *d, struct reading *r, struct bounds *out)
{
    bool upper, lower;

    sides_of(d, out, &upper, &lower);
    if (r->of_control)
        return refuse(s, GR0206, r, GR_STR("write the value itself"),
                      "a backstop is a fixed value, whatever control says");
    if (!check_backstop_sign(s, d, r, upper && lower))
        return false;
    if (is_unit(r->q.unit, "pp") && !(upper && lower))
        return refuse(s, GR0211, r, GR_STR("write %"), "percentage points are a difference, not a value");
    if (!convert(s, d, r) || !check_ratio_range(s, d, r) ||
        !check_reachable(s, d, r, lower && !upper ? SIDE_BACKSTOP_LOWER : SIDE_BACKSTOP, false))
        return false;
    if ((upper || !lower) && !add(s, out, r, LEVEL_HARD, SIDE_BACKSTOP, false, r->value))
        return false;
    return !lower ||
           add(s, out, r, LEVEL_HARD, SIDE_BACKSTOP_LOWER, false, upper ? gr_dec_neg(r->value) : r->value);
}

bool
read_bound(struct spec *s, const struct draft *d, enum level level, bool backstop,
           const struct gr_node *value, struct bounds *out)
{
    struct reading r = {.node = value};

    if (!parse(value, &r))
        return false;
    if (backstop)
        return read_backstop(s, d, &r, out);
    if (d->g->limit.against == AGAINST_FIXED)
        return read_fixed(s, d, level, &r, out);
    return read_control(s, d, level, &r, out);
}

/* ---- the limit as a whole ---- */

/* A percentage for one level and points for the other cannot be compared. */
static bool
check_mixed(struct spec *s, const struct draft *d, const struct gr_node *soft, const struct gr_node *hard)
{
    struct reading a = {.node = soft}, b = {.node = hard};

    if (!soft || !hard || d->g->limit.against == AGAINST_FIXED || !parse(soft, &a) || !parse(hard, &b))
        return true;
    if (is_unit(a.q.unit, "percent") != is_unit(b.q.unit, "percent"))
        return refuse(s, GR0211, &b, GR_STR("write both as a percentage, or both in points"),
                      is_unit(a.q.unit, "percent") ? "the soft limit is in %, the hard one in points"
                                                   : "the soft limit is in points, the hard one in %");
    if ((a.q.sign == GR_SIGN_PLUS && b.q.sign == GR_SIGN_MINUS) ||
        (a.q.sign == GR_SIGN_MINUS && b.q.sign == GR_SIGN_PLUS))
        return refuse(s, GR0206, &b, GR_STR("give both the same sign"),
                      "soft and hard limit have opposite directions");
    return true;
}

void
sort_bounds(struct bounds *b)
{
    for (size_t i = 1; i < b->n; i++)
        for (size_t j = i; j > 0; j--) {
            struct bound *x = &b->v[j - 1], *y = &b->v[j], t = *y;

            if (x->level < y->level || (x->level == y->level && x->side <= y->side))
                break;
            *y = *x;
            *x = t;
        }
}

static void
check_level_order(struct spec *s, const struct limit *l)
{
    for (size_t i = 0; i < l->n_bounds; i++)
        for (size_t j = 0; j < l->n_bounds; j++) {
            const struct bound *hard = &l->bounds[i], *soft = &l->bounds[j];

            if (hard->level != LEVEL_HARD || soft->level != LEVEL_SOFT || hard->side != soft->side ||
                !model_tighter(hard->side, hard->literal, soft->literal))
                continue;
            gr_diag(s->d, GR0205, hard->span, GR_STR("exchange the two limits, or move one of them"),
                    "the hard limit " GR_FMT " is reached before the soft one, " GR_FMT, GR_ARG(hard->text),
                    GR_ARG(soft->text));
            gr_diag_note(s->d, soft->span, "the soft limit is here");
            return; /* of a limit on both sides once is enough */
        }
}

static bool
refuse_key(struct spec *s, const struct draft *d, const char *key, const char *why)
{
    gr_diag(s->d, GR0107, gr_node_get(d->limit, key)->key_span, GR_STR("remove it"), "%s", why);
    return false;
}

static bool
check_keys(struct spec *s, const struct draft *d)
{
    bool fixed = d->g->limit.against == AGAINST_FIXED, ok = true;

    if (!fixed && d->g->stream_scope) {
        gr_diag(s->d, GR0107, gr_node_get(d->limit, "against")->span, GR_STR("write `against: fixed`"),
                "with `scope: stream` there is no control");
        ok = false;
    }
    if (!fixed && spec_has(d->limit, "bad"))
        ok = refuse_key(s, d, "bad", "against control the sign says which side is bad");
    if (fixed && !spec_has(d->limit, "bad")) {
        gr_diag(s->d, GR0102, d->limit->key_span,
                GR_STR("add `bad:` above, below, outside, at_or_above or at_or_below"),
                "a fixed limit needs the key \"bad\"");
        ok = false;
    }
    if (fixed && spec_has(d->limit, "backstop"))
        ok = refuse_key(s, d, "backstop", "a fixed limit is its own backstop");
    if (fixed && spec_has(d->limit, "floor"))
        ok = refuse_key(s, d, "floor", "a floor has no meaning for a fixed limit");
    if (spec_has(d->limit, "common_cause") && (d->g->stream_scope || (fixed && !spec_has(d->limit, "hard")) ||
                                               (!fixed && !spec_has(d->limit, "backstop"))))
        ok = refuse_key(s, d, "common_cause",
                        d->g->stream_scope ? "with `scope: stream` there is no control that could breach, too"
                                           : "`common_cause` needs a fixed hard limit or a backstop");
    if (!spec_has(d->limit, "hard") && !spec_has(d->limit, "soft")) {
        gr_diag(s->d, GR0102, d->limit->key_span, GR_STR("add `soft:` or `hard:`"),
                "a limit needs the key \"soft\" or \"hard\"");
        ok = false;
    }
    return ok;
}

/* bounds_ok: whether the limit is relative is known. */
static bool
read_floor(struct spec *s, struct draft *d, bool bounds_ok)
{
    const struct gr_node *node = spec_get(s, d->limit, "floor");
    bool ratio = d->g->metric.kind == METRIC_RATIO_BAD || d->g->metric.kind == METRIC_RATIO_GOOD;
    bool relative = d->g->limit.against == AGAINST_CONTROL_RELATIVE;
    struct reading r = {.node = node};

    if (!spec_has(d->limit, "floor")) {
        if (d->g->metric.kind != METRIC_RATIO_BAD || !relative)
            return true;
        gr_diag(s->d, GR0208, d->limit->key_span,
                GR_STR("add `floor:`, the rate below which control's rate is noise, as in 0.05%"),
                "a relative limit on rare events needs a floor");
        return false;
    }
    if (!node || d->g->limit.against == AGAINST_FIXED)
        return false;
    if (!ratio || !relative)
        return bounds_ok &&
               refuse_key(s, d, "floor", "a floor has a meaning only for relative limits on ratios");
    if (!parse(node, &r))
        return false;
    if (r.q.sign != GR_SIGN_NONE || r.of_control)
        return refuse(s, GR0202, &r, GR_STR("write 0.05%"), "a floor is a value, without a sign");
    if (r.q.unit && (r.q.unit->dim != GR_DIM_RATIO || is_unit(r.q.unit, "pp")))
        return refuse(s, GR0204, &r, GR_STR("write it in %"),
                      "the floor of a ratio is a percentage or a ratio");
    if (gr_unit_convert(r.q.value, r.q.unit ? r.q.unit : d->g->metric.unit, d->g->metric.unit, &r.value) !=
            GR_OK ||
        r.value.mant == 0 || gr_dec_cmp(r.value, GR_DEC(1, 0)) >= 0)
        return refuse(s, GR0209, &r, GR_STR("write more than 0% and less than 100%"),
                      "the floor lies between 0% and 100%");
    d->g->limit.floor = r.value;
    return true;
}

static bool
read_bounds(struct spec *s, struct draft *d)
{
    const struct gr_node *soft = spec_get(s, d->limit, "soft"), *hard = spec_get(s, d->limit, "hard");
    const struct gr_node *backstop = spec_get(s, d->limit, "backstop");
    struct bounds out = {NULL, 0};
    bool ok = (soft || !spec_has(d->limit, "soft")) && (hard || !spec_has(d->limit, "hard")) &&
              (backstop || !spec_has(d->limit, "backstop"));
    if (hard)
        ok = read_bound(s, d, LEVEL_HARD, false, hard, &out) && ok;
    if (soft)
        ok = read_bound(s, d, LEVEL_SOFT, false, soft, &out) && ok;
    ok = ok && check_mixed(s, d, soft, hard);
    if (backstop && d->g->limit.against != AGAINST_FIXED)
        ok = read_bound(s, d, LEVEL_HARD, true, backstop, &out) && ok;
    sort_bounds(&out);
    d->g->limit.bounds = out.v;
    d->g->limit.n_bounds = out.n;
    return ok;
}

/* Relative or points: what the first quantity says; check_mixed sees that the other agrees. */
static enum against
control_kind(const struct spec *s, const struct draft *d)
{
    const struct gr_node *any = spec_get(s, d->limit, "hard");
    struct reading r;

    if (!any)
        any = spec_get(s, d->limit, "soft");
    if (any && parse(any, &r) && !is_unit(r.q.unit, "percent"))
        return AGAINST_CONTROL_POINTS;
    return AGAINST_CONTROL_RELATIVE;
}

void
read_limit(struct spec *s, struct draft *d)
{
    static const char *const against[] = {"control", "fixed", NULL};
    static const char *const hold[] = {"hold", NULL};
    struct limit *l = &d->g->limit;
    bool bounds_ok, ok;
    int kind;

    d->limit = spec_get(s, d->node, "limit");
    kind = spec_choice(s, d->limit, "against", against, -1);
    if (!d->limit || kind < 0)
        return;
    l->against = kind == 1 ? AGAINST_FIXED : control_kind(s, d);
    l->common_cause_hold = spec_choice(s, d->limit, "common_cause", hold, -1) == 0;
    ok = check_keys(s, d);
    if (!d->metric_ok)
        return;
    bounds_ok = read_bounds(s, d);
    ok = read_floor(s, d, bounds_ok) && bounds_ok && ok;
    if (ok)
        check_level_order(s, l);
    if (l->against != AGAINST_FIXED && d->g->metric.kind == METRIC_GAUGE &&
        d->g->metric.reduce != REDUCE_AVG) {
        gr_diag(s->d, GR0313, gr_node_get(d->metric, "reduce")->span,
                GR_STR("write `reduce: avg`, or compare with a fixed limit"),
                "the extremes of cohorts of different size cannot be compared");
    }
    d->limit_ok = ok;
}
