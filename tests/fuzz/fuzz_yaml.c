/* fuzz_yaml.c - any bytes as YAML: spans hold (tree_check), limits hold, the same text gives the same answer twice. */
#include "config.h"
#include "fuzz.h"

#include "../unit/base/tree.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};
    struct gr_node_limits tight = {4, 20, 16};
    struct gr_buf first = GR_BUF_INIT(64u << 20), second = GR_BUF_INIT(64u << 20);
    enum gr_err err = tree_read(&first, gr_yaml_read, text, NULL, false);

    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT(tree_read(&second, gr_yaml_read, text, NULL, false) == err);
    GR_ASSERT(gr_str_eq(gr_buf_str(&first), gr_buf_str(&second)));
    gr_buf_reset(&second);
    if (tree_read(&second, gr_yaml_read, text, &tight, false) == GR_OK)
        GR_ASSERT(err == GR_OK);
    gr_buf_fini(&first);
    gr_buf_fini(&second);
    return 0;
}
