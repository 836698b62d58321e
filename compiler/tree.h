/* tree.h - the output tree: a list of files in memory, its manifest, and writing it so that a failed run leaves the old tree.
 *
 * manifest.json: {"format":1,"compiler":"guardrail 0.1.0","spec":…,"spec_hash":…,"time_scale":1,
 *   "files":[{"path":"prometheus/rules.yml","sha256":…,"bytes":…}]} sorted by path; the manifest itself is not listed. */
#ifndef GUARDRAIL_COMPILER_TREE_H
#define GUARDRAIL_COMPILER_TREE_H
#include "guardrail/buf.h"
#include "model.h"

struct tree; /* opaque */
GR_MUST_USE struct tree *tree_create(void);
void tree_free(struct tree *t);
/* Takes the content of b (which is empty afterwards). path: relative, '/' as separator, no "..", unique. */
GR_MUST_USE enum gr_err tree_add(struct tree *t, struct gr_str path, struct gr_buf *b);
/* Adds manifest.json. Nothing may be added after it. */
GR_MUST_USE enum gr_err tree_seal(struct tree *t, const struct model *m);
struct tree_change {
    size_t written, unchanged, removed, stale; /* files */
};
/* Writes what differs, each file atomically (gr_file_write), the manifest last; removes files that an earlier manifest lists and this
 * one does not; never touches anything else. On a failure before the first rename nothing has changed: all files are first written and
 * synced under temporary names. */
GR_MUST_USE enum gr_err tree_write(const struct tree *t, const char *dir, struct tree_change *change);
/* Compares only; appends one line for each file that is missing, differs or should not be there ("stale: prometheus/rules.yml"). */
GR_MUST_USE enum gr_err tree_check(const struct tree *t, const char *dir, struct tree_change *change, struct gr_buf *report);
#endif
