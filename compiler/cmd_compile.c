/* cmd_compile.c - guardrailc compile: a specification to its output tree. */
#include "config.h"
#include "command.h"

#include <stdio.h>
#include "backend.h"
#include "clock.h"
#include "guardrail/number.h"
#include "manifest.h"
#include "signoff.h"
#include "tree.h"

#define TIME_SCALE_MAX 1000u

const struct option_row compile_options[] = {
    {"out", 'o', "DIR", "where the tree is (required)"},
    {"check", 0, NULL, "compare with what is there, write nothing; 1 when stale"},
    {"only", 0, "PART,...", "only these parts: alertmanager, deploy, facts, grafana, policy, rules"},
    {"target", 0, "mimir|operator|prometheus|vmalert", "what it runs on (default prometheus)"},
    {"require-changelog", 0, NULL,
     "fail when something is loosened without a signed entry in the change log"},
    {"against", 0, "REV", "for that, compare with SPEC at a git revision, not with the tree in DIR"},
    {"time-scale", 0, "N", "divide every duration by N (1-1000), for tests and demos"},
    ALERTMANAGER_OPTION,
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

static enum gr_err
emit_named(const struct command *self, const struct target *target, const struct model *m, const char *only,
           struct tree *t)
{
    struct gr_str rest = gr_str(only), name;
    enum gr_err err = GR_OK;

    while (err == GR_OK && gr_str_next(&rest, ',', &name)) {
        const struct backend *b = target_part(target, name);
        if (!b) {
            usage(self, "--only: there is no part '" GR_FMT "'", GR_ARG(name));
            return GR_EUSER;
        }
        err = b->emit(m, t);
        if (err == GR_EEXIST) {
            usage(self, "--only: '" GR_FMT "' is named twice", GR_ARG(name));
            return GR_EUSER;
        }
    }
    return err;
}

static int
write_tree(const struct command *self, const struct session *s, const struct tree *t, const char *dir)
{
    struct tree_change change;
    enum gr_err err = tree_write(t, dir, &change);

    if (change.manifest_bad)
        complain(self, "%s/manifest.json is none of ours: ignored, and no file of an older tree is removed",
                 dir);
    if (err != GR_OK) {
        complain(self, "cannot write %s%s" GR_FMT ": %s", dir, change.failed.n > 0 ? "/" : "",
                 GR_ARG(change.failed), gr_err_name(err));
        return EXIT_MACHINE;
    }
    if (change.kept > 0)
        complain(self, "%zu files of an older tree were changed since and are left alone", change.kept);
    if (!s->quiet && s->style.format == GR_DIAG_TEXT)
        printf("%s: %zu files, %zu changed, %zu removed\n", dir, change.written + change.unchanged,
               change.written, change.removed);
    return EXIT_CLEAN;
}

/* A tree can be stale because of the day alone. */
static void
explain_stale(const struct command *self, const struct session *s, const char *dir)
{
    struct manifest old = {.n = 0};
    bool bad = false;
    int64_t until;

    if (manifest_read(&old, dir, &bad) == GR_OK && clock_date(gr_str(old.valid_until), &until) == GR_OK &&
        s->now_s >= until + CLOCK_DAY_S)
        complain(
            self,
            "%s was valid until %s: a waiver has ended since, and what it loosened is as in the base again",
            dir, old.valid_until);
    manifest_fini(&old);
}

static int
check_tree(const struct command *self, const struct session *s, const struct tree *t, const char *dir)
{
    struct tree_change change;
    struct gr_buf report = GR_BUF_INIT(16u << 20);
    enum gr_err err = tree_check(t, dir, &change, &report);
    int code = EXIT_CLEAN;

    if (err == GR_OK)
        err = gr_buf_err(&report);
    if (err != GR_OK) {
        complain(self, "cannot compare with %s: %s", dir, gr_err_name(err));
        code = EXIT_MACHINE;
    } else if (change.stale > 0) {
        fputs(gr_buf_cstr(&report), s->style.format == GR_DIAG_TEXT ? stdout : stderr);
        complain(self, "%s is stale in %zu places; run guardrailc compile again and commit the result", dir,
                 change.stale);
        explain_stale(self, s, dir);
        code = EXIT_FINDINGS;
    } else if (!s->quiet && s->style.format == GR_DIAG_TEXT) {
        printf("%s: up to date\n", dir);
    }
    gr_buf_fini(&report);
    return code;
}

/* With --only: EXIT_CLEAN unless an earlier run wrote a file that this one would not. Writing would remove it, and nobody who asks for one
 * part expects to lose the others. */
static int
keeps_all(const struct command *self, const struct tree *t, const char *dir)
{
    struct manifest old = {.n = 0};
    bool bad = false;
    enum gr_err err = manifest_read(&old, dir, &bad);
    int code = err == GR_OK ? EXIT_CLEAN : EXIT_MACHINE;

    if (err != GR_OK)
        complain(self, "cannot read %s/" MANIFEST_NAME ": %s", dir, gr_err_name(err));
    for (size_t i = 0; code == EXIT_CLEAN && i < old.n; i++)
        if (!tree_get(t, gr_str(old.entries[i].path)).p)
            code = usage(
                self, "--only: %s holds other parts too (%s); write to another folder, or compile them all",
                dir, old.entries[i].path);
    manifest_fini(&old);
    return code;
}

/* Emits and seals the tree. EXIT_CLEAN, or the exit code; what the target cannot do is a finding. */
static int
emit(const struct command *self, const struct options *o, struct session *s, const struct target *target,
     const struct model *m, struct tree *t)
{
    const char *only = options_get(self->options, o, "only");
    enum gr_err err = GR_OK;

    if (only)
        err = emit_named(self, target, m, only, t);
    else
        err = target_emit(target, m, t, s->diags);
    if (err == GR_EUSER)
        return EXIT_USAGE;
    if (err == GR_OK && only && target->check)
        target->check(m, t, s->diags);
    if (err == GR_OK)
        err = gr_diags_status(s->diags);
    if (err == GR_EUSER)
        return EXIT_FINDINGS;
    if (err == GR_OK)
        err = tree_seal(t, m, target->name);
    if (err == GR_OK)
        return EXIT_CLEAN;
    complain(self, "cannot compile: %s", gr_err_name(err));
    return EXIT_MACHINE;
}

static int
deliver(const struct command *self, const struct options *o, const struct session *s, const struct tree *t)
{
    const char *dir = options_get(self->options, o, "out");
    int code = EXIT_CLEAN;

    if (options_get(self->options, o, "only") && (code = keeps_all(self, t, dir)) != EXIT_CLEAN)
        return code;
    if (options_get(self->options, o, "check"))
        return check_tree(self, s, t, dir);
    return write_tree(self, s, t, dir);
}

static int
time_scale(const struct command *self, const struct options *o, uint32_t *out)
{
    const char *text = options_get(self->options, o, "time-scale");
    uint64_t n = 1;

    if (text && (gr_parse_u64(gr_str(text), TIME_SCALE_MAX, &n) != GR_OK || n == 0))
        return usage(self, "--time-scale is a whole number from 1 to %u, not '%s'", TIME_SCALE_MAX, text);
    *out = (uint32_t)n;
    return EXIT_CLEAN;
}

static int
choose_target(const struct command *self, const struct options *o, const struct target **out)
{
    const char *name = options_get(self->options, o, "target");
    struct gr_buf complaint = GR_BUF_INIT(1000);
    int code = EXIT_CLEAN;

    if (options_choice(self->options, o, "target", 0, &complaint) < 0)
        code = usage(self, "%s", gr_buf_cstr(&complaint));
    gr_buf_fini(&complaint);
    *out = target_by_name(gr_str(name ? name : TARGET_DEFAULT));
    GR_ASSERT(code != EXIT_CLEAN || *out); /* a test holds the choices against the table */
    return code;
}

static int
check_against(const struct command *self, const struct options *o)
{
    if (!options_get(self->options, o, "against"))
        return EXIT_CLEAN;
    if (!options_get(self->options, o, "require-changelog"))
        return usage(self, "--against goes with --require-changelog; to see changes, use guardrailc diff");
    if (strcmp(o->operands[0], "-") == 0)
        return usage(self, "--against is for a specification in a file");
    return EXIT_CLEAN;
}

int
compile_run(const struct command *self, const struct options *o)
{
    struct session s;
    const struct target *target = NULL;
    struct model *m = NULL;
    struct tree *t = NULL;
    uint32_t scale = 1;
    int code;

    if (o->n_operands != 1)
        return usage(self, "one SPEC is wanted, %zu given", o->n_operands);
    if (!options_get(self->options, o, "out"))
        return usage(self, "where to? Give -o DIR");
    if ((code = check_against(self, o)) != EXIT_CLEAN || (code = time_scale(self, o, &scale)) != EXIT_CLEAN ||
        (code = choose_target(self, o, &target)) != EXIT_CLEAN ||
        (code = session_init(&s, self, o)) != EXIT_CLEAN)
        return code;
    code = session_spec(&s, o->operands[0], scale, &m);
    code = session_prove(&s, m, code);
    if (code == EXIT_CLEAN && options_get(self->options, o, "require-changelog"))
        code = signoff_check(self, &s, m,
                             &(struct signoff){.spec = o->operands[0],
                                               .tree = options_get(self->options, o, "out"),
                                               .revision = options_get(self->options, o, "against")});
    if (code == EXIT_CLEAN && !(t = tree_create()))
        code = EXIT_MACHINE;
    if (code == EXIT_CLEAN)
        code = emit(self, o, &s, target, m, t);
    code = session_report(&s, code);
    if (code == EXIT_CLEAN)
        code = deliver(self, o, &s, t);
    tree_free(t);
    session_fini(&s);
    return code;
}
