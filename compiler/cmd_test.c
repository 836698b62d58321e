/* cmd_test.c - guardrailc test SPEC: writes unit tests of the emitted rules, and runs them with promtool. */
#include "config.h"
#include "command.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"
#include "guardrail/file.h"
#include "guardrail/number.h"
#include "prove_run.h"
#include "stop.h"

const struct option_row test_options[] = {
    {"doubt", 0, NULL, "with --mutate: tests also changes that are known to be the same"},
    {"guardrail", 'g', "NAME", "this guardrail only"},
    {"jobs", 'j', "N", "how many promtools run at a time, 1 to 16 (default 2)"},
    {"mutate", 0, NULL, "change each part of each rule, and require that a test notices"},
    {"rule", 0, "NAME", "with --mutate: only rules of this name, such as guardrail:verdict"},
    {"rules", 0, "FILE", "test these rules instead of those that compile would write"},
    {"sample", 0, "N", "with --mutate: only so many changes, chosen by --seed"},
    {"seed", 0, "N", "which changes --sample chooses (default 1)"},
    {"spread", 0, NULL, "with --sample: of each kind of rule and change one before any second"},
    {"write-only", 0, "DIR", "write rules and tests there, and run nothing"},
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

static int
take_number(const struct command *self, const struct options *o, const char *name, uint64_t least,
            uint64_t most, uint64_t *out)
{
    const char *text = options_get(self->options, o, name);

    if (text && (gr_parse_u64(gr_str(text), most, out) != GR_OK || *out < least))
        return usage(self, "--%s: a number from %llu to %llu", name, (unsigned long long)least,
                     (unsigned long long)most);
    return EXIT_CLEAN;
}

static int
take_options(struct prove_run *r, const struct options *o)
{
    const struct option_row *rows = r->self->options;
    uint64_t jobs = 2, sample = 0, seed = 1;
    int code;

    if ((code = take_number(r->self, o, "jobs", 1, PROMTOOL_JOBS_MAX, &jobs)) != EXIT_CLEAN ||
        (code = take_number(r->self, o, "sample", 1, 1000000, &sample)) != EXIT_CLEAN ||
        (code = take_number(r->self, o, "seed", 0, UINT64_MAX, &seed)) != EXIT_CLEAN)
        return code;
    r->jobs = (size_t)jobs;
    r->sample = (size_t)sample;
    r->seed = seed;
    r->mutate = options_get(rows, o, "mutate") != NULL;
    r->spread = options_get(rows, o, "spread") != NULL;
    r->doubt = options_get(rows, o, "doubt") != NULL;
    r->only = options_get(rows, o, "guardrail");
    r->rule = options_get(rows, o, "rule");
    r->program = promtool_program(getenv("PROMTOOL"));
    if (r->sample > 0 && !r->mutate)
        return usage(r->self, "--sample says how many changes --mutate makes: give both");
    if (r->rule && !r->mutate)
        return usage(r->self, "--rule says which rules --mutate changes: give both");
    if (r->spread && r->sample == 0)
        return usage(r->self, "--spread says which changes --sample chooses: give both");
    if (r->doubt && !r->mutate)
        return usage(r->self, "--doubt is for what --mutate explains: give both");
    if (r->mutate && options_get(rows, o, "write-only"))
        return usage(r->self, "--write-only runs nothing, so it does not go with --mutate");
    if (r->session->style.format != GR_DIAG_TEXT && r->session->style.format != GR_DIAG_JSON)
        return usage(r->self, "results are told as text or json, not as sarif or github");
    return EXIT_CLEAN;
}

/* The rules under test. */
static int
load_rules(struct prove_run *r, const char *path)
{
    struct gr_node_limits limits = gr_node_limits_default;
    struct gr_node *root = NULL;
    uint32_t file = 0;
    enum gr_err err;
    int code;

    if (rules_lower(r->m, &r->emitted) != GR_OK)
        return EXIT_MACHINE;
    r->rules = r->emitted;
    if (!path)
        return EXIT_CLEAN;
    if ((code = session_source(r->session, path, GR_SOURCE_BYTES_MAX, &file)) != EXIT_CLEAN)
        return code;
    limits.nodes = 4000000;
    err =
        gr_yaml_read_foreign(r->session->arena, r->session->sources, file, &limits, r->session->diags, &root);
    if (err == GR_EUSER)
        return EXIT_FINDINGS;
    if (err == GR_OK)
        err = prove_read_rules(r->session->arena, root, &r->rules);
    if (err == GR_ESYNTAX) {
        complain(r->self, "%s: there are no rules in it", path);
        return EXIT_USAGE;
    }
    return err == GR_OK ? EXIT_CLEAN : EXIT_MACHINE;
}

/* ---- the folder ---- */

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int
make_folder(struct prove_run *r, const char *wanted)
{
    const char *base = getenv("TMPDIR");

    if (wanted) {
        gr_buf_puts(&r->folder, wanted);
        if (gr_dir_make(wanted) == GR_OK)
            return EXIT_CLEAN;
        complain(r->self, "cannot make the folder %s", wanted);
        return EXIT_MACHINE;
    }
    gr_buf_printf(&r->folder, "%s/guardrailc-test.XXXXXX", base && *base ? base : "/tmp");
    if (gr_buf_err(&r->folder) == GR_OK && mkdtemp(r->folder.p)) {
        r->temporary = true;
        return EXIT_CLEAN;
    }
    complain(r->self, "cannot make a folder in %s", base && *base ? base : "/tmp");
    return EXIT_MACHINE;
}

static bool
has_rule(const struct gr_rulefile *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < f->groups[i]->count; k++)
            if (gr_str_is(f->groups[i]->rules[k]->name, name))
                return true;
    return false;
}

