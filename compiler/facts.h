/* facts.h - everything that a specification means, flat and comparable: what compare.h works on.
 *
 * A fact is one aspect (aspects.def) with its value, as a number, a text or a list, with the text that people wrote and the place
 * where they did. What equals the default is left out, of a guardrail also what it has from the specification as a whole: so that a
 * change of a default is one fact, and not one for each guardrail. Limits are kept apart: one literal, and the slices of `expect` where
 * another one is effective, which is the tightest of the base limit and all overrides that apply.
 *
 * The facts of a compiled tree are its file guardrail/facts.json, without places (a comment must not change the output):
 *   {"format":1,"compiler":"guardrail 0.1.0","spec":…,"spec_hash":…,
 *    "facts":[{"key":"sampling","text":"2m","number":120000},{"key":"phases","items":["preflight",…]},
 *             {"key":"phases.traffic","of":"canary_phase_1/agency","text":"0.5%","number":0.005}…],
 *    "guardrails":[{"name":…,"facts":[…],"limits":[{"level":"hard","side":"upper","text":"+40%","number":1.4,
 *      "outside":…,"slices":[{"labels":{"venue":"XNAS"},"text":"+30%","number":1.3}]}]}…]}
 * Numbers: as in the model, durations in milliseconds, flags 0 or 1. A reader takes nothing on trust: see facts_read.
 * Everything lives in the arena; texts may be borrowed from the model. */
#ifndef GUARDRAIL_COMPILER_FACTS_H
#define GUARDRAIL_COMPILER_FACTS_H
#include "guardrail/diag.h"
#include "model.h"

#define FACTS_FORMAT 1
#define FACTS_BYTES_MAX (64u << 20)
#define FACTS_PATH "guardrail/facts.json" /* below a compiled tree */

enum aspect {
#define ASPECT(name, key, scope, type, parent, absent, less, more, differs) ASPECT_##name,
#include "aspects.def"
#undef ASPECT
    ASPECT_COUNT
};
enum fact_scope { SCOPE_SPEC, SCOPE_GUARDRAIL };
enum fact_type { TYPE_TEXT, TYPE_NUMBER, TYPE_FLAG, TYPE_SET, TYPE_LIST };
const char *aspect_key(enum aspect aspect);
enum fact_type aspect_type(enum aspect aspect);
enum fact_scope aspect_scope(enum aspect aspect);
const char *aspect_absent(enum aspect aspect); /* the text of a value that is not there; "": nothing */
enum aspect aspect_by_key(enum fact_scope scope, struct gr_str key); /* ASPECT_COUNT: there is none */

struct fact {
    enum aspect aspect;
    struct gr_str of;     /* which one: "canary_phase_1/agency" of phases.traffic; empty where there is one */
    struct gr_str text;   /* as people write it; empty for SET and LIST */
    struct gr_dec number; /* NUMBER and FLAG */
    struct strs items;    /* SET (sorted) and LIST */
    struct gr_span span;  /* the value in the specification, or the narrowest thing around it */
};
struct fact_slice {
    struct pairs labels; /* release and slice labels, and dynamic ones that an override names; sorted */
    struct gr_dec literal;
    struct gr_str text;
    struct gr_span span;
};
struct fact_limit {
    enum level level;
    enum side side;
    bool inclusive;
    bool
        partial; /* it is in force on the listed slices only, and outside `expect`; literal, text and span are those there */
    struct gr_dec literal; /* of every slice that is not listed */
    struct gr_str text;
    struct gr_span span;
    struct fact_slice *slices; /* sorted by labels; those with another literal */
    size_t n_slices;
    struct fact_slice outside; /* a slice that `expect` does not list: the tightest of all */
};
struct fact_guardrail {
    struct gr_str name;
    struct gr_span span;
    struct fact *v; /* sorted by aspect, then `of` */
    size_t n;
    struct fact_limit *limits; /* sorted by level, then side */
    size_t n_limits;
    struct strs where; /* labels that overrides distinguish: enough to name the slices of `limits` */
};
struct facts {
    struct gr_str spec, spec_hash;
    struct fact *v; /* of the specification as a whole; sorted by aspect, then `of` */
    size_t n;
    struct fact_guardrail *guardrails; /* in the order of the specification */
    size_t n_guardrails;
};

/* GR_ENOMEM. Linear in the model. */
GR_MUST_USE enum gr_err facts_of_model(struct gr_arena *a, const struct model *m, struct facts **out);
/* Appends the JSON above; same facts, same bytes. */
void facts_print(const struct facts *f, struct gr_buf *b);
/* Reads it back. GR_EUSER: it is none of ours, a finding (GR0610) says where; GR_ENOMEM. */
GR_MUST_USE enum gr_err facts_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                                   struct gr_diags *d, struct facts **out);
bool facts_same_items(const struct strs *a, const struct strs *b);
int facts_pairs_cmp(const struct pairs *a, const struct pairs *b); /* by key and value, shorter first */
/* The content of b, copied; b is emptied. A buffer that failed makes the arena one that failed. */
struct gr_str facts_keep(struct gr_arena *a, struct gr_buf *b);
/* The fact, or NULL. */
const struct fact *facts_find(const struct fact *v, size_t n, enum aspect aspect, struct gr_str of);
#endif
