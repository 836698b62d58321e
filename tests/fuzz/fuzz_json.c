/* fuzz_json.c - any bytes as JSON: the two parsers agree, spans hold, and what was read is printed, read and printed to
 * the same bytes. */
#include "config.h"
#include "fuzz.h"

#include "../unit/base/tree.h"
#include "guardrail/json.h"

static const struct gr_json_limits limits = {1u << 20, 32, 100000};

static cJSON *
parse_ours(const struct gr_buf *text)
{
    struct gr_json_error error;
    cJSON *json = NULL;
    enum gr_err err =
        gr_json_parse(gr_buf_str(text), &(struct gr_json_limits){64u << 20, 1000, 1u << 20}, &json, &error);

    GR_ASSERT(err == GR_OK);
    return json;
}

static void
check_printing(const cJSON *json, void (*print)(struct gr_buf *b, const cJSON *value))
{
    struct gr_buf first = GR_BUF_INIT(64u << 20), second = GR_BUF_INIT(64u << 20),
                  tree = GR_BUF_INIT(64u << 20);
    cJSON *again;

    print(&first, json);
    GR_ASSERT(gr_buf_err(&first) == GR_OK);
    again = parse_ours(&first);
    print(&second, again);
    GR_ASSERT(gr_str_eq(gr_buf_str(&first), gr_buf_str(&second)));
    GR_ASSERT(tree_read(&tree, gr_json_read, gr_buf_str(&first), NULL, true) == GR_OK);
    cJSON_Delete(again);
    gr_buf_fini(&first);
    gr_buf_fini(&second);
    gr_buf_fini(&tree);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};
    struct gr_json_error error = {0, NULL};
    struct gr_buf tree = GR_BUF_INIT(64u << 20);
    cJSON *json = NULL;
    enum gr_err node_err, err;

    if (n > 1u << 16)
        return 0; /* so that no limit but the depth can be met */
    node_err = tree_read(&tree, gr_json_read, text, NULL, false);
    err = gr_json_parse(text, &limits, &json, &error);
    GR_ASSERT(node_err == GR_OK || node_err == GR_EUSER);
    GR_ASSERT(err == GR_OK || err == GR_ESYNTAX || err == GR_ELIMIT);
    GR_ASSERT(err == GR_OK || (error.message && error.offset <= n));
    if (err != GR_ELIMIT)
        GR_ASSERT((err == GR_OK) == (node_err == GR_OK));
    if (json) {
        check_printing(json, gr_json_print);
        check_printing(json, gr_json_print_canonical);
    }
    cJSON_Delete(json);
    gr_buf_fini(&tree);
    return 0;
}
