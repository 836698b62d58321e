#include "config.h"
#include "link.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <strings.h>
#include "guardrail/file.h"
#include "guardrail/number.h"

#define TOKEN_VERSION 1
#define BODY_BYTES 49u
#define MAC_BYTES 32u
#define TOKEN_BYTES (BODY_BYTES + MAC_BYTES)

_Static_assert(TOKEN_BYTES % 3 == 0 && TOKEN_BYTES / 3 * 4 == LINK_TOKEN_CHARS, "base64 without padding");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- keys ---- */

enum gr_err
link_keys_load(struct link_keys *k, const char *path)
{
    struct gr_str rest, line;
    enum gr_err err;

    if (!gr_buf_room(&k->text,
                     k->text.max - 1)) /* all at once: a buffer that grew would leave a copy behind */
        return GR_ENOMEM;
    if ((err = gr_file_read_private(path, &k->text)) != GR_OK)
        return err;
    rest = gr_buf_str(&k->text);
    while (gr_str_next(&rest, '\n', &line)) {
        line = gr_str_trim(line);
        if (line.n == 0)
            continue;
        if (line.n < LINK_KEY_BYTES_MIN || line.n > LINK_KEY_BYTES_MAX || k->count == LINK_KEYS_MAX)
            return GR_ESYNTAX;
        k->v[k->count++] = line;
    }
    return k->count > 0 ? GR_OK : GR_ESYNTAX;
}

void
link_keys_fini(struct link_keys *k)
{
    if (k->text.p)
        explicit_bzero(k->text.p, k->text.cap);
    gr_buf_fini(&k->text);
    k->count = 0;
}

/* ---- the token ---- */

static void
put_number(unsigned char *at, int64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        at[i] = (unsigned char)(v & 0xff);
}

static int64_t
get_number(const unsigned char *at)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | at[i];
    return v <= (uint64_t)INT64_MAX ? (int64_t)v : -1;
}

static void
put_body(unsigned char out[BODY_BYTES], const struct link *l)
{
    out[0] = TOKEN_VERSION;
    put_number(out + 1, l->effect_id);
    put_number(out + 9, l->expires_ms / 1000);
    memcpy(out + 17, l->nonce, LINK_NONCE_BYTES);
    memcpy(out + 33, l->subject, sizeof l->subject);
}

static enum gr_err
sign(unsigned char mac[MAC_BYTES], struct gr_str key, struct gr_str origin,
     const unsigned char body[BODY_BYTES])
{
    struct gr_buf text = GR_BUF_INIT(4096);
    enum gr_err err;

    gr_buf_put(&text, GR_STR("guardrail acknowledgement\0")); /* the key may serve other ends one day */
    gr_buf_put(&text, (struct gr_str){(const char *)body, BODY_BYTES});
    gr_buf_put(&text, origin);
    if ((err = gr_buf_err(&text)) == GR_OK &&
        gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.p, key.n, text.p, text.n, mac) != 0)
        err = GR_ENOMEM;
    gr_buf_fini(&text);
    return err;
}

static enum gr_err
subject_of(unsigned char out[16], struct gr_str stream, struct gr_str effect_key)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20);
    unsigned char digest[32];
    enum gr_err err;

    gr_buf_put(&text, stream);
    gr_buf_putc(&text, '\0');
    gr_buf_put(&text, effect_key);
    if ((err = gr_buf_err(&text)) == GR_OK &&
        gnutls_hash_fast(GNUTLS_DIG_SHA256, text.p, text.n, digest) != 0)
        err = GR_ENOMEM;
    if (err == GR_OK)
        memcpy(out, digest, 16);
    gr_buf_fini(&text);
    return err;
}

enum gr_err
link_name(struct link *l, struct gr_str stream, struct gr_str effect_key)
{
    return subject_of(l->subject, stream, effect_key);
}

enum gr_err
link_fits(const struct link *l, struct gr_str stream, struct gr_str effect_key)
{
    unsigned char subject[16];
    enum gr_err err = subject_of(subject, stream, effect_key);

    if (err == GR_OK && gnutls_memcmp(subject, l->subject, sizeof subject) != 0)
        err = GR_ENOENT;
    return err;
}

