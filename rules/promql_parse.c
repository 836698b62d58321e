/* promql_parse.c - from text to tree, by recursive descent with one word of look-ahead.
 *
 * The grammar is Prometheus' yacc grammar; where that leaves the choice to yacc's tables, the comment says what they do. Prometheus
 * reports some mistakes while it builds the tree (offset behind a sum); they are syntax errors here as well. The first error ends
 * it: after one, the rest of an expression cannot be judged without guessing. */
#include "config.h"
#include "promql_tree.h"

#include <math.h>

#define STRENGTH_POW 6u

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
};

/* ---- places and messages ---- */

static struct gr_span
place(const struct parser *p, uint32_t start, uint32_t end)
{
    uint32_t from = p->origin.start;

    if (p->map && end > start)
        return (struct gr_span){p->origin.file, from + p->map[start], from + p->map[end - 1] + 1};
    if (!p->exact)
        return p->origin;
    return (struct gr_span){p->origin.file, p->origin.start + p->delta + start,
                            p->origin.start + p->delta + end};
}

/* Most texts stand in the file as they are, but for quotes; for the others the map is made. */
static void
set_origin(struct parser *p, struct gr_span origin, struct gr_str text)
{
    const struct gr_sources *sources = gr_diags_sources(p->diags);
    struct gr_str raw;

    p->origin = origin;
    if (origin.file == 0 || !sources)
        return;
    raw = gr_str_sub(gr_sources_get(sources, origin.file)->text, origin.start, origin.end);
    p->delta = raw.n == text.n + 2 ? 1 : 0;
    p->exact = gr_str_eq(gr_str_sub(raw, p->delta, raw.n - p->delta), text);
    if (!p->exact && !promql_align(p->arena, text, raw, &p->map))
        p->map = NULL;
}

/* Whether to go on. Every function below returns at once, with NULL or false, when it is not. */
static bool
good(const struct parser *p)
{
    return p->err == GR_OK;
}

static void
out_of_memory(struct parser *p)
{
    p->err = GR_ENOMEM;
}

/* Reports the one error. Foreign text in messages is escaped by whoever prints them. */
#define REPORT(p, code, start, end, ...)                                                                     \
    do {                                                                                                     \
        if (good(p)) {                                                                                       \
            gr_diag((p)->diags, code, place(p, start, end), GR_STR_NONE, __VA_ARGS__);                       \
            (p)->err = GR_EUSER;                                                                             \
        }                                                                                                    \
    } while (0)

/* At most this much of the text is quoted in a message. */
#define QUOTED_MAX 24u

static struct gr_str
quoted(const struct parser *p, struct token t)
{
    return gr_str_sub(p->lex.text, t.start, t.end - t.start > QUOTED_MAX ? t.start + QUOTED_MAX : t.end);
}

/* The word does not fit: names it and what would. */
static void
unexpected(struct parser *p, const char *where, const char *expected)
{
    struct token t = p->now;
    struct gr_str text = quoted(p, t);
    const char *kind = token_kind_name(t.kind);

    if (t.kind == TOK_BAD)
        REPORT(p, p->lex.code, t.start, t.end, "%s", p->lex.why);
    else if (t.kind == TOK_EOF)
        REPORT(p, GR0401, t.start, t.end, "the expression ends within %s, expected %s", where, expected);
    else if (kind)
        REPORT(p, GR0401, t.start, t.end, "unexpected %s \"" GR_FMT "\" in %s, expected %s", kind,
               GR_ARG(text), where, expected);
    else
        REPORT(p, GR0401, t.start, t.end, "unexpected \"" GR_FMT "\" in %s, expected %s", GR_ARG(text), where,
               expected);
}

/* The word is the start of what a later version understands. */
static void
newer(struct parser *p, const char *what, const char *version)
{
    REPORT(p, GR0403, p->now.start, p->now.end, "%s: needs Prometheus %s", what, version);
}

/* ---- words ---- */

static void
advance(struct parser *p)
{
    p->last_end = p->now.end;
    if (p->now.kind != TOK_BAD && p->now.kind != TOK_EOF)
        p->now = lexer_next(&p->lex);
}

static bool
at(const struct parser *p, enum token_kind kind)
{
    return p->now.kind == kind;
}

static bool
take(struct parser *p, enum token_kind kind)
{
    if (!at(p, kind))
        return false;
    advance(p);
    return true;
}

