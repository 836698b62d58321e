#!/bin/sh
# The status page of a real guardraild: who may see it, what it is fenced in with, what it says in each state, texts of others that are markup, and
# what it costs. With Chromium there, each page is looked at: dark and light, at a desk and on a phone: nothing on its console, nothing
# beyond the edge, no text below 4.5 to 1. SHOTS=DIR keeps the pictures.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
command -v /usr/bin/python3 >/dev/null || { echo "skipped: python3 is missing"; exit 77; }
mkdir -p "$dir/pages" "$dir/home"
make_actions
start_standin
make_policy '.phases |= map(if .final then . else .min_duration_ms = 1200000 end)'
make_config auto
(umask 077; echo read-token-0123456789 >"$dir/secrets/read.token"; echo admin-token-0123456789 >"$dir/secrets/admin.token")
echo 'auth: {read_token_file: secrets/read.token, admin_token_file: secrets/admin.token}' >>"$dir/guardraild.yml"
start_daemon
healthy

basic() { printf 'Authorization: Basic %s' "$(printf '%s' "$1" | base64 -w0)"; }
page_auth=$(basic "someone:read-token-0123456789")
# page NAME PATH: the page as a file, its status; checked at the end
page() {
    curl -s -o "$dir/pages/$1.html" -D "$dir/pages/$1.head" -w '%{http_code}' -m 30 -H "$page_auth" "$base$2"
}
status() { curl -s -o "$dir/answer" -w '%{http_code}' -m 30 "$@"; }
has() { grep -q -e "$3" "$dir/pages/$2.html" && echo "ok: $1" || fail "$1: no \"$3\" in $2"; }
hasnt() { grep -q -e "$3" "$dir/pages/$2.html" && fail "$1: \"$3\" in $2" || echo "ok: $1"; }
count() { grep -o -e "$2" "$dir/pages/$1.html" | wc -l | tr -d ' '; }
# store SQL…: while guardraild is stopped
store() {
    /usr/bin/python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for sql in sys.argv[2:]: c.execute(sql)
c.commit()' "$dir/store.db" "$@"
}

chromium=
[ -n "${CHROMIUM-}" ] || CHROMIUM=$(command -v chromium || command -v chromium-browser || true)
if [ -n "$CHROMIUM" ]; then
    mkfifo "$dir/look"
    /usr/bin/python3 "$here/browser.py" "$CHROMIUM" "$dir/home" <"$dir/look" >"$dir/seen" 2>"$dir/browser.log" &
    chromium=$!
    exec 7>"$dir/look"
else
    echo "chromium is not there: pages are read, and not looked at"
fi
looked=0
seen_all() { [ "$(wc -l <"$dir/seen")" -ge "$looked" ] || ! kill -0 "$chromium" 2>/dev/null; }
# look NAME PATH SCHEME WIDTH
look() {
    [ -n "$chromium" ] || return 0
    printf '{"name":"%s","url":"%s","width":%s,"height":900,"scheme":"%s","authorization":"%s"}\n' \
        "$1-$3-$4" "$base$2" "$4" "$3" "${page_auth#Authorization: }" >&7
    looked=$((looked + 1))
    eventually "looked at $1 ($3, $4)" seen_all
}

# --- who may see it
is "without a token" "$(status "$base/")" 401
is "a browser is asked" "$(curl -s -D - -o /dev/null "$base/" | tr -d '\r' | grep -c '^WWW-Authenticate: Basic realm="guardraild", charset="UTF-8"$')" 1
is "the refusal is a page" "$(grep -c '<!DOCTYPE html>' "$dir/answer")" 1
is "with the read token" "$(page empty /)" 200
is "with a bearer token" "$(status -H 'Authorization: Bearer read-token-0123456789' "$base/")" 200
is "with the admin's" "$(status -H "$(basic :admin-token-0123456789)" "$base/")" 200
is "with a wrong one" "$(status -H "$(basic someone:read-token-012345678x)" "$base/")" 401
is "with the token as name" "$(status -H "$(basic read-token-0123456789)" "$base/")" 401
is "malformed" "$(status -H 'Authorization: Basic !!!' "$base/"):$(status -H 'Authorization: Basic' "$base/")" 401:401
# what a browser sends by itself opens no door but this one
is "Basic is for pages alone" "$(status -H "$page_auth" "$base/v1/status"):$(status -H "$page_auth" "$base/metrics")" 401:401
is "Basic changes nothing" "$(status -X POST -H "$(basic x:admin-token-0123456789)" -H 'Content-Type: application/json' -d '{"by":"x","reason":"y"}' "$base/v1/releases/d1/abort")" 401
is "pages are got" "$(status -X POST -H "$page_auth" -d x "$base/")" 405

