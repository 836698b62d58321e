/* routes.h - Alertmanager's configuration as data, what Alertmanager makes of it, and the proof that it does what it should.
 *
 * emit_alertmanager.c prints this very model, so text and proof cannot differ. Semantics are those of Alertmanager 0.25 (dispatch/route.go,
 * inhibit/inhibit.go), which later versions keep:
 * - An alert descends from the root into the first child whose matchers all match, and into later siblings only if that one says
 *   `continue`; it is handled by the deepest route that it reaches. What a route does not state it has from its parent.
 * - A matcher compares the whole value; a label that the alert lacks has the value "".
 * - An inhibition mutes an alert that matches `target` while another matches `source` and all labels under `equal` agree: two alerts that
 *   both lack a label agree on it. An alert that matches both sides is not muted by one that does, too.
 *
 * Alerts are templates: labels whose values are known, and labels that they carry with values not known beforehand. Everything lives in
 * the model's arena and may share its texts. */
#ifndef GUARDRAIL_COMPILER_ROUTES_H
#define GUARDRAIL_COMPILER_ROUTES_H
#include "guardrail/diag.h"
#include "guardrail/rulefile.h"
#include "model.h"

/* -- the configuration --------------------------------------------------------------------------------------------------- */
enum receiver_kind { RECEIVER_NATIVE, RECEIVER_DAEMON, RECEIVER_WATCHDOG, RECEIVER_KINDS };
struct receiver {
    const char *name; /* [a-z0-9_]+: Alertmanager sends it quoted as a regular expression */
    enum receiver_kind kind;
    const struct action *pager; /* native: whom Alertmanager tells itself; NULL: nobody */
};
/* label = one of the values (`!=` when negated). Regular expressions are alternations of plain values, so no more is needed. */
struct matcher {
    const char *label;
    const struct gr_str *values;
    size_t n;
    bool negated;
    const uint32_t
        *index; /* of many values: open addressing by hash, 0 free, else number + 1; NULL for few */
    size_t cap;
};
/* Sets index and cap, if there are enough values for it to pay; false without memory. */
GR_MUST_USE bool matcher_index(struct gr_arena *a, struct matcher *m);
struct matchers {
    struct matcher *v;
    size_t n;
};
struct timing {
    int64_t group_wait_ms, group_interval_ms,
        repeat_interval_ms; /* as emitted: scaled, raised to Alertmanager's floor */
};
struct route {
    const char *comment; /* may be NULL */
    struct matchers matchers;
    const struct receiver *receiver; /* NULL: the parent's */
    const struct strs *group_by;     /* NULL: the parent's */
    const struct timing *timing;     /* NULL: the parent's */
    bool goes_on;                    /* `continue: true` */
    struct route *routes;
    size_t n_routes;
};
struct inhibition {
    struct matchers source, target;
    struct strs equal;
};
struct routes {
    struct route root;
    struct receiver *receivers;
    size_t n_receivers;
    struct inhibition *inhibitions;
    size_t n_inhibitions;
};
/* What the compiler emits for a model. GR_ENOMEM. */
GR_MUST_USE enum gr_err routes_build(const struct model *m, struct routes **out);
/* Appends alertmanager.yml as it says, the model giving what is left: URLs, secrets, the version (emit_alertmanager.c). */
void emit_routes(const struct model *m, const struct routes *r, struct gr_buf *b);
/* The timing of breaches (and of missing data) on their way to guardraild. */
struct timing routes_timing(const struct model *m, enum level level);

/* -- the alerts ---------------------------------------------------------------------------------------------------------- */
struct alert {
    struct gr_str name, spec;           /* the labels alertname and spec; spec empty: it has none */
    const struct gr_rule_pairs *labels; /* of the rule: guardrail, group, level, side; borrowed */
    struct strs open;                   /* labels that it always carries, with values not known here */
    struct strs maybe;                  /* labels that it may or may not carry */
    bool any;                           /* it may carry labels that stand nowhere here */
    const struct guardrail *g;          /* NULL: it is about the spec as a whole */
    enum level level;                   /* with g */
    const struct bound *bound;          /* hard and soft breaches */
    enum receiver_kind wants;           /* who is to get it, and nobody else */
};
struct alerts {
    struct alert *v;
    size_t n;
};
/* Every alert that the lowered rules can raise, in their order; taken from the rules themselves. GR_ENOMEM. */
GR_MUST_USE enum gr_err routes_alerts(const struct model *m, const struct gr_rulefile *rules,
                                      struct alerts *out);

/* -- what Alertmanager makes of it ---------------------------------------------------------------------------------------- */
enum answer { ANSWER_NO, ANSWER_PERHAPS, ANSWER_YES }; /* perhaps: for some values that are not known here */
enum answer matchers_match(const struct matchers *list, const struct alert *a);
#define ROUTES_HITS_MAX 16u
struct hit {
    const struct route *route;
    const struct receiver *receiver;
    const struct strs *group_by;
    const struct timing *timing; /* all three with what is inherited */
    bool sure;                   /* false: it depends on values that are not known here */
};
/* Where an alert ends up; at most ROUTES_HITS_MAX of them. Returns how many. */
size_t routes_hits(const struct routes *r, const struct alert *a, struct hit hits[ROUTES_HITS_MAX]);
/* Whether an alert like `source` can mute one like `target` by this inhibition: whether there are values that make it so. */
bool routes_inhibits(const struct inhibition *i, const struct alert *source, const struct alert *target);

/* The first inhibition by which a hard breach mutes this alert, and the alert; false if none does. */
bool routes_muted_by(const struct routes *r, const struct alerts *alerts, const struct alert *target,
                     const struct inhibition **by, const struct alert **source);

/* -- the proof (routes_prove.c) -------------------------------------------------------------------------------------------- */
/* Reports, as errors: an alert that does not reach whom it is for (GR0701); a route that no alert reaches, because nothing matches it or
 * an earlier one takes all (GR0702); a route that takes alerts of others: of another spec, of nobody we know, or ours meant for somebody
 * else (GR0703); an inhibition that never applies (GR0704); one that can mute an alert which is not the soft one of the same guardrail,
 * slice and deployment (GR0705). One finding for all alerts that are routed alike. They stand at the guardrail, if one is concerned.
 * Linear in the number of alerts. GR_ENOMEM. */
GR_MUST_USE enum gr_err routes_prove(const struct model *m, const struct routes *r,
                                     const struct alerts *alerts, struct gr_diags *d);
/* All of it, and a warning where Alertmanager has nobody to tell (GR0706): lowers the model (rules_lower; m->rules keeps the result), builds, proves. GR_OK also when there are findings; GR_ENOMEM. */
GR_MUST_USE enum gr_err routes_check(struct model *m, struct gr_diags *d);
#endif
