/* cmd_power.c - guardrailc power: what can the guardrails see, and how often are they wrong? */
#include "config.h"
#include "command.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "guardrail/duration.h"
#include "guardrail/file.h"
#include "guardrail/http_client.h"
#include "guardrail/quote.h"
#include "power.h"
#include "power_prometheus.h"

#define OUT_BYTES_MAX (64u << 20)
#define PROGRESS_MS 500
#define UNKNOWN_MAX 20u /* lines about what Prometheus does not know */

const struct option_row power_options[] = {
    {"rates", 0, "FILE", "what the system is expected to see; what it leaves out is assumed"},
    {"write-rates", 0, NULL, "print a rates file: to begin with, or of what --prometheus answers"},
    {"prometheus", 0, "URL", "ask this Prometheus; what --rates states holds instead"},
    {"prometheus-token-file", 0, "FILE", "a bearer token for it, in a private file"},
    {"prometheus-ca-file", 0, "FILE", "the certificates that sign its own (default: the system's)"},
    {"lookback", 0, "DURATION", "how far back its answers look (default 1d)"},
    {"at", 0, "TIME", "the end of that time, as 2026-11-23T17:00:00Z (default: now)"},
    {"all", 0, NULL, "every slice, not only the worst of each guardrail and phase"},
    {"max-false-rollback", 0, "SHARE", "fail above this, as 1%, instead of above the spec's budget"},
    {"svg", 0, "FILE", "write a picture, too"},
    {"rollouts", 0, "N", "healthy rollouts to simulate (default: two seconds' worth, at most 20000)"},
    {"seed", 0, "N", "of the random numbers (default 1)"},
    SPEC_OPTIONS,
    COMMON_OPTIONS,
};

struct ask {
    const char *rates, *svg;
    struct power_prometheus prometheus; /* url NULL: nobody is asked */
    const char *token_file;
    int64_t lookback_ms;
    bool template;
    double cap; /* NAN: the budget */
    struct power_options options;
};

static int
read_number(const struct command *self, const struct options *o, const char *name, uint64_t max,
            uint64_t *out)
{
    const char *text = options_get(self->options, o, name);
    uint64_t v = 0;

    if (!text)
        return EXIT_CLEAN;
    if (gr_parse_u64(gr_str(text), max, &v) != GR_OK || v == 0)
        return usage(self, "--%s is a whole number from 1 to %llu, not '%s'", name, (unsigned long long)max,
                     text);
    *out = v;
    return EXIT_CLEAN;
}

static int
read_cap(const struct command *self, const struct options *o, double *out)
{
    const char *text = options_get(self->options, o, "max-false-rollback");
    struct gr_quantity q;
    struct gr_str bad;

    *out = (double)NAN;
    if (!text)
        return EXIT_CLEAN;
    if (gr_quantity_parse(gr_str(text), &q, &bad) == GR_OK && q.sign == GR_SIGN_NONE &&
        (!q.unit || q.unit->dim == GR_DIM_RATIO))
        *out = gr_dec_double(q.value) * (q.unit ? gr_dec_double(q.unit->scale) : 1);
    if (*out > 0 && *out < 1)
        return EXIT_CLEAN;
    return usage(self, "--max-false-rollback is a share such as 1%%, between 0 and 100%%, not '%s'", text);
}

