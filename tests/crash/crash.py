#!/usr/bin/python3
"""Kills guardraild with SIGKILL and checks, by ledgers that it does not write, that nothing acknowledged is lost and nothing done twice.

  crash.py points [--every K] [--jobs N]    guardraild-fault (faultpoints.c) dies at every K-th of the points of a whole release:
                                            start, phases, soft alert, message, hard alert, rollback with a step of each class,
                                            records, seal
  crash.py random [--rounds N] [--jobs N]   guardraild is killed at a random moment under load, again and again (guardraild-fault
                                            with no point armed: each round needs a clock two hours on)

  crash.py restart [--effects N]            guardraild starts on a store with N effects that wait: time until it is ready, memory,
                                            and whether they are taken in their order

  crash.py retention [--effects N]          N old requests of 7 kB are deleted while alerts come in: how long those wait (90 s; not
                                            part of any other run)

The ledgers: what the programs of the rollback noted when they began and ended, what the stand-ins for Slack and PagerDuty
received, and which requests were answered with 200. Wanted:
  every alert that was answered with 200 is in the store, once, and had its effect;
  a step that is neither idempotent nor has a probe ran at most once; one with a probe took effect at most once;
  a step of unknown outcome halted the release, and a person was paged;
  every rollback came to an end, and the records of all decisions are written.
Needs GR_SRCDIR and GR_BUILDDIR; works below GR_BUILDDIR; a failure keeps its folder."""

import argparse
import collections
import hashlib
import http.client
import http.server
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # nothing is written below the source
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import client

SRC = os.environ["GR_SRCDIR"]
BUILD = os.environ["GR_BUILDDIR"]
KINDS = ["write", "truncate", "sync", "rename", "unlink", "send", "fork", "exec"]
STUCK_S = 60
DOWN = (OSError, http.client.HTTPException, json.JSONDecodeError)


class Failure(Exception):
    pass


class Standin(http.server.ThreadingHTTPServer):
    """Prometheus without data, Slack and PagerDuty that take everything."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        self.slack, self.pagerduty = [], []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the daemon was killed in the middle of asking


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        status, answer = 200, "ok"
        if self.path.startswith("/slack"):
            self.server.slack.append(body)
        elif self.path.startswith("/pagerduty"):
            self.server.pagerduty.append(body)
            status = 202
        else:
            answer = '{"status":"success","data":{"resultType":"vector","result":[]}}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


# Notes that it begins, and that it is done: that note is its effect, and what the probe asks for. $1 is the deployment.
PROGRAM = """#!/bin/sh
{first}
echo "begin {name} $1" >>"{dir}/ran"
{then}
echo "end {name} $1" >>"{dir}/ran"
"""
PROBE = """#!/bin/sh
grep -q "^end freeze $1\$" "{dir}/ran" && exit 0
exit 1
"""


class World:
    """A folder with a daemon, its configuration and the ledgers."""

    def __init__(self, binary, reserve="0"):
        self.binary, self.proc, self.port = binary, None, None
        self.dir = tempfile.mkdtemp(prefix="crash.", dir=BUILD)
        self.standin = Standin()
        self.kills, self.ahead, self.at = 0, 0, 0
        self.lock = threading.RLock()
        for name in ("actions/bin", "secrets", "reports"):
            os.makedirs(f"{self.dir}/{name}")
        # One that does not let itself be stopped outlives the daemon: its successor must wait, or it asks the probe too early.
        for name, first, then in (("freeze", "trap '' TERM", "sleep 0.1"), ("drain", ":", ":"), ("redeploy", ":", ":")):
            self.write(f"actions/bin/{name}", PROGRAM.format(name=name, dir=self.dir, first=first, then=then), 0o755)
        self.write("actions/bin/frozen", PROBE.format(dir=self.dir), 0o755)
        self.write("ran", "")
        here = f"http://127.0.0.1:{self.standin.server_port}"
        self.write("secrets/slack.url", f"{here}/slack\n", 0o600)
        for name in ("pagerduty", "commander"):
            self.write(f"secrets/{name}.key", "0123456789abcdef0123456789abcdef\n", 0o600)
        self.write("policy.json", json.dumps(policy()))
        self.write("guardraild.yml", f"""listen: 127.0.0.1:0
