#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lists.sh - what order info does not tell: a pair of ours that is not the order's newest certificate is
# revoked, or will be; a key whose request was closed gets its certificate after all.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@"; }
send() { curl -sS --max-time 20 --cacert "$SB_ca" -H "X-DC-DEVKEY: $SB_key" -H 'Content-Type: application/json' -X "$1" ${3:+-d "$3"} "$SB_url$2"; }
shown() { store show --json "order/$1" | jq -r "$2"; }
lists() { requests 'GET .*/(reissue|duplicate)(\?|$)'; }
posts() { requests "POST .*/$1/(reissue|duplicate)\$"; }
serial() { openssl x509 -in "$T/state/orders/$1/current/cert.pem" -noout -serial | sed 's/serial=0*//'; }
# As if that many seconds had passed since the last look.
age() { # ORDER SECONDS
    local file=$T/state/orders/$1/memo.json
    jq --argjson s "$2" '.read_at -= $s | .next_try -= $s | .attempt_at -= $s | if .lists_at then .lists_at -= $s else . end' "$file" >"$T/memo" &&
        cat "$T/memo" >"$file"
}
new_order() { # ORDER [MEMBERS]
    control POST /orders "{\"id\":$1,\"common_name\":\"o$1.example.com\",\"dns_names\":[\"o$1.example.com\",\"b$1.example.com\"],\"order_days\":1000,\"switches\":{\"dcv\":\"valid\"}${2:+,$2}}" >/dev/null
}
foreign_csr() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/foreign.key" -subj /CN=x -out "$T/foreign.csr" 2>/dev/null
    cat "$T/foreign.csr"
}
# Another host reissues, with those names.
elsewhere() { # ORDER NAMES
    send POST "/order/certificate/$1/reissue" "$(jq -cn --arg csr "$(foreign_csr)" --arg names "$2" \
        '{certificate: {common_name: ($names / ",")[0], dns_names: ($names / ","), csr: $csr}, skip_approval: true}')" >/dev/null
}

# ---- revoked ----
new_order 301
configure "$(printf '[order/301]\nreissue = auto\n')"
import_key 301
forget_requests
age 301 30000
store sync >/dev/null
equal "while our pair is the order's newest, order info tells all" 0 "$(lists)"
elsewhere 301 o301.example.com,b301.example.com
first=$(serial 301)
forget_requests
age 301 30000
check "another host's reissue is no reason for one here" store sync
equal "not one POST" 0 "$(posts 301)"
check "but the lists are read" test "$(lists)" -ge 1
forget_requests
store sync >/dev/null
age 301 3600
store sync >/dev/null
equal "not more than once in six hours" 0 "$(lists)"
id=$(control GET /orders/301 | jq -r --arg s "$first" '.certificates[] | select(.serial | ltrimstr("0") == $s) | .id')
send PUT "/certificate/$id/revoke" '{"skip_approval":true,"revocation_reason":"superseded"}' >/dev/null
equal "order info is silent about the revocation of our pair" issued "$(send GET /order/certificate/301 | jq -r .status)"
age 301 30000
forget_requests
check "sync finds it in the lists" store sync
equal "and replaces the pair" 1 "$(posts 301)"
check "which current names now" test "$first" != "$(serial 301)"
equal "fresh" fresh "$(shown 301 .current.stage)"
check "the first is known to be revoked" grep -qi "$first" "$T/state/orders/301/memo.json"
age 301 30000
forget_requests
store sync >/dev/null
equal "and nothing more is asked for" "0 0" "$(posts 301) $(lists)"

# Where nothing may be reissued it is served no more, and a person is told.
new_order 302
configure "$(printf '[order/302]\nserve_expired = no\n')"
import_key 302
elsewhere 302 o302.example.com,b302.example.com
send PUT "/certificate/$(control GET /orders/302 | jq '.certificates[0].id')/revoke" '{"skip_approval":true}' >/dev/null
store show --refresh order/302 >"$T/shown"
check "show --refresh tells a revocation, too" grep -q 'stage *revoked' "$T/shown"
check_fails "a load refuses it then" 1 'revoked' openssl x509 "${P[@]}" -in digicert://order/302 -noout

# ---- to be revoked ----
new_order 303
configure "$(printf '[order/303]\nreissue = auto\n')"
import_key 303
first=$(serial 303)
elsewhere 303 o303.example.com
age 303 30000
forget_requests
check "a pair that the CA will revoke within 72 hours" store sync
equal "is replaced before" 1 "$(posts 303)"
check "in time" test "$first" != "$(serial 303)"
equal "for that reason" revoked "$(jq -r .cause "$T"/state/orders/303/gen-0002/request.json)"

# ---- a key whose request was closed ----
control POST /orders '{"id":304,"common_name":"o304.example.com","key_elsewhere":true,"order_days":1000,"switches":{"approval":"always","dcv":"valid"}}' >/dev/null
configure "$(printf '[order/304]\n')"
check_fails "a duplicate waits for approval" 5 approval store duplicate --timeout 1 order/304
gen=$(dirname "$(find "$T/state/orders/304" -name request.json)")
printf '{"closed_at":%s,"code":"refused","reason":"rejected by mistake"}' "$(date +%s)" >"$gen/closed.json"
chmod 600 "$gen/closed.json"
age 304 100000
forget_requests
store sync >/dev/null 2>&1
check "closed keys are looked for in the lists" test "$(lists)" -ge 1
equal "and not found while nothing came" 0 "$(find "$T/state/orders/304/current/" -name privkey.pem | wc -l)"
control POST /orders/304/actions '{"do":"approve"}' >/dev/null
age 304 30000
forget_requests
store sync >/dev/null 2>&1
equal "once a day" 0 "$(lists)"
age 304 100000
check "what came for one is found" store sync
key=$(openssl pkey -in "$T/state/orders/304/current/privkey.pem" -pubout 2>/dev/null)
equal "and served with its key" "$key" "$(openssl x509 -in "$T/state/orders/304/current/cert.pem" -noout -pubkey)"
check "which is the one that was kept" cmp -s "$gen/privkey.pem" "$T/state/orders/304/current/privkey.pem"
equal "without a POST" 0 "$(posts 304)"
age 304 100000
n304=$(find "$T/state/orders/304" -name cert.pem | wc -l)
store sync >/dev/null
equal "it is taken in once" "$n304" "$(find "$T/state/orders/304" -name cert.pem | wc -l)"
done_testing
