#include "config.h"
#include "guardrail/arena.h"

#include <errno.h>
#include <stdalign.h>

#include "../fault.h"
#include "test_base.h"

static bool
all_zero(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const char *)p)[i] != 0)
            return false;
    return true;
}

START_TEST(memory_is_zeroed_and_aligned)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    void *last = NULL;

    ck_assert_ptr_nonnull(a);
    for (size_t n = 0; n < 300; n++) {
        char *p = gr_arena_alloc(a, n);

        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
        ck_assert(all_zero(p, n));
        memset(p, 0xff, n);
        ck_assert_ptr_ne(p, last);
        last = p;
    }
    ck_assert_uint_eq(gr_arena_used(a), 299 * 300 / 2);
    ck_assert_int_eq(gr_arena_status(a), GR_OK);
    gr_arena_free(a);
}
END_TEST

START_TEST(ceiling_counts_bytes_handed_out)
{
    struct gr_arena *a = gr_arena_create(100);

    ck_assert_ptr_nonnull(gr_arena_alloc(a, 60));
    ck_assert_ptr_null(gr_arena_alloc(a, 41)); /* one past it */
    ck_assert_int_eq(gr_arena_status(a), GR_ENOMEM);
    ck_assert_ptr_nonnull(gr_arena_alloc(a, 40)); /* at it */
    ck_assert_ptr_null(gr_arena_alloc(a, 1));
    ck_assert_ptr_nonnull(gr_arena_alloc(a, 0));
    ck_assert_uint_eq(gr_arena_used(a), 100);
    gr_arena_free(a);
}
END_TEST

/* More bytes than printf can count; the compiler would say so if it knew. */
static const char *volatile too_much = "%99999999999d";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

START_TEST(huge_sizes_are_refused)
{
    struct gr_arena *a = gr_arena_create(SIZE_MAX);
    size_t cap = SIZE_MAX / 2;

    ck_assert_ptr_null(gr_arena_alloc(a, SIZE_MAX));
    ck_assert_ptr_null(gr_arena_alloc(a, SIZE_MAX - 64));
    ck_assert_ptr_null(gr_arena_array(a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(gr_arena_dup(a, (struct gr_str){"", SIZE_MAX}).p);
    ck_assert_ptr_null(gr_arena_printf(a, too_much, 1).p);
    ck_assert_ptr_null(gr_arena_grow(a, NULL, cap, &cap, 16));
    ck_assert_uint_eq(cap, SIZE_MAX / 2);
    ck_assert_uint_eq(gr_arena_used(a), 0);
    gr_arena_free(a);
}
END_TEST
#pragma GCC diagnostic pop

START_TEST(large_blocks_get_their_own_chunk)
{
    struct gr_arena *a = gr_arena_create(64 << 20);
    char *p = gr_arena_alloc(a, 5 << 20), *q = gr_arena_alloc(a, 10);

    ck_assert(p && q && all_zero(p, 5 << 20));
    gr_arena_free(a);
}
END_TEST

START_TEST(chunks_grow)
{
    struct gr_arena *a;

    fault_watch();
    a = gr_arena_create(64 << 20);
    for (int i = 0; i < 16 << 10; i++)
        ck_assert_ptr_nonnull(gr_arena_alloc(a, 1024));
    /* 16 MiB in chunks of 4 KiB doubling to 1 MiB: 9 growing ones, then about 15. */
    ck_assert_uint_lt(fault_count(FAULT_REALLOC), 30);
    gr_arena_free(a);
    fault_off();
    ck_assert_int_eq(fault_live(), 0);
}
END_TEST

/* _i: whether something else is allocated in between, so that the array has to move. */
START_TEST(arrays_grow)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    size_t cap = 0;
    uint32_t *items = NULL;

    for (uint32_t i = 0; i < 5000; i++) {
        size_t old = cap;

        if (i == cap)
            items = gr_arena_grow(a, items, i, &cap, sizeof *items);
        ck_assert_ptr_nonnull(items);
        if (cap != old)
            ck_assert(all_zero(items + old, (cap - old) * sizeof *items));
        items[i] = i;
        if (_i)
            ck_assert_ptr_nonnull(gr_arena_alloc(a, 1));
    }
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert_uint_eq(items[i], i);
    gr_arena_free(a);
}
END_TEST

START_TEST(array_stays_when_it_cannot_grow)
{
    struct gr_arena *a = gr_arena_create(100);
    size_t cap = 0;
    char *items = gr_arena_grow(a, NULL, 0, &cap, 8);

    ck_assert_ptr_nonnull(items);
    ck_assert_uint_eq(cap, 8);
    items[63] = 'x';
    ck_assert_ptr_eq(gr_arena_grow(a, items, 7, &cap, 8), items); /* there is room */
    ck_assert_ptr_null(gr_arena_grow(a, items, 8, &cap, 8));
    ck_assert_uint_eq(cap, 8);
    ck_assert_int_eq(items[63], 'x');
    ck_assert_int_eq(gr_arena_status(a), GR_ENOMEM);
    gr_arena_free(a);
}
END_TEST

START_TEST(texts_are_copied)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct gr_str s = gr_arena_dup(a, (struct gr_str){"a\0bc", 3});

    ck_assert(gr_str_eq(s, (struct gr_str){"a\0b", 3}));
    ck_assert_int_eq(s.p[3], '\0');
    s = gr_arena_dup(a, GR_STR_NONE);
    ck_assert(s.n == 0 && s.p && s.p[0] == '\0');
    s = gr_arena_printf(a, "%d %s", 42, "x");
    ck_assert_str_eq(s.p, "42 x");
    ck_assert_uint_eq(s.n, 4);
    gr_arena_free(a);
    a = gr_arena_create(3);
    ck_assert_ptr_null(gr_arena_dup(a, GR_STR("abc")).p);
    ck_assert_ptr_null(gr_arena_printf(a, "abc").p);
    ck_assert_ptr_nonnull(gr_arena_dup(a, GR_STR("ab")).p);
    gr_arena_free(a);
}
END_TEST

