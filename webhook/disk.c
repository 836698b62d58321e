#include "config.h"
#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/vfs.h>
#include "guardrail/sys.h"

#define NETWORK "its locks and fsync cannot be trusted"
#define MEMORY "it is gone when the machine stops"

/* From linux/magic.h and the kernel's sources; sorted by name. */
static const struct disk_kind kinds[] = {
    {0x61756673, "aufs", false, "it is gone with the container"},
    {0x5346414f, "afs", true, NETWORK},
    {0x00c36400, "ceph", true, NETWORK},
    {0xff534d42, "cifs", true, NETWORK},
    {0x73757245, "coda", true, NETWORK},
    {0x65735546, "fuse", false, "what its fsync does is not known"},
    {0x01161970, "gfs2", true, NETWORK},
    {0x0bd00bd0, "lustre", true, NETWORK},
    {0x6969, "nfs", true, NETWORK},
    {0x7461636f, "ocfs2", true, NETWORK},
    {0x794c7630, "overlay", false, "it is gone with the container"},
    {0x858458f6, "ramfs", false, MEMORY},
    {0x517b, "smb", true, NETWORK},
    {0xfe534d42, "smb2", true, NETWORK},
    {0x01021994, "tmpfs", false, MEMORY},
    {0x01021997, "9p", true, NETWORK},
};

const struct disk_kind *
disk_kind_of(unsigned long magic)
{
    for (size_t i = 0; i < GR_COUNT(kinds); i++)
        if (kinds[i].magic == (magic & 0xffffffffu))
            return &kinds[i];
    return NULL;
}

/* What the ballast's blocks hold plays no part; that they are ours does. */
static bool
make_ballast(const char *path)
{
    int fd = gr_sys.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool made;

    if (fd < 0)
        return false;
    made = gr_sys.fallocate(fd, (off_t)DISK_BALLAST_BYTES) == 0;
    made = gr_sys.close(fd) == 0 && made;
    if (!made)
        (void)gr_sys.unlink(path); /* a part of it would help nobody; if it stays, it is only smaller */
    return made;
}

static void
measure(struct disk *d)
{
    struct statfs st;

    if (gr_sys.statfs(d->path, &st) != 0)
        d->free_bytes = -1; /* what is not known refuses nothing: the commit itself will tell */
    else if (st.f_bsize > 0 && st.f_bavail > (uint64_t)INT64_MAX / (uint64_t)st.f_bsize)
        d->free_bytes = INT64_MAX;
    else
        d->free_bytes = (int64_t)st.f_bavail * (int64_t)st.f_bsize;
    d->low = d->reserve_bytes > 0 && d->free_bytes >= 0 && d->free_bytes < d->reserve_bytes;
}

enum gr_err
disk_init(struct disk *d, const char *path, int64_t reserve_bytes)
{
    struct statfs st;
    int n;

    *d = (struct disk){.reserve_bytes = reserve_bytes, .free_bytes = -1, .looked_ms = -2.0 * DISK_LOOK_MS};
    n = snprintf(d->path, sizeof d->path, "%s", path);
    if (n < 0 || (size_t)n + sizeof ".reserve" > sizeof d->path)
        return GR_ELIMIT;
    (void)snprintf(d->ballast, sizeof d->ballast, "%s.reserve", path);
    if (gr_sys.statfs(path, &st) == 0)
        d->kind = disk_kind_of((unsigned long)st.f_type);
    if (d->kind && d->kind->refused)
        return GR_ESTATE;
    if (reserve_bytes > 0)
        d->held = make_ballast(d->ballast); /* one that was left over is taken, or completed */
    else
        (void)gr_sys.unlink(d->ballast); /* mostly there is none */
    disk_look(d, 0);
    return GR_OK;
}

void
disk_look(struct disk *d, double now_ms)
{
    if (now_ms - d->looked_ms < (double)DISK_LOOK_MS)
        return;
    d->looked_ms = now_ms;
    measure(d);
    /* Twice its size above the floor, so that making it does not bring us below. */
    if (!d->held && d->reserve_bytes > 0 && d->free_bytes >= d->reserve_bytes + 2 * DISK_BALLAST_BYTES)
        d->held = make_ballast(d->ballast);
}

bool
disk_release(struct disk *d)
{
    bool had = d->held;

    d->held = false;
    d->low = d->reserve_bytes > 0; /* until the next look, which is due from now on */
    return had && gr_sys.unlink(d->ballast) == 0;
}
