/* May this release go on, and if not, why: one tile for each release, and a table of what speaks against it.
 *
 * Both read the same vector of reasons. Each reason is a series with a label `why`, and its value is what follows from it for the release;
 * the tile shows the greatest. guardraild's gate asks for more (checks, reviews of soft breaches, extensions), so it has the last word.
 *
 *     8 stopped   halted, rolling_back; rolled_back, aborted (until the stream's next release)
 *     7 hard      a hard breach
 *     6 held      by a person or an action; blind: guardraild hears no watchdog
 *     5 soft      a soft breach
 *     4 unproved  why the verdict is insufficient; no_verdict: expected, and there is none
 *     3 early     the phase's minimum duration is not over
 *     2 thin      insufficient for too few observations alone: that is the rule while it is early, so `early` says more
 *     1 done      the release is in its final phase
 *     0 go        there are verdicts and all are healthy
 *     9           a phase is active and there is no verdict at all: NO DATA, which is neither */
#include "config.h"
#include "grafana.h"

#include "guardrail/policy.h"
#include "outnames.h"

enum answer {
    ANSWER_GO,
    ANSWER_DONE,
    ANSWER_THIN,
    ANSWER_EARLY,
    ANSWER_UNPROVED,
    ANSWER_SOFT,
    ANSWER_HELD,
    ANSWER_HARD,
    ANSWER_STOPPED,
    ANSWER_UNKNOWN
};
#define ROWS_MAX "100" /* of the table, of specs with more than DASH_MANY guardrails */
#define SERIES_INFO "guardraild_release_info"

static const struct mapping answers[] = {
    {ANSWER_GO, "✔ YES", COLOR_GOOD},
    {ANSWER_DONE, "● DONE: in its final phase", COLOR_GOOD},
    {ANSWER_THIN, "? WAIT: too few observations", COLOR_UNKNOWN},
    {ANSWER_EARLY, "… NOT YET: too early", COLOR_SOON},
    {ANSWER_UNPROVED, "? WAIT: not proved", COLOR_UNKNOWN},
    {ANSWER_SOFT, "▲ WAIT: soft breach", COLOR_WARN},
    {ANSWER_HELD, "‖ WAIT: held", COLOR_WARN},
    {ANSWER_HARD, "✖ NO: hard breach", COLOR_BAD},
    {ANSWER_STOPPED, "■ NO: stopped", COLOR_BAD},
    {ANSWER_UNKNOWN, "NO DATA: no verdict", COLOR_NO_DATA},
};

/* -- the vector ---------------------------------------------------------------------------------------------------------- */

static void
put_or(struct dash *d, bool *first)
{
    gr_buf_puts(&d->expr, *first ? "" : " or ");
    *first = false;
}

