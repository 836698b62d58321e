#!/bin/sh
# TLS, client certificates, roles, rotation: who is let in, who is not, and what a broken file changes (nothing).
. "${GR_SRCDIR:?}/tests/unit/webhook/daemon_lib.sh"
. "$GR_SRCDIR/tests/unit/webhook/pki.sh"
make_actions
start_standin
make_policy
make_config auto
mkdir -p "$dir/pki"
new_ca ca
new_ca other
new_cert ca server localhost "DNS:localhost,IP:127.0.0.1" serverAuth
new_cert ca am whoever "DNS:other.example,DNS:am.example" clientAuth
new_cert ca jane jane "URI:spiffe://example.org/jane" clientAuth
new_cert ca mail mail "email:ops@example.org" clientAuth
new_cert ca nearly nearly "DNS:am.example.evil,DNS:xam.example,DNS:AM.example,URI:dns:am.example" clientAuth
new_cert ca named am.example "" clientAuth
new_cert ca expired x "DNS:am.example" clientAuth 20200101000000Z 20210101000000Z
new_cert ca notyet x "DNS:am.example" clientAuth 20470101000000Z
new_cert ca server_only x "DNS:am.example" serverAuth
new_cert other foreign x "DNS:am.example" clientAuth
token ingest.token ingest-token-0123456789
token read.token read-token-0123456789
cat >>"$dir/guardraild.yml" <<YAML
auth: {read_token_file: secrets/read.token, ingest_token_file: secrets/ingest.token}
tls:
  cert_file: pki/server.crt
  key_file: pki/server.key
  client_ca_file: pki/ca.crt
  client_san:
    ingest: ["dns:am.example"]
    read: ["email:ops@example.org"]
    admin: ["uri:spiffe://example.org/jane"]
limits: {connections_per_address: 64}
YAML
start_daemon
port=$(cat "$dir/port")
base="https://127.0.0.1:$port"
start_release d1

# ask CERTIFICATE ARGUMENT…: the status, 000 if there is none
ask() {
    who=$1
    shift
    if [ "$who" = - ]; then set -- "$@"; else set -- --cert "$dir/pki/$who.crt" --key "$dir/pki/$who.key" "$@"; fi
    curl -s -o "$dir/answer" -w '%{http_code}' -m 20 --cacert "$dir/pki/ca.crt" "$@"
}
bearer() { echo "Authorization: Bearer $1"; }
post_as() { hard nobody | ask "$@" -H 'Content-Type: application/json' --data-binary @- "$base/v1/alerts"; }

