#include "config.h"
#include "../../../base/http_guard.h"
#include "test_base.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static const struct address_row {
    const char *address;
    bool is_public;
} address_rows[] = {
    {"8.8.8.8", true},
    {"1.1.1.1", true},
    {"0.0.0.0", false},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"127.0.0.1", false},
    {"127.255.255.254", false},
    {"169.254.169.254", false},
    {"169.255.0.0", true},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"192.0.0.8", false},
    {"192.0.1.1", true},
    {"192.168.0.1", false},
    {"192.169.0.1", true},
    {"198.17.255.255", true},
    {"198.18.0.0", false},
    {"198.19.255.255", false},
    {"223.255.255.255", true},
    {"224.0.0.1", false},
    {"240.0.0.1", false},
    {"255.255.255.255", false},
    {"2606:4700::1111", true},
    {"::", false},
    {"::1", false},
    {"fe80::1", false},
    {"fc00::1", false},
    {"fd12::1", false},
    {"ff02::1", false},
    {"::ffff:127.0.0.1", false},
    {"::ffff:10.1.2.3", false},
    {"::ffff:8.8.8.8", true},
    {"64:ff9b::169.254.169.254", false},
    {"64:ff9b::8.8.8.8", true},
    {"2002:7f00:1::", false},
    {"2002:808:808::", true},
};

START_TEST(addresses)
{
    const struct address_row *r = &address_rows[_i];
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {.v6 = {.sin6_family = AF_INET6}};

    if (inet_pton(AF_INET6, r->address, &a.v6.sin6_addr) != 1) {
        a.v4 = (struct sockaddr_in){.sin_family = AF_INET};
        ck_assert_int_eq(inet_pton(AF_INET, r->address, &a.v4.sin_addr), 1);
    }
    ck_assert_msg(http_guard_public(&a.any) == r->is_public, "%s", r->address);
}
END_TEST

START_TEST(other_families)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    ck_assert(!http_guard_public((const struct sockaddr *)&a));
}
END_TEST

static const struct host_row {
    const char *url, *host;
} host_rows[] = {
    {"https://a.example.org/x", "a.example.org"},
    {"https://a.example.org:8443", "a.example.org"},
    {"http://127.0.0.1:1/x?y", "127.0.0.1"},
    {"https://[::1]:8443/x", "::1"},
    {"https://a?b", "a"},
    {"https://a#b", "a"},
    {"https://", ""},
    {"https://[::1", ""},
    {"a.example.org", ""},
};

START_TEST(hosts)
{
    ck_assert(gr_str_is(http_guard_host(gr_str(host_rows[_i].url)), host_rows[_i].host));
}
END_TEST

START_TEST(lists)
{
    static const struct gr_str listed[] = {GR_STR_INIT("a.example.org"), GR_STR_INIT("10.0.0.1")};

    ck_assert(http_guard_listed(GR_STR("A.Example.org"), listed, GR_COUNT(listed)));
    ck_assert(http_guard_listed(GR_STR("10.0.0.1"), listed, GR_COUNT(listed)));
    ck_assert(!http_guard_listed(GR_STR("10.0.0.12"), listed, GR_COUNT(listed)));
    ck_assert(!http_guard_listed(GR_STR("example.org"), listed, GR_COUNT(listed)));
    ck_assert(!http_guard_listed(GR_STR(""), listed, GR_COUNT(listed)));
    ck_assert(!http_guard_listed(GR_STR("a.example.org"), NULL, 0));
}
END_TEST

Suite *
http_guard_suite(void)
{
    Suite *s = suite_create("http_guard");
    TCase *tc = tcase_create("http_guard");

    tcase_add_loop_test(tc, addresses, 0, GR_COUNT(address_rows));
    tcase_add_test(tc, other_families);
    tcase_add_loop_test(tc, hosts, 0, GR_COUNT(host_rows));
    tcase_add_test(tc, lists);
    suite_add_tcase(s, tc);
    return s;
}
