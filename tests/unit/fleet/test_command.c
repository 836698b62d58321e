#include "config.h"
#include "command.h"

#include "exposition.h"
#include "look.h"
#include "test_fleet.h"

enum command { FAULT, SHARE, STEP };
static const struct row {
    enum command command;
    const char *body;
    const char *want; /* a part of the state afterwards, or of the reason */
    enum gr_err err;
} rows[] = {
    {FAULT, "error_rate x2", "\"faults\":[\"error_rate x2\"]", GR_OK},
    {FAULT, "# two\r\n\r\n error_rate x2 \r\n#\npnl +9", "\"faults\":[\"error_rate x2\",\"pnl +9\"]", GR_OK},
    {FAULT, "reset venue=XNAS", "\"faults\":[]", GR_OK},
    {FAULT, "", "no fault given", GR_EUSER},
    {FAULT, "\n# nothing\n", "no fault given", GR_EUSER},
    {FAULT, "error_rate x2\n\nerror_rat x2", "line 3: unknown fault kind \"error_rat\"", GR_EUSER},
    {FAULT, "reset\ncpu 7", "line 2: cpu: 7 is not in 0 to 1", GR_EUSER},
    {SHARE, "market_making 0.05", "\"CME\":{\"market_making\":0.05,\"agency\":0.05}", GR_OK},
    {SHARE, "share agency 0\nmarket_making 1", "\"CME\":{\"market_making\":1,\"agency\":0}", GR_OK},
    {SHARE, "agency 0.3 cluster=equities",
     "\"XNYS\":{\"market_making\":0.15,\"agency\":0.3},\"CME\":{\"market_making\":0.15,\"agency\":0.05}",
     GR_OK},
    {SHARE, "agency 0.3 venue=CME cluster=derivatives",
     "\"XNYS\":{\"market_making\":0.15,\"agency\":0.05},\"CME\":{\"market_making\":0.15,\"agency\":0.3}",
     GR_OK},
    {SHARE, "", "sets nothing", GR_EUSER},
    {SHARE, "share", "names no flow", GR_EUSER},
    {SHARE, "retail 0.5", "\"retail\" is no flow", GR_EUSER},
    {SHARE, "agency", "ratio from 0 to 1", GR_EUSER},
    {SHARE, "agency 1.01", "ratio from 0 to 1", GR_EUSER},
    {SHARE, "agency -0.1", "ratio from 0 to 1", GR_EUSER},
    {SHARE, "agency 5%", "ratio from 0 to 1", GR_EUSER},
    {SHARE, "agency 0.1 venue=XETR", "matches no venue", GR_EUSER},
    {SHARE, "agency 0.1 venue=CME cluster=crypto", "matches no venue", GR_EUSER},
    {SHARE, "agency 0.1 track=canary", "\"track=canary\" is no filter", GR_EUSER},
    {SHARE, "agency 0.1\nagency 7", "line 2: ", GR_EUSER},
    {STEP, " 2.5\n", "\"simulated_seconds\":2.5", GR_OK},
    {STEP, "1e7", "\"simulated_seconds\":10000000", GR_OK},
    {STEP, "0", "one number of simulated seconds", GR_EUSER},
    {STEP, "-1", "above 0", GR_EUSER},
    {STEP, "10000001", "at most 1e+07", GR_EUSER},
    {STEP, "", "one number", GR_EUSER},
    {STEP, "1 2", "one number", GR_EUSER},
};

static enum gr_err
run(struct world *w, enum command command, struct gr_str body, struct gr_buf *why)
{
    switch (command) {
    case FAULT:
        return command_fault(w, body, why);
    case SHARE:
        return command_share(w, body, why);
    case STEP:
        break;
    }
    return command_step(w, body, why);
}

START_TEST(body_is_done_whole_or_not)
{
    const struct row *r = &rows[_i];
    struct gr_buf why = GR_BUF_INIT(8192), before = GR_BUF_INIT(8192), after = GR_BUF_INIT(8192);
    struct world *w = look_world(31, 400);
    enum gr_err got;

    state_write(&before, w);
    got = run(w, r->command, gr_str(r->body), &why);
    state_write(&after, w);
    ck_assert_msg(got == r->err, "\"%s\" gave %s: %s", r->body, gr_err_name(got), gr_buf_cstr(&why));
    if (got == GR_OK) {
        ck_assert_msg(strstr(gr_buf_cstr(&after), r->want) != NULL, "%s: %s", r->body, gr_buf_cstr(&after));
        ck_assert_uint_eq(why.n, 0);
    } else {
        ck_assert_msg(strstr(gr_buf_cstr(&why), r->want) != NULL, "\"%s\" says: %s", r->body,
                      gr_buf_cstr(&why));
        ck_assert_str_eq(gr_buf_cstr(&after), gr_buf_cstr(&before));
    }
    world_free(w);
    gr_buf_fini(&why);
    gr_buf_fini(&before);
    gr_buf_fini(&after);
}
END_TEST

/* Up to FAULTS_MAX fit, in one body or over several; what is not kept does not count. */
START_TEST(faults_are_bounded)
{
    struct gr_buf body = GR_BUF_INIT(COMMAND_BYTES_MAX), why = GR_BUF_INIT(8192);
    struct world *w = look_world(32, 400);

    for (size_t i = 0; i < FAULTS_MAX; i++)
        gr_buf_puts(&body, "schemas +1\n");
    ck_assert_int_eq(command_fault(w, gr_buf_str(&body), &why), GR_OK);
    ck_assert_uint_eq(w->faults.count, FAULTS_MAX);
    ck_assert_int_eq(command_fault(w, GR_STR("schemas +1"), &why), GR_EUSER);
    ck_assert_ptr_nonnull(strstr(gr_buf_cstr(&why), "more faults than can be active at once"));
    ck_assert_int_eq(command_fault(w, GR_STR("reset"), &why), GR_OK);
    world_heal(w);
    gr_buf_puts(&body, "schemas +1\n");
    gr_buf_reset(&why);
    ck_assert_int_eq(command_fault(w, gr_buf_str(&body), &why), GR_EUSER);
    ck_assert_str_eq(gr_buf_cstr(&why), "line 65: more than 64 faults at once");
    ck_assert_uint_eq(w->faults.count, 0);
    world_free(w);
    gr_buf_fini(&body);
    gr_buf_fini(&why);
}
END_TEST

START_TEST(nul_bytes_are_no_text)
{
    struct gr_buf why = GR_BUF_INIT(8192);
    struct world *w = look_world(33, 400);

    ck_assert_int_eq(command_fault(w, GR_STR("cpu 0.9\0"), &why), GR_EUSER);
    ck_assert_int_eq(command_share(w, GR_STR("agency 0.1\0"), &why), GR_EUSER);
    ck_assert_int_eq(command_step(w, GR_STR("5\0"), &why), GR_EUSER);
    world_free(w);
    gr_buf_fini(&why);
}
END_TEST

Suite *
command_suite(void)
{
    Suite *s = suite_create("command");
    TCase *tc = tcase_create("command");

    tcase_add_loop_test(tc, body_is_done_whole_or_not, 0, GR_COUNT(rows));
    tcase_add_test(tc, faults_are_bounded);
    tcase_add_test(tc, nul_bytes_are_no_text);
    suite_add_tcase(s, tc);
    return s;
}
