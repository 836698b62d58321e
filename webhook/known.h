/* known.h - alerts of which the store's thread knows that they change nothing, so that a repeat costs no statement.
 *
 * Alertmanager, its replicas and its retries say the same again and again. What decide.h makes of an alert hangs on the alert, the policy,
 * the release, the episode and the breaker; as long as all of these are what they were when the alert was last decided in full, and nothing came of
 * it then, nothing comes of it now. The raw request is stored all the same, each time.
 *
 * An alert is known by its text: all that deciding looks at, byte for byte (known_put), never by a hash alone. It is forgotten
 *   after KNOWN_MS, so that the times at which effects and episodes were last seen stay right to a second;
 *   when any release's row is written (the database's own hook tells), when its episode began anew or ended (known_episode; that it was
 *     seen again is no change), or when known_changed says that the breaker may see something new or an effect's key is free again;
 *   when a transaction or a job is undone (known_forget).
 * Decisions that time alone changes (the breaker, the cool-down, a stale alert) are not to be noted at all.
 *
 * One thread: the store's. Memory: at most KNOWN_SETS × KNOWN_WAYS texts of KNOWN_TEXT_MAX bytes, about 3 MB. */
#ifndef GUARDRAIL_WEBHOOK_KNOWN_H
#define GUARDRAIL_WEBHOOK_KNOWN_H
#include <sqlite3.h>
#include "guardrail/base.h"

#define KNOWN_MS INT64_C(1000)
#define KNOWN_SETS 1024u
#define KNOWN_WAYS 4u
#define KNOWN_TEXT_MAX 768u

struct known_text {
    size_t n; /* more than KNOWN_TEXT_MAX: it did not fit, and will not be known */
    char p[KNOWN_TEXT_MAX];
};
/* Appends a text with its length, or a number: two different sequences never give the same bytes. */
void known_put(struct known_text *t, struct gr_str s);
void known_put_i64(struct known_text *t, int64_t v);

struct known;
GR_MUST_USE struct known *known_create(void);
void known_free(struct known *k); /* accepts NULL */
/* From now on the connection tells about rows of releases. k outlives it. */
void known_watch(struct known *k, sqlite3 *h);
/* All of these accept NULL: then nothing is ever known. */
/* True: a repeat; *effects is what known_note was given. */
bool known_repeat(struct known *k, const struct known_text *t, int64_t now_ms, size_t *effects);
/* The alert was decided just now and changed nothing. episode: the row of its episode; 0, and nothing is noted: it is not known yet.
 * effects: how many of them were known. */
void known_note(struct known *k, const struct known_text *t, int64_t episode, int64_t now_ms, size_t effects);
void known_changed(struct known *k);
/* What decide.h looks at in the row of an episode is another now. */
void known_episode(struct known *k, int64_t row);
void known_forget(struct known *k);
#endif
