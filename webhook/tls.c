#include "config.h"
#include "tls.h"

#include <gnutls/x509.h>
#include "guardrail/file.h"
#include "guardrail/sys.h"

#define PEER_CERTS_MAX 8u
#define PEER_NAMES_MAX 64u
#define NAME_BYTES_MAX 1024u

struct tls {
    gnutls_certificate_credentials_t creds;
    gnutls_x509_trust_list_t trust; /* borrowed from creds */
    bool asks;
    int64_t expires_s;
};

static const struct {
    struct gr_str prefix;
    unsigned type; /* gnutls_x509_subject_alt_name_t */
} kinds[] = {
    {GR_STR_INIT("dns:"), GNUTLS_SAN_DNSNAME},
    {GR_STR_INIT("email:"), GNUTLS_SAN_RFC822NAME},
    {GR_STR_INIT("uri:"), GNUTLS_SAN_URI},
};

bool
tls_san_ok(struct gr_str text)
{
    for (size_t i = 0; i < GR_COUNT(kinds); i++)
        if (gr_str_starts(text, kinds[i].prefix))
            return text.n > kinds[i].prefix.n && text.n <= NAME_BYTES_MAX;
    return false;
}

static enum gr_err
bad(struct gr_buf *why, const char *path, const char *what, int rc)
{
    gr_buf_printf(why, "%s: %s%s%s", path, what, rc < 0 ? ": " : "", rc < 0 ? gnutls_strerror(rc) : "");
    return rc == GNUTLS_E_MEMORY_ERROR ? GR_ENOMEM : GR_EUSER;
}

/* ---- loading ---- */

static gnutls_datum_t
datum(struct gr_buf *b)
{
    return (gnutls_datum_t){.data = (unsigned char *)b->p, .size = (unsigned)b->n};
}

static enum gr_err
read_file(const char *path, bool private, struct gr_buf *b, struct gr_buf *why)
{
    enum gr_err err = private ? gr_file_read_private(path, b) : gr_file_read(path, b);

    if (err != GR_OK)
        gr_buf_printf(why, "%s: %s%s", path, gr_err_name(err),
                      private && err == GR_EACCES ? ", or others may read it (mode 0600 is needed)" : "");
    return err;
}

/* The first certificate of the chain is the own one. */
static int64_t
expiry_of(gnutls_certificate_credentials_t creds)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int64_t at = 0;

    if (gnutls_certificate_get_x509_crt(creds, 0, &list, &count) != 0)
        return 0;
    if (count > 0)
        at = (int64_t)gnutls_x509_crt_get_expiration_time(list[0]);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    return at;
}

static enum gr_err
load_own(struct tls *t, const struct tls_files *f, struct gr_buf *why)
{
    struct gr_buf cert = GR_BUF_INIT(TLS_FILE_BYTES_MAX), key = GR_BUF_INIT(TLS_FILE_BYTES_MAX);
    gnutls_datum_t c, k;
    enum gr_err err;
    int rc;

    if ((err = read_file(f->cert_file, false, &cert, why)) != GR_OK ||
        (err = read_file(f->key_file, true, &key, why)) != GR_OK)
        goto done;
    c = datum(&cert);
    k = datum(&key);
    rc = gnutls_certificate_set_x509_key_mem2(t->creds, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0)
        err = bad(why, f->cert_file, "not a PEM certificate that goes with key_file", rc);
    else
        t->expires_s = expiry_of(t->creds);
done:
    if (key.p)
        explicit_bzero(key.p, key.n);
    gr_buf_fini(&key);
    gr_buf_fini(&cert);
    return err;
}

/* A certificate that was shown and is no good ends the handshake; without one the session goes on, and only tokens can help it. */
static int
check_peer(gnutls_session_t session)
{
    unsigned char oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = oid};
    unsigned status = 0, count = 0;

    if (!gnutls_certificate_get_peers(session, &count) || count == 0)
        return 0;
    if (count > PEER_CERTS_MAX || gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 ||
        status != 0)
        return GNUTLS_E_CERTIFICATE_ERROR;
    return 0;
}

