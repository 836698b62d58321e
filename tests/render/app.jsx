// Browser half of render.mjs.  Grafana's own code does the work that decides what a person sees: units, decimals,
// thresholds, mappings, overrides, transformations (@grafana/data) and drawing (@grafana/ui: TimeSeries, BigValue,
// TableNG, PanelChrome).  Ours: the grid, the Prometheus client, variables, repeated rows, the lines of annotations, and the
// state-timeline strip (not in @grafana/ui).
import React from 'react';
import { createRoot } from 'react-dom/client';
import * as D from '@grafana/data';
import { TimeSeries, BigValue, PanelChrome, GlobalStyles, VizLegend, PanelContextProvider } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { lastValueFrom, of } from 'rxjs';

const args = new URLSearchParams(location.search);
const theme = D.createTheme({ colors: { mode: args.get('theme') || 'dark' } });
const W = Number(args.get('width') || 1600), GAP = 8, ROW = 30, COLS = 24;
const report = (window.__report = { panels: [], annotations: [], links: [], layout: [], warnings: [], visible: 0 });
const warn0 = console.warn;
console.warn = (...a) => { report.warnings.push(a.map(String).join(' ').slice(0, 300)); warn0(...a); };

D.standardTransformersRegistry.setInit(() => [...new Map(Object.values(D.standardTransformers).map((t) => [t.id, t])).values()].map((t) => ({
  id: t.id, name: t.name, transformation: async () => t, editor: () => null, imageDark: '', imageLight: '' })));

// --- field configuration: what a panel plugin registers at start-up -------------------------------------------------
const STD = ['unit', 'min', 'max', 'fieldMinMax', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings',
  'links', 'actions', 'color', 'filterable', 'description'];
const item = (id, path, isCustom) => ({ id, path, isCustom, name: id, process: (v) => v, shouldApply: () => true, settings: {} });
const flat = (o, p = '') => Object.entries(o || {}).flatMap(([k, v]) =>
  v && typeof v === 'object' && !Array.isArray(v) ? flat(v, p + k + '.') : [p + k]);
const registry = (custom, bad) => {
  const items = STD.map((s) => item(s, s, false)).concat(flat(custom).map((p) => item('custom.' + p, p, true)));
  return { list: () => items, getIfExists: (id) => items.find((i) => i.id === id) ||
    (id.startsWith('custom.') ? item(id, id.slice(7), true) : (bad(`unknown override property "${id}"`), undefined)),
    get: (id) => items.find((i) => i.id === id) };
};
const TS_DEFAULTS = { drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none',
  barAlignment: 0, showPoints: 'auto', pointSize: 5, spanNulls: false, insertNulls: false, axisPlacement: 'auto',
  axisLabel: '', axisColorMode: 'text', axisBorderShow: false, axisCenteredZero: false, scaleDistribution: { type: 'linear' },
  stacking: { mode: 'none', group: 'A' }, thresholdsStyle: { mode: 'off' }, hideFrom: { tooltip: false, viz: false, legend: false } };

// --- Prometheus ----------------------------------------------------------------------------------------------------
async function prom(path, q) {
  const r = await fetch('/prom/api/v1/' + path + '?' + new URLSearchParams(q));
  const j = await r.json();
  if (j.status !== 'success') throw new Error(j.error || 'query failed');
  if (j.warnings) report.warnings.push(...j.warnings);
  return j.data;
}
const num = (s) => (s === '+Inf' ? Infinity : s === '-Inf' ? -Infinity : Number(s));
const fmtLabels = (m) => { const { __name__, ...r } = m; const s = Object.entries(r).map(([k, v]) => `${k}="${v}"`).join(', ');
  return (__name__ || '') + (s || !__name__ ? `{${s}}` : ''); };
const legendOf = (t, m) => (!t.legendFormat || t.legendFormat === '__auto') ? fmtLabels(m)
  : t.legendFormat.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, k) => m[k] ?? '');

