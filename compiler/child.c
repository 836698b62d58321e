#include "config.h"
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "guardrail/base.h"

extern char **environ;

static int
direct(posix_spawn_file_actions_t *files, int out, int messages)
{
    int err = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (err == 0)
        err = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    if (err != 0)
        return err;
    return messages < 0 ? posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
                        : posix_spawn_file_actions_adddup2(files, messages, STDERR_FILENO);
}

static int
set_apart(posix_spawnattr_t *attr)
{
    sigset_t none;
    int err = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);

    (void)sigemptyset(&none); /* cannot fail */
    return err == 0 ? posix_spawnattr_setsigmask(attr, &none) : err;
}

int
child_start(const char *const *argv, int out, int messages, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    char *copy[CHILD_ARGUMENTS_MAX + 1];
    size_t n = 0;
    int err;

    for (; argv[n]; n++) {
        GR_ASSERT(n < CHILD_ARGUMENTS_MAX);
        memcpy(&copy[n], &argv[n],
               sizeof copy[n]); /* posix_spawn changes none, but its type says otherwise */
    }
    copy[n] = NULL;
    if ((err = posix_spawn_file_actions_init(&files)) != 0)
        return err;
    if ((err = posix_spawnattr_init(&attr)) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return err;
    }
    if ((err = direct(&files, out, messages)) == 0 && (err = set_apart(&attr)) == 0)
        err = posix_spawnp(pid, copy[0], &files, &attr, copy, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return err;
}
