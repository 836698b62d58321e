/* http_guard.h - which addresses a request may go to whose destination somebody could bend: public ones. */
#ifndef GUARDRAIL_BASE_HTTP_GUARD_H
#define GUARDRAIL_BASE_HTTP_GUARD_H
#include <sys/socket.h>
#include "guardrail/base.h"

/* False for loopback, link-local, private, shared, multicast, reserved and unspecified addresses, also when they stand inside an IPv6 address
 * (mapped, NAT64, 6to4), and for all but IPv4 and IPv6. */
bool http_guard_public(const struct sockaddr *address);
/* The host of an http:// or https:// URL, without port and brackets. */
struct gr_str http_guard_host(struct gr_str url);
/* Whether the list names that host, in any case. */
bool http_guard_listed(struct gr_str host, const struct gr_str *hosts, size_t count);
#endif
