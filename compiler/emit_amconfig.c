/* operator/alertmanager.yaml: the AlertmanagerConfig (v1alpha1) that says what alertmanager/alertmanager.yml says, from the same routes.
 *
 * Three things differ. Its top route is our route for the spec, not the root: what belongs to nobody stays with whoever runs Alertmanager.
 * Keys are in camelCase and matchers are objects. Secrets are keys of a Secret of the same namespace, never files.
 * The operator adds `namespace="<its own>"` to the top route and to both sides of every inhibition; emit_operator_rules() labels the alerts
 * accordingly. */
#include "config.h"
#include "emit_operator.h"

#include "guardrail/duration.h"
#include "guardrail/quote.h"
#include "kube.h"
#include "outnames.h"
#include "routes.h"

/* -- parts of a route ---------------------------------------------------------------------------------------------------- */

static void
put_interval(struct gr_buf *b, int indent, const char *key, int64_t ms)
{
    gr_buf_printf(b, "%*s%s: ", indent, "", key);
    gr_duration_print(b, ms);
    gr_buf_putc(b, '\n');
}

static void
put_list(struct gr_buf *b, const struct strs *list)
{
    gr_buf_putc(b, '[');
    for (size_t i = 0; i < list->n; i++) {
        gr_buf_puts(b, i > 0 ? ", " : "");
        gr_quote_yaml(b, list->v[i]);
    }
    gr_buf_puts(b, "]\n");
}

static void
put_value(struct gr_buf *b, const struct matcher *m)
{
    struct gr_buf re = GR_BUF_INIT(KUBE_FILE_MAX);

    for (size_t i = 0; i < m->n; i++) {
        if (i > 0)
            gr_buf_putc(&re, '|');
        if (m->n == 1)
            gr_buf_put(&re, m->values[i]);
        else
            gr_quote_regex(&re, m->values[i]);
    }
    gr_quote_yaml(b, gr_buf_str(&re));
    if (gr_buf_err(&re) != GR_OK)
        b->err = gr_buf_err(&re);
    gr_buf_fini(&re);
}

static void
put_matchers(struct gr_buf *b, int indent, const char *key, const struct matchers *list)
{
    gr_buf_printf(b, "%*s%s:\n", indent, "", key);
    for (size_t i = 0; i < list->n; i++) {
        const struct matcher *m = &list->v[i];

        gr_buf_printf(b, "%*s- {name: ", indent + 2, "");
        gr_quote_yaml(b, gr_str(m->label));
        gr_buf_printf(b, ", matchType: \"%s\", value: ",
                      m->n > 1     ? m->negated ? "!~" : "=~"
                      : m->negated ? "!="
                                   : "=");
        put_value(b, m);
        gr_buf_puts(b, "}\n");
    }
}

struct inherited {
    const struct receiver *receiver;
    const struct strs *group_by;
    const struct timing *timing;
};

static void
put_settings(struct gr_buf *b, int indent, const struct inherited *in)
{
    if (in->receiver)
        gr_buf_printf(b, "%*sreceiver: %s\n", indent, "", in->receiver->name);
    if (in->group_by) {
        gr_buf_printf(b, "%*sgroupBy: ", indent, "");
        put_list(b, in->group_by);
    }
    if (in->timing) {
        put_interval(b, indent, "groupWait", in->timing->group_wait_ms);
        put_interval(b, indent, "groupInterval", in->timing->group_interval_ms);
        put_interval(b, indent, "repeatInterval", in->timing->repeat_interval_ms);
    }
}

static void
put_child(struct gr_buf *b, int indent, const struct route *r)
{
    const struct inherited in = {r->receiver, r->group_by, r->timing};
    size_t start = b->n;

    put_matchers(b, indent + 2, "matchers", &r->matchers);
    kube_item(b, start, (unsigned)indent);
    put_settings(b, indent + 2, &in);
    if (r->goes_on)
        gr_buf_printf(b, "%*scontinue: true\n", indent + 2, "");
    if (r->n_routes > 0)
        gr_buf_printf(b, "%*sroutes:\n", indent + 2, "");
    for (size_t i = 0; i < r->n_routes; i++)
        put_child(b, indent + 4, &r->routes[i]);
}

/* The only child of the root is the spec's; it states what it would inherit there. */
static void
put_top(struct gr_buf *b, const struct routes *r)
{
    const struct route *root = &r->root, *top = &r->root.routes[0];
    const struct inherited in = {top->receiver ? top->receiver : root->receiver,
                                 top->group_by ? top->group_by : root->group_by,
                                 top->timing ? top->timing : root->timing};

    GR_ASSERT(root->n_routes == 1);
    gr_buf_puts(b, "  route:\n");
    put_matchers(b, 4, "matchers", &top->matchers);
    put_settings(b, 4, &in);
    gr_buf_puts(b, "    routes:\n");
    for (size_t i = 0; i < top->n_routes; i++)
        put_child(b, 6, &top->routes[i]);
}

static void
put_inhibitions(struct gr_buf *b, const struct routes *r)
{
    if (r->n_inhibitions > 0)
        gr_buf_puts(b, "  inhibitRules:\n");
    for (size_t i = 0; i < r->n_inhibitions; i++) {
        size_t start = b->n;

        put_matchers(b, 6, "sourceMatch", &r->inhibitions[i].source);
        kube_item(b, start, 4);
        put_matchers(b, 6, "targetMatch", &r->inhibitions[i].target);
        gr_buf_puts(b, "      equal: ");
        put_list(b, &r->inhibitions[i].equal);
    }
}

