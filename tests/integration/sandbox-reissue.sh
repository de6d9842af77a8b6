#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sandbox-reissue.sh - the simulator's reissues, duplicates, requests, new orders and revocations,
# each path with curl; the clock is frozen, so nothing here depends on the day or on speed.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit --clock 2026-04-01T10:00:00Z
control POST /clock '{"freeze":true}' >/dev/null
api() { curl -sS --max-time 20 --cacert "$SB_ca" -H "X-DC-DEVKEY: ${KEY:-$SB_key}" "$@"; }
get() { api "$SB_url$1"; }
send() { api -X "$1" -d "${3:-}" "$SB_url$2"; }                            # METHOD PATH [JSON]
code() { api -X "$1" -d "${3:-}" -o /dev/null -w '%{http_code}' "$SB_url$2"; }
error() { send "$@" | jq -r '.errors[0].code'; }
state() { control GET "/orders/$1" | jq -r "$2"; }
at() { control POST /clock "{\"now\":\"$1\"}" >/dev/null; }
order() { control POST /orders "$1" | jq .id; }
act() { control POST "/orders/$1/actions" "{\"do\":\"$2\",\"comment\":\"${3:-}\"}" >/dev/null; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/key.pem" 2>/dev/null
openssl req -new -key "$T/key.pem" -subj /CN=from.the.csr -addext subjectAltName=DNS:from.the.csr -out "$T/csr.pem"
spki=$(openssl pkey -in "$T/key.pem" -pubout -outform DER | sha256sum | cut -c1-64 | tr a-f A-F)
csr=$(jq -Rs . <"$T/csr.pem")
# body NAME,NAME... [MEMBERS OF certificate] [MEMBERS BESIDE IT]
body() {
    jq -cn --argjson csr "$csr" --arg names "$1" --argjson in "${2:-{\}}" --argjson out "${3:-{\"skip_approval\":true\}}" \
        '($names | split(",")) as $n | {certificate: ({common_name: $n[0], dns_names: $n, csr: $csr} + $in)} + $out'
}
leaf() { get "/certificate/$1/download/format/pem_nointermediate"; }
days() { openssl x509 -noout -startdate -enddate -dateopt iso_8601 | sed 's/^[a-zA-Z]*=//' | xargs -d '\n' -n1 date -u +%s -d | paste -sd' ' | awk '{print ($2 + 1 - $1) / 86400}'; }

# ---- what a request must be ----
names=www.example.com,example.com
equal "a body that is no JSON" bad_request_format "$(error POST /order/certificate/123/reissue '{')"
equal "a missing CSR" missing_value:csr "$(error POST /order/certificate/123/reissue "$(body $names '{"csr":null}')")"
equal "a CSR that cannot be parsed" csr_invalid_cannot_parse "$(error POST /order/certificate/123/reissue "$(body $names '{"csr":"nonsense"}')")"
weak=$(openssl req -new -newkey rsa:1024 -nodes -keyout /dev/null -subj /CN=x 2>/dev/null | jq -Rs '{csr: .}')
equal "a key that is too short" invalid_value:csr "$(error POST /order/certificate/123/reissue "$(body $names "$weak")")"
equal "a missing common name" missing_value:common_name "$(error POST /order/certificate/123/reissue "$(body $names '{"common_name":null}')")"
equal "a name with an underscore" invalid_value:dns_names "$(error POST /order/certificate/123/reissue "$(body $names '{"dns_names":["a_b.example.com"]}')")"
equal "EV has no wildcards" invalid_value:common_name "$(error POST /order/certificate/129/reissue "$(body '*.example.com')")"
equal "a hash that is not known" invalid_value:signature_hash "$(error POST /order/certificate/123/reissue "$(body $names '{"signature_hash":"md5"}')")"
equal "an intermediate that is not known" invalid_value:ca_cert_id "$(error POST /order/certificate/123/reissue "$(body $names '{"ca_cert_id":"00"}')")"
equal "a profile that is not known" invalid_value:profile_option "$(error POST /order/certificate/123/reissue "$(body $names '{"profile_option":"x"}')")"
equal "a lifetime that is no number" invalid_value:validity_days "$(error POST /order/certificate/123/reissue "$(body $names '{"cert_validity":{"days":"many"}}')")"
equal "a lifetime beyond the order" cert_validity_exceeds_order_validity "$(error POST /order/certificate/123/reissue "$(body $names '{"cert_validity":{"custom_expiration_date":"2029-01-01"}}')")"
equal "two years in an order of one" cert_validity_exceeds_order_validity "$(error POST /order/certificate/123/reissue "$(body $names '{"cert_validity":{"years":2}}')")"
equal "CAA stops it" 'caa_check_failed|example.com' "$(control PATCH /orders/123 '{"switches":{"caa":"caa_check_failed|example.com"}}' >/dev/null; error POST /order/certificate/123/reissue "$(body $names)")"
control PATCH /orders/123 '{"switches":{"caa":null}}' >/dev/null
equal "an order that is not there" 'not_found|order' "$(error POST /order/certificate/9/reissue "$(body $names)")"
for pair in 150:invalid_value:order_status 141:order_is_revoked 142:order_is_expired 155:reissue_pending; do
    equal "order ${pair%%:*} cannot be reissued" "${pair#*:}" "$(error POST "/order/certificate/${pair%%:*}/reissue" "$(body pending.example.com)")"
done
equal "nothing of that has left a trace" "1 1" "$(state 123 '"\(.certificates | length) \(.requests | length)"')"

# ---- immediate ----
before=$(get /order/certificate/123)
reply=$(api -w '\n%{http_code}' -X POST -d "$(body $names '{"signature_hash":"SHA384"}' '{"skip_approval":true,"comments":"tag 1"}')" "$SB_url/order/certificate/123/reissue")
equal "a reissue answers 201" 201 "$(tail -n 1 <<<"$reply")"
reply=$(head -n -1 <<<"$reply")
id=$(jq .certificate_id <<<"$reply")
equal "with the chain, leaf first" "www.example.com 3" "$(jq -r '.certificate_chain | "\(.[0].subject_common_name) \(length)"' <<<"$reply")"
jq -r '.certificate_chain[0].pem' <<<"$reply" >"$T/leaf.pem"
check "for the key of the CSR" test "$(openssl x509 -in "$T/leaf.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c1-64 | tr a-f A-F)" = "$spki"
check_fails "with nothing of its names" 1 '^$' bash -c "openssl x509 -in $T/leaf.pem -noout -text | grep from.the.csr"
check "signed with the hash that was asked for" bash -c "openssl x509 -in $T/leaf.pem -noout -text | grep -q ecdsa-with-SHA384"
after=$(get /order/certificate/123)
equal "the order keeps its id, the certificate is new" "123 $id issued issued" "$(jq -r '"\(.id) \(.certificate.id) \(.certificate.status) \(.status)"' <<<"$after")"
check "serial and thumbprint, too" test "$(jq -r '.certificate | .serial_number + .thumbprint' <<<"$before")" != "$(jq -r '.certificate | .serial_number + .thumbprint' <<<"$after")"
equal "requests tell type, status and comments" "reissue approved tag 1" "$(jq -r '.requests[-1] | "\(.type) \(.status) \(.comments)"' <<<"$after")"
equal "the old certificate stays good" null "$(state 123 '.certificates[0].revoke_due')"
equal "the list holds it, behind the first" "2 $id" "$(get /order/certificate/123/reissue | jq -r '.certificates | "\(length) \(.[1].id)"')"
check "with its CSR and dates" jq -e '.certificates[1] | .csr and .valid_till and .serial_number and .status == "issued"' <<<"$(get /order/certificate/123/reissue)"
equal "the log has tag and public key" "tag 1 $spki" "$(control GET '/requests?method=POST' | jq -r '[.[] | select(.status == 201)][0] | "\(.comments) \(.csr_spki_sha256)"')"
equal "a CSR without line breaks is taken" 201 "$(code POST /order/certificate/123/reissue "$(body $names "$(jq -n --arg c "$(tr -d '\n' <"$T/csr.pem")" '{csr: $c}')")")"

