#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# faults.sh - servers that are away, slow, or lie: a clear error each, its exit status, nothing kept
# that should not be, and what is cached still served.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
state=$T/state
configure 'load_deadline = 3s'
import_key 123
get() { timeout 60 "$DIGICERT_STORE" get "$@" >/dev/null; }

# Each row: name ~ fault ~ exit status ~ pattern. A row meets a cold order.
while IFS='~' read -r name fault status pattern; do
    fresh_state
    control DELETE /faults
    fault "$fault" >/dev/null
    check_fails "$name" "$status" "$pattern" get order/124
    check "  after it: nothing half-written" bash -c "! find $T/state -name '.tmp-*' | grep -q . && ! ls $T/state/orders/124/current 2>/dev/null"
    control DELETE /faults
    check "  after it: the next call works" get order/124
done <<'EOT'
503 with HTML is "away"~{"match":"GET /order/certificate/124","times":9,"status":503,"html":true}~6~away.*503
404 with HTML is "away", not "no such order"~{"match":"GET /order/certificate/124","times":9,"status":404,"html":true}~6~away.*404
200 with HTML is "away"~{"match":"GET /order/certificate/124","times":9,"html":true}~6~not JSON
500 with JSON is "away"~{"match":"GET /order/certificate/124","times":9,"status":500,"body":"{\"errors\":[{\"code\":\"internal\",\"message\":\"oops\"}]}"}~6~oops
a redirect is not followed~{"match":"GET /order/certificate/124","times":9,"status":302,"redirect":"https://127.0.0.1:1/"}~6~302
a connection cut before the answer~{"match":"GET /order/certificate/124","times":9,"cut":"before"}~6~no answer from
a connection cut in the middle~{"match":"GET /order/certificate/124","times":9,"cut":"mid-body"}~6~no answer from
a server that hangs~{"match":"GET /order/certificate/124","times":9,"hang":true}~6~no answer from.*([Tt]ime|timed)
an answer of 10 MB~{"match":"GET /order/certificate/124","times":9,"size":10000000}~6~larger than
JSON a thousand deep~{"match":"GET /order/certificate/124","times":9,"depth":1000}~6~too deeply
JSON that is cut off~{"match":"GET /order/certificate/124","times":9,"truncate":100}~6~not JSON
an empty object for an order~{"match":"GET /order/certificate/124","times":9,"body":"{}"}~6~describes no order
another order than the one asked for~{"match":"GET /order/certificate/124","times":9,"body":"{\"id\":999,\"status\":\"issued\"}"}~6~answered with order 999
an invalid API key~{"match":"GET /order/certificate/124","times":9,"status":403,"body":"{\"errors\":[{\"code\":\"access_denied|access_denied_invalid_key\",\"message\":\"no\"}]}"}~4~wrong or revoked
errors as an object~{"match":"GET /order/certificate/124","times":9,"status":403,"body":"{\"errors\":{\"code\":\"access_denied|missing_permission\",\"message\":\"no\"}}"}~4~lacks a permission
403 without an API error~{"match":"GET /order/certificate/124","times":9,"status":403,"html":true}~6~away
a request that is refused~{"match":"GET /order/certificate/124","times":9,"status":400,"body":"{\"errors\":[{\"code\":\"invalid_value:x\",\"message\":\"bad x\"}]}"}~8~bad x
429 beyond the deadline~{"match":"GET /order/certificate/124","times":9,"status":429,"body":"{\"errors\":[{\"code\":\"request_limit_exceeded\",\"message\":\"Service unavailable, please limit request volume\"}]}"}~6~request limit
a download that is not there yet~{"match":"GET /certificate/*","times":9,"status":404,"body":"{\"errors\":[{\"code\":\"not_found\",\"message\":\"no\"}]}"}~5~not issued yet
a download that is HTML~{"match":"GET /certificate/*","times":9,"html":true}~6~certificate was asked for
truncated PEM~{"match":"GET /certificate/*","times":9,"truncate":900}~8~cut off or damaged
the certificate of another order~{"match":"GET /certificate/*","times":9,"wrong_certificate":123}~8~serial number is
PKCS#7 where PEM was asked for~{"match":"GET /certificate/*","times":9,"body":"-----BEGIN PKCS7-----\\nAAAA\\n-----END PKCS7-----\\n"}~8~but "PKCS7"
PEM that holds no certificate~{"match":"GET /certificate/*","times":9,"body":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}~8~set aside
EOT

