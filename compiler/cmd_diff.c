/* cmd_diff.c - guardrailc diff: what changed between two specifications, in their meaning. */
#include "config.h"
#include "command.h"

#include <stdio.h>

#include "changelog.h"
#include "diff_load.h"
#include "diff_print.h"

const struct option_row diff_options[] = {
    {"against", 0, "REV", "compare SPEC with itself at a git revision"},
    {"fail-on", 0, "loosened|any|never",
     "what makes the exit status 1 (default loosened: also coverage lost)"},
    {"changelog", 0, "FILE", "append the changes to this change log, to be signed off"},
    SPEC_OPTIONS,
    {"format", 0, "text|markdown|json", "how changes are written (default text)"},
    {"color", 0, "auto|always|never", "default auto; NO_COLOR is honoured"},
    {"quiet", 'q', NULL, "print nothing, the exit status tells"},
    {"help", 'h', NULL, "show this help"},
    {NULL, 0, NULL, NULL},
};

enum form { FORM_TEXT, FORM_MARKDOWN, FORM_JSON };
enum fail_on { FAIL_LOOSENED, FAIL_ANY, FAIL_NEVER };
struct diff_run {
    const struct command *self;
    const struct options *o;
    struct session s;
    enum form form;
    enum fail_on fail_on;
};

static int
check_operands(const struct diff_run *r)
{
    const struct options *o = r->o;
    bool against = options_get(r->self->options, o, "against") != NULL;

    if (against && o->n_operands != 1)
        return usage(r->self, "with --against one SPEC is wanted, %zu given", o->n_operands);
    if (!against && o->n_operands == 1)
        return usage(r->self, "compare with what? Give OLD and NEW, or --against REV");
    if (!against && o->n_operands != 2)
        return usage(r->self, "OLD and NEW are wanted, %zu given", o->n_operands);
    if (against && (strcmp(o->operands[0], "-") == 0 || diff_is_tree(o->operands[0])))
        return usage(r->self, "--against is for a specification in a file");
    if (!against && strcmp(o->operands[0], "-") == 0 && strcmp(o->operands[1], "-") == 0)
        return usage(r->self, "standard input can be one side only");
    return EXIT_CLEAN;
}

static int
load(struct diff_run *r, struct diff *d)
{
    const char *revision = options_get(r->self->options, r->o, "against");
    const char *last = r->o->operands[r->o->n_operands - 1];
    struct facts *from = NULL, *to = NULL;
    int code;

    if (revision) {
        code = diff_load_revision(r->self, &r->s, last, revision, &from);
        d->from_name = gr_arena_printf(r->s.arena, "%s:%s", revision, last);
    } else {
        code = diff_load(&r->s, r->o->operands[0], &from);
        d->from_name = gr_str(r->o->operands[0]);
    }
    /* Both are read, so that one run reports what is wrong with either. */
    if (code == EXIT_CLEAN || code == EXIT_FINDINGS) {
        int other = diff_load(&r->s, last, &to);
        code = other > code ? other : code;
    }
    d->to_name = gr_str(last);
    d->from = from;
    d->to = to;
    d->sources = r->s.sources;
    d->color = r->form == FORM_TEXT && r->s.style.color;
    return code;
}

static int
print(struct diff_run *r, const struct diff *d)
{
    struct gr_buf b = GR_BUF_INIT(256u << 20);
    enum gr_err err = GR_OK;

    if (r->form == FORM_JSON)
        err = diff_json(d, &b);
    else if (r->form == FORM_MARKDOWN)
        diff_markdown(d, &b);
    else
        diff_text(d, &b);
    if (err == GR_OK)
        err = gr_buf_err(&b);
    if (err == GR_OK && (fwrite(gr_buf_cstr(&b), 1, b.n, stdout) != b.n || fflush(stdout) != 0))
        err = GR_EIO;
    gr_buf_fini(&b);
    if (err == GR_OK)
        return EXIT_CLEAN;
    complain(r->self, "cannot print the changes: %s", gr_err_name(err));
    return EXIT_MACHINE;
}

static int
log_changes(struct diff_run *r, const struct diff *d)
{
    const char *path = options_get(r->self->options, r->o, "changelog");
    enum changelog_answer answer;

    if (!path)
        return EXIT_CLEAN;
    if (d->changes->n == 0) {
        complain(r->self, "nothing to write to %s: the meaning is the same", path);
        return EXIT_CLEAN;
    }
    answer = changelog_append(path, d, r->s.now_s);
    switch (answer) {
    case CHANGELOG_WRITTEN:
        complain(r->self, "%s: entry written; fill in its sign-off", path);
        return EXIT_CLEAN;
    case CHANGELOG_THERE:
        complain(r->self, "%s has an entry for this change already: left alone", path);
        return EXIT_CLEAN;
    case CHANGELOG_UNREADABLE:
        complain(r->self,
                 "cannot read %s: it must be a text file of at most %u bytes in a folder that exists", path,
                 CHANGELOG_BYTES_MAX);
        return EXIT_USAGE;
    case CHANGELOG_FAILED:
        break;
    }
    complain(r->self, "cannot write %s; it is as it was", path);
    return EXIT_MACHINE;
}

static int
verdict(const struct diff_run *r, const struct changes *c)
{
    bool fails = r->fail_on == FAIL_ANY ? c->n > 0 : r->fail_on == FAIL_LOOSENED && c->loosens > 0;

    return fails ? EXIT_FINDINGS : EXIT_CLEAN;
}

static int
compare_and_print(struct diff_run *r, struct diff *d)
{
    struct changes changes;
    int code;

    if (compare(r->s.arena, d->from, d->to, &changes) != GR_OK) {
        complain(r->self, "cannot compare: %s", gr_err_name(GR_ENOMEM));
        return EXIT_MACHINE;
    }
    d->changes = &changes;
    code = r->s.quiet ? EXIT_CLEAN : print(r, d);
    if (code == EXIT_CLEAN)
        code = log_changes(r, d);
    return code == EXIT_CLEAN ? verdict(r, &changes) : code;
}

static int
read_choices(struct diff_run *r)
{
    int form = choose(r->self, r->o, "format", FORM_TEXT);
    int fail_on = form < 0 ? -1 : choose(r->self, r->o, "fail-on", FAIL_LOOSENED);

    if (fail_on < 0)
        return EXIT_USAGE;
    r->form = (enum form)form;
    r->fail_on = (enum fail_on)fail_on;
    return check_operands(r);
}

int
diff_run(const struct command *self, const struct options *o)
{
    struct diff_run r = {.self = self, .o = o};
    struct diff d = {.changes = NULL};
    int code = read_choices(&r);

    if (code != EXIT_CLEAN || (code = session_init(&r.s, self, o)) != EXIT_CLEAN)
        return code;
    /* Findings are printed only when nothing can be compared: `check` is there for warnings. */
    r.s.style.format = r.form == FORM_JSON ? GR_DIAG_JSON : GR_DIAG_TEXT;
    code = load(&r, &d);
    code = code == EXIT_CLEAN ? compare_and_print(&r, &d) : session_report(&r.s, code);
    session_fini(&r.s);
    return code;
}
