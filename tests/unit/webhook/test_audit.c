#include "config.h"
#include "test_webhook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bench.h"
#include "fixture.h"
#include "guardrail/file.h"
#include "tests/unit/fault.h"
#include "webhook/audit.h"
#include "webhook/auditor.h"

static struct bench bench;

static void
setup(void)
{
    bench_make(&bench);
}

static void
teardown(void)
{
    bench_remove(&bench);
}

struct adding {
    const char *event, *detail;
    int count;
};
static enum gr_err
run_add(struct db *db, void *arg)
{
    const struct adding *a = arg;
    enum gr_err err = GR_OK;

    for (int i = 0; i < a->count && err == GR_OK; i++)
        err = audit_add(db, 1000 + i, GR_STR("jane"), a->event, GR_STR("d1"), gr_str(a->detail));
    return err;
}

static void
add(const char *event, const char *detail, int count)
{
    bench_call(&bench, run_add, &(struct adding){event, detail, count}, GR_OK);
}

static enum gr_err
run_end(struct db *db, void *arg)
{
    (void)arg;
    return audit_end_file(db, 5000, GR_STR("d1"), GR_STR("enough"));
}

struct reading {
    int64_t file;
    struct gr_buf text;
    bool ended;
};
static enum gr_err
run_read(struct db *db, void *arg)
{
    struct reading *r = arg;

    return audit_read_file(db, r->file, &r->text, &r->ended);
}

static struct gr_buf
read_file(int64_t file, bool ended)
{
    struct reading r = {.file = file, .text = GR_BUF_INIT(64u << 20)};

    bench_call(&bench, run_read, &r, GR_OK);
    ck_assert_int_eq(r.ended, ended);
    return r.text;
}

static enum gr_err
run_check(struct db *db, void *arg)
{
    struct audit_check *c = arg;
    enum gr_err err = GR_OK;
    bool more = true;

    while (more && audit_check_store(db, c, 7, &more, &err))
        ;
    return err;
}

/* Eleven records of all kinds of texts; what an attacker would like to be taken for the chain's own among them. */
static struct gr_buf
sample(void)
{
    add("release start", "why \"not\"", 2);
    add("release hold", "x\",\"event\":\"file ends", 1);
    add("release hold", ",\"event\":\"file begins\",\"prev\":\"", 1);
    add("release resume", "\n\t\xc3\xa4 }\n", 5);
    add("release abort", "", 1);
    return read_file(1, false);
}

START_TEST(a_chain_holds)
{
    struct gr_buf text = sample(), second;
    struct audit_check c = {0}, own = {0};

    ck_assert_msg(audit_check_text(&c, 1, gr_buf_str(&text)), "%s", c.why);
    ck_assert_int_eq(c.records, 11);
    ck_assert(!c.ended);
    bench_call(&bench, run_end, NULL, GR_OK);
    bench_call(&bench, run_end, NULL, GR_OK); /* once only */
    add("later", "", 1);
    second = read_file(2, false);
    gr_buf_fini(&text);
    text = read_file(1, true);
    c = (struct audit_check){0};
    ck_assert_msg(audit_check_text(&c, 1, gr_buf_str(&text)), "%s", c.why);
    ck_assert(c.ended);
    ck_assert_msg(audit_check_text(&c, 2, gr_buf_str(&second)), "%s", c.why);
    ck_assert_int_eq(c.seq, 14);
    bench_call(&bench, run_check, &own, GR_OK);
    ck_assert_int_eq(own.records, 14);
    ck_assert_str_eq(own.hash, c.hash);
    c = (struct audit_check){0}; /* the second file alone */
    ck_assert_msg(audit_check_text(&c, 2, gr_buf_str(&second)), "%s", c.why);
    c = (struct audit_check){0};
    ck_assert(!audit_check_text(&c, 3, gr_buf_str(&second)));
    ck_assert_str_eq(c.why, "record 13 is not the beginning of this file");
    gr_buf_fini(&text);
    gr_buf_fini(&second);
}
END_TEST

/* sha256sum and a text editor must come to the same. */
START_TEST(the_first_record_as_it_is)
{
    struct gr_buf text = sample();
    size_t from = 9 + GR_SHA256_HEX, n = gr_str_find(gr_buf_str(&text), GR_STR("\n"), 0);

    ck_assert(gr_str_is(gr_str_sub(gr_buf_str(&text), from, n),
                        "\",\"record\":{\"actor\":\"guardraild\",\"at_ms\":1000,"
                        "\"deployment_id\":\"\",\"detail\":\"1\",\"event\":\"file begins\",\"prev\":\""
                        "0000000000000000000000000000000000000000000000000000000000000000\",\"seq\":1}}"));
    gr_buf_fini(&text);
}
END_TEST