static int
prove(struct prove_run *r, const struct options *o)
{
    const char *write = options_get(r->self->options, o, "write-only");
    int code;

    if ((code = load_rules(r, options_get(r->self->options, o, "rules"))) != EXIT_CLEAN)
        return code;
    if (r->rule && !has_rule(r->rules, r->rule)) {
        complain(r->self, "no rule has the name '%s'", r->rule);
        return EXIT_USAGE;
    }
    if ((code = make_folder(r, write)) != EXIT_CLEAN || (code = prove_run_write(r)) != EXIT_CLEAN)
        return code;
    if (write) {
        if (!r->session->quiet)
            printf("%zu guardrails, %zu cases written to %s\n", r->n_targets, prove_run_cases(r), write);
        return EXIT_CLEAN;
    }
    if ((code = prove_run_tests(r)) != EXIT_CLEAN && code != EXIT_FINDINGS)
        return code;
    if (code == EXIT_CLEAN && r->mutate)
        code = prove_run_mutants(r);
    return stop_asked() ? EXIT_MACHINE : prove_run_report(r, code);
}

int
test_run(const struct command *self, const struct options *o)
{
    struct prove_run r = {.self = self, .folder = GR_BUF_INIT(4096)};
    struct session s;
    int code = session_init(&s, self, o);

    if (code != EXIT_CLEAN)
        return code;
    r.session = &s;
    r.started_ms = promtool_clock_ms();
    if (o->n_operands != 1)
        code = usage(self, "name one specification");
    if (code == EXIT_CLEAN)
        code = take_options(&r, o);
    (void)setenv("GOGC", "400", 0); /* Go's collector is a quarter of promtool's time, and its memory small */
    if (code == EXIT_CLEAN) {
        code = session_spec(&s, o->operands[0], 1, &r.m);
        if (code != EXIT_CLEAN)
            code = session_report(&s, code);
        stop_watch();
        if (code == EXIT_CLEAN && (code = prove(&r, o)) == EXIT_FINDINGS &&
            gr_diags_count(s.diags, GR_SEV_ERROR) > 0)
            code = session_report(&s, code);
    }
    if (r.temporary)
        (void)nftw(gr_buf_cstr(&r.folder), remove_one, 16, FTW_DEPTH | FTW_PHYS);
    prove_run_fini(&r);
    gr_buf_fini(&r.folder);
    session_fini(&s);
    stop_finish();
    return code;
}
