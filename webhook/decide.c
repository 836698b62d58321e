#include "config.h"
#include "decide.h"

#include <inttypes.h>

#define TEXT_BYTES_MAX 8192u
#define KEY_BYTES_MAX (1u << 20)
#define SHOWN_BYTES_MAX 200u /* of one foreign value in a sentence */

const char *
release_state_name(enum release_state state)
{
    static const char *const names[RELEASE_STATES] = {"none",        "running", "halted", "rolling_back",
                                                      "rolled_back", "aborted", "sealed"};

    GR_ASSERT((size_t)state < RELEASE_STATES);
    return names[state];
}

const char *
daemon_mode_name(enum daemon_mode mode)
{
    static const char *const names[DAEMON_MODES] = {"observe", "dry-run", "confirm", "auto"};

    GR_ASSERT((size_t)mode < DAEMON_MODES);
    return names[mode];
}

const char *
effect_kind_name(enum effect_kind kind)
{
    static const char *const names[EFFECT_KINDS] = {"hold",     "extend", "halt",   "abort",
                                                    "rollback", "page",   "notify", "ticket"};

    GR_ASSERT((size_t)kind < EFFECT_KINDS);
    return names[kind];
}

/* What each reason means for the alert, and the sentence for people. */
static const struct reason_row {
    const char *name;
    enum decide_outcome outcome;
    const char *text;
} reason_rows[DECIDE_REASONS] = {
    [REASON_POLICY] = {"policy", DECIDED_ACT, "as the policy says"},
    [REASON_RESOLVED] = {"resolved", DECIDED_NOTHING, "the alert resolved, which undoes nothing"},
    [REASON_OTHER_SPEC] = {"other-spec", DECIDED_HELD, "the alert belongs to another spec than the policy"},
    [REASON_UNKNOWN_DEPLOYMENT] = {"unknown-deployment", DECIDED_HELD,
                                   "no release with this deployment_id was started"},
    [REASON_SEALED] = {"sealed", DECIDED_HELD, "the release is general and sealed"},
    [REASON_ENDED] = {"ended", DECIDED_NOTHING, "the release is being rolled back or has ended already"},
    [REASON_OTHER_STREAM] = {"other-stream", DECIDED_HELD,
                             "the alert's labels name another release stream than the deployment's"},
    [REASON_UNKNOWN_GUARDRAIL] = {"unknown-guardrail", DECIDED_HELD,
                                  "the release's policy has no such guardrail"},
    [REASON_UNKNOWN_LEVEL] = {"unknown-level", DECIDED_HELD, "the guardrail has no limit of this level"},
    [REASON_OTHER_PHASE] = {"other-phase", DECIDED_ACT,
                            "it belongs to another phase than the present one, so it only informs"},
    [REASON_NO_ACTION] = {"no-action", DECIDED_NOTHING, "the policy lists no action for this level"},
    [REASON_OPERATOR_HOLD] = {"operator-hold", DECIDED_HELD, "withheld: an operator holds this release"},
    [REASON_STORM] = {"storm", DECIDED_HELD, "withheld: too many streams were rolled back within minutes"},
    [REASON_COOLING] = {"cooling", DECIDED_HELD, "withheld: this stream was rolled back only recently"},
    [REASON_HAD_TRAFFIC] = {"had-traffic", DECIDED_HELD,
                            "withheld: an abort is for releases without traffic, this one had some"},
    [REASON_COMMON_CAUSE] = {"common-cause", DECIDED_HELD,
                             "withheld: control breaches the same limit, so the release is hardly the cause"},
    [REASON_FINAL] = {"final", DECIDED_ACT, "the release is general and sealed, so it only informs"},
};

const char *
decide_reason_name(enum decide_reason reason)
{
    GR_ASSERT((size_t)reason < DECIDE_REASONS);
    return reason_rows[reason].name;
}

/* What the steps below share. */
struct work {
    const struct decide_input *in;
    struct gr_arena *arena;
    struct decision *out;
    struct gr_str level; /* the label, known or not */
    bool no_memory;
};

static struct gr_str
label(const struct work *w, const char *name)
{
    return labels_get(w->in->alert.labels, gr_str(name));
}

