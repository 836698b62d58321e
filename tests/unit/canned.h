/* canned.h - an HTTP server of one thread that gives fixed bytes, so that a client can be shown every kind of answer. */
#ifndef GUARDRAIL_TEST_CANNED_H
#define GUARDRAIL_TEST_CANNED_H
#include "guardrail/buf.h"

struct canned; /* opaque */
/* Listens on 127.0.0.1, a free port. Each connection gets the answer's bytes after its request (headers and the stated body) was
 * read, and is closed; with hang the connection stays open and silent after the answer until the server is stopped. */
struct canned *canned_start(struct gr_str answer, bool hang);
/* The same with an answer for each request, on the server's thread; it lives until the next one is asked for. */
typedef struct gr_str canned_fn(struct gr_str request, void *arg);
struct canned *canned_start_with(canned_fn *choose, void *arg, bool hang);
/* "http://127.0.0.1:PORT", owned by the server. */
const char *canned_url(const struct canned *c);
/* Stops the thread; the requests received, one after the other, go to b (may be NULL). */
void canned_stop(struct canned *c, struct gr_buf *b);
#endif
