/* promql_parser.c - the ground that the grammar (promql_parse.c) stands on: places, messages, words, nodes, literals,
 * lists of labels. */
#include "config.h"
#include "promql_parser.h"

/* ---- places and messages ---- */

struct gr_span
parser_place(const struct parser *p, uint32_t start, uint32_t end)
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
void
parser_set_origin(struct parser *p, struct gr_span origin, struct gr_str text)
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
bool
parser_good(const struct parser *p)
{
    return p->err == GR_OK;
}

void
parser_out_of_memory(struct parser *p)
{
    p->err = GR_ENOMEM;
}

/* At most this much of the text is quoted in a message. */
#define QUOTED_MAX 24u

struct gr_str
parser_quoted(const struct parser *p, struct token t)
{
    return gr_str_sub(p->lex.text, t.start, t.end - t.start > QUOTED_MAX ? t.start + QUOTED_MAX : t.end);
}

/* What is said of a word besides that it does not fit: a remark that lives for ever, or NULL. */
static const char *
remark(const struct parser *p, enum hint_place place, const struct gr_promql *left)
{
    struct gr_str text = parser_quoted(p, p->now);
    struct token word;

    if (gr_str_starts(text, GR_STR("$")) && !p->params)
        return "variables of a dashboard are not part of PromQL";
    if (gr_str_is(text, ".") && p->now.start > 0 && place == HINT_OPERATOR)
        return "a metric's name has letters, digits, \"_\" and \":\" only";
    if (p->now.kind == TOK_DURATION && place == HINT_OPERAND)
        return "a duration stands in brackets or behind offset";
    while (left && left->kind == GR_PROMQL_BINARY)
        left = left->child[1];
    if (!left || left->kind != GR_PROMQL_SELECTOR || left->u.selector.count > 0 || place != HINT_OPERATOR ||
        left->u.selector.range_ms != 0)
        return NULL;
    if (p->now.kind == TOK_NAME && (gr_promql_function(left->u.selector.metric) ||
                                    (promql_keyword(left->u.selector.metric, &word) && word.kind == TOK_AGG)))
        return "arguments stand in parentheses";
    if (p->now.kind == TOK_LPAREN && promql_keyword(left->u.selector.metric, &word) &&
        (word.kind == TOK_BY || word.kind == TOK_WITHOUT))
        return "between operands it is on (…) or ignoring (…)";
    return NULL;
}

/* What to write where nothing better is known. */
static struct gr_str
plain_fix(struct parser *p, const char *expected, const struct gr_promql *left)
{
    if (left && p->now.kind != TOK_EOF) /* what stands before it is whole */
        return GR_STR("write an operator here, or remove what follows");
    return gr_arena_printf(p->arena, "write %s here", expected);
}

void
parser_unexpected_near(struct parser *p, const char *where, const char *expected, enum hint_place place,
                       const struct gr_promql *left)
{
    struct token t = p->now;
    struct gr_str text = parser_quoted(p, t), near = GR_STR_NONE, fix;
    const char *kind = t.kind == TOK_BAD ? "character" : token_kind_name(t.kind), *more = NULL;

    if (!parser_good(p))
        return;
    p->err = GR_EUSER;
    if (t.kind == TOK_BAD && p->lex.why) {
        gr_diag(p->diags, p->lex.code, parser_place(p, t.start, t.end), GR_STR_NONE, "%s", p->lex.why);
        return;
    }
    fix = plain_fix(p, expected, left);
    if (t.kind == TOK_EOF) {
        gr_diag(p->diags, GR0401, parser_place(p, t.start, t.end), fix,
                "the expression ends %s%s, expected %s", place == HINT_OPERAND ? "too early" : "within ",
                place == HINT_OPERAND ? "" : where, expected);
        return;
    }
    if ((more = remark(p, place, left)) == NULL)
        near = promql_hint(place, p->lex.text, t.start, t.end);
    gr_diag(p->diags, GR0401, parser_place(p, t.start, t.end), near.n > 0 ? near : fix,
            "unexpected %s%s\"" GR_FMT "\" in %s, expected %s%s%s" GR_FMT "%s", kind ? kind : "",
            kind ? " " : "", GR_ARG(text), where, expected,
            more         ? "; "
            : near.n > 0 ? ", did you mean \""
                         : "",
            more ? more : "", GR_ARG(near), near.n > 0 ? "\"?" : "");
}

