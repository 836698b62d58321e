/* load.h - the files of a specification: the one that was asked for, what it `extends`, what each of them `include`s.
 *
 * Paths in a file are relative to the folder of that file; those of standard input ("-") to the working folder. ".." is resolved in the
 * text, as people read it, not through symbolic links. All files go through one function, so that a specification can also be read from
 * somewhere else than the file system, as from a git revision. What cannot be read is a finding on the value that names it. */
#ifndef GUARDRAIL_COMPILER_LOAD_H
#define GUARDRAIL_COMPILER_LOAD_H
#include "guardrail/buf.h"
#include "guardrail/node.h"

struct load_reader {
    /* Appends the text of a file to `text`, whose max is the limit. path: that of the specification as given, others joined with the
     * folder of the file that names them ("../base.yml" in "overlays/crypto.yml" is "base.yml"). Errors as of gr_file_read. `named`:
     * another file names it, so it must be a regular file and is never waited for. */
    enum gr_err (*read)(void *context, const char *path, bool named, struct gr_buf *text);
    /* What is wrong with a file that read() refused, "it is a folder"; NULL: gr_err_name will do. */
    const char *(*why)(void *context, const char *path, enum gr_err err);
    void *context;
    const char *prefix; /* put before the path where findings name the file, as "main:"; NULL: nothing */
};
extern const struct load_reader load_files; /* the file system */

#define LOAD_DEPTH_MAX 8u          /* files that `extends` leads through, the first and the last included */
#define LOAD_FILES_MAX 256u        /* files of one specification */
#define LOAD_BYTES_MAX (32u << 20) /* all of them together; each has at most SPEC_BYTES_MAX */
#define LOAD_NODES_MAX 2000000u    /* values in all of them together */

struct load_layer {
    const struct gr_node *root; /* with the guardrails and actions that it includes; NULL: there was none */
    struct gr_str path;         /* as read() got it */
    uint32_t file;
    bool broken; /* no YAML, or half of it */
};
struct loaded {
    struct load_layer layers[LOAD_DEPTH_MAX]; /* what was asked for, what it extends, what that extends … */
    size_t n;
};
struct spec;
/* Reads `file`, whose text is in the table already, and all that it names. GR_OK; GR_EUSER when a finding says what is wrong: *out then
 * holds what there is, parts of documents among it. GR_ENOMEM. */
GR_MUST_USE enum gr_err load_layers(struct spec *s, struct gr_str path, uint32_t file, struct loaded *out);
#endif
