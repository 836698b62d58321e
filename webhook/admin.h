/* admin.h - what the handlers of changing verbs share: reading who, why and what from the body. Each answers the request itself when
 * something is wrong, and then says false. */
#ifndef GUARDRAIL_WEBHOOK_ADMIN_H
#define GUARDRAIL_WEBHOOK_ADMIN_H
#include "api.h"

/* A text member, at most max bytes; "" if it is absent and not needed. */
bool admin_read_text(struct request *q, const struct gr_node *map, const char *name, size_t max, bool needed,
                     struct gr_str *out);
/* "by", "reason" and "commander", which may be absent; the time is now. *map: the whole body. */
bool admin_read_act(struct request *q, struct release_act *act, bool reason_needed,
                    const struct gr_node **map);
/* "for": "30m" (1s … max_ms), or "until": a time to come, not further off than that. *until_ms: 0 if there is neither. */
bool admin_read_until(struct request *q, const struct gr_node *map, int64_t max_ms, int64_t now_ms,
                      int64_t *until_ms);
/* The number of the path. */
bool admin_read_number(struct request *q, int64_t *out);
#endif
