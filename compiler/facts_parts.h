/* facts_parts.h - facts in the making: shared by facts*.c. */
#ifndef GUARDRAIL_COMPILER_FACTS_PARTS_H
#define GUARDRAIL_COMPILER_FACTS_PARTS_H
#include "facts.h"

struct facts_out {
    struct gr_arena *a; /* its status says whether anything failed */
    const struct model *m;
    struct fact *v;
    size_t n, cap;
    const struct gr_node *node; /* places are looked up below it; may be NULL */
    struct gr_span span;        /* where there is none */
};
/* Each adds one fact. path: the key below node, "evidence.min_total"; NULL: the aspect's own. What equals the aspect's `absent` is left
 * out, and so is an empty text or set. */
void facts_text(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path,
                struct gr_str text);
void facts_number(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path,
                  struct gr_dec number, struct gr_str text);
void facts_ms(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, int64_t ms);
void facts_count(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, int64_t count);
void facts_flag(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path, bool on);
/* SET: a sorted copy without doubles; LIST: as it is. */
void facts_items(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path,
                 struct strs items);
/* A set that says that it is empty. */
void facts_none(struct facts_out *o, enum aspect aspect, struct gr_str of, const char *path);
/* "50%" of a ratio. */
struct gr_str facts_percent(struct gr_arena *a, struct gr_dec ratio);
struct gr_str facts_dec(struct gr_arena *a, struct gr_dec v);
/* Brings them in order. */
void facts_sort(struct fact *v, size_t n);

int64_t facts_reaction_target(const struct model *m); /* the specification's own; 0: none */
void facts_spec(struct facts_out *o);                 /* facts_spec.c */
/* defaults: of facts_spec. GR_ENOMEM. */
GR_MUST_USE enum gr_err facts_guardrail(struct gr_arena *a, const struct model *m, uint32_t default_phases,
                                        const struct guardrail *g, struct fact_guardrail *out);
uint32_t facts_default_phases(const struct model *m);
/* JSON of one guardrail, and what stands before and behind the list (facts_json.c). */
void facts_print_head(struct gr_buf *b, struct gr_str spec, struct gr_str hash, const struct fact *v,
                      size_t n);
void facts_print_guardrail(struct gr_buf *b, const struct fact_guardrail *g, bool first);
void facts_print_tail(struct gr_buf *b);
#endif
