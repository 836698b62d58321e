/* prove_equal.c - see prove_equal.h. */
#include "config.h"
#include "prove_equal.h"

static const struct {
    const char *rule;   /* the recorded series or alert; "" any */
    const char *change; /* how `what` begins */
    const char *part;   /* what the changed part holds; "" anything */
    const char *why;
} equals[] = {
    {"", "\x01", "", ""},
};

const char *
prove_equal(const struct gr_rule *rule, const struct mutate_change *change)
{
    for (size_t i = 0; i < GR_COUNT(equals); i++)
        if ((*equals[i].rule == '\0' || gr_str_is(rule->name, equals[i].rule)) &&
            gr_str_starts(change->what, gr_str(equals[i].change)) &&
            (*equals[i].part == '\0' ||
             gr_str_find(change->before, gr_str(equals[i].part), 0) < change->before.n))
            return equals[i].why;
    return NULL;
}
