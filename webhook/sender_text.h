/* sender_text.h - what the senders' files share: titles, cutting to a limit, links, the functions of the rows. */
#ifndef GUARDRAIL_WEBHOOK_SENDER_TEXT_H
#define GUARDRAIL_WEBHOOK_SENDER_TEXT_H
#include "sender.h"

/* sender_slack.c, sender_pagerduty.c: the functions of their rows in sender.c. */
void slack_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
                  struct gr_str secret);
enum sender_answer slack_classify(long status, struct gr_str body);
void pagerduty_encode(struct gr_buf *b, const struct policy_action *action, const struct message *m,
                      struct gr_str secret);
bool pagerduty_key_ok(struct gr_str secret, bool allow_http);
enum sender_answer pagerduty_classify(long status, struct gr_str body);

/* "critical", "warning", "info": what a message is worth, by its kind and level. */
const char *sender_severity(const struct message *m);
/* Whether a secret can be a token: 8 to 4096 printable ASCII bytes without blanks. */
bool sender_token_ok(struct gr_str secret, bool allow_http);
/* Appends "Hard breach: matching_latency_p99 (tp-1)", unquoted. */
void sender_title(struct gr_buf *b, const struct message *m);
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
