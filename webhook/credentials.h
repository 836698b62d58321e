/* credentials.h - who may do what over TCP: bearer tokens and TLS as one set, read whole from their files.
 *
 * A set never changes. To rotate, a new one is read; if any of its files is wrong, the old set stays in use, whole, so that a
 * certificate is never paired with another one's key. Sets are counted: whoever still needs the old one keeps it alive. */
#ifndef GUARDRAIL_WEBHOOK_CREDENTIALS_H
#define GUARDRAIL_WEBHOOK_CREDENTIALS_H
#include "tls.h"
#include "tokens.h"

struct credentials_files {
    const char *tokens[ROLES]; /* "" or NULL: none */
    struct tls_files tls;      /* cert_file "" or NULL: no TLS */
    struct conf_names
        sans[ROLES]; /* client certificates by role (tls_san_ok); borrowed, must outlive the set */
};
/* What the configuration names. */
struct credentials_files credentials_files_of(const struct conf *conf);

struct credentials; /* opaque; counted */
/* GR_EUSER, GR_EACCES, GR_ENOENT …: *why names the file and says what is wrong with it. The caller holds the set. */
GR_MUST_USE enum gr_err credentials_load(const struct credentials_files *files, struct credentials **out,
                                         struct gr_buf *why);
struct credentials *credentials_hold(struct credentials *c);
void credentials_drop(struct credentials *c); /* accepts NULL */
/* Changes when a file is replaced, written to, or vanishes. Some stat calls. */
uint64_t credentials_stamp(const struct credentials_files *files);

const struct tokens *credentials_tokens(const struct credentials *c);
const struct tls *credentials_tls(const struct credentials *c); /* NULL: none */
/* What a session's client certificate allows for now: bits 1 << role. *until_s: how long the answer may be kept. */
unsigned credentials_roles(const struct credentials *c, gnutls_session_t session, int64_t *until_s);
/* Whether a role asks for anything: a token or a certificate. Admin without either is closed, the others are open. */
bool credentials_guard(const struct credentials *c, enum role role);
#endif
