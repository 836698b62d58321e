/* spec_parts.h - the reader's state, how parts of a document are fetched, and the readers of its parts.
 *
 * keys_check() has been over the document before any of these run. So a fetched value is well-formed, or it
 * is absent, or it was wrong and reported; in the last two cases a getter gives its neutral value (0, empty,
 * NULL) and whoever builds on it stays silent. */
#ifndef GUARDRAIL_COMPILER_SPEC_PARTS_H
#define GUARDRAIL_COMPILER_SPEC_PARTS_H
#include "marks.h"
#include "spec.h"
#include "spec_keys.h"

/* Of one guardrail, while it is read: where it stands and which of its parts later checks may build on. */
struct draft {
    struct guardrail *g;
    const struct gr_node *node, *metric, *limit;
    bool metric_ok, limit_ok, slices_ok, phases_ok, only_ok;
    bool evidence_stated;             /* its kind */
    struct gr_promql_labels inferred; /* what the result of a promql metric carries */
    bool has_inferred;
};
struct spec {
    struct gr_arena *a;
    struct gr_sources *sources;
    struct gr_diags *d;
    struct spec_options options;
    struct model *m;
    const struct gr_node *root;
    struct marks bad;     /* the poisoned values */
    bool partial;         /* keys may be missing: half a document, or an overlay */
    bool overlay;         /* keys of overlays are at home here: waiver, remove */
    bool no_flows_told;   /* that a phase has shares of flows and there are none, at the first */
    bool no_traffic_told; /* that no phase has traffic, at the first guardrail that misses it */
    bool phases_ok, order_ok, expect_ok, flows_ok, dynamic_ok, labels_ok, actions_ok;
    struct draft *drafts; /* one per guardrail */
};

/* ---- fetching (spec_value.c) ---- */
void spec_poison(struct spec *s, const struct gr_node *node);
bool spec_poisoned(const struct spec *s, const struct gr_node *node);
/* The entry, or NULL when it is absent or poisoned. */
const struct gr_node *spec_get(const struct spec *s, const struct gr_node *map, const char *key);
/* It is written, right or wrong. */
bool spec_has(const struct gr_node *map, const char *key);
struct gr_str spec_text(const struct spec *s, const struct gr_node *map, const char *key);
/* ms; `absent` when it is not written, 0 when it is wrong. */
int64_t spec_duration(const struct spec *s, const struct gr_node *map, const char *key, int64_t absent);
bool spec_bool(const struct spec *s, const struct gr_node *map, const char *key, bool absent);
uint32_t spec_count(const struct spec *s, const struct gr_node *map, const char *key, uint32_t absent);
struct gr_dec spec_number(const struct spec *s, const struct gr_node *map, const char *key);
struct gr_dec spec_share(const struct spec *s, const struct gr_node *map, const char *key);
/* The index of the text among the choices; `absent` when it is not written, -1 when it is wrong. */
int spec_choice(const struct spec *s, const struct gr_node *map, const char *key, const char *const *choices,
                int absent);
/* A list of texts, or one text. Wrong entries are left out. */
struct strs spec_texts(struct spec *s, const struct gr_node *map, const char *key);
struct strs spec_node_texts(struct spec *s, const struct gr_node *node);
/* The narrowest place that says which entry of a list or mapping this is: its key, its `name`, its first
 * key. */
struct gr_span spec_head(const struct gr_node *node);
/* Bytes [start, end) of a scalar's text, where they stand in the file; the whole value where that cannot be
 * told. */
struct gr_span spec_within(const struct spec *s, const struct gr_node *node, size_t start, size_t end);
/* The ratio of a share or floor: "0.5%" is 0.005. */
GR_MUST_USE enum gr_err spec_ratio(struct gr_str text, struct gr_dec *out);

/* ---- small sets of names (spec_value.c) ---- */
bool strs_has(const struct strs *set, struct gr_str s);
void strs_sort(struct strs *set);
/* Adds unless it is there; false without memory. Only to sets that began empty (others have no room to
 * grow). */
