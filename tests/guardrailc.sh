#!/bin/sh
# guardrailc as a user meets it: exit codes, what goes to which stream, what is written and what is left alone.
. "${GR_SRCDIR:-.}/tests/command.sh"
begin guardrailc

# The tree as names and checksums.
tree() { (cd "$1" 2>/dev/null && find . -type f -exec cksum {} + | sort -k3); }
same_tree() { [ "$(tree "$1")" = "$2" ] || fail "the tree $1 changed"; }

cp "$src/examples/minimal/guardrails.yml" good.yml
sed '/^ *limit:/s/hard:/hrad:/' good.yml >broken.yml
cmp -s good.yml broken.yml && { echo "the broken specification is not broken"; exit 1; }

# -- usage
runs "nothing" 2; silent out; says err "^Usage: guardrailc COMMAND"
awk 'BEGIN { for (i = 0; i < 100000; i++) print "k" i ":" }' >many.yml
runs "100,000 findings" 1 check many.yml; says out "more, not shown"
[ "$(wc -l <out)" -lt 5000 ] || fail "more than a thousand findings are printed"
runs "--help" 0 --help; silent err; says out "^Example:"
runs "--version" 0 --version; silent err; says out "^guardrailc [0-9]"
runs "no such command" 2 xyzzyx; silent out; says err "no command 'xyzzyx'"
runs "nearly a command" 2 compil; says err "did you mean 'compile'?"
runs "no such option" 2 check --xyzzyx good.yml; silent out; says err "^guardrailc check: unknown option --xyzzyx"
runs "nearly an option" 2 check --stricd good.yml; says err "did you mean --strict?"; says err "guardrailc check --help"
runs "help of a command" 0 compile --help; silent err; says out "--time-scale N"; says out "^Examples:"
runs "check without SPEC" 2 check; silent out; says err "which SPEC"
runs "compile without SPEC" 2 compile -o tree; says err "one SPEC is wanted, 0 given"
runs "compile with two" 2 compile -o tree good.yml good.yml; says err "2 given"
runs "compile without -o" 2 compile good.yml; says err "Give -o DIR"
runs "no such format" 2 check --format xml good.yml; says err "not 'xml'"
runs "no such color" 2 check --color maybe good.yml; says err "not 'maybe'"
for scale in 0 1001 x -1 1.5 ''; do
  runs "--time-scale '$scale'" 2 compile --time-scale "$scale" -o tree good.yml; silent out; says err "whole number from 1 to 1000"
done
runs "no such part" 2 compile --only rules,rulez -o tree good.yml; says err "no part 'rulez'"
runs "a part twice" 2 compile --only rules,rules -o tree good.yml; says err "'rules' is named twice"
name="after bad usage"; [ ! -e tree ] || fail "something was written"

# -- more than the rules can say
{ sed '/^guardrails:/,$d' good.yml; sed -n '/^on:/,$p' good.yml; echo "guardrails:"
  i=0; while [ $i -lt 4500 ]; do i=$((i + 1)); echo "  - {name: g$i, metric: {ratio: {bad: b${i}_total, total: t${i}_total}}, evidence: {min_total: $i}, limit: {against: control, hard: +40%, floor: 0.1%}}"; done; } >many.yml
runs "too many different minima" 1 check many.yml; says out "GR0002 error: the rules of this specification would have"
rm many.yml

