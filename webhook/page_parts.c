#include "config.h"
#include "page_parts.h"

#include <inttypes.h>

const struct sign page_moods[MOODS] = {
    [MOOD_ENDED] = {"calm", "■", "ended"},
    [MOOD_RUNS] = {"calm", "●", "running"},
    [MOOD_HELD] = {"warn", "‖", "held"},
    [MOOD_NO_DATA] = {"unknown", "–", "running, no data"},
    [MOOD_SOFT] = {"warn", "!", "soft breach"},
    [MOOD_WAITS] = {"bad", "?", "waits for a person"},
    [MOOD_HARD] = {"bad", "✕", "hard breach"},
    [MOOD_HALTED] = {"bad", "■", "halted"},
    [MOOD_ROLLS_BACK] = {"bad", "⟲", "rolling back"},
};

struct sign
page_state_sign(enum release_state state)
{
    if (state == RELEASE_SEALED)
        return (struct sign){"good", "✓", "general availability"};
    if (state == RELEASE_ROLLED_BACK)
        return (struct sign){"warn", "⟲", "rolled back"};
    if (state == RELEASE_ABORTED)
        return (struct sign){"warn", "✕", "aborted"};
    return (struct sign){"calm", "●", release_state_name(state)};
}

struct sign
page_level_sign(struct gr_str level)
{
    if (gr_str_is(level, "hard"))
        return (struct sign){"bad", "✕", "hard"};
    if (gr_str_is(level, "soft"))
        return (struct sign){"warn", "!", "soft"};
    if (gr_str_is(level, "no_data"))
        return (struct sign){"unknown", "–", "no data"};
    return (struct sign){"unknown", "?", "unknown"};
}

void
part_chip(struct gr_buf *b, const char *class, const char *sign, const char *words)
{
    html_put(b, "<span class=\"chip %s\"><span aria-hidden=\"true\">%s</span> %s</span>", class, sign, words);
}

void
part_sign(struct gr_buf *b, struct sign s)
{
    part_chip(b, s.class, s.sign, s.words);
}

void
part_table(struct gr_buf *b, const char *caption, const char *const *heads)
{
    html_put(b,
             "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n<table "
             "class=\"list\">\n"
             "<caption>%s</caption>\n<thead><tr>",
             caption, caption);
    for (; *heads; heads++)
        html_put(b, "<th scope=\"col\">%s</th>", *heads);
    html_put(b, "</tr></thead>\n<tbody>\n");
}

void
part_table_end(struct gr_buf *b, size_t shown, int64_t total)
{
    html_put(b, "</tbody>\n</table>\n</div>\n");
    if (total > (int64_t)shown)
        html_put(b, "<p class=\"soft\">and %" PRId64 " more</p>\n", total - (int64_t)shown);
}

/* "14:05:09, 3 min ago" */
static void
put_ago(struct gr_buf *b, int64_t ms, int64_t now_ms)
{
    html_time(b, ms, now_ms);
    if (ms == 0)
        return;
    html_put(b, " <span class=\"soft\">");
    html_span(b, now_ms - ms);
    html_put(b, " ago</span>");
}

/* ---- phases ---- */

/* One phase as it was, is, or will be. */
struct stay {
    struct gr_str name;
    const struct page_phase *entry; /* NULL: not entered */
    bool now;
    int64_t least_ms, ripe_ms; /* the minimum; when it is over, extensions included; 0: unknown */
    int64_t late_ms;           /* when its maximum is over; 0: none */
    bool runs;                 /* a promotion is possible one day */
};

/* Thousandths of the bar's length. */
static int64_t
at(int64_t part_ms, int64_t whole_ms)
{
    return whole_ms <= 0 ? 0 : part_ms >= whole_ms ? 1000 : part_ms <= 0 ? 0 : part_ms * 1000 / whole_ms;
}

/*  |=========|- - - |        elapsed; the least it takes; what a soft breach added; now
 * Lengths are of this phase alone: all of it is as long as the longest of them. What it shows stands beside it in words. */
