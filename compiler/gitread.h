/* gitread.h - files of a specification as they were at a git revision.
 *
 * git is started by name with an argument list, never through a shell; its standard input and error are closed off, what it prints is
 * bounded, and it is killed after GIT_TIMEOUT_MS. Revisions are resolved to a commit first, so that what a user writes is only ever the
 * operand of rev-parse. Paths stay inside the repository: git itself refuses others. */
#ifndef GUARDRAIL_COMPILER_GITREAD_H
#define GUARDRAIL_COMPILER_GITREAD_H
#include "load.h"

#define GIT_TIMEOUT_MS 30000
#define GIT_COMMIT_MAX 64u /* hex digits of a SHA-256 repository */

struct git_revision {
    struct gr_buf folder; /* of the specification; paths below it are read */
    struct gr_buf prefix; /* "REV:" */
    char commit[GIT_COMMIT_MAX + 1];
};
enum git_answer { GIT_OK, GIT_NO_PROGRAM, GIT_NO_REPOSITORY, GIT_NO_REVISION, GIT_BAD_REVISION, GIT_MACHINE };
/* spec: the specification's path in the working tree. git_fini in any case. */
enum git_answer git_resolve(struct git_revision *g, const char *spec, const char *revision);
void git_fini(struct git_revision *g);
/* For spec_open; borrows from g. */
struct load_reader git_reader(struct git_revision *g);
#endif
