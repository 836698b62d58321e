/* compare.c - two lists of facts, merged: what is on one side only, and what differs. */
#include "config.h"
#include "compare_parts.h"

#include <stdlib.h>

#include "guardrail/hash.h"

enum parent { PARENT_NONE, PARENT_PHASE, PARENT_ACTION, PARENT_STEP, PARENT_BOTH, PARENT_HIDDEN };
static const struct {
    enum parent parent;
    enum verdict less, more, differs;
} rows[] = {
#define ASPECT(name, key, scope, type, parent, absent, less, more, differs)                                  \
    {PARENT_##parent, less, more, differs},
#include "aspects.def"
#undef ASPECT
};

static const char *const kind_names[] = {
    [CHANGE_LOOSER] = "looser",     [CHANGE_REMOVED] = "removed", [CHANGE_SLOWER] = "slower",
    [CHANGE_REROUTED] = "rerouted", [CHANGE_CHANGED] = "changed", [CHANGE_FASTER] = "faster",
    [CHANGE_TIGHTER] = "tighter",   [CHANGE_ADDED] = "added",
};

const char *
change_kind_name(enum change_kind kind)
{
    return kind_names[kind];
}

enum verdict
verdict_of(enum aspect aspect, int direction)
{
    return direction < 0 ? rows[aspect].less : direction > 0 ? rows[aspect].more : rows[aspect].differs;
}

/* ---- telling ---- */

struct change *
tell(struct comparison *c, enum aspect aspect, enum verdict verdict)
{
    struct change *v = c->v;

    if (c->n == c->cap && !(v = gr_arena_grow(c->a, c->v, c->n, &c->cap, sizeof *v)))
        return NULL;
    c->v = v;
    v += c->n++;
    *v = (struct change){.kind = (enum change_kind)(verdict & VERDICT_KIND),
                         .loosens = (verdict & LOOSENS) != 0,
                         .coverage = (verdict & COVERAGE) != 0,
                         .unproven = (verdict & UNPROVEN) != 0,
                         .mandatory = c->mandatory,
                         .order = (uint64_t)c->place << 32,
                         .aspect = aspect,
                         .key = gr_str(aspect_key(aspect))};
    if (c->old_g || c->new_g)
        v->guardrail = c->new_g ? c->new_g->name : c->old_g->name;
    v->old_place = c->old_g ? c->old_g->span : GR_SPAN_NONE;
    v->new_place = c->new_g ? c->new_g->span : GR_SPAN_NONE;
    return v;
}

static struct change *
tell_facts(struct comparison *c, enum verdict verdict, const struct fact *old, const struct fact *new,
           struct gr_str before, struct gr_str after)
{
    const struct fact *some = new ? new : old;
    struct change *change = tell(c, c->aspect, verdict);

    if (!change)
        return NULL;
    change->of = some ? some->of : GR_STR_NONE;
    change->before = before;
    change->after = after;
    if (old)
        change->old_place = old->span;
    if (new)
        change->new_place = new->span;
    return change;
}

/* ---- what a missing fact counts as ---- */

static const struct {
    enum aspect of, from;
} heirs[] = {
    {ASPECT_COMPARE_WITHIN, ASPECT_COMPARE_WITHIN_ALL},
    {ASPECT_PHASES, ASPECT_PHASES_ALL},
    {ASPECT_EVIDENCE_KIND, ASPECT_EVIDENCE_ALL},
    {ASPECT_ON_HARD, ASPECT_ON_HARD_ALL},
    {ASPECT_ON_SOFT, ASPECT_ON_SOFT_ALL},
    {ASPECT_ON_NO_DATA, ASPECT_ON_NO_DATA_ALL},
    {ASPECT_REACTION_TARGET, ASPECT_REACTION_TARGET_ALL},
    {ASPECT_ALARM_BUDGET, ASPECT_ROLLBACK_BUDGET},
};

static const struct fact *
inherited(const struct facts *f, enum aspect aspect)
{
    for (size_t i = 0; i < GR_COUNT(heirs); i++)
        if (heirs[i].of == aspect)
            return facts_find(f->v, f->n, heirs[i].from, GR_STR_NONE);
    return NULL;
}

/* No number stands for no bound: without a budget the first excursion fires, as if any number of false ones were allowed. */
static struct gr_dec
number_of(const struct fact *f, enum aspect aspect)
{
    struct gr_dec absent = GR_DEC(0, 0);
    struct gr_str text = gr_str(aspect_absent(aspect));

    if (f)
        return f->number;
    if (gr_str_is(text, "true"))
        return gr_dec_int(1);
    return gr_dec_parse(text, &absent) == GR_OK || text.n == 0 || gr_str_is(text, "false") ? absent
                                                                                           : GR_DEC(1, 18);
}

static struct gr_str
text_of(const struct fact *f, enum aspect aspect)
{
    return f ? f->text : gr_str(aspect_absent(aspect));
}

/* ---- parents ---- */

bool
items_have(const struct strs *items, struct gr_str s)
{
    for (size_t i = 0; i < items->n; i++)
        if (gr_str_eq(items->v[i], s))
            return true;
    return false;
}

static int
by_text(const void *a, const void *b)
{
    return gr_str_cmp(*(const struct gr_str *)a, *(const struct gr_str *)b);
}

/* Sets are sorted, and can be long: every venue of every stream. */
static bool
has(enum aspect aspect, const struct strs *items, struct gr_str s)
{
    if (aspect_type(aspect) != TYPE_SET || items->n == 0)
        return items_have(items, s);
    return bsearch(&s, items->v, items->n, sizeof *items->v, by_text) != NULL;
}

static bool
list_has(const struct facts *f, enum aspect list, struct gr_str of, struct gr_str name)
{
    const struct fact *fact = facts_find(f->v, f->n, list, of);

    return fact && items_have(&fact->items, name);
}

/* "rollback/freeze" is the step freeze of the action rollback. */
static bool
parent_in(const struct facts *f, enum parent parent, struct gr_str of)
{
    size_t slash = gr_str_find(of, GR_STR("/"), 0);
    struct gr_str name = slash == SIZE_MAX ? of : gr_str_sub(of, 0, slash);

    if (parent == PARENT_PHASE)
        return list_has(f, ASPECT_PHASE, GR_STR_NONE, name);
    if (!list_has(f, ASPECT_ACTION, GR_STR_NONE, name))
        return false;
    return parent == PARENT_ACTION ||
           list_has(f, ASPECT_STEPS, name, gr_str_sub(of, slash == SIZE_MAX ? of.n : slash + 1, of.n));
}

static bool
worth_telling(const struct comparison *c, enum aspect aspect, struct gr_str of, bool both)
{
    enum parent parent = rows[aspect].parent;

    if (parent == PARENT_NONE)
        return true;
    if (parent == PARENT_HIDDEN)
        return false;
    if (parent == PARENT_BOTH)
        return both;
    return parent_in(c->from, parent, of) && parent_in(c->to, parent, of);
}

/* ---- one fact ---- */

static void
compare_text(struct comparison *c, enum aspect aspect, const struct fact *old, const struct fact *new)
{
    struct gr_str before = text_of(old, aspect), after = text_of(new, aspect);
    int direction = before.n == 0 ? 1 : after.n == 0 ? -1 : 0;

    if (!gr_str_eq(before, after))
        (void)tell_facts(c, verdict_of(aspect, direction), old, new, before, after);
}

static void
compare_number(struct comparison *c, enum aspect aspect, const struct fact *old, const struct fact *new)
{
    struct gr_dec a = number_of(old, aspect), b = number_of(new, aspect);
    int direction = gr_dec_cmp(b, a);
    enum verdict verdict = verdict_of(aspect, direction);

    if (direction == 0)
        return;
    if (aspect == ASPECT_PHASE_TRAFFIC && b.mant == 0)
        verdict = V_UNCOVERED; /* nothing can be seen there any more */
    if (aspect == ASPECT_FLOOR)
        verdict = floor_verdict(c, direction);
    (void)tell_facts(c, verdict, old, new, text_of(old, aspect), text_of(new, aspect));
}

#define ITEMS_SHOWN 6u

/* [a, b, c]; of a long list only what the other does not have, at most ITEMS_SHOWN. */
static struct gr_str
items_text(struct comparison *c, const struct strs *items, const struct strs *other, bool whole)
{
    struct gr_buf b = GR_BUF_INIT(65536);
    struct gr_str out;
    size_t shown = 0, left = 0;

    gr_buf_putc(&b, '[');
    for (size_t i = 0; i < items->n; i++) {
        if (!whole && has(c->aspect, other, items->v[i]))
            continue;
        if (shown == ITEMS_SHOWN && !whole) {
            left++;
            continue;
        }
        gr_buf_puts(&b, shown++ ? ", " : "");
        gr_buf_put(&b, items->v[i]);
    }
    if (left > 0)
        gr_buf_printf(&b, ", and %zu more", left);
    gr_buf_putc(&b, ']');
    out = facts_keep(c->a, &b);
    return shown > 0 || whole ? out : GR_STR_NONE;
}

/* A phase that is new or gone is told once, not for every guardrail. */
static bool
counts(const struct comparison *c, enum aspect aspect, struct gr_str item)
{
    return aspect != ASPECT_PHASES || (list_has(c->from, ASPECT_PHASE, GR_STR_NONE, item) &&
                                       list_has(c->to, ASPECT_PHASE, GR_STR_NONE, item));
}

static size_t
missing_in(const struct comparison *c, enum aspect aspect, const struct strs *items, const struct strs *other)
{
    size_t n = 0;

    for (size_t i = 0; i < items->n; i++)
        n += !has(aspect, other, items->v[i]) && counts(c, aspect, items->v[i]);
    return n;
}

static void
compare_items(struct comparison *c, enum aspect aspect, const struct fact *old, const struct fact *new)
{
    static const struct strs none = {NULL, 0};
    const struct strs *a = old ? &old->items : &none, *b = new ? &new->items : &none;
    bool whole = aspect != ASPECT_EXPECT && a->n <= ITEMS_SHOWN && b->n <= ITEMS_SHOWN;
    size_t lost, gained;
    enum verdict verdict;

    if (facts_same_items(a, b))
        return;
    lost = missing_in(c, aspect, a, b);
    gained = missing_in(c, aspect, b, a);
    verdict = lost > 0 && gained > 0 ? verdict_of(aspect, 0)
              : lost > 0             ? verdict_of(aspect, -1)
              : gained > 0           ? verdict_of(aspect, 1)
                                     : verdict_of(aspect, 0);
    if (lost == 0 && gained == 0 && (aspect_type(aspect) == TYPE_SET))
        return;
    if (lost > 0 && aspect == ASPECT_PHASE)
        verdict = V_REMOVED;
    if (lost > 0 && aspect == ASPECT_STEPS)
        verdict = V_LOOSER;
    if (actions_aspect(aspect) && (lost > 0 || gained > 0))
        verdict = actions_verdict(c, a, b);
    (void)tell_facts(c, verdict, old, new, items_text(c, a, b, whole), items_text(c, b, a, whole));
}

/* key: the one that is there. */
static void
compare_fact(struct comparison *c, const struct fact *key, const struct fact *old, const struct fact *new)
{
    enum aspect aspect = key->aspect;

    if (!worth_telling(c, aspect, key->of, old && new))
        return;
    if (!old)
        old = inherited(c->from, aspect);
    if (!new)
        new = inherited(c->to, aspect);
    c->aspect = aspect;
    switch (aspect_type(aspect)) {
    case TYPE_TEXT:
        if (aspect == ASPECT_CONFIRM_HARD || aspect == ASPECT_CONFIRM_SOFT)
            compare_confirm(c, aspect, text_of(old, aspect), text_of(new, aspect), old, new);
        else
            compare_text(c, aspect, old, new);
        break;
    case TYPE_NUMBER:
    case TYPE_FLAG:
        compare_number(c, aspect, old, new);
        break;
    case TYPE_SET:
    case TYPE_LIST:
        compare_items(c, aspect, old, new);
        break;
    }
}

void
tell_pair(struct comparison *c, enum aspect aspect, enum verdict verdict, const struct fact *old,
          const struct fact *new, struct gr_str before, struct gr_str after)
{
    struct change *change = tell(c, aspect, verdict);

    if (!change)
        return;
    change->before = before;
    change->after = after;
    change->old_place = old ? old->span : change->old_place;
    change->new_place = new ? new->span : change->new_place;
}

static int
order(const struct fact *a, const struct fact *b)
{
    return a->aspect != b->aspect ? (a->aspect > b->aspect) - (a->aspect < b->aspect)
                                  : gr_str_cmp(a->of, b->of);
}

static void
merge(struct comparison *c, const struct fact *a, size_t n_a, const struct fact *b, size_t n_b)
{
    size_t i = 0, k = 0;

    while (i < n_a || k < n_b) {
        int o = i == n_a ? 1 : k == n_b ? -1 : order(&a[i], &b[k]);

        compare_fact(c, o <= 0 ? &a[i] : &b[k], o <= 0 ? &a[i] : NULL, o >= 0 ? &b[k] : NULL);
        i += o <= 0;
        k += o >= 0;
    }
}

/* ---- the whole, and each guardrail ---- */

/* What follows from a change that is told anyway. */
static bool
follows(const struct comparison *c, const struct change *change)
{
    static const enum aspect budgets[] = {[0] = ASPECT_ROLLBACK_BUDGET, [1] = ASPECT_ALARM_BUDGET};
    bool soft = change->aspect == ASPECT_SOFT_TESTS;

    if (change->aspect == ASPECT_PHASE_MAX)
        return max_follows_min(c, change->of);
    if (change->aspect != ASPECT_HARD_TESTS && !soft)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].aspect == budgets[0] || (soft && c->v[i].aspect == budgets[1]))
            return true;
    return false;
}

