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
network() { /usr/bin/python3 "$here/network.py" "$(cat "$dir/port")" "$daemon_pid" "$@" $full || failures=$((failures + 1)); }
start_daemon
network corpus pipeline drips idle
stop_daemon
start_daemon # for its peak of memory
network bombs
stop_daemon

mkdir -p "$dir/pki"
new_ca ca
new_cert ca server localhost "DNS:localhost,IP:127.0.0.1" serverAuth
echo 'tls: {cert_file: pki/server.crt, key_file: pki/server.key}' >>"$dir/guardraild.yml"
start_daemon
network pipeline drips idle "$dir/pki/ca.crt"
