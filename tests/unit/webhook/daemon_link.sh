#!/bin/sh
# Acknowledgement links of a real guardraild: what a message carries, what a look at it changes (nothing), taking the page once with a name and a reason,
# and each way in which a link is not good. Escalation ends where somebody took the page.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
command -v /usr/bin/python3 >/dev/null || { echo "skipped: python3 is missing"; exit 77; }
mkdir -p "$dir/pages"
make_actions
start_standin
# after: how long until the next person
policy() { make_policy '.actions.page.escalate_after_ms = '"$1"; }
policy 3600000
make_config auto
printf '0123456789abcdef%.0s' 1 2 3 >"$dir/secrets/ack.key"
chmod 600 "$dir/secrets/ack.key"
cat >>"$dir/guardraild.yml" <<YAML
public_url: http://localhost
ack_links: {key_file: ack.key, expire_after: 1h}
YAML
start_daemon
host='Host: localhost'
# get NAME LINK: the page and its status, as the address would bring it
path_of() { printf '%s' "${1#http://localhost}"; }
get() { curl -s -o "$dir/pages/$1.html" -D "$dir/pages/$1.head" -w '%{http_code}' -m 30 -H "$host" "$base$(path_of "$2")"; }
# send NAME LINK FORM…
send() {
    name=$1 link=$2
    shift 2
    curl -s -o "$dir/pages/$name.html" -D "$dir/pages/$name.head" -w '%{http_code}' -m 30 -H "$host" "$@" "$base$(path_of "$link")"
}
jane() { send "$1" "$2" --data-urlencode 'by=Jane Doe' --data-urlencode 'reason=I look at it'; }
has() { grep -q -e "$3" "$dir/pages/$2.html" && echo "ok: $1" || fail "$1: no \"$3\" in $2"; }
# the newest link that went out with a page
links() { grep -o 'http://localhost/ack/[A-Za-z0-9_-]*' "$dir/standin/pagerduty.log" 2>/dev/null | awk '!seen[$0]++'; }
links_are() { [ "$(links | wc -l)" -ge "$1" ]; }
link() { links | tail -1; }
taken() { show "$1" | jq -r '[.effects[] | select(.kind == "page" and .acknowledged_by != "")] | length'; }
fresh() {
    ctl release abort "$2" --by tester --reason x >/dev/null 2>&1
    start_release "$1"
    ctl release advance "$1" --by tester --reason x --override >/dev/null
    before=$(links | wc -l)
    hard "$1" | post /v1/alerts >/dev/null
    eventually "$1: a link went out" links_are $((before + 1))
}
store() {
    /usr/bin/python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for row in c.execute(sys.argv[2]): print(*row, sep="|")
c.commit()' "$dir/store.db" "$1"
}

# --- looking changes nothing
fresh d1 none
l1=$(link)
is "looked at" "$(get form "$l1"):$(get form "$l1"):$(get form "$l1")" 200:200:200
is "nobody took it" "$(taken d1)" 0
has "what it is" form 'error_rate'
has "a form" form '<form method="post" action="/ack/'
is "its policy" "$(tr -d '\r' <"$dir/pages/form.head" | grep -c "^Content-Security-Policy: default-src 'none'; style-src 'sha256-[^']*'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$")" 1
is "the address is told to nobody" "$(tr -d '\r' <"$dir/pages/form.head" | grep -cx 'Referrer-Policy: no-referrer')" 1
is "a head is not got" "$(curl -s -I -o /dev/null -w '%{http_code}' -H "$host" "$base$(path_of "$l1")")" 405

# --- what is refused
is "without a reason" "$(send empty "$l1" -d by=Jane -d reason=):$(send empty "$l1" -d by=Jane -d 'reason=+%0A+')" 400:400
has "says so" empty 'a name and a reason are needed'
has "keeps what was written" empty 'value="Jane"'
is "without a name" "$(send empty "$l1" -d reason=x)" 400
is "as guardraild" "$(send empty "$l1" -d by=guardraild -d reason=x)" 400
is "a name that is markup" "$(send markup "$l1" --data-urlencode 'by="><script>x' --data-urlencode 'reason=')" 400
has "is text" markup 'value="&quot;&gt;&lt;script&gt;x"'
is "too long" "$(send long "$l1" -d by=x -d "reason=$(printf 'x%.0s' $(seq 1001))")" 400
is "far too long" "$(send long "$l1" -d by=x -d "reason=$(printf 'xxxxxxxxxx%.0s' $(seq 2000))")" 413
is "control characters" "$(send long "$l1" -d by=x -d 'reason=%1b')" 400
is "no form" "$(send json "$l1" -H 'Content-Type: application/json' -d '{"by":"x"}')" 415
is "another address" "$(curl -s -o /dev/null -w '%{http_code}' "$base$(path_of "$l1")"):$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' -d by=x -d reason=x "$base$(path_of "$l1")")" 421:421
for i in 24 60 100 130; do
    bad=$(printf '%s' "$l1" | awk -v i=$i '{c = substr($0, i, 1); print substr($0, 1, i - 1) (c == "A" ? "B" : "A") substr($0, i + 1)}')
    is "changed at $i" "$(get bad "$bad"):$(jane bad "$bad")" 403:403
