/* The change log: finding an entry and its signature, appending one, and what foreign text looks like in Markdown. */
#include "config.h"
#include "changelog.h"
#include "scratch.h"
#include "specs.h"
#include "test_compiler.h"

#include "../base/failing.h"
#include "guardrail/sys.h"

#include <errno.h>
#include <strings.h>

#define ENTRY(hashes, author)                                                                                \
    "\n## 2026-01-01 s\n\n<!-- guardrail-change: " hashes " -->\n\n- Author:" author "\n"
#define REST "- Reviewed by: b\n- Risk: none\n- Ticket: 1\n"

static const struct {
    const char *name, *log;
    enum changelog_state want;
    const char *empty;
} logs[] = {
    {"signed", "# Log\n" ENTRY("aa bb", " jane") REST, CHANGELOG_SIGNED, NULL},
    {"blanks do not sign", "# Log\n" ENTRY("aa bb", "  \t") REST, CHANGELOG_UNSIGNED, "Author:"},
    {"a field is gone", "# Log\n" ENTRY("aa bb", " jane") "- Risk: none\n- Ticket: 1\n", CHANGELOG_UNSIGNED,
     "Reviewed by:"},
    {"the next entry does not sign this one", "# Log\n" ENTRY("aa bb", "") ENTRY("cc dd", " jane") REST,
     CHANGELOG_UNSIGNED, "Author:"},
    {"nor does the one before", "# Log\n" ENTRY("cc dd", " jane") REST ENTRY("aa bb", " jane"),
     CHANGELOG_UNSIGNED, "Reviewed by:"},
    {"the other way round", "# Log\n" ENTRY("bb aa", " jane") REST, CHANGELOG_MISSING, NULL},
    {"half a hash", "# Log\n" ENTRY("aa bbb", " jane") REST, CHANGELOG_MISSING, NULL},
    {"an empty log", "", CHANGELOG_MISSING, NULL},
    {"Windows' line ends",
     "## x\r\n<!-- guardrail-change: aa bb -->\r\n- Author: j\r\n- Reviewed by: b\r\n- Risk: r\r\n- "
     "Ticket:\r\n",
     CHANGELOG_UNSIGNED, "Ticket:"},
};

START_TEST(entries_are_found)
{
    const char *empty = NULL;

    ck_assert_msg(changelog_find(gr_str(logs[_i].log), GR_STR("aa"), GR_STR("bb"), &empty) == logs[_i].want,
                  "%s", logs[_i].name);
    if (logs[_i].empty)
        ck_assert_str_eq(empty, logs[_i].empty);
    else
        ck_assert_ptr_null(empty);
}
END_TEST

static const struct {
    const char *text, *want;
} quotes[] = {
    {"plain 5%", "plain 5%"},
    {"a|b", "a&#124;b"},
    {"<script>&", "&lt;script&gt;&amp;"},
    {"*x* _y_ `z`", "\\*x\\* \\_y\\_ \\`z\\`"},
    {"[a](http://b)", "\\[a\\]\\(http&#58;//b\\)"},
    {"@all #1", "&#64;all &#35;1"},
    {"a\nb", "a\\\\x0ab"},
    {"\xe2\x80\xae", "\\\\u\\{202e\\}"},
};

START_TEST(markdown_is_quoted)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    diff_quote_markdown(&b, gr_str(quotes[_i].text));
    ck_assert_msg(strcasecmp(gr_buf_cstr(&b), quotes[_i].want) == 0, "%s", gr_buf_cstr(&b));
    gr_buf_fini(&b);
}
END_TEST

/* -- appending ----------------------------------------------------------------------------------------------------------- */

static int calls_left;

static int
failing_fsync(int fd)
{
    (void)fd;
    errno = EIO;
    return calls_left-- > 0 ? gr_sys_real.fsync(fd) : -1;
}

static int
failing_rename(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = EACCES;
    return -1;
}

struct two {
    struct specs old, new;
    struct facts *from, *to;
    struct changes changes;
    struct diff d;
};

