/* Facts: of a model and of a tree they are the same; foreign ones are refused; memory that fails is told. */
#include "config.h"
#include "compare.h"
#include "specs.h"
#include "test_compiler.h"
#include "tree.h"

#include "../base/failing.h"
#include "backend.h"
#include "guardrail/sys.h"

#define ARENA_BYTES (64u << 20)

static const char *const files[] = {"examples/tradepulse/guardrails.yml", "examples/minimal/guardrails.yml",
                                    "tests/data/diff/old.yml", "tests/data/diff/new.yml"};

struct reading {
    struct gr_sources *sources;
    struct gr_diags *d;
    struct gr_arena *a;
    struct facts *f;
    enum gr_err err;
};

static void
reading_start(struct reading *r, struct gr_str text)
{
    uint32_t file = 0;

    *r = (struct reading){.sources = gr_sources_create(), .a = gr_arena_create(ARENA_BYTES)};
    ck_assert(r->sources && r->a);
    ck_assert_int_eq(gr_sources_add(r->sources, GR_STR("facts.json"), text, &file), GR_OK);
    r->d = gr_diags_create(r->sources);
    r->err = facts_read(r->a, r->sources, file, r->d, &r->f);
}

static void
reading_end(struct reading *r)
{
    gr_diags_free(r->d);
    gr_sources_free(r->sources);
    gr_arena_free(r->a);
}

/* What the tree says, read back, is what the specification says. */
START_TEST(tree_says_the_same)
{
    struct specs s;
    struct tree *t = tree_create();
    struct gr_buf b = GR_BUF_INIT(FACTS_BYTES_MAX);
    struct facts *f = NULL;
    struct changes changes;
    struct reading r;

    specs_read_file(&s, files[_i]);
    ck_assert_int_eq(s.err, GR_OK);
    ck_assert_int_eq(facts_of_model(s.arena, s.model, &f), GR_OK);
    ck_assert_int_eq(emit_facts(s.model, t), GR_OK);
    facts_print(f, &b);
    ck_assert(gr_str_eq(gr_buf_str(&b), tree_get(t, GR_STR(FACTS_PATH))));
    reading_start(&r, gr_buf_str(&b));
    ck_assert_int_eq(r.err, GR_OK);
    ck_assert_int_eq(compare(r.a, f, r.f, &changes), GR_OK);
    ck_assert_uint_eq(changes.n, 0);
    ck_assert(gr_str_eq(r.f->spec_hash, s.model->spec_hash));
    gr_buf_reset(&b);
    facts_print(r.f, &b);
    ck_assert(gr_str_eq(gr_buf_str(&b), tree_get(t, GR_STR(FACTS_PATH))));
    reading_end(&r);
    gr_buf_fini(&b);
    tree_free(t);
    specs_fini(&s);
}
END_TEST

/* -- foreign text -------------------------------------------------------------------------------------------------------- */

#define HASH "\"spec_hash\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define HEAD "{\"format\":1,\"compiler\":\"x\",\"spec\":\"s\"," HASH ","
#define LIMITS(list) HEAD "\"facts\":[],\"guardrails\":[{\"name\":\"g\",\"facts\":[],\"limits\":[" list "]}]}"
#define FACTS(list) HEAD "\"facts\":[" list "],\"guardrails\":[]}"
#define LIMIT "\"level\":\"hard\",\"side\":\"upper\",\"text\":\"1\",\"number\":1"

