/* promql_gen.c - a grammar of PromQL, run backwards. */
#include "config.h"
#include "promql_gen.h"

#include "guardrail/promql.h"

unsigned
gen_below(struct gen *g, unsigned n)
{
    g->state ^= g->state << 13; /* xorshift64 (G. Marsaglia, J. Stat. Softw. 8(14), 2003) */
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (unsigned)((g->state >> 16) % n);
}

static bool
once_in(struct gen *g, unsigned n)
{
    return gen_below(g, n) == 0;
}

static bool
wrong(struct gen *g)
{
    return g->errors_in > 0 && once_in(g, g->errors_in);
}

static void
puts_any(struct gen *g, const char *const *texts, size_t count)
{
    gr_buf_puts(g->out, texts[gen_below(g, (unsigned)count)]);
}
#define PUT_ANY(g, ...)                                                                                      \
    do {                                                                                                     \
        static const char *const texts_[] = {__VA_ARGS__};                                                   \
        puts_any(g, texts_, GR_COUNT(texts_));                                                               \
    } while (0)

static void
put(struct gen *g, const char *text)
{
    gr_buf_puts(g->out, text);
}

/* Blank, or nothing where none is needed; now and then a comment or a line end. */
static void
blank(struct gen *g, bool needed)
{
    if (once_in(g, 40))
        put(g, " # a \"comment\" (\n");
    else if (needed || once_in(g, 3))
        PUT_ANY(g, " ", " ", " ", "  ", "\n", "\t", "\r\n");
}

static void vector(struct gen *g);
static void expression(struct gen *g, enum gr_promql_type type);

/* ---- words ---- */

static void
put_duration(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "0s", "5", "1m5h", "1.5h", "5mm", "99999999999y", "300y", "1e5m", "m", "5M", "0x5m",
                "1h1h", "292y", "293y", "15250w", "0y0m", "", "5ys", "9223372036854ms", "9223372036855ms",
                "-5m", "5m 5s");
    else
        PUT_ANY(g, "5m", "1h30m", "1d", "500ms", "1y2w3d4h5m6s7ms", "2m", "30s", "05m", "0h5m", "100000ms",
                "1w");
}

static void
put_number(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "1e400", "1_000", "1e", "0x", "0xg", "1.2.3", "0x1.8", "0x1p3", "0b1", "0o7", "1e+", "..5",
                "5x", "0xFFFFFFFFFFFFFFFFF", "1ee5");
    else
        PUT_ANY(g, "1", "0", "0.5", ".5", "1.", "1e3", "1E-3", "0x1F", "0XaB", "010", "08", "0777", "Inf",
                "NaN", "inf", "nAn", "9223372036854775808", "0x7fffffffffffffff", "1e-400", "100", "2", "0.1",
                "1.5e10", "07777777777777777777777", "00", "1e15", "123456789012345678901234567890");
}

static void
put_string(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "\"\\q\"", "\"\\xg1\"", "\"open", "'open\"", "\"\\'\"", "\"\\400\"", "\"\\ud800\"",
                "\"\\U00110000\"", "\"a\nb\"", "`open", "\"\\", "'\\\"'", "\"\\u12\"", "\"\\08\"",
                "\"\xef\xbf\xbd\"");
    else
        PUT_ANY(g, "\"x\"", "'y'", "`z`", "\"a\\\"b\"", "'it\\'s'", "\"\\x41\\u00e9\\U0001f600\\101\"",
                "\"\"", "``", "`a\\b\n\"'`", "\"\xc3\xa9\xf0\x9f\x98\x80\"", "\"\\a\\b\\f\\n\\r\\t\\v\\\\\"",
                "\"\\xff\"", "\"\\ufffd\"", "\"#no comment\"", "'{}[]()'");
}

static void
put_label(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "without", "nan", "a:b", "1a", "\"q\"", "a.b", "Inf", "");
    else
        PUT_ANY(g, "a", "job", "le", "sum", "by", "on", "bool", "__name__", "group_left", "offset", "start",
                "end", "or", "atan2", "AVG", "_x9", "ignoring", "and", "venue", "group_right", "unless");
}

