/* power_json.c - the report of power for programs.
 *
 *     {"format_version":1,"spec":…,"seed":1,"rollouts":2000,"tests":468,
 *      "healthy":{"minimum":{"rolled_back":0,"rate":0,"upper_95":0.0015},"maximum":{…}},"cap":0.01|null,"over":false,
 *      "assumed":["bad",…],
 *      "guardrails":[{"name":…,"phases":[{"phase":…,"side":…,"limit":…,"slice":{…},"canary_per_slot":…,"control_per_slot":…,
 *        "bad_per_slot":…,"slots":10,"healthy":{"minimum":{…},"maximum":{…}},"detection":{"1.4":…,"2":…,"4":…},"late_4":…,
 *        "median_4_ms":…|null,"twice_the_limit":…,"sees_from":…|null,"sees_from_text":…,"blind":null|"thin"|…,
 *        "share_needed":…|null,"phase_needed_ms":…|null}],"caught_4":{"first_phase":…,"rollout":…}}],
 *      "fixed":[{"name":…,"confirm":"1 of 1","reaction_ms":…}]}
 *
 * sees_from is in multiples of the limit's distance from no difference. */
#include "config.h"
#include "power_parts.h"

#include <math.h>

#include "jsonout.h"
#include "reaction.h"

static const char *const blind_names[] = {
    [POWER_SEES] = "",
    [POWER_NO_TRAFFIC] = "no_traffic",
    [POWER_NO_VALUE] = "no_value",
    [POWER_TOO_FEW_TOTAL] = "min_total",
    [POWER_TOO_FEW_BAD] = "min_events",
    [POWER_IMPOSSIBLE] = "impossible",
    [POWER_THIN] = "thin",
};

const char *
power_blind_name(enum power_blind blind)
{
    return blind_names[blind];
}

/* Four digits that count: the rest is chance. */
static void
put_num(struct jsonout *j, cJSON *to, const char *key, double v)
{
    struct gr_buf b = GR_BUF_INIT(64);
    double rounded = v;

    gr_buf_printf(&b, "%.4g", v);
    if (gr_parse_double(gr_buf_str(&b), &rounded) != GR_OK)
        rounded = v;
    jsonout_num(j, to, key, rounded);
    gr_buf_fini(&b);
}

static void
put_or_null(struct jsonout *j, cJSON *to, const char *key, double v)
{
    if (v > 0)
        put_num(j, to, key, v);
    else
        jsonout_null(j, to, key);
}

/* null where it is not a number */
static void
put_known(struct jsonout *j, cJSON *to, const char *key, double v)
{
    if (isnan(v))
        jsonout_null(j, to, key);
    else
        put_num(j, to, key, v);
}

static void
put_detected(struct jsonout *j, cJSON *to, const char *key, const struct power_row *r, size_t factor)
{
    if (r->inside[factor])
        jsonout_null(j, to, key);
    else
        put_num(j, to, key, r->detect[factor]);
}

static void
put_tally(struct jsonout *j, cJSON *parent, const char *key, uint64_t k, uint32_t n)
{
    cJSON *o = jsonout_object(j, parent, key);

    jsonout_num(j, o, "rolled_back", (double)k);
    put_num(j, o, "rate", (double)k / n);
    put_num(j, o, "upper_95", sim_upper(k, n));
}

static void
put_pairs(struct jsonout *j, cJSON *to, const struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct gr_buf key = GR_BUF_INIT(4096);

        gr_buf_put(&key, p->v[i].key);
        jsonout_str(j, to, gr_buf_cstr(&key), p->v[i].value);
        gr_buf_fini(&key);
    }
}

static void
put_sees(struct jsonout *j, cJSON *o, const struct power_row *r)
{
    struct gr_buf b = GR_BUF_INIT(256);

    put_or_null(j, o, "sees_from", r->sees);
    if (r->sees > 0)
        power_effect(r, r->sees, &b);
    if (r->sees > 0)
        jsonout_cstr(j, o, "sees_from_text", gr_buf_cstr(&b));
    else
        jsonout_null(j, o, "sees_from_text");
    gr_buf_fini(&b);
}

