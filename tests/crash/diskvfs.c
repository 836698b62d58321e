#include "config.h"
#include "diskvfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guardrail/sys.h"

#define SECTOR 512
#define FILES_MAX 64 /* inodes of one recording */

enum op_kind { OP_CREATE, OP_DELETE, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_FOLDER_SYNC };
struct op {
    enum op_kind kind;
    int inode;
    char name[64];
    size_t at, n; /* n: bytes of data, or the new size */
    unsigned char *data;
};

static struct {
    pthread_mutex_t mutex;
    bool on, ended;
    enum disk_lie lie;
    char folder[512];
    struct op *ops;
    size_t count, cap;
    char names[FILES_MAX][64]; /* of inodes that have a name now; else empty */
    int inodes;
    int syncing; /* the inode whose sync is under way, or -1 */
} rec = {.mutex = PTHREAD_MUTEX_INITIALIZER, .syncing = -1};

/* ---- recording ---- */

/* The name within the folder; NULL for files that play no part: the lock, and those outside. */
static const char *
own_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    if (!rec.on || !slash || strlen(slash + 1) >= sizeof rec.names[0])
        return NULL;
    return strstr(path, rec.folder) && strncmp(slash + 1, "store.db", 8) == 0 && !strstr(slash, ".lock")
               ? slash + 1
               : NULL;
}

static int
find_inode(const char *name)
{
    for (int i = 0; name && i < rec.inodes; i++)
        if (strcmp(rec.names[i], name) == 0)
            return i;
    return -1;
}

static void
note(struct op op, const void *data)
{
    if (!rec.on)
        return;
    pthread_mutex_lock(&rec.mutex);
    if (rec.count == rec.cap) {
        rec.cap = rec.cap ? 2 * rec.cap : 1024;
        rec.ops = realloc(rec.ops, rec.cap * sizeof *rec.ops);
    }
    if (data && (op.data = malloc(op.n)) != NULL)
        memcpy(op.data, data, op.n);
    GR_ASSERT(rec.ops && (!data || op.data)); /* a test: no memory, no figures */
    rec.ops[rec.count++] = op;
    pthread_mutex_unlock(&rec.mutex);
}

static int
note_create(const char *name)
{
    struct op op = {.kind = OP_CREATE, .inode = rec.inodes};

    GR_ASSERT(rec.inodes < FILES_MAX);
    (void)snprintf(op.name, sizeof op.name, "%s", name);
    (void)snprintf(rec.names[rec.inodes], sizeof rec.names[0], "%s", name);
    note(op, NULL);
    return rec.inodes++;
}

static void
note_sync(int inode)
{
    bool log = inode >= 0 && strstr(rec.names[inode], "-wal");

    if (inode >= 0 && rec.lie != LIE_ALL && !(rec.lie == LIE_LOG && log))
        note((struct op){.kind = OP_SYNC, .inode = inode}, NULL);
}

static void
note_folder_sync(void)
{
    if (rec.lie != LIE_FOLDER && rec.lie != LIE_ALL)
        note((struct op){.kind = OP_FOLDER_SYNC}, NULL);
}

size_t
diskvfs_count(void)
{
    size_t n;

    pthread_mutex_lock(&rec.mutex);
    n = rec.count;
    pthread_mutex_unlock(&rec.mutex);
    return n;
}

/* ---- the VFS ---- */

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
    int inode;          /* -1: plays no part */
};
static sqlite3_vfs *real_vfs, vfs;

static struct file *
own(sqlite3_file *f)
{
    return (struct file *)(void *)f;
}

