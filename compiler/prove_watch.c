/* prove_watch.c - see prove_watch.h. */
#include "config.h"
#include "prove_watch.h"

#include <math.h>
#include <stdio.h>
#include "guardrail/duration.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"

#define STEP_MS 30000 /* of the group, and between samples; not yet divided by time_scale */
#define FOR 1000      /* steps after which a missing verdict fires are that and the rest */
#define SERIES 4u
#define ASKED 5u

/* Texts are templates: $L is the specification and the stream's labels, $O the same of another specification, $W a phase that some guardrail
 * watches, $V another such or the same, $U one that none does, $D a dynamic label with a value. Times are in steps of 30 s. */
static const struct row {
    const char *name;
    char
        needs; /* U or D, if the row makes no sense without; V: two watched phases; S: a short sampling interval */
    const char *series[SERIES];
    struct {
        int step;
        const char *alert, *labels; /* NULL: none */
        double value;
    } asked[ASKED];
} rows[] = {
/* -- the phase is not known any more: for an hour after five minutes */
#define START "guardrail:phase_start{$L,deployment_id=\"d1\",phase=\"$W\"} "
#define PHASE GR_SERIES_PHASE "{$L,deployment_id=\"d1\",phase=\"$W\",instance=\"a\"} "
#define VERDICT "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\",slice=\"1\"} "
#define KNOWN GR_ALERT_PHASE_UNKNOWN, "$L"
    {"phase-known",
     0,
     {START "0x140", PHASE "1x140", VERDICT "0x140"},
     {{20, NULL, NULL, 0}, {131, NULL, NULL, 0}}},
    {"phase-gone",
     0,
     {START "3x5 9 7x3", "guardrail:phase_start{$L,deployment_id=\"d0\",phase=\"$W\"} 1x9", PHASE "1x10",
      VERDICT "0x140"},
     {{19, NULL, NULL, 0}, {21, KNOWN, 9}, {23, KNOWN, 9}, {127, KNOWN, 7}, {131, NULL, NULL, 0}}},
    {"phase-0-gone", 0, {START "3x9", PHASE "0x10"}, {{19, NULL, NULL, 0}, {21, KNOWN, 3}}},
    {"phase-of-another-spec",
     0,
     {START "3x9", GR_SERIES_PHASE "{$O,deployment_id=\"d1\",phase=\"$U\",instance=\"a\"} 1x140"},
     {{21, KNOWN, 3}}},
    {"start-of-another-spec",
     0,
     {"guardrail:phase_start{$O,deployment_id=\"d1\",phase=\"$W\"} 3x9"},
     {{21, NULL, NULL, 0}}},
/* -- a hard verdict that guardraild does not export as accepted */
#define HARD "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\",slice=\"1\"} 3x140"
#define ALSO "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\",slice=\"2\"} 0x140"
#define UNHANDLED GR_ALERT_UNHANDLED, "$L,deployment_id=\"d1\",guardrail=\"g\""
    {"unaccepted", 0, {HARD, ALSO}, {{1, UNHANDLED, -3}, {2, UNHANDLED, 3}, {20, UNHANDLED, 3}}},
    {"accepted",
     0,
     {HARD,
      GR_SERIES_ACCEPTED "{$L,deployment_id=\"d1\",guardrail=\"g\",level=\"hard\",instance=\"a\"} 1x140"},
     {{20, NULL, NULL, 0}}},
    {"accepted-soft",
     0,
     {HARD, GR_SERIES_ACCEPTED "{$L,deployment_id=\"d1\",guardrail=\"g\",level=\"soft\"} 1x140"},
     {{20, UNHANDLED, 3}}},
    {"not-accepted",
     0,
     {HARD, GR_SERIES_ACCEPTED "{$L,deployment_id=\"d1\",guardrail=\"g\",level=\"hard\"} 0x140"},
     {{20, UNHANDLED, 3}}},
    {"accepted-of-another-release",
     0,
     {HARD, GR_SERIES_ACCEPTED "{$L,deployment_id=\"d0\",guardrail=\"g\",level=\"hard\"} 1x140"},
     {{20, UNHANDLED, 3}}},
    {"accepted-of-another-guardrail",
     0,
     {HARD, GR_SERIES_ACCEPTED "{$L,deployment_id=\"d1\",guardrail=\"h\",level=\"hard\"} 1x140"},
     {{20, UNHANDLED, 3}}},
    {"accepted-of-another-spec",
     0,
     {HARD, GR_SERIES_ACCEPTED "{$O,deployment_id=\"d1\",guardrail=\"g\",level=\"hard\"} 1x140"},
     {{20, UNHANDLED, 3}}},
    {"soft-verdict",
     0,
     {"guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 2x140", ALSO},
     {{20, NULL, NULL, 0}}},
    {"verdict-of-another-spec",
     0,
     {"guardrail:verdict{$O,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 3x140"},
     {{20, NULL, NULL, 0}}},
    {"two-hard",
     0,
     {HARD, "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"h\",slice=\"1\"} 0x140",
      "guardrail:verdict{$L,deployment_id=\"d0\",phase=\"$W\",guardrail=\"g\",slice=\"1\"} 0x140"},
     {{20, UNHANDLED, 3}}},
/* -- no verdict of an expected slice */
#define EXPECTED "guardrail:expected{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 1x140"
#define MISSING GR_ALERT_VERDICT_MISSING, "$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\""
    {"expected-missing", 0, {EXPECTED}, {{FOR - 1, MISSING, -1}, {FOR, MISSING, 1}, {FOR + 12, MISSING, 1}}},
    {"expected-there",
     0,
     {EXPECTED, "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 0x140"},
     {{FOR + 12, NULL, NULL, 0}}},
    {"expected-dynamic",
     'D',
     {EXPECTED, "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\",$D} 0x140"},
     {{FOR + 12, NULL, NULL, 0}}},
    {"expected-and-other-verdicts",
     0,
     {EXPECTED, "guardrail:verdict{$L,deployment_id=\"d1\",phase=\"$W\",guardrail=\"h\"} 0x140",
      "guardrail:verdict{$O,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 0x140"},
     {{FOR + 12, MISSING, 1}}},
    {"expected-of-another-spec",
     0,
     {"guardrail:expected{$O,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 1x140"},
     {{FOR + 12, NULL, NULL, 0}}},
/* -- no verdict at all in a phase that is watched */
#define SILENT GR_ALERT_VERDICT_MISSING, "$L,deployment_id=\"d1\",phase=\"$W\""
    {"no-verdict",
     0,
     {PHASE "1x140", GR_SERIES_PHASE "{$L,deployment_id=\"d1\",phase=\"$W\",instance=\"b\"} 1x140"},
     {{FOR - 1, SILENT, -1}, {FOR, SILENT, 1}, {FOR + 12, SILENT, 1}}},
    {"any-verdict",
     0,
     {PHASE "1x140", "guardrail:verdict{$L,deployment_id=\"d0\",phase=\"$W\",guardrail=\"g\"} 0x140"},
     {{FOR + 12, NULL, NULL, 0}}},
    {"verdict-elsewhere",
     0,
     {PHASE "1x140", "guardrail:verdict{$O,deployment_id=\"d1\",phase=\"$W\",guardrail=\"g\"} 0x140"},
     {{FOR + 12, SILENT, 1}}},
    {"phase-closed", 0, {PHASE "0x140"}, {{FOR + 12, NULL, NULL, 0}}},
    {"phase-opened",
     0,
     {PHASE "0x9 1x130"},
     {{12, SILENT, -1}, {FOR + 9, SILENT, -1}, {FOR + 10, SILENT, 1}}},
    {"phase-unwatched",
     'U',
     {GR_SERIES_PHASE "{$L,deployment_id=\"d1\",phase=\"$U\"} 1x140"},
     {{FOR + 12, NULL, NULL, 0}}},
    {"rests",
     'U',
     {PHASE "1x140", "guardrail:open{$L,deployment_id=\"d0\",phase=\"$U\"} 1x140"},
     {{FOR + 12, NULL, NULL, 0}}},
    {"rests-elsewhere",
     'U',
     {PHASE "1x140", "guardrail:open{$O,deployment_id=\"d1\",phase=\"$U\"} 1x140"},
     {{FOR + 12, SILENT, 1}}},
    {"open-in-it",
     0,
     {PHASE "1x140", "guardrail:open{$L,deployment_id=\"d1\",phase=\"$W\"} 1x140"},
     {{FOR + 12, SILENT, 1}}},
    {"open-in-another",
     'V',
     {PHASE "1x140", "guardrail:open{$L,deployment_id=\"d1\",phase=\"$V\"} 1x140"},
     {{FOR + 12, SILENT, 1}}},
    {"no-verdict-of-another-spec",
     0,
     {GR_SERIES_PHASE "{$O,deployment_id=\"d1\",phase=\"$W\"} 1x140"},
     {{FOR + 12, NULL, NULL, 0}}},
    {"export-ended", 'S', {PHASE "1x30"}, {{39, SILENT, 1}, {41, NULL, NULL, 0}}},
};

