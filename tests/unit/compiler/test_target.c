/* Targets and deploy/: what each writes for an example with some sections more, what it refuses, and that it survives without memory. That
 * the objects are Kubernetes' is checked against its schemas by tests/tools/kubernetes.sh. */
#include "config.h"
#include "specs.h"
#include "test_compiler.h"

#include "../base/failing.h"
#include "backend.h"
#include "emit_deploy.h"
#include "emit_operator.h"
#include "guardrail/sys.h"
#include "kube.h"

#define TRADEPULSE "examples/tradepulse/guardrails.yml"
#define MINIMAL "examples/minimal/guardrails.yml"
#define WEBHOOK "webhook: {url: \"http://guardraild.svc:9095/\"}\n"
#define DEPLOY "deploy: {canary_service: new, control_service: old, port: 8080, gateway: edge}\n"

#define ALONE(spec)                                                                                          \
    {                                                                                                        \
        spec, NULL, NULL, NULL                                                                               \
    }
#define WITH(spec, extra)                                                                                    \
    {                                                                                                        \
        spec, extra, NULL, NULL                                                                              \
    }

/* An example with `extra` behind it, and `what` replaced by `with` once. */
struct variant {
    const char *spec, *extra, *what, *with;
};

static void
read_variant(struct specs *s, const struct variant *v)
{
    char *text = specs_slurp(v->spec);
    struct gr_str base = gr_str(text);
    size_t at = v->what ? gr_str_find(base, gr_str(v->what), 0) : base.n;
    struct gr_buf b = GR_BUF_INIT(2u << 20);

    ck_assert_msg(at != SIZE_MAX, "\"%s\" is not in %s", v->what, v->spec);
    gr_buf_put(&b, gr_str_sub(base, 0, at));
    if (v->what) {
        gr_buf_puts(&b, v->with);
        gr_buf_put(&b, gr_str_sub(base, at + strlen(v->what), base.n));
    }
    gr_buf_puts(&b, v->extra ? v->extra : "");
    specs_read(s, GR_STR("spec.yml"), gr_buf_str(&b));
    gr_buf_fini(&b);
    gr_sys.free(text);
}

static struct tree *
compile(const struct specs *s, const char *target)
{
    struct tree *t = tree_create();

    ck_assert_msg(s->err == GR_OK, "%s", s->n ? s->findings[0].message : "the spec has findings");
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(target_emit(target_by_name(gr_str(target)), s->model, t, s->diags), GR_OK);
    return t;
}

/* -- what is written ----------------------------------------------------------------------------------------------------- */

