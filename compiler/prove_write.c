/* prove_write.c - a suite as a test file of promtool.
 *
 *     rule_files: [order_acceptance_error_rate.rules.yml]
 *     evaluation_interval: 2m
 *     tests:
 *     - name: "main"
 *       interval: 30s
 *       input_series:
 *       - series: "execution_order_accept_requests_total{cluster=\"hard-upper-at\",…}"
 *         values: '0+1000000x60'
 *       promql_expr_test:
 *       - expr: "{__name__=~\"guardrail:(…|verdict|…)\",cluster=\"hard-upper-at\"}"
 *         eval_time: 22m
 *         exp_samples: [{labels: "guardrail:verdict{…}", value: 2}]
 *
 * Three questions per stream and time, each answered in full, so that a series too many fails as well as one too few: what is exact (limits,
 * verdicts …); what was computed, rounded to 0.0001, because promtool compares bit by bit and logarithms differ in the last bit between C
 * and Go; and the alerts. */
#include "config.h"
#include "prove_write.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/policy.h"
#include "guardrail/quote.h"

#define EXACT "phase_start|gate|overdue|expected|limit|breach|supported|verdict|insufficient"
#define ROUNDED                                                                                              \
    "slot:sum|slot:good|slot:value|slot:delta|slot:over|window:value|coverage:cohort|coverage|enough|"       \
    "effect|evidence|"                                                                                       \
    "alert"
#define FOLLOWS "|test:total|test:bad" /* of streams whose rules are given nothing */

/* What another specification's series show. */
#define OTHER_SPEC "another"
#define OTHER_VALUE 777.0

bool
prove_present(double v)
{
    return isnan(v) || isinf(v) || v > PROVE_NONE; /* -Inf is a sample */
}

void
prove_put_pair(struct gr_buf *b, struct gr_str key, struct gr_str value)
{
    if (value.n == 0)
        return;
    if (b->n > 0 && b->p[b->n - 1] != '{')
        gr_buf_putc(b, ',');
    gr_buf_put(b, key);
    gr_buf_putc(b, '=');
    gr_quote_promql(b, value);
}

void
prove_put_pairs(struct gr_buf *b, struct pairs p)
{
    for (size_t i = 0; i < p.n; i++)
        prove_put_pair(b, p.v[i].key, p.v[i].value);
}

struct gr_buf
prove_begin(const struct prove_writer *x, const char *name, const struct prove_cell *c,
            const struct prove_export *e)
{
    struct gr_buf l = GR_BUF_INIT(65536);

    gr_buf_puts(&l, name);
    gr_buf_putc(&l, '{');
    prove_put_pair(&l, GR_STR("spec"), x->spec ? gr_str(x->spec) : x->w->m->spec);
    prove_put_pairs(&l, x->s->release);
    prove_put_pair(&l, GR_STR("deployment_id"), gr_str(e->deployment));
    prove_put_pair(&l, GR_STR("phase"), x->w->m->phases[e->phase].name);
    if (c) {
        prove_put_pairs(&l, c->labels);
        prove_put_pair(&l, GR_STR("guardrail"), x->w->g->name);
    }
    return l;
}

/* A sample that was begun. */
static void
end(struct prove_writer *x, struct gr_buf *l, double v)
{
    gr_buf_putc(l, '}');
    if (x->twins) {
        prove_put_series_head(x->b, gr_buf_str(l));
        for (size_t i = 0; i < x->w->scrapes;
             i++) /* never at the moment of an evaluation, so that what a rule records would be seen */
            gr_buf_puts(x->b, (int64_t)i * x->w->m->scrape_ms % x->w->step_ms == 0 ? "_ " : "777 ");
        gr_buf_puts(x->b, "'\n");
        gr_buf_fini(l);
        return;
    }
    v = x->spec || x->stranger ? OTHER_VALUE : v;
    gr_buf_puts(x->b, x->samples++ == 0 ? "\n" : "");
    gr_buf_puts(x->b, "    - {labels: ");
    gr_quote_json(x->b, gr_buf_str(l));
    gr_buf_puts(x->b, ", value: ");
    if (isinf(v))
        gr_buf_puts(x->b, v > 0 ? ".inf" : "-.inf");
    else
        prove_put_number(x->b, v);
    gr_buf_puts(x->b, "}\n");
    gr_buf_fini(l);
}

static void
put_matchers(struct gr_buf *b, const struct prove_stream *s)
{
    for (size_t i = 0; i < s->release.n; i++) {
        gr_buf_putc(b, ',');
        gr_buf_put(b, s->release.v[i].key);
        gr_buf_putc(b, '=');
        gr_quote_promql(b, s->release.v[i].value);
    }
}

