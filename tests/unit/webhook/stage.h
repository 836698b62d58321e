/* stage.h - a release that runs, and a strict stand-in for its Prometheus: for the suites of verdicts and board.
 *
 * The release is of the stream equities in phase_1: error_rate in XNAS for two flows, model_drift as a whole. The stand-in takes what
 * Prometheus takes, POST with a form of the right parameters, and refuses all else with 400, which fails what the test expects. */
#ifndef GUARDRAIL_TEST_WEBHOOK_STAGE_H
#define GUARDRAIL_TEST_WEBHOOK_STAGE_H
#include <stdatomic.h>
#include "webhook/prom.h"
#include "webhook/release.h"

#define STAGE_VECTOR(items)                                                                                  \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" items "]}}"
#define STAGE_MATRIX(items)                                                                                  \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" items "]}}"

struct stage {
    struct gr_arena *arena;
    struct policy *policy;
    struct label_set stream;
    struct release release;
};
void stage_make(struct stage *t);
void stage_end(struct stage *t);
/* A sample; labels as fixture_labels has them. */
struct prom_sample stage_sample(struct stage *t, const char *labels, double value);

/* What it is asked. */
enum stage_question { STAGE_NOW, STAGE_VERDICTS, STAGE_EFFECTS, STAGE_QUESTIONS };
struct stage_prometheus {
    struct gr_str body[STAGE_QUESTIONS];  /* p NULL: "no data" */
    int status[STAGE_QUESTIONS];          /* 0: 200 */
    struct gr_buf query[STAGE_QUESTIONS]; /* the newest one, decoded; look at it once it has stopped */
    atomic_uint asked[STAGE_QUESTIONS], refused;
    void (*before)(void *arg); /* each answer, on its thread; may be NULL */
    void *arg;
    /* its own */
    struct canned *server;
    struct gr_buf out;
    struct gr_arena *arena;
};
void stage_prometheus_start(struct stage_prometheus *p, bool hang);
struct gr_str stage_prometheus_url(const struct stage_prometheus *p);
/* Fails the test if a question was refused. */
void stage_prometheus_stop(struct stage_prometheus *p);
void stage_prometheus_end(struct stage_prometheus *p); /* frees what stop leaves to be looked at */
#endif