control DELETE /faults
check_fails "a precertificate is set aside" 8 'precertificate' get order/170
check_fails "a lifetime over the industry's maximum is set aside" 8 'days' get order/171
for id in 150 151 152 153 154; do
    check_fails "order $id waits: pending, exit status 5" 5 'no certificate yet' get order/$id
done
for id in 156 157; do
    check_fails "order $id is dead: not pending, exit status 3" 3 'order anew' get order/$id
    check "  it is shown all the same" "$DIGICERT_STORE" show --refresh $id
done
check_fails "an order that waits is found by its name" 5 'a certificate request' get name/csr.example.com
fault '{"match":"GET /order/certificate/126","times":1,"body":"{\"id\":126,\"status\":\"issued\",\"certificate\":[]}"}' >/dev/null
check_fails "an issued order without a certificate: pending" 5 'names no certificate' get order/126
check_fails "an order that is not there: exit status 3" 3 'no such order' get order/31337

# A listing that breaks off, and one with what no order is.
fresh_state
fault '{"match":"GET /order/certificate","times":1,"body":"{\"orders\":[{\"id\":157},7,{\"id\":null},{\"id\":777}],\"page\":{\"total\":9}}"}' >/dev/null
fault '{"match":"GET /order/certificate","times":1,"status":503,"html":true}' >/dev/null
check_fails "a listing that breaks off says so" 6 'not the whole account' \
    bash -c "'$DIGICERT_STORE' list >$T/listed"
check "and shows what came" grep -q 'digicert://order/777 ' "$T/listed"
control DELETE /faults
"$DIGICERT_STORE" list >"$T/listed"
equal "the next one carries on where rows stopped, and names no order twice" "" \
    "$(awk '{print $1}' "$T/listed" | sort | uniq -d)"
check "it has what came before and what came now" bash -c "grep -q 'order/777 ' $T/listed && grep -q 'order/126 ' $T/listed"
check "the local orders alone are never short" "$DIGICERT_STORE" list --local

# A reference whose orders come once for each certificate, one of them gone; hexadecimal as the CA
# writes it.
fresh_state
forget_requests
fault '{"match":"GET /order/alternate/","times":1,"status":200,"body":"{\"orders\":[{\"order_id\":124},{\"order_id\":\"124\"},{\"order_id\":31337}]}"}' >/dev/null
check "an order that is gone hides no other of its reference" get alternate/whatever
equal "each is asked for once, then fetched" 2 "$(requests 'GET /order/certificate/124$')"
serial=$("$DIGICERT_STORE" show --json 124 | jq -r '.current.serial')
sha1=$("$DIGICERT_STORE" show --json 124 | jq -r '.current.sha1')
fresh_state
check "a serial number is asked for in capitals" get "serial/${serial,,}"
equal "  as the listing's filter" 1 "$(requests "serial_number\]=${serial^^}\$")"
fresh_state
check "a thumbprint is asked for in capitals" get "thumbprint/${sha1,,}"
equal "  in place of the order's number" 1 "$(requests "GET /order/certificate/${sha1^^}\$")"
import_key 123
get order/124

# What is cached is served through all of it.
configure 'load_deadline = 3s'
import_key 123
for fault in '{"match":"GET /","times":50,"status":503,"html":true}' '{"match":"GET /","times":50,"hang":true}'; do
    control DELETE /faults
    fault "$fault" >/dev/null
    equal "the cached pair is served under $fault" "Certificate Certificate Pkey" \
        "$(kinds digicert://order/123 | xargs)"
done
control DELETE /faults

# An expired certificate never takes the place of a valid one.
serial=$("$DIGICERT_STORE" show --json 124 | jq -r .current.serial)
control PATCH /orders/124 '{"issue":{"valid_from":"2025-01-10","validity_days":90}}' >/dev/null
"$DIGICERT_STORE" show --refresh 124 >/dev/null
equal "an expired certificate does not replace a cached valid one" "$serial" \
    "$("$DIGICERT_STORE" show --json 124 | jq -r .current.serial)"
