#include "config.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardrail/file.h"
#include "guardrail/hash.h"
#include "guardrail/sys.h"
#include "manifest.h"

struct tree_file {
    char *path;    /* owned */
    char *content; /* owned; NULL when empty */
    size_t n;
    char sha256[GR_SHA256_HEX + 1];
};
struct tree {
    struct tree_file *files; /* sorted by path once sealed, the manifest not among them */
    size_t n, cap;
    struct tree_file manifest; /* path set once sealed */
};

/* -- the list ------------------------------------------------------------------------------------------------------------ */

struct tree *
tree_create(void)
{
    struct tree *t = gr_sys.realloc(NULL, sizeof *t);

    if (t)
        *t = (struct tree){0};
    return t;
}

static void
file_fini(struct tree_file *f)
{
    gr_sys.free(f->path);
    gr_sys.free(f->content);
}

void
tree_free(struct tree *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        file_fini(&t->files[i]);
    file_fini(&t->manifest);
    gr_sys.free(t->files);
    gr_sys.free(t);
}

static enum gr_err
grow(struct tree *t)
{
    size_t cap = t->cap ? 2 * t->cap : 16;
    struct tree_file *files;

    if (t->n >= TREE_FILES_MAX)
        return GR_ELIMIT;
    if (t->n < t->cap)
        return GR_OK;
    if (!(files = gr_sys.realloc(t->files, cap * sizeof *files)))
        return GR_ENOMEM;
    t->files = files;
    t->cap = cap;
    return GR_OK;
}

/* Moves the content of b into *f; path is copied. */
static enum gr_err
file_init(struct tree_file *f, struct gr_str path, struct gr_buf *b)
{
    struct gr_buf name = GR_BUF_INIT(PATH_MAX);
    enum gr_err err;

    *f = (struct tree_file){.n = b->n};
    if ((err = gr_buf_err(b)) != GR_OK)
        return err;
    if (b->n > TREE_FILE_BYTES_MAX)
        return GR_ELIMIT;
    if ((err = gr_sha256_hex(gr_buf_str(b), f->sha256)) != GR_OK)
        return err;
    gr_buf_put(&name, path);
    if ((err = gr_buf_err(&name)) != GR_OK) {
        gr_buf_fini(&name);
        return err;
    }
    f->path = gr_buf_take(&name);
    f->content = gr_buf_take(b);
    return GR_OK;
}

enum gr_err
tree_add(struct tree *t, struct gr_str path, struct gr_buf *b)
{
    enum gr_err err;

    GR_ASSERT(!t->manifest.path);
    if (!manifest_path_ok(path))
        return GR_ERANGE;
    if (tree_get(t, path).p)
        return GR_EEXIST;
    if ((err = grow(t)) != GR_OK)
        return err;
    if ((err = file_init(&t->files[t->n], path, b)) != GR_OK)
        return err;
    t->n++;
    return GR_OK;
}

static const struct tree_file *
find(const struct tree *t, struct gr_str path)
{
    for (size_t i = 0; i < t->n; i++)
        if (gr_str_is(path, t->files[i].path))
            return &t->files[i];
    return t->manifest.path && gr_str_is(path, t->manifest.path) ? &t->manifest : NULL;
}

struct gr_str
tree_get(const struct tree *t, struct gr_str path)
{
    const struct tree_file *f = find(t, path);

    return f ? (struct gr_str){f->content ? f->content : "", f->n} : GR_STR_NONE;
}

bool
tree_nth(const struct tree *t, size_t i, struct gr_str *path, struct gr_str *content)
{
    if (i >= t->n)
        return false;
    *path = gr_str(t->files[i].path);
    *content = (struct gr_str){t->files[i].content ? t->files[i].content : "", t->files[i].n};
    return true;
}

static int
by_path(const void *a, const void *b)
{
    return strcmp(((const struct tree_file *)a)->path, ((const struct tree_file *)b)->path);
}

enum gr_err
tree_seal(struct tree *t, const struct model *m, const char *target)
{
    struct gr_buf b = GR_BUF_INIT(TREE_MANIFEST_BYTES_MAX);
    struct manifest_writer w;
    enum gr_err err;

    GR_ASSERT(!t->manifest.path);
    if (t->n > 0)
        qsort(t->files, t->n, sizeof *t->files, by_path);
    manifest_begin(&w, m, target);
    for (size_t i = 0; i < t->n; i++)
        manifest_file(&w, t->files[i].path, t->files[i].sha256, t->files[i].n);
    if ((err = manifest_end(&w, &b)) == GR_OK)
        err = file_init(&t->manifest, GR_STR(MANIFEST_NAME), &b);
    gr_buf_fini(&b);
    return err;
}

