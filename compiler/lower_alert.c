/* lower_alert.c - the alerting rules: one per guardrail, level and side, with the limits as literals.
 *
 * A literal makes a limit visible in every diff, and a lost guardrail:limit series cannot disarm the alert. No value is ever a label:
 * observed values, counts and evidence stand in the annotations, asked for when the alert is sent. */
#include "config.h"
#include "lower.h"

#include "guardrail/policy.h"
#include "guardrail/quote.h"
#include "outnames.h"

#define WATCH_INTERVAL_MS INT64_C(30000)
#define MINUTE_MS INT64_C(60000)

static void
common_labels(struct lower *lo, struct gr_rule *rule, const struct guardrail *g, const char *level)
{
    lower_label(lo, rule, GR_LABEL_GUARDRAIL, g->name);
    lower_label(lo, rule, GR_LABEL_GROUP, g->group);
    lower_label(lo, rule, GR_LABEL_LEVEL, gr_str(level));
}

/* -- breaches -------------------------------------------------------------------------------------------------------------- */

bool
lower_is_confirmed(const struct guardrail *g, const struct bound *b)
{
    return is_fixed(g, NULL) && !side_is_backstop(b->side) &&
           (b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n) > 1;
}

/* Fewer than min_events bad events of the canary, or a number of them that is NaN or infinite, or such a bucket, prove nothing to a backstop. */
static void
put_few_events(struct lower *lo, const struct guardrail *g, const char *name)
{
    bool by_total = is_histogram(g, NULL);

    if (is_sum(g, NULL) && (g->evidence.min_events > 0 || by_total))
        lower_put(lo,
                  "\nunless sum without (cohort) (($1{$S$2,cohort=$C} or ignoring (cohort)"
                  " $1{$S$2,cohort=\"" COHORT_EARLY "\"}) % +Inf >= bool $3 == 0",
                  by_total ? "guardrail:test:total" : "guardrail:test:bad", name,
                  lower_uint(lo, by_total ? lower_backstop_total(g) : g->evidence.min_events), NULL);
    if (by_total)
        lower_put(lo,
                  "\n  or (guardrail:test:total{$S$1,cohort=$C} or ignoring (cohort)"
                  " guardrail:test:total{$S$1,cohort=\"" COHORT_EARLY
                  "\"}) and count_over_time(guardrail:slot:nan{$S$1}[$2])",
                  name, lower_from_start(lo), NULL);
    if (is_sum(g, NULL) && (g->evidence.min_events > 0 || by_total))
        lower_put(lo, ")", NULL);
}

/* k of n slots beyond the limit. */
static void
put_confirmed(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *name)
{
    uint32_t k = b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k;
    uint32_t n = b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n;

    /* The newest slot beyond the limit is the value that the alert shows: the window's may well be inside. */
    lower_put(
        lo,
        "sum without (cohort) "
        "(last_over_time(guardrail:slot:over{$S$1,level=\"$2\",side=\"$3\",cohort=~$T}[$4])\n"
        "and count_over_time(guardrail:slot:over{$S$1,level=\"$2\",side=\"$3\",cohort=~$T}[$4]) >= $5)\n"
        "and on ($P) guardrail:open{$S} and ignoring (level, side) guardrail:enough{$S$1}",
        name, level_name(b->level), side_name(b->side), lower_duration(lo, lower_range_ms(lo, n)),
        lower_uint(lo, k), NULL);
}

static void
put_breach(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    size_t from = lo->expr.n;
    const char *value;

    if (side_is_backstop(b->side)) {
        lower_put(lo,
                  "sum without (cohort) (guardrail:window:value{$$S$1,cohort=$$C$$1}"
                  " or ignoring (cohort) guardrail:window:value{$$S$1,cohort=\"" COHORT_EARLY "\"$$1})",
                  name, NULL);
        value = lower_cut(lo, from);
        lower_per_literal(lo, g, b, value, lower_op(b));
        put_few_events(lo, g, name);
        return;
    }
    if (lower_is_confirmed(g, b)) {
        put_confirmed(lo, g, b, name);
        return;
    }
    if (is_sequential(g, NULL))
        lower_put(lo, "guardrail:proved{$$S$1,level=\"$2\",side=\"$3\"$$1}", name, level_name(b->level),
                  side_name(b->side), NULL);
    else
        lower_put(lo, "guardrail:proved{$$S$1$$1}", name, NULL);
    value = lower_cut(lo, from);
    lower_per_literal(lo, g, b, value, lower_op(b));
}

