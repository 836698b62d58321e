/* prove_mutate.c - guardrailc test --mutate: every small change of every rule must make a generated test fail.
 *
 * A change of a guardrail's own rule is shown to its tests alone; that of a shared rule first to the guardrails whose series the changed
 * branch selects, then to the others, until one notices. Each mutant has a rule file of its own; test files are the same but for the name
 * of it, in its first line. */
#include "config.h"
#include "prove_run.h"

#include <stdio.h>
#include <unistd.h>

#include "mutate.h"
#include "prove_equal.h"

#define TREE_BYTES_MAX ((size_t)64 << 20)

struct mutant {
    size_t rule, n;
};
struct worker {
    struct promtool_run run;
    struct gr_arena *arena;
    const struct gr_rule *rule;
    struct mutate_change change;
    struct gr_str expr;
    size_t *order, n_order, at; /* targets, those concerned first */
    size_t file;                /* of the target at work */
    size_t id;
    bool busy;
};
struct campaign {
    struct prove_run *r;
    struct mutant *todo;
    size_t n_todo, cap_todo, next;
    struct worker workers[PROMTOOL_JOBS_MAX];
    int64_t told_ms;
    int code;
};

static struct gr_promql *
parse(struct gr_arena *a, struct gr_str expr)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_promql *e = NULL;

    if (diags && gr_promql_parse(a, expr, GR_SPAN_NONE, diags, &e) != GR_OK)
        e = NULL;
    gr_diags_free(diags);
    gr_sources_free(sources);
    return e;
}

/* -- which mutants ------------------------------------------------------------------------------------------------------------ */

/* Of one guardrail alone only its own rules: what a change of a shared one does may be seen in other guardrails only. */
static bool
is_tested(const struct prove_run *r, const struct gr_rule *rule)
{
    if (r->only && prove_concerns(rule, GR_STR_NONE))
        return false;
    for (size_t i = 0; i < r->n_targets; i++)
        if (!r->targets[i].suite.refused && prove_concerns(rule, r->targets[i].suite.g->name))
            return true;
    return false;
}

static int
list_rule(struct campaign *c, size_t rule)
{
    struct gr_arena *a = gr_arena_create(TREE_BYTES_MAX);
    struct gr_promql *e = a ? parse(a, c->r->rules->groups[0]->rules[rule]->expr) : NULL;
    struct mutate_change change;
    enum gr_err err = e ? GR_OK : GR_ENOMEM;

    for (size_t n = 0; err == GR_OK || err == GR_EUSER; n++) {
        struct gr_arena *work = gr_arena_create(TREE_BYTES_MAX);

        err = work ? mutate_nth(work, e, n, c->r->m->sampling_ms, &change) : GR_ENOMEM;
        gr_arena_free(work);
        if (err != GR_OK)
            continue;
        if (c->n_todo == c->cap_todo) {
            struct mutant *v =
                gr_arena_grow(c->r->session->arena, c->todo, c->n_todo, &c->cap_todo, sizeof *v);
            if (!v) {
                err = GR_ENOMEM;
                continue;
            }
            c->todo = v;
        }
        c->todo[c->n_todo++] = (struct mutant){rule, n};
    }
    gr_arena_free(a);
    return err == GR_ENOENT ? EXIT_CLEAN : EXIT_MACHINE;
}

/* xorshift64* (S. Vigna, ACM Trans. Math. Softw. 42, 2016). */
static uint64_t
random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* The first `sample` of a random order. */
static void
take_sample(struct campaign *c)
{
    uint64_t state = c->r->seed * 2 + 1;

    if (c->r->sample == 0 || c->r->sample >= c->n_todo)
        return;
    for (size_t i = 0; i < c->r->sample; i++) {
        size_t k = i + (size_t)(random_next(&state) % (c->n_todo - i));
        struct mutant m = c->todo[i];

        c->todo[i] = c->todo[k];
        c->todo[k] = m;
    }
    c->n_todo = c->r->sample;
}

/* -- whom it concerns --------------------------------------------------------------------------------------------------------- */

struct wanted {
    struct gr_str name;
    bool any, found; /* a selector names guardrails; this one among them */
};

