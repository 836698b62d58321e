/* overlay.c - overlays, one after the other from the base up: what each loosens, who allowed it, and what goes back when that has ended.
 *
 * The document below is a specification of its own; so is what comes out. What an overlay loosens is compare.h's to say, from the meaning
 * of both: an edit of the text that changes nothing needs no waiver, and one that loosens by a detour needs one. What a waiver that has
 * expired was for is left out of the overlay, value by value, and the documents are merged again: so tightenings in the same entry stay,
 * and the result is what a person would have written. */
#include "config.h"
#include "clock.h"
#include "compare.h"
#include "merge.h"
#include "waiver.h"

#define FIX_DAYS 30 /* the waiver that a message shows lasts so long */

struct overlay {
    struct spec *s; /* poisoned values are those of the overlay's own document */
    const struct gr_node *root;
    const struct gr_node *base; /* the document it adapts, effective */
    const struct model *base_model;
    struct facts *base_facts;
    struct waiver_set waivers;
    const struct gr_node *last; /* the guardrail's entry that was looked up last */
    struct marks skip;          /* values that an expired waiver was for */
    bool refused;               /* a loosening has no waiver */
    bool again;                 /* something new is left out */
    bool no_memory;             /* a text could not be composed */
};

/* ---- reading one document, quietly or not ---- */

static enum gr_err
read_quietly(struct spec *s, const struct gr_node *root, struct model **out)
{
    struct gr_diags *quiet = gr_diags_create(s->sources);
    enum gr_err err = quiet ? spec_document(s, root, quiet, out) : GR_ENOMEM;

    gr_diags_free(quiet);
    return err;
}

/* A document that another one builds on: only its errors are reported here, since what is still remarkable is so in the result. */
static enum gr_err
read_base(struct spec *s, const struct gr_node *root, struct model **out)
{
    enum gr_err err = read_quietly(s, root, out);

    return err == GR_EUSER ? spec_document(s, root, s->d, out) : err;
}

/* ---- groups ---- */

/* A guardrail without `group` has that of the guardrail before it. Before entries come and go between them, each gets its own: as a node
 * that nobody wrote. */
static enum gr_err
state_groups(struct spec *s, const struct gr_node *root)
{
    const struct gr_node *list = gr_node_get(root, "guardrails"), *group = NULL;

    if (!list || list->kind != GR_NODE_LIST)
        return GR_OK;
    for (struct gr_node *item = list->first; item; item = item->next) {
        struct gr_node **end = &item->first, *own;

        if (item->kind != GR_NODE_MAP)
            continue;
        if (gr_node_get(item, "group")) {
            group = gr_node_get(item, "group");
            continue;
        }
        if (!group)
            continue;
        while (*end)
            end = &(*end)->next;
        if (!(own = gr_arena_alloc(s->a, sizeof *own)))
            return GR_ENOMEM;
        *own = *group;
        own->key_span = GR_SPAN_NONE;
        own->next = NULL;
        *end = own;
        item->count++;
    }
    return GR_OK;
}

/* ---- what a change belongs to ---- */

/* The overlay's text that made the change, as far as it is known. */
struct cause {
    const struct gr_node *node; /* the guardrail's entry or the part's value; NULL: not known */
    const struct key *row;      /* of the node */
    struct gr_str part;         /* empty: a guardrail's */
    struct waiver_entry *waiver;
};

/* Changes come in the order of guardrails, so the next one is mostly where the last one was. */
static const struct gr_node *
entry_of(struct overlay *o, struct gr_str guardrail)
{
    const struct gr_node *list = spec_get(o->s, o->root, "guardrails"), *from = o->last;

    if (!list || list->kind != GR_NODE_LIST)
        return NULL;
    for (const struct gr_node *item = from; item; item = item->next)
        if (gr_str_eq(spec_text(o->s, item, "name"), guardrail))
            return o->last = item;
    for (const struct gr_node *item = list->first; item && item != from; item = item->next)
        if (gr_str_eq(spec_text(o->s, item, "name"), guardrail))
            return o->last = item;
    return NULL;
}

