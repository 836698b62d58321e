/* emit_operator.h - the back ends of --target operator. */
#ifndef GUARDRAIL_COMPILER_EMIT_OPERATOR_H
#define GUARDRAIL_COMPILER_EMIT_OPERATOR_H
#include "guardrail/buf.h"
#include "guardrail/diag.h"
#include "model.h"
#include "tree.h"

#define KUBE_NAMESPACE_LABEL "namespace"

enum gr_err emit_operator_rules(const struct model *m, struct tree *t);
enum gr_err emit_operator_alertmanager(const struct model *m, struct tree *t);
enum gr_err emit_operator_grafana(const struct model *m, struct tree *t);
enum gr_err emit_operator_policy(const struct model *m, struct tree *t);
/* Objects that are too large or share a name, and what the namespace matcher makes impossible. */
/* The key of the Secret that stands for a file of secrets: its path without leading "/", letters, digits, "." and "-" as they are. */
void operator_secret_key(struct gr_buf *b, struct gr_str file);
void check_operator(const struct model *m, const struct tree *t, struct gr_diags *d);
#endif
