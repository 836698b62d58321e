#include "config.h"
#include "tokens.h"

#include <gnutls/gnutls.h>
#include <strings.h>
#include "guardrail/file.h"

enum gr_err
tokens_load(struct tokens *t, enum role role, const char *path)
{
    struct tokens_role *r = &t->roles[role];
    struct gr_buf text = GR_BUF_INIT(16u << 10);
    struct gr_str rest, line;
    enum gr_err err;

    r->configured = path[0] != '\0';
    r->count = 0;
    if (!r->configured)
        return GR_OK;
    if ((err = gr_file_read_private(path, &text)) != GR_OK)
        goto done;
    rest = gr_buf_str(&text);
    while (gr_str_next(&rest, '\n', &line)) {
        line = gr_str_trim(line);
        if (line.n == 0)
            continue;
        if (line.n < TOKEN_BYTES_MIN || line.n > TOKEN_BYTES_MAX || r->count == TOKENS_MAX) {
            err = GR_ESYNTAX;
            goto done;
        }
        if ((err = gr_sha256_hex(line, r->sha256[r->count])) != GR_OK)
            goto done;
        r->count++;
    }
    if (r->count == 0)
        err = GR_ESYNTAX;
done:
    if (text.p)
        explicit_bzero(text.p, text.n);
    gr_buf_fini(&text);
    return err;
}

/* All are compared, whichever fits first. */
static bool
proves(const struct tokens_role *r, const char hash[GR_SHA256_HEX + 1])
{
    bool found = false;

    for (size_t i = 0; i < r->count; i++)
        found |= gnutls_memcmp(r->sha256[i], hash, GR_SHA256_HEX) == 0;
    return found;
}

static bool
hash_of(const char *authorization, char hash[GR_SHA256_HEX + 1])
{
    struct gr_str s = gr_str(authorization);

    if (s.n < 7 || strncasecmp(s.p, "Bearer ", 7) != 0)
        return false;
    s = gr_str_trim(gr_str_sub(s, 7, s.n));
    return s.n > 0 && s.n <= TOKEN_BYTES_MAX && gr_sha256_hex(s, hash) == GR_OK;
}

unsigned
tokens_roles(const struct tokens *t, const char *authorization)
{
    char hash[GR_SHA256_HEX + 1];
    unsigned roles = 0;

    if (!authorization || !hash_of(authorization, hash))
        return 0;
    for (size_t i = 0; i < ROLES; i++)
        roles |= (unsigned)proves(&t->roles[i], hash) << i;
    if (roles & 1u << ROLE_ADMIN)
        roles |= 1u << ROLE_READ;
    return roles;
}

/* "Basic " and base64 of "name:token". */
static bool
basic_hash(const char *authorization, char hash[GR_SHA256_HEX + 1])
{
    struct gr_str s = gr_str(authorization), text;
    gnutls_datum_t in, out = {NULL, 0};
    size_t colon;
    bool ok = false;

    if (s.n < 6 || s.n > TOKEN_BYTES_MAX * 2 || strncasecmp(s.p, "Basic ", 6) != 0)
        return false;
    s = gr_str_trim(gr_str_sub(s, 6, s.n));
    in = (gnutls_datum_t){(unsigned char *)(uintptr_t)s.p, (unsigned)s.n};
    if (s.n == 0 || gnutls_base64_decode2(&in, &out) != 0)
        return false;
    text = (struct gr_str){(const char *)out.data, out.size};
    if ((colon = gr_str_find(text, GR_STR(":"), 0)) != SIZE_MAX) {
        text = gr_str_sub(text, colon + 1, text.n);
        ok = text.n > 0 && text.n <= TOKEN_BYTES_MAX && gr_sha256_hex(text, hash) == GR_OK;
    }
    explicit_bzero(out.data, out.size);
    gnutls_free(out.data);
    return ok;
}

unsigned
tokens_basic(const struct tokens *t, const char *authorization)
{
    char hash[GR_SHA256_HEX + 1];
    bool read;

    if (!authorization || !basic_hash(authorization, hash))
        return 0;
    read = proves(&t->roles[ROLE_READ], hash);
    read |= proves(&t->roles[ROLE_ADMIN], hash);
    return read ? 1u << ROLE_READ : 0;
}
