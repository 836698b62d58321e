/* power_template.c - a rates file: to begin with, when nobody was asked; with what a running system answered, when somebody was.
 *
 *     guardrails:
 *       errors:
 *         # 100 * sum(rate(errors_total[1d])) / sum(rate(requests_total[1d]))
 *         bad: 1% # ?            nobody was asked: stated, to be replaced
 *         bad: 0.83%             answered
 *         # bad: 1% # ? no series match      not known: the report assumes it, and says so */
#include "config.h"
#include "power_ask.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/quote.h"

struct printer {
    const struct power_asks *asks;
    struct gr_buf *b;
    const struct guardrail *g; /* whose entry is open */
};

/* Six significant digits, never an exponent: 0.000123457, 1234570. */
static void
put_number(struct gr_buf *b, double v)
{
    int digits = v > 0 ? 5 - (int)floor(log10(v)) : 0;
    struct gr_buf text = GR_BUF_INIT(400);
    struct gr_str s;

    gr_buf_printf(&text, "%.*f", digits < 0 ? 0 : digits > 15 ? 15 : digits, v);
    s = gr_buf_str(&text);
    while (digits > 0 && s.n > 1 && s.p[s.n - 1] == '0')
        s.n--;
    if (digits > 0 && s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    gr_buf_put(b, s);
    gr_buf_fini(&text);
}

static bool
known(const struct power_ask *a)
{
    return !isnan(a->answer);
}

static void
put_value(struct gr_buf *b, const struct power_ask *a)
{
    put_number(b, known(a) ? a->answer : a->assumed);
    gr_buf_puts(b, a->unit);
}

static void
put_pairs(struct gr_buf *b, const struct pairs *p, bool *first)
{
    for (size_t i = 0; i < p->n; i++) {
        gr_buf_puts(b, *first ? "" : ", ");
        gr_quote_yaml(b, p->v[i].key);
        gr_buf_puts(b, ": ");
        gr_quote_yaml(b, p->v[i].value);
        *first = false;
    }
}

static void
put_query(struct printer *p, const char *indent, const struct power_ask *a)
{
    if (a->query.n > 0)
        gr_buf_printf(p->b, "%s# " GR_FMT "\n", indent, GR_ARG(a->query));
}

/* A line behind the value: why it is assumed, and what it means. Foreign words may stand in it, but no line end. */
static void
put_comment(struct printer *p, const struct power_ask *a)
{
    bool marked = !known(a) && (a->stated || p->asks->asked);

    if (marked || a->what[0] != '\0')
        gr_buf_puts(p->b, marked ? " # ?" : " #");
    if (a->what[0] != '\0')
        gr_buf_printf(p->b, " %s", a->what);
    if (marked && p->asks->asked) {
        gr_buf_puts(p->b, a->what[0] != '\0' ? "; " : " ");
        gr_quote_log(p->b, a->why);
    }
    gr_buf_puts(p->b, "\n");
}

/* What the file does not state is a comment. */
static bool
is_comment(const struct printer *p, const struct power_ask *a)
{
    return !known(a) && (p->asks->asked || !a->stated);
}

static void
put_fact(struct printer *p, const char *indent, const struct power_ask *a)
{
    put_query(p, indent, a);
    gr_buf_printf(p->b, "%s%s%s: ", indent, is_comment(p, a) ? "# " : "", a->key);
    put_value(p->b, a);
    put_comment(p, a);
}

static void
put_traffic(struct printer *p, const struct power_ask *a)
{
    const struct rates_cell *cell = &p->asks->cells[a->index];
    const char *off = is_comment(p, a) ? "# " : "";
    bool first = true;

    put_query(p, "  ", a);
    gr_buf_printf(p->b, "  %s- where: {", off);
    put_pairs(p->b, &p->asks->m->streams[cell->stream].release, &first);
    put_pairs(p->b, &cell->labels, &first);
    gr_buf_printf(p->b, "}\n  %s  per_second: ", off);
    put_value(p->b, a);
    put_comment(p, a);
}

/* The shares of all weights in one line. They are 100 % together: what is not in the list has no weight, and rounding goes to the first. */
static size_t
put_mix(struct printer *p, size_t at)
{
    const struct power_ask *a = &p->asks->v[at];
    size_t n = a->g->metric.n_weights;
    double sum = 0, rest = 100;
    struct power_ask one = *a;

    for (size_t i = 0; i < n; i++) {
        put_query(p, "    ", &a[i]);
        sum += a[i].answer;
        if (isnan(sum) && one.why.n == 0)
            one.why = a[i].why;
    }
    one.answer = sum > 0 ? 100 : (double)NAN; /* of all or of none */
    if (sum <= 0 && one.why.n == 0)
        one.why = GR_STR("none of these values was seen");
    gr_buf_printf(p->b, "    %smix: {", is_comment(p, &one) ? "# " : "");
    for (size_t i = n; i-- > 1;)
        rest -= known(&one) ? round(1e6 * a[i].answer / sum) / 1e4 : a[i].assumed;
    for (size_t i = 0; i < n; i++) {
        gr_buf_puts(p->b, i > 0 ? ", " : "");
        gr_quote_yaml(p->b, a->g->metric.weights[i].value);
        gr_buf_puts(p->b, ": ");
        put_number(p->b, i == 0 ? rest : known(&one) ? round(1e6 * a[i].answer / sum) / 1e4 : a[i].assumed);
        gr_buf_puts(p->b, "%");
    }
    gr_buf_puts(p->b, "}");
    put_comment(p, &one);
    return n;
}

static bool
any_known(const struct power_asks *asks, const struct guardrail *g, const char *key)
{
    for (size_t i = 0; i < asks->n; i++)
        if (asks->v[i].g == g && known(&asks->v[i]) && (!key || strcmp(asks->v[i].key, key) == 0))
            return true;
    return false;
}

/* The key above the guardrail's values; without any value an empty mapping. */
static void
open_guardrail(struct printer *p, size_t at)
{
    const struct guardrail *g = p->asks->v[at].g;
    bool empty = p->asks->asked;

    if (!p->g)
        gr_buf_puts(p->b, "guardrails:\n");
    p->g = g;
    for (size_t i = at; empty && i < p->asks->n && p->asks->v[i].g == g; i++)
        empty = !known(&p->asks->v[i]);
    gr_buf_printf(p->b, "  " GR_FMT ":%s\n", GR_ARG(g->name), empty ? " {}" : "");
}

static void
put_head(struct printer *p)
{
    const char *off = p->asks->asked ? "# " : "";

    if (p->asks->asked)
        gr_buf_printf(p->b,
                      "# What " GR_FMT
                      " sees, for `guardrailc power SPEC --rates FILE`: answers of\n# " GR_FMT
                      ".\n# What stands in a comment with a ? is not known, and the report assumes it.\n",
                      GR_ARG(p->asks->m->spec), GR_ARG(p->asks->from));
    else
        gr_buf_printf(p->b,
                      "# What " GR_FMT " is expected to see, for `guardrailc power SPEC --rates FILE`. "
                      "Values marked ? are assumed: put\n"
                      "# in their place what the query above them answers.\n",
                      GR_ARG(p->asks->m->spec));
    gr_buf_printf(
        p->b,
        "%sdispersion: 2         # a slot's bad events vary so many times as much as independent ones\n"
        "%sautocorrelation: 0.3  # of gauges, from slot to slot\n",
        off, off);
}

void
power_template(const struct power_asks *asks, struct gr_buf *b)
{
    struct printer p = {.asks = asks, .b = b};
    bool traffic = false;

    put_head(&p);
    for (size_t i = 0; i < asks->n;) {
        const struct power_ask *a = &asks->v[i];

        if (a->g && a->g != p.g)
            open_guardrail(&p, i);
        if (!a->g && strcmp(a->key, "per_second") == 0) {
            if (!traffic)
                gr_buf_printf(b, "# Requests a second, canary and the rest together.\ntraffic:%s\n",
                              asks->asked && !any_known(asks, NULL, "per_second") ? " []" : "");
            traffic = true;
            put_traffic(&p, a);
        } else if (strcmp(a->key, "mix") == 0) {
            i += put_mix(&p, i);
            continue;
        } else {
            put_fact(&p, a->g ? "    " : "", a);
        }
        i++;
    }
}
