/* power_svg.c - a heat map: what each guardrail catches, phase by phase.
 *
 *                                  canary_phase_1          canary_phase_2
 *                                1.4x   2x   4x  2x limit  1.4x …
 *     order_acceptance_error_rate [ 1] [12] [97] [  5]     [ 3] …
 *
 * Colours are five steps of cividis (Nunez, Anderton, Renslow, PLOS ONE 13, 2018), which look alike to people with and without colour
 * deficiency and keep their order in grey; each cell also says its percentage. Texts are of a grey that has a contrast
 * of more than 4 on white and on the dark of code hosts, and the background is left out, so that the picture stands on either. */
#include "config.h"
#include "power_parts.h"

#include <math.h>

#include "guardrail/duration.h"
#include "guardrail/quote.h"

#define CELL_W 44
#define CELL_H 24
#define PHASE_GAP 16
#define TOP 104
#define MARGIN 16
#define CHAR_W 7.3 /* of 12 px sans serif, on the safe side */
#define INSIDE 2.0 /* not to be caught: no cell */
#define CELLS (POWER_FACTORS + 1)
#define TEXT "#777777"

static const struct shade {
    double below;
    const char *fill, *text;
} shades[] = {
    {0.05, "#00224e", "#ffffff"}, {0.50, "#434e6c", "#ffffff"},   {0.80, "#7d7c78", "#000000"},
    {0.95, "#bcae6c", "#000000"}, {INSIDE, "#fee838", "#000000"},
};

static const struct shade *
shade_of(double p)
{
    size_t i = 0;

    while (p >= shades[i].below && i + 1 < GR_COUNT(shades))
        i++;
    return &shades[i];
}

struct picture {
    const struct power *p;
    const struct phase *phases[MODEL_PHASES_MAX];
    size_t n_phases, n_rows;
    double left, width, height;
    struct gr_buf *b;
};

static void
put_text(struct picture *pic, double x, double y, const char *attributes, struct gr_str text)
{
    gr_buf_printf(pic->b, "<text x=\"%.0f\" y=\"%.0f\"%s>", x, y, attributes);
    gr_quote_html(pic->b, text);
    gr_buf_puts(pic->b, "</text>\n");
}

static void
survey(struct picture *pic)
{
    const struct power *p = pic->p;
    size_t longest = 20;

    for (size_t i = 0; i < p->n; i++) {
        bool known = false;

        for (size_t k = 0; k < pic->n_phases; k++)
            known = known || pic->phases[k] == p->rows[i].phase;
        if (!known && pic->n_phases < MODEL_PHASES_MAX)
            pic->phases[pic->n_phases++] = p->rows[i].phase;
    }
    for (size_t i = 0; i < p->m->n_guardrails; i++) {
        if (!power_compares(&p->m->guardrails[i]))
            continue;
        pic->n_rows++;
        longest = p->m->guardrails[i].name.n > longest ? p->m->guardrails[i].name.n : longest;
    }
    pic->left = MARGIN + CHAR_W * (double)(longest < 60 ? longest : 60) + 12;
    pic->width = pic->left + (double)pic->n_phases * (CELLS * CELL_W + PHASE_GAP) + MARGIN;
    pic->width = pic->width < 740 ? 740 : pic->width;
    pic->height = TOP + (double)pic->n_rows * CELL_H + 60;
}

static void
put_cell(struct picture *pic, double x, double y, double v, const char *title)
{
    const struct shade *s = shade_of(v);

    if (v >= INSIDE) {
        put_text(pic, x + (CELL_W - 2) / 2.0, y + 15, " text-anchor=\"middle\"", GR_STR("–"));
        return;
    }
    gr_buf_printf(
        pic->b,
        "<g><title>%s: %.1f%%</title><rect x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" fill=\"%s\"/>",
        title, 100 * v, x, y, CELL_W - 2, CELL_H - 2, s->fill);
    gr_buf_printf(pic->b,
                  "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\" style=\"fill:%s\">%.0f</text></g>\n",
                  x + (CELL_W - 2) / 2.0, y + 15, s->text, floor(100 * v));
}

