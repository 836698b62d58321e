/* prove_write.h - what the two halves of writing a test file share: the questions and their answers (prove_write.c), and the series that are
 * given instead of being recorded (prove_given.c). */
#ifndef GUARDRAIL_COMPILER_PROVE_WRITE_H
#define GUARDRAIL_COMPILER_PROVE_WRITE_H
#include "prove.h"

struct prove_writer {
    struct gr_buf *b;
    const struct prove_world *w;
    const struct prove_stream *s;
    size_t k;
    size_t samples;   /* of the question at work */
    bool twins;       /* write the samples as series that another specification records, not as answers */
    bool stranger;    /* the sample at work is one of those */
    const char *spec; /* NULL: the specification under test */
};

bool prove_present(double v);
/* A labelled sample is begun, gets further labels (empty ones are left out), and lacks its '}' until it is written. */
struct gr_buf prove_begin(const struct prove_writer *x, const char *name, const struct prove_cell *c,
                          const struct prove_export *e);
void prove_put_pair(struct gr_buf *b, struct gr_str key, struct gr_str value);
void prove_put_pairs(struct gr_buf *b, struct pairs p);

/* Where a release is overdue and not active: another deployment, another phase. */
#define PROVE_ELSEWHERE 2u
#define PROVE_ELSEWHERE_VALUE 99999
void prove_elsewhere(const struct prove_writer *x, struct prove_export out[PROVE_ELSEWHERE]);
/* Slots beyond a limit, of a phase that is over. */
struct gr_buf prove_begin_left(const struct prove_writer *x, const char *name, const struct prove_cell *c,
                               const struct bound *b);
/* The scrape after the last evaluation but one. */
size_t prove_asked_scrape(const struct prove_world *w);
/* The head of a series, up to its first value. */
void prove_put_series_head(struct gr_buf *b, struct gr_str series);
/* All that is given to the streams from .. to. */
void prove_put_given(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to);
#endif
