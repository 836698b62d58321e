#include "config.h"
#include "test_webhook.h"

#include <stdlib.h>
#include <string.h>
#include "webhook/conf.h"

#define NEEDED "store: sqlite:s.db\npolicy: p.json\nreports_dir: r\n"

#define TLS(more) "tls: {cert_file: c, key_file: k" more "}"

static struct gr_arena *arena;
static struct gr_sources *sources;
static struct gr_diags *diags;
static struct conf conf;

static void
setup(void)
{
    arena = gr_arena_create(1u << 20);
    sources = gr_sources_create();
    diags = gr_diags_create(sources);
    ck_assert(arena && diags);
    memset(&conf, 0, sizeof conf);
}

static void
teardown(void)
{
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_arena_free(arena);
}

static enum gr_err
parse(const char *text)
{
    return conf_parse(GR_STR("g.yml"), gr_str(text), GR_STR("/etc/g"), arena, sources, diags, &conf);
}

START_TEST(defaults)
{
    ck_assert_int_eq(parse(NEEDED), GR_OK);
    ck_assert_str_eq(conf.listen_host.p, "127.0.0.1");
    ck_assert_uint_eq(conf.listen_port, 9095);
    ck_assert(conf.loopback);
    ck_assert_int_eq(conf.mode, MODE_OBSERVE);
    ck_assert_int_eq(conf.log_format, LOG_LOGFMT);
    ck_assert(!conf.allow_http);
    ck_assert_str_eq(conf.store_path.p, "/etc/g/s.db");
    ck_assert_uint_eq(conf.admin_socket.n, 0);
    ck_assert_int_eq(conf.store_reserve_bytes, 64 << 20);
    ck_assert(conf.breaker.streams == 3 && conf.breaker.window_ms == 600000 &&
              conf.breaker.cool_down_ms == 3600000);
    ck_assert_int_eq(conf.evidence_retention_ms, INT64_C(90) * 86400000);
}
END_TEST

START_TEST(everything)
{
    ck_assert_int_eq(
        parse("listen: \"[::1]:0\"\n"
              "auth: {ingest_token_file: /t/i, read_token_file: r, admin_token_file: a}\n"
              "admin_socket: /run/g.sock\nstore: sqlite:/v/s.db\npolicy: p.json\nsecrets_dir: "
              "s\nactions_dir: a\n"
              "prometheus_url: http://127.0.0.1:9090/\nalertmanager_url: "
              "https://am.example.org\nreports_dir: r\n"
              "store_reserve: 2GiB\nevidence_retention: 1d\n"
              "breaker: {streams: 5, window: 20m, cool_down: 2h}\nmode: dry-run\nlog: {format: json, level: "
              "debug}\n"
              "targets: {pagerduty_url: http://127.0.0.1:1/x, allow_http: true,\n"
              "  ca_file: ca.pem, private_hosts: [hooks.internal, 10.0.0.1]}\n"
              "public_url: https://g.example.org/\nack_links: {key_file: ack.key, expire_after: 2h}\n"),
        GR_OK);
    ck_assert_str_eq(conf.listen_host.p, "::1");
    ck_assert_uint_eq(conf.listen_port, 0);
    ck_assert_str_eq(conf.ingest_token_file.p, "/t/i");
    ck_assert_str_eq(conf.read_token_file.p, "/etc/g/r");
    ck_assert_str_eq(conf.admin_socket.p, "/run/g.sock");
    ck_assert_str_eq(conf.store_path.p, "/v/s.db");
    ck_assert_str_eq(conf.prometheus_url.p, "http://127.0.0.1:9090");
    ck_assert_int_eq(conf.store_reserve_bytes, INT64_C(2) << 30);
    ck_assert_int_eq(conf.evidence_retention_ms, 86400000);
    ck_assert_int_eq(conf.mode, MODE_DRY_RUN);
    ck_assert_int_eq(conf.log_format, LOG_JSON);
    ck_assert_int_eq(conf.log_level, AT_DEBUG);
    ck_assert(conf.allow_http);
    ck_assert_str_eq(conf.target_ca_file.p, "/etc/g/ca.pem");
    ck_assert_str_eq(conf.public_url.p, "https://g.example.org");
    ck_assert_str_eq(conf.ack_key_file.p, "ack.key");
    ck_assert_int_eq(conf.ack_expiry_ms, 7200000);
    ck_assert_uint_eq(conf.private_hosts.n, 2);
    ck_assert_str_eq(conf.private_hosts.v[1].p, "10.0.0.1");
    ck_assert(conf.breaker.streams == 5 && conf.breaker.window_ms == 1200000 &&
              conf.breaker.cool_down_ms == 7200000);
}
END_TEST

