#include "config.h"
#include "board.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include "gate.h"
#include "guardrail/http_client.h"
#include "guardrail/quote.h"
#include "guardrail/sys.h"

#define ARENA_BYTES_MAX (16u << 20) /* the tree of a 1 MiB answer is freed with it; the cells stay */

struct board_item {
    atomic_uint holders;
    struct gr_arena *arena;
    int64_t asked_ms; /* of the clock that nobody sets */
    struct board board;
};

struct entry {
    char deployment_id[RELEASE_ID_BYTES];
    int64_t release_id, phase_n;
    const struct policy *policy;
    int64_t wanted_ms;
    struct board_item *item; /* held; NULL: none */
};

struct board_cache {
    pthread_mutex_t mutex; /* guards all below; never held while somebody waits for Prometheus */
    struct entry entries[BOARD_KEPT];
    bool asking;          /* somebody does, and uses http */
    int64_t silent_until; /* Prometheus failed: not asked until then */
    char error[240];      /* how */
    struct gr_http_client *http;
};

/* ---- the question and the answer ---- */

enum gr_err
board_query(struct gr_buf *b, const struct release *r)
{
    gr_buf_puts(b, "{__name__=~\"" GR_SERIES_VERDICT "|guardrail:insufficient\",");
    gate_matchers(b, r);
    gr_buf_putc(b, '}');
    return gr_buf_err(b);
}

static enum verdict
verdict_of(double v)
{
    static const enum verdict by_number[] = {VERDICT_HEALTHY, VERDICT_INSUFFICIENT, VERDICT_SOFT,
                                             VERDICT_HARD};

    if (!(v > -0.5 && v < 3.5) || fabs(v - round(v)) > 0.01)
        return VERDICT_NONE;
    return by_number[(int)(v + 0.5)];
}

struct reading {
    struct gr_arena *arena;
    const struct release *release;
    struct board_cell *cells;
    bool *told; /* of each cell: a sample told its verdict */
    size_t count;
    bool cut;
};

static struct board_cell *
add_cell(struct reading *g, const struct policy_guardrail *row, struct label_set slice)
{
    if (g->count == BOARD_CELLS_MAX) {
        g->cut = true;
        return NULL;
    }
    g->cells[g->count] =
        (struct board_cell){.guardrail = row,
                            .slice = slice,
                            .verdict = gate_slice_idle(g->release, slice) ? VERDICT_IDLE : VERDICT_NONE,
                            .why = GR_STR("")};
    return &g->cells[g->count++];
}

static void
add_expected(struct reading *g)
{
    const struct release *r = g->release;
    const struct policy_expected *e;

    for (size_t at = 0; (e = policy_expected_next(r->policy, *r->stream_row, r->phase_row, &at));)
        for (size_t i = 0; i < e->slice_count; i++)
            (void)add_cell(g, e->guardrail, e->slices[i]);
}

/* Texts of the answer are gone with it. */
static enum gr_err
copy_slice(struct gr_arena *a, struct label_set from, struct label_set *out)
{
    struct label *items = gr_arena_array(a, from.count ? from.count : 1, sizeof *items);

    if (!items)
        return GR_ENOMEM;
    for (size_t i = 0; i < from.count; i++)
        items[i] = (struct label){gr_arena_dup(a, from.items[i].name), gr_arena_dup(a, from.items[i].value)};
    *out = (struct label_set){items, from.count};
    return gr_arena_status(a);
}

static enum gr_err
read_sample(struct reading *g, const struct prom_sample *s, const struct policy_guardrail *row, bool reason)
{
    struct label_set slice;
    struct board_cell *cell = NULL;
    enum verdict verdict = verdict_of(s->value);
    enum gr_err err = labels_pick(g->arena, s->labels, row->slice_labels, row->slice_label_count, &slice);

    for (size_t i = 0; err == GR_OK && i < g->count && !cell; i++)
        if (g->cells[i].guardrail == row && labels_equal(g->cells[i].slice, slice))
            cell = &g->cells[i];
    if (err != GR_OK || (reason && (!cell || cell->verdict != VERDICT_INSUFFICIENT)))
        return err;
    if (reason) {
        cell->why = gr_arena_dup(g->arena, labels_get(s->labels, GR_STR("reason")));
        return gr_arena_status(g->arena);
    }
    if (!cell && ((err = copy_slice(g->arena, slice, &slice)) != GR_OK || !(cell = add_cell(g, row, slice))))
        return err;
    if (!g->told[cell - g->cells] || verdict > cell->verdict) /* twice the same slice: the worse one counts */
        cell->verdict = verdict;
    g->told[cell - g->cells] = true;
    return GR_OK;
}

