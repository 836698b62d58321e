/* fuzz_alerts.c - any bytes as the body of POST /v1/alerts, and what is decided about it by the checked-in test policy.
 *
 * The first five bytes set the release: its state, phase, the mode, flags, the episode; the rest is the body. What holds for every
 * body: it is refused with a reason or read within all limits; resolved alerts have no effect; nobody rolls back an unknown, sealed,
 * ended or held release; modes that only watch do nothing outside; effects are few and their keys unique; the same again is the same. */
#include "config.h"
#include "fuzz.h"

#include <stdlib.h>

#include "guardrail/file.h"
#include "webhook/intake.h"
#include "webhook/intake_read.h"

#define CONTROL_BYTES 5u
#define ARENA_MAX (192u << 20)
#define NOW_MS INT64_C(1795442400000) /* 2026-11-23 */
#define ALERTS_DECIDED 32u            /* of one body, so that a run stays short */

enum {
    HELD = 1,
    HAD_TRAFFIC = 2,
    STORM = 4,
    COOLING = 8,
    SAME_STREAM = 16,
    OPEN = 32,
    ENDED = 64,
    AFTER = 128
};

static const struct policy *
policy(void)
{
    static struct policy *p; /* read once, kept for the whole run */
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_buf text = GR_BUF_INIT(GR_POLICY_BYTES_MAX), path = GR_BUF_INIT(4096);
    struct gr_sources *sources;
    struct gr_diags *d;

    if (p)
        return p;
    gr_buf_printf(&path, "%s/tests/unit/webhook/policy.json", srcdir ? srcdir : "..");
    GR_ASSERT(gr_file_read(gr_buf_cstr(&path), &text) == GR_OK);
    sources = gr_sources_create();
    d = sources ? gr_diags_create(sources) : NULL;
    GR_ASSERT(d && policy_parse(GR_STR("policy.json"), gr_buf_str(&text), sources, d, &p) == GR_OK);
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_buf_fini(&text);
    gr_buf_fini(&path);
    return p;
}

/* ---- what was read ---- */

static void
check_text(struct gr_str s)
{
    GR_ASSERT(s.n == 0 || memchr(s.p, '\0', s.n) == NULL);
    GR_ASSERT(gr_str_is_utf8(s));
}

static void
check_labels(struct label_set set)
{
    GR_ASSERT(set.count <= INTAKE_LABELS_MAX);
    for (size_t i = 0; i < set.count; i++) {
        GR_ASSERT(set.items[i].name.n >= 1 && set.items[i].name.n <= INTAKE_NAME_BYTES_MAX);
        GR_ASSERT(set.items[i].value.n <= INTAKE_VALUE_BYTES_MAX);
        GR_ASSERT(i == 0 || gr_str_cmp(set.items[i - 1].name, set.items[i].name) < 0);
        check_text(set.items[i].name);
        check_text(set.items[i].value);
    }
}

static void
check_batch(const struct intake_batch *b)
{
    GR_ASSERT(b->count <= INTAKE_ALERTS_MAX);
    GR_ASSERT(intake_beats(b) <= b->count);
    check_text(b->receiver);
    check_text(b->group_key);
    for (size_t i = 0; i < b->count; i++) {
        check_labels(b->alerts[i].decide.labels);
        check_labels(b->alerts[i].annotations);
        check_text(b->alerts[i].generator_url);
        GR_ASSERT(b->alerts[i].alertname.p != NULL);
        GR_ASSERT(b->alerts[i].decide.received_ms == NOW_MS);
    }
}

/* ---- what was decided ---- */

static bool
ends_release(enum effect_kind kind)
{
    return kind == EFFECT_ROLLBACK || kind == EFFECT_ABORT;
}

static void
check_effects(const struct decide_input *in, const struct decision *d)
{
    bool watches = in->mode == MODE_OBSERVE || in->mode == MODE_DRY_RUN;
    bool calm = d->outcome == DECIDED_HELD || in->release.state != RELEASE_RUNNING || in->release.held;

    for (size_t i = 0; i < d->effect_count; i++) {
        const struct effect *e = &d->effects[i];

        GR_ASSERT((unsigned)e->kind < EFFECT_KINDS && e->key.n > 0 && e->reason.n > 0);
        GR_ASSERT(gr_str_starts(e->key, in->policy->spec));
        check_text(e->key);
        check_text(e->reason);
        /* A halted release may still be rolled back: canary traffic may flow. */
        GR_ASSERT(!ends_release(e->kind) || !calm || in->release.state == RELEASE_HALTED);
        GR_ASSERT(!ends_release(e->kind) || (!in->release.held && d->outcome == DECIDED_ACT));
        GR_ASSERT(e->kind != EFFECT_ROLLBACK || (!in->storm_open && !in->stream_cooling && e->action));
        GR_ASSERT(e->kind != EFFECT_ABORT || !in->release.had_traffic);
        GR_ASSERT(!watches || e->how == HOW_RECORD || e->kind == EFFECT_HOLD || e->kind == EFFECT_EXTEND ||
                  e->kind == EFFECT_HALT);
        for (size_t j = 0; j < i; j++)
            GR_ASSERT(!gr_str_eq(d->effects[j].key, e->key));
    }
}

