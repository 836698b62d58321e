#include "config.h"
#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardrail/file.h"

void
fixture_text(struct gr_buf *b)
{
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_buf path = GR_BUF_INIT(4096);

    gr_buf_init(b, GR_POLICY_BYTES_MAX);
    gr_buf_printf(&path, "%s/tests/unit/webhook/policy.json", srcdir ? srcdir : "..");
    ck_assert_msg(gr_file_read(gr_buf_cstr(&path), b) == GR_OK, "%s cannot be read", gr_buf_cstr(&path));
    gr_buf_fini(&path);
}

void
fixture_replace(struct gr_buf *b, const char *find, const char *replace)
{
    struct gr_buf out = GR_BUF_INIT(GR_POLICY_BYTES_MAX);
    struct gr_str s = gr_buf_str(b);
    size_t at = gr_str_find(s, gr_str(find), 0);

    ck_assert_msg(at != SIZE_MAX, "the fixture does not hold %s", find);
    ck_assert_msg(gr_str_find(s, gr_str(find), at + 1) == SIZE_MAX, "the fixture holds %s twice", find);
    gr_buf_put(&out, gr_str_sub(s, 0, at));
    gr_buf_puts(&out, replace);
    gr_buf_put(&out, gr_str_sub(s, at + strlen(find), s.n));
    ck_assert_int_eq(gr_buf_err(&out), GR_OK);
    gr_buf_fini(b);
    *b = out;
}

struct policy *
fixture_policy(void)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_buf text, found = GR_BUF_INIT(1 << 20);
    struct policy *p = NULL;
    enum gr_err err;

    fixture_text(&text);
    err = policy_parse(GR_STR("policy.json"), gr_buf_str(&text), sources, d, &p);
    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &found);
    ck_assert_msg(err == GR_OK, "%s\n%s", gr_err_name(err), gr_buf_cstr(&found));
    gr_buf_fini(&found);
    gr_buf_fini(&text);
    gr_diags_free(d);
    gr_sources_free(sources);
    return p;
}

struct label_set
fixture_labels(struct gr_arena *a, const char *text)
{
    struct label *items = gr_arena_array(a, LABELS_MAX, sizeof *items);
    struct gr_str rest = gr_str(text), item, name;
    size_t n = 0;

    ck_assert_ptr_nonnull(items);
    while (text[0] != '\0' && gr_str_next(&rest, ',', &item)) {
        ck_assert(gr_str_next(&item, '=', &name));
        items[n].name = name;
        items[n++].value = item.p ? item : GR_STR("");
    }
    ck_assert_int_eq(labels_sort(items, n), GR_OK);
    return (struct label_set){items, n};
}

struct message
fixture_message(struct gr_arena *a)
{
    return (struct message){
        .kind = MESSAGE_BREACH,
        .level = LEVEL_HARD,
        .spec = GR_STR("demo"),
        .deployment_id = GR_STR("tp-1"),
        .phase = GR_STR("phase_1"),
        .guardrail = GR_STR("error_rate"),
        .source = GR_STR("execution.failures"),
        .stream = fixture_labels(a, "cluster=equities"),
        .slice = fixture_labels(a, "venue=XNAS,flow=making"),
        .summary = GR_STR("error rate is 2.1 times control's"),
        .description = GR_STR("canary 2.1 % & control 1 %, limit +40 %, 81 of 3,900 orders"),
        .limit = GR_STR("+40% over control"),
        .action = GR_STR("rolls the release back"),
        .reason = GR_STR("hard breach of error_rate (upper)"),
        .record_path = GR_STR("reports/release_decisions/tp-1.yaml"),
        .audit_head = GR_STR("14:2c26b46b68ffc68f"),
        .runbook_url = GR_STR("https://runbooks.example.org/error_rate?a=1&b=2"),
        .dashboard_url = GR_STR("https://grafana.example.org/d/demo"),
        .reference = GR_STR("17"),
        .dedup_key = GR_STR("demo/cluster=equities/tp-1/error_rate/hard/venue=XNAS/page/page/1"),
        .at_ms = INT64_C(1715894100000),
    };
}

void
fixture_hostile_make(struct fixture_hostile *h, struct gr_str bad, bool in_full)
{
    struct gr_str once = bad, name;

    gr_buf_init(&h->text, 1 << 20);
    do
        gr_buf_put(&h->text, bad);
    while (in_full && h->text.n < 65536);
    bad = gr_buf_str(&h->text);
    name = gr_str_sub(bad, 0, 4096);
    h->label = (struct label){once, name};
    h->set = (struct label_set){&h->label, 1};
    h->m = (struct message){.kind = MESSAGE_BREACH,
                            .spec = bad,
                            .deployment_id = name,
                            .phase = bad,
                            .guardrail = name,
                            .source = bad,
                            .stream = h->set,
                            .slice = h->set,
                            .summary = bad,
                            .description = bad,
                            .limit = bad,
                            .action = bad,
                            .reason = bad,
                            .record_path = bad,
                            .audit_head = bad,
                            .runbook_url = bad,
                            .dashboard_url = bad,
                            .reference = bad,
                            .dedup_key = bad};
}

void
fixture_hostile_fini(struct fixture_hostile *h)
{
    gr_buf_fini(&h->text);
}

void
fixture_dir(char *path, size_t size)
{
    int n = snprintf(path, size, "test_webhook.XXXXXX");

    ck_assert(n > 0 && (size_t)n < size);
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void
fixture_remove(const char *path)
{
    ck_assert_int_eq(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void
fixture_file(const char *dir, const char *name, const char *text, unsigned mode)
{
    struct gr_buf path = GR_BUF_INIT(4096);

    gr_buf_printf(&path, "%s/%s", dir, name);
    ck_assert_int_eq(gr_file_write(gr_buf_cstr(&path), gr_str(text), (mode_t)mode), GR_OK);
    gr_buf_fini(&path);
}
