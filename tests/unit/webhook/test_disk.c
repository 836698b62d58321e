#include "config.h"
#include "test_webhook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "fixture.h"
#include "guardrail/sys.h"
#include "webhook/disk.h"
#include "webhook/store.h"

#define MIB (INT64_C(1) << 20)

static char folder[256], path[300], ballast[320];
static struct disk disk;

/* What the test says the disk is. */
static struct {
    unsigned long type;
    int64_t free_bytes;
    int statfs_error, fallocate_error;
} world;

static int
say_statfs(const char *where, struct statfs *out)
{
    (void)where;
    memset(out, 0, sizeof *out);
    out->f_type = (__typeof__(out->f_type))world.type;
    out->f_bsize = 4096;
    out->f_bavail = (unsigned long)world.free_bytes / 4096;
    errno = world.statfs_error;
    return world.statfs_error ? -1 : 0;
}

static int
say_fallocate(int fd, off_t n)
{
    if (world.fallocate_error == 0)
        return gr_sys_real.fallocate(fd, n);
    errno = world.fallocate_error;
    return -1;
}

static void
setup(void)
{
    fixture_dir(folder, sizeof folder);
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    (void)snprintf(ballast, sizeof ballast, "%s.reserve", path);
    memset(&world, 0, sizeof world);
    world.type = 0xef53; /* ext4 */
    world.free_bytes = 1000 * MIB;
    gr_sys.statfs = say_statfs;
    gr_sys.fallocate = say_fallocate;
}

static void
teardown(void)
{
    gr_sys = gr_sys_real;
    fixture_remove(folder);
}

static int64_t
ballast_bytes(void)
{
    struct stat st;

    return stat(ballast, &st) == 0 ? (int64_t)st.st_blocks * 512 : -1;
}

static const struct {
    const char *name;
    unsigned long magic;
    bool known, refused;
} kinds[] = {
    {"ext4", 0xef53, false, false},
    {"xfs", 0x58465342, false, false},
    {"btrfs", 0x9123683e, false, false},
    {"nfs", 0x6969, true, true},
    {"cifs", 0xff534d42, true, true},
    {"overlay", 0x794c7630, true, false},
    {"tmpfs", 0x01021994, true, false},
    {"ceph", 0x00c36400, true, true},
    /* statfs gives it with the sign, where long has 64 bits */
    {"cifs, negative", (unsigned long)-11317950, true, true},
};
START_TEST(kinds_of_disks)
{
    const struct disk_kind *kind = disk_kind_of(kinds[_i].magic);

    ck_assert_msg((kind != NULL) == kinds[_i].known && (kind && kind->refused) == kinds[_i].refused, "%s",
                  kinds[_i].name);
}
END_TEST

START_TEST(the_ballast_is_real_and_comes_back)
{
    ck_assert_int_eq(disk_init(&disk, path, 64 * MIB), GR_OK);
    ck_assert(disk.held && !disk.low);
    ck_assert_int_ge(ballast_bytes(), DISK_BALLAST_BYTES);
    ck_assert(disk_release(&disk));
    ck_assert_int_eq(ballast_bytes(), -1);
    ck_assert(disk.low && !disk_release(&disk));
    world.free_bytes = 64 * MIB + DISK_BALLAST_BYTES; /* enough to accept, not enough to set aside */
    disk_look(&disk, 5000);
    ck_assert(!disk.low && !disk.held);
    world.free_bytes = 64 * MIB + 2 * DISK_BALLAST_BYTES;
    disk_look(&disk, 5500); /* too soon */
    ck_assert(!disk.held);
    disk_look(&disk, 6001);
    ck_assert(disk.held);
    ck_assert_int_ge(ballast_bytes(), DISK_BALLAST_BYTES);
}
END_TEST

START_TEST(the_floor)
{
    world.free_bytes = 64 * MIB;
    ck_assert_int_eq(disk_init(&disk, path, 64 * MIB), GR_OK);
    ck_assert(!disk.low);
    world.free_bytes = 64 * MIB - 4096;
    disk_look(&disk, 2000);
    ck_assert(disk.low);
    world.statfs_error = EIO; /* what is not known refuses nothing */
    disk_look(&disk, 4000);
    ck_assert(!disk.low && disk.free_bytes == -1);
}
END_TEST

START_TEST(no_reserve_is_wanted)
{
    world.free_bytes = 0;
    ck_assert_int_eq(disk_init(&disk, path, 0), GR_OK);
    ck_assert(!disk.low && !disk.held);
    ck_assert_int_eq(ballast_bytes(), -1);
}
END_TEST

START_TEST(no_room_for_the_ballast)
{
    world.fallocate_error = ENOSPC;
    ck_assert_int_eq(disk_init(&disk, path, 64 * MIB), GR_OK);
    ck_assert(!disk.held);
    ck_assert_int_eq(ballast_bytes(), -1);
    gr_sys.unlink = NULL; /* not to be called for what is not there */
    ck_assert(!disk_release(&disk));
}
END_TEST

START_TEST(a_network_disk_is_refused_by_the_store)
{
    struct store *s = NULL;
    char reason[STORE_REASON_BYTES] = "";

    world.type = 0x6969;
    ck_assert_int_eq(store_open(&s, &(struct store_options){.path = path, .reserve_bytes = 64 * MIB}, reason),
                     GR_ESTATE);
    ck_assert_ptr_nonnull(strstr(reason, "local disk; this is nfs"));
    ck_assert_ptr_null(s);
}
END_TEST

Suite *
disk_suite(void)
{
    Suite *suite = suite_create("disk");
    TCase *tc = tcase_create("disk");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, kinds_of_disks, 0, GR_COUNT(kinds));
    tcase_add_test(tc, the_ballast_is_real_and_comes_back);
    tcase_add_test(tc, the_floor);
    tcase_add_test(tc, no_reserve_is_wanted);
    tcase_add_test(tc, no_room_for_the_ballast);
    tcase_add_test(tc, a_network_disk_is_refused_by_the_store);
    suite_add_tcase(suite, tc);
    return suite;
}
