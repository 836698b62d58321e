/* fault.h - failure injection: makes the n-th call of one kind in gr_sys fail, once or from then on, and counts calls.
 *
 * Every room's tests may use it: add tests/unit/fault.c and tests/unit/fault.h to the program's sources. The usual loop:
 *     for (unsigned n = 1, failed = 1; failed; n++) {
 *         fault_arm(FAULT_REALLOC, n, sticky, ENOMEM);
 *         … run, check the answer …
 *         failed = fault_hit();
 *         fault_off();
 *         ck_assert_uint_eq(fault_live(), 0);
 *     }
 * Counters are atomic, arming is not: arm before threads start. */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H
#include <stdbool.h>
#include <stddef.h>

enum fault_call {
    FAULT_REALLOC,
    FAULT_OPEN,  /* open and openat */
    FAULT_CLOSE, /* the descriptor is closed all the same */
    FAULT_READ,
    FAULT_WRITE,
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_FLOCK,
    FAULT_STATFS,
    FAULT_FALLOCATE,
    FAULT_CALLS
};
/* As errnum of FAULT_READ and FAULT_WRITE: no failure, but one byte only. */
#define FAULT_SHORT 0

/* Forgets all counts; the nth call (from 1) from here on fails with errnum, and with sticky all later ones. */
void fault_arm(enum fault_call call, unsigned nth, bool sticky, int errnum);
/* Counts without failing anything. */
void fault_watch(void);
/* Puts the real calls back; counts stay readable. */
void fault_off(void);
/* Calls since fault_arm or fault_watch, failed ones included. */
unsigned fault_count(enum fault_call call);
/* Whether the armed call was reached. */
bool fault_hit(void);
/* Blocks allocated minus blocks freed since fault_arm or fault_watch. */
long fault_live(void);
#endif
