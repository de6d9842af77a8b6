#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reissue.sh - new certificates under an order: on load, by sync, by verb; pending, refused, lost and
# wrong answers; crowds. The simulator's request log counts what was asked.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

O=digicert://order
start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@"; }
posts() { # [ORDER]: POSTs that ask for a certificate
    control GET "/requests?method=POST" | jq --arg id "${1:-[0-9]+}" '[.[] | select(.path | test("/\($id)/(reissue|duplicate)$"))] | length'
}
shown() { store show --json "order/$1" | jq -r "$2"; }
sb_order() { control GET "/orders/$1" | jq -r "$2"; }
order() { control POST /orders "$1" | jq .id; }
# The pair in `current` fits, and openssl takes it.
pair_fits() {
    local dir=$T/state/orders/$1/current key
    key=$(openssl pkey -in "$dir/privkey.pem" -pubout) &&
        [ "$key" = "$(openssl x509 -in "$dir/cert.pem" -pubkey -noout)" ]
}
auto() { printf '[order/%s]\nreissue = auto\n' "$@"; }

# ---- on load, when there is no pair ----
configure "$(auto 125)"
forget_requests
equal "an auto order without a key here gets a pair on its first load" "Certificate Certificate Pkey" \
    "$(kinds "$O/125" | xargs)"
equal "with one POST" 1 "$(posts)"
check "the pair fits" pair_fits 125
equal "the CA holds the key that is here" \
    "$(openssl pkey -in "$T/state/orders/125/current/privkey.pem" -pubout -outform DER | sha256sum | cut -c1-64 | tr a-f A-F)" \
    "$(sb_order 125 '[.certificates[] | select(.kind == "reissue")] | last.spki_sha256')"
equal "the request carried the complete name set" "$(sb_order 125 '.info.certificate.dns_names | join(",")')" \
    "$(control GET '/requests?method=POST' | jq -r '.[-1].dns_names | join(",")')"
forget_requests
equal "the next load asks nobody" "Certificate Certificate Pkey" "$(kinds "$O/125" | xargs)"
equal "not once" 0 "$(control GET /requests | jq length)"
store sync >/dev/null
equal "nor does sync reissue what is fresh" 0 "$(posts)"

# ---- an order that is not auto is never reissued by itself ----
fresh_state
configure
forget_requests
storeutl "$O/126" >/dev/null 2>&1
store sync >/dev/null
equal "without reissue = auto nothing is asked for" 0 "$(posts)"

# ---- by verb ----
check "a person's reissue brings a pair" store reissue order/126
check "which fits" pair_fits 126
equal "with one POST" 1 "$(posts)"
check "asked again within a minute it says that it has one" bash -c "'$DIGICERT_STORE' reissue order/126 | grep -q already"
equal "and asks for none" 1 "$(posts)"
check "--again asks for another" store reissue --again order/126
equal "which is a second POST" 2 "$(posts)"
equal "the generation before stays" 2 "$(find "$T/state/orders/126" -path '*gen-*' -name privkey.pem | wc -l)"
check "a duplicate brings a further copy" store duplicate --again order/126
equal "by the CA's duplicate call" 1 "$(requests 'POST .*/duplicate')"

# ---- preview ----
forget_requests
store reissue --dry-run --json order/126 >"$T/preview"
equal "a preview changes nothing" 0 "$(posts)"
equal "and tells what would be" reissue "$(jq -r .plan.action "$T/preview")"
equal "that nothing is revoked" nothing "$(jq -r .revokes "$T/preview")"
check "until when the new one would be valid" jq -e '.plan.expected_not_after' "$T/preview"

# ---- due, urgent ----
fresh_state
control POST /orders '{"id":700,"common_name":"due.example.com","dns_names":["due.example.com"],"age_days":140,"order_days":1000,"switches":{"dcv":"valid"}}' >/dev/null
configure "$(auto 700)"
import_key 700
forget_requests
equal "a certificate of 140 days is due" due "$(shown 700 .current.stage)"
storeutl "$O/700" >/dev/null 2>&1
equal "a load of what is merely due asks nothing" 0 "$(control GET /requests | jq length)"
check "sync reissues it" store sync
equal "with one POST" 1 "$(posts)"
equal "it is fresh now" fresh "$(shown 700 .current.stage)"
check "and a pair" pair_fits 700
check "a second sync asks for none" store sync
equal "no second POST" 1 "$(posts)"

