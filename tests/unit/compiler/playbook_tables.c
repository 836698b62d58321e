/* playbook_tables.c - the tables of the playbook, row by row and both ways. */
#include "config.h"
#include "playbook.h"

#include <ctype.h>

#define CELLS 5
#define ROWS_MAX 64
#define NAME_MAX_BYTES 100

struct row {
    struct gr_str cell[CELLS];
    size_t n;
};

/* ---- reading tables ---- */

static bool
read_row(struct gr_str line, struct row *r)
{
    struct gr_str cell;

    line = gr_str_trim(line);
    if (!gr_str_starts(line, GR_STR("|")) || !gr_str_ends(line, GR_STR("|")))
        return false;
    line = gr_str_sub(line, 1, line.n - 1);
    for (r->n = 0; r->n < CELLS && gr_str_next(&line, '|', &cell); r->n++)
        r->cell[r->n] = gr_str_trim(cell);
    return true;
}

/* The rows of all tables whose first two columns have these titles. */
static size_t
read_tables(const struct audit *a, const char *first, const char *second, struct row rows[ROWS_MAX])
{
    struct gr_str rest = a->page, line;
    bool inside = false;
    size_t n = 0;

    while (gr_str_next(&rest, '\n', &line)) {
        struct row r;

        if (!read_row(line, &r)) {
            inside = false;
        } else if (gr_str_is(r.cell[0], first) && gr_str_is(r.cell[1], second)) {
            inside = true;
        } else if (inside && !gr_str_starts(r.cell[0], GR_STR("--")) && n < ROWS_MAX) {
            rows[n++] = r;
        }
    }
    return n;
}

/* "Risk engine latency (p95)" is risk_engine_latency_p95. */
static struct gr_str
slug(struct gr_str title, char out[NAME_MAX_BYTES])
{
    size_t n = 0;

    for (size_t i = 0; i < title.n && n < NAME_MAX_BYTES; i++) {
        unsigned char c = (unsigned char)title.p[i];

        if (isalnum(c))
            out[n++] = (char)tolower(c);
        else if (n > 0 && out[n - 1] != '_' && c != ')')
            out[n++] = '_';
    }
    return (struct gr_str){out, n};
}

/* Equal as far as `name` goes, whatever stands between the letters: "Pre-flight validation" and preflight. */
static bool
same_title(struct gr_str title, struct gr_str name)
{
    size_t i = 0;

    for (size_t j = 0; j < name.n; j++) {
        if (name.p[j] == '_')
            continue;
        while (i < title.n && !isalnum((unsigned char)title.p[i]))
            i++;
        if (i >= title.n || tolower((unsigned char)title.p[i++]) != name.p[j])
            return false;
    }
    return true;
}

/* ---- phases ---- */

static void
audit_share(struct audit *a, const struct phase *p, struct gr_str flow, struct gr_dec percent)
{
    struct gr_dec ratio;
    bool found = false;

    for (size_t i = 0; i < p->n_traffic; i++) {
        if (flow.n > 0 && !same_title(flow, p->traffic[i].flow))
            continue;
        found = true;
        if (gr_dec_mul(percent, GR_DEC(1, -2), &ratio) != GR_OK ||
            gr_dec_cmp(ratio, p->traffic[i].ratio) != 0)
            complain(a, "phase " GR_FMT ": the share of " GR_FMT " is " GR_FMT, GR_ARG(p->name),
                     GR_ARG(p->traffic[i].flow), GR_ARG(p->traffic[i].text));
    }
    if (!found)
        complain(a, "phase " GR_FMT ": no share for \"" GR_FMT "\"", GR_ARG(p->name), GR_ARG(flow));
}

