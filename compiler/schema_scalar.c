/* schema_scalar.c - the types of scalars in JSON Schema: one function each. The patterns say what scalar_check() says, as far
 * as a pattern can: neither ranges of numbers with units nor k <= n. */
#include "config.h"
#include "schema.h"

#include "guardrail/duration.h"
#include "guardrail/quantity.h"

#define PATTERN_BYTES_MAX 8192u
#define DECIMAL "(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)"
/* A text of one line: no control characters. */
#define LINE "^[^\\u0000-\\u001f\\u007f]+$"

typedef void scalar_fn(struct jsonout *j, cJSON *at, const struct key *key);

static void
put_types(struct jsonout *j, cJSON *at, const char *a, const char *b, const char *c)
{
    const char *const names[] = {a, b, c};
    cJSON *types = jsonout_array(j, at, "type");

    for (size_t i = 0; i < GR_COUNT(names); i++)
        if (names[i])
            jsonout_cstr(j, types, NULL, names[i]);
}

/* message: what editors say instead of showing the pattern (a keyword of theirs; validators pass over it). */
static void
put_pattern(struct jsonout *j, cJSON *at, const char *pattern, const char *message)
{
    jsonout_cstr(j, at, "pattern", pattern);
    jsonout_cstr(j, at, "patternErrorMessage", message);
}

static void
put_string(struct jsonout *j, cJSON *at, const char *pattern, const char *message)
{
    jsonout_cstr(j, at, "type", "string");
    put_pattern(j, at, pattern, message);
}

static void
put_text(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_types(j, at, "string", "number", "boolean");
    put_pattern(j, at, LINE, "A text has one line and is not empty.");
}

static void
put_named(struct jsonout *j, cJSON *at, const struct key *key)
{
    struct gr_buf b = GR_BUF_INIT(PATTERN_BYTES_MAX);

    schema_name_pattern(&b, key->type);
    put_string(j, at, gr_buf_cstr(&b),
               key->type == KEY_NAME
                   ? "A name begins with a-z and has a-z, 0-9, _ and -, at most 100 of them."
                   : "A label has letters, digits and _, begins with no digit, and is none that "
                     "guardrail or Prometheus sets itself.");
    j->failed = j->failed || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
}

static void
put_path(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_string(j, at, "^/?(?!\\.{1,2}(?:/|$))[^/]+(?:/(?!\\.{1,2}(?:/|$))[^/]+)*$",
               "A path has no empty parts, no \".\" and no \"..\".");
}

static void
put_url(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_string(j, at, "^https?://[^/ ][^ ]*$", "A URL begins with http:// or https:// and a host.");
}

static void
put_promql(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_string(j, at, "\\S", "A metric name or an expression is needed.");
}

static void
put_unit(struct jsonout *j, cJSON *at, const struct key *key)
{
    size_t n;
    const struct gr_unit *units = gr_units(&n);
    cJSON *names = jsonout_array(j, at, "enum");

    (void)key;
    for (size_t i = 0; i < n; i++)
        jsonout_cstr(j, names, NULL, units[i].name);
}

static void
put_bool(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    jsonout_cstr(j, at, "type", "boolean");
}

static void
put_count(struct jsonout *j, cJSON *at, const struct key *key)
{
    jsonout_cstr(j, at, "type", "integer");
    jsonout_num(j, at, "minimum", key->min);
    jsonout_num(j, at, "maximum", key->max);
}

static void
put_number(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    jsonout_cstr(j, at, "type", "number");
}

static void
put_duration(struct jsonout *j, cJSON *at, const struct key *key)
{
    struct gr_buf b = GR_BUF_INIT(PATTERN_BYTES_MAX);

    (void)key;
    gr_duration_pattern(&b);
    put_string(j, at, gr_buf_cstr(&b), "A duration is whole numbers with units, as 90s, 1h30m or 15min.");
    j->failed = j->failed || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
}

/* "%|percent|bps": the suffixes of all units, or of shares. */
static void
put_suffixes(struct gr_buf *b, bool shares)
{
    size_t n, before = b->n;
    const struct gr_unit *units = gr_units(&n);

    for (size_t i = 0; i < n; i++) {
        struct gr_str rest = gr_str(units[i].suffixes), piece;

        if (shares && (units[i].dim != GR_DIM_RATIO || strcmp(units[i].name, "pp") == 0))
            continue;
        while (gr_str_next(&rest, ' ', &piece)) {
            if (piece.n == 0)
                continue;
            gr_buf_puts(b, b->n > before ? "|" : "");
            gr_buf_put(b, piece);
        }
    }
}

