#include "config.h"
#include "power_prometheus.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/http_client.h"
#include "guardrail/json.h"
#include "guardrail/quote.h"

#define WORDS_BYTES_MAX 400u /* of a foreign message */

static const struct gr_json_limits limits = {
    .bytes = GR_HTTP_RESPONSE_BYTES_MAX, .depth = 12, .values = 100000};

/* -- where to ask ---------------------------------------------------------------------------------------------------------------- */

/* The host of a URL without scheme; [::1] with its brackets. */
static struct gr_str
host_of(struct gr_str rest)
{
    size_t n = 0;
    bool bracket = rest.n > 0 && rest.p[0] == '[';

    while (n < rest.n && rest.p[n] != '/' && (bracket || rest.p[n] != ':')) {
        bracket = bracket && rest.p[n] != ']';
        n++;
    }
    return gr_str_sub(rest, 0, n);
}

static bool
is_this_machine(struct gr_str host)
{
    return gr_str_is(host, "localhost") || gr_str_is(host, "127.0.0.1") || gr_str_is(host, "[::1]");
}

const char *
power_url_refuse(const char *url, bool token)
{
    struct gr_str s = gr_str(url), rest;
    bool https = gr_str_starts(s, GR_STR("https://"));

    if (!https && !gr_str_starts(s, GR_STR("http://")))
        return "it begins with http:// or https://";
    rest = gr_str_sub(s, https ? 8 : 7, s.n);
    if (host_of(rest).n == 0)
        return "it names a host";
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == '@')
            return "it holds no user or password: there is --prometheus-token-file";
        if (rest.p[i] == '?' || rest.p[i] == '#')
            return "it ends before any ? or #: /api/v1/query is put behind it";
        if (rest.p[i] <= ' ' || rest.p[i] > '~' || rest.p[i] == '"' || rest.p[i] == '\\')
            return "it holds no blanks, quotes or other than ASCII characters";
    }
    if (token && !https && !is_this_machine(host_of(rest)))
        return "a token goes over https:// only, or to this machine";
    return NULL;
}

/* -- one answer ------------------------------------------------------------------------------------------------------------------ */

