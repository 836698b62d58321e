/* number.h - numbers from text and back, checked; decimals that stay exact.
 *
 * One parser each, on a slice, with a range, refusing leftovers, blanks and (for integers) signs that make no sense.
 * Limits are computed in decimal, never in binary floating point: +25 % is exactly 1.25. */
#ifndef GUARDRAIL_NUMBER_H
#define GUARDRAIL_NUMBER_H
#include "guardrail/buf.h"

/* Decimal digits only (a leading '-' for i64). GR_ESYNTAX, or GR_ERANGE outside [min, max]. */
GR_MUST_USE enum gr_err gr_parse_i64(struct gr_str s, int64_t min, int64_t max, int64_t *out);
GR_MUST_USE enum gr_err gr_parse_u64(struct gr_str s, uint64_t max, uint64_t *out);
/* A finite decimal or exponent number ("0.5", "-1e3"); no hex, inf, nan, blanks. */
GR_MUST_USE enum gr_err gr_parse_double(struct gr_str s, double *out);

/* mant × 10^exp. Normalised: mant has no trailing zero (0 is 0 × 10^0), so equal values are equal structs. */
struct gr_dec {
    int64_t mant;
    int32_t exp; /* -18 … 18 */
};
#define GR_DEC(m, e) ((struct gr_dec){(m), (e)}) /* must be given normalised */
/* [+-]digits[.digits], at most 18 significant digits. GR_ESYNTAX, GR_ERANGE. */
GR_MUST_USE enum gr_err gr_dec_parse(struct gr_str s, struct gr_dec *out);
GR_MUST_USE enum gr_err gr_dec_add(struct gr_dec a, struct gr_dec b, struct gr_dec *out);
GR_MUST_USE enum gr_err gr_dec_mul(struct gr_dec a, struct gr_dec b, struct gr_dec *out);
/* a / b: exact where it terminates within 18 digits, else rounded half-even at 17 significant digits or 18 places, whichever
 * comes first; GR_ERANGE if nothing is left then. b != 0. */
GR_MUST_USE enum gr_err gr_dec_div(struct gr_dec a, struct gr_dec b, struct gr_dec *out);
struct gr_dec gr_dec_neg(struct gr_dec a);
int gr_dec_cmp(struct gr_dec a, struct gr_dec b); /* <0, 0, >0 */
double gr_dec_double(struct gr_dec a);
struct gr_dec gr_dec_int(int64_t v); /* v > INT64_MIN; the others give and take at most 18 digits */
/* Plain decimal, never an exponent: "1.25", "-8", "0.0005". Reads back as the same decimal. */
void gr_dec_print(struct gr_buf *b, struct gr_dec a);
/* Shortest text that reads back as the same double; "NaN", "+Inf", "-Inf" otherwise. Locale plays no part. */
void gr_double_print(struct gr_buf *b, double v);
#endif
