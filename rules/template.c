/* template.c - the grammar of Go's text/template, as far as it decides whether a template is taken.
 *
 * Follows text/template/parse/parse.go of Go 1.19, function by function, so that what one refuses the other
 * does; no tree is built. After the first error every function returns at once. */
#include "config.h"
#include "template.h"

struct template_parser {
    struct gr_arena *arena;
    struct template_lexer lex;
    struct template_token token[3]; /* looked ahead; token[peeked - 1] is the next */
    unsigned peeked;
    struct gr_str *vars; /* in scope */
    size_t var_count, var_cap;
    unsigned range_depth, nesting;
    unsigned other_dot; /* inside range, with, define or block: . is not the alert's data */
    bool failed, no_memory;
    struct template_error *error;
    template_label_fn *used;
    void *ctx;
};

/* What a list of things ended with. */
enum stop { STOP_EOF, STOP_END, STOP_ELSE, STOP_NONE };
/* What an operand is, as far as the grammar cares. */
enum node { NODE_NONE, NODE_LITERAL, NODE_DOT, NODE_OTHER };

static const char *const functions[] = {
    "and",
    "args",
    "call",
    "eq",
    "externalURL",
    "first",
    "ge",
    "graphLink",
    "gt",
    "html",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "js",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "slice",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toLower",
    "toTime",
    "toUpper",
    "urlquery",
    "value",
};

static void pipeline(struct template_parser *p, const char *context, enum template_token_kind end);
static enum stop item_list(struct template_parser *p);
static enum stop text_or_action(struct template_parser *p);

static struct gr_str
text_of(const struct template_parser *p, struct template_token t)
{
    return gr_str_sub(p->lex.text, t.start, t.end);
}

static void
fail_text(struct template_parser *p, struct template_token t, struct gr_str why)
{
    if (p->failed)
        return;
    p->failed = true;
    p->no_memory = p->no_memory || !why.p;
    *p->error = (struct template_error){t.start, t.end, why};
}

/* `before`, and what it is about in quotes. */
static void
fail(struct template_parser *p, struct template_token t, const char *before, struct gr_str what)
{
    if (!p->failed)
        fail_text(p, t,
                  gr_arena_printf(p->arena, what.n ? "%s \"" GR_FMT "\"" : "%s" GR_FMT, before,
                                  GR_ARG(gr_str_sub(what, 0, 60))));
}

/* ---- looking ahead ---- */

static struct template_token
read_token(struct template_parser *p)
{
    struct template_token t = {TT_ERROR, p->lex.pos, p->lex.pos};

    if (p->failed)
        return t;
    t = template_next(&p->lex);
    if (t.kind == TT_ERROR)
        fail_text(p, t, gr_str(p->lex.why));
    return t;
}

static struct template_token
next(struct template_parser *p)
{
    if (p->peeked > 0)
        p->peeked--;
    else
        p->token[0] = read_token(p);
    return p->token[p->peeked];
}

/* Undoes the last next. */
static void
backup(struct template_parser *p)
{
    p->peeked++;
}

/* Undoes two: `first` and, still in place, the one behind it. */
static void
backup2(struct template_parser *p, struct template_token first)
{
    p->token[1] = first;
    p->peeked = 2;
}

static void
backup3(struct template_parser *p, struct template_token first, struct template_token second)
{
    p->token[1] = second;
    p->token[2] = first;
    p->peeked = 3;
}

static struct template_token
peek(struct template_parser *p)
{
    if (p->peeked == 0) {
        p->token[0] = read_token(p);
        p->peeked = 1;
    }
    return p->token[p->peeked - 1];
}

static struct template_token
next_solid(struct template_parser *p)
{
    struct template_token t;

    do
        t = next(p);
    while (t.kind == TT_SPACE);
    return t;
}

static struct template_token
peek_solid(struct template_parser *p)
{
    struct template_token t = next_solid(p);

    backup(p);
    return t;
}

static void
unexpected(struct template_parser *p, struct template_token t, const char *context)
{
    struct gr_str what = text_of(p, t);

    if (p->failed)
        return;
    if (t.kind == TT_EOF)
        fail_text(p, t, gr_arena_printf(p->arena, "the template ends within %s", context));
    else
        fail_text(p, t,
                  gr_arena_printf(p->arena, "unexpected \"" GR_FMT "\" in %s",
                                  GR_ARG(gr_str_sub(what, 0, 60)), context));
}

static void
expect(struct template_parser *p, enum template_token_kind kind, const char *context)
{
    struct template_token t = next_solid(p);

    if (t.kind != kind)
        unexpected(p, t, context);
}

static bool
deeper(struct template_parser *p)
{
    if (p->nesting >= TEMPLATE_NESTING_MAX)
        fail(p, peek(p), "nested too deep", GR_STR_NONE);
    else
        p->nesting++;
    return !p->failed;
}

