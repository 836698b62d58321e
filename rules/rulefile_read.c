/* rulefile_read.c - from YAML to rules, as Prometheus 2.42 decodes them (model/rulefmt, with yaml.v3 and
 * KnownFields).
 *
 * Where the decoder is lenient so is this: any scalar is a text (`name: 5`), null is nothing, merge keys
 * count, the first of several wins, empty entries of lists are left out, a limit may be 1e3. Where it
 * surprises, too: record, alert and expr are kept as raw nodes there, so `expr: null` is the metric "null",
 * and an alias stands for its own name (GR0504). Not taken over: keys that are aliases, tags other than
 * !!str, !!map, !!seq. */
#include "config.h"
#include "lint.h"

#include "guardrail/number.h"
#include "promql_tree.h"

#include <stdlib.h>

#define MERGE_NESTING_MAX 8u
#define PAIRS_MAX 1000u
#define GROUPS_MAX 100000u
#define VISITS_MAX ((size_t)100 << 20) /* about a second */
#define NODES_PER_FILE_MAX ((size_t)16 << 20)

struct rule_reader {
    struct gr_arena *arena;
    const struct gr_sources *sources;
    struct gr_diags *diags;
    size_t rules_left;
    size_t visits_left; /* entries that merge keys may bring in: aliases make short files long */
    bool merging;       /* what is visited comes from a merge key */
    enum gr_err err;    /* GR_ENOMEM, or GR_ELIMIT (reported); ends it */
};

/* ---- values ---- */

static struct gr_str
source_text(const struct rule_reader *r, struct gr_span where)
{
    return gr_str_sub(gr_sources_get(r->sources, where.file)->text, where.start, where.end);
}

static bool
is_null_word(struct gr_str s)
{
    return s.n == 0 || gr_str_is(s, "~") || gr_str_is(s, "null") || gr_str_is(s, "Null") ||
           gr_str_is(s, "NULL");
}

static void
wrong_type(struct rule_reader *r, const struct gr_node *n, const char *what, const char *wanted)
{
    gr_diag(r->diags, GR0103, n->span, GR_STR_NONE, "%s must be %s, not %s", what, wanted,
            gr_node_kind_name(n->kind));
}

/* A text as yaml.v3 decodes it into a string. Null is empty. */
static struct gr_str
string_of(struct rule_reader *r, const struct gr_node *n, const char *what)
{
    if (n->kind == GR_NODE_LIST || n->kind == GR_NODE_MAP)
        wrong_type(r, n, what, "text");
    return n->kind == GR_NODE_SCALAR ? n->text : GR_STR_NONE;
}

/* A text as Prometheus keeps it for record, alert and expr: the raw node's. */
static struct gr_str
raw_of(struct rule_reader *r, const struct gr_node *n)
{
    if (n->alias.p) {
        gr_diag(r->diags, GR0504, n->span, GR_STR("write the value out"),
                "Prometheus 2.42 reads this alias as the text \"" GR_FMT "\"", GR_ARG(n->alias));
        return n->alias;
    }
    if (n->kind == GR_NODE_NULL)
        return source_text(r, n->span);
    return n->kind == GR_NODE_SCALAR ? n->text : GR_STR_NONE;
}

static int64_t
duration_of(struct rule_reader *r, const struct gr_node *n, const char *what)
{
    struct gr_str s = string_of(r, n, what);
    int64_t ms = 0;
    bool zero = true;

    if (n->kind != GR_NODE_SCALAR || gr_str_is(s, "0"))
        return 0;
    for (size_t i = 0; i < s.n; i++)
        zero = zero && !(s.p[i] >= '1' && s.p[i] <= '9');
    switch ((int)promql_duration(s, &ms)) {
    case GR_OK:
        return ms;
    case GR_ERANGE:
        if (!zero)
            gr_diag(r->diags, GR0201, n->span, GR_STR_NONE,
                    "the duration is out of range: at most 292 years");
        return 0;
    default:
        gr_diag(r->diags, GR0201, n->span,
                GR_STR("write whole numbers with units, from y w d h m s to ms: 90s, 1h30m"),
                "\"" GR_FMT "\" is no duration that Prometheus takes", GR_ARG(gr_str_sub(s, 0, 60)));
        return 0;
    }
}

