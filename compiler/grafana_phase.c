/* One dashboard per phase: each guardrail with canary, control, limits and verdict, in a row per group.
 *
 *     go on? (per stream)
 *     worst verdict per guardrail over time, worst first
 *     ▾ group                          rows are open as long as no more than QUERIES_MAX queries run at once
 *       canary against control, limits │ verdicts
 *     ▸ group
 *
 * Nobody can open a dashboard of thousands of panels, and its file would be most of the output. So where a phase watches more than
 * MODEL_MANY, Grafana repeats one row for the guardrails that are chosen above; the worst is chosen at first:
 *
 *     go on? (per stream)
 *     worst verdict per guardrail over time, the WORST_MAX worst
 *     ▾ $guardrail                     repeated
 *       effect, limits │ canary and control, backstop │ verdicts */
#include "config.h"
#include "grafana.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

#define PANEL_HEIGHT 8
#define QUERIES_PER_GUARDRAIL 3
#define WORST_MAX 50 /* WORST_OF_MANY_TEXT says so */
#define VERDICT_TEXT                                                                                         \
    GR_STR("The verdict of each slice, the worst of the shown time first. Insufficient is no verdict: it "   \
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

static bool
has_side(const struct guardrail *g, bool backstop)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (side_is_backstop(g->limit.bounds[i].side) == backstop)
            return true;
    return false;
}

/* -- queries ------------------------------------------------------------------------------------------------------------- */

/* `,cohort="control"` */
static const char *
cohort_matcher(struct gr_buf *b, struct gr_str cohort)
{
    gr_buf_reset(b);
    gr_buf_puts(b, ",cohort=");
    gr_quote_promql(b, cohort);
    return gr_buf_cstr(b);
}

/* A limit against control is drawn where it really lies: it moves with control. Control is raised to the floor, as in the effect. */
static void
limit_query(struct dash *d, const struct guardrail *g, const struct phase *p)
{
    struct gr_buf cohort = GR_BUF_INIT(1u << 16);
    struct sel control = {.guardrail = g, .phase = p, .more = cohort_matcher(&cohort, d->m->control)};
    bool moves = g->limit.against != AGAINST_FIXED, floored = moves && g->limit.floor.mant != 0;
    bool finite = true; /* where only overrides state a bound, it is infinite in the other slices */

    for (size_t i = 0; i < g->limit.n_bounds; i++)
        finite = finite && !g->limit.bounds[i].only_overrides;
    gr_buf_puts(&d->expr, finite ? "" : "(");
    query_select(d, "guardrail:limit",
                 &(struct sel){.guardrail = g, .phase = p, .more = moves ? ",side=~\"upper|lower\"" : NULL});
    gr_buf_puts(&d->expr, finite ? "" : " > -Inf < +Inf)");
    if (moves) {
        gr_buf_puts(&d->expr, g->limit.against == AGAINST_CONTROL_RELATIVE ? " * " : " + ");
        gr_buf_puts(&d->expr, "ignoring (level, side, cohort) group_left () ");
        gr_buf_puts(&d->expr, floored ? "clamp_min(" : "");
        query_select(d, "guardrail:window:value", &control);
        if (floored) {
            gr_buf_puts(&d->expr, ", ");
            gr_dec_print(&d->expr, g->limit.floor);
            gr_buf_putc(&d->expr, ')');
        }
    }
    if (moves && has_side(g, true)) {
        gr_buf_puts(&d->expr, " or ");
        query_select(d, "guardrail:limit",
                     &(struct sel){.guardrail = g, .phase = p, .more = ",side=~\"backstop.*\""});
        gr_buf_puts(&d->expr, finite ? "" : " > -Inf < +Inf");
    }
    dash_settle(d, &cohort);
    gr_buf_fini(&cohort);
}

/* -- panels -------------------------------------------------------------------------------------------------------------- */

/* "execution.order_accept.failures. Limits: hard +40%, soft +25% against control; hard 5% whatever control says. Runbook: …" */
static void
describe(struct dash *d, const struct guardrail *g)
{
    const char *separator = " Limits: ";

    gr_buf_printf(&d->text, GR_FMT ": the canary%s over the window of the phase.",
                  GR_ARG(g->source.n > 0 ? g->source : g->name),
                  g->limit.against == AGAINST_FIXED ? "" : " against control");
    for (size_t i = 0; i < g->limit.n_bounds; i++) {
        const struct bound *b = &g->limit.bounds[i];

        if (side_is_backstop(b->side))
            continue;
        gr_buf_printf(&d->text, "%s%s %s" GR_FMT, separator, level_name(b->level),
                      g->limit.against != AGAINST_FIXED ? ""
                      : b->side == SIDE_LOWER           ? "below "
                                                        : "above ",
                      GR_ARG(b->text));
        separator = ", ";
    }
    if (g->limit.against != AGAINST_FIXED && has_side(g, false))
        gr_buf_puts(&d->text,
                    g->limit.against == AGAINST_CONTROL_RELATIVE ? " relative to control" : " from control");
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (side_is_backstop(g->limit.bounds[i].side))
            gr_buf_printf(&d->text, "; %s " GR_FMT " whatever control says",
                          level_name(g->limit.bounds[i].level), GR_ARG(g->limit.bounds[i].text));
    gr_buf_puts(&d->text,
                ". Dashed: the limits where they lie now; an override may draw tighter ones for a slice.");
    if (g->runbook.n > 0)
        gr_buf_printf(&d->text, " Runbook: " GR_FMT, GR_ARG(g->runbook));
}

