#!/usr/bin/python3
"""Hostile peers of the real guardraild: network.py PORT PID TEST... [CA.crt] [--kind=DRIP] [--full]

Each test prints "ok: NAME" or "FAIL: NAME: ..." and figures; the exit status is 1 after a failure.
  corpus     raw requests that another parser may take for something else: the status of each answer, and how many there are
  pipeline   many requests at once on one connection
  drips      64 connections that send a byte now and then, in headers, bodies and handshakes, from one address and from many
  idle       1,000 (10,000) connections that send nothing
  bombs      bodies that cost much: processor time and memory
"""
import json, os, select, socket, ssl, sys, threading, time

args = [a for a in sys.argv[1:] if not a.startswith("--")]
PORT, PID, TESTS = int(args[0]), int(args[1]), [a for a in args[2:] if not a.endswith(".crt")]
CA = next((a for a in args if a.endswith(".crt")), None)
FULL = "--full" in sys.argv
KIND = next((a[7:] for a in sys.argv if a.startswith("--kind=")), None)  # the one drip
CONTEXT = ssl.create_default_context(cafile=CA) if CA else None
with open(f"/proc/{PID}/exe", "rb") as f:
    HEAVY = 20 if b"__asan_init" in f.read() else 1  # a sanitizer keeps up to 256 MiB of what is freed
failures = 0


def check(name, good, detail=""):
    global failures
    print(f"ok: {name}" if good else f"FAIL: {name}: {detail}", flush=True)
    failures += not good


def connect(address="127.0.0.1", tls=True, timeout=15):
    s = socket.socket()
    s.settimeout(timeout)
    s.bind((address, 0))
    s.connect(("127.0.0.1", PORT))
    if CA and tls:
        s = CONTEXT.wrap_socket(s, server_hostname="localhost")
    return s