START_TEST(tls_and_limits)
{
    ck_assert_int_eq(
        parse(NEEDED
              "listen: 192.0.2.1:1\nauth: {read_token_file: r}\n"
              "tls: {cert_file: c, key_file: /k, client_ca_file: a, client_san: {ingest: "
              "[\"dns:am.example\", \"uri:spiffe://x/am\"], admin: [\"email:jane@example.org\"]}}\n"
              "limits: {connections: 512, connections_per_address: 1, requests_per_second: 0, burst: 1}\n"),
        GR_OK);
    ck_assert(!conf.loopback);
    ck_assert_str_eq(conf.tls_cert_file.p, "/etc/g/c");
    ck_assert_str_eq(conf.tls_key_file.p, "/k");
    ck_assert_str_eq(conf.client_ca_file.p, "/etc/g/a");
    ck_assert_uint_eq(conf.ingest_sans.n, 2);
    ck_assert_str_eq(conf.ingest_sans.v[1].p, "uri:spiffe://x/am");
    ck_assert_uint_eq(conf.read_sans.n, 0);
    ck_assert_str_eq(conf.admin_sans.v[0].p, "email:jane@example.org");
    ck_assert_uint_eq(conf.connections, 512);
    ck_assert_uint_eq(conf.per_address, 1);
    ck_assert_uint_eq(conf.rate, 0);
    ck_assert_uint_eq(conf.burst, 1);
}
END_TEST

