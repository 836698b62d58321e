/* failing.h - makes allocations through gr_sys fail, one after the other. */
#ifndef TEST_FAILING_H
#define TEST_FAILING_H
#include <stdbool.h>
#include <stddef.h>

/* Allocation number `nth` from now (from 1) fails; with `on` all after it, too. cJSON's go through gr_sys as well. */
void failing_start(size_t nth, bool on);
/* Everything works again. Returns whether an allocation was made to fail. */
bool failing_stop(void);
#endif
