/* operator/: objects for prometheus-operator and Grafana's sidecar.
 *
 *     rules-<group>.yaml        one PrometheusRule for each rule group, whatever its size: which object a rule is in never depends on others
 *     alertmanager.yaml         an AlertmanagerConfig (emit_amconfig.c)
 *     dashboard-<name>.yaml     one ConfigMap for each dashboard: a ConfigMap holds at most 1 MiB, and client-side apply 256 KiB
 *     policy.yaml               a ConfigMap with guardraild's policy.json
 *
 * Dashboards and policy are those of the files' target, put into objects. ConfigMaps, not GrafanaDashboards: every installation of Grafana
 * by kube-prometheus has the sidecar, and instanceSelector, which a GrafanaDashboard needs, cannot be changed later. */
#include "config.h"
#include "emit_operator.h"

#include "backend.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "kube.h"

#define PATH_BYTES_MAX 4096u

static enum gr_err
add(struct tree *t, const char *what, struct gr_str name, struct gr_buf *b)
{
    struct gr_buf path = GR_BUF_INIT(PATH_BYTES_MAX);
    enum gr_err err;

    gr_buf_printf(&path, "operator/%s%s" GR_FMT ".yaml", what, name.n > 0 ? "-" : "", GR_ARG(name));
    if ((err = gr_buf_err(&path)) == GR_OK)
        err = tree_add(t, gr_buf_str(&path), b);
    gr_buf_fini(&path);
    gr_buf_fini(b);
    return err;
}

/* -- rules --------------------------------------------------------------------------------------------------------------- */

/* An AlertmanagerConfig sees only alerts whose label `namespace` is its own. Rules cannot know what their series carry, so each alert states
 * the label; a rule's label wins over the expression's. */
static void
label_alerts(const struct model *m, struct gr_rulefile *f)
{
    for (size_t g = 0; g < f->count; g++)
        for (size_t i = 0; i < f->groups[g]->count; i++)
            if (f->groups[g]->rules[i]->kind == GR_RULE_ALERT)
                gr_rule_label(f, f->groups[g]->rules[i], GR_STR(KUBE_NAMESPACE_LABEL),
                              m->kubernetes.namespace);
}

/* What stands behind the spec's name in the group's: "" or "watch". */
static struct gr_str
group_what(const struct model *m, const struct gr_rule_group *g)
{
    if (gr_str_eq(g->name, m->spec))
        return GR_STR("rules");
    return gr_str_starts(g->name, m->spec) ? gr_str_sub(g->name, m->spec.n + 1, g->name.n) : g->name;
}

static enum gr_err
emit_group(const struct model *m, struct tree *t, struct gr_rulefile *all, size_t g)
{
    struct gr_rulefile one = {.arena = all->arena, .groups = &all->groups[g], .count = 1, .cap = 1};
    struct kube_object object = {.api = "monitoring.coreos.com/v1",
                                 .kind = "PrometheusRule",
                                 .name = group_what(m, all->groups[g]),
                                 .namespace = m->kubernetes.namespace,
                                 .labels = &m->kubernetes.rule_selector};
    struct gr_buf text = GR_BUF_INIT(TREE_FILE_BYTES_MAX), b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err;

    gr_rulefile_write(&text, &one, GR_STR_NONE);
    kube_head(m, &object, &b);
    gr_buf_puts(&b, "spec:\n");
    kube_indent(&b, gr_buf_str(&text), 2);
    err = gr_buf_err(&text);
    gr_buf_fini(&text);
    if (err != GR_OK) {
        gr_buf_fini(&b);
        return err;
    }
    return gr_str_is(object.name, "rules") ? add(t, "rules", GR_STR_NONE, &b)
                                           : add(t, "rules", object.name, &b);
}

enum gr_err
emit_operator_rules(const struct model *m, struct tree *t)
{
    struct gr_rulefile *f = NULL;
    enum gr_err err = rules_lower(m, &f);

    if (err == GR_OK && m->kubernetes.namespace_matcher)
        label_alerts(m, f);
    for (size_t g = 0; err == GR_OK && g < f->count; g++)
        err = emit_group(m, t, f, g);
    return err == GR_OK ? gr_arena_status(m->arena) : err;
}

/* -- dashboards and policy --------------------------------------------------------------------------------------------------- */

/* "a/b/x.json" is "x.json" */
static struct gr_str
base_name(struct gr_str path)
{
    struct gr_str rest = path, part = path;

    while (gr_str_next(&rest, '/', &part))
        ;
    return part;
}

static enum gr_err
put_dashboard(const struct model *m, struct tree *t, struct gr_str path, struct gr_str json)
{
    struct gr_str file = base_name(path), what = gr_str_sub(file, m->spec.n + 1, file.n - strlen(".json"));
    struct kube_object object = {.api = "v1",
                                 .kind = "ConfigMap",
                                 .namespace = m->kubernetes.namespace,
                                 .labels = &m->kubernetes.dashboard_selector,
                                 .annotation = {m->kubernetes.folder_annotation, m->dashboards_folder}};
    struct gr_buf name = GR_BUF_INIT(PATH_BYTES_MAX), b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err;

    gr_buf_printf(&name, "dashboard-" GR_FMT, GR_ARG(what));
    object.name = gr_buf_str(&name);
    kube_head(m, &object, &b);
    gr_buf_puts(&b, "data:\n");
    kube_json(&b, file, json);
    if ((err = gr_buf_err(&name)) == GR_OK)
        err = add(t, "dashboard", what, &b);
    gr_buf_fini(&name);
    gr_buf_fini(&b);
    return err;
}

enum gr_err
emit_operator_grafana(const struct model *m, struct tree *t)
{
    struct tree *files = tree_create();
    struct gr_str path, content;
    enum gr_err err = files ? emit_grafana(m, files) : GR_ENOMEM;

    for (size_t i = 0; err == GR_OK && tree_nth(files, i, &path, &content); i++)
        if (gr_str_ends(path, GR_STR(".json")))
            err = put_dashboard(m, t, path, content);
    tree_free(files);
    return err;
}

enum gr_err
emit_operator_policy(const struct model *m, struct tree *t)
{
    struct kube_object object = {
        .api = "v1", .kind = "ConfigMap", .name = GR_STR("policy"), .namespace = m->kubernetes.namespace};
    struct tree *files = tree_create();
    struct gr_buf b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err = files ? emit_policy(m, files) : GR_ENOMEM;

    if (err == GR_OK) {
        kube_head(m, &object, &b);
        gr_buf_puts(&b, "data:\n");
        kube_json(&b, GR_STR("policy.json"), tree_get(files, GR_STR("guardraild/policy.json")));
        err = add(t, "policy", GR_STR_NONE, &b);
    }
    gr_buf_fini(&b);
    tree_free(files);
    return err;
}