static int closed[3];
static int closed_count;

static void
note_close(void *handle)
{
    closed[closed_count++] = *(int *)handle;
}

START_TEST(handles_are_closed_newest_first)
{
    struct gr_arena *a = gr_arena_create(200);
    int one = 1, two = 2, three = 3;

    closed_count = 0;
    ck_assert_int_eq(gr_arena_own(a, &one, note_close), GR_OK);
    ck_assert_int_eq(gr_arena_own(a, &two, note_close), GR_OK);
    ck_assert_ptr_nonnull(gr_arena_alloc(a, 200 - gr_arena_used(a)));
    ck_assert_int_eq(gr_arena_own(a, &three, note_close), GR_ENOMEM); /* closed at once */
    ck_assert_int_eq(closed_count, 1);
    gr_arena_free(a);
    ck_assert_int_eq(closed_count, 3);
    ck_assert(closed[0] == 3 && closed[1] == 2 && closed[2] == 1);
}
END_TEST

/* A small life of an arena. Counts what did not work. */
static int
live(void)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    int bad = 0, handle = 0;
    size_t cap = 0;
    char *items = NULL, *moved;

    if (!a)
        return 1;
    closed_count = 0;
    bad += gr_arena_own(a, &handle, note_close) != GR_OK;
    for (size_t i = 0; i < 3000 && bad == 0; i++) {
        moved = gr_arena_grow(a, items, i, &cap, 1);
        bad += moved == NULL;
        items = moved ? moved : items;
        if (moved)
            items[i] = 'x';
    }
    bad += gr_arena_alloc(a, 100000) == NULL;
    bad += gr_arena_dup(a, GR_STR("text")).p == NULL;
    bad += gr_arena_printf(a, "%d", 1).p == NULL;
    ck_assert_int_eq(gr_arena_status(a), bad ? GR_ENOMEM : GR_OK);
    gr_arena_free(a);
    ck_assert_int_eq(closed_count, 1);
    return bad;
}

START_TEST(any_allocation_may_fail)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        int bad;

        ck_assert_uint_lt(n, 100);
        fault_arm(FAULT_REALLOC, n, _i, ENOMEM);
        bad = live();
        failed = fault_hit();
        fault_off();
        ck_assert_int_eq(bad > 0, failed);
        ck_assert_int_eq(fault_live(), 0);
    }
    gr_arena_free(NULL);
}
END_TEST

static size_t resets;

static void
count_reset(void *handle)
{
    resets += *(size_t *)handle;
}

/* All is free again, the ceiling counts from 0, and what comes next is zeroed. */
START_TEST(reset_starts_over)
{
    struct gr_arena *a = gr_arena_create(100000);
    size_t one = 1;

    gr_arena_reset(a); /* of an empty one: nothing */
    for (int round = 0; round < 100; round++) {
        unsigned char *p = gr_arena_alloc(a, 50000), *q = gr_arena_alloc(a, 40000);
        unsigned dirty = 0;

        ck_assert(p && q);
        for (size_t i = 0; i < 40000; i++) /* one assertion for all: each is a message to the parent */
            dirty |= p[i] | q[i];
        ck_assert_uint_eq(dirty, 0);
        memset(p, 255, 50000);
        memset(q, 255, 40000);
        ck_assert_int_eq(gr_arena_own(a, &one, count_reset), GR_OK);
        gr_arena_reset(a);
        ck_assert_uint_eq(resets, (size_t)round + 1);
        ck_assert_uint_eq(gr_arena_used(a), 0);
    }
    ck_assert_int_eq(gr_arena_status(a), GR_OK);
    ck_assert_ptr_null(gr_arena_alloc(a, 100001));
    gr_arena_reset(a);
    ck_assert_int_eq(gr_arena_status(a), GR_ENOMEM); /* remembered */
    gr_arena_free(a);
    ck_assert_uint_eq(resets, 100);
}
END_TEST

Suite *
arena_suite(void)
{
    Suite *s = suite_create("arena");
    TCase *tc = tcase_create("arena");

    tcase_add_test(tc, reset_starts_over);
    tcase_add_test(tc, memory_is_zeroed_and_aligned);
    tcase_add_test(tc, ceiling_counts_bytes_handed_out);
    tcase_add_test(tc, huge_sizes_are_refused);
    tcase_add_test(tc, large_blocks_get_their_own_chunk);
    tcase_add_test(tc, chunks_grow);
    tcase_add_loop_test(tc, arrays_grow, 0, 2);
    tcase_add_test(tc, array_stays_when_it_cannot_grow);
    tcase_add_test(tc, texts_are_copied);
    tcase_add_test(tc, handles_are_closed_newest_first);
    tcase_add_loop_test(tc, any_allocation_may_fail, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
