/* mimir/: what `mimirtool rules` and `mimirtool alertmanager` load.
 *
 *     rules.yaml          the rule groups below a `namespace`, which is the spec's name (promtool refuses that key)
 *     alertmanager.yaml   Alertmanager's configuration with ${VARIABLES} in place of secrets: Mimir refuses files of secrets
 */
#include "config.h"
#include "emit_mimir.h"

#include "backend.h"
#include "check_secrets.h"
#include "guardrail/quote.h"
#include "outnames.h"
#include "routes.h"

/* -ruler.max-rules-per-rule-group as Mimir comes. */
#define DEFAULT_RULES_PER_GROUP 20u

static size_t
largest_group(const struct gr_rulefile *f)
{
    size_t n = 0;

    for (size_t g = 0; g < f->count; g++)
        n = f->groups[g]->count > n ? f->groups[g]->count : n;
    return n;
}

enum gr_err
emit_mimir_rules(const struct model *m, struct tree *t)
{
    struct gr_rulefile *f = NULL;
    struct gr_buf text = GR_BUF_INIT(TREE_FILE_BYTES_MAX), b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err = rules_lower(m, &f);

    if (err == GR_OK) {
        gr_rulefile_write(&text, f, GR_STR_NONE);
        backend_header(m, &b);
        gr_buf_printf(&b,
                      "\n# For `mimirtool rules load` or `sync`. A group has up to %zu rules, and one must "
                      "not be split: the tenant needs\n"
                      "# ruler_max_rules_per_rule_group: %zu or more (Mimir's default is %u).\n"
                      "namespace: ",
                      largest_group(f), largest_group(f), DEFAULT_RULES_PER_GROUP);
        gr_quote_yaml(&b, m->spec);
        gr_buf_putc(&b, '\n');
        gr_buf_put(&b, gr_buf_str(&text));
        if ((err = gr_buf_err(&text)) == GR_OK)
            err = tree_add(t, GR_STR("mimir/rules.yaml"), &b);
    }
    gr_buf_fini(&text);
    gr_buf_fini(&b);
    return err;
}

static struct gr_str
secret_of(const struct action *a)
{
    if (a->kind == ACTION_PAGERDUTY)
        return outname_setting(a, "routing_key_file");
    return outname_setting(a, "webhook_url_file").n > 0 ? outname_setting(a, "webhook_url_file")
                                                        : outname_setting(a, "token_file");
}

/* "${A} ${B}", for envsubst, which would otherwise replace every variable that it meets. */
static void
put_variables(const struct model *m, struct gr_buf *b)
{
    struct gr_str files[3] = {m->webhook_token_file, GR_STR_NONE, GR_STR_NONE};
    struct routes *r = NULL;
    bool any = false;

    if (routes_build(m, &r) == GR_OK)
        for (size_t i = 0; i < r->n_receivers; i++)
            if (r->receivers[i].pager)
                files[1] = secret_of(r->receivers[i].pager);
    for (size_t i = 0; i < GR_COUNT(files); i++)
        if (files[i].n > 0) {
            gr_buf_puts(b, any ? " ${" : "${");
            outname_variable(b, files[i]);
            gr_buf_putc(b, '}');
            any = true;
        }
}

enum gr_err
emit_mimir_alertmanager(const struct model *m, struct tree *t)
{
    struct gr_buf b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err;

    backend_header(m, &b);
    gr_buf_puts(&b, "\n# Mimir reads no files of secrets. With each secret in the variable that stands for "
                    "it:\n#   envsubst '");
    put_variables(m, &b);
    gr_buf_puts(&b, "' <alertmanager.yaml >filled.yaml && mimirtool alertmanager load filled.yaml\n");
    if ((err = alertmanager_print(m, SECRETS_IN_VARIABLES, &b)) == GR_OK)
        err = tree_add(t, GR_STR("mimir/alertmanager.yaml"), &b);
    gr_buf_fini(&b);
    return err;
}

void
check_mimir(const struct model *m, const struct tree *t, struct gr_diags *d)
{
    (void)t;
    check_secrets(m, "one variable", outname_variable, d);
}
