// The same kind of rules as guardrailc makes of tests/bench/spec.awk, and as many: for each guardrail `expected`, a slot, a limit, two breach
// alerts and one for missing data, of about the same size. Strings are put together with +, jsonnet's fast form (% is slower).
//
//   jsonnet --ext-code n=10000 tests/bench/rules.jsonnet
local n = std.extVar('n');
local digits(i) = local s = '' + i; std.substr('00000', 0, 5 - std.length(s)) + s;
local runbooks = 'https://runbooks.example.org/';
local hash = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

local guardrail(i) = {
  local name = 'guardrail_' + digits(i),
  local service = 'svc' + std.floor(i / 10),
  local matcher = '{spec="bench",guardrail="' + name + '"',
  local soft = 1.1 + (i % 7) / 100,
  local hard = 1.3 + (i % 11) / 100,
  local own = { guardrail: name },
  local slot(counter, part) = {
    record: 'guardrail:slot:sum',
    expr: '0.8 * sum without (track) (label_replace(sum by (cluster, venue, track) (\n    increase(' + service + '_' + counter + '_' + i +
          '_total{track=~"canary|control"}[2m30s])), "cohort", "$1", "track", "(.+)"))\n* on (cluster) group_left (spec, deployment_id, phase) ' +
          'guardrail:gate{spec="bench",phase=~"small|large"}',
    labels: own + { part: part },
  },
  local limit(level, value) = {
    record: 'guardrail:limit',
    expr: 'guardrail:effect' + matcher + '} * 0 + ' + value,
    labels: own + { level: level, side: 'upper' },
  },
  local alert(title, level, text) = {
    alert: title,
    labels: own + { group: 'team_' + std.floor(i / 50), level: level },
    annotations: {
      summary: '{{ $labels.guardrail }} cluster={{ $labels.cluster }} venue={{ $labels.venue }}: ' + text,
      metric: service + '.metric.' + i,
      runbook_url: runbooks + name,
      spec_hash: hash,
    },
  },
  local breach(title, level, value) = alert(title, level, level + ' limit ' + value) + {
    expr: 'guardrail:effect' + matcher + '} > ' + value + '\nand guardrail:evidence' + matcher + '} > 12.3884 and guardrail:test:d' + matcher +
          '} > 0\nand guardrail:enough' + matcher + '}\nunless sum without (cohort) (guardrail:test:bad' + matcher + ',cohort="canary"} < 5)',
    labels+: { side: 'upper' },
  },
  rules: [
    { record: 'guardrail:expected', expr: 'guardrail:slice{spec="bench",phase=~"small|large",venue!=""}', labels: own },
    slot('requests', 'total'),
    limit('hard', hard),
    breach('GuardrailHardBreach', 'hard', hard),
    breach('GuardrailSoftBreach', 'soft', soft) + { keep_firing_for: '4m' },
    alert('GuardrailNoData', 'no_data', 'no data, so no verdict') +
    { expr: 'guardrail:insufficient' + matcher + ',reason=~"missing|no_control"}', 'for': '4m' },
  ],
};
{ groups: [{ name: 'bench', interval: '2m', rules: std.flatMap(function(i) guardrail(i).rules, std.range(0, n - 1)) }] }
