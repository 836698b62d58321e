/* standin_process.h - tests/standins/standin as a process, for the tests of the senders. Failures are failures of the test. */
#ifndef GUARDRAIL_TEST_STANDIN_PROCESS_H
#define GUARDRAIL_TEST_STANDIN_PROCESS_H
#include <cjson/cJSON.h>
#include <sys/types.h>
#include "guardrail/http_client.h"

struct standin_process {
    pid_t pid;
    char url[64]; /* "http://127.0.0.1:41234" */
};
void standin_start(struct standin_process *p);
/* It must have ended well; under the sanitizers that means: no leak. */
void standin_stop(struct standin_process *p);
/* POST /control. */
void standin_tell(const struct standin_process *p, struct gr_http_client *http, const char *json);
/* GET /received, parsed; the caller's. */
cJSON *standin_received(const struct standin_process *p, struct gr_http_client *http);
/* One request with an Authorization header (NULL: none); a body makes it a POST. The status. */
long standin_ask(const struct standin_process *p, struct gr_http_client *http, const char *path,
                 const char *authorization, const char *body);
#endif
