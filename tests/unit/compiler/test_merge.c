/* test_merge.c - an overlay's document over its base's: which value is in the result, and where it is from. */
#include "config.h"
#include "merge.h"
#include "test_compiler.h"

static const struct row {
    const char *name, *base, *over, *want; /* want: as put() writes it; a value of the overlay has a * */
    const char *finding;                   /* code, or NULL */
} rows[] = {
    {"scalar replaced", "{owner: a, sampling: 2m}", "{sampling: 1m}", "{owner: a, sampling: 1m*}", NULL},
    {"scalar repeated", "{sampling: 2m}", "{sampling: 2m}", "{sampling: 2m}", NULL},
    {"key added", "{owner: a}", "{sampling: 1m}", "{owner: a, sampling: 1m*}", NULL},
    {"mappings merge", "{cohorts: {label: t, canary: c}}", "{cohorts: {canary: x}}",
     "{cohorts: {label: t, canary: x*}}", NULL},
    {"list replaced", "{release: {labels: [a, b]}}", "{release: {labels: [c]}}", "{release: {labels: [c*]}}",
     NULL},
    {"list without names replaced", "{expect: [{c: a}, {c: b}]}", "{expect: [{c: x}]}", "{expect: [{c: x*}]}",
     NULL},
    {"null takes away", "{owner: a, runbook: b}", "{runbook: ~}", "{owner: a}", NULL},
    {"null takes nothing away", "{owner: a}", "{runbook: null}", "{owner: a}", "GR0321"},
    {"no value is not null", "{owner: a}", "{owner: }", "{owner: ~*}", NULL},
    {"a list for a mapping", "{on: {hard: [a]}}", "{on: [b]}", "{on: [b*]}", NULL},
    {"files stay behind", "{extends: x, include: y, owner: a}", "{extends: z, include: y}", "{owner: a}",
     NULL},

    {"by name", "{guardrails: [{name: a, window: 2m}, {name: b}]}", "{guardrails: [{name: b, window: 4m}]}",
     "{guardrails: [{name: a, window: 2m}, {name: b, window: 4m*}]}", NULL},
    {"appended", "{guardrails: [{name: a}]}", "{guardrails: [{name: x, metric: {}, limit: {}}]}",
     "{guardrails: [{name: a}, {name: x*, metric: {}, limit: {}}]}", NULL},
    {"behind what stands before it", "{phases: [{name: a}, {name: z}]}",
     "{phases: [{name: a}, {name: b}, {name: c}]}",
     "{phases: [{name: a}, {name: b*}, {name: c*}, {name: z}]}", NULL},
    {"removed", "{phases: [{name: a}, {name: b}]}", "{phases: [{name: a, remove: true}]}",
     "{phases: [{name: b}]}", NULL},
    {"not removed", "{phases: [{name: a}]}", "{phases: [{name: a, remove: false, shadow: true}]}",
     "{phases: [{name: a, shadow: true*}]}", NULL},
    {"behind what is removed", "{phases: [{name: a}, {name: z}]}",
     "{phases: [{name: a, remove: true}, {name: b}]}", "{phases: [{name: b*}, {name: z}]}", NULL},
    {"removes nobody", "{phases: [{name: a}]}", "{phases: [{name: x, remove: true}]}",
     "{phases: [{name: a}]}", "GR0321"},
    {"adapts nobody", "{guardrails: [{name: a}]}", "{guardrails: [{name: x, limit: {soft: 1}}]}",
     "{guardrails: [{name: a}]}", "GR0321"},
    {"removed, and more", "{phases: [{name: a}, {name: b}]}",
     "{phases: [{name: a, remove: true, shadow: true}]}", "{phases: [{name: b}]}", "GR0107"},
    {"twice", "{phases: [{name: a}]}", "{phases: [{name: a, shadow: true}, {name: a, final: true}]}",
     "{phases: [{name: a, shadow: true*}]}", "GR0106"},
    {"waivers stay behind", "{guardrails: [{name: a}]}",
     "{guardrails: [{name: a, waiver: {ticket: t}}, {name: x, metric: {}, limit: {}, waiver: {ticket: t}}]}",
     "{guardrails: [{name: a}, {name: x*, metric: {}, limit: {}}]}", NULL},
    {"steps of an action", "{actions: {r: {steps: [{name: a, timeout: 1m}]}}}",
     "{actions: {r: {steps: [{name: a, timeout: 2m}]}}}",
     "{actions: {r: {steps: [{name: a, timeout: 2m*}]}}}", NULL},

    {"overrides joined", "{guardrails: [{name: a, overrides: [{where: {v: x}, hard: 1}]}]}",
     "{guardrails: [{name: a, overrides: [{where: {v: y}, hard: 2}]}]}",
     "{guardrails: [{name: a, overrides: [{where: {v: x}, hard: 1}, {where: {v: y*}, hard: 2*}]}]}", NULL},
    {"overrides for the same",
     "{guardrails: [{name: a, overrides: [{where: {v: x, u: 1}, hard: 1, soft: 2}]}]}",
     "{guardrails: [{name: a, overrides: [{where: {u: 1, v: x}, hard: 3}]}]}",
     "{guardrails: [{name: a, overrides: [{where: {v: x, u: 1}, hard: 3*, soft: 2}]}]}", NULL},
    {"short form below long", "{guardrails: [{name: a, evidence: point}]}",
     "{guardrails: [{name: a, evidence: {min_total: 9}}]}",
     "{guardrails: [{name: a, evidence: {kind: point, min_total: 9*}}]}", NULL},
    {"long form below short", "{guardrails: [{name: a, evidence: {min_total: 9}}]}",
     "{guardrails: [{name: a, evidence: point}]}",
     "{guardrails: [{name: a, evidence: {min_total: 9, kind: point*}}]}", NULL},
    {"one share for shares", "{phases: [{name: a, traffic: 1%}]}", "{phases: [{name: a, traffic: {x: 2%}}]}",
     "{phases: [{name: a, traffic: {x: 2%*}}]}", NULL},
    {"what excludes it goes", "{actions: {page: {pagerduty: {service: s}, escalate_after: 1m}}}",
     "{actions: {page: {slack: {channel: c}}}}",
     "{actions: {page: {escalate_after: 1m, slack: {channel: c*}}}}", NULL},
};

