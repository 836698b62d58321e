/* The suites of webhook/, one per source file. */
#ifndef GUARDRAIL_TEST_WEBHOOK_H
#define GUARDRAIL_TEST_WEBHOOK_H
#include <check.h>

Suite *audit_suite(void);
Suite *decide_suite(void);
Suite *decide_all_suite(void);
Suite *expand_suite(void);
Suite *gate_suite(void);
Suite *labels_suite(void);
Suite *pages_suite(void);
Suite *policy_suite(void);
Suite *prom_suite(void);
Suite *record_suite(void);
Suite *runner_suite(void);
Suite *sender_suite(void);
Suite *standin_suite(void);
Suite *conf_suite(void);
Suite *conns_suite(void);
Suite *disk_suite(void);
Suite *confine_suite(void);
Suite *enact_suite(void);
Suite *recorder_suite(void);
Suite *intake_suite(void);
Suite *jw_suite(void);
Suite *log_suite(void);
Suite *metrics_suite(void);
Suite *outbox_suite(void);
Suite *release_suite(void);
Suite *request_suite(void);
Suite *server_suite(void);
Suite *service_suite(void);
Suite *schema_suite(void);
Suite *store_suite(void);
Suite *tokens_suite(void);
Suite *watchdog_suite(void);
#endif
