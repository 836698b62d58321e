/* main.c - the program: options in, a server until SIGINT or SIGTERM. */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "command.h"
#include "guardrail/number.h"
#include "server.h"

#define SPEED_MAX 1e6

struct arguments {
    struct world_options world;
    struct server_options server;
    struct gr_buf faults, shares; /* the lines of --fault and --share */
    bool help;
};

enum { OPT_FAULT = 256, OPT_HELP, OPT_MANUAL, OPT_PORT, OPT_RPS, OPT_SEED, OPT_SHARE, OPT_SPEED };
static const struct option options[] = {
    {"fault", required_argument, NULL, OPT_FAULT},
    {"help", no_argument, NULL, OPT_HELP},
    {"manual", no_argument, NULL, OPT_MANUAL},
    {"port", required_argument, NULL, OPT_PORT},
    {"rps", required_argument, NULL, OPT_RPS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"share", required_argument, NULL, OPT_SHARE},
    {"speed", required_argument, NULL, OPT_SPEED},
    {NULL, 0, NULL, 0},
};

static const char help_head[] =
    "Usage: fleet [OPTION]...\n"
    "A simulated trading fleet with a canary and a control cohort, for demos and tests. It exports its "
    "metrics on\n"
    "http://127.0.0.1:PORT/metrics and prints \"listening on 127.0.0.1:PORT\" first.\n"
    "\n"
    "  --port N       listen there; 0, the default, takes any free port\n"
    "  --seed N       of the random numbers, default 1: same seed and same steps, same numbers\n"
    "  --rps N        orders a second for each venue and flow, default 400\n"
    "  --speed N      simulated seconds per real second, default 1\n"
    "  --manual       time stands still but for POST /step\n"
    "  --share LINE   the canary's share of a flow, as in \"market_making 0.05\" or \"agency 0.02 "
    "cluster=crypto\";\n"
    "                 default 0.01 and 0.005; may be repeated\n"
    "  --fault LINE   breaks something from the start; may be repeated\n"
    "  --help         prints this\n"
    "\n"
    "At run time, each body one or more lines, refused whole with 400 if any line is wrong:\n"
    "  curl -d 'error_rate x2 track=canary venue=XNAS' 127.0.0.1:PORT/fault    adds faults; they stack\n"
    "  curl -d 'market_making 0.05'  127.0.0.1:PORT/share\n"
    "  curl -d 30                    127.0.0.1:PORT/step                       lets simulated seconds pass\n"
    "  curl -X POST                  127.0.0.1:PORT/reset                      drops all faults\n"
    "  curl                          127.0.0.1:PORT/state                      what is active, as JSON\n"
    "\n"
    "A fault is KIND [MAGNITUDE] [LABEL=VALUE]...: magnitude xN multiplies, +N and -N add, N sets.\n"
    "Labels: cluster venue flow track symbol_bucket client_tier host. Kinds:\n";

/* Like "xN +N -N N"; what the kind accepts. */
static const char *
forms_text(const struct fault_kind *k)
{
    if (k->act == ACT_NAN)
        return "KIND";
    if (k->forms == 0)
        return "";
    if (k->forms == FORM_FACTOR)
        return "xN";
    return (k->forms & FORM_FACTOR) != 0 ? "xN +N -N N" : "+N -N N";
}

static void
print_help(FILE *to)
{
    fputs(help_head, to);
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        fprintf(to, "  %-14s %-11s %s\n", fault_kinds[i].name, forms_text(&fault_kinds[i]),
                fault_kinds[i].help);
}

static bool
bad_number(const char *option, double low, double high)
{
    fprintf(stderr, "fleet: --%s wants a number from %g to %g\n", option, low, high);
    return false;
}

static bool
number_option(const char *option, const char *text, double low, double high, double *out)
{
    double v;

    if (gr_parse_double(gr_str(text), &v) != GR_OK || v < low || v > high)
        return bad_number(option, low, high);
    *out = v;
    return true;
}