static void
compare_spec(struct comparison *c)
{
    size_t kept = 0;

    merge(c, c->from->v, c->from->n, c->to->v, c->to->n);
    for (size_t i = 0; i < c->n; i++)
        if (!follows(c, &c->v[i]))
            c->v[kept++] = c->v[i];
    c->n = kept;
}

static int
by_name(const void *a, const void *b)
{
    return gr_str_cmp((*(const struct fact_guardrail *const *)a)->name,
                      (*(const struct fact_guardrail *const *)b)->name);
}

static const struct fact_guardrail **
index_names(struct gr_arena *a, const struct facts *f)
{
    const struct fact_guardrail **v = gr_arena_array(a, f->n_guardrails, sizeof *v);

    for (size_t i = 0; v && i < f->n_guardrails; i++)
        v[i] = &f->guardrails[i];
    if (v)
        qsort(v, f->n_guardrails, sizeof *v, by_name);
    return v;
}

static const struct fact_guardrail *
find_name(const struct fact_guardrail **index, size_t n, const struct fact_guardrail *key)
{
    const struct fact_guardrail **found = n > 0 ? bsearch(&key, index, n, sizeof(*index), by_name) : NULL;

    return found ? *found : NULL;
}

/* In the order of the table; there are few. */
static void
sort_by_aspect(struct change *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && v[k - 1].aspect > v[k].aspect; k--) {
            struct change t = v[k];

            v[k] = v[k - 1];
            v[k - 1] = t;
        }
}

