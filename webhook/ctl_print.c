#include "config.h"
#include "ctl.h"

#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "jread.h"

#define ROWS_MAX 1000u

/* ---- tables ---- */

size_t
ctl_width(struct gr_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

void
ctl_table_row(struct gr_buf *b, const size_t *widths, const struct gr_str *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gr_buf_put(b, cells[i]);
        for (size_t k = ctl_width(cells[i]); i + 1 < count && k < widths[i] + 2; k++)
            gr_buf_putc(b, ' ');
    }
    gr_buf_putc(b, '\n');
}

struct table {
    struct gr_buf text[ROWS_MAX][CTL_COLUMNS_MAX]; /* escaped cells; row 0 is the head */
    size_t rows, columns;
};

static void
table_print(struct gr_buf *b, struct table *t)
{
    size_t widths[CTL_COLUMNS_MAX] = {0};
    struct gr_str cells[CTL_COLUMNS_MAX];

    for (size_t c = 0; c < t->columns; c++)
        for (size_t r = 0; r < t->rows; r++)
            if (ctl_width(gr_buf_str(&t->text[r][c])) > widths[c])
                widths[c] = ctl_width(gr_buf_str(&t->text[r][c]));
    for (size_t r = 0; r < t->rows; r++) {
        for (size_t c = 0; c < t->columns; c++)
            cells[c] = gr_buf_str(&t->text[r][c]);
        ctl_table_row(b, widths, cells, t->columns);
    }
}

/* A list of objects as a table: one column per member name. Empty cells show "-". */
static void
list_print(struct gr_buf *b, const struct gr_node *list, const char *const *heads, const char *const *members,
           size_t columns)
{
    static struct table t; /* large; this program has one thread */
    size_t n = 0;

    t.columns = columns;
    t.rows = 1;
    for (size_t c = 0; c < columns; c++) {
        gr_buf_init(&t.text[0][c], 4096);
        gr_buf_puts(&t.text[0][c], heads[c]);
    }
    gr_node_each (v, list) {
        if (t.rows == ROWS_MAX)
            break;
        for (size_t c = 0; c < columns; c++) {
            struct gr_str cell = jread_str(v, members[c]);
            gr_buf_init(&t.text[t.rows][c], 16384);
            gr_quote_log(&t.text[t.rows][c], cell.n ? cell : GR_STR("-"));
        }
        t.rows++;
    }
    table_print(b, &t);
    for (size_t r = 0; r < t.rows; r++)
        for (size_t c = 0; c < columns; c++)
            gr_buf_fini(&t.text[r][c]);
    n = list ? list->count : 0;
    if (n + 1 > ROWS_MAX)
        gr_buf_printf(b, "(and %zu more)\n", n + 1 - ROWS_MAX);
}

static void
field(struct gr_buf *b, const char *name, struct gr_str value)
{
    if (value.n == 0)
        return;
    gr_buf_printf(b, "%-20s ", name);
    gr_quote_log(b, value);
    gr_buf_putc(b, '\n');
}

/* ---- colours ---- */

static const struct {
    struct gr_str word;
    const char *sgr;
} paints[] = {
#define GREEN "32"
#define YELLOW "33"
#define RED "31"
    {GR_STR_INIT("running"), GREEN},   {GR_STR_INIT("sealed"), GREEN},  {GR_STR_INIT("done"), GREEN},
    {GR_STR_INIT("open:"), GREEN},     {GR_STR_INIT("ready"), YELLOW},  {GR_STR_INIT("retry"), YELLOW},
    {GR_STR_INIT("waiting"), YELLOW},  {GR_STR_INIT("held"), YELLOW},   {GR_STR_INIT("soft"), YELLOW},
    {GR_STR_INIT("no_data"), YELLOW},  {GR_STR_INIT("halted"), RED},    {GR_STR_INIT("rolling_back"), RED},
    {GR_STR_INIT("rolled_back"), RED}, {GR_STR_INIT("aborted"), RED},   {GR_STR_INIT("failed"), RED},
    {GR_STR_INIT("dead"), RED},        {GR_STR_INIT("ambiguous"), RED}, {GR_STR_INIT("hard"), RED},
    {GR_STR_INIT("closed:"), RED},
};

