/* power_text.c - the report of power for people: a table for each phase, then what it means.
 *
 *     canary_phase_1: 20m, 10 slots; market_making 1%, agency 0.5%
 *     guardrail                    limit  worst slice         canary  healthy  1.4x  2x   4x   late  4x in  2x limit  sees
 *     order_acceptance_error_rate  +40%   CME/agency              60    0.05%  1%    12%  97%  60%   8m     5%        +180%  */
#include "config.h"
#include "power_parts.h"

#include <math.h>

#include "explain.h"
#include "guardrail/duration.h"
#include "lower.h"

enum {
    COLUMN_NAME,
    COLUMN_LIMIT,
    COLUMN_SLICE,
    COLUMN_CANARY,
    COLUMN_HEALTHY,
    COLUMN_FACTORS,
    COLUMN_LATE = COLUMN_FACTORS + POWER_FACTORS,
    COLUMN_IN,
    COLUMN_TWICE,
    COLUMN_SEES,
    COLUMNS
};
static const char *const titles[COLUMNS] = {"guardrail", "limit", "worst slice", "per slot",
                                            "healthy",   "1.4x",  "2x",          "4x",
                                            "late",      "4x in", "2x limit",    "sees from"};

/* -- small texts ------------------------------------------------------------------------------------------------------------------- */

static size_t
display_width(struct gr_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0u) != 0x80u;
    return n;
}

static void
put_percent(double p, struct gr_buf *b)
{
    if (p <= 0)
        gr_buf_puts(b, "0%");
    else if (p < 0.01)
        gr_buf_puts(b, "<1%");
    else if (p > 0.99 && p < 1)
        gr_buf_puts(b, ">99%");
    else
        gr_buf_printf(b, "%.0f%%", 100 * p);
}

/* A small probability: two digits that count. */
static void
put_small(double p, struct gr_buf *b)
{
    gr_buf_printf(b, p <= 0 ? "0%%" : p < 0.0995 ? "%.2g%%" : "%.0f%%", 100 * p);
}

static void
put_count(double n, struct gr_buf *b)
{
    gr_buf_printf(b, n < 10 ? "%.2g" : "%.0f", n);
}

void
power_effect(const struct power_row *r, double k, struct gr_buf *b)
{
    double l = gr_dec_double(r->bound->literal);
    const struct gr_unit *u = r->g->metric.unit, *show = r->g->metric.show ? r->g->metric.show : u;

    if (r->g->limit.against == AGAINST_CONTROL_RELATIVE && k * (l - 1) > 3)
        gr_buf_printf(b, k * (l - 1) < 9 ? "%.1fx" : "%.0fx", 1 + k * (l - 1));
    else if (r->g->limit.against == AGAINST_CONTROL_RELATIVE)
        gr_buf_printf(b, "%+.3g%%", 100 * k * (l - 1));
    else if (u->dim == GR_DIM_RATIO && strcmp(show->name, "ratio") == 0)
        gr_buf_printf(b, "%+.3gpp", 100 * k * l);
    else
        gr_buf_printf(b, "%+.3g%s", k * l * gr_dec_double(u->scale) / gr_dec_double(show->scale),
                      show->label[0] == ' ' ? show->label + 1 : show->label);
}

static void
put_values(const struct pairs *p, const char *between, struct gr_buf *b)
{
    for (size_t i = p->n; i-- > 0;)
        gr_buf_printf(b, GR_FMT "%s", GR_ARG(p->v[i].value), i > 0 ? between : "");
}

void
power_slice(const struct power *p, const struct power_row *r, struct gr_buf *b)
{
    const struct pairs *release = &p->m->streams[r->slice->stream].release;

    if (r->slice->labels.n > 0)
        put_values(&r->slice->labels, "/", b);
    else
        put_values(release, "/", b);
}

static int64_t
slots_ms(const struct power *p, uint32_t slots)
{
    return (int64_t)slots * p->m->sampling_ms;
}

/* -- the table --------------------------------------------------------------------------------------------------------------------- */

