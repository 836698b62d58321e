/* command.c - see command.h. */
#include "config.h"
#include "command.h"

#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "line.h"

/* Puts "line N: " before what follows; the caller appends the reason. */
static void
put_line_number(struct gr_buf *why, size_t number)
{
    gr_buf_printf(why, "line %zu: ", number);
}

enum gr_err
command_fault(struct world *w, struct gr_str body, struct gr_buf *why)
{
    struct fault parsed[FAULTS_MAX];
    size_t count = 0, kept = w->faults.count, number = 0;
    struct gr_str line;

    while (line_next(&body, &line, &number)) {
        put_line_number(why, number);
        if (count == FAULTS_MAX) {
            gr_buf_printf(why, "more than %d faults at once", FAULTS_MAX);
            return GR_EUSER;
        }
        if (fault_parse(&w->topology, line, &parsed[count], why) != GR_OK)
            return GR_EUSER;
        kept += parsed[count++].kind->act != ACT_RESET;
        gr_buf_reset(why);
    }
    if (count == 0 || kept > FAULTS_MAX) {
        gr_buf_printf(why, count == 0
                               ? "no fault given: one line each, as in \"error_rate x2 track=canary\""
                               : "more faults than can be active at once; POST /reset drops those there are");
        return GR_EUSER;
    }
    for (size_t i = 0; i < count; i++) {
        enum gr_err err = world_fault(w, &parsed[i]);

        GR_ASSERT(err == GR_OK); /* counted above */
    }
    return GR_OK;
}

static enum gr_err
share_refuse(struct gr_str word, const char *text, struct gr_buf *why)
{
    gr_buf_puts(why, "\"");
    gr_quote_log(why, word);
    gr_buf_printf(why,
                  "\" %s; a line is FLOW RATIO [cluster=NAME] [venue=NAME], FLOW is market_making or agency, "
                  "RATIO 0 to 1",
                  text);
    return GR_EUSER;
}

/* Whether the venue passes the filter word; false with *bad for a word that is no filter. */
static bool
venue_passes(const struct venue *v, struct gr_str word, bool *bad)
{
    if (gr_str_starts(word, GR_STR("cluster=")))
        return gr_str_is(gr_str_sub(word, 8, word.n), v->cluster);
    if (gr_str_starts(word, GR_STR("venue=")))
        return gr_str_is(gr_str_sub(word, 6, word.n), v->name);
    *bad = true;
    return false;
}

static enum gr_err
parse_share(struct gr_str rest, double share[VENUE_COUNT][FLOW_COUNT], struct gr_buf *why)
{
    struct gr_str all = rest, word = GR_STR_NONE;
    bool chosen[VENUE_COUNT], any = false, bad = false;
    size_t flow = 0;
    double ratio;

    if (word_next(&rest, &word) && gr_str_is(word, "share") && !word_next(&rest, &word))
        return share_refuse(all, "names no flow", why);
    while (flow < FLOW_COUNT && !gr_str_is(word, flow_names[flow]))
        flow++;
    if (flow == FLOW_COUNT)
        return share_refuse(word, "is no flow", why);
    if (!word_next(&rest, &word) || gr_parse_double(word, &ratio) != GR_OK || ratio < 0 || ratio > 1)
        return share_refuse(word, "is not followed by a ratio from 0 to 1", why);
    for (size_t v = 0; v < VENUE_COUNT; v++)
        chosen[v] = true;
    while (word_next(&rest, &word)) {
        for (size_t v = 0; v < VENUE_COUNT; v++)
            chosen[v] = venue_passes(&venues[v], word, &bad) && chosen[v];
        if (bad)
            return share_refuse(word, "is no filter", why);
    }
    for (size_t v = 0; v < VENUE_COUNT; v++) {
        if (!chosen[v])
            continue;
        any = true;
        share[v][flow] = ratio;
    }
    return any ? GR_OK : share_refuse(all, "matches no venue", why);
}

enum gr_err
command_share(struct world *w, struct gr_str body, struct gr_buf *why)
{
    double share[VENUE_COUNT][FLOW_COUNT];
    size_t number = 0, count = 0;
    struct gr_str line;

    memcpy(share, w->share, sizeof(share));
    while (line_next(&body, &line, &number)) {
        put_line_number(why, number);
        if (parse_share(line, share, why) != GR_OK)
            return GR_EUSER;
        gr_buf_reset(why);
        count++;
    }
    if (count == 0)
        return share_refuse(GR_STR(""), "sets nothing", why);
    memcpy(w->share, share, sizeof(share));
    return GR_OK;
}

enum gr_err
command_step(struct world *w, struct gr_str body, struct gr_buf *why)
{
    double seconds_s;

    if (gr_parse_double(gr_str_trim(body), &seconds_s) != GR_OK || seconds_s <= 0 ||
        seconds_s > WORLD_STEP_S_MAX) {
        gr_buf_printf(why, "a step is one number of simulated seconds, above 0 and at most %g",
                      WORLD_STEP_S_MAX);
        return GR_EUSER;
    }
    world_step(w, seconds_s);
    return GR_OK;
}