done
has "says so" bad 'this link is not valid'
is "cut" "$(get bad "${l1%?}"):$(get bad http://localhost/ack/x)" 403:403
is "nobody took it yet" "$(taken d1)" 0

# --- once
is "taken" "$(jane done "$l1")" 200
has "says so" done 'acknowledged</span> by Jane Doe: I look at it'
is "it is" "$(taken d1)" 1
is "a second time" "$(jane twice "$l1")" 410
has "says by whom" twice 'this link was used by Jane Doe at'
is "looked at after it" "$(get after "$l1")" 200
has "nothing left" after 'There is nothing left to acknowledge'
is "in the audit log" "$(grep -h '"event":"page acknowledged"' "$dir"/reports/audit/*.jsonl | grep -c 'by link: I look at it')" 1
stop_daemon KILL
start_daemon
is "after a crash, too" "$(jane twice "$l1")" 410

# --- taken by somebody else
fresh d2 d1
l2=$(link)
page_id=$(show d2 | jq -r '[.effects[] | select(.kind == "page" and .acknowledged_by == "")][0].id')
is "by guardrailctl" "$(ctl ack --page "G-$page_id" --by bob --reason 'mine' >/dev/null; echo $?)" 0
is "then the link" "$(get other "$l2"):$(jane other "$l2")" 200:410
has "says so" other 'somebody took this page already'

# --- two links at once: one of them
fresh d3 d2
l3=$(link)
for i in 1 2 3 4 5 6; do jane "race$i" "$l3" >"$dir/race.$i" & pids="${pids-} $!"; done
for p in $pids; do wait "$p"; done
is "one of six" "$(cat "$dir"/race.? | grep -o '200' | wc -l | tr -d ' '):$(store "SELECT count(*) FROM link WHERE effect_id = (SELECT effect_id FROM link ORDER BY used_ms DESC LIMIT 1)")" 1:1

# --- keys are rotated: both, then the new one alone
fresh d4 d3
l4=$(link)
(umask 077; printf 'f%.0s' $(seq 64) >"$dir/new"; { cat "$dir/new"; echo; printf '0123456789abcdef%.0s' 1 2 3; } >"$dir/secrets/ack.key.new")
mv "$dir/secrets/ack.key.new" "$dir/secrets/ack.key"
is "the old key's link, with both" "$(get rotated "$l4")" 200
mv "$dir/new" "$dir/secrets/ack.key"
is "the old key's link, with the new" "$(get rotated "$l4")" 403
chmod 644 "$dir/secrets/ack.key"
is "a key that others may read" "$(get open "$l4")" 503
chmod 600 "$dir/secrets/ack.key"

# --- escalation: nobody takes it; then somebody does, by link
stop_daemon
policy 1500
start_daemon
fresh d5 d4
escalated() { store "SELECT count(*) FROM effect WHERE key LIKE '%$1%|escalated|%'"; }
escalated_is() { [ "$(escalated "$1")" = "$2" ]; }
eventually "nobody took it: the next person" escalated_is /d5/ 1
stop_daemon
policy 4000
start_daemon
fresh d6 d5
is "taken" "$(jane six "$(link)")" 200
due=$(store "SELECT max(escalate_ms) FROM effect WHERE deployment_id = 'd6'")
is "it was to go on" "$([ "${due:-0}" -gt 0 ] && echo yes)" yes
later() { [ "$(date +%s%3N)" -gt $((due + 1500)) ]; }
eventually "its time is over" later
is "it stayed" "$(escalated /d6/)" 0

# --- not in use (that a link expires: test_link.c)
stop_daemon
policy 3600000
sed -i '/^ack_links/d' "$dir/guardraild.yml"
start_daemon
is "not in use" "$(get none "$l1"):$(jane none "$l1")" 404:404
fresh_links=$(links | wc -l)
ctl release abort d6 --by tester --reason x >/dev/null 2>&1
start_release d7
ctl release advance d7 --by tester --reason x --override >/dev/null
hard d7 | post /v1/alerts >/dev/null
paged() { grep -q '/d7/' "$dir/standin/pagerduty.log"; }
eventually "d7: a page went out" paged
is "without a link" "$(links | wc -l)" "$fresh_links"
is "the log is whole" "$(ctl verify --store >/dev/null; echo $?)" 0
/usr/bin/python3 "$here/page_check.py" "$dir"/pages/*.html && echo "ok: all pages are well-formed" || fail "pages are not as they must be"
