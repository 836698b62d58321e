/* html.h - the one way by which text gets into a page.
 *
 *     html_put(b, "<td class=\"%s\">" GR_FMT "</td>", class, GR_ARG(name));
 *
 * The format is markup of ours, a literal, and is copied as it stands; whatever its conversions bring in is escaped, so that it is text
 * between tags, or the value of an attribute in double quotes, and nothing else. Text is never put into a page by another function
 * (tests/unit/webhook/test_html.c looks for it). */
#ifndef GUARDRAIL_WEBHOOK_HTML_H
#define GUARDRAIL_WEBHOOK_HTML_H
#include "guardrail/buf.h"

/* Conversions: %s, %.*s (GR_FMT), %d, %u, %zu, %ld, %lld, %%. Any other is our bug. */
void html_put(struct gr_buf *b, const char *fmt, ...) GR_PRINTF(2, 3);
/* The text, cut at a character so that at most max bytes of it are shown, with an ellipsis behind what was cut. */
void html_cut(struct gr_buf *b, struct gr_str s, size_t max);
/* <time datetime="2026-11-23T14:05:09Z">14:05:09</time>, with the date before it if that is not the day of now_ms. Nothing for 0. */
void html_time(struct gr_buf *b, int64_t unix_ms, int64_t now_ms);
/* How long: "12 s", "3 min", "2 h 5 min", "4 d 3 h"; negative ones count as 0. */
void html_span(struct gr_buf *b, int64_t ms);
#endif