/* [ <unix time>, "<value>" ] */
static bool
read_pair(const cJSON *pair, double *out)
{
    const cJSON *v =
        cJSON_IsArray(pair) && cJSON_GetArraySize(pair) == 2 ? cJSON_GetArrayItem(pair, 1) : NULL;
    struct gr_str text = cJSON_IsString(v) ? gr_str(v->valuestring) : GR_STR_NONE;

    if (!text.p)
        return false;
    if (gr_str_is(text, "NaN"))
        *out = (double)NAN;
    else if (gr_str_is(text, "+Inf") || gr_str_is(text, "-Inf"))
        *out = text.p[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else
        return gr_parse_double(text, out) == GR_OK;
    return true;
}

static enum gr_err
not_prometheus(long status, struct gr_buf *why)
{
    gr_buf_printf(why,
                  "the answer (status %ld) is not Prometheus': is a proxy or a login page in between, or a "
                  "path missing in the URL?",
                  status);
    return GR_ESYNTAX;
}

static enum gr_err
read_data(const cJSON *data, long status, double *out, struct gr_buf *why)
{
    struct gr_str type = gr_json_str(data, "resultType");
    const cJSON *result = gr_json_get(data, "result");

    if (!cJSON_IsArray(result) || (!gr_str_is(type, "vector") && !gr_str_is(type, "scalar")))
        return not_prometheus(status, why);
    if (gr_str_is(type, "vector")) {
        int n = cJSON_GetArraySize(result);

        if (n != 1) {
            gr_buf_puts(why,
                        n == 0 ? "no series match, or none in this time" : "the answer is several series");
            return GR_ENOENT;
        }
        result = gr_json_get(cJSON_GetArrayItem(result, 0), "value");
    }
    return read_pair(result, out) ? GR_OK : not_prometheus(status, why);
}

/* A part of the data may be missing: the sum of the rest would be taken for all. From 2.48 to 2.53 mere hints stand there as well. */
static bool
warns(const cJSON *root, struct gr_buf *why)
{
    const cJSON *warning;

    cJSON_ArrayForEach(warning,
                       gr_json_get(root, "warnings")) if (cJSON_IsString(warning) &&
                                                          !gr_str_starts(gr_str(warning->valuestring),
                                                                         GR_STR("PromQL info")))
    {
        gr_buf_puts(why, "Prometheus warns: ");
        gr_quote_log(why, gr_str(warning->valuestring));
        return true;
    }
    return false;
}

/* 400 and 422 are about the query, so is a 503 in JSON (it took too long). */
static enum gr_err
read_error(const cJSON *root, long status, struct gr_buf *why)
{
    struct gr_str words = gr_json_str(root, "error");
    bool query = status == 400 || status == 422 || status == 503;

    gr_buf_printf(
        why, query ? "Prometheus refuses the query (%ld): " : "Prometheus answers with status %ld: ", status);
    gr_quote_log(why, gr_str_sub(words, 0, words.n < WORDS_BYTES_MAX ? words.n : WORDS_BYTES_MAX));
    return query ? GR_EUSER : GR_ENET;
}

static const struct status_row {
    long from, to;
    enum gr_err err;
    const char *text;
} statuses[] = {
    {300, 399, GR_ENET, "it redirects: give the address that it leads to"},
    {401, 401, GR_EACCES, "it wants to know who asks: see --prometheus-token-file"},
    {403, 403, GR_EACCES, "it forbids the query: the token may not read"},
    {404, 404, GR_ENET, "it knows no /api/v1/query there: is a path missing in the URL?"},
    {429, 429, GR_ENET, "it is asked too often: try later"},
};

enum gr_err
power_prometheus_parse(struct gr_str body, long status, double *out, struct gr_buf *why)
{
    struct gr_json_error error;
    cJSON *root = NULL;
    enum gr_err err;

    for (size_t i = 0; i < GR_COUNT(statuses); i++)
        if (status >= statuses[i].from && status <= statuses[i].to) {
            gr_buf_printf(why, "%s (status %ld)", statuses[i].text, status);
            return statuses[i].err;
        }
    err = gr_json_parse(body, &limits, &root, &error);
    if (err == GR_ENOMEM)
        return err;
    if (err != GR_OK && status >= 500) {
        gr_buf_printf(why, "it has trouble (status %ld)", status);
        return GR_ENET;
    }
    if (err != GR_OK)
        return not_prometheus(status, why);
    if (gr_str_is(gr_json_str(root, "status"), "error"))
        err = read_error(root, status, why);
    else if (status != 200 || !gr_str_is(gr_json_str(root, "status"), "success"))
        err = not_prometheus(status, why);
    else if (warns(root, why))
        err = GR_EUSER;
    else
        err = read_data(gr_json_get(root, "data"), status, out, why);
    cJSON_Delete(root);
    return err;
}

/* -- all of them ------------------------------------------------------------------------------------------------------------------ */

struct asking {
    struct gr_http_client *client;
    const struct power_prometheus *how;
    struct gr_buf url, form, token;
    int64_t until_ms;
};

static bool
asking_init(struct asking *k)
{
    struct gr_http_options options = {
        .allow_http = true, .ca_file = k->how->ca_file, .user_agent = "guardrailc/" PACKAGE_VERSION};

    gr_buf_puts(&k->url, k->how->url);
    while (k->url.n > 0 && k->url.p[k->url.n - 1] == '/')
        gr_buf_cut(&k->url, k->url.n - 1);
    gr_buf_puts(&k->url, "/api/v1/query");
    if (k->how->token.n > 0) {
        gr_buf_puts(&k->token, "Bearer ");
        gr_buf_put(&k->token, k->how->token);
    }
    k->until_ms = gr_http_now_ms() + k->how->all_ms;
    return gr_buf_err(&k->url) == GR_OK && gr_buf_err(&k->token) == GR_OK &&
           gr_http_client_create(&options, &k->client) == GR_OK;
}

static void
asking_fini(struct asking *k)
{
    gr_http_client_free(k->client);
    gr_buf_fini(&k->url);
    gr_buf_fini(&k->form);
    if (k->token.p)
        explicit_bzero(k->token.p, k->token.n);
    gr_buf_fini(&k->token);
}

static enum gr_err
ask_one(struct asking *k, struct gr_str query, double *out, struct gr_buf *why)
{
    struct gr_http_response response = GR_HTTP_RESPONSE_INIT;
    const struct gr_http_header header = {GR_STR("Authorization"), gr_buf_str(&k->token)};
    int64_t now_ms = gr_http_now_ms();
    struct gr_http_request request = {.post = true,
                                      .url = gr_buf_str(&k->url),
                                      .headers = &header,
                                      .header_count = k->token.n > 0 ? 1 : 0,
                                      .content_type = GR_STR("application/x-www-form-urlencoded")};
    enum gr_err err;

    gr_buf_reset(&k->form);
    gr_buf_puts(&k->form, "query=");
    gr_http_encode(&k->form, query);
    gr_buf_printf(&k->form, "&time=%lld", (long long)k->how->at_s);
    if (gr_buf_err(&k->form) != GR_OK)
        return GR_ENOMEM;
    request.body = gr_buf_str(&k->form);
    request.deadline_ms = now_ms + k->how->query_ms < k->until_ms ? now_ms + k->how->query_ms : k->until_ms;
    err = gr_http_perform(k->client, &request, &response);
    if (err == GR_OK)
        err = power_prometheus_parse(gr_buf_str(&response.body), response.status, out, why);
    else if (err == GR_ETIMEOUT)
        gr_buf_printf(why, "no answer within %lld s", (long long)(k->how->query_ms / 1000));
    else
        gr_buf_puts(why, response.error);
    gr_http_response_fini(&response);
    return err;
}

/* Whether the next question may be asked after this one ended so. */
static bool
goes_on(enum gr_err err)
{
    return err == GR_OK || err == GR_ENOENT || err == GR_EUSER;
}

/* An earlier question with the same query: what was answered there. Metrics are shared between guardrails. */
static const struct power_ask *
same_question(const struct power_asks *asks, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (asks->v[k].query.n > 0 && gr_str_eq(asks->v[k].query, asks->v[i].query) &&
            strcmp(asks->v[k].key, asks->v[i].key) == 0)
            return &asks->v[k];
    return NULL;
}

static enum gr_err
ask_all(struct asking *k, struct power_asks *asks, struct gr_buf *trouble)
{
    struct gr_arena *arena = asks->m->arena;
    struct gr_buf why = GR_BUF_INIT(4096);
    size_t asked = 0, answered = 0;
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < asks->n && goes_on(err); i++) {
        struct power_ask *a = &asks->v[i];
        const struct power_ask *same = same_question(asks, i);
        double answer = (double)NAN;

        if (a->query.n == 0) {
            a->why = GR_STR("no metric of the specification tells it");
            continue;
        }
        if (same) {
            a->answer = same->answer;
            a->why = same->why;
            continue;
        }
        if (asked == POWER_QUERIES_MAX || gr_http_now_ms() >= k->until_ms) {
            a->why = GR_STR("not asked: there are too many questions");
            continue;
        }
        gr_buf_reset(&why);
        asked++;
        err = ask_one(k, a->query, &answer, &why);
        if (err == GR_OK)
            power_ask_take(asks, a, answer);
        else
            a->why = gr_arena_dup(arena, gr_buf_str(&why));
        answered += isnan(a->answer) ? 0 : 1;
    }
    if (!goes_on(err)) {
        gr_buf_put(trouble, gr_buf_str(&why));
    } else if (answered == 0) {
        gr_buf_printf(trouble,
                      "of %zu values it knows none: is it the right server, and do the specification's "
                      "metrics stand there?",
                      asked);
        err = GR_ENOENT;
    } else {
        err = GR_OK;
    }
    gr_buf_fini(&why);
    return err;
}

enum gr_err
power_prometheus_ask(struct power_asks *asks, const struct power_prometheus *how, struct gr_buf *trouble)
{
    struct asking k = {.how = how,
                       .url = GR_BUF_INIT(8192),
                       .form = GR_BUF_INIT(300000),
                       .token = GR_BUF_INIT(POWER_TOKEN_BYTES_MAX + 16)};
    struct gr_buf from = GR_BUF_INIT(9000);
    enum gr_err err = gr_http_global_init();

    if (err != GR_OK)
        return err;
    asks->asked = true;
    gr_buf_printf(&from, "%s at ", how->url);
    gr_time_print(&from, how->at_s * 1000);
    gr_buf_puts(&from, " about the ");
    gr_duration_print(&from, asks->lookback_ms);
    gr_buf_puts(&from, " before");
    asks->from = gr_arena_dup(asks->m->arena, gr_buf_str(&from));
    err = gr_buf_err(&from) == GR_OK && asking_init(&k) ? ask_all(&k, asks, trouble) : GR_ENOMEM;
    asking_fini(&k);
    gr_buf_fini(&from);
    gr_http_global_fini();
    return err == GR_OK && gr_arena_status(asks->m->arena) != GR_OK ? GR_ENOMEM : err;
}
