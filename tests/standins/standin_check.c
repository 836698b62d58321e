#include "config.h"
#include "standin_check.h"

#include "guardrail/duration.h"
#include "guardrail/json.h"
#include "guardrail/quote.h"

#define PAGERDUTY_BYTES_MAX 512000u
#define SLACK_BLOCKS_MAX 50
#define SLACK_TOTAL_MAX 13000u

static const struct gr_json_limits limits = {.bytes = STANDIN_BODY_MAX, .depth = 16, .values = 10000};

void
standin_answer_fini(struct standin_answer *answer)
{
    gr_buf_fini(&answer->body);
    cJSON_Delete(answer->message);
    answer->message = NULL;
}

cJSON *
standin_parse(struct gr_str body)
{
    struct gr_json_error error;
    cJSON *json = NULL;

    if (gr_json_parse(body, &limits, &json, &error) != GR_OK)
        return NULL;
    if (cJSON_IsObject(json))
        return json;
    cJSON_Delete(json);
    return NULL;
}

size_t
standin_characters(struct gr_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0u) != 0x80u;
    return n;
}

bool
standin_only(const cJSON *object, const char *names)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        struct gr_str rest = gr_str(names), name;
        bool known = false;

        while (!known && gr_str_next(&rest, ' ', &name))
            known = gr_str_is(name, item->string);
        if (!known)
            return false;
    }
    return true;
}

bool
standin_absent_or_string(const cJSON *object, const char *name, size_t max)
{
    const cJSON *item = gr_json_get(object, name);

    return !item || (cJSON_IsString(item) && standin_characters(gr_json_str(object, name)) <= max);
}

bool
standin_is_choice(struct gr_str s, const char *names)
{
    struct gr_str rest = gr_str(names), name;

    while (gr_str_next(&rest, ' ', &name))
        if (gr_str_eq(name, s))
            return true;
    return false;
}

/* -- Slack --------------------------------------------------------------------------------------------------------------- */

/* The length of what stands at s.p[0] == '<' if it is a link <http(s)://…|…>, else 0: a mention, or unescaped text. */
static size_t
link_length(struct gr_str s)
{
    size_t end = gr_str_find(s, GR_STR(">"), 0);

    if (end == SIZE_MAX || (!gr_str_starts(s, GR_STR("<https://")) && !gr_str_starts(s, GR_STR("<http://"))))
        return 0;
    return gr_str_find(gr_str_sub(s, 1, end), GR_STR("<"), 0) == SIZE_MAX ? end + 1 : 0;
}

static bool
is_escaped(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        struct gr_str rest = gr_str_sub(s, i, s.n);
        size_t n;

        if (s.p[i] == '>' || ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\n'))
            return false;
        if (s.p[i] == '&' && !gr_str_starts(rest, GR_STR("&amp;")) && !gr_str_starts(rest, GR_STR("&lt;")) &&
            !gr_str_starts(rest, GR_STR("&gt;")))
            return false;
        if (s.p[i] == '<') {
            if ((n = link_length(rest)) == 0)
                return false;
            i += n - 1;
        }
    }
    return true;
}

/* A text object; returns why not, or NULL. Counts its characters. */
static const char *
check_text(const cJSON *object, const char *types, size_t max, size_t *total)
{
    struct gr_str text = gr_json_str(object, "text");

    if (!cJSON_IsObject(object) || !standin_only(object, "type text emoji verbatim"))
        return "a text object is malformed";
    if (!standin_is_choice(gr_json_str(object, "type"), types))
        return "a text object has the wrong type";
    if (text.n == 0 || standin_characters(text) > max)
        return "a text is empty or too long";
    if (!is_escaped(text))
        return "a text is not escaped";
    *total += standin_characters(text);
    return NULL;
}

static const char *
check_list(const cJSON *list, const char *types, size_t max, size_t *total)
{
    const cJSON *item;
    const char *why = NULL;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > 10)
        return "a list of texts is empty or too long";
    cJSON_ArrayForEach(item, list)
    {
        if (!why)
            why = check_text(item, types, max, total);
    }
    return why;
}