/* ---- every harm is found and named ---- */

static int64_t
line_of(struct gr_str text, size_t at)
{
    int64_t n = 1;

    for (size_t i = 0; i < at; i++)
        n += text.p[i] == '\n';
    return n;
}

static void
expect_broken(struct gr_str text, int64_t record, const char *what, size_t at)
{
    struct audit_check c = {0};
    char head[32];

    ck_assert_msg(!audit_check_text(&c, 1, text), "%s at %zu is not noticed", what, at);
    (void)snprintf(head, sizeof head, "record %lld ", (long long)record);
    ck_assert_msg(strncmp(c.why, head, strlen(head)) == 0, "%s at %zu: %s", what, at, c.why);
}

START_TEST(every_flipped_byte)
{
    struct gr_buf text = sample();

    for (size_t i = 0; i < text.n; i++) {
        int64_t line = line_of(gr_buf_str(&text), i);
        for (unsigned bit = 0; bit < 8; bit++) {
            text.p[i] = (char)((unsigned char)text.p[i] ^ (1u << bit));
            expect_broken(gr_buf_str(&text), line, "a flipped bit", i);
            text.p[i] = (char)((unsigned char)text.p[i] ^ (1u << bit));
        }
    }
    gr_buf_fini(&text);
}
END_TEST

/* The lines of a text, borrowed. */
static size_t
split(struct gr_str text, struct gr_str *lines, size_t max)
{
    size_t n = 0, at = 0, end;

    for (; at < text.n; at = end + 1) {
        ck_assert_uint_lt(n, max);
        end = gr_str_find(text, GR_STR("\n"), at);
        lines[n++] = gr_str_sub(text, at, end + 1);
    }
    return n;
}

static void
join(struct gr_buf *b, const struct gr_str *lines, size_t n)
{
    gr_buf_reset(b);
    for (size_t i = 0; i < n; i++)
        gr_buf_put(b, lines[i]);
}

START_TEST(dropped_doubled_and_moved)
{
    struct gr_buf text = sample(), b = GR_BUF_INIT(1u << 20);
    struct gr_str lines[16], other[17];
    size_t n = split(gr_buf_str(&text), lines, GR_COUNT(lines));

    ck_assert_uint_eq(n, 11);
    for (size_t i = 0; i + 1 < n; i++) { /* the last one: see a_cut_end */
        memcpy(other, lines, sizeof lines);
        memmove(other + i, other + i + 1, (n - i - 1) * sizeof *other);
        join(&b, other, n - 1);
        expect_broken(gr_buf_str(&b), (int64_t)i + 1, "a dropped record", i);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= n; k++) {
            memcpy(other, lines, k * sizeof *other);
            other[k] = lines[i];
            memcpy(other + k + 1, lines + k, (n - k) * sizeof *other);
            join(&b, other, n + 1);
            /* Inserted right beside itself, the second one is where the next should be. */
            expect_broken(gr_buf_str(&b), k == i ? (int64_t)i + 2 : (int64_t)k + 1, "an inserted record", k);
        }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            if (i == k)
                continue;
            memcpy(other, lines, sizeof lines);
            other[i] = lines[k];
            other[k] = lines[i];
            join(&b, other, n);
            expect_broken(gr_buf_str(&b), (int64_t)(i < k ? i : k) + 1, "swapped records", i);
        }
    gr_buf_fini(&b);
    gr_buf_fini(&text);
}
END_TEST

/* Cut inside a record the end is missing; cut between two the chain holds, and only the head says what is missing. */
START_TEST(a_cut_end)
{
    struct gr_buf text = sample();
    struct gr_str all = gr_buf_str(&text);
    struct audit_check whole = {0};

    ck_assert(audit_check_text(&whole, 1, all));
    for (size_t n = 0; n < all.n; n++) {
        struct audit_check c = {0};
        bool between = n > 0 && all.p[n - 1] == '\n';

        ck_assert_int_eq(audit_check_text(&c, 1, gr_str_sub(all, 0, n)), between);
        ck_assert(!between || strcmp(c.hash, whole.hash) != 0);
    }
    gr_buf_fini(&text);
}
END_TEST

