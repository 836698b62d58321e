/* The stand-in refuses what the real ones refuse: its judgement (standin_check.c), not its sockets; test_sender.c has those. */
#include "config.h"
#include "test_webhook.h"
#include "tests/standins/standin_check.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X150 X50 X50 X50
#define X250 X50 X50 X50 X50 X50
#define X1000 X250 X250 X250 X250
#define X3000 X1000 X1000 X1000
#define BLOCKS(b) "{\"text\":\"t\",\"blocks\":[" b "]}"
#define HEADER(t) "{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"" t "\"}}"
#define SECTION(t) "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"" t "\"}}"
#define FIELD(t) "{\"type\":\"mrkdwn\",\"text\":\"" t "\"}"
#define FIELDS(f) "{\"type\":\"section\",\"fields\":[" f "]}"
#define F5 FIELD("a") "," FIELD("b") "," FIELD("c") "," FIELD("d") "," FIELD("e")
#define S10                                                                                                  \
    SECTION("a")                                                                                             \
    "," SECTION("b") "," SECTION("c") "," SECTION("d") "," SECTION("e") "," SECTION("f") "," SECTION(        \
        "g") "," SECTION("h") "," SECTION("i") "," SECTION("j")

static const struct slack_row {
    const char *name, *body;
    unsigned status;
    const char *answer;
} slack_rows[] = {
    {"a text", "{\"text\":\"hello\"}", 200, "ok"},
    {"blocks alone", "{\"blocks\":[{\"type\":\"divider\"}]}", 200, "ok"},
    {"no JSON", "hello", 400, "invalid_payload"},
    {"nothing", "", 400, "invalid_payload"},
    {"a list", "[]", 400, "invalid_payload"},
    {"bytes behind", "{\"text\":\"a\"} x", 400, "invalid_payload"},
    {"a key twice", "{\"text\":\"a\",\"text\":\"b\"}", 400, "invalid_payload"},
    {"neither", "{}", 400, "no_text"},
    {"empty text", "{\"text\":\"\"}", 400, "no_text"},
    {"text is a number", "{\"text\":7}", 400, "no_text"},
    {"a channel cannot be chosen", "{\"text\":\"a\",\"channel\":\"#x\"}", 400, "invalid_payload"},
    {"names expanded", "{\"text\":\"a\",\"link_names\":true}", 400, "invalid_payload"},
    {"links unfurled", "{\"text\":\"a\",\"unfurl_links\":true}", 400, "invalid_payload"},
    {"a mention of all", "{\"text\":\"<!channel>\"}", 400, "invalid_payload"},
    {"a mention of one", "{\"text\":\"<@U123>\"}", 400, "invalid_payload"},
    {"bare <", "{\"text\":\"a < b\"}", 400, "invalid_payload"},
    {"bare >", "{\"text\":\"a > b\"}", 400, "invalid_payload"},
    {"bare &", "{\"text\":\"a & b\"}", 400, "invalid_payload"},
    {"escaped", "{\"text\":\"a &lt;!channel&gt; &amp; b\"}", 200, "ok"},
    {"a link", "{\"text\":\"<https://example.org/?a=1&amp;b=2|there>\"}", 200, "ok"},
    {"a script link", "{\"text\":\"<javascript:x|there>\"}", 400, "invalid_payload"},
    {"a link that hides another", "{\"text\":\"<https://a|<!here>>\"}", 400, "invalid_payload"},
    {"a control character", "{\"text\":\"a\\u001b[31m\"}", 400, "invalid_payload"},
    {"blocks are no list", "{\"text\":\"a\",\"blocks\":{}}", 400, "invalid_blocks"},
    {"a block of no type", BLOCKS("{}"), 400, "invalid_blocks"},
    {"an unknown block", BLOCKS("{\"type\":\"video\"}"), 400, "invalid_blocks"},
    {"header at the limit", BLOCKS(HEADER(X150)), 200, "ok"},
    {"header past it", BLOCKS(HEADER(X150 "x")), 400, "invalid_blocks"},
    {"characters count, not bytes", BLOCKS(HEADER(X50 X50 "\xc3\xa9\xc3\xa9" X10 X10 X10 X10 "xxxxxxxx")),
     200, "ok"},
    {"empty header", BLOCKS(HEADER("")), 400, "invalid_blocks"},
    {"a header in mrkdwn", BLOCKS("{\"type\":\"header\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"a\"}}"), 400,
     "invalid_blocks"},
    {"section at the limit", BLOCKS(SECTION(X3000)), 200, "ok"},
    {"section past it", BLOCKS(SECTION(X3000 "x")), 400, "invalid_blocks"},
    {"section of nothing", BLOCKS("{\"type\":\"section\"}"), 400, "invalid_blocks"},
    {"a mention in a section", BLOCKS(SECTION("<!here>")), 400, "invalid_blocks"},
    {"ten fields", BLOCKS(FIELDS(F5 "," F5)), 200, "ok"},
    {"eleven", BLOCKS(FIELDS(F5 "," F5 "," FIELD("x"))), 400, "invalid_blocks"},
    {"no fields", BLOCKS(FIELDS("")), 400, "invalid_blocks"},
    {"field at the limit", BLOCKS(FIELDS(FIELD(X1000 X1000))), 200, "ok"},
    {"field past it", BLOCKS(FIELDS(FIELD(X1000 X1000 "x"))), 400, "invalid_blocks"},
    {"fifty blocks", BLOCKS(S10 "," S10 "," S10 "," S10 "," S10), 200, "ok"},
    {"one more", BLOCKS(S10 "," S10 "," S10 "," S10 "," S10 "," SECTION("k")), 400, "invalid_blocks"},
    {"all too long",
     BLOCKS(SECTION(X3000) "," SECTION(X3000) "," SECTION(X3000) "," SECTION(X3000) "," SECTION(X1000 "x")),
     400, "msg_blocks_too_long"},
    {"all at the limit",
     BLOCKS(SECTION(X3000) "," SECTION(X3000) "," SECTION(X3000) "," SECTION(X3000) "," SECTION(X1000)), 200,
     "ok"},
    {"empty context", BLOCKS("{\"type\":\"context\",\"elements\":[]}"), 400, "invalid_blocks"},
};

