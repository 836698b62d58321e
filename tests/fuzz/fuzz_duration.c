/* fuzz_duration.c - any bytes as a duration and as a time: what is printed reads back as the same. */
#include "config.h"
#include "fuzz.h"

#include "guardrail/duration.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};
    struct gr_buf b = GR_BUF_INIT(100);
    int64_t ms, again;

    if (gr_duration_parse(text, &ms) == GR_OK) {
        GR_ASSERT(ms > 0 && ms <= GR_DURATION_MS_MAX);
        gr_duration_print(&b, ms);
        GR_ASSERT(gr_duration_parse(gr_buf_str(&b), &again) == GR_OK && again == ms);
    }
    gr_buf_reset(&b);
    if (gr_time_parse(text, &ms) == GR_OK) {
        gr_time_print(&b, ms);
        GR_ASSERT(gr_time_parse(gr_buf_str(&b), &again) == GR_OK);
        GR_ASSERT(again % 1000 == 0 &&
                  (ms < 0 || again > INT64_C(253402300798000) || again == ms - ms % 1000));
    }
    gr_buf_fini(&b);
    return 0;
}
