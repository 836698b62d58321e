/* lower_verdict.c - limits as series, breaches, which of them the evidence supports, and the four verdicts. */
#include "config.h"
#include "lower.h"

#include "outnames.h"

/* -- limits and breaches -------------------------------------------------------------------------------------------------- */

/* Of at most so many literals a level and side: each `or` goes over all that stands before it. */
#define SHARED_LITERALS_MAX 64u
/* Fewer guardrails keep rules of their own, which read better than a list of names in a matcher. */
#define SHARERS_MIN 8u

/* A limit that guardrails have in common, whatever they measure. */
struct shared {
    enum level level;
    enum side side;
    struct gr_dec literal;
};

static const struct bound *
bound_of(const struct guardrail *g, const struct shared *s)
{
    for (size_t i = 0; g->limit.n_overrides == 0 && i < g->limit.n_bounds; i++) {
        const struct bound *b = &g->limit.bounds[i];

        if (b->level == s->level && b->side == s->side && gr_dec_cmp(b->literal, s->literal) == 0)
            return b;
    }
    return NULL;
}

static bool
shares(const struct guardrail *g, const void *arg)
{
    return bound_of(g, arg) != NULL;
}

/* On whatever slices report, so that a slice outside `expect` gets its (tightest) limit too. */
static const char *
limited(struct lower *lo, enum side side, const char *which)
{
    size_t from = lo->expr.n;

    if (side_is_backstop(side))
        lower_put(lo, "sum without (cohort) (guardrail:window:value{$$S$1,cohort!=$$K$$1})", which, NULL);
    else
        lower_put(lo, "guardrail:effect{$$S$1$$1}", which, NULL);
    return lower_cut(lo, from);
}

/* g: whose, or NULL where many share it */
static void
record_limit(struct lower *lo, const struct guardrail *g, enum level level, enum side side)
{
    struct gr_rule *rule = lower_record(lo, "guardrail:limit");

    if (g)
        lower_label(lo, rule, "guardrail", g->name);
    lower_label(lo, rule, "level", gr_str(level_name(level)));
    lower_label(lo, rule, "side", gr_str(side_name(side)));
}

static void
limit(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);

    lower_per_literal(lo, g, b, limited(lo, b->side, name), "* 0 +");
    record_limit(lo, g, b->level, b->side);
}

/* The literals of one level and side that many guardrails share, in the order in which they first occur. */
struct literals {
    struct shared v[SHARED_LITERALS_MAX];
    size_t n;
};

static bool
has_literal(const struct literals *l, struct gr_dec literal)
{
    for (size_t i = 0; i < l->n; i++)
        if (gr_dec_cmp(l->v[i].literal, literal) == 0)
            return true;
    return false;
}

static size_t
sharers(const struct lower *lo, const struct shared *s)
{
    size_t n = 0;

    for (size_t i = 0; i < lo->m->n_guardrails; i++)
        n += shares(&lo->m->guardrails[i], s);
    return n;
}

static void
literals_fill(const struct lower *lo, enum level level, enum side side, struct literals *l)
{
    const struct model *m = lo->m;
    size_t tried = 0;

    for (size_t i = 0; i < m->n_guardrails && l->n < SHARED_LITERALS_MAX && tried < 8 * SHARED_LITERALS_MAX;
         i++) {
        const struct guardrail *g = &m->guardrails[i];

        for (size_t k = 0; k < g->limit.n_bounds; k++) {
            struct shared s = {level, side, g->limit.bounds[k].literal};

            if (l->n == SHARED_LITERALS_MAX || g->limit.bounds[k].level != level ||
                g->limit.bounds[k].side != side || !shares(g, &s) || has_literal(l, s.literal))
                continue;
            tried++; /* so that a specification without common limits takes no quadratic time */
            if (sharers(lo, &s) >= SHARERS_MIN)
                l->v[l->n++] = s;
        }
    }
}

