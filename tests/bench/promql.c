/* promql.c - how fast PromQL is parsed, checked and printed, and with how much memory.
 *
 *     promql [RULES.yml]…
 *
 * Measures lists of generated expressions of 0.1, 1 and 10 MB, single expressions of 10, 100 and 1,000 kB, and every expression of the
 * rule files, read again until 10 MB are through. CPU time of this process; of three rounds the best. A line each:
 *
 *     what                 bytes    exprs   parse MB/s  print MB/s   arena bytes/byte   allocations/expr */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "../unit/fault.h"
#include "../unit/rules/promql_gen.h"
#include "guardrail/file.h"
#include "guardrail/node.h"
#include "guardrail/promql.h"

#define ROUNDS 3
#define ARENA_MAX ((size_t)1 << 30)
#define TEXT_MAX ((size_t)64 << 20)
#define RULES_BYTES ((size_t)10 << 20)

struct result {
    size_t bytes, exprs, arena;
    unsigned allocations;
    double parse_s, print_s;
};

static double
cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Parses and prints one expression; false unless it is good. */
static bool
measure(struct gr_str text, struct gr_diags *diags, struct gr_buf *out, struct result *r)
{
    double start = cpu_s(), parsed;
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct gr_promql *e = NULL;
    bool good = a && gr_promql_parse(a, text, GR_SPAN_NONE, diags, &e) == GR_OK;

    parsed = cpu_s();
    gr_buf_reset(out);
    if (good)
        gr_promql_pretty(out, e, 100);
    r->print_s += cpu_s() - parsed;
    r->parse_s += parsed - start;
    r->bytes += text.n;
    r->exprs++;
    r->arena += gr_arena_used(a);
    gr_arena_free(a);
    return good && gr_buf_err(out) == GR_OK;
}

/* All expressions of a list, each ended by NUL, until `bytes` are through. */
static bool
run(const char *what, struct gr_str list, size_t bytes)
{
    struct result best = {0};
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_buf out = GR_BUF_INIT(TEXT_MAX);
    bool good = diags != NULL;

    for (int i = 0; i < ROUNDS && good; i++) {
        struct result r = {0};

        fault_watch();
        while (good && r.bytes < bytes) {
            struct gr_str rest = list, text;

            while (good && r.bytes < bytes && gr_str_next(&rest, '\0', &text))
                good = text.n == 0 || measure(text, diags, &out, &r);
        }
        r.allocations = fault_count(FAULT_REALLOC);
        fault_off();
        if (i == 0 || r.parse_s + r.print_s < best.parse_s + best.print_s)
            best = r;
    }
    if (good)
        printf("%-22s %10zu %8zu %11.1f %11.1f %18.1f %18.1f\n", what, best.bytes, best.exprs,
               (double)best.bytes / best.parse_s * 1e-6, (double)best.bytes / best.print_s * 1e-6,
               (double)best.arena / (double)best.bytes, (double)best.allocations / (double)best.exprs);
    else
        fprintf(stderr, "promql: %s: an expression does not parse\n", what);
    gr_buf_fini(&out);
    gr_diags_free(diags);
    gr_sources_free(sources);
    return good;
}

static bool
is_valid(struct gr_str text, struct gr_diags *diags)
{
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct gr_promql *e = NULL;
    bool valid = a && gr_promql_parse(a, text, GR_SPAN_NONE, diags, &e) == GR_OK;

    gr_arena_free(a);
    return valid;
}

/* Generated expressions of so many bytes; the few that break a rule of matching are left out. */
static bool
generated(const char *what, size_t bytes)
{
    struct gr_buf list = GR_BUF_INIT(TEXT_MAX);
    struct gen g = {.state = 4711, .out = &list};
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    bool good = diags != NULL;

    while (good && list.n < bytes && gr_buf_err(&list) == GR_OK) {
        size_t from = list.n;

        gen_expression(&g, false);
        if (list.n > from && is_valid(gr_str_sub(gr_buf_str(&list), from, list.n), diags))
            gr_buf_putc(&list, '\0');
        else
            gr_buf_cut(&list, from);
    }
    good = good && gr_buf_err(&list) == GR_OK && run(what, gr_buf_str(&list), bytes);
    gr_buf_fini(&list);
    gr_diags_free(diags);
    gr_sources_free(sources);
    return good;
}

/* One expression of about so many bytes: a sum of few, ever wider aggregations. */
static bool
single(const char *what, size_t bytes)
{
    struct gr_buf list = GR_BUF_INIT(TEXT_MAX);
    bool good;

    while (list.n + 1000 < bytes && gr_buf_err(&list) == GR_OK) {
        gr_buf_puts(&list, list.n > 0 ? " or " : "");
        gr_buf_puts(
            &list,
            "sum by (cluster, venue) (rate(orders_total{track=\"canary\",venue=~\"X.*|Y\"}[5m] offset 1m)");
        for (unsigned i = 0; i < 8; i++)
            gr_buf_puts(&list,
                        " * on (cluster) group_left (phase) (guardrail:open{spec=\"demo\"} > bool 0.5)");
        gr_buf_putc(&list, ')');
    }
    good = gr_buf_err(&list) == GR_OK && run(what, gr_buf_str(&list), list.n);
    gr_buf_fini(&list);
    return good;
}

/* The expressions of one rule file, without a look at anything else. */
static bool
rule_file(const char *path)
{
    struct gr_buf text = GR_BUF_INIT(TEXT_MAX), list = GR_BUF_INIT(TEXT_MAX);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = sources ? gr_diags_create(sources) : NULL;
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct gr_node *root = NULL;
    uint32_t file;
    bool good = diags && a && gr_file_read(path, &text) == GR_OK &&
                gr_sources_add(sources, gr_str(path), gr_buf_str(&text), &file) == GR_OK &&
                gr_yaml_read(a, sources, file, &gr_node_limits_default, diags, &root) == GR_OK;

    gr_node_each (group, good ? gr_node_get(root, "groups") : NULL) {
        gr_node_each (rule, gr_node_get(group, "rules")) {
            const struct gr_node *expr = gr_node_get(rule, "expr");

            if (!expr)
                continue;
            gr_buf_put(&list, expr->text);
            gr_buf_putc(&list, '\0');
        }
    }
    good = good && list.n > 0 && gr_buf_err(&list) == GR_OK && run("rules", gr_buf_str(&list), RULES_BYTES);
    if (!good)
        fprintf(stderr, "promql: %s: no rules to read\n", path);
    gr_buf_fini(&text);
    gr_buf_fini(&list);
    gr_diags_free(diags);
    gr_sources_free(sources);
    gr_arena_free(a);
    return good;
}

int
main(int argc, char **argv)
{
    bool good = true;

    printf("%-22s %10s %8s %11s %11s %18s %18s\n", "what", "bytes", "exprs", "parse MB/s", "print MB/s",
           "arena bytes/byte", "allocations/expr");
    good = generated("generated, 0.1 MB", 100000) && generated("generated, 1 MB", 1000000) &&
           generated("generated, 10 MB", 10000000);
    good = good && single("one of 10 kB", 10000) && single("one of 100 kB", 100000) &&
           single("one of 1,000 kB", 1000000);
    for (int i = 1; i < argc; i++)
        good = rule_file(argv[i]) && good;
    return good ? 0 : 1;
}
