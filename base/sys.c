#include "config.h"
#include "guardrail/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* open and openat are variadic in libc, so the table cannot point at them directly. */
static int
real_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static int
real_openat(int dir, const char *path, int flags, mode_t mode)
{
    return openat(dir, path, flags, mode);
}

/* posix_fallocate gives its error as the result. */
static int
real_fallocate(int fd, off_t n)
{
    int error = posix_fallocate(fd, 0, n);

    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

#define REAL_CALLS                                                                                           \
    {                                                                                                        \
        .realloc = realloc, .free = free, .open = real_open, .openat = real_openat, .close = close,          \
        .read = read, .write = write, .fsync = fsync, .rename = rename, .unlink = unlink, .mkdir = mkdir,    \
        .flock = flock, .statfs = statfs, .fallocate = real_fallocate,                                       \
    }

#define LARGE_BYTES                                                                                          \
    ((size_t)4 << 20) /* two large pages of x86-64 and arm64: one of them at least lies within */
#define PAGE_BYTES                                                                                           \
    ((size_t)4096) /* the smallest there is; madvise() refuses what is not aligned to a larger one */

void
gr_sys_advise(void *p, size_t n)
{
#ifdef MADV_HUGEPAGE
    size_t skip = (PAGE_BYTES - (uintptr_t)p % PAGE_BYTES) % PAGE_BYTES;
    int saved = errno;

    if (n < LARGE_BYTES)
        return;
    (void)madvise((char *)p + skip, (n - skip) / PAGE_BYTES * PAGE_BYTES, MADV_HUGEPAGE);
    errno = saved;
#else
    (void)p;
    (void)n;
#endif
}

struct gr_sys gr_sys = REAL_CALLS;
const struct gr_sys gr_sys_real = REAL_CALLS;
