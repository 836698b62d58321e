/* merge.c - two documents into one, along the tables of the language. */
#include "config.h"
#include "merge.h"

struct merge {
    struct spec *s;
    const struct marks *skip;
};

static struct gr_node *merge_value(struct merge *m, const struct gr_node *base, const struct gr_node *over,
                                   const struct key *key);
static struct gr_node *merge_map(struct merge *m, const struct gr_node *base, const struct gr_node *over,
                                 const struct keys *keys);

bool
merge_takes_away(const struct gr_node *node)
{
    return node->kind == GR_NODE_NULL && node->span.end > node->span.start;
}

static bool
skipped(const struct merge *m, const struct gr_node *node)
{
    return marks_has(m->skip, m->s->sources, node->span);
}

/* What is not part of the merged document. */
static bool
stays_behind(const struct key *key)
{
    return key && (key->flags & (KEY_OVERLAY | KEY_FILES)) != 0;
}

/* ---- building ---- */

/* A list or mapping that grows at its end. */
struct chain {
    struct gr_node *node, **end;
};

static struct gr_node *
copy(struct merge *m, const struct gr_node *from)
{
    struct gr_node *node = gr_arena_alloc(m->s->a, sizeof *node);

    if (node) {
        *node = *from;
        node->next = NULL;
    }
    return node;
}

/* An empty collection in the place of `like`. */
static struct chain
begin(struct merge *m, const struct gr_node *like)
{
    struct chain c = {copy(m, like), NULL};

    if (c.node) {
        c.node->first = NULL;
        c.node->count = 0;
        c.end = &c.node->first;
    }
    return c;
}

/* node is fresh, or NULL without memory, which the arena remembers. */
static void
append(struct chain *c, struct gr_node *node)
{
    if (!node || !c->node)
        return;
    *c->end = node;
    c->end = &node->next;
    c->node->count++;
}

/* ---- finding ---- */

/* Entries by a text: their keys, their names, what they are for. The first of a text wins. */
struct table {
    struct slot {
        struct gr_str text;
        const struct gr_node *node;
        size_t at;
    } * slots;
    size_t cap;
};

static bool
table_init(struct merge *m, struct table *t, size_t count)
{
    t->cap = 8;
    while (t->cap < 2 * count)
        t->cap *= 2;
    t->slots = gr_arena_array(m->s->a, t->cap, sizeof *t->slots);
    return t->slots != NULL;
}

/* The slot of a text, or the free one where it belongs. */
static struct slot *
table_slot(const struct table *t, struct gr_str text)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a, as in spec_value.c */
    size_t i;

    for (size_t k = 0; k < text.n; k++)
        h = (h ^ (unsigned char)text.p[k]) * 1099511628211u;
    for (i = (size_t)h & (t->cap - 1); t->slots[i].node; i = (i + 1) & (t->cap - 1))
        if (gr_str_eq(t->slots[i].text, text))
            break;
    return &t->slots[i];
}

static void
table_add(struct table *t, struct gr_str text, const struct gr_node *node, size_t at)
{
    struct slot *slot = table_slot(t, text);

    if (!slot->node)
        *slot = (struct slot){text, node, at};
}

/* {venue: XNAS, flow: agency} as one text, whatever the order: what an override is for. Values are one line each. */
static struct gr_str
where_text(struct merge *m, const struct gr_node *where)
{
    struct pairs p = {gr_arena_array(m->s->a, where->count, sizeof *p.v), 0};
    struct gr_str text = GR_STR("");

    if (where->count > MODEL_LABELS_MAX)
        return GR_STR_NONE; /* no slice has so many: it is refused when it is read */
    gr_node_each (entry, where)
        if (p.v)
            p.v[p.n++] = (struct pair){entry->key, entry->text};
    pairs_sort(&p);
    for (size_t i = 0; i < p.n; i++)
        text = gr_arena_printf(m->s->a, GR_FMT GR_FMT "\n" GR_FMT "\n", GR_ARG(text), GR_ARG(p.v[i].key),
                               GR_ARG(p.v[i].value));
    return text;
}

/* The text that tells which entry of a list this is; empty: none. */
static struct gr_str
identity(struct merge *m, const struct gr_node *item, const struct key *key)
{
    const struct gr_node *by = gr_node_get(item, key->merge_by);

    if (!by)
        return GR_STR_NONE;
    return by->kind == GR_NODE_MAP ? where_text(m, by) : by->kind == GR_NODE_SCALAR ? by->text : GR_STR_NONE;
}

