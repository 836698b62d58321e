#include "config.h"
#include "guardrail/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardrail/sys.h"

static int
open_retry(const char *path, int flags, mode_t mode)
{
    int fd;

    do
        fd = gr_sys.open(path, flags, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Appends all that fd still gives. On failure the content of b is as before. */
static enum gr_err
read_all(int fd, struct gr_buf *b)
{
    size_t before = b->n;
    char part[16384];
    enum gr_err err = GR_OK;
    ssize_t n;

    do {
        if ((n = gr_sys.read(fd, part, sizeof part)) > 0)
            gr_buf_put(b, (struct gr_str){part, (size_t)n});
        if (n < 0 && errno != EINTR)
            err = GR_EIO;
        else
            err = gr_buf_err(b);
    } while (err == GR_OK && n != 0);
    if (err != GR_OK)
        gr_buf_cut(b, before);
    explicit_bzero(part, sizeof part); /* it may have been a secret */
    return err;
}

/* Whether a file of this kind is read. Standard input may be anything: whoever started us has opened it. */
static enum gr_err
check_readable_kind(int fd, const struct stat *st)
{
    if (S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode) || (S_ISCHR(st->st_mode) && isatty(fd)))
        return GR_OK;
    errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
    return GR_EIO;
}

enum gr_err
gr_file_read(const char *path, struct gr_buf *b)
{
    struct stat st;
    enum gr_err err;
    int fd;

    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, b);
    if ((fd = open_retry(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0)) < 0)
        return gr_err_from_errno(errno);
    err = fstat(fd, &st) == 0 ? check_readable_kind(fd, &st) : GR_EIO;
    if (err == GR_OK)
        err = read_all(fd, b);
    (void)gr_sys.close(fd); /* nothing was written: closing has nothing to lose */
    return err;
}

/* O_NONBLOCK, so that a pipe in the file's place is refused and not waited for. */
enum gr_err
gr_file_read_private(const char *path, struct gr_buf *b)
{
    size_t before = b->n;
    struct stat st;
    enum gr_err err;
    int fd;

    if ((fd = open_retry(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0)) < 0)
        return gr_err_from_errno(errno);
    if (fstat(fd, &st) != 0)
        err = GR_EIO;
    else if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        err = GR_EACCES;
    else
        err = read_all(fd, b);
    (void)gr_sys.close(fd);
    if (err == GR_OK && b->n > before && b->p[b->n - 1] == '\n')
        gr_buf_cut(b, b->n - 1);
    if (err == GR_OK && b->n > before && b->p[b->n - 1] == '\r')
        gr_buf_cut(b, b->n - 1);
    return err;
}

static enum gr_err
write_all(int fd, struct gr_str s)
{
    while (s.n > 0) {
        ssize_t n = gr_sys.write(fd, s.p, s.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? gr_err_from_errno(errno) : GR_EIO;
        s = gr_str_sub(s, (size_t)n, s.n);
    }
    return GR_OK;
}

/* Leftovers of killed processes can stand in the way; more than this many of one process id is no accident. */
#define TEMP_TRIES 100

/* Creates "<path>.tmp-<pid>-<n>", its name goes to `name`. */
static enum gr_err
open_temp(const char *path, struct gr_buf *name, int *fd)
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        gr_buf_reset(name);
        gr_buf_printf(name, "%s.tmp-%ld-%d", path, (long)getpid(), i);
        if (gr_buf_err(name) != GR_OK)
            return gr_buf_err(name);
        *fd = open_retry(name->p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (*fd >= 0)
            return GR_OK;
        if (errno != EEXIST)
            break;
    }
    return gr_err_from_errno(errno);
}

/* The folder is opened before anything is changed, so that only its fsync can fail after the rename. */
static enum gr_err
open_folder(const char *path, struct gr_buf *name, int *fd)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        gr_buf_puts(name, ".");
    else
        gr_buf_put(name, (struct gr_str){path, slash == path ? 1 : (size_t)(slash - path)});
    if (gr_buf_err(name) != GR_OK)
        return gr_buf_err(name);
    *fd = open_retry(name->p, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return *fd >= 0 ? GR_OK : gr_err_from_errno(errno);
}

/* Writes and closes the temporary file; fd is closed either way. EINTR from fsync or close is a failure like any other:
 * what became of the data is not known then. */
static enum gr_err
fill(int fd, struct gr_str content, mode_t mode)
{
    enum gr_err err = write_all(fd, content);

    if (err == GR_OK && (fchmod(fd, mode) != 0 || gr_sys.fsync(fd) != 0))
        err = errno == ENOSPC || errno == EDQUOT ? GR_ENOSPC : GR_EIO;
    if (gr_sys.close(fd) != 0 && err == GR_OK)
        err = errno == ENOSPC || errno == EDQUOT ? GR_ENOSPC : GR_EIO;
    return err;
}

enum gr_err
gr_file_write(const char *path, struct gr_str content, mode_t mode)
{
    struct gr_buf temp = GR_BUF_INIT(PATH_MAX), folder = GR_BUF_INIT(PATH_MAX);
    int folder_fd = -1, fd = -1;
    enum gr_err err;

    if ((err = open_folder(path, &folder, &folder_fd)) != GR_OK)
        goto done;
    if ((err = open_temp(path, &temp, &fd)) != GR_OK)
        goto done;
    if ((err = fill(fd, content, mode)) != GR_OK)
        goto drop_temp;
    if (gr_sys.rename(temp.p, path) != 0) {
        err = gr_err_from_errno(errno);
        goto drop_temp;
    }
    if (gr_sys.fsync(folder_fd) != 0)
        err = GR_EIO; /* the new content stands, but a power cut may bring the old one back */
    goto done;
drop_temp:
    (void)gr_sys.unlink(temp.p); /* the failure to report is the one before */
done:
    if (folder_fd >= 0)
        (void)gr_sys.close(folder_fd);
    gr_buf_fini(&temp);
    gr_buf_fini(&folder);
    return err;
}

static enum gr_err
make_one(const char *path)
{
    struct stat st;
    int errnum;

    if (gr_sys.mkdir(path, 0755) == 0)
        return GR_OK;
    errnum = errno;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? GR_OK : GR_EEXIST;
    return gr_err_from_errno(errnum);
}

enum gr_err
gr_dir_make(const char *path)
{
    struct gr_buf part = GR_BUF_INIT(PATH_MAX);
    enum gr_err err = GR_OK;

    for (const char *p = path; *p && err == GR_OK;) {
        const char *end = p + strspn(p, "/");

        end += strcspn(end, "/");
        gr_buf_put(&part, (struct gr_str){p, (size_t)(end - p)});
        if ((err = gr_buf_err(&part)) == GR_OK)
            err = make_one(part.p);
        p = end;
    }
    gr_buf_fini(&part);
    return err;
}
