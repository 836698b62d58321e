/* prove_run.c - see prove_run.h. */
#include "config.h"
#include "prove_run.h"

#include <stdio.h>
#include "guardrail/file.h"
#include "prove_watch.h"
#include "stop.h"

#define SUITE_BYTES_MAX ((size_t)1 << 30)

static bool
plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* A guardrail's name as that of a file. */
static struct gr_str
file_base(struct prove_run *r, struct gr_str name)
{
    struct gr_str s = gr_arena_dup(r->session->arena, name);
    char *p = NULL;

    if (!s.p)
        return s;
    memcpy(&p, &s.p, sizeof p); /* the arena's bytes are ours */
    for (size_t i = 0; i < s.n; i++)
        if (!plain(p[i]))
            p[i] = '_';
    return s;
}

/* Written once, for this run: no need to outlive a power cut. */
int
prove_run_put_file(struct prove_run *r, struct gr_str name, struct gr_str content)
{
    struct gr_buf path = GR_BUF_INIT(8192);
    FILE *f = NULL;
    bool good;

    gr_buf_printf(&path, "%s/" GR_FMT, gr_buf_cstr(&r->folder), GR_ARG(name));
    good = gr_buf_err(&path) == GR_OK && (f = fopen(gr_buf_cstr(&path), "wbe")) != NULL &&
           fwrite(content.p, 1, content.n, f) == content.n;
    good = (!f || fclose(f) == 0) && good;
    if (!good)
        complain(r->self, "cannot write %s", gr_buf_cstr(&path));
    gr_buf_fini(&path);
    return good ? EXIT_CLEAN : EXIT_MACHINE;
}

static int
put_rules(struct prove_run *r, struct gr_arena *a, struct gr_str name, struct gr_str guardrail, bool shares)
{
    struct gr_buf b = GR_BUF_INIT(PROVE_FILE_BYTES_MAX);
    int code = EXIT_MACHINE;

    if (prove_put_rules(&b, a, r->rules, guardrail, shares, NULL) == GR_OK)
        code = prove_run_put_file(r, name, gr_buf_str(&b));
    gr_buf_fini(&b);
    return code;
}

/* One test file for each distance between evaluations. */
static int
put_tests(struct prove_run *r, struct prove_target *t)
{
    int64_t steps[PROVE_FILES];
    size_t n = 0;
    int code = EXIT_CLEAN;

    for (size_t i = 0; i < t->suite.n_worlds; i++) {
        size_t k = 0;

        while (k < n && steps[k] != t->suite.worlds[i]->step_ms)
            k++;
        if (k == n && n < PROVE_FILES)
            steps[n++] = t->suite.worlds[i]->step_ms;
    }
    for (size_t i = 0; i < n && code == EXIT_CLEAN; i++) {
        struct gr_buf b = GR_BUF_INIT(PROVE_FILE_BYTES_MAX);
        struct gr_str rules = gr_arena_printf(t->arena, GR_FMT ".rules.yml", GR_ARG(t->base));

        t->files[i] = i ? gr_arena_printf(t->arena, GR_FMT ".%zu.test.yml", GR_ARG(t->base), i + 1)
                        : gr_arena_printf(t->arena, GR_FMT ".test.yml", GR_ARG(t->base));
        code = EXIT_MACHINE;
        if (rules.p && t->files[i].p) {
            prove_put_tests(&b, &t->suite, steps[i], rules.p);
            if (gr_buf_err(&b) == GR_OK)
                code = prove_run_put_file(r, t->files[i], gr_buf_str(&b));
        }
        gr_buf_fini(&b);
    }
    t->n_files = n;
    return code;
}

/* The canary's share of the traffic has a file, and rules, of its own. */
static int
put_shares(struct prove_run *r, struct prove_target *t)
{
    struct gr_buf b = GR_BUF_INIT(PROVE_FILE_BYTES_MAX);
    struct gr_str rules = gr_arena_printf(t->arena, GR_FMT ".share.rules.yml", GR_ARG(t->base)),
                  name = gr_arena_printf(t->arena, GR_FMT ".share.test.yml", GR_ARG(t->base));
    int code = EXIT_MACHINE;

    GR_ASSERT(t->n_files < PROVE_FILES);
    if (rules.p && name.p) {
        prove_share_put(&b, &t->suite, rules.p);
        t->files[t->n_files++] = name;
        if (gr_buf_err(&b) == GR_OK)
            code = prove_run_put_file(r, name, gr_buf_str(&b));
    }
    gr_buf_fini(&b);
    return code == EXIT_CLEAN ? put_rules(r, t->arena, rules, t->suite.g->name, true) : code;
}