/* ---- one value ---- */

/* A value that only the overlay has, without what overlays alone have. */
static struct gr_node *
take(struct merge *m, const struct gr_node *over, const struct key *key)
{
    struct chain c;

    if (!key || key->type != KEY_MAP || (over->kind != GR_NODE_MAP && over->kind != GR_NODE_LIST))
        return copy(m, over);
    c = begin(m, over);
    for (const struct gr_node *item = over->first; item; item = item->next) {
        const struct key *row = over->kind == GR_NODE_LIST ? key : keys_find(key->map, item->key);

        if (skipped(m, item) || (over->kind == GR_NODE_MAP && stays_behind(row)))
            continue;
        append(&c, take(m, item, row));
    }
    return c.node;
}

/* `evidence: point` as {kind: point}, where the table has such a key; else the node itself. */
static const struct gr_node *
long_form(struct merge *m, const struct gr_node *node, const struct key *key)
{
    struct gr_node like = *node;
    struct gr_node *value;
    struct chain c;

    if (node->kind != GR_NODE_SCALAR || !key->scalar || !keys_find(key->map, gr_str(key->scalar->name)) ||
        key->map->any)
        return node;
    like.kind = GR_NODE_MAP;
    c = begin(m, &like);
    if ((value = copy(m, node))) {
        value->key = gr_str(key->scalar->name);
        value->key_span = node->span;
    }
    append(&c, value);
    return c.node ? c.node : node;
}

/* ---- mappings ---- */

/* Whether the overlay has a key that excludes this one of the base. */
static bool
displaced(struct merge *m, const struct gr_node *entry, const struct gr_node *over, const struct keys *keys)
{
    const struct key *row = keys_find(keys, entry->key);

    if (!row || row->group == 0)
        return false;
    gr_node_each (item, over) {
        const struct key *other = keys_find(keys, item->key);

        if (other && other != row && other->group == row->group && !skipped(m, item) &&
            !merge_takes_away(item))
            return true;
    }
    return false;
}

static void
refuse_missing(struct merge *m, const struct gr_node *entry, const struct keys *keys)
{
    gr_diag(m->s->d, GR0321, entry->key_span, GR_STR("remove it"), "the base has no \"" GR_FMT "\" in %s",
            GR_ARG(entry->key), keys->what);
}

/* A mapping all of whose values are left out: without it, too, or what is left would be an empty one. */
static bool
is_emptied(const struct merge *m, const struct gr_node *item)
{
    if (skipped(m, item))
        return true;
    if (item->kind != GR_NODE_MAP || item->count == 0)
        return false;
    gr_node_each (entry, item)
        if (!is_emptied(m, entry))
            return false;
    return true;
}

/* A base entry and what the overlay says about it. What the overlay only repeats keeps its place: the name of what it adapts. */
static void
merge_entry(struct merge *m, struct chain *out, const struct gr_node *entry, const struct gr_node *over,
            const struct key *row)
{
    bool repeats = over && over->kind == GR_NODE_SCALAR && entry->kind == GR_NODE_SCALAR &&
                   gr_str_eq(over->text, entry->text);

    if (over && merge_takes_away(over) && !skipped(m, over))
        return;
    if (!over || repeats || skipped(m, over))
        append(out, copy(m, entry));
    else
        append(out, merge_value(m, entry, over, row));
}

static struct gr_node *
merge_map(struct merge *m, const struct gr_node *base, const struct gr_node *over, const struct keys *keys)
{
    struct chain out = begin(m, base);
    struct table of_over, of_base;

    if (!table_init(m, &of_over, over->count) || !table_init(m, &of_base, base->count))
        return NULL;
    gr_node_each (item, over)
        table_add(&of_over, item->key, item, 0);
    gr_node_each (entry, base) {
        const struct gr_node *item = table_slot(&of_over, entry->key)->node;
        const struct key *row = keys_find(keys, entry->key);

        table_add(&of_base, entry->key, entry, 0);
        if (!stays_behind(row) && (item || !displaced(m, entry, over, keys)))
            merge_entry(m, &out, entry, item, row);
    }
    gr_node_each (item, over) {
        const struct key *row = keys_find(keys, item->key);

        if (stays_behind(row) || table_slot(&of_base, item->key)->node || is_emptied(m, item))
            continue;
        if (merge_takes_away(item))
            refuse_missing(m, item, keys);
        else
            append(&out, take(m, item, row));
    }
    return out.node;
}

