/* promql_parse.c - from text to tree, by recursive descent with one word of look-ahead.
 *
 * The grammar is Prometheus' yacc grammar; where that leaves the choice to yacc's tables, the comment says
 * what they do. Prometheus reports some mistakes while it builds the tree (offset behind a sum); they are
 * syntax errors here as well. The first error ends it: after one, the rest of an expression cannot be judged
 * without guessing. */
#include "config.h"
#include "promql_parser.h"

#include <math.h>

#define STRENGTH_POW 6u

static struct gr_promql *parse_expr(struct parser *p, unsigned strength);

/* ---- selectors ---- */

static bool
take_match_op(struct parser *p, enum gr_promql_match *op)
{
    if (parser_at(p, TOK_EQUAL))
        *op = GR_PROMQL_IS;
    else if (parser_at(p, TOK_OP) && p->now.value == GR_PROMQL_NE)
        *op = GR_PROMQL_IS_NOT;
    else if (parser_at(p, TOK_LIKE))
        *op = GR_PROMQL_LIKE;
    else if (parser_at(p, TOK_NOT_LIKE))
        *op = GR_PROMQL_NOT_LIKE;
    else
        return false;
    parser_advance(p);
    return true;
}

static void
check_regex(struct parser *p, const struct gr_promql_matcher *m, struct token value)
{
    bool empty;
    size_t where;
    const char *why;

    if (m->op != GR_PROMQL_LIKE && m->op != GR_PROMQL_NOT_LIKE)
        return;
    if (gr_promql_regex(m->value, &empty, &where, &why) != GR_OK)
        REPORT(p, GR0401, value.start, value.end, "bad regular expression, at its character %zu: %s",
               where + 1, why);
}

/* label op "value" */
static void
parse_matcher(struct parser *p, struct gr_promql_selector *s)
{
    struct gr_promql_matcher m = {.op = GR_PROMQL_IS};
    struct token name = p->now, value;
    void *grown;

    parser_too_many(p, s->count);
    if (parser_at(p, TOK_STRING))
        parser_newer(p, "quoted names of labels and metrics", "3.0");
    if (!parser_expect(p, TOK_NAME, "a selector", "a label name or \"}\""))
        return;
    m.name = token_text(&p->lex, name);
    if (!take_match_op(p, &m.op)) {
        parser_unexpected_near(p, "a selector", "=, !=, =~ or !~", HINT_MATCH, NULL);
        return;
    }
    value = p->now;
    if (!parser_at(p, TOK_STRING)) {
        parser_unexpected_near(p, "a selector", "a value in quotes", HINT_VALUE, NULL);
        return;
    }
    m.value = parser_string_value(p);
    m.where = parser_place(p, name.start, value.end);
    if (!parser_good(p))
        return;
    check_regex(p, &m, value);
    if (s->count == s->cap) {
        if ((grown = gr_arena_grow(p->arena, s->matchers, s->count, &s->cap, sizeof m)) == NULL) {
            parser_out_of_memory(p);
            return;
        }
        s->matchers = grown;
    }
    s->matchers[s->count++] = m;
}

struct matcher_conflict {
    struct parser *p;
    struct token hole;
};

static void
report_conflict(const struct gr_promql *selector, const struct gr_promql_matcher *have,
                const struct gr_promql_matcher *add, void *ctx)
{
    struct matcher_conflict *c = ctx;

    (void)selector;
    (void)have;
    REPORT(c->p, GR0404, c->hole.start, c->hole.end, "the selector matches \"" GR_FMT "\" already",
           GR_ARG(add->name));
}

/* Placeholders of one selector. */
#define HOLES_MAX 8u

/* Adds the matchers of a placeholder that was met between the braces. */
static void
fill_matcher_hole(struct parser *p, struct gr_promql *e, struct token hole,
                  const struct gr_promql_param *param)
{
    struct matcher_conflict conflict = {p, hole};
    struct gr_promql_add add = {
        .matchers = param->matchers, .count = param->count, .conflict = report_conflict, .ctx = &conflict};

    if (param->count > GR_PROMQL_LABELS_MAX - e->u.selector.count)
        parser_too_many(p, GR_PROMQL_LABELS_MAX);
    if (parser_good(p) && gr_promql_add_matchers(p->arena, e, &add) == GR_ENOMEM)
        parser_out_of_memory(p);
}

