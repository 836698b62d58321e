/* What deployment controllers ask by POST: the answer is the status code. 200 says yes, 403 says no, and everything else that guardraild is
 * in trouble, which is a no as well.
 *
 *     POST /v1/releases/{id}/gate   may the release go on to its next phase?
 *     POST /v1/hooks/gate           the same of the newest release of a stream; yes, too, once it is general
 *     POST /v1/hooks/started        was a release of the stream started, and does it run?
 *     POST /v1/hooks/rollback       does guardraild roll it back, or has it done so within ten minutes, or was it aborted?
 *
 * The three hooks take Flagger's body, {"name", "namespace", "phase", "checksum", "metadata": {…}}; the metadata names the deployment
 * ("deployment_id") or the stream, by its release labels. All else in the body is ignored. */
#include "config.h"
#include "api.h"

#define HOOK_RECENT_MS INT64_C(600000) /* how long an ended release asks the controller for a rollback */

struct hook {
    struct request *q;
    const struct gr_node *metadata;
    struct label_set stream; /* of the stream asked for; none: by deployment */
    struct gr_str deployment_id;
    struct release release;
};

/* The labels of the stream that the metadata names, in the policy's row; NULL: it does not, and the request is answered. */
static const struct label_set *
read_stream(struct hook *h, const struct policy *p)
{
    struct label *items = gr_arena_array(h->q->arena, p->release_label_count + 1, sizeof *items);
    const struct label_set *row = NULL;

    if (!items) {
        request_error_of(h->q, GR_ENOMEM, NULL);
        return NULL;
    }
    for (size_t i = 0; i < p->release_label_count; i++) {
        const struct gr_node *n = gr_node_get(h->metadata, p->release_labels[i].p);

        if (!n || n->kind != GR_NODE_SCALAR || n->style != GR_STYLE_QUOTED) {
            request_error(h->q, 400,
                          "the metadata must name \"deployment_id\", or the release label \"" GR_FMT "\"",
                          GR_ARG(p->release_labels[i]));
            return NULL;
        }
        items[i] = (struct label){p->release_labels[i], n->text};
    }
    if (labels_sort(items, p->release_label_count) == GR_OK)
        row = policy_stream(p, (struct label_set){items, p->release_label_count});
    if (!row)
        request_error(h->q, 400, "the policy knows no such release stream");
    return row;
}

static bool
read_hook(struct hook *h)
{
    struct gr_buf error = GR_BUF_INIT(1024);
    const struct gr_node *map = NULL, *id;
    const struct label_set *stream;
    enum gr_err err = api_read_body(h->q, &map, &error);

    if (err != GR_OK)
        request_error_of(h->q, err, gr_buf_cstr(&error));
    gr_buf_fini(&error);
    if (err != GR_OK)
        return false;
    h->metadata = gr_node_get(map, "metadata");
    if (!h->metadata || h->metadata->kind != GR_NODE_MAP) {
        request_error(h->q, 400, "\"metadata\" must be an object that names the deployment or its stream");
        return false;
    }
    if ((id = gr_node_get(h->metadata, "deployment_id")) && id->kind == GR_NODE_SCALAR) {
        h->deployment_id = id->text;
        return true;
    }
    if (!(stream = read_stream(h, policies_current(h->q->app->policies))))
        return false;
    h->stream = *stream;
    return true;
}

/* The newest of the stream. */
static enum gr_err
find_newest(struct db *db, struct hook *h, const struct policies *p)
{
    struct gr_buf key = GR_BUF_INIT(RELEASE_STREAM_BYTES - 1);
    sqlite3_stmt *st = db_use(db, "SELECT coalesce(max(id), 0) FROM release WHERE spec = ?1 AND stream = ?2");
    int64_t id = 0;
    bool row;
    enum gr_err err;

    labels_print_key(&key, h->stream);
    db_bind_str(db, st, 1, policies_current(p)->spec);
    db_bind_str(db, st, 2, gr_buf_str(&key));
    if ((err = gr_buf_err(&key)) == GR_OK && (err = db_step(db, st, &row)) == GR_OK) {
        id = row ? db_i64(st, 0) : 0;
        db_end(st);
        err = id > 0 ? release_get(db, p, id, &h->release) : GR_ENOENT;
    }
    gr_buf_fini(&key);
    return err;
}

static enum gr_err
job_find(struct db *db, void *arg)
{
    struct hook *h = arg;
    const struct policies *p = h->q->app->policies;

    return h->deployment_id.n > 0 ? release_find(db, p, h->deployment_id, &h->release)
                                  : find_newest(db, h, p);
}

/* False: answered. No release yet is a no, not an error: controllers ask again. */
static bool
find(struct hook *h)
{
    enum gr_err err;

    if (!read_hook(h))
        return false;
    if ((err = store_call(h->q->app->store, job_find, h)) == GR_OK)
        return true;
    if (err == GR_ENOENT)
        request_error(h->q, 403, "no release was started: guardrailctl release start");
    else
        request_error_of(h->q, err, NULL);
    return false;
}

static void
say(struct hook *h, bool yes, const char *no)
{
    struct jw w = JW_INIT(&h->q->out);

    if (!yes) {
        request_error(h->q, 403, "%s: %s is %s", no, h->release.deployment_id,
                      release_state_name(h->release.state));
        return;
    }
    request_answer(h->q, 200);
    jw_open(&w, NULL, '{');
    jw_text(&w, "deployment_id", h->release.deployment_id);
    jw_text(&w, "phase", h->release.phase);
    jw_text(&w, "state", release_state_name(h->release.state));
    jw_close(&w, '}');
    gr_buf_putc(&h->q->out, '\n');
}

static void
answer_gate(struct request *q, struct gr_str deployment_id)
{
    struct gate *g = gr_arena_alloc(q->arena, sizeof *g);
    enum gr_err err = g ? gate_ask(q->app, q->arena, deployment_id, app_now_ms(), g) : GR_ENOMEM;

    if (err == GR_OK)
        api_print_gate(q, g, gate_is_open(g) ? 200 : 403);
    else
        request_error_of(q, err, err == GR_ENOENT ? "no such deployment" : NULL);
}

void
api_gate_post(struct request *q)
{
    answer_gate(q, gr_str(q->id));
}

void
hook_gate(struct request *q)
{
    struct hook h = {.q = q};

    if (!find(&h))
        return;
    if (h.release.state == RELEASE_SEALED)
        say(&h, true, "");
    else
        answer_gate(q, gr_str(h.release.deployment_id));
}

void
hook_started(struct request *q)
{
    struct hook h = {.q = q};

    if (find(&h))
        say(&h, h.release.state == RELEASE_RUNNING && !h.release.held, "no release runs");
}

void
hook_rollback(struct request *q)
{
    struct hook h = {.q = q};
    bool recent;

    if (!find(&h))
        return;
    recent = app_now_ms() - h.release.ended_ms < HOOK_RECENT_MS;
    say(&h,
        h.release.state == RELEASE_ROLLING_BACK ||
            (recent && (h.release.state == RELEASE_ROLLED_BACK || h.release.state == RELEASE_ABORTED)),
        "nothing is to be rolled back");
}