// scrape: the data source's timeInterval in seconds; a query has about 300 steps, as a panel that is half as wide as the screen.
function vars(dash, range, scrape) {
  const step = Math.max(scrape, Math.round((range.to - range.from) / 300) / 1000);
  const v = { __rate_interval: Math.max(4 * scrape, step + scrape) * 1000 + 'ms', __interval: step * 1000 + 'ms', __interval_ms: String(step * 1000),
    __range: Math.round((range.to - range.from) / 1000) + 's', __range_s: String(Math.round((range.to - range.from) / 1000)), __from: String(range.from), __to: String(range.to) };
  const sub = (scope) => (s) => typeof s !== 'string' ? s : s.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]/g, (all, a, b, c) => scope[a || b || c] ?? v[a || b || c] ?? all);
  return { v, values: {}, step, sub: sub({}), scoped: (scope) => sub(scope) };
}
async function optionsOf(t, ctx, range) {
  const q = ctx.sub(typeof t.query === 'object' ? t.query.query : t.query || '').trim();
  let m, opts = [];
  if ((m = /^label_values\((?:(.+),\s*)?(\w+)\)$/s.exec(q)))
    opts = await prom(`label/${m[2]}/values`, { start: range.from / 1000, end: range.to / 1000, ...(m[1] ? { 'match[]': m[1] } : {}) });
  else if ((m = /^query_result\((.+)\)$/s.exec(q)))
    opts = (await prom('query', { query: m[1], time: range.to / 1000 })).result.map((r) => `${fmtLabels(r.metric)} ${r.value[1]} ${r.value[0] * 1000}`);
  else if (q) report.layout.push(`variable ${t.name}: neither label_values() nor query_result(): ${q}`);
  if (t.regex) { const re = new RegExp(t.regex.replace(/^\/|\/\w*$/g, '')); opts = opts.map((o) => re.exec(o)).filter(Boolean).map((x) => x[1] ?? x[0]); }
  if (t.sort) opts.sort(); if (t.sort === 2) opts.reverse();
  return [...new Set(opts)];
}
// A variable without a value of its own takes its first option, as Grafana does on opening.
async function resolveVars(dash, ctx, range) {
  const given = JSON.parse(args.get('vars') || '{}');
  for (const t of dash.templating?.list || []) {
    if (given[t.name] !== undefined) { ctx.values[t.name] = [given[t.name]]; ctx.v[t.name] = given[t.name]; continue; }
    const cur = t.current?.value, all = cur === '$__all' || (Array.isArray(cur) && cur.includes('$__all'));
    if (t.type === 'query') {
      const opts = await optionsOf(t, ctx, range);
      if (!opts.length) report.warnings.push(`variable ${t.name}: no values`);
      const chosen = all ? opts : cur && cur.length ? [].concat(cur) : opts.slice(0, 1);
      ctx.values[t.name] = chosen;
      ctx.v[t.name] = all && t.allValue ? t.allValue : chosen.length === 1 ? chosen[0] : '(' + chosen.join('|') + ')';
    } else if (t.type === 'datasource') ctx.v[t.name] = 'prometheus';
    else ctx.v[t.name] = all ? (t.allValue || '.*') : [].concat(cur ?? t.query ?? '').join('|');
  }
}
// A row (or panel) with `repeat` once for each value of that variable; what follows moves down.
function repeated(dash, ctx) {
  const out = []; let shift = 0;
  const put = (p, scope, dy) => { const c = JSON.parse(JSON.stringify(p)); c.scope = scope; c.gridPos.y += dy;
    for (const q of c.panels || []) { q.scope = scope; q.gridPos.y += dy; } out.push(c); };
  const list = [...(dash.panels || [])].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  for (let i = 0; i < list.length; i++) {
    const p = list[i];
    if (!p.repeat) { put(p, {}, shift); continue; }
    const members = [p];                                    // an open row's panels stand behind it, to the next row
    while (p.type === 'row' && !p.collapsed && list[i + 1] && list[i + 1].type !== 'row') members.push(list[++i]);
    const h = Math.max(...members.map((q) => q.gridPos.y + q.gridPos.h)) - p.gridPos.y, values = ctx.values[p.repeat] || [];
    if (!values.length) report.layout.push(`"${p.title}" is repeated for ${p.repeat}, which has no values`);
    values.forEach((v, k) => members.forEach((q) => put({ ...q, id: k ? `${q.id}-${k}` : q.id }, { [p.repeat]: v }, shift + k * h)));
    shift += h * (values.length - 1);
  }
  return out;
}