enum gr_err
link_print(struct gr_buf *b, const struct link_keys *k, struct gr_str origin, const struct link *l)
{
    unsigned char token[TOKEN_BYTES];
    enum gr_err err;

    GR_ASSERT(k->count > 0);
    put_body(token, l);
    if ((err = sign(token + BODY_BYTES, k->v[0], origin, token)) != GR_OK)
        return err;
    gr_buf_put(b, origin);
    gr_buf_puts(b, LINK_PATH);
    for (size_t i = 0; i < TOKEN_BYTES; i += 3) {
        unsigned v = (unsigned)token[i] << 16 | (unsigned)token[i + 1] << 8 | token[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            gr_buf_putc(b, alphabet[v >> shift & 63]);
    }
    return gr_buf_err(b);
}

static bool
decode(unsigned char out[TOKEN_BYTES], struct gr_str token)
{
    if (token.n != LINK_TOKEN_CHARS)
        return false;
    for (size_t i = 0; i < token.n; i += 4) {
        unsigned v = 0;

        for (size_t k = 0; k < 4; k++) {
            const char *at = token.p[i + k] ? strchr(alphabet, token.p[i + k]) : NULL;

            if (!at)
                return false;
            v = v << 6 | (unsigned)(at - alphabet);
        }
        out[i / 4 * 3] = (unsigned char)(v >> 16);
        out[i / 4 * 3 + 1] = (unsigned char)(v >> 8 & 0xff);
        out[i / 4 * 3 + 2] = (unsigned char)(v & 0xff);
    }
    return true;
}

/* All keys are tried, whichever fits. */
enum gr_err
link_read(struct link *out, const struct link_keys *k, struct gr_str origin, struct gr_str token,
          int64_t now_ms)
{
    unsigned char bytes[TOKEN_BYTES], mac[MAC_BYTES];
    struct link l;
    bool valid = false;
    enum gr_err err;

    if (!decode(bytes, token))
        return GR_EACCES;
    for (size_t i = 0; i < k->count; i++) {
        if ((err = sign(mac, k->v[i], origin, bytes)) != GR_OK)
            return err;
        valid |= gnutls_memcmp(mac, bytes + BODY_BYTES, MAC_BYTES) == 0;
    }
    if (!valid || bytes[0] != TOKEN_VERSION)
        return GR_EACCES;
    l.effect_id = get_number(bytes + 1);
    l.expires_ms = get_number(bytes + 9);
    if (l.effect_id <= 0 || l.expires_ms <= 0 || l.expires_ms > INT64_MAX / 1000)
        return GR_EACCES;
    l.expires_ms *= 1000;
    memcpy(l.nonce, bytes + 17, LINK_NONCE_BYTES);
    memcpy(l.subject, bytes + 33, sizeof l.subject);
    *out = l;
    return now_ms < l.expires_ms ? GR_OK : GR_ERANGE;
}

void
link_nonce_hex(const struct link *l, char out[LINK_NONCE_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < LINK_NONCE_BYTES; i++) {
        out[2 * i] = digits[l->nonce[i] >> 4];
        out[2 * i + 1] = digits[l->nonce[i] & 15];
    }
    out[LINK_NONCE_HEX] = '\0';
}

/* ---- the address ---- */

/* "host", "host:port" or "[v6]:port" into the host and its port; fallback: of no port. */
static bool
split(struct gr_str authority, uint64_t fallback, struct gr_str *host, uint64_t *port)
{
    size_t colon = SIZE_MAX;

    for (size_t i = 0; i < authority.n; i++) {
        char c = authority.p[i];

        if (c <= ' ' || c > '~' || strchr("/?#@\\\"'<>|`%", c))
            return false;
        if (c == ':')
            colon = i;
        if (c == ']')
            colon = SIZE_MAX;
    }
    *host = gr_str_sub(authority, 0, colon == SIZE_MAX ? authority.n : colon);
    *port = fallback;
    if (host->n == 0 || (host->p[0] != '[' && gr_str_find(*host, GR_STR(":"), 0) != SIZE_MAX))
        return false;
    return colon == SIZE_MAX ||
           (gr_parse_u64(gr_str_sub(authority, colon + 1, authority.n), 65535, port) == GR_OK && *port > 0);
}

static bool
split_origin(struct gr_str origin, struct gr_str *host, uint64_t *port, bool *tls)
{
    struct gr_str rest;

    *tls = gr_str_starts(origin, GR_STR("https://"));
    if (!*tls && !gr_str_starts(origin, GR_STR("http://")))
        return false;
    rest = gr_str_sub(origin, *tls ? 8 : 7, origin.n);
    return split(rest, *tls ? 443 : 80, host, port);
}

static bool
same_host(struct gr_str a, struct gr_str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

bool
link_host_ok(struct gr_str origin, struct gr_str host)
{
    struct gr_str want, got;
    uint64_t want_port, got_port;
    bool tls;

    return split_origin(origin, &want, &want_port, &tls) && split(host, tls ? 443 : 80, &got, &got_port) &&
           same_host(want, got) && want_port == got_port;
}

bool
link_origin_ok(struct gr_str origin)
{
    struct gr_str host;
    uint64_t port;
    bool tls;

    if (origin.n > 300 || !split_origin(origin, &host, &port, &tls))
        return false;
    return tls || gr_str_is(host, "localhost") || gr_str_is(host, "[::1]") ||
           gr_str_starts(host, GR_STR("127."));
}
