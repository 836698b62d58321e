/* promql_lex.h - PromQL's words, and the tables of names. Private to rules/.
 *
 * The lexer follows that of Prometheus 2.42 in what it takes and where its state matters: inside braces
 * keywords are plain names, inside brackets a duration comes first, and a colon (or, there, any letter)
 * separates range and step. */
#ifndef GUARDRAIL_RULES_PROMQL_LEX_H
#define GUARDRAIL_RULES_PROMQL_LEX_H
#include "guardrail/promql.h"

enum token_kind {
    TOK_EOF,
    TOK_BAD, /* see lexer.why */
    TOK_NUMBER,
    TOK_DURATION,
    TOK_STRING,
    TOK_NAME,        /* no colon in it */
    TOK_METRIC_NAME, /* with a colon */
    TOK_LPAREN,
    TOK_RPAREN,
    TOK_LBRACE,
    TOK_RBRACE,
    TOK_LBRACKET,
    TOK_RBRACKET,
    TOK_COMMA,
    TOK_COLON,
    TOK_AT,
    TOK_EQUAL,    /* = */
    TOK_LIKE,     /* =~ */
    TOK_NOT_LIKE, /* !~ */
    TOK_OP,       /* a binary operator; value is its gr_promql_op. != in braces too */
    TOK_AGG,      /* value is its gr_promql_agg */
    TOK_OFFSET,
    TOK_BY,
    TOK_WITHOUT,
    TOK_ON,
    TOK_IGNORING,
    TOK_GROUP_LEFT,
    TOK_GROUP_RIGHT,
    TOK_BOOL,
    TOK_START,
    TOK_END,
    TOK_HOLE /* $name, where placeholders are allowed */
};
struct token {
    enum token_kind kind;
    unsigned value;      /* of TOK_OP and TOK_AGG */
    uint32_t start, end; /* bytes of the text */
};
struct lexer {
    struct gr_str text; /* at most GR_PROMQL_BYTES_MAX */
    uint32_t pos;
    bool in_braces, in_brackets, seen_colon;
    bool want_duration; /* the bracket was just opened */
    bool holes;         /* placeholders are allowed */
    enum gr_code code;  /* of a TOK_BAD: GR0401, or GR0403 where it is the syntax of a later version */
    const char *why;    /* of a TOK_BAD: lives for ever; NULL: a character that nothing starts with */
};

/* The next word; comments are left out. After TOK_BAD or TOK_EOF it must not be called again. */
struct token lexer_next(struct lexer *lex);
struct gr_str token_text(const struct lexer *lex, struct token t);
/* How a message names it: `end of input`, `"foo"`. At most a few words of it. */
const char *token_kind_name(enum token_kind kind);

/* The operator's binding strength, 1 (or) to 6 (^). */
unsigned promql_op_strength(enum gr_promql_op op);
/* Whether the aggregation takes a parameter before its vector, and of what type. */
enum gr_promql_type promql_agg_param(enum gr_promql_agg op);
/* The first version that has a function or aggregation which 2.42 lacks; NULL if none has. */
const char *promql_newer_name(struct gr_str name);
/* The known function nearest to a misspelt name, or empty. */
struct gr_str promql_nearest_function(struct gr_str name);
/* The keyword that a name is in any case of letters; false if none. Numbers (inf, nan) are TOK_NUMBER. */
bool promql_keyword(struct gr_str name, struct token *out);
/* Whether a matcher accepts a series without the label. The matcher's regular expression must be valid. */
bool promql_matches_empty(const struct gr_promql_matcher *m);
/* [a-zA-Z_][a-zA-Z0-9_]* */
bool promql_is_label(struct gr_str s);
#endif