/* -- looking at what is there -------------------------------------------------------------------------------------------- */

/* Every file of the tree, the manifest last. */
static const struct tree_file *
nth(const struct tree *t, size_t i)
{
    return i < t->n ? &t->files[i] : &t->manifest;
}

static enum gr_err
join(struct gr_buf *b, const char *dir, const char *path)
{
    gr_buf_reset(b);
    gr_buf_printf(b, "%s/%s", dir, path);
    return gr_buf_err(b);
}

/* "DIR/a/.b.new" for "a/b". */
static enum gr_err
join_temp(struct gr_buf *b, const char *dir, const char *path)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;

    gr_buf_reset(b);
    gr_buf_printf(b, "%s/%.*s.%s.new", dir, folder, path, path + folder);
    return gr_buf_err(b);
}

enum seen { SEEN_NOTHING, SEEN_FILE, SEEN_OTHER };

/* What stands at a path, without following a link in its last component. */
static enum seen
look(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? SEEN_NOTHING : SEEN_OTHER;
    return S_ISREG(st.st_mode) ? SEEN_FILE : SEEN_OTHER;
}

/* Whether every folder between dir and the file is a real one or not there yet. A link would lead out of the tree. */
static enum gr_err
folders_are_real(const char *dir, const char *path)
{
    struct gr_buf b = GR_BUF_INIT(PATH_MAX);
    enum gr_err err = GR_OK;
    struct stat st;

    for (const char *p = strchr(path, '/'); p && err == GR_OK; p = strchr(p + 1, '/')) {
        gr_buf_reset(&b);
        gr_buf_printf(&b, "%s/%.*s", dir, (int)(p - path), path);
        if ((err = gr_buf_err(&b)) != GR_OK)
            break;
        if (lstat(b.p, &st) != 0)
            err = errno == ENOENT ? GR_OK : gr_err_from_errno(errno);
        else if (!S_ISDIR(st.st_mode))
            err = GR_EACCES;
    }
    gr_buf_fini(&b);
    return err;
}

/* Whether the file on disk has exactly these bytes. What cannot be read differs: it will be replaced, or reported. */
static enum gr_err
same_bytes(const char *path, struct gr_str want, bool *same)
{
    struct gr_buf b = GR_BUF_INIT(want.n);
    enum gr_err err;

    *same = false;
    if (look(path) != SEEN_FILE)
        return GR_OK;
    err = gr_file_read(path, &b);
    if (err == GR_OK)
        *same = gr_str_eq(gr_buf_str(&b), want);
    gr_buf_fini(&b);
    return err == GR_ENOMEM ? err : GR_OK;
}

/* -- writing ------------------------------------------------------------------------------------------------------------- */

struct writing {
    const struct tree *t;
    const char *dir;
    struct tree_change *change;
    struct manifest old;
    bool *differs;          /* per file, the manifest last */
    size_t temps;           /* files whose temporary one may exist: the first so many */
    struct gr_buf from, to; /* paths at work */
};