/* ---- lists of entries with names ---- */

struct place { /* of one base entry: what becomes of it, and what comes behind it */
    const struct gr_node *entry, *over;
    struct chain behind;
};

static bool
is_removal(const struct merge *m, const struct gr_node *item)
{
    const struct gr_node *remove = gr_node_get(item, "remove");

    return remove && gr_str_is(remove->text, "true") && !skipped(m, remove);
}

/* An entry that goes says nothing else. */
static void
check_removal(struct merge *m, const struct gr_node *item, const struct key *key)
{
    gr_node_each (entry, item)
        if (!gr_str_is(entry->key, key->merge_by) && !stays_behind(keys_find(key->map, entry->key))) {
            gr_diag(m->s->d, GR0107, entry->key_span, GR_STR("remove it, or `remove: true`"),
                    "what is removed needs no \"" GR_FMT "\"", GR_ARG(entry->key));
            gr_diag_note(m->s->d, gr_node_get(item, "remove")->span, "it is removed here");
        }
}

/* A new entry that lacks a key it needs is more likely a slip in the name of an old one: the key, or NULL. */
static const char *
lacks(const struct gr_node *item, const struct key *key)
{
    for (size_t i = 0; i < key->map->n; i++)
        if ((key->map->rows[i].flags & KEY_REQUIRED) && !spec_has(item, key->map->rows[i].name))
            return key->map->rows[i].name;
    return spec_has(item, "remove") ? "" : NULL;
}

static void
refuse_unknown(struct merge *m, const struct gr_node *item, const struct gr_node *base, const struct key *key,
               const char *lacking)
{
    struct strs names = {gr_arena_array(m->s->a, base->count, sizeof *names.v), 0};
    const struct gr_node *by = gr_node_get(item, key->merge_by);
    const char *what = strchr(key->map->what, ' '); /* "a guardrail" */

    gr_node_each (entry, base)
        if (names.v && gr_node_get(entry, key->merge_by))
            names.v[names.n++] = gr_node_get(entry, key->merge_by)->text;
    gr_diag(m->s->d, GR0321, by->span, spec_suggest(m->s, by->text, &names, "names there"),
            "the base has no%s \"" GR_FMT "\" to adapt%s%s", what ? what : "", GR_ARG(by->text),
            *lacking ? ", and a new one needs the key " : "", lacking);
}

/* An override all of whose values are left out says nothing. */
static bool
is_hollow(const struct merge *m, const struct gr_node *item, const struct key *key)
{
    bool left_out = false;

    gr_node_each (entry, item) {
        left_out = left_out || skipped(m, entry);
        if (!gr_str_is(entry->key, key->merge_by) && !skipped(m, entry) &&
            !stays_behind(keys_find(key->map, entry->key)))
            return false;
    }
    return left_out;
}

/* A new entry behind the place `at`, or at the end. */
static void
add_new(struct merge *m, struct place *places, size_t at, struct chain *tail, const struct gr_node *item,
        const struct key *key)
{
    struct chain *to = at == SIZE_MAX ? tail : &places[at].behind;

    if (!to->node)
        *to = begin(m, item);
    append(to, take(m, item, key));
}

static struct gr_node *
emit_list(struct merge *m, const struct gr_node *base, const struct place *places, const struct chain *tail,
          const struct key *key)
{
    struct chain out = begin(m, base);

    for (size_t i = 0; i < base->count; i++) {
        const struct place *p = &places[i];

        if (!p->over)
            append(&out, copy(m, p->entry));
        else if (!is_removal(m, p->over))
            append(&out, merge_map(m, p->entry, p->over, key->map));
        for (struct gr_node *item = p->behind.node ? p->behind.node->first : NULL, *next; item; item = next) {
            next = item->next;
            item->next = NULL;
            append(&out, item);
        }
    }
    for (struct gr_node *item = tail->node ? tail->node->first : NULL, *next; item; item = next) {
        next = item->next;
        item->next = NULL;
        append(&out, item);
    }
    return out.node;
}