/* A record made anew with its right hash does not fit before the next. */
START_TEST(a_forged_record)
{
    struct gr_buf text = sample(), record = GR_BUF_INIT(4096), b = GR_BUF_INIT(1u << 20);
    struct gr_str lines[16], old;
    char hash[GR_SHA256_HEX + 1];
    size_t n = split(gr_buf_str(&text), lines, GR_COUNT(lines));

    gr_buf_put(&record, gr_str_sub(lines[2], 9, 9 + GR_SHA256_HEX)); /* the hash before */
    old = gr_str_sub(lines[3], 9 + GR_SHA256_HEX + 11, lines[3].n - 2);
    gr_buf_put(&record, old);
    fixture_replace(&record, "jane", "john");
    ck_assert_int_eq(gr_sha256_hex(gr_buf_str(&record), hash), GR_OK);
    for (size_t i = 0; i < n; i++) {
        if (i == 3)
            gr_buf_printf(&b, "{\"hash\":\"%s\",\"record\":%s}\n", hash,
                          gr_buf_cstr(&record) + GR_SHA256_HEX);
        else
            gr_buf_put(&b, lines[i]);
    }
    expect_broken(gr_buf_str(&b), 5, "a forged record", 3);
    gr_buf_fini(&record);
    gr_buf_fini(&text);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    const char *name, *sql;
} changes[] = {
    {"delete", "DELETE FROM chain WHERE seq = 3"},
    {"prune", "DELETE FROM chain WHERE ts_ms < 1"}, /* nothing so old: allowed, and nothing done */
    {"update", "UPDATE chain SET body = replace(body, 'jane', 'john')"},
    {"number", "UPDATE chain SET seq = 100 WHERE seq = 11"},
};
static enum gr_err
run_sql(struct db *db, void *arg)
{
    const char *const *sql = arg;

    return db_exec(db, *sql);
}

static void
execute(const char *sql, enum gr_err want)
{
    bench_call(&bench, run_sql, &sql, want);
}

START_TEST(the_store_refuses_changes)
{
    struct gr_buf text = sample();
    struct audit_check c = {0};

    execute(changes[_i].sql, strcmp(changes[_i].name, "prune") == 0 ? GR_OK : GR_EEXIST);
    bench_call(&bench, run_check, &c, GR_OK);
    ck_assert_int_eq(c.records, 11);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(a_store_changed_behind_our_back_is_named)
{
    struct gr_buf text = sample();
    struct audit_check c = {0};

    execute("DROP TRIGGER chain_as_it_is", GR_OK);
    execute("UPDATE chain SET body = replace(body, 'jane', 'john') WHERE seq = 9", GR_OK);
    bench_call(&bench, run_check, &c, GR_OK);
    ck_assert_str_eq(c.why, "record 9 was changed: its hash is not that of its text and the record before");
    gr_buf_fini(&text);
}
END_TEST

START_TEST(full_files_end)
{
    struct gr_buf first, second;

    add("e", "", 2 * AUDIT_FILE_RECORDS_MAX);
    first = read_file(1, true);
    second = read_file(2, true);
    ck_assert_int_eq(line_of(gr_buf_str(&first), first.n) - 1, AUDIT_FILE_RECORDS_MAX);
    ck_assert_int_eq(line_of(gr_buf_str(&second), second.n) - 1, AUDIT_FILE_RECORDS_MAX);
    ck_assert_int_eq(bench_number(&bench, "SELECT max(file) FROM chain"), 3);
    gr_buf_fini(&first);
    gr_buf_fini(&second);
}
END_TEST

static enum gr_err
run_begin(struct db *db, void *arg)
{
    (void)arg;
    return audit_begin(db, 9000);
}

START_TEST(what_stood_before_the_chain_is_taken_over_once)
{
    struct audit_check c = {0};

    execute("INSERT INTO audit(ts_ms, actor, event, deployment_id, detail) VALUES"
            " (1, 'jane', 'release start', 'd1', 'x'), (2, 'joe', 'release hold', 'd1', 'y')",
            GR_OK);
    bench_call(&bench, run_begin, NULL, GR_OK);
    bench_call(&bench, run_begin, NULL, GR_OK);
    ck_assert_int_eq(bench_number(&bench, "SELECT count(*) FROM chain"), 5);
    ck_assert_int_eq(
        bench_number(&bench, "SELECT count(*) FROM chain WHERE body LIKE '%\"joe\"%' AND ts_ms = 2"), 1);
    bench_call(&bench, run_check, &c, GR_OK);
    ck_assert_str_eq(c.why, "");
}
END_TEST

/* ---- the files ---- */

static struct gr_buf
file_text(const char *name, unsigned mode)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(16u << 20);
    struct stat st;

    gr_buf_printf(&path, "%s/audit/%s", bench.folder, name);
    ck_assert_msg(stat(gr_buf_cstr(&path), &st) == 0, "%s", gr_buf_cstr(&path));
    ck_assert_uint_eq(st.st_mode & 0777u, mode);
    ck_assert_int_eq(gr_file_read(gr_buf_cstr(&path), &text), GR_OK);
    gr_buf_fini(&path);
    return text;
}

