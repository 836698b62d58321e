/* Deviations from the schedule: POST /v1/releases/{id}/deviate. */
#include "config.h"
#include "admin.h"

#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "recorder.h"

#define RECORD_WAIT_MS 2000

struct deviating {
    struct request *q;
    struct release_act act;
    struct release_deviation d;
    const struct gr_node *shares; /* as asked for; NULL: none */
    struct release release;
    struct gr_buf share, why;
};

/* "2%" or 0.02, from 0 to 1. */
static bool
read_ratio(struct gr_str text, double *out)
{
    bool percent = gr_str_ends(text, GR_STR("%"));

    if (gr_parse_double(percent ? gr_str_sub(text, 0, text.n - 1) : text, out) != GR_OK)
        return false;
    *out = percent ? *out / 100 : *out;
    return *out >= 0 && *out <= 1;
}

static bool
flow_of(const struct policy_phase *phase, struct gr_str name)
{
    for (size_t i = 0; i < phase->traffic_count; i++)
        if (gr_str_eq(phase->traffic[i].flow.n > 0 ? phase->traffic[i].flow : GR_STR("all"), name))
            return true;
    return false;
}

/* {"flow": ratio}, of flows that the phase has. */
static enum gr_err
print_shares(struct deviating *v)
{
    struct jw w = JW_INIT(&v->share);
    double ratio = 0;

    gr_buf_reset(&v->share);
    jw_open(&w, NULL, '{');
    gr_node_each (s, v->shares) {
        if (!flow_of(v->release.phase_row, s->key))
            gr_buf_printf(&v->why, "phase %s gives no traffic to \"" GR_FMT "\"", v->release.phase,
                          GR_ARG(s->key));
        else if (s->kind != GR_NODE_SCALAR || !read_ratio(s->text, &ratio))
            gr_buf_printf(&v->why, "the share of " GR_FMT " must be a share, as 2%% or 0.02", GR_ARG(s->key));
        if (v->why.n > 0)
            return GR_ESTATE;
        jw_double(&w, s->key.p, ratio);
    }
    jw_close(&w, '}');
    v->d.share = gr_buf_str(&v->share);
    return gr_buf_err(&v->share);
}

static enum gr_err
run_deviate(struct db *db, void *arg)
{
    struct deviating *v = arg;
    enum gr_err err;

    gr_buf_reset(&v->why);
    if ((err = release_find(db, v->q->app->policies, gr_str(v->q->id), &v->release)) != GR_OK)
        return err;
    if (v->shares && v->release.phase_row && (err = print_shares(v)) != GR_OK)
        return err;
    return release_deviate(db, &v->release, &v->d, &v->act, &v->why);
}

static bool
read_deviation(struct deviating *v, const struct gr_node *map)
{
    struct gr_str lasts;

    if (!admin_read_text(v->q, map, "lasts", 64, false, &lasts) ||
        !admin_read_text(v->q, map, "to", RELEASE_ID_BYTES - 1, false, &v->d.to))
        return false;
    v->shares = gr_node_get(map, "share");
    if (v->act.commander.n == 0)
        request_error(v->q, 400, "\"commander\" must name the incident commander who allows it");
    else if (lasts.n > 0 && (gr_duration_parse(lasts, &v->d.lasts_ms) != GR_OK || v->d.lasts_ms < 1000 ||
                             v->d.lasts_ms > RELEASE_LASTS_MS_MAX))
        request_error(v->q, 400, "\"lasts\" takes a duration from 1s to 7d, as 45m");
    else if (v->shares && (v->shares->kind != GR_NODE_MAP || v->shares->count == 0 || v->shares->count > 64))
        request_error(v->q, 400, "\"share\" must be an object of flows and their shares");
    else if (lasts.n == 0 && v->d.to.n == 0 && !v->shares)
        request_error(v->q, 400, "what deviates? One of \"lasts\", \"to\" and \"share\" is needed");
    else
        return true;
    return false;
}

void
admin_deviate(struct request *q)
{
    struct deviating v = {.q = q, .share = GR_BUF_INIT(RELEASE_SHARES_BYTES - 1), .why = GR_BUF_INIT(4096)};
    struct jw w = JW_INIT(&q->out);
    const struct gr_node *map;
    enum gr_err err;

    if (admin_read_act(q, &v.act, true, &map) && read_deviation(&v, map)) {
        if ((err = store_call(q->app->store, run_deviate, &v)) != GR_OK) {
            request_error_of(q, err, err == GR_ENOENT ? "no such deployment" : gr_buf_cstr(&v.why));
        } else {
            app_wake(q->app);
            request_answer(q, 200);
            jw_open(&w, NULL, '{');
            api_print_release(&w, "release", &v.release);
            if (q->app->recorder)
                jw_bool(&w, "recorded", recorder_wait(q->app->recorder, RECORD_WAIT_MS));
            jw_close(&w, '}');
            gr_buf_putc(&q->out, '\n');
        }
    }
    gr_buf_fini(&v.share);
    gr_buf_fini(&v.why);
}