static bool
uses(const struct policy_guardrail *g, enum policy_level level, enum effect_kind kind)
{
    for (size_t i = 0; i < g->on[level].count; i++) {
        const struct policy_use *use = &g->on[level].uses[i];

        if (kind == EFFECT_ABORT && use->verb == VERB_ABORT)
            return true;
        if (kind == EFFECT_ROLLBACK && use->action && use->action->kind == ACTION_ROLLBACK)
            return true;
    }
    return false;
}

/* The rules that may withhold a command; the alert itself is in order. */
static enum decide_reason
classify_command(const struct work *w)
{
    const struct policy_guardrail *g = w->out->guardrail;
    const struct decide_input *in = w->in;
    bool rollback = uses(g, w->out->level, EFFECT_ROLLBACK), ends = uses(g, w->out->level, EFFECT_ABORT);

    if (in->release.held && (rollback || ends))
        return REASON_OPERATOR_HOLD;
    if (g->common_cause_hold && (rollback || ends) &&
        gr_str_is(in->alert.common_cause, GR_COMMON_CAUSE_CONTROL))
        return REASON_COMMON_CAUSE;
    if (rollback && (in->storm_open || (in->storm_max > 0 && in->storm_streams >= in->storm_max)))
        return REASON_STORM;
    if (rollback && in->stream_cooling)
        return REASON_COOLING;
    if (ends && in->release.had_traffic)
        return REASON_HAD_TRAFFIC;
    return REASON_POLICY;
}

/* The alert against a release that is under way. Sets guardrail, level. */
static enum decide_reason
classify_live(struct work *w)
{
    const struct decide_input *in = w->in;
    struct decision *out = w->out;

    if (!labels_within(in->release.stream, in->alert.labels))
        return REASON_OTHER_STREAM;
    if (!out->guardrail)
        return REASON_UNKNOWN_GUARDRAIL;
    if (policy_level_parse(w->level, &out->level) != GR_OK ||
        !policy_guardrail_has_level(out->guardrail, out->level))
        return REASON_UNKNOWN_LEVEL;
    if (out->guardrail->on[out->level].count == 0)
        return REASON_NO_ACTION;
    if (out->level != LEVEL_HARD && !gr_str_eq(label(w, GR_LABEL_PHASE), in->release.phase->name))
        return REASON_OTHER_PHASE;
    return classify_command(w);
}

/* After the seal nothing is undone; what the spec guards in the final phase informs, and all else is out of order. */
static enum decide_reason
classify_sealed(struct work *w)
{
    const struct decide_input *in = w->in;
    struct decision *out = w->out;

    if (!in->release.phase->final || !out->guardrail ||
        !policy_guardrail_active(out->guardrail, in->release.phase) ||
        !gr_str_eq(label(w, GR_LABEL_PHASE), in->release.phase->name) ||
        !labels_within(in->release.stream, in->alert.labels) ||
        policy_level_parse(w->level, &out->level) != GR_OK ||
        !policy_guardrail_has_level(out->guardrail, out->level))
        return REASON_SEALED;
    return REASON_FINAL;
}

static enum decide_reason
classify(struct work *w)
{
    const struct decide_input *in = w->in;

    if (!in->alert.firing)
        return REASON_RESOLVED;
    if (!gr_str_eq(label(w, GR_LABEL_SPEC), in->policy->spec))
        return REASON_OTHER_SPEC;
    switch (in->release.state) {
    case RELEASE_NONE:
        return REASON_UNKNOWN_DEPLOYMENT;
    case RELEASE_SEALED:
        return classify_sealed(w);
    case RELEASE_ROLLING_BACK:
    case RELEASE_ROLLED_BACK:
    case RELEASE_ABORTED:
        return REASON_ENDED;
    case RELEASE_RUNNING:
    case RELEASE_HALTED:
        return classify_live(w);
    case RELEASE_STATES:
        break;
    }
    GR_ASSERT(false && "a state of the list");
    return REASON_ENDED;
}

/* The end of the newest episode lies after the alert's arrival: our clock went back since. */
static bool
ended_later(const struct decide_input *in)
{
    return !in->episode.open && in->episode.number > 0 && in->episode.ended_ms > in->alert.received_ms;
}

/* An alert that fires again after its resolve, without having started later, repeats a closed episode (a replica that lags). */
static bool
repeats_closed(const struct decide_input *in)
{
    const struct decide_episode *e = &in->episode;

    return in->alert.firing && !e->open && e->number > 0 && in->alert.starts_at_ms <= e->ended_ms &&
           !ended_later(in);
}

