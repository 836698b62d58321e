/* prove_mutate.c - guardrailc test --mutate: every small change of every rule must make a generated test fail.
 *
 * Tests are cut into parts of a few streams each, and a changed rule is shown to one part after the other until the first that fails: those of
 * guardrails that the changed branch selects first, among them the parts that have noticed other changes of the same rule, then those
 * that have noticed most, for what they cost. One promtool is given several of them, and is killed when it says that one has failed. Each part has
 * rules of its own, without what is empty there (prove_trim.h). Only who cannot notice is left out: what is left of the rules there is
 * the same with the change and without (prove_reach.h, prove_trim.h), so a survivor has met every part that could.
 *
 * Each worker has a folder with its changed rule files and links to the parts, which never change. */
#include "config.h"
#include "prove_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mutate.h"
#include "prove_equal.h"
#include "prove_reach.h"
#include "prove_same.h"
#include "prove_trim.h"
#include "stop.h"

#define TREE_BYTES_MAX ((size_t)256 << 20)
#define RULES_BYTES_MAX ((size_t)1 << 30)
#define MUTANT_TIMEOUT_MS (30 * 60 * 1000) /* of all parts, on a machine that has other things to do */
#define PARTS_MAX 200u                     /* for one promtool */
#define PARTS_FIRST 8u                     /* for the first one: most changes are noticed soon */
#define ORDINALS 64u  /* parts of one guardrail that are told apart in what they notice */
#define TELL_MS 60000 /* between words about how far it is, where they do not overwrite one another */

struct mutant {
    size_t rule, n;
    uint64_t stratum; /* the rule's name and the kind of change */
    size_t rank;      /* in its stratum, of a random order */
};
/* A part of a guardrail's tests, and how many changes it was the first to notice. */
struct part {
    size_t target, ordinal;
    struct gr_str file, rules;    /* names */
    bool shares, sound;           /* sound: it passes with the rules as they are */
    struct prove_trimmed trimmed; /* nothing of the group that watches, whose rules stay as they are */
    uint32_t noticed;
    double cost; /* about what promtool takes: start, samples, rules at each step; in units of 6 ms */
};
/* A part as a worker sees it. */
struct turn {
    size_t part;
    bool likely;                /* the changed branch selects its guardrail */
    double score;               /* how likely it notices, for what it costs */
    const struct gr_str *exprs; /* of its rules */
};
struct worker {
    struct promtool_run run;
    struct gr_arena *arena;
    size_t rule, n; /* of the change */
    struct mutate_change change;
    struct gr_str expr, folder;
    struct turn *turns;
    size_t n_turns, at, given; /* turns [at, at + given) are promtool's */
    const char *why;           /* it is known to be the same, and doubted */
    bool busy, asking;         /* asking: whether a part that has noticed passes with the rules as they are */
    size_t asked;
};
struct campaign {
    struct prove_run *r;
    struct gr_rule **rules; /* of both groups: the first n_own are the guardrails', the others watch */
    size_t n_rules, n_own;
    struct mutant *todo;
    size_t n_todo, cap_todo, next;
    struct part *parts;
    size_t n_parts, cap_parts;
    uint32_t *by_rule; /* what each part has noticed of each rule's changes: [rule × n_parts + part] */
    uint32_t *
        by_name; /* and of rules of that name, whoever they are of: [first rule of the name × ORDINALS + ordinal] */
    size_t *first_of;         /* each rule's first of its name */
    struct gr_arena *arena;   /* owned: the rules, read */
    struct prove_rules *read; /* two of each target: without shares, and with */
    struct worker workers[PROMTOOL_JOBS_MAX];
    int64_t told_ms;
    bool complained;
    int code;
};

/* -- which mutants ------------------------------------------------------------------------------------------------------------ */

static bool
concerned(const struct campaign *c, size_t rule, const struct prove_target *t)
{
    if (t->watch || rule >= c->n_own)
        return t->watch && rule >= c->n_own;
    return !t->suite.refused && prove_concerns(c->rules[rule], t->suite.g->name);
}

