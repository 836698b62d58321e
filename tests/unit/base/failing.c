#include "config.h"
#include "failing.h"

#include <cjson/cJSON.h>

#include "guardrail/sys.h"

static size_t countdown;
static bool stays, fired;

static void *
failing_realloc(void *p, size_t n)
{
    if (countdown > 0 && --countdown == 0) {
        fired = true;
        countdown = stays ? 1 : 0;
        return NULL;
    }
    return gr_sys_real.realloc(p, n);
}

static void *
hook_malloc(size_t n)
{
    return gr_sys.realloc(NULL, n ? n : 1);
}

static void
hook_free(void *p)
{
    if (p)
        gr_sys.free(p);
}

void
failing_start(size_t nth, bool on)
{
    cJSON_Hooks hooks = {.malloc_fn = hook_malloc, .free_fn = hook_free};

    countdown = nth;
    stays = on;
    fired = false;
    gr_sys.realloc = failing_realloc;
    cJSON_InitHooks(&hooks);
}

bool
failing_stop(void)
{
    gr_sys.realloc = gr_sys_real.realloc;
    cJSON_InitHooks(NULL);
    return fired;
}
