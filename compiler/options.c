/* options.c - command lines from tables. */
#include "config.h"
#include "options.h"

#define HELP_COLUMN 30u

static size_t
row_by_name(const struct option_row *rows, struct gr_str name)
{
    for (size_t i = 0; rows[i].name; i++)
        if (gr_str_is(name, rows[i].name))
            return i;
    return SIZE_MAX;
}

static size_t
row_by_letter(const struct option_row *rows, char letter)
{
    for (size_t i = 0; rows[i].name; i++)
        if (rows[i].letter == letter)
            return i;
    return SIZE_MAX;
}

static void
complain_unknown(const struct option_row *rows, const char *arg, struct gr_str name, struct gr_buf *complaint)
{
    struct gr_str names[OPTIONS_MAX];
    size_t n = 0;
    struct gr_str near;

    while (rows[n].name && n < GR_COUNT(names)) {
        names[n] = gr_str(rows[n].name);
        n++;
    }
    near = gr_str_nearest(name, names, n);
    gr_buf_printf(complaint, "unknown option %s", arg);
    if (near.n > 0)
        gr_buf_printf(complaint, "; did you mean --" GR_FMT "?", GR_ARG(near));
}

/* Takes one option at argv[*i]; *i moves past its value. */
static enum gr_err
take(const struct option_row *rows, int argc, char **argv, int *i, struct options *out,
     struct gr_buf *complaint)
{
    const char *arg = argv[*i], *value = NULL;
    bool is_long = arg[1] == '-';
    struct gr_str name = gr_str(arg + (is_long ? 2 : 1));
    size_t equals = is_long ? gr_str_find(name, GR_STR("="), 0) : SIZE_MAX;
    size_t row;

    if (equals != SIZE_MAX) {
        value = name.p + equals + 1;
        name.n = equals;
    }
    row = is_long ? row_by_name(rows, name) : name.n == 1 ? row_by_letter(rows, name.p[0]) : SIZE_MAX;
    if (row == SIZE_MAX) {
        complain_unknown(rows, arg, name, complaint);
        return GR_EUSER;
    }
    if (rows[row].value && !value) {
        if (*i + 1 >= argc) {
            gr_buf_printf(complaint, "option --%s needs a value: %s", rows[row].name, rows[row].value);
            return GR_EUSER;
        }
        value = argv[++*i];
    } else if (!rows[row].value && value) {
        gr_buf_printf(complaint, "option --%s takes no value", rows[row].name);
        return GR_EUSER;
    }
    out->value[row] = value ? value : "";
    out->times[row]++;
    return GR_OK;
}

enum gr_err
options_parse(const struct option_row *rows, int argc, char **argv, struct options *out,
              struct gr_buf *complaint)
{
    bool options_end = false;
    size_t n = 0;

    *out = (struct options){.operands = NULL};
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];

        if (!options_end && strcmp(arg, "--") == 0) {
            options_end = true;
        } else if (!options_end && arg[0] == '-' && arg[1] != '\0') {
            enum gr_err err = take(rows, argc, argv, &i, out, complaint);
            if (err != GR_OK)
                return err;
        } else {
            argv[1 + n++] = arg; /* never ahead of i */
        }
    }
    out->operands = argv + 1;
    out->n_operands = n;
    return GR_OK;
}

const char *
options_get(const struct option_row *rows, const struct options *o, const char *name)
{
    size_t row = row_by_name(rows, gr_str(name));

    GR_ASSERT(row != SIZE_MAX);
    return o->value[row];
}

bool
options_has(const struct option_row *rows, const char *name)
{
    return row_by_name(rows, gr_str(name)) != SIZE_MAX;
}

bool
options_next_choice(struct gr_str *rest, struct gr_str *choice)
{
    return gr_str_next(rest, '|', choice);
}

/* "--format is text, json or sarif, not 'jsn'; did you mean 'json'?" */
static void
complain_choice(const struct option_row *row, const char *given, struct gr_buf *complaint)
{
    struct gr_str rest = gr_str(row->value), names[OPTIONS_MAX], near;
    size_t n = 0;

    while (n < GR_COUNT(names) && options_next_choice(&rest, &names[n]))
        n++;
    gr_buf_printf(complaint, "--%s is ", row->name);
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(complaint, "%s" GR_FMT, i == 0 ? "" : i + 1 < n ? ", " : " or ", GR_ARG(names[i]));
    near = gr_str_nearest(gr_str(given), names, n);
    gr_buf_printf(complaint, ", not '%s'", given);
    if (near.n > 0)
        gr_buf_printf(complaint, "; did you mean '" GR_FMT "'?", GR_ARG(near));
}

int
options_choice(const struct option_row *rows, const struct options *o, const char *name, int absent,
               struct gr_buf *complaint)
{
    const char *given = options_get(rows, o, name);
    const struct option_row *row = &rows[row_by_name(rows, gr_str(name))];
    struct gr_str rest = gr_str(row->value), choice;

    if (!given)
        return absent;
    for (int i = 0; options_next_choice(&rest, &choice); i++)
        if (gr_str_is(choice, given))
            return i;
    complain_choice(row, given, complaint);
    return -1;
}

void
options_help(const struct option_row *rows, struct gr_buf *b)
{
    for (size_t i = 0; rows[i].name; i++) {
        size_t start = b->n;

        gr_buf_puts(b, "  ");
        if (rows[i].letter)
            gr_buf_printf(b, "-%c, ", rows[i].letter);
        else
            gr_buf_puts(b, "    ");
        gr_buf_printf(b, "--%s", rows[i].name);
        if (rows[i].value)
            gr_buf_printf(b, " %s", rows[i].value);
        if (b->n - start >= HELP_COLUMN) {
            gr_buf_putc(b, '\n');
            start = b->n;
        }
        do
            gr_buf_putc(b, ' ');
        while (gr_buf_err(b) == GR_OK && b->n - start < HELP_COLUMN);
        gr_buf_printf(b, "%s\n", rows[i].help);
    }
}
