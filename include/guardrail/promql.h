/* promql.h - PromQL as a tree: parse, check, print, rewrite, and what labels a result has.
 *
 * The language is that of Prometheus 2.42: what its parser takes is taken, what it refuses is a finding;
 * syntax of later versions is recognised and named (GR0403). Trees live in an arena and are never freed
 * singly; texts of a parsed tree are copied there, so the input may go. Rewriting changes the tree in place
 * (gr_promql_clone first to keep the old one); text is never spliced.
 *
 * Places: every node knows its bytes in the expression (start, end) and, when the caller says where the
 * expression stands (origin), its span in that file. origin covers the value as written, in a file of the
 * table that diags was created with: the text is found again in it through quotes, folded lines and block
 * scalars. Where that fails (escapes) every span is the whole of origin.
 *
 * Limits, past which an expression is refused (GR0002) though Prometheus might take it: GR_PROMQL_BYTES_MAX
 * bytes, GR_PROMQL_NESTING_MAX nested constructs, GR_PROMQL_HEIGHT_MAX levels of tree (a chain of n binary
 * operators is n high), GR_PROMQL_LABELS_MAX labels in one list, numbers of 400 characters, 250 open groups in a
 * regular expression. Parsing takes time linear in the text and at most about 200 bytes for each of its bytes;
 * label inference may take the square of the number of labels, within the arena's ceiling.
 *
 * Taken although odd, as Prometheus takes it: any letter for the colon in brackets ([5m x 1m]), @ start() before
 * a range. */
#ifndef GUARDRAIL_PROMQL_H
#define GUARDRAIL_PROMQL_H
#include "guardrail/arena.h"
#include "guardrail/buf.h"
#include "guardrail/diag.h"

#define GR_PROMQL_BYTES_MAX (2u << 20)
#define GR_PROMQL_NESTING_MAX 200u
#define GR_PROMQL_HEIGHT_MAX 4000u
#define GR_PROMQL_LABELS_MAX 1000u /* in one list of labels, matchers in one selector */

enum gr_promql_kind {
    GR_PROMQL_NUMBER,
    GR_PROMQL_STRING,
    GR_PROMQL_SELECTOR,  /* instant or range vector selector */
    GR_PROMQL_SUBQUERY,  /* child[0] [range:step] */
    GR_PROMQL_CALL,      /* child[0 … count-1] are the arguments */
    GR_PROMQL_AGGREGATE, /* child[count-1] is the vector; of two, child[0] is the parameter */
    GR_PROMQL_BINARY,    /* child[0] op child[1] */
    GR_PROMQL_UNARY,     /* sign child[0] */
    GR_PROMQL_PAREN      /* ( child[0] ), kept as written */
};
enum gr_promql_type {
    GR_PROMQL_T_NONE, /* no valid expression */
    GR_PROMQL_T_SCALAR,
    GR_PROMQL_T_VECTOR, /* "instant vector" */
    GR_PROMQL_T_MATRIX, /* "range vector" */
    GR_PROMQL_T_TEXT    /* "string" */
};
enum gr_promql_op {
    GR_PROMQL_ADD,
    GR_PROMQL_SUB,
    GR_PROMQL_MUL,
    GR_PROMQL_DIV,
    GR_PROMQL_MOD,
    GR_PROMQL_ATAN2,
    GR_PROMQL_POW,
    GR_PROMQL_EQ,
    GR_PROMQL_NE,
    GR_PROMQL_LT,
    GR_PROMQL_LE,
    GR_PROMQL_GT,
    GR_PROMQL_GE,
    GR_PROMQL_AND,
    GR_PROMQL_OR,
    GR_PROMQL_UNLESS
};
enum gr_promql_agg {
    GR_PROMQL_AVG,
    GR_PROMQL_BOTTOMK,
    GR_PROMQL_COUNT,
    GR_PROMQL_COUNT_VALUES,
    GR_PROMQL_GROUP,
    GR_PROMQL_MAX,
    GR_PROMQL_MIN,
    GR_PROMQL_QUANTILE,
    GR_PROMQL_STDDEV,
    GR_PROMQL_STDVAR,
    GR_PROMQL_SUM,
    GR_PROMQL_TOPK
};
enum gr_promql_match { GR_PROMQL_IS, GR_PROMQL_IS_NOT, GR_PROMQL_LIKE, GR_PROMQL_NOT_LIKE }; /* = != =~ !~ */
struct gr_promql_matcher {
    struct gr_str name;
    enum gr_promql_match op;
    struct gr_str value;  /* decoded; may hold any byte */
    struct gr_span where; /* none when it was added */
};
enum gr_promql_at { GR_PROMQL_AT_NONE, GR_PROMQL_AT_TIME, GR_PROMQL_AT_START, GR_PROMQL_AT_END };
/* The modifiers offset and @. */
struct gr_promql_shift {
    int64_t offset_ms; /* 0: none; negative looks ahead */
    enum gr_promql_at at;
    double at_s; /* Unix seconds, when at is GR_PROMQL_AT_TIME */
};
struct gr_promql_selector {
    struct gr_str metric; /* the name before the braces; empty if there is none (see gr_promql_metric) */
    struct gr_promql_matcher *matchers;
    size_t count, cap;
    int64_t range_ms; /* 0: an instant vector */
    struct gr_promql_shift shift;
};
struct gr_promql_subquery {
    int64_t range_ms, step_ms; /* step 0: the default */
    struct gr_promql_shift shift;
};
struct gr_promql_function {
    struct gr_str name;
    enum gr_promql_type args[5];
    uint8_t arg_count; /* filled entries of args */
    /* 0: exactly arg_count; n > 0: the last may be left out, up to n of it; -1: any number of the last */
    int8_t variadic;
    enum gr_promql_type result;
};
enum gr_promql_clause { GR_PROMQL_ALL, GR_PROMQL_BY, GR_PROMQL_WITHOUT };
struct gr_promql_aggregate {
    enum gr_promql_agg op;
    enum gr_promql_clause clause;
    struct gr_str *labels;
    size_t count;
};
enum gr_promql_group { GR_PROMQL_ONE_TO_ONE, GR_PROMQL_GROUP_LEFT, GR_PROMQL_GROUP_RIGHT };
struct gr_promql_binary {
    enum gr_promql_op op;
    bool return_bool;
    bool has_matching, on; /* `on (…)` or, when on is false, `ignoring (…)` was written */
    enum gr_promql_group group;
    struct gr_str *labels, *include; /* of on/ignoring, of group_left/group_right */
    size_t label_count, include_count;
    struct gr_span op_where;
};
struct gr_promql {
    enum gr_promql_kind kind;
    uint32_t height;      /* 1 + that of the highest child */
    uint32_t start, end;  /* bytes of the expression's text */
    struct gr_span where; /* the same in the file; GR_SPAN_NONE when unknown */
    struct gr_promql **child;
    size_t count;
    union {
        double number;
        struct gr_str text; /* decoded */
        struct gr_promql_selector selector;
        struct gr_promql_subquery subquery;
        const struct gr_promql_function *function;
        struct gr_promql_aggregate aggregate;
        struct gr_promql_binary binary;
        char sign; /* '+' or '-' */
    } u;
};