/* { a="b", … [,] }; at the brace. Placeholders are filled at the end, so that their matchers are compared with all that are written. */
static void
parse_matchers(struct parser *p, struct gr_promql *e)
{
    const struct gr_promql_param *params[HOLES_MAX];
    struct token holes[HOLES_MAX];
    size_t count = 0;

    parser_advance(p);
    while (parser_good(p) && !parser_at(p, TOK_RBRACE)) {
        if (parser_at(p, TOK_HOLE)) {
            if (count == HOLES_MAX) {
                REPORT(p, GR0401, p->now.start, p->now.end, "more than %u placeholders in one selector",
                       HOLES_MAX);
                return;
            }
            holes[count] = p->now;
            params[count++] = parser_param(p, GR_PROMQL_PARAM_MATCHERS);
        } else {
            parse_matcher(p, &e->u.selector);
        }
        if (!parser_good(p) || parser_at(p, TOK_RBRACE))
            break;
        if (!parser_take(p, TOK_COMMA))
            parser_unexpected_near(p, "a selector", "\",\" or \"}\"", HINT_COMMA, NULL);
    }
    for (size_t i = 0; i < count && parser_good(p); i++)
        fill_matcher_hole(p, e, holes[i], params[i]);
    if (parser_good(p))
        parser_advance(p);
}

/* At a name that was found to be a metric's, or at a brace. */
static struct gr_promql *
parse_selector(struct parser *p)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_SELECTOR, 0, p->now.start);

    if (!e)
        return NULL;
    if (!parser_at(p, TOK_LBRACE)) {
        e->u.selector.metric = token_text(&p->lex, p->now);
        parser_advance(p);
    }
    if (parser_at(p, TOK_LBRACE))
        parse_matchers(p, e);
    return parser_finish(p, e);
}

/* ---- calls and aggregations ---- */

struct args {
    struct gr_promql **items;
    size_t count, cap;
};

/* ( expr, … ); no comma at the end */
static void
parse_args(struct parser *p, struct args *args)
{
    void *grown;

    if (!parser_expect(p, TOK_LPAREN, "a call", "\"(\""))
        return;
    if (parser_take(p, TOK_RPAREN))
        return;
    do {
        struct gr_promql *e = parse_expr(p, 1);

        if (!parser_good(p))
            return;
        if (args->count == args->cap) {
            grown = gr_arena_grow(p->arena, args->items, args->count, &args->cap, sizeof(struct gr_promql *));
            if (!grown) {
                parser_out_of_memory(p);
                return;
            }
            args->items = grown;
        }
        args->items[args->count++] = e;
    } while (parser_take(p, TOK_COMMA));
    if (!parser_take(p, TOK_RPAREN))
        parser_unexpected_near(p, "a list of arguments", "an operator, \",\" or \")\"", HINT_OPERATOR,
                               args->items[args->count - 1]);
}

static void
unknown_function(struct parser *p, struct token name)
{
    struct gr_str text = parser_quoted(p, name), nearest = promql_hint_function(text);
    const char *version = promql_newer_name(text);
    struct lexer ahead = p->lex; /* behind the parenthesis that is looked at */
    bool labels = lexer_next(&ahead).kind == TOK_NAME && lexer_next(&ahead).kind == TOK_EQUAL;

    if (version)
        REPORT(p, GR0403, name.start, name.end, "\"" GR_FMT "\" needs Prometheus %s", GR_ARG(text), version);
    else if (labels)
        REPORT(p, GR0401, name.start, name.end, "labels are matched in braces: \"" GR_FMT "{…}\"",
               GR_ARG(text));
    else if (nearest.n > 0 && parser_good(p)) {
        gr_diag(p->diags, GR0401, parser_place(p, name.start, name.end), nearest,
                "unknown function \"" GR_FMT "\", did you mean \"" GR_FMT "\"?", GR_ARG(text),
                GR_ARG(nearest));
        p->err = GR_EUSER;
    } else if (parser_good(p)) {
        gr_diag(p->diags, GR0401, parser_place(p, name.start, name.end),
                GR_STR("name a function of Prometheus, or a metric without parentheses"),
                "unknown function \"" GR_FMT "\"", GR_ARG(text));
        p->err = GR_EUSER;
    }
}

