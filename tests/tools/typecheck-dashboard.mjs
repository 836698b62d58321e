#!/usr/bin/env node
// Type-checks dashboard JSON files against @grafana/schema (needs: typescript, @grafana/schema in NODE_DIR).
//   NODE_DIR=/path/with/node_modules node typecheck-dashboard.mjs dash.json...
// The JSON is pasted as a literal after `satisfies`, so an unknown field is an error (excess property check); enums are
// widened to their string values; panel options and custom field config are typed per panel type.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
const nodeDir = resolve(process.env.NODE_DIR || '.'), req = createRequire(join(nodeDir, 'package.json')), ts = req('typescript');
const S = '@grafana/schema', P = (dir, n) => `${S}/dist/esm/raw/composable/${dir}/panelcfg/x/${n}PanelCfg_types.gen`;
const panels = { timeseries: ['timeseries', 'TimeSeries'], stat: ['stat', 'Stat'], 'state-timeline': ['statetimeline', 'StateTimeline'],
  'status-history': ['statushistory', 'StatusHistory'], table: ['table', 'Table'], text: ['text', 'Text'], bargauge: ['bargauge', 'BarGauge'],
  gauge: ['gauge', 'Gauge'], barchart: ['barchart', 'BarChart'], heatmap: ['heatmap', 'Heatmap'], histogram: ['histogram', 'Histogram'] };
const has = {}; for (const [t, [d, n]] of Object.entries(panels)) {
  const f = readFileSync(join(nodeDir, 'node_modules', S, `dist/types/raw/composable/${d}/panelcfg/x/types.gen.d.ts`), 'utf8');
  has[t] = [/export (interface|type) Options\b/.test(f), /export (interface|type) FieldConfig\b/.test(f)]; }
const prelude = `import type * as G from '${S}';
${Object.entries(panels).map(([, [d, n]], i) => `import type * as P${i} from '${P(d, n)}';`).join('\n')}
type Plain<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T : T extends (infer U)[] ? Plain<U>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type PromQuery = { refId: string; expr: string; datasource?: G.DataSourceRef; legendFormat?: string; instant?: boolean; range?: boolean; format?: 'time_series' | 'table' | 'heatmap'; interval?: string; exemplar?: boolean; editorMode?: 'code' | 'builder'; hide?: boolean; intervalFactor?: number };
type Threshold = { color: string; value: number | null };
type Fc<C> = Omit<Plain<G.FieldConfig>, 'custom' | 'thresholds' | 'links' | 'color'> & { custom?: Plain<C>; thresholds?: { mode: 'absolute' | 'percentage'; steps: Threshold[] }; links?: Plain<G.DashboardLink>[] | { title: string; url: string; targetBlank?: boolean }[]; color?: { mode: \`\${G.FieldColorModeId}\`; fixedColor?: string; seriesBy?: 'last' | 'min' | 'max' } };
type Override = { matcher: { id: 'byName' | 'byRegexp' | 'byRegexpOrNames' | 'byType' | 'byTypes' | 'byFrameRefID' | 'byValue' | 'byNames'; options?: unknown }; properties: { id: string; value?: unknown }[] };
type Pan<T extends string, O, C> = Omit<Plain<G.Panel>, 'type' | 'options' | 'fieldConfig' | 'targets' | 'links'> & { type: T; title: string; id: number; gridPos: G.GridPos; options?: Plain<Partial<O>>; fieldConfig?: { defaults: Fc<C>; overrides: Override[] }; targets?: PromQuery[]; links?: { title: string; url: string; targetBlank?: boolean }[] };
type Row = { type: 'row'; id: number; title: string; collapsed: boolean; gridPos: G.GridPos; panels: AnyPanel[]; repeat?: string; datasource?: G.DataSourceRef };
type AnyPanel = Row
${Object.keys(panels).map((t, i) => `  | Pan<'${t}', ${has[t][0] ? `P${i}.Options` : 'Record<string, never>'}, ${has[t][1] ? `P${i}.FieldConfig` : 'Record<string, unknown>'}>`).join('\n')};
type Anno = Plain<G.AnnotationQuery> & { expr?: string; titleFormat?: string; textFormat?: string; tagKeys?: string; step?: string; useValueForTime?: boolean };
type Dash = Omit<Plain<G.Dashboard>, 'panels' | 'templating' | 'annotations'> & { panels: AnyPanel[]; annotations?: { list: Anno[] }; templating?: { list: Plain<G.VariableModel>[] } };
`;
const files = new Map(process.argv.slice(2).map((f, i) => [join(nodeDir, `__dash${i}.ts`), f]));
const lines = prelude.split('\n').length - 1, opts = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, types: [], exactOptionalPropertyTypes: false };
const host = ts.createCompilerHost(opts), read = host.readFile.bind(host), exists = host.fileExists.bind(host), get = host.getSourceFile.bind(host);
const text = (n) => prelude + 'export const d = ' + JSON.stringify(JSON.parse(readFileSync(files.get(n), 'utf8')), null, 1) + ' satisfies Dash;\n';
host.fileExists = (n) => files.has(n) || exists(n); host.readFile = (n) => (files.has(n) ? text(n) : read(n));
host.getSourceFile = (n, o) => (files.has(n) ? ts.createSourceFile(n, text(n), o) : get(n, o));
let bad = 0;
for (const d of ts.getPreEmitDiagnostics(ts.createProgram([...files.keys()], opts, host))) {
  bad++;
  const p = d.file && d.file.getLineAndCharacterOfPosition(d.start);
  console.log(`${d.file ? files.get(d.file.fileName) || d.file.fileName : ''}:${p ? p.line - lines + 1 : 0} (of the re-indented JSON): ${ts.flattenDiagnosticMessageText(d.messageText, '\n').split('\n').slice(0, 6).join(' | ').slice(0, 420)}`);
}
console.log(bad ? `${bad} type errors` : `ok: ${files.size} file(s)`); process.exit(bad ? 1 : 0);