def answers(s, wait=3.0, most=1 << 22):
    """All that comes until the peer closes or falls silent, as a list of statuses."""
    data, found = b"", []
    s.settimeout(wait)
    try:
        while len(data) < most:
            part = s.recv(65536)
            if not part:
                break
            data += part
    except (socket.timeout, ConnectionError, ssl.SSLError):
        pass
    while data.startswith(b"HTTP/1."):
        head, _, rest = data.partition(b"\r\n\r\n")
        found.append(int(head.split(b" ")[1]))
        length = [int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:")]
        data = rest[length[0] if length else 0:]
    # libmicrohttpd 0.9.75 puts its own refusals' head twice, before it closes
    return found + (["rest"] if data and not data.endswith(b"</html>") else [])


def ask(raw, wait=3.0, **more):
    s = connect(**more)
    try:
        s.sendall(raw)
    except (ConnectionError, ssl.SSLError):
        pass
    got = answers(s, wait)
    s.close()
    return got


def alert(labels):
    return {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-11-23T14:05:09Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": ""}


def payload(alerts):
    return {"version": "4", "groupKey": "k", "status": "firing", "receiver": "r", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
            "externalURL": "u", "alerts": alerts}


BODY = json.dumps(payload([alert({"alertname": "Whatever"})])).encode()


def request(line=b"POST /v1/alerts HTTP/1.1", headers=(b"Content-Type: application/json", b"Content-Length: %d" % len(BODY)), body=BODY,
            end=b"\r\n", host=b"Host: x", close=b"Connection: close"):
    return end.join([l for l in (line, host, close, *headers) if l is not None]) + end + end + body


def post(*headers, **more):
    return request(headers=(b"Content-Type: application/json", *headers), **more)


LENGTH = b"Content-Length: %d" % len(BODY)
GET = request(b"GET /healthz HTTP/1.1", (), b"")
CHUNKED = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
# name, what is sent, the statuses of the answers. [] : closed without one. One answer at most: whatever follows a refused request's headers
# is never taken for a request.
CORPUS = [
    ("plain", post(LENGTH), [200]),
    ("two equal lengths", post(LENGTH, LENGTH), [400]),
    ("two lengths, the first short", post(b"Content-Length: 5", LENGTH), [400]),
    ("two lengths, the second short", post(LENGTH, b"Content-Length: 5"), [400]),
    ("two lengths in other letters", post(LENGTH, b"content-LENGTH: 5"), [400]),
    ("lengths in a list", post(b"Content-Length: 5, %d" % len(BODY)), [400]),
    ("equal lengths in a list", post(b"Content-Length: 5, 5"), [400]),
    ("length and chunked", post(LENGTH, b"Transfer-Encoding: chunked"), [400]),
    ("chunked and length", post(b"Transfer-Encoding: chunked", LENGTH, body=CHUNKED), [400]),
    ("chunked", post(b"Transfer-Encoding: chunked", body=CHUNKED), [411]),
    ("chunked in other letters", post(b"transfer-encoding: CHUNKED", body=CHUNKED), [411]),
    ("identity", post(b"Transfer-Encoding: identity"), [411]),
    ("identity and length", post(b"Transfer-Encoding: identity", LENGTH), [400]),
    ("an unknown coding", post(b"Transfer-Encoding: xchunked"), [411]),
    ("two codings", post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED), [411]),
    ("two coding headers", post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=CHUNKED), [400]),
    ("coding after a tab", post(b"Transfer-Encoding:\tchunked", LENGTH), [400]),
    ("space before the colon of the length", post(b"Content-Length : %d" % len(BODY)), [400, 411]),
    ("space before the colon of the coding", post(b"Transfer-Encoding : chunked", LENGTH), [400]),
    ("tab before the colon", post(b"Content-Length\t: %d" % len(BODY)), [400, 411]),
    ("negative length", post(b"Content-Length: -1"), [400]),
    ("length with a plus", post(b"Content-Length: +%d" % len(BODY)), [400]),
    ("length in hex", post(b"Content-Length: 0x10"), [400]),
    ("length with a point", post(b"Content-Length: 10.0"), [400]),
    ("length with letters behind", post(b"Content-Length: %dabc" % len(BODY)), [400]),
    ("empty length", post(b"Content-Length:"), [400]),
    ("length beyond 64 bits", post(b"Content-Length: 18446744073709551616"), [400, 413]),
    ("length of 64 bits", post(b"Content-Length: 18446744073709551615"), [400, 413]),
    ("length of 100 digits", post(b"Content-Length: " + b"9" * 100), [400, 413]),
    ("length of 9 GB", post(b"Content-Length: 9000000000"), [413]),
    ("one byte too long", post(b"Content-Length: %d" % ((8 << 20) + 1)), [413]),
    ("no length", post(), [411]),
    ("folded header", post(b"X: a\r\n b", LENGTH), [200, 400]),
    ("folded length", post(b"Content-Length:\r\n %d" % len(BODY)), [400]),
    ("folded coding", post(b"Transfer-Encoding:\r\n chunked", LENGTH), [400]),
    ("first header folded", request(b"POST /v1/alerts HTTP/1.1\r\n X: y", (b"Content-Type: application/json", LENGTH)), [400]),
    ("bare CR in a value", post(b"X: a\rContent-Length: 5", LENGTH), [400]),
    ("bare CR hides a length", post(b"X: a\rTransfer-Encoding: chunked", LENGTH), [400]),
    ("bare LF line ends", post(LENGTH, end=b"\n"), [200, 400]),
    ("NUL in a value", post(b"X: a\0b", LENGTH), [200, 400]),  # libmicrohttpd 0.9.75 ends the value there
    ("NUL in a name", post(b"X\0Y: a", LENGTH), [400]),
    ("NUL behind the length", post(b"Content-Length: %d\0" % len(BODY)), [200, 400]),
    ("NUL in the length", post(b"Content-Length: 5\0%d" % len(BODY)), [400]),
    ("NUL in the path", request(b"POST /v1/alerts\0x HTTP/1.1"), [400, 404]),
    ("escaped NUL in the path", request(b"POST /v1/alerts%00x HTTP/1.1"), [404]),
    ("an escaped path", request(b"GET /%6detrics HTTP/1.1", (), b""), [404]),
    ("absolute URI", request(b"GET http://x/healthz HTTP/1.1", (), b""), [404]),
    ("absolute URI of a POST", request(b"POST http://evil/v1/alerts HTTP/1.1"), [404]),
    ("asterisk", request(b"OPTIONS * HTTP/1.1", (), b""), [404]),
    ("CONNECT", request(b"CONNECT x:80 HTTP/1.1", (), b""), [404]),
    ("TRACE", request(b"TRACE /metrics HTTP/1.1", (), b""), [405]),
    ("HEAD", request(b"HEAD /healthz HTTP/1.1", (), b""), [405]),
    ("a long method", request(b"A" * 9000 + b" / HTTP/1.1", (), b""), [405]),
    ("two hosts", post(LENGTH, b"Host: y"), [400]),
    ("no host", post(LENGTH, host=None), [400]),
    ("two types", post(b"Content-Type: text/plain", LENGTH), [400]),
    ("two authorizations", post(LENGTH, b"Authorization: Bearer a", b"Authorization: Bearer b"), [400]),
    ("no colon", post(b"Nothing", LENGTH), [400]),
    ("empty name", post(b": x", LENGTH), [400, 411]),
    ("a header of 40 kB", post(b"X: " + b"a" * 40000, LENGTH), [431]),
    ("1,000 headers", post(*[b"X%d: y" % i for i in range(1000)], LENGTH), [431]),
    ("a path of 40 kB", request(b"GET /" + b"a" * 40000 + b" HTTP/1.1", (), b""), [414, 431]),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505, 404]),
    ("HTTP/1.0 with a coding", post(b"Transfer-Encoding: chunked", line=b"POST /v1/alerts HTTP/1.0", body=CHUNKED), [411]),
    ("HTTP/1.2", request(b"GET /healthz HTTP/1.2", (), b""), [200, 505]),
    ("HTTP/3", request(b"GET /healthz HTTP/3", (), b""), [400, 505]),
    ("no version", b"GET /healthz\r\nHost: x\r\n\r\n", [200, 400, 505]),
    ("two spaces in the first line", request(b"GET  /healthz HTTP/1.1", (), b""), [200, 400, 404]),
    ("GET with a body", request(b"GET /metrics HTTP/1.1", (b"Content-Length: 3",), b"abc"), [400]),
    ("GET with a coding", request(b"GET /metrics HTTP/1.1", (b"Transfer-Encoding: chunked",), b"0\r\n\r\n"), [400]),
    ("a request behind a refused one", post(b"Content-Length: 5", b"Content-Length: 6", body=GET), [400]),
    ("a request in a refused body", post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + GET), [411]),
    ("a request behind a GET's body", request(b"GET /metrics HTTP/1.1", (b"Content-Length: %d" % len(GET),), GET), [400]),
    ("a body longer than said", post(b"Content-Length: 2", body=b"{}" + GET), [400]),
    ("no type", request(headers=(LENGTH,)), [415]),
    ("a type that begins alike", request(headers=(b"Content-Type: application/jsonx", LENGTH)), [415]),
    ("a foreign expectation", post(LENGTH, b"Expect: 200-magic"), [200, 417, 400]),
    ("a TLS handshake in plain", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, [400]),
    ("only line ends", b"\r\n" * 1000, []),
    ("line ends, then a request", b"\r\n\r\n" + GET, [200, 400]),
    ("bytes at random", bytes((i * 7919 + 13) % 256 for i in range(4096)), [400]),
]


