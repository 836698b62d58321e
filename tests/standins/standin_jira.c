#include "config.h"
#include "standin_check.h"

#include <stdlib.h>

#include "guardrail/json.h"
#include "guardrail/quote.h"

#define CLOUD_BASIC "Basic Ym90QGV4YW1wbGUub3JnOmNsb3VkLXRva2Vu" /* bot@example.org:cloud-token */
#define DC_BEARER "Bearer dc-token-0123456789"
#define TEXT_MAX 32767u
#define LABEL_MAX 255u
#define ADF_DEPTH_MAX 8

static const struct transition {
    const char *id, *name, *from, *to;
} transitions[] = {
    {"11", "Start", "To Do", "In Progress"},
    {"31", "Done", "To Do", "Done"},
    {"32", "Done", "In Progress", "Done"},
    {"41", "Reopen", "Done", "To Do"},
};

struct call {
    struct standin_jira *j;
    const struct standin_request *r;
    struct standin_answer *a;
    bool cloud;
    const char *rest; /* of the path, behind /rest/api/N */
};

bool
standin_jira_init(struct standin_jira *j)
{
    *j = (struct standin_jira){.issues = cJSON_CreateArray()};
    return j->issues != NULL;
}

void
standin_jira_fini(struct standin_jira *j)
{
    cJSON_Delete(j->issues);
    j->issues = NULL;
}

/* {"errorMessages":["…"],"errors":{}} */
static void
refuse(struct call *c, unsigned status, const char *why)
{
    c->a->status = status;
    c->a->why = why;
    gr_buf_puts(&c->a->body, "{\"errorMessages\":[");
    gr_quote_json(&c->a->body, gr_str(why));
    gr_buf_puts(&c->a->body, "],\"errors\":{}}");
}

/* -- texts --------------------------------------------------------------------------------------------------------------- */

static bool
marks_ok(const cJSON *node)
{
    const cJSON *marks = gr_json_get(node, "marks"), *mark;

    if (marks && !cJSON_IsArray(marks))
        return false;
    cJSON_ArrayForEach(mark, marks)
    {
        struct gr_str type = gr_json_str(mark, "type");
        struct gr_str href = gr_json_str(gr_json_get(mark, "attrs"), "href");

        if (!standin_is_choice(type, "strong em code link"))
            return false;
        if (gr_str_is(type, "link") && !gr_str_starts(href, GR_STR("https://")) &&
            !gr_str_starts(href, GR_STR("http://")))
            return false;
    }
    return true;
}

/* One node of the Atlassian document format; counts its characters. */
static bool
adf_node_ok(const cJSON *node, const char *types, int depth, size_t *total)
{
    struct gr_str type = gr_json_str(node, "type"), text = gr_json_str(node, "text");
    const cJSON *content = gr_json_get(node, "content"), *child;
    bool block = gr_str_is(type, "bulletList") || gr_str_is(type, "listItem");

    if (depth > ADF_DEPTH_MAX || !standin_is_choice(type, types))
        return false;
    if (gr_str_is(type, "text")) {
        *total += standin_characters(text);
        return text.n > 0 && standin_only(node, "type text marks") && marks_ok(node);
    }
    if (gr_str_is(type, "hardBreak"))
        return standin_only(node, "type");
    if (!standin_only(node, "type content") || (content && !cJSON_IsArray(content)) || (block && !content))
        return false;
    cJSON_ArrayForEach(child, content)
    {
        const char *inside = gr_str_is(type, "bulletList")  ? "listItem"
                             : gr_str_is(type, "listItem")  ? "paragraph"
                             : gr_str_is(type, "codeBlock") ? "text"
                                                            : "text hardBreak";

        if (gr_str_is(type, "codeBlock") && gr_json_get(child, "marks")) /* code has none */
            return false;
        if (!adf_node_ok(child, inside, depth + 1, total))
            return false;
    }
    return true;
}

static bool
adf_ok(const cJSON *doc)
{
    const cJSON *version = gr_json_get(doc, "version"), *content = gr_json_get(doc, "content"), *node;
    size_t total = 0;

    if (!cJSON_IsObject(doc) || !standin_only(doc, "type version content") ||
        !gr_str_is(gr_json_str(doc, "type"), "doc") || !cJSON_IsNumber(version) || version->valueint != 1 ||
        !cJSON_IsArray(content))
        return false;
    cJSON_ArrayForEach(node, content)
    {
        if (!adf_node_ok(node, "paragraph bulletList codeBlock", 0, &total))
            return false;
    }
    return total > 0 && total <= TEXT_MAX;
}

/* ADF for Cloud, text for Data Center. */
static bool
body_ok(const struct call *c, const cJSON *object, const char *name)
{
    const cJSON *item = gr_json_get(object, name);
    struct gr_str text = gr_json_str(object, name);

    return c->cloud ? adf_ok(item)
                    : cJSON_IsString(item) && text.n > 0 && standin_characters(text) <= TEXT_MAX;
}

