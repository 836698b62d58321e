/* deploy/: what the deployment of a release needs to follow the spec; each only if the spec has the section for it.
 *
 *     traffic_splitter/<phase>.yaml      (deploy)   the HTTPRoute of one phase: apply the one of the phase that begins
 *     traffic_splitter/_baseline.yaml    (deploy)   before a release and after a rollback: nothing to the canary
 *     argo_rollouts.yaml                 (deploy.argo_rollouts)   AnalysisTemplates: emit_argo.c
 *     tracing_config.yaml, …             (tracing, logs)          emit_telemetry.c
 *
 * One file for each phase, not one with all: applied whole, that would end with the last phase, everything to the canary. */
#include "config.h"
#include "emit_deploy.h"

#include "backend.h"
#include "guardrail/quote.h"
#include "kube.h"

#define PATH_BYTES_MAX 4096u

/* -- weights ----------------------------------------------------------------------------------------------------------------- */

/* Weights are whole numbers relative to their sum: 0.5 % is 995 to 5. */
struct weights
route_weights(struct gr_dec share)
{
    uint32_t sum = 100;
    int32_t exp = share.exp;
    int64_t canary;

    GR_ASSERT(exp >= -WEIGHT_DIGITS_MAX); /* spec_kubernetes.c */
    for (; exp < -2; exp++)
        sum *= 10;
    canary = share.mant;
    for (exp = share.exp < -2 ? share.exp : -2; exp < share.exp; exp++)
        canary *= 10;
    GR_ASSERT(canary >= 0 && canary <= sum);
    return (struct weights){sum - (uint32_t)canary, (uint32_t)canary};
}

/* -- one route ----------------------------------------------------------------------------------------------------------------- */

static void
put_text(struct gr_buf *b, const char *before, struct gr_str text, const char *after)
{
    gr_buf_puts(b, before);
    gr_quote_yaml(b, text);
    gr_buf_puts(b, after);
}

static void
put_backend(const struct deploy *d, struct gr_buf *b, struct gr_str service, uint32_t weight)
{
    put_text(b, "        - {name: ", service, "");
    gr_buf_printf(b, ", port: %u, weight: %u}\n", (unsigned)d->port, (unsigned)weight);
}

/* /orders/{flow} of one flow. */
static void
put_path(struct gr_buf *b, struct gr_str pattern, struct gr_str flow)
{
    size_t at = gr_str_find(pattern, GR_STR("{flow}"), 0);
    struct gr_buf path = GR_BUF_INIT(PATH_BYTES_MAX);

    gr_buf_put(&path, gr_str_sub(pattern, 0, at));
    gr_buf_put(&path, flow);
    gr_buf_put(&path, gr_str_sub(pattern, at + strlen("{flow}"), pattern.n));
    gr_quote_yaml(b, gr_buf_str(&path));
    gr_buf_fini(&path);
}

static void
put_match(const struct deploy *d, struct gr_buf *b, struct gr_str flow)
{
    if (d->flow_path.n > 0) {
        gr_buf_puts(b, "      matches:\n        - path: {type: PathPrefix, value: ");
        put_path(b, d->flow_path, flow);
        gr_buf_puts(b, "}\n");
    } else {
        put_text(b, "      matches:\n        - headers: [{type: Exact, name: ", d->flow_header, "");
        put_text(b, ", value: ", flow, "}]\n");
    }
}

static void
put_rule(const struct deploy *d, struct gr_buf *b, const struct gr_str *flow, struct weights w, bool mirror)
{
    size_t start = b->n;

    if (flow)
        put_match(d, b, *flow);
    if (mirror) {
        put_text(b,
                 "      filters:\n        - type: RequestMirror\n          requestMirror:\n            "
                 "backendRef: {name: ",
                 d->canary_service, "");
        gr_buf_printf(b, ", port: %u}\n", (unsigned)d->port);
    }
    gr_buf_puts(b, "      backendRefs:\n");
    put_backend(d, b, d->control_service, w.control);
    put_backend(d, b, d->canary_service, w.canary);
    kube_item(b, start, 4);
}

