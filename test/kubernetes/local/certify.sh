#!/usr/bin/env bash
# certify.sh STATE HOST: a key and a certificate of the cluster's CA for a host name, on standard output.
set -euo pipefail
pki="$1/pki" host=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/csr" -subj /CN=store 2>/dev/null
echo "subjectAltName=DNS:$host" >"$work/ext"
openssl x509 -req -in "$work/csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 2 \
  -out "$work/crt" -extfile "$work/ext" 2>/dev/null
cat "$work/key" "$work/crt"
