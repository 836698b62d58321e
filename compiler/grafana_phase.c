/* One dashboard per phase: each guardrail with canary, control, limits and verdict, in two rows per group.
 *
 *     go on? (per stream)        │ why not
 *     worst verdict per guardrail over time, worst first
 *     ▾ group                          rows are open as long as no more than QUERIES_MAX queries run at once
 *       canary against control, limits │ the same of the next guardrail
 *     ▸ group: evidence, coverage, verdicts of each slice
 *     ▸ traffic shares
 *
 * Nobody can open a dashboard of thousands of panels, and its file would be most of the output. So where a phase watches more than
 * DASH_MANY, Grafana repeats one row for the guardrails that are chosen above; the worst is chosen at first:
 *
 *     go on? (per stream)        │ why not
 *     worst verdict per guardrail over time, the WORST_MAX worst
 *     ▾ $guardrail                     repeated
 *       effect, limits │ canary and control, backstop
 *       evidence │ coverage │ verdicts */
#include "config.h"
#include "grafana.h"

#include "outnames.h"

#define HEAD_HEIGHT 7
#define DETAIL_HEIGHT 6
#define COVERAGE_NEEDED 0.9 /* of the expected slots, for a healthy verdict */
#define VERDICT_TEXT                                                                                         \
    GR_STR("The verdict of each expected slice, the worst of the shown time first. Insufficient is no "      \
           "verdict: it "                                                                                    \
           "blocks the promotion and "                                                                       \
           "rolls nothing back.")
#define WORST_TEXT                                                                                           \
    GR_STR("Verdicts over time, the worst of all slices; the worst guardrail of the shown time first. Each " \
           "slice stands beside its "                                                                        \
           "guardrail below.")
#define WORST_OF_MANY_TEXT                                                                                   \
    GR_STR("Verdicts over time, the worst of all slices, of the 50 guardrails that were worst in the shown " \
           "time. Choose guardrails "                                                                        \
           "above to see each slice.")
#define CHOSEN ",guardrail=~\"${guardrail}\""

#define COVERAGE_TEXT                                                                                        \
    GR_STR("Share of the expected slots that reported, of each slice; the line is what a healthy verdict "   \
           "needs. Below it: find out why the slice does not report, or wait while the phase is young.")

bool
grafana_watched(const struct model *m, const struct phase *p)
{
    uint32_t bit = UINT32_C(1) << (p - m->phases);

    for (size_t i = 0; i < m->n_guardrails; i++)
        if (m->guardrails[i].phases & bit)
            return true;
    return false;
}

static bool
in_phase(const struct dash *d, const struct guardrail *g, const struct phase *p)
{
    return (g->phases & (UINT32_C(1) << (p - d->m->phases))) != 0;
}

/* -- evidence, coverage, verdicts ---------------------------------------------------------------------------------------- */

/* The level's threshold; where no budget is stated, the other level's. */
static double
evidence_needed(const struct model *m, enum level level)
{
    double t = model_evidence_threshold(m, level);

    return t > 0 ? t : model_evidence_threshold(m, level == LEVEL_HARD ? LEVEL_SOFT : LEVEL_HARD);
}

static void
evidence_text(struct dash *d, struct gr_buf *b)
{
    gr_buf_printf(
        b,
        "How sure it is that the canary is worse than control: a log likelihood ratio, summed since the "
        "phase began, of slices outside their limits; 0 inside. Above %.1f a soft breach counts, above %.1f "
        "a hard "
        "one. "
        "Below, what looks like a breach may be chance, and nothing is rolled back.",
        evidence_needed(d->m, LEVEL_SOFT), evidence_needed(d->m, LEVEL_HARD));
    dash_note(d, gr_buf_err(b));
}

/* A threshold as a dashed line across the panel, beside the neutral base. */
static void
threshold(struct dash *d, cJSON *defaults, double value, const char *color)
{
    cJSON *steps =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(defaults, "thresholds"), "steps");
    cJSON *step = jsonout_object(&d->j, steps, NULL);

    jsonout_cstr(&d->j, step, "color", color);
    jsonout_num(&d->j, step, "value", value);
}

