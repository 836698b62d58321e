/* schema.c - walks the tables of the language and writes them as JSON Schema and as Markdown. */
#include "config.h"
#include "schema.h"

#include <stdlib.h>
#include "guardrail/arena.h"
#include "guardrail/diag.h"
#include "guardrail/number.h"
#include "guardrail/source.h"

#define TABLES_MAX 200u
#define ARENA_BYTES_MAX ((size_t)1 << 20) /* of one example */
#define TEXT_BYTES_MAX 4096u
#define DEFINITION_NAME_MAX 100u

/* "The unit of the value.": help is a phrase that begins in lower case. */
static void
put_sentence(struct gr_buf *b, const struct key *key)
{
    size_t at = b->n;

    gr_buf_puts(b, key->help);
    gr_buf_putc(b, '.');
    if (gr_buf_err(b) == GR_OK && b->p[at] >= 'a' && b->p[at] <= 'z' &&
        strncmp(key->help, "guardrailc", 10) != 0)
        b->p[at] = (char)(b->p[at] - 'a' + 'A');
}

/* Whether the form is an example, not a pattern with something left out. */
static bool
is_example(const struct key *key)
{
    return key->form && !strstr(key->form, "\xe2\x80\xa6") && !strstr(key->form, " or ");
}

static void
put_description(struct jsonout *j, cJSON *at, const struct key *key)
{
    struct gr_buf b = GR_BUF_INIT(TEXT_BYTES_MAX);

    put_sentence(&b, key);
    if (key->form && !is_example(key))
        gr_buf_printf(&b, " Written as %s.", key->form);
    jsonout_cstr(j, at, "description", gr_buf_cstr(&b));
    j->failed = j->failed || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
}

/* ---- examples and defaults, written as YAML in the tables ---- */

/* Digits with a point, as JSON and YAML 1.2 have them. */
static bool
is_number(struct gr_str s)
{
    struct gr_dec v;

    return s.n > 0 && ((s.p[0] >= '0' && s.p[0] <= '9') || s.p[0] == '-') && gr_dec_parse(s, &v) == GR_OK;
}

static void
put_node(struct jsonout *j, cJSON *parent, const char *key, const struct gr_node *node)
{
    bool plain = node->style == GR_STYLE_PLAIN, yes = gr_str_is(node->text, "true");
    cJSON *at = NULL;

    if (node->kind == GR_NODE_LIST || node->kind == GR_NODE_MAP) {
        bool map = node->kind == GR_NODE_MAP;

        at = map ? jsonout_object(j, parent, key) : jsonout_array(j, parent, key);
        gr_node_each (e, node) {
            struct gr_buf name = GR_BUF_INIT(TEXT_BYTES_MAX);

            gr_buf_put(&name, e->key);
            put_node(j, at, map ? gr_buf_cstr(&name) : NULL, e);
            gr_buf_fini(&name);
        }
    } else if (plain && (yes || gr_str_is(node->text, "false"))) {
        jsonout_bool(j, parent, key, yes);
    } else if (plain && is_number(node->text)) {
        jsonout_num(j, parent, key, strtod(node->text.p, NULL)); /* texts of nodes end with NUL */
    } else {
        jsonout_str(j, parent, key, node->text);
    }
}

/* A value of the tables, under `name` or at the end of an array. */
static void
put_yaml(struct jsonout *j, cJSON *parent, const char *name, const char *yaml)
{
    struct gr_arena *a = gr_arena_create(ARENA_BYTES_MAX);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_node *root = NULL;
    uint32_t file;

    if (a && d && gr_sources_add(sources, gr_str(name), gr_str(yaml), &file) == GR_OK &&
        gr_yaml_read(a, sources, file, NULL, d, &root) == GR_OK)
        put_node(j, parent, name, root);
    else
        j->failed = true;
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_arena_free(a);
}

/* ---- what the readers of the parts check beyond the tables ---- */

/* Where `when` holds ("key", or "key=value"; NULL: always), one of `one_of` is needed and none of `none_of` may be there: words of
 * the same forms. The corpus test holds these against the reader. */