/* Of one guardrail alone only its own rules: what a change of a shared one does may be seen in other guardrails only. */
static bool
is_tested(const struct campaign *c, size_t rule)
{
    if (c->r->rule && !gr_str_is(c->rules[rule]->name, c->r->rule))
        return false;
    if (c->r->only && rule < c->n_own && prove_concerns(c->rules[rule], GR_STR_NONE))
        return false;
    for (size_t i = 0; i < c->r->n_targets; i++)
        if (concerned(c, rule, &c->r->targets[i]))
            return true;
    return false;
}

static bool
take_rules(struct campaign *c)
{
    const struct gr_rule_group *own = c->r->rules->groups[0], *watch = prove_watch_group(c->r->rules);
    size_t n = own->count + (watch ? watch->count : 0);

    if (!(c->rules = gr_arena_array(c->r->session->arena, n + 1, sizeof *c->rules)))
        return false;
    c->n_own = own->count;
    for (; c->n_rules < n; c->n_rules++)
        c->rules[c->n_rules] =
            c->n_rules < c->n_own ? own->rules[c->n_rules] : watch->rules[c->n_rules - c->n_own];
    c->first_of = gr_arena_array(c->r->session->arena, n + 1, sizeof *c->first_of);
    c->by_name = gr_arena_array(c->r->session->arena, (n + 1) * ORDINALS, sizeof *c->by_name);
    for (size_t i = 0; c->first_of && i < n; i++)
        while (!gr_str_eq(c->rules[c->first_of[i]]->name, c->rules[i]->name))
            c->first_of[i]++;
    return c->first_of && c->by_name;
}

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo). */
static uint64_t
hashed(uint64_t h, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * UINT64_C(1099511628211);
    return h;
}

