/* plot.h - the plots of docs/evidence.md, as SVG on standard output; colours that read on light and on dark. */
#ifndef GUARDRAIL_TESTS_SIMULATION_PLOT_H
#define GUARDRAIL_TESTS_SIMULATION_PLOT_H
#include "simulate.h"

#define PLOT_POINTS_MAX 64u
struct plot_line {
    const char *name;
    const char *colour; /* #rrggbb */
    const char *dash;   /* stroke-dasharray; empty: solid */
    bool thin;          /* one of many; not named */
    double y[PLOT_POINTS_MAX];
};
struct plot {
    const char *title, *x_name, *y_name;
    const char *x_labels[PLOT_POINTS_MAX]; /* NULL: no tick there */
    size_t n_points;                       /* evenly spaced */
    double y_min, y_max, y_step;
    const struct plot_line *lines;
    size_t n_lines;
};
void plot_print(const struct plot *p);
#endif
