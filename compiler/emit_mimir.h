/* emit_mimir.h - the back ends of --target mimir. */
#ifndef GUARDRAIL_COMPILER_EMIT_MIMIR_H
#define GUARDRAIL_COMPILER_EMIT_MIMIR_H
#include "guardrail/diag.h"
#include "model.h"
#include "tree.h"

enum gr_err emit_mimir_rules(const struct model *m, struct tree *t);
enum gr_err emit_mimir_alertmanager(const struct model *m, struct tree *t);
/* Two files of secrets that would be one variable. */
void check_mimir(const struct model *m, const struct tree *t, struct gr_diags *d);
#endif
