/* options.h - command lines from tables: each command lists its options once, for parsing, --help and the man page's test.
 *
 * Accepted: --name VALUE, --name=VALUE, -x VALUE, --flag, -x, "--" ends options, "-" is an operand. Options and operands may mix. */
#ifndef GUARDRAIL_COMPILER_OPTIONS_H
#define GUARDRAIL_COMPILER_OPTIONS_H
#include "guardrail/buf.h"

struct option_row {
    const char *name;  /* without "--" */
    char letter;       /* short form, or 0 */
    const char *value; /* in the help: "DIR", or the choices: "text|json"; NULL: a flag */
    const char *help;  /* one line */
};
#define OPTIONS_MAX 24u
struct options {                    /* what was given; parallel to the table */
    const char *value[OPTIONS_MAX]; /* the last one given; "" for flags; NULL: not given */
    unsigned times[OPTIONS_MAX];    /* how often */
    char **operands;                /* borrowed from argv, which is reordered */
    size_t n_operands;
};
/* GR_OK, or GR_EUSER with one message (no newline) in *complaint. rows ends with a NULL name. argv[0] is skipped. */
GR_MUST_USE enum gr_err options_parse(const struct option_row *rows, int argc, char **argv,
                                      struct options *out, struct gr_buf *complaint);
/* The value of a row by name, or NULL. */
const char *options_get(const struct option_row *rows, const struct options *o, const char *name);
/* Whether the table has such a row. */
bool options_has(const struct option_row *rows, const char *name);
/* Of an option whose row lists choices: the index of the one given, `absent` when none is; -1, with one message in *complaint, for
 * anything else. */
int options_choice(const struct option_row *rows, const struct options *o, const char *name, int absent,
                   struct gr_buf *complaint);
/* The next choice of a row's value ("text|json"); false at the end. Start with the whole value in *rest. */
bool options_next_choice(struct gr_str *rest, struct gr_str *choice);
/* "  -o, --out DIR     where to write the tree" lines; a wide first column has the text below it. */
void options_help(const struct option_row *rows, struct gr_buf *b);
#endif
