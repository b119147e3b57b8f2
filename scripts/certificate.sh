#!/bin/sh
# Makes a certificate that has signed itself, for development: certificate.pem and key.pem.
set -eu

usage() {
  cat <<'END'
usage: ./dev certificate [--days N] [FOLDER] [NAME...]

Makes certificate.pem and key.pem in FOLDER (here), for the names and addresses given (localhost, 127.0.0.1 and ::1), good for N days (30).
Clients trust it where they are told to: tls_context::client().trust("certificate.pem"), curl --cacert certificate.pem.
END
}
fail() {
  printf 'certificate: %s\n' "$*" >&2
  exit 1
}

days=30
case ${1-} in
  -h | --help) usage && exit 0 ;;
  --days)
    days=${2-}
    shift 2 || fail "--days needs a number"
    ;;
  -*) usage >&2 && exit 2 ;;
esac
folder=${1:-.}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- localhost 127.0.0.1 ::1

names=
for name; do
  case $name in
    *[!0-9.]*:* | *:* | *[!a-zA-Z0-9.*-]*) kind=IP ;;
    *[!0-9.]*) kind=DNS ;;
    *) kind=IP ;;
  esac
  names="$names${names:+,}$kind:$name"
done

mkdir -p "$folder"
for file in certificate.pem key.pem; do
  [ ! -e "$folder/$file" ] || fail "$folder/$file is there already; remove it first"
done
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days "$days" -subj "/CN=$1" \
  -addext "subjectAltName=$names" -addext "basicConstraints=critical,CA:FALSE" \
  -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>"$folder/openssl.log" || {
  cat "$folder/openssl.log" >&2
  rm -f "$folder/openssl.log" "$folder/key.pem" "$folder/certificate.pem"
  fail "openssl could not make it"
}
rm -f "$folder/openssl.log"
printf '%s\n' "$folder/certificate.pem and $folder/key.pem, for $names, $days days" >&2
