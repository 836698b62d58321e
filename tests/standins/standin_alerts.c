#include "config.h"
#include "standin_check.h"

#include <stdlib.h>

#include "guardrail/json.h"
#include "guardrail/quote.h"

#define KEY "GenieKey 00000000-0000-4000-8000-000000000000"

bool
standin_alerts_init(struct standin_alerts *s)
{
    *s = (struct standin_alerts){.alerts = cJSON_CreateArray(), .requests = cJSON_CreateArray()};
    return s->alerts && s->requests;
}

void
standin_alerts_fini(struct standin_alerts *s)
{
    cJSON_Delete(s->alerts);
    cJSON_Delete(s->requests);
    *s = (struct standin_alerts){.lag = 0};
}

static void
refuse(struct standin_answer *a, unsigned status, const char *why)
{
    a->status = status;
    a->why = why;
    gr_buf_puts(&a->body, "{\"message\":");
    gr_quote_json(&a->body, gr_str(why));
    gr_buf_puts(&a->body, ",\"took\":0.001,\"requestId\":\"0\"}");
}

/* 202, and what will come of it stands under the request's id. */
static void
promise(struct standin_alerts *s, struct standin_answer *a, bool ok, const char *status)
{
    cJSON *request = cJSON_CreateObject();
    struct gr_buf id = GR_BUF_INIT(64);

    gr_buf_printf(&id, "11111111-0000-4000-8000-%012d", cJSON_GetArraySize(s->requests));
    if (!request || !cJSON_AddStringToObject(request, "id", gr_buf_cstr(&id)) ||
        !cJSON_AddNumberToObject(request, "asked", 0) || !cJSON_AddBoolToObject(request, "ok", ok) ||
        !cJSON_AddStringToObject(request, "status", status) || !cJSON_AddItemToArray(s->requests, request))
        abort();
    a->status = 202;
    gr_buf_printf(&a->body, "{\"result\":\"Request will be processed\",\"took\":0.1,\"requestId\":\"%s\"}",
                  gr_buf_cstr(&id));
    gr_buf_fini(&id);
}

static const char *
list_fault(const cJSON *json, const char *name, int max, size_t text_max)
{
    const cJSON *list = gr_json_get(json, name), *item;

    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > max))
        return "a list is none, or too long";
    cJSON_ArrayForEach(item, list)
    {
        if (text_max > 0 &&
            (!cJSON_IsString(item) || standin_characters(gr_str(item->valuestring)) > text_max))
            return "an item of a list is no text, or too long";
    }
    return NULL;
}

static const char *
details_fault(const cJSON *details)
{
    const cJSON *item;
    size_t total = 0;

    if (details && !cJSON_IsObject(details))
        return "details must be a map";
    cJSON_ArrayForEach(item, details)
    {
        if (!cJSON_IsString(item))
            return "details must be a map of texts";
        total += standin_characters(gr_str(item->string)) + standin_characters(gr_str(item->valuestring));
    }
    return total <= 8000 ? NULL : "details are longer than 8000 characters";
}

static const char *
responders_fault(const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (!standin_is_choice(gr_json_str(item, "type"), "team user escalation schedule") ||
            (gr_json_str(item, "name").n == 0 && gr_json_str(item, "id").n == 0))
            return "a responder has no type, or no name";
    }
    return NULL;
}

static const char *
alert_fault(const cJSON *json)
{
    struct gr_str message = gr_json_str(json, "message"), priority = gr_json_str(json, "priority");
    const char *why;

    if (!json || !standin_only(json, "message alias description responders visibleTo actions tags details "
                                     "entity source priority user note"))
        return "Request body is not processable. Please check the errors.";
    if (message.n == 0)
        return "Message can not be empty.";
    if (standin_characters(message) > 130)
        return "Message should not be longer than 130 characters.";
    if (!standin_absent_or_string(json, "alias", 512) ||
        !standin_absent_or_string(json, "description", 15000) ||
        !standin_absent_or_string(json, "entity", 512) || !standin_absent_or_string(json, "source", 100) ||
        !standin_absent_or_string(json, "user", 100) || !standin_absent_or_string(json, "note", 25000))
        return "a text is longer than allowed";
    if (gr_json_get(json, "priority") && !standin_is_choice(priority, "P1 P2 P3 P4 P5"))
        return "Priority should be one of [ P1, P2, P3, P4, P5 ]";
    if ((why = list_fault(json, "tags", 20, 50)) || (why = list_fault(json, "actions", 10, 50)) ||
        (why = list_fault(json, "responders", 50, 0)))
        return why;
    why = details_fault(gr_json_get(json, "details"));
    return why ? why : responders_fault(gr_json_get(json, "responders"));
}

