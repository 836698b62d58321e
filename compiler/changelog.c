#include "config.h"
#include "changelog.h"

#include <errno.h>
#include <sys/stat.h>

#include "clock.h"
#include "guardrail/file.h"

#define MARK "<!-- guardrail-change: "
static const char heading[] =
    "# Change log of the guardrails\n\n"
    "Each change of a limit, of what is watched, or of what happens on a breach has an entry here, signed "
    "off before it is deployed.\n"
    "`guardrailc diff --changelog` writes entries; people fill in the last four lines.\n";
static const char *const fields[] = {"Author:", "Reviewed by:", "Risk:", "Ticket:"};

/* ---- finding ---- */

/* Cuts `what` off the front of *rest, if it stands there. */
static bool
skip(struct gr_str *rest, struct gr_str what)
{
    bool there = gr_str_starts(*rest, what);

    if (there)
        *rest = gr_str_sub(*rest, what.n, rest->n);
    return there;
}

static size_t
find_mark(struct gr_str log, struct gr_str old_key, struct gr_str new_key)
{
    for (size_t at = 0; (at = gr_str_find(log, GR_STR(MARK), at)) != SIZE_MAX; at++) {
        struct gr_str rest = gr_str_sub(log, at + strlen(MARK), log.n);

        if (skip(&rest, old_key) && skip(&rest, GR_STR(" ")) && skip(&rest, new_key) &&
            skip(&rest, GR_STR(" -->")))
            return at;
    }
    return SIZE_MAX;
}

/* From the mark to the next entry. */
static struct gr_str
entry_at(struct gr_str log, size_t at)
{
    size_t mark = gr_str_find(log, GR_STR(MARK), at + 1), head = gr_str_find(log, GR_STR("\n## "), at);

    return gr_str_sub(log, at, mark < head ? mark : head);
}

/* "- Author: jane", with something behind the colon. */
static bool
filled_in(struct gr_str entry, const char *field)
{
    struct gr_str line, name = gr_str(field);

    while (gr_str_next(&entry, '\n', &line)) {
        line = gr_str_trim(line);
        if (!gr_str_starts(line, GR_STR("- ")))
            continue;
        line = gr_str_trim(gr_str_sub(line, 2, line.n));
        if (gr_str_starts(line, name))
            return gr_str_trim(gr_str_sub(line, name.n, line.n)).n > 0;
    }
    return false;
}

enum changelog_state
changelog_find(struct gr_str log, struct gr_str old_key, struct gr_str new_key, const char **empty)
{
    size_t at = find_mark(log, old_key, new_key);
    struct gr_str entry;

    *empty = NULL;
    if (at == SIZE_MAX)
        return CHANGELOG_MISSING;
    entry = entry_at(log, at);
    for (size_t i = 0; i < GR_COUNT(fields); i++)
        if (!filled_in(entry, fields[i])) {
            *empty = fields[i];
            return CHANGELOG_UNSIGNED;
        }
    return CHANGELOG_SIGNED;
}

/* ---- appending ---- */

static void
put_entry(const struct diff *d, int64_t now_s, struct gr_buf *b)
{
    const struct changes *c = d->changes;

    gr_buf_puts(b, "\n## ");
    clock_put_date(b, now_s);
    gr_buf_putc(b, ' ');
    diff_quote_markdown(b, d->to->spec);
    gr_buf_printf(b, "\n\n" MARK GR_FMT " " GR_FMT " -->\n\n", GR_ARG(c->old_key), GR_ARG(c->new_key));
    diff_summary(c, b);
    gr_buf_puts(b, ".\n\n");
    diff_markdown_table(d, b);
    gr_buf_putc(b, '\n');
    for (size_t i = 0; i < GR_COUNT(fields); i++)
        gr_buf_printf(b, "- %s\n", fields[i]);
}

/* A log that is not there yet is an empty one. */
static enum gr_err
read_log(const char *path, struct gr_buf *b, mode_t *mode)
{
    struct stat st;
    enum gr_err err;

    *mode = 0644;
    if (stat(path, &st) == 0) {
        *mode = st.st_mode & 0777;
        if (!S_ISREG(st.st_mode))
            return GR_EIO;
    }
    err = gr_file_read(path, b);
    if (err == GR_ENOENT) {
        gr_buf_puts(b, heading);
        err = gr_buf_err(b);
    }
    return err;
}

enum changelog_answer
changelog_append(const char *path, const struct diff *d, int64_t now_s)
{
    struct gr_buf b = GR_BUF_INIT(CHANGELOG_BYTES_MAX);
    enum changelog_answer answer = CHANGELOG_FAILED;
    mode_t mode;
    enum gr_err err = read_log(path, &b, &mode);

    if (err != GR_OK) {
        answer = err == GR_ENOMEM ? CHANGELOG_FAILED : CHANGELOG_UNREADABLE;
    } else if (find_mark(gr_buf_str(&b), d->changes->old_key, d->changes->new_key) != SIZE_MAX) {
        answer = CHANGELOG_THERE;
    } else {
        if (b.n > 0 && b.p[b.n - 1] != '\n')
            gr_buf_putc(&b, '\n');
        put_entry(d, now_s, &b);
        err = gr_buf_err(&b);
        if (err == GR_OK)
            err = gr_file_write(path, gr_buf_str(&b), mode);
        answer = err == GR_OK       ? CHANGELOG_WRITTEN
                 : err == GR_ENOENT ? CHANGELOG_UNREADABLE
                                    : CHANGELOG_FAILED;
    }
    gr_buf_fini(&b);
    return answer;
}