/* -- receivers ------------------------------------------------------------------------------------------------------------- */

void
operator_secret_key(struct gr_buf *b, struct gr_str file)
{
    while (gr_str_starts(file, GR_STR("/")))
        file = gr_str_sub(file, 1, file.n);
    for (size_t i = 0; i < file.n; i++) {
        char c = file.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                     c == '-';

        gr_buf_putc(b, plain ? c : '_');
    }
}

static void
put_secret(const struct model *m, struct gr_buf *b, int indent, const char *key, struct gr_str file)
{
    struct gr_buf item = GR_BUF_INIT(KUBE_FILE_MAX);

    operator_secret_key(&item, file);
    gr_buf_printf(b, "%*s%s: {name: ", indent, "", key);
    gr_quote_yaml(b, m->kubernetes.secret);
    gr_buf_puts(b, ", key: ");
    gr_quote_yaml(b, gr_buf_str(&item));
    gr_buf_puts(b, "}\n");
    gr_buf_fini(&item);
}

static void
put_setting(struct gr_buf *b, const char *key, struct gr_str value)
{
    if (value.n == 0)
        return;
    gr_buf_printf(b, "          %s: ", key);
    gr_quote_yaml(b, value);
    gr_buf_putc(b, '\n');
}

static void
put_native(const struct model *m, struct gr_buf *b, const struct receiver *r)
{
    size_t start;

    if (!r->pager || (r->pager->kind == ACTION_SLACK && outname_setting(r->pager, "token_file").n > 0)) {
        gr_buf_puts(b, "    # NOBODY IS TOLD when guardraild is down or blind: the spec has no pagerduty and "
                       "no slack action\n    # with an incoming webhook.\n");
        gr_buf_printf(b, "    - name: %s\n", r->name);
        return;
    }
    gr_buf_printf(b, "    - name: %s\n", r->name);
    if (r->pager->kind == ACTION_PAGERDUTY) {
        gr_buf_puts(b, "      pagerdutyConfigs:\n");
        start = b->n;
        put_secret(m, b, 10, "routingKey", outname_setting(r->pager, "routing_key_file"));
        kube_item(b, start, 8);
        put_setting(b, "url", outname_setting(r->pager, "url"));
        gr_buf_puts(b, "          severity: critical\n"
                       "          description: '{{ (index .Alerts 0).Labels.alertname }}: "
                       "{{ (index .Alerts 0).Annotations.summary }}'\n");
    } else {
        gr_buf_puts(b, "      slackConfigs:\n");
        start = b->n;
        put_secret(m, b, 10, "apiURL", outname_setting(r->pager, "webhook_url_file"));
        kube_item(b, start, 8);
        put_setting(b, "channel", outname_setting(r->pager, "channel"));
        gr_buf_puts(b,
                    "          title: '{{ .Status | toUpper }}: {{ (index .Alerts 0).Labels.alertname }}'\n"
                    "          text: '{{ range .Alerts }}{{ .Annotations.summary }} {{ end }}'\n");
    }
    gr_buf_puts(b, "          sendResolved: true\n"
                   "          httpConfig:\n"
                   "            followRedirects: false\n");
}

static void
put_webhook(const struct model *m, struct gr_buf *b, const struct receiver *r)
{
    bool beat = r->kind == RECEIVER_WATCHDOG;
    struct gr_buf url = GR_BUF_INIT(KUBE_FILE_MAX);
    struct gr_str base = m->webhook_url;

    while (gr_str_ends(base, GR_STR("/")))
        base.n--;
    gr_buf_printf(&url, GR_FMT "%s", GR_ARG(base), beat ? "/v1/watchdog" : "/v1/alerts");
    gr_buf_printf(b, "    - name: %s\n      webhookConfigs:\n        - url: ", r->name);
    gr_quote_yaml(b, gr_buf_str(&url));
    gr_buf_printf(b,
                  "\n          sendResolved: %s\n          maxAlerts: 0\n"
                  "          httpConfig:\n            followRedirects: false\n",
                  beat ? "false" : "true");
    if (m->webhook_token_file.n > 0) {
        gr_buf_puts(b, "            authorization:\n");
        put_secret(m, b, 14, "credentials", m->webhook_token_file);
    }
    gr_buf_fini(&url);
}

enum gr_err
emit_operator_alertmanager(const struct model *m, struct tree *t)
{
    struct kube_object object = {.api = "monitoring.coreos.com/v1alpha1",
                                 .kind = "AlertmanagerConfig",
                                 .name = GR_STR("routes"),
                                 .namespace = m->kubernetes.namespace,
                                 .labels = &m->kubernetes.alertmanager_selector};
    struct gr_buf b = GR_BUF_INIT(KUBE_FILE_MAX);
    struct routes *r = NULL;
    enum gr_err err = routes_build(m, &r);

    if (err == GR_OK) {
        kube_head(m, &object, &b);
        gr_buf_puts(&b, "spec:\n");
        put_top(&b, r);
        put_inhibitions(&b, r);
        gr_buf_puts(&b, "  receivers:\n");
        for (size_t i = 0; i < r->n_receivers; i++)
            if (r->receivers[i].kind == RECEIVER_NATIVE)
                put_native(m, &b, &r->receivers[i]);
            else
                put_webhook(m, &b, &r->receivers[i]);
        err = tree_add(t, GR_STR("operator/alertmanager.yaml"), &b);
    }
    gr_buf_fini(&b);
    return err;
}
