#!/bin/sh
# Hostile and malformed requests: all refused with the right status, the store unchanged, and the daemon still serves.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
make_actions
start_standin
make_policy
make_config auto
start_daemon
start_release d1
port=$(cat "$dir/port")

rows() { curl -s "$base/metrics" | sed -n "s/^guardraild_alerts_total //p"; }
# refused NAME STATUS, body on standard input
refused() { is "$1" "$(post /v1/alerts)" "$2"; }
good=$(hard d1)

printf '' | refused "empty body" 400
printf '{' | refused "cut off" 400
printf '[]' | refused "a list" 400
printf 'null' | refused "null" 400
printf '%s x' "$good" | refused "something behind it" 400
printf '%s' "$good" | jq -c '.version = "3"' | refused "version 3" 400
printf '%s' "$good" | jq -c '.version = 4' | refused "version as a number" 400
printf '%s' "$good" | jq -c 'del(.groupKey)' | refused "no groupKey" 400
printf '%s' "$good" | jq -c '.alerts = {}' | refused "alerts no list" 400
printf '%s' "$good" | jq -c '.alerts[0].status = "maybe"' | refused "unknown status" 400
printf '%s' "$good" | jq -c '.alerts[0].startsAt = "yesterday"' | refused "bad time" 400
printf '%s' "$good" | jq -c '.alerts[0].labels.x = 1' | refused "label no string" 400
printf '%s' "$good" | jq -c '.alerts[0].labels["a-b"] = "1"' | refused "label name with a dash" 400
printf '%s' "$good" | jq -c '.alerts[0].labels[("x" * 257)] = "1"' | refused "label name of 257 bytes" 400
printf '%s' "$good" | jq -c '.alerts[0].labels.x = ("x" * 4097)' | refused "label value of 4097 bytes" 400
printf '%s' "$good" | jq -c '.alerts[0].labels += ([range(64) | {"l\(.)": "v"}] | add)' | refused "more than 64 labels" 400
printf '%s' "$good" | jq -c 'del(.alerts[0].labels.alertname)' | refused "no alertname" 400
printf '%s' "$good" | sed 's/"d1"/"d1\\u0000;evil"/' | refused "escaped NUL" 400
printf '%s' "$good" | sed 's/"d1"/"d1","deployment_id":"d2"/' | refused "duplicate key" 400
printf '%s' "$good" | sed "s/\"d1\"/\"$(printf '\377\376')\"/" | refused "invalid UTF-8" 400
printf '%s' "$good" | sed 's/"d1"/"\\ud800"/' | refused "lone surrogate" 400
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "["; }' | refused "100 000 deep" 400
awk 'BEGIN { printf "{\"a\":"; for (i = 0; i < 17; i++) printf "["; for (i = 0; i < 17; i++) printf "]"; print "}" }' | refused "17 deep" 400
payload "$(yes "$(alert firing GuardrailHardBreach hard d1 preflight 2026-01-01T00:00:00Z | jq -c '.annotations = {} | .labels = {alertname: "A"}')" | head -10001 | paste -sd,)" >"$dir/many"
refused "10 001 alerts" 413 <"$dir/many"
head -c 8388609 /dev/zero | tr '\0' ' ' | refused "8 MiB and one byte" 413

code() { curl -s -o /dev/null -w '%{http_code}' -m 20 "$@"; }
is "no such path" "$(code "$base/v1/nothing")" 404
is "GET of a POST" "$(code "$base/v1/alerts")" 405
is "PUT" "$(code -X PUT -H 'Content-Type: application/json' -d x "$base/v1/alerts")" 405
is "text/plain" "$(printf '%s' "$good" | curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: text/plain' --data-binary @- "$base/v1/alerts")" 415
is "chunked" "$(printf '%s' "$good" | curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @- "$base/v1/alerts")" 411
is "GET with a body" "$(code -X GET -H 'Content-Type: application/json' -d x "$base/metrics")" 400
is "admin verb over TCP without a token" "$(printf '{}' | post /v1/releases)" 403
is "hold over TCP without a token" "$(printf '{}' | post /v1/releases/d1/hold)" 403
is "path out of the table" "$(code --path-as-is "$base/v1/releases/../../etc/passwd")" 404

# Raw bytes: what curl would never send.
raw() {
    timeout 15 bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$port"' && cat >&3 && head -n 1 <&3' | tr -d '\r' | cut -d' ' -f2
}
n=$(printf '%s' "$good" | wc -c)
is "two lengths" "$(printf 'POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nContent-Length: 5\r\n\r\n%s' "$n" "$good" | raw)" 400
is "length and encoding" "$(printf 'POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s' "$n" "$good" | raw)" 400
is "two hosts" "$(printf 'POST /v1/alerts HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "$n" "$good" | raw)" 400
is "no length" "$(printf 'POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n' | raw)" 411
is "huge length" "$(printf 'POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n' | raw)" 413
# The connection is closed with bytes unread, so its reset may overtake the answer: it is asked again.
answer=
for try in 1 2 3 4 5 6 7 8; do
  answer=$(printf 'GET /metrics HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n' "$(head -c 40000 /dev/zero | tr '\0' a)" | raw)
  [ -z "$answer" ] || break
done
is "headers of 40 kB" "$answer" 431

is "nothing was stored" "$(rows)" 0
is "nothing was decided" "$(show d1 | jq '.effects | length')" 0
is "resolved before firing" "$(payload "$(alert resolved GuardrailHardBreach hard d1 preflight)" | post /v1/alerts)" 200
is "resolved does nothing" "$(show d1 | jq '.effects | length'):$(state_of d1)" 0:running
is "foreign alert is kept, not acted on" "$(payload "$(alert firing Whatever hard d1 preflight | jq -c '.labels = {alertname: "Whatever"}')" | post /v1/alerts)" 200
is "still no effect" "$(show d1 | jq '.effects | length')" 0
is "watchdog" "$(payload "$(alert firing GuardrailWatchdog none d1 preflight)" | post /v1/watchdog)" 200
is "watchdog seen" "$(curl -s "$base/metrics" | awk '/^guardraild_watchdog_last_seconds/ {print ($2 > 0)}')" 1
is "unknown deployment: kept and held" "$(hard nobody | post /v1/alerts)" 200
is "unknown deployment runs nothing" "$(wc -l <"$dir/ran")" 0
eventually "unknown deployment pages" test -s "$dir/standin/pagerduty.log"

# A header drip and a silent connection end at their deadlines; others are served meanwhile.
start=$(date +%s)
timeout 30 bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$port"'; printf "GET /metrics HTTP/1.1\r\n" >&3; while printf "X: y\r\n" >&3 2>/dev/null; do sleep 0.3; done' 2>/dev/null &
drip=$!
is "served during a drip" "$(code "$base/healthz")" 200
timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$port"'; cat <&3' >/dev/null
is "a silent connection ends within 8 s" "$(($(date +%s) - start <= 8))" 1
wait $drip
is "a drip ends within 12 s" "$(($(date +%s) - start <= 12))" 1
eventually "reaped" sh -c "curl -s $base/metrics | grep -q '^guardraild_connections_reaped_total [1-9]'"
