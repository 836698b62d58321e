#!/bin/sh
# guardrailc diff and compile --require-changelog as a user meets them; with a git repository made here.
#   diff.sh --update   rewrites the expected outputs in tests/data/diff; review the diff
. "${GR_SRCDIR:-.}/tests/command.sh"
data=$src/tests/data/diff
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CEILING_DIRECTORIES=$build
export GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CEILING_DIRECTORIES
begin diff

# golden FILE: out is what is checked in.
golden() {
  if [ "${update:-}" ]; then cp out "$data/$1"; else cmp -s out "$data/$1" || { fail "differs from tests/data/diff/$1"; diff "$data/$1" out; }; fi
}
[ "${1:-}" = --update ] && update=1
cp "$data/old.yml" "$data/new.yml" .

# -- the three forms
runs "text" 1 diff old.yml new.yml; silent err; golden text.txt
runs "markdown" 1 diff --format markdown old.yml new.yml; silent err; golden markdown.md
runs "json" 1 diff --format json old.yml new.yml; silent err; golden json.json
runs "colors" 1 diff --color always old.yml new.yml; says out "$(printf '\033')"
runs "no colors in Markdown" 1 diff --color always --format markdown old.yml new.yml; says_not out "$(printf '\033')"
runs "quiet" 1 diff -q old.yml new.yml; silent out; silent err
runs "the other way round" 1 diff new.yml old.yml; says out "tighter   expect"; says out "looser    overrides.hard upper, where region=a"

# -- exit codes
runs "never" 0 diff --fail-on never old.yml new.yml; says out "looser"
sed 's/hard: +40%/hard: +35%/' old.yml >tight.yml
runs "tightened" 0 diff old.yml tight.yml; says out "^1 tightened\.$"
runs "tightened, any" 1 diff --fail-on any old.yml tight.yml
runs "tightened, Markdown" 0 diff --format markdown old.yml tight.yml; says out "^\*\*Nothing is loosened\.\*\*"
sed 's/# .*//; s/20m/1200s/' old.yml >same.yml
runs "same" 0 diff --fail-on any old.yml same.yml; says out "^No difference"
sed 's/, reduce: max/, reduce: max, show: ratio/' old.yml >written.yml
runs "written otherwise" 0 diff --fail-on any old.yml written.yml; says out "No difference in meaning; only"
runs "the same, Markdown" 0 diff --format markdown old.yml same.yml; says out "the meaning is the same"

# -- usage and input
runs "one operand" 2 diff old.yml; says err "compare with what"
runs "none" 2 diff; says err "OLD and NEW are wanted, 0 given"
runs "three" 2 diff old.yml new.yml same.yml; says err "3 given"
runs "two with --against" 2 diff old.yml new.yml --against HEAD; says err "one SPEC is wanted"
runs "standard input twice" 2 diff - -; says err "one side only"
runs "standard input of a revision" 2 diff - --against HEAD; says err "specification in a file"
runs "no such form" 2 diff --format sarif old.yml new.yml; says err "format"
runs "no such --fail-on" 2 diff --fail-on sometimes old.yml new.yml; says err "fail-on"
stdin=new.yml
runs "standard input" 1 diff old.yml -; says out "errors"
stdin=
runs "missing" 2 diff old.yml missing.yml; says out "GR0001"
: >empty.yml
runs "empty" 1 diff old.yml empty.yml; says out "empty.yml:1:1"; says_not out "looser"
sed 's/hard: +40%/hard: 40%/' old.yml >broken.yml
runs "both are broken" 1 diff broken.yml empty.yml; says out "broken.yml:.*GR0206"; says out "empty.yml"
runs "broken, as JSON" 1 diff --format json broken.yml new.yml; says out '"findings"'

