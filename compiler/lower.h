/* lower.h - how a model becomes Prometheus rules (3-semantics.md), and what the files lower_*.c share.
 *
 * One rule group per spec, in dependency order, so that every rule reads what the rules above it recorded at the same timestamp:
 *
 *   phase     guardrail:phase_start, guardrail:open (a phase is active), guardrail:gate (slot + one scrape lie inside it),
 *             guardrail:cohort:open, :gate, :begun (these for each cohort, which slots are joined with), guardrail:overdue, guardrail:slice, guardrail:expected
 *   slots     guardrail:slot:sum (parts that pool by adding), :good (a part, whatever else is there), :value (gauges), :over (beyond a fixed limit)
 *   windows   guardrail:window:sum, :value; guardrail:coverage:cohort, guardrail:coverage; guardrail:effect
 *   limits    guardrail:limit, :breach, :inside (all limits are there, and hold), :outside (the others, which are asked for evidence)
 *   evidence  guardrail:slot:delta (one difference a slot), guardrail:test:*, guardrail:evidence, guardrail:enough
 *   share     guardrail:share and :planned, :tolerance, :wrong: the canary's share of the traffic, where that is planned
 *   verdict   guardrail:proved (the effect outside, with evidence), :supported, :verdict, :insufficient
 *   alerts    one per guardrail, level and side
 *
 * A second group watches the first and guardraild. Slots, limits and alerts are one rule per guardrail; all else is one rule per spec
 * with a branch per distinct window length, quantile, floor … (a rule costs Prometheus more than the series it touches). Expressions are
 * composed from templates (lower_put), and of every form one is parsed by rules/ before they are emitted (lower_prove.c). Their lines are those of the templates, a
 * branch a line; gr_promql_pretty() would make three lines of each and a staircase of every chain of `or`, which is worse to read and to
 * grep. */
#ifndef GUARDRAIL_COMPILER_LOWER_H
#define GUARDRAIL_COMPILER_LOWER_H
#include "guardrail/buf.h"
#include "guardrail/rulefile.h"
#include "evidence_math.h"
#include "model.h"

#define LOWER_EXPR_BYTES_MAX (8u << 20)
/* Before five paired slots a gauge's test decides nothing. */
#define LOWER_PAIRS_MIN EVIDENCE_PAIRS_MIN

struct lower {
    const struct model *m;
    struct gr_arena *arena; /* at work: what expressions are composed from; see lower_forget */
    struct gr_arena
        *keep; /* of the file and what is below; NULL (in tests): arena, and nothing is forgotten */
    struct gr_rulefile *file;
    struct gr_rule_group *group;
    struct gr_buf expr;    /* the expression being composed */
    const char *separator; /* what lower_branch() puts before the next branch */
    struct gr_str spec;    /* $S: spec="demo" */
    struct gr_str release; /* $R: cluster */
    struct gr_str pure;    /* $P: cluster, deployment_id, phase: keeps two phases and two releases apart */
    struct gr_str canary;  /* $C: "canary", quoted: the label cohort of canary series */
    struct gr_str control; /* $K: "control" */
    struct gr_str subject; /* $T: "canary|stream", a regular expression: what is judged, cohort or stream */
    struct gr_str dynamic; /* $Y: "ignoring (symbol_bucket) ", labels of dynamic slices; empty without */
    struct gr_str dynamic_more; /* $Z: the same behind other labels: ", symbol_bucket" */
    const char *threshold
        [LEVEL_COUNT]; /* lower_threshold()'s, once they were asked for: counting the tests takes a while */
    struct gr_str *names; /* lower_which() sorts guardrails into it: room for all of them */
    enum gr_err err;      /* the first failure; later calls do nothing */
};