# -- input
runs "no such file" 2 check missing.yml; silent err; says out "cannot read missing.yml"
runs "a folder" 2 check .; says out "GR0001"
: >empty.yml
runs "an empty file" 1 check empty.yml; says out "empty.yml:1:1: GR"
head -c 1048577 /dev/zero | tr '\0' '#' >large.yml
runs "larger than the limit" 2 compile -o tree large.yml; says out "GR0002"; says out "larger than 1048576 bytes"
head -c 1048576 /dev/zero | tr '\0' '#' >full.yml
runs "as large as the limit" 1 check full.yml
runs "a name with an escape" 2 check "$(printf 'a\033[31mb')"; grep -q "$(printf '\033')" out && fail "the escape got through"
stdin=good.yml
runs "standard input" 0 check -; says out "^-: SUCCESS"
stdin=broken.yml
runs "standard input, broken" 1 check -; says out "^-:[0-9]*:[0-9]*: GR0101"
stdin=
runs "several, one broken" 1 check good.yml broken.yml; says out "^good.yml: SUCCESS"; says out "^broken.yml:[0-9]"
runs "several, one missing" 2 check missing.yml good.yml; says out "^good.yml: SUCCESS"
runs "quiet" 0 check -q good.yml; silent out; silent err
runs "broken" 1 check broken.yml; silent err; says out "^broken.yml:[0-9]*:[0-9]*: GR0101 error"; says out "help: .*hard"
runs "broken, quiet all the same" 1 check -q broken.yml; says out "GR0101"
sed '/^false_/d' "$src/examples/tradepulse/guardrails.yml" >warns.yml
runs "a warning" 0 check warns.yml; says out "warning"; says out "SUCCESS"
runs "a warning, strictly" 1 check --strict warns.yml; says out "warning"

# -- forms of findings
runs "no terminal, no color" 1 check broken.yml; grep -q "$(printf '\033')" out && fail "colors"
runs "always color" 1 check --color always broken.yml; says out "$(printf '\033')"
runs "always, by =" 1 check --color=always broken.yml; says out "$(printf '\033')"
NO_COLOR=1; export NO_COLOR
runs "asked for is stronger than NO_COLOR" 1 check --color always broken.yml; says out "$(printf '\033')"
unset NO_COLOR
runs "json" 1 check --format json --color always broken.yml; says out '"code": *"GR0101"'; grep -q "$(printf '\033')" out && fail "colors"
runs "json without findings" 0 check --format json good.yml; says out '"findings": *\[\]'; grep -q SUCCESS out && fail "not JSON alone"
runs "json of several" 1 check --format json good.yml broken.yml good.yml
[ "$(grep -c findings out)" -eq 1 ] || fail "not one document"; says out '"file":"broken.yml"'
runs "sarif of several" 1 check --format sarif broken.yml good.yml
[ "$(grep -c '"runs"' out)" -eq 1 ] || fail "not one document"; says out '"uri":"broken.yml"'; says out '"ruleId":"GR0101"'
runs "sarif without findings" 0 check --format sarif good.yml; says out '"results":\[\]'
runs "github" 1 check --format github good.yml broken.yml; says out '^::error file=broken.yml,line='
runs "github without findings" 0 check --format github good.yml; silent out
runs "sarif of what is not there" 2 check --format sarif nowhere.yml; says out '"ruleId":"GR0001"'
runs "json of compile" 0 compile --format json -o json-tree good.yml; says out '"findings"'; grep -q "files" out && fail "not JSON alone"

# -- targets
for target in mimir operator prometheus vmalert; do
  runs "--target $target" 0 compile -q --target $target good.yml -o "to-$target"
  runs "--target $target is what the tree is for" 0 compile --check --target $target good.yml -o "to-$target"; says out "up to date"
  name="manifest of $target"; grep -q "\"target\": \"$target\"" "to-$target/manifest.json" || fail "the target is not in it"
  runs "--target $target --only" 0 compile -q --target $target --only deploy,rules good.yml -o "part-$target"
  [ "$(find "part-$target" -type f | grep -c 'rules[a-z-]*\.ya*ml$')" -ge 1 ] || fail "no rules"
  name="part of $target"; [ ! -e "part-$target/guardraild" ] && [ ! -e "part-$target/operator/policy.yaml" ] || fail "other parts"
done
runs "another target is another tree" 1 compile --check --target mimir good.yml -o to-prometheus; says out "missing: mimir/rules.yaml"; says out "left over: prometheus/rules.yml"
runs "from one target to another" 0 compile -q --target mimir good.yml -o to-vmalert; name="the old target"; [ ! -e to-vmalert/vmalert ] || fail "its rules are still there"
runs "no such target" 2 compile --target operater good.yml -o tree; silent out; says err "operater"
sed '/^release:/s/service/namespace/; /^expect:/s/service/namespace/' good.yml >space.yml
runs "what a target cannot do" 1 compile --target operator space.yml -o tree; says out "GR0713 error"; name="refused"; [ ! -e tree ] || fail "something was written"
runs "and another can" 0 compile -q space.yml -o space