def corpus():
    seen = {}
    for name, raw, want in CORPUS:
        got = ask(raw, 2.0)
        seen[name] = got
        good = len(got) <= 1 and (not got or got[0] in want) and (bool(got) or want == [] or 400 in want)
        check(f"corpus: {name}", good, f"got {got}, wanted one of {want}")
    if os.environ.get("SHOW"):
        for name, got in seen.items():
            print(f"#   {name}: {got}")
    accepted = sum(got == [200] and raw.startswith(b"POST") for (name, raw, want), got in zip(CORPUS, seen.values()))
    stored = metric("guardraild_alerts_total")
    check("corpus: stored is what was answered 200", stored == accepted, f"{stored} stored, {accepted} accepted")


def metric(name):
    s = connect("127.0.0.77")
    s.sendall(request(b"GET /metrics HTTP/1.1", (), b""))
    data = b""
    while part := s.recv(65536):
        data += part
    s.close()
    return next((float(l.split()[1]) for l in data.decode().split("\n") if l.startswith(name + " ")), None)


def timed(address="127.0.0.99"):
    """An answer and how long it took. In a flood a connection may be displaced before its first byte is read: like any client, one tries again, once."""
    begin = time.monotonic()
    for _ in range(2):
        try:
            got = ask(GET, 5.0, address=address)
        except OSError as e:
            got = [str(e)]
        if got and isinstance(got[0], int):
            break
    return got, time.monotonic() - begin


