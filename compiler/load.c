/* load.c - the files of a specification: paths, bounds, and what an included file adds. */
#include "config.h"
#include "load.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "guardrail/file.h"
#include "guardrail/quote.h"
#include "spec_parts.h"

struct load {
    struct spec *s;
    const struct load_reader *reader;
    struct { /* every file so far */
        struct gr_str path;
        struct gr_span named; /* by this value; the first file by none */
        size_t layer;         /* that it is, or belongs to */
        bool included;
    } files[LOAD_FILES_MAX];
    size_t n;
    size_t bytes, nodes;
    bool bad; /* there is a finding */
};

/* ---- the file system ---- */

/* A pipe would be waited for, and a folder is read only by mistake: stat first. A pipe on the command line is fine: `<(…)`. */
static enum gr_err
read_file(void *context, const char *path, bool named, struct gr_buf *text)
{
    struct stat st;

    (void)context;
    if ((named || strcmp(path, "-") != 0) && stat(path, &st) != 0)
        return errno == ELOOP || errno == ENAMETOOLONG ? GR_EIO
                                                       : gr_err_from_errno(errno); /* no file is too large */
    if (named && !S_ISREG(st.st_mode))
        return GR_EIO;
    return gr_file_read(path, text);
}

static const char *
why_not(void *context, const char *path, enum gr_err err)
{
    struct stat st;

    (void)context;
    if (strcmp(path, "-") == 0)
        return gr_err_name(err);
    if (stat(path, &st) != 0)
        return errno == ELOOP          ? "its symbolic links lead in a circle"
               : errno == ENAMETOOLONG ? "the path is too long"
               : errno == ENOENT       ? "there is no such file"
               : errno == ENOTDIR      ? "a part of the path is a file, not a folder"
                                       : gr_err_name(err);
    if (S_ISDIR(st.st_mode))
        return "it is a folder";
    return S_ISREG(st.st_mode) ? gr_err_name(err) : "it is no regular file";
}

const struct load_reader load_files = {.read = read_file, .why = why_not};

/* ---- paths ---- */

static void
pop(struct gr_buf *b, size_t root)
{
    size_t n = b->n;

    while (n > root && b->p[n - 1] != '/')
        n--;
    gr_buf_cut(b, n > root ? n - 1 : n);
}

/* Whether what stands there ends in "..", which another ".." cannot take back. */
static bool
ends_up(const struct gr_buf *b)
{
    struct gr_str s = gr_buf_str(b);

    return gr_str_is(s, "..") || gr_str_ends(s, GR_STR("/.."));
}

/* `to`, as the file at `from` writes it: "overlays/crypto.yml" and "../base.yml" give "base.yml". GR_ENOMEM; GR_ELIMIT past PATH_MAX. */
static enum gr_err
join(struct gr_arena *a, struct gr_str from, struct gr_str to, struct gr_str *out)
{
    struct gr_buf b = GR_BUF_INIT(PATH_MAX);
    bool absolute = gr_str_starts(to, GR_STR("/")) || gr_str_starts(from, GR_STR("/"));
    size_t folder = from.n;
    struct gr_str rests[2], part;
    enum gr_err err;

    while (folder > 0 && from.p[folder - 1] != '/')
        folder--;
    rests[0] = gr_str_starts(to, GR_STR("/")) ? GR_STR_NONE : gr_str_sub(from, 0, folder);
    rests[1] = to;
    if (absolute)
        gr_buf_putc(&b, '/');
    for (size_t i = 0; i < GR_COUNT(rests); i++)
        while (rests[i].n > 0 && gr_str_next(&rests[i], '/', &part)) {
            if (part.n == 0 || gr_str_is(part, "."))
                continue;
            if (gr_str_is(part, "..") && (b.n > absolute ? !ends_up(&b) : absolute)) {
                pop(&b, absolute);
                continue;
            }
            gr_buf_puts(&b, b.n > absolute ? "/" : "");
            gr_buf_put(&b, part);
        }
    if (gr_buf_err(&b) == GR_OK && (b.n == 0 || gr_str_is(gr_buf_str(&b), "-"))) {
        gr_buf_reset(&b); /* "-" is a file here, not standard input */
        gr_buf_printf(&b, "./" GR_FMT, GR_ARG(to));
    }
    if ((err = gr_buf_err(&b)) == GR_OK) {
        *out = gr_arena_dup(a, gr_buf_str(&b));
        err = out->p ? GR_OK : GR_ENOMEM;
    }
    gr_buf_fini(&b);
    return err;
}

