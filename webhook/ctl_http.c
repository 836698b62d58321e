#include "config.h"
#include "ctl.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "guardrail/file.h"
#include "guardrail/quote.h"
#include "jread.h"

static size_t
take(char *p, size_t size, size_t count, void *arg)
{
    struct gr_buf *b = arg;

    gr_buf_put(b, (struct gr_str){p, size * count});
    return gr_buf_err(b) == GR_OK ? size * count : 0;
}

/* "Authorization: Bearer …" from the first line of a private file. */
static enum ctl_exit
token_header(const char *path, struct gr_buf *out)
{
    struct gr_buf text = GR_BUF_INIT(8192);
    struct gr_str rest, line = GR_STR_NONE;
    enum gr_err err = gr_file_read_private(path, &text);

    rest = gr_buf_str(&text);
    if (err == GR_OK && gr_str_next(&rest, '\n', &line)) {
        gr_buf_puts(out, "Authorization: Bearer ");
        gr_buf_put(out, gr_str_trim(line));
        err = gr_buf_err(out);
    }
    gr_buf_fini(&text);
    if (err == GR_OK)
        return CTL_OK;
    (void)fprintf(stderr, "guardrailctl: %s: %s\n", path, gr_err_name(err));
    return CTL_USAGE;
}

/* One request on its way. */
struct exchange {
    CURL *h;
    CURLcode rc;
    char detail[CURL_ERROR_SIZE]; /* what libcurl adds */
};

static bool
set_up(const struct ctl *c, struct exchange *x, const char *path, const struct gr_buf *body,
       struct curl_slist *headers, struct gr_buf *url, struct gr_buf *out)
{
    CURL *h = x->h;

    gr_buf_puts(url, c->url ? c->url : "http://guardraild");
    gr_buf_puts(url, path);
    if (gr_buf_err(url) != GR_OK)
        return false;
    if (!c->url && curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, c->socket) != CURLE_OK)
        return false;
    if (body && (curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)body->n) != CURLE_OK ||
                 curl_easy_setopt(h, CURLOPT_POSTFIELDS, gr_buf_cstr(body)) != CURLE_OK))
        return false;
    if (c->ca_file && curl_easy_setopt(h, CURLOPT_CAINFO, c->ca_file) != CURLE_OK)
        return false;
    if (c->cert_file && (curl_easy_setopt(h, CURLOPT_SSLCERT, c->cert_file) != CURLE_OK ||
                         curl_easy_setopt(h, CURLOPT_SSLKEY, c->key_file) != CURLE_OK))
        return false;
    return curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_ERRORBUFFER, x->detail) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_URL, gr_buf_cstr(url)) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, 5L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT, c->timeout_s) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, out) == CURLE_OK;
}

/* ---- what went wrong ---- */

/* Of a unix socket libcurl only says that it could not connect. */
static const char *
socket_trouble(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == EACCES   ? "its folder is closed to you; run this as root or in guardraild's group"
               : errno == ENOENT ? "there is no such socket: guardraild does not run, or has another "
                                   "admin_socket (--socket)"
                                 : "it cannot be looked at";
    if (!S_ISSOCK(st.st_mode))
        return "that is no socket";
    if (access(path, W_OK) != 0)
        return "you may not open it: its group may (see ls -l); run this as root or in that group";
    return "nobody listens: guardraild does not run (see its log), or has just ended";
}

/* What it means, and what helps; libcurl's own words follow. */
static const struct trouble {
    CURLcode code;
    const char *text;
} troubles[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "the host's name is not known"},
    {CURLE_COULDNT_CONNECT, "nobody answers there: guardraild does not run, or listens elsewhere"},
    {CURLE_OPERATION_TIMEDOUT, "no answer in time (--timeout)"},
    {CURLE_PEER_FAILED_VERIFICATION,
     "its certificate is not trusted, has ended, or is another host's; --ca-file names who signed it"},
    {CURLE_SSL_CACERT_BADFILE, "the file of --ca-file cannot be used: it must hold certificates (PEM)"},
    {CURLE_SSL_CERTPROBLEM, "--cert-file and --key-file cannot be read, or do not belong together"},
    {CURLE_SSL_CONNECT_ERROR, "no TLS with it: it may speak plain HTTP, or refuse the client certificate; or "
                              "--cert-file and --key-file "
                              "do not belong together"},
    {CURLE_SSL_ISSUER_ERROR, "its certificate was signed by another"},
    {CURLE_RECV_ERROR,
     "it ended the connection: is the client certificate its own authority's, and still valid?"},
    {CURLE_GOT_NOTHING, "it ended the connection without an answer: does it want https?"},
    {CURLE_WRITE_ERROR, "its answer is larger than 64 MiB"},
    {CURLE_URL_MALFORMAT, "that is no URL"},
    {CURLE_OUT_OF_MEMORY, "out of memory"},
};

