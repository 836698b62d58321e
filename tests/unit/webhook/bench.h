/* bench.h - a store with a policy, for the suites of what works on it. */
#ifndef GUARDRAIL_TEST_WEBHOOK_BENCH_H
#define GUARDRAIL_TEST_WEBHOOK_BENCH_H
#include "webhook/app.h"
#include "webhook/release.h"

struct bench {
    char folder[256], database[300];
    struct conf conf;
    struct policies policies;
    struct app app;
    struct gr_arena *arena;
};
/* mode auto; app.engine and app.recorder are NULL. */
void bench_make(struct bench *b);
/* With another policy, which it takes over. */
void bench_make_with(struct bench *b, struct policy *policy);
void bench_remove(struct bench *b);
/* Calls fn on the store's thread and expects the outcome. */
void bench_call(struct bench *b, store_fn *fn, void *arg, enum gr_err want);
/* One number from the store. sql is a literal. */
int64_t bench_number(struct bench *b, const char *sql);
#endif