static const struct {
    struct variant v;
    const char *target, *path, *has; /* has NULL: the file is not there; "!text": it does not have this */
} files[] = {
    /* operator: rules */
    {ALONE(MINIMAL), "operator", "operator/rules.yaml",
     "kind: PrometheusRule\nmetadata:\n  name: checkout-rules\n  namespace: monitoring\n"},
    {ALONE(MINIMAL), "operator", "operator/rules.yaml", "    release: prometheus\n"},
    {ALONE(MINIMAL), "operator", "operator/rules.yaml",
     "spec:\n  groups:\n    - name: checkout\n      interval: 1m\n"},
    {ALONE(MINIMAL), "operator", "operator/rules.yaml", "!- name: checkout-watch"},
    {ALONE(MINIMAL), "operator", "operator/rules-watch.yaml", "            namespace: monitoring\n"},
    {WITH(MINIMAL, "kubernetes: {namespace_matcher: false}\n"), "operator", "operator/rules-watch.yaml",
     "!            namespace:"},
    {WITH(MINIMAL,
          "kubernetes: {namespace: shop, labels: {team: pay}, rule_selector: {role: alert-rules}}\n"),
     "operator", "operator/rules.yaml",
     "  namespace: shop\n  labels:\n    app.kubernetes.io/managed-by: guardrail\n"
     "    app.kubernetes.io/part-of: guardrail-checkout\n    team: pay\n    role: alert-rules\n"},
    {WITH(MINIMAL, "kubernetes: {labels: {role: general}, rule_selector: {role: alert-rules}}\n"), "operator",
     "operator/rules.yaml", "!role: general"},
    {WITH(MINIMAL, "kubernetes: {rule_selector: {}}\n"), "operator", "operator/rules.yaml", "!release:"},
    /* operator: routes */
    {ALONE(MINIMAL), "operator", "operator/alertmanager.yaml",
     "  route:\n    matchers:\n      - {name: spec, matchType: \"=\", value: checkout}\n    receiver: "
     "native_pagerduty\n"},
    {ALONE(MINIMAL), "operator", "operator/alertmanager.yaml",
     "          - {name: alertname, matchType: \"=\", value: GuardrailHardBreach}\n"
     "        receiver: guardraild\n        groupBy: [spec, service, deployment_id, level]\n        "
     "groupWait: 0s\n"},
    {ALONE(MINIMAL), "operator", "operator/alertmanager.yaml", "!group_by"},
    {ALONE(MINIMAL), "operator", "operator/alertmanager.yaml",
     "      equal: [spec, service, deployment_id, guardrail]\n"},
    {ALONE(TRADEPULSE), "operator", "operator/alertmanager.yaml",
     "matchType: \"=~\", value: cpu_saturation|memory_headroom}"},
    {ALONE(TRADEPULSE), "operator", "operator/alertmanager.yaml",
     "routingKey: {name: guardrail-tradepulse, key: pagerduty.key}\n"},
    {WITH(TRADEPULSE, "kubernetes: {secret: keys}\nwebhook: {token_file: am/ingest.token}\n"), "operator",
     "operator/alertmanager.yaml",
     "            authorization:\n              credentials: {name: keys, key: am_ingest.token}\n"},
    {WITH(MINIMAL, WEBHOOK), "operator", "operator/alertmanager.yaml",
     "        - url: http://guardraild.svc:9095/v1/watchdog\n"},
    /* operator: dashboards and policy */
    {ALONE(TRADEPULSE), "operator", "operator/dashboard-canary_phase_1.yaml",
     "  name: tradepulse-dashboard-canary-phase-1\n  namespace: monitoring\n"},
    {ALONE(TRADEPULSE), "operator", "operator/dashboard-overview.yaml", "    grafana_dashboard: \"1\"\n"},
    {ALONE(TRADEPULSE), "operator", "operator/dashboard-overview.yaml",
     "    grafana_folder: TradePulse/Canary\n"},
    {ALONE(TRADEPULSE), "operator", "operator/dashboard-overview.yaml",
     "data:\n  tradepulse-overview.json: |\n    {\n      \""},
    {ALONE(MINIMAL), "operator", "operator/policy.yaml", "data:\n  policy.json: |\n    {\n      \"format\""},
    {ALONE(MINIMAL), "operator", "prometheus/rules.yml", NULL},
    {ALONE(MINIMAL), "operator", "deploy/tracing_config.yaml", NULL},
    /* mimir */
    {ALONE(MINIMAL), "mimir", "mimir/rules.yaml", "\nnamespace: checkout\ngroups:\n  - name: checkout\n"},
    {ALONE(MINIMAL), "mimir", "mimir/rules.yaml", "Mimir's default is 20"},
    {ALONE(TRADEPULSE), "mimir", "mimir/alertmanager.yaml", "      - routing_key: ${PAGERDUTY_KEY}\n"},
    {ALONE(TRADEPULSE), "mimir", "mimir/alertmanager.yaml", "envsubst '${PAGERDUTY_KEY}' <"},
    {ALONE(TRADEPULSE), "mimir", "mimir/alertmanager.yaml", "!_file"},
    {WITH(TRADEPULSE, "webhook: {token_file: 2/in.token}\n"), "mimir", "mimir/alertmanager.yaml",
     "            credentials: ${_2_IN_TOKEN}\n"},
    {ALONE(MINIMAL), "mimir", "alertmanager/alertmanager.yml", NULL},
    {ALONE(MINIMAL), "mimir", "guardraild/policy.json", "\"format\""},
    /* vmalert */
    {ALONE(MINIMAL), "vmalert", "vmalert/rules.yml",
     "  - name: checkout\n    interval: 1m\n    rules:\n      - record: guardrail:slot:sum\n"},
    {ALONE(MINIMAL), "vmalert", "vmalert/rules.yml",
     "  - name: checkout-verdict\n    interval: 15s\n    rules:\n      - record: guardrail:phase_start\n"},
    {ALONE(MINIMAL), "vmalert", "vmalert/rules.yml", "!keep_firing_for"},
    {ALONE(MINIMAL), "vmalert", "vmalert/rules.yml", ")[2m:15s])\n"},
    {ALONE(MINIMAL), "vmalert", "alertmanager/alertmanager.yml", "route:\n"},
    {ALONE(MINIMAL), "vmalert", "grafana/provisioning/dashboards/guardrail.yaml", "apiVersion"},
    /* alerts lead to the panel of their guardrail */
    {WITH(MINIMAL, "dashboards: {grafana_url: \"https://g\"}\n"), "prometheus", "prometheus/rules.yml",
     "            https://g/d/checkout-{{ $labels.phase }}?viewPanel="},
    {{MINIMAL, "dashboards: {grafana_url: \"https://g/\"}\n", "{name: canary,",
      "{name: canary_of_a_hundredth_of_all_orders,"},
     "prometheus",
     "prometheus/rules.yml",
     "https://g/d/{{ if eq $labels.phase \"canary_of_a_hundredth_of_all_orders\" "
     "}}checkout-canary_of_a_hundredth_"},
    {ALONE(MINIMAL), "prometheus", "prometheus/rules.yml", "!dashboard_url"},
    /* routes of requests */
    {ALONE(TRADEPULSE), "prometheus", "deploy/traffic_splitter/_baseline.yaml", NULL},
    {WITH(TRADEPULSE, DEPLOY), "prometheus", "deploy/traffic_splitter/canary_phase_1.yaml",
     "    - matches:\n        - headers: [{type: Exact, name: x-flow, value: agency}]\n      backendRefs:\n"
     "        - {name: old, port: 8080, weight: 995}\n        - {name: new, port: 8080, weight: 5}\n"},
    {WITH(TRADEPULSE, DEPLOY), "mimir", "deploy/traffic_splitter/canary_phase_1.yaml",
     "    guardrail/phase: canary_phase_1\n"},
    {WITH(TRADEPULSE, DEPLOY), "prometheus", "deploy/traffic_splitter/_baseline.yaml", "!weight: 99"},
    {WITH(TRADEPULSE, DEPLOY), "prometheus", "deploy/traffic_splitter/canary_phase_1.yaml",
     "    # Whatever belongs to no flow.\n    - backendRefs:\n        - {name: old, port: 8080, weight: "
     "100}\n"},
    {WITH(TRADEPULSE, DEPLOY), "prometheus", "deploy/traffic_splitter/general_availability.yaml",
     "    # Whatever belongs to no flow.\n    - backendRefs:\n        - {name: old, port: 8080, weight: "
     "0}\n"},
    {WITH(TRADEPULSE, DEPLOY), "prometheus", "deploy/traffic_splitter/preflight.yaml", "!RequestMirror"},
    {WITH(TRADEPULSE, "deploy: {shadow: mirror}\n"), "prometheus", "deploy/traffic_splitter/preflight.yaml",
     "          requestMirror:\n            backendRef: {name: tradepulse-canary, port: 80}\n"},
    {WITH(TRADEPULSE, "deploy: {flow_path: \"/v1/{flow}/orders\"}\n"), "prometheus",
     "deploy/traffic_splitter/canary_phase_1.yaml",
     "        - path: {type: PathPrefix, value: /v1/agency/orders}\n"},
    {WITH(TRADEPULSE, "deploy: {flow_header: X-Desk, gateway_namespace: net, hostnames: [a.example, "
                      "\"*.b.example\"], namespace: shop}\n"),
     "prometheus", "deploy/traffic_splitter/preflight.yaml",
     "    - {name: tradepulse, namespace: net}\n  hostnames:\n    - a.example\n    - \"*.b.example\"\n"},
    {WITH(MINIMAL, DEPLOY), "prometheus", "deploy/traffic_splitter/canary.yaml",
     "  rules:\n    - backendRefs:\n        - {name: old, port: 8080, weight: 95}\n        - {name: new, "
     "port: 8080, weight: 5}\n"},
    {WITH(MINIMAL, DEPLOY), "prometheus", "deploy/traffic_splitter/canary.yaml", "!no flow"},
    /* Argo Rollouts */
    {WITH(MINIMAL, DEPLOY), "prometheus", "deploy/argo_rollouts.yaml", NULL},
    {WITH(TRADEPULSE, "deploy: {argo_rollouts: true}\n"), "prometheus", "deploy/argo_rollouts.yaml",
     "      successCondition: len(result) > 0 && result[0] == 0\n      failureCondition: len(result) > 0 && "
     "result[0] == 3\n"},
    {WITH(TRADEPULSE, "deploy: {argo_rollouts: true}\n"), "prometheus", "deploy/argo_rollouts.yaml",
     "unless ignoring (symbol_bucket) guardrail:verdict{spec=\"tradepulse\",cluster=\"{{args.cluster}}\","},
    {WITH(MINIMAL, "deploy: {argo_rollouts: true}\n"), "prometheus", "deploy/argo_rollouts.yaml",
     "!Authorization"},
    {WITH(MINIMAL, "deploy: {argo_rollouts: true}\nkubernetes: {namespace: watch}\n"), "prometheus",
     "deploy/argo_rollouts.yaml", "          address: http://prometheus-operated.watch.svc:9090\n"},
    {WITH(MINIMAL, "deploy: {argo_rollouts: true, token_secret: read, guardraild_url: \"http://g:1/\"}\n"),
     "prometheus", "deploy/argo_rollouts.yaml",
     "          url: \"http://g:1/v1/releases/{{args.deployment_id}}/gate\"\n"},
    {WITH(MINIMAL, "deploy: {argo_rollouts: true, token_secret: read}\n"), "prometheus",
     "deploy/argo_rollouts.yaml", "        secretKeyRef: {name: read, key: token}\n"},
    /* traces and logs */
    {ALONE(TRADEPULSE), "prometheus", "deploy/tracing_config.yaml",
     "        string_attribute: {key: track, values: [canary]}\n"},
    {ALONE(TRADEPULSE), "prometheus", "deploy/tracing_config.yaml",
     "        probabilistic: {sampling_percentage: 5}\n"},
    {ALONE(TRADEPULSE), "prometheus", "deploy/tempo_retention.yaml", "    block_retention: 72h\n"},
    {WITH(MINIMAL, "tracing: {canary_sampling: 12.5%, other_sampling: 0.1%, attribute: cohort}\n"),
     "prometheus", "deploy/tracing_config.yaml",
     "              string_attribute: {key: cohort, values: [canary], invert_match: true}\n"},
    {WITH(MINIMAL, "tracing: {canary_sampling: 12.5%}\n"), "prometheus", "deploy/tracing_config.yaml",
     "{sampling_percentage: 12.5}\n"},
    {WITH(MINIMAL, "tracing: {canary_sampling: 50%}\n"), "prometheus", "deploy/tempo_retention.yaml", NULL},
    {WITH(MINIMAL, "tracing: {retention: 90min}\n"), "prometheus", "deploy/tempo_retention.yaml",
     "block_retention: 90m\n"},
    {WITH(MINIMAL, "tracing: {retention: 3d}\n"), "prometheus", "deploy/tracing_config.yaml", NULL},
    {ALONE(MINIMAL), "prometheus", "deploy/log_enrichment.yaml", NULL},
    {ALONE(TRADEPULSE), "prometheus", "deploy/log_enrichment.yaml",
     "set(attributes[\"traffic_share\"], 0.005) where resource.attributes[\"phase\"] == \"canary_phase_1\" "
     "and attributes[\"flow\"] == \"agency\"\n"},
    {ALONE(TRADEPULSE), "prometheus", "deploy/log_enrichment.yaml",
     "        - attributes[\"order_id\"] != nil and resource.attributes[\"track\"] != \"canary\"\n"},
    {WITH(MINIMAL, "logs: {fields: [traffic_share]}\n"), "prometheus", "deploy/log_enrichment.yaml",
     "        - {tag_name: phase, key: guardrail/phase, from: pod}\n"},
    {WITH(MINIMAL, "logs: {fields: [traffic_share]}\n"), "prometheus", "deploy/log_enrichment.yaml",
     "!filter/per_order"},
    {WITH(MINIMAL, "logs: {per_order: none, order_field: order}\n"), "prometheus",
     "deploy/log_enrichment.yaml",
     "      log_record:\n        - attributes[\"order\"] != nil\n  batch: {}\n"},
    {WITH(MINIMAL, "logs: {fields: [\"it's: new\"]}\n"), "prometheus", "deploy/log_enrichment.yaml",
     "          - \"set(attributes[\\\"it's: new\\\"], resource.attributes[\\\"it's: new\\\"])\"\n"},
};

