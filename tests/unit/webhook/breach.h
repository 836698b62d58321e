/* breach.h - what happens in a store before there is something to see: a release that runs, an alert, a page with its link. Without Check, for
 * fuzz targets use it as well. */
#ifndef GUARDRAIL_TEST_WEBHOOK_BREACH_H
#define GUARDRAIL_TEST_WEBHOOK_BREACH_H
#include "webhook/app.h"
#include "webhook/link.h"

struct breach_release {
    const struct policies *policies;
    const char *cluster, *id, *reason;
    int64_t now_ms;
};
/* A job of the store: a release of that stream, which stands in phase_1. arg: a struct breach_release. */
enum gr_err breach_start(struct db *db, void *arg);
/* What Alertmanager posts of error_rate in one slice of it. status: firing or resolved. */
void breach_print(struct gr_buf *b, const char *status, const char *level, const char *id,
                  const char *cluster);
/* What HTTP would do with a body. */
enum gr_err breach_post(struct app *app, struct gr_str body, int64_t now_ms);
/* The token of a link to the newest page, valid for a year; returns the page's effect. The configuration has public_url and keys. */
int64_t breach_link(struct app *app, char token[LINK_TOKEN_CHARS + 1]);
#endif
