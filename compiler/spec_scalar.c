/* spec_scalar.c - the types of scalars: one check each, one row each. */
#include "config.h"
#include "clock.h"
#include "spec_keys.h"
#include "spec_parts.h"

#include "guardrail/duration.h"
#include "guardrail/template.h"

/* Labels that the generated rules set themselves; a spec that used one would be overwritten. */
static const struct gr_str reserved_labels[] = {
    GR_STR_INIT("alertname"), GR_STR_INIT("cohort"), GR_STR_INIT("deployment_id"), GR_STR_INIT("group"),
    GR_STR_INIT("guardrail"), GR_STR_INIT("le"),     GR_STR_INIT("level"),         GR_STR_INIT("part"),
    GR_STR_INIT("phase"),     GR_STR_INIT("reason"), GR_STR_INIT("side"),          GR_STR_INIT("spec"),
};

const struct gr_str *
scalar_reserved_labels(size_t *count)
{
    *count = GR_COUNT(reserved_labels);
    return reserved_labels;
}

static bool
is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
check_line(struct spec *s, struct gr_str text, struct gr_span where)
{
    if (text.n == 0) {
        gr_diag(s->d, GR0103, where, GR_STR("write the text, or remove the key"), "the text is empty");
        return false;
    }
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
            gr_diag(s->d, GR0103, where, GR_STR("write it on one line, without control characters"),
                    "the text must be one line");
            return false;
        }
    return true;
}

static bool
check_name(struct spec *s, struct gr_str name, struct gr_span where)
{
    bool ok = name.n > 0 && name.n <= KEY_NAME_BYTES_MAX && is_lower(name.p[0]);

    for (size_t i = 0; ok && i < name.n; i++)
        ok = is_lower(name.p[i]) || is_digit(name.p[i]) || name.p[i] == '_' || name.p[i] == '-';
    if (!ok)
        gr_diag(s->d, GR0104, where,
                GR_STR("begin with a lower-case letter; use a-z, 0-9, _ and -, at most 100 of them"),
                "\"" GR_FMT "\" is no name", GR_ARG(name));
    return ok;
}

static bool
check_label(struct spec *s, struct gr_str name, struct gr_span where)
{
    bool ok = name.n > 0 && name.n <= KEY_NAME_BYTES_MAX && !is_digit(name.p[0]);

    for (size_t i = 0; ok && i < name.n; i++)
        ok = is_lower(name.p[i]) || (name.p[i] >= 'A' && name.p[i] <= 'Z') || is_digit(name.p[i]) ||
             name.p[i] == '_';
    if (!ok) {
        gr_diag(s->d, GR0104, where, GR_STR("use letters, digits and _, and begin with no digit"),
                "\"" GR_FMT "\" is no label name", GR_ARG(name));
        return false;
    }
    for (size_t i = 0; ok && i < GR_COUNT(reserved_labels); i++)
        ok = !gr_str_eq(name, reserved_labels[i]);
    ok = ok && !gr_str_starts(name, GR_STR("__"));
    if (!ok)
        gr_diag(s->d, GR0104, where, GR_STR("relabel the metric, and use the new label here"),
                "the label \"" GR_FMT "\" is set by guardrail or Prometheus itself", GR_ARG(name));
    return ok;
}

bool
scalar_check_name(struct spec *s, struct gr_str name, struct gr_span where, enum key_type type)
{
    if (type == KEY_NAME)
        return check_name(s, name, where);
    if (type == KEY_LABEL)
        return check_label(s, name, where);
    return check_line(s, name, where);
}

static bool
text_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    (void)key;
    return check_line(s, node->text, node->span);
}

static bool
name_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    (void)key;
    return check_name(s, node->text, node->span);
}

static bool
label_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    (void)key;
    return check_label(s, node->text, node->span);
}