/* One rule for all guardrails that have a limit of this level and side in common with others. */
static void
shared_limits(struct lower *lo, enum level level, enum side side, struct literals *l)
{
    literals_fill(lo, level, side, l);
    for (size_t i = 0; i < l->n; i++) {
        const char *before = lower_cut(lo, 0);
        const char *value = limited(lo, side, lower_which(lo, shares, &l->v[i]));

        lower_put(lo, i > 0 ? "$1\nor " : "", before, NULL);
        lower_put(lo, value, "", NULL);
        lower_put(lo, " * 0 + $1", lower_dec(lo, l->v[i].literal), NULL);
    }
    if (l->n > 0)
        record_limit(lo, NULL, level, side);
    lower_forget(lo);
}

#define SIDE_COUNT 4
/* One rule a limit; past MODEL_MANY guardrails, where it saves much, one for all limits that are alike. */
static void
limits(struct lower *lo)
{
    const struct model *m = lo->m;
    struct literals shared[LEVEL_NO_DATA][SIDE_COUNT] = {0};

    for (size_t level = 0; m->n_guardrails > MODEL_MANY && level < LEVEL_NO_DATA; level++)
        for (size_t side = 0; side < SIDE_COUNT; side++)
            shared_limits(lo, (enum level)level, (enum side)side, &shared[level][side]);
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct guardrail *g = &m->guardrails[i];

        for (size_t k = 0; k < g->limit.n_bounds; k++) {
            const struct bound *b = &g->limit.bounds[k];

            if (g->limit.n_overrides > 0 || !has_literal(&shared[b->level][b->side], b->literal))
                limit(lo, g, b);
        }
        lower_forget(lo);
    }
}

struct form {
    enum side side;
    bool inclusive;
};

static bool
has_form(const struct guardrail *g, const void *arg)
{
    const struct form *f = arg;

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].side == f->side && g->limit.bounds[i].inclusive == f->inclusive)
            return true;
    return false;
}

/* Strict unless the limit says at_or_…: exactly at the limit is inside. What is strictly beyond is so of an inclusive limit, too. */
static void
breach(struct lower *lo)
{
    static const struct {
        struct form form;
        const char *template;
    } forms[] = {
        {{SIDE_UPPER, true},
         "guardrail:limit{$S$1,side=\"upper\"} <= ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_UPPER, false},
         "guardrail:limit{$S,side=\"upper\"} < ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_LOWER, true},
         "guardrail:limit{$S$1,side=\"lower\"} >= ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_LOWER, false},
         "guardrail:limit{$S,side=\"lower\"} > ignoring (level, side) group_left () guardrail:effect{$S}"},
        {{SIDE_BACKSTOP, false},
         "guardrail:limit{$S$1,side=\"backstop\"} < ignoring (level, side) group_left ()"
         " sum without (cohort) (guardrail:window:value{$S$1,cohort=$C}"
         " or ignoring (cohort) guardrail:window:value{$S$1,cohort=\"" COHORT_EARLY "\"})"},
        {{SIDE_BACKSTOP_LOWER, false},
         "guardrail:limit{$S$1,side=\"backstop_lower\"} > ignoring (level, side) group_left ()"
         " sum without (cohort) (guardrail:window:value{$S$1,cohort=$C}"
         " or ignoring (cohort) guardrail:window:value{$S$1,cohort=\"" COHORT_EARLY "\"})"},
    };
    const char *which;

    lower_branches(lo, "\nor ");
    for (size_t i = 0; i < GR_COUNT(forms); i++)
        if ((which = lower_which(lo, has_form, &forms[i].form)) != NULL)
            lower_branch(lo, forms[i].template, which, NULL);
    lower_record(lo, "guardrail:breach");
}

static bool
has_bounds(const struct guardrail *g, const void *arg)
{
    return g->limit.n_bounds == *(const size_t *)arg;
}