START_TEST(file_has)
{
    const char *has = files[_i].has;
    struct specs s;
    struct tree *t;
    struct gr_str text;
    bool found;

    read_variant(&s, &files[_i].v);
    t = compile(&s, files[_i].target);
    text = tree_get(t, gr_str(files[_i].path));
    ck_assert_msg((text.p != NULL) == (has != NULL), "%s is %sthere", files[_i].path, text.p ? "" : "not ");
    if (has) {
        found = gr_str_find(text, gr_str(*has == '!' ? has + 1 : has), 0) != SIZE_MAX;
        ck_assert_msg(found == (*has != '!'), "%s: \"%s\" in\n" GR_FMT, files[_i].path, has,
                      GR_ARG(gr_str_sub(text, 0, 6000)));
    }
    tree_free(t);
    specs_fini(&s);
}
END_TEST

/* -- what is refused -------------------------------------------------------------------------------------------------------- */

static const struct {
    struct variant v;
    const char *target, *code; /* code NULL: nothing is found */
} refusals[] = {
    {WITH(MINIMAL, WEBHOOK), "operator", NULL},
    {ALONE(MINIMAL), "operator", "GR0714"},
    {WITH(MINIMAL, "webhook: {url: \"http://localhost:9095\"}\n"), "operator", "GR0714"},
    {WITH(MINIMAL, "webhook: {url: \"http://[::1]:9095\"}\n"), "operator", "GR0714"},
    {WITH(MINIMAL, "webhook: {url: \"http://localhosts.example:9095\"}\n"), "operator", NULL},
    {ALONE(MINIMAL), "prometheus", NULL},
    {ALONE(MINIMAL), "mimir", NULL},
    {ALONE(MINIMAL), "vmalert", "GR0715"},
    {{MINIMAL, WEBHOOK, "{labels: [service]}", "{labels: [service]} # one"}, "operator", NULL},
    {WITH(TRADEPULSE, "webhook: {url: \"http://g:1\", token_file: pagerduty.key}\n"), "operator",
     NULL}, /* one file, one key */
    {WITH(TRADEPULSE, "webhook: {url: \"http://g:1\", token_file: pagerduty_key}\n"), "operator", NULL},
    {WITH(TRADEPULSE, "webhook: {url: \"http://g:1\", token_file: pagerduty_key}\n"), "mimir", "GR0712"},
    {{TRADEPULSE, "webhook: {url: \"http://g:1\", token_file: a/b}\n", "routing_key_file: pagerduty.key",
      "routing_key_file: a_b"},
     "operator",
     "GR0712"},
};

