/* promql_parser.h - what the two parts of the PromQL parser share: state, words, places, messages, literals. Private
 * to rules/. */
#ifndef GUARDRAIL_RULES_PROMQL_PARSER_H
#define GUARDRAIL_RULES_PROMQL_PARSER_H
#include "promql_tree.h"

struct parser {
    struct gr_arena *arena;
    struct gr_diags *diags;
    struct lexer lex;
    struct token now; /* the word that is looked at */
    uint32_t nesting;
    uint32_t last_end; /* where the last word that was taken ends */
    struct gr_span origin;
    uint32_t *map;   /* where each byte stands in origin, when not exact (promql_align); NULL: not known */
    uint32_t delta;  /* bytes of origin before the text */
    bool exact;      /* places can be told within origin */
    enum gr_err err; /* GR_OK, GR_EUSER (reported), GR_ENOMEM */
    const struct gr_promql_params *params; /* NULL: no placeholders */
};

/* Bytes of the text as a span of the file. */
struct gr_span parser_place(const struct parser *p, uint32_t start, uint32_t end);
/* Before the first word: where the text stands. */
void parser_set_origin(struct parser *p, struct gr_span origin, struct gr_str text);
/* Whether to go on. After an error every function here does nothing and returns NULL, false or 0. */
bool parser_good(const struct parser *p);
void parser_out_of_memory(struct parser *p);
/* The start of a word, to be quoted in a message. */
struct gr_str parser_quoted(const struct parser *p, struct token t);
/* The word looked at does not fit: names it and what would. */
void parser_unexpected(struct parser *p, const char *where, const char *expected);
/* The same where something is near: left (or NULL) is the operand before it. */
enum hint_place {
    HINT_NONE,
    HINT_OPERATOR, /* an operator or a clause is expected */
    HINT_OPERAND,
    HINT_MATCH, /* = != =~ !~ */
    HINT_VALUE, /* of a matcher */
    HINT_COMMA, /* between matchers */
    HINT_FUNCTION
};
void parser_unexpected_near(struct parser *p, const char *where, const char *expected, enum hint_place place,
                            const struct gr_promql *left);
/* promql_hint.c: what was probably meant by bytes start … end-1 of the text, or empty. */
struct gr_str promql_hint(enum hint_place place, struct gr_str text, uint32_t start, uint32_t end);
struct gr_str promql_hint_function(struct gr_str name);
/* The word looked at starts what a later version understands. */
void parser_newer(struct parser *p, const char *what, const char *version);

/* ---- words: look, take, or insist ---- */

void parser_advance(struct parser *p);
bool parser_at(const struct parser *p, enum token_kind kind);
bool parser_take(struct parser *p, enum token_kind kind);
bool parser_expect(struct parser *p, enum token_kind kind, const char *where, const char *expected);

/* ---- nodes: made at their first byte, finished (NULL after an error) behind their last word ---- */

struct gr_promql *parser_node(struct parser *p, enum gr_promql_kind kind, size_t children, uint32_t start);
struct gr_promql *parser_finish(struct parser *p, struct gr_promql *e);
/* Refuses more than GR_PROMQL_LABELS_MAX. */
void parser_too_many(struct parser *p, size_t count);

/* ---- literals and lists ---- */

double parser_number_value(struct parser *p);
int64_t parser_duration_value(struct parser *p, const char *where);
struct gr_str parser_string_value(struct parser *p);
struct gr_promql *parser_number(struct parser *p);
struct gr_promql *parser_string(struct parser *p);
/* What the placeholder that is looked at stands for, which must be of this kind; the next word is looked at then. NULL (reported)
 * otherwise. */
const struct gr_promql_param *parser_param(struct parser *p, enum gr_promql_param_kind kind);
/* ( a, b [,] ) */
void parser_labels(struct parser *p, struct gr_str **labels, size_t *count);

/* Reports the one error. Foreign text in messages is escaped by whoever prints them. */
#define REPORT(p, code, start, end, ...)                                                                     \
    do {                                                                                                     \
        if (parser_good(p)) {                                                                                \
            gr_diag((p)->diags, code, parser_place(p, start, end), GR_STR_NONE, __VA_ARGS__);                \
            (p)->err = GR_EUSER;                                                                             \
        }                                                                                                    \
    } while (0)
#endif
