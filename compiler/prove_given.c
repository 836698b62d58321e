/* prove_given.c - series of a test file that stand in the place of what rules would record: a cell that is fed, so that one rule is tested by
 * itself, and decoys, which must not matter. */
#include "config.h"
#include "prove_write.h"

#include <math.h>

#include "guardrail/quote.h"

void
prove_put_series_head(struct gr_buf *b, struct gr_str series)
{
    gr_buf_puts(b, "  - series: ");
    gr_quote_json(b, series);
    gr_buf_puts(b, "\n    values: '");
}

/* A series that was begun: the same value at each scrape. */
static void
end(const struct prove_writer *x, struct gr_buf *l, double v)
{
    gr_buf_putc(l, '}');
    prove_put_series_head(x->b, gr_buf_str(l));
    for (size_t i = 0; isnan(v) && i < x->w->scrapes; i++) /* which promtool does not repeat */
        gr_buf_puts(x->b, "NaN ");
    if (!isnan(v)) {
        prove_put_number(x->b, v);
        gr_buf_printf(x->b, "x%zu", x->w->scrapes);
    }
    gr_buf_puts(x->b, "'\n");
    gr_buf_fini(l);
}

void
prove_elsewhere(const struct prove_writer *x, struct prove_export out[PROVE_ELSEWHERE])
{
    const struct prove_export *own = &x->s->exports[0];

    out[0] = out[1] = *own;
    out[0].deployment = "d0";
    for (size_t p = 0; p < x->w->m->n_phases; p++)
        out[1].phase = p != own->phase ? p : out[1].phase;
}

static void
put_elsewhere(const struct prove_writer *x)
{
    struct prove_export other[PROVE_ELSEWHERE];

    prove_elsewhere(x, other);
    for (size_t i = 0; i < PROVE_ELSEWHERE; i++) {
        struct gr_buf l = prove_begin(x, "guardrail:overdue", NULL, &other[i]);

        end(x, &l, PROVE_ELSEWHERE_VALUE);
    }
}

static void
put_fed(const struct prove_writer *x, const char *name, const struct prove_cell *c, double v, bool canary)
{
    struct gr_buf l;

    if (!prove_present(v))
        return;
    l = prove_begin(x, name, c, &x->s->exports[0]);
    if (canary)
        prove_put_pair(&l, GR_STR("cohort"), prove_canary_name(x->w));
    end(x, &l, v);
}

struct gr_buf
prove_begin_left(const struct prove_writer *x, const char *name, const struct prove_cell *c,
                 const struct bound *b)
{
    struct gr_buf l = prove_begin(x, name, c, &x->s->exports[0]);

    prove_put_pair(&l, GR_STR("cohort"), prove_canary_name(x->w));
    prove_put_pair(&l, GR_STR("level"), gr_str(level_name(b->level)));
    prove_put_pair(&l, GR_STR("side"), gr_str(side_name(b->side)));
    return l;
}

static void
put_stranger(const struct prove_writer *x, const struct prove_cell *c, double v)
{
    static const char *const levels[] = {"hard", "soft", ""}, *const sides[] = {"upper", "lower", ""};

    for (size_t i = 0; i < 10; i++) {
        struct gr_buf l =
            prove_begin(x, i < 9 ? "guardrail:proved" : "guardrail:effect", NULL, &x->s->exports[0]);

        prove_put_pairs(&l, c->labels);
        prove_put_pair(&l, GR_STR("guardrail"), GR_STR(PROVE_STRANGER));
        if (i == 9) {
            end(x, &l, v);
            continue;
        }
        prove_put_pair(&l, GR_STR("level"), gr_str(levels[i / 3]));
        prove_put_pair(&l, GR_STR("side"), gr_str(sides[i % 3]));
        end(x, &l, v);
    }
}

static void
put_proved_at(const struct prove_writer *x, const struct prove_cell *c, const char *level, const char *side,
              double v)
{
    struct gr_buf l = prove_begin(x, "guardrail:proved", c, &x->s->exports[0]);

    prove_put_pair(&l, GR_STR("level"), gr_str(level));
    prove_put_pair(&l, GR_STR("side"), gr_str(side));
    end(x, &l, v);
}

/* Of a slice that `expect` lists also far beyond, at a level and a side that nobody knows. */
static void
put_proved(const struct prove_writer *x, const struct prove_cell *c, const struct prove_feed *f)
{
    bool lower = side_is_lower(f->proved->side) != f->other_side;
    bool named = x->w->g->limit.against != AGAINST_FIXED && x->w->g->evidence.kind == EVIDENCE_SEQUENTIAL;
    const char *level = named ? level_name(f->proved->level) : "",
               *side = named ? side_name(lower ? SIDE_LOWER : SIDE_UPPER) : "";

    put_proved_at(x, c, level, side, f->proved_value);
    if (!named || !c->expected)
        return;
    put_proved_at(x, c, "another", side, lower ? -1e6 : 1e6);
    put_proved_at(x, c, level, "another", lower ? -1e6 : 1e6);
}

static void
put_bad_of_control(const struct prove_writer *x, const struct prove_cell *c, double v)
{
    struct gr_buf l = prove_begin(x, "guardrail:test:bad", c, &x->s->exports[0]);

    prove_put_pair(&l, GR_STR("cohort"), x->w->m->control);
    end(x, &l, v);
}