static bool
clock_moved(const struct decide_input *in)
{
    return in->alert.received_ms > in->now_ms || in->alert.received_ms < in->release.armed_ms ||
           ended_later(in);
}

static bool
is_stale(const struct decide_input *in)
{
    return in->alert.firing &&
           (repeats_closed(in) || in->alert.starts_at_ms < in->release.armed_ms ||
            in->now_ms - in->alert.received_ms > DECIDE_INBOX_AGE_MS_MAX || clock_moved(in));
}

static struct decide_episode
next_episode(const struct decide_input *in)
{
    struct decide_episode e = in->episode;
    int64_t ended = in->alert.ends_at_ms > 0 && in->alert.ends_at_ms < in->alert.received_ms
                        ? in->alert.ends_at_ms
                        : in->alert.received_ms;

    if (in->alert.firing) {
        if (!e.open && !repeats_closed(in))
            e = (struct decide_episode){.number = e.number + 1, .open = true};
    } else if (e.number > 0) {
        e.open = false;
        if (ended > e.ended_ms)
            e.ended_ms = ended;
    }
    return e;
}

/* The stream the alert speaks of: the release's, or without one what the labels say. */
static struct label_set
stream_of(const struct work *w, struct gr_arena *a, bool *no_memory)
{
    struct label_set stream = LABELS_NONE;

    if (w->in->release.state != RELEASE_NONE)
        return w->in->release.stream;
    if (labels_pick(a, w->in->alert.labels, w->in->policy->release_labels, w->in->policy->release_label_count,
                    &stream) != GR_OK)
        *no_memory = true;
    return stream;
}

static void
put_parts(struct gr_buf *b, const struct gr_str *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gr_buf_putc(b, '/');
        label_print_key(b, parts[i]);
    }
}

/* The labels of `names` that the set carries, as labels_print_key would print them, without an arena. */
static void
put_picked(struct gr_buf *b, struct label_set from, const struct gr_str *names, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < from.count; i++)
        for (size_t k = 0; k < count; k++)
            if (gr_str_eq(from.items[i].name, names[k])) {
                if (any)
                    gr_buf_putc(b, ',');
                labels_print_key(b, (struct label_set){&from.items[i], 1});
                any = true;
            }
    if (!any)
        gr_buf_putc(b, '-');
}

void
decide_subject(const struct policy *policy, struct label_set alert, struct gr_buf *out)
{
    struct gr_str name = labels_get(alert, GR_STR(GR_LABEL_GUARDRAIL));
    const struct policy_guardrail *g = policy_guardrail(policy, name);
    const struct gr_str parts[] = {labels_get(alert, GR_STR(GR_LABEL_DEPLOYMENT)), name,
                                   labels_get(alert, GR_STR(GR_LABEL_LEVEL))};

    label_print_key(out, labels_get(alert, GR_STR(GR_LABEL_SPEC)));
    gr_buf_putc(out, '/');
    put_picked(out, alert, policy->release_labels, policy->release_label_count);
    put_parts(out, parts, GR_COUNT(parts));
    gr_buf_putc(out, '/');
    put_picked(out, alert, g ? g->slice_labels : NULL, g ? g->slice_label_count : 0);
}

/* Moves the buffer's text into the arena. */
static struct gr_str
keep(struct work *w, struct gr_buf *b)
{
    struct gr_str s = GR_STR_NONE;

    if (gr_buf_err(b) == GR_OK)
        s = gr_arena_dup(w->arena, gr_buf_str(b));
    if (!s.p)
        w->no_memory = true;
    gr_buf_fini(b);
    return s;
}

/* spec/stream/deployment: what every key begins with. */
static void
put_release(struct work *w, struct gr_buf *b)
{
    const struct gr_str deployment = label(w, GR_LABEL_DEPLOYMENT);

    label_print_key(b, w->in->policy->spec);
    gr_buf_putc(b, '/');
    labels_print_key(b, stream_of(w, w->arena, &w->no_memory));
    put_parts(b, &deployment, 1);
}

/* After that, by what makes the effect unique:
 *     rollback, abort       …/rollback/<epoch>                              once per arming
 *     for a known breach    …/<guardrail>/<level>/<slice>/<kind>/<action>/<episode>
 *     for a cut group       …/truncated/<kind>/<action>/<epoch>             once per arming
 *     else                  …/<reason>/<kind>/<action>/<episode>            so that invented names cannot flood the pager */