# ---- the end of a certificate ----
equal "no day named: 199 days, moved off the weekend" "2026-10-16" "$(state 123 '.info.certificate.valid_till')"
control POST /settings '{"weekend_ends":false}'
send POST /order/certificate/123/reissue "$(body $names)" >/dev/null
equal "or not" 199 "$(leaf "$(state 123 .info.certificate.id)" | days)"
send POST /order/certificate/123/reissue "$(body $names '{"cert_validity":{"days":30}}')" >/dev/null
equal "so many days" 30 "$(leaf "$(state 123 .info.certificate.id)" | days)"
send POST /order/certificate/123/reissue "$(body $names '{"cert_validity":{"days":30,"custom_expiration_date":"2026-05-02"}}')" >/dev/null
equal "a date comes before days" 2026-05-02 "$(state 123 .info.certificate.valid_till)"
send POST /order/certificate/123/reissue "$(body $names '{"cert_validity":{"years":1}}')" >/dev/null
equal "a year is cut to the maximum" 199 "$(leaf "$(state 123 .info.certificate.id)" | days)"
o=$(order '{"common_name":"long.example.com","order_valid_till":"2029-06-01"}')
control PATCH "/orders/$o" '{"switches":{"dcv":"valid"}}' >/dev/null
for step in 2026-02-23:397 2026-02-24:199 2027-03-14:199 2027-03-15:99 2029-03-14:80 2029-03-15:46; do
    at "${step%:*}"
    send POST "/order/certificate/$o/reissue" "$(body long.example.com)" >/dev/null
    equal "issued on ${step%:*} it lives ${step#*:} days" "${step#*:}" "$(leaf "$(state "$o" .info.certificate.id)" | days)"
