/* The whole product of what decide() looks at, against a second statement of its rules: a table of rows, of which the first that
 * fits counts, written from the contract and not from the code. What a row leaves open (0) is any.
 *
 * make check takes every SHARE_STEP-th case; GR_DECIDE_STEP in the environment is another step, 1 takes all of them. */
#include "config.h"
#include "fixture.h"
#include "test_webhook.h"

#include <inttypes.h>
#include <stdlib.h>
#include "guardrail/number.h"
#include "webhook/decide_json.h"
#include "webhook/jread.h"

#define NOW INT64_C(1732371000000)
#define HOUR INT64_C(3600000)
#define PARTS 3         /* each its own test; odd, for the dimensions are mostly even */
#define SHARE_STEP 1009 /* a prime: no dimension keeps one value */

#define REPLAY_SHARE 17 /* one in so many is written down, read back and made again */

enum guardrail_class { G_ERROR_RATE, G_DRIFT, G_REFDATA, G_SCHEMA, G_UNKNOWN, GUARDRAILS };
enum level_class { L_HARD, L_SOFT, L_NO_DATA, L_UNKNOWN, LEVELS };
enum phase_class { P_SAME, P_OTHER, P_UNKNOWN, P_FINAL, PHASES };
enum storm_class { STORM_NONE, STORM_COUNTED, STORM_OPEN, STORMS };
enum start_class {
    START_AFTER,
    START_BEFORE,
    START_ARMED_LATER,
    STARTS
}; /* the last: the clock went back since the arming */
enum inbox_class {
    INBOX_FRESH,
    INBOX_TEN_MINUTES,
    INBOX_HOUR,
    INBOX_BACK,
    INBOXES
}; /* the last: received an hour after now */
enum episode_class {
    E_NONE,
    E_OPEN,
    E_OVER,
    E_REPEATED,
    E_FUTURE,
    EPISODES
}; /* E_FUTURE: ended after the alert came */

struct kase {
    unsigned state, guardrail, level, phase, stands, storm, start, inbox, episode, mode;
    unsigned resolved, other_spec, other_stream, other_hash, held, cooling, no_traffic, control, truncated;
};
static const struct dimension {
    size_t at;
    unsigned count;
} dimensions[] = {
#define D(name, n)                                                                                           \
    {                                                                                                        \
        offsetof(struct kase, name), n                                                                       \
    }
    D(state, RELEASE_STATES),
    D(guardrail, GUARDRAILS),
    D(level, LEVELS),
    D(phase, PHASES),
    D(stands, 2),
    D(storm, STORMS),
    D(start, STARTS),
    D(inbox, INBOXES),
    D(episode, EPISODES),
    D(mode, DAEMON_MODES),
    D(resolved, 2),
    D(other_spec, 2),
    D(other_stream, 2),
    D(other_hash, 2),
    D(held, 2),
    D(cooling, 2),
    D(no_traffic, 2),
    D(control, 2),
    D(truncated, 2),
#undef D
};

static unsigned *
field(struct kase *k, size_t i)
{
    return (unsigned *)(void *)((char *)k + dimensions[i].at);
}

static uint64_t
product_size(void)
{
    uint64_t n = 1;

    for (size_t i = 0; i < GR_COUNT(dimensions); i++)
        n *= dimensions[i].count;
    return n;
}

static struct kase
kase_at(uint64_t n)
{
    struct kase k = {0};

    for (size_t i = 0; i < GR_COUNT(dimensions); i++) {
        *field(&k, i) = (unsigned)(n % dimensions[i].count);
        n /= dimensions[i].count;
    }
    return k;
}

/* ---- the rules, stated again ---- */