static void
breach_alert(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    struct gr_rule *rule;

    put_breach(lo, g, b);
    rule = lower_alert(lo, b->level == LEVEL_HARD ? GR_ALERT_HARD : GR_ALERT_SOFT);
    if (!rule)
        return;
    if (b->level == LEVEL_SOFT)
        rule->keep_firing_for_ms = 2 * model_ms(lo->m, lo->m->sampling_ms);
    common_labels(lo, rule, g, level_name(b->level));
    lower_label(lo, rule, GR_LABEL_SIDE, gr_str(side_name(b->side)));
    lower_annotate_breach(lo, rule, g, b);
}

static void
no_data_alert(struct lower *lo, const struct guardrail *g)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    struct gr_rule *rule;

    lower_put(lo, "guardrail:insufficient{$S$1,reason=~\"missing|no_control$2\"}", name,
              model_checks_share(lo->m, g) ? "|traffic_share" : "", NULL);
    rule = lower_alert(lo, GR_ALERT_NO_DATA);
    if (!rule)
        return;
    rule->for_ms = 2 * model_ms(lo->m, lo->m->sampling_ms);
    common_labels(lo, rule, g, level_name(LEVEL_NO_DATA));
    lower_annotate_no_data(lo, rule, g);
}

void
lower_alerts(struct lower *lo)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            breach_alert(lo, &m->guardrails[i], &m->guardrails[i].limit.bounds[k]);
        no_data_alert(lo, &m->guardrails[i]);
        lower_forget(lo);
    }
}

/* -- the group that watches ------------------------------------------------------------------------------------------------ */

static struct gr_rule *
watch_alert(struct lower *lo, const char *name, int64_t for_ms, const char *summary, const char *description)
{
    struct gr_rule *rule = lower_alert(lo, name);

    if (!rule)
        return NULL;
    rule->for_ms = for_ms;
    lower_label(lo, rule, GR_LABEL_SPEC, lo->m->spec);
    gr_rule_annotation(lo->file, rule, GR_STR("summary"), gr_str(summary));
    gr_rule_annotation(lo->file, rule, GR_STR("description"), gr_str(description));
    gr_rule_annotation(lo->file, rule, GR_STR("spec_hash"), lo->m->spec_hash);
    return rule;
}

/* Every phase that some guardrail watches. */
static uint32_t
watched_phases(const struct lower *lo)
{
    uint32_t phases = 0;

    for (size_t i = 0; i < lo->m->n_guardrails; i++)
        phases |= lo->m->guardrails[i].phases;
    return phases;
}

/* A deployment that rests in an old phase, or an exporter that died in one, has no verdict and needs none: another of the stream has. */
static void
verdict_missing(struct lower *lo)
{
    lower_put(lo,
              "guardrail:expected{$S} unless $Yguardrail:verdict{$S}\n"
              "or max by ($P) (last_over_time(" GR_SERIES_PHASE "{$S$1}[$2]) == 1)\n"
              "  unless on ($R) (guardrail:verdict{$S} or guardrail:open{$S$3})",
              lower_phases(lo, watched_phases(lo), false), lower_duration(lo, model_ms(lo->m, 5 * MINUTE_MS)),
              lower_phases(lo, watched_phases(lo), true), NULL);
    (void)watch_alert(
        lo, GR_ALERT_VERDICT_MISSING, 2 * model_ms(lo->m, lo->m->sampling_ms),
        "A phase is active and {{ with $labels.guardrail }}{{ . }} gives{{ else }}its guardrails "
        "give{{ end }} no"
        " verdict",
        "Rules fail or are not evaluated: there is no guardrail:verdict in {{ $labels.phase }} of"
        " {{ $labels.deployment_id }}. Look at the rule group's state in Prometheus.");
}