static int
do_close(sqlite3_file *f)
{
    return own(f)->real->pMethods->xClose(own(f)->real);
}
static int
do_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return own(f)->real->pMethods->xRead(own(f)->real, p, n, at);
}
static int
do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = own(f)->real->pMethods->xWrite(own(f)->real, p, n, at);

    if (rc == SQLITE_OK && own(f)->inode >= 0)
        note((struct op){.kind = OP_WRITE, .inode = own(f)->inode, .at = (size_t)at, .n = (size_t)n}, p);
    return rc;
}
static int
do_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    int rc = own(f)->real->pMethods->xTruncate(own(f)->real, n);

    if (rc == SQLITE_OK && own(f)->inode >= 0)
        note((struct op){.kind = OP_TRUNCATE, .inode = own(f)->inode, .n = (size_t)n}, NULL);
    return rc;
}
/* The file first, then, for a new one, its folder: on_open_folder sees that. */
static int
do_sync(sqlite3_file *f, int flags)
{
    int rc;

    if (rec.ended)
        return SQLITE_OK;
    rec.syncing = own(f)->inode;
    rc = own(f)->real->pMethods->xSync(own(f)->real, flags);
    if (rc == SQLITE_OK && rec.syncing >= 0)
        note_sync(rec.syncing);
    rec.syncing = -1;
    return rc;
}
static int
do_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return own(f)->real->pMethods->xFileSize(own(f)->real, n);
}
static int
do_lock(sqlite3_file *f, int l)
{
    return own(f)->real->pMethods->xLock(own(f)->real, l);
}
static int
do_unlock(sqlite3_file *f, int l)
{
    return own(f)->real->pMethods->xUnlock(own(f)->real, l);
}
static int
do_reserved(sqlite3_file *f, int *out)
{
    return own(f)->real->pMethods->xCheckReservedLock(own(f)->real, out);
}
static int
do_control(sqlite3_file *f, int op, void *arg)
{
    return own(f)->real->pMethods->xFileControl(own(f)->real, op, arg);
}
static int
do_sector(sqlite3_file *f)
{
    return own(f)->real->pMethods->xSectorSize(own(f)->real);
}
static int
do_traits(sqlite3_file *f)
{
    return own(f)->real->pMethods->xDeviceCharacteristics(own(f)->real);
}
static int
do_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return own(f)->real->pMethods->xShmMap(own(f)->real, page, size, extend, out);
}
static int
do_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return own(f)->real->pMethods->xShmLock(own(f)->real, offset, n, flags);
}
static void
do_shm_barrier(sqlite3_file *f)
{
    own(f)->real->pMethods->xShmBarrier(own(f)->real);
}
static int
do_shm_unmap(sqlite3_file *f, int gone)
{
    return own(f)->real->pMethods->xShmUnmap(own(f)->real, gone);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = do_close,
                                           .xRead = do_read,
                                           .xWrite = do_write,
                                           .xTruncate = do_truncate,
                                           .xSync = do_sync,
                                           .xFileSize = do_size,
                                           .xLock = do_lock,
                                           .xUnlock = do_unlock,
                                           .xCheckReservedLock = do_reserved,
                                           .xFileControl = do_control,
                                           .xSectorSize = do_sector,
                                           .xDeviceCharacteristics = do_traits,
                                           .xShmMap = do_shm_map,
                                           .xShmLock = do_shm_lock,
                                           .xShmBarrier = do_shm_barrier,
                                           .xShmUnmap = do_shm_unmap};

static int
do_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    const char *name = own_name(path);
    int rc;

    (void)v;
    own(f)->real = (sqlite3_file *)(void *)(own(f) + 1);
    own(f)->inode = -1;
    rc = real_vfs->xOpen(real_vfs, path, own(f)->real, flags, out_flags);
    f->pMethods = own(f)->real->pMethods ? &methods : NULL;
    if (rc == SQLITE_OK && name) {
        own(f)->inode = find_inode(name);
        if (own(f)->inode < 0)
            own(f)->inode = note_create(name);
    }
    return rc;
}

static int
do_delete(sqlite3_vfs *v, const char *path, int sync_folder)
{
    int inode = find_inode(own_name(path));

    (void)v;
    if (inode >= 0) {
        struct op op = {.kind = OP_DELETE, .inode = inode};
        (void)snprintf(op.name, sizeof op.name, "%s", rec.names[inode]);
        rec.names[inode][0] = '\0';
        note(op, NULL); /* before the call, which also syncs the folder if it is asked to */
    }
    return real_vfs->xDelete(real_vfs, path, sync_folder && !rec.ended);
}

static int (*real_open_folder)(const char *, int *);

/* SQLite opens a folder to sync it and for nothing else. */
static int
on_open_folder(const char *path, int *fd)
{
    if (rec.syncing >= 0) {
        note_sync(rec.syncing);
        rec.syncing = -1;
    }
    note_folder_sync();
    return real_open_folder(path, fd);
}