# --- what it is fenced in with
for header in 'X-Content-Type-Options: nosniff' 'Cache-Control: no-store' 'Referrer-Policy: no-referrer' 'X-Frame-Options: DENY' \
    'Cross-Origin-Opener-Policy: same-origin' 'Cross-Origin-Resource-Policy: same-origin' 'Content-Type: text/html; charset=utf-8'; do
    is "header $header" "$(tr -d '\r' <"$dir/pages/empty.head" | grep -cx "$header")" 1
done
hash=$(/usr/bin/python3 -c 'import base64, hashlib, re, sys
t = open(sys.argv[1], encoding="utf-8", newline="").read()
print(base64.b64encode(hashlib.sha256(re.search("<style>(.*)</style>", t, re.S).group(1).encode()).digest()).decode())' "$dir/pages/empty.html")
is "the policy" "$(tr -d '\r' <"$dir/pages/empty.head" | sed -n 's/^Content-Security-Policy: //p')" \
    "default-src 'none'; style-src 'sha256-$hash'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

# --- nothing there yet
has "says that there is no release" empty 'No release is running'
has "renews itself" empty 'http-equiv="refresh" content="15"'
is "still" "$(page still /still)" 200
hasnt "stands still" still 'http-equiv="refresh"'
is "an unknown release" "$(page unknown /releases/nobody)" 404
is "no page 2" "$(page two /status/2):$(page zero /status/0):$(page x /status/x)" 404:404:404
look empty / dark 1280
look empty / light 390

# --- a release that runs and is well: d1 in phase 1, for 15 minutes
start_release d1
ctl release advance d1 --by 'Jane Doe' --reason 'pre-flight is clean' --override --commander kim >/dev/null
stop_daemon
now=$(date +%s)000
store "UPDATE release SET started_ms = $now - 2400000, phase_ms = $now - 900000 WHERE deployment_id = 'd1'" \
    "UPDATE phase SET entered_ms = $now - 2400000, left_ms = $now - 900000 WHERE n = 1" \
    "UPDATE phase SET entered_ms = $now - 900000 WHERE n = 2"
vector "$(verdict error_rate XNAS making 0),$(verdict model_drift x x 0)" >"$dir/standin/verdict.json"
start_daemon
is "well" "$(page well /)" 200
has "the release" well '<a href="/releases/d1">d1</a>'
has "its phase" well 'phase 2 of 4, phase_1'
has "the least it takes" well 'for 15 min of at least 20 min; earliest promotion'
has "healthy" well '✓</span> healthy'
has "what did not answer is no data" well '–</span> [0-9]* no data'
is "its own page" "$(page d1 /releases/d1)" 200
has "who let it on" d1 'Jane Doe'
has "the note" d1 'pre-flight is clean'
look well / light 1280
look d1 /releases/d1 dark 390

# --- many look: Prometheus is asked once
asked=$(wc -l <"$dir/standin/queries.log")
for _ in 1 2 3 4 5 6 7 8 9 10; do page again / >/dev/null; page again /releases/d1 >/dev/null; done
is "twenty views, at most two questions" "$([ $(($(wc -l <"$dir/standin/queries.log") - asked)) -le 2 ] && echo yes)" yes

# --- a soft breach prolongs the phase
is "soft" "$(soft d1 | post /v1/alerts)" 200
page soft / >/dev/null
has "soft breach" soft '!</span> soft'
has "extended" soft 'extended by a soft breach'

is "off the schedule" "$(ctl release deviate d1 --commander kim --by jane --reason 'INC-7' --lasts 45m --share making=2% >/dev/null; echo $?)" 0
page off /releases/d1 >/dev/null
has "by whom, and how" off 'off the schedule</span> by .*; lasts at least 45 min; with other shares of traffic'
has "the shares" off 'making 2 %, agency 0.5 %'
has "the least it takes now" off 'of at least 45 min'

# --- Prometheus is away: nothing is green
stop_daemon
rm "$dir/standin/verdict.json"
start_daemon
is "without Prometheus" "$(page away /)" 200
has "says so" away 'gives no verdicts'
is "nothing is healthy" "$(count away '</span> healthy')" 0
has "no data" away '–</span> no data'
healthy

# --- texts of others that are markup
x='"><script>alert(1)</script><img src=x onerror=alert(1)>'
ctl release hold d1 --for 1h --by "$x" --reason "';alert(1)//<svg onload=alert(1)> &lt;b&gt; $x" >/dev/null
is "hostile labels" "$(hard d1 | jq -c --arg x "$x" '.alerts[0].labels.venue = $x | .alerts[0].annotations.summary = $x' | post /v1/alerts)" 200
is "a hostile deployment" "$(hard d1 | jq -c --arg x "$x" '.alerts[0].labels.deployment_id = $x | .alerts[0].labels.guardrail = "javascript:alert(1)"' | post /v1/alerts)" 200
vector "$(verdict error_rate XNAS making 3),$(jq -cn --arg x "$x" '{metric: {spec: "demo", cluster: "equities", guardrail: "error_rate", venue: $x, flow: ("making\u202e" + $x)}, value: [1, "2"]}'),$(jq -cn --arg x "$x" '{metric: {spec: "demo", cluster: "equities", guardrail: "error_rate", venue: $x, flow: "agency"}, value: [1, "1"]}'),$(jq -cn --arg x "$x" '{metric: {spec: "demo", cluster: "equities", guardrail: "error_rate", venue: $x, flow: "agency", reason: $x}, value: [1, "1"]}')" >"$dir/standin/verdict.json"
stop_daemon
start_daemon
is "hostile" "$(page hostile /)" 200
is "hostile, its own page" "$(page hostile-d1 /releases/d1)" 200
has "the name" hostile '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;'
has "the reason" hostile '&#39;;alert(1)//&lt;svg onload=alert(1)&gt; &amp;lt;b&amp;gt;'
has "the value of a label" hostile-d1 '&lt;img src=x onerror=alert(1)&gt;'
has "held" hostile '‖</span> held'
look hostile / dark 1280
look hostile-d1 /releases/d1 light 390
# a corpus of markup, and all other hostile texts, as slices of alerts and of what Prometheus says
jq -c --slurpfile values "$here/hostile/values.json" '. + [$values[0][].value]' "$here/hostile/markup.json" >"$dir/corpus.json"
soft d1 | jq -c --slurpfile corpus "$dir/corpus.json" '.alerts = [.alerts[0] as $a | $corpus[0] | to_entries[] |
    .key as $k | .value as $v | $a | .labels.venue = $v | .labels.flow = $v | .annotations.summary = $v | .fingerprint = "\($k + 1000)"]' >"$dir/corpus.alerts"
