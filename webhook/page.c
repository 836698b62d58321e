#include "config.h"
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include "enact.h"
#include "engine.h"
#include "guardrail/number.h"
#include "page_parts.h"

#define CIRCUITS_SHOWN 16u

/* One view. */
struct view {
    struct request *q;
    struct gr_buf *b;
    struct page_data *d;
    const struct policy *policy;
    struct store_state store;
    bool blind;
    /* of the releases that are shown */
    const struct board_item *verdicts[PAGE_RELEASES];
    const char *prometheus; /* why it gave no verdicts; NULL: it did, or was not asked */
    struct courier_rest circuits[CIRCUITS_SHOWN];
    size_t circuit_count;
};

/* ---- gathering ---- */

/* Verdicts count for releases that run; of one that stands in no phase there are none. */
static enum gr_err
ask_verdicts(struct view *v)
{
    struct app *app = v->q->app;

    for (size_t i = 0; i < v->d->shown.count && i < PAGE_RELEASES; i++) {
        const struct release *r = &v->d->shown.v[i].release;

        if (!app->board || !r->policy || !release_state_active(r->state))
            continue;
        v->verdicts[i] =
            board_get(app->board, &(struct board_want){.prometheus_url = app->conf->prometheus_url,
                                                       .release = r,
                                                       .boot_ms = app_boot_ms(),
                                                       .now_ms = app_now_ms()});
        if (!v->verdicts[i])
            return GR_ENOMEM;
        if (!board_of(v->verdicts[i])->known)
            v->prometheus = board_of(v->verdicts[i])->error;
    }
    return GR_OK;
}

static void
leave(struct view *v)
{
    for (size_t i = 0; i < PAGE_RELEASES; i++)
        board_drop(v->verdicts[i]);
}

/* False: the request is answered. */
static bool
gather(struct view *v, struct request *q, struct gr_str deployment_id, size_t from)
{
    struct app *app = q->app;
    enum gr_err err = GR_ENOMEM;

    *v = (struct view){
        .q = q, .b = &q->out, .policy = policies_current(app->policies), .blind = app_blind(app)};
    if ((v->d = gr_arena_alloc(q->arena, sizeof *v->d)) != NULL) {
        *v->d = (struct page_data){.app = app,
                                   .arena = q->arena,
                                   .now_ms = app_now_ms(),
                                   .deployment_id = deployment_id,
                                   .from = from};
        err = store_call(app->store, page_read, v->d);
    }
    if (err != GR_OK) {
        request_error_of(q, err, err == GR_ENOENT ? "there is no such deployment" : NULL);
        return false;
    }
    store_state(app->store, &v->store);
    if (app->engine)
        v->circuit_count = engine_circuits(app->engine, v->circuits, CIRCUITS_SHOWN);
    if ((err = ask_verdicts(v)) != GR_OK) { /* without them a page would look calmer than it is */
        leave(v);
        request_error_of(q, err, NULL);
    }
    return err == GR_OK;
}

/* ---- what is wrong ---- */

/* The sign that the page's title begins with, and the release that it is about. */
static struct sign
worst_of(const struct view *v)
{
    if (v->blind)
        return (struct sign){"bad", "✕", "blind"};
    for (int i = MOODS; i-- > MOOD_RUNS;)
        if (v->d->moods[i] > 0)
            return page_moods[i];
    return (struct sign){"calm", "○", "no release"};
}

static void
alarm_begin(struct view *v, size_t *count, const char *class, const char *sign, const char *words)
{
    if ((*count)++ == 0)
        html_put(v->b, "<section aria-labelledby=\"attention\">\n<h2 id=\"attention\">Needs attention</h2>\n"
                       "<ul class=\"plain\">\n");
    html_put(v->b, "<li>");
    part_chip(v->b, class, sign, words);
    html_put(v->b, " ");
}

static void
alarm(struct view *v, size_t *count, const char *class, const char *sign, const char *words, const char *text)
{
    alarm_begin(v, count, class, sign, words);
    html_put(v->b, "%s</li>\n", text);
}

static void
put_store_alarms(struct view *v, size_t *count)
{
    if (v->store.failed)
        alarm(v, count, "bad", "✕", "store failed",
              "nothing new is accepted; look at the disk, then restart");
    else if (v->store.low)
        alarm(v, count, "bad", "✕", "disk nearly full",
              "alerts are refused until there is room below the store");
    else if (v->store.last != GR_OK)
        alarm(v, count, "warn", "!", "store", gr_err_name(v->store.last));
    if (atomic_load(&v->q->app->policy_stale))
        alarm(v, count, "warn", "!", "policy refused", "the new policy is wrong, the one before is in force");
    if (atomic_load(&v->q->app->credentials_stale))
        alarm(v, count, "warn", "!", "credentials refused", "new files are wrong, the ones before are used");
}

