/* One Alertmanager configuration per spec:
 *
 *     route → native                                     everything that is not ours, and whatever we forgot
 *       └ spec="…" → native                              GuardrailDaemonDown, …: what guardraild cannot tell
 *           ├ GuardrailWatchdog    → guardraild_watchdog
 *           ├ GuardrailHardBreach  → guardraild          at once
 *           ├ GuardrailSoftBreach  → guardraild
 *           └ GuardrailNoData      → guardraild
 *     inhibit soft by hard, per set of slice labels
 *
 * Routes ask for the alert's name, not for its level: GuardrailUnhandledBreach carries level="hard" too and must not end up at the
 * daemon that did not handle it. Only keys that Alertmanager 0.25 (Debian 12) knows. Receiver names are [a-z0-9_]+, because
 * Alertmanager sends them quoted as regular expressions. */
#include "config.h"
#include "backend.h"

#include "guardrail/duration.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

#define FILE_MAX (16u << 20)
/* Alertmanager refuses 0 for group_interval and repeat_interval, and an interval below the second that it takes to answer would only
 * queue deliveries: a time scale stops here. group_wait may be 0. */
#define INTERVAL_FLOOR_MS 1000

struct receivers {
    const char *native;
    const struct action *pager; /* NULL: none that Alertmanager can reach */
};

static void
put_yaml(struct gr_buf *b, const struct gr_buf *scalar)
{
    gr_quote_yaml(b, gr_buf_str(scalar));
    if (gr_buf_err(scalar) != GR_OK)
        b->err = gr_buf_err(scalar);
}

/* -- the native receiver ------------------------------------------------------------------------------------------------- */

static const struct action *
used_for_hard(const struct model *m, enum action_kind kind)
{
    for (size_t i = 0; i < m->n_guardrails; i++) {
        const struct strs *on = &m->guardrails[i].on[LEVEL_HARD];

        for (size_t k = 0; k < on->n; k++) {
            const struct action *a = model_action(m, on->v[k]);

            if (a && a->kind == kind)
                return a;
        }
    }
    return NULL;
}

static const struct action *
first_of(const struct model *m, enum action_kind kind)
{
    for (size_t i = 0; i < m->n_actions; i++)
        if (m->actions[i].kind == kind)
            return &m->actions[i];
    return NULL;
}

/* Whom hard breaches page, pages Alertmanager as well; a channel is better than nobody. */
static struct receivers
choose_receivers(const struct model *m)
{
    const struct action *a;

    if ((a = used_for_hard(m, ACTION_PAGERDUTY)) || (a = first_of(m, ACTION_PAGERDUTY)))
        return (struct receivers){"native_pagerduty", a};
    if ((a = used_for_hard(m, ACTION_SLACK)) || (a = first_of(m, ACTION_SLACK)))
        return (struct receivers){"native_slack", a};
    return (struct receivers){"native_not_configured", NULL};
}