/* ---- variables ---- */

static void
declare(struct template_parser *p, struct gr_str name)
{
    struct gr_str *grown = gr_arena_grow(p->arena, p->vars, p->var_count, &p->var_cap, sizeof *p->vars);

    if (!grown) {
        p->failed = p->no_memory = true;
        return;
    }
    p->vars = grown;
    p->vars[p->var_count++] = name;
}

static void
use(struct template_parser *p, struct template_token t)
{
    struct gr_str name = text_of(p, t), near, names[64];
    size_t n = 0;

    for (size_t i = 0; i < p->var_count; i++)
        if (gr_str_eq(p->vars[i], name))
            return;
    for (; n < p->var_count && n < GR_COUNT(names); n++)
        names[n] = p->vars[n];
    near = gr_str_nearest(name, names, n);
    if (near.n > 1)
        fail_text(p, t,
                  gr_arena_printf(p->arena, "undefined variable \"" GR_FMT "\", did you mean \"" GR_FMT "\"?",
                                  GR_ARG(gr_str_sub(name, 0, 60)), GR_ARG(near)));
    else
        fail(p, t, "undefined variable", name);
}

static void
use_function(struct template_parser *p, struct template_token t)
{
    struct gr_str names[GR_COUNT(functions)], name = text_of(p, t), near;

    for (size_t i = 0; i < GR_COUNT(functions); i++)
        if (gr_str_is(name, functions[i]))
            return;
    for (size_t i = 0; i < GR_COUNT(functions); i++)
        names[i] = gr_str(functions[i]);
    near = gr_str_nearest(name, names, GR_COUNT(names));
    if (near.n > 0)
        fail_text(p, t,
                  gr_arena_printf(p->arena, "undefined function \"" GR_FMT "\", did you mean \"" GR_FMT "\"?",
                                  GR_ARG(gr_str_sub(name, 0, 60)), GR_ARG(near)));
    else
        fail(p, t, "undefined function", name);
}

/* ---- labels ---- */

static void
label_used(struct template_parser *p, struct gr_str label, size_t start, size_t end)
{
    if (p->used && !p->failed && label.n > 0)
        p->used(label, start, end, p->ctx);
}

/* $labels.x, or .Labels.x where the dot is the alert's data; second is .x. */
static void
see_chain(struct template_parser *p, struct template_token first, struct template_token second)
{
    struct gr_str name = text_of(p, first), field = text_of(p, second);
    bool labels = first.kind == TT_VARIABLE ? gr_str_is(name, "$labels")
                                            : gr_str_is(name, ".Labels") && p->other_dot == 0;

    if (labels)
        label_used(p, gr_str_sub(field, 1, field.n), first.start, second.end);
}

/* index $labels "x": the three words of a command so far. */
static void
see_index(struct template_parser *p, const struct template_token *words, size_t count)
{
    struct gr_str literal;

    if (count != 3 || !gr_str_is(text_of(p, words[0]), "index") ||
        !gr_str_is(text_of(p, words[1]), "$labels") || words[2].kind != TT_STRING)
        return;
    literal = text_of(p, words[2]);
    label_used(p, gr_str_sub(literal, 1, literal.n - 1), words[2].start, words[2].end);
}

/* ---- pipelines ---- */

/* One operand without the fields behind it; NODE_NONE: there is none. */
static enum node
term(struct template_parser *p)
{
    struct template_token t = next_solid(p);

    switch ((int)t.kind) {
    case TT_NAME:
        use_function(p, t);
        return NODE_OTHER;
    case TT_DOT:
        return NODE_DOT;
    case TT_NIL:
    case TT_BOOL:
        return NODE_LITERAL;
    case TT_VARIABLE:
        use(p, t);
        return NODE_OTHER;
    case TT_FIELD:
        return NODE_OTHER;
    case TT_RUNE:
        if (!template_rune_ok(text_of(p, t)))
            fail(p, t, "bad character constant", text_of(p, t));
        return NODE_LITERAL;
    case TT_NUMBER:
        if (!template_number_ok(text_of(p, t)))
            fail(p, t, "bad number", text_of(p, t));
        return NODE_LITERAL;
    case TT_COMPLEX:
        return NODE_LITERAL;
    case TT_STRING:
    case TT_RAW_STRING:
        if (!template_string_ok(text_of(p, t)))
            fail(p, t, "bad escape in", text_of(p, t));
        return NODE_LITERAL;
    case TT_OPEN:
        if (!deeper(p))
            return NODE_NONE;
        pipeline(p, "parentheses", TT_CLOSE);
        p->nesting--;
        return NODE_OTHER;
    default:
        backup(p);
        return NODE_NONE;
    }
}

