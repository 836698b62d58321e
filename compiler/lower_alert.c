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

/* -- annotations ---------------------------------------------------------------------------------------------------------- */

/* Text for Go's template engine: `{{` in foreign text would start an action. */
static void
put_text(struct lower *lo, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '{' && i + 1 < s.n && s.p[i + 1] == '{')
            gr_buf_puts(&lo->expr, "{{ \"{\" }}");
        else
            gr_buf_putc(&lo->expr, s.p[i]);
    }
}

static void
annotate(struct lower *lo, struct gr_rule *rule, const char *key)
{
    const char *text = lower_cut(lo, 0);

    gr_rule_annotation(lo->file, rule, gr_str(key), gr_str(text));
}

/* " cluster=equities venue=XNAS flow=agency" */
static void
put_slice(struct lower *lo, const struct guardrail *g)
{
    const struct strs sets[] = {lo->m->release_labels, g->compare_within, g->dynamic};

    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr, " " GR_FMT "={{ $labels." GR_FMT " }}", GR_ARG(sets[s].v[i]),
                          GR_ARG(sets[s].v[i]));
}

/* Asks for one series of this very slice and prints its value: {{ with printf "guardrail:test:total{…,venue=%q}" $labels.venue | query
 * }}{{ . | first | value | printf "%.4g" }}{{ else }}?{{ end }}. */
static void
put_query(struct lower *lo, const struct guardrail *g, const char *series, const char *matchers)
{
    const struct strs sets[] = {lo->m->release_labels, g->compare_within, g->dynamic};

    gr_buf_printf(&lo->expr,
                  "{{ with printf `%s{" GR_FMT ",guardrail=\"" GR_FMT "\"%s,deployment_id=%%q,phase=%%q",
                  series, GR_ARG(lo->spec), GR_ARG(g->name), matchers);
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr, "," GR_FMT "=%%q", GR_ARG(sets[s].v[i]));
    gr_buf_puts(&lo->expr, "}` $labels.deployment_id $labels.phase");
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr, " $labels." GR_FMT, GR_ARG(sets[s].v[i]));
    gr_buf_puts(&lo->expr, " | query }}{{ . | first | value | printf \"%.4g\" }}{{ else }}?{{ end }}");
}

static const char *
unit_label(const struct guardrail *g)
{
    return g->metric.unit ? g->metric.unit->label : "";
}

/* `,cohort="canary"` */
static const char *
cohort(struct lower *lo, const char *quoted_name)
{
    size_t from = lo->expr.n;

    gr_buf_printf(&lo->expr, ",cohort=%s", quoted_name);
    return lower_cut(lo, from);
}

/* "canary 0.031, control 0.0102 (×1.4 limit: +40%), evidence 12.3, 37 bad of 1200 canary observations" */
static void
describe_breach(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    gr_buf_puts(&lo->expr, "canary ");
    put_query(lo, g, "guardrail:window:value",
              cohort(lo, g->stream_scope ? "\"" COHORT_STREAM "\"" : lo->canary.p));
    gr_buf_puts(&lo->expr, unit_label(g));
    if (is_compared(g, NULL)) {
        gr_buf_puts(&lo->expr, ", control ");
        put_query(lo, g, "guardrail:window:value", cohort(lo, lo->control.p));
        gr_buf_puts(&lo->expr, unit_label(g));
    }
    gr_buf_printf(&lo->expr, "; %s limit ", level_name(b->level));
    put_text(lo, b->text);
    if (is_compared(g, NULL) && b->side != SIDE_BACKSTOP) {
        gr_buf_puts(&lo->expr, " against control; log evidence ");
        put_query(lo, g, "guardrail:evidence", "");
        if (is_sequential(g, NULL))
            gr_buf_printf(&lo->expr, " (needs %s)", lower_threshold(lo, b->level));
    }
    if (is_sum(g, NULL)) {
        gr_buf_puts(&lo->expr, "; canary observations ");
        put_query(lo, g, "guardrail:test:total", cohort(lo, lo->canary.p));
    }
    gr_buf_puts(&lo->expr, "; metric ");
    put_text(lo, g->source);
    gr_buf_puts(&lo->expr, ".");
}

/* "1.2" or {{ if … }} over the slices' literals: the limit series of this slice says it. */
static void
summarise_breach(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    const char *level = level_name(b->level), *side = side_name(b->side);
    size_t from;
    const char *matchers;

    gr_buf_put(&lo->expr, g->name);
    put_slice(lo, g);
    gr_buf_puts(&lo->expr, ": canary is {{ printf \"%.4g\" $value }}");
    if (b->side == SIDE_BACKSTOP || is_fixed(g, NULL))
        gr_buf_puts(&lo->expr, unit_label(g));
    else if (g->limit.against == AGAINST_CONTROL_RELATIVE)
        gr_buf_puts(&lo->expr, " × control");
    else
        gr_buf_printf(&lo->expr, "%s from control", unit_label(g));
    gr_buf_printf(&lo->expr, ", %s %s ", level, b->side == SIDE_BACKSTOP ? "backstop" : "limit");
    from = lo->expr.n;
    gr_buf_printf(&lo->expr, ",level=\"%s\",side=\"%s\"", level, side);
    matchers = lower_cut(lo, from);
    put_query(lo, g, "guardrail:limit", matchers);
}

