/* diff_json.c - changes for programs. */
#include "config.h"
#include "diff_print.h"

#include "jsonout.h"

static void
put_side(struct jsonout *j, cJSON *root, const char *key, struct gr_str name, const struct facts *f)
{
    cJSON *o = jsonout_object(j, root, key);

    jsonout_str(j, o, "name", name);
    jsonout_str(j, o, "spec", f->spec);
    jsonout_str(j, o, "spec_hash", f->spec_hash);
}

static void
put_place(const struct diff *d, struct jsonout *j, cJSON *parent, const char *key, struct gr_span span)
{
    struct gr_place place;
    cJSON *o;

    if (!d->sources || span.file == 0) {
        jsonout_null(j, parent, key);
        return;
    }
    place = gr_sources_place(d->sources, span.file, span.start);
    o = jsonout_object(j, parent, key);
    jsonout_str(j, o, "file", gr_sources_get(d->sources, span.file)->name);
    jsonout_num(j, o, "line", place.line);
    jsonout_num(j, o, "column", place.column);
}

static void
put_text(struct jsonout *j, cJSON *o, const char *key, struct gr_str s)
{
    if (s.n > 0)
        jsonout_str(j, o, key, s);
    else
        jsonout_null(j, o, key);
}

static void
put_limit(struct jsonout *j, cJSON *o, const struct change *c)
{
    static const char *const wheres[] = {[WHERE_ALL] = "all",
                                         [WHERE_OTHERS] = "others",
                                         [WHERE_SLICES] = "slices",
                                         [WHERE_OUTSIDE] = "outside"};
    cJSON *list;

    jsonout_cstr(j, o, "level", level_name(c->level));
    jsonout_cstr(j, o, "side", c->both_sides ? "both" : side_name(c->side));
    jsonout_cstr(j, o, "where", wheres[c->where]);
    list = jsonout_array(j, o, "slices");
    for (size_t i = 0; i < c->n_slices; i++) {
        cJSON *labels = jsonout_object(j, list, NULL);

        for (size_t k = 0; k < c->slices[i].n; k++)
            jsonout_str(j, labels, jsonout_key(j, c->slices[i].v[k].key), c->slices[i].v[k].value);
    }
    jsonout_bool(j, o, "outside_expect", c->outside || c->where == WHERE_OUTSIDE);
}

static void
put_change(const struct diff *d, struct jsonout *j, cJSON *list, const struct change *c)
{
    cJSON *o = jsonout_object(j, list, NULL);

    jsonout_cstr(j, o, "kind", change_kind_name(c->kind));
    jsonout_bool(j, o, "loosens", c->loosens);
    jsonout_bool(j, o, "coverage_lost", c->coverage);
    jsonout_bool(j, o, "unproven", c->unproven);
    put_text(j, o, "guardrail", c->guardrail);
    jsonout_bool(j, o, "mandatory", c->mandatory);
    jsonout_str(j, o, "key", c->key);
    put_text(j, o, "of", c->of);
    if (c->has_side)
        put_limit(j, o, c);
    put_text(j, o, "before", c->before);
    put_text(j, o, "after", c->after);
    put_place(d, j, o, "old_place", c->old_place);
    put_place(d, j, o, "new_place", c->new_place);
}

enum gr_err
diff_json(const struct diff *d, struct gr_buf *b)
{
    const struct changes *c = d->changes;
    struct jsonout j;
    cJSON *root, *o;

    jsonout_init(&j);
    root = jsonout_root(&j);
    jsonout_num(&j, root, "format_version", 1);
    put_side(&j, root, "old", d->from_name, d->from);
    put_side(&j, root, "new", d->to_name, d->to);
    o = jsonout_object(&j, root, "summary");
    for (unsigned i = 0; i < CHANGE_KINDS; i++)
        jsonout_num(&j, o, change_kind_name((enum change_kind)i), (double)c->count[i]);
    jsonout_num(&j, o, "loosens", (double)c->loosens);
    jsonout_num(&j, o, "coverage_lost", (double)c->coverage);
    jsonout_num(&j, o, "unproven", (double)c->unproven);
    o = jsonout_array(&j, root, "changes");
    for (size_t i = 0; i < c->n; i++)
        put_change(d, &j, o, &c->v[i]);
    return jsonout_finish(&j, root, b);
}