static void
put_cell(const struct power *p, const struct power_row *r, unsigned column, struct gr_buf *b)
{
    switch (column) {
    case COLUMN_NAME:
        gr_buf_put(b, r->g->name);
        break;
    case COLUMN_LIMIT:
        gr_buf_put(b, r->bound->text);
        break;
    case COLUMN_SLICE:
        power_slice(p, r, b);
        break;
    case COLUMN_CANARY:
        if (plan_counts(r->g))
            put_count(r->canary_total, b);
        break;
    case COLUMN_HEALTHY:
        put_small((double)r->false_min / p->rollouts, b);
        break;
    case COLUMN_LATE:
        if (!r->inside[POWER_FACTORS - 1])
            put_percent(r->late, b);
        break;
    case COLUMN_IN:
        if (r->median_slots > 0)
            gr_duration_print(b, slots_ms(p, r->median_slots));
        break;
    case COLUMN_TWICE:
        put_percent(r->twice, b);
        break;
    case COLUMN_SEES:
        if (r->sees > 0)
            power_effect(r, r->sees, b);
        else
            gr_buf_puts(b, "nothing");
        break;
    default:
        if (!r->inside[column - COLUMN_FACTORS])
            put_percent(r->detect[column - COLUMN_FACTORS], b);
        break;
    }
}

struct widths {
    size_t of[COLUMNS];
};

static void
cell(const struct power *p, const struct power_row *r, unsigned column, struct gr_buf *b)
{
    gr_buf_reset(b);
    if (r)
        put_cell(p, r, column, b);
    else
        gr_buf_puts(b, titles[column]);
    if (b->n == 0)
        gr_buf_putc(b, '-');
}

static void
measure(const struct power *p, struct widths *w)
{
    struct gr_buf b = GR_BUF_INIT(65536);

    for (unsigned c = 0; c < COLUMNS; c++)
        w->of[c] = strlen(titles[c]);
    for (size_t i = 0; i < p->n; i++)
        for (unsigned c = 0; c < COLUMNS; c++) {
            size_t n;

            cell(p, &p->rows[i], c, &b);
            n = display_width(gr_buf_str(&b));
            w->of[c] = n > w->of[c] && n <= 40 ? n : w->of[c];
        }
    gr_buf_fini(&b);
}

static void
put_row(const struct power *p, const struct widths *w, const struct power_row *r, struct gr_buf *out)
{
    struct gr_buf b = GR_BUF_INIT(65536);

    for (unsigned c = 0; c < COLUMNS; c++) {
        bool right = c >= COLUMN_CANARY;
        size_t n;

        cell(p, r, c, &b);
        n = display_width(gr_buf_str(&b));
        for (size_t i = n; right && i < w->of[c]; i++)
            gr_buf_putc(out, ' ');
        gr_buf_put(out, gr_buf_str(&b));
        for (size_t i = n; !right && i < w->of[c]; i++)
            gr_buf_putc(out, ' ');
        gr_buf_puts(out, c + 1 == COLUMNS ? "\n" : c <= COLUMN_SLICE ? "  " : " ");
    }
    gr_buf_fini(&b);
}

static void
put_phase_head(const struct power *p, const struct phase *phase, uint32_t slots, struct gr_buf *b)
{
    gr_buf_printf(b, GR_FMT ": ", GR_ARG(phase->name));
    gr_duration_print(b, phase->min_ms);
    gr_buf_printf(b, ", %u slot%s; canary ", slots, slots == 1 ? "" : "s");
    for (size_t i = 0; i < phase->n_traffic; i++) {
        const struct share *s = &phase->traffic[i];

        gr_buf_printf(b, "%s" GR_FMT "%s" GR_FMT, i > 0 ? ", " : "", GR_ARG(s->flow),
                      s->flow.n > 0 ? " " : "", GR_ARG(s->text));
    }
    gr_buf_puts(b, "\n");
    (void)p;
}