static void
put_metric(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "on", "bool", "ignoring", "group_left", "atan2", "\xc3\xa9", "a.b", "9lives", "$x");
    else
        PUT_ANY(g, "foo", "bar", "http_requests_total", "job:rate:5m", ":x", "sum", "by", "start", "end",
                "offset", "or", "and", "unless", "without", "topk", "_y", "MIN", "rate", "Group", "up",
                "count_values");
}

/* One piece of a regular expression, without quotes and with backslashes doubled. */
static void
put_regex_piece(struct gen *g)
{
    if (wrong(g))
        PUT_ANY(g, "(", ")", "[z-a]", "a{1001}", "(?=x)", "(?!x)", "(?<=x)", "**", "a++", "\\\\1", "[", "[a",
                "\\\\Qx", "\\\\p{Nope}", "(?P<n>x)(?P<n>y)", "(?P<1-2>x)", "(?z)", "a{2,1}", "[[:nope:]]",
                "\\\\8", "\\\\xZZ", "(a{100}){100}", "[a-\\\\d]", "*", "+x", "|*", "(?i-)", "\\\\C", "\\\\E",
                "(?", "(?i", "(?P<>x)", "(?#c)", "\\\\x{110000}", "\\\\p", "a??*", "\\\\G", "x{1000}{2}",
                "(?:x{2}){501}", "(?P=n)", "\\\\pX");
    else
        PUT_ANY(g, "a", "b.c", ".*", ".+", "|", "(x|y)", "[a-z]", "[^a-z0-9_]+", "[]a]", "[^]a]", "a{2}",
                "a{2,}", "a{0,3}?", "a{,3}", "{", "}", "]", "(?i)", "(?:x)", "(?P<n>x)", "(?s:.)", "(?i-s:q)",
                "\\\\d+", "\\\\pL", "\\\\p{Greek}", "\\\\P{^Lu}", "\\\\.", "\\\\Qa.b\\\\E", "[[:alpha:]]",
                "[[:^digit:]x]", "\\\\x41", "\\\\x{1F600}", "\\\\012", "^", "$", "\\\\b", "\\\\B", "\\\\A",
                "\\\\z", "()", "(|a)*", "x?", "\\\\-", "\\\\_", "(a{10}){10}", "[\\\\d-a]", "[a-]", "[-a]",
                "[\\\\]]", "a|", "\\\\a\\\\n", "(?U)a+", "(?-i)", "[[:word:]]", "\xc3\xa9", "a{01}", "a{1,2",
                "[[:a]", "[[a]", "(x{1000})", "x{1000}", "()?", "(^$)*", "[.]", "\\\\p{Any}", "(?i)(?s)",
                "(((a)))", "\\\\07", "[\\\\x00-\\\\x{10ffff}]", "{2}a");
}

static void
put_regex(struct gen *g)
{
    put(g, "\"");
    for (unsigned n = gen_below(g, 4); n > 0; n--)
        put_regex_piece(g);
    put(g, "\"");
}

/* ---- selectors ---- */

static void
matcher(struct gen *g)
{
    unsigned op = gen_below(g, 4);
    static const char *const ops[] = {"=", "!=", "=~", "!~"};

    PUT_ANY(g, "a", "job", "le", "sum", "by", "on", "bool", "without", "inf", "__name__", "_");
    blank(g, false);
    if (wrong(g))
        PUT_ANY(g, "==", "~", "", "!", ">", "=!");
    else
        put(g, ops[op]);
    blank(g, false);
    if (wrong(g))
        PUT_ANY(g, "x", "5", "", "\"a\"\"b\"");
    else if (op >= 2)
        put_regex(g);
    else
        put_string(g);
}

static void
matchers(struct gen *g)
{
    unsigned n = gen_below(g, 4);

    put(g, "{");
    for (unsigned i = 0; i < n; i++) {
        blank(g, false);
        matcher(g);
        if (i + 1 < n || once_in(g, 8))
            put(g, wrong(g) ? ";" : ",");
    }
    if (wrong(g))
        put(g, ",");
    blank(g, false);
    put(g, "}");
}

