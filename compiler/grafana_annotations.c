/* The marks that every dashboard draws over its time axis.
 *
 *     Phase changes  sky blue    a release entered a phase
 *     Soft breaches  orange      a soft alert began; one mark for each guardrail, not one for each slice
 *     Hard breaches  vermillion  the same of a hard alert
 *     Rollbacks      text        a rollback was asked for, and how it ended: white on dark, black on light
 *
 * All of them are series whose value is a time, so a mark stands where the thing happened and not at the next step of the query. */
#include "config.h"
#include "grafana.h"

#include "guardrail/duration.h"
#include "guardrail/policy.h"

/* ", cluster" for each label of the stream */
static void
text_stream(struct dash *d)
{
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->text, ", {{" GR_FMT "}}", GR_ARG(d->m->release_labels.v[i]));
}

/* Takes d->expr, a vector of times in seconds, and d->text. Grafana takes milliseconds and joins marks that are less than a step apart. */
static void
put_annotation(struct dash *d, cJSON *list, const char *name, const char *color, const char *title)
{
    cJSON *a = jsonout_object(&d->j, list, NULL);
    struct gr_buf step = GR_BUF_INIT(64);

    jsonout_cstr(&d->j, a, "name", name);
    dash_datasource(d, a);
    jsonout_bool(&d->j, a, "enable", true);
    jsonout_bool(&d->j, a, "hide", false);
    jsonout_cstr(&d->j, a, "iconColor", color);
    jsonout_fmt(&d->j, a, "expr", "%s * 1000", gr_buf_cstr(&d->expr));
    gr_duration_print(&step, model_ms(d->m, d->m->scrape_ms));
    jsonout_str(&d->j, a, "step", gr_buf_str(&step));
    jsonout_bool(&d->j, a, "useValueForTime", true);
    jsonout_cstr(&d->j, a, "titleFormat", title);
    jsonout_str(&d->j, a, "textFormat", gr_buf_str(&d->text));
    dash_settle(d, &step);
    gr_buf_fini(&step);
    dash_settle(d, &d->expr);
    dash_settle(d, &d->text);
}

/* "max by (cluster, deployment_id, <more>) (series{…})": without what the scrape adds. */
static void
aggregate(struct dash *d, const char *how, const char *more, const char *series, const struct sel *s)
{
    gr_buf_printf(&d->expr, "%s by (", how);
    query_stream(d);
    gr_buf_printf(&d->expr, ", %s) (", more);
    query_select(d, series, s);
    gr_buf_putc(&d->expr, ')');
}

static void
phases(struct dash *d, cJSON *list)
{
    aggregate(d, "max", GR_LABEL_PHASE, GR_SERIES_PHASE_START, &(struct sel){.no_slices = true});
    gr_buf_puts(&d->text, "{{deployment_id}} entered {{phase}}");
    text_stream(d);
    put_annotation(d, list, "Phase changes", COLOR_EARLY, "Phase {{phase}}");
}

/* An alert without `for` is active from the moment that it fires. */
static void
breaches(struct dash *d, cJSON *list, const char *name, const char *color, const char *level,
         const char *alert)
{
    aggregate(d, "min", GR_LABEL_PHASE ", " GR_LABEL_GUARDRAIL, "ALERTS_FOR_STATE",
              &(struct sel){.more = alert});
    gr_buf_printf(&d->text, "%s breach of {{guardrail}} in {{phase}}: {{deployment_id}}", level);
    text_stream(d);
    put_annotation(d, list, name, color, "{{guardrail}}");
}

/* Its beginning, with a state of our own, and its end. */
static void
rollbacks(struct dash *d, cJSON *list)
{
    const struct sel all = {.no_slices = true};

    gr_buf_puts(&d->expr, "(label_replace(");
    aggregate(d, "max", GR_LABEL_GUARDRAIL, GR_SERIES_ROLLBACK_START, &all);
    gr_buf_puts(&d->expr, ", \"state\", \"asked for\", \"\", \"\") or ");
    aggregate(d, "max", GR_LABEL_GUARDRAIL ", state", GR_SERIES_ROLLBACK_END, &all);
    gr_buf_putc(&d->expr, ')');
    gr_buf_puts(&d->text, "Rollback of {{deployment_id}} for {{guardrail}}: {{state}}");
    text_stream(d);
    put_annotation(d, list, "Rollbacks", "text", "Rollback {{state}}");
}

void
dash_annotations(struct dash *d)
{
    cJSON *list = jsonout_array(&d->j, jsonout_object(&d->j, d->root, "annotations"), "list");

    phases(d, list);
    breaches(d, list, "Soft breaches", COLOR_WARN, "Soft", ",alertname=\"" GR_ALERT_SOFT "\"");
    breaches(d, list, "Hard breaches", COLOR_BAD, "Hard", ",alertname=\"" GR_ALERT_HARD "\"");
    rollbacks(d, list);
}
