/* diag_sarif.c - findings as SARIF 2.1.0 and as GitHub's workflow commands.
 *
 * SARIF: one log with one run, since GitHub refuses several of one tool. Rules are the codes that occur, in the order of the table.
 * Fingerprints come from the code, the file and the message, never from the line, so that a finding that moves stays the same one. */
#include "config.h"
#include "diag_list.h"

#include "guardrail/hash.h"
#include "guardrail/quote.h"

#define SCHEMA_URI                                                                                           \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static const char *const levels[] = {
    [GR_SEV_NOTE] = "note", [GR_SEV_WARNING] = "warning", [GR_SEV_ERROR] = "error"};

/* A JSON string of two parts, as "message (help: fix)". */
static void
put_text(struct gr_buf *b, struct gr_str a, const char *between, struct gr_str c)
{
    struct gr_buf t = GR_BUF_INIT(4 * TEXT_BYTES_MAX);

    gr_buf_put(&t, a);
    if (c.n > 0) {
        gr_buf_puts(&t, between);
        gr_buf_put(&t, c);
    }
    if (gr_buf_err(&t) != GR_OK && gr_buf_err(b) == GR_OK)
        b->err = gr_buf_err(&t);
    gr_quote_json(b, gr_buf_str(&t));
    gr_buf_fini(&t);
}

static void
put_message(struct gr_buf *b, struct gr_str text, struct gr_str fix)
{
    gr_buf_puts(b, "\"message\":{\"text\":");
    put_text(b, text, "; ", fix);
    gr_buf_putc(b, '}');
}

