#include "config.h"
#include "breach.h"

#include "webhook/enact.h"
#include "webhook/page.h"

enum gr_err
breach_start(struct db *db, void *arg)
{
    const struct breach_release *b = arg;
    struct label cluster = {GR_STR("cluster"), gr_str(b->cluster)};
    struct release_act act = {
        .by = GR_STR("jane"), .reason = gr_str(b->reason), .commander = GR_STR("kim"), .now_ms = b->now_ms};
    struct gr_buf why = GR_BUF_INIT(1024);
    struct release r;
    enum gr_err err =
        release_start(db, b->policies, (struct label_set){&cluster, 1}, gr_str(b->id), &act, &r, &why);

    if (err == GR_OK)
        err = release_advance(db, &r, r.version, true, &act, &why);
    gr_buf_fini(&why);
    return err;
}

void
breach_print(struct gr_buf *b, const char *status, const char *level, const char *id, const char *cluster)
{
    bool firing = strcmp(status, "firing") == 0;

    gr_buf_printf(
        b,
        "{\"version\":\"4\",\"groupKey\":\"k\",\"status\":\"%s\",\"receiver\":\"r\",\"groupLabels\":{},"
        "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"u\",\"alerts\":[{\"status\":\"%s\","
        "\"labels\":{\"alertname\":\"A\",\"spec\":\"demo\",\"cluster\":\"%s\",\"deployment_id\":\"%s\","
        "\"guardrail\":\"error_rate\",\"level\":\"%s\",\"phase\":\"phase_1\",\"venue\":\"XNAS\",\"flow\":"
        "\"making\"},"
        "\"annotations\":{\"summary\":\"s\"},\"startsAt\":\"2026-11-23T14:05:09Z\",\"endsAt\":\"%s\","
        "\"generatorURL\":\"\",\"fingerprint\":\"\"}]}",
        status, status, cluster, id, level, firing ? "0001-01-01T00:00:00Z" : "2026-11-23T14:06:09Z");
    GR_ASSERT(gr_buf_err(b) == GR_OK);
}

enum gr_err
breach_post(struct app *app, struct gr_str body, int64_t now_ms)
{
    struct gr_arena *a = gr_arena_create(32u << 20);
    struct gr_buf error = GR_BUF_INIT(1024);
    struct intake_batch batch = {.count = 0};
    struct enact_job job = {
        .app = app, .arena = a, .body = body, .source = "alerts", .batch = &batch, .now_ms = now_ms};
    enum gr_err err = a ? intake_parse(a, body, now_ms, &batch, &error) : GR_ENOMEM;

    if (err == GR_OK)
        err = store_call(app->store, enact_batch, &job);
    gr_arena_free(a);
    gr_buf_fini(&error);
    return err;
}

static enum gr_err
run_name(struct db *db, void *arg)
{
    sqlite3_stmt *st =
        db_use(db, "SELECT id, stream, key FROM effect WHERE kind = 'page' ORDER BY id DESC LIMIT 1");
    struct link *l = arg;
    enum gr_err err = db_one(db, st);

    if (err != GR_OK)
        return err;
    l->effect_id = db_i64(st, 0);
    err = link_name(l, db_text(st, 1), db_text(st, 2));
    db_end(st);
    return err;
}

int64_t
breach_link(struct app *app, char token[LINK_TOKEN_CHARS + 1])
{
    struct link l = {.expires_ms = app_now_ms() + INT64_C(86400000) * 365};
    struct link_keys keys = LINK_KEYS_INIT;
    struct gr_buf url = GR_BUF_INIT(1024);

    memset(l.nonce, 0x5a, sizeof l.nonce);
    GR_ASSERT(store_call(app->store, run_name, &l) == GR_OK);
    GR_ASSERT(page_link_keys(app->conf, &keys) == GR_OK &&
              link_print(&url, &keys, app->conf->public_url, &l) == GR_OK);
    memcpy(token, gr_buf_cstr(&url) + url.n - LINK_TOKEN_CHARS, LINK_TOKEN_CHARS + 1);
    gr_buf_fini(&url);
    link_keys_fini(&keys);
    return l.effect_id;
}