/* A label or annotation as it is written, though alerts' texts are templates. */
static struct gr_str
literal(struct lower *lo, struct gr_str text)
{
    lower_put_text(lo, text);
    return gr_str(lower_cut(lo, 0));
}

/* expect, phases */
static struct gr_str
parts_text(struct lower *lo, const struct waiver *w)
{
    for (size_t i = 0; i < w->parts.n; i++) {
        gr_buf_puts(&lo->expr, i ? "," : "");
        lower_put_text(lo, w->parts.v[i]);
    }
    return gr_str(lower_cut(lo, 0));
}

/* Two overlays can have a waiver of the same ticket for the same guardrail: one alert. */
static bool
told_before(const struct model *m, size_t i)
{
    const struct waiver *w = &m->waivers[i];

    for (size_t j = 0; j < i; j++) {
        const struct waiver *v = &m->waivers[j];
        bool same = gr_str_eq(v->guardrail, w->guardrail) && gr_str_eq(v->ticket, w->ticket) &&
                    v->until_s == w->until_s && v->parts.n == w->parts.n;

        for (size_t k = 0; same && k < w->parts.n; k++)
            same = gr_str_eq(v->parts.v[k], w->parts.v[k]);
        if (same)
            return true;
    }
    return false;
}

/* The rules hold a looser value than the specification compiled now would: nothing in Prometheus knows, but the date. */
static void
waiver_expired(struct lower *lo, const struct waiver *w)
{
    struct gr_str of = w->guardrail.n > 0 ? w->guardrail : parts_text(lo, w);
    const char *summary, *description;
    struct gr_rule *rule;

    gr_buf_puts(&lo->expr, "The waiver ");
    lower_put_text(lo, w->ticket);
    gr_buf_printf(&lo->expr, " for " GR_FMT " ended on " GR_FMT ", and what it loosened is still deployed",
                  GR_ARG(of), GR_ARG(w->expires));
    summary = lower_cut(lo, 0);
    gr_buf_puts(&lo->expr, "Approved by ");
    lower_put_text(lo, w->approved_by);
    gr_buf_puts(&lo->expr, ": ");
    lower_put_text(lo, w->reason);
    gr_buf_puts(&lo->expr,
                ". Compile the specification again, which brings the base's values back, and deploy "
                "it; or have the waiver renewed first.");
    description = lower_cut(lo, 0);
    gr_buf_printf(&lo->expr, "vector(time()) >= %lld", (long long)w->until_s);
    if (!(rule = watch_alert(lo, GR_ALERT_WAIVER_EXPIRED, 0, summary, description)))
        return;
    lower_label(lo, rule, w->guardrail.n > 0 ? GR_LABEL_GUARDRAIL : "part", of);
    lower_label(lo, rule, "ticket", literal(lo, w->ticket));
    lower_label(lo, rule, "expires", w->expires);
}

/* What guardraild measures of itself. Its series carry no spec: `and on (job, instance)` picks the guardraild that serves this one.
 * minutes: for how long. */
