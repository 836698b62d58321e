/* power_ask.h - what a rates file wants to know of a running system: one question for each value, with the PromQL that tells it.
 *
 * The questions come in the order of the file that power_template() prints from them. A question without a query is one that no metric of the
 * specification answers. Answers are put in by who asked (power_prometheus.h); without them the printed file is one to begin with.
 * Everything lives in the arena of the model. */
#ifndef GUARDRAIL_COMPILER_POWER_ASK_H
#define GUARDRAIL_COMPILER_POWER_ASK_H
#include "rates.h"

#define POWER_LOOKBACK_MS (INT64_C(24) * 3600 * 1000)
#define POWER_LOOKBACK_MS_MAX (INT64_C(90) * 24 * 3600 * 1000)

struct power_ask {
    const char *key;           /* of the rates file: "per_second", "bad" */
    const struct guardrail *g; /* whose; NULL: of traffic, or of the whole file */
    size_t index;              /* traffic: of the cell; mix: of the weight */
    struct gr_str query;       /* empty: nothing tells */
    double assumed, answer; /* in the file's unit (a percentage where unit is "%"); answer NAN: not known */
    const char *unit;       /* as written behind the number: "%", "ms", "" */
    const char *what;       /* a comment behind the value, or "" */
    bool stated;            /* the file to begin with states what is assumed; else it is a comment there */
    struct gr_str why;      /* why it is not known, after asking */
};
struct power_asks {
    const struct model *m;
    const struct rates_cell *cells;
    struct power_ask *v;
    size_t n;
    int64_t lookback_ms; /* the range of the queries */
    bool asked;          /* there are answers, or reasons why not */
    struct gr_str from;  /* asked: whom and when, for a comment */
};
/* The questions for a specification, nothing stated yet. GR_ENOMEM, GR_ELIMIT (rates_none). */
GR_MUST_USE enum gr_err power_asks_init(struct power_asks *out, const struct model *m, const struct rates *r,
                                        int64_t lookback_ms);
/* Takes an answer if a rates file may state it: rounded, brought to the nearest end where chance put it just outside. Else `why` says
 * what is wrong with it. */
void power_ask_take(struct power_asks *asks, struct power_ask *a, double answer);
/* Whose value it is: "errors: bad", "traffic {zone: a}: per_second". */
void power_ask_name(const struct power_asks *asks, const struct power_ask *a, struct gr_buf *b);
/* Prints the rates file: what was answered, and what is assumed instead (once asked, as comments with the reason). */
void power_template(const struct power_asks *asks, struct gr_buf *b);
#endif
