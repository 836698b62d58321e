/* lower_annotation.c - what alerts say.
 *
 * Everything that differs from slice to slice is asked for when the alert is sent, by queries in Go's template language; names come from
 * the alert's labels. So all guardrails of one kind with the same limits have the same texts, which a large rule file holds only once
 * (gr_rulefile's anchors). What is a guardrail's own stands in annotations of its own: metric, runbook_url. */
#include "config.h"
#include "lower.h"

#include <inttypes.h>

#include "guardrail/policy.h"
#include "outnames.h"

/* What a dashboard shows of the time around an alert. */
#define SHOWN_BEFORE_MS INT64_C(3600000)
#define SHOWN_AFTER_MS INT64_C(900000)

/* `{{` in foreign text would start an action. */
void
lower_put_text(struct lower *lo, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '{' && i + 1 < s.n && s.p[i + 1] == '{')
            gr_buf_puts(&lo->expr, "{{ \"{\" }}");
        else
            gr_buf_putc(&lo->expr, s.p[i]);
    }
}

static void
puts_all(struct lower *lo, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gr_buf_puts(&lo->expr, parts[i]);
}
#define PUTS(lo, ...)                                                                                        \
    puts_all(lo, (const char *const[]){__VA_ARGS__}, GR_COUNT(((const char *const[]){__VA_ARGS__})))

/* `before` LABEL `after` for each label that series of g have, the dynamic ones last (or left out). */
static void
put_each(struct lower *lo, const struct guardrail *g, bool dynamic, const char *before, const char *after)
{
    const struct strs sets[] = {lo->m->release_labels, g->compare_within, g->dynamic};

    for (size_t s = 0; s < GR_COUNT(sets) - (dynamic ? 0 : 1); s++)
        for (size_t i = 0; i < sets[s].n; i++) {
            gr_buf_puts(&lo->expr, before);
            gr_buf_put(&lo->expr, sets[s].v[i]);
            gr_buf_puts(&lo->expr, after);
        }
}

static void
annotate(struct lower *lo, struct gr_rule *rule, const char *key)
{
    if (lo->err == GR_OK && (lo->err = gr_buf_err(&lo->expr)) == GR_OK)
        gr_rule_annotation(lo->file, rule, gr_str(key), gr_buf_str(&lo->expr));
    gr_buf_reset(&lo->expr);
}

/* "err cluster=equities venue=XNAS flow=agency". A dynamic label is not there while nothing of the slice reports. */
static void
put_who(struct lower *lo, const struct guardrail *g)
{
    const struct strs sets[] = {lo->m->release_labels, g->compare_within};

    gr_buf_puts(&lo->expr, "{{ $labels." GR_LABEL_GUARDRAIL " }}");
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++) {
            gr_buf_putc(&lo->expr, ' ');
            gr_buf_put(&lo->expr, sets[s].v[i]);
            gr_buf_puts(&lo->expr, "={{ $labels.");
            gr_buf_put(&lo->expr, sets[s].v[i]);
            gr_buf_puts(&lo->expr, " }}");
        }
    for (size_t i = 0; i < g->dynamic.n; i++)
        gr_buf_printf(&lo->expr, "{{ with $labels." GR_FMT " }} " GR_FMT "={{ . }}{{ end }}",
                      GR_ARG(g->dynamic.v[i]), GR_ARG(g->dynamic.v[i]));
}

/* How people read a metric: values are multiplied by `by` (as text, "1000 * " or nothing, in `factor`) and `label` (" ms") is put behind
 * them. A share is read in percent. */
struct reading {
    struct gr_dec by;
    const char *factor, *label;
};

static struct reading
reading_of(struct lower *lo, const struct guardrail *g)
{
    const struct gr_unit *unit = g->metric.unit, *show = g->metric.show ? g->metric.show : unit;
    struct reading r = {.by = GR_DEC(1, 0), .factor = "", .label = unit ? unit->label : ""};

    if (show && gr_str_is(gr_str("ratio"), show->name))
        show = gr_unit_by_name(GR_STR("percent"));
    if (!unit || !show || gr_unit_convert(r.by, unit, show, &r.by) != GR_OK)
        return r;
    if (gr_dec_cmp(r.by, GR_DEC(1, 0)) != 0)
        r.factor = lower_text(lo, "$1 * ", lower_dec(lo, r.by));
    r.label = show->label;
    return r;
}