START_TEST(target_refuses)
{
    struct gr_diag_view found = {.message = GR_STR_NONE};
    const char *code = NULL;
    struct specs s;

    read_variant(&s, &refusals[_i].v);
    tree_free(compile(&s, refusals[_i].target));
    if (gr_diags_get(s.diags, 0, &found))
        code = gr_code_info(found.code)->code;
    ck_assert_msg((code == NULL) == (refusals[_i].code == NULL) &&
                      (!code || strcmp(code, refusals[_i].code) == 0),
                  "%s: " GR_FMT, code ? code : "nothing", GR_ARG(found.message));
    specs_fini(&s);
}
END_TEST

static size_t
findings_of(const struct specs *s, const struct model *m, const struct tree *t, const char *code)
{
    struct gr_diags *d = gr_diags_create(s->sources);
    struct gr_diag_view found;
    size_t n = 0;

    ck_assert_ptr_nonnull(d);
    check_operator(m, t, d);
    for (size_t i = 0; gr_diags_get(d, i, &found); i++)
        n += strcmp(gr_code_info(found.code)->code, code) == 0;
    gr_diags_free(d);
    return n;
}

/* Each place where a spec can give the label `namespace` a meaning. */
static const struct {
    bool release, slice, dynamic, matcher;
    size_t findings;
} namespaces[] = {
    {false, false, false, true, 0}, {true, false, false, true, 1}, {false, true, false, true, 1},
    {false, false, true, true, 1},  {true, true, true, false, 0},
};