/* name ( … ); at the parenthesis */
static struct gr_promql *
parse_call(struct parser *p, struct token name)
{
    const struct gr_promql_function *f = gr_promql_function(token_text(&p->lex, name));
    struct gr_promql *e;
    struct args args = {0};

    if (!f)
        unknown_function(p, name);
    e = parser_node(p, GR_PROMQL_CALL, 0, name.start);
    if (!parser_good(p))
        return NULL;
    parse_args(p, &args);
    e->u.function = f;
    e->child = args.items;
    e->count = args.count;
    return parser_finish(p, e);
}

static bool
parse_clause(struct parser *p, struct gr_promql_aggregate *agg)
{
    if (!parser_at(p, TOK_BY) && !parser_at(p, TOK_WITHOUT))
        return false;
    agg->clause = parser_at(p, TOK_BY) ? GR_PROMQL_BY : GR_PROMQL_WITHOUT;
    parser_advance(p);
    parser_labels(p, &agg->labels, &agg->count);
    return true;
}

/* op [by|without (…)] ( [param,] vector ) or op ( … ) [by|without (…)]; behind op */
static struct gr_promql *
parse_aggregate(struct parser *p, struct token op)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_AGGREGATE, 0, op.start);
    struct args args = {0};
    size_t want;

    if (!e)
        return NULL;
    e->u.aggregate.op = (enum gr_promql_agg)op.value;
    if (parse_clause(p, &e->u.aggregate)) {
        parse_args(p, &args);
    } else {
        parse_args(p, &args);
        if (parser_good(p))
            parse_clause(p, &e->u.aggregate);
    }
    if (!parser_good(p))
        return NULL;
    want = promql_agg_param(e->u.aggregate.op) == GR_PROMQL_T_NONE ? 1 : 2;
    if (args.count != want)
        REPORT(p, GR0401, op.start, p->last_end,
               "\"" GR_FMT "\" takes %zu argument%s, got %zu: " GR_FMT "(%s%sinstant vector)",
               GR_ARG(gr_promql_agg_name(e->u.aggregate.op)), want, want == 1 ? "" : "s", args.count,
               GR_ARG(gr_promql_agg_name(e->u.aggregate.op)),
               want == 1 ? "" : gr_promql_type_name(promql_agg_param(e->u.aggregate.op)),
               want == 1 ? "" : ", ");
    e->child = args.items;
    e->count = args.count;
    return parser_finish(p, e);
}

/* ---- names: metric, function or aggregation, told by the next word ---- */

static bool
may_be_metric(enum token_kind kind, unsigned value)
{
    return kind == TOK_NAME || kind == TOK_METRIC_NAME || kind == TOK_AGG || kind == TOK_BY ||
           kind == TOK_WITHOUT || kind == TOK_OFFSET || kind == TOK_START || kind == TOK_END ||
           (kind == TOK_OP && gr_promql_op_sets((enum gr_promql_op)value));
}

/* The word behind the one looked at. Only behind names, which leave the lexer's state alone. */
static struct token
look_behind(const struct parser *p)
{
    struct lexer copy = p->lex;

    return lexer_next(&copy);
}

static struct gr_promql *
parse_name(struct parser *p)
{
    struct token name = p->now, next = look_behind(p);
    bool by = next.kind == TOK_BY || next.kind == TOK_WITHOUT;
    struct gr_str text = token_text(&p->lex, name);

    if (name.kind == TOK_AGG && (next.kind == TOK_LPAREN || by)) {
        parser_advance(p);
        return parse_aggregate(p, name);
    }
    if (name.kind == TOK_NAME && (next.kind == TOK_LPAREN || (by && promql_newer_name(text)))) {
        parser_advance(p);
        return parse_call(p, name);
    }
    if (next.kind == TOK_LPAREN && (name.kind == TOK_START || name.kind == TOK_END)) {
        parser_newer(p, "start() and end() as functions", "3.6");
        return NULL;
    }
    return parse_selector(p);
}

static struct gr_promql *
parse_paren(struct parser *p)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_PAREN, 1, p->now.start);
    struct gr_promql *inner;

    if (!e)
        return NULL;
    parser_advance(p);
    inner = parse_expr(p, 1);
    if (!parser_good(p))
        return NULL;
    e->child[0] = inner;
    if (!parser_take(p, TOK_RPAREN))
        parser_unexpected_near(p, "parentheses", "an operator or \")\"", HINT_OPERATOR, inner);
    return parser_finish(p, e);
}