static int
prepare(struct prove_run *r, struct prove_target *t, const struct guardrail *g)
{
    struct gr_str rules;
    int code;

    t->out = (struct gr_buf)GR_BUF_INIT(PROMTOOL_BYTES_MAX);
    t->base = file_base(r, g->name);
    if (!t->base.p || !(t->arena = gr_arena_create(SUITE_BYTES_MAX)) ||
        prove_suite_build(t->arena, r->m, g, r->emitted, false, &t->suite) != GR_OK)
        return EXIT_MACHINE;
    if (t->suite.refused)
        return EXIT_CLEAN;
    rules = gr_arena_printf(t->arena, GR_FMT ".rules.yml", GR_ARG(t->base));
    code = put_rules(r, t->arena, rules, g->name, false);
    if (code == EXIT_CLEAN)
        code = put_tests(r, t);
    return code == EXIT_CLEAN && prove_share_any(&t->suite) ? put_shares(r, t) : code;
}

/* The group that watches, as if it were one more guardrail of that name. */
static int
prepare_watch(struct prove_run *r)
{
    const struct gr_rule_group *group = prove_watch_group(r->rules);
    struct prove_target *t = &r->targets[r->n_targets];
    struct guardrail *g = gr_arena_alloc(r->session->arena, sizeof *g);
    struct gr_buf b = GR_BUF_INIT(PROVE_FILE_BYTES_MAX);
    struct gr_str rules;
    int code;

    if (!group || (r->only && !gr_str_is(group->name, r->only)))
        return EXIT_CLEAN;
    r->n_targets++;
    t->out = (struct gr_buf)GR_BUF_INIT(PROMTOOL_BYTES_MAX);
    if (!g || !(t->arena = gr_arena_create(SUITE_BYTES_MAX)))
        return EXIT_MACHINE;
    *g = (struct guardrail){.name = group->name};
    t->suite = (struct prove_suite){.g = g, .cases = prove_watch_cases(r->m)};
    t->watch = true;
    t->base = file_base(r, group->name);
    rules = gr_arena_printf(t->arena, GR_FMT ".rules.yml", GR_ARG(t->base));
    t->files[t->n_files++] = gr_arena_printf(t->arena, GR_FMT ".test.yml", GR_ARG(t->base));
    if (!t->base.p || !rules.p || !t->files[0].p)
        return EXIT_MACHINE;
    prove_watch_put(&b, r->m, rules.p);
    code = gr_buf_err(&b) == GR_OK ? put_rules(r, t->arena, rules, GR_STR_NONE, false) : EXIT_MACHINE;
    if (code == EXIT_CLEAN)
        code = prove_run_put_file(r, t->files[0], gr_buf_str(&b));
    gr_buf_fini(&b);
    return code;
}

int
prove_run_write(struct prove_run *r)
{
    int watch;

    if (!(r->targets = gr_arena_array(r->session->arena, r->m->n_guardrails + 2, sizeof *r->targets)))
        return EXIT_MACHINE;
    for (size_t i = 0; i < r->m->n_guardrails; i++) {
        const struct guardrail *g = &r->m->guardrails[i];
        int code;

        if (r->only && !gr_str_is(g->name, r->only))
            continue;
        code = prepare(r, &r->targets[r->n_targets++], g);
        if (code != EXIT_CLEAN)
            return code;
    }
    if ((watch = prepare_watch(r)) != EXIT_CLEAN)
        return watch;
    if (r->n_targets == 0 && r->only)
        return usage(r->self, "there is no guardrail '%s'", r->only);
    return EXIT_CLEAN;
}

size_t
prove_run_cases(const struct prove_run *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_targets; i++)
        n += r->targets[i].suite.refused ? 0 : r->targets[i].suite.cases;
    return n;
}

