#!/bin/sh
# guardrailc(1) against the program's own tables: each command has a section, each option of --help stands in it, and nothing
# stands there that the program does not know.
set -u
: "${GR_SRCDIR:=.}" "${GR_BUILDDIR:=.}"
page=$GR_SRCDIR/man/guardrailc.1 guardrailc=$GR_BUILDDIR/guardrailc
bad=0 checked=0

fail() { echo "FAILED: $*"; bad=$((bad + 1)); }
# The lines of a section whose title begins with the word $1.
section() {
  awk -v word="$1" '/^\.S[SH] /{ inside = 0; line = $0; sub(/^\.SS "?/, "", line); split(line, w, /[ "]/)
                                 if ($0 ~ /^\.SS/ && w[1] == word) inside = 1 }
                    inside' "$page"
}
# Long options that a section documents: those of its .TP heads.
documented() { sed -n '/^\.TP/{n;s/\\-/-/gp;}' | grep -o -e '--[a-z][a-z-]*' | sort -u; }
# Long options with their letters, as --help lists them: "-o --out".
listed() { "$guardrailc" "$1" --help | sed -n 's/^  \(-[^ ,-]\), \(--[a-z-]*\).*/\2 \1/p; s/^      \(--[a-z-]*\).*/\1/p'; }

common=$(section Options | documented)
[ -n "$common" ] || fail "there is no section \"Options of all commands\""
for command in $("$guardrailc" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'); do
  text=$(section "$command")
  [ -n "$text" ] || { fail "$command has no section (.SS \"$command …\")"; continue; }
  grep -q -e "^\.B guardrailc $command" "$page" || fail "$command is not in the synopsis"
  own=$(printf '%s\n' "$text" | documented)
  known=$(listed "$command")
  for option in $(printf '%s\n' "$known" | grep -o -e '^--[a-z-]*'); do
    checked=$((checked + 1))
    printf '%s\n%s\n' "$own" "$common" | grep -qx -e "$option" || fail "$command: $option is not documented"
  done
  for option in $own; do
    printf '%s\n' "$known" | grep -q -e "^$option\( \|$\)" || fail "$command: there is no $option"
  done
  printf '%s\n' "$known" | grep ' ' | while read -r option letter; do
    printf '%s\n%s\n' "$text" "$(section Options)" | grep -e "^\.BR*.*\\\\$letter" | sed 's/\\-/-/g' | grep -q -e "$option" ||
      echo "$command: $letter is not documented beside $option"
  done | { ! grep .; } || bad=$((bad + 1))
done
[ $checked -gt 20 ] || fail "only $checked options were looked at"

# Mistakes of markup, where groff is there.
if command -v groff >/dev/null; then
  for p in "$GR_SRCDIR"/man/*.[18]; do
    out=$(groff -man -Tutf8 -ww -z "$p" 2>&1)
    [ -z "$out" ] || fail "$p: $out"
  done
fi
echo "$checked options, $bad failures"
[ $bad -eq 0 ]