/* "phases.min_duration" is of `phases`; what stands elsewhere than its key says is found by its place. */
static struct gr_str
part_of(const struct overlay *o, const struct change *c)
{
    struct gr_str part = c->key;

    gr_node_each (item, o->root)
        if (merge_value_at(item, keys_find(&spec_keys, item->key), c->new_place))
            return item->key;
    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] == '.' || part.p[i] == ' ')
            part.n = i;
    return gr_str_is(part, "compare_within") ? GR_STR("cohorts") : part;
}

static struct cause
find_cause(struct overlay *o, const struct change *c)
{
    struct cause cause = {.node = c->guardrail.n > 0 ? entry_of(o, c->guardrail) : NULL};

    if (cause.node) {
        cause.row = keys_find(&spec_keys, GR_STR("guardrails"));
        cause.waiver = waivers_of_guardrail(&o->waivers, c->guardrail, c->new_place);
        return cause;
    }
    cause.part = part_of(o, c);
    cause.row = keys_find(&spec_keys, cause.part);
    gr_node_each (item, o->root)
        if (gr_str_eq(item->key, cause.part))
            cause.node = item;
    cause.waiver = waivers_of_part(&o->waivers, cause.part);
    return cause;
}

/* "metric.unit" below the cause, as far as the overlay has it: for changes whose place is not in the overlay. *row is that of the result;
 * NULL: not even the first key is there. */
static const struct gr_node *
by_key(const struct cause *cause, struct gr_str path, const struct key **row)
{
    const struct gr_node *node = cause->node, *found = NULL;
    struct gr_str part;

    *row = cause->row;
    while (node && node->kind == GR_NODE_MAP && (*row)->type == KEY_MAP && gr_str_next(&path, '.', &part)) {
        const struct gr_node *inside = NULL;

        gr_node_each (item, node)
            if (gr_str_eq(item->key, part))
                inside = item;
        if (inside) {
            *row = keys_find((*row)->map, part);
            found = inside;
        }
        node = inside;
    }
    return found;
}

/* The `remove: true` of an entry, or of the first of a list's entries that has one. */
static const struct gr_node *
removal_in(const struct gr_node *node)
{
    const struct gr_node *remove = gr_node_get(node, "remove");

    if (remove && gr_str_is(remove->text, "true"))
        return remove;
    for (const struct gr_node *item = node && node->kind == GR_NODE_LIST ? node->first : NULL; item;
         item = item->next)
        if (removal_in(item))
            return removal_in(item);
    return NULL;
}

/* The narrowest text of the overlay that made the change. */
static struct gr_span
place_of(const struct overlay *o, const struct change *c, const struct cause *cause)
{
    const struct gr_node *value = cause->node ? merge_value_at(cause->node, cause->row, c->new_place) : NULL;
    const struct gr_node *remove = c->kind == CHANGE_REMOVED ? removal_in(cause->node) : NULL;
    const struct key *row;

    if (value)
        return c->new_place;
    if (remove)
        return remove->span;
    value = cause->node ? by_key(cause, c->key, &row) : NULL;
    if (value)
        return value->kind == GR_NODE_SCALAR ? value->span : value->key_span;
    return cause->node ? spec_head(cause->node) : gr_node_get(o->root, "extends")->span;
}

/* ---- in words ---- */

static void
put_slices(struct gr_buf *b, const struct change *c)
{
    if (c->where != WHERE_SLICES || c->n_slices == 0) {
        gr_buf_puts(b, c->where == WHERE_OTHERS    ? " of other slices"
                       : c->where == WHERE_OUTSIDE ? " of slices outside `expect`"
                                                   : "");
        return;
    }
    for (size_t i = 0; i < c->slices[0].n; i++)
        gr_buf_printf(b, "%s" GR_FMT "=" GR_FMT, i ? "," : " where ", GR_ARG(c->slices[0].v[i].key),
                      GR_ARG(c->slices[0].v[i].value));
    if (c->n_slices > 1)
        gr_buf_printf(b, " and in %zu other slices", c->n_slices - 1);
}