/* What tests/unit/webhook/policy.json says, by hand. */
enum item_class { COMMAND = 1, VERB = 2, MESSAGE = 4 };
static const struct on {
    struct item {
        enum item_class class;
        enum effect_kind kind;
        const char *action;
    } items[4]; /* class 0 ends */
} on[GUARDRAILS][LEVELS] = {
    [G_ERROR_RATE] = {{{{COMMAND, EFFECT_ROLLBACK, "rollback"}, {MESSAGE, EFFECT_PAGE, "page"}}},
                      {{{VERB, EFFECT_EXTEND, ""},
                        {MESSAGE, EFFECT_NOTIFY, "notify"},
                        {MESSAGE, EFFECT_TICKET, "ticket"}}},
                      {{{VERB, EFFECT_HOLD, ""}, {MESSAGE, EFFECT_NOTIFY, "notify"}}}},
    [G_DRIFT] =
        {{{{VERB, EFFECT_HALT, ""}, {MESSAGE, EFFECT_PAGE, "page"}, {MESSAGE, EFFECT_NOTIFY, "notify"}}}},
    [G_REFDATA] = {{{{COMMAND, EFFECT_ROLLBACK, "rollback"}, {MESSAGE, EFFECT_NOTIFY, "notify"}}},
                   {{{VERB, EFFECT_HOLD, ""}, {MESSAGE, EFFECT_NOTIFY, "notify"}}},
                   {{{VERB, EFFECT_HOLD, ""}}}},
    [G_SCHEMA] = {{{{COMMAND, EFFECT_ABORT, ""}, {MESSAGE, EFFECT_NOTIFY, "notify"}}}},
};

#define BIT(x) (1u << (x))
#define YES 2u
#define NO 1u
#define LIVE (BIT(RELEASE_RUNNING) | BIT(RELEASE_HALTED))
#define OVER (BIT(RELEASE_ROLLING_BACK) | BIT(RELEASE_ROLLED_BACK) | BIT(RELEASE_ABORTED))
#define ROLLS_BACK (BIT(G_ERROR_RATE) | BIT(G_REFDATA))
#define INFORMAL (BIT(L_SOFT) | BIT(L_NO_DATA))
/* What follows besides the items of the classes named in `does`. */
#define HOLDS 8u /* no promotion, if the release is live */
#define PAGES 16u
static const struct rule {
    enum decide_reason reason;
    unsigned does;
    unsigned resolved, other_spec, state, stands, stream, phase, guardrail, level, held, control, storm,
        cooling, no_traffic;
} rules[] = {
    {.resolved = YES, .reason = REASON_RESOLVED},
    {.other_spec = YES, .reason = REASON_OTHER_SPEC, .does = HOLDS | PAGES},
    {.state = BIT(RELEASE_NONE), .reason = REASON_UNKNOWN_DEPLOYMENT, .does = PAGES},
    {.state = BIT(RELEASE_SEALED),
     .stands = YES,
     .stream = NO,
     .phase = BIT(P_SAME) | BIT(P_FINAL),
     .guardrail = BIT(G_REFDATA),
     .level = BIT(L_HARD),
     .reason = REASON_FINAL,
     .does = MESSAGE | PAGES},
    {.state = BIT(RELEASE_SEALED),
     .stands = YES,
     .stream = NO,
     .phase = BIT(P_SAME) | BIT(P_FINAL),
     .guardrail = BIT(G_REFDATA),
     .level = INFORMAL,
     .reason = REASON_FINAL,
     .does = MESSAGE},
    {.state = BIT(RELEASE_SEALED), .reason = REASON_SEALED, .does = PAGES},
    {.state = OVER, .reason = REASON_ENDED},
    {.stream = YES, .reason = REASON_OTHER_STREAM, .does = HOLDS | PAGES},
    {.guardrail = BIT(G_UNKNOWN), .reason = REASON_UNKNOWN_GUARDRAIL, .does = HOLDS | PAGES},
    {.level = BIT(L_UNKNOWN), .reason = REASON_UNKNOWN_LEVEL, .does = HOLDS | PAGES},
    {.guardrail = BIT(G_SCHEMA), .level = BIT(L_SOFT), .reason = REASON_UNKNOWN_LEVEL, .does = HOLDS | PAGES},
    {.guardrail = BIT(G_SCHEMA), .level = BIT(L_NO_DATA), .reason = REASON_NO_ACTION},
    {.guardrail = BIT(G_DRIFT), .level = INFORMAL, .reason = REASON_NO_ACTION},
    {.level = INFORMAL,
     .phase = BIT(P_OTHER) | BIT(P_UNKNOWN),
     .reason = REASON_OTHER_PHASE,
     .does = MESSAGE},
    {.level = INFORMAL, .phase = BIT(P_FINAL), .stands = NO, .reason = REASON_OTHER_PHASE, .does = MESSAGE},
    {.level = INFORMAL, .reason = REASON_POLICY, .does = VERB | MESSAGE},
    {.guardrail = BIT(G_DRIFT), .reason = REASON_POLICY, .does = VERB | MESSAGE},
    {.held = YES, .reason = REASON_OPERATOR_HOLD, .does = VERB | MESSAGE | HOLDS | PAGES},
    {.guardrail = BIT(G_ERROR_RATE),
     .control = YES,
     .reason = REASON_COMMON_CAUSE,
     .does = VERB | MESSAGE | HOLDS | PAGES},
    {.guardrail = ROLLS_BACK,
     .storm = BIT(STORM_COUNTED) | BIT(STORM_OPEN),
     .reason = REASON_STORM,
     .does = VERB | MESSAGE | HOLDS | PAGES},
    {.guardrail = ROLLS_BACK,
     .cooling = YES,
     .reason = REASON_COOLING,
     .does = VERB | MESSAGE | HOLDS | PAGES},
    {.guardrail = BIT(G_SCHEMA),
     .no_traffic = NO,
     .reason = REASON_HAD_TRAFFIC,
     .does = VERB | MESSAGE | HOLDS | PAGES},
    {.reason = REASON_POLICY, .does = COMMAND | VERB | MESSAGE},
};

