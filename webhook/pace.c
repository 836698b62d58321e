#include "config.h"
#include "pace.h"

/* The key's row, or a full one in the place of the row that was used longest ago. */
static struct pace_row *
find_or_make(struct pace *p, struct gr_str key, uint32_t burst, int64_t now_ms)
{
    struct pace_row *oldest = &p->rows[0];

    for (size_t i = 0; i < PACE_ROWS; i++) {
        if (p->rows[i].key[0] != '\0' && gr_str_is(key, p->rows[i].key))
            return &p->rows[i];
        if (oldest->key[0] != '\0' && (p->rows[i].key[0] == '\0' || p->rows[i].filled_ms < oldest->filled_ms))
            oldest = &p->rows[i];
    }
    *oldest = (struct pace_row){.tokens = (double)burst, .filled_ms = now_ms};
    memcpy(oldest->key, key.p, key.n);
    return oldest;
}

int64_t
pace_take(struct pace *p, struct gr_str key, int64_t interval_ms, uint32_t burst, int64_t now_ms)
{
    struct pace_row *row;

    if (interval_ms <= 0 || key.n == 0)
        return 0;
    if (key.n >= PACE_KEY_BYTES)
        key.n = PACE_KEY_BYTES - 1;
    row = find_or_make(p, key, burst, now_ms);
    if (now_ms > row->filled_ms)
        row->tokens += (double)(now_ms - row->filled_ms) / (double)interval_ms;
    row->filled_ms = now_ms;
    if (row->tokens > (double)burst)
        row->tokens = (double)burst;
    if (row->tokens < 1.0)
        return 1 + (int64_t)((1.0 - row->tokens) * (double)interval_ms);
    row->tokens -= 1.0;
    return 0;
}
