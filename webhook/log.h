/* log.h - structured log lines on one descriptor: one event per line, logfmt or JSON, foreign text escaped.
 *
 * Any thread may log; a line is one write, so lines never mix. A line that cannot be written is lost and
 * counted. Never pass
 * a secret. Pairs are C strings (name, value), ended by NULL; a NULL value is left out. */
#ifndef GUARDRAIL_WEBHOOK_LOG_H
#define GUARDRAIL_WEBHOOK_LOG_H
#include "guardrail/base.h"

enum log_level { AT_DEBUG, AT_INFO, AT_WARN, AT_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log;
/* fd is borrowed. NULL when there is no memory. */
GR_MUST_USE struct log *log_create(int fd, enum log_format format, enum log_level least);
void log_free(struct log *log);
/* From now on; any thread. */
void log_set_level(struct log *log, enum log_level least);
/*     log_event(log, AT_WARN, "step failed", "deployment_id", id, "step", name, (char *)NULL);
 * gives  ts=2026-11-23T14:05:09Z level=warn msg="step failed" deployment_id=d42 step=drain
 * log may be NULL: nothing happens. */
void log_event(struct log *log, enum log_level level, const char *message, ...) __attribute__((sentinel));
/* Whether a line of this level would be written: to ask before the pairs are made ready. */
bool log_wants(const struct log *log, enum log_level level);
/* Lines that could not be written. */
uint64_t log_lost(const struct log *log);
const char *log_level_name(enum log_level level);
#endif