static bool
fits(unsigned wanted, unsigned have)
{
    return wanted == 0 || (wanted & BIT(have));
}

static const struct rule *
rule_for(const struct kase *k)
{
    for (size_t i = 0; i < GR_COUNT(rules); i++) {
        const struct rule *r = &rules[i];

        if (fits(r->resolved, k->resolved) && fits(r->other_spec, k->other_spec) &&
            fits(r->state, k->state) && fits(r->stands, k->stands) && fits(r->stream, k->other_stream) &&
            fits(r->phase, k->phase) && fits(r->guardrail, k->guardrail) && fits(r->level, k->level) &&
            fits(r->held, k->held) && fits(r->control, k->control) && fits(r->storm, k->storm) &&
            fits(r->cooling, k->cooling) && fits(r->no_traffic, k->no_traffic))
            return r;
    }
    ck_abort_msg("no rule fits");
}

struct wanted {
    struct {
        enum effect_kind kind;
        const char *action;
    } effects[16];
    size_t count;
};

static void
want(struct wanted *w, enum effect_kind kind, const char *action)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->effects[i].kind == kind && strcmp(w->effects[i].action, action) == 0)
            return;
    w->effects[w->count].kind = kind;
    w->effects[w->count++].action = action;
}

static bool
live(const struct kase *k)
{
    return k->state == RELEASE_RUNNING || k->state == RELEASE_HALTED;
}

static void
want_all(const struct kase *k, const struct rule *r, struct wanted *w)
{
    const struct item *items = r->does & 7u ? on[k->guardrail][k->level].items : NULL;
    bool paged = false;

    if ((r->does & HOLDS) && live(k))
        want(w, EFFECT_HOLD, "");
    for (size_t i = 0; items && items[i].class != 0; i++)
        if (r->does & (unsigned)items[i].class) {
            want(w, items[i].kind, items[i].action);
            paged |= items[i].kind == EFFECT_PAGE;
        }
    if ((r->does & PAGES) && !paged)
        want(w, EFFECT_PAGE, "page");
    if (!k->truncated || (BIT(k->state) & OVER))
        return;
    if (live(k)) { /* further effects with keys of their own */
        w->effects[w->count].kind = EFFECT_HOLD;
        w->effects[w->count++].action = "";
    }
    w->effects[w->count].kind = EFFECT_PAGE;
    w->effects[w->count++].action = "page";
}

/* Fires with a start before the end that is known: nothing new. A start in our future is after every end. */
static bool
repeats(const struct kase *k)
{
    return k->episode == E_REPEATED && k->start != START_ARMED_LATER;
}

/* Nobody can say how old it is, or it is old. */
static bool
want_stale(const struct kase *k)
{
    return !k->resolved && (k->start != START_AFTER || k->inbox == INBOX_HOUR || k->inbox == INBOX_BACK ||
                            repeats(k) || k->episode == E_FUTURE);
}

/* ---- a case as decide() gets it ---- */

static const char *const guardrail_names[GUARDRAILS] = {"error_rate", "model_drift", "refdata",
                                                        "schema_changes", "unheard_of"};
