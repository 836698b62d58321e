/* releases.c - what evidence is worth, in numbers: tables as Markdown, plots as SVG, and a short check.
 *
 *   releases check SPEC SEED           a few seconds; exit status 1 when a bound does not hold
 *   releases tables SPEC SEED N        N healthy rollouts per row; `healthy`, `bad` … (all_tables) for one alone
 *   releases false|caught|paths SPEC SEED    one SVG to standard output
 */
#include "config.h"
#include "release.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "guardrail/diag.h"
#include "guardrail/number.h"
#include "plots.h"
#include "spec.h"

#define ARENA_BYTES (64u << 20)

static const double traffic[] = {50, 200, 1000, 5000};
static const double factors[] = {1.4, 2, 4};

/* What all modes share. */
struct bench {
    const struct model *m;
    struct sim_rng rng;
    uint64_t trials;
};

struct place {
    const char *name;
    struct sim_world world;
};
#define HEALTHY(phi) .dispersion = (phi), .regression = 1
static const struct place places[] = {
    {"φ = 1", {HEALTHY(1)}},
    {"φ = 2", {HEALTHY(2)}},
    {"φ = 4", {HEALTHY(4)}},
    {"φ = 4, both cohorts' rates jump together each slot (±30 %)", {HEALTHY(4), .shared = 0.3}},
    {"φ = 4, rates and traffic ±50 % over 3 h", {HEALTHY(4), .diurnal = 0.5, .period = 90}},
    {"φ = 4, 5 % of slots missing, a canary restart every 20 slots",
     {HEALTHY(4), .missing = 0.05, .restart = 0.05}},
};

static double
percent(uint64_t k, uint64_t n)
{
    return 100 * (double)k / (double)n;
}

/* -- tables -------------------------------------------------------------------------------------------------------------------- */

static void
header(const char *first, const char *const *columns, size_t n)
{
    printf("| %s |", first);
    for (size_t i = 0; i < n; i++)
        printf(" %s |", columns[i]);
    printf("\n|---|");
    for (size_t i = 0; i < n; i++)
        printf("---:|");
    printf("\n");
}

static void
rules_header(const char *first)
{
    const char *names[SIM_RULES];

    for (int k = 0; k < SIM_RULES; k++)
        names[k] = sim_rule_name((enum sim_rule)k);
    header(first, names, SIM_RULES);
}

/* "0.31 (0.38)": percent, and its upper 95 % bound. */
static void
cell(uint64_t k, uint64_t n)
{
    printf(" %.2f (%.2f) |", percent(k, n), 100 * sim_upper(k, n));
}

static enum gr_err
false_rows(struct bench *b, const struct place *place, enum which which, struct assumptions a,
           const char *what)
{
    struct release_tally tally;
    static struct release r; /* too large for the stack */
    enum gr_err err = release_of(&r, b->m, &a);

    if (err == GR_OK)
        err = release_play(&tally, &r, which, &place->world, b->trials, &b->rng);
    if (err != GR_OK)
        return err;
    printf("| %s, %s; minimum |", place->name, what);
    for (int k = 0; k < SIM_RULES; k++)
        cell(tally.least[k], tally.rollouts);
    printf("\n| … four times the minimum |");
    for (int k = 0; k < SIM_RULES; k++)
        cell(tally.whole[k], tally.rollouts);
    printf("\n");
    fflush(stdout);
    return GR_OK;
}

static enum gr_err
false_table(struct bench *b, enum level level, size_t n_places)
{
    enum gr_err err = GR_OK;
    char what[80];

    printf("\n### Healthy releases %s\n\nPercent of %llu simulated rollouts of %.*s (%llu %s tests), "
           "upper 95 %% bound in parentheses.\n\n",
           level == LEVEL_HARD ? "rolled back" : "with a soft breach", (unsigned long long)b->trials,
           GR_ARG(b->m->spec), (unsigned long long)model_tests(b->m, level), level_name(level));
    rules_header("canary observations per slot and slice");
    for (size_t i = 0; i < n_places; i++)
        for (size_t t = 0; t < GR_COUNT(traffic) && err == GR_OK; t++) {
            struct assumptions a = ASSUME;

            a.level = level;
            a.observations = traffic[t];
            snprintf(what, sizeof what, "%.0f", traffic[t]);
            err = false_rows(b, &places[i], WHICH_ALL, a, what);
        }
    return err;
}

