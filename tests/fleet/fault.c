/* fault.c - see fault.h. */
#include "config.h"
#include "fault.h"

#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "line.h"

#define ANY_FORM (FORM_FACTOR | FORM_OFFSET | FORM_SET)
#define FACTOR_MAX 1000.0

const struct fault_kind fault_kinds[FAULT_KIND_COUNT] = {
    {"canary_gone", "no canary series at all", ACT_HIDE, 0, FAM_COUNT, "canary"},
    {"control_gone", "no control series at all", ACT_HIDE, 0, FAM_COUNT, "control"},
    {"cpu", "CPU utilization, ratio 0..1", ACT_LEVEL, ANY_FORM, FAM_CPU, NULL},
    {"error_rate", "share of orders whose acceptance fails, ratio 0..1", ACT_LEVEL, ANY_FORM,
     FAM_ORDER_ACCEPT, NULL},
    {"fill", "share of agency orders that are filled, ratio 0..1", ACT_LEVEL, ANY_FORM, FAM_AGENCY_FILL,
     NULL},
    {"flat", "counters stand still", ACT_FLAT, 0, FAM_COUNT, NULL},
    {"hedge_beta", "the hedging desk's beta; the drift follows it", ACT_LEVEL, ANY_FORM, FAM_HEDGE_BETA,
     NULL},
    {"market_return", "return of the market, bps; the drift follows it", ACT_LEVEL, ANY_FORM,
     FAM_MARKET_RETURN, NULL},
    {"match_latency", "matching latency, all quantiles", ACT_LEVEL, FORM_FACTOR, FAM_MATCH_LATENCY, NULL},
    {"mem", "available memory, percent 0..100", ACT_LEVEL, ANY_FORM, FAM_MEM, NULL},
    {"model_drift", "the model guardian's drift score", ACT_LEVEL, ANY_FORM, FAM_MODEL_DRIFT, NULL},
    {"mtm", "mark-to-market drift beside the market's part, bps", ACT_LEVEL, FORM_OFFSET | FORM_SET,
     FAM_DRIFT, NULL},
    {"nan", "the gauge named by its kind says NaN", ACT_NAN, 0, FAM_COUNT, NULL},
    {"pnl", "realized PnL delta, bps", ACT_LEVEL, ANY_FORM, FAM_PNL, NULL},
    {"quote_age", "age of quotes, all quantiles", ACT_LEVEL, FORM_FACTOR, FAM_QUOTE_AGE, NULL},
    {"refdata", "age of the reference data, minutes", ACT_LEVEL, ANY_FORM, FAM_REFDATA, NULL},
    {"reset", "counters restart from 0, once", ACT_RESET, 0, FAM_COUNT, NULL},
    {"risk_latency", "risk engine latency, ms", ACT_LEVEL, ANY_FORM, FAM_RISK_LATENCY, NULL},
    {"schemas", "breaking schema changes, count", ACT_LEVEL, ANY_FORM, FAM_SCHEMAS, NULL},
    {"silent", "series vanish; metric=NAME narrows it to one metric", ACT_HIDE, 0, FAM_COUNT, NULL},
    {"spread", "effective spread capture, bps", ACT_LEVEL, ANY_FORM, FAM_SPREAD, NULL},
    {"traffic", "events per second", ACT_TRAFFIC, FORM_FACTOR, FAM_COUNT, NULL},
};

const struct fault_kind *
fault_kind_find(struct gr_str name)
{
    for (size_t i = 0; i < GR_COUNT(fault_kinds); i++) {
        if (gr_str_is(name, fault_kinds[i].name))
            return &fault_kinds[i];
    }
    return NULL;
}

static bool
is_counted(const struct series *s)
{
    enum shape shape = families[s->family].shape;

    return shape == SHAPE_RATIO || shape == SHAPE_HISTOGRAM;
}