static void
put_physical(const struct gr_diags *d, struct gr_span where, struct gr_buf *b)
{
    struct gr_place start = gr_sources_place(d->sources, where.file, where.start);
    struct gr_place end =
        gr_sources_place(d->sources, where.file, where.end > where.start ? where.end : where.start);

    gr_buf_puts(b, "\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"");
    gr_quote_uri(b, gr_sources_get(d->sources, where.file)->name);
    gr_buf_printf(b, "\"},\"region\":{\"startLine\":%u,\"startColumn\":%u,\"endLine\":%u,\"endColumn\":%u}}",
                  (unsigned)start.line, (unsigned)start.column, (unsigned)end.line, (unsigned)end.column);
}

static void
put_notes(const struct gr_diags *d, const struct finding *f, struct gr_buf *b)
{
    gr_buf_puts(b, ",\"relatedLocations\":[");
    for (const struct note *n = f->notes; n; n = n->next) {
        gr_buf_puts(b, n == f->notes ? "{" : ",{");
        if (n->where.file != 0) {
            put_physical(d, n->where, b);
            gr_buf_putc(b, ',');
        }
        put_message(b, n->message, GR_STR_NONE);
        gr_buf_putc(b, '}');
    }
    gr_buf_putc(b, ']');
}

static bool
same_but_place(const struct finding *a, const struct finding *b)
{
    return a->code == b->code && a->where.file == b->where.file && gr_str_eq(a->message, b->message);
}

/* Of finding `index`: SHA-256 of what it is, and how many equal ones stand before it. */
static void
put_fingerprint(const struct gr_diags *d, size_t index, struct gr_buf *b)
{
    const struct finding *f = d->findings[index];
    struct gr_buf t = GR_BUF_INIT(2 * GR_SOURCE_BYTES_MAX); /* a file's name has no limit of its own */
    char hex[GR_SHA256_HEX + 1] = "";
    enum gr_err err;
    size_t before = 0;

    for (size_t i = 0; i < index; i++)
        before += same_but_place(d->findings[i], f);
    gr_buf_printf(&t, "%s\n", gr_code_info(f->code)->code);
    gr_buf_put(&t, f->where.file != 0 ? gr_sources_get(d->sources, f->where.file)->name : GR_STR_NONE);
    gr_buf_putc(&t, '\n');
    gr_buf_put(&t, f->message);
    err = gr_buf_err(&t);
    if (err == GR_OK)
        err = gr_sha256_hex(gr_buf_str(&t), hex);
    if (err != GR_OK && gr_buf_err(b) == GR_OK)
        b->err = err;
    gr_buf_printf(b, ",\"partialFingerprints\":{\"guardrailFinding/v1\":\"%.32s:%zu\"}", hex, before + 1);
    gr_buf_fini(&t);
}

static void
put_result(const struct gr_diags *d, size_t index, unsigned rule, struct gr_buf *b)
{
    const struct finding *f = d->findings[index];
    const struct gr_code_info *info = gr_code_info(f->code);

    gr_buf_printf(b, "{\"ruleId\":\"%s\",\"ruleIndex\":%u,\"level\":\"%s\",", info->code, rule,
                  levels[info->severity]);
    put_message(b, f->message, f->fix);
    if (f->where.file != 0) {
        gr_buf_puts(b, ",\"locations\":[{");
        put_physical(d, f->where, b);
        gr_buf_puts(b, "}]");
    }
    if (f->notes)
        put_notes(d, f, b);
    put_fingerprint(d, index, b);
    gr_buf_putc(b, '}');
}

static void
put_rule(struct gr_diag_style style, enum gr_code code, struct gr_buf *b)
{
    const struct gr_code_info *info = gr_code_info(code);
    const char *page = style.page ? style.page(code) : NULL;

    gr_buf_printf(b, "{\"id\":\"%s\",\"name\":\"%s\",\"shortDescription\":{\"text\":", info->code,
                  info->name);
    gr_quote_json(b, gr_str(info->help));
    gr_buf_puts(b, "},\"help\":{\"text\":");
    gr_quote_json(b, gr_str(page ? page : info->help));
    gr_buf_printf(b, "},\"defaultConfiguration\":{\"level\":\"%s\"}}", levels[info->severity]);
}

/* What there was no room for, as the tool's own notice: a log without it would look whole. */
static void
put_invocation(const struct gr_diags *d, struct gr_buf *b)
{
    gr_buf_puts(b, "\"invocations\":[{\"executionSuccessful\":true");
    if (d->dropped > 0)
        gr_buf_printf(b,
                      ",\"toolExecutionNotifications\":[{\"level\":\"warning\",\"message\":{\"text\":"
                      "\"%zu more findings are not shown\"}}]",
                      d->dropped);
    gr_buf_puts(b, "}],");
}

void
diags_print_sarif(const struct gr_diags *d, struct gr_diag_style style, struct gr_buf *b)
{
    unsigned index[GR_CODE_COUNT] = {0}, rules = 0;
    bool used[GR_CODE_COUNT] = {false};

    for (size_t i = 0; i < d->count; i++)
        used[d->findings[i]->code] = true;
    gr_buf_printf(b,
                  "{\"$schema\":\"" SCHEMA_URI "\",\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{"
                  "\"name\":\"%s\",\"version\":\"" PACKAGE_VERSION "\",\"rules\":[",
                  style.tool ? style.tool : "guardrail");
    for (int code = 0; code < GR_CODE_COUNT; code++)
        if (used[code]) {
            gr_buf_puts(b, rules > 0 ? "," : "");
            put_rule(style, (enum gr_code)code, b);
            index[code] = rules++;
        }
    gr_buf_puts(b, "]}},\"columnKind\":\"unicodeCodePoints\",");
    put_invocation(d, b);
    gr_buf_puts(b, "\"results\":[");
    for (size_t i = 0; i < d->count; i++) {
        gr_buf_puts(b, i > 0 ? "," : "");
        put_result(d, i, index[d->findings[i]->code], b);
    }
    gr_buf_puts(b, "]}]}\n");
}

/* ::error file=guardrails.yml,line=12,endLine=12,col=15,endColumn=17,title=GR0103 wrong-type::message. Columns only of a place
 * on one line: others are refused. */
static void
put_annotation_place(const struct gr_diags *d, struct gr_span where, struct gr_buf *b)
{
    struct gr_str name = gr_sources_get(d->sources, where.file)->name;
    struct gr_place start = gr_sources_place(d->sources, where.file, where.start);
    struct gr_place end =
        gr_sources_place(d->sources, where.file, where.end > where.start ? where.end : where.start);

    if (gr_str_is(name, "-"))
        return;
    gr_buf_puts(b, "file=");
    gr_quote_github_property(b, name);
    gr_buf_printf(b, ",line=%u,endLine=%u,", (unsigned)start.line, (unsigned)end.line);
    if (start.line == end.line)
        gr_buf_printf(b, "col=%u,endColumn=%u,", (unsigned)start.column, (unsigned)end.column);
}

static void
put_annotation(const struct gr_diags *d, const struct finding *f, struct gr_buf *b)
{
    static const char *const commands[] = {
        [GR_SEV_NOTE] = "notice", [GR_SEV_WARNING] = "warning", [GR_SEV_ERROR] = "error"};
    const struct gr_code_info *info = gr_code_info(f->code);

    gr_buf_printf(b, "::%s ", commands[info->severity]);
    if (f->where.file != 0)
        put_annotation_place(d, f->where, b);
    gr_buf_printf(b, "title=%s %s::", info->code, info->name);
    gr_quote_github(b, f->message);
    gr_buf_puts(b, "%0Ahelp: ");
    gr_quote_github(b, f->fix.n > 0 ? f->fix : gr_str(info->help));
    for (const struct note *n = f->notes; n; n = n->next) {
        gr_buf_puts(b, "%0Anote: ");
        if (n->where.file != 0) {
            gr_quote_github(b, gr_sources_get(d->sources, n->where.file)->name);
            gr_buf_printf(
                b, ":%u: ", (unsigned)gr_sources_place(d->sources, n->where.file, n->where.start).line);
        }
        gr_quote_github(b, n->message);
    }
    gr_buf_putc(b, '\n');
}

void
diags_print_github(const struct gr_diags *d, struct gr_buf *b)
{
    for (size_t i = 0; i < d->count; i++)
        put_annotation(d, d->findings[i], b);
    if (d->dropped > 0)
        gr_buf_printf(b, "::warning title=guardrail::%zu more findings are not shown\n", d->dropped);
}
