/* reference.c - the property test: for random specifications and worlds, what real Prometheus computes from the emitted rules is what the
 * reference evaluator says, sample by sample.
 *
 *     reference --guardrailc build/guardrailc --promtool promtool --work DIR [--seed N] [--count N] [--worlds N] [--spec FILE]
 *
 * Verdicts, reasons, supported breaches and alerts are compared exactly; effect, coverage and evidence to 1e-9, relative (absolute below 1).
 * Where a value lies so near a limit that rounding decides, a difference is counted and passed over. Seed N alone is run again by --seed N --count 1;
 * its folder (specification, rules, promtool's file and output) is kept when it failed. Exit: 0 all equal, 1 not, 2 usage, 3 it could not run. */
#include "config.h"
#include "alerts.h"
#include "compiler/spec.h"
#include "scenario.h"

#include "guardrail/diag.h"
#include "guardrail/file.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_BYTES_MAX ((size_t)1 << 30)
#define TEXT_BYTES_MAX (64u << 20)
#define EVALUATIONS 30u
#define WORLDS_MAX 64u
#define TELL_MAX 8u /* differences of one seed that are printed */
#define ARGUMENTS_MAX 16u
#define TOLERANCE 1e-9
#define EXIT_DIFFERENT 1
#define EXIT_CANNOT 3

extern char **environ;

struct totals {
    unsigned long long specs, refused, worlds, samples, near, different;
};
struct options {
    const char *guardrailc, *promtool, *work, *spec;
    uint64_t seed, count;
    unsigned worlds;
    bool left_open, keep;
};
struct test { /* one specification and its worlds */
    const struct options *o;
    struct totals *totals;
    uint64_t seed;
    struct gr_arena *a;
    const struct model *m;
    struct world world[WORLDS_MAX];
    struct evaluation *mine[WORLDS_MAX];
    unsigned told;
};

/* -- files and programs ---------------------------------------------------------------------------------------------------- */

static bool
write_text(const char *path, const struct gr_buf *b)
{
    FILE *f = fopen(path, "w");
    bool ok = f && gr_buf_err(b) == GR_OK && fwrite(gr_buf_cstr(b), 1, b->n, f) == b->n;

    return f && fclose(f) == 0 && ok;
}

