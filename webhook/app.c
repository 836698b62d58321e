#include "config.h"
#include "app.h"

#include <time.h>
#include "auditor.h"
#include "engine.h"
#include "recorder.h"

int64_t
app_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
app_boot_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts); /* cannot fail with this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
app_blind(const struct app *app)
{
    return watchdog_blind(&app->watchdog, app_boot_ms());
}

bool
app_acts(const struct app *app)
{
    return app->conf->mode == MODE_AUTO || app->conf->mode == MODE_CONFIRM;
}

void
app_wake(struct app *app)
{
    if (app->engine)
        engine_wake(app->engine);
    if (app->recorder)
        recorder_wake(app->recorder);
    if (app->auditor)
        auditor_wake(app->auditor);
}
