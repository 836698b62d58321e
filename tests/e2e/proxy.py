#!/usr/bin/python3
"""Stands between Alertmanager and guardraild on loopback, and is as bad a network as it is told to be.

    proxy.py TARGET-PORT DIR     listens on 127.0.0.1, a free port, which it writes to DIR/port; ends on SIGTERM
DIR/mode, read anew for every request:
    pass            hands over and answers
    slow SECONDS    hands over, and answers so much later
    refuse          answers 500 and hands nothing over
    lose            hands over, and answers 500: the answer was lost
DIR/log has a line for each request: time, mode, what guardraild answered (or -), what Alertmanager was answered."""
import http.client
import http.server
import sys
import time


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def hand_over(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
        try:
            connection.request("POST", self.path, body, {"Content-Type": self.headers["Content-Type"]})
            return connection.getresponse().status
        except OSError:
            return 502
        finally:
            connection.close()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2] + "/mode") as f:
            mode = f.read().split()
        begin, theirs = time.time(), None
        if mode[0] != "refuse":
            theirs = self.hand_over(body)
        if mode[0] == "slow":
            time.sleep(float(mode[1]))
        ours = theirs if mode[0] in ("pass", "slow") else 500
        with open(sys.argv[2] + "/log", "a") as f:
            f.write("%.1f %s %s %d\n" % (begin, mode[0], theirs or "-", ours))
        try:
            self.send_response(ours)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            pass  # it gave up waiting

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
with open(sys.argv[2] + "/port", "w") as f:
    f.write("%d\n" % server.server_address[1])
server.serve_forever()
