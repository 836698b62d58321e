#!/usr/bin/python3
"""What can be said of dashboards without a Prometheus:

- the rules of grafana/dashboard-linter, by its names, with the exclusions of the .lint file beside the dashboards. That program is written in
  Go and is not run here; each rule is written down once more, from its documentation (docs/rules in its repository). An exclusion must
  have a reason; with --needed, one that no dashboard asks for is an error;
- what the linter does not look at: overlaps, ids used twice, uids, links to dashboards that exist, at most 20 queries at once;
- provisioning files in Grafana's format.

    lint.py --guardrailc PROGRAM [--folder TITLE/TITLE] [--needed] [--counts] FOLDER…      each FOLDER: a compiled tree with grafana/ in it

--counts prints a line for each dashboard: bytes, panels, visible and all queries. Exit 1 on findings."""
import argparse, glob, json, os, re, subprocess, sys
import yaml

QUERIES_MAX = 20
BYTES_MAX = 1 << 20 # Grafana saves more, but opens it slowly
UID = re.compile(r'^[a-zA-Z0-9_-]{1,40}$')
# Units of Grafana that guardrailc knows: those of metrics (docs/language.md) and of our own panels.
UNITS = {'none', 'short', 'percent', 'percentunit', 's', 'ms', 'µs', 'ns', 'm', 'h', 'd', 'bytes', 'decbytes', 'Bps', 'ops', 'reqps', 'rps',
         'hertz', 'celsius', 'dateTimeAsIso', 'dateTimeFromNow', 'dtdurations', 'currencyUSD', 'currencyEUR', 'locale', 'bool', 'string'}
CUSTOM = re.compile(r'^(suffix|prefix|time|si|count|currency|bool):.')
LINTED = {'stat', 'singlestat', 'graph', 'table', 'timeseries', 'gauge', 'state-timeline', 'bargauge', 'piechart', 'barchart', 'heatmap'}
RATE = re.compile(r'\b(rate|irate)\(\s*[a-zA-Z_:][\w:]*\s*(?:\{(?:[^{}]|\$\{\w+\})*\})?\s*\[([^\]]*)\]')
TOTAL = re.compile(r'(?:(\w+)\(\s*)?\b[a-zA-Z_:][\w:]*_total\b\s*(?:\{(?:[^{}]|\$\{\w+\})*\})?\s*(\[)?')
SELECTOR = re.compile(r'\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}')

findings = []


def panels_of(dashboard):
    for panel in dashboard.get('panels', []):
        yield panel
        yield from panel.get('panels', [])


def plain(expr):
    """As the linter does before it parses: variables become words, Grafana's own durations become durations."""
    expr = re.sub(r'\$__(rate_interval|interval|range)\b', '5m', expr)
    return re.sub(r'\$\{\w+(:\w+)?\}|\$\w+', 'x', expr)


def parse_errors(program, exprs):
    """For each expression the message of guardrailc's own parser, or None."""
    if not exprs:
        return []
    r = subprocess.run([program, 'promql', 'check', '-0'], input='\0'.join(exprs) + '\0', capture_output=True, text=True)
    lines = r.stdout.splitlines()
    assert len(lines) == len(exprs), r.stderr
    return [None if line.startswith('ok') else line for line in lines]


# ---- the linter's rules: each yields (panel, message) ----

def template(dashboard, **want):
    return [v for v in dashboard.get('templating', {}).get('list', []) if all(v.get(k) == w for k, w in want.items())]


def template_datasource(d, _):
    found = template(d, type='datasource')
    if len(found) != 1:
        yield None, 'no data source variable, or several'
    for v in found:
        if v['name'] not in ('datasource', 'prometheus_datasource'):
            yield None, f'the data source variable is called {v["name"]}'
        if v.get('label') not in ('Data source', 'Prometheus data source'):
            yield None, f'the data source variable is labelled {v.get("label")}'


def template_label(name):
    def rule(d, _):
        found = template(d, name=name)
        if not found:
            yield None, f'no variable {name}'
        for v in found:
            if v.get('type') != 'query' or not v.get('multi') or v.get('allValue') != '.+' or v.get('label', '').lower() != name:
                yield None, f'variable {name} is not of the form wanted (query, multi, allValue .+)'
    return rule


def template_promql(d, program):
    for v in template(d, type='query'):
        query = v['query']['query'] if isinstance(v['query'], dict) else v['query']
        m = re.match(r'^(label_names|label_values|metrics|query_result)\((.+)\)$', query)
        if not m:
            yield None, f'variable {v["name"]}: {query}'
            continue
        inner = m[2] if m[1] == 'query_result' else re.sub(r',\s*\w+$', '', m[2])
        error = parse_errors(program, [plain(inner)])[0]
        if error:
            yield None, f'variable {v["name"]}: {error}: {inner}'


def template_reload(d, _):
    for v in template(d, type='query'):
        if v.get('refresh') != 2:
            yield None, f'variable {v["name"]} is not read again when the time range changes'


