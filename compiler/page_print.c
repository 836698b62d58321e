/* page_print.c - pages of findings as text, JSON and Markdown. */
#include "config.h"
#include "page_print.h"

#include "guardrail/rulelint.h"
#include "jsonout.h"

#define BOLD "\033[1m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

static const char *const severities[] = {
    [GR_SEV_NOTE] = "note", [GR_SEV_WARNING] = "warning", [GR_SEV_ERROR] = "error"};

static const char *
paint(bool color, const char *sequence)
{
    return color ? sequence : "";
}

static void
put_example(const char *title, const char *text, bool color, const char *paint_with, struct gr_buf *out)
{
    struct gr_str rest = gr_str(text), line;

    gr_buf_printf(out, "\n%s%s:%s\n\n", paint(color, paint_with), title, paint(color, PLAIN));
    while (gr_str_next(&rest, '\n', &line))
        if (line.n > 0)
            gr_buf_printf(out, "    " GR_FMT "\n", GR_ARG(line));
}

/* What else there is to know before the example is tried. */
static const char *
example_note(enum gr_page_kind kind)
{
    switch (kind) {
    case GR_PAGE_SPEC:
        return "The examples are parts of a specification; what they leave out is as usual.\n";
    case GR_PAGE_POLICY:
        return "The examples are parts of guardraild's policy.json.\n";
    case GR_PAGE_CONFIG:
        return "The examples are guardraild.yml.\n";
    case GR_PAGE_FILES:
    case GR_PAGE_RULES:
    case GR_PAGE_SHOWN:
        return "";
    }
    return "";
}

void
page_print(enum gr_code code, bool color, struct gr_buf *out)
{
    const struct gr_code_info *info = gr_code_info(code);
    const struct gr_page *page = gr_page(code);
    const char *note = page ? example_note(page->kind) : "";

    gr_buf_printf(out, "%s%s %s%s (%s)\n\n%s.\n", paint(color, BOLD), info->code, info->name,
                  paint(color, PLAIN), severities[info->severity], info->help);
    if (!page)
        return;
    gr_buf_printf(out, "\n%s%s%s", page->why, *note ? "\n" : "", note);
    put_example("Bad", page->bad, color, RED, out);
    put_example("Good", page->good, color, GREEN, out);
    if (page->kind == GR_PAGE_RULES && info->severity != GR_SEV_ERROR)
        gr_buf_printf(out, "\n%sTo suppress one: # guardrail ignore %s: the reason\n",
                      gr_lint_off(code) ? "Off unless given to --enable. " : "", info->code);
}

/* GR0103  wrong-type  error  a value of another kind is expected here; long helps go on in the next line. */
static void
put_row(enum gr_code code, int width, bool color, struct gr_buf *out)
{
    const struct gr_code_info *info = gr_code_info(code);

    gr_buf_printf(out, "%s%s%s  %-*s  %-7s  %s\n", paint(color, BOLD), info->code, paint(color, PLAIN), width,
                  info->name, severities[info->severity], info->help);
}

void
page_print_list(bool color, struct gr_buf *out)
{
    size_t width = 0;

    for (int code = 0; code < GR_CODE_COUNT; code++) {
        size_t n = strlen(gr_code_info((enum gr_code)code)->name);

        width = n > width ? n : width;
    }
    for (int code = 0; code < GR_CODE_COUNT; code++)
        put_row((enum gr_code)code, (int)width, color, out);
}

static void
put_json(struct jsonout *j, cJSON *list, enum gr_code code)
{
    const struct gr_code_info *info = gr_code_info(code);
    const struct gr_page *page = gr_page(code);
    cJSON *item = jsonout_object(j, list, NULL);

    jsonout_cstr(j, item, "code", info->code);
    jsonout_cstr(j, item, "name", info->name);
    jsonout_cstr(j, item, "severity", severities[info->severity]);
    jsonout_cstr(j, item, "help", info->help);
    if (!page) {
        jsonout_null(j, item, "why");
        jsonout_null(j, item, "bad");
        jsonout_null(j, item, "good");
        return;
    }
    jsonout_cstr(j, item, "why", page->why);
    jsonout_cstr(j, item, "bad", page->bad);
    jsonout_cstr(j, item, "good", page->good);
}

enum gr_err
page_print_json(const enum gr_code *codes, size_t n, struct gr_buf *out)
{
    struct jsonout j;
    cJSON *root, *list;

    jsonout_init(&j);
    root = jsonout_root(&j);
    jsonout_num(&j, root, "format_version", 1);
    list = jsonout_array(&j, root, "pages");
    for (size_t i = 0; i < n; i++)
        put_json(&j, list, codes[i]);
    return jsonout_finish(&j, root, out);
}

static void
put_block(const char *title, const char *language, const char *text, struct gr_buf *out)
{
    gr_buf_printf(out, "\n%s%s```%s\n%s```\n", title, *title ? "\n\n" : "", language, text);
}

static void
put_section(enum gr_code code, struct gr_buf *out)
{
    static const char *const languages[] = {
        [GR_PAGE_SPEC] = "yaml",   [GR_PAGE_FILES] = "yaml",  [GR_PAGE_RULES] = "yaml",
        [GR_PAGE_POLICY] = "json", [GR_PAGE_CONFIG] = "yaml", [GR_PAGE_SHOWN] = "text"};
    const struct gr_code_info *info = gr_code_info(code);
    const struct gr_page *page = gr_page(code);

    gr_buf_printf(out, "\n### <a id=\"%s\"></a>%s %s\n\n*%s*: %s.\n", info->code, info->code, info->name,
                  severities[info->severity], info->help);
    if (!page)
        return;
    gr_buf_printf(out, "\n%s", page->why);
    put_block("Bad:", languages[page->kind], page->bad, out);
    put_block("Good:", languages[page->kind], page->good, out);
}

void
page_print_markdown(struct gr_buf *out)
{
    static const struct {
        const char *prefix, *title;
    } parts[] = {
        {"GR00", "Reading files"},
        {"GR01", "Structure of a specification"},
        {"GR02", "Quantities and limits"},
        {"GR03", "Meaning across parts of a specification"},
        {"GR04", "PromQL"},
        {"GR05", "Rule files (`guardrailc lint`)"},
        {"GR06", "guardraild's policy and configuration"},
        {"GR07", "What is emitted: Alertmanager's configuration, and what a target cannot do"},
        {"GR08", "Rates files (`guardrailc power`)"},
    };

    gr_buf_puts(out, "# Every finding\n\n"
                     "Generated by `make update-pages` from the pages that `guardrailc explain GRnnnn` "
                     "shows; do not edit.\n"
                     "Each example is a test: the bad one has its finding and no other, the good one has "
                     "none. Examples of\n"
                     "specifications show the parts that matter; the other parts are these:\n");
    put_block("", "yaml", gr_page_frame, out);
    for (size_t i = 0; i < GR_COUNT(parts); i++) {
        gr_buf_printf(out, "\n## %s\n", parts[i].title);
        for (int code = 0; code < GR_CODE_COUNT; code++)
            if (gr_str_starts(gr_str(gr_code_info((enum gr_code)code)->code), gr_str(parts[i].prefix)))
                put_section((enum gr_code)code, out);
    }
}