static void
modifiers(struct gen *g)
{
    if (once_in(g, 8)) {
        blank(g, false);
        put(g, "@");
        blank(g, false);
        if (wrong(g))
            PUT_ANY(g, "start", "start(1)", "5m", "Inf", "--5", "9223372036854775807", "NaN", "foo",
                    "end()()", "");
        else
            PUT_ANY(g, "start()", "end()", "START ( )", "1603774568", "-1.5", "+1e9", "0x10",
                    "9.223372036854774e18");
    }
    if (once_in(g, 6)) {
        blank(g, true);
        PUT_ANY(g, "offset", "OFFSET", "Offset");
        blank(g, true);
        if (once_in(g, 4))
            put(g, wrong(g) ? "+" : "-");
        put_duration(g);
    }
    if (wrong(g))
        PUT_ANY(g, " offset 1m", " @ 5", "[5m]", "[5m:]", "{a=\"b\"}", " offset", " @");
}

static void
selector(struct gen *g, bool range)
{
    bool named = !once_in(g, 6);

    if (named)
        put_metric(g);
    if (!named || once_in(g, 2))
        matchers(g);
    blank(g, false);
    if (wrong(g))
        modifiers(g);
    if (range) {
        put(g, "[");
        if (once_in(g, 5))
            put(g, " ");
        put_duration(g);
        if (once_in(g, 6))
            put(g, " ");
        if (wrong(g))
            PUT_ANY(g, "x", ":x", "a1m", "#c\n", "]", "");
        put(g, "]");
    }
    modifiers(g);
}

static void
subquery(struct gen *g)
{
    bool paren = once_in(g, 2);

    put(g, paren ? "(" : "rate(foo[5m])");
    if (paren) {
        vector(g);
        put(g, ")");
    }
    put(g, "[");
    put_duration(g);
    blank(g, false);
    put(g, wrong(g) ? "::" : ":");
    if (once_in(g, 2)) {
        blank(g, false);
        put_duration(g);
    }
    blank(g, false);
    put(g, "]");
    modifiers(g);
}

/* ---- calls, aggregations, operators ---- */

static const char *const function_names[] = {
    "abs", "absent", "absent_over_time", "acos", "acosh", "asin", "asinh", "atan", "atanh", "avg_over_time",
    "ceil", "changes", "clamp", "clamp_max", "clamp_min", "cos", "cosh", "count_over_time", "day_of_month",
    "day_of_week", "day_of_year", "days_in_month", "deg", "delta", "deriv", "exp", "floor", "histogram_count",
    "histogram_fraction", "histogram_quantile", "histogram_sum", "holt_winters", "hour", "idelta", "increase",
    "irate", "label_join", "label_replace", "last_over_time", "ln", "log10", "log2", "max_over_time",
    "min_over_time", "minute", "month", "pi", "predict_linear", "present_over_time", "quantile_over_time",
    "rad", "rate", "resets", "round", "scalar", "sgn", "sin", "sinh", "sort", "sort_desc", "sqrt",
    "stddev_over_time", "stdvar_over_time", "sum_over_time", "tan", "tanh", "time", "timestamp", "vector",
    "year",
    /* none of 2.42 */
    "histogram_avg", "mad_over_time", "sort_by_label", "info", "limitk", "Rate", "foo:bar", "fill",
    "group_left", "on"};

static void
args(struct gen *g, const struct gr_promql_function *f)
{
    unsigned n = f->arg_count;

    if (f->variadic > 0 && once_in(g, 2))
        n--;
    else if (f->variadic != 0)
        n += gen_below(g, 2);
    if (wrong(g))
        n = gen_below(g, 6);
    for (unsigned i = 0; i < n; i++) {
        unsigned slot = i < f->arg_count ? i : f->arg_count - 1u;

        if (i > 0)
            put(g, ",");
        blank(g, false);
        expression(g, f->arg_count > 0 ? f->args[slot] : GR_PROMQL_T_SCALAR);
    }
    if (wrong(g))
        put(g, ",");
}

/* A call of a function with this result, if the table has one near a random place. */
static void
call(struct gen *g, enum gr_promql_type type)
{
    const unsigned wanted = 200;

    for (unsigned tries = 0; tries < wanted; tries++) {
        const char *name = function_names[gen_below(g, GR_COUNT(function_names))];
        const struct gr_promql_function *f = gr_promql_function(gr_str(name));

        if (!f && g->errors_in > 0 && once_in(g, 20)) {
            put(g, name);
            put(g, "(foo)");
            return;
        }
        if (!f || f->result != type)
            continue;
        put(g, name);
        blank(g, false);
        put(g, "(");
        args(g, f);
        blank(g, false);
        put(g, ")");
        return;
    }
    put(g, type == GR_PROMQL_T_SCALAR ? "time()" : "up");
}

