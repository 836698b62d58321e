/* load.h - how the files of a specification are read: the specification itself, what it `extends`, what it `include`s.
 *
 * Paths in a file are relative to the folder of that file; those of standard input ("-") to the working folder. All files go through one
 * function, so that a specification can also be read from somewhere else than the file system, as from a git revision. */
#ifndef GUARDRAIL_COMPILER_LOAD_H
#define GUARDRAIL_COMPILER_LOAD_H
#include "guardrail/buf.h"

struct load_reader {
    /* Appends the text of a file to `text`, whose max is the limit. path: as written, behind the folder of the file that names it
     * ("overlays/../base.yml"). Errors as of gr_file_read; never waits (a pipe is refused, but for "-"). */
    enum gr_err (*read)(void *context, const char *path, struct gr_buf *text);
    void *context;
    const char *prefix; /* put before the path where findings name the file, as "main:"; NULL: nothing */
};
extern const struct load_reader load_files; /* the file system */

#define LOAD_DEPTH_MAX 8u          /* how many files `extends` may lead through, the last one included */
#define LOAD_FILES_MAX 256u        /* files of one specification */
#define LOAD_BYTES_MAX (32u << 20) /* all of them together; each has at most SPEC_BYTES_MAX */
#define LOAD_NODES_MAX 4000000u    /* values in all of them */
#endif
