/* diff_load.h - one side of a comparison: a specification, the same at a git revision, or a compiled tree. */
#ifndef GUARDRAIL_COMPILER_DIFF_LOAD_H
#define GUARDRAIL_COMPILER_DIFF_LOAD_H
#include "command.h"
#include "facts.h"

/* path: a specification ("-": standard input), or the folder of a compiled tree, whose facts must be what its manifest says.
 * EXIT_CLEAN and *out, or the exit code; findings wait for session_report. */
GR_MUST_USE int diff_load(struct session *s, const char *path, struct facts **out);
/* The specification as it was at a revision, with all that it is made of. The name is "main:guardrails.yml". */
GR_MUST_USE int diff_load_revision(const struct command *self, struct session *s, const char *path,
                                   const char *revision, struct facts **out);
/* Whether path is a folder. */
bool diff_is_tree(const char *path);
/* The facts of a tree; *absent: there is no tree there, nothing is reported then and the answer is EXIT_CLEAN. */
GR_MUST_USE int diff_load_tree(struct session *s, const char *dir, struct facts **out, bool *absent);
#endif