/* ---- one file ---- */

static void
refuse_size(struct load *l, struct gr_span where, const char *what, size_t max)
{
    gr_diag(l->s->d, GR0002, where, GR_STR("split the specification in two"),
            "a specification has at most %zu %s, all of its files together", max, what);
    l->bad = true;
}

static enum gr_err
refuse_file(struct load *l, struct gr_span where, struct gr_str path, enum gr_err err)
{
    struct gr_buf name = GR_BUF_INIT(4 * PATH_MAX);
    bool pattern = gr_str_find(path, GR_STR("*"), 0) != SIZE_MAX;

    if (err == GR_ENOMEM)
        return err;
    gr_quote_log(&name, path);
    if (err == GR_ELIMIT)
        gr_diag(l->s->d, GR0002, where, GR_STR("split it into files that are included one by one"),
                "%s is larger than %u bytes", gr_buf_cstr(&name), SPEC_BYTES_MAX);
    else
        gr_diag(
            l->s->d, GR0001, where,
            pattern
                ? GR_STR("name each file: with a pattern a file that is lost or left behind would not show")
                : GR_STR("check the path; it is relative to the folder of the file that names it"),
            "cannot read %s: %s", gr_buf_cstr(&name),
            l->reader->why ? l->reader->why(l->reader->context, path.p, err) : gr_err_name(err));
    gr_buf_fini(&name);
    l->bad = true;
    return GR_EUSER;
}

static enum gr_err
refuse_path(struct load *l, const struct gr_node *value, enum gr_err err)
{
    if (err == GR_ENOMEM)
        return err;
    gr_diag(l->s->d, GR0001, value->span, GR_STR("move the file nearer"), "the path is too long");
    l->bad = true;
    return GR_EUSER;
}

/* Reads the file that `value` names into the table. */
static enum gr_err
read_text(struct load *l, struct gr_str path, struct gr_span where, uint32_t *file)
{
    struct gr_buf text = GR_BUF_INIT(SPEC_BYTES_MAX);
    struct gr_str name;
    enum gr_err err = l->reader->read(l->reader->context, path.p, true, &text);

    if (err != GR_OK)
        err = refuse_file(l, where, path, err);
    else if (text.n > LOAD_BYTES_MAX - l->bytes)
        refuse_size(l, where, "bytes", LOAD_BYTES_MAX), err = GR_EUSER;
    if (err != GR_OK)
        goto done;
    l->bytes += text.n;
    name = gr_arena_printf(l->s->a, "%s" GR_FMT, l->reader->prefix ? l->reader->prefix : "", GR_ARG(path));
    err = name.p ? gr_sources_add(l->s->sources, name, gr_buf_str(&text), file) : GR_ENOMEM;
    if (err == GR_ELIMIT)
        err = refuse_file(l, where, path, err);
done:
    gr_buf_fini(&text);
    return err;
}

/* All that its reader found are keys that stand twice: then nothing of the document is missing. */
static bool
is_whole(const struct load *l, uint32_t file)
{
    struct gr_diag_view v;
    size_t i;

    for (i = 0; gr_diags_get(l->s->d, i, &v); i++)
        if (v.where.file == file && v.code != GR0006)
            return false;
    return i < GR_DIAGS_MAX;
}

/* GR_EUSER: half a document, or none. */
static enum gr_err
parse(struct load *l, uint32_t file, struct gr_node **out)
{
    struct gr_node_limits limits = gr_node_limits_default;
    enum gr_err err;

    limits.nodes = LOAD_NODES_MAX - l->nodes < SPEC_NODES_MAX ? LOAD_NODES_MAX - l->nodes : SPEC_NODES_MAX;
    err = gr_yaml_read(l->s->a, l->s->sources, file, &limits, l->s->d, out);
    if (err == GR_EUSER && *out && is_whole(l, file))
        return GR_OK;
    if (err == GR_EUSER)
        l->bad = true;
    return err;
}

static size_t
count_nodes(const struct gr_node *node)
{
    size_t n = 1; /* as deep as the reader allows, 32 */

    gr_node_each (item, node)
        n += count_nodes(item);
    return n;
}

/* ---- names of files ---- */

