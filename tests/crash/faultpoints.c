/* faultpoints.c - linked into guardraild-fault and nothing else: counts the points at which a crash could matter, and dies there.
 *
 * The calls that change something outside the process are defined here, before libc's: writes and syncs of files (also those that
 * SQLite makes), names that come and go, messages on sockets, programs that are forked and executed. Each is a point before it
 * and, where the moment after it counts too, one after it. The shipped guardraild knows nothing of this.
 *   GR_FAULT_FILE   where struct shared is kept (made by the driver, zero-filled): counts of points, by kind
 *   GR_FAULT_AT     the point at which the daemon is killed with SIGKILL; 0 or unset: never
 *   GR_FAULT_CLOCK  seconds by which the wall clock is ahead: the rules that count hours need no hours
 * A point in a child (the runner and what it forks) kills the daemon, then that child. */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE, TRUNCATE, SYNC, RENAME, UNLINK, SEND, FORK, EXEC, KINDS };
/* Read by crash.py: 64-bit words in this order. */
struct shared {
    atomic_uint_fast64_t points, hit, kinds[KINDS];
};

static struct shared *shared;
static uint64_t fatal;
static pid_t victim;
static int64_t ahead_s;

static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_ftruncate64)(int, off64_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static pid_t (*real_fork)(void);
static int (*real_execve)(const char *, char *const *, char *const *);
static int (*real_execv)(const char *, char *const *);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

#define REAL(name) (*(void **)(&real_##name) = dlsym(RTLD_NEXT, #name))

static int64_t
env_number(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoll(text, NULL, 10) : 0;
}

/* Libraries call before our constructor has run. */
static void
resolve(void)
{
    if (real_clock_gettime)
        return;
    REAL(fdatasync);
    REAL(fsync);
    REAL(rename);
    REAL(unlink);
    REAL(ftruncate64);
    REAL(pwrite64);
    REAL(send);
    REAL(sendmsg);
    REAL(fork);
    REAL(execve);
    REAL(execv);
    REAL(clock_gettime);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("GR_FAULT_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *p;

    fatal = (uint64_t)env_number("GR_FAULT_AT");
    ahead_s = env_number("GR_FAULT_CLOCK");
    victim = getpid();
    resolve();
    if (fd < 0)
        return;
    p = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        shared = p;
    (void)close(fd);
}

static void
point(enum kind kind)
{
    resolve();
    if (!shared)
        return;
    atomic_fetch_add(&shared->kinds[kind], 1);
    if (atomic_fetch_add(&shared->points, 1) + 1 != fatal)
        return;
    atomic_store(&shared->hit, (uint_fast64_t)kind + 1);
    (void)kill(victim, SIGKILL);
    if (getpid() != victim)
        (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause(); /* the signal is on its way */
}

int
fdatasync(int fd)
{
    int got;

    point(SYNC);
    got = real_fdatasync(fd);
    point(SYNC);
    return got;
}

int
fsync(int fd)
{
    int got;

    point(SYNC);
    got = real_fsync(fd);
    point(SYNC);
    return got;
}

int
rename(const char *from, const char *to)
{
    int got;

    point(RENAME);
    got = real_rename(from, to);
    point(RENAME);
    return got;
}

int
unlink(const char *path)
{
    point(UNLINK);
    return real_unlink(path);
}

int
ftruncate64(int fd, off64_t n)
{
    point(TRUNCATE);
    return real_ftruncate64(fd, n);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    point(WRITE);
    return real_pwrite64(fd, p, n, at);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
    ssize_t got;

    point(SEND);
    got = real_send(fd, p, n, flags);
    point(SEND);
    return got;
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
    ssize_t got;

    point(SEND);
    got = real_sendmsg(fd, m, flags);
    point(SEND);
    return got;
}

pid_t
fork(void)
{
    pid_t pid;

    point(FORK);
    pid = real_fork();
    point(FORK);
    return pid;
}

int
execve(const char *path, char *const *argv, char *const *envp)
{
    point(EXEC);
    return real_execve(path, argv, envp);
}

int
execv(const char *path, char *const *argv)
{
    point(EXEC);
    return real_execv(path, argv);
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
    int got;

    resolve();
    got = real_clock_gettime(clock, out);
    if (got == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += (time_t)ahead_s;
    return got;
}

/* Its deadlines are counted on our clock. */
int
pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    struct timespec ts = *until, wall, mono;

    (void)real_clock_gettime(CLOCK_REALTIME, &wall);
    (void)real_clock_gettime(CLOCK_MONOTONIC, &mono);
    /* Conditions of the store count on the monotonic clock, whose numbers are far from the wall's. */
    if (llabs((long long)ts.tv_sec - (long long)mono.tv_sec) < 86400)
        return pthread_cond_clockwait(c, m, CLOCK_MONOTONIC, &ts);
    ts.tv_sec -= (time_t)ahead_s;
    return pthread_cond_clockwait(c, m, CLOCK_REALTIME, &ts);
}