static void
compare_guardrail(struct comparison *c)
{
    const struct fact *mandatory = facts_find(c->old_g->v, c->old_g->n, ASPECT_MANDATORY, GR_STR_NONE);
    size_t first = c->n;

    c->mandatory = !mandatory || mandatory->number.mant != 0;
    merge(c, c->old_g->v, c->old_g->n, c->new_g->v, c->new_g->n);
    compare_limits(c);
    compare_window(c);
    if (c->n > first) /* without a change there may be no array */
        sort_by_aspect(c->v + first, c->n - first);
}

static void
tell_presence(struct comparison *c, bool added)
{
    const struct fact_guardrail *g = added ? c->new_g : c->old_g;
    const struct fact *mandatory = facts_find(g->v, g->n, ASPECT_MANDATORY, GR_STR_NONE);
    struct change *change;

    c->mandatory = !added && (!mandatory || mandatory->number.mant != 0);
    change = tell(c, ASPECT_GUARDRAIL, verdict_of(ASPECT_GUARDRAIL, added ? 1 : -1));
    if (change)
        *(added ? &change->after : &change->before) = limits_text(c, g);
}

static void
compare_guardrails(struct comparison *c, struct changes *out)
{
    const struct fact_guardrail **olds = index_names(c->a, c->from), **news = index_names(c->a, c->to);

    if (!olds || !news)
        return;
    for (size_t i = 0; i < c->to->n_guardrails; i++) {
        c->new_g = &c->to->guardrails[i];
        c->old_g = find_name(olds, c->from->n_guardrails, c->new_g);
        c->place = (uint32_t)i + 1;
        if (c->old_g) {
            compare_guardrail(c);
            continue;
        }
        tell_presence(c, true);
        out->guardrails_added++;
    }
    c->new_g = NULL;
    for (size_t i = 0; i < c->from->n_guardrails; i++) {
        c->place = (uint32_t)(c->to->n_guardrails + i) + 1;
        c->old_g = &c->from->guardrails[i];
        if (find_name(news, c->to->n_guardrails, c->old_g))
            continue;
        tell_presence(c, false);
        out->guardrails_removed++;
    }
    c->old_g = NULL;
    compare_reactions(c, olds);
}

