#include "config.h"
#include "conf.h"

#include <arpa/inet.h>
#include "disk.h"
#include "enact.h"
#include "guardrail/duration.h"
#include "guardrail/file.h"
#include "guardrail/node.h"
#include "guardrail/number.h"
#include "link.h"
#include "server.h"
#include "tls.h"

#define SANS_MAX 64u /* of one role */

struct reader {
    struct gr_arena *arena;
    struct gr_diags *diags;
    struct gr_str dir;
    struct conf *conf;
};
typedef void read_fn(struct reader *r, const struct gr_node *value);
/* One key of a map. To add one: a field in struct conf, a function below, a row here, a line in the man
 * page. */
struct key {
    struct gr_str name;
    read_fn *read;
};

/* The nearest legal name as a fix, or nothing. */
static struct gr_str
did_you_mean(struct reader *r, struct gr_str text, const struct gr_str *names, size_t count)
{
    struct gr_str near = gr_str_nearest(text, names, count);

    return near.n ? gr_arena_printf(r->arena, "did you mean \"" GR_FMT "\"?", GR_ARG(near)) : GR_STR_NONE;
}

static bool
scalar(struct reader *r, const struct gr_node *v)
{
    if (v->kind == GR_NODE_SCALAR && v->text.n > 0)
        return true;
    gr_diag(r->diags, GR0103, v->span, GR_STR_NONE, "\"" GR_FMT "\" takes a text, not %s", GR_ARG(v->key),
            v->kind == GR_NODE_SCALAR ? "an empty one" : gr_node_kind_name(v->kind));
    return false;
}

static void
read_path(struct reader *r, const struct gr_node *v, struct gr_str *out)
{
    if (!scalar(r, v))
        return;
    if (v->text.p[0] == '/' || r->dir.n == 0)
        *out = gr_arena_dup(r->arena, v->text);
    else
        *out = gr_arena_printf(r->arena, GR_FMT "/" GR_FMT, GR_ARG(r->dir), GR_ARG(v->text));
}

/* The index of a scalar in names, or -1 with a finding. */
static int
read_choice(struct reader *r, const struct gr_node *v, const struct gr_str *names, size_t count)
{
    struct gr_str near;

    if (!scalar(r, v))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (gr_str_eq(v->text, names[i]))
            return (int)i;
    near = did_you_mean(r, v->text, names, count);
    gr_diag(r->diags, GR0105, v->span, near, "\"" GR_FMT "\" cannot be \"" GR_FMT "\"; it is one of %s",
            GR_ARG(v->key), GR_ARG(v->text),
            count == 4
                ? (names[0].p[0] == 'd' ? "debug, info, warn, error" : "observe, dry-run, confirm, auto")
                : "logfmt, json");
    return -1;
}

static void
read_map(struct reader *r, const struct gr_node *map, const struct key *keys, size_t count)
{
    struct gr_str names[32];

    GR_ASSERT(count <= GR_COUNT(names));
    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    if (map->kind != GR_NODE_MAP) {
        gr_diag(r->diags, GR0103, map->span, GR_STR_NONE, "a map of settings is expected here, not %s",
                gr_node_kind_name(map->kind));
        return;
    }
    gr_node_each (v, map) {
        size_t i = 0;
        while (i < count && !gr_str_eq(v->key, names[i]))
            i++;
        if (i == count)
            gr_diag(r->diags, GR0101, v->key_span, did_you_mean(r, v->key, names, count),
                    "unknown setting \"" GR_FMT "\"", GR_ARG(v->key));
        else
            keys[i].read(r, v);
    }
}