done
control POST /settings '{"max_days":[{"from":"2020-01-01","days":10}]}'
send POST "/order/certificate/$o/reissue" "$(body long.example.com)" >/dev/null
equal "a table of one's own" 10 "$(leaf "$(state "$o" .info.certificate.id)" | days)"
control POST /settings '{"max_days":null}'
at 2029-05-20T12:00:00
send POST "/order/certificate/$o/reissue" "$(body long.example.com)" >/dev/null
equal "the end of the order ends it" "2029-06-01 13" "$(state "$o" .info.certificate.valid_till) $(leaf "$(state "$o" .info.certificate.id)" | days)"
at 2029-06-02T00:00:00
equal "an order ends by the clock" "expired order_is_expired" "$(get "/order/certificate/$o" | jq -r .status) $(error POST "/order/certificate/$o/reissue" "$(body long.example.com)")"
at 2026-04-01T10:00:00

# ---- EKU, CT, intermediates ----
send POST /order/certificate/132/reissue "$(body client.example.com '{"profile_option":"server_client_auth_eku"}')" >/dev/null
equal "clientAuth on request" true "$(state 132 '.certificates[-1].client_auth')"
send POST /order/certificate/132/reissue "$(body client.example.com)" >/dev/null
equal "and only then" false "$(state 132 '.certificates[-1].client_auth')"
at 2027-03-01
equal "from 2027-03-01 it is refused" invalid_value:profile_option "$(error POST /order/certificate/132/reissue "$(body client.example.com '{"profile_option":"server_client_auth_eku"}')")"
at 2026-04-01T10:00:00
equal "the certificate of an unlogged order has no SCTs" 0 "$(send PUT /order/certificate/124/ct-status '{"disable_ct":true}'; send POST /order/certificate/124/reissue "$(body rsa.example.com)" | jq -r '.certificate_chain[0].pem' | openssl x509 -noout -text | grep -c 'Signed Certificate Timestamp')"
equal "nor that of an account with CT off" false "$(control POST /settings '{"ct_off":true}'; send POST /order/certificate/130/reissue "$(body cross.example.com)" >/dev/null; state 130 '.certificates[-1].logged')"
control POST /settings '{"ct_off":false,"per_request_ct":false}'
equal "without the choice per request ct-status is refused" invalid_value:disable_ct "$(error PUT /order/certificate/124/ct-status '{"disable_ct":false}')"
control POST /settings '{"per_request_ct":true}'
equal "nor is private TLS logged" invalid_value:disable_ct "$(error PUT /order/certificate/131/ct-status '{"disable_ct":true}')"
old=$(get /certificate/intermediates | jq -r '.intermediates[0].id')
control PATCH /orders/125 '{"rotate":true}' >/dev/null
equal "a new intermediate issues" "Sandbox TLS 2026 CA2" "$(send POST /order/certificate/125/reissue "$(body elsewhere.example.com)" | jq -r '.certificate_chain[1].subject_common_name')"
equal "the old one when it is asked for" "Sandbox TLS 2026 CA1" "$(send POST /order/certificate/125/reissue "$(body elsewhere.example.com "{\"ca_cert_id\":\"$old\"}")" | jq -r '.certificate_chain[1].subject_common_name')"
for k in 0 1 2; do
    get "/certificate/$(state 125 ".certificates[$k].id")/download/format/pem_all" >"$T/all.pem"
    check "certificate $k comes with the intermediate that signed it" openssl verify -no_check_time -CAfile "$T/sandbox/roots.pem" -untrusted "$T/all.pem" "$T/all.pem"
done