/* "0% (shadow only)", "1% of market-making orders, 0.5% of agency flow", "100%" */
static void
audit_traffic(struct audit *a, const struct phase *p, struct gr_str text)
{
    struct gr_str piece;
    size_t named = 0;

    if (p->shadow != (gr_str_find(text, GR_STR("shadow"), 0) != SIZE_MAX))
        complain(a, "phase " GR_FMT ": shadow", GR_ARG(p->name));
    while (!p->shadow && gr_str_next(&text, ',', &piece)) {
        struct gr_dec percent;

        piece = gr_str_trim(piece);
        if (!take_number(&piece, &percent) || !gr_str_starts(piece, GR_STR("%"))) {
            complain(a, "phase " GR_FMT ": \"" GR_FMT "\" is no share", GR_ARG(p->name), GR_ARG(piece));
            continue;
        }
        piece = gr_str_sub(piece, 1, piece.n);
        if (gr_str_starts(piece, GR_STR(" of ")))
            piece = gr_str_sub(piece, 4, piece.n);
        named += piece.n > 0 ? 1 : p->n_traffic;
        audit_share(a, p, piece, percent);
    }
    if (named != p->n_traffic)
        complain(a, "phase " GR_FMT ": %zu shares, not %zu", GR_ARG(p->name), p->n_traffic, named);
}

static void
audit_duration(struct audit *a, const struct phase *p, struct gr_str text)
{
    int64_t ms = 0;

    if (p->final != gr_str_is(text, "Until next release"))
        complain(a, "phase " GR_FMT ": final", GR_ARG(p->name));
    if (!p->final && (!take_time(text, &ms) || !gr_str_ends(text, GR_STR(" minimum")) || ms != p->min_ms))
        complain(a, "phase " GR_FMT ": lasts %lld ms, not \"" GR_FMT "\"", GR_ARG(p->name),
                 (long long)p->min_ms, GR_ARG(text));
}

static void
audit_phases(struct audit *a)
{
    struct row rows[ROWS_MAX];
    size_t n = read_tables(a, "Phase", "Traffic Share", rows);

    if (n == 0 || n != a->m->n_phases)
        complain(a, "%zu phases, not %zu", a->m->n_phases, n);
    for (size_t i = 0; i < n && i < a->m->n_phases; i++) {
        const struct phase *p = &a->m->phases[i];

        if (!same_title(rows[i].cell[0], p->name))
            complain(a, "phase " GR_FMT " stands where \"" GR_FMT "\" should", GR_ARG(p->name),
                     GR_ARG(rows[i].cell[0]));
        audit_traffic(a, p, rows[i].cell[1]);
        audit_duration(a, p, rows[i].cell[2]);
    }
}

/* ---- thresholds ---- */

/* What a cell says: "+25% over control", "-5%", "80%", "±5 bps". */
struct threshold {
    enum gr_sign sign;
    struct gr_dec value; /* without its sign */
    const char *unit;    /* percent or bps */
};

static bool
read_threshold(struct gr_str text, struct threshold *t)
{
    static const struct {
        struct gr_str text;
        enum gr_sign sign;
    } signs[] = {{GR_STR_INIT("±"), GR_SIGN_BOTH},
                 {GR_STR_INIT("+"), GR_SIGN_PLUS},
                 {GR_STR_INIT("-"), GR_SIGN_MINUS}};

    t->sign = GR_SIGN_NONE;
    for (size_t i = 0; i < GR_COUNT(signs); i++)
        if (gr_str_starts(text, signs[i].text)) {
            t->sign = signs[i].sign;
            text = gr_str_sub(text, signs[i].text.n, text.n);
            break;
        }
    if (!take_number(&text, &t->value))
        return false;
    t->unit = gr_str_is(text, "%") || gr_str_is(text, "% over control") ? "percent"
              : gr_str_is(text, " bps")                                 ? "bps"
                                                                        : NULL;
    return t->unit != NULL;
}

/* A value in a unit of the page, in the metric's unit. */
static struct gr_dec
in_metric_unit(const struct guardrail *g, const struct threshold *t)
{
    struct gr_dec v = {0, 0};

    if (gr_unit_convert(t->value, gr_unit_by_name(gr_str(t->unit)), g->metric.unit, &v) != GR_OK)
        return GR_DEC(0, 0);
    return v;
}

static void
audit_bound(struct audit *a, const struct guardrail *g, enum level level, enum side side,
            struct gr_dec literal)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++) {
        const struct bound *b = &g->limit.bounds[i];

        if (b->level == level && b->side == side && !b->inclusive && gr_dec_cmp(b->literal, literal) == 0)
            return;
    }
    complain(a, GR_FMT ": no %s %s limit of %g", GR_ARG(g->name), level_name(level), side_name(side),
             gr_dec_double(literal));
}