static void
labels(struct gen *g)
{
    unsigned n = gen_below(g, 4);

    put(g, "(");
    for (unsigned i = 0; i < n; i++) {
        put_label(g);
        if (i + 1 < n || once_in(g, 8))
            put(g, ",");
        blank(g, false);
    }
    put(g, ")");
}

static void
clause(struct gen *g)
{
    blank(g, true);
    PUT_ANY(g, "by", "without", "BY", "Without");
    blank(g, false);
    labels(g);
    blank(g, false);
}

static void
aggregation(struct gen *g)
{
    static const char *const names[] = {"sum",    "avg",    "min",  "max",     "count",    "group",
                                        "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"};
    unsigned op = gen_below(g, GR_COUNT(names)), place = gen_below(g, 3);
    bool param = op >= 8;

    put(g, names[op]);
    if (place == 0)
        clause(g);
    else
        blank(g, false);
    put(g, "(");
    if (param != wrong(g)) {
        expression(g, op == 11 ? GR_PROMQL_T_TEXT : GR_PROMQL_T_SCALAR);
        put(g, ", ");
    }
    if (!wrong(g))
        expression(g, GR_PROMQL_T_VECTOR);
    if (wrong(g))
        put(g, ",");
    put(g, ")");
    if (place == 1 || wrong(g))
        clause(g);
}

static void
operator(struct gen *g, bool vectors)
{
    static const char *const names[] = {
        "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"};
    unsigned op = gen_below(g, vectors || wrong(g) ? 16 : 13);
    bool compares = op >= 7 && op < 13;

    blank(g, true);
    put(g, names[op]);
    blank(g, true);
    if (compares && (!vectors || once_in(g, 4)) && !wrong(g))
        put(g, "bool ");
    else if (wrong(g))
        put(g, "bool ");
    if (vectors ? once_in(g, 3) : wrong(g)) {
        PUT_ANY(g, "on", "ignoring", "ON");
        blank(g, false);
        labels(g);
        blank(g, true);
        if (op < 13 ? once_in(g, 2) : wrong(g)) {
            PUT_ANY(g, "group_left", "group_right", "GROUP_LEFT");
            blank(g, true);
            if (!once_in(g, 4))
                labels(g);
            blank(g, true);
        }
    } else if (wrong(g)) {
        put(g, "group_left (a) ");
    }
}

static void
binary(struct gen *g, enum gr_promql_type type)
{
    bool vectors = type == GR_PROMQL_T_VECTOR;
    unsigned shape = vectors ? gen_below(g, 3) : 0;

    expression(g, shape == 1 ? GR_PROMQL_T_SCALAR : type);
    operator(g, vectors &&shape == 0);
    expression(g, shape == 2 ? GR_PROMQL_T_SCALAR : type);
}

static void
vector(struct gen *g)
{
    if (g->budget == 0) {
        selector(g, false);
        return;
    }
    g->budget--;
    switch (gen_below(g, 9)) {
    case 0:
    case 1:
        selector(g, false);
        break;
    case 2:
    case 3:
        call(g, GR_PROMQL_T_VECTOR);
        break;
    case 4:
    case 5:
        aggregation(g);
        break;
    case 6:
        put(g, "(");
        expression(g, GR_PROMQL_T_VECTOR);
        put(g, ")");
        break;
    case 7:
        PUT_ANY(g, "-", "+", "- ", "--");
        expression(g, GR_PROMQL_T_VECTOR);
        break;
    default:
        binary(g, GR_PROMQL_T_VECTOR);
        break;
    }
}

static void
scalar(struct gen *g)
{
    if (g->budget == 0) {
        put_number(g);
        return;
    }
    g->budget--;
    switch (gen_below(g, 8)) {
    case 0:
        call(g, GR_PROMQL_T_SCALAR);
        break;
    case 1:
        put(g, "(");
        expression(g, GR_PROMQL_T_SCALAR);
        put(g, ")");
        break;
    case 2:
        PUT_ANY(g, "-", "+", "- ", "-+");
        expression(g, GR_PROMQL_T_SCALAR);
        break;
    case 3:
        binary(g, GR_PROMQL_T_SCALAR);
        break;
    default:
        put_number(g);
        break;
    }
}

