#include "config.h"
#include "decide_json.h"

#include "jread.h"
#include "jw.h"
#include "release.h"

static const char *const outcomes[] = {
    [DECIDED_NOTHING] = "nothing", [DECIDED_ACT] = "act", [DECIDED_HELD] = "held"};
static const char *const hows[] = {[HOW_DO] = "do", [HOW_CONFIRM] = "confirm", [HOW_RECORD] = "record"};

/* ---- printing ---- */

static void
print_episode(struct jw *w, const struct decide_episode *e)
{
    jw_open(w, "episode", '{');
    jw_i64(w, "ended_ms", e->ended_ms);
    jw_i64(w, "number", e->number);
    jw_bool(w, "open", e->open);
    jw_close(w, '}');
}

static void
print_alert(struct jw *w, const struct decide_alert *a)
{
    jw_open(w, "alert", '{');
    jw_str(w, "common_cause", a->common_cause);
    jw_i64(w, "ends_at_ms", a->ends_at_ms);
    jw_bool(w, "firing", a->firing);
    jw_labels(w, "labels", a->labels);
    jw_i64(w, "received_ms", a->received_ms);
    jw_str(w, "spec_hash", a->spec_hash);
    jw_i64(w, "starts_at_ms", a->starts_at_ms);
    jw_close(w, '}');
}

static void
print_release(struct jw *w, const struct release_view *r)
{
    jw_open(w, "release", '{');
    jw_i64(w, "armed_epoch", r->armed_epoch);
    jw_i64(w, "armed_ms", r->armed_ms);
    jw_bool(w, "had_traffic", r->had_traffic);
    jw_bool(w, "held", r->held);
    jw_str(w, "phase", r->phase ? r->phase->name : GR_STR(""));
    jw_text(w, "state", release_state_name(r->state));
    jw_labels(w, "stream", r->stream);
    jw_close(w, '}');
}

static void
print_effect(struct jw *w, const struct effect *e)
{
    jw_open(w, NULL, '{');
    jw_str(w, "action", e->action ? e->action->name : GR_STR(""));
    jw_text(w, "how", hows[e->how]);
    jw_str(w, "key", e->key);
    jw_text(w, "kind", effect_kind_name(e->kind));
    jw_str(w, "reason", e->reason);
    jw_bool(w, "recheck", e->recheck);
    jw_close(w, '}');
}

void
decide_json_print(struct gr_buf *b, const struct decide_input *in, const char *policy_sha256,
                  const struct decision *out)
{
    struct jw w = JW_INIT(b);

    jw_open(&w, NULL, '{');
    jw_open(&w, "in", '{');
    print_alert(&w, &in->alert);
    print_episode(&w, &in->episode);
    jw_text(&w, "mode", daemon_mode_name(in->mode));
    jw_i64(&w, "now_ms", in->now_ms);
    jw_text(&w, "policy", policy_sha256);
    print_release(&w, &in->release);
    jw_i64(&w, "storm_max", in->storm_max);
    jw_bool(&w, "storm_open", in->storm_open);
    jw_i64(&w, "storm_streams", in->storm_streams);
    jw_bool(&w, "stream_cooling", in->stream_cooling);
    jw_i64(&w, "truncated", in->truncated);
    jw_close(&w, '}');
    jw_open(&w, "out", '{');
    jw_open(&w, "effects", '[');
    for (size_t i = 0; i < out->effect_count; i++)
        print_effect(&w, &out->effects[i]);
    jw_close(&w, ']');
    print_episode(&w, &out->episode);
    jw_text(&w, "outcome", outcomes[out->outcome]);
    jw_text(&w, "reason", decide_reason_name(out->reason));
    jw_bool(&w, "stale", out->stale);
    jw_str(&w, "text", out->text);
    jw_close(&w, '}');
    jw_close(&w, '}');
}

/* ---- reading ---- */

struct gr_str
decide_json_policy(const struct gr_node *decision)
{
    return jread_str(gr_node_get(decision, "in"), "policy");
}

static bool
read_u32(const struct gr_node *map, const char *name, uint32_t *out)
{
    int64_t v = jread_i64(map, name, -1);

    *out = (uint32_t)v;
    return v >= 0 && v <= UINT32_MAX;
}

static bool
read_state(struct gr_str s, enum release_state *out)
{
    *out = RELEASE_NONE;
    return gr_str_is(s, release_state_name(RELEASE_NONE)) || release_state_parse(s, out) == GR_OK;
}

static bool
read_mode(struct gr_str s, enum daemon_mode *out)
{
    for (size_t i = 0; i < DAEMON_MODES; i++)
        if (gr_str_is(s, daemon_mode_name((enum daemon_mode)i))) {
            *out = (enum daemon_mode)i;
            return true;
        }
    return false;
}

static const char *
read_release(struct gr_arena *a, const struct gr_node *map, const struct policy *policy,
             struct release_view *out)
{
    if (!read_u32(map, "armed_epoch", &out->armed_epoch))
        return "its armed_epoch is no number";
    out->armed_ms = jread_i64(map, "armed_ms", 0);
    out->had_traffic = jread_bool(map, "had_traffic");
    out->held = jread_bool(map, "held");
    out->stream = jread_labels(a, map, "stream");
    if (!read_state(jread_str(map, "state"), &out->state))
        return "it names no state of a release";
    out->phase = policy_phase(policy, jread_str(map, "phase"));
    return out->phase || out->state == RELEASE_NONE ? NULL : "it names a phase that the policy does not have";
}

static const char *
read_alert(struct gr_arena *a, const struct gr_node *map, struct decide_alert *out)
{
    out->firing = jread_bool(map, "firing");
    out->labels = jread_labels(a, map, "labels");
    out->spec_hash = jread_str(map, "spec_hash");
    out->common_cause = jread_str(map, "common_cause");
    out->starts_at_ms = jread_i64(map, "starts_at_ms", 0);
    out->ends_at_ms = jread_i64(map, "ends_at_ms", 0);
    out->received_ms = jread_i64(map, "received_ms", 0);
    return out->labels.count > 0 ? NULL : "its alert has no labels";
}

enum gr_err
decide_json_read(struct gr_arena *a, const struct gr_node *decision, const struct policy *policy,
                 struct decide_input *out, const char **why)
{
    const struct gr_node *in = gr_node_get(decision, "in"), *episode = gr_node_get(in, "episode");
    struct decide_input d = {.policy = policy};

    *why = read_alert(a, gr_node_get(in, "alert"), &d.alert);
    if (!*why)
        *why = read_release(a, gr_node_get(in, "release"), policy, &d.release);
    if (!*why && !read_mode(jread_str(in, "mode"), &d.mode))
        *why = "it names no mode";
    if (!*why &&
        (!read_u32(in, "storm_max", &d.storm_max) || !read_u32(in, "storm_streams", &d.storm_streams) ||
         !read_u32(episode, "number", &d.episode.number)))
        *why = "a count is no number";
    if (gr_arena_status(a) != GR_OK)
        return GR_ENOMEM;
    if (*why)
        return GR_EUSER;
    d.episode.open = jread_bool(episode, "open");
    d.episode.ended_ms = jread_i64(episode, "ended_ms", 0);
    d.truncated = jread_i64(in, "truncated", 0);
    d.storm_open = jread_bool(in, "storm_open");
    d.stream_cooling = jread_bool(in, "stream_cooling");
    d.now_ms = jread_i64(in, "now_ms", 0);
    *out = d;
    return GR_OK;
}
