#!/usr/bin/env node
// Validates Kubernetes manifests (YAML, several documents in a file) without a cluster:
//   1. values, required fields and patterns, by the JSON schemas compiled into @kubernetes-models/*;
//   2. spelling, by their TypeScript types: an unknown field, which a CRD's schema lets pass and the API server prunes in silence;
//   3. what neither knows: child routes of an AlertmanagerConfig (untyped there), names and labels, sizes, expressions of Argo Rollouts.
// NODE_DIR=/folder/with/node_modules node k8s-validate.mjs FILE.yaml...   Exit status 1 if anything is wrong, or nothing was looked at.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const nodeDir = resolve(process.env.NODE_DIR || '.');
const req = createRequire(join(nodeDir, 'package.json'));
const yaml = req('js-yaml');
const ts = req('typescript');
const packages = {
  'argoproj.io': '@kubernetes-models/argo-rollouts',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};

let bad = 0;
let good = 0;
const typed = []; // [where, TypeScript text]
function say(where, message) {
  bad++;
  console.log(`${where}: ${message.slice(0, 500)}`);
}

// -- what the models do not know --------------------------------------------------------------------------------------------

const dns = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const key = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

function checkMetadata(where, doc, bytes) {
  const meta = doc.metadata || {};
  if (!dns.test(meta.name || '') || meta.name.length > 253) say(where, `name "${meta.name}" is none of Kubernetes`);
  for (const [k, v] of Object.entries(meta.labels || {})) {
    if (!key.test(k)) say(where, `label "${k}" has no legal key`);
    if (typeof v !== 'string' || v.length > 63 || !labelValue.test(v)) say(where, `label ${k} has no legal value`);
  }
  for (const [k, v] of Object.entries(meta.annotations || {}))
    if (!key.test(k) || typeof v !== 'string') say(where, `annotation "${k}" is not legal`);
  for (const k of Object.keys(doc.data || {})) if (!/^[-._a-zA-Z0-9]+$/.test(k)) say(where, `data has the key "${k}"`);
  if (bytes > 1 << 20) say(where, `has ${bytes} bytes`);
}

// Children of a route are plain JSON to the CRD; the operator decodes them strictly.
const routeKeys = ['receiver', 'groupBy', 'groupWait', 'groupInterval', 'repeatInterval', 'matchers', 'continue', 'routes',
  'muteTimeIntervals', 'activeTimeIntervals'];
function checkRoute(where, route, receivers, path) {
  for (const k of Object.keys(route)) if (!routeKeys.includes(k)) say(where, `${path} has the unknown key "${k}"`);
  if (route.receiver && !receivers.includes(route.receiver)) say(where, `${path} sends to "${route.receiver}", which is not there`);
  for (const m of route.matchers || []) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(m.name || '') || !['=', '!=', '=~', '!~'].includes(m.matchType) || typeof m.value !== 'string')
      say(where, `${path} has no matcher in ${JSON.stringify(m)}`);
    if (Object.keys(m).some((k) => !['name', 'value', 'matchType'].includes(k))) say(where, `${path}: unknown key in ${JSON.stringify(m)}`);
  }
  (route.routes || []).forEach((r, i) => checkRoute(where, r, receivers, `${path}.routes[${i}]`));
}

// No data must pause: both conditions are given, and neither looks into an empty result.
function checkMetric(where, m) {
  for (const c of ['successCondition', 'failureCondition']) {
    if (!m[c]) say(where, `metric ${m.name} has no ${c}: no data could not be told apart`);
    else if (/result\[/.test(m[c]) && !m[c].startsWith('len(result) > 0 && ')) say(where, `metric ${m.name}: ${c} looks into an empty result`);
  }
  if (m.provider?.prometheus && m.provider.prometheus.query.includes('{{') && !/="\{\{args\./.test(m.provider.prometheus.query))
    say(where, `metric ${m.name}: an argument stands outside a label's value`);
  if (!(Number(m.consecutiveErrorLimit) > 1e9)) say(where, `metric ${m.name}: a server that cannot be reached aborts the rollout`);
}

const further = {
  AlertmanagerConfig: (where, doc) =>
    checkRoute(where, doc.spec.route, doc.spec.receivers.map((r) => r.name), 'route'),
  AnalysisTemplate: (where, doc) => doc.spec.metrics.forEach((m) => checkMetric(where, m)),
  HTTPRoute: (where, doc) => doc.spec.rules.forEach((r) => {
    if ((r.backendRefs || []).reduce((sum, b) => sum + (b.weight ?? 1), 0) === 0) say(where, 'a rule sends its requests nowhere');
  }),
  ConfigMap: (where, doc) => Object.entries(doc.data || {}).forEach(([k, v]) => {
    if (k.endsWith('.json')) try { JSON.parse(v); } catch (e) { say(where, `${k} is no JSON: ${e.message}`); }
  }),
};

// -- schemas and types ------------------------------------------------------------------------------------------------------

async function check(file, doc, text) {
  const [group, version] = String(doc.apiVersion).includes('/') ? doc.apiVersion.split('/') : ['', doc.apiVersion];
  const where = `${file}: ${doc.kind}/${doc.metadata?.name}`;
  const before = bad;
  const module = group === '' ? `kubernetes-models/${version}/${doc.kind}` : packages[group] && `${packages[group]}/${group}/${version}/${doc.kind}`;
  if (!module) return say(where, `nothing is known of ${doc.apiVersion}`);
  try {
    const model = (await import(pathToFileURL(join(nodeDir, 'node_modules', `${module}.js`))))[doc.kind];
    new model(doc).validate();
  } catch (e) {
    say(where, `schema: ${e.message}`);
  }
  typed.push([where, `import type { I${doc.kind} as T } from '${module}';\nexport const d = ${JSON.stringify(doc)} satisfies T;\n`]);
  checkMetadata(where, doc, text.length);
  if (bad === before) further[doc.kind]?.(where, doc);
  if (bad === before) good++;
}

function checkTypes() {
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [] };
  const host = ts.createCompilerHost(options);
  const texts = new Map(typed.map((t, i) => [join(nodeDir, `__k8s${i}.mts`), t]));
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (n) => texts.has(n) || fileExists.call(host, n);
  host.readFile = (n) => texts.get(n)?.[1] ?? readFile.call(host, n);
  host.getSourceFile = (n, o) => (texts.has(n) ? ts.createSourceFile(n, texts.get(n)[1], o) : getSourceFile.call(host, n, o));
  for (const d of ts.getPreEmitDiagnostics(ts.createProgram([...texts.keys()], options, host)))
    say(texts.get(d.file?.fileName)?.[0] || '?', `types: ${ts.flattenDiagnosticMessageText(d.messageText, ' | ')}`);
}

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  for (const doc of yaml.loadAll(text)) if (doc) await check(file, doc, text);
}
if (typed.length) checkTypes();
console.log(`${typed.length} objects, ${bad} findings`);
process.exit(bad || !good ? 1 : 0);
