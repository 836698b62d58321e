/* vmalert/rules.yml: the rules for vmalert 1.79 and later, which has no `keep_firing_for` (that came in 1.9x, and 1.79 refuses files with
 * it).
 *
 * vmalert writes what a rule records behind the evaluation of the next, so a rule that reads another's series sees the evaluation before: a
 * verdict, which is made in a dozen steps, would come a dozen sampling intervals late. Only slots have to be recorded once in each; all else is a
 * function of them. So slots stay in a group with the sampling interval, and the other rules are evaluated once a scrape interval.
 *
 * "Keep firing for D" becomes `(E) or last_over_time((E)[D:S])`: the alert is there while its expression was at some time within D. S is
 * the scrape interval, so that no evaluation within D is missed. */
#include "config.h"
#include "emit_vmalert.h"

#include "backend.h"
#include "guardrail/duration.h"
#include "lower.h"

static void
keep_firing_by_expression(const struct model *m, struct gr_rule *r)
{
    struct gr_buf b = GR_BUF_INIT(2 * LOWER_EXPR_BYTES_MAX + 1000);

    if (r->keep_firing_for_ms == 0)
        return;
    gr_buf_printf(&b, "(" GR_FMT ")\nor last_over_time((" GR_FMT ")[", GR_ARG(r->expr), GR_ARG(r->expr));
    gr_duration_print(&b, r->keep_firing_for_ms);
    gr_buf_putc(&b, ':');
    gr_duration_print(&b, model_ms(m, m->scrape_ms));
    gr_buf_puts(&b, "])");
    r->keep_firing_for_ms = 0;
    r->expr = gr_buf_err(&b) == GR_OK ? gr_arena_dup(m->arena, gr_buf_str(&b)) : GR_STR_NONE;
    gr_buf_fini(&b);
}

static bool
is_slot(const struct gr_rule *r)
{
    return gr_str_starts(r->name, GR_STR("guardrail:slot:"));
}

/* Moves all rules of the first group that record no slot into a group of their own, behind it. */
static enum gr_err
hurry(const struct model *m, struct gr_rulefile *f)
{
    struct gr_rule_group *slots = f->groups[0], *rest;
    size_t n = 0;

    rest = gr_rulefile_group(f, gr_arena_printf(m->arena, GR_FMT "-verdict", GR_ARG(m->spec)),
                             model_ms(m, m->scrape_ms));
    if (!rest || !(rest->rules = gr_arena_array(m->arena, slots->count, sizeof(struct gr_rule *))))
        return GR_ENOMEM;
    rest->cap = slots->count;
    for (size_t i = 0; i < slots->count; i++)
        if (is_slot(slots->rules[i]))
            slots->rules[n++] = slots->rules[i];
        else
            rest->rules[rest->count++] = slots->rules[i];
    slots->count = n;
    return GR_OK;
}

static enum gr_err
adapt(const struct model *m, struct gr_rulefile *f)
{
    enum gr_err err = hurry(m, f);

    for (size_t g = 0; err == GR_OK && g < f->count; g++)
        for (size_t i = 0; err == GR_OK && i < f->groups[g]->count; i++) {
            keep_firing_by_expression(m, f->groups[g]->rules[i]);
            if (f->groups[g]->rules[i]->expr.n == 0)
                err = GR_ENOMEM;
        }
    return err;
}

enum gr_err
emit_vmalert_rules(const struct model *m, struct tree *t)
{
    struct gr_rulefile *f = NULL;
    struct gr_buf header = GR_BUF_INIT(4096), b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err = rules_lower(m, &f);

    if (err == GR_OK)
        err = adapt(m, f);
    if (err == GR_OK) {
        backend_header(m, &header);
        gr_buf_puts(&header, "\nFor vmalert 1.79 and later.");
        gr_rulefile_write(&b, f, gr_str_sub(gr_buf_str(&header), 2, header.n));
        if ((err = gr_buf_err(&header)) == GR_OK)
            err = tree_add(t, GR_STR("vmalert/rules.yml"), &b);
    }
    gr_buf_fini(&header);
    gr_buf_fini(&b);
    return err;
}

void
check_vmalert(const struct model *m, const struct tree *t, struct gr_diags *d)
{
    struct gr_buf interval = GR_BUF_INIT(100);

    gr_duration_print(&interval, model_ms(m, m->scrape_ms));
    if (tree_get(t, GR_STR("vmalert/rules.yml")).p)
        gr_diag(d, GR0715, GR_SPAN_NONE,
                GR_STR("use it to observe; let Prometheus or Mimir evaluate what rolls back"),
                "vmalert shows a rule what others recorded one evaluation ago: a verdict, made in a dozen "
                "steps of %s, comes later "
                "than in Prometheus",
                gr_buf_cstr(&interval));
    gr_buf_fini(&interval);
}
