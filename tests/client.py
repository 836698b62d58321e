"""client.py - what the tests in Python share that talk to a guardraild: a connection to its admin socket, releases that run, and
notifications as Alertmanager writes them, by the policy in tests/unit/webhook."""
import http.client
import json
import socket
import sys

NEVER = "0001-01-01T00:00:00Z"


class Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def start(path, n, by):
    """n releases, dI in the stream cluster=sI, past their gates into phase_1."""
    connection = Unix(path)
    for i in range(n):
        who = {"by": by, "reason": "a test", "commander": by}
        status = ask(connection, "/v1/releases", {"stream": {"cluster": "s%d" % i}, "deployment_id": "d%d" % i, **who})
        if status >= 300 or ask(connection, "/v1/releases/d%d/override" % i, who) >= 300:
            sys.exit("release d%d does not start: %d" % (i, status))


def notification(level, deployment, cluster, begins, ends=NEVER, venue="XNAS", summary="error rate", key="{}:{}", alertmanager="am"):
    """Of one breach, hard or soft; one that has ended is resolved."""
    status = "firing" if ends == NEVER else "resolved"
    labels = {"alertname": "Guardrail%sBreach" % level.title(), "level": level, "side": "upper", "deployment_id": deployment, "phase": "phase_1",
              "spec": "demo", "cluster": cluster, "guardrail": "error_rate", "group": "core", "venue": venue, "flow": "making"}
    alert = {"status": status, "labels": labels, "annotations": {"summary": summary, "description": "0.4 against 0.1"}, "startsAt": begins,
             "endsAt": ends, "generatorURL": "http://p/", "fingerprint": "0123456789abcdef"}
    return {"version": "4", "groupKey": key, "truncatedAlerts": 0, "status": status, "receiver": "guardraild", "groupLabels": {}, "commonLabels": {},
            "commonAnnotations": {}, "externalURL": "http://%s/" % alertmanager, "alerts": [alert]}
