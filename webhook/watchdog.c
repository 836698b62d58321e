#include "config.h"
#include "watchdog.h"

void
watchdog_init(struct watchdog *w, int64_t boot_ms, bool outage)
{
    atomic_store(&w->heard_ms, boot_ms);
    atomic_store(&w->steady_ms, boot_ms);
    atomic_store(&w->unix_ms, 0);
    atomic_store(&w->outage, outage);
}

static bool
silent(const struct watchdog *w, int64_t boot_ms)
{
    return boot_ms - atomic_load(&w->heard_ms) > WATCHDOG_SILENCE_MS;
}

void
watchdog_beat(struct watchdog *w, int64_t boot_ms, int64_t unix_ms)
{
    if (silent(w, boot_ms) || atomic_load(&w->unix_ms) == 0)
        atomic_store(&w->steady_ms, boot_ms);
    atomic_store(&w->heard_ms, boot_ms);
    atomic_store(&w->unix_ms, unix_ms);
}

bool
watchdog_blind(const struct watchdog *w, int64_t boot_ms)
{
    return silent(w, boot_ms) || (atomic_load(&w->outage) && atomic_load(&w->unix_ms) == 0);
}

enum watchdog_news
watchdog_look(const struct watchdog *w, int64_t boot_ms)
{
    bool is_silent = silent(w, boot_ms);

    if (!atomic_load(&w->outage))
        return is_silent ? WATCHDOG_OUTAGE : WATCHDOG_NOTHING;
    if (is_silent || atomic_load(&w->unix_ms) == 0)
        return WATCHDOG_NOTHING;
    return atomic_load(&w->heard_ms) - atomic_load(&w->steady_ms) >= WATCHDOG_SILENCE_MS ? WATCHDOG_OVER
                                                                                         : WATCHDOG_NOTHING;
}

void
watchdog_told(struct watchdog *w, enum watchdog_news news)
{
    if (news != WATCHDOG_NOTHING)
        atomic_store(&w->outage, news == WATCHDOG_OUTAGE);
}
