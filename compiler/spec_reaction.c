/* spec_reaction.c - reaction_target: a hard limit that cannot be acted on in the stated time is an error, because the spec then contradicts
 * itself. Backstops are left out: they stand behind another limit (reaction.h). */
#include "config.h"
#include "spec_parts.h"

#include "guardrail/duration.h"
#include "lower.h"
#include "reaction.h"

static struct gr_str
duration(struct spec *s, int64_t ms)
{
    struct gr_buf b = GR_BUF_INIT(64);
    struct gr_str text;

    gr_duration_print(&b, ms);
    text = gr_arena_dup(s->a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text;
}

/* "evidence 44m, slot 2m, gate 2m, scrape 30s, …": longest first. */
static struct gr_str
list_terms(struct spec *s, const struct reaction *r)
{
    struct gr_buf b = GR_BUF_INIT(1024);
    bool done[REACTION_TERMS] = {false};
    struct gr_str text;

    for (;;) {
        int longest = -1;

        for (int i = 0; i < REACTION_TERMS; i++)
            if (!done[i] && r->ms[i] > 0 && (longest < 0 || r->ms[i] > r->ms[longest]))
                longest = i;
        if (longest < 0)
            break;
        done[longest] = true;
        gr_buf_printf(&b, "%s%s ", b.n > 0 ? ", " : "", reaction_term((enum reaction_what)longest));
        gr_duration_print(&b, r->ms[longest]);
    }
    text = gr_arena_dup(s->a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return text;
}

/* Which term to shorten, and how far where that can be told. */
static struct gr_str
advice(struct spec *s, const struct guardrail *g, const struct reaction *r, int64_t target_ms)
{
    int64_t slot = s->m->sampling_ms, left = target_ms - (r->total_ms - r->ms[REACTION_EVIDENCE]);
    int64_t slots = left < 0 ? 0 : left / slot + 1;
    bool windowed = is_fixed(g, NULL) && g->evidence.hard_n == 1;

    if (windowed && slots >= 1)
        return gr_arena_printf(s->a, "shorten the evidence: write `window: " GR_FMT "` or less",
                               GR_ARG(duration(s, slots * slot)));
    if (is_fixed(g, NULL) && !windowed && slots >= 1)
        return gr_arena_printf(s->a, "shorten the evidence: confirm at most %lld slots", (long long)slots);
    if (is_sequential(g, NULL) && is_value(g, NULL))
        return gr_arena_printf(s->a, "shorten `sampling`: a gauge's evidence needs %u slots",
                               LOWER_PAIRS_MIN);
    return GR_STR("shorten `sampling`, or allow more time with a reaction_target of its own");
}

static void
check_bound(struct spec *s, const struct model *unscaled, const struct draft *d, const struct bound *b)
{
    const struct guardrail *g = d->g;
    const struct gr_node *target = spec_get(s, d->node, "reaction_target");
    const struct phase *where = NULL;
    struct reaction worst = {.total_ms = 0};

    for (size_t p = 0; p < s->m->n_phases; p++) {
        struct reaction r = reaction_of(unscaled, g, b, &s->m->phases[p]);

        if (!(g->phases >> p & 1u) || r.total_ms <= worst.total_ms)
            continue;
        worst = r;
        where = &s->m->phases[p];
    }
    if (!where || worst.total_ms <= g->reaction_target_ms)
        return;
    gr_diag(s->d, GR0330, b->span, advice(s, g, &worst, g->reaction_target_ms),
            "the reaction to " GR_FMT " takes up to " GR_FMT " in " GR_FMT ": " GR_FMT, GR_ARG(b->text),
            GR_ARG(duration(s, worst.total_ms)), GR_ARG(where->name), GR_ARG(list_terms(s, &worst)));
    target = target ? target : spec_get(s, s->root, "reaction_target");
    if (target)
        gr_diag_note(s->d, target->span, "it should take at most this");
}

static bool
has_own_hard(const struct guardrail *g)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == LEVEL_HARD && !side_is_backstop(g->limit.bounds[i].side))
            return true;
    return false;
}

void
check_reactions(struct spec *s)
{
    struct model unscaled = *s->m; /* targets are stated for the real thing */

    unscaled.time_scale = 1;
    if (s->m->sampling_ms == 0 || s->m->scrape_ms == 0 || s->m->n_phases == 0 || !s->phases_ok)
        return;
    for (size_t i = 0; i < s->m->n_guardrails; i++) {
        const struct draft *d = &s->drafts[i];
        bool own = has_own_hard(d->g);

        if (d->g->reaction_target_ms == 0 || !d->limit_ok || !d->metric_ok || !d->phases_ok)
            continue;
        for (size_t k = 0; k < d->g->limit.n_bounds; k++)
            if (d->g->limit.bounds[k].level == LEVEL_HARD &&
                !(own && side_is_backstop(d->g->limit.bounds[k].side)))
                check_bound(s, &unscaled, d, &d->g->limit.bounds[k]);
    }
}
