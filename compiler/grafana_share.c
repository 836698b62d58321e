/* How the traffic is split: what was planned, and what came. */
#include "config.h"
#include "grafana.h"

#include "guardrail/policy.h"
#include "outnames.h"

static void
share_look(struct dash *d, cJSON *panel)
{
    cJSON *defaults = panel_field(d, panel, "percentunit", NULL), *custom, *properties, *p, *o, *sub;

    custom = jsonout_object(&d->j, defaults, "custom");
    jsonout_num(&d->j, custom, "lineWidth", 2);
    jsonout_cstr(&d->j, custom, "showPoints", "never");
    jsonout_bool(&d->j, custom, "spanNulls", false);
    jsonout_num(&d->j, custom, "axisSoftMin", 0);
    properties = panel_override(d, panel, "byRegexp", "/^planned/");
    p = jsonout_object(&d->j, properties, NULL);
    jsonout_cstr(&d->j, p, "id", "custom.lineInterpolation");
    jsonout_cstr(&d->j, p, "value", "stepAfter");
    o = panel_options(d, panel);
    sub = jsonout_object(&d->j, o, "legend");
    jsonout_cstr(&d->j, sub, "displayMode", "table");
    jsonout_cstr(&d->j, sub, "placement", "right");
    jsonout_bool(&d->j, sub, "showLegend", true);
    jsonout_cstr(&d->j, jsonout_array(&d->j, sub, "calcs"), NULL, "last");
    sub = jsonout_object(&d->j, o, "tooltip");
    jsonout_cstr(&d->j, sub, "mode", "multi");
    jsonout_cstr(&d->j, sub, "sort", "desc");
}

/* p: of releases that stand in that phase, for the series does not say it. */
static void
planned_target(struct dash *d, cJSON *panel, const struct phase *p)
{
    query_select(d, GR_SERIES_SHARE, &(struct sel){.no_slices = true});
    if (p) {
        gr_buf_puts(&d->expr, " and on (");
        query_stream(d);
        gr_buf_puts(&d->expr, ") ");
        query_select(d, GR_SERIES_PHASE, &(struct sel){.phase = p, .no_slices = true});
        gr_buf_puts(&d->expr, " == 1");
    }
    gr_buf_puts(&d->text, "planned ");
    legend_stream(d);
    gr_buf_puts(&d->text, " {{flow}}");
    panel_target(d, panel, NULL, false, false);
}

/* The first guardrail of the phase (NULL: of any) that counts observations of both cohorts. */
static const struct guardrail *
counting(const struct model *m, const struct phase *p)
{
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct guardrail *g = &m->guardrails[i];

        if (p && !(g->phases & UINT32_C(1) << (p - m->phases)))
            continue;
        if (!g->stream_scope && g->limit.against != AGAINST_FIXED &&
            (g->metric.kind == METRIC_RATIO_BAD || g->metric.kind == METRIC_RATIO_GOOD))
            return g;
    }
    return NULL;
}

/* canary ÷ (canary + control), of a guardrail's own observations over its window. */
static void
observed_target(struct dash *d, cJSON *panel, const struct guardrail *g, const struct phase *p)
{
    struct gr_buf canary = GR_BUF_INIT(1u << 16);

    gr_buf_puts(&canary, ",part=\"total\",");
    outname_matcher(&canary, "cohort", d->m->canary);
    gr_buf_puts(&d->expr, "sum without (cohort, part) (");
    query_select(d, "guardrail:window:sum",
                 &(struct sel){.guardrail = g, .phase = p, .more = gr_buf_cstr(&canary)});
    gr_buf_puts(&d->expr, ") / (sum without (cohort, part) (");
    query_select(
        d, "guardrail:window:sum",
        &(struct sel){.guardrail = g, .phase = p, .more = ",part=\"total\",cohort!=\"" COHORT_EARLY "\""});
    gr_buf_puts(&d->expr, ") > 0)");
    gr_buf_puts(&d->text, "observed");
    legend_labels(d, g);
    panel_target(d, panel, NULL, false, false);
    dash_settle(d, &canary);
    gr_buf_fini(&canary);
}

void
share_row(struct dash *d, const struct phase *p)
{
    const struct guardrail *g = counting(d->m, p);
    struct gr_buf text = GR_BUF_INIT(1u << 16);
    cJSON *row = row_begin_as(d, outname_row(GR_STR("Traffic share")), GR_STR("Traffic share"), true), *panel;

    gr_buf_puts(
        &text,
        "The share of each flow that the canary gets: planned, as guardraild exports it for the phase");
    if (g)
        gr_buf_printf(&text,
                      ", and observed, canary ÷ (canary + control) in the counts of " GR_FMT
                      ". Where control is only a sample of the other traffic, the observed share lies above "
                      "the planned one",
                      GR_ARG(g->name));
    gr_buf_puts(&text,
                ". A wrong split makes comparisons meaningless: mend the routing before anything else.");
    panel = panel_add(d, &(struct panel){.type = "timeseries",
                                         .title = GR_STR("Canary share of the traffic"),
                                         .description = gr_buf_str(&text),
                                         .w = GRID_WIDTH,
                                         .h = 8,
                                         .id = outname_row(GR_STR("Canary share of the traffic"))});
    planned_target(d, panel, p);
    if (g)
        observed_target(d, panel, g, p);
    share_look(d, panel);
    d->y += 8;
    row_end(d, row);
    dash_settle(d, &text);
    gr_buf_fini(&text);
}