class Served(threading.Thread):
    """Asks over and over from its own address; the slowest answer, and whatever was no answer."""

    def __init__(self, address):
        super().__init__()
        self.address, self.worst, self.bad, self.n, self.stop = address, 0.0, [], 0, False
        self.start()

    def run(self):
        while not self.stop:
            got, took = timed(self.address)
            self.n += 1
            self.worst = max(self.worst, took)
            if got != [200]:
                self.bad.append(got)
            time.sleep(0.05)

    def end(self, name):
        self.stop = True
        self.join()
        check(f"{name}: others are served, the slowest of {self.n} after {self.worst * 1000:.0f} ms", self.n > 0 and not self.bad and self.worst < 1.0,
              f"{self.worst:.2f} s, not served: {self.bad[:3]} ({len(self.bad)} of {self.n})")


def pipeline():
    s = connect()
    one = request(b"GET /healthz HTTP/1.1", (), b"", close=None)
    s.sendall(one * 99 + GET)
    got = answers(s)
    check("pipeline: 100 at once", got == [200] * 100, str(len(got)))
    s = connect()
    s.sendall((post(LENGTH, close=None) + one) * 20 + GET)
    got = answers(s)
    check("pipeline: bodies and none in turn", got == [200] * 41, str(got))
    s = connect()
    s.sendall(one + post(b"Content-Length: 1", b"Content-Length: 2", close=None) + one)
    got = answers(s)
    check("pipeline: ends at a refused one", got == [200, 400], str(got))