/* A question up to its answer. */
static void
put_question(struct gr_buf *b, struct gr_str expr, int64_t at_ms)
{
    gr_buf_puts(b, "  - expr: ");
    gr_quote_json(b, expr);
    gr_buf_puts(b, "\n    eval_time: ");
    gr_duration_print(b, at_ms);
    gr_buf_puts(b, "\n    exp_samples:");
}

static void
put_question_of_none(struct gr_buf *b, struct gr_str expr, int64_t at_ms)
{
    put_question(b, expr, at_ms);
    gr_buf_puts(b, " []\n");
}

static int64_t
now_ms(const struct prove_writer *x)
{
    return (int64_t)x->k * x->w->step_ms;
}

static void
ask(struct prove_writer *x, const char *before, const char *which, const char *after)
{
    struct gr_buf e = GR_BUF_INIT(65536);

    gr_buf_puts(&e, before);
    gr_buf_puts(&e, which);
    put_matchers(&e, x->s);
    gr_buf_putc(&e, '}');
    gr_buf_puts(&e, after);
    put_question(x->b, gr_buf_str(&e), now_ms(x));
    gr_buf_fini(&e);
    x->samples = 0;
}

static void
answered(struct prove_writer *x)
{
    if (x->samples == 0)
        gr_buf_puts(x->b, " []\n");
}

/* -- exact ------------------------------------------------------------------------------------------------------------------- */

static void
put_bound(struct prove_writer *x, const char *name, const struct prove_cell *c, const struct bound *b,
          double v)
{
    struct gr_buf l;

    if (!prove_present(v))
        return;
    l = prove_begin(x, name, c, prove_active(x->s, x->k));
    prove_put_pair(&l, GR_STR("level"), gr_str(level_name(b->level)));
    prove_put_pair(&l, GR_STR("side"), gr_str(side_name(b->side)));
    end(x, &l, v);
}

static void
put_plain(struct prove_writer *x, const char *name, const struct prove_cell *c, double v)
{
    struct gr_buf l;

    if (!prove_present(v))
        return;
    l = prove_begin(x, name, c, prove_active(x->s, x->k));
    end(x, &l, v);
}

static void
put_judged(struct prove_writer *x, const struct prove_cell *c)
{
    const struct prove_state *st = &c->state[x->k];
    struct gr_buf l;

    if (prove_expects(x->w, x->s, c->expected, x->k) && (x->w->g->dynamic.n == 0 || c->row))
        put_plain(x, "guardrail:expected", c, 1);
    for (size_t i = 0; i < x->w->g->limit.n_bounds; i++) {
        const struct bound *b = &x->w->g->limit.bounds[i];

        put_bound(x, "guardrail:limit", c, b, st->limit[i]);
        put_bound(x, "guardrail:breach", c, b, st->breach[i]);
        put_bound(x, "guardrail:supported", c, b, st->supported[i]);
    }
    put_plain(x, "guardrail:verdict", c, st->verdict < 0 ? PROVE_NONE : st->verdict);
    if (!st->reason)
        return;
    l = prove_begin(x, "guardrail:insufficient", c, prove_active(x->s, x->k));
    prove_put_pair(&l, GR_STR("reason"), gr_str(st->reason));
    end(x, &l, 1);
}

static void
put_exact_samples(struct prove_writer *x)
{
    const struct prove_export *e = prove_active(x->s, x->k);

    if (!e)
        return;
    put_plain(x, "guardrail:phase_start", NULL, e->start_s);
    put_plain(x, "guardrail:gate", NULL, prove_gate(x->w, x->s, x->k) ? 1 : PROVE_NONE);
    put_plain(x, "guardrail:overdue", NULL,
              prove_overdue(x->w, x->s, x->k) ? prove_time_s(x->w, x->k) - e->start_s : PROVE_NONE);
    for (size_t i = 0; i < x->s->n_cells; i++)
        put_judged(x, &x->s->cells[i]);
}