static cJSON *
find_open(const struct standin_alerts *s, struct gr_str alias)
{
    cJSON *alert;

    cJSON_ArrayForEach(alert, s->alerts)
    {
        if (gr_str_eq(gr_json_str(alert, "alias"), alias) &&
            !gr_str_is(gr_json_str(alert, "status"), "closed"))
            return alert;
    }
    return NULL;
}

static void
create(struct standin_alerts *s, const struct standin_request *r, struct standin_answer *a)
{
    cJSON *json = standin_parse(r->body), *alert;
    const char *why = alert_fault(json);
    struct gr_str alias = gr_json_str(json, "alias");

    if (why) {
        refuse(a, 422, why);
        cJSON_Delete(json);
        return;
    }
    if (alias.n > 0 && (alert = find_open(s, alias))) {
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(alert, "count"),
                             gr_json_get(alert, "count")->valuedouble + 1);
    } else if (!(alert = cJSON_CreateObject()) ||
               !cJSON_AddStringToObject(alert, "alias", alias.n > 0 ? alias.p : "generated") ||
               !cJSON_AddStringToObject(alert, "status", "open") ||
               !cJSON_AddNumberToObject(alert, "count", 1) || !cJSON_AddItemToArray(s->alerts, alert)) {
        abort();
    }
    a->message = json;
    promise(s, a, true, "Created alert");
}

/* The path is /v2/alerts/ALIAS/close or …/acknowledge; an alias may hold slashes. */
static void
change(struct standin_alerts *s, const struct standin_request *r, struct standin_answer *a,
       struct gr_str alias, const char *status)
{
    cJSON *json = standin_parse(r->body), *alert = find_open(s, alias);

    if (!r->identifier || strcmp(r->identifier, "alias") != 0) {
        refuse(a, 422, "Identifier is no id, and identifierType is not alias");
    } else if (!json || !standin_only(json, "user source note") ||
               !standin_absent_or_string(json, "user", 100) ||
               !standin_absent_or_string(json, "source", 100) ||
               !standin_absent_or_string(json, "note", 25000)) {
        refuse(a, 422, "Request body is not processable. Please check the errors.");
    } else {
        if (alert)
            (void)cJSON_ReplaceItemInObjectCaseSensitive(alert, "status", cJSON_CreateString(status));
        promise(s, a, alert != NULL, alert ? status : "Alert does not exist");
        a->message = json;
        return;
    }
    cJSON_Delete(json);
}

static void
tell(struct standin_alerts *s, struct standin_answer *a, struct gr_str id)
{
    cJSON *request, *found = NULL;
    double asked;

    cJSON_ArrayForEach(request, s->requests)
    {
        if (gr_str_eq(gr_json_str(request, "id"), id))
            found = request;
    }
    asked = found ? gr_json_get(found, "asked")->valuedouble + 1 : 0;
    if (found)
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(found, "asked"), asked);
    if (!found || asked <= (double)s->lag) {
        refuse(a, 404, "Request not found. It might not be processed, yet.");
        return;
    }
    a->status = 200;
    gr_buf_printf(&a->body, "{\"data\":{\"success\":%s,\"isSuccess\":%s,\"status\":",
                  cJSON_IsTrue(gr_json_get(found, "ok")) ? "true" : "false",
                  cJSON_IsTrue(gr_json_get(found, "ok")) ? "true" : "false");
    gr_quote_json(&a->body, gr_json_str(found, "status"));
    gr_buf_puts(&a->body, "},\"took\":0.1}");
}

