/* cmd_schema.c - guardrailc schema: the language for editors. */
#include "config.h"
#include "command.h"

#include <stdio.h>

#include "schema.h"

#define OUT_BYTES_MAX ((size_t)16 << 20)

const struct option_row schema_options[] = {
    {"markdown", 0, NULL, "a table of keys for each mapping instead, as in the manual"},
    COMMON_OPTIONS,
};

int
schema_run(const struct command *self, const struct options *o)
{
    struct gr_buf out = GR_BUF_INIT(OUT_BYTES_MAX);
    bool markdown = options_get(self->options, o, "markdown") != NULL;
    enum gr_err err;

    if (o->n_operands > 0)
        return usage(self, "there is one schema; nothing can be named");
    err = markdown ? schema_put_markdown(&out) : schema_put(&out);
    if (err == GR_OK && (fwrite(gr_buf_cstr(&out), 1, out.n, stdout) != out.n || fflush(stdout) != 0))
        err = GR_EIO;
    gr_buf_fini(&out);
    if (err == GR_OK)
        return EXIT_CLEAN;
    complain(self, "%s", gr_err_name(err));
    return EXIT_MACHINE;
}
