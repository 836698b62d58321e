/* promql_table.c - the names of PromQL as of Prometheus 2.42: operators, aggregations, functions, keywords;
 * and those that came later, to tell a newer name from a misspelt one. */
#include "config.h"
#include "promql_lex.h"

/* ---- operators ---- */

static const struct {
    struct gr_str name;
    uint8_t strength;
} ops[] = {
    [GR_PROMQL_ADD] = {GR_STR_INIT("+"), 4}, [GR_PROMQL_SUB] = {GR_STR_INIT("-"), 4},
    [GR_PROMQL_MUL] = {GR_STR_INIT("*"), 5}, [GR_PROMQL_DIV] = {GR_STR_INIT("/"), 5},
    [GR_PROMQL_MOD] = {GR_STR_INIT("%"), 5}, [GR_PROMQL_ATAN2] = {GR_STR_INIT("atan2"), 5},
    [GR_PROMQL_POW] = {GR_STR_INIT("^"), 6}, [GR_PROMQL_EQ] = {GR_STR_INIT("=="), 3},
    [GR_PROMQL_NE] = {GR_STR_INIT("!="), 3}, [GR_PROMQL_LT] = {GR_STR_INIT("<"), 3},
    [GR_PROMQL_LE] = {GR_STR_INIT("<="), 3}, [GR_PROMQL_GT] = {GR_STR_INIT(">"), 3},
    [GR_PROMQL_GE] = {GR_STR_INIT(">="), 3}, [GR_PROMQL_AND] = {GR_STR_INIT("and"), 2},
    [GR_PROMQL_OR] = {GR_STR_INIT("or"), 1}, [GR_PROMQL_UNLESS] = {GR_STR_INIT("unless"), 2},
};

struct gr_str
gr_promql_op_name(enum gr_promql_op op)
{
    return ops[op].name;
}

unsigned
promql_op_strength(enum gr_promql_op op)
{
    return ops[op].strength;
}

bool
gr_promql_op_compares(enum gr_promql_op op)
{
    return ops[op].strength == 3;
}

bool
gr_promql_op_sets(enum gr_promql_op op)
{
    return ops[op].strength <= 2;
}

struct gr_str
gr_promql_match_name(enum gr_promql_match op)
{
    static const struct gr_str names[] = {GR_STR_INIT("="), GR_STR_INIT("!="), GR_STR_INIT("=~"),
                                          GR_STR_INIT("!~")};

    return names[op];
}

const char *
gr_promql_type_name(enum gr_promql_type type)
{
    static const char *const names[] = {"nothing", "scalar", "instant vector", "range vector", "string"};

    return names[type];
}

/* ---- aggregations ---- */

static const struct {
    struct gr_str name;
    enum gr_promql_type param;
} aggs[] = {
    [GR_PROMQL_AVG] = {GR_STR_INIT("avg"), GR_PROMQL_T_NONE},
    [GR_PROMQL_BOTTOMK] = {GR_STR_INIT("bottomk"), GR_PROMQL_T_SCALAR},
    [GR_PROMQL_COUNT] = {GR_STR_INIT("count"), GR_PROMQL_T_NONE},
    [GR_PROMQL_COUNT_VALUES] = {GR_STR_INIT("count_values"), GR_PROMQL_T_TEXT},
    [GR_PROMQL_GROUP] = {GR_STR_INIT("group"), GR_PROMQL_T_NONE},
    [GR_PROMQL_MAX] = {GR_STR_INIT("max"), GR_PROMQL_T_NONE},
    [GR_PROMQL_MIN] = {GR_STR_INIT("min"), GR_PROMQL_T_NONE},
    [GR_PROMQL_QUANTILE] = {GR_STR_INIT("quantile"), GR_PROMQL_T_SCALAR},
    [GR_PROMQL_STDDEV] = {GR_STR_INIT("stddev"), GR_PROMQL_T_NONE},
    [GR_PROMQL_STDVAR] = {GR_STR_INIT("stdvar"), GR_PROMQL_T_NONE},
    [GR_PROMQL_SUM] = {GR_STR_INIT("sum"), GR_PROMQL_T_NONE},
    [GR_PROMQL_TOPK] = {GR_STR_INIT("topk"), GR_PROMQL_T_SCALAR},
};

struct gr_str
gr_promql_agg_name(enum gr_promql_agg op)
{
    return aggs[op].name;
}

enum gr_promql_type
promql_agg_param(enum gr_promql_agg op)
{
    return aggs[op].param;
}

/* ---- functions ---- */