static void
expression(struct gen *g, enum gr_promql_type type)
{
    if (wrong(g))
        type = (enum gr_promql_type)(1 + gen_below(g, 4));
    switch (type) {
    case GR_PROMQL_T_SCALAR:
        scalar(g);
        break;
    case GR_PROMQL_T_MATRIX:
        if (once_in(g, 4) && g->budget > 0) {
            g->budget--;
            subquery(g);
        } else {
            selector(g, true);
        }
        break;
    case GR_PROMQL_T_TEXT:
        put_string(g);
        break;
    case GR_PROMQL_T_NONE:
    case GR_PROMQL_T_VECTOR:
        vector(g);
        break;
    }
}

/* ---- mutation ---- */

/* The start of a code point at or before i. */
static size_t
boundary(const struct gr_buf *b, size_t i)
{
    while (i > 0 && i < b->n && ((unsigned char)b->p[i] & 0xc0) == 0x80)
        i--;
    return i;
}

/* Cuts a piece out, doubles it, or puts a word in. */
static void
mutate_once(struct gen *g)
{
    struct gr_buf *b = g->out, copy = GR_BUF_INIT(b->max);
    size_t from = boundary(b, gen_below(g, (unsigned)b->n + 1));
    size_t to = from + gen_below(g, 6);
    unsigned kind = gen_below(g, 3);
    struct gr_str text = gr_buf_str(b);

    to = to > b->n ? b->n : boundary(b, to);
    if (to < from)
        to = from;
    gr_buf_put(&copy, gr_str_sub(text, 0, kind == 0 ? from : to));
    if (kind == 1) {
        gr_buf_put(&copy, gr_str_sub(text, from, to));
    } else if (kind == 2) {
        struct gr_buf *old = g->out;

        g->out = &copy;
        PUT_ANY(g, " ", "(", ")", "{", "}", "[", "]", ",", "-", "+", "^", "==", "!=", "=", "=~", "!", "@",
                ":", "\"", "'", "`", "#", "\n", " by ", " on ", " bool ", " offset ", "5m", "1", "sum",
                " and ", "a", "_", "\\", "group_left()", "{}", "[5m]", " without(a) ", ".", "\xc3\xa9",
                "start()", ";", "$", "~", "0x", "nan", " atan2 ");
        g->out = old;
    }
    gr_buf_put(&copy, gr_str_sub(text, to, text.n));
    gr_buf_reset(b);
    gr_buf_put(b, gr_buf_str(&copy));
    gr_buf_fini(&copy);
}

/* Words without grammar. */
void
gen_soup(struct gen *g)
{
    for (unsigned n = 1 + gen_below(g, 7); n > 0; n--) {
        switch (gen_below(g, 10)) {
        case 0:
            put_number(g);
            break;
        case 1:
            put_string(g);
            break;
        case 2:
            put_metric(g);
            break;
        case 3:
            matchers(g);
            break;
        case 4:
            labels(g);
            break;
        case 5:
            put(g, "[");
            put_duration(g);
            put(g, "]");
            break;
        case 6:
            put_duration(g);
            break;
        default:
            PUT_ANY(g, "(", ")", "(", ")", "-", "+", "^", "*", "==", "bool", "on", "by", "without", "offset",
                    "@", "and", "or", "group_left", "ignoring", "sum", "rate", "atan2", "{", "}", ",",
                    "start()", "[", "]", ":", "!=", "=", "topk", "foo", "1", "5m", "start", "end");
        }
        blank(g, false);
    }
}

void
gen_expression(struct gen *g, bool mutate)
{
    static const enum gr_promql_type tops[] = {GR_PROMQL_T_VECTOR, GR_PROMQL_T_VECTOR, GR_PROMQL_T_VECTOR,
                                               GR_PROMQL_T_SCALAR, GR_PROMQL_T_MATRIX, GR_PROMQL_T_TEXT};

    g->budget = 1 + gen_below(g, 8);
    expression(g, tops[gen_below(g, GR_COUNT(tops))]);
    if (!mutate)
        return;
    for (unsigned n = 1 + gen_below(g, 2); n > 0; n--)
        mutate_once(g);
}