void
prove_run_fini(struct prove_run *r)
{
    for (size_t i = 0; i < r->n_targets; i++) {
        gr_arena_free(r->targets[i].arena);
        gr_buf_fini(&r->targets[i].out);
    }
}

/* ---- running ---- */

/* promtool test rules FOLDER/FILE… */
struct job {
    struct promtool_run run;
    size_t target;
    struct gr_buf paths[PROVE_FILES];
};

static void
start(struct prove_run *r, struct job *j, size_t target)
{
    const struct prove_target *t = &r->targets[target];
    const char *argv[PROVE_FILES + 4] = {r->program, "test", "rules"};

    for (size_t i = 0; i < t->n_files; i++) {
        j->paths[i].max = 8192;
        gr_buf_reset(&j->paths[i]);
        gr_buf_printf(&j->paths[i], "%s/" GR_FMT, gr_buf_cstr(&r->folder), GR_ARG(t->files[i]));
        argv[3 + i] = gr_buf_cstr(&j->paths[i]);
    }
    j->target = target;
    promtool_start(&j->run, argv);
}

static void
finish(struct prove_run *r, struct job *j)
{
    struct prove_target *t = &r->targets[j->target];

    t->end = j->run.end;
    gr_buf_put(&t->out, gr_buf_str(&j->run.out));
    if (t->end == PROMTOOL_FAILED)
        t->failed = prove_failed_cases(t, gr_buf_str(&t->out), NULL);
}

/* Whether the job has ended and was dealt with. */
static bool
settle(struct prove_run *r, struct job *j, bool *busy)
{
    if (!*busy || j->run.running)
        return false;
    finish(r, j);
    *busy = false;
    return true;
}

int
prove_run_tests(struct prove_run *r)
{
    struct job jobs[PROMTOOL_JOBS_MAX] = {0};
    struct promtool_run *runs[PROMTOOL_JOBS_MAX];
    bool busy[PROMTOOL_JOBS_MAX] = {false};
    size_t next = 0, done = 0;
    int code = EXIT_CLEAN;

    for (size_t i = 0; i < r->jobs; i++)
        runs[i] = &jobs[i].run;
    while (done < r->n_targets && !stop_asked()) {
        for (size_t i = 0; i < r->jobs; i++) {
            done += settle(r, &jobs[i], &busy[i]);
            while (next < r->n_targets && r->targets[next].suite.refused) {
                next++;
                done++;
            }
            if (!busy[i] && next < r->n_targets) {
                start(r, &jobs[i], next++);
                busy[i] = true;
            }
        }
        for (size_t i = 0; i < r->jobs; i++)
            if (busy[i] && jobs[i].run.running) {
                (void)promtool_wait(runs, r->jobs);
                break;
            }
    }
    for (size_t i = 0; i < r->jobs; i++) {
        promtool_stop(&jobs[i].run);
        gr_buf_fini(&jobs[i].run.out);
        for (size_t k = 0; k < PROVE_FILES; k++)
            gr_buf_fini(&jobs[i].paths[k]);
    }
    if (stop_asked())
        return EXIT_MACHINE;
    for (size_t i = 0; i < r->n_targets; i++) {
        const struct prove_target *t = &r->targets[i];

        if (t->suite.refused || t->end == PROMTOOL_PASSED)
            continue;
        if (t->end == PROMTOOL_ABSENT) {
            complain(r->self,
                     "there is no '%s': install Prometheus' promtool, set PROMTOOL to its path, or use "
                     "--write-only",
                     r->program);
            return EXIT_USAGE;
        }
        code = t->end == PROMTOOL_FAILED ? EXIT_FINDINGS : EXIT_MACHINE;
        if (code == EXIT_MACHINE) {
            complain(r->self, t->end == PROMTOOL_TIMEOUT ? "promtool took more than two minutes"
                                                         : "promtool was killed");
            return code;
        }
    }
    for (size_t i = 0; i < r->n_targets; i++)
        if (!r->targets[i].suite.refused && r->targets[i].end == PROMTOOL_FAILED)
            code = EXIT_FINDINGS;
    return code;
}
