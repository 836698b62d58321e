#include "config.h"
#include "fixture.h"
#include "test_webhook.h"
#include "webhook/decide.h"

#define NOW INT64_C(1732371000000)

/* A case in short; what is not set is the ordinary: a firing hard alert of the running release, in its phase, mode auto. */
struct given {
    const char *guardrail, *level, *phase, *spec, *cluster, *side, *common_cause;
    const char *stands_in; /* the phase that the release stands in */
    enum release_state state;
    enum daemon_mode mode;
    bool resolved, held, had_no_traffic, storm_open, cooling, other_hash;
    uint32_t storm_streams;
    int64_t started_ms, waited_ms; /* 0: 2 minutes ago; how long it lay in the inbox */
    struct decide_episode episode;
    uint32_t epoch;
};

static const char *
or_else(const char *text, const char *usual)
{
    return text ? text : usual;
}

static struct decide_input
input(struct gr_arena *a, const struct policy *p, const struct given *g)
{
    struct gr_str labels = gr_arena_printf(a,
                                           "alertname=A,spec=%s,cluster=%s,deployment_id=tp-1,guardrail=%s,"
                                           "level=%s,side=%s,phase=%s,venue=XNAS,flow=making",
                                           or_else(g->spec, "demo"), or_else(g->cluster, "equities"),
                                           or_else(g->guardrail, "error_rate"), or_else(g->level, "hard"),
                                           or_else(g->side, "upper"), or_else(g->phase, "phase_2"));

    return (struct decide_input){
        .policy = p,
        .release = {.state = g->state,
                    .stream = fixture_labels(a, "cluster=equities"),
                    .phase = policy_phase(p, gr_str(or_else(g->stands_in, "phase_2"))),
                    .armed_epoch = g->epoch,
                    .armed_ms = NOW - 3600000,
                    .held = g->held,
                    .had_traffic = !g->had_no_traffic},
        .alert = {.firing = !g->resolved,
                  .labels = fixture_labels(a, labels.p),
                  .spec_hash = g->other_hash ? GR_STR("ff") : p->spec_hash,
                  .common_cause = gr_str(or_else(g->common_cause, "")),
                  .starts_at_ms = g->started_ms ? g->started_ms : NOW - 120000,
                  .ends_at_ms = g->resolved ? NOW - 1000 : 0,
                  .received_ms = NOW - g->waited_ms},
        .episode = g->episode,
        .mode = g->mode,
        .storm_streams = g->storm_streams,
        .storm_max = 3,
        .storm_open = g->storm_open,
        .stream_cooling = g->cooling,
        .now_ms = NOW,
    };
}

/* "rollback page:page!" - kinds in order, ':' and the action's name for messages, '?' for confirm, '~' for record only, '!' for a
 * recheck. */
