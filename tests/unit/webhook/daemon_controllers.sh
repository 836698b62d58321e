#!/bin/sh
# The gate as deployment controllers ask for it: the examples of docs/controllers.md and a compiled template, by strict stand-ins of Argo Rollouts
# (web metric) and Flagger (webhooks), over TLS with a token, while a release lives and ends.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
. "$GR_SRCDIR/tests/unit/webhook/pki.sh"
/usr/bin/python3 -c 'import yaml' 2>/dev/null || { echo "skipped: python3-yaml is missing"; exit 77; }
make_actions
start_standin
make_policy '.phases[0].checks = [] | .phases[3].requires = []'
make_config auto
mkdir -p "$dir/pki"
new_ca ca
new_cert ca server localhost "DNS:localhost,IP:127.0.0.1" serverAuth
(umask 077; echo ingest-token-0123456789 >"$dir/secrets/ingest.token"; echo read-token-0123456789 >"$dir/secrets/read.token")
cat >>"$dir/guardraild.yml" <<YAML
auth: {read_token_file: secrets/read.token, ingest_token_file: secrets/ingest.token}
tls: {cert_file: pki/server.crt, key_file: pki/server.key}
YAML
start_daemon
base="https://127.0.0.1:$(cat "$dir/port")"
page="$GR_SRCDIR/docs/controllers.md"
them="/usr/bin/python3 -B $here/controllers.py"
is "the examples are well-formed" "$($them check "$page")" "AnalysisTemplate AnalysisTemplate Canary"

# argo TEMPLATE PHASE [OPTION…]: what becomes of the metric
argo() {
    template=$1 phase=$2
    shift 2
    $them argo "$page" "$template" "$base" read-token-0123456789 deployment_id=d1 phase="$phase" --ca "$dir/pki/ca.crt" "$@" 2>"$dir/why"
}
# flagger HOOK [USER:PASSWORD]
flagger() { SSL_CERT_FILE="$dir/pki/ca.crt" $them flagger "$page" "$1" "$base" --user "${2:-flagger:read-token-0123456789}" | cut -c1-160; }
starts() { case "$2" in "$3"*) echo "ok: $1" ;; *) fail "$1: got \"$2\", wanted \"$3…\"" ;; esac; }
healthy_preflight() { vector '{"metric":{"guardrail":"schema_changes"},"value":[1,"0"]}' >"$dir/standin/verdict.json"; }

# before there is a release
is "Argo waits where nobody knows the deployment" "$(argo guardrail-gate phase_1 --rounds 6):$(tail -1 "$dir/why")" "Running:Error: received non 2xx response code: 404"
is "and the one that pauses waits, too" "$(argo guardrail-gate-pause phase_1)" Running
starts "Flagger is not let go" "$(flagger confirm-rollout)" "no: 403"
starts "nor promoted" "$(flagger confirm-promotion)" "no: 403"
starts "and rolls nothing back" "$(flagger rollback)" "no: 403"
start_release d1
starts "it is let go" "$(flagger confirm-rollout)" "yes: 200"

# the gate is closed
is "closed: it waits" "$(argo guardrail-gate preflight --rounds 6):$(tail -1 "$dir/why")" "Running:Error: Could not find JSONPath in body: open is not found"
is "closed: it pauses" "$(argo guardrail-gate-pause preflight)" Inconclusive
is "a phase to come" "$(argo guardrail-gate-pause phase_1)" Inconclusive
is "no such phase is an error" "$(argo guardrail-gate-pause phase_9):$(tail -1 "$dir/why")" "Running:Error: received non 2xx response code: 404"
starts "closed for Flagger, with the reason" "$(flagger confirm-promotion)" 'no: 403 {"deployment_id":"d1","phase":"preflight"'
flagger confirm-promotion | grep -q 'no: 403' || fail "no is 403"
# … and open
healthy_preflight
is "open: it goes on" "$(argo guardrail-gate preflight)" Successful
is "open: this one, too" "$(argo guardrail-gate-pause preflight)" Successful
is "open for Flagger" "$(flagger confirm-promotion)" "yes: 200"
starts "an open gate is no rollback" "$(flagger rollback)" "no: 403"
# advanced meanwhile: the step of preflight goes on, that of phase_1 waits
ctl release advance d1 --by jane --reason green >/dev/null || fail advance
is "a phase that is past" "$(argo guardrail-gate preflight):$(argo guardrail-gate-pause preflight)" Successful:Successful
is "the present one" "$(argo guardrail-gate-pause phase_1)" Inconclusive
healthy
is "goes on when it is healthy" "$(argo guardrail-gate phase_1)" Successful