static const struct rule {
    const char *what, *when, *one_of, *none_of;
} rules[] = {
    {.what = "a limit", .one_of = "soft hard"},
    {.what = "a limit", .when = "against=fixed", .one_of = "bad", .none_of = "floor backstop"},
    {.what = "a limit", .when = "against=control", .none_of = "bad"},
    {.what = "a metric", .when = "buckets", .one_of = "histogram"},
    {.what = "a metric", .when = "common", .one_of = "promql"},
    {.what = "a metric", .when = "histogram", .one_of = "quantile"},
    {.what = "a metric", .when = "quantile", .one_of = "histogram"},
    {.what = "a metric", .when = "ratio", .none_of = "signed unit"},
    {.what = "a metric", .when = "histogram", .none_of = "signed"},
    {.what = "a metric", .when = "reduce", .one_of = "gauge"},
    {.what = "a metric", .when = "weights", .one_of = "ratio"},
    {.what = "a phase", .one_of = "min_duration final=true"},
    {.what = "a phase", .one_of = "traffic shadow"},
    {.what = "a phase", .when = "final=true", .none_of = "checks max_duration min_duration"},
    {.what = "a phase", .when = "shadow=true", .none_of = "traffic"},
    {.what = "a guardrail", .when = "scope=stream", .none_of = "compare_within slice"},
    {.what = "a spec", .when = "false_alarm_budget", .one_of = "false_rollback_budget"},
    {.what = "a step",
     .when = "promql",
     .one_of = "below above",
     .none_of = "timeout probe idempotent retries"},
    {.what = "a step", .when = "above", .one_of = "promql"},
    {.what = "a step", .when = "below", .one_of = "promql"},
    {.what = "a step", .when = "no_data", .one_of = "promql"},
    {.what = "a step", .when = "within", .one_of = "promql"},
    {.what = "an action", .when = "escalate_after", .one_of = "escalate_to"},
    {.what = "an action", .when = "escalate_to", .one_of = "escalate_after"},
    {.what = "an action", .when = "escalate_after", .one_of = "pagerduty opsgenie jsm"},
    {.what = "an override", .one_of = "soft hard backstop"},
};

/* "key" or "key=value" holds. */
static void
put_condition(struct jsonout *j, cJSON *at, struct gr_str word)
{
    size_t equals = gr_str_find(word, GR_STR("="), 0);
    struct gr_str key = gr_str_sub(word, 0, equals),
                  value = gr_str_sub(word, equals == SIZE_MAX ? word.n : equals + 1, word.n);

    jsonout_str(j, jsonout_array(j, at, "required"), NULL, key);
    if (equals == SIZE_MAX)
        return;
    at = jsonout_object(j, jsonout_object(j, at, "properties"), jsonout_key(j, key));
    if (gr_str_is(value, "true"))
        jsonout_bool(j, at, "const", true);
    else
        jsonout_str(j, at, "const", value);
}

static void
put_words(struct jsonout *j, cJSON *list, const char *words)
{
    struct gr_str rest = gr_str(words), word;

    while (gr_str_next(&rest, ' ', &word))
        put_condition(j, jsonout_object(j, list, NULL), word);
}

static void
put_rule(struct jsonout *j, cJSON *at, const struct rule *rule, bool overlay)
{
    if (rule->when) {
        put_condition(j, jsonout_object(j, at, "if"), gr_str(rule->when));
        at = jsonout_object(j, at, "then");
    }
    if (rule->one_of && !overlay && !strchr(rule->one_of, ' '))
        put_condition(j, at, gr_str(rule->one_of));
    else if (rule->one_of && !overlay)
        put_words(j, jsonout_array(j, at, "anyOf"), rule->one_of);
    if (rule->none_of)
        put_words(j, jsonout_array(j, jsonout_object(j, at, "not"), "anyOf"), rule->none_of);
}

/* ---- values ---- */

struct schema {
    struct jsonout *j;
    cJSON *definitions; /* one for each table with rows, and one more as overlays have it */
    struct {
        const struct keys *keys;
        bool overlay;
        char name[DEFINITION_NAME_MAX];
    } seen[TABLES_MAX];
    size_t n;
};

static void put_map(struct schema *c, cJSON *at, const struct keys *keys, bool overlay);

