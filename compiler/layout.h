/* layout.h - the one layout of a YAML file: same meaning, same comments, same order.
 *
 *     indentation   2 blanks a level, lists below their key too; LF, no byte order mark, no blanks at line ends
 *     blank lines   at most one in a row, none at the start and the end
 *     [ ] and { }   stay where they fit into LAYOUT_WIDTH columns and hold no comments, on one line; else become blocks
 *     scalars       spelled as they are; quotes only where some reader needs them, then "…" ('…' where that saves
 *                   escapes); those of several lines keep their lines; | and > keep every byte of their text
 *     comments      each exactly once, in order. One behind something stays behind it, two blanks off; neighbours that
 *                   stand in one column stay in one. One with a line of its own is indented like what it stands in.
 *
 * Nothing is known here of the guardrail language, so files with any other mistake are laid out too. layout_format
 * reads its own result again and compares; a second run changes nothing. */
#ifndef GUARDRAIL_COMPILER_LAYOUT_H
#define GUARDRAIL_COMPILER_LAYOUT_H
#include "guardrail/arena.h"
#include "guardrail/buf.h"
#include "guardrail/diag.h"
#include "guardrail/node.h"

#define LAYOUT_WIDTH 120u
#define LAYOUT_NODES_MAX 400000u  /* values: as many as a specification may have */
#define LAYOUT_KEY_CHARS_MAX 900u /* YAML allows 1024 for a key and what quotes it, on one line */

/* Appends the canonical form of a source file to out. GR_EUSER: findings say what is wrong with the YAML. GR_ESTATE:
 * the result would not mean the same: our bug. GR_ENOMEM. Unless GR_OK, what is in out is worth nothing. */
GR_MUST_USE enum gr_err layout_format(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                                      struct gr_diags *d, struct gr_buf *out);
#endif