/* Series that no rule reads but those of a guardrail's own that forget to select their guardrail, or alerts that forget the specification. */
static void
put_strangers(struct prove_writer *x, bool exact)
{
    static const struct pair reason = {{"reason", 6}, {"missing", 7}};
    struct gr_str name = GR_STR(PROVE_STRANGER);
    const struct prove_export *e = prove_active(x->s, x->k);

    for (unsigned i = 0; i < 2 && e; i++) {
        struct gr_buf l;

        x->spec = exact && i == 0 ? OTHER_SPEC : NULL;
        if (!exact && i == 0)
            continue;
        l = prove_begin(x, exact ? "guardrail:insufficient" : x->twins ? "guardrail:effect" : "", NULL, e);
        prove_put_pairs(&l, x->s->cells[0].labels);
        prove_put_pair(&l, GR_STR("guardrail"), i == 0 ? x->w->g->name : name);
        if (exact)
            prove_put_pair(&l, reason.key, reason.value);
        else if (!x->twins)
            prove_put_pair(&l, GR_STR("series"), GR_STR("guardrail:effect"));
        x->stranger = true;
        end(x, &l, OTHER_VALUE);
        x->stranger = false;
    }
    x->spec = NULL;
}

/* A slice that another specification expects. */
static void
put_slice(struct prove_writer *x)
{
    struct gr_buf l = prove_begin(x, "guardrail:slice", NULL, prove_active(x->s, x->k));
    struct pairs own = x->s->cells[0].labels;

    own.n -= x->w->g->dynamic.n;
    prove_put_pairs(&l, own);
    end(x, &l, OTHER_VALUE);
}

/* The phase as another specification sees it. */
static void
put_shared_phase(struct prove_writer *x, bool exact)
{
    static const char *const names[] = {"guardrail:gate", "guardrail:open"};

    for (size_t i = 0; i < (x->twins ? GR_COUNT(names) : 1) && x->s->shared && exact; i++) {
        struct gr_buf l;

        x->spec = OTHER_SPEC;
        l = prove_begin(x, names[i], NULL, &x->s->exports[0]);
        end(x, &l, OTHER_VALUE);
        x->spec = NULL;
    }
}

/* The same once more, of another specification that has recorded series with these labels. */
static void
put_twice(struct prove_writer *x, void (*put)(struct prove_writer *x))
{
    put(x);
    if (!x->s->intruded)
        return;
    x->spec = OTHER_SPEC;
    put(x);
    x->spec = NULL;
    put_strangers(x, put == put_exact_samples);
}

/* Samples that are overdue elsewhere, as they are seen. */
static void
put_elsewhere(struct prove_writer *x)
{
    struct prove_export other[PROVE_ELSEWHERE];

    prove_elsewhere(x, other);
    for (size_t i = 0; i < PROVE_ELSEWHERE; i++) {
        struct gr_buf l = prove_begin(x, "guardrail:overdue", NULL, &other[i]);

        end(x, &l, PROVE_ELSEWHERE_VALUE);
    }
}

/* Whether rules are given what is proved, or slots of a stranger. */
static bool
is_given(const struct prove_stream *s)
{
    for (size_t i = 0; i < s->n_cells; i++)
        if (s->cells[i].strange)
            return true;
    for (size_t i = 0; i < s->n_cells; i++)
        if (s->cells[i].feed && (s->cells[i].feed->proved || fabs(s->cells[i].feed->stranger) > 0))
            return true;
    return false;
}

static bool
is_fed(const struct prove_stream *s)
{
    for (size_t i = 0; i < s->n_cells; i++)
        if (s->cells[i].feed)
            return true;
    return false;
}

static void
put_exact(struct prove_writer *x)
{
    ask(x, "",
        is_given(x->s) ? "{__name__=~\"guardrail:(" EXACT ")\",guardrail!=\"" PROVE_STRANGER "\""
                       : "{__name__=~\"guardrail:(" EXACT ")\"",
        "");
    put_twice(x, put_exact_samples);
    put_shared_phase(x, true);
    if (x->s->n_cells > 0 && x->s->cells[0].feed && x->s->cells[0].feed->overdue_elsewhere)
        put_elsewhere(x);
    answered(x);
}

/* -- rounded ----------------------------------------------------------------------------------------------------------------- */

#define UNIT 0.0001

static double
rounded(double v)
{
    double inverse = 1 / UNIT;

    return floor(v * inverse + 0.5) / inverse;
}

/* key: a further label, or NULL. NaN and minus infinity are left out by the question. */
static void
put_value(struct prove_writer *x, const char *series, const struct prove_cell *c, double v,
          struct gr_str cohort, const char *key, const char *value)
{
    struct gr_buf l;

