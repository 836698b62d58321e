/* policy_json.h - small readers of JSON members that report what is wrong; used by the files that read policy.json.
 *
 * Each takes an object (NULL: poisoned, stays silent) and a member's name, reports a finding and sets `bad` when the member is
 * missing, of the wrong kind or out of range, and then leaves *out alone. Texts are copied into the policy's arena. */
#ifndef GUARDRAIL_WEBHOOK_POLICY_JSON_H
#define GUARDRAIL_WEBHOOK_POLICY_JSON_H
#include "guardrail/node.h"
#include "policy.h"

struct policy_reader {
    struct gr_arena *arena; /* the policy's */
    struct gr_diags *d;
    struct policy *p; /* being filled */
    bool bad;         /* a finding was reported */
    bool no_memory;   /* the arena failed */
};
enum need { OPTIONAL, REQUIRED };

/* Reports that `where` is wrong, and marks the policy bad. */
void pj_fail(struct policy_reader *r, enum gr_code code, struct gr_span where, const char *fmt, ...)
    GR_PRINTF(4, 5);
/* The member, or NULL: absent, or null, or of another kind than wanted (reported). */
const struct gr_node *pj_member(struct policy_reader *r, const struct gr_node *map, const char *key,
                                enum need need, enum gr_node_kind kind);
/* A string; REQUIRED ones must not be empty. False when *out was not set. */
bool pj_text(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
             struct gr_str *out);
/* A string that is a name: GR_POLICY_VALUE_PATTERN. */
bool pj_name(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
             struct gr_str *out);
bool pj_bool(struct policy_reader *r, const struct gr_node *map, const char *key, bool *out);
bool pj_int(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need, int64_t min,
            int64_t max, int64_t *out);
/* A finite number. */
bool pj_double(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
               double min, double max, double *out);
/* One of names; reports the legal ones. */
bool pj_choice(struct policy_reader *r, const struct gr_node *map, const char *key, enum need need,
               const char *const *names, size_t count, size_t *out);
/* A list's or map's items as a zeroed array in the arena, *count of them; NULL when absent, too long (max) or without memory. */
void *pj_array(struct policy_reader *r, const struct gr_node *list, size_t max, size_t size, size_t *count);
/* A list of different strings. */
bool pj_texts(struct policy_reader *r, const struct gr_node *list, size_t max, const struct gr_str **out,
              size_t *count);
/* A map of strings as a sorted label set. */
bool pj_labels(struct policy_reader *r, const struct gr_node *map, struct label_set *out);
/* A scalar node that is a JSON string; reports otherwise. */
bool pj_string(struct policy_reader *r, const struct gr_node *node, struct gr_str *out);
bool pj_is_label_name(struct gr_str s);

/* policy_actions.c: the "actions" member, and one program with its arguments (check: no {guardrail} there). */
void policy_read_actions(struct policy_reader *r, const struct gr_node *actions);
/* Which placeholders have a meaning: of the release alone, also {guardrail}, or also {traffic_share}. */
enum policy_places { PLACES_RELEASE, PLACES_BREACH, PLACES_TRAFFIC };
void policy_read_argv(struct policy_reader *r, const struct gr_node *list, enum policy_places places,
                      struct policy_argv *out);
/* policy_read.c: the whole document. */
void policy_read(struct policy_reader *r, const struct gr_node *root);
#endif
