# stack.sh - a whole guardrail installation on loopback, for the end-to-end tests and the quickstart (bash; source it).
#
# Real Prometheus and Alertmanager, guardraild, the simulated fleet, and a stand-in for Slack and PagerDuty, all below one
# folder. Needs: GR_BUILDDIR (built programs), GR_SRCDIR, PROMETHEUS, ALERTMANAGER, curl, jq. Every process is ended by its pid when
# the shell exits. Time is divided by SCALE: with 60, a slot of two minutes takes two seconds.
#
#   stack_init DIR SCALE            folders, free ports, secrets, programs for the actions
#   stack_compile SPEC              SPEC with this stack's addresses → DIR/compiled
#   stack_fleet ARG…  stack_standin  stack_prometheus  stack_alertmanager  stack_guardraild
#   stack_up SPEC FLEET-ARG…        all of the above
#   fleet PATH [BODY]               GET, or POST with a body
#   prom QUERY                      instant query: one line "labels value" a series
#   ctl ARG…                        guardrailctl on this stack's socket
#   stack_release ID CLUSTER        starts a release; the demo's actions learn which cluster it is in
#   wait_for SECONDS COMMAND…       polls until COMMAND succeeds; fails after SECONDS

STACK_PIDS=()

stack_free_port() {
  local port
  for _ in $(seq 100); do
    port=$((10000 + RANDOM % 22000)) # below those that the kernel hands out to others meanwhile
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  return 1
}

# stack_spawn NAME COMMAND…: in the background, output in DIR/log/NAME.log, its pid in STACK_PID_NAME.
stack_spawn() {
  local name=$1; shift
  "$@" >>"$STACK/log/$name.log" 2>&1 </dev/null &
  printf -v "STACK_PID_$name" %s "$!"
  STACK_PIDS+=("$!")
}

stack_stop() { # NAME [SIGNAL]
  local var="STACK_PID_$1"
  [ -n "${!var:-}" ] || return 0
  kill -"${2:-TERM}" "${!var}" 2>/dev/null
  wait "${!var}" 2>/dev/null
  printf -v "$var" %s ""
}

stack_down() {
  local pid
  for pid in "${STACK_PIDS[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${STACK_PIDS[@]}"; do
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  STACK_PIDS=()
}

wait_for() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

stack_init() {
  STACK=$1 STACK_SCALE=$2
  trap stack_down EXIT
  trap 'exit 130' INT TERM
  mkdir -p "$STACK"/{log,run,secrets,reports,prometheus,alertmanager} || return 1
  cp -r "$GR_SRCDIR/tests/e2e/actions" "$STACK/" && chmod -R u+w "$STACK/actions" && chmod +x "$STACK"/actions/deploy/bin/* "$STACK"/actions/bin/* || return 1
  PROM_PORT=$(stack_free_port) AM_PORT=$(stack_free_port) GR_PORT=$(stack_free_port) || return 1
  PROM_URL=http://127.0.0.1:$PROM_PORT AM_URL=http://127.0.0.1:$AM_PORT GR_URL=http://127.0.0.1:$GR_PORT
}

# N milliseconds of the specification, as a Prometheus duration of this stack.
stack_ms() { echo "$(($1 / STACK_SCALE))ms"; }

stack_compile() {
  { cat "$1"; grep -q '^webhook:' "$1" || printf 'webhook: {url: "%s"}\n' "$GR_URL"; } >"$STACK/guardrails.yml"
  sed -i -e "s|^webhook:.*|webhook: {url: \"$GR_URL\"}|" "$STACK/guardrails.yml"
  "$GR_BUILDDIR/guardrailc" compile -q --time-scale "$STACK_SCALE" -o "$STACK/compiled" "$STACK/guardrails.yml" || return 1
  # guardraild's tickets go to the stand-in's Jira, whatever the specification's is.
  sed -i -E "s|https://[a-z0-9-]+\.atlassian\.net|$STANDIN_URL/jira/cloud|g" "$STACK/compiled/guardraild/policy.json" || return 1
  # Alertmanager's own receivers must not reach for the real PagerDuty.
  { printf 'global: {pagerduty_url: "%s/pagerduty/v2/enqueue"}\n' "$STANDIN_URL"; grep -v '^global:' "$STACK/compiled/alertmanager/alertmanager.yml"; } \
    >"$STACK/alertmanager/alertmanager.yml"
  mkdir -p "$STACK/alertmanager/secrets"
  cp "$STACK"/secrets/* "$STACK/alertmanager/secrets/"
}

stack_listening() { # NAME: the address a program prints first
  sed -n 's/.*\(127\.0\.0\.1:[0-9]*\).*/\1/p' "$STACK/log/$1.log" 2>/dev/null | head -1
}
stack_has_address() { [ -n "$(stack_listening "$1")" ]; }