# -- trees
runs "compile" 0 compile -q old.yml -o tree
runs "a tree and its specification" 0 diff --fail-on any tree old.yml; says out "^No difference"
runs "a tree and another" 1 diff tree new.yml; says out "looser    limit.hard upper, other slices: +40% -> +50%"
runs "compile the other" 0 compile -q new.yml -o tree2
runs "two trees" 1 diff tree tree2; says out "looser    limit.hard upper, other slices: +40% -> +50%"
mkdir nothing
runs "a folder that is no tree" 2 diff nothing old.yml; says out "GR0610"; says out "no manifest.json"
cp -r tree hand
sed 's/"1.4"/"1.9"/; s/"number":1.4/"number":1.9/' tree/guardrail/facts.json >hand/guardrail/facts.json
runs "mended by hand" 2 diff hand old.yml; says out "not what manifest.json says"
rm hand/guardrail/facts.json
runs "facts are gone" 2 diff hand old.yml; says out "GR0001"
echo '{"format":1}' >hand/manifest.json
runs "a foreign manifest" 2 diff hand old.yml; says out "GR0610"
runs "only a part" 0 compile -q --only rules old.yml -o part
runs "a tree without facts" 2 diff part old.yml; says out "has no guardrail/facts.json"

# -- the change log
runs "a new log" 1 diff --changelog log.md --now 2026-11-23 old.yml new.yml; says err "entry written"
name="a new log"
grep -q '^# Change log' log.md && grep -q '^## 2026-11-23 shop$' log.md && grep -q '^- Author:$' log.md || fail "no entry"
cp log.md log.before
runs "the same again" 1 diff --changelog log.md --now 2026-11-24 old.yml new.yml; says err "already"
name="the same again"; cmp -s log.md log.before || fail "the log changed"
printf '# Ours\n\nText without a line end' >ours.md
chmod 640 ours.md
runs "a log of theirs" 0 diff --changelog ours.md old.yml tight.yml
name="a log of theirs"; [ "$(head -n1 ours.md)" = "# Ours" ] && grep -q '^## ' ours.md || fail "not kept"
runs "nothing to log" 0 diff --changelog none.md old.yml same.yml; says err "nothing to write"
name="nothing to log"; [ ! -e none.md ] || fail "written"
runs "no folder for it" 2 diff --changelog gone/log.md old.yml new.yml; says err "cannot read gone/log.md"
runs "a folder in its place" 2 diff --changelog nothing old.yml new.yml; says err "cannot read nothing"

# -- compile --require-changelog
cp new.yml spec.yml
cp -r tree out.d
runs "without the tree" 0 compile -q --require-changelog spec.yml -o fresh
before=$(cat out.d/manifest.json)
runs "no log yet" 1 compile --require-changelog spec.yml -o out.d; says out "GR0611"; says out "guardrailc diff out.d spec.yml --changelog governance/change_log.md"
name="no log yet"; [ "$(cat out.d/manifest.json)" = "$before" ] || fail "the tree changed"
mkdir governance
runs "the entry" 1 diff out.d spec.yml --changelog governance/change_log.md
runs "not signed" 1 compile --require-changelog spec.yml -o out.d; says out 'nothing behind "Author:"'
sed 's/^- Author:$/- Author: jane/; s/^- Reviewed by:$/- Reviewed by: joe/; s/^- Risk:$/- Risk: low/' governance/change_log.md >l && mv l governance/change_log.md
runs "not all signed" 1 compile --require-changelog spec.yml -o out.d; says out 'nothing behind "Ticket:"'
sed 's/^- Ticket:$/- Ticket: OPS-1/' governance/change_log.md >l && mv l governance/change_log.md
runs "signed" 0 compile -q --require-changelog spec.yml -o out.d
sed 's/hard: +50%/hard: +60%/' new.yml >spec.yml
runs "an entry for another change" 1 compile --require-changelog spec.yml -o out.d; says out "has no entry"
sed '/^governance/d' new.yml >spec.yml
runs "no log is named" 1 compile --require-changelog spec.yml -o tree; says out "names no change log"
cp tight.yml spec.yml
runs "tightened needs none" 0 compile -q --require-changelog spec.yml -o tree
runs "--against alone" 2 compile --against HEAD spec.yml -o tree; says err "goes with --require-changelog"

