/* labels.h - a set of labels: a release stream, a slice, or all labels of an alert or a sample.
 *
 * Sorted by name, each name once; texts and array are borrowed from whoever made the set (policy, arena). The canonical text
 * is what keys of effects are made of: two sets are equal exactly when their canonical texts are. */
#ifndef GUARDRAIL_WEBHOOK_LABELS_H
#define GUARDRAIL_WEBHOOK_LABELS_H
#include "guardrail/arena.h"
#include "guardrail/buf.h"

struct label {
    struct gr_str name, value;
};
struct label_set {
    const struct label *items; /* sorted by name */
    size_t count;
};
#define LABELS_NONE ((struct label_set){NULL, 0})
#define LABELS_MAX 64u /* more than any alert may carry */

/* Sorts items by name in place. GR_EEXIST if a name comes twice. */
GR_MUST_USE enum gr_err labels_sort(struct label *items, size_t count);
/* The value, or an empty slice with p == NULL. */
struct gr_str labels_get(struct label_set set, struct gr_str name);
bool labels_equal(struct label_set a, struct label_set b);
/* Whether every label of `part` is in `whole` with the same value. */
bool labels_within(struct label_set part, struct label_set whole);
/* Appends the canonical text: name=value joined by ','; every byte of a value outside [A-Za-z0-9._-] as %XX; "" is "-". */
void labels_print_key(struct gr_buf *b, struct label_set set);
/* Appends one such escaped text alone. */
void label_print_key(struct gr_buf *b, struct gr_str value);
/* Appends the text for people: name=value joined by ", "; the caller quotes it for where it goes. */
void labels_print(struct gr_buf *b, struct label_set set);
/* The labels of `from` that are named in names, sorted, copied into the arena's array (texts stay borrowed). Missing ones are left
 * out. GR_ENOMEM. */
GR_MUST_USE enum gr_err labels_pick(struct gr_arena *a, struct label_set from, const struct gr_str *names,
                                    size_t count, struct label_set *out);
#endif