# ---- approval ----
reply=$(send POST /order/certificate/126/reissue "$(body '*.wild.example.com,wild.example.com' '{}' '{"comments":"please"}')")
request=$(jq '.requests[0].id' <<<"$reply")
equal "without skip_approval only a request comes back" '["id","requests"] ["id"]' "$(jq -c 'keys' <<<"$reply") $(jq -c '.requests[0] | keys' <<<"$reply")"
old=$(state 126 '.certificates[0].id')
equal "order info shows the old certificate meanwhile" "reissue_pending $old" "$(get /order/certificate/126 | jq -r '"\(.status) \(.certificate.id)"')"
control POST /settings '{"pending_shows_new":true}'
equal "or the new one" "pending null" "$(get /order/certificate/126 | jq -r '.certificate | "\(.status) \(.serial_number)"')"
control POST /settings '{"pending_shows_new":false}'
equal "the old one can be downloaded" 200 "$(code GET "/certificate/$old/download/format/pem_all")"
equal "the new one not yet" 404 "$(code GET "/certificate/$(state 126 '.certificates[1].id')/download/format/pem_all")"
equal "a pending entry has no serial and no dates" "pending null null" "$(get /order/certificate/126/reissue | jq -r '.certificates[1] | "\(.status) \(.serial_number) \(.valid_till)"')"
equal "it is among the pending requests" 1 "$(get '/request?status=pending' | jq "[.requests[] | select(.id == $request)] | length")"
equal "with an order that stays as it was" "issued reissue please" "$(get "/request/$request" | jq -r '"\(.order.status) \(.type) \(.comments)"')"
standard=$(control POST /keys '{"role":0,"approver":false}' | jq -r .key)
equal "not everybody approves" '403 access_denied|invalid_approver' "$(KEY=$standard code PUT "/request/$request/status" '{"status":"approved"}') $(KEY=$standard error PUT "/request/$request/status" '{"status":"approved"}')"
equal "nor skips approval" null "$(KEY=$standard send POST /order/certificate/133/reissue "$(body xn--bcher-kva.example.com)" | jq .certificate_id)"
equal "a second reissue is refused" reissue_pending "$(error POST /order/certificate/126/reissue "$(body '*.wild.example.com,wild.example.com')")"
equal "a certificate cannot be revoked meanwhile" reissue_pending "$(error PUT "/certificate/$old/revoke" '{"skip_approval":true}')"
equal "approving answers 204" 204 "$(code PUT "/request/$request/status" '{"status":"approved","processor_comment":"fine"}')"
equal "and it is issued" "issued approved fine" "$(get /order/certificate/126 | jq -r .status) $(get "/request/$request" | jq -r '"\(.status) \(.processor_comment)"')"
equal "the order inside lags" issued "$(get "/request/$request" | jq -r .order.status)"
equal "twice is refused" invalid_value:status "$(error PUT "/request/$request/status" '{"status":"approved"}')"
request=$(send POST /order/certificate/126/reissue "$(body '*.wild.example.com,wild.example.com' '{}' '{}')" | jq '.requests[0].id')
equal "rejecting returns the order to issued" "204 issued rejected" "$(code PUT "/request/$request/status" '{"status":"rejected"}') $(get /order/certificate/126 | jq -r '"\(.status) \(.requests[-1].status)"')"
equal "its entry says rejected" rejected "$(get /order/certificate/126/reissue | jq -r '.certificates[-1].status')"
control PATCH /orders/126 '{"switches":{"approval":"always","second_reissue":"replace"}}' >/dev/null
equal "a human is wanted even with skip_approval" null "$(send POST /order/certificate/126/reissue "$(body '*.wild.example.com,wild.example.com')" | jq .certificate_id)"
send POST /order/certificate/126/reissue "$(body '*.wild.example.com,wild.example.com')" >/dev/null
equal "a second reissue may replace the first" "rejected pending" "$(get /order/certificate/126 | jq -r '.requests[-2:] | map(.status) | join(" ")')"
equal "cancelling needs a note" missing_value:note "$(error PUT /order/certificate/126/status '{"status":"canceled"}')"
equal "and returns the order to issued" "204 issued rejected" "$(code PUT /order/certificate/126/status '{"status":"CANCELED","note":"no more"}') $(get /order/certificate/126 | jq -r '"\(.status) \(.requests[-1].status)"')"
equal "the note is kept" "no more" "$(state 126 '.requests[-1].processor_comment')"
equal "an issued order cannot be cancelled" invalid_value:status "$(error PUT /order/certificate/126/status '{"status":"canceled","note":"x"}')"
equal "a pending one can" "204 canceled" "$(code PUT /order/certificate/150/status '{"status":"canceled","note":"x"}') $(get /order/certificate/150 | jq -r .status)"

