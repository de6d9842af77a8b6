#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# encrypted.sh - private keys that lie encrypted on the disk: under key_passphrase_file, and with
# OpenSSL asking for the passphrase.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
(umask 077 && printf 'correct horse\n' >"$T/pass" && printf 'battery staple\n' >"$T/other")
configure '[order/123]' "key_passphrase_file = $T/pass" 'combined = yes' 'stub = yes' \
    '[order/126]' 'reissue = auto' "key_passphrase_file = $T/pass"
STORE=$DIGICERT_STORE
current() { echo "$T/state/orders/$1/current"; }
first_line() { head -n 1 "$(current "$1")/privkey.pem"; }
public_of() { openssl pkey -pubout "$@" 2>&1; }
O=digicert://order

# ---- with key_passphrase_file ----
import_key 123
equal "an imported key lies encrypted" "-----BEGIN ENCRYPTED PRIVATE KEY-----" "$(first_line 123)"
equal "so does the one in combined.pem" 0 "$(grep -c 'BEGIN PRIVATE KEY' "$(current 123)/combined.pem")"
check "under that passphrase, which other tools open" openssl pkey -in "$(current 123)/privkey.pem" -passin "file:$T/pass" -noout
want=$("$STORE" get order/123 2>/dev/null | openssl x509 -noout -pubkey)
check "the provider serves certificate and key without asking" test "$(kinds "$O/123" | tr '\n' ' ')" = "Certificate Certificate Pkey "
equal "namely the key of the certificate" "$want" "$(public_of "${P[@]}" -in "$O/123?type=key" </dev/null)"
"$STORE" stub order/123 >"$T/stub.pem"
equal "a stub stands for it too" "$want" "$(OPENSSL_CONF=$CNF public_of -in "$T/stub.pem" </dev/null)"
check "get --with-key gives it in clear" sh -c "'$STORE' get order/123 --with-key --out '$T/x.pem' && grep -q 'BEGIN PRIVATE KEY' '$T/x.pem'"
check "get makes a PKCS#12 file of it" "$STORE" get order/123 --with-key --format p12 --out "$T/x.p12"

before=$(first_line 123)
check "a reissue" "$STORE" reissue order/123 --timeout 30
equal "makes the new key encrypted as well" "$before" "$(first_line 123)"
equal "its certificate fits" "$("$STORE" get order/123 | openssl x509 -noout -pubkey)" \
    "$(public_of "${P[@]}" -in "$O/123?type=key" </dev/null)"
equal "and no key was ever in clear" "" "$(grep -rl 'BEGIN PRIVATE KEY' "$T/state" 2>/dev/null)"

check "an auto order's first load makes it so" storeutl -noout "$O/126"
equal "encrypted" "-----BEGIN ENCRYPTED PRIVATE KEY-----" "$(first_line 126)"

# ---- as a PKCS#11 token ----
token() { # token ORDER: the kinds that it shows, and the trace
    DIGICERT_STORE_TRACE=$T/token.trace pkcs11-tool --module "${DIGICERT_PKCS11:?}" -O 2>/dev/null |
        awk -v name="order-$1" '/^[A-Z].* Object/ {kind = $1} $1 == "label:" && $2 == name {print kind}' | sort | xargs
}
token_shows() { # token_shows NAME KINDS [PATTERN]: of order 123, and what the trace says
    command -v pkcs11-tool >/dev/null || { skip "$1" "pkcs11-tool is not installed"; return; }
    : >"$T/token.trace"
    equal "$1" "$2" "$(token 123)"
    [ $# -lt 3 ] || check "and the trace says why" grep -q "order-123 shows no private key: .*$3" "$T/token.trace"
}
token_shows "a PKCS#11 token shows the key, too" "Certificate Private Public"

# ---- what goes wrong ----
conf() { sed -i "s|^key_passphrase_file = .*|key_passphrase_file = $1|" "$DIGICERT_STORE_CONF"; }
conf "$T/other"
check_fails "another passphrase in the file is an error that says so" 1 'holds another passphrase' \
    storeutl -keys "$O/123?type=key"
equal "while certificates are served" "Certificate Certificate" "$(kinds "$O/123?type=chain" | tr '\n' ' ' | sed 's/ $//')"
token_shows "a PKCS#11 token shows no private key" "Certificate Public" 'cannot be decrypted'
chmod 644 "$T/other"
check_fails "a passphrase that others may read is refused" 1 'not guarded' storeutl -keys "$O/123?type=key"
conf "$T/none"
check_fails "a missing file is named" 1 'key_passphrase_file: .*none' storeutl -keys "$O/123?type=key"
forget_requests
check_fails "and no reissue begins that could not close its key" 7 'key_passphrase_file' "$STORE" reissue order/123 --again
equal "the CA was asked nothing" 0 "$(requests POST)"
: >"$T/empty" && chmod 600 "$T/empty" && conf "$T/empty"
check_fails "an empty one too" 1 'its first line is empty' storeutl -keys "$O/123?type=key"

# ---- without it: the application is asked ----
sed -i '/^key_passphrase_file/d' "$DIGICERT_STORE_CONF"
token_shows "of a PKCS#11 token nobody is asked" "Certificate Public" 'key_passphrase_file is not set'
equal "without key_passphrase_file OpenSSL takes the passphrase" "$("$STORE" get order/123 | openssl x509 -noout -pubkey)" \
    "$(public_of "${P[@]}" -in "$O/123?type=key" -passin "file:$T/pass" </dev/null)"
check_fails "a wrong one is refused" 1 '' openssl pkey "${P[@]}" -in "$O/123?type=key" -passin pass:nope -noout
equal "the stub asks in the same way" "$("$STORE" get order/123 | openssl x509 -noout -pubkey)" \
    "$(OPENSSL_CONF=$CNF public_of -in "$T/stub.pem" -passin "file:$T/pass" </dev/null)"
check "get --with-key gives it as it lies" sh -c "'$STORE' get order/123 --with-key --out '$T/y.pem' && grep -q 'BEGIN ENCRYPTED PRIVATE KEY' '$T/y.pem'"
check_fails "PKCS#12 wants it open" 2 'its passphrase is not known here' "$STORE" get order/123 --with-key --format p12 --out "$T/y.p12"

openssl pkey -in "$T/sandbox/keys/124.pem" -aes256 -passout "file:$T/pass" -out "$T/enc.pem" 2>/dev/null
check_fails "--keep-encrypted wants the passphrase to try the key with" 2 'wants --passphrase-file' \
    "$STORE" import order/124 --key "$T/enc.pem" --keep-encrypted
check "a key is imported and stays encrypted" "$STORE" import order/124 --key "$T/enc.pem" --passphrase-file "$T/pass" --keep-encrypted
equal "on the disk" "-----BEGIN ENCRYPTED PRIVATE KEY-----" "$(first_line 124)"
equal "and serves who knows the passphrase" "$("$STORE" get order/124 | openssl x509 -noout -pubkey)" \
    "$(public_of "${P[@]}" -in "$O/124?type=key" -passin "file:$T/pass" </dev/null)"
done_testing