# ---- pending ----
fresh_state
configure 'load_deadline = 4s' "$(auto 180 181 182 183 186)"
forget_requests
check_fails "a request that needs approval is pending" 5 'approval' store reissue --timeout 1 order/180
equal "one POST" 1 "$(posts 180)"
check_fails "a load says so, too" 1 'approval' openssl x509 "${P[@]}" -in "$O/180" -noout
store sync >/dev/null 2>&1
equal "and none of it asks again" 1 "$(posts 180)"
equal "status shows what is waited for" 1 "$(store status --json | jq '[.orders[] | select(.request.waits_for // "" | test("approval"))] | length')"
control POST /orders/180/actions '{"do":"approve"}' >/dev/null
check "after the approval wait brings the certificate" store wait --timeout 20 order/180
check "for the key that waited" pair_fits 180
equal "by the one POST" 1 "$(posts 180)"
check "issued at the third reading: reissue waits" store reissue --timeout 30 order/181
check "and has it" pair_fits 181
check "a request answered without certificate id is joined by its key" store reissue --timeout 30 order/183
check "the pair fits" pair_fits 183
check_fails "open domain validation is pending, with its token" 5 'validation' store reissue --timeout 1 order/182
check "whose value is shown" store show --json order/182
control POST /orders/182/actions '{"do":"validate"}' >/dev/null
check "and goes on when it is done" store wait --timeout 20 order/182

# ---- order info that names the certificate to come ----
fresh_state
configure "$(auto 181)" "$(printf '[order/180]\nreissue = never\n')"
control POST /settings '{"pending_shows_new":true}' >/dev/null
check "a reissue is joined though order info names its certificate before it is issued" store reissue --again --timeout 30 order/181
check "the pair fits" pair_fits 181
control POST /orders '{"id":709,"common_name":"early.example.com","dns_names":["early.example.com"],"switches":{"approval":"always"}}' >/dev/null
store reissue --timeout 1 order/709 >/dev/null 2>&1
rm -rf "$T/state/orders/709"
equal "who has nothing takes the certificate from before by its order" "Certificate Certificate" "$(kinds "$O/709?type=chain" | xargs)"
control POST /settings '{"pending_shows_new":false}' >/dev/null

# ---- rejected, refused ----
fresh_state
configure 'load_deadline = 2s' "$(auto 180)"
forget_requests
store reissue --timeout 1 order/180 >/dev/null 2>&1
control POST /orders/180/actions '{"do":"reject","comment":"not this month"}' >/dev/null
check_fails "a rejection is told in the processor's words" 8 'not this month' store wait --timeout 3 order/180
equal "the key is kept" 1 "$(find "$T/state/orders/180" -name closed.json -execdir test -e privkey.pem \; -print | wc -l)"
store sync >/dev/null 2>&1
store sync >/dev/null 2>&1
equal "and nothing is asked for again with the same input" 1 "$(posts)"

# ---- lost answers ----
fresh_state
configure 'load_deadline = 4s'
control POST /orders '{"id":701,"common_name":"lost.example.com","dns_names":["lost.example.com"],"key_elsewhere":true,"switches":{"dcv":"valid"}}' >/dev/null
forget_requests
fault '{"match":"POST /order/certificate/701/reissue","cut":"after"}' >/dev/null
store reissue --timeout 20 order/701 >"$T/lost" 2>&1
equal "a lost answer is looked for and found" 0 $?
check "its certificate is here with its key" pair_fits 701
equal "by one POST" 1 "$(posts)"
control POST /orders '{"id":702,"common_name":"never.example.com","dns_names":["never.example.com"],"key_elsewhere":true,"switches":{"dcv":"valid"}}' >/dev/null
forget_requests
fault '{"match":"POST /order/certificate/702/reissue","cut":"before"}' >/dev/null
check_fails "a POST that had no effect is not repeated on a guess" 5 'did not answer' store reissue --timeout 4 order/702
equal "still one POST" 1 "$(posts)"

