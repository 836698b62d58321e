/* What a changing command would do: said with --dry-run, and asked for at a terminal. */
#include "config.h"
#include "ctl_table.h"

#include <stdio.h>
#include <unistd.h>
#include "guardrail/quote.h"
#include "jread.h"
#include "jw.h"

/* What is known now, for the plan: a release, for advance its gate; nothing for the rest. */
static enum ctl_exit
look(const struct ctl_verb *v, const struct ctl *c, struct ctl_answer *release, struct ctl_answer *gate)
{
    struct gr_buf path = GR_BUF_INIT(1024);
    enum ctl_exit status = CTL_OK;

    if ((v->takes & CTL_ID) && !c->page) {
        gr_buf_printf(&path, "/v1/releases/%s", c->id);
        status = ctl_request(c, gr_buf_cstr(&path), NULL, release);
        if (release->status == 404 && !c->json)
            ctl_suggest(c);
        if (status == CTL_OK && (v->takes & CTL_OVERRIDE) && !c->override) {
            gr_buf_puts(&path, "/gate");
            status = ctl_request(c, gr_buf_cstr(&path), NULL, gate);
        }
    }
    gr_buf_fini(&path);
    return status;
}

static const char *
plan_of(const struct ctl_verb *v, const struct ctl *c)
{
    return c->override ? "enters the next phase at once, without checks and gate" : v->plan;
}

/* {"dry_run": true, "would": "…", "release": {…}, "gate": {…}} */
static void
print_json(struct gr_buf *b, const struct ctl_verb *v, const struct ctl *c, const struct ctl_answer *release,
           const struct ctl_answer *gate)
{
    struct jw w = JW_INIT(b);

    jw_open(&w, NULL, '{');
    jw_bool(&w, "dry_run", true);
    jw_text(&w, "would", plan_of(v, c));
    if (release->root)
        jw_raw(&w, "known", gr_str_trim(gr_buf_str(&release->body)));
    if (gate->root)
        jw_raw(&w, "gate", gr_str_trim(gr_buf_str(&gate->body)));
    jw_close(&w, '}');
    gr_buf_putc(b, '\n');
}

static void
print_text(struct gr_buf *b, const struct ctl_verb *v, const struct ctl *c, const struct ctl_answer *release,
           const struct ctl_answer *gate)
{
    const struct gr_node *r = release->root ? gr_node_get(release->root, "release") : NULL;

    if (r) {
        gr_quote_log(b, jread_str(r, "deployment_id"));
        gr_buf_puts(b, " is ");
        gr_quote_log(b, jread_str(r, "state"));
        gr_buf_puts(b, " in ");
        gr_quote_log(b, jread_str(r, "phase"));
        gr_buf_putc(b, '\n');
    }
    if (gate->root)
        ctl_print_gate(b, gate->root, c);
    gr_buf_printf(b, "%s%s%s: %s\n", v->group.p, v->group.n ? " " : "", v->name.p, plan_of(v, c));
}

static bool
agreed(void)
{
    char line[16];

    (void)fputs("Go on? [y/N] ", stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

enum ctl_exit
ctl_plan(const struct ctl_verb *v, const struct ctl *c, bool *stop)
{
    struct ctl_answer release = {.status = 0}, gate = {.status = 0};
    struct gr_buf text = GR_BUF_INIT(CTL_ANSWER_BYTES_MAX);
    bool ask = !c->yes && !c->dry_run && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    enum ctl_exit status = CTL_OK;

    *stop = c->dry_run;
    if (!ask && !c->dry_run)
        return CTL_OK;
    if ((status = look(v, c, &release, &gate)) != CTL_OK)
        goto done;
    if (c->dry_run && c->json)
        print_json(&text, v, c, &release, &gate);
    else
        print_text(&text, v, c, &release, &gate);
    if (gr_buf_err(&text) != GR_OK || fputs(gr_buf_cstr(&text), c->dry_run ? stdout : stderr) < 0 ||
        fflush(stdout) != 0) {
        status = CTL_MACHINE;
    } else if (ask && !agreed()) {
        (void)fputs("Nothing was changed.\n", stderr);
        status = CTL_REFUSED;
    } else if (c->dry_run && gate.root && !jread_bool(gate.root, "promote")) {
        status = CTL_REFUSED;
    }
done:
    ctl_answer_fini(&release);
    ctl_answer_fini(&gate);
    gr_buf_fini(&text);
    return status;
}