static const struct {
    const char *name, *text;
    bool good;
} texts[] = {
    {"least", HEAD "\"facts\":[],\"guardrails\":[]}", true},
    {"a fact", FACTS("{\"key\":\"sampling\",\"text\":\"2m\",\"number\":120000}"), true},
    {"a limit", LIMITS("{" LIMIT "}"), true},
    {"slices", LIMITS("{" LIMIT ",\"slices\":[{\"labels\":{\"a\":\"b\"},\"text\":\"2\",\"number\":2}]}"),
     true},
    {"nothing", "", false},
    {"no object", "[]", false},
    {"no JSON", "{\"format\":1", false},
    {"another format", "{\"format\":2,\"spec\":\"s\"," HASH ",\"facts\":[],\"guardrails\":[]}", false},
    {"a format in quotes", "{\"format\":\"1\",\"spec\":\"s\"," HASH ",\"facts\":[],\"guardrails\":[]}",
     false},
    {"no hash", "{\"format\":1,\"spec\":\"s\",\"facts\":[],\"guardrails\":[]}", false},
    {"a short hash", "{\"format\":1,\"spec\":\"s\",\"spec_hash\":\"00\",\"facts\":[],\"guardrails\":[]}",
     false},
    {"a hash in capitals",
     "{\"format\":1,\"spec\":\"s\",\"spec_hash\":"
     "\"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\",\"facts\":[],\"guardrails\":[]}",
     false},
    {"an unknown key", HEAD "\"facts\":[],\"guardrails\":[],\"more\":1}", false},
    {"no list of facts", HEAD "\"facts\":{},\"guardrails\":[]}", false},
    {"an unknown fact", FACTS("{\"key\":\"colour\",\"text\":\"red\"}"), false},
    {"a guardrail's fact", FACTS("{\"key\":\"window\",\"text\":\"2m\",\"number\":120000}"), false},
    {"a fact twice", FACTS("{\"key\":\"spec\",\"text\":\"a\"},{\"key\":\"spec\",\"text\":\"b\"}"), false},
    {"a number in quotes", FACTS("{\"key\":\"sampling\",\"text\":\"2m\",\"number\":\"120000\"}"), false},
    {"an exponent", FACTS("{\"key\":\"sampling\",\"text\":\"2m\",\"number\":1e300}"), false},
    {"too many digits", FACTS("{\"key\":\"sampling\",\"text\":\"2m\",\"number\":1234567890123456789012}"),
     false},
    {"no number", FACTS("{\"key\":\"sampling\",\"text\":\"2m\"}"), false},
    {"a flag of 2", FACTS("{\"key\":\"phases.shadow\",\"of\":\"p\",\"text\":\"true\",\"number\":2}"), false},
    {"a text that is a list", FACTS("{\"key\":\"spec\",\"text\":[]}"), false},
    {"a set out of order", FACTS("{\"key\":\"flows.values\",\"items\":[\"b\",\"a\"]}"), false},
    {"a set with doubles", FACTS("{\"key\":\"flows.values\",\"items\":[\"a\",\"a\"]}"), false},
    {"an entry that is a number", FACTS("{\"key\":\"flows.values\",\"items\":[1]}"), false},
    {"an unknown level", LIMITS("{\"level\":\"mild\",\"side\":\"upper\",\"text\":\"1\",\"number\":1}"),
     false},
    {"no_data is no limit", LIMITS("{\"level\":\"no_data\",\"side\":\"upper\",\"text\":\"1\",\"number\":1}"),
     false},
    {"an unknown side", LIMITS("{\"level\":\"hard\",\"side\":\"left\",\"text\":\"1\",\"number\":1}"), false},
    {"a soft backstop", LIMITS("{\"level\":\"soft\",\"side\":\"backstop\",\"text\":\"1\",\"number\":1}"),
     false},
    {"a limit twice", LIMITS("{" LIMIT "},{" LIMIT "}"), false},
    {"inclusive is false", LIMITS("{" LIMIT ",\"inclusive\":false}"), false},
    {"a slice twice",
     LIMITS("{" LIMIT
            ",\"slices\":[{\"labels\":{\"a\":\"b\"},\"text\":\"2\",\"number\":2},{\"labels\":{\"a\":\"b\"},"
            "\"text\":\"3\",\"number\":3}]}"),
     false},
    {"labels that are a list", LIMITS("{" LIMIT ",\"slices\":[{\"labels\":[],\"text\":\"2\",\"number\":2}]}"),
     false},
    {"a guardrail twice",
     HEAD
     "\"facts\":[],\"guardrails\":[{\"name\":\"g\",\"facts\":[],\"limits\":[]},{\"name\":\"g\",\"facts\":[],"
     "\"limits\":[]}]}",
     false},
    {"a guardrail without name", HEAD "\"facts\":[],\"guardrails\":[{\"facts\":[],\"limits\":[]}]}", false},
};

