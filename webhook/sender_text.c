#include "config.h"
#include "sender_text.h"

#include "expand.h"
#include "guardrail/duration.h"

#define LINK_BYTES_MAX 2000u
#define TOKEN_BYTES_MAX 4096u
#define COMMAND_BYTES_MAX 1024u

/* -- titles -------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *now, *later; /* of a title; what a person is told */
} acts[MESSAGE_ACTS] = {
    [ACT_NONE] = {"", "", ""},
    [ACT_HOLD] = {"hold", ", promotion held", "holds promotion"},
    [ACT_EXTEND] = {"extend", ", phase extended", "extends the phase"},
    [ACT_HALT] = {"halt", ", release halted", "halts the release"},
    [ACT_ABORT] = {"abort", ", aborting", "aborts the release"},
    [ACT_ROLLBACK] = {"rollback", ", rolling back", "rolls the release back"},
};

const char *
message_act_name(enum message_act act)
{
    GR_ASSERT((size_t)act < MESSAGE_ACTS);
    return acts[act].name;
}

const char *
message_kind_name(enum message_kind kind)
{
    static const char *const names[MESSAGE_KINDS] = {"breach", "held",         "outcome", "blind",
                                                     "test",   "acknowledged", "over"};

    return kind < MESSAGE_KINDS ? names[kind] : "test";
}

static const char *
breach_words(enum policy_level level)
{
    switch (level) {
    case LEVEL_HARD:
        return "Hard breach";
    case LEVEL_SOFT:
        return "Soft breach";
    case LEVEL_NO_DATA:
    case POLICY_LEVELS:
        break;
    }
    return "No data";
}

static const char *
title_words(const struct message *m)
{
    switch (m->kind) {
    case MESSAGE_BREACH:
        return breach_words(m->level);
    case MESSAGE_HELD:
        return "Needs a human";
    case MESSAGE_OUTCOME:
        return m->ok ? "Rolled back" : "Rollback incomplete";
    case MESSAGE_BLIND:
        return "Guardrails are blind";
    case MESSAGE_ACKED:
        return "Acknowledged";
    case MESSAGE_CLOSED:
        return "Over";
    case MESSAGE_TEST:
    case MESSAGE_KINDS:
        break;
    }
    return "Drill";
}

const char *
sender_severity(const struct message *m)
{
    switch (m->kind) {
    case MESSAGE_BREACH:
        return m->level == LEVEL_HARD ? "critical" : "warning";
    case MESSAGE_OUTCOME:
        return m->ok ? "info" : "critical";
    case MESSAGE_HELD:
    case MESSAGE_BLIND:
        return "critical";
    case MESSAGE_ACKED:
    case MESSAGE_CLOSED:
    case MESSAGE_TEST:
    case MESSAGE_KINDS:
        break;
    }
    return "info";
}

void
sender_title(struct gr_buf *b, const struct message *m)
{
    gr_buf_puts(b, title_words(m));
    if (m->kind == MESSAGE_BREACH)
        gr_buf_puts(b, m->confirm_by_ms > 0 ? ", waits for you" : acts[m->act].now);
    if (m->guardrail.n > 0)
        gr_buf_printf(b, ": " GR_FMT, GR_ARG(m->guardrail));
    if (m->deployment_id.n > 0)
        gr_buf_printf(b, m->guardrail.n > 0 ? " (" GR_FMT ")" : ": " GR_FMT, GR_ARG(m->deployment_id));
    else if (m->spec.n > 0)
        gr_buf_printf(b, ": " GR_FMT, GR_ARG(m->spec));
}

