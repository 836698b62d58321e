/* compare_parts.h - a comparison under way, and the aspects that need more than the table of aspects.def. */
#ifndef GUARDRAIL_COMPILER_COMPARE_PARTS_H
#define GUARDRAIL_COMPILER_COMPARE_PARTS_H
#include "compare.h"

enum {
    VERDICT_KIND = 15, /* enum change_kind */
    LOOSENS = 16,
    COVERAGE = 32,
    UNPROVEN = 64
};
/* What aspects.def speaks of. */
enum verdict {
    V_LOOSER = (int)CHANGE_LOOSER | LOOSENS,
    V_UNCOVERED = (int)CHANGE_LOOSER | LOOSENS | COVERAGE, /* something is not looked at any more */
    V_REMOVED = (int)CHANGE_REMOVED | LOOSENS | COVERAGE,
    V_GONE = (int)CHANGE_REMOVED, /* what used it says what that means */
    V_SLOWER = (int)CHANGE_SLOWER | LOOSENS,
    V_DILUTED = (int)CHANGE_SLOWER, /* slower, but only by what follows from other changes */
    V_REROUTED = (int)CHANGE_REROUTED,
    V_CHANGED = (int)CHANGE_CHANGED,
    V_UNPROVEN = (int)CHANGE_CHANGED | UNPROVEN,
    V_FASTER = (int)CHANGE_FASTER,
    V_TIGHTER = (int)CHANGE_TIGHTER,
    V_ADDED = (int)CHANGE_ADDED
};
struct comparison {
    struct gr_arena *a;
    const struct facts *from, *to;
    const struct fact_guardrail *old_g, *new_g; /* NULL: the specification as a whole */
    bool mandatory;
    enum aspect aspect; /* at work */
    uint32_t place;     /* of the guardrail at work among all; 0: the specification */
    struct change *v;
    size_t n, cap;
};
/* less (-1), more (1) or differs (0) of the table. */
enum verdict verdict_of(enum aspect aspect, int direction);
/* A new change about the guardrail at work; NULL without memory. */
struct change *tell(struct comparison *c, enum aspect aspect, enum verdict verdict);
void tell_pair(struct comparison *c, enum aspect aspect, enum verdict verdict, const struct fact *old,
               const struct fact *new, struct gr_str before, struct gr_str after);
bool items_have(const struct strs *items, struct gr_str s);

/* compare_limit.c */
void compare_limits(struct comparison *c);
enum verdict floor_verdict(const struct comparison *c, int direction);
/* "hard +40%, soft +25%" */
struct gr_str limits_text(struct comparison *c, const struct fact_guardrail *g);

/* compare_time.c */
void compare_window(struct comparison *c);
void compare_confirm(struct comparison *c, enum aspect aspect, struct gr_str before, struct gr_str after,
                     const struct fact *old, const struct fact *new);
/* olds: the old guardrails by name. */
void compare_reactions(struct comparison *c, const struct fact_guardrail **olds);
bool max_follows_min(const struct comparison *c, struct gr_str phase);

/* compare_action.c */
bool actions_aspect(enum aspect aspect); /* on.hard and its like */
enum verdict actions_verdict(const struct comparison *c, const struct strs *before, const struct strs *after);
#endif
