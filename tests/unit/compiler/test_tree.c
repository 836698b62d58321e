#include "config.h"
#include "test_compiler.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/failing.h"
#include "guardrail/hash.h"
#include "guardrail/json.h"
#include "guardrail/sys.h"
#include "manifest.h"
#include "scratch.h"
#include "tree.h"

static const struct model demo = {
    .spec = GR_STR_INIT("demo"),
    .spec_hash = GR_STR_INIT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    .time_scale = 1,
};

static enum gr_err
add(struct tree *t, const char *path, const char *text)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    enum gr_err err;

    gr_buf_puts(&b, text);
    err = tree_add(t, gr_str(path), &b);
    gr_buf_fini(&b);
    return err;
}

/* pairs: path, text, … NULL. NULL without memory. */
static struct tree *
make(const char *const *pairs)
{
    struct tree *t = tree_create();
    enum gr_err err = t ? GR_OK : GR_ENOMEM;

    for (; *pairs && err == GR_OK; pairs += 2)
        err = add(t, pairs[0], pairs[1]);
    if (err == GR_OK)
        err = tree_seal(t, &demo, "prometheus");
    if (err == GR_OK)
        return t;
    tree_free(t);
    return NULL;
}

static const char *const old_files[] = {"a.yml",    "old a", "b/c.yml", "old c", "b/gone.yml",
                                        "old gone", "same",  "same",    NULL};
static const char *const new_files[] = {"a.yml", "new a", "b/c.yml", "new c", "d/e/f.json",
                                        "new f", "same",  "same",    NULL};
#define OLD_LIST "a.yml\nb/c.yml\nb/gone.yml\nmanifest.json\nsame\n"
#define NEW_LIST "a.yml\nb/c.yml\nd/e/f.json\nmanifest.json\nsame\n"

static void
check_list(struct scratch *s, const char *want)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);

    scratch_list(s, &b);
    ck_assert_str_eq(gr_buf_cstr(&b), want);
    gr_buf_fini(&b);
}

static void
write_ok(const char *const *files, const char *dir, struct tree_change *change)
{
    struct tree *t = make(files);

    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(tree_write(t, dir, change), GR_OK);
    tree_free(t);
}

/* -- the list ------------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *path;
    bool ok;
} paths[] = {
    {"a", true},
    {"a/b.yml", true},
    {"grafana/Übersicht/x.json", true},
    {".lint", true},
    {"a/..b", true},
    {"", false},
    {"/a", false},
    {"a/", false},
    {"a//b", false},
    {"..", false},
    {"a/../b", false},
    {"a/./b", false},
    {"./a", false},
    {"a\nb", false},
    {"a\x7f", false},
    {"a\xff", false},
    {"manifest.json", false},
};

START_TEST(path_is_checked)
{
    struct tree *t = tree_create();

    ck_assert_msg(manifest_path_ok(gr_str(paths[_i].path)) == paths[_i].ok, "%s", paths[_i].path);
    ck_assert_int_eq(add(t, paths[_i].path, "x"), paths[_i].ok ? GR_OK : GR_ERANGE);
    ck_assert_int_eq(add(t, paths[_i].path, "y"), paths[_i].ok ? GR_EEXIST : GR_ERANGE);
    tree_free(t);
}
END_TEST

START_TEST(path_length_is_bounded)
{
    char path[MANIFEST_PATH_BYTES_MAX + 2];

    memset(path, 'x', sizeof path);
    ck_assert(manifest_path_ok((struct gr_str){path, MANIFEST_PATH_BYTES_MAX}));
    ck_assert(!manifest_path_ok((struct gr_str){path, MANIFEST_PATH_BYTES_MAX + 1}));
    path[3] = '\0';
    ck_assert(!manifest_path_ok((struct gr_str){path, 5})); /* a NUL inside */
}
END_TEST

START_TEST(file_count_is_bounded)
{
    struct tree *t = tree_create();
    struct gr_buf path = GR_BUF_INIT(100);

    for (unsigned i = 0; i <= TREE_FILES_MAX; i++) {
        gr_buf_reset(&path);
        gr_buf_printf(&path, "f%u", i);
        ck_assert_int_eq(add(t, gr_buf_cstr(&path), ""), i < TREE_FILES_MAX ? GR_OK : GR_ELIMIT);
    }
    gr_buf_fini(&path);
    tree_free(t);
}
END_TEST