static void
put_tables(const struct power *p, struct gr_buf *b)
{
    const struct phase *phase = NULL;
    struct widths w;

    measure(p, &w);
    for (size_t i = 0; i < p->n; i++) {
        const struct power_row *r = &p->rows[i];

        if (r->phase != phase) {
            gr_buf_puts(b, phase ? "\n" : "");
            put_phase_head(p, r->phase, r->slots, b);
            put_row(p, &w, NULL, b);
        }
        phase = r->phase;
        put_row(p, &w, r, b);
    }
    gr_buf_puts(b, "\nper slot: the canary's observations. healthy: rolled back without a reason, all slices "
                   "together, phases at "
                   "their\nminimum. 1.4x 2x 4x: so many times the bad events, latency or level from the "
                   "phase's start, caught "
                   "before its minimum\nends (-: inside the limit); late: from the middle on; 4x in: by then "
                   "half of them are. 2x "
                   "limit: a difference of twice\nthe limit. sees from: the least difference from the start "
                   "that is caught in 95% "
                   "of phases.\n");
}

/* -- what it means ----------------------------------------------------------------------------------------------------------------- */

static void
put_share_of(const struct power *p, uint64_t k, struct gr_buf *b)
{
    put_small((double)k / p->rollouts, b);
    gr_buf_puts(b, " (at most ");
    put_small(sim_upper(k, p->rollouts), b);
    gr_buf_puts(b, ")");
}

/* Who spends most of the budget. */
static void
put_spender(const struct power *p, struct gr_buf *b)
{
    const struct power_row *most = &p->rows[0];

    for (size_t i = 1; i < p->n; i++)
        if (p->rows[i].false_max > most->false_max)
            most = &p->rows[i];
    if (most->false_max == 0)
        return;
    gr_buf_printf(b, "  most of it by " GR_FMT " in " GR_FMT ": ", GR_ARG(most->g->name),
                  GR_ARG(most->phase->name));
    put_small((double)most->false_max / p->rollouts, b);
    gr_buf_puts(b, most->point ? "; its evidence is `point`, so chance alone breaks its limit\n" : "\n");
}

static void
put_healthy(const struct power *p, double cap, struct gr_buf *b)
{
    double limit = power_cap(p, cap);

    gr_buf_printf(
        b, "\nHealthy releases, whole specification: %llu test%s, %u simulated rollouts%s\n  rolled back in ",
        (unsigned long long)p->tests, p->tests == 1 ? "" : "s", p->rollouts,
        p->lowered ? " (fewer, to save time: see --rollouts)" : "");
    put_share_of(p, p->false_min, b);
    gr_buf_puts(b, " with phases at their minimum, ");
    put_share_of(p, p->false_max, b);
    gr_buf_puts(b, " if each runs to its maximum\n");
    if (isnan(limit)) {
        gr_buf_puts(
            b, "  there is no false_rollback_budget: this is what the limits buy, taken by their letter\n");
        put_spender(p, b);
        return;
    }
    gr_buf_puts(b, isnan(cap) ? "  false_rollback_budget: " : "  --max-false-rollback: ");
    put_small(limit, b);
    gr_buf_puts(b, sim_upper(p->false_max, p->rollouts) > limit
                       ? (double)p->false_max / p->rollouts > limit
                             ? ": OVER BUDGET\n"
                             : ": not shown to be kept; more --rollouts may show it\n"
                       : ": kept\n");
    if (sim_upper(p->false_max, p->rollouts) > limit)
        put_spender(p, b);
}