def panel_datasource(d, _):
    for p in panels_of(d):
        if p['type'] in LINTED and p.get('datasource', {}).get('uid') not in ('$datasource', '${datasource}'):
            yield p, 'does not use the data source variable'
        for t in p.get('targets', []):
            if t.get('datasource', {}).get('uid') not in ('$datasource', '${datasource}'):
                yield p, 'a query does not use the data source variable'


def panel_title(d, _):
    for p in panels_of(d):
        if p['type'] in LINTED and not (p.get('title') and p.get('description')):
            yield p, 'no title or no description'


def units_of(panel):
    config = panel.get('fieldConfig', {})
    yield config.get('defaults', {}).get('unit', '')
    for o in config.get('overrides', []):
        for x in o.get('properties', []):
            if x['id'] == 'unit':
                yield x['value']


def panel_units(d, _):
    for p in panels_of(d):
        for unit in units_of(p) if p['type'] in LINTED else ():
            if unit not in UNITS:
                yield p, f'unit "{unit}" is none of Grafana\'s'


def panel_no_targets(d, _):
    for p in panels_of(d):
        if p['type'] in LINTED and not p.get('targets'):
            yield p, 'no query'


def targets(d):
    for p in panels_of(d):
        for t in p.get('targets', []):
            yield p, t


def target_promql(d, program):
    found = list(targets(d))
    for (p, t), error in zip(found, parse_errors(program, [plain(t['expr']) for _, t in found])):
        if error:
            yield p, f'{error}: {t["expr"]}'


def target_rate_interval(d, _):
    for p, t in targets(d):
        for call, window in RATE.findall(t['expr']):
            if window != '$__rate_interval':
                yield p, f'{call}() over [{window}]'


def target_label(name):
    def rule(d, _):
        for p, t in targets(d):
            for inside in SELECTOR.findall(re.sub(r'\$\{(\w+)\}', r'$\1', t['expr'])):
                if not re.search(rf'\b{name}=~"\${name}"', inside):
                    yield p, f'a selector has no {name}=~"${name}"'
                    break
    return rule


def target_counter(d, _):
    for p, t in targets(d):
        for call, window in TOTAL.findall(t['expr']):
            if call not in ('rate', 'irate', 'increase') or not window:
                yield p, f'a counter that is not aggregated: {t["expr"]}'


def uneditable(d, _):
    if d.get('editable') is not False:
        yield None, 'can be edited'


RULES = {
    'template-datasource-rule': template_datasource, 'template-job-rule': template_label('job'),
    'template-instance-rule': template_label('instance'), 'template-label-promql-rule': template_promql,
    'template-on-time-change-reload-rule': template_reload, 'panel-datasource-rule': panel_datasource,
    'panel-title-description-rule': panel_title, 'panel-units-rule': panel_units, 'panel-no-targets-rule': panel_no_targets,
    'target-promql-rule': target_promql, 'target-rate-interval-rule': target_rate_interval, 'target-job-rule': target_label('job'),
    'target-instance-rule': target_label('instance'), 'target-counter-agg-rule': target_counter, 'uneditable-dashboard-rule': uneditable,
}

# ---- ours ----

def own_units(d, _):
    for p in panels_of(d):
        for unit in units_of(p) if p['type'] != 'row' else ():
            if unit not in UNITS and not CUSTOM.match(unit):
                yield p, f'unit "{unit}": Grafana would print it as it stands'


def overlap(a, b):
    return a['x'] < b['x'] + b['w'] and b['x'] < a['x'] + a['w'] and a['y'] < b['y'] + b['h'] and b['y'] < a['y'] + a['h']


def own_layout(d, _):
    seen = set()
    for p in panels_of(d):
        if p['id'] in seen:
            yield p, f'id {p["id"]} is used twice'
        seen.add(p['id'])
    for members in [d['panels']] + [p['panels'] for p in d['panels'] if p.get('panels')]:
        for i, p in enumerate(members):
            if p['gridPos']['x'] + p['gridPos']['w'] > 24:
                yield p, 'is wider than the grid'
            for q in members[:i]:
                if overlap(p['gridPos'], q['gridPos']):
                    yield p, f'overlaps "{q["title"]}"'


def visible(d):
    return sum(1 for p in d['panels'] for t in p.get('targets', []) if not t.get('hide'))


def own_queries(d, _):
    if visible(d) > QUERIES_MAX:
        yield None, f'{visible(d)} queries at once'


def own_uid(d, _):
    if not UID.match(d.get('uid', '')):
        yield None, f'uid {d.get("uid")}'
    if 'id' in d or 'version' in d:
        yield None, 'has an id or a version, which a provisioned dashboard must not'


OWN = {'units': own_units, 'layout': own_layout, 'queries': own_queries, 'uid': own_uid}


def urls(node):
    if isinstance(node, dict):
        for k, v in node.items():
            if k == 'url' and isinstance(v, str):
                yield v
            else:
                yield from urls(v)
    elif isinstance(node, list):
        for v in node:
            yield from urls(v)


