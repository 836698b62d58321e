/* plots.h - what the plots of docs/evidence.md show. */
#ifndef GUARDRAIL_TESTS_SIMULATION_PLOTS_H
#define GUARDRAIL_TESTS_SIMULATION_PLOTS_H
#include "simulate.h"

/* threshold: log L that is evidence. Each prints one SVG. */
GR_MUST_USE enum gr_err plot_false(double threshold, struct sim_rng *rng);
GR_MUST_USE enum gr_err plot_caught(double threshold, struct sim_rng *rng);
GR_MUST_USE enum gr_err plot_paths(double threshold, struct sim_rng *rng);
#endif