// --- annotations ----------------------------------------------------------------------------------------------------
// What Grafana's Prometheus data source makes of a range query: with useValueForTime the value is the time, in milliseconds; marks that
// are no more than a step apart are one region.
async function annotations(dash, ctx, range) {
  const out = [];
  for (const a of dash.annotations?.list || []) {
    if (!a.enable || !a.expr) continue;
    const rec = { name: a.name, marks: 0 }; report.annotations.push(rec);
    const ms = { ms: 1, s: 1e3, m: 6e4, h: 36e5 }, parts = [...String(a.step || '60s').matchAll(/(\d+)(ms|s|m|h)/g)];
    const step = Math.max(parts.reduce((n, [, v, u]) => n + v * ms[u], 0), (range.to - range.from) / 11000);
    try {
      const d = await prom('query_range', { query: ctx.sub(a.expr), start: range.from / 1000, end: range.to / 1000, step: step / 1000 });
      for (const r of d.result) {
        let last;
        for (const [ts, v] of r.values) {
          const at = a.useValueForTime ? Math.floor(num(v)) : Math.floor(ts * 1000);
          if (!a.useValueForTime && !(num(v) > 0)) continue;
          if (last && last.timeEnd + step >= at) { last.timeEnd = at; continue; }
          last = { time: at, timeEnd: at, color: theme.visualization.getColorByName(a.iconColor), name: a.name,
            title: legendOf({ legendFormat: a.titleFormat }, r.metric), text: legendOf({ legendFormat: a.textFormat }, r.metric) };
          if (at >= range.from && at <= range.to) { out.push(last); rec.marks++; (rec.texts ||= []).push(last.text); }
        }
      }
      if (rec.texts) rec.texts = rec.texts.slice(0, 5);
    } catch (e) { rec.error = String(e.message || e); }
  }
  return out;
}
function Marks({ config, list }) {
  React.useLayoutEffect(() => { config.addHook('draw', (u) => {
    const c = u.ctx, px = window.devicePixelRatio; c.save();
    c.beginPath(); c.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height + 8 * px); c.clip();
    for (const m of list) {
      const x = Math.round(u.valToPos(m.time, 'x', true)), end = Math.round(u.valToPos(m.timeEnd, 'x', true));
      c.strokeStyle = c.fillStyle = m.color; c.lineWidth = px; c.setLineDash([5, 5]); c.beginPath(); c.moveTo(x, u.bbox.top); c.lineTo(x, u.bbox.top + u.bbox.height); c.stroke();
      if (end > x) { c.globalAlpha = 0.1; c.fillRect(x, u.bbox.top, end - x, u.bbox.height); c.globalAlpha = 1; }
      const y = u.bbox.top + u.bbox.height; c.beginPath(); c.moveTo(x, y); c.lineTo(x - 4 * px, y + 7 * px); c.lineTo(x + 4 * px, y + 7 * px); c.fill();
    }
    c.restore(); }); }, [config]);
  return null;
}
async function queryPanel(p, ctx, range) {
  const sub = ctx.scoped(p.scope || {});
  const frames = [], many = (p.targets || []).filter((t) => t.format === 'table').length > 1;
  for (const t of p.targets || []) {
    if (t.hide || !t.expr) continue;
    const expr = sub(t.expr);
    const vn = many ? `Value #${t.refId}` : 'Value';
    if (t.instant && !t.range) {
      const d = await prom('query', { query: expr, time: range.to / 1000 });
      const rs = d.resultType === 'scalar' ? [{ metric: {}, value: d.result }] : d.result;
      if (t.format === 'table') {
        const names = [...new Set(rs.flatMap((r) => Object.keys(r.metric)))].sort();
        frames.push(D.createDataFrame({ refId: t.refId, fields: [
          { name: 'Time', type: 'time', config: {}, values: rs.map((r) => r.value[0] * 1000) },
          ...names.map((n) => ({ name: n, type: 'string', config: { filterable: true }, values: rs.map((r) => r.metric[n] ?? '') })),
          { name: vn, type: 'number', config: {}, values: rs.map((r) => num(r.value[1])) }] }));
      } else for (const r of rs) frames.push(frame(t, r.metric, [r.value], 0, sub));
    } else {
      const d = await prom('query_range', { query: expr, start: range.from / 1000, end: range.to / 1000, step: t.interval || ctx.step });
      for (const r of d.result) frames.push(frame(t, r.metric, r.values, ctx.step, sub));
    }
  }
  return frames;
}
function frame(t, metric, values, step, sub) {
  const T = [], V = [];
  for (const [ts, v] of values) {                         // a hole stays a hole, as in Grafana
    if (step && T.length && ts * 1000 - T[T.length - 1] > 1.5 * step * 1000) { T.push(T[T.length - 1] + step * 1000); V.push(null); }
    T.push(ts * 1000); V.push(num(v));
  }
  const dn = sub(legendOf(t, metric));
  return D.createDataFrame({ refId: t.refId, name: dn, meta: { type: 'timeseries-multi' }, fields: [
    { name: 'Time', type: 'time', config: {}, values: T },
    { name: 'Value', type: 'number', labels: metric, config: { displayNameFromDS: dn }, values: V }] });
}
let ctxSub = (s) => s;