/* The options about whom to ask. */
static int
read_prometheus(const struct command *self, const struct options *o, struct ask *a)
{
    static const char *const need_url[] = {"prometheus-token-file", "prometheus-ca-file", "at"};
    struct power_prometheus *p = &a->prometheus;
    const char *at = options_get(self->options, o, "at"),
               *lookback = options_get(self->options, o, "lookback"), *wrong;

    *p = (struct power_prometheus){.url = options_get(self->options, o, "prometheus"),
                                   .ca_file = options_get(self->options, o, "prometheus-ca-file"),
                                   .at_s = (int64_t)time(NULL),
                                   .query_ms = POWER_QUERY_MS,
                                   .all_ms = POWER_ALL_MS};
    a->token_file = options_get(self->options, o, "prometheus-token-file");
    a->lookback_ms = POWER_LOOKBACK_MS;
    for (size_t i = 0; i < GR_COUNT(need_url) && !p->url; i++)
        if (options_get(self->options, o, need_url[i]))
            return usage(self, "--%s is for --prometheus URL", need_url[i]);
    if (p->url && (wrong = power_url_refuse(p->url, a->token_file != NULL)))
        return usage(self, "the URL of --prometheus cannot be used: %s", wrong);
    if (at && (clock_time(gr_str(at), &p->at_s) != GR_OK || p->at_s <= 0))
        return usage(
            self, "--at is a date such as 2026-11-23, or a time such as 2026-11-23T17:00:00Z, not '%s'", at);
    if (lookback && !p->url && !a->template)
        return usage(self, "--lookback is for --prometheus URL and --write-rates");
    if (lookback && (gr_duration_parse(gr_str(lookback), &a->lookback_ms) != GR_OK ||
                     a->lookback_ms > POWER_LOOKBACK_MS_MAX || a->lookback_ms % 1000 != 0))
        return usage(self, "--lookback is a duration such as 7d, at most 90d, not '%s'", lookback);
    return EXIT_CLEAN;
}

static int
read_ask(const struct command *self, const struct options *o, struct ask *a)
{
    uint64_t rollouts = 0, seed = 1;
    int code;

    if (o->n_operands != 1)
        return usage(self, "one SPEC is wanted, %zu given", o->n_operands);
    a->rates = options_get(self->options, o, "rates");
    a->svg = options_get(self->options, o, "svg");
    a->template = options_get(self->options, o, "write-rates") != NULL;
    a->options.all = options_get(self->options, o, "all") != NULL;
    if (a->template && (a->rates || a->svg))
        return usage(self, "--write-rates only prints a rates file: leave out %s",
                     a->rates ? "--rates" : "--svg");
    if (a->rates && strcmp(a->rates, "-") == 0 && strcmp(o->operands[0], "-") == 0)
        return usage(self, "the SPEC and the rates cannot both be standard input");
    if (a->svg && strcmp(a->svg, "-") == 0)
        return usage(self, "--svg wants a file: the report goes to standard output");
    if ((code = read_number(self, o, "rollouts", POWER_ROLLOUTS_MAX, &rollouts)) != EXIT_CLEAN ||
        (code = read_number(self, o, "seed", UINT32_MAX, &seed)) != EXIT_CLEAN ||
        (code = read_cap(self, o, &a->cap)) != EXIT_CLEAN ||
        (code = read_prometheus(self, o, a)) != EXIT_CLEAN)
        return code;
    a->options.rollouts = (uint32_t)rollouts;
    a->options.seed = seed;
    return EXIT_CLEAN;
}

static int
machine(const struct command *self, enum gr_err err)
{
    complain(self, "%s", gr_err_name(err));
    return EXIT_MACHINE;
}

static int
print(const struct command *self, struct gr_buf *out, enum gr_err err)
{
    if (err == GR_OK)
        err = gr_buf_err(out);
    if (err == GR_OK && (fwrite(gr_buf_cstr(out), 1, out->n, stdout) != out->n || fflush(stdout) != 0))
        err = GR_EIO;
    return err == GR_OK ? EXIT_CLEAN : machine(self, err);
}

/* A token that no proxy log should see: the file is private, its one line holds nothing else. */
static int
read_token(const struct command *self, const char *path, struct gr_arena *arena, struct gr_str *out)
{
    struct gr_buf b = GR_BUF_INIT(POWER_TOKEN_BYTES_MAX);
    enum gr_err err = gr_file_read_private(path, &b);
    int code = EXIT_CLEAN;

    if (err == GR_EACCES)
        complain(self, "%s: not readable, or open to others (chmod 600 makes it private)", path);
    else if (err != GR_OK)
        complain(self, "cannot read %s: %s", path, gr_err_name(err));
    else if (b.n == 0)
        complain(self, "%s is empty", path);
    if (err != GR_OK || b.n == 0)
        code = err == GR_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
    for (size_t i = 0; code == EXIT_CLEAN && i < b.n; i++)
        if (b.p[i] <= ' ' || b.p[i] > '~') {
            complain(self, "%s holds more than a token: one line without blanks is wanted", path);
            code = EXIT_USAGE;
        }
    if (code == EXIT_CLEAN)
        *out = gr_arena_dup(arena, gr_buf_str(&b));
    if (b.p)
        explicit_bzero(b.p, b.n);
    gr_buf_fini(&b);
    return code;
}