static enum gr_err
load_clients(struct tls *t, const struct tls_files *f, struct gr_buf *why)
{
    struct gr_buf ca = GR_BUF_INIT(TLS_FILE_BYTES_MAX);
    gnutls_datum_t c;
    enum gr_err err;
    int rc;

    if (f->client_ca_file[0] == '\0')
        return GR_OK;
    if ((err = read_file(f->client_ca_file, false, &ca, why)) != GR_OK)
        goto done;
    c = datum(&ca);
    rc = gnutls_certificate_set_x509_trust_mem(t->creds, &c, GNUTLS_X509_FMT_PEM);
    if (rc <= 0) {
        err = bad(why, f->client_ca_file, "holds no PEM certificate", rc);
        goto done;
    }
    gnutls_certificate_get_trust_list(t->creds, &t->trust);
    gnutls_certificate_set_verify_function(t->creds, check_peer);
    t->asks = true;
done:
    gr_buf_fini(&ca);
    return err;
}

enum gr_err
tls_load(const struct tls_files *files, struct tls **out, struct gr_buf *why)
{
    struct tls *t = gr_sys.realloc(NULL, sizeof *t);
    enum gr_err err;

    if (!t)
        return GR_ENOMEM;
    *t = (struct tls){.creds = NULL};
    if (gnutls_certificate_allocate_credentials(&t->creds) != 0) {
        gr_sys.free(t);
        return GR_ENOMEM;
    }
    if ((err = load_own(t, files, why)) != GR_OK || (err = load_clients(t, files, why)) != GR_OK) {
        tls_free(t);
        return err;
    }
    *out = t;
    return GR_OK;
}

void
tls_free(struct tls *t)
{
    if (!t)
        return;
    gnutls_certificate_free_credentials(t->creds);
    gr_sys.free(t);
}

int64_t
tls_expires_s(const struct tls *t)
{
    return t->expires_s;
}

enum gr_err
tls_apply(const struct tls *t, gnutls_session_t session)
{
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->creds) != 0)
        return GR_ENOMEM;
    if (t->asks)
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    return GR_OK;
}

/* ---- judging a peer ---- */

static void
tell_names(gnutls_x509_crt_t cert, tls_name_fn *name, void *arg)
{
    char text[NAME_BYTES_MAX + 16];

    for (unsigned i = 0; i < PEER_NAMES_MAX; i++) {
        size_t k = 0, n = NAME_BYTES_MAX;
        char raw[NAME_BYTES_MAX];
        int type = gnutls_x509_crt_get_subject_alt_name(cert, i, raw, &n, NULL);

        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return;
        if (type < 0 || n >= NAME_BYTES_MAX)
            continue; /* too long for any list, or unreadable: says nothing */
        while (k < GR_COUNT(kinds) && kinds[k].type != (unsigned)type)
            k++;
        if (k == GR_COUNT(kinds))
            continue;
        memcpy(text, kinds[k].prefix.p, kinds[k].prefix.n);
        memcpy(text + kinds[k].prefix.n, raw, n);
        name(arg,
             (struct gr_str){text, kinds[k].prefix.n + n}); /* with its length: a NUL inside fits no list */
    }
}

struct tls_peer
tls_judge(const struct tls *t, gnutls_session_t session, tls_name_fn *name, void *arg)
{
    unsigned char oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = oid};
    struct tls_peer peer = {.good = false};
    gnutls_x509_crt_t chain[PEER_CERTS_MAX];
    const gnutls_datum_t *raw;
    unsigned count = 0, made = 0, status = 1;

    if (!t->asks || !(raw = gnutls_certificate_get_peers(session, &count)) || count == 0 ||
        count > PEER_CERTS_MAX)
        return peer;
    for (; made < count; made++) {
        int64_t at;

        if (gnutls_x509_crt_init(&chain[made]) != 0)
            goto done;
        if (gnutls_x509_crt_import(chain[made], &raw[made], GNUTLS_X509_FMT_DER) != 0) {
            made++;
            goto done;
        }
        at = (int64_t)gnutls_x509_crt_get_expiration_time(chain[made]);
        peer.expires_s = made == 0 || at < peer.expires_s ? at : peer.expires_s;
    }
    if (gnutls_x509_trust_list_verify_crt2(t->trust, chain, made, &purpose, 1, 0, &status, NULL) != 0 ||
        status != 0)
        goto done;
    peer.good = true;
    tell_names(chain[0], name, arg);
done:
    for (unsigned i = 0; i < made; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return peer;
}
