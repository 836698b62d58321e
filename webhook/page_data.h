/* page_data.h - what one view of the status page shows, read by one job of the store. Private to page*.c. Texts live in the arena. */
#ifndef GUARDRAIL_WEBHOOK_PAGE_DATA_H
#define GUARDRAIL_WEBHOOK_PAGE_DATA_H
#include "app.h"
#include "page.h"
#include "release.h"

/* How urgent a release is; the page begins with the greatest. */
enum page_mood {
    MOOD_ENDED,
    MOOD_RUNS,
    MOOD_HELD,
    MOOD_NO_DATA,
    MOOD_SOFT,
    MOOD_WAITS, /* for a person's answer */
    MOOD_HARD,
    MOOD_HALTED,
    MOOD_ROLLS_BACK,
    MOODS
};
struct page_phase {
    struct gr_str name, approver, note;
    int64_t entered_ms, left_ms; /* left 0: it stands there */
    bool override;
};
struct page_breach {
    struct gr_str guardrail, level, slice, phase, acked_by;
    int64_t opened_ms, seen_ms;
    bool open, reviewed;
};
struct page_step {
    struct gr_str name, command, state, detail;
    int64_t effect_id, attempt, started_ms, ended_ms;
};
struct page_effect {
    struct gr_str kind, action, state, error, reason, guardrail, level, deployment_id, acked_by;
    int64_t id, attempts, created_ms, done_ms, escalate_ms;
};
#define PAGE_LIST(type)                                                                                      \
    struct {                                                                                                 \
        struct type *v;                                                                                      \
        size_t count, cap;                                                                                   \
        int64_t total; /* that there are; more than count: the rest is not shown */                          \
    }
struct page_one {
    struct release release;
    enum page_mood mood;
    PAGE_LIST(page_phase) phases; /* in the order in which they were entered */
    PAGE_LIST(page_breach) breaches;
    PAGE_LIST(page_step) steps;
    PAGE_LIST(page_effect) effects;
};
/* One line of a release that is not shown in full. */
struct page_brief {
    int64_t id, started_ms, ended_ms;
    struct gr_str deployment_id, stream, phase;
    enum release_state state;
    enum page_mood mood;
};
struct page_data {
    struct app *app;
    struct gr_arena *arena;
    int64_t now_ms;
    /* asked for */
    struct gr_str deployment_id; /* empty: the overview */
    size_t from;                 /* of the active ones */
    /* found */
    PAGE_LIST(page_brief) active; /* the most urgent first */
    PAGE_LIST(page_brief) ended;
    PAGE_LIST(page_one) shown;
    PAGE_LIST(page_effect) letters, untaken;
    int64_t moods[MOODS], open_breaches, waiting, oldest_waiting_ms;
    uint32_t storm_streams;
};
/* The job. GR_ENOENT: no such deployment. May run again: it forgets what it found before. */
GR_MUST_USE enum gr_err page_read(struct db *db, void *data);
#endif
