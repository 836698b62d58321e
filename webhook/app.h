/* app.h - what the daemon's parts share. Built in main before threads start, torn down after they ended; the
 * pointers do not change. */
#ifndef GUARDRAIL_WEBHOOK_APP_H
#define GUARDRAIL_WEBHOOK_APP_H
#include <stdatomic.h>
#include "conf.h"
#include "log.h"
#include "policies.h"
#include "store.h"
#include "watchdog.h"

struct metrics;
struct checks;
struct engine;
struct recorder;
struct auditor;
struct board_cache;
struct app {
    const struct conf *conf;
    struct log *log;
    struct store *store;
    const struct policies *policies;
    struct metrics *metrics;
    struct engine *engine;     /* NULL in tests of the intake alone */
    struct recorder *recorder; /* NULL likewise */
    struct checks *checks;     /* NULL likewise */
    struct auditor *auditor;   /* NULL likewise */
    struct board_cache *board; /* NULL likewise: pages show none */
    int64_t started_ms;        /* Unix */
    struct watchdog watchdog;
    atomic_uint_fast64_t cancels; /* grows when a rollback is to end in the middle of a step */
    atomic_bool draining;         /* new work is refused with 503 */
    atomic_bool policy_stale;     /* a new policy is wrong, the old one is used */
    atomic_bool config_stale; /* the configuration's file is wrong, or says what only a restart takes over */
    atomic_bool credentials_stale;     /* new files are wrong, the old ones are used */
    atomic_int_fast64_t tls_expires_s; /* of the own certificate, Unix; 0: no TLS */
};
/* Unix milliseconds. The one place where the wall clock is read for decisions. */
int64_t app_now_ms(void);
/* Mode auto or confirm: effects are carried out. */
bool app_acts(const struct app *app);
/* There may be something to carry out or to write down. Any thread. */
void app_wake(struct app *app);
/* A clock that nobody sets, in milliseconds; runs on while the machine sleeps. For watchdog.h. */
int64_t app_boot_ms(void);
/* The watchdog is silent, now. */
bool app_blind(const struct app *app);
#endif