/* What guardraild says of itself, each in five situations: well, ill, and ill where guardraild serves another specification, is another job's,
 * another instance. */
static const struct trouble {
    const char *alert, *series, *well, *ill; /* values */
    double value;                            /* that the alert shows; 0 of none: not asked */
    bool waits;                              /* a minute */
    int last, past;                          /* steps: still, and no more; 0: for good */
} troubles[] = {
    {GR_ALERT_STORE_FAILING, GR_SERIES_STORE_LOW, "0x140", "1x140", 1, true, 0, 0},
    {GR_ALERT_STORE_FAILING, GR_SERIES_STORE_UP, "1x140", "0x140", 0, true, 0, 0},
    {GR_ALERT_QUEUE_STUCK, GR_SERIES_QUEUE_AGE, "300x140", "301x140", 301, true, 0, 0},
    {GR_ALERT_DEAD_LETTERS, GR_SERIES_DEAD_LETTERS, "5x140", "0x9 1x130", 0, false, 128, 131},
    {GR_ALERT_BLIND, GR_SERIES_BLIND, "0x140", "1x140", 1, true, 0, 0},
    {GR_ALERT_BREAKER_OPEN, GR_SERIES_BREAKER_OPEN, "0x140", "1x140", 1, false, 0, 0},
    {GR_ALERT_ROLLBACK_FAILED, GR_SERIES_ROLLBACK_FAILED, "0x140", "1x140", 1, false, 0, 0},
};

