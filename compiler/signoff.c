#include "config.h"
#include "signoff.h"

#include <limits.h>

#include "changelog.h"
#include "diff_load.h"
#include "guardrail/file.h"
#include "guardrail/quote.h"

#define NOTES_MAX 8u

/* The log's path: as it is written when absolute, else below the folder of the specification. */
static void
put_path(const char *spec, struct gr_str log, struct gr_buf *b)
{
    const char *slash = strrchr(spec, '/');

    if (slash && (log.n == 0 || log.p[0] != '/'))
        gr_buf_put(b, (struct gr_str){spec, (size_t)(slash - spec) + 1});
    gr_buf_put(b, log);
}

/* What to type, so that the entry comes to be. */
static struct gr_str
command_line(struct session *s, const struct signoff *what, const char *log)
{
    struct gr_buf b = GR_BUF_INIT(65536);
    struct gr_str out;

    gr_buf_puts(&b, "run `guardrailc diff ");
    if (!what->revision) {
        gr_quote_log(&b, gr_str(what->tree));
        gr_buf_putc(&b, ' ');
    }
    gr_quote_log(&b, gr_str(what->spec));
    if (what->revision) {
        gr_buf_puts(&b, " --against ");
        gr_quote_log(&b, gr_str(what->revision));
    }
    gr_buf_puts(&b, " --changelog ");
    gr_quote_log(&b, gr_str(log));
    gr_buf_puts(&b, "` and fill in the entry's last four lines");
    out = gr_arena_dup(s->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

/* What was loosened, as notes of the finding. */
static void
put_notes(struct session *s, const struct changes *c)
{
    size_t shown = 0;

    for (size_t i = 0; i < c->n && shown < NOTES_MAX; i++) {
        const struct change *change = &c->v[i];
        struct gr_buf b = GR_BUF_INIT(65536), t = GR_BUF_INIT(65536);

        if (!change->loosens)
            continue;
        if (change->guardrail.n > 0)
            gr_buf_printf(&b, GR_FMT ": ", GR_ARG(change->guardrail));
        diff_subject(change, &b);
        gr_buf_printf(&b, ": " GR_FMT " -> " GR_FMT,
                      GR_ARG(change->before.n ? change->before : GR_STR("none")),
                      GR_ARG(change->after.n ? change->after : GR_STR("none")));
        gr_quote_log(&t, gr_buf_str(&b));
        gr_diag_note(s->diags, change->new_place, "%s: %s", change_kind_name(change->kind), gr_buf_cstr(&t));
        gr_buf_fini(&b);
        gr_buf_fini(&t);
        shown++;
    }
}

static struct gr_span
log_place(const struct model *m)
{
    const struct gr_node *node = gr_node_get(gr_node_get(m->root, "governance"), "change_log");

    return node ? node->span : GR_SPAN_NONE;
}

static int
refuse(struct session *s, const struct model *m, const struct changes *c, struct gr_str fix, const char *log,
       const char *empty)
{
    struct gr_buf name = GR_BUF_INIT(65536);

    gr_quote_log(&name, gr_str(log));
    if (empty)
        gr_diag(s->diags, GR0611, log_place(m), fix,
                "the entry of %s for this change has nothing behind \"%s\"", gr_buf_cstr(&name), empty);
    else
        gr_diag(s->diags, GR0611, log_place(m), fix, "%zu change%s loosen%s, and %s has no entry for %s",
                c->loosens, c->loosens == 1 ? "" : "s", c->loosens == 1 ? "s" : "", gr_buf_cstr(&name),
                c->loosens == 1 ? "it" : "them");
    put_notes(s, c);
    gr_buf_fini(&name);
    return EXIT_FINDINGS;
}

static int
look_up(struct session *s, const struct model *m, const struct signoff *what, const struct changes *c)
{
    struct gr_buf path = GR_BUF_INIT(PATH_MAX), log = GR_BUF_INIT(CHANGELOG_BYTES_MAX);
    enum changelog_state state;
    const char *empty = NULL;
    enum gr_err err;
    int code = EXIT_CLEAN;

    if (m->change_log.n == 0) {
        gr_diag(s->diags, GR0611, GR_SPAN_NONE,
                GR_STR("add `governance: {change_log: governance/change_log.md}`"),
                "%zu change%s loosen%s, and the specification names no change log", c->loosens,
                c->loosens == 1 ? "" : "s", c->loosens == 1 ? "s" : "");
        put_notes(s, c);
        return EXIT_FINDINGS;
    }
    put_path(what->spec, m->change_log, &path);
    if ((err = gr_buf_err(&path)) == GR_OK)
        err = gr_file_read(path.p, &log);
    if (err == GR_ENOMEM) {
        code = EXIT_MACHINE;
    } else if (err != GR_OK && err != GR_ENOENT) {
        gr_diag(s->diags, GR0001, log_place(m), GR_STR("check the path and its permissions"),
                "the change log cannot be read: %s", gr_err_name(err));
        code = EXIT_USAGE;
    } else {
        state = changelog_find(gr_buf_str(&log), c->old_key, c->new_key, &empty);
        if (state != CHANGELOG_SIGNED)
            code = refuse(s, m, c, command_line(s, what, path.p), path.p, empty);
    }
    gr_buf_fini(&path);
    gr_buf_fini(&log);
    return code;
}

/* Warnings about the old side are nobody's business now; what keeps it from being read takes the place of all others. */
static int
load_old(const struct command *self, struct session *s, const struct signoff *what, struct facts **from,
         bool *absent)
{
    struct session old = *s;
    int code;

    if (!(old.diags = gr_diags_create(s->sources)))
        return EXIT_MACHINE;
    code = what->revision ? diff_load_revision(self, &old, what->spec, what->revision, from)
                          : diff_load_tree(&old, what->tree, from, absent);
    gr_diags_free(code == EXIT_CLEAN ? old.diags : s->diags);
    if (code != EXIT_CLEAN)
        s->diags = old.diags;
    return code;
}

int
signoff_check(const struct command *self, struct session *s, const struct model *m,
              const struct signoff *what)
{
    struct facts *from = NULL, *to = NULL;
    struct changes changes;
    bool absent = false;
    int code = load_old(self, s, what, &from, &absent);

    if (code != EXIT_CLEAN || absent)
        return code;
    if (facts_of_model(s->arena, m, &to) != GR_OK || compare(s->arena, from, to, &changes) != GR_OK)
        return EXIT_MACHINE;
    return changes.loosens > 0 ? look_up(s, m, what, &changes) : EXIT_CLEAN;
}
