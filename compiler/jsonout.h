/* jsonout.h - building a cJSON tree without asking after every step whether there was memory.
 *
 * Each call adds one member to `parent`: under `key` in an object, at the end of an array when key is NULL. A NULL parent (of a call
 * that failed before) is passed over. The failure sticks and comes out of jsonout_finish. Strings are copied. */
#ifndef GUARDRAIL_COMPILER_JSONOUT_H
#define GUARDRAIL_COMPILER_JSONOUT_H
#include <cjson/cJSON.h>

#include "guardrail/buf.h"

struct jsonout {
    bool failed;
    struct gr_buf key, text; /* NUL-terminated copies at work */
};
void jsonout_init(struct jsonout *j);
cJSON *jsonout_root(struct jsonout *j); /* an object, for jsonout_finish */
cJSON *jsonout_object(struct jsonout *j, cJSON *parent, const char *key);
cJSON *jsonout_array(struct jsonout *j, cJSON *parent, const char *key);
void jsonout_str(struct jsonout *j, cJSON *parent, const char *key, struct gr_str s);
void jsonout_cstr(struct jsonout *j, cJSON *parent, const char *key, const char *s);
void jsonout_fmt(struct jsonout *j, cJSON *parent, const char *key, const char *fmt, ...) GR_PRINTF(4, 5);
void jsonout_num(struct jsonout *j, cJSON *parent, const char *key, double v);
void jsonout_bool(struct jsonout *j, cJSON *parent, const char *key, bool v);
void jsonout_null(struct jsonout *j, cJSON *parent, const char *key);
/* A slice as a C string, valid until the next call with this j: for keys. */
const char *jsonout_key(struct jsonout *j, struct gr_str key);
/* Appends root's text to b (gr_json_print), deletes root, frees j. GR_ENOMEM, or b's own error. */
GR_MUST_USE enum gr_err jsonout_finish(struct jsonout *j, cJSON *root, struct gr_buf *b);
#endif