struct watch {
    struct gr_buf *b;
    const struct model *m;
    struct gr_str key, watched, other, unwatched, dynamic; /* names; empty: there is none */
    int64_t step_ms;
    int late; /* steps before a missing verdict fires */
};

static void
init(struct watch *x, struct gr_buf *b, const struct model *m)
{
    uint32_t phases = 0;

    *x = (struct watch){.b = b, .m = m, .key = m->release_labels.v[0], .step_ms = model_ms(m, STEP_MS)};
    x->late = (int)((2 * model_ms(m, m->sampling_ms) + x->step_ms - 1) / x->step_ms);
    for (size_t i = 0; i < m->n_guardrails; i++) {
        phases |= m->guardrails[i].phases;
        if (m->guardrails[i].dynamic.n > 0 && x->dynamic.n == 0)
            x->dynamic = m->guardrails[i].dynamic.v[0];
    }
    for (size_t p = 0; p < m->n_phases; p++) {
        struct gr_str *to = !(phases >> p & 1u) ? &x->unwatched : x->watched.n == 0 ? &x->watched : &x->other;
        *to = m->phases[p].name;
    }
}

static bool
fits(const struct watch *x, const struct row *r)
{
    return x->watched.n > 0 && x->late < 110 && (r->needs != 'S' || x->late < 39) &&
           (r->needs != 'U' || x->unwatched.n > 0) && (r->needs != 'D' || x->dynamic.n > 0) &&
           (r->needs != 'V' || x->other.n > 0);
}