static bool
acts_on_family(const struct fault *f, const struct series *s)
{
    switch (f->kind->act) {
    case ACT_LEVEL:
        return s->family == f->kind->family;
    case ACT_NAN:
        return s->family == f->target->family;
    case ACT_TRAFFIC:
    case ACT_FLAT:
    case ACT_RESET:
        return is_counted(s);
    case ACT_HIDE:
        break;
    }
    return f->metric == NULL || strcmp(f->metric, families[s->family].name) == 0 ||
           (families[s->family].part != NULL && strcmp(f->metric, families[s->family].part) == 0);
}

bool
fault_hits(const struct fault *f, const struct series *s)
{
    if (!acts_on_family(f, s))
        return false;
    for (size_t l = 0; l < LABEL_COUNT; l++) {
        if (f->filter[l] == NULL)
            continue;
        if (s->label[l] == NULL || strcmp(f->filter[l], s->label[l]) != 0)
            return false;
    }
    return true;
}

/* ---- parsing ---- */

static void
put_kind_names(struct gr_buf *why)
{
    for (size_t i = 0; i < GR_COUNT(fault_kinds); i++)
        gr_buf_printf(why, "%s%s", i == 0 ? "" : ", ", fault_kinds[i].name);
}

static enum gr_err
unknown_kind(struct gr_str word, struct gr_buf *why)
{
    struct gr_str names[FAULT_KIND_COUNT], near;

    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        names[i] = gr_str(fault_kinds[i].name);
    near = gr_str_nearest(word, names, FAULT_KIND_COUNT);
    gr_buf_puts(why, "unknown fault kind \"");
    gr_quote_log(why, word);
    gr_buf_puts(why, "\"");
    if (near.n > 0)
        gr_buf_printf(why, ", did you mean " GR_FMT "?", GR_ARG(near));
    gr_buf_puts(why, "; legal kinds: ");
    put_kind_names(why);
    return GR_EUSER;
}

/* One sentence: the fault's kind, what is wrong with the word. */
static enum gr_err
refuse(const struct fault *f, struct gr_str word, const char *text, struct gr_buf *why)
{
    gr_buf_printf(why, "%s: \"", f->kind->name);
    gr_quote_log(why, word);
    gr_buf_printf(why, "\" %s", text);
    return GR_EUSER;
}

/* A number with at most one sign: after x or + there is none. */
static bool
is_number(struct gr_str number, struct gr_str word, double *v)
{
    if (number.n < word.n && (number.n == 0 || number.p[0] == '-' || number.p[0] == '+'))
        return false;
    return gr_parse_double(number, v) == GR_OK;
}

static enum gr_err
parse_magnitude(struct gr_str word, struct fault *f, struct gr_buf *why)
{
    struct gr_str number = word;
    double v = 0, low = 0, high = FACTOR_MAX;

    f->form = FORM_SET;
    if (word.p[0] == 'x')
        f->form = FORM_FACTOR;
    else if (word.p[0] == '+' || word.p[0] == '-')
        f->form = FORM_OFFSET;
    if (f->form == FORM_FACTOR || word.p[0] == '+')
        number = gr_str_sub(word, 1, word.n);
    if (f->form != FORM_FACTOR) {
        low = f->form == FORM_OFFSET ? -1e6 : families[f->kind->family].min;
        high = f->form == FORM_OFFSET ? 1e6 : families[f->kind->family].max;
    }
    if ((f->kind->forms & (unsigned)f->form) == 0 || !is_number(number, word, &v)) {
        gr_buf_printf(why, "%s wants a magnitude:%s%s%s; got \"", f->kind->name,
                      f->kind->forms & FORM_FACTOR ? " xFACTOR" : "",
                      f->kind->forms & FORM_OFFSET ? " +N -N" : "", f->kind->forms & FORM_SET ? " N" : "");
        gr_quote_log(why, word);
        gr_buf_puts(why, "\"");
        return GR_EUSER;
    }
    if (v < low || v > high) {
        gr_buf_printf(why, "%s: %g is not in %g to %g", f->kind->name, v, low, high);
        return GR_EUSER;
    }
    f->value = v;
    return GR_OK;
}

