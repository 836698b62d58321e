/* form.h - the body of an HTML form, application/x-www-form-urlencoded. */
#ifndef GUARDRAIL_WEBHOOK_FORM_H
#define GUARDRAIL_WEBHOOK_FORM_H
#include "guardrail/arena.h"

#define FORM_FIELDS_MAX 16u
/* The decoded value of a field, in the arena; empty if it is absent. GR_ESYNTAX: a broken escape, a NUL, invalid UTF-8, a field that comes twice, or
 * too many of them. */
GR_MUST_USE enum gr_err form_field(struct gr_arena *a, struct gr_str body, const char *name,
                                   struct gr_str *out);
/* One line without controls: line breaks and tabs become blanks, ends are trimmed. GR_ESYNTAX: another control character. */
GR_MUST_USE enum gr_err form_line(struct gr_arena *a, struct gr_str text, struct gr_str *out);
#endif
