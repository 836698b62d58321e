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

/* " cluster=equities venue=XNAS flow=agency". A dynamic label is not there while nothing of the slice reports. */
static void
put_slice(struct lower *lo, const struct guardrail *g)
{
    const struct strs sets[] = {lo->m->release_labels, g->compare_within};

    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr, " " GR_FMT "={{ $labels." GR_FMT " }}", GR_ARG(sets[s].v[i]),
                          GR_ARG(sets[s].v[i]));
    for (size_t i = 0; i < g->dynamic.n; i++)
        gr_buf_printf(&lo->expr, "{{ with $labels." GR_FMT " }} " GR_FMT "={{ . }}{{ end }}",
                      GR_ARG(g->dynamic.v[i]), GR_ARG(g->dynamic.v[i]));
}

static bool
is_confirmed(const struct guardrail *g, const struct bound *b)
{
    return is_fixed(g, NULL) && !side_is_backstop(b->side) &&
           (b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n) > 1;
}

/* How people read a metric: values are multiplied by `factor` ("1000 * ", or nothing) and `label` (" ms") is put behind them. A share
 * is read in percent. */
struct reading {
    const char *factor, *label;
};

static struct reading
reading_of(struct lower *lo, const struct guardrail *g)
{
    const struct gr_unit *unit = g->metric.unit, *show = g->metric.show ? g->metric.show : unit;
    struct gr_dec factor = GR_DEC(1, 0);

    if (show && gr_str_is(gr_str("ratio"), show->name))
        show = gr_unit_by_name(GR_STR("percent"));
    if (!unit || !show || gr_unit_convert(factor, unit, show, &factor) != GR_OK)
        return (struct reading){"", unit ? unit->label : ""};
    return (struct reading){
        gr_dec_cmp(factor, GR_DEC(1, 0)) == 0 ? "" : lower_text(lo, "$1 * ", lower_dec(lo, factor)),
        show->label};
}

/* What an annotation asks Prometheus for. All but series may be NULL. */
struct ask {
    const char *series;
    const char *matchers;       /* `,level="hard"` */
    const char *cohort;         /* quoted */
    const char *before, *after; /* of the series: "1000 * ", " - 1)" */
    const char *format;         /* "%.4g" */
    const char *unit;           /* behind the number */
    struct gr_str missing;      /* what stands there without data */
};

static const char *
or_nothing(const char *text)
{
    return text ? text : "";
}

/* One series of this very slice: {{ with printf `guardrail:test:total{spec="demo",guardrail="lat",cohort=%q,venue=%q}` "canary"
 * $labels.venue | query }}{{ . | first | value | printf "%.4g" }}{{ else }}no data{{ end }}. Foreign text is always an argument: in the
 * format itself a percent sign or a backquote would be read as something else. */
static void
put_with(struct lower *lo, const struct guardrail *g, const struct ask *a)
{
    const struct strs sets[] = {lo->m->release_labels, g->compare_within, g->dynamic};

    gr_buf_printf(&lo->expr,
                  "{{ with printf `%s%s{" GR_FMT ",guardrail=\"" GR_FMT "\"%s%s,deployment_id=%%q,phase=%%q",
                  or_nothing(a->before), a->series, GR_ARG(lo->spec), GR_ARG(g->name),
                  or_nothing(a->matchers), a->cohort ? ",cohort=%q" : "");
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr, "," GR_FMT "=%%q", GR_ARG(sets[s].v[i]));
    gr_buf_printf(&lo->expr, "}%s`", or_nothing(a->after));
    if (a->cohort)
        gr_buf_printf(&lo->expr, " %s", a->cohort);
    gr_buf_puts(&lo->expr, " $labels.deployment_id $labels.phase");
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr, " $labels." GR_FMT, GR_ARG(sets[s].v[i]));
    gr_buf_puts(&lo->expr, " | query }}");
}