static void
put_alarms(struct view *v)
{
    struct page_data *d = v->d;
    int64_t beat = atomic_load(&v->q->app->watchdog.unix_ms);
    size_t count = 0;

    if (v->blind) {
        alarm_begin(v, &count, "bad", "✕", "guardrails are blind");
        html_put(v->b, "no watchdog beat has come ");
        if (beat) {
            html_put(v->b, "since ");
            html_time(v->b, beat, d->now_ms);
        } else {
            html_put(v->b, "since guardraild started");
        }
        html_put(v->b, ": nobody can tell whether an alert would arrive. Nothing is promoted.</li>\n");
    }
    put_store_alarms(v, &count);
    if (d->storm_streams >= v->q->app->conf->breaker.streams) {
        alarm_begin(v, &count, "bad", "✕", "storm breaker open");
        html_put(v->b,
                 "%u streams were rolled back within %u minutes: further rollbacks wait for a person</li>\n",
                 d->storm_streams, (unsigned)(v->q->app->conf->breaker.window_ms / 60000));
    }
    if (v->prometheus) {
        alarm_begin(v, &count, "bad", "?", "Prometheus");
        html_put(v->b, "gives no verdicts (");
        html_cut(v->b, gr_str(v->prometheus), PAGE_TEXT_BYTES);
        html_put(v->b, "): they are drawn as no data, and nothing is promoted</li>\n");
    }
    if (d->letters.total > 0) {
        alarm_begin(v, &count, "bad", "✕", "dead letters");
        html_put(v->b, "<a href=\"#letters\">%" PRId64 "</a> messages were given up</li>\n",
                 d->letters.total);
    }
    for (size_t i = 0; i < v->circuit_count; i++) {
        alarm_begin(v, &count, "warn", "!", "target rests");
        html_cut(v->b, gr_str(v->circuits[i].action), PAGE_TEXT_BYTES);
        html_put(v->b, " does not answer and is left alone for ");
        html_span(v->b, v->circuits[i].rest_ms + 999);
        html_put(v->b, "</li>\n");
    }
    if (d->untaken.total > 0) {
        alarm_begin(v, &count, "warn", "!", "pages");
        html_put(v->b, "<a href=\"#untaken\">%" PRId64 "</a> were taken by nobody yet</li>\n",
                 d->untaken.total);
    }
    if (count > 0)
        html_put(v->b, "</ul>\n</section>\n");
}

/* ---- the parts of the overview ---- */

static void
put_sums(struct view *v)
{
    bool any = false;

    html_put(v->b, "<p>");
    for (int i = MOODS; i-- > MOOD_RUNS;)
        if (v->d->moods[i] > 0) {
            html_put(v->b,
                     "<span class=\"chip %s\"><span aria-hidden=\"true\">%s</span> %" PRId64 " %s</span> ",
                     page_moods[i].class, page_moods[i].sign, v->d->moods[i], page_moods[i].words);
            any = true;
        }
    if (!any)
        html_put(v->b, "No release is running. ");
    if (v->d->open_breaches > 0)
        html_put(v->b, "%" PRId64 " open breach%s.", v->d->open_breaches,
                 v->d->open_breaches == 1 ? "" : "es");
    html_put(v->b, "</p>\n");
}

static void
put_card(struct view *v, size_t i)
{
    const struct page_one *o = &v->d->shown.v[i];
    const char *id = o->release.deployment_id;
    int64_t now = v->d->now_ms;

    html_put(v->b,
             "<section class=\"card %s\" aria-labelledby=\"r%zu\">\n<div class=\"title\"><h3 id=\"r%zu\">"
             "<a href=\"/releases/%s\">%s</a></h3> ",
             page_moods[o->mood].class, i, i, id, id);
    part_sign(v->b, page_moods[o->mood]);
    html_put(v->b, "</div>\n");
    part_facts(v->b, o, now);
    part_notices(v->b, v->d, o);
    part_phases(v->b, o, now);
    part_breaches(v->b, o, now, false);
    part_steps(v->b, o, now, false);
    if (v->verdicts[i])
        part_verdicts(v->b, v->q->arena, board_of(v->verdicts[i]), false, now);
    html_put(v->b, "</section>\n");
}

