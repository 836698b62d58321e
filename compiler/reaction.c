#include "config.h"
#include "reaction.h"

#include "lower.h"
#include "routes.h"

#define ALLOWANCE_MS INT64_C(1000)

static const char *const terms[REACTION_TERMS] = {
    [REACTION_SCRAPE] = "scrape",     [REACTION_SLOT] = "slot",         [REACTION_GATE] = "gate",
    [REACTION_EVIDENCE] = "evidence", [REACTION_RULES] = "rules",       [REACTION_FOR] = "for",
    [REACTION_DISPATCH] = "dispatch", [REACTION_DELIVERY] = "delivery", [REACTION_STEP] = "first step"};

const char *
reaction_term(enum reaction_what what)
{
    return terms[what];
}

/* One sample beyond the limit makes the whole slot: the maximum of a gauge that must not rise, the minimum of one that must not fall. */
static bool
is_instant(const struct guardrail *g, const struct bound *b)
{
    if (g->metric.kind != METRIC_GAUGE || is_compared(g, NULL))
        return false;
    return side_is_lower(b->side) ? g->metric.reduce == REDUCE_MIN : g->metric.reduce == REDUCE_MAX;
}

static uint64_t
evidence_slots(const struct guardrail *g, const struct bound *b, uint64_t window)
{
    bool hard = b->level == LEVEL_HARD;
    uint32_t k = hard ? g->evidence.hard_k : g->evidence.soft_k;
    uint32_t n = hard ? g->evidence.hard_n : g->evidence.soft_n;

    if (side_is_backstop(b->side))
        return window;
    if (is_fixed(g, NULL))
        return n > 1 ? k : window;
    return is_sequential(g, NULL) && is_value(g, NULL) ? LOWER_PAIRS_MIN : 1;
}

static void
add_up(struct reaction *r)
{
    r->total_ms = 0;
    for (size_t i = 0; i < REACTION_TERMS; i++)
        r->total_ms += r->ms[i];
}

struct reaction
reaction_of(const struct model *m, const struct guardrail *g, const struct bound *b, const struct phase *p)
{
    enum level level = b ? b->level : LEVEL_NO_DATA;
    struct timing t = routes_timing(m, level);
    int64_t slot = model_ms(m, m->sampling_ms);
    struct reaction r = {.window_slots = model_window_slots(m, g, p), .evidence_slots = 1};

    r.ms[REACTION_SCRAPE] = model_ms(m, m->scrape_ms);
    r.ms[REACTION_SLOT] = slot;
    if (b) {
        r.evidence_slots = evidence_slots(g, b, r.window_slots);
        r.ms[REACTION_GATE] = is_instant(g, b) ? 0 : slot;
        if (!side_is_backstop(b->side))
            r.ms[REACTION_GATE] += model_gate_more_ms(m, g);
        r.ms[REACTION_EVIDENCE] = (int64_t)(r.evidence_slots - 1) * slot;
        r.needs_traffic = is_sum(g, NULL);
    } else {
        r.ms[REACTION_FOR] = 2 * slot;
    }
    r.ms[REACTION_RULES] = ALLOWANCE_MS;
    r.ms[REACTION_DISPATCH] = t.group_wait_ms > t.group_interval_ms ? t.group_wait_ms : t.group_interval_ms;
    r.ms[REACTION_DELIVERY] = ALLOWANCE_MS;
    r.ms[REACTION_STEP] = ALLOWANCE_MS;
    add_up(&r);
    r.late_ms = r.total_ms;
    if (b && is_compared(g, NULL) && r.window_slots > r.evidence_slots)
        r.late_ms += (int64_t)(r.window_slots - r.evidence_slots) * slot;
    return r;
}

static bool
has_own_bound(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level && !side_is_backstop(g->limit.bounds[i].side))
            return true;
    return false;
}

struct reaction
reaction_worst(const struct model *m, const struct guardrail *g, enum level level, const struct phase **phase,
               const struct bound **bound)
{
    struct reaction worst = {.total_ms = 0};
    size_t n = level == LEVEL_NO_DATA ? 1 : g->limit.n_bounds;

    for (size_t i = 0; i < m->n_phases; i++)
        for (size_t k = 0; (g->phases >> i & 1u) && k < n; k++) {
            const struct bound *b = level == LEVEL_NO_DATA ? NULL : &g->limit.bounds[k];
            struct reaction r;

            if (b && (b->level != level || (side_is_backstop(b->side) && has_own_bound(g, level))))
                continue;
            r = reaction_of(m, g, b, &m->phases[i]);
            if (r.total_ms < worst.total_ms || (r.total_ms == worst.total_ms && r.late_ms <= worst.late_ms))
                continue;
            worst = r;
            if (phase)
                *phase = &m->phases[i];
            if (bound)
                *bound = b;
        }
    return worst;
}