admin_socket: admin.sock
store: sqlite:store.db
store_reserve: {reserve}
policy: policy.json
secrets_dir: secrets
actions_dir: actions
reports_dir: reports
prometheus_url: {here}
mode: auto
targets: {{pagerduty_url: "{here}/pagerduty", allow_http: true}}
""")
        self.write("points", "\0" * 8 * (2 + len(KINDS)))

    def write(self, name, text, mode=0o644):
        with open(f"{self.dir}/{name}", "w") as f:
            f.write(text)
        os.chmod(f"{self.dir}/{name}", mode)

    def ran(self, what, deployment):
        with open(f"{self.dir}/ran") as f:
            return sum(1 for line in f if line.split()[:3] == what.split() + [deployment])

    def points(self):
        with open(f"{self.dir}/points", "rb") as f:
            n = struct.unpack(f"{2 + len(KINDS)}Q", f.read(8 * (2 + len(KINDS))))
        return {"points": n[0], "hit": KINDS[n[1] - 1] if n[1] else None, **dict(zip(KINDS, n[2:]))}

    # ---- the daemon ----

    def start(self):
        """Until it listens, however often it dies on the way."""
        until = time.monotonic() + STUCK_S
        while time.monotonic() < until:
            if os.path.exists(f"{self.dir}/port"):
                os.unlink(f"{self.dir}/port")
            env = dict(os.environ, GR_FAULT_FILE=f"{self.dir}/points", GR_FAULT_AT=str(self.at),
                       GR_FAULT_CLOCK=str(self.ahead))
            with open(f"{self.dir}/log", "ab") as log:
                self.proc = subprocess.Popen([self.binary, "--config", f"{self.dir}/guardraild.yml", "--port-file",
                                              f"{self.dir}/port"], stderr=log, env=env, start_new_session=True)
            while self.proc.poll() is None:
                try:
                    with open(f"{self.dir}/port") as f:
                        self.port = int(f.read())
                    return
                except (OSError, ValueError):
                    time.sleep(0.005)
            self.died()
        raise Failure("it does not start: " + self.tail())

    def died(self):
        if self.proc.returncode != -signal.SIGKILL:
            raise Failure(f"it ended by itself with {self.proc.returncode}: " + self.tail())
        self.kills += 1
        self.at = 0

    def alive(self):
        """Starts it again, as a service manager would, if it was killed."""
        with self.lock:
            if self.proc is None:
                self.start()
            elif self.proc.poll() is not None:
                self.died()
                self.start()

    def kill(self, group):
        try:
            (os.killpg if group else os.kill)(self.proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.proc.wait()

    def stop(self):
        """Asked to end; it may die on the way, and is then started and asked again."""
        while True:
            self.alive()
            self.proc.send_signal(signal.SIGTERM)
            try:
                if self.proc.wait(STUCK_S) == 0:
                    self.proc = None
                    return
            except subprocess.TimeoutExpired:
                raise Failure("it does not end")

    def tail(self):
        with open(f"{self.dir}/log") as f:
            return "".join(f.readlines()[-5:])

    def remove(self):
        if self.proc and self.proc.poll() is None:
            self.kill(True)
        self.standin.shutdown()
        self.standin.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- asking it ----

    def ask(self, connection, method, path, body=None):
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def admin(self, method, path, body=None):
        return self.ask(client.Unix(f"{self.dir}/admin.sock", 20), method, path, json.dumps(body) if body else None)

    def insist(self, what, attempt, seconds=STUCK_S):
        """attempt() until it is true; the daemon is brought back as often as it dies."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.alive()
            try:
                if attempt():
                    return
            except DOWN:
                pass
            time.sleep(0.01)
        raise Failure(f"stuck for {seconds} s: {what}")

    def alert(self, body):
        """As Alertmanager: again until it is 200. What was answered with 200 is not sent again."""
        self.insist("an alert is not accepted", lambda: self.post(body) == 200)

    def post(self, body):
        return self.ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20), "POST", "/v1/alerts", body)[0]

    def release(self, deployment):
        status, answer = self.admin("GET", f"/v1/releases/{deployment}")
        return answer if status == 200 else None

    def begin(self, stream, deployment):
        def attempt():
            if self.release(deployment):
                return True
            return self.admin("POST", "/v1/releases", {"stream": {"cluster": stream}, "deployment_id": deployment,
                                                       "by": "tester", "reason": "x"})[0] == 201
        self.insist(f"{deployment} does not start", attempt)

    def advance(self, deployment, phase):
        def attempt():
            r = self.release(deployment)["release"]
            if r["phase"] == phase or r["state"] not in ("running",):
                return True
            self.admin("POST", f"/v1/releases/{deployment}/override", {"by": "tester", "reason": "x", "commander": "tester"})
            return False
        self.insist(f"{deployment} does not advance", attempt)

    def ends_as(self, deployment, states):
        self.insist(f"{deployment} does not become {' or '.join(states)}",
                    lambda: self.release(deployment)["release"]["state"] in states)

    def query(self, sql):
        db = sqlite3.connect(f"{self.dir}/store.db")
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    # ---- judging ----

    def judge_rollback(self, deployment, expected=True):
        """expected: a hard alert was acknowledged."""
        if self.ran("begin drain", deployment) > 1:
            raise Failure(f"{deployment}: drain ran twice")
        if self.ran("end freeze", deployment) > 1:
            raise Failure(f"{deployment}: freeze took effect twice")
        effects = self.query(f"SELECT id, state FROM effect WHERE kind = 'rollback' AND deployment_id = '{deployment}'")
        if len(effects) != (1 if expected else len(effects)):
            raise Failure(f"{deployment}: {len(effects)} rollbacks")
        state = self.query(f"SELECT state FROM release WHERE deployment_id = '{deployment}'")[0][0]
        for _, how in effects:
            if how == "done":
                for step in ("freeze", "drain", "redeploy"):
                    if self.ran(f"end {step}", deployment) < 1:
                        raise Failure(f"{deployment}: done, but {step} did not run")
                if state != "rolled_back":
                    raise Failure(f"{deployment}: done, but {state}")
            elif how == "ambiguous":
                if state not in ("halted", "aborted"):
                    raise Failure(f"{deployment}: ambiguous, but {state}")
                if not any(deployment in body and "nobody knows" in body for body in self.standin.pagerduty):
                    raise Failure(f"{deployment}: ambiguous, and nobody was paged")
            else:
                raise Failure(f"{deployment}: its rollback ended as {how}")
        return effects[0][1] if effects else None