/* "127.0.0.1:9095", "[::1]:9095". */
static void
read_listen(struct reader *r, const struct gr_node *v)
{
    struct gr_str host, port;
    struct in_addr v4;
    struct in6_addr v6;
    uint64_t number = 0;
    size_t colon = SIZE_MAX;

    if (!scalar(r, v))
        return;
    for (size_t i = 0; i < v->text.n; i++)
        if (v->text.p[i] == ':')
            colon = i;
    host = gr_str_sub(v->text, 0, colon == SIZE_MAX ? 0 : colon);
    port = gr_str_sub(v->text, colon == SIZE_MAX ? v->text.n : colon + 1, v->text.n);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = gr_str_sub(host, 1, host.n - 1);
    host = gr_arena_dup(r->arena, host);
    if (!host.p || gr_parse_u64(port, 65535, &number) != GR_OK ||
        (inet_pton(AF_INET, host.p, &v4) != 1 && inet_pton(AF_INET6, host.p, &v6) != 1)) {
        gr_diag(r->diags, GR0209, v->span, GR_STR("127.0.0.1:9095"),
                "\"listen\" takes a numeric address and a port, as 127.0.0.1:9095 or [::1]:9095");
        return;
    }
    r->conf->listen_host = host;
    r->conf->listen_port = (uint16_t)number;
    if (inet_pton(AF_INET, host.p, &v4) == 1)
        r->conf->loopback = (ntohl(v4.s_addr) >> 24) == 127;
    else
        r->conf->loopback = inet_pton(AF_INET6, host.p, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static void
read_store(struct reader *r, const struct gr_node *v)
{
    struct gr_node path = *v;

    if (!scalar(r, v))
        return;
    if (gr_str_starts(v->text, GR_STR("postgres:"))) {
        gr_diag(r->diags, GR0318, v->span, GR_STR_NONE,
                "the PostgreSQL store is not there yet; use sqlite:PATH");
        return;
    }
    if (!gr_str_starts(v->text, GR_STR("sqlite:")) || v->text.n == 7) {
        gr_diag(r->diags, GR0105, v->span, GR_STR("sqlite:/var/lib/guardrail/guardraild.db"),
                "\"store\" takes sqlite:PATH");
        return;
    }
    path.text = gr_str_sub(v->text, 7, v->text.n);
    read_path(r, &path, &r->conf->store_path);
}

/* "64MiB", "1GiB", "0". */
static bool
parse_bytes(struct gr_str text, int64_t *out)
{
    static const struct {
        struct gr_str name;
        unsigned shift;
    } units[] = {{GR_STR_INIT("KiB"), 10}, {GR_STR_INIT("MiB"), 20}, {GR_STR_INIT("GiB"), 30}};
    uint64_t number = 0;

    if (gr_str_is(text, "0")) {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < GR_COUNT(units); i++)
        if (text.n > 3 && gr_str_eq(gr_str_sub(text, text.n - 3, text.n), units[i].name) &&
            gr_parse_u64(gr_str_sub(text, 0, text.n - 3), UINT64_C(1) << 20, &number) == GR_OK) {
            *out = (int64_t)(number << units[i].shift);
            return true;
        }
    return false;
}

static void
read_store_reserve(struct reader *r, const struct gr_node *v)
{
    if (scalar(r, v) && !parse_bytes(v->text, &r->conf->store_reserve_bytes))
        gr_diag(r->diags, GR0209, v->span, GR_STR("64MiB"),
                "\"store_reserve\" takes a size in KiB, MiB or GiB, or 0 for none");
}

static void
read_confirm_timeout(struct reader *r, const struct gr_node *v)
{
    int64_t ms = 0;

    if (!scalar(r, v))
        return;
    if (gr_duration_parse(v->text, &ms) != GR_OK || ms < CONF_CONFIRM_MS_MIN || ms > CONF_CONFIRM_MS_MAX)
        gr_diag(r->diags, GR0209, v->span, GR_STR("5m"),
                "\"confirm_timeout\" takes a duration from 1s to 1h, as 5m");
    else
        r->conf->confirm_ms = ms;
}

static void
read_breaker_ms(struct reader *r, const struct gr_node *v, int64_t *out)
{
    int64_t ms = 0;

    if (!scalar(r, v))
        return;
    if (gr_duration_parse(v->text, &ms) != GR_OK || ms < CONF_BREAKER_MS_MIN || ms > CONF_BREAKER_MS_MAX)
        gr_diag(r->diags, GR0209, v->span, GR_STR_NONE, "\"" GR_FMT "\" takes a duration from 1m to 1d",
                GR_ARG(v->key));
    else
        *out = ms;
}

static void
read_window(struct reader *r, const struct gr_node *v)
{
    read_breaker_ms(r, v, &r->conf->breaker.window_ms);
}

static void
read_cool_down(struct reader *r, const struct gr_node *v)
{
    read_breaker_ms(r, v, &r->conf->breaker.cool_down_ms);
}

/* Not less than a day: a release must be able to show what its rollback rests on. */
static void
read_evidence_retention(struct reader *r, const struct gr_node *v)
{
    int64_t ms = 0;

    if (!scalar(r, v))
        return;
    if (gr_duration_parse(v->text, &ms) != GR_OK || ms < CONF_RETENTION_MS_MIN)
        gr_diag(r->diags, GR0209, v->span, GR_STR("90d"),
                "\"evidence_retention\" takes a duration of at least a day, as 90d");
    else
        r->conf->evidence_retention_ms = ms;
}

static void
read_url(struct reader *r, const struct gr_node *v, struct gr_str *out)
{
    if (!scalar(r, v))
        return;
    if ((!gr_str_starts(v->text, GR_STR("http://")) && !gr_str_starts(v->text, GR_STR("https://"))) ||
        gr_str_find(v->text, GR_STR("@"), 0) != SIZE_MAX) {
        gr_diag(r->diags, GR0209, v->span, GR_STR_NONE,
                "\"" GR_FMT "\" takes an http:// or https:// address without a password in it",
                GR_ARG(v->key));
        return;
    }
    *out = gr_arena_dup(r->arena,
                        v->text.p[v->text.n - 1] == '/' ? gr_str_sub(v->text, 0, v->text.n - 1) : v->text);
}

static void
read_mode(struct reader *r, const struct gr_node *v)
{
    static const struct gr_str names[] = {GR_STR_INIT("observe"), GR_STR_INIT("dry-run"),
                                          GR_STR_INIT("confirm"), GR_STR_INIT("auto")};
    int i = read_choice(r, v, names, GR_COUNT(names));

    if (i >= 0)
        r->conf->mode = (enum daemon_mode)i;
}

/* Every entry absolute: a relative one would depend on where a program happens to run. */
static void
read_actions_path(struct reader *r, const struct gr_node *v)
{
    struct gr_str rest, dir;

    if (!scalar(r, v))
        return;
    rest = v->text;
    while (gr_str_next(&rest, ':', &dir))
        if (dir.n == 0 || dir.p[0] != '/') {
            gr_diag(r->diags, GR0209, v->span, GR_STR("/usr/local/bin:/usr/bin:/bin"),
                    "\"actions_path\" takes absolute folders, separated by colons");
            return;
        }
    r->conf->actions_path = gr_arena_dup(r->arena, v->text);
}

static void
read_actions_environment(struct reader *r, const struct gr_node *v)
{
    const char **list;
    size_t n = 0;

    if (v->kind != GR_NODE_MAP || !(list = gr_arena_array(r->arena, v->count + 1, sizeof *list))) {
        gr_diag(r->diags, GR0103, v->span, GR_STR("{KUBECONFIG: /etc/guardrail/kubeconfig}"),
                "\"actions_environment\" is a map of names and values");
        return;
    }
    gr_node_each (entry, v) {
        struct gr_str pair;

        if (!scalar(r, entry))
            return;
        pair = gr_arena_printf(r->arena, GR_FMT "=" GR_FMT, GR_ARG(entry->key), GR_ARG(entry->text));
        if (!pair.p)
            return;
        list[n++] = pair.p;
    }
    r->conf->actions_environment = list;
}

static void
read_allow_http(struct reader *r, const struct gr_node *v)
{
    if (v->kind == GR_NODE_SCALAR && v->style == GR_STYLE_PLAIN &&
        (gr_str_is(v->text, "true") || gr_str_is(v->text, "false")))
        r->conf->allow_http = gr_str_is(v->text, "true");
    else
        gr_diag(r->diags, GR0103, v->span, GR_STR_NONE, "\"allow_http\" is true or false");
}

static void
read_log_format(struct reader *r, const struct gr_node *v)
{
    static const struct gr_str names[] = {GR_STR_INIT("logfmt"), GR_STR_INIT("json")};
    int i = read_choice(r, v, names, GR_COUNT(names));

    if (i >= 0)
        r->conf->log_format = (enum log_format)i;
}

static void
read_log_level(struct reader *r, const struct gr_node *v)
{
    static const struct gr_str names[] = {GR_STR_INIT("debug"), GR_STR_INIT("info"), GR_STR_INIT("warn"),
                                          GR_STR_INIT("error")};
    int i = read_choice(r, v, names, GR_COUNT(names));

    if (i >= 0)
        r->conf->log_level = (enum log_level)i;
}

#define PATH_READER(field)                                                                                   \
    static void read_##field(struct reader *r, const struct gr_node *v)                                      \
    {                                                                                                        \
        read_path(r, v, &r->conf->field);                                                                    \
    }
PATH_READER(ingest_token_file)
PATH_READER(read_token_file)
PATH_READER(admin_token_file)
PATH_READER(tls_cert_file)
PATH_READER(tls_key_file)
PATH_READER(client_ca_file)
PATH_READER(target_ca_file)
PATH_READER(admin_socket)
PATH_READER(policy_path)
PATH_READER(secrets_dir)
PATH_READER(actions_dir)
PATH_READER(reports_dir)
#undef PATH_READER

#define URL_READER(field)                                                                                    \
    static void read_##field(struct reader *r, const struct gr_node *v)                                      \
    {                                                                                                        \
        read_url(r, v, &r->conf->field);                                                                     \
    }
URL_READER(prometheus_url)
URL_READER(alertmanager_url)
URL_READER(pagerduty_url)
URL_READER(slack_url)
#undef URL_READER

static void
read_auth(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("admin_token_file"), read_admin_token_file},
        {GR_STR_INIT("ingest_token_file"), read_ingest_token_file},
        {GR_STR_INIT("read_token_file"), read_read_token_file},
    };
    read_map(r, v, keys, GR_COUNT(keys));
}