static int
on_open(const char *path, int flags, mode_t mode)
{
    bool made = (flags & O_CREAT) && access(path, F_OK) != 0;
    int fd = gr_sys_real.open(path, flags, mode);

    if (fd >= 0 && made && own_name(path))
        (void)note_create(own_name(path));
    return fd;
}

/* The store itself syncs its folder only. */
static int
on_fsync(int fd)
{
    int got = rec.ended ? 0 : gr_sys_real.fsync(fd);

    if (rec.on && got == 0)
        note_folder_sync();
    return got;
}

void
diskvfs_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    GR_ASSERT(real_vfs && real_vfs->iVersion >= 3);
    vfs = *real_vfs;
    vfs.zName = "disk";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = do_open;
    vfs.xDelete = do_delete;
    real_open_folder = (int (*)(const char *, int *))real_vfs->xGetSystemCall(real_vfs, "openDirectory");
    GR_ASSERT(real_open_folder);
    (void)real_vfs->xSetSystemCall(real_vfs, "openDirectory", (sqlite3_syscall_ptr)on_open_folder);
    (void)sqlite3_vfs_register(&vfs, 1);
    gr_sys.open = on_open;
    gr_sys.fsync = on_fsync;
}

void
diskvfs_record(const char *folder, enum disk_lie lie)
{
    for (size_t i = 0; i < rec.count; i++)
        free(rec.ops[i].data);
    rec.count = 0;
    rec.inodes = 0;
    rec.lie = lie;
    rec.ended = false;
    (void)snprintf(rec.folder, sizeof rec.folder, "%s", folder);
    rec.on = true;
}

void
diskvfs_end(void)
{
    rec.on = false;
    rec.ended = true;
}

/* ---- playing ---- */

struct content {
    unsigned char *data;
    size_t n, cap;
};
struct entries { /* which inode a name leads to; -1: there is no such name */
    struct {
        char name[64];
        int inode;
    } list[FILES_MAX];
    size_t count;
};
struct disk_player {
    size_t at;
    struct content sure[FILES_MAX]; /* synced */
    struct entries names;           /* synced */
    size_t rest[65536];             /* operations that are not sure, in order */
    size_t rest_count;
};

static void
put(struct content *c, size_t at, const unsigned char *data, size_t n)
{
    if (at + n > c->cap) {
        c->cap = 2 * (at + n);
        c->data = realloc(c->data, c->cap);
        GR_ASSERT(c->data);
    }
    if (at > c->n)
        memset(c->data + c->n, 0, at - c->n); /* a hole */
    memcpy(c->data + at, data, n);
    if (at + n > c->n)
        c->n = at + n;
}

static void
resize(struct content *c, size_t n)
{
    static const unsigned char nothing = 0;

    if (n > c->n)
        put(c, n - 1, &nothing, 1);
    c->n = n;
}

static void
apply_content(struct content *c, const struct op *op)
{
    if (op->kind == OP_WRITE)
        put(c, op->at, op->data, op->n);
    else if (op->kind == OP_TRUNCATE)
        resize(c, op->n);
}

static void
apply_name(struct entries *e, const struct op *op)
{
    size_t i = 0;

    while (i < e->count && strcmp(e->list[i].name, op->name) != 0)
        i++;
    if (i == e->count) {
        GR_ASSERT(e->count < FILES_MAX);
        memcpy(e->list[e->count++].name, op->name, sizeof op->name);
    }
    e->list[i].inode = op->kind == OP_CREATE ? op->inode : -1;
}

static bool
about_names(const struct op *op)
{
    return op->kind == OP_CREATE || op->kind == OP_DELETE;
}

struct disk_player *
disk_player_create(void)
{
    return calloc(1, sizeof(struct disk_player));
}

void
disk_player_free(struct disk_player *p)
{
    for (size_t i = 0; p && i < FILES_MAX; i++)
        free(p->sure[i].data);
    free(p);
}

