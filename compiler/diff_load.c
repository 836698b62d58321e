#include "config.h"
#include "diff_load.h"

#include <limits.h>
#include <sys/stat.h>

#include "gitread.h"
#include "guardrail/file.h"
#include "guardrail/hash.h"
#include "guardrail/quote.h"
#include "manifest.h"

bool
diff_is_tree(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
of_model(struct session *s, const struct model *m, struct facts **out)
{
    return facts_of_model(s->arena, m, out) == GR_OK ? EXIT_CLEAN : EXIT_MACHINE;
}

/* ---- trees ---- */

static int
bad_tree(struct session *s, const char *dir, const char *why)
{
    struct gr_buf name = GR_BUF_INIT(8192);

    gr_quote_log(&name, gr_str(dir));
    gr_diag(s->diags, GR0610, GR_SPAN_NONE,
            GR_STR("compile the tree again, or compare with the specification itself"), "%s: %s",
            gr_buf_cstr(&name), why);
    gr_buf_fini(&name);
    return EXIT_USAGE;
}

static const struct manifest_entry *
facts_entry(const struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->entries[i].path, FACTS_PATH) == 0)
            return &m->entries[i];
    return NULL;
}

/* The file as it is, if it is what the manifest says. */
static int
read_file(struct session *s, const char *dir, const char *path, const struct manifest_entry *e,
          uint32_t *file)
{
    char hex[GR_SHA256_HEX + 1];
    int code = session_source(s, path, FACTS_BYTES_MAX, file);

    if (code != EXIT_CLEAN)
        return code;
    if (gr_sha256_hex(gr_sources_get(s->sources, *file)->text, hex) != GR_OK)
        return EXIT_MACHINE;
    return strcmp(hex, e->sha256) == 0 ? EXIT_CLEAN
                                       : bad_tree(s, dir, FACTS_PATH " is not what manifest.json says");
}

static int
read_facts(struct session *s, const char *dir, const struct manifest_entry *e, struct facts **out)
{
    struct gr_buf path = GR_BUF_INIT(PATH_MAX);
    uint32_t file = 0;
    int code = EXIT_MACHINE;
    enum gr_err err;

    gr_buf_printf(&path, "%s/" FACTS_PATH, dir);
    if (gr_buf_err(&path) != GR_OK)
        goto done;
    if ((code = read_file(s, dir, path.p, e, &file)) != EXIT_CLEAN)
        goto done;
    err = facts_read(s->arena, s->sources, file, s->diags, out);
    code = err == GR_OK ? EXIT_CLEAN : err == GR_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
done:
    gr_buf_fini(&path);
    return code;
}

int
diff_load_tree(struct session *s, const char *dir, struct facts **out, bool *absent)
{
    struct manifest m;
    const struct manifest_entry *e;
    bool bad = false;
    enum gr_err err = manifest_read(&m, dir, &bad);
    int code;

    *absent = false;
    if (err == GR_ENOMEM)
        code = EXIT_MACHINE;
    else if (err != GR_OK && err != GR_ENOENT)
        code = bad_tree(s, dir, "manifest.json cannot be read");
    else if (bad)
        code = bad_tree(s, dir, "manifest.json is none of guardrailc's");
    else if (m.n == 0) {
        *absent = true;
        code = EXIT_CLEAN;
    } else if (!(e = facts_entry(&m)))
        code =
            bad_tree(s, dir, "the tree has no " FACTS_PATH "; an older guardrailc wrote it, or --only did");
    else
        code = read_facts(s, dir, e, out);
    manifest_fini(&m);
    return code;
}

int
diff_load(struct session *s, const char *path, struct facts **out)
{
    struct model *m = NULL;
    bool absent;
    int code;

    if (diff_is_tree(path)) {
        code = diff_load_tree(s, path, out, &absent);
        return code == EXIT_CLEAN && absent
                   ? bad_tree(s, path, "there is no manifest.json, so no compiled tree")
                   : code;
    }
    code = session_spec(s, path, 1, &m);
    return code == EXIT_CLEAN ? of_model(s, m, out) : code;
}

/* ---- revisions ---- */

static int
no_revision(const struct command *self, enum git_answer answer, const char *path, const char *revision)
{
    switch (answer) {
    case GIT_NO_PROGRAM:
        complain(self, "--against needs git, and there is none on PATH");
        return EXIT_USAGE;
    case GIT_NO_REPOSITORY:
        complain(self, "%s is in no git repository (or git refuses to read it)", path);
        return EXIT_USAGE;
    case GIT_NO_REVISION:
        complain(self, "--against: the repository has no revision '%s'", revision);
        return EXIT_USAGE;
    case GIT_BAD_REVISION:
        return usage(self, "--against is one git revision, as main or HEAD~1, not '%s'", revision);
    case GIT_OK:
    case GIT_MACHINE:
        break;
    }
    complain(self, "git could not be run, or did not end in time");
    return EXIT_MACHINE;
}

int
diff_load_revision(const struct command *self, struct session *s, const char *path, const char *revision,
                   struct facts **out)
{
    struct git_revision g;
    struct load_reader reader;
    struct model *m = NULL;
    enum git_answer answer = git_resolve(&g, path, revision);
    int code;

    if (answer == GIT_OK) {
        reader = git_reader(&g);
        code = session_spec_from(s, &reader, path, 1, &m);
    } else {
        code = no_revision(self, answer, path, revision);
    }
    if (code == EXIT_CLEAN)
        code = of_model(s, m, out);
    git_fini(&g);
    return code;
}
