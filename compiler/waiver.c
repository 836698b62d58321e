/* waiver.c - waivers as an overlay writes them. */
#include "config.h"
#include "waiver.h"

#include "clock.h"

static const char *const waiver_keys[] = {"approved_by", "ticket", "reason", "expires"};

/* ---- reading ---- */

/* The tables cannot say this of an overlay, where most keys may be missing. All that lacks is one finding. */
static bool
is_complete(struct spec *s, const struct gr_node *node)
{
    struct gr_buf missing = GR_BUF_INIT(256);
    size_t n = 0;
    bool ok = true;

    for (size_t i = 0; i < GR_COUNT(waiver_keys); i++) {
        ok = ok && spec_get(s, node, waiver_keys[i]);
        if (!spec_has(node, waiver_keys[i]))
            gr_buf_printf(&missing, "%s\"%s\"", n++ > 0 ? ", " : "", waiver_keys[i]);
    }
    if (n > 0)
        gr_diag(s->d, GR0102, spec_head(node), gr_arena_printf(s->a, "add %s", gr_buf_cstr(&missing)),
                "a waiver needs the key%s %s", n > 1 ? "s" : "", gr_buf_cstr(&missing));
    gr_buf_fini(&missing);
    return ok;
}

static void
add_waiver(struct spec *s, struct waiver_set *set, const struct gr_node *node, const struct gr_node *owner,
           struct gr_str guardrail)
{
    struct waiver_entry *e;
    struct waiver *w;

    if (spec_poisoned(s, node) || node->kind != GR_NODE_MAP)
        return;
    if (set->n == set->cap) {
        e = gr_arena_grow(s->a, set->v, set->n, &set->cap, sizeof *e);
        if (!e)
            return;
        set->v = e;
    }
    e = &set->v[set->n++];
    *e = (struct waiver_entry){.node = node, .owner = owner, .ok = is_complete(s, node)};
    w = &e->waiver;
    w->guardrail = guardrail;
    w->approved_by = spec_text(s, node, "approved_by");
    w->ticket = spec_text(s, node, "ticket");
    w->reason = spec_text(s, node, "reason");
    w->expires = spec_text(s, node, "expires");
    w->span = spec_head(node);
    if (clock_date(w->expires, &w->until_s) == GR_OK)
        w->until_s += CLOCK_DAY_S;
}

/* `for: [expect, phases]`: keys of the specification, but for those that have waivers of their own. */
static void
read_parts_of(struct spec *s, struct waiver_set *set, const struct gr_node *node)
{
    struct waiver_entry *e = &set->v[set->n - 1];
    const struct gr_node *list = spec_get(s, node, "for");
    struct strs known = {gr_arena_array(s->a, spec_keys.n, sizeof *known.v), 0};

    for (size_t i = 0; known.v && i < spec_keys.n; i++)
        if (!(spec_keys.rows[i].flags & (KEY_OVERLAY | KEY_FILES)) &&
            strcmp(spec_keys.rows[i].name, "guardrails") != 0 &&
            strcmp(spec_keys.rows[i].name, "apiVersion") != 0)
            known.v[known.n++] = gr_str(spec_keys.rows[i].name);
    if (!spec_has(node, "for"))
        gr_diag(s->d, GR0102, spec_head(node), GR_STR("add `for:`, as [expect, phases]"),
                "a waiver needs the key \"for\", or a place in the entry of its guardrail");
    e->ok = e->ok && list;
    e->waiver.parts = spec_node_texts(s, list);
    gr_node_each (item, list) {
        if (spec_poisoned(s, item) || strs_has(&known, item->text))
            continue;
        gr_diag(s->d, GR0105, item->span,
                gr_str_is(item->text, "guardrails") ? GR_STR("write `waiver:` in the entry of each guardrail")
                                                    : spec_suggest(s, item->text, &known, "keys of a spec"),
                "\"" GR_FMT "\" is no part that a waiver can be for", GR_ARG(item->text));
        e->ok = false;
    }
}

