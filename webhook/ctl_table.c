#include "config.h"
#include "ctl_table.h"

#include <stddef.h>

#define VERB(group, name) GR_STR_INIT(group), GR_STR_INIT(name)
#define HAND (CTL_ID | CTL_REASON | CTL_CHANGES)
const struct ctl_verb ctl_verbs[] = {
    {VERB("release", "start"), CTL_STREAM | CTL_CHANGES, "/v1/releases", NULL, ctl_print_changed, NULL,
     "--stream LABEL=VALUE[,…] --deployment ID [--reason TEXT]",
     "puts the deployment into the first phase of its stream", NULL},
    {VERB("release", "advance"), HAND | CTL_OVERRIDE | CTL_COMMANDER, "/v1/releases/%s/advance",
     "/v1/releases/%s/override", ctl_print_changed, NULL, "ID --reason TEXT [--override [--commander NAME]]",
     "runs the checks, asks the gate, and enters the next phase", NULL},
    {VERB("release", "override"), HAND | CTL_SPAN | CTL_SPAN_MUST | CTL_COMMANDER, "/v1/releases/%s/override",
     NULL, ctl_print_changed, NULL, "ID --for 30m --reason TEXT [--commander NAME]",
     "opens the gate of the present phase for that time, whatever is known against it", NULL},
    {VERB("release", "deviate"), HAND | CTL_COMMANDER | CTL_DEVIATE, "/v1/releases/%s/deviate", NULL,
     ctl_print_changed, NULL,
     "ID --commander NAME --reason TEXT [--lasts 45m] [--to PHASE] [--share FLOW=2%[,…]]",
     "changes the schedule of the present phase: how long it lasts, what follows it, its traffic shares",
     NULL},
    {VERB("release", "show"), CTL_ID, "/v1/releases/%s", NULL, ctl_print_release, NULL, "ID", NULL, NULL},
    {VERB("release", "list"), 0, "/v1/releases", NULL, ctl_print_releases, "releases", "", NULL, NULL},
    {VERB("release", "abort"), HAND, "/v1/releases/%s/abort", NULL, ctl_print_changed, NULL,
     "ID --reason TEXT", "ends the release without a rollback", NULL},
    {VERB("release", "hold"), HAND | CTL_SPAN, "/v1/releases/%s/hold", NULL, ctl_print_changed, NULL,
     "ID --reason TEXT [--for 1h]", "stops every automatic rollback and promotion of the release until then",
     NULL},
    {VERB("release", "resume"), HAND, "/v1/releases/%s/resume", NULL, ctl_print_changed, NULL,
     "ID --reason TEXT", "ends the hold: a rollback that waits goes on", NULL},
    {VERB("release", "rearm"), HAND, "/v1/releases/%s/rearm", NULL, ctl_print_changed, NULL,
     "ID --reason TEXT", "arms the release: the next hard breach rolls it back", NULL},
    {VERB("release", "cancel"), HAND | CTL_FORCE, "/v1/releases/%s/cancel", NULL, ctl_print_changed, NULL,
     "ID --reason TEXT [--force]", "ends the rollback before its end; the release is halted, and not armed",
     NULL},
    {VERB("release", "confirm"), HAND, "/v1/releases/%s/confirm", NULL, ctl_print_changed, NULL,
     "ID --reason TEXT", "begins the rollback or abort that waits", NULL},
    {VERB("release", "deny"), HAND, "/v1/releases/%s/deny", NULL, ctl_print_changed, NULL, "ID --reason TEXT",
     "refuses the rollback or abort that waits; the release is not armed any more", NULL},
    {VERB("", "ack"), HAND | CTL_PAGE | CTL_GUARDRAIL, "/v1/releases/%s/ack", "/v1/pages/%s/ack",
     ctl_print_acked, NULL, "ID --reason TEXT [--guardrail NAME], or --page NUMBER --reason TEXT",
     "acknowledges: pages are taken, breaches that are over are reviewed", NULL},
    {VERB("", "gate"), CTL_ID, "/v1/releases/%s/gate", NULL, ctl_print_gate, NULL, "ID", NULL, NULL},
    {VERB("", "verdicts"), CTL_ID, "/v1/releases/%s/verdicts", NULL, ctl_print_verdicts, NULL, "ID", NULL,
     NULL},
    {VERB("", "status"), CTL_WATCH, "/v1/status", NULL, ctl_print_status, NULL, "[--watch]", NULL, NULL},
    {VERB("deadletter", "list"), 0, "/v1/deadletters", NULL, ctl_print_letters, "deadletters", "", NULL,
     NULL},
    {VERB("deadletter", "retry"), CTL_NUMBER | CTL_CHANGES | CTL_ALL, "/v1/deadletters/%s/retry",
     "/v1/deadletters/retry", ctl_print_acked, NULL, "NUMBER | --all [--reason TEXT]",
     "sends dead letters again", NULL},
    {VERB("deadletter", "drop"), CTL_NUMBER | CTL_REASON | CTL_CHANGES, "/v1/deadletters/%s/drop", NULL,
     ctl_print_acked, NULL, "NUMBER --reason TEXT", "puts the dead letter away for good", NULL},
    {VERB("", "verify"), CTL_PATH | CTL_VERIFY, "/v1/audit", NULL, ctl_print_audit, NULL,
     "PATH [--head SEQ:HASH] | --store", NULL, ctl_verify},
    {VERB("", "replay"), CTL_PATH | CTL_POLICIES, NULL, NULL, NULL, NULL, "PATH [--policies DIR]", NULL,
     ctl_replay},
    {VERB("", "completion"), CTL_SHELL, NULL, NULL, NULL, NULL, "bash|fish|zsh", NULL, ctl_completion},
};
const size_t ctl_verb_count = GR_COUNT(ctl_verbs);