/* -- search -------------------------------------------------------------------------------------------------------------- */

/* Takes "literal" from the front of *s. */
static bool
eat(struct gr_str *s, const char *literal)
{
    if (!gr_str_starts(*s, gr_str(literal)))
        return false;
    *s = gr_str_sub(*s, strlen(literal), s->n);
    return true;
}

/* Takes a quoted value without escapes. */
static bool
eat_quoted(struct gr_str *s, struct gr_str *value)
{
    size_t end;

    if (!eat(s, "\"") || (end = gr_str_find(*s, GR_STR("\""), 0)) == SIZE_MAX)
        return false;
    *value = gr_str_sub(*s, 0, end);
    *s = gr_str_sub(*s, end + 1, s->n);
    return gr_str_find(*value, GR_STR("\\"), 0) == SIZE_MAX;
}

/* project = "P" AND labels in ("a", "b") [ORDER BY created DESC]: the only question that is asked here. */
static bool
parse_jql(struct gr_str jql, struct gr_str *project, struct gr_str *labels, size_t max, size_t *count)
{
    *count = 0;
    if (!eat(&jql, "project = ") || !eat_quoted(&jql, project) || !eat(&jql, " AND labels in ("))
        return false;
    do {
        if (*count == max || !eat_quoted(&jql, &labels[(*count)++]))
            return false;
    } while (eat(&jql, ", "));
    return eat(&jql, ")") && (jql.n == 0 || gr_str_is(jql, " ORDER BY created DESC"));
}

static bool
has_label(const cJSON *issue, const struct gr_str *labels, size_t count)
{
    const cJSON *label;

    cJSON_ArrayForEach(label, gr_json_get(issue, "labels"))
    {
        for (size_t i = 0; i < count; i++)
            if (gr_str_is(labels[i], label->valuestring))
                return true;
    }
    return false;
}

static const char *
category(struct gr_str status)
{
    return gr_str_is(status, "Done") ? "done" : gr_str_is(status, "To Do") ? "new" : "indeterminate";
}

static void
put_issue(struct gr_buf *b, const cJSON *issue)
{
    struct gr_str status = gr_json_str(issue, "status");

    gr_buf_puts(b, "{\"id\":\"1\",\"key\":");
    gr_quote_json(b, gr_json_str(issue, "key"));
    gr_buf_puts(b, ",\"fields\":{\"labels\":");
    gr_json_print_canonical(b, gr_json_get(issue, "labels"));
    gr_buf_puts(b, ",\"status\":{\"name\":");
    gr_quote_json(b, status);
    gr_buf_printf(b, ",\"statusCategory\":{\"key\":\"%s\"}}}}", category(status));
}

static const char *
search_fault(const struct call *c, const cJSON *json)
{
    if (!json || !standin_only(json, c->cloud ? "jql fields maxResults nextPageToken"
                                              : "jql fields maxResults startAt validateQuery"))
        return "Invalid request payload. Refer to the REST API documentation and try again.";
    if (!cJSON_IsArray(gr_json_get(json, "fields")))
        return "the fields wanted are not listed";
    return NULL;
}

static void
answer_search(struct call *c, const struct gr_str *labels, size_t count)
{
    struct gr_buf *b = &c->a->body;
    size_t found = 0;
    cJSON *issue;

    c->a->status = 200;
    gr_buf_puts(b, "{\"issues\":[");
    for (int i = cJSON_GetArraySize(c->j->issues) - 1; i >= 0; i--) {
        issue = cJSON_GetArrayItem(c->j->issues, i);
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(issue, "age"),
                             gr_json_get(issue, "age")->valuedouble + 1);
        if (gr_json_get(issue, "age")->valuedouble <= (double)c->j->lag || !has_label(issue, labels, count))
            continue;
        gr_buf_puts(b, found++ > 0 ? "," : "");
        put_issue(b, issue);
    }
    if (c->cloud)
        gr_buf_puts(b, "],\"isLast\":true}");
    else
        gr_buf_printf(b, "],\"startAt\":0,\"maxResults\":50,\"total\":%zu}", found);
}

static void
search(struct call *c)
{
    cJSON *json = standin_parse(c->r->body);
    struct gr_str project, labels[4];
    const char *why = search_fault(c, json);
    size_t count;

    if (why)
        refuse(c, 400, why);
    else if (!parse_jql(gr_json_str(json, "jql"), &project, labels, GR_COUNT(labels), &count))
        refuse(c, 400, "Error in the JQL Query");
    else if (!gr_str_is(project, "DEPLOY"))
        refuse(c, 400, "The value does not exist for the field 'project'.");
    else
        answer_search(c, labels, count);
    cJSON_Delete(json);
}

