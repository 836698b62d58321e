/* node.h - a YAML or JSON document as a tree that knows where each value stands.
 *
 * YAML: read with libyaml's event parser. Refused as findings: anchors, aliases, tags, duplicate keys, several documents,
 * keys that are no scalars, invalid UTF-8, NULs, more than the limits below. libyaml's marks count code points; spans here are bytes.
 * gr_yaml_read_foreign is for files of other programs: YAML's conveniences are taken as Go's yaml.v3 takes them: anchors and aliases
 * (an alias is a node of its own that shares the entries of what it names, so a tree becomes a graph without cycles: bound what
 * you visit), the tags !!str, !!map and !!seq, directives, further documents (not read: GR0008), and << is a key like any other.
 * JSON: RFC 8259, strict, same refusals, escape \u0000 refused. Nodes live in the arena, texts too (decoded).
 * Reading goes on after a duplicate key (the first wins), stops at a syntax error. */
#ifndef GUARDRAIL_NODE_H
#define GUARDRAIL_NODE_H
#include "guardrail/arena.h"
#include "guardrail/diag.h"

enum gr_node_kind { GR_NODE_NULL, GR_NODE_SCALAR, GR_NODE_LIST, GR_NODE_MAP };
enum gr_node_style { GR_STYLE_PLAIN, GR_STYLE_QUOTED, GR_STYLE_BLOCK }; /* block: | or > */

struct gr_node {
    enum gr_node_kind kind;
    enum gr_node_style style;
    struct gr_span span; /* the value as written, quotes included */
    /* Scalar: decoded text. JSON numbers, true and false are PLAIN scalars as written, strings QUOTED; JSON and YAML null (~, null,
     * empty plain) are GR_NODE_NULL. */
    struct gr_str text;
    struct gr_str key;       /* in a map: this entry's key, decoded */
    struct gr_span key_span; /* in a map */
    struct gr_node *first;   /* list, map: entries in the order of the text */
    struct gr_node *next;    /* the next entry of the same list or map */
    size_t count;            /* list, map: entries */
    /* gr_yaml_read_foreign: the anchor's name, when the value is written as *name; else p is NULL */
    struct gr_str alias;
};
#define gr_node_each(item, node)                                                                             \
    for (const struct gr_node *item = (node) ? (node)->first : NULL; item; item = item->next)

struct gr_node_limits {
    size_t depth, nodes, scalar_bytes;
};
/* 32 deep, 100 000 nodes (2 000 000 in the compiler's generated specs would need more: pass your own), 64 KiB scalars. */
extern const struct gr_node_limits gr_node_limits_default;

/* Reads the one document of a source file. GR_EUSER: findings say what; *out may still hold a partial tree or NULL. */
GR_MUST_USE enum gr_err gr_yaml_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                                     const struct gr_node_limits *limits, struct gr_diags *d,
                                     struct gr_node **out);
GR_MUST_USE enum gr_err gr_yaml_read_foreign(struct gr_arena *a, const struct gr_sources *sources,
                                             uint32_t file, const struct gr_node_limits *limits,
                                             struct gr_diags *d, struct gr_node **out);
GR_MUST_USE enum gr_err gr_json_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                                     const struct gr_node_limits *limits, struct gr_diags *d,
                                     struct gr_node **out);
/* The entry of a map, or NULL; also NULL when map is NULL or no map. */
const struct gr_node *gr_node_get(const struct gr_node *map, const char *key);
const char *gr_node_kind_name(enum gr_node_kind kind); /* "a list" … */
#endif