static const struct {
    const char *name, *text, *code, *part;
} bad[] = {
    {"unknown key", NEEDED "lisen: 127.0.0.1:1\n", "GR0101", "did you mean \"listen\""},
    {"unknown key inside", NEEDED "log: {levl: info}\n", "GR0101", "did you mean \"level\""},
    {"no store", "policy: p\nreports_dir: r\n", "GR0102", "store"},
    {"no policy", "store: sqlite:x\nreports_dir: r\n", "GR0102", "policy"},
    {"no reports", "store: sqlite:x\npolicy: p\n", "GR0102", "reports_dir"},
    {"postgres", "store: postgres:x\npolicy: p\nreports_dir: r\n", "GR0318", "PostgreSQL"},
    {"store without kind", "store: x.db\npolicy: p\nreports_dir: r\n", "GR0105", "sqlite:PATH"},
    {"empty store", "store: \"sqlite:\"\npolicy: p\nreports_dir: r\n", "GR0105", "sqlite:PATH"},
    {"no time to confirm", NEEDED "confirm_timeout: 0s\n", "GR0209", "from 1s to 1h"},
    {"too long to confirm", NEEDED "confirm_timeout: 61m\n", "GR0209", "from 1s to 1h"},
    {"unknown mode", NEEDED "mode: atuo\n", "GR0105", "did you mean \"auto\""},
    {"no port", NEEDED "listen: 127.0.0.1\n", "GR0209", "listen"},
    {"port too high", NEEDED "listen: 127.0.0.1:65536\n", "GR0209", "listen"},
    {"all addresses", NEEDED "listen: 0.0.0.0:1\n", "GR0602", "missing: tls (cert_file, key_file); auth.ing"},
    {"all v6 addresses", NEEDED "listen: \"[::]:1\"\n", "GR0602", "needs TLS"},
    {"a public address", NEEDED "listen: 192.0.2.1:1\n", "GR0602", "needs TLS"},
    {"public with TLS alone", NEEDED "listen: 192.0.2.1:1\n" TLS("") "\n", "GR0602",
     "missing: auth.ingest_token_file or tls.client_san.ingest; auth.read_token_file or"},
    {"public without read", NEEDED "listen: 192.0.2.1:1\nauth: {ingest_token_file: i}\n" TLS("") "\n",
     "GR0602", "missing: auth.read_token_file or tls.client_san.read"},
    {"public with tokens alone",
     NEEDED "listen: 192.0.2.1:1\nauth: {ingest_token_file: i, read_token_file: r}\n", "GR0602",
     "missing: tls (cert_file, key_file);"},
    {"TLS without a key", NEEDED "tls: {cert_file: c}\n", "GR0102", "key_file"},
    {"TLS without a certificate", NEEDED "tls: {key_file: c}\n", "GR0102", "cert_file"},
    {"a client CA without names", NEEDED TLS(", client_ca_file: a") "\n", "GR0102", "need each other"},
    {"names without a client CA", NEEDED TLS(", client_san: {read: [\"dns:a\"]}") "\n", "GR0102",
     "need each other"},
    {"a name without kind", NEEDED TLS(", client_ca_file: a, client_san: {read: [a]}") "\n", "GR0209",
     "begins with dns:"},
    {"an empty name", NEEDED TLS(", client_ca_file: a, client_san: {read: [\"dns:\"]}") "\n", "GR0209",
     "begins with"},
    {"no names", NEEDED TLS(", client_ca_file: a, client_san: {read: []}") "\n", "GR0103", "1 to 64"},
    {"an unknown role", NEEDED TLS(", client_ca_file: a, client_san: {raed: [\"dns:a\"]}") "\n", "GR0101",
     "did you mean \"read\""},
    {"links without an address", NEEDED "ack_links: {key_file: ack.key}\n", "GR0102", "public_url"},
    {"links without a key", NEEDED "public_url: https://g.example\nack_links: {}\n", "GR0102", "key_file"},
    {"an unknown setting of links", NEEDED "public_url: https://g.example\nack_links: {keyfile: a}\n",
     "GR0101", "did you mean \"key_file\""},
    {"a misspelt address", NEEDED "publc_url: https://g.example\n", "GR0101", "did you mean \"public_url\""},
    {"an address in the clear", NEEDED "public_url: http://g.example\n", "GR0209", "https://"},
    {"an address with a path", NEEDED "public_url: https://g.example/x\n", "GR0209", "nothing behind"},
    {"a key elsewhere", NEEDED "public_url: https://g.example\nack_links: {key_file: ../ack.key}\n", "GR0209",
     "without a path"},
    {"links for ever", NEEDED "public_url: https://g.example\nack_links: {key_file: a, expire_after: 8d}\n",
     "GR0209", "from 1m to 7d"},
    {"a breaker that never closes", NEEDED "breaker: {window: 2d}\n", "GR0209",
     "\"window\" takes a duration from 1m to 1d"},
    {"no cool-down", NEEDED "breaker: {cool_down: 1s}\n", "GR0209", "\"cool_down\" takes"},
    {"a breaker that is always open", NEEDED "breaker: {streams: 0}\n", "GR0209", "from 1 to 1000"},
    {"an unknown setting of the breaker", NEEDED "breaker: {stream: 3}\n", "GR0101",
     "did you mean \"streams\""},
    {"no connection", NEEDED "limits: {connections: 0}\n", "GR0209", "from 1 to 512"},
    {"too many connections", NEEDED "limits: {connections: 513}\n", "GR0209", "from 1 to 512"},
    {"no burst", NEEDED "limits: {burst: 0}\n", "GR0209", "burst"},
    {"a rate in words", NEEDED "limits: {requests_per_second: many}\n", "GR0209", "requests_per_second"},
    {"a password in a URL", NEEDED "prometheus_url: http://a:b@h/\n", "GR0209", "password"},
    {"another scheme", NEEDED "prometheus_url: ftp://h/\n", "GR0209", "prometheus_url"},
    {"a list for a map", NEEDED "auth: []\n", "GR0103", "a map"},
    {"a map for a text", NEEDED "secrets_dir: {}\n", "GR0103", "secrets_dir"},
    {"no boolean", NEEDED "targets: {allow_http: 1}\n", "GR0103", "allow_http"},
    {"one private host", NEEDED "targets: {private_hosts: a}\n", "GR0103", "private_hosts"},
    {"a private URL", NEEDED "targets: {private_hosts: [\"http://a/\"]}\n", "GR0209", "hosts alone"},
    {"a reserve without unit", NEEDED "store_reserve: 64\n", "GR0209", "MiB"},
    {"a reserve past all disks", NEEDED "store_reserve: 1048577GiB\n", "GR0209", "MiB"},
    {"retention of hours", NEEDED "evidence_retention: 23h\n", "GR0209", "at least a day"},
    {"retention of nothing", NEEDED "evidence_retention: {}\n", "GR0103", "evidence_retention"},
    {"log format", NEEDED "log: {format: xml}\n", "GR0105", "logfmt"},
    {"no map", "- a\n", "GR0103", "a map"},
    {"no YAML", "a: [\n", "GR0004", ""},
    {"twice", NEEDED "mode: auto\nmode: auto\n", "GR0006", "mode"},
};
START_TEST(refused)
{
    struct gr_buf text = GR_BUF_INIT(1u << 20);

    ck_assert_msg(parse(bad[_i].text) == GR_EUSER, "%s: accepted", bad[_i].name);
    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &text);
    ck_assert_msg(strstr(gr_buf_cstr(&text), bad[_i].code) && strstr(gr_buf_cstr(&text), bad[_i].part),
                  "%s: %s", bad[_i].name, gr_buf_cstr(&text));
    ck_assert_uint_eq(conf.store_path.n, 0); /* the output is untouched */
    gr_buf_fini(&text);
}
END_TEST

