#include "config.h"
#include "manifest.h"

#include <limits.h>
#include <sys/stat.h>

#include "clock.h"
#include "guardrail/file.h"
#include "guardrail/json.h"
#include "guardrail/sys.h"
#include "tree.h"

/* Until when the tree is what its specification says: the last day of the waiver that ends first; null: as long as nobody changes it. */
static void
put_valid_until(struct jsonout *j, cJSON *root, const struct model *m)
{
    const struct waiver *first = m->n_waivers > 0 ? &m->waivers[0] : NULL;

    for (size_t i = 1; i < m->n_waivers; i++)
        if (m->waivers[i].until_s < first->until_s)
            first = &m->waivers[i];
    if (first)
        jsonout_str(j, root, "valid_until", first->expires);
    else
        jsonout_null(j, root, "valid_until");
}

void
manifest_begin(struct manifest_writer *w, const struct model *m, const char *target)
{
    jsonout_init(&w->j);
    w->root = jsonout_root(&w->j);
    jsonout_num(&w->j, w->root, "format", TREE_MANIFEST_FORMAT);
    jsonout_cstr(&w->j, w->root, "compiler", "guardrail " PACKAGE_VERSION);
    jsonout_cstr(&w->j, w->root, "target", target);
    jsonout_str(&w->j, w->root, "spec", m->spec);
    jsonout_str(&w->j, w->root, "spec_hash", m->spec_hash);
    jsonout_num(&w->j, w->root, "time_scale", m->time_scale);
    put_valid_until(&w->j, w->root, m);
    w->files = jsonout_array(&w->j, w->root, "files");
}

void
manifest_file(struct manifest_writer *w, const char *path, const char *sha256, size_t bytes)
{
    cJSON *f = jsonout_object(&w->j, w->files, NULL);

    jsonout_cstr(&w->j, f, "path", path);
    jsonout_cstr(&w->j, f, "sha256", sha256);
    jsonout_num(&w->j, f, "bytes", (double)bytes);
}

enum gr_err
manifest_end(struct manifest_writer *w, struct gr_buf *b)
{
    return jsonout_finish(&w->j, w->root, b);
}

bool
manifest_path_ok(struct gr_str path)
{
    struct gr_str rest = path, part;

    if (path.n == 0 || path.n > MANIFEST_PATH_BYTES_MAX || gr_str_is(path, MANIFEST_NAME) ||
        !gr_str_is_utf8(path))
        return false;
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] < 0x20 || path.p[i] == 0x7f)
            return false;
    while (gr_str_next(&rest, '/', &part))
        if (part.n == 0 || gr_str_is(part, ".") || gr_str_is(part, ".."))
            return false;
    return true;
}

static bool
sha256_ok(struct gr_str s)
{
    if (s.n != GR_SHA256_HEX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

/* GR_ESYNTAX: no entry of ours. */
static enum gr_err
read_entry(struct manifest_entry *e, const cJSON *item)
{
    struct gr_str path = gr_json_str(item, "path"), sha256 = gr_json_str(item, "sha256");
    struct gr_buf b = GR_BUF_INIT(MANIFEST_PATH_BYTES_MAX);

    if (!manifest_path_ok(path) || !sha256_ok(sha256) ||
        gr_json_i64(item, "bytes", 0, TREE_FILE_BYTES_MAX, &e->bytes) != GR_OK)
        return GR_ESYNTAX;
    gr_buf_put(&b, path);
    if (!(e->path = gr_buf_take(&b)))
        return GR_ENOMEM;
    memcpy(e->sha256, sha256.p, GR_SHA256_HEX);
    e->sha256[GR_SHA256_HEX] = '\0';
    return GR_OK;
}

static enum gr_err
read_root(struct manifest *m, const cJSON *root)
{
    const cJSON *files = gr_json_get(root, "files"), *item;
    struct gr_str until = gr_json_str(root, "valid_until");
    int64_t format, at;
    size_t count;

    if (gr_json_i64(root, "format", TREE_MANIFEST_FORMAT, TREE_MANIFEST_FORMAT, &format) != GR_OK ||
        !cJSON_IsArray(files))
        return GR_ESYNTAX;
    if (clock_date(until, &at) == GR_OK) { /* ten bytes then; anything else is as if it were not there */
        memcpy(m->valid_until, until.p, until.n);
        m->valid_until[until.n] = '\0';
    }
    count = (size_t)cJSON_GetArraySize(files);
    if (count > TREE_FILES_MAX)
        return GR_ESYNTAX;
    if (count == 0)
        return GR_OK;
    if (!(m->entries = gr_sys.realloc(NULL, count * sizeof *m->entries)))
        return GR_ENOMEM;
    cJSON_ArrayForEach(item, files)
    {
        enum gr_err err = read_entry(&m->entries[m->n], item);

        if (err != GR_OK)
            return err;
        m->n++;
    }
    return GR_OK;
}

void
manifest_fini(struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++)
        gr_sys.free(m->entries[i].path);
    gr_sys.free(m->entries);
    *m = (struct manifest){0};
}

/* A pipe or a folder in the manifest's place is none, and must not be waited for. */
static bool
is_file(const char *path, bool *there)
{
    struct stat st;

    *there = lstat(path, &st) == 0;
    return *there && S_ISREG(st.st_mode);
}

enum gr_err
manifest_read(struct manifest *m, const char *dir, bool *bad)
{
    static const struct gr_json_limits limits = {TREE_MANIFEST_BYTES_MAX, 4, 8 + 4 * TREE_FILES_MAX};
    struct gr_buf path = GR_BUF_INIT(PATH_MAX), text = GR_BUF_INIT(TREE_MANIFEST_BYTES_MAX);
    struct gr_json_error where;
    cJSON *root = NULL;
    enum gr_err err;
    bool there = false;

    *m = (struct manifest){0};
    *bad = false;
    gr_buf_printf(&path, "%s/" MANIFEST_NAME, dir);
    if ((err = gr_buf_err(&path)) != GR_OK)
        goto done;
    err = is_file(path.p, &there) ? gr_file_read(path.p, &text) : there ? GR_ESYNTAX : GR_OK;
    if (err == GR_OK && there)
        err = gr_json_parse(gr_buf_str(&text), &limits, &root, &where);
    if (err == GR_OK && there)
        err = read_root(m, root);
    if (err == GR_ESYNTAX || err == GR_ELIMIT) {
        manifest_fini(m);
        *bad = true;
        err = GR_OK;
    }
done:
    cJSON_Delete(root);
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    return err;
}