static size_t
bounds_at(const struct guardrail *g, enum level level)
{
    size_t n = 0;

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        n += g->limit.bounds[i].level == level && g->limit.bounds[i].side != SIDE_BACKSTOP;
    return n;
}

/* A signed percentage is a change against control, 1 ± v; ± a band around zero; a plain value a level, whose
 * bad side the order of soft and hard shows. */
static void
audit_level(struct audit *a, const struct guardrail *g, enum level level, const struct threshold *t,
            bool falling)
{
    bool control = t->sign == GR_SIGN_PLUS || t->sign == GR_SIGN_MINUS;
    struct gr_dec v = in_metric_unit(g, t), change = {0, 0}, literal = {0, 0};

    if (control && gr_dec_mul(t->value, GR_DEC(1, -2), &change) == GR_OK &&
        gr_dec_add(GR_DEC(1, 0), t->sign == GR_SIGN_MINUS ? gr_dec_neg(change) : change, &literal) == GR_OK) {
        audit_bound(a, g, level, t->sign == GR_SIGN_MINUS ? SIDE_LOWER : SIDE_UPPER, literal);
    } else if (t->sign == GR_SIGN_BOTH) {
        audit_bound(a, g, level, SIDE_UPPER, v);
        audit_bound(a, g, level, SIDE_LOWER, gr_dec_neg(v));
    } else {
        audit_bound(a, g, level, falling ? SIDE_LOWER : SIDE_UPPER, v);
    }
    if (g->limit.against != (control ? AGAINST_CONTROL_RELATIVE : AGAINST_FIXED))
        complain(a, GR_FMT ": compared otherwise", GR_ARG(g->name));
    if (bounds_at(g, level) != (t->sign == GR_SIGN_BOTH ? 2 : 1))
        complain(a, GR_FMT ": %zu %s limits", GR_ARG(g->name), bounds_at(g, level), level_name(level));
}

static void
audit_thresholds(struct audit *a, const struct guardrail *g, const struct row *r)
{
    struct threshold soft, hard;

    if (!read_threshold(r->cell[2], &soft) || !read_threshold(r->cell[3], &hard)) {
        complain(a, GR_FMT ": a threshold of \"" GR_FMT "\" or \"" GR_FMT "\" cannot be read",
                 GR_ARG(g->name), GR_ARG(r->cell[2]), GR_ARG(r->cell[3]));
        return;
    }
    audit_level(a, g, LEVEL_SOFT, &soft, gr_dec_cmp(soft.value, hard.value) > 0);
    audit_level(a, g, LEVEL_HARD, &hard, gr_dec_cmp(soft.value, hard.value) > 0);
    if (!does_kind(a, g, LEVEL_HARD, ACTION_ROLLBACK))
        complain(a, GR_FMT ": a hard breach does not roll back", GR_ARG(g->name));
    if (!does(g, LEVEL_SOFT, "extend"))
        complain(a, GR_FMT ": a soft breach does not extend the phase", GR_ARG(g->name));
}

/* ---- notes ---- */

static bool
within_venue(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    for (size_t i = 0; i < g->compare_within.n; i++)
        if (gr_str_is(g->compare_within.v[i], "venue"))
            return true;
    return false;
}

static bool
against_control(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return g->limit.against == AGAINST_CONTROL_RELATIVE;
}

static bool
tightest_by_venue(const struct audit *a, const struct guardrail *g)
{
    return within_venue(a, g) && g->limit.n_overrides > 0 &&
           gr_str_is(g->limit.overrides[0].where.v[0].key, "venue");
}

static bool
by_symbol_bucket(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return g->dynamic.n == 1 && gr_str_is(g->dynamic.v[0], "symbol_bucket");
}

static bool
rolls_back(const struct audit *a, const struct guardrail *g)
{
    return does_kind(a, g, LEVEL_HARD, ACTION_ROLLBACK) != NULL;
}

static bool
is_difference(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return g->metric.is_signed;
}

static bool
adjusts_for_beta(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return g->metric.kind == METRIC_PROMQL && g->metric.common.n == 2 && g->metric.is_signed;
}

static bool
only_market_making(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return g->only.n == 1 && gr_str_is(g->only.v[0].key, "flow") &&
           gr_str_is(g->only.v[0].value, "market_making");
}