static bool
expect(struct parser *p, enum token_kind kind, const char *where, const char *expected)
{
    if (take(p, kind))
        return true;
    unexpected(p, where, expected);
    return false;
}

/* ---- nodes ---- */

static struct gr_promql *
node(struct parser *p, enum gr_promql_kind kind, size_t children, uint32_t start)
{
    struct gr_promql *e = promql_node(p->arena, kind, children);

    if (!e)
        out_of_memory(p);
    else
        e->start = start;
    return e;
}

/* Closes a node at the last word taken; NULL after an error. */
static struct gr_promql *
finish(struct parser *p, struct gr_promql *e)
{
    if (!good(p))
        return NULL;
    e->end = p->last_end;
    e->where = place(p, e->start, e->end);
    if (!promql_measure(e)) {
        REPORT(p, GR0002, e->start, e->end, "the expression is nested too deep (more than %u levels)",
               GR_PROMQL_HEIGHT_MAX);
        return NULL;
    }
    return e;
}

/* Keeps lists short, so that comparing each with each is cheap. */
static void
too_many(struct parser *p, size_t count)
{
    if (count == GR_PROMQL_LABELS_MAX)
        REPORT(p, GR0002, p->now.start, p->now.end, "more than %u labels", GR_PROMQL_LABELS_MAX);
}

static struct gr_promql *parse_expr(struct parser *p, unsigned strength);

/* ---- literals ---- */

static double
number_value(struct parser *p)
{
    double v = 0;
    enum gr_err err = promql_number(token_text(&p->lex, p->now), &v);

    if (err != GR_OK)
        REPORT(p, GR0401, p->now.start, p->now.end, "%s",
               err == GR_ERANGE ? "the number is too large or too long" : "bad number");
    advance(p);
    return v;
}

static int64_t
duration_value(struct parser *p, const char *where)
{
    int64_t ms = 0;
    enum gr_err err;

    if (!at(p, TOK_DURATION)) {
        if (at(p, TOK_NUMBER))
            newer(p, "a duration without a unit (write 5m, not 300)", "2.54");
        else if (at(p, TOK_LPAREN))
            newer(p, "arithmetic on durations", "3.4");
        unexpected(p, where, "a duration");
        return 0;
    }
    err = promql_duration(token_text(&p->lex, p->now), &ms);
    if (err != GR_OK)
        REPORT(p, GR0401, p->now.start, p->now.end, "%s",
               err == GR_ERANGE
                   ? "the duration must be greater than 0 and at most 292 years"
                   : "bad duration: whole numbers with the units y, w, d, h, m, s, ms in this order");
    advance(p);
    return ms;
}

static struct gr_str
string_value(struct parser *p)
{
    struct gr_str out = GR_STR_NONE;

    if (promql_decode(p->arena, token_text(&p->lex, p->now), &out) != GR_OK)
        out_of_memory(p);
    advance(p);
    return out;
}

static struct gr_promql *
parse_number(struct parser *p)
{
    struct gr_promql *e = node(p, GR_PROMQL_NUMBER, 0, p->now.start);
    double v = number_value(p);

    if (e)
        e->u.number = v;
    return finish(p, e);
}

static struct gr_promql *
parse_string(struct parser *p)
{
    struct gr_promql *e = node(p, GR_PROMQL_STRING, 0, p->now.start);
    struct gr_str text = string_value(p);

    if (e)
        e->u.text = text;
    return finish(p, e);
}

/* ---- selectors ---- */

static bool
take_match_op(struct parser *p, enum gr_promql_match *op)
{
    if (at(p, TOK_EQUAL))
        *op = GR_PROMQL_IS;
    else if (at(p, TOK_OP) && p->now.value == GR_PROMQL_NE)
        *op = GR_PROMQL_IS_NOT;
    else if (at(p, TOK_LIKE))
        *op = GR_PROMQL_LIKE;
    else if (at(p, TOK_NOT_LIKE))
        *op = GR_PROMQL_NOT_LIKE;
    else
        return false;
    advance(p);
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

    too_many(p, s->count);
    if (at(p, TOK_STRING))
        newer(p, "quoted names of labels and metrics", "3.0");
    if (!expect(p, TOK_NAME, "a selector", "a label name or \"}\""))
        return;
    m.name = token_text(&p->lex, name);
    if (!take_match_op(p, &m.op)) {
        unexpected(p, "a selector", "=, !=, =~ or !~");
        return;
    }
    value = p->now;
    if (!at(p, TOK_STRING)) {
        unexpected(p, "a selector", "a value in quotes");
        return;
    }
    m.value = string_value(p);
    m.where = place(p, name.start, value.end);
    if (!good(p))
        return;
    check_regex(p, &m, value);
    if (s->count == s->cap) {
        if ((grown = gr_arena_grow(p->arena, s->matchers, s->count, &s->cap, sizeof m)) == NULL) {
            out_of_memory(p);
            return;
        }
        s->matchers = grown;
    }
    s->matchers[s->count++] = m;
}

