/* spec.h - reads a guardrail spec into a model, reporting all that is wrong in one run.
 *
 * The document is read by base/ (gr_yaml_read); here its keys are checked against tables, names resolved and
 * meanings checked. A part that is wrong is poisoned: later checks that build on it stay silent. */
#ifndef GUARDRAIL_COMPILER_SPEC_H
#define GUARDRAIL_COMPILER_SPEC_H
#include "guardrail/node.h"
#include "load.h"
#include "model.h"

#define SPEC_BYTES_MAX (1u << 20) /* of one file */
#define SPEC_NODES_MAX 400000u    /* values in one file */

struct spec_options {
    uint32_t time_scale;              /* 1 … 1000 */
    int64_t now_s;                    /* seconds since 1970, UTC: decides which waivers are in force */
    const struct load_reader *reader; /* NULL: load_files */
};
/* Reads the file at path ("-": standard input) and all that it names, through options.reader. GR_OK: *out is the model, in the arena.
 * GR_EUSER: findings say what is wrong, *out untouched; also when a file that `extends` or `include` names cannot be read. When the file
 * at path itself cannot: GR_ENOENT, GR_EACCES, GR_EIO, GR_ELIMIT, and a finding. GR_ENOMEM. */
GR_MUST_USE enum gr_err spec_open(struct gr_arena *a, struct gr_sources *sources, const char *path,
                                  struct spec_options options, struct gr_diags *d, struct model **out);
/* The same for a file whose text is in the table already, under its path. */
GR_MUST_USE enum gr_err spec_read(struct gr_arena *a, struct gr_sources *sources, uint32_t file,
                                  struct spec_options options, struct gr_diags *d, struct model **out);
#endif
