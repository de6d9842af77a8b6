#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reissue-again.sh - a POST that the CA denies for ten minutes to know is decided on anew before it is
# sent again: still wanted, not wanted any more, not allowed any more.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@"; }
posts() { # ORDER: POSTs that ask for a certificate
    control GET "/requests?method=POST" | jq --arg id "$1" '[.[] | select(.path | test("/\($id)/(reissue|duplicate)$"))] | length'
}
auto() { printf '[order/%s]\nreissue = auto\n' "$@"; }
new_order() { # ORDER [MEMBERS]
    control POST /orders "{\"id\":$1,\"common_name\":\"o$1.example.com\",\"dns_names\":[\"o$1.example.com\",\"b$1.example.com\"],\"switches\":{\"dcv\":\"valid\"}${2:+,$2}}" >/dev/null
}
# The POST of that order is lost before it has an effect, and denied for over ten minutes since.
lose() { # ORDER COMMAND...
    local id=$1 file
    shift
    fault "{\"match\":\"POST /order/certificate/$id/*\",\"cut\":\"before\"}" >/dev/null
    "$@" >/dev/null 2>&1
    file=$(find "$T/state/orders/$id" -name request.json)
    jq '.posted_at -= 2000 | .looks = 1 | .first_look_at = .posted_at + 60 | .last_look_at = .first_look_at | .next_look_at = 0' \
        "$file" >"$T/later" && cat "$T/later" >"$file"
}
# As if time had passed since the failure: the next sync asks.
forgive() { rm -f "$T/state/orders/$1/memo.json" "$T/state"/service-* "$T/state"/away-*; }
closed() { cat "$T/state/orders/$1"/gen-*/closed.json 2>/dev/null | jq -r "$2"; }
keys() { find "$T/state/orders/$1" -name privkey.pem | wc -l; }

# An auto order, alone in the configuration and in the state directory.
only() { # ORDER [MEMBERS]
    new_order "$@"
    configure "$(auto "$1")"
    fresh_state
    forget_requests
}

# ---- still wanted ----
only 601 '"key_elsewhere":true'
lose 601 store sync
equal "a POST without effect is out" 1 "$(posts 601)"
forgive 601
check "sync sends it again while the order has no pair" store sync
check "which it has now" test -e "$T/state/orders/601/current/privkey.pem"
equal "by one more POST" 2 "$(posts 601)"
equal "for the same key" 1 "$(keys 601)"

# A drift is not taken for answered by the very request that is out.
only 605 '"ct_drift":true'
import_key 605
lose 605 store sync
equal "a reissue for CT drift is out" 1 "$(posts 605)"
forgive 605
store sync >/dev/null 2>&1
equal "and sent again: it is no answer to itself" 2 "$(posts 605)"
equal "the drift is cured" in_step "$(store show --json order/605 | jq -r .plan.ct.state)"

# ---- not wanted any more ----
only 602 '"key_elsewhere":true'
lose 602 store sync
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/602.pem" 2>/dev/null
openssl req -new -key "$T/602.pem" -subj /CN=o602.example.com -out "$T/602.csr" 2>/dev/null
control PATCH /orders/602 "$(jq -n --rawfile csr "$T/602.csr" '{issue: {kind: "reissue", csr: $csr}}')" >/dev/null
file=$(find "$T/state/orders/602" -name request.json)
cp "$file" "$T/602.json"
check "a pair comes by hand meanwhile" store import order/602 --key "$T/602.pem"
cat "$T/602.json" >"$file"
forgive 602
check "sync has nothing to do" store sync
equal "and sends nothing again" 1 "$(posts 602)"
equal "the request is closed by policy, not by the CA" policy "$(closed 602 .code)"
check "with what policy said" grep -q 'not sent again' <<<"$(closed 602 .reason)"
equal "its key is kept beside the pair's" 2 "$(keys 602)"

only 603 '"key_elsewhere":true'
lose 603 store sync
configure "$(printf '[order/603]\nreissue = never\n')"
forgive 603
store sync >/dev/null 2>&1
equal "what is not auto any more is not sent again" "1 policy" "$(posts 603) $(closed 603 .code)"
configure "$(auto 603)"
forgive 603
check "once it is wanted again" store sync
equal "a new request is sent" 2 "$(posts 603)"
check "whose pair is here" test -e "$T/state/orders/603/current/privkey.pem"

# ---- not allowed any more ----
only 604 '"key_elsewhere":true'
lose 604 store sync
control PATCH /orders/604 '{"certificate":{"dns_names":["o604.example.com"]}}' >/dev/null
forgive 604
check_fails "names that went since are not sent again" 8 'b604.example.com' store sync
equal "not once" "1 policy" "$(posts 604) $(closed 604 .code)"

only 606 '"key_elsewhere":true'
lose 606 store sync
control PATCH /orders/606 '{"order_valid_till":"2020-01-01"}' >/dev/null
forgive 606
check_fails "an order that ended gets no second POST" 8 'the order ended on 2020-01-01' store sync
equal "not one" "1 policy" "$(posts 606) $(closed 606 .code)"
equal "the key is kept" 1 "$(keys 606)"

# ---- refused: said in every run while nothing usable is here ----
only 609 '"key_elsewhere":true,"order_valid_till":"2020-01-01"'
check_fails "an auto order without a pair that may not get one" 8 'is here; the order ended' store sync
forget_requests
check_fails "is told in the next run, too" 8 'is here; the order ended' store sync
equal "without a question about the order" 0 "$(requests '/order/certificate/609')"
equal "as refused" 1 "$(store sync --json | jq .summary.refused)"
configure "$(printf '[order/609]\nreissue = never\n')"
check "not when nobody wants one" store sync

# ---- by verb ----
only 607
import_key 607
lose 607 store duplicate --again --timeout 1 order/607
equal "a duplicate that a person asked for is out" 1 "$(requests 'POST .*/607/duplicate')"
forgive 607
check "sync sends it again: it is still wanted" store sync
equal "in that way" 2 "$(requests 'POST .*/607/duplicate')"
only 608
import_key 608
lose 608 store duplicate --again --timeout 1 order/608
check "a person who asks for a reissue instead gets one" store reissue --timeout 20 order/608
equal "by a request of its own" "1 1" "$(requests 'POST .*/608/duplicate') $(requests 'POST .*/608/reissue')"
equal "the duplicate was given up" policy "$(closed 608 .code)"
done_testing
