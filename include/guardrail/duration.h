/* duration.h - durations, in milliseconds, from the spec's text and into Prometheus', Alertmanager's and people's.
 *
 * Accepted: one or more of <whole number><unit>, units descending and at most once each: y w d h m|min s ms ("1h30m", "15min",
 * "15 minutes", "12 months" count 30 days a month); units may be spelt out (year, month, week, day, hour, minute, second), and
 * one blank may stand before and behind each. 0 < result <= GR_DURATION_MS_MAX. */
#ifndef GUARDRAIL_DURATION_H
#define GUARDRAIL_DURATION_H
#include "guardrail/buf.h"

#define GR_DURATION_MS_MAX INT64_C(315360000000) /* ten years */

/* GR_ESYNTAX, GR_ERANGE. A bare number is GR_ESYNTAX. */
GR_MUST_USE enum gr_err gr_duration_parse(struct gr_str s, int64_t *ms);
/* Appends a regular expression (ECMA 262; Python's re reads it the same) for the texts that gr_duration_parse takes, whatever
 * their size. */
void gr_duration_pattern(struct gr_buf *b);
/* Prometheus and Alertmanager form, exact: "2m", "1h30m", "28s500ms", "0s". ms >= 0. */
void gr_duration_print(struct gr_buf *b, int64_t ms);
/* RFC 3339 in UTC with second precision, "2026-11-23T14:05:09Z", from Unix milliseconds; what is outside the years 1970 to
 * 9999 prints as their start or end. */
void gr_time_print(struct gr_buf *b, int64_t unix_ms);
/* RFC 3339 with optional fraction (cut to ms) and Z or numeric offset; years 0 to 9999, so Alertmanager's
 * "0001-01-01T00:00:00Z" is a large negative number. No leap seconds. GR_ESYNTAX, GR_ERANGE. */
GR_MUST_USE enum gr_err gr_time_parse(struct gr_str s, int64_t *unix_ms);
#endif