static void
put_share(struct jsonout *j, cJSON *at, const struct key *key)
{
    struct gr_buf b = GR_BUF_INIT(PATTERN_BYTES_MAX);

    (void)key;
    gr_buf_puts(&b, "^" DECIMAL " ?(?:");
    put_suffixes(&b, true);
    gr_buf_puts(&b, ")$");
    put_string(j, at, gr_buf_cstr(&b), "A share is a percentage without a sign, as 0.5%.");
    j->failed = j->failed || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
}

/* Counts and scores are bare numbers. */
static void
put_quantity(struct jsonout *j, cJSON *at, const struct key *key)
{
    struct gr_buf b = GR_BUF_INIT(PATTERN_BYTES_MAX);

    (void)key;
    gr_buf_puts(&b, "^(?:\\+-|\\+\xe2\x88\x92|[\xc2\xb1+\xe2\x88\x92-])?" DECIMAL "(?: ?(?:");
    put_suffixes(&b, false);
    gr_buf_puts(&b, "))?(?: of control)?$");
    put_types(j, at, "string", "number", NULL);
    put_pattern(j, at, gr_buf_cstr(&b), "A quantity is a number with its unit, as +25%, ±5bps or 5min.");
    j->failed = j->failed || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
}

static void
put_date(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_string(j, at, "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$",
               "A date is written year-month-day, as 2026-12-31.");
}

static void
put_template(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_string(j, at, "^\\s*\\{",
               "A JSON object whose strings may hold placeholders: {title}, {summary}, {level} …");
}

static void
put_k_of_n(struct jsonout *j, cJSON *at, const struct key *key)
{
    (void)key;
    put_string(j, at, "^(?:[1-9][0-9]?|100) of (?:[1-9][0-9]?|100)$",
               "Write how many slots of how many, as 2 of 3.");
}

static void
put_choice(struct jsonout *j, cJSON *at, const struct key *key)
{
    cJSON *names = jsonout_array(j, at, "enum");

    for (size_t i = 0; key->choices[i]; i++)
        jsonout_cstr(j, names, NULL, key->choices[i]);
}

void
schema_name_pattern(struct gr_buf *b, enum key_type type)
{
    size_t n;
    const struct gr_str *reserved = scalar_reserved_labels(&n);

    if (type == KEY_NAME) {
        gr_buf_printf(b, "^[a-z][a-z0-9_-]{0,%u}$", KEY_NAME_BYTES_MAX - 1);
        return;
    }
    if (type != KEY_LABEL) {
        gr_buf_puts(b, LINE);
        return;
    }
    gr_buf_puts(b, "^(?!__)(?!(?:");
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(b, "%s" GR_FMT, i ? "|" : "", GR_ARG(reserved[i]));
    gr_buf_printf(b, ")$)[A-Za-z_][A-Za-z0-9_]{0,%u}$", KEY_NAME_BYTES_MAX - 1);
}

static scalar_fn *const types[KEY_TYPE_COUNT] = {
    [KEY_TEXT] = put_text,         [KEY_NAME] = put_named,
    [KEY_LABEL] = put_named,       [KEY_PATH] = put_path,
    [KEY_URL] = put_url,           [KEY_PROMQL] = put_promql,
    [KEY_TEMPLATE] = put_template, [KEY_UNIT] = put_unit,
    [KEY_BOOL] = put_bool,         [KEY_COUNT] = put_count,
    [KEY_NUMBER] = put_number,     [KEY_DURATION] = put_duration,
    [KEY_SHARE] = put_share,       [KEY_QUANTITY] = put_quantity,
    [KEY_DATE] = put_date,         [KEY_K_OF_N] = put_k_of_n,
    [KEY_CHOICE] = put_choice,     [KEY_ARGV] = put_text, /* each of its words */
};

void
schema_scalar(struct jsonout *j, cJSON *at, const struct key *key)
{
    GR_ASSERT(types[key->type]);
    types[key->type](j, at, key);
}
