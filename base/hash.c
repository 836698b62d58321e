#include "config.h"
#include "guardrail/hash.h"

#include <gnutls/crypto.h>

enum gr_err
gr_sha256_hex(struct gr_str s, char out[GR_SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[GR_SHA256_HEX / 2];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, s.n ? s.p : "", s.n, digest) != 0)
        return GR_ENOMEM;
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[GR_SHA256_HEX] = '\0';
    return GR_OK;
}