/* Names are alternatives of a regular expression; close enough to put likely ones first. */
static bool
selects(struct gr_promql *e, void *ctx)
{
    struct wanted *w = ctx;
    const struct gr_promql_matcher *m = gr_promql_matcher_on(e, GR_STR("guardrail"));
    struct gr_str rest, word;

    if (!m || (m->op != GR_PROMQL_IS && m->op != GR_PROMQL_LIKE))
        return true;
    w->any = true;
    rest = m->value;
    while (gr_str_next(&rest, '|', &word))
        w->found = w->found || gr_str_eq(word, w->name);
    return true;
}

/* Targets in the order in which they are asked: those that the changed part names, small suites first. */
static bool
order(struct campaign *c, struct worker *w)
{
    struct gr_promql *part = parse(w->arena, w->change.before);
    bool *late = gr_arena_array(w->arena, c->r->n_targets, sizeof *late);

    w->order = gr_arena_array(w->arena, c->r->n_targets, sizeof *w->order);
    w->n_order = 0;
    if (!late || !w->order)
        return false;
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < c->r->n_targets; i++) {
            struct wanted want = {.name = c->r->targets[i].suite.g->name};

            if (c->r->targets[i].suite.refused || !prove_concerns(w->rule, want.name))
                continue;
            if (part)
                gr_promql_selectors(part, selects, &want);
            if ((want.any && !want.found) == (round == 1)) {
                size_t k = w->n_order++;
                for (; k > 0 && round == 0 &&
                       c->r->targets[w->order[k - 1]].contents[0].n > c->r->targets[i].contents[0].n;
                     k--)
                    w->order[k] = w->order[k - 1];
                w->order[k] = i;
            }
        }
    return true;
}

/* -- running ------------------------------------------------------------------------------------------------------------------ */

static bool
write_file(const char *path, struct gr_str head, struct gr_str content)
{
    FILE *f = fopen(path, "wbe");
    bool good =
        f && fwrite(head.p, 1, head.n, f) == head.n && fwrite(content.p, 1, content.n, f) == content.n;

    return (!f || fclose(f) == 0) && good;
}

static bool
start(struct campaign *c, struct worker *w)
{
    const struct prove_target *t = &c->r->targets[w->order[w->at]];
    struct gr_buf rules = GR_BUF_INIT(16u << 20), path = GR_BUF_INIT(8192), tests = GR_BUF_INIT(8192),
                  head = GR_BUF_INIT(8192);
    struct gr_str rest = t->contents[w->file], line;
    bool good;

    gr_buf_printf(&path, "%s/mutant-%zu.rules.yml", gr_buf_cstr(&c->r->folder), w->id);
    gr_buf_printf(&tests, "%s/mutant-%zu.test.yml", gr_buf_cstr(&c->r->folder), w->id);
    gr_buf_printf(&head, "rule_files: [mutant-%zu.rules.yml]\n", w->id);
    good = prove_put_rules(&rules, w->arena, c->r->rules, t->suite.g->name, w->rule, w->expr) == GR_OK &&
           gr_buf_err(&path) == GR_OK && gr_buf_err(&tests) == GR_OK && gr_str_next(&rest, '\n', &line) &&
           write_file(gr_buf_cstr(&path), GR_STR_NONE, gr_buf_str(&rules)) &&
           write_file(gr_buf_cstr(&tests), gr_buf_str(&head), rest);
    if (good) {
        const char *const argv[] = {c->r->program, "test", "rules", gr_buf_cstr(&tests), NULL};
        promtool_start(&w->run, argv);
    }
    gr_buf_fini(&rules);
    gr_buf_fini(&path);
    gr_buf_fini(&tests);
    gr_buf_fini(&head);
    return good;
}

static bool
survivor(struct campaign *c, const struct worker *w)
{
    struct prove_run *r = c->r;
    struct gr_arena *a = r->session->arena;
    struct prove_survivor *v = r->survivors;
    const char *why = prove_equal(c->r->m, w->rule, &w->change);

    if (r->n_survivors == r->cap_survivors &&
        !(v = gr_arena_grow(a, v, r->n_survivors, &r->cap_survivors, sizeof *v)))
        return false;
    r->survivors = v;
    r->survivors[r->n_survivors++] =
        (struct prove_survivor){w->rule, gr_arena_dup(a, w->change.what), gr_arena_dup(a, w->change.before),
                                gr_arena_dup(a, w->change.after), gr_str(why ? why : "")};
    if (why)
        r->explained++;
    else
        r->survived++;
    return true;
}