static const char *const level_names[LEVELS] = {"hard", "soft", "no_data", "harder"};

struct world {
    struct gr_arena *arena; /* what lasts */
    struct policy *policy;
    struct label_set stream;
    struct label_set labels[GUARDRAILS][LEVELS][PHASES][2][2][2]; /* … [stands][other_spec][other_stream] */
};

static const char *
phase_name(unsigned phase, unsigned stands)
{
    static const char *const names[PHASES] = {NULL, "phase_1", "unheard_of", "general"};

    return phase == P_SAME ? (stands ? "general" : "phase_2") : names[phase];
}

static void
world_make(struct world *w)
{
    w->arena = gr_arena_create(64u << 20);
    w->policy = fixture_policy();
    w->stream = fixture_labels(w->arena, "cluster=equities");
    for (unsigned i = 0; i < GUARDRAILS * LEVELS * PHASES * 8; i++) {
        unsigned spec = i & 1, stream = i >> 1 & 1, stands = i >> 2 & 1, phase = (i >> 3) % PHASES,
                 level = (i >> 3) / PHASES % LEVELS, g = (i >> 3) / PHASES / LEVELS;
        struct gr_str text =
            gr_arena_printf(w->arena,
                            "alertname=A,spec=%s,cluster=%s,deployment_id=tp-1,guardrail=%s,level=%s,"
                            "side=upper,phase=%s,venue=XNAS,flow=making",
                            spec ? "other" : "demo", stream ? "crypto" : "equities", guardrail_names[g],
                            level_names[level], phase_name(phase, stands));
        w->labels[g][level][phase][stands][spec][stream] = fixture_labels(w->arena, text.p);
    }
}

static void
world_remove(struct world *w)
{
    policy_free(w->policy);
    gr_arena_free(w->arena);
}

static struct decide_episode
episode_for(const struct kase *k, int64_t starts_ms, int64_t received_ms)
{
    int64_t seen_ms = starts_ms < received_ms ? starts_ms : received_ms;
    const struct decide_episode episodes[EPISODES] = {[E_NONE] = {0, false, 0},
                                                      [E_OPEN] = {3, true, 0},
                                                      [E_OVER] = {3, false, seen_ms - 1},
                                                      [E_REPEATED] = {3, false, seen_ms},
                                                      [E_FUTURE] = {3, false, received_ms + 1}};

    return episodes[k->episode];
}

static struct decide_input
input_for(const struct world *w, const struct kase *k)
{
    static const int64_t received[INBOXES] = {NOW, NOW - DECIDE_INBOX_AGE_MS_MAX, NOW - HOUR, NOW + HOUR};
    int64_t armed = k->start == START_ARMED_LATER ? NOW + 2 * HOUR : NOW - 2 * HOUR;
    int64_t starts =
        k->start == START_AFTER ? received[k->inbox] - 120000 : armed + (k->start == START_BEFORE ? -1 : 1);
    bool held = k->held != 0;

    return (struct decide_input){
        .policy = w->policy,
        .release = {.state = (enum release_state)k->state,
                    .stream = w->stream,
                    .phase = &w->policy->phases[k->stands ? 3 : 2],
                    .armed_epoch = 7,
                    .armed_ms = armed,
                    .held = held,
                    .had_traffic = !k->no_traffic},
        .alert = {.firing = !k->resolved,
                  .labels =
                      w->labels[k->guardrail][k->level][k->phase][k->stands][k->other_spec][k->other_stream],
                  .spec_hash = k->other_hash ? GR_STR("ff") : w->policy->spec_hash,
                  .common_cause = k->control ? GR_STR("control") : GR_STR(""),
                  .starts_at_ms = starts,
                  .ends_at_ms = k->resolved ? received[k->inbox] - 1000 : 0,
                  .received_ms = received[k->inbox]},
        .episode = episode_for(k, starts, received[k->inbox]),
        .truncated = k->truncated ? 5 : 0,
        .mode = (enum daemon_mode)k->mode,
        .storm_streams = k->storm == STORM_COUNTED ? 3 : 0,
        .storm_max = 3,
        .storm_open = k->storm == STORM_OPEN,
        .stream_cooling = k->cooling != 0,
        .now_ms = NOW,
    };
}

/* ---- the comparison ---- */

