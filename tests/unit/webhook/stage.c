#include "config.h"
#include "stage.h"

#include <string.h>
#include "../canned.h"
#include "fixture.h"
#include "guardrail/number.h"
#include "webhook/form.h"
#include "webhook/verdicts.h"

void
stage_make(struct stage *t)
{
    memset(t, 0, sizeof *t);
    t->arena = gr_arena_create(1 << 24);
    t->policy = fixture_policy();
    t->stream = fixture_labels(t->arena, "cluster=equities");
    t->release = (struct release){.id = 1,
                                  .deployment_id = "d-1",
                                  .phase = "phase_1",
                                  .state = RELEASE_RUNNING,
                                  .policy = t->policy,
                                  .stream_row = &t->stream,
                                  .phase_row = policy_phase(t->policy, GR_STR("phase_1"))};
}

void
stage_end(struct stage *t)
{
    policy_free(t->policy);
    gr_arena_free(t->arena);
}

struct prom_sample
stage_sample(struct stage *t, const char *labels, double value)
{
    return (struct prom_sample){fixture_labels(t->arena, labels), value};
}

/* ---- Prometheus ---- */

/* A time or a step: seconds, above 0. */
static bool
seconds(struct gr_arena *a, struct gr_str form, const char *name, double *out)
{
    struct gr_str text;

    return form_field(a, form, name, &text) == GR_OK && gr_parse_double(text, out) == GR_OK && *out > 0;
}

/* As Prometheus holds a range: a step, an end that is not before the start, 11,000 points at most. */
static bool
range_ok(struct gr_arena *a, struct gr_str form)
{
    double start, end, step;

    return seconds(a, form, "start", &start) && seconds(a, form, "end", &end) &&
           seconds(a, form, "step", &step) && end >= start && (end - start) / step <= 11000 &&
           (end - start) / step + 1.5 > VERDICTS_POINTS;
}

/* STAGE_QUESTIONS: Prometheus would not take it. */
static enum stage_question
question_of(struct stage_prometheus *p, struct gr_str request, struct gr_str *query)
{
    size_t end = gr_str_find(request, GR_STR("\r\n\r\n"), 0);
    struct gr_str form = end == SIZE_MAX ? GR_STR("") : gr_str_sub(request, end + 4, SIZE_MAX);
    bool over_time = gr_str_starts(request, GR_STR("POST /api/v1/query_range HTTP/1.1\r\n"));

    if (!over_time && !gr_str_starts(request, GR_STR("POST /api/v1/query HTTP/1.1\r\n")))
        return STAGE_QUESTIONS;
    if (gr_str_find(request, GR_STR("\r\nContent-Type: application/x-www-form-urlencoded\r\n"), 0) > end ||
        form_field(p->arena, form, "query", query) != GR_OK || query->n == 0 ||
        (over_time && !range_ok(p->arena, form)))
        return STAGE_QUESTIONS;
    if (!over_time)
        return STAGE_NOW;
    return gr_str_find(*query, GR_STR("guardrail:effect"), 0) != SIZE_MAX ? STAGE_EFFECTS : STAGE_VERDICTS;
}

static struct gr_str
answer(struct gr_str request, void *arg)
{
    static const char *const none[] = {STAGE_VECTOR(""), STAGE_MATRIX(""), STAGE_MATRIX("")};
    struct stage_prometheus *p = arg;
    struct gr_str query = GR_STR(""), body;
    enum stage_question which = question_of(p, request, &query);
    int status = 400;

    if (which == STAGE_QUESTIONS) {
        atomic_fetch_add(&p->refused, 1);
        body =
            GR_STR("{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"the stand-in refuses it\"}");
    } else {
        atomic_fetch_add(&p->asked[which], 1);
        gr_buf_reset(&p->query[which]);
        gr_buf_put(&p->query[which], query);
        body = p->body[which].p ? p->body[which] : gr_str(none[which]);
        status = p->status[which] ? p->status[which] : 200;
    }
    if (p->before)
        p->before(p->arg);
    gr_buf_reset(&p->out);
    gr_buf_printf(&p->out, "HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                  status, body.n);
    gr_buf_put(&p->out, body);
    return gr_buf_str(&p->out);
}

static struct gr_str
silence(struct gr_str request, void *arg)
{
    (void)request, (void)arg;
    return GR_STR("");
}

void
stage_prometheus_start(struct stage_prometheus *p, bool hang)
{
    for (size_t i = 0; i < STAGE_QUESTIONS; i++)
        gr_buf_init(&p->query[i], PROM_QUERY_BYTES_MAX);
    gr_buf_init(&p->out, 32u << 20);
    p->arena = gr_arena_create(16u << 20);
    p->server = canned_start_with(hang ? silence : answer, p, hang);
}

struct gr_str
stage_prometheus_url(const struct stage_prometheus *p)
{
    return gr_str(canned_url(p->server));
}

void
stage_prometheus_stop(struct stage_prometheus *p)
{
    canned_stop(p->server, NULL);
    p->server = NULL;
    ck_assert_uint_eq(atomic_load(&p->refused), 0);
}

void
stage_prometheus_end(struct stage_prometheus *p)
{
    for (size_t i = 0; i < STAGE_QUESTIONS; i++)
        gr_buf_fini(&p->query[i]);
    gr_buf_fini(&p->out);
    gr_arena_free(p->arena);
}
