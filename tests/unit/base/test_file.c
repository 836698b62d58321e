#include "config.h"
#include "guardrail/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fault.h"
#include "guardrail/sys.h"
#include "test_base.h"

static char folder[] = "test_file-XXXXXX";

/* Every test runs inside a fresh folder of its own. */
static void
enter(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    umask(022);
}

static void
empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ck_assert_int_eq(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    closedir(dir);
}

static void
leave(void)
{
    fault_off();
    empty_folder(".");
    ck_assert_int_eq(chdir(".."), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static int
entries(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    int n = -2; /* . and .. */

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        n++;
    closedir(dir);
    return n;
}

static void
expect_content(const char *path, const char *want)
{
    struct gr_buf b = GR_BUF_INIT(1000);

    ck_assert_int_eq(gr_file_read(path, &b), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&b), want);
    gr_buf_fini(&b);
}

static void
put(const char *path, const char *content, mode_t mode)
{
    ck_assert_int_eq(gr_file_write(path, gr_str(content), mode), GR_OK);
}

START_TEST(writes_and_reads_back)
{
    struct stat st;

    put("f", "one", 0644);
    expect_content("f", "one");
    ck_assert_int_eq(stat("f", &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0644);
    put("f", "", 0600);
    expect_content("f", "");
    ck_assert_int_eq(stat("f", &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    put("./f", "two", 0600);
    expect_content("./f", "two");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(the_old_file_is_replaced_not_rewritten)
{
    struct gr_buf b = GR_BUF_INIT(100);
    int fd;

    put("f", "old", 0644);
    fd = open("f", O_RDONLY | O_CLOEXEC);
    put("f", "new", 0644);
    gr_buf_printf(&b, "/proc/self/fd/%d", fd);
    expect_content(gr_buf_cstr(&b), "old"); /* who has it open keeps reading the old one */
    expect_content("f", "new");
    close(fd);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(each_write_syncs_file_and_folder_once)
{
    fault_watch();
    put("f", "durable", 0644);
    ck_assert_uint_eq(fault_count(FAULT_FSYNC), 2);
    ck_assert_uint_eq(fault_count(FAULT_OPEN), 2);
    ck_assert_uint_eq(fault_count(FAULT_CLOSE), 2);
    ck_assert_uint_eq(fault_count(FAULT_WRITE), 1);
    ck_assert_uint_eq(fault_count(FAULT_RENAME), 1);
    ck_assert_uint_eq(fault_count(FAULT_UNLINK), 0);
    fault_off();
    ck_assert_int_eq(fault_live(), 0);
}
END_TEST

/* Which calls a write makes, and how the file fares when the nth fails. The folder's fsync and close come after the
 * rename: by then the new content stands. */
static const struct {
    enum fault_call call;
    unsigned nth;
    int errnum;
    enum gr_err want;
    bool replaced;
} faults[] = {
    {FAULT_OPEN, 1, EACCES, GR_EACCES, false},    {FAULT_OPEN, 2, EACCES, GR_EACCES, false},
    {FAULT_OPEN, 2, EROFS, GR_EACCES, false},     {FAULT_OPEN, 1, EMFILE, GR_EAGAIN, false},
    {FAULT_WRITE, 1, ENOSPC, GR_ENOSPC, false},   {FAULT_WRITE, 1, EIO, GR_EIO, false},
    {FAULT_FSYNC, 1, EIO, GR_EIO, false},         {FAULT_FSYNC, 1, ENOSPC, GR_ENOSPC, false},
    {FAULT_FSYNC, 1, EINTR, GR_EIO, false},       {FAULT_FSYNC, 2, EIO, GR_EIO, true},
    {FAULT_CLOSE, 1, EIO, GR_EIO, false},         {FAULT_CLOSE, 1, EDQUOT, GR_ENOSPC, false},
    {FAULT_CLOSE, 2, EIO, GR_OK, true},           {FAULT_RENAME, 1, EACCES, GR_EACCES, false},
    {FAULT_RENAME, 1, EXDEV, GR_EIO, false},      {FAULT_REALLOC, 1, ENOMEM, GR_ENOMEM, false},
    {FAULT_REALLOC, 2, ENOMEM, GR_ENOMEM, false},
};

static void
check_fault(size_t i, bool sticky)
{
    enum gr_err err;

    put("f", "old", 0644);
    fault_arm(faults[i].call, faults[i].nth, sticky, faults[i].errnum);
    err = gr_file_write("f", GR_STR("new"), 0644);
    ck_assert(fault_hit());
    fault_off();
    ck_assert_int_eq(fault_live(), 0);
    ck_assert_msg(err == faults[i].want, "gave %s", gr_err_name(err));
    expect_content("f", faults[i].replaced ? "new" : "old");
    ck_assert_int_eq(entries(), 1); /* no temporary file */
}

START_TEST(a_failed_write_leaves_the_target)
{
    check_fault((size_t)_i, false);
    check_fault((size_t)_i, true);
}
END_TEST

/* Nothing more than the rows above can fail: each kind of call is counted in each_write_syncs_file_and_folder_once. */
START_TEST(interrupted_and_short_writes_go_on)
{
    fault_arm(FAULT_WRITE, 1, false, EINTR);
    put("f", "interrupted", 0644);
    ck_assert_uint_eq(fault_count(FAULT_WRITE), 2);
    fault_off();
    expect_content("f", "interrupted");
    fault_arm(FAULT_WRITE, 1, true, FAULT_SHORT);
    put("f", "byte by byte", 0644);
    ck_assert_uint_eq(fault_count(FAULT_WRITE), 12);
    fault_off();
    expect_content("f", "byte by byte");
    fault_arm(FAULT_OPEN, 1, false, EINTR);
    put("f", "opened again", 0644);
    fault_off();
    expect_content("f", "opened again");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(a_leftover_does_not_stop_a_write)
{
    struct gr_buf b = GR_BUF_INIT(100);

    for (int i = 0; i < 2; i++) {
        gr_buf_reset(&b);
        gr_buf_printf(&b, "f.tmp-%ld-%d", (long)getpid(), i);
        close(open(gr_buf_cstr(&b), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    put("f", "x", 0644);
    expect_content("f", "x");
    ck_assert_int_eq(entries(), 3); /* what others left is not ours to remove */
    fault_arm(FAULT_OPEN, 2, true, EEXIST);
    ck_assert_int_eq(gr_file_write("f", GR_STR("y"), 0644), GR_EEXIST);
    ck_assert_uint_eq(fault_count(FAULT_OPEN), 101); /* the folder, then a bounded number of names */
    fault_off();
    expect_content("f", "x");
    gr_buf_fini(&b);
}
END_TEST

START_TEST(endless_paths_are_refused)
{
    struct gr_buf path = GR_BUF_INIT(10000);

    gr_buf_printf(&path, "%05000d", 0);
    ck_assert_int_eq(gr_file_write(gr_buf_cstr(&path), GR_STR("x"), 0644), GR_ELIMIT);
    ck_assert_int_eq(gr_dir_make(gr_buf_cstr(&path)), GR_ELIMIT);
    path.p[4900] = '/';
    ck_assert_int_eq(gr_file_write(gr_buf_cstr(&path), GR_STR("x"), 0644), GR_ELIMIT);
    gr_buf_cut(&path, 300); /* a single name may have 255 bytes */
    ck_assert_int_eq(gr_file_write(gr_buf_cstr(&path), GR_STR("x"), 0644), GR_ELIMIT);
    ck_assert_int_eq(gr_dir_make(gr_buf_cstr(&path)), GR_ELIMIT);
    ck_assert_int_eq(entries(), 0);
    gr_buf_fini(&path);
}
END_TEST

START_TEST(writing_needs_the_folder)
{
    ck_assert_int_eq(gr_file_write("none/f", GR_STR("x"), 0644), GR_ENOENT);
    put("f", "x", 0644);
    ck_assert_int_eq(gr_file_write("f/g", GR_STR("x"), 0644), GR_ENOENT);
    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_ne(gr_file_write("d", GR_STR("x"), 0644), GR_OK);
    ck_assert_int_eq(entries(), 2);
    ck_assert_int_eq(rmdir("d"), 0);
}
END_TEST

/* _i: the limit, around the size of the file, 5. */
START_TEST(reading_is_limited)
{
    struct gr_buf b = GR_BUF_INIT((size_t)_i + 2);
    enum gr_err err;

    put("f", "12345", 0644);
    gr_buf_puts(&b, "ab");
    err = gr_file_read("f", &b);
    ck_assert_int_eq(err, _i >= 5 ? GR_OK : GR_ELIMIT);
    ck_assert_str_eq(gr_buf_cstr(&b), _i >= 5 ? "ab12345" : "ab");
    gr_buf_fini(&b);
}
END_TEST

START_TEST(large_files_are_read_whole)
{
    size_t n = 100000;
    struct gr_buf in = GR_BUF_INIT(n), out = GR_BUF_INIT(n);
    char *p = gr_buf_room(&in, n);

    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7 + i / 256);
    in.n = n;
    ck_assert_int_eq(gr_file_write("f", gr_buf_str(&in), 0644), GR_OK);
    ck_assert_int_eq(gr_file_read("f", &out), GR_OK);
    ck_assert(gr_str_eq(gr_buf_str(&in), gr_buf_str(&out)));
    gr_buf_fini(&in);
    gr_buf_fini(&out);
}
END_TEST

START_TEST(only_files_and_pipes_are_read)
{
    struct gr_buf b = GR_BUF_INIT(100);

    ck_assert_int_eq(gr_file_read("none", &b), GR_ENOENT);
    ck_assert_int_eq(gr_file_read(".", &b), GR_EIO);
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_int_eq(gr_file_read("/dev/zero", &b), GR_EIO);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(b.n, 0);
    gr_buf_fini(&b);
}
END_TEST

START_TEST(standard_input_is_read)
{
    struct gr_buf b = GR_BUF_INIT(100);
    int ends[2], saved = dup(STDIN_FILENO);

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(gr_file_read("-", &b), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&b), "piped");
    dup2(saved, STDIN_FILENO);
    close(ends[0]);
    close(saved);
    gr_buf_fini(&b);
}
END_TEST

static const struct {
    enum fault_call call;
    unsigned nth;
    int errnum;
    enum gr_err want;
} read_faults[] = {
    {FAULT_OPEN, 1, EACCES, GR_EACCES}, {FAULT_OPEN, 1, EINTR, GR_OK},
    {FAULT_READ, 1, EIO, GR_EIO},       {FAULT_READ, 2, EIO, GR_EIO},
    {FAULT_READ, 1, EINTR, GR_OK},      {FAULT_READ, 1, FAULT_SHORT, GR_OK},
    {FAULT_CLOSE, 1, EIO, GR_OK},       {FAULT_REALLOC, 1, ENOMEM, GR_ENOMEM},
};

static void
check_read_fault(enum gr_err (*read_file)(const char *path, struct gr_buf *b), size_t i)
{
    struct gr_buf b = GR_BUF_INIT(100);
    enum gr_err err;

    fault_arm(read_faults[i].call, read_faults[i].nth, false, read_faults[i].errnum);
    err = read_file("f", &b);
    ck_assert(fault_hit());
    ck_assert_int_eq(err, read_faults[i].want);
    ck_assert_str_eq(gr_buf_cstr(&b), err == GR_OK ? "content" : "");
    ck_assert_uint_eq(fault_count(FAULT_CLOSE), read_faults[i].want == GR_EACCES ? 0 : 1);
    gr_buf_fini(&b);
    fault_off();
    ck_assert_int_eq(fault_live(), 0);
}

START_TEST(a_failed_read_says_so)
{
    put("f", "content", 0600);
    check_read_fault(gr_file_read, (size_t)_i);
    check_read_fault(gr_file_read_private, (size_t)_i);
}
END_TEST

static const struct {
    mode_t mode;
    const char *content, *want; /* NULL: GR_EACCES */
} secrets[] = {
    {0600, "secret\n", "secret"},
    {0400, "secret", "secret"},
    {0600, "secret\r\n", "secret"},
    {0600, "two\n\n", "two\n"},
    {0600, "", ""},
    {0600, "\n", ""},
    {0640, "secret\n", NULL},
    {0604, "secret\n", NULL},
    {0620, "secret\n", NULL},
    {0601, "secret\n", NULL},
    {0700, " secret \n", " secret "},
};

START_TEST(private_files_are_private)
{
    struct gr_buf b = GR_BUF_INIT(100);
    enum gr_err err;

    put("s", secrets[_i].content, secrets[_i].mode);
    ck_assert_int_eq(symlink("s", "link"), 0);
    err = gr_file_read_private("link", &b);
    ck_assert_int_eq(err, secrets[_i].want ? GR_OK : GR_EACCES);
    ck_assert_str_eq(gr_buf_cstr(&b), secrets[_i].want ? secrets[_i].want : "");
    gr_buf_fini(&b);
}
END_TEST

START_TEST(private_files_are_regular_and_small)
{
    struct gr_buf b = GR_BUF_INIT(6);

    ck_assert_int_eq(gr_file_read_private("none", &b), GR_ENOENT);
    ck_assert_int_eq(mkfifo("p", 0600), 0);
    ck_assert_int_eq(gr_file_read_private("p", &b), GR_EACCES); /* and does not wait for a writer */
    ck_assert_int_eq(gr_file_read_private(".", &b), GR_EACCES);
    put("s", "secret", 0600);
    ck_assert_int_eq(gr_file_read_private("s", &b), GR_OK);
    gr_buf_reset(&b);
    put("s", "secret!", 0600);
    ck_assert_int_eq(gr_file_read_private("s", &b), GR_ELIMIT);
    gr_buf_fini(&b);
}
END_TEST

static bool
is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

START_TEST(folders_are_made)
{
    ck_assert_int_eq(gr_dir_make("a"), GR_OK);
    ck_assert_int_eq(gr_dir_make("a"), GR_OK);
    ck_assert_int_eq(gr_dir_make("a//b/c/"), GR_OK);
    ck_assert(is_folder("a/b/c"));
    ck_assert_int_eq(gr_dir_make("/"), GR_OK);
    ck_assert_int_eq(gr_dir_make("."), GR_OK);
    ck_assert_int_eq(gr_file_write("a/f", GR_STR("x"), 0644), GR_OK);
    ck_assert_int_eq(gr_dir_make("a/f"), GR_EEXIST);
    ck_assert_int_eq(gr_dir_make("a/f/g"), GR_EEXIST);
    ck_assert_int_eq(unlink("a/f"), 0);
    fault_arm(FAULT_MKDIR, 3, false, ENOSPC);
    ck_assert_int_eq(gr_dir_make("a/b/d"), GR_ENOSPC);
    fault_arm(FAULT_REALLOC, 1, false, ENOMEM);
    ck_assert_int_eq(gr_dir_make("a/b/d"), GR_ENOMEM);
    fault_off();
    ck_assert(!is_folder("a/b/d"));
    ck_assert(rmdir("a/b/c") == 0 && rmdir("a/b") == 0 && rmdir("a") == 0);
}
END_TEST

Suite *
file_suite(void)
{
    Suite *s = suite_create("file");
    TCase *tc = tcase_create("write");

    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_test(tc, writes_and_reads_back);
    tcase_add_test(tc, the_old_file_is_replaced_not_rewritten);
    tcase_add_test(tc, each_write_syncs_file_and_folder_once);
    tcase_add_loop_test(tc, a_failed_write_leaves_the_target, 0, GR_COUNT(faults));
    tcase_add_test(tc, interrupted_and_short_writes_go_on);
    tcase_add_test(tc, a_leftover_does_not_stop_a_write);
    tcase_add_test(tc, endless_paths_are_refused);
    tcase_add_test(tc, writing_needs_the_folder);
    suite_add_tcase(s, tc);
    tc = tcase_create("read");
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_loop_test(tc, reading_is_limited, 3, 7);
    tcase_add_test(tc, large_files_are_read_whole);
    tcase_add_test(tc, only_files_and_pipes_are_read);
    tcase_add_test(tc, standard_input_is_read);
    tcase_add_loop_test(tc, a_failed_read_says_so, 0, GR_COUNT(read_faults));
    tcase_add_loop_test(tc, private_files_are_private, 0, GR_COUNT(secrets));
    tcase_add_test(tc, private_files_are_regular_and_small);
    tcase_add_test(tc, folders_are_made);
    suite_add_tcase(s, tc);
    return s;
}