/* -- create -------------------------------------------------------------------------------------------------------------- */

static const char *
labels_fault(const cJSON *labels)
{
    const cJSON *label;

    if (labels && !cJSON_IsArray(labels))
        return "data was not an array";
    cJSON_ArrayForEach(label, labels)
    {
        struct gr_str text = gr_str(cJSON_IsString(label) ? label->valuestring : " ");

        if (text.n == 0 || standin_characters(text) > LABEL_MAX ||
            gr_str_find(text, GR_STR(" "), 0) != SIZE_MAX)
            return "The label contains spaces which is invalid, or is too long.";
    }
    return NULL;
}

static const char *
issue_fault(const struct call *c, const cJSON *json)
{
    const cJSON *fields = gr_json_get(json, "fields");
    struct gr_str summary = gr_json_str(fields, "summary");

    if (!json || !standin_only(json, "fields") || !cJSON_IsObject(fields))
        return "Invalid request payload. Refer to the REST API documentation and try again.";
    if (!standin_only(fields, "project issuetype summary description labels"))
        return "Field cannot be set. It is not on the appropriate screen, or unknown.";
    if (!gr_str_is(gr_json_str(gr_json_get(fields, "project"), "key"), "DEPLOY"))
        return "valid project is required";
    if (!standin_is_choice(gr_json_str(gr_json_get(fields, "issuetype"), "name"), "Task Bug"))
        return "Specify a valid issue type";
    if (summary.n == 0)
        return "You must specify a summary of the issue.";
    if (standin_characters(summary) > 255)
        return "Summary must be less than 255 characters.";
    for (size_t i = 0; i < summary.n; i++)
        if (summary.p[i] == '\n' || summary.p[i] == '\r')
            return "The summary is invalid because it contains newline characters.";
    if (!body_ok(c, fields, "description"))
        return c->cloud ? "Operation value must be an Atlassian Document"
                        : "Operation value must be a string";
    return labels_fault(gr_json_get(fields, "labels"));
}

static bool
add_issue(struct call *c, const cJSON *fields, struct gr_str *key)
{
    cJSON *issue = cJSON_CreateObject();
    const cJSON *labels = gr_json_get(fields, "labels");
    struct gr_buf name = GR_BUF_INIT(32);

    gr_buf_printf(&name, "DEPLOY-%d", cJSON_GetArraySize(c->j->issues) + 1);
    if (!issue || !cJSON_AddStringToObject(issue, "key", gr_buf_cstr(&name)) ||
        !cJSON_AddStringToObject(issue, "status", "To Do") || !cJSON_AddNumberToObject(issue, "age", 0) ||
        !cJSON_AddArrayToObject(issue, "comments") ||
        !cJSON_AddItemToObject(issue, "summary", cJSON_Duplicate(gr_json_get(fields, "summary"), true)) ||
        !cJSON_AddItemToObject(issue, "labels",
                               labels ? cJSON_Duplicate(labels, true) : cJSON_CreateArray()) ||
        !cJSON_AddItemToArray(c->j->issues, issue)) {
        cJSON_Delete(issue);
        issue = NULL;
    }
    *key = gr_json_str(issue, "key");
    gr_buf_fini(&name);
    return issue != NULL;
}

static void
create(struct call *c)
{
    cJSON *json = standin_parse(c->r->body);
    const char *why = issue_fault(c, json);
    struct gr_str key;

    if (why) {
        refuse(c, 400, why);
        cJSON_Delete(json);
        return;
    }
    if (!add_issue(c, gr_json_get(json, "fields"), &key))
        abort();
    c->a->status = 201;
    c->a->message = json;
    gr_buf_printf(&c->a->body, "{\"id\":\"10001\",\"key\":\"" GR_FMT "\",\"self\":\"https://x\"}",
                  GR_ARG(key));
}

/* -- one issue ----------------------------------------------------------------------------------------------------------- */

static cJSON *
find_issue(struct call *c, struct gr_str key)
{
    cJSON *issue;

    cJSON_ArrayForEach(issue, c->j->issues)
    {
        if (gr_str_eq(gr_json_str(issue, "key"), key))
            return issue;
    }
    return NULL;
}

static void
comment(struct call *c, cJSON *issue)
{
    cJSON *json = standin_parse(c->r->body);
    cJSON *comments = cJSON_GetObjectItemCaseSensitive(issue, "comments");

    if (!json || !standin_only(json, "body") || !body_ok(c, json, "body")) {
        refuse(c, 400, "Comment body is not valid!");
        cJSON_Delete(json);
        return;
    }
    if (!cJSON_AddItemToArray(comments, cJSON_Duplicate(gr_json_get(json, "body"), true)))
        abort();
    c->a->status = 201;
    c->a->message = json;
    gr_buf_puts(&c->a->body, "{\"id\":\"20001\"}");
}

