#include "config.h"
#include "compare.h"

static const char *const kind_names[] = {
    [CHANGE_LOOSER] = "looser",     [CHANGE_REMOVED] = "removed", [CHANGE_SLOWER] = "slower",
    [CHANGE_REROUTED] = "rerouted", [CHANGE_CHANGED] = "changed", [CHANGE_FASTER] = "faster",
    [CHANGE_TIGHTER] = "tighter",   [CHANGE_ADDED] = "added",
};

const char *
change_kind_name(enum change_kind kind)
{
    return kind_names[kind];
}

enum gr_err
compare(struct gr_arena *a, const struct facts *from, const struct facts *to, struct changes *out)
{
    *out = (struct changes){.old_hash = from->spec_hash, .new_hash = to->spec_hash};
    return gr_arena_status(a);
}