    if (!prove_present(v) || isnan(v) || (isinf(v) && v < 0))
        return;
    l = prove_begin(x, x->twins ? series : "", c, prove_active(x->s, x->k));
    if (!x->twins)
        prove_put_pair(&l, GR_STR("series"), gr_str(series));
    prove_put_pair(&l, GR_STR("cohort"), cohort);
    if (key)
        prove_put_pair(&l, gr_str(key), gr_str(value));
    if (key && strcmp(key, "le") == 0)
        prove_put_pair(&l, GR_STR("part"), GR_STR("bucket"));
    end(x, &l, rounded(v));
}

static struct gr_str
cohort_name(const struct prove_world *w, size_t h)
{
    return h == PROVE_CANARY ? prove_canary_name(w) : h == PROVE_CONTROL ? w->m->control : GR_STR("early");
}

static void
put_slots(struct prove_writer *x, const struct prove_cell *c, size_t h)
{
    const struct prove_world *w = x->w;
    const char *parts[] = {"total", w->g->metric.kind == METRIC_RATIO_GOOD ? "good" : "bad", "square"};
    struct gr_buf le = GR_BUF_INIT(64);

    put_value(x, "guardrail:slot:good", c, c->good[h][x->k], cohort_name(w, h), NULL, NULL);
    for (size_t p = 0; p < w->n_parts; p++) {
        double v = c->slot[h][p][x->k];

        if (w->g->metric.kind == METRIC_GAUGE || w->g->metric.kind == METRIC_PROMQL) {
            put_value(x, "guardrail:slot:value", c, v, cohort_name(w, h), NULL, NULL);
        } else if (w->g->metric.kind == METRIC_HISTOGRAM) {
            gr_buf_reset(&le);
            gr_double_print(&le, w->edges[p]);
            put_value(x, "guardrail:slot:sum", c, v, cohort_name(w, h), "le", gr_buf_cstr(&le));
        } else {
            put_value(x, "guardrail:slot:sum", c, v, cohort_name(w, h), "part", parts[p]);
        }
    }
    gr_buf_fini(&le);
}

/* The slot beyond a limit carries the labels of what it was made of. */
static void
put_over(struct prove_writer *x, const struct prove_cell *c, size_t h, size_t i)
{
    const struct bound *b = &x->w->g->limit.bounds[i];
    double v = c->over[h][i][x->k];
    struct gr_buf l;

    if (!prove_present(v) || isnan(v))
        return;
    l = prove_begin(x, x->twins ? "guardrail:slot:over" : "", c, prove_active(x->s, x->k));
    if (!x->twins)
        prove_put_pair(&l, GR_STR("series"), GR_STR("guardrail:slot:over"));
    prove_put_pair(&l, GR_STR("cohort"), cohort_name(x->w, h));
    prove_put_pair(&l, GR_STR("level"), gr_str(level_name(b->level)));
    prove_put_pair(&l, GR_STR("side"), gr_str(side_name(b->side)));
    end(x, &l, rounded(v));
}

/* The test is made of effects outside their limits alone. */
static bool
is_outside(const struct prove_world *w, const struct prove_state *st)
{
    for (size_t i = 0; st->effect != PROVE_NONE && i < w->g->limit.n_bounds; i++)
        if (st->breach[i] != PROVE_NONE)
            return true;
    return false;
}

/* What is proved at the level and side of a limit; of a guardrail without a test at none, which the first limit stands for. */
static void
put_proved_value(struct prove_writer *x, const struct prove_cell *c, size_t i)
{
    const struct bound *b = &x->w->g->limit.bounds[i];
    double v = prove_proved(x->w, c, b, x->k);
    bool named = x->w->g->limit.against != AGAINST_FIXED && x->w->g->evidence.kind == EVIDENCE_SEQUENTIAL;
    struct gr_buf l;

    if (!prove_present(v) || isnan(v) || is_given(x->s) || side_is_backstop(b->side) || (!named && i > 0))
        return;
    l = prove_begin(x, x->twins ? "guardrail:proved" : "", c, prove_active(x->s, x->k));
    if (!x->twins)
        prove_put_pair(&l, GR_STR("series"), GR_STR("guardrail:proved"));
    prove_put_pair(&l, GR_STR("level"), gr_str(named ? level_name(b->level) : ""));
    prove_put_pair(&l, GR_STR("side"), gr_str(named ? side_name(b->side) : ""));
    end(x, &l, rounded(v));
}

