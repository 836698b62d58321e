/* tree.h - the output tree: a list of files in memory, its manifest, and writing it so that a failed run leaves the old tree.
 *
 * manifest.json: {"format":1,"compiler":"guardrail 0.1.0","target":"prometheus","spec":…,"spec_hash":…,"time_scale":1,
 *   "valid_until":"2026-12-31" (the last day of the waiver in force that ends first, or null),"files":[{"path":"prometheus/rules.yml","sha256":…,"bytes":…}]} sorted by path; the manifest itself is not listed.
 *
 * An old manifest is foreign text: it may come from a checked-out branch. Only a file that it lists under a plain relative path,
 * that no symbolic link leads to, and whose content still has the hash that it states is ever removed. A manifest that is no
 * manifest of ours (or of another format number) is ignored whole, nothing is removed then, and the caller is told. */
#ifndef GUARDRAIL_COMPILER_TREE_H
#define GUARDRAIL_COMPILER_TREE_H
#include "guardrail/buf.h"
#include "model.h"

#define TREE_MANIFEST_FORMAT 1
#define TREE_FILES_MAX 4096u
#define TREE_FILE_BYTES_MAX (256u << 20)
#define TREE_MANIFEST_BYTES_MAX (4u << 20)

struct tree; /* opaque */
GR_MUST_USE struct tree *tree_create(void);
void tree_free(struct tree *t);
/* Takes the content of b (which is empty afterwards). path: relative, '/' as separator, no component that is empty, "." or "..",
 * no control characters (GR_ERANGE), unique (GR_EEXIST), not manifest.json. GR_ELIMIT past the limits; an error that sticks in b
 * is returned. On failure b keeps its content. */
GR_MUST_USE enum gr_err tree_add(struct tree *t, struct gr_str path, struct gr_buf *b);
/* The content of a file of the tree, borrowed; p == NULL if there is none of that path. For tests and for --only. */
struct gr_str tree_get(const struct tree *t, struct gr_str path);
/* File number i of those added, in the order in which they were (sorted by path once sealed); false: there are not so many. The manifest
 * is not among them. Borrowed. */
bool tree_nth(const struct tree *t, size_t i, struct gr_str *path, struct gr_str *content);
/* Adds manifest.json; target: the row of backend.c that the tree is for. Nothing may be added after it. */
GR_MUST_USE enum gr_err tree_seal(struct tree *t, const struct model *m, const char *target);
struct tree_change {
    size_t written, unchanged, removed, stale; /* files, the manifest included */
    size_t kept;       /* files of an older manifest left alone: changed since, or behind a symbolic link */
    bool manifest_bad; /* there is a manifest.json, but it is none of ours: ignored */
    /* On failure: the path it is about, borrowed from the tree; empty when it is the folder itself. */
    struct gr_str failed;
};
/* Writes what differs, each file by rename, the manifest last; removes files that an earlier manifest lists and this one does
 * not, and folders that this empties; never touches anything else. On a failure before the first rename nothing has changed (but
 * for folders that were made): all files are first written and synced under temporary names (".<name>.new" beside the target).
 * On a later one each file is the old or the new one, the manifest is the old one, and another run mends it.
 * Holds a lock on dir: GR_EBUSY if another run has it. A symbolic link below dir in the place of a folder is GR_EACCES. */
GR_MUST_USE enum gr_err tree_write(const struct tree *t, const char *dir, struct tree_change *change);
/* Compares only; appends one line for each file that is missing, differs or should not be there ("stale: prometheus/rules.yml",
 * "missing: …", "left over: …") and counts them as stale. GR_OK also when there are some. */
GR_MUST_USE enum gr_err tree_check(const struct tree *t, const char *dir, struct tree_change *change,
                                   struct gr_buf *report);
#endif
