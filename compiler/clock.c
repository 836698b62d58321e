/* clock.c - dates and times for the command line and for waivers; base/ knows the calendar. */
#include "config.h"
#include "clock.h"

#include <time.h>

#include "guardrail/duration.h"

enum gr_err
clock_date(struct gr_str text, int64_t *s)
{
    struct gr_buf b = GR_BUF_INIT(40);
    int64_t ms = 0;
    enum gr_err err = text.n == 10 ? GR_OK : GR_ESYNTAX;

    if (err == GR_OK) {
        gr_buf_put(&b, text);
        gr_buf_puts(&b, "T00:00:00Z");
        err = gr_buf_err(&b) != GR_OK ? GR_ENOMEM : gr_time_parse(gr_buf_str(&b), &ms);
    }
    gr_buf_fini(&b);
    if (err == GR_OK && ms < 0)
        err = GR_ERANGE;
    if (err == GR_OK)
        *s = ms / 1000;
    return err;
}

enum gr_err
clock_time(struct gr_str text, int64_t *s)
{
    int64_t ms = 0;
    enum gr_err err;

    if (text.n == 10)
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
        gr_buf_cut(b, at + 10); /* without the time of day */
}

int64_t
clock_today(void)
{
    int64_t now = (int64_t)time(NULL);

    return now > 0 ? now - now % CLOCK_DAY_S : 0;
}
