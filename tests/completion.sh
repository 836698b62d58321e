#!/usr/bin/env bash
# The completion scripts of guardrailc, in the shells they are for; a shell that is not there is left out.
set -u
: "${GR_BUILDDIR:=.}"
build=$(cd "$GR_BUILDDIR" && pwd) || exit 1
work=$(mktemp -d "$build/completion.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir -p site/some-folder
touch site/some-file.yml
for shell in bash fish zsh; do
  "$build/guardrailc" completion $shell >script.$shell || { echo "FAILED: completion $shell"; exit 1; }
done
cd site || exit 1
bad=0 cases=0

# LINE|WORDS THAT MUST BE OFFERED|WORDS THAT MUST NOT; "*" in the line's place of a shell's own completion of files.
rows='guardrailc c|check compile completion|lint
guardrailc check --fo|--format|--color
guardrailc check --format |text json sarif github|some-file.yml
guardrailc compile -o |some-folder|some-file.yml
guardrailc compile some|some-file.yml|text
guardrailc completion |bash fish zsh|some-file.yml
guardrailc promql |check fmt labels|some-file.yml
guardrailc explain GR051|GR0513|GR0103
guardrailc explain rate|rate-of-sum|GR0103'

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
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _guardrailc; printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
}
in_fish() { fish --no-config -c 'source ../script.fish; complete -C $argv[1]' -- "$1" | sed 's/\t.*//; s,/$,,'; }

while IFS='|' read -r line wanted unwanted; do
  offers bash "$line" "$(in_bash "$line")" "$wanted" "$unwanted"
  ! command -v fish >/dev/null || offers fish "$line" "$(HOME=$work in_fish "$line")" "$wanted" "$unwanted"
done <<<"$rows"
# bash cuts at the equals sign.
offers bash "--format = js" "$(bash -c '. ../script.bash; COMP_WORDS=(guardrailc check --format = js) COMP_CWORD=4; _guardrailc
  printf "%s\n" "${COMPREPLY[@]}"')" json text

# zsh completes only where there is a terminal: each line is typed into one, and what it lists is searched.
if command -v zsh >/dev/null; then
  cat >../terminal.zsh <<'ZSH'
zmodload zsh/zpty || exit 0
zpty z "PS1= zsh -f -i"
until_seen() { # PATTERN
  local all= part
  for i in {1..100}; do
    while zpty -r -t z part; do all+=$part; done
    [[ $all == *$~1* ]] && return 0
    sleep 0.1
  done
  print -r -- "$all" | cat -v
  return 1
}
zpty -w z 'unsetopt zle_bracketed_paste; autoload -U compinit; compinit -D -u; source ../script.zsh; print read''y'
until_seen 'ready' || exit 1
ask() { zpty -w -n z $'\x15'"$1"$'\t\t'; until_seen "$2" || { print "FAILED: zsh: $1"; bad=1 }; }
bad=0
ask 'guardrailc check --format=' sarif
ask 'guardrailc comp' completion
ask 'guardrailc promql ' labels
ask 'guardrailc explain rate-of' rate-of-sum
ask 'guardrailc compile some' some-file.yml
zpty -d z
exit $bad
ZSH
  zsh -n ../script.zsh && HOME=$work timeout 60 zsh -f ../terminal.zsh || bad=$((bad + 1))
  cases=$((cases + 1))
fi
echo "$cases cases, $bad failures"
[ $bad -eq 0 ]
