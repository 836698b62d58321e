/* grafana/: dashboards in the spec's folder as a tree of folders (a slash in a folder's title would make one folder of that name), a
 * .lint with our reasons, and provisioning for a data source and the dashboards. */
#include "config.h"
#include "backend.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "grafana.h"

#define FILE_MAX (16u << 20)
#define PATH_MAX_BYTES 4096u

/* "grafana/dashboards/<folder>/" */
static void
put_folder(const struct model *m, struct gr_buf *path)
{
    struct gr_str folder = m->dashboards_folder;

    while (gr_str_starts(folder, GR_STR("/")))
        folder = gr_str_sub(folder, 1, folder.n);
    while (gr_str_ends(folder, GR_STR("/")))
        folder.n--;
    gr_buf_printf(path, "grafana/dashboards/" GR_FMT "/", GR_ARG(folder.n > 0 ? folder : m->spec));
}

static enum gr_err
add(struct tree *t, struct gr_buf *path, struct gr_buf *b, enum gr_err err)
{
    if (err == GR_OK)
        err = gr_buf_err(path);
    if (err == GR_OK)
        err = tree_add(t, gr_buf_str(path), b);
    gr_buf_fini(path);
    gr_buf_fini(b);
    return err;
}

static enum gr_err
add_dashboard(const struct model *m, struct tree *t, struct gr_str what, struct gr_buf *b, enum gr_err err)
{
    struct gr_buf path = GR_BUF_INIT(PATH_MAX_BYTES);

    put_folder(m, &path);
    gr_buf_printf(&path, GR_FMT "-" GR_FMT ".json", GR_ARG(m->spec), GR_ARG(what));
    return add(t, &path, b, err);
}

static enum gr_err
add_dashboards(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(FILE_MAX);
    enum gr_err err = add_dashboard(m, t, GR_STR("overview"), &b, grafana_overview(m, &b));

    for (size_t i = 0; i < m->n_phases && err == GR_OK; i++) {
        gr_buf_init(&b, FILE_MAX);
        if (grafana_watched(m, &m->phases[i]))
            err = add_dashboard(m, t, m->phases[i].name, &b, grafana_phase(m, &m->phases[i], &b));
    }
    if (err != GR_OK)
        return err;
    gr_buf_init(&b, FILE_MAX);
    return add_dashboard(m, t, GR_STR("audit"), &b, grafana_audit(m, &b));
}

/* grafana/dashboard-linter's rules that do not fit, each with its reason. */
static enum gr_err
add_lint(const struct model *m, struct tree *t)
{
    static const char *const rules[][2] = {
        {"template-job-rule", "recorded series carry no job label"},
        {"template-instance-rule", "recorded series carry no instance label; All of the audit dashboard is "
                                   "the daemons of this spec, not .+"},
        {"target-job-rule", "recorded series carry no job label"},
        {"target-instance-rule",
         "recorded series carry no instance label, and what has a spec label is asked for by that"},
        {"panel-units-rule", "basis points are suffix:bp; Grafana's own bps means bits per second"},
    };
    struct gr_buf path = GR_BUF_INIT(PATH_MAX_BYTES), b = GR_BUF_INIT(FILE_MAX);

    put_folder(m, &path);
    gr_buf_puts(&path, ".lint");
    backend_header(m, &b);
    gr_buf_puts(&b, "\nexclusions:\n");
    for (size_t i = 0; i < GR_COUNT(rules); i++) {
        gr_buf_printf(&b, "  %s:\n    reason: ", rules[i][0]);
        gr_quote_yaml(&b, gr_str(rules[i][1]));
        gr_buf_putc(&b, '\n');
    }
    return add(t, &path, &b, GR_OK);
}

/* timeInterval must be the scrape interval: $__rate_interval is made from it. The uid is fixed, so that dashboards may cite it. */
static enum gr_err
add_datasource(const struct model *m, struct tree *t)
{
    struct gr_buf path = GR_BUF_INIT(PATH_MAX_BYTES), b = GR_BUF_INIT(FILE_MAX);

    gr_buf_puts(&path, "grafana/provisioning/datasources/guardrail.yaml");
    backend_header(m, &b);
    gr_buf_puts(&b, "\n"
                    "apiVersion: 1\n"
                    "datasources:\n"
                    "  - name: Prometheus\n"
                    "    uid: prometheus\n"
                    "    type: prometheus\n"
                    "    access: proxy\n"
                    "    url: http://127.0.0.1:9090\n"
                    "    isDefault: true\n"
                    "    editable: false\n"
                    "    jsonData:\n"
                    "      httpMethod: POST\n"
                    "      timeInterval: ");
    gr_duration_print(&b, model_ms(m, m->scrape_ms));
    gr_buf_putc(&b, '\n');
    return add(t, &path, &b, GR_OK);
}

/* Neither folder nor folderUid: they exclude foldersFromFilesStructure. */
static enum gr_err
add_provider(const struct model *m, struct tree *t)
{
    struct gr_buf path = GR_BUF_INIT(PATH_MAX_BYTES), b = GR_BUF_INIT(FILE_MAX),
                  name = GR_BUF_INIT(PATH_MAX_BYTES);

    gr_buf_puts(&path, "grafana/provisioning/dashboards/guardrail.yaml");
    gr_buf_printf(&name, "guardrail-" GR_FMT, GR_ARG(m->spec));
    backend_header(m, &b);
    gr_buf_puts(&b, "\napiVersion: 1\nproviders:\n  - name: ");
    gr_quote_yaml(&b, gr_buf_str(&name));
    gr_buf_fini(&name);
    gr_buf_puts(&b, "\n"
                    "    orgId: 1\n"
                    "    type: file\n"
                    "    disableDeletion: true\n"
                    "    allowUiUpdates: false\n"
                    "    updateIntervalSeconds: 30\n"
                    "    options:\n"
                    "      path: /var/lib/grafana/dashboards\n"
                    "      foldersFromFilesStructure: true\n");
    return add(t, &path, &b, GR_OK);
}

enum gr_err
emit_grafana(const struct model *m, struct tree *t)
{
    enum gr_err err = add_dashboards(m, t);

    if (err == GR_OK)
        err = add_lint(m, t);
    if (err == GR_OK)
        err = add_datasource(m, t);
    if (err == GR_OK)
        err = add_provider(m, t);
    return err;
}
