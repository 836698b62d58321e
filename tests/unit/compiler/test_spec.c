#include "config.h"
#include "spec.h"
#include "specs.h"
#include "test_compiler.h"

#include "../base/failing.h"

#include "guardrail/sys.h"

START_TEST(head_and_tail_are_read)
{
    struct specs s;
    const struct model *m;

    specs_read_file(&s, "tests/data/specs/good/all-sections.yml");
    m = s.model;
    ck_assert(gr_str_is(m->spec, "demo") && gr_str_is(m->owner, "sre@example.org"));
    ck_assert(gr_str_is(m->guardrails[0].runbook, "https://example.org/demo/errors"));
    ck_assert(gr_str_is(m->webhook_url, "https://guardraild.example:9095"));
    ck_assert(gr_str_is(m->webhook_token_file, "/etc/guardrail/token"));
    ck_assert(gr_str_is(m->dashboards_folder, "Team/Canary"));
    ck_assert_int_eq(gr_dec_cmp(m->tracing.canary_sampling, GR_DEC(1, 0)), 0);
    ck_assert_int_eq(m->tracing.retention_ms, INT64_C(72) * 3600000);
    ck_assert_uint_eq(m->log_fields.n, 2);
    ck_assert(gr_str_is(m->per_order_logs, "canary"));
    ck_assert_uint_eq(m->daily_report_to.n, 1);
    ck_assert_uint_eq(m->monthly_report_to.n, 2);
    ck_assert_int_eq(m->retention.decisions_ms, INT64_C(360) * 86400000);
    ck_assert_int_eq(m->retention.archive_within_ms, 86400000);
    ck_assert_int_eq(gr_dec_cmp(m->false_alarm_budget, GR_DEC(1, -1)), 0);
    ck_assert_uint_eq(m->n_actions, 6);
    specs_fini(&s);
}
END_TEST

START_TEST(defaults_are_filled_in)
{
    struct specs s;
    const struct model *m;
    const struct guardrail *g;

    specs_read_changed(&s, NULL, NULL);
    m = s.model;
    g = specs_guardrail(&s, "errors");
    ck_assert(gr_str_is(m->webhook_url, "http://127.0.0.1:9095") && gr_str_is(m->dashboards_folder, "demo"));
    ck_assert_int_eq(m->phases[1].max_ms, 4 * m->phases[1].min_ms);
    ck_assert_int_eq(m->phases[3].max_ms, 0);
    ck_assert(gr_str_is(g->group, "default") && gr_str_is(g->source, "errors") && g->mandatory);
    ck_assert_uint_eq(g->phases, 0x6); /* with traffic, not final */
    ck_assert_int_eq(g->window_ms, 0);
    ck_assert_int_eq(g->evidence.kind, EVIDENCE_SEQUENTIAL);
    ck_assert_uint_eq(g->evidence.min_events, 5);
    ck_assert_uint_eq(g->evidence.min_total, 200);
    ck_assert_uint_eq(g->evidence.soft_k, 2);
    ck_assert_uint_eq(g->evidence.soft_n, 3);
    ck_assert(gr_str_is(g->on[LEVEL_SOFT].v[0], "extend") && gr_str_is(g->on[LEVEL_NO_DATA].v[0], "hold"));
    ck_assert_int_eq(m->actions[0].steps[0].program.timeout_ms, 60000);
    ck_assert_int_eq(m->actions[0].steps[0].on_failure, ON_FAILURE_ABORT);
    specs_fini(&s);
}
END_TEST

/* Each guardrail's group is that of the one before it, until it names its own. */
START_TEST(groups_are_inherited)
{
    struct specs s;

    specs_read_file(&s, "examples/tradepulse/guardrails.yml");
    ck_assert(gr_str_is(specs_guardrail(&s, "memory_headroom")->group, "core_stability"));
    ck_assert(gr_str_is(specs_guardrail(&s, "agency_order_fill_ratio")->group, "business_impact"));
    ck_assert(gr_str_is(specs_guardrail(&s, "model_drift")->group, "data_quality"));
    specs_fini(&s);
}
END_TEST

