#include "config.h"
#include "gitread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "guardrail/sys.h"

/* ---- one run of git ---- */

static int64_t
monotonic_ms(void)
{
    struct timespec t;

    return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 : 0;
}

/* Up to the end of file, the deadline or the ceiling of out. */
static enum gr_err
drain(int fd, struct gr_buf *out, int64_t deadline_ms)
{
    char part[16384];

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = deadline_ms - monotonic_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        ssize_t n;

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready == 0 ? GR_ETIMEOUT : GR_EIO;
        if ((n = gr_sys.read(fd, part, sizeof part)) < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? GR_OK : GR_EIO;
        gr_buf_put(out, (struct gr_str){part, (size_t)n});
        if (gr_buf_err(out) != GR_OK)
            return gr_buf_err(out);
    }
}

static int
wait_for(pid_t pid)
{
    int status = 0;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* GR_OK and its exit status (127: there is no git); GR_ELIMIT, GR_ETIMEOUT, GR_ENOMEM, GR_EIO: it was killed. */
static enum gr_err
run(const char *const *argv, struct gr_buf *out, int *status)
{
    int ends[2], err;
    pid_t pid;
    enum gr_err result;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return GR_EIO;
    err = child_start(argv, ends[1], -1, &pid);
    (void)close(ends[1]);
    if (err != 0) {
        (void)close(ends[0]);
        *status = 127;
        return err == ENOENT || err == EACCES ? GR_OK : err == ENOMEM ? GR_ENOMEM : GR_EIO;
    }
    result = drain(ends[0], out, monotonic_ms() + GIT_TIMEOUT_MS);
    (void)close(ends[0]);
    if (result != GR_OK)
        (void)kill(-pid, SIGKILL);
    *status = wait_for(pid);
    return result;
}

/* ---- a revision ---- */

/* What a revision may look like: nothing that git reads as an option, a range or a path. */
static bool
plain(const char *revision)
{
    size_t n = strlen(revision);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)revision[i] <= 0x20 || revision[i] == 0x7f || revision[i] == ':')
            return false;
    return n > 0 && n < 1000 && revision[0] != '-' && !strstr(revision, "..");
}

static bool
is_hex(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return s.n >= 40 && s.n <= GIT_COMMIT_MAX;
}

static enum git_answer
resolve(struct git_revision *g, const char *revision)
{
    struct gr_buf name = GR_BUF_INIT(2000), out = GR_BUF_INIT(1000);
    const char *argv[] = {"git", "-C", g->folder.p, "rev-parse", "--verify", "--quiet", "--end-of-options",
                          "",    NULL};
    enum git_answer answer = GIT_MACHINE;
    struct gr_str commit;
    int status = 0;

    gr_buf_printf(&name, "%s^{commit}", revision);
    if (gr_buf_err(&name) != GR_OK)
        goto done;
    argv[7] = name.p;
    if (run(argv, &out, &status) != GR_OK)
        goto done;
    commit = gr_str_trim(gr_buf_str(&out));
    answer = status == 0 && is_hex(commit) ? GIT_OK
             : status == 127               ? GIT_NO_PROGRAM
             : status == 1                 ? GIT_NO_REVISION
                                           : GIT_NO_REPOSITORY;
    if (answer == GIT_OK) {
        memcpy(g->commit, commit.p, commit.n);
        g->commit[commit.n] = '\0';
    }
done:
    gr_buf_fini(&name);
    gr_buf_fini(&out);
    return answer;
}

enum git_answer
git_resolve(struct git_revision *g, const char *spec, const char *revision)
{
    const char *slash = strrchr(spec, '/');

    *g = (struct git_revision){.folder = GR_BUF_INIT(PATH_MAX), .prefix = GR_BUF_INIT(2000)};
    if (!plain(revision))
        return GIT_BAD_REVISION;
    if (slash)
        gr_buf_put(&g->folder, (struct gr_str){spec, slash == spec ? 1 : (size_t)(slash - spec)});
    else
        gr_buf_puts(&g->folder, ".");
    gr_buf_printf(&g->prefix, "%s:", revision);
    if (gr_buf_err(&g->folder) != GR_OK || gr_buf_err(&g->prefix) != GR_OK)
        return GIT_MACHINE;
    return resolve(g, revision);
}

void
git_fini(struct git_revision *g)
{
    gr_buf_fini(&g->folder);
    gr_buf_fini(&g->prefix);
}

/* ---- reading ---- */

/* The next component of a path, "." and empty ones passed over; false at its end. */
static bool
component(struct gr_str *rest, struct gr_str *out)
{
    while (gr_str_next(rest, '/', out))
        if (out->n > 0 && !gr_str_is(*out, "."))
            return true;
    *out = GR_STR_NONE;
    return false;
}

/* path as git finds it from the specification's folder: "../base.yml" from "overlays" to "base.yml". Both are relative to the working
 * folder, or both absolute. GR_ENOENT: there is no such way that can be told from the text. */
static enum gr_err
put_relative(struct gr_str folder, struct gr_str path, struct gr_buf *b)
{
    bool absolute = folder.n > 0 && folder.p[0] == '/';
    struct gr_str a, c;
    bool more = true, have;

    if (path.n == 0 || absolute != (path.p[0] == '/'))
        return GR_ENOENT;
    have = component(&path, &c);
    while ((more = component(&folder, &a)) && have && gr_str_eq(a, c))
        have = component(&path, &c);
    for (; more; more = component(&folder, &a)) {
        if (gr_str_is(a, ".."))
            return GR_ENOENT;
        gr_buf_puts(b, "../");
    }
    for (bool first = true; have; have = component(&path, &c), first = false)
        gr_buf_printf(b, "%s" GR_FMT, first ? "" : "/", GR_ARG(c));
    return gr_buf_err(b);
}

static enum gr_err
read_blob(void *context, const char *path, bool named, struct gr_buf *text)
{
    const struct git_revision *g = context;
    struct gr_buf object = GR_BUF_INIT(PATH_MAX + 100), out = GR_BUF_INIT(text->max);
    const char *argv[] = {"git", "-C", g->folder.p, "cat-file", "blob", "", NULL};
    enum gr_err err;
    int status = 0;

    (void)named; /* git shows what is a file, and nothing else */
    gr_buf_printf(&object, "%s:./", g->commit);
    if ((err = put_relative(gr_buf_str(&g->folder), gr_str(path), &object)) != GR_OK)
        goto done;
    argv[5] = object.p;
    err = run(argv, &out, &status);
    if (err == GR_OK && status != 0)
        err = GR_ENOENT;
    if (err == GR_OK) {
        gr_buf_put(text, gr_buf_str(&out));
        err = gr_buf_err(text);
    }
done:
    gr_buf_fini(&object);
    gr_buf_fini(&out);
    return err;
}

static const char *
why_not(void *context, const char *path, enum gr_err err)
{
    (void)context;
    (void)path;
    return err == GR_ENOENT ? "the revision has no such file" : gr_err_name(err);
}

struct load_reader
git_reader(struct git_revision *g)
{
    return (struct load_reader){.read = read_blob, .why = why_not, .context = g, .prefix = g->prefix.p};
}
