#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# contract.sh - what we rely on, asked of a CertCentral endpoint: of the simulator, or of the real
# service when DCS_CONTRACT_URL, DCS_CONTRACT_KEY and DCS_CONTRACT_ORDER are given (then only what
# changes nothing is asked). One suite for both, so that the fake cannot drift.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

if [ -n "${DCS_CONTRACT_URL:-}" ]; then
    SB_url=$DCS_CONTRACT_URL SB_key=${DCS_CONTRACT_KEY:?} order=${DCS_CONTRACT_ORDER:?}
    ca=()
else
    start_sandbox
    order=123
    ca=(--cacert "$SB_ca")
fi
api() { curl -sS --max-time 60 "${ca[@]}" -H "X-DC-DEVKEY: ${KEY:-$SB_key}" -H 'Accept: application/json' "$@"; }
get() { api "$SB_url$1"; }
code() { api -o /dev/null -w '%{http_code}' "$SB_url$1"; }
says() { jq -e "$@" >/dev/null; }

info=$(get "/order/certificate/$order")
check "order info names the order by a number" says ".id == $order" <<<"$info"
check "it has a status in words" says '.status | type == "string"' <<<"$info"
check "an issued order names its certificate by a number" says '.certificate.id | type == "number"' <<<"$info"
check "serial and thumbprint are hexadecimal" says '.certificate | (.serial_number | test("^[0-9A-Fa-f:]+$")) and (.thumbprint | test("^[0-9A-Fa-f]{40}$"))' <<<"$info"
check "dates of validity are days" says '.certificate | (.valid_from + .valid_till) | test("^([0-9]{4}-[0-9]{2}-[0-9]{2}){2}$")' <<<"$info"
check "the product names itself" says '.product.name_id | length > 0' <<<"$info"
id=$(jq .certificate.id <<<"$info")
get "/certificate/$id/download/format/pem_all" >"$T/all.pem"
check "pem_all holds two certificates at least" test "$(grep -c 'BEGIN CERTIFICATE' "$T/all.pem")" -ge 2
serial=$(jq -r '.certificate.serial_number' <<<"$info" | tr -d : | sed 's/^0*//' | tr a-f A-F)
check "the certificate with the serial that order info names is among them" bash -c "
    csplit -sz -f $T/part $T/all.pem '/BEGIN CERTIFICATE/' '{*}'
    for f in $T/part*; do openssl x509 -in \$f -noout -serial 2>/dev/null; done | sed 's/serial=0*//' | grep -qix $serial"
equal "the serial number finds the order" "$order" "$(get "/order/certificate?filters%5Bserial_number%5D=$(jq -r .certificate.serial_number <<<"$info")" | jq '.orders[0].id')"
equal "the thumbprint names the order" "$order" "$(get "/order/certificate/$(jq -r .certificate.thumbprint <<<"$info")" | jq .id)"
check "a page tells its total" says '.page.total | type == "number"' <<<"$(get '/order/certificate?limit=1')"
check "status changes are an object, with orders or empty" says 'type == "object"' <<<"$(get '/order/certificate/status-changes?seconds=60')"
for kind in reissue duplicate; do
    list=$(get "/order/certificate/$order/$kind")
    check "the list of its ${kind}s is an object, with certificates or empty" says 'type == "object"' <<<"$list"
    check "each entry of it names itself, its names and its state" says '(.certificates // []) | all((.id | type == "number") and (.status | type == "string"))' <<<"$list"
    check "an issued one has a serial number" says '(.certificates // []) | map(select(.status == "issued")) | all(.serial_number | test("^[0-9A-Fa-f:]+$"))' <<<"$list"