/* Runs a program in a folder, both outputs into one file; its exit status, or -1. */
static int
run_program(const char *const argv[], const char *output)
{
    char *mutable[ARGUMENTS_MAX + 1] = {
        NULL}; /* posix_spawn does not change them, but its type says char * */
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = -1;

    for (size_t i = 0; i < ARGUMENTS_MAX && argv[i]; i++)
        memcpy(&mutable[i], &argv[i], sizeof mutable[i]);
    if (posix_spawn_file_actions_init(&files) != 0)
        return -1;
    if (posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600) == 0 &&
        posix_spawn_file_actions_adddup2(&files, 1, 2) == 0 &&
        posix_spawnp(&pid, argv[0], &files, NULL, mutable, environ) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    (void)posix_spawn_file_actions_destroy(&files);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* -- comparing --------------------------------------------------------------------------------------------------------------- */

static bool
key_has(struct gr_str key, struct gr_str name, struct gr_str value)
{
    for (size_t i = 1; i + name.n + 1 + value.n < key.n; i++) {
        const char *p = key.p + i;

        if ((p[-1] == '{' || p[-1] == ',') && memcmp(p, name.p, name.n) == 0 && p[name.n] == '=' &&
            memcmp(p + name.n + 1, value.p, value.n) == 0 &&
            (p[name.n + 1 + value.n] == ',' || p[name.n + 1 + value.n] == '}'))
            return true;
    }
    return false;
}

/* Whether rounding may have decided what this series says: then or, for alerts that hold, up to three slots ago. */
static bool
is_near(const struct evaluation *mine, size_t k, struct gr_str key)
{
    size_t back = key.p[0] == 'A' ? 3 : 0;

    for (size_t i = k > back ? k - back : 0; i <= k; i++)
        for (size_t j = 0; j < mine[i].n; j++) {
            const struct judged *one = &mine[i].v[j];
            bool same = key_has(key, GR_STR("guardrail"), one->g->name);

            for (size_t l = 0; same && l < one->labels.n; l++)
                same = key_has(key, one->labels.v[l].key, one->labels.v[l].value);
            if (same && (one->near || one->near_edge))
                return true;
        }
    return false;
}

static bool
has_reading(const struct readings *r, struct gr_str key)
{
    for (size_t i = 0; i < r->n; i++)
        if (gr_str_eq(r->v[i].key, key))
            return true;
    return false;
}

/* The series of why nothing can be said. Of a spoilt guardrail either of two reasons is right. */
static struct gr_str
reason_key(struct gr_arena *a, const struct judged *j, const struct readings *theirs)
{
    enum reason other = j->reason == REASON_THIN ? REASON_SUSPECT : REASON_THIN;
    struct pair reason = {GR_STR("reason"), gr_str(reason_names[other])};
    struct gr_str key;

    if (j->spoilt && (j->reason == REASON_THIN || j->reason == REASON_SUSPECT)) {
        key = reading_key(a, "guardrail:insufficient", j, &reason, 1);
        if (has_reading(theirs, key))
            return key;
    }
    reason.value = gr_str(reason_names[j->reason]);
    return reading_key(a, "guardrail:insufficient", j, &reason, 1);
}

/* What the evaluator says, as series. */
static bool
readings_of(struct gr_arena *a, const struct evaluation *e, const struct readings *theirs,
            struct readings *out)
{
    static const char *const levels[] = {"hard", "soft"};
    bool ok = true;

    for (size_t i = 0; ok && i < e->n; i++) {
        const struct judged *j = &e->v[i];

        if (j->verdict_known)
            ok = readings_add(a, out, reading_key(a, "guardrail:verdict", j, NULL, 0), j->verdict);
        if (ok && j->effect_known)
            ok = readings_add(a, out, reading_key(a, "guardrail:effect", j, NULL, 0), j->effect);
        if (ok && j->coverage_known)
            ok = readings_add(a, out, reading_key(a, "guardrail:coverage", j, NULL, 0), j->coverage);
        if (ok && j->evidence_known)
            ok = readings_add(a, out, reading_key(a, "guardrail:evidence", j, NULL, 0), j->evidence);
        if (ok && j->reason >= 0)
            ok = readings_add(a, out, reason_key(a, j, theirs), 1);
        for (unsigned bit = 0; ok && bit < 8; bit++) {
            struct pair more[] = {{GR_STR("level"), gr_str(levels[bit / 4])},
                                  {GR_STR("side"), gr_str(side_names[bit % 4])}};

            if (j->supported >> bit & 1)
                ok = readings_add(a, out, reading_key(a, "guardrail:supported", j, more, 2), 1);
        }
    }
    return ok;
}

static bool
starts(struct gr_str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

static void
tell(struct test *t, unsigned world, size_t k, struct gr_str key, const struct reading *mine,
     const struct reading *theirs)
{
    char a[40] = "nothing", b[40] = "nothing";

    if (is_near(t->mine[world], k, key)) {
        t->totals->near++;
        return;
    }
    t->totals->different++;
    if (t->told++ >= TELL_MAX)
        return;
    if (mine)
        (void)snprintf(a, sizeof a, "%.17g", mine->v);
    if (theirs)
        (void)snprintf(b, sizeof b, "%.17g", theirs->v);
    printf("DIFFERENT: seed %llu, world %u, at %llds: " GR_FMT "\n    evaluator %s, Prometheus %s\n",
           (unsigned long long)t->seed, world, (long long)((int64_t)k * t->m->sampling_ms / 1000),
           GR_ARG(key), a, b);
}

static bool
equal(struct gr_str key, double a, double b)
{
    if (starts(key, "guardrail:supported")) /* its value is the limit */
        return true;
    return fabs(a - b) <= TOLERANCE * fmax(1, fmax(fabs(a), fabs(b)));
}

/* Evidence is recorded for more than uses it, and before it may decide anything: only what the evaluator knows is compared. */
static bool
only_theirs_counts(const struct reading *theirs)
{
    return !starts(theirs->key, "guardrail:evidence") && !isnan(theirs->v);
}

static void
compare(struct test *t, unsigned world, size_t k, const struct readings *mine, const struct readings *theirs)
{
    size_t i = 0, j = 0;

    while (i < mine->n || j < theirs->n) {
        int order = i == mine->n ? 1 : j == theirs->n ? -1 : gr_str_cmp(mine->v[i].key, theirs->v[j].key);

        if (order < 0) {
            tell(t, world, k, mine->v[i].key, &mine->v[i], NULL);
            t->totals->samples++;
        } else if (order > 0) {
            if (only_theirs_counts(&theirs->v[j])) {
                tell(t, world, k, theirs->v[j].key, NULL, &theirs->v[j]);
                t->totals->samples++;
            }
        } else {
            if (!equal(mine->v[i].key, mine->v[i].v, theirs->v[j].v))
                tell(t, world, k, mine->v[i].key, &mine->v[i], &theirs->v[j]);
            t->totals->samples++;
        }
        i += order <= 0;
        j += order >= 0;
    }
}

/* -- one specification ------------------------------------------------------------------------------------------------------- */

static bool
compare_all(struct test *t, const char *path)
{
    struct gr_buf text = GR_BUF_INIT(TEXT_BYTES_MAX);
    struct readings *theirs = gr_arena_array(t->a, t->o->worlds * EVALUATIONS, sizeof *theirs);
    bool ok = theirs && gr_file_read(path, &text) == GR_OK &&
              oracle_read(t->a, gr_buf_str(&text), t->o->worlds, EVALUATIONS, t->m->sampling_ms, theirs);

    for (unsigned w = 0; ok && w < t->o->worlds; w++) {
        struct alerts alerts = {0};

        for (size_t k = 0; ok && k < EVALUATIONS; k++) {
            struct readings mine = {0};

            ok = readings_of(t->a, &t->mine[w][k], &theirs[w * EVALUATIONS + k], &mine) &&
                 alerts_step(t->a, &alerts, &t->mine[w][k], (int64_t)k * t->m->sampling_ms, t->m->sampling_ms,
                             &mine);
            readings_sort(&mine);
            if (ok)
                compare(t, w, k, &mine, &theirs[w * EVALUATIONS + k]);
        }
        t->totals->worlds++;
    }
    gr_buf_fini(&text);
    return ok;
}

static bool
model_read(struct test *t, struct gr_sources *sources, const char *path, bool *refused)
{
    struct gr_diags *diags = gr_diags_create(sources);
    struct model *m = NULL;
    enum gr_err err =
        diags ? spec_open(t->a, sources, path, (struct spec_options){.time_scale = 1}, diags, &m) : GR_ENOMEM;

    *refused = err == GR_EUSER;
    t->m = m;
    gr_diags_free(diags);
    return err == GR_OK;
}

/* Writes the worlds as promtool's tests, and evaluates them. */
static bool
worlds_make(struct test *t, const char *path)
{
    struct gr_buf text = GR_BUF_INIT(TEXT_BYTES_MAX);
    bool ok = true;

    oracle_begin(&text, t->m->sampling_ms);
    for (unsigned w = 0; ok && w < t->o->worlds; w++) {
        struct world *world = &t->world[w];

        ok = scenario_world(t->a, t->m, t->seed, w, EVALUATIONS, world);
        world->left_open = t->o->left_open;
        if (ok)
            oracle_world(&text, world, w, t->m->sampling_ms, EVALUATIONS);
        ok = ok && (t->mine[w] = evaluate(t->a, t->m, world, EVALUATIONS)) != NULL;
    }
    ok = ok && write_text(path, &text);
    gr_buf_fini(&text);
    return ok;
}

struct paths {
    char folder[PATH_MAX], spec[PATH_MAX], out[PATH_MAX], log[PATH_MAX], tests[PATH_MAX], said[PATH_MAX];
};

static bool
paths_make(struct paths *p, const char *work, uint64_t seed)
{
    static const char *const names[] = {"spec.yml", "out", "compile.log", "out/prometheus/tests.yml",
                                        "promtool.log"};
    char *const to[] = {p->spec, p->out, p->log, p->tests, p->said};

    if (snprintf(p->folder, sizeof p->folder, "%s/seed-%llu", work, (unsigned long long)seed) >=
        PATH_MAX - 64)
        return false;
    for (size_t i = 0; i < GR_COUNT(names); i++)
        if (snprintf(to[i], PATH_MAX, "%s/%s", p->folder, names[i]) >= PATH_MAX)
            return false;
    return mkdir(p->folder, 0700) == 0 || errno == EEXIST;
}

static bool
test_run(struct test *t, const struct paths *p, bool *refused)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_buf spec = GR_BUF_INIT(TEXT_BYTES_MAX);
    const char *path = t->o->spec ? t->o->spec : p->spec;
    const char *compile[] = {t->o->guardrailc, "compile", "-q", "--only", "rules", "-o", p->out, path, NULL};
    const char *promtool[] = {t->o->promtool, "test", "rules", p->tests, NULL};
    bool ok = sources != NULL;

    if (ok && !t->o->spec) {
        scenario_spec(&spec, t->seed);
        ok = write_text(p->spec, &spec);
    }
    ok = ok && model_read(t, sources, path, refused);
    if (ok && run_program(compile, p->log) != 0) {
        fprintf(stderr, "seed %llu: guardrailc failed, see %s\n", (unsigned long long)t->seed, p->log);
        ok = false;
    }
    ok = ok && worlds_make(t, p->tests);
    /* 1: expectations were not met, as was asked for. */
    if (ok && (run_program(promtool, p->said) & ~1) != 0)
        ok = false;
    ok = ok && compare_all(t, p->said);
    gr_buf_fini(&spec);
    gr_sources_free(sources);
    return ok;
}

static void
folder_remove(const struct paths *p)
{
    const char *argv[] = {"rm", "-rf", p->folder, NULL};

    (void)run_program(argv, "/dev/null");
}

static int
seed_run(const struct options *o, uint64_t seed, struct totals *totals)
{
    struct test *t = calloc(1, sizeof *t);
    struct paths *p = calloc(1, sizeof *p);
    bool refused = false, ok;
    int code = 0;

    if (!t || !p || !paths_make(p, o->work, seed)) {
        free(t);
        free(p);
        return EXIT_CANNOT;
    }
    *t = (struct test){.o = o, .totals = totals, .seed = seed, .a = gr_arena_create(ARENA_BYTES_MAX)};
    ok = t->a && test_run(t, p, &refused);
    totals->specs++;
    totals->refused += refused;
    if (!ok && !refused) {
        printf("FAILED: seed %llu could not be run; kept: %s\n", (unsigned long long)seed, p->folder);
        code = EXIT_CANNOT;
    } else if (t->told) {
        printf("    seed %llu: %u differences; kept: %s\n", (unsigned long long)seed, t->told, p->folder);
        code = EXIT_DIFFERENT;
    }
    if (code == 0 && !o->keep)
        folder_remove(p);
    gr_arena_free(t->a);
    free(t);
    free(p);
    return code;
}

/* -- main ---------------------------------------------------------------------------------------------------------------------- */

static bool
options_read(struct options *o, int argc, char **argv)
{
    static const struct option rows[] = {{"guardrailc", 1, NULL, 'g'}, {"promtool", 1, NULL, 'p'},
                                         {"work", 1, NULL, 'w'},       {"seed", 1, NULL, 's'},
                                         {"count", 1, NULL, 'n'},      {"worlds", 1, NULL, 'W'},
                                         {"spec", 1, NULL, 'S'},       {"left-open", 0, NULL, 'l'},
                                         {"keep", 0, NULL, 'k'},       {NULL, 0, NULL, 0}};
    uint64_t worlds = 4;
    bool ok = true;
    int c;

    *o = (struct options){.guardrailc = "guardrailc", .promtool = "promtool", .seed = 1, .count = 1};
    while (ok && (c = getopt_long(argc, argv, "", rows, NULL)) != -1)
        switch (c) {
        case 'g':
            o->guardrailc = optarg;
            break;
        case 'p':
            o->promtool = optarg;
            break;
        case 'w':
            o->work = optarg;
            break;
        case 'S':
            o->spec = optarg;
            break;
        case 's':
            ok = gr_parse_u64(gr_str(optarg), UINT64_MAX, &o->seed) == GR_OK;
            break;
        case 'n':
            ok = gr_parse_u64(gr_str(optarg), 1000000, &o->count) == GR_OK;
            break;
        case 'W':
            ok = gr_parse_u64(gr_str(optarg), WORLDS_MAX, &worlds) == GR_OK && worlds > 0;
            break;
        case 'l':
            o->left_open = true;
            break;
        case 'k':
            o->keep = true;
            break;
        default:
            ok = false;
        }
    o->worlds = (unsigned)worlds;
    return ok && o->work && optind == argc;
}

int
main(int argc, char **argv)
{
    struct totals totals = {0};
    struct options o;
    int worst = 0;

    if (!options_read(&o, argc, argv)) {
        fputs("usage: reference --guardrailc PATH --promtool PATH --work DIR [--seed N] [--count N] "
              "[--worlds N]\n"
              "                 [--spec FILE] [--left-open] [--keep]\n",
              stderr);
        return 2;
    }
    for (uint64_t i = 0; i < o.count; i++) {
        int code = seed_run(&o, o.seed + i, &totals);

        worst = code > worst ? code : worst;
    }
    printf("%llu specifications (%llu refused), %llu worlds, %llu samples compared: %llu different, %llu "
           "passed over because "
           "they are near a limit\n",
           totals.specs, totals.refused, totals.worlds, totals.samples, totals.different, totals.near);
    /* A generator that is mostly refused, or mostly near limits, would test nothing. */
    if (totals.refused * 20 > totals.specs || totals.near * 1000 > totals.samples) {
        puts("FAILED: too many of them");
        worst = worst ? worst : EXIT_DIFFERENT;
    }
    return worst;
}