/* The text of a value that names a file. What the tables find wrong with it is theirs to say. */
static bool
names_file(struct load *l, const struct gr_node *value)
{
    bool ok = value->kind == GR_NODE_SCALAR && value->text.n > 0;

    for (size_t i = 0; ok && i < value->text.n; i++)
        ok = (unsigned char)value->text.p[i] >= 0x20 && value->text.p[i] != 0x7f;
    if (value->kind == GR_NODE_NULL)
        gr_diag(l->s->d, GR0103, value->key.n ? value->key_span : value->span,
                GR_STR("name the file, or remove the key"),
                "there is no value; the path of a file is expected");
    l->bad = l->bad || !ok;
    return ok;
}

/* Whether a file may be named here: a layer only once, a file only once in a layer. */
static bool
is_new(struct load *l, struct gr_str path, struct gr_span where, size_t layer, bool included)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!gr_str_eq(l->files[i].path, path) ||
            (l->files[i].included && (!included || l->files[i].layer != layer)))
            continue;
        if (l->files[i].included)
            gr_diag(l->s->d, GR0106, where, GR_STR("remove one of them"), "the file is included already");
        else
            gr_diag(l->s->d, GR0010, where, GR_STR("remove it, or name another file"),
                    included ? "a specification cannot include itself or what it extends"
                             : "this leads back to " GR_FMT ": a file cannot extend itself",
                    GR_ARG(path));
        if (l->files[i].named.file)
            gr_diag_note(l->s->d, l->files[i].named, "it is named here first");
        l->bad = true;
        return false;
    }
    if (l->n == LOAD_FILES_MAX) {
        refuse_size(l, where, "files", LOAD_FILES_MAX);
        return false;
    }
    l->files[l->n].path = path;
    l->files[l->n].named = where;
    l->files[l->n].layer = layer;
    l->files[l->n++].included = included;
    return true;
}

/* ---- include ---- */

static struct gr_node **
end_of(struct gr_node *list)
{
    struct gr_node **end = &list->first;

    while (*end)
        end = &(*end)->next;
    return end;
}

static struct gr_node *
entry_of(struct gr_node *map, struct gr_str key)
{
    for (struct gr_node *item = map->first; item; item = item->next)
        if (gr_str_eq(item->key, key))
            return item;
    return NULL;
}

/* An action that two files define. */
static void
refuse_same_keys(struct load *l, struct gr_node *into, const struct gr_node *from)
{
    struct names set;

    if (into->kind != GR_NODE_MAP || !names_init(l->s, &set, into->count + from->count))
        return;
    for (const struct gr_node *half = into; half; half = half == into ? from : NULL)
        gr_node_each (item, half) {
            const struct gr_node *first = names_add_key(&set, item);

            if (!first || half == into)
                continue;
            gr_diag(l->s->d, GR0106, item->key_span, GR_STR("give it another name, or remove one of them"),
                    "\"" GR_FMT "\" is there already", GR_ARG(item->key));
            gr_diag_note(l->s->d, first->key_span, "the first one is here");
            l->bad = true;
        }
}

/* Moves the entries of an included file's list or mapping behind those of the document. */
static void
take_entries(struct load *l, struct gr_node *root, struct gr_node *entries)
{
    struct gr_node *into = entry_of(root, entries->key);

    entries->next = NULL;
    if (!into) {
        *end_of(root) = entries;
        root->count++;
    } else if (into->kind == entries->kind) {
        refuse_same_keys(l, into, entries);
        *end_of(into) = entries->first;
        into->count += entries->count;
    }
}

static void
take_included(struct load *l, struct gr_node *root, struct gr_node *included)
{
    struct gr_node *next;

    for (struct gr_node *entry = included->first; entry; entry = next) {
        next = entry->next;
        if (!gr_str_is(entry->key, "apiVersion") &&
            (entry->kind == GR_NODE_LIST || entry->kind == GR_NODE_MAP))
            take_entries(l, root, entry);
    }
}

static enum gr_err
include_one(struct load *l, struct gr_node *root, const struct gr_node *value, struct gr_str of, size_t layer)
{
    struct gr_node *included = NULL;
    struct gr_str path;
    uint32_t file;
    enum gr_err err;

    if (!names_file(l, value))
        return GR_OK;
    if ((err = join(l->s->a, of, value->text, &path)) != GR_OK)
        return refuse_path(l, value, err);
    if (!is_new(l, path, value->span, layer, true))
        return GR_OK;
    err = read_text(l, path, value->span, &file);
    if (err == GR_OK)
        err = parse(l, file, &included);
    if (err != GR_OK && err != GR_EUSER)
        return err;
    if (!included)
        return GR_OK;
    l->nodes += count_nodes(included);
    if (err == GR_EUSER || included->kind != GR_NODE_MAP)
        l->bad = true;
    keys_check(l->s, included, &include_keys, true);
    if (included->kind == GR_NODE_MAP)
        take_included(l, root, included);
    return GR_OK;
}

