/* standin - stands in for the targets of messages on loopback, strictly.
 *
 *     standin [--port N] [--tls CERT KEY]
 *                               0, the default, takes a free port; prints the address, then serves until SIGTERM or SIGINT
 *
 *     POST /slack, /slack/…              as an incoming webhook: /slack/none 404 no_service, /slack/forbidden 403 invalid_token,
 *                                        /slack/archived 410 channel_is_archived
 *     /slack-api/chat.postMessage…       as Slack's API (standin_check.h)
 *     POST /pagerduty/v2/enqueue         as Events v2
 *     /jira/cloud/…, /jira/dc/…          as Jira (standin_check.h)
 *     /jsm/v2/alerts…                    as Opsgenie and Jira Service Management
 *     POST /http, /http/token            as somebody's own receiver
 *     POST /control                      {"target": "slack"|"pagerduty"|"jira"|"jsm"|"http"|"slack-api", "status": 429, "retry_after": 2,
 *                                        "count": 1}, or "hang": true, or "body": "text" (answered with status, default 200), or
 *                                        "lose": true (taken, but the answer is lost), for the next `count` requests (0: until
 *                                        told otherwise), "method": "POST" and "path": "end": only those; "count" -1 takes it back; or "lag": n alone,
 *                                        or "blind": true alone: Slack's history may not be read
 *     GET /received                      {"messages":[{"target","path","at_ms","message"}],"accepted":{…},"refused":{…},
 *                                        "issues":[…],"alerts":[…],"posts":[…]}
 *     DELETE /received                   forgets them
 *
 * A refusal says why in the header X-Standin-Reason. One thread of libmicrohttpd's does all the work; main waits for a signal. */
#include "config.h"
#include "standin_check.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "guardrail/file.h"
#include "guardrail/json.h"
#include "guardrail/number.h"

#define MESSAGES_MAX 10000
#define HUNG_MAX 64u

enum target { SLACK, PAGERDUTY, JIRA, ALERTS, HOOK, SLACK_API, TARGETS };
static const char *const target_names[TARGETS] = {"slack", "pagerduty", "jira", "jsm", "http", "slack-api"};
static const char *const target_paths[TARGETS] = {"/slack", "/pagerduty", "/jira",
                                                  "/jsm",   "/http",      "/slack-api"};

struct behaviour {
    long count; /* how many more requests; 0: none; -1: all */
    unsigned status;
    int64_t retry_after_s; /* -1: none */
    bool hang, lose;
    struct gr_buf body;         /* empty: the documented one */
    struct gr_buf path, method; /* only requests of this method whose path ends so; empty: all */
};
struct standin {
    struct behaviour behaviour[TARGETS];
    size_t accepted[TARGETS], refused[TARGETS];
    struct standin_jira jira;
    struct standin_alerts alerts;
    struct standin_hook hook;
    struct standin_slack_api slack_api;
    cJSON *messages;
    struct MHD_Connection *hung[HUNG_MAX]; /* suspended until the end */
    size_t hung_count;
};
struct request {
    struct gr_buf body;
};

/* -- answering ----------------------------------------------------------------------------------------------------------- */

static enum MHD_Result
reply(struct MHD_Connection *c, unsigned status, struct gr_str body, const char *why, int64_t retry_after_s)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.n, (void *)(uintptr_t)(body.n > 0 ? body.p : ""), MHD_RESPMEM_MUST_COPY);
    struct gr_buf seconds = GR_BUF_INIT(32);
    enum MHD_Result result;

    if (!r)
        return MHD_NO;
    if (why && why[0] != '\0')
        (void)MHD_add_response_header(r, "X-Standin-Reason", why); /* a help, not needed */
    if (retry_after_s >= 0) {
        gr_buf_printf(&seconds, "%lld", (long long)retry_after_s);
        (void)MHD_add_response_header(r, "Retry-After", gr_buf_cstr(&seconds));
    }
    result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    gr_buf_fini(&seconds);
    return result;
}

