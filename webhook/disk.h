/* disk.h - the disk below the store: what kind it is, how much of it is free, and a ballast for the last words.
 *
 * Locks and fsync of network file systems cannot be trusted, so a store on one is refused; on an overlay, or in memory,
 * it works but may be gone with the container or the power, which is said.
 *
 * Below the reserve new evidence is refused (503), and what was accepted can still be brought to its end. When the disk
 * is full all the same (others write to it too), the ballast, a file of 4 MiB beside the store, is given up, and that
 * room is for the states of what runs. It comes back when there is room again. Used by the store's thread only. */
#ifndef GUARDRAIL_WEBHOOK_DISK_H
#define GUARDRAIL_WEBHOOK_DISK_H
#include "guardrail/base.h"

#define DISK_BALLAST_BYTES (INT64_C(4) << 20)
#define DISK_RESERVE_BYTES (INT64_C(64) << 20) /* the default */
#define DISK_LOOK_MS 1000                      /* how old what we know of the disk may be */

/* To add a kind: a row. */
struct disk_kind {
    unsigned long magic; /* statfs(2) */
    const char *name;
    bool refused;
    const char *why;
};
/* NULL: nothing is known against it. */
const struct disk_kind *disk_kind_of(unsigned long magic);

struct disk {
    char path[4096], ballast[4096]; /* of the store, and of the ballast beside it: PATH.reserve */
    int64_t reserve_bytes;
    int64_t free_bytes; /* for us; -1: not known */
    bool low;           /* less than the reserve is free */
    bool held;          /* the ballast is there */
    double looked_ms;
    const struct disk_kind *kind; /* NULL: nothing against it */
};
/* path: of the store, which exists. reserve_bytes 0: no floor and no ballast. GR_ESTATE: a file system that is
 * refused, see d->kind; GR_ELIMIT: the path is too long. A ballast that cannot be made is none. */
GR_MUST_USE enum gr_err disk_init(struct disk *d, const char *path, int64_t reserve_bytes);
/* Looks again if the last look is old; makes the ballast anew when there is room. now_ms: monotonic. */
void disk_look(struct disk *d, double now_ms);
/* The disk is full: gives the ballast up. Whether there was one. */
bool disk_release(struct disk *d);
#endif
