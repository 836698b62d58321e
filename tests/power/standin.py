#!/usr/bin/env python3
"""Stands in for Prometheus' /api/v1/query on loopback, strictly. standin.py PORT_FILE [CERTIFICATE KEY]

The first part of the path chooses how it behaves: /answers/api/v1/query answers every query with 1, /empty … with no series. What is not a
query as Prometheus documents it is answered with 400 and an exit status of 1 at the end. Ends on SIGTERM."""
import http.server
import json
import os
import signal
import ssl
import sys
import urllib.parse

bad = []


def vector(*values):
    return {'status': 'success', 'data': {'resultType': 'vector', 'result': [
        {'metric': {'n': str(i)}, 'value': [1795392000, v]} for i, v in enumerate(values)]}}


def error(kind, text):
    return {'status': 'error', 'errorType': kind, 'error': text}


ANSWERS = {  # status, what: a dict is JSON, bytes are as they are
    'answers': (200, vector('1')),
    'empty': (200, vector()),
    'nan': (200, vector('NaN')),
    'infinite': (200, vector('+Inf')),
    'several': (200, vector('1', '2')),
    'scalar': (200, {'status': 'success', 'data': {'resultType': 'scalar', 'result': [1795392000, '1']}}),
    'matrix': (200, {'status': 'success', 'data': {'resultType': 'matrix', 'result': []}}),
    'warns': (200, dict(vector('1'), warnings=['a store did not answer\x1b[31m'])),
    'refuses': (422, error('execution', 'query processing would load too many samples into memory')),
    'bad': (400, error('bad_data', 'parse error')),
    'slow': (503, error('timeout', 'query timed out in expression evaluation')),
    'unauthorized': (401, b'Unauthorized\n'),
    'forbidden': (403, b'{}'),
    'redirect': (302, b''),
    'nowhere': (404, b'404 page not found\n'),
    'busy': (429, b''),
    'broken': (500, b'oops'),
    'html': (200, b'<!DOCTYPE html><title>Log in</title>'),
    'huge': (200, b'[' + b'"aaaaaaaaaaaaaaa",' * 100000 + b'""]'),
    'half': (200, b'{"status": "success", "data": {"resultType": "vec'),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def wrong(self, length):
        body = self.rfile.read(length).decode('ascii')
        fields = urllib.parse.parse_qs(body, strict_parsing=True, keep_blank_values=True)
        if self.headers.get('Content-Type') != 'application/x-www-form-urlencoded':
            return 'the content type is ' + str(self.headers.get('Content-Type'))
        if sorted(fields) != ['query', 'time'] or any(len(v) != 1 for v in fields.values()):
            return 'the fields are ' + str(fields)
        if fields['time'] != ['1795392000']:
            return 'the time is ' + fields['time'][0]
        return None

    def do_POST(self):
        parts = self.path.split('/')
        wrong = self.wrong(int(self.headers['Content-Length']))
        if wrong or parts[2:] != ['api', 'v1', 'query']:
            bad.append(wrong or self.path)
            status, what = 400, error('bad_data', bad[-1])
        elif parts[1] == 'token':
            ok = self.headers.get('Authorization') == 'Bearer s3cret'
            status, what = ANSWERS['answers' if ok else 'unauthorized']
        else:
            status, what = ANSWERS[parts[1]]
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.send_response(status)
        if status == 302:
            self.send_header('Location', '/answers/api/v1/query')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def do_GET(self):
        bad.append('GET ' + self.path)
        self.send_error(405)


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)


def stop(*_):
    for text in bad:
        print('stand-in: ' + text, file=sys.stderr)
    os._exit(1 if bad else 0)


signal.signal(signal.SIGTERM, stop)
with open(sys.argv[1] + '.new', 'w') as f:
    f.write('%d\n' % server.server_port)
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
