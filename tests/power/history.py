#!/usr/bin/env python3
"""Four hours of what tests/golden/power/kinds.yml measures, as OpenMetrics for promtool tsdb create-blocks-from.

    history.py END_UNIX_SECONDS >history.om

Known by construction: 40 requests a second in each flow of zone a, 20 in zone b; the canary has 10 % of them, control half of the rest; 2 % of requests
fail, with a variance of three times their mean in each slot; 85 % of orders are filled, a fifth of them gold; one order for two requests; the
95th percentile of no histogram (there is none in this history); gauges whose difference has a standard deviation of 4 and a tenth, from
independent draws; the ratio of cache hits is there in the canary alone."""
import math
import random
import sys

STEP, HOURS, SLOT = 15, 4, 60
random.seed(1)
end = int(sys.argv[1]) - 7  # scrapes never fall on the second of an evaluation
times = range(end - HOURS * 3600, end + 1, STEP)


def family(name, kind, series, out):
    """series: {labels: [value at each time]}"""
    out.append('# TYPE %s %s' % (name, kind))
    suffix = '_total' if kind == 'counter' else ''
    for labels, values in series.items():
        text = ','.join('%s="%s"' % pair for pair in labels)
        for t, v in zip(times, values):
            out.append('%s%s{%s} %.9g %d' % (name, suffix, text, v, t))


def counter(increments):
    total, values = 0, []
    for v in increments:
        total += v
        values.append(total)
    return values


def gamma_poisson(mean, factor):
    """A count with the variance factor * mean (negative binomial), normal in the large: only moments matter here."""
    lam = random.gammavariate(mean / (factor - 1), factor - 1)
    limit, n, p = math.exp(-lam), 0, 1.0
    while True:
        p *= random.random()
        if p <= limit:
            return n
        n += 1


def by_slot(mean_per_slot, factor):
    """Increments of each scrape whose sums over slots are over-dispersed: all of a slot comes with one scrape."""
    values = []
    for i, _ in enumerate(times):
        values.append(gamma_poisson(mean_per_slot, factor) if i % (SLOT // STEP) == 0 else 0)
    return values


out, zones, flows = [], {'a': 40.0, 'b': 20.0}, ('web', 'batch')
tracks = {'canary': 0.1, 'stable': 0.45, 'rest': 0.45}
requests, errors, orders, filled = {}, {}, {}, {}
for zone, rate in zones.items():
    for flow in flows:
        for track, share in tracks.items():
            labels = (('region', 'eu'), ('zone', zone), ('flow', flow), ('track', track))
            per_step = rate * share * STEP
            requests[labels] = counter([per_step] * len(times))
            errors[labels] = counter(by_slot(0.02 * rate * share * SLOT, 3))
            for tier, part in (('gold', 0.2), ('silver', 0.8)):
                orders[labels + (('tier', tier),)] = counter([per_step / 2 * part] * len(times))
                filled[labels + (('tier', tier),)] = counter([per_step / 2 * part * 0.85] * len(times))
family('requests', 'counter', requests, out)
family('errors', 'counter', errors, out)
family('orders', 'counter', orders, out)
family('filled', 'counter', filled, out)
queue, hits = {}, {}
for zone in zones:
    for flow in flows:
        base = (('region', 'eu'), ('zone', zone), ('flow', flow))
        tide = [100 + 50 * math.sin(t / 1800) for t in times]
        noise = [random.gauss(0, 4) for _ in times]
        slots = [noise[i - i % (SLOT // STEP)] for i in range(len(noise))]
        queue[base + (('track', 'stable'),)] = tide
        queue[base + (('track', 'canary'),)] = [a + b for a, b in zip(tide, slots)]
        hits[base + (('track', 'canary'),)] = [0.9] * len(times)
family('queue_length', 'gauge', queue, out)
family('cache_hit_ratio', 'gauge', hits, out)
out.append('# EOF')
print('\n'.join(out))