/* Slices whose limit series are all there, whatever their number: a lost one must not let a breach pass for health. */
static void
put_all_limits(struct lower *lo)
{
    const struct model *m = lo->m;
    bool any = false;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const size_t *n = &m->guardrails[i].limit.n_bounds;
        bool first = true;

        for (size_t k = 0; first && k < i; k++)
            first = !has_bounds(&m->guardrails[k], n);
        if (!first)
            continue;
        lower_put(lo, "$1count without (level, side) (guardrail:limit{$S$2}) == $3", any ? "\n  or " : "",
                  lower_which(lo, has_bounds, n), lower_uint(lo, *n), NULL);
        any = true;
    }
}

/* Health needs positive proof: the effect of slices whose limits are all there, and hold. What is not inside is asked for evidence: mostly
 * nothing, so that the test of all the others costs next to nothing. A lost limit makes nothing inside, and so disarms no alert. */
static void
inside(struct lower *lo)
{
    lower_put(lo, "guardrail:effect{$S} and (", NULL);
    put_all_limits(lo);
    lower_put(lo, ")\nunless ignoring (level, side) guardrail:breach{$S}", NULL);
    lower_record(lo, "guardrail:inside");
    lower_put(lo, "guardrail:effect{$S} unless guardrail:inside{$S}", NULL);
    lower_record(lo, "guardrail:outside");
}

void
lower_limits(struct lower *lo)
{
    limits(lo);
    breach(lo);
    inside(lo);
}

/* -- proved and supported ---------------------------------------------------------------------------------------------------- */

static bool
has_min_events(const struct guardrail *g, const void *arg)
{
    return is_sum(g, NULL) && (is_compared(g, NULL) || has_backstop(g, NULL)) && g->evidence.min_events > 0 &&
           g->evidence.min_events == *(const uint32_t *)arg;
}

static bool
has_backstop_events(const struct guardrail *g, const void *arg)
{
    return has_backstop(g, NULL) && is_ratio(g, NULL) && has_min_events(g, arg);
}

static bool
has_backstop_total(const struct guardrail *g, const void *arg)
{
    return has_backstop(g, NULL) && is_histogram(g, NULL) &&
           lower_backstop_total(g) == *(const uint64_t *)arg;
}

/* Composes the guardrails with fewer than the wanted number of something, all of them joined by or. */
struct too_few {
    const char *before; /* of the first; later ones get " or " */
    /* For a backstop: early slots count until there are others, and a number that is NaN or infinite is too few, because no guardrail:enough keeps it
     * out. */
    bool at_once;
    bool any;
    bool spoilt; /* a NaN in any bucket is too few as well */
};

static void
put_too_few(struct lower *lo, struct too_few *f, const char *series, const char *which, uint64_t least)
{
    lower_put(lo, f->any ? " or " : f->before, NULL);
    lower_put(lo,
              f->at_once ? "($1{$S$2,cohort=$C} or ignoring (cohort) $1{$S$2,cohort=\"" COHORT_EARLY
                           "\"}) % +Inf >= bool $3 == 0"
                         : "$1{$S$2,cohort=$C} < $3",
              series, which, lower_uint(lo, least), NULL);
    f->any = true;
    if (f->at_once && f->spoilt)
        lower_put(lo,
                  " or ($1{$S$2,cohort=$C} or ignoring (cohort) $1{$S$2,cohort=\"" COHORT_EARLY
                  "\"}) and count_over_time(guardrail:slot:nan{$S$2}[$3])",
                  series, which, lower_from_start(lo), NULL);
}

/* `unless ignoring (level, side) (…)`: fewer bad events of the canary than min_events. What a backstop wants of a histogram does not
 * hang on control's edges, see lower_backstop_total(). */
