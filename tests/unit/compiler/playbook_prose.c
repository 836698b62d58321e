/* playbook_prose.c - what the playbook says outside its tables. Numbers and names are read from the page. */
#include "config.h"
#include "playbook.h"

#include "guardrail/duration.h"

#include <stdarg.h>

/* ---- small readers ---- */

void
complain(struct audit *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    gr_buf_vprintf(&a->complaints, fmt, ap);
    va_end(ap);
    gr_buf_putc(&a->complaints, '\n');
}

struct gr_str
text_after(struct audit *a, struct gr_str in, const char *what)
{
    size_t at = gr_str_find(in, gr_str(what), 0);

    if (at == SIZE_MAX) {
        complain(a, "the page does not say \"%s\" where it should", what);
        return GR_STR_NONE;
    }
    return gr_str_sub(in, at + strlen(what), in.n);
}

struct gr_str
page_line(struct audit *a, const char *start)
{
    struct gr_str rest = a->page, line;

    while (gr_str_next(&rest, '\n', &line)) {
        while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '-' || line.p[0] == '.' ||
                              (line.p[0] >= '0' && line.p[0] <= '9')))
            line = gr_str_sub(line, 1, line.n);
        if (gr_str_starts(line, gr_str(start)))
            return line;
    }
    complain(a, "the page has no line \"%s…\"", start);
    return GR_STR_NONE;
}

bool
next_code(struct gr_str *rest, struct gr_str *code)
{
    size_t from = gr_str_find(*rest, GR_STR("`"), 0), to;

    if (from == SIZE_MAX || (to = gr_str_find(*rest, GR_STR("`"), from + 1)) == SIZE_MAX)
        return false;
    *code = gr_str_sub(*rest, from + 1, to);
    *rest = gr_str_sub(*rest, to + 1, rest->n);
    return true;
}

bool
take_number(struct gr_str *rest, struct gr_dec *out)
{
    size_t n = 0;

    while (n < rest->n && ((rest->p[n] >= '0' && rest->p[n] <= '9') || rest->p[n] == '.'))
        n++;
    while (n > 0 && rest->p[n - 1] == '.') /* the end of a sentence */
        n--;
    if (gr_dec_parse(gr_str_sub(*rest, 0, n), out) != GR_OK)
        return false;
    *rest = gr_str_sub(*rest, n, rest->n);
    return true;
}

bool
take_time(struct gr_str text, int64_t *ms)
{
    static const struct {
        struct gr_str word;
        const char *unit;
    } units[] = {{GR_STR_INIT("second"), "s"},
                 {GR_STR_INIT("minute"), "min"},
                 {GR_STR_INIT("hour"), "h"},
                 {GR_STR_INIT("month"), "months"}};
    struct gr_buf b = GR_BUF_INIT(100);
    size_t n = 0;
    bool ok = false;

    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    for (size_t i = 0; i < GR_COUNT(units); i++)
        if (gr_str_starts(gr_str_sub(text, n + 1, text.n), units[i].word)) {
            gr_buf_put(&b, gr_str_sub(text, 0, n));
            gr_buf_printf(&b, " %s", units[i].unit);
            ok = gr_duration_parse(gr_buf_str(&b), ms) == GR_OK;
        }
    gr_buf_fini(&b);
    return ok;
}

const struct guardrail *
audit_guardrail(const struct audit *a, const char *name)
{
    for (size_t i = 0; i < a->m->n_guardrails; i++)
        if (gr_str_is(a->m->guardrails[i].name, name))
            return &a->m->guardrails[i];
    return NULL;
}

bool
does(const struct guardrail *g, enum level level, const char *action)
{
    for (size_t i = 0; i < g->on[level].n; i++)
        if (gr_str_is(g->on[level].v[i], action))
            return true;
    return false;
}

const struct action *
does_kind(const struct audit *a, const struct guardrail *g, enum level level, enum action_kind kind)
{
    for (size_t i = 0; i < g->on[level].n; i++) {
        const struct action *action = model_action(a->m, g->on[level].v[i]);

        if (action && action->kind == kind)
            return action;
    }
    return NULL;
}