# ---- polls, seconds, staff, answers ----
o=$(order '{"common_name":"slow.example.com","switches":{"polls":3}}')
reply=$(send POST "/order/certificate/$o/reissue" "$(body slow.example.com)")
equal "accepted is not issued: an id and nothing else" '["certificate_id","id"]' "$(jq -c keys <<<"$reply")"
equal "the third look finds it" "reissue_pending reissue_pending issued" "$(for _ in 1 2 3; do get "/order/certificate/$o" | jq -r .status; done | paste -sd' ')"
o=$(order '{"common_name":"later.example.com","switches":{"seconds":600}}')
send POST "/order/certificate/$o/reissue" "$(body later.example.com)" >/dev/null
control POST /clock '{"advance_s":599}' >/dev/null
equal "not before its time" reissue_pending "$(get "/order/certificate/$o" | jq -r .status)"
control POST /clock '{"advance_s":864000}' >/dev/null
equal "at its time, however far the clock went" "issued 2026-04-01T10:10:00+00:00" "$(get "/order/certificate/$o" | jq -r '"\(.status) \(.certificate.date_issued)"')"
at 2026-04-01T10:00:00
o=$(order '{"common_name":"staff.example.com","switches":{"staff":true}}')
send POST "/order/certificate/$o/reissue" "$(body staff.example.com)" >/dev/null
equal "DigiCert's staff are waited for" "reissue_pending staff" "$(get "/order/certificate/$o" | jq -r .status) $(state "$o" '.requests[-1].stage')"
act "$o" staff_done
equal "until they are done" issued "$(get "/order/certificate/$o" | jq -r .status)"
o=$(order '{"common_name":"form.example.com","switches":{"answer":"id-only"}}')
equal "issued, but the answer has the id alone" '["certificate_id","id"]' "$(send POST "/order/certificate/$o/reissue" "$(body form.example.com)" | jq -c keys)"
control PATCH "/orders/$o" '{"switches":{"answer":"request-only"}}' >/dev/null
equal "or not even that" '["id","requests"]' "$(send POST "/order/certificate/$o/reissue" "$(body form.example.com)" | jq -c keys)"
equal "and is issued all the same" "3 issued" "$(state "$o" '"\(.certificates | length) \(.status)"')"
fault '{"match":"POST /order/certificate/123/reissue","cut":"after"}'
check_fails "an answer may be lost" 52 '' send POST /order/certificate/123/reissue "$(body $names '{}' '{"skip_approval":true,"comments":"lost"}')"
equal "after it took effect" lost "$(get /order/certificate/123 | jq -r '.requests[-1].comments')"
equal "a switch that is not known is refused" bad_request_format "$(control PATCH /orders/123 '{"switches":{"x":1}}' | jq -r '.errors[0].code')"

fault '{"match":"GET /order/certificate/123","chunked":true}'
check "an answer may come in chunks" bash -c "curl -sS -D - --cacert $SB_ca -H 'X-DC-DEVKEY: $SB_key' $SB_url/order/certificate/123 | grep -qi '^transfer-encoding: chunked'"

# ---- domain validation ----
o=$(order '{"common_name":"old.dcv.example","dcv_method":"dns-txt-token"}')
at 2026-10-16T09:00:00
equal "within 199 days a validation is used again" true "$(send POST "/order/certificate/$o/reissue" "$(body old.dcv.example)" | jq 'has("certificate_chain")')"
at 2026-10-17T10:00:00
reply=$(send POST "/order/certificate/$o/reissue" "$(body old.dcv.example)")
equal "then a token comes, and no domains" '["certificate_id","dcv_random_value","id"]' "$(jq -c keys <<<"$reply")"
equal "without the record the check fails" "400 invalid_dns_txt" "$(code PUT "/order/certificate/$o/check-dcv") $(error PUT "/order/certificate/$o/check-dcv")"
control PATCH "/orders/$o" '{"dcv_method":"http-token"}' >/dev/null
equal "in the words of the method" file_random_value_not_found "$(error PUT "/order/certificate/$o/check-dcv")"
control PATCH "/orders/$o" '{"dcv_method":"email"}' >/dev/null
equal "and never by email" invalid_dns_method "$(error PUT "/order/certificate/$o/check-dcv")"
control PATCH "/orders/$o" '{"dcv_method":"dns-txt-token","switches":{"dcv_published":true}}' >/dev/null
equal "with it the check itself issues" "issued approved" "$(send PUT "/order/certificate/$o/check-dcv" | jq -r '"\(.order_status) \(.dcv_status | sub("valid";"")) \(.dns_name_validations[0].status)"' | tr -s ' ')"
equal "the domain is valid again, for the others, too" true "$(send POST "/order/certificate/$(order '{"common_name":"b.dcv.example"}')/reissue" "$(body b.dcv.example)" | jq 'has("certificate_chain")')"
equal "it is told until when" "2027-05-04T10:00:00+00:00" "$(get '/domain?include_dcv_expiration_time=true' | jq -r '.domains[] | select(.name == "dcv.example") | .dcv_expiration.ov')"
at 2026-04-01T10:00:00
equal "DV never uses it again" true "$(send POST /order/certificate/128/reissue "$(body dv.example.com)" | jq 'has("dcv_random_value")')"
act 128 validate
equal "until validated each time" issued "$(get /order/certificate/128 | jq -r .status)"
o=$(order '{"common_name":"day.example.com","switches":{"dcv_valid_until":"2026-04-10"}}')
at 2026-04-10
equal "a day can be set" true "$(send POST "/order/certificate/$o/reissue" "$(body day.example.com)" | jq 'has("dcv_random_value")')"
at 2026-04-01T10:00:00
equal "a name of a new domain opens it" true "$(send POST "/order/certificate/$(order '{"common_name":"n.example.com"}')/reissue" "$(body n.example.com,www.new.example)" | jq 'has("dcv_random_value")')"

