/* ctl.h - guardrailctl's parts: one request to guardraild, and what to print of the answer. */
#ifndef GUARDRAIL_WEBHOOK_CTL_H
#define GUARDRAIL_WEBHOOK_CTL_H
#include "guardrail/arena.h"
#include "guardrail/buf.h"
#include "guardrail/node.h"

#define CTL_SOCKET "/run/guardrail/admin.sock"
#define CTL_ANSWER_BYTES_MAX (64u << 20)

enum ctl_exit {
    CTL_OK = 0,
    CTL_REFUSED = 1, /* the gate is closed; the state does not allow it */
    CTL_USAGE = 2,   /* bad usage; guardraild found the request wrong or knows no such deployment */
    CTL_MACHINE = 3  /* guardraild cannot be reached, or is in trouble */
};

/* Where guardraild is and what was asked for on the command line. Texts are borrowed from argv. */
struct ctl {
    const char *socket, *url, *token_file, *ca_file, *cert_file, *key_file;
    const char *stream, *deployment, *by, *reason;
    const char *span, *until, *guardrail, *page;
    const char *commander, *lasts, *to, *share; /* off the schedule */
    const char *head, *policies;                /* verify, replay */
    const char *timeout, *color;
    bool json, override, store, all, force, yes, dry_run, watch, help, version;
    bool colour, utf8; /* what is printed may hold */
    bool brief;        /* verdicts: the worst alone */
    long timeout_s;
    const char *id; /* the positional argument: a deployment, a number, or a path; NULL: none */
    struct gr_arena *arena;
};
struct ctl_answer {
    long status;
    struct gr_buf body;
    const struct gr_node *root; /* the body as a tree, or NULL */
};
/* Sends and reads; body NULL: GET. Prints what went wrong. CTL_OK only for status 200 and 201; the answer is
 * filled in for any. */
enum ctl_exit ctl_request(const struct ctl *c, const char *path, const struct gr_buf *body,
                          struct ctl_answer *out);
void ctl_answer_fini(struct ctl_answer *a);
/* The same where a refusal is no news: nothing is printed. */
enum ctl_exit ctl_look(const struct ctl *c, const char *path, struct ctl_answer *out);
/* Of a deployment that guardraild does not know: the one that may be meant, on standard error. */
void ctl_suggest(const struct ctl *c);
/* The body as it came (--json). */
enum ctl_exit ctl_print_json(const struct ctl_answer *a);

/* verify and replay of an audit log's files (audit.h, replay.h): nobody is asked. */
enum ctl_exit ctl_verify(const struct ctl *c);
enum ctl_exit ctl_replay(const struct ctl *c);
void ctl_print_audit(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);

/* A release's verdicts with sparklines (ctl_verdicts.c). */
void ctl_print_verdicts(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);

/* The text with words that are states or verdicts coloured, for a terminal; without colour they say the same. */
void ctl_paint(struct gr_buf *out, struct gr_str text);

/* A table: rows of cells, columns as wide as their widest cell. Foreign text is escaped. */
#define CTL_COLUMNS_MAX 8u
size_t ctl_width(struct gr_str s); /* in columns: code points; good enough for what names are made of */
void ctl_table_row(struct gr_buf *b, const size_t *widths, const struct gr_str *cells, size_t count);
void ctl_print_releases(struct gr_buf *b, const struct gr_node *list, const struct ctl *c);
void ctl_print_release(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);
void ctl_print_gate(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);
void ctl_print_status(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);
void ctl_print_letters(struct gr_buf *b, const struct gr_node *list, const struct ctl *c);
/* What was acknowledged, sent again or dropped. */
void ctl_print_acked(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);
void ctl_print_changed(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);
#endif