/* Of several rows (sides, slices) of a guardrail in a phase the least. */
static bool
least(const struct picture *pic, const struct guardrail *g, const struct phase *phase, double out[CELLS])
{
    bool any = false;

    for (size_t i = 0; i < pic->p->n; i++) {
        const struct power_row *r = &pic->p->rows[i];

        if (r->g != g || r->phase != phase)
            continue;
        for (size_t k = 0; k < CELLS; k++) {
            double v = k < POWER_FACTORS ? r->detect[k] : r->twice;

            if (k < POWER_FACTORS && r->inside[k])
                v = INSIDE;
            out[k] = !any || v < out[k] ? v : out[k];
        }
        any = true;
    }
    return any;
}

static void
put_guardrail(struct picture *pic, const struct guardrail *g, double y)
{
    static const char *const what[CELLS] = {"1.4 times worse", "2 times worse", "4 times worse",
                                            "twice the limit"};

    put_text(pic, pic->left - 10, y + 15, " text-anchor=\"end\"", g->name);
    for (size_t k = 0; k < pic->n_phases; k++) {
        double x = pic->left + (double)k * (CELLS * CELL_W + PHASE_GAP), v[CELLS];

        if (!least(pic, g, pic->phases[k], v))
            continue;
        for (size_t c = 0; c < CELLS; c++)
            put_cell(pic, x + (double)c * CELL_W, y, v[c], what[c]);
    }
}

static void
put_heads(struct picture *pic)
{
    static const char *const titles[CELLS] = {"1.4×", "2×", "4×", "2× lim"};
    struct gr_buf b = GR_BUF_INIT(1000);

    for (size_t k = 0; k < pic->n_phases; k++) {
        double x = pic->left + (double)k * (CELLS * CELL_W + PHASE_GAP);

        gr_buf_reset(&b);
        gr_buf_printf(&b, GR_FMT ", ", GR_ARG(pic->phases[k]->name));
        gr_duration_print(&b, pic->phases[k]->min_ms);
        put_text(pic, x, TOP - 28, " class=\"h\"", gr_buf_str(&b));
        for (size_t c = 0; c < CELLS; c++)
            put_text(pic, x + (double)c * CELL_W + (CELL_W - 2) / 2.0, TOP - 8, " text-anchor=\"middle\"",
                     gr_str(titles[c]));
    }
    gr_buf_fini(&b);
}

static void
put_legend(struct picture *pic, double y)
{
    static const char *const texts[] = {"below 5%", "5% to 50%", "50% to 80%", "80% to 95%", "95% and more"};
    double x = MARGIN;

    for (size_t i = 0; i < GR_COUNT(shades); i++) {
        gr_buf_printf(pic->b,
                      "<rect x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"14\" fill=\"%s\" stroke=\"" TEXT
                      "\"/>\n",
                      x, y, shades[i].fill);
        put_text(pic, x + 20, y + 12, "", gr_str(texts[i]));
        x += 115;
    }
    put_text(pic, x, y + 12, "", GR_STR("– inside the limit"));
}

static void
put_title(struct picture *pic, double cap)
{
    const struct power *p = pic->p;
    double limit = power_cap(p, cap);
    struct gr_buf b = GR_BUF_INIT(4096);

    gr_buf_printf(&b,
                  GR_FMT ": regressions caught before a phase's minimum ends, in %% of phases (worst slice)",
                  GR_ARG(p->m->spec));
    put_text(pic, MARGIN, 26, " class=\"h\"", gr_buf_str(&b));
    gr_buf_reset(&b);
    gr_buf_printf(&b, "Healthy releases rolled back: at most %.2g%% of %u simulated",
                  100 * sim_upper(p->false_max, p->rollouts), p->rollouts);
    if (!isnan(limit))
        gr_buf_printf(&b, "; the budget is %.3g%%", 100 * limit);
    put_text(pic, MARGIN, 46, "", gr_buf_str(&b));
    gr_buf_fini(&b);
}

void
power_svg(const struct power *p, double cap, struct gr_buf *b)
{
    struct picture pic = {.p = p, .b = b};
    double y = TOP;

    survey(&pic);
    gr_buf_printf(b,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 "
                  "%.0f %.0f\" role=\"img\">\n"
                  "<style>text{font:12px sans-serif;fill:" TEXT "}.h{font-weight:bold}</style>\n",
                  pic.width, pic.height, pic.width, pic.height);
    put_title(&pic, cap);
    put_heads(&pic);
    for (size_t i = 0; i < p->m->n_guardrails; i++)
        if (power_compares(&p->m->guardrails[i])) {
            put_guardrail(&pic, &p->m->guardrails[i], y);
            y += CELL_H;
        }
    put_legend(&pic, y + 20);
    gr_buf_puts(b, "</svg>\n");
}