static void
put_secret(struct gr_buf *b, const char *key, struct gr_str file)
{
    struct gr_buf path = GR_BUF_INIT(FILE_MAX);

    outname_secret(&path, file);
    gr_buf_printf(b, "%s: ", key);
    put_yaml(b, &path);
    gr_buf_putc(b, '\n');
    gr_buf_fini(&path);
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
put_native(struct gr_buf *b, const struct receivers *r)
{
    if (!r->pager) {
        gr_buf_puts(b, "  # NOBODY IS TOLD when guardraild is down or blind: the spec has no pagerduty and "
                       "no slack action.\n"
                       "  # Add one, or put a receiver of your own here.\n");
        gr_buf_printf(b, "  - name: %s\n", r->native);
        return;
    }
    gr_buf_puts(
        b,
        "  # Alertmanager reads this file relative to its own working directory, not to this configuration:\n"
        "  # start it in this folder, or give the action an absolute path.\n");
    gr_buf_printf(b, "  - name: %s\n", r->native);
    if (r->pager->kind == ACTION_PAGERDUTY) {
        gr_buf_puts(b, "    pagerduty_configs:\n      - ");
        put_secret(b, "routing_key_file", outname_setting(r->pager, "routing_key_file"));
        put_setting(b, "        ", "url", outname_setting(r->pager, "url"));
        gr_buf_puts(b, "        severity: critical\n"
                       "        description: '{{ (index .Alerts 0).Labels.alertname }}: "
                       "{{ (index .Alerts 0).Annotations.summary }}'\n");
    } else {
        gr_buf_puts(b, "    slack_configs:\n      - ");
        put_secret(b, "api_url_file", outname_setting(r->pager, "webhook_url_file"));
        put_setting(b, "        ", "channel", outname_setting(r->pager, "channel"));
        gr_buf_puts(b, "        title: '{{ .Status | toUpper }}: {{ (index .Alerts 0).Labels.alertname }}'\n"
                       "        text: '{{ range .Alerts }}{{ .Annotations.summary }} {{ end }}'\n");
    }
    gr_buf_puts(b, "        send_resolved: true\n"
                   "        http_config:\n"
                   "          follow_redirects: false\n");
}

/* A redirect would turn the POST into an empty GET whose 200 counts as delivered: never followed. max_alerts 0: never cut. */
static void
put_webhook(const struct model *m, struct gr_buf *b, const char *name, const char *path, bool send_resolved)
{
    struct gr_buf url = GR_BUF_INIT(FILE_MAX);
    struct gr_str base = m->webhook_url;

    while (gr_str_ends(base, GR_STR("/")))
        base.n--;
    gr_buf_printf(&url, GR_FMT "%s", GR_ARG(base), path);
    gr_buf_printf(b, "  - name: %s\n    webhook_configs:\n      - url: ", name);
    put_yaml(b, &url);
    gr_buf_printf(b, "\n        send_resolved: %s\n        max_alerts: 0\n",
                  send_resolved ? "true" : "false");
    gr_buf_puts(b, "        http_config:\n          follow_redirects: false\n");
    if (m->webhook_token_file.n > 0) {
        gr_buf_puts(b, "          authorization:\n            ");
        put_secret(b, "credentials_file", m->webhook_token_file);
    }
    gr_buf_fini(&url);
}

/* -- routes -------------------------------------------------------------------------------------------------------------- */

struct timing {
    int64_t group_wait_ms, group_interval_ms, repeat_interval_ms;
};

static void
put_interval(const struct model *m, struct gr_buf *b, const char *indent, const char *key, int64_t ms,
             int64_t floor_ms)
{
    int64_t scaled = model_ms(m, ms);

    gr_buf_printf(b, "%s%s: ", indent, key);
    gr_duration_print(b, scaled < floor_ms ? floor_ms : scaled);
    gr_buf_putc(b, '\n');
}

static void
put_timing(const struct model *m, struct gr_buf *b, const char *indent, const struct timing *t)
{
    put_interval(m, b, indent, "group_wait", t->group_wait_ms, 0);
    put_interval(m, b, indent, "group_interval", t->group_interval_ms, INTERVAL_FLOOR_MS);
    /* The watchdog's repeat must stay below its group_interval when both stand at the floor: equal ones skip ticks. */
    put_interval(m, b, indent, "repeat_interval", t->repeat_interval_ms,
                 t->repeat_interval_ms < t->group_interval_ms ? INTERVAL_FLOOR_MS * 5 / 6
                                                              : INTERVAL_FLOOR_MS);
}

static void
put_list_item(struct gr_buf *b, bool first, struct gr_str s)
{
    if (!first)
        gr_buf_puts(b, ", ");
    gr_quote_yaml(b, s);
}

/* "[before…, <release labels>, after…]" */
static void
put_labels(const struct model *m, struct gr_buf *b, const char *const *before, const char *const *after)
{
    bool first = true;

    gr_buf_putc(b, '[');
    for (; *before; before++, first = false)
        put_list_item(b, first, gr_str(*before));
    for (size_t i = 0; i < m->release_labels.n; i++, first = false)
        put_list_item(b, first, m->release_labels.v[i]);
    for (; after && *after; after++, first = false)
        put_list_item(b, first, gr_str(*after));
    gr_buf_puts(b, "]\n");
}

static void
put_matcher_item(struct gr_buf *b, const char *indent, const char *label, struct gr_str value)
{
    struct gr_buf matcher = GR_BUF_INIT(FILE_MAX);

    outname_matcher(&matcher, label, value);
    gr_buf_printf(b, "%s- ", indent);
    put_yaml(b, &matcher);
    gr_buf_putc(b, '\n');
    gr_buf_fini(&matcher);
}

struct route {
    const char *comment, *alert, *receiver;
    struct timing timing;
};
static const struct route routes[] = {
    {"The beat. repeat_interval below group_interval: with equal values Alertmanager skips every other one.",
     GR_ALERT_WATCHDOG,
     "guardraild_watchdog",
     {0, 60000, 50000}},
    {"To the daemon at once, no waiting for company. group_interval is also the time until a delivery that "
     "failed for good is tried\n"
     "        # again; repeat_interval heals a daemon that lost its store (effects are unique, so repeats "
     "change nothing).",
     GR_ALERT_HARD,
     "guardraild",
     {0, 10000, 300000}},
    {"Nothing acts within seconds on a soft breach: 10s gather the slices of one slot in one message. "
     "Repeats come within the\n"
     "        # shortest useful phase, for a daemon that was restored from a backup.",
     GR_ALERT_SOFT,
     "guardraild",
     {10000, 60000, 900000}},
    {"No data holds the gate and never rolls back by itself: timed as soft.",
     GR_ALERT_NO_DATA,
     "guardraild",
     {10000, 60000, 900000}},
};

static void
put_route(const struct model *m, struct gr_buf *b, const struct route *r)
{
    static const char *const before[] = {GR_LABEL_SPEC, NULL}, *const after[] = {GR_LABEL_DEPLOYMENT,
                                                                                 GR_LABEL_LEVEL, NULL};

    gr_buf_printf(b, "        # %s\n        - matchers:\n", r->comment);
    put_matcher_item(b, "            ", "alertname", gr_str(r->alert));
    gr_buf_printf(b, "          receiver: %s\n          group_by: ", r->receiver);
    if (strcmp(r->alert, GR_ALERT_WATCHDOG) == 0) /* it belongs to no release */
        gr_buf_puts(b, "[" GR_LABEL_SPEC "]\n");
    else
        put_labels(m, b, before, after);
    put_timing(m, b, "          ", &r->timing);
}

static void
put_routes(const struct model *m, struct gr_buf *b, const struct receivers *r)
{
    static const struct timing native = {0, 60000, 3600000};
    static const char *const before[] = {"alertname", GR_LABEL_SPEC, NULL};

    gr_buf_puts(b, "# Whatever is not for guardraild goes to a receiver of Alertmanager's own, so that "
                   "paging never depends on our daemon\n"
                   "# alone: " GR_ALERT_DAEMON_DOWN ", " GR_ALERT_PHASE_UNKNOWN ", " GR_ALERT_UNHANDLED
                   ",\n# " GR_ALERT_VERDICT_MISSING ", and every alert that no route below knows.\n");
    gr_buf_printf(b, "route:\n  receiver: %s\n  group_by: ", r->native);
    put_labels(m, b, before, NULL);
    put_timing(m, b, "  ", &native);
    gr_buf_puts(b, "  routes:\n    - matchers:\n");
    put_matcher_item(b, "        ", GR_LABEL_SPEC, m->spec);
    gr_buf_puts(b, "      routes:\n");
    for (size_t i = 0; i < GR_COUNT(routes); i++)
        put_route(m, b, &routes[i]);
}

/* -- inhibitions --------------------------------------------------------------------------------------------------------- */

static bool
has_level(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level)
            return true;
    return false;
}