void
parser_unexpected(struct parser *p, const char *where, const char *expected)
{
    parser_unexpected_near(p, where, expected, HINT_NONE, NULL);
}

/* The word is the start of what a later version understands. */
void
parser_newer(struct parser *p, const char *what, const char *version)
{
    REPORT(p, GR0403, p->now.start, p->now.end, "%s: needs Prometheus %s", what, version);
}

/* ---- words ---- */

void
parser_advance(struct parser *p)
{
    p->last_end = p->now.end;
    if (p->now.kind != TOK_BAD && p->now.kind != TOK_EOF)
        p->now = lexer_next(&p->lex);
}

bool
parser_at(const struct parser *p, enum token_kind kind)
{
    return p->now.kind == kind;
}

bool
parser_take(struct parser *p, enum token_kind kind)
{
    if (!parser_at(p, kind))
        return false;
    parser_advance(p);
    return true;
}

bool
parser_expect(struct parser *p, enum token_kind kind, const char *where, const char *expected)
{
    if (parser_take(p, kind))
        return true;
    parser_unexpected(p, where, expected);
    return false;
}

/* ---- nodes ---- */

struct gr_promql *
parser_node(struct parser *p, enum gr_promql_kind kind, size_t children, uint32_t start)
{
    struct gr_promql *e = promql_node(p->arena, kind, children);

    if (!e)
        parser_out_of_memory(p);
    else
        e->start = start;
    return e;
}

/* Closes a node at the last word taken; NULL after an error. */
struct gr_promql *
parser_finish(struct parser *p, struct gr_promql *e)
{
    if (!parser_good(p))
        return NULL;
    e->end = p->last_end;
    e->where = parser_place(p, e->start, e->end);
    if (!promql_measure(e)) {
        REPORT(p, GR0002, e->start, e->end, "the expression is nested too deep (more than %u levels)",
               GR_PROMQL_HEIGHT_MAX);
        return NULL;
    }
    return e;
}

/* Keeps lists short, so that comparing each with each is cheap. */
void
parser_too_many(struct parser *p, size_t count)
{
    if (count == GR_PROMQL_LABELS_MAX)
        REPORT(p, GR0002, p->now.start, p->now.end, "more than %u labels", GR_PROMQL_LABELS_MAX);
}

/* ---- placeholders ---- */

static const char *const param_kind_names[] = {
    [GR_PROMQL_PARAM_EXPR] = "an expression",
    [GR_PROMQL_PARAM_LABELS] = "a list of labels",
    [GR_PROMQL_PARAM_MATCHERS] = "a list of matchers",
    [GR_PROMQL_PARAM_DURATION] = "a duration",
};

const struct gr_promql_param *
parser_param(struct parser *p, enum gr_promql_param_kind kind)
{
    struct token t = p->now;
    struct gr_str name = gr_str_sub(p->lex.text, t.start + 1, t.end);

    if (!parser_good(p))
        return NULL;
    for (size_t i = 0; i < p->params->count; i++) {
        const struct gr_promql_param *param = &p->params->items[i];

        if (!gr_str_is(name, param->name))
            continue;
        if (param->kind != kind) {
            REPORT(p, GR0401, t.start, t.end, "\"" GR_FMT "\" is %s, but %s is expected here",
                   GR_ARG(parser_quoted(p, t)), param_kind_names[param->kind], param_kind_names[kind]);
            return NULL;
        }
        parser_advance(p);
        return param;
    }
    REPORT(p, GR0401, t.start, t.end, "nothing is given for \"" GR_FMT "\"", GR_ARG(parser_quoted(p, t)));
    return NULL;
}

/* ---- literals ---- */

double
parser_number_value(struct parser *p)
{
    double v = 0;
    enum gr_err err = promql_number(token_text(&p->lex, p->now), &v);

    if (err != GR_OK)
        REPORT(p, GR0401, p->now.start, p->now.end, "%s",
               err == GR_ERANGE ? "the number is too large or too long" : "bad number");
    parser_advance(p);
    return v;
}

