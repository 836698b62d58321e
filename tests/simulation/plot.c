#include "config.h"
#include "plot.h"

#include <stdio.h>

/*  LEFT                      RIGHT
 *    +------------------------+    names
 *    |                        |
 *    +------------------------+ */
#define WIDTH 760
#define HEIGHT 360
#define LEFT 60.0
#define RIGHT 560.0
#define TOP 44.0
#define BOTTOM 300.0
/* Mid grey: at least 4 : 1 on white and on near-black. */
#define INK "#7d7d7d"

static double
x_of(const struct plot *p, size_t i)
{
    return LEFT + (RIGHT - LEFT) * (double)i / (double)(p->n_points > 1 ? p->n_points - 1 : 1);
}

static double
y_of(const struct plot *p, double y)
{
    double at = y < p->y_min ? p->y_min : y > p->y_max ? p->y_max : y;

    return BOTTOM - (BOTTOM - TOP) * (at - p->y_min) / (p->y_max - p->y_min);
}

static void
print_axes(const struct plot *p)
{
    printf("<text x=\"%.0f\" y=\"24\" font-size=\"15\" font-weight=\"bold\">%s</text>\n", LEFT, p->title);
    for (double y = p->y_min; y <= p->y_max + 1e-9; y += p->y_step) {
        printf("<path d=\"M%.0f %.1fH%.0f\" stroke=\"" INK "\" stroke-opacity=\"0.25\"/>\n", LEFT, y_of(p, y),
               RIGHT);
        printf("<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", LEFT - 8, y_of(p, y) + 4, y);
    }
    for (size_t i = 0; i < p->n_points; i++)
        if (p->x_labels[i])
            printf("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>\n", x_of(p, i), BOTTOM + 20,
                   p->x_labels[i]);
    printf("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>\n", (LEFT + RIGHT) / 2, BOTTOM + 44,
           p->x_name);
    printf("<text transform=\"translate(16 %.0f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
           (TOP + BOTTOM) / 2, p->y_name);
}

static void
print_line(const struct plot *p, const struct plot_line *l)
{
    printf("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s%s%s points=\"", l->colour,
           l->thin ? "1" : "2.5", *l->dash ? " stroke-dasharray=\"" : "", l->dash, *l->dash ? "\"" : "");
    for (size_t i = 0; i < p->n_points; i++)
        printf("%s%.1f,%.1f", i > 0 ? " " : "", x_of(p, i), y_of(p, l->y[i]));
    printf("\"/>\n");
}

static void
print_names(const struct plot *p)
{
    double y = TOP + 6;

    for (size_t i = 0; i < p->n_lines; i++) {
        const struct plot_line *l = &p->lines[i];

        if (l->thin)
            continue;
        printf("<path d=\"M%.0f %.0fh26\" stroke=\"%s\" stroke-width=\"2.5\"%s%s%s/>\n", RIGHT + 16, y,
               l->colour, *l->dash ? " stroke-dasharray=\"" : "", l->dash, *l->dash ? "\"" : "");
        printf("<text x=\"%.0f\" y=\"%.0f\">%s</text>\n", RIGHT + 50, y + 4, l->name);
        y += 22;
    }
}

void
plot_print(const struct plot *p)
{
    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
           "role=\"img\" "
           "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"" INK "\">\n<title>%s</title>\n",
           WIDTH, HEIGHT, WIDTH, HEIGHT, p->title);
    print_axes(p);
    for (size_t i = 0; i < p->n_lines; i++)
        print_line(p, &p->lines[i]);
    print_names(p);
    printf("</svg>\n");
}