is "all of the corpus" "$(post /v1/alerts <"$dir/corpus.alerts")" 200
vector "$(jq -c '[.[] | {metric: {spec: "demo", cluster: "equities", guardrail: "error_rate", venue: ., flow: ., reason: .}, value: [1, "2"]}] | .[]' "$dir/corpus.json" | paste -sd,)" >"$dir/standin/verdict.json"
stop_daemon
start_daemon
is "the corpus" "$(page corpus /)" 200
is "the corpus, on a page of its own" "$(page corpus-d1 /releases/d1)" 200
is "texts of it are shown as text" "$([ "$(count corpus-d1 '&lt;')" -ge 20 ] && echo yes)" yes
look corpus-d1 /releases/d1 light 1280
printf '{"status":"error","errorType":"%s","error":"%s"}' '<script>alert(1)</script>' '<b onclick=alert(1)>bad</b>' >"$dir/standin/verdict.json"
stop_daemon
start_daemon
is "a hostile error" "$(page hostile-error /)" 200
has "its words" hostile-error '&lt;b onclick=alert(1)&gt;'
healthy

# --- a rollback that runs, and its step; a target that is dead; blind since before the start
ctl release abort d1 --by tester --reason x >/dev/null
start_release d2
ctl release advance d2 --by tester --reason x --override --commander kim >/dev/null
echo 30 >"$dir/slow-drain"
rm "$dir/secrets/slack.url"
hard d2 | post /v1/alerts >/dev/null
soft d2 | post /v1/alerts >/dev/null
eventually "the step runs" ran_is drain 1
is "rolling back" "$(page rolling /)" 200
has "the state" rolling '⟲</span> rolling back'
has "the step" rolling '●</span> running</span></td><th scope="row">drain'
has "a soft breach that comes late is a soft one" rolling '!</span> soft'
has "the step before" rolling '✓</span> done</span></td><th scope="row">freeze'
dead() { page rolling / >/dev/null; grep -q 'Dead letters</h2>' "$dir/pages/rolling.html"; }
eventually "the dead letter" dead
look rolling / dark 1280
look rolling / light 390
stop_daemon KILL
rm "$dir/slow-drain"
store "UPDATE watchdog SET outages = 1, open = 1"
sed -i 's/^mode:.*/mode: observe/' "$dir/guardraild.yml"
start_daemon
is "blind" "$(page blind /)" 200
has "says so" blind 'guardrails are blind'
has "in the title, too" blind '<title>✕ blind'
has "and that nothing is carried out" blind 'Nothing is carried out'
look blind / dark 390

