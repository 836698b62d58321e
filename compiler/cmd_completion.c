/* cmd_completion.c - guardrailc completion: a script for bash, zsh or fish, written from the tables of commands and options. */
#include "config.h"
#include "command.h"

#include <stdio.h>

const struct option_row completion_options[] = {
    {"help", 'h', NULL, "show this help"},
    {NULL, 0, NULL, NULL},
};

/* What stands after an option. */
enum value_kind { VALUE_NONE, VALUE_CHOICE, VALUE_DIR, VALUE_FILE, VALUE_OTHER };

static enum value_kind
value_kind(const struct option_row *row)
{
    struct gr_str value = gr_str(row->value);

    if (!row->value)
        return VALUE_NONE;
    if (gr_str_find(value, GR_STR("|"), 0) != SIZE_MAX)
        return VALUE_CHOICE;
    if (gr_str_is(value, "DIR"))
        return VALUE_DIR;
    return gr_str_is(value, "FILE") ? VALUE_FILE : VALUE_OTHER;
}

/* "text json sarif": the choices of a value, or of a command's operands ("check|fmt|labels"). */
static void
put_choices(struct gr_buf *b, const char *value)
{
    struct gr_str rest = gr_str(value), choice;

    for (size_t i = 0; options_next_choice(&rest, &choice); i++) {
        gr_buf_puts(b, i > 0 ? " " : "");
        gr_buf_put(b, choice);
    }
}

static bool
operands_are_choices(const struct command *c)
{
    return strchr(c->operands, '|') != NULL;
}

/* Every finding's code and name, for explain. */
static void
put_findings(struct gr_buf *b)
{
    for (int i = 0; i < GR_CODE_COUNT; i++) {
        const struct gr_code_info *info = gr_code_info((enum gr_code)i);
        gr_buf_printf(b, "%s%s %s", i > 0 ? " " : "", info->code, info->name);
    }
}

static bool
explains_findings(const struct command *c)
{
    return strncmp(c->operands, "GR", 2) == 0;
}

/* A help text inside single quotes of a shell; `also` needs a backslash too. */
static void
put_quoted(struct gr_buf *b, const char *text, const char *also)
{
    for (; *text; text++) {
        if (*text == '\'')
            gr_buf_puts(b, "'\\''");
        else if (strchr(also, *text))
            gr_buf_printf(b, "\\%c", *text);
        else
            gr_buf_putc(b, *text);
    }
}

/* ---- bash ---- */

static void
bash_values(struct gr_buf *b, const struct command *c, const struct option_row *row)
{
    enum value_kind kind = value_kind(row);

    if (kind == VALUE_NONE)
        return;
    gr_buf_printf(b, "    %s:--%s", c->name, row->name);
    if (row->letter)
        gr_buf_printf(b, " | %s:-%c", c->name, row->letter);
    gr_buf_puts(b, ")");
    if (kind == VALUE_CHOICE) {
        gr_buf_puts(b, " words='");
        put_choices(b, row->value);
        gr_buf_puts(b, "'");
    } else if (kind == VALUE_DIR || kind == VALUE_FILE) {
        gr_buf_printf(b, " action=-%c", kind == VALUE_DIR ? 'd' : 'f');
    }
    gr_buf_puts(b, " value=1 ;;\n");
}

static void
bash_command(struct gr_buf *b, const struct command *c)
{
    gr_buf_printf(b, "    %s)\n        if [[ $cur == -* ]]; then words='", c->name);
    for (size_t i = 0; c->options[i].name; i++)
        gr_buf_printf(b, "%s--%s", i > 0 ? " " : "", c->options[i].name);
    gr_buf_puts(b, "'; action=; else words='");
    if (operands_are_choices(c))
        put_choices(b, c->operands);
    else if (explains_findings(c))
        put_findings(b);
    gr_buf_printf(b, "'; action=%s; fi ;;\n", operands_are_choices(c) ? "" : "-f");
}

static void
bash(struct gr_buf *b, const struct command *commands, size_t n)
{
    gr_buf_puts(b, "# bash completion for guardrailc, written by \"guardrailc completion bash\".\n"
                   "_guardrailc()\n{\n"
                   "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                   "    local command=${COMP_WORDS[1]} words= action= value=\n\n"
                   "    COMPREPLY=()\n"
                   "    # --format=json comes as three words\n"
                   "    if [[ $cur == = ]]; then\n        cur=\n"
                   "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
                   "    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(b, "%s ", commands[i].name);
    gr_buf_puts(b, "--help --version' -- \"$cur\"))\n        return\n    fi\n    case $command:$prev in\n");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; commands[i].options[k].name; k++)
            bash_values(b, &commands[i], &commands[i].options[k]);
    gr_buf_puts(b, "    esac\n    [[ $value ]] || case $command in\n");
    for (size_t i = 0; i < n; i++)
        bash_command(b, &commands[i]);
    gr_buf_puts(b, "    esac\n"
                   "    COMPREPLY=($(compgen ${action:+\"$action\"} -W \"$words\" -- \"$cur\"))\n"
                   "    [[ $action ]] && compopt -o filenames 2>/dev/null\n    return 0\n}\n"
                   "complete -F _guardrailc guardrailc\n");
}

/* ---- zsh ---- */

