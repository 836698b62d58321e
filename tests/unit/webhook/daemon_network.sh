#!/bin/sh
# Hostile peers: a corpus of requests that smuggle, slow ones, many idle ones, bodies that cost much; in plain and over TLS.
# With "full": all kinds of drips from one and from many addresses, 10,000 idle connections.
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
. "$GR_SRCDIR/tests/unit/webhook/pki.sh"
[ "$(uname)" = Linux ] || { echo "skipped: needs 127.0.0.0/8 and /proc of Linux"; exit 77; }
full=
[ "${1:-}" != full ] || full=--full
make_actions
start_standin
make_policy
make_config auto
sed -i '/^limits:/d' "$dir/guardraild.yml"   # the defaults are what is tested
mkdir -p "$dir/pki"
new_ca ca
new_cert ca server localhost "DNS:localhost,IP:127.0.0.1" serverAuth

# side NAME TLS ARGUMENT…: a guardraild of its own, in a folder below, and network.py against it. Most of them wait for deadlines, so all
# run side by side.
side() {
    at=$1 tls=$2
    shift 2
    mkdir -p "$dir/$at/reports"
    sed -e 's|^policy: |&../|; s|^secrets_dir: |&../|; s|^actions_dir: |&../|' "$dir/guardraild.yml" >"$dir/$at/guardraild.yml"
    if [ -n "$tls" ]; then
        echo 'tls: {cert_file: ../pki/server.crt, key_file: ../pki/server.key}' >>"$dir/$at/guardraild.yml"
        set -- "$@" "$dir/pki/ca.crt"
    fi
    "$guardraild" --config "$dir/$at/guardraild.yml" --port-file "$dir/$at/port" 2>"$dir/$at/log" &
    pid=$!
    if eventually "$at: guardraild listens" test -s "$dir/$at/port" >/dev/null; then
        /usr/bin/python3 "$here/network.py" "$(cat "$dir/$at/port")" $pid "$@" $full
        got=$?
    else
        tail -5 "$dir/$at/log"
        got=1
    fi
    kill $pid
    wait $pid || { echo "FAIL: $at: guardraild ended with status $?"; got=1; }
    return $got
}
sides=
begin() { # as side
    ( trap - EXIT; side "$@" ) >"$dir/$1.out" 2>&1 &
    sides="$sides $1:$!"
}
end_all() {
    for side in $sides; do
        wait "${side#*:}" || failures=$((failures + 1))
        cat "$dir/${side%:*}.out"
    done
    sides=
}
begin requests "" corpus pipeline
begin bombs "" bombs # alone in its process: its peak of memory counts
begin tls-requests tls pipeline
if [ -n "$full" ]; then
    end_all # the full forms one after the other
    for kind in "" tls; do
        begin "drips$kind" "$kind" drips
        end_all
        begin "idle$kind" "$kind" idle
        end_all
    done
else
    begin drips-header "" drips "--kind=a header"
    begin drips-body "" drips "--kind=a body"
    begin drips-handshake tls drips "--kind=a handshake"
    begin drips-tls-body tls drips "--kind=a body"
    begin idle "" idle
    begin idle-tls tls idle
    end_all
fi