def policy():
    with open(f"{SRC}/tests/unit/webhook/policy.json") as f:
        p = json.load(f)
    for phase in p["phases"]:
        if not phase["final"]:
            phase["min_duration_ms"] = 1
        phase["checks"] = phase["requires"] = []
    steps = p["actions"]["rollback"]["steps"]
    steps[0]["run"][0] = "bin/freeze"
    steps[0]["probe"][0] = "bin/frozen"
    steps[1]["run"][0] = "bin/drain"
    steps[2]["pipeline"] = [["bin/redeploy", "{deployment_id}"], ["bin/redeploy", "{deployment_id}"]]
    steps[3]["within_ms"] = 5000
    return p


def alert(level, deployment, cluster, venue="XNAS", ahead=0, status="firing"):
    now = time.time() + ahead
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000)
    return json.dumps(client.notification(level, deployment, cluster, stamp, client.NEVER if status == "firing" else stamp, venue))


def acknowledged(w, bodies):
    """Each is in the store, as it was sent."""
    there = {row[0] for row in w.query("SELECT sha256 FROM inbox")}
    lost = [b for b in bodies if hashlib.sha256(b.encode()).hexdigest() not in there]
    if lost:
        raise Failure(f"{len(lost)} acknowledged alerts are not in the store: {lost[0]}")