static void
put_one(struct schema *c, cJSON *at, const struct key *key, bool overlay)
{
    cJSON *choice;

    if (key->type != KEY_MAP) {
        schema_scalar(c->j, at, key);
        return;
    }
    if (key->scalar) {
        choice = jsonout_array(c->j, at, "anyOf");
        at = jsonout_object(c->j, choice, NULL);
        put_description(c->j, at, key->scalar);
        schema_scalar(c->j, at, key->scalar);
        at = jsonout_object(c->j, choice, NULL);
        put_description(c->j, at, key);
    }
    put_map(c, at, key->map, overlay);
    if (key->map->any && !(key->flags & KEY_MAY_BE_EMPTY))
        jsonout_num(c->j, at, "minProperties", 1);
}

/* An array of what is put into the answer. */
static cJSON *
put_array(struct jsonout *j, cJSON *at, const struct key *key)
{
    jsonout_cstr(j, at, "type", "array");
    if (!(key->flags & KEY_MAY_BE_EMPTY))
        jsonout_num(j, at, "minItems", 1);
    if (key->type == KEY_NAME || key->type == KEY_LABEL)
        jsonout_bool(j, at, "uniqueItems", true);
    return jsonout_object(j, at, "items");
}

static void
put_value(struct schema *c, cJSON *at, const struct key *key, bool overlay)
{
    cJSON *choice;

    if (key->type == KEY_ARGV && key->shape == SHAPE_LIST)
        at = put_array(c->j, at, key);
    if (key->type == KEY_ARGV || key->shape == SHAPE_LIST) {
        put_one(c, put_array(c->j, at, key), key, overlay);
    } else if (key->shape == SHAPE_ONE_OR_LIST) {
        choice = jsonout_array(c->j, at, "anyOf");
        put_one(c, jsonout_object(c->j, choice, NULL), key, overlay);
        put_one(c, put_array(c->j, jsonout_object(c->j, choice, NULL), key), key, overlay);
    } else {
        put_one(c, at, key, overlay);
    }
}

/* What stands beside a $ref is for people only: validators of draft-07 pass over it, editors show it. */
static void
put_key(struct schema *c, cJSON *at, const struct key *key, bool overlay)
{
    put_description(c->j, at, key);
    if (key->absent)
        put_yaml(c->j, at, "default", key->absent);
    if (is_example(key))
        put_yaml(c->j, jsonout_array(c->j, at, "examples"), NULL, key->form);
    put_value(c, at, key, overlay);
}

/* ---- mappings ---- */

static void
put_required(struct jsonout *j, cJSON *at, const char *a, const char *b)
{
    cJSON *names = jsonout_array(j, at, "required");

    jsonout_cstr(j, names, NULL, a);
    if (b)
        jsonout_cstr(j, names, NULL, b);
}

/* Rows that exclude each other. */
static bool
excludes(const struct key *a, const struct key *b)
{
    return a != b && a->group > 0 && a->group == b->group;
}

/* Exactly one of group 1, at most one of the others; in an overlay at most one of each. */
static void
put_groups(struct schema *c, cJSON *at, cJSON *all, const struct keys *keys, bool overlay)
{
    cJSON *one = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->rows[i];

        if (key->group == 1 && !overlay) {
            one = one ? one : jsonout_array(c->j, at, "oneOf");
            put_required(c->j, jsonout_object(c->j, one, NULL), key->name, NULL);
            continue;
        }
        for (size_t k = i + 1; k < keys->n; k++)
            if (excludes(key, &keys->rows[k]))
                put_required(c->j, jsonout_object(c->j, jsonout_object(c->j, all, NULL), "not"), key->name,
                             keys->rows[k].name);
    }
}

/* In an overlay an entry has to say only which one it adapts. */
static void
put_all_required(struct schema *c, cJSON *at, const struct keys *keys, bool overlay)
{
    cJSON *names = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->rows[i];

        if (!(key->flags & KEY_REQUIRED) || (overlay && strcmp(key->name, "name") != 0))
            continue;
        names = names ? names : jsonout_array(c->j, at, "required");
        jsonout_cstr(c->j, names, NULL, key->name);
    }
}