# ---- 72 hours ----
o=$(order '{"common_name":"a.example.com","dns_names":["a.example.com","b.example.com"]}')
send POST "/order/certificate/$o/reissue" "$(body a.example.com,b.example.com,c.example.com)" >/dev/null
equal "an added name revokes nothing" 0 "$(control GET /counts | jq .revocations_due)"
send POST "/order/certificate/$o/duplicate" "$(body a.example.com,b.example.com)" >/dev/null
send POST "/order/certificate/$o/reissue" "$(body a.example.com,c.example.com)" >/dev/null
equal "a lost one all earlier certificates" "2026-04-04T10:00:00+00:00 2026-04-04T10:00:00+00:00 2026-04-04T10:00:00+00:00 null" "$(state "$o" '.certificates | map(.revoke_due | tostring) | join(" ")')"
equal "as the list says" revocation_pending "$(get "/order/certificate/$o/reissue" | jq -r '.certificates[0].status')"
at 2026-04-04T09:59:59
equal "not before 72 hours" 0 "$(state "$o" '[.certificates[] | select(.revoked_at)] | length')"
at 2026-04-04T10:00:00
equal "then they are revoked" "3 issued" "$(state "$o" '[.certificates[] | select(.revoked_at)] | length') $(get "/order/certificate/$o" | jq -r .status)"
crl=$(sed -n 's/^crl=//p' "$T/sandbox.ready")
serial=$(state "$o" '.certificates[0].serial')
check "and in the CRL of their intermediate" bash -c "curl -sS ${crl}intermediate-2.crl | openssl crl -inform DER -noout -text | grep -qi $serial"
check_fails "not in that of another" 1 '^$' bash -c "curl -sS ${crl}intermediate.crl | openssl crl -inform DER -noout -text | grep -i $serial"
send POST "/order/certificate/$o/reissue" "$(body c.example.com,a.example.com)" >/dev/null
equal "another common name counts as a loss" 1 "$(state "$o" '[.certificates[] | select(.revoke_due)] | length')"
at 2026-04-01T10:00:00

# ---- duplicates ----
o=$(order '{"common_name":"d.example.com","dns_names":["d.example.com","e.example.com"],"disable_ct":true}')
equal "no duplicates are an empty object" '{}' "$(get "/order/certificate/$o/duplicate")"
primary=$(state "$o" .info.certificate.id)
control PATCH "/orders/$o" '{"disable_ct":false}' >/dev/null
reply=$(send POST "/order/certificate/$o/duplicate" "$(body e.example.com,d.example.com)")
equal "a duplicate leaves the primary alone" "$primary null" "$(get "/order/certificate/$o" | jq -r '"\(.certificate.id) \(.certificate.status)"')"
equal "and has its CT" "duplicate false" "$(state "$o" '.certificates[1] | "\(.kind) \(.logged)"')"
equal "it is listed with what duplicates have" "001 0 issued" "$(get "/order/certificate/$o/duplicate" | jq -r '.certificates[0] | "\(.sub_id) \(.archived) \(.status)"')"
equal "it has no name of its own" invalid_value:dns_names "$(error POST "/order/certificate/$o/duplicate" "$(body d.example.com,f.example.com)")"
equal "but for one below a wildcard" 201 "$(code POST /order/certificate/126/duplicate "$(body '*.wild.example.com,a.b.wild.example.com')")"
equal "DV has none" invalid_value:order_id "$(error POST /order/certificate/128/duplicate "$(body dv.example.com)")"
control PATCH "/orders/$o" '{"switches":{"dcv":"open"}}' >/dev/null
equal "it cannot wait for validation" domain_validation_expired "$(error POST "/order/certificate/$o/duplicate" "$(body d.example.com)")"

# ---- revocation ----
o=$(order '{"common_name":"r.example.com"}')
cert=$(state "$o" .info.certificate.id)
equal "a reason that is not known" invalid_value:revocation_reason "$(error PUT "/certificate/$cert/revoke" '{"revocation_reason":"bored"}')"
reply=$(send PUT "/certificate/$cert/revoke" '{"revocation_reason":"superseded","comments":"why"}')
equal "without skip_approval it waits" "revoke pending why" "$(jq -r '"\(.type) \(.status) \(.comments)"' <<<"$reply")"
equal "for an administrator" "204 revoked" "$(code PUT "/request/$(jq .id <<<"$reply")/status" '{"status":"approved"}') $(get "/order/certificate/$o" | jq -r .certificate.status)"
equal "the order is open for a free reissue" "issued true" "$(get "/order/certificate/$o" | jq -r .status) $(send POST "/order/certificate/$o/reissue" "$(body r.example.com)" | jq 'has("certificate_chain")')"
serial=$(state "$o" .info.certificate.serial_number)
equal "a serial names a certificate" "204 certificate_already_revoked" "$(code PUT "/certificate/$serial/revoke" '{"skip_approval":true}') $(error PUT "/certificate/$serial/revoke" '{"skip_approval":true}')"
equal "or the whole order is revoked" "204 revoked" "$(code PUT "/order/certificate/$o/revoke" '{"skip_approval":true}') $(get "/order/certificate/$o" | jq -r .status)"
equal "once" order_already_revoked "$(error PUT "/order/certificate/$o/revoke" '{"skip_approval":true}')"
control POST /settings '{"last_revoked_ends_order":true}'
o=$(order '{"common_name":"last.example.com"}')
send PUT "/certificate/$(state "$o" .info.certificate.id)/revoke" '{"skip_approval":true}'
equal "an account may end the order with its only certificate" revoked "$(get "/order/certificate/$o" | jq -r .status)"

