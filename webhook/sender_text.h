/* sender_text.h - what the senders' files share: titles, commands to paste, cutting to a limit, links, the functions of the rows. */
#ifndef GUARDRAIL_WEBHOOK_SENDER_TEXT_H
#define GUARDRAIL_WEBHOOK_SENDER_TEXT_H
#include "sender.h"

/* sender_slack.c, sender_slack_api.c, sender_pagerduty.c, sender_jira.c: the functions of their rows in sender.c. */
void slack_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
                  struct gr_str secret);
enum sender_answer slack_classify(long status, struct gr_str body);
bool slack_secret_ok(const struct policy_action *action, struct gr_str secret, bool allow_http);
bool slack_follows(const struct policy_action *action, enum message_kind kind);
void pagerduty_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
                      struct gr_str secret);
bool pagerduty_key_ok(const struct policy_action *action, struct gr_str secret, bool allow_http);
enum sender_answer pagerduty_classify(long status, struct gr_str body);
bool jira_follows(const struct policy_action *action, enum message_kind kind);
bool sender_follows_both(const struct policy_action *action, enum message_kind kind);

/* Members of a Slack message that all of its ways have: "text": …, …, "blocks": […]; without braces. newest: whose title and commands it has; m itself, or
 * what is told in its thread. */
void slack_put_members(struct gr_buf *b, const struct message *m, const struct message *newest);

/* "critical", "warning", "info": what a message is worth, by its kind and level. */
const char *sender_severity(const struct message *m);
/* Whether a secret can be a token: 8 to 4096 printable ASCII bytes without blanks. */
bool sender_token_ok(const struct policy_action *action, struct gr_str secret, bool allow_http);
/* Appends "Hard breach, rolling back: matching_latency_p99 (tp-1)", unquoted. */
void sender_title(struct gr_buf *b, const struct message *m);
/* The same and " - " and the summary, without the guardrail's name at its beginning, which stands in the title. */
void sender_headline(struct gr_buf *b, const struct message *m);
/* Appends what guardraild does, did or waits for: "rolls the release back", "… unless denied by 2024-05-16T21:20:00Z". */
void sender_action(struct gr_buf *b, const struct message *m);
/* What a person may do about it, each as a command to paste, the most urgent first. Only where the names in it are plain ones: nobody is to paste a
 * foreign label into a shell. */
typedef void sender_command_fn(void *arg, const char *what, struct gr_str command);
void sender_commands(const struct message *m, sender_command_fn *fn, void *arg);
/* The links that may be shown, in order: what they are called, and where they lead. NULL: no more. */
struct sender_link {
    const char *name;
    struct gr_str url;
};
#define SENDER_LINKS_MAX 3u
size_t sender_links(const struct message *m, struct sender_link out[SENDER_LINKS_MAX]);
/* Appends `s` in the form that `quote` gives it (gr_quote_slack …), cut at a character so that no more than max bytes are added; what is
 * cut is marked by "...". max >= 3. */
void sender_put(struct gr_buf *b, struct gr_str s, void (*quote)(struct gr_buf *b, struct gr_str s),
                size_t max);
/* Control characters become blanks, the rest stays: for sender_put where the whole is quoted later. */
void sender_plain(struct gr_buf *b, struct gr_str s);
/* Whether a link may be shown: http:// or https://, at most 2000 printable ASCII bytes, no blanks, quotes, <, >, | or \. */
bool sender_link_ok(struct gr_str url);
/* Whether a secret can be an address: https:// (or http:// where allowed) and as above. */
bool sender_url_secret_ok(struct gr_str secret, bool allow_http);
#endif
