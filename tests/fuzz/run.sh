#!/bin/sh
# Fuzzes with clang's libFuzzer: run.sh BUILD_FOLDER SECONDS TARGET...   (TARGET: yaml, json, quote, ...)
# Everything is built and collected below BUILD_FOLDER/fuzz; a crash is left there for the corpus. The corpus in the
# source tree is read, never changed. BUILD_FOLDER must hold a config.h.
set -eu
GR_SRCDIR=$(cd "$(dirname "$0")/../.." && pwd)
export GR_SRCDIR
src=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
seconds=$2
shift 2
targets=$*
for target in $targets; do
    mkdir -p "$build/fuzz/corpus_$target"
    # Compiling the rooms anew for each target is cheaper than a second build tree. The compiler (which has a tree.c of its own)
    # only for those that need it.
    case $target in
    alerts | conf | page) more=$(ls "$src"/webhook/*.c | grep -vE '/(guardraild|guardrailctl|ctl_[a-z]*)\.c$') ;;
    facts | layout | spec) more=$(ls "$src"/compiler/*.c | grep -vE '/(guardrailc|cmd_[a-z]*)\.c$') ;;
    *) more=$src/tests/unit/base/tree.c ;;
    esac
    [ "$target" != page ] || more="$more $src/tests/unit/webhook/breach.c"
    # shellcheck disable=SC2046
    clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
        -I"$build" -I"$src/include" -I"$src/rules" -I"$src/compiler" -I"$src" -o "$build/fuzz/fuzz_$target" \
        "$src/tests/fuzz/fuzz_$target.c" $more "$src"/base/*.c "$src"/rules/*.c \
        $(pkg-config --cflags --libs yaml-0.1 libcjson gnutls libpcre2-8 libmicrohttpd sqlite3 libcurl) -lm -lpthread
    set -- "corpus_$target" "$src/tests/fuzz/corpus/$target"
    if [ "$target" = spec ]; then
        # Words of the language: the keys and choices of its tables, and what quantities and names are made of.
        {
            sed -nE 's/.*\.name = "([A-Za-z_]+)".*/"\1: "/p' "$src/compiler/spec_tables.c"
            sed -nE '/_choices\[\] = /s/[^"]*("[^"]*")[^"]*/\1\n/gp' "$src/compiler/spec_tables.c" | grep '^"'
            printf '"%s"\n' '\x0a' '\x0a  - ' ': {' '}' ': [' ']' ', ' '+25%' '+3pp' '5bps' '\xc2\xb1' '2 of 3' 20m 500ms 0.05% ' of control' \
                '# ' '{guardrail}' '{deployment_id}' errors rollback cluster venue flow agency
        } | sort -u >"$build/fuzz/spec.dict"
        set -- -dict=spec.dict "$@" "$src/tests/data/specs/good" "$src/tests/data/specs/bad"
    fi
    if [ "$target" = alerts ]; then
        # Label names and values that mean something, and the members of a payload.
        for word in alertname level side deployment_id phase spec cluster equities guardrail error_rate model_drift venue XNAS flow making agency \
            hard soft no_data GuardrailHardBreach GuardrailSoftBreach GuardrailNoData GuardrailWatchdog firing resolved status labels annotations \
            spec_hash common_cause control preflight phase_1 phase_2 startsAt endsAt 0001-01-01T00:00:00Z generatorURL fingerprint alerts version; do
            printf '"\\"%s\\""\n' "$word"
        done >"$build/fuzz/alerts.dict"
        set -- -dict=alerts.dict "$@"
    fi
    if [ "$target" = page ]; then
        printf '"%s"\n' 'by=' '&reason=' '%3Cscript%3E' '%0D%0A' '%00' '%C3%A9' '<script>' '\"><img src=x onerror=alert(1)>' '&amp;' '</style>' \
            'javascript:' d1 guardraild guardraild.example.org guardraild.example.org:443 >"$build/fuzz/page.dict"
        set -- -dict=page.dict "$@"
    fi
    (cd "$build/fuzz" && "./fuzz_$target" -max_total_time="$seconds" -timeout=10 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="crash_${target}_" "$@")
done
