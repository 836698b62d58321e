/* ctl_table.h - guardrailctl's commands and options: what --help, the reading of the command line, and shells' completions have in
 * common. To add a command or an option: a row in ctl_table.c, its lines in the manual. */
#ifndef GUARDRAIL_WEBHOOK_CTL_TABLE_H
#define GUARDRAIL_WEBHOOK_CTL_TABLE_H
#include "ctl.h"

/* What a command needs, and the options that not every command takes. */
enum ctl_takes {
    CTL_ID = 1u << 0,         /* a deployment */
    CTL_NUMBER = 1u << 1,     /* an effect's number, with or without "G-" */
    CTL_PATH = 1u << 2,       /* a file or folder */
    CTL_REASON = 1u << 3,     /* --reason must be there */
    CTL_CHANGES = 1u << 4,    /* sends by and reason */
    CTL_STREAM = 1u << 5,     /* --stream and --deployment must be there */
    CTL_OVERRIDE = 1u << 6,   /* may have --override */
    CTL_SPAN = 1u << 7,       /* may have --for or --until */
    CTL_SPAN_MUST = 1u << 8,  /* must have one of them */
    CTL_PAGE = 1u << 9,       /* may have --page instead of the deployment */
    CTL_GUARDRAIL = 1u << 10, /* may have --guardrail */
    CTL_ALL = 1u << 11,       /* may have --all instead of the number */
    CTL_VERIFY = 1u << 12,    /* --head, --store */
    CTL_POLICIES = 1u << 13,  /* --policies */
    CTL_FORCE = 1u << 14,     /* may have --force */
    CTL_WATCH = 1u << 15,     /* may have --watch */
    CTL_SHELL = 1u << 16,     /* the name of a shell */
    CTL_COMMANDER = 1u << 17, /* may have --commander */
    CTL_DEVIATE = 1u << 18,   /* must have --commander and one of --lasts, --to, --share */
};
struct ctl_verb {
    struct gr_str group, name; /* group "": a verb of its own */
    unsigned takes;
    const char *path;  /* %s: the id or number */
    const char *path2; /* with --override, --page or --all; NULL: none */
    void (*print)(struct gr_buf *b, const struct gr_node *root, const struct ctl *c);
    const char *list; /* print gets this member instead of the root */
    const char *usage;
    const char *plan;                            /* CTL_CHANGES: what it does, for people to agree to */
    enum ctl_exit (*local)(const struct ctl *c); /* instead of asking guardraild */
};
extern const struct ctl_verb ctl_verbs[];
extern const size_t ctl_verb_count;

struct ctl_option {
    const char *name, *value; /* value: what stands after it; NULL: nothing */
    unsigned verbs;           /* one of the bits above: only commands that have one of them; 0: all */
    size_t text, flag;        /* offset in struct ctl of the const char * or bool that it sets */
    const char *help;         /* "": another name of the one before */
};
extern const struct ctl_option ctl_options[];
extern const size_t ctl_option_count;
#define CTL_OPTIONS_MAX 64u

/* Shows what a changing command would do, and asks at a terminal. CTL_OK: go on; *stop: with --dry-run, all is said. */
enum ctl_exit ctl_plan(const struct ctl_verb *v, const struct ctl *c, bool *stop);
enum ctl_exit ctl_completion(const struct ctl *c);
/* Appends what --help shows. */
void ctl_usage(struct gr_buf *b);
#endif