#define NOTHING SIZE_MAX
#define TEXT(member) offsetof(struct ctl, member), NOTHING
#define FLAG(member) NOTHING, offsetof(struct ctl, member)
const struct ctl_option ctl_options[] = {
    {"socket", "PATH", 0, TEXT(socket),
     "guardraild's admin socket (default: $GUARDRAIL_SOCKET or " CTL_SOCKET ")"},
    {"server", "URL", 0, TEXT(url), "instead of the socket: https://guardraild.example.org:9095"},
    {"url", "URL", 0, TEXT(url), ""},
    {"token-file", "FILE", 0, TEXT(token_file), "the bearer token for --server; a private file"},
    {"ca-file", "FILE", 0, TEXT(ca_file),
     "who may have signed guardraild's certificate (default: the system's)"},
    {"cert-file", "FILE", 0, TEXT(cert_file), "a client certificate for --server, and"},
    {"key-file", "FILE", 0, TEXT(key_file), "its key; a private file"},
    {"by", "NAME", 0, TEXT(by), "who decides (default: the login name)"},
    {"reason", "TEXT", 0, TEXT(reason), "why; stands in the decision record"},
    {"note", "TEXT", 0, TEXT(reason), ""},
    {"stream", "LABELS", CTL_STREAM, TEXT(stream), "with start: the release stream, as cluster=equities"},
    {"deployment", "ID", CTL_STREAM, TEXT(deployment), "with start: what is released"},
    {"override", NULL, CTL_OVERRIDE, FLAG(override),
     "with advance: do not ask the gate, now; needs a good reason"},
    {"for", "DURATION", CTL_SPAN, TEXT(span), "how long it lasts, as 30m; at most 4h"},
    {"until", "TIME", CTL_SPAN, TEXT(until), "when it ends, as 2026-11-23T22:30:00Z"},
    {"commander", "NAME", CTL_COMMANDER, TEXT(commander),
     "the incident commander who allows what is off the schedule"},
    {"lasts", "DURATION", CTL_DEVIATE, TEXT(lasts),
     "with deviate: the phase's minimum is this, shorter or longer, as 45m"},
    {"to", "PHASE", CTL_DEVIATE, TEXT(to), "with deviate: this phase is the next one"},
    {"share", "SHARES", CTL_DEVIATE, TEXT(share),
     "with deviate: the shares of this phase, as making=2%,agency=1%, or 2%"},
    {"guardrail", "NAME", CTL_GUARDRAIL, TEXT(guardrail),
     "with ack: the breaches and pages of this one alone"},
    {"page", "NUMBER", CTL_PAGE, TEXT(page), "with ack: the page of this number (G-17 in its text)"},
    {"all", NULL, CTL_ALL, FLAG(all), "with retry: every dead letter that can be sent"},
    {"force", NULL, CTL_FORCE, FLAG(force), "with cancel: in the middle of a step, too"},
    {"timeout", "SECONDS", 0, TEXT(timeout),
     "how long to wait for guardraild (default 900: a phase's checks may take long)"},
    {"head", "SEQ:HASH", CTL_VERIFY, TEXT(head),
     "with verify: the record that must be there, as messages and verify --store name it"},
    {"store", NULL, CTL_VERIFY, FLAG(store), "with verify: guardraild checks its own store"},
    {"policies", "DIR", CTL_POLICIES, TEXT(policies),
     "with replay: where policy-HASH.json lie (default: beside the log)"},
    {"yes", NULL, CTL_CHANGES, FLAG(yes), "at a terminal: do not ask before anything is changed"},
    {"dry-run", NULL, CTL_CHANGES, FLAG(dry_run), "say what would be changed, and change nothing"},
    {"watch", NULL, CTL_WATCH, FLAG(watch), "with status: again every two seconds"},
    {"json", NULL, 0, FLAG(json), "print JSON: guardraild's answer as it is; see guardrailctl(1)"},
    {"color", "WHEN", 0, TEXT(color), "auto (at a terminal, unless NO_COLOR is set), always or never"},
    {"help", NULL, 0, FLAG(help), "print this"},
    {"version", NULL, 0, FLAG(version), "print the version"},
};
const size_t ctl_option_count = GR_COUNT(ctl_options);
_Static_assert(GR_COUNT(ctl_options) <= CTL_OPTIONS_MAX, "read_options counts them in 64 bits");