static int
list_rule(struct campaign *c, size_t rule)
{
    struct gr_arena *a = gr_arena_create(TREE_BYTES_MAX);
    struct gr_promql *e = a ? prove_parse(a, c->rules[rule]->expr) : NULL;
    struct mutate_change change;
    enum gr_err err = e ? GR_OK : GR_ENOMEM;

    for (size_t n = 0; err == GR_OK || err == GR_EUSER; n++) {
        struct gr_arena *work = gr_arena_create(TREE_BYTES_MAX);

        uint64_t stratum = hashed(UINT64_C(14695981039346656037), c->rules[rule]->name);

        err = work ? mutate_nth(work, e, n, c->r->m->sampling_ms, &change) : GR_ENOMEM;
        if (err == GR_OK)
            stratum = hashed(stratum, change.what);
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
        c->todo[c->n_todo++] = (struct mutant){rule, n, stratum, 0};
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

static int
by_stratum(const void *left, const void *right)
{
    const struct mutant *a = left, *b = right;

    if (a->stratum != b->stratum)
        return a->stratum < b->stratum ? -1 : 1;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int
by_rank(const void *left, const void *right)
{
    const struct mutant *a = left, *b = right;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->stratum < b->stratum ? -1 : a->stratum > b->stratum;
}

/* Of each kind of rule and change one before any second; which, is left to chance. */
static void
spread(struct campaign *c)
{
    for (size_t i = 0; i < c->n_todo; i++)
        c->todo[i].rank = i;
    qsort(c->todo, c->n_todo, sizeof *c->todo, by_stratum);
    for (size_t i = 0; i < c->n_todo; i++)
        c->todo[i].rank = i > 0 && c->todo[i].stratum == c->todo[i - 1].stratum ? c->todo[i - 1].rank + 1 : 0;
    qsort(c->todo, c->n_todo, sizeof *c->todo, by_rank);
}

/* The first `sample` of a random order. */
static void
take_sample(struct campaign *c)
{
    uint64_t state = c->r->seed * 2 + 1;

    if (c->r->sample == 0 || c->r->sample >= c->n_todo)
        return;
    for (size_t i = 0; i + 1 < c->n_todo; i++) {
        size_t k = i + (size_t)(random_next(&state) % (c->n_todo - i));
        struct mutant m = c->todo[i];

        c->todo[i] = c->todo[k];
        c->todo[k] = m;
    }
    if (c->r->spread)
        spread(c);
    c->n_todo = c->r->sample;
}

/* -- parts and folders -------------------------------------------------------------------------------------------------------- */

static int
put_part(struct campaign *c, size_t target, size_t n, const struct prove_part *p)
{
    struct prove_run *r = c->r;
    struct prove_target *t = &r->targets[target];
    struct gr_arena *a = r->session->arena;
    struct gr_buf b = GR_BUF_INIT(PROVE_FILE_BYTES_MAX);
    bool shares = t->suite.worlds[p->world]->share != NULL;
    struct gr_str rules = gr_arena_printf(a, GR_FMT ".part%zu.rules.yml", GR_ARG(t->base), n),
                  file = gr_arena_printf(a, GR_FMT ".part%zu.test.yml", GR_ARG(t->base), n);
    struct part *v = c->parts;
    int code = EXIT_MACHINE;

    if (c->n_parts == c->cap_parts)
        v = gr_arena_grow(a, v, c->n_parts, &c->cap_parts, sizeof *v);
    if (v && rules.p && file.p) {
        c->parts = v;
        v = &v[c->n_parts];
        *v = (struct part){target, n, file, rules, shares, false, {.rules = NULL}, 0, 0};
        prove_put_part(&b, &t->suite, p, rules.p);
        if (gr_buf_err(&b) == GR_OK &&
            prove_trim(&c->read[2 * target + shares], gr_buf_str(&b), &v->trimmed) == GR_OK)
            code = prove_run_put_file(r, file, gr_buf_str(&b));
        v->cost = 4 + (double)b.n / 25000 +
                  (double)t->suite.worlds[p->world]->steps * (double)v->trimmed.bytes / 25000;
        c->n_parts++;
    }
    gr_buf_fini(&b);
    return code;
}

/* The rules of a target, read for all of its parts. */
static int
read_rules(struct campaign *c, size_t target)
{
    for (unsigned shares = 0; shares < 2; shares++)
        if (prove_rules_read(c->arena, c->r->m, c->r->rules->groups[0], c->r->targets[target].suite.g->name,
                             shares > 0, &c->read[2 * target + shares]) != GR_OK)
            return EXIT_MACHINE;
    return EXIT_CLEAN;
}

/* The tests of the group that watches are one part, and written already. */
static int
put_whole(struct campaign *c, size_t target)
{
    struct gr_arena *a = c->r->session->arena;
    struct part *v = c->parts;

    if (c->n_parts == c->cap_parts && !(v = gr_arena_grow(a, v, c->n_parts, &c->cap_parts, sizeof *v)))
        return EXIT_MACHINE;
    c->parts = v;
    c->parts[c->n_parts] =
        (struct part){.target = target,
                      .file = c->r->targets[target].files[0],
                      .rules = gr_arena_printf(a, GR_FMT ".rules.yml", GR_ARG(c->r->targets[target].base)),
                      .cost = 20};
    return c->parts[c->n_parts++].rules.p ? EXIT_CLEAN : EXIT_MACHINE;
}

static int
write_parts(struct campaign *c)
{
    struct prove_part p;
    int code = EXIT_CLEAN;

    for (size_t i = 0; i < c->r->n_targets; i++)
        if (c->r->targets[i].watch && code == EXIT_CLEAN)
            code = put_whole(c, i);
    c->arena = gr_arena_create(RULES_BYTES_MAX);
    if (!c->arena || !(c->read = gr_arena_array(c->arena, 2 * c->r->n_targets + 1, sizeof *c->read)))
        return EXIT_MACHINE;
    for (size_t i = 0; i < c->r->n_targets && code == EXIT_CLEAN; i++) {
        if (c->r->targets[i].suite.refused || c->r->targets[i].watch)
            continue;
        code = read_rules(c, i);
        for (size_t n = 0; code == EXIT_CLEAN && prove_part(&c->r->targets[i].suite, n, &p); n++)
            code = put_part(c, i, n, &p);
    }
    c->by_rule = gr_arena_array(c->r->session->arena, c->n_rules * c->n_parts + 1, sizeof *c->by_rule);
    return c->by_rule ? code : EXIT_MACHINE;
}

/* A worker's folder: links to all parts. */
static int
make_desk(struct campaign *c, size_t id)
{
    struct gr_arena *a = c->r->session->arena;
    struct worker *w = &c->workers[id];

    w->folder = gr_arena_printf(a, "%s/worker-%zu", gr_buf_cstr(&c->r->folder), id);
    if (!w->folder.p || mkdir(w->folder.p, 0700) != 0)
        return EXIT_MACHINE;
    for (size_t i = 0; i < c->n_parts; i++) {
        struct gr_str to = gr_arena_printf(a, "../" GR_FMT, GR_ARG(c->parts[i].file)),
                      from =
                          gr_arena_printf(a, GR_FMT "/" GR_FMT, GR_ARG(w->folder), GR_ARG(c->parts[i].file));

        if (!to.p || !from.p || symlink(to.p, from.p) != 0)
            return EXIT_MACHINE;
    }
    return EXIT_CLEAN;
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

static int
by_score(const void *left, const void *right)
{
    const struct turn *a = left, *b = right;

    if (a->likely != b->likely)
        return a->likely ? -1 : 1;
    if (a->score > b->score || a->score < b->score)
        return a->score > b->score ? -1 : 1;
    return a->part < b->part ? -1 : a->part > b->part;
}

/* The expressions of the group that watches, one of them changed. */
static const struct gr_str *
watching(const struct campaign *c, const struct worker *w)
{
    struct gr_str *v = gr_arena_array(w->arena, c->n_rules - c->n_own + 1, sizeof *v);

    for (size_t i = c->n_own; v && i < c->n_rules; i++)
        v[i - c->n_own] = i == w->rule ? w->expr : c->rules[i]->expr;
    return v;
}

/* Parts in the order in which they are asked. */
static bool
order(struct campaign *c, struct worker *w)
{
    struct gr_promql *part = prove_parse(w->arena, w->change.before);
    bool likely = false, can = false;

    w->turns = gr_arena_array(w->arena, c->n_parts + 1, sizeof *w->turns);
    w->n_turns = 0;
    for (size_t i = 0; w->turns && i < c->n_parts; i++) {
        const struct part *p = &c->parts[i];
        const struct prove_target *t = &c->r->targets[p->target];
        struct wanted want = {.name = t->suite.g->name};
        const struct gr_str *exprs = NULL;

        if (i == 0 || p->target != c->parts[i - 1].target) {
            can = concerned(c, w->rule, t) &&
                  (w->rule >= c->n_own || prove_reaches(&w->change, part, want.name));
            if (can && part)
                gr_promql_selectors(part, selects, &want);
            likely = want.found || !want.any;
        }
        if (can && !t->watch &&
            prove_trim_changed(w->arena, &p->trimmed, w->rule, w->change.tree, &exprs) != GR_OK)
            return false;
        if (can && t->watch && !(exprs = watching(c, w)))
            return false;
        if (can && exprs)
            w->turns[w->n_turns++] =
                (struct turn){i, likely,
                              (1.0 + p->noticed + 50.0 * c->by_rule[w->rule * c->n_parts + i] +
                               10.0 * c->by_name[c->first_of[w->rule] * ORDINALS + p->ordinal % ORDINALS]) /
                                  p->cost,
                              exprs};
    }
    if (w->turns)
        qsort(w->turns, w->n_turns, sizeof *w->turns, by_score);
    return w->turns != NULL;
}

/* -- running ------------------------------------------------------------------------------------------------------------------ */

static bool
write_rules(struct campaign *c, struct worker *w, const struct turn *turn)
{
    const struct part *p = &c->parts[turn->part];
    const struct prove_target *t = &c->r->targets[p->target];
    struct gr_buf b = GR_BUF_INIT(PROVE_FILE_BYTES_MAX), path = GR_BUF_INIT(8192);
    FILE *f = NULL;
    bool good;

    gr_buf_printf(&path, GR_FMT "/" GR_FMT, GR_ARG(w->folder), GR_ARG(p->rules));
    good = prove_put_rules(&b, w->arena, c->r->rules, t->watch ? GR_STR_NONE : t->suite.g->name, p->shares,
                           turn->exprs) == GR_OK &&
           gr_buf_err(&path) == GR_OK && (f = fopen(gr_buf_cstr(&path), "wbe")) != NULL &&
           fwrite(b.p, 1, b.n, f) == b.n;
    good = (!f || fclose(f) == 0) && good;
    gr_buf_fini(&b);
    gr_buf_fini(&path);
    return good;
}

/* Of the parts to come, as many as one promtool takes. */
static bool
start(struct campaign *c, struct worker *w)
{
    const char *argv[PARTS_MAX + 4] = {c->r->program, "test", "rules"};
    size_t most = w->at == 0 ? PARTS_FIRST : PARTS_MAX;

    for (w->given = 0; w->given < most && w->at + w->given < w->n_turns; w->given++) {
        const struct turn *turn = &w->turns[w->at + w->given];
        struct gr_str path = gr_arena_printf(w->arena, GR_FMT "/" GR_FMT, GR_ARG(w->folder),
                                             GR_ARG(c->parts[turn->part].file));

        if (!path.p || !write_rules(c, w, turn))
            return false;
        argv[3 + w->given] = path.p;
    }
    w->run.until = "FAILED:";
    promtool_start(&w->run, argv);
    w->run.deadline_ms = promtool_clock_ms() + MUTANT_TIMEOUT_MS;
    return true;
}

/* Another value for `!=` and `!~` that no series has leaves nothing out, as without the matcher: the next change of the expression. */
static bool
as_dropped(struct campaign *c, struct worker *w, struct mutate_change *out)
{
    const struct gr_promql *e;
    const struct gr_promql_matcher *m;
    const struct gr_str other = GR_STR("matcher: another value ");

    if (!gr_str_starts(w->change.what, other) ||
        !(m = gr_promql_matcher_on(w->change.part, gr_str_sub(w->change.what, other.n, w->change.what.n))) ||
        (m->op != GR_PROMQL_IS_NOT && m->op != GR_PROMQL_NOT_LIKE))
        return false;
    return (e = prove_parse(w->arena, c->rules[w->rule]->expr)) != NULL &&
           mutate_nth(w->arena, e, w->n + 1, c->r->m->sampling_ms, out) == GR_OK && out->dropped.name.n > 0;
}

/* Why the change is known to be the same: before any test, or when none has noticed it. */
static const char *
explained(struct campaign *c, struct worker *w, bool unnoticed)
{
    const struct gr_rule *rule = c->rules[w->rule];
    struct mutate_change dropped;
    const struct mutate_change *asked[] = {&w->change, &dropped};
    const char *why = NULL;

    for (size_t i = 0; !why && i < 2 && (i == 0 || as_dropped(c, w, &dropped)); i++)
        if (!unnoticed)
            why = prove_equal(c->r->m, rule, (i == 0 ? &w->change : &dropped));
        else if (!(why = prove_recorded(c->r->emitted, rule, asked[i])))
            why = prove_beside(c->r->emitted, rule, asked[i]);
    return why;
}

static bool
survivor(struct campaign *c, const struct worker *w, const char *why)
{
    struct prove_run *r = c->r;
    struct gr_arena *a = r->session->arena;
    struct prove_survivor *v = r->survivors;

    if (r->n_survivors == r->cap_survivors &&
        !(v = gr_arena_grow(a, v, r->n_survivors, &r->cap_survivors, sizeof *v)))
        return false;
    r->survivors = v;
    r->survivors[r->n_survivors++] = (struct prove_survivor){
        c->rules[w->rule], gr_arena_dup(a, w->change.what), gr_arena_dup(a, w->change.before),
        gr_arena_dup(a, w->change.after), gr_str(why ? why : "")};
    if (why)
        r->explained++;
    else
        r->survived++;
    return prove_run_tell(r, &r->survivors[r->n_survivors - 1]);
}

static void
leave(struct worker *w)
{
    w->busy = false;
    gr_arena_free(w->arena);
    w->arena = NULL;
}

/* Takes up the next change, if it is worth a run: what nobody can notice is written down at once. */
static bool
begin(struct campaign *c, struct worker *w)
{
    const struct mutant *m = &c->todo[c->next++];
    const struct gr_rule *rule = c->rules[m->rule];
    struct gr_promql *e;
    struct gr_buf b = GR_BUF_INIT(GR_PROMQL_BYTES_MAX);
    const char *why;
    bool good;

    w->rule = m->rule;
    w->n = m->n;
    w->at = 0;
    if (!(w->arena = gr_arena_create(TREE_BYTES_MAX)) || !(e = prove_parse(w->arena, rule->expr)) ||
        mutate_nth(w->arena, e, m->n, c->r->m->sampling_ms, &w->change) != GR_OK)
        return false;
    gr_promql_print(&b, w->change.tree);
    w->expr = gr_arena_dup(w->arena, gr_buf_str(&b));
    gr_buf_fini(&b);
    w->busy = true;
    c->r->mutants++;
    why = w->why = explained(c, w, false);
    if (!w->expr.p || ((!why || c->r->doubt) && !order(c, w)))
        return false;
    if ((!why || c->r->doubt) && w->n_turns > 0)
        return start(c, w);
    good = survivor(c, w, why);
    leave(w);
    return good;
}

/* The part that has noticed: as many have succeeded before it as promtool says. */
static size_t
noticed(const struct campaign *c, const struct worker *w)
{
    struct gr_str words = gr_buf_str(&w->run.out), line;
    size_t passed = 0;

    while (gr_str_next(&words, '\n', &line))
        passed += gr_str_is(gr_str_trim(line), "SUCCESS");
    return passed < w->given ? w->turns[w->at + passed].part : c->n_parts;
}

static void
credit(struct campaign *c, const struct worker *w, size_t part)
{
    c->parts[part].noticed++;
    c->by_rule[w->rule * c->n_parts + part]++;
    c->by_name[c->first_of[w->rule] * ORDINALS + c->parts[part].ordinal % ORDINALS]++;
}

/* A part that notices for the first time must pass with the rules as they are, less what is empty: else it is that which it has noticed. */
static bool
ask(struct campaign *c, struct worker *w, size_t part)
{
    const struct part *p = &c->parts[part];
    struct gr_str path = gr_arena_printf(w->arena, GR_FMT "/" GR_FMT, GR_ARG(w->folder), GR_ARG(p->file));
    struct turn turn = {.part = part, .exprs = p->trimmed.exprs};

    if (!path.p || !write_rules(c, w, &turn))
        return false;
    w->asking = true;
    w->asked = part;
    w->run.until = NULL;
    promtool_start(&w->run, (const char *[]){c->r->program, "test", "rules", path.p, NULL});
    return true;
}

static bool
answered(struct campaign *c, struct worker *w)
{
    w->asking = false;
    if (w->run.end != PROMTOOL_PASSED) {
        c->complained = true;
        complain(c->r->self, GR_FMT " fails with unchanged rules", GR_ARG(c->parts[w->asked].file));
        return false;
    }
    c->parts[w->asked].sound = true;
    c->r->killed++;
    leave(w);
    return true;
}

/* A proof that a test contradicts is no survivor's, but worse. */
static bool
doubted(struct campaign *c, const struct worker *w)
{
    c->complained = true;
    complain(c->r->self,
             "a test notices a change of " GR_FMT " that should be the same (%s): " GR_FMT "; " GR_FMT,
             GR_ARG(c->rules[w->rule]->name), w->why, GR_ARG(w->change.what), GR_ARG(w->change.after));
    return false;
}

/* What one promtool said: noticed, or the next parts, or nobody is left. Late is no notice: it survives. */
static bool
settle(struct campaign *c, struct worker *w)
{
    size_t part;

    if (w->asking)
        return answered(c, w);
    if (w->run.end == PROMTOOL_FAILED) {
        if ((part = noticed(c, w)) < c->n_parts) {
            credit(c, w, part);
            if (!c->parts[part].sound)
                return ask(c, w, part);
        }
        if (w->why)
            return doubted(c, w);
        c->r->killed++;
    } else if (w->run.end != PROMTOOL_PASSED && w->run.end != PROMTOOL_TIMEOUT) {
        return false;
    } else {
        w->at += w->given;
        if (w->run.end == PROMTOOL_PASSED && w->at < w->n_turns)
            return start(c, w);
        if (!survivor(c, w, w->why ? w->why : explained(c, w, true)))
            return false;
    }
    leave(w);
    return true;
}

static void
progress(struct campaign *c, bool last)
{
    int64_t now = promtool_clock_ms();
    bool tty = isatty(STDERR_FILENO);

    if (c->r->session->quiet || (!last && now - c->told_ms < (tty ? 500 : TELL_MS)) || (last && !tty))
        return;
    c->told_ms = now;
    fprintf(stderr, "%s%zu of %zu changes, %zu noticed, %zu explained, %zu survived%s", tty ? "\r" : "",
            c->r->mutants, c->n_todo, c->r->killed, c->r->explained, c->r->survived,
            last || !tty ? "\n" : "");
}

static bool
go_on(struct campaign *c)
{
    struct promtool_run *runs[PROMTOOL_JOBS_MAX];
    bool busy = false;

    for (size_t i = 0; i < c->r->jobs; i++) {
        struct worker *w = &c->workers[i];

        runs[i] = &w->run;
        if (w->busy && !w->run.running && !settle(c, w))
            c->code = EXIT_MACHINE;
        while (!w->busy && c->code == EXIT_CLEAN && c->next < c->n_todo)
            if (!begin(c, w))
                c->code = EXIT_MACHINE;
        busy = busy || w->busy;
    }
    progress(c, !busy);
    if (!busy || c->code != EXIT_CLEAN || stop_asked())
        return false;
    (void)promtool_wait(runs, c->r->jobs);
    return !stop_asked();
}

int
prove_run_mutants(struct prove_run *r)
{
    struct campaign c = {.r = r, .code = EXIT_CLEAN, .told_ms = promtool_clock_ms()};

    if (!take_rules(&c))
        c.code = EXIT_MACHINE;
    for (size_t i = 0; i < c.n_rules && c.code == EXIT_CLEAN; i++)
        if (is_tested(&c, i))
            c.code = list_rule(&c, i);
    take_sample(&c);
    if (c.code == EXIT_CLEAN)
        c.code = write_parts(&c);
    for (size_t i = 0; i < r->jobs && c.code == EXIT_CLEAN; i++)
        c.code = make_desk(&c, i);
    while (c.code == EXIT_CLEAN && go_on(&c))
        continue;
    for (size_t i = 0; i < r->jobs; i++) {
        promtool_stop(&c.workers[i].run);
        gr_buf_fini(&c.workers[i].run.out);
        gr_arena_free(c.workers[i].arena);
    }
    gr_arena_free(c.arena);
    if (c.code == EXIT_MACHINE && !c.complained)
        complain(r->self, "promtool could not be run for each change");
    return c.code == EXIT_CLEAN && r->survived > 0 ? EXIT_FINDINGS : c.code;
}
