/* command.h - the table of guardrailc's commands.
 *
 * Exit codes, for every command: 0 clean, 1 findings, 2 bad usage or unreadable input, 3 the machine failed (output untouched).
 * Findings and results go to standard output, complaints about usage and progress to standard error. To add a command: one file
 * with its run function and option table, one row in guardrailc.c, its section in man/guardrailc.1. */
#ifndef GUARDRAIL_COMPILER_COMMAND_H
#define GUARDRAIL_COMPILER_COMMAND_H
#include "guardrail/arena.h"
#include "guardrail/diag.h"
#include "guardrail/node.h"
#include "model.h"
#include "options.h"
#include "spec.h"

enum exit_code { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_USAGE = 2, EXIT_MACHINE = 3 };

struct command {
    const char *name;     /* sorted; [a-z]+ */
    const char *operands; /* "SPEC" */
    const char *help;     /* one line */
    const char *examples; /* lines for --help, each with two spaces in front */
    const struct option_row *options;
    int (*run)(const struct command *self, const struct options *o);
};
extern const struct option_row check_options[], compile_options[], completion_options[], diff_options[],
    explain_options[], fmt_options[], lint_options[], power_options[], promql_options[], schema_options[],
    test_options[];
int check_run(const struct command *self, const struct options *o);
int compile_run(const struct command *self, const struct options *o);
int completion_run(const struct command *self, const struct options *o);
int diff_run(const struct command *self, const struct options *o);
int explain_run(const struct command *self, const struct options *o);
int explain_spec_run(const struct command *self, const struct options *o); /* of a SPEC */
int fmt_run(const struct command *self, const struct options *o);
int lint_run(const struct command *self, const struct options *o);
int power_run_command(const struct command *self, const struct options *o);
int promql_run(const struct command *self, const struct options *o);
int schema_run(const struct command *self, const struct options *o);
int test_run(const struct command *self, const struct options *o);

/* The table; sorted by name. */
const struct command *commands_all(size_t *count);

/* One specification being worked on, and all that is released together. */
struct session {
    struct gr_arena *arena;
    struct gr_sources *sources;
    struct gr_diags *diags;
    struct gr_diag_style style;
    bool quiet;
    uint32_t alertmanager_minor; /* of --alertmanager-version 0.x; 0: not given */
    int64_t now_s;               /* seconds since 1970, UTC: --now, or the beginning of today */
};
/* Options that every command has: format, color, quiet, help. */
#define COMMON_OPTIONS                                                                                       \
    {"format", 0, "text|json|sarif|github", "how findings are written (default text)"},                      \
        {"color", 0, "auto|always|never", "default auto; NO_COLOR is honoured"},                             \
        {"quiet", 'q', NULL, "print findings and errors only"}, {"help", 'h', NULL, "show this help"},       \
    {                                                                                                        \
        NULL, 0, NULL, NULL                                                                                  \
    }

/* Options of every command that reads specifications; the row goes before COMMON_OPTIONS. */
#define SPEC_OPTIONS                                                                                         \
    {                                                                                                        \
        "now", 0, "DATE", "the date that waivers are judged by (default today): 2026-11-23"                  \
    }

#define ALERTMANAGER_OPTION                                                                                  \
    {                                                                                                        \
        "alertmanager-version", 0, "VERSION", "write for this Alertmanager, 0.25 (default) to 0.34"          \
    }

/* EXIT_CLEAN, or the exit code to return (a message is printed). Pair with session_fini. */
GR_MUST_USE int session_init(struct session *s, const struct command *self, const struct options *o);
void session_fini(struct session *s);
/* One of several specifications: the style, clock and sources of `whole`, findings and memory of its own. EXIT_CLEAN, or
 * EXIT_MACHINE after a message. Pair with session_part_fini, before session_fini of the whole. */
GR_MUST_USE int session_part(struct session *part, const struct session *whole, const struct command *self);
void session_part_fini(struct session *part);
/* Reads a file ("-": standard input) into the table. EXIT_CLEAN and *file, or the exit code; the finding waits for session_report. */
GR_MUST_USE int session_source(struct session *s, const char *path, size_t bytes_max, uint32_t *file);
/* Reads and checks the specification at path ("-": standard input). EXIT_CLEAN and *out, or the exit code; findings stay in s->diags
 * until session_report. */
GR_MUST_USE int session_spec(struct session *s, const char *path, uint32_t time_scale, struct model **out);
/* The same through another reader of files, as of a git revision; NULL: the file system. */
GR_MUST_USE int session_spec_from(struct session *s, const struct load_reader *reader, const char *path,
                                  uint32_t time_scale, struct model **out);
/* What spec_read and spec_open want to know. */
struct spec_options session_spec_options(const struct session *s, uint32_t time_scale);
/* Behind session_spec: proves how alerts travel (routes.h). Returns code, if that says trouble already, or what comes of it. */
GR_MUST_USE int session_prove(struct session *s, struct model *m, int code);
/* Prints the findings, if any (JSON and SARIF always), to standard output. Returns code, or EXIT_MACHINE if that fails. */
GR_MUST_USE int session_report(struct session *s, int code);
/* "guardrailc compile: what went wrong" to standard error. */
void complain(const struct command *self, const char *fmt, ...) GR_PRINTF(2, 3);
/* Usage trouble: the complaint and where to find help. Returns EXIT_USAGE. */
int usage(const struct command *self, const char *fmt, ...) GR_PRINTF(2, 3);
/* options_choice; -1 after the complaint is printed: return EXIT_USAGE. */
int choose(const struct command *self, const struct options *o, const char *name, int absent);
#endif