static void
say_trouble(const struct ctl *c, const struct exchange *x)
{
    struct gr_buf detail = GR_BUF_INIT(4096);
    /* A client certificate that is refused shows as a connection that breaks, at whatever point it happens to. */
    const char *text = c->cert_file ? "the connection broke: it may refuse the client certificate"
                                    : "it cannot be spoken to";
    const char *where = c->url ? c->url : c->socket;

    for (size_t i = 0; i < GR_COUNT(troubles); i++)
        if (troubles[i].code == x->rc)
            text = troubles[i].text;
    if (!c->url && x->rc == CURLE_COULDNT_CONNECT)
        text = socket_trouble(c->socket);
    else
        gr_quote_log(&detail, gr_str(x->detail[0] ? x->detail : curl_easy_strerror(x->rc)));
    (void)fprintf(stderr, "guardrailctl: cannot talk to guardraild at %s: %s%s%s%s\n", where, text,
                  detail.n ? " (" : "", gr_buf_cstr(&detail), detail.n ? ")" : "");
    gr_buf_fini(&detail);
}

static bool
is_ok(const struct ctl_answer *a)
{
    return a->status == 200 || a->status == 201;
}

/* What guardraild says is wrong, or its status. */
static enum ctl_exit
judge(const struct ctl *c, const struct ctl_answer *a)
{
    struct gr_buf text = GR_BUF_INIT(8192);
    struct gr_str error = jread_str(a->root, "error");
    enum ctl_exit result = CTL_MACHINE;

    if (!a->root || a->root->kind != GR_NODE_MAP) {
        (void)fprintf(stderr, "guardrailctl: what answers at %s is not guardraild (%ld, not JSON)\n",
                      c->url ? c->url : c->socket, a->status);
        return CTL_MACHINE;
    }
    if (is_ok(a))
        return CTL_OK;
    if (a->status == 404 && gr_str_is(error, "no such page"))
        gr_buf_puts(
            &text,
            "this guardraild does not know the command: it is older than guardrailctl " PACKAGE_VERSION);
    else
        gr_quote_log(&text, error);
    (void)fprintf(stderr, "guardrailctl: %s%s(%ld)\n", gr_buf_cstr(&text), text.n ? " " : "", a->status);
    gr_buf_fini(&text);
    if (a->status == 409)
        result = CTL_REFUSED;
    else if (a->status >= 400 && a->status < 500)
        result = CTL_USAGE;
    return result;
}

/* ---- one request ---- */

static enum ctl_exit
exchange(const struct ctl *c, const char *path, const struct gr_buf *body, struct ctl_answer *out,
         struct exchange *x)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json"), *more;
    struct gr_buf token = GR_BUF_INIT(4096), url = GR_BUF_INIT(8192);
    enum ctl_exit result = CTL_OK;

    *out = (struct ctl_answer){.body = GR_BUF_INIT(CTL_ANSWER_BYTES_MAX)};
    *x = (struct exchange){.h = curl_easy_init(), .rc = CURLE_OUT_OF_MEMORY};
    if (c->token_file && (result = token_header(c->token_file, &token)) != CTL_OK)
        goto done;
    if (x->h && headers &&
        (more = curl_slist_append(headers, token.n ? gr_buf_cstr(&token) : "Accept: application/json")) !=
            NULL) {
        headers = more;
        if (set_up(c, x, path, body, headers, &url, &out->body))
            x->rc = curl_easy_perform(x->h);
    }
    if (x->rc == CURLE_OK)
        x->rc = curl_easy_getinfo(x->h, CURLINFO_RESPONSE_CODE, &out->status);
    if (x->rc == CURLE_OK && jread(c->arena, gr_buf_str(&out->body), &out->root) != GR_OK)
        out->root = NULL;
done:
    curl_slist_free_all(headers);
    curl_easy_cleanup(x->h);
    gr_buf_fini(&token);
    gr_buf_fini(&url);
    return result;
}

enum ctl_exit
ctl_request(const struct ctl *c, const char *path, const struct gr_buf *body, struct ctl_answer *out)
{
    struct exchange x;
    enum ctl_exit result = exchange(c, path, body, out, &x);

    if (result != CTL_OK)
        return result;
    if (x.rc == CURLE_OK)
        return judge(c, out);
    out->status = 0;
    say_trouble(c, &x);
    return CTL_MACHINE;
}

enum ctl_exit
ctl_look(const struct ctl *c, const char *path, struct ctl_answer *out)
{
    struct exchange x;

    if (exchange(c, path, NULL, out, &x) == CTL_OK && x.rc == CURLE_OK && is_ok(out) && out->root &&
        out->root->kind == GR_NODE_MAP)
        return CTL_OK;
    return CTL_MACHINE;
}

void
ctl_answer_fini(struct ctl_answer *a)
{
    gr_buf_fini(&a->body);
}

enum ctl_exit
ctl_print_json(const struct ctl_answer *a)
{
    return fwrite(gr_buf_cstr(&a->body), 1, a->body.n, stdout) == a->body.n && fflush(stdout) == 0
               ? CTL_OK
               : CTL_MACHINE;
}
