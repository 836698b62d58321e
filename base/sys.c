#include "config.h"
#include "guardrail/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
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

#define REAL_CALLS                                                                                           \
    {                                                                                                        \
        .realloc = realloc, .free = free, .open = real_open, .openat = real_openat, .close = close,          \
        .read = read, .write = write, .fsync = fsync, .rename = rename, .unlink = unlink, .mkdir = mkdir,    \
        .flock = flock,                                                                                      \
    }

struct gr_sys gr_sys = REAL_CALLS;
const struct gr_sys gr_sys_real = REAL_CALLS;
