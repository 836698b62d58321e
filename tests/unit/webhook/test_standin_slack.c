/* The stand-in of Slack's API refuses what the real one refuses, in its words, and with status 200. */
#include "config.h"
#include "test_webhook.h"
#include "tests/standins/standin_check.h"

#define TOKEN "Bearer xoxb-standin-0123456789"
#define HERE "\"channel\":\"C0123456789\""
#define OK_TEXT HERE ",\"text\":\"a\""
#define FIRST "1715894100.000001"
#define META "\"metadata\":{\"event_type\":\"guardrail_message\",\"event_payload\":{\"key\":\"gr-1\"}}"

static const struct row {
    const char *name, *path, *authorization, *type, *body;
    const char *says; /* "ok", or Slack's word for why not */
} rows[] = {
    {"a post", "/chat.postMessage", TOKEN, "application/json", "{" OK_TEXT "," META "}", "ok"},
    {"by name", "/chat.postMessage", TOKEN, "application/json",
     "{\"channel\":\"#deploy-ops\",\"text\":\"a\",\"mrkdwn\":false,\"unfurl_links\":false}", "ok"},
    {"in a thread", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"thread_ts\":\"" FIRST "\",\"reply_broadcast\":true}", "ok"},
    {"an update", "/chat.update", TOKEN, "application/json", "{" OK_TEXT ",\"ts\":\"" FIRST "\"}", "ok"},
    {"no token", "/chat.postMessage", NULL, "application/json", "{" OK_TEXT "}", "not_authed"},
    {"another token", "/chat.postMessage", "Bearer xoxb-1", "application/json", "{" OK_TEXT "}",
     "invalid_auth"},
    {"the token alone", "/chat.postMessage", "xoxb-standin-0123456789", "application/json", "{" OK_TEXT "}",
     "invalid_auth"},
    {"a form", "/chat.postMessage", TOKEN, "application/x-www-form-urlencoded", "channel=C",
     "invalid_post_type"},
    {"no JSON", "/chat.postMessage", TOKEN, "application/json", "{", "invalid_json"},
    {"no channel", "/chat.postMessage", TOKEN, "application/json", "{\"text\":\"a\"}", "channel_not_found"},
    {"an unknown channel", "/chat.postMessage", TOKEN, "application/json",
     "{\"channel\":\"#else\",\"text\":\"a\"}", "channel_not_found"},
    {"an archived one", "/chat.postMessage", TOKEN, "application/json",
     "{\"channel\":\"C0ARCHIVED0\",\"text\":\"a\"}", "is_archived"},
    {"one without the bot", "/chat.postMessage", TOKEN, "application/json",
     "{\"channel\":\"C0NOTINHERE\",\"text\":\"a\"}", "not_in_channel"},
    {"nothing to say", "/chat.postMessage", TOKEN, "application/json", "{" HERE "}", "no_text"},
    {"an unknown argument", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"idempotency\":\"x\"}", "invalid_arguments"},
    {"a mention", "/chat.postMessage", TOKEN, "application/json", "{" HERE ",\"text\":\"<!channel>\"}",
     "invalid_arguments"},
    {"names to be expanded", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"link_names\":true}", "invalid_arguments"},
    {"an unknown block", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"blocks\":[{\"type\":\"x\"}]}", "invalid_blocks"},
    {"metadata without a payload", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"metadata\":{\"event_type\":\"x\"}}", "invalid_metadata_format"},
    {"an unknown thread", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"thread_ts\":\"1.2\"}", "thread_not_found"},
    {"a broadcast of no reply", "/chat.postMessage", TOKEN, "application/json",
     "{" OK_TEXT ",\"reply_broadcast\":true}", "invalid_arguments"},
    {"an update of nothing", "/chat.update", TOKEN, "application/json", "{" OK_TEXT ",\"ts\":\"1.2\"}",
     "message_not_found"},
    {"an update by name", "/chat.update", TOKEN, "application/json",
     "{\"channel\":\"#deploy-ops\",\"text\":\"a\",\"ts\":\"" FIRST "\"}", "channel_not_found"},
    {"an update with what only posts have", "/chat.update", TOKEN, "application/json",
     "{" OK_TEXT ",\"ts\":\"" FIRST "\",\"unfurl_links\":false}", "invalid_arguments"},
    {"an unknown method", "/chat.postmessage", TOKEN, "application/json", "{" OK_TEXT "}", "unknown_method"},
};