static void
put_query(struct lower *lo, const struct guardrail *g, const struct ask *a)
{
    put_with(lo, g, a);
    gr_buf_printf(&lo->expr, "{{ . | first | value | printf \"%s\" }}%s{{ else }}",
                  a->format ? a->format : "%.4g", or_nothing(a->unit));
    put_text(lo, a->missing.n > 0 ? a->missing : GR_STR("no data"));
    gr_buf_puts(&lo->expr, "{{ end }}");
}

/* The alert's own value, which Go's templates cannot multiply: Prometheus does. */
static void
put_value(struct lower *lo, const struct reading *r, const char *format)
{
    if (*r->factor)
        gr_buf_printf(
            &lo->expr,
            "{{ with printf \"%s%%g\" $value | query }}{{ . | first | value | printf \"%s\" }}{{ end }}%s",
            r->factor, format, r->label);
    else
        gr_buf_printf(&lo->expr, "{{ printf \"%s\" $value }}%s", format, r->label);
}

/* Limits are read as the spec writes them: a difference from control in percent or points, or a value. */
static void
put_limit(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    struct reading r = reading_of(lo, g);
    struct ask a = {.series = "guardrail:limit", .before = r.factor, .unit = r.label, .missing = b->text};

    a.matchers = lower_text(lo, ",level=\"$1\",side=\"$2\"", level_name(b->level), side_name(b->side));
    if (is_compared(g, NULL) && !side_is_backstop(b->side)) {
        a.format = "%+.4g";
        if (g->limit.against == AGAINST_CONTROL_RELATIVE) {
            a.before = "100 * (";
            a.after = " - 1)";
            a.unit = "%";
        }
    }
    put_query(lo, g, &a);
}

/* "err cluster=equities venue=XNAS: canary +200% against control, hard limit +40%" */
static void
summarise_breach(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    struct reading r = reading_of(lo, g);
    bool compared = is_compared(g, NULL) && !side_is_backstop(b->side);

    gr_buf_put(&lo->expr, g->name);
    put_slice(lo, g);
    gr_buf_puts(&lo->expr, g->stream_scope ? ": " : ": canary ");
    if (compared && g->limit.against == AGAINST_CONTROL_RELATIVE)
        gr_buf_puts(&lo->expr,
                    "{{ with printf \"100 * (%g - 1)\" $value | query }}{{ . | first | value | printf "
                    "\"%+.4g\" }}{{ end }}%");
    else
        put_value(lo, &r, compared ? "%+.4g" : "%.4g");
    if (compared)
        gr_buf_puts(&lo->expr, " against control");
    if (is_confirmed(g, b))
        gr_buf_printf(&lo->expr, " (%u of %u slots beyond the limit)",
                      b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k,
                      b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n);
    gr_buf_printf(&lo->expr, ", %s ", side_is_backstop(b->side) ? "backstop" : level_name(b->level));
    gr_buf_puts(&lo->expr, side_is_backstop(b->side) ? "" : "limit ");
    put_limit(lo, g, b);
}

/* "canary 3% (36 bad of 1200), control 1% (108 bad of 10800)" */
static void
put_cohort(struct lower *lo, const struct guardrail *g, const char *before, const char *cohort)
{
    struct reading r = reading_of(lo, g);

    gr_buf_puts(&lo->expr, before);
    put_query(lo, g,
              &(struct ask){
                  .series = "guardrail:window:value", .cohort = cohort, .before = r.factor, .unit = r.label});
    if (!is_sum(g, NULL))
        return;
    gr_buf_puts(&lo->expr, " (");
    if (is_ratio(g, NULL) || is_compared(g, NULL)) {
        put_query(lo, g, &(struct ask){.series = "guardrail:test:bad", .cohort = cohort, .format = "%.0f"});
        gr_buf_puts(&lo->expr, " bad of ");
    }
    put_query(lo, g, &(struct ask){.series = "guardrail:test:total", .cohort = cohort, .format = "%.0f"});
    gr_buf_puts(&lo->expr, is_ratio(g, NULL) || is_compared(g, NULL) ? ")" : " observations)");
}

