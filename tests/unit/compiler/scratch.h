/* scratch.h - a folder of its own for a test, below the build folder, and looking into it. Every failure ends the test. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H
#include <stdbool.h>

#include "guardrail/buf.h"

struct scratch {
    char *dir; /* absolute */
};
void scratch_make(struct scratch *s);
/* Removes the folder and all in it. */
void scratch_remove(struct scratch *s);
/* dir/name; valid until the next call. */
const char *scratch_path(struct scratch *s, const char *name);
void scratch_write(struct scratch *s, const char *name, const char *text);
/* Whether the file is there with this text; text NULL: whether nothing is there. */
bool scratch_has(struct scratch *s, const char *name, const char *text);
/* Relative paths of all that is no folder, sorted, one a line. */
void scratch_list(struct scratch *s, struct gr_buf *out);
#endif
