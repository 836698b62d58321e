/* standin - stands in for Slack's incoming webhooks and PagerDuty's Events v2 on loopback, strictly.
 *
 *     standin [--port N]        0, the default, takes a free port; prints the address, then serves until SIGTERM or SIGINT
 *
 *     POST /slack, /slack/…              as an incoming webhook: /slack/none 404 no_service, /slack/forbidden 403 invalid_token,
 *                                        /slack/archived 410 channel_is_archived
 *     POST /pagerduty/v2/enqueue         as Events v2
 *     POST /control                      {"target": "slack"|"pagerduty", "status": 429, "retry_after": 2, "count": 1},
 *                                        or "hang": true, or "body": "text" (answered with status, default 200), for the next
 *                                        `count` requests (0: until told otherwise); "count" -1 takes it back
 *     GET /received                      {"messages":[{"target","path","at_ms","message"}],"accepted":{…},"refused":{…}}
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

#include "guardrail/json.h"
#include "guardrail/number.h"

#define MESSAGES_MAX 10000
#define HUNG_MAX 64u

enum target { SLACK, PAGERDUTY, TARGETS };
static const char *const target_names[TARGETS] = {"slack", "pagerduty"};

struct behaviour {
    long count; /* how many more requests; 0: none; -1: all */
    unsigned status;
    int64_t retry_after_s; /* -1: none */
    bool hang;
    struct gr_buf body; /* empty: the documented one */
};
struct standin {
    struct behaviour behaviour[TARGETS];
    size_t accepted[TARGETS], refused[TARGETS];
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

static bool
is_json(struct MHD_Connection *c)
{
    const char *type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");

    return type && gr_str_starts(gr_str(type), GR_STR("application/json"));
}

static enum MHD_Result
take(struct standin *s, struct MHD_Connection *c, enum target t, const char *path, struct gr_str body)
{
    struct standin_answer a;
    enum MHD_Result result;

    if (s->behaviour[t].count != 0)
        return misbehave(s, c, t);
    if (t == SLACK)
        standin_slack(is_json(c) ? body : GR_STR_NONE, &a);
    else
        standin_pagerduty(is_json(c) ? body : GR_STR_NONE, &a);
    if (a.message) {
        s->accepted[t]++;
        keep(s, t, path, &a);
    } else {
        s->refused[t]++;
    }
    result = reply(c, a.status, gr_buf_str(&a.body), a.why, -1);
    standin_answer_fini(&a);
    return result;
}

/* -- control and report -------------------------------------------------------------------------------------------------- */

static bool
set_behaviour(struct standin *s, const cJSON *json)
{
    struct gr_str target = gr_json_str(json, "target");
    struct behaviour *b = gr_str_is(target, "slack")       ? &s->behaviour[SLACK]
                          : gr_str_is(target, "pagerduty") ? &s->behaviour[PAGERDUTY]
                                                           : NULL;
    int64_t status = 200, retry_after = -1, count = 0;

    if (!b || gr_json_i64(json, "status", 200, 599, &status) == GR_ERANGE ||
        gr_json_i64(json, "retry_after", 0, 86400, &retry_after) == GR_ERANGE ||
        gr_json_i64(json, "count", -1, 1000000, &count) == GR_ERANGE)
        return false;
    gr_buf_fini(&b->body);
    gr_buf_put(&b->body, gr_json_str(json, "body"));
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

static enum MHD_Result
received(struct standin *s, struct MHD_Connection *c)
{
    struct gr_buf b = GR_BUF_INIT(64 << 20);
    enum MHD_Result result;

    gr_buf_puts(&b, "{\"messages\":");
    gr_json_print_canonical(&b, s->messages);
    gr_buf_printf(
        &b,
        ",\"accepted\":{\"slack\":%zu,\"pagerduty\":%zu},\"refused\":{\"slack\":%zu,\"pagerduty\":%zu}}\n",
        s->accepted[SLACK], s->accepted[PAGERDUTY], s->refused[SLACK], s->refused[PAGERDUTY]);
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
    memset(s->accepted, 0, sizeof s->accepted);
    memset(s->refused, 0, sizeof s->refused);
    return reply_text(c, 200, "forgotten\n");
}

/* -- routing ------------------------------------------------------------------------------------------------------------- */

static enum MHD_Result
route_slack(struct standin *s, struct MHD_Connection *c, const char *path, struct gr_str body)
{
    static const struct {
        const char *path;
        unsigned status;
        const char *body;
    } fixed[] = {{"/slack/none", 404, "no_service"},
                 {"/slack/forbidden", 403, "invalid_token"},
                 {"/slack/archived", 410, "channel_is_archived"}};

    for (size_t i = 0; i < GR_COUNT(fixed); i++)
        if (strcmp(path, fixed[i].path) == 0) {
            s->refused[SLACK]++;
            return reply_text(c, fixed[i].status, fixed[i].body);
        }
    return take(s, c, SLACK, path, body);
}

static enum MHD_Result
route(struct standin *s, struct MHD_Connection *c, const char *method, const char *path, struct gr_str body)
{
    bool post = strcmp(method, "POST") == 0;
    bool slack = strcmp(path, "/slack") == 0 || gr_str_starts(gr_str(path), GR_STR("/slack/"));

    if (strcmp(path, "/received") == 0 && strcmp(method, "GET") == 0)
        return received(s, c);
    if (strcmp(path, "/received") == 0 && strcmp(method, "DELETE") == 0)
        return forget(s, c);
    if (post && slack)
        return route_slack(s, c, path, body);
    if (post && strcmp(path, "/pagerduty/v2/enqueue") == 0)
        return take(s, c, PAGERDUTY, path, body);
    if (post && strcmp(path, "/control") == 0)
        return control(s, c, body);
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

static struct MHD_Daemon *
start(struct standin *s, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME, port,
                            NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
}

static bool
parse_args(int argc, char **argv, uint16_t *port)
{
    int64_t value = 0;

    if (argc != 1 && (argc != 3 || strcmp(argv[1], "--port") != 0 ||
                      gr_parse_i64(gr_str(argv[2]), 0, UINT16_MAX, &value) != GR_OK))
        return false;
    *port = (uint16_t)value;
    return true;
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
    uint16_t port;

    if (!parse_args(argc, argv, &port)) {
        (void)fprintf(stderr, "usage: standin [--port N]\n");
        return 2;
    }
    for (size_t i = 0; i < TARGETS; i++)
        gr_buf_init(&s.behaviour[i].body, 65536);
    (void)sigfillset(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* before the thread starts, which inherits it */
    if (!s.messages || !(daemon = start(&s, port)) ||
        !(info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT))) {
        (void)fprintf(stderr, "standin: cannot listen\n");
        return 3;
    }
    (void)printf("http://127.0.0.1:%u\n", (unsigned)info->port);
    (void)fflush(stdout);
    serve_until_told();
    for (size_t i = 0; i < s.hung_count; i++)
        MHD_resume_connection(s.hung[i]);
    MHD_stop_daemon(daemon);
    cJSON_Delete(s.messages);
    for (size_t i = 0; i < TARGETS; i++)
        gr_buf_fini(&s.behaviour[i].body);
    return 0;
}
