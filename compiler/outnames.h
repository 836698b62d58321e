/* outnames.h - names that several back ends must spell alike. */
#ifndef GUARDRAIL_COMPILER_OUTNAMES_H
#define GUARDRAIL_COMPILER_OUTNAMES_H
#include "model.h"

#define UID_BYTES_MAX 40u /* Grafana's limit */
/* A phase that watches more guardrails has one row, which Grafana repeats for those that are chosen: a row each would be 16 kB each, and
 * Grafana opens a megabyte slowly, a ConfigMap holds no more. */
#define DASH_MANY 50u

/* The uid of the dashboard "<spec>-<what>": [a-zA-Z0-9_-], at most UID_BYTES_MAX bytes. A longer name is cut and gets 8 hex digits
 * of its hash, so that it stays unique. */
GR_MUST_USE enum gr_err outname_uid(const struct model *m, struct gr_str what, struct gr_buf *b);
/* The id of the first panel of guardrail g in every dashboard that has panels of its own for it; OUTNAME_PANELS ids are its. It follows from
 * the name: a link to a panel still leads there when guardrails come and go. (Names whose hashes meet, in one spec of thousands, are told apart by
 * their order.) Below 2^31; fixed panels have small ids, rows those of outname_row. */
#define OUTNAME_PANELS 8u
uint32_t outname_panel(const struct model *m, const struct guardrail *g);
/* More guardrails in this phase than have panels of their own. */
bool outname_crowded(const struct model *m, const struct phase *p);
uint32_t outname_row(struct gr_str name);
/* Value of the label `cohort` of a guardrail's canary series: that of the cohort label, or "stream" with scope stream. */
#define COHORT_STREAM "stream"
#define COHORT_EARLY "early" /* the canary's slots before comparisons begin, of guardrails with a backstop */
struct gr_str outname_canary(const struct model *m, const struct guardrail *g);
/* Where Alertmanager finds a secret file: "secrets/<file>", or the file as it is when its path is absolute. */
void outname_secret(struct gr_buf *b, struct gr_str file);
/* The variable that stands for the secret in a file: "pagerduty.key" is PAGERDUTY_KEY. */
void outname_variable(struct gr_buf *b, struct gr_str file);
/* A matcher `label=~"a|b"` on exactly the given values, escaped for PromQL and for Alertmanager, which quote alike. */
void outname_matcher_any(struct gr_buf *b, const char *label, const struct gr_str *values, size_t n);
/* `label!~"a|b"`: on anything but these. */
void outname_matcher_none(struct gr_buf *b, const char *label, const struct gr_str *values, size_t n);
/* A matcher `label="value"`. */
void outname_matcher(struct gr_buf *b, const char *label, struct gr_str value);
/* The first setting of an action under this key, or empty. */
struct gr_str outname_setting(const struct action *a, const char *key);
#endif
