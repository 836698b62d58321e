"""The same rules as tests/bench/rules.jsonnet, through PyYAML (libyaml's emitter where it has it): rules.py N >rules.yml"""
import sys

import yaml

MATCHER = '{spec="bench",guardrail="%s"'
HASH = '0123456789abcdef' * 4


def guardrail(i):
    name, service = 'guardrail_%05d' % i, 'svc%d' % (i // 10)
    matcher = MATCHER % name
    soft, hard = 1.1 + i % 7 / 100, 1.3 + i % 11 / 100

    def slot(counter, part):
        return {'record': 'guardrail:slot:sum',
                'expr': '0.8 * sum without (track) (label_replace(sum by (cluster, venue, track) (\n    increase(' + service + '_' + counter + '_' +
                        str(i) + '_total{track=~"canary|control"}[2m30s])), "cohort", "$1", "track", "(.+)"))\n* on (cluster) group_left (spec, '
                        'deployment_id, phase) guardrail:gate{spec="bench",phase=~"small|large"}',
                'labels': {'guardrail': name, 'part': part}}

    def limit(level, value):
        return {'record': 'guardrail:limit', 'expr': 'guardrail:effect%s} * 0 + %g' % (matcher, value),
                'labels': {'guardrail': name, 'level': level, 'side': 'upper'}}

    def alert(title, level, text, expr, **more):
        return {'alert': title, 'expr': expr, **more,
                'labels': {'guardrail': name, 'group': 'team_%d' % (i // 50), 'level': level,
                           **({'side': 'upper'} if level != 'no_data' else {})},
                'annotations': {'summary': '{{ $labels.guardrail }} cluster={{ $labels.cluster }} venue={{ $labels.venue }}: ' + text,
                                'metric': '%s.metric.%d' % (service, i),
                                'runbook_url': 'https://runbooks.example.org/' + name, 'spec_hash': HASH}}

    def breach(title, level, value, **more):
        m = matcher
        return alert(title, level, '%s limit %g' % (level, value),
                     f'guardrail:effect{m}}} > {value:g}\nand guardrail:evidence{m}}} > 12.3884 and guardrail:test:d{m}}} > 0\n'
                     f'and guardrail:enough{m}}}\nunless sum without (cohort) (guardrail:test:bad{m},cohort="canary"}} < 5)', **more)

    return [{'record': 'guardrail:expected', 'expr': 'guardrail:slice{spec="bench",phase=~"small|large",venue!=""}', 'labels': {'guardrail': name}},
            slot('requests', 'total'), limit('hard', hard),
            breach('GuardrailHardBreach', 'hard', hard), breach('GuardrailSoftBreach', 'soft', soft, keep_firing_for='4m'),
            alert('GuardrailNoData', 'no_data', 'no data, so no verdict',
                  'guardrail:insufficient' + matcher + ',reason=~"missing|no_control"}', **{'for': '4m'})]


rules = [rule for i in range(int(sys.argv[1])) for rule in guardrail(i)]
yaml.dump({'groups': [{'name': 'bench', 'interval': '2m', 'rules': rules}]}, sys.stdout, sort_keys=False, width=1000000,
          Dumper=getattr(yaml, 'CSafeDumper', yaml.SafeDumper))