static enum gr_err
write_all(int fd, struct gr_str s)
{
    while (s.n > 0) {
        ssize_t n = gr_sys.write(fd, s.p, s.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? gr_err_from_errno(errno) : GR_EIO;
        s = gr_str_sub(s, (size_t)n, s.n);
    }
    return GR_OK;
}

static enum gr_err
write_temp(struct writing *w, const struct tree_file *f)
{
    enum gr_err err;
    int fd;

    if ((err = join_temp(&w->from, w->dir, f->path)) != GR_OK)
        return err;
    (void)gr_sys.unlink(
        w->from.p); /* of a run that was killed; we hold the lock. O_EXCL tells if it is still there */
    fd = gr_sys.open(w->from.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return gr_err_from_errno(errno);
    err = write_all(fd, (struct gr_str){f->content, f->n});
    if (err == GR_OK && gr_sys.fsync(fd) != 0)
        err = gr_err_from_errno(errno);
    if (gr_sys.close(fd) != 0 && err == GR_OK)
        err = gr_err_from_errno(errno);
    return err;
}

static enum gr_err
make_folder(struct writing *w, const char *path)
{
    const char *slash = strrchr(path, '/');
    enum gr_err err;

    if (!slash)
        return GR_OK;
    if ((err = folders_are_real(w->dir, path)) != GR_OK)
        return err;
    gr_buf_reset(&w->to);
    gr_buf_printf(&w->to, "%s/%.*s", w->dir, (int)(slash - path), path);
    if ((err = gr_buf_err(&w->to)) != GR_OK)
        return err;
    return gr_dir_make(w->to.p);
}

/* rename() would not replace a folder, and would find out only after files before it were replaced. */
static bool
is_folder(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Finds out what differs and writes all of that under temporary names. */
static enum gr_err
prepare(struct writing *w)
{
    for (size_t i = 0; i <= w->t->n; i++) {
        const struct tree_file *f = nth(w->t, i);
        enum gr_err err;
        bool same;

        w->change->failed = gr_str(f->path);
        if ((err = make_folder(w, f->path)) != GR_OK || (err = join(&w->to, w->dir, f->path)) != GR_OK ||
            (err = same_bytes(w->to.p, (struct gr_str){f->content, f->n}, &same)) != GR_OK)
            return err;
        if (same)
            continue;
        if (is_folder(w->to.p))
            return GR_EEXIST;
        w->differs[i] = true;
        w->temps = i + 1;
        if ((err = write_temp(w, f)) != GR_OK)
            return err;
    }
    return GR_OK;
}

static void
drop_temps(struct writing *w)
{
    for (size_t i = 0; i < w->temps; i++)
        if (w->differs[i] && join_temp(&w->from, w->dir, nth(w->t, i)->path) == GR_OK)
            (void)gr_sys.unlink(w->from.p); /* gone already if it was renamed */
}

static enum gr_err
move(struct writing *w, const struct tree_file *f)
{
    enum gr_err err;

    w->change->failed = gr_str(f->path);
    if ((err = join_temp(&w->from, w->dir, f->path)) != GR_OK ||
        (err = join(&w->to, w->dir, f->path)) != GR_OK)
        return err;
    if (gr_sys.rename(w->from.p, w->to.p) != 0)
        return gr_err_from_errno(errno);
    w->change->written++;
    return GR_OK;
}

static enum gr_err
sync_folder(const char *path)
{
    enum gr_err err = GR_OK;
    int fd = gr_sys.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

    if (fd < 0)
        return gr_err_from_errno(errno);
    if (gr_sys.fsync(fd) != 0)
        err = gr_err_from_errno(errno);
    (void)gr_sys.close(fd); /* nothing was written through it */
    return err;
}

/* Paths are sorted, so files of one folder stand together, but for those of its sub-folders in between: a folder may be synced
 * twice, never not at all. */
static enum gr_err
sync_folders(struct writing *w)
{
    struct gr_str done = GR_STR_NONE;

    for (size_t i = 0; i < w->t->n; i++) {
        const char *path = w->t->files[i].path, *slash = strrchr(path, '/');
        struct gr_str folder = {path, slash ? (size_t)(slash - path) : 0};
        enum gr_err err;

        if (!w->differs[i] || folder.n == 0 || gr_str_eq(folder, done))
            continue;
        done = folder;
        gr_buf_reset(&w->to);
        gr_buf_printf(&w->to, "%s/" GR_FMT, w->dir, GR_ARG(folder));
        if ((err = gr_buf_err(&w->to)) != GR_OK || (err = sync_folder(w->to.p)) != GR_OK)
            return err;
    }
    return GR_OK;
}

/* Whether a file that an older manifest lists is still what we wrote. */
static enum gr_err
is_ours(struct writing *w, const struct manifest_entry *e, bool *ours)
{
    char sha256[GR_SHA256_HEX + 1];
    struct gr_buf b = GR_BUF_INIT((size_t)e->bytes);
    enum gr_err err;

    *ours = false;
    if (folders_are_real(w->dir, e->path) != GR_OK)
        return GR_OK;
    err = gr_file_read(w->to.p, &b);
    if (err == GR_OK && (err = gr_sha256_hex(gr_buf_str(&b), sha256)) == GR_OK)
        *ours = strcmp(sha256, e->sha256) == 0;
    gr_buf_fini(&b);
    return err == GR_ENOMEM || err == GR_EIO ? err : GR_OK; /* longer, or not to be read: not what we wrote */
}

/* Removes the folders above a removed file that it leaves empty, up to dir. rmdir refuses one that is not. */
static void
remove_empty_folders(struct writing *w)
{
    size_t stop = strlen(w->dir);

    for (char *slash = strrchr(w->to.p, '/'); slash && (size_t)(slash - w->to.p) > stop;
         slash = strrchr(w->to.p, '/')) {
        *slash = '\0';
        if (rmdir(w->to.p) != 0)
            return;
    }
}

static enum gr_err
remove_old(struct writing *w)
{
    for (size_t i = 0; i < w->old.n; i++) {
        const struct manifest_entry *e = &w->old.entries[i];
        enum seen seen;
        enum gr_err err;
        bool ours = false;

        if (find(w->t, gr_str(e->path)))
            continue;
        if ((err = join(&w->to, w->dir, e->path)) != GR_OK)
            return err;
        if ((seen = look(w->to.p)) == SEEN_NOTHING)
            continue;
        if (seen == SEEN_FILE && (err = is_ours(w, e, &ours)) != GR_OK)
            return err;
        if (!ours) {
            w->change->kept++;
            continue;
        }
        if (gr_sys.unlink(w->to.p) != 0)
            return gr_err_from_errno(errno);
        w->change->removed++;
        remove_empty_folders(w);
    }
    return GR_OK;
}

/* The order makes every crash mendable: the new manifest appears when all it lists is durable, the old one stays as long as
 * something that only it lists is left. */
static enum gr_err
commit(struct writing *w)
{
    enum gr_err err;

    for (size_t i = 0; i < w->t->n; i++)
        if (w->differs[i] && (err = move(w, &w->t->files[i])) != GR_OK)
            return err;
    w->change->failed = GR_STR_NONE;
    if ((err = sync_folders(w)) != GR_OK || (err = remove_old(w)) != GR_OK)
        return err;
    if (w->differs[w->t->n] && (err = move(w, &w->t->manifest)) != GR_OK)
        return err;
    w->change->failed = GR_STR_NONE;
    return w->change->written + w->change->removed > 0 ? sync_folder(w->dir) : GR_OK;
}

/* A folder can be locked by its descriptor: no lock file is left behind. */
static enum gr_err
lock_dir(const char *dir, int *fd)
{
    enum gr_err err;

    if ((err = gr_dir_make(dir)) != GR_OK)
        return err;
    if ((*fd = gr_sys.open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)) < 0)
        return gr_err_from_errno(errno);
    if (gr_sys.flock(*fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? GR_EBUSY : gr_err_from_errno(errno);
    return GR_OK;
}

enum gr_err
tree_write(const struct tree *t, const char *dir, struct tree_change *change)
{
    struct writing w = {
        .t = t, .dir = dir, .change = change, .from = GR_BUF_INIT(PATH_MAX), .to = GR_BUF_INIT(PATH_MAX)};
    enum gr_err err = GR_ENOMEM;
    int lock = -1;

    GR_ASSERT(t->manifest.path);
    *change = (struct tree_change){0};
    if (!(w.differs = gr_sys.realloc(NULL, t->n + 1)))
        goto done;
    memset(w.differs, 0, t->n + 1);
    if ((err = lock_dir(dir, &lock)) != GR_OK)
        goto done;
    if ((err = manifest_read(&w.old, dir, &change->manifest_bad)) != GR_OK)
        goto done;
    if ((err = prepare(&w)) == GR_OK)
        err = commit(&w);
    if (err != GR_OK)
        drop_temps(&w);
    change->unchanged = t->n + 1 - change->written;
done:
    if (lock >= 0)
        (void)gr_sys.close(lock); /* unlocks */
    manifest_fini(&w.old);
    gr_sys.free(w.differs);
    gr_buf_fini(&w.from);
    gr_buf_fini(&w.to);
    return err;
}

/* -- checking ------------------------------------------------------------------------------------------------------------ */

static enum gr_err
check_file(const struct tree_file *f, const char *path, struct tree_change *change, struct gr_buf *report)
{
    enum gr_err err;
    bool same;

    if ((err = same_bytes(path, (struct gr_str){f->content, f->n}, &same)) != GR_OK)
        return err;
    if (same) {
        change->unchanged++;
        return GR_OK;
    }
    change->stale++;
    gr_buf_printf(report, "%s: %s\n", look(path) == SEEN_NOTHING ? "missing" : "stale", f->path);
    return GR_OK;
}

enum gr_err
tree_check(const struct tree *t, const char *dir, struct tree_change *change, struct gr_buf *report)
{
    struct gr_buf path = GR_BUF_INIT(PATH_MAX);
    struct manifest old = {0};
    enum gr_err err;

    GR_ASSERT(t->manifest.path);
    *change = (struct tree_change){0};
    if ((err = manifest_read(&old, dir, &change->manifest_bad)) != GR_OK)
        goto done;
    for (size_t i = 0; i <= t->n; i++)
        if ((err = join(&path, dir, nth(t, i)->path)) != GR_OK ||
            (err = check_file(nth(t, i), path.p, change, report)) != GR_OK)
            goto done;
    for (size_t i = 0; i < old.n; i++) {
        if (find(t, gr_str(old.entries[i].path)))
            continue;
        if ((err = join(&path, dir, old.entries[i].path)) != GR_OK)
            goto done;
        if (look(path.p) == SEEN_NOTHING)
            continue;
        change->stale++;
        gr_buf_printf(report, "left over: %s\n", old.entries[i].path);
    }
    err = gr_buf_err(report);
done:
    manifest_fini(&old);
    gr_buf_fini(&path);
    return err;
}