/* "^canary( |$)" in the form /…/ that Grafana's byRegexp wants. */
static void
override_cohort(struct dash *d, cJSON *panel, struct gr_str cohort, const char *color, int width)
{
    struct gr_buf re = GR_BUF_INIT(1u << 16);
    cJSON *properties;

    gr_buf_puts(&re, "/^");
    for (size_t i = 0; i < cohort.n; i++) { /* JavaScript's own characters, and the slash that would end it */
        if (memchr("\\^$.|?*+()[]{}/", cohort.p[i], 15))
            gr_buf_putc(&re, '\\');
        gr_buf_putc(&re, cohort.p[i]);
    }
    gr_buf_puts(&re, "( |$)/");
    properties = panel_override(d, panel, "byRegexp", gr_buf_cstr(&re));
    property_color(d, properties, color);
    property_num(d, properties, "custom.lineWidth", width);
    dash_settle(d, &re);
    gr_buf_fini(&re);
}

static void
override_limit(struct dash *d, cJSON *panel, const char *re, const char *color)
{
    static const double dashes[] = {8, 6};
    cJSON *properties = panel_override(d, panel, "byRegexp", re), *p, *value, *dash;

    property_color(d, properties, color);
    property_num(d, properties, "custom.lineWidth", 1);
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "custom.lineStyle");
    value = jsonout_object(&d->j, p, "value");
    jsonout_cstr(&d->j, value, "fill", "dash");
    dash = jsonout_array(&d->j, value, "dash");
    for (size_t i = 0; i < GR_COUNT(dashes); i++)
        jsonout_num(&d->j, dash, NULL, dashes[i]);
}

static void
runbook_link(struct dash *d, cJSON *panel, const struct guardrail *g)
{
    cJSON *link;

    if (g->runbook.n == 0)
        return;
    link = jsonout_object(&d->j, jsonout_array(&d->j, panel, "links"), NULL);
    jsonout_cstr(&d->j, link, "title", "Runbook");
    jsonout_str(&d->j, link, "url", g->runbook);
    jsonout_bool(&d->j, link, "targetBlank", true);
}

static void
value_options(struct dash *d, cJSON *panel)
{
    cJSON *o = panel_options(d, panel), *sub = jsonout_object(&d->j, o, "legend");

    jsonout_cstr(&d->j, sub, "displayMode", "table");
    jsonout_cstr(&d->j, sub, "placement", "right");
    jsonout_bool(&d->j, sub, "showLegend", true);
    jsonout_num(&d->j, sub, "width", 360);
    jsonout_cstr(&d->j, jsonout_array(&d->j, sub, "calcs"), NULL, "last");
    sub = jsonout_object(&d->j, o, "tooltip");
    jsonout_cstr(&d->j, sub, "mode", "multi");
    jsonout_cstr(&d->j, sub, "sort", "desc");
}

/* Canary, control and limits as lines. */
static void
lines_look(struct dash *d, cJSON *panel, const char *unit, struct gr_str canary)
{
    cJSON *defaults, *custom;

    defaults = panel_field(d, panel, unit, NULL);
    custom = jsonout_object(&d->j, defaults, "custom");
    jsonout_cstr(&d->j, custom, "drawStyle", "line");
    jsonout_num(&d->j, custom, "lineWidth", 1);
    jsonout_num(&d->j, custom, "fillOpacity", 0);
    jsonout_cstr(&d->j, custom, "showPoints", "never");
    jsonout_bool(&d->j, custom, "spanNulls", false); /* a hole is a hole */
    override_cohort(d, panel, canary, "blue", 2);
    override_cohort(d, panel, d->m->control, "text", 1);
    override_limit(d, panel, "/^hard limit/", "red");
    override_limit(d, panel, "/^soft limit/", "orange");
    value_options(d, panel);
}

static void
value_panel(struct dash *d, const struct guardrail *g, const struct phase *p)
{
    cJSON *panel;
    struct gr_buf description = GR_BUF_INIT(1u << 20);

    describe(d, g);
    gr_buf_put(&description, gr_buf_str(&d->text));
    dash_settle(d, &d->text);
    panel = panel_add(d, &(struct panel){.type = "timeseries",
                                         .title = g->name,
                                         .description = gr_buf_str(&description),
                                         .w = 15,
                                         .h = PANEL_HEIGHT});
    runbook_link(d, panel, g);
    query_select(d, "guardrail:window:value",
                 &(struct sel){.guardrail = g,
                               .phase = p,
                               .more = has_side(g, true) ? ",cohort!=\"" COHORT_EARLY "\"" : NULL});
    gr_buf_puts(&d->text, "{{cohort}}");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    limit_query(d, g, p);
    gr_buf_puts(&d->text, "{{level}} limit, {{side}},");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    lines_look(d, panel, g->metric.unit ? g->metric.unit->grafana : "none", outname_canary(d->m, g));
    dash_settle(d, &description);
    gr_buf_fini(&description);
}