START_TEST(slack)
{
    const struct slack_row *r = &slack_rows[_i];
    struct standin_answer a;

    standin_slack(gr_str(r->body), &a);
    ck_assert_msg(a.status == r->status && gr_str_is(gr_buf_str(&a.body), r->answer), "%s: %u %s (%s)",
                  r->name, a.status, gr_buf_cstr(&a.body), a.why);
    ck_assert((a.message != NULL) == (a.status == 200));
    ck_assert((a.why[0] == '\0') == (a.status == 200));
    standin_answer_fini(&a);
}
END_TEST

#define KEY "0123456789abcdef0123456789ABCDEF"
#define EVENT(key, rest) "{\"routing_key\":\"" key "\",\"event_action\":\"trigger\"" rest "}"
#define PAYLOAD(summary, severity, rest)                                                                     \
    ",\"payload\":{\"summary\":\"" summary "\",\"source\":\"s\",\"severity\":\"" severity "\"" rest "}"
#define GOOD PAYLOAD("a", "critical", "")

static const struct pd_row {
    const char *name, *body;
    unsigned status;
    const char *says; /* stands in the answer */
} pd_rows[] = {
    {"a trigger", EVENT(KEY, GOOD), 202, "\"dedup_key\":\"generated\""},
    {"with a key", EVENT(KEY, GOOD ",\"dedup_key\":\"k\""), 202, "\"dedup_key\":\"k\""},
    {"a resolve", "{\"routing_key\":\"" KEY "\",\"event_action\":\"resolve\",\"dedup_key\":\"k\"}", 202,
     "success"},
    {"an acknowledgement with a payload",
     "{\"routing_key\":\"" KEY "\",\"event_action\":\"acknowledge\",\"dedup_key\":\"k\"" GOOD "}", 400,
     "more than its keys"},
    {"a resolve of nothing", "{\"routing_key\":\"" KEY "\",\"event_action\":\"resolve\"}", 400, "dedup_key"},
    {"no JSON", "x", 400, "invalid event"},
    {"a short routing key", EVENT("0123", GOOD), 400, "routing_key"},
    {"a routing key with a blank", EVENT("0123456789abcdef0123456789ABCDE ", GOOD), 400, "routing_key"},
    {"no action", "{\"routing_key\":\"" KEY "\"" GOOD "}", 400, "event_action"},
    {"no payload", EVENT(KEY, ""), 400, "payload"},
    {"no summary", EVENT(KEY, PAYLOAD("", "critical", "")), 400, "summary"},
    {"summary at the limit", EVENT(KEY, PAYLOAD(X1000 X10 X10 "xxxx", "critical", "")), 202, "success"},
    {"summary past it", EVENT(KEY, PAYLOAD(X1000 X10 X10 "xxxxx", "critical", "")), 400, "summary"},
    {"an unknown severity", EVENT(KEY, PAYLOAD("a", "fatal", "")), 400, "severity"},
    {"a key at the limit", EVENT(KEY, GOOD ",\"dedup_key\":\"" X250 "xxxxx\""), 202, "success"},
    {"a key past it", EVENT(KEY, GOOD ",\"dedup_key\":\"" X250 "xxxxxx\""), 400, "dedup_key"},
    {"a timestamp", EVENT(KEY, PAYLOAD("a", "info", ",\"timestamp\":\"2024-05-16T21:15:00Z\"")), 202,
     "success"},
    {"no timestamp", EVENT(KEY, PAYLOAD("a", "info", ",\"timestamp\":\"yesterday\"")), 400, "timestamp"},
    {"details that are text", EVENT(KEY, PAYLOAD("a", "info", ",\"custom_details\":\"x\"")), 400,
     "custom_details"},
    {"an unknown member", EVENT(KEY, GOOD ",\"channel\":\"x\""), 400, "unknown"},
    {"a link", EVENT(KEY, GOOD ",\"links\":[{\"href\":\"https://a\",\"text\":\"b\"}]"), 202, "success"},
    {"a link elsewhere", EVENT(KEY, GOOD ",\"links\":[{\"href\":\"javascript:a\",\"text\":\"b\"}]"), 400,
     "links"},
};