static void
list_comments(struct call *c, const cJSON *issue)
{
    const cJSON *comments = gr_json_get(issue, "comments"), *item;
    bool first = true;

    c->a->status = 200;
    gr_buf_puts(&c->a->body, "{\"startAt\":0,\"comments\":[");
    cJSON_ArrayForEach(item, comments)
    {
        gr_buf_puts(&c->a->body, first ? "{\"body\":" : ",{\"body\":");
        gr_json_print_canonical(&c->a->body, item);
        gr_buf_putc(&c->a->body, '}');
        first = false;
    }
    gr_buf_puts(&c->a->body, "]}");
}

static void
list_transitions(struct call *c, const cJSON *issue)
{
    bool first = true;

    c->a->status = 200;
    gr_buf_puts(&c->a->body, "{\"transitions\":[");
    for (size_t i = 0; i < GR_COUNT(transitions); i++) {
        if (!gr_str_is(gr_json_str(issue, "status"), transitions[i].from))
            continue;
        gr_buf_printf(&c->a->body, "%s{\"id\":\"%s\",\"name\":\"%s\"}", first ? "" : ",", transitions[i].id,
                      transitions[i].name);
        first = false;
    }
    gr_buf_puts(&c->a->body, "]}");
}

static void
transition(struct call *c, cJSON *issue)
{
    cJSON *json = standin_parse(c->r->body);
    struct gr_str id = gr_json_str(gr_json_get(json, "transition"), "id");

    for (size_t i = 0; i < GR_COUNT(transitions); i++)
        if (gr_str_is(id, transitions[i].id) &&
            gr_str_is(gr_json_str(issue, "status"), transitions[i].from)) {
            (void)cJSON_ReplaceItemInObjectCaseSensitive(issue, "status",
                                                         cJSON_CreateString(transitions[i].to));
            c->a->status = 204;
            c->a->message = json;
            return;
        }
    refuse(c, 400, "It seems that you have tried to perform an invalid workflow operation.");
    cJSON_Delete(json);
}

static void
one_issue(struct call *c, struct gr_str rest)
{
    bool post = strcmp(c->r->method, "POST") == 0;
    struct gr_str key;
    cJSON *issue;

    if (!gr_str_next(&rest, '/', &key) || !(issue = find_issue(c, key)))
        refuse(c, 404, "Issue does not exist or you do not have permission to see it.");
    else if (gr_str_is(rest, "comment"))
        post ? comment(c, issue) : list_comments(c, issue);
    else if (gr_str_is(rest, "transitions"))
        post ? transition(c, issue) : list_transitions(c, issue);
    else
        refuse(c, 404, "nothing of that name");
}

/* -- routing ------------------------------------------------------------------------------------------------------------- */

static bool
is(const struct call *c, const char *method, const char *path)
{
    return strcmp(c->r->method, method) == 0 && strcmp(c->rest, path) == 0;
}

static void
route(struct call *c)
{
    bool post = strcmp(c->r->method, "POST") == 0;
    const char *type = c->r->content_type;

    if (post && (!type || !gr_str_starts(gr_str(type), GR_STR("application/json"))))
        refuse(c, 415, "Unsupported Media Type");
    else if (c->cloud && strcmp(c->rest, "/search") == 0)
        refuse(c, 410, "The requested API has been removed. Please migrate to /rest/api/3/search/jql.");
    else if (is(c, "POST", c->cloud ? "/search/jql" : "/search"))
        search(c);
    else if (is(c, "POST", "/issue"))
        create(c);
    else if (gr_str_starts(gr_str(c->rest), GR_STR("/issue/")))
        one_issue(c, gr_str(c->rest + strlen("/issue/")));
    else
        refuse(c, 404, "nothing of that name");
}

void
standin_jira(struct standin_jira *j, const struct standin_request *r, struct standin_answer *answer)
{
    static const char *const bases[] = {"/dc/rest/api/2", "/cloud/rest/api/3"};
    struct call c = {.j = j, .r = r, .a = answer};

    *answer = (struct standin_answer){.body = GR_BUF_INIT(1 << 20), .why = ""};
    for (size_t i = 0; i < GR_COUNT(bases); i++)
        if (gr_str_starts(gr_str(r->path), gr_str(bases[i]))) {
            c.cloud = i == 1;
            c.rest = r->path + strlen(bases[i]);
        }
    if (!c.rest)
        refuse(&c, 404, "neither /cloud/rest/api/3 nor /dc/rest/api/2");
    else if (!r->authorization || strcmp(r->authorization, c.cloud ? CLOUD_BASIC : DC_BEARER) != 0)
        refuse(&c, 401, "Client must be authenticated to access this resource.");
    else
        route(&c);
}
