/* playbook.h - compares the playbook, a Markdown page for people, with a model. Everything it wants is read
 * from the page. */
#ifndef TEST_PLAYBOOK_H
#define TEST_PLAYBOOK_H
#include "guardrail/buf.h"
#include "model.h"

struct audit {
    const struct model *m;
    struct gr_str page;
    struct gr_buf complaints; /* one line each; empty when page and model agree */
};
void complain(struct audit *a, const char *fmt, ...) GR_PRINTF(2, 3);
/* The tables of phases and thresholds. */
void audit_tables(struct audit *a);
/* What the rest of the page says. */
void audit_prose(struct audit *a);

/* ---- small readers, shared ---- */
/* The text behind the first `what`; empty (and a complaint) if it is not there. */
struct gr_str text_after(struct audit *a, struct gr_str in, const char *what);
/* The line of the page that begins (behind blanks, "-" and digits) with `start`. */
struct gr_str page_line(struct audit *a, const char *start);
/* Cuts the first `…` off *rest. */
bool next_code(struct gr_str *rest, struct gr_str *code);
/* A number at the start, and the rest behind it. */
bool take_number(struct gr_str *rest, struct gr_dec *out);
/* "5 minutes", "10 seconds", "2-minute", "72 hours", "12 months" at the start, in ms. */
bool take_time(struct gr_str text, int64_t *ms);
const struct guardrail *audit_guardrail(const struct audit *a, const char *name);
/* Whether a level's actions name this one, or one of this kind. */
bool does(const struct guardrail *g, enum level level, const char *action);
const struct action *does_kind(const struct audit *a, const struct guardrail *g, enum level level,
                               enum action_kind kind);
#endif