static struct gr_str
effect_key(struct work *w, enum effect_kind kind, const struct policy_action *action)
{
    const struct decide_input *in = w->in;
    struct gr_buf b = GR_BUF_INIT(KEY_BYTES_MAX);
    bool known = w->out->reason == REASON_POLICY || w->out->reason == REASON_OTHER_PHASE ||
                 w->out->reason >= REASON_OPERATOR_HOLD;

    put_release(w, &b);
    if (kind == EFFECT_ROLLBACK || kind == EFFECT_ABORT) {
        gr_buf_printf(&b, "/%s/%u", effect_kind_name(kind), in->release.armed_epoch);
        return keep(w, &b);
    }
    if (known) {
        const struct gr_str parts[] = {w->out->guardrail->name, w->level};

        put_parts(&b, parts, GR_COUNT(parts));
        gr_buf_putc(&b, '/');
        labels_print_key(&b, w->out->slice);
    } else {
        gr_buf_printf(&b, "/%s", decide_reason_name(w->out->reason));
    }
    gr_buf_printf(&b, "/%s/" GR_FMT "/%u", effect_kind_name(kind),
                  GR_ARG(action ? action->name : GR_STR("-")), w->out->episode.number);
    return keep(w, &b);
}

/* A foreign text in a sentence: cut at a character's start, "(none)" for the empty one. */
static void
put_shown(struct gr_buf *b, struct gr_str s)
{
    size_t end = s.n;

    if (end > SHOWN_BYTES_MAX)
        for (end = SHOWN_BYTES_MAX; end > 0 && ((unsigned char)s.p[end] & 0xc0u) == 0x80u; end--)
            ;
    gr_buf_put(b, s.n > 0 ? gr_str_sub(s, 0, end) : GR_STR("(none)"));
    if (end < s.n)
        gr_buf_puts(b, "...");
}

/* "hard breach of matching_latency_p99 (upper) in tp-1, venue=XNAS, phase canary_phase_1" */
static void
put_breach(struct work *w, struct gr_buf *b)
{
    struct gr_str side = label(w, GR_LABEL_SIDE);

    put_shown(b, w->level);
    gr_buf_puts(b, gr_str_is(w->level, "no_data") ? " of " : " breach of ");
    put_shown(b, label(w, GR_LABEL_GUARDRAIL));
    if (side.n > 0) {
        gr_buf_puts(b, " (");
        put_shown(b, side);
        gr_buf_putc(b, ')');
    }
    gr_buf_puts(b, " in deployment ");
    put_shown(b, label(w, GR_LABEL_DEPLOYMENT));
    for (size_t i = 0; i < w->out->slice.count; i++) {
        gr_buf_puts(b, ", ");
        put_shown(b, w->out->slice.items[i].name);
        gr_buf_putc(b, '=');
        put_shown(b, w->out->slice.items[i].value);
    }
    gr_buf_puts(b, ", phase ");
    put_shown(b, label(w, GR_LABEL_PHASE));
}

static struct gr_str
effect_reason(struct work *w)
{
    struct gr_buf b = GR_BUF_INIT(TEXT_BYTES_MAX);

    put_breach(w, &b);
    if (w->out->reason != REASON_POLICY)
        gr_buf_printf(&b, "; %s", reason_rows[w->out->reason].text);
    if (w->out->stale)
        gr_buf_puts(&b, "; the alert may be stale");
    return keep(w, &b);
}

static enum effect_how
how_for(enum daemon_mode mode, enum effect_kind kind)
{
    switch (mode) {
    case MODE_AUTO:
        return HOW_DO;
    case MODE_CONFIRM:
        return kind == EFFECT_ROLLBACK || kind == EFFECT_ABORT ? HOW_CONFIRM : HOW_DO;
    case MODE_OBSERVE:
    case MODE_DRY_RUN:
    case DAEMON_MODES:
        break;
    }
    return HOW_RECORD;
}

static void
add(struct work *w, enum effect_kind kind, const struct policy_action *action)
{
    struct decision *out = w->out;

    for (size_t i = 0; i < out->effect_count; i++)
        if (out->effects[i].kind == kind && out->effects[i].action == action)
            return;
    GR_ASSERT(out->effect_count < DECIDE_EFFECTS_MAX); /* uses + pagers + one hold are fewer */
    out->effects[out->effect_count++] = (struct effect){
        .kind = kind,
        .how = how_for(w->in->mode, kind),
        .action = action,
        .key = effect_key(w, kind, action),
        .reason = effect_reason(w),
        .recheck = out->stale && (kind == EFFECT_ROLLBACK || kind == EFFECT_ABORT),
    };
}