START_TEST(namespace_label)
{
    static struct gr_str label[] = {GR_STR_INIT("namespace")};
    const struct strs labels = {label, 1};
    struct tree *t = tree_create();
    struct specs s;

    ck_assert_ptr_nonnull(t);
    read_variant(&s, &(struct variant){MINIMAL, WEBHOOK, NULL, NULL});
    if (namespaces[_i].release)
        s.model->release_labels = labels;
    if (namespaces[_i].slice)
        s.model->guardrails[0].compare_within = labels;
    if (namespaces[_i].dynamic)
        s.model->guardrails[0].dynamic = labels;
    s.model->kubernetes.namespace_matcher = namespaces[_i].matcher;
    ck_assert_uint_eq(findings_of(&s, s.model, t, "GR0713"), namespaces[_i].findings);
    tree_free(t);
    specs_fini(&s);
}
END_TEST

static const struct {
    const char *path, *head;
    size_t bytes, findings;
} sizes[] = {
    {"operator/rules.yaml", "kind: PrometheusRule\n", KUBE_RULES_MAX, 0},
    {"operator/rules.yaml", "kind: PrometheusRule\n", KUBE_RULES_MAX + 1, 1},
    {"operator/policy.yaml", "kind: ConfigMap\n", KUBE_OBJECT_MAX, 0},
    {"operator/policy.yaml", "kind: ConfigMap\n", KUBE_OBJECT_MAX + 1, 1},
    {"deploy/tracing_config.yaml", "processors:\n", KUBE_OBJECT_MAX + 1, 0}, /* no object */
};

