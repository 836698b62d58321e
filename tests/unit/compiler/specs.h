/* specs.h - a spec read for a test: its model, and its findings as a list. */
#ifndef TEST_SPECS_H
#define TEST_SPECS_H
#include "guardrail/json.h"
#include "spec.h"

struct finding {
    const char *code, *message, *fix;
    struct gr_str file; /* its name in the table */
    size_t line;        /* from 1 */
    struct gr_str text; /* what the span covers, if it ends in the line it begins in */
};
struct specs {
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_arena *arena;
    struct model *model;           /* NULL unless err is GR_OK */
    const char *const (*texts)[2]; /* specs_read_of */
    uint32_t file, files;          /* the specification, always 1; how many there are with those it names */
    enum gr_err err;
    cJSON *json; /* of the findings, which borrow from it */
    struct finding *findings;
    size_t n;
};
#define SPECS_NOW INT64_C(1795392000) /* 2026-11-23T00:00:00Z: what all tests are judged by */
/* Read a file below the source folder, or a text. What it extends or includes is below the source folder too. Machine trouble ends the
 * test. */
void specs_read_file(struct specs *s, const char *path);
void specs_read(struct specs *s, struct gr_str name, struct gr_str text);
/* The same with files of the test's own: what `name` names is looked for in `texts`, {name, text} pairs that end with NULL. */
void specs_read_of(struct specs *s, const char *const (*texts)[2], const char *name, int64_t now_s);
void specs_fini(struct specs *s);
const struct guardrail *specs_guardrail(const struct specs *s, const char *name);
/* A file below the source folder, whole; free it with gr_sys.free. */
char *specs_slurp(const char *path);
/* The spec that most tests start from, with `what` (if not NULL) replaced by `with` once. */
extern const char specs_base[];
void specs_read_changed(struct specs *s, const char *what, const char *with);
/* 1.25 as text, valid until the next call. */
const char *specs_dec(struct gr_dec v);
#endif