def check_links(dashboards):
    uids = {d['uid'] for _, d in dashboards}
    if len(uids) != len(dashboards):
        findings.append('two dashboards have the same uid')
    for name, d in dashboards:
        for link in d.get('links', []):
            if not (link.get('keepTime') and link.get('includeVars')):
                findings.append(f'{name}: link "{link["title"]}" loses the time or the variables')
        for url in urls(d):
            m = re.match(r'^/d/([^/?]+)', url)
            if m and '$' not in m[1] and m[1] not in uids:
                findings.append(f'{name}: a link to {m[1]}, which is none of these dashboards')


# Keys of Grafana's provisioning files, from its documentation (administration/provisioning) and the structs that read them.
PROVIDER = {'name', 'orgId', 'folder', 'folderUid', 'type', 'disableDeletion', 'updateIntervalSeconds', 'allowUiUpdates', 'editable', 'options'}
SOURCE = {'name', 'type', 'access', 'orgId', 'uid', 'url', 'user', 'database', 'basicAuth', 'basicAuthUser', 'withCredentials', 'isDefault',
          'jsonData', 'secureJsonData', 'version', 'editable', 'correlations'}
SOURCE_JSON = {'httpMethod', 'timeInterval', 'queryTimeout', 'manageAlerts', 'prometheusType', 'prometheusVersion', 'cacheLevel'}


def check_provisioning(tree):
    def read(path, top):
        with open(os.path.join(tree, 'grafana/provisioning', path)) as f:
            doc = yaml.safe_load(f)
        if set(doc) != {'apiVersion', top} or doc['apiVersion'] != 1:
            findings.append(f'{path}: keys {sorted(doc)}')
        return doc[top]

    for p in read('dashboards/guardrail.yaml', 'providers'):
        o = p.get('options', {})
        if set(p) - PROVIDER or set(o) - {'path', 'foldersFromFilesStructure'} or p.get('type') != 'file' or not p.get('name'):
            findings.append(f'provider: {p}')
        if o.get('foldersFromFilesStructure') is not True or 'folder' in p or 'folderUid' in p: # these exclude each other
            findings.append('provider: folders do not come from the files')
        if p.get('allowUiUpdates') is not False:
            findings.append('provider: changes in Grafana would be lost')
    for s in read('datasources/guardrail.yaml', 'datasources'):
        if set(s) - SOURCE or set(s['jsonData']) - SOURCE_JSON or s.get('access') not in ('proxy', 'direct') or not UID.match(s['uid']):
            findings.append(f'data source: {s}')
        if s['type'] != 'prometheus' or not re.match(r'^(\d+(ms|s|m|h))+$', str(s['jsonData']['timeInterval'])):
            findings.append(f'data source: {s}')


def check_tree(tree, program, folder, counts, needed):
    paths = sorted(glob.glob(os.path.join(glob.escape(tree), 'grafana/dashboards/**/*.json'), recursive=True))
    dashboards = []
    if not paths:
        findings.append(f'{tree}: no dashboards')
        return 0
    where = os.path.relpath(os.path.dirname(paths[0]), os.path.join(tree, 'grafana/dashboards'))
    if folder and where != folder:
        findings.append(f'the dashboards are in {where}, not in {folder}')
    with open(os.path.join(os.path.dirname(paths[0]), '.lint')) as f:
        lint = yaml.safe_load(f)
    exclusions = lint['exclusions']
    for rule, what in exclusions.items():
        if rule not in RULES:
            findings.append(f'.lint: no rule {rule}')
        if not (what or {}).get('reason'):
            findings.append(f'.lint: {rule} has no reason')
    for path in paths:
        with open(path) as f:
            text = f.read()
        d = json.loads(text)
        name = os.path.basename(path)
        dashboards.append((name, d))
        for rule, fn in list(RULES.items()) + list(OWN.items()):
            for panel, message in fn(d, program):
                if rule in exclusions:
                    needed.add(rule)
                    continue
                findings.append(f'{name}: {rule}: ' + (f'"{panel.get("title")}": ' if panel else '') + message)
        if len(text.encode()) > BYTES_MAX:
            findings.append(f'{name}: {len(text.encode())} bytes')
        if counts:
            n = sum(1 for p in panels_of(d) if p['type'] != 'row')
            print(f'{name:40} {len(text.encode()):9} bytes {n:5} panels {visible(d):4} queries at once {sum(1 for _ in targets(d)):5} in all')
    check_links(dashboards)
    check_provisioning(tree)
    return len(paths)


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--guardrailc', required=True)
    a.add_argument('--folder')
    a.add_argument('--needed', action='store_true')
    a.add_argument('--counts', action='store_true')
    a.add_argument('trees', nargs='+')
    o = a.parse_args()
    needed, n = set(), 0
    for tree in o.trees:
        start = len(findings)
        n += check_tree(tree, o.guardrailc, o.folder, o.counts, needed)
        findings[start:] = [f'{os.path.basename(tree)}: {f}' for f in findings[start:]]
        with open(glob.glob(os.path.join(glob.escape(tree), 'grafana/dashboards/**/.lint'), recursive=True)[0]) as f:
            excluded = set(yaml.safe_load(f)['exclusions'])
    for rule in sorted(excluded - needed) if o.needed else ():
        findings.append(f'.lint: {rule} is excluded, and nothing needs it')
    for f in findings:
        print(f)
    print(f'{n} dashboards, {len(RULES)} rules, {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