/* `limit.soft of "errors" where venue=XNAS` */
static void
put_subject(struct gr_buf *b, const struct change *c)
{
    if (gr_str_is(c->key, "guardrails")) {
        gr_buf_printf(b, "the guardrail \"" GR_FMT "\"", GR_ARG(c->guardrail));
        return;
    }
    gr_buf_put(b, c->key);
    if (c->of.n > 0)
        gr_buf_printf(b, " of " GR_FMT, GR_ARG(c->of));
    if (c->guardrail.n > 0)
        gr_buf_printf(b, " of \"" GR_FMT "\"", GR_ARG(c->guardrail));
    put_slices(b, c);
}

static const char *
verb_of(const struct change *c)
{
    if (c->kind == CHANGE_REMOVED)
        return "is removed";
    if (c->kind == CHANGE_SLOWER)
        return "is slower than in the base";
    if (c->loosens)
        return "is looser than in the base";
    return c->coverage ? "covers less than in the base" : "cannot be compared with the base";
}

/* ": +30% instead of +25%" */
static void
put_values(struct gr_buf *b, struct gr_str now, struct gr_str instead)
{
    if (now.n > 0 && instead.n > 0)
        gr_buf_printf(b, ": " GR_FMT " instead of " GR_FMT, GR_ARG(now), GR_ARG(instead));
    else if (now.n + instead.n > 0)
        gr_buf_printf(b, ": %s" GR_FMT, now.n > 0 ? "" : "without ", GR_ARG(now.n > 0 ? now : instead));
}

static struct gr_str
waiver_text(struct overlay *o, const struct cause *cause)
{
    struct gr_buf until = GR_BUF_INIT(40);
    struct gr_str fix;

    clock_put_date(&until, o->s->options.now_s + FIX_DAYS * CLOCK_DAY_S);
    fix = cause->part.n > 0
              ? gr_arena_printf(o->s->a,
                                "write it as in the base, or add at the top: waivers: [{for: [" GR_FMT
                                "], approved_by: NAME, ticket: TICKET, reason: WHY, expires: %s}]",
                                GR_ARG(cause->part), gr_buf_cstr(&until))
              : gr_arena_printf(
                    o->s->a,
                    "write it as in the base, or add to this guardrail: waiver: {approved_by: NAME, "
                    "ticket: TICKET, reason: WHY, expires: %s}",
                    gr_buf_cstr(&until));
    o->no_memory = o->no_memory || gr_buf_err(&until) == GR_ENOMEM;
    gr_buf_fini(&until);
    return fix;
}

static void
refuse(struct overlay *o, const struct change *c, const struct cause *cause)
{
    struct gr_buf b = GR_BUF_INIT(4000);

    put_subject(&b, c);
    gr_buf_printf(&b, " %s", verb_of(c));
    put_values(&b, c->after, c->before);
    gr_diag(o->s->d, GR0340, place_of(o, c, cause), waiver_text(o, cause), "%s", gr_buf_cstr(&b));
    if (c->old_place.file)
        gr_diag_note(o->s->d, c->old_place, "the base has it here");
    o->no_memory = o->no_memory || gr_buf_err(&b) == GR_ENOMEM;
    gr_buf_fini(&b);
    o->refused = true;
}

/* ---- expiry ---- */