static void
put_bar(struct gr_buf *b, const struct stay *s, int64_t now_ms)
{
    int64_t from = s->entry ? s->entry->entered_ms : 0, until = s->entry && s->entry->left_ms
                                                                    ? s->entry->left_ms
                                                                : s->now ? now_ms
                                                                         : from;
    int64_t elapsed = until - from, least = s->least_ms, ripe = s->ripe_ms > from ? s->ripe_ms - from : least;
    int64_t whole = elapsed > ripe ? elapsed : ripe;

    if (whole < least)
        whole = least;
    html_put(b,
             "<svg class=\"bar\" viewBox=\"0 0 1000 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
             "focusable=\"false\"><rect class=\"track\" x=\"0\" y=\"4\" width=\"1000\" height=\"8\"/>");
    if (s->entry)
        html_put(b, "<rect class=\"elapsed\" x=\"0\" y=\"4\" width=\"%" PRId64 "\" height=\"8\"/>",
                 elapsed > 0 && whole > 0 ? at(elapsed, whole)
                 : s->entry->left_ms      ? INT64_C(1000)
                                          : 0);
    if (ripe > least)
        html_put(b, "<rect class=\"more\" x=\"%" PRId64 "\" y=\"2\" width=\"%" PRId64 "\" height=\"12\"/>",
                 at(least, whole), at(ripe, whole) - at(least, whole));
    if (least > 0 && s->entry)
        html_put(b, "<line class=\"least\" x1=\"%" PRId64 "\" y1=\"0\" x2=\"%" PRId64 "\" y2=\"16\"/>",
                 at(least, whole), at(least, whole));
    if (s->now)
        html_put(b, "<line class=\"mark\" x1=\"%" PRId64 "\" y1=\"0\" x2=\"%" PRId64 "\" y2=\"16\"/>",
                 at(elapsed, whole), at(elapsed, whole));
    html_put(b, "</svg>");
}

static void
put_stay(struct gr_buf *b, const struct stay *s, int64_t now_ms)
{
    int64_t least = s->least_ms;

    if (s->now)
        html_put(b, "<li class=\"now\" aria-current=\"step\">");
    else
        html_put(b, "<li class=\"%s\">", s->entry ? "done" : "todo");
    html_put(b, "<span aria-hidden=\"true\">%s</span> ", s->now ? "▸" : s->entry ? "✓" : "○");
    html_cut(b, s->name, PAGE_TEXT_BYTES);
    put_bar(b, s, now_ms);
    html_put(b, "<span class=\"soft\">");
    if (!s->entry) {
        html_put(b, "to come");
        if (least > 0) {
            html_put(b, ", at least ");
            html_span(b, least);
        }
    } else {
        html_time(b, s->entry->entered_ms, now_ms);
        html_put(b, s->now ? ", for " : " – ");
        if (s->now)
            html_span(b, now_ms - s->entry->entered_ms);
        else
            html_time(b, s->entry->left_ms, now_ms);
        if (s->now && least > 0) {
            html_put(b, " of at least ");
            html_span(b, least);
        }
        if (s->now && s->ripe_ms > s->entry->entered_ms + least && least > 0)
            html_put(b, ", extended by a soft breach");
        if (s->now && s->runs && s->ripe_ms > 0 && least > 0) {
            html_put(b, s->ripe_ms > now_ms ? "; earliest promotion " : "; ripe since ");
            html_time(b, s->ripe_ms, now_ms);
        }
        if (s->now && s->late_ms > 0 && now_ms > s->late_ms) {
            html_put(b, "; past its maximum since ");
            html_time(b, s->late_ms, now_ms);
        }
        if (s->entry->override)
            html_put(b, "; the gate was overridden");
    }
    html_put(b, "</span></li>\n");
}

static const struct page_phase *
entry_of(const struct page_one *o, struct gr_str name)
{
    for (size_t i = o->phases.count; i > 0; i--)
        if (gr_str_eq(o->phases.v[i - 1].name, name))
            return &o->phases.v[i - 1];
    return NULL;
}