static const char *
paint_of(struct gr_str word)
{
    for (size_t i = 0; i < GR_COUNT(paints); i++)
        if (gr_str_eq(paints[i].word, word))
            return paints[i].sgr;
    return NULL;
}

/* Words are cells: two spaces or the line's ends are around them, or they begin a line. */
void
ctl_paint(struct gr_buf *out, struct gr_str text)
{
    size_t i = 0, end;

    while (i < text.n) {
        bool begins =
            i == 0 || text.p[i - 1] == '\n' || (i > 1 && text.p[i - 1] == ' ' && text.p[i - 2] == ' ');
        const char *sgr;

        for (end = i; end < text.n && text.p[end] != ' ' && text.p[end] != '\n'; end++)
            ;
        if (end == i) {
            gr_buf_putc(out, text.p[i++]);
            continue;
        }
        sgr = begins ? paint_of(gr_str_sub(text, i, end)) : NULL;
        if (sgr)
            gr_buf_printf(out, "\033[%sm", sgr);
        gr_buf_put(out, gr_str_sub(text, i, end));
        if (sgr)
            gr_buf_puts(out, "\033[0m");
        i = end;
    }
}

/* ---- what guardraild answers with ---- */

static void
print_stop(struct gr_buf *b, const struct gr_node *r, const char *words, struct gr_str what,
           struct gr_str why)
{
    gr_quote_log(b, jread_str(r, "deployment_id"));
    gr_buf_puts(b, words);
    gr_quote_log(b, what);
    if (why.n > 0) {
        gr_buf_puts(b, ": ");
        gr_quote_log(b, why);
    }
    gr_buf_putc(b, '\n');
}

/* What keeps a release of the list where it is: "d42 is held by jane until …: why". */
static void
print_stops(struct gr_buf *b, const struct gr_node *r)
{
    struct gr_str confirm = jread_str(r, "confirm_by"), hold = jread_str(r, "promotion_hold"),
                  halt = jread_str(r, "halt_reason");
    struct gr_buf held = GR_BUF_INIT(16384);

    if (jread_bool(r, "held")) {
        gr_buf_put(&held, jread_str(r, "hold_by"));
        gr_buf_puts(&held, " until ");
        gr_buf_put(&held, jread_str(r, "hold_until"));
        print_stop(b, r, " is held by ", gr_buf_str(&held), jread_str(r, "hold_reason"));
    }
    gr_buf_fini(&held);
    if (confirm.n > 0)
        print_stop(b, r, " waits for release confirm, or deny, by ", confirm, GR_STR_NONE);
    else if (gr_str_is(jread_str(r, "state"), "running") && gr_str_is(jread_str(r, "armed"), "false"))
        print_stop(b, r, " is not armed; release rearm arms it", GR_STR_NONE, GR_STR_NONE);
    if (hold.n > 0)
        print_stop(b, r, " is not promoted", GR_STR_NONE, hold);
    if (halt.n > 0)
        print_stop(b, r, " is halted", GR_STR_NONE, halt);
}

void
ctl_print_releases(struct gr_buf *b, const struct gr_node *list, const struct ctl *c)
{
    static const char *const heads[] = {"DEPLOYMENT", "STREAM", "STATE",
                                        "PHASE",      "SINCE",  "EARLIEST PROMOTION"};
    static const char *const members[] = {"deployment_id", "stream_key",    "state",
                                          "phase",         "phase_started", "earliest_promotion"};

    (void)c;
    if (!list || list->count == 0) {
        gr_buf_puts(b, "no releases\n");
        return;
    }
    list_print(b, list, heads, members, GR_COUNT(heads));
    gr_node_each (r, list) {
        print_stops(b, r);
    }
}

static void
print_shares(struct gr_buf *b, const struct gr_node *map)
{
    bool first = true;

    if (!map || map->kind != GR_NODE_MAP || map->count == 0)
        return;
    gr_buf_printf(b, "%-20s ", "traffic share");
    gr_node_each (v, map) {
        gr_buf_puts(b, first ? "" : ", ");
        gr_quote_log(b, v->key);
        gr_buf_putc(b, ' ');
        gr_double_print(b, 100.0 * jread_double(map, v->key.p, 0));
        gr_buf_putc(b, '%');
        first = false;
    }
    gr_buf_putc(b, '\n');
}

