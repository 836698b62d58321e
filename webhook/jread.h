/* jread.h - reading back the JSON that guardraild itself wrote into its store. */
#ifndef GUARDRAIL_WEBHOOK_JREAD_H
#define GUARDRAIL_WEBHOOK_JREAD_H
#include "guardrail/node.h"
#include "labels.h"

/* The tree lives in the arena. GR_EUSER: no JSON. */
GR_MUST_USE enum gr_err jread(struct gr_arena *a, struct gr_str json, const struct gr_node **out);
struct gr_str jread_str(const struct gr_node *map, const char *name); /* "" if absent or no scalar */
int64_t jread_i64(const struct gr_node *map, const char *name, int64_t otherwise);
double jread_double(const struct gr_node *map, const char *name, double otherwise);
bool jread_bool(const struct gr_node *map, const char *name);
/* An object of strings; LABELS_NONE if absent or with no memory (the arena remembers). */
struct label_set jread_labels(struct gr_arena *a, const struct gr_node *map, const char *name);
#endif