# ---- every point ----

def scenario(w):
    """The life of two releases, whatever happens to the daemon meanwhile."""
    sent = []

    def tell(*args, **more):
        sent.append(alert(*args, **more))
        w.alert(sent[-1])

    w.begin("equities", "d1")
    w.advance("d1", "phase_1")
    tell("hard", "d1", "equities")
    w.begin("crypto", "d2")
    w.advance("d2", "phase_1")
    tell("soft", "d2", "crypto", venue="BINANCE")
    tell("soft", "d2", "crypto", venue="BINANCE", status="resolved")
    w.ends_as("d1", ("rolled_back", "halted"))
    tell("hard", "d1", "equities")  # Alertmanager repeats itself
    w.advance("d2", "general")
    w.ends_as("d2", ("sealed",))
    w.insist("the soft breach does not reach Slack",
             lambda: any("d2" in body and "breach" in body.lower() for body in w.standin.slack), 30)
    w.insist("effects are left over", lambda: not any(
        e["state"] in ("ready", "retry", "running") for d in ("d1", "d2") for e in w.release(d)["effects"]), 30)
    w.stop()
    acknowledged(w, sent)
    how = w.judge_rollback("d1")
    until = time.monotonic() + STUCK_S
    while w.query("SELECT count(*) FROM record WHERE written_ms IS NULL")[0][0]:
        if time.monotonic() > until:
            raise Failure("a decision is not written down")
        w.alive()  # it was asked to end before it had caught up; the next start goes on
        w.insist("it is not ready", lambda: w.release("d1"))
        w.stop()
    for deployment in ("d1", "d2"):
        path = f"{w.dir}/reports/release_decisions/{deployment}.yaml"
        with open(path) as f:
            decisions = sum(1 for line in f if line.strip() == "---" or line.startswith("decision:"))
        if decisions == 0:
            raise Failure(f"{path} holds no decision")
    if os.stat(f"{w.dir}/reports/release_decisions/d2.yaml").st_mode & 0o222:
        raise Failure("the sealed record may be written to")
    return how


def at_point(n):
    w = World(f"{BUILD}/tests/crash/guardraild-fault")
    w.at = n
    try:
        how = scenario(w)
        points = w.points()
        twice = sum(1 for b in w.standin.slack if "d2" in b and "breach" in b.lower()) > 1
        w.remove()
        return points, how, twice
    except Exception as e:
        print(f"FAIL: point {n} ({w.points()}): {e}\nkept for a look: {w.dir}", flush=True)
        if w.proc and w.proc.poll() is None:
            w.kill(True)
        w.standin.shutdown()
        return None, None, False


