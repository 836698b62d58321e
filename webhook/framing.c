#include "config.h"
#include "framing.h"

#include <strings.h>
#include "guardrail/number.h"

/* RFC 9110, 5.6.2. */
static bool
is_token(const char *s)
{
    const char *p = s;

    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
           (*p && strchr("!#$%&'*+-.^_`|~", *p)))
        p++;
    return p > s && *p == '\0';
}

/* No control character but the tab. (libmicrohttpd ends the text at a NUL.) */
static bool
is_value(const char *s)
{
    for (; s && *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

/* libmicrohttpd 0.9.75 hangs a folded line on the header's name, so a folded framing header would go unseen. */
static bool
is_folded(const char *name)
{
    static const char *const framing[] = {"Content-Length", "Transfer-Encoding", "Authorization",
                                          "Content-Type"};

    for (size_t i = 0; i < GR_COUNT(framing); i++) {
        size_t n = strlen(framing[i]);
        if (strncasecmp(name, framing[i], n) == 0 && name[n] != '\0')
            return true;
    }
    return false;
}

void
framing_add(struct framing *f, const char *name, const char *value)
{
    f->odd |= !is_token(name) || !is_value(value) || is_folded(name);
    if (strcasecmp(name, "Content-Length") == 0)
        f->lengths++, f->length = value;
    else if (strcasecmp(name, "Transfer-Encoding") == 0)
        f->encodings++, f->encoding = value;
    else if (strcasecmp(name, "Host") == 0)
        f->hosts++, f->host = value;
    else if (strcasecmp(name, "Authorization") == 0)
        f->authorizations++, f->authorization = value;
    else if (strcasecmp(name, "Content-Type") == 0)
        f->types++, f->type = value;
}

/* With or without parameters. */
static bool
is_of_type(const char *type, const char *want)
{
    struct gr_str s = gr_str(type), media;

    return gr_str_next(&s, ';', &media) && (media = gr_str_trim(media)).n == strlen(want) &&
           strncasecmp(media.p, want, media.n) == 0;
}

bool
framing_ok(const struct framing *f, struct request *q)
{
    bool post = strcmp(q->route->method, "POST") == 0, form = q->route->work == WORK_FORM;
    const char *type = form ? "application/x-www-form-urlencoded" : "application/json";
    unsigned max = form ? REQUEST_FORM_BYTES_MAX : INTAKE_BYTES_MAX;
    uint64_t length = 0;

    if (f->odd) {
        request_error(q, 400, "a header is malformed");
    } else if (f->lengths > 1 || f->encodings > 1 || f->hosts > 1 || f->authorizations > 1 || f->types > 1) {
        request_error(q, 400, "a header that may come once came twice");
    } else if (f->lengths && f->encodings) {
        request_error(q, 400, "Content-Length and Transfer-Encoding exclude each other");
    } else if (!post && (f->encodings || (f->lengths && strcmp(f->length, "0") != 0))) {
        request_error(q, 400, "this request takes no body");
    } else if (!post) {
        return true;
    } else if (!f->lengths) {
        request_error(q, 411, "Content-Length is required");
    } else if (gr_parse_u64(gr_str(f->length), UINT64_MAX, &length) != GR_OK) {
        request_error(q, 400, "Content-Length is no number");
    } else if (length > max) {
        request_error(q, 413, "the body is larger than %u bytes", max);
    } else if (!is_of_type(f->type, type)) {
        request_error(q, 415, "the body must be %s", type);
    } else {
        return true;
    }
    return false;
}