control POST /settings '{"last_revoked_ends_order":false}'
o=$(order '{"common_name":"mass.example.com"}')
control PATCH "/orders/$o" '{"revoke_at":"2026-04-02T06:00:00Z"}' >/dev/null
at 2026-04-02T06:00:00
equal "DigiCert may announce a revocation and carry it out" "2026-04-02T06:00:00+00:00 revoked issued" "$(state "$o" '"\(.certificates[0].revoked_at) \(.info.certificate.status) \(.status)"')"
at 2026-04-01T10:00:00

# ---- auto-reissue ----
equal "only plans of several certificates have it" invalid_value:auto_reissue "$(error PUT /order/certificate/125/auto-reissue '{"auto_reissue":1}')"
o=$(order '{"common_name":"auto.example.com","is_multi_year_plan":"1","order_valid_till":"2028-03-01","switches":{"dcv":"valid"}}')
equal "it can be switched on" "204 1" "$(code PUT "/order/certificate/$o/auto-reissue" '{"auto_reissue":1}') $(get "/order/certificate/$o" | jq .auto_reissue)"
first=$(state "$o" .info.certificate.id)
at 2026-09-16T12:00:00
equal "30 days before the end" "$first" "$(get "/order/certificate/$o" | jq .certificate.id)"
at 2026-09-18T12:00:00
equal "DigiCert reissues with the old CSR" true "$(state "$o" '(.certificates | length == 2) and .certificates[0].spki_sha256 == .certificates[1].spki_sha256')"
at 2026-04-01T10:00:00
act 123 auto_reissue
equal "and so does the control API" "Auto-reissue" "$(get /order/certificate/123 | jq -r '.requests[-1].comments')"

# ---- new orders ----
new=$(body new.example.com '{}' '{"skip_approval":true,"organization":{"id":112200},"alternative_order_id":"ref-1","disable_ct":true,"comments":"buy"}')
reply=$(send POST /order/certificate/ssl_basic "$new")
o=$(jq .id <<<"$reply")
equal "a new order is issued at once" "issued true ref-1 0" "$(get "/order/certificate/$o" | jq -r '"\(.status) \(.disable_ct) \(.alternative_order_id)"') $(jq -r '.certificate_chain[0].pem' <<<"$reply" | openssl x509 -noout -text | grep -c 'Signed Certificate')"
check "the same again is another order" test "$(send POST /order/certificate/ssl_basic "$new" | jq .id)" != "$o"
equal "both have the reference" 2 "$(get /order/alternate/ref-1 | jq '.orders | length')"
equal "a year when nothing is said" "2027-03-31 1" "$(get "/order/certificate/$o" | jq -r '"\(.order_valid_till) \(.is_multi_year_plan)"')"
equal "a product that is not known" 'not_found|product' "$(error POST /order/certificate/ssl_golden "$new")"
equal "OV needs its organization" missing_value:organization "$(error POST /order/certificate/ssl_basic "$(body new.example.com)")"
equal "over three years" invalid_value:validity_years "$(error POST /order/certificate/ssl_basic "$(jq -c '. + {order_validity:{years:4}}' <<<"$new")")"
equal "in days" invalid_value:validity_days "$(error POST /order/certificate/ssl_basic "$(jq -c '. + {validity_days:1096}' <<<"$new")")"
equal "to a date" invalid_value:custom_expiration_date "$(error POST /order/certificate/ssl_basic "$(jq -c '. + {custom_expiration_date:"2030-01-01",validity_days:30}' <<<"$new")")"
reply=$(send POST /order/certificate/ssl_dv_geotrust_flex "$(body dv2.example.com)")
equal "DV gets token and domains" "dv2.example.com pending" "$(jq -r '.domains[0] | "\(.dns_name) \(.dcv_token.status)"' <<<"$reply")"
equal "and is pending, with a certificate id" "pending $(jq .certificate_id <<<"$reply")" "$(get "/order/certificate/$(jq .id <<<"$reply")" | jq -r '"\(.status) \(.certificate.id)"')"
reply=$(send POST /order/certificate/ssl_basic "$(jq -c 'del(.skip_approval)' <<<"$new")")
equal "without skip_approval it needs approval" "pending needs_approval null" "$(jq -r '.requests[0].status' <<<"$reply") $(get "/order/certificate/$(jq .id <<<"$reply")" | jq -r '"\(.status) \(.certificate.id)"')"
send PUT "/request/$(jq '.requests[0].id' <<<"$reply")/status" '{"status":"approved"}'
equal "and is issued by it" issued "$(get "/order/certificate/$(jq .id <<<"$reply")" | jq -r .status)"
renew=$(jq -c --argjson o "$o" '. + {renewal_of_order_id:$o}' <<<"$new")
next=$(send POST /order/certificate/ssl_basic "$renew" | jq .id)
equal "a renewal and its predecessor know each other" "true true $next" "$(get "/order/certificate/$next" | jq -r .is_renewal) $(get "/order/certificate/$o" | jq -r '"\(.is_renewed) \(.renewed_order_id)"')"
equal "what was left goes over" 2028-03-30 "$(get "/order/certificate/$next" | jq -r .order_valid_till)"
equal "once" order_renewed_already "$(error POST /order/certificate/ssl_basic "$renew")"
equal "not of what was never issued" order_not_eligible_for_renewal "$(error POST /order/certificate/ssl_basic "$(jq -c '. + {renewal_of_order_id:152}' <<<"$new")")"

