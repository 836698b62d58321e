#include "config.h"
#include "standin_process.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardrail/json.h"

void
standin_start(struct standin_process *p)
{
    const char *build = getenv("GR_BUILDDIR");
    struct gr_buf path = GR_BUF_INIT(4096);
    int out[2];
    ssize_t n;

    gr_buf_printf(&path, "%s/tests/standins/standin", build ? build : ".");
    ck_assert_int_eq(pipe(out), 0);
    if ((p->pid = fork()) == 0) {
        (void)dup2(out[1], 1);
        (void)close(out[0]);
        (void)execl(gr_buf_cstr(&path), "standin", "--port", "0", (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    n = read(out[0], p->url, sizeof p->url - 1);
    ck_assert_msg(n > 8 && p->url[n - 1] == '\n', "%s does not start", gr_buf_cstr(&path));
    p->url[n - 1] = '\0';
    (void)close(out[0]);
    gr_buf_fini(&path);
}

void
standin_stop(struct standin_process *p)
{
    int status;

    ck_assert_int_eq(kill(p->pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static long
ask(const struct standin_process *p, struct gr_http_client *http, const char *path, const char *authorization,
    const char *body, struct gr_http_response *response)
{
    struct gr_buf url = GR_BUF_INIT(4096);
    struct gr_http_header header = {GR_STR("Authorization"), gr_str(authorization ? authorization : "")};
    struct gr_http_request r = {.post = body != NULL,
                                .headers = &header,
                                .header_count = authorization != NULL,
                                .content_type = GR_STR("application/json"),
                                .body = gr_str(body ? body : ""),
                                .deadline_ms = gr_http_now_ms() + 10000};

    gr_buf_printf(&url, "%s%s", p->url, path);
    r.url = gr_buf_str(&url);
    ck_assert_int_eq(gr_http_perform(http, &r, response), GR_OK);
    gr_buf_fini(&url);
    return response->status;
}

long
standin_ask(const struct standin_process *p, struct gr_http_client *http, const char *path,
            const char *authorization, const char *body)
{
    struct gr_http_response response = GR_HTTP_RESPONSE_INIT;
    long status = ask(p, http, path, authorization, body, &response);

    gr_http_response_fini(&response);
    return status;
}

void
standin_tell(const struct standin_process *p, struct gr_http_client *http, const char *json)
{
    ck_assert_int_eq(standin_ask(p, http, "/control", NULL, json), 200);
}

cJSON *
standin_received(const struct standin_process *p, struct gr_http_client *http)
{
    static const struct gr_json_limits limits = {.bytes = 1 << 20, .depth = 32, .values = 100000};
    struct gr_http_response response = GR_HTTP_RESPONSE_INIT;
    struct gr_json_error error;
    cJSON *json = NULL;

    ck_assert_int_eq(ask(p, http, "/received", NULL, NULL, &response), 200);
    ck_assert_int_eq(gr_json_parse(gr_buf_str(&response.body), &limits, &json, &error), GR_OK);
    gr_http_response_fini(&response);
    return json;
}
