/* exposition.c - see exposition.h. */
#include "config.h"
#include "exposition.h"

#include <inttypes.h>
#include <math.h>

#include "guardrail/number.h"
#include "guardrail/quote.h"

/* name + suffix + {label="value",…,le="…"} and the blank before the value. le: NULL for none. */
static void
put_name(struct gr_buf *b, const struct series *s, const char *name, const char *suffix, const char *le)
{
    char before = '{';

    gr_buf_printf(b, "%s%s", name, suffix);
    for (size_t l = 0; l < LABEL_COUNT; l++) {
        if (s->label[l] == NULL)
            continue;
        gr_buf_printf(b, "%c%s=\"", before, label_names[l]);
        gr_quote_exposition(b, gr_str(s->label[l]));
        gr_buf_putc(b, '"');
        before = ',';
    }
    if (le != NULL) {
        gr_buf_printf(b, "%cle=\"%s\"", before, le);
        before = ',';
    }
    gr_buf_puts(b, before == ',' ? "} " : " ");
}

static void
put_histogram(struct gr_buf *b, const struct series *s, const struct point *p)
{
    const struct family *f = &families[s->family];
    uint64_t upto = 0;

    for (size_t i = 0; i <= f->edge_count; i++) {
        upto += p->bucket[i];
        put_name(b, s, f->name, "_bucket", i < f->edge_count ? f->edges[i].le : "+Inf");
        gr_buf_printf(b, "%" PRIu64 "\n", upto);
    }
    put_name(b, s, f->name, "_sum", NULL);
    gr_double_print(b, p->sum);
    gr_buf_putc(b, '\n');
    put_name(b, s, f->name, "_count", NULL);
    gr_buf_printf(b, "%" PRIu64 "\n", p->total);
}

static void
put_series(struct gr_buf *b, const struct world *w, size_t index, const char *metric)
{
    const struct series *s = &w->topology.series[index];
    const struct point *p = &w->points[index];
    const struct family *f = &families[s->family];

    if (f->shape == SHAPE_HISTOGRAM) {
        put_histogram(b, s, p);
        return;
    }
    put_name(b, s, metric, "", NULL);
    if (f->shape == SHAPE_RATIO)
        gr_buf_printf(b, "%" PRIu64, metric == f->part ? p->part : p->total);
    else
        gr_double_print(b, faults_have(&w->faults, ACT_NAN, s) ? (double)NAN : p->value);
    gr_buf_putc(b, '\n');
}

static const char *
type_name(enum shape shape)
{
    return shape == SHAPE_RATIO ? "counter" : shape == SHAPE_HISTOGRAM ? "histogram" : "gauge";
}

static void
put_metric(struct gr_buf *b, const struct world *w, enum family_id id, const char *metric, const char *help)
{
    bool first = true;

    for (size_t i = 0; i < w->topology.count; i++) {
        const struct series *s = &w->topology.series[i];

        if (s->family != id || faults_hide(&w->faults, s, metric))
            continue;
        if (first)
            gr_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric,
                          type_name(families[id].shape));
        first = false;
        put_series(b, w, i, metric);
    }
}

void
exposition_write(struct gr_buf *b, const struct world *w)
{
    for (enum family_id id = 0; id < FAM_COUNT; id++) {
        put_metric(b, w, id, families[id].name, families[id].help);
        if (families[id].part != NULL)
            put_metric(b, w, id, families[id].part, families[id].part_help);
    }
}

static void
put_shares(struct gr_buf *b, const struct world *w)
{
    for (size_t v = 0; v < VENUE_COUNT; v++) {
        gr_buf_printf(b, "%s\"%s\":{", v == 0 ? "" : ",", venues[v].name);
        for (size_t i = 0; i < FLOW_COUNT; i++) {
            gr_buf_printf(b, "%s\"%s\":", i == 0 ? "" : ",", flow_names[i]);
            gr_double_print(b, w->share[v][i]);
        }
        gr_buf_putc(b, '}');
    }
}

static void
put_faults(struct gr_buf *b, const struct faults *all)
{
    struct gr_buf line = GR_BUF_INIT(2 * FAULT_LINE_BYTES_MAX);

    for (size_t i = 0; i < all->count; i++) {
        gr_buf_reset(&line);
        fault_print(&line, &all->list[i]);
        if (gr_buf_err(&line) != GR_OK)
            b->err = gr_buf_err(&line);
        if (i > 0)
            gr_buf_putc(b, ',');
        gr_quote_json(b, gr_buf_str(&line));
    }
    gr_buf_fini(&line);
}

void
state_write(struct gr_buf *b, const struct world *w)
{
    gr_buf_printf(b, "{\"seed\":%" PRIu64 ",\"rps\":", w->options.seed);
    gr_double_print(b, w->options.rps);
    gr_buf_puts(b, ",\"simulated_seconds\":");
    gr_double_print(b, w->now_s);
    gr_buf_puts(b, ",\"shares\":{");
    put_shares(b, w);
    gr_buf_puts(b, "},\"faults\":[");
    put_faults(b, &w->faults);
    gr_buf_puts(b, "]}\n");
}