/* Also the folder of the dashboards, which becomes folders of the output tree. */
static bool
path_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct gr_str rest = node->text, piece;
    size_t pieces = 0;

    (void)key;
    if (!check_line(s, node->text, node->span))
        return false;
    while (gr_str_next(&rest, '/', &piece)) {
        bool root = pieces++ == 0 && piece.n == 0;

        if (root || (piece.n > 0 && !gr_str_is(piece, ".") && !gr_str_is(piece, "..")))
            continue;
        gr_diag(s->d, GR0104, node->span, GR_STR("write the path without empty parts, \".\" and \"..\""),
                "\"" GR_FMT "\" is no plain path", GR_ARG(node->text));
        return false;
    }
    return true;
}

static bool
url_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct gr_str host = GR_STR_NONE;

    (void)key;
    if (!check_line(s, node->text, node->span))
        return false;
    if (gr_str_starts(node->text, GR_STR("http://")))
        host = gr_str_sub(node->text, 7, node->text.n);
    if (gr_str_starts(node->text, GR_STR("https://")))
        host = gr_str_sub(node->text, 8, node->text.n);
    if (host.n > 0 && host.p[0] != '/' && gr_str_find(host, GR_STR(" "), 0) == SIZE_MAX)
        return true;
    gr_diag(s->d, GR0104, node->span, GR_STR("write https://host/path"), "\"" GR_FMT "\" is no URL",
            GR_ARG(node->text));
    return false;
}

static bool
promql_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    (void)key;
    if (gr_str_trim(node->text).n > 0)
        return true;
    gr_diag(s->d, GR0103, node->span, GR_STR("write a metric name or an expression"), "the text is empty");
    return false;
}

static struct gr_str
placeholder_like(struct spec *s, struct gr_str name)
{
    struct strs names = {gr_arena_array(s->a, GR_TEMPLATE_NAMES, sizeof *names.v), 0};

    for (size_t i = 0; names.v && i < GR_TEMPLATE_NAMES; i++)
        names.v[names.n++] = gr_str(gr_template_names[i]);
    return spec_suggest(s, name, &names, "placeholders");
}

static bool
template_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    const struct gr_node *root;
    struct gr_template_fault fault;
    enum gr_err err = gr_template_read(s->a, node->text, &root, &fault);

    (void)key;
    if (err == GR_EUSER && fault.name.n > 0)
        gr_diag(s->d, GR0315, node->span, placeholder_like(s, fault.name), "the body: %s: " GR_FMT,
                fault.what, GR_ARG(fault.name));
    else if (err == GR_EUSER)
        gr_diag(s->d, GR0103, node->span, GR_STR("write a JSON object, as {\"text\": \"{title}\"}"),
                "the body: %s", fault.what);
    return err == GR_OK; /* without memory the arena says so */
}

static bool
unit_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    size_t n;
    const struct gr_unit *units = gr_units(&n);
    struct strs names = {gr_arena_array(s->a, n, sizeof *names.v), 0};
    const struct gr_unit *by_suffix = gr_unit_by_suffix(node->text);

    (void)key;
    if (gr_unit_by_name(node->text))
        return true;
    for (size_t i = 0; names.v && i < n; i++)
        names.v[names.n++] = gr_str(units[i].name);
    gr_diag(s->d, GR0105, node->span,
            by_suffix ? gr_arena_printf(s->a, "write %s", by_suffix->name)
                      : spec_suggest(s, node->text, &names, "units"),
            "unknown unit \"" GR_FMT "\"", GR_ARG(node->text));
    return false;
}

/* Words that other YAML readers take for a truth value. */
static struct gr_str
means_bool(struct gr_str text)
{
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "on", "On", "1"};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "off", "Off", "0"};

    for (size_t i = 0; i < GR_COUNT(yes); i++)
        if (gr_str_is(text, yes[i]) || gr_str_is(text, no[i]))
            return gr_str_is(text, yes[i]) ? GR_STR("write true, without quotes")
                                           : GR_STR("write false, without quotes");
    return GR_STR("write true or false");
}

static bool
bool_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    (void)key;
    if (node->style == GR_STYLE_PLAIN && (gr_str_is(node->text, "true") || gr_str_is(node->text, "false")))
        return true;
    gr_diag(s->d, GR0103, node->span, means_bool(node->text),
            "true or false is expected here, not \"" GR_FMT "\"", GR_ARG(node->text));
    return false;
}