# A CA whose order info names the certificate from before, whose lists keep the CSR to themselves and
# which shows no comments: the certificate tells.
new_order() { control POST /orders "{\"id\":$1,\"common_name\":\"o$1.example.com\",\"dns_names\":[\"o$1.example.com\"],\"key_elsewhere\":true,\"switches\":{\"dcv\":\"valid\"}}" >/dev/null; }
body_fault() { # MATCH TIMES STATUS BODY
    fault "$(jq -n --arg match "$1" --argjson times "$2" --argjson status "$3" --arg body "$4" '{match: $match, times: $times, status: $status, body: $body}')" >/dev/null
}
new_order 720
info=$(sb_order 720 '.info')
forget_requests
fault '{"match":"POST /order/certificate/720/reissue","cut":"after"}' >/dev/null
store reissue --timeout 1 order/720 >/dev/null 2>&1
new=$(sb_order 720 '[.certificates[] | select(.kind == "reissue")] | last.id')
body_fault "GET /order/certificate/720/reissue" 100 200 "{\"certificates\":[{\"id\":$new,\"status\":\"issued\"}]}"
body_fault "GET /order/certificate/720/duplicate*" 100 200 '{}'
body_fault "GET /order/certificate/720" 100 200 "$(jq 'del(.requests)' <<<"$info")"
check "a lost answer is found by the certificate where the list shows no CSR" store wait --timeout 20 order/720
check "for the key that waited" pair_fits 720
equal "by one POST" 1 "$(posts 720)"
control DELETE /faults
new_order 721
body_fault "POST /order/certificate/721/reissue" 1 201 '{"id":999,"certificate_id":77777,"requests":[{"id":5}]}'
store reissue --timeout 1 order/721 >/dev/null 2>&1
equal "an answer about another order is none" null "$(shown 721 .request.certificate_id)"

# Order info that names no certificate while the request is out.
new_order 722
info=$(sb_order 722 '.info')
forget_requests
fault '{"match":"POST /order/certificate/722/reissue","cut":"after"}' >/dev/null
store reissue --timeout 1 order/722 >/dev/null 2>&1
body_fault "GET /order/certificate/72[2]" 100 200 "$(jq 'del(.certificate.id) | .status = "pending"' <<<"$info")"
check "a request is gone on with when order info names no certificate" store wait --timeout 20 order/722
check "the pair fits" pair_fits 722
equal "by one POST" 1 "$(posts 722)"
control DELETE /faults

# Long denied: who only loads or waits repeats nothing, a person's reissue does.
new_order 723
later() { # ORDER: as if ten minutes had passed since the POST
    local file
    file=$(find "$T/state/orders/$1" -name request.json)
    jq '.posted_at -= 2000 | .first_look_at -= 1000 | .last_look_at -= 1000 | .next_look_at = 0' "$file" >"$T/later" &&
        cat "$T/later" >"$file"
}
forget_requests
fault '{"match":"POST /order/certificate/723/reissue","cut":"before"}' >/dev/null
store reissue --timeout 4 order/723 >/dev/null 2>&1
for verb in 'get' 'show --refresh' 'wait --timeout 1'; do
    later 723
    # shellcheck disable=SC2086
    store $verb order/723 >/dev/null 2>&1
    equal "$verb does not repeat a POST" 1 "$(posts 723)"
done
later 723
check "reissue does when the CA denied it for ten minutes" store reissue --timeout 20 order/723
equal "with a second POST" 2 "$(posts 723)"
check "for the same key" pair_fits 723

# ---- killed between the commit and the switch of `current` ----
fresh_state
control POST /orders '{"id":705,"common_name":"switch.example.com","dns_names":["switch.example.com"],"switches":{"dcv":"valid"}}' >/dev/null
configure "$(auto 705)"
import_key 705
check "a reissue" store reissue order/705
forget_requests
ln -sfn gen-0001 "$T/state/orders/705/current"
check "of which the switch was lost" store reissue order/705
equal "is the one that a person asks for again" gen-0002 "$(readlink "$T/state/orders/705/current")"
equal "no second POST" 0 "$(posts)"
control POST /orders '{"id":706,"common_name":"first.example.com","dns_names":["first.example.com"],"key_elsewhere":true,"switches":{"dcv":"valid"}}' >/dev/null
configure "$(auto 706)"
equal "a first load makes a certificate without key, then a pair" "gen-0001 gen-0002" \
    "$(storeutl "$O/706" >/dev/null 2>&1; cd "$T/state/orders/706" && echo gen-*)"
ln -sfn gen-0001 "$T/state/orders/706/current"
rm "$T/state/orders/706/order.json"
forget_requests
equal "without switch and order.json, which has no fsync, the next load finds the pair" "Certificate Certificate Pkey" \
    "$(kinds "$O/706" | xargs)"
equal "and asks for no other" 0 "$(posts)"

# ---- a wrong certificate for an id ----
control POST /orders '{"id":703,"common_name":"wrong.example.com","dns_names":["wrong.example.com"],"switches":{"dcv":"valid"}}' >/dev/null
configure
import_key 703
before=$(openssl x509 -in "$T/state/orders/703/current/cert.pem" -noout -serial)
forget_requests
fault '{"match":"GET /certificate/","wrong_certificate":123,"times":3}' >/dev/null
check_fails "another certificate than asked for is set aside" 8 'set aside' store reissue --timeout 1 order/703
equal "what was served is served" "$before" "$(openssl x509 "${P[@]}" -in "$O/703" -noout -serial)"
control DELETE /faults
sleep 3
check "and the right one is taken later" store wait --timeout 20 order/703
equal "by the one POST" 1 "$(posts)"
check "a new certificate" test "$before" != "$(openssl x509 -in "$T/state/orders/703/current/cert.pem" -noout -serial)"