/* A choice may also begin with "-" in _arguments, so help texts lose what it would read: ] and : . */
static void
zsh_option(struct gr_buf *b, const struct option_row *row)
{
    enum value_kind kind = value_kind(row);

    gr_buf_puts(b, " \\\n        ");
    if (row->letter)
        gr_buf_printf(b, "'(-%c --%s)'{-%c%s,--%s%s}", row->letter, row->name, row->letter,
                      row->value ? "+" : "", row->name, row->value ? "=" : "");
    else
        gr_buf_printf(b, "--%s%s", row->name, row->value ? "=" : "");
    gr_buf_puts(b, "'[");
    put_quoted(b, row->help, "[]:\\");
    gr_buf_puts(b, "]");
    if (kind != VALUE_NONE)
        gr_buf_puts(b, ":value:");
    if (kind == VALUE_CHOICE) {
        gr_buf_puts(b, "(");
        put_choices(b, row->value);
        gr_buf_puts(b, ")");
    } else if (kind == VALUE_DIR || kind == VALUE_FILE) {
        gr_buf_puts(b, kind == VALUE_DIR ? "_files -/" : "_files");
    }
    gr_buf_puts(b, "'");
}

static void
zsh(struct gr_buf *b, const struct command *commands, size_t n)
{
    gr_buf_puts(b, "#compdef guardrailc\n"
                   "# zsh completion for guardrailc, written by \"guardrailc completion zsh\".\n"
                   "_guardrailc()\n{\n    local -a commands findings\n    commands=(\n");
    for (size_t i = 0; i < n; i++) {
        gr_buf_printf(b, "        '%s:", commands[i].name);
        put_quoted(b, commands[i].help, ":\\");
        gr_buf_puts(b, "'\n");
    }
    gr_buf_puts(b, "    )\n    findings=(");
    put_findings(b);
    gr_buf_puts(
        b, ")\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n"
           "    shift words\n    ((CURRENT--))\n    case $words[1] in\n");
    for (size_t i = 0; i < n; i++) {
        gr_buf_printf(b, "    %s)\n        _arguments", commands[i].name);
        for (size_t k = 0; commands[i].options[k].name; k++)
            zsh_option(b, &commands[i].options[k]);
        gr_buf_puts(b, " \\\n        ");
        if (operands_are_choices(&commands[i])) {
            gr_buf_puts(b, "'1:what:(");
            put_choices(b, commands[i].operands);
            gr_buf_puts(b, ")'");
        } else {
            gr_buf_puts(b, explains_findings(&commands[i])
                               ? "'*:what: _alternative \"findings:finding:($findings)\" files:file:_files'"
                               : "'*:file:_files'");
        }
        gr_buf_puts(b, " ;;\n");
    }
    gr_buf_puts(b, "    esac\n}\n"
                   "if [[ $funcstack[1] == _guardrailc ]]; then\n    _guardrailc \"$@\"\nelse\n"
                   "    compdef _guardrailc guardrailc\nfi\n");
}

/* ---- fish ---- */

static void
fish_option(struct gr_buf *b, const struct command *c, const struct option_row *row)
{
    enum value_kind kind = value_kind(row);

    gr_buf_printf(b, "complete -c guardrailc -n '__fish_seen_subcommand_from %s' -l %s", c->name, row->name);
    if (row->letter)
        gr_buf_printf(b, " -s %c", row->letter);
    if (kind == VALUE_CHOICE) {
        gr_buf_puts(b, " -x -a '");
        put_choices(b, row->value);
        gr_buf_puts(b, "'");
    } else if (kind == VALUE_DIR) {
        gr_buf_puts(b, " -x -a '(__fish_complete_directories)'");
    } else if (kind != VALUE_NONE) {
        gr_buf_puts(b, kind == VALUE_FILE ? " -r -F" : " -x");
    }
    gr_buf_puts(b, " -d '");
    put_quoted(b, row->help, "\\");
    gr_buf_puts(b, "'\n");
}

static void
fish(struct gr_buf *b, const struct command *commands, size_t n)
{
    gr_buf_puts(b, "# fish completion for guardrailc, written by \"guardrailc completion fish\".\n"
                   "complete -c guardrailc -n __fish_use_subcommand -f\n");
    for (size_t i = 0; i < n; i++) {
        const struct command *c = &commands[i];

        gr_buf_printf(b, "complete -c guardrailc -n __fish_use_subcommand -a %s -d '", c->name);
        put_quoted(b, c->help, "\\");
        gr_buf_puts(b, "'\n");
        for (size_t k = 0; c->options[k].name; k++)
            fish_option(b, c, &c->options[k]);
        if (operands_are_choices(c) || explains_findings(c)) {
            gr_buf_printf(b, "complete -c guardrailc -n '__fish_seen_subcommand_from %s'%s -a '", c->name,
                          operands_are_choices(c) ? " -f" : "");
            if (operands_are_choices(c))
                put_choices(b, c->operands);
            else
                put_findings(b);
            gr_buf_puts(b, "'\n");
        }
    }
}

int
completion_run(const struct command *self, const struct options *o)
{
    static const struct {
        const char *shell;
        void (*put)(struct gr_buf *b, const struct command *commands, size_t n);
    } shells[] = {{"bash", bash}, {"fish", fish}, {"zsh", zsh}};
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    size_t n;
    const struct command *commands = commands_all(&n);
    int code = EXIT_USAGE;

    if (o->n_operands != 1)
        return usage(self, "for which shell? One of bash, fish, zsh");
    for (size_t i = 0; i < GR_COUNT(shells); i++)
        if (strcmp(o->operands[0], shells[i].shell) == 0) {
            shells[i].put(&b, commands, n);
            code = EXIT_CLEAN;
        }
    if (code == EXIT_USAGE)
        usage(self, "there is no completion for '%s': bash, fish and zsh", o->operands[0]);
    else if (gr_buf_err(&b) != GR_OK || fwrite(gr_buf_cstr(&b), 1, b.n, stdout) != b.n || fflush(stdout) != 0)
        code = EXIT_MACHINE;
    gr_buf_fini(&b);
    return code;
}