/* Digits of base 2, 8 or 16 behind their prefix, below 2^63. */
static bool
is_prefixed_int(struct gr_str s)
{
    char c = (char)(s.p[1] | 0x20);
    unsigned base = c == 'x' ? 16 : c == 'o' ? 8 : 2;
    uint64_t v = 0;

    for (size_t i = 2; i < s.n; i++) {
        char lower = (char)(s.p[i] | 0x20);
        unsigned d = s.p[i] >= '0' && s.p[i] <= '9' ? (unsigned)(s.p[i] - '0')
                     : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10)
                                                    : 99;
        if (d >= base || v > ((uint64_t)INT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    return s.n > 2;
}

/* What yaml.v3 decodes into an int: whole numbers in base 2, 8, 10 or 16, and floats that fit (5., .5 and
 * 1e3 are some there). Underscores mean nothing. */
static bool
is_int(struct gr_str s)
{
    char text[256];
    struct gr_str digits = {text, 0};
    bool minus = s.n > 0 && s.p[0] == '-';
    double value = 0;

    if (s.n > sizeof text / 2 || (s.n > 0 && s.p[0] == '_'))
        return false;
    for (size_t i = minus || (s.n > 0 && s.p[0] == '+') ? 1 : 0; i < s.n; i++) {
        if (s.p[i] == '.' && digits.n == 0)
            text[digits.n++] = '0';
        if (s.p[i] != '_')
            text[digits.n++] = s.p[i];
        if (s.p[i] == '.' && s.n > 1 && (i + 1 == s.n || (s.p[i + 1] | 0x20) == 'e'))
            text[digits.n++] = '0';
    }
    if (digits.n > 1 && text[0] == '0' && strchr("xXbBoO", text[1]))
        return is_prefixed_int(digits);
    return gr_parse_double(digits, &value) == GR_OK && value >= 0 &&
           (minus || value <= 9223372036854775807.0);
}

static void
check_limit(struct rule_reader *r, const struct gr_node *n)
{
    if (n->kind == GR_NODE_NULL)
        return;
    if (n->kind != GR_NODE_SCALAR)
        wrong_type(r, n, "limit", "a whole number");
    else if (n->style != GR_STYLE_PLAIN || !is_int(n->text))
        gr_diag(r->diags, GR0103, n->span, GR_STR("write a whole number without quotes; 0 is no limit"),
                "limit must be a whole number");
}

/* ---- maps ---- */

typedef void entry_fn(struct rule_reader *r, const struct gr_node *entry, void *ctx);

static bool
is_null_key(const struct rule_reader *r, const struct gr_node *entry)
{
    return is_null_word(entry->key) && gr_str_eq(source_text(r, entry->key_span), entry->key);
}

static bool
is_merge_key(const struct rule_reader *r, const struct gr_node *entry)
{
    return gr_str_is(entry->key, "<<") && gr_str_is(source_text(r, entry->key_span), "<<");
}

static void each_merged(struct rule_reader *r, const struct gr_node *value, unsigned depth, entry_fn *visit,
                        void *ctx);

/* Counts n steps more; false, and reported, when there were too many. */
static bool
may_visit(struct rule_reader *r, const struct gr_node *at, size_t n)
{
    if (r->visits_left > n) {
        r->visits_left -= n;
        return true;
    }
    if (r->visits_left > 0)
        gr_diag(r->diags, GR0002, at->span, GR_STR("write the entries out"), "merge keys unfold to too much");
    r->visits_left = 0;
    return false;
}

/* Visits the entries of a map, then those merged into it. The visitor must let the first of a name win. */
static void
each_entry(struct rule_reader *r, const struct gr_node *map, unsigned depth, entry_fn *visit, void *ctx)
{
    const struct gr_node *merge = NULL;

    gr_node_each (entry, map) {
        if (r->merging && !may_visit(r, entry, 1))
            return;
        if (is_merge_key(r, entry))
            merge = entry;
        else if (!is_null_key(r, entry))
            visit(r, entry, ctx);
    }
    if (merge) {
        bool outer = r->merging;

        r->merging = true;
        each_merged(r, merge, depth + 1, visit, ctx);
        r->merging = outer;
    }
}

static void
each_merged(struct rule_reader *r, const struct gr_node *value, unsigned depth, entry_fn *visit, void *ctx)
{
    if (depth > MERGE_NESTING_MAX) {
        gr_diag(r->diags, GR0002, value->span, GR_STR_NONE, "merge keys are nested deeper than %u levels",
                MERGE_NESTING_MAX);
        return;
    }
    if (value->kind == GR_NODE_MAP) {
        each_entry(r, value, depth, visit, ctx);
        return;
    }
    if (value->kind != GR_NODE_LIST) {
        wrong_type(r, value, "what << merges", "a map or a list of maps");
        return;
    }
    gr_node_each (item, value) {
        if (item->kind == GR_NODE_MAP)
            each_entry(r, item, depth, visit, ctx);
        else
            wrong_type(r, item, "what << merges", "a map");
    }
}

/* The keys of one kind of map. */
struct keys {
    const char *of; /* "a rule" */
    const char *const *names;
    size_t count;
    const struct gr_node **found; /* parallel to names; filled in */
};

static void
take_key(struct rule_reader *r, const struct gr_node *entry, void *ctx)
{
    struct keys *k = ctx;
    struct gr_str names[8], near;

    for (size_t i = 0; i < k->count; i++) {
        if (gr_str_is(entry->key, k->names[i])) {
            if (!k->found[i])
                k->found[i] = entry;
            return;
        }
    }
    for (size_t i = 0; i < k->count; i++)
        names[i] = gr_str(k->names[i]);
    near = gr_str_nearest(entry->key, names, k->count);
    if (gr_str_is(entry->key, "query_offset") || gr_str_is(entry->key, "partial_response_strategy") ||
        gr_str_is(entry->key, "source_tenants") || gr_str_is(entry->key, "namespace"))
        gr_diag(r->diags, GR0101, entry->key_span, GR_STR("keep it in a file of its own for that server"),
                "\"" GR_FMT "\" is of a newer Prometheus, of Thanos or of Mimir; Prometheus 2.42 refuses it",
                GR_ARG(entry->key));
    else if (near.n > 0)
        gr_diag(r->diags, GR0101, entry->key_span, near,
                "%s has no key \"" GR_FMT "\", did you mean \"" GR_FMT "\"?", k->of,
                GR_ARG(gr_str_sub(entry->key, 0, 60)), GR_ARG(near));
    else
        gr_diag(r->diags, GR0101, entry->key_span, GR_STR("remove it"), "%s has no key \"" GR_FMT "\"", k->of,
                GR_ARG(gr_str_sub(entry->key, 0, 60)));
}

/* False: it is no map (reported unless null). */
static bool
take_keys(struct rule_reader *r, const struct gr_node *map, struct keys *k)
{
    if (map->kind == GR_NODE_MAP) {
        each_entry(r, map, 0, take_key, k);
        return true;
    }
    if (map->kind != GR_NODE_NULL)
        wrong_type(r, map, k->of, "a map");
    return map->kind == GR_NODE_NULL;
}

/* ---- labels and annotations ---- */

static void
take_pair(struct rule_reader *r, const struct gr_node *entry, void *ctx)
{
    struct lint_pairs *p = ctx;
    struct lint_pair *grown;

    if (r->merging && !may_visit(r, entry, p->count))
        return;
    for (size_t i = 0; r->merging && i < p->count; i++) /* else they differ: duplicates were dropped */
        if (gr_str_eq(p->items[i].key, entry->key))
            return;
    if (p->count >= PAIRS_MAX) {
        gr_diag(r->diags, GR0002, entry->key_span, GR_STR_NONE, "more than %u entries", PAIRS_MAX);
        return;
    }
    string_of(r, entry, "the value");
    if (!(grown = gr_arena_grow(r->arena, p->items, p->count, &p->cap, sizeof *p->items))) {
        r->err = GR_ENOMEM;
        return;
    }
    p->items = grown;
    p->items[p->count++] = (struct lint_pair){entry->key, entry->key_span, entry};
}

static void
take_pairs(struct rule_reader *r, const struct gr_node *map, const char *what, struct lint_pairs *out)
{
    if (!map || map->kind == GR_NODE_NULL)
        return;
    if (map->kind != GR_NODE_MAP) {
        wrong_type(r, map, what, "a map");
        return;
    }
    out->cap = map->count > PAIRS_MAX ? PAIRS_MAX : map->count;
    if (!(out->items = gr_arena_array(r->arena, out->cap, sizeof *out->items)))
        r->err = GR_ENOMEM;
    else
        each_entry(r, map, 0, take_pair, out);
}

static void
check_pair_names(struct rule_reader *r, const struct lint_pairs *p, const char *what, bool is_label)
{
    for (size_t i = 0; i < p->count; i++) {
        struct gr_str key = p->items[i].key;

        if (is_label && gr_str_is(key, "__name__"))
            gr_diag(r->diags, GR0104, p->items[i].key_span, GR_STR("the name is the value of record"),
                    "a rule cannot set __name__ as a label");
        else if (!promql_is_label(key))
            gr_diag(r->diags, GR0104, p->items[i].key_span,
                    GR_STR("use letters, digits and _, not beginning with a digit"),
                    "\"" GR_FMT "\" is no valid %s name", GR_ARG(gr_str_sub(key, 0, 60)), what);
    }
}

/* ---- rules ---- */

enum { RULE_RECORD, RULE_ALERT, RULE_EXPR, RULE_FOR, RULE_KEEP, RULE_LABELS, RULE_ANNOTATIONS, RULE_KEYS };
static const char *const rule_keys[RULE_KEYS] = {"record",          "alert",  "expr",       "for",
                                                 "keep_firing_for", "labels", "annotations"};

static bool
is_metric_name(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
              (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return s.n > 0;
}

/* What a recording rule cannot have. */
static void
check_recording(struct rule_reader *r, const struct lint_rule *rule, const struct gr_node *const *found)
{
    if (rule->annotations.count > 0)
        gr_diag(r->diags, GR0502, found[RULE_ANNOTATIONS]->key_span,
                GR_STR("remove it, or write alert for record"), "a recording rule has no annotations");
    if (rule->for_ms != 0)
        gr_diag(r->diags, GR0502, found[RULE_FOR]->key_span, GR_STR("remove it, or write alert for record"),
                "a recording rule has no for");
    if (rule->keep_firing_for_ms != 0)
        gr_diag(r->diags, GR0502, found[RULE_KEEP]->key_span, GR_STR("remove it, or write alert for record"),
                "a recording rule has no keep_firing_for");
    if (!is_metric_name(rule->name))
        gr_diag(r->diags, GR0104, rule->name_span,
                GR_STR("use letters, digits, _ and :, not beginning with a digit"),
                "\"" GR_FMT "\" is no valid metric name", GR_ARG(gr_str_sub(rule->name, 0, 60)));
}

static void
take_name(struct rule_reader *r, struct lint_rule *rule, const struct gr_node *const *found)
{
    struct gr_str record = found[RULE_RECORD] ? raw_of(r, found[RULE_RECORD]) : GR_STR_NONE;
    struct gr_str alert = found[RULE_ALERT] ? raw_of(r, found[RULE_ALERT]) : GR_STR_NONE;
    const struct gr_node *n = record.n > 0 ? found[RULE_RECORD] : found[RULE_ALERT];

    if (record.n > 0 && alert.n > 0) {
        gr_diag(r->diags, GR0107, found[RULE_ALERT]->key_span, GR_STR("make two rules of it"),
                "a rule has either record or alert");
        gr_diag_note(r->diags, found[RULE_RECORD]->key_span, "the other one");
    } else if (record.n == 0 && alert.n == 0) {
        gr_diag(r->diags, GR0102, n ? n->span : rule->node->span, GR_STR_NONE,
                "a rule needs record or alert");
        return;
    }
    rule->kind = record.n > 0 ? GR_RULE_RECORD : GR_RULE_ALERT;
    rule->name = record.n > 0 ? record : alert;
    rule->name_span = n->span;
}

static void
take_rule(struct rule_reader *r, const struct gr_node *node, const struct lint_group *group,
          struct lint_rule *rule)
{
    const struct gr_node *found[RULE_KEYS] = {NULL};
    struct keys k = {"a rule", rule_keys, RULE_KEYS, found};

    rule->group = group;
    rule->node = node;
    if (!take_keys(r, node, &k))
        return;
    take_name(r, rule, found);
    if (found[RULE_EXPR]) {
        rule->expr = raw_of(r, found[RULE_EXPR]);
        rule->expr_span = found[RULE_EXPR]->span;
    }
    if (rule->expr.n == 0)
        gr_diag(r->diags, GR0102, found[RULE_EXPR] ? found[RULE_EXPR]->span : node->span, GR_STR_NONE,
                "a rule needs expr, and not an empty one");
    rule->for_ms = found[RULE_FOR] ? duration_of(r, found[RULE_FOR], "for") : 0;
    rule->keep_firing_for_ms = found[RULE_KEEP] ? duration_of(r, found[RULE_KEEP], "keep_firing_for") : 0;
    take_pairs(r, found[RULE_LABELS], "labels", &rule->labels);
    take_pairs(r, found[RULE_ANNOTATIONS], "annotations", &rule->annotations);
    check_pair_names(r, &rule->labels, "label", true);
    check_pair_names(r, &rule->annotations, "annotation", false);
    if (rule->name.n > 0 && rule->kind == GR_RULE_RECORD)
        check_recording(r, rule, found);
}

static void
take_rules(struct rule_reader *r, const struct gr_node *list, struct lint_group *group)
{
    size_t i = 0;

    if (!list || list->kind == GR_NODE_NULL)
        return;
    if (list->kind != GR_NODE_LIST) {
        wrong_type(r, list, "rules", "a list");
        return;
    }
    if (list->count > r->rules_left) {
        gr_diag(r->diags, GR0002, list->span, GR_STR("check the files in several runs"), "more than %u rules",
                GR_LINT_RULES_MAX);
        r->err = GR_ELIMIT;
        return;
    }
    r->rules_left -= list->count;
    if (!(group->rules = gr_arena_array(r->arena, list->count, sizeof *group->rules)))
        r->err = GR_ENOMEM;
    for (const struct gr_node *item = list->first; item && r->err == GR_OK; item = item->next)
        if (item->kind != GR_NODE_NULL) /* yaml.v3 leaves these out */
            take_rule(r, item, group, &group->rules[i++]);
    group->count = i;
}

/* ---- groups ---- */

enum { GROUP_NAME, GROUP_INTERVAL, GROUP_LIMIT, GROUP_RULES, GROUP_KEYS };
static const char *const group_keys[GROUP_KEYS] = {"name", "interval", "limit", "rules"};

static void
take_group(struct rule_reader *r, const struct gr_node *node, struct lint_group *group)
{
    const struct gr_node *found[GROUP_KEYS] = {NULL};
    struct keys k = {"a group", group_keys, GROUP_KEYS, found};

    group->name_span = node->span;
    if (!take_keys(r, node, &k))
        return;
    if (found[GROUP_NAME]) {
        group->name = string_of(r, found[GROUP_NAME], "name");
        group->name_span = found[GROUP_NAME]->span;
    }
    if (group->name.n == 0)
        gr_diag(r->diags, GR0102, group->name_span, GR_STR_NONE, "a group needs a name");
    if (found[GROUP_INTERVAL]) {
        group->interval_ms = duration_of(r, found[GROUP_INTERVAL], "interval");
        group->interval_span = found[GROUP_INTERVAL]->span;
    }
    if (found[GROUP_LIMIT])
        check_limit(r, found[GROUP_LIMIT]);
    take_rules(r, found[GROUP_RULES], group);
}

static int
compare_names(const void *a, const void *b)
{
    const struct lint_group *const *x = a, *const *y = b;
    int c = gr_str_cmp((*x)->name, (*y)->name);

    return c ? c
             : ((*x)->name_span.start > (*y)->name_span.start) -
                   ((*x)->name_span.start < (*y)->name_span.start);
}

static void
check_group_names(struct rule_reader *r, struct lint_file *f)
{
    const struct lint_group **sorted = gr_arena_array(r->arena, f->count, sizeof(struct lint_group *));
    size_t first = 0;

    if (!sorted) {
        r->err = GR_ENOMEM;
        return;
    }
    for (size_t i = 0; i < f->count; i++)
        sorted[i] = &f->groups[i];
    qsort(sorted, f->count, sizeof(struct lint_group *), compare_names);
    for (size_t i = 1; i < f->count; i++) {
        if (!gr_str_eq(sorted[i]->name, sorted[first]->name)) {
            first = i;
        } else if (sorted[i]->name.n > 0) {
            gr_diag(r->diags, GR0106, sorted[i]->name_span, GR_STR("rename one of the two"),
                    "there is another group \"" GR_FMT "\" in this file",
                    GR_ARG(gr_str_sub(sorted[i]->name, 0, 60)));
            gr_diag_note(r->diags, sorted[first]->name_span, "the first one");
        }
    }
}

static void
take_groups(struct rule_reader *r, const struct gr_node *list, struct lint_file *f)
{
    size_t i = 0;

    if (!list || list->kind == GR_NODE_NULL)
        return;
    if (list->kind != GR_NODE_LIST) {
        wrong_type(r, list, "groups", "a list");
        return;
    }
    if (list->count > GROUPS_MAX) {
        gr_diag(r->diags, GR0002, list->span, GR_STR_NONE, "more than %u groups", GROUPS_MAX);
        return;
    }
    if (!(f->groups = gr_arena_array(r->arena, list->count, sizeof *f->groups))) {
        r->err = GR_ENOMEM;
        return;
    }
    for (const struct gr_node *item = list->first; item && r->err == GR_OK; item = item->next) {
        struct lint_group *group = &f->groups[i];

        if (item->kind == GR_NODE_NULL)
            continue;
        i++;
        take_group(r, item, group);
        f->count = i;
        f->rules += group->count;
    }
    check_group_names(r, f);
}

enum gr_err
rulefile_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file, size_t rules_max,
              struct gr_diags *diags, struct lint_file *out)
{
    static const char *const names[] = {"groups"};
    static const struct gr_node_limits limits = {
        .depth = 64, .nodes = NODES_PER_FILE_MAX, .scalar_bytes = 4u << 20};
    struct rule_reader r = {
        .arena = a, .sources = sources, .diags = diags, .rules_left = rules_max, .visits_left = VISITS_MAX};
    const struct gr_node *found[1] = {NULL};
    struct keys k = {"a rule file", names, 1, found};
    struct gr_node *root = NULL;
    enum gr_err err;

    *out = (struct lint_file){.file = file};
    err = gr_yaml_read_foreign(a, sources, file, &limits, diags, &root);
    if (err != GR_OK && err != GR_EUSER)
        return err;
    if (root && take_keys(&r, root, &k))
        take_groups(&r, found[0], out);
    return r.err == GR_ENOMEM ? GR_ENOMEM : GR_OK;
}
