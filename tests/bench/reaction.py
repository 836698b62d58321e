#!/usr/bin/python3
"""From the receipt of a hard alert to the first step of its rollback, in a guardraild that runs: reaction.py BASE-URL ADMIN-SOCKET STAMPS LOAD BODY N

Starts 3 N releases (streams cluster=s0 …), then posts one hard alert for each: N one after the other while nothing else happens, N while LOAD posts
BODY (a repeat) over eight connections as fast as it is answered, and N in threes at once. Prints a line each: milliseconds from the moment before the
request is sent to the moment at which the program of the first step runs (by the clock in STAMPS), and how many were missing. Exit status 1 if
any is missing."""
import datetime
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True  # nothing is written below the source
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import client


def hard(i):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return client.notification("hard", "d%d" % i, "s%d" % i, now)


def stamps(path):
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return {name: int(at) for name, at in (line.split() for line in f if line.endswith("\n"))}


def measure(name, base, path, first, n, together):
    connections = [http.client.HTTPConnection(base.hostname, base.port, timeout=60) for _ in range(together)]
    for c in connections:
        c.connect()
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sent = {}
    for at in range(first, first + n, together):
        group = range(at, min(at + together, first + n))
        bodies = [json.dumps(hard(i)) for i in group]
        for c, i, body in zip(connections, group, bodies):
            sent["d%d" % i] = time.time_ns() // 1000
            c.request("POST", "/v1/alerts", body, {"Content-Type": "application/json"})
        for c in connections[:len(group)]:
            answer = c.getresponse()
            answer.read()
            if answer.status != 200:
                sys.exit("an alert was answered %d" % answer.status)
        until = time.monotonic() + 20
        while time.monotonic() < until and not all("d%d" % i in stamps(path) for i in group):
            time.sleep(0.002)
    seen = stamps(path)
    took = sorted((seen[d] - at) / 1000 for d, at in sent.items() if d in seen)
    missing = n - len(took)
    if took:
        print("%-28s %5d  median %7.1f  p99 %7.1f  max %7.1f ms%s" %
              (name, len(took), took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))], took[-1],
               ", %d are missing" % missing if missing else ""), flush=True)
    return missing


def main():
    base, admin, path, load, body, n = urllib.parse.urlparse(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5], int(sys.argv[6])
    client.start(admin, 3 * n, "bench")
    missing = measure("idle", base, path, 0, n, 1)
    repeats = subprocess.Popen([load, str(base.port), "/v1/alerts", body, "8", "600"], stdout=subprocess.DEVNULL)
    try:
        missing += measure("under a load of repeats", base, path, n, n, 1)
        if repeats.poll() is not None:
            sys.exit("the load of repeats has ended by itself: %d" % repeats.returncode)
    finally:
        repeats.terminate()
        repeats.wait()
    missing += measure("three at once", base, path, 2 * n, n, 3)
    sys.exit(1 if missing else 0)


main()
