"""What rules cost a real Prometheus; see prometheus.sh, which compiles them: prometheus.py WORK N SCALE ROUNDS VARIANT=RULES…

The metrics of spec.awk's guardrails come from an exporter in this process, scraped as often as a slot has it in reality (four times), in time
that runs SCALE times as fast. Each variant gets a Prometheus of its own, one after another: it runs until its windows are full, then exactly
ROUNDS evaluations are measured. CPU is the process's (/proc), less that of a Prometheus which only scrapes. RULES is a file, or `none`, or
`naive:20m`: alerts as one writes them by hand, which are generated here, over that window."""
import http.server, json, os, random, socket, subprocess, sys, threading, time, urllib.parse, urllib.request

VENUES, TICK = ('XNAS', 'XNYS', 'ARCX'), os.sysconf('SC_CLK_TCK')
EDGES = (('0.001', 10), ('0.002', 180), ('0.003', 500), ('0.004', 750), ('0.005', 890), ('0.006', 955), ('0.007', 975), ('0.008', 985),
         ('0.01', 997), ('0.015', 999), ('+Inf', 1000))
RATIO, GOOD, FIXED_RATIO, HISTOGRAM, GAUGE, FIXED_GAUGE = range(6)
INSTANCES = tuple(int(n) for n in os.environ.get('INSTANCES', '1 1').split())
ROWS = [int(n) for n in (os.environ.get('KINDS') or '0 1 2 3 4 5 6 7 8 9').split()]
KINDS = {0: RATIO, 6: RATIO, 9: FIXED_RATIO, 3: GOOD, 2: HISTOGRAM, 5: HISTOGRAM, 8: HISTOGRAM, 4: FIXED_GAUGE, 1: GAUGE, 7: GAUGE}


def series(n):
    """(text up to the value, step of a counter or level of a gauge, offset of its noise, is a gauge). One guardrail in 500 breaches in XNAS."""
    for i in range(n):
        kind, svc = KINDS[ROWS[i % len(ROWS)]], 'svc%d' % (i // 10)
        for v, venue in enumerate(VENUES):
            for cohort, size, instance in [('canary', 1, k) for k in range(INSTANCES[0])] + [('control', 4, k) for k in range(INSTANCES[1])]:
                labels = 'cluster="east",venue="%s",track="%s",instance="%s-%d"' % (venue, cohort, cohort, instance)
                noise = (i * 13 + v * 7 + size + instance) % 5
                def counter(name, step, more=''):
                    return ('%s{%s%s} ' % (name, labels, more), step * size, noise, False)
                if kind in (RATIO, FIXED_RATIO):
                    worse = 4 if i % 500 == 0 and v == 0 and cohort == 'canary' else 1
                    yield counter('%s_requests_%d_total' % (svc, i), 1000)
                    for code in ('500', '503'):
                        yield counter('%s_errors_%d_total' % (svc, i), 5 * worse, ',code="%s"' % code)
                elif kind == GOOD:
                    yield counter('%s_orders_%d_total' % (svc, i), 1000)
                    yield counter('%s_filled_%d_total' % (svc, i), 900)
                elif kind == HISTOGRAM:
                    for edge, share in EDGES:
                        yield counter('%s_latency_%d_seconds_bucket' % (svc, i), share, ',le="%s"' % edge)
                else:
                    name, level = ('%s_depth_%d', 100) if kind == GAUGE else ('%s_cpu_%d', 0.5)
                    yield ((name + '{%s} ') % (svc, i, labels), level, noise, True)


class Exporter:
    """Serves the series with values that grow with each scrape, and guardraild's phase."""
    def __init__(self, n):
        rows = list(series(n))
        self.count = len(rows)
        self.counters = [r[:3] for r in rows if not r[3]]
        self.gauges = [r[:3] for r in rows if r[3]]
        self.start, self.k, self.lock = time.time(), 0, threading.Lock()
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                body = exporter.page()
                self.send_response(200)
                self.send_header('Content-Type', 'text/plain; version=0.0.4')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self):
        with self.lock:
            self.k += 1
            k = self.k
        lines = ['%s%d' % (text, step * k + (k * 7 + noise) % 5) for text, step, noise in self.counters]
        lines += ['%s%.5g' % (text, level * (1 + 0.002 * ((k * 7 + noise) % 5 - 2))) for text, level, noise in self.gauges]
        for phase in ('small', 'large'):
            labels = '{spec="bench",cluster="east",deployment_id="d1",phase="%s"}' % phase
            lines.append('guardrail_release_phase%s %d' % (labels, phase == 'small'))
            if phase == 'small':
                lines.append('guardrail_release_phase_start_seconds%s %.3f' % (labels, self.start))
        lines.append('guardraild_policy_info{spec="bench"} 1\n')
        return '\n'.join(lines).encode()