static struct gr_node *
merge_list(struct merge *m, const struct gr_node *base, const struct gr_node *over, const struct key *key)
{
    struct place *places = gr_arena_array(m->s->a, base->count, sizeof *places);
    struct chain tail = {NULL, NULL};
    struct table names;
    bool by_name = strcmp(key->merge_by, "name") == 0;
    size_t i = 0, at = SIZE_MAX;

    if (!places || !table_init(m, &names, base->count))
        return NULL;
    gr_node_each (entry, base) {
        struct gr_str id = identity(m, entry, key);

        places[i].entry = entry;
        if (id.n > 0)
            table_add(&names, id, entry, i);
        i++;
    }
    if (by_name)
        spec_refuse_same_names(m->s, over, "name");
    gr_node_each (item, over) {
        struct gr_str id = identity(m, item, key);
        const struct slot *slot = id.n > 0 ? table_slot(&names, id) : NULL;

        if (skipped(m, item) || item->kind == GR_NODE_NULL)
            continue;
        if (slot && slot->node && item->kind == GR_NODE_MAP) {
            at = slot->at;
            places[at].over = places[at].over ? places[at].over : item; /* a second one is told of above */
            if (is_removal(m, item))
                check_removal(m, item, key);
        } else if (item->kind == GR_NODE_MAP && id.n > 0 && by_name && lacks(item, key)) {
            refuse_unknown(m, item, base, key, lacks(item, key));
        } else if (!is_hollow(m, item, key)) {
            add_new(m, places, at, &tail, item, key);
        }
    }
    return emit_list(m, base, places, &tail, key);
}

/* ---- any value ---- */

static struct gr_node *
merge_value(struct merge *m, const struct gr_node *base, const struct gr_node *over, const struct key *key)
{
    if (key && key->type == KEY_MAP && key->shape == SHAPE_ONE) {
        if (base->kind == GR_NODE_MAP || over->kind == GR_NODE_MAP) {
            base = long_form(m, base, key);
            over = long_form(m, over, key);
        }
        if (base->kind == GR_NODE_MAP && over->kind == GR_NODE_MAP)
            return merge_map(m, base, over, key->map);
    }
    if (key && key->merge_by && base->kind == GR_NODE_LIST && over->kind == GR_NODE_LIST)
        return merge_list(m, base, over, key);
    return take(m, over, key);
}

const struct gr_node *
merge_documents(struct spec *s, const struct gr_node *base, const struct gr_node *over,
                const struct marks *skip)
{
    struct merge m = {s, skip};

    return merge_map(&m, base, over, &spec_keys);
}

/* ---- which values there are ---- */

static bool
covers(struct gr_span span, struct gr_span place)
{
    return span.file == place.file && span.start <= place.start && place.start < span.end;
}

/* Whether the parts of a value are merged one by one. */
static bool
has_parts(const struct gr_node *node, const struct key *key)
{
    return key && key->type == KEY_MAP &&
           (node->kind == GR_NODE_MAP || (node->kind == GR_NODE_LIST && key->merge_by));
}

static const struct key *
row_of(const struct gr_node *node, const struct gr_node *item, const struct key *key)
{
    return node->kind == GR_NODE_LIST ? key : keys_find(key->map, item->key);
}

const struct gr_node *
merge_value_at(const struct gr_node *node, const struct key *key, struct gr_span place)
{
    while (has_parts(node, key)) {
        const struct gr_node *inside = NULL;

        gr_node_each (item, node)
            if (covers(item->span, place) || covers(item->key_span, place))
                inside = item;
        if (!inside)
            return NULL;
        key = row_of(node, inside, key);
        node = inside;
    }
    return covers(node->span, place) || covers(node->key_span, place) ? node : NULL;
}

bool
merge_mark_values(struct spec *s, const struct gr_node *node, const struct key *key, bool only_removals,
                  struct marks *marks)
{
    bool any = false;

    if (!has_parts(node, key)) {
        any = merge_takes_away(node) || !only_removals;
        if (any)
            marks_add(marks, s->a, s->sources, node->span);
        return any;
    }
    gr_node_each (item, node) {
        const struct key *row = row_of(node, item, key);

        if (node->kind == GR_NODE_LIST && key->merge_by)
            any = merge_mark_values(s, item, key, only_removals, marks) || any;
        else if (gr_str_is(item->key, "remove") ||
                 (!stays_behind(row) && !gr_str_is(item->key, "name") && !gr_str_is(item->key, "where")))
            any = merge_mark_values(s, item, row, only_removals && !gr_str_is(item->key, "remove"), marks) ||
                  any;
    }
    return any;
}
