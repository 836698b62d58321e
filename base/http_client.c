#include "config.h"
#include "guardrail/http_client.h"
#include "http_guard.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "guardrail/number.h"
#include "guardrail/sys.h"

#define URL_BYTES_MAX 8192u
#define LOW_SPEED_S 10L

struct gr_http_client {
    CURL *curl;
    bool allow_http;
    char *ca_file, *user_agent; /* owned; ca_file may be NULL */
    const atomic_bool *stop;    /* borrowed, may be NULL */
};

enum gr_err
gr_http_global_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? GR_OK : GR_ENOMEM;
}

void
gr_http_global_fini(void)
{
    curl_global_cleanup();
}

int64_t
gr_http_now_ms(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
        GR_ASSERT(false && "the monotonic clock exists");
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static char *
copy(const char *text)
{
    size_t n = strlen(text) + 1;
    char *p = gr_sys.realloc(NULL, n);

    if (p)
        memcpy(p, text, n);
    return p;
}

enum gr_err
gr_http_client_create(const struct gr_http_options *options, struct gr_http_client **out)
{
    struct gr_http_client *c = gr_sys.realloc(NULL, sizeof *c);

    if (!c)
        return GR_ENOMEM;
    *c = (struct gr_http_client){.allow_http = options->allow_http, .stop = options->stop};
    c->user_agent = copy(options->user_agent ? options->user_agent : "guardraild/" PACKAGE_VERSION);
    c->ca_file = options->ca_file ? copy(options->ca_file) : NULL;
    c->curl = c->user_agent && (c->ca_file || !options->ca_file) ? curl_easy_init() : NULL;
    if (!c->curl) {
        gr_http_client_free(c);
        return GR_ENOMEM;
    }
    *out = c;
    return GR_OK;
}

void
gr_http_client_free(struct gr_http_client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl); /* accepts NULL */
    gr_sys.free(c->ca_file);
    gr_sys.free(c->user_agent);
    gr_sys.free(c);
}

void
gr_http_response_fini(struct gr_http_response *response)
{
    gr_buf_fini(&response->body);
}

/* -- what may be sent ---------------------------------------------------------------------------------------------------- */

/* https:// (or http:// where allowed), printable ASCII without blanks and quotes, no user in the authority. */
static bool
url_ok(struct gr_str url, bool allow_http)
{
    struct gr_str rest;
    size_t skip = gr_str_starts(url, GR_STR("https://")) ? 8 : 0;

    if (skip == 0 && allow_http && gr_str_starts(url, GR_STR("http://")))
        skip = 7;
    if (skip == 0 || url.n == skip || url.n > URL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '"' || url.p[i] == '\\')
            return false;
    rest = gr_str_sub(url, skip, url.n);
    for (size_t i = 0; i < rest.n && rest.p[i] != '/' && rest.p[i] != '?' && rest.p[i] != '#'; i++)
        if (rest.p[i] == '@')
            return false;
    return true;
}

