#include "config.h"
#include "policy.h"

#include "guardrail/file.h"
#include "policy_json.h"

#define POLICY_ARENA_BYTES (256u << 20)
#define TREE_ARENA_BYTES (512u << 20) /* nodes are some ten times the text; freed when the policy is read */

static const struct gr_node_limits tree_limits = {.depth = 16, .nodes = 2000000, .scalar_bytes = 65536};

void
policy_free(struct policy *p)
{
    if (p)
        gr_arena_free(p->arena); /* holds *p too */
}

static enum gr_err
create(struct gr_str text, struct policy **out)
{
    struct gr_arena *arena = gr_arena_create(POLICY_ARENA_BYTES);
    struct policy *p = arena ? gr_arena_alloc(arena, sizeof *p) : NULL;

    if (p)
        p->text = gr_arena_dup(arena, text);
    if (!p || !p->text.p) {
        gr_arena_free(arena);
        return GR_ENOMEM;
    }
    p->arena = arena;
    *out = p;
    return GR_OK;
}

enum gr_err
policy_parse(struct gr_str name, struct gr_str text, struct gr_sources *sources, struct gr_diags *d,
             struct policy **out)
{
    struct gr_arena *trees = NULL;
    struct gr_node *root = NULL;
    struct policy *p = NULL;
    struct policy_reader reader = {.d = d};
    uint32_t file;
    enum gr_err err;

    if (text.n > GR_POLICY_BYTES_MAX)
        return GR_ELIMIT;
    if ((err = create(text, &p)) != GR_OK)
        goto done;
    if (!(trees = gr_arena_create(TREE_ARENA_BYTES))) {
        err = GR_ENOMEM;
        goto done;
    }
    if ((err = gr_sources_add(sources, name, text, &file)) != GR_OK ||
        (err = gr_json_read(trees, sources, file, &tree_limits, d, &root)) != GR_OK)
        goto done;
    reader.arena = p->arena;
    reader.p = p;
    policy_read(&reader, root);
    err = reader.no_memory || gr_arena_status(p->arena) != GR_OK ? GR_ENOMEM : reader.bad ? GR_EUSER : GR_OK;
    if (err == GR_OK) {
        *out = p;
        p = NULL;
    }
done:
    policy_free(p);
    gr_arena_free(trees);
    return err;
}

enum gr_err
policy_load(const char *path, struct gr_sources *sources, struct gr_diags *d, struct policy **out)
{
    struct gr_buf text = GR_BUF_INIT(GR_POLICY_BYTES_MAX);
    enum gr_err err = gr_file_read(path, &text);

    if (err == GR_OK)
        err = policy_parse(gr_str(path), gr_buf_str(&text), sources, d, out);
    gr_buf_fini(&text);
    return err;
}

const struct policy_phase *
policy_phase(const struct policy *p, struct gr_str name)
{
    for (size_t i = 0; i < p->phase_count; i++)
        if (gr_str_eq(p->phases[i].name, name))
            return &p->phases[i];
    return NULL;
}

const struct policy_guardrail *
policy_guardrail(const struct policy *p, struct gr_str name)
{
    size_t low = 0, high = p->guardrails_by_name ? p->guardrail_count : 0;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = gr_str_cmp(p->guardrails_by_name[mid]->name, name);

        if (order == 0)
            return p->guardrails_by_name[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct policy_action *
policy_action(const struct policy *p, struct gr_str name)
{
    for (size_t i = 0; i < p->action_count; i++)
        if (gr_str_eq(p->actions[i].name, name))
            return &p->actions[i];
    return NULL;
}

const struct label_set *
policy_stream(const struct policy *p, struct label_set labels)
{
    for (size_t i = 0; i < p->stream_count; i++)
        if (labels_equal(p->streams[i], labels))
            return &p->streams[i];
    return NULL;
}

bool
policy_guardrail_active(const struct policy_guardrail *g, const struct policy_phase *phase)
{
    return (g->phase_mask >> phase->index & 1) != 0;
}

bool
policy_guardrail_has_level(const struct policy_guardrail *g, enum policy_level level)
{
    if (level == LEVEL_NO_DATA)
        return true;
    for (size_t i = 0; i < g->limit_count; i++)
        if (g->limits[i].level == level)
            return true;
    return false;
}

const struct policy_expected *
policy_expected_next(const struct policy *p, struct label_set stream, const struct policy_phase *phase,
                     size_t *at)
{
    while (*at < p->expected_count) {
        const struct policy_expected *e = &p->expected[(*at)++];

        if (labels_equal(e->stream, stream) && policy_guardrail_active(e->guardrail, phase))
            return e;
    }
    return NULL;
}
