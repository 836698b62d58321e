/* quote.h - all quoting in one place. Each appends the quoted form of a slice to a buffer and never fails by itself (the buffer's
 * error sticks). What a form cannot carry is escaped, or replaced by U+FFFD where no escape exists; nothing is cut silently. */
#ifndef GUARDRAIL_QUOTE_H
#define GUARDRAIL_QUOTE_H
#include "guardrail/buf.h"

/* "…" with JSON escapes; invalid UTF-8 becomes U+FFFD. */
void gr_quote_json(struct gr_buf *b, struct gr_str s);
/* "…" as PromQL and Go read it: \" \\ \n \t and \xNN for other control and invalid bytes. */
void gr_quote_promql(struct gr_buf *b, struct gr_str s);
/* Without quotes: the characters that have a meaning in RE2 are escaped with a backslash (as Go's regexp.QuoteMeta). */
void gr_quote_regex(struct gr_buf *b, struct gr_str s);
/* A YAML scalar on one line: plain where that is safe in every YAML 1.1 and 1.2 reader, else double-quoted. As a key it must
 * stay below 1024 characters, escapes included, which is YAML's own limit for keys on one line. */
void gr_quote_yaml(struct gr_buf *b, struct gr_str s);
/* A label value between quotes in Prometheus' text exposition: \\ \" \n. The quotes are not added. */
void gr_quote_exposition(struct gr_buf *b, struct gr_str s);
/* Slack mrkdwn text: & < > become entities, backticks and control characters are replaced. */
void gr_quote_slack(struct gr_buf *b, struct gr_str s);
/* Text of Jira's wiki markup: what has a meaning there is escaped with a backslash; one line. */
void gr_quote_wiki(struct gr_buf *b, struct gr_str s);
/* One log or terminal field: printable ASCII and UTF-8 stay, control characters (ANSI, CR, LF), bidirectional overrides and
 * invalid bytes become \xNN or \u{…}; a backslash is doubled. */
void gr_quote_log(struct gr_buf *b, struct gr_str s);
/* Lines of a text for a terminal: as gr_quote_log, but line feeds and backslashes stay. */
void gr_quote_lines(struct gr_buf *b, struct gr_str s);
/* HTML text and attribute values. */
void gr_quote_html(struct gr_buf *b, struct gr_str s);
/* The message of a workflow command of GitHub: % CR LF become %XX. A property's value: : and , as well; the runner decodes those in
 * properties alone, in a message they would be shown as they stand. */
void gr_quote_github(struct gr_buf *b, struct gr_str s);
void gr_quote_github_property(struct gr_buf *b, struct gr_str s);
/* One word of a POSIX shell, for people to copy: as it is where that is safe, else in single quotes. Not for running. */
void gr_quote_shell(struct gr_buf *b, struct gr_str s);
/* A file's path as a URI reference (RFC 3986): every byte but unreserved ones and / as %XX, file:// before an absolute one. */
void gr_quote_uri(struct gr_buf *b, struct gr_str path);
#endif