START_TEST(pagerduty)
{
    const struct pd_row *r = &pd_rows[_i];
    struct standin_answer a;

    standin_pagerduty(gr_str(r->body), &a);
    ck_assert_msg(a.status == r->status && strstr(gr_buf_cstr(&a.body), r->says), "%s: %u %s", r->name,
                  a.status, gr_buf_cstr(&a.body));
    ck_assert((a.message != NULL) == (a.status == 202));
    standin_answer_fini(&a);
}
END_TEST

START_TEST(pagerduty_size)
{
    struct gr_buf b = GR_BUF_INIT(1 << 20);
    struct standin_answer a;

    gr_buf_puts(&b, "{\"routing_key\":\"" KEY "\",\"event_action\":\"trigger\"" GOOD ",\"client\":\"");
    while (b.n < 512000)
        gr_buf_putc(&b, 'x');
    gr_buf_puts(&b, "\"}");
    standin_pagerduty(gr_buf_str(&b), &a);
    ck_assert_uint_eq(a.status, 413);
    standin_answer_fini(&a);
    gr_buf_fini(&b);
}
END_TEST

Suite *
standin_suite(void)
{
    Suite *s = suite_create("standin");
    TCase *tc = tcase_create("standin");

    tcase_add_loop_test(tc, slack, 0, GR_COUNT(slack_rows));
    tcase_add_loop_test(tc, pagerduty, 0, GR_COUNT(pd_rows));
    tcase_add_test(tc, pagerduty_size);
    suite_add_tcase(s, tc);
    return s;
}
