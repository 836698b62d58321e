/* fuzz_rulefile.c - any bytes as a rule file with every check on: an answer within bounds, the same twice,
 * and findings that stand in the file. The text is read as a template, too. */
#include "config.h"
#include "fuzz.h"

#include "guardrail/rulelint.h"
#include "template.h"

#define ARENA_MAX (64u << 20)

/* Lints the text and writes the findings down. */
static enum gr_err
run(struct gr_str text, struct gr_buf *out)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_lint_options options;
    struct gr_diag_view v;
    struct gr_lint *l;
    uint32_t file;
    enum gr_err err;

    gr_lint_defaults(&options);
    memset(options.off, 0, sizeof options.off);
    options.min_severity = GR_SEV_NOTE;
    l = gr_lint_create(&options, sources, d);
    GR_ASSERT(l && gr_sources_add(sources, GR_STR("f"), text, &file) == GR_OK);
    err = gr_lint_file(l, file);
    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT((err == GR_EUSER) == (gr_diags_count(d, GR_SEV_ERROR) > 0));
    GR_ASSERT(gr_lint_finish(l) == GR_OK);
    for (size_t i = 0; gr_diags_get(d, i, &v); i++)
        GR_ASSERT(v.message.n > 0 &&
                  (v.where.file == 0 || (v.where.start <= v.where.end && v.where.end <= text.n)));
    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_JSON}, out);
    gr_lint_free(l);
    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}

static void
label_used(struct gr_str label, size_t start, size_t end, void *ctx)
{
    GR_ASSERT(label.n > 0 && start < end && end <= *(size_t *)ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};
    struct gr_buf first = GR_BUF_INIT(64u << 20), second = GR_BUF_INIT(64u << 20);
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct template_error error = {.why = GR_STR_NONE};

    GR_ASSERT(a);
    if (template_check(a, text, label_used, &n, &error) == GR_ESYNTAX)
        GR_ASSERT(error.why.n > 0 && error.start <= error.end && error.end <= n);
    gr_arena_free(a);
    GR_ASSERT(run(text, &first) == run(text, &second));
    GR_ASSERT(gr_str_eq(gr_buf_str(&first), gr_buf_str(&second)));
    gr_buf_fini(&first);
    gr_buf_fini(&second);
    return 0;
}