/* ---- parse, check, print ---- */

/* Parses and checks as Prometheus does when it loads a rule. GR_EUSER: one syntax error or all type errors
 * are in diags (GR0401, GR0402, GR0403, GR0002), *out untouched. GR_ENOMEM: the arena is at its end. origin:
 * see above, or GR_SPAN_NONE. */
GR_MUST_USE enum gr_err gr_promql_parse(struct gr_arena *a, struct gr_str text, struct gr_span origin,
                                        struct gr_diags *diags, struct gr_promql **out);

/* What a placeholder stands for. Its place decides what it may be: an expression where an operand stands ($x / 2), labels in a list
 * of labels (by (job, $keys)), matchers between braces (foo{a="b",$which}), a duration in brackets or behind offset ([$range:$step]). */
enum gr_promql_param_kind {
    GR_PROMQL_PARAM_EXPR,
    GR_PROMQL_PARAM_LABELS,
    GR_PROMQL_PARAM_MATCHERS,
    GR_PROMQL_PARAM_DURATION
};
/* Everything is borrowed during the call and copied at each use. */
struct gr_promql_param {
    const char *name; /* without the dollar: a name as labels have */
    enum gr_promql_param_kind kind;
    const struct gr_promql *expr;
    const struct gr_str *labels;
    const struct gr_promql_matcher *matchers;
    size_t count;        /* of labels or matchers, may be 0 */
    int64_t duration_ms; /* > 0 */
};
struct gr_promql_params {
    const struct gr_promql_param *items;
    size_t count;
};
/* As gr_promql_parse, of a text that may hold placeholders, $name: trees and values take their places, and the whole is checked
 * with them in. Text is never spliced: with $x = a + b, "$x * 2" is (a + b) * 2. Names without a parameter, parameters of another
 * kind than the place takes, are findings (GR0401); so are matchers on a label that the selector matches otherwise (GR0404). A dollar
 * in a string is a dollar. */
GR_MUST_USE enum gr_err gr_promql_parse_with(struct gr_arena *a, struct gr_str text, struct gr_span origin,
                                             const struct gr_promql_params *params, struct gr_diags *diags,
                                             struct gr_promql **out);
/* The checks alone, for a tree that was built or rewritten: argument types, matching clauses, empty
 * selectors. */