static void
put_pages(struct view *v)
{
    size_t pages = (v->d->active.count + PAGE_RELEASES - 1) / PAGE_RELEASES,
           at = v->d->from / PAGE_RELEASES + 1;

    if (pages < 2)
        return;
    html_put(v->b, "<nav aria-label=\"Further releases\">");
    if (at > 1)
        html_put(v->b, "<a href=\"/status/%zu\" rel=\"prev\">more urgent</a>", at - 1);
    html_put(v->b, "<span>page %zu of %zu, %zu releases</span>", at, pages, v->d->active.count);
    if (at < pages)
        html_put(v->b, "<a href=\"/status/%zu\" rel=\"next\">less urgent</a>", at + 1);
    html_put(v->b, "</nav>\n");
}

static void
put_releases(struct view *v)
{
    html_put(v->b, "<section aria-labelledby=\"releases\">\n<h2 id=\"releases\">Releases</h2>\n");
    if (v->d->active.count == 0)
        html_put(
            v->b,
            "<div class=\"card calm\"><p>None is running. <code>guardrailctl release start</code> begins "
            "one.</p></div>\n");
    put_pages(v);
    for (size_t i = 0; i < v->d->shown.count; i++)
        put_card(v, i);
    put_pages(v);
    html_put(v->b, "</section>\n");
}

static void
put_ended(struct view *v)
{
    static const char *const heads[] = {"State", "Deployment", "Stream", "Last phase", "Ended", NULL};

    if (v->d->ended.count == 0)
        return;
    html_put(v->b, "<section aria-labelledby=\"ended\">\n<h2 id=\"ended\">Ended</h2>\n");
    part_table(v->b, "The last release of each stream that is over", heads);
    for (size_t i = 0; i < v->d->ended.count; i++) {
        const struct page_brief *r = &v->d->ended.v[i];

        html_put(v->b, "<tr><td>");
        part_sign(v->b, page_state_sign(r->state));
        html_put(v->b, "</td><th scope=\"row\"><a href=\"/releases/" GR_FMT "\">", GR_ARG(r->deployment_id));
        html_cut(v->b, r->deployment_id, PAGE_TEXT_BYTES);
        html_put(v->b, "</a></th><td>");
        html_cut(v->b, r->stream, PAGE_TEXT_BYTES);
        html_put(v->b, "</td><td>");
        html_cut(v->b, r->phase, PAGE_TEXT_BYTES);
        html_put(v->b, "</td><td>");
        html_time(v->b, r->ended_ms, v->d->now_ms);
        html_put(v->b, "</td></tr>\n");
    }
    part_table_end(v->b, v->d->ended.count, v->d->ended.total);
    html_put(v->b, "</section>\n");
}

static void
put_messages(struct view *v)
{
    struct page_data *d = v->d;

    if (d->untaken.count > 0) {
        html_put(v->b,
                 "<section aria-labelledby=\"untaken\">\n<h2 id=\"untaken\">Pages that nobody took</h2>\n");
        part_effects(v->b, d->untaken.v, d->untaken.count, d->untaken.total, EFFECTS_UNTAKEN, d->now_ms);
        html_put(v->b, "</section>\n");
    }
    if (d->letters.count > 0) {
        html_put(v->b, "<section aria-labelledby=\"letters\">\n<h2 id=\"letters\">Dead letters</h2>\n");
        part_effects(v->b, d->letters.v, d->letters.count, d->letters.total, EFFECTS_LETTERS, d->now_ms);
        html_put(v->b, "</section>\n");
    }
}

static void
term(struct view *v, const char *name, const char *class, const char *sign, const char *words)
{
    html_put(v->b, "<dt>%s</dt><dd>", name);
    part_chip(v->b, class, sign, words);
    html_put(v->b, " ");
}