static void
put_rules(struct schema *c, cJSON *all, const struct keys *keys, bool overlay)
{
    for (size_t i = 0; i < GR_COUNT(rules); i++)
        if (strcmp(rules[i].what, keys->what) == 0 && (!overlay || rules[i].none_of))
            put_rule(c->j, jsonout_object(c->j, all, NULL), &rules[i], overlay);
}

static bool
is_legal(const struct key *key, bool overlay)
{
    return overlay || !(key->flags & KEY_OVERLAY);
}

/* What only overlays have is whole in itself, as a waiver is. */
static void
put_rows(struct schema *c, cJSON *at, const struct keys *keys, bool overlay)
{
    cJSON *properties, *all;

    jsonout_cstr(c->j, at, "type", "object");
    properties = jsonout_object(c->j, at, "properties");
    for (size_t i = 0; i < keys->n; i++)
        if (is_legal(&keys->rows[i], overlay))
            put_key(c, jsonout_object(c->j, properties, keys->rows[i].name), &keys->rows[i],
                    overlay && !(keys->rows[i].flags & KEY_OVERLAY));
    jsonout_bool(c->j, at, "additionalProperties", false);
    put_all_required(c, at, keys, overlay);
    all = jsonout_array(c->j, at, "allOf");
    put_groups(c, at, all, keys, overlay);
    put_rules(c, all, keys, overlay);
    if (all && cJSON_GetArraySize(all) == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(at, "allOf");
}

/* "a guardrail" is guardrail; the second table of one name gets a number. */
static void
name_definition(struct schema *c, size_t i)
{
    struct gr_str what = gr_str(c->seen[i].keys->what);
    struct gr_buf b = GR_BUF_INIT(DEFINITION_NAME_MAX);
    size_t same = 1;

    if (gr_str_starts(what, GR_STR("a ")) || gr_str_starts(what, GR_STR("an ")))
        what = gr_str_sub(what, gr_str_find(what, GR_STR(" "), 0) + 1, what.n);
    for (size_t k = 0; k < i; k++)
        same += c->seen[k].overlay == c->seen[i].overlay &&
                strcmp(c->seen[k].keys->what, c->seen[i].keys->what) == 0;
    gr_buf_puts(&b, c->seen[i].overlay ? "overlay_" : "");
    for (size_t k = 0; k < what.n; k++)
        gr_buf_putc(&b, what.p[k] == ' ' ? '_' : what.p[k]);
    if (same > 1)
        gr_buf_printf(&b, "_%zu", same);
    c->j->failed = c->j->failed || gr_buf_err(&b) != GR_OK;
    memcpy(c->seen[i].name, gr_buf_cstr(&b), b.n + 1);
    gr_buf_fini(&b);
}

/* The name of a table's definition, which is there from then on. */
static const char *
define(struct schema *c, const struct keys *keys, bool overlay)
{
    size_t i = 0;

    while (i < c->n && !(c->seen[i].keys == keys && c->seen[i].overlay == overlay))
        i++;
    if (i == c->n) {
        GR_ASSERT(c->n < GR_COUNT(c->seen));
        c->n++;
        c->seen[i].keys = keys;
        c->seen[i].overlay = overlay;
        name_definition(c, i);
        put_rows(c, jsonout_object(c->j, c->definitions, c->seen[i].name), keys, overlay);
    }
    return c->seen[i].name;
}

static void
put_map(struct schema *c, cJSON *at, const struct keys *keys, bool overlay)
{
    struct gr_buf b = GR_BUF_INIT(TEXT_BYTES_MAX);

    if (!keys->any) {
        jsonout_fmt(c->j, at, "$ref", "#/definitions/%s", define(c, keys, overlay));
        return;
    }
    schema_name_pattern(&b, keys->names);
    jsonout_cstr(c->j, at, "type", "object");
    jsonout_cstr(c->j, jsonout_object(c->j, at, "propertyNames"), "pattern", gr_buf_cstr(&b));
    c->j->failed = c->j->failed || gr_buf_err(&b) != GR_OK;
    gr_buf_fini(&b);
    put_key(c, jsonout_object(c->j, at, "additionalProperties"), keys->any, overlay);
}

/* A part, for `include`, has guardrails or actions and nothing of what only whole specs have; whose part it is nobody can see, so
 * it may adapt, too. A document that has just begun is a whole one. */
static void
put_documents(struct schema *c, cJSON *root)
{
    cJSON *at, *both, *some, *none;

    put_required(c->j, jsonout_object(c->j, root, "if"), "extends", NULL);
    put_map(c, jsonout_object(c->j, root, "then"), &spec_keys, true);
    at = jsonout_object(c->j, root, "else");
    both = jsonout_array(c->j, jsonout_object(c->j, at, "if"), "allOf");
    some = jsonout_array(c->j, jsonout_object(c->j, both, NULL), "anyOf");
    none = jsonout_array(c->j, jsonout_object(c->j, jsonout_object(c->j, both, NULL), "not"), "anyOf");
    for (size_t i = 0; i < spec_keys.n; i++) {
        const char *name = spec_keys.rows[i].name;

        if (keys_find(&include_keys, gr_str(name)) == NULL)
            put_required(c->j, jsonout_object(c->j, none, NULL), name, NULL);
        else if (strcmp(name, "apiVersion") != 0)
            put_required(c->j, jsonout_object(c->j, some, NULL), name, NULL);
    }
    put_map(c, jsonout_object(c->j, at, "then"), &include_keys, true);
    put_map(c, jsonout_object(c->j, at, "else"), &spec_keys, false);
}

enum gr_err
schema_put(struct gr_buf *out)
{
    struct jsonout j;
    struct schema c = {.j = &j};
    cJSON *root;

    jsonout_init(&j);
    root = jsonout_root(&j);
    jsonout_cstr(&j, root, "$schema", "http://json-schema.org/draft-07/schema#");
    jsonout_cstr(&j, root, "title", "guardrail specification");
    jsonout_cstr(
        &j, root, "description",
        "What is watched while a release is rolled out, how far it may go, and what happens when it goes "
        "further: guardrail/v1.");
    jsonout_cstr(&j, root, "type", "object");
    c.definitions = jsonout_object(&j, root, "definitions");
    put_documents(&c, root);
    return jsonout_finish(&j, root, out);
}

/* ---- Markdown ---- */

struct seen {
    const struct keys *v[TABLES_MAX];
    size_t n;
};

/* "A phase", or `release`. */
static void
put_heading(struct gr_buf *out, const struct keys *keys)
{
    struct gr_str what = gr_str(keys->what);
    bool article = gr_str_starts(what, GR_STR("a ")) || gr_str_starts(what, GR_STR("an "));

    if (keys == &spec_keys)
        gr_buf_puts(out, "### The document\n");
    else if (article)
        gr_buf_printf(out, "\n### A" GR_FMT "\n", GR_ARG(gr_str_sub(what, 1, what.n)));
    else
        gr_buf_printf(out, "\n### `" GR_FMT "`\n", GR_ARG(what));
}

static void
put_row(struct gr_buf *out, const struct key *key)
{
    gr_buf_printf(out, "| `%s` | %s | %s |", key->name,
                  key->flags & KEY_REQUIRED ? "required"
                  : key->group == 1         ? "one of"
                                            : "",
                  key->help);
    if (key->form)
        gr_buf_printf(out, " `%s`", key->form);
    gr_buf_puts(out, " |\n");
}

static void
put_table(struct gr_buf *out, const struct keys *keys, struct seen *seen)
{
    for (size_t i = 0; i < seen->n; i++)
        if (seen->v[i] == keys)
            return;
    GR_ASSERT(seen->n < GR_COUNT(seen->v));
    seen->v[seen->n++] = keys;
    if (keys->n > 0) {
        put_heading(out, keys);
        gr_buf_puts(out, "\n| key | | meaning | for example |\n|---|---|---|---|\n");
    }
    for (size_t i = 0; i < keys->n; i++)
        put_row(out, &keys->rows[i]);
    for (size_t i = 0; i < keys->n; i++)
        if (keys->rows[i].map)
            put_table(out, keys->rows[i].map, seen);
    if (keys->any && keys->any->map)
        put_table(out, keys->any->map, seen);
}

enum gr_err
schema_put_markdown(struct gr_buf *out)
{
    struct seen seen = {.n = 0};

    put_table(out, &spec_keys, &seen);
    put_table(out, &include_keys, &seen);
    return gr_buf_err(out);
}