static void
put(struct gr_buf *b, const struct gr_node *node, uint32_t over)
{
    bool map = node->kind == GR_NODE_MAP;

    if (node->kind == GR_NODE_SCALAR || node->kind == GR_NODE_NULL) {
        gr_buf_put(b, node->kind == GR_NODE_NULL ? GR_STR("~") : node->text);
        gr_buf_puts(b, node->span.file == over ? "*" : "");
        return;
    }
    gr_buf_puts(b, map ? "{" : "[");
    gr_node_each (item, node) {
        if (item != node->first)
            gr_buf_puts(b, ", ");
        if (map)
            gr_buf_printf(b, GR_FMT ": ", GR_ARG(item->key));
        put(b, item, over);
    }
    gr_buf_puts(b, map ? "}" : "]");
}

static size_t
count(const struct gr_node *node)
{
    size_t n = 0;

    gr_node_each (item, node)
        n++;
    return n;
}

static void
counts_agree(const struct gr_node *node)
{
    ck_assert_uint_eq(count(node), node->count);
    gr_node_each (item, node)
        counts_agree(item);
}

START_TEST(documents_merge)
{
    const struct row *r = &rows[_i];
    struct gr_arena *a = gr_arena_create(1u << 22);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct spec s = {.a = a, .sources = sources, .d = d, .overlay = true};
    struct marks none = {NULL};
    struct gr_node *base = NULL, *over = NULL;
    struct gr_buf got = GR_BUF_INIT(4096), before = GR_BUF_INIT(4096), after = GR_BUF_INIT(4096);
    const struct gr_node *merged;
    struct gr_diag_view v;
    uint32_t file[2];

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("base.yml"), gr_str(r->base), &file[0]), GR_OK);
    ck_assert_int_eq(gr_sources_add(sources, GR_STR("over.yml"), gr_str(r->over), &file[1]), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file[0], NULL, d, &base), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file[1], NULL, d, &over), GR_OK);
    put(&before, base, 0);
    merged = merge_documents(&s, base, over, &none);
    ck_assert_ptr_nonnull(merged);
    put(&got, merged, file[1]);
    ck_assert_msg(strcmp(gr_buf_cstr(&got), r->want) == 0, "%s: %s", r->name, gr_buf_cstr(&got));
    counts_agree(merged);
    put(&after, base, 0);
    ck_assert_str_eq(gr_buf_cstr(&before), gr_buf_cstr(&after)); /* the base is as it was */
    if (gr_diags_get(d, 0, &v))
        ck_assert_msg(r->finding && strcmp(gr_code_info(v.code)->code, r->finding) == 0, "%s: %.*s", r->name,
                      GR_ARG(v.message));
    else
        ck_assert_msg(!r->finding, "%s: no %s", r->name, r->finding);
    gr_buf_fini(&got);
    gr_buf_fini(&before);
    gr_buf_fini(&after);
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_arena_free(a);
}
END_TEST

Suite *
merge_suite(void)
{
    Suite *s = suite_create("merge");
    TCase *tc = tcase_create("merge");

    tcase_add_loop_test(tc, documents_merge, 0, GR_COUNT(rows));
    suite_add_tcase(s, tc);
    return s;
}