void
part_phases(struct gr_buf *b, const struct page_one *o, int64_t now_ms)
{
    const struct release *r = &o->release;
    bool active = release_state_active(r->state);
    size_t count = r->policy ? r->policy->phase_count : o->phases.count;

    html_put(b, "<ol class=\"phases\" aria-label=\"Phases\">\n");
    for (size_t i = 0; i < count; i++) {
        const struct policy_phase *row = r->policy ? &r->policy->phases[i] : NULL;
        struct stay s = {.name = row ? row->name : o->phases.v[i].name};

        s.entry = row ? entry_of(o, row->name) : &o->phases.v[i];
        s.now = active && s.entry && s.entry->left_ms == 0 && gr_str_is(s.name, r->phase);
        s.least_ms = row ? row->min_duration_ms : 0;
        if (s.now && row) {
            s.runs = r->state == RELEASE_RUNNING;
            if (release_deviates(r) && r->dev_min_ms > 0)
                s.least_ms = r->dev_min_ms;
            if (s.least_ms > 0)
                s.ripe_ms = release_ripe_ms(r);
            if (row->max_duration_ms > 0)
                s.late_ms = release_late_ms(r);
        }
        put_stay(b, &s, now_ms);
    }
    html_put(b, "</ol>\n");
}

/* ---- facts and notices ---- */

void
part_facts(struct gr_buf *b, const struct page_one *o, int64_t now_ms)
{
    const struct release *r = &o->release;
    struct gr_buf stream = GR_BUF_INIT(1 << 20);

    if (r->stream_row)
        labels_print(&stream, *r->stream_row);
    else
        gr_buf_puts(&stream, r->stream);
    html_put(b, "<p>");
    html_cut(b, gr_buf_str(&stream), PAGE_TEXT_BYTES);
    if (gr_buf_err(&stream) != GR_OK)
        b->err = gr_buf_err(&stream);
    gr_buf_fini(&stream);
    if (r->policy && r->phase_row)
        html_put(b, " · phase %zu of %zu, %s", r->phase_row->index + 1, r->policy->phase_count, r->phase);
    html_put(b, " · started ");
    put_ago(b, r->started_ms, now_ms);
    if (r->ended_ms) {
        html_put(b, " · ended ");
        put_ago(b, r->ended_ms, now_ms);
    }
    for (size_t i = 0; r->phase_row && release_state_active(r->state) && i < r->phase_row->traffic_count;
         i++) {
        int64_t hundredths =
            (int64_t)(release_share(r, r->phase_row, &r->phase_row->traffic[i]) * 10000 + 0.5);

        html_put(b, i == 0 ? " · planned traffic " : ", ");
        html_cut(b, r->phase_row->traffic[i].flow, PAGE_TEXT_BYTES);
        html_put(b, "%s%" PRId64, r->phase_row->traffic[i].flow.n ? " " : "", hundredths / 100);
        if (hundredths % 100)
            html_put(b, ".%s%" PRId64, hundredths % 100 < 10 ? "0" : "",
                     hundredths % 10 ? hundredths % 100 : hundredths % 100 / 10);
        html_put(b, " %%");
    }
    html_put(b, "</p>\n");
}

static void
notice(struct gr_buf *b, const char *class, const char *sign, const char *words)
{
    html_put(b, "<li>");
    part_chip(b, class, sign, words);
    html_put(b, " ");
}

static void
put_hold(struct gr_buf *b, const struct release *r, int64_t now_ms)
{
    notice(b, "warn", "‖", "held");
    html_put(b, "no rollback and no promotion, by %s", r->hold_by[0] ? r->hold_by : "guardraild");
    if (r->hold_until_ms) {
        html_put(b, " until ");
        html_time(b, r->hold_until_ms, now_ms);
        html_put(b, " (");
        html_span(b, r->hold_until_ms - now_ms);
        html_put(b, " left)");
    }
    html_put(b, ": %s</li>\n", r->hold_reason);
}

