/* facts.c - a model laid flat. */
#include "config.h"
#include "facts.h"

static const struct {
    const char *key;
    enum fact_scope scope;
    enum fact_type type;
} rows[] = {
#define ASPECT(name, key, scope, type, parent, less, more, differs) {key, SCOPE_##scope, TYPE_##type},
#include "aspects.def"
#undef ASPECT
};

const char *
aspect_key(enum aspect aspect)
{
    return rows[aspect].key;
}

enum fact_type
aspect_type(enum aspect aspect)
{
    return rows[aspect].type;
}

enum fact_scope
aspect_scope(enum aspect aspect)
{
    return rows[aspect].scope;
}

enum gr_err
facts_of_model(struct gr_arena *a, const struct model *m, struct facts **out)
{
    struct facts *f = gr_arena_alloc(a, sizeof *f);

    if (!f)
        return GR_ENOMEM;
    f->spec = m->spec;
    f->spec_hash = m->spec_hash;
    *out = f;
    return GR_OK;
}
