#include "config.h"
#include "fault.h"

#include <errno.h>
#include <stdatomic.h>

#include "guardrail/sys.h"

static struct {
    enum fault_call call;
    unsigned nth; /* 0: never */
    bool sticky;
    int errnum;
} armed;
static atomic_uint counts[FAULT_CALLS];
static atomic_bool hit;
static atomic_long live;

/* Counts a call; true if it is to fail, with errno set. */
static bool
fails(enum fault_call call)
{
    unsigned n = atomic_fetch_add(&counts[call], 1) + 1;

    if (call != armed.call || armed.nth == 0 || n < armed.nth || (n > armed.nth && !armed.sticky))
        return false;
    atomic_store(&hit, true);
    errno = armed.errnum;
    return true;
}

static void *
fault_realloc(void *p, size_t n)
{
    void *got = fails(FAULT_REALLOC) ? NULL : gr_sys_real.realloc(p, n);

    if (!p && got)
        atomic_fetch_add(&live, 1);
    return got;
}

static void
fault_free(void *p)
{
    if (p)
        atomic_fetch_sub(&live, 1);
    gr_sys_real.free(p);
}

static int
fault_open(const char *path, int flags, mode_t mode)
{
    return fails(FAULT_OPEN) ? -1 : gr_sys_real.open(path, flags, mode);
}

static int
fault_openat(int dir, const char *path, int flags, mode_t mode)
{
    return fails(FAULT_OPEN) ? -1 : gr_sys_real.openat(dir, path, flags, mode);
}

static int
fault_close(int fd)
{
    bool failed = fails(FAULT_CLOSE);
    int got = gr_sys_real.close(fd);

    if (failed)
        errno = armed.errnum;
    return failed ? -1 : got;
}

static ssize_t
fault_read(int fd, void *p, size_t n)
{
    if (!fails(FAULT_READ))
        return gr_sys_real.read(fd, p, n);
    return armed.errnum == FAULT_SHORT ? gr_sys_real.read(fd, p, n > 0) : -1;
}

static ssize_t
fault_write(int fd, const void *p, size_t n)
{
    if (!fails(FAULT_WRITE))
        return gr_sys_real.write(fd, p, n);
    return armed.errnum == FAULT_SHORT ? gr_sys_real.write(fd, p, n > 0) : -1;
}

static int
fault_fsync(int fd)
{
    return fails(FAULT_FSYNC) ? -1 : gr_sys_real.fsync(fd);
}

static int
fault_rename(const char *from, const char *to)
{
    return fails(FAULT_RENAME) ? -1 : gr_sys_real.rename(from, to);
}

static int
fault_unlink(const char *path)
{
    return fails(FAULT_UNLINK) ? -1 : gr_sys_real.unlink(path);
}

static int
fault_mkdir(const char *path, mode_t mode)
{
    return fails(FAULT_MKDIR) ? -1 : gr_sys_real.mkdir(path, mode);
}

static int
fault_flock(int fd, int op)
{
    return fails(FAULT_FLOCK) ? -1 : gr_sys_real.flock(fd, op);
}

static int
fault_statfs(const char *path, struct statfs *out)
{
    return fails(FAULT_STATFS) ? -1 : gr_sys_real.statfs(path, out);
}

static int
fault_fallocate(int fd, off_t n)
{
    return fails(FAULT_FALLOCATE) ? -1 : gr_sys_real.fallocate(fd, n);
}

void
fault_arm(enum fault_call call, unsigned nth, bool sticky, int errnum)
{
    armed.call = call;
    armed.nth = nth;
    armed.sticky = sticky;
    armed.errnum = errnum;
    for (int i = 0; i < FAULT_CALLS; i++)
        atomic_store(&counts[i], 0);
    atomic_store(&hit, false);
    atomic_store(&live, 0);
    gr_sys = (struct gr_sys){
        .realloc = fault_realloc,
        .free = fault_free,
        .open = fault_open,
        .openat = fault_openat,
        .close = fault_close,
        .read = fault_read,
        .write = fault_write,
        .fsync = fault_fsync,
        .rename = fault_rename,
        .unlink = fault_unlink,
        .mkdir = fault_mkdir,
        .flock = fault_flock,
        .statfs = fault_statfs,
        .fallocate = fault_fallocate,
    };
}

void
fault_watch(void)
{
    fault_arm(FAULT_REALLOC, 0, false, 0);
}

void
fault_off(void)
{
    gr_sys = gr_sys_real;
}

unsigned
fault_count(enum fault_call call)
{
    return atomic_load(&counts[call]);
}

bool
fault_hit(void)
{
    return atomic_load(&hit);
}

long
fault_live(void)
{
    return atomic_load(&live);
}
