/* emit_alertmanager.c - one Alertmanager configuration per spec: prints what routes.c builds. Only keys that the chosen version knows, and
 * those of 0.25 (Debian 12) without a choice. */
#include "config.h"
#include "backend.h"

#include "guardrail/duration.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"
#include "routes.h"

#define FILE_MAX (16u << 20)
#define WEBHOOK_TIMEOUT_SINCE 28u /* 0.28 */

static void
put_yaml(struct gr_buf *b, const struct gr_buf *scalar)
{
    gr_quote_yaml(b, gr_buf_str(scalar));
    if (gr_buf_err(scalar) != GR_OK)
        b->err = gr_buf_err(scalar);
}

/* -- receivers ---------------------------------------------------------------------------------------------------------- */

/* What stands before "_file" in keys, the name under which Alertmanager reads the secret itself. */
static void
put_secret(struct gr_buf *b, enum secrets form, const char *key, struct gr_str file)
{
    struct gr_buf value = GR_BUF_INIT(FILE_MAX);

    if (form == SECRETS_IN_FILES)
        outname_secret(&value, file);
    else
        outname_variable(&value, file);
    gr_buf_printf(b, form == SECRETS_IN_FILES ? "%s_file: " : "%s: ", key);
    if (form == SECRETS_IN_FILES)
        put_yaml(b, &value);
    else
        gr_buf_printf(b, "${%s}", gr_buf_cstr(&value));
    gr_buf_putc(b, '\n');
    gr_buf_fini(&value);
}

static void
put_setting(struct gr_buf *b, const char *indent, const char *key, struct gr_str value)
{
    if (value.n == 0)
        return;
    gr_buf_printf(b, "%s%s: ", indent, key);
    gr_quote_yaml(b, value);
    gr_buf_putc(b, '\n');
}

static void
put_native(struct gr_buf *b, enum secrets form, const struct receiver *r)
{
    if (!r->pager) {
        gr_buf_puts(b, "  # NOBODY IS TOLD when guardraild is down or blind: the spec has no pagerduty and "
                       "no slack action.\n"
                       "  # Add one, or put a receiver of your own here.\n");
        gr_buf_printf(b, "  - name: %s\n", r->name);
        return;
    }
    if (form == SECRETS_IN_FILES)
        gr_buf_puts(b, "  # Alertmanager reads this file relative to its own working directory, not to this "
                       "configuration:\n"
                       "  # start it in this folder, or give the action an absolute path.\n");
    gr_buf_printf(b, "  - name: %s\n", r->name);
    if (r->pager->kind == ACTION_PAGERDUTY) {
        gr_buf_puts(b, "    pagerduty_configs:\n      - ");
        put_secret(b, form, "routing_key", outname_setting(r->pager, "routing_key_file"));
        put_setting(b, "        ", "url", outname_setting(r->pager, "url"));
        gr_buf_puts(b, "        severity: critical\n"
                       "        description: '{{ (index .Alerts 0).Labels.alertname }}: "
                       "{{ (index .Alerts 0).Annotations.summary }}'\n");
    } else {
        gr_buf_puts(b, "    slack_configs:\n      - ");
        if (outname_setting(r->pager, "webhook_url_file").n > 0)
            put_secret(b, form, "api_url", outname_setting(r->pager, "webhook_url_file"));
        else
            gr_buf_puts(b, "api_url: https://slack.com/api/chat.postMessage\n");
        put_setting(b, "        ", "channel", outname_setting(r->pager, "channel"));
        gr_buf_puts(b, "        title: '{{ .Status | toUpper }}: {{ (index .Alerts 0).Labels.alertname }}'\n"
                       "        text: '{{ range .Alerts }}{{ .Annotations.summary }} {{ end }}'\n");
    }
    gr_buf_puts(b, "        send_resolved: true\n"
                   "        http_config:\n"
                   "          follow_redirects: false\n");
    if (r->pager->kind == ACTION_SLACK && outname_setting(r->pager, "token_file").n > 0) {
        gr_buf_puts(b, "          authorization:\n            ");
        put_secret(b, form, "credentials", outname_setting(r->pager, "token_file"));
    }
}

/* A redirect would turn the POST into an empty GET whose 200 counts as delivered: never followed. max_alerts 0: never cut. */
static void
put_webhook(const struct model *m, struct gr_buf *b, enum secrets form, const struct receiver *r)
{
    bool beat = r->kind == RECEIVER_WATCHDOG;
    struct gr_buf url = GR_BUF_INIT(FILE_MAX);
    struct gr_str base = m->webhook_url;

    while (gr_str_ends(base, GR_STR("/")))
        base.n--;
    gr_buf_printf(&url, GR_FMT "%s", GR_ARG(base), beat ? "/v1/watchdog" : "/v1/alerts");
    gr_buf_printf(b, "  - name: %s\n    webhook_configs:\n      - url: ", r->name);
    put_yaml(b, &url);
    gr_buf_printf(b, "\n        send_resolved: %s\n        max_alerts: 0\n", beat ? "false" : "true");
    if (m->alertmanager_minor >=
        WEBHOOK_TIMEOUT_SINCE) /* without it a handler that hangs holds up the whole flush */
        gr_buf_puts(b, "        timeout: 10s\n");
    gr_buf_puts(b, "        http_config:\n          follow_redirects: false\n");
    if (m->webhook_token_file.n > 0) {
        gr_buf_puts(b, "          authorization:\n            ");
        put_secret(b, form, "credentials", m->webhook_token_file);
    }
    gr_buf_fini(&url);
}

