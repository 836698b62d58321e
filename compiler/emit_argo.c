/* deploy/argo_rollouts.yaml: AnalysisTemplates for Argo Rollouts that take guardrail's verdicts.
 *
 * What Argo makes of a measurement (analysis.go, assessMetricFailureInconclusiveOrError): neither condition true is Inconclusive, and one
 * of these more than inconclusiveLimit (0) pauses the rollout; more errors in a row than consecutiveErrorLimit abort it, and result[0] of an
 * empty result is an error. So both conditions stand in every metric and ask len(result) first, and an unreachable server is asked again
 * for ever: no data pauses or waits, and never aborts. */
#include "config.h"
#include "emit_deploy.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "kube.h"

#define ERRORS_FOR_EVER "2147483647"

/* spec="…",cluster="{{args.cluster}}",deployment_id="{{args.deployment-id}}" */
static void
put_matchers(const struct model *m, struct gr_buf *b)
{
    gr_buf_puts(b, GR_LABEL_SPEC "=");
    gr_quote_promql(b, m->spec);
    for (size_t i = 0; i < m->release_labels.n; i++)
        gr_buf_printf(b, "," GR_FMT "=\"{{args." GR_FMT "}}\"", GR_ARG(m->release_labels.v[i]),
                      GR_ARG(m->release_labels.v[i]));
    gr_buf_puts(b, "," GR_LABEL_DEPLOYMENT "=\"{{args." GR_LABEL_DEPLOYMENT "}}\"");
}

/* The worst verdict; a guardrail that has none counts as insufficient (guardrail:expected is 1). */
static void
put_worst(const struct model *m, struct gr_buf *b)
{
    gr_buf_puts(b, "            max(\n              guardrail:verdict{");
    put_matchers(m, b);
    gr_buf_puts(b, "}\n              or (guardrail:expected{");
    put_matchers(m, b);
    gr_buf_puts(b, "}\n                  unless ");
    for (size_t i = 0; i < m->n_dynamic; i++)
        gr_buf_printf(b, "%s" GR_FMT "%s", i == 0 ? "ignoring (" : ", ", GR_ARG(m->dynamic[i].label),
                      i + 1 == m->n_dynamic ? ") " : "");
    gr_buf_puts(b, "guardrail:verdict{");
    put_matchers(m, b);
    gr_buf_puts(b, "}))\n");
}

static void
put_args(const struct model *m, struct gr_buf *b, bool stream, bool token)
{
    gr_buf_puts(b, "spec:\n  args:\n");
    for (size_t i = 0; stream && i < m->release_labels.n; i++)
        gr_buf_printf(b, "    - name: " GR_FMT "\n", GR_ARG(m->release_labels.v[i]));
    gr_buf_puts(b, "    - name: " GR_LABEL_DEPLOYMENT "\n");
    if (!token)
        return;
    gr_buf_puts(b, "    - name: token\n      valueFrom:\n        secretKeyRef: {name: ");
    gr_quote_yaml(b, m->deploy.token_secret);
    gr_buf_puts(b, ", key: token}\n");
}

static void
put_metric(struct gr_buf *b, const char *name, const char *success, const char *failure)
{
    gr_buf_printf(b,
                  "  metrics:\n    - name: %s\n      successCondition: %s\n      failureCondition: %s\n"
                  "      inconclusiveLimit: 0\n      consecutiveErrorLimit: " ERRORS_FOR_EVER "\n",
                  name, success, failure);
}

static void
put_head(const struct model *m, struct gr_buf *b, const char *what, const char *comment)
{
    struct kube_object object = {.api = "argoproj.io/v1alpha1",
                                 .kind = "AnalysisTemplate",
                                 .name = gr_str(what),
                                 .namespace = m->deploy.namespace};

    gr_buf_puts(b, b->n > 0 ? "---\n" : "");
    gr_buf_puts(b, comment);
    kube_head(m, &object, b);
}

static void
put_prometheus(const struct model *m, struct gr_buf *b)
{
    gr_buf_puts(b, "      provider:\n        prometheus:\n          address: ");
    gr_quote_yaml(b, m->deploy.prometheus_url);
    gr_buf_puts(b, "\n          query: |\n");
    put_worst(m, b);
}

static void
put_web(const struct model *m, struct gr_buf *b)
{
    struct gr_buf url = GR_BUF_INIT(KUBE_FILE_MAX);
    struct gr_str base = m->deploy.guardraild_url;

    while (gr_str_ends(base, GR_STR("/")))
        base.n--;
    gr_buf_printf(&url, GR_FMT "/v1/releases/{{args." GR_LABEL_DEPLOYMENT "}}/gate", GR_ARG(base));
    gr_buf_puts(b, "      provider:\n        web:\n          url: ");
    gr_quote_yaml(b, gr_buf_str(&url));
    gr_buf_puts(b, "\n          timeoutSeconds: 20\n          jsonPath: \"{$.promote}\"\n");
    if (m->deploy.token_secret.n > 0)
        gr_buf_puts(b, "          headers:\n            - key: Authorization\n              value: Bearer "
                       "{{args.token}}\n");
    gr_buf_fini(&url);
}

/* A rollout that begins before guardraild exports its phase would pause at once. */
static void
put_rhythm(const struct model *m, struct gr_buf *b)
{
    gr_buf_puts(b, "      initialDelay: ");
    kube_duration(b, model_ms(m, 2 * m->sampling_ms));
    gr_buf_puts(b, "\n      interval: ");
    kube_duration(b, model_ms(m, m->sampling_ms));
    gr_buf_putc(b, '\n');
}

enum gr_err
emit_argo(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(KUBE_FILE_MAX);
    enum gr_err err;

    put_head(m, &b, "watch",
             "# In the background of a rollout (strategy.canary.analysis): a hard breach aborts it, a soft "
             "one or no data at all pauses it.\n");
    put_args(m, &b, true, false);
    put_metric(&b, "no-breach", "len(result) > 0 && result[0] < 2", "len(result) > 0 && result[0] == 3");
    put_rhythm(m, &b);
    put_prometheus(m, &b);
    put_head(m, &b, "proof",
             "# A step behind a pause of the phase's minimum duration: goes on if every guardrail is "
             "healthy, aborts on a hard breach, pauses otherwise.\n");
    put_args(m, &b, true, false);
    put_metric(&b, "all-healthy", "len(result) > 0 && result[0] == 0", "len(result) > 0 && result[0] == 3");
    gr_buf_puts(&b, "      count: 1\n");
    put_prometheus(m, &b);
    put_head(m, &b, "gate",
             "# The same step, but asking guardraild's gate, which also knows holds, reviews, checks and the "
             "schedule. It never aborts: guardraild rolls back.\n");
    put_args(m, &b, false, m->deploy.token_secret.n > 0);
    put_metric(&b, "gate-open", "result == true", "\"false\"");
    gr_buf_puts(&b, "      count: 1\n");
    put_web(m, &b);
    err = tree_add(t, GR_STR("deploy/argo_rollouts.yaml"), &b);
    gr_buf_fini(&b);
    return err;
}