void
part_notices(struct gr_buf *b, const struct page_data *d, const struct page_one *o)
{
    const struct release *r = &o->release;
    const char *id = r->deployment_id;

    if (!release_state_active(r->state))
        return;
    html_put(b, "<ul class=\"plain\">\n");
    if (r->halt_reason[0]) {
        notice(b, "bad", "■", "halted");
        html_put(b, "%s</li>\n", r->halt_reason);
    }
    if (r->confirm_by_ms > 0) {
        notice(b, "bad", "?", "waits for a person");
        html_put(b, "a rollback or abort, until ");
        html_time(b, r->confirm_by_ms, d->now_ms);
        html_put(b, ": <code>guardrailctl release confirm %s</code>, or <code>deny</code></li>\n", id);
    }
    if (r->held)
        put_hold(b, r, d->now_ms);
    if (r->promotion_hold[0]) {
        notice(b, "warn", "‖", "promotion held");
        html_put(b, "%s</li>\n", r->promotion_hold);
    }
    if (release_overridden(r, d->now_ms)) {
        notice(b, "warn", "!", "gate overridden");
        html_put(b, "by %s until ", r->override_by);
        html_time(b, r->override_until_ms, d->now_ms);
        html_put(b, ": %s</li>\n", r->override_reason);
    }
    if (r->entering[0]) {
        notice(b, "calm", "●", "entering");
        html_put(b, "the traffic split of %s is being applied</li>\n", r->entering);
    }
    if (release_deviates(r)) {
        notice(b, "warn", "!", "off the schedule");
        html_put(b, "by %s", r->dev_by);
        if (r->dev_min_ms > 0) {
            html_put(b, "; lasts at least ");
            html_span(b, r->dev_min_ms);
        }
        html_put(b, "%s%s%s</li>\n", r->dev_next[0] ? "; followed by " : "", r->dev_next,
                 r->dev_share[0] ? "; with other shares of traffic" : "");
    }
    if (r->spent && r->state != RELEASE_ROLLING_BACK && r->confirm_by_ms == 0 && app_acts(d->app)) {
        notice(b, "bad", "✕", "not armed");
        html_put(b, "no further rollback begins by itself: <code>guardrailctl release rearm %s</code></li>\n",
                 id);
    }
    html_put(b, "</ul>\n");
}

/* ---- lists ---- */

void
part_breaches(struct gr_buf *b, const struct page_one *o, int64_t now_ms, bool all)
{
    static const char *const heads[] = {"Level", "Guardrail", "Where", "Phase", "Since", "State", NULL};

    if (o->breaches.count == 0) {
        if (all)
            html_put(b, "<p>None.</p>\n");
        return;
    }
    part_table(b, all ? "Breaches, the open ones first" : "Open breaches", heads);
    for (size_t i = 0; i < o->breaches.count; i++) {
        const struct page_breach *x = &o->breaches.v[i];

        html_put(b, "<tr><td>");
        part_sign(b, page_level_sign(x->level));
        html_put(b, "</td><th scope=\"row\">");
        html_cut(b, x->guardrail, PAGE_TEXT_BYTES);
        html_put(b, "</th><td>");
        html_cut(b, x->slice, PAGE_TEXT_BYTES);
        html_put(b, "</td><td>");
        html_cut(b, x->phase, PAGE_TEXT_BYTES);
        html_put(b, "</td><td>");
        put_ago(b, x->opened_ms, now_ms);
        html_put(b, "</td><td>");
        if (x->open)
            html_put(b, "open");
        else if (x->reviewed)
            html_put(b, "over, reviewed by " GR_FMT, GR_ARG(x->acked_by));
        else
            html_put(b, "over, not reviewed");
        html_put(b, "</td></tr>\n");
    }
    part_table_end(b, o->breaches.count, o->breaches.total);
}

static struct sign
step_sign(struct gr_str state)
{
    if (gr_str_is(state, "done"))
        return (struct sign){"good", "✓", "done"};
    if (gr_str_is(state, "running"))
        return (struct sign){"calm", "●", "running"};
    if (gr_str_is(state, "failed"))
        return (struct sign){"bad", "✕", "failed"};
    return (struct sign){"unknown", "?", "unknown outcome"};
}

void
part_steps(struct gr_buf *b, const struct page_one *o, int64_t now_ms, bool all)
{
    static const char *const heads[] = {"State", "Step", "Command", "Began", "Took", NULL};

    if (o->steps.count == 0) {
        if (all)
            html_put(b, "<p>None.</p>\n");
        return;
    }
    part_table(b, "Rollback steps, in their order", heads);
    for (size_t i = 0; i < o->steps.count; i++) {
        const struct page_step *s = &o->steps.v[i];

        html_put(b, "<tr><td>");
        part_sign(b, step_sign(s->state));
        html_put(b, "</td><th scope=\"row\">");
        html_cut(b, s->name, PAGE_TEXT_BYTES);
        if (s->attempt > 1)
            html_put(b, " <span class=\"soft\">attempt %" PRId64 "</span>", s->attempt);
        html_put(b, "</th><td class=\"wide\"><code>");
        html_cut(b, s->command, PAGE_TEXT_BYTES);
        html_put(b, "</code>");
        if (s->detail.n > 0) {
            html_put(b, "<br><span class=\"soft\">");
            html_cut(b, s->detail, PAGE_TEXT_BYTES);
            html_put(b, "</span>");
        }
        html_put(b, "</td><td>");
        html_time(b, s->started_ms, now_ms);
        html_put(b, "</td><td class=\"num\">");
        html_span(b, (s->ended_ms ? s->ended_ms : now_ms) - s->started_ms);
        html_put(b, "</td></tr>\n");
    }
    part_table_end(b, o->steps.count, o->steps.total);
}