# ---- names ----
control POST /orders '{"id":704,"common_name":"a.names.example","dns_names":["a.names.example","b.names.example"],"switches":{"dcv":"valid"}}' >/dev/null
import_key 704
control PATCH /orders/704 '{"certificate":{"dns_names":["a.names.example"]}}' >/dev/null
forget_requests
check_fails "a name that order info lost is not given up" 8 'b.names.example' store reissue order/704
equal "no POST" 0 "$(posts)"
body_fault "GET /order/certificate/704" 1 200 "$(sb_order 704 '.info | del(.certificate.serial_number)')"
check_fails "nor where order info gives no serial number" 8 'b.names.example' store reissue order/704
equal "a preview names what would be revoked" 'b.names.example' "$(store reissue --dry-run --json order/704 | jq -r .names_lost)"
check "a person may go on" store reissue --allow-san-change order/704
equal "with one POST" 1 "$(posts)"

# ---- CT ----
# Whose certificate agrees already: only the order's setting changes, and it is known here at once.
fresh_state
configure
control POST /orders '{"id":729,"common_name":"ctknown.example.com","switches":{"dcv":"valid"}}' >/dev/null
import_key 729
control PATCH /orders/729 '{"disable_ct":true}' >/dev/null
store show --refresh order/729 >/dev/null
forget_requests
check "ct logged where the certificate was logged all along" store ct order/729 logged
equal "reissues nothing" 0 "$(posts 729)"
equal "and knows the order's setting then" false "$(shown 729 .order.disable_ct)"
fresh_state
configure "$(auto 189)"
import_key 189
forget_requests
equal "a logged certificate under disable_ct is out of step" drift_logged "$(shown 189 .plan.ct.state)"
check "sync reissues it" store sync
equal "with one POST" 1 "$(posts)"
equal "it is in step now" in_step "$(shown 189 .plan.ct.state)"
equal "without SCTs" 0 "$(store ct --json order/189 | jq '.scts | length')"
control POST /settings '{"ct_off":false,"per_request_ct":true}' >/dev/null
check "ct logged switches the order and reissues at once" store ct order/189 logged
equal "the order logs" false "$(sb_order 189 .info.disable_ct)"
equal "the certificate has SCTs" true "$(store ct --json order/189 | jq '.scts | length >= 2')"
equal "by one more POST" 2 "$(posts)"
check "a second time it has nothing to do" bash -c "'$DIGICERT_STORE' ct order/189 logged | grep -q already"
equal "no POST" 2 "$(posts)"
check_fails "CT off for the account is told in the CA's words" 8 'turned off|turned_off' bash -c "
    curl -sS --cacert '$SB_ca' -d '{\"ct_off\":true}' '$SB_control/settings' >/dev/null; '$DIGICERT_STORE' ct order/189 unlogged"
control POST /settings '{"ct_off":false}' >/dev/null

# ---- a CA that gives other lifetimes than what is built in ----
control POST /settings '{"max_days":[{"from":"2020-01-01","days":250}]}' >/dev/null
control POST /orders '{"id":790,"common_name":"long.example.com","switches":{"dcv":"valid"}}' >/dev/null
control POST /orders '{"id":791,"common_name":"longer.example.com","validity_days":250,"switches":{"dcv":"valid"}}' >/dev/null
check_fails "a certificate over the built-in maximum is set aside" 8 '250 days; 200 are allowed' store get order/791
configure 'tls_limit = 2026-03-15:251:250'
check "tls_limit lets it in" store get order/791
check "by its own id, too" store get "certificate/$(sb_order 791 .info.certificate.id)"
check "and a reissued one" store reissue order/790
check "whose pair fits" pair_fits 790
control POST /settings '{"max_days":null}' >/dev/null
configure

# CT is off for the account: what comes is not logged, whatever asked for it.
control POST /settings '{"ct_off":true}' >/dev/null
control POST /orders '{"id":726,"common_name":"ctoff.example.com","dns_names":["ctoff.example.com"],"ct_drift":true,"switches":{"dcv":"valid"}}' >/dev/null
configure "$(auto 726)"
import_key 726
control PATCH /orders/726 '{"disable_ct":false}' >/dev/null
forget_requests
store sync >/dev/null
store reissue --again order/726 >/dev/null
before=$(posts 726)
store sync >/dev/null
equal "a drift that a reissue did not cure is not answered again after another cause's" "$before" "$(posts 726)"
control POST /settings '{"ct_off":false}' >/dev/null

