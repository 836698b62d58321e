/* test_overlay.c - levels of overlays, what comes back when a waiver ends, and the identity of the result (overlay.c, waiver.c, load.c). */
#include "config.h"
#include "specs.h"
#include "test_compiler.h"

#include "clock.h"

#include "../base/failing.h"

#define HEAD "apiVersion: guardrail/v1\nextends: base.yml\n"
#define BY ", approved_by: Jo, ticket: T, reason: r}"
#define DAY INT64_C(86400)

/* The base is specs_base, the overlay says this of `errors` (soft: +25%, hard: +40%). What is its limit then? */
static const struct expiry {
    const char *name, *overlay, *now;
    const char *soft, *hard; /* literals; NULL: refused */
    size_t in_force;
    const char *finding; /* the only one, or NULL */
} expiries[] = {
    {"tighter needs nobody", "limit: {soft: +20%}", "2026-11-23", "1.2", "1.4", 0, NULL},
    {"looser is refused", "limit: {soft: +30%}", "2026-11-23", NULL, NULL, 0, "GR0340"},
    {"under a waiver", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31" BY, "2026-11-23", "1.3", "1.4",
     1, NULL},
    {"its last second", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31" BY, "2026-12-31T23:59:59Z",
     "1.3", "1.4", 1, "GR0342"},
    {"the second after", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31" BY, "2027-01-01T00:00:00Z",
     "1.25", "1.4", 0, "GR0341"},
    {"days are of UTC", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31" BY,
     "2027-01-01T00:59:59+01:00", "1.3", "1.4", 1, "GR0342"},
    {"tighter stays", "limit: {soft: +30%, hard: +35%}\n    waiver: {expires: 2026-12-31" BY, "2027-01-01",
     "1.25", "1.35", 0, "GR0341"},
    {"the other way round", "limit: {soft: +20%, hard: +45%}\n    waiver: {expires: 2026-12-31" BY,
     "2027-01-01", "1.2", "1.4", 0, "GR0341"},
    {"two weeks", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31" BY, "2026-12-18", "1.3", "1.4", 1,
     "GR0342"},
    {"two weeks and a second", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31" BY,
     "2026-12-17T23:59:59Z", "1.3", "1.4", 1, NULL},
    {"nobody needs it", "limit: {soft: +20%}\n    waiver: {expires: 2026-12-31" BY, "2026-11-23", "1.2",
     "1.4", 0, "GR0343"},
    {"it needs all keys", "limit: {soft: +30%}\n    waiver: {expires: 2026-12-31, ticket: T}", "2026-11-23",
     NULL, NULL, 0, "GR0102"},
    {"taken away under a waiver", "limit: {soft: ~}\n    waiver: {expires: 2026-12-31" BY, "2026-11-23", NULL,
     "1.4", 1, NULL},
    {"and back", "limit: {soft: ~}\n    waiver: {expires: 2026-12-31" BY, "2027-01-01", "1.25", "1.4", 0,
     "GR0341"},
    {"no longer mandatory", "mandatory: false\n    limit: {soft: +30%}", "2026-11-23", NULL, NULL, 0,
     "GR0340"},
};

static const char *
literal_of(const struct guardrail *g, enum level level)
{
    for (size_t i = 0; i < g->limit.n_bounds; i++)
        if (g->limit.bounds[i].level == level && g->limit.bounds[i].side == SIDE_UPPER)
            return specs_dec(g->limit.bounds[i].literal);
    return NULL;
}

static void
check_literal(const struct expiry *r, const struct guardrail *g, enum level level, const char *want)
{
    const char *got = literal_of(g, level);

    ck_assert_msg((got != NULL) == (want != NULL) && (!got || strcmp(got, want) == 0), "%s: %s, not %s",
                  r->name, got ? got : "none", want ? want : "none");
}

START_TEST(waivers_end)
{
    const struct expiry *r = &expiries[_i];
    struct gr_buf text = GR_BUF_INIT(1u << 16);
    const char *texts[3][2] = {{"base.yml", specs_base}, {"over.yml", NULL}, {NULL, NULL}};
    struct specs s;
    int64_t now;

    ck_assert_int_eq(clock_time(gr_str(r->now), &now), GR_OK);
    gr_buf_printf(&text, HEAD "guardrails:\n  - name: errors\n    %s\n", r->overlay);
    texts[1][1] = gr_buf_cstr(&text);
    specs_read_of(&s, texts, "over.yml", now);
    ck_assert_msg((s.err == GR_OK) == (r->hard != NULL), "%s: %s", r->name,
                  s.n > 0 ? s.findings[0].message : "");
    if (s.model) {
        const struct guardrail *g = specs_guardrail(&s, "errors");

        check_literal(r, g, LEVEL_SOFT, r->soft);
        check_literal(r, g, LEVEL_HARD, r->hard);
        ck_assert_msg(s.model->n_waivers == r->in_force, "%s: %zu in force", r->name, s.model->n_waivers);
    }
    ck_assert_msg(s.n == (r->finding != NULL) || r->hard == NULL, "%s: %zu findings", r->name, s.n);
    if (r->finding)
        ck_assert_msg(s.n > 0 && strcmp(s.findings[0].code, r->finding) == 0, "%s: %s", r->name,
                      s.n > 0 ? s.findings[0].message : "no finding");
    specs_fini(&s);
    gr_buf_fini(&text);
}
END_TEST

