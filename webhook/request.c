#include "config.h"
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include "guardrail/quote.h"
#include "page.h"

const char *
role_name(enum role role)
{
    static const char *const names[ROLES] = {"none", "read", "ingest", "admin"};

    return names[role];
}

bool
route_is_page(const struct route *r)
{
    return r->work == WORK_PAGE || r->work == WORK_FORM;
}

bool
route_takes_basic(const struct route *r)
{
    return route_is_page(r) || (r->role == ROLE_READ && strcmp(r->method, "POST") == 0);
}

bool
route_is_probe(const struct route *r)
{
    return r->role == ROLE_NONE && r->work == WORK_HERE;
}

void
request_answer(struct request *q, int status)
{
    gr_buf_reset(&q->out);
    q->status = status;
    q->content_type = "application/json";
    q->csp[0] = '\0';
}

void
request_error(struct request *q, int status, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (q->route && route_is_page(q->route)) {
        page_error(q, status, text);
        return;
    }
    request_answer(q, status);
    gr_buf_puts(&q->out, "{\"error\":");
    gr_quote_json(&q->out, gr_str(text));
    gr_buf_puts(&q->out, "}\n");
}

void
request_error_of(struct request *q, enum gr_err err, const char *text)
{
    int status = 503; /* every fault of ours: Alertmanager tries again */

    switch (err) {
    case GR_EUSER:
    case GR_ESYNTAX:
    case GR_ERANGE:
        status = 400;
        break;
    case GR_ENOENT:
        status = 404;
        break;
    case GR_ELIMIT:
        status = 413;
        break;
    case GR_ESTATE:
        status = text && text[0] ? 409 : 503; /* without words: the store is closing */
        break;
    case GR_OK:
    case GR_ENOMEM:
    case GR_EEXIST:
    case GR_EACCES:
    case GR_EBUSY:
    case GR_EAGAIN:
    case GR_ENOSPC:
    case GR_EIO:
    case GR_ENET:
    case GR_ETIMEOUT:
    case GR_ERR_COUNT:
        break;
    }
    request_error(q, status, "%s", text && text[0] ? text : gr_err_name(err));
}

/* Matches "/v1/releases/{id}/gate" against a path; a part is 1 to size - 1 bytes without '/'. */
static bool
path_fits(const char *pattern, const char *path, char *id, size_t size)
{
    size_t n = 0;

    id[0] = '\0';
    while (*pattern && *path) {
        if (strncmp(pattern, "{id}", 4) == 0) {
            for (n = 0; path[n] && path[n] != '/'; n++)
                continue;
            if (n == 0 || n >= size)
                return false;
            memcpy(id, path, n);
            id[n] = '\0';
            pattern += 4;
            path += n;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == '\0' && *path == '\0';
}

enum gr_err
route_find(const char *method, const char *path, char *id, size_t size, const struct route **out,
           char allow[ROUTE_ALLOW_BYTES])
{
    size_t n = 0;

    allow[0] = '\0';
    for (size_t i = 0; i < route_count; i++) {
        if (!path_fits(routes[i].path, path, id, size))
            continue;
        if (strcmp(routes[i].method, method) == 0) {
            allow[0] = '\0';
            *out = &routes[i];
            return GR_OK;
        }
        n += (size_t)snprintf(allow + n, ROUTE_ALLOW_BYTES - n, "%s%s", n ? ", " : "", routes[i].method);
        GR_ASSERT(n < ROUTE_ALLOW_BYTES);
    }
    id[0] = '\0';
    return n ? GR_ESTATE : GR_ENOENT;
}