/* Lines without legend: the tooltip tells the slices. min, max: of the axis, which may grow past them when soft. */
static cJSON *
detail_look(struct dash *d, cJSON *panel, const char *unit, double max)
{
    cJSON *defaults = panel_field(d, panel, unit, NULL), *custom, *o, *sub;

    custom = jsonout_object(&d->j, defaults, "custom");
    jsonout_cstr(&d->j, custom, "drawStyle", "line");
    jsonout_num(&d->j, custom, "lineWidth", 1);
    jsonout_cstr(&d->j, custom, "showPoints", "never");
    jsonout_bool(&d->j, custom, "spanNulls", false);
    jsonout_num(&d->j, custom, "axisSoftMin", 0);
    jsonout_num(&d->j, custom, "axisSoftMax", max);
    jsonout_cstr(&d->j, jsonout_object(&d->j, custom, "thresholdsStyle"), "mode", "dashed");
    o = panel_options(d, panel);
    sub = jsonout_object(&d->j, o, "legend");
    jsonout_cstr(&d->j, sub, "displayMode", "list");
    jsonout_cstr(&d->j, sub, "placement", "bottom");
    jsonout_bool(&d->j, sub, "showLegend", false);
    (void)jsonout_array(&d->j, sub, "calcs");
    sub = jsonout_object(&d->j, o, "tooltip");
    jsonout_cstr(&d->j, sub, "mode", "multi");
    jsonout_cstr(&d->j, sub, "sort", "desc");
    return defaults;
}

/* One series of every slice; or_else: 0 where only that one is there. g NULL: of those that are chosen. */
static cJSON *
detail_panel(struct dash *d, const struct guardrail *g, const struct phase *p, const char *series,
             const char *or_else, const struct panel *look)
{
    cJSON *panel = panel_add(d, look);
    const struct sel sel = {.guardrail = g, .phase = p, .more = g ? NULL : CHOSEN};

    query_select(d, series, &sel);
    if (or_else) {
        gr_buf_puts(&d->expr, " or ");
        query_select(d, or_else, &sel);
        gr_buf_puts(&d->expr, " * 0");
    }
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    return panel;
}

static void
evidence_panel(struct dash *d, const struct guardrail *g, const struct phase *p, const struct panel *look)
{
    cJSON *panel = detail_panel(d, g, p, "guardrail:evidence", "guardrail:effect", look), *defaults;
    double hard = evidence_needed(d->m, LEVEL_HARD), soft = evidence_needed(d->m, LEVEL_SOFT);

    defaults = detail_look(d, panel, "none", 1.2 * (hard > soft ? hard : soft));
    jsonout_num(&d->j, defaults, "decimals", 1);
    threshold(d, defaults, soft < hard ? soft : hard, COLOR_WARN_LINE);
    threshold(d, defaults, soft < hard ? hard : soft, COLOR_BAD);
}

static void
coverage_panel(struct dash *d, const struct guardrail *g, const struct phase *p, const struct panel *look)
{
    cJSON *panel = detail_panel(d, g, p, "guardrail:coverage", NULL, look), *defaults;

    defaults = detail_look(d, panel, "percentunit", 1);
    jsonout_num(&d->j, defaults, "min", 0);
    threshold(d, defaults, COVERAGE_NEEDED, COLOR_REST);
}

static void
verdict_panel(struct dash *d, const struct guardrail *g, const struct phase *p, const struct panel *look)
{
    struct gr_buf labels = GR_BUF_INIT(1u << 16);

    query_expected(d, g);
    gr_buf_put(&labels, gr_buf_str(&d->expr));
    dash_settle(d, &d->expr);
    legend_expected(d, g);
    verdict_timeline(d, look, gr_buf_cstr(&labels),
                     &(struct sel){.guardrail = g, .phase = p, .more = g ? NULL : CHOSEN});
    dash_settle(d, &labels);
    gr_buf_fini(&labels);
}

static struct gr_str
detail_title(struct dash *d, struct gr_buf *b, const struct guardrail *g, const char *what)
{
    dash_settle(d, b);
    gr_buf_printf(b, GR_FMT ": %s", GR_ARG(g->name), what);
    return gr_buf_str(b);
}

static bool
is_tested(const struct guardrail *g)
{
    return g->limit.against != AGAINST_FIXED && g->evidence.kind == EVIDENCE_SEQUENTIAL &&
           limit_has_side(g, false);
}

