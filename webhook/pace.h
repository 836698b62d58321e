/* pace.h - how often each key of a target may be spoken to: buckets of `burst` messages that fill by one an interval.
 *
 * A key is whatever the target counts by: PagerDuty's routing key, Slack's channel. Belongs to one thread; pure, the clock is passed in. When there are more
 * keys than rows the one that was used longest ago is forgotten, and so begins with a full bucket again. */
#ifndef GUARDRAIL_WEBHOOK_PACE_H
#define GUARDRAIL_WEBHOOK_PACE_H
#include "guardrail/base.h"

#define PACE_ROWS 64u
#define PACE_KEY_BYTES 160u /* longer keys are told apart by their first bytes alone */

struct pace {
    struct pace_row {
        char key[PACE_KEY_BYTES];
        double tokens;
        int64_t filled_ms;
    } rows[PACE_ROWS];
};
/* Takes one message from the key's bucket: 0. Otherwise nothing is taken, and so many milliseconds later there will be one. */
int64_t pace_take(struct pace *p, struct gr_str key, int64_t interval_ms, uint32_t burst, int64_t now_ms);
#endif