static void
put_computed(struct prove_writer *x, const struct prove_cell *c)
{
    const struct prove_state *st = &c->state[x->k];
    const struct gr_str none = GR_STR_NONE;

    for (size_t h = 0; h < PROVE_COHORTS; h++) {
        put_slots(x, c, h);
        put_value(x, "guardrail:window:value", c, st->window[h], cohort_name(x->w, h), NULL, NULL);
        put_value(x, "guardrail:coverage:cohort", c, st->covered[h], cohort_name(x->w, h), NULL, NULL);
    }
    for (size_t h = 0; h < PROVE_COHORTS && !c->feed && !is_given(x->s); h++) {
        put_value(x, "guardrail:test:total", c, st->total[h], cohort_name(x->w, h), NULL, NULL);
        put_value(x, "guardrail:test:bad", c, st->bad[h], cohort_name(x->w, h), NULL, NULL);
    }
    for (size_t i = 0; i < x->w->g->limit.n_bounds; i++)
        put_proved_value(x, c, i);
    put_value(x, "guardrail:slot:delta", c, c->delta[x->k], none, NULL, NULL);
    for (size_t i = 0; i < 2 * x->w->g->limit.n_bounds; i++)
        put_over(x, c, i % 2, i / 2);
    put_value(x, "guardrail:coverage", c, st->coverage, none, NULL, NULL);
    put_value(x, "guardrail:enough", c, st->enough, none, NULL, NULL);
    put_value(x, "guardrail:effect", c, st->effect, none, NULL, NULL);
    put_value(x, "guardrail:evidence", c, c->feed || is_outside(x->w, st) ? st->evidence : PROVE_NONE, none,
              NULL, NULL);
}

static void
put_shown(struct prove_writer *x, const struct prove_cell *c, const struct bound *b, const char *alert,
          double v)
{
    struct gr_buf l;

    if (!prove_present(v) || isnan(v))
        return;
    l = prove_begin(x, "", c, prove_active(x->s, x->k));
    prove_put_pair(&l, GR_STR("series"), GR_STR("guardrail:alert"));
    prove_put_pair(&l, GR_STR("alert"), gr_str(alert));
    prove_put_pair(&l, GR_STR("group"), x->w->g->group);
    prove_put_pair(&l, GR_STR("level"), gr_str(b ? level_name(b->level) : "no_data"));
    prove_put_pair(&l, GR_STR("side"), gr_str(b ? side_name(b->side) : ""));
    prove_put_pair(&l, GR_STR("reason"), gr_str(b ? "" : c->state[x->k].reason));
    end(x, &l, rounded(v));
}

/* The value that an alert names: of a limit what is beyond it, and of confirmed slots the newest. */
static void
put_shown_all(struct prove_writer *x, const struct prove_cell *c)
{
    const struct prove_state *st = &c->state[x->k];
    const struct guardrail *g = x->w->g;

    if (x->twins || x->spec)
        return; /* what another specification's alerts show is not recorded */
    for (size_t i = 0; i < g->limit.n_bounds; i++) {
        const struct bound *b = &g->limit.bounds[i];
        double v = st->effect;

        if (!prove_present(st->supported[i]))
            continue;
        if (side_is_backstop(b->side))
            v = prove_present(st->window[PROVE_CANARY]) ? st->window[PROVE_CANARY] : st->window[PROVE_EARLY];
        else if (g->limit.against == AGAINST_FIXED &&
                 (b->level == LEVEL_HARD ? g->evidence.hard_n : g->evidence.soft_n) > 1)
            for (size_t j = x->k + 1; j-- > 0 && !prove_present(v = c->over[PROVE_CANARY][i][j]);)
                continue;
        put_shown(x, c, b, b->level == LEVEL_HARD ? GR_ALERT_HARD : GR_ALERT_SOFT, v);
    }
    if (st->reason && (strcmp(st->reason, "missing") == 0 || strcmp(st->reason, "no_control") == 0))
        put_shown(x, c, NULL, GR_ALERT_NO_DATA, 1);
}

/* Slots of a phase that is over, as they are seen. */
static void
put_over_left(struct prove_writer *x, const struct prove_cell *c, const struct bound *b)
{
    struct gr_buf l = prove_begin_left(x, "", c, b);

    prove_put_pair(&l, GR_STR("series"), GR_STR("guardrail:slot:over"));
    end(x, &l, 1);
    l = prove_begin(x, "", c, &x->s->exports[0]);
    prove_put_pair(&l, GR_STR("series"), GR_STR("guardrail:enough"));
    end(x, &l, 1);
}

static void
put_rounded_samples(struct prove_writer *x)
{
    for (size_t i = 0; i < x->s->n_cells; i++)
        if (x->s->cells[i].feed && x->s->cells[i].feed->left_behind)
            put_over_left(x, &x->s->cells[i], x->s->cells[i].feed->left_behind);
    for (size_t i = 0; i < x->s->n_cells && prove_active(x->s, x->k); i++) {
        if (!x->s->cells[i].row)
            put_computed(x, &x->s->cells[i]);
        put_shown_all(x, &x->s->cells[i]);
    }
}

