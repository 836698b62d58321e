/* guardrailc.c - the compiler's main: finds the command, prints help. */
#include "config.h"
#include "command.h"

#include <stdio.h>
#include <stdlib.h>

static const struct command commands[] = {
    {"check", "SPEC…", "report everything that is wrong with a specification",
     "  guardrailc check guardrails.yml\n  guardrailc check --strict --format json guardrails.yml\n",
     check_options, check_run},
    {"compile", "SPEC", "write rules, routes, dashboards and policy",
     "  guardrailc compile guardrails.yml -o compiled/\n  guardrailc compile guardrails.yml -o compiled/ "
     "--check\n  guardrailc compile guardrails.yml -o compiled/ --target operator\n",
     compile_options, compile_run},
    {"completion", "bash|fish|zsh", "print a shell's completion script",
     "  guardrailc completion bash > /etc/bash_completion.d/guardrailc\n  guardrailc completion fish > "
     "~/.config/fish/completions/guardrailc.fish\n",
     completion_options, completion_run},
    {"diff", "OLD NEW", "tell what changed between two specifications or trees, and what was loosened",
     "  guardrailc diff old.yml new.yml\n  guardrailc diff guardrails.yml --against main --format markdown\n"
     "  guardrailc diff compiled/ guardrails.yml --changelog governance/change_log.md\n",
     diff_options, diff_run},
    {"explain", "GRnnnn…, or SPEC [GUARDRAIL]",
     "what a finding means, or what the guardrails of a specification will do",
     "  guardrailc explain GR0513\n  guardrailc explain rate-of-sum\n  guardrailc explain guardrails.yml\n"
     "  guardrailc explain guardrails.yml matching_latency_p99 --slice venue=XNAS --phase canary_phase_1\n",
     explain_options, explain_run},
    {"fmt", "SPEC…", "lay out specifications in the one canonical form, comments kept",
     "  guardrailc fmt guardrails.yml\n  guardrailc fmt --check guardrails/*.yml\n  guardrailc fmt --diff "
     "guardrails.yml\n  guardrailc fmt - < draft.yml\n",
     fmt_options, fmt_run},
    {"lint", "FILE…", "check Prometheus rule files from anywhere, and specifications",
     "  guardrailc lint rules/*.yml\n  guardrailc lint --scrape-interval 30s --disable GR0522 - < "
     "rules.yml\n",
     lint_options, lint_run},
    {"power", "SPEC", "tell what the guardrails can see, and how often they are wrong",
     "  guardrailc power guardrails.yml\n  guardrailc power guardrails.yml --write-rates > rates.yml\n"
     "  guardrailc power guardrails.yml --prometheus http://prometheus:9090 --lookback 7d\n"
     "  guardrailc power guardrails.yml --rates rates.yml --svg power.svg --max-false-rollback 1%\n",
     power_options, power_run_command},
    {"promql", "check|fmt|labels", "check, format or analyse PromQL expressions from standard input",
     "  echo 'sum(rate(x_total[5m]))' | guardrailc promql check\n  guardrailc promql fmt -0 < expressions\n",
     promql_options, promql_run},
    {"schema", "", "print a JSON Schema of the language, for editors",
     "  guardrailc schema > guardrail.schema.json\n  guardrailc schema --markdown\n", schema_options,
     schema_run},
    {"test", "SPEC", "prove the emitted rules with generated unit tests, run by promtool",
     "  guardrailc test guardrails.yml\n  guardrailc test guardrails.yml --guardrail matching_latency_p99 "
     "--mutate\n"
     "  guardrailc test guardrails.yml --write-only tests/\n  guardrailc test guardrails.yml --rules "
     "compiled/prometheus/rules.yml\n",
     test_options, test_run},
};

const struct command *
commands_all(size_t *count)
{
    *count = GR_COUNT(commands);
    return commands;
}

static void
help(FILE *to)
{
    fputs("Usage: guardrailc COMMAND [OPTION]… SPEC…\n"
          "Compiles a guardrail specification into Prometheus rules, Alertmanager routes, Grafana dashboards "
          "and\n"
          "guardraild's policy.\n\nCommands:\n",
          to);
    for (size_t i = 0; i < GR_COUNT(commands); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\nguardrailc COMMAND --help tells more; guardrailc --version prints the version.\n"
          "Exit status: 0 clean, 1 findings, 2 bad usage or unreadable input, 3 the machine failed.\n\n"
          "Example:\n  guardrailc check guardrails.yml && guardrailc compile guardrails.yml -o compiled/\n",
          to);
}

static int
command_help(const struct command *c)
{
    struct gr_buf b = GR_BUF_INIT(65536);

    options_help(c->options, &b);
    printf("Usage: guardrailc %s [OPTION]… %s\n%c%s.\n\nOptions:\n%s\nExamples:\n%s", c->name, c->operands,
           (char)(c->help[0] - 'a' + 'A'), c->help + 1, gr_buf_cstr(&b), c->examples);
    gr_buf_fini(&b);
    return EXIT_CLEAN;
}

static const struct command *
find(const char *name)
{
    for (size_t i = 0; i < GR_COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int
unknown(const char *name)
{
    struct gr_str names[GR_COUNT(commands)], near;

    for (size_t i = 0; i < GR_COUNT(commands); i++)
        names[i] = gr_str(commands[i].name);
    near = gr_str_nearest(gr_str(name), names, GR_COUNT(names));
    fprintf(stderr, "guardrailc: there is no command '%s'", name);
    if (near.n > 0)
        fprintf(stderr, "; did you mean '" GR_FMT "'?", GR_ARG(near));
    fputs("\nTry 'guardrailc --help'.\n", stderr);
    return EXIT_USAGE;
}

static int
run(const struct command *c, int argc, char **argv)
{
    struct options o;
    struct gr_buf complaint = GR_BUF_INIT(65536);
    int code;

    if (options_parse(c->options, argc, argv, &o, &complaint) != GR_OK)
        code = usage(c, "%s", gr_buf_cstr(&complaint));
    else if (options_get(c->options, &o, "help"))
        code = command_help(c);
    else
        code = c->run(c, &o);
    gr_buf_fini(&complaint);
    return code;
}

int
main(int argc, char **argv)
{
    const struct command *c;

    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return EXIT_CLEAN;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("guardrailc " PACKAGE_VERSION);
        return EXIT_CLEAN;
    }
    if (!(c = find(argv[1])))
        return unknown(argv[1]);
    return run(c, argc - 1, argv + 1);
}
