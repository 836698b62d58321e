#include "config.h"
#include "known.h"

#include "guardrail/sys.h"

/* How many counters the rows of episodes share; one of another row in common costs a decision in full. */
#define EPISODES 4096u

struct entry {
    uint64_t hash, stamp; /* stamp: 0 for none */
    int64_t at_ms, episode;
    size_t effects;
    uint32_t episode_stamp, n; /* n: bytes of its text */
};

struct known {
    uint64_t stamp; /* grows with each change that any decision may hang on */
    uint32_t episode_stamps[EPISODES];
    struct entry sets[KNOWN_SETS][KNOWN_WAYS];
    char (*texts)[KNOWN_WAYS][KNOWN_TEXT_MAX]; /* owned; only those in use cost memory */
};

/* ---- the text ---- */

static void
put_bytes(struct known_text *t, const void *p, size_t n)
{
    if (t->n > KNOWN_TEXT_MAX || n > KNOWN_TEXT_MAX - t->n) {
        t->n = KNOWN_TEXT_MAX + 1;
        return;
    }
    if (n > 0)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

void
known_put_i64(struct known_text *t, int64_t v)
{
    put_bytes(t, &v, sizeof v);
}

void
known_put(struct known_text *t, struct gr_str s)
{
    uint32_t n = s.n <= KNOWN_TEXT_MAX ? (uint32_t)s.n : KNOWN_TEXT_MAX + 1;

    put_bytes(t, &n, sizeof n);
    put_bytes(t, s.p, s.n);
}

/* Good enough to spread; whoever finds two texts with one hash gains nothing, for the bytes are compared. */
static uint64_t
hash_of(const struct known_text *t)
{
    uint64_t h = t->n * UINT64_C(0x9e3779b97f4a7c15), w;

    for (size_t i = 0; i < t->n; i += sizeof w) {
        w = 0;
        memcpy(&w, t->p + i, t->n - i < sizeof w ? t->n - i : sizeof w);
        h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    return h;
}

/* ---- what makes it forget ---- */

void
known_changed(struct known *k)
{
    if (k)
        k->stamp++;
}

void
known_forget(struct known *k)
{
    known_changed(k); /* no entry has the new stamp */
}

void
known_episode(struct known *k, int64_t row)
{
    if (k)
        k->episode_stamps[(uint64_t)row % EPISODES]++;
}

static void
on_row(void *arg, int what, const char *database, const char *table, sqlite3_int64 row)
{
    struct known *k = arg;

    (void)what;
    (void)database;
    (void)row;
    if (strcmp(table, "release") == 0)
        k->stamp++;
}

void
known_watch(struct known *k, sqlite3 *h)
{
    (void)sqlite3_update_hook(h, on_row, k);
}

/* ---- the entries ---- */

struct known *
known_create(void)
{
    struct known *k = gr_sys.realloc(NULL, sizeof *k);

    if (!k)
        return NULL;
    memset(k, 0, sizeof *k);
    k->stamp = 1;
    if (!(k->texts = gr_sys.realloc(NULL, KNOWN_SETS * sizeof *k->texts))) {
        gr_sys.free(k);
        return NULL;
    }
    return k;
}

void
known_free(struct known *k)
{
    if (!k)
        return;
    gr_sys.free(k->texts);
    gr_sys.free(k);
}

/* The place of the text in its set, or the one that it would displace: the oldest. */
static size_t
place_of(const struct known *k, const struct known_text *t, uint64_t hash, bool *found)
{
    size_t set = hash % KNOWN_SETS, oldest = 0;

    for (size_t i = 0; i < KNOWN_WAYS; i++) {
        const struct entry *e = &k->sets[set][i];

        if (e->stamp && e->hash == hash && e->n == t->n && memcmp(k->texts[set][i], t->p, t->n) == 0) {
            *found = true;
            return i;
        }
        if (e->at_ms < k->sets[set][oldest].at_ms)
            oldest = i;
    }
    *found = false;
    return oldest;
}

bool
known_repeat(struct known *k, const struct known_text *t, int64_t now_ms, size_t *effects)
{
    const struct entry *e;
    uint64_t hash;
    size_t at;
    bool found;

    if (!k || t->n == 0 || t->n > KNOWN_TEXT_MAX)
        return false;
    hash = hash_of(t);
    at = place_of(k, t, hash, &found);
    e = &k->sets[hash % KNOWN_SETS][at];
    /* A clock that went back makes it a case for a decision in full. */
    if (!found || e->stamp != k->stamp || now_ms < e->at_ms || now_ms - e->at_ms >= KNOWN_MS ||
        e->episode_stamp != k->episode_stamps[(uint64_t)e->episode % EPISODES])
        return false;
    *effects = e->effects;
    return true;
}

void
known_note(struct known *k, const struct known_text *t, int64_t episode, int64_t now_ms, size_t effects)
{
    uint64_t hash;
    size_t at;
    bool found;

    if (!k || t->n == 0 || t->n > KNOWN_TEXT_MAX || episode == 0)
        return;
    hash = hash_of(t);
    at = place_of(k, t, hash, &found);
    if (!found)
        memcpy(k->texts[hash % KNOWN_SETS][at], t->p, t->n);
    k->sets[hash % KNOWN_SETS][at] =
        (struct entry){.hash = hash,
                       .stamp = k->stamp,
                       .at_ms = now_ms,
                       .episode = episode,
                       .effects = effects,
                       .episode_stamp = k->episode_stamps[(uint64_t)episode % EPISODES],
                       .n = (uint32_t)t->n};
}