static void
put_rounded(struct prove_writer *x)
{
    ask(x, "round(label_replace(",
        is_given(x->s) ? "{__name__=~\"guardrail:(" ROUNDED ")\",guardrail!=\"" PROVE_STRANGER "\""
        : is_fed(x->s) ? "{__name__=~\"guardrail:(" ROUNDED "|proved)\""
                       : "{__name__=~\"guardrail:(" ROUNDED FOLLOWS "|proved)\"",
        ", \"series\", \"$1\", \"__name__\", \"(.+)\") > -Inf, 0.0001)");
    put_twice(x, put_rounded_samples);
    answered(x);
}

/* What the rules of another specification have recorded for the intruded streams, as they stand at the moment that is compared. */
static void
put_intruders(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct prove_writer x = {.b = b, .w = w, .s = &w->streams[i], .twins = true, .spec = OTHER_SPEC};

        put_shared_phase(&x, true);
        if (!x.s->intruded)
            continue;
        x.k = x.s->times[0];
        x.spec = OTHER_SPEC;
        put_exact_samples(&x);
        put_rounded_samples(&x);
        put_strangers(&x, true);
        put_strangers(&x, false);
        x.spec = OTHER_SPEC;
        put_slice(&x);
    }
}

/* -- what must not matter ---------------------------------------------------------------------------------------------------- */

/* All that is recorded of a stream, under one name for both. */
static void
put_all(struct gr_buf *e, const struct prove_stream *s)
{
    struct gr_str key = GR_STR_NONE;

    for (size_t i = 0; i < s->release.n; i++)
        if (gr_str_eq(s->release.v[i].value, s->name))
            key = s->release.v[i].key;
    gr_buf_puts(e, "label_replace(label_replace({__name__=~\"guardrail:.+|ALERTS\"");
    put_matchers(e, s);
    gr_buf_puts(e, "}, \"series\", \"$1\", \"__name__\", \"(.+)\"), \"");
    gr_buf_put(e, key);
    gr_buf_puts(e, "\", \"twin\", \"\", \"\")");
}

/* No slot of another specification is remembered as not a number. */
static void
put_spoilt_elsewhere(struct prove_writer *x)
{
    struct gr_buf q = GR_BUF_INIT(65536);

    gr_buf_puts(&q, "guardrail:slot:nan{spec!=");
    gr_quote_promql(&q, x->w->m->spec);
    put_matchers(&q, x->s);
    gr_buf_putc(&q, '}');
    put_question_of_none(x->b, gr_buf_str(&q), now_ms(x));
    gr_buf_fini(&q);
}

static bool
is_finite(const struct prove_world *w, const struct prove_cell *c)
{
    for (size_t i = 0; i < 2 * PROVE_PARTS; i++)
        for (size_t k = 0; k < w->scrapes && c->raw[i % 2][i / 2][0]; k++)
            if (!isfinite(c->raw[i % 2][i / 2][0][k]))
                return false;
    return true;
}

/* Nothing that is recorded may be NaN where no sample is. */
static void
put_numbers(struct prove_writer *x)
{
    struct gr_buf e = GR_BUF_INIT(65536);

    for (size_t i = 0; i < x->s->n_cells; i++)
        if (x->s->cells[i].strange || !is_finite(x->w, &x->s->cells[i]))
            return;
    for (size_t i = 0; i < 2; i++) {
        gr_buf_puts(&e, i ? " != " : "");
        gr_buf_puts(&e, "label_replace({__name__=~\"guardrail:.+\"");
        put_matchers(&e, x->s);
        gr_buf_puts(&e, "}, \"series\", \"$1\", \"__name__\", \"(.+)\")");
    }
    put_question_of_none(x->b, gr_buf_str(&e), now_ms(x));
    gr_buf_fini(&e);
}

/* Whether all that is recorded of a stream is what its own samples make. */
static bool
is_own(const struct prove_stream *s)
{
    return !is_fed(s) && !is_given(s) && !s->intruded && s->n_decoys == 0;
}

/* Nothing is recorded of a release or a phase that is not active, or of another specification, but what is given of it; and no sums of buckets over
 * a window, which quantiles are made of without recording them. */