START_TEST(failed_buffer_is_refused)
{
    struct tree *t = tree_create();
    struct gr_buf b = GR_BUF_INIT(2);

    gr_buf_puts(&b, "abc");
    ck_assert_int_eq(tree_add(t, GR_STR("a"), &b), GR_ELIMIT);
    gr_buf_fini(&b);
    tree_free(t);
}
END_TEST

START_TEST(manifest_lists_files_sorted)
{
    static const char *const files[] = {"b", "two", "a/x", "one", "a.yml", "", NULL};
    struct tree *t = make(files);

    ck_assert_str_eq(
        tree_get(t, GR_STR("manifest.json")).p,
        "{\n"
        "  \"format\": 1,\n"
        "  \"compiler\": \"guardrail " PACKAGE_VERSION "\",\n"
        "  \"target\": \"prometheus\",\n"
        "  \"spec\": \"demo\",\n"
        "  \"spec_hash\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\n"
        "  \"time_scale\": 1,\n"
        "  \"valid_until\": null,\n"
        "  \"files\": [\n"
        "    {\n"
        "      \"path\": \"a.yml\",\n"
        "      \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\n"
        "      \"bytes\": 0\n"
        "    },\n"
        "    {\n"
        "      \"path\": \"a/x\",\n"
        "      \"sha256\": \"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\",\n"
        "      \"bytes\": 3\n"
        "    },\n"
        "    {\n"
        "      \"path\": \"b\",\n"
        "      \"sha256\": \"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3\",\n"
        "      \"bytes\": 3\n"
        "    }\n"
        "  ]\n"
        "}\n");
    tree_free(t);
}
END_TEST

/* -- writing ------------------------------------------------------------------------------------------------------------- */

START_TEST(write_replaces_and_removes)
{
    struct scratch s;
    struct tree_change change;

    scratch_make(&s);
    scratch_write(&s, "mine.txt", "not generated");
    write_ok(old_files, s.dir, &change);
    ck_assert_uint_eq(change.written, 5);
    ck_assert_uint_eq(change.unchanged, 0);
    check_list(&s, "a.yml\nb/c.yml\nb/gone.yml\nmanifest.json\nmine.txt\nsame\n");
    write_ok(new_files, s.dir, &change);
    ck_assert_uint_eq(change.written, 4);
    ck_assert_uint_eq(change.unchanged, 1);
    ck_assert_uint_eq(change.removed, 1);
    check_list(&s, "a.yml\nb/c.yml\nd/e/f.json\nmanifest.json\nmine.txt\nsame\n");
    ck_assert(scratch_has(&s, "a.yml", "new a"));
    ck_assert(scratch_has(&s, "d/e/f.json", "new f"));
    write_ok(new_files, s.dir, &change);
    ck_assert_uint_eq(change.written, 0);
    ck_assert_uint_eq(change.unchanged, 5);
    ck_assert_uint_eq(change.removed, 0);
    scratch_remove(&s);
}
END_TEST

START_TEST(write_makes_the_folder_itself)
{
    struct scratch s;
    struct tree_change change;
    char *deep;

    scratch_make(&s);
    deep = strdup(scratch_path(&s, "x/y"));
    write_ok(new_files, deep, &change);
    ck_assert(scratch_has(&s, "x/y/a.yml", "new a"));
    free(deep);
    scratch_remove(&s);
}
END_TEST

START_TEST(emptied_folders_go_too)
{
    static const char *const before[] = {"x/y/z/f", "1", "x/keep", "2", NULL}, *const after[] = {"x/keep",
                                                                                                 "2", NULL};
    struct scratch s;
    struct tree_change change;

    scratch_make(&s);
    write_ok(before, s.dir, &change);
    write_ok(after, s.dir, &change);
    ck_assert_uint_eq(change.removed, 1);
    ck_assert(scratch_has(&s, "x/y", NULL));
    ck_assert(scratch_has(&s, "x/keep", "2"));
    write_ok((const char *const[]){NULL}, s.dir, &change);
    check_list(&s, "manifest.json\n"); /* x is gone, the tree's own folder is not */
    scratch_remove(&s);
}
END_TEST

START_TEST(changed_files_are_kept)
{
    struct scratch s;
    struct tree_change change;

    scratch_make(&s);
    write_ok(old_files, s.dir, &change);
    scratch_write(&s, "b/gone.yml", "mended by hand");
    write_ok(new_files, s.dir, &change);
    ck_assert_uint_eq(change.removed, 0);
    ck_assert_uint_eq(change.kept, 1);
    ck_assert(scratch_has(&s, "b/gone.yml", "mended by hand"));
    scratch_remove(&s);
}
END_TEST

