#!/bin/sh
# guardrailc lint, explain and promql as a user meets them; our own compiled rules lint clean; the man page names every option.
. "${GR_SRCDIR:-.}/tests/command.sh"
text=-F
begin lint

cat >good.yml <<'YML'
groups:
  - name: a
    rules:
      - {record: 'job:up:sum', expr: sum by (job) (up)}
YML
cat >warns.yml <<'YML'
groups:
  - name: a
    rules:
      - {record: errors, expr: 'sum(rate(errors_total[30s]))'}
YML
sed 's/expr/exp/' good.yml >broken.yml
echo 'groups: []' >empty.yml

# -- lint
runs "lint without FILE" 2 lint; silent out; says err "which FILE"
runs "clean" 0 lint good.yml; silent err; says out "SUCCESS: 1 file, 1 rule"
runs "two clean" 0 lint good.yml "$src/tests/data/rules/good/values.yml"; says out "SUCCESS: 2 files, 19 rules"
runs "quiet" 0 lint -q good.yml; silent out
runs "a warning" 1 lint warns.yml; says out "warns.yml:4:42: GR0513 warning"; says out "FAILED: 1 file, 1 rule: 0 errors, 1 warning, 0 notes"
says_not out GR0526
runs "a warning that may be" 0 lint --fail-on error warns.yml; says out GR0513; says out "SUCCESS: 1 file, 1 rule: 0 errors, 1 warning"
runs "errors only" 0 lint --min-severity error warns.yml; says_not out GR0513
runs "notes too" 1 lint --min-severity=note warns.yml; says out "GR0526 note"
runs "failing on notes shows them" 1 lint --fail-on note --disable short-range warns.yml; says out GR0526
runs "disabled" 0 lint --disable GR0513 warns.yml; says_not out GR0513
runs "enabled note" 1 lint --enable unread-series warns.yml; says out "GR0523 note"; says_not out GR0526
runs "all" 1 lint --enable all --min-severity note warns.yml; says out GR0523; says out GR0526
runs "other scrapes" 0 lint --scrape-interval 5s warns.yml
runs "an error" 1 lint broken.yml; says out "GR0101 error"; says out "did you mean"; says out "FAILED"
runs "an error, filtered" 1 lint --min-severity error --fail-on error broken.yml; says out GR0101
runs "no rules" 1 lint empty.yml; says out "GR0505 error: there is no rule in the file"
runs "no file of rules" 1 lint "$src/README.md"; says_not out GR0505; says out "1 error,"
runs "a folder" 2 lint .; says out "cannot read .: it is a folder"
ln -s circle circle
runs "a circle" 2 lint circle; says out "its symbolic links lead in a circle"
runs "a circle, checked" 2 check circle; says out "its symbolic links lead in a circle"
runs "missing file" 2 lint missing.yml good.yml; says out "cannot read missing.yml"
runs "json" 1 lint --format json warns.yml; says out '"code":"GR0513"'; says_not out FAILED
runs "json, clean" 0 lint --format json good.yml; says out '"findings":[]'
runs "a specification" 0 lint "$src/examples/minimal/guardrails.yml" good.yml; says out "1 rule, 1 specification"
sed '/^ *limit:/s/hard:/hrad:/' "$src/examples/minimal/guardrails.yml" >spec.yml
runs "a broken specification" 1 lint spec.yml; says out "GR0101"
stdin=good.yml
runs "standard input" 0 lint -; says out "SUCCESS: 1 file"
stdin=
runs "no such finding" 2 lint --disable GR9999 good.yml; says err "no finding 'GR9999'"
runs "an error cannot be off" 2 lint --disable GR0101 good.yml; says err "stays on"
runs "no such severity" 2 lint --fail-on fatal good.yml; says err "not 'fatal'"
runs "no such severity to show" 2 lint --min-severity x good.yml; says err "not 'x'"
runs "no duration" 2 lint --scrape-interval 15 good.yml; says err "no duration"
runs "too many annotations" 2 lint --annotations a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q good.yml; says err "at most 16"
runs "annotations" 1 lint --annotations owner --fail-on note "$src/tests/data/rules/good/names.yml"; says out "no annotation owner"

