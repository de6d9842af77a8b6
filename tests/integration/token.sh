#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# token.sh - keys in tokens: made in SoftHSM through p11-kit, requested, pointed at by privkey.pem, and
# used by OpenSSL through pkcs11-provider where that is to be had.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"

install_packages softhsm2 opensc libp11-kit0 faketime python3-minimal >&2 || exit 1
module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
mkdir "$T/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$T/tokens" >"$T/softhsm2.conf"
export SOFTHSM2_CONF=$T/softhsm2.conf
for label in web spare; do
    softhsm2-util --init-token --free --label $label --so-pin 0000 --pin 123456 >/dev/null 2>&1
done
(umask 077 && echo 123456 >"$T/pin" && echo 654321 >"$T/wrong")
W="pkcs11:token=web?pin-source=file:$T/pin&module-path=$module"
start_sandbox
configure '[order/123]' "key = $W" '[order/124]' "key = $W&x-key=rsa:2048" 'reissue = auto' \
    '[order/126]' 'key = ec:P-256'
STORE=$DIGICERT_STORE
key_line() { sed -i "/^\[order\/$1\]/,/^\[/ s|^key = .*|key = $2|" "$DIGICERT_STORE_CONF"; }
current() { echo "$T/state/orders/$1/current"; }
objects() { pkcs11-tool --module "$module" --token-label "$1" --login --pin 123456 --list-objects --type "$2" 2>/dev/null; }
count() { objects "$1" privkey | grep -c 'Private Key Object'; }
spki_of_cert() { "$STORE" get "order/$1" | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum; }
spki_in_token() { # spki_in_token ORDER: of the public key that the pointer names
    local id
    id=$(openssl asn1parse -in "$(current "$1")/privkey.pem" 2>/dev/null | sed -n 's/.*id=\([%0-9A-Fa-fa-z_.~-]*\).*/\1/p' | head -n 1)
    id=$(python3 -c 'import sys, urllib.parse; print(urllib.parse.unquote_to_bytes(sys.argv[1]).hex())' "$id")
    pkcs11-tool --module "$module" --token-label web --login --pin 123456 --read-object --type pubkey --id "$id" 2>/dev/null | sha256sum
}

check "a reissue makes the key in the token" "$STORE" reissue order/123 --timeout 30
equal "there is one now" 1 "$(count web)"
equal "labelled like the order" 1 "$(objects web privkey | grep -c 'label: *order-123')"
equal "it cannot be taken out" 1 "$(objects web privkey | grep -c 'never extractable')"
equal "privkey.pem points at it" "-----BEGIN PKCS#11 PROVIDER URI-----" "$(head -n 1 "$(current 123)/privkey.pem")"
equal "the certificate is of that key" "$(spki_of_cert 123)" "$(spki_in_token 123)"
equal "no PIN is in the state directory" "" "$(grep -rl 123456 "$T/state")"
check "an auto order gets its RSA key there" "$STORE" get order/124
equal "of which the certificate is" "$(spki_of_cert 124)" "$(spki_in_token 124)"
DIGICERT_STORE_TRACE=$T/ours.trace pkcs11-tool --module "${DIGICERT_PKCS11:?}" -O >"$T/ours" 2>&1
equal "our PKCS#11 token shows certificate and public key of both, and no private key" "2 2 0" \
    "$(awk '/^[A-Z].* Object/ {kind = $1} /label: *order-12[34]$/ {n[kind]++}
        END {print n["Certificate"] + 0, n["Public"] + 0, n["Private"] + 0}' "$T/ours")"
check "its trace says why" grep -q 'order-124 shows no private key: it is in another token' "$T/ours.trace"
check "another reissue makes another key" "$STORE" reissue order/123 --timeout 30 --again
equal "beside the first" 3 "$(count web)"
check_fails "a key in a token is not in a PKCS#12 file" 2 'the key is in a token' \
    "$STORE" get order/123 --with-key --format p12 --out "$T/x.p12"

# ---- pruned with its generation ----
"$STORE" reissue order/123 --timeout 30 --again >/dev/null 2>&1
equal "a third reissue" 4 "$(count web)"
faketime -f +10d "$STORE" sync >/dev/null 2>&1
equal "ten days later the oldest generation is gone" "gen-0003 gen-0004" "$(cd "$T/state/orders/123" && echo gen-*)"
equal "and its key from the token" 3 "$(count web)"