/* guardraild's own state: each line says what it is also when it is well. */
static void
put_own(struct view *v)
{
    struct app *app = v->q->app;
    struct page_data *d = v->d;
    int64_t beat = atomic_load(&app->watchdog.unix_ms);
    bool waiting = d->waiting > 0, open = d->storm_streams >= app->conf->breaker.streams;

    html_put(v->b, "<section aria-labelledby=\"own\">\n<h2 id=\"own\">guardraild itself</h2>\n<dl>\n");
    term(v, "Watchdog",
         v->blind ? "bad"
         : beat   ? "good"
                  : "unknown",
         v->blind ? "✕"
         : beat   ? "✓"
                  : "–",
         v->blind ? "silent"
         : beat   ? "beats"
                  : "no beat yet");
    if (beat) {
        html_put(v->b, "last at ");
        html_time(v->b, beat, d->now_ms);
    }
    html_put(v->b, "</dd>\n");
    term(v, "Storm breaker", open ? "bad" : "good", open ? "✕" : "✓", open ? "open" : "closed");
    html_put(v->b, "%u of %u streams in %u min</dd>\n", d->storm_streams, app->conf->breaker.streams,
             (unsigned)(app->conf->breaker.window_ms / 60000));
    term(v, "Store",
         v->store.failed || v->store.low ? "bad"
         : v->store.last != GR_OK        ? "warn"
                                         : "good",
         v->store.failed || v->store.low ? "✕"
         : v->store.last != GR_OK        ? "!"
                                         : "✓",
         v->store.failed ? "failed"
         : v->store.low  ? "disk nearly full"
                         : gr_err_name(v->store.last));
    html_put(v->b, "</dd>\n");
    term(v, "Messages and rollbacks that wait", waiting ? "calm" : "good", waiting ? "○" : "✓",
         waiting ? "some" : "none");
    if (waiting) {
        html_put(v->b, "%" PRId64 ", the oldest for ", d->waiting);
        html_span(v->b, d->now_ms - d->oldest_waiting_ms);
    }
    html_put(v->b, "</dd>\n");
    term(v, "Dead letters", d->letters.total ? "bad" : "good", d->letters.total ? "✕" : "✓",
         d->letters.total ? "some" : "none");
    html_put(v->b, "%" PRId64 "</dd>\n", d->letters.total);
    term(v, "Circuits", v->circuit_count ? "warn" : "good", v->circuit_count ? "!" : "✓",
         v->circuit_count ? "targets rest" : "all targets are spoken to");
    html_put(v->b, "</dd>\n<dt>Policy</dt><dd>");
    html_cut(v->b, v->policy->spec, PAGE_TEXT_BYTES);
    html_put(v->b, ", <code>");
    html_cut(v->b, v->policy->spec_hash, 16);
    html_put(v->b, "</code></dd>\n<dt>Version</dt><dd>%s, since ", PACKAGE_VERSION);
    html_time(v->b, app->started_ms, d->now_ms);
    html_put(v->b, "</dd>\n</dl>\n</section>\n");
}

/* ---- the pages ---- */

static void
put_top(struct view *v, bool renews)
{
    enum daemon_mode mode = v->q->app->conf->mode;
    bool acts = app_acts(v->q->app);

    html_put(v->b, "<header>\n<h1>");
    html_cut(v->b, v->policy->spec, PAGE_TEXT_BYTES);
    html_put(v->b, " <span class=\"soft\">guardraild</span></h1>\n<p>");
    part_chip(v->b, acts ? "calm" : "warn", acts ? "●" : "‖", daemon_mode_name(mode));
    html_put(v->b, " %s <span class=\"soft\">As of ",
             mode == MODE_CONFIRM ? "Rollbacks wait for a person."
             : acts               ? ""
                                  : "Nothing is carried out: no rollback, no message.");
    html_time(v->b, v->d->now_ms, 0);
    if (renews)
        html_put(v->b, " UTC. Renews itself every %d s. <a href=\"/still\">Hold still</a></span></p>\n",
                 PAGE_REFRESH_S);
    else
        html_put(v->b, " UTC. <a href=\"/\">Renew by itself</a></span></p>\n");
}

static void
overview(struct request *q, size_t number, bool renews)
{
    struct view v;
    struct sign worst;
    char title[512];

    if (!gather(&v, q, GR_STR(""), (number - 1) * PAGE_RELEASES))
        return;
    if (number > 1 && v.d->from >= v.d->active.count) {
        leave(&v);
        request_error(q, 404, "there is no page %zu", number);
        return;
    }
    worst = worst_of(&v);
    (void)snprintf(title, sizeof title, "%s %s – " GR_FMT, worst.sign, worst.words, GR_ARG(v.policy->spec));
    page_begin(q, 200, &(struct page_head){.title = title, .refresh_s = renews ? PAGE_REFRESH_S : 0});
    put_top(&v, renews);
    put_sums(&v);
    html_put(v.b, "</header>\n<main>\n");
    put_alarms(&v);
    put_releases(&v);
    put_messages(&v);
    put_ended(&v);
    put_own(&v);
    html_put(v.b, "</main>\n");
    page_end(q);
    leave(&v);
}

