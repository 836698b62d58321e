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

static void put_map(struct jsonout *j, cJSON *at, const struct keys *keys);

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

/* ---- values ---- */

static void
put_one(struct jsonout *j, cJSON *at, const struct key *key)
{
    cJSON *choice;

    if (key->type != KEY_MAP) {
        schema_scalar(j, at, key);
        return;
    }
    if (!key->scalar) {
        put_map(j, at, key->map);
    } else {
        choice = jsonout_array(j, at, "anyOf");
        schema_scalar(j, jsonout_object(j, choice, NULL), key->scalar);
        at = jsonout_object(j, choice, NULL);
        put_map(j, at, key->map);
    }
    if (key->map->any && !(key->flags & KEY_MAY_BE_EMPTY))
        jsonout_num(j, at, "minProperties", 1);
}

/* An array of what put() says about one entry. */
static cJSON *
put_array(struct jsonout *j, cJSON *at, const struct key *key)
{
    jsonout_cstr(j, at, "type", "array");
    if (!(key->flags & KEY_MAY_BE_EMPTY))
        jsonout_num(j, at, "minItems", 1);
    return jsonout_object(j, at, "items");
}

static void
put_value(struct jsonout *j, cJSON *at, const struct key *key)
{
    cJSON *choice;

    if (key->type == KEY_ARGV && key->shape == SHAPE_LIST)
        at = put_array(j, at, key);
    if (key->type == KEY_ARGV || key->shape == SHAPE_LIST) {
        put_one(j, put_array(j, at, key), key);
    } else if (key->shape == SHAPE_ONE_OR_LIST) {
        choice = jsonout_array(j, at, "anyOf");
        put_one(j, jsonout_object(j, choice, NULL), key);
        put_one(j, put_array(j, jsonout_object(j, choice, NULL), key), key);
    } else {
        put_one(j, at, key);
    }
}

static void
put_key(struct jsonout *j, cJSON *at, const struct key *key)
{
    put_description(j, at, key);
    if (key->absent)
        put_yaml(j, at, "default", key->absent);
    if (is_example(key))
        put_yaml(j, jsonout_array(j, at, "examples"), NULL, key->form);
    put_value(j, at, key);
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

static bool
in_group(const struct key *key, unsigned group)
{
    return key->group == group && !(key->flags & KEY_NOT_YET);
}

/* Exactly one of group 1, at most one of the others. */
static void
put_groups(struct jsonout *j, cJSON *at, const struct keys *keys)
{
    cJSON *one = NULL, *all = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        if (!keys->rows[i].group || (keys->rows[i].flags & KEY_NOT_YET))
            continue;
        if (keys->rows[i].group == 1) {
            one = one ? one : jsonout_array(j, at, "oneOf");
            put_required(j, jsonout_object(j, one, NULL), keys->rows[i].name, NULL);
            continue;
        }
        for (size_t k = i + 1; k < keys->n; k++) {
            if (!in_group(&keys->rows[k], keys->rows[i].group))
                continue;
            all = all ? all : jsonout_array(j, at, "allOf");
            put_required(j, jsonout_object(j, jsonout_object(j, all, NULL), "not"), keys->rows[i].name,
                         keys->rows[k].name);
        }
    }
}

static void
put_all_required(struct jsonout *j, cJSON *at, const struct keys *keys)
{
    cJSON *names = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        if (!(keys->rows[i].flags & KEY_REQUIRED))
            continue;
        names = names ? names : jsonout_array(j, at, "required");
        jsonout_cstr(j, names, NULL, keys->rows[i].name);
    }
}

static void
put_properties(struct jsonout *j, cJSON *at, const struct keys *keys)
{
    cJSON *properties = jsonout_object(j, at, "properties");

    for (size_t i = 0; i < keys->n; i++)
        if (!(keys->rows[i].flags & KEY_NOT_YET))
            put_key(j, jsonout_object(j, properties, keys->rows[i].name), &keys->rows[i]);
    jsonout_bool(j, at, "additionalProperties", false);
}

static void
put_map(struct jsonout *j, cJSON *at, const struct keys *keys)
{
    jsonout_cstr(j, at, "type", "object");
    if (keys->any) {
        struct gr_buf b = GR_BUF_INIT(TEXT_BYTES_MAX);

        schema_name_pattern(&b, keys->names);
        jsonout_cstr(j, jsonout_object(j, at, "propertyNames"), "pattern", gr_buf_cstr(&b));
        j->failed = j->failed || gr_buf_err(&b) != GR_OK;
        gr_buf_fini(&b);
        put_key(j, jsonout_object(j, at, "additionalProperties"), keys->any);
        return;
    }
    put_properties(j, at, keys);
    put_all_required(j, at, keys);
    put_groups(j, at, keys);
}

enum gr_err
schema_put(struct gr_buf *out)
{
    struct jsonout j;
    cJSON *root;

    jsonout_init(&j);
    root = jsonout_root(&j);
    jsonout_cstr(&j, root, "$schema", "http://json-schema.org/draft-07/schema#");
    jsonout_cstr(&j, root, "title", "guardrail specification");
    jsonout_cstr(
        &j, root, "description",
        "What is watched while a release is rolled out, how far it may go, and what happens when it goes "
        "further: guardrail/v1.");
    put_map(&j, root, &spec_keys);
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
        gr_buf_puts(out, "\n### The document\n");
    else if (article)
        gr_buf_printf(out, "\n### A" GR_FMT "\n", GR_ARG(gr_str_sub(what, 1, what.n)));
    else
        gr_buf_printf(out, "\n### `" GR_FMT "`\n", GR_ARG(what));
}

static void
put_row(struct gr_buf *out, const struct key *key)
{
    gr_buf_printf(out, "| `%s` | %s | %s |", key->name,
                  key->flags & KEY_NOT_YET    ? "not yet"
                  : key->flags & KEY_REQUIRED ? "required"
                  : key->group == 1           ? "one of"
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
    return gr_buf_err(out);
}