/* A term and the .fields behind it; *first is its first word. */
static enum node
operand(struct template_parser *p, struct template_token *first)
{
    enum node n;
    bool second = true;

    *first = peek_solid(p);
    n = term(p);
    while (n != NODE_NONE && !p->failed && peek(p).kind == TT_FIELD) {
        struct template_token field = next(p);

        if (n == NODE_LITERAL || n == NODE_DOT)
            fail(p, field, "a literal has no fields:", text_of(p, field));
        if (second && (first->kind == TT_VARIABLE || first->kind == TT_FIELD))
            see_chain(p, *first, field);
        second = false;
    }
    return n;
}

/* Operands up to | or the end; returns what the first one is. */
static enum node
command(struct template_parser *p)
{
    struct template_token words[3], word;
    enum node first = NODE_NONE;
    size_t count = 0;

    while (!p->failed) {
        struct template_token t;
        enum node n;

        peek_solid(p);
        n = operand(p, &word);
        if (n != NODE_NONE) {
            first = count == 0 ? n : first;
            if (count < GR_COUNT(words))
                words[count] = word;
            count++;
            see_index(p, words, count);
        }
        t = next(p);
        if (t.kind == TT_SPACE)
            continue;
        if (t.kind == TT_RIGHT || t.kind == TT_CLOSE)
            backup(p);
        else if (t.kind != TT_PIPE)
            unexpected(p, t, "an operand");
        if (count == 0)
            fail(p, t, "an empty command", GR_STR_NONE);
        break;
    }
    return first;
}

/* $x := or $x =, and in range $x, $y :=. Leaves anything else alone. */
static void
declarations(struct template_parser *p, const char *context)
{
    for (unsigned count = 1; !p->failed && peek_solid(p).kind == TT_VARIABLE; count++) {
        struct template_token v = next_solid(p), after = peek(p), then = peek_solid(p);

        if (then.kind == TT_ASSIGN || then.kind == TT_DECLARE) {
            next_solid(p);
            declare(p, text_of(p, v));
            return;
        }
        if (then.kind != TT_CHAR || !gr_str_is(text_of(p, then), ",")) {
            if (after.kind == TT_SPACE)
                backup3(p, v, after);
            else
                backup2(p, v);
            return;
        }
        next_solid(p);
        declare(p, text_of(p, v));
        then = peek_solid(p);
        if (strcmp(context, "range") != 0 || count >= 2)
            fail(p, v, "too many declarations", GR_STR_NONE);
        else if (then.kind != TT_VARIABLE && then.kind != TT_RIGHT && then.kind != TT_CLOSE)
            fail(p, then, "range can only initialize variables", GR_STR_NONE);
    }
}

static void
pipeline(struct template_parser *p, const char *context, enum template_token_kind end)
{
    size_t commands = 0;

    peek_solid(p);
    declarations(p, context);
    while (!p->failed) {
        struct template_token t = next_solid(p);
        enum node n;

        if (t.kind == end) {
            if (commands == 0)
                fail(p, t, "a value is missing in", gr_str(context));
            return;
        }
        if (t.kind != TT_BOOL && t.kind != TT_RUNE && t.kind != TT_COMPLEX && t.kind != TT_DOT &&
            t.kind != TT_FIELD && t.kind != TT_NAME && t.kind != TT_NUMBER && t.kind != TT_NIL &&
            t.kind != TT_RAW_STRING && t.kind != TT_STRING && t.kind != TT_VARIABLE && t.kind != TT_OPEN) {
            unexpected(p, t, context);
            return;
        }
        backup(p);
        n = command(p);
        if (commands++ > 0 && (n == NODE_LITERAL || n == NODE_DOT))
            fail(p, t, "behind | stands no function but", text_of(p, t));
    }
}

/* ---- actions ---- */

/* if, range, with: pipeline }} list [else list] {{end}} */
static enum stop
control(struct template_parser *p, const char *context)
{
    bool is_if = strcmp(context, "if") == 0, is_range = strcmp(context, "range") == 0;
    size_t vars = p->var_count;
    enum stop stop;

    if (!deeper(p))
        return STOP_NONE;
    pipeline(p, context, TT_RIGHT);
    p->range_depth += is_range;
    p->other_dot += !is_if;
    stop = item_list(p);
    p->range_depth -= is_range;
    p->other_dot -= !is_if;
    if (stop == STOP_ELSE && is_if && !p->failed && peek(p).kind == TT_IF) {
        next(p);
        control(p, "if"); /* its {{end}} is ours */
    } else if (stop == STOP_ELSE && !p->failed && item_list(p) != STOP_END) {
        fail(p, peek(p), "expected {{end}}", GR_STR_NONE);
    }
    p->var_count = vars;
    p->nesting--;
    return STOP_NONE;
}