# trouble is never a yes
rm "$dir/standin/verdict.json"
is "Prometheus is gone" "$(argo guardrail-gate phase_1 --rounds 6):$(argo guardrail-gate-pause phase_1)" Running:Inconclusive
starts "Flagger waits" "$(flagger confirm-promotion)" "no: 403"
healthy
is "an authority that Argo does not know" "$($them argo "$page" guardrail-gate "$base" read-token-0123456789 deployment_id=d1 phase=phase_1 --rounds 3 2>/dev/null)" Running
sed 's/timeoutSeconds: 20/timeoutSeconds: 20\n          insecure: true/' "$page" >"$dir/insecure.md"
is "insecure: true does not ask" "$($them argo "$dir/insecure.md" guardrail-gate "$base" read-token-0123456789 deployment_id=d1 phase=phase_1 2>/dev/null)" Successful
is "a wrong token" "$($them argo "$page" guardrail-gate "$base" read-token-0123456788 deployment_id=d1 phase=phase_1 --ca "$dir/pki/ca.crt" --rounds 2 2>"$dir/why"):$(tail -1 "$dir/why")" "Running:Error: received non 2xx response code: 401"
starts "Flagger without a token" "$(flagger confirm-promotion nobody:nothing)" "no: 401"
starts "an ingest token is no read token" "$(flagger confirm-promotion flagger:ingest-token-0123456789)" "no: 401"
is "Basic opens questions by POST alone" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/pki/ca.crt" -u flagger:read-token-0123456789 "$base/v1/releases")" 401
post_gate() { curl -s -o "$dir/answer" -w '%{http_code}' --cacert "$dir/pki/ca.crt" -H 'Authorization: Bearer read-token-0123456789' -H 'Content-Type: application/json' --data-binary "${2:-{\}}" "$base$1"; }
is "the status is the answer" "$(post_gate /v1/releases/d1/gate)" 200
is "hold" "$(ctl release hold d1 --by jane --reason halting >/dev/null; post_gate /v1/releases/d1/gate):$(jq -r .reasons[0] "$dir/answer" | cut -c1-12)" "403:held by jane"
starts "Flagger is not let go while held" "$(flagger confirm-rollout)" "no: 403"
ctl release resume d1 --by jane --reason "open again" >/dev/null
is "nobody is known by no metadata" "$(post_gate /v1/hooks/gate '{"name":"x"}')" 400
is "an unknown stream" "$(post_gate /v1/hooks/gate '{"metadata":{"cluster":"bonds"}}')" 400
is "a label that is missing" "$(post_gate /v1/hooks/gate '{"metadata":{"venue":"x"}}'):$(jq -r .error "$dir/answer")" '400:the metadata must name "deployment_id", or the release label "cluster"'
is "by deployment" "$(post_gate /v1/hooks/gate '{"metadata":{"deployment_id":"d1"}}')" 200
is "an unknown deployment" "$(post_gate /v1/hooks/gate '{"metadata":{"deployment_id":"d9"}}')" 403
is "no JSON" "$(post_gate /v1/hooks/rollback 'x')" 400
is "an empty phase" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/pki/ca.crt" -H 'Authorization: Bearer read-token-0123456789' "$base/v1/releases/d1/gate?phase=")" 400

# general: everything has passed, and no rollback any more
ctl release advance d1 --by jane --reason green >/dev/null || fail "advance to phase_2"
eventually "phase_2 is green" sh -c "\"$ctl_bin\" --socket \"$dir/admin.sock\" gate d1"
ctl release advance d1 --by jane --reason green >/dev/null || fail "advance to general"
is "general" "$(argo guardrail-gate phase_2):$(argo guardrail-gate-pause phase_1)" Successful:Successful
is "general for Flagger" "$(flagger confirm-promotion)" "yes: 200"
starts "nothing to roll back" "$(flagger rollback)" "no: 403"
starts "and nothing runs" "$(flagger confirm-rollout)" "no: 403"

# a rollback
start_release d2
ctl release advance d2 --by jane --reason x --override >/dev/null
starts "running" "$(flagger rollback)" "no: 403"
hard d2 | curl -s -o /dev/null --cacert "$dir/pki/ca.crt" -H 'Authorization: Bearer ingest-token-0123456789' -H 'Content-Type: application/json' --data-binary @- "$base/v1/alerts"
eventually "rolled back" state_is d2 rolled_back
is "Flagger rolls back" "$(flagger rollback)" "yes: 200"
starts "and promotes nothing" "$(flagger confirm-promotion)" "no: 403"
start_release d3
starts "the next one is not concerned" "$(flagger rollback)" "no: 403"

# the template that guardrailc compiles
cat >"$dir/spec.yml" <<YAML
$(sed 's/token_secret:.*/token_secret: guardraild/' "$GR_SRCDIR/examples/kubernetes/guardrails.yml")
YAML
if "$GR_BUILDDIR/guardrailc" compile -q --target operator "$dir/spec.yml" -o "$dir/compiled" >"$dir/why" 2>&1; then
    compiled="$dir/compiled/deploy/argo_rollouts.yaml"
    template=$(grep -o 'name: .*-gate$' "$compiled" | cut -d' ' -f2)
    web() { $them argo "$compiled" "$template" "$base" read-token-0123456789 deployment_id="$1" --ca "$dir/pki/ca.crt" 2>"$dir/why"; }
    is "compiled: closed" "$(web d3)" Inconclusive
    healthy_preflight
    is "compiled: open" "$(web d3)" Successful
else
    fail "the example does not compile: $(cat "$dir/why")"
fi

# the stand-ins themselves refuse what the controllers refuse
refuse() {
    sed "$2" "$page" >"$dir/bad.md"
    case "$($them argo "$dir/bad.md" guardrail-gate-pause "$base" read-token-0123456789 deployment_id=d3 phase=preflight --ca "$dir/pki/ca.crt" 2>&1)" in
    *"$3"*) echo "ok: $1" ;;
    *) fail "$1 is not refused" ;;
    esac
}
refuse "a condition that compares with a text" "s/successCondition: result == true/successCondition: result == 'true'/" "Error: condition"
refuse "a body in a GET" 's/timeoutSeconds: 20/body: x/' "a body goes with POST"
refuse "a POST whose status is a no" 's/timeoutSeconds: 20/method: POST/; s#/gate?phase=#/gate?phase=#; s/deployment_id}}/deployment_id}}x/' "non 2xx"
sed 's#/v1/hooks/rollback#/v1/hooks/gate#' "$page" >"$dir/bad.md"
$them check "$dir/bad.md" >/dev/null 2>&1 && fail "a rollback hook that asks the gate is not found"
stop_daemon
exit $failures