/* { a="b", … [,] }; at the brace */
static void
parse_matchers(struct parser *p, struct gr_promql_selector *s)
{
    advance(p);
    while (good(p) && !at(p, TOK_RBRACE)) {
        parse_matcher(p, s);
        if (!good(p) || at(p, TOK_RBRACE))
            break;
        expect(p, TOK_COMMA, "a selector", "\",\" or \"}\"");
    }
    if (good(p))
        advance(p);
}

/* At a name that was found to be a metric's, or at a brace. */
static struct gr_promql *
parse_selector(struct parser *p)
{
    struct gr_promql *e = node(p, GR_PROMQL_SELECTOR, 0, p->now.start);

    if (!e)
        return NULL;
    if (!at(p, TOK_LBRACE)) {
        e->u.selector.metric = token_text(&p->lex, p->now);
        advance(p);
    }
    if (at(p, TOK_LBRACE))
        parse_matchers(p, &e->u.selector);
    return finish(p, e);
}

/* ---- lists of labels ---- */

/* Keywords that Prometheus takes as label names: all but "without" (and the numbers inf and nan). */
static bool
may_be_label(const struct parser *p)
{
    switch (p->now.kind) {
    case TOK_NAME:
    case TOK_AGG:
    case TOK_OFFSET:
    case TOK_BY:
    case TOK_ON:
    case TOK_IGNORING:
    case TOK_GROUP_LEFT:
    case TOK_GROUP_RIGHT:
    case TOK_BOOL:
    case TOK_START:
    case TOK_END:
        return true;
    case TOK_OP:
        return promql_is_label(token_text(&p->lex, p->now));
    case TOK_METRIC_NAME: /* a colon cannot be in a label */
    case TOK_EOF:
    case TOK_BAD:
    case TOK_NUMBER:
    case TOK_DURATION:
    case TOK_STRING:
    case TOK_LPAREN:
    case TOK_RPAREN:
    case TOK_LBRACE:
    case TOK_RBRACE:
    case TOK_LBRACKET:
    case TOK_RBRACKET:
    case TOK_COMMA:
    case TOK_COLON:
    case TOK_AT:
    case TOK_EQUAL:
    case TOK_LIKE:
    case TOK_NOT_LIKE:
    case TOK_WITHOUT:
        break;
    }
    return false;
}

/* ( a, b [,] ) */
static void
parse_labels(struct parser *p, struct gr_str **labels, size_t *count)
{
    size_t cap = 0;
    void *grown;

    if (!expect(p, TOK_LPAREN, "a list of labels", "\"(\""))
        return;
    while (good(p) && !at(p, TOK_RPAREN)) {
        too_many(p, *count);
        if (at(p, TOK_STRING))
            newer(p, "quoted names of labels", "3.0");
        if (!may_be_label(p)) {
            unexpected(p, "a list of labels", "a label name");
            return;
        }
        if (*count == cap) {
            if ((grown = gr_arena_grow(p->arena, *labels, *count, &cap, sizeof **labels)) == NULL) {
                out_of_memory(p);
                return;
            }
            *labels = grown;
        }
        (*labels)[(*count)++] = token_text(&p->lex, p->now);
        advance(p);
        if (!at(p, TOK_RPAREN))
            expect(p, TOK_COMMA, "a list of labels", "\",\" or \")\"");
    }
    if (good(p))
        advance(p);
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

    if (!expect(p, TOK_LPAREN, "a call", "\"(\""))
        return;
    if (take(p, TOK_RPAREN))
        return;
    do {
        struct gr_promql *e = parse_expr(p, 1);

        if (!good(p))
            return;
        if (args->count == args->cap) {
            grown = gr_arena_grow(p->arena, args->items, args->count, &args->cap, sizeof(struct gr_promql *));
            if (!grown) {
                out_of_memory(p);
                return;
            }
            args->items = grown;
        }
        args->items[args->count++] = e;
    } while (take(p, TOK_COMMA));
    expect(p, TOK_RPAREN, "a list of arguments", "\",\" or \")\"");
}

