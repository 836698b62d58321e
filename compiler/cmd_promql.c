/* cmd_promql.c - guardrailc promql: expressions in, one answer a line out.
 *
 *     check    ok instant vector
 *     fmt      the canonical form; with -0, on several lines where it is wide, as Prometheus formats it
 *     labels   ok job, instance?, venue="x", *       certain; possible (?); with one value; * stands for any
 * other, !x for not x
 *     all      error 12: unexpected ")" in a selector, expected …       the column counts characters of the
 * expression, from 1
 *
 * With -0 expressions may hold line ends, and end with NUL; so do the answers of fmt. */
#include "config.h"
#include "command.h"

#include <stdio.h>

#include "guardrail/file.h"
#include "guardrail/promql.h"
#include "guardrail/quote.h"

#define INPUT_BYTES_MAX ((size_t)256 << 20)
#define EXPR_ARENA_BYTES_MAX ((size_t)1 << 30)
#define ANSWER_BYTES_MAX ((size_t)64 << 20)
#define PRETTY_WIDTH 100 /* that of Prometheus' formatter */

const struct option_row promql_options[] = {
    {"null", '0', NULL, "expressions end with NUL instead of a line end"},
    COMMON_OPTIONS,
};

typedef enum gr_err answer_fn(struct gr_arena *a, const struct gr_promql *e, struct gr_buf *out);

static enum gr_err
answer_check(struct gr_arena *a, const struct gr_promql *e, struct gr_buf *out)
{
    (void)a;
    gr_buf_printf(out, "ok %s", gr_promql_type_name(gr_promql_type(e)));
    return GR_OK;
}

static enum gr_err
answer_fmt(struct gr_arena *a, const struct gr_promql *e, struct gr_buf *out)
{
    (void)a;
    gr_promql_print(out, e);
    return GR_OK;
}

static enum gr_err
answer_pretty(struct gr_arena *a, const struct gr_promql *e, struct gr_buf *out)
{
    (void)a;
    gr_promql_pretty(out, e, PRETTY_WIDTH);
    return GR_OK;
}

static void
put_label(struct gr_buf *out, const struct gr_promql_label *l)
{
    gr_buf_puts(out, l->presence == GR_PROMQL_ABSENT ? "!" : "");
    gr_buf_put(out, l->name);
    if (l->presence != GR_PROMQL_ABSENT && l->fixed) {
        gr_buf_putc(out, '=');
        gr_quote_promql(out, l->value);
    }
    gr_buf_puts(out, l->presence == GR_PROMQL_POSSIBLE ? "?" : "");
}

static enum gr_err
answer_labels(struct gr_arena *a, const struct gr_promql *e, struct gr_buf *out)
{
    struct gr_promql_labels l;
    enum gr_err err = gr_promql_labels(a, e, NULL, NULL, &l);
    const char *comma = " ";

    if (err != GR_OK)
        return err;
    gr_buf_puts(out, l.empty ? "ok never" : "ok");
    for (size_t i = 0; !l.empty && i < l.count; i++) {
        if (l.labels[i].presence == GR_PROMQL_ABSENT && !l.open)
            continue;
        gr_buf_puts(out, comma);
        put_label(out, &l.labels[i]);
        comma = ", ";
    }
    if (l.open && !l.empty)
        gr_buf_printf(out, "%s*", comma);
    return GR_OK;
}

/* To add one: a function, a row here. */
static const struct {
    const char *name;
    answer_fn *answer, *answer_null; /* to -0, where an answer may have several lines */
} verbs[] = {
    {"check", answer_check, answer_check},
    {"fmt", answer_fmt, answer_pretty},
    {"labels", answer_labels, answer_labels},
};

/* The first finding as "error COL: message", on one line. */
static void
put_error(struct gr_buf *out, struct gr_str text, const struct gr_diags *d)
{
    struct gr_diag_view v = {.message = GR_STR_NONE};
    size_t column = 1;

    if (!gr_diags_get(d, 0, &v))
        return;
    for (size_t i = 0; i < v.where.start && i < text.n; i++)
        column += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    gr_buf_printf(out, "error %zu: ", column);
    gr_quote_log(out, v.message);
}

/* Appends the answer to one expression; *bad when it is an error. */
static enum gr_err
answer_one(answer_fn *answer, struct gr_str text, struct gr_buf *out, bool *bad)
{
    struct gr_arena *a = gr_arena_create(EXPR_ARENA_BYTES_MAX);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_promql *e = NULL;
    uint32_t file = 0;
    enum gr_err err = GR_ENOMEM;

    if (!a || !d || gr_sources_add(sources, GR_STR("-"), text, &file) != GR_OK)
        goto done;
    err = gr_promql_parse(a, text, (struct gr_span){file, 0, (uint32_t)text.n}, d, &e);
    if (err == GR_OK)
        err = answer(a, e, out);
    if (err == GR_EUSER) {
        put_error(out, text, d);
        *bad = true;
        err = GR_OK;
    }
done:
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_arena_free(a);
    return err != GR_OK ? err : gr_buf_err(out);
}

static int
machine_failed(const struct command *self, enum gr_err err)
{
    complain(self, "%s", gr_err_name(err));
    return EXIT_MACHINE;
}

/* Answers each expression of the input. */
static int
answer_all(const struct command *self, answer_fn *answer, struct gr_str input, char end)
{
    struct gr_buf out = GR_BUF_INIT(ANSWER_BYTES_MAX);
    char out_end = answer == answer_pretty ? end : '\n';
    bool any_bad = false, more = input.n > 0;
    struct gr_str text;
    enum gr_err err = GR_OK;

    if (more && input.p[input.n - 1] == end) /* the last one is ended, not followed by an empty one */
        input.n--;
    while (more && err == GR_OK && gr_str_next(&input, end, &text)) {
        gr_buf_reset(&out);
        err = answer_one(answer, text, &out, &any_bad);
        gr_buf_putc(&out, out_end);
        if (err == GR_OK && fwrite(gr_buf_cstr(&out), 1, out.n, stdout) != out.n)
            err = GR_EIO;
    }
    gr_buf_fini(&out);
    if (err == GR_OK && fflush(stdout) != 0)
        err = GR_EIO;
    if (err != GR_OK)
        return machine_failed(self, err);
    return any_bad ? EXIT_FINDINGS : EXIT_CLEAN;
}

int
promql_run(const struct command *self, const struct options *o)
{
    struct gr_buf input = GR_BUF_INIT(INPUT_BYTES_MAX);
    bool null = options_get(self->options, o, "null") != NULL;
    answer_fn *answer = NULL;
    enum gr_err err;
    int code;

    if (o->n_operands != 1)
        return usage(self, "one of check, fmt and labels, please");
    for (size_t i = 0; i < GR_COUNT(verbs); i++)
        if (strcmp(o->operands[0], verbs[i].name) == 0)
            answer = null ? verbs[i].answer_null : verbs[i].answer;
    if (!answer)
        return usage(self, "there is no 'promql %s': check, fmt or labels", o->operands[0]);
    if ((err = gr_file_read("-", &input)) == GR_OK)
        code = answer_all(self, answer, gr_buf_str(&input), null ? '\0' : '\n');
    else if (err == GR_ENOMEM)
        code = machine_failed(self, err);
    else
        code = usage(self, "standard input: %s", gr_err_name(err));
    gr_buf_fini(&input);
    return code;
}
