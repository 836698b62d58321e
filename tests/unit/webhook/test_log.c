#include "config.h"
#include "test_webhook.h"

#include <string.h>
#include <unistd.h>
#include "webhook/log.h"

static const struct {
    const char *name;
    enum log_format format;
    const char *value, *want; /* the line's part behind the time */
} rows[] = {
    {"plain", LOG_LOGFMT, "d1", " level=warn msg=hello k=d1\n"},
    {"blank", LOG_LOGFMT, "a b", " level=warn msg=hello k=\"a b\"\n"},
    {"empty", LOG_LOGFMT, "", " level=warn msg=hello k=\"\"\n"},
    {"quote", LOG_LOGFMT, "a\"b", " level=warn msg=hello k=\"a\\\"b\"\n"},
    {"forged line", LOG_LOGFMT, "a\nlevel=info", "k=\"a\\x0alevel=info\"\n"},
    {"escape sequence", LOG_LOGFMT, "\033[31m", "k=\"\\x1b[31m\"\n"},
    {"absent", LOG_LOGFMT, NULL, " level=warn msg=hello\n"},
    {"json", LOG_JSON, "a\"\n", ",\"level\":\"warn\",\"msg\":\"hello\",\"k\":\"a\\\"\\n\"}\n"},
};
static size_t
read_log(int fd, char *line, size_t size)
{
    ssize_t n = read(fd, line, size - 1);

    line[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

START_TEST(one_line_an_event)
{
    char line[512];
    int fds[2];
    struct log *log;

    ck_assert_int_eq(pipe(fds), 0);
    log = log_create(fds[1], rows[_i].format, AT_INFO);
    log_event(log, AT_WARN, "hello", "k", rows[_i].value, (char *)NULL);
    ck_assert_uint_gt(read_log(fds[0], line, sizeof line), 0);
    ck_assert_msg(strstr(line, rows[_i].want) != NULL, "%s: %s", rows[_i].name, line);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_uint_eq(log_lost(log), 0);
    log_free(log);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

START_TEST(levels_and_losses)
{
    struct log *log = log_create(-1, LOG_LOGFMT, AT_WARN);

    log_event(log, AT_INFO, "below the level", (char *)NULL);
    ck_assert_uint_eq(log_lost(log), 0);
    log_event(log, AT_ERROR, "no descriptor", (char *)NULL);
    ck_assert_uint_eq(log_lost(log), 1);
    log_event(NULL, AT_ERROR, "no log", (char *)NULL);
    log_free(log);
}
END_TEST

Suite *
log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_add_loop_test(tc, one_line_an_event, 0, GR_COUNT(rows));
    tcase_add_test(tc, levels_and_losses);
    suite_add_tcase(suite, tc);
    return suite;
}