static void
put_min_events(struct lower *lo, bool backstop)
{
    const struct model *m = lo->m;
    lower_pick *has = backstop ? has_backstop_events : has_min_events;
    struct too_few f = {"\n  unless ignoring (level, side) sum without (cohort) (", backstop, false, false};

    for (size_t i = 0; i < m->n_guardrails; i++) {
        const uint32_t *least = &m->guardrails[i].evidence.min_events;
        bool first = has(&m->guardrails[i], least);

        for (size_t k = 0; first && k < i; k++)
            first = !has(&m->guardrails[k], least);
        if (first)
            put_too_few(lo, &f, "guardrail:test:bad", lower_which(lo, has, least), *least);
    }
    f.spoilt = true;
    for (size_t i = 0; backstop && i < m->n_guardrails; i++) {
        uint64_t least = lower_backstop_total(&m->guardrails[i]);
        bool first = has_backstop_total(&m->guardrails[i], &least);

        for (size_t k = 0; first && k < i; k++)
            first = !has_backstop_total(&m->guardrails[k], &least);
        if (first)
            put_too_few(lo, &f, "guardrail:test:total", lower_which(lo, has_backstop_total, &least), least);
    }
    if (f.any)
        lower_put(lo, ")", NULL);
}

struct confirm {
    enum level level;
    uint32_t k, n;
};

static bool
has_confirm(const struct guardrail *g, const void *arg)
{
    const struct confirm *c = arg;

    if (!is_fixed(g, NULL))
        return false;
    return c->level == LEVEL_HARD ? g->evidence.hard_k == c->k && g->evidence.hard_n == c->n
                                  : g->evidence.soft_k == c->k && g->evidence.soft_n == c->n;
}

static struct confirm
confirm_of(const struct guardrail *g, enum level level)
{
    return level == LEVEL_HARD ? (struct confirm){level, g->evidence.hard_k, g->evidence.hard_n}
                               : (struct confirm){level, g->evidence.soft_k, g->evidence.soft_n};
}

/* Fixed limits: 1 of 1 is the windowed value, k of n counts recorded slots. */
static void
confirmed(struct lower *lo, enum level level)
{
    const struct model *m = lo->m;
    const char *name = level_name(level);

    for (size_t i = 0; i < m->n_guardrails; i++) {
        struct confirm c = confirm_of(&m->guardrails[i], level);
        bool first = has_confirm(&m->guardrails[i], &c);

        for (size_t k = 0; first && k < i; k++)
            first = !has_confirm(&m->guardrails[k], &c);
        if (!first)
            continue;
        if (c.n == 1)
            lower_branch(
                lo, "guardrail:breach{$S$1,level=\"$2\"} and ignoring (level, side) guardrail:proved{$S}",
                lower_which(lo, has_confirm, &c), name, NULL);
        else
            lower_branch(lo,
                         "sum without (cohort) "
                         "(count_over_time(guardrail:slot:over{$S$1,level=\"$2\",cohort=~$T}[$3])) >= $4"
                         " and on ($P) guardrail:open{$S} and ignoring (level, side) guardrail:enough{$S}",
                         lower_which(lo, has_confirm, &c), name, lower_duration(lo, lower_range_ms(lo, c.n)),
                         lower_uint(lo, c.k), NULL);
    }
}

struct row {
    enum level level;
    enum side side;
    const char *sign; /* of the difference, for evidence on the bad side */
};

static bool
has_row(const struct guardrail *g, const void *arg)
{
    const struct row *r = arg;

    for (size_t i = 0; is_sequential(g, NULL) && i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == r->level && g->limit.bounds[i].side == r->side)
            return true;
    return false;
}

/* One of 1: the windowed value decides, of one level or of both. */
static bool
is_windowed(const struct guardrail *g, const void *arg)
{
    (void)arg;
    return is_fixed(g, NULL) && (g->evidence.hard_n == 1 || g->evidence.soft_n == 1);
}

static bool
needs_no_test(const struct guardrail *g, const void *arg)
{
    return is_point(g, arg) || is_windowed(g, arg);
}

/* The effect outside the limits, where it is no accident: with evidence that the difference lies on the bad side, for a level and side;
 * of `point` and of fixed limits wherever there is enough. Alerts compare it with their literals. */