static void
check_decision(const struct decide_input *in, struct gr_arena *a)
{
    struct decision d, again;

    GR_ASSERT(decide(in, a, &d) == GR_OK && decide(in, a, &again) == GR_OK);
    GR_ASSERT((unsigned)d.outcome <= DECIDED_HELD && (unsigned)d.reason < DECIDE_REASONS);
    GR_ASSERT(d.effect_count <= DECIDE_EFFECTS_MAX);
    GR_ASSERT(in->alert.firing || (d.effect_count == 0 && d.outcome == DECIDED_NOTHING));
    GR_ASSERT(d.outcome != DECIDED_NOTHING || d.effect_count == 0);
    GR_ASSERT(d.text.n > 0);
    check_text(d.text);
    check_effects(in, &d);
    GR_ASSERT(d.outcome == again.outcome && d.reason == again.reason && d.effect_count == again.effect_count);
    for (size_t i = 0; i < d.effect_count; i++)
        GR_ASSERT(gr_str_eq(d.effects[i].key, again.effects[i].key) &&
                  d.effects[i].how == again.effects[i].how);
}

/* The release as the control bytes say; the stream is the policy's own, or another one. */
static struct decide_input
input(const uint8_t control[CONTROL_BYTES], const struct decide_alert *alert)
{
    const struct policy *p = policy();
    uint8_t flags = control[3];
    enum release_state state = (enum release_state)(control[0] % RELEASE_STATES);
    struct decide_input in = {.policy = p, .alert = *alert, .now_ms = NOW_MS};

    in.mode = (enum daemon_mode)(control[2] % DAEMON_MODES);
    in.release.state = state;
    if (state != RELEASE_NONE) {
        in.release.stream = p->streams[flags & SAME_STREAM ? 0 : p->stream_count - 1];
        in.release.phase =
            &p->phases[state == RELEASE_SEALED ? p->phase_count - 1 : control[1] % p->phase_count];
        in.release.armed_epoch = 1;
        in.release.armed_ms = NOW_MS - INT64_C(3600000);
        in.release.held = (flags & HELD) != 0;
        in.release.had_traffic = (flags & HAD_TRAFFIC) != 0;
    }
    in.storm_max = 3;
    in.storm_open = (flags & STORM) != 0;
    in.stream_cooling = (flags & COOLING) != 0;
    in.episode = (struct decide_episode){
        .number = control[4], .open = control[4] && (flags & OPEN), .ended_ms = flags & ENDED ? NOW_MS : 0};
    return in;
}

static void
check_same(struct label_set a, struct label_set b)
{
    GR_ASSERT(a.count == b.count);
    for (size_t i = 0; i < a.count; i++)
        GR_ASSERT(gr_str_eq(a.items[i].name, b.items[i].name) &&
                  gr_str_eq(a.items[i].value, b.items[i].value));
}

/* What the quick reader takes, the thorough one takes as well, and reads in it what that reads. */
static void
check_readers(struct gr_arena *a, struct gr_str body)
{
    struct gr_buf error = GR_BUF_INIT(1024);
    struct intake_batch quick = {.count = 0}, slow = {.count = 0};

    if (intake_read(a, body, NOW_MS, &quick) == GR_OK) {
        GR_ASSERT(intake_parse_thorough(a, body, NOW_MS, &slow, &error) == GR_OK);
        GR_ASSERT(quick.count == slow.count && quick.truncated == slow.truncated &&
                  gr_str_eq(quick.receiver, slow.receiver) && gr_str_eq(quick.group_key, slow.group_key));
        for (size_t i = 0; i < quick.count; i++) {
            const struct intake_alert *q = &quick.alerts[i], *s = &slow.alerts[i];

            check_same(q->decide.labels, s->decide.labels);
            check_same(q->annotations, s->annotations);
            GR_ASSERT(gr_str_eq(q->alertname, s->alertname) &&
                      gr_str_eq(q->generator_url, s->generator_url) &&
                      gr_str_eq(q->decide.spec_hash, s->decide.spec_hash) &&
                      gr_str_eq(q->decide.common_cause, s->decide.common_cause));
            GR_ASSERT(q->decide.firing == s->decide.firing &&
                      q->decide.starts_at_ms == s->decide.starts_at_ms &&
                      q->decide.ends_at_ms == s->decide.ends_at_ms &&
                      q->decide.received_ms == s->decide.received_ms);
        }
    }
    gr_buf_fini(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_buf error = GR_BUF_INIT(1024), subject = GR_BUF_INIT(1u << 20);
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct intake_batch batch = {.count = 0};
    enum gr_err err;

    GR_ASSERT(a);
    if (n < CONTROL_BYTES)
        goto done;
    err = intake_parse(a, (struct gr_str){(const char *)data + CONTROL_BYTES, n - CONTROL_BYTES}, NOW_MS,
                       &batch, &error);
    GR_ASSERT(err == GR_OK || err == GR_EUSER || err == GR_ELIMIT);
    GR_ASSERT((err == GR_OK) == (error.n == 0));
    GR_ASSERT(gr_buf_err(&error) == GR_OK);
    if (err != GR_OK)
        goto done;
    check_batch(&batch);
    check_readers(a, (struct gr_str){(const char *)data + CONTROL_BYTES, n - CONTROL_BYTES});
    for (size_t i = 0; i < batch.count && i < ALERTS_DECIDED; i++) {
        struct decide_input in = input(data, &batch.alerts[i].decide);

        check_decision(&in, a);
        gr_buf_reset(&subject);
        decide_subject(in.policy, in.alert.labels, &subject);
    }
done:
    gr_arena_free(a);
    gr_buf_fini(&subject);
    gr_buf_fini(&error);
    return 0;
}