static void
want_time(struct audit *a, struct gr_str text, int64_t have, const char *what)
{
    int64_t ms;

    if (!take_time(text, &ms) || ms != have)
        complain(a, "%s: %lld ms, not " GR_FMT, what, (long long)have, GR_ARG(gr_str_sub(text, 0, 20)));
}

static void
want_text(struct audit *a, struct gr_str have, struct gr_str want, const char *what)
{
    if (want.n == 0 || !gr_str_eq(have, want))
        complain(a, "%s: \"" GR_FMT "\", not \"" GR_FMT "\"", what, GR_ARG(have), GR_ARG(want));
}

static struct gr_str
setting(const struct action *action, const char *key)
{
    for (size_t i = 0; action && i < action->settings.n; i++)
        if (gr_str_is(action->settings.v[i].key, key))
            return action->settings.v[i].value;
    return GR_STR_NONE;
}

/* ---- data quality ---- */

static const struct bound *
only_bound(struct audit *a, const char *name)
{
    const struct guardrail *g = audit_guardrail(a, name);

    if (g && g->stream_scope && g->limit.against == AGAINST_FIXED && g->limit.n_bounds == 1 &&
        g->limit.bounds[0].level == LEVEL_HARD && g->limit.bounds[0].side == SIDE_UPPER)
        return &g->limit.bounds[0];
    complain(a, "%s: not one hard upper limit per release stream", name);
    return NULL;
}

/* "any breaking change … aborts deployment pre-flight" */
static void
audit_schemas(struct audit *a, struct gr_str line)
{
    const struct guardrail *g = audit_guardrail(a, "schema_breaking_changes");
    const struct bound *b = only_bound(a, "schema_breaking_changes");

    (void)text_after(a, line, "Any breaking change");
    (void)text_after(a, line, "aborts deployment pre-flight");
    if (!b || b->literal.mant != 0 || b->inclusive || g->phases != 1 || !a->m->phases[0].shadow ||
        !does(g, LEVEL_HARD, "abort"))
        complain(a, "a breaking change does not abort before traffic");
}

/* "`data.refdata.age_minutes` must remain below 5 minutes; breach triggers rollback." */
static void
audit_refdata(struct audit *a, struct gr_str line)
{
    const struct guardrail *g = audit_guardrail(a, "reference_data_age");
    const struct bound *b = only_bound(a, "reference_data_age");
    struct gr_str code, value = text_after(a, line, "must remain below "), rest = line;
    struct gr_dec v;

    if (!b || !next_code(&rest, &code) || !take_number(&value, &v))
        return;
    want_text(a, g->source, code, "reference data's source");
    if (!gr_str_starts(value, GR_STR(" minutes;")) || !gr_str_is(gr_str(g->metric.unit->name), "minutes") ||
        gr_dec_cmp(b->literal, v) != 0 || !b->inclusive) /* "below 5" is broken at 5 */
        complain(a, "the age of reference data is limited otherwise");
    (void)text_after(a, line, "breach triggers rollback");
    if (!does_kind(a, g, LEVEL_HARD, ACTION_ROLLBACK))
        complain(a, "old reference data does not roll back");
}

/* "drift score > 0.35 halts promotion" */
static void
audit_drift(struct audit *a, struct gr_str line)
{
    const struct guardrail *g = audit_guardrail(a, "model_drift");
    const struct bound *b = only_bound(a, "model_drift");
    struct gr_str code, value = text_after(a, line, "drift score > "), rest = line;
    struct gr_dec v;

    if (!b || !next_code(&rest, &code) || !take_number(&value, &v))
        return;
    want_text(a, g->source, code, "model drift's source");
    if (gr_dec_cmp(b->literal, v) != 0 || b->inclusive)
        complain(a, "drift is limited otherwise");
    (void)text_after(a, value, "halts promotion");
    if (!does(g, LEVEL_HARD, "halt") || does_kind(a, g, LEVEL_HARD, ACTION_ROLLBACK))
        complain(a, "drift does not halt the promotion, or does more");
}