static int
in_order(const void *a, const void *b)
{
    const struct board_cell *x = a, *y = b;

    return (x->guardrail->index > y->guardrail->index) - (x->guardrail->index < y->guardrail->index);
}

/* What says whose it is must be ours: a server that answers something else is not believed. */
static bool
is_ours(const struct release *r, struct label_set labels)
{
    struct gr_str id = labels_get(labels, GR_STR(GR_LABEL_DEPLOYMENT)),
                  phase = labels_get(labels, GR_STR(GR_LABEL_PHASE));

    return labels_within(*r->stream_row, labels) && (!id.p || gr_str_is(id, r->deployment_id)) &&
           (!phase.p || gr_str_is(phase, r->phase));
}

/* Reasons after verdicts, for they belong to insufficient ones. A sample of a guardrail that the policy does not know is not ours. */
enum gr_err
board_read(struct gr_arena *a, const struct release *r, const struct prom_vector *v, struct board *out)
{
    struct reading g = {.arena = a,
                        .release = r,
                        .cells = gr_arena_array(a, BOARD_CELLS_MAX, sizeof(struct board_cell)),
                        .told = gr_arena_array(a, BOARD_CELLS_MAX, sizeof(bool))};
    enum gr_err err = GR_OK;

    if (!g.cells || !g.told)
        return GR_ENOMEM;
    add_expected(&g);
    for (int reasons = 0; reasons < 2; reasons++)
        for (size_t i = 0; i < v->count; i++) {
            const struct prom_sample *s = &v->samples[i];
            struct gr_str name = labels_get(s->labels, GR_STR(GR_LABEL_GUARDRAIL));
            const struct policy_guardrail *row = name.n ? policy_guardrail(r->policy, name) : NULL;
            bool is_reason = labels_get(s->labels, GR_STR("reason")).p != NULL;

            if (row && is_reason == (reasons == 1) && is_ours(r, s->labels) &&
                (err = read_sample(&g, s, row, is_reason)) != GR_OK)
                return err;
        }
    for (size_t i = 1; i < g.count; i++) /* mostly sorted; equal ones keep their order */
        for (size_t k = i; k > 0 && in_order(&g.cells[k], &g.cells[k - 1]) < 0; k--) {
            struct board_cell swap = g.cells[k];
            g.cells[k] = g.cells[k - 1];
            g.cells[k - 1] = swap;
        }
    out->cells = g.cells;
    out->count = g.count;
    out->cut = g.cut;
    return gr_arena_status(a);
}

/* ---- items ---- */

static void
item_drop(struct board_item *item)
{
    if (!item || atomic_fetch_sub(&item->holders, 1) > 1)
        return;
    gr_arena_free(item->arena);
    gr_sys.free(item);
}

static struct board_item *
item_create(int64_t boot_ms, int64_t now_ms)
{
    struct board_item *item = gr_sys.realloc(NULL, sizeof *item);

    if (!item)
        return NULL;
    memset(item, 0, sizeof *item);
    atomic_init(&item->holders, 1);
    item->asked_ms = boot_ms;
    item->board.at_ms = now_ms;
    if (!(item->arena = gr_arena_create(ARENA_BYTES_MAX))) {
        gr_sys.free(item);
        return NULL;
    }
    return item;
}

/* What is expected, and nothing known of it. */
static struct board_item *
item_unknown(const struct release *r, int64_t boot_ms, const char *error)
{
    struct board_item *item = item_create(boot_ms, 0);
    struct prom_vector none = {NULL, 0};

    if (!item)
        return NULL;
    if (board_read(item->arena, r, &none, &item->board) != GR_OK)
        item->board.count = 0;
    (void)snprintf(item->board.error, sizeof item->board.error, "%s", error);
    return item;
}

void
board_drop(const struct board_item *item)
{
    item_drop((struct board_item *)(uintptr_t)item);
}

const struct board *
board_of(const struct board_item *item)
{
    return &item->board;
}

/* ---- the cache ---- */

enum gr_err
board_create(struct board_cache **out)
{
    struct board_cache *c = gr_sys.realloc(NULL, sizeof *c);

    if (!c)
        return GR_ENOMEM;
    memset(c, 0, sizeof *c);
    c->silent_until = INT64_MIN;
    if (pthread_mutex_init(&c->mutex, NULL) != 0) {
        gr_sys.free(c);
        return GR_ENOMEM;
    }
    *out = c;
    return GR_OK;
}

