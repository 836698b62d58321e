#include "config.h"
#include "plots.h"

#include <stdio.h>

#include "evidence_math.h"
#include "plot.h"

#define TRIALS 4000u
#define ERRORS 0.01

static const double traffic[] = {50, 100, 200, 500, 1000, 2000, 5000};
static const char *const traffic_names[] = {"50", "100", "200", "500", "1000", "2000", "5000"};

static struct sim_test
ratio_test(double observations, double threshold, uint32_t slots)
{
    return (struct sim_test){.canary_total = observations,
                             .control_total = observations * 99,
                             .rate = ERRORS,
                             .limit = 1.4,
                             .min_events = 5,
                             .min_total = 200,
                             .threshold = threshold,
                             .window = 10,
                             .slots = slots};
}

static void
set_traffic(struct plot *p)
{
    p->x_name = "canary requests per slot";
    p->n_points = GR_COUNT(traffic);
    for (size_t i = 0; i < GR_COUNT(traffic); i++)
        p->x_labels[i] = traffic_names[i];
}

enum gr_err
plot_false(double threshold, struct sim_rng *rng)
{
    static struct plot_line lines[SIM_RULES] = {
        [SIM_EVIDENCE] = {.colour = "#2f8f5b", .dash = ""},
        [SIM_PLAIN] = {.colour = "#3b82c4", .dash = "6 3"},
        [SIM_NAIVE] = {.colour = "#d0483e", .dash = ""},
        [SIM_FOR_3] = {.colour = "#c07a1c", .dash = "8 4"},
        [SIM_MIN_COUNT] = {.colour = "#a45bb5", .dash = "2 3"},
    };
    struct plot p = {.title = "Healthy 20-minute phases rolled back by one guardrail (+40 %, φ = 4)",
                     .y_name = "percent",
                     .y_max = 70,
                     .y_step = 10,
                     .lines = lines,
                     .n_lines = SIM_RULES};

    set_traffic(&p);
    for (size_t i = 0; i < GR_COUNT(traffic); i++) {
        struct sim_test test = ratio_test(traffic[i], threshold, 10);
        struct sim_world world = {.dispersion = 4, .regression = 1};
        struct sim_tally tally;
        enum gr_err err = sim_estimate(&tally, &test, &world, TRIALS, rng);

        if (err != GR_OK)
            return err;
        for (int k = 0; k < SIM_RULES; k++)
            lines[k].y[i] = 100.0 * (double)tally.fired[k] / TRIALS;
    }
    for (int k = 0; k < SIM_RULES; k++)
        lines[k].name = sim_rule_name((enum sim_rule)k);
    plot_print(&p);
    return GR_OK;
}

enum gr_err
plot_caught(double threshold, struct sim_rng *rng)
{
    static struct plot_line lines[] = {
        {.name = "4×, φ = 1", .colour = "#d0483e", .dash = ""},
        {.name = "4×, φ = 4", .colour = "#d0483e", .dash = "6 3"},
        {.name = "2×, φ = 1", .colour = "#3b82c4", .dash = ""},
        {.name = "2×, φ = 4", .colour = "#3b82c4", .dash = "6 3"},
        {.name = "1.4×, φ = 1", .colour = "#2f8f5b", .dash = ""},
        {.name = "1.4×, φ = 4", .colour = "#2f8f5b", .dash = "6 3"},
    };
    static const double factors[] = {4, 2, 1.4};
    struct plot p = {.title = "Regressions caught within a 20-minute phase (error rate 1 %)",
                     .y_name = "percent",
                     .y_max = 100,
                     .y_step = 20,
                     .lines = lines,
                     .n_lines = GR_COUNT(lines)};

    set_traffic(&p);
    for (size_t l = 0; l < GR_COUNT(lines); l++)
        for (size_t i = 0; i < GR_COUNT(traffic); i++) {
            struct sim_test test = ratio_test(traffic[i], threshold, 9);
            struct sim_world world = {.dispersion = l % 2 ? 4 : 1, .regression = factors[l / 2]};
            struct sim_tally tally;
            enum gr_err err = sim_estimate(&tally, &test, &world, TRIALS, rng);

            if (err != GR_OK)
                return err;
            lines[l].y[i] = 100.0 * (double)tally.fired[SIM_EVIDENCE] / TRIALS;
        }
    plot_print(&p);
    return GR_OK;
}

