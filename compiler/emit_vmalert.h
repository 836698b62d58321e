/* emit_vmalert.h - the back ends of --target vmalert. */
#ifndef GUARDRAIL_COMPILER_EMIT_VMALERT_H
#define GUARDRAIL_COMPILER_EMIT_VMALERT_H
#include "guardrail/diag.h"
#include "model.h"
#include "tree.h"

enum gr_err emit_vmalert_rules(const struct model *m, struct tree *t);
/* Says what no rewriting can mend: vmalert's documentation warns against rules that read what rules of the same group record. */
void check_vmalert(const struct model *m, const struct tree *t, struct gr_diags *d);
#endif
