/* explain.h - what a guardrail will do: `guardrailc explain SPEC [GUARDRAIL]`, as text and as JSON.
 *
 * Everything is read off what would be compiled: limits from the model, PromQL from the lowered rules (rules that serve many guardrails are
 * cut down to the branches of this one), routes from routes.h, times from reaction.h. No network, no server. JSON, for a guardrail:
 *
 *     {"format_version":1,"spec":…,"guardrail":{"name":…,"group":…,"at":{"file":…,"line":…},"against":"control"|"fixed",
 *       "limits":[{"level","side","text","value","at","override":{"where":{…},"base","base_at"}|null,
 *                  "replaces":{"text","at"}|null,"slices":[{…}],"outside_expect"}],
 *       "waivers":[{"approved_by","ticket","reason","expires","at"}],
 *       "evidence":{"kind":"sequential"|"point"|"confirm","tests":{"hard":{"tests","alpha","threshold"},"soft"},
 *                   "confirm":{"hard":"1 of 1","soft":"2 of 3"},"min_events","min_total"},
 *       "phases":[{"name","window_ms","slots","needed_slots","covered_ms","min_duration_ms"}],
 *       "levels":[{"level","actions":[…],"alerts":[{"alert","side","receivers":[…],"group_wait_ms",…,"muted_by"}],
 *                  "reactions":[{"side","phase","total_ms","late_ms","terms":{"scrape":…}}]}],
 *       "rules":[{"name","labels":{…},"expr"}]}}
 *
 * for a spec: {"format_version":1,"spec":…,"guardrails":[{"name","group","against","soft","hard","windows_ms":[…],"evidence","reaction_ms",
 * "reaction_phase","receivers":[…],"worst":bool}]}. Numbers that do not apply are null. */
#ifndef GUARDRAIL_COMPILER_EXPLAIN_H
#define GUARDRAIL_COMPILER_EXPLAIN_H
#include "reaction.h"
#include "routes.h"

struct explain {
    struct model *m;
    const struct gr_sources *sources;
    struct routes *routes;
    struct alerts alerts;
    const struct guardrail *g; /* NULL: the whole spec */
    uint32_t phases;           /* of the guardrail that are shown */
    const struct slice **slices;
    size_t
        n_slices; /* those of `expect` that are shown; once for each value of a dynamic label that matters, "" being any other */
    bool all_slices; /* nothing was chosen */
    bool outside;    /* a slice that `expect` does not list is shown, too */
};
/* Lowers, routes; chooses nothing yet. GR_ENOMEM. */
GR_MUST_USE enum gr_err explain_init(struct explain *x, struct model *m, const struct gr_sources *sources);
/* Chooses. GR_EUSER: there is no such guardrail, phase, label or value; one message (no line end) in *complaint. phase and slice may be
 * NULL. slice: "venue=XNAS,flow=agency". A slice that `expect` does not list is shown as one outside it. */
GR_MUST_USE enum gr_err explain_choose(struct explain *x, const char *guardrail, const char *phase,
                                       const char *slice, struct gr_buf *complaint);

/* The slices that have one limit in common. */
struct limit_group {
    const struct bound *bound; /* in force: the base or an override's */
    const struct override *by; /* NULL: the base */
    const struct slice **slices;
    size_t n_slices;
    bool outside; /* a slice outside `expect` has it */
};
struct limit_groups {
    struct limit_group *v;
    size_t n;
};
/* What the topmost overlay that says something else replaced; NULL: nothing. */
const struct bound *explain_replaced(const struct explain *x, const struct bound *base,
                                     const struct limit_group *group);
/* For one bound of x->g. GR_ENOMEM. */
GR_MUST_USE enum gr_err explain_limits(const struct explain *x, const struct bound *base,
                                       struct limit_groups *out);

/* How long after the start of a phase 90 % of the window's slots are surely there (3-semantics, "Phases, slots, windows"), and how many
 * slots that are. Comparisons wait until a slot and a scrape lie inside the phase. */
struct coverage {
    uint64_t slots, needed;
    int64_t sure_ms;
};
struct coverage explain_coverage(const struct model *m, const struct guardrail *g, const struct phase *p);

/* One rule as far as it concerns x->g: its expression on lines of at most 100 columns. */
struct explained_rule {
    const struct gr_rule *rule;
    struct gr_str expr;
};
/* Calls see() for each. GR_ENOMEM. */
typedef void explain_rule_fn(const struct explained_rule *r, void *context);
GR_MUST_USE enum gr_err explain_rules(const struct explain *x, explain_rule_fn *see, void *context);

/* Small texts that both forms share. */
void explain_place(const struct explain *x, struct gr_span span, struct gr_buf *b); /* "guardrails.yml:84" */
void explain_pairs(const struct pairs *release, const struct pairs *labels,
                   struct gr_buf *b); /* "cluster=equities venue=XNAS" */
void explain_evidence(const struct guardrail *g, enum level level,
                      struct gr_buf *b); /* "sequential", "point", "2 of 3" */
void explain_bounds(const struct guardrail *g, enum level level, struct gr_buf *b); /* "+40%~, backstop 5%" */
/* "40m" to the second: 28s500ms is 29s. */
void explain_time(int64_t ms, struct gr_buf *b);

void explain_guardrail_text(const struct explain *x, struct gr_buf *b);
void explain_spec_text(const struct explain *x, struct gr_buf *b);
GR_MUST_USE enum gr_err explain_json(const struct explain *x, struct gr_buf *b); /* either */
#endif
