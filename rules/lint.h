/* lint.h - what the linter's files share. Private to rules/.
 *
 * One run: each file is read (rulefile_read.c) into the structs below, which live in the run's arena; then
 * each rule's expression is parsed into a scratch arena and handed to the checks of lint_table.c, and what
 * other files need to know is kept in an index. */
#ifndef GUARDRAIL_RULES_LINT_H
#define GUARDRAIL_RULES_LINT_H
#include "guardrail/node.h"
#include "guardrail/promql.h"
#include "guardrail/rulefile.h"
#include "guardrail/rulelint.h"

struct lint_pair {
    struct gr_str key;
    struct gr_span key_span;
    const struct gr_node *value; /* a scalar or null */
};
struct lint_pairs {
    struct lint_pair *items; /* as written, keys unique */
    size_t count, cap;
};
struct lint_rule {
    const struct lint_group *group;
    const struct gr_node *node;
    enum gr_rule_kind kind;
    struct gr_str name; /* the recorded series or the alert; empty: refused */
    struct gr_span name_span;
    struct gr_str expr; /* empty: refused */
    struct gr_span expr_span;
    int64_t for_ms, keep_firing_for_ms;
    struct lint_pairs labels, annotations;
};
struct lint_group {
    struct gr_str name;
    struct gr_span name_span, interval_span;
    int64_t interval_ms; /* 0: the global one */
    struct lint_rule *rules;
    size_t count;
};
struct lint_file {
    uint32_t file;
    struct lint_group *groups;
    size_t count, rules;
    struct lint_suppressions *suppressions;
    struct lint_file *next;
};

/* ---- reading ---- */

/* Reads a file and reports all that Prometheus refuses in its structure; expressions and templates are not
 * looked at. GR_OK also with findings, as long as there is something to check: see gr_diags_status.
 * rules_max: how many more rules are taken. */
GR_MUST_USE enum gr_err rulefile_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                                      size_t rules_max, struct gr_diags *diags, struct lint_file *out);

/* ---- the run ---- */

struct lint_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};
struct lint_table {          /* by open addressing */
    struct lint_slot *slots; /* owned; cap is a power of two */
    size_t count, cap;
};
struct gr_lint {
    struct gr_lint_options options;
    const struct gr_sources *sources;             /* borrowed */
    struct gr_diags *diags;                       /* borrowed */
    struct gr_arena *arena;                       /* owned; all that outlives a rule */
    struct lint_file *files, *last;               /* in the order of gr_lint_file */
    struct lint_file *newest[GR_SOURCES_MAX + 1]; /* by source */
    struct lint_table series, rules;
    size_t rule_count;
    bool no_memory; /* a message was lost */
};

/* ---- suppression comments (lint_suppress.c) ---- */

/* Finds them; bad ones are reported. */
GR_MUST_USE enum gr_err lint_suppressions_read(struct gr_lint *l, struct lint_file *f);
/* Whether a finding is suppressed; that is noted. */
bool lint_suppressed(struct gr_lint *l, enum gr_code code, struct gr_span where);
/* Reports those that suppressed nothing. */
void lint_suppressions_finish(struct gr_lint *l, const struct lint_file *f);

/* ---- names in all files (lint_index.c) ---- */

struct lint_series {
    struct gr_str name;
    struct gr_span recorded, read; /* the first place; file 0: nowhere */
};
/* Notes that a rule reads or records a series. GR_ENOMEM. */
GR_MUST_USE enum gr_err lint_index_series(struct gr_lint *l, struct gr_str name, struct gr_span where,
                                          bool recorded);
/* Notes the rule; reports it if there is one of the same name and labels. */
GR_MUST_USE enum gr_err lint_index_rule(struct gr_lint *l, const struct lint_rule *r);
/* Reports what is read and not recorded, and the other way round. */
void lint_index_finish(struct gr_lint *l);
void lint_index_fini(struct gr_lint *l);

/* ---- checks ---- */

/* A rule being checked. */
struct lint_check {
    struct gr_lint *lint;
    struct gr_arena *scratch; /* emptied after each rule */
    const struct lint_rule *rule;
    struct gr_promql *expr;         /* NULL: it does not parse */
    struct gr_promql_labels result; /* of expr, see lint_result */
    bool have_result;
    enum gr_err err; /* sticks: GR_ENOMEM */
};
/* Reports unless that is off, below the wanted severity, or suppressed in the file. True if it was reported.
 * */
bool lint_report(struct gr_lint *l, enum gr_code code, struct gr_span where, struct gr_str fix,
                 const char *fmt, ...) GR_PRINTF(5, 6);
/* Whether anybody wants it. */
bool lint_wants(const struct gr_lint *l, enum gr_code code);

typedef void lint_check_fn(struct lint_check *c);
/* The checks of a rule, in lint_table.c's order. */
struct lint_row {
    lint_check_fn *run;
    enum gr_code first, last; /* what it reports: codes in this range */
};
/* The labels of the expression's result; NULL without memory (c->err is set) or without expression. */
const struct gr_promql_labels *lint_result(struct lint_check *c);
extern const struct lint_row lint_rows[];
extern const size_t lint_row_count;
lint_check_fn lint_templates, lint_comparison, lint_rates, lint_raw_counters, lint_nan, lint_impossible,
    lint_matching, lint_regexes, lint_intervals, lint_record_name, lint_annotations;

/* ---- about expressions (lint_expr.c) ---- */

/* What stands inside parentheses. */
const struct gr_promql *lint_bare(const struct gr_promql *e);
/* Whether the result may be empty because a condition does not hold: comparisons, and, unless, absent(),
 * series that somebody recorded so. */
bool lint_filters(const struct gr_promql *e);
/* The value of an expression of numbers only. */
bool lint_constant(const struct gr_promql *e, double *value);
/* The values that a result can have. */
struct lint_range {
    double low, high;
    bool low_open, high_open; /* the end itself is not in it */
};
struct lint_range lint_range_of(const struct gr_promql *e);
bool lint_range_empty(struct lint_range r);
struct lint_range lint_range_cut(struct lint_range a, struct lint_range b);
/* The values x for which `x op value` holds. False: no one range (!=). */
bool lint_range_where(enum gr_promql_op op, double value, struct lint_range *out);
/* The comparison turned around: 5 < x is x > 5. */
enum gr_promql_op lint_turned(enum gr_promql_op op);
bool lint_is(const struct gr_promql *call, const char *function);
#endif