bool strs_add(struct spec *s, struct strs *set, struct gr_str text);
struct gr_str strs_nearest(const struct strs *set, struct gr_str s);
/* Reports and poisons a list or mapping of more than max entries (what: "labels"), so that nobody walks it n² times. */
bool spec_too_many(struct spec *s, const struct gr_node *list, size_t max, const char *what);
/* "a, b, c", at most 12 of them. */
struct gr_str strs_list(struct spec *s, const struct strs *set);
/* "1h30m", for messages and fixes. */
struct gr_str spec_time(struct spec *s, int64_t ms);
/* More findings than are kept: their texts need not be made. */
bool spec_enough(const struct spec *s);
/* `did you mean "x"?`, or `known are: …` (what: "phases"), or `there are none`. */
struct gr_str spec_suggest(struct spec *s, struct gr_str name, const struct strs *known, const char *what);
void pairs_sort(struct pairs *p);
/* The value of a key, or NULL. */
const struct gr_str *pairs_get(const struct pairs *p, struct gr_str key);
/* Finds names that stand twice (GR0106): remembers nodes by text. */
struct names {
    const struct gr_node **slots;
    size_t cap;
};
GR_MUST_USE bool names_init(struct spec *s, struct names *set, size_t count);
/* Adds a scalar by its text, or an entry of a mapping by its key; the earlier one of the same name, or NULL. */
const struct gr_node *names_add(struct names *set, const struct gr_node *node);
const struct gr_node *names_add_key(struct names *set, const struct gr_node *entry);
/* Reports entries of a list of scalars that stand twice, and poisons the later ones. */
void spec_refuse_twice(struct spec *s, const struct gr_node *list, const char *what);
/* The same for the entries `name` of a list of mappings. */
void spec_refuse_same_names(struct spec *s, const struct gr_node *list, const char *what);

/* ---- the parts, in this order ---- */
void read_release(struct spec *s);    /* release, cohorts, flows, dynamic_slices: spec_release.c */
void read_expect(struct spec *s);     /* spec_expect.c */
void read_phases(struct spec *s);     /* spec_phases.c */
void read_actions(struct spec *s);    /* spec_actions.c */
void read_on_enter(struct spec *s);   /* spec_enter.c */
void read_guardrails(struct spec *s); /* spec_guardrail.c */
void read_kubernetes(struct spec *s); /* spec_kubernetes.c */
void read_deploy(struct spec *s);     /* deploy; after phases and flows: spec_kubernetes.c */
void check_idle(struct spec *s);      /* what would have no effect: spec_idle.c */
void check_spec(struct spec *s);      /* what only the whole can tell: spec_check.c */
void check_reactions(struct spec *s); /* reaction_target: spec_reaction.c */
/* Of one guardrail: */
void read_metric(struct spec *s, struct draft *d);    /* spec_metric.c */
void read_only(struct spec *s, struct draft *d);      /* spec_slices.c */
void read_slices(struct spec *s, struct draft *d);    /* compare_within, slice, expected: spec_slices.c */
void read_limit(struct spec *s, struct draft *d);     /* spec_limit.c */
void read_overrides(struct spec *s, struct draft *d); /* spec_override.c */
void read_evidence(struct spec *s, struct draft *d);  /* spec_evidence.c */
void read_guardrail_phases(struct spec *s, struct draft *d); /* phases, window: spec_phases.c */
/* One quantity of a limit (spec_limit.c): adds one bound, or two for ±, to `bounds`; false if it was
 * refused. */
struct bounds {
    struct bound *v;
    size_t n;
};
/* Hard before soft, upper before lower before backstop. */
void sort_bounds(struct bounds *b);
bool read_bound(struct spec *s, const struct draft *d, enum level level, bool backstop,
                const struct gr_node *value, struct bounds *out);

/* Programs and placeholders (spec_program.c). */
enum placeholders {
    PLACEHOLDERS_RELEASE,
    PLACEHOLDERS_BREACH, /* also {guardrail} */
    PLACEHOLDERS_TRAFFIC /* also {traffic_share} */
};
bool read_program(struct spec *s, const struct gr_node *map, enum placeholders allowed, struct program *out);
struct strs read_argv(struct spec *s, const struct gr_node *list, enum placeholders allowed);
/* Reports unknown {placeholders} of a text. */
bool check_placeholders(struct spec *s, const struct gr_node *text, const struct strs *known);
struct strs known_placeholders(struct spec *s, enum placeholders allowed);

/* Values that a label can have by `expect` and `flows`; false: the label is unknown there. n == 0: not
 * enumerated. */
bool label_values(struct spec *s, struct gr_str label, struct strs *values);
/* Reports a value that `expect` does not have for this label (GR0302 for the flow label, else GR0105). */
bool check_label_value(struct spec *s, struct gr_str label, const struct gr_node *value);
/* Infers what the result of a promql metric carries (spec_promql.c). False: it can have no series (reported), or there is no memory. */
bool spec_infer(struct spec *s, struct draft *d);
/* The metric is known not to carry this label: by `labels:`, or by the expression itself. */
bool metric_lacks(const struct draft *d, struct gr_str label);

/* One document, all of its keys and what they mean: spec.c. GR_OK, GR_EUSER, GR_ENOMEM. */
GR_MUST_USE enum gr_err spec_document(const struct spec *of, const struct gr_node *root, struct gr_diags *d,
                                      struct model **out);
/* Several, each adapting the one behind it: overlay.c. */
GR_MUST_USE enum gr_err read_overlays(struct spec *s, const struct loaded *files, struct model **out);
/* spec_hash.c: of the meaning. GR_ENOMEM. */
GR_MUST_USE enum gr_err spec_hash(struct spec *s, const struct gr_node *root, struct gr_str *out);
#endif