def in_parallel(jobs, numbers, work, done):
    """work(n) for each number, done(n, result) under a lock; done says whether to go on."""
    lock, source = threading.Lock(), iter(numbers)
    state = {"go": True}

    def worker():
        while True:
            with lock:
                n = next(source, None) if state["go"] else None
            if n is None:
                return
            result = work(n)
            with lock:
                state["go"] = done(n, result) and state["go"]

    threads = [threading.Thread(target=worker) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def points(args):
    clean, _, _ = at_point(0)
    if clean is None:
        return 1
    print("points of one run: " + ", ".join(f"{k} {clean[k]}" for k in ["points"] + KINDS), flush=True)
    total = {"runs": 0, "hit": collections.Counter(), "how": collections.Counter(), "failed": 0, "twice": 0, "beyond": 0}
    start = time.monotonic()

    def done(n, result):
        p, how, twice = result
        total["runs"] += 1
        total["failed"] += p is None
        if p is not None:
            total["hit"][p["hit"]] += 1
            total["how"][how] += 1
            total["twice"] += twice
            total["beyond"] = total["beyond"] + 1 if p["hit"] is None else 0
        if total["runs"] % 50 == 0:
            print(f"{total['runs']} runs, at point {n}, {time.monotonic() - start:.0f} s", flush=True)
        return total["failed"] < 5 and total["beyond"] < 3 * args.jobs  # past the last point, whatever the threads did

    first = args.first if args.first else 1 + random.randrange(args.every)
    # Threads make no two runs alike: a fifth more than the first run had.
    in_parallel(args.jobs, range(first, clean["points"] * 6 // 5, args.every), at_point, done)
    killed = sum(v for k, v in total["hit"].items() if k)
    print(f"killed at {killed} points of {clean['points']} (every {args.every}): "
          + ", ".join(f"{k} {v}" for k, v in sorted(total["hit"].items(), key=str) if k))
    print("rollbacks: " + ", ".join(f"{k} {v}" for k, v in sorted(total["how"].items(), key=str))
          + f"; a message came twice in {total['twice']} runs")
    print(f"{total['failed']} failures in {total['runs']} runs, {time.monotonic() - start:.0f} s")
    return 1 if total["failed"] or killed == 0 else 0


# ---- at random, under load ----

def loader(w, deployment, cluster, worker, stop, acks, misses):
    """Soft breaches of ever new slices, as fast as they are answered, on one connection; each comes three times, in other words: the store knows the
    third for a repeat that changes nothing, and has to keep it all the same."""
    n, connection, body = 0, None, ""
    while not stop.is_set():
        venue = f"V{deployment}w{worker}n{n // 3}"
        if n % 3 == 0 or not body:
            body = alert("soft", deployment, cluster, venue=venue, ahead=w.ahead)
        body = re.sub('"fingerprint": "[^"]*"', f'"fingerprint": "{n:016x}"', body)
        n += 1
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", w.port, timeout=20)
            connection.request("POST", "/v1/alerts", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
            if answer.status == 200:
                acks.append((venue, body, said["effects"] > 0))
            else:
                misses.append(answer.status)
        except DOWN:
            connection = None
            misses.append(0)
            stop.wait(0.02)


def one_round(w, r, dice):
    deployment, cluster = f"d{r}", ("equities", "crypto")[r % 2]
    w.ahead += 2 * 3600  # a stream's next rollback, and the storm breaker, wait an hour
    w.alive()
    w.begin(cluster, deployment)
    w.advance(deployment, "phase_1")
    stop, acks, misses = threading.Event(), [], []
    threads = [threading.Thread(target=loader, args=(w, deployment, cluster, i, stop, acks, misses)) for i in range(3)]
    hard = alert("hard", deployment, cluster, ahead=w.ahead)
    for t in threads:
        t.start()
    time.sleep(dice.random() * 0.05)
    caller = threading.Thread(target=lambda: w.alert(hard))
    caller.start()
    time.sleep(dice.random() ** 2 * 0.6)
    with w.lock:
        w.kill(dice.random() < 0.5)
    stop.set()
    for t in threads + [caller]:
        t.join()
    w.ends_as(deployment, ("rolled_back", "halted"))
    if w.release(deployment)["release"]["state"] == "halted":
        w.insist(f"{deployment} cannot be aborted", lambda: w.admin(
            "POST", f"/v1/releases/{deployment}/abort", {"by": "tester", "reason": "x", "commander": "tester"})[0] in (200, 409))
    # So that each start has its own clock, and each round one real start after a real kill.
    with w.lock:
        w.kill(True)
    return deployment, [b for _, b, _ in acks] + [hard], [(v, e) for v, _, e in acks], len(misses)


def some_rounds(block, count, seed):
    """A store that lives through `count` kills under load, and as many at rest."""
    w = World(f"{BUILD}/tests/crash/guardraild-fault")  # for its clock; GR_FAULT_AT is 0
    dice = random.Random(seed * 1000003 + block)
    bodies, venues, deployments, misses = [], [], [], 0
    try:
        for r in range(count):
            deployment, b, v, m = one_round(w, block * 1000 + r, dice)
            deployments.append(deployment)
            bodies += b
            venues += v
            misses += m
        w.insist("effects of rollbacks are left over", lambda: not any(
            e["state"] in ("ready", "retry", "running") and e["kind"] in ("rollback", "page")
            for d in deployments for e in w.release(d)["effects"]))
        w.stop()
        acknowledged(w, bodies)
        told = collections.Counter(m for (p,) in w.query("SELECT payload FROM effect WHERE kind = 'notify'")
                                   for m in set(re.findall(r"Vd\d+w\d+n\d+", p)))
        # Once the release rolls back, a soft breach is kept as evidence and changes nothing: the answer says so.
        lost = [v for v, promised in venues if told[v] != 1 and (promised or told[v])]
        if lost:
            raise Failure(f"{len(lost)} acknowledged alerts have no effect, or two: {lost[0]}: {told[lost[0]]}")
        if not any(promised for _, promised in venues):
            raise Failure("no load")
        how = collections.Counter(w.judge_rollback(d) for d in deployments)
        kills = w.kills
        w.remove()
        return kills, len(bodies), misses, how
    except Exception as e:
        print(f"FAIL: block {block}, seed {seed}: {e!r}\nkept for a look: {w.dir}", flush=True)
        if w.proc and w.proc.poll() is None:
            w.kill(True)
        return None


def at_random(args):
    total = {"rounds": 0, "kills": 0, "acks": 0, "misses": 0, "failed": 0, "how": collections.Counter()}
    start = time.monotonic()
    size = min(25, args.rounds)
    blocks = (args.rounds + size - 1) // size

    def done(n, result):
        if result is None:
            total["failed"] += 1
            return total["failed"] < 3
        kills, acks, misses, how = result
        total["rounds"] += size
        total["kills"] += kills
        total["acks"] += acks
        total["misses"] += misses
        total["how"] += how
        print(f"{total['rounds']} rounds, {total['acks']} acknowledged, {time.monotonic() - start:.0f} s", flush=True)
        return args.seconds == 0 or time.monotonic() - start < args.seconds

    in_parallel(args.jobs, range(blocks), lambda n: some_rounds(n, size, args.seed), done)
    print(f"{total['rounds']} rounds under load, {total['kills']} kills; {total['acks']} alerts acknowledged, "
          f"{total['misses']} refused or cut off; rollbacks: "
          + ", ".join(f"{k} {v}" for k, v in sorted(total["how"].items(), key=str))
          + f"; {total['failed']} failures; {time.monotonic() - start:.0f} s; seed {args.seed}")
    return 1 if total["failed"] or total["rounds"] == 0 else 0


# ---- a long queue ----

def fill(w, count):
    """Messages to Slack, oldest first by id, as a store holds them after a long outage of Slack."""
    db = sqlite3.connect(f"{w.dir}/store.db")
    columns = [row[1] for row in db.execute("PRAGMA table_info(effect)")]
    seed = dict(zip(columns, db.execute("SELECT * FROM effect WHERE kind = 'notify'").fetchone()))
    seed.update(state="ready", attempts=0, not_before_ms=0, started_ms=None, done_ms=None)
    payload = json.loads(seed["payload"])
    rows = []
    for i in range(count):
        payload["summary"] = f"number {i} of the queue"
        rows.append([{**seed, "id": 1000 + i, "key": f"{seed['key']}|{i}", "payload": json.dumps(payload),
                      "created_ms": seed["created_ms"] + i}[c] for c in columns])
    db.executemany(f"INSERT INTO effect VALUES ({','.join('?' * len(columns))})", rows)
    db.commit()
    db.close()


def memory_kib(w, what):
    with open(f"/proc/{w.proc.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what))


def restart(args):
    w = World(f"{BUILD}/guardraild")
    try:
        w.begin("crypto", "d2")
        w.advance("d2", "phase_1")
        w.alert(alert("soft", "d2", "crypto", venue="BINANCE"))
        w.insist("the message is not sent", lambda: len(w.standin.slack) > 0)
        w.stop()
        fill(w, args.effects)
        times = []
        for _ in range(3):
            start = time.monotonic()
            w.start()
            w.insist("it is not ready", lambda: w.ask(http.client.HTTPConnection("127.0.0.1", w.port), "GET", "/readyz")[0] == 200)
            times.append(time.monotonic() - start)
            if len(times) < 3:
                w.kill(True)
        before = len(w.standin.slack)
        w.insist("nothing is sent", lambda: len(w.standin.slack) >= before + 3)
        start = time.monotonic()
        w.alert(alert("soft", "d2", "crypto", venue="KRAKEN"))
        accepted = time.monotonic() - start
        http.client.HTTPConnection("127.0.0.1", w.port).request("GET", "/metrics")
        numbers = [int(n) for body in w.standin.slack for n in re.findall(r"number (\d+) of the queue", body)]
        rss, peak, size = memory_kib(w, "VmRSS"), memory_kib(w, "VmHWM"), os.path.getsize(f"{w.dir}/store.db")
        firsts = [n for i, n in enumerate(numbers) if n not in numbers[:i]]
        w.kill(True)
        print(f"{args.effects} effects wait ({size >> 20} MiB of store): ready after "
              + ", ".join(f"{t:.2f}" for t in times) + f" s; an alert is accepted in {accepted * 1000:.0f} ms; "
              f"memory {rss >> 10} MiB, at most {peak >> 10} MiB; sent first: {firsts}")
        bad = firsts != list(range(len(firsts))) or len(firsts) < 3 or min(times) > 2 or peak > 64 << 10
        w.remove()
        return 1 if bad else 0
    except Exception as e:
        print(f"FAIL: {e!r}\nkept for a look: {w.dir}")
        w.kill(True)
        return 1


# ---- deleting old evidence ----

def retention(args):
    w = World(f"{BUILD}/guardraild")
    try:
        w.begin("crypto", "d2")
        w.advance("d2", "phase_1")
        w.stop()
        db = sqlite3.connect(f"{w.dir}/store.db")
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO inbox(rx_ms, source,"
                   " sha256, alerts, body) SELECT i, 'alerts', 'old', 1, zeroblob(6800) FROM n", (args.effects,))
        db.commit()
        db.close()
        w.start()
        start, quiet, busy, n, left = time.monotonic(), [], [], 0, args.effects
        connection = http.client.HTTPConnection("127.0.0.1", w.port, timeout=20)
        while time.monotonic() - start < 75:  # it looks for old requests once a minute
            began = time.monotonic()
            connection.request("POST", "/v1/alerts", alert("soft", "d2", "crypto", venue=f"V{n}"), {"Content-Type": "application/json"})
            if connection.getresponse().read() and n % 2 == 0:
                (busy if began - start > 60 else quiet).append(time.monotonic() - began)
            n += 1
            time.sleep(0.01)
        w.stop()
        left = w.query("SELECT count(*) FROM inbox WHERE sha256 = 'old'")[0][0]

        def of(times):
            times = sorted(times)
            return f"median {times[len(times) // 2] * 1000:.1f} ms, 99 % {times[len(times) * 99 // 100] * 1000:.1f} ms, " \
                   f"most {times[-1] * 1000:.1f} ms"
        print(f"{args.effects - left} of {args.effects} old requests deleted; an alert waits before: {of(quiet)}; meanwhile: {of(busy)}")
        w.remove()
        return 0 if left < args.effects else 1
    except Exception as e:
        print(f"FAIL: {e!r}\nkept for a look: {w.dir}")
        return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["points", "random", "restart", "retention"])
    parser.add_argument("--every", type=int, default=1, help="of the points")
    parser.add_argument("--first", type=int, default=0, help="the first point; 0: a random one below --every")
    parser.add_argument("--effects", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=0, help="begin no further block after that time; 0: no end")
    parser.add_argument("--jobs", type=int, default=1, help="side by side")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    args = parser.parse_args()
    return {"points": points, "random": at_random, "restart": restart, "retention": retention}[args.what](args)


sys.exit(main())