static bool
header_ok(const struct gr_http_header *h)
{
    if (h->name.n == 0 || h->name.n > 128 || h->value.n > 8192)
        return false;
    for (size_t i = 0; i < h->name.n; i++) {
        char c = h->name.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    for (size_t i = 0; i < h->value.n; i++)
        if ((unsigned char)h->value.p[i] < 0x20 || h->value.p[i] == 0x7f)
            return false;
    return true;
}

static bool
request_ok(const struct gr_http_client *c, const struct gr_http_request *r)
{
    const struct gr_http_header type = {GR_STR("Content-Type"), r->content_type};

    if (!url_ok(r->url, c->allow_http) || r->header_count > GR_HTTP_HEADERS_MAX ||
        (r->post && !header_ok(&type)))
        return false;
    for (size_t i = 0; i < r->header_count; i++)
        if (!header_ok(&r->headers[i]))
            return false;
    return true;
}

/* -- headers ------------------------------------------------------------------------------------------------------------- */

static bool
add_header(struct curl_slist **list, struct gr_str name, struct gr_str value)
{
    struct gr_buf line = GR_BUF_INIT(16384);
    struct curl_slist *longer;

    gr_buf_put(&line, name);
    gr_buf_puts(&line, value.n > 0 ? ": " : ":"); /* "Name:" alone takes a header of libcurl's away */
    gr_buf_put(&line, value);
    longer = gr_buf_err(&line) == GR_OK ? curl_slist_append(*list, gr_buf_cstr(&line)) : NULL;
    gr_buf_fini(&line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool
make_headers(const struct gr_http_request *r, struct curl_slist **list)
{
    bool ok = add_header(list, GR_STR("Expect"),
                         GR_STR_NONE); /* no 100-continue: it costs a second with small servers */

    if (ok && r->post)
        ok = add_header(list, GR_STR("Content-Type"), r->content_type);
    for (size_t i = 0; ok && i < r->header_count; i++)
        ok = add_header(list, r->headers[i].name, r->headers[i].value);
    return ok;
}

int64_t
gr_http_retry_after_parse(struct gr_str value, int64_t now_unix_ms)
{
    struct gr_buf text = GR_BUF_INIT(64);
    int64_t seconds, ms = -1;
    time_t when;

    value = gr_str_trim(value);
    if (gr_parse_i64(value, 0, INT32_MAX, &seconds) == GR_OK) {
        ms = seconds * 1000;
    } else {
        gr_buf_put(&text, value);
        when = gr_buf_err(&text) == GR_OK && gr_str_ends(value, GR_STR("GMT"))
                   ? curl_getdate(gr_buf_cstr(&text), NULL)
                   : -1;
        if (when >= 0)
            ms = (int64_t)when * 1000 > now_unix_ms ? (int64_t)when * 1000 - now_unix_ms : 0;
        gr_buf_fini(&text);
    }
    return ms > GR_HTTP_RETRY_AFTER_MS_MAX ? GR_HTTP_RETRY_AFTER_MS_MAX : ms;
}

struct transfer {
    struct gr_http_response *response;
    const atomic_bool *stop;
    bool refused; /* an address that is not public */
};

/* Looked at here, behind the name's resolution: what is looked up twice may come out twice. */
static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = arg;

    (void)purpose;
    if (http_guard_public(&address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    t->refused = true;
    return CURL_SOCKET_BAD;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
    static const struct gr_str name = GR_STR_INIT("retry-after:");
    struct transfer *t = arg;
    size_t bytes = size * n;

    if (bytes > name.n && strncasecmp(p, name.p, name.n) == 0)
        t->response->retry_after_ms = gr_http_retry_after_parse((struct gr_str){p + name.n, bytes - name.n},
                                                                (int64_t)time(NULL) * 1000);
    return bytes;
}

/* libcurl's own limit does not cover answers of unknown length; ours is the buffer's ceiling. */
static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;

    gr_buf_put(&t->response->body, (struct gr_str){p, size * n});
    return gr_buf_err(&t->response->body) == GR_OK ? size * n : 0;
}

static int
on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    const struct transfer *t = arg;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return t->stop && atomic_load(t->stop);
}

/* -- one request --------------------------------------------------------------------------------------------------------- */

/* Options that never change. */
static bool
set_fixed(struct gr_http_client *c)
{
    CURL *h = c->curl;
    bool ok = true;

    ok &= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, c->allow_http ? "http,https" : "https") == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_MAXFILESIZE, (long)GR_HTTP_RESPONSE_BYTES_MAX) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_USERAGENT, c->user_agent) == CURLE_OK;
    if (c->ca_file)
        ok &= curl_easy_setopt(h, CURLOPT_CAINFO, c->ca_file) == CURLE_OK;
    return ok;
}

static bool
set_request(struct gr_http_client *c, const struct gr_http_request *r, const char *url,
            struct curl_slist *headers, int64_t left_ms)
{
    CURL *h = c->curl;
    bool ok = true;

    ok &= curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(left_ms < GR_HTTP_CONNECT_MS_MAX ? left_ms : GR_HTTP_CONNECT_MS_MAX)) ==
          CURLE_OK;
    if (r->once)
        ok &= curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
    if (r->post) {
        ok &= curl_easy_setopt(h, CURLOPT_POST, 1L) == CURLE_OK;
        ok &= curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) == CURLE_OK;
        ok &= curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body.n > 0 ? r->body.p : "") == CURLE_OK;
    }
    return ok;
}