static void
template_name(struct template_parser *p, const char *context)
{
    struct template_token t = next_solid(p);

    if (t.kind != TT_STRING && t.kind != TT_RAW_STRING)
        unexpected(p, t, context);
    else if (!template_string_ok(text_of(p, t)))
        fail(p, t, "bad escape in", text_of(p, t));
}

/* The body of {{define}} or {{block}}, which sees no variables of outside. */
static void
body(struct template_parser *p, const char *context)
{
    struct gr_str *vars = p->vars;
    size_t count = p->var_count, cap = p->var_cap;
    unsigned range_depth = p->range_depth;

    if (!deeper(p))
        return;
    p->vars = NULL;
    p->var_count = p->var_cap = 0;
    p->range_depth = 0;
    p->other_dot++;
    declare(p, GR_STR("$"));
    if (item_list(p) != STOP_END)
        fail(p, peek(p), "expected {{end}} of", gr_str(context));
    p->other_dot--;
    p->nesting--;
    p->vars = vars;
    p->var_count = count;
    p->var_cap = cap;
    p->range_depth = range_depth;
}

static enum stop
loop_control(struct template_parser *p, const char *context, struct template_token at)
{
    expect(p, TT_RIGHT, context);
    if (p->range_depth == 0)
        fail(p, at, "there is no range around", gr_str(context));
    return STOP_NONE;
}

/* Behind {{. */
static enum stop
action(struct template_parser *p)
{
    struct template_token t = next_solid(p);

    switch ((int)t.kind) {
    case TT_BLOCK:
        template_name(p, "block");
        pipeline(p, "block", TT_RIGHT);
        body(p, "block");
        return STOP_NONE;
    case TT_BREAK:
        return loop_control(p, "break", t);
    case TT_CONTINUE:
        return loop_control(p, "continue", t);
    case TT_ELSE:
        if (peek_solid(p).kind != TT_IF)
            expect(p, TT_RIGHT, "else");
        return STOP_ELSE;
    case TT_END:
        expect(p, TT_RIGHT, "end");
        return STOP_END;
    case TT_IF:
        return control(p, "if");
    case TT_RANGE:
        return control(p, "range");
    case TT_WITH:
        return control(p, "with");
    case TT_TEMPLATE:
        template_name(p, "template");
        if (next_solid(p).kind != TT_RIGHT) {
            backup(p);
            pipeline(p, "template", TT_RIGHT);
        }
        return STOP_NONE;
    default:
        backup(p);
        pipeline(p, "a command", TT_RIGHT);
        return STOP_NONE;
    }
}

static enum stop
text_or_action(struct template_parser *p)
{
    struct template_token t = next_solid(p);

    if (t.kind == TT_TEXT)
        return STOP_NONE;
    if (t.kind == TT_LEFT)
        return action(p);
    unexpected(p, t, "the template");
    return STOP_NONE;
}

static enum stop
item_list(struct template_parser *p)
{
    while (!p->failed && peek_solid(p).kind != TT_EOF) {
        enum stop stop = text_or_action(p);

        if (stop != STOP_NONE)
            return stop;
    }
    fail(p, peek(p), "the template ends before {{end}}", GR_STR_NONE);
    return STOP_EOF;
}

/* {{define "name"}} … {{end}}, at the top only. */
static void
definition(struct template_parser *p)
{
    template_name(p, "define");
    expect(p, TT_RIGHT, "define");
    body(p, "define");
}

static void
whole(struct template_parser *p)
{
    while (!p->failed && peek(p).kind != TT_EOF) {
        enum stop stop;

        if (peek(p).kind == TT_LEFT) {
            struct template_token left = next(p), t = next_solid(p);

            if (t.kind == TT_DEFINE) {
                definition(p);
                continue;
            }
            backup2(p, left);
        }
        stop = text_or_action(p);
        if (stop == STOP_END)
            fail(p, peek(p), "{{end}} without a beginning", GR_STR_NONE);
        if (stop == STOP_ELSE)
            fail(p, peek(p), "{{else}} without {{if}}", GR_STR_NONE);
    }
}

enum gr_err
template_check(struct gr_arena *a, struct gr_str text, template_label_fn *used, void *ctx,
               struct template_error *error)
{
    static const struct gr_str known[] = {GR_STR_INIT("$"), GR_STR_INIT("$labels"),
                                          GR_STR_INIT("$externalLabels"), GR_STR_INIT("$externalURL"),
                                          GR_STR_INIT("$value")};
    struct template_error ignored;
    struct template_parser p = {
        .arena = a, .lex = {.text = text}, .used = used, .ctx = ctx, .error = error ? error : &ignored};

    if (gr_str_find(text, GR_STR("{{"), 0) == SIZE_MAX)
        return GR_OK;
    for (size_t i = 0; i < GR_COUNT(known); i++)
        declare(&p, known[i]);
    whole(&p);
    return p.no_memory ? GR_ENOMEM : p.failed ? GR_ESYNTAX : GR_OK;
}