static void
put_caught(const struct power *p, struct gr_buf *b)
{
    const struct guardrail *least[2] = {NULL, NULL};
    const struct phase *first, *last;
    double lowest[2] = {2, 2};

    for (size_t i = 0; i < p->m->n_guardrails; i++) {
        const struct guardrail *g = &p->m->guardrails[i];

        for (int k = 0; power_compares(g) && k < 2; k++) {
            double c = power_caught(p, g, POWER_FACTORS - 1, k == 0);

            if (!(c < lowest[k]))
                continue;
            lowest[k] = c;
            least[k] = g;
        }
    }
    if (!least[0] || p->n == 0)
        return;
    first = p->rows[0].phase;
    last = p->rows[p->n - 1].phase;
    gr_buf_printf(
        b,
        "\nA release that makes one guardrail 4 times worse, in its worst slice\n  is caught in " GR_FMT
        " in ",
        GR_ARG(first->name));
    put_percent(lowest[0], b);
    gr_buf_printf(b, " of cases at the least (" GR_FMT ")", GR_ARG(least[0]->name));
    if (last != first) {
        gr_buf_printf(b, ",\n  by the end of " GR_FMT " in ", GR_ARG(last->name));
        put_percent(lowest[1], b);
        gr_buf_printf(b, " at the least (" GR_FMT ")", GR_ARG(least[1]->name));
    }
    gr_buf_puts(b, "\n");
}

/* What would help. */
static void
put_needs(const struct power *p, const struct power_row *r, struct gr_buf *b)
{
    if (r->share > 0 || r->longer > 0)
        gr_buf_puts(b, "needs ");
    if (r->share > 0)
        gr_buf_printf(b, "%.2g%% of the traffic instead of %.2g%%", 100 * r->share, 100 * r->share_now);
    if (r->longer > 0) {
        gr_buf_puts(b, r->share > 0 ? " or a phase of " : "a phase of ");
        gr_duration_print(b, slots_ms(p, r->longer));
    }
    if (r->share > 0 || r->longer > 0)
        return;
    gr_buf_puts(b, plan_counts(r->g) ? "half of the traffic does not help, nor does a phase " : "no phase ");
    gr_buf_printf(b, "%u times as long%s", POWER_LONGER_MAX, plan_counts(r->g) ? "" : " helps");
}

static void
put_why(const struct power *p, const struct power_row *r, struct gr_buf *b)
{
    switch (r->blind) {
    case POWER_NO_TRAFFIC:
        gr_buf_puts(
            b, "; by the rates no traffic comes, so nothing can be compared\n    needs traffic, or `thin: "
               "allow` if it is to pass without proof");
        return;
    case POWER_NO_VALUE:
        gr_buf_puts(b, "; the limit is in points: state the quantile's usual `value` in the rates file");
        return;
    case POWER_TOO_FEW_TOTAL:
        gr_buf_puts(b, "; the phase ends after ");
        put_count(r->canary_total * r->slots, b);
        gr_buf_printf(b, " observations, min_total is %u", r->g->evidence.min_total);
        break;
    case POWER_TOO_FEW_BAD:
        gr_buf_puts(b, "; healthy, it has ");
        put_count(r->bad * r->slots, b);
        gr_buf_printf(b, " bad events in the phase, min_events is %u", r->g->evidence.min_events);
        break;
    case POWER_IMPOSSIBLE:
        gr_buf_puts(b, "; no regression whatever is proved in time: the budget asks for too much here");
        break;
    case POWER_THIN:
    case POWER_SEES:
    default:
        break;
    }
    gr_buf_puts(b, "\n    ");
    put_needs(p, r, b);
}

static void
put_blind_row(const struct power *p, const struct power_row *r, struct gr_buf *b)
{
    gr_buf_printf(b, "  " GR_FMT " (", GR_ARG(r->g->name));
    power_slice(p, r, b);
    gr_buf_puts(b, "): ");
    power_effect(r, 2, b);
    gr_buf_puts(b, " is caught in ");
    put_percent(r->twice, b);
    put_why(p, r, b);
    gr_buf_puts(b, "\n");
}

static void
put_blind(const struct power *p, struct gr_buf *b)
{
    const struct phase *phase = NULL;

    for (size_t i = 0; i < p->n; i++) {
        const struct power_row *r = &p->rows[i];

        if (r->blind == POWER_SEES)
            continue;
        if (r->phase != phase)
            gr_buf_printf(b, "\n" GR_FMT " cannot see twice the limit (caught in less than 95%%) of\n",
                          GR_ARG(r->phase->name));
        phase = r->phase;
        put_blind_row(p, r, b);
    }
}