void
sender_headline(struct gr_buf *b, const struct message *m)
{
    bool why = m->reason.n > 0 && (m->kind == MESSAGE_HELD || m->kind == MESSAGE_CLOSED ||
                                   (m->kind == MESSAGE_OUTCOME && !m->ok));
    struct gr_str rest = m->summary.n > 0 && !why ? m->summary : m->reason;

    sender_title(b, m);
    if (m->guardrail.n > 0 && rest.n > m->guardrail.n && gr_str_starts(rest, m->guardrail) &&
        rest.p[m->guardrail.n] == ' ')
        rest = gr_str_sub(rest, m->guardrail.n + 1, rest.n);
    if (m->kind == MESSAGE_ACKED && m->by.n > 0)
        gr_buf_printf(b, " - by " GR_FMT, GR_ARG(m->by));
    else if (rest.n > 0)
        gr_buf_printf(b, " - " GR_FMT, GR_ARG(rest));
}

/* -- what is done, and what can be --------------------------------------------------------------------------------------- */

static const struct gr_str blind_action = GR_STR_INIT(
    "opens no gate, and rolls nothing back for this; look at Prometheus, Alertmanager and the way "
    "from there to here");

void
sender_action(struct gr_buf *b, const struct message *m)
{
    if (m->confirm_by_ms == 0) {
        gr_buf_put(b, m->kind == MESSAGE_BLIND && m->action.n == 0 ? blind_action : m->action);
        return;
    }
    gr_buf_printf(b, "waits for a person; %s when somebody confirms it", acts[m->act].later);
    if (m->level == LEVEL_HARD) {
        gr_buf_puts(b, ", or by itself at ");
        gr_time_print(b, m->confirm_by_ms);
        gr_buf_puts(b, " if nobody denies it");
    } else {
        gr_buf_puts(b, "; put away at ");
        gr_time_print(b, m->confirm_by_ms);
        gr_buf_puts(b, " if nobody does");
    }
}

enum {
    WHEN_PAGE = 1u,       /* somebody is to acknowledge it */
    WHEN_WAITS = 2u,      /* for a confirmation */
    WHEN_ROLLS_BACK = 4u, /* now */
    WHEN_SOFT = 8u,
    WHEN_HALTED = 16u,
    WHEN_KNOWN = 32u,  /* a release */
    WHEN_UNKNOWN = 64u /* a deployment that is none of ours */
};

/* %D the deployment, %G the guardrail, %R the number. */
static const struct {
    const char *what, *command;
    unsigned when;
} hands[] = {
    {"Roll back now", "guardrailctl release confirm %D --reason WHY", WHEN_WAITS},
    {"Do not roll back", "guardrailctl release deny %D --reason WHY", WHEN_WAITS},
    {"Acknowledge", "guardrailctl ack --page %R --reason WHY", WHEN_PAGE},
    {"Stop the rollback", "guardrailctl release cancel %D --reason WHY", WHEN_ROLLS_BACK},
    {"Hold, nothing by itself", "guardrailctl release hold %D --for 30m --reason WHY", WHEN_SOFT},
    {"Reviewed, when it is over", "guardrailctl ack %D --guardrail %G --reason WHY", WHEN_SOFT},
    {"Override the gate", "guardrailctl release override %D --for 30m --reason WHY", WHEN_SOFT},
    {"Run on", "guardrailctl release resume %D --reason WHY", WHEN_HALTED},
    {"Protect again", "guardrailctl release rearm %D --reason WHY", WHEN_HALTED},
    {"Give up the release", "guardrailctl release abort %D --reason WHY", WHEN_HALTED},
    {"Look", "guardrailctl release show %D", WHEN_KNOWN},
    {"Look", "guardrailctl status", WHEN_UNKNOWN},
};

static unsigned
situation(const struct message *m)
{
    bool breach = m->kind == MESSAGE_BREACH;
    unsigned s = m->known ? WHEN_KNOWN : WHEN_UNKNOWN;

    if (m->page && m->kind != MESSAGE_ACKED && m->kind != MESSAGE_CLOSED)
        s |= WHEN_PAGE;
    if (!m->known)
        return s;
    if (breach && m->confirm_by_ms > 0)
        s |= WHEN_WAITS;
    if (breach && m->confirm_by_ms == 0 && m->act == ACT_ROLLBACK)
        s |= WHEN_ROLLS_BACK;
    if (breach && m->level != LEVEL_HARD)
        s |= WHEN_SOFT;
    if (m->halted)
        s |= WHEN_HALTED;
    return s;
}