void
page_overview(struct request *q)
{
    overview(q, 1, true);
}

void
page_still(struct request *q)
{
    overview(q, 1, false);
}

void
page_number(struct request *q)
{
    uint64_t number = 0;

    if (gr_parse_u64(gr_str(q->id), PAGE_ACTIVE_MAX, &number) != GR_OK || number == 0)
        request_error(q, 404, "there is no page %s", q->id);
    else
        overview(q, (size_t)number, true);
}

static void
put_history(struct view *v, const struct page_one *o)
{
    static const char *const heads[] = {"Phase", "Entered", "Left", "By", "Note", NULL};

    part_table(v->b, "Phases that were entered", heads);
    for (size_t i = 0; i < o->phases.count; i++) {
        const struct page_phase *p = &o->phases.v[i];

        html_put(v->b, "<tr><th scope=\"row\">");
        html_cut(v->b, p->name, PAGE_TEXT_BYTES);
        html_put(v->b, "</th><td>");
        html_time(v->b, p->entered_ms, v->d->now_ms);
        html_put(v->b, "</td><td>");
        html_time(v->b, p->left_ms, v->d->now_ms);
        html_put(v->b, "</td><td>");
        html_cut(v->b, p->approver, PAGE_TEXT_BYTES);
        html_put(v->b, "</td><td class=\"wide\">");
        if (p->override)
            html_put(v->b, "<strong>overridden</strong>: ");
        html_cut(v->b, p->note, PAGE_TEXT_BYTES);
        html_put(v->b, "</td></tr>\n");
    }
    part_table_end(v->b, o->phases.count, (int64_t)o->phases.count);
}

static void
put_release_body(struct view *v, const struct page_one *o)
{
    int64_t now = v->d->now_ms;

    part_phases(v->b, o, now);
    part_notices(v->b, v->d, o);
    if (v->verdicts[0]) {
        html_put(v->b, "<h2>Verdicts</h2>\n");
        part_verdicts(v->b, v->q->arena, board_of(v->verdicts[0]), true, now);
        html_put(v->b, "<p>May it go on? <code>guardrailctl gate %s</code></p>\n", o->release.deployment_id);
    }
    html_put(v->b, "<h2>Breaches</h2>\n");
    part_breaches(v->b, o, now, true);
    html_put(v->b, "<h2>Rollback steps</h2>\n");
    part_steps(v->b, o, now, true);
    html_put(v->b, "<h2>Phases</h2>\n");
    put_history(v, o);
    html_put(v->b, "<h2>Effects and messages</h2>\n");
    if (o->effects.count > 0)
        part_effects(v->b, o->effects.v, o->effects.count, o->effects.total, EFFECTS_ALL, now);
    else
        html_put(v->b, "<p>None.</p>\n");
}

void
page_release(struct request *q)
{
    struct view v;
    const struct page_one *o;
    struct sign sign;
    char title[512];

    if (!gather(&v, q, gr_str(q->id), 0))
        return;
    o = &v.d->shown.v[0];
    sign = o->mood == MOOD_ENDED ? page_state_sign(o->release.state) : page_moods[o->mood];
    (void)snprintf(title, sizeof title, "%s %s – %s", sign.sign, sign.words, o->release.deployment_id);
    page_begin(q, 200,
               &(struct page_head){.title = title, .refresh_s = o->mood == MOOD_ENDED ? 0 : PAGE_REFRESH_S});
    html_put(v.b,
             "<header>\n<nav aria-label=\"Back\"><a href=\"/\">All releases</a></nav>\n"
             "<div class=\"title\"><h1>%s</h1> ",
             o->release.deployment_id);
    part_sign(v.b, sign);
    html_put(v.b, "</div>\n");
    part_facts(v.b, o, v.d->now_ms);
    html_put(v.b, "<p class=\"soft\">As of ");
    html_time(v.b, v.d->now_ms, 0);
    html_put(v.b, " UTC.</p>\n</header>\n<main>\n");
    if (v.blind)
        html_put(
            v.b,
            "<p><span class=\"chip bad\"><span aria-hidden=\"true\">✕</span> guardrails are blind</span> "
            "no watchdog beat comes: nobody can tell whether an alert would arrive</p>\n");
    put_release_body(&v, o);
    html_put(v.b, "</main>\n");
    page_end(q);
    leave(&v);
}
