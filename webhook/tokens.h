/* tokens.h - bearer tokens by role. Files are private and hold one token a line, so that an old and a new
 * one may both be valid while
 * they are rotated. Only their hashes are kept, and compared in constant time. */
#ifndef GUARDRAIL_WEBHOOK_TOKENS_H
#define GUARDRAIL_WEBHOOK_TOKENS_H
#include "guardrail/hash.h"
#include "request.h"

#define TOKENS_MAX 8u /* of one role */
#define TOKEN_BYTES_MIN 16u
#define TOKEN_BYTES_MAX 1024u

struct tokens {
    struct tokens_role {
        bool configured;
        char sha256[TOKENS_MAX][GR_SHA256_HEX + 1];
        size_t count;
    } roles[ROLES];
};
/* path: "" : the role has no token. GR_EACCES: others may read it; GR_ESYNTAX: a token too
 * short or too long, or none. */
GR_MUST_USE enum gr_err tokens_load(struct tokens *t, enum role role, const char *path);
/* The roles that an Authorization header (or NULL) proves: bits 1 << role. An admin may read; nobody but ingest may ingest. Costs the
 * same for every token of one length. */
unsigned tokens_roles(const struct tokens *t, const char *authorization);
/* The same of a browser's sign-in (RFC 7617): the token is the password, the name may be any. Proves the read role alone, also with an admin's
 * token: a browser sends what it was told once with every request to this address, whoever led it there. */
unsigned tokens_basic(const struct tokens *t, const char *authorization);
#endif