static enum gr_err
hard_table(struct bench *b)
{
    return false_table(b, LEVEL_HARD, GR_COUNT(places));
}

static enum gr_err
soft_table(struct bench *b)
{
    return false_table(b, LEVEL_SOFT, 3); /* by dispersion only */
}

static enum gr_err
gauge_table(struct bench *b)
{
    static const double noises[] = {0.25, 0.5, 1, 2};
    static const double rhos[] = {0, 0.3, 0.6};
    static const struct place place = {"gauges", {HEALTHY(1)}};
    enum gr_err err = GR_OK;
    char what[80];

    printf("\n### Healthy releases rolled back by gauges alone\n\nA slot's standard deviation in hard "
           "limits, and the lag-1 "
           "autocorrelation of slots.\n\n");
    rules_header("noise, autocorrelation");
    for (size_t i = 0; i < GR_COUNT(noises); i++)
        for (size_t k = 0; k < GR_COUNT(rhos) && err == GR_OK; k++) {
            struct assumptions a = ASSUME;

            a.noise = noises[i];
            a.rho = rhos[k];
            snprintf(what, sizeof what, "%.2f, %.1f", a.noise, a.rho);
            err = false_rows(b, &place, WHICH_GAUGES, a, what);
        }
    return err;
}

/* One ratio of bad events at `bad`, hard +40 %, in the first phase: 10 slots, of which the gate lets 9 count. */
static struct sim_test
ratio_test(const struct bench *b, double observations, double bad, uint32_t slots)
{
    return (struct sim_test){.canary_total = observations,
                             .control_total = observations * 99,
                             .rate = bad,
                             .limit = 1.4,
                             .floor = 0.0005,
                             .min_events = 5,
                             .min_total = 200,
                             .threshold = model_evidence_threshold(b->m, LEVEL_HARD),
                             .window = 10,
                             .slots = slots};
}

static struct sim_test
gauge_test(const struct bench *b, double noise, double rho, uint32_t slots)
{
    return (struct sim_test){.kind = SIM_GAUGE,
                             .noise = noise,
                             .rho = rho,
                             .limit = 1.25,
                             .threshold = model_evidence_threshold(b->m, LEVEL_HARD),
                             .window = 10,
                             .slots = slots};
}

static enum gr_err
caught_row(struct bench *b, const char *name, const struct sim_test *test, const struct sim_world *world)
{
    struct sim_tally tally;
    enum gr_err err = sim_estimate(&tally, test, world, b->trials, &b->rng);

    if (err != GR_OK)
        return err;
    printf("| %s |", name);
    for (int k = 0; k < SIM_RULES; k++)
        if (tally.fired[k] > 0)
            printf(" %.1f (%.1f) |", percent(tally.fired[k], tally.trials),
                   (double)tally.slots[k] / (double)tally.fired[k]);
        else
            printf(" 0.0 |");
    printf("\n");
    fflush(stdout);
    return GR_OK;
}

static enum gr_err
caught_table(struct bench *b, double bad, uint32_t slots)
{
    enum gr_err err = GR_OK;
    char name[80];

    printf(
        "\n### Regressions caught, error rate %g %%, %u counted slots\n\nPercent of phases; mean slot of the "
        "first finding in parentheses.\n\n",
        100 * bad, slots);
    rules_header("dispersion, requests per slot, regression");
    for (int phi = 1; phi <= 4; phi *= 2)
        for (size_t t = 0; t < GR_COUNT(traffic); t++)
            for (size_t f = 0; f < GR_COUNT(factors) && err == GR_OK; f++) {
                struct sim_test test = ratio_test(b, traffic[t], bad, slots);
                struct sim_world world = {.dispersion = phi, .regression = factors[f]};

                snprintf(name, sizeof name, "φ = %d, %.0f, %g×", phi, traffic[t], factors[f]);
                err = caught_row(b, name, &test, &world);
            }
    return err;
}

