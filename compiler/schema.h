/* schema.h - the language for editors and for people, from the tables that the reader uses (spec_keys.h).
 *
 * The schema is JSON Schema draft-07: what editors' YAML language servers read whole. It says what the tables say: keys,
 * what they require and exclude, types of values. It does not know what only the reader can tell: names that nobody defined,
 * units that do not convert, numbers out of range with their unit, PromQL. YAML 1.2 turns plain texts into numbers and booleans
 * before a schema sees them, so a text may be either there.
 * A file with `extends`, and a part for `include`, need not have every key: required keys are asked of whole specs only. */
#ifndef GUARDRAIL_COMPILER_SCHEMA_H
#define GUARDRAIL_COMPILER_SCHEMA_H
#include "jsonout.h"
#include "spec_keys.h"

/* Appends the schema. GR_ENOMEM. */
GR_MUST_USE enum gr_err schema_put(struct gr_buf *out);
/* Appends a Markdown table for each mapping, for docs/language.md. GR_ENOMEM. */
GR_MUST_USE enum gr_err schema_put_markdown(struct gr_buf *out);

/* Of schema_scalar.c: says in `at` what one scalar of the row's type is. */
void schema_scalar(struct jsonout *j, cJSON *at, const struct key *key);
/* A regular expression for free names of this type. */
void schema_name_pattern(struct gr_buf *b, enum key_type type);
#endif
