/* intake.h - what Alertmanager posts: checked whole before anything else sees it (enact.h goes on).
 *
 * A body is the webhook payload version 4, default template. Everything about it is hostile until checked
 * here: size, depth, UTF-8,
 * escapes \u0000, duplicate keys, types, counts and lengths; label names must be Prometheus'. Unknown
 * members are ignored. */
#ifndef GUARDRAIL_WEBHOOK_INTAKE_H
#define GUARDRAIL_WEBHOOK_INTAKE_H
#include "app.h"
#include "guardrail/buf.h"

#define INTAKE_BYTES_MAX (8u << 20) /* about 13 000 alerts of 600 bytes */
#define INTAKE_DEPTH_MAX 16u
#define INTAKE_NODES_MAX 300000u /* 10,000 alerts of 30 members, labels and annotations */
#define INTAKE_MEMBERS_MAX 128u  /* of any object: twice the labels, for what further versions add */
#define INTAKE_ALERTS_MAX 10000u
#define INTAKE_LABELS_MAX 64u
#define INTAKE_NAME_BYTES_MAX 256u
#define INTAKE_VALUE_BYTES_MAX 4096u

struct intake_alert {
    struct decide_alert decide;
    struct gr_str alertname, generator_url;
    struct label_set annotations; /* sorted by name */
};
struct intake_batch {
    struct gr_str receiver, group_key;
    int64_t truncated; /* alerts that Alertmanager cut off */
    struct intake_alert *alerts;
    size_t count;
};
/* GR_EUSER: the body is refused (400), error says why; GR_ELIMIT: it is too large or holds too much (413);
 * GR_ENOMEM.
 * Texts live in the arena or in the body, which must outlive the batch. */
GR_MUST_USE enum gr_err intake_parse(struct gr_arena *a, struct gr_str body, int64_t now_ms,
                                     struct intake_batch *out, struct gr_buf *error);

/* The same without the quick reader before it (intake_read.h): what that one is held against. */
GR_MUST_USE enum gr_err intake_parse_thorough(struct gr_arena *a, struct gr_str body, int64_t now_ms,
                                              struct intake_batch *out, struct gr_buf *error);

/* How many of the batch are the watchdog's, firing. */
size_t intake_beats(const struct intake_batch *batch);
#endif
