#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# stub.sh - key stubs: programs that read a PEM key file take the managed key; a stub opens the cache
# and nothing else, whoever hands it in.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure '[order/123]' 'stub = yes' '[order/126]' 'stub = yes' 'reissue = auto'
export OPENSSL_CONF=$CNF
STORE=$DIGICERT_STORE
import_key 123
import_key 124
"$STORE" get order/123 --out "$T/full.pem" 2>/dev/null

public_of() { openssl pkey -in "$1" -pubout 2>&1; }
want=$(openssl x509 -in "$T/full.pem" -noout -pubkey)

check "stub writes a file that anybody may read" "$STORE" stub order/123 --out "$T/stub.pem"
equal "with mode 0644" 644 "$(stat -c %a "$T/stub.pem")"
check "or with the mode that a program wants" "$STORE" stub order/123 --mode 0640 --out "$T/stub640.pem"
equal "namely 0640" 640 "$(stat -c %a "$T/stub640.pem")"
equal "without --out it goes to stdout" "$(cat "$T/stub.pem")" "$("$STORE" stub order/123)"
equal "the label is DIGICERT URI" "-----BEGIN DIGICERT URI-----" "$(head -n 1 "$T/stub.pem")"
equal "and inside stands the URI" "digicert://order/123?type=key" "$(sed '/^-/d' "$T/stub.pem" | base64 -d)"
equal "--json says where it is" "$T/j.pem true" \
    "$("$STORE" stub order/123 --pin --json --out "$T/j.pem" | jq -r '.file + " " + (.pinned | tostring)')"

equal "openssl takes the stub for the key" "$want" "$(public_of "$T/stub.pem")"
"$STORE" stub order/123 --pin >"$T/pin.pem"
equal "and a pinned one" "$want" "$(public_of "$T/pin.pem")"
sed 's/$/\r/' "$T/stub.pem" >"$T/crlf.pem"
equal "and one that went through an editor with CRLF" "$want" "$(public_of "$T/crlf.pem")"
{
    echo 'the key of www.example.com'
    cat "$T/full.pem" "$T/stub.pem"
} >"$T/both.pem"
equal "and one behind text and the chain in one file" "$want" "$(public_of "$T/both.pem")"
check "ordinary keys are read as ever" sh -c "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $T/plain.pem && openssl pkey -in $T/plain.pem -noout"
check "and ordinary certificates" openssl x509 -in "$T/full.pem" -noout

cat >"$T/handshake.py" <<'PY'
import socket, ssl, sys, threading
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
a, b = socket.socketpair()
def serve():
    with server.wrap_socket(a, server_side=True) as s:
        s.sendall(b"hello")
thread = threading.Thread(target=serve)
thread.start()
with client.wrap_socket(b) as c:
    print(c.recv(5).decode())
thread.join()
PY
equal "a Python server shakes hands with chain and stub" hello "$(python3 "$T/handshake.py" "$T/full.pem" "$T/stub.pem" 2>&1)"
equal "and with both in one file" hello "$(python3 "$T/handshake.py" "$T/both.pem" 2>&1)"
check "openssl req signs with the stub" openssl req -new -key "$T/stub.pem" -subj /CN=x -out "$T/x.csr" -verify -noout

# ---- what a stub may not do ----
check_fails "an order without stub = yes has no stub" 8 'set stub = yes in \[order/124\]' "$STORE" stub order/124
stub_of() {
    printf -- '-----BEGIN DIGICERT URI-----\n%s\n-----END DIGICERT URI-----\n' "$(printf '%s' "$1" | base64)"
}
stub_of 'digicert://order/124?type=key' >"$T/foreign.pem"
check_fails "and a stub made by hand opens none of its keys" 1 'order 124: key stubs are not allowed' \
    openssl pkey -in "$T/foreign.pem" -noout
check_fails "a certificate id is nothing for a stub" 2 'names an order/ID or a name/HOST' "$STORE" stub certificate/1
check_fails "a mode must be octal" 2 'octal mode' "$STORE" stub order/123 --mode rw
stub_of 'digicert:' >"$T/list.pem"
check_fails "a stub that names a listing is refused" 1 'not a listing' openssl pkey -in "$T/list.pem" -noout
{
    echo '-----BEGIN DIGICERT URI-----'
    head -c 3000 /dev/zero | base64
    echo '-----END DIGICERT URI-----'
} >"$T/big.pem"
check_fails "one of more than 1 KiB too" 1 'malformed' openssl pkey -in "$T/big.pem" -noout

"$STORE" stub order/126 >"$T/cold.pem"
forget_requests
check_fails "a stub of what is not cached fails, though its order is managed" 1 'never fetches' \
    openssl pkey -in "$T/cold.pem" -noout
equal "and asks the CA nothing, in a keeper too" 0 "$(requests .)"
openssl storeutl -noout digicert://order/126 >/dev/null 2>&1
equal "while the URI may ask" true "$([ "$(requests .)" -gt 0 ] && echo true)"

# ---- after a reissue ----
before=$(public_of "$T/stub.pem")
check "a reissue" "$STORE" reissue order/123 --timeout 30
after=$(public_of "$T/stub.pem")
equal "the plain stub stands for the new key" false "$([ "$before" = "$after" ] && echo true || echo false)"
equal "the pinned one for the old" "$before" "$(public_of "$T/pin.pem")"

# ---- readers ----
chmod 755 "$T" "$T/etc"
chmod 644 "$T/etc/digicert-store.conf"
check_fails "who may not read the key file gets an error that says so" 1 'privkey.pem \(owner uid 0' \
    as_user nobody openssl pkey -in "$T/stub.pem" -noout
done_testing