static void
guardrail_panels(struct dash *d, const struct guardrail *g, const struct phase *p)
{
    struct gr_buf title = GR_BUF_INIT(1u << 16), labels = GR_BUF_INIT(1u << 16);

    value_panel(d, g, p);
    gr_buf_printf(&title, GR_FMT ": verdict", GR_ARG(g->name));
    query_labels(d, g);
    gr_buf_put(&labels, gr_buf_str(&d->expr));
    dash_settle(d, &d->expr);
    legend_labels(d, g);
    verdict_timeline(d,
                     &(struct panel){.type = "state-timeline",
                                     .title = gr_buf_str(&title),
                                     .description = VERDICT_TEXT,
                                     .x = 15,
                                     .w = 9,
                                     .h = PANEL_HEIGHT},
                     gr_buf_cstr(&labels), &(struct sel){.guardrail = g, .phase = p});
    d->y += PANEL_HEIGHT;
    dash_settle(d, &title);
    dash_settle(d, &labels);
    gr_buf_fini(&title);
    gr_buf_fini(&labels);
}

/* The group's row, if guardrail i is its first in this phase. */
static void
group_row(struct dash *d, size_t i, const struct phase *p)
{
    const struct guardrail *all = d->m->guardrails;
    size_t members = 0;
    bool collapsed;
    cJSON *row;

    for (size_t k = 0; k < d->m->n_guardrails; k++) {
        if (!in_phase(d, &all[k], p) || !gr_str_eq(all[k].group, all[i].group))
            continue;
        if (k < i)
            return;
        members++;
    }
    collapsed = (size_t)d->queries + QUERIES_PER_GUARDRAIL * members > QUERIES_MAX;
    row = row_begin(d, all[i].group.n > 0 ? all[i].group : GR_STR("Guardrails"), collapsed);
    for (size_t k = i; k < d->m->n_guardrails; k++)
        if (in_phase(d, &all[k], p) && gr_str_eq(all[k].group, all[i].group))
            guardrail_panels(d, &all[k], p);
    row_end(d, row);
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
    lines_look(d, panel, "none", d->m->canary);
}

/* One row for every guardrail that is chosen. Values and limits of any kind fit the same panels, because effects and limits are recorded
 * in the same terms (a ratio to control, a difference from it, or the value itself). */
static void
chosen_row(struct dash *d, const struct phase *p)
{
    struct gr_buf labels = GR_BUF_INIT(1u << 16);
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
                        .w = 9,
                        .h = PANEL_HEIGHT},
        (const char *const[]){"guardrail:effect", "guardrail:limit"},
        (const char *const[]){CHOSEN, CHOSEN ",side!=\"backstop\""},
        (const char *const[]){"effect", "{{level}} limit, {{side}},"});
    chosen_lines(d, p,
                 &(struct panel){
                     .type = "timeseries",
                     .title = GR_STR("Canary and control"),
                     .description =
                         GR_STR("Values over the window of the phase, in the metric's own unit. Dashed: the "
                                "backstop, which holds whatever control says."),
                     .x = 9,
                     .w = 9,
                     .h = PANEL_HEIGHT},
                 (const char *const[]){"guardrail:window:value", "guardrail:limit"},
                 (const char *const[]){CHOSEN, CHOSEN ",side=\"backstop\""},
                 (const char *const[]){"{{cohort}}", "{{level}} limit, {{side}},"});
    query_labels(d, NULL);
    gr_buf_put(&labels, gr_buf_str(&d->expr));
    dash_settle(d, &d->expr);
    legend_labels(d, NULL);
    verdict_timeline(d,
                     &(struct panel){.type = "state-timeline",
                                     .title = GR_STR("Verdict"),
                                     .description = VERDICT_TEXT,
                                     .x = 18,
                                     .w = 6,
                                     .h = PANEL_HEIGHT},
                     gr_buf_cstr(&labels), &(struct sel){.phase = p, .more = CHOSEN});
    d->y += PANEL_HEIGHT;
    row_end(d, row);
    dash_settle(d, &labels);
    gr_buf_fini(&labels);
}

/* -- the whole ----------------------------------------------------------------------------------------------------------- */

static void
worst_panel(struct dash *d, const struct phase *p, size_t guardrails)
{
    bool many = guardrails > MODEL_MANY;
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
        &(struct panel){
            .type = "stat",
            .title = GR_STR("May this release go on?"),
            .description = GR_STR(
                "The worst verdict of each release stream that is in this phase now, over all slices."),
            .w = GRID_WIDTH,
            .h = 4},
        p);
    d.y += 4;
    worst_panel(&d, p, n);
    if (n > MODEL_MANY) {
        dash_choice(&d, p);
        chosen_row(&d, p);
        return dash_end(&d, b);
    }
    for (size_t i = 0; i < m->n_guardrails; i++)
        if (in_phase(&d, &m->guardrails[i], p))
            group_row(&d, i, p);
    return dash_end(&d, b);
}
