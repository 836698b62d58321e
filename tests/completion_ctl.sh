#!/usr/bin/env bash
# The completion scripts of guardrailctl, in the shells they are for; a shell that is not there is left out.
set -u
: "${GR_BUILDDIR:=.}"
build=$(cd "$GR_BUILDDIR" && pwd) || exit 1
work=$(mktemp -d "$build/completion.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir site
touch site/some-file.jsonl
for shell in bash fish zsh; do
  "$build/guardrailctl" completion $shell >script.$shell || { echo "FAILED: completion $shell"; exit 1; }
done
cd site || exit 1
bad=0 cases=0

# LINE|WORDS THAT MUST BE OFFERED|WORDS THAT MUST NOT
rows='guardrailctl re|release replay|start
guardrailctl release re|resume rearm|release
guardrailctl release |start advance cancel confirm deny|ack some-file.jsonl
guardrailctl release start --st|--stream|--store
guardrailctl release start --o||--override
guardrailctl release advance d42 --o|--override|--stream
guardrailctl deadletter |list retry drop|start
guardrailctl deadletter retry --a|--all|--guardrail
guardrailctl --socket s.sock release canc|cancel|release
guardrailctl verify some|some-file.jsonl|start
guardrailctl completion |bash fish zsh|some-file.jsonl'

offers() { # SHELL LINE OFFERED WANTED UNWANTED
  local word
  cases=$((cases + 1))
  for word in $4; do
    grep -qx -e "$word" <<<"$3" || { echo "FAILED: $1: \"$2\" does not offer $word"; bad=$((bad + 1)); }
  done
  for word in $5; do
    ! grep -qx -e "$word" <<<"$3" || { echo "FAILED: $1: \"$2\" offers $word"; bad=$((bad + 1)); }
  done
}
in_bash() {
  bash -c '. ../script.bash
    read -ra COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _guardrailctl; printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
}
in_fish() { fish --no-config -c 'source ../script.fish; complete -C $argv[1]' -- "$1" | sed 's/\t.*//; s,/$,,'; }
while IFS='|' read -r line wanted unwanted; do
  offers bash "$line" "$(in_bash "$line")" "$wanted" "$unwanted"
  ! command -v fish >/dev/null || offers fish "$line" "$(HOME=$work in_fish "$line")" "$wanted" "$unwanted"
done <<<"$rows"
# bash cuts at the equals sign.
offers bash "--by = jane" "$(bash -c '. ../script.bash; COMP_WORDS=(guardrailctl --by = jane release canc) COMP_CWORD=5; _guardrailctl
  printf "%s\n" "${COMPREPLY[@]}"')" cancel release

# zsh completes only where there is a terminal: here its script is read, and asked with the words that a terminal would have.
if command -v zsh >/dev/null; then
  in_zsh() {
    zsh -f -c 'compdef() { : }; _describe() { local list=$argv[-1]; print -l -- ${(P)list%%:*} }; _files() { print -l *(N) }; _message() { : }
      source ../script.zsh; words=(${=1}); [[ $1 == *" " ]] && words+=("")
      CURRENT=${#words} PREFIX=$words[-1]; _guardrailctl | grep -e "^$PREFIX" | sed "s/:.*//"' zsh "$1"
  }
  while IFS='|' read -r line wanted unwanted; do
    offers zsh "$line" "$(in_zsh "$line")" "$wanted" "$unwanted"
  done <<<"$rows"
fi
"$build/guardrailctl" completion tcsh >/dev/null 2>&1
[ $? -eq 2 ] || { echo "FAILED: a shell that nobody knows"; bad=$((bad + 1)); }
echo "$cases cases, $bad failed"
[ $bad -eq 0 ]