/* "off schedule         lasts 12s, general_availability follows, by kim@example.org" */
static void
print_deviation(struct gr_buf *b, const struct gr_node *d)
{
    if (!d)
        return;
    gr_buf_printf(b, "%-20s ", "off schedule");
    if (jread_str(d, "lasts").n > 0) {
        gr_buf_puts(b, "lasts ");
        gr_quote_log(b, jread_str(d, "lasts"));
        gr_buf_puts(b, ", ");
    }
    if (jread_str(d, "next").n > 0) {
        gr_quote_log(b, jread_str(d, "next"));
        gr_buf_puts(b, " follows, ");
    }
    gr_buf_puts(b, jread_bool(d, "share") ? "other shares, by " : "by ");
    gr_quote_log(b, jread_str(d, "commander"));
    gr_buf_putc(b, '\n');
}

static void
print_head(struct gr_buf *b, const struct gr_node *r)
{
    field(b, "deployment", jread_str(r, "deployment_id"));
    field(b, "stream", jread_str(r, "stream_key"));
    field(b, "state", jread_str(r, "state"));
    field(b, "phase", jread_str(r, "phase"));
    field(b, "since", jread_str(r, "phase_started"));
    field(b, "earliest promotion", jread_str(r, "earliest_promotion"));
    if (jread_bool(r, "extended"))
        field(b, "extended", GR_STR("after a soft breach"));
    field(b, "latest promotion", jread_str(r, "latest_promotion"));
    field(b, "next phase", jread_str(r, "next_phase"));
    if (jread_str(r, "entering").n > 0) {
        gr_buf_printf(b, "%-20s the traffic split of ", "applying");
        gr_quote_log(b, jread_str(r, "entering"));
        gr_buf_putc(b, '\n');
    }
    print_deviation(b, gr_node_get(r, "deviation"));
    print_shares(b, gr_node_get(r, "traffic_share"));
    if (jread_bool(r, "held")) {
        field(b, "held by", jread_str(r, "hold_by"));
        field(b, "held until", jread_str(r, "hold_until"));
        field(b, "held because", jread_str(r, "hold_reason"));
    }
    field(b, "promotion held", jread_str(r, "promotion_hold"));
    field(b, "confirm or deny by", jread_str(r, "confirm_by"));
    if (gr_str_is(jread_str(r, "armed"), "false") && jread_str(r, "confirm_by").n == 0)
        field(b, "armed", GR_STR("no: a rollback was asked for already; release rearm arms it"));
    field(b, "halted because", jread_str(r, "halt_reason"));
    field(b, "ended", jread_str(r, "ended"));
}

static void
section(struct gr_buf *b, const char *title, const struct gr_node *list, const char *const *heads,
        const char *const *members, size_t columns)
{
    if (!list || list->count == 0)
        return;
    gr_buf_printf(b, "\n%s\n", title);
    list_print(b, list, heads, members, columns);
}

void
ctl_print_release(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    static const char *const phase_heads[] = {"PHASE", "ENTERED", "LEFT", "APPROVER", "COMMANDER", "NOTE"};
    static const char *const phases[] = {"phase", "entered", "left", "approver", "commander", "note"};
    static const char *const breach_heads[] = {"GUARDRAIL", "LEVEL",  "SLICE",     "PHASE",
                                               "OPEN",      "OPENED", "LAST SEEN", "ACKNOWLEDGED BY"};
    static const char *const breaches[] = {"guardrail", "level",  "slice",     "phase",
                                           "open",      "opened", "last_seen", "acknowledged_by"};
    static const char *const effect_heads[] = {"ID",    "EFFECT",  "ACTION", "STATE",
                                               "TRIES", "CREATED", "ERROR"};
    static const char *const effects[] = {"id", "kind", "action", "state", "attempts", "created", "error"};
    static const char *const step_heads[] = {"STEP", "ATTEMPT", "STATE",  "STARTED",
                                             "MS",   "RESULT",  "COMMAND"};
    static const char *const steps[] = {"name",        "attempt", "state",  "started",
                                        "duration_ms", "detail",  "command"};

    (void)c;
    print_head(b, gr_node_get(root, "release"));
    section(b, "Phases", gr_node_get(root, "phases"), phase_heads, phases, GR_COUNT(phases));
    section(b, "Breaches", gr_node_get(root, "breaches"), breach_heads, breaches, GR_COUNT(breaches));
    section(b, "Effects", gr_node_get(root, "effects"), effect_heads, effects, GR_COUNT(effects));
    section(b, "Steps", gr_node_get(root, "steps"), step_heads, steps, GR_COUNT(steps));
}