/* -- routes -------------------------------------------------------------------------------------------------------------- */

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
put_matcher(struct gr_buf *out, const struct matcher *m)
{
    struct gr_buf b = GR_BUF_INIT(FILE_MAX);

    if (m->negated)
        outname_matcher_none(&b, m->label, m->values, m->n);
    else
        outname_matcher_any(&b, m->label, m->values, m->n);
    put_yaml(out, &b);
    gr_buf_fini(&b);
}

static void
put_matchers(struct gr_buf *b, int indent, const struct matchers *list)
{
    for (size_t i = 0; i < list->n; i++) {
        gr_buf_printf(b, "%*s- ", indent, "");
        put_matcher(b, &list->v[i]);
        gr_buf_putc(b, '\n');
    }
}

/* What a route states itself, each line behind `indent` spaces. */
static void
put_settings(struct gr_buf *b, int indent, const struct route *r)
{
    if (r->receiver)
        gr_buf_printf(b, "%*sreceiver: %s\n", indent, "", r->receiver->name);
    if (r->group_by) {
        gr_buf_printf(b, "%*sgroup_by: ", indent, "");
        put_list(b, r->group_by);
    }
    if (r->timing) {
        put_interval(b, indent, "group_wait", r->timing->group_wait_ms);
        put_interval(b, indent, "group_interval", r->timing->group_interval_ms);
        put_interval(b, indent, "repeat_interval", r->timing->repeat_interval_ms);
    }
    if (r->goes_on)
        gr_buf_printf(b, "%*scontinue: true\n", indent, "");
}

static void
put_comment(struct gr_buf *b, int indent, const char *comment)
{
    struct gr_str rest = gr_str(comment), line;

    while (gr_str_next(&rest, '\n', &line))
        gr_buf_printf(b, "%*s# " GR_FMT "\n", indent, "", GR_ARG(line));
}

static void
put_route(struct gr_buf *b, int indent, const struct route *r)
{
    if (r->comment)
        put_comment(b, indent, r->comment);
    gr_buf_printf(b, "%*s- matchers:\n", indent, "");
    put_matchers(b, indent + 4, &r->matchers);
    put_settings(b, indent + 2, r);
    if (r->n_routes > 0)
        gr_buf_printf(b, "%*sroutes:\n", indent + 2, "");
    for (size_t i = 0; i < r->n_routes; i++)
        put_route(b, indent + 4, &r->routes[i]);
}

static void
put_routes(struct gr_buf *b, const struct routes *r)
{
    gr_buf_puts(b, "# Whatever is not for guardraild goes to a receiver of Alertmanager's own, so that "
                   "paging never depends on our daemon\n"
                   "# alone: " GR_ALERT_DAEMON_DOWN ", " GR_ALERT_PHASE_UNKNOWN ", " GR_ALERT_UNHANDLED
                   ",\n# " GR_ALERT_VERDICT_MISSING ", " GR_ALERT_WAIVER_EXPIRED
                   ", and every alert that no route below knows.\n"
                   "route:\n");
    put_settings(b, 2, &r->root);
    gr_buf_puts(b, "  routes:\n");
    for (size_t i = 0; i < r->root.n_routes; i++)
        put_route(b, 4, &r->root.routes[i]);
}

/* -- inhibitions --------------------------------------------------------------------------------------------------------- */

static void
put_inhibitions(struct gr_buf *b, const struct routes *r)
{
    if (r->n_inhibitions == 0) {
        gr_buf_puts(b, "inhibit_rules: []\n");
        return;
    }
    gr_buf_puts(b, "# A hard breach silences the soft one of the same guardrail and slice. One rule "
                   "per set of slice labels: a label\n"
                   "# that both lack counts as equal, so only labels that both provably carry may "
                   "stand under `equal`.\n"
                   "inhibit_rules:\n");
    for (size_t i = 0; i < r->n_inhibitions; i++) {
        const struct inhibition *in = &r->inhibitions[i];

        gr_buf_puts(b, "  - source_matchers:\n");
        put_matchers(b, 6, &in->source);
        gr_buf_puts(b, "    target_matchers:\n");
        put_matchers(b, 6, &in->target);
        gr_buf_puts(b, "    equal: ");
        put_list(b, &in->equal);
    }
}

static void
put_all(const struct model *m, const struct routes *r, enum secrets form, struct gr_buf *b)
{
    put_routes(b, r);
    put_inhibitions(b, r);
    gr_buf_puts(b, "receivers:\n");
    for (size_t i = 0; i < r->n_receivers; i++)
        if (r->receivers[i].kind == RECEIVER_NATIVE)
            put_native(b, form, &r->receivers[i]);
        else
            put_webhook(m, b, form, &r->receivers[i]);
}

void
emit_routes(const struct model *m, const struct routes *r, struct gr_buf *b)
{
    put_all(m, r, SECRETS_IN_FILES, b);
}

enum gr_err
alertmanager_print(const struct model *m, enum secrets form, struct gr_buf *b)
{
    struct routes *r = NULL;
    enum gr_err err = routes_build(m, &r);

    if (err != GR_OK)
        return err;
    put_all(m, r, form, b);
    return gr_buf_err(b);
}

enum gr_err
emit_alertmanager(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(FILE_MAX);
    enum gr_err err;

    backend_header(m, &b);
    gr_buf_printf(&b, "\n# For Alertmanager 0.%u and later.\n",
                  m->alertmanager_minor ? m->alertmanager_minor : ALERTMANAGER_MINOR_MIN);
    if ((err = alertmanager_print(m, SECRETS_IN_FILES, &b)) == GR_OK)
        err = tree_add(t, GR_STR("alertmanager/alertmanager.yml"), &b);
    gr_buf_fini(&b);
    return err;
}
