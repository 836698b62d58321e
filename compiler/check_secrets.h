/* check_secrets.h - files of secrets that a target names otherwise: two of them must not become one, or one receiver would get the other's
 * key. */
#ifndef GUARDRAIL_COMPILER_CHECK_SECRETS_H
#define GUARDRAIL_COMPILER_CHECK_SECRETS_H
#include "guardrail/buf.h"
#include "guardrail/diag.h"
#include "model.h"

/* what: "one variable"; name: appends what a file becomes. */
void check_secrets(const struct model *m, const char *what,
                   void (*name)(struct gr_buf *b, struct gr_str file), struct gr_diags *d);
#endif