static enum gr_err
parse_target(struct gr_str word, struct fault *f, struct gr_buf *why)
{
    const struct fault_kind *k = fault_kind_find(word);

    if (k != NULL && k->act == ACT_LEVEL && families[k->family].shape >= SHAPE_GAUGE) {
        f->target = k;
        return GR_OK;
    }
    refuse(f, word, "is no gauge; legal:", why);
    for (size_t i = 0; i < GR_COUNT(fault_kinds); i++) {
        k = &fault_kinds[i];
        if (k->act == ACT_LEVEL && families[k->family].shape >= SHAPE_GAUGE)
            gr_buf_printf(why, " %s", k->name);
    }
    return GR_EUSER;
}

static enum gr_err
parse_metric(struct gr_str value, struct fault *f, struct gr_buf *why)
{
    for (size_t i = 0; i < FAM_COUNT; i++) {
        if (gr_str_is(value, families[i].name))
            f->metric = families[i].name;
        else if (families[i].part != NULL && gr_str_is(value, families[i].part))
            f->metric = families[i].part;
    }
    if (f->metric != NULL)
        return GR_OK;
    refuse(f, value, "is no metric; legal:", why);
    for (size_t i = 0; i < FAM_COUNT; i++)
        gr_buf_printf(why, " %s%s%s", families[i].name, families[i].part ? " " : "",
                      families[i].part ? families[i].part : "");
    return GR_EUSER;
}

/* Names the values of a label, each once; equal values of one label are neighbours or share their text. */
static void
put_values(const struct topology *t, size_t label, struct gr_buf *why)
{
    for (size_t i = 0; i < t->count; i++) {
        const char *v = t->series[i].label[label];
        bool seen = v == NULL;

        for (size_t j = 0; j < i && !seen; j++)
            seen = t->series[j].label[label] != NULL && strcmp(t->series[j].label[label], v) == 0;
        if (!seen)
            gr_buf_printf(why, " %s", v);
    }
}

static enum gr_err
parse_value(const struct topology *t, size_t label, struct gr_str value, struct fault *f, struct gr_buf *why)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->series[i].label[label] == NULL || !gr_str_is(value, t->series[i].label[label]))
            continue;
        f->filter[label] = t->series[i].label[label];
        return GR_OK;
    }
    gr_buf_printf(why, "%s: no %s is called \"", f->kind->name, label_names[label]);
    gr_quote_log(why, value);
    gr_buf_puts(why, "\"; legal:");
    put_values(t, label, why);
    return GR_EUSER;
}

static enum gr_err
parse_filter(const struct topology *t, struct gr_str word, struct fault *f, struct gr_buf *why)
{
    size_t eq = gr_str_find(word, GR_STR("="), 0);
    struct gr_str name = gr_str_sub(word, 0, eq), value = gr_str_sub(word, eq + 1, word.n);

    if (gr_str_is(name, "metric") && f->kind->act == ACT_HIDE)
        return f->metric == NULL ? parse_metric(value, f, why) : refuse(f, word, "is the second metric", why);
    for (size_t l = 0; l < LABEL_COUNT; l++) {
        if (!gr_str_is(name, label_names[l]))
            continue;
        if (f->filter[l] != NULL)
            return refuse(f, word, "sets that label a second time", why);
        return parse_value(t, l, value, f, why);
    }
    refuse(f, word, "names no label; legal:", why);
    for (size_t l = 0; l < LABEL_COUNT; l++)
        gr_buf_printf(why, " %s", label_names[l]);
    return GR_EUSER;
}