void
ctl_usage(struct gr_buf *b)
{
    gr_buf_puts(b, "Usage: guardrailctl [OPTION…] COMMAND\n\nCommands:\n");
    for (size_t i = 0; i < ctl_verb_count; i++)
        gr_buf_printf(b, "  %s%s%s%s%s\n", ctl_verbs[i].group.p, ctl_verbs[i].group.n ? " " : "",
                      ctl_verbs[i].name.p, ctl_verbs[i].usage[0] ? " " : "", ctl_verbs[i].usage);
    gr_buf_puts(b, "\nOptions:\n");
    for (size_t i = 0; i < ctl_option_count; i++) {
        const struct ctl_option *o = &ctl_options[i];
        size_t at = b->n;

        gr_buf_printf(b, "  --%s %s", o->name, o->value ? o->value : "");
        while (b->n - at < 22 && gr_buf_err(b) == GR_OK)
            gr_buf_putc(b, ' ');
        gr_buf_printf(b, " %s\n", o->help[0] ? o->help : "the same");
    }
    gr_buf_puts(
        b,
        "\n"
        "Exit status: 0 done, 1 refused (the gate is closed, the state does not allow it), 2 bad usage, no "
        "such\n"
        "deployment, or not allowed to this token, 3 guardraild cannot be reached or is in trouble.\n"
        "\n"
        "Examples:\n"
        "  guardrailctl release start --stream cluster=equities --deployment d42 --by "
        "jane.doe@example.com\n"
        "  guardrailctl gate d42\n"
        "  guardrailctl status --watch\n"
        "  guardrailctl --url https://guardraild.example.org:9095 --ca-file ca.crt --token-file read.token "
        "verdicts d42\n"
        "  guardrailctl ack d42 --reason 'a burst at the open; the extension was clean'\n"
        "  guardrailctl release advance d42 --by jane.doe@example.com --reason 'Latency normal "
        "after warm-up.'\n"
        "  guardrailctl release hold d42 --reason 'exchange is halting; no automatic rollback now'\n"
        "  guardrailctl verify /var/lib/guardrail/reports/audit\n");
}