void
waivers_read(struct spec *s, const struct gr_node *overlay, struct waiver_set *out)
{
    gr_node_each (item, spec_get(s, overlay, "waivers")) {
        size_t before = out->n;

        add_waiver(s, out, item, NULL, GR_STR_NONE);
        if (out->n > before)
            read_parts_of(s, out, item);
    }
    gr_node_each (item, spec_get(s, overlay, "guardrails")) {
        const struct gr_node *own = spec_get(s, item, "waiver");
        struct gr_str name = spec_text(s, item, "name");

        if (own)
            add_waiver(s, out, own, item, name);
        gr_node_each (override, spec_get(s, item, "overrides"))
            if (spec_get(s, override, "waiver"))
                add_waiver(s, out, spec_get(s, override, "waiver"), override, name);
    }
}

/* ---- asking ---- */

bool
waiver_expired(const struct spec *s, const struct waiver *w)
{
    return s->options.now_s >= w->until_s;
}

static bool
around(struct gr_span outer, struct gr_span inner)
{
    return outer.file == inner.file && outer.start <= inner.start && inner.start < outer.end;
}

struct waiver_entry *
waivers_of_guardrail(const struct waiver_set *set, struct gr_str guardrail, struct gr_span place)
{
    struct waiver_entry *found = NULL;

    for (size_t i = 0; i < set->n; i++) {
        struct waiver_entry *e = &set->v[i];
        bool of_override = e->owner && !gr_node_get(e->owner, "name");

        if (!e->owner || !gr_str_eq(e->waiver.guardrail, guardrail))
            continue;
        if (of_override && around(e->owner->span, place))
            return e;
        if (!of_override)
            found = e;
    }
    return found;
}

struct waiver_entry *
waivers_of_part(const struct waiver_set *set, struct gr_str part)
{
    for (size_t i = 0; i < set->n; i++)
        if (!set->v[i].owner && strs_has(&set->v[i].waiver.parts, part))
            return &set->v[i];
    return NULL;
}

/* ---- remarks ---- */

static void
remark(struct spec *s, const struct waiver_entry *e)
{
    const struct gr_node *expires = gr_node_get(e->node, "expires");
    int64_t left = e->waiver.until_s - s->options.now_s;

    if (!e->used) {
        gr_diag(s->d, GR0343, e->waiver.span, GR_STR("remove it"),
                "nothing that this waiver could be for is looser than in the base");
        return;
    }
    if (left > WAIVER_LONG_S)
        gr_diag(s->d, GR0344, expires->span, GR_STR("choose a date within a year, or change the base"),
                "the waiver lasts %lld days; what holds for good belongs in the base",
                (long long)(left / CLOCK_DAY_S));
    else if (left > 0 && left <= WAIVER_SOON_S)
        gr_diag(s->d, GR0342, expires->span,
                GR_STR("agree on a new date, or take the looser value out before that day"),
                "the waiver ends in %lld day%s; then the base's values are back",
                (long long)((left + CLOCK_DAY_S - 1) / CLOCK_DAY_S), left > CLOCK_DAY_S ? "s" : "");
}

void
waivers_remark(struct spec *s, const struct waiver_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->v[i].ok)
            remark(s, &set->v[i]);
}

enum gr_err
waivers_keep(struct spec *s, const struct waiver_set *set, struct model *m)
{
    struct waiver *all = gr_arena_array(s->a, m->n_waivers + set->n + 1, sizeof *all);

    if (!all)
        return GR_ENOMEM;
    if (m->n_waivers > 0)
        memcpy(all, m->waivers, m->n_waivers * sizeof *all);
    m->waivers = all;
    for (size_t i = 0; i < set->n; i++)
        if (set->v[i].ok && set->v[i].used && !waiver_expired(s, &set->v[i].waiver))
            m->waivers[m->n_waivers++] = set->v[i].waiver;
    return GR_OK;
}