static void
route(struct standin_alerts *s, const struct standin_request *r, struct standin_answer *a)
{
    static const struct gr_str base = GR_STR_INIT("/v2/alerts"), requests = GR_STR_INIT("/requests/");
    static const struct {
        struct gr_str end;
        const char *status;
    } verbs[] = {{GR_STR_INIT("/close"), "closed"}, {GR_STR_INIT("/acknowledge"), "acked"}};
    bool post = strcmp(r->method, "POST") == 0;
    struct gr_str rest;

    if (!gr_str_starts(gr_str(r->path), base)) {
        refuse(a, 404, "nothing of that name");
        return;
    }
    rest = gr_str_sub(gr_str(r->path), base.n, strlen(r->path));
    if (post && rest.n == 0) {
        create(s, r, a);
        return;
    }
    if (!post && gr_str_starts(rest, requests)) {
        tell(s, a, gr_str_sub(rest, requests.n, rest.n));
        return;
    }
    for (size_t i = 0; post && i < GR_COUNT(verbs); i++)
        if (gr_str_ends(rest, verbs[i].end) && rest.n > verbs[i].end.n + 1) {
            change(s, r, a, gr_str_sub(rest, 1, rest.n - verbs[i].end.n), verbs[i].status);
            return;
        }
    refuse(a, 404, "nothing of that name");
}

void
standin_alerts(struct standin_alerts *s, const struct standin_request *r, struct standin_answer *a)
{
    bool post = strcmp(r->method, "POST") == 0;

    *a = (struct standin_answer){.body = GR_BUF_INIT(65536), .why = ""};
    if (!r->authorization || !gr_str_starts(gr_str(r->authorization), GR_STR("GenieKey ")))
        refuse(a, 401, "Could not authenticate");
    else if (strcmp(r->authorization, KEY) != 0)
        refuse(a, 403, "You are not authorized to access this resource");
    else if (post &&
             (!r->content_type || !gr_str_starts(gr_str(r->content_type), GR_STR("application/json"))))
        refuse(a, 415, "Unsupported Media Type");
    else
        route(s, r, a);
}

/* -- somebody's own receiver --------------------------------------------------------------------------------------------- */

bool
standin_hook_init(struct standin_hook *h)
{
    h->keys = cJSON_CreateObject();
    return h->keys != NULL;
}

void
standin_hook_fini(struct standin_hook *h)
{
    cJSON_Delete(h->keys);
    h->keys = NULL;
}

static void
deny(struct standin_answer *a, unsigned status, const char *why)
{
    a->status = status;
    a->why = why;
    gr_buf_puts(&a->body, why);
}

void
standin_hook(struct standin_hook *h, const struct standin_request *r, struct standin_answer *a)
{
    bool locked = gr_str_starts(gr_str(r->path), GR_STR("/token"));
    cJSON *json = NULL;

    *a = (struct standin_answer){.body = GR_BUF_INIT(4096), .why = ""};
    if (strcmp(r->method, "POST") != 0)
        deny(a, 405, "POST only");
    else if (locked && (!r->authorization || strcmp(r->authorization, "Bearer hook-token-0123456789") != 0))
        deny(a, 401, "who is there?");
    else if (!locked && r->authorization)
        deny(a, 400, "a token that nobody asked for");
    else if (!r->content_type || !gr_str_starts(gr_str(r->content_type), GR_STR("application/json")))
        deny(a, 415, "no JSON");
    else if (!r->idempotency || r->idempotency[0] == '\0')
        deny(a, 400, "no Idempotency-Key");
    else if (!(json = standin_parse(r->body)))
        deny(a, 400, "no JSON object");
    else if (gr_json_str(json, "title").n == 0 || gr_json_str(json, "kind").n == 0)
        deny(a, 422, "no title or no kind");
    else
        a->status = 200;
    if (a->status == 200 && !gr_json_get(h->keys, r->idempotency)) {
        if (!cJSON_AddTrueToObject(h->keys, r->idempotency))
            abort();
        a->message = json;
        json = NULL;
    }
    cJSON_Delete(json);
}
