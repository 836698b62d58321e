/* waiver.h - who allowed an overlay to loosen something, and until when. */
#ifndef GUARDRAIL_COMPILER_WAIVER_H
#define GUARDRAIL_COMPILER_WAIVER_H
#include "spec_parts.h"

#define WAIVER_SOON_S (14 * INT64_C(86400))  /* before its end a warning */
#define WAIVER_LONG_S (366 * INT64_C(86400)) /* from now: a waiver for good is a change of the base */

/* One as an overlay writes it. */
struct waiver_entry {
    struct waiver waiver;
    const struct gr_node *node; /* of the waiver */
    const struct gr_node
        *owner; /* the guardrail's or override's entry that it is written in; NULL: of `waivers` */
    bool ok;    /* all four keys are there and well-formed */
    bool used;
};
struct waiver_set {
    struct waiver_entry *v;
    size_t n, cap;
};
/* Collects those of an overlay that keys_check has been over; reports missing keys. */
void waivers_read(struct spec *s, const struct gr_node *overlay, struct waiver_set *out);
bool waiver_expired(const struct spec *s, const struct waiver *w);
/* The one that covers a guardrail's change at `place` (that of the override around it, if that has one), or a part's; NULL: none. */
struct waiver_entry *waivers_of_guardrail(const struct waiver_set *set, struct gr_str guardrail,
                                          struct gr_span place);
struct waiver_entry *waivers_of_part(const struct waiver_set *set, struct gr_str part);
/* After `used` is set: warnings about those that end soon, that nothing needs, that last too long. */
void waivers_remark(struct spec *s, const struct waiver_set *set);
/* Adds those in force to the model. */
GR_MUST_USE enum gr_err waivers_keep(struct spec *s, const struct waiver_set *set, struct model *m);
#endif
