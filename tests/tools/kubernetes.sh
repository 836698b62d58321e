#!/usr/bin/env bash
# The Kubernetes objects that compile writes: against the schemas and types of their APIs, with planted mistakes that must be found; the
# embedded rules against promtool; and every alert routed as with plain files, by amtool.
# With GR_THOROUGH=no it compiles, and promtool and our own parser read the rules and the queries: the rest looks at the same files.
# Skips (77) without the packages of tests/node (node.sh says how they are found), promtool or amtool.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${PROMTOOL:=$(command -v promtool)}" "${AMTOOL:=$(command -v amtool)}"
. "$GR_SRCDIR/tests/tools/node.sh"
[ -n "$PROMTOOL" ] && [ -n "$AMTOOL" ] || { echo "SKIP: needs promtool and amtool"; exit 77; }
node_modules || { echo "SKIP: $NODE_WHY"; exit 77; }
export NODE_DIR
tools=$GR_SRCDIR/tests/tools
work=$(mktemp -d "$GR_BUILDDIR/kubernetes.XXXXXX") || exit 1
checks=0 bad=0
fail() { echo "NOT OK: $*"; bad=$((bad + 1)); }

# -- everything that is emitted is legal, its rules and queries too
# A specification without a section `deploy` gets a plain one here.
all=()
for example in kubernetes minimal tradepulse; do
  spec=$work/$example.yml
  cp "$GR_SRCDIR/examples/$example/guardrails.yml" "$spec"
  chmod u+w "$spec"
  grep -q '^deploy:' "$spec" || echo 'deploy: {argo_rollouts: true, shadow: mirror}' >>"$spec"
  "$GR_BUILDDIR/guardrailc" compile -q --target operator "$spec" -o "$work/$example" >"$work/log" 2>&1 || { cat "$work/log"; fail "$example does not compile"; }
  "$GR_BUILDDIR/guardrailc" compile -q --only alertmanager,rules "$spec" -o "$work/$example-plain" >"$work/log" 2>&1 || fail "$example, plain"
  mapfile -t objects < <(find "$work/$example" -path '*/operator/*.yaml' -o -path '*/traffic_splitter/*.yaml' -o -name argo_rollouts.yaml | sort)
  [ "${#objects[@]}" -ge 9 ] || fail "only ${#objects[@]} files of objects for $example"
  all+=("${objects[@]}")
  node "$tools/k8s-plain.mjs" rules "$work/$example"/operator/rules*.yaml >"$work/$example.rules.yml" || fail "rules of $example"
  "$PROMTOOL" check rules --lint-fatal "$work/$example.rules.yml" >"$work/log" 2>&1 || { cat "$work/log"; fail "promtool: $example"; }
  node "$tools/k8s-plain.mjs" query "$work/$example/deploy/argo_rollouts.yaml" | "$GR_BUILDDIR/guardrailc" promql check >"$work/log" || { cat "$work/log"; fail "queries of $example"; }
  checks=$((checks + ${#objects[@]} + 2))
done
if [ "${GR_THOROUGH:-yes}" = no ]; then
  [ $bad -gt 0 ] && echo "kept: $work" || rm -rf "$work"
  echo "$checks checks, $bad failed"
  [ $bad -eq 0 ]; exit
fi
# Those of the manual are legal, too (Flagger's object has a check of its own: tests/unit/webhook/controllers.py).
awk '/^```yaml$/ { on = 1; next } /^```$/ { on = 0 } on' "$GR_SRCDIR/docs/controllers.md" | sed '/flagger.app/,$d' >"$work/manual.yaml"
[ "$(grep -c '^kind: AnalysisTemplate' "$work/manual.yaml")" = 2 ] || fail "docs/controllers.md has no templates"
all+=("$work/manual.yaml")
node "$tools/k8s-validate.mjs" "${all[@]}" >"$work/log" 2>&1 || { cat "$work/log"; fail "not legal"; }

# -- mistakes are found
# FILE | what sed does to it | what the answer says. All are looked at in one run; each must have a finding of its own.
planted() {
  local file change says n=0 files=()
  while IFS='|' read -r file change says; do
    n=$((n + 1)) checks=$((checks + 1))
    sed "$change" "$work/kubernetes/$file" >"$work/planted-$n.yaml"
    cmp -s "$work/planted-$n.yaml" "$work/kubernetes/$file" && fail "$change changes nothing in $file"
    files+=("$work/planted-$n.yaml")
    printf '%s|%s|%s\n' "$file" "$change" "$says" >>"$work/planted"
  done
  node "$tools/k8s-validate.mjs" "${files[@]}" >"$work/log" 2>&1 && fail "no planted mistake is found"
  n=0
  while IFS='|' read -r file change says; do
    n=$((n + 1))
    grep "/planted-$n.yaml: .*: " "$work/log" | grep -q -e "$says" || { grep "/planted-$n.yaml: " "$work/log"; fail "$change in $file is not found, or not as: $says"; }
  done <"$work/planted"
}
planted <<'END'
operator/rules.yaml|s/^    - name: webshop/    - nmae: webshop/|schema
operator/rules.yaml|0,/ labels:/s/labels:/lables:/|types
operator/rules-watch.yaml|s/^          annotations:/          annotation:/|types
operator/rules-watch.yaml|s/    release: .*/    release: "a b"/|label release
operator/rules-watch.yaml|s/  name: .*/  name: web_shop/|none of Kubernetes
operator/alertmanager.yaml|s/groupBy/group_by/|types\|unknown key
operator/alertmanager.yaml|s/        groupWait:/        group_wait:/|unknown key
operator/alertmanager.yaml|s/receiver: guardraild$/receiver: guardrail/|which is not there
operator/alertmanager.yaml|s/matchType: "=~"/matchType: "~"/|schema
operator/alertmanager.yaml|s/credentials: {.*}/credentials: secret/|schema
operator/policy.yaml|0,/"format"/s/"format"/format/|no JSON
deploy/traffic_splitter/first.yaml|s/weight: 995/weight: 99.5/|schema
deploy/traffic_splitter/first.yaml|s/weight: [0-9]*/weight: 0/|nowhere
deploy/traffic_splitter/first.yaml|s/backendRefs/backendRef/|nowhere
deploy/argo_rollouts.yaml|s/len(result) > 0 \&\& //|empty result
deploy/argo_rollouts.yaml|/failureCondition/d|no failureCondition
deploy/argo_rollouts.yaml|s/consecutiveErrorLimit: .*/consecutiveErrorLimit: 4/|aborts the rollout
END

# -- routes: each alert ends up where the plain configuration sends it
# Routes ask for names alone, so one alert of each name and level is enough.
alerts() { # FILE: "alertname=… level=…" of each alerting rule, once
  awk '
    function flush() { if (name) print "alertname=" name labels }
    /^ *- (alert|record):/ { flush(); name = labels = ""; inside = 0 }
    /^ *- alert:/ { name = $3 }
    /^        labels:/ { inside = 1; next }
    /^        [a-z_]+:/ { inside = 0 }
    inside && $1 == "level:" { labels = labels " " substr($1, 1, length($1) - 1) "=" $2 }
    END { flush() }' "$1" | sort -u
}
for example in kubernetes minimal tradepulse; do
  node "$tools/k8s-plain.mjs" alertmanager "$work/$example/operator/alertmanager.yaml" >"$work/$example.am.yml" || fail "routes of $example"
  "$AMTOOL" check-config "$work/$example.am.yml" >"$work/log" 2>&1 || { cat "$work/log"; fail "amtool: $example"; }
  n=0 namespace=$(sed -n 's/^  namespace: //p' "$work/$example/operator/alertmanager.yaml")
  while read -r -a labels; do
    labels+=("spec=$(sed -n 's/^spec: //p' "$work/$example.yml")")
    plain=$("$AMTOOL" config routes test --config.file="$work/$example-plain/alertmanager/alertmanager.yml" "${labels[@]}" 2>/dev/null)
    object=$("$AMTOOL" config routes test --config.file="$work/$example.am.yml" "${labels[@]}" "namespace=$namespace" 2>/dev/null)
    other=$("$AMTOOL" config routes test --config.file="$work/$example.am.yml" "${labels[@]}" namespace=another 2>/dev/null)
    [ "$plain" = "$object" ] || fail "$example: ${labels[*]} goes to $object, not to $plain"
    [ "$other" = nobody ] || fail "$example: ${labels[*]} of another namespace goes to $other"
    n=$((n + 1))
  done < <(alerts "$work/$example-plain/prometheus/rules.yml")
  [ $n -ge 7 ] || fail "only $n alerts of $example"
  checks=$((checks + n))
  # Each alerting rule states the namespace that the operator will ask for.
  [ "$(grep -c ' - alert: ' "$work/$example"/operator/rules*.yaml | awk -F: '{ n += $2 } END { print n }')" = \
    "$(grep -c '^            namespace: ' "$work/$example"/operator/rules*.yaml | awk -F: '{ n += $2 } END { print n }')" ] || fail "$example: an alert without namespace"
done

[ $bad -gt 0 ] && echo "kept: $work" || rm -rf "$work"
echo "$checks checks, $bad failed"
[ $bad -eq 0 ]