static void
proved(struct lower *lo)
{
    static const struct row rows[] = {
        {LEVEL_HARD, SIDE_UPPER, ">"},
        {LEVEL_HARD, SIDE_LOWER, "<"},
        {LEVEL_SOFT, SIDE_UPPER, ">"},
        {LEVEL_SOFT, SIDE_LOWER, "<"},
    };
    const char *which;

    lower_branches(lo, "\n  or ");
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        if ((which = lower_which(lo, has_row, &rows[i])) != NULL)
            lower_branch(lo,
                         "label_replace(label_replace(guardrail:outside{$S$1}"
                         " and guardrail:evidence{$S} > $4 and guardrail:test:d{$S} $5 0,"
                         " \"level\", \"$2\", \"\", \"\"), \"side\", \"$3\", \"\", \"\")",
                         which, level_name(rows[i].level), side_name(rows[i].side),
                         lower_threshold(lo, rows[i].level), rows[i].sign, NULL);
    if ((which = lower_which(lo, needs_no_test, NULL)) != NULL)
        lower_branch(lo, "guardrail:outside{$S$1}", which, NULL);
    if (lo->expr.n == 0)
        return;
    which = lower_cut(lo, 0);
    lower_put(lo, "($1)\nand ignoring (level, side) guardrail:enough{$S}", which, NULL);
    put_min_events(lo, false);
    lower_record(lo, "guardrail:proved");
}

/* The sides that are backstops here, as a matcher's operator and value. */
static const char *
backstop_sides(const struct lower *lo)
{
    static const struct form upper = {SIDE_BACKSTOP, false}, lower = {SIDE_BACKSTOP_LOWER, false};

    if (!lower_any(lo, has_form, &lower))
        return "=\"backstop\"";
    return lower_any(lo, has_form, &upper) ? "=~\"backstop|backstop_lower\"" : "=\"backstop_lower\"";
}

static void
supported(struct lower *lo)
{
    const char *which;

    lower_branches(lo, "\nor ");
    if (lower_any(lo, is_sequential, NULL)) /* of no others a level and a side are proved */
        lower_branch(lo, "guardrail:breach{$S} and guardrail:proved{$S}", NULL);
    if ((which = lower_which(lo, is_point, NULL)) != NULL)
        lower_branch(
            lo,
            "guardrail:breach{$S$1,side=~\"upper|lower\"} and ignoring (level, side) guardrail:proved{$S}",
            which, NULL);
    if ((which = lower_which(lo, has_backstop, NULL)) != NULL) {
        lower_branch(lo, "(guardrail:breach{$S$1,side$2}", which, backstop_sides(lo), NULL);
        put_min_events(lo, true);
        lower_put(lo, ")", NULL);
    }
    confirmed(lo, LEVEL_HARD);
    confirmed(lo, LEVEL_SOFT);
    lower_record(lo, "guardrail:supported");
}

/* -- verdict ---------------------------------------------------------------------------------------------------------------- */

static bool
has_phase_end(const struct lower *lo)
{
    for (size_t i = 0; i < lo->m->n_phases; i++)
        if (lo->m->phases[i].max_ms > 0)
            return true;
    return false;
}

/* Healthy needs positive proof; whatever is expected or seen and proves nothing is insufficient. */
static void
verdict(struct lower *lo)
{
    lower_put(lo,
              "max without (level, side) (guardrail:supported{$S,level=\"hard\"}) * 0 + 3\n"
              "or max without (level, side) (guardrail:supported{$S,level=\"soft\"}) * 0 + 2\n"
              "or (guardrail:inside{$S} and guardrail:enough{$S} and guardrail:coverage{$S} >= 0.9",
              NULL);
    if (lower_any(lo, lower_checks_share, lo->m))
        lower_put(lo, " unless guardrail:share:wrong{$S}", NULL);
    if (has_phase_end(lo))
        lower_put(lo, " unless on ($P) guardrail:overdue{$S}", NULL);
    lower_put(lo,
              ") * 0 + 0\n"
              "or (guardrail:expected{$S} unless $Yguardrail:coverage{$S})\n"
              "or guardrail:coverage{$S} * 0 + 1",
              NULL);
    lower_record(lo, "guardrail:verdict");
}