# -- output
runs "broken: nothing is written" 1 compile -o tree broken.yml; name="broken"; [ ! -e tree ] || fail "something was written"
runs "compile" 0 compile good.yml -o tree; silent err; says out "^tree: [0-9]* files, [0-9]* changed, 0 removed"
whole=$(tree tree)
runs "compile again" 0 compile good.yml -o tree; says out ", 0 changed, 0 removed"; same_tree tree "$whole"
runs "quietly" 0 compile -q good.yml -o tree; silent out
runs "broken: the old tree stays" 1 compile broken.yml -o tree; same_tree tree "$whole"
runs "fresh" 0 compile --check good.yml -o tree; says out "up to date"; same_tree tree "$whole"
echo "mine" >tree/mine.txt
runs "a foreign file is nobody's business" 0 compile --check good.yml -o tree
runs "and stays" 0 compile good.yml -o tree; name="a foreign file"; [ "$(cat tree/mine.txt)" = mine ] || fail "it is gone"
rm tree/mine.txt
echo "# touched" >>tree/prometheus/rules.yml
touched=$(tree tree)
runs "stale: a file was changed" 1 compile --check good.yml -o tree; says out "prometheus/rules.yml"; says err "stale"; same_tree tree "$touched"
runs "mended" 0 compile good.yml -o tree; says out ", 1 changed, 0 removed"; same_tree tree "$whole"
rm tree/guardraild/policy.json
runs "stale: a file is gone" 1 compile --check good.yml -o tree; says out "guardraild/policy.json"
runs "mended again" 0 compile good.yml -o tree; same_tree tree "$whole"
runs "stale: no tree" 1 compile --check good.yml -o nowhere; name="--check"; [ ! -e nowhere ] || fail "something was written"
runs "scaled is another tree" 1 compile --check --time-scale 60 good.yml -o tree; same_tree tree "$whole"
runs "one part" 0 compile --only rules good.yml -o part
name="--only"
[ -f part/prometheus/rules.yml ] && [ ! -e part/guardraild ] && [ ! -e part/grafana ] && [ ! -e part/alertmanager ] || fail "other parts"
cmp -s part/prometheus/rules.yml tree/prometheus/rules.yml || fail "the part differs from the whole's"
stdin=good.yml
runs "two parts, standard input" 0 compile --only=policy,rules -o part -; says out "1 changed, 0 removed\|2 changed, 0 removed\|changed"
stdin=
name="--only"; [ -f part/guardraild/policy.json ] || fail "policy.json is missing"
: >file
runs "DIR is a file" 3 compile good.yml -o file; says err "cannot write file"; name="DIR is a file"; [ ! -s file ] || fail "it was written"
runs "DIR is below a file" 3 compile good.yml -o file/tree; says err "cannot write file/tree"
runs "compile, to spoil it" 0 compile good.yml -o spoilt
echo "# touched" >>spoilt/alertmanager/alertmanager.yml
rm spoilt/prometheus/rules.yml
mkdir -p spoilt/prometheus/rules.yml/folder
touched=$(tree spoilt)
runs "a folder is where a file has to be" 3 compile good.yml -o spoilt; silent out; same_tree spoilt "$touched"
# Root writes wherever it likes.
if [ "$(id -u)" -ne 0 ]; then
  mkdir sealed
  chmod 555 sealed
  runs "DIR cannot be written" 3 compile good.yml -o sealed; silent out; says err "cannot write sealed"
  same_tree sealed ""
  chmod 755 sealed
  chmod 555 tree/prometheus
  echo "# touched" >>tree/guardraild/policy.json
  echo "# touched" >>tree/prometheus/rules.yml
  touched=$(tree tree)
  runs "one folder cannot be written" 3 compile good.yml -o tree; same_tree tree "$touched"
  chmod 755 tree/prometheus
fi
name="findings into a full device"
if [ -w /dev/full ]; then
  cases=$((cases + 1))
  "$guardrailc" check broken.yml >/dev/full 2>err
  [ $? -eq 3 ] || fail "not 3"
fi

finish