/* Where to look: the phase's dashboard with this stream and deployment selected. */
static void
put_dashboard_url(struct lower *lo)
{
    const struct model *m = lo->m;

    put_text(lo, m->grafana_url);
    gr_buf_puts(&lo->expr, gr_str_ends(m->grafana_url, GR_STR("/")) ? "d/" : "/d/");
    gr_buf_put(&lo->expr, m->spec);
    gr_buf_puts(&lo->expr,
                "-overview?from=now-1h&to=now&var-deployment={{ $labels.deployment_id | urlquery }}");
    for (size_t i = 0; i < m->release_labels.n; i++)
        gr_buf_printf(&lo->expr, "&var-" GR_FMT "={{ $labels." GR_FMT " | urlquery }}",
                      GR_ARG(m->release_labels.v[i]), GR_ARG(m->release_labels.v[i]));
}

static void
common_annotations(struct lower *lo, struct gr_rule *rule, const struct guardrail *g)
{
    if (g->runbook.n > 0) {
        put_text(lo, g->runbook);
        annotate(lo, rule, "runbook_url");
    }
    if (lo->m->grafana_url.n > 0) {
        put_dashboard_url(lo);
        annotate(lo, rule, "dashboard_url");
    }
    gr_buf_put(&lo->expr, lo->m->spec_hash);
    annotate(lo, rule, "spec_hash");
}

static void
common_labels(struct lower *lo, struct gr_rule *rule, const struct guardrail *g, const char *level)
{
    lower_label(lo, rule, GR_LABEL_GUARDRAIL, g->name);
    lower_label(lo, rule, GR_LABEL_GROUP, g->group);
    lower_label(lo, rule, GR_LABEL_LEVEL, gr_str(level));
}

/* -- breaches -------------------------------------------------------------------------------------------------------------- */

/* Fewer than min_events bad events of the canary prove nothing. */
static void
put_few_events(struct lower *lo, const struct guardrail *g, const char *name)
{
    if (is_sum(g, NULL) && g->evidence.min_events > 0)
        lower_put(lo, "\nunless sum without (cohort) (guardrail:test:bad{$S$1,cohort=$C} < $2)", name,
                  lower_uint(lo, g->evidence.min_events), NULL);
}

static void
put_compared(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *name)
{
    if (is_sequential(g, NULL))
        lower_put(lo, "\nand guardrail:evidence{$S$1} > $2 and guardrail:test:d{$S$1} $3 0", name,
                  lower_threshold(lo, b->level), b->side == SIDE_LOWER ? "<" : ">", NULL);
    lower_put(lo, "\nand guardrail:enough{$S$1}", name, NULL);
    put_few_events(lo, g, name);
}

static void
put_fixed(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *name)
{
    uint32_t k = b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k;
    uint32_t n = b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n;

    if (n == 1) {
        lower_put(lo, "\nand guardrail:enough{$S$1}", name, NULL);
        return;
    }
    lower_put(lo,
              "guardrail:effect{$S$1} and ignoring (level, side)\n"
              "  (count_over_time(guardrail:slot:over{$S$1,level=\"$2\",side=\"$3\"}[$4]) >= $5"
              " and on ($P) guardrail:open{$S})",
              name, level_name(b->level), side_name(b->side), lower_duration(lo, lower_range_ms(lo, n)),
              lower_uint(lo, k), NULL);
}

static bool
is_confirmed(const struct guardrail *g, const struct bound *b)
{
    return is_fixed(g, NULL) && b->side != SIDE_BACKSTOP &&
           (b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n) > 1;
}

static void
put_breach(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    size_t from = lo->expr.n;
    const char *value;

    if (b->side == SIDE_BACKSTOP) {
        lower_put(lo, "sum without (cohort) (guardrail:window:value{$$S$1,cohort=$C$$1})", name, NULL);
        value = lower_cut(lo, from);
        lower_per_literal(lo, g, b, value, lower_op(b));
        put_few_events(lo, g, name);
        return;
    }
    lower_put(lo, "guardrail:effect{$$S$1$$1}", name, NULL);
    value = lower_cut(lo, from);
    if (!is_confirmed(g, b))
        lower_per_literal(lo, g, b, value, lower_op(b));
    if (is_fixed(g, NULL))
        put_fixed(lo, g, b, name);
    else
        put_compared(lo, g, b, name);
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
    summarise_breach(lo, g, b);
    annotate(lo, rule, "summary");
    describe_breach(lo, g, b);
    annotate(lo, rule, "description");
    common_annotations(lo, rule, g);
}