/* ---- several levels ---- */

/* Each level's waiver is for what that level loosens: b.yml has one, c.yml loosens further without. */
START_TEST(each_level_answers_for_itself)
{
    static const char *const texts[][2] = {{"base.yml", specs_base},
                                           {"b.yml",
                                            HEAD "guardrails:\n  - name: errors\n    limit: {soft: +30%}\n"
                                                 "    waiver: {expires: 2026-12-31" BY "\n"},
                                           {"c.yml", "apiVersion: guardrail/v1\nextends: b.yml\nguardrails:\n"
                                                     "  - {name: errors, limit: {soft: +28%}}\n"},
                                           {"d.yml", "apiVersion: guardrail/v1\nextends: b.yml\nguardrails:\n"
                                                     "  - {name: errors, limit: {soft: +35%}}\n"},
                                           {NULL, NULL}};
    struct specs s;

    specs_read_of(&s, texts, "c.yml", SPECS_NOW);
    ck_assert_int_eq(s.err, GR_OK);
    ck_assert_str_eq(literal_of(specs_guardrail(&s, "errors"), LEVEL_SOFT), "1.28");
    ck_assert_uint_eq(s.model->n_waivers, 1);
    specs_fini(&s);
    specs_read_of(&s, texts, "d.yml", SPECS_NOW);
    ck_assert_int_eq(s.err, GR_EUSER);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_str_eq(s.findings[0].code, "GR0340");
    ck_assert(gr_str_is(s.findings[0].file, "d.yml"));
    specs_fini(&s);
    /* When b.yml's has ended, its +30% is not there, and c.yml's own +28% is looser than what is. */
    specs_read_of(&s, texts, "c.yml", SPECS_NOW + 60 * DAY);
    ck_assert_int_eq(s.err, GR_EUSER);
    specs_fini(&s);
}
END_TEST

/* ---- the identity of the result ---- */

static const struct same {
    const char *name, *overlay, *what, *with; /* in specs_base */
} sames[] = {
    {"nothing said", "", NULL, NULL},
    {"repeated", "sampling: 120s\n", NULL, NULL},
    {"one value", "sampling: 1m\n", "sampling: 2m", "sampling: 1m"},
    {"a limit", "guardrails: [{name: errors, limit: {soft: +20%}}]\n", "soft: +25%", "soft: +20%"},
    {"in force", "guardrails:\n  - {name: errors, limit: {soft: +30%}, waiver: {expires: 2026-12-31" BY "}\n",
     "soft: +25%", "soft: +30%"},
    {"ended", "guardrails:\n  - {name: errors, limit: {soft: +30%}, waiver: {expires: 2026-11-22" BY "}\n",
     NULL, NULL},
    {"ended, and nothing is left of a mapping",
     "guardrails:\n  - {name: errors, only: {venue: XNAS}, on: {soft: []}, waiver: {expires: 2026-11-22" BY
     "}\n",
     NULL, NULL},
    {"a phase", "phases: [{name: p1}, {name: x, traffic: {mm: 2%, agency: 1%}, min_duration: 20m}]\n",
     "  - {name: p2,", "  - {name: x, traffic: {mm: 2%, agency: 1%}, min_duration: 20m}\n  - {name: p2,"},
};

START_TEST(hash_is_of_the_meaning)
{
    const struct same *r = &sames[_i];
    struct gr_buf text = GR_BUF_INIT(1u << 16);
    const char *texts[3][2] = {{"base.yml", specs_base}, {"over.yml", NULL}, {NULL, NULL}};
    struct specs one, two;

    gr_buf_printf(&text, HEAD "%s", r->overlay);
    texts[1][1] = gr_buf_cstr(&text);
    specs_read_of(&one, texts, "over.yml", SPECS_NOW);
    specs_read_changed(&two, r->what, r->with);
    ck_assert_msg(one.model && two.model, "%s: %s", r->name, one.n > 0 ? one.findings[0].message : "");
    ck_assert_msg(gr_str_eq(one.model->spec_hash, two.model->spec_hash), "%s", r->name);
    specs_fini(&one);
    specs_fini(&two);
    gr_buf_fini(&text);
}
END_TEST

