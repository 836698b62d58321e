/* Line by line differences: by table, and at random that the hunks turn one text into the other. */
#include "config.h"
#include "linediff.h"
#include "test_compiler.h"

#include "guardrail/number.h"

#define OUT_MAX (4u << 20)
#define HEAD "--- f\n+++ f\n"

static const struct row {
    const char *name, *a, *b, *want;
} rows[] = {
    {"the same", "a\nb\n", "a\nb\n", ""},
    {"both empty", "", "", ""},
    {"added", "", "a\n", HEAD "@@ -0,0 +1,1 @@\n+a\n"},
    {"removed", "a\n", "", HEAD "@@ -1,1 +0,0 @@\n-a\n"},
    {"replaced", "a\n", "b\n", HEAD "@@ -1,1 +1,1 @@\n-a\n+b\n"},
    {"no line end before", "a", "a\n", HEAD "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"},
    {"three lines around", "1\n2\n3\n4\nx\n5\n6\n7\n8\n", "1\n2\n3\n4\ny\n5\n6\n7\n8\n",
     HEAD "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-x\n+y\n 5\n 6\n 7\n"},
    {"six lines between are one hunk", "x\n1\n2\n3\n4\n5\n6\nx\n", "y\n1\n2\n3\n4\n5\n6\ny\n",
     HEAD "@@ -1,8 +1,8 @@\n-x\n+y\n 1\n 2\n 3\n 4\n 5\n 6\n-x\n+y\n"},
    {"seven lines between are two", "x\n1\n2\n3\n4\n5\n6\n7\nx\n", "y\n1\n2\n3\n4\n5\n6\n7\ny\n",
     HEAD "@@ -1,4 +1,4 @@\n-x\n+y\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-x\n+y\n"},
    {"the shortest", "a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n",
     HEAD "@@ -1,7 +1,6 @@\n-a\n-b\n c\n+b\n a\n b\n-b\n a\n+c\n"},
};

START_TEST(is_shown)
{
    struct gr_buf out = GR_BUF_INIT(OUT_MAX);

    ck_assert_int_eq(linediff_put(&out, "f", gr_str(rows[_i].a), gr_str(rows[_i].b)), GR_OK);
    ck_assert_msg(strcmp(gr_buf_cstr(&out), rows[_i].want) == 0, "%s:\n%s", rows[_i].name, gr_buf_cstr(&out));
    gr_buf_fini(&out);
}
END_TEST

/* Reads "-12,3" or "+12,3". */
static size_t
range(struct gr_str *line, char sign, size_t *count)
{
    size_t at = gr_str_find(*line, GR_STR(","), 0), end;
    uint64_t from, n;

    ck_assert(line->p[0] == sign && at != SIZE_MAX);
    end = gr_str_find(*line, GR_STR(" "), at);
    ck_assert_int_eq(gr_parse_u64(gr_str_sub(*line, 1, at), 1u << 30, &from), GR_OK);
    ck_assert_int_eq(gr_parse_u64(gr_str_sub(*line, at + 1, end), 1u << 30, &n), GR_OK);
    *line = gr_str_sub(*line, end + 1, line->n);
    *count = (size_t)n;
    return (size_t)(n > 0 ? from - 1 : from);
}

static struct gr_str
take_line(struct gr_str *rest)
{
    size_t end = gr_str_find(*rest, GR_STR("\n"), 0);
    struct gr_str line = gr_str_sub(*rest, 0, end + 1);

    *rest = gr_str_sub(*rest, end + 1, rest->n);
    return line;
}

