/* framing.h - what the headers of a request must be before its body is read, so that nobody in front of guardraild can take its end for
 * another one.
 *
 * Refused: a header that is not as RFC 9110 has it, a framing header that is folded or comes twice, Content-Length beside
 * Transfer-Encoding, a GET with a body, a POST without Content-Length, of another type or too large. Texts are borrowed from the one
 * who reads the request. */
#ifndef GUARDRAIL_WEBHOOK_FRAMING_H
#define GUARDRAIL_WEBHOOK_FRAMING_H
#include "request.h"

struct framing {
    const char *length, *encoding, *authorization, *type,
        *host; /* NULL: not there; the last one of several */
    unsigned lengths, encodings, hosts, authorizations, types;
    bool odd; /* one is not as RFC 9110 has it */
};
/* One header; value may be NULL. */
void framing_add(struct framing *f, const char *name, const char *value);
/* For q's route. False with the answer in q. */
bool framing_ok(const struct framing *f, struct request *q);
#endif