def free_port():
    """Below those that the kernel hands out to others meanwhile."""
    for _ in range(100):
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
    sys.exit('no free port')


# -- alerts by hand: one a guardrail and level, raw rates inlined ------------------------------------------------------------------------------

def naive_rules(n, window, scale):
    """Yields (guardrail, level, expression). An override is a further alert for its venue, a backstop one more."""
    def scaled(duration):
        return '%dms' % (int(duration[:-1]) * 60000 // scale)
    for i in range(n):
        row, svc, short = ROWS[i % len(ROWS)], 'svc%d' % (i // 10), scaled(window)
        kind = KINDS[row]
        soft, hard = 10 + i % 7, 30 + i % 11

        def pool(function, name, cohort, more='', by='cluster, venue', venue='', over=short):
            where = 'track="%s"%s%s' % (cohort, more, venue and ',venue="%s"' % venue)
            return '%s by (%s) (%s(%s{%s}[%s]))' % ('sum' if function == 'rate' else function[:3], by, function, name, where, over)

        def value(cohort, venue=''):
            if kind in (RATIO, FIXED_RATIO):
                return '%s / %s' % (pool('rate', '%s_errors_%d_total' % (svc, i), cohort, ',code=~"5.."', venue=venue),
                                    pool('rate', '%s_requests_%d_total' % (svc, i), cohort, venue=venue))
            if kind == GOOD:
                return '%s / %s' % (pool('rate', '%s_filled_%d_total' % (svc, i), cohort), pool('rate', '%s_orders_%d_total' % (svc, i), cohort))
            if kind == HISTOGRAM:
                return 'histogram_quantile(%s, %s)' % ('0.5' if row == 5 else '0.99', pool(
                    'rate', '%s_latency_%d_seconds_bucket' % (svc, i), cohort, by='cluster, venue, le', venue=venue))
            if kind == GAUGE:
                return pool('avg_over_time', '%s_depth_%d' % (svc, i), cohort, venue=venue)
            return pool('max_over_time', '%s_cpu_%d' % (svc, i), cohort, over=scaled('4m'))

        def compared(percent, venue=''):
            control = value('control', venue)
            if kind == RATIO:
                control = 'clamp_min(%s, 0.0005)' % control
            return '%s %s %g * %s' % (value('canary', venue), '<' if percent < 0 else '>', 1 + percent / 100,
                                      control if kind in (HISTOGRAM, GAUGE) else '(%s)' % control)
        if kind == FIXED_RATIO:
            limits = [(level, '%s > %g' % (value('canary'), percent // 5 / 100)) for level, percent in (('soft', soft), ('hard', hard))]
        elif kind == FIXED_GAUGE:
            limits = [('soft', '%s > %g' % (value('canary'), (70 + i % 9) / 100)), ('hard', '%s > %g' % (value('canary'), (85 + i % 11) / 100))]
        elif kind == GOOD:
            limits = [('soft', compared(-(soft // 5))), ('hard', compared(-(hard // 5)))]
        else:
            limits = [('soft', compared(soft)), ('hard', compared(hard))]
        if kind == RATIO:
            limits.append(('hard', '%s > %g' % (value('canary'), (5 + i % 5) / 100)))
        if row == 6:
            limits += [('soft', compared(soft - 2, 'XNAS')), ('hard', compared(hard - 5, 'XNAS'))]
        if row == 8:
            limits.append(('hard', compared(hard - 5, 'XNYS')))
        if row == 7:
            limits.append(('soft', compared(soft - 1, 'ARCX')))
        for level, expr in limits:
            yield 'guardrail_%05d' % i, level, expr


def write_naive(path, n, window, scale):
    with open(path, 'w') as f:
        f.write('groups:\n  - name: bench\n    interval: %dms\n    rules:\n' % (120000 // scale))
        for guardrail, level, expr in naive_rules(n, window, scale):
            f.write('      - alert: Guardrail%sBreach\n        expr: |-\n          %s\n        labels: {guardrail: %s, level: %s}\n'
                    '        annotations: {summary: "{{ $labels.guardrail }} {{ $labels.venue }}: {{ $value }}"}\n'
                    % (level.capitalize(), expr, guardrail, level))


# -- one Prometheus ----------------------------------------------------------------------------------------------------------------------------

class Prometheus:
    def __init__(self, folder, exporter, rules, scale):
        os.makedirs(folder)
        self.url = 'http://127.0.0.1:%d' % (port := free_port())
        self.interval = 120 / scale
        with open(folder + '/prometheus.yml', 'w') as f:
            f.write('global: {scrape_interval: %dms, scrape_timeout: %dms, evaluation_interval: %dms}\n'
                    'scrape_configs: [{job_name: bench, static_configs: [{targets: ["127.0.0.1:%d"]}]}]\n'
                    % (30000 // scale, 30000 // scale, 120000 // scale, exporter.port))
            if rules:
                f.write('rule_files: ["%s"]\n' % rules)
        self.log = open(folder + '/log', 'w')
        self.process = subprocess.Popen([os.environ.get('PROMETHEUS', 'prometheus'), '--config.file=' + folder + '/prometheus.yml',
                                         '--storage.tsdb.path=' + folder + '/data', '--web.listen-address=' + self.url[7:], '--log.level=warn'],
                                        stdout=self.log, stderr=self.log)
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.get('/-/ready')
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        sys.exit('Prometheus did not start: ' + open(folder + '/log').read()[-1000:])

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read()

    def metrics(self):
        """Sums over labels; of rule groups only the main one, where it is told."""
        sums = {}
        for line in self.get('/metrics').decode().splitlines():
            if line.startswith('#') or '-watch"' in line:
                continue
            name, value = line.rsplit(' ', 1)
            if 'quantile=' not in name:
                name = name.split('{')[0]
                sums[name] = sums.get(name, 0) + float(value)
        return sums

    def series(self, query):
        return json.loads(self.get('/api/v1/query?query=' + urllib.parse.quote(query)))['data']['result']

    def query(self, text):
        answer = self.series(text)
        return float(answer[0]['value'][1]) if answer else 0

    def cpu(self):
        with open('/proc/%d/stat' % self.process.pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def measure(p, slots, rounds):
    """Waits for `slots` intervals, then measures `rounds` of them, from shortly before one evaluation to shortly before another."""
    end = time.monotonic() + slots * p.interval
    time.sleep(max(0, end - time.monotonic()))
    before = p.metrics()
    last = before.get('prometheus_rule_group_last_evaluation_timestamp_seconds', time.time())
    lead = 0.02
    at = last
    while at - lead < time.time() + 0.3:
        at += p.interval
    time.sleep(at - lead - time.time())
    cpu = p.cpu()
    time.sleep(at - lead + rounds * p.interval - time.time())
    used = p.cpu() - cpu
    after = p.metrics()
    # Evaluations that were missed were not paid for; with none (without rules), what an interval costs.
    delta = {name: value - before.get(name, 0) for name, value in after.items()}
    durations = delta.get('prometheus_rule_group_duration_seconds_count', 0)
    missed = delta.get('prometheus_rule_group_iterations_missed_total', 0)
    return {
        'cpu': used, 'rounds': max(1, rounds - missed), 'seconds': rounds * p.interval, 'missed': missed,
        'failed': delta.get('prometheus_rule_evaluation_failures_total', 0),
        'rules': after.get('prometheus_rule_group_rules', 0),
        'last': after.get('prometheus_rule_group_last_duration_seconds', 0),
        'mean': delta.get('prometheus_rule_group_duration_seconds_sum', 0) / durations if durations else 0,
        'series': after['prometheus_tsdb_head_series'],
        'rss': after['process_resident_memory_bytes'] / 2**20,
        'heap': after['go_memstats_heap_inuse_bytes'] / 2**20,
    }


def slowest(p, most):
    """(name of rules, how many, what they recorded, time of one evaluation), from what Prometheus says of each rule."""
    times, samples = {}, {}
    for s in p.series('count by (__name__) ({__name__=~"guardrail:.+"})'):
        samples[s['metric']['__name__']] = int(s['value'][1])
    for group in json.loads(p.get('/api/v1/rules'))['data']['groups']:
        for rule in group['rules'] if not group['name'].endswith('-watch') else ():
            entry = times.setdefault(rule['name'], [0, 0])
            entry[0] += 1
            entry[1] += rule['evaluationTime']
    return sorted(((name, count, samples.get(name, 0), seconds) for name, (count, seconds) in times.items()), key=lambda e: -e[3])[:most]


def load():
    return os.getloadavg()[0]


def run(work, exporter, name, rules, n, scale, rounds):
    if rules.startswith('naive:'):
        window, rules = rules[6:], '%s/%s.yml' % (work, name)
        write_naive(rules, n, window, scale)
        slots = int(window[:-1]) // 2 + 2
    else:
        slots = 15 if rules != 'none' else 5
    exporter.start = time.time()
    p = Prometheus('%s/%s' % (work, name), exporter, rules if rules != 'none' else None, scale)
    try:
        result = measure(p, slots, rounds)
        result.update(load=load(), firing=p.query('count(count by (guardrail, level, venue) (ALERTS{level=~"hard|soft",alertstate="firing"}))'),
                      healthy=p.query('count(guardrail:verdict == 0)'), hard=p.query('count(guardrail:verdict == 3)'),
                      top=slowest(p, 16) if rules != 'none' else [])
    finally:
        p.stop()
    return result


def main():
    work, n, scale, rounds = sys.argv[1], *map(int, sys.argv[2:5])
    exporter, base, naive, bad = Exporter(n), None, None, 0
    print('%d guardrails x %d slices, %d instances of the canary and %d of control, %d series scraped, %d evaluations each after the windows are full; time x %d'
          % (n, len(VENUES), *INSTANCES, exporter.count, rounds, scale))
    print('%-14s %6s %7s %9s %7s %9s %9s %8s %8s %7s %6s' % ('', 'rules', 'series', 'CPU ms', 'x', 'mean ms', 'last ms', 'RSS MiB', 'heap MiB',
                                                           'firing', 'load'), flush=True)
    tops = []
    for argument in sys.argv[5:]:
        name, rules = argument.split('=', 1)
        r = run(work, exporter, name, rules, n, scale, rounds)
        base = r if base is None else base
        cpu = r['cpu'] / r['rounds']
        if r is not base: # less what scraping takes in the same time
            cpu -= base['cpu'] / base['seconds'] * r['seconds'] / r['rounds']
        naive = cpu if naive is None and rules.startswith('naive:') else naive
        print('%-14s %6d %7d %9.1f %7s %9.1f %9.1f %8.0f %8.0f %7d %6.1f' % (
            name, r['rules'], r['series'], cpu * 1e3, '%.2f' % (cpu / naive) if naive else '', r['mean'] * 1e3, r['last'] * 1e3, r['rss'],
            r['heap'], r['firing'], r['load']), flush=True)
        tops += [(name, r['top'])] if not rules.startswith('naive:') and rules != 'none' else []
        want = 2 * ((n + 499) // 500)
        if r['failed']:
            print('FAILED: %d rules failed' % r['failed'])
            bad = 1
        if r['missed']: # coverage is lost with them, and with it verdicts
            print('%d evaluations missed: the machine is too busy for this SCALE' % r['missed'])
        elif r is not base and r['firing'] != want:
            print('FAILED: %d breaches fire, not %d' % (r['firing'], want))
            bad = 1
        elif tops and tops[-1][0] == name and (r['healthy'] != 3 * n - want // 2 or r['hard'] != want // 2):
            print('FAILED: %d healthy verdicts and %d hard ones of %d' % (r['healthy'], r['hard'], 3 * n))
            bad = 1
    for name, top in tops:
        print('\n%s, one evaluation: rules of a name, samples recorded, ms' % name)
        for rule, count, samples, seconds in top:
            print('  %-28s %6d %7d %9.1f' % (rule, count, samples, seconds * 1e3))
    sys.exit(bad)


main()
