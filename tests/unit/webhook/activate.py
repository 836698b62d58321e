#!/usr/bin/python3
"""What systemd does for guardraild, without systemd: activate.py FOLDER GUARDRAILD [ROUNDS]

Holds a TCP and a unix socket, hands them over by LISTEN_FDS, listens to NOTIFY_SOCKET, restarts the daemon under load and counts what
clients saw. The checks are printed as "ok: …" or "FAIL: …"; the exit status is 1 after a failure."""
import json, os, signal, socket, sys, threading, time

folder, program, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3
failures = 0
tcp = socket.create_server(("127.0.0.1", 0), backlog=1024)
local = socket.socket(socket.AF_UNIX)
local.bind(folder + "/handed.sock")
local.listen(64)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(folder + "/notify.sock")
told, lock = [], threading.Lock()
PORT = tcp.getsockname()[1]


def check(name, good, detail=""):
    global failures
    print(f"ok: {name}" if good else f"FAIL: {name}: {detail}", flush=True)
    failures += not good


def hear():
    while True:
        text = notify.recv(4096).decode()
        with lock:
            told.append((time.monotonic(), text))


def heard(text, since):
    with lock:
        return [t for t, line in told if t >= since and text in line]


def until(name, what, limit=20.0):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if what():
            print(f"ok: {name}", flush=True)
            return
        time.sleep(0.02)
    check(name, False, f"not within {limit} s; told: {told[-5:]}")


def start(fds=None, watchdog_us=1200000, count=None):
    pid = os.fork()
    if pid:
        return pid
    fds = [tcp.fileno(), local.fileno()] if fds is None else fds
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i, inheritable=True)
    log = os.open(folder + "/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 2)
    os.closerange(3 + len(fds), 256)
    env = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds) if count is None else count), NOTIFY_SOCKET=folder + "/notify.sock",
               WATCHDOG_USEC=str(watchdog_us), WATCHDOG_PID=str(os.getpid()))
    os.execve(program, [program, "--config", folder + "/guardraild.yml"], env)


def status_of(pid, limit=30.0):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        got, status = os.waitpid(pid, os.WNOHANG)
        if got:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "did not end"


BODY = json.dumps({"version": "4", "groupKey": "k", "status": "firing", "receiver": "r", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
                   "externalURL": "u", "alerts": [{"status": "firing", "labels": {"alertname": "Whatever"}, "annotations": {},
                                                   "startsAt": "2026-11-23T14:05:09Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                                                   "fingerprint": ""}]}).encode()


def ask(raw, family=socket.AF_INET, to=None):
    with socket.socket(family) as s:
        s.settimeout(30)
        s.connect(to or ("127.0.0.1", PORT))
        s.sendall(raw)
        data = b""
        while part := s.recv(65536):
            data += part
    return int(data.split(b" ")[1]) if data else 0, data


class Client(threading.Thread):
    def __init__(self):
        super().__init__()
        self.seen, self.broken, self.stop = {}, [], False
        self.start()

    def run(self):
        raw = b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
        while not self.stop:
            try:
                got, _ = ask(raw)
                if got == 0:
                    self.broken.append("closed without an answer")
                self.seen[got] = self.seen.get(got, 0) + 1
            except OSError as e:
                self.broken.append(str(e))


threading.Thread(target=hear, daemon=True).start()
begin = time.monotonic()
pid = start()
until("READY=1", lambda: heard("READY=1", begin))
until("WATCHDOG=1 comes as long as the store answers", lambda: len(heard("WATCHDOG=1", begin)) >= 4)
check("the unix socket that was handed over serves, with every role",
      ask(b"GET /v1/releases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", socket.AF_UNIX, folder + "/handed.sock")[0] == 200)
now = time.monotonic()
os.kill(pid, signal.SIGHUP)
until("RELOADING=1 with a time", lambda: heard("RELOADING=1\nMONOTONIC_USEC=", now))
until("READY=1 after it", lambda: heard("READY=1", now))

clients = [Client() for _ in range(8)]
for i in range(rounds):
    time.sleep(0.3)  # load
    now = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    got = status_of(pid)
    check(f"round {i}: ends as asked within {time.monotonic() - now:.1f} s", got == 0, str(got))
    check(f"round {i}: STOPPING=1", bool(heard("STOPPING=1", now)))
    now = time.monotonic()
    pid = start()
    until(f"round {i}: ready again", lambda: heard("READY=1", now))
for c in clients:
    c.stop = True
for c in clients:
    c.join()
seen = {}
for c in clients:
    for k, v in c.seen.items():
        seen[k] = seen.get(k, 0) + v
broken = [b for c in clients for b in c.broken]
check(f"{rounds} restarts under load: {seen}, {len(broken)} refused or broken", not broken and set(seen) <= {200, 503} and seen.get(200, 0) > 0, str(broken[:3]))
with open(folder + "/accepted", "w") as f:
    f.write(str(seen.get(200, 0)))
check("the unix socket's file stays", os.path.exists(folder + "/handed.sock"))

# A store that does not answer: no beat, and the manager would act.
os.kill(pid, signal.SIGSTOP)
now = time.monotonic()
time.sleep(0.7)
check("a stopped process sends no beat", not heard("WATCHDOG=1", now + 0.05))
os.kill(pid, signal.SIGCONT)
os.kill(pid, signal.SIGTERM)
check("ends", status_of(pid) == 0)


def refused(name, want, text, **how):
    at = os.path.getsize(folder + "/log")
    got = status_of(start(**how))
    with open(folder + "/log") as f:
        f.seek(at)
        log = f.read()
    check(name, got == want and text in log, f"status {got}: {log}")


public = socket.create_server(("0.0.0.0", 0))
refused("a socket that others reach, without TLS", 2, "needs tls", fds=[public.fileno()])
refused("two TCP sockets", 2, "more than one TCP", fds=[tcp.fileno(), public.fileno()])
refused("a descriptor that is no socket", 2, "no listening", fds=[os.open("/dev/null", os.O_RDONLY)])
refused("a socket that does not listen", 2, "no listening", fds=[notify.fileno()])
refused("a descriptor that is not there", 2, "no listening", fds=[tcp.fileno()], count=2)
refused("too many", 2, "number up to", fds=[tcp.fileno()], count=17)
sys.exit(1 if failures else 0)
