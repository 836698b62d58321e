#!/bin/sh
# guardrailc fmt as a user meets it: what is written, what is left alone, what is said where.
. "${GR_SRCDIR:-.}/tests/command.sh"
begin fmt

same() { cmp -s "$1" "$2" || fail "$1 is not $2"; }
# What a file is: its inode, mode and times.
state() { stat -c '%i %a %Y %n' "$1"; }

good=$src/examples/tradepulse/guardrails.yml
sed 's/^  /    /; s/: /:  /' "$good" | sed 's/:  >-/: >-/' >draft
printf 'a:   1 # x\nb: [1,2]\n' >small; printf 'a: 1  # x\nb: [1, 2]\n' >small.want
printf 'a: [1\n' >broken.yml

runs "no file" 2 fmt; says err "which SPEC"
runs "help" 0 fmt --help; says out "--check"; says out "^Examples:"
cp small a.yml; chmod 640 a.yml
runs "one file" 0 fmt a.yml; says out "^1 file reformatted, 0 unchanged$"; silent err; same a.yml small.want
name="mode"; [ "$(stat -c %a a.yml)" = 640 ] || fail "$(state a.yml)"
before=$(state a.yml)
runs "again" 0 fmt a.yml; says out "^0 files reformatted, 1 unchanged$"; [ "$(state a.yml)" = "$before" ] || fail "it was touched"
cp small b.yml
runs "several, quietly" 0 fmt -q a.yml b.yml; silent out; silent err; same b.yml small.want
cp "$good" c.yml
runs "the example" 0 fmt c.yml; same c.yml "$good"
cp draft d.yml
runs "the example, badly laid out" 0 fmt d.yml
runs "means the same" 0 compile -q d.yml -o d --only rules
runs "means the same" 0 compile -q c.yml -o c --only rules; same d/prometheus/rules.yml c/prometheus/rules.yml

# -- check and diff
cp small a.yml; cp small.want b.yml
before=$(state a.yml)
runs "--check" 1 fmt --check a.yml b.yml; says out "^a.yml$"; says err "^1 file would be reformatted, 1 unchanged$"
name="--check"; [ "$(wc -l <out)" -eq 1 ] || fail "more than one line"
[ "$(state a.yml)" = "$before" ] || fail "it was touched"
runs "--check, nothing to do" 0 fmt --check b.yml; silent out; says err "^0 files would be"
runs "--check -q" 1 fmt -q --check a.yml; says out "^a.yml$"; silent err
runs "--diff" 1 fmt --diff a.yml b.yml; says out "^--- a.yml"; says out "^+++ a.yml"; says out "^@@ -1,2 +1,2 @@"; says out "^-a:   1 # x"; says out "^+a: 1  # x"
[ "$(state a.yml)" = "$before" ] || fail "it was touched"
if command -v patch >/dev/null; then
  cp out a.diff; cp a.yml p.yml
  patch -s p.yml a.diff || fail "patch refuses it"
  same p.yml small.want
fi
runs "--diff, nothing to do" 0 fmt --diff b.yml; silent out
runs "--diff of the example" 1 fmt --diff draft; says out "^@@"

# -- standard input
stdin=small
runs "a stream" 0 fmt -; same out small.want; silent err
runs "a stream, --check" 1 fmt --check -; says out "^-$"
runs "a stream, --diff" 1 fmt --diff -; says out "^+a: 1  # x"
runs "a stream and a file" 2 fmt - b.yml; says err "goes alone"
stdin=broken.yml
runs "a broken stream" 1 fmt -; silent out; says err "GR0004"
stdin=/dev/null
runs "an empty stream" 0 fmt -; silent out; silent err
stdin=

# -- findings
runs "broken" 1 fmt broken.yml; says out "^broken.yml:2:1: GR0004 error"; says out "^0 files reformatted, 0 unchanged, 1 refused$"; [ "$(cat broken.yml)" = "a: [1" ] || fail "it was changed"
cp small e.yml
runs "broken, and another" 1 fmt broken.yml e.yml; same e.yml small.want
runs "broken, as JSON" 1 fmt --format json broken.yml; says out '"GR0004"'
runs "missing" 2 fmt missing.yml; says out "GR0001"
printf 'extends: ../base.yml\nguardrails:\n- {name: x,limit: {hard: +5%%}}\nnothing:   [1,2]\n' >overlay.yml
runs "other mistakes do not matter" 0 fmt overlay.yml; says out "1 file reformatted"
head -c 1048577 /dev/zero | tr '\0' '#' >large.yml
runs "larger than the limit" 2 fmt large.yml; says out GR0002

# -- files
mkdir real; cp small real/f.yml; ln -s real/f.yml link.yml
runs "a symbolic link" 0 fmt link.yml; same real/f.yml small.want
name="a symbolic link"; [ -h link.yml ] || fail "it is a file now"
ln -s nowhere dangling.yml
runs "a link to nothing" 2 fmt dangling.yml
runs "a folder" 2 fmt real
mkfifo pipe; cat small >pipe &
runs "a pipe" 3 fmt pipe; says err "no regular file"
wait $!
if [ "$(id -u)" -ne 0 ]; then # root writes wherever it likes
  cp small sealed.yml; chmod 444 sealed.yml
  runs "a file that may not be written" 3 fmt sealed.yml; says err "cannot write sealed.yml"; same sealed.yml small
  mkdir shut; cp small shut/g.yml; chmod 555 shut
  runs "a folder that may not be written" 3 fmt shut/g.yml; same shut/g.yml small
  chmod 755 shut
fi
name="nothing is left behind"; [ -z "$(find . -name '*.tmp*')" ] || fail "$(find . -name '*.tmp*')"
if [ -w /dev/full ]; then
  name="into a full device" cases=$((cases + 1))
  "$guardrailc" fmt - <small >/dev/full 2>err
  [ $? -eq 3 ] || fail "not 3"
fi

finish
