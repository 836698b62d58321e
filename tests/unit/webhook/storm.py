#!/usr/bin/python3
"""Posts what a storm looks like: three Alertmanager replicas, each notifying five times about each of N broken deployments, at once, in orders of
their own, with resolves in between, startsAt moved and groupKey changed as replicas and restarts do.

    storm.py BASE-URL ADMIN-SOCKET N [--start]     starts N releases (streams cluster=s0 …) in phase_1 first, with --start
Prints how many requests there were and how they were answered. Exit status 1 if one was not answered 200."""
import collections
import datetime
import http.client
import json
import random
import socket
import sys
import threading
import urllib.parse

REPLICAS, REPEATS = 3, 5


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("x", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def ask(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def start(path, n):
    connection = Unix(path)
    for i in range(n):
        who = {"by": "storm", "reason": "a test", "commander": "storm"}
        status = ask(connection, "/v1/releases", {"stream": {"cluster": "s%d" % i}, "deployment_id": "d%d" % i, **who})
        if status >= 300 or ask(connection, "/v1/releases/d%d/override" % i, who) >= 300:
            sys.exit("release d%d does not start: %d" % (i, status))


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (when.microsecond // 1000)


def notification(rng, replica, i, repeat, now, resolved):
    begin = now - datetime.timedelta(seconds=rng.uniform(0, 40))
    labels = {"alertname": "GuardrailHardBreach", "level": "hard", "side": "upper", "deployment_id": "d%d" % i, "phase": "phase_1", "spec": "demo",
              "cluster": "s%d" % i, "guardrail": "error_rate", "group": "core", "venue": "XNAS", "flow": "making"}
    alert = {"status": "resolved" if resolved else "firing", "labels": labels, "annotations": {"summary": "error rate of replica %d" % replica},
             "startsAt": stamp(begin), "endsAt": stamp(now) if resolved else "0001-01-01T00:00:00Z", "generatorURL": "http://p/",
             "fingerprint": "%016x" % i}
    key = '{}/{level="hard"}/%d:{deployment_id="d%d"}' % (rng.randrange(3), i)
    return {"version": "4", "groupKey": key, "truncatedAlerts": 0, "status": alert["status"], "receiver": "guardraild", "groupLabels": {},
            "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am%d/" % replica, "alerts": [alert]}


def replica_main(base, replica, n, answers, lock):
    rng = random.Random(replica)
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
    for repeat in range(REPEATS):
        order = list(range(n))
        rng.shuffle(order)
        for i in order:
            now = datetime.datetime.utcnow()
            bodies = [notification(rng, replica, i, repeat, now, False)]
            if rng.random() < 0.5:
                bodies.insert(rng.randrange(2) if repeat else 1, notification(rng, replica, i, repeat, now, True))
            for body in bodies:
                status = ask(connection, "/v1/alerts", body)
                with lock:
                    answers[status] += 1


def main():
    base, admin, n = urllib.parse.urlparse(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    answers, lock = collections.Counter(), threading.Lock()
    if "--start" in sys.argv:
        start(admin, n)
    threads = [threading.Thread(target=replica_main, args=(base, r, n, answers, lock)) for r in range(REPLICAS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("%d notifications: %s" % (sum(answers.values()), dict(answers)))
    sys.exit(0 if set(answers) == {200} and sum(answers.values()) >= REPLICAS * REPEATS * n else 1)


main()
