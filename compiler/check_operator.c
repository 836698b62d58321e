/* check_operator.c - what an API server, the operator or a shared Alertmanager would refuse or swallow, told before anybody applies it. */
#include "config.h"
#include "emit_operator.h"

#include "check_secrets.h"
#include "kube.h"
#include "outnames.h"
#include "routes.h"

static struct gr_span
place(const struct model *m)
{
    return m->kubernetes.span;
}

/* -- objects --------------------------------------------------------------------------------------------------------------- */

/* The value of the first line "<key>: …" behind `indent`. */
static struct gr_str
line_value(struct gr_str text, const char *key)
{
    struct gr_str rest = text, line;

    while (gr_str_next(&rest, '\n', &line))
        if (gr_str_starts(line, gr_str(key)))
            return gr_str_sub(line, strlen(key), line.n);
    return GR_STR_NONE;
}

static void
check_size(const struct model *m, struct gr_str path, struct gr_str content, struct gr_diags *d)
{
    bool rules = gr_str_is(line_value(content, "kind: "), "PrometheusRule");
    size_t max = rules ? KUBE_RULES_MAX : KUBE_OBJECT_MAX;

    if (content.n <= max)
        return;
    gr_diag(d, GR0711, place(m),
            rules ? GR_STR("split the spec: each release stream can have one of its own")
                  : GR_STR("split the spec, or use --target prometheus for this part"),
            GR_FMT " has %zu bytes; %s takes at most %zu, and one group or dashboard is not split",
            GR_ARG(path), content.n, rules ? "prometheus-operator" : "Kubernetes", max);
}

static void
check_name(const struct model *m, const struct tree *t, size_t i, struct gr_diags *d)
{
    struct gr_str path, content, other, other_content;

    if (!tree_nth(t, i, &path, &content))
        return;
    for (size_t k = 0; k < i && tree_nth(t, k, &other, &other_content); k++)
        if (gr_str_starts(other, GR_STR("operator/")) &&
            gr_str_eq(line_value(content, "kind: "), line_value(other_content, "kind: ")) &&
            gr_str_eq(line_value(content, "  name: "), line_value(other_content, "  name: ")))
            gr_diag(d, GR0712, place(m), GR_STR("rename one of the phases: '_' and '-' become the same"),
                    GR_FMT " and " GR_FMT " would be one object, " GR_FMT, GR_ARG(other), GR_ARG(path),
                    GR_ARG(line_value(content, "  name: ")));
}

/* -- Alertmanager -------------------------------------------------------------------------------------------------------------- */

static bool
has(const struct strs *list, struct gr_str s)
{
    for (size_t i = 0; i < list->n; i++)
        if (gr_str_eq(list->v[i], s))
            return true;
    return false;
}

/* Whether the spec gives the label `namespace` a meaning, which the one that every alert gets would overwrite. */
static bool
uses_namespace(const struct model *m)
{
    struct gr_str label = GR_STR(KUBE_NAMESPACE_LABEL);

    if (has(&m->release_labels, label))
        return true;
    for (size_t i = 0; i < m->n_guardrails; i++)
        if (has(&m->guardrails[i].compare_within, label) || has(&m->guardrails[i].dynamic, label))
            return true;
    return false;
}

static void
check_namespace(const struct model *m, struct gr_diags *d)
{
    if (m->kubernetes.namespace_matcher && uses_namespace(m))
        gr_diag(d, GR0713, place(m),
                GR_STR("set alertmanagerConfigMatcherStrategy to None in the Alertmanager and "
                       "`namespace_matcher: false` here"),
                "the spec tells streams or slices apart by the label \"namespace\", and Alertmanager's "
                "namespace matcher needs it");
}

/* The host of a URL, without its port. */
static struct gr_str
host_of(struct gr_str url)
{
    size_t start = gr_str_find(url, GR_STR("://"), 0), end;
    struct gr_str rest = start == SIZE_MAX ? url : gr_str_sub(url, start + 3, url.n);

    if (gr_str_starts(rest, GR_STR("[")))
        end = gr_str_find(rest, GR_STR("]"), 0);
    else
        for (end = 0; end < rest.n && rest.p[end] != ':' && rest.p[end] != '/'; end++)
            ;
    return gr_str_sub(rest, 0, end);
}

/* The loopback of Alertmanager's pod is not that of guardraild's. */
static void
check_webhook(const struct model *m, struct gr_diags *d)
{
    struct gr_str host = host_of(m->webhook_url);

    if (!gr_str_starts(host, GR_STR("127.")) && !gr_str_is(host, "localhost") && !gr_str_is(host, "[::1"))
        return;
    gr_diag(d, GR0714, place(m),
            gr_arena_printf(m->arena,
                            "write `webhook: {url: http://guardraild." GR_FMT ".svc:9095}` or the like",
                            GR_ARG(m->kubernetes.namespace)),
            "webhook.url is " GR_FMT ", which an Alertmanager in a pod of its own cannot reach",
            GR_ARG(m->webhook_url));
}

/* An AlertmanagerConfig takes a channel's address from a Secret, and no other with a token. */
static void
check_native(const struct model *m, struct gr_diags *d)
{
    struct routes *r = NULL;

    if (routes_build(m, &r) != GR_OK)
        return; /* said where they are written */
    for (size_t i = 0; i < r->n_receivers; i++)
        if (r->receivers[i].pager && r->receivers[i].pager->kind == ACTION_SLACK &&
            outname_setting(r->receivers[i].pager, "token_file").n > 0)
            gr_diag(d, GR0706, r->receivers[i].pager->span,
                    GR_STR("add an action with pagerduty, or a slack one with `webhook_url_file:`"),
                    "the operator's Alertmanager cannot post with a Slack token: when guardraild is down, it "
                    "tells nobody");
}

void
check_operator(const struct model *m, const struct tree *t, struct gr_diags *d)
{
    struct gr_str path, content;

    for (size_t i = 0; tree_nth(t, i, &path, &content); i++)
        if (gr_str_starts(path, GR_STR("operator/"))) {
            check_size(m, path, content, d);
            check_name(m, t, i, d);
        }
    check_namespace(m, d);
    check_webhook(m, d);
    check_native(m, d);
    check_secrets(m, "one key of the Secret", operator_secret_key, d);
}