static bool
count_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    int64_t v;
    enum gr_err err = gr_parse_i64(node->text, key->min, key->max, &v);

    if (err == GR_OK)
        return true;
    if (err == GR_ERANGE)
        gr_diag(s->d, GR0209, node->span, gr_arena_printf(s->a, "write %u to %u", key->min, key->max),
                GR_FMT " is outside %u to %u", GR_ARG(node->text), key->min, key->max);
    else
        gr_diag(s->d, GR0103, node->span,
                gr_arena_printf(s->a, "write %u to %u, without a unit", key->min, key->max),
                "a whole number is expected here");
    return false;
}

static bool
number_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct gr_dec v;

    (void)key;
    if (gr_dec_parse(node->text, &v) == GR_OK)
        return true;
    gr_diag(s->d, GR0103, node->span, GR_STR("write digits and a point, as in 0.99"),
            "a plain number is expected here");
    return false;
}

static bool
duration_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    int64_t ms;
    enum gr_err err = gr_duration_parse(node->text, &ms);
    struct gr_dec bare;

    (void)key;
    if (err == GR_OK)
        return true;
    if (err == GR_ERANGE)
        gr_diag(s->d, GR0201, node->span, GR_STR("write more than 0 and at most ten years"),
                "\"" GR_FMT "\" is too short or too long", GR_ARG(node->text));
    else if (gr_dec_parse(node->text, &bare) == GR_OK)
        gr_diag(s->d, GR0201, node->span,
                gr_arena_printf(s->a, "write " GR_FMT "s, " GR_FMT "m or " GR_FMT "h", GR_ARG(node->text),
                                GR_ARG(node->text), GR_ARG(node->text)),
                "the duration has no unit");
    else
        gr_diag(s->d, GR0201, node->span, GR_STR("write whole numbers with units: 90s, 1h30m, 15min"),
                "\"" GR_FMT "\" is no duration", GR_ARG(node->text));
    return false;
}

/* A quantity that could not be parsed. */
static void
report_quantity(struct spec *s, const struct gr_node *node, enum gr_err err, struct gr_str bad_unit)
{
    if (err == GR_ENOENT) {
        size_t at = (size_t)(bad_unit.p - node->text.p);

        gr_diag(s->d, GR0202, spec_within(s, node, at, at + bad_unit.n),
                GR_STR("write one of: % pp bps ms s min h B, or no unit for counts"),
                "unknown unit \"" GR_FMT "\"", GR_ARG(bad_unit));
    } else if (err == GR_ERANGE) {
        gr_diag(s->d, GR0209, node->span, GR_STR("write at most 18 digits"),
                "the number has too many digits");
    } else {
        gr_diag(s->d, GR0202, node->span, GR_STR("write a number with its unit, as in +25%, ±5bps, 5min"),
                "\"" GR_FMT "\" is no quantity", GR_ARG(node->text));
    }
}

static bool
quantity_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct gr_str text = node->text, bad_unit = GR_STR_NONE;
    struct gr_quantity q;
    enum gr_err err;

    (void)key;
    if (gr_str_ends(text, GR_STR(" of control")))
        text.n -= strlen(" of control");
    if ((err = gr_quantity_parse(text, &q, &bad_unit)) == GR_OK)
        return true;
    report_quantity(s, node, err, bad_unit);
    return false;
}

enum gr_err
spec_ratio(struct gr_str text, struct gr_dec *out)
{
    struct gr_quantity q;
    struct gr_str bad;
    enum gr_err err = gr_quantity_parse(text, &q, &bad);

    if (err != GR_OK)
        return err;
    if (!q.unit || q.unit->dim != GR_DIM_RATIO)
        return GR_ESYNTAX;
    return gr_dec_mul(q.value, q.unit->scale, out);
}