START_TEST(leftovers_of_a_killed_run_do_not_stand_in_the_way)
{
    struct scratch s;
    struct tree_change change;

    scratch_make(&s);
    scratch_write(&s, ".a.yml.new", "half");
    scratch_write(&s, "b/.c.yml.new", "half");
    write_ok(new_files, s.dir, &change);
    check_list(&s, NEW_LIST);
    scratch_remove(&s);
}
END_TEST

START_TEST(two_runs_exclude_each_other)
{
    struct scratch s;
    struct tree *t = make(new_files);
    struct tree_change change;
    int fd;

    scratch_make(&s);
    fd = gr_sys.open(s.dir, 0, 0);
    ck_assert_int_eq(gr_sys.flock(fd, 2 /* LOCK_EX */), 0);
    ck_assert_int_eq(tree_write(t, s.dir, &change), GR_EBUSY);
    check_list(&s, "");
    (void)gr_sys.close(fd);
    ck_assert_int_eq(tree_write(t, s.dir, &change), GR_OK);
    tree_free(t);
    scratch_remove(&s);
}
END_TEST

START_TEST(links_lead_nowhere)
{
    struct scratch s;
    struct tree *t = make(new_files);
    struct tree_change change;
    char *dir;

    scratch_make(&s);
    scratch_write(&s, "outside/x", "");
    dir = strdup(scratch_path(&s, "tree"));
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    ck_assert_int_eq(symlink("../outside", scratch_path(&s, "tree/b")), 0);
    ck_assert_int_eq(tree_write(t, dir, &change), GR_EACCES);
    ck_assert_str_eq(change.failed.p, "b/c.yml");
    check_list(&s, "outside/x\ntree/b\n");
    free(dir);
    tree_free(t);
    scratch_remove(&s);
}
END_TEST

/* -- old manifests ------------------------------------------------------------------------------------------------------- */

