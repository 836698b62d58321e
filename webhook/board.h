/* board.h - what Prometheus says of each guardrail and slice of a release, for pages: cached, bounded, and never waited for long.
 * (verdicts.h asks for more, and each time anew: for one who looks at one release.)
 *
 * One question for each release (guardrail:verdict and guardrail:insufficient of its stream, phase and deployment), at most once in
 * BOARD_FRESH_MS however many look, and one at a time: who comes while another asks gets what there is. An answer that is older
 * than BOARD_OLD_MS is not given any more, and after a failure nobody asks again for BOARD_FRESH_MS.
 *
 * The result has a cell for every slice that the policy expects and for every further one that Prometheus has. No answer, no
 * sample, NaN and numbers that are no verdict are all VERDICT_NONE. Any thread may call. */
#ifndef GUARDRAIL_WEBHOOK_BOARD_H
#define GUARDRAIL_WEBHOOK_BOARD_H
#include "app.h"
#include "prom.h"
#include "release.h"

#define BOARD_FRESH_MS INT64_C(10000)
#define BOARD_OLD_MS INT64_C(30000)
#define BOARD_ASK_MS INT64_C(2000)
#define BOARD_KEPT 32u /* releases; what nobody asked for longest goes */
#define BOARD_CELLS_MAX 2000u

enum verdict {
    VERDICT_IDLE,
    VERDICT_HEALTHY,
    VERDICT_INSUFFICIENT,
    VERDICT_NONE,
    VERDICT_SOFT,
    VERDICT_HARD,
    VERDICTS
};
struct board_cell {
    const struct policy_guardrail *guardrail; /* of the release's policy */
    struct label_set slice;
    enum verdict verdict; /* idle: the flow gets no traffic in this phase */
    struct gr_str why;    /* of insufficient; may be empty */
};
struct board {
    const struct board_cell *cells; /* in the policy's order */
    size_t count;
    int64_t at_ms; /* Unix; when it was asked; 0: it was not */
    bool known;    /* Prometheus answered */
    bool cut;      /* there are more slices than cells */
    char error[240];
};

struct board_cache;
struct board_item; /* counted; what `get` gives belongs to it */
GR_MUST_USE enum gr_err board_create(struct board_cache **out);
void board_free(struct board_cache *c); /* accepts NULL; nobody holds an item any more */
/* Of a release with a policy. *out is valid until the item is dropped. prometheus_url as in the configuration, may be empty. boot_ms: a clock
 * that nobody sets. NULL without memory. */
const struct board_item *board_get(struct board_cache *c, struct gr_str prometheus_url,
                                   const struct release *r, int64_t boot_ms, int64_t now_ms);
const struct board *board_of(const struct board_item *item);
void board_drop(const struct board_item *item); /* accepts NULL */

/* The two halves, for tests: the question, and what is made of an answer. */
GR_MUST_USE enum gr_err board_query(struct gr_buf *b, const struct release *r);
GR_MUST_USE enum gr_err board_read(struct gr_arena *a, const struct release *r, const struct prom_vector *v,
                                   struct board *out);
#endif
