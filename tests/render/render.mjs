#!/usr/bin/env node
// Renders a dashboard JSON to PNG with Grafana's own components in headless Chromium, against a Prometheus on loopback.
//   NODE_DIR=/path/with/node_modules node render.mjs dash.json --prom http://127.0.0.1:9090 --out dash.png
//        [--span 1800] [--to epoch_ms] [--interval 15] [--width 1600] [--theme dark|light] [--max-queries 20] [--allow-empty] [--may-be-empty TITLE]…
//        [--var NAME=VALUE]… [--folded]
// folded: collapsed rows stay closed, as on opening. interval: the data source's timeInterval in seconds. Prints a JSON report; exit 1 when the layout is wrong, more queries run at once than
// allowed, or a panel or annotation has an error, or a panel (without --allow-empty) no data.
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url)), nodeDir = resolve(process.env.NODE_DIR || here);
const req = createRequire(join(nodeDir, 'package.json'));
const opt = { prom: 'http://127.0.0.1:9090', out: 'dashboard.png', span: '1800', width: '1600', theme: 'dark', to: '', interval: '15', 'max-queries': '20' };
const mayBeEmpty = new Set();
const vars = {};
let file, folded = '', allowEmpty = false;
for (let i = 2; i < process.argv.length; i++) {
  const a = process.argv[i];
  if (a === '--allow-empty') allowEmpty = true;
  else if (a === '--may-be-empty') mayBeEmpty.add(process.argv[++i]);
  else if (a === '--folded') folded = '1';
  else if (a === '--var') { const [, k, v] = /^(\w+)=(.*)$/s.exec(process.argv[++i]); vars[k] = v; }
  else if (a.startsWith('--')) opt[a.slice(2)] = process.argv[++i];
  else file = a;
}
if (!file) { console.error('usage: render.mjs dashboard.json [options]'); process.exit(2); }
const esbuild = req('esbuild'), { chromium } = req('playwright-core');

// Editors and routers that no panel draws with: replaced by a stub (saves 20 MB of bundle and their node-only imports).
const stub = { name: 'stub', setup(b) {
  b.onResolve({ filter: /^(stream|tty|util|fs|path|os|react-router-dom|react-router-dom-v5-compat|react-router|monaco-editor|@monaco-editor\/react|react-monaco-editor|slate|slate-react|slate-plain-serializer|slate-prism|ol)($|\/)/ },
    (a) => ({ path: a.path, namespace: 'stub' }));
  b.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ loader: 'js',
    contents: 'const f = function () { return null; }; module.exports = new Proxy(f, { get: (t, k) => k === "__esModule" ? true : k === "prototype" ? f.prototype : f });' }));
} };
const cache = join(nodeDir, '.render-app.js'), src = readFileSync(join(here, 'app.jsx'), 'utf8');
const tag = createHash('sha256').update(src).update(readFileSync(fileURLToPath(import.meta.url))).digest('hex');
let js; try { js = readFileSync(cache, 'utf8'); if (!js.endsWith('//' + tag + '\n')) js = null; } catch {}
if (!js) {
  const r = await esbuild.build({ stdin: { contents: src, loader: 'jsx', resolveDir: nodeDir }, bundle: true, write: false, outdir: 'x',
    format: 'iife', platform: 'browser', target: 'es2022', plugins: [stub], mainFields: ['browser', 'module', 'main'], conditions: ['import', 'browser'], jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'window' }, logLevel: 'error', minify: false,
    loader: { '.svg': 'dataurl', '.ttf': 'empty', '.woff2': 'empty', '.css': 'css', '.png': 'dataurl' } });
  const css = r.outputFiles.find((f) => f.path.endsWith('.css'))?.text || '';        // uPlot and data-grid layout
  js = `document.head.append(Object.assign(document.createElement('style'), { textContent: ${JSON.stringify(css)} }));\n`
    + r.outputFiles.find((f) => f.path.endsWith('.js')).text + '\n//' + tag + '\n';
  writeFileSync(cache, js);
}
const missing = new Set(), pub = join(nodeDir, 'node_modules/@grafana/ui/dist/public');
const dash = readFileSync(file), prom = new URL(opt.prom);
const server = createServer((q, s) => {
  if (q.url.startsWith('/prom/')) {
    const p = request({ host: prom.hostname, port: prom.port, path: q.url.slice(5), method: q.method, headers: { accept: 'application/json' } },
      (r) => { s.writeHead(r.statusCode, { 'content-type': 'application/json' }); r.pipe(s); });
    p.on('error', (e) => { s.writeHead(502); s.end(JSON.stringify({ status: 'error', error: e.message })); });
    return q.pipe(p);
  }
  if (q.url.startsWith('/public/') && !q.url.includes('..')) {                 // icons
    missing.add(q.url);
    try { s.writeHead(200, { 'content-type': 'image/svg+xml' }); return s.end(readFileSync(join(pub, q.url.replace(/^\/public\/(build\/)?/, '').replace(/\?.*/, '')))); } catch { return s.end('<svg xmlns="http://www.w3.org/2000/svg"/>'); }
  }
  const [type, body] = q.url.startsWith('/app.js') ? ['text/javascript', js] : q.url.startsWith('/dashboard.json') ? ['application/json', dash]
    : q.url === '/' || q.url.startsWith('/?') ? ['text/html', '<!doctype html><meta charset=utf-8><link rel=icon href="data:,"><body style="margin:0"><div id=root></div><div id=portal></div><script src=/app.js></script>'] : ['text/plain', null];
  s.writeHead(body === null ? 404 : 200, { 'content-type': type + '; charset=utf-8' }); s.end(body);
});
await new Promise((r) => server.listen(0, '127.0.0.1', r));
const profile = mkdtempSync(join(tmpdir(), 'render-'));
const browser = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
  viewport: { width: Number(opt.width), height: 1000 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
let rc = 0;
try {
  const page = browser.pages()[0] || (await browser.newPage()), console_ = [];
  page.on('console', (m) => m.type() === 'error' && console_.push(m.text().slice(0, 300)));
  page.on('pageerror', (e) => console_.push('pageerror: ' + e.message.slice(0, 300)));
  await page.goto(`http://127.0.0.1:${server.address().port}/?${new URLSearchParams({ span: opt.span, width: opt.width, theme: opt.theme, to: opt.to, interval: opt.interval, vars: JSON.stringify(vars), folded })}`);
  await page.waitForFunction('window.__ready === true', null, { timeout: 60000 });
  const size = await page.evaluate('window.__size');
  if (size) await page.setViewportSize({ width: size.w, height: Math.ceil(size.h) });
  await page.waitForTimeout(800);
  await page.screenshot({ path: opt.out });
  const report = await page.evaluate('window.__report');
  report.console = console_;
  console.log(JSON.stringify(report, null, 1));
  const why = [...(report.fatal ? [report.fatal] : []), ...report.layout, ...report.annotations.filter((a) => a.error).map((a) => `annotation "${a.name}": ${a.error}`),
    ...(report.visible > Number(opt['max-queries']) ? [`${report.visible} queries at once`] : []),
    ...report.panels.filter((p) => p.error).map((p) => `panel ${p.id} "${p.title}": ${p.error}`),
    ...report.panels.filter((p) => !allowEmpty && p.type !== 'text' && !p.rows && !mayBeEmpty.has(p.title)).map((p) => `panel ${p.id} "${p.title}": no data`)];
  for (const w of why) console.error(`${file}: ${w}`);
  if (why.length) rc = 1;
} finally { await browser.close(); server.close(); rmSync(profile, { recursive: true, force: true }); }
process.exit(rc);