START_TEST(objects_have_a_limit)
{
    struct gr_buf b = GR_BUF_INIT(4u << 20);
    struct tree *t = tree_create();
    struct specs s;

    ck_assert_ptr_nonnull(t);
    read_variant(&s, &(struct variant){MINIMAL, WEBHOOK, NULL, NULL});
    gr_buf_puts(&b, sizes[_i].head);
    while (b.n < sizes[_i].bytes)
        gr_buf_putc(&b, '#');
    ck_assert_int_eq(tree_add(t, gr_str(sizes[_i].path), &b), GR_OK);
    ck_assert_uint_eq(findings_of(&s, s.model, t, "GR0711"), sizes[_i].findings);
    gr_buf_fini(&b);
    tree_free(t);
    specs_fini(&s);
}
END_TEST

static const struct {
    const char *one, *two;
    size_t findings;
} phases[] = {{"step_1", "step_2", 0}, {"step_1", "step-1", 1}};

START_TEST(objects_have_names_of_their_own)
{
    struct specs s;
    struct tree *t;

    read_variant(&s, &(struct variant){TRADEPULSE, WEBHOOK, NULL, NULL});
    s.model->phases[1].name = gr_str(phases[_i].one);
    s.model->phases[2].name = gr_str(phases[_i].two);
    t = compile(&s, "operator");
    ck_assert_uint_eq(findings_of(&s, s.model, t, "GR0712"), phases[_i].findings);
    tree_free(t);
    specs_fini(&s);
}
END_TEST

/* -- what the language refuses ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *spec, *extra, *code; /* code NULL: it is legal */
} sections[] = {
    {MINIMAL, "kubernetes: {namespace: shop-1}\n", NULL},
    {MINIMAL, "kubernetes: {namespace: Shop}\n", "GR0104"},
    {MINIMAL, "kubernetes: {namespace: a.b}\n", "GR0104"},
    {MINIMAL, "kubernetes: {namespace: abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc}\n",
     NULL}, /* 63 */
    {MINIMAL, "kubernetes: {namespace: abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd}\n",
     "GR0104"},
    {MINIMAL, "kubernetes: {labels: {example.org/team: Pay_1}}\n", NULL},
    {MINIMAL, "kubernetes: {labels: {Example.org/team: pay}}\n", "GR0104"},
    {MINIMAL, "kubernetes: {labels: {team: \"a b\"}}\n", "GR0104"},
    {MINIMAL, "kubernetes: {labels: {-team: a}}\n", "GR0104"},
    {MINIMAL, "kubernetes: {secret: am.keys}\n", NULL},
    {MINIMAL, "kubernetes: {secret: am/keys}\n", "GR0104"},
    {MINIMAL, "kubernetes: {folder_annotation: \"k8s.example/folder\"}\n", NULL},
    {MINIMAL, "kubernetes: {folder_annotation: \"a folder\"}\n", "GR0104"},
    {MINIMAL, "deploy: {canary_service: a, control_service: a}\n", "GR0106"},
    {MINIMAL, "deploy: {canary_service: 1a}\n", "GR0104"},
    {MINIMAL, "deploy: {canary_service: a.b}\n", "GR0104"},
    {MINIMAL, "deploy: {port: 65535}\n", NULL},
    {MINIMAL, "deploy: {port: 65536}\n", "GR0209"},
    {MINIMAL, "deploy: {hostnames: [\"*.example.org\"]}\n", NULL},
    {MINIMAL, "deploy: {hostnames: [\"a.*.org\"]}\n", "GR0104"},
    {MINIMAL, "deploy: {flow_header: x-flow}\n", "GR0107"},
    {TRADEPULSE, "deploy: {flow_header: x-flow}\n", NULL},
    {TRADEPULSE, "deploy: {flow_header: \"x flow\"}\n", "GR0104"},
    {TRADEPULSE, "deploy: {flow_path: \"/{flow}\"}\n", NULL},
    {TRADEPULSE, "deploy: {flow_path: \"/orders\"}\n", "GR0104"},
    {TRADEPULSE, "deploy: {flow_path: \"/{flow}/{flow}\"}\n", "GR0104"},
    {TRADEPULSE, "deploy: {flow_path: \"/a//{flow}\"}\n", "GR0104"},
    {TRADEPULSE, "deploy: {flow_header: x-flow, flow_path: \"/{flow}\"}\n", "GR0107"},
    {MINIMAL, "deploy: {shadow: half}\n", "GR0105"},
};

