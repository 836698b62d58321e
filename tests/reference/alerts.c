/* alerts.c - see alerts.h. The states follow Prometheus' AlertingRule.Eval (rules/alerting.go, 2.42). */
#include "config.h"
#include "alerts.h"

#include <stdlib.h>

#define PAIRS_MAX 32u

static int
by_name(const void *a, const void *b)
{
    return gr_str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

struct gr_str
reading_key(struct gr_arena *a, const char *name, const struct judged *j, const struct pair *more,
            size_t n_more)
{
    struct pair all[PAIRS_MAX];
    struct gr_buf b = GR_BUF_INIT(4096);
    struct gr_str out;
    size_t n = 0;

    GR_ASSERT(j->labels.n + n_more + 3 <= PAIRS_MAX);
    for (size_t i = 0; i < j->labels.n; i++)
        all[n++] = j->labels.v[i];
    all[n++] = (struct pair){GR_STR("deployment_id"), j->deployment};
    all[n++] = (struct pair){GR_STR("guardrail"), j->g->name};
    all[n++] = (struct pair){GR_STR("phase"), j->phase};
    for (size_t i = 0; i < n_more; i++)
        all[n++] = more[i];
    qsort(all, n, sizeof *all, by_name);
    gr_buf_printf(&b, "%s{", name);
    for (size_t i = 0; i < n; i++)
        gr_buf_printf(&b, "%s" GR_FMT "=" GR_FMT, i ? "," : "", GR_ARG(all[i].key), GR_ARG(all[i].value));
    gr_buf_puts(&b, "}");
    out = gr_arena_dup(a, gr_buf_str(&b));
    gr_buf_fini(&b);
    return out;
}

/* Notes that an alert's expression holds now. */
static bool
alert_see(struct gr_arena *a, struct alerts *all, const struct alert *now, int64_t t_ms)
{
    struct alert *one = NULL;

    for (size_t i = 0; i < all->n && !one; i++)
        if (gr_str_eq(all->v[i].key, now->key))
            one = &all->v[i];
    if (!one) {
        if (all->n == all->cap) {
            struct alert *grown = gr_arena_grow(a, all->v, all->n, &all->cap, sizeof *grown);

            if (!grown)
                return false;
            all->v = grown;
        }
        one = &all->v[all->n++];
        *one = *now;
    }
    if (!one->pending && !one->firing) {
        one->pending = true;
        one->since_ms = t_ms;
    }
    one->seen = true;
    return now->key.p != NULL;
}

static bool
alerts_see(struct gr_arena *a, struct alerts *all, const struct judged *j, int64_t t_ms, int64_t sampling_ms)
{
    static const char *const names[] = {"GuardrailHardBreach", "GuardrailSoftBreach"};
    static const char *const levels[] = {"hard", "soft"};
    bool ok = true;

    for (unsigned level = LEVEL_HARD; level <= LEVEL_SOFT; level++)
        for (unsigned side = 0; ok && side <= SIDE_BACKSTOP_LOWER; side++) {
            struct pair more[] = {{GR_STR("alertname"), gr_str(names[level])},
                                  {GR_STR("level"), gr_str(levels[level])},
                                  {GR_STR("side"), gr_str(side_names[side])}};
            struct alert now = {.keep_ms = level == LEVEL_SOFT ? 2 * sampling_ms : 0};

            if (!(j->supported & LEVEL_SIDE(level, side)))
                continue;
            now.key = reading_key(a, "ALERTS", j, more, GR_COUNT(more));
            ok = alert_see(a, all, &now, t_ms);
        }
    if (ok && (j->reason == REASON_MISSING || j->reason == REASON_NO_CONTROL ||
               j->reason == REASON_TRAFFIC_SHARE)) {
        struct pair more[] = {{GR_STR("alertname"), GR_STR("GuardrailNoData")},
                              {GR_STR("level"), GR_STR("no_data")},
                              {GR_STR("reason"), gr_str(reason_names[j->reason])}};
        struct alert now = {.hold_ms = 2 * sampling_ms,
                            .key = reading_key(a, "ALERTS", j, more, GR_COUNT(more))};

        ok = alert_see(a, all, &now, t_ms);
    }
    return ok;
}

bool
alerts_step(struct gr_arena *a, struct alerts *all, const struct evaluation *e, int64_t t_ms,
            int64_t sampling_ms, struct readings *out)
{
    for (size_t i = 0; i < all->n; i++)
        all->v[i].seen = false;
    for (size_t i = 0; i < e->n; i++)
        if (!alerts_see(a, all, &e->v[i], t_ms, sampling_ms))
            return false;
    for (size_t i = 0; i < all->n; i++) {
        struct alert *one = &all->v[i];

        if (one->seen) {
            one->kept = false;
            if (one->pending && t_ms - one->since_ms >= one->hold_ms) {
                one->pending = false;
                one->firing = true;
            }
        } else {
            if (one->firing && !one->kept) {
                one->kept = true;
                one->kept_ms = t_ms;
            }
            one->pending = false;
            one->firing = one->firing && t_ms - one->kept_ms < one->keep_ms;
        }
        if (one->firing && !readings_add(a, out, one->key, 1))
            return false;
    }
    return true;
}