static enum effect_kind
kind_of(const struct policy_use *use, enum policy_level level)
{
    static const enum effect_kind verbs[] = {EFFECT_HOLD, EFFECT_EXTEND, EFFECT_HALT, EFFECT_ABORT};

    if (use->verb != VERB_ACTION)
        return verbs[use->verb];
    switch (use->action->kind) {
    case ACTION_ROLLBACK:
        return EFFECT_ROLLBACK;
    case ACTION_PAGERDUTY:
        return EFFECT_PAGE;
    case ACTION_OPSGENIE:
    case ACTION_JSM:
        return level == LEVEL_HARD ? EFFECT_PAGE : EFFECT_TICKET;
    case ACTION_JIRA:
        return EFFECT_TICKET;
    case ACTION_SLACK:
    case ACTION_HTTP:
    case ACTION_KINDS:
        break;
    }
    return EFFECT_NOTIFY;
}

static bool
is_message(enum effect_kind kind)
{
    return kind == EFFECT_PAGE || kind == EFFECT_NOTIFY || kind == EFFECT_TICKET;
}

/* The policy's actions; `commands`: rollback and abort too; `verbs`: hold, extend and halt too. */
static void
add_uses(struct work *w, bool commands, bool verbs)
{
    const struct policy_guardrail *g = w->out->guardrail;
    enum policy_level level = w->out->level;

    for (size_t i = 0; i < g->on[level].count; i++) {
        const struct policy_use *use = &g->on[level].uses[i];
        enum effect_kind kind = kind_of(use, level);
        bool command = kind == EFFECT_ROLLBACK || kind == EFFECT_ABORT;

        if (is_message(kind) || (command ? commands : verbs))
            add(w, kind, use->action);
    }
}

static bool
pages_already(const struct decision *out)
{
    for (size_t i = 0; i < out->effect_count; i++)
        if (out->effects[i].kind == EFFECT_PAGE)
            return true;
    return false;
}

static enum effect_kind
pager_kind(const struct policy_action *pager)
{
    return pager->kind == ACTION_SLACK ? EFFECT_NOTIFY : EFFECT_PAGE;
}

static void
add_pagers(struct work *w)
{
    if (pages_already(w->out))
        return;
    for (size_t i = 0; i < w->in->policy->pager_count; i++) {
        const struct policy_action *pager = w->in->policy->pagers[i];

        add(w, pager_kind(pager), pager);
    }
}

/* Someone must look: no promotion, and a page. What the policy says besides is done, but no command. */
static void
add_held(struct work *w)
{
    enum release_state state = w->in->release.state;
    bool in_order = w->out->reason >= REASON_OPERATOR_HOLD; /* guardrail and level are known */

    if (state == RELEASE_RUNNING || state == RELEASE_HALTED)
        add(w, EFFECT_HOLD, NULL);
    if (in_order)
        add_uses(w, false, true);
    add_pagers(w);
}

/* A hard breach of the final phase is nobody's to undo but a person's. */
static void
add_final(struct work *w)
{
    add_uses(w, false, false);
    if (w->out->level == LEVEL_HARD)
        add_pagers(w);
}

static void
add_cut(struct work *w, enum effect_kind kind, const struct policy_action *action)
{
    struct decision *out = w->out;
    struct gr_buf key = GR_BUF_INIT(KEY_BYTES_MAX), why = GR_BUF_INIT(TEXT_BYTES_MAX);

    put_release(w, &key);
    gr_buf_printf(&key, "/truncated/%s/" GR_FMT "/%u", effect_kind_name(kind),
                  GR_ARG(action ? action->name : GR_STR("-")), w->in->release.armed_epoch);
    gr_buf_printf(&why, "Alertmanager cut %" PRId64 " alerts off a notification for deployment ",
                  w->in->truncated);
    put_shown(&why, label(w, GR_LABEL_DEPLOYMENT));
    gr_buf_puts(&why, ", and a breach may be among them; look at Prometheus, and set max_alerts to 0");
    GR_ASSERT(out->effect_count < DECIDE_EFFECTS_MAX);
    out->effects[out->effect_count++] = (struct effect){.kind = kind,
                                                        .how = how_for(w->in->mode, kind),
                                                        .action = action,
                                                        .key = keep(w, &key),
                                                        .reason = keep(w, &why)};
}

