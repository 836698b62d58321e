#!/usr/bin/python3
"""Asks a Prometheus every query of dashboards, as Grafana would on opening them: variables, repeated rows, annotations, panels.

    queries.py --prom URL --at SECONDS [--span 60] [--interval 0.25] [--may-be-empty TITLE]… [--marks NAME]… FILE…

--may-be-empty: a panel of this title may have no data. --marks: the annotation of this name must have a mark in the range. Prints what each
dashboard asked and got; exit 1 when a query fails, a panel has no data, or a variable has no values."""
import argparse, concurrent.futures, json, re, sys, urllib.error, urllib.parse, urllib.request

findings = []


class Prometheus:
    def __init__(self, url):
        self.url = url

    def get(self, path, **query):
        text = urllib.parse.urlencode(query)
        if path.startswith('label/'): # which takes no POST
            request = urllib.request.Request(f'{self.url}/api/v1/{path}?{text}')
        else:
            request = urllib.request.Request(f'{self.url}/api/v1/{path}', text.encode())
        try:
            with urllib.request.urlopen(request) as r:
                return json.load(r)['data']
        except urllib.error.HTTPError as e:
            raise ValueError(json.load(e).get('error', str(e))) from None


def series_name(metric):
    rest = ', '.join(f'{k}="{v}"' for k, v in metric.items() if k != '__name__')
    return f'{metric.get("__name__", "")}{{{rest}}}'


class Dashboard:
    def __init__(self, path, prom, o):
        with open(path) as f:
            self.json = json.load(f)
        self.name, self.prom, self.at, self.start, self.o = path.rsplit('/', 1)[-1], prom, o.at, o.at - o.span, o
        self.step = max(o.interval, round(o.span / 300, 3))
        self.vars = {'__rate_interval': f'{int(max(4 * o.interval, self.step + o.interval) * 1000)}ms', '__interval': f'{int(self.step * 1000)}ms',
                     '__range': f'{int(o.span)}s', '__range_s': str(int(o.span)), '__from': str(int(self.start * 1000)), '__to': str(int(self.at * 1000))}
        self.values, self.asked, self.empty, self.marks = {}, 0, [], {}

    def say(self, what):
        findings.append(f'{self.name}: {what}')

    def sub(self, text, scope=()):
        known = {**self.vars, **dict(scope)}
        return re.sub(r'\$\{(\w+)(?::\w+)?\}|\$(\w+)', lambda m: known.get(m[1] or m[2], m[0]), text)

    def options(self, v):
        query = self.sub(v['query']['query'] if isinstance(v['query'], dict) else v['query'])
        m = re.match(r'^label_values\((?:(.+),\s*)?(\w+)\)$', query, re.S)
        if m:
            match = {'match[]': m[1]} if m[1] else {}
            found = self.prom.get(f'label/{m[2]}/values', start=self.start, end=self.at, **match)
        else:
            m = re.match(r'^query_result\((.+)\)$', query, re.S)
            found = [f'{series_name(r["metric"])} {r["value"][1]}' for r in self.prom.get('query', query=m[1], time=self.at)['result']]
        if v.get('regex'):
            found = [m[1] for m in (re.search(v['regex'].strip('/'), x) for x in found) if m]
        return list(dict.fromkeys(sorted(found) if v.get('sort') else found))

    def read_variables(self):
        for v in self.json['templating']['list']:
            current = v.get('current', {}).get('value', [])
            everything = '$__all' in ([current] if isinstance(current, str) else current)
            if v['type'] == 'datasource':
                self.vars[v['name']] = 'prometheus'
                continue
            values = self.options(v)
            if not values and v['name'] not in self.o.may_be_empty:
                self.say(f'variable {v["name"]} has no values')
            chosen = values if everything else values[:1]
            self.values[v['name']] = chosen
            self.vars[v['name']] = v['allValue'] if everything and v.get('allValue') else \
                chosen[0] if len(chosen) == 1 else '(' + '|'.join(chosen) + ')'

    def panels(self):
        """Each panel with the values of what repeats it."""
        scopes = [()]
        for p in self.json['panels']:
            if p['type'] == 'row':
                scopes = [((p['repeat'], x),) for x in self.values.get(p['repeat'], [])] if p.get('repeat') else [()]
                for q in p.get('panels', []):
                    for s in scopes:
                        yield q, s
            else:
                for s in scopes:
                    yield p, s

    def ask_panel(self, p, scope):
        rows = 0
        for t in p.get('targets', []):
            expr = self.sub(t['expr'], scope)
            try:
                if t.get('instant'):
                    data = self.prom.get('query', query=expr, time=self.at)
                else:
                    data = self.prom.get('query_range', query=expr, start=self.start, end=self.at, step=self.step)
                rows += len(data['result'])
            except ValueError as e:
                self.say(f'"{p["title"]}": {e}: {expr}')
            self.asked += 1
        if rows == 0:
            title = self.sub(p['title'], scope)
            self.empty.append(title)
            if title not in self.o.may_be_empty:
                self.say(f'"{title}" has no data')

    def ask_annotation(self, a):
        try:
            data = self.prom.get('query_range', query=self.sub(a['expr']), start=self.start, end=self.at, step=a['step'])
        except ValueError as e:
            self.say(f'annotation "{a["name"]}": {e}')
            return
        times = {float(v) / 1000 for r in data['result'] for _, v in r['values']}
        self.marks[a['name']] = len([t for t in times if self.start <= t <= self.at])
        for r in data['result']: # every label of its text is there
            for label in re.findall(r'\{\{(\w+)\}\}', a['titleFormat'] + a['textFormat']):
                if label not in r['metric']:
                    self.say(f'annotation "{a["name"]}" names {label}, which {series_name(r["metric"])} does not have')

    def ask(self, pool):
        self.read_variables()
        jobs = [pool.submit(self.ask_panel, p, s) for p, s in self.panels() if p['type'] != 'text']
        jobs += [pool.submit(self.ask_annotation, a) for a in self.json['annotations']['list']]
        for j in jobs:
            j.result()
        for name in self.o.marks:
            if not self.marks.get(name):
                self.say(f'annotation "{name}" has no mark')
        print(f'{self.name:40} {self.asked:4} queries, marks {self.marks}' + (f', empty: {self.empty}' if self.empty else ''))


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--prom', required=True)
    a.add_argument('--at', type=float, required=True)
    a.add_argument('--span', type=float, default=60)
    a.add_argument('--interval', type=float, default=0.25)
    a.add_argument('--may-be-empty', action='append', default=[])
    a.add_argument('--marks', action='append', default=[])
    a.add_argument('files', nargs='+')
    o = a.parse_args()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for f in o.files:
            Dashboard(f, Prometheus(o.prom), o).ask(pool)
    for f in findings:
        print(f)
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