static void
tell_expiry(struct overlay *o, const struct change *c, const struct cause *cause)
{
    struct gr_buf b = GR_BUF_INIT(4000);
    const struct waiver *w = &cause->waiver->waiver;

    gr_buf_printf(&b, "the waiver " GR_FMT " ended on " GR_FMT ", so ", GR_ARG(w->ticket),
                  GR_ARG(w->expires));
    put_subject(&b, c);
    gr_buf_puts(&b, " is as in the base");
    put_values(&b, c->before, c->after);
    gr_diag(o->s->d, GR0341, place_of(o, c, cause),
            GR_STR("take the looser value out, or have the waiver renewed"), "%s", gr_buf_cstr(&b));
    gr_diag_note(o->s->d, w->span, "the waiver is here");
    o->no_memory = o->no_memory || gr_buf_err(&b) == GR_ENOMEM;
    gr_buf_fini(&b);
}

static void
leave_out_whole(struct overlay *o, const struct cause *cause)
{
    if (cause->node && merge_mark_values(o->s, cause->node, cause->row, false, &o->skip))
        o->again = true;
}

/* Leaves the value out that made the change; all of the entry when it is not known which, or when the first round did not do. */
static void
leave_out(struct overlay *o, const struct change *c, const struct cause *cause, unsigned round)
{
    const struct key *row = cause->row;
    const struct gr_node *value = cause->node ? merge_value_at(cause->node, row, c->new_place) : NULL;

    if (round == 0 && !value && cause->node)
        value = by_key(cause, c->key, &row);
    else if (value)
        row = NULL; /* one value, whatever it is */
    if (round == 0 && value && merge_mark_values(o->s, value, row, false, &o->skip))
        o->again = true;
    else if (round == 0 && cause->node && merge_mark_values(o->s, cause->node, cause->row, true, &o->skip))
        o->again = true;
    else
        leave_out_whole(o, cause);
}

/* ---- one overlay ---- */

#define ROUNDS_MAX 2u /* after the first look: without the values, without whole entries */

/* Neither looser nor provably as tight. Whoever declares a guardrail not mandatory lets overlays do as they please with it. */
static bool
needs_waiver(const struct change *c)
{
    return (c->loosens || c->coverage || c->unproven) && (c->guardrail.n == 0 || c->mandatory);
}

static void
judge(struct overlay *o, const struct changes *changes, unsigned round)
{
    for (size_t i = 0; i < changes->n; i++) {
        const struct change *c = &changes->v[i];
        struct cause cause;

        if (!needs_waiver(c))
            continue;
        cause = find_cause(o, c);
        if (!cause.waiver) {
            refuse(o, c, &cause);
        } else if (!cause.waiver->ok) {
            o->refused = true; /* what is wrong with it has been said */
        } else if (waiver_expired(o->s, &cause.waiver->waiver) && round == ROUNDS_MAX) {
            refuse(o, c, &cause); /* something else in the overlay does it, too */
        } else if (waiver_expired(o->s, &cause.waiver->waiver)) {
            if (round == 0)
                tell_expiry(o, c, &cause);
            leave_out(o, c, &cause, round);
        }
        if (cause.waiver)
            cause.waiver->used = true;
    }
}

static enum gr_err
weigh(struct overlay *o, const struct model *m, unsigned round)
{
    struct facts *facts = NULL;
    struct changes changes;
    enum gr_err err;

    o->again = false;
    if ((err = facts_of_model(o->s->a, m, &facts)) != GR_OK ||
        (err = compare(o->s->a, o->base_facts, facts, &changes)) != GR_OK)
        return err;
    judge(o, &changes, round);
    if (o->no_memory)
        return GR_ENOMEM;
    return o->refused ? GR_EUSER : GR_OK;
}

/* The values that are left do not go with those of the base: whole entries are left out. */
static void
leave_out_expired(struct overlay *o)
{
    for (size_t i = 0; i < o->waivers.n; i++) {
        const struct waiver *w = &o->waivers.v[i].waiver;
        struct cause cause = {.row = keys_find(&spec_keys, GR_STR("guardrails"))};

        if (!o->waivers.v[i].used || !waiver_expired(o->s, w))
            continue;
        cause.node = w->guardrail.n > 0 ? entry_of(o, w->guardrail) : NULL;
        leave_out_whole(o, &cause);
        gr_node_each (item, o->root)
            if (strs_has(&w->parts, item->key)) {
                cause = (struct cause){.node = item, .row = keys_find(&spec_keys, item->key)};
                leave_out_whole(o, &cause);
            }
    }
}

