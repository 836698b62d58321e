/* promql_hint.c - the near miss: what people write who know other languages, dashboards, or the word but not its letters. */
#include "config.h"
#include "promql_parser.h"

/* What was meant by a word or a character of it in one kind of place. The first that fits counts. */
static const struct habit {
    enum hint_place place;
    const char *word, *meant;
} habits[] = {
    {HINT_OPERATOR, "&", "and"},
    {HINT_OPERATOR, "|", "or"},
    {HINT_OPERATOR, "not", "unless"},
    {HINT_OPERATOR, "minus", "-"},
    {HINT_OPERATOR, "plus", "+"},
    {HINT_OPERATOR, "mod", "%"},
    {HINT_OPERATOR, "is", "=="},
    {HINT_OPERATOR, "equals", "=="},
    {HINT_OPERATOR, "!", "!="},
    {HINT_OPERATOR, "=>", ">="},
    {HINT_OPERATOR, "=<", "<="},
    {HINT_OPERATOR, "=", "=="},
    {HINT_OPERATOR, "except", "unless"},
    {HINT_OPERATOR, "intersect", "and"},
    {HINT_OPERATOR, "union", "or"},
    {HINT_OPERAND, "<>", "!="},
    {HINT_OPERAND, "===", "=="},
    {HINT_MATCH, ":", "="},
    {HINT_MATCH, "~", "=~"},
    {HINT_MATCH, "like", "=~"},
    {HINT_MATCH, "in", "=~"},
    {HINT_MATCH, "is", "="},
    {HINT_MATCH, "<>", "!="},
    {HINT_VALUE, "==", "="},
    {HINT_COMMA, ";", ","},
    {HINT_COMMA, "and", ","},
    {HINT_COMMA, "&", ","},
    {HINT_FUNCTION, "average", "avg"},
    {HINT_FUNCTION, "mean", "avg"},
    {HINT_FUNCTION, "maximum", "max"},
    {HINT_FUNCTION, "minimum", "min"},
    {HINT_FUNCTION, "total", "sum"},
    {HINT_FUNCTION, "median", "quantile"},
    {HINT_FUNCTION, "percentile", "quantile"},
    {HINT_FUNCTION, "histogram_percentile", "histogram_quantile"},
    {HINT_FUNCTION, "stdev", "stddev"},
    {HINT_FUNCTION, "top", "topk"},
    {HINT_FUNCTION, "bottom", "bottomk"},
    {HINT_FUNCTION, "log", "ln"},
    {HINT_FUNCTION, "pow", "^"},
    {HINT_FUNCTION, "sign", "sgn"},
    {HINT_FUNCTION, "now", "time"},
    {HINT_FUNCTION, "last", "last_over_time"},
    {HINT_FUNCTION, "group_by", "by"},
    {HINT_FUNCTION, "coalesce", "or"},
    {HINT_FUNCTION, "if", "and"},
};

/* Words that may follow an operand, or an operator. */
static const struct gr_str clauses[] = {
    GR_STR_INIT("without"), GR_STR_INIT("offset"),   GR_STR_INIT("and"),        GR_STR_INIT("unless"),
    GR_STR_INIT("or"),      GR_STR_INIT("ignoring"), GR_STR_INIT("group_left"), GR_STR_INIT("group_right"),
    GR_STR_INIT("atan2"),   GR_STR_INIT("by"),
};

static struct gr_str
lower(char *out, size_t n, struct gr_str s)
{
    if (s.n > n)
        return s;
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] - 'A' + 'a' : s.p[i]);
    return (struct gr_str){out, s.n};
}

/* text: from the word on, at most three characters of an operator are looked at. */
static struct gr_str
habit_of(enum hint_place place, struct gr_str text, struct gr_str word)
{
    for (size_t i = 0; i < GR_COUNT(habits); i++) {
        struct gr_str had = gr_str(habits[i].word);
        bool letters = promql_is_label(had);

        if (habits[i].place == place && (letters ? gr_str_eq(word, had) : gr_str_starts(text, had)))
            return gr_str(habits[i].meant);
    }
    return GR_STR_NONE;
}

struct gr_str
promql_hint(enum hint_place place, struct gr_str text, uint32_t start, uint32_t end)
{
    char room[32];
    struct gr_str word = lower(room, sizeof room, gr_str_sub(text, start, end)), found;
    /* "<>" and "===" are noticed at their second half, "==" between braces, too. */
    uint32_t from = (place == HINT_OPERAND || place == HINT_VALUE) && start > 0 ? start - 1 : start;

    found = habit_of(place, gr_str_sub(text, from, text.n), word);
    if (found.n == 0 && place == HINT_OPERAND && start > 1)
        found = habit_of(place, gr_str_sub(text, start - 2, text.n), word);
    if (found.n == 0 && place == HINT_OPERATOR)
        found = gr_str_nearest(word, clauses, GR_COUNT(clauses));
    return found;
}

struct gr_str
promql_hint_function(struct gr_str name)
{
    char room[32];
    struct gr_str word = lower(room, sizeof room, name), found = habit_of(HINT_FUNCTION, word, word);

    if (found.n == 0)
        found = promql_nearest_function(word);
    if (found.n == 0)
        found = gr_str_nearest(word, clauses, GR_COUNT(clauses));
    if (found.n == 0 && gr_str_is(word, "groupleft")) /* two letters short, as their lengths go */
        found = GR_STR("group_left");
    return found;
}

/* name(instant vector, scalar[, …]) */
void
promql_signature(struct gr_buf *b, const struct gr_promql_function *f)
{
    size_t least = f->variadic == 0 ? f->arg_count : f->arg_count - 1u;

    gr_buf_put(b, f->name);
    gr_buf_putc(b, '(');
    for (size_t i = 0; i < f->arg_count; i++) {
        gr_buf_puts(b, i < least ? "" : "[");
        gr_buf_puts(b, i > 0 ? ", " : "");
        gr_buf_puts(b, gr_promql_type_name(f->args[i]));
    }
    gr_buf_puts(b, f->variadic == 0 ? ")" : f->variadic < 0 ? ", …])" : "])");
}
