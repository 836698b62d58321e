#include "config.h"
#include "bench.h"
#include "stage.h"
#include "test_webhook.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include "fixture.h"
#include "webhook/board.h"
#include "webhook/metrics.h"

#define BOOT_MS INT64_C(1000000)
#define NOW_MS INT64_C(1795442400000)

/* A board before a stage, with the stand-in for Prometheus that it asks. */
struct scene {
    struct stage stage;
    struct stage_prometheus prom;
    struct board_cache *board;
    struct bench bench; /* counts what fails */
    struct gr_str url;
};

static void
scene_make(struct scene *s)
{
    memset(s, 0, sizeof *s);
    stage_make(&s->stage);
    bench_make(&s->bench);
    ck_assert_int_eq(board_create(s->bench.app.metrics, &s->board), GR_OK);
}

static void
scene_start(struct scene *s)
{
    stage_prometheus_start(&s->prom, false);
    s->url = gr_arena_dup(s->stage.arena, stage_prometheus_url(&s->prom));
}

static void
scene_end(struct scene *s)
{
    if (s->prom.server)
        stage_prometheus_stop(&s->prom);
    stage_prometheus_end(&s->prom);
    board_free(s->board);
    bench_remove(&s->bench);
    stage_end(&s->stage);
}

static const struct board_item *
get(struct scene *s, int64_t later_ms, bool over_time)
{
    const struct board_item *item = board_get(s->board, &(struct board_want){.prometheus_url = s->url,
                                                                             .release = &s->stage.release,
                                                                             .boot_ms = BOOT_MS + later_ms,
                                                                             .now_ms = NOW_MS + later_ms,
                                                                             .over_time = over_time});

    ck_assert_ptr_nonnull(item);
    return item;
}

/* Gets it and expects when it was asked (-1: it is not known). */
static void
expect(struct scene *s, int64_t later_ms, bool over_time, int64_t asked_ms)
{
    const struct board_item *item = get(s, later_ms, over_time);
    const struct verdicts *v = board_of(item);

    ck_assert_int_eq(v->known, asked_ms >= 0);
    ck_assert_int_eq(v->at_ms, asked_ms >= 0 ? NOW_MS + asked_ms : 0);
    ck_assert((v->error[0] == '\0') == v->known);
    ck_assert_uint_eq(v->count, 3); /* what is expected is always there */
    board_drop(item);
}

static void
expect_asked(struct scene *s, unsigned now, unsigned over_time)
{
    ck_assert_uint_eq(atomic_load(&s->prom.asked[STAGE_NOW]), now);
    ck_assert_uint_eq(atomic_load(&s->prom.asked[STAGE_VERDICTS]), over_time);
    ck_assert_uint_eq(atomic_load(&s->prom.asked[STAGE_EFFECTS]), over_time);
}

static bool
counted(struct scene *s, const char *line)
{
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    bool found;

    metrics_print(&s->bench.app, &b);
    found = gr_str_find(gr_buf_str(&b), gr_str(line), 0) != SIZE_MAX;
    gr_buf_fini(&b);
    return found;
}

START_TEST(without_prometheus_nothing_is_known)
{
    struct scene s;
    const struct board_item *item;

    scene_make(&s);
    item = get(&s, 0, _i == 1);
    ck_assert(!board_of(item)->known);
    ck_assert_uint_gt(board_of(item)->count, 0);
    ck_assert_str_eq(board_of(item)->error, "no prometheus_url is configured");
    board_drop(item);
    scene_end(&s);
}
END_TEST

START_TEST(asked_once_in_a_while)
{
    struct scene s;
    const struct board_item *old;

    scene_make(&s);
    scene_start(&s);
    expect(&s, 0, false, 0);
    expect(&s, 0, false, 0);
    old = get(&s, BOARD_FRESH_MS - 1, false);
    ck_assert_int_eq(board_of(old)->at_ms, NOW_MS);
    expect_asked(&s, 1, 0);
    expect(&s, BOARD_FRESH_MS, false, BOARD_FRESH_MS);
    expect_asked(&s, 2, 0);
    ck_assert_int_eq(board_of(old)->at_ms, NOW_MS); /* who holds one keeps it */
    board_drop(old);
    scene_end(&s);
}
END_TEST

/* With lines it serves both; without, who wants lines asks anew. */
START_TEST(lines_are_kept_with_it)
{
    struct scene s;

    scene_make(&s);
    scene_start(&s);
    expect(&s, 0, false, 0);
    expect(&s, 1000, true, 1000);
    expect_asked(&s, 2, 1);
    expect(&s, 2000, true, 1000);
    expect(&s, 3000, false, 1000);
    expect_asked(&s, 2, 1);
    expect(&s, 1000 + BOARD_FRESH_MS, true, 1000 + BOARD_FRESH_MS);
    expect_asked(&s, 3, 2);
    scene_end(&s);
}
END_TEST

START_TEST(another_phase_is_another_question)
{
    struct scene s;

    scene_make(&s);
    scene_start(&s);
    expect(&s, 0, false, 0);
    s.stage.release.phase_n = 1;
    expect(&s, 1, false, 1);
    s.stage.release.phase_n = 0;
    expect(&s, 2, false, 0);
    expect_asked(&s, 2, 0);
    scene_end(&s);
}
END_TEST