static bool
set_guard(struct gr_http_client *c, const struct gr_http_request *r, struct transfer *t)
{
    if (!r->guarded || http_guard_listed(http_guard_host(r->url), r->private_hosts, r->private_host_count))
        return true;
    /* a kept connection was looked at when it was made, but perhaps not by this rule */
    return curl_easy_setopt(c->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
}

static bool
set_callbacks(struct gr_http_client *c, struct transfer *t)
{
    CURL *h = c->curl;
    bool ok = true;

    ok &= curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_HEADERDATA, t) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_WRITEDATA, t) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
    ok &= curl_easy_setopt(h, CURLOPT_XFERINFODATA, t) == CURLE_OK;
    return ok;
}

static enum gr_err
fail(struct gr_http_response *response, enum gr_err err, const char *why)
{
    (void)snprintf(response->error, sizeof response->error, "%s", why); /* cut where it does not fit */
    return err;
}

/* libcurl's general words for its codes name neither host nor URL. */
static enum gr_err
verdict(struct gr_http_response *response, CURLcode code)
{
    enum gr_err body = gr_buf_err(&response->body);

    if (code == CURLE_OK)
        return GR_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fail(response, GR_ESTATE, "stopped");
    if (code == CURLE_FILESIZE_EXCEEDED || (code == CURLE_WRITE_ERROR && body == GR_ELIMIT))
        return fail(response, GR_ELIMIT, "the answer is too large");
    if (code == CURLE_OUT_OF_MEMORY || body == GR_ENOMEM)
        return fail(response, GR_ENOMEM, "out of memory");
    return fail(response, code == CURLE_OPERATION_TIMEDOUT ? GR_ETIMEOUT : GR_ENET, curl_easy_strerror(code));
}

enum gr_err
gr_http_perform(struct gr_http_client *c, const struct gr_http_request *r, struct gr_http_response *response)
{
    struct transfer t = {.response = response, .stop = c->stop};
    struct gr_buf url = GR_BUF_INIT(URL_BYTES_MAX);
    int64_t left_ms = r->deadline_ms - gr_http_now_ms();
    struct curl_slist *headers = NULL;
    long request_bytes = 0;
    enum gr_err err;

    gr_buf_reset(&response->body);
    response->status = 0;
    response->retry_after_ms = -1;
    response->sent = false;
    response->error[0] = '\0';
    if (!request_ok(c, r))
        return fail(response, GR_ERANGE, "the address or a header is not allowed");
    if (left_ms <= 0)
        return fail(response, GR_ETIMEOUT, "the deadline passed before the request");
    gr_buf_put(&url, r->url);
    curl_easy_reset(c->curl); /* keeps connections, forgets options */
    if (gr_buf_err(&url) != GR_OK || !make_headers(r, &headers) || !set_fixed(c) ||
        !set_request(c, r, gr_buf_cstr(&url), headers, left_ms < INT32_MAX ? left_ms : INT32_MAX) ||
        !set_callbacks(c, &t) || !set_guard(c, r, &t)) {
        err = fail(response, GR_ENOMEM, "out of memory");
        goto done;
    }
    err = verdict(response, curl_easy_perform(c->curl));
    if (curl_easy_getinfo(c->curl, CURLINFO_REQUEST_SIZE, &request_bytes) == CURLE_OK)
        response->sent = request_bytes > 0;
    if (t.refused && !response->sent)
        err = fail(response, GR_ERANGE, "the address is private, and not in private_hosts");
    if (err == GR_OK && curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &response->status) != CURLE_OK)
        err = fail(response, GR_ENET, "no status");
done:
    curl_slist_free_all(headers);
    if (url.p)
        explicit_bzero(url.p, url.n); /* it may be a secret */
    gr_buf_fini(&url);
    return err;
}

void
gr_http_encode(struct gr_buf *b, struct gr_str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
            c == '_' || c == '~' || c == '-') {
            gr_buf_putc(b, (char)c);
        } else {
            gr_buf_putc(b, '%');
            gr_buf_putc(b, hex[c >> 4]);
            gr_buf_putc(b, hex[c & 15]);
        }
    }
}