static const char *
check_section(const cJSON *block, size_t *total)
{
    const cJSON *text = gr_json_get(block, "text"), *fields = gr_json_get(block, "fields");
    const char *why = NULL;

    if (!standin_only(block, "type text fields block_id") || (!text && !fields))
        return "a section is malformed";
    if (text)
        why = check_text(text, "mrkdwn plain_text", 3000, total);
    return why || !fields ? why : check_list(fields, "mrkdwn plain_text", 2000, total);
}

static const char *
check_block(const cJSON *block, size_t *total)
{
    struct gr_str type = gr_json_str(block, "type");

    if (!cJSON_IsObject(block) || !standin_absent_or_string(block, "block_id", 255))
        return "a block is malformed";
    if (gr_str_is(type, "header"))
        return standin_only(block, "type text block_id")
                   ? check_text(gr_json_get(block, "text"), "plain_text", 150, total)
                   : "a header is malformed";
    if (gr_str_is(type, "section"))
        return check_section(block, total);
    if (gr_str_is(type, "context"))
        return standin_only(block, "type elements block_id")
                   ? check_list(gr_json_get(block, "elements"), "mrkdwn plain_text", 3000, total)
                   : "a context is malformed";
    if (gr_str_is(type, "divider"))
        return standin_only(block, "type block_id") ? NULL : "a divider is malformed";
    return "a block of this type is not known here";
}

static void
slack_refuses(struct standin_answer *a, unsigned status, const char *body, const char *why)
{
    a->status = status;
    a->why = why;
    gr_buf_puts(&a->body, body);
}

static bool
is_false_or_absent(const cJSON *object, const char *name)
{
    const cJSON *item = gr_json_get(object, name);

    return !item || cJSON_IsFalse(item);
}

static const char *
blocks_fault(const cJSON *json, const char **why)
{
    const cJSON *blocks = gr_json_get(json, "blocks"), *block;
    size_t total = 0;

    if (!blocks)
        return NULL;
    if (!cJSON_IsArray(blocks) || cJSON_GetArraySize(blocks) > SLACK_BLOCKS_MAX)
        *why = "blocks is no list of at most 50";
    cJSON_ArrayForEach(block, blocks)
    {
        if (!*why)
            *why = check_block(block, &total);
    }
    if (*why)
        return "invalid_blocks";
    if (total > SLACK_TOTAL_MAX)
        *why = "all texts together are too long";
    return *why ? "msg_blocks_too_long" : NULL;
}

const char *
standin_slack_fault(const cJSON *json, const char *names, const char *malformed, const char **why)
{
    struct gr_str text = gr_json_str(json, "text");

    *why = NULL;
    if (!standin_only(json, names))
        *why = "a member that there is not";
    else if (!is_escaped(text))
        *why = "text is not escaped";
    else if (!is_false_or_absent(json, "link_names") || !is_false_or_absent(json, "unfurl_links") ||
             !is_false_or_absent(json, "unfurl_media"))
        *why = "names or links would be expanded";
    if (*why)
        return malformed;
    if (!gr_json_get(json, "text") && !gr_json_get(json, "blocks"))
        *why = "neither text nor blocks";
    else if (gr_json_get(json, "text") && (text.n == 0 || standin_characters(text) > 40000))
        *why = "text is no string, empty or too long";
    return *why ? "no_text" : blocks_fault(json, why);
}

void
standin_slack(struct gr_str body, struct standin_answer *a)
{
    cJSON *json = standin_parse(body);
    const char *why = "no JSON object", *fault = "invalid_payload";

    *a = (struct standin_answer){.body = GR_BUF_INIT(4096), .why = ""};
    if (json)
        fault = standin_slack_fault(json, "text blocks link_names unfurl_links unfurl_media mrkdwn",
                                    "invalid_payload", &why);
    if (fault) {
        slack_refuses(a, 400, fault, why);
    } else {
        a->status = 200;
        gr_buf_puts(&a->body, "ok");
        a->message = json;
        json = NULL;
    }
    cJSON_Delete(json);
}

/* -- PagerDuty ----------------------------------------------------------------------------------------------------------- */

