/* testmodel.h - a small spec's model built by hand, for tests of back ends that must not depend on the reader.
 *
 * spec "demo": release label cluster (east: XNAS, XNYS; west: BINANCE), flows fast and slow, phases dark (shadow), p1, p2, full.
 *     errors    group core    ratio, against control +25/+40 %, floor 0.0005, backstop 5 %, override for XNAS; venue, flow; p1 p2
 *     age       group core    histogram p50 in s, shown in ms, +15/+30 %, venue and dynamic bucket; p1 p2
 *     cpu       group core    gauge, fixed above 80/90 %, at no slices; p1 p2
 *     pnl       group money   gauge, fixed outside ±5/±8 bps, venue, flow; p2
 *     refdata   no group      stream scope, fixed at or above 5 min, hard only; dark p1 p2
 * on hard: rollback, page; soft: extend, notify; no data: hold, notify. */
#ifndef TEST_TESTMODEL_H
#define TEST_TESTMODEL_H
#include "model.h"
#include "tree.h"

struct testmodel {
    struct model m;
    struct phase phases[4];
    struct guardrail guardrails[5];
    struct action actions[4];
    struct stream streams[2];
    struct gr_arena *arena; /* owned */
};
struct testmodel *testmodel_make(void);
void testmodel_free(struct testmodel *t);
/* Runs one emit function; the file's text, owned by *t (tree_free). Any failure ends the test. */
struct gr_str testmodel_emit(const struct model *m,
                             enum gr_err (*emit)(const struct model *m, struct tree *t), const char *path,
                             struct tree **t);
#endif
