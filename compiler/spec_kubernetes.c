/* spec_kubernetes.c - where the output runs: kubernetes, deploy. Everything has a default; what is written must be what Kubernetes takes,
 * because its own complaint would come when the object is applied. */
#include "config.h"
#include "spec_parts.h"

#define LABEL_BYTES_MAX 63u /* RFC 1123 labels, and label values */
#define NAME_BYTES_MAX 253u /* names of most objects, and prefixes of label keys */

/* ---- the shapes of Kubernetes' names ---- */

static bool
is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_alnum(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* Begins and ends with a letter or digit, in between also `more`. */
static bool
is_made_of(struct gr_str s, size_t max, bool (*is_letter)(char), const char *more)
{
    if (s.n == 0 || s.n > max || !is_letter(s.p[0]) || !is_letter(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && (s.p[i] == '\0' || !strchr(more, s.p[i])))
            return false;
    return true;
}

static bool
is_namespace(struct gr_str s)
{
    return is_made_of(s, LABEL_BYTES_MAX, is_lower, "-");
}

static bool
is_object(struct gr_str s)
{
    return is_made_of(s, NAME_BYTES_MAX, is_lower, "-.");
}

/* A Service's name is a label of DNS that begins with a letter. */
static bool
is_service(struct gr_str s)
{
    return is_namespace(s) && !(s.p[0] >= '0' && s.p[0] <= '9');
}

static bool
is_host(struct gr_str s)
{
    return is_object(gr_str_starts(s, GR_STR("*.")) ? gr_str_sub(s, 2, s.n) : s);
}

static bool
is_label_value(struct gr_str s)
{
    return is_made_of(s, LABEL_BYTES_MAX, is_alnum, "-_.");
}

/* [prefix/]name */
static bool
is_label_key(struct gr_str s)
{
    size_t slash = gr_str_find(s, GR_STR("/"), 0);

    if (slash != SIZE_MAX && !is_object(gr_str_sub(s, 0, slash)))
        return false;
    return is_label_value(slash == SIZE_MAX ? s : gr_str_sub(s, slash + 1, s.n));
}

static bool
is_header(struct gr_str s)
{
    return is_made_of(s, NAME_BYTES_MAX, is_alnum, "-_");
}

static bool
is_path(struct gr_str s)
{
    size_t flow = gr_str_find(s, GR_STR("{flow}"), 0);

    if (s.n == 0 || s.p[0] != '/' || s.n > 1024 || flow == SIZE_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
            ((s.p[i] == '{' || s.p[i] == '}') && i != flow && i != flow + 5))
            return false;
    return gr_str_find(s, GR_STR("//"), 0) == SIZE_MAX;
}

/* ---- reading ---- */

static const char object_help[] = "use lower-case letters, digits, '-' and '.'";

/* The text of a key, or `absent`; reports one that has not the shape and gives `absent` for it. */
static struct gr_str
read_shaped(struct spec *s, const struct gr_node *map, const char *key, bool (*fits)(struct gr_str),
            const char *help, struct gr_str absent)
{
    const struct gr_node *node = spec_get(s, map, key);

    if (!node || fits(node->text))
        return node ? node->text : absent;
    gr_diag(s->d, GR0104, node->span, gr_str(help), "\"" GR_FMT "\" does not do as %s", GR_ARG(node->text),
            key);
    return absent;
}

static bool
check_label(struct spec *s, const struct gr_node *entry)
{
    if (!is_label_key(entry->key))
        gr_diag(s->d, GR0104, entry->key_span,
                GR_STR("write [prefix/]name, of letters, digits, '-', '_' and '.'"),
                "\"" GR_FMT "\" is no label of Kubernetes", GR_ARG(entry->key));
    else if (!is_label_value(entry->text))
        gr_diag(s->d, GR0104, entry->span, GR_STR("use up to 63 letters, digits, '-', '_' and '.'"),
                "\"" GR_FMT "\" is no value of a label of Kubernetes", GR_ARG(entry->text));
    else
        return true;
    return false;
}

/* `absent` (of one label; an empty key: none) where the key is not written. */
static struct pairs
read_labels(struct spec *s, const struct gr_node *section, const char *key, struct pair absent)
{
    const struct gr_node *map = spec_get(s, section, key);
    struct pairs out = {gr_arena_array(s->a, (map ? map->count : 0) + 1, sizeof *out.v), 0};

    if (!out.v)
        return out;
    if (!spec_has(section, key) && absent.key.n > 0)
        out.v[out.n++] = absent;
    if (!map)
        return out;
    gr_node_each (entry, map)
        if (!spec_poisoned(s, entry) && check_label(s, entry))
            out.v[out.n++] = (struct pair){entry->key, entry->text};
    pairs_sort(&out);
    return out;
}

/* "<a>-<b>" as a name of Kubernetes: '_' is none of its letters. */
static struct gr_str
derived(struct spec *s, struct gr_str a, struct gr_str b)
{
    struct gr_str joined =
        gr_arena_printf(s->a, GR_FMT "%s" GR_FMT, GR_ARG(a), b.n > 0 ? "-" : "", GR_ARG(b));
    char *text = joined.n > 0 ? gr_arena_alloc(s->a, joined.n) : NULL;
    size_t n = joined.n < LABEL_BYTES_MAX ? joined.n : LABEL_BYTES_MAX;

    if (!text)
        return GR_STR_NONE;
    for (size_t i = 0; i < n; i++)
        text[i] = is_lower(joined.p[i])                      ? joined.p[i]
                  : joined.p[i] >= 'A' && joined.p[i] <= 'Z' ? (char)(joined.p[i] - 'A' + 'a')
                                                             : '-';
    while (n > 0 && text[n - 1] == '-')
        n--;
    return (struct gr_str){text, n};
}

void
read_kubernetes(struct spec *s)
{
    static const struct pair none = {GR_STR_INIT(""), GR_STR_INIT("")},
                             release = {GR_STR_INIT("release"), GR_STR_INIT("prometheus")},
                             sidecar = {GR_STR_INIT("grafana_dashboard"), GR_STR_INIT("1")};
    const struct gr_node *node = spec_get(s, s->root, "kubernetes");
    struct kubernetes *k = &s->m->kubernetes;

    k->span = node ? node->key_span : GR_SPAN_NONE;
    k->namespace = read_shaped(s, node, "namespace", is_namespace, "use lower-case letters, digits and '-'",
                               GR_STR("monitoring"));
    k->labels = read_labels(s, node, "labels", none);
    k->rule_selector = read_labels(s, node, "rule_selector", release);
    k->alertmanager_selector = read_labels(s, node, "alertmanager_selector", none);
    k->dashboard_selector = read_labels(s, node, "dashboard_selector", sidecar);
    k->folder_annotation = read_shaped(s, node, "folder_annotation", is_label_key,
                                       "use letters, digits, '-', '_' and '.'", GR_STR("grafana_folder"));
    k->secret =
        read_shaped(s, node, "secret", is_object, object_help, derived(s, GR_STR("guardrail"), s->m->spec));
    k->namespace_matcher = spec_bool(s, node, "namespace_matcher", true);
}

static void
read_hostnames(struct spec *s, const struct gr_node *map, struct deploy *out)
{
    const struct gr_node *list = spec_get(s, map, "hostnames");

    gr_node_each (item, list)
        if (!spec_poisoned(s, item) && !is_host(item->text)) {
            gr_diag(s->d, GR0104, item->span, GR_STR("write orders.example.com or *.example.com"),
                    "\"" GR_FMT "\" is no host name", GR_ARG(item->text));
            spec_poison(s, item);
        }
    out->hostnames = spec_node_texts(s, list);
}

static void
read_flow_match(struct spec *s, const struct gr_node *map, struct deploy *out)
{
    static const char *const keys[] = {"flow_header", "flow_path"};

    for (size_t i = 0; i < GR_COUNT(keys); i++) {
        const struct gr_node *entry = spec_get(s, map, keys[i]);

        if (entry && s->m->flow_label.n == 0 && s->flows_ok)
            gr_diag(s->d, GR0107, entry->key_span, GR_STR("remove it, or declare `flows:`"),
                    "there are no flows to tell apart");
    }
    out->flow_path = read_shaped(s, map, "flow_path", is_path,
                                 "write an absolute path with {flow} in it, as /orders/{flow}", GR_STR_NONE);
    if (out->flow_path.n == 0 && s->m->flow_label.n > 0)
        out->flow_header = read_shaped(s, map, "flow_header", is_header, "use letters, digits and '-'",
                                       derived(s, GR_STR("x"), s->m->flow_label));
}

/* Weights are whole numbers: a share finer than their range cannot be routed. */
static void
check_shares(struct spec *s)
{
    const struct model *m = s->m;

    for (size_t i = 0; i < m->n_phases; i++)
        for (size_t k = 0; k < m->phases[i].n_traffic; k++)
            if (m->phases[i].traffic[k].ratio.exp < -WEIGHT_DIGITS_MAX)
                gr_diag(s->d, GR0209, m->phases[i].span,
                        GR_STR("give the share at most four decimals of a percent"),
                        GR_FMT " is too fine for a route's weights, which are whole numbers up to 1,000,000",
                        GR_ARG(m->phases[i].traffic[k].text));
}

static void
read_argo(struct spec *s, const struct gr_node *node, struct deploy *out)
{
    out->argo_rollouts = spec_bool(s, node, "argo_rollouts", false);
    out->prometheus_url = spec_has(node, "prometheus_url")
                              ? spec_text(s, node, "prometheus_url")
                              : gr_arena_printf(s->a, "http://prometheus-operated." GR_FMT ".svc:9090",
                                                GR_ARG(s->m->kubernetes.namespace));
    out->guardraild_url =
        spec_has(node, "guardraild_url") ? spec_text(s, node, "guardraild_url") : s->m->webhook_url;
    out->token_secret = read_shaped(s, node, "token_secret", is_object, object_help, GR_STR_NONE);
}

void
read_deploy(struct spec *s)
{
    static const char *const shadows[] = {"none", "mirror", NULL};
    static const char service_help[] = "begin with a letter; use lower-case letters, digits and '-'";
    const struct gr_node *node = spec_get(s, s->root, "deploy");
    const struct model *m = s->m;
    struct deploy *out = &s->m->deploy;
    int shadow = spec_choice(s, node, "shadow", shadows, SHADOW_NONE);

    if (!node)
        return;
    out->given = true;
    out->span = node->key_span;
    out->namespace = read_shaped(s, node, "namespace", is_namespace, object_help, GR_STR_NONE);
    out->canary_service =
        read_shaped(s, node, "canary_service", is_service, service_help, derived(s, m->spec, m->canary));
    out->control_service =
        read_shaped(s, node, "control_service", is_service, service_help, derived(s, m->spec, m->control));
    if (gr_str_eq(out->canary_service, out->control_service))
        gr_diag(s->d, GR0106, out->span, GR_STR("give each cohort a Service of its own"),
                "canary and control have the same Service \"" GR_FMT "\"", GR_ARG(out->canary_service));
    out->port = spec_count(s, node, "port", 80);
    out->gateway = read_shaped(s, node, "gateway", is_object, object_help, derived(s, m->spec, GR_STR_NONE));
    out->gateway_namespace =
        read_shaped(s, node, "gateway_namespace", is_namespace, object_help, GR_STR_NONE);
    out->shadow = shadow < 0 ? SHADOW_NONE : (enum shadow_traffic)shadow;
    read_hostnames(s, node, out);
    read_flow_match(s, node, out);
    read_argo(s, node, out);
    check_shares(s);
}