control PATCH /orders/123 '{"issue":{"key_elsewhere":true}}' >/dev/null
"$DIGICERT_STORE" show --refresh 123 >/dev/null
equal "a newer one whose key is elsewhere does not displace our pair" true \
    "$("$DIGICERT_STORE" show --json 123 | jq .current.has_key)"
check "it is shown as elsewhere" test "$("$DIGICERT_STORE" show --json 123 | jq -r .elsewhere.serial)" != null

# ---- damage on disk ----
current=$T/state/orders/123/current
printf 'x' >>"$current/fullchain.pem"
check "a damaged generation stops nothing when another is there" get order/124
storeutl digicert://order/123 >/dev/null 2>&1
check "it is set aside by a keeper" bash -c "ls -d $T/state/orders/123/gen-*.bad-* >/dev/null"
equal "and fetched anew" Certificate "$(kinds digicert://order/123 | head -n 1)"

# ---- configuration ----
configure '[order/124]' 'reisue = auto' '[order/123]' 'key = ec:P-999'
equal "a broken section for another order still serves this one" Certificate \
    "$(kinds digicert://order/130 | head -n 1)"
check_fails "the CLI names file, line and the likely meaning" 2 'digicert-store.conf:6: "reisue" is not a key; did you mean "reissue"' \
    "$DIGICERT_STORE" get order/130
chmod 666 "$DIGICERT_STORE_CONF"
check_fails "a configuration that others may write is refused" 2 'others could change it' "$DIGICERT_STORE" get order/130
configure
chmod 644 "$T/etc/api.key"
check_fails "an API key that others may read is refused, with the cure" 2 'chmod 600' "$DIGICERT_STORE" get order/126
printf 'two words\n' >"$T/etc/api.key"
chmod 600 "$T/etc/api.key"
check_fails "an API key file with something else in it is refused" 2 'does not hold an API key' "$DIGICERT_STORE" get order/126
rm "$T/etc/api.key"
check_fails "a missing API key file is named" 2 'api.key does not exist' "$DIGICERT_STORE" get order/126
configure
sed -i 's|^api_ca_file.*||' "$DIGICERT_STORE_CONF"
check_fails "a server that is not trusted: the hint names api_ca_file" 6 'api_ca_file' "$DIGICERT_STORE" get order/126
configure
sed -i 's|^api_url.*|api_url = http://127.0.0.1:1/|' "$DIGICERT_STORE_CONF"
check_fails "a URL without TLS is refused" 2 'https' "$DIGICERT_STORE" get order/126
configure

# ---- the API key goes to the configured host only ----
DIGICERT_STORE_TRACE=$T/trace "$DIGICERT_STORE" show --refresh 124 >"$T/out" 2>&1
env -u SB_key "$DIGICERT_STORE" exec -- env >>"$T/out" 2>&1
check "there is a trace" test -s "$T/trace"
check "the API key is in no trace, no output, no child's environment, no file of the state directory" \
    bash -c "! grep -rF -- '$SB_key' $T/trace $T/out $state"
rm -rf "$state/crls"
stop_sandbox
# A listener in the place of the CRL's host, which another host than the API's may be.
crl=$(sed -n 's|^crl=http://127.0.0.1:\([0-9]*\).*|\1|p' "$T/sandbox.ready")
python3 - "$crl" "$T/received" <<'EOT' &
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(1)
s.settimeout(20)
open(sys.argv[2] + ".ready", "w").close()
c, _ = s.accept()
open(sys.argv[2], "wb").write(c.recv(65536))
EOT
pids+=($!)
wait_for 10 test -e "$T/received.ready"
storeutl -crls 'digicert://order/124?type=crl' >/dev/null 2>&1
check "a CRL is asked for there" grep -q '^GET ' "$T/received"
check "  without the API key" bash -c "! grep -aiE 'X-DC-DEVKEY|$SB_key' $T/received"
check_fails "nobody listens: away, exit status 6" 6 'no answer from' "$DIGICERT_STORE" get order/126
equal "what is cached is served with the CA gone" Certificate "$(kinds digicert://order/124 | head -n 1)"
done_testing