// --- panels ----------------------------------------------------------------------------------------------------------
const Msg = ({ children, color }) => <div style={{ display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', color: color || theme.colors.text.secondary }}>{children}</div>;
function StateTimeline({ frames, width, height, range, options, marks }) {
  const every = frames.flatMap((f) => { const t = f.fields.find((x) => x.type === 'time');
    return t ? f.fields.filter((x) => x !== t && x.type !== 'time').map((x) => ({ t, x, name: D.getFieldDisplayName(x, f, frames) })) : []; });
  const rows = every.slice(0, options.perPage || every.length), more = every.length - rows.length;
  const names = Math.min(width / 3, 8 + 7 * Math.max(8, ...rows.map((r) => r.name.length))), h = Math.max(14, (height - 46) / Math.max(1, rows.length)), span = range.to - range.from, seen = new Map();
  const out = rows.map(({ t, x, name }, i) => {
    const segs = [], step = window.__step * 1000, T = [...t.values], V = [...x.values];
    // As Grafana does: nulls where samples are missing, before the first and behind the last too; drawn if null is mapped.
    if (T.length && T[0] > range.from + 1.5 * step) { T.unshift(range.from); V.unshift(null); }
    if (T.length && T[T.length - 1] < range.to - 1.5 * step) { T.push(T[T.length - 1] + step); V.push(null); }
    const mapped = (x.config.mappings || []).some((m) => m.type === 'special' && /^null/.test(m.options.match));
    for (let k = 0; k < V.length; k++) {
      const v = V[k]; if (Number.isNaN(v) || (v == null && !mapped)) continue;
      const d = x.display(v), txt = D.formattedValueToString(d), end = T[k + 1] ?? range.to, last = segs[segs.length - 1];
      seen.set(txt, d.color);
      if (last && last.txt === txt && last.end === T[k] && options.mergeValues !== false) last.end = end;
      else segs.push({ a: T[k], end, txt, color: d.color });
    }
    return <div key={i} style={{ display: 'flex', height: h, alignItems: 'center' }}>
      <div style={{ width: names, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', textAlign: 'right', paddingRight: 8, fontSize: 12 }}>{name}</div>
      <div style={{ position: 'relative', width: width - names - 8, height: h * (options.rowHeight ?? 0.9) }}>{segs.map((s, k) => {
        const w = (s.end - s.a) / span * (width - names - 8);
        return <div key={k} style={{ position: 'absolute', left: (s.a - range.from) / span * (width - names - 8), width: w, height: '100%', background: s.color, opacity: 0.85, fontSize: 11, overflow: 'hidden', color: theme.colors.getContrastText(s.color || '#000'), padding: '0 3px', boxSizing: 'border-box', whiteSpace: 'nowrap' }}>{options.showValue !== 'never' && w > 40 ? s.txt : ''}</div>; })}</div></div>; });
  return <div style={{ height, overflow: 'hidden', position: 'relative' }}>{out}
    {marks.map((m, i) => <div key={'m' + i} style={{ position: 'absolute', top: 0, height: h * rows.length, left: names + (m.time - range.from) / span * (width - names - 8), borderLeft: `1px dashed ${m.color}` }} />)}
    <div style={{ display: 'flex', justifyContent: 'space-between', marginLeft: names, fontSize: 11 }}>{[0, .25, .5, .75, 1].map((f) => <span key={f}>{new Date(range.from + f * span).toISOString().slice(11, 19)}</span>)}</div>
    {options.legend?.showLegend !== false && <div style={{ display: 'flex', gap: 12, fontSize: 12 }}>{more > 0 && <b>{more} more on other pages</b>}{[...seen].map(([t, c]) => <span key={t}><i style={{ display: 'inline-block', width: 14, height: 4, background: c, marginRight: 4, verticalAlign: 'middle' }} />{t}</span>)}</div>}</div>;
}
function Body({ p, frames, w, h, range, tz, marks }) {
  const tr = { from: D.dateTime(range.from), to: D.dateTime(range.to), raw: { from: 'now-1h', to: 'now' } };
  const o = p.options || {};
  const hasData = frames.some((f) => f.length > 0);
  if (p.type === 'text') return <div style={{ padding: 8 }} className="markdown-html" dangerouslySetInnerHTML={{ __html: D.renderTextPanelMarkdown(ctxSub(o.content || '')) }} />;
  if (!hasData && p.type !== 'stat') return <Msg>{p.fieldConfig?.defaults?.noValue || 'No data'}</Msg>;
  switch (p.type) {
    case 'timeseries': return <TimeSeries frames={frames} width={w} height={h} timeRange={tr} timeZone={tz}
      legend={{ displayMode: 'list', placement: 'bottom', calcs: [], showLegend: true, ...o.legend }} options={o} structureRev={1}>{(config) => <Marks config={config} list={marks} />}</TimeSeries>;
    case 'stat': {
      const vals = D.getFieldDisplayValues({ fieldConfig: p.fieldConfig || { defaults: {}, overrides: [] }, data: frames, theme, timeZone: tz,
        reduceOptions: { calcs: ['lastNotNull'], values: false, fields: '', ...o.reduceOptions }, replaceVariables: ctxSub, sparkline: (o.graphMode ?? 'area') !== 'none' });
      const horiz = (o.orientation || 'auto') === 'horizontal' || ((o.orientation || 'auto') === 'auto' && h > w), n = vals.length;
      return <div style={{ display: 'flex', flexDirection: horiz ? 'column' : 'row', gap: 4, width: w, height: h }}>{vals.map((v, i) =>
        <BigValue key={i} value={v.display} theme={theme} width={horiz ? w : (w - 4 * (n - 1)) / n} height={horiz ? (h - 4 * (n - 1)) / n : h} count={n}
          colorMode={o.colorMode || 'value'} graphMode={o.graphMode || 'area'} justifyMode={o.justifyMode || 'auto'} textMode={o.textMode || 'auto'}
          sparkline={v.sparkline} alignmentFactors={D.getDisplayValueAlignmentFactors(vals)} />)}</div>;
    }
    case 'table': return <TableNG data={frames[o.frameIndex || 0]} width={w} height={h} noHeader={o.showHeader === false} initialSortBy={o.sortBy} sortBy={o.sortBy}
      cellHeight={o.cellHeight} enablePagination={o.enablePagination} timeRange={tr} fieldConfig={p.fieldConfig} getActions={() => []} structureRev={1}
      enableSharedCrosshair={false} disableSanitizeHtml={false} resizable={false} transparent={false} />;
    case 'state-timeline': case 'status-history': return <StateTimeline frames={frames} width={w} height={h} range={range} options={o} marks={marks} />;
    default: return <Msg color="orange">panel type "{p.type}" is not drawn by this harness</Msg>;
  }
}
class Guard extends React.Component { state = {}; static getDerivedStateFromError(e) { return { e }; }
  componentDidCatch(e) { this.props.rec.error = 'render: ' + e.message; }
  render() { return this.state.e ? <Msg color="red">{String(this.state.e)}</Msg> : this.props.children; } }

function Panel({ p, frames, rec, x, y, w, h, range, tz, marks, sub }) {
  return <div data-panel={p.id} style={{ position: 'absolute', left: x, top: y, width: w, height: h }}>
    <PanelChrome title={(sub(p.title) || '') + (p.links?.length ? ' ↗' : '')} description={p.description} width={w} height={h} padding={['table', 'text'].includes(p.type) ? 'none' : 'md'}>
      {(iw, ih) => rec.error ? <Msg color="red">{rec.error}</Msg> : <Guard rec={rec}><Body p={p} frames={frames} w={iw} h={ih} range={range} tz={tz} marks={marks} /></Guard>}
    </PanelChrome></div>;
}
const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

async function main() {
  const dash = await (await fetch('/dashboard.json')).json();
  const to = Number(args.get('to') || Date.now()), range = { to, from: to - 1000 * Number(args.get('span') || 1800) };
  const tz = dash.timezone === 'browser' || !dash.timezone ? 'utc' : dash.timezone;
  const ctx = vars(dash, range, Number(args.get('interval') || 15)); ctxSub = ctx.sub; window.__step = ctx.step;
  await resolveVars(dash, ctx, range);
  report.vars = ctx.v;
  const marks = await annotations(dash, ctx, range);
  for (const l of dash.links || []) report.links.push(`${l.title}${l.url ? ' → ' + l.url : ' (tags ' + (l.tags || []).join(', ') + ')'}${l.keepTime ? ', keeps time' : ''}${l.includeVars ? ', keeps variables' : ''}`);
  let shift = 0;                                            // a collapsed row is drawn open: what follows moves down
  const whole = repeated(dash, ctx);
  for (const p of whole) if (p.type !== 'row') report.visible += (p.targets || []).filter((t) => !t.hide).length;   // what a collapsed row hides is not asked for
  const all = whole.flatMap((p) => {
    if (p.gridPos) p.gridPos = { ...p.gridPos, y: p.gridPos.y + shift };
    if (p.type !== 'row' || !p.panels?.length || args.get('folded')) return [p];
    const top = Math.min(...p.panels.map((q) => q.gridPos.y)), base = p.gridPos.y + 1;
    for (const q of p.panels) q.gridPos = { ...q.gridPos, y: q.gridPos.y - top + base };
    shift += Math.max(...p.panels.map((q) => q.gridPos.y + q.gridPos.h)) - base;
    return [p, ...p.panels];
  });
  for (let i = 0; i < all.length; i++) {
    const g = all[i].gridPos;
    if (!g) { report.layout.push(`panel ${all[i].id}: no gridPos`); continue; }
    if (g.x + g.w > COLS) report.layout.push(`panel ${all[i].id}: wider than 24 columns`);
    for (let j = 0; j < i; j++) if (all[j].gridPos && overlap(g, all[j].gridPos)) report.layout.push(`panels ${all[j].id} and ${all[i].id} overlap`);
    for (let j = 0; j < i; j++) if (all[j].id === all[i].id) report.layout.push(`panel id ${all[i].id} used twice`);
  }
  const colW = (W - GAP * (COLS - 1)) / COLS, nodes = [];
  for (const p of all) {
    const g = p.gridPos, x = g.x * (colW + GAP), y = 56 + g.y * (ROW + GAP), w = g.w * colW + (g.w - 1) * GAP, h = g.h * ROW + (g.h - 1) * GAP;
    if (p.type === 'row') { nodes.push(<div key={p.id} style={{ position: 'absolute', left: x, top: y, width: w, height: h, fontSize: 15, fontWeight: 500, lineHeight: h + 'px' }}>{p.collapsed ? '▸' : '▾'} {ctx.scoped(p.scope || {})(p.title)}</div>); continue; }
    const rec = { id: p.id, type: p.type, title: ctx.scoped(p.scope || {})(p.title), frames: 0, rows: 0 }; report.panels.push(rec);
    let frames = [];
    try {
      frames = await queryPanel(p, ctx, range);
      rec.frames = frames.length; rec.rows = frames.reduce((n, f) => n + f.length, 0);
      for (const t of p.transformations || []) if (!D.standardTransformersRegistry.getIfExists(t.id)) rec.error = `unknown transformation "${t.id}"`;
      if (p.transformations?.length && frames.length)
        frames = await lastValueFrom(D.transformDataFrame(p.transformations.filter((t) => !t.disabled), frames, { interpolate: ctx.scoped(p.scope || {}) }));
      const custom = { ...(p.type === 'timeseries' ? TS_DEFAULTS : {}), ...p.fieldConfig?.defaults?.custom };
      const defaults = { color: { mode: p.type === 'timeseries' ? 'palette-classic' : 'thresholds' }, thresholds: { mode: 'absolute', steps: [{ color: 'green', value: -Infinity }] }, ...p.fieldConfig?.defaults, custom };
      defaults.thresholds = { ...defaults.thresholds, steps: defaults.thresholds.steps.map((s) => ({ ...s, value: s.value == null ? -Infinity : s.value })) };
      p.fieldConfig = { defaults, overrides: p.fieldConfig?.overrides || [] };
      const known = (u) => !u || /^(prefix|suffix|time|si|count|currency|bool):/.test(u) || D.getValueFormats().some((c) => c.submenu.some((x) => x.value === u));
      for (const u of [defaults.unit, ...p.fieldConfig.overrides.flatMap((o) => o.properties.filter((x) => x.id === 'unit').map((x) => x.value))])
        if (!known(u)) rec.error = `unknown unit "${u}"`;
      frames = D.applyFieldOverrides({ data: frames, fieldConfig: p.fieldConfig, fieldConfigRegistry: registry(custom, (m) => { rec.error = m; }), replaceVariables: ctx.scoped(p.scope || {}), theme, timeZone: tz });
      D.cacheFieldDisplayNames(frames);                     // as PanelQueryRunner does: a table's head shows them
      rec.series = frames.slice(0, 8).flatMap((f) => f.fields.filter((x) => x.type !== 'time').slice(0, 8).map((x) => {
        const last = [...x.values].reverse().find((v) => v != null);
        return D.getFieldDisplayName(x, f, frames) + ' = ' + (last === undefined ? '-' : D.formattedValueToString(x.display(last))); }));
    } catch (e) { rec.error = String(e.message || e); }
    nodes.push(<Panel key={p.id} {...{ p, frames, rec, x, y, w, h, range, tz, marks: p.type === 'stat' || p.type === 'table' ? [] : marks, sub: ctx.scoped(p.scope || {}) }} />);
  }
  const H = 72 + Math.max(...all.map((p) => (p.gridPos.y + p.gridPos.h) * (ROW + GAP)));
  createRoot(document.getElementById('root')).render(<D.ThemeContext.Provider value={theme}><GlobalStyles />
    <div style={{ position: 'relative', width: W, height: H, background: theme.colors.background.canvas, color: theme.colors.text.primary }}>
      <div style={{ padding: 12, fontSize: 18 }}>{dash.title} <small style={{ opacity: .6 }}>{Object.entries(ctx.v).filter(([k]) => !k.startsWith('__')).map(([k, v]) => `${k}=${v}`).join('  ')}  {(dash.links || []).map((l) => `[${l.title}]`).join(' ')}  {(dash.annotations?.list || []).map((a) => <span key={a.name} style={{ color: theme.visualization.getColorByName(a.iconColor) }}>▲ {a.name} </span>)}</small></div>
      {nodes}</div></D.ThemeContext.Provider>);
  setTimeout(() => { window.__size = { w: W, h: H }; window.__ready = true; }, 1500);
}
main().catch((e) => { report.fatal = String(e.stack || e); window.__ready = true; });