void
board_free(struct board_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < BOARD_KEPT; i++)
        item_drop(c->entries[i].item);
    gr_http_client_free(c->http);
    (void)pthread_mutex_destroy(&c->mutex);
    gr_sys.free(c);
}

/* The release's entry, or the one that was not wanted for longest. */
static struct entry *
entry_of(struct board_cache *c, const struct release *r, int64_t boot_ms)
{
    struct entry *e = &c->entries[0];

    for (size_t i = 0; i < BOARD_KEPT; i++) {
        if (c->entries[i].item && c->entries[i].release_id == r->id && c->entries[i].phase_n == r->phase_n &&
            c->entries[i].policy == r->policy) {
            c->entries[i].wanted_ms = boot_ms;
            return &c->entries[i];
        }
        if (!c->entries[i].item || (e->item && c->entries[i].wanted_ms < e->wanted_ms))
            e = &c->entries[i];
    }
    item_drop(e->item);
    *e =
        (struct entry){.release_id = r->id, .phase_n = r->phase_n, .policy = r->policy, .wanted_ms = boot_ms};
    return e;
}

/* On the one thread that asks. */
static enum gr_err
ask(struct board_cache *c, struct gr_str url, const struct release *r, struct board_item *item,
    struct prom_error *error)
{
    struct gr_arena *answer = gr_arena_create(64u << 20);
    struct gr_buf query = GR_BUF_INIT(PROM_QUERY_BYTES_MAX);
    struct prom_vector v = {NULL, 0};
    enum gr_err err = answer ? board_query(&query, r) : GR_ENOMEM;

    if (err == GR_OK && !c->http)
        err = gr_http_client_create(&(struct gr_http_options){.allow_http = true}, &c->http);
    if (err == GR_OK)
        err = prom_query(c->http, url.p, gr_buf_str(&query), 0, gr_http_now_ms() + BOARD_ASK_MS, answer, &v,
                         error);
    if (err == GR_OK)
        err = board_read(item->arena, r, &v, &item->board);
    gr_buf_fini(&query);
    gr_arena_free(answer);
    return err;
}

static struct board_item *
renew(struct board_cache *c, struct gr_str url, const struct release *r, int64_t boot_ms, int64_t now_ms)
{
    struct board_item *item = item_create(boot_ms, now_ms);
    struct prom_error error = {""};
    struct entry *e;
    enum gr_err err = item ? ask(c, url, r, item, &error) : GR_ENOMEM;

    if (err != GR_OK) {
        item_drop(item);
        if (error.text[0] == '\0')
            (void)snprintf(error.text, sizeof error.text, "%s", gr_err_name(err));
        item = item_unknown(r, boot_ms, error.text);
    } else {
        item->board.known = true;
    }
    pthread_mutex_lock(&c->mutex);
    c->asking = false;
    if (err != GR_OK) {
        c->silent_until = boot_ms + BOARD_FRESH_MS;
        (void)snprintf(c->error, sizeof c->error, "%s", error.text);
    }
    if (item) {
        e = entry_of(c, r, boot_ms);
        item_drop(e->item);
        atomic_fetch_add(&item->holders, 1);
        e->item = item;
    }
    pthread_mutex_unlock(&c->mutex);
    return item;
}

const struct board_item *
board_get(struct board_cache *c, struct gr_str prometheus_url, const struct release *r, int64_t boot_ms,
          int64_t now_ms)
{
    struct board_item *item = NULL;
    char error[240] = "it is being asked";
    struct entry *e;
    bool ours = false;

    if (prometheus_url.n == 0)
        return item_unknown(r, boot_ms, "no prometheus_url is configured");
    pthread_mutex_lock(&c->mutex);
    e = entry_of(c, r, boot_ms);
    if (e->item && boot_ms - e->item->asked_ms < BOARD_FRESH_MS) {
        item = e->item;
    } else if (boot_ms < c->silent_until) {
        memcpy(error, c->error, sizeof error);
    } else if (c->asking) {
        if (e->item && e->item->board.known && boot_ms - e->item->asked_ms < BOARD_OLD_MS)
            item = e->item;
    } else {
        ours = c->asking = true;
    }
    if (item)
        atomic_fetch_add(&item->holders, 1);
    pthread_mutex_unlock(&c->mutex);
    if (ours)
        return renew(c, prometheus_url, r, boot_ms, now_ms);
    return item ? item : item_unknown(r, boot_ms, error);
}