static void
write_out(void)
{
    struct auditor *a = NULL;

    ck_assert_int_eq(
        auditor_start(&(struct auditor_options){.store = bench.app.store, .reports_dir = bench.folder}, &a),
        GR_OK);
    auditor_stop(a); /* writes what is left */
}

START_TEST(files_are_written_and_mended)
{
    struct gr_buf a = sample(), b;

    write_out();
    b = file_text("000001.jsonl", 0640);
    ck_assert(gr_str_eq(gr_buf_str(&a), gr_buf_str(&b)));
    gr_buf_fini(&b);
    fixture_file(bench.folder, "audit/000001.jsonl", "{\"hash\":", 0640); /* damaged */
    bench_call(&bench, run_end, NULL, GR_OK);
    add("later", "", 1);
    write_out();
    b = file_text("000001.jsonl", 0444);
    ck_assert(gr_str_starts(gr_buf_str(&b), gr_buf_str(&a)));
    gr_buf_fini(&b);
    b = file_text("000002.jsonl", 0640);
    gr_buf_fini(&b);
    b = file_text("head.json", 0640);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&b), "\"seq\":14}"));
    gr_buf_fini(&b);
    gr_buf_fini(&a);
}
END_TEST

/* What has ended is not written again, unless it is not what it was. */
START_TEST(ended_files_are_left_alone)
{
    struct gr_buf path = GR_BUF_INIT(4096), a;
    struct stat before, after;

    add("e", "", AUDIT_FILE_RECORDS_MAX + 1);
    write_out();
    gr_buf_printf(&path, "%s/audit/000001.jsonl", bench.folder);
    ck_assert_int_eq(stat(gr_buf_cstr(&path), &before), 0);
    write_out();
    ck_assert_int_eq(stat(gr_buf_cstr(&path), &after), 0);
    ck_assert(before.st_ino == after.st_ino);
    ck_assert_int_eq(unlink(gr_buf_cstr(&path)), 0);
    write_out();
    a = file_text("000001.jsonl", 0444);
    ck_assert_int_eq((int64_t)a.n, (int64_t)before.st_size);
    gr_buf_fini(&a);
    gr_buf_fini(&path);
}
END_TEST

/* A folder that cannot be made is counted and tried again, and nothing is lost when it can. */
START_TEST(files_that_cannot_be_written)
{
    struct auditor_options o = {.store = bench.app.store, .reports_dir = bench.folder};
    struct auditor_state state = {.failures = 0};
    struct auditor *a = NULL;
    struct gr_buf path = GR_BUF_INIT(4096), text = sample(), written;

    fixture_file(bench.folder, "audit", "in the way", 0600);
    ck_assert_int_eq(auditor_start(&o, &a), GR_OK);
    while (state.failures < 2) {
        auditor_wake(a);
        auditor_state(a, &state);
    }
    ck_assert_int_eq(state.written_seq, 0);
    gr_buf_printf(&path, "%s/audit", bench.folder);
    ck_assert_int_eq(unlink(gr_buf_cstr(&path)), 0);
    auditor_stop(a);
    written = file_text("000001.jsonl", 0640);
    ck_assert(gr_str_eq(gr_buf_str(&text), gr_buf_str(&written)));
    gr_buf_fini(&written);
    gr_buf_fini(&text);
    gr_buf_fini(&path);
}
END_TEST

Suite *
audit_suite(void)
{
    Suite *suite = suite_create("audit");
    TCase *tc = tcase_create("audit");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_chain_holds);
    tcase_add_test(tc, the_first_record_as_it_is);
    tcase_add_test(tc, every_flipped_byte);
    tcase_add_test(tc, dropped_doubled_and_moved);
    tcase_add_test(tc, a_cut_end);
    tcase_add_test(tc, a_forged_record);
    tcase_add_loop_test(tc, the_store_refuses_changes, 0, GR_COUNT(changes));
    tcase_add_test(tc, a_store_changed_behind_our_back_is_named);
    tcase_add_test(tc, full_files_end);
    tcase_add_test(tc, what_stood_before_the_chain_is_taken_over_once);
    tcase_add_test(tc, files_are_written_and_mended);
    tcase_add_test(tc, ended_files_are_left_alone);
    tcase_add_test(tc, files_that_cannot_be_written);
    suite_add_tcase(suite, tc);
    return suite;
}