static enum gr_err
caught_gauges(struct bench *b)
{
    static const double noises[] = {0.025, 0.05, 0.1, 0.2};
    enum gr_err err = GR_OK;
    char name[80];

    printf("\n### Gauges, hard limit +25 %%, 9 counted slots\n\n");
    rules_header("noise of a slot, autocorrelation, regression");
    for (size_t n = 0; n < GR_COUNT(noises); n++)
        for (int rho = 0; rho <= 6; rho += 6)
            for (size_t f = 0; f < GR_COUNT(factors) && err == GR_OK; f++) {
                struct sim_test test = gauge_test(b, noises[n], rho / 10.0, 9);
                struct sim_world world = {.dispersion = 1, .regression = factors[f]};

                snprintf(name, sizeof name, "%g %%, %.1f, %g×", 100 * noises[n], rho / 10.0, factors[f]);
                err = caught_row(b, name, &test, &world);
            }
    return err;
}

/* The 99th percentile, hard +20 %: latencies grow by the factor. */
static enum gr_err
caught_quantiles(struct bench *b)
{
    static const double slower[] = {1.2, 1.4, 2, 4};
    enum gr_err err = GR_OK;
    char name[80];

    printf("\n### 99th percentile of latency, hard +20 %%, 9 counted slots\n\nLog-normal latencies, log "
           "standard "
           "deviation 0.5.\n\n");
    rules_header("dispersion, requests per slot, slower by");
    for (int phi = 1; phi <= 4; phi *= 4)
        for (size_t t = 0; t < GR_COUNT(traffic); t++)
            for (size_t f = 0; f < GR_COUNT(slower) && err == GR_OK; f++) {
                struct sim_test test = ratio_test(b, traffic[t], 0.01, 9);
                struct sim_world world = {.dispersion = phi,
                                          .regression = sim_quantile_share(0.99, 0.5, slower[f]) / 0.01};

                test.limit = sim_quantile_share(0.99, 0.5, 1.2) / 0.01;
                snprintf(name, sizeof name, "φ = %d, %.0f, %g×", phi, traffic[t], slower[f]);
                err = caught_row(b, name, &test, &world);
            }
    return err;
}

static const struct {
    uint32_t onset, leak;
} late[] = {{0, 0}, {5, 0}, {10, 0}, {20, 0}, {30, 0}, {0, 20}, {0, 40}};

/* One row per way to be late. */
static enum gr_err
late_rows(struct bench *b, const char *name, const struct sim_test *test, struct sim_world world)
{
    enum gr_err err = GR_OK;
    char row[120];

    for (size_t i = 0; i < GR_COUNT(late) && err == GR_OK; i++) {
        world.onset = late[i].onset;
        world.leak = late[i].leak;
        snprintf(row, sizeof row, late[i].leak ? "%s, growing over %u slots" : "%s, from slot %u", name,
                 late[i].leak ? late[i].leak : late[i].onset + 1);
        err = caught_row(b, row, test, &world);
    }
    return err;
}

static enum gr_err
late_table(struct bench *b)
{
    enum gr_err err = GR_OK;
    char name[80];

    printf("\n### Late onset and slow leaks, error rate 1 %%, 39 counted slots (four times the minimum)\n\n"
           "The slot in parentheses counts from the phase's start.\n\n");
    rules_header("dispersion, requests per slot, regression, how");
    for (int phi = 1; phi <= 4; phi *= 4)
        for (size_t t = 1; t < GR_COUNT(traffic) - 1; t++)
            for (size_t f = 1; f < GR_COUNT(factors) && err == GR_OK; f++) {
                struct sim_test test = ratio_test(b, traffic[t], 0.01, 39);

                snprintf(name, sizeof name, "φ = %d, %.0f, %g×", phi, traffic[t], factors[f]);
                err = late_rows(b, name, &test,
                                (struct sim_world){.dispersion = phi, .regression = factors[f]});
            }
    return err;
}