static bool
is_command(enum effect_kind kind)
{
    return kind == EFFECT_ROLLBACK || kind == EFFECT_ABORT;
}

static enum decide_outcome
want_outcome(const struct kase *k, const struct rule *r)
{
    struct kase whole = *k;
    struct wanted w = {.count = 0}, cut = {.count = 0};

    whole.truncated = 0;
    want_all(&whole, r, &w);
    want_all(k, r, &cut);
    if (w.count == 0)
        return cut.count > 0 ? DECIDED_HELD : DECIDED_NOTHING;
    return (r->does & PAGES) && r->reason != REASON_FINAL ? DECIDED_HELD : DECIDED_ACT;
}

static const char *
how_wrong(const struct kase *k, const struct rule *r, const struct decision *d)
{
    struct wanted w = {.count = 0};

    want_all(k, r, &w);
    if (d->reason != r->reason)
        return "the reason";
    if (d->outcome != want_outcome(k, r))
        return "the outcome";
    if (d->effect_count != w.count)
        return "the number of effects";
    for (size_t i = 0; i < w.count; i++) {
        const struct effect *e = &d->effects[i];

        if (e->kind != w.effects[i].kind ||
            !gr_str_is(e->action ? e->action->name : GR_STR(""), w.effects[i].action))
            return "the effects";
    }
    return d->stale == want_stale(k) ? NULL : "staleness";
}

static const char *
effects_wrong(const struct kase *k, const struct decision *d)
{
    for (size_t i = 0; i < d->effect_count; i++) {
        const struct effect *e = &d->effects[i];
        enum effect_how how = k->mode == MODE_AUTO || (k->mode == MODE_CONFIRM && !is_command(e->kind))
                                  ? HOW_DO
                              : k->mode == MODE_CONFIRM ? HOW_CONFIRM
                                                        : HOW_RECORD;
        if (e->how != how)
            return "how it is carried out";
        if (e->recheck != (is_command(e->kind) && want_stale(k)))
            return "the recheck";
        if (e->kind == EFFECT_ROLLBACK && !gr_str_is(e->key, "demo/cluster=equities/tp-1/rollback/7"))
            return "the rollback's key";
        for (size_t j = 0; j < i; j++)
            if (gr_str_eq(e->key, d->effects[j].key))
                return "one key twice";
    }
    return NULL;
}

static const char *
episode_wrong(const struct kase *k, const struct decide_input *in, const struct decision *d)
{
    struct decide_episode e = in->episode;

    if (!k->resolved && k->episode != E_OPEN && !repeats(k))
        e = (struct decide_episode){.number = e.number + 1, .open = true};
    if (k->resolved && e.number > 0) {
        e.open = false;
        if (in->alert.ends_at_ms > e.ended_ms)
            e.ended_ms = in->alert.ends_at_ms;
    }
    return d->episode.number == e.number && d->episode.open == e.open && d->episode.ended_ms == e.ended_ms
               ? NULL
               : "the episode";
}

/* What holds whatever the rows say. */
static const char *
invariant_broken(const struct kase *k, const struct decision *d)
{
    bool command = false, page = false, other = false;

    for (size_t i = 0; i < d->effect_count; i++) {
        enum effect_kind kind = d->effects[i].kind;
        command |= is_command(kind);
        page |= kind == EFFECT_PAGE;
        other |= kind != EFFECT_PAGE && kind != EFFECT_HOLD;
    }
    if (k->resolved && (command || other || (!k->truncated && d->effect_count > 0)))
        return "a resolved alert does something";
    if (command &&
        (!live(k) || k->other_spec || k->other_stream || k->guardrail == G_UNKNOWN || k->level != L_HARD))
        return "a command that nobody may run";
    if (command && (k->held || (k->guardrail != G_SCHEMA && (k->storm || k->cooling))))
        return "a command that is held back";
    if (d->outcome == DECIDED_HELD && !page)
        return "held, and nobody is paged";
    if (k->truncated && (live(k) || k->state == RELEASE_NONE || k->state == RELEASE_SEALED) && !page)
        return "cut short, and nobody is paged";
    return (d->outcome == DECIDED_NOTHING) == (d->effect_count == 0) ? NULL : "nothing, or something?";
}