static const struct trouble {
    const char *alert, *expr;
    int64_t minutes;
    const char *summary, *description;
} troubles[] = {
    {GR_ALERT_STORE_FAILING, "(" GR_SERIES_STORE_UP " == 0 or " GR_SERIES_STORE_LOW " == 1)", 1,
     "guardraild cannot store alerts and refuses them",
     "Its disk is full, failing or locked: hard breaches will not be acted on. guardraild's log and /readyz "
     "say which."},
    {GR_ALERT_QUEUE_STUCK, GR_SERIES_QUEUE_AGE " > 300", 1,
     "A rollback or message of guardraild has waited for {{ $value | humanizeDuration }}",
     "guardrailctl status names the target that does not take it; guardraild's log says why. Tell people by "
     "hand meanwhile."},
    {GR_ALERT_DEAD_LETTERS, "delta(" GR_SERIES_DEAD_LETTERS "[$1]) > 0", 0,
     "guardraild gave up on a message within the last hour",
     "guardrailctl deadletter list shows it and the target's answer: whoever should have heard of it has "
     "not."},
    {GR_ALERT_BLIND, GR_SERIES_BLIND " == 1", 1, "The watchdog does not reach guardraild",
     "Prometheus evaluates it and guardraild does not hear it, so breaches would not arrive either; nothing "
     "is promoted. Look at the "
     "way through Alertmanager: its route, its log, guardraild's token and certificate."},
    {GR_ALERT_BREAKER_OPEN, GR_SERIES_BREAKER_OPEN " == 1", 0,
     "Many release streams roll back at once: guardraild holds further rollbacks",
     "Look for a common cause before the next one is rolled back by hand; guardrailctl status shows what is "
     "held."},
    {GR_ALERT_ROLLBACK_FAILED, GR_SERIES_ROLLBACK_FAILED " == 1", 0,
     "The rollback of {{ $labels.deployment_id }} has stopped at step {{ $labels.step }}",
     "The release is halted, as broken as it was, and guardraild does nothing more by itself. By hand: "
     "{{ $labels.command }} ; then the steps behind it, which guardrailctl release show lists. release abort "
     "or resume ends this."},
};

static void
lower_troubles(struct lower *lo, const char *hour)
{
    for (size_t i = 0; i < GR_COUNT(troubles); i++) {
        lower_put(lo, troubles[i].expr, hour, NULL);
        lower_put(lo, "\nand on (job, instance) " GR_SERIES_POLICY "{$S}", NULL);
        (void)watch_alert(lo, troubles[i].alert, model_ms(lo->m, troubles[i].minutes * MINUTE_MS),
                          troubles[i].summary, troubles[i].description);
    }
}

void
lower_watch(struct lower *lo)
{
    const char *hour = lower_duration(lo, model_ms(lo->m, 60 * MINUTE_MS));
    const char *gap = lower_duration(lo, model_ms(lo->m, 5 * MINUTE_MS));
    int64_t minute = model_ms(lo->m, MINUTE_MS);
    struct gr_str name = gr_arena_printf(lo->arena, GR_FMT "-watch", GR_ARG(lo->m->spec));

    lo->group = gr_rulefile_group(lo->file, name, model_ms(lo->m, WATCH_INTERVAL_MS));
    lower_put(lo, "vector(1)", NULL);
    (void)watch_alert(lo, GR_ALERT_WATCHDOG, 0, "Always firing: proves that alerts reach guardraild",
                      "guardraild pages when this stops arriving.");
    lower_put(lo, "absent(" GR_SERIES_POLICY "{$S})", NULL);
    (void)watch_alert(
        lo, GR_ALERT_DAEMON_DOWN, minute, "guardraild is not there",
        "Prometheus sees no guardraild that serves this spec: hard breaches will not be acted on.");
    lower_put(lo,
              "max by (spec, $R) (max_over_time(guardrail:phase_start{$S}[$1]))\n"
              "unless on ($R) max by ($R) (last_over_time(" GR_SERIES_PHASE "{$S}[$2]))",
              hour, gap, NULL);
    (void)watch_alert(
        lo, GR_ALERT_PHASE_UNKNOWN, 0, "The phase of a release is not known any more",
        "guardraild exported a phase within the last hour and does not now, so no guardrail is active.");
    lower_put(lo,
              "max by (spec, $R, deployment_id, guardrail) (guardrail:verdict{$S}) == 3\n"
              "unless on ($R, deployment_id, guardrail) " GR_SERIES_ACCEPTED "{$S,level=\"hard\"} == 1",
              NULL);
    (void)watch_alert(lo, GR_ALERT_UNHANDLED, minute,
                      "A hard breach of {{ $labels.guardrail }} was not accepted by guardraild",
                      "The verdict of deployment {{ $labels.deployment_id }} has been hard for a minute and "
                      "guardraild does not"
                      " export it as accepted. Act by hand.");
    verdict_missing(lo);
    lower_troubles(lo, hour);
    for (size_t i = 0; i < lo->m->n_waivers; i++)
        if (!told_before(lo->m, i))
            waiver_expired(lo, &lo->m->waivers[i]);
}