is "health without a certificate" "$(ask - "$base/healthz")" 200
is "no certificate, no token" "$(ask - "$base/metrics")" 401
is "no certificate, no token, ingest" "$(post_as -)" 401
is "a read token reads" "$(ask - -H "$(bearer read-token-0123456789)" "$base/metrics")" 200
is "a read token does not ingest" "$(post_as - -H "$(bearer read-token-0123456789)")" 403
is "an ingest token ingests" "$(post_as - -H "$(bearer ingest-token-0123456789)")" 200
is "a wrong token" "$(ask - -H "$(bearer read-token-0123456788)" "$base/metrics")" 401
is "a certificate of ingest ingests" "$(post_as am)" 200
is "a certificate of ingest does not read" "$(ask am "$base/metrics")" 403
is "certificate and token together" "$(ask am -H "$(bearer read-token-0123456789)" "$base/metrics")" 200
is "a mail address" "$(ask mail "$base/v1/releases")" 200
is "a certificate of admin reads" "$(ask jane "$base/v1/releases")" 200
is "a certificate of admin does not ingest" "$(post_as jane)" 403
is "a certificate of admin holds" "$(printf '{"by":"jane","reason":"test"}' | ask jane -H 'Content-Type: application/json' --data-binary @- "$base/v1/releases/d1/hold")" 200
is "a certificate of ingest does not hold" "$(printf '{"by":"jane","reason":"test"}' | ask am -H 'Content-Type: application/json' --data-binary @- "$base/v1/releases/d1/hold")" 403
is "names that are nearly right" "$(post_as nearly)" 401
is "a common name says nothing" "$(post_as named)" 401
is "expired" "$(post_as expired)" 000
is "not valid yet" "$(post_as notyet)" 000
is "of another authority" "$(post_as foreign)" 000
is "a server's certificate" "$(post_as server_only)" 000
is "another's key" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/pki/ca.crt" --cert "$dir/pki/am.crt" --key "$dir/pki/jane.key" "$base/healthz")" 000
is "plain HTTP" "$(curl -s -o /dev/null -w '%{http_code}' -m 20 "http://127.0.0.1:$port/healthz")" 000
tls() { openssl s_client -connect "127.0.0.1:$port" -CAfile "$dir/pki/ca.crt" "$@" </dev/null 2>/dev/null | grep -c '^New, TLSv1'; }
is "TLS 1.1" "$(tls -tls1_1 -cipher DEFAULT@SECLEVEL=0)" 0
is "TLS 1.2" "$(tls -tls1_2)" 1
is "TLS 1.3" "$(tls -tls1_3)" 1
metric() { curl -s --cacert "$dir/pki/ca.crt" -H "$(bearer "${token:-read-token-0123456789}")" "$base/metrics" | sed -n "s/^$1 //p"; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
is "refusals are counted" "$(metric guardraild_auth_refused_total)" 9
is "refusals are logged, not each" "$(grep -c 'refused for their credentials' "$dir/log")" 1
is "the certificate's end is shown" "$(metric guardraild_tls_certificate_expiry_seconds)" "$(date -d '2048-01-01 00:00:00 UTC' +%s)"

# guardrailctl over TLS
remote() { "$ctl_bin" --server "$base" --ca-file "$dir/pki/ca.crt" "$@" 2>&1; }
is "guardrailctl with a certificate" "$(remote --cert-file "$dir/pki/jane.crt" --key-file "$dir/pki/jane.key" release resume d1 --by jane --reason ok >/dev/null; echo $?)" 0
is "guardrailctl with a token" "$(remote --token-file "$dir/secrets/read.token" release list | grep -c d1)" 1
is "guardrailctl without anything" "$(remote release list | grep -c '(401)')" 1
is "guardrailctl and another authority" "$("$ctl_bin" --server "$base" --ca-file "$dir/pki/other.crt" status >/dev/null 2>&1; echo $?)" 3
is "guardrailctl over http to others" "$("$ctl_bin" --server http://192.0.2.1:1 --token-file "$dir/secrets/read.token" status 2>&1 | grep -c 'takes https://')" 1
is "guardrailctl: names like this machine's" "$("$ctl_bin" --server http://127.0.0.1.example.org status 2>&1 | grep -c 'takes https://')" 1
chmod 644 "$dir/pki/mail.key"
is "guardrailctl: an open key" "$(remote --cert-file "$dir/pki/mail.crt" --key-file "$dir/pki/mail.key" status | grep -c 'mode 0600')" 1
# remotely NAME STATUS TEXT OPTION…: release list, and what is wrong with it
remotely() {
    name=$1 want=$2 text=$3
    shift 3
    out=$("$ctl_bin" --url "$base" "$@" 2>&1)
    got=$?
    if [ $got -eq "$want" ] && printf '%s' "$out" | grep -q -e "$text"; then echo "ok: $name"; else fail "$name: status $got (wanted $want), printed: $out"; fi
}
ca="--ca-file $dir/pki/ca.crt"
as() { echo "--cert-file $dir/pki/$1.crt --key-file $dir/pki/$1.key"; }
# shellcheck disable=SC2046,SC2086 # no blanks in these paths
{
remotely "guardrailctl: trusted by nobody" 3 'is not trusted' release list
remotely "guardrailctl: signed by another" 3 'is not trusted' --ca-file "$dir/pki/other.crt" release list
remotely "guardrailctl: no certificates in the file" 3 'must hold certificates\|is not trusted' --ca-file "$dir/secrets/read.token" release list
remotely "guardrailctl: no file" 3 'must hold certificates' --ca-file "$dir/pki/none.crt" release list
remotely "guardrailctl: a role that may look does not change" 2 'this needs the role admin (403)' $ca --token-file "$dir/secrets/read.token" release hold d1 --reason x
remotely "guardrailctl: a role that may post does not look" 2 'this needs the role read (403)' $ca --token-file "$dir/secrets/ingest.token" release list
remotely "guardrailctl: a certificate of another role" 2 'this needs the role read (403)' $ca $(as am) release list
remotely "guardrailctl: a certificate without a role" 2 '(401)' $ca $(as named) release list
remotely "guardrailctl: its own certificate has ended" 3 'client certificate' $ca $(as expired) release list
remotely "guardrailctl: its own certificate is another's" 3 'client certificate' $ca $(as foreign) release list
remotely "guardrailctl: another's key" 3 'do not belong together' $ca --cert-file "$dir/pki/jane.crt" --key-file "$dir/pki/am.key" release list
echo wrong-token-0123456789 >"$dir/secrets/wrong.token"
chmod 600 "$dir/secrets/wrong.token"
remotely "guardrailctl: a token that nobody gave" 2 '(401)' $ca --token-file "$dir/secrets/wrong.token" release list
chmod 644 "$dir/secrets/wrong.token"
remotely "guardrailctl: a token that others may read" 2 'wrong.token' $ca --token-file "$dir/secrets/wrong.token" release list
remotely "guardrailctl: plain HTTP" 3 'does it want https' --url "http://127.0.0.1:$port" release list

# Its certificate is for another host, or has ended: not even the right authority helps.
new_cert ca elsewhere elsewhere "DNS:elsewhere.example" serverAuth
new_cert ca old ended "DNS:localhost,IP:127.0.0.1" serverAuth 20200101000000Z 20210101000000Z
cp "$dir/pki/server.crt" "$dir/pki/kept.crt"
cp -p "$dir/pki/server.key" "$dir/pki/kept.key"
show_certificate() { cat "$dir/pki/$1.crt" >"$dir/pki/server.crt" && cat "$dir/pki/$1.key" >"$dir/pki/server.key" && kill -HUP "$daemon_pid"; }
shows_name() { openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | grep -q "^subject=CN = $1"; }
show_certificate elsewhere
eventually "another host's certificate" shows_name elsewhere
remotely "guardrailctl: another host's" 3 'is not trusted, has ended, or is another host' $ca --token-file "$dir/secrets/read.token" release list
show_certificate old
eventually "a certificate that has ended" shows_name ended
remotely "guardrailctl: it has ended" 3 'is not trusted, has ended, or is another host' $ca --token-file "$dir/secrets/read.token" release list
show_certificate kept
eventually "the right one again" shows_name localhost
remotely "guardrailctl: verdicts from elsewhere" 0 'Verdicts of d1' $ca --token-file "$dir/secrets/read.token" verdicts d1
}

# Rotation. Files that change are found by themselves; two tokens are valid while they are rotated.
read_with() { [ "$(ask - -H "$(bearer "$1")" "$base/metrics")" = "$2" ]; }
token read.token read-token-0123456789 new-token-0123456789
eventually "the new token is valid" read_with new-token-0123456789 200
is "so is the old one" "$(ask - -H "$(bearer read-token-0123456789)" "$base/metrics")" 200
token read.token new-token-0123456789
kill -HUP "$daemon_pid"
eventually "the old token is not any more" read_with read-token-0123456789 401
token=new-token-0123456789
reloads=$(metric guardraild_credential_reloads_total)
token read.token short
kill -HUP "$daemon_pid"
eventually "a broken token file is shown" metric_is guardraild_credentials_stale 1
is "the tokens before it stay" "$(ask - -H "$(bearer new-token-0123456789)" "$base/metrics")" 200
is "the log says so" "$(grep -c 'level=error msg="new credentials are not used.*read.token: one token a line' "$dir/log")" 1
token read.token new-token-0123456789
eventually "a mended one is found" metric_is guardraild_credentials_stale 0
is "and counted" "$(($(metric guardraild_credential_reloads_total) > reloads))" 1

new_cert other server2 localhost "DNS:localhost,IP:127.0.0.1" serverAuth
cp "$dir/pki/server.crt" "$dir/pki/server.crt.old"
cp "$dir/pki/server2.crt" "$dir/pki/server.crt"
kill -HUP "$daemon_pid"
eventually "a certificate without its key is not used" metric_is guardraild_credentials_stale 1
is "the old one is shown" "$(ask - "$base/healthz")" 200
cat "$dir/pki/server2.key" >"$dir/pki/server.key"
chmod 644 "$dir/pki/server.key"
kill -HUP "$daemon_pid"
eventually "nor one with an open key" grep -q 'not used.*server.key.*mode 0600' "$dir/log"
chmod 600 "$dir/pki/server.key"
shows_other() { [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/pki/other.crt" "$base/healthz")" = 200 ]; }
kill -HUP "$daemon_pid"
eventually "the new pair is shown" shows_other
is "and the old one not" "$(ask - "$base/healthz")" 000
cp "$dir/pki/ca.crt" "$dir/pki/ca1.crt"
cat "$dir/pki/other.crt" >"$dir/pki/server_ca.crt"
post_anew() { hard nobody | curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/pki/server_ca.crt" --cert "$dir/pki/$1.crt" --key "$dir/pki/$1.key" -H 'Content-Type: application/json' --data-binary @- "$base/v1/alerts"; }
posts() { [ "$(post_anew "$1")" = "$2" ]; }
is "the clients' authority is the first" "$(post_anew am) $(post_anew foreign)" "200 000"
# A connection that was let in under the first authority, and stays open, is judged by the second.
/usr/bin/python3 - "$port" "$dir" "$daemon_pid" <<'PY'
import http.client, os, shutil, signal, ssl, sys, time
port, where, pid = int(sys.argv[1]), sys.argv[2] + "/pki/", int(sys.argv[3])
context = ssl.create_default_context(cafile=where + "server_ca.crt")
context.load_cert_chain(where + "mail.crt", where + "mail.key")
connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
connection.connect()
connection.auto_open = False  # a new one would be refused for another reason


def ask():
    connection.request("GET", "/v1/releases")
    answer = connection.getresponse()
    answer.read()
    return answer.status


first, got = ask(), 0
shutil.copyfile(where + "other.crt", where + "ca.crt")
os.kill(pid, signal.SIGHUP)
for _ in range(400):
    if (got := ask()) != 200:
        break
    time.sleep(0.05)
good = first == 200 and got == 401
print("ok: an open connection is judged anew" if good else f"FAIL: an open connection is judged anew: {first} {got}")
sys.exit(not good)
PY
[ $? -eq 0 ] || failures=$((failures + 1))
eventually "another authority for clients" posts foreign 200
is "the first is not trusted any more" "$(post_anew am)" 000
stop_daemon

# Starts that are refused, with what to add; and one that is not.
refuses() {
    out=$("$guardraild" --config "$dir/guardraild.yml" 2>&1)
    got=$?
    if [ $got -eq "$2" ] && printf '%s' "$out" | grep -q -e "$3"; then echo "ok: $1"; else fail "$1: status $got: $out"; fi
}
chmod 644 "$dir/pki/server.key"
refuses "an open key" 2 'server.key: .*mode 0600'
chmod 600 "$dir/pki/server.key"
mv "$dir/pki/ca.crt" "$dir/pki/gone.crt"
refuses "no client CA" 2 'ca.crt: no such file'
echo garbage >"$dir/pki/ca.crt"
refuses "a client CA that is none" 2 'ca.crt: holds no PEM certificate'
mv "$dir/pki/gone.crt" "$dir/pki/ca.crt"
sed -i 's/^listen: .*/listen: 0.0.0.0:0/' "$dir/guardraild.yml"
start_daemon
is "all addresses, with TLS and tokens" "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/pki/other.crt" "https://127.0.0.1:$(cat "$dir/port")/healthz")" 200
stop_daemon
sed -i 's/read_token_file: [^,]*, //; /^    read:/d' "$dir/guardraild.yml"
refuses "all addresses, reading open" 1 'missing: auth.read_token_file or tls.client_san.read'