static int
by_order(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return (x->order > y->order) - (x->order < y->order);
}

/* By guardrail, then as they were told. */
static void
sort_changes(struct change *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i].order |= i;
    if (n > 0)
        qsort(v, n, sizeof *v, by_order);
}

/* What a change is known by. A waiver's terms are no part of the specification's hash (only what it lets through is), so they follow
 * it: "<hash>+<hash of the waivers>". Without the second part, one signature would do for every later extension. */
static enum gr_err
put_key(struct gr_arena *a, const struct facts *f, struct gr_str *key)
{
    struct gr_buf terms = GR_BUF_INIT(FACTS_BYTES_MAX);
    char hex[GR_SHA256_HEX + 1];
    enum gr_err err;

    *key = f->spec_hash;
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].aspect == ASPECT_WAIVERS)
            gr_buf_printf(&terms, GR_FMT "\n" GR_FMT "\n", GR_ARG(f->v[i].of), GR_ARG(f->v[i].text));
    err = gr_buf_err(&terms);
    if (err == GR_OK && terms.n > 0 && (err = gr_sha256_hex(gr_buf_str(&terms), hex)) == GR_OK)
        *key = gr_arena_printf(a, GR_FMT "+%.16s", GR_ARG(f->spec_hash), hex);
    gr_buf_fini(&terms);
    return err;
}

enum gr_err
compare(struct gr_arena *a, const struct facts *from, const struct facts *to, struct changes *out)
{
    struct comparison c = {.a = a, .from = from, .to = to};
    enum gr_err err;

    *out = (struct changes){.old_hash = from->spec_hash, .new_hash = to->spec_hash};
    if ((err = put_key(a, from, &out->old_key)) != GR_OK || (err = put_key(a, to, &out->new_key)) != GR_OK)
        return err;
    compare_spec(&c);
    compare_guardrails(&c, out);
    sort_changes(c.v, c.n);
    out->v = c.v;
    out->n = c.n;
    for (size_t i = 0; i < c.n; i++) {
        out->count[c.v[i].kind]++;
        out->loosens += c.v[i].loosens;
        out->coverage += c.v[i].coverage;
        out->unproven += c.v[i].unproven;
    }
    return gr_arena_status(a);
}