static void
unknown_function(struct parser *p, struct token name)
{
    struct gr_str text = quoted(p, name), nearest = promql_nearest_function(text);
    const char *version = promql_newer_name(text);

    if (version)
        REPORT(p, GR0403, name.start, name.end, "\"" GR_FMT "\" needs Prometheus %s", GR_ARG(text), version);
    else if (nearest.n > 0 && good(p)) {
        gr_diag(p->diags, GR0401, place(p, name.start, name.end), nearest,
                "unknown function \"" GR_FMT "\", did you mean \"" GR_FMT "\"?", GR_ARG(text),
                GR_ARG(nearest));
        p->err = GR_EUSER;
    } else
        REPORT(p, GR0401, name.start, name.end, "unknown function \"" GR_FMT "\"", GR_ARG(text));
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
    e = node(p, GR_PROMQL_CALL, 0, name.start);
    if (!good(p))
        return NULL;
    parse_args(p, &args);
    e->u.function = f;
    e->child = args.items;
    e->count = args.count;
    return finish(p, e);
}

static bool
parse_clause(struct parser *p, struct gr_promql_aggregate *agg)
{
    if (!at(p, TOK_BY) && !at(p, TOK_WITHOUT))
        return false;
    agg->clause = at(p, TOK_BY) ? GR_PROMQL_BY : GR_PROMQL_WITHOUT;
    advance(p);
    parse_labels(p, &agg->labels, &agg->count);
    return true;
}

/* op [by|without (…)] ( [param,] vector ) or op ( … ) [by|without (…)]; behind op */
static struct gr_promql *
parse_aggregate(struct parser *p, struct token op)
{
    struct gr_promql *e = node(p, GR_PROMQL_AGGREGATE, 0, op.start);
    struct args args = {0};
    size_t want;

    if (!e)
        return NULL;
    e->u.aggregate.op = (enum gr_promql_agg)op.value;
    if (parse_clause(p, &e->u.aggregate)) {
        parse_args(p, &args);
    } else {
        parse_args(p, &args);
        if (good(p))
            parse_clause(p, &e->u.aggregate);
    }
    if (!good(p))
        return NULL;
    want = promql_agg_param(e->u.aggregate.op) == GR_PROMQL_T_NONE ? 1 : 2;
    if (args.count != want)
        REPORT(p, GR0401, op.start, p->last_end, "\"" GR_FMT "\" takes %zu argument%s, got %zu",
               GR_ARG(gr_promql_agg_name(e->u.aggregate.op)), want, want == 1 ? "" : "s", args.count);
    e->child = args.items;
    e->count = args.count;
    return finish(p, e);
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
        advance(p);
        return parse_aggregate(p, name);
    }
    if (name.kind == TOK_NAME && (next.kind == TOK_LPAREN || (by && promql_newer_name(text)))) {
        advance(p);
        return parse_call(p, name);
    }
    if (next.kind == TOK_LPAREN && (name.kind == TOK_START || name.kind == TOK_END)) {
        newer(p, "start() and end() as functions", "3.6");
        return NULL;
    }
    return parse_selector(p);
}

static struct gr_promql *
parse_paren(struct parser *p)
{
    struct gr_promql *e = node(p, GR_PROMQL_PAREN, 1, p->now.start);
    struct gr_promql *inner;

    if (!e)
        return NULL;
    advance(p);
    inner = parse_expr(p, 1);
    if (!good(p))
        return NULL;
    e->child[0] = inner;
    expect(p, TOK_RPAREN, "parentheses", "an operator or \")\"");
    return finish(p, e);
}

static struct gr_promql *
parse_primary(struct parser *p)
{
    if (at(p, TOK_LPAREN))
        return parse_paren(p);
    if (at(p, TOK_NUMBER))
        return parse_number(p);
    if (at(p, TOK_STRING))
        return parse_string(p);
    if (at(p, TOK_LBRACE))
        return parse_selector(p);
    if (may_be_metric(p->now.kind, p->now.value))
        return parse_name(p);
    unexpected(p, "an expression", "a metric, a number, a function or \"(\"");
    return NULL;
}

/* ---- what follows an operand: [range], [range:step], offset, @ ---- */

