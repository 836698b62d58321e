/* guardrailctl completion: a script for bash, fish or zsh, written from the tables of commands and options. */
#include "config.h"
#include "ctl_table.h"

#include <stdio.h>

static bool
is_file(const struct ctl_option *o)
{
    return o->value && (gr_str_is(gr_str(o->value), "FILE") || gr_str_is(gr_str(o->value), "PATH") ||
                        gr_str_is(gr_str(o->value), "DIR"));
}

static bool
goes_with(const struct ctl_option *o, const struct ctl_verb *v)
{
    return o->verbs == 0 || (o->verbs & v->takes);
}

/* "--by|--reason": the options that a value follows. files: only those, or only the others. */
static void
put_valued(struct gr_buf *b, bool files, const char *between)
{
    bool any = false;

    for (size_t i = 0; i < ctl_option_count; i++)
        if (ctl_options[i].value && is_file(&ctl_options[i]) == files) {
            gr_buf_printf(b, "%s--%s", any ? between : "", ctl_options[i].name);
            any = true;
        }
}

/* The first words: verbs of their own, and each group once. */
static bool
first_word(size_t i, struct gr_str *out)
{
    const struct ctl_verb *v = &ctl_verbs[i];

    *out = v->group.n ? v->group : v->name;
    for (size_t k = 0; v->group.n && k < i; k++)
        if (gr_str_eq(ctl_verbs[k].group, v->group))
            return false;
    return true;
}

static void
put_firsts(struct gr_buf *b)
{
    struct gr_str word;

    for (size_t i = 0; i < ctl_verb_count; i++)
        if (first_word(i, &word))
            gr_buf_printf(b, "%s" GR_FMT, i > 0 ? " " : "", GR_ARG(word));
}

static void
put_seconds(struct gr_buf *b, struct gr_str group)
{
    bool any = false;

    for (size_t i = 0; i < ctl_verb_count; i++)
        if (gr_str_eq(ctl_verbs[i].group, group)) {
            gr_buf_printf(b, "%s" GR_FMT, any ? " " : "", GR_ARG(ctl_verbs[i].name));
            any = true;
        }
}

/* A text inside single quotes of a shell; `also` needs a backslash too. */
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

static const char *
help_of(size_t option)
{
    return ctl_options[option].help[0] ? ctl_options[option].help : "the same";
}

/* ---- bash, and what zsh shares with it ---- */

/* Sets first and second: the words that are neither options nor their values. */
static void
put_words(struct gr_buf *b, const char *list, const char *from, const char *current)
{
    gr_buf_printf(
        b, "    for ((i = %s; i < %s; i++)); do\n        word=${%s[i]}\n        case $word in\n        ",
        from, current, list);
    put_valued(b, false, "|");
    gr_buf_putc(b, '|');
    put_valued(b, true, "|");
    gr_buf_printf(
        b,
        ") ((i++)); [[ ${%s[i]} == = ]] && ((i++)) ;;\n        -* | =) ;;\n"
        "        *) if [[ -z $first ]]; then first=$word; elif [[ -z $second ]]; then second=$word; fi ;;\n"
        "        esac\n    done\n",
        list);
}

