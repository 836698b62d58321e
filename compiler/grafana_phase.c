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

#include <inttypes.h>

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

#define HEAD_HEIGHT 7
#define PANEL_HEIGHT 8
#define DETAIL_HEIGHT 6
#define COVERAGE_NEEDED 0.9 /* of the expected slots, for a healthy verdict */
#define WORST_MAX 50        /* WORST_OF_MANY_TEXT says so */
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
/* Which of a guardrail's ids a panel has. Appended to only: links that were sent out must stay right. */
enum { PANEL_VALUE, PANEL_VERDICT, PANEL_EVIDENCE, PANEL_COVERAGE };

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

/* All its limits are lower ones. */
static bool
only_low(const struct guardrail *g)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (!side_is_lower(g->limit.bounds[i].side))
            return false;
    return true;
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

/* Fixed limits may be confirmed by single slots, "2 of 3"; a window that is still inside its limit does not explain such a verdict. */
static bool
shows_slots(const struct guardrail *g)
{
    if (g->limit.against != AGAINST_FIXED || g->metric.kind == METRIC_HISTOGRAM)
        return false;
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == LEVEL_HARD ? g->evidence.hard_n > 1 : g->evidence.soft_n > 1)
            return true;
    return false;
}

static void
slot_query(struct dash *d, const struct guardrail *g, const struct phase *p)
{
    bool ratio = g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD;
    const char *part = g->metric.kind == METRIC_RATIO_BAD ? ",part=\"bad\"" : ",part=\"good\"";
    struct gr_buf more = GR_BUF_INIT(1u << 16);

    gr_buf_putc(&more, ',');
    outname_matcher(&more, "cohort", outname_canary(d->m, g));
    gr_buf_puts(&more, ratio ? part : "");
    query_select(d, ratio ? "guardrail:slot:sum" : "guardrail:slot:value",
                 &(struct sel){.guardrail = g, .phase = p, .more = gr_buf_cstr(&more)});
    if (ratio) {
        dash_settle(d, &more);
        gr_buf_putc(&more, ',');
        outname_matcher(&more, "cohort", outname_canary(d->m, g));
        gr_buf_puts(&more, ",part=\"total\"");
        gr_buf_puts(&d->expr, " / ignoring (part) (");
        query_select(d, "guardrail:slot:sum",
                     &(struct sel){.guardrail = g, .phase = p, .more = gr_buf_cstr(&more)});
        gr_buf_puts(&d->expr, " > 0)");
    }
    dash_settle(d, &more);
    gr_buf_fini(&more);
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
    if (shows_slots(g))
        gr_buf_printf(&d->text,
                      ". A soft breach takes %" PRIu32 " of %" PRIu32 ", a hard one %" PRIu32 " of %" PRIu32
                      " single slots (pale) beyond the limit, where that is more than one of one; else the "
                      "window counts",
                      g->evidence.soft_k, g->evidence.soft_n, g->evidence.hard_k, g->evidence.hard_n);
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
    p = jsonout_object(&d->j, properties,
                       NULL); /* colour and dashes say what it is; the tooltip says how much */
    jsonout_cstr(&d->j, p, "id", "custom.hideFrom");
    value = jsonout_object(&d->j, p, "value");
    jsonout_bool(&d->j, value, "legend", true);
    jsonout_bool(&d->j, value, "tooltip", false);
    jsonout_bool(&d->j, value, "viz", false);
}

/* Thin and pale, beside the window's line; without a legend, for the tooltip has them. */
static void
override_slots(struct dash *d, cJSON *panel)
{
    cJSON *properties = panel_override(d, panel, "byRegexp", "/^slot of /"), *p, *value;

    property_color(d, properties, "super-light-blue");
    property_num(d, properties, "custom.lineWidth", 1);
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "custom.lineInterpolation");
    jsonout_cstr(&d->j, p, "value", "stepBefore");
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "custom.hideFrom");
    value = jsonout_object(&d->j, p, "value");
    jsonout_bool(&d->j, value, "legend", true);
    jsonout_bool(&d->j, value, "tooltip", false);
    jsonout_bool(&d->j, value, "viz", false);
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
value_options(struct dash *d, cJSON *panel, bool low_is_bad)
{
    cJSON *o = panel_options(d, panel), *sub = jsonout_object(&d->j, o, "legend");

    jsonout_cstr(&d->j, sub, "displayMode", "table");
    jsonout_cstr(&d->j, sub, "placement", "right");
    jsonout_bool(&d->j, sub, "showLegend", true);
    jsonout_num(&d->j, sub, "width", 300);
    jsonout_cstr(&d->j, jsonout_array(&d->j, sub, "calcs"), NULL, "last");
    jsonout_cstr(&d->j, sub, "sortBy", "Last"); /* the worst on top */
    jsonout_bool(&d->j, sub, "sortDesc", !low_is_bad);
    sub = jsonout_object(&d->j, o, "tooltip");
    jsonout_cstr(&d->j, sub, "mode", "multi");
    jsonout_cstr(&d->j, sub, "sort", "desc");
}

/* Canary, control and limits as lines. */
static void
lines_look(struct dash *d, cJSON *panel, const char *unit, struct gr_str canary, bool low_is_bad)
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
    override_slots(d, panel);
    override_limit(d, panel, "/^hard limit/", COLOR_BAD);
    override_limit(d, panel, "/^soft limit/", COLOR_WARN_LINE);
    value_options(d, panel, low_is_bad);
}

static void
value_panel(struct dash *d, const struct guardrail *g, const struct phase *p, int x)
{
    cJSON *panel;
    struct gr_buf description = GR_BUF_INIT(1u << 20);

    describe(d, g);
    gr_buf_put(&description, gr_buf_str(&d->text));
    dash_settle(d, &d->text);
    panel = panel_add(d, &(struct panel){.type = "timeseries",
                                         .title = g->name,
                                         .description = gr_buf_str(&description),
                                         .x = x,
                                         .w = GRID_WIDTH / 2,
                                         .h = PANEL_HEIGHT,
                                         .id = outname_panel(d->m, g) + PANEL_VALUE});
    runbook_link(d, panel, g);
    query_select(d, "guardrail:window:value",
                 &(struct sel){.guardrail = g,
                               .phase = p,
                               .more = has_side(g, true) ? ",cohort!=\"" COHORT_EARLY "\"" : NULL});
    gr_buf_puts(&d->text, "{{cohort}}");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    if (shows_slots(g)) {
        slot_query(d, g, p);
        gr_buf_puts(&d->text, "slot of {{cohort}}");
        legend_labels(d, g);
        panel_target(d, panel, NULL, false, false);
    }
    limit_query(d, g, p);
    gr_buf_puts(&d->text, "{{level}} limit, {{side}},");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    lines_look(d, panel, g->metric.unit ? g->metric.unit->grafana : "none", outname_canary(d->m, g),
               only_low(g));
    dash_settle(d, &description);
    gr_buf_fini(&description);
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
    return g->limit.against != AGAINST_FIXED && g->evidence.kind == EVIDENCE_SEQUENTIAL && has_side(g, false);
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
        queries += shows_slots(&all[k]) ? 3 : 2;
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
    lines_look(d, panel, "none", gr_str_is(gr_str(legend[0]), "effect") ? GR_STR("effect") : d->m->canary,
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
