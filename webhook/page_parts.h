/* page_parts.h - the pieces that pages are made of. Private to page*.c. Each appends markup; foreign text goes through html.h. */
#ifndef GUARDRAIL_WEBHOOK_PAGE_PARTS_H
#define GUARDRAIL_WEBHOOK_PAGE_PARTS_H
#include "html.h"
#include "page.h"
#include "page_data.h"
#include "board.h"

/* A colour never stands alone: class, sign and words. */
struct sign {
    const char *class, *sign, *words;
};
extern const struct sign page_moods[MOODS]; /* of ended ones: page_state_sign */
struct sign page_state_sign(enum release_state state);
struct sign page_level_sign(struct gr_str level);
void part_sign(struct gr_buf *b, struct sign s);
/* The same with other words. */
void part_chip(struct gr_buf *b, const char *class, const char *sign, const char *words);
/* <div class="scroll"><table>, with a caption that names it for everybody, and column heads up to NULL. Lists end with part_table_end. */
void part_table(struct gr_buf *b, const char *caption, const char *const *heads);
/* shown of total: what is left out is said. */
void part_table_end(struct gr_buf *b, size_t shown, int64_t total);

void part_phases(struct gr_buf *b, const struct page_one *o, int64_t now_ms);
void part_notices(struct gr_buf *b, const struct page_data *d, const struct page_one *o);
void part_facts(struct gr_buf *b, const struct page_one *o, int64_t now_ms);
void part_breaches(struct gr_buf *b, const struct page_one *o, int64_t now_ms, bool all);
void part_steps(struct gr_buf *b, const struct page_one *o, int64_t now_ms, bool all);
/* Dead letters, pages, or the effects of one release. */
enum part_effects { EFFECTS_LETTERS, EFFECTS_UNTAKEN, EFFECTS_ALL };
void part_effects(struct gr_buf *b, const struct page_effect *v, size_t count, int64_t total,
                  enum part_effects what, int64_t now_ms);
/* The matrix: a row for each guardrail, a column for each value of the label that most slices have (a venue, say). all: every guardrail;
 * else those that are not healthy, and as many others as there is room for. The arena takes what is needed on the way. */
void part_verdicts(struct gr_buf *b, struct gr_arena *a, const struct verdicts *v, bool all, int64_t now_ms);
#endif