static void
ask(struct standin_slack_api *s, const struct standin_request *r, const char *says)
{
    struct standin_answer a;
    struct gr_buf wanted = GR_BUF_INIT(256);

    standin_slack_api(s, r, &a);
    if (strcmp(says, "ok") == 0)
        gr_buf_puts(&wanted, "{\"ok\":true");
    else
        gr_buf_printf(&wanted, "{\"ok\":false,\"error\":\"%s\"}", says);
    ck_assert_msg(a.status == 200 && gr_str_starts(gr_buf_str(&a.body), gr_buf_str(&wanted)),
                  "%u %s (%s), wanted %s", a.status, gr_buf_cstr(&a.body), a.why, says);
    gr_buf_fini(&wanted);
    standin_answer_fini(&a);
}

START_TEST(posts)
{
    const struct row *r = &rows[_i];
    struct standin_slack_api s;
    struct standin_request first = {.method = "POST",
                                    .path = "/chat.postMessage",
                                    .authorization = TOKEN,
                                    .content_type = "application/json",
                                    .body = GR_STR("{" OK_TEXT "}")};
    struct standin_request q = {.method = "POST",
                                .path = r->path,
                                .authorization = r->authorization,
                                .content_type = r->type,
                                .body = gr_str(r->body)};

    ck_assert(standin_slack_api_init(&s));
    ask(&s, &first, "ok");
    ask(&s, &q, r->says);
    ck_assert_int_eq(cJSON_GetArraySize(s.posts),
                     1 + (strcmp(r->says, "ok") == 0 && strcmp(r->path, "/chat.postMessage") == 0));
    standin_slack_api_fini(&s);
}
END_TEST

static const struct look_row {
    const char *path, *channel, *ts, *metadata;
    bool blind;
    const char *says;
    int messages, keys; /* how many of each come */
} look_rows[] = {
    {"/conversations.history", "C0123456789", NULL, "true", false, "ok", 2,
     2}, /* a broadcast reply is shown */
    {"/conversations.history", "C0123456789", NULL, NULL, false, "ok", 2, 0},
    {"/conversations.replies", "C0123456789", FIRST, "true", false, "ok", 3, 3},
    {"/conversations.replies", "C0123456789", "1.2", "true", false, "thread_not_found", 0, 0},
    {"/conversations.history", "#deploy-ops", NULL, "true", false, "channel_not_found", 0, 0},
    {"/conversations.history", "C0123456789", NULL, "true", true, "missing_scope", 0, 0},
};

static int
count(struct gr_str text, const char *word)
{
    int n = 0;

    for (size_t at = 0; (at = gr_str_find(text, gr_str(word), at)) != SIZE_MAX; at++)
        n++;
    return n;
}

START_TEST(looks)
{
    const struct look_row *r = &look_rows[_i];
    static const char *const bodies[] = {
        "{" OK_TEXT "," META "}", "{" OK_TEXT "," META ",\"thread_ts\":\"" FIRST "\"}",
        "{" OK_TEXT "," META ",\"thread_ts\":\"" FIRST "\",\"reply_broadcast\":true}"};
    struct standin_slack_api s;
    struct standin_answer a;

    ck_assert(standin_slack_api_init(&s));
    s.blind = r->blind;
    for (size_t i = 0; i < GR_COUNT(bodies); i++)
        ask(&s,
            &(struct standin_request){.method = "POST",
                                      .path = "/chat.postMessage",
                                      .authorization = TOKEN,
                                      .content_type = "application/json",
                                      .body = gr_str(bodies[i])},
            "ok");
    standin_slack_api(&s,
                      &(struct standin_request){.method = "GET",
                                                .path = r->path,
                                                .authorization = TOKEN,
                                                .channel = r->channel,
                                                .ts = r->ts,
                                                .metadata = r->metadata},
                      &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert(gr_str_find(gr_buf_str(&a.body),
                          strcmp(r->says, "ok") == 0 ? GR_STR("\"ok\":true") : gr_str(r->says),
                          0) != SIZE_MAX);
    ck_assert_int_eq(count(gr_buf_str(&a.body), "\"type\":\"message\""), r->messages);
    ck_assert_int_eq(count(gr_buf_str(&a.body), "\"key\":\"gr-1\""), r->keys);
    standin_answer_fini(&a);
    standin_slack_api_fini(&s);
}
END_TEST

Suite *
standin_slack_suite(void)
{
    Suite *s = suite_create("standin_slack");
    TCase *tc = tcase_create("standin_slack");

    tcase_add_loop_test(tc, posts, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, looks, 0, GR_COUNT(look_rows));
    suite_add_tcase(s, tc);
    return s;
}
