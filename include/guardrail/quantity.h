/* quantity.h - quantities with units: "+25%", "±5bps", "5min", "0.35", and conversion between units of one dimension.
 *
 * Units are rows of one table. A percent sign is ambiguous on purpose: the reader of a limit decides from `against` whether
 * "+25%" is relative; "pp" and "bps" are always points. */
#ifndef GUARDRAIL_QUANTITY_H
#define GUARDRAIL_QUANTITY_H
#include "guardrail/number.h"

enum gr_dim { GR_DIM_NONE, GR_DIM_RATIO, GR_DIM_TIME, GR_DIM_COUNT, GR_DIM_SCORE, GR_DIM_BYTES };
struct gr_unit {
    const char *name;     /* as the spec writes it for a metric: "ms", "ratio", "percent", "bps" */
    const char *suffixes; /* what may follow a number, space-separated: "ms", "% percent" */
    enum gr_dim dim;
    struct gr_dec scale; /* how many of the dimension's base unit (1, second, 1, 1, byte) it is */
    const char *grafana; /* unit id for dashboards */
    const char *label;   /* for people, after a number: " ms", "%", " bps" */
};
/* By metric-unit name, or by suffix; NULL if unknown. */
const struct gr_unit *gr_unit_by_name(struct gr_str name);
const struct gr_unit *gr_unit_by_suffix(struct gr_str suffix);
/* The table, for help texts and tests. */
const struct gr_unit *gr_units(size_t *count);
/* value in `from` units, expressed in `to` units; GR_ERANGE when the dimensions differ or the result does not fit. */
GR_MUST_USE enum gr_err gr_unit_convert(struct gr_dec value, const struct gr_unit *from,
                                        const struct gr_unit *to, struct gr_dec *out);

enum gr_sign {
    GR_SIGN_NONE,
    GR_SIGN_PLUS,
    GR_SIGN_MINUS,
    GR_SIGN_BOTH
}; /* as written; BOTH is "±" or "+-" */
struct gr_quantity {
    enum gr_sign sign;
    struct gr_dec value;        /* with its sign applied; positive for BOTH */
    const struct gr_unit *unit; /* NULL: a bare number */
};
/* [sign]number[ ][suffix]; the signs are + - ± +- and U+2212 for a minus. GR_ESYNTAX (not a number), GR_ERANGE (too many
 * digits), GR_ENOENT (the unit is unknown; *bad_unit is its slice). */
GR_MUST_USE enum gr_err gr_quantity_parse(struct gr_str s, struct gr_quantity *out, struct gr_str *bad_unit);
#endif