static void
put_foreign(struct prove_writer *x)
{
    const struct prove_export *e = prove_active(x->s, x->k);
    struct gr_buf q = GR_BUF_INIT(65536);

    for (unsigned i = e ? 0 : 2; i < 5; i++) {
        if (i == 2 && e)
            continue;
        gr_buf_puts(&q, q.n > 0 ? " or " : "");
        gr_buf_printf(&q, "{__name__=~\"guardrail:%s\",spec%s", i == 4 ? "window:sum" : ".+",
                      i == 3 ? "!=" : "=");
        gr_quote_promql(&q, x->w->m->spec);
        if (i < 2) {
            gr_buf_puts(&q, i ? ",phase!=" : ",deployment_id!=");
            gr_quote_promql(&q, i ? x->w->m->phases[e->phase].name : gr_str(e->deployment));
        } else if (i == 3) {
            gr_buf_puts(&q, ",__name__!~\"guardrail:(gate|open)\"");
        } else if (i == 4) {
            gr_buf_puts(&q, ",part=\"bucket\"");
        }
        put_matchers(&q, x->s);
        gr_buf_putc(&q, '}');
    }
    for (unsigned i = 0; i < 2; i++) { /* and no test of an effect that is not outside its limits */
        gr_buf_puts(&q, i ? " unless ignoring (cohort) guardrail:outside{spec="
                          : " or {__name__=~\"guardrail:test:(n|nu|rate|d)\",spec=");
        gr_quote_promql(&q, x->w->m->spec);
        put_matchers(&q, x->s);
        gr_buf_putc(&q, '}');
    }
    put_question_of_none(x->b, gr_buf_str(&q), now_ms(x));
    gr_buf_fini(&q);
}

static void
put_twin(struct prove_writer *x)
{
    const struct prove_stream *twin = &x->w->streams[x->s->twin - 1];
    static const char *const between[] = {" unless ", " or ", " unless ", " or ", " != "};
    struct gr_buf e = GR_BUF_INIT(65536);

    for (size_t i = 0; i < 6; i++) { /* A unless B or B unless A or A != B */
        put_all(&e, i == 0 || i == 3 || i == 4 ? x->s : twin);
        gr_buf_puts(&e, i < 5 ? between[i] : "");
    }
    put_question_of_none(x->b, gr_buf_str(&e), (int64_t)prove_asked_scrape(x->w) * x->w->m->scrape_ms);
    put_question_of_none(x->b, GR_STR("vector(0) > 1"),
                         (int64_t)(x->w->steps - 1) *
                             x->w->step_ms); /* samples are taken in to the last question */
    gr_buf_fini(&e);
}

/* -- alerts ------------------------------------------------------------------------------------------------------------------ */

/* One alert of a cell: whether its condition holds at a step; and how long it waits and stays. */
struct alert {
    const char *name, *level, *side, *reason;
    size_t bound;
    double for_s, keep_s;
};

static bool
holds(const struct prove_cell *c, const struct alert *a, size_t k)
{
    if (a->reason)
        return c->state[k].reason && strcmp(c->state[k].reason, a->reason) == 0;
    return prove_present(c->state[k].supported[a->bound]);
}

/* "pending", "firing" or NULL, for the alert of one deployment and phase. As Prometheus' alerting rules do it. */
static const char *
alert_state(const struct prove_writer *x, const struct prove_cell *c, const struct alert *a, int tag)
{
    double since = -1, kept = -1;
    bool firing = false;

    for (size_t j = 0; j <= x->k; j++) {
        double t = prove_time_s(x->w, j);

        if (x->s->active[j] == tag && holds(c, a, j)) {
            since = since < 0 ? t : since;
            kept = -1;
        } else if (since >= 0) {
            kept = firing && kept < 0 ? t : kept;
            if (!firing || a->keep_s <= 0 || t - kept >= a->keep_s) {
                since = -1;
                firing = false;
            }
        }
        firing = since >= 0 && (firing || t - since >= a->for_s);
    }
    return since < 0 ? NULL : firing ? "firing" : "pending";
}

static void
put_alert(struct prove_writer *x, const struct prove_cell *c, const struct alert *a)
{
    for (size_t e = 0; e < x->s->n_exports; e++) {
        const char *state = alert_state(x, c, a, (int)e);
        struct gr_buf l;

        if (!state)
            continue;
        l = prove_begin(x, "ALERTS", c, &x->s->exports[e]);
        prove_put_pair(&l, GR_STR("alertname"), gr_str(a->name));
        prove_put_pair(&l, GR_STR("alertstate"), gr_str(state));
        prove_put_pair(&l, GR_STR("group"), x->w->g->group);
        prove_put_pair(&l, GR_STR("level"), gr_str(a->level));
        if (a->side)
            prove_put_pair(&l, GR_STR("side"), gr_str(a->side));
        if (a->reason)
            prove_put_pair(&l, GR_STR("reason"), gr_str(a->reason));
        end(x, &l, 1);
    }
}