/* What an annotation asks Prometheus for. All but series may be NULL. */
struct ask {
    const char *series;
    const char *matchers;       /* `,level="hard"` */
    const char *cohort;         /* quoted */
    const char *before, *after; /* of the series: "1000 * ", " - 1)" */
    bool twice;                 /* after has a %s for the scope, too */
    const char *format;         /* "%.4g" */
    const char *unit;           /* behind the number */
    struct gr_str missing;      /* what stands there without data */
};

static const char *
or_nothing(const char *text)
{
    return text ? text : "";
}

/* What all queries of a text have in common, as a variable of the template: {{ $s := printf `spec="demo",guardrail=%q,…,venue=%q`
 * $labels.guardrail … $labels.venue }}. Foreign text is always an argument: in the format itself a percent sign or a backquote would be
 * read as something else. */
static void
put_scope(struct lower *lo, const struct guardrail *g)
{
    gr_buf_puts(&lo->expr, "{{ $s := printf `");
    gr_buf_put(&lo->expr, lo->spec);
    gr_buf_puts(&lo->expr, ",guardrail=%q,deployment_id=%q,phase=%q");
    put_each(lo, g, true, ",", "=%q");
    gr_buf_puts(&lo->expr, "` $labels.guardrail $labels.deployment_id $labels.phase");
    put_each(lo, g, true, " $labels.", "");
    gr_buf_puts(&lo->expr, " }}");
}

/* One series of this very slice: {{ with printf `guardrail:test:total{%s,cohort=%q}` $s "canary" | query }}{{ . | first | value |
 * printf "%.4g" }}{{ else }}no data{{ end }}. */
static void
put_with(struct lower *lo, const struct ask *a)
{
    PUTS(lo, "{{ with printf `", or_nothing(a->before), a->series, "{%s", or_nothing(a->matchers),
         a->cohort ? ",cohort=%q}" : "}", or_nothing(a->after), "` $s");
    if (a->cohort)
        PUTS(lo, " ", a->cohort);
    gr_buf_puts(&lo->expr, a->twice ? " $s | query }}" : " | query }}");
}

static void
put_query(struct lower *lo, const struct ask *a)
{
    put_with(lo, a);
    PUTS(lo, "{{ . | first | value | printf \"", a->format ? a->format : "%.4g", "\" }}", or_nothing(a->unit),
         "{{ else }}");
    lower_put_text(lo, a->missing.n > 0 ? a->missing : GR_STR("no data"));
    gr_buf_puts(&lo->expr, "{{ end }}");
}

/* The alert's own value, which Go's templates cannot multiply: Prometheus does. */
static void
put_value(struct lower *lo, const struct reading *r, const char *format)
{
    if (*r->factor)
        PUTS(lo, "{{ with printf \"", r->factor, "%g\" $value | query }}{{ . | first | value | printf \"",
             format, "\" }}{{ end }}", r->label);
    else
        PUTS(lo, "{{ printf \"", format, "\" $value }}", r->label);
}

/* As people read it: "+25%", "-4 bps", "5 min". */
static void
put_literal(struct lower *lo, const struct guardrail *g, const struct bound *b, const struct reading *r)
{
    bool compared = is_compared(g, NULL) && !side_is_backstop(b->side);
    bool relative = compared && g->limit.against == AGAINST_CONTROL_RELATIVE;
    struct gr_dec v = model_literal(lo->m, g, b, NULL);

    if ((relative && gr_dec_add(v, GR_DEC(-1, 0), &v) != GR_OK) ||
        gr_dec_mul(v, relative ? GR_DEC(100, 0) : r->by, &v) != GR_OK) {
        lower_put_text(lo, b->text);
        return;
    }
    gr_buf_puts(&lo->expr, compared && v.mant >= 0 ? "+" : "");
    gr_dec_print(&lo->expr, v);
    gr_buf_puts(&lo->expr, relative ? "%" : r->label);
}