/* A copy of what a placeholder stands for, at the placeholder's bytes. */
static struct gr_promql *
parse_hole(struct parser *p)
{
    struct token hole = p->now;
    const struct gr_promql_param *param = parser_param(p, GR_PROMQL_PARAM_EXPR);
    struct gr_promql *e;

    if (!param)
        return NULL;
    if ((e = gr_promql_clone(p->arena, param->expr)) == NULL) {
        parser_out_of_memory(p);
        return NULL;
    }
    e->start = hole.start;
    e->end = hole.end;
    if (e->where.file == 0)
        e->where = parser_place(p, hole.start, hole.end);
    return e;
}

static struct gr_promql *
parse_primary(struct parser *p)
{
    if (parser_at(p, TOK_HOLE))
        return parse_hole(p);
    if (parser_at(p, TOK_LPAREN))
        return parse_paren(p);
    if (parser_at(p, TOK_NUMBER))
        return parser_number(p);
    if (parser_at(p, TOK_STRING))
        return parser_string(p);
    if (parser_at(p, TOK_LBRACE))
        return parse_selector(p);
    if (may_be_metric(p->now.kind, p->now.value))
        return parse_name(p);
    parser_unexpected_near(p, "an expression", "a metric, a number, a function or \"(\"", HINT_OPERAND, NULL);
    return NULL;
}

/* ---- what follows an operand: [range], [range:step], offset, @ ---- */

static struct gr_promql *
parse_subquery(struct parser *p, struct gr_promql *inner, int64_t range)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_SUBQUERY, 1, inner->start);

    if (!e)
        return NULL;
    e->child[0] = inner;
    e->u.subquery.range_ms = range;
    parser_advance(p);
    if (!parser_at(p, TOK_RBRACKET))
        e->u.subquery.step_ms = parser_duration_value(p, "a subquery");
    if (parser_good(p))
        parser_expect(p, TOK_RBRACKET, "a subquery", "\"]\"");
    return parser_finish(p, e);
}

static struct gr_promql *
parse_range(struct parser *p, struct gr_promql *e)
{
    uint32_t start = p->now.start;
    const char *why = NULL;
    int64_t range;

    parser_advance(p);
    range = parser_duration_value(p, "brackets");
    if (!parser_good(p))
        return NULL;
    if (parser_at(p, TOK_COLON))
        return parse_subquery(p, e, range);
    if (parser_at(p, TOK_OP))
        parser_newer(p, "arithmetic on durations", "3.4");
    parser_expect(p, TOK_RBRACKET, "brackets", "\":\" or \"]\"");
    if (e->kind != GR_PROMQL_SELECTOR || e->u.selector.range_ms != 0)
        why = "a range is for a plain selector only; a subquery is written [5m:]";
    else if (e->u.selector.shift.offset_ms != 0)
        why = "offset comes behind the range";
    else if (e->u.selector.shift.at == GR_PROMQL_AT_TIME) /* Prometheus lets @ start() pass, and so must we */
        why = "@ comes behind the range";
    if (why)
        REPORT(p, GR0401, start, p->last_end, "%s", why);
    if (parser_good(p))
        e->u.selector.range_ms = range;
    return parser_finish(p, e);
}

/* The modifiers of e, or NULL (reported) if it takes none. */
static struct gr_promql_shift *
shift_of(struct parser *p, struct gr_promql *e, const char *what)
{
    if (e->kind == GR_PROMQL_SELECTOR)
        return &e->u.selector.shift;
    if (e->kind == GR_PROMQL_SUBQUERY)
        return &e->u.subquery.shift;
    REPORT(p, GR0401, p->now.start, p->now.end, "%s stands behind a selector or a subquery only", what);
    return NULL;
}

static struct gr_promql *
parse_offset(struct parser *p, struct gr_promql *e)
{
    struct gr_promql_shift *shift = shift_of(p, e, "offset");
    uint32_t start = p->now.start;
    bool minus;
    int64_t ms;

    if (!shift)
        return NULL;
    parser_advance(p);
    minus = parser_at(p, TOK_OP) && p->now.value == GR_PROMQL_SUB;
    if (minus)
        parser_advance(p);
    ms = parser_duration_value(p, "offset");
    if (shift->offset_ms != 0)
        REPORT(p, GR0401, start, p->last_end, "a second offset");
    shift->offset_ms = minus ? -ms : ms;
    return parser_finish(p, e);
}

