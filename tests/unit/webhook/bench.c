#include "config.h"
#include "bench.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include "fixture.h"
#include "webhook/metrics.h"

void
bench_make(struct bench *b)
{
    bench_make_with(b, fixture_policy());
}

void
bench_make_with(struct bench *b, struct policy *policy)
{
    memset(b, 0, sizeof *b);
    fixture_dir(b->folder, sizeof b->folder);
    ck_assert_int_lt(snprintf(b->database, sizeof b->database, "%s/store.db", b->folder),
                     (int)sizeof b->database);
    b->conf.mode = MODE_AUTO;
    b->conf.breaker = CONF_BREAKER_DEFAULT;
    b->conf.reports_dir = gr_str(b->folder);
    b->app.conf = &b->conf;
    b->app.metrics = metrics_create();
    b->app.started_ms = app_now_ms();
    watchdog_init(&b->app.watchdog, app_boot_ms(), false);
    ck_assert_int_eq(
        store_open(&b->app.store, &(struct store_options){.path = b->database, .busy_timeout_ms = 50}, NULL),
        GR_OK);
    ck_assert_int_eq(store_start(b->app.store), GR_OK);
    ck_assert_int_eq(policies_load(&b->policies, policy, b->app.store, 1, NULL), GR_OK);
    b->app.policies = &b->policies;
    b->arena = gr_arena_create(64u << 20);
    ck_assert_ptr_nonnull(b->arena);
}

void
bench_remove(struct bench *b)
{
    store_close(b->app.store);
    policies_fini(&b->policies);
    metrics_free(b->app.metrics);
    gr_arena_free(b->arena);
    fixture_remove(b->folder);
}

void
bench_call(struct bench *b, store_fn *fn, void *arg, enum gr_err want)
{
    enum gr_err got = store_call(b->app.store, fn, arg);

    ck_assert_msg(got == want, "%s, wanted %s", gr_err_name(got), gr_err_name(want));
}

struct number {
    const char *sql;
    int64_t value;
};
static enum gr_err
read_number(struct db *db, void *arg)
{
    struct number *n = arg;
    sqlite3_stmt *st = db_use(db, n->sql);
    bool row;
    enum gr_err err = db_step(db, st, &row);

    if (err == GR_OK && row)
        n->value = db_i64(st, 0);
    db_end(st);
    return err;
}

int64_t
bench_number(struct bench *b, const char *sql)
{
    struct number n = {sql, -1};

    bench_call(b, read_number, &n, GR_OK);
    return n.value;
}
