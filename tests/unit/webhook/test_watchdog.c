#include "config.h"
#include "test_webhook.h"

#include "webhook/watchdog.h"

#define MINUTE INT64_C(60000)

/* A life of the watchdog, a letter a minute: '.' a beat, ' ' none, 'R' a restart of guardraild, which remembers an open outage.
 * `news`: the same minutes, 'P' paged, 'O' over; `blind`: 'B'. Looked at just before the minute is over. */
static const struct row {
    const char *name, *life, *news, *blind;
} rows[] = {
    {"beats", "..........", "          ", "          "},
    {"none from the start", "         ", "     P   ", "     BBBB"},
    {"beats stop", "...        ", "       P   ", "       BBBB"},
    {"and come back", "...         ........", "       P         O  ", "       BBBBB        "},
    {"a gap that is not too long", "...    ...", "          ", "          "},
    {"one page for one that comes and goes", "..       .      .       .      .      .",
     "      P                                ", "      BBB     BB     BBB     BB     BB "},
    {"the next outage is another", "..       .......      ", "      P       O     P ",
     "      BBB           BB"},
    {"down during the outage", "..       R        ........", "      P                O  ",
     "      BBBBBBBBBBBB        "},
    {"down and up before it is one", "..   R       ", "          P  ", "          BBB"},
    {"restart while all is well", ".....R.....", "           ", "           "},
};

START_TEST(lives)
{
    const struct row *r = &rows[_i];
    struct watchdog w;
    char news[64] = "", blind[64] = "";
    size_t n = strlen(r->life);

    ck_assert_uint_lt(n, sizeof news);
    watchdog_init(&w, 0, false);
    for (size_t i = 0; i < n; i++) {
        int64_t at = (int64_t)i * MINUTE, look = at + MINUTE - 1;
        enum watchdog_news what;

        if (r->life[i] == 'R')
            watchdog_init(&w, at, atomic_load(&w.outage));
        if (r->life[i] == '.')
            watchdog_beat(&w, at, 1);
        what = watchdog_look(&w, look);
        ck_assert_int_eq(watchdog_look(&w, look), what); /* until it is told */
        watchdog_told(&w, what);
        news[i] = what == WATCHDOG_OUTAGE ? 'P' : what == WATCHDOG_OVER ? 'O' : ' ';
        blind[i] = watchdog_blind(&w, look) ? 'B' : ' ';
    }
    ck_assert_msg(strcmp(news, r->news) == 0, "%s: \"%s\"", r->name, news);
    ck_assert_msg(strcmp(blind, r->blind) == 0, "%s: \"%s\"", r->name, blind);
}
END_TEST

START_TEST(to_the_millisecond)
{
    struct watchdog w;

    watchdog_init(&w, 1000, false);
    watchdog_beat(&w, 2000, 1);
    ck_assert(!watchdog_blind(&w, 2000 + WATCHDOG_SILENCE_MS));
    ck_assert_int_eq(watchdog_look(&w, 2000 + WATCHDOG_SILENCE_MS), WATCHDOG_NOTHING);
    ck_assert(watchdog_blind(&w, 2001 + WATCHDOG_SILENCE_MS));
    ck_assert_int_eq(watchdog_look(&w, 2001 + WATCHDOG_SILENCE_MS), WATCHDOG_OUTAGE);
}
END_TEST

/* The wall clock is only shown: an hour more or less between two beats changes nothing. */
START_TEST(a_jump_of_the_clock_changes_nothing)
{
    struct watchdog w;
    int64_t wall = INT64_C(1795435600000) + (_i ? 3600000 : -3600000);

    watchdog_init(&w, 0, false);
    watchdog_beat(&w, MINUTE, INT64_C(1795435600000));
    watchdog_beat(&w, 2 * MINUTE, wall);
    ck_assert(!watchdog_blind(&w, 3 * MINUTE));
    ck_assert_int_eq(watchdog_look(&w, 2 * MINUTE + WATCHDOG_SILENCE_MS), WATCHDOG_NOTHING);
    ck_assert_int_eq(watchdog_look(&w, 2 * MINUTE + WATCHDOG_SILENCE_MS + 1), WATCHDOG_OUTAGE);
    ck_assert_int_eq(atomic_load(&w.unix_ms), wall);
}
END_TEST

Suite *
watchdog_suite(void)
{
    Suite *suite = suite_create("watchdog");
    TCase *tc = tcase_create("watchdog");

    tcase_add_loop_test(tc, lives, 0, GR_COUNT(rows));
    tcase_add_test(tc, to_the_millisecond);
    tcase_add_loop_test(tc, a_jump_of_the_clock_changes_nothing, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