/* -- single phases, slot by slot ----------------------------------------------------------------------------------------------- */

#define SLOTS 40u
#define PATHS 12u
#define REQUESTS 1000.0
#define DISPERSION 2.0

/* The sums grow as the rules' do; `y` of slot t is the evidence after it, on whatever side. */
static void
walk(double y[PLOT_POINTS_MAX], const struct sim_table *healthy, const struct sim_table *late,
     const struct sim_table *control, uint32_t onset, struct sim_rng *rng)
{
    struct evidence_counts e = {.slots = 0};
    double sum = 0, square = 0;

    for (uint32_t t = 0; t < SLOTS; t++) {
        double canary = sim_table_draw(t < onset ? healthy : late, rng), other = sim_table_draw(control, rng);
        double u = evidence_score(canary / REQUESTS, other / (99 * REQUESTS), REQUESTS, 99 * REQUESTS);

        e.canary.bad += canary;
        e.control.bad += other;
        e.canary.weight = e.canary.total += REQUESTS;
        e.control.weight = e.control.total += 99 * REQUESTS;
        sum += u;
        square += u * u;
        e.slots++;
        e.stdvar = square / e.slots - sum / e.slots * (sum / e.slots);
        y[t] = evidence_counts(&e);
    }
}

static enum gr_err
slot_table(struct sim_table *t, double observations, double factor)
{
    double rate = ERRORS * factor;

    return sim_table_init(t, observations * rate, DISPERSION * observations * rate * (1 - rate));
}

enum gr_err
plot_paths(double threshold, struct sim_rng *rng)
{
    static struct plot_line lines[PATHS + 4];
    static const char *const ticks[] = {"2 min", "20 min", "40 min", "60 min", "80 min"};
    struct plot p = {.title = "Evidence slot by slot (1000 canary requests per slot, φ = 2)",
                     .x_name = "since the start of the phase",
                     .y_name = "log Λ",
                     .y_min = -4,
                     .y_max = 18,
                     .y_step = 2,
                     .n_points = SLOTS,
                     .lines = lines,
                     .n_lines = PATHS + 4};
    struct sim_table healthy = {0}, twice = {0}, four = {0}, control = {0};
    enum gr_err err;

    for (size_t i = 0; i < GR_COUNT(ticks); i++)
        p.x_labels[i == 0 ? 0 : 10 * i - 1] = ticks[i];
    if ((err = slot_table(&healthy, REQUESTS, 1)) != GR_OK ||
        (err = slot_table(&twice, REQUESTS, 2)) != GR_OK || (err = slot_table(&four, REQUESTS, 4)) != GR_OK ||
        (err = slot_table(&control, 99 * REQUESTS, 1)) != GR_OK)
        goto done;
    for (size_t i = 0; i < PATHS; i++) {
        lines[i] = (struct plot_line){.name = "", .colour = "#8a8a8a", .dash = "", .thin = i > 0};
        walk(lines[i].y, &healthy, &healthy, &control, 0, rng);
    }
    lines[0].name = "twelve healthy phases";
    lines[PATHS] = (struct plot_line){.name = "twice the errors", .colour = "#3b82c4", .dash = ""};
    walk(lines[PATHS].y, &healthy, &twice, &control, 0, rng);
    lines[PATHS + 1] = (struct plot_line){.name = "… from 20 min on", .colour = "#3b82c4", .dash = "6 3"};
    walk(lines[PATHS + 1].y, &healthy, &twice, &control, 10, rng);
    lines[PATHS + 2] =
        (struct plot_line){.name = "four times, from 20 min", .colour = "#d0483e", .dash = "6 3"};
    walk(lines[PATHS + 2].y, &healthy, &four, &control, 10, rng);
    lines[PATHS + 3] = (struct plot_line){.name = "evidence: ln(1/(2α))", .colour = "#2f8f5b", .dash = "2 3"};
    for (size_t t = 0; t < SLOTS; t++)
        lines[PATHS + 3].y[t] = threshold;
    plot_print(&p);
done:
    sim_table_fini(&healthy);
    sim_table_fini(&twice);
    sim_table_fini(&four);
    sim_table_fini(&control);
    return err;
}
