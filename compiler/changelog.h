/* changelog.h - the change log of a policy: who loosened what, when, and who agreed.
 *
 * A Markdown file that people read and sign. Each change of a specification is an entry of this form, found again by its two keys:
 *
 *     ## 2026-11-23 tradepulse
 *
 *     <!-- guardrail-change: <old key> <new key> -->
 *
 *     3 loosened, 1 tightened.
 *
 *     | | Guardrail | What | Before | After | Place |
 *     …
 *
 *     - Author:
 *     - Reviewed by:
 *     - Risk:
 *     - Ticket:
 *
 * A key is the hash of the specification, with the waivers in force: see compare.h.
 * It is signed off when none of the four lines is empty. Limits: CHANGELOG_BYTES_MAX. */
#ifndef GUARDRAIL_COMPILER_CHANGELOG_H
#define GUARDRAIL_COMPILER_CHANGELOG_H
#include "diff_print.h"

#define CHANGELOG_BYTES_MAX (16u << 20)

enum changelog_answer { CHANGELOG_WRITTEN, CHANGELOG_THERE, CHANGELOG_UNREADABLE, CHANGELOG_FAILED };
/* Appends the entry, the whole file atomically; makes the file, with its heading, if there is none. now_s: the date of the entry. */
enum changelog_answer changelog_append(const char *path, const struct diff *d, int64_t now_s);

enum changelog_state { CHANGELOG_SIGNED, CHANGELOG_UNSIGNED, CHANGELOG_MISSING, CHANGELOG_ERROR };
/* Whether the log has a signed entry for this pair of keys. *empty: of an unsigned one, the first field that nobody filled in. */
enum changelog_state changelog_find(struct gr_str log, struct gr_str old_key, struct gr_str new_key,
                                    const char **empty);
#endif
