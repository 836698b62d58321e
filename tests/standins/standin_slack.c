#include "config.h"
#include "standin_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "guardrail/json.h"
#include "guardrail/quote.h"

#define TOKEN "Bearer xoxb-standin-0123456789"
#define CHANNEL "C0123456789"
#define POST_NAMES                                                                                           \
    "channel text blocks link_names unfurl_links unfurl_media mrkdwn thread_ts reply_broadcast metadata"
#define UPDATE_NAMES "channel ts text blocks link_names metadata"

bool
standin_slack_api_init(struct standin_slack_api *s)
{
    *s = (struct standin_slack_api){.posts = cJSON_CreateArray(), .clock = 1};
    return s->posts != NULL;
}

void
standin_slack_api_fini(struct standin_slack_api *s)
{
    cJSON_Delete(s->posts);
    *s = (struct standin_slack_api){.posts = NULL};
}

static void
refuse(struct standin_answer *a, const char *error, const char *why)
{
    a->status = 200;
    a->why = why;
    gr_buf_printf(&a->body, "{\"ok\":false,\"error\":\"%s\"}", error);
}

/* NULL: may be posted to. */
static const char *
channel_fault(struct gr_str channel, bool names_too)
{
    if (gr_str_is(channel, "C0ARCHIVED0"))
        return "is_archived";
    if (gr_str_is(channel, "C0NOTINHERE"))
        return "not_in_channel";
    if (gr_str_is(channel, CHANNEL) || (names_too && gr_str_is(channel, "#deploy-ops")))
        return NULL;
    return "channel_not_found";
}

static cJSON *
find_post(const struct standin_slack_api *s, struct gr_str ts)
{
    cJSON *post;

    cJSON_ArrayForEach(post, s->posts)
    {
        if (gr_str_eq(gr_json_str(post, "ts"), ts))
            return post;
    }
    return NULL;
}

static const char *
metadata_fault(const cJSON *json)
{
    const cJSON *m = gr_json_get(json, "metadata");

    if (m && (!cJSON_IsObject(m) || !standin_only(m, "event_type event_payload") ||
              gr_json_str(m, "event_type").n == 0 || !cJSON_IsObject(gr_json_get(m, "event_payload"))))
        return "invalid_metadata_format";
    return NULL;
}

static void
add_text(cJSON *object, const char *name, struct gr_str text)
{
    struct gr_buf copy = GR_BUF_INIT(4096);

    gr_buf_put(&copy, text);
    if (!cJSON_AddStringToObject(object, name, gr_buf_cstr(&copy)))
        abort();
    gr_buf_fini(&copy);
}

static void
post(struct standin_slack_api *s, cJSON **json, struct standin_answer *a)
{
    struct gr_str thread = gr_json_str(*json, "thread_ts");
    const cJSON *head = thread.n > 0 ? find_post(s, thread) : NULL;
    const char *why, *fault = channel_fault(gr_json_str(*json, "channel"), true);
    cJSON *item;
    char ts[32];

    why = fault;
    if (!fault)
        fault = standin_slack_fault(*json, POST_NAMES, "invalid_arguments", &why);
    if (!fault)
        why = fault = metadata_fault(*json);
    if (!fault && thread.n > 0 && (!head || gr_json_str(head, "thread_ts").n > 0))
        why = fault = "thread_not_found";
    if (!fault && thread.n == 0 && gr_json_get(*json, "reply_broadcast"))
        why = fault = "invalid_arguments";
    if (fault) {
        refuse(a, fault, why);
        return;
    }
    (void)snprintf(ts, sizeof ts, "1715894100.%06lld", (long long)s->clock++);
    if (!(item = cJSON_CreateObject()) || !cJSON_AddNumberToObject(item, "updates", 0) ||
        !cJSON_AddBoolToObject(item, "broadcast", cJSON_IsTrue(gr_json_get(*json, "reply_broadcast"))) ||
        !cJSON_AddItemToArray(s->posts, item))
        abort();
    add_text(item, "channel", GR_STR(CHANNEL));
    add_text(item, "ts", gr_str(ts));
    add_text(item, "thread_ts", thread);
    add_text(item, "key", gr_json_str(gr_json_get(gr_json_get(*json, "metadata"), "event_payload"), "key"));
    if (!cJSON_AddItemToObject(item, "message", cJSON_Duplicate(*json, 1)))
        abort();
    a->status = 200;
    gr_buf_printf(&a->body, "{\"ok\":true,\"channel\":\"" CHANNEL "\",\"ts\":\"%s\"}", ts);
    a->message = *json;
    *json = NULL;
}