static bool
same_strs(const struct strs *a, const struct strs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!gr_str_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

static bool
same_slices(const struct guardrail *a, const struct guardrail *b)
{
    return same_strs(&a->compare_within, &b->compare_within) && same_strs(&a->dynamic, &b->dynamic);
}

static bool
inhibits(const struct guardrail *g)
{
    return has_level(g, LEVEL_HARD) && has_level(g, LEVEL_SOFT);
}

static void
put_inhibition(const struct model *m, struct gr_buf *b, const struct guardrail *first,
               const struct gr_str *names, size_t n)
{
    static const char *const before[] = {GR_LABEL_SPEC, NULL};
    static const char *const sides[][2] = {{"source_matchers", GR_ALERT_HARD},
                                           {"target_matchers", GR_ALERT_SOFT}};
    struct gr_buf matcher = GR_BUF_INIT(FILE_MAX);

    outname_matcher_any(&matcher, GR_LABEL_GUARDRAIL, names, n);
    for (size_t i = 0; i < GR_COUNT(sides); i++) {
        gr_buf_printf(b, "  %s %s:\n", i == 0 ? "-" : " ", sides[i][0]);
        put_matcher_item(b, "      ", "alertname", gr_str(sides[i][1]));
        put_matcher_item(b, "      ", GR_LABEL_SPEC, m->spec);
        gr_buf_puts(b, "      - ");
        put_yaml(b, &matcher);
        gr_buf_putc(b, '\n');
    }
    gr_buf_puts(b, "    equal: ");
    put_labels(m, b, before, NULL);
    gr_buf_cut(b, b->n >= 2 ? b->n - 2 : b->n); /* "]\n": the list goes on */
    for (size_t i = 0; i < first->compare_within.n; i++)
        put_list_item(b, false, first->compare_within.v[i]);
    for (size_t i = 0; i < first->dynamic.n; i++)
        put_list_item(b, false, first->dynamic.v[i]);
    put_list_item(b, false, GR_STR(GR_LABEL_DEPLOYMENT));
    put_list_item(b, false, GR_STR(GR_LABEL_GUARDRAIL));
    gr_buf_puts(b, "]\n");
    gr_buf_fini(&matcher);
}

/* The guardrails with the slice labels of guardrail i; 0 if an earlier one has them, so that each set is written once. */
static size_t
collect(const struct model *m, size_t i, struct gr_str *names)
{
    size_t n = 0;

    for (size_t k = 0; k < m->n_guardrails; k++) {
        const struct guardrail *g = &m->guardrails[k];

        if (!inhibits(g) || !same_slices(g, &m->guardrails[i]))
            continue;
        if (k < i)
            return 0;
        names[n++] = g->name;
    }
    return n;
}

static enum gr_err
put_inhibitions(const struct model *m, struct gr_buf *b)
{
    struct gr_str *names = gr_arena_array(m->arena, m->n_guardrails, sizeof *names);
    bool any = false;

    if (!names)
        return GR_ENOMEM;
    for (size_t i = 0; i < m->n_guardrails; i++) {
        size_t n = inhibits(&m->guardrails[i]) ? collect(m, i, names) : 0;

        if (n == 0)
            continue;
        if (!any)
            gr_buf_puts(b, "# A hard breach silences the soft one of the same guardrail and slice. One rule "
                           "per set of slice labels: a label\n"
                           "# that both lack counts as equal, so only labels that both provably carry may "
                           "stand under `equal`.\n"
                           "inhibit_rules:\n");
        any = true;
        put_inhibition(m, b, &m->guardrails[i], names, n);
    }
    if (!any)
        gr_buf_puts(b, "inhibit_rules: []\n");
    return GR_OK;
}

enum gr_err
emit_alertmanager(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(FILE_MAX);
    struct receivers r = choose_receivers(m);
    enum gr_err err;

    backend_header(m, &b);
    gr_buf_puts(&b, "\n# For Alertmanager 0.25 and later.\n");
    put_routes(m, &b, &r);
    if ((err = put_inhibitions(m, &b)) != GR_OK)
        goto done;
    gr_buf_puts(&b, "receivers:\n");
    put_webhook(m, &b, "guardraild", "/v1/alerts", true);
    put_webhook(m, &b, "guardraild_watchdog", "/v1/watchdog", false);
    put_native(&b, &r);
    err = tree_add(t, GR_STR("alertmanager/alertmanager.yml"), &b);
done:
    gr_buf_fini(&b);
    return err;
}
