/* spec_keys.c - walks a document along its tables and reports what they alone can tell. */
#include "config.h"
#include "spec_keys.h"
#include "spec_parts.h"

static bool check_value(struct spec *s, const struct gr_node *node, const struct key *key);

const struct key *
keys_find(const struct keys *keys, struct gr_str name)
{
    for (size_t i = 0; i < keys->n; i++)
        if (gr_str_is(name, keys->rows[i].name))
            return &keys->rows[i];
    return keys->any;
}

static struct strs
key_names(struct spec *s, const struct keys *keys)
{
    struct strs names = {gr_arena_array(s->a, keys->n, sizeof *names.v), 0};

    for (size_t i = 0; names.v && i < keys->n; i++)
        names.v[names.n++] = gr_str(keys->rows[i].name);
    return names;
}

/* Reports an unknown key. If it is a slip for one that is not there, the entry goes on as that one: its value is checked, the
 * key is not missing, and whoever reads it later sees what was meant. */
static const struct key *
report_unknown(struct spec *s, const struct gr_node *map, struct gr_node *entry, const struct keys *keys,
               const struct strs *names)
{
    struct gr_str near = strs_nearest(names, entry->key);
    bool meant = false;

    gr_diag(s->d, GR0101, entry->key_span, spec_suggest(s, entry->key, names, "keys here"),
            "unknown key \"" GR_FMT "\" in %s", GR_ARG(entry->key), keys->what);
    if (near.n == 0)
        return NULL;
    gr_node_each (other, map)
        meant = meant || gr_str_eq(other->key, near);
    if (meant)
        return NULL;
    entry->key = near;
    return keys_find(keys, near);
}

