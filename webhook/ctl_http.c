#include "config.h"
#include "ctl.h"

#include <curl/curl.h>
#include <stdio.h>
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

static bool
set_up(const struct ctl *c, CURL *h, const char *path, const struct gr_buf *body, struct curl_slist *headers,
       struct gr_buf *url, struct gr_buf *out)
{
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

/* What guardraild says is wrong, or its status. */
static enum ctl_exit
judge(const struct ctl_answer *a)
{
    struct gr_buf text = GR_BUF_INIT(8192);
    struct gr_str error = jread_str(a->root, "error");

    if (a->status == 200 || a->status == 201)
        return CTL_OK;
    gr_quote_log(&text, error);
    (void)fprintf(stderr, "guardrailctl: %s%s(%ld)\n", gr_buf_cstr(&text), text.n ? " " : "", a->status);
    gr_buf_fini(&text);
    if (a->status == 409)
        return CTL_REFUSED;
    return a->status >= 400 && a->status < 500 ? CTL_USAGE : CTL_MACHINE;
}

enum ctl_exit
ctl_request(const struct ctl *c, const char *path, const struct gr_buf *body, struct ctl_answer *out)
{
    CURL *h = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json"), *more;
    struct gr_buf token = GR_BUF_INIT(4096), url = GR_BUF_INIT(8192);
    enum ctl_exit result = CTL_MACHINE;
    CURLcode rc = CURLE_OUT_OF_MEMORY;

    *out = (struct ctl_answer){.body = GR_BUF_INIT(CTL_ANSWER_BYTES_MAX)};
    if (c->token_file && (result = token_header(c->token_file, &token)) != CTL_OK)
        goto done;
    result = CTL_MACHINE;
    if (h && headers &&
        (more = curl_slist_append(headers, token.n ? gr_buf_cstr(&token) : "Accept: application/json")) !=
            NULL) {
        headers = more;
        if (set_up(c, h, path, body, headers, &url, &out->body))
            rc = curl_easy_perform(h);
    }
    if (rc != CURLE_OK) {
        (void)fprintf(stderr, "guardrailctl: cannot talk to guardraild at %s: %s\n",
                      c->url ? c->url : c->socket, curl_easy_strerror(rc));
        goto done;
    }
    if (curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &out->status) != CURLE_OK)
        goto done;
    if (jread(c->arena, gr_buf_str(&out->body), &out->root) != GR_OK)
        out->root = NULL;
    result = judge(out);
done:
    curl_slist_free_all(headers);
    curl_easy_cleanup(h);
    gr_buf_fini(&token);
    gr_buf_fini(&url);
    return result;
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
