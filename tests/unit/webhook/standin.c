/* standin: one HTTP server that plays Prometheus, Slack and PagerDuty for the tests that run the real daemon.
 *
 * standin DIR: listens on 127.0.0.1, a free port, which it writes to DIR/port. Requests, each appended as
 * one line to a log:
 *   POST /api/v1/query   DIR/verdict.json if the query asks for guardrail:verdict, else DIR/value.json   →
 * DIR/queries.log
 *   POST /api/v1/query_range   DIR/effects.json if the query asks for guardrail:effect, else DIR/verdicts.json
 *   POST /slack…         "ok" or DIR/slack.body, with the status in DIR/slack.status                                          →
 * DIR/slack.log
 *   POST /pagerduty…     202                                                                               →
 * DIR/pagerduty.log
 * The files are read anew for every request; a missing one is status 503. Ends on SIGTERM. */
#include "config.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guardrail/buf.h"
#include "guardrail/file.h"
#include "guardrail/number.h"

static const char *dir;

static void
path_of(struct gr_buf *b, const char *name)
{
    gr_buf_puts(b, dir);
    gr_buf_putc(b, '/');
    gr_buf_puts(b, name);
}

static void
append(const char *name, struct gr_str line)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    FILE *f;

    path_of(&path, name);
    if ((f = fopen(gr_buf_cstr(&path), "a")) != NULL) {
        (void)fwrite(line.p ? line.p : "", 1, line.n, f);
        (void)fputc('\n', f);
        (void)fclose(f);
    }
    gr_buf_fini(&path);
}

static bool
slurp(const char *name, struct gr_buf *out)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    bool ok;

    path_of(&path, name);
    ok = gr_file_read(gr_buf_cstr(&path), out) == GR_OK;
    gr_buf_fini(&path);
    return ok;
}

static unsigned
slack_status(void)
{
    struct gr_buf text = GR_BUF_INIT(64);
    int64_t status = 200;

    if (!slurp("slack.status", &text) ||
        gr_parse_i64(gr_str_trim(gr_buf_str(&text)), 100, 599, &status) != GR_OK)
        status = 200;
    gr_buf_fini(&text);
    return (unsigned)status;
}

static unsigned
answer(const char *url, struct gr_str body, struct gr_buf *out)
{
    if (strcmp(url, "/api/v1/query") == 0) {
        append("queries.log", body);
        return slurp(gr_str_find(body, GR_STR("guardrail%3Averdict"), 0) != SIZE_MAX ? "verdict.json"
                                                                                     : "value.json",
                     out)
                   ? 200
                   : 503;
    }
    if (strcmp(url, "/api/v1/query_range") == 0)
        return slurp(gr_str_find(body, GR_STR("guardrail%3Aeffect"), 0) != SIZE_MAX ? "effects.json"
                                                                                    : "verdicts.json",
                     out)
                   ? 200
                   : 503;
    if (strncmp(url, "/slack", 6) == 0) {
        append("slack.log", body);
        if (!slurp("slack.body", out))
            gr_buf_puts(out, "ok");
        return slack_status();
    }
    if (strncmp(url, "/router", 7) == 0) {
        append("http.log", body);
        return 204;
    }
    gr_buf_puts(out, "ok");
    append("pagerduty.log", body);
    return 202;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
       const char *data, size_t *size, void **state)
{
    struct gr_buf *body = *state, out = GR_BUF_INIT(1u << 20);
    struct MHD_Response *r;
    enum MHD_Result result;
    unsigned status;

    (void)cls;
    (void)method;
    (void)version;
    if (!body) {
        if (!(body = calloc(1, sizeof *body)))
            return MHD_NO;
        gr_buf_init(body, 1u << 20);
        *state = body;
        return MHD_YES;
    }
    if (*size > 0) {
        gr_buf_put(body, (struct gr_str){data, *size});
        *size = 0;
        return MHD_YES;
    }
    status = answer(url, gr_buf_str(body), &out);
    r = MHD_create_response_from_buffer(out.n, out.p, MHD_RESPMEM_MUST_COPY);
    result = r ? MHD_queue_response(c, status, r) : MHD_NO;
    if (r)
        MHD_destroy_response(r);
    gr_buf_fini(&out);
    return result;
}

static void
completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
    struct gr_buf *body = *state;

    (void)cls;
    (void)c;
    (void)code;
    if (body)
        gr_buf_fini(body);
    free(body);
}

int
main(int argc, char **argv)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const union MHD_DaemonInfo *info;
    struct gr_buf path = GR_BUF_INIT(4096), port = GR_BUF_INIT(64);
    struct MHD_Daemon *d;
    sigset_t set;
    int got;

    if (argc != 2)
        return 2;
    dir = argv[1];
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return 3;
    d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR,
                         (struct sockaddr *)&any, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                         MHD_OPTION_END);
    if (!d || !(info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)))
        return 3;
    path_of(&path, "port");
    gr_buf_printf(&port, "%u\n", info->port);
    if (gr_file_write(gr_buf_cstr(&path), gr_buf_str(&port), 0644) != GR_OK)
        return 3;
    (void)sigwait(&set, &got);
    MHD_stop_daemon(d);
    gr_buf_fini(&path);
    gr_buf_fini(&port);
    return 0;
}
