/* json.h - JSON text to a cJSON tree, safely, for payloads from the network and files of ours.
 *
 * Before cJSON sees it the text is scanned: size, depth, UTF-8, no escape \u0000 (cJSON would cut the string there), nothing
 * behind the value. After it, duplicate keys are refused. Look-ups below are case-sensitive and type-checked.
 * cJSON writes a global on each parse: parse on one thread, or under the caller's lock. */
#ifndef GUARDRAIL_JSON_H
#define GUARDRAIL_JSON_H
#include <cjson/cJSON.h>
#include "guardrail/buf.h"

struct gr_json_limits {
    size_t bytes, depth, values;
};
struct gr_json_error {
    size_t offset;       /* bytes from the start */
    const char *message; /* static text */
};
/* *out is the caller's (cJSON_Delete). GR_ESYNTAX, GR_ELIMIT, GR_ENOMEM; *error is set for the first two. */
GR_MUST_USE enum gr_err gr_json_parse(struct gr_str text, const struct gr_json_limits *limits, cJSON **out,
                                      struct gr_json_error *error);
/* A member of an object by exact name, or NULL; NULL object gives NULL. */
const cJSON *gr_json_get(const cJSON *object, const char *name);
/* The member's string, borrowed; an empty slice with p == NULL if absent or no string. */
struct gr_str gr_json_str(const cJSON *object, const char *name);
/* An integral number in [min, max]: GR_ENOENT if absent, GR_ERANGE if no such number. */
GR_MUST_USE enum gr_err gr_json_i64(const cJSON *object, const char *name, int64_t min, int64_t max,
                                    int64_t *out);
/* Prints indented by two spaces, keys in tree order, one trailing newline, numbers by gr_double_print: same tree, same bytes. */
void gr_json_print(struct gr_buf *b, const cJSON *value);
/* A number as both print it; null where it is none. */
void gr_json_print_number(struct gr_buf *b, double v);
/* One line, no blanks, keys sorted by bytes: the canonical form that is hashed. */
void gr_json_print_canonical(struct gr_buf *b, const cJSON *value);
#endif