static void
update(struct standin_slack_api *s, cJSON **json, struct standin_answer *a)
{
    cJSON *item = find_post(s, gr_json_str(*json, "ts"));
    const char *why, *fault = channel_fault(gr_json_str(*json, "channel"), false);

    why = fault;
    if (!fault)
        fault = standin_slack_fault(*json, UPDATE_NAMES, "invalid_arguments", &why);
    if (!fault)
        why = fault = metadata_fault(*json);
    if (!fault && !item)
        why = fault = "message_not_found";
    if (fault) {
        refuse(a, fault, why);
        return;
    }
    cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "updates"),
                         gr_json_get(item, "updates")->valuedouble + 1);
    (void)cJSON_ReplaceItemInObjectCaseSensitive(item, "message", cJSON_Duplicate(*json, 1));
    a->status = 200;
    gr_buf_puts(&a->body, "{\"ok\":true,\"channel\":\"" CHANNEL "\",\"ts\":");
    gr_quote_json(&a->body, gr_json_str(*json, "ts"));
    gr_buf_putc(&a->body, '}');
    a->message = *json;
    *json = NULL;
}

/* replies: the thread of r->ts; else the channel's own messages. */
static void
tell(struct standin_slack_api *s, const struct standin_request *r, bool replies, struct standin_answer *a)
{
    bool metadata = r->metadata && strcmp(r->metadata, "true") == 0, first = true;
    const char *fault = channel_fault(gr_str(r->channel ? r->channel : ""), false);
    struct gr_str ts = gr_str(r->ts ? r->ts : "");
    const cJSON *item;

    if (s->blind)
        fault = "missing_scope";
    if (!fault && replies && !find_post(s, ts))
        fault = "thread_not_found";
    if (fault) {
        refuse(a, fault, fault);
        return;
    }
    a->status = 200;
    gr_buf_puts(&a->body, "{\"ok\":true,\"messages\":[");
    cJSON_ArrayForEach(item, s->posts)
    {
        struct gr_str thread = gr_json_str(item, "thread_ts");
        bool shown = replies ? gr_str_eq(thread, ts) || gr_str_eq(gr_json_str(item, "ts"), ts)
                             : thread.n == 0 || cJSON_IsTrue(gr_json_get(item, "broadcast"));

        if (!shown)
            continue;
        gr_buf_puts(&a->body, first ? "{\"type\":\"message\",\"ts\":" : ",{\"type\":\"message\",\"ts\":");
        gr_quote_json(&a->body, gr_json_str(item, "ts"));
        if (metadata) {
            gr_buf_puts(&a->body,
                        ",\"metadata\":{\"event_type\":\"guardrail_message\",\"event_payload\":{\"key\":");
            gr_quote_json(&a->body, gr_json_str(item, "key"));
            gr_buf_puts(&a->body, "}}");
        }
        gr_buf_putc(&a->body, '}');
        first = false;
    }
    gr_buf_puts(&a->body, "],\"has_more\":false}");
}

static void
route(struct standin_slack_api *s, const struct standin_request *r, struct standin_answer *a)
{
    bool is_post = strcmp(r->method, "POST") == 0;
    cJSON *json = NULL;

    if (!is_post && strcmp(r->path, "/conversations.history") == 0) {
        tell(s, r, false, a);
        return;
    }
    if (!is_post && strcmp(r->path, "/conversations.replies") == 0) {
        tell(s, r, true, a);
        return;
    }
    if (!is_post || !r->content_type || !gr_str_starts(gr_str(r->content_type), GR_STR("application/json")))
        refuse(a, "invalid_post_type", "no JSON");
    else if (!(json = standin_parse(r->body)))
        refuse(a, "invalid_json", "no JSON object");
    else if (strcmp(r->path, "/chat.postMessage") == 0)
        post(s, &json, a);
    else if (strcmp(r->path, "/chat.update") == 0)
        update(s, &json, a);
    else
        refuse(a, "unknown_method", "no such method");
    cJSON_Delete(json);
}

void
standin_slack_api(struct standin_slack_api *s, const struct standin_request *r, struct standin_answer *a)
{
    *a = (struct standin_answer){.body = GR_BUF_INIT(1 << 20), .why = ""};
    if (!r->authorization)
        refuse(a, "not_authed", "no token");
    else if (strcmp(r->authorization, TOKEN) != 0)
        refuse(a, "invalid_auth", "another token");
    else
        route(s, r, a);
}
