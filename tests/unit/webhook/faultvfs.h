/* faultvfs.h - SQLite's file system with faults: counts fsyncs, and fails writes or fsyncs when told. */
#ifndef GUARDRAIL_TEST_WEBHOOK_FAULTVFS_H
#define GUARDRAIL_TEST_WEBHOOK_FAULTVFS_H
#include <stdbool.h>

struct faultvfs {
    int syncs;              /* of database and log, since it was reset */
    int fail_write;         /* SQLite code that every write gives; 0: none */
    int fail_sync;          /* the same for fsync */
    int fail_database_sync; /* of the database file alone, not of its log */
    int kill_at;            /* SIGKILL to ourselves before the nth write, truncate or fsync; 0: never */
};
extern struct faultvfs faultvfs;
/* Makes it the default, once per process; all zero again on every call. */
void faultvfs_install(void);
#endif