/* Leaves out what has expired until nothing is left that has. */
static enum gr_err
settle(struct overlay *o, const struct gr_node **root, struct model **m)
{
    enum gr_err err = weigh(o, *m, 0);

    for (unsigned round = 1; err == GR_OK && o->again && round <= ROUNDS_MAX; round++) {
        if (!(*root = merge_documents(o->s, o->base, o->root, &o->skip)))
            return GR_ENOMEM;
        err = read_quietly(o->s, *root, m);
        if (err == GR_EUSER && round < ROUNDS_MAX) {
            leave_out_expired(o);
            err = GR_OK;
        } else if (err == GR_EUSER) {
            return spec_document(o->s, *root, o->s->d, m);
        } else if (err == GR_OK) {
            err = weigh(o, *m, round);
        }
    }
    return err;
}

static bool
any_expired(const struct overlay *o)
{
    for (size_t i = 0; i < o->waivers.n; i++)
        if (o->waivers.v[i].ok && waiver_expired(o->s, &o->waivers.v[i].waiver))
            return true;
    return false;
}

/* The overlay's own document: what can be said about it without its base. */
static enum gr_err
check_overlay(struct overlay *o)
{
    struct spec *s = o->s;
    size_t errors = gr_diags_count(s->d, GR_SEV_ERROR);

    s->overlay = true;
    keys_check(s, o->root, &spec_keys, true);
    waivers_read(s, o->root, &o->waivers);
    if (gr_arena_status(s->a) != GR_OK)
        return GR_ENOMEM;
    return gr_diags_count(s->d, GR_SEV_ERROR) > errors ? GR_EUSER : GR_OK;
}

/* Lays one overlay over o->base. last: nothing adapts the result, so all that is remarkable about it is reported. */
static enum gr_err
apply(struct overlay *o, bool last, const struct gr_node **root, struct model **m)
{
    struct spec *s = o->s;
    size_t errors = gr_diags_count(s->d, GR_SEV_ERROR);
    bool quiet = !last || any_expired(o);
    enum gr_err err;

    if (!(*root = merge_documents(s, o->base, o->root, &o->skip)))
        return GR_ENOMEM;
    if (gr_diags_count(s->d, GR_SEV_ERROR) > errors)
        return GR_EUSER;
    err = quiet ? read_base(s, *root, m) : spec_document(s, *root, s->d, m);
    if (err == GR_OK)
        err = facts_of_model(s->a, o->base_model, &o->base_facts);
    if (err == GR_OK)
        err = settle(o, root, m);
    if (err == GR_OK && last && quiet)
        err = spec_document(s, *root, s->d, m);
    if (err != GR_OK)
        return err;
    waivers_remark(s, &o->waivers);
    (*m)->base = o->base_model;
    (*m)->waivers = o->base_model->waivers;
    (*m)->n_waivers = o->base_model->n_waivers;
    return waivers_keep(s, &o->waivers, *m);
}

enum gr_err
read_overlays(struct spec *s, const struct loaded *files, struct model **out)
{
    const struct gr_node *root = files->layers[files->n - 1].root;
    struct model *m = NULL;
    enum gr_err err = state_groups(s, root);

    if (err == GR_OK)
        err = read_base(s, root, &m);
    for (size_t i = files->n - 1; i-- > 0 && err == GR_OK;) {
        struct overlay o = {.s = s, .root = files->layers[i].root, .base = root, .base_model = m};

        if ((err = check_overlay(&o)) == GR_OK && (err = apply(&o, i == 0, &root, &m)) == GR_OK)
            err = state_groups(s, root);
    }
    if (err == GR_OK)
        err = gr_diags_status(s->d); /* a key that stands twice, in any of the files */
    if (err == GR_OK)
        *out = m;
    return err;
}