START_TEST(flows_are_in_order)
{
    struct specs s;

    specs_read_changed(&s, "{mm: 1%, agency: 0.5%}", "{agency: 0.5%, mm: 1%}");
    ck_assert(gr_str_is(s.model->phases[1].traffic[0].flow, "mm"));
    ck_assert_str_eq(specs_dec(s.model->phases[1].traffic[1].ratio), "0.005");
    ck_assert(gr_str_is(s.model->phases[1].traffic[1].text, "0.5%"));
    specs_fini(&s);
}
END_TEST

/* ---- limits of size ---- */

static void
read_padded(size_t bytes, struct specs *s)
{
    char *pad = malloc(bytes);
    size_t base = strlen(specs_base), n = bytes - base;

    ck_assert_ptr_nonnull(pad);
    memcpy(pad, specs_base, base);
    memset(pad + base, '#', n);
    specs_read(s, GR_STR("long.yml"), (struct gr_str){pad, bytes});
    free(pad);
}

START_TEST(size_is_limited)
{
    struct specs s;

    read_padded(SPEC_BYTES_MAX, &s);
    ck_assert_int_eq(s.err, GR_OK);
    specs_fini(&s);
    read_padded(SPEC_BYTES_MAX + 1, &s);
    ck_assert_int_eq(s.err, GR_EUSER);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_str_eq(s.findings[0].code, "GR0002");
    specs_fini(&s);
}
END_TEST

static void
read_with_phases(size_t count, struct specs *s)
{
    struct gr_buf b = GR_BUF_INIT(1u << 20);

    gr_buf_puts(&b, "  - {name: p1,");
    for (size_t i = 0; i < count; i++)
        gr_buf_printf(&b, " traffic: {mm: 1%%, agency: 0.5%%}, min_duration: 20m}\n  - {name: q%zu,", i);
    specs_read_changed(s, "  - {name: p1,", gr_buf_cstr(&b));
    gr_buf_fini(&b);
}

START_TEST(phases_are_limited)
{
    struct specs s;

    read_with_phases(MODEL_PHASES_MAX - 4, &s);
    ck_assert_int_eq(s.err, GR_OK);
    ck_assert_uint_eq(s.model->n_phases, MODEL_PHASES_MAX);
    specs_fini(&s);
    read_with_phases(MODEL_PHASES_MAX - 3, &s);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_str_eq(s.findings[0].code, "GR0002");
    specs_fini(&s);
}
END_TEST

START_TEST(slices_are_limited)
{
    struct specs s;

    for (size_t extra = 0; extra < 2; extra++) {
        struct gr_buf b = GR_BUF_INIT(1u << 20);

        gr_buf_puts(&b, "  - {cluster: crypto, venue: [a");
        for (size_t i = 1; i < 500 + extra; i++)
            gr_buf_printf(&b, ", v%zu", i);
        gr_buf_puts(&b, "]}\n");
        specs_read_changed(&s, "  - {cluster: crypto, venue: [BINANCE]}\n", gr_buf_cstr(&b));
        ck_assert_int_eq(s.err, extra ? GR_EUSER : GR_OK); /* × 2 flows: 1000 and 1002 */
        if (extra)
            ck_assert_str_eq(s.findings[0].code, "GR0002");
        specs_fini(&s);
        gr_buf_fini(&b);
    }
}
END_TEST

/* ---- no memory ---- */

