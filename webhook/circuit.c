#include "config.h"
#include "circuit.h"

static struct circuit_row *
find(struct circuit *c, struct gr_str action)
{
    for (size_t i = 0; i < CIRCUIT_ROWS; i++)
        if (c->rows[i].action[0] != '\0' && gr_str_is(action, c->rows[i].action))
            return &c->rows[i];
    return NULL;
}

/* The action's row, or one that is free, or the one that was noted longest ago. */
static struct circuit_row *
find_or_make(struct circuit *c, struct gr_str action)
{
    struct circuit_row *row = find(c, action);

    if (row)
        return row;
    row = &c->rows[0];
    for (size_t i = 0; i < CIRCUIT_ROWS && row->action[0] != '\0'; i++)
        if (c->rows[i].action[0] == '\0' || c->rows[i].noted_ms < row->noted_ms)
            row = &c->rows[i];
    *row = (struct circuit_row){.failures = 0};
    if (action.n > 0 && action.n < sizeof row->action)
        memcpy(row->action, action.p, action.n);
    return row;
}

int64_t
circuit_rest_ms(const struct circuit *c, struct gr_str action, int64_t now_ms)
{
    for (size_t i = 0; i < CIRCUIT_ROWS; i++)
        if (c->rows[i].action[0] != '\0' && gr_str_is(action, c->rows[i].action))
            return c->rows[i].rest_until_ms > now_ms ? c->rows[i].rest_until_ms - now_ms : 0;
    return 0;
}

bool
circuit_note(struct circuit *c, struct gr_str action, bool failed, int64_t now_ms)
{
    struct circuit_row *row = failed ? find_or_make(c, action) : find(c, action);

    if (!row)
        return false;
    row->noted_ms = now_ms;
    row->failures = failed ? row->failures + 1 : 0;
    if (!failed || row->failures < CIRCUIT_FAILURES)
        return false;
    row->rest_until_ms = now_ms + CIRCUIT_REST_MS;
    return true;
}

void
circuit_pause(struct circuit *c, struct gr_str action, int64_t ms, int64_t now_ms)
{
    struct circuit_row *row = find_or_make(c, action);

    row->noted_ms = now_ms;
    if (row->rest_until_ms < now_ms + ms)
        row->rest_until_ms = now_ms + ms;
}
