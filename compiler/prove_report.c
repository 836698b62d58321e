/* prove_report.c - what the tests gave, for people and as JSON. */
#include "config.h"
#include "prove_run.h"

#include <stdio.h>

#include "guardrail/quote.h"
#include "jsonout.h"

#define SHOWN_MAX 6u

/* promtool's words are
 *     expr: "…cluster=\"hard-upper-at\"…", time: 22m,
 *         exp:"…"  or  exp: …
 *         got:"…"
 * The stream's name among them is the case. */
static struct gr_str
case_of(const struct prove_target *t, struct gr_str line)
{
    size_t from = gr_str_find(line, GR_STR("=\\\""), 0),
           to = from < line.n ? gr_str_find(line, GR_STR("\\\""), from + 3) : line.n;
    const struct prove_world *w;

    if (t->watch && from < to && to < line.n)
        return gr_str_sub(line, from + 3, to);

    for (size_t i = 0; i < t->suite.n_worlds; i++) {
        w = t->suite.worlds[i];
        for (size_t k = 0; k < w->n_streams; k++) {
            struct gr_buf needle = GR_BUF_INIT(4096);
            bool found;

            gr_buf_printf(&needle, "=\\\"" GR_FMT "\\\"", GR_ARG(w->streams[k].name));
            found = gr_buf_err(&needle) == GR_OK && gr_str_find(line, gr_buf_str(&needle), 0) < line.n;
            gr_buf_fini(&needle);
            if (found)
                return w->streams[k].name;
        }
    }
    return GR_STR("?");
}

/* Items of promtool's list `exp: {…} 1E+00, {…} 2E+00`, with or without quotes around all. */
static bool
next_item(struct gr_str *rest, struct gr_str *item)
{
    size_t from = gr_str_find(*rest, GR_STR("{"), 0), end, next;

    if (from >= rest->n)
        return false;
    next = gr_str_find(*rest, GR_STR(", {"), from);
    end = next < rest->n ? next : rest->n;
    *item = gr_str_trim(gr_str_sub(*rest, from, end));
    if (item->n > 0 && item->p[item->n - 1] == '"' && end == rest->n)
        item->n--;
    *rest = gr_str_sub(*rest, end, rest->n);
    return true;
}

/* The items of one list that the other has not. */
static void
put_others(struct gr_buf *b, const char *word, struct gr_str list, struct gr_str other)
{
    struct gr_str item;

    while (next_item(&list, &item)) {
        struct gr_str rest = other, same;
        bool found = false;

        while (!found && next_item(&rest, &same))
            found = gr_str_eq(item, same);
        if (!found)
            gr_buf_printf(b, "      %s " GR_FMT "\n", word, GR_ARG(item));
    }
}

struct failure {
    struct gr_str seen[256];
    size_t n, shown;
    struct gr_str wanted;
};

/* The line that names the question. */
static void
put_question(const struct prove_target *t, struct failure *f, struct gr_str line, struct gr_buf *b)
{
    struct gr_str name = case_of(t, line);
    size_t i = 0, time = gr_str_find(line, GR_STR("time: "), 0);

    while (i < f->n && !gr_str_eq(f->seen[i], name))
        i++;
    if (i == f->n && f->n < GR_COUNT(f->seen)) {
        f->seen[f->n++] = name;
        f->shown = 0;
    }
    if (!b || f->n > SHOWN_MAX || f->shown++ >= 3)
        return;
    line = gr_str_trim(gr_str_sub(line, time < line.n ? time + 6 : line.n, line.n));
    if (line.n > 0 && line.p[line.n - 1] == ',')
        line.n--;
    gr_buf_printf(b, "    case " GR_FMT " at " GR_FMT ":\n", GR_ARG(name), GR_ARG(line));
}

size_t
prove_failed_cases(const struct prove_target *t, struct gr_str words, struct gr_buf *b)
{
    struct failure f = {.n = 0};
    struct gr_str line;

    while (gr_str_next(&words, '\n', &line)) {
        line = gr_str_trim(line);
        if (gr_str_starts(line, GR_STR("expr: "))) {
            put_question(t, &f, line, b);
        } else if (gr_str_starts(line, GR_STR("exp:"))) {
            f.wanted = line;
        } else if (gr_str_starts(line, GR_STR("got:")) && b && f.n <= SHOWN_MAX && f.shown <= 3) {
            put_others(b, "wanted", f.wanted, line);
            put_others(b, "got   ", line, f.wanted);
        } else if (f.n == 0 && line.n > 0 && !gr_str_starts(line, GR_STR("Unit Testing")) &&
                   !gr_str_is(line, "FAILED:") && !gr_str_is(line, "SUCCESS") && b) {
            gr_buf_printf(b, "    " GR_FMT "\n",
                          GR_ARG(line)); /* a file that promtool cannot load, a rule that fails */
        }
    }
    if (b && f.n > SHOWN_MAX)
        gr_buf_printf(b, "    and %zu more cases\n", f.n - SHOWN_MAX);
    return f.n > 0 ? f.n : 1;
}

/* ---- text ---- */

static void
put_targets(const struct prove_run *r, struct gr_buf *b)
{
    for (size_t i = 0; i < r->n_targets; i++) {
        const struct prove_target *t = &r->targets[i];
        const struct gr_str name = t->suite.g->name;

        if (t->suite.refused) {
            gr_buf_printf(b, "skipped " GR_FMT ": %s\n", GR_ARG(name), t->suite.refused);
        } else if (t->end == PROMTOOL_PASSED) {
            if (!r->session->quiet)
                gr_buf_printf(b, "passed  " GR_FMT ": %zu cases\n", GR_ARG(name), t->suite.cases);
        } else {
            gr_buf_printf(b, "FAILED  " GR_FMT ": %zu of %zu cases\n", GR_ARG(name), t->failed,
                          t->suite.cases);
            (void)prove_failed_cases(t, gr_buf_str(&t->out), b);
        }
    }
}

