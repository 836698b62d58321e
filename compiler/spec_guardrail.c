/* spec_guardrail.c - the list of guardrails: what is not metric, limit, slices or phases. */
#include "config.h"
#include "spec_parts.h"

/* ---- runbook ---- */

/* `runbook` with {guardrail} and {spec} filled in. Names hold no braces, so this ends. */
static struct gr_str
fill_in(struct spec *s, struct gr_str text, struct gr_str name)
{
    const struct {
        struct gr_str word, value;
    } words[] = {{GR_STR_INIT("{guardrail}"), name}, {GR_STR_INIT("{spec}"), s->m->spec}};

    for (size_t i = 0; i < GR_COUNT(words); i++)
        for (size_t at; (at = gr_str_find(text, words[i].word, 0)) != SIZE_MAX;) {
            struct gr_str before = gr_str_sub(text, 0, at),
                          after = gr_str_sub(text, at + words[i].word.n, text.n);

            text = gr_arena_printf(s->a, GR_FMT GR_FMT GR_FMT, GR_ARG(before), GR_ARG(words[i].value),
                                   GR_ARG(after));
        }
    return text;
}

static void
check_runbook(struct spec *s, const struct gr_node *node)
{
    struct strs known = {NULL, 0};

    (void)strs_add(s, &known, GR_STR("guardrail"));
    (void)strs_add(s, &known, GR_STR("spec"));
    if (node)
        (void)check_placeholders(s, node, &known);
}

/* ---- what happens ---- */

static const char *const level_keys[LEVEL_COUNT] = {
    [LEVEL_HARD] = "hard", [LEVEL_SOFT] = "soft", [LEVEL_NO_DATA] = "no_data"};
static const char *const level_defaults[LEVEL_COUNT] = {
    [LEVEL_HARD] = "hold", [LEVEL_SOFT] = "extend", [LEVEL_NO_DATA] = "hold"};

static struct strs
default_actions(struct spec *s, enum level level)
{
    const struct gr_node *on = spec_get(s, s->root, "on");
    struct strs one = {NULL, 0};

    if (spec_has(on, level_keys[level]))
        return spec_texts(s, on, level_keys[level]);
    (void)strs_add(s, &one, gr_str(level_defaults[level]));
    return one;
}

static void
read_on(struct spec *s, struct draft *d)
{
    const struct gr_node *on = spec_get(s, d->node, "on");

    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        d->g->on[level] =
            spec_has(on, level_keys[level]) ? spec_texts(s, on, level_keys[level]) : s->m->on[level];
}

/* ---- one guardrail ---- */

static void
read_names(struct spec *s, struct draft *d, const struct draft *before)
{
    const struct gr_node *runbook = spec_get(s, d->node, "runbook");
    struct guardrail *g = d->g;

    g->node = d->node;
    g->name = spec_text(s, d->node, "name");
    g->span = spec_head(d->node);
    g->group = spec_text(s, d->node, "group");
    if (g->group.n == 0)
        g->group = before ? before->g->group : GR_STR("default");
    g->source = spec_text(s, d->node, "source");
    if (g->source.n == 0)
        g->source = g->name;
    check_runbook(s, runbook);
    g->runbook = fill_in(s, runbook ? runbook->text : spec_text(s, s->root, "runbook"), g->name);
    g->stream_scope = gr_str_is(spec_text(s, d->node, "scope"), "stream");
    g->mandatory = spec_bool(s, d->node, "mandatory", true);
}

/* Each part builds on those before it, and says so by the ok flags of the draft. */
static void
read_guardrail(struct spec *s, struct draft *d, const struct draft *before)
{
    read_names(s, d, before);
    read_only(s, d);
    read_metric(s, d);
    read_limit(s, d);
    read_slices(s, d);
    read_overrides(s, d);
    read_evidence(s, d);
    read_guardrail_phases(s, d);
    read_on(s, d);
    d->g->reaction_target_ms =
        spec_duration(s, spec_has(d->node, "reaction_target") ? d->node : s->root, "reaction_target", 0);
}

void
read_guardrails(struct spec *s)
{
    const struct gr_node *list = spec_get(s, s->root, "guardrails");
    struct model *m = s->m;

    check_runbook(s, spec_get(s, s->root, "runbook"));
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        m->on[level] = default_actions(s, (enum level)level);
    if (!list)
        return;
    if (list->count > MODEL_GUARDRAILS_MAX) {
        gr_diag(s->d, GR0002, list->key_span, gr_arena_printf(s->a, "use at most %u", MODEL_GUARDRAILS_MAX),
                "too many guardrails");
        return;
    }
    spec_refuse_same_names(s, list, "guardrail");
    m->guardrails = gr_arena_array(s->a, list->count, sizeof *m->guardrails);
    s->drafts = gr_arena_array(s->a, list->count, sizeof *s->drafts);
    if (!m->guardrails || !s->drafts)
        return;
    gr_node_each (item, list) {
        struct draft *d = &s->drafts[m->n_guardrails];

        if (spec_poisoned(s, item))
            continue;
        d->g = &m->guardrails[m->n_guardrails];
        d->node = item;
        read_guardrail(s, d, m->n_guardrails > 0 ? d - 1 : NULL);
        m->n_guardrails++;
    }
}
