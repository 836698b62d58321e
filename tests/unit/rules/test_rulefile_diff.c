/* test_rulefile_diff.c - our verdict on a rule file is that of `promtool check rules --lint-fatal`.
 *
 * Generated files (rulefile_gen.h) are given to one promtool, which says SUCCESS or FAILED for each.
 * GR_RULEFILE_COUNT and GR_RULEFILE_SEED in the environment make the run longer or other. Without promtool
 * the test says so and passes nothing. */
#include "config.h"
#include "test_rules.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardrail/file.h"
#include "guardrail/number.h"
#include "guardrail/rulelint.h"
#include "rulefile_gen.h"

#define COUNT_DEFAULT 1500u
#define COUNT_MAX 1000000u
#define BATCH 500u /* files for one promtool */
#define SHOWN_MAX 20u
#define OUTPUT_MAX (256u << 20)

struct one {
    struct gr_buf text;
    bool ours, promtool; /* taken */
    bool known;          /* a documented departure: not compared */
    bool seen;           /* promtool spoke about it */
};

static size_t
from_environment(const char *name, size_t otherwise, size_t max)
{
    const char *text = getenv(name);
    uint64_t v;

    if (!text || gr_parse_u64(gr_str(text), max, &v) != GR_OK)
        return otherwise;
    return (size_t)v;
}

/* Errors and duplicates refuse a file; documented departures are told by their message. */
static void
judge(struct one *o)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_lint_options options;
    struct gr_diag_view v;
    struct gr_lint *l;
    uint32_t file;
    enum gr_err err;

    gr_lint_defaults(&options);
    l = gr_lint_create(&options, sources, d);
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), gr_buf_str(&o->text), &file), GR_OK);
    err = gr_lint_file(l, file);
    ck_assert(err == GR_OK || err == GR_EUSER);
    ck_assert((err == GR_EUSER) == (gr_diags_count(d, GR_SEV_ERROR) > 0));
    ck_assert_int_eq(gr_lint_finish(l), GR_OK);
    o->ours = err == GR_OK;
    o->known = false;
    for (size_t i = 0; gr_diags_get(d, i, &v); i++) {
        if (v.code == GR0503)
            o->ours = false;
        if (v.code == GR0005 &&
            (gr_str_is(v.message, "tags are not allowed") || gr_str_is(v.message, "aliases are not allowed")))
            o->known = true;
        if (v.code == GR0004 && gr_str_is(v.message, "a byte order mark inside the text"))
            o->known = true;
    }
    gr_lint_free(l);
    gr_diags_free(d);
    gr_sources_free(sources);
}

static void
path_of(char *path, size_t n, const char *folder, size_t i)
{
    snprintf(path, n, "%s/%zu.yml", folder, i);
}

/* Runs promtool on files from … count-1 of the folder; its output is in FOLDER/output. False if it crashed.
 * */
static bool
run_promtool(const char *folder, size_t from, size_t count)
{
    char(*paths)[64] = calloc(count, sizeof *paths), out[64];
    char **argv = calloc(count + 5, sizeof *argv);
    char words[4][16] = {"promtool", "check", "rules", "--lint-fatal"};
    int status = -1;
    pid_t pid;

    ck_assert(paths && argv);
    for (size_t i = 0; i < 4; i++)
        argv[i] = words[i];
    for (size_t i = from; i < count; i++) {
        path_of(paths[i], sizeof paths[i], folder, i);
        argv[4 + i - from] = paths[i];
    }
    snprintf(out, sizeof out, "%s/output", folder);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
            execv(getenv("PROMTOOL"), argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 3, "promtool ended with %d", status);
    free(argv);
    free(paths);
    return WEXITSTATUS(status) != 2;
}

/* "Checking FOLDER/12.yml", then "  SUCCESS: …" or "  FAILED:". */
static void
read_verdicts(const char *folder, struct one *all, size_t count)
{
    struct gr_buf b = GR_BUF_INIT(OUTPUT_MAX);
    struct gr_str rest, line;
    uint64_t now = count;
    char out[64];

    snprintf(out, sizeof out, "%s/output", folder);
    ck_assert_int_eq(gr_file_read(out, &b), GR_OK);
    rest = gr_buf_str(&b);
    while (gr_str_next(&rest, '\n', &line)) {
        size_t prefix = strlen("Checking ") + strlen(folder) + 1;

        if (gr_str_starts(line, GR_STR("Checking ")) && gr_str_ends(line, GR_STR(".yml"))) {
            ck_assert_int_eq(gr_parse_u64(gr_str_sub(line, prefix, line.n - 4), count, &now), GR_OK);
        } else if (now < count && !all[now].seen &&
                   (gr_str_starts(line, GR_STR("  SUCCESS")) || gr_str_starts(line, GR_STR("  FAILED")))) {
            all[now].promtool = gr_str_starts(line, GR_STR("  SUCCESS"));
            all[now].seen = true;
        }
    }
    gr_buf_fini(&b);
}

