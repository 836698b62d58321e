/* api.h - JSON shapes that several handlers answer with, and the reading of small request bodies. */
#ifndef GUARDRAIL_WEBHOOK_API_H
#define GUARDRAIL_WEBHOOK_API_H
#include "gate.h"
#include "guardrail/node.h"
#include "jw.h"
#include "request.h"

#define API_LIST_MAX 200u

/* {"deployment_id", "stream": {}, "state", "phase", "phase_started", "earliest_promotion", …} */
void api_print_release(struct jw *w, const char *key, const struct release *r);
/* {"deployment_id", "phase", "promote": false, "reasons": […]} */
void api_print_gate(struct request *q, const struct gate *g, int status);

/* A body that is an object, read into the arena; *map is NULL for an empty body. GR_EUSER: error says why. */
GR_MUST_USE enum gr_err api_read_body(struct request *q, const struct gr_node **map, struct gr_buf *error);

/* Handlers: one per route. */
route_fn api_healthz, api_readyz, api_metrics, api_status, api_audit, api_releases, api_release, api_gate,
    api_verdicts, api_deadletters;
route_fn api_gate_post, hook_gate, hook_rollback, hook_started; /* hooks.c */
route_fn admin_start, admin_advance, admin_deviate, admin_override, admin_abort, admin_hold, admin_resume,
    admin_rearm, admin_confirm, admin_cancel, admin_deny, admin_ack, admin_ack_page, admin_letters_retry,
    admin_letter_retry, admin_letter_drop;
#endif
