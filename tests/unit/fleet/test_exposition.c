#include "config.h"
#include "exposition.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardrail/number.h"
#include "guardrail/sys.h"
#include "look.h"
#include "test_fleet.h"

/* The exposition of a world in which one minute passed with these faults; "" for none. The caller frees the
 * buffer. */
static struct gr_buf
exposed(const char *first, const char *second)
{
    struct gr_buf text = GR_BUF_INIT(EXPOSITION_BYTES_MAX);
    struct world *w = look_world(21, 2000);

    if (*first != '\0')
        look_break(w, first);
    if (*second != '\0')
        look_break(w, second);
    world_step(w, 60);
    exposition_write(&text, w);
    ck_assert_int_eq(gr_buf_err(&text), GR_OK);
    world_free(w);
    return text;
}

/* Lines that contain the text and are no comments. */
static size_t
count_lines(const struct gr_buf *text, const char *part)
{
    struct gr_str rest = gr_buf_str(text), line;
    size_t count = 0;

    while (gr_str_next(&rest, '\n', &line)) {
        if (line.n > 0 && line.p[0] != '#' && gr_str_find(line, gr_str(part), 0) != SIZE_MAX)
            count++;
    }
    return count;
}

/* ---- the format ---- */

static bool
is_name(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz_", s.p[i]) == NULL &&
            !(i > 0 && s.p[i] >= '0' && s.p[i] <= '9'))
            return false;
    }
    return s.n > 0;
}

/* A sample: its metric's name without _bucket, _sum or _count, everything before the value, and the value. */
struct sample {
    struct gr_str metric, series;
    double value;
};

static struct sample
split_sample(struct gr_str line)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    struct sample s;
    size_t brace = gr_str_find(line, GR_STR("{"), 0), blank = line.n;

    while (blank > 0 && line.p[blank - 1] != ' ')
        blank--;
    ck_assert_msg(blank > 0, GR_FMT, GR_ARG(line));
    ck_assert_msg(gr_parse_double(gr_str_sub(line, blank, line.n), &s.value) == GR_OK, GR_FMT, GR_ARG(line));
    s.series = gr_str_sub(line, 0, blank - 1);
    s.metric = gr_str_sub(line, 0, brace < blank ? brace : blank - 1);
    ck_assert_msg(brace == SIZE_MAX || s.series.p[s.series.n - 1] == '}', GR_FMT, GR_ARG(line));
    for (size_t i = 0; i < GR_COUNT(suffixes); i++) {
        if (gr_str_ends(s.metric, gr_str(suffixes[i])))
            s.metric = gr_str_sub(s.metric, 0, s.metric.n - strlen(suffixes[i]));
    }
    ck_assert_msg(is_name(s.metric), GR_FMT, GR_ARG(line));
    return s;
}

START_TEST(metrics_stand_in_one_piece)
{
    struct gr_buf text = exposed("", "");
    struct gr_str rest = gr_buf_str(&text), line, name = GR_STR_NONE, seen[64];
    size_t metrics = 0;

    ck_assert(gr_str_ends(rest, GR_STR("\n")));
    rest.n--;
    while (gr_str_next(&rest, '\n', &line)) {
        if (gr_str_starts(line, GR_STR("# HELP "))) {
            name = gr_str_sub(line, 7, gr_str_find(line, GR_STR(" "), 7));
            for (size_t i = 0; i < metrics; i++)
                ck_assert_msg(!gr_str_eq(seen[i], name), GR_FMT, GR_ARG(name));
            seen[metrics++] = name;
            ck_assert(gr_str_next(&rest, '\n', &line) && gr_str_starts(line, GR_STR("# TYPE ")));
            ck_assert(gr_str_starts(gr_str_sub(line, 7, line.n), name));
            continue;
        }
        ck_assert_msg(gr_str_eq(split_sample(line).metric, name), GR_FMT, GR_ARG(line));
    }
    ck_assert_uint_eq(metrics, FAM_COUNT + 2); /* two families are two counters each */
    gr_buf_fini(&text);
}
END_TEST

static int
by_text(const void *a, const void *b)
{
    return gr_str_cmp(*(const struct gr_str *)a, *(const struct gr_str *)b);
}

