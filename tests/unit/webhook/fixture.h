/* fixture.h - what the suites of the leaf modules share: a small policy to change in places, label sets, a folder to write in. */
#ifndef GUARDRAIL_TEST_WEBHOOK_FIXTURE_H
#define GUARDRAIL_TEST_WEBHOOK_FIXTURE_H
#include <check.h>
#include "webhook/policy.h"
#include "webhook/sender.h"

/* The text of tests/unit/webhook/policy.json; the caller frees it with gr_buf_fini. */
void fixture_text(struct gr_buf *b);
/* Replaces the one occurrence of `find`; fails the test if there is none or more than one. */
void fixture_replace(struct gr_buf *b, const char *find, const char *replace);
/* The policy read; fails the test on findings. policy_free. */
struct policy *fixture_policy(void);
/* Labels from "name=value,name=value", in the arena, sorted. */
struct label_set fixture_labels(struct gr_arena *a, const char *text);
/* A message about a hard breach; its texts are constants or live in the arena. */
struct message fixture_message(struct gr_arena *a);
/* One in which every text is the same, and not meant well; in full it is that text over and over, 64 KiB of it. Made in place: m borrows from
 * the rest. */
struct fixture_hostile {
    struct gr_buf text;
    struct label label;
    struct label_set set;
    struct message m;
};
void fixture_hostile_make(struct fixture_hostile *h, struct gr_str bad, bool in_full);
void fixture_hostile_fini(struct fixture_hostile *h);
/* A new folder below the working folder, NUL-terminated in path (size >= 64), and its removal with all that is in it. */
void fixture_dir(char *path, size_t size);
void fixture_remove(const char *path);
/* Writes a file below dir with the given mode. */
void fixture_file(const char *dir, const char *name, const char *text, unsigned mode);
#endif