void
ctl_print_changed(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    (void)c;
    print_head(b, gr_node_get(root, "release"));
    if (jread_bool(root, "asked"))
        gr_buf_puts(b, "It runs, and ends before its next step; with --force in the middle of this one.\n");
    if (!jread_bool(root, "recorded"))
        gr_buf_puts(b, "The decision is stored; its record is not written yet (see guardraild's log).\n");
}

void
ctl_print_acked(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    (void)c;
    if (gr_node_get(root, "done")) {
        gr_quote_log(b, jread_str(root, "done"));
        gr_buf_printf(b, ": %lld\n", (long long)jread_i64(root, "count", 0));
        return;
    }
    gr_buf_printf(b, "acknowledged: %lld breaches that are over, %lld pages\n",
                  (long long)jread_i64(root, "reviews", 0), (long long)jread_i64(root, "pages", 0));
}

void
ctl_print_gate(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    const struct gr_node *reasons = gr_node_get(root, "reasons");

    (void)c;
    const struct gr_node *override = gr_node_get(root, "override");

    gr_buf_puts(b, jread_bool(root, "promote") ? "open: " : "closed: ");
    gr_quote_log(b, jread_str(root, "deployment_id"));
    gr_buf_puts(b, " in ");
    gr_quote_log(b, jread_str(root, "phase"));
    gr_buf_putc(b, '\n');
    if (override) {
        gr_buf_puts(b, "  opened by ");
        gr_quote_log(b, jread_str(override, "by"));
        gr_buf_puts(b, " until ");
        gr_quote_log(b, jread_str(override, "until"));
        gr_buf_puts(b, ": ");
        gr_quote_log(b, jread_str(override, "reason"));
        gr_buf_putc(b, '\n');
    }
    gr_node_each (v, reasons) {
        gr_buf_puts(b, "  - ");
        gr_quote_log(b, v->text);
        gr_buf_putc(b, '\n');
    }
}

void
ctl_print_status(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    static const char *const heads[] = {"TARGET", "STATE", "EFFECTS"};
    static const char *const members[] = {"target", "state", "count"};

    field(b, "guardraild", jread_str(root, "version"));
    field(b, "mode", jread_str(root, "mode"));
    field(b, "spec", jread_str(root, "spec"));
    field(b, "spec hash", jread_str(root, "spec_hash"));
    field(b, "up since", jread_str(root, "started"));
    field(b, "store", jread_str(root, "store"));
    field(b, "watchdog",
          jread_bool(root, "blind")       ? GR_STR("silent: the guardrails are blind")
          : jread_str(root, "watchdog").n ? jread_str(root, "watchdog")
                                          : GR_STR("no beat yet"));
    if (jread_bool(root, "breaker_open"))
        field(b, "storm breaker", GR_STR("open: further rollbacks are held for a person"));
    field(b, "oldest waiting", jread_str(root, "oldest_waiting_effect"));
    gr_buf_putc(b, '\n');
    ctl_print_releases(b, gr_node_get(root, "releases"), c);
    section(b, "Effects", gr_node_get(root, "effects"), heads, members, GR_COUNT(heads));
}

void
ctl_print_letters(struct gr_buf *b, const struct gr_node *list, const struct ctl *c)
{
    static const char *const heads[] = {"ID",        "EFFECT",  "ACTION", "DEPLOYMENT",
                                        "GUARDRAIL", "CREATED", "ERROR"};
    static const char *const members[] = {"id",        "kind",    "action", "deployment_id",
                                          "guardrail", "created", "error"};

    (void)c;
    if (!list || list->count == 0)
        gr_buf_puts(b, "no dead letters\n");
    else
        list_print(b, list, heads, members, GR_COUNT(heads));
}