/* A list of "dns:NAME", "uri:URI", "email:ADDRESS". */
static void
read_sans(struct reader *r, const struct gr_node *v, struct conf_names *out)
{
    struct gr_str *names;
    size_t n = 0;

    if (v->kind != GR_NODE_LIST || v->count == 0 || v->count > SANS_MAX) {
        gr_diag(r->diags, GR0103, v->span, GR_STR("[\"dns:alertmanager.example.org\"]"),
                "\"" GR_FMT "\" is a list of 1 to %u names of client certificates", GR_ARG(v->key), SANS_MAX);
        return;
    }
    if (!(names = gr_arena_array(r->arena, v->count, sizeof *names)))
        return; /* the arena remembers */
    gr_node_each (e, v) {
        if (e->kind != GR_NODE_SCALAR || !tls_san_ok(e->text)) {
            gr_diag(r->diags, GR0209, e->span, GR_STR("dns:alertmanager.example.org"),
                    "a name of a client certificate begins with dns:, uri: or email:");
            return;
        }
        names[n++] = gr_arena_dup(r->arena, e->text);
    }
    *out = (struct conf_names){names, n};
}

/* A list of host names or addresses, without ports. */
static void
read_private_hosts(struct reader *r, const struct gr_node *v)
{
    struct gr_str *names;
    size_t n = 0;

    if (v->kind != GR_NODE_LIST || v->count == 0 || v->count > SANS_MAX) {
        gr_diag(r->diags, GR0103, v->span, GR_STR("[hooks.example.internal]"),
                "\"private_hosts\" is a list of 1 to %u hosts", SANS_MAX);
        return;
    }
    if (!(names = gr_arena_array(r->arena, v->count, sizeof *names)))
        return; /* the arena remembers */
    gr_node_each (e, v) {
        if (e->kind != GR_NODE_SCALAR || e->text.n == 0 || gr_str_find(e->text, GR_STR("/"), 0) != SIZE_MAX) {
            gr_diag(r->diags, GR0209, e->span, GR_STR("hooks.example.internal"),
                    "\"private_hosts\" names hosts alone, without http:// and path");
            return;
        }
        names[n++] = gr_arena_dup(r->arena, e->text);
    }
    r->conf->private_hosts = (struct conf_names){names, n};
}

