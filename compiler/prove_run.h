/* prove_run.h - running the generated tests: all of them once, and for each changed rule those of the guardrails that it concerns. */
#ifndef GUARDRAIL_COMPILER_PROVE_RUN_H
#define GUARDRAIL_COMPILER_PROVE_RUN_H
#include "command.h"
#include "promtool.h"
#include "prove.h"
#include "prove_rules.h"

#define PROVE_FILE_BYTES_MAX (256u << 20)
#define PROVE_FILES                                                                                          \
    5u /* test files of one guardrail: one for each distance between evaluations, one about shares */

/* A guardrail and what its tests gave. */
struct prove_target {
    struct prove_suite suite;
    struct gr_arena *arena; /* owned: the suite's */
    bool watch;         /* not a guardrail's tests, but those of the group that watches; suite.g is a name */
    struct gr_str base; /* file names begin with it */
    struct gr_str files[PROVE_FILES];
    size_t n_files;
    enum promtool_end end;
    struct gr_buf out; /* promtool's words */
    size_t failed;     /* cases */
};
struct prove_survivor {
    const struct gr_rule *rule;
    struct gr_str change, before, after, reason; /* reason: why it is the same; empty: it is not */
};
struct prove_run {
    const struct command *self;
    struct session *session;
    struct model *m;
    struct gr_rulefile *rules;   /* under test */
    struct gr_rulefile *emitted; /* those that compile would write; the same, but for --rules */
    struct gr_buf folder;
    bool temporary, mutate, spread, doubt;
    size_t jobs, sample;
    uint64_t seed;
    const char *only, *rule, *program; /* the guardrail, the rules changed; NULL: all */
    int64_t started_ms;
    struct prove_target *targets;
    size_t n_targets;
    /* of --mutate */
    size_t mutants, killed, explained, survived;
    struct prove_survivor *survivors;
    size_t n_survivors, cap_survivors;
};
/* Builds and writes all suites. EXIT_CLEAN, EXIT_USAGE (no such guardrail) or EXIT_MACHINE, after a complaint. */
GR_MUST_USE int prove_run_write(struct prove_run *r);
/* EXIT_CLEAN, EXIT_FINDINGS if a test failed, EXIT_USAGE without promtool, EXIT_MACHINE. */
GR_MUST_USE int prove_run_tests(struct prove_run *r);
/* The same of changed rules: EXIT_FINDINGS if one went unnoticed and is not explained. */
GR_MUST_USE int prove_run_mutants(struct prove_run *r);
/* Tells the result. Returns code, or EXIT_MACHINE. */
GR_MUST_USE int prove_run_report(const struct prove_run *r, int code);
/* Writes a file in the run's folder: EXIT_CLEAN, or EXIT_MACHINE after a complaint. */
GR_MUST_USE int prove_run_put_file(struct prove_run *r, struct gr_str name, struct gr_str content);
/* Tells people of a change that went unnoticed, at once: a run may take an hour. false: it cannot be written. */
GR_MUST_USE bool prove_run_tell(const struct prove_run *r, const struct prove_survivor *v);
size_t prove_run_cases(const struct prove_run *r);
void prove_run_fini(struct prove_run *r);
/* Cases among promtool's words whose answer differed (prove_report.c): counts them, and tells them if b is not NULL. */
size_t prove_failed_cases(const struct prove_target *t, struct gr_str words, struct gr_buf *b);
#endif
