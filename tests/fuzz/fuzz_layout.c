/* fuzz_layout.c - any bytes as a YAML file: findings, or a layout that means the same and that a second run leaves as
 * it is. That the meaning and the comments are the same is proved inside: GR_ESTATE would say they are not. */
#include "config.h"
#include "fuzz.h"

#include "layout.h"

#define ARENA_MAX (256u << 20)

static enum gr_err
format(struct gr_str text, struct gr_buf *out)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_arena *a = gr_arena_create(ARENA_MAX);
    struct gr_diags *d;
    uint32_t file;
    enum gr_err err;

    GR_ASSERT(sources && a);
    GR_ASSERT(gr_sources_add(sources, GR_STR("spec"), text, &file) == GR_OK);
    d = gr_diags_create(sources);
    GR_ASSERT(d);
    err = layout_format(a, sources, file, d, out);
    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT((err == GR_OK) == (gr_diags_count(d, GR_SEV_ERROR) == 0));
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_arena_free(a);
    return err;
}

/* No blanks at line ends but in block scalars and quotes, which the tree has; one empty line at the most is for the unit
 * tests, which know where block scalars are. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_buf once = GR_BUF_INIT(64u << 20), twice = GR_BUF_INIT(64u << 20);

    if (format((struct gr_str){(const char *)data, n}, &once) == GR_OK) {
        GR_ASSERT(once.n == 0 || once.p[once.n - 1] == '\n');
        GR_ASSERT(gr_str_find(gr_buf_str(&once), GR_STR("\r"), 0) == SIZE_MAX);
        GR_ASSERT(format(gr_buf_str(&once), &twice) == GR_OK);
        GR_ASSERT(gr_str_eq(gr_buf_str(&once), gr_buf_str(&twice)));
    }
    gr_buf_fini(&once);
    gr_buf_fini(&twice);
    return 0;
}
