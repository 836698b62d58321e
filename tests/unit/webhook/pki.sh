# pki.sh - certificates for the tests: an authority, servers, clients of all kinds. Sourced; everything goes below $dir/pki.
command -v openssl >/dev/null || { echo "skipped: openssl is missing"; exit 77; }

# new_ca NAME
new_ca() {
    mkdir -p "$dir/pki/$1"
    : >"$dir/pki/$1/index"
    cat >"$dir/pki/$1/ca.cnf" <<CNF
[ca]
default_ca = here
[here]
database = $dir/pki/$1/index
new_certs_dir = $dir/pki/$1
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
CNF
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/pki/$1.key" -out "$dir/pki/$1.crt" \
        -subj "/CN=test authority $1" -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign 2>"$dir/pki/log" || exit 99
}
# new_cert CA NAME COMMON_NAME SAN USAGE [FROM TO]: SAN "" for none; USAGE serverAuth or clientAuth; times as YYYYMMDDHHMMSSZ
new_cert() {
    (umask 077
     openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/pki/$2.key" -out "$dir/pki/$2.csr" -subj "/CN=$3" 2>"$dir/pki/log")
    {
        echo "basicConstraints = critical,CA:false"
        echo "extendedKeyUsage = $5"
        [ -z "$4" ] || echo "subjectAltName = $4"
    } >"$dir/pki/$2.ext"
    openssl ca -batch -notext -config "$dir/pki/$1/ca.cnf" -cert "$dir/pki/$1.crt" -keyfile "$dir/pki/$1.key" -in "$dir/pki/$2.csr" \
        -out "$dir/pki/$2.crt" -extfile "$dir/pki/$2.ext" -startdate "${6:-20200101000000Z}" -enddate "${7:-20480101000000Z}" 2>"$dir/pki/log" ||
        { cat "$dir/pki/log"; exit 99; }
}
# token NAME TEXT…: a private file with one token a line
token() {
    (umask 077
     name=$1
     shift
     printf '%s\n' "$@" >"$dir/secrets/$name.new"
     mv "$dir/secrets/$name.new" "$dir/secrets/$name")
}