static void
reason(struct lower *lo, const char *name, const char *vector)
{
    lower_branch(lo, "label_replace($1, \"reason\", \"$2\", \"\", \"\")", vector, name, NULL);
}

/* Slots of this evaluation. sums, values: which guardrails record parts and which values, or NULL; cohort: a template, "=$C". */
static void
put_slots(struct lower *lo, const char *sums, const char *values, const char *cohort)
{
    if (sums) {
        lower_put(lo, "guardrail:slot:sum{$S$1,part=~\"total|bucket\"$2,cohort", sums,
                  lower_any(lo, is_histogram, NULL) ? ",le=~\"|\\\\+Inf\"" : "", NULL);
        lower_put(lo, cohort, NULL);
        lower_put(lo, values ? "} or " : "}", NULL);
    }
    if (values) {
        lower_put(lo, "guardrail:slot:value{$S$1,cohort", values, NULL);
        lower_put(lo, cohort, NULL);
        lower_put(lo, "}", NULL);
    }
}

static bool
is_compared_sum(const struct guardrail *g, const void *arg)
{
    return is_sum(g, arg) && is_compared(g, arg);
}

static bool
is_compared_value(const struct guardrail *g, const void *arg)
{
    return is_value(g, arg) && is_compared(g, arg);
}

/* missing: an expected slice recorded no slot in this very evaluation. */
static void
missing(struct lower *lo)
{
    size_t from = lo->expr.n;

    lower_put(lo, "guardrail:expected{$S} unless ignoring (cohort, part, le$Z) (", NULL);
    put_slots(lo, lower_any(lo, is_sum, NULL) ? "" : NULL, lower_any(lo, is_value, NULL) ? "" : NULL, "=~$T");
    lower_put(lo, ")", NULL);
    reason(lo, "missing", lower_cut(lo, from));
}

/* no_control: the canary recorded a slot in this evaluation and control none, or control's window holds nothing to divide by. Control that
 * is back after a gap is there: what is missing of its window makes the verdict thin. */
static void
no_control(struct lower *lo)
{
    const char *which = lower_which(lo, is_compared, NULL);
    const char *sums = lower_which(lo, is_compared_sum, NULL);
    const char *values = lower_which(lo, is_compared_value, NULL);
    size_t from = lo->expr.n;

    if (!which)
        return;
    lower_put(lo, "group without (cohort, part, le) ((", NULL); /* not max() * 0 + 1: a slot may be NaN */
    put_slots(lo, sums, values, "=$C");
    lower_put(lo, ") unless ignoring (cohort) (", NULL);
    put_slots(lo, sums, values, "=$K");
    lower_put(lo,
              "))\n  or group without (cohort) (guardrail:window:value{$S$1,cohort=$C}) unless "
              "guardrail:effect{$S}",
              which, NULL);
    reason(lo, "no_control", lower_cut(lo, from));
}

static void
insufficient(struct lower *lo)
{
    lower_branches(lo, "\nor ignoring (reason) ");
    missing(lo);
    no_control(lo);
    if (lower_any(lo, lower_checks_share, lo->m))
        reason(lo, "traffic_share", lower_text(lo, "guardrail:share:wrong{$S} * 0 + 1"));
    if (has_phase_end(lo))
        reason(lo, "overdue", lower_text(lo, "guardrail:verdict{$S} == 1 and on ($P) guardrail:overdue{$S}"));
    reason(
        lo, "suspect",
        lower_text(
            lo, "max without (level, side) (guardrail:breach{$S}) * 0 + 1 and guardrail:verdict{$S} == 1"));
    reason(lo, "thin", lower_text(lo, "guardrail:verdict{$S} == 1"));
    lower_record(lo, "guardrail:insufficient");
}

void
lower_verdict(struct lower *lo)
{
    proved(lo);
    supported(lo);
    verdict(lo);
    insufficient(lo);
}
