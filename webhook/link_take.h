/* link_take.h - the store's half of acknowledgement links: whose page it is, whether it was used, and taking it. On the store's thread. */
#ifndef GUARDRAIL_WEBHOOK_LINK_TAKE_H
#define GUARDRAIL_WEBHOOK_LINK_TAKE_H
#include "link.h"
#include "outbox.h"
#include "release.h"

/* What a link's page shows; texts live in the arena. */
struct link_page {
    struct outbox_effect effect;
    int64_t escalate_ms, taken_ms; /* 0: it goes to nobody further; nobody took it */
    struct gr_str taken_by;
    int64_t used_ms; /* 0: the link was not used */
    struct gr_str used_by;
    int64_t waiting; /* messages about the same breach that nobody took, this one included */
};
/* Whether a message's link would take anything: its own page, or another message about the same breach. */
GR_MUST_USE enum gr_err link_wanted(struct db *db, const struct outbox_effect *e, bool *wanted);
/* GR_ENOENT: there is no such page, or it is not the link's. */
GR_MUST_USE enum gr_err link_look(struct db *db, struct gr_arena *a, const struct link *l,
                                  struct link_page *out);
/* Takes every message about that breach which nobody took, and writes down that the link was used, by whom and why. *out: as it was before. GR_ESTATE with
 * words in why: it was used, or all is taken; GR_ENOENT as above. */
GR_MUST_USE enum gr_err link_take(struct db *db, struct gr_arena *a, const struct link *l,
                                  const struct release_act *act, struct link_page *out, struct gr_buf *why);
#endif