/* ---- extends ---- */

static enum gr_err
include_all(struct load *l, struct gr_node *root, struct gr_str of, size_t layer)
{
    struct gr_node *include = entry_of(root, GR_STR("include")), *item;
    enum gr_err err = GR_OK;

    if (!include)
        return GR_OK;
    if (include->kind == GR_NODE_LIST) {
        for (item = include->first; item && err == GR_OK; item = item->next)
            err = include_one(l, root, item, of, layer);
        return err;
    }
    return include_one(l, root, include, of, layer);
}

/* A key that was to be `extends`: without it all that the base has would be missed. The tables say what is wrong with the key. */
static bool
misspells_extends(const struct gr_node *root)
{
    const struct gr_str name = GR_STR_INIT("extends");

    gr_node_each (item, root)
        if (!keys_find(&spec_keys, item->key) && gr_str_nearest(item->key, &name, 1).n > 0)
            return true;
    return false;
}

/* One file of the chain, whose text is in the table. *extends: the value that names the next one, or NULL. */
static enum gr_err
read_layer(struct load *l, struct load_layer *layer, size_t index, const struct gr_node **extends)
{
    struct gr_node *root = NULL;
    enum gr_err err = parse(l, layer->file, &root);

    *extends = NULL;
    layer->root = root;
    layer->broken = err != GR_OK;
    if (err != GR_OK || !root || root->kind != GR_NODE_MAP) {
        l->bad = l->bad || err == GR_EUSER || index > 0;
        return err == GR_EUSER ? GR_OK : err;
    }
    l->nodes += count_nodes(root);
    *extends = entry_of(root, GR_STR("extends"));
    l->bad = l->bad || (!*extends && misspells_extends(root));
    l->s->overlay = *extends != NULL;
    err = include_all(l, root, layer->path, index);
    l->s->overlay = false;
    return err;
}

/* The file that `extends` names, as a further layer. */
static enum gr_err
next_layer(struct load *l, const struct gr_node *extends, struct loaded *out)
{
    struct load_layer *layer = &out->layers[out->n];
    struct gr_str path;
    enum gr_err err;

    if (!names_file(l, extends))
        return GR_OK;
    if ((err = join(l->s->a, layer[-1].path, extends->text, &path)) != GR_OK)
        return refuse_path(l, extends, err);
    if (!is_new(l, path, extends->span, out->n, false))
        return GR_EUSER;
    if (out->n == LOAD_DEPTH_MAX) {
        gr_diag(l->s->d, GR0002, extends->span, GR_STR("extend a file nearer to the base"),
                "`extends` leads through more than %u files", LOAD_DEPTH_MAX);
        l->bad = true;
        return GR_EUSER;
    }
    if ((err = read_text(l, path, extends->span, &layer->file)) != GR_OK)
        return err;
    layer->path = path;
    out->n++;
    return GR_OK;
}

enum gr_err
load_layers(struct spec *s, struct gr_str path, uint32_t file, struct loaded *out)
{
    struct load *l = gr_arena_alloc(s->a, sizeof *l);
    struct gr_str first = GR_STR("-");
    const struct gr_node *extends = NULL;
    enum gr_err err = GR_OK;

    if (!l || (!gr_str_is(path, "-") && join(s->a, GR_STR_NONE, path, &first) != GR_OK))
        return GR_ENOMEM; /* a path past PATH_MAX could not have been read */
    l->s = s;
    l->reader = s->options.reader ? s->options.reader : &load_files;
    l->bytes = gr_sources_get(s->sources, file)->text.n;
    *out = (struct loaded){.n = 1};
    out->layers[0] = (struct load_layer){.path = first, .file = file};
    (void)is_new(l, first, GR_SPAN_NONE, 0, false);
    for (size_t i = 0; i < out->n && err == GR_OK; i++) {
        err = read_layer(l, &out->layers[i], i, &extends);
        if (err == GR_OK && extends)
            err = next_layer(l, extends, out);
    }
    if (err != GR_OK && err != GR_EUSER)
        return err;
    return l->bad ? GR_EUSER : GR_OK;
}