static struct gr_promql *
parse_subquery(struct parser *p, struct gr_promql *inner, int64_t range)
{
    struct gr_promql *e = node(p, GR_PROMQL_SUBQUERY, 1, inner->start);

    if (!e)
        return NULL;
    e->child[0] = inner;
    e->u.subquery.range_ms = range;
    advance(p);
    if (!at(p, TOK_RBRACKET))
        e->u.subquery.step_ms = duration_value(p, "a subquery");
    if (good(p))
        expect(p, TOK_RBRACKET, "a subquery", "\"]\"");
    return finish(p, e);
}

static struct gr_promql *
parse_range(struct parser *p, struct gr_promql *e)
{
    uint32_t start = p->now.start;
    const char *why = NULL;
    int64_t range;

    advance(p);
    range = duration_value(p, "brackets");
    if (!good(p))
        return NULL;
    if (at(p, TOK_COLON))
        return parse_subquery(p, e, range);
    if (at(p, TOK_OP))
        newer(p, "arithmetic on durations", "3.4");
    expect(p, TOK_RBRACKET, "brackets", "\":\" or \"]\"");
    if (e->kind != GR_PROMQL_SELECTOR || e->u.selector.range_ms != 0)
        why = "a range is for a plain selector only; a subquery is written [5m:]";
    else if (e->u.selector.shift.offset_ms != 0)
        why = "offset comes behind the range";
    else if (e->u.selector.shift.at == GR_PROMQL_AT_TIME) /* Prometheus lets @ start() pass, and so must we */
        why = "@ comes behind the range";
    if (why)
        REPORT(p, GR0401, start, p->last_end, "%s", why);
    if (good(p))
        e->u.selector.range_ms = range;
    return finish(p, e);
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
    advance(p);
    minus = at(p, TOK_OP) && p->now.value == GR_PROMQL_SUB;
    if (minus)
        advance(p);
    ms = duration_value(p, "offset");
    if (shift->offset_ms != 0)
        REPORT(p, GR0401, start, p->last_end, "a second offset");
    shift->offset_ms = minus ? -ms : ms;
    return finish(p, e);
}

/* Behind @: a signed number of seconds. */
static void
parse_at_time(struct parser *p, struct gr_promql_shift *shift)
{
    bool sign = at(p, TOK_OP) && (p->now.value == GR_PROMQL_ADD || p->now.value == GR_PROMQL_SUB);
    bool minus = sign && p->now.value == GR_PROMQL_SUB;
    uint32_t start = p->now.start;

    if (sign)
        advance(p);
    if (!at(p, TOK_NUMBER)) {
        unexpected(p, "@", "a Unix time in seconds, start() or end()");
        return;
    }
    shift->at = GR_PROMQL_AT_TIME;
    shift->at_s = number_value(p);
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
    advance(p);
    if (shift->at != GR_PROMQL_AT_NONE)
        REPORT(p, GR0401, start, p->now.end, "a second @");
    if (!good(p))
        return NULL;
    if (at(p, TOK_START) || at(p, TOK_END)) {
        shift->at = at(p, TOK_START) ? GR_PROMQL_AT_START : GR_PROMQL_AT_END;
        advance(p);
        expect(p, TOK_LPAREN, "@", "\"(\"");
        expect(p, TOK_RPAREN, "@", "\")\"");
    } else {
        parse_at_time(p, shift);
    }
    return finish(p, e);
}

/* These bind tighter than any operator, a sign included: -a[5m] is -(a[5m]). */
static struct gr_promql *
parse_postfix(struct parser *p)
{
    struct gr_promql *e = parse_primary(p);

    while (good(p)) {
        if (at(p, TOK_LBRACKET))
            e = parse_range(p, e);
        else if (at(p, TOK_OFFSET))
            e = parse_offset(p, e);
        else if (at(p, TOK_AT))
            e = parse_at(p, e);
        else
            break;
    }
    return good(p) ? e : NULL;
}

/* ---- operators ---- */