/* `max by (cluster, deployment_id, phase) (guardrail_release_phase{…} == 1)` */
static void
put_active(struct dash *d, const struct phase *p, const char *more)
{
    gr_buf_puts(&d->expr, "max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_PHASE ") (");
    query_select(d, GR_SERIES_PHASE, &(struct sel){.phase = p, .more = more, .no_slices = true});
    gr_buf_puts(&d->expr, " == 1)");
}

/* Releases that guardraild says something of, in the phase that they stand in. `and`, not a product: that would fail, and with it the whole
 * answer, while two guardrailds export a release (one is moved to another machine). */
static void
put_state(struct dash *d, const struct phase *p, const char *more, enum answer a, const char *why)
{
    gr_buf_puts(&d->expr, "label_replace((");
    put_active(d, p, NULL);
    gr_buf_puts(&d->expr, " and on (");
    query_stream(d);
    gr_buf_puts(&d->expr, ") ");
    query_select(d, SERIES_INFO, &(struct sel){.more = more, .no_slices = true});
    gr_buf_printf(&d->expr, ") * %d, \"why\", \"%s\", \"\", \"\")", (int)a, why);
}

/* `max by (cluster, deployment_id, state) (guardraild_release_info{…})` of releases that ended without success. */
static void
put_failed(struct dash *d)
{
    gr_buf_puts(&d->expr, "max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", state) (");
    query_select(d, SERIES_INFO, &(struct sel){.more = ",state=~\"rolled_back|aborted\"", .no_slices = true});
    gr_buf_putc(&d->expr, ')');
}

/* Of streams that have no other release now, with the phase that was entered last, or without if that is not known. */
static void
put_last(struct dash *d)
{
    gr_buf_puts(&d->expr, "(");
    put_failed(d);
    gr_buf_puts(&d->expr, " * on (");
    query_stream(d);
    gr_buf_puts(&d->expr, ") group_left (" GR_LABEL_PHASE ") (topk by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ") (1, max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_PHASE ") (");
    query_select(d, GR_SERIES_PHASE_START, &(struct sel){.no_slices = true});
    gr_buf_puts(&d->expr, ")) * 0 + 1) or on (");
    query_stream(d);
    gr_buf_puts(&d->expr, ") ");
    put_failed(d);
    gr_buf_printf(&d->expr, ") * %d unless on (", (int)ANSWER_STOPPED);
    for (size_t i = 0; i < d->m->release_labels.n; i++)
        gr_buf_printf(&d->expr, "%s" GR_FMT, i > 0 ? ", " : "", GR_ARG(d->m->release_labels.v[i]));
    gr_buf_puts(&d->expr, ") ");
    put_active(d, NULL, NULL);
}

/* It, and the guardrails whose hard breaches guardraild took on. */
static void
put_ended(struct dash *d)
{
    gr_buf_puts(&d->expr, "label_replace(");
    put_last(d);
    gr_buf_puts(&d->expr, ", \"why\", \"$1\", \"state\", \"(.+)\") or label_replace(max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_GUARDRAIL ") (");
    query_select(d, GR_SERIES_ACCEPTED, &(struct sel){.more = ",level=\"hard\"", .no_slices = true});
    gr_buf_puts(&d->expr, ") * on (");
    query_stream(d);
    gr_buf_puts(&d->expr, ") group_left (state, " GR_LABEL_PHASE ") topk by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ") (1, ");
    put_last(d);
    gr_buf_puts(&d->expr, "), \"why\", \"$1\", \"state\", \"(.+)\")");
}

/* Whichever guardraild works by this spec. */
static void
put_blind(struct dash *d, const struct phase *p)
{
    gr_buf_puts(&d->expr, "label_replace(");
    put_active(d, p, NULL);
    gr_buf_puts(&d->expr,
                " * on () group_left () (max(guardraild_blind and on (instance, job) " GR_SERIES_POLICY "{");
    outname_matcher(&d->expr, GR_LABEL_SPEC, d->m->spec);
    gr_buf_printf(&d->expr, "}) == 1) * %d, \"why\", \"blind\", \"\", \"\")", (int)ANSWER_HELD);
}

static void
put_verdicts(struct dash *d, const struct phase *p, enum gr_verdict v, enum answer a, const char *why)
{
    gr_buf_puts(&d->expr, "label_replace((");
    query_select(d, GR_SERIES_VERDICT, &(struct sel){.phase = p});
    gr_buf_printf(&d->expr, " == %d) * 0 + %d, \"why\", \"%s\", \"\", \"\")", (int)v, (int)a, why);
}

static void
put_insufficient(struct dash *d, const struct phase *p, const char *more, enum answer a, const char *why)
{
    gr_buf_puts(&d->expr, "label_replace(");
    query_select(d, "guardrail:insufficient", &(struct sel){.phase = p, .more = more});
    gr_buf_printf(&d->expr, " * 0 + %d, \"why\", \"%s\", \"reason\", \"(.+)\")", (int)a, why);
}

/* `thin: allow` lets the gate pass a guardrail that has nothing against it but too few observations. */
static void
put_thin(struct dash *d, const struct phase *p, bool *first)
{
    struct gr_buf more = GR_BUF_INIT(1u << 20);
    struct gr_str *names = gr_arena_array(d->m->arena, d->m->n_guardrails, sizeof *names);
    size_t n = 0;

    if (!names)
        dash_note(d, GR_ENOMEM);
    for (size_t i = 0; names && i < d->m->n_guardrails; i++)
        if (d->m->guardrails[i].evidence.thin_allow)
            names[n++] = d->m->guardrails[i].name;
    gr_buf_puts(&more, ",reason=\"thin\"");
    if (n > 0) {
        gr_buf_putc(&more, ',');
        outname_matcher_any(&more, GR_LABEL_GUARDRAIL, names, n);
        put_or(d, first);
        put_insufficient(d, p, gr_buf_cstr(&more), ANSWER_GO, "thin_allowed");
        dash_settle(d, &more);
        gr_buf_puts(&more, ",reason=\"thin\",");
        outname_matcher_none(&more, GR_LABEL_GUARDRAIL, names, n);
    }
    put_or(d, first);
    put_insufficient(d, p, gr_buf_cstr(&more), ANSWER_THIN, "$1");
    dash_settle(d, &more);
    gr_buf_fini(&more);
}

/* What each guardrail has against it. Expected slices do not tell dynamic labels apart, verdicts do. */
static void
put_guardrails(struct dash *d, const struct phase *p, bool *first)
{
    put_or(d, first);
    put_verdicts(d, p, GR_VERDICT_HARD, ANSWER_HARD, "hard");
    put_or(d, first);
    put_verdicts(d, p, GR_VERDICT_SOFT, ANSWER_SOFT, "soft");
    put_or(d, first);
    put_insufficient(d, p, ",reason!=\"thin\"", ANSWER_UNPROVED, "$1");
    put_thin(d, p, first);
    put_or(d, first);
    gr_buf_puts(&d->expr, "label_replace((");
    query_select(d, "guardrail:expected", &(struct sel){.phase = p});
    gr_buf_puts(&d->expr, " unless ");
    for (size_t i = 0; i < d->m->n_dynamic; i++)
        gr_buf_printf(&d->expr, "%s" GR_FMT "%s", i == 0 ? "ignoring (" : ", ",
                      GR_ARG(d->m->dynamic[i].label), i + 1 == d->m->n_dynamic ? ") " : "");
    query_select(d, GR_SERIES_VERDICT, &(struct sel){.phase = p});
    gr_buf_printf(&d->expr, ") * 0 + %d, \"why\", \"no_verdict\", \"\", \"\")", (int)ANSWER_UNPROVED);
}

/* ` > time() - 1200`, of phases that last some time; times of this output, scaled. */
static void
put_early(struct dash *d, const struct phase *p, bool *first)
{
    for (size_t i = 0; i < d->m->n_phases; i++) {
        const struct phase *each = &d->m->phases[i];

        if ((p && p != each) || each->min_ms == 0)
            continue;
        put_or(d, first);
        gr_buf_puts(&d->expr, "label_replace((");
        query_select(d, "guardrail:phase_start", &(struct sel){.phase = each, .no_slices = true});
        gr_buf_puts(&d->expr, " > time() - ");
        gr_double_print(&d->expr, (double)model_ms(d->m, each->min_ms) / 1000.0);
        gr_buf_printf(&d->expr, ") * 0 + %d, \"why\", \"early\", \"\", \"\")", (int)ANSWER_EARLY);
    }
}

/* An active phase in which guardrails should give verdicts, and none does. */
static void
put_unknown(struct dash *d, const struct phase *p)
{
    struct gr_str names[MODEL_PHASES_MAX];
    struct gr_buf more = GR_BUF_INIT(1u << 16);
    size_t n = 0;

    for (size_t i = 0; i < d->m->n_phases && !p; i++)
        if (grafana_watched(d->m, &d->m->phases[i]))
            names[n++] = d->m->phases[i].name;
    if (n > 0) {
        gr_buf_putc(&more, ',');
        outname_matcher_any(&more, GR_LABEL_PHASE, names, n);
    }
    gr_buf_puts(&d->expr, "label_replace((");
    put_active(d, p, gr_buf_cstr(&more));
    gr_buf_puts(&d->expr, " unless on (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_PHASE ") ");
    query_select(d, GR_SERIES_VERDICT, &(struct sel){.phase = p, .no_slices = true});
    gr_buf_printf(&d->expr, ") * %d, \"why\", \"unknown\", \"\", \"\")", (int)ANSWER_UNKNOWN);
    dash_settle(d, &more);
    gr_buf_fini(&more);
}

/* Nothing speaks against it: said too, so that an empty table means no data and nothing else. */
static void
put_healthy(struct dash *d, const struct phase *p)
{
    gr_buf_puts(&d->expr, "label_replace(max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_PHASE ") (");
    query_select(d, GR_SERIES_VERDICT, &(struct sel){.phase = p});
    gr_buf_printf(&d->expr, ") == %d, \"why\", \"healthy\", \"\", \"\")", (int)GR_VERDICT_HEALTHY);
}

static void
put_reasons(struct dash *d, const struct phase *p)
{
    bool first = true;

    put_guardrails(d, p, &first);
    put_early(d, p, &first);
    put_or(d, &first);
    put_healthy(d, p);
    put_or(d, &first);
    put_unknown(d, p);
    put_or(d, &first);
    put_state(d, p, ",state=\"halted\"", ANSWER_STOPPED, "halted");
    put_or(d, &first);
    put_state(d, p, ",state=\"rolling_back\"", ANSWER_STOPPED, "rolling_back");
    put_or(d, &first);
    put_state(d, p, ",held=\"true\"", ANSWER_HELD, "held");
    put_or(d, &first);
    put_state(d, p, ",state=\"sealed\"", ANSWER_DONE, "sealed");
    if (!p) {
        put_or(d, &first);
        put_ended(d);
    }
    put_or(d, &first);
    put_blind(d, p);
}

/* -- the tile ------------------------------------------------------------------------------------------------------------ */

void
answer_stat(struct dash *d, const struct panel *look, const struct phase *p)
{
    cJSON *panel = panel_add(d, look), *mappings;

    gr_buf_puts(&d->expr, "sort_desc(max by (");
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_PHASE ") (");
    put_reasons(d, p);
    gr_buf_puts(&d->expr, "))");
    legend_stream(d);
    gr_buf_puts(&d->text, " · {{phase}}");
    panel_target(d, panel, NULL, true, false);
    (void)panel_field(d, panel, "none", &mappings);
    mappings_add(d, mappings, answers, GR_COUNT(answers));
    stat_options(d, panel, "value_and_name");
}

/* -- the table ----------------------------------------------------------------------------------------------------------- */

static const struct word reasons[] = {
    {"rolled_back", "■ rolled back", COLOR_BAD},
    {"aborted", "■ aborted", COLOR_BAD},
    {"rolling_back", "■ being rolled back", COLOR_BAD},
    {"halted", "■ halted: no promotion any more", COLOR_BAD},
    {"hard", "✖ beyond its hard limit", COLOR_BAD},
    {"held", "‖ held by a person or an action", COLOR_WARN},
    {"blind", "‖ guardraild hears no watchdog", COLOR_WARN},
    {"soft", "▲ beyond its soft limit", COLOR_WARN},
    {"missing", "? does not report", COLOR_UNKNOWN},
    {"no_control", "? nothing to compare with", COLOR_UNKNOWN},
    {"traffic_share", "? traffic not split as planned", COLOR_UNKNOWN},
    {"overdue", "? past its maximum duration", COLOR_UNKNOWN},
    {"suspect", "? beyond a limit, not proved yet", COLOR_UNKNOWN},
    {"no_verdict", "? expected, and no verdict", COLOR_UNKNOWN},
    {"early", "… minimum duration not over", COLOR_SOON},
    {"thin", "? too few observations so far", COLOR_UNKNOWN},
    {"sealed", "● in its final phase", COLOR_GOOD},
    {"thin_allowed", "✔ too few observations: allowed", COLOR_GOOD},
    {"healthy", "✔ every verdict is healthy", COLOR_GOOD},
    {"unknown", "NO DATA: no verdict at all", COLOR_NO_DATA},
};

static void
put_by(struct dash *d, const char *how)
{
    gr_buf_printf(&d->expr, "%s by (", how);
    query_stream(d);
    gr_buf_puts(&d->expr, ", " GR_LABEL_PHASE ", " GR_LABEL_GUARDRAIL ", why) (");
}

static bool
is_crowded(const struct dash *d)
{
    return d->m->n_guardrails > DASH_MANY;
}

/* One row for each reason of each guardrail; nobody reads more than the first of thousands. */
static void
put_worst(struct dash *d, const struct phase *p)
{
    gr_buf_puts(&d->expr, is_crowded(d) ? "topk(" ROWS_MAX ", " : "");
    put_by(d, "max");
    put_reasons(d, p);
    gr_buf_puts(&d->expr, is_crowded(d) ? "))" : ")");
}

/* Seconds until the phase's minimum duration is over. */
static void
put_left(struct dash *d, const struct phase *p)
{
    bool first = true;

    put_by(d, "max");
    for (size_t i = 0; i < d->m->n_phases; i++) {
        const struct phase *each = &d->m->phases[i];

        if ((p && p != each) || each->min_ms == 0)
            continue;
        put_or(d, &first);
        gr_buf_puts(&d->expr, "label_replace((");
        query_select(d, "guardrail:phase_start", &(struct sel){.phase = each, .no_slices = true});
        gr_buf_puts(&d->expr, " - time() + ");
        gr_double_print(&d->expr, (double)model_ms(d->m, each->min_ms) / 1000.0);
        gr_buf_puts(&d->expr, ") > 0, \"why\", \"early\", \"\", \"\")");
    }
    gr_buf_putc(&d->expr, ')');
}

static bool
has_minimum(const struct dash *d, const struct phase *p)
{
    for (size_t i = 0; i < d->m->n_phases; i++)
        if ((!p || p == &d->m->phases[i]) && d->m->phases[i].min_ms > 0)
            return true;
    return false;
}

void
reasons_column(struct dash *d, cJSON *panel, const char *column, int width)
{
    table_words(d, panel, column, reasons, GR_COUNT(reasons));
    (void)table_column(d, panel, column, width);
}

void
reasons_table(struct dash *d, const struct panel *look, const struct phase *p)
{
    static const struct column columns[] = {
        {"why", "Why"}, {"guardrail", "Guardrail"},      {"Value #B", "Slices"}, {"Value #C", "Time left"},
        {NULL, NULL},   {"deployment_id", "Deployment"}, {"phase", "Phase"},     {"Value #A", NULL},
    };
    cJSON *panel = panel_add(d, look), *defaults, *properties;
    bool first = true;

    gr_buf_puts(&d->expr, "label_replace(");
    put_worst(d, p);
    gr_buf_puts(&d->expr, ", \"" PANEL_LABEL "\", \"$1\", \"" GR_LABEL_GUARDRAIL "\", \"(.+)\")");
    panel_target(d, panel, "", true, true);
    put_by(d, "count");
    put_guardrails(d, p, &first);
    gr_buf_putc(&d->expr, ')');
    if (is_crowded(d)) {
        gr_buf_puts(&d->expr, " and ");
        put_worst(d, p);
    }
    panel_target(d, panel, "", true, true);
    if (has_minimum(d, p)) {
        put_left(d, p);
        panel_target(d, panel, "", true, true);
    }
    table_columns(d, panel, true, "Value #A", columns, GR_COUNT(columns));
    defaults = panel_field(d, panel, "none", NULL);
    table_cells(d, defaults);
    reasons_column(d, panel, "Why", 225);
    if (p) /* the rows need it for their links */
        table_hide(d, table_column(d, panel, "Phase", 0));
    else
        (void)table_column(d, panel, "Phase", 125);
    (void)table_column(d, panel, "Deployment", 100);
    table_empty_labels(d, panel);
    table_guardrails(d, panel, "Guardrail", 215);
    properties = table_column(d, panel, "Slices", 60);
    table_no_value(d, properties, "");
    properties = table_column(d, panel, "Time left", 75);
    property_str(d, properties, "unit", "s");
    table_no_value(d, properties, "");
    cJSON_DeleteItemFromObjectCaseSensitive(defaults, "noValue");
    jsonout_cstr(&d->j, defaults, "noValue", "NO DATA: no release is in a phase, or nothing reports");
    table_options(d, panel, NULL, false);
}