#define SANS_READER(role)                                                                                    \
    static void read_##role##_sans(struct reader *r, const struct gr_node *v)                                \
    {                                                                                                        \
        read_sans(r, v, &r->conf->role##_sans);                                                              \
    }
SANS_READER(ingest)
SANS_READER(read)
SANS_READER(admin)
#undef SANS_READER

static void
read_client_san(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("admin"), read_admin_sans},
        {GR_STR_INIT("ingest"), read_ingest_sans},
        {GR_STR_INIT("read"), read_read_sans},
    };
    read_map(r, v, keys, GR_COUNT(keys));
}

/* What only the whole map can tell. */
static void
read_tls(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("cert_file"), read_tls_cert_file},
        {GR_STR_INIT("client_ca_file"), read_client_ca_file},
        {GR_STR_INIT("client_san"), read_client_san},
        {GR_STR_INIT("key_file"), read_tls_key_file},
    };

    read_map(r, v, keys, GR_COUNT(keys));
    if (v->kind != GR_NODE_MAP)
        return;
    for (size_t i = 0; i < GR_COUNT(keys); i += 3)
        if (!gr_node_get(v, keys[i].name.p))
            gr_diag(r->diags, GR0102, v->key_span, GR_STR_NONE, "\"tls\" needs \"" GR_FMT "\"",
                    GR_ARG(keys[i].name));
    if (!gr_node_get(v, "client_ca_file") != !gr_node_get(v, "client_san"))
        gr_diag(r->diags, GR0102, v->key_span, GR_STR_NONE,
                "\"client_ca_file\" and \"client_san\" need each other: who signs clients' certificates, and "
                "which "
                "names may do what");
}