/* What a sync makes sure leaves the rest. */
static void
settle(struct disk_player *p, const struct op *sync)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->rest_count; i++) {
        const struct op *op = &rec.ops[p->rest[i]];
        if (sync->kind == OP_FOLDER_SYNC && about_names(op))
            apply_name(&p->names, op);
        else if (sync->kind == OP_SYNC && !about_names(op) && op->inode == sync->inode)
            apply_content(&p->sure[op->inode], op);
        else
            p->rest[kept++] = p->rest[i];
    }
    p->rest_count = kept;
}

bool
disk_player_step(struct disk_player *p)
{
    const struct op *op;

    if (p->at == rec.count)
        return false;
    op = &rec.ops[p->at];
    if (op->kind == OP_SYNC || op->kind == OP_FOLDER_SYNC) {
        settle(p, op);
    } else {
        GR_ASSERT(p->rest_count < GR_COUNT(p->rest));
        p->rest[p->rest_count++] = p->at;
    }
    p->at++;
    return true;
}

/* splitmix64: small, and the same everywhere. */
static uint64_t
dice(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void
apply_torn(struct content *c, const struct op *op, unsigned percent, uint64_t *seed)
{
    size_t end;

    for (size_t at = op->at; at < op->at + op->n; at = end) {
        end = (at / SECTOR + 1) * SECTOR;
        if (end > op->at + op->n)
            end = op->at + op->n;
        if (dice(seed) % 100 < percent)
            put(c, at, op->data + (at - op->at), end - at);
    }
}

static bool
write_out(const char *folder, const char *name, const struct content *c)
{
    char path[640];
    FILE *f;
    bool ok;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!(f = fopen(path, "wb")))
        return false;
    ok = c->n == 0 || fwrite(c->data, 1, c->n, f) == c->n;
    return fclose(f) == 0 && ok;
}

/* Names come and go in their order, as in a file system's journal, though not all of them; contents as the cut says. */
static void
survive(const struct disk_player *p, enum disk_cut cut, uint64_t *seed, struct content *files,
        struct entries *names)
{
    static const unsigned percents[] = {5, 30, 50, 70, 95};
    unsigned percent = cut == CUT_BARE   ? 0
                       : cut == CUT_KILL ? 100
                                         : percents[dice(seed) % GR_COUNT(percents)];
    size_t *order = malloc((p->rest_count + 1) * sizeof *order);

    GR_ASSERT(order);
    memcpy(order, p->rest, p->rest_count * sizeof *order);
    for (size_t i = 0; i < p->rest_count; i++)
        if (about_names(&rec.ops[order[i]]) && dice(seed) % 100 < percent)
            apply_name(names, &rec.ops[order[i]]);
    for (size_t i = p->rest_count; cut == CUT_SHUFFLED && i > 1; i--) {
        size_t k = (size_t)(dice(seed) % i), kept = order[k];
        order[k] = order[i - 1];
        order[i - 1] = kept;
    }
    for (size_t i = 0; i < p->rest_count; i++) {
        const struct op *op = &rec.ops[order[i]];
        if (about_names(op))
            continue;
        if (cut == CUT_SHUFFLED && op->kind == OP_WRITE)
            apply_torn(&files[op->inode], op, percent, seed);
        else if (dice(seed) % 100 < percent)
            apply_content(&files[op->inode], op);
    }
    free(order);
}

bool
disk_player_image(const struct disk_player *p, const char *folder, enum disk_cut cut, uint64_t seed)
{
    static const char *const all[] = {"store.db", "store.db-wal", "store.db-journal", "store.db-shm"};
    struct content files[FILES_MAX] = {{NULL, 0, 0}};
    struct entries names = p->names;
    char path[640];
    bool ok = true;

    for (int i = 0; i < rec.inodes; i++)
        if (p->sure[i].n)
            put(&files[i], 0, p->sure[i].data, p->sure[i].n);
    survive(p, cut, &seed, files, &names);
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, all[i]);
        (void)unlink(path); /* of the image before */
    }
    for (size_t i = 0; i < names.count && ok; i++)
        if (names.list[i].inode >= 0)
            ok = write_out(folder, names.list[i].name, &files[names.list[i].inode]);
    for (size_t i = 0; i < FILES_MAX; i++)
        free(files[i].data);
    return ok;
}
