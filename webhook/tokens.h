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
/* path: "" leaves the role open (admin: closed). GR_EACCES: others may read it; GR_ESYNTAX: a token too
 * short or too long, or none. */
GR_MUST_USE enum gr_err tokens_load(struct tokens *t, enum role role, const char *path);
/* The role that an Authorization header proves; ROLE_NONE for none. An admin may read; nobody but ingest may
 * ingest. */
bool tokens_allow(const struct tokens *t, enum role wanted, const char *authorization);
/* Whether a header was there that proves any role: then the refusal is 403, not 401. */
bool tokens_known(const struct tokens *t, const char *authorization);
#endif