static void
read_count(struct reader *r, const struct gr_node *v, unsigned least, unsigned most, unsigned *out)
{
    uint64_t n = 0;

    if (!scalar(r, v))
        return;
    if (gr_parse_u64(v->text, most, &n) != GR_OK || n < least)
        gr_diag(r->diags, GR0209, v->span, GR_STR_NONE, "\"" GR_FMT "\" is a whole number from %u to %u",
                GR_ARG(v->key), least, most);
    else
        *out = (unsigned)n;
}

/* The highest number of connections keeps us within the usual 1024 descriptors of a process. */
#define COUNT_READER(field, least, most)                                                                     \
    static void read_##field(struct reader *r, const struct gr_node *v)                                      \
    {                                                                                                        \
        read_count(r, v, least, most, &r->conf->field);                                                      \
    }
COUNT_READER(connections, 1, 512)
COUNT_READER(per_address, 1, 512)
COUNT_READER(rate, 0, 1000000)
COUNT_READER(burst, 1, 1000000)
#undef COUNT_READER

static void
read_limits(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("burst"), read_burst},
        {GR_STR_INIT("connections"), read_connections},
        {GR_STR_INIT("connections_per_address"), read_per_address},
        {GR_STR_INIT("requests_per_second"), read_rate},
    };
    read_map(r, v, keys, GR_COUNT(keys));
}

static void
read_streams(struct reader *r, const struct gr_node *v)
{
    read_count(r, v, 1, CONF_BREAKER_STREAMS_MAX, &r->conf->breaker.streams);
}

static void
read_breaker(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("cool_down"), read_cool_down},
        {GR_STR_INIT("streams"), read_streams},
        {GR_STR_INIT("window"), read_window},
    };
    read_map(r, v, keys, GR_COUNT(keys));
}

