/* prove_build.h - what the makers of cases share (prove_build.c), and the families of cases that a suite has (prove_suite.c).
 *
 * Without memory a function returns NULL and marks the world; functions take that NULL, so nobody checks in between. */
#ifndef GUARDRAIL_COMPILER_PROVE_BUILD_H
#define GUARDRAIL_COMPILER_PROVE_BUILD_H
#include "guardrail/rulefile.h"
#include "prove.h"

#define D1 "d1"
#define ALL SIZE_MAX
#define TEXT(b, ...) build_text((b), gr_arena_printf((b)->arena, __VA_ARGS__))

struct build {
    struct gr_arena *arena;
    const struct model *m;
    const struct guardrail *g;
    const struct gr_rulefile *rules; /* NULL: no decoys */
    struct prove_suite *suite;
    struct prove_world *w;
    size_t phase;        /* the shortest that the guardrail watches */
    size_t slots;        /* of its window */
    size_t gate;         /* first step whose slot counts */
    size_t full;         /* first step with a full window */
    double calm, calmer; /* effects inside every limit */
    struct gr_str key;   /* the release label that tells cases apart */
};

bool build_counts(const struct guardrail *g);   /* of events or observations, not of values */
bool build_ratio(const struct guardrail *g);    /* of good or bad events */
bool build_compared(const struct guardrail *g); /* with control */
void build_failed(struct build *b);             /* no memory */
const char *build_text(struct build *b, struct gr_str s);
/* A world of its own from here on: b->w. */
struct prove_world *build_world(struct build *b, const char *name, int64_t step_ms, size_t steps);
/* A stream of that world, without name and slices; a slice of it, without labels. */
struct prove_stream *build_stream(struct build *b);
struct prove_cell *build_cell(struct build *b, struct prove_stream *s);
/* A stream that `expect` does not list, with one slice. */
struct prove_cell *build_outside(struct build *b, const char *name, struct prove_stream **out);
/* The same in the phase that most cases use, showing one level all along. */
struct prove_stream *build_constant(struct build *b, const char *name, struct prove_level l);
/* The stream number i of those that `expect` lists, with its slices, in a phase; without samples. */
struct prove_stream *build_listed(struct build *b, uint32_t i, size_t phase);
struct prove_export *build_enter(struct build *b, struct prove_stream *s, const char *deployment,
                                 size_t phase, double start_s);
/* Samples of scrapes [from, to). Counters go on from what they last were. */
void build_fill(struct build *b, struct prove_cell *c, size_t from, size_t to, struct prove_level l);
/* The same of one instance of a cohort. level: a value or an increase for each part. */
void build_fill_one(struct build *b, struct prove_cell *c, size_t cohort, size_t instance, size_t from,
                    size_t to, const double *level);
/* The samples of scrapes [from, to) of a cohort's first instance become `with`; PROVE_NONE: they are lost. */
void build_wipe(struct build *b, struct prove_cell *c, size_t cohort, size_t from, size_t to, double with);
/* What is scraped of one series, a sample a scrape; how many such parts a cohort has. Borrowed from the world. */
double *build_raw(struct build *b, struct prove_cell *c, size_t cohort, size_t part, size_t instance);
size_t build_raw_parts(const struct build *b);
/* The answer of step k is compared. */
void build_at(struct prove_stream *s, size_t k);
size_t build_scrape(const struct build *b, size_t step);
double build_literal(const struct build *b, const struct bound *bound, const struct slice *slice);
/* A little further to the bad side (positive steps) or to the good one. */
double build_beside(const struct bound *bound, double lit, double steps);
struct prove_level build_level(const struct build *b, const struct bound *bound, double v);

/* Sets calm and calmer: effects well inside every limit, and not the neutral one, at which canary and control could be swapped unseen. */
void build_calm(struct build *b);

/* -- families of cases (prove_cases.c) -------------------------------------------------------------------------------------- */
void limit_cases(struct build *b);
/* All that is not a limit: what is there, what is missing, what is broken. */
void data_cases(struct build *b);
void denominator_case(struct build *b, size_t phase, size_t mid, size_t cohort);
void early_case(struct build *b, size_t phase, size_t cohort);
void idle_cases(struct build *b);
void odd_ratio_cases(struct build *b);
void endless_case(struct build *b);
void odd_gauge_cases(struct build *b);
void edge_cases(struct build *b);
void turns_case(struct build *b);
void floor_cases(struct build *b);
void window_case(struct build *b, size_t phase);
void phase_cases(struct build *b);

/* -- of evidence (prove_evidence.c) ----------------------------------------------------------------------------------------- */
void evidence_cases(struct build *b);
void total_cases(struct build *b);
void events_cases(struct build *b);
void backstop_cases(struct build *b);
void confirm_cases(struct build *b);

/* -- of others' data -------------------------------------------------------------------------------------------------------- */
/* Streams that must look like one another although one has series beside its own that no rule may read (prove_decoy.c). */
void build_decoys(struct build *b, size_t phase);
/* Effects, evidence and counts given to the rules as they stand, for what samples cannot bring about (prove_feed.c). */
void build_fed(struct build *b);
#endif
