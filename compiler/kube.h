/* kube.h - what the back ends that write Kubernetes objects share: names, heads of objects, texts inside them.
 *
 * Every object carries app.kubernetes.io/managed-by and part-of, the labels of the spec's section `kubernetes`, and its provenance as
 * annotations (compiler, hash of the spec; never a time, a host or a path, so that the same spec gives the same bytes). */
#ifndef GUARDRAIL_COMPILER_KUBE_H
#define GUARDRAIL_COMPILER_KUBE_H
#include "model.h"
#include "tree.h"

#define KUBE_FILE_MAX (16u << 20)
#define KUBE_OBJECT_MAX                                                                                      \
    (1u << 20) /* etcd takes requests of 1.5 MiB; objects larger than 1 MiB are refused at the latest there */
#define KUBE_RULES_MAX (512u << 10) /* prometheus-operator refuses a PrometheusRule above half a MiB */
#define KUBE_NAME_MAX 63u

struct kube_object {
    const char *api, *kind;
    struct gr_str name;         /* as the spec has it; kube_name is applied */
    struct gr_str namespace;    /* empty: none */
    const struct pairs *labels; /* further ones; may be NULL */
    struct pair annotation;     /* a further one; empty key: none */
};
/* Appends "<spec>-<what>", or "guardrail-<spec>" when `what` is empty, as a name of Kubernetes: '_' becomes '-', a longer name is cut and
 * gets 8 hex digits of its hash. Two names may become one (a_b, a-b): check_operator() reports it. */
void kube_name(const struct model *m, struct gr_str what, struct gr_buf *b);
/* The comment line of backend_header(), then apiVersion, kind and metadata. `what`: of kube_name(). */
void kube_head(const struct model *m, const struct kube_object *o, struct gr_buf *b);
/* Appends text with every line that is not empty indented by n blanks: block YAML stays what it is. */
void kube_indent(struct gr_buf *b, struct gr_str text, unsigned n);
/* Appends `  key: |` and JSON below it. Characters that YAML does not allow (which JSON has only inside strings) become \uXXXX. */
void kube_json(struct gr_buf *b, struct gr_str key, struct gr_str json);
/* A duration as Go reads it, whose largest unit is the hour: "72h", "4m", "1500ms". */
void kube_duration(struct gr_buf *b, int64_t ms);
/* Makes what was appended since `start`, lines of a mapping behind n + 2 blanks, an item of a list: "- " in the first line. */
void kube_item(struct gr_buf *b, size_t start, unsigned n);
#endif