done
requests=$(get '/request?status=pending')
check "pending requests are an object, with requests or without" says 'type == "object"' <<<"$requests"
check "each has a number, a type and a status" says '(.requests // []) | all((.id | type == "number") and (.type | type == "string") and (.status | type == "string"))' <<<"$requests"
check "order info tells its own requests" says '(.requests // []) | all((.id | type == "number") and (.type | type == "string") and (.status | type == "string"))' <<<"$info"
check "an unknown order is 404 with the code not_found" bash -c "grep -q not_found <<<'$(get /order/certificate/1)'"
equal "with status 404" 404 "$(code /order/certificate/1)"
equal "a wrong key is 403" 403 "$(KEY=0123456789ABCDEF code /user/me)"
check "and says access_denied" says '.errors[0].code | startswith("access_denied")' <<<"$(KEY=0123456789ABCDEF get /user/me)"
check "the key's user is told" says '.username | length > 0' <<<"$(get /user/me)"
domains=$(get '/domain?include_dcv_expiration_time=true&limit=2')
check "domains are an object, with domains or without" says 'type == "object"' <<<"$domains"
check "each has a name" says '(.domains // []) | all(.name | type == "string")' <<<"$domains"
check "and tells in UTC until when it is validated, where it does" says '[(.domains // [])[].dcv_expiration // {} | .ov, .ev | select(. != null)] | all(test("T.*(Z|[+]00:00)$"))' <<<"$domains"
check "no page has more than was asked for" says '(.domains // []) | length <= 2' <<<"$domains"
organizations=$(get '/organization?include_validation=true')
check "each organization has a number" says '(.organizations // []) | all(.id | type == "number")' <<<"$organizations"
check "and tells its validations by type and status" says '[(.organizations // [])[].validations // [] | .[]] | all((.type | type == "string") and (.status | type == "string"))' <<<"$organizations"
check "the account has a word for CT logging" says '.cert_transparency | type == "string"' <<<"$(get /account)"
check "a Date header comes" bash -c "grep -qi '^date:' <<<\"\$(curl -sS -D - -o /dev/null ${ca[*]} -H 'X-DC-DEVKEY: $SB_key' $SB_url/user/me)\""

# What follows changes the order: asked of the simulator only.
if [ -z "${DCS_CONTRACT_URL:-}" ]; then
    send() { api -X "$1" -H 'Content-Type: application/json' -d "$3" "$SB_url$2"; }
    openssl req -new -newkey rsa:2048 -nodes -keyout "$T/key.pem" -subj /CN=www.example.com -out "$T/csr.pem" 2>/dev/null
    body=$(jq -cn --rawfile csr "$T/csr.pem" --argjson info "$info" \
        '{certificate: {common_name: $info.certificate.common_name, dns_names: $info.certificate.dns_names, csr: $csr}, comments: "contract", skip_approval: true}')
    reply=$(send POST "/order/certificate/$order/reissue" "$body")
    check "a reissue answers with the order and a certificate id" says ".id == $order and (.certificate_id | type == \"number\")" <<<"$reply"
    check "order info then names another certificate" test "$(get "/order/certificate/$order" | jq .certificate.id)" = "$(jq .certificate_id <<<"$reply")"
    check "and carries the comments of the request" says '.requests | any(.type == "reissue" and .comments == "contract")' <<<"$(get "/order/certificate/$order")"
    check "the list of reissues has its CSR" says --arg csr "$(cat "$T/csr.pem")" '.certificates | any((.csr | gsub("\\s"; "")) == ($csr | gsub("\\s"; "")))' <<<"$(get "/order/certificate/$order/reissue")"
    get "/certificate/$(jq .certificate_id <<<"$reply")/download/format/pem_nointermediate" >"$T/new.pem"
    check "the certificate is for the CSR's key" cmp <(openssl x509 -in "$T/new.pem" -noout -pubkey) <(openssl pkey -in "$T/key.pem" -pubout)
    equal "a CSR that cannot be parsed is named" csr_invalid_cannot_parse "$(send POST "/order/certificate/$order/reissue" "$(jq -c '.certificate.csr = "x"' <<<"$body")" | jq -r '.errors[0].code')"
fi
done_testing
