#include "config.h"
#include "guardrail/strset.h"

#define SLOTS_FIRST ((size_t)256)
#define PROBES_MAX 32u

/* Eight bytes a step, each mixed by a multiplication whose high half is folded back (the finaliser of MurmurHash3, A. Appleby). */
static uint64_t
mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static uint64_t
hash_of(struct gr_str s)
{
    uint64_t h = s.n, word;
    size_t at = 0;

    for (; s.n - at >= sizeof word; at += sizeof word) {
        memcpy(&word, s.p + at, sizeof word);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    word = 0;
    if (at < s.n)
        memcpy(&word, s.p + at, s.n - at);
    return mix(h ^ word);
}

/* The slot of the text: its own, or a free one. With many collisions the last that was looked at, which is then replaced. */
static struct gr_strset_entry **
slot_of(struct gr_strset *s, struct gr_str text, uint64_t hash)
{
    size_t at = (size_t)hash & (s->n_slots - 1);

    for (unsigned probes = 0;; probes++, at = (at + 1) & (s->n_slots - 1)) {
        struct gr_strset_entry *e = s->slots[at];

        if (!e || (e->hash == hash && gr_str_eq(e->text, text)) || probes == PROBES_MAX)
            return &s->slots[at];
    }
}

static bool
grow(struct gr_strset *s)
{
    struct gr_strset bigger = {.arena = s->arena, .n_slots = s->n_slots ? 2 * s->n_slots : SLOTS_FIRST};

    if (!(bigger.slots = gr_arena_array(s->arena, bigger.n_slots, sizeof(struct gr_strset_entry *))))
        return false;
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i])
            *slot_of(&bigger, s->slots[i]->text, s->slots[i]->hash) = s->slots[i];
    s->slots = bigger.slots;
    s->n_slots = bigger.n_slots;
    return true;
}

static struct gr_strset_entry **
recent_slot(struct gr_strset *s, struct gr_str text)
{
    size_t ends = text.n ? (unsigned char)text.p[0] * 7u + (unsigned char)text.p[text.n - 1] * 3u : 0;

    return &s->recent[(text.n + ends) % GR_COUNT(s->recent)];
}

struct gr_strset_entry *
gr_strset_add(struct gr_strset *s, struct gr_str text)
{
    struct gr_strset_entry **recent = recent_slot(s, text), **slot, *e = *recent;
    uint64_t hash;

    if (e && gr_str_eq(e->text, text)) {
        e->uses++;
        return e;
    }
    hash = hash_of(text);
    if (2 * s->count >= s->n_slots && !grow(s))
        return NULL;
    slot = slot_of(s, text, hash);
    if (*slot && (*slot)->hash == hash && gr_str_eq((*slot)->text, text)) {
        (*slot)->uses++;
        return *recent = *slot;
    }
    if (!(e = gr_arena_alloc(s->arena, sizeof *e)))
        return NULL;
    e->text = gr_arena_dup(s->arena, text);
    if (!e->text.p)
        return NULL;
    e->hash = hash;
    e->uses = 1;
    s->count += *slot ? 0 : 1;
    *slot = *recent = e;
    return e;
}
