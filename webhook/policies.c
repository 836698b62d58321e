#include "config.h"
#include "policies.h"

#include "guardrail/buf.h"
#include "guardrail/sys.h"

#define PINNED_MAX 256u

struct load {
    struct policies *out;
    const struct policy *current;
    int64_t now_ms;
    struct {
        char sha256[GR_SHA256_HEX + 1];
        struct gr_buf text;
    } pinned[PINNED_MAX];
    size_t count;
};

static enum gr_err
store_current(struct db *db, struct load *l)
{
    sqlite3_stmt *st =
        db_use(db, "INSERT INTO policy(sha256, spec_hash, seen_ms, body) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT(sha256) DO UPDATE SET seen_ms = excluded.seen_ms");

    db_bind_text(db, st, 1, l->out->items[0].sha256);
    db_bind_str(db, st, 2, l->current->spec_hash);
    db_bind_i64(db, st, 3, l->now_ms);
    db_bind_blob(db, st, 4, l->current->text);
    return db_run(db, st);
}

/* On the store's thread: copies the texts out; they are parsed outside. */
static enum gr_err
fetch(struct db *db, void *arg)
{
    struct load *l = arg;
    sqlite3_stmt *st;
    enum gr_err err;
    bool row;

    if ((err = store_current(db, l)) != GR_OK)
        return err;
    st = db_use(db, "SELECT sha256, body FROM policy WHERE sha256 IN (SELECT policy_sha256 FROM release"
                    " WHERE state IN ('running', 'halted', 'rolling_back')) AND sha256 <> ?1");
    db_bind_text(db, st, 1, l->out->items[0].sha256);
    while ((err = db_step(db, st, &row)) == GR_OK && row) {
        if (l->count == PINNED_MAX) {
            db_end(st);
            return GR_ELIMIT;
        }
        db_copy(db, st, 0, l->pinned[l->count].sha256, sizeof l->pinned[l->count].sha256);
        gr_buf_init(&l->pinned[l->count].text, GR_POLICY_BYTES_MAX);
        gr_buf_put(&l->pinned[l->count].text, db_text(st, 1));
        if ((err = gr_buf_err(&l->pinned[l->count++].text)) != GR_OK) {
            db_end(st);
            return err;
        }
    }
    return err;
}

static enum gr_err
parse_one(struct gr_str text, struct policy **out)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    enum gr_err err = d ? policy_parse(GR_STR("pinned policy"), text, sources, d, out) : GR_ENOMEM;

    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}

static enum gr_err
parse_pinned(struct policies *out, const struct load *l, struct log *log)
{
    enum gr_err err;

    for (size_t i = 0; i < l->count; i++) {
        struct policies_item *item = &out->items[out->count];

        if ((err = parse_one(gr_buf_str(&l->pinned[i].text), &item->policy)) != GR_OK) {
            log_event(log, AT_ERROR, "a pinned policy cannot be read", "sha256", l->pinned[i].sha256, "error",
                      gr_err_name(err), (char *)NULL);
            return err == GR_EUSER ? GR_EIO : err;
        }
        memcpy(item->sha256, l->pinned[i].sha256, sizeof item->sha256);
        out->count++;
    }
    return GR_OK;
}

enum gr_err
policies_load(struct policies *out, struct policy *current, struct store *s, int64_t now_ms, struct log *log)
{
    struct load *l = gr_sys.realloc(NULL, sizeof *l);
    enum gr_err err = GR_ENOMEM;

    out->count = 0;
    out->items = gr_sys.realloc(NULL, (PINNED_MAX + 1) * sizeof *out->items);
    if (l)
        memset(l, 0, sizeof *l);
    if (!l || !out->items) {
        policy_free(current);
        goto done;
    }
    out->items[0].policy = current;
    out->count = 1;
    l->out = out;
    l->current = current;
    l->now_ms = now_ms;
    if ((err = gr_sha256_hex(current->text, out->items[0].sha256)) != GR_OK)
        goto done;
    if ((err = store_call(s, fetch, l)) != GR_OK)
        goto done;
    err = parse_pinned(out, l, log);
done:
    for (size_t i = 0; l && i < l->count; i++)
        gr_buf_fini(&l->pinned[i].text);
    if (l)
        gr_sys.free(l);
    if (err != GR_OK)
        policies_fini(out);
    return err;
}

void
policies_fini(struct policies *p)
{
    for (size_t i = 0; i < p->count; i++)
        policy_free(p->items[i].policy);
    if (p->items)
        gr_sys.free(p->items);
    *p = (struct policies){NULL, 0};
}

const struct policy *
policies_current(const struct policies *p)
{
    return p->items[0].policy;
}

const struct policy *
policies_find(const struct policies *p, const char *sha256)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->items[i].sha256, sha256) == 0)
            return p->items[i].policy;
    return NULL;
}

const char *
policies_sha256(const struct policies *p, const struct policy *policy)
{
    size_t i = 0;

    while (i < p->count && p->items[i].policy != policy)
        i++;
    GR_ASSERT(i < p->count);
    return p->items[i].sha256;
}