START_TEST(section)
{
    struct specs s;

    read_variant(&s, &(struct variant){sections[_i].spec, sections[_i].extra, NULL, NULL});
    ck_assert_msg(s.n == (sections[_i].code ? 1 : 0), "%zu findings: %s", s.n,
                  s.n ? s.findings[0].message : "");
    if (sections[_i].code)
        ck_assert_str_eq(s.findings[0].code, sections[_i].code);
    specs_fini(&s);
}
END_TEST

static const struct {
    const char *share;
    uint32_t control, canary;
} weights[] = {
    {"0", 100, 0},     {"1", 0, 100},          {"0.01", 99, 1},         {"0.5", 50, 50},
    {"0.005", 995, 5}, {"0.1234", 8766, 1234}, {"0.000001", 999999, 1}, {"0.999999", 1, 999999},
};

START_TEST(weights_are_whole_numbers)
{
    struct gr_dec share;
    struct weights w;

    ck_assert_int_eq(gr_dec_parse(gr_str(weights[_i].share), &share), GR_OK);
    w = route_weights(share);
    ck_assert_uint_eq(w.control, weights[_i].control);
    ck_assert_uint_eq(w.canary, weights[_i].canary);
}
END_TEST

static const struct {
    const char *share, *code;
} shares[] = {{"0.0001%", NULL}, {"0.00001%", "GR0209"}};

START_TEST(finer_shares_are_refused)
{
    struct specs s;

    read_variant(&s, &(struct variant){MINIMAL, DEPLOY, "traffic: 5%",
                                       shares[_i].code ? "traffic: 0.00001%" : "traffic: 0.0001%"});
    ck_assert_uint_eq(s.n, shares[_i].code ? 1 : 0);
    if (shares[_i].code)
        ck_assert_str_eq(s.findings[0].code, shares[_i].code);
    specs_fini(&s);
}
END_TEST

/* -- names and texts ------------------------------------------------------------------------------------------------------------ */

#define TWENTY "abcdefghijabcdefghij"
static const struct {
    const char *spec, *what, *want;
} names[] = {
    {"shop", "", "guardrail-shop"},
    {"shop", "rules", "shop-rules"},
    {"my_shop", "dashboard-step_1", "my-shop-dashboard-step-1"},
    {"shop_", "", "guardrail-shop"},
    {TWENTY TWENTY TWENTY, "ab", TWENTY TWENTY TWENTY "-ab"}, /* 63 */
    {TWENTY TWENTY TWENTY, "abc",
     "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd-55c3b1b3"}, /* 64: hashed */
};