static bool
share_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct gr_str bad_unit = GR_STR_NONE;
    struct gr_dec ratio;
    struct gr_quantity q;
    enum gr_err err = gr_quantity_parse(node->text, &q, &bad_unit);

    (void)key;
    if (err != GR_OK) {
        report_quantity(s, node, err, bad_unit);
        return false;
    }
    if (!q.unit) {
        gr_diag(s->d, GR0203, node->span,
                gr_arena_printf(s->a, "write " GR_FMT "%%, if you mean percent", GR_ARG(node->text)),
                "a share needs a percent sign");
        return false;
    }
    if (q.unit->dim != GR_DIM_RATIO || gr_str_is(gr_str(q.unit->name), "pp")) {
        gr_diag(s->d, GR0204, node->span, GR_STR("write a percentage, as in 0.5%"), "a share cannot be in %s",
                q.unit->name);
        return false;
    }
    if (q.sign == GR_SIGN_NONE && spec_ratio(node->text, &ratio) == GR_OK &&
        gr_dec_cmp(ratio, GR_DEC(1, 0)) <= 0)
        return true;
    gr_diag(s->d, GR0209, node->span, GR_STR("write 0% to 100%, without a sign"),
            "\"" GR_FMT "\" is no share", GR_ARG(node->text));
    return false;
}

static bool
k_of_n_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    size_t of = gr_str_find(node->text, GR_STR(" of "), 0);
    uint64_t k, n;

    (void)key;
    if (of == SIZE_MAX || gr_parse_u64(gr_str_sub(node->text, 0, of), 100, &k) != GR_OK ||
        gr_parse_u64(gr_str_sub(node->text, of + 4, node->text.n), 100, &n) != GR_OK) {
        gr_diag(s->d, GR0202, node->span, GR_STR("write 2 of 3, with at most 100 slots"),
                "\"" GR_FMT "\" does not say how many slots of how many", GR_ARG(node->text));
        return false;
    }
    if (k >= 1 && k <= n)
        return true;
    gr_diag(s->d, GR0209, node->span, GR_STR("write 1 of 1, 2 of 3 or the like"),
            "\"" GR_FMT "\" can never be met, or always is", GR_ARG(node->text));
    return false;
}

static bool
choice_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct strs names = {NULL, 0};

    for (size_t i = 0; key->choices[i]; i++) {
        if (gr_str_is(node->text, key->choices[i]))
            return true;
        (void)strs_add(s, &names, gr_str(key->choices[i]));
    }
    gr_diag(s->d, GR0105, node->span, spec_suggest(s, node->text, &names, "choices"),
            "\"" GR_FMT "\" is none of the choices here", GR_ARG(node->text));
    return false;
}

static bool
date_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    int64_t at;

    (void)key;
    if (clock_date(node->text, &at) == GR_OK)
        return true;
    gr_diag(s->d, GR0212, node->span, GR_STR("write year-month-day, as 2026-12-31"),
            "\"" GR_FMT "\" is no date", GR_ARG(node->text));
    return false;
}

static const struct scalar_type {
    const char *name;
    bool (*check)(struct spec *s, const struct gr_node *node, const struct key *key);
} types[KEY_TYPE_COUNT] = {
    [KEY_TEXT] = {"a text", text_check},
    [KEY_NAME] = {"a name", name_check},
    [KEY_LABEL] = {"a label name", label_check},
    [KEY_PATH] = {"a path", path_check},
    [KEY_URL] = {"a URL", url_check},
    [KEY_PROMQL] = {"PromQL", promql_check},
    [KEY_TEMPLATE] = {"a JSON template", template_check},
    [KEY_UNIT] = {"a unit", unit_check},
    [KEY_BOOL] = {"true or false", bool_check},
    [KEY_COUNT] = {"a whole number", count_check},
    [KEY_NUMBER] = {"a number", number_check},
    [KEY_DURATION] = {"a duration", duration_check},
    [KEY_DATE] = {"a date", date_check},
    [KEY_SHARE] = {"a percentage", share_check},
    [KEY_QUANTITY] = {"a quantity with its unit", quantity_check},
    [KEY_K_OF_N] = {"a number of slots", k_of_n_check},
    [KEY_CHOICE] = {"one of the choices", choice_check},
    [KEY_ARGV] = {"a list of program and arguments", text_check},
    [KEY_MAP] = {"a mapping", text_check},
};

const char *
key_type_name(enum key_type type)
{
    return types[type].name;
}

bool
scalar_check(struct spec *s, const struct gr_node *node, const struct key *key)
{
    return types[key->type].check(s, node, key);
}