# --- a storm: a hundred streams, eight on a page, the worst first
stop_daemon
rm -f "$dir/store.db"*
make_policy '.streams = [range(100) | {cluster: "c\(.)"}] | .guardrails |= map(.slice_labels = []) | .expected = [range(100) as $i | {stream: {cluster: "c\($i)"}, guardrail: "error_rate", slices: [{}]}]'
start_daemon
i=0
while [ $i -lt 100 ]; do
    printf '{"stream":{"cluster":"c%d"},"deployment_id":"s%d","by":"tester"}' $i $i >"$dir/start-$i.json"
    set -- "$@" --next --unix-socket "$dir/admin.sock" -s -o /dev/null -H 'Content-Type: application/json' --data "@$dir/start-$i.json" http://x/v1/releases
    i=$((i + 1))
done
shift
curl "$@"
soft s37 preflight | sed 's/"cluster":"equities"/"cluster":"c37"/' | post /v1/alerts >/dev/null
asked=$(wc -l <"$dir/standin/queries.log")
is "a storm" "$(page storm /)" 200
is "eight of them" "$(count storm '<section class="card')" 8
is "the worst first" "$(grep -o '/releases/s[0-9]*' "$dir/pages/storm.html" | head -1)" /releases/s37
has "how many there are" storm 'page 1 of 13, 100 releases'
is "one question each" "$([ $(($(wc -l <"$dir/standin/queries.log") - asked)) -le 8 ] && echo yes)" yes
is "the last page" "$(page last /status/13):$(count last '<section class="card')" 200:4
is "none behind it" "$(page behind /status/14)" 404
is "bounded" "$([ "$(wc -c <"$dir/pages/storm.html")" -lt 200000 ] && echo yes)" yes
look storm / light 1280

# --- all of them, read strictly
/usr/bin/python3 "$here/page_check.py" "$dir"/pages/*.html && echo "ok: all pages are well-formed" || fail "pages are not as they must be"
if [ -n "$chromium" ]; then
    echo >&7
    exec 7>&-
    wait "$chromium" || fail "the browser: $(tail -1 "$dir/browser.log")"
    is "all were looked at" "$(jq -s length "$dir/seen")" "$looked"
    is "nothing wrong was seen" "$(jq -c 'select(.status != 200 or .wide != 0 or .texts != [] or .console != [])' "$dir/seen")" ""
fi