/* A bound that control can be beyond as well as the canary. */
static bool
is_shared(const struct guardrail *g, const struct bound *b)
{
    return !g->stream_scope && (is_fixed(g, NULL) || side_is_backstop(b->side));
}

/* `words` where control is beyond the bound, too: judged as the canary is, by its window or by k of n slots. Whoever is paged must know,
 * for then it is hardly the release. */
static void
put_if_control(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *words)
{
    const char *name = lower_values(lo, GR_STR("guardrail"), &g->name, 1, false);
    const char *level = level_name(b->level), *side = side_name(b->side);
    struct ask a = {.series = "guardrail:window:value", .cohort = lo->control.p};

    if (is_confirmed(g, b)) {
        uint32_t k = b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k;
        uint32_t n = b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n;

        a.series = "count_over_time(guardrail:slot:over";
        a.matchers = lower_text(lo, ",level=\"$1\",side=\"$2\"", level, side);
        a.after = lower_text(lo, "[$1]) >= $2", lower_duration(lo, lower_range_ms(lo, n)), lower_uint(lo, k));
    } else {
        a.after = lower_text(
            lo, " $1 ignoring (cohort, level, side) guardrail:limit{$S$2,level=\"$3\",side=\"$4\"}",
            lower_op(b), name, level, side);
    }
    put_with(lo, g, &a);
    gr_buf_printf(&lo->expr, "%s{{ end }}", words);
}

static void
describe_breach(struct lower *lo, const struct guardrail *g, const struct bound *b)
{
    if (g->stream_scope)
        put_cohort(lo, g, "Observed ", "\"" COHORT_STREAM "\"");
    else
        put_cohort(lo, g, "Canary ", lo->canary.p);
    if (is_compared(g, NULL))
        put_cohort(lo, g, ", control ", lo->control.p);
    if (is_sum(g, NULL))
        gr_buf_puts(&lo->expr, ", counted since the phase began");
    gr_buf_puts(&lo->expr, "; limit ");
    put_limit(lo, g, b);
    if (is_shared(g, b))
        put_if_control(lo, g, b, "; control is beyond it, too");
    if (is_sequential(g, NULL) && !side_is_backstop(b->side)) {
        gr_buf_puts(&lo->expr, "; log evidence ");
        put_query(lo, g, &(struct ask){.series = "guardrail:evidence"});
        gr_buf_printf(&lo->expr, ", %s needed", lower_threshold(lo, b->level));
    }
    gr_buf_puts(&lo->expr, ". Metric ");
    put_text(lo, g->source);
    gr_buf_puts(&lo->expr, ", {{ $labels.phase }} of deployment {{ $labels.deployment_id }}.");
}

/* Where to look: the overview with this stream, deployment and slice selected. */
static void
put_dashboard_url(struct lower *lo, const struct guardrail *g)
{
    const struct model *m = lo->m;
    const struct strs sets[] = {m->release_labels, g->compare_within, g->dynamic};

    put_text(lo, m->grafana_url);
    gr_buf_puts(&lo->expr, gr_str_ends(m->grafana_url, GR_STR("/")) ? "d/" : "/d/");
    if (lo->err == GR_OK)
        lo->err = outname_uid(m, GR_STR("overview"), &lo->expr);
    gr_buf_puts(&lo->expr, "?from=now-1h&to=now&var-deployment={{ $labels.deployment_id | urlquery }}");
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr,
                          "{{ with $labels." GR_FMT " }}&var-" GR_FMT "={{ . | urlquery }}{{ end }}",
                          GR_ARG(sets[s].v[i]), GR_ARG(sets[s].v[i]));
}