static enum MHD_Result
reply_text(struct MHD_Connection *c, unsigned status, const char *body)
{
    return reply(c, status, gr_str(body), NULL, -1);
}

/* What the real ones say with a status that they were told to give. */
static const char *
documented_body(enum target t, unsigned status)
{
    if (t == PAGERDUTY)
        return status == 429
                   ? "{\"status\":\"throttle exceeded\",\"message\":\"Requests for this API are arriving too "
                     "quickly.  Please retry later.\",\"errors\":[\"Enhance Your Calm.\"]}"
                   : "{\"status\":\"error\",\"message\":\"Internal Server Error\"}";
    if (t != SLACK)
        return "";
    return status == 429 ? "rate_limited" : status == 200 ? "" : "rollup_error";
}

static enum MHD_Result
misbehave(struct standin *s, struct MHD_Connection *c, enum target t)
{
    struct behaviour *b = &s->behaviour[t];
    struct gr_str body = b->body.n > 0 ? gr_buf_str(&b->body) : gr_str(documented_body(t, b->status));

    if (b->count > 0)
        b->count--;
    s->refused[t]++;
    if (!b->hang)
        return reply(c, b->status, body, "as told", b->retry_after_s);
    if (s->hung_count == HUNG_MAX)
        return MHD_NO;
    s->hung[s->hung_count++] = c;
    MHD_suspend_connection(c);
    return MHD_YES;
}

