#include "config.h"
#include "specs.h"

#include "guardrail/file.h"
#include "guardrail/sys.h"

#include <check.h>
#include <stdlib.h>

#define ARENA_BYTES (64u << 20)

const char specs_base[] =
    "apiVersion: guardrail/v1\n"
    "spec: demo\n"
    "release: {labels: [cluster]}\n"
    "cohorts: {label: track, canary: canary, control: control, compare_within: [venue, flow]}\n"
    "expect:\n"
    "  - {cluster: equities, venue: [XNAS, XNYS]}\n"
    "  - {cluster: crypto, venue: [BINANCE]}\n"
    "dynamic_slices: {symbol_bucket: {at_most: 16}}\n"
    "sampling: 2m\n"
    "scrape_interval: 30s\n"
    "false_rollback_budget: 1%\n"
    "flows: {label: flow, values: [mm, agency]}\n"
    "phases:\n"
    "  - {name: pre, shadow: true, min_duration: 15m}\n"
    "  - {name: p1, traffic: {mm: 1%, agency: 0.5%}, min_duration: 20m}\n"
    "  - {name: p2, traffic: {mm: 5%, agency: 2%}, min_duration: 45m}\n"
    "  - {name: ga, traffic: {mm: 100%, agency: 100%}, final: true}\n"
    "guardrails:\n"
    "  - name: errors\n"
    "    metric: {ratio: {bad: failures_total, total: requests_total}}\n"
    "    limit: {against: control, soft: +25%, hard: +40%, floor: 0.05%}\n"
    "on: {hard: [rollback]}\n"
    "actions:\n"
    "  rollback: {steps: [{name: undo, run: [bin/undo, \"{deployment_id}\"]}]}\n";

/* A column counts code points from 1. */
static size_t
byte_at_column(struct gr_str line, size_t column)
{
    size_t i = 0;

    while (column > 1 && i < line.n) {
        i++;
        while (i < line.n && ((unsigned char)line.p[i] & 0xc0) == 0x80)
            i++;
        column--;
    }
    return i;
}

static size_t
number(const cJSON *object, const char *name)
{
    int64_t v = 0;

    ck_assert_int_eq(gr_json_i64(object, name, 0, INT32_MAX, &v), GR_OK);
    return (size_t)v;
}

static uint32_t
file_of(const struct specs *s, struct gr_str name)
{
    for (uint32_t i = 1; i <= s->files; i++)
        if (gr_str_eq(gr_sources_get(s->sources, i)->name, name))
            return i;
    ck_abort_msg("no file %.*s", GR_ARG(name));
    return 0;
}

static void
read_finding(struct specs *s, const cJSON *item, struct finding *f)
{
    struct gr_str line;
    size_t start, end;

    f->code = gr_json_str(item, "code").p;
    f->message = gr_json_str(item, "message").p;
    f->fix = gr_json_str(item, "fix").p;
    f->file = gr_json_str(item, "file");
    f->line = number(item, "line");
    line = gr_sources_line(s->sources, file_of(s, f->file), (uint32_t)f->line);
    start = byte_at_column(line, number(item, "column"));
    end = byte_at_column(line, number(item, "end_column"));
    f->text = number(item, "end_line") == f->line ? gr_str_sub(line, start, end) : GR_STR_NONE;
}

static void
read_findings(struct specs *s)
{
    static const struct gr_json_limits limits = {16u << 20, 16, 1000000};
    struct gr_buf out = GR_BUF_INIT(16u << 20);
    struct gr_json_error error;
    const cJSON *list, *item;

    gr_diags_print(s->diags, (struct gr_diag_style){.format = GR_DIAG_JSON}, &out);
    ck_assert_int_eq(gr_buf_err(&out), GR_OK);
    ck_assert_int_eq(gr_json_parse(gr_buf_str(&out), &limits, &s->json, &error), GR_OK);
    gr_buf_fini(&out);
    list = gr_json_get(s->json, "findings");
    s->findings = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *s->findings);
    ck_assert_ptr_nonnull(s->findings);
    cJSON_ArrayForEach(item, list) read_finding(s, item, &s->findings[s->n++]);
}

