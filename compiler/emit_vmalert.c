/* vmalert/rules.yml: the rules for vmalert 1.79 and later, which has no `keep_firing_for` (that came in 1.9x, and 1.79 refuses files with
 * it).
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

enum gr_err
emit_vmalert_rules(const struct model *m, struct tree *t)
{
    struct gr_rulefile *f = NULL;
    struct gr_buf header = GR_BUF_INIT(4096), b = GR_BUF_INIT(TREE_FILE_BYTES_MAX);
    enum gr_err err = rules_lower(m, &f);

    for (size_t g = 0; err == GR_OK && g < f->count; g++)
        for (size_t i = 0; err == GR_OK && i < f->groups[g]->count; i++) {
            keep_firing_by_expression(m, f->groups[g]->rules[i]);
            if (f->groups[g]->rules[i]->expr.n == 0)
                err = GR_ENOMEM;
        }
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
    (void)m;
    if (tree_get(t, GR_STR("vmalert/rules.yml")).p)
        gr_diag(d, GR0715, GR_SPAN_NONE,
                GR_STR("use it to observe; let Prometheus or Mimir evaluate what rolls back"),
                "vmalert writes what a rule records after the next rule is evaluated: each of a verdict's "
                "steps comes one evaluation "
                "later than in Prometheus");
}