static enum gr_err
late_gauges(struct bench *b)
{
    enum gr_err err = GR_OK;
    char name[80];

    printf("\n### Late onset and slow leaks of gauges, hard limit +25 %%, 39 counted slots\n\n"
           "Slots vary by 5 %% with an autocorrelation of 0.6.\n\n");
    rules_header("regression, how");
    for (size_t f = 0; f < GR_COUNT(factors) && err == GR_OK; f++) {
        struct sim_test test = gauge_test(b, 0.05, 0.6, 39);

        snprintf(name, sizeof name, "%g×", factors[f]);
        err = late_rows(b, name, &test, (struct sim_world){.dispersion = 1, .regression = factors[f]});
    }
    return err;
}

/* How often a single healthy test fires, next to the alpha it was given. */
static enum gr_err
single_table(struct bench *b)
{
    static const double rates[] = {0.001, 0.01, 0.1};
    static const char *const columns[] = {"φ = 1", "φ = 2", "φ = 4", "φ = 8"};
    double alpha = 1e6 * exp(-model_evidence_threshold(b->m, LEVEL_HARD)) / 2;

    printf("\n### One ratio, hard +40 %%, 39 counted slots\n\nHealthy phases rolled back, in a million, of "
           "%llu each; "
           "α is %.1f in a million.\n\n",
           (unsigned long long)b->trials * 50, alpha);
    header("error rate, requests per slot", columns, GR_COUNT(columns));
    for (size_t r = 0; r < GR_COUNT(rates); r++)
        for (size_t t = 0; t < GR_COUNT(traffic); t++) {
            printf("| %g %%, %.0f |", 100 * rates[r], traffic[t]);
            for (int phi = 1; phi <= 8; phi *= 2) {
                struct sim_test test = ratio_test(b, traffic[t], rates[r], 39);
                struct sim_world world = {.dispersion = phi, .regression = 1};
                struct sim_tally tally;
                enum gr_err err = sim_estimate(&tally, &test, &world, b->trials * 50, &b->rng);

                if (err != GR_OK)
                    return err;
                printf(" %.0f |", 1e4 * percent(tally.fired[SIM_EVIDENCE], tally.trials));
            }
            printf("\n");
            fflush(stdout);
        }
    return GR_OK;
}

static enum gr_err
caught_in_least(struct bench *b)
{
    return caught_table(b, 0.01, 9);
}

static enum gr_err
caught_in_most(struct bench *b)
{
    return caught_table(b, 0.01, 39);
}

/* Each with the seed from the start, so that one alone gives the same numbers. */
static const struct {
    const char *mode;
    enum gr_err (*print)(struct bench *b);
    uint64_t divide; /* percents need fewer rollouts than hundredths of one */
} all_tables[] = {
    {"healthy", hard_table, 1},         {"healthy-soft", soft_table, 4},
    {"healthy-gauges", gauge_table, 1}, {"healthy-tests", single_table, 1},
    {"bad", caught_in_least, 4},        {"bad-long", caught_in_most, 4},
    {"bad-gauges", caught_gauges, 4},   {"bad-quantiles", caught_quantiles, 4},
    {"bad-late", late_table, 4},        {"bad-late-gauges", late_gauges, 4},
};

/* -- check ------------------------------------------------------------------------------------------------------------------ */

static bool failed;

static void
expect(bool holds, const char *what, uint64_t k, uint64_t n)
{
    printf("%s - %s: %llu of %llu\n", holds ? "ok" : "not ok", what, (unsigned long long)k,
           (unsigned long long)n);
    if (!holds)
        failed = true;
}

struct bound_row {
    const char *name;
    double dispersion, observations, noise;
    enum which which;
};
/* Budget 1 %. Of 400 rollouts at most 4 are expected at the budget; 12 at the budget itself has a chance below 0.1 %, and what was
 * measured (docs/evidence.md) lies below the budget. Without the correction hundreds are rolled back. */
#define ROLLOUTS 400u
#define ROLLED_BACK_MAX 12u
static const struct bound_row bounds[] = {
    {"healthy, dispersion 1, 1000 a slot", 1, 1000, 0.5, WHICH_COUNTS},
    {"healthy, dispersion 4, 200 a slot", 4, 200, 0.5, WHICH_COUNTS},
    {"healthy, dispersion 4, 1000 a slot", 4, 1000, 0.5, WHICH_COUNTS},
    {"healthy, autocorrelated gauges, noise of half a limit", 1, 200, 0.5, WHICH_GAUGES},
    {"healthy, autocorrelated gauges, noise of a limit", 1, 200, 1, WHICH_GAUGES},
};