static void
read_log(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("format"), read_log_format},
        {GR_STR_INIT("level"), read_log_level},
    };
    read_map(r, v, keys, GR_COUNT(keys));
}

static void
read_public_url(struct reader *r, const struct gr_node *v)
{
    struct gr_str url = v->text;

    if (!scalar(r, v))
        return;
    if (gr_str_ends(url, GR_STR("/")))
        url.n--;
    if (link_origin_ok(url))
        r->conf->public_url = gr_arena_dup(r->arena, url);
    else
        gr_diag(r->diags, GR0209, v->span, GR_STR("https://guardraild.example.org"),
                "\"public_url\" is https://, a host and perhaps a port, and nothing behind; http:// for this "
                "machine "
                "alone");
}

/* A plain name below secrets_dir, as the policy's files. */
static void
read_ack_key_file(struct reader *r, const struct gr_node *v)
{
    if (!scalar(r, v))
        return;
    if (gr_str_find(v->text, GR_STR("/"), 0) != SIZE_MAX || v->text.p[0] == '.')
        gr_diag(r->diags, GR0209, v->span, GR_STR("ack.key"),
                "\"key_file\" is the name of a file in secrets_dir, without a path");
    else
        r->conf->ack_key_file = gr_arena_dup(r->arena, v->text);
}

static void
read_ack_expiry(struct reader *r, const struct gr_node *v)
{
    int64_t ms = 0;

    if (!scalar(r, v))
        return;
    if (gr_duration_parse(v->text, &ms) != GR_OK || ms < CONF_ACK_MS_MIN || ms > CONF_ACK_MS_MAX)
        gr_diag(r->diags, GR0209, v->span, GR_STR("12h"),
                "\"expire_after\" takes a duration from 1m to 7d, as 12h");
    else
        r->conf->ack_expiry_ms = ms;
}

static void
read_ack_links(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("expire_after"), read_ack_expiry},
        {GR_STR_INIT("key_file"), read_ack_key_file},
    };
    read_map(r, v, keys, GR_COUNT(keys));
    if (v->kind == GR_NODE_MAP && !gr_node_get(v, "key_file"))
        gr_diag(r->diags, GR0102, v->key_span, GR_STR("{key_file: ack.key}"),
                "\"ack_links\" needs \"key_file\"");
}

static void
read_targets(struct reader *r, const struct gr_node *v)
{
    static const struct key keys[] = {
        {GR_STR_INIT("allow_http"), read_allow_http},
        {GR_STR_INIT("ca_file"), read_target_ca_file},
        {GR_STR_INIT("pagerduty_url"), read_pagerduty_url},
        {GR_STR_INIT("private_hosts"), read_private_hosts},
        {GR_STR_INIT("slack_url"), read_slack_url},
    };
    read_map(r, v, keys, GR_COUNT(keys));
}

static const struct key top_keys[] = {
    {GR_STR_INIT("ack_links"), read_ack_links},
    {GR_STR_INIT("actions_dir"), read_actions_dir},
    {GR_STR_INIT("actions_environment"), read_actions_environment},
    {GR_STR_INIT("actions_path"), read_actions_path},
    {GR_STR_INIT("admin_socket"), read_admin_socket},
    {GR_STR_INIT("alertmanager_url"), read_alertmanager_url},
    {GR_STR_INIT("auth"), read_auth},
    {GR_STR_INIT("breaker"), read_breaker},
    {GR_STR_INIT("confirm_timeout"), read_confirm_timeout},
    {GR_STR_INIT("evidence_retention"), read_evidence_retention},
    {GR_STR_INIT("limits"), read_limits},
    {GR_STR_INIT("listen"), read_listen},
    {GR_STR_INIT("log"), read_log},
    {GR_STR_INIT("mode"), read_mode},
    {GR_STR_INIT("policy"), read_policy_path},
    {GR_STR_INIT("prometheus_url"), read_prometheus_url},
    {GR_STR_INIT("public_url"), read_public_url},
    {GR_STR_INIT("reports_dir"), read_reports_dir},
    {GR_STR_INIT("secrets_dir"), read_secrets_dir},
    {GR_STR_INIT("store"), read_store},
    {GR_STR_INIT("store_reserve"), read_store_reserve},
    {GR_STR_INIT("targets"), read_targets},
    {GR_STR_INIT("tls"), read_tls},
};

