#!/usr/bin/env bash
# Where every alert ends up that the examples' rules can raise: amtool's own routing for each (name, guardrail, level), and a real
# Alertmanager's inhibitions: a hard breach silences the soft one of its own slice and of no other.
# Skips (77) without amtool; the inhibitions need alertmanager, curl and jq.
set -u
: "${GR_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}" "${GR_BUILDDIR:=$PWD}"
: "${AMTOOL:=$(command -v amtool)}" "${ALERTMANAGER:=$(command -v prometheus-alertmanager)}"
[ -n "$AMTOOL" ] || { echo "SKIP: needs amtool"; exit 77; }
work=$(mktemp -d "$GR_BUILDDIR/routes.XXXXXX") || exit 1
pid='' checks=0 bad=0
trap '[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null; [ $bad -gt 0 ] || rm -rf "$work"' EXIT
fail() { echo "NOT OK: $*"; bad=$((bad + 1)); }

# "alertname level guardrail" of each alerting rule, once; "-" for a label that the rule does not set.
alerts() {
  awk '
    function flush() { if (name) print name, level, guardrail }
    /^ *- (alert|record):/ { flush(); name = ""; level = guardrail = "-"; in_labels = 0 }
    /^ *- alert:/ { name = $3 }
    /^        labels:/ { in_labels = 1; next }
    /^        [a-z_]+:/ { in_labels = 0 }
    in_labels && $1 == "level:" { level = $2 }
    in_labels && $1 == "guardrail:" { guardrail = $2 }
    END { flush() }' "$1" | sort -u
}

check_routes() { # SPEC DIR
  local name level guardrail want args n=0
  local native
  native=$(sed -n 's/^  receiver: //p' "$2/alertmanager/alertmanager.yml")
  while read -r name level guardrail; do
    case $name in
      GuardrailHardBreach | GuardrailSoftBreach | GuardrailNoData) want=guardraild ;;
      GuardrailWatchdog) want=guardraild_watchdog ;;
      *) want=$native ;;
    esac
    args=("alertname=$name" "spec=$1")
    [ "$level" = - ] || args+=("level=$level")
    [ "$guardrail" = - ] || args+=("guardrail=$guardrail")
    "$AMTOOL" config routes test --config.file="$2/alertmanager/alertmanager.yml" --verify.receivers="$want" "${args[@]}" >"$work/log" 2>&1 ||
      fail "$name $level $guardrail of $1 does not go to $want"
    n=$((n + 1)) checks=$((checks + 1))
  done < <(alerts "$2/prometheus/rules.yml")
  [ $n -ge 8 ] || fail "only $n alerts found in the rules of $1"
}

# For each guardrail with both levels: hard and soft on one slice, soft on the same slice of another deployment, and soft on another
# slice where there is one. The label `want` says what must become of it; it is in no `equal`.
alerts_to_post() { # POLICY
  jq -c '
    . as $p
    | ["deployment_id", "d1"] as $d
    | [ .guardrails[] | select([.limits[].level] | (index("hard") and index("soft"))) | .name ] as $names
    | [ .expected[] | select(.guardrail as $g | $names | index($g)) | . as $e
        | ($e.stream + {spec: $p.spec, guardrail: $e.guardrail, phase: "x"}) as $base
        | ($p.guardrails[] | select(.name == $e.guardrail) | .dynamic_labels | map({(.): "b1"}) | add // {}) as $dynamic
        | ($base + $e.slices[0] + $dynamic) as $slice
        | {labels: ($slice + {alertname: "GuardrailHardBreach", level: "hard", deployment_id: "d1", want: "active"})},
          {labels: ($slice + {alertname: "GuardrailSoftBreach", level: "soft", deployment_id: "d1", want: "inhibited"})},
          {labels: ($slice + {alertname: "GuardrailSoftBreach", level: "soft", deployment_id: "d2", want: "active"})},
          {labels: ($slice + {alertname: "GuardrailNoData", level: "no_data", deployment_id: "d1", want: "active"})},
          ($dynamic | keys[] as $k
            | {labels: ($slice + {($k): "b2", alertname: "GuardrailSoftBreach", level: "soft", deployment_id: "d1", want: "active"})}),
          ($e.slices[1:][] | {labels: ($base + . + $dynamic + {alertname: "GuardrailSoftBreach", level: "soft", deployment_id: "d1", want: "active"})})
      ]' "$1"
}

wrong() { # what does not have the state that it should, one a line
  curl -fsS "$url/api/v2/alerts" | jq -r '.[] | (if (.status.inhibitedBy | length) > 0 then "inhibited" else "active" end) as $is
    | select(.labels.want != $is) | "\(.labels) is \($is)"'
}
count() { curl -fsS "$url/api/v2/alerts" | jq -r "[.[] | select($1)] | length"; }

check_inhibitions() { # DIR
  local n i
  for _ in $(seq 50); do # a free port; nobody is told for real
    port=$((20000 + RANDOM % 30000)) url=http://127.0.0.1:$port
    { echo 'global: {pagerduty_url: "http://127.0.0.1:1/"}'
      sed 's|url: http://.*/v1/|url: http://127.0.0.1:1/v1/|' "$1/alertmanager/alertmanager.yml"; } >"$work/am.yml"
    "$ALERTMANAGER" --config.file="$work/am.yml" --storage.path="$work/am" --web.listen-address="127.0.0.1:$port" \
      --cluster.listen-address= --log.level=error >"$work/am.log" 2>&1 &
    pid=$!
    for _ in $(seq 100); do
      curl -fsS -o /dev/null "$url/-/ready" 2>/dev/null && break 2
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done
  alerts_to_post "$1/guardraild/policy.json" >"$work/alerts.json"
  n=$(jq length "$work/alerts.json")
  [ "$n" -ge 40 ] || fail "only $n alerts to post"
  curl -fsS -H 'Content-Type: application/json' --data-binary @"$work/alerts.json" "$url/api/v2/alerts" || fail "Alertmanager does not take them"
  for i in $(seq 100); do # the inhibitor hears of an alert a moment later
    [ "$(count true)" = "$n" ] && [ -z "$(wrong)" ] && break
    sleep 0.1
  done
  [ "$(count true)" = "$n" ] || fail "$(count true) alerts of $n arrived"
  [ "$(count '.labels.want == "inhibited"')" -ge 10 ] || fail "nothing was to be inhibited"
  wrong >"$work/wrong"
  [ ! -s "$work/wrong" ] || { cat "$work/wrong"; fail "inhibitions (try $i)"; }
  checks=$((checks + n))
}

for example in tradepulse minimal; do
  "$GR_BUILDDIR/guardrailc" compile -q "$GR_SRCDIR/examples/$example/guardrails.yml" -o "$work/$example" || exit 1
done
check_routes tradepulse "$work/tradepulse"
check_routes "$(sed -n 's/^spec: //p' "$GR_SRCDIR/examples/minimal/guardrails.yml")" "$work/minimal"
if [ -n "$ALERTMANAGER" ] && command -v curl >/dev/null && command -v jq >/dev/null; then
  check_inhibitions "$work/tradepulse"
else
  echo "inhibitions not looked at: needs alertmanager, curl and jq"
fi
echo "$checks checks, $bad failed"
[ $bad -eq 0 ]
