/* circuit.h - which actions are left alone for a while because their target does not answer, or asked for it.
 *
 * After five failures in a row an action rests for 30 seconds; then one message tries, and its failure lets it rest again. Belongs to one thread;
 * pure, the clock is passed in. When there are more actions than rows the one that was noted longest ago is forgotten. */
#ifndef GUARDRAIL_WEBHOOK_CIRCUIT_H
#define GUARDRAIL_WEBHOOK_CIRCUIT_H
#include "guardrail/base.h"

#define CIRCUIT_ROWS 32u
#define CIRCUIT_FAILURES 5u
#define CIRCUIT_REST_MS 30000

struct circuit {
    struct circuit_row {
        char action[132]; /* names are at most 128 bytes */
        uint32_t failures;
        int64_t rest_until_ms, noted_ms;
    } rows[CIRCUIT_ROWS];
};
/* How long the action still rests; 0: it may be spoken to. */
int64_t circuit_rest_ms(const struct circuit *c, struct gr_str action, int64_t now_ms);
/* The outcome of an attempt. True: the action rests from now on. */
bool circuit_note(struct circuit *c, struct gr_str action, bool failed, int64_t now_ms);
/* The target asked for a pause. */
void circuit_pause(struct circuit *c, struct gr_str action, int64_t ms, int64_t now_ms);
#endif