START_TEST(series_are_unique)
{
    struct gr_buf text = exposed("", "");
    struct gr_str rest = gr_buf_str(&text), line, *seen = calloc(4096, sizeof(*seen));
    size_t count = 0;

    ck_assert_ptr_nonnull(seen);
    while (gr_str_next(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        ck_assert_uint_lt(count, 4096);
        seen[count++] = split_sample(line).series;
    }
    ck_assert_uint_gt(count, 1500);
    qsort(seen, count, sizeof(*seen), by_text);
    for (size_t i = 1; i < count; i++)
        ck_assert_msg(!gr_str_eq(seen[i - 1], seen[i]), GR_FMT, GR_ARG(seen[i]));
    free(seen);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(buckets_add_up)
{
    struct gr_buf text = exposed("", "");
    struct gr_str rest = gr_buf_str(&text), line;
    double last = 0, infinite = -1;
    size_t histograms = 0;

    while (gr_str_next(&rest, '\n', &line)) {
        double value;

        if (line.n == 0 || line.p[0] == '#' || gr_str_find(line, GR_STR("_seconds_"), 0) == SIZE_MAX)
            continue;
        value = split_sample(line).value;
        if (gr_str_find(line, GR_STR("_seconds_count{"), 0) != SIZE_MAX) {
            ck_assert_msg(value >= infinite && value <= infinite, GR_FMT, GR_ARG(line));
            histograms++;
            last = 0;
        } else if (gr_str_find(line, GR_STR("_seconds_bucket{"), 0) != SIZE_MAX) {
            ck_assert_msg(value >= last, GR_FMT, GR_ARG(line));
            last = value;
            if (gr_str_find(line, GR_STR("le=\"+Inf\""), 0) != SIZE_MAX)
                infinite = value;
        }
    }
    ck_assert_uint_eq(histograms, 16 + 64);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(counters_start_at_zero)
{
    struct gr_buf text = GR_BUF_INIT(EXPOSITION_BYTES_MAX);
    struct world *w = look_world(1, 400);

    exposition_write(&text, w);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&text),
                                 "execution_order_accept_failures_total{cluster=\"equities\","
                                 "venue=\"XNAS\",flow=\"market_making\",track=\"canary\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&text), "track=\"canary\",le=\"+Inf\"} 0\n"));
    gr_buf_fini(&text);
    world_free(w);
}
END_TEST

START_TEST(both_counters_of_a_ratio_are_told)
{
    struct gr_buf text = GR_BUF_INIT(EXPOSITION_BYTES_MAX), line = GR_BUF_INIT(256);
    struct world *w = look_world(22, 400);

    world_step(w, 600);
    exposition_write(&text, w);
    for (size_t i = 0; i < 2; i++) {
        gr_buf_reset(&line);
        gr_buf_printf(
            &line, "%s{cluster=\"equities\",venue=\"XNAS\",flow=\"market_making\",track=\"canary\"} %llu\n",
            i == 0 ? families[0].name : families[0].part,
            (unsigned long long)(i == 0 ? w->points[0].total : w->points[0].part));
        ck_assert_msg(strstr(gr_buf_cstr(&text), gr_buf_cstr(&line)) != NULL, "%s", gr_buf_cstr(&line));
    }
    ck_assert_uint_lt(w->points[0].part, w->points[0].total);
    ck_assert_uint_gt(w->points[0].part, 0);
    gr_buf_fini(&text);
    gr_buf_fini(&line);
    world_free(w);
}
END_TEST

/* ---- faults that only show here ---- */

static const struct {
    const char *first, *second; /* faults */
    const char *part;
    size_t want, healthy; /* lines that contain the part */
} views[] = {
    {"silent venue=XNYS", "", "venue=\"XNYS\"", 0, 371},
    {"silent venue=XNYS", "", "infra_host_cpu_utilization", 24, 24},
    {"silent metric=risk_latency_p95_ms", "", "risk_latency_p95_ms", 0, 8},
    {"silent metric=execution_order_accept_failures_total venue=CME", "", "execution_order_accept_", 28, 32},
    {"control_gone", "", "track=\"control\"", 0, 776},
    {"control_gone", "", "track=\"canary\"", 752, 752},
    {"canary_gone cluster=crypto", "", "track=\"canary\"", 563, 752},
    {"control_gone", "canary_gone", "track=", 0, 1528},
    {"nan risk_latency", "", "} NaN", 8, 0},
    {"nan market_return", "", "market_return_bps NaN", 1, 0},
    {"nan cpu track=canary", "", "} NaN", 6, 0},
};

START_TEST(faults_show)
{
    struct gr_buf broken = exposed(views[_i].first, views[_i].second), healthy = exposed("", "");

    ck_assert_uint_eq(count_lines(&healthy, views[_i].part), views[_i].healthy);
    ck_assert_uint_eq(count_lines(&broken, views[_i].part), views[_i].want);
    gr_buf_fini(&broken);
    gr_buf_fini(&healthy);
}
END_TEST

