/* lint_alert.c - checks of what an alert says: its templates, its annotations, whether it has a condition. */
#include "config.h"
#include "lint.h"

#include "promql_tree.h"
#include "template.h"

/* ---- templates ---- */

struct template_check {
    struct lint_check *c;
    const struct gr_node *value;
    uint32_t *map; /* where each byte of the value stands; NULL: not known */
};

/* Bytes of the decoded value as a place in the file. */
static struct gr_span
place(const struct template_check *t, size_t start, size_t end)
{
    struct gr_span s = t->value->span;
    size_t n = t->value->text.n;

    if (!t->map || n == 0)
        return s;
    start = start < n ? start : n - 1;
    end = end > n ? n : end;
    return (struct gr_span){s.file, s.start + t->map[start],
                            end > start ? s.start + t->map[end - 1] + 1 : s.start + t->map[start] + 1};
}

static void
label_used(struct gr_str label, size_t start, size_t end, void *ctx)
{
    const struct template_check *t = ctx;
    const struct gr_promql_labels *result = lint_result(t->c);

    if (!result || result->empty || gr_promql_labels_get(result, label) != GR_PROMQL_ABSENT)
        return;
    lint_report(t->c->lint, GR0510, place(t, start, end),
                GR_STR("keep the label in the expression (by, on, group_left), or remove it here"),
                "the result of the expression has no label \"" GR_FMT "\"", GR_ARG(gr_str_sub(label, 0, 60)));
}

static void
check_template(struct lint_check *c, const struct gr_node *value)
{
    struct template_check t = {.c = c, .value = value};
    struct template_error error;
    struct gr_str raw;
    enum gr_err err;

    if (value->kind != GR_NODE_SCALAR || gr_str_find(value->text, GR_STR("{{"), 0) == SIZE_MAX)
        return;
    raw = gr_str_sub(gr_sources_get(c->lint->sources, value->span.file)->text, value->span.start,
                     value->span.end);
    if (!promql_align(c->scratch, value->text, raw, &t.map))
        t.map = NULL;
    err = template_check(c->scratch, value->text, label_used, &t, &error);
    if (err == GR_ESYNTAX)
        gr_diag(c->lint->diags, GR0501, place(&t, error.start, error.end), GR_STR_NONE, GR_FMT,
                GR_ARG(error.why));
    else if (err != GR_OK)
        c->err = err;
}

void
lint_templates(struct lint_check *c)
{
    const struct lint_rule *r = c->rule;

    if (r->kind != GR_RULE_ALERT || r->name.n == 0)
        return;
    for (size_t i = 0; i < r->labels.count; i++)
        check_template(c, r->labels.items[i].value);
    for (size_t i = 0; i < r->annotations.count; i++)
        check_template(c, r->annotations.items[i].value);
}

/* ---- annotations ---- */

void
lint_annotations(struct lint_check *c)
{
    const struct lint_rule *r = c->rule;
    const struct gr_lint_options *o = &c->lint->options;

    if (r->kind != GR_RULE_ALERT || r->name.n == 0)
        return;
    for (size_t i = 0; i < o->annotation_count; i++) {
        size_t k = 0;

        while (k < r->annotations.count && !gr_str_eq(r->annotations.items[k].key, o->annotations[i]))
            k++;
        if (k == r->annotations.count)
            lint_report(c->lint, GR0527, r->name_span, GR_STR_NONE, "the alert has no annotation " GR_FMT,
                        GR_ARG(o->annotations[i]));
    }
}

/* ---- condition ---- */

static bool
sees_selector(struct gr_promql *e, void *ctx)
{
    (void)e;
    *(bool *)ctx = true;
    return false;
}

/* vector(1), the dead man's switch, fires always and is meant to. */
void
lint_comparison(struct lint_check *c)
{
    bool reads = false;

    if (!c->expr || c->rule->kind != GR_RULE_ALERT || lint_filters(c->expr))
        return;
    gr_promql_selectors(c->expr, sees_selector, &reads);
    if (reads)
        lint_report(c->lint, GR0511, c->expr->where, GR_STR("compare with a threshold: > 0, == 0"),
                    "the alert fires for every series that the expression finds, whatever its value");
}
