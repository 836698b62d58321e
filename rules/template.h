/* template.h - the templates in annotations and labels of alerts: do they parse, and which labels do they
 * use. Private to rules/.
 *
 * The language is text/template of Go 1.19 with the functions of Prometheus 2.42 and the variables $labels,
 * $externalLabels, $externalURL and $value. Nothing is executed. Limit: TEMPLATE_NESTING_MAX nested actions
 * and parentheses. */
#ifndef GUARDRAIL_RULES_TEMPLATE_H
#define GUARDRAIL_RULES_TEMPLATE_H
#include "guardrail/arena.h"

#define TEMPLATE_NESTING_MAX 100u

enum template_token_kind {
    TT_ERROR, /* see the lexer's why */
    TT_EOF,
    TT_TEXT,
    TT_SPACE,
    TT_LEFT, /* {{ */
    TT_RIGHT,
    TT_OPEN, /* ( */
    TT_CLOSE,
    TT_PIPE,
    TT_ASSIGN,  /* = */
    TT_DECLARE, /* := */
    TT_CHAR,    /* any other printable character */
    TT_BOOL,
    TT_RUNE, /* 'x' */
    TT_COMPLEX,
    TT_NUMBER,
    TT_STRING,
    TT_RAW_STRING,
    TT_FIELD, /* .name */
    TT_NAME,
    TT_VARIABLE, /* $name or $ */
    TT_DOT,
    TT_NIL,
    TT_BLOCK, /* keywords, from here on */
    TT_BREAK,
    TT_CONTINUE,
    TT_DEFINE,
    TT_ELSE,
    TT_END,
    TT_IF,
    TT_RANGE,
    TT_TEMPLATE,
    TT_WITH
};
struct template_token {
    enum template_token_kind kind;
    size_t start, end; /* bytes of the text */
};
struct template_lexer {
    struct gr_str text;
    size_t pos;
    bool inside;     /* an action */
    unsigned parens; /* open ones */
    const char *why; /* of TT_ERROR: lives for ever */
};
struct template_token template_next(struct template_lexer *lex);
/* Whether the literal (quotes and all) is one that Go takes. */
bool template_string_ok(struct gr_str literal);
bool template_rune_ok(struct gr_str literal);
bool template_number_ok(struct gr_str literal);

/* A use of a label of the alert: $labels.name, .Labels.name, index $labels "name". */
typedef void template_label_fn(struct gr_str label, size_t start, size_t end, void *ctx);
struct template_error {
    size_t start, end;
    struct gr_str why; /* in the arena, or static */
};
/* GR_OK; GR_ESYNTAX and *error; GR_ENOMEM. used may be NULL. */
GR_MUST_USE enum gr_err template_check(struct gr_arena *a, struct gr_str text, template_label_fn *used,
                                       void *ctx, struct template_error *error);
#endif
