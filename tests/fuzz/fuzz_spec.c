/* fuzz_spec.c - any bytes as a spec: findings or a model, the same twice; a model keeps the promises of
 * model.h. */
#include "config.h"
#include "fuzz.h"

#include "spec.h"

#define ARENA_MAX (256u << 20)

struct run {
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_arena *arena;
    struct model *model;
    struct gr_buf findings;
};

static void
run_init(struct run *r, struct gr_str text)
{
    uint32_t file;
    enum gr_err err;

    *r = (struct run){.sources = gr_sources_create(),
                      .arena = gr_arena_create(ARENA_MAX),
                      .findings = GR_BUF_INIT(64u << 20)};
    GR_ASSERT(r->sources && r->arena);
    GR_ASSERT(gr_sources_add(r->sources, GR_STR("spec"), text, &file) == GR_OK);
    r->diags = gr_diags_create(r->sources);
    GR_ASSERT(r->diags);
    err = spec_read(r->arena, r->sources, file, (struct spec_options){.time_scale = 1}, r->diags, &r->model);
    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT((err == GR_OK) == (r->model != NULL));
    GR_ASSERT((err == GR_OK) == (gr_diags_count(r->diags, GR_SEV_ERROR) == 0));
    gr_diags_print(r->diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &r->findings);
    GR_ASSERT(gr_buf_err(&r->findings) == GR_OK);
}

static void
run_fini(struct run *r)
{
    gr_buf_fini(&r->findings);
    gr_diags_free(r->diags);
    gr_sources_free(r->sources);
    gr_arena_free(r->arena);
}

static void
check_sorted(const struct strs *s)
{
    for (size_t i = 1; i < s->n; i++)
        GR_ASSERT(gr_str_cmp(s->v[i - 1], s->v[i]) < 0);
}

/* In order, unique, and hard nowhere before soft, in any slice. */
static void
check_bounds(const struct model *m, const struct guardrail *g)
{
    const struct limit *l = &g->limit;

    GR_ASSERT(l->n_bounds > 0);
    for (size_t i = 0; i < l->n_bounds; i++) {
        const struct bound *a = &l->bounds[i];

        GR_ASSERT(a->level == LEVEL_HARD || a->level == LEVEL_SOFT);
        for (size_t j = i + 1; j < l->n_bounds; j++) {
            const struct bound *b = &l->bounds[j];

            GR_ASSERT(a->level < b->level || (a->level == b->level && a->side < b->side));
            for (size_t k = 0; a->level != b->level && a->side == b->side && k <= g->n_expected; k++) {
                const struct slice *slice = k < g->n_expected ? &g->expected[k] : NULL;

                GR_ASSERT(
                    !model_tighter(a->side, model_literal(m, g, a, slice), model_literal(m, g, b, slice)));
            }
        }
    }
}

/* In the final phase there is no control and no minimum duration. */
static bool
may_watch(const struct guardrail *g, const struct phase *p)
{
    return !p->final || (g->limit.against == AGAINST_FIXED && g->window_ms > 0);
}

static void
check_guardrail(const struct model *m, const struct guardrail *g)
{
    GR_ASSERT(g->name.n > 0 && g->group.n > 0 && g->source.n > 0);
    GR_ASSERT(g->metric.part && g->metric.unit && g->metric.show);
    GR_ASSERT((g->metric.total != NULL) == (g->metric.kind <= METRIC_RATIO_GOOD));
    GR_ASSERT(g->phases != 0 && g->phases < (UINT64_C(1) << m->n_phases));
    GR_ASSERT(g->n_expected > 0);
    check_sorted(&g->compare_within);
    check_sorted(&g->dynamic);
    for (size_t i = 0; i < g->n_expected; i++) {
        GR_ASSERT(g->expected[i].stream < m->n_streams);
        GR_ASSERT(g->expected[i].labels.n == g->compare_within.n);
    }
    for (size_t i = 0; i < m->n_phases; i++)
        GR_ASSERT(!(g->phases >> i & 1u) ||
                  (may_watch(g, &m->phases[i]) && model_window_ms(m, g, &m->phases[i]) >= 0));
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        for (size_t i = 0; i < g->on[level].n; i++)
            GR_ASSERT(model_action_builtin(g->on[level].v[i]) || model_action(m, g->on[level].v[i]));
    check_bounds(m, g);
}

static void
check_model(const struct model *m)
{
    GR_ASSERT(m->spec.n > 0 && m->spec_hash.n == 64);
    GR_ASSERT(m->cohort_label.n > 0 && m->sampling_ms > 0 && m->scrape_ms > 0);
    GR_ASSERT(m->sampling_ms >= 2 * m->scrape_ms);
    GR_ASSERT(m->n_streams > 0 && m->n_guardrails > 0 && m->n_phases > 0 && m->phases[m->n_phases - 1].final);
    check_sorted(&m->release_labels);
    check_sorted(&m->compare_within);
    for (size_t i = 0; i < m->n_streams; i++)
        GR_ASSERT(m->streams[i].release.n == m->release_labels.n);
    for (size_t i = 0; i < m->n_phases; i++)
        GR_ASSERT(m->phases[i].final ||
                  (m->phases[i].min_ms > 0 && m->phases[i].max_ms >= m->phases[i].min_ms));
    for (size_t i = 0; i < m->n_guardrails; i++)
        check_guardrail(m, &m->guardrails[i]);
    (void)model_tests(m, LEVEL_HARD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};
    struct run a, b;

    run_init(&a, text);
    run_init(&b, text);
    GR_ASSERT(gr_str_eq(gr_buf_str(&a.findings), gr_buf_str(&b.findings)));
    if (a.model) {
        GR_ASSERT(gr_str_eq(a.model->spec_hash, b.model->spec_hash));
        check_model(a.model);
    }
    run_fini(&a);
    run_fini(&b);
    return 0;
}