# ---- what goes wrong ----
refused() { # refused NAME STATUS PATTERN KEY
    key_line 126 "$4"
    check_fails "$1" "$2" "$3" "$STORE" reissue order/126
}
forget_requests
refused "a token that is not there is named" 7 'no token matches pkcs11:token=none' "pkcs11:token=none?pin-source=file:$T/pin\&module-path=$module"
refused "a wrong PIN is the token's word" 7 'logging in: .*PIN' "pkcs11:token=spare?pin-source=file:$T/wrong\&module-path=$module"
refused "no PIN at all says where to put one" 7 'pin-source=file:|digicert-token-pin' "pkcs11:token=spare?module-path=$module"
refused "a PIN in the URI is refused" 2 'a PIN stands in' "pkcs11:token=spare?pin-value=123456\&module-path=$module"
refused "a URI without a token is refused" 2 'neither token= nor serial=' "pkcs11:object=x?module-path=$module"
refused "a kind that no token makes is refused" 2 'no key of kind "dsa"' "pkcs11:token=spare?pin-source=file:$T/pin\&module-path=$module\&x-key=dsa"
refused "an unreadable module is named" 7 'module .*none.so cannot be loaded' "pkcs11:token=spare?pin-source=file:$T/pin\&module-path=/none.so"
chmod 644 "$T/wrong"
refused "a PIN file that others may read is refused" 7 'not guarded' "pkcs11:token=spare?pin-source=file:$T/wrong\&module-path=$module"
equal "in none of these was the CA asked for a certificate" 0 "$(requests '^POST .*reissue')"
equal "and the spare token has no key" 0 "$(count spare)"
mkdir "$T/cred" && install -m 600 "$T/pin" "$T/cred/digicert-token-pin"
key_line 126 "pkcs11:token=spare?module-path=$module"
check "the PIN may come as the unit's credential" env CREDENTIALS_DIRECTORY="$T/cred" "$STORE" reissue order/126 --timeout 30
equal "and the key is there" 1 "$(count spare)"

# ---- through OpenSSL ----
O=digicert://order
check_fails "without pkcs11-provider the key is an error that names it" 1 'is pkcs11-provider active' \
    openssl pkey "${P[@]}" -in "$O/123?type=key" -noout
equal "certificates are served all the same" "Certificate Certificate" "$(kinds "$O/123?type=chain" | tr '\n' ' ' | sed 's/ $//')"
p11=$(find "$(openssl version -m | sed 's/.*"\(.*\)"/\1/')" -name pkcs11.so 2>/dev/null)
if [ -z "$p11" ]; then
    install_packages pkcs11-provider >&2
    p11=$(find "$(openssl version -m | sed 's/.*"\(.*\)"/\1/')" -name pkcs11.so 2>/dev/null)
fi
if [ -z "$p11" ]; then
    skip "OpenSSL signs with the key in the token" "this Debian has no package pkcs11-provider (trixie has; the compat run shows it)"
    done_testing
    exit 0
fi
cat >"$T/p11.cnf" <<CONF
openssl_conf = openssl_init
.include $DIGICERT_PROVIDER_DIR/digicert-store.cnf
[provider_sect]
pkcs11 = pkcs11_sect
[pkcs11_sect]
module = $p11
pkcs11-module-path = $module
pkcs11-module-quirks = no-deinit
activate = 1
CONF
export OPENSSL_CONF=$T/p11.cnf
for order in 123 124; do
    check "storeutl takes the key of order $order" openssl storeutl -keys -noout "$O/$order?type=key"
    check "req signs with it" openssl req -new -key "$O/$order?type=key" -subj /CN=x -out "$T/x.csr"
    check "and the signature is good" openssl req -in "$T/x.csr" -verify -noout
    : >"$T/server.out" # what the server before wrote is not this one's
    openssl s_server -accept 127.0.0.1:0 -cert "$O/$order" -key "$O/$order?type=key" -www >"$T/server.out" 2>&1 &
    pids+=($!)
    wait_for 10 grep -q '^ACCEPT' "$T/server.out"
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\).*/\1/p' "$T/server.out")
    check "a TLS server serves order $order from the token" \
        sh -c "openssl s_client -connect 127.0.0.1:$port </dev/null 2>/dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | grep -q '$(spki_of_cert $order)'"
done
done_testing