/* Behind @: a signed number of seconds. */
static void
parse_at_time(struct parser *p, struct gr_promql_shift *shift)
{
    bool sign = parser_at(p, TOK_OP) && (p->now.value == GR_PROMQL_ADD || p->now.value == GR_PROMQL_SUB);
    bool minus = sign && p->now.value == GR_PROMQL_SUB;
    uint32_t start = p->now.start;

    if (sign)
        parser_advance(p);
    if (!parser_at(p, TOK_NUMBER)) {
        parser_unexpected(p, "@", "a Unix time in seconds, start() or end()");
        return;
    }
    shift->at = GR_PROMQL_AT_TIME;
    shift->at_s = parser_number_value(p);
    if (minus)
        shift->at_s = -shift->at_s;
    if (!(fabs(shift->at_s) < 9223372036854775808.0)) /* NaN as well */
        REPORT(p, GR0401, start, p->last_end, "the time is out of range");
}

static struct gr_promql *
parse_at(struct parser *p, struct gr_promql *e)
{
    struct gr_promql_shift *shift = shift_of(p, e, "@");
    uint32_t start = p->now.start;

    if (!shift)
        return NULL;
    parser_advance(p);
    if (shift->at != GR_PROMQL_AT_NONE)
        REPORT(p, GR0401, start, p->now.end, "a second @");
    if (!parser_good(p))
        return NULL;
    if (parser_at(p, TOK_START) || parser_at(p, TOK_END)) {
        shift->at = parser_at(p, TOK_START) ? GR_PROMQL_AT_START : GR_PROMQL_AT_END;
        parser_advance(p);
        parser_expect(p, TOK_LPAREN, "@", "\"(\"");
        parser_expect(p, TOK_RPAREN, "@", "\")\"");
    } else {
        parse_at_time(p, shift);
    }
    return parser_finish(p, e);
}

/* These bind tighter than any operator, a sign included: -a[5m] is -(a[5m]). */
static struct gr_promql *
parse_postfix(struct parser *p)
{
    struct gr_promql *e = parse_primary(p);

    while (parser_good(p)) {
        if (parser_at(p, TOK_LBRACKET))
            e = parse_range(p, e);
        else if (parser_at(p, TOK_OFFSET))
            e = parse_offset(p, e);
        else if (parser_at(p, TOK_AT))
            e = parse_at(p, e);
        else
            break;
    }
    return parser_good(p) ? e : NULL;
}

/* ---- operators ---- */

/* A sign binds as * does, so -a ^ b is -(a ^ b). Before a number it becomes part of it. */
static struct gr_promql *
parse_signed(struct parser *p)
{
    uint32_t start = p->now.start;
    char sign = p->now.value == GR_PROMQL_SUB ? '-' : '+';
    struct gr_promql *operand, *e;

    parser_advance(p);
    operand = parse_expr(p, STRENGTH_POW);
    if (!parser_good(p))
        return NULL;
    if (operand->kind == GR_PROMQL_NUMBER) {
        operand->start = start;
        if (sign == '-')
            operand->u.number = -operand->u.number;
        return parser_finish(p, operand);
    }
    if ((e = parser_node(p, GR_PROMQL_UNARY, 1, start)) == NULL)
        return NULL;
    e->child[0] = operand;
    e->u.sign = sign;
    return parser_finish(p, e);
}

/* [bool] [on|ignoring (…) [group_left|group_right [(…)]]]. A parenthesis behind group_left is always its list
 * of labels. */