/* Limits are read as the spec writes them: a difference from control in percent or points, or a value. Where slices have their own, that
 * of the slice is asked for, and the text must begin with put_scope(). */
static void
put_limit(struct lower *lo, const struct guardrail *g, const struct bound *b, const struct reading *r)
{
    struct ask a = {.series = "guardrail:limit", .before = r->factor, .unit = r->label, .missing = b->text};

    if (g->limit.n_overrides == 0) {
        put_literal(lo, g, b, r);
        return;
    }
    a.matchers = lower_text(lo, ",level=\"$1\",side=\"$2\"", level_name(b->level), side_name(b->side));
    if (is_compared(g, NULL) && !side_is_backstop(b->side)) {
        a.format = "%+.4g";
        if (g->limit.against == AGAINST_CONTROL_RELATIVE) {
            a.before = "100 * (";
            a.after = " - 1)";
            a.unit = "%";
        }
    }
    put_query(lo, &a);
}

/* "err cluster=equities venue=XNAS: canary +200% against control, hard limit +40%" */
static void
summarise_breach(struct lower *lo, const struct guardrail *g, const struct bound *b, const struct reading *r)
{
    bool compared = is_compared(g, NULL) && !side_is_backstop(b->side);

    if (g->limit.n_overrides > 0)
        put_scope(lo, g);
    put_who(lo, g);
    gr_buf_puts(&lo->expr, g->stream_scope ? ": " : ": canary ");
    if (compared && g->limit.against == AGAINST_CONTROL_RELATIVE)
        gr_buf_puts(&lo->expr,
                    "{{ with printf \"100 * (%g - 1)\" $value | query }}{{ . | first | value | printf "
                    "\"%+.4g\" }}{{ end }}%");
    else
        put_value(lo, r, compared ? "%+.4g" : "%.4g");
    if (compared)
        gr_buf_puts(&lo->expr, " against control");
    if (lower_is_confirmed(g, b))
        gr_buf_printf(&lo->expr, " (%u of %u slots beyond the limit)",
                      b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k,
                      b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n);
    PUTS(lo, ", ", side_is_backstop(b->side) ? "backstop" : level_name(b->level), " ");
    gr_buf_puts(&lo->expr, side_is_backstop(b->side) ? "" : "limit ");
    put_limit(lo, g, b, r);
}

/* "canary 3% (36 bad of 1200), control 1% (108 bad of 10800)" */
static void
put_cohort(struct lower *lo, const struct guardrail *g, const struct reading *r, const char *before,
           const char *cohort)
{
    gr_buf_puts(&lo->expr, before);
    put_query(
        lo, &(struct ask){
                .series = "guardrail:window:value", .cohort = cohort, .before = r->factor, .unit = r->label});
    if (!is_sum(g, NULL))
        return;
    gr_buf_puts(&lo->expr, " (");
    if (is_ratio(g, NULL) || is_compared(g, NULL)) {
        put_query(lo, &(struct ask){.series = "guardrail:test:bad", .cohort = cohort, .format = "%.0f"});
        gr_buf_puts(&lo->expr, " bad of ");
    }
    put_query(lo, &(struct ask){.series = "guardrail:test:total", .cohort = cohort, .format = "%.0f"});
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
    const char *level = level_name(b->level), *side = side_name(b->side);
    struct ask a = {.series = "guardrail:window:value", .cohort = lo->control.p};

    if (lower_is_confirmed(g, b)) {
        uint32_t k = b->level == LEVEL_HARD ? g->evidence.hard_k : g->evidence.soft_k;
        uint32_t n = b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n;

        a.series = "count_over_time(guardrail:slot:over";
        a.matchers = lower_text(lo, ",level=\"$1\",side=\"$2\"", level, side);
        a.after = lower_text(lo, "[$1]) >= $2", lower_duration(lo, lower_range_ms(lo, n)), lower_uint(lo, k));
    } else {
        a.after =
            lower_text(lo, " $1 ignoring (cohort, level, side) guardrail:limit{%s,level=\"$2\",side=\"$3\"}",
                       lower_op(b), level, side);
        a.twice = true;
    }
    put_with(lo, &a);
    PUTS(lo, words, "{{ end }}");
}