static bool
begin(struct campaign *c, struct worker *w)
{
    const struct mutant *m = &c->todo[c->next++];
    struct gr_promql *e;
    struct gr_buf b = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);

    w->rule = c->r->rules->groups[0]->rules[m->rule];
    w->at = w->file = 0;
    if (!(w->arena = gr_arena_create(TREE_BYTES_MAX)) || !(e = parse(w->arena, w->rule->expr)) ||
        mutate_nth(w->arena, e, m->n, c->r->m->sampling_ms, &w->change) != GR_OK)
        return false;
    gr_promql_print(&b, w->change.tree);
    w->expr = gr_arena_dup(w->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    w->busy = true;
    c->r->mutants++;
    if (!w->expr.p)
        return false;
    if (prove_equal(c->r->m, w->rule, &w->change)) { /* nobody can notice: not worth a run */
        w->busy = false;
        if (!survivor(c, w))
            return false;
        gr_arena_free(w->arena);
        w->arena = NULL;
        return c->next == c->n_todo || begin(c, w);
    }
    return order(c, w) && w->n_order > 0 && start(c, w);
}

/* What one promtool said: noticed, or the next file, the next guardrail, or nobody is left. */
static bool
settle(struct campaign *c, struct worker *w)
{
    if (w->run.end == PROMTOOL_FAILED || w->run.end == PROMTOOL_TIMEOUT) {
        c->r->killed++;
    } else if (w->run.end != PROMTOOL_PASSED) {
        return false;
    } else {
        if (++w->file == c->r->targets[w->order[w->at]].n_files) {
            w->file = 0;
            w->at++;
        }
        if (w->at < w->n_order)
            return start(c, w);
        if (!survivor(c, w))
            return false;
    }
    w->busy = false;
    gr_arena_free(w->arena);
    w->arena = NULL;
    return true;
}

static void
progress(struct campaign *c, bool last)
{
    int64_t now = promtool_clock_ms();

    if (c->r->session->quiet || !isatty(STDERR_FILENO) || (!last && now - c->told_ms < 500))
        return;
    c->told_ms = now;
    fprintf(stderr, "\r%zu of %zu changes, %zu noticed, %zu survived%s", c->r->mutants, c->n_todo,
            c->r->killed, c->r->survived + c->r->explained, last ? "\n" : "");
}

static bool
go_on(struct campaign *c)
{
    struct promtool_run *runs[PROMTOOL_JOBS_MAX];
    bool busy = false;

    for (size_t i = 0; i < c->r->jobs; i++) {
        struct worker *w = &c->workers[i];

        runs[i] = &w->run;
        w->id = i;
        if (w->busy && !w->run.running && !settle(c, w))
            c->code = EXIT_MACHINE;
        if (!w->busy && c->code == EXIT_CLEAN && c->next < c->n_todo && !begin(c, w))
            c->code = EXIT_MACHINE;
        busy = busy || w->busy;
    }
    progress(c, !busy);
    if (!busy || c->code != EXIT_CLEAN)
        return false;
    (void)promtool_wait(runs, c->r->jobs);
    return true;
}

int
prove_run_mutants(struct prove_run *r)
{
    struct campaign c = {.r = r, .code = EXIT_CLEAN};

    for (size_t i = 0; i < r->rules->groups[0]->count && c.code == EXIT_CLEAN; i++)
        if (is_tested(r, r->rules->groups[0]->rules[i]))
            c.code = list_rule(&c, i);
    take_sample(&c);
    while (c.code == EXIT_CLEAN && go_on(&c))
        continue;
    for (size_t i = 0; i < r->jobs; i++) {
        promtool_stop(&c.workers[i].run);
        gr_buf_fini(&c.workers[i].run.out);
        gr_arena_free(c.workers[i].arena);
    }
    if (c.code == EXIT_MACHINE)
        complain(r->self, "promtool could not be run for each change");
    return c.code == EXIT_CLEAN && r->survived > 0 ? EXIT_FINDINGS : c.code;
}