/* Applies the hunks to a, strictly; every text here ends its lines. */
static void
patch(struct gr_str a, struct gr_str diff, struct gr_buf *out)
{
    size_t line = 0, out_line = 0;

    if (diff.n == 0) {
        gr_buf_put(out, a);
        return;
    }
    (void)take_line(&diff);
    (void)take_line(&diff);
    while (diff.n > 0) {
        struct gr_str head = take_line(&diff);
        size_t n, m, from, to;

        ck_assert(gr_str_starts(head, GR_STR("@@ ")));
        head = gr_str_sub(head, 3, head.n);
        from = range(&head, '-', &n);
        to = range(&head, '+', &m);
        for (; line < from; line++, out_line++)
            gr_buf_put(out, take_line(&a));
        ck_assert_uint_eq(out_line, to);
        while (n + m > 0) {
            struct gr_str l = take_line(&diff), text = gr_str_sub(l, 1, l.n);

            if (l.p[0] != '+') {
                ck_assert(gr_str_eq(take_line(&a), text));
                line++;
                n--;
            }
            if (l.p[0] != '-') {
                gr_buf_put(out, text);
                out_line++;
                m--;
            }
        }
    }
    gr_buf_put(out, a);
}

static uint32_t
next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u; /* Numerical Recipes' quick generator: its high bits will do */
    return *state >> 16;
}

/* Lines of few words, the second text an edited copy of the first. */
static void
make(uint32_t *state, struct gr_buf *a, struct gr_buf *b, unsigned lines, unsigned edits)
{
    for (unsigned i = 0; i < lines; i++) {
        unsigned word = next(state) % 9;

        if (next(state) % edits != 0)
            gr_buf_printf(a, "%u\n", word);
        if (next(state) % edits != 0)
            gr_buf_printf(b, "%u\n", word);
        else if (next(state) % 2)
            gr_buf_printf(b, "new %u\n", next(state) % 5);
    }
}

START_TEST(hunks_apply)
{
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct gr_buf a = GR_BUF_INIT(OUT_MAX), b = GR_BUF_INIT(OUT_MAX), d = GR_BUF_INIT(OUT_MAX),
                      again = GR_BUF_INIT(OUT_MAX);
        uint32_t state = seed;

        make(&state, &a, &b, seed % 60, 2 + seed % 13);
        ck_assert_int_eq(linediff_put(&d, "f", gr_buf_str(&a), gr_buf_str(&b)), GR_OK);
        patch(gr_buf_str(&a), gr_buf_str(&d), &again);
        ck_assert_msg(gr_str_eq(gr_buf_str(&again), gr_buf_str(&b)), "seed %u:\n%s", seed, gr_buf_cstr(&d));
        gr_buf_fini(&a);
        gr_buf_fini(&b);
        gr_buf_fini(&d);
        gr_buf_fini(&again);
    }
}
END_TEST

/* At the limit of changes it is still the shortest; one past it everything between is replaced, which applies too. */
START_TEST(changes_have_a_limit)
{
    for (unsigned n = LINEDIFF_CHANGES_MAX / 2; n <= LINEDIFF_CHANGES_MAX / 2 + 1; n++) {
        struct gr_buf a = GR_BUF_INIT(OUT_MAX), b = GR_BUF_INIT(OUT_MAX), d = GR_BUF_INIT(OUT_MAX),
                      again = GR_BUF_INIT(OUT_MAX);

        for (unsigned i = 0; i < n; i++) {
            gr_buf_printf(&a, "same %u\nold %u\n", i, i);
            gr_buf_printf(&b, "same %u\nnew %u\n", i, i);
        }
        ck_assert_int_eq(linediff_put(&d, "f", gr_buf_str(&a), gr_buf_str(&b)), GR_OK);
        ck_assert_int_eq(gr_str_find(gr_buf_str(&d), GR_STR("\n-same 7\n"), 0) == SIZE_MAX,
                         n == LINEDIFF_CHANGES_MAX / 2);
        patch(gr_buf_str(&a), gr_buf_str(&d), &again);
        ck_assert(gr_str_eq(gr_buf_str(&again), gr_buf_str(&b)));
        gr_buf_fini(&a);
        gr_buf_fini(&b);
        gr_buf_fini(&d);
        gr_buf_fini(&again);
    }
}
END_TEST

Suite *
linediff_suite(void)
{
    Suite *s = suite_create("linediff");
    TCase *tc = tcase_create("linediff");

    tcase_add_loop_test(tc, is_shown, 0, GR_COUNT(rows));
    tcase_add_test(tc, hunks_apply);
    tcase_add_test(tc, changes_have_a_limit);
    suite_add_tcase(s, tc);
    return s;
}