/* Both cohorts have counted nothing since the phase's start. */
static void
put_idle(const struct prove_writer *x, const struct prove_cell *c)
{
    static const char *const names[] = {"guardrail:test:total", "guardrail:test:bad"};

    for (size_t i = 0; i < 2 * GR_COUNT(names); i++) {
        struct gr_buf l = prove_begin(x, names[i / 2], c, &x->s->exports[0]);

        prove_put_pair(&l, GR_STR("cohort"), i % 2 ? x->w->m->control : prove_canary_name(x->w));
        end(x, &l, 0);
    }
}

/* The canary's slots of another guardrail; and of another specification, where they are not numbers. */
static void
put_strange_slots(const struct prove_writer *x, const struct prove_cell *c)
{
    const struct prove_writer other = {.w = x->w, .s = x->s, .spec = "another"};
    const char *parts[] = {"total", x->w->g->metric.kind == METRIC_RATIO_GOOD ? "good" : "bad"};

    for (size_t i = 0; i < GR_COUNT(parts); i++) {
        struct gr_buf l = prove_begin(x, "guardrail:slot:sum", NULL, &x->s->exports[0]);

        prove_put_pairs(&l, c->labels);
        prove_put_pair(&l, GR_STR("guardrail"), GR_STR(PROVE_STRANGER));
        prove_put_pair(&l, GR_STR("cohort"), prove_canary_name(x->w));
        prove_put_pair(&l, GR_STR("part"), gr_str(parts[i]));
        end(x, &l, 1000);
        l = prove_begin(&other, "guardrail:slot:sum", c, &x->s->exports[0]);
        prove_put_pair(&l, GR_STR("cohort"), prove_canary_name(x->w));
        prove_put_pair(&l, GR_STR("part"), gr_str(parts[i]));
        end(x, &l, (double)NAN);
    }
}

static void
put_weightless(const struct prove_writer *x, const struct prove_cell *c)
{
    static const char *const parts[] = {"total", "good", "square"};

    for (size_t i = 0; i < 2 * GR_COUNT(parts); i++) {
        struct gr_buf l = prove_begin(x, "guardrail:test:sum", c, &x->s->exports[0]);

        prove_put_pair(&l, GR_STR("cohort"), i % 2 ? x->w->m->control : prove_canary_name(x->w));
        prove_put_pair(&l, GR_STR("part"), gr_str(parts[i / 2]));
        end(x, &l, i / 2 == 2 ? 1 : 0);
    }
}

static void
put_feed(const struct prove_writer *x, const struct prove_cell *c)
{
    const struct prove_feed *f = c->feed;

    if (fabs(f->stranger) > 0) {
        put_stranger(x, c, f->stranger);
        return;
    }
    if (f->proved) {
        put_proved(x, c, f);
        return;
    }
    if (f->weightless) {
        put_weightless(x, c);
        return;
    }
    if (f->overdue_elsewhere)
        put_elsewhere(x);
    put_fed(x, "guardrail:effect", c, f->effect, false);
    put_fed(x, "guardrail:coverage", c, f->coverage, false);
    put_fed(x, "guardrail:evidence", c, f->evidence, false);
    put_fed(x, "guardrail:test:d", c, f->difference, false);
    put_fed(x, "guardrail:enough", c, f->enough, false);
    if (!f->idle)
        put_fed(x, "guardrail:test:bad", c, f->bad, true);
    put_fed(x, "guardrail:window:value", c, f->window, true);
    if (f->other_bad > 0)
        put_bad_of_control(x, c, f->other_bad);
    if (f->idle)
        put_idle(x, c);
    if (f->left_behind) {
        struct gr_buf l = prove_begin_left(x, "guardrail:slot:over", c, f->left_behind);

        end(x, &l, 1);
    }
}

/* Of ours a sample between two evaluations, so that what a rule records would be seen; the last scrape ends it. Others may be counters. */
static void
put_decoy(const struct prove_writer *x, struct gr_str series, size_t last)
{
    const struct prove_world *w = x->w;
    bool ours = gr_str_starts(series, GR_STR("guardrail:"));

    prove_put_series_head(x->b, series);
    for (size_t i = 0; i < last; i++) {
        if (ours && (int64_t)i * w->m->scrape_ms % w->step_ms == 0) {
            gr_buf_puts(x->b, "_ ");
            continue;
        }
        prove_put_number(x->b, ours ? x->s->decoy_value : x->s->decoy_value * (double)(i + 1));
        gr_buf_putc(x->b, ' ');
    }
    gr_buf_puts(x->b, "stale'\n");
}

size_t
prove_asked_scrape(const struct prove_world *w)
{
    return (size_t)((int64_t)(w->steps - 2) * w->step_ms / w->m->scrape_ms) + 1;
}

void
prove_put_given(struct gr_buf *b, const struct prove_world *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct prove_writer x = {.b = b, .w = w, .s = &w->streams[i]};

        for (size_t k = 0; k < x.s->n_cells; k++) {
            if (x.s->cells[k].feed)
                put_feed(&x, &x.s->cells[k]);
            if (x.s->cells[k].strange)
                put_strange_slots(&x, &x.s->cells[k]);
        }
        for (size_t k = 0; k < x.s->n_decoys; k++)
            put_decoy(&x, x.s->decoys[k], prove_asked_scrape(w));
    }
}