new_order 724
configure "$(auto 724)" 'via = duplicate'
control POST /settings '{"ct_off":false,"per_request_ct":true}' >/dev/null
forget_requests
check "ct switches where via = duplicate, too" store ct order/724 unlogged
equal "by a reissue: a duplicate cannot change it" 1 "$(requests 'POST .*/724/reissue')"
equal "the certificate has no SCTs" 0 "$(store ct --json order/724 | jq '.scts | length')"

# What was asked for before the switch comes as the order was then: that is no answer.
new_order 727
forget_requests
fault '{"match":"POST /order/certificate/727/reissue","cut":"after"}' >/dev/null
store reissue --timeout 1 order/727 >/dev/null 2>&1
check "ct switches while an older request is out" store ct order/727 unlogged
equal "and reissues once more" 2 "$(posts 727)"
equal "so that the certificate has no SCTs" 0 "$(store ct --json order/727 | jq '.scts | length')"

# ---- revoked, and revoked again ----
new_order 728
configure "$(auto 728)"
check "a first pair" store sync
control PATCH /orders/728 '{"revoke":true}' >/dev/null
store show --refresh order/728 >/dev/null
check "a revoked certificate is replaced" store sync
equal "by the second" 2 "$(posts 728)"
control PATCH /orders/728 '{"revoke":true}' >/dev/null
fault '{"match":"POST /order/certificate/728/reissue","status":503,"html":true,"times":9}' >/dev/null
store show --refresh order/728 >/dev/null
store sync >/dev/null 2>&1
equal "when the next one is revoked, too, the first one does not come back" revoked "$(shown 728 .current.stage)"
equal "it is the newer one that is served" gen-0003 "$(readlink "$T/state/orders/728/current")"
control DELETE /faults

# ---- a renewed order ----
fresh_state
configure
store show --refresh order/160 >"$T/shown"
check "show proposes the renewal that the CA names" grep -q 'successor = 161' "$T/shown"
configure "$(printf '[order/160]\nsuccessor = 161\n')"
import_key 160
equal "before the renewal has a pair the old order serves" "$(openssl x509 -in "$T/state/orders/160/gen-0001/cert.pem" -noout -serial)" \
    "$(openssl x509 "${P[@]}" -in "$O/160" -noout -serial)"
import_key 161
equal "then the renewal serves under the old number" "$(openssl x509 -in "$T/state/orders/161/current/cert.pem" -noout -serial)" \
    "$(openssl x509 "${P[@]}" -in "$O/160" -noout -serial)"
equal "with its key" "$(openssl pkey "${P[@]}" -in "$O/161" -pubout)" "$(openssl pkey "${P[@]}" -in "$O/160" -pubout)"
forget_requests
check_fails "and the old order is never reissued again" 8 'successor' store reissue order/160
equal "not once" 0 "$(posts)"
check "a reissue of the renewal" store reissue order/161
equal "is served under the old number" "$(openssl x509 -in "$T/state/orders/161/current/cert.pem" -noout -serial)" \
    "$(openssl x509 "${P[@]}" -in "$O/160" -noout -serial)"

control POST /orders '{"id":729,"common_name":"o730.example.com","dns_names":["o730.example.com"],"is_renewed":true}' >/dev/null
new_order 730
fresh_state
configure "$(printf '[order/729]\nreissue = auto\nsuccessor = 730\n')"
import_key 729
forget_requests
check "a renewal that only its predecessor's section names is synced" store sync
equal "it gets a pair of its own" 1 "$(posts 730)"
equal "the order before it none" 0 "$(posts 729)"
equal "and serves under the old number" ../730/gen-0002 "$(readlink "$T/state/orders/729/current")"
check "which fits" pair_fits 729

# ---- crowds ----
for many in 2 16 256; do
    id=$((800 + many))
    control POST /orders "{\"id\":$id,\"common_name\":\"c$many.example.com\",\"dns_names\":[\"c$many.example.com\"],\"switches\":{\"dcv\":\"valid\"}}" >/dev/null
    import_key $id
    forget_requests
    crowd=()
    for ((i = 0; i < many; i++)); do
        store reissue --timeout 60 "order/$id" >/dev/null 2>"$T/crowd.$i" &
        crowd+=($!)
    done
    failed=0
    for pid in "${crowd[@]}"; do wait "$pid" || failed=$((failed + 1)); done
    equal "$many processes that reissue one order at once all succeed" 0 $failed
    equal "with one POST" 1 "$(posts)"
done
done_testing