/* Who is reachable from outside needs TLS, and something to prove for each role that would be open without. */
static void
check_guard(struct reader *r, const struct gr_node *root, struct gr_span where)
{
    const struct gr_node *auth = gr_node_get(root, "auth"), *tls = gr_node_get(root, "tls"),
                         *sans = gr_node_get(tls, "client_san");
    bool ingest = gr_node_get(auth, "ingest_token_file") || gr_node_get(sans, "ingest");
    bool read = gr_node_get(auth, "read_token_file") || gr_node_get(sans, "read");

    if (tls && ingest && read)
        return;
    gr_diag(r->diags, GR0602, where, GR_STR("127.0.0.1:9095"),
            "an address that others reach needs TLS and authentication for ingest and read; missing:%s%s%s",
            tls ? "" : " tls (cert_file, key_file);",
            ingest ? "" : " auth.ingest_token_file or tls.client_san.ingest;",
            read ? "" : " auth.read_token_file or tls.client_san.read");
}

/* What only the whole can tell. Silent about a key that has its own finding already. */
static void
check_whole(struct reader *r, const struct gr_node *root)
{
    const struct gr_node *listen = gr_node_get(root, "listen");
    struct gr_span top = {root->span.file, root->span.start, root->span.start};

    if (!gr_node_get(root, "store"))
        gr_diag(r->diags, GR0102, top, GR_STR("store: sqlite:/var/lib/guardrail/guardraild.db"),
                "\"store\" is missing");
    if (!gr_node_get(root, "policy"))
        gr_diag(r->diags, GR0102, top, GR_STR_NONE,
                "\"policy\" is missing: the policy.json that guardrailc wrote");
    if (!gr_node_get(root, "reports_dir"))
        gr_diag(r->diags, GR0102, top, GR_STR("reports_dir: reports"), "\"reports_dir\" is missing");
    if (gr_node_get(root, "ack_links") && !gr_node_get(root, "public_url"))
        gr_diag(r->diags, GR0102, gr_node_get(root, "ack_links")->key_span,
                GR_STR("public_url: https://guardraild.example.org"),
                "\"ack_links\" needs \"public_url\": what the links in messages begin with");
    if (!r->conf->loopback && listen)
        check_guard(r, root, listen->span);
}

/* ---- what has changed ---- */

struct flat {
    struct gr_arena *arena;
    struct conf_setting *list;
    size_t count;
};

static void
flatten(struct flat *f, const struct gr_node *v, struct gr_str name)
{
    struct gr_buf joined = GR_BUF_INIT(CONF_BYTES_MAX);

    if (v->kind == GR_NODE_MAP) {
        gr_node_each (e, v) {
            flatten(f, e,
                    name.n == 0 ? e->key
                                : gr_arena_printf(f->arena, GR_FMT "." GR_FMT, GR_ARG(name), GR_ARG(e->key)));
        }
        return;
    }
    if (v->kind == GR_NODE_LIST)
        gr_node_each (e, v) {
            gr_buf_puts(&joined, joined.n > 0 ? ", " : "");
            gr_buf_put(&joined, e->text);
        }
    else
        gr_buf_put(&joined, v->text);
    if (f->count < CONF_SETTINGS_MAX)
        f->list[f->count++] =
            (struct conf_setting){gr_arena_dup(f->arena, name), gr_arena_dup(f->arena, gr_buf_str(&joined))};
    gr_buf_fini(&joined);
}

static void
list_settings(struct reader *r, const struct gr_node *root)
{
    struct flat f = {.arena = r->arena, .list = gr_arena_array(r->arena, CONF_SETTINGS_MAX, sizeof *f.list)};

    if (!f.list)
        return; /* the arena remembers */
    flatten(&f, root, GR_STR_NONE);
    r->conf->settings = f.list;
    r->conf->setting_count = f.count;
}

