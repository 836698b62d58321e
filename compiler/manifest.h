/* manifest.h - the text of manifest.json: written from a model and a list of files, read back with suspicion (see tree.h). */
#ifndef GUARDRAIL_COMPILER_MANIFEST_H
#define GUARDRAIL_COMPILER_MANIFEST_H
#include "guardrail/buf.h"
#include "guardrail/hash.h"
#include "jsonout.h"
#include "model.h"

#define MANIFEST_NAME "manifest.json"

struct manifest_writer {
    struct jsonout j;
    cJSON *root, *files;
};
void manifest_begin(struct manifest_writer *w, const struct model *m, const char *target);
void manifest_file(struct manifest_writer *w, const char *path, const char *sha256, size_t bytes);
/* Appends the text to b. Frees the writer whether it fails or not. */
GR_MUST_USE enum gr_err manifest_end(struct manifest_writer *w, struct gr_buf *b);

struct manifest_entry {
    char *path; /* owned; manifest_path_ok */
    char sha256[GR_SHA256_HEX + 1];
    int64_t bytes; /* 0 … TREE_FILE_BYTES_MAX */
};
struct manifest {
    struct manifest_entry *entries;
    size_t n;
    char valid_until[11]; /* "2026-12-31", the last day; empty: none is stated */
};
/* Reads DIR/manifest.json. No such file: GR_OK and no entries. One that is no manifest of ours: GR_OK, no entries, *bad set.
 * GR_EACCES, GR_EIO, GR_ENOMEM. manifest_fini in any case. */
GR_MUST_USE enum gr_err manifest_read(struct manifest *m, const char *dir, bool *bad);
void manifest_fini(struct manifest *m);
/* A relative path of a generated file: components that are not empty, "." or "..", separated by '/', valid UTF-8 without control
 * characters, at most MANIFEST_PATH_BYTES_MAX bytes, and not the manifest's own. */
#define MANIFEST_PATH_BYTES_MAX 1024u
bool manifest_path_ok(struct gr_str path);
#endif