static const struct {
    const char *name, *was, *is, *restart, *live;
} changes[] = {
    {"nothing", "mode: auto\n", "mode: auto\n", "", ""},
    {"another order", "mode: auto\nconfirm_timeout: 1m\n", "confirm_timeout: 1m\nmode: auto\n", "", ""},
    {"another value", "mode: auto\n", "mode: observe\n", "mode", ""},
    {"a new one", "", "mode: auto\n", "mode", ""},
    {"one that is gone", "mode: auto\n", "", "mode", ""},
    {"inside of a map", "limits: {burst: 1, connections: 2}\n", "limits: {connections: 3}\n",
     "limits.connections, limits.burst", ""},
    {"a list", TLS(", client_ca_file: c, client_san: {read: [\"dns:a\"]}") "\n",
     TLS(", client_ca_file: c, client_san: {read: [\"dns:a\", \"dns:b\"]}") "\n", "tls.client_san.read", ""},
    {"the level", "log: {level: info}\n", "log: {level: debug}\n", "", "log.level"},
    {"the level and the format", "", "log: {level: debug, format: json}\n", "log.format", "log.level"},
};

START_TEST(what_has_changed)
{
    struct gr_buf text = GR_BUF_INIT(4096), names = GR_BUF_INIT(4096);
    struct conf was;

    gr_buf_printf(&text, NEEDED "%s", changes[_i].was);
    ck_assert_int_eq(parse(gr_buf_cstr(&text)), GR_OK);
    was = conf;
    gr_buf_reset(&text);
    gr_buf_printf(&text, NEEDED "%s", changes[_i].is);
    ck_assert_int_eq(parse(gr_buf_cstr(&text)), GR_OK);
    ck_assert(conf_changes(&was, &conf, false, &names) == 0 || changes[_i].restart[0]);
    ck_assert_msg(gr_str_is(gr_buf_str(&names), changes[_i].restart) ||
                      (names.n == 0 && !changes[_i].restart[0]),
                  "%s: %s", changes[_i].name, gr_buf_cstr(&names));
    gr_buf_reset(&names);
    ck_assert_uint_eq(conf_changes(&was, &conf, true, &names), changes[_i].live[0] ? 1 : 0);
    ck_assert_str_eq(gr_buf_cstr(&names), changes[_i].live);
    gr_buf_fini(&names);
    gr_buf_fini(&text);
}
END_TEST

START_TEST(the_sample_is_accepted)
{
    struct gr_buf path = GR_BUF_INIT(4096);

    gr_buf_printf(&path, "%s/webhook/guardraild.yml", getenv("GR_SRCDIR") ? getenv("GR_SRCDIR") : ".");
    ck_assert_int_eq(conf_load(gr_buf_cstr(&path), arena, sources, diags, &conf), GR_OK);
    ck_assert_int_eq(conf.mode, MODE_OBSERVE);
    gr_buf_fini(&path);
}
END_TEST

START_TEST(all_faults_in_one_run)
{
    ck_assert_int_eq(parse("lisen: x\nmode: atuo\nstore: x\n"), GR_EUSER);
    ck_assert_uint_eq(gr_diags_count(diags, GR_SEV_ERROR), 5);
}
END_TEST

Suite *
conf_suite(void)
{
    Suite *suite = suite_create("conf");
    TCase *tc = tcase_create("conf");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, everything);
    tcase_add_test(tc, tls_and_limits);
    tcase_add_loop_test(tc, refused, 0, GR_COUNT(bad));
    tcase_add_loop_test(tc, what_has_changed, 0, GR_COUNT(changes));
    tcase_add_test(tc, the_sample_is_accepted);
    tcase_add_test(tc, all_faults_in_one_run);
    suite_add_tcase(suite, tc);
    return suite;
}
