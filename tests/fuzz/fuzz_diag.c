/* fuzz_diag.c - any bytes as a source file with findings all over it: what is printed is UTF-8 of one known shape, and no
 * control character of the source gets through. The first two bytes choose the spans. */
#include "config.h"
#include "fuzz.h"

#include "guardrail/diag.h"

static void
check_text(struct gr_str s)
{
    GR_ASSERT(gr_str_is_utf8(s));
    GR_ASSERT(gr_str_find(s, GR_STR("\xe2\x80\xae"), 0) == SIZE_MAX); /* right-to-left override */
    for (size_t i = 0; i < s.n; i++)
        GR_ASSERT(s.p[i] == '\n' || s.p[i] == '\t' || ((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f));
}

static void
check(struct gr_str source, uint32_t start, uint32_t length)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *diags = gr_diags_create(sources);
    struct gr_buf b = GR_BUF_INIT(16u << 20);
    uint32_t file;

    GR_ASSERT(sources && diags && gr_sources_add(sources, source, source, &file) == GR_OK);
    for (uint32_t i = 0; i < 4; i++) {
        gr_diag(diags, GR0103, (struct gr_span){file, start + i, start + i + length}, source, "" GR_FMT,
                GR_ARG(source));
        gr_diag_note(diags, (struct gr_span){file, start + length, start}, "" GR_FMT, GR_ARG(source));
    }
    GR_ASSERT(gr_diags_status(diags) == GR_EUSER);
    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &b);
    GR_ASSERT(gr_buf_err(&b) == GR_OK);
    check_text(gr_buf_str(&b));
    gr_buf_reset(&b);
    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_JSON}, &b);
    GR_ASSERT(gr_buf_err(&b) == GR_OK && gr_str_find(gr_buf_str(&b), GR_STR("\n"), 0) == b.n - 1);
    GR_ASSERT(gr_str_is_utf8(gr_buf_str(&b)));
    gr_buf_reset(&b);
    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_SARIF}, &b);
    GR_ASSERT(gr_buf_err(&b) == GR_OK && gr_str_find(gr_buf_str(&b), GR_STR("\n"), 0) == b.n - 1);
    GR_ASSERT(gr_str_is_utf8(gr_buf_str(&b)));
    gr_buf_reset(&b);
    gr_diags_print(diags, (struct gr_diag_style){.format = GR_DIAG_GITHUB}, &b);
    GR_ASSERT(gr_buf_err(&b) == GR_OK && gr_str_is_utf8(gr_buf_str(&b)));
    gr_buf_fini(&b);
    gr_diags_free(diags);
    gr_sources_free(sources);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n >= 2 && n <= 1u << 16)
        check((struct gr_str){(const char *)data + 2, n - 2}, (uint32_t)data[0] * (uint32_t)(n / 64 + 1),
              data[1]);
    return 0;
}
