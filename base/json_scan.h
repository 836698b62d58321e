/* json_scan.h - RFC 8259, strictly, one event at a time and without allocating: the reader with positions builds nodes
 * from it, and what goes to cJSON is checked with it first.
 *
 * Stricter than the RFC asks in three points: no byte order mark, no lone surrogates, no escape for NUL. Duplicate keys
 * are the caller's. At most JSON_DEPTH_MAX open lists and maps, which is cJSON's own limit. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H
#include "guardrail/base.h"

#define JSON_DEPTH_MAX 1000u

enum json_event {
    JSON_OPEN_MAP,
    JSON_OPEN_LIST,
    JSON_CLOSE,
    JSON_KEY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_END, /* one value was read, and nothing but blanks is behind it */
    JSON_BAD  /* see the fault; the scan is over */
};
enum json_fault {
    JSON_FAULT_NONE,
    JSON_FAULT_SYNTAX,
    JSON_FAULT_TEXT, /* a string that is no UTF-8, or holds an escape for NUL */
    JSON_FAULT_DEPTH
};
struct json_scan {
    struct gr_str text;
    size_t at;         /* the next byte to look at */
    size_t start, end; /* the event's bytes [start, end), quotes included; of what is wrong after JSON_BAD */
    size_t depth, max_depth;
    enum json_fault fault;
    const char *message, *fix;                  /* static texts; fix may be NULL */
    bool escaped;                               /* the key or string has escapes: json_decode is needed */
    unsigned char expect;                       /* what may come next: private */
    unsigned char maps[JSON_DEPTH_MAX / 8 + 1]; /* bit i: the collection at depth i is a map */
};

/* max_depth above JSON_DEPTH_MAX counts as JSON_DEPTH_MAX. */
void json_scan_init(struct json_scan *s, struct gr_str text, size_t max_depth);
enum json_event json_scan_next(struct json_scan *s);
/* Whether the event begins a value (everything but JSON_CLOSE, JSON_KEY, JSON_END and JSON_BAD). */
bool json_is_value(enum json_event event);
/* The bytes between the quotes of the key or string just read, as written. */
struct gr_str json_scan_inner(const struct json_scan *s);
/* Decodes what json_scan_inner gave. out has room for inner.n bytes; returns how many were written. */
size_t json_decode(struct gr_str inner, char *out);
#endif