# ---- keys by role ----
for role in 100:201:403 101:201:200 102:403:200 103:403:403; do
    IFS=: read -r r change domains <<<"$role"
    key=$(control POST /keys "{\"role\":$r}" | jq -r .key)
    equal "a key of role $r" "$change $domains" "$(KEY=$key code POST /order/certificate/124/reissue "$(body rsa.example.com)") $(KEY=$key code GET /domain)"
done
equal "a refused key says why" 'access_denied|missing_permission' "$(KEY=$(control POST /keys '{"role":102}' | jq -r .key) error POST /order/certificate/124/reissue "$(body rsa.example.com)")"

# ---- the documented orders of this kind ----
equal "180 wants an approver" '["id","requests"]' "$(send POST /order/certificate/180/reissue "$(body approver.example.com)" | jq -c keys)"
send POST /order/certificate/181/reissue "$(body polls.example.com)" >/dev/null
equal "181 is issued at the third look" "reissue_pending reissue_pending issued" "$(for _ in 1 2 3; do get /order/certificate/181 | jq -r .status; done | paste -sd' ')"
equal "182 has to be validated" true "$(send POST /order/certificate/182/reissue "$(body lapsed.example.com)" | jq 'has("dcv_random_value")')"
equal "183 answers without an id" '["id","requests"]' "$(send POST /order/certificate/183/reissue "$(body requestonly.example.com)" | jq -c keys)"
equal "184 ends in 40 days, its certificate in 29" "2026-05-10 2026-04-29" "$(state 184 '.info | "\(.order_valid_till) \(.certificate.valid_till)"')"
equal "185 reissues itself" "1 1" "$(state 185 '.info | "\(.auto_reissue) \(.is_multi_year_plan)"')"
equal "186 waits for staff" reissue_pending "$(send POST /order/certificate/186/reissue "$(body staff.example.com)" >/dev/null; get /order/certificate/186 | jq -r .status)"
equal "187 is due" 2026-05-29 "$(state 187 .info.certificate.valid_till)"
equal "188 has two duplicates" 2 "$(get /order/certificate/188/duplicate | jq '.certificates | length')"
equal "189 is logged against its order" "true true" "$(state 189 '"\(.info.disable_ct) \(.certificates[0].logged)"')"

# ---- what changes is told, and kept ----
equal "status changes tell of it" true "$(get '/order/certificate/status-changes?seconds=60' | jq ".orders | any(.order_id == $next)")"
control POST /orders '{"count":1000,"first_id":5000000}' >/dev/null
equal "a bulk order can be reissued" true "$(send POST /order/certificate/5000007/reissue "$(body h5000007.bulk.example)" | jq 'has("certificate_chain")')"
waiting=$(send POST /order/certificate/5000008/reissue "$(body h5000008.bulk.example '{}' '{}')" | jq '.requests[0].id')
control GET /orders/123 >"$T/before.json"
counts=$(control GET /counts)
kill -9 "$SB_pid"
wait "$SB_pid" 2>/dev/null
printf '{"next_id":1,"order":{"id":5000' >>"$T/sandbox/state.jsonl" # a line that power loss cut off
start_sandbox --no-rate-limit
control GET /orders/123 >"$T/after.json"
check "killed and started again it knows all of it" diff "$T/before.json" "$T/after.json"
equal "and counts the same" "$counts" "$(control GET /counts)"
equal "the clock stands where it stood" 1775037600 "$(control GET /clock | jq .now)"
equal "a request goes on" "204 issued" "$(code PUT "/request/$waiting/status" '{"status":"approved"}') $(get /order/certificate/5000008 | jq -r .status)"
equal "the new intermediate still issues" "Sandbox TLS 2026 CA2" "$(state 5000008 '.certificates[-1].ca')"
done_testing