#define VEC GR_PROMQL_T_VECTOR
#define MAT GR_PROMQL_T_MATRIX
#define SCA GR_PROMQL_T_SCALAR
#define TXT GR_PROMQL_T_TEXT
#define ROW(name, count, variadic, result, ...)                                                              \
    {                                                                                                        \
        GR_STR_INIT(name), {__VA_ARGS__}, count, variadic, result                                            \
    }
/* Sorted by name: looked up by binary search. */
static const struct gr_promql_function functions[] = {
    ROW("abs", 1, 0, VEC, VEC),
    ROW("absent", 1, 0, VEC, VEC),
    ROW("absent_over_time", 1, 0, VEC, MAT),
    ROW("acos", 1, 0, VEC, VEC),
    ROW("acosh", 1, 0, VEC, VEC),
    ROW("asin", 1, 0, VEC, VEC),
    ROW("asinh", 1, 0, VEC, VEC),
    ROW("atan", 1, 0, VEC, VEC),
    ROW("atanh", 1, 0, VEC, VEC),
    ROW("avg_over_time", 1, 0, VEC, MAT),
    ROW("ceil", 1, 0, VEC, VEC),
    ROW("changes", 1, 0, VEC, MAT),
    ROW("clamp", 3, 0, VEC, VEC, SCA, SCA),
    ROW("clamp_max", 2, 0, VEC, VEC, SCA),
    ROW("clamp_min", 2, 0, VEC, VEC, SCA),
    ROW("cos", 1, 0, VEC, VEC),
    ROW("cosh", 1, 0, VEC, VEC),
    ROW("count_over_time", 1, 0, VEC, MAT),
    ROW("day_of_month", 1, 1, VEC, VEC),
    ROW("day_of_week", 1, 1, VEC, VEC),
    ROW("day_of_year", 1, 1, VEC, VEC),
    ROW("days_in_month", 1, 1, VEC, VEC),
    ROW("deg", 1, 0, VEC, VEC),
    ROW("delta", 1, 0, VEC, MAT),
    ROW("deriv", 1, 0, VEC, MAT),
    ROW("exp", 1, 0, VEC, VEC),
    ROW("floor", 1, 0, VEC, VEC),
    ROW("histogram_count", 1, 0, VEC, VEC),
    ROW("histogram_fraction", 3, 0, VEC, SCA, SCA, VEC),
    ROW("histogram_quantile", 2, 0, VEC, SCA, VEC),
    ROW("histogram_sum", 1, 0, VEC, VEC),
    ROW("holt_winters", 3, 0, VEC, MAT, SCA, SCA),
    ROW("hour", 1, 1, VEC, VEC),
    ROW("idelta", 1, 0, VEC, MAT),
    ROW("increase", 1, 0, VEC, MAT),
    ROW("irate", 1, 0, VEC, MAT),
    ROW("label_join", 4, -1, VEC, VEC, TXT, TXT, TXT),
    ROW("label_replace", 5, 0, VEC, VEC, TXT, TXT, TXT, TXT),
    ROW("last_over_time", 1, 0, VEC, MAT),
    ROW("ln", 1, 0, VEC, VEC),
    ROW("log10", 1, 0, VEC, VEC),
    ROW("log2", 1, 0, VEC, VEC),
    ROW("max_over_time", 1, 0, VEC, MAT),
    ROW("min_over_time", 1, 0, VEC, MAT),
    ROW("minute", 1, 1, VEC, VEC),
    ROW("month", 1, 1, VEC, VEC),
    ROW("pi", 0, 0, SCA, GR_PROMQL_T_NONE),
    ROW("predict_linear", 2, 0, VEC, MAT, SCA),
    ROW("present_over_time", 1, 0, VEC, MAT),
    ROW("quantile_over_time", 2, 0, VEC, SCA, MAT),
    ROW("rad", 1, 0, VEC, VEC),
    ROW("rate", 1, 0, VEC, MAT),
    ROW("resets", 1, 0, VEC, MAT),
    ROW("round", 2, 1, VEC, VEC, SCA),
    ROW("scalar", 1, 0, SCA, VEC),
    ROW("sgn", 1, 0, VEC, VEC),
    ROW("sin", 1, 0, VEC, VEC),
    ROW("sinh", 1, 0, VEC, VEC),
    ROW("sort", 1, 0, VEC, VEC),
    ROW("sort_desc", 1, 0, VEC, VEC),
    ROW("sqrt", 1, 0, VEC, VEC),
    ROW("stddev_over_time", 1, 0, VEC, MAT),
    ROW("stdvar_over_time", 1, 0, VEC, MAT),
    ROW("sum_over_time", 1, 0, VEC, MAT),
    ROW("tan", 1, 0, VEC, VEC),
    ROW("tanh", 1, 0, VEC, VEC),
    ROW("time", 0, 0, SCA, GR_PROMQL_T_NONE),
    ROW("timestamp", 1, 0, VEC, VEC),
    ROW("vector", 1, 0, VEC, SCA),
    ROW("year", 1, 1, VEC, VEC),
};