/* Evidence, coverage and verdicts of one guardrail, in a line. Fixed limits and `evidence: point` have no test. */
static void
detail_panels(struct dash *d, const struct guardrail *g, const struct phase *p)
{
    struct gr_buf title = GR_BUF_INIT(1u << 16), text = GR_BUF_INIT(1u << 16);
    uint32_t id = outname_panel(d->m, g);
    int x = 0;

    if (is_tested(g)) {
        evidence_text(d, &text);
        evidence_panel(d, g, p,
                       &(struct panel){.type = "timeseries",
                                       .title = detail_title(d, &title, g, "evidence"),
                                       .description = gr_buf_str(&text),
                                       .w = 8,
                                       .h = DETAIL_HEIGHT,
                                       .id = id + PANEL_EVIDENCE});
        x = 8;
    }
    coverage_panel(d, g, p,
                   &(struct panel){.type = "timeseries",
                                   .title = detail_title(d, &title, g, "coverage"),
                                   .description = COVERAGE_TEXT,
                                   .x = x,
                                   .w = 6,
                                   .h = DETAIL_HEIGHT,
                                   .id = id + PANEL_COVERAGE});
    verdict_panel(d, g, p,
                  &(struct panel){.type = "state-timeline",
                                  .title = detail_title(d, &title, g, "verdict"),
                                  .description = VERDICT_TEXT,
                                  .x = x + 6,
                                  .w = GRID_WIDTH - 6 - x,
                                  .h = DETAIL_HEIGHT,
                                  .id = id + PANEL_VERDICT});
    d->y += DETAIL_HEIGHT;
    dash_settle(d, &title);
    dash_settle(d, &text);
    gr_buf_fini(&title);
    gr_buf_fini(&text);
}

static bool
is_member(const struct dash *d, const struct guardrail *g, const struct guardrail *of, const struct phase *p)
{
    return in_phase(d, g, p) && gr_str_eq(g->group, of->group);
}

/* The group's second row: always folded, for it is what one looks at after the lines. */
static void
detail_row(struct dash *d, const struct guardrail *first, struct gr_str group, const struct phase *p)
{
    struct gr_buf title = GR_BUF_INIT(1u << 16);
    cJSON *row;

    gr_buf_printf(&title, GR_FMT ": evidence, coverage, verdicts", GR_ARG(group));
    row = row_begin_as(d, outname_row(gr_buf_str(&title)), gr_buf_str(&title), true);
    for (const struct guardrail *g = first; g < d->m->guardrails + d->m->n_guardrails; g++)
        if (is_member(d, g, first, p))
            detail_panels(d, g, p);
    row_end(d, row);
    dash_settle(d, &title);
    gr_buf_fini(&title);
}

/* The group's rows, if guardrail i is its first in this phase. */
static void
group_rows(struct dash *d, size_t i, const struct phase *p)
{
    const struct guardrail *all = d->m->guardrails, *first = all + i;
    struct gr_str name = first->group.n > 0 ? first->group : GR_STR("Guardrails");
    size_t members = 0, at = 0;
    int queries = 0;
    cJSON *row;

    for (size_t k = 0; k < d->m->n_guardrails; k++) {
        if (!is_member(d, &all[k], first, p))
            continue;
        if (k < i)
            return;
        members++;
        queries += value_shows_slots(&all[k]) ? 3 : 2;
    }
    row = row_begin_as(d, outname_row(name), name, d->queries + queries > QUERIES_MAX);
    for (size_t k = i; k < d->m->n_guardrails; k++) {
        if (!is_member(d, &all[k], first, p))
            continue;
        value_panel(d, &all[k], p, at % 2 == 0 ? 0 : GRID_WIDTH / 2);
        d->y += ++at % 2 == 0 || at == members ? PANEL_HEIGHT : 0;
    }
    row_end(d, row);
    detail_row(d, first, name, p);
}

/* -- many guardrails ----------------------------------------------------------------------------------------------------- */

/* Two selections as lines, side by side with what there is already. */
static void
chosen_lines(struct dash *d, const struct phase *p, const struct panel *look, const char *const series[2],
             const char *const more[2], const char *const legend[2])
{
    cJSON *panel = panel_add(d, look);

    for (size_t i = 0; i < 2; i++) {
        query_select(d, series[i], &(struct sel){.phase = p, .more = more[i]});
        gr_buf_puts(&d->text, legend[i]);
        legend_labels(d, NULL);
        panel_target(d, panel, NULL, false, false);
    }
    value_look(d, panel, "none", gr_str_is(gr_str(legend[0]), "effect") ? GR_STR("effect") : d->m->canary,
               false);
}

/* One row for every guardrail that is chosen. Values and limits of any kind fit the same panels, because effects and limits are recorded
 * in the same terms (a ratio to control, a difference from it, or the value itself). */
