/* hash.h - SHA-256, by GnuTLS. */
#ifndef GUARDRAIL_HASH_H
#define GUARDRAIL_HASH_H
#include "guardrail/base.h"

#define GR_SHA256_HEX 64
/* 64 lower-case hex digits and a NUL. GR_ENOMEM when the library cannot. */
GR_MUST_USE enum gr_err gr_sha256_hex(struct gr_str s, char out[GR_SHA256_HEX + 1]);
#endif