/* False: a name is not one to be pasted. */
static bool
fill(struct gr_buf *b, const char *pattern, const struct message *m)
{
    for (; *pattern != '\0'; pattern++) {
        struct gr_str name;

        if (*pattern != '%') {
            gr_buf_putc(b, *pattern);
            continue;
        }
        pattern++;
        name = *pattern == 'D' ? m->deployment_id : *pattern == 'G' ? m->guardrail : m->reference;
        if (!expand_value_ok(name))
            return false;
        gr_buf_put(b, name);
    }
    return gr_buf_err(b) == GR_OK;
}

void
sender_commands(const struct message *m, sender_command_fn *fn, void *arg)
{
    unsigned s = situation(m);

    for (size_t i = 0; i < GR_COUNT(hands); i++) {
        struct gr_buf command = GR_BUF_INIT(COMMAND_BYTES_MAX);

        if ((hands[i].when & s) != 0 && fill(&command, hands[i].command, m))
            fn(arg, hands[i].what, gr_buf_str(&command));
        gr_buf_fini(&command);
    }
}

size_t
sender_links(const struct message *m, struct sender_link out[SENDER_LINKS_MAX])
{
    const struct sender_link all[SENDER_LINKS_MAX] = {
        {"Acknowledge", m->kind == MESSAGE_ACKED || m->kind == MESSAGE_CLOSED ? GR_STR_NONE : m->ack_url},
        {"Panel", m->dashboard_url},
        {"Runbook", m->runbook_url},
    };
    size_t n = 0;

    for (size_t i = 0; i < GR_COUNT(all); i++)
        if (sender_link_ok(all[i].url))
            out[n++] = all[i];
    return n;
}

/* -- quoting and limits ---------------------------------------------------------------------------------------------------- */

void
sender_plain(struct gr_buf *b, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        gr_buf_putc(b, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i]);
}

/* The largest n <= s.n that ends no character in its middle. */
static size_t
char_start(struct gr_str s, size_t n)
{
    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0u) == 0x80u)
        n--;
    return n;
}

/* Quoting only lengthens, by at most 12 times; so a cut text is shortened in proportion until its quoted form fits. */
void
sender_put(struct gr_buf *b, struct gr_str s, void (*quote)(struct gr_buf *b, struct gr_str s), size_t max)
{
    size_t before = b->n, n = s.n < max ? s.n : char_start(s, max);

    GR_ASSERT(max >= 3);
    for (;;) {
        size_t dots = n < s.n ? 3 : 0, used;

        quote(b, gr_str_sub(s, 0, n));
        used = b->n - before;
        if (gr_buf_err(b) != GR_OK)
            return;
        if (used + dots <= max) {
            gr_buf_puts(b, dots > 0 ? "..." : "");
            return;
        }
        gr_buf_cut(b, before);
        n = char_start(s, n > 16 && used > max ? n * max / used : n - 1);
    }
}

bool
sender_link_ok(struct gr_str url)
{
    if (url.n > LINK_BYTES_MAX ||
        (!gr_str_starts(url, GR_STR("https://")) && !gr_str_starts(url, GR_STR("http://"))))
        return false;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~' || strchr("\"'<>|\\`", url.p[i]))
            return false;
    return true;
}

bool
sender_url_secret_ok(struct gr_str secret, bool allow_http)
{
    return sender_link_ok(secret) && (allow_http || gr_str_starts(secret, GR_STR("https://")));
}

bool
sender_token_ok(const struct policy_action *action, struct gr_str secret, bool allow_http)
{
    (void)action;
    (void)allow_http;
    for (size_t i = 0; i < secret.n; i++)
        if (secret.p[i] <= ' ' || secret.p[i] > '~')
            return false;
    return secret.n >= 8 && secret.n <= TOKEN_BYTES_MAX;
}
