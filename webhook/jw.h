/* jw.h - writes JSON into a buffer: commas, nesting and quoting looked after, one line.
 *
 *     struct jw w = JW_INIT(&buf);
 *     jw_open(&w, NULL, '{'); jw_str(&w, "id", id); jw_open(&w, "reasons", '['); jw_str(&w, NULL, why);
 * jw_close(&w, ']'); jw_close(&w, '}');
 *
 * key: NULL inside a list and for the outermost value. Errors stick in the buffer. */
#ifndef GUARDRAIL_WEBHOOK_JW_H
#define GUARDRAIL_WEBHOOK_JW_H
#include "guardrail/buf.h"
#include "labels.h"

struct jw {
    struct gr_buf *b; /* borrowed */
    bool comma;
};
#define JW_INIT(buf)                                                                                         \
    {                                                                                                        \
        .b = (buf)                                                                                           \
    }
void jw_open(struct jw *w, const char *key, char bracket);
void jw_close(struct jw *w, char bracket);
void jw_str(struct jw *w, const char *key, struct gr_str value);
void jw_text(struct jw *w, const char *key, const char *value); /* NULL gives null */
void jw_i64(struct jw *w, const char *key, int64_t value);
void jw_double(struct jw *w, const char *key, double value); /* NaN and infinities give null */
void jw_bool(struct jw *w, const char *key, bool value);
void jw_null(struct jw *w, const char *key);
void jw_time(struct jw *w, const char *key, int64_t unix_ms); /* RFC 3339; 0 gives null */
/* Text that is JSON already. */
void jw_raw(struct jw *w, const char *key, struct gr_str json);
/* {"name": "value", …} */
void jw_labels(struct jw *w, const char *key, struct label_set set);
#endif
