/* template.h - the body of an `http` action in somebody else's shape: JSON whose strings hold placeholders, as
 *
 *     {"text": "{title}", "tags": ["{level}", "release"], "details": {"at": "{at}", "where": "{where}"}}
 *
 * guardrailc checks it, guardraild fills it in. A placeholder is '{', a name of the list below, '}', inside a string that is a value; what it stands for
 * becomes part of that string and is escaped as such, so no text from outside can become anything else. Another name in braces that looks like one is a fault; a brace
 * followed by anything else is itself. */
#ifndef GUARDRAIL_TEMPLATE_H
#define GUARDRAIL_TEMPLATE_H
#include "guardrail/node.h"

#define GR_TEMPLATE_BYTES_MAX 16384u
#define GR_TEMPLATE_DEPTH_MAX 8u

enum gr_template_name {
    GR_TEMPLATE_ACK_URL,
    GR_TEMPLATE_ACTION,
    GR_TEMPLATE_AT,
    GR_TEMPLATE_AUDIT,
    GR_TEMPLATE_BY,
    GR_TEMPLATE_COMMANDS,
    GR_TEMPLATE_DASHBOARD_URL,
    GR_TEMPLATE_DEPLOYMENT_ID,
    GR_TEMPLATE_DESCRIPTION,
    GR_TEMPLATE_GUARDRAIL,
    GR_TEMPLATE_KEY,
    GR_TEMPLATE_KIND,
    GR_TEMPLATE_LEVEL,
    GR_TEMPLATE_LIMIT,
    GR_TEMPLATE_METRIC,
    GR_TEMPLATE_NOW,
    GR_TEMPLATE_PHASE,
    GR_TEMPLATE_REASON,
    GR_TEMPLATE_RECORD,
    GR_TEMPLATE_REFERENCE,
    GR_TEMPLATE_RELEASE,
    GR_TEMPLATE_RUNBOOK_URL,
    GR_TEMPLATE_SEVERITY,
    GR_TEMPLATE_SPEC,
    GR_TEMPLATE_SUMMARY,
    GR_TEMPLATE_TITLE,
    GR_TEMPLATE_WHERE,
    GR_TEMPLATE_NAMES
};
extern const char *const gr_template_names[GR_TEMPLATE_NAMES]; /* sorted */

/* Moves *at behind the next placeholder (or to the end, giving false). [*from, *at) is what stands for it, braces included; *name what is
 * between them. */
bool gr_template_next(struct gr_str text, size_t *at, size_t *from, struct gr_str *name);
/* Which one, or GR_TEMPLATE_NAMES. */
enum gr_template_name gr_template_name(struct gr_str name);

struct gr_template_fault {
    const char *what;   /* a sentence; NULL: none */
    struct gr_str name; /* the placeholder or key it is about; may be empty */
};
/* The template as a tree in the arena. GR_EUSER: *fault says what is wrong with it; GR_ENOMEM. */
GR_MUST_USE enum gr_err gr_template_read(struct gr_arena *a, struct gr_str text, const struct gr_node **out,
                                         struct gr_template_fault *fault);
#endif
