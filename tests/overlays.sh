#!/bin/sh
# Overlays and included files as a user meets them: the example, the day a waiver ends, what cannot be read, what is too much.
. "${GR_SRCDIR:-.}/tests/command.sh"
begin overlays

overlay() { printf 'apiVersion: guardrail/v1\n'; printf '%s\n' "$@"; }

# -- the example, before and after its waiver ends
crypto=$src/examples/tradepulse/overlays/crypto.yml
runs "the example" 0 check --strict --now 2026-11-23 "$crypto"; says out SUCCESS
runs "the example, linted" 0 lint --now 2026-11-23 "$crypto"
runs "the example, soon" 1 check --strict --now 2026-12-20 "$crypto"; says out GR0342
runs "compiled" 0 compile --now 2026-11-23 -o tree "$crypto"
grep -q '"valid_until": "2026-12-31"' tree/manifest.json || fail "the manifest says nothing of the end"
grep -q 'alert: GuardrailWaiverExpired' tree/prometheus/rules.yml || fail "no alert for the end"
grep -q '"valid_until": null' "$src/examples/tradepulse/compiled/manifest.json" || fail "the base has an end"
runs "its last second" 0 compile -q --check --now 2026-12-31T23:59:59Z -o tree "$crypto"
runs "the second after" 1 compile -q --check --now 2027-01-01T00:00:00Z -o tree "$crypto"
says err "was valid until 2026-12-31: a waiver has ended"; says out "stale: prometheus/rules.yml"
runs "compiled after" 0 compile -q --now 2027-01-01 -o after "$crypto"; says out GR0341
grep -q GuardrailWaiverExpired after/prometheus/rules.yml && fail "an alert for what is not there"
sed '/^ *waiver:/,$d; s/soft: +20%, //' "$crypto" >tighter.yml
sed -i "s|\.\./guardrails.yml|$src/examples/tradepulse/guardrails.yml|" tighter.yml
runs "without the looser value" 0 compile -q --now 2026-11-23 -o plain tighter.yml
diff -r after plain >diff.out || fail "not as if the looser value had never been there: $(head -3 diff.out)"
for now in today 2026-02-30 2026-11-23T25:00:00Z; do
  runs "--now $now" 2 check --now $now "$crypto"; says err "now is a date"
done

# -- standard input, and a folder in between
cp "$src/examples/minimal/guardrails.yml" base.yml
mkdir -p deep/er
overlay 'extends: base.yml' >over.yml
stdin=over.yml; runs "standard input" 0 check -; stdin=
overlay 'extends: ../../base.yml' >deep/er/over.yml
runs "up two folders" 0 check deep/er/over.yml
(cd deep && timeout 60 "$guardrailc" check er/over.yml >/dev/null) || { name="from elsewhere"; fail "not found"; }

# -- what cannot be read
mkfifo fifo; ln -s loop2 loop1; ln -s loop1 loop2; : >secret.yml; chmod 000 secret.yml
refused() { # NAME FILE TEXT
  for key in extends include; do
    { overlay "$key: $2"; [ $key = extends ] || grep -v '^apiVersion' base.yml; } >t.yml
    runs "$1 ($key)" 1 check t.yml; says out "t.yml:2:10: GR0001"; says out "$3"
  done
}
refused "a pipe" fifo "no regular file"
refused "a folder" deep "it is a folder"
refused "a device" /dev/null "no regular file"
refused "links in a circle" loop1 "lead in a circle"
refused "nothing" nowhere.yml "no such file"
refused "below a file" base.yml/x "is a file, not a folder"
[ "$(id -u)" = 0 ] || refused "a secret" secret.yml "not permitted"
refused "a name like standard input" "'-'" "no such file"
runs "the specification itself" 2 check nowhere.yml; says out "cannot read nowhere.yml"

# -- circles and limits
overlay 'extends: b.yml' >a.yml; overlay 'extends: a.yml' >b.yml
runs "a circle" 1 check a.yml; says out "b.yml:2:10: GR0010"
overlay 'extends: base.yml' >d8.yml
for i in 7 6 5 4 3 2 1; do overlay "extends: d$((i + 1)).yml" >d$i.yml; done
runs "eight files" 0 check d2.yml
runs "nine files" 1 check d1.yml; says out "GR0002.*more than 8 files"
{ cat base.yml; echo 'include:'; i=0; while [ $i -lt 255 ]; do echo "  - i$i.yml"; echo 'actions: {}' >i$i.yml; i=$((i + 1)); done; } >many.yml
runs "256 files" 0 check many.yml
echo '  - base.yml' >>many.yml
runs "257 files" 1 check many.yml; says out "GR0002.*at most 256 files"
{ overlay 'extends: huge.yml'; } >t.yml
head -c 1048577 /dev/zero | tr '\0' '#' >huge.yml
runs "a file past 1 MiB" 1 check t.yml; says out "t.yml:2:10: GR0002"

# -- 10,000 guardrails in files of their own
i=0
{ cat base.yml; echo 'include: [g0.yml, g1.yml, g2.yml, g3.yml]'; } >large.yml
while [ $i -lt 4 ]; do
  awk -v f=$i 'BEGIN { print "guardrails:"; for (n = 0; n < 2500; n++)
    printf "  - {name: g%d_%d, metric: {gauge: queue_length, unit: count, reduce: avg}, limit: {against: fixed, bad: above, soft: 10, hard: 20}}\n", f, n }' >g$i.yml
  i=$((i + 1))
done
runs "10,000 guardrails" 0 check large.yml; says out "1000[1-9] guardrails"
overlay 'extends: large.yml' 'guardrails:' '  - {name: g3_2499, limit: {hard: 15}}' >t.yml
runs "one of them adapted" 0 check t.yml

finish