# what a drip begins with, and the byte that it goes on with; TLS: whether within a session
DRIPS = {
    "nothing": (b"", b"", True),
    "half a first line": (b"GET /hea", b"x", True),
    "headers": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n", True),
    "a header": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", b"y", True),
    "a body": (b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", b" ", True),
    "a second request": (request(b"GET /healthz HTTP/1.1", (), b"", close=None) + b"GET /he", b"a", True),
    "a handshake": (b"\x16\x03\x01\x01\x00\x01", b"\0", False),
    "a record": (b"", b"\x16", False),
}


def drip(kind, addresses, limit):
    begin_bytes, more, in_tls = DRIPS[kind]
    drips, begin = [], time.monotonic()
    for i in range(64):
        try:
            s = connect(f"127.0.0.{2 + i % addresses}", tls=in_tls)
            s.sendall(begin_bytes)
            s.setblocking(False)
            drips.append((s, time.monotonic()))
        except OSError:
            pass  # displaced at once
    name = f"drips: {kind} from {addresses}"
    served, ends, ended = Served("127.0.0.2"), begin + limit + 3, 0.0
    while drips and time.monotonic() < ends:
        for s, since in list(drips):
            try:
                while True:
                    part = s.recv(65536)
                    if not part:
                        raise ConnectionError
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except OSError:
                drips.remove((s, since))
                ended = max(ended, time.monotonic() - since)
                s.close()
                continue
            try:
                s.send(more)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                drips.remove((s, since))
                ended = max(ended, time.monotonic() - since)
                s.close()
        time.sleep(0.3)
    served.end(name)
    check(f"{name}: all closed, the last after {ended:.1f} s", not drips and ended <= limit, f"{len(drips)} are open after {ends - begin:.0f} s")
    for s, _ in drips:
        s.close()


def drips():
    kinds = list(DRIPS) if FULL else [KIND] if KIND else (["a handshake", "a body"] if CA else ["a header", "a body"])
    for kind in kinds:
        if DRIPS[kind][2] or CA:
            for addresses in (1, 4, 64) if FULL else (4,):
                drip(kind, addresses, 10.8)  # 10 s, the reaper's 0.2 s, and ours


def rss_mib():
    with open(f"/proc/{PID}/status") as f:
        return int(next(l for l in f if l.startswith("VmRSS")).split()[1]) / 1024


def idle():
    count, open_, refused, begin = 10000 if FULL else 1000, [], 0, time.monotonic()
    before = rss_mib()
    served = Served("127.0.0.250")
    for i in range(count):
        s = socket.socket()
        try:
            s.settimeout(5)
            s.bind((f"127.0.{1 + i // 250}.{1 + i % 250}", 0))
            s.connect(("127.0.0.1", PORT))
            s.setblocking(False)
            open_.append(s)
        except OSError:
            refused += 1
            s.close()
    made = time.monotonic() - begin
    poll = select.poll()
    by_fd = {s.fileno(): s for s in open_}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    while by_fd and time.monotonic() < begin + made + 12:
        for fd, _ in poll.poll(500):
            poll.unregister(fd)
            by_fd.pop(fd).close()
    took = time.monotonic() - begin
    served.end("idle")
    check(f"idle: {count} connections (made in {made:.1f} s, {refused} failed), all closed after {took:.1f} s", not by_fd and refused == 0,
          f"{len(by_fd)} are open")
    check(f"idle: memory {before:.1f} MiB before, {rss_mib():.1f} after", rss_mib() < before + 16 * HEAVY, "")
    for s in by_fd.values():
        s.close()


def cpu_s():
    total = 0.0
    for task in os.listdir(f"/proc/{PID}/task"):
        with open(f"/proc/{PID}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0]) / 1e9
    return total


def bombs():
    many = b",".join(b'"l%d":"v"' % i for i in range(700000))  # as many as 8 MiB hold
    whole = json.dumps(payload([alert({"alertname": "A", "LABELS": "x"})])).encode()
    rows = [
        ("lists 100,000 deep", b"[" * 100000, [400]),
        ("objects 100,000 deep", b'{"a":' * 100000, [400]),
        ("labels by the hundred thousand", whole.replace(b'"LABELS": "x"', many), [400, 413]),
        ("the same outside alerts", b'{"x":{' + many + b"}}", [400, 413]),
        ("4 million numbers", b'{"alerts":[' + b",".join([b"1"] * 4000000) + b"]}", [400, 413]),
        ("4 million lists", b'{"x":[' + b",".join([b"[]"] * 2700000) + b"]}", [400, 413]),
        ("8 MiB of blanks", b" " * (8 << 20), [400]),
        ("a string of 8 MiB", b'{"version":"' + b"a" * ((8 << 20) - 20) + b'"}', [400, 413]),
        ("a string of escapes", b'{"version":"' + b"\\u0041" * 1300000 + b'"}', [400, 413]),
        ("a number of 8 MiB", b'{"version":' + b"9" * ((8 << 20) - 20) + b"}", [400, 413]),
        ("a key of 8 MiB", b'{"' + b"k" * ((8 << 20) - 20) + b'":1}', [400, 413]),
        ("equal keys", b"{" + b",".join([b'"a":1'] * 1300000) + b"}", [400, 413]),
        ("not closed", b'{"alerts":[' + b",".join([b"{}"] * 2700000), [400, 413]),
    ]
    worst_cpu, worst_rss = 0.0, 0.0
    for name, body, want in rows:
        raw = post(b"Content-Length: %d" % len(body), body=body)
        before, got = cpu_s(), None
        got = ask(raw, 10.0)
        cpu = cpu_s() - before
        rss = rss_mib()
        worst_cpu, worst_rss = max(worst_cpu, cpu), max(worst_rss, rss)
        check(f"bombs: {name}: {len(body)} bytes, {cpu * 1000:.0f} ms, {rss:.0f} MiB", len(got) == 1 and got[0] in want and cpu < 2, f"{got}")  # what is not linear takes minutes
    with open(f"/proc/{PID}/status") as f:
        peak = int(next(l for l in f if l.startswith("VmHWM")).split()[1]) / 1024
    check(f"bombs: at most {worst_cpu * 1000:.0f} ms of processor time and {peak:.0f} MiB", peak < 64 * HEAVY, "")


for test in TESTS:
    {"corpus": corpus, "pipeline": pipeline, "drips": drips, "idle": idle, "bombs": bombs}[test]()
sys.exit(1 if failures else 0)
