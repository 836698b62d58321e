/* spec_keys.h - the spec language as data: for each mapping a table of its keys, with type, help and what
 * they require.
 *
 * One table per mapping (spec_tables.c), three users: keys_check() here reports all that the tables alone can
 * tell (unknown and missing keys, wrong types, malformed scalars), spec_hash() reduces a document to its
 * meaning, and a schema generator can walk them. A value that is wrong is poisoned: the readers of the parts
 * (spec_parts.h) then see nothing in its place and stay silent. */
#ifndef GUARDRAIL_COMPILER_SPEC_KEYS_H
#define GUARDRAIL_COMPILER_SPEC_KEYS_H
#include "guardrail/node.h"

#define KEY_NAME_BYTES_MAX 100u

enum key_type {
    KEY_TEXT,     /* one line, not empty */
    KEY_NAME,     /* [a-z][a-z0-9_-]* */
    KEY_LABEL,    /* a Prometheus label name that guardrail does not use itself */
    KEY_PATH,     /* a file or folder, without ".." */
    KEY_URL,      /* http:// or https:// */
    KEY_PROMQL,   /* an expression or selector; parsed by the part's reader */
    KEY_TEMPLATE, /* JSON with placeholders in its strings (guardrail/template.h) */
    KEY_UNIT,     /* a row of the unit table */
    KEY_BOOL,
    KEY_COUNT,  /* a whole number in [min, max] */
    KEY_NUMBER, /* a plain decimal */
    KEY_DURATION,
    KEY_DATE,     /* 2026-11-23 */
    KEY_SHARE,    /* a quantity between 0 % and 100 % */
    KEY_QUANTITY, /* of a limit: number, sign, unit; "of control" may follow */
    KEY_K_OF_N,   /* "2 of 3" */
    KEY_CHOICE,
    KEY_ARGV, /* a list of texts: program and arguments */
    KEY_MAP,
    KEY_TYPE_COUNT
};
enum key_shape { SHAPE_ONE, SHAPE_LIST, SHAPE_ONE_OR_LIST };
enum {
    KEY_REQUIRED = 1 << 0,
    KEY_MAY_BE_EMPTY = 1 << 2, /* lists and mappings; others need an entry (GR0108) */
    KEY_OVERLAY = 1 << 3,      /* only in an overlay (GR0320); gone once it is merged */
    KEY_FILES = 1 << 4         /* says where the rest of the document is; no part of its meaning */
};
struct key {
    const char *name; /* of an `any` row: what the names are, for people */
    enum key_type type;
    enum key_shape shape;
    unsigned flags;
    unsigned group;             /* rows of one group > 0 exclude each other; of group 1 one is required */
    uint32_t min, max;          /* KEY_COUNT */
    const struct keys *map;     /* KEY_MAP */
    const struct key *scalar;   /* what may stand in the place of the mapping */
    const char *const *choices; /* KEY_CHOICE; ends with NULL */
    const char *merge_by; /* of lists of mappings: which key tells what an overlay's entry adapts; or NULL */
    const char *help;     /* one line: what it means; the rest of the sentence "this key says …" */
    const char *form;     /* how it may be written, for the fix of a value of another kind; or NULL */
    const char *absent;   /* what holds without it, as it would be written; or NULL */
};
struct keys {
    const char *what; /* "a guardrail" */
    const struct key *rows;
    size_t n;
    const struct key *any; /* free names, all with values of this row; its rows are then empty */
    enum key_type names;   /* of free names: KEY_NAME, KEY_LABEL or KEY_TEXT */
};
extern const struct keys spec_keys;    /* the whole document */
extern const struct keys include_keys; /* a file that `include` names */

/* What the reader of a spec passes around; its parts are in spec_parts.h. */
struct spec;
/* Checks a document against its tables. partial: the reader stopped in the middle, so nothing is missed. */
void keys_check(struct spec *s, const struct gr_node *root, const struct keys *keys, bool partial);
/* The row of a key, or of any key where names are free; NULL if there is none. */
const struct key *keys_find(const struct keys *keys, struct gr_str name);
/* The one scalar check (spec_scalar.c): reports and returns false if the text is no value of the row's
 * type. */
bool scalar_check(struct spec *s, const struct gr_node *node, const struct key *key);
/* Whether a free name is well-formed; reports. */
bool scalar_check_name(struct spec *s, struct gr_str name, struct gr_span where, enum key_type type);
/* Labels that the generated rules set themselves, so that no spec can use them. */
const struct gr_str *scalar_reserved_labels(size_t *count);
/* "a duration", "a list of texts" … for messages. */
const char *key_type_name(enum key_type type);
#endif