/* What was cut off is unknown, so it is taken for a breach that somebody must look for. */
static void
add_truncated(struct work *w)
{
    enum release_state state = w->in->release.state;
    bool live = state == RELEASE_RUNNING || state == RELEASE_HALTED;

    if (w->in->truncated <= 0 || !(live || state == RELEASE_NONE || state == RELEASE_SEALED))
        return;
    if (live)
        add_cut(w, EFFECT_HOLD, NULL);
    for (size_t i = 0; i < w->in->policy->pager_count; i++)
        add_cut(w, pager_kind(w->in->policy->pagers[i]), w->in->policy->pagers[i]);
    if (w->out->outcome == DECIDED_NOTHING && w->out->effect_count > 0)
        w->out->outcome = DECIDED_HELD;
}

/* "rollback, page: hard breach of …; as the policy says" */
static struct gr_str
decision_text(struct work *w)
{
    struct gr_buf b = GR_BUF_INIT(TEXT_BYTES_MAX);

    for (size_t i = 0; i < w->out->effect_count; i++)
        gr_buf_printf(&b, "%s%s", i > 0 ? ", " : "", effect_kind_name(w->out->effects[i].kind));
    gr_buf_puts(&b, w->out->effect_count > 0 ? ": " : "nothing: ");
    put_breach(w, &b);
    gr_buf_printf(&b, "; %s", reason_rows[w->out->reason].text);
    if (w->in->alert.spec_hash.n > 0 && !gr_str_eq(w->in->alert.spec_hash, w->in->policy->spec_hash))
        gr_buf_puts(&b, "; the alert's rules come from another version of the spec");
    if (w->out->stale)
        gr_buf_puts(&b, "; the alert may be stale");
    if (w->in->truncated > 0)
        gr_buf_puts(&b, "; the notification was cut short");
    return keep(w, &b);
}

enum gr_err
decide(const struct decide_input *in, struct gr_arena *a, struct decision *out)
{
    struct work w = {.in = in, .arena = a, .out = out};

    GR_ASSERT(in->release.state == RELEASE_NONE || in->release.phase);
    *out = (struct decision){.stale = is_stale(in), .episode = next_episode(in)};
    w.level = label(&w, GR_LABEL_LEVEL);
    out->guardrail = policy_guardrail(in->policy, label(&w, GR_LABEL_GUARDRAIL));
    if (out->guardrail && labels_pick(a, in->alert.labels, out->guardrail->slice_labels,
                                      out->guardrail->slice_label_count, &out->slice) != GR_OK)
        return GR_ENOMEM;
    out->reason = classify(&w);
    out->outcome = reason_rows[out->reason].outcome;
    if (out->reason == REASON_POLICY)
        add_uses(&w, true, true);
    else if (out->reason == REASON_OTHER_PHASE)
        add_uses(&w, false, false);
    else if (out->reason == REASON_FINAL)
        add_final(&w);
    else if (out->outcome == DECIDED_HELD)
        add_held(&w);
    if (out->outcome == DECIDED_ACT && out->effect_count == 0)
        out->outcome = DECIDED_NOTHING;
    add_truncated(&w);
    out->text = decision_text(&w);
    return w.no_memory ? GR_ENOMEM : GR_OK;
}

bool
decide_still_valid(const struct release_view *release, uint32_t epoch, struct gr_str *why)
{
    struct gr_str reason = GR_STR_NONE;

    switch (release->state) {
    case RELEASE_NONE:
        reason = GR_STR("the release is not registered any more");
        break;
    case RELEASE_SEALED:
        reason = GR_STR("the release was sealed meanwhile");
        break;
    case RELEASE_ROLLED_BACK:
        reason = GR_STR("the release is rolled back already");
        break;
    case RELEASE_ABORTED:
        reason = GR_STR("the release was aborted meanwhile");
        break;
    case RELEASE_RUNNING:
    case RELEASE_HALTED:
    case RELEASE_ROLLING_BACK:
        if (release->armed_epoch != epoch)
            reason = GR_STR("the release was armed anew meanwhile");
        else if (release->held)
            reason = GR_STR("an operator holds the release");
        break;
    case RELEASE_STATES:
        GR_ASSERT(false && "a state of the list");
    }
    *why = reason;
    return reason.n == 0;
}
