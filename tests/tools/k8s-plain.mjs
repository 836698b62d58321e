#!/usr/bin/env node
// What prometheus-operator makes of an object, printed as the plain file that Prometheus or Alertmanager would read:
//   k8s-plain.mjs rules FILE.yaml...          the rule groups of PrometheusRules
//   k8s-plain.mjs alertmanager FILE.yaml      an AlertmanagerConfig: its top route below a root, with the operator's namespace matcher and
//                                             `continue`; matchers as texts; secrets as their key
//   k8s-plain.mjs query FILE.yaml...          the queries of AnalysisTemplates, each on a line, arguments put in
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const yaml = createRequire(join(resolve(process.env.NODE_DIR || '.'), 'package.json'))('js-yaml');
const [what, ...files] = process.argv.slice(2);
const docs = files.flatMap((f) => yaml.loadAll(readFileSync(f, 'utf8')));

const snake = (k) => k.replace(/URL/, 'Url').replace(/[A-Z]/g, (c) => '_' + c.toLowerCase());
const matcher = (m) => `${m.name}${m.matchType}${JSON.stringify(m.value)}`;
function plain(v, name) {
  if (Array.isArray(v)) return v.map((x) => (/matchers|Match$/.test(name) ? matcher(x) : plain(x, '')));
  if (v === null || typeof v !== 'object') return v;
  if (typeof v.key === 'string') return name === 'apiURL' ? 'http://127.0.0.1:1/' : v.key; // of a Secret
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k === 'sourceMatch' ? 'source_matchers' : k === 'targetMatch' ? 'target_matchers' : snake(k), plain(x, k)]));
}

function alertmanager(doc) {
  const spec = plain(doc.spec, '');
  const own = `namespace=${JSON.stringify(doc.metadata.namespace)}`;
  spec.route.matchers = [own, ...(spec.route.matchers || [])];
  spec.route.continue = true;
  for (const i of spec.inhibit_rules || []) { i.source_matchers.unshift(own); i.target_matchers.unshift(own); }
  return { route: { receiver: 'nobody', routes: [spec.route] }, inhibit_rules: spec.inhibit_rules, receivers: [{ name: 'nobody' }, ...spec.receivers] };
}

if (what === 'rules') process.stdout.write(yaml.dump({ groups: docs.flatMap((d) => d.spec.groups) }, { lineWidth: -1 }));
else if (what === 'alertmanager') process.stdout.write(yaml.dump(alertmanager(docs[0])));
else if (what === 'query')
  for (const d of docs) for (const m of d.spec.metrics)
    if (m.provider.prometheus) console.log(m.provider.prometheus.query.replace(/\{\{args\.[a-z_]+\}\}/g, 'x').replace(/\s+/g, ' ').trim());