static void
parse_matching(struct parser *p, struct gr_promql_binary *b)
{
    if (parser_take(p, TOK_BOOL))
        b->return_bool = true;
    if (!parser_at(p, TOK_ON) && !parser_at(p, TOK_IGNORING)) {
        if (parser_at(p, TOK_GROUP_LEFT) || parser_at(p, TOK_GROUP_RIGHT))
            parser_unexpected(p, "an operator's clauses", "on (…) or ignoring (…) before it");
        return;
    }
    b->has_matching = true;
    b->on = parser_at(p, TOK_ON);
    parser_advance(p);
    parser_labels(p, &b->labels, &b->label_count);
    if (!parser_good(p) || (!parser_at(p, TOK_GROUP_LEFT) && !parser_at(p, TOK_GROUP_RIGHT)))
        return;
    b->group = parser_at(p, TOK_GROUP_LEFT) ? GR_PROMQL_GROUP_LEFT : GR_PROMQL_GROUP_RIGHT;
    parser_advance(p);
    if (parser_at(p, TOK_LPAREN))
        parser_labels(p, &b->include, &b->include_count);
}

/* left op right; at op. */
static struct gr_promql *
parse_binary(struct parser *p, struct gr_promql *left)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_BINARY, 2, left->start), *right;
    enum gr_promql_op op = (enum gr_promql_op)p->now.value;
    unsigned strength = promql_op_strength(op);

    if (!e)
        return NULL;
    e->u.binary.op = op;
    e->u.binary.op_where = parser_place(p, p->now.start, p->now.end);
    parser_advance(p);
    parse_matching(p, &e->u.binary);
    if (!parser_good(p))
        return NULL;
    right = parse_expr(p, strength == STRENGTH_POW ? strength : strength + 1);
    if (!parser_good(p))
        return NULL;
    e->child[0] = left;
    e->child[1] = right;
    return parser_finish(p, e);
}

/* Operators at least this strong. */
static struct gr_promql *
parse_expr(struct parser *p, unsigned strength)
{
    struct gr_promql *e;

    if (p->nesting == GR_PROMQL_NESTING_MAX) {
        REPORT(p, GR0002, p->now.start, p->now.end, "the expression is nested too deep (more than %u levels)",
               GR_PROMQL_NESTING_MAX);
        return NULL;
    }
    p->nesting++;
    if (parser_at(p, TOK_OP) && (p->now.value == GR_PROMQL_ADD || p->now.value == GR_PROMQL_SUB))
        e = parse_signed(p);
    else
        e = parse_postfix(p);
    while (parser_good(p) && parser_at(p, TOK_OP) &&
           promql_op_strength((enum gr_promql_op)p->now.value) >= strength)
        e = parse_binary(p, e);
    p->nesting--;
    return parser_good(p) ? e : NULL;
}

/* ---- the whole ---- */

static void
expect_end(struct parser *p, const struct gr_promql *e)
{
    struct gr_str text = token_text(&p->lex, p->now);

    if (parser_at(p, TOK_EOF))
        return;
    if (gr_str_is(text, "smoothed") || gr_str_is(text, "anchored"))
        parser_newer(p, "the modifiers smoothed and anchored", "3.7");
    parser_unexpected_near(p, "an expression", "an operator or its end", HINT_OPERATOR, e);
}

enum gr_err
gr_promql_parse_with(struct gr_arena *a, struct gr_str text, struct gr_span origin,
                     const struct gr_promql_params *params, struct gr_diags *diags, struct gr_promql **out)
{
    struct parser p = {.arena = a, .diags = diags, .params = params, .lex.holes = params != NULL};
    struct gr_promql *e;

    p.origin = origin;
    if (text.n > GR_PROMQL_BYTES_MAX) {
        gr_diag(diags, GR0002, origin, GR_STR_NONE, "the expression has %zu bytes, more than %u", text.n,
                GR_PROMQL_BYTES_MAX);
        return GR_EUSER;
    }
    parser_set_origin(&p, origin, text);
    p.lex.text = gr_arena_dup(a, text);
    if (!p.lex.text.p)
        return GR_ENOMEM;
    p.now = lexer_next(&p.lex);
    if (parser_at(&p, TOK_EOF))
        REPORT(&p, GR0401, 0, (uint32_t)text.n, "there is no expression");
    e = parser_good(&p) ? parse_expr(&p, 1) : NULL;
    if (parser_good(&p))
        expect_end(&p, e);
    if (!parser_good(&p))
        return p.err;
    if ((p.err = gr_promql_check(e, diags)) == GR_OK)
        *out = e;
    return p.err;
}

enum gr_err
gr_promql_parse(struct gr_arena *a, struct gr_str text, struct gr_span origin, struct gr_diags *diags,
                struct gr_promql **out)
{
    return gr_promql_parse_with(a, text, origin, NULL, diags, out);
}