# -- our own rules
for spec in "$src"/examples/*/guardrails.yml; do
  runs "compile $spec" 0 compile -q -o tree "$spec"
  runs "own rules of $spec" 0 lint --min-severity warning tree/prometheus/rules.yml; says out SUCCESS; says_not out warning:
done
runs "the worked sketch" 0 lint "$src/tests/data/lowering-sketch.yml"; says out "47 rules"

# -- explain
runs "explain" 0 explain GR0513; says out "GR0513 short-range (warning)"; says out "Bad:"; says out "Good:"; says out "# guardrail ignore GR0513"
runs "by name" 0 explain rate-of-sum; says out "GR0514"
runs "off by default" 0 explain GR0523; says out "--enable"
runs "of a specification" 0 explain GR0103; says out "a value of another kind"
runs "an error has no suppression" 0 explain GR0501; says_not out "guardrail ignore"
runs "unknown" 2 explain GR9999; says err "no finding 'GR9999'"
runs "misspelt" 2 explain rate-of-sun; says err "did you mean 'rate-of-sum'"
runs "all, a line each" 0 explain; says out "GR0103  wrong-type"; cp out list
[ "$(wc -l <out)" -eq "$(grep -c '^GR_CODE(' "$src/include/guardrail/diag_codes.def")" ] || fail "not a line for each code"
runs "--list" 0 explain --list; cmp -s out list || fail "--list is another list"
runs "several" 0 explain GR0101 GR0102; says out "GR0101 "; says out "GR0102 "
runs "in colour" 0 explain --color always GR0513; says out "$(printf '\033[31mBad:')"
runs "as JSON" 0 explain --format json GR0513; says out '"code": "GR0513"'; says out '"bad": "groups:'
runs "not as SARIF" 2 explain --format sarif GR0513; says err "text or json"
runs "docs/diagnostics.md is these pages (make update-pages)" 0 explain --markdown
cmp out "$src/docs/diagnostics.md" || fail "docs/diagnostics.md is stale: make update-pages"

# -- promql
printf 'up\nsum(\nrate(x[5m])\n1\n"é" + up)\n' >exprs
stdin=exprs
runs "promql check" 1 promql check; silent err
printf 'ok instant vector\nerror 5: the expression ends too early, expected a metric, a number, a function or "("\nok instant vector\nok scalar\n' >want
head -4 out | cmp -s - want || fail "answers differ"
says out "error 9: "
runs "promql fmt" 1 promql fmt; says out "rate(x[5m])"
printf 'sum  by(a,) (x)\nx{a="b"}' >exprs
runs "promql labels" 0 promql labels; says out "ok a?"; says out '__name__="x", a="b", *'
runs "fmt" 0 promql fmt; says out "sum by (a) (x)"
printf 'up\n==\n0\0(' >exprs
runs "with NUL" 1 promql check -0; says out "ok instant vector"; says out "error 2:"
printf 'sum by (a) (rate(%s[5m]))\0up' "$(printf 'x%.0s' $(seq 90))" >exprs
runs "fmt on several lines" 0 promql fmt -0; says out "sum by (a) ("; says out "  rate(xxx"
[ "$(tr '\0' '\n' <out | wc -l)" -eq 4 ] || fail "not three lines and one, each answer with a NUL behind it"
stdin=
runs "no expression at all" 0 promql check; silent out
runs "no verb" 2 promql; says err "check, fmt and labels"
runs "no such verb" 2 promql chek; says err "no 'promql chek'"

# -- the man page
for command in check compile explain lint promql; do
  runs "help of $command" 0 $command --help
  for option in $(grep -oE -e '--[a-z-]+' out | sort -u); do
    grep -q -e "$(echo "$option" | sed 's/-/\\\\-/g')" "$src/man/guardrailc.1" || fail "guardrailc(1) does not know $option"
  done
done

finish