/* A slice of it is blind in every phase that has it. */
static void
put_never(const struct power *p, struct gr_buf *b)
{
    size_t n = 0;

    for (size_t i = 0; i < p->m->n_guardrails; i++) {
        const struct guardrail *g = &p->m->guardrails[i];
        bool sees = false, any = false;

        for (size_t k = 0; k < p->n; k++) {
            any = any || p->rows[k].g == g;
            sees = sees || (p->rows[k].g == g && p->rows[k].blind == POWER_SEES);
        }
        if (!any || sees)
            continue;
        gr_buf_printf(b, "%s" GR_FMT, n++ > 0 ? ", " : "\nNot in any phase: ", GR_ARG(g->name));
    }
    gr_buf_puts(b, n > 0 ? "\n" : "");
}

/* -- fixed limits, assumptions ------------------------------------------------------------------------------------------------------ */

static void
put_fixed(const struct power *p, struct gr_buf *b)
{
    bool any = false;

    for (size_t i = 0; i < p->m->n_guardrails; i++) {
        const struct guardrail *g = &p->m->guardrails[i];
        struct reaction r = reaction_worst(p->m, g, LEVEL_HARD, NULL, NULL);

        if (g->limit.against != AGAINST_FIXED || r.total_ms == 0)
            continue;
        if (!any)
            gr_buf_puts(b, "\nFixed limits are policies, not tests: whatever lies beyond them counts, and no "
                           "budget covers them\n");
        any = true;
        gr_buf_printf(b, "  " GR_FMT " (", GR_ARG(g->name));
        explain_bounds(g, LEVEL_HARD, b);
        gr_buf_printf(b, "): %u of %u slot%s, ", g->evidence.hard_k, g->evidence.hard_n,
                      g->evidence.hard_n == 1 ? "" : "s");
        if (g->evidence.hard_n == 1 && r.window_slots > 1) {
            gr_buf_puts(b, "averaged over ");
            gr_duration_print(b, (int64_t)r.window_slots * p->m->sampling_ms);
            gr_buf_puts(b, ", ");
        }
        gr_buf_puts(b, "first step within ");
        explain_time(r.total_ms, b);
        gr_buf_puts(b, "\n");
    }
}

static const struct assumption {
    enum rates_fact fact;
    const char *text;
} assumptions[] = {
    {RATES_FACT_TRAFFIC, "traffic: 100 requests a second in each stream, slice and flow"},
    {RATES_FACT_CONTROL, "control: 100%, all that the canary does not get"},
    {RATES_FACT_BAD, "bad: 1% of observations"},
    {RATES_FACT_DISPERSION, "dispersion: 2, a slot's bad events vary twice as much as independent ones"},
    {RATES_FACT_SPREAD, "spread: 0.5, log standard deviation of what histograms hold"},
    {RATES_FACT_NOISE, "noise: 5% of control from slot to slot (limits in points: a fifth of the limit)"},
    {RATES_FACT_AUTOCORRELATION, "autocorrelation: 0.3 of that noise"},
    {RATES_FACT_MIX, "mix: observations spread evenly over the values with weights"},
};

static void
put_assumed(const struct power *p, struct gr_buf *b)
{
    bool any = false;

    for (size_t i = 0; i < GR_COUNT(assumptions); i++) {
        if (!(p->assumed & 1u << assumptions[i].fact))
            continue;
        gr_buf_puts(b, any ? ""
                           : "\nAssumed where the rates file says nothing (guardrailc power SPEC "
                             "--write-rates begins one)\n");
        gr_buf_printf(b, "  %s\n", assumptions[i].text);
        any = true;
    }
}

void
power_text(const struct power *p, double cap, struct gr_buf *b)
{
    if (p->n == 0) {
        gr_buf_puts(b,
                    "No hard limit is compared with control: there is no test, and nothing to simulate.\n");
        put_fixed(p, b);
        return;
    }
    put_tables(p, b);
    put_healthy(p, cap, b);
    put_caught(p, b);
    put_blind(p, b);
    put_never(p, b);
    put_fixed(p, b);
    put_assumed(p, b);
}
