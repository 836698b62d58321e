/* watchdog.h - is GuardrailWatchdog still arriving?
 *
 * Silence for WATCHDOG_SILENCE_MS, or since the start, means that the guardrails are blind: nobody can tell whether an alert would
 * reach us. That blocks promotion and pages, and rolls nothing back. One page per outage: it ends only when beats have come for
 * WATCHDOG_SILENCE_MS without such a gap, so a watchdog that comes and goes pages once. An outage that was paged and not over when
 * the process ended is the same outage after the start; then the gates stay closed until the first beat.
 *
 * All times are of a clock that nobody sets and that runs on while the machine sleeps (CLOCK_BOOTTIME, app_boot_ms): a jump of the
 * wall clock neither raises nor hides an outage. The clock is always passed in. Any thread may call; one thread looks. */
#ifndef GUARDRAIL_WEBHOOK_WATCHDOG_H
#define GUARDRAIL_WEBHOOK_WATCHDOG_H
#include <stdatomic.h>
#include "guardrail/base.h"

#define WATCHDOG_SILENCE_MS INT64_C(300000)

struct watchdog {
    atomic_int_fast64_t heard_ms;  /* the last beat, or the start */
    atomic_int_fast64_t steady_ms; /* since when beats come without a gap */
    atomic_int_fast64_t unix_ms;   /* the last beat on the wall clock, to be shown; 0: none since the start */
    atomic_bool outage;            /* paged, and not over */
};
enum watchdog_news { WATCHDOG_NOTHING, WATCHDOG_OUTAGE, WATCHDOG_OVER };

/* outage: one is open from before. */
void watchdog_init(struct watchdog *w, int64_t boot_ms, bool outage);
void watchdog_beat(struct watchdog *w, int64_t boot_ms, int64_t unix_ms);
bool watchdog_blind(const struct watchdog *w, int64_t boot_ms);
/* What has to be told now; the same again until watchdog_told, so that it is tried again when it could not be stored. */
enum watchdog_news watchdog_look(const struct watchdog *w, int64_t boot_ms);
void watchdog_told(struct watchdog *w, enum watchdog_news news);
#endif
