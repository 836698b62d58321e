/* diag.h - what is wrong with the user's input, and where.
 *
 * All that a user can get wrong is reported here and nowhere else. Machine trouble (no memory, disk full) is an
 * enum gr_err; our own bugs are GR_ASSERT. Findings are sorted by place when printed, so the order of passes never shows;
 * of two equal ones (code, place, text) one is kept. Ownership: texts are copied in; the source table must outlive the
 * list. Limits: GR_DIAGS_MAX are kept, the rest counted; 16 notes each; a text past 4 KiB is cut and ends in "…". */
#ifndef GUARDRAIL_DIAG_H
#define GUARDRAIL_DIAG_H
#include "guardrail/buf.h"
#include "guardrail/source.h"

#define GR_DIAGS_MAX 1000u

enum gr_severity { GR_SEV_NOTE, GR_SEV_WARNING, GR_SEV_ERROR };
/* Codes are rows of diag_codes.def: GR_CODE(number, severity, short name, one-line help). Never reused; a retired one leaves a
 * tombstone row. The enumerator of 0103 is GR0103. */
enum gr_code {
#define GR_CODE(number, severity, name, help) GR##number,
#include "guardrail/diag_codes.def"
#undef GR_CODE
    GR_CODE_COUNT
};
struct gr_code_info {
    const char *code; /* "GR0103" */
    enum gr_severity severity;
    const char *name; /* "unknown-key" */
    const char *help; /* one line */
};
/* The table's row; code < GR_CODE_COUNT. */
const struct gr_code_info *gr_code_info(enum gr_code code);

struct gr_diags; /* opaque */
GR_MUST_USE struct gr_diags *gr_diags_create(const struct gr_sources *sources);
void gr_diags_free(struct gr_diags *d);
/* The table given to gr_diags_create, for readers that look at the text behind a span. */
const struct gr_sources *gr_diags_sources(const struct gr_diags *d);
/* Adds one finding. code: a row of diag_codes.def, which fixes severity and help text. where: the narrowest text the
 * user should change. fix: what to write instead, or empty. Cannot fail: with no memory it is counted, see _status. */
void gr_diag(struct gr_diags *d, enum gr_code code, struct gr_span where, struct gr_str fix, const char *fmt,
             ...) GR_PRINTF(5, 6);
/* Adds "also here" to the newest finding, as for the first of two definitions. */
void gr_diag_note(struct gr_diags *d, struct gr_span where, const char *fmt, ...) GR_PRINTF(3, 4);
/* Adds copies of all findings of another list, which was made with the same table of sources; what that one could not keep counts as
 * not kept here. */
void gr_diags_merge(struct gr_diags *d, const struct gr_diags *from);
/* GR_OK, GR_EUSER if any finding is an error, or GR_ENOMEM if any finding was lost. */
GR_MUST_USE enum gr_err gr_diags_status(const struct gr_diags *d);
/* How many of a severity were reported, those past the limit included. */
size_t gr_diags_count(const struct gr_diags *d, enum gr_severity severity);

/* One of those that are kept, by place; false: there are not so many. The texts are borrowed until the list changes. */
struct gr_diag_view {
    enum gr_code code;
    struct gr_span where;
    struct gr_str message, fix;
};
bool gr_diags_get(const struct gr_diags *d, size_t index, struct gr_diag_view *out);

enum gr_diag_format { GR_DIAG_TEXT, GR_DIAG_JSON, GR_DIAG_SARIF, GR_DIAG_GITHUB };
struct gr_diag_style {
    enum gr_diag_format format;
    bool color;       /* ANSI colours, text only */
    const char *tool; /* SARIF: the program; NULL: guardrail */
    const char *(*page)(
        enum gr_code code); /* SARIF: the help of a code; NULL, or giving NULL: its one line */
};
/* Appends all findings, sorted. Text, one finding:
 *     guardrails.yml:12:15: GR0103 error: unknown unit "mz"
 *         12 |     unit: mz
 *            |           ^~
 *        help: did you mean "ms"?
 *     other.yml:3:1: note: first defined here
 * The help line is the fix if there is one, else the code's. Without a place the first line starts at the code and no source
 * line follows; one past 160 columns is cut around the caret with "…". The caret line keeps tabs and pads by display width;
 * foreign text is escaped. Findings that were not kept end it: "… and 12 more, not shown". JSON, on one line:
 *     {"format_version":1,"findings":[{"code":"GR0103","severity":"error","name":…,"message":…,"fix":…,
 *       "file":…,"line":12,"column":15,"end_line":12,"end_column":17,"notes":[{"message":…,"file":…,"line":…,"column":…}]}],
 *      "errors":1,"warnings":0,"dropped":0}
 * An empty fix and the parts of a missing place are null; end_column is the first column behind it. SARIF: one log of version
 * 2.1.0 with one run, which names the codes that occur as its rules; fingerprints come from code, file and message. GitHub: one
 * workflow command a finding, which GitHub shows beside the line: "::error file=…,line=…::message"; nothing when there is none. */
void gr_diags_print(const struct gr_diags *d, struct gr_diag_style style, struct gr_buf *out);
#endif