/* What stays assumed, on standard error: the report is on the other. */
static void
tell_unknown(const struct command *self, const struct power_asks *asks)
{
    struct gr_buf line = GR_BUF_INIT(8192);
    size_t unknown = 0;

    for (size_t i = 0; i < asks->n; i++)
        unknown += isnan(asks->v[i].answer) ? 1 : 0;
    if (unknown > 0)
        complain(
            self,
            "%zu of %zu values are not known to Prometheus, and assumed where --rates does not state them:",
            unknown, asks->n);
    for (size_t i = 0, told = 0; i < asks->n && told < UNKNOWN_MAX; i++) {
        if (!isnan(asks->v[i].answer))
            continue;
        gr_buf_reset(&line);
        power_ask_name(asks, &asks->v[i], &line);
        gr_buf_puts(&line, ": ");
        gr_quote_log(&line, asks->v[i].why);
        fprintf(stderr, "  %s\n", gr_buf_cstr(&line));
        told++;
    }
    if (unknown > UNKNOWN_MAX)
        fprintf(stderr, "  and %zu more, which --write-rates shows\n", unknown - UNKNOWN_MAX);
    gr_buf_fini(&line);
}

/* Puts the answers into asks. EXIT_CLEAN, or the exit code after a message. */
static int
ask_prometheus(const struct command *self, struct session *s, struct ask *a, struct power_asks *asks)
{
    struct gr_buf trouble = GR_BUF_INIT(8192);
    enum gr_err err;
    int code;

    if (a->token_file &&
        (code = read_token(self, a->token_file, s->arena, &a->prometheus.token)) != EXIT_CLEAN)
        return code;
    err = power_prometheus_ask(asks, &a->prometheus, &trouble);
    if (err == GR_OK && !s->quiet)
        tell_unknown(self, asks);
    else if (err == GR_ENOMEM)
        complain(self, "%s", gr_err_name(err));
    else if (err != GR_OK)
        complain(self, "cannot ask Prometheus at %s: %s", a->prometheus.url, gr_buf_cstr(&trouble));
    gr_buf_fini(&trouble);
    return err == GR_OK ? EXIT_CLEAN : err == GR_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
}

static int
trouble_of(const struct command *self, enum gr_err err)
{
    if (err == GR_ELIMIT)
        complain(self, "expect has more than %u combinations of slices and flows", RATES_CELLS_MAX);
    return err == GR_OK ? EXIT_CLEAN : err == GR_EUSER ? EXIT_FINDINGS : EXIT_MACHINE;
}

/* The answers as the file that --write-rates prints, and what that file says: so both ways give one report. */
static enum gr_err
answers_as_rates(struct session *s, struct model *m, const struct power_asks *asks, struct rates **out)
{
    struct gr_buf text = GR_BUF_INIT(OUT_BYTES_MAX);
    uint32_t file = 0;
    enum gr_err err;

    power_template(asks, &text);
    if ((err = gr_buf_err(&text)) == GR_OK)
        err = gr_sources_add(s->sources, GR_STR("Prometheus"), gr_buf_str(&text), &file);
    gr_buf_fini(&text);
    return err == GR_OK ? rates_read(s->arena, s->sources, file, m, s->diags, out) : err;
}

/* EXIT_CLEAN and *out, or the exit code; findings wait. */
static int
load_rates(const struct command *self, struct session *s, struct ask *a, struct model *m,
           struct power_asks *asks, struct rates **out)
{
    uint32_t file = 0;
    enum gr_err err = rates_none(s->arena, m, out);
    int code;