#define SHA_OF_X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" /* of "x" */
#define ENTRY(path, sha, bytes) "{\"path\":\"" path "\",\"sha256\":\"" sha "\",\"bytes\":" bytes "}"
#define MANIFEST(format, entries) "{\"format\":" format ",\"files\":[" entries "]}"
static const struct {
    const char *name, *text;
    bool bad;
    size_t removed, kept;
} manifests[] = {
    {"one file of ours", MANIFEST("1", ENTRY("in/x", SHA_OF_X, "1")), false, 1, 0},
    {"not there", MANIFEST("1", ENTRY("in/y", SHA_OF_X, "1")), false, 0, 0},
    {"other hash",
     MANIFEST("1", ENTRY("in/x", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "1")),
     false, 0, 1},
    {"shorter than stated", MANIFEST("1", ENTRY("in/x", SHA_OF_X, "0")), false, 0, 1},
    {"through a link", MANIFEST("1", ENTRY("link/x", SHA_OF_X, "1")), false, 0, 1},
    {"a folder", MANIFEST("1", ENTRY("in", SHA_OF_X, "1")), false, 0, 1},
    {"a pipe", MANIFEST("1", ENTRY("pipe", SHA_OF_X, "1")), false, 0, 1},
    {"upwards", MANIFEST("1", ENTRY("../out/x", SHA_OF_X, "1")), true, 0, 0},
    {"upwards inside", MANIFEST("1", ENTRY("in/../../out/x", SHA_OF_X, "1")), true, 0, 0},
    {"absolute", MANIFEST("1", ENTRY("/etc/hostname", SHA_OF_X, "1")), true, 0, 0},
    {"itself", MANIFEST("1", ENTRY("manifest.json", SHA_OF_X, "1")), true, 0, 0},
    {"one bad of two", MANIFEST("1", ENTRY("in/x", SHA_OF_X, "1") "," ENTRY("..", SHA_OF_X, "1")), true, 0,
     0},
    {"hash too short", MANIFEST("1", ENTRY("in/x", "2d71", "1")), true, 0, 0},
    {"hash not hex",
     MANIFEST("1", ENTRY("in/x", "ZZ711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "1")),
     true, 0, 0},
    {"negative size", MANIFEST("1", ENTRY("in/x", SHA_OF_X, "-1")), true, 0, 0},
    {"huge size", MANIFEST("1", ENTRY("in/x", SHA_OF_X, "1e12")), true, 0, 0},
    {"other format", MANIFEST("2", ENTRY("in/x", SHA_OF_X, "1")), true, 0, 0},
    {"no format", "{\"files\":[]}", true, 0, 0},
    {"files no list", "{\"format\":1,\"files\":{}}", true, 0, 0},
    {"no object", "[]", true, 0, 0},
    {"cut off", "{\"format\":1,\"files\":[", true, 0, 0},
    {"empty", "", true, 0, 0},
    {"duplicate key", "{\"format\":1,\"files\":[],\"files\":[" ENTRY("in/x", SHA_OF_X, "1") "]}", true, 0, 0},
    {"deep", "{\"format\":1,\"files\":[[[[[[]]]]]]}", true, 0, 0},
};

START_TEST(old_manifest)
{
    static const char *const files[] = {"new", "new", NULL};
    struct scratch s;
    struct tree_change change;
    char *dir;

    scratch_make(&s);
    scratch_write(&s, "out/x", "x");
    scratch_write(&s, "tree/in/x", "x");
    ck_assert_int_eq(symlink("../out", scratch_path(&s, "tree/link")), 0);
    ck_assert_int_eq(mkfifo(scratch_path(&s, "tree/pipe"), 0600), 0);
    scratch_write(&s, "tree/manifest.json", manifests[_i].text);
    dir = strdup(scratch_path(&s, "tree"));
    write_ok(files, dir, &change);
    ck_assert_msg(change.manifest_bad == manifests[_i].bad, "%s", manifests[_i].name);
    ck_assert_msg(change.removed == manifests[_i].removed, "%s: %zu", manifests[_i].name, change.removed);
    ck_assert_msg(change.kept == manifests[_i].kept, "%s: %zu", manifests[_i].name, change.kept);
    ck_assert(scratch_has(&s, "out/x", "x"));
    ck_assert(scratch_has(&s, "tree/new", "new"));
    ck_assert(scratch_has(&s, "tree/in/x", manifests[_i].removed ? NULL : "x"));
    write_ok(files, dir, &change);
    ck_assert(!change.manifest_bad);
    free(dir);
    scratch_remove(&s);
}
END_TEST

START_TEST(old_manifest_may_be_no_file)
{
    struct scratch s;
    struct tree_change change;
    struct tree *t = make(new_files);
    struct gr_buf report = GR_BUF_INIT(1u << 20);

    scratch_make(&s);
    ck_assert_int_eq(mkfifo(scratch_path(&s, "manifest.json"), 0600), 0);
    ck_assert_int_eq(tree_check(t, s.dir, &change, &report), GR_OK);
    ck_assert(change.manifest_bad);
    ck_assert_int_eq(tree_write(t, s.dir, &change), GR_OK);
    ck_assert(change.manifest_bad);
    check_list(&s, NEW_LIST);
    gr_buf_fini(&report);
    tree_free(t);
    scratch_remove(&s);
}
END_TEST

/* -- checking ------------------------------------------------------------------------------------------------------------ */

START_TEST(check_reports_and_writes_nothing)
{
    struct scratch s;
    struct tree_change change;
    struct tree *t = make(new_files);
    struct gr_buf report = GR_BUF_INIT(1u << 20);

    scratch_make(&s);
    write_ok(old_files, s.dir, &change);
    ck_assert_int_eq(tree_check(t, s.dir, &change, &report), GR_OK);
    ck_assert_str_eq(
        gr_buf_cstr(&report),
        "stale: a.yml\nstale: b/c.yml\nmissing: d/e/f.json\nstale: manifest.json\nleft over: b/gone.yml\n");
    ck_assert_uint_eq(change.stale, 5);
    ck_assert_uint_eq(change.unchanged, 1);
    check_list(&s, OLD_LIST);
    write_ok(new_files, s.dir, &change);
    gr_buf_reset(&report);
    ck_assert_int_eq(tree_check(t, s.dir, &change, &report), GR_OK);
    ck_assert_str_eq(gr_buf_cstr(&report), "");
    ck_assert_uint_eq(change.stale, 0);
    ck_assert_uint_eq(change.unchanged, 5);
    gr_buf_fini(&report);
    tree_free(t);
    scratch_remove(&s);
}
END_TEST

START_TEST(check_of_no_folder)
{
    struct tree_change change;
    struct tree *t = make(new_files);
    struct gr_buf report = GR_BUF_INIT(1u << 20);

    ck_assert_int_eq(tree_check(t, "no-such-folder", &change, &report), GR_OK);
    ck_assert_uint_eq(change.stale, 5);
    gr_buf_fini(&report);
    tree_free(t);
}
END_TEST

/* -- failure injection --------------------------------------------------------------------------------------------------- */

enum call {
    CALL_OPEN,
    CALL_WRITE,
    CALL_FSYNC,
    CALL_RENAME,
    CALL_CLOSE,
    CALL_MKDIR,
    CALL_UNLINK,
    CALL_FLOCK,
    CALL_COUNT
};
static const char *const call_names[] = {"open",  "write", "fsync",  "rename",
                                         "close", "mkdir", "unlink", "flock"};
static struct {
    enum call call;
    size_t countdown;
    bool stays, fired;
    size_t renames; /* that succeeded */
    size_t calls[CALL_COUNT];
} inject;

static bool
fails(enum call call)
{
    inject.calls[call]++;
    if (call != inject.call || inject.countdown == 0 || --inject.countdown > 0)
        return false;
    inject.fired = true;
    inject.countdown = inject.stays ? 1 : 0;
    errno = EIO;
    return true;
}

static int
bad_open(const char *path, int flags, mode_t mode)
{
    return fails(CALL_OPEN) ? -1 : gr_sys_real.open(path, flags, mode);
}

/* Half of it is written before it fails, as on a disk that runs full. */
static ssize_t
bad_write(int fd, const void *p, size_t n)
{
    if (!fails(CALL_WRITE))
        return gr_sys_real.write(fd, p, n);
    (void)!gr_sys_real.write(fd, p, n / 2);
    errno = ENOSPC;
    return -1;
}

static int
bad_fsync(int fd)
{
    return fails(CALL_FSYNC) ? -1 : gr_sys_real.fsync(fd);
}

static int
bad_rename(const char *from, const char *to)
{
    if (fails(CALL_RENAME))
        return -1;
    inject.renames++;
    return gr_sys_real.rename(from, to);
}

static int
bad_close(int fd)
{
    int rc = gr_sys_real.close(fd);

    return fails(CALL_CLOSE) ? -1 : rc;
}

static int
bad_mkdir(const char *path, mode_t mode)
{
    return fails(CALL_MKDIR) ? -1 : gr_sys_real.mkdir(path, mode);
}

static int
bad_unlink(const char *path)
{
    return fails(CALL_UNLINK) ? -1 : gr_sys_real.unlink(path);
}

static int
bad_flock(int fd, int op)
{
    return fails(CALL_FLOCK) ? -1 : gr_sys_real.flock(fd, op);
}

static void
start(enum call call, size_t nth, bool stays)
{
    memset(&inject, 0, sizeof inject);
    inject.call = call;
    inject.countdown = nth;
    inject.stays = stays;
    gr_sys.open = bad_open;
    gr_sys.write = bad_write;
    gr_sys.fsync = bad_fsync;
    gr_sys.rename = bad_rename;
    gr_sys.close = bad_close;
    gr_sys.mkdir = bad_mkdir;
    gr_sys.unlink = bad_unlink;
    gr_sys.flock = bad_flock;
}

static void
stop(void)
{
    gr_sys = gr_sys_real;
}

/* After a run that failed: nothing half, no temporary files, and before the first rename nothing at all. */
static void
check_after_failure(struct scratch *s, const char *where, size_t nth)
{
    struct gr_buf list = GR_BUF_INIT(1u << 20);
    bool old_a = scratch_has(s, "a.yml", "old a"), old_c = scratch_has(s, "b/c.yml", "old c");

    scratch_list(s, &list);
    ck_assert_msg(gr_str_find(gr_buf_str(&list), GR_STR(".new\n"), 0) == SIZE_MAX, "%s %zu leaves\n%s", where,
                  nth, list.p);
    ck_assert_msg(old_a || scratch_has(s, "a.yml", "new a"), "%s %zu", where, nth);
    ck_assert_msg(old_c || scratch_has(s, "b/c.yml", "new c"), "%s %zu", where, nth);
    ck_assert_msg(scratch_has(s, "same", "same"), "%s %zu", where, nth);
    if (inject.renames == 0)
        ck_assert_msg(old_a && old_c && gr_str_is(gr_buf_str(&list), OLD_LIST), "%s %zu changed\n%s", where,
                      nth, list.p);
    gr_buf_fini(&list);
}

/* _i: call × once or from then on. */
START_TEST(every_call_fails)
{
    enum call call = (enum call)(_i / 2);
    size_t nth = 0, failures = 0;
    bool more = true;

    while (more) {
        struct scratch s;
        struct tree_change change;
        struct tree *t = make(new_files);
        enum gr_err err;

        scratch_make(&s);
        write_ok(old_files, s.dir, &change);
        start(call, ++nth, _i % 2 == 1);
        err = tree_write(t, s.dir, &change);
        more = inject.fired;
        stop();
        failures += err != GR_OK;
        ck_assert(more || err == GR_OK);
        if (err != GR_OK && !(call == CALL_UNLINK && _i % 2 == 1))
            check_after_failure(&s, call_names[call], nth);
        ck_assert_int_eq(tree_write(t, s.dir, &change), GR_OK); /* another run mends it */
        ck_assert(scratch_has(&s, "a.yml", "new a"));
        check_list(&s, NEW_LIST);
        tree_free(t);
        scratch_remove(&s);
        ck_assert_uint_lt(nth, 200);
    }
    ck_assert_msg(failures > 0, "%s never failed", call_names[call]);
}
END_TEST

/* Each written file, each folder that got one, and the tree's own folder are synced: removing one fails here. */
START_TEST(fsyncs_are_counted)
{
    struct scratch s;
    struct tree_change change;
    struct tree *t = make(new_files);

    scratch_make(&s);
    write_ok(old_files, s.dir, &change);
    start(CALL_COUNT, 0, false);
    ck_assert_int_eq(tree_write(t, s.dir, &change), GR_OK);
    ck_assert_uint_eq(inject.calls[CALL_FSYNC], 4 + 2 + 1); /* a, b/c, d/e/f, manifest; b, d/e; the folder */
    memset(&inject, 0, sizeof inject);
    ck_assert_int_eq(tree_write(t, s.dir, &change), GR_OK);
    ck_assert_uint_eq(inject.calls[CALL_FSYNC], 0); /* nothing changed */
    ck_assert_uint_eq(inject.calls[CALL_WRITE], 0);
    stop();
    tree_free(t);
    scratch_remove(&s);
}
END_TEST

START_TEST(every_allocation_fails)
{
    size_t nth = 0;
    bool more = true;

    while (more) {
        struct scratch s;
        struct tree_change change = {0};
        struct tree *t;
        enum gr_err err = GR_ENOMEM;

        scratch_make(&s);
        write_ok(old_files, s.dir, &change);
        memset(&inject, 0, sizeof inject);
        failing_start(++nth, _i == 1);
        if ((t = make(new_files)))
            err = tree_write(t, s.dir, &change);
        tree_free(t);
        more = failing_stop();
        ck_assert(err == GR_OK || err == GR_ENOMEM);
        ck_assert(more || err == GR_OK);
        inject.renames = scratch_has(&s, "a.yml", "old a") ? 0 : 1;
        if (err != GR_OK)
            check_after_failure(&s, "allocation", nth);
        scratch_remove(&s);
        ck_assert_uint_lt(nth, 1000);
    }
    ck_assert_uint_gt(nth, 20);
}
END_TEST

Suite *
tree_suite(void)
{
    Suite *s = suite_create("tree");
    TCase *tc = tcase_create("list");

    tcase_add_loop_test(tc, path_is_checked, 0, (int)GR_COUNT(paths));
    tcase_add_test(tc, path_length_is_bounded);
    tcase_add_test(tc, file_count_is_bounded);
    tcase_add_test(tc, failed_buffer_is_refused);
    tcase_add_test(tc, manifest_lists_files_sorted);
    suite_add_tcase(s, tc);
    tc = tcase_create("write");
    tcase_add_test(tc, write_replaces_and_removes);
    tcase_add_test(tc, write_makes_the_folder_itself);
    tcase_add_test(tc, emptied_folders_go_too);
    tcase_add_test(tc, changed_files_are_kept);
    tcase_add_test(tc, leftovers_of_a_killed_run_do_not_stand_in_the_way);
    tcase_add_test(tc, two_runs_exclude_each_other);
    tcase_add_test(tc, links_lead_nowhere);
    tcase_add_loop_test(tc, old_manifest, 0, (int)GR_COUNT(manifests));
    tcase_add_test(tc, old_manifest_may_be_no_file);
    suite_add_tcase(s, tc);
    tc = tcase_create("check");
    tcase_add_test(tc, check_reports_and_writes_nothing);
    tcase_add_test(tc, check_of_no_folder);
    suite_add_tcase(s, tc);
    tc = tcase_create("failures");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_call_fails, 0, 2 * CALL_COUNT);
    tcase_add_test(tc, fsyncs_are_counted);
    tcase_add_loop_test(tc, every_allocation_fails, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
