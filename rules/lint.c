/* lint.c - a run of the linter: files in, findings out. */
#include "config.h"
#include "lint.h"

#include "guardrail/buf.h"
#include "guardrail/sys.h"

/* Rules and what is known of them; 16 files of the largest size still fit. */
#define ARENA_BYTES_MAX ((size_t)8 << 30)
/* One expression of the largest size, its tree and what is inferred of it. */
#define SCRATCH_BYTES_MAX ((size_t)1 << 30)
/* A message quotes at most one name, which is at most as long as an expression or a scalar; gr_diag cuts it.
 * */
#define MESSAGE_BYTES_MAX ((size_t)8 << 20)

/* What other files use or provide is known only where all of them are given. */
bool
gr_lint_off(enum gr_code code)
{
    return code == GR0523 || code == GR0524;
}

void
gr_lint_defaults(struct gr_lint_options *o)
{
    *o = (struct gr_lint_options){.min_severity = GR_SEV_WARNING, .scrape_interval_ms = 15000};
    for (int code = 0; code < GR_CODE_COUNT; code++)
        o->off[code] = gr_lint_off((enum gr_code)code);
    o->annotations[o->annotation_count++] = GR_STR("summary");
    o->annotations[o->annotation_count++] = GR_STR("runbook_url");
}

enum gr_code
gr_lint_code(struct gr_str text)
{
    for (int code = 0; code < GR_CODE_COUNT; code++) {
        const struct gr_code_info *info = gr_code_info((enum gr_code)code);

        if (gr_str_is(text, info->code) || gr_str_is(text, info->name))
            return (enum gr_code)code;
    }
    return GR_CODE_COUNT;
}

struct gr_lint *
gr_lint_create(const struct gr_lint_options *options, const struct gr_sources *sources,
               struct gr_diags *diags)
{
    struct gr_lint *l = gr_sys.realloc(NULL, sizeof *l);

    if (!l)
        return NULL;
    *l = (struct gr_lint){.options = *options, .sources = sources, .diags = diags};
    if (!(l->arena = gr_arena_create(ARENA_BYTES_MAX))) {
        gr_lint_free(l);
        return NULL;
    }
    return l;
}

void
gr_lint_free(struct gr_lint *l)
{
    if (!l)
        return;
    lint_index_fini(l);
    gr_arena_free(l->arena);
    gr_sys.free(l);
}

size_t
gr_lint_rules(const struct gr_lint *l)
{
    return l->rule_count;
}

/* ---- reporting ---- */

bool
lint_wants(const struct gr_lint *l, enum gr_code code)
{
    enum gr_severity severity = gr_code_info(code)->severity;

    return severity == GR_SEV_ERROR ||
           (!l->options.off[code] && (severity >= l->options.min_severity || l->options.always[code]));
}

bool
lint_report(struct gr_lint *l, enum gr_code code, struct gr_span where, struct gr_str fix, const char *fmt,
            ...)
{
    struct gr_buf message = GR_BUF_INIT(MESSAGE_BYTES_MAX);
    va_list ap;

    if (!lint_wants(l, code) || lint_suppressed(l, code, where))
        return false;
    va_start(ap, fmt);
    gr_buf_vprintf(&message, fmt, ap);
    va_end(ap);
    l->no_memory = l->no_memory || gr_buf_err(&message) != GR_OK;
    gr_diag(l->diags, code, where, fix, "%s", gr_buf_cstr(&message));
    gr_buf_fini(&message);
    return true;
}

/* ---- one rule ---- */

const struct gr_promql_labels *
lint_result(struct lint_check *c)
{
    if (!c->expr || c->err != GR_OK)
        return NULL;
    if (!c->have_result)
        c->err = gr_promql_labels(c->scratch, c->expr, NULL, NULL, &c->result);
    c->have_result = c->err == GR_OK;
    return c->have_result ? &c->result : NULL;
}

static bool
note_read(struct gr_promql *e, void *ctx)
{
    struct lint_check *c = ctx;
    struct gr_str metric = gr_promql_metric(e);

    if (metric.n > 0 && c->err == GR_OK)
        c->err = lint_index_series(c->lint, metric, e->where, false);
    return c->err == GR_OK;
}

static bool
row_wanted(const struct gr_lint *l, const struct lint_row *row)
{
    for (int code = (int)row->first; code <= (int)row->last; code++)
        if (lint_wants(l, (enum gr_code)code))
            return true;
    return false;
}

static enum gr_err
check_rule(struct gr_lint *l, const struct lint_rule *rule)
{
    struct lint_check c = {.lint = l, .rule = rule, .scratch = gr_arena_create(SCRATCH_BYTES_MAX)};

    if (!c.scratch)
        return GR_ENOMEM;
    if (rule->expr.n > 0)
        c.err = gr_promql_parse(c.scratch, rule->expr, rule->expr_span, l->diags, &c.expr);
    if (c.err == GR_EUSER)
        c.err = GR_OK; /* said; the rest can be checked */
    if (c.expr)
        gr_promql_selectors(c.expr, note_read, &c);
    if (rule->name.n > 0 && c.err == GR_OK && rule->kind == GR_RULE_RECORD)
        c.err = lint_index_series(l, rule->name, rule->name_span, true);
    if (rule->name.n > 0 && c.err == GR_OK)
        c.err = lint_index_rule(l, rule);
    for (size_t i = 0; i < lint_row_count && c.err == GR_OK; i++)
        if (row_wanted(l, &lint_rows[i]))
            lint_rows[i].run(&c);
    if (gr_arena_status(c.scratch) != GR_OK)
        c.err = GR_ENOMEM; /* places, too, need memory */
    gr_arena_free(c.scratch);
    return l->no_memory ? GR_ENOMEM : c.err;
}

/* ---- files ---- */

/* The tree of a file stays, as later duplicates point into it. */
enum gr_err
gr_lint_file(struct gr_lint *l, uint32_t file)
{
    size_t errors = gr_diags_count(l->diags, GR_SEV_ERROR);
    struct lint_file *f = gr_arena_alloc(l->arena, sizeof *f);
    enum gr_err err;

    if (!f)
        return GR_ENOMEM;
    if ((err = rulefile_read(l->arena, l->sources, file, GR_LINT_RULES_MAX - l->rule_count, l->diags, f)) !=
        GR_OK)
        return err;
    *(l->last ? &l->last->next : &l->files) = f;
    l->last = f;
    l->newest[file] = f;
    l->rule_count += f->rules;
    if ((err = lint_suppressions_read(l, f)) != GR_OK || l->no_memory)
        return GR_ENOMEM;
    for (size_t g = 0; g < f->count; g++)
        for (size_t i = 0; i < f->groups[g].count; i++)
            if ((err = check_rule(l, &f->groups[g].rules[i])) != GR_OK)
                return err;
    return gr_diags_count(l->diags, GR_SEV_ERROR) > errors ? GR_EUSER : GR_OK;
}

enum gr_err
gr_lint_finish(struct gr_lint *l)
{
    lint_index_finish(l);
    for (const struct lint_file *f = l->files; f; f = f->next)
        lint_suppressions_finish(l, f);
    return l->no_memory ? GR_ENOMEM : gr_arena_status(l->arena);
}