static enum gr_err
parse_words(const struct topology *t, struct gr_str rest, struct fault *f, struct gr_buf *why)
{
    bool argument = false;
    struct gr_str word;
    enum gr_err err;

    while (word_next(&rest, &word)) {
        if (gr_str_find(word, GR_STR("="), 0) != SIZE_MAX) {
            err = parse_filter(t, word, f, why);
        } else if (argument || (f->kind->forms == 0 && f->kind->act != ACT_NAN)) {
            return refuse(f, word, "is one word too many", why);
        } else {
            argument = true;
            err = f->kind->act == ACT_NAN ? parse_target(word, f, why) : parse_magnitude(word, f, why);
        }
        if (err != GR_OK)
            return err;
    }
    if (argument || (f->kind->forms == 0 && f->kind->act != ACT_NAN))
        return GR_OK;
    gr_buf_printf(why, "%s wants %s", f->kind->name,
                  f->kind->act == ACT_NAN ? "the gauge's kind, as in \"nan risk_latency\""
                                          : "a magnitude, as in \"x1.3\"");
    return GR_EUSER;
}

enum gr_err
fault_parse(const struct topology *t, struct gr_str line, struct fault *out, struct gr_buf *why)
{
    struct fault f = {0};
    struct gr_str word = GR_STR_NONE;
    enum gr_err err;

    if (line.n > FAULT_LINE_BYTES_MAX) {
        gr_buf_printf(why, "a line is longer than %d bytes", FAULT_LINE_BYTES_MAX);
        return GR_EUSER;
    }
    if (!word_next(&line, &word) || (f.kind = fault_kind_find(word)) == NULL)
        return unknown_kind(word, why);
    if (f.kind->track != NULL)
        f.filter[L_TRACK] = f.kind->track;
    if ((err = parse_words(t, line, &f, why)) != GR_OK)
        return err;
    for (size_t i = 0; i < t->count; i++) {
        if (fault_hits(&f, &t->series[i])) {
            *out = f;
            return GR_OK;
        }
    }
    gr_buf_printf(why, "%s: no series carries all of these labels, so nothing would happen", f.kind->name);
    return GR_EUSER;
}

void
fault_print(struct gr_buf *b, const struct fault *f)
{
    gr_buf_puts(b, f->kind->name);
    if (f->target != NULL)
        gr_buf_printf(b, " %s", f->target->name);
    if (f->form != FORM_NONE) {
        gr_buf_puts(b, f->form == FORM_FACTOR ? " x" : f->form == FORM_OFFSET && f->value >= 0 ? " +" : " ");
        gr_double_print(b, f->value);
    }
    if (f->metric != NULL)
        gr_buf_printf(b, " metric=%s", f->metric);
    for (size_t l = 0; l < LABEL_COUNT; l++) {
        if (f->filter[l] != NULL && !(l == L_TRACK && f->kind->track != NULL))
            gr_buf_printf(b, " %s=%s", label_names[l], f->filter[l]);
    }
}

/* ---- effect ---- */

static double
moved(const struct fault *f, double level)
{
    switch (f->form) {
    case FORM_FACTOR:
        return level * f->value;
    case FORM_OFFSET:
        return level + f->value;
    case FORM_SET:
        return f->value;
    case FORM_NONE:
        break;
    }
    return level;
}

double
faults_level(const struct faults *all, const struct series *s, double level)
{
    const struct family *family = &families[s->family];

    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].kind->act == ACT_LEVEL && fault_hits(&all->list[i], s))
            level = moved(&all->list[i], level);
    }
    if (level < family->min)
        return family->min;
    return level > family->max ? family->max : level;
}

double
faults_traffic(const struct faults *all, const struct series *s)
{
    double factor = 1;

    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].kind->act == ACT_TRAFFIC && fault_hits(&all->list[i], s))
            factor *= all->list[i].value;
    }
    return factor < FACTOR_MAX ? factor : FACTOR_MAX;
}

bool
faults_have(const struct faults *all, enum fault_act act, const struct series *s)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].kind->act == act && fault_hits(&all->list[i], s))
            return true;
    }
    return false;
}

bool
faults_hide(const struct faults *all, const struct series *s, const char *metric)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct fault *f = &all->list[i];

        if (f->kind->act != ACT_HIDE || !fault_hits(f, s))
            continue;
        if (f->metric == NULL || strcmp(f->metric, metric) == 0)
            return true;
    }
    return false;
}