static void
common_annotations(struct lower *lo, struct gr_rule *rule, const struct guardrail *g)
{
    if (g->runbook.n > 0) {
        put_text(lo, g->runbook);
        annotate(lo, rule, "runbook_url");
    }
    if (lo->m->grafana_url.n > 0) {
        put_dashboard_url(lo, g);
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
put_few_events(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *name)
{
    bool by_total = side_is_backstop(b->side) && is_histogram(g, NULL);

    if (is_sum(g, NULL) && g->evidence.min_events > 0)
        lower_put(lo, "\nunless sum without (cohort) ($1{$S$2,cohort=$C} < $3)",
                  by_total ? "guardrail:test:total" : "guardrail:test:bad", name,
                  lower_uint(lo, by_total ? lower_backstop_total(g) : g->evidence.min_events), NULL);
}

static void
put_compared(struct lower *lo, const struct guardrail *g, const struct bound *b, const char *name)
{
    if (is_sequential(g, NULL))
        lower_put(lo, "\nand guardrail:evidence{$S$1} > $2 and guardrail:test:d{$S$1} $3 0", name,
                  lower_threshold(lo, b->level), b->side == SIDE_LOWER ? "<" : ">", NULL);
    lower_put(lo, "\nand guardrail:enough{$S$1}", name, NULL);
    put_few_events(lo, g, b, name);
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
        lower_put(lo, "sum without (cohort) (guardrail:window:value{$$S$1,cohort=$$C$$1})", name, NULL);
        value = lower_cut(lo, from);
        lower_per_literal(lo, g, b, value, lower_op(b));
        put_few_events(lo, g, b, name);
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
    if (g->limit.common_cause_hold && b->level == LEVEL_HARD && is_shared(g, b)) {
        put_if_control(lo, g, b, GR_COMMON_CAUSE_CONTROL);
        annotate(lo, rule, GR_ANNOTATION_COMMON_CAUSE);
    }
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
    gr_buf_puts(&lo->expr,
                ": {{ if eq $labels.reason \"missing\" }}no data{{ else }}no data from control{{ end }}"
                ", so no verdict");
    annotate(lo, rule, "summary");
    gr_buf_puts(
        &lo->expr,
        "{{ if eq $labels.reason \"missing\" }}An expected slice has not reported{{ else }}Control has "
        "not reported anything to compare with{{ end }} for two sampling intervals. The release cannot "
        "be promoted; it is not rolled back for this. {{ $labels.phase }} of deployment "
        "{{ $labels.deployment_id }}, metric ");
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

/* A deployment that rests in an old phase, or an exporter that died in one, has no verdict and needs none: another of the stream has. */
static void
verdict_missing(struct lower *lo)
{
    lower_put(lo,
              "guardrail:expected{$S} unless $Yguardrail:verdict{$S}\n"
              "or max by (spec, $P) (last_over_time(" GR_SERIES_PHASE "{$S$1}[$2]) == 1)\n"
              "  unless on ($R) (guardrail:verdict{$S} or guardrail:open{$S$3})",
              lower_phases(lo, watched_phases(lo), false), lower_duration(lo, model_ms(lo->m, 5 * MINUTE_MS)),
              lower_phases(lo, watched_phases(lo), true), NULL);
    watch_alert(lo, GR_ALERT_VERDICT_MISSING, 2 * model_ms(lo->m, lo->m->sampling_ms),
                "A phase is active and {{ with $labels.guardrail }}{{ . }} gives{{ else }}its guardrails "
                "give{{ end }} no"
                " verdict",
                "Rules fail or are not evaluated: there is no guardrail:verdict in {{ $labels.phase }} of"
                " {{ $labels.deployment_id }}. Look at the rule group's state in Prometheus.");
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
              "unless on ($R, deployment_id, guardrail) " GR_SERIES_ACCEPTED "{$S,level=\"hard\"} == 1",
              NULL);
    watch_alert(lo, GR_ALERT_UNHANDLED, minute,
                "A hard breach of {{ $labels.guardrail }} was not accepted by guardraild",
                "The verdict of deployment {{ $labels.deployment_id }} has been hard for a minute and "
                "guardraild does not"
                " export it as accepted. Act by hand.");
    verdict_missing(lo);
}