const struct gr_promql_function *
gr_promql_function(struct gr_str name)
{
    size_t low = 0, high = GR_COUNT(functions);

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = gr_str_cmp(name, functions[mid].name);

        if (order == 0)
            return &functions[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

struct gr_str
promql_nearest_function(struct gr_str name)
{
    struct gr_str names[GR_COUNT(functions) + GR_COUNT(aggs)];

    for (size_t i = 0; i < GR_COUNT(functions); i++)
        names[i] = functions[i].name;
    for (size_t i = 0; i < GR_COUNT(aggs); i++)
        names[GR_COUNT(functions) + i] = aggs[i].name;
    for (size_t i = 0; i < GR_COUNT(names) && name.n > 2;
         i++) /* cut short: "rat" is "rate", though "rad" is as near */
        if (gr_str_starts(names[i], name) && names[i].n == name.n + 1)
            return names[i];
    return gr_str_nearest(name, names, GR_COUNT(names));
}

const char *
promql_newer_name(struct gr_str name)
{
    static const struct {
        const char *name, *version;
    } newer[] = {
        {"double_exponential_smoothing", "3.0"},
        {"fill", "3.10"},
        {"fill_left", "3.10"},
        {"fill_right", "3.10"},
        {"first_over_time", "3.7"},
        {"histogram_avg", "2.51"},
        {"histogram_quantiles", "3.10"},
        {"histogram_stddev", "2.48"},
        {"histogram_stdvar", "2.48"},
        {"info", "3.0"},
        {"limit_ratio", "2.54"},
        {"limitk", "2.54"},
        {"mad_over_time", "2.45"},
        {"sort_by_label", "2.49"},
        {"sort_by_label_desc", "2.49"},
        {"ts_of_first_over_time", "3.7"},
        {"ts_of_last_over_time", "3.5"},
        {"ts_of_max_over_time", "3.5"},
        {"ts_of_min_over_time", "3.5"},
    };

    for (size_t i = 0; i < GR_COUNT(newer); i++)
        if (gr_str_is(name, newer[i].name))
            return newer[i].version;
    return NULL;
}

/* ---- keywords ---- */

/* Sorted by name, which a unit test checks. */
static const struct {
    const char *name;
    enum token_kind kind;
    unsigned value;
} keywords[] = {
    {"and", TOK_OP, GR_PROMQL_AND},
    {"atan2", TOK_OP, GR_PROMQL_ATAN2},
    {"avg", TOK_AGG, GR_PROMQL_AVG},
    {"bool", TOK_BOOL, 0},
    {"bottomk", TOK_AGG, GR_PROMQL_BOTTOMK},
    {"by", TOK_BY, 0},
    {"count", TOK_AGG, GR_PROMQL_COUNT},
    {"count_values", TOK_AGG, GR_PROMQL_COUNT_VALUES},
    {"end", TOK_END, 0},
    {"group", TOK_AGG, GR_PROMQL_GROUP},
    {"group_left", TOK_GROUP_LEFT, 0},
    {"group_right", TOK_GROUP_RIGHT, 0},
    {"ignoring", TOK_IGNORING, 0},
    {"inf", TOK_NUMBER, 0},
    {"max", TOK_AGG, GR_PROMQL_MAX},
    {"min", TOK_AGG, GR_PROMQL_MIN},
    {"nan", TOK_NUMBER, 0},
    {"offset", TOK_OFFSET, 0},
    {"on", TOK_ON, 0},
    {"or", TOK_OP, GR_PROMQL_OR},
    {"quantile", TOK_AGG, GR_PROMQL_QUANTILE},
    {"start", TOK_START, 0},
    {"stddev", TOK_AGG, GR_PROMQL_STDDEV},
    {"stdvar", TOK_AGG, GR_PROMQL_STDVAR},
    {"sum", TOK_AGG, GR_PROMQL_SUM},
    {"topk", TOK_AGG, GR_PROMQL_TOPK},
    {"unless", TOK_OP, GR_PROMQL_UNLESS},
    {"without", TOK_WITHOUT, 0},
};

bool
promql_keyword(struct gr_str name, struct token *out)
{
    char lower[13]; /* longer than the longest keyword */

    if (name.n >= sizeof lower)
        return false;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] - 'A' + 'a' : name.p[i]);
    for (size_t i = 0; i < GR_COUNT(keywords); i++) {
        if (!gr_str_is((struct gr_str){lower, name.n}, keywords[i].name))
            continue;
        out->kind = keywords[i].kind;
        out->value = keywords[i].value;
        return true;
    }
    return false;
}