/* `"a"`, or `"a", "b" and "c"`. */
static struct gr_str
quoted_list(struct spec *s, const struct strs *names, const char *last)
{
    struct gr_buf b = GR_BUF_INIT(10000);
    struct gr_str text;

    for (size_t i = 0; i < names->n; i++)
        gr_buf_printf(&b, "%s\"" GR_FMT "\"",
                      i == 0              ? ""
                      : i + 1 == names->n ? last
                                          : ", ",
                      GR_ARG(names->v[i]));
    text = gr_arena_dup(s->a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text;
}

/* All that a mapping lacks is one finding. */
static bool
check_missing(struct spec *s, const struct gr_node *map, const struct keys *keys)
{
    struct strs missing = {NULL, 0};
    const struct key *first = NULL;
    struct gr_str names;

    for (size_t i = 0; i < keys->n; i++)
        if ((keys->rows[i].flags & KEY_REQUIRED) && !spec_has(map, keys->rows[i].name)) {
            first = first ? first : &keys->rows[i];
            if (!spec_enough(s))
                (void)strs_add(s, &missing, gr_str(keys->rows[i].name));
        }
    if (!first)
        return true;
    if (spec_enough(s)) {
        gr_diag(s->d, GR0102, spec_head(map), GR_STR_NONE, "%s needs more keys", keys->what);
        return false;
    }
    names = quoted_list(s, &missing, " and ");
    if (missing.n == 1)
        gr_diag(s->d, GR0102, spec_head(map),
                gr_arena_printf(s->a, "add `%s:` (%s)", first->name, first->help), "%s needs the key " GR_FMT,
                keys->what, GR_ARG(names));
    else
        gr_diag(s->d, GR0102, spec_head(map), gr_arena_printf(s->a, "add " GR_FMT, GR_ARG(names)),
                "%s needs the keys " GR_FMT, keys->what, GR_ARG(names));
    return false;
}

/* The names of a group, `"a", "b" or "c"`. */
static struct gr_str
group_names(struct spec *s, const struct keys *keys, unsigned group)
{
    struct gr_buf b = GR_BUF_INIT(1000);
    struct gr_str text;
    size_t left = 0;

    for (size_t i = 0; i < keys->n; i++)
        left += keys->rows[i].group == group;
    for (size_t i = 0; i < keys->n; i++) {
        if (keys->rows[i].group != group)
            continue;
        gr_buf_printf(&b, "\"%s\"%s", keys->rows[i].name, left > 2 ? ", " : left == 2 ? " or " : "");
        left--;
    }
    text = gr_arena_dup(s->a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text;
}

/* Keys that exclude each other: the first is kept, the others are poisoned. */
static void
check_group(struct spec *s, const struct gr_node *map, const struct keys *keys, unsigned group, bool meant)
{
    const struct gr_node *first = NULL;

    gr_node_each (entry, map) {
        const struct key *key = keys_find(keys, entry->key);

        if (!key || key->group != group)
            continue;
        if (!first) {
            first = entry;
            continue;
        }
        gr_diag(s->d, GR0107, entry->key_span,
                gr_arena_printf(s->a, "keep one of " GR_FMT, GR_ARG(group_names(s, keys, group))),
                "\"" GR_FMT "\" and \"" GR_FMT "\" exclude each other", GR_ARG(first->key),
                GR_ARG(entry->key));
        gr_diag_note(s->d, first->key_span, "the other one is here");
        spec_poison(s, entry);
    }
    if (!first && group == 1 && !s->partial && !meant)
        gr_diag(s->d, GR0102, spec_head(map),
                gr_arena_printf(s->a, "add " GR_FMT, GR_ARG(group_names(s, keys, group))),
                "%s needs one of " GR_FMT, keys->what, GR_ARG(group_names(s, keys, group)));
}

static bool
has_group(const struct keys *keys, unsigned group)
{
    for (size_t i = 0; i < keys->n; i++)
        if (keys->rows[i].group == group)
            return true;
    return false;
}

static void
check_groups(struct spec *s, const struct gr_node *map, const struct keys *keys, bool meant)
{
    unsigned last = 0;

    for (size_t i = 0; i < keys->n; i++)
        last = keys->rows[i].group > last ? keys->rows[i].group : last;
    for (unsigned group = 1; group <= last; group++)
        if (has_group(keys, group))
            check_group(s, map, keys, group, meant);
}

static void
check_entry(struct spec *s, const struct gr_node *entry, const struct keys *keys, const struct key *key)
{
    if ((key->flags & KEY_OVERLAY) && !s->overlay) {
        gr_diag(s->d, GR0320, entry->key_span,
                GR_STR("remove it, or write it in a file that `extends` this one"),
                "\"" GR_FMT "\" is for overlays, and this file extends nothing", GR_ARG(entry->key));
        spec_poison(s, entry);
        return;
    }
    if (key == keys->any && !scalar_check_name(s, entry->key, entry->key_span, keys->names)) {
        spec_poison(s, entry);
        return;
    }
    if (!check_value(s, entry, key))
        spec_poison(s, entry);
}

/* False: it is empty and must not be. */
static bool
check_map(struct spec *s, const struct gr_node *map, const struct keys *keys)
{
    struct strs names = {NULL, 0};
    bool unknown = false, complete;

    for (struct gr_node *entry = map->first; entry; entry = entry->next) {
        const struct key *key = keys_find(keys, entry->key);

        if (!key && !names.v)
            names = key_names(s, keys);
        if (!key)
            key = report_unknown(s, map, entry, keys, &names);
        if (key)
            check_entry(s, entry, keys, key);
        else
            unknown = true;
    }
    complete = s->partial || check_missing(s, map, keys);
    if (map->count == 0 && !complete)
        return false;
    check_groups(s, map, keys, unknown);
    return true;
}

static bool
report_type(struct spec *s, const struct gr_node *node, const char *want, struct gr_str fix)
{
    if (node->kind == GR_NODE_NULL && s->partial)
        return false; /* it stands in for something that was refused, such as an alias */
    if (node->kind == GR_NODE_NULL)
        gr_diag(s->d, GR0103, node->key.n ? node->key_span : node->span, fix,
                "there is no value; %s is expected", want);
    else
        gr_diag(s->d, GR0103, node->kind == GR_NODE_SCALAR || !node->key.n ? node->span : node->key_span, fix,
                "%s is expected here, not %s", want, gr_node_kind_name(node->kind));
    return false;
}

/* How a value of this key is written. */
static struct gr_str
form(struct spec *s, const struct key *key)
{
    if (!key->form)
        return gr_str(key->help);
    return gr_arena_printf(s->a, key->type == KEY_MAP ? "write %s" : "write it as in %s", key->form);
}

/* Names and values; guardrails, phases and the like have limits of their own. */
#define ENTRIES_MAX 1000u

static bool
report_empty(struct spec *s, const struct gr_node *node)
{
    gr_diag(s->d, GR0108, node->span, GR_STR("add an entry, or remove the key"),
            "at least one entry is needed here");
    return false;
}

/* One value of the row's type, whatever the row's shape. */
static bool
check_one(struct spec *s, const struct gr_node *node, const struct key *key)
{
    if (key->type == KEY_MAP) {
        if (key->scalar && node->kind == GR_NODE_SCALAR)
            return scalar_check(s, node, key->scalar);
        if (node->kind != GR_NODE_MAP)
            return report_type(s, node, key->scalar ? "a mapping or a single value" : "a mapping",
                               form(s, key));
        if (node->count == 0 && !(key->flags & KEY_MAY_BE_EMPTY) && key->map->any)
            return report_empty(s, node);
        if (key->map->any && spec_too_many(s, node, ENTRIES_MAX, "entries"))
            return false;
        return check_map(s, node, key->map);
    }
    if (node->kind != GR_NODE_SCALAR)
        return report_type(s, node, key_type_name(key->type), form(s, key));
    return scalar_check(s, node, key);
}

/* A list: its entries are checked one by one. One that is wrong poisons a list of scalars (half a list of
 * labels would be a different, wrong list), but not a list of mappings. */
static bool
check_list(struct spec *s, const struct gr_node *list, const struct key *key)
{
    bool ok = true;

    if (list->count == 0 && !(key->flags & KEY_MAY_BE_EMPTY))
        return report_empty(s, list);
    if (key->type != KEY_MAP && spec_too_many(s, list, ENTRIES_MAX, "entries"))
        return false;
    gr_node_each (item, list) {
        if (check_one(s, item, key))
            continue;
        spec_poison(s, item);
        ok = key->type == KEY_MAP && ok;
    }
    return ok;
}

static bool
check_argv(struct spec *s, const struct gr_node *node, const struct key *key)
{
    struct key text = *key;

    text.type = KEY_TEXT;
    if (node->kind != GR_NODE_LIST)
        return report_type(s, node, "a list of program and arguments",
                           GR_STR("write [program, \"argument\", …]; no shell is involved"));
    return check_list(s, node, &text);
}

static bool
check_value(struct spec *s, const struct gr_node *node, const struct key *key)
{
    bool ok = true;

    if (key->type == KEY_ARGV && key->shape == SHAPE_ONE)
        return check_argv(s, node, key);
    if (key->shape == SHAPE_ONE || (key->shape == SHAPE_ONE_OR_LIST && node->kind == GR_NODE_SCALAR))
        return check_one(s, node, key);
    if (node->kind != GR_NODE_LIST)
        return report_type(s, node, "a list",
                           node->kind == GR_NODE_SCALAR && key->type != KEY_MAP
                               ? gr_arena_printf(s->a, "write [" GR_FMT "]", GR_ARG(node->text))
                               : form(s, key));
    if (key->type != KEY_ARGV)
        return check_list(s, node, key);
    if (node->count == 0)
        return report_empty(s, node);
    gr_node_each (item, node)
        if (ok || item->kind == GR_NODE_LIST) /* one program instead of several: told at its first word */
            ok = check_argv(s, item, key) && ok;
    return ok;
}

void
keys_check(struct spec *s, const struct gr_node *root, const struct keys *keys, bool partial)
{
    s->partial = partial;
    if (root->kind != GR_NODE_MAP) {
        struct gr_span where = {root->span.file, root->span.start, root->span.start};

        if (root->kind == GR_NODE_NULL)
            gr_diag(s->d, GR0108, where, GR_STR("begin with `apiVersion: guardrail/v1`"),
                    "the file has no content");
        else
            gr_diag(s->d, GR0103, root->span, GR_STR("begin with `apiVersion: guardrail/v1`"),
                    "%s is a mapping, not %s", keys->what, gr_node_kind_name(root->kind));
        spec_poison(s, root);
        return;
    }
    if (!check_map(s, root, keys))
        spec_poison(s, root);
}