static void
put_stream(const struct watch *x, struct gr_buf *b, const char *name)
{
    for (size_t i = 0; i < x->m->release_labels.n; i++) {
        gr_buf_puts(b, i ? "," : "");
        gr_buf_put(b, x->m->release_labels.v[i]);
        gr_buf_putc(b, '=');
        gr_quote_promql(b, gr_str_eq(x->m->release_labels.v[i], x->key) ? gr_str(name) : GR_STR("s1"));
    }
}

static void
put_letter(const struct watch *x, struct gr_buf *b, const char *name, char letter)
{
    switch (letter) {
    case 'L':
    case 'O':
        gr_buf_puts(b, "spec=");
        gr_quote_promql(b, letter == 'L' ? x->m->spec : GR_STR("another"));
        gr_buf_putc(b, ',');
        put_stream(x, b, name);
        break;
    case 'D':
        gr_buf_put(b, x->dynamic);
        gr_buf_puts(b, "=\"s1\"");
        break;
    case 'W':
        gr_buf_put(b, x->watched);
        break;
    case 'V':
        gr_buf_put(b, x->other);
        break;
    default:
        gr_buf_put(b, x->unwatched);
        break;
    }
}

/* Up to `end`. */
static void
put_text(const struct watch *x, struct gr_buf *b, const char *name, const char *text, const char *end)
{
    for (; text < end; text++)
        if (*text == '$')
            put_letter(x, b, name, *++text);
        else
            gr_buf_putc(b, *text);
}

static void
put_series(const struct watch *x, const char *name, const char *series)
{
    struct gr_buf s = GR_BUF_INIT(65536);
    const char *values = strstr(series, "} ") + 1;

    put_text(x, &s, name, series, values);
    gr_buf_puts(x->b, "  - series: ");
    gr_quote_json(x->b, gr_buf_str(&s));
    gr_buf_printf(x->b, "\n    values: '%s'\n", values + 1);
    gr_buf_fini(&s);
}

static void
put_question(const struct watch *x, const char *series, const char *matchers, int step)
{
    struct gr_buf e = GR_BUF_INIT(65536);

    gr_buf_printf(&e, "%s{%s}", series, matchers);
    gr_buf_puts(x->b, "  - expr: ");
    gr_quote_json(x->b, gr_buf_str(&e));
    gr_buf_puts(x->b, "\n    eval_time: ");
    gr_duration_print(x->b, (int64_t)(step < FOR - 1 ? step : step - FOR + x->late) * x->step_ms);
    gr_buf_puts(x->b, "\n    exp_samples:");
    gr_buf_fini(&e);
}

/* An alert at a step, and what it shows. labels: complete but for the name; value: negative while it is pending. NULL: no alert. */
static void
put_asked(const struct watch *x, const char *const matchers[2], int step, const char *alert,
          const char *labels, double value)
{
    for (unsigned shown = 0; shown < 2; shown++) {
        struct gr_buf l = GR_BUF_INIT(65536);

        put_question(x, shown ? "guardrail:alert" : "ALERTS", matchers[shown], step);
        if (alert && shown)
            gr_buf_printf(&l, "guardrail:alert{alert=\"%s\",%s}", alert, labels);
        else if (alert)
            gr_buf_printf(&l, "ALERTS{alertname=\"%s\",alertstate=\"%s\",%s}", alert,
                          value < 0 ? "pending" : "firing", labels);
        gr_buf_puts(x->b, alert ? "\n    - {labels: " : " []\n");
        if (alert) {
            gr_quote_json(x->b, gr_buf_str(&l));
            gr_buf_printf(x->b, ", value: %d}\n", shown ? (int)(value < 0 ? -value : value) : 1);
        }
        gr_buf_fini(&l);
    }
}

