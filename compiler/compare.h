/* compare.h - what changed between two specifications, in their meaning, and whether that is for the better.
 *
 * One edit gives one change, as far as that can be: what a guardrail has from the specification as a whole is told once, and a limit
 * that changes equally for several slices is one change. docs/diff.md says for each aspect which direction is which, and why.
 *
 * `loosens` is the question that the exit code, change logs and overlays ask: a breach that the old specification acts on may not be
 * acted on by the new one, or later, or with less; or something is no longer looked at (`coverage`). Kind `slower` loosens too, a
 * limit that needs more proof is a wider limit; except where it only follows from other changes (more tests share one budget, a
 * longer phase). `unproven` says that old and new cannot be compared: another metric, another cohort, another kind of limit. Such a
 * change is neither looser nor tighter; whoever must not be loosened (an overlay of a mandatory guardrail) has to refuse it. */
#ifndef GUARDRAIL_COMPILER_COMPARE_H
#define GUARDRAIL_COMPILER_COMPARE_H
#include "facts.h"

enum change_kind {
    CHANGE_LOOSER,
    CHANGE_REMOVED,
    CHANGE_SLOWER,
    CHANGE_REROUTED,
    CHANGE_CHANGED, /* neither better nor worse, or not known */
    CHANGE_FASTER,
    CHANGE_TIGHTER,
    CHANGE_ADDED,
    CHANGE_KINDS
};
const char *change_kind_name(enum change_kind kind); /* "looser" … */

enum change_where {
    WHERE_ALL,    /* everywhere */
    WHERE_OTHERS, /* the slices of `expect` that no other change of this limit names */
    WHERE_SLICES, /* those listed */
    WHERE_OUTSIDE /* slices that `expect` does not list */
};
struct change {
    enum change_kind kind;
    bool loosens, coverage, unproven;
    struct gr_str guardrail; /* empty: the specification as a whole */
    bool mandatory;          /* the guardrail was, in the old one */
    enum aspect aspect;
    /* The path of the key, as it stands below the guardrail or the specification: "limit.hard", "overrides.hard", "window", "on.hard",
     * "phases.min_duration", "guardrails" (all of it). */
    struct gr_str key;
    struct gr_str of; /* which phase, action …; empty where there is one */
    bool has_side;    /* level and side are set: limits */
    bool both_sides;  /* upper and lower alike, as of ±5bps */
    enum level level;
    enum side side;
    enum change_where where; /* limits; else WHERE_ALL */
    struct pairs *slices;    /* WHERE_SLICES: the labels that tell them from others */
    size_t n_slices;
    bool outside;                /* WHERE_SLICES: those outside `expect` too */
    struct gr_str before, after; /* as people write it; empty: there is none */
    struct gr_span old_place, new_place;
    uint64_t order; /* they are sorted by it */
};
struct changes {
    struct change *
        v; /* by guardrail (those of the whole first, then in the order of the new specification, then what is gone), then by aspect */
    size_t n;
    size_t count[CHANGE_KINDS];
    size_t loosens, coverage, unproven;
    size_t guardrails_added, guardrails_removed;
    struct gr_str old_hash, new_hash; /* of the specifications */
    struct gr_str old_key, new_key;   /* for the change log: the hashes, and what waivers in force state */
};
/* GR_ENOMEM. Linear but for sorting guardrails by name. Spans are those of the facts: keep both specifications in one gr_sources. */
GR_MUST_USE enum gr_err compare(struct gr_arena *a, const struct facts *from, const struct facts *to,
                                struct changes *out);
#endif