static void
bash(struct gr_buf *b)
{
    struct gr_str word;

    gr_buf_puts(b, "# bash completion for guardrailctl, written by \"guardrailctl completion bash\".\n"
                   "_guardrailctl()\n{\n"
                   "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                   "    local i word first= second= words= options= action=\n\n    COMPREPLY=()\n"
                   "    # --by=jane comes as three words\n"
                   "    if [[ $cur == = ]]; then\n        cur=\n"
                   "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
                   "    case $prev in\n    ");
    put_valued(b, true, "|");
    gr_buf_puts(b, ")\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                   "        compopt -o filenames 2>/dev/null\n        return ;;\n    ");
    put_valued(b, false, "|");
    gr_buf_puts(b, ") return ;;\n    esac\n");
    put_words(b, "COMP_WORDS", "1", "COMP_CWORD");
    gr_buf_puts(b, "    case \"$first $second\" in\n    ' ') words='");
    put_firsts(b);
    gr_buf_puts(b, "' ;;\n");
    for (size_t i = 0; i < ctl_verb_count; i++)
        if (first_word(i, &word) && ctl_verbs[i].group.n) {
            gr_buf_printf(b, "    '" GR_FMT " ') words='", GR_ARG(word));
            put_seconds(b, word);
            gr_buf_puts(b, "' ;;\n");
        }
    for (size_t i = 0; i < ctl_verb_count; i++) {
        const struct ctl_verb *v = &ctl_verbs[i];

        gr_buf_printf(b, v->group.n ? "    '%s %s'*) options='" : "    '%s%s '*) options='", v->group.p,
                      v->name.p);
        for (size_t k = 0; k < ctl_option_count; k++)
            if (goes_with(&ctl_options[k], v))
                gr_buf_printf(b, "--%s ", ctl_options[k].name);
        gr_buf_puts(b, "'");
        if (v->takes & CTL_SHELL)
            gr_buf_puts(b, " words='bash fish zsh'");
        gr_buf_puts(b, v->takes & CTL_PATH ? " action=-f ;;\n" : " ;;\n");
    }
    gr_buf_puts(b, "    esac\n    if [[ $cur == -* ]]; then\n        words=${options:---help --version} "
                   "action=\n    fi\n"
                   "    COMPREPLY=($(compgen ${action:+\"$action\"} -W \"$words\" -- \"$cur\"))\n"
                   "    [[ $action ]] && compopt -o filenames 2>/dev/null\n    return 0\n}\n"
                   "complete -F _guardrailctl guardrailctl\n");
}

/* ---- zsh ---- */

static void
zsh(struct gr_buf *b)
{
    struct gr_str word;

    gr_buf_puts(b, "#compdef guardrailctl\n"
                   "# zsh completion for guardrailctl, written by \"guardrailctl completion zsh\".\n"
                   "_guardrailctl()\n{\n    local i word first second\n    local -a choices options\n"
                   "    case $words[CURRENT-1] in\n    ");
    put_valued(b, true, "|");
    gr_buf_puts(b, ") _files; return ;;\n    ");
    put_valued(b, false, "|");
    gr_buf_puts(b, ") _message value; return ;;\n    esac\n");
    put_words(b, "words", "2", "CURRENT");
    gr_buf_puts(b, "    case \"$first $second\" in\n    ' ') choices=(");
    put_firsts(b);
    gr_buf_puts(b, ") ;;\n");
    for (size_t i = 0; i < ctl_verb_count; i++)
        if (first_word(i, &word) && ctl_verbs[i].group.n) {
            gr_buf_printf(b, "    '" GR_FMT " ') choices=(", GR_ARG(word));
            put_seconds(b, word);
            gr_buf_puts(b, ") ;;\n");
        }
    for (size_t i = 0; i < ctl_verb_count; i++) {
        const struct ctl_verb *v = &ctl_verbs[i];

        gr_buf_printf(b, v->group.n ? "    '%s %s'*) options=(" : "    '%s%s '*) options=(", v->group.p,
                      v->name.p);
        for (size_t k = 0; k < ctl_option_count; k++)
            if (goes_with(&ctl_options[k], v)) {
                gr_buf_printf(b, "\n        '--%s:", ctl_options[k].name);
                put_quoted(b, help_of(k), ":\\");
                gr_buf_puts(b, "'");
            }
        gr_buf_puts(b, ")");
        if (v->takes & CTL_SHELL)
            gr_buf_puts(b, " choices=(bash fish zsh)");
        gr_buf_puts(b, v->takes & CTL_PATH ? "; [[ $PREFIX == -* ]] || { _files; return } ;;\n" : " ;;\n");
    }
    gr_buf_puts(
        b, "    esac\n    if [[ $PREFIX == -* ]]; then\n"
           "        ((${#options})) || options=('--help:print this' '--version:print the version')\n"
           "        _describe -o option options\n    else\n        _describe command choices\n    fi\n}\n"
           "if [[ $funcstack[1] == _guardrailctl ]]; then\n    _guardrailctl \"$@\"\nelse\n"
           "    compdef _guardrailctl guardrailctl\nfi\n");
}

/* ---- fish ---- */

static void
fish_condition(struct gr_buf *b, const struct ctl_verb *v)
{
    if (v->group.n)
        gr_buf_printf(b, "__fish_seen_subcommand_from %s; and ", v->group.p);
    gr_buf_printf(b, "__fish_seen_subcommand_from %s", v->name.p);
}

static void
fish_option(struct gr_buf *b, size_t option, const struct ctl_verb *v)
{
    const struct ctl_option *o = &ctl_options[option];

    gr_buf_puts(b, "complete -c guardrailctl");
    if (v) {
        gr_buf_puts(b, " -n '");
        fish_condition(b, v);
        gr_buf_puts(b, "'");
    }
    gr_buf_printf(b, " -l %s%s -d '", o->name, !o->value ? "" : is_file(o) ? " -r -F" : " -x");
    put_quoted(b, help_of(option), "\\");
    gr_buf_puts(b, "'\n");
}

static void
fish(struct gr_buf *b)
{
    struct gr_str word;

    gr_buf_puts(b, "# fish completion for guardrailctl, written by \"guardrailctl completion fish\".\n"
                   "complete -c guardrailctl -f\n"
                   "complete -c guardrailctl -n __fish_use_subcommand -a '");
    put_firsts(b);
    gr_buf_puts(b, "'\n");
    for (size_t i = 0; i < ctl_verb_count; i++)
        if (first_word(i, &word) && ctl_verbs[i].group.n) {
            gr_buf_printf(b,
                          "complete -c guardrailctl -n '__fish_seen_subcommand_from " GR_FMT
                          "; and not __fish_seen_subcommand_from ",
                          GR_ARG(word));
            put_seconds(b, word);
            gr_buf_puts(b, "' -a '");
            put_seconds(b, word);
            gr_buf_puts(b, "'\n");
        }
    for (size_t i = 0; i < ctl_verb_count; i++) {
        const struct ctl_verb *v = &ctl_verbs[i];

        for (size_t k = 0; k < ctl_option_count; k++)
            if (ctl_options[k].verbs & v->takes)
                fish_option(b, k, v);
        if (!(v->takes & (CTL_PATH | CTL_SHELL)))
            continue;
        gr_buf_puts(b, "complete -c guardrailctl -n '");
        fish_condition(b, v);
        gr_buf_puts(b, v->takes & CTL_PATH ? "' -F\n" : "' -a 'bash fish zsh'\n");
    }
    for (size_t k = 0; k < ctl_option_count; k++)
        if (ctl_options[k].verbs == 0)
            fish_option(b, k, NULL);
}

enum ctl_exit
ctl_completion(const struct ctl *c)
{
    static const struct {
        const char *shell;
        void (*put)(struct gr_buf *b);
    } shells[] = {{"bash", bash}, {"fish", fish}, {"zsh", zsh}};
    struct gr_buf b = GR_BUF_INIT(1u << 20);
    enum ctl_exit status = CTL_USAGE;

    for (size_t i = 0; i < GR_COUNT(shells); i++)
        if (strcmp(c->id, shells[i].shell) == 0) {
            shells[i].put(&b);
            status = CTL_OK;
        }
    if (status == CTL_USAGE)
        (void)fprintf(stderr, "guardrailctl: there is no completion for \"%s\": bash, fish and zsh\n", c->id);
    else if (gr_buf_err(&b) != GR_OK || fwrite(gr_buf_cstr(&b), 1, b.n, stdout) != b.n || fflush(stdout) != 0)
        status = CTL_MACHINE;
    gr_buf_fini(&b);
    return status;
}
