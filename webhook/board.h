/* board.h - what Prometheus says of each guardrail and slice of a release (verdicts.h), for pages and for guardrailctl: cached, bounded,
 * and never waited for long.
 *
 * Prometheus is asked for a release at most once in BOARD_FRESH_MS however many look, and one question at a time. Who comes while another
 * asks gets what there is; who wants the last half hour as well waits for its turn. An answer that is older than BOARD_OLD_MS is not given
 * any more, and after a failure nobody asks again for BOARD_FRESH_MS. Each answer says when it was asked. Any thread but the store's may
 * call. */
#ifndef GUARDRAIL_WEBHOOK_BOARD_H
#define GUARDRAIL_WEBHOOK_BOARD_H
#include "verdicts.h"

#define BOARD_FRESH_MS INT64_C(10000)
#define BOARD_OLD_MS INT64_C(30000)
#define BOARD_ASK_MS INT64_C(2000)
#define BOARD_LINES_MS                                                                                       \
    INT64_C(3000)      /* with the last half hour: three questions; and a turn is waited for as long */
#define BOARD_KEPT 32u /* releases; what nobody asked for longest goes */

struct board_cache;
struct metrics;
struct board_item; /* counted; what `get` gives belongs to it */
/* m: where failures are counted, borrowed; may be NULL. */
GR_MUST_USE enum gr_err board_create(struct metrics *m, struct board_cache **out);
void board_free(struct board_cache *c); /* accepts NULL; nobody holds an item any more */
struct board_want {
    struct gr_str prometheus_url;  /* as in the configuration, may be empty */
    const struct release *release; /* with a policy */
    int64_t boot_ms;               /* a clock that nobody sets */
    int64_t now_ms;                /* Unix */
    bool over_time;                /* lines, too */
};
/* What it gives is valid until it is dropped. NULL without memory. */
const struct board_item *board_get(struct board_cache *c, const struct board_want *want);
const struct verdicts *board_of(const struct board_item *item);
void board_drop(const struct board_item *item); /* accepts NULL */
#endif