static const char *
effects_text(struct gr_arena *a, const struct decision *d)
{
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str s;

    for (size_t i = 0; i < d->effect_count; i++) {
        const struct effect *e = &d->effects[i];

        gr_buf_printf(&b, "%s%s", i > 0 ? " " : "", effect_kind_name(e->kind));
        if (e->action && e->kind != EFFECT_ROLLBACK)
            gr_buf_printf(&b, ":" GR_FMT, GR_ARG(e->action->name));
        gr_buf_puts(&b, e->how == HOW_CONFIRM ? "?" : e->how == HOW_RECORD ? "~" : "");
        gr_buf_puts(&b, e->recheck ? "!" : "");
    }
    s = gr_arena_dup(a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return s.p;
}

static const struct row {
    const char *name;
    struct given given;
    enum decide_outcome outcome;
    enum decide_reason reason;
    const char *effects;
} rows[] = {
    {"hard", {.state = RELEASE_RUNNING}, DECIDED_ACT, REASON_POLICY, "rollback page:page"},
    {"soft",
     {.state = RELEASE_RUNNING, .level = "soft"},
     DECIDED_ACT,
     REASON_POLICY,
     "extend notify:notify ticket:ticket"},
    {"no data",
     {.state = RELEASE_RUNNING, .level = "no_data"},
     DECIDED_ACT,
     REASON_POLICY,
     "hold notify:notify"},
    {"halt",
     {.state = RELEASE_RUNNING, .guardrail = "model_drift"},
     DECIDED_ACT,
     REASON_POLICY,
     "halt page:page notify:notify"},
    {"abort before traffic",
     {.state = RELEASE_RUNNING, .guardrail = "schema_changes", .had_no_traffic = true},
     DECIDED_ACT,
     REASON_POLICY,
     "abort notify:notify"},
    {"abort after traffic",
     {.state = RELEASE_RUNNING, .guardrail = "schema_changes"},
     DECIDED_HELD,
     REASON_HAD_TRAFFIC,
     "hold notify:notify page:page"},
    {"hard from the previous phase",
     {.state = RELEASE_RUNNING, .phase = "phase_1"},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"hard from an unheard-of phase",
     {.state = RELEASE_RUNNING, .phase = "x"},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"hard with another hash",
     {.state = RELEASE_RUNNING, .other_hash = true},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"hard while halted", {.state = RELEASE_HALTED}, DECIDED_ACT, REASON_POLICY, "rollback page:page"},
    {"soft from the previous phase",
     {.state = RELEASE_RUNNING, .level = "soft", .phase = "phase_1"},
     DECIDED_ACT,
     REASON_OTHER_PHASE,
     "notify:notify ticket:ticket"},
    {"no data from the previous phase",
     {.state = RELEASE_RUNNING, .level = "no_data", .phase = "phase_1"},
     DECIDED_ACT,
     REASON_OTHER_PHASE,
     "notify:notify"},
    {"no action listed",
     {.state = RELEASE_RUNNING, .guardrail = "model_drift", .level = "soft"},
     DECIDED_NOTHING,
     REASON_NO_ACTION,
     ""},
    {"a level the guardrail has no limit of",
     {.state = RELEASE_RUNNING, .guardrail = "schema_changes", .level = "soft"},
     DECIDED_HELD,
     REASON_UNKNOWN_LEVEL,
     "hold page:page"},
    {"no such level",
     {.state = RELEASE_RUNNING, .level = "harder"},
     DECIDED_HELD,
     REASON_UNKNOWN_LEVEL,
     "hold page:page"},
    {"no level",
     {.state = RELEASE_RUNNING, .level = ""},
     DECIDED_HELD,
     REASON_UNKNOWN_LEVEL,
     "hold page:page"},
    {"no such guardrail",
     {.state = RELEASE_RUNNING, .guardrail = "x"},
     DECIDED_HELD,
     REASON_UNKNOWN_GUARDRAIL,
     "hold page:page"},
    {"another stream",
     {.state = RELEASE_RUNNING, .cluster = "crypto"},
     DECIDED_HELD,
     REASON_OTHER_STREAM,
     "hold page:page"},
    {"another spec",
     {.state = RELEASE_RUNNING, .spec = "other"},
     DECIDED_HELD,
     REASON_OTHER_SPEC,
     "hold page:page"},
    {"unknown deployment", {.state = RELEASE_NONE}, DECIDED_HELD, REASON_UNKNOWN_DEPLOYMENT, "page:page"},
    {"unknown deployment, soft",
     {.state = RELEASE_NONE, .level = "soft"},
     DECIDED_HELD,
     REASON_UNKNOWN_DEPLOYMENT,
     "page:page"},
    {"sealed", {.state = RELEASE_SEALED}, DECIDED_HELD, REASON_SEALED, "page:page"},
    {"sealed, hard, of the final phase",
     {.state = RELEASE_SEALED, .stands_in = "general", .phase = "general", .guardrail = "refdata"},
     DECIDED_ACT,
     REASON_FINAL,
     "notify:notify page:page"},
    {"sealed, soft, of the final phase",
     {.state = RELEASE_SEALED,
      .stands_in = "general",
      .phase = "general",
      .guardrail = "refdata",
      .level = "soft"},
     DECIDED_ACT,
     REASON_FINAL,
     "notify:notify"},
    {"sealed, no data, of the final phase",
     {.state = RELEASE_SEALED,
      .stands_in = "general",
      .phase = "general",
      .guardrail = "refdata",
      .level = "no_data"},
     DECIDED_NOTHING,
     REASON_FINAL,
     ""},
    {"sealed, of a phase before",
     {.state = RELEASE_SEALED, .stands_in = "general", .phase = "phase_2", .guardrail = "refdata"},
     DECIDED_HELD,
     REASON_SEALED,
     "page:page"},
    {"sealed, of a guardrail that the final phase does not have",
     {.state = RELEASE_SEALED, .stands_in = "general", .phase = "general"},
     DECIDED_HELD,
     REASON_SEALED,
     "page:page"},
    {"sealed, of another stream",
     {.state = RELEASE_SEALED,
      .stands_in = "general",
      .phase = "general",
      .guardrail = "refdata",
      .cluster = "crypto"},
     DECIDED_HELD,
     REASON_SEALED,
     "page:page"},
    {"control breaches, too",
     {.state = RELEASE_RUNNING, .common_cause = "control"},
     DECIDED_HELD,
     REASON_COMMON_CAUSE,
     "hold page:page"},
    {"control breaches, and the template failed",
     {.state = RELEASE_RUNNING, .common_cause = "<error expanding template>"},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"control breaches, and the policy does not care",
     {.state = RELEASE_RUNNING, .guardrail = "refdata", .common_cause = "control"},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback notify:notify"},
    {"control breaches the soft limit, too",
     {.state = RELEASE_RUNNING, .level = "soft", .common_cause = "control"},
     DECIDED_ACT,
     REASON_POLICY,
     "extend notify:notify ticket:ticket"},
    {"an operator's hold comes first",
     {.state = RELEASE_RUNNING, .held = true, .common_cause = "control"},
     DECIDED_HELD,
     REASON_OPERATOR_HOLD,
     "hold page:page"},
    {"rolling back", {.state = RELEASE_ROLLING_BACK}, DECIDED_NOTHING, REASON_ENDED, ""},
    {"rolled back", {.state = RELEASE_ROLLED_BACK}, DECIDED_NOTHING, REASON_ENDED, ""},
    {"aborted", {.state = RELEASE_ABORTED}, DECIDED_NOTHING, REASON_ENDED, ""},
    {"resolved", {.state = RELEASE_RUNNING, .resolved = true}, DECIDED_NOTHING, REASON_RESOLVED, ""},
    {"resolved, of nobody",
     {.state = RELEASE_NONE, .resolved = true, .spec = "other"},
     DECIDED_NOTHING,
     REASON_RESOLVED,
     ""},
    {"held by an operator",
     {.state = RELEASE_RUNNING, .held = true},
     DECIDED_HELD,
     REASON_OPERATOR_HOLD,
     "hold page:page"},
    {"a hold does not stop a notice",
     {.state = RELEASE_RUNNING, .held = true, .level = "soft"},
     DECIDED_ACT,
     REASON_POLICY,
     "extend notify:notify ticket:ticket"},
    {"a hold does not stop a halt",
     {.state = RELEASE_RUNNING, .held = true, .guardrail = "model_drift"},
     DECIDED_ACT,
     REASON_POLICY,
     "halt page:page notify:notify"},
    {"two streams are no storm",
     {.state = RELEASE_RUNNING, .storm_streams = 2},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"three are",
     {.state = RELEASE_RUNNING, .storm_streams = 3},
     DECIDED_HELD,
     REASON_STORM,
     "hold page:page"},
    {"a breaker that is open",
     {.state = RELEASE_RUNNING, .storm_open = true},
     DECIDED_HELD,
     REASON_STORM,
     "hold page:page"},
    {"a storm does not stop a notice",
     {.state = RELEASE_RUNNING, .storm_open = true, .level = "soft"},
     DECIDED_ACT,
     REASON_POLICY,
     "extend notify:notify ticket:ticket"},
    {"rolled back lately",
     {.state = RELEASE_RUNNING, .cooling = true},
     DECIDED_HELD,
     REASON_COOLING,
     "hold page:page"},
    {"observe",
     {.state = RELEASE_RUNNING, .mode = MODE_OBSERVE},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback~ page:page~"},
    {"dry run",
     {.state = RELEASE_RUNNING, .mode = MODE_DRY_RUN},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback~ page:page~"},
    {"confirm",
     {.state = RELEASE_RUNNING, .mode = MODE_CONFIRM},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback? page:page"},
    {"started long ago is not stale", /* but after the release was armed */
     {.state = RELEASE_RUNNING, .started_ms = NOW - 3500000},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"older than the arming",
     {.state = RELEASE_RUNNING, .started_ms = NOW - 3600001},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback! page:page"},
    {"waited in the inbox",
     {.state = RELEASE_RUNNING, .waited_ms = 600001},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback! page:page"},
    {"waited not too long",
     {.state = RELEASE_RUNNING, .waited_ms = 600000},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"repeats a closed episode",
     {.state = RELEASE_RUNNING, .episode = {1, false, NOW - 60000}},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback! page:page"},
    {"fires anew after one",
     {.state = RELEASE_RUNNING, .episode = {1, false, NOW - 120001}},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
    {"repeats an open one",
     {.state = RELEASE_RUNNING, .episode = {1, true, 0}},
     DECIDED_ACT,
     REASON_POLICY,
     "rollback page:page"},
};

/* Fills g's defaults: enumerators begin at 0, and the ordinary mode is auto. */
static struct given
usual(struct given g, bool mode_given)
{
    if (!mode_given)
        g.mode = MODE_AUTO;
    return g;
}

START_TEST(decides)
{
    const struct row *r = &rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given g = usual(r->given, r->given.mode != MODE_OBSERVE || strcmp(r->name, "observe") == 0);
    struct decide_input in = input(a, p, &g);
    struct decision d;

    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    ck_assert_msg(d.outcome == r->outcome && d.reason == r->reason, "%s: %d, %s", r->name, (int)d.outcome,
                  decide_reason_name(d.reason));
    ck_assert_msg(strcmp(effects_text(a, &d), r->effects) == 0, "%s: %s", r->name, effects_text(a, &d));
    ck_assert_uint_gt(d.text.n, 0);
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

static const char *const levels[] = {"hard", "soft", "no_data", "other"};

/* Case number `n` of the product of everything that matters. */
#define PRODUCT (RELEASE_STATES * 4 * 1024)
static struct given
product(unsigned n)
{
    static const char *const guardrails[] = {"error_rate", "schema_changes", "model_drift", "unknown"};
    struct given g = {.mode = MODE_AUTO};

    g.state = (enum release_state)(n % RELEASE_STATES);
    n /= RELEASE_STATES;
    g.level = levels[n % 4];
    n /= 4;
    g.resolved = n & 1;
    g.spec = n >> 1 & 1 ? "other" : "demo";
    g.cluster = n >> 2 & 1 ? "crypto" : "equities";
    g.phase = n >> 3 & 1 ? "phase_1" : "phase_2";
    g.held = n >> 4 & 1;
    g.storm_open = n >> 5 & 1;
    g.cooling = n >> 6 & 1;
    g.had_no_traffic = n >> 7 & 1;
    g.guardrail = guardrails[n >> 8 & 3];
    return g;
}

static bool
has_kind(const struct decision *d, enum effect_kind kind)
{
    for (size_t i = 0; i < d->effect_count; i++)
        if (d->effects[i].kind == kind)
            return true;
    return false;
}

/* Stated anew from the contract, not from the code: when may a command run? */
static bool
command_allowed(const struct given *g)
{
    bool live = g->state == RELEASE_RUNNING || g->state == RELEASE_HALTED;
    bool known = !g->resolved && strcmp(g->spec, "demo") == 0 && strcmp(g->cluster, "equities") == 0;

    if (!live || !known || g->held || strcmp(g->level, "hard") != 0)
        return false;
    if (strcmp(g->guardrail, "error_rate") == 0)
        return !g->storm_open && !g->cooling;
    return strcmp(g->guardrail, "schema_changes") == 0 && g->had_no_traffic;
}

static void
check_held(const struct given *g, const struct decision *d, unsigned n)
{
    bool live = g->state == RELEASE_RUNNING || g->state == RELEASE_HALTED;

    ck_assert_msg(has_kind(d, EFFECT_PAGE), "case %u: held, but nobody is paged", n);
    ck_assert_msg(has_kind(d, EFFECT_HOLD) == live, "case %u: hold", n);
}

static void
check_keys(const struct decision *d, unsigned n)
{
    for (size_t i = 0; i < d->effect_count; i++) {
        ck_assert_msg(gr_str_starts(d->effects[i].key, GR_STR("demo/cluster=")), "case %u", n);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(!gr_str_eq(d->effects[i].key, d->effects[k].key), "case %u: one key twice", n);
    }
}

START_TEST(every_combination)
{
    struct gr_arena *a = gr_arena_create(64 << 20);
    struct policy *p = fixture_policy();

    for (unsigned n = (unsigned)_i; n < PRODUCT; n += 8) {
        struct given g = product(n);
        struct decide_input in = input(a, p, &g);
        bool command;
        struct decision d;

        ck_assert_int_eq(decide(&in, a, &d), GR_OK);
        command = has_kind(&d, EFFECT_ROLLBACK) || has_kind(&d, EFFECT_ABORT);
        ck_assert_msg(command == command_allowed(&g), "case %u: " GR_FMT, n, GR_ARG(d.text));
        ck_assert_msg(!g.resolved || d.effect_count == 0, "case %u: resolved does something", n);
        ck_assert_msg((d.outcome == DECIDED_NOTHING) == (d.effect_count == 0), "case %u", n);
        if (d.outcome == DECIDED_HELD)
            check_held(&g, &d, n);
        if (g.state >= RELEASE_ROLLING_BACK && g.state <= RELEASE_ABORTED && strcmp(g.spec, "demo") == 0)
            ck_assert_msg(d.effect_count == 0, "case %u: an ended release", n);
        check_keys(&d, n);
    }
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

/* The keys of two decisions are the same ones. */
static bool
same_keys(struct gr_arena *a, const struct policy *p, const struct given *x, const struct given *y)
{
    struct decide_input in_x = input(a, p, x), in_y = input(a, p, y);
    struct decision dx, dy;
    bool same;

    ck_assert_int_eq(decide(&in_x, a, &dx), GR_OK);
    ck_assert_int_eq(decide(&in_y, a, &dy), GR_OK);
    same = dx.effect_count == dy.effect_count;
    for (size_t i = 0; same && i < dx.effect_count; i++)
        same = gr_str_eq(dx.effects[i].key, dy.effects[i].key);
    return same;
}

static const struct key_row {
    const char *name;
    struct given other;
    bool same;
} key_rows[] = {
    {"a repeat", {.state = RELEASE_RUNNING, .episode = {1, true, 0}}, true},
    {"a moved start", {.state = RELEASE_RUNNING, .started_ms = NOW - 5000}, true},
    {"another side", {.state = RELEASE_RUNNING, .side = "backstop"}, true},
    {"another phase", {.state = RELEASE_RUNNING, .phase = "phase_1"}, true},
    {"another hash", {.state = RELEASE_RUNNING, .other_hash = true}, true},
    {"a lagging replica", {.state = RELEASE_RUNNING, .episode = {1, false, NOW - 60000}}, true},
    {"a new episode", {.state = RELEASE_RUNNING, .episode = {1, false, NOW - 200000}}, false},
    {"armed anew", {.state = RELEASE_RUNNING, .epoch = 1}, false},
    {"another guardrail", {.state = RELEASE_RUNNING, .guardrail = "model_drift"}, false},
};

START_TEST(keys_stay)
{
    const struct key_row *r = &key_rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given x = usual((struct given){.state = RELEASE_RUNNING}, false), y = usual(r->other, false);

    ck_assert_msg(same_keys(a, p, &x, &y) == r->same, "%s", r->name);
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

START_TEST(keys_as_they_are)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given g = usual((struct given){.state = RELEASE_RUNNING, .epoch = 2}, false);
    struct decide_input in = input(a, p, &g);
    struct gr_buf subject = GR_BUF_INIT(1024);
    struct decision d;

    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    ck_assert_str_eq(d.effects[0].key.p, "demo/cluster=equities/tp-1/rollback/2");
    ck_assert_str_eq(d.effects[1].key.p,
                     "demo/cluster=equities/tp-1/error_rate/hard/flow=making,venue=XNAS/page/page/1");
    ck_assert_str_eq(
        d.effects[1].reason.p,
        "hard breach of error_rate (upper) in deployment tp-1, flow=making, venue=XNAS, phase phase_2");
    decide_subject(p, in.alert.labels, &subject);
    ck_assert_str_eq(gr_buf_cstr(&subject),
                     "demo/cluster=equities/tp-1/error_rate/hard/flow=making,venue=XNAS");
    gr_buf_fini(&subject);
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

/* Invented guardrail names of an unknown deployment share one page. */
START_TEST(invented_names_do_not_flood)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given x = usual((struct given){.state = RELEASE_NONE, .guardrail = "a"}, false);
    struct given y = usual((struct given){.state = RELEASE_NONE, .guardrail = "error_rate"}, false);

    ck_assert(same_keys(a, p, &x, &y));
    x.state = y.state = RELEASE_RUNNING;
    y.guardrail = "b";
    ck_assert(same_keys(a, p, &x, &y));
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

static const struct episode_row {
    const char *name;
    bool resolved;
    int64_t started_ms;
    struct decide_episode before, after;
} episode_rows[] = {
    {"the first", false, 1000, {0, false, 0}, {1, true, 0}},
    {"a repeat", false, 1000, {1, true, 0}, {1, true, 0}},
    {"its end", true, 1000, {1, true, 0}, {1, false, NOW - 1000}},
    {"its end again", true, 1000, {1, false, NOW - 500}, {1, false, NOW - 500}},
    {"a late repeat", false, 1000, {1, false, 2000}, {1, false, 2000}},
    {"the next", false, 2001, {1, false, 2000}, {2, true, 0}},
    {"an end without a start", true, 1000, {0, false, 0}, {0, false, 0}},
};

START_TEST(episodes)
{
    const struct episode_row *r = &episode_rows[_i];
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given g = {
        .state = RELEASE_RUNNING, .resolved = r->resolved, .started_ms = r->started_ms, .episode = r->before};
    struct decide_input in = input(a, p, &g);
    struct decision d;

    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    ck_assert_msg(d.episode.number == r->after.number && d.episode.open == r->after.open &&
                      d.episode.ended_ms == r->after.ended_ms,
                  "%s: %u %d %lld", r->name, d.episode.number, d.episode.open, (long long)d.episode.ended_ms);
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

/* An endsAt from the future would silence the next breaches, for they would seem to repeat this one. */
START_TEST(an_episode_does_not_end_in_the_future)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given g = {.state = RELEASE_RUNNING, .resolved = true, .episode = {1, true, 0}};
    struct decide_input in = input(a, p, &g);
    struct decision d;

    in.alert.ends_at_ms = NOW + INT64_C(31536000000);
    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    ck_assert(!d.episode.open && d.episode.ended_ms == NOW);
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

START_TEST(a_cut_notification_says_so)
{
    struct gr_arena *a = gr_arena_create(1 << 20);
    struct policy *p = fixture_policy();
    struct given g = usual((struct given){.state = RELEASE_RUNNING, .resolved = true, .epoch = 4}, false);
    struct decide_input in = input(a, p, &g);
    struct decision d;

    in.truncated = 12;
    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    ck_assert_str_eq(effects_text(a, &d), "hold page:page");
    ck_assert_str_eq(d.effects[1].key.p, "demo/cluster=equities/tp-1/truncated/page/page/4");
    ck_assert_str_eq(d.effects[1].reason.p,
                     "Alertmanager cut 12 alerts off a notification for deployment tp-1, and a breach may be "
                     "among them; look at Prometheus, and set max_alerts to 0");
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

/* Labels of the largest size that intake lets through, all bytes escaped in keys. */
START_TEST(large_labels)
{
    struct gr_arena *a = gr_arena_create(16 << 20);
    struct policy *p = fixture_policy();
    struct given g = usual((struct given){.state = RELEASE_RUNNING}, false);
    struct decide_input in = input(a, p, &g);
    struct label *items = gr_arena_array(a, in.alert.labels.count, sizeof *items);
    char *big = gr_arena_alloc(a, 4097);
    struct decision d;

    memset(big, '\xff', 4096);
    for (size_t i = 0; i < in.alert.labels.count; i++) {
        items[i] = in.alert.labels.items[i];
        if (gr_str_is(items[i].name, "venue"))
            items[i].value = (struct gr_str){big, 4096};
    }
    in.alert.labels.items = items;
    ck_assert_int_eq(decide(&in, a, &d), GR_OK);
    ck_assert_uint_eq(d.effect_count, 2);
    ck_assert_uint_gt(d.effects[1].key.n, 3 * 4096);
    ck_assert_uint_lt(d.effects[1].reason.n, 1000); /* cut for people */
    policy_free(p);
    gr_arena_free(a);
}
END_TEST

START_TEST(no_memory)
{
    struct policy *p = fixture_policy();
    struct gr_arena *labels = gr_arena_create(1 << 20);
    struct given g = usual((struct given){.state = RELEASE_RUNNING}, false);
    struct decide_input in = input(labels, p, &g);
    enum gr_err err = GR_ENOMEM;
    size_t ceiling = 0;
    struct decision d;

    for (; err != GR_OK && ceiling < 65536; ceiling += 16) {
        struct gr_arena *a = gr_arena_create(ceiling);

        err = decide(&in, a, &d);
        ck_assert(err == GR_OK || err == GR_ENOMEM);
        gr_arena_free(a);
    }
    ck_assert_int_eq(err, GR_OK);
    ck_assert_uint_gt(ceiling, 256);
    gr_arena_free(labels);
    policy_free(p);
}
END_TEST

START_TEST(valid_until_something_changes)
{
    struct gr_str why;

    for (int s = 0; s < RELEASE_STATES; s++) {
        struct release_view v = {.state = (enum release_state)s, .armed_epoch = 3};
        bool live = s == RELEASE_RUNNING || s == RELEASE_HALTED || s == RELEASE_ROLLING_BACK;

        ck_assert_int_eq(decide_still_valid(&v, 3, &why), live);
        ck_assert_int_eq(why.n == 0, live);
        ck_assert(!decide_still_valid(&v, 2, &why));
        v.held = true;
        ck_assert(!decide_still_valid(&v, 3, &why) && why.n > 0);
    }
}
END_TEST

START_TEST(names_are_there)
{
    for (int i = 0; i < DECIDE_REASONS; i++)
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(decide_reason_name((enum decide_reason)i),
                             decide_reason_name((enum decide_reason)k));
    for (int i = 0; i < RELEASE_STATES; i++)
        ck_assert_uint_gt(strlen(release_state_name((enum release_state)i)), 0);
    ck_assert_str_eq(daemon_mode_name(MODE_DRY_RUN), "dry-run");
    ck_assert_str_eq(effect_kind_name(EFFECT_TICKET), "ticket");
}
END_TEST

Suite *
decide_suite(void)
{
    Suite *s = suite_create("decide");
    TCase *tc = tcase_create("decide");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, decides, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, every_combination, 0, 8);
    tcase_add_loop_test(tc, keys_stay, 0, GR_COUNT(key_rows));
    tcase_add_test(tc, keys_as_they_are);
    tcase_add_test(tc, invented_names_do_not_flood);
    tcase_add_loop_test(tc, episodes, 0, GR_COUNT(episode_rows));
    tcase_add_test(tc, an_episode_does_not_end_in_the_future);
    tcase_add_test(tc, a_cut_notification_says_so);
    tcase_add_test(tc, large_labels);
    tcase_add_test(tc, no_memory);
    tcase_add_test(tc, valid_until_something_changes);
    tcase_add_test(tc, names_are_there);
    suite_add_tcase(s, tc);
    return s;
}
