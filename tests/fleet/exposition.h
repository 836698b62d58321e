/* exposition.h - what the fleet answers: its metrics in Prometheus' text format, and its state as JSON.
 *
 * Text format 0.0.4: HELP, TYPE, then the series, each metric in one piece, in a fixed order. Hidden series
 * are left out, and with the last of them the metric's HELP and TYPE. Both only read the world; the buffer's
 * error sticks. */
#ifndef FLEET_EXPOSITION_H
#define FLEET_EXPOSITION_H
#include "guardrail/buf.h"
#include "world.h"

#define EXPOSITION_BYTES_MAX ((size_t)1 << 20)
#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

void exposition_write(struct gr_buf *b, const struct world *w);
/* {"seed":1,"rps":400,"simulated_seconds":12.5,"shares":{"XNAS":{"market_making":0.01,"agency":0.005},…},
 *  "faults":["error_rate x2 venue=XNAS",…]} and a newline. */
void state_write(struct gr_buf *b, const struct world *w);
#endif