/* A guardrail without a group has that of the one before it in the base, whatever an overlay puts between or takes away. */
START_TEST(groups_stay)
{
    static const char *const texts[][2] = {
        {"base.yml", "guardrails:\n"
                     "  - {name: a, group: x, metric: {gauge: q, unit: count, reduce: avg}, limit: {against: "
                     "fixed, bad: above, hard: 1}}\n"
                     "  - {name: b, metric: {gauge: q, unit: count, reduce: avg}, limit: {against: fixed, "
                     "bad: above, hard: 1}}\n"},
        {"over.yml", HEAD
         "waivers: []\nguardrails:\n"
         "  - {name: a, remove: true, waiver: {expires: 2026-12-31" BY "}\n"
         "  - {name: n, group: y, metric: {gauge: q, unit: count, reduce: avg}, limit: {against: fixed, bad: "
         "above, hard: 1}}\n"},
        {NULL, NULL}};
    struct gr_str base = gr_str(specs_base);
    size_t from = gr_str_find(base, GR_STR("guardrails:\n"), 0),
           to = gr_str_find(base, GR_STR("on: {hard"), 0);
    struct gr_buf whole = GR_BUF_INIT(1u << 16), over = GR_BUF_INIT(1u << 16);
    const char *both[3][2] = {{"base.yml", NULL}, {"over.yml", NULL}, {NULL, NULL}};
    struct specs s;

    gr_buf_put(&whole, gr_str_sub(base, 0, from));
    gr_buf_puts(&whole, texts[0][1]);
    gr_buf_put(&whole, gr_str_sub(base, to, base.n));
    gr_buf_puts(&over, texts[1][1]);
    both[0][1] = gr_buf_cstr(&whole);
    both[1][1] = gr_buf_cstr(&over);
    gr_buf_cut(&over, over.n);
    specs_read_of(&s, both, "over.yml", SPECS_NOW);
    ck_assert_msg(s.n == 1 && strcmp(s.findings[0].code, "GR0108") == 0, "%s",
                  s.n > 0 ? s.findings[0].message : "");
    specs_fini(&s);
    gr_buf_reset(&over);
    gr_buf_puts(&over, HEAD);
    gr_buf_puts(&over, strstr(texts[1][1], "guardrails:"));
    both[1][1] = gr_buf_cstr(&over);
    specs_read_of(&s, both, "over.yml", SPECS_NOW);
    ck_assert_msg(s.err == GR_OK, "%s", s.n > 0 ? s.findings[0].message : "");
    ck_assert(gr_str_is(specs_guardrail(&s, "b")->group, "x"));
    ck_assert(gr_str_is(specs_guardrail(&s, "n")->group, "y"));
    specs_fini(&s);
    gr_buf_fini(&whole);
    gr_buf_fini(&over);
}
END_TEST

/* ---- trouble ---- */

static enum gr_err
read_text(void *context, const char *path, bool named, struct gr_buf *text)
{
    (void)named;
    gr_buf_puts(text, strcmp(path, "base.yml") == 0 ? specs_base : context);
    return gr_buf_err(text);
}

/* Fails allocation 1, 2, 3 … until a run succeeds (the texts of facts.c may be cut by a single failure, and are then only shown), of an overlay that has everything: an include, a waiver that ended, one in force. */
START_TEST(no_memory)
{
    static char over[] =
        HEAD "include: more.yml\nguardrails:\n"
             "  - {name: errors, limit: {soft: +30%, hard: +35%}, waiver: {expires: 2026-11-01" BY "}\n"
             "waivers: [{for: [phases], expires: 2026-12-31" BY "]\n"
             "phases: [{name: p1, min_duration: 10m}]\n";
    static char more[] = "guardrails: [{name: errors2, metric: {gauge: q, unit: count, reduce: avg},"
                         " limit: {against: fixed, bad: above, hard: 1}}]\n";
    const struct load_reader reader = {.read = read_text, .context = more};
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
        struct gr_sources *sources = gr_sources_create();
        struct gr_diags *d = gr_diags_create(sources);
        struct gr_arena *a = gr_arena_create(64u << 20);
        struct model *m = NULL;
        struct gr_diag_view v;
        uint32_t file;
        enum gr_err err;

        ck_assert_int_eq(gr_sources_add(sources, GR_STR("over.yml"), gr_str(over), &file), GR_OK);
        failing_start(nth, _i == 1);
        err = spec_read(a, sources, file,
                        (struct spec_options){.time_scale = 1, .now_s = SPECS_NOW, .reader = &reader}, d, &m);
        failed = failing_stop();
        ck_assert_msg(err == (failed ? GR_ENOMEM : GR_OK) || (_i == 0 && err == GR_OK),
                      "allocation %zu: %s %.*s", nth, gr_err_name(err),
                      GR_ARG(gr_diags_get(d, 0, &v) ? v.message : GR_STR_NONE));
        ck_assert_int_eq(m != NULL, err == GR_OK);
        gr_arena_free(a);
        gr_diags_free(d);
        gr_sources_free(sources);
    }
}
END_TEST

Suite *
overlay_suite(void)
{
    Suite *s = suite_create("overlay");
    TCase *tc = tcase_create("overlay");

    tcase_add_loop_test(tc, waivers_end, 0, GR_COUNT(expiries));
    tcase_add_test(tc, each_level_answers_for_itself);
    tcase_add_loop_test(tc, hash_is_of_the_meaning, 0, GR_COUNT(sames));
    tcase_add_test(tc, groups_stay);
    tcase_add_loop_test(tc, no_memory, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
