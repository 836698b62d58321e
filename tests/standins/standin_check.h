/* standin_check.h - what Slack's incoming webhooks and PagerDuty's Events v2 accept, as pure functions.
 *
 * Each takes a body and gives the status and the body that the real one documents. Stricter than the real ones in what
 * guardraild promises besides: no member that is not documented, every &, < and > of foreign text escaped, no mentions. */
#ifndef GUARDRAIL_TEST_STANDIN_CHECK_H
#define GUARDRAIL_TEST_STANDIN_CHECK_H
#include <cjson/cJSON.h>
#include "guardrail/buf.h"

#define STANDIN_BODY_MAX (1u << 20)

struct standin_answer {
    unsigned status;
    struct gr_buf body; /* as the real one answers */
    const char *why;    /* static text for the person who debugs; "" when accepted */
    cJSON *message;     /* accepted: the parsed body, to be kept (cJSON_Delete); else NULL */
};
void standin_answer_fini(struct standin_answer *answer);
/* 200 ok; 400 invalid_payload, no_text, invalid_blocks, msg_blocks_too_long. */
void standin_slack(struct gr_str body, struct standin_answer *answer);
/* 202 with the dedup key; 400 invalid event; 413 when larger than 512 KB. */
void standin_pagerduty(struct gr_str body, struct standin_answer *answer);
#endif