/* After a failure nobody asks for a while, for no release; then it heals. */
START_TEST(a_failure_is_not_repeated)
{
    struct scene s;

    scene_make(&s);
    s.prom.body[STAGE_NOW] = GR_STR("Service Unavailable");
    s.prom.status[STAGE_NOW] = 503;
    scene_start(&s);
    expect(&s, 0, _i == 1, -1);
    expect(&s, BOARD_FRESH_MS - 1, false, -1);
    s.stage.release.id = 2;
    expect(&s, BOARD_FRESH_MS - 1, true, -1);
    expect_asked(&s, 1, 0);
    ck_assert(counted(&s, "\nguardraild_prometheus_errors_total 1\n"));
    stage_prometheus_stop(&s.prom);
    stage_prometheus_end(&s.prom);
    memset(&s.prom, 0, sizeof s.prom);
    scene_start(&s);
    expect(&s, BOARD_FRESH_MS, false, BOARD_FRESH_MS);
    expect_asked(&s, 1, 0);
    ck_assert(counted(&s, "\nguardraild_prometheus_errors_total 1\n"));
    scene_end(&s);
}
END_TEST

/* That the last half hour cannot be had hides nothing that is true now, and is not asked for again at once. */
START_TEST(lines_may_fail_alone)
{
    struct scene s;
    const struct board_item *item;

    scene_make(&s);
    s.prom.body[STAGE_EFFECTS] = GR_STR("{}");
    scene_start(&s);
    item = get(&s, 0, true);
    ck_assert(board_of(item)->known && board_of(item)->line_error[0] != '\0');
    board_drop(item);
    expect(&s, 1, false, 0);
    expect(&s, 2, true, 0);
    expect_asked(&s, 1, 1);
    ck_assert(counted(&s, "\nguardraild_prometheus_errors_total 1\n"));
    scene_end(&s);
}
END_TEST

START_TEST(the_oldest_makes_room)
{
    struct scene s;

    scene_make(&s);
    scene_start(&s);
    for (unsigned i = 0; i <= BOARD_KEPT; i++) {
        s.stage.release.id = i;
        expect(&s, i, false, i);
    }
    expect_asked(&s, BOARD_KEPT + 1, 0);
    s.stage.release.id = 1;
    expect(&s, BOARD_KEPT + 1, false, 1); /* kept */
    s.stage.release.id = 0;
    expect(&s, BOARD_KEPT + 2, false, BOARD_KEPT + 2); /* gone */
    expect_asked(&s, BOARD_KEPT + 2, 0);
    scene_end(&s);
}
END_TEST

/* ---- several at once ---- */

struct door {
    sem_t knocked, open;
};
static void
wait_at_door(void *arg)
{
    struct door *d = arg;

    sem_post(&d->knocked);
    while (sem_wait(&d->open) != 0)
        ;
}

struct looker {
    struct scene *s;
    pthread_t thread;
    bool over_time, known;
};
static void *
look(void *arg)
{
    struct looker *l = arg;
    const struct board_item *item = get(l->s, 0, l->over_time);

    l->known = board_of(item)->known;
    board_drop(item);
    return NULL;
}

/* While one asks, a page gets what there is; who wants lines waits, and then need not ask. */
START_TEST(one_asks_for_all)
{
    struct scene s;
    struct door door;
    struct looker lookers[4];

    scene_make(&s);
    ck_assert(sem_init(&door.knocked, 0, 0) == 0 && sem_init(&door.open, 0, 0) == 0);
    s.prom.before = wait_at_door;
    s.prom.arg = &door;
    scene_start(&s);
    for (size_t i = 0; i < GR_COUNT(lookers); i++) {
        lookers[i] = (struct looker){.s = &s, .over_time = true};
        ck_assert_int_eq(pthread_create(&lookers[i].thread, NULL, look, &lookers[i]), 0);
    }
    while (sem_wait(&door.knocked) != 0)
        ;
    expect(&s, 0, false, -1); /* "it is being asked" */
    for (int i = 0; i < STAGE_QUESTIONS; i++)
        sem_post(&door.open);
    for (size_t i = 0; i < GR_COUNT(lookers); i++) {
        ck_assert_int_eq(pthread_join(lookers[i].thread, NULL), 0);
        ck_assert(lookers[i].known);
    }
    expect_asked(&s, 1, 1);
    scene_end(&s);
    sem_destroy(&door.knocked);
    sem_destroy(&door.open);
}
END_TEST

Suite *
board_suite(void)
{
    Suite *s = suite_create("board");
    TCase *tc = tcase_create("board");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, without_prometheus_nothing_is_known, 0, 2);
    tcase_add_test(tc, asked_once_in_a_while);
    tcase_add_test(tc, lines_are_kept_with_it);
    tcase_add_test(tc, another_phase_is_another_question);
    tcase_add_loop_test(tc, a_failure_is_not_repeated, 0, 2);
    tcase_add_test(tc, lines_may_fail_alone);
    tcase_add_test(tc, the_oldest_makes_room);
    tcase_add_test(tc, one_asks_for_all);
    suite_add_tcase(s, tc);
    return s;
}