static void
put_row(const struct watch *x, const struct row *r)
{
    struct gr_buf stream = GR_BUF_INIT(65536), labels = GR_BUF_INIT(65536);

    put_stream(x, &stream, r->name);
    for (size_t i = 0; i < ASKED && r->asked[i].step > 0; i++) {
        const char *text = r->asked[i].labels ? r->asked[i].labels : "";

        gr_buf_reset(&labels);
        put_text(x, &labels, r->name, text, text + strlen(text));
        put_asked(x, (const char *const[]){gr_buf_cstr(&stream), gr_buf_cstr(&stream)}, r->asked[i].step,
                  r->asked[i].alert, gr_buf_cstr(&labels), r->asked[i].value);
    }
    gr_buf_fini(&stream);
    gr_buf_fini(&labels);
}

/* What is of no stream: the watchdog, and guardraild itself, which is there up to step 60 and is looked for five minutes back. */
static void
put_daemon(const struct watch *x)
{
    static const struct {
        int step;
        double value;
    } down[] = {{20, 0}, {69, 0}, {72, -1}, {75, 1}};
    static const char *const dog[] = {"alertname=\"" GR_ALERT_WATCHDOG "\"",
                                      "alert=\"" GR_ALERT_WATCHDOG "\""},
                             *const daemon[] = {"alertname=\"" GR_ALERT_DAEMON_DOWN "\"",
                                                "alert=\"" GR_ALERT_DAEMON_DOWN "\""};
    struct gr_buf spec = GR_BUF_INIT(4096);

    gr_buf_puts(&spec, "spec=");
    gr_quote_promql(&spec, x->m->spec);
    put_asked(x, dog, 0, GR_ALERT_WATCHDOG, gr_buf_cstr(&spec), 1);
    put_asked(x, dog, 20, GR_ALERT_WATCHDOG, gr_buf_cstr(&spec), 1);
    for (size_t i = 0; i < (x->step_ms == STEP_MS ? GR_COUNT(down) : 1); i++)
        put_asked(x, daemon, down[i].step, fabs(down[i].value) > 0 ? GR_ALERT_DAEMON_DOWN : NULL,
                  gr_buf_cstr(&spec), down[i].value);
    gr_buf_fini(&spec);
}

/* -- what guardraild says of itself */

enum situation { WELL, ILL, ANOTHER_SPEC, ANOTHER_JOB, ANOTHER_INSTANCE, SITUATIONS };

static void
put_one(const struct watch *x, const char *series, struct gr_str spec, const char *job, const char *instance,
        const char *values)
{
    struct gr_buf s = GR_BUF_INIT(65536);

    gr_buf_puts(&s, series);
    gr_buf_putc(&s, '{');
    if (spec.n > 0) {
        gr_buf_puts(&s, "spec=");
        gr_quote_promql(&s, spec);
        gr_buf_putc(&s, ',');
    }
    gr_buf_printf(&s, "job=\"%s\",instance=\"%s\"}", job, instance);
    gr_buf_puts(x->b, "  - series: ");
    gr_quote_json(x->b, gr_buf_str(&s));
    gr_buf_printf(x->b, "\n    values: '%s'\n", values);
    gr_buf_fini(&s);
}

static void
name_trouble(char *name, size_t size, size_t i, enum situation what)
{
    (void)snprintf(name, size, "trouble-%zu-%u", i, (unsigned)what);
}

static void
put_trouble_series(const struct watch *x, size_t i, enum situation what)
{
    const struct trouble *t = &troubles[i];
    char name[40], other[60];

    name_trouble(name, sizeof name, i, what);
    (void)snprintf(other, sizeof other, "%s-other", name);
    put_one(x, t->series, GR_STR_NONE, "j", name, what == WELL ? t->well : t->ill);
    put_one(x, GR_SERIES_POLICY, what == ANOTHER_SPEC ? GR_STR("another") : x->m->spec,
            what == ANOTHER_JOB ? "k" : "j", what == ANOTHER_INSTANCE ? other : name, "1x140");
}