START_TEST(foreign_facts)
{
    struct reading r;

    reading_start(&r, gr_str(texts[_i].text));
    ck_assert_msg(r.err == (texts[_i].good ? GR_OK : GR_EUSER), "%s: %s", texts[_i].name, gr_err_name(r.err));
    ck_assert_int_eq(r.f != NULL, texts[_i].good);
    ck_assert_uint_eq(gr_diags_count(r.d, GR_SEV_ERROR), texts[_i].good ? 0 : 1);
    reading_end(&r);
}
END_TEST

/* -- the table ----------------------------------------------------------------------------------------------------------- */

START_TEST(manual_has_every_row)
{
    char *text = specs_slurp("docs/diff.md");
    enum aspect aspect = (enum aspect)_i;
    struct gr_buf b = GR_BUF_INIT(1000);
    size_t n = 0;

    gr_buf_printf(&b, "\n| `%s` | ", aspect_key(aspect));
    if (aspect != ASPECT_PHASES_ALL && aspect != ASPECT_EVIDENCE_ALL) /* never compared */
        ck_assert_msg(strstr(text, gr_buf_cstr(&b)) != NULL, "docs/diff.md says nothing of %s",
                      aspect_key(aspect));
    for (unsigned i = 0; i < ASPECT_COUNT; i++)
        n += aspect_scope((enum aspect)i) == aspect_scope(aspect) &&
             strcmp(aspect_key((enum aspect)i), aspect_key(aspect)) == 0;
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(aspect_by_key(aspect_scope(aspect), gr_str(aspect_key(aspect))), aspect);
    gr_buf_fini(&b);
    gr_sys.free(text);
}
END_TEST

/* -- memory -------------------------------------------------------------------------------------------------------------- */

static enum gr_err
all_of_it(struct gr_arena *a, const struct model *old, const struct model *new, struct gr_buf *b)
{
    struct facts *from = NULL, *to = NULL;
    struct changes changes;
    enum gr_err err;

    if ((err = facts_of_model(a, old, &from)) != GR_OK || (err = facts_of_model(a, new, &to)) != GR_OK ||
        (err = compare(a, from, to, &changes)) != GR_OK)
        return err;
    facts_print(to, b);
    return gr_buf_err(b);
}

/* The arena's ceiling is met at every allocation in turn. */
START_TEST(memory_ends)
{
    struct specs old, new;
    enum gr_err err = GR_ENOMEM;
    size_t failures = 0;

    specs_read_file(&old, "tests/data/diff/old.yml");
    specs_read_file(&new, "tests/data/diff/new.yml");
    for (size_t bytes = 64; err != GR_OK; bytes += 64) {
        struct gr_arena *a = gr_arena_create(bytes);
        struct gr_buf b = GR_BUF_INIT(FACTS_BYTES_MAX);

        err = all_of_it(a, old.model, new.model, &b);
        ck_assert_msg(err == GR_OK || err == GR_ENOMEM, "%zu bytes: %s", bytes, gr_err_name(err));
        failures += err != GR_OK;
        gr_buf_fini(&b);
        gr_arena_free(a);
    }
    ck_assert_uint_gt(failures, 10);
    specs_fini(&old);
    specs_fini(&new);
}
END_TEST

/* Allocation number 1, 2, 3 … of the back end fails. */
START_TEST(emitting_without_memory)
{
    struct specs s;
    bool failed = true;

    specs_read_file(&s, "tests/data/diff/old.yml");
    for (size_t nth = 1; failed; nth++) {
        struct tree *t = tree_create();
        enum gr_err err;

        failing_start(nth, _i == 1);
        err = emit_facts(s.model, t);
        failed = failing_stop();
        ck_assert_msg(err == (failed ? GR_ENOMEM : GR_OK), "allocation %zu: %s", nth, gr_err_name(err));
        tree_free(t);
    }
    specs_fini(&s);
}
END_TEST

Suite *
facts_suite(void)
{
    Suite *s = suite_create("facts");
    TCase *tc = tcase_create("facts");

    tcase_add_loop_test(tc, tree_says_the_same, 0, GR_COUNT(files));
    tcase_add_loop_test(tc, foreign_facts, 0, GR_COUNT(texts));
    tcase_add_loop_test(tc, manual_has_every_row, 0, ASPECT_COUNT);
    tcase_add_test(tc, memory_ends);
    tcase_add_loop_test(tc, emitting_without_memory, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
