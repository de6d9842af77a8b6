#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sandbox.sh - the simulator itself, with curl: routes, oddities, limits, faults, keeping its state.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
api() { curl -sS --max-time 20 --cacert "$SB_ca" -H "X-DC-DEVKEY: ${KEY:-$SB_key}" "$@"; }
get() { api "$SB_url$1"; }
status() { api -o /dev/null -w '%{http_code}' "$SB_url$1"; }

equal "an order is told" issued "$(get /order/certificate/123 | jq -r .status)"
equal "an order that is not there is 404 with the API's code" 'not_found|order' "$(get /order/certificate/9 | jq -r '.errors[0].code')"
equal "a bad key is 403, not 401" 403 "$(KEY=wrong status /user/me)"
equal "DV orders have an empty array for organization" '[]' "$(get /order/certificate/128 | jq -c .organization)"
equal "is_multi_year_plan is a string" '"1"' "$(get /order/certificate/123 | jq -c .is_multi_year_plan)"
equal "needs_approval has no certificate id" null "$(get /order/certificate/151 | jq .certificate.id)"
equal "a wrong filter value omits the list" null "$(get '/order/certificate?filters\[domain_name\]=nobody' | jq .orders)"
equal "domain_name finds a name among others" 123 "$(get '/order/certificate?filters\[domain_name\]=example.com' | jq '.orders[0].id')"
equal "limit and offset page" 2 "$(get '/order/certificate?limit=2&offset=1' | jq '.orders | length')"
equal "status changes over 7 days are refused" time_frame_too_long "$(get '/order/certificate/status-changes?minutes=99999' | jq -r '.errors[0].code')"
control POST /clock '{"advance_s":864000}' >/dev/null
equal "no status change is an empty object" '{}' "$(get '/order/certificate/status-changes?seconds=60')"
control POST /clock '{"advance_s":-864000}' >/dev/null
equal "two orders share a reference" 2 "$(get /order/alternate/shop | jq '.orders | length')"
cert=$(get /order/certificate/123 | jq .certificate.id)
serial=$(get /order/certificate/123 | jq -r .certificate.serial_number)
thumb=$(get /order/certificate/123 | jq -r .certificate.thumbprint)
equal "serial and thumbprint name the order" "123 123" "$(get "/order/certificate/$serial" | jq .id) $(get "/order/certificate/$thumb" | jq .id)"
equal "pem_all has leaf, issuer, root" 3 "$(get "/certificate/$cert/download/format/pem_all" | grep -c BEGIN)"
check "with CR LF" grep -q $'\r' <<<"$(get "/certificate/$cert/download/format/pem_all")"
equal "pem_noroot has two" 2 "$(get "/certificate/$cert/download/format/pem_noroot" | grep -c BEGIN)"
equal "p7b is PKCS#7 with all three" 3 "$(get "/certificate/$cert/download/format/p7b" | openssl pkcs7 -print_certs -noout | grep -c '^subject')"
get "/certificate/$cert/download/format/default" >"$T/all.zip"
equal "default is a ZIP of three files" 3 "$(python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(-1 if z.testzip() else len(z.namelist()))' "$T/all.zip")"
equal "sort=-id begins with the last order" 189 "$(get '/order/certificate?sort=-id&limit=1' | jq '.orders[0].id')"
equal "chain holds the leaf first" www.example.com "$(get "/certificate/$cert/chain" | jq -r '.intermediates[0].subject_common_name')"
cross=$(get /order/certificate/130 | jq .certificate.id)
equal "a cross-signed root makes four blocks" 4 "$(get "/certificate/$cross/download/format/pem_all" | grep -c BEGIN)"
get "/certificate/$cert/download/format/pem_all" >"$T/all.pem"
check "the chain verifies up to the root" openssl verify -CAfile "$T/sandbox/roots.pem" -untrusted "$T/all.pem" "$T/all.pem"
check "the lifetime is 199 days, midnight to 23:59:59" bash -c "openssl x509 -in $T/all.pem -noout -dates | tr '\n' ' ' | grep -qE '00:00:00 .* 23:59:59 '"
check "SCTs are embedded" bash -c "openssl x509 -in $T/all.pem -noout -text | grep -c 'Signed Certificate Timestamp' | grep -qx 3"
unlogged=$(get /order/certificate/127 | jq .certificate.id)
check "and not when CT is disabled" bash -c "! curl -sS --cacert $SB_ca -H 'X-DC-DEVKEY: $SB_key' $SB_url/certificate/$unlogged/download/format/pem_all | openssl x509 -noout -text | grep -q 'Signed Certificate Timestamp'"
check "three cookies and the CDN's header come" bash -c "[ \$(curl -sS -D - -o /dev/null --cacert $SB_ca -H 'X-DC-DEVKEY: $SB_key' $SB_url/user/me | grep -ciE '^(set-cookie|x-cdn)') -eq 4 ]"
equal "a view-only key may not change anything" 403 "$(KEY=$(control POST /keys '{"role":102}' | jq -r .key) api -o /dev/null -w '%{http_code}' -X PUT -d '{"disable_ct":true}' "$SB_url/order/certificate/123/ct-status")"
equal "ct-status answers 204" 204 "$(api -o /dev/null -w '%{http_code}' -X PUT -d '{"disable_ct":true}' "$SB_url/order/certificate/127/ct-status")"
control POST /settings '{"ct_off":true}'
equal "with CT off for the account it is refused" cert_transparency_turned_off_for_account "$(api -X PUT -d '{"disable_ct":true}' "$SB_url/order/certificate/127/ct-status" | jq -r '.errors[0].code')"
crl=$(sed -n 's/^crl=//p' "$T/sandbox.ready")
check "the CRL is served and signed" bash -c "curl -sS ${crl}intermediate.crl | openssl crl -inform DER -noout -CAfile <(cat $T/sandbox/intermediate.pem) 2>&1 | grep -q 'verify OK'"
control POST /orders '{"count":100000,"first_id":1000000}' >/dev/null
equal "a hundred thousand orders are listed" "100000" "$(get '/order/certificate?limit=1000&offset=0' | jq '.page.total - 41')"
control DELETE /requests
# One curl on one connection: 130 processes need more than five seconds on a busy machine.
api -w '\n%{http_code}\n' "$SB_url/user/me?n=[1-130]" >"$T/answers"
check "over 100 requests in 5 s are 429, the others answered" bash -c "
    test \$(grep -cx 429 $T/answers) -ge 30 && test \$(grep -cxE '200|429' $T/answers) -eq 130"
equal "with the service's words" 'Service unavailable, please limit request volume' \
    "$(tail -n 2 "$T/answers" | head -n 1 | jq -r '.errors[0].message')"
stop_sandbox
"$DIGICERT_SANDBOX" --dir "$T/sandbox" --ready-file "$T/again" --no-rate-limit >/dev/null 2>&1 &
pids+=($!)
wait_for 30 test -s "$T/again"
SB_url=$(sed -n 's/^url=//p' "$T/again")
equal "a restart serves the same orders" "$serial" "$(get /order/certificate/123 | jq -r .certificate.serial_number)"
check_fails "it listens on loopback only" 2 'loopback only' "$DIGICERT_SANDBOX" --dir "$T/x" --listen 0.0.0.0:0
done_testing