static struct sign
effect_sign(struct gr_str state)
{
    static const struct {
        const char *state;
        struct sign sign;
    } rows[] = {
        {"done", {"good", "✓", "done"}},
        {"ready", {"calm", "○", "waits its turn"}},
        {"retry", {"warn", "!", "tried again"}},
        {"running", {"calm", "●", "running"}},
        {"failed", {"bad", "✕", "failed"}},
        {"dead", {"bad", "✕", "given up"}},
        {"held", {"warn", "‖", "held"}},
        {"ambiguous", {"unknown", "?", "unknown outcome"}},
        {"waiting", {"warn", "?", "waits for a person"}},
    };

    for (size_t i = 0; i < GR_COUNT(rows); i++)
        if (gr_str_is(state, rows[i].state))
            return rows[i].sign;
    return (struct sign){"unknown", "–",
                         state.n ? state.p : "unknown"}; /* texts of the arena end with a NUL */
}

static void
put_effect(struct gr_buf *b, const struct page_effect *e, enum part_effects what, int64_t now_ms)
{
    html_put(b, "<tr><th scope=\"row\" class=\"num\">G-%" PRId64 "</th><td>", e->id);
    part_sign(b, effect_sign(e->state));
    html_put(b, "</td><td>");
    html_cut(b, e->kind, PAGE_TEXT_BYTES);
    if (e->action.n > 0 && !gr_str_eq(e->action, e->kind)) {
        html_put(b, ", ");
        html_cut(b, e->action, PAGE_TEXT_BYTES);
    }
    html_put(b, "</td><td class=\"wide\">");
    if (what != EFFECTS_ALL && e->deployment_id.n > 0) {
        html_cut(b, e->deployment_id, PAGE_TEXT_BYTES);
        html_put(b, ": ");
    }
    if (e->guardrail.n > 0) {
        html_cut(b, e->guardrail, PAGE_TEXT_BYTES);
        html_put(b, " ");
        html_cut(b, e->level, PAGE_TEXT_BYTES);
        html_put(b, ": ");
    }
    html_cut(b, e->reason, PAGE_TEXT_BYTES);
    if (e->error.n > 0) {
        html_put(b, "<br><span class=\"soft\">");
        html_cut(b, e->error, PAGE_TEXT_BYTES);
        html_put(b, "</span>");
    }
    html_put(b, "</td><td>");
    put_ago(b, e->created_ms, now_ms);
    html_put(b, "</td><td>");
    if (what == EFFECTS_LETTERS) {
        html_put(b, "%" PRId64 " %s; <code>guardrailctl deadletter retry %" PRId64 "</code>", e->attempts,
                 e->attempts == 1 ? "try" : "tries", e->id);
    } else if (e->acked_by.n > 0) {
        html_put(b, "taken by ");
        html_cut(b, e->acked_by, PAGE_TEXT_BYTES);
    } else if (e->escalate_ms > 0) {
        html_put(b, "goes to the next person at ");
        html_time(b, e->escalate_ms, now_ms);
    } else if (what == EFFECTS_UNTAKEN) {
        html_put(b, "<code>guardrailctl ack --page G-%" PRId64 "</code>", e->id);
    }
    html_put(b, "</td></tr>\n");
}

void
part_effects(struct gr_buf *b, const struct page_effect *v, size_t count, int64_t total,
             enum part_effects what, int64_t now_ms)
{
    static const char *const captions[] = {"Messages that were given up",
                                           "Pages of the last day that nobody took",
                                           "What was done or sent, the newest first"};
    static const char *const heads[] = {"Number", "State", "What", "Why", "Since", "Next", NULL};

    part_table(b, captions[what], heads);
    for (size_t i = 0; i < count; i++)
        put_effect(b, &v[i], what, now_ms);
    part_table_end(b, count, total);
}