static struct gr_dec
share_of(const struct phase *p, struct gr_str flow)
{
    for (size_t i = 0; p && i < p->n_traffic; i++)
        if (gr_str_eq(p->traffic[i].flow, flow) || p->traffic[i].flow.n == 0)
            return p->traffic[i].ratio;
    return GR_DEC(0, 0);
}

/* Requests of no flow: a route without a rule for them answers 404. They stay with control until the canary has everything. */
static void
put_rest(const struct model *m, struct gr_buf *b, const struct phase *p)
{
    bool all = p && p->n_traffic > 0;

    for (size_t i = 0; all && i < m->flows.n; i++)
        all = gr_dec_cmp(share_of(p, m->flows.v[i]), GR_DEC(1, 0)) == 0;
    gr_buf_puts(b, "    # Whatever belongs to no flow.\n");
    put_rule(&m->deploy, b, NULL, all ? (struct weights){0, 100} : (struct weights){100, 0}, false);
}

static void
put_spec(const struct model *m, struct gr_buf *b, const struct phase *p)
{
    const struct deploy *d = &m->deploy;
    bool mirror = p && p->shadow && d->shadow == SHADOW_MIRROR;

    put_text(b, "spec:\n  parentRefs:\n    - {name: ", d->gateway, "");
    if (d->gateway_namespace.n > 0)
        put_text(b, ", namespace: ", d->gateway_namespace, "");
    gr_buf_puts(b, "}\n");
    if (d->hostnames.n > 0)
        gr_buf_puts(b, "  hostnames:\n");
    for (size_t i = 0; i < d->hostnames.n; i++)
        put_text(b, "    - ", d->hostnames.v[i], "\n");
    gr_buf_puts(b, "  rules:\n");
    for (size_t i = 0; i < m->flows.n; i++)
        put_rule(d, b, &m->flows.v[i], route_weights(share_of(p, m->flows.v[i])), mirror);
    if (m->flows.n == 0)
        put_rule(d, b, NULL, route_weights(share_of(p, GR_STR_NONE)), mirror);
    else
        put_rest(m, b, p);
}

/* p == NULL: no canary at all. */
static enum gr_err
emit_route(const struct model *m, struct tree *t, const struct phase *p)
{
    struct kube_object object = {.api = "gateway.networking.k8s.io/v1",
                                 .kind = "HTTPRoute",
                                 .name = GR_STR("canary"),
                                 .namespace = m->deploy.namespace,
                                 .annotation = {GR_STR("guardrail/phase"), p ? p->name : GR_STR("none")}};
    struct gr_buf path = GR_BUF_INIT(PATH_BYTES_MAX), b = GR_BUF_INIT(KUBE_FILE_MAX);
    enum gr_err err;

    gr_buf_printf(&path, "deploy/traffic_splitter/" GR_FMT ".yaml",
                  GR_ARG(p ? p->name : GR_STR("_baseline")));
    kube_head(m, &object, &b);
    put_spec(m, &b, p);
    if ((err = gr_buf_err(&path)) == GR_OK)
        err = tree_add(t, gr_buf_str(&path), &b);
    gr_buf_fini(&path);
    gr_buf_fini(&b);
    return err;
}

enum gr_err
emit_deploy(const struct model *m, struct tree *t)
{
    enum gr_err err = GR_OK;

    if (m->deploy.given)
        err = emit_route(m, t, NULL);
    for (size_t i = 0; err == GR_OK && m->deploy.given && i < m->n_phases; i++)
        err = emit_route(m, t, &m->phases[i]);
    if (err == GR_OK && m->deploy.argo_rollouts)
        err = emit_argo(m, t);
    if (err == GR_OK)
        err = emit_tracing(m, t);
    return err == GR_OK ? emit_logs(m, t) : err;
}