static enum gr_err
check(struct bench *b)
{
    static struct release r;
    enum gr_err err = GR_OK;
    struct sim_tally caught;

    for (size_t i = 0; i < GR_COUNT(bounds) && err == GR_OK; i++) {
        struct sim_world world = {.dispersion = bounds[i].dispersion, .regression = 1};
        struct assumptions a = ASSUME;
        struct release_tally tally = {0};

        a.observations = bounds[i].observations;
        a.noise = bounds[i].noise;
        if ((err = release_of(&r, b->m, &a)) == GR_OK)
            err = release_play(&tally, &r, bounds[i].which, &world, ROLLOUTS, &b->rng);
        if (err == GR_OK)
            expect(tally.whole[SIM_EVIDENCE] <= ROLLED_BACK_MAX, bounds[i].name, tally.whole[SIM_EVIDENCE],
                   tally.rollouts);
    }
    for (int phi = 1; phi <= 4 && err == GR_OK; phi += 3) {
        struct sim_test test = ratio_test(b, phi == 1 ? 200 : 1000, 0.01, 9);
        struct sim_world world = {.dispersion = phi, .regression = 4};

        if ((err = sim_estimate(&caught, &test, &world, 4000, &b->rng)) == GR_OK)
            expect(caught.fired[SIM_EVIDENCE] >= 3800,
                   phi == 1 ? "4x caught, dispersion 1, 200 a slot" : "4x caught, dispersion 4, 1000 a slot",
                   caught.fired[SIM_EVIDENCE], caught.trials);
    }
    return err;
}

/* -- main ---------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *mode;
    enum gr_err (*print)(double threshold, struct sim_rng *rng);
} plots[] = {
    {"caught", plot_caught},
    {"false", plot_false},
    {"paths", plot_paths},
};

static enum gr_err
run_tables(struct bench *b, struct gr_str mode, uint64_t seed)
{
    uint64_t rollouts = b->trials;
    bool every = gr_str_is(mode, "tables"), any = false;
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < GR_COUNT(all_tables) && err == GR_OK; i++) {
        if (!every && !gr_str_is(mode, all_tables[i].mode))
            continue;
        sim_rng_seed(&b->rng, seed);
        b->trials = (rollouts + all_tables[i].divide - 1) / all_tables[i].divide;
        err = all_tables[i].print(b);
        any = true;
    }
    return any ? err : GR_EUSER;
}

static enum gr_err
run(struct bench *b, struct gr_str mode, uint64_t seed)
{
    sim_rng_seed(&b->rng, seed);
    if (gr_str_is(mode, "check"))
        return check(b);
    for (size_t i = 0; i < GR_COUNT(plots); i++)
        if (gr_str_is(mode, plots[i].mode))
            return plots[i].print(model_evidence_threshold(b->m, LEVEL_HARD), &b->rng);
    return run_tables(b, mode, seed);
}

int
main(int argc, char **argv)
{
    struct gr_arena *arena = gr_arena_create(ARENA_BYTES);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct model *m = NULL;
    struct bench b = {.trials = 0};
    uint64_t seed;
    enum gr_err err = GR_EUSER;

    if (!arena || !sources || !diags)
        return 3;
    if (argc < 4 || gr_parse_u64(gr_str(argv[3]), UINT64_MAX, &seed) != GR_OK ||
        (argc > 4 && gr_parse_u64(gr_str(argv[4]), 10000000, &b.trials) != GR_OK))
        goto done;
    if (spec_open(arena, sources, argv[2], (struct spec_options){.time_scale = 1, .now_s = 0}, diags, &m) !=
        GR_OK)
        goto done;
    b.m = m;
    if (b.trials == 0)
        b.trials = 20000;
    err = run(&b, gr_str(argv[1]), seed);
done:
    if (err != GR_OK)
        fprintf(stderr,
                "usage: releases check|tables|healthy|bad|false|caught|paths SPEC SEED [ROLLOUTS]: %s\n",
                gr_err_name(err));
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_arena_free(arena);
    return err != GR_OK ? 2 : failed ? 1 : 0;
}