START_TEST(hidden_metric_takes_its_head_along)
{
    struct gr_buf text = exposed("silent", "");

    ck_assert_uint_eq(text.n, 0);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(same_seed_same_bytes)
{
    struct gr_buf a = exposed("error_rate x2", "pnl +1"), b = exposed("error_rate x2", "pnl +1");

    ck_assert_str_eq(gr_buf_cstr(&a), gr_buf_cstr(&b));
    gr_buf_fini(&a);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(state_is_told)
{
    struct gr_buf text = GR_BUF_INIT(4096);
    struct world *w = NULL;

    ck_assert_int_eq(world_create(&w, &(struct world_options){.seed = 7, .rps = 400}), GR_OK);
    world_step(w, 12.5);
    look_break(w, "error_rate x2 venue=XNAS");
    look_break(w, "nan cpu");
    w->share[2][FLOW_AGENCY] = 1;
    state_write(&text, w);
    ck_assert_str_eq(gr_buf_cstr(&text), "{\"seed\":7,\"rps\":400,\"simulated_seconds\":12.5,\"shares\":{"
                                         "\"XNAS\":{\"market_making\":0.01,\"agency\":0.005},"
                                         "\"XNYS\":{\"market_making\":0.01,\"agency\":0.005},"
                                         "\"CME\":{\"market_making\":0.01,\"agency\":1},"
                                         "\"BINANCE\":{\"market_making\":0.01,\"agency\":0.005}},"
                                         "\"faults\":[\"error_rate x2 venue=XNAS\",\"nan cpu\"]}\n");
    gr_buf_fini(&text);
    world_free(w);
}
END_TEST

/* ---- no memory ---- */

static int allocations_left; /* only the failing allocator below reads and writes it */

static void *
failing_realloc(void *p, size_t n)
{
    return allocations_left-- > 0 ? gr_sys_real.realloc(p, n) : NULL;
}

START_TEST(no_memory_is_told)
{
    struct world *w = look_world(1, 400);
    enum gr_err err = GR_ENOMEM;
    int n;

    look_break(w, "nan cpu");
    for (n = 0; err != GR_OK && n < 100; n++) {
        struct gr_buf text = GR_BUF_INIT(EXPOSITION_BYTES_MAX);

        allocations_left = n;
        gr_sys.realloc = failing_realloc;
        if (_i == 0)
            exposition_write(&text, w);
        else
            state_write(&text, w);
        gr_sys = gr_sys_real;
        err = gr_buf_err(&text);
        gr_buf_fini(&text);
    }
    ck_assert_int_eq(err, GR_OK);
    ck_assert_int_gt(n, 1);
    world_free(w);
}
END_TEST

/* ---- promtool ---- */

/* Runs "promtool check metrics" with the file as its input; its words go to *out. Returns its exit status. */
static int
run_promtool(const char *promtool, int input, struct gr_buf *out)
{
    int from[2], status;
    pid_t pid;
    ssize_t n;
    char *room;

    ck_assert_int_eq(pipe(from), 0);
    if ((pid = fork()) == 0) {
        dup2(input, 0);
        dup2(from[1], 1);
        dup2(from[1], 2);
        close(from[0]);
        execl(promtool, promtool, "check", "metrics", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    close(from[1]);
    while ((room = gr_buf_room(out, 4096)) != NULL && (n = read(from[0], room, 4096)) > 0)
        out->n += (size_t)n;
    close(from[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* An anonymous file below the build folder that holds the text, read from its start. */
static int
file_of(const struct gr_buf *text)
{
    char name[] = "fleet-metrics-XXXXXX";
    int fd = mkstemp(name);

    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(write(fd, text->p, text->n), (ssize_t)text->n);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* The playbook fixes two names that promtool frowns upon; it may have no other objection. */
START_TEST(promtool_agrees)
{
    static const char *const known[] = {
        "data_refdata_age_minutes use base unit \"seconds\" instead of \"minutes\"",
        "risk_latency_p95_ms metric names should not contain abbreviated units",
    };
    struct gr_buf text = exposed("", ""), out = GR_BUF_INIT(65536);
    const char *promtool = getenv("PROMTOOL");
    struct gr_str rest, line;
    size_t lines = 0;
    int fd, status;

    if (promtool == NULL || *promtool == '\0') {
        fputs("promtool is missing: promtool_agrees skipped\n", stderr);
        gr_buf_fini(&text);
        return;
    }
    fd = file_of(&text);
    status = run_promtool(promtool, fd, &out);
    ck_assert_msg(status == 3, "exit %d: %s", status, gr_buf_cstr(&out));
    rest = gr_str_trim(gr_buf_str(&out));
    while (gr_str_next(&rest, '\n', &line)) {
        lines++;
        ck_assert_msg(gr_str_is(line, known[0]) || gr_str_is(line, known[1]), GR_FMT, GR_ARG(line));
    }
    ck_assert_uint_eq(lines, GR_COUNT(known));
    close(fd);
    gr_buf_fini(&text);
    gr_buf_fini(&out);
}
END_TEST

Suite *
exposition_suite(void)
{
    Suite *s = suite_create("exposition");
    TCase *tc = tcase_create("exposition");

    tcase_set_timeout(tc, 30); /* promtool's start on a busy machine */
    tcase_add_test(tc, metrics_stand_in_one_piece);
    tcase_add_test(tc, series_are_unique);
    tcase_add_test(tc, buckets_add_up);
    tcase_add_test(tc, counters_start_at_zero);
    tcase_add_test(tc, both_counters_of_a_ratio_are_told);
    tcase_add_loop_test(tc, faults_show, 0, GR_COUNT(views));
    tcase_add_test(tc, hidden_metric_takes_its_head_along);
    tcase_add_test(tc, same_seed_same_bytes);
    tcase_add_test(tc, state_is_told);
    tcase_add_loop_test(tc, no_memory_is_told, 0, 2);
    tcase_add_test(tc, promtool_agrees);
    suite_add_tcase(s, tc);
    return s;
}