/* Fails allocation 1, 2, 3 … until a run succeeds; no crash, no model, an honest answer. */
START_TEST(no_memory)
{
    struct gr_sources *sources = gr_sources_create();
    char *text = specs_slurp("examples/tradepulse/guardrails.yml");
    bool failed = true;
    uint32_t file;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("a.yml"), gr_str(text), &file), GR_OK);
    gr_sys.free(text);
    for (size_t nth = 1; failed; nth++) {
        struct gr_diags *d = gr_diags_create(sources);
        struct gr_arena *a = gr_arena_create(64u << 20);
        struct model *m = NULL;
        enum gr_err err;

        ck_assert_ptr_nonnull(d);
        ck_assert_ptr_nonnull(a);
        failing_start(nth, _i == 1);
        err = spec_read(a, sources, file, (struct spec_options){.time_scale = 1}, d, &m);
        failed = failing_stop();
        ck_assert_msg(err == (failed ? GR_ENOMEM : GR_OK), "allocation %zu: %s", nth, gr_err_name(err));
        ck_assert_int_eq(m != NULL, err == GR_OK);
        gr_arena_free(a);
        gr_diags_free(d);
    }
    gr_sources_free(sources);
}
END_TEST

/* The same with the arena at its ceiling, which is met at many more places. */
START_TEST(small_arena)
{
    struct gr_sources *sources = gr_sources_create();
    enum gr_err err = GR_ENOMEM;
    uint32_t file;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("a.yml"), gr_str(specs_base), &file), GR_OK);
    for (size_t bytes = 64; err != GR_OK; bytes += 64) {
        struct gr_diags *d = gr_diags_create(sources);
        struct gr_arena *a = gr_arena_create(bytes);
        struct model *m = NULL;

        err = spec_read(a, sources, file, (struct spec_options){.time_scale = 1}, d, &m);
        ck_assert_msg(err == GR_OK || err == GR_ENOMEM, "%zu bytes: %s", bytes, gr_err_name(err));
        ck_assert_int_eq(m != NULL, err == GR_OK);
        ck_assert_uint_lt(bytes, 1u << 20);
        gr_arena_free(a);
        gr_diags_free(d);
    }
    gr_sources_free(sources);
}
END_TEST

/* ---- broken documents ---- */

static const char *const broken[] = {"",  "[]\n", "text\n", "~\n", "a: {\n", "{}\n", "guardrails: [[]]\n",
                                     "\t"};

START_TEST(broken_document)
{
    struct specs s;

    specs_read(&s, GR_STR("broken.yml"), gr_str(broken[_i]));
    ck_assert_int_eq(s.err, GR_EUSER);
    ck_assert_uint_gt(s.n, 0);
    specs_fini(&s);
}
END_TEST

/* Each line of the base taken away, each character doubled: findings or a model, never a crash. */
START_TEST(damaged_document)
{
    size_t n = strlen(specs_base);
    char *text = malloc(n + 2);

    ck_assert_ptr_nonnull(text);
    for (size_t at = 0; at < n; at += 3) {
        struct specs s;

        memcpy(text, specs_base, at);
        text[at] = "}]\"x"[at % 4];
        memcpy(text + at + 1, specs_base + at + (at % 2), n - at - (at % 2));
        specs_read(&s, GR_STR("damaged.yml"), (struct gr_str){text, n + 1 - at % 2});
        specs_fini(&s);
    }
    free(text);
}
END_TEST

Suite *
spec_suite(void)
{
    Suite *s = suite_create("spec");
    TCase *tc = tcase_create("read"), *bad = tcase_create("trouble");

    tcase_add_test(tc, head_and_tail_are_read);
    tcase_add_test(tc, defaults_are_filled_in);
    tcase_add_test(tc, groups_are_inherited);
    tcase_add_test(tc, flows_are_in_order);
    tcase_add_test(tc, size_is_limited);
    tcase_add_test(tc, phases_are_limited);
    tcase_add_test(tc, slices_are_limited);
    suite_add_tcase(s, tc);
    tcase_set_timeout(bad, 60);
    tcase_add_loop_test(bad, no_memory, 0, 2);
    tcase_add_test(bad, small_arena);
    tcase_add_loop_test(bad, broken_document, 0, GR_COUNT(broken));
    tcase_add_test(bad, damaged_document);
    suite_add_tcase(s, bad);
    return s;
}
