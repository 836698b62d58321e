/* sys.h - the system calls that can fail in an interesting way, as one table, so that tests can fail each in turn.
 *
 * Everything that allocates, writes, syncs, renames or locks goes through gr_sys. It is the one mutable global that
 * STYLE.md's rule against hidden globals lets in (docs/decisions.md): it is set up before main and only tests change it. */
#ifndef GUARDRAIL_SYS_H
#define GUARDRAIL_SYS_H
#include <stddef.h>
#include <sys/types.h>

struct statfs;
struct gr_sys {
    void *(*realloc)(void *p, size_t n); /* realloc(NULL, n) allocates; n is never 0 */
    void (*free)(void *p);
    int (*open)(const char *path, int flags, mode_t mode);
    int (*openat)(int dir, const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *p, size_t n);
    ssize_t (*write)(int fd, const void *p, size_t n);
    int (*fsync)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*flock)(int fd, int op);
    int (*statfs)(const char *path, struct statfs *out);
    int (*fallocate)(int fd, off_t n); /* blocks for the first n bytes; 0 or -1 with errno */
};
extern struct gr_sys gr_sys;
/* Tells the kernel that n bytes of fresh memory at p, if they are many, will all be used: it may then give them in large pages, with one page
 * fault where it would take hundreds. Only advice: nothing fails, errno is kept. */
void gr_sys_advise(void *p, size_t n);
/* The real calls, to put back after a test. */
extern const struct gr_sys gr_sys_real;
#endif
