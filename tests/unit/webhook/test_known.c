#include "config.h"
#include "test_webhook.h"

#include <stdio.h>
#include <string.h>
#include "webhook/known.h"

static struct known *known;
static sqlite3 *h;

static void
run(const char *sql)
{
    ck_assert_int_eq(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void
setup(void)
{
    known = known_create();
    ck_assert_ptr_nonnull(known);
    ck_assert_int_eq(sqlite3_open(":memory:", &h), SQLITE_OK);
    run("CREATE TABLE release(x); CREATE TABLE episode(x); CREATE TABLE effect(x);"
        "INSERT INTO release VALUES (1); INSERT INTO episode VALUES (1), (2); INSERT INTO effect VALUES (1)");
    known_watch(known, h);
}

static void
teardown(void)
{
    ck_assert_int_eq(sqlite3_close(h), SQLITE_OK);
    known_free(known);
}

static struct known_text
text_of(const char *s)
{
    struct known_text t;

    memset(&t, 0, sizeof t);
    known_put(&t, gr_str(s));
    return t;
}

static bool
is_known(const char *s, int64_t now_ms)
{
    struct known_text t = text_of(s);
    size_t effects = 77;
    bool yes = known_repeat(known, &t, now_ms, &effects);

    ck_assert_uint_eq(effects, yes ? 3 : 77);
    return yes;
}

static void
note(const char *s, int64_t episode)
{
    struct known_text t = text_of(s);

    known_note(known, &t, episode, 1000, 3);
}

/* What happens between an alert and its repeat, and whether it is a repeat then. */
static const struct {
    const char *name, *sql;
    bool changed, forget;
    int64_t episode; /* that began or ended; 0: none */
    int64_t later_ms;
    bool want;
} rows[] = {
    {"nothing", "", false, false, 0, 0, true},
    {"a little time", "", false, false, 0, KNOWN_MS - 1, true},
    {"too much time", "", false, false, 0, KNOWN_MS, false},
    {"the clock went back", "", false, false, 0, -1, false},
    {"a release changed", "UPDATE release SET x = 2", false, false, 0, 1, false},
    {"a release began", "INSERT INTO release VALUES (2)", false, false, 0, 1, false},
    {"its episode was seen", "UPDATE episode SET x = 3 WHERE rowid = 1", false, false, 0, 1, true},
    {"its episode ended", "", false, false, 1, 1, false},
    {"another episode ended", "", false, false, 2, 1, true},
    {"an effect was carried out", "UPDATE effect SET x = 3", false, false, 0, 1, true},
    {"a rollback was asked for", "", true, false, 0, 1, false},
    {"a job was undone", "", false, true, 0, 1, false},
};
START_TEST(a_repeat_is_known_while_nothing_changes)
{
    ck_assert(!is_known("a", 1000));
    note("a", 1);
    run(rows[_i].sql);
    if (rows[_i].episode)
        known_episode(known, rows[_i].episode);
    if (rows[_i].changed)
        known_changed(known);
    if (rows[_i].forget)
        known_forget(known);
    ck_assert_msg(is_known("a", 1000 + rows[_i].later_ms) == rows[_i].want, "%s", rows[_i].name);
    ck_assert(!is_known("b", 1000));
    note("a", 1);
    ck_assert(is_known("a", 1000)); /* and it can be known again */
}
END_TEST

START_TEST(texts_do_not_run_together)
{
    struct known_text a = {.n = 0}, b = {.n = 0};
    size_t effects;

    known_put(&a, GR_STR("ab"));
    known_put(&a, GR_STR("c"));
    known_put(&b, GR_STR("a"));
    known_put(&b, GR_STR("bc"));
    known_note(known, &a, 1, 1000, 3);
    ck_assert(known_repeat(known, &a, 1000, &effects));
    ck_assert(!known_repeat(known, &b, 1000, &effects));
}
END_TEST

START_TEST(what_is_too_long_or_has_no_episode_is_never_known)
{
    static char text[KNOWN_TEXT_MAX + 2];
    size_t effects;

    for (size_t n = KNOWN_TEXT_MAX - 5; n <= KNOWN_TEXT_MAX + 1; n++) { /* four bytes are its length */
        struct known_text t;

        memset(text, 'x', n);
        text[n] = '\0';
        t = text_of(text);
        known_note(known, &t, 1, 1000, 3);
        ck_assert_msg(known_repeat(known, &t, 1000, &effects) == (n + 4 <= KNOWN_TEXT_MAX), "%zu", n);
    }
    note("none", 0);
    ck_assert(!is_known("none", 1000));
}
END_TEST

/* Far more than there is room for: some are forgotten, and none is taken for another. */
START_TEST(there_is_room_for_so_many)
{
    char name[32];
    size_t there = 0;

    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "alert %d", i);
        note(name, i + 1);
        ck_assert(is_known(name, 1000));
    }
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "alert %d", i);
        there += is_known(name, 1000);
    }
    ck_assert_uint_le(there, (size_t)KNOWN_SETS * KNOWN_WAYS);
    ck_assert_uint_gt(there, (size_t)KNOWN_SETS * KNOWN_WAYS * 9 / 10);
}
END_TEST

START_TEST(without_memory_nothing_is_known)
{
    struct known_text t = text_of("a");
    size_t effects;

    known_note(NULL, &t, 1, 1000, 3);
    known_changed(NULL);
    known_forget(NULL);
    ck_assert(!known_repeat(NULL, &t, 1000, &effects));
    known_free(NULL);
}
END_TEST

Suite *
known_suite(void)
{
    Suite *suite = suite_create("known");
    TCase *tc = tcase_create("known");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_repeat_is_known_while_nothing_changes, 0, GR_COUNT(rows));
    tcase_add_test(tc, texts_do_not_run_together);
    tcase_add_test(tc, what_is_too_long_or_has_no_episode_is_never_known);
    tcase_add_test(tc, there_is_room_for_so_many);
    tcase_add_test(tc, without_memory_nothing_is_known);
    suite_add_tcase(suite, tc);
    return suite;
}