static const char *
check_links(const cJSON *json)
{
    const cJSON *links = gr_json_get(json, "links"), *link;

    if (links && !cJSON_IsArray(links))
        return "'links' must be an array";
    cJSON_ArrayForEach(link, links)
    {
        struct gr_str href = gr_json_str(link, "href");

        if (!cJSON_IsObject(link) || !standin_only(link, "href text") ||
            !standin_absent_or_string(link, "text", 1024))
            return "'links' is malformed";
        if (!gr_str_starts(href, GR_STR("https://")) && !gr_str_starts(href, GR_STR("http://")))
            return "'links.href' is not an address";
    }
    return NULL;
}

static const char *
check_payload(const cJSON *p)
{
    struct gr_str summary = gr_json_str(p, "summary");
    const cJSON *details = gr_json_get(p, "custom_details");
    int64_t when;

    if (!cJSON_IsObject(p) ||
        !standin_only(p, "summary source severity timestamp component group class custom_details"))
        return "'payload' is missing or malformed";
    if (summary.n == 0 || standin_characters(summary) > 1024)
        return "'payload.summary' is missing, blank or longer than 1024 characters";
    if (gr_json_str(p, "source").n == 0)
        return "'payload.source' is missing or blank";
    if (!standin_is_choice(gr_json_str(p, "severity"), "critical error warning info"))
        return "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' "
               "or 'info')";
    if (gr_json_get(p, "timestamp") && gr_time_parse(gr_json_str(p, "timestamp"), &when) != GR_OK)
        return "'payload.timestamp' is not a valid date-time";
    if (!standin_absent_or_string(p, "component", 1024) || !standin_absent_or_string(p, "group", 1024) ||
        !standin_absent_or_string(p, "class", 1024))
        return "'payload' has a member of the wrong type";
    return !details || cJSON_IsObject(details) ? NULL : "'payload.custom_details' must be an object";
}

static bool
routing_key_ok(struct gr_str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (!((key.p[i] >= '0' && key.p[i] <= '9') || (key.p[i] >= 'a' && key.p[i] <= 'z') ||
              (key.p[i] >= 'A' && key.p[i] <= 'Z')))
            return false;
    return key.n == 32;
}

static const char *
check_event(const cJSON *json)
{
    struct gr_str action = gr_json_str(json, "event_action");
    const char *why;

    if (!standin_only(json, "routing_key event_action dedup_key payload client client_url links images"))
        return "an unknown member";
    if (!routing_key_ok(gr_json_str(json, "routing_key")))
        return "'routing_key' is missing or blank, or not 32 characters";
    if (!standin_is_choice(action, "trigger acknowledge resolve"))
        return "'event_action' is missing or invalid";
    if (!standin_absent_or_string(json, "dedup_key", 255) || !standin_absent_or_string(json, "client", 1024))
        return "'dedup_key' is longer than 255 characters";
    if (!gr_str_is(action, "trigger"))
        return gr_json_str(json, "dedup_key").n == 0                       ? "'dedup_key' is missing or blank"
               : !standin_only(json, "routing_key event_action dedup_key") ? "more than its keys"
                                                                           : NULL;
    why = check_payload(gr_json_get(json, "payload"));
    return why ? why : check_links(json);
}

static void
pagerduty_refuses(struct standin_answer *a, unsigned status, const char *why)
{
    a->status = status;
    a->why = why;
    gr_buf_puts(&a->body,
                "{\"status\":\"invalid event\",\"message\":\"Event object is invalid\",\"errors\":[");
    gr_quote_json(&a->body, gr_str(why));
    gr_buf_puts(&a->body, "]}");
}

void
standin_pagerduty(struct gr_str body, struct standin_answer *a)
{
    cJSON *json = NULL;
    const char *why;

    *a = (struct standin_answer){.body = GR_BUF_INIT(4096), .why = ""};
    if (body.n > PAGERDUTY_BYTES_MAX) {
        pagerduty_refuses(a, 413, "the event is larger than 512 KB");
        return;
    }
    json = standin_parse(body);
    why = json ? check_event(json) : "no JSON object";
    if (why) {
        pagerduty_refuses(a, 400, why);
        cJSON_Delete(json);
        return;
    }
    a->status = 202;
    a->message = json;
    gr_buf_puts(&a->body, "{\"status\":\"success\",\"message\":\"Event processed\",\"dedup_key\":");
    gr_quote_json(&a->body,
                  gr_json_get(json, "dedup_key") ? gr_json_str(json, "dedup_key") : GR_STR("generated"));
    gr_buf_putc(&a->body, '}');
}