stack_fleet() {
  stack_spawn fleet "$GR_BUILDDIR/tests/fleet/fleet" --port 0 --speed "$STACK_SCALE" "$@"
  wait_for 10 stack_has_address fleet || return 1
  FLEET_ADDR=$(stack_listening fleet)
  echo "$FLEET_ADDR" >"$STACK/run/fleet.addr" # for the demo's actions
}

stack_standin() {
  stack_spawn standin "$GR_BUILDDIR/tests/standins/standin" --port 0
  wait_for 10 stack_has_address standin || return 1
  STANDIN_URL=http://$(stack_listening standin)
  (umask 077 && printf '%s/slack\n' "$STANDIN_URL" >"$STACK/secrets/slack.url" &&
    for key in pagerduty commander; do printf '0123456789abcdef0123456789abcdef\n' >"$STACK/secrets/$key.key"; done &&
    printf 'bot@example.org:cloud-token\n' >"$STACK/secrets/jira.token")
}

stack_prometheus() {
  cat >"$STACK/prometheus/prometheus.yml" <<EOF
global: {scrape_interval: $(stack_ms 30000), scrape_timeout: $(stack_ms 30000), evaluation_interval: $(stack_ms 120000)}
rule_files: ["$STACK/compiled/prometheus/rules.yml"]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:$AM_PORT"]}]}]}
scrape_configs:
  - {job_name: fleet, static_configs: [{targets: ["$FLEET_ADDR"]}]}
  - {job_name: guardraild, static_configs: [{targets: ["127.0.0.1:$GR_PORT"]}]}
EOF
  stack_spawn prometheus "$PROMETHEUS" --config.file="$STACK/prometheus/prometheus.yml" --storage.tsdb.path="$STACK/prometheus/data" \
    --web.listen-address="127.0.0.1:$PROM_PORT" --rules.alert.resend-delay="$(stack_ms 60000)" --log.level=warn
  wait_for 20 curl -fsS -o /dev/null "$PROM_URL/-/ready" 2>/dev/null
}

stack_alertmanager() {
  # In its folder: some secret files are read relative to the working folder.
  stack_spawn alertmanager env -C "$STACK/alertmanager" "$ALERTMANAGER" --config.file="$STACK/alertmanager/alertmanager.yml" --storage.path="$STACK/alertmanager/data" \
    --web.listen-address="127.0.0.1:$AM_PORT" --cluster.listen-address= --log.level=warn
  wait_for 20 curl -fsS -o /dev/null "$AM_URL/-/ready" 2>/dev/null
}

stack_guardraild() {
  cat >"$STACK/guardraild.yml" <<EOF
listen: 127.0.0.1:$GR_PORT
admin_socket: $STACK/run/admin.sock
store: sqlite:$STACK/guardrail.db
policy: $STACK/compiled/guardraild/policy.json
secrets_dir: $STACK/secrets
actions_dir: $STACK/actions
actions_path: $STACK/actions/bin:/usr/bin:/bin
reports_dir: $STACK/reports
prometheus_url: $PROM_URL
alertmanager_url: $AM_URL
mode: ${STACK_MODE:-auto}
targets: {pagerduty_url: "$STANDIN_URL/pagerduty/v2/enqueue", allow_http: true}
EOF
  stack_spawn guardraild "$GR_BUILDDIR/guardraild" --config "$STACK/guardraild.yml" --allow-scaled
  wait_for 20 curl -fsS -o /dev/null "$GR_URL/readyz" 2>/dev/null
}

stack_up() {
  local spec=$1; shift
  stack_standin && stack_fleet "$@" && stack_compile "$spec" && stack_guardraild && stack_alertmanager && stack_prometheus
}

fleet() {
  if [ $# -gt 1 ]; then curl -fsS --data-binary "$2" "http://$FLEET_ADDR$1"; else curl -fsS "http://$FLEET_ADDR$1"; fi
}

prom() {
  curl -fsS --data-urlencode "query=$1" "$PROM_URL/api/v1/query" |
    jq -r '.data.result[] | (.metric | del(.__name__) | to_entries | map("\(.key)=\(.value)") | join(",")) + " " + .value[1]'
}

ctl() { "$GR_BUILDDIR/guardrailctl" --socket "$STACK/run/admin.sock" "$@" </dev/null; }

stack_release() {
  echo "$1 $2" >>"$STACK/run/deployments"
  ctl release start --stream "cluster=$2" --deployment "$1" --by "${USER:-operator}" --reason "a test or a demonstration" >/dev/null
}
