/* What is marked on the time axes of every dashboard. */
#include "config.h"
#include "grafana.h"

/* A mark where a release enters a phase. The range is at least one step, so no change falls between two. */
void
dash_annotations(struct dash *d)
{
    cJSON *list = jsonout_array(&d->j, jsonout_object(&d->j, d->root, "annotations"), "list"), *a;
    size_t start;

    a = jsonout_object(&d->j, list, NULL);
    jsonout_cstr(&d->j, a, "name", "Phase changes");
    dash_datasource(d, a);
    jsonout_bool(&d->j, a, "enable", true);
    jsonout_bool(&d->j, a, "hide", false);
    jsonout_cstr(&d->j, a, "iconColor", "blue");
    gr_buf_puts(&d->expr, "changes(");
    start = d->expr.n;
    query_phase_series(d, d->m->release_labels.n);
    gr_buf_cut(&d->expr,
               d->expr.n > start ? d->expr.n - 1 : d->expr.n); /* the brace: the deployment goes in as well */
    gr_buf_puts(&d->expr, ",deployment_id=~\"$deployment\"}[$__rate_interval]) > 0 and ");
    query_phase_series(d, d->m->release_labels.n);
    gr_buf_puts(&d->expr, " == 1");
    jsonout_str(&d->j, a, "expr", gr_buf_str(&d->expr));
    jsonout_cstr(&d->j, a, "titleFormat", "{{phase}}");
    gr_buf_puts(&d->text, "{{deployment_id}} entered {{phase}}:");
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->text, " {{" GR_FMT "}}", GR_ARG(d->m->release_labels.v[i]));
    jsonout_str(&d->j, a, "textFormat", gr_buf_str(&d->text));
    dash_settle(d, &d->expr);
    dash_settle(d, &d->text);
}