static void
put_row(struct jsonout *j, cJSON *list, const struct power *p, const struct power_row *r)
{
    cJSON *o = jsonout_object(j, list, NULL), *part;

    jsonout_str(j, o, "phase", r->phase->name);
    jsonout_cstr(j, o, "side", side_name(r->bound->side));
    jsonout_str(j, o, "limit", r->bound->text);
    part = jsonout_object(j, o, "slice");
    put_pairs(j, part, &p->m->streams[r->slice->stream].release);
    put_pairs(j, part, &r->slice->labels);
    put_num(j, o, "canary_per_slot", r->canary_total);
    put_num(j, o, "control_per_slot", r->control_total);
    put_num(j, o, "bad_per_slot", r->bad);
    jsonout_num(j, o, "slots", r->slots);
    part = jsonout_object(j, o, "healthy");
    put_tally(j, part, "minimum", r->false_min, p->rollouts);
    put_tally(j, part, "maximum", r->false_max, p->rollouts);
    part = jsonout_object(j, o, "detection");
    put_detected(j, part, "1.4", r, 0);
    put_detected(j, part, "2", r, 1);
    put_detected(j, part, "4", r, 2);
    put_num(j, o, "late_4", r->late);
    put_or_null(j, o, "median_4_ms", (double)r->median_slots * (double)p->m->sampling_ms);
    put_num(j, o, "twice_the_limit", r->twice);
    put_sees(j, o, r);
    if (r->blind == POWER_SEES)
        jsonout_null(j, o, "blind");
    else
        jsonout_cstr(j, o, "blind", blind_names[r->blind]);
    put_or_null(j, o, "share_needed", r->share);
    put_or_null(j, o, "phase_needed_ms", (double)r->longer * (double)p->m->sampling_ms);
}

static void
put_guardrail(struct jsonout *j, cJSON *list, const struct power *p, const struct guardrail *g)
{
    cJSON *o = jsonout_object(j, list, NULL), *part;

    jsonout_str(j, o, "name", g->name);
    part = jsonout_array(j, o, "phases");
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].g == g)
            put_row(j, part, p, &p->rows[i]);
    part = jsonout_object(j, o, "caught_4");
    put_known(j, part, "first_phase", power_caught(p, g, POWER_FACTORS - 1, true));
    put_known(j, part, "rollout", power_caught(p, g, POWER_FACTORS - 1, false));
}

static void
put_whole(struct jsonout *j, cJSON *root, const struct power *p, double cap)
{
    double limit = power_cap(p, cap);
    cJSON *part;

    jsonout_num(j, root, "format_version", 1);
    jsonout_str(j, root, "spec", p->m->spec);
    jsonout_num(j, root, "seed", (double)p->options.seed);
    jsonout_num(j, root, "rollouts", p->rollouts);
    jsonout_num(j, root, "tests", (double)p->tests);
    part = jsonout_object(j, root, "healthy");
    put_tally(j, part, "minimum", p->false_min, p->rollouts);
    put_tally(j, part, "maximum", p->false_max, p->rollouts);
    if (isnan(limit))
        jsonout_null(j, root, "cap");
    else
        jsonout_num(j, root, "cap", limit);
    jsonout_bool(j, root, "over",
                 !isnan(limit) && p->tests > 0 && sim_upper(p->false_max, p->rollouts) > limit);
    part = jsonout_array(j, root, "assumed");
    for (unsigned i = 0; i < RATES_FACTS; i++)
        if (p->assumed & 1u << i)
            jsonout_cstr(j, part, NULL, rates_fact_name((enum rates_fact)i));
}

enum gr_err
power_json(const struct power *p, double cap, struct gr_buf *b)
{
    struct jsonout j;
    cJSON *root, *list;

    jsonout_init(&j);
    root = jsonout_root(&j);
    put_whole(&j, root, p, cap);
    list = jsonout_array(&j, root, "guardrails");
    for (size_t i = 0; i < p->m->n_guardrails; i++)
        if (power_compares(&p->m->guardrails[i]))
            put_guardrail(&j, list, p, &p->m->guardrails[i]);
    list = jsonout_array(&j, root, "fixed");
    for (size_t i = 0; i < p->m->n_guardrails; i++) {
        const struct guardrail *g = &p->m->guardrails[i];
        int64_t ms = reaction_worst(p->m, g, LEVEL_HARD, NULL, NULL).total_ms;
        cJSON *o;

        if (g->limit.against != AGAINST_FIXED || ms == 0)
            continue;
        o = jsonout_object(&j, list, NULL);
        jsonout_str(&j, o, "name", g->name);
        jsonout_fmt(&j, o, "confirm", "%u of %u", g->evidence.hard_k, g->evidence.hard_n);
        jsonout_num(&j, o, "reaction_ms", (double)ms);
    }
    return jsonout_finish(&j, root, b);
}