GR_MUST_USE enum gr_err gr_promql_check(const struct gr_promql *e, struct gr_diags *diags);
enum gr_promql_type gr_promql_type(const struct gr_promql *e);
const char *gr_promql_type_name(enum gr_promql_type type); /* "instant vector" … */
/* Appends the canonical one-line form: parentheses as in the tree, plus those that a built tree needs.
 * Parsing it gives an equal tree, printing that the same bytes. */
void gr_promql_print(struct gr_buf *b, const struct gr_promql *e);
/* The same on several lines where a node is wider than `width` bytes, as Prometheus' own formatter breaks it (that has
 * width 100): what counts is the node alone, without its indentation of two blanks a level; selectors are never broken. Reading it gives an equal
 * tree, printing that the same bytes; no line ends with a blank, nor the text with a line end. */
void gr_promql_pretty(struct gr_buf *b, const struct gr_promql *e, size_t width);
/* Equal but for places and for how literals were written. */
bool gr_promql_equal(const struct gr_promql *a, const struct gr_promql *b);
/* "==", "and" …; "sum" …; "=~" … */
struct gr_str gr_promql_op_name(enum gr_promql_op op);
struct gr_str gr_promql_agg_name(enum gr_promql_agg op);
struct gr_str gr_promql_match_name(enum gr_promql_match op);
bool gr_promql_op_compares(enum gr_promql_op op); /* == != < <= > >= */
bool gr_promql_op_sets(enum gr_promql_op op);     /* and or unless */
/* NULL if Prometheus 2.42 has no such function. */
const struct gr_promql_function *gr_promql_function(struct gr_str name);
/* Whether the text is a regular expression that Prometheus takes (RE2 syntax), and whether it matches the
 * empty string. GR_ESYNTAX: *at is the offending byte, *why a text that lives for ever. */
GR_MUST_USE enum gr_err gr_promql_regex(struct gr_str re, bool *matches_empty, size_t *at, const char **why);

/* ---- walk ---- */

/* Called for each node, parents first, children in the order of the text. Return false to leave its children
 * out. It may change the node, but not free children that are still to be visited. */
typedef bool gr_promql_visit_fn(struct gr_promql *e, void *ctx);
void gr_promql_visit(struct gr_promql *e, gr_promql_visit_fn *visit, void *ctx);
/* Called for each selector, in the order of the text. Return false to stop. */
typedef bool gr_promql_selector_fn(struct gr_promql *e, void *ctx);
void gr_promql_selectors(struct gr_promql *e, gr_promql_selector_fn *visit, void *ctx);
/* The metric a selector names, before its braces or by __name__="…"; empty when it is not one fixed name or e
 * is no selector. */
struct gr_str gr_promql_metric(const struct gr_promql *e);
/* The first matcher on this label, or NULL. */
const struct gr_promql_matcher *gr_promql_matcher_on(const struct gr_promql *e, struct gr_str label);

/* ---- rewrite ---- */

struct gr_promql_add {
    const struct gr_promql_matcher *matchers; /* borrowed during the call; texts are copied */
    size_t count;
    /* Whether this selector gets them; NULL: all do. */
    bool (*wants)(const struct gr_promql *selector, void *ctx);
    /* A selector matches the label already, otherwise than by an identical matcher (which is no conflict;
     * nothing is added then). have.where is the place to report. May be NULL. */
    void (*conflict)(const struct gr_promql *selector, const struct gr_promql_matcher *have,
                     const struct gr_promql_matcher *add, void *ctx);
    void *ctx;
};
/* Adds matchers to the selectors of e. GR_EUSER if there was any conflict: the matchers in conflict are left
 * out, the others are in. GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_promql_add_matchers(struct gr_arena *a, struct gr_promql *e,
                                               const struct gr_promql_add *add);
/* A deep copy; NULL without memory. */
GR_MUST_USE struct gr_promql *gr_promql_clone(struct gr_arena *a, const struct gr_promql *e);
/* Puts `to`, which may hold `from`, in the place of the node `from` in the tree *root. GR_ENOENT if it is not
 * there, GR_ELIMIT if the tree would grow too high. */
GR_MUST_USE enum gr_err gr_promql_replace(struct gr_promql **root, struct gr_promql *from,
                                          struct gr_promql *to);

enum gr_promql_duration {
    GR_PROMQL_RANGE, /* of a selector or a subquery */
    GR_PROMQL_STEP,  /* of a subquery that states it */
    GR_PROMQL_OFFSET /* negative looks ahead */
};
/* What stands for a duration from now on: > 0; an offset may be anything, 0 leaves it out. */
typedef int64_t gr_promql_duration_fn(enum gr_promql_duration what, int64_t ms, void *ctx);
/* Maps every duration that is written in the tree. GR_ERANGE: some were mapped to what they cannot be, and are left as they were. */
GR_MUST_USE enum gr_err gr_promql_map_durations(struct gr_promql *e, gr_promql_duration_fn *map, void *ctx);
/* Sets the ranges of selectors and subqueries that are from_ms long, or with 0 all of them, to to_ms (> 0). Returns how many. */
size_t gr_promql_set_ranges(struct gr_promql *e, int64_t from_ms, int64_t to_ms);