static void
audit_data_quality(struct audit *a)
{
    struct gr_str rest = text_after(a, a->page, "### Data Quality and Risk Controls\n"), line;
    size_t items = 0, guardrails = 0;

    while (gr_str_next(&rest, '\n', &line) && !gr_str_starts(line, GR_STR("#")))
        items += gr_str_starts(line, GR_STR("- **"));
    for (size_t i = 0; i < a->m->n_guardrails; i++)
        guardrails += gr_str_is(a->m->guardrails[i].group, "data_quality");
    if (items != guardrails)
        complain(a, "%zu controls of data quality, not %zu", guardrails, items);
    audit_schemas(a, page_line(a, "**Schema Guardrails:**"));
    audit_refdata(a, page_line(a, "**Reference Data Freshness:**"));
    audit_drift(a, page_line(a, "**Model Drift:**"));
}

/* ---- rollback ---- */

static const struct step *
step_named(struct audit *a, const struct action *rollback, const char *name)
{
    for (size_t i = 0; i < rollback->n_steps; i++)
        if (gr_str_is(rollback->steps[i].program.name, name))
            return &rollback->steps[i];
    complain(a, "the rollback has no step %s", name);
    return NULL;
}

/* "kustomize build deploy/overlays/prod | kubectl apply -f -" against argument vectors. */
static void
audit_pipeline(struct audit *a, const struct step *step, struct gr_str command)
{
    size_t member = 0, arg = 0;
    struct gr_str word;

    while (gr_str_next(&command, ' ', &word)) {
        if (gr_str_is(word, "|")) {
            member++;
            arg = 0;
            continue;
        }
        if (member >= step->program.n_argv || arg >= step->program.argv[member].n ||
            !gr_str_eq(step->program.argv[member].v[arg], word))
            complain(a, "redeploy: \"" GR_FMT "\" is not where it should be", GR_ARG(word));
        arg++;
    }
    if (member + 1 != step->program.n_argv)
        complain(a, "redeploy: %zu programs", step->program.n_argv);
}

static void
audit_rollback(struct audit *a)
{
    const struct guardrail *g = audit_guardrail(a, "order_acceptance_error_rate");
    const struct action *rollback = g ? does_kind(a, g, LEVEL_HARD, ACTION_ROLLBACK) : NULL;
    struct gr_str drain = page_line(a, "Drain existing sessions"),
                  redeploy = page_line(a, "Redeploy baseline revision");
    struct gr_str command;
    const struct step *step;

    if (!rollback) {
        complain(a, "there is no rollback");
        return;
    }
    (void)page_line(a, "Freeze new order intake");
    (void)step_named(a, rollback, "freeze");
    if ((step = step_named(a, rollback, "drain")))
        want_time(a, text_after(a, drain, "timeout "), step->program.timeout_ms, "drain");
    step = step_named(a, rollback, "redeploy");
    if (step && next_code(&redeploy, &command))
        audit_pipeline(a, step, command);
}

/* ---- routes ---- */

static void
audit_routes(struct audit *a)
{
    const struct guardrail *g = audit_guardrail(a, "order_acceptance_error_rate");
    struct gr_str soft = page_line(a, "Soft threshold alerts route"),
                  page = page_line(a, "Critical guardrails use");
    struct gr_str ticket = page_line(a, "Warning-level guardrails"), code, rest;
    const struct action *slack = g ? does_kind(a, g, LEVEL_SOFT, ACTION_SLACK) : NULL;
    const struct action *pager = g ? does_kind(a, g, LEVEL_HARD, ACTION_PAGERDUTY) : NULL;

    if (!slack || !pager || !does_kind(a, g, LEVEL_SOFT, ACTION_JIRA)) {
        complain(a, "not all of Slack, PagerDuty and Jira are told");
        return;
    }
    if (next_code(&soft, &code))
        want_text(a, setting(slack, "channel"), code, "Slack's channel");
    rest = page;
    if (next_code(&rest, &code))
        want_text(a, setting(pager, "service"), code, "PagerDuty's service");
    want_time(a, text_after(a, page, "with a "), pager->escalate_after_ms, "escalation");
    if (!model_action(a->m, pager->escalate_to))
        complain(a, "the page escalates to nobody");
    (void)text_after(a, ticket, "Slack and create Jira ticket");
}

