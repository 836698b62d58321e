/* conf.h - guardraild.yml: what the daemon listens on, where it keeps and finds things, and what it may do.
 *
 * (Not config.h: that is autoconf's.) Read whole and checked before anything is opened; each fault is a
 * finding with its place.
 * Paths are taken relative to the folder of the configuration file. Texts are NUL-terminated and live in the
 * arena. */
#ifndef GUARDRAIL_WEBHOOK_CONF_H
#define GUARDRAIL_WEBHOOK_CONF_H
#include "decide.h"
#include "guardrail/arena.h"
#include "guardrail/diag.h"
#include "log.h"

#define CONF_BYTES_MAX (256u << 10)
#define CONF_CONFIRM_MS INT64_C(300000) /* as long as a page waits before it goes to the next person */
#define CONF_CONFIRM_MS_MIN INT64_C(1000)
#define CONF_CONFIRM_MS_MAX INT64_C(3600000)
#define CONF_ACK_MS INT64_C(43200000) /* a shift */
#define CONF_ACK_MS_MIN INT64_C(60000)
#define CONF_ACK_MS_MAX INT64_C(604800000)
#define CONF_RETENTION_MS_MIN INT64_C(86400000)

/* When further rollbacks wait for a person. */
struct conf_breaker {
    uint32_t streams;     /* so many streams … */
    int64_t window_ms;    /* rolled back within this time open it for all */
    int64_t cool_down_ms; /* a stream's second rollback within this time is held as well */
};
#define CONF_BREAKER_DEFAULT ((struct conf_breaker){3, INT64_C(600000), INT64_C(3600000)})
#define CONF_BREAKER_STREAMS_MAX 1000u
#define CONF_BREAKER_MS_MIN INT64_C(60000)
#define CONF_BREAKER_MS_MAX INT64_C(86400000)

struct conf_names {
    const struct gr_str *v;
    size_t n;
};
/* One setting of the file as it stands there: "tls.cert_file", "tls/own.crt"; the items of a list joined by ", ". */
struct conf_setting {
    struct gr_str name, value;
};
#define CONF_SETTINGS_MAX 512u
struct conf {
    const struct conf_setting *settings; /* in the file's order */
    size_t setting_count;
    struct gr_str listen_host; /* an IPv4 or IPv6 address, without brackets */
    uint16_t listen_port;      /* 0: any */
    bool loopback;
    struct gr_str ingest_token_file, read_token_file, admin_token_file; /* empty: that role has no token */
    struct gr_str tls_cert_file, tls_key_file, client_ca_file; /* empty: no TLS, no client certificates */
    struct conf_names ingest_sans, read_sans, admin_sans;      /* client certificates by role (tls_san_ok) */
    unsigned connections, per_address, rate, burst;            /* limits: of the TCP listener; rate 0: none */
    struct gr_str admin_socket;                                /* empty: none */
    struct gr_str store_path;
    int64_t store_reserve_bytes;   /* of free disk, below which nothing new is accepted; 0: none */
    int64_t evidence_retention_ms; /* how long raw requests are kept */
    struct gr_str
        public_url; /* how people reach us, without a slash at its end (link_origin_ok); empty: not stated */
    struct gr_str ack_key_file; /* below secrets_dir; empty: messages carry no links */
    int64_t ack_expiry_ms;
    struct gr_str policy_path;
    struct gr_str secrets_dir, actions_dir, reports_dir;
    struct gr_str actions_path;       /* where plain program names are looked up, "/a:/b"; empty: fixed */
    const char **actions_environment; /* "NAME=value" for programs, NULL-terminated; NULL: none */
    /* Empty: none; without prometheus_url nothing is ever promoted. */
    struct gr_str prometheus_url, alertmanager_url;
    struct conf_breaker breaker;
    enum daemon_mode mode;
    int64_t confirm_ms; /* mode confirm: how long a person has to answer */
    enum log_format log_format;
    enum log_level log_level;
    struct gr_str pagerduty_url;     /* empty: PagerDuty's own */
    struct gr_str slack_url;         /* of Slack's API; empty: its own */
    bool allow_http;                 /* plain HTTP to loopback targets, for tests */
    struct conf_names private_hosts; /* whom `http` actions may reach though their addresses are private */
    struct gr_str target_ca_file;    /* an authority for targets besides the system's; empty: none */
};
/* GR_EUSER: findings say what is wrong; GR_ENOENT, GR_EACCES, GR_EIO, GR_ELIMIT, GR_ENOMEM. */
GR_MUST_USE enum gr_err conf_load(const char *path, struct gr_arena *a, struct gr_sources *sources,
                                  struct gr_diags *d, struct conf *out);
/* The same from text. dir: what relative paths are below. */
GR_MUST_USE enum gr_err conf_parse(struct gr_str name, struct gr_str text, struct gr_str dir,
                                   struct gr_arena *a, struct gr_sources *sources, struct gr_diags *d,
                                   struct conf *out);
/* Appends the names of settings that stand otherwise in `is` than in `was`, joined by ", ": those that a reload takes over (live), or
 * those that a restart does. Returns how many. */
size_t conf_changes(const struct conf *was, const struct conf *is, bool live, struct gr_buf *names);
#endif