/* A list as a key beside a merge key, for one, is too much for yaml.v3. Prometheus would not start. */
static void
refused_by_crash(struct one *o)
{
    o->seen = true;
    o->promtool = false;
}

static void
ask_promtool(struct one *all, size_t count)
{
    char folder[] = "rulefile-diff-XXXXXX", path[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < count; i++) {
        FILE *f;

        path_of(path, sizeof path, folder, i);
        f = fopen(path, "wb");
        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(gr_buf_cstr(&all[i].text), 1, all[i].text.n, f), all[i].text.n);
        ck_assert_int_eq(fclose(f), 0);
    }
    for (size_t from = 0; from < count;) {
        bool crashed = !run_promtool(folder, from, count);

        read_verdicts(folder, all, count);
        while (from < count && all[from].seen)
            from++;
        ck_assert_msg((from < count) == crashed, "promtool said nothing about file %zu", from);
        if (crashed)
            refused_by_crash(&all[from++]);
    }
    for (size_t i = 0; i < count; i++) {
        path_of(path, sizeof path, folder, i);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/output", folder);
    unlink(path);
    rmdir(folder);
}

/* yaml.v3 looks a word or two further behind the first document than we do, and gives up where those are
 * none. */
static bool
ends_early(const struct one *o)
{
    struct gr_str text = gr_buf_str(&o->text);

    return o->ours && !o->promtool &&
           (gr_str_find(text, GR_STR("\n---"), 0) != SIZE_MAX ||
            gr_str_find(text, GR_STR("\n..."), 0) != SIZE_MAX);
}

struct tally {
    size_t taken, wrong, known;
};

static void
run_batch(struct gen *g, struct one *all, size_t count, struct tally *t)
{
    for (size_t i = 0; i < count; i++) {
        gr_buf_init(&all[i].text, 1 << 22);
        all[i].seen = false;
        g->out = &all[i].text;
        g->errors_in = (const unsigned[]){0, 60, 200, 200}[i % 4];
        gen_rulefile(g, i % 4 == 3 ? 1 + gen_below(g, 3) : 0);
        ck_assert_int_eq(gr_buf_err(&all[i].text), GR_OK);
        judge(&all[i]);
    }
    ask_promtool(all, count);
    for (size_t i = 0; i < count; i++) {
        t->taken += all[i].ours;
        all[i].known = all[i].known || ends_early(&all[i]);
        t->known += all[i].known;
        if (!all[i].known && all[i].ours != all[i].promtool && t->wrong++ < SHOWN_MAX)
            printf("---- %s, promtool %s:\n%s\n", all[i].ours ? "taken" : "refused",
                   all[i].promtool ? "takes" : "refuses", gr_buf_cstr(&all[i].text));
        gr_buf_fini(&all[i].text);
    }
}

START_TEST(verdicts_agree)
{
    size_t count = from_environment("GR_RULEFILE_COUNT", COUNT_DEFAULT, COUNT_MAX);
    struct gen g = {.state = from_environment("GR_RULEFILE_SEED", 20261123, SIZE_MAX - 1) | 1};
    struct one *all = calloc(BATCH, sizeof *all);
    struct tally t = {0};

    ck_assert_ptr_nonnull(all);
    for (size_t done = 0; done < count; done += BATCH)
        run_batch(&g, all, count - done < BATCH ? count - done : BATCH, &t);
    printf("rule files: %zu, %zu taken, %zu not compared, %zu disagreements\n", count, t.taken, t.known,
           t.wrong);
    fflush(stdout); /* a failed assertion ends the process */
    ck_assert_uint_eq(t.wrong, 0);
    ck_assert_msg(t.taken > count / 5 && t.taken < count - count / 5,
                  "%zu of %zu taken: the generator proves little", t.taken, count);
    ck_assert_uint_lt(t.known, count / 20 + 1);
    free(all);
}
END_TEST

Suite *
rulefile_diff_suite(void)
{
    Suite *s = suite_create("rulefile_diff");
    TCase *tc = tcase_create("promtool");
    const char *promtool = getenv("PROMTOOL");

    tcase_set_timeout(tc, 3600);
    if (promtool && *promtool)
        tcase_add_test(tc, verdicts_agree);
    else
        printf("rule files: promtool is missing, the comparison with it is skipped\n");
    suite_add_tcase(s, tc);
    return s;
}
