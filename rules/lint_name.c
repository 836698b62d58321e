/* lint_name.c - checks of names: regular expressions in selectors, and what recorded series are called. */
#include "config.h"
#include "lint.h"

/* ---- regular expressions ---- */

static bool
is_escaped(struct gr_str s, size_t at)
{
    size_t slashes = 0;

    while (slashes < at && s.p[at - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1;
}

static bool
is_plain(struct gr_str re)
{
    for (size_t i = 0; i < re.n; i++)
        if (re.p[i] == '\0' || strchr("\\.+*?()|[]{}^$", re.p[i]))
            return false;
    return true;
}

static void
check_matcher(struct lint_check *c, const struct gr_promql_matcher *m)
{
    struct gr_str v = m->value;
    const char *instead = m->op == GR_PROMQL_LIKE ? "=" : "!=";
    bool anchored = v.n > 0 && (v.p[0] == '^' || (v.p[v.n - 1] == '$' && !is_escaped(v, v.n - 1)));

    if (m->op != GR_PROMQL_LIKE && m->op != GR_PROMQL_NOT_LIKE)
        return;
    if (is_plain(v))
        lint_report(c->lint, GR0522, m->where, gr_str(m->op == GR_PROMQL_LIKE ? "use =" : "use !="),
                    "\"" GR_FMT "\" is plain text: %s says the same and is faster",
                    GR_ARG(gr_str_sub(v, 0, 60)), instead);
    else if (anchored)
        lint_report(c->lint, GR0521, m->where, GR_STR("remove ^ and $"),
                    "regular expressions in selectors match the whole value anyway");
}

static bool
visit_selector(struct gr_promql *e, void *ctx)
{
    for (size_t i = 0; i < e->u.selector.count; i++)
        check_matcher(ctx, &e->u.selector.matchers[i]);
    return true;
}

void
lint_regexes(struct lint_check *c)
{
    if (c->expr)
        gr_promql_selectors(c->expr, visit_selector, c);
}

/* ---- names of recorded series ---- */

void
lint_record_name(struct lint_check *c)
{
    const struct lint_rule *r = c->rule;
    const char *why = NULL;

    if (r->kind != GR_RULE_RECORD || r->name.n == 0)
        return;
    if (!memchr(r->name.p, ':', r->name.n))
        why = "a colon tells recorded series from scraped ones";
    else if (r->name.p[0] == ':' || r->name.p[r->name.n - 1] == ':')
        why = "the part before the first colon is the level, the one behind the last the operations";
    else if (gr_str_ends(r->name, GR_STR("_total")))
        why = "what ends in _total is taken for a counter";
    if (why)
        lint_report(c->lint, GR0526, r->name_span,
                    GR_STR("call it level:metric:operations, as in job:errors:rate5m"), "\"" GR_FMT "\": %s",
                    GR_ARG(gr_str_sub(r->name, 0, 60)), why);
}