/* ---- build: NULL without memory (or when a child is NULL, so that calls nest and one check at the end will
 * do) ---- */

GR_MUST_USE struct gr_promql *gr_promql_number(struct gr_arena *a, double value);
GR_MUST_USE struct gr_promql *gr_promql_text(struct gr_arena *a, struct gr_str value);
/* matchers: copied. range_ms 0: an instant vector. */
GR_MUST_USE struct gr_promql *gr_promql_select(struct gr_arena *a, struct gr_str metric,
                                               const struct gr_promql_matcher *matchers, size_t count,
                                               int64_t range_ms);
/* name must be a function of Prometheus 2.42; args are taken over. */
GR_MUST_USE struct gr_promql *gr_promql_call(struct gr_arena *a, const char *name,
                                             struct gr_promql *const *args, size_t count);
/* param: NULL unless the operator takes one. */
GR_MUST_USE struct gr_promql *gr_promql_aggregation(struct gr_arena *a, enum gr_promql_agg op,
                                                    enum gr_promql_clause clause, const struct gr_str *labels,
                                                    size_t count, struct gr_promql *param,
                                                    struct gr_promql *vector);
/* Without bool and matching clauses; set them in ->u.binary. */
GR_MUST_USE struct gr_promql *gr_promql_binary(struct gr_arena *a, enum gr_promql_op op,
                                               struct gr_promql *left, struct gr_promql *right);

/* ---- labels of the result ---- */

enum gr_promql_presence { GR_PROMQL_ABSENT, GR_PROMQL_POSSIBLE, GR_PROMQL_CERTAIN };
struct gr_promql_label {
    struct gr_str name;
    enum gr_promql_presence presence;
    bool fixed;          /* every series of the result that has the label has this value */
    struct gr_str value; /* when fixed */
};
/* What labels the series of a result carry. A label that is not listed is possible when open, absent
 * otherwise. */
struct gr_promql_labels {
    bool open;
    bool empty;                     /* a join inside can never match, so the result has no series */
    struct gr_promql_label *labels; /* in the arena, sorted by name; the metric name is "__name__" */
    size_t count;
};
/* What a caller knows about a selector's series, beyond its matchers: return true and list the labels that
 * every series carries; *closed: and no others. */
typedef bool gr_promql_knows_fn(const struct gr_promql *selector, const struct gr_str **labels, size_t *count,
                                bool *closed, void *ctx);
/* Infers the labels. knows may be NULL: then a selector's set is open. Matching is understood: `a / on (x) b`
 * has x at most; where either side certainly carries a matched label, the result does. label_replace with
 * (.*) or (.+) and $1 is taken as a copy. */
GR_MUST_USE enum gr_err gr_promql_labels(struct gr_arena *a, const struct gr_promql *e,
                                         gr_promql_knows_fn *knows, void *ctx, struct gr_promql_labels *out);
/* An operator between two instant vectors that matches series (all but or), and what its sides carry. Borrowed during the call. */
struct gr_promql_join {
    const struct gr_promql *e;
    const struct gr_promql_labels *left, *right;
    bool never; /* each side may have series, but none of one matches one of the other */
    /* Labels by which the left, the right side has several series for one match where it must have one (evaluation fails then): they
     * stand in its by clause and are not matched on. Empty: none is known. */
    struct gr_str many_left, many_right;
};
typedef void gr_promql_join_fn(const struct gr_promql_join *join, void *ctx);
/* Whether two series are matched on this label, by the operator's clauses. */
bool gr_promql_matched_on(const struct gr_promql_binary *op, struct gr_str label);
struct gr_promql_infer {
    gr_promql_knows_fn *knows; /* may be NULL */
    gr_promql_join_fn *join;   /* called for each operator, those inside first; may be NULL */
    void *ctx;                 /* of both */
};
/* As gr_promql_labels, and tells of every join on the way. */
GR_MUST_USE enum gr_err gr_promql_infer(struct gr_arena *a, const struct gr_promql *e,
                                        const struct gr_promql_infer *how, struct gr_promql_labels *out);
enum gr_promql_presence gr_promql_labels_get(const struct gr_promql_labels *l, struct gr_str name);
/* The entry, or NULL when it is not listed. */
const struct gr_promql_label *gr_promql_labels_find(const struct gr_promql_labels *l, struct gr_str name);
#endif