static bool
take_option(struct arguments *a, int option, const char *value)
{
    uint64_t n;

    switch (option) {
    case OPT_FAULT:
    case OPT_SHARE:
        gr_buf_puts(option == OPT_FAULT ? &a->faults : &a->shares, value);
        gr_buf_putc(option == OPT_FAULT ? &a->faults : &a->shares, '\n');
        return true;
    case OPT_HELP:
        a->help = true;
        return true;
    case OPT_MANUAL:
        a->server.speed = 0;
        return true;
    case OPT_PORT:
        if (gr_parse_u64(gr_str(value), UINT16_MAX, &n) != GR_OK)
            return bad_number("port", 0, UINT16_MAX);
        a->server.port = (uint16_t)n;
        return true;
    case OPT_RPS:
        return number_option("rps", value, 1e-3, WORLD_RPS_MAX, &a->world.rps);
    case OPT_SEED:
        return gr_parse_u64(gr_str(value), UINT64_MAX, &a->world.seed) == GR_OK ||
               bad_number("seed", 0, 0x1p64);
    case OPT_SPEED:
        return number_option("speed", value, 1e-3, SPEED_MAX, &a->server.speed);
    default:
        return false; /* getopt has said what is wrong */
    }
}

static bool
parse_arguments(struct arguments *a, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(a, option, optarg))
            return false;
    }
    if (optind < argc) {
        fprintf(stderr, "fleet: unexpected argument \"%s\"\n", argv[optind]);
        return false;
    }
    if (gr_buf_err(&a->faults) != GR_OK || gr_buf_err(&a->shares) != GR_OK) {
        fprintf(stderr, "fleet: the --fault and --share lines are too long\n");
        return false;
    }
    return true;
}

/* The lines given at the start, as if they had been posted. */
static bool
apply_lines(struct world *w, const struct arguments *a)
{
    struct gr_buf why = GR_BUF_INIT(COMMAND_BYTES_MAX);
    const char *option = NULL;

    if (a->shares.n > 0 && command_share(w, gr_buf_str(&a->shares), &why) != GR_OK)
        option = "share";
    else if (a->faults.n > 0 && command_fault(w, gr_buf_str(&a->faults), &why) != GR_OK)
        option = "fault";
    if (option != NULL)
        fprintf(stderr, "fleet: --%s: %s\n", option, gr_buf_cstr(&why));
    gr_buf_fini(&why);
    return option == NULL;
}

static int
serve(struct arguments *a)
{
    struct server *server = NULL;
    sigset_t stop;
    enum gr_err err;
    int got;

    /* Blocked before the server's thread exists, so that only sigwait sees them. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    if ((err = server_start(&server, &a->server)) != GR_OK) {
        fprintf(stderr, "fleet: cannot listen on 127.0.0.1:%u: %s\n", (unsigned)a->server.port,
                gr_err_name(err));
        return 3;
    }
    printf("listening on 127.0.0.1:%u\n", (unsigned)server_port(server));
    fflush(stdout);
    sigwait(&stop, &got);
    server_stop(server);
    return 0;
}

int
main(int argc, char **argv)
{
    struct arguments a = {.world = {.seed = 1, .rps = 400},
                          .server = {.speed = 1},
                          .faults = GR_BUF_INIT(COMMAND_BYTES_MAX),
                          .shares = GR_BUF_INIT(COMMAND_BYTES_MAX)};
    int status = 2;

    if (!parse_arguments(&a, argc, argv)) {
        fputs("fleet: --help lists the options\n", stderr);
    } else if (a.help) {
        print_help(stdout);
        status = 0;
    } else if (world_create(&a.server.world, &a.world) != GR_OK) {
        fputs("fleet: out of memory\n", stderr);
        status = 3;
    } else if (apply_lines(a.server.world, &a)) {
        status = serve(&a);
    }
    world_free(a.server.world);
    gr_buf_fini(&a.faults);
    gr_buf_fini(&a.shares);
    return status;
}