/* -- composing ------------------------------------------------------------------------------------------------------- */
/* Appends a template to lo->expr: $S $R $P $C $K $T $Y $Z as above, $1 … $9 the arguments (NULL-terminated list of const char *), $$ a dollar. */
void lower_put(struct lower *lo, const char *template, ...) __attribute__((sentinel));
/* Starts an expression of several branches joined by `separator` ("\nor "). */
void lower_branches(struct lower *lo, const char *separator);
/* lower_put, with the separator in front of all branches but the first. */
void lower_branch(struct lower *lo, const char *template, ...) __attribute__((sentinel));
/* Ends the expression: adds a recording rule, unless nothing was composed (no branch applied). Returns NULL then. */
struct gr_rule *lower_record(struct lower *lo, const char *name);
struct gr_rule *lower_alert(struct lower *lo, const char *name);
void lower_label(struct lower *lo, struct gr_rule *rule, const char *key, struct gr_str value);
/* The text of what `lo->expr` holds since byte `from`, moved to the arena. For parts that are used as arguments. */
const char *lower_cut(struct lower *lo, size_t from);
/* A template's text, for the same use; the sentinel is added. */
#define lower_text(lo, ...) lower_text_from(lo, __VA_ARGS__, (const char *)NULL)
const char *lower_text_from(struct lower *lo, const char *template, ...) __attribute__((sentinel));
/* Arena copies for arguments: a duration (already scaled), a decimal, a 17-digit double, an integer. */
const char *lower_duration(struct lower *lo, int64_t ms);
const char *lower_dec(struct lower *lo, struct gr_dec v);
const char *lower_uint(struct lower *lo, uint64_t v);
const char *lower_strs(struct lower *lo, struct strs labels, const char *before_each);
/* Between two guardrails: frees all texts that lower_cut() and its kin gave, and whatever else lies in lo->arena. */
void lower_forget(struct lower *lo);
/* A text as the replacement of label_replace(): quoted, and $, which would refer to a group, doubled. */
const char *lower_replacement(struct lower *lo, struct gr_str value);

/* -- choosing guardrails --------------------------------------------------------------------------------------------- */
typedef bool lower_pick(const struct guardrail *g, const void *arg);
/* The matcher that selects the guardrails that pick() accepts: "" for all of them, `,guardrail="a"`, `,guardrail=~"a|b"` or the
 * complement with !~ where that is shorter; NULL when there are none: the branch is to be left out. */
const char *lower_which(struct lower *lo, lower_pick *pick, const void *arg);
/* The same where what is selected belongs to guardrails of one kind anyway: "" if pick() accepts all of these, which saves Prometheus a long list. */
const char *lower_which_of(struct lower *lo, lower_pick *kind, lower_pick *pick, const void *arg);
bool lower_any(const struct lower *lo, lower_pick *pick, const void *arg);
/* `,label=~"a|b"` (or = for one, negated: != and !~) over n values. */
const char *lower_values(struct lower *lo, struct gr_str label, const struct gr_str *values, size_t n,
                         bool negated);
/* `,phase=~"p1|p2"` for a set of phases, negated: `,phase!~"p1|p2"`. */
const char *lower_phases(struct lower *lo, uint32_t phases, bool negated);

/* Kinds of guardrail that rules treat alike. */
bool is_sum(const struct guardrail *g, const void *arg);   /* parts that pool by adding: ratios, histograms */
bool is_value(const struct guardrail *g, const void *arg); /* gauges and expressions */
bool is_ratio(const struct guardrail *g, const void *arg);
bool is_histogram(const struct guardrail *g, const void *arg);
bool is_compared(const struct guardrail *g, const void *arg); /* with control */
bool is_fixed(const struct guardrail *g, const void *arg);
bool is_sequential(const struct guardrail *g, const void *arg); /* compared, with the sequential test */
bool is_point(const struct guardrail *g, const void *arg);      /* compared, the first excursion fires */
bool has_backstop(const struct guardrail *g, const void *arg);
bool has_soft(const struct guardrail *g, const void *arg);

bool lower_checks_share(const struct guardrail *g, const void *model); /* of traffic: model_checks_share() */

