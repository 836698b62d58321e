/* tls.h - what guardraild shows of itself over TLS, and what it asks of its peers: one immutable set, read whole from files.
 *
 * Versions 1.2 and 1.3 by GnuTLS' NORMAL suites, no session tickets, no early data. A peer that shows a certificate must show a
 * good one (chain to the client CA, valid now, fit for TLS clients), or its handshake ends. What the certificate allows is judged
 * by its subject alternative names alone, byte for byte; the common name says nothing. */
#ifndef GUARDRAIL_WEBHOOK_TLS_H
#define GUARDRAIL_WEBHOOK_TLS_H
#include <gnutls/gnutls.h>
#include "guardrail/buf.h"

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define TLS_FILE_BYTES_MAX (256u << 10)

struct tls_files {
    const char *cert_file,
        *key_file; /* PEM: the chain, own certificate first; the private key, in a private file */
    const char *client_ca_file; /* PEM; "": clients are not asked for certificates */
};
struct tls; /* opaque */
/* GR_EUSER: a file is not what it should be, *why says which and how; else as gr_file_read and gr_file_read_private, *why names
 * the file. */
GR_MUST_USE enum gr_err tls_load(const struct tls_files *files, struct tls **out, struct gr_buf *why);
void tls_free(struct tls *t); /* accepts NULL. No session may use it any more */
/* When the own certificate expires, Unix seconds. */
int64_t tls_expires_s(const struct tls *t);
/* Before the handshake: the session shows and asks what the set says. The set must outlive the session. */
GR_MUST_USE enum gr_err tls_apply(const struct tls *t, gnutls_session_t session);

/* "dns:NAME", "uri:URI", "email:ADDRESS". */
bool tls_san_ok(struct gr_str text);
struct tls_peer {
    bool good;         /* a certificate was shown, and it is good for now */
    int64_t expires_s; /* the first certificate of its chain to expire */
};
/* Judges the peer's certificate by this set, which may be newer than the one that the session began with; each of its names (in
 * the form of tls_san_ok) is handed to `name`. */
typedef void tls_name_fn(void *arg, struct gr_str san);
struct tls_peer tls_judge(const struct tls *t, gnutls_session_t session, tls_name_fn *name, void *arg);
#endif
