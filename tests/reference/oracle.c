/* oracle.c - see oracle.h. promtool 2.42 prints, for each expression that gave something:
 *
 *     expr: "{__name__=~\"…\",world!=\"3\"}", time: 4m,
 *         exp: nil
 *         got: {__name__="guardrail:verdict", cluster="a", …} 1E+00, {…} 2.5E+00
 */
#include "config.h"
#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WORLD_MARK "world!=\\\""
#define LABELS_MAX 32u

void
oracle_begin(struct gr_buf *b, int64_t sampling_ms)
{
    gr_buf_printf(b, "rule_files: [rules.yml]\nevaluation_interval: %llds\ntests:\n",
                  (long long)sampling_ms / 1000);
}

static void
put_series(struct gr_buf *b, const struct world *w, const struct series *s)
{
    gr_buf_puts(b, "  - series: '");
    gr_buf_put(b, s->name);
    for (size_t i = 0; i < s->labels.n; i++)
        gr_buf_printf(b, "%s" GR_FMT "=\"" GR_FMT "\"", i ? "," : "{", GR_ARG(s->labels.v[i].key),
                      GR_ARG(s->labels.v[i].value));
    gr_buf_puts(b, s->labels.n ? "}'\n    values: '" : "'\n    values: '");
    for (size_t i = 0; i < w->scrapes; i++) {
        gr_buf_puts(b, i ? " " : "");
        if (s->at[i].kind == SAMPLE_NONE)
            gr_buf_puts(b, "_");
        else if (s->at[i].kind == SAMPLE_STALE)
            gr_buf_puts(b, "stale");
        else
            gr_double_print(b, s->at[i].v);
    }
    gr_buf_puts(b, "'\n");
}

void
oracle_world(struct gr_buf *b, const struct world *w, unsigned id, int64_t sampling_ms, size_t count)
{
    gr_buf_printf(b, "- name: world %u\n  interval: %llds\n  input_series:\n", id,
                  (long long)w->step_ms / 1000);
    for (size_t i = 0; i < w->n; i++)
        put_series(b, w, &w->series[i]);
    gr_buf_puts(b, "  promql_expr_test:\n");
    for (size_t k = 0; k < count; k++)
        gr_buf_printf(
            b,
            "  - {eval_time: %llds, exp_samples: [], expr: "
            "'{__name__=~\"guardrail:(verdict|insufficient|effect|"
            "coverage|evidence|supported)\",world!=\"%u\"} or "
            "ALERTS{alertstate=\"firing\",alertname=~\"Guardrail(HardBreach|SoftBreach|NoData)\"}'}\n",
            (long long)k * sampling_ms / 1000, id);
}

bool
readings_add(struct gr_arena *a, struct readings *to, struct gr_str key, double v)
{
    if (!key.p)
        return false;
    if (to->n == to->cap) {
        struct reading *grown = gr_arena_grow(a, to->v, to->n, &to->cap, sizeof *grown);

        if (!grown)
            return false;
        to->v = grown;
    }
    to->v[to->n++] = (struct reading){key, v};
    return true;
}

static int
by_key(const void *a, const void *b)
{
    return gr_str_cmp(((const struct reading *)a)->key, ((const struct reading *)b)->key);
}

void
readings_sort(struct readings *r)
{
    if (r->n)
        qsort(r->v, r->n, sizeof *r->v, by_key);
}

/* -- reading -------------------------------------------------------------------------------------------------------------- */

struct scan {
    const char *p, *end;
};