static void
two_start(struct two *t)
{
    specs_read_file(&t->old, "tests/data/diff/old.yml");
    specs_read_file(&t->new, "tests/data/diff/new.yml");
    ck_assert_int_eq(facts_of_model(t->old.arena, t->old.model, &t->from), GR_OK);
    ck_assert_int_eq(facts_of_model(t->new.arena, t->new.model, &t->to), GR_OK);
    ck_assert_int_eq(compare(t->new.arena, t->from, t->to, &t->changes), GR_OK);
    t->d = (struct diff){.changes = &t->changes,
                         .from = t->from,
                         .to = t->to,
                         .from_name = GR_STR("old.yml"),
                         .to_name = GR_STR("new.yml")};
}

static void
two_end(struct two *t)
{
    specs_fini(&t->old);
    specs_fini(&t->new);
}

START_TEST(failed_writes_leave_the_log)
{
    struct two t;
    struct scratch s;

    two_start(&t);
    scratch_make(&s);
    scratch_write(&s, "log.md", "# Ours\n");
    if (_i == 0)
        gr_sys.fsync = failing_fsync;
    else
        gr_sys.rename = failing_rename;
    ck_assert_int_eq(changelog_append(scratch_path(&s, "log.md"), &t.d, 0), CHANGELOG_FAILED);
    gr_sys = gr_sys_real;
    ck_assert(scratch_has(&s, "log.md", "# Ours\n"));
    ck_assert_int_eq(changelog_append(scratch_path(&s, "log.md"), &t.d, 0), CHANGELOG_WRITTEN);
    ck_assert_int_eq(changelog_append(scratch_path(&s, "log.md"), &t.d, 86400), CHANGELOG_THERE);
    scratch_remove(&s);
    two_end(&t);
}
END_TEST

START_TEST(appending_without_memory)
{
    struct two t;
    struct scratch s;
    bool failed = true;

    two_start(&t);
    scratch_make(&s);
    for (size_t nth = 1; failed; nth++) {
        enum changelog_answer answer;

        scratch_write(&s, "log.md", "# Ours\n");
        failing_start(nth, _i == 1);
        answer = changelog_append(scratch_path(&s, "log.md"), &t.d, 0);
        failed = failing_stop();
        ck_assert_msg(answer == (failed ? CHANGELOG_FAILED : CHANGELOG_WRITTEN), "allocation %zu: %d", nth,
                      (int)answer);
        if (failed)
            ck_assert(scratch_has(&s, "log.md", "# Ours\n"));
    }
    scratch_remove(&s);
    two_end(&t);
}
END_TEST

/* Each form, with each allocation failing in turn, is whole or an error. */
START_TEST(printing_without_memory)
{
    struct two t;
    bool failed = true;

    two_start(&t);
    for (size_t nth = 1; failed; nth++) {
        struct gr_buf b = GR_BUF_INIT(1u << 20);
        enum gr_err err = GR_OK;

        failing_start(nth, false);
        if (_i == 0)
            diff_text(&t.d, &b);
        else if (_i == 1)
            diff_markdown(&t.d, &b);
        else
            err = diff_json(&t.d, &b);
        failed = failing_stop();
        if (err == GR_OK)
            err = gr_buf_err(&b);
        ck_assert_msg((err == GR_OK) == !failed, "allocation %zu: %s", nth, gr_err_name(err));
        gr_buf_fini(&b);
    }
    two_end(&t);
}
END_TEST

Suite *
changelog_suite(void)
{
    Suite *s = suite_create("changelog");
    TCase *tc = tcase_create("changelog");

    tcase_add_loop_test(tc, entries_are_found, 0, GR_COUNT(logs));
    tcase_add_loop_test(tc, markdown_is_quoted, 0, GR_COUNT(quotes));
    tcase_add_loop_test(tc, failed_writes_leave_the_log, 0, 2);
    tcase_add_loop_test(tc, appending_without_memory, 0, 2);
    tcase_add_loop_test(tc, printing_without_memory, 0, 3);
    suite_add_tcase(s, tc);
    return s;
}
