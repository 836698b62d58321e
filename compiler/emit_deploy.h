/* emit_deploy.h - what the files of the part `deploy` share (emit_deploy.c says what it writes). */
#ifndef GUARDRAIL_COMPILER_EMIT_DEPLOY_H
#define GUARDRAIL_COMPILER_EMIT_DEPLOY_H
#include "model.h"
#include "tree.h"

enum gr_err emit_deploy(const struct model *m, struct tree *t);
enum gr_err emit_argo(const struct model *m, struct tree *t); /* deploy/argo_rollouts.yaml */
enum gr_err
emit_tracing(const struct model *m,
             struct tree *t); /* deploy/tracing_config.yaml, tempo_retention.yaml; with `tracing` */
enum gr_err emit_logs(const struct model *m, struct tree *t); /* deploy/log_enrichment.yaml; with `logs` */

/* Weights of the two backends of a route. */
struct weights {
    uint32_t control, canary;
};
/* The canary's share, 0 to 1 with at most WEIGHT_DIGITS_MAX decimals, as whole numbers: their sum is 100, or more where a share needs it. */
struct weights route_weights(struct gr_dec share);
#endif