/* A sign binds as * does, so -a ^ b is -(a ^ b). Before a number it becomes part of it. */
static struct gr_promql *
parse_signed(struct parser *p)
{
    uint32_t start = p->now.start;
    char sign = p->now.value == GR_PROMQL_SUB ? '-' : '+';
    struct gr_promql *operand, *e;

    advance(p);
    operand = parse_expr(p, STRENGTH_POW);
    if (!good(p))
        return NULL;
    if (operand->kind == GR_PROMQL_NUMBER) {
        operand->start = start;
        if (sign == '-')
            operand->u.number = -operand->u.number;
        return finish(p, operand);
    }
    if ((e = node(p, GR_PROMQL_UNARY, 1, start)) == NULL)
        return NULL;
    e->child[0] = operand;
    e->u.sign = sign;
    return finish(p, e);
}

/* [bool] [on|ignoring (…) [group_left|group_right [(…)]]]. A parenthesis behind group_left is always its list of labels. */
static void
parse_matching(struct parser *p, struct gr_promql_binary *b)
{
    if (take(p, TOK_BOOL))
        b->return_bool = true;
    if (!at(p, TOK_ON) && !at(p, TOK_IGNORING)) {
        if (at(p, TOK_GROUP_LEFT) || at(p, TOK_GROUP_RIGHT))
            unexpected(p, "an operator's clauses", "on (…) or ignoring (…) before it");
        return;
    }
    b->has_matching = true;
    b->on = at(p, TOK_ON);
    advance(p);
    parse_labels(p, &b->labels, &b->label_count);
    if (!good(p) || (!at(p, TOK_GROUP_LEFT) && !at(p, TOK_GROUP_RIGHT)))
        return;
    b->group = at(p, TOK_GROUP_LEFT) ? GR_PROMQL_GROUP_LEFT : GR_PROMQL_GROUP_RIGHT;
    advance(p);
    if (at(p, TOK_LPAREN))
        parse_labels(p, &b->include, &b->include_count);
}

/* left op right; at op. */
static struct gr_promql *
parse_binary(struct parser *p, struct gr_promql *left)
{
    struct gr_promql *e = node(p, GR_PROMQL_BINARY, 2, left->start), *right;
    enum gr_promql_op op = (enum gr_promql_op)p->now.value;
    unsigned strength = promql_op_strength(op);

    if (!e)
        return NULL;
    e->u.binary.op = op;
    e->u.binary.op_where = place(p, p->now.start, p->now.end);
    advance(p);
    parse_matching(p, &e->u.binary);
    if (!good(p))
        return NULL;
    right = parse_expr(p, strength == STRENGTH_POW ? strength : strength + 1);
    if (!good(p))
        return NULL;
    e->child[0] = left;
    e->child[1] = right;
    return finish(p, e);
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
    if (at(p, TOK_OP) && (p->now.value == GR_PROMQL_ADD || p->now.value == GR_PROMQL_SUB))
        e = parse_signed(p);
    else
        e = parse_postfix(p);
    while (good(p) && at(p, TOK_OP) && promql_op_strength((enum gr_promql_op)p->now.value) >= strength)
        e = parse_binary(p, e);
    p->nesting--;
    return good(p) ? e : NULL;
}

/* ---- the whole ---- */

static void
expect_end(struct parser *p)
{
    struct gr_str text = token_text(&p->lex, p->now);

    if (at(p, TOK_EOF))
        return;
    if (gr_str_is(text, "smoothed") || gr_str_is(text, "anchored"))
        newer(p, "the modifiers smoothed and anchored", "3.7");
    unexpected(p, "an expression", "an operator or its end");
}

enum gr_err
gr_promql_parse(struct gr_arena *a, struct gr_str text, struct gr_span origin, struct gr_diags *diags,
                struct gr_promql **out)
{
    struct parser p = {.arena = a, .diags = diags};
    struct gr_promql *e;

    p.origin = origin;
    if (text.n > GR_PROMQL_BYTES_MAX) {
        gr_diag(diags, GR0002, origin, GR_STR_NONE, "the expression has %zu bytes, more than %u", text.n,
                GR_PROMQL_BYTES_MAX);
        return GR_EUSER;
    }
    set_origin(&p, origin, text);
    p.lex.text = gr_arena_dup(a, text);
    if (!p.lex.text.p)
        return GR_ENOMEM;
    p.now = lexer_next(&p.lex);
    if (at(&p, TOK_EOF))
        REPORT(&p, GR0401, 0, (uint32_t)text.n, "there is no expression");
    e = good(&p) ? parse_expr(&p, 1) : NULL;
    if (good(&p))
        expect_end(&p);
    if (!good(&p))
        return p.err;
    if ((p.err = gr_promql_check(e, diags)) == GR_OK)
        *out = e;
    return p.err;
}