static void
put_survivor(const struct prove_survivor *v, struct gr_buf *b)
{
    struct gr_str guardrail = GR_STR_NONE;

    for (size_t k = 0; k < v->rule->labels.count; k++)
        if (gr_str_is(v->rule->labels.items[k].key, "guardrail"))
            guardrail = v->rule->labels.items[k].value;
    gr_buf_printf(b, "%s " GR_FMT "%s" GR_FMT "%s: " GR_FMT "\n", v->reason.n ? "explained" : "SURVIVED ",
                  GR_ARG(v->rule->name), guardrail.n ? "{" : "", GR_ARG(guardrail), guardrail.n ? "}" : "",
                  GR_ARG(v->change));
    gr_buf_printf(b, "  before: " GR_FMT "\n  after:  " GR_FMT "\n", GR_ARG(v->before), GR_ARG(v->after));
    if (v->reason.n > 0)
        gr_buf_printf(b, "  the same: " GR_FMT "\n", GR_ARG(v->reason));
}

/* Prints b for people and empties it. */
static bool
tell(struct gr_buf *b)
{
    struct gr_buf safe = GR_BUF_INIT(256u << 20);
    bool good;

    gr_quote_lines(&safe, gr_buf_str(b)); /* names are anybody's */
    good = gr_buf_err(b) == GR_OK && gr_buf_err(&safe) == GR_OK &&
           fwrite(gr_buf_cstr(&safe), 1, safe.n, stdout) == safe.n && fflush(stdout) == 0;
    gr_buf_fini(&safe);
    gr_buf_reset(b);
    return good;
}

bool
prove_run_tell(const struct prove_run *r, const struct prove_survivor *v)
{
    struct gr_buf b = GR_BUF_INIT(16u << 20);
    bool good;

    if (r->session->style.format == GR_DIAG_JSON || (v->reason.n > 0 && r->session->quiet))
        return true;
    put_survivor(v, &b);
    good = tell(&b);
    gr_buf_fini(&b);
    return good;
}

static size_t
failed_cases(const struct prove_run *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_targets; i++)
        n += r->targets[i].failed;
    return n;
}

static void
put_text(const struct prove_run *r, struct gr_buf *b)
{
    double seconds = (double)(promtool_clock_ms() - r->started_ms) / 1000;
    size_t cases = prove_run_cases(r), failed = failed_cases(r), watch = 0;

    for (size_t i = 0; i < r->n_targets; i++)
        watch += r->targets[i].watch;

    put_targets(r, b);
    if (r->session->quiet)
        return;
    gr_buf_printf(b, "%zu guardrails, %zu cases: %zu passed, %zu failed", r->n_targets - watch, cases,
                  failed > cases ? 0 : cases - failed, failed);
    if (r->mutate && r->mutants > 0)
        gr_buf_printf(b, "; %zu changed rules: %zu noticed, %zu explained, %zu survived", r->mutants,
                      r->killed, r->explained, r->survived);
    gr_buf_printf(b, " (%.1f s)\n", seconds);
}

/* ---- JSON ---- */

static void
put_json(const struct prove_run *r, struct jsonout *j, cJSON *root)
{
    cJSON *list = jsonout_array(j, root, "guardrails");

    jsonout_num(j, root, "format_version", 1);
    jsonout_str(j, root, "spec", r->m->spec);
    for (size_t i = 0; i < r->n_targets; i++) {
        const struct prove_target *t = &r->targets[i];
        cJSON *one = jsonout_object(j, list, NULL);

        jsonout_str(j, one, "guardrail", t->suite.g->name);
        jsonout_num(j, one, "cases", (double)(t->suite.refused ? 0 : t->suite.cases));
        jsonout_num(j, one, "failed", (double)t->failed);
        if (t->suite.refused)
            jsonout_cstr(j, one, "skipped", t->suite.refused);
        if (!t->suite.refused && t->end != PROMTOOL_PASSED)
            jsonout_str(j, one, "output", gr_buf_str(&t->out));
    }
    if (!r->mutate)
        return;
    jsonout_num(j, root, "mutants", (double)r->mutants);
    jsonout_num(j, root, "killed", (double)r->killed);
    jsonout_num(j, root, "explained", (double)r->explained);
    jsonout_num(j, root, "survived", (double)r->survived);
    list = jsonout_array(j, root, "survivors");
    for (size_t i = 0; i < r->n_survivors; i++) {
        cJSON *one = jsonout_object(j, list, NULL);

        jsonout_str(j, one, "rule", r->survivors[i].rule->name);
        jsonout_str(j, one, "change", r->survivors[i].change);
        jsonout_str(j, one, "before", r->survivors[i].before);
        jsonout_str(j, one, "after", r->survivors[i].after);
        jsonout_str(j, one, "explained", r->survivors[i].reason);
    }
}

int
prove_run_report(const struct prove_run *r, int code)
{
    struct gr_buf b = GR_BUF_INIT(256u << 20);
    bool good = true;

    if (r->session->style.format == GR_DIAG_JSON) {
        struct jsonout j;
        cJSON *root;

        jsonout_init(&j);
        root = jsonout_root(&j);
        put_json(r, &j, root);
        good = jsonout_finish(&j, root, &b) == GR_OK && fwrite(gr_buf_cstr(&b), 1, b.n, stdout) == b.n &&
               fflush(stdout) == 0;
    } else {
        put_text(r, &b);
        good = tell(&b);
    }
    gr_buf_fini(&b);
    return good ? code : EXIT_MACHINE;
}
