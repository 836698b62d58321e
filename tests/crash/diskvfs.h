/* diskvfs.h - a disk that loses power: records what SQLite writes, syncs, creates and deletes, in order, and builds from that the
 * images that a power cut may leave behind.
 *
 * The model is the pessimistic one. What was written is sure to be there only after a sync of its file, a name (made or deleted)
 * only after a sync of its folder. Of the rest anything may have reached the disk: each write or not, in any order, and of one
 * write each sector of 512 bytes or not. Sectors themselves are whole, as SQLite expects of the disk.
 *
 * The recorder is a VFS above SQLite's own, whose directory syncs it sees through xSetSystemCall; the file that the store makes by
 * itself comes through gr_sys. One recording at a time, one connection. */
#ifndef TESTS_CRASH_DISKVFS_H
#define TESTS_CRASH_DISKVFS_H
#include "guardrail/base.h"

enum disk_lie {
    LIE_NOT,
    LIE_LOG,
    LIE_ALL,
    LIE_FOLDER
}; /* syncs that are answered and not made: of the -wal, all, of the folder */

/* Makes the VFS SQLite's default. Not recording yet. Call once. */
void diskvfs_install(void);
/* Records what happens to files in folder from now on; the folder is empty. */
void diskvfs_record(const char *folder, enum disk_lie lie);
/* Ends it: from now on nothing is recorded, and syncs are left out (images are looked at, not kept). */
void diskvfs_end(void);
/* How much was recorded so far; any thread. */
size_t diskvfs_count(void);

/* How an image is drawn. */
enum disk_cut {
    CUT_BARE,     /* what was synced, nothing more */
    CUT_KILL,     /* everything: a kill, not a power cut */
    CUT_SUBSET,   /* some of the rest, in order */
    CUT_SHUFFLED, /* some of the rest, in any order, torn by sectors */
    DISK_CUTS
};
struct disk_player;
/* Plays the recording from its start. NULL: no memory. */
struct disk_player *disk_player_create(void);
void disk_player_free(struct disk_player *p);
/* The next operation reaches the disk. False: there is none. */
bool disk_player_step(struct disk_player *p);
/* Writes the image of a power cut now into folder (its own files there are replaced). seed: which one. False: it cannot. */
bool disk_player_image(const struct disk_player *p, const char *folder, enum disk_cut cut, uint64_t seed);
#endif