static void
ask_trouble(const struct watch *x, size_t i, enum situation what, int step, bool there)
{
    const struct trouble *t = &troubles[i];
    bool pending = t->waits && step < 2;
    char name[40];

    name_trouble(name, sizeof name, i, what);
    for (unsigned shown = 0; shown < (fabs(t->value) > 0 || !there ? 2 : 1); shown++) {
        struct gr_buf l = GR_BUF_INIT(65536), m = GR_BUF_INIT(4096);

        gr_buf_printf(&m, "instance=\"%s\"", name);
        put_question(x, shown ? "guardrail:alert" : "ALERTS", gr_buf_cstr(&m), step);
        gr_buf_puts(x->b, there ? "\n    - {labels: " : " []\n");
        if (there) {
            gr_buf_printf(&l, "%s{%s=\"%s\",", shown ? "guardrail:alert" : "ALERTS",
                          shown ? "alert" : "alertname", t->alert);
            if (!shown)
                gr_buf_printf(&l, "alertstate=\"%s\",", pending ? "pending" : "firing");
            gr_buf_puts(&l, "spec=");
            gr_quote_promql(&l, x->m->spec);
            gr_buf_printf(&l, ",job=\"j\",instance=\"%s\"}", name);
            gr_quote_json(x->b, gr_buf_str(&l));
            gr_buf_printf(x->b, ", value: %d}\n", shown ? (int)t->value : 1);
        }
        gr_buf_fini(&l);
        gr_buf_fini(&m);
    }
}

static void
put_troubles(const struct watch *x)
{
    gr_buf_puts(x->b, "- name: guardraild\n  interval: ");
    gr_duration_print(x->b, x->step_ms);
    gr_buf_puts(x->b, "\n  input_series:\n");
    for (size_t i = 0; i < GR_COUNT(troubles); i++)
        for (unsigned k = 0; k < SITUATIONS; k++)
            put_trouble_series(x, i, (enum situation)k);
    gr_buf_puts(x->b, "  promql_expr_test:\n");
    for (size_t i = 0; i < GR_COUNT(troubles); i++)
        for (unsigned k = 0; k < SITUATIONS; k++) {
            if (k == ILL && troubles[i].waits)
                ask_trouble(x, i, ILL, 1, true);
            if (k == ILL && troubles[i].waits)
                ask_trouble(x, i, ILL, 2, true);
            ask_trouble(x, i, (enum situation)k, 20, k == ILL);
            if (k == ILL && troubles[i].past > 0) {
                ask_trouble(x, i, ILL, troubles[i].last, true);
                ask_trouble(x, i, ILL, troubles[i].past, false);
            }
        }
}

size_t
prove_watch_cases(const struct model *m)
{
    struct watch x;
    size_t n = 2 + GR_COUNT(troubles) * SITUATIONS; /* the watchdog, guardraild, and what that says */

    init(&x, NULL, m);
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        n += fits(&x, &rows[i]);
    return n;
}

void
prove_watch_put(struct gr_buf *b, const struct model *m, const char *rules)
{
    struct watch x;

    init(&x, b, m);
    gr_buf_puts(b, "rule_files: [");
    gr_quote_json(b, gr_str(rules));
    gr_buf_puts(b, "]\nevaluation_interval: ");
    gr_duration_print(b, x.step_ms);
    gr_buf_puts(b, "\ntests:\n- name: watch\n  interval: ");
    gr_duration_print(b, x.step_ms);
    gr_buf_puts(b, "\n  input_series:\n");
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        for (size_t k = 0; k < SERIES && fits(&x, &rows[i]) && rows[i].series[k]; k++)
            put_series(&x, rows[i].name, rows[i].series[k]);
    put_series(&x, "", GR_SERIES_POLICY "{$L} 1x60");
    put_series(&x, "", GR_SERIES_POLICY "{$O} 1x140");
    gr_buf_puts(b, "  promql_expr_test:\n");
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        if (fits(&x, &rows[i]))
            put_row(&x, &rows[i]);
    put_daemon(&x);
    put_troubles(&x);
}