# -- a waiver that is extended: the same limits and so the same hashes, and yet each extension has to be signed
cp old.yml governed.yml; printf 'governance: {change_log: governance/change_log.md}\n' >>governed.yml
grep -q '^governance' old.yml && cp old.yml governed.yml
extended() {
  printf 'apiVersion: guardrail/v1\nextends: governed.yml\nguardrails:\n  - name: errors\n    limit: {hard: +50%%}\n'
  printf '    waiver: {approved_by: jane, ticket: T-1, reason: "a new feed", expires: %s}\n' "$1"
}
sign() { sed 's/^\(- [A-Z][A-Za-z ]*:\)$/\1 x/' governance/change_log.md >l && mv l governance/change_log.md; }
extended 2026-12-31 >o.yml; runs "the waiver" 0 compile -q --now 2026-11-23 o.yml -o waived
extended 2027-01-31 >o.yml
runs "extended" 1 compile --require-changelog --now 2026-11-23 o.yml -o waived; says out GR0611
runs "its entry" 1 diff waived o.yml --now 2026-11-23 --changelog governance/change_log.md; says out "waivers"
sign
runs "signed" 0 compile -q --require-changelog --now 2026-11-23 o.yml -o waived
extended 2027-02-28 >o.yml
runs "extended again" 1 compile --require-changelog --now 2026-11-23 o.yml -o waived; says out "has no entry"
runs "its entry" 1 diff waived o.yml --now 2026-11-23 --changelog governance/change_log.md
sign
runs "signed again" 0 compile -q --require-changelog --now 2026-11-23 o.yml -o waived

# -- git
if git --version >/dev/null 2>&1; then
  runs "outside of a repository" 2 diff old.yml --against HEAD; says err "in no git repository"
  mkdir -p repo/overlays && cd repo || exit 1
  g() { git -c user.name=jane -c user.email=jane@example.com -c init.defaultBranch=main "$@" >/dev/null 2>&1 || fail "git $1"; }
  name=git
  g init . && cp ../old.yml base.yml && printf 'extends: ../base.yml\n' >overlays/north.yml && g add . && g commit -m one
  cp ../new.yml base.yml
  cp ../new.yml later.yml
  runs "a revision" 1 diff base.yml --against HEAD; says out "^HEAD:base.yml"; says out "looser    limit.hard upper"
  says out "HEAD:base.yml:26:11"
  runs "from elsewhere" 1 diff "$work/repo/base.yml" --against main; says out "looser"
  cd overlays || exit 1
  runs "with what it extends, from its folder" 1 diff north.yml --against HEAD; says out "looser    limit.hard upper"
  cd .. || exit 1
  runs "with what it extends, from above" 1 diff overlays/north.yml --against HEAD; says out "looser    limit.hard upper"
  cd .. || exit 1
  runs "with what it extends, from outside" 1 diff repo/overlays/north.yml --against HEAD; says out "looser    limit.hard upper"
  cd repo || exit 1
  runs "a file that was not there" 2 diff later.yml --against HEAD; says out "cannot read HEAD:later.yml"
  runs "no such revision" 2 diff base.yml --against nowhere; says err "no revision 'nowhere'"
  for revision in --help -x HEAD..main HEAD:base.yml "a b" ""; do
    runs "a revision '$revision'" 2 diff base.yml "--against=$revision"; says err "one git revision"; silent out
  done
  mkdir governance
  runs "a change log against a revision" 1 compile --require-changelog --against HEAD base.yml -o tree; says out "GR0611"
  says out "guardrailc diff base.yml --against HEAD --changelog governance/change_log.md"
  runs "its entry" 1 diff base.yml --against HEAD --changelog governance/change_log.md
  sed 's/^\(- [A-Z][A-Za-z ]*:\)$/\1 x/' governance/change_log.md >l && mv l governance/change_log.md
  runs "signed" 0 compile -q --require-changelog --against HEAD base.yml -o tree
  PATH=$work/nothing; export PATH
  cases=$((cases + 1)) name="no git"
  "$guardrailc" diff base.yml --against HEAD >out 2>err; got=$?
  PATH=/usr/bin:/bin
  [ $got -eq 2 ] || fail "exit status $got"
  says err "needs git"
  cd ..
else
  echo "no git: revisions are not tested"
fi

finish
