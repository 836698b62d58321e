/* signoff.h - compile --require-changelog: nothing is loosened without a signed entry in the specification's change log. */
#ifndef GUARDRAIL_COMPILER_SIGNOFF_H
#define GUARDRAIL_COMPILER_SIGNOFF_H
#include "command.h"

struct signoff {
    const char *spec; /* its path; the change log lies relative to its folder */
    const char
        *tree; /* compared with this one, the tree that is replaced (none there: nothing to compare) … */
    const char *revision; /* … or, if not NULL, with the specification at this git revision */
};
/* EXIT_CLEAN, EXIT_FINDINGS (GR0611), or what reading the old side answered. Findings wait for session_report. */
GR_MUST_USE int signoff_check(const struct command *self, struct session *s, const struct model *m,
                              const struct signoff *what);
#endif
