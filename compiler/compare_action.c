/* compare_action.c - lists of actions: what is lost, what stands in for it.
 *
 * What acts on the release has ranks: rollback and abort end it, halt stops it until somebody starts it again, hold stops it while the
 * breach lasts, extend makes it longer. What tells people has classes: pages, messages, tickets. An action that is lost is a
 * loosening unless one of its class (then the message goes elsewhere) or of a higher rank takes its place. */
#include "config.h"
#include "compare_parts.h"

enum role { ROLE_EXTEND, ROLE_HOLD, ROLE_HALT, ROLE_END, ROLE_PAGE, ROLE_MESSAGE, ROLE_TICKET };
static const struct {
    const char *name; /* of a built-in, or of a kind of action */
    enum role role;
} roles[] = {
    {"extend", ROLE_EXTEND}, {"hold", ROLE_HOLD},      {"halt", ROLE_HALT},     {"abort", ROLE_END},
    {"rollback", ROLE_END},  {"pagerduty", ROLE_PAGE}, {"opsgenie", ROLE_PAGE}, {"slack", ROLE_MESSAGE},
    {"http", ROLE_MESSAGE},  {"jira", ROLE_TICKET},    {"jsm", ROLE_PAGE},
};

static enum role
role_of(const struct facts *f, struct gr_str name)
{
    const struct fact *kind = facts_find(f->v, f->n, ASPECT_ACTION_KIND, name);

    if (kind)
        name = kind->text;
    for (size_t i = 0; i < GR_COUNT(roles); i++)
        if (gr_str_is(name, roles[i].name))
            return roles[i].role;
    return ROLE_MESSAGE;
}

/* Among `now`, leaving out those that `before` has too if new_ones: anything of this class, or for what acts on the release, of a
 * higher rank. */
static bool
stands_in(const struct facts *f, enum role role, const struct strs *now, const struct strs *before,
          bool new_ones)
{
    for (size_t i = 0; i < now->n; i++) {
        enum role other = role_of(f, now->v[i]);

        if (new_ones && items_have(before, now->v[i]))
            continue;
        if (other == role || (role < ROLE_END && other > role && other <= ROLE_END))
            return true;
    }
    return false;
}

/* Whether losing an action of this role loosens. What ends or halts a release outdoes hold and extend. */
static bool
loosens(const struct comparison *c, enum role role, const struct strs *before, const struct strs *after)
{
    if (role <= ROLE_HOLD && stands_in(c->to, ROLE_HALT, after, before, false))
        return false;
    return !stands_in(c->to, role, after, before, true);
}

bool
actions_aspect(enum aspect aspect)
{
    return (aspect >= ASPECT_ON_HARD_ALL && aspect <= ASPECT_ON_NO_DATA_ALL) ||
           (aspect >= ASPECT_ON_HARD && aspect <= ASPECT_ON_NO_DATA);
}

enum verdict
actions_verdict(const struct comparison *c, const struct strs *before, const struct strs *after)
{
    bool rerouted = false, replaced = false, stronger = false;

    for (size_t i = 0; i < before->n; i++) {
        enum role role = role_of(c->from, before->v[i]);

        if (items_have(after, before->v[i]))
            continue;
        if (loosens(c, role, before, after))
            return V_LOOSER;
        rerouted = rerouted || role >= ROLE_PAGE;
        replaced = replaced || role == ROLE_END;
    }
    if (replaced) /* by other programs: whether they undo as much, nobody can tell from their names */
        return V_UNPROVEN;
    for (size_t i = 0; i < after->n; i++)
        stronger = stronger || !items_have(before, after->v[i]);
    return rerouted ? V_REROUTED : stronger ? V_TIGHTER : V_CHANGED;
}
