/* clock.h - dates as people write them: 2026-11-23, 2026-11-23T17:00:00Z, 2026-11-23T18:00:00+01:00; all UTC inside.
 *
 * The compiler's clock is an input (--now), so that its output depends on the specification and the date alone. */
#ifndef GUARDRAIL_COMPILER_CLOCK_H
#define GUARDRAIL_COMPILER_CLOCK_H
#include "guardrail/buf.h"

#define CLOCK_DAY_S 86400

/* A date (its first second, UTC) in the years 1970 to 9999. GR_ESYNTAX, GR_ERANGE. */
GR_MUST_USE enum gr_err clock_date(struct gr_str text, int64_t *s);
/* A date, or an RFC 3339 time; a fraction of a second is cut. */
GR_MUST_USE enum gr_err clock_time(struct gr_str text, int64_t *s);
/* Appends the date of a time of 1970 to 9999, as 2026-11-23. */
void clock_put_date(struct gr_buf *b, int64_t s);
/* The first second of today, UTC. */
int64_t clock_today(void);
#endif
