/* page.h - the status page: what a person on call sees in a browser, drawn by guardraild, without scripts.
 *
 *     /                 what is wrong, the releases that run (PAGE_RELEASES of them, the worst first), dead letters, guardraild's own state
 *     /status/N         the further ones
 *     /still            the same as /, without renewing itself
 *     /releases/ID      one release: phases, every verdict, breaches, steps, effects
 *
 * One job of the store reads all that a view shows, bounded (PAGE_* below) and by indexes; Prometheus is asked through board.h, which is
 * bounded and cached. So a view costs the daemon little, whoever looks. What is not known is drawn as "no data" and never as healthy. Each
 * colour stands beside a sign and a word. All text gets into a page by html.h.
 *
 * A browser proves the read role by HTTP Basic with the token as password, or by a client certificate: there are no cookies and no
 * sessions, and nothing that a page can reach changes anything (the links of link.h carry their own right). */
#ifndef GUARDRAIL_WEBHOOK_PAGE_H
#define GUARDRAIL_WEBHOOK_PAGE_H
#include "request.h"

#define PAGE_REFRESH_S 15
#define PAGE_RELEASES 8u      /* of one page in full */
#define PAGE_ACTIVE_MAX 2000u /* that are looked at, to find the worst */
#define PAGE_ENDED 8u         /* that are over, one a stream */
#define PAGE_BREACHES 12u     /* of one release on the first page */
#define PAGE_STEPS 24u        /* of one release on the first page */
#define PAGE_LETTERS 10u      /* dead letters; pages that nobody took */
#define PAGE_ROWS_MAX 200u    /* of each list of a release's own page */
#define PAGE_TEXT_BYTES 300u  /* of a text of others */
#define PAGE_MATRIX_ROWS 16u  /* guardrails of one release on the first page */
#define PAGE_MATRIX_COLUMNS 12u

route_fn page_overview, page_still, page_number, page_release;
/* page_link.c: an acknowledgement link is followed, and its form comes back. */
route_fn page_link_show, page_link_take;
/* Reads the keys that the configuration names (ack_links). */
struct link_keys;
GR_MUST_USE enum gr_err page_link_keys(const struct conf *conf, struct link_keys *keys);

/* A page that says what is wrong, in place of whatever was written. */
void page_error(struct request *q, int status, const char *text);
/* Headers and the beginning of a page; refresh_s: 0 for none. form: it has one, which goes to ourselves. */
struct page_head {
    const char *title;
    int refresh_s;
    bool form;
};
void page_begin(struct request *q, int status, const struct page_head *head);
void page_end(struct request *q);
#endif