START_TEST(names_are_kubernetes)
{
    struct model m = {.spec = gr_str(names[_i].spec)};
    struct gr_buf b = GR_BUF_INIT(1000);

    kube_name(&m, gr_str(names[_i].what), &b);
    ck_assert_int_eq(gr_buf_err(&b), GR_OK);
    ck_assert_uint_le(b.n, KUBE_NAME_MAX);
    if (strlen(names[_i].want) < KUBE_NAME_MAX || strlen(names[_i].spec) < 60)
        ck_assert_str_eq(gr_buf_cstr(&b), names[_i].want);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    const char *json, *want;
} texts[] = {
    {"{}\n", "  k: |\n    {}\n"},
    {"{\n  \"a\": 1\n}\n", "  k: |\n    {\n      \"a\": 1\n    }\n"},
    {"\"\x7f\"", "  k: |\n    \"\\u007f\"\n"},
    {"\"\xc2\x85\xc2\xa0\"", "  k: |\n    \"\\u0085\xc2\xa0\"\n"},
    {"\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\"", "  k: |\n    \"\\u2028\\u2029\xe2\x80\xaa\"\n"},
    {"\"\xef\xbb\xbf\xef\xbf\xbd\xef\xbf\xbe\"", "  k: |\n    \"\\ufeff\xef\xbf\xbd\\ufffe\"\n"},
};

START_TEST(json_stands_in_yaml)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    kube_json(&b, GR_STR("k"), gr_str(texts[_i].json));
    ck_assert_str_eq(gr_buf_cstr(&b), texts[_i].want);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    int64_t ms;
    const char *want;
} durations[] = {{259200000, "72h"}, {5400000, "90m"}, {90000, "90s"}, {1500, "1500ms"}, {3600000, "1h"}};

START_TEST(durations_are_of_go)
{
    struct gr_buf b = GR_BUF_INIT(100);

    kube_duration(&b, durations[_i].ms);
    ck_assert_str_eq(gr_buf_cstr(&b), durations[_i].want);
    gr_buf_fini(&b);
}
END_TEST

/* -- memory ----------------------------------------------------------------------------------------------------------- */

/* Each allocation of each part fails in turn. */
START_TEST(survives_without_memory)
{
    size_t n;
    const struct target *target = &targets(&n)[_i];
    enum gr_err err = GR_ENOMEM;

    for (size_t nth = 1; err != GR_OK; nth += nth < 150 ? 1 : 41) {
        struct specs s;
        struct tree *t;

        read_variant(&s, &(struct variant){MINIMAL,
                                           WEBHOOK DEPLOY
                                           "tracing: {canary_sampling: 50%, retention: 1h}\n"
                                           "logs: {fields: [phase, traffic_share], per_order: canary}\n",
                                           NULL, NULL});
        ck_assert_ptr_nonnull(t = tree_create());
        failing_start(nth, true);
        err = target_emit(target, s.model, t, s.diags);
        (void)failing_stop();
        ck_assert_msg(err == GR_OK || err == GR_ENOMEM, "%s at %zu", gr_err_name(err), nth);
        tree_free(t);
        specs_fini(&s);
        ck_assert_uint_lt(nth, 100000);
    }
}
END_TEST

Suite *
target_suite(void)
{
    Suite *s = suite_create("target");
    TCase *tc = tcase_create("target");
    size_t n;

    (void)targets(&n);
    tcase_add_loop_test(tc, file_has, 0, (int)GR_COUNT(files));
    tcase_add_loop_test(tc, target_refuses, 0, (int)GR_COUNT(refusals));
    tcase_add_loop_test(tc, namespace_label, 0, (int)GR_COUNT(namespaces));
    tcase_add_loop_test(tc, objects_have_a_limit, 0, (int)GR_COUNT(sizes));
    tcase_add_loop_test(tc, objects_have_names_of_their_own, 0, (int)GR_COUNT(phases));
    tcase_add_loop_test(tc, section, 0, (int)GR_COUNT(sections));
    tcase_add_loop_test(tc, weights_are_whole_numbers, 0, (int)GR_COUNT(weights));
    tcase_add_loop_test(tc, finer_shares_are_refused, 0, (int)GR_COUNT(shares));
    tcase_add_loop_test(tc, names_are_kubernetes, 0, (int)GR_COUNT(names));
    tcase_add_loop_test(tc, json_stands_in_yaml, 0, (int)GR_COUNT(texts));
    tcase_add_loop_test(tc, durations_are_of_go, 0, (int)GR_COUNT(durations));
    tcase_add_loop_test(tc, survives_without_memory, 0, (int)n);
    suite_add_tcase(s, tc);
    return s;
}