static void
keep(struct standin *s, enum target t, const char *path, struct standin_answer *a)
{
    cJSON *item = cJSON_CreateObject();
    struct timespec now;

    if (!item || cJSON_GetArraySize(s->messages) >= MESSAGES_MAX) {
        cJSON_Delete(item);
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    (void)cJSON_AddStringToObject(item, "target", target_names[t]);
    (void)cJSON_AddStringToObject(item, "path", path);
    (void)cJSON_AddNumberToObject(item, "at_ms",
                                  (double)now.tv_sec * 1000.0 + (double)(now.tv_nsec / 1000000));
    if (cJSON_AddItemToObject(item, "message", a->message))
        a->message = NULL;
    if (!cJSON_AddItemToArray(s->messages, item))
        cJSON_Delete(item);
}

static const char *
header_of(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static const char *
argument_of(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
}

static void
judge(struct standin *s, enum target t, const struct standin_request *r, struct standin_answer *a)
{
    bool json = r->content_type && gr_str_starts(gr_str(r->content_type), GR_STR("application/json"));

    switch (t) {
    case SLACK:
        standin_slack(json ? r->body : GR_STR_NONE, a);
        break;
    case JIRA:
        standin_jira(&s->jira, r, a);
        break;
    case ALERTS:
        standin_alerts(&s->alerts, r, a);
        break;
    case HOOK:
        standin_hook(&s->hook, r, a);
        break;
    case SLACK_API:
        standin_slack_api(&s->slack_api, r, a);
        break;
    case PAGERDUTY:
    case TARGETS:
        standin_pagerduty(json ? r->body : GR_STR_NONE, a);
        break;
    }
}

static bool
misbehaves(const struct behaviour *b, const char *method, const char *path)
{
    return b->count != 0 && (b->method.n == 0 || strcmp(gr_buf_cstr(&b->method), method) == 0) &&
           gr_str_ends(gr_str(path), gr_buf_str(&b->path));
}

static enum MHD_Result
take(struct standin *s, struct MHD_Connection *c, enum target t, const char *method, const char *path,
     struct gr_str body)
{
    struct behaviour *b = &s->behaviour[t];
    bool told = misbehaves(b, method, path);
    struct standin_request r = {
        .method = method,
        .path = path + strlen(target_paths[t]),
        .authorization = header_of(c, "Authorization"),
        .content_type = header_of(c, "Content-Type"),
        .idempotency = header_of(c, "Idempotency-Key"),
        .identifier = argument_of(c, "identifierType"),
        .channel = argument_of(c, "channel"),
        .ts = argument_of(c, "ts"),
        .oldest = argument_of(c, "oldest"),
        .metadata = argument_of(c, "include_all_metadata"),
        .body = body,
    };
    struct standin_answer a;
    enum MHD_Result result = MHD_NO; /* the connection ends without an answer */

    if (told && !b->lose)
        return misbehave(s, c, t);
    judge(s, t, &r, &a);
    s->accepted[t] += a.message != NULL;
    s->refused[t] += a.status >= 300 || a.why[0] != '\0';
    if (a.message)
        keep(s, t, path, &a);
    if (!told)
        result = reply(c, a.status, gr_buf_str(&a.body), a.why, -1);
    else if (b->count > 0)
        b->count--;
    standin_answer_fini(&a);
    return result;
}

/* -- control and report -------------------------------------------------------------------------------------------------- */

static bool
set_lag(struct standin *s, const cJSON *json)
{
    int64_t lag;

    if (gr_json_i64(json, "lag", 0, 1000, &lag) != GR_OK)
        return false;
    s->jira.lag = s->alerts.lag = lag;
    return true;
}

static bool
set_behaviour(struct standin *s, const cJSON *json)
{
    struct gr_str target = gr_json_str(json, "target");
    struct behaviour *b = NULL;
    int64_t status = 200, retry_after = -1, count = 0;

    for (size_t i = 0; i < TARGETS; i++)
        if (gr_str_is(target, target_names[i]))
            b = &s->behaviour[i];
    if (gr_json_get(json, "blind")) {
        s->slack_api.blind = cJSON_IsTrue(gr_json_get(json, "blind"));
        return true;
    }
    if (b && gr_json_get(json, "lag"))
        return set_lag(s, json);
    if (!b || gr_json_i64(json, "status", 200, 599, &status) == GR_ERANGE ||
        gr_json_i64(json, "retry_after", 0, 86400, &retry_after) == GR_ERANGE ||
        gr_json_i64(json, "count", -1, 1000000, &count) == GR_ERANGE)
        return false;
    gr_buf_reset(&b->body);
    gr_buf_put(&b->body, gr_json_str(json, "body"));
    gr_buf_reset(&b->path);
    gr_buf_put(&b->path, gr_json_str(json, "path"));
    gr_buf_reset(&b->method);
    gr_buf_put(&b->method, gr_json_str(json, "method"));
    b->lose = cJSON_IsTrue(gr_json_get(json, "lose"));
    b->status = (unsigned)status;
    b->retry_after_s = retry_after;
    b->hang = cJSON_IsTrue(gr_json_get(json, "hang"));
    b->count = count == 0 ? -1 : count == -1 ? 0 : (long)count;
    return true;
}

static enum MHD_Result
control(struct standin *s, struct MHD_Connection *c, struct gr_str body)
{
    static const struct gr_json_limits limits = {.bytes = 65536, .depth = 4, .values = 100};
    struct gr_json_error error;
    cJSON *json = NULL;
    bool ok = gr_json_parse(body, &limits, &json, &error) == GR_OK && set_behaviour(s, json);

    cJSON_Delete(json);
    return reply_text(c, ok ? 200 : 400, ok ? "set\n" : "not understood\n");
}

/* ,"name":{"slack":1,…} */
static void
put_counts(struct gr_buf *b, const char *name, const size_t *counts)
{
    gr_buf_printf(b, ",\"%s\":{", name);
    for (size_t i = 0; i < TARGETS; i++)
        gr_buf_printf(b, "%s\"%s\":%zu", i > 0 ? "," : "", target_names[i], counts[i]);
    gr_buf_putc(b, '}');
}

static enum MHD_Result
received(struct standin *s, struct MHD_Connection *c)
{
    struct gr_buf b = GR_BUF_INIT(64 << 20);
    enum MHD_Result result;

    gr_buf_puts(&b, "{\"messages\":");
    gr_json_print_canonical(&b, s->messages);
    put_counts(&b, "accepted", s->accepted);
    put_counts(&b, "refused", s->refused);
    gr_buf_puts(&b, ",\"issues\":");
    gr_json_print_canonical(&b, s->jira.issues);
    gr_buf_puts(&b, ",\"alerts\":");
    gr_json_print_canonical(&b, s->alerts.alerts);
    gr_buf_puts(&b, ",\"posts\":");
    gr_json_print_canonical(&b, s->slack_api.posts);
    gr_buf_puts(&b, "}\n");
    result = gr_buf_err(&b) == GR_OK ? reply(c, 200, gr_buf_str(&b), NULL, -1) : MHD_NO;
    gr_buf_fini(&b);
    return result;
}

static enum MHD_Result
forget(struct standin *s, struct MHD_Connection *c)
{
    cJSON *empty = cJSON_CreateArray();

    if (!empty)
        return MHD_NO;
    cJSON_Delete(s->messages);
    s->messages = empty;
    standin_jira_fini(&s->jira);
    standin_alerts_fini(&s->alerts);
    standin_hook_fini(&s->hook);
    standin_slack_api_fini(&s->slack_api);
    if (!standin_slack_api_init(&s->slack_api) || !standin_jira_init(&s->jira) ||
        !standin_alerts_init(&s->alerts) || !standin_hook_init(&s->hook))
        return MHD_NO;
    memset(s->accepted, 0, sizeof s->accepted);
    memset(s->refused, 0, sizeof s->refused);
    return reply_text(c, 200, "forgotten\n");
}

/* -- routing ------------------------------------------------------------------------------------------------------------- */

static enum MHD_Result
route_target(struct standin *s, struct MHD_Connection *c, enum target t, const char *method, const char *path,
             struct gr_str body)
{
    static const struct {
        const char *path;
        unsigned status;
        const char *body;
    } fixed[] = {{"/slack/none", 404, "no_service"},
                 {"/slack/forbidden", 403, "invalid_token"},
                 {"/slack/archived", 410, "channel_is_archived"}};

    for (size_t i = 0; i < GR_COUNT(fixed); i++)
        if (t == SLACK && strcmp(path, fixed[i].path) == 0) {
            s->refused[SLACK]++;
            return reply_text(c, fixed[i].status, fixed[i].body);
        }
    if (t <= PAGERDUTY && strcmp(method, "POST") != 0)
        return reply_text(c, 405, "POST only\n");
    if (t == PAGERDUTY && strcmp(path, "/pagerduty/v2/enqueue") != 0)
        return reply_text(c, 404, "no such thing here\n");
    return take(s, c, t, method, path, body);
}

static enum MHD_Result
route(struct standin *s, struct MHD_Connection *c, const char *method, const char *path, struct gr_str body)
{
    bool post = strcmp(method, "POST") == 0;

    if (strcmp(path, "/received") == 0 && strcmp(method, "GET") == 0)
        return received(s, c);
    if (strcmp(path, "/received") == 0 && strcmp(method, "DELETE") == 0)
        return forget(s, c);
    if (post && strcmp(path, "/control") == 0)
        return control(s, c, body);
    for (size_t i = 0; i < TARGETS; i++) {
        size_t n = strlen(target_paths[i]);

        if (strncmp(path, target_paths[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
            return route_target(s, c, (enum target)i, method, path, body);
    }
    return reply_text(c, post ? 404 : 405, "no such thing here\n");
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method, const char *version,
           const char *upload, size_t *upload_size, void **state)
{
    struct request *r = *state;

    (void)version;
    if (!r) {
        if (!(r = calloc(1, sizeof *r)))
            return MHD_NO;
        gr_buf_init(&r->body, STANDIN_BODY_MAX);
        *state = r;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        gr_buf_put(&r->body, (struct gr_str){upload, *upload_size});
        *upload_size = 0;
        return MHD_YES;
    }
    if (gr_buf_err(&r->body) != GR_OK)
        return reply_text(c, 413, "too large\n");
    return route(arg, c, method, path, gr_buf_str(&r->body));
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
    struct request *r = *state;

    (void)arg;
    (void)c;
    (void)code;
    if (r)
        gr_buf_fini(&r->body);
    free(r);
    *state = NULL;
}

/* -- main ---------------------------------------------------------------------------------------------------------------- */

struct options {
    uint16_t port;
    const char *cert_file, *key_file; /* NULL: no TLS */
    struct gr_buf cert, key;
};

static struct MHD_Daemon *
start(struct standin *s, struct options *o)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(o->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)gr_buf_cstr(&o->cert)},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)gr_buf_cstr(&o->key)},
        {MHD_OPTION_END, 0, NULL},
    };

    if (o->cert_file)
        flags |= MHD_USE_TLS;
    else
        tls[0] = tls[2];
    return MHD_start_daemon(flags, o->port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR,
                            (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                            MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static bool
parse_args(int argc, char **argv, struct options *o)
{
    int64_t value = 0;

    for (int i = 1; i < argc;) {
        if (i + 1 < argc && strcmp(argv[i], "--port") == 0 &&
            gr_parse_i64(gr_str(argv[i + 1]), 0, UINT16_MAX, &value) == GR_OK) {
            i += 2;
        } else if (i + 2 < argc && strcmp(argv[i], "--tls") == 0) {
            o->cert_file = argv[i + 1];
            o->key_file = argv[i + 2];
            i += 3;
        } else {
            return false;
        }
    }
    o->port = (uint16_t)value;
    return !o->cert_file ||
           (gr_file_read(o->cert_file, &o->cert) == GR_OK && gr_file_read(o->key_file, &o->key) == GR_OK);
}

static void
serve_until_told(void)
{
    sigset_t set;
    int signal;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    while (sigwait(&set, &signal) != 0)
        ;
}

int
main(int argc, char **argv)
{
    struct standin s = {.messages = cJSON_CreateArray()};
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *daemon;
    sigset_t set;
    struct options o = {.cert = GR_BUF_INIT(65536), .key = GR_BUF_INIT(65536)};

    if (!parse_args(argc, argv, &o)) {
        (void)fprintf(stderr, "usage: standin [--port N] [--tls CERT KEY]\n");
        return 2;
    }
    for (size_t i = 0; i < TARGETS; i++) {
        gr_buf_init(&s.behaviour[i].body, 65536);
        gr_buf_init(&s.behaviour[i].path, 4096);
        gr_buf_init(&s.behaviour[i].method, 16);
    }
    (void)sigfillset(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* before the thread starts, which inherits it */
    if (!s.messages || !standin_slack_api_init(&s.slack_api) || !standin_jira_init(&s.jira) ||
        !standin_alerts_init(&s.alerts) || !standin_hook_init(&s.hook) || !(daemon = start(&s, &o)) ||
        !(info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT))) {
        (void)fprintf(stderr, "standin: cannot listen\n");
        return 3;
    }
    (void)printf("%s://127.0.0.1:%u\n", o.cert_file ? "https" : "http", (unsigned)info->port);
    (void)fflush(stdout);
    serve_until_told();
    for (size_t i = 0; i < s.hung_count; i++)
        MHD_resume_connection(s.hung[i]);
    MHD_stop_daemon(daemon);
    cJSON_Delete(s.messages);
    standin_jira_fini(&s.jira);
    standin_alerts_fini(&s.alerts);
    standin_hook_fini(&s.hook);
    standin_slack_api_fini(&s.slack_api);
    for (size_t i = 0; i < TARGETS; i++) {
        gr_buf_fini(&s.behaviour[i].body);
        gr_buf_fini(&s.behaviour[i].path);
        gr_buf_fini(&s.behaviour[i].method);
    }
    gr_buf_fini(&o.cert);
    gr_buf_fini(&o.key);
    return 0;
}
