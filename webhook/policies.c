#include "config.h"
#include "policies.h"

#include "audit.h"
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
store_text(struct db *db, const char *sha256, const struct policy *policy, int64_t now_ms)
{
    sqlite3_stmt *st =
        db_use(db, "INSERT INTO policy(sha256, spec_hash, seen_ms, body) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT(sha256) DO UPDATE SET seen_ms = excluded.seen_ms");

    db_bind_text(db, st, 1, sha256);
    db_bind_str(db, st, 2, policy->spec_hash);
    db_bind_i64(db, st, 3, now_ms);
    db_bind_blob(db, st, 4, policy->text);
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

    if ((err = store_text(db, l->out->items[0].sha256, l->current, l->now_ms)) != GR_OK)
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

    atomic_store(&out->count, 0);
    atomic_store(&out->current, 0);
    out->items = gr_sys.realloc(NULL, (PINNED_MAX + 1) * sizeof *out->items);
    if (l)
        memset(l, 0, sizeof *l);
    if (!l || !out->items) {
        policy_free(current);
        goto done;
    }
    out->items[0].policy = current;
    atomic_store(&out->count, 1);
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

/* ---- a new one ---- */

struct reload {
    struct policies *p;
    const struct policy *fresh;
    char sha256[GR_SHA256_HEX + 1];
    size_t at;
    int64_t now_ms;
};

static enum gr_err
job_store(struct db *db, void *arg)
{
    struct reload *l = arg;
    enum gr_err err = store_text(db, l->sha256, l->fresh, l->now_ms);

    if (err != GR_OK)
        return err;
    return audit_add(db, l->now_ms, GR_STR("guardraild"), "policy in force", GR_STR(""), l->fresh->spec_hash);
}

/* After the row is durable, and on the store's thread: no job sees two policies in force. */
static enum gr_err
job_swap(struct db *db, void *arg)
{
    struct reload *l = arg;

    (void)db;
    atomic_store(&l->p->current, l->at);
    return GR_OK;
}

static size_t
place_of(const struct policies *p, const char *sha256)
{
    size_t i = 0, count = atomic_load(&p->count);

    while (i < count && strcmp(p->items[i].sha256, sha256) != 0)
        i++;
    return i;
}

static enum gr_err
refuse(struct gr_buf *why, enum gr_err err, const char *text)
{
    gr_buf_puts(why, text);
    return err;
}

enum gr_err
policies_reload(struct policies *p, struct policy *fresh, struct store *s, int64_t now_ms, bool *changed,
                struct gr_buf *why)
{
    struct reload l = {.p = p, .fresh = fresh, .now_ms = now_ms};
    bool known;
    enum gr_err err;

    *changed = false;
    if (!gr_str_eq(fresh->spec, policies_current(p)->spec)) {
        policy_free(fresh);
        return refuse(why, GR_ESTATE, "it belongs to another specification; that needs a restart");
    }
    if ((err = gr_sha256_hex(fresh->text, l.sha256)) != GR_OK)
        goto done;
    l.at = place_of(p, l.sha256);
    known = l.at < atomic_load(&p->count);
    if (known && l.at == atomic_load(&p->current))
        goto done;
    if (!known && l.at == PINNED_MAX + 1) {
        err =
            refuse(why, GR_ELIMIT, "so many policies are loaded that there is no room; that needs a restart");
        goto done;
    }
    if ((err = store_call(s, job_store, &l)) != GR_OK)
        goto done;
    if (!known) {
        p->items[l.at].policy = fresh;
        memcpy(p->items[l.at].sha256, l.sha256, sizeof l.sha256);
        atomic_store(&p->count, l.at + 1);
        fresh = NULL;
    }
    if ((err = store_call(s, job_swap, &l)) == GR_OK)
        *changed = true;
done:
    policy_free(fresh);
    return err;
}

void
policies_fini(struct policies *p)
{
    for (size_t i = 0; i < p->count; i++)
        policy_free(p->items[i].policy);
    if (p->items)
        gr_sys.free(p->items);
    p->items = NULL;
    atomic_store(&p->count, 0);
    atomic_store(&p->current, 0);
}

const struct policy *
policies_current(const struct policies *p)
{
    return p->items[atomic_load(&p->current)].policy;
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