static bool
weighted_by_tier(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return gr_str_is(g->metric.weight_label, "client_tier") && g->metric.n_weights > 1;
}

static bool
in_ms(const struct audit *a, const struct guardrail *g)
{
    (void)a;
    return gr_str_is(gr_str(g->metric.unit->name), "ms");
}

/* Every note of the page must be understood by a row here. */
static const struct {
    const char *note;
    bool (*holds)(const struct audit *a, const struct guardrail *g);
} notes[] = {
    {"Compare to matched baseline traffic.", against_control},
    {"Latency measured pre-trade.", in_ms},
    {"Venue-specific; apply tightest venue limit.", tightest_by_venue},
    {"Monitored per symbol bucket.", by_symbol_bucket},
    {"Hard breach fires auto rollback.", rolls_back},
    {"Compute vs. control bucket normalized for exposure.", is_difference},
    {"Adjust for market beta using hedging desk factor model.", adjusts_for_beta},
    {"Applies to market making strategies only.", only_market_making},
    {"Weighted by client priority tier.", weighted_by_tier},
};

static void
audit_note(struct audit *a, const struct guardrail *g, struct gr_str note)
{
    for (size_t i = 0; i < GR_COUNT(notes); i++)
        if (gr_str_is(note, notes[i].note)) {
            if (!notes[i].holds(a, g))
                complain(a, GR_FMT ": \"" GR_FMT "\" does not hold", GR_ARG(g->name), GR_ARG(note));
            return;
        }
    complain(a, GR_FMT ": nobody understands \"" GR_FMT "\"", GR_ARG(g->name), GR_ARG(note));
}

/* "p95" and the like at the end of a title. */
static void
audit_quantile(struct audit *a, const struct guardrail *g, struct gr_str title)
{
    size_t at = gr_str_find(title, GR_STR("(p"), 0);
    struct gr_str rest = gr_str_sub(title, at == SIZE_MAX ? title.n : at + 2, title.n);
    struct gr_dec percent;

    if (at == SIZE_MAX || g->metric.kind != METRIC_HISTOGRAM)
        return;
    if (!take_number(&rest, &percent) || gr_dec_mul(percent, GR_DEC(1, -2), &percent) != GR_OK ||
        gr_dec_cmp(percent, g->metric.quantile) != 0)
        complain(a, GR_FMT ": another quantile", GR_ARG(g->name));
}

static void
audit_row(struct audit *a, const struct row *r, bool *seen)
{
    char name[NAME_MAX_BYTES];
    struct gr_str want = slug(r->cell[0], name), rest = r->cell[1], source = GR_STR_NONE;

    (void)next_code(&rest, &source);
    for (size_t i = 0; i < a->m->n_guardrails; i++) {
        const struct guardrail *g = &a->m->guardrails[i];

        if (!gr_str_eq(g->name, want))
            continue;
        seen[i] = true;
        if (!gr_str_eq(g->source, source))
            complain(a, GR_FMT ": its source is not " GR_FMT, GR_ARG(g->name), GR_ARG(source));
        audit_thresholds(a, g, r);
        audit_quantile(a, g, r->cell[0]);
        audit_note(a, g, r->cell[4]);
        return;
    }
    complain(a, "the page's " GR_FMT " is no guardrail", GR_ARG(want));
}

void
audit_tables(struct audit *a)
{
    bool seen[ROWS_MAX] = {false};
    struct row rows[ROWS_MAX];
    size_t n = read_tables(a, "Metric", "Baseline Source", rows);

    audit_phases(a);
    if (n == 0 || a->m->n_guardrails > ROWS_MAX)
        complain(a, "no thresholds");
    for (size_t i = 0; i < n && a->m->n_guardrails <= ROWS_MAX; i++)
        audit_row(a, &rows[i], seen);
    /* The data quality controls stand in a list; audit_prose() has those. */
    for (size_t i = 0; i < a->m->n_guardrails && i < ROWS_MAX; i++)
        if (!seen[i] && !gr_str_is(a->m->guardrails[i].group, "data_quality"))
            complain(a, "the guardrail " GR_FMT " is not in the page", GR_ARG(a->m->guardrails[i].name));
}
