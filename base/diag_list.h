/* diag_list.h - how findings are kept: what diag.c collects and diag_print.c shows. */
#ifndef BASE_DIAG_LIST_H
#define BASE_DIAG_LIST_H
#include "guardrail/diag.h"

#define NOTES_MAX 16u        /* per finding; the rest is dropped */
#define TEXT_BYTES_MAX 4096u /* of one message or fix; a longer one is cut and ends in "…" */

struct note {
    struct note *next; /* owned */
    struct gr_span where;
    struct gr_str message; /* in the same block of memory */
};

struct finding {
    enum gr_code code;
    struct gr_span where;
    struct gr_str message, fix; /* in the same block of memory */
    struct note *notes;         /* owned, in the order of the calls */
    size_t note_count;
};

struct gr_diags {
    const struct gr_sources *sources;       /* borrowed; outlives the list */
    struct finding *findings[GR_DIAGS_MAX]; /* owned, sorted by place, code, text */
    size_t count;
    struct finding *newest;               /* what a note belongs to; NULL if that was not kept */
    size_t by_severity[GR_SEV_ERROR + 1]; /* reported, kept or not, equal ones once */
    size_t dropped;                       /* not kept: past the limit, or no memory */
    bool lost;                            /* something was not kept for want of memory */
};

/* What gr_diags_print does for the formats in diag_sarif.c. */
void diags_print_sarif(const struct gr_diags *d, struct gr_diag_style style, struct gr_buf *b);
void diags_print_github(const struct gr_diags *d, struct gr_buf *b);
#endif