/* What a reload takes over: nothing that another thread reads. */
static bool
is_live(struct gr_str name)
{
    return gr_str_is(name, "log.level");
}

static const struct conf_setting *
find_setting(const struct conf *c, struct gr_str name)
{
    for (size_t i = 0; i < c->setting_count; i++)
        if (gr_str_eq(c->settings[i].name, name))
            return &c->settings[i];
    return NULL;
}

size_t
conf_changes(const struct conf *was, const struct conf *is, bool live, struct gr_buf *names)
{
    const struct conf *const sides[] = {is, was};
    size_t count = 0;

    for (size_t k = 0; k < 2;
         k++) /* what is there and was not, or otherwise; then what is not there any more */
        for (size_t i = 0; i < sides[k]->setting_count; i++) {
            const struct conf_setting *s = &sides[k]->settings[i],
                                      *other = find_setting(sides[1 - k], s->name);

            if (is_live(s->name) != live || (other && (k == 1 || gr_str_eq(s->value, other->value))))
                continue;
            gr_buf_puts(names, count++ ? ", " : "");
            gr_buf_put(names, s->name);
        }
    return count;
}

enum gr_err
conf_parse(struct gr_str name, struct gr_str text, struct gr_str dir, struct gr_arena *a,
           struct gr_sources *sources, struct gr_diags *d, struct conf *out)
{
    struct conf conf = {.listen_host = GR_STR("127.0.0.1"),
                        .listen_port = 9095,
                        .loopback = true,
                        .store_reserve_bytes = DISK_RESERVE_BYTES,
                        .confirm_ms = CONF_CONFIRM_MS,
                        .ack_expiry_ms = CONF_ACK_MS,
                        .evidence_retention_ms = ENACT_KEEP_MS,
                        .breaker = CONF_BREAKER_DEFAULT,
                        .mode = MODE_OBSERVE,
                        .log_format = LOG_LOGFMT,
                        .log_level = AT_INFO,
                        .connections = server_limits_default.conns.connections,
                        .per_address = server_limits_default.conns.per_address,
                        .rate = server_limits_default.rate,
                        .burst = server_limits_default.burst};
    struct reader r = {.arena = a, .diags = d, .dir = dir, .conf = &conf};
    struct gr_node *root = NULL;
    uint32_t file = 0;
    enum gr_err err;

    if ((err = gr_sources_add(sources, name, text, &file)) != GR_OK)
        return err;
    if ((err = gr_yaml_read(a, sources, file, &gr_node_limits_default, d, &root)) != GR_OK)
        return err;
    if (!root || root->kind != GR_NODE_MAP) {
        gr_diag(d, GR0103, (struct gr_span){file, 0, 0}, GR_STR_NONE, "a map of settings is expected");
        return GR_EUSER;
    }
    read_map(&r, root, top_keys, GR_COUNT(top_keys));
    check_whole(&r, root);
    list_settings(&r, root);
    if ((err = gr_diags_status(d)) != GR_OK)
        return err;
    if ((err = gr_arena_status(a)) != GR_OK)
        return err;
    *out = conf;
    return GR_OK;
}

enum gr_err
conf_load(const char *path, struct gr_arena *a, struct gr_sources *sources, struct gr_diags *d,
          struct conf *out)
{
    struct gr_buf text = GR_BUF_INIT(CONF_BYTES_MAX);
    struct gr_str name = gr_str(path), dir = GR_STR_NONE;
    enum gr_err err;

    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '/')
            dir = gr_str_sub(name, 0, i == 0 ? 1 : i);
    if ((err = gr_file_read(path, &text)) != GR_OK)
        goto done;
    dir = gr_arena_dup(a, dir);
    err = conf_parse(name, gr_buf_str(&text), dir, a, sources, d, out);
done:
    gr_buf_fini(&text);
    return err;
}
