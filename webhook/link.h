/* link.h - signed links that acknowledge a page: https://guardraild.example.org/ack/TOKEN.
 *
 * Whoever has the link may take the page it was made for, once, until it expires; nothing else. The token is 81 bytes in base64url:
 *
 *     1 version | 8 effect | 8 expiry, Unix s | 16 nonce | 16 subject | 32 HMAC-SHA-256
 *
 * subject: the first half of SHA-256 of the release stream, NUL, the effect's key; so a token fits its page alone, also in another
 * store. The HMAC covers all before it and the address (public_url) that the link was made for, under a key from a private file. The
 * file holds one key a line: the first signs, all are valid, so that keys are rotated like tokens. It is read at each use and kept
 * nowhere. Comparing costs the same for every token. */
#ifndef GUARDRAIL_WEBHOOK_LINK_H
#define GUARDRAIL_WEBHOOK_LINK_H
#include "guardrail/buf.h"

#define LINK_PATH "/ack/"
#define LINK_TOKEN_CHARS 108u
#define LINK_NONCE_BYTES 16u
#define LINK_NONCE_HEX 32u
#define LINK_KEYS_MAX 4u
#define LINK_KEY_BYTES_MIN 32u
#define LINK_KEY_BYTES_MAX 1024u

struct link_keys {
    struct gr_buf text; /* wiped by link_keys_fini */
    struct gr_str v[LINK_KEYS_MAX];
    size_t count;
};
#define LINK_KEYS_INIT                                                                                       \
    {                                                                                                        \
        .text = GR_BUF_INIT(LINK_KEYS_MAX * (LINK_KEY_BYTES_MAX + 2))                                        \
    }
/* GR_ESYNTAX: no key, too many, or one too short or too long; else as gr_file_read_private. */
GR_MUST_USE enum gr_err link_keys_load(struct link_keys *k, const char *path);
void link_keys_fini(struct link_keys *k);

struct link {
    int64_t effect_id, expires_ms;
    unsigned char nonce[LINK_NONCE_BYTES], subject[16];
};
/* Whose page it is. */
GR_MUST_USE enum gr_err link_name(struct link *l, struct gr_str stream, struct gr_str effect_key);
/* GR_ENOENT: another's. */
GR_MUST_USE enum gr_err link_fits(const struct link *l, struct gr_str stream, struct gr_str effect_key);
/* Appends the whole address. origin: public_url, without a slash at its end. */
GR_MUST_USE enum gr_err link_print(struct gr_buf *b, const struct link_keys *k, struct gr_str origin,
                                   const struct link *l);
/* The token of a path. GR_EACCES: it is none of ours, for this address, or was changed; GR_ERANGE: it has expired (*out is filled in);
 * GR_ENOMEM. */
GR_MUST_USE enum gr_err link_read(struct link *out, const struct link_keys *k, struct gr_str origin,
                                  struct gr_str token, int64_t now_ms);
void link_nonce_hex(const struct link *l, char out[LINK_NONCE_HEX + 1]);
/* Whether a Host header names the host and port of origin. */
bool link_host_ok(struct gr_str origin, struct gr_str host);
/* Whether a text may be public_url: https://HOST or https://HOST:PORT and nothing behind; http:// for this machine alone. */
bool link_origin_ok(struct gr_str origin);
#endif
