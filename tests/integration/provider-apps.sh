#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# provider-apps.sh - the openssl program's commands that take a store URI, with both kinds of keys,
# and TLS handshakes whose certificate, chain and key come from one URI.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
printf 'signed words\n' >"$T/text"
root=$T/sandbox/roots.pem

# serve_and_connect URI NAME SERVER_OPTION...: s_server on a free port, s_client verifies the chain.
serve_and_connect() {
    local name=$1 port
    shift
    : >"$T/server.out"
    openssl s_server "${P[@]}" -accept 127.0.0.1:0 -www "$@" >"$T/server.out" 2>&1 &
    local server=$!
    pids+=("$server")
    wait_for 10 grep -q '^ACCEPT' "$T/server.out" || { cat "$T/server.out"; return 1; }
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$T/server.out" | head -n 1)
    openssl s_client -connect "127.0.0.1:$port" -servername "$name" -verify_hostname "$name" \
        -CAfile "$root" -verify_return_error </dev/null >"$T/client.out" 2>&1
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    grep -q 'Verify return code: 0 (ok)' "$T/client.out" || { tail -n 20 "$T/client.out"; return 1; }
}

while read -r id name; do
    O=digicert://order/$id
    import_key "$id"
    check "x509 -in reads order $id" openssl x509 "${P[@]}" -in "$O" -noout -subject
    check "pkey -in reads the key of order $id" openssl pkey "${P[@]}" -in "$O" -noout -check
    check "req -key signs with order $id" \
        openssl req "${P[@]}" -new -key "$O" -subj "/CN=$name" -out "$T/csr.pem" -verify
    "$DIGICERT_STORE" get "$id?type=ca" --out "$T/chain.pem"
    check "cms -sign uses signer and key of order $id" \
        openssl cms "${P[@]}" -sign -nodetach -signer "$O" -inkey "$O?type=key" -certfile "$T/chain.pem" \
        -in "$T/text" -out "$T/cms" -outform PEM
    check "what it signed verifies up to the root" openssl cms -verify -in "$T/cms" -inform PEM \
        -CAfile "$root" -purpose any -out /dev/null
    check "pkcs12 -export packs order $id" openssl pkcs12 "${P[@]}" -export -in "$O" -inkey "$O" \
        -passout pass: -out "$T/p12"
    check "dgst -sign signs with order $id" openssl dgst "${P[@]}" -sha256 -sign "$O" -out "$T/sig" "$T/text"
    check "a TLS server takes all from one URI, order $id" serve_and_connect "$name" \
        -cert "$O" -key "$O" -cert_chain "$O?type=ca"
    check "a TLS server takes the key by ?type=key, order $id" serve_and_connect "$name" \
        -cert "$O?type=cert" -key "$O?type=key" -cert_chain "$O?type=ca"
done <<'EOT'
123 www.example.com
124 rsa.example.com
EOT

# A CA store by URI: lookups by subject, inside the verification.
"$DIGICERT_STORE" get '123?type=cert' --out "$T/leaf.pem"
check "verify -CAstore finds the issuer although the URI also has a key" \
    openssl verify "${P[@]}" -partial_chain -CAstore digicert://order/123 "$T/leaf.pem"
check "verify -CAstore finds the issuer through the listing" \
    openssl verify "${P[@]}" -partial_chain -CAstore digicert: "$T/leaf.pem"
forget_requests
openssl verify "${P[@]}" -partial_chain -CAstore digicert: "$T/leaf.pem" >/dev/null 2>&1
equal "such lookups ask the CA nothing" 0 "$(requests '.')"

# From openssl.cnf, without options, through exec.
check "exec runs openssl with the provider" "$DIGICERT_STORE" exec -- openssl x509 -in digicert://order/123 -noout
check "exec keeps what the user's own openssl.cnf says" bash -c '
    printf "openssl_conf = openssl_init\n[openssl_init]\nproviders = provider_sect\n[provider_sect]\nlegacy = legacy_sect\n[legacy_sect]\nactivate = 1\n" >"$T/user.cnf"
    OPENSSL_CONF=$T/user.cnf "$DIGICERT_STORE" exec -- openssl list -providers | grep -q "^  legacy"'
printf 'openssl_conf = other\n' >"$T/other.cnf"
check_fails "exec says when the sections of openssl.cnf have other names" 2 'openssl_init' \
    env OPENSSL_CONF="$T/other.cnf" "$DIGICERT_STORE" exec -- true
"$DIGICERT_STORE" exec -- sh -c 'exit 37'
equal "exec ends as the command does" 37 $?
check_fails "exec of a command that is not there ends with 127" 127 'nosuch' "$DIGICERT_STORE" exec -- nosuchcommand

# The cache alone.
stop_sandbox
check "with the CA away the server still gets its pair" serve_and_connect www.example.com \
    -cert digicert://order/123 -key digicert://order/123 -cert_chain 'digicert://order/123?type=ca'
done_testing