static void
chosen_row(struct dash *d, const struct phase *p)
{
    struct gr_buf text = GR_BUF_INIT(1u << 16);
    cJSON *row = row_begin(d, GR_STR("${guardrail}"), false);

    jsonout_cstr(&d->j, row, "repeat", "guardrail");
    chosen_lines(
        d, p,
        &(struct panel){.type = "timeseries",
                        .title = GR_STR("Effect and limits"),
                        .description =
                            GR_STR("What is compared with the limits: the canary as a ratio to control or a "
                                   "difference from it, or its value where the limit is fixed. Dashed: the "
                                   "limits of each slice."),
                        .w = 12,
                        .h = PANEL_HEIGHT},
        (const char *const[]){"guardrail:effect", "guardrail:limit"},
        (const char *const[]){CHOSEN, CHOSEN ",side!~\"backstop.*\""},
        (const char *const[]){"effect", "{{level}} limit, {{side}},"});
    chosen_lines(
        d, p,
        &(struct panel){.type = "timeseries",
                        .title = GR_STR("Canary and control"),
                        .description = GR_STR(
                            "Values over the window of the phase, in the metric's own unit. Dashed: the "
                            "backstop, which holds whatever control says."),
                        .x = 12,
                        .w = 12,
                        .h = PANEL_HEIGHT},
        (const char *const[]){"guardrail:window:value", "guardrail:limit"},
        (const char *const[]){CHOSEN ",cohort!=\"" COHORT_EARLY "\"", CHOSEN ",side=~\"backstop.*\""},
        (const char *const[]){"{{cohort}}", "{{level}} limit, {{side}},"});
    d->y += PANEL_HEIGHT;
    evidence_text(d, &text);
    evidence_panel(d, NULL, p,
                   &(struct panel){.type = "timeseries",
                                   .title = GR_STR("Evidence"),
                                   .description = gr_buf_str(&text),
                                   .w = 9,
                                   .h = DETAIL_HEIGHT});
    coverage_panel(d, NULL, p,
                   &(struct panel){.type = "timeseries",
                                   .title = GR_STR("Coverage"),
                                   .description = COVERAGE_TEXT,
                                   .x = 9,
                                   .w = 6,
                                   .h = DETAIL_HEIGHT});
    verdict_panel(d, NULL, p,
                  &(struct panel){.type = "state-timeline",
                                  .title = GR_STR("Verdict"),
                                  .description = VERDICT_TEXT,
                                  .x = 15,
                                  .w = 9,
                                  .h = DETAIL_HEIGHT});
    d->y += DETAIL_HEIGHT;
    row_end(d, row);
    dash_settle(d, &text);
    gr_buf_fini(&text);
}

/* -- the whole ----------------------------------------------------------------------------------------------------------- */

static void
worst_panel(struct dash *d, const struct phase *p, size_t guardrails)
{
    bool many = guardrails > DASH_MANY;
    int h = guardrails < 3    ? 5
            : guardrails > 20 ? 18
                              : 3 + (int)guardrails * 7 / 10; /* about a row of the grid for each, bounded */

    gr_buf_puts(&d->text, "{{guardrail}}");
    verdict_timeline(d,
                     &(struct panel){.type = "state-timeline",
                                     .title = GR_STR("Worst slice of each guardrail"),
                                     .description = many ? WORST_OF_MANY_TEXT : WORST_TEXT,
                                     .w = GRID_WIDTH,
                                     .h = h},
                     "guardrail", &(struct sel){.phase = p, .worst = many ? WORST_MAX : 0});
    d->y += h;
}

enum gr_err
grafana_phase(const struct model *m, const struct phase *p, struct gr_buf *b)
{
    size_t n = 0;
    struct dash d;

    for (size_t i = 0; i < m->n_guardrails; i++)
        n += (m->guardrails[i].phases >> (p - m->phases)) & 1;
    dash_begin(&d, m, p->name, 2 * (p->min_ms > 0 ? p->min_ms : INT64_C(1800000)),
               "Canary against control, limits and verdicts of one phase.");
    answer_stat(
        &d,
        &(struct panel){.type = "stat",
                        .title = GR_STR("May this release go on?"),
                        .description = GR_STR(
                            "The worst thing known of each release that is in this phase now. Only YES is a "
                            "yes; guardraild's gate has the last word."),
                        .w = 10,
                        .h = HEAD_HEIGHT},
        p);
    reasons_table(&d,
                  &(struct panel){
                      .type = "table",
                      .title = GR_STR("Why not"),
                      .description = GR_STR(
                          "All that speaks against a promotion, worst first. A guardrail's name leads to its "
                          "panel."),
                      .x = 10,
                      .w = 14,
                      .h = HEAD_HEIGHT},
                  p);
    d.y += HEAD_HEIGHT;
    worst_panel(&d, p, n);
    if (n > DASH_MANY) {
        dash_choice(&d, p);
        chosen_row(&d, p);
        if (p->n_traffic > 0)
            share_row(&d, p);
        return dash_end(&d, b);
    }
    for (size_t i = 0; i < m->n_guardrails; i++)
        if (in_phase(&d, &m->guardrails[i], p))
            group_rows(&d, i, p);
    if (p->n_traffic > 0)
        share_row(&d, p);
    return dash_end(&d, b);
}
