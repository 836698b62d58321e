/* clock.c - dates and times for the command line and for waivers; base/ knows the calendar. */
#include "config.h"
#include "clock.h"

#include <time.h>

#include "guardrail/duration.h"

#define DATE_BYTES 10u

enum gr_err
clock_date(struct gr_str text, int64_t *s)
{
    char time[] = "0000-00-00T00:00:00Z";
    int64_t ms = 0;
    enum gr_err err;

    if (text.n != DATE_BYTES)
        return GR_ESYNTAX;
    memcpy(time, text.p, DATE_BYTES);
    if ((err = gr_time_parse(gr_str(time), &ms)) != GR_OK)
        return err;
    if (ms < 0)
        return GR_ERANGE;
    *s = ms / 1000;
    return GR_OK;
}

enum gr_err
clock_time(struct gr_str text, int64_t *s)
{
    int64_t ms = 0;
    enum gr_err err;

    if (text.n == DATE_BYTES)
        return clock_date(text, s);
    if ((err = gr_time_parse(text, &ms)) != GR_OK)
        return err;
    if (ms < 0)
        return GR_ERANGE;
    *s = ms / 1000;
    return GR_OK;
}

void
clock_put_date(struct gr_buf *b, int64_t s)
{
    size_t at = b->n;

    GR_ASSERT(s >= 0);
    gr_time_print(b, s * 1000);
    if (gr_buf_err(b) == GR_OK)
        gr_buf_cut(b, at + DATE_BYTES); /* without the time of day */
}

int64_t
clock_today(void)
{
    int64_t now = (int64_t)time(NULL);

    return now > 0 ? now - now % CLOCK_DAY_S : 0;
}