/* ---- observability and records ---- */

static void
audit_observability(struct audit *a)
{
    struct gr_str boards = page_line(a, "**Dashboards:**"), tracing = page_line(a, "**Tracing:**");
    struct gr_str logs = page_line(a, "**Log Enrichment:**"), code, value = text_after(a, tracing, "Enable ");
    struct gr_dec percent;
    size_t fields = 0;

    if (next_code(&boards, &code))
        want_text(a, a->m->dashboards_folder, code, "Grafana's folder");
    if (!take_number(&value, &percent) || gr_dec_mul(percent, GR_DEC(1, -2), &percent) != GR_OK ||
        !gr_str_starts(value, GR_STR("% sampling")) ||
        gr_dec_cmp(percent, a->m->tracing.canary_sampling) != 0)
        complain(a, "canary traces are sampled otherwise");
    want_time(a, text_after(a, tracing, "Retain spans for "), a->m->tracing.retention_ms, "spans");
    for (; next_code(&logs, &code); fields++)
        want_text(a, fields < a->m->log_fields.n ? a->m->log_fields.v[fields] : GR_STR_NONE, code,
                  "log field");
    if (fields == 0 || fields != a->m->log_fields.n)
        complain(a, "%zu log fields, not %zu", a->m->log_fields.n, fields);
    (void)text_after(a, a->page, "per-order logging");
    want_text(a, a->m->per_order_logs, GR_STR("canary"), "per-order logs");
}

/* "Distributed to trading ops, risk, and product leads." */
static void
audit_recipients(struct audit *a, struct gr_str text, const struct strs *to)
{
    for (size_t i = 0; i < to->n; i++) {
        char words[100];
        size_t n = 0;

        for (; n < to->v[i].n && n < sizeof words; n++)
            words[n] = to->v[i].p[n] == '-' ? ' ' : to->v[i].p[n];
        if (gr_str_find(text, (struct gr_str){words, n}, 0) == SIZE_MAX)
            complain(a, "the report goes to " GR_FMT, GR_ARG(to->v[i]));
    }
}

static size_t
count_commas(struct gr_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == ',';
    return n;
}

static void
audit_records(struct audit *a)
{
    struct gr_str daily = text_after(a, page_line(a, "**Daily Canary Report:**"), "Distributed to ");
    struct gr_str archive = page_line(a, "**Regulatory Archive:**"), code;
    struct gr_str review =
        text_after(a, page_line(a, "Guardrail thresholds are reviewed"), "sign-off recorded in ");

    want_time(a, text_after(a, page_line(a, "Decision logs are immutable"), "at least "),
              a->m->retention.decisions_ms, "decision logs");
    want_time(a, text_after(a, archive, "within "), a->m->retention.archive_within_ms, "archive");
    if (next_code(&archive, &code))
        want_text(a, a->m->retention.vault, code, "vault");
    if (next_code(&review, &code))
        want_text(a, a->m->change_log, code, "change log");
    audit_recipients(a, daily, &a->m->daily_report_to);
    if (a->m->daily_report_to.n != count_commas(daily) + 1 || a->m->monthly_report_to.n == 0)
        complain(a, "the reports go to others");
    (void)page_line(a, "**Monthly Safety Review:**");
}

void
audit_prose(struct audit *a)
{
    want_time(a, text_after(a, a->page, "over the phase duration with "), a->m->sampling_ms, "sampling");
    audit_data_quality(a);
    audit_rollback(a);
    audit_routes(a);
    audit_observability(a);
    audit_records(a);
}