    if (err == GR_OK && (a->prometheus.url || a->template))
        err = power_asks_init(asks, m, *out, a->lookback_ms);
    if (err == GR_OK && a->prometheus.url) {
        if ((code = ask_prometheus(self, s, a, asks)) != EXIT_CLEAN)
            return code;
        err = answers_as_rates(s, m, asks, out);
    }
    if (err != GR_OK || !a->rates)
        return trouble_of(self, err);
    if ((code = session_source(s, a->rates, RATES_BYTES_MAX, &file)) != EXIT_CLEAN)
        return code;
    return trouble_of(self, rates_lay(s->arena, s->sources, file, m, s->diags, *out));
}

static int
write_picture(const struct command *self, const struct power *p, const struct ask *a)
{
    struct gr_buf b = GR_BUF_INIT(OUT_BYTES_MAX);
    enum gr_err err;

    power_svg(p, a->cap, &b);
    err = gr_buf_err(&b);
    if (err == GR_OK)
        err = gr_file_write(a->svg, gr_buf_str(&b), 0644);
    gr_buf_fini(&b);
    if (err == GR_OK)
        return EXIT_CLEAN;
    complain(self, "cannot write %s: %s", a->svg, gr_err_name(err));
    return EXIT_MACHINE;
}

/* Past some hundred guardrails it takes minutes: whoever sits there sees how far it is. */
struct progress {
    int64_t told_ms;
    bool any;
};

static void
tell_progress(void *arg, size_t done, size_t of)
{
    struct progress *p = arg;
    int64_t now = gr_http_now_ms();

    if (now - p->told_ms < PROGRESS_MS)
        return;
    p->told_ms = now;
    p->any = true;
    fprintf(stderr, "\r%zu of at most %zu guardrails and phases played", done, of);
}

static int
report(const struct command *self, const struct session *s, const struct ask *a, const struct model *m,
       const struct power_asks *asks, const struct rates *r)
{
    struct gr_buf out = GR_BUF_INIT(OUT_BYTES_MAX);
    struct progress progress = {.told_ms = gr_http_now_ms()};
    struct power_options options = a->options;
    struct power p;
    enum gr_err err = GR_OK;
    double cap;
    int code;

    if (a->template) {
        power_template(asks, &out);
        code = print(self, &out, GR_OK);
        gr_buf_fini(&out);
        return code;
    }
    if (!s->quiet && isatty(STDERR_FILENO) == 1) {
        options.tell = tell_progress;
        options.arg = &progress;
    }
    err = power_run(&p, m, r, options);
    if (progress.any)
        fprintf(stderr, "\r%60s\r", "");
    if (err != GR_OK)
        return machine(self, err);
    if (s->style.format == GR_DIAG_JSON)
        err = power_json(&p, a->cap, &out);
    else
        power_text(&p, a->cap, &out);
    code = print(self, &out, err);
    gr_buf_fini(&out);
    if (code == EXIT_CLEAN && a->svg)
        code = write_picture(self, &p, a);
    cap = power_cap(&p, a->cap);
    if (code == EXIT_CLEAN && !isnan(cap) && p.tests > 0 && sim_upper(p.false_max, p.rollouts) > cap)
        code = EXIT_FINDINGS;
    return code;
}

int
power_run_command(const struct command *self, const struct options *o)
{
    struct ask a = {.cap = (double)NAN};
    struct power_asks asks = {.v = NULL};
    struct rates *r = NULL;
    struct model *m = NULL;
    struct session s;
    int code = read_ask(self, o, &a);

    if (code != EXIT_CLEAN || (code = session_init(&s, self, o)) != EXIT_CLEAN)
        return code;
    if (s.style.format != GR_DIAG_TEXT && s.style.format != GR_DIAG_JSON)
        code = usage(self, "the report comes as text or json, not as sarif or github");
    else if ((code = session_spec(&s, o->operands[0], 1, &m)) != EXIT_CLEAN ||
             (code = load_rates(self, &s, &a, m, &asks, &r)) != EXIT_CLEAN)
        code = session_report(&s, code);
    else if (s.style.format != GR_DIAG_TEXT || gr_diags_count(s.diags, GR_SEV_WARNING) == 0 || a.template ||
             (code = session_report(&s, code)) == EXIT_CLEAN)
        code = report(self, &s, &a, m, &asks, r);
    session_fini(&s);
    return code;
}
