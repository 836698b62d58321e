/* intake_read.h - the quick reader of what Alertmanager posts: one pass, no tree, texts left where they are.
 *
 * It knows the payload as Alertmanager writes it and nothing else. Whatever is odd (a member it does not know, a text that is not ASCII, an escape for
 * more than ASCII, anything that may have to be refused) it leaves to intake_parse, which reads the body again, thoroughly, and finds the words. So it
 * accepts a part of what that accepts, with the same outcome; tests/fuzz/fuzz_alerts.c holds the two against each other. */
#ifndef GUARDRAIL_WEBHOOK_INTAKE_READ_H
#define GUARDRAIL_WEBHOOK_INTAKE_READ_H
#include "intake.h"

/* GR_OK; GR_ESTATE: not for this reader, *out is as it was; GR_ENOMEM. Texts borrow from the body, or live in the arena. */
GR_MUST_USE enum gr_err intake_read(struct gr_arena *a, struct gr_str body, int64_t now_ms,
                                    struct intake_batch *out);
/* [a-zA-Z_][a-zA-Z0-9_]*, at most INTAKE_NAME_BYTES_MAX: a label's or annotation's name. */
bool intake_name_ok(struct gr_str s);
/* RFC 3339, Unix ms; Go's zero time, the end of what still fires, is 0. GR_ESYNTAX, GR_ERANGE. */
GR_MUST_USE enum gr_err intake_time(struct gr_str text, int64_t *out);
#endif
