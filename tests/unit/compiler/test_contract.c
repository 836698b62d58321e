/* What passes between the rooms: policy.json as the compiler writes it, read by guardraild's own reader. A program of its own, because
 * the two rooms' private headers share names. */
#include "config.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "webhook/policy.h"

struct loaded {
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct policy *policy;
};

static void
load(struct loaded *l, const char *path)
{
    struct gr_buf report = GR_BUF_INIT(1u << 20);
    enum gr_err err;

    ck_assert_ptr_nonnull(l->sources = gr_sources_create());
    ck_assert_ptr_nonnull(l->diags = gr_diags_create(l->sources));
    err = policy_load(path, l->sources, l->diags, &l->policy);
    gr_diags_print(l->diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &report);
    ck_assert_msg(err == GR_OK && report.n == 0, "%s: %s\n%s", path, gr_err_name(err), gr_buf_cstr(&report));
    gr_buf_fini(&report);
}

static void
unload(struct loaded *l)
{
    policy_free(l->policy);
    gr_diags_free(l->diags);
    gr_sources_free(l->sources);
}

/* Runs guardrailc; its output goes where ours goes. */
static int
compile(const char *spec, const char *dir, const char *scale)
{
    char program[PATH_MAX], path[PATH_MAX];
    const char *build = getenv("GR_BUILDDIR"), *src = getenv("GR_SRCDIR");
    pid_t pid;
    int status;

    snprintf(program, sizeof program, "%s/guardrailc", build ? build : ".");
    snprintf(path, sizeof path, "%s/examples/%s/guardrails.yml", src ? src : "..", spec);
    ck_assert_int_ge(pid = fork(), 0);
    if (pid == 0) {
        execl(program, program, "compile", "-q", "--only", "policy", "--time-scale", scale, "-o", dir, path,
              (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct row {
    const char *spec, *scale;
    int64_t time_scale, phase_1_ms;
    size_t phases, guardrails, streams;
} rows[] = {
    {"tradepulse", "1", 1, 1200000, 5, 13, 3},
    {"tradepulse", "60", 60, 20000, 5, 13, 3},
    {"minimal", "1", 1, 0, 0, 0, 0},
    {"minimal", "1000", 1000, 0, 0, 0, 0},
};

START_TEST(the_daemon_reads_what_the_compiler_writes)
{
    const struct row *r = &rows[_i];
    const struct policy *p;
    struct scratch s;
    struct loaded l;

    scratch_make(&s);
    ck_assert_int_eq(compile(r->spec, s.dir, r->scale), 0);
    load(&l, scratch_path(&s, "guardraild/policy.json"));
    p = l.policy;
    ck_assert_int_eq(p->time_scale, r->time_scale);
    ck_assert_uint_eq(p->spec_hash.n, 64);
    if (r->phases > 0) {
        ck_assert_uint_eq(p->phase_count, r->phases);
        ck_assert_uint_eq(p->guardrail_count, r->guardrails);
        ck_assert_uint_eq(p->stream_count, r->streams);
        ck_assert_int_eq(p->phases[1].min_duration_ms, r->phase_1_ms);
    }
    ck_assert_uint_gt(p->guardrail_count, 0);
    ck_assert_uint_gt(p->expected_count, 0);
    ck_assert(p->phases[p->phase_count - 1].final);
    unload(&l);
    scratch_remove(&s);
}
END_TEST

/* Every phase with guardrails has rows to wait for, in every stream: a gate that expects nothing would let everything pass. */
START_TEST(every_watched_phase_expects_something)
{
    struct scratch s;
    struct loaded l;

    scratch_make(&s);
    ck_assert_int_eq(compile("tradepulse", s.dir, "1"), 0);
    load(&l, scratch_path(&s, "guardraild/policy.json"));
    for (size_t i = 0; i + 1 < l.policy->phase_count; i++) {
        for (size_t k = 0; k < l.policy->stream_count; k++) {
            size_t at = 0;

            ck_assert_ptr_nonnull(
                policy_expected_next(l.policy, l.policy->streams[k], &l.policy->phases[i], &at));
        }
    }
    unload(&l);
    scratch_remove(&s);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("contract");
    TCase *tc = tcase_create("policy.json");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, the_daemon_reads_what_the_compiler_writes, 0, (int)GR_COUNT(rows));
    tcase_add_test(tc, every_watched_phase_expects_something);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