static bool
take(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static struct gr_str
take_until(struct scan *s, char stop)
{
    const char *from = s->p;

    while (s->p < s->end && *s->p != stop)
        s->p++;
    return (struct gr_str){from, (size_t)(s->p - from)};
}

/* One {a="b", …} value. None of our values needs an escape. */
static bool
read_sample(struct gr_arena *a, struct scan *s, struct readings *to)
{
    struct gr_str name = GR_STR_NONE, number;
    struct gr_buf key = GR_BUF_INIT(4096);
    double v = (double)NAN;
    bool ok = take(s, "{");

    while (ok && !take(s, "}")) {
        struct gr_str label = take_until(s, '='), value;

        ok = take(s, "=\"");
        value = take_until(s, '"');
        ok = ok && take(s, "\"");
        (void)take(s, ", ");
        if (gr_str_eq(label, GR_STR("__name__")))
            name = value;
        else if (!gr_str_eq(label, GR_STR("spec")) && !gr_str_eq(label, GR_STR("group")) &&
                 !gr_str_eq(label, GR_STR("alertstate")))
            gr_buf_printf(&key, "%s" GR_FMT "=" GR_FMT, key.n ? "," : "", GR_ARG(label), GR_ARG(value));
    }
    ok = ok && take(s, " ");
    number = take_until(s, ',');
    if (memchr(number.p, '\n', number.n)) /* the last one of its line */
        number.n = (size_t)((const char *)memchr(number.p, '\n', number.n) - number.p);
    s->p = number.p + number.n;
    if (ok && !gr_str_eq(number, GR_STR("NaN")) && gr_parse_double(number, &v) != GR_OK)
        v = number.n && number.p[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    ok = ok && readings_add(a, to, gr_arena_printf(a, GR_FMT "{%s}", GR_ARG(name), gr_buf_cstr(&key)), v);
    gr_buf_fini(&key);
    return ok;
}

/* "1h2m3s", as Prometheus prints a duration, in ms. */
static int64_t
read_duration(struct gr_str s)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
    int64_t total = 0, n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9')
            n = n * 10 + (s.p[i] - '0');
        for (size_t u = 0; u < GR_COUNT(units); u++)
            if (s.p[i] == units[u].unit) {
                total += n * units[u].ms;
                n = 0;
            }
    }
    return total;
}

static struct gr_str
next_line(struct scan *s)
{
    struct gr_str line = take_until(s, '\n');

    if (s->p < s->end)
        s->p++;
    while (line.n && line.p[0] == ' ')
        line = (struct gr_str){line.p + 1, line.n - 1};
    return line;
}

bool
oracle_read(struct gr_arena *a, struct gr_str output, unsigned worlds, size_t count, int64_t sampling_ms,
            struct readings *all)
{
    struct scan s = {output.p, output.p + output.n};
    size_t at = 0;
    bool known = false;

    while (s.p < s.end) {
        struct gr_str line = next_line(&s);
        struct scan l = {line.p, line.p + line.n};

        if (take(&l, "expr: ")) {
            const char *mark = NULL;
            int64_t world = 0, k;

            for (; l.p < l.end && !mark; l.p++)
                if (take(&l, WORLD_MARK))
                    mark = l.p;
            for (l.p = mark; mark && l.p < l.end && *l.p >= '0' && *l.p <= '9'; l.p++)
                world = world * 10 + (*l.p - '0');
            while (l.p < l.end && !take(&l, "\", time: "))
                l.p++;
            k = read_duration((struct gr_str){l.p, (size_t)(l.end - l.p)}) / sampling_ms;
            known = mark && world < worlds && k >= 0 && (size_t)k < count;
            if (!known)
                break;
            at = (size_t)world * count + (size_t)k;
        } else if (take(&l, "got: ") && known) {
            while (l.p < l.end)
                if (!read_sample(a, &l, &all[at]) || (l.p < l.end && !take(&l, ", ")))
                    goto broken;
        } else if (line.n && !take(&l, "exp: nil") && !take(&l, "FAILED:") && !take(&l, "Unit Testing:") &&
                   !take(&l, "name: world") && !take(&l, "SUCCESS")) {
            goto broken;
        }
        continue;
    broken:
        fprintf(stderr, "promtool said: " GR_FMT "\n", GR_ARG(line));
        return false;
    }
    for (size_t i = 0; i < worlds * count; i++)
        readings_sort(&all[i]);
    return true;
}