static void
no_data_alert(struct lower *lo, const struct guardrail *g)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    struct gr_rule *rule;

    lower_put(lo, "guardrail:insufficient{$S$1,reason=~\"missing|no_control\"}", name, NULL);
    rule = lower_alert(lo, GR_ALERT_NO_DATA);
    if (!rule)
        return;
    rule->for_ms = 2 * model_ms(lo->m, lo->m->sampling_ms);
    common_labels(lo, rule, g, level_name(LEVEL_NO_DATA));
    gr_buf_put(&lo->expr, g->name);
    put_slice(lo, g);
    gr_buf_puts(&lo->expr, ": no verdict is possible ({{ $labels.reason }})");
    annotate(lo, rule, "summary");
    gr_buf_puts(&lo->expr,
                "{{ if eq $labels.reason \"missing\" }}An expected slice has not reported{{ else }}Control "
                "does not report, so there is nothing to compare with,{{ end }} for two sampling intervals. "
                "The release cannot be promoted; it is not rolled back for this. Metric ");
    put_text(lo, g->source);
    gr_buf_puts(&lo->expr, ".");
    annotate(lo, rule, "description");
    common_annotations(lo, rule, g);
}

void
lower_alerts(struct lower *lo)
{
    const struct model *m = lo->m;

    for (size_t i = 0; i < m->n_guardrails; i++) {
        for (size_t k = 0; k < m->guardrails[i].limit.n_bounds; k++)
            breach_alert(lo, &m->guardrails[i], &m->guardrails[i].limit.bounds[k]);
        no_data_alert(lo, &m->guardrails[i]);
    }
}

/* -- the group that watches ------------------------------------------------------------------------------------------------ */

static void
watch_alert(struct lower *lo, const char *name, int64_t for_ms, const char *summary, const char *description)
{
    struct gr_rule *rule = lower_alert(lo, name);

    if (!rule)
        return;
    rule->for_ms = for_ms;
    lower_label(lo, rule, GR_LABEL_SPEC, lo->m->spec);
    gr_buf_puts(&lo->expr, summary);
    annotate(lo, rule, "summary");
    gr_buf_puts(&lo->expr, description);
    annotate(lo, rule, "description");
    gr_buf_put(&lo->expr, lo->m->spec_hash);
    annotate(lo, rule, "spec_hash");
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

static void
verdict_missing(struct lower *lo)
{
    lower_put(lo,
              "guardrail:expected{$S} unless $Yguardrail:verdict{$S}\n"
              "or max by (spec, $P) (last_over_time(" GR_SERIES_PHASE "{$S$1}[$2]) == 1)\n"
              "  unless on ($P) guardrail:verdict{$S}",
              lower_phases(lo, watched_phases(lo)), lower_duration(lo, model_ms(lo->m, 5 * MINUTE_MS)), NULL);
    watch_alert(lo, GR_ALERT_VERDICT_MISSING, 2 * model_ms(lo->m, lo->m->sampling_ms),
                "A phase is active and its guardrails give no verdict",
                "Rules fail or are not evaluated: {{ $labels.guardrail }} in {{ $labels.phase }} of"
                " {{ $labels.deployment_id }} has no guardrail:verdict. Look at the rule group's state in "
                "Prometheus.");
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
    watch_alert(lo, GR_ALERT_WATCHDOG, 0, "Always firing: proves that alerts reach guardraild",
                "guardraild pages when this stops arriving.");
    lower_put(lo, "absent(" GR_SERIES_POLICY "{$S})", NULL);
    watch_alert(lo, GR_ALERT_DAEMON_DOWN, minute, "guardraild is not there",
                "Prometheus sees no guardraild that serves this spec: hard breaches will not be acted on.");
    lower_put(lo,
              "max by (spec, $R) (max_over_time(guardrail:phase_start{$S}[$1]))\n"
              "unless on ($R) max by ($R) (last_over_time(" GR_SERIES_PHASE "{$S}[$2]))",
              hour, gap, NULL);
    watch_alert(
        lo, GR_ALERT_PHASE_UNKNOWN, 0, "The phase of a release is not known any more",
        "guardraild exported a phase within the last hour and does not now, so no guardrail is active.");
    lower_put(lo,
              "max by (spec, $R, deployment_id, guardrail) (guardrail:verdict{$S}) == 3\n"
              "unless on ($R, deployment_id, guardrail) " GR_SERIES_ACCEPTED "{$S,level=\"hard\"}",
              NULL);
    watch_alert(lo, GR_ALERT_UNHANDLED, minute,
                "A hard breach of {{ $labels.guardrail }} was not accepted by guardraild",
                "The verdict of deployment {{ $labels.deployment_id }} has been hard for a minute and "
                "guardraild does not"
                " export it as accepted. Act by hand.");
    verdict_missing(lo);
}
