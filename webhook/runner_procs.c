#include "config.h"
#include "runner_procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guardrail/number.h"
#include "runner_wire.h"

void
procs_default_signals(void)
{
    /* The kernel's struct sigaction, all zero: SIG_DFL, no flags, no mask. libc's own sigaction() refuses the signals it keeps for
     * itself (32, 33), which a parent that is no C program may have left ignored. */
    static const unsigned long plain[8];
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++)
        (void)syscall(SYS_rt_sigaction, signal, plain, NULL,
                      (size_t)(NSIG - 1) / 8); /* not for KILL and STOP */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int
procs_signal_fd(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* /proc/<pid>/stat: "pid (name) state ppid …"; the name may hold anything, so the last ')' counts. */
static bool
is_living_child(int proc, const char *pid, pid_t parent)
{
    char path[64], text[512];
    struct gr_str s, state, ppid;
    const char *end;
    int64_t value;
    ssize_t n;
    int fd;

    if (strlen(pid) > 32)
        return false;
    memcpy(path, pid, strlen(pid));
    memcpy(path + strlen(pid), "/stat", sizeof "/stat");
    if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) < 0)
        return false; /* it ended meanwhile */
    n = read(fd, text, sizeof text);
    (void)close(fd);
    if (n <= 0 || !(end = memrchr(text, ')', (size_t)n)) || end + 2 >= text + n)
        return false;
    s = (struct gr_str){end + 2, (size_t)(text + n - (end + 2))};
    return gr_str_next(&s, ' ', &state) && gr_str_next(&s, ' ', &ppid) && !gr_str_is(state, "Z") &&
           !gr_str_is(state, "X") && gr_parse_i64(ppid, 0, INT32_MAX, &value) == GR_OK && value == parent;
}

static bool
is_spared(int64_t pid, const pid_t *spare, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spare[i] == pid)
            return true;
    return false;
}

size_t
procs_kill_children(const pid_t *spare, size_t count)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int64_t pid;
    size_t killed = 0;

    if (!dir)
        return 0;
    while ((entry = readdir(dir)))
        if (gr_parse_i64(gr_str(entry->d_name), 1, INT32_MAX, &pid) == GR_OK &&
            !is_spared(pid, spare, count) && is_living_child(dirfd(dir), entry->d_name, getpid())) {
            (void)kill((pid_t)pid, SIGKILL); /* a child of ours, not reaped: the number cannot be another's */
            killed++;
        }
    (void)closedir(dir);
    return killed;
}

/* A killed child's children become ours a moment later: look again until the system says that there is none. */
bool
procs_end_children(int64_t limit_ms)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    int64_t deadline = wire_now_ms() + limit_ms;

    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid > 0 || (pid < 0 && errno == EINTR))
            continue;
        if (pid < 0)
            return true; /* ECHILD */
        if (wire_now_ms() >= deadline)
            return false;
        (void)procs_kill_children(NULL, 0);
        (void)nanosleep(&pause, NULL);
    }
}
