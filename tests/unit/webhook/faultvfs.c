#include "config.h"
#include "faultvfs.h"

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

struct faultvfs faultvfs;

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
    bool database;      /* and not its log */
};
static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;

static sqlite3_file *
real(sqlite3_file *f)
{
    return ((struct file *)(void *)f)->real;
}
static int
do_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}
static int
do_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real(f)->pMethods->xRead(real(f), p, n, at);
}
/* Something on disk is about to change. */
static void
point(void)
{
    if (faultvfs.kill_at > 0 && --faultvfs.kill_at == 0)
        (void)kill(getpid(), SIGKILL);
}
static int
do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    point();
    return faultvfs.fail_write ? faultvfs.fail_write : real(f)->pMethods->xWrite(real(f), p, n, at);
}
static int
do_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    point();
    return real(f)->pMethods->xTruncate(real(f), n);
}
static int
do_sync(sqlite3_file *f, int flags)
{
    point();
    faultvfs.syncs++;
    if (faultvfs.fail_database_sync && ((struct file *)(void *)f)->database)
        return faultvfs.fail_database_sync;
    return faultvfs.fail_sync ? faultvfs.fail_sync : real(f)->pMethods->xSync(real(f), flags);
}
static int
do_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return real(f)->pMethods->xFileSize(real(f), n);
}
static int
do_lock(sqlite3_file *f, int l)
{
    return real(f)->pMethods->xLock(real(f), l);
}
static int
do_unlock(sqlite3_file *f, int l)
{
    return real(f)->pMethods->xUnlock(real(f), l);
}
static int
do_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
static int
do_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}
static int
do_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}
static int
do_traits(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int
do_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
static int
do_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
static void
do_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}
static int
do_shm_unmap(sqlite3_file *f, int gone)
{
    return real(f)->pMethods->xShmUnmap(real(f), gone);
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
do_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct file *file = (struct file *)(void *)f;
    int rc;

    (void)v;
    file->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    file->real = (sqlite3_file *)(void *)(file + 1);
    rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods ? &methods : NULL;
    return rc;
}

void
faultvfs_install(void)
{
    memset(&faultvfs, 0, sizeof faultvfs);
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "fault";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = do_open;
    (void)sqlite3_vfs_register(&vfs, 1);
}