static void
describe_breach(struct lower *lo, const struct guardrail *g, const struct bound *b, const struct reading *r)
{
    put_scope(lo, g);
    if (g->stream_scope)
        put_cohort(lo, g, r, "Observed ", "\"" COHORT_STREAM "\"");
    else
        put_cohort(lo, g, r, "Canary ", lo->canary.p);
    if (is_compared(g, NULL))
        put_cohort(lo, g, r, ", control ", lo->control.p);
    if (is_sum(g, NULL))
        gr_buf_puts(&lo->expr, ", counted since the phase began");
    gr_buf_puts(&lo->expr, "; limit ");
    put_limit(lo, g, b, r);
    if (is_shared(g, b))
        put_if_control(lo, g, b, "; control is beyond it, too");
    if (is_sequential(g, NULL) && !side_is_backstop(b->side)) {
        gr_buf_puts(&lo->expr, "; log evidence ");
        put_query(lo, &(struct ask){.series = "guardrail:evidence"});
        PUTS(lo, ", ", lower_threshold(lo, b->level), " needed");
    }
    gr_buf_puts(&lo->expr, ". {{ $labels.phase }} of deployment {{ $labels.deployment_id }}.");
}

/* The dashboard of the alert's phase: "demo-{{ $labels.phase }}", unless a phase's name is too long for that. */
static void
put_dashboard_uid(struct lower *lo, const struct guardrail *g)
{
    const struct model *m = lo->m;
    bool cut = false;

    for (size_t i = 0; i < m->n_phases; i++)
        cut = cut || m->spec.n + 1 + m->phases[i].name.n > UID_BYTES_MAX;
    if (!cut) {
        lower_put_text(lo, m->spec);
        gr_buf_puts(&lo->expr, "-{{ $labels.phase }}");
        return;
    }
    for (size_t i = 0; i < m->n_phases; i++) {
        if (!(g->phases & UINT32_C(1) << i))
            continue;
        gr_buf_printf(&lo->expr, "{{ if eq $labels.phase \"" GR_FMT "\" }}", GR_ARG(m->phases[i].name));
        if (lo->err == GR_OK)
            lo->err = outname_uid(m, m->phases[i].name, &lo->expr);
        gr_buf_puts(&lo->expr, "{{ end }}");
    }
}

/* Whether every phase that guardrail g watches has a panel for each of its guardrails, and not a row that is repeated for chosen ones. */
static bool
has_panel(const struct model *m, const struct guardrail *g)
{
    for (size_t i = 0; i < m->n_phases; i++)
        if (g->phases & UINT32_C(1) << i && outname_crowded(m, &m->phases[i]))
            return false;
    return true;
}

/* Where to look: the guardrail's panel in the dashboard of the phase, around the time of the alert, with this stream, deployment and slice
 * selected. The range is absolute, so that the link in a ticket still shows the breach the week after. */
static void
put_dashboard_url(struct lower *lo, const struct guardrail *g)
{
    const struct model *m = lo->m;
    const struct strs sets[] = {m->release_labels, g->compare_within, g->dynamic};

    lower_put_text(lo, m->grafana_url);
    gr_buf_puts(&lo->expr, gr_str_ends(m->grafana_url, GR_STR("/")) ? "d/" : "/d/");
    put_dashboard_uid(lo, g);
    if (has_panel(m, g))
        gr_buf_printf(&lo->expr, "?viewPanel=%" PRIu32, outname_panel(m, g));
    else
        gr_buf_puts(&lo->expr, "?var-guardrail={{ $labels.guardrail }}");
    gr_buf_printf(&lo->expr,
                  "{{ with query \"(time() - %" PRId64
                  ") * 1000\" }}&from={{ . | first | value | printf \"%%.0f\" }}{{ end }}"
                  "{{ with query \"(time() + %" PRId64
                  ") * 1000\" }}&to={{ . | first | value | printf \"%%.0f\" }}{{ end }}",
                  (model_ms(m, SHOWN_BEFORE_MS) + 999) / 1000, (model_ms(m, SHOWN_AFTER_MS) + 999) / 1000);
    gr_buf_puts(&lo->expr, "&var-deployment={{ $labels.deployment_id | urlquery }}");
    for (size_t s = 0; s < GR_COUNT(sets); s++)
        for (size_t i = 0; i < sets[s].n; i++)
            gr_buf_printf(&lo->expr,
                          "{{ with $labels." GR_FMT " }}&var-" GR_FMT "={{ . | urlquery }}{{ end }}",
                          GR_ARG(sets[s].v[i]), GR_ARG(sets[s].v[i]));
}

