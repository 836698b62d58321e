/* Canary against control: the panel of one guardrail in a phase's dashboard.
 *
 *     canary (blue), control (neutral), over the window of the phase
 *     soft and hard limits (dashed) where they lie now
 *     single slots (pale), where these confirm a breach */
#include "config.h"
#include "grafana.h"

#include <inttypes.h>

#include "guardrail/quote.h"
#include "outnames.h"

bool
limit_has_side(const struct guardrail *g, bool backstop)
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
bool
value_shows_slots(const struct guardrail *g)
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
    if (moves && limit_has_side(g, true)) {
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
    if (g->limit.against != AGAINST_FIXED && limit_has_side(g, false))
        gr_buf_puts(&d->text,
                    g->limit.against == AGAINST_CONTROL_RELATIVE ? " relative to control" : " from control");
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (side_is_backstop(g->limit.bounds[i].side))
            gr_buf_printf(&d->text, "; %s " GR_FMT " whatever control says",
                          level_name(g->limit.bounds[i].level), GR_ARG(g->limit.bounds[i].text));
    if (value_shows_slots(g))
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

void
value_look(struct dash *d, cJSON *panel, const char *unit, struct gr_str canary, bool low_is_bad)
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

void
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
                               .more = limit_has_side(g, true) ? ",cohort!=\"" COHORT_EARLY "\"" : NULL});
    gr_buf_puts(&d->text, "{{cohort}}");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    if (value_shows_slots(g)) {
        slot_query(d, g, p);
        gr_buf_puts(&d->text, "slot of {{cohort}}");
        legend_labels(d, g);
        panel_target(d, panel, NULL, false, false);
    }
    limit_query(d, g, p);
    gr_buf_puts(&d->text, "{{level}} limit, {{side}},");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    value_look(d, panel, g->metric.unit ? g->metric.unit->grafana : "none", outname_canary(d->m, g),
               only_low(g));
    dash_settle(d, &description);
    gr_buf_fini(&description);
}