/* Files that a spec names: texts of the test, or files below the source folder. */
static enum gr_err
read_below(void *context, const char *path, bool named, struct gr_buf *text)
{
    const char *dir = getenv("GR_SRCDIR");
    struct specs *s = context;
    struct gr_buf name = GR_BUF_INIT(4096);
    enum gr_err err = GR_ENOENT;

    for (size_t i = 0; s->texts && s->texts[i][0]; i++)
        if (strcmp(s->texts[i][0], path) == 0) {
            gr_buf_puts(text, s->texts[i][1]);
            err = gr_buf_err(text);
        }
    if (!s->texts) {
        gr_buf_printf(&name, "%s/%s", dir ? dir : ".", path);
        err = load_files.read(NULL, gr_buf_cstr(&name), named, text);
    }
    s->files += err == GR_OK;
    gr_buf_fini(&name);
    return err;
}

static void
read_all(struct specs *s, struct gr_str name, struct gr_str text, const char *const (*texts)[2],
         int64_t now_s)
{
    struct load_reader reader = {.read = read_below, .context = s};

    *s = (struct specs){
        .sources = gr_sources_create(), .arena = gr_arena_create(ARENA_BYTES), .texts = texts, .files = 1};
    ck_assert_ptr_nonnull(s->sources);
    ck_assert_ptr_nonnull(s->arena);
    s->diags = gr_diags_create(s->sources);
    ck_assert_ptr_nonnull(s->diags);
    ck_assert_int_eq(gr_sources_add(s->sources, name, text, &s->file), GR_OK);
    s->err = spec_read(s->arena, s->sources, s->file,
                       (struct spec_options){.time_scale = 1, .now_s = now_s, .reader = &reader}, s->diags,
                       &s->model);
    ck_assert_msg(s->err == GR_OK || s->err == GR_EUSER, "%s", gr_err_name(s->err));
    ck_assert_int_eq(s->model != NULL, s->err == GR_OK);
    read_findings(s);
}

void
specs_read(struct specs *s, struct gr_str name, struct gr_str text)
{
    read_all(s, name, text, NULL, SPECS_NOW);
}

void
specs_read_of(struct specs *s, const char *const (*texts)[2], const char *name, int64_t now_s)
{
    for (size_t i = 0; texts[i][0]; i++)
        if (strcmp(texts[i][0], name) == 0) {
            read_all(s, gr_str(name), gr_str(texts[i][1]), texts, now_s);
            return;
        }
    ck_abort_msg("no text %s", name);
}

char *
specs_slurp(const char *path)
{
    const char *dir = getenv("GR_SRCDIR");
    struct gr_buf name = GR_BUF_INIT(4096), text = GR_BUF_INIT(4u << 20);
    enum gr_err err;

    gr_buf_printf(&name, "%s/%s", dir ? dir : ".", path);
    err = gr_file_read(gr_buf_cstr(&name), &text);
    ck_assert_msg(err == GR_OK, "%s: %s", gr_buf_cstr(&name), gr_err_name(err));
    gr_buf_fini(&name);
    return gr_buf_take(&text);
}

void
specs_read_file(struct specs *s, const char *path)
{
    char *text = specs_slurp(path);

    specs_read(s, gr_str(path), gr_str(text));
    gr_sys.free(text);
}

void
specs_read_changed(struct specs *s, const char *what, const char *with)
{
    struct gr_str base = gr_str(specs_base);
    size_t at = what ? gr_str_find(base, gr_str(what), 0) : 0;
    struct gr_buf text = GR_BUF_INIT(2u << 20);

    ck_assert_msg(at != SIZE_MAX, "\"%s\" is not in the base", what);
    gr_buf_put(&text, gr_str_sub(base, 0, at));
    if (what) {
        gr_buf_puts(&text, with);
        at += strlen(what);
    }
    gr_buf_put(&text, gr_str_sub(base, at, base.n));
    ck_assert_int_eq(gr_buf_err(&text), GR_OK);
    specs_read(s, GR_STR("test.yml"), gr_buf_str(&text));
    gr_buf_fini(&text);
}

void
specs_fini(struct specs *s)
{
    free(s->findings);
    cJSON_Delete(s->json);
    gr_diags_free(s->diags);
    gr_arena_free(s->arena);
    gr_sources_free(s->sources);
}

const struct guardrail *
specs_guardrail(const struct specs *s, const char *name)
{
    for (size_t i = 0; s->model && i < s->model->n_guardrails; i++)
        if (gr_str_is(s->model->guardrails[i].name, name))
            return &s->model->guardrails[i];
    ck_abort_msg("no guardrail \"%s\"", name);
    return NULL;
}

const char *
specs_dec(struct gr_dec v)
{
    static char text[64];
    struct gr_buf b = GR_BUF_INIT(sizeof text - 1);

    gr_dec_print(&b, v);
    memcpy(text, gr_buf_cstr(&b), b.n + 1);
    gr_buf_fini(&b);
    return text;
}