static void
common_annotations(struct lower *lo, struct gr_rule *rule, const struct guardrail *g)
{
    lower_put_text(lo, g->source);
    annotate(lo, rule, "metric");
    if (g->runbook.n > 0) {
        lower_put_text(lo, g->runbook);
        annotate(lo, rule, "runbook_url");
    }
    if (lo->m->grafana_url.n > 0) {
        put_dashboard_url(lo, g);
        annotate(lo, rule, "dashboard_url");
    }
    gr_buf_put(&lo->expr, lo->m->spec_hash);
    annotate(lo, rule, "spec_hash");
}

void
lower_annotate_breach(struct lower *lo, struct gr_rule *rule, const struct guardrail *g,
                      const struct bound *b)
{
    struct reading r = reading_of(lo, g);

    summarise_breach(lo, g, b, &r);
    annotate(lo, rule, "summary");
    describe_breach(lo, g, b, &r);
    annotate(lo, rule, "description");
    if (g->limit.common_cause_hold && b->level == LEVEL_HARD && is_shared(g, b)) {
        put_scope(lo, g);
        put_if_control(lo, g, b, GR_COMMON_CAUSE_CONTROL);
        annotate(lo, rule, GR_ANNOTATION_COMMON_CAUSE);
    }
    common_annotations(lo, rule, g);
}

/* "the canary has 3.1% of the traffic instead of 1%" */
static void
put_split(struct lower *lo)
{
    gr_buf_puts(&lo->expr, "the canary has ");
    put_query(lo,
              &(struct ask){.series = "guardrail:share", .before = "100 * ", .format = "%.3g", .unit = "%"});
    gr_buf_puts(&lo->expr, " of the traffic instead of ");
    put_query(lo,
              &(struct ask){
                  .series = "guardrail:share:planned", .before = "100 * ", .format = "%.3g", .unit = "%"});
}

void
lower_annotate_no_data(struct lower *lo, struct gr_rule *rule, const struct guardrail *g)
{
    bool share = model_checks_share(lo->m, g);

    if (share)
        put_scope(lo, g);
    put_who(lo, g);
    gr_buf_puts(&lo->expr, ": {{ if eq $labels.reason \"missing\" }}no data");
    if (share) {
        gr_buf_puts(&lo->expr, "{{ else if eq $labels.reason \"traffic_share\" }}");
        put_split(lo);
    }
    gr_buf_puts(&lo->expr, "{{ else }}no data from control{{ end }}, so no verdict");
    annotate(lo, rule, "summary");
    if (share) {
        put_scope(lo, g);
        gr_buf_puts(&lo->expr, "{{ if eq $labels.reason \"traffic_share\" }}For two sampling intervals, ");
        put_split(lo);
        gr_buf_puts(&lo->expr,
                    ", of all that was counted in the window. Canary and control are not compared like with "
                    "like then: look at what splits the traffic{{ else }}");
    }
    gr_buf_puts(
        &lo->expr,
        "{{ if eq $labels.reason \"missing\" }}An expected slice has not reported{{ else }}Control has "
        "not reported anything to compare with{{ end }} for two sampling intervals");
    gr_buf_puts(&lo->expr, share ? "{{ end }}. " : ". ");
    gr_buf_puts(&lo->expr,
                "The release cannot be promoted; it is not rolled back for this. {{ $labels.phase }} of "
                "deployment {{ $labels.deployment_id }}.");
    annotate(lo, rule, "description");
    common_annotations(lo, rule, g);
}
