#!/usr/bin/python3
"""Posts what a storm looks like: three Alertmanager replicas, each notifying five times about each of N broken deployments, at once, in orders of
their own, with resolves in between, startsAt moved and groupKey changed as replicas and restarts do.

    storm.py BASE-URL ADMIN-SOCKET N [--start]     starts N releases (streams cluster=s0 …) in phase_1 first, with --start
Prints how many requests there were and how they were answered. Exit status 1 if one was not answered 200."""
import collections
import datetime
import http.client
import os
import random
import sys
import threading
import urllib.parse

sys.dont_write_bytecode = True  # nothing is written below the source
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import client

REPLICAS, REPEATS = 3, 5


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (when.microsecond // 1000)


def notification(rng, replica, i, now, resolved):
    begin = now - datetime.timedelta(seconds=rng.uniform(0, 40))
    key = '{}/{level="hard"}/%d:{deployment_id="d%d"}' % (rng.randrange(3), i)
    return client.notification("hard", "d%d" % i, "s%d" % i, stamp(begin), stamp(now) if resolved else client.NEVER,
                               summary="error rate of replica %d" % replica, key=key, alertmanager="am%d" % replica)


def replica_main(base, replica, n, answers, lock):
    rng = random.Random(replica)
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
    for repeat in range(REPEATS):
        order = list(range(n))
        rng.shuffle(order)
        for i in order:
            now = datetime.datetime.utcnow()
            bodies = [notification(rng, replica, i, now, False)]
            if rng.random() < 0.5:
                bodies.insert(rng.randrange(2) if repeat else 1, notification(rng, replica, i, now, True))
            for body in bodies:
                status = client.ask(connection, "/v1/alerts", body)
                with lock:
                    answers[status] += 1


def main():
    base, admin, n = urllib.parse.urlparse(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    answers, lock = collections.Counter(), threading.Lock()
    if "--start" in sys.argv:
        client.start(admin, n, "storm")
    threads = [threading.Thread(target=replica_main, args=(base, r, n, answers, lock)) for r in range(REPLICAS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("%d notifications: %s" % (sum(answers.values()), dict(answers)))
    sys.exit(0 if set(answers) == {200} and sum(answers.values()) >= REPLICAS * REPEATS * n else 1)


main()