/* The same alert once more: every effect is known already. */
static const char *
repeat_wrong(const struct kase *k, struct decide_input in, struct gr_arena *a, const struct decision *first)
{
    static struct decision again;

    if (k->resolved)
        return NULL;
    in.episode = first->episode;
    in.alert.starts_at_ms += 1000;
    in.alert.received_ms += 300000;
    in.now_ms += 300000;
    if (!first->episode.open) /* it repeats a closed one, and must still lie before its end */
        in.episode.ended_ms += 1000;
    ck_assert_int_eq(decide(&in, a, &again), GR_OK);
    if (again.effect_count != first->effect_count)
        return "a repeat has other effects";
    for (size_t i = 0; i < again.effect_count; i++)
        if (!gr_str_eq(again.effects[i].key, first->effects[i].key))
            return "a repeat has other keys";
    return NULL;
}

/* Written down, read back and made again it is the same decision, to the byte. */
static const char *
replay_wrong(const struct world *w, const struct decide_input *in, struct gr_arena *a,
             const struct decision *first)
{
    static struct decision again;
    struct gr_buf text = GR_BUF_INIT(1u << 20), other = GR_BUF_INIT(1u << 20);
    struct decide_input back;
    const struct gr_node *root = NULL;
    const char *why = NULL;
    bool same;

    decide_json_print(&text, in, "00", first);
    ck_assert_int_eq(jread(a, gr_buf_str(&text), &root), GR_OK);
    ck_assert(gr_str_is(decide_json_policy(root), "00"));
    ck_assert_msg(decide_json_read(a, root, w->policy, &back, &why) == GR_OK, "%s", why);
    ck_assert_int_eq(decide(&back, a, &again), GR_OK);
    decide_json_print(&other, &back, "00", &again);
    same = gr_buf_err(&text) == GR_OK && gr_str_eq(gr_buf_str(&text), gr_buf_str(&other));
    gr_buf_fini(&text);
    gr_buf_fini(&other);
    return same ? NULL : "the replay";
}

static unsigned used[GR_COUNT(rules)];

static void
check_case(const struct world *w, struct gr_arena *a, uint64_t n)
{
    static struct decision d;
    struct kase k = kase_at(n);
    struct decide_input in = input_for(w, &k);
    const struct rule *r = rule_for(&k);
    const char *wrong;

    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    used[r - rules]++;
    if (!(wrong = how_wrong(&k, r, &d)) && !(wrong = effects_wrong(&k, &d)) &&
        !(wrong = episode_wrong(&k, &in, &d)) && !(wrong = invariant_broken(&k, &d)))
        wrong = repeat_wrong(&k, in, a, &d);
    if (!wrong && n % REPLAY_SHARE == 0)
        wrong = replay_wrong(w, &in, a, &d);
    ck_assert_msg(!wrong, "case %" PRIu64 ": %s is wrong; rule %zu; " GR_FMT, n, wrong, (size_t)(r - rules),
                  GR_ARG(d.text));
}

static uint64_t
step_wanted(void)
{
    const char *text = getenv("GR_DECIDE_STEP");
    int64_t step = SHARE_STEP;

    ck_assert(!text || gr_parse_i64(gr_str(text), 1, INT64_C(1000000), &step) == GR_OK);
    return (uint64_t)step;
}

START_TEST(the_whole_product)
{
    struct world w;
    uint64_t step = step_wanted(), size = product_size(), done = 0;
    struct gr_arena *a = NULL;

    world_make(&w);
    for (uint64_t n = (uint64_t)_i * step; n < size; n += PARTS * step) {
        if (done++ % 256 == 0) {
            gr_arena_free(a);
            a = gr_arena_create(64u << 20);
        }
        check_case(&w, a, n);
    }
    for (size_t i = 0; i < GR_COUNT(rules) && step <= SHARE_STEP; i++)
        ck_assert_msg(used[i] > 0, "rule %zu fits no case", i);
    ck_assert_uint_gt(done, 1000);
    gr_arena_free(a);
    world_remove(&w);
}
END_TEST

Suite *
decide_all_suite(void)
{
    Suite *s = suite_create("decide_all");
    TCase *tc = tcase_create("decide_all");

    tcase_set_timeout(tc, getenv("GR_DECIDE_STEP") ? 36000 : 60);
    tcase_add_loop_test(tc, the_whole_product, 0, PARTS);
    suite_add_tcase(s, tc);
    return s;
}