static void
put_alerts(struct prove_writer *x)
{
    double two_slots = 2 * (double)x->w->m->sampling_ms / 1000;
    static const char *const reasons[] = {"missing", "no_control"};

    ask(x, "", "ALERTS{alertname=~\"Guardrail(HardBreach|SoftBreach|NoData)\"", "");
    for (size_t i = 0; i < x->s->n_cells; i++) {
        const struct prove_cell *c = &x->s->cells[i];

        for (size_t k = 0; k < x->w->g->limit.n_bounds; k++) {
            const struct bound *b = &x->w->g->limit.bounds[k];
            bool hard = b->level == LEVEL_HARD;
            struct alert a = {hard ? GR_ALERT_HARD : GR_ALERT_SOFT,
                              level_name(b->level),
                              side_name(b->side),
                              NULL,
                              k,
                              0,
                              hard ? 0 : two_slots};

            put_alert(x, c, &a);
        }
        for (size_t k = 0; k < GR_COUNT(reasons); k++) {
            struct alert a = {GR_ALERT_NO_DATA, "no_data", NULL, reasons[k], 0, two_slots, 0};

            put_alert(x, c, &a);
        }
    }
    answered(x);
}

/* -- the file ---------------------------------------------------------------------------------------------------------------- */

static void
put_world(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to)
{
    struct prove_writer x = {.b = b, .w = w};

    gr_buf_puts(b, "- name: ");
    gr_quote_json(b, gr_str(w->name));
    gr_buf_puts(b, "\n  interval: ");
    gr_duration_print(b, w->m->scrape_ms);
    gr_buf_puts(b, "\n");
    prove_put_series(b, w, from, to);
    put_intruders(b, w, from, to);
    prove_put_given(b, w, from, to);
    gr_buf_puts(b, "  promql_expr_test:\n");
    for (size_t i = from; i < to; i++) {
        x.s = &w->streams[i];
        if (x.s->twin)
            put_twin(&x);
        for (size_t t = 0; t < x.s->n_times; t++) {
            x.k = x.s->times[t];
            if (x.k >= w->steps)
                continue; /* a short world has no such moment */
            put_exact(&x);
            put_rounded(&x);
            put_alerts(&x);
            if (is_own(x.s))
                put_foreign(&x);
            if (is_given(x.s))
                put_spoilt_elsewhere(&x);
            put_numbers(&x);
        }
    }
}

static void
put_head(struct gr_buf *b, int64_t step_ms, const char *rules)
{
    gr_buf_puts(b, "rule_files: [");
    gr_quote_json(b, gr_str(rules));
    gr_buf_puts(b, "]\nevaluation_interval: ");
    gr_duration_print(b, step_ms);
    gr_buf_puts(b, "\ntests:\n");
}

void
prove_put_tests(struct gr_buf *b, const struct prove_suite *suite, int64_t step_ms, const char *rules)
{
    put_head(b, step_ms, rules);
    for (size_t i = 0; i < suite->n_worlds; i++)
        if (suite->worlds[i]->step_ms == step_ms && !suite->worlds[i]->share)
            put_world(b, suite->worlds[i], 0, suite->worlds[i]->n_streams);
}

#define PART_STREAMS 8u /* promtool takes as long for the rules alone as for so many streams */

bool
prove_part(const struct prove_suite *s, size_t n, struct prove_part *out)
{
    for (size_t i = 0; i < s->n_worlds; i++) {
        size_t streams = s->worlds[i]->n_streams, parts = (streams + PART_STREAMS - 1) / PART_STREAMS;

        if (n < parts) {
            size_t to = (n + 1) * PART_STREAMS;
            *out = (struct prove_part){i, n * PART_STREAMS, to < streams ? to : streams};
            return true;
        }
        n -= parts;
    }
    return false;
}

void
prove_put_part(struct gr_buf *b, const struct prove_suite *suite, const struct prove_part *part,
               const char *rules)
{
    const struct prove_world *w = suite->worlds[part->world];

    put_head(b, w->step_ms, rules);
    if (w->share)
        prove_share_put_world(b, w, part->from, part->to);
    else
        put_world(b, w, part->from, part->to);
}