/* -- the parts, in the order of the rule group ------------------------------------------------------------------------ */
void lower_phase(struct lower *lo);
void lower_slots(struct lower *lo);
void lower_windows(struct lower *lo);
void lower_limits(struct lower *lo);
void lower_evidence(struct lower *lo);
void lower_share(struct lower *lo);
void lower_verdict(struct lower *lo);
void lower_alerts(struct lower *lo);
void lower_watch(struct lower *lo); /* the second group */

/* -- proof (lower_prove.c) ----------------------------------------------------------------------------------------------- */
/* Parses every form of expression that the file has (lower_prove.c says what a form is); asserts that it is PromQL. GR_ELIMIT: an
 * expression is past the limits of promql.h, because a specification asks for too many branches. */
GR_MUST_USE enum gr_err lower_prove(const struct gr_rulefile *file);
/* Appends the form of an expression. */
void lower_form(struct gr_buf *b, struct gr_str text);

/* The specification's cohort label, as text. */
const char *lower_cohort_label(struct lower *lo);
/* `label_replace(label_replace(G, "track", "canary", "", ""), "cohort", "canary", "", "") or …`: what slots are joined with, see
 * lower_phase.c. series: an expression with one series for each stream whose slots count; early: one with those of which the canary's do
 * for its backstop alone, or NULL. */
void lower_put_cohorts(struct lower *lo, const char *series, const char *early);
/* -- shared by parts --------------------------------------------------------------------------------------------------- */
/* How many slots of sampling fit in guardrail g's window in phase p (at least 1), and the range that holds just these: duration − half
 * a slot, because ranges of Prometheus 2.x include their left end and those of 3.x do not. */
uint64_t lower_window_slots(const struct lower *lo, const struct guardrail *g, const struct phase *p);
int64_t lower_range_ms(const struct lower *lo, uint64_t slots);
/* From the start of the phase: a range that no phase of the spec outlives. */
int64_t lower_test_range_ms(const struct lower *lo);
/* ln(1/(2 alpha)) of a level, to four decimals; a level without a budget uses the other's. */
const char *lower_threshold(struct lower *lo, enum level level);
/* Compares a value with the literal of each slice. value: a template (a text made with lower_put() must hold $$C, not $C: what it
 * puts in would be expanded again) with $1 where further matchers go, as `guardrail:effect{$S,guardrail="lat"$1}`. Composes `V > 1.2`; with overrides on one label `(V{,venue=~"XNYS|BINANCE"} > 1.2
 * or V{,venue!~"XNYS|BINANCE"} > 1.15)`, so that a slice outside `expect` gets the tightest; on several labels the rest is `(V unless
 * (V{…} or …)) > 1.15`. op: a comparison, or "* 0 +" to record the literal itself. */
void lower_per_literal(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *value,
                       const char *op);
const char *lower_op(const struct bound *b); /* > >= < <= */
/* Whether it takes k of n slots, n > 1, and not the window's value. */
bool lower_is_confirmed(const struct guardrail *g, const struct bound *b);
/* Appends text to lo->expr as Go's template engine will print it. */
void lower_put_text(struct lower *lo, struct gr_str s);
/* What alerts say (lower_annotation.c); lo->expr must be empty. */
void lower_annotate_breach(struct lower *lo, struct gr_rule *rule, const struct guardrail *g,
                           const struct bound *b);
void lower_annotate_no_data(struct lower *lo, struct gr_rule *rule, const struct guardrail *g);
/* `,cohort!="early"` where slots can be early (COHORT_EARLY): what compares or adds up cohorts leaves those out. "" elsewhere. */
const char *lower_not_early(const struct lower *lo);
/* Observations of the canary that a histogram's backstop asks for: where the q-quantile lies above it, at least 1 − q of them do, so
 * min_events bad ones are sure from min_events / (1 − q) observations on; below a lower one it is q of them. 0 without a backstop or
 * min_events. */
/* The range over which evidence is summed, from the phase's start. */
const char *lower_from_start(struct lower *lo);
uint64_t lower_backstop_total(const struct guardrail *g);
#endif
