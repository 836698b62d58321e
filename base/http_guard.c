#include "config.h"
#include "http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

static const struct {
    uint32_t net;
    unsigned bits;
} closed[] = {
    {0x00000000, 8},  /* 0.0.0.0: this network */
    {0x0a000000, 8},  /* 10.0.0.0 */
    {0x64400000, 10}, /* 100.64.0.0: shared */
    {0x7f000000, 8},  /* 127.0.0.0: loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0: link-local, and the metadata of clouds */
    {0xac100000, 12}, /* 172.16.0.0 */
    {0xc0000000, 24}, /* 192.0.0.0: protocols */
    {0xc0a80000, 16}, /* 192.168.0.0 */
    {0xc6120000, 15}, /* 198.18.0.0: benchmarks */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static bool
public_v4(uint32_t address)
{
    for (size_t i = 0; i < GR_COUNT(closed); i++)
        if ((address ^ closed[i].net) >> (32 - closed[i].bits) == 0)
            return false;
    return true;
}

static uint32_t
v4_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Only 2000::/3 is handed out; what carries an IPv4 address is as good as that. */
static bool
public_v6(const uint8_t p[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (memcmp(p, mapped, sizeof mapped) == 0 || memcmp(p, nat64, sizeof nat64) == 0)
        return public_v4(v4_at(p + 12));
    if (p[0] == 0x20 && p[1] == 0x02)
        return public_v4(v4_at(p + 2));
    return (p[0] & 0xe0) == 0x20;
}

bool
http_guard_public(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return public_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&v6, address, sizeof v6);
    return public_v6(v6.sin6_addr.s6_addr);
}

struct gr_str
http_guard_host(struct gr_str url)
{
    size_t from = gr_str_find(url, GR_STR("://"), 0), to;

    if (from == SIZE_MAX)
        return GR_STR_NONE;
    url = gr_str_sub(url, from + 3, url.n);
    if (url.n > 0 && url.p[0] == '[')
        return gr_str_sub(url, 1, (to = gr_str_find(url, GR_STR("]"), 0)) == SIZE_MAX ? 1 : to);
    for (to = 0; to < url.n && url.p[to] != ':' && url.p[to] != '/' && url.p[to] != '?' && url.p[to] != '#';)
        to++;
    return gr_str_sub(url, 0, to);
}

bool
http_guard_listed(struct gr_str host, const struct gr_str *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (hosts[i].n == host.n && host.n > 0 && strncasecmp(hosts[i].p, host.p, host.n) == 0)
            return true;
    return false;
}