int64_t
parser_duration_value(struct parser *p, const char *where)
{
    const struct gr_promql_param *param;
    int64_t ms = 0;
    enum gr_err err;

    if (parser_at(p, TOK_HOLE)) {
        param = parser_param(p, GR_PROMQL_PARAM_DURATION);
        GR_ASSERT(!param || param->duration_ms > 0);
        return param ? param->duration_ms : 0;
    }
    if (!parser_at(p, TOK_DURATION)) {
        if (parser_at(p, TOK_NUMBER))
            parser_newer(p, "a duration without a unit (write 5m, not 300)", "2.54");
        else if (parser_at(p, TOK_LPAREN))
            parser_newer(p, "arithmetic on durations", "3.4");
        parser_unexpected(p, where, "a duration");
        return 0;
    }
    err = promql_duration(token_text(&p->lex, p->now), &ms);
    if (err != GR_OK)
        REPORT(p, GR0401, p->now.start, p->now.end, "%s",
               err == GR_ERANGE
                   ? "the duration must be greater than 0 and at most 292 years"
                   : "bad duration: whole numbers with the units y, w, d, h, m, s, ms in this order");
    parser_advance(p);
    return ms;
}

struct gr_str
parser_string_value(struct parser *p)
{
    struct gr_str out = GR_STR_NONE;

    if (promql_decode(p->arena, token_text(&p->lex, p->now), &out) != GR_OK)
        parser_out_of_memory(p);
    parser_advance(p);
    return out;
}

struct gr_promql *
parser_number(struct parser *p)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_NUMBER, 0, p->now.start);
    double v = parser_number_value(p);

    if (e)
        e->u.number = v;
    return parser_finish(p, e);
}

struct gr_promql *
parser_string(struct parser *p)
{
    struct gr_promql *e = parser_node(p, GR_PROMQL_STRING, 0, p->now.start);
    struct gr_str text = parser_string_value(p);

    if (e)
        e->u.text = text;
    return parser_finish(p, e);
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
    case TOK_HOLE:
        break;
    }
    return false;
}

struct label_list {
    struct gr_str *labels;
    size_t count, cap;
};

static void
append_label(struct parser *p, struct label_list *list, struct gr_str name)
{
    void *grown;

    parser_too_many(p, list->count);
    if (list->count == list->cap) {
        grown = gr_arena_grow(p->arena, list->labels, list->count, &list->cap, sizeof *list->labels);
        if (!grown) {
            parser_out_of_memory(p);
            return;
        }
        list->labels = grown;
    }
    list->labels[list->count++] = name;
}

/* One label, or all that a placeholder stands for. */
static void
parse_label(struct parser *p, struct label_list *list)
{
    const struct gr_promql_param *param;

    if (parser_at(p, TOK_HOLE)) {
        param = parser_param(p, GR_PROMQL_PARAM_LABELS);
        for (size_t i = 0; param && i < param->count && parser_good(p); i++) {
            struct gr_str copy = gr_arena_dup(p->arena, param->labels[i]);

            if (copy.p)
                append_label(p, list, copy);
            else
                parser_out_of_memory(p);
        }
        return;
    }
    if (parser_at(p, TOK_STRING))
        parser_newer(p, "quoted names of labels", "3.0");
    if (!may_be_label(p)) {
        parser_unexpected(p, "a list of labels", "a label name");
        return;
    }
    append_label(p, list, token_text(&p->lex, p->now));
    parser_advance(p);
}

/* ( a, b [,] ) */
void
parser_labels(struct parser *p, struct gr_str **labels, size_t *count)
{
    struct label_list list = {0};

    if (!parser_expect(p, TOK_LPAREN, "a list of labels", "\"(\""))
        return;
    while (parser_good(p) && !parser_at(p, TOK_RPAREN)) {
        parse_label(p, &list);
        if (parser_good(p) && !parser_at(p, TOK_RPAREN))
            parser_expect(p, TOK_COMMA, "a list of labels", "\",\" or \")\"");
    }
    if (parser_good(p))
        parser_advance(p);
    *labels = list.labels;
    *count = list.count;
}
