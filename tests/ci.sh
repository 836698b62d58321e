#!/usr/bin/env bash
# Every command of examples/ci/ in a real Git repository: a good change passes, and each kind of bad one is stopped where it should be.
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}" "${PROMTOOL:=promtool}" "${AMTOOL:=amtool}"
src=$(cd "$GR_SRCDIR" && pwd) && build=$(cd "$GR_BUILDDIR" && pwd) || exit 1
# Debian's modules are for Debian's Python, which need not be the first on the PATH.
python=/usr/bin/python3
$python -c 'import yaml' 2>/dev/null || { echo "python3-yaml is not there"; exit 77; }
work=$(mktemp -d "$build/ci.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/repo" && ln -s "$build/guardrailc" "$work/bin/guardrailc" || exit 1
ln -s "$(command -v "$PROMTOOL")" "$work/bin/promtool" && ln -s "$(command -v "$AMTOOL")" "$work/bin/amtool" || exit 1
export PATH=$work/bin:$PATH HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
  GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com SPEC=guardrails.yml COMPILED=compiled
bad=0 cases=0

# The commands of a file, one script a step: GitHub's steps with a "run", GitLab's lines.
$python - "$src/examples/ci" "$work" <<'PYTHON' || exit 1
import sys, yaml
examples, work = sys.argv[1:]
steps = yaml.safe_load(open(examples + '/github.yml'))['jobs']['guardrails']['steps']
steps = {s['name'].split()[0]: s['run'] for s in steps if 'run' in s}
job = yaml.safe_load(open(examples + '/gitlab.yml'))['guardrails']
lines = {line.split()[1]: line for line in job['script'] + job['after_script']}
lines['Prometheus'] = '\n'.join(line for line in job['script'] if 'tool ' in line)
hooks = yaml.safe_load(open(examples + '/../../.pre-commit-hooks.yaml'))
names = {'check': 'check', 'fmt': 'format', 'compile': 'compiled', 'diff': 'what', 'Prometheus': 'Prometheus'}
for name in names.values():
    open(f'{work}/github.{name}', 'w').write(steps[name])
for word, name in names.items():
    open(f'{work}/gitlab.{name}', 'w').write(lines[word])
# Later of two "check" lines: the one for code scanning.
open(f'{work}/github.findings', 'w').write(steps['findings'])
open(f'{work}/gitlab.findings', 'w').write(job['after_script'][0])
for name in ('check', 'what'):
    assert 'guardrailc' in open(f'{work}/gitlab.{name}').read()
open(f'{work}/gitlab.check', 'w').write(job['script'][0])
for hook in hooks:
    open(f'{work}/hook.{hook["id"][len("guardrailc-"):]}', 'w').write(hook['entry'] + ' "$SPEC"')
PYTHON

fail() { echo "FAILED: $*"; sed 's/^/  /' "$work/out"; bad=$((bad + 1)); }
# expect SCENARIO STEP CODE: runs a step of both files as CI does; its output is left in $work/out.
expect() {
  local file got
  for file in "$work"/github."$2" "$work"/gitlab."$2"; do
    cases=$((cases + 1))
    (cd "$work/repo" && FAIL_ON=${fail_on:-loosened} BASE=$base CI_MERGE_REQUEST_DIFF_BASE_SHA=$base sh -e "$file") \
      >"$work/out" 2>&1
    got=$?
    [ $got -eq "$3" ] || fail "$1: ${file##*/} exits with $got, not $3"
  done
}
says() { grep -q -e "$2" "$1" || fail "$1 does not say: $2"; }
commits() { # WANTED CODE: through the hook
  cases=$((cases + 1))
  (cd "$work/repo" && git add -A && git commit -qm change) >"$work/out" 2>&1
  local got=$?
  [ $((got != 0)) -eq "$2" ] || fail "$1: git commit exits with $got"
}
restart() { git -C "$work/repo" reset -q --hard "$base" && git -C "$work/repo" clean -qfd; }
compile() { (cd "$work/repo" && guardrailc compile -q guardrails.yml -o compiled) || fail "compile"; }
edit() { sed -i "$1" "$work/repo/guardrails.yml"; git -C "$work/repo" diff --quiet && fail "the edit $1 changes nothing"; }

cd "$work/repo" || exit 1
git init -q . && cp "$src/examples/minimal/guardrails.yml" . && guardrailc fmt -q guardrails.yml && compile
git add -A && git commit -qm base && base=$(git rev-parse HEAD) || exit 1
install -m 755 "$src/examples/ci/pre-commit" .git/hooks/pre-commit

# A tighter limit, compiled again: all is well.
edit 's/hard: +50%/hard: +45%/'; compile
for step in check format compiled Prometheus what findings; do expect "tightened" $step 0; done
says diff.md '[Tt]ighte'
says guardrails.sarif '"version":"2.1.0"'
for entry in "$work"/hook.*; do (sh -e "$entry") >"$work/out" 2>&1 || fail "tightened: ${entry##*/}"; done
rm -f diff.md guardrails.sarif
commits "tightened" 0; restart

# The same without compiling.
edit 's/hard: +50%/hard: +45%/'
expect "stale" check 0; expect "stale" compiled 1; commits "stale" 1; restart

# A looser limit.
edit 's/hard: +50%/hard: +60%/'; compile
expect "loosened" compiled 0; expect "loosened" what 1; says diff.md '[Ll]oose'
fail_on=never; expect "loosened, approved" what 0; fail_on=
restart

# A mistake.
edit 's/hard: +50%/hrad: +50%/'
expect "broken" check 1; expect "broken" compiled 1; expect "broken" findings 0; says guardrails.sarif '"ruleId":"GR0101"'
(sh -e "$work/github.check") >"$work/out" 2>&1; says "$work/out" '^::error file=guardrails.yml,line='
rm -f guardrails.sarif
commits "broken" 1; restart

# Bad layout.
edit 's/^spec: /spec:    /'
expect "layout" check 0; expect "layout" format 1; says "$work/out" '^+spec: '; commits "layout" 1; restart

echo "$cases cases, $bad failures"
[ $bad -eq 0 ]
