#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# validation.sh - until when the CA uses its validations again: read by sync once a week, by show
# --refresh and by a preview, never by a load; what of them would hold up a reissue is said.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@"; }
shown() { store show --json "order/$1" | jq -r "$2"; }
asked() { requests 'GET .*/(account|domain|organization)(\?|$)'; }
now=$(control GET /clock | jq .now)
clock() { control POST /clock "{\"now\":$1}" >/dev/null; }
day() { date -u -d "@$1" +%Y-%m-%d; }

# A domain that was validated 195 days ago ends in four; one has lapsed; another is of today.
clock $((now - 210 * 86400))
control POST /orders '{"id":504,"common_name":"www.lapsed.example","order_days":1000}' >/dev/null
clock $((now - 195 * 86400))
control POST /orders '{"id":501,"common_name":"www.soon.example","dns_names":["www.soon.example","*.soon.example"],"order_days":1000}' >/dev/null
control POST /orders '{"id":503,"common_name":"dv.soon.example","product":"ssl_dv_geotrust","order_days":1000}' >/dev/null
clock "$now"
control POST /orders '{"id":502,"common_name":"www.fresh.example","order_days":1000}' >/dev/null
soon=$(day $((now + 4 * 86400)))
fresh=$(day $((now + 199 * 86400)))

# ---- a cold load asks two things ----
configure "$(printf '[order/%s]\n' 501 502 503 504)"
forget_requests
equal "a cold load" "Certificate Certificate" "$(kinds digicert://order/502 | xargs)"
equal "is order info and a download, as ever" 2 "$(control GET /requests | jq length)"
equal "and knows nothing of validations" null "$(shown 502 .validation)"

# ---- sync reads them, once ----
forget_requests
check "sync" store sync
equal "asks for account, domains and organizations" 3 "$(asked)"
equal "domain validation is told, with the first domain to lapse" "$soon soon.example" \
    "$(shown 501 '.validation | "\(.dcv_until[:10]) \(.dcv_first)"')"
equal "for each order its own" "$fresh fresh.example" "$(shown 502 '.validation | "\(.dcv_until[:10]) \(.dcv_first)"')"
equal "not for DV, which validates anew each time" null "$(shown 503 .validation.dcv_until)"
equal "the account's CT setting is told" true "$(shown 502 .validation.account_ct)"
equal "what lapses before the next reissue is pointed out" "true false" "$(shown 501 .validation.dcv_lapses) $(shown 502 .validation.dcv_lapses)"
check "in words, for people" bash -c "'$DIGICERT_STORE' show order/501 | grep -q 'to do .*validate the domain soon.example anew'"
check "with its date" bash -c "'$DIGICERT_STORE' show order/501 | grep -q 'domains until *$soon'"
equal "nobody's name or address is kept" 0 "$(grep -rlE 'Sand|sandbox.user|@' "$T/state/validation.json" "$T/state/orders"/*/memo.json | wc -l)"
equal "the account's domains are the keeper's alone" 600 "$(stat -c %a "$T/state/validation.json")"
forget_requests
store sync >/dev/null
equal "a second sync does not ask again" 0 "$(asked)"
jq '.next_at = 1' "$T/state/validation.json" >"$T/v" && cat "$T/v" >"$T/state/validation.json"
store sync >/dev/null
equal "it does when a week is over" 3 "$(asked)"
equal "and again after a day while one lapses soon" true "$(jq '.next_at - .read_at <= 86400' "$T/state/validation.json")"

# ---- show --refresh and previews ----
control POST /settings "{\"organization_valid_until\":\"$(day $((now + 400 * 86400)))\"}" >/dev/null
forget_requests
store show --refresh order/502 >"$T/shown"
equal "show --refresh asks" 3 "$(asked)"
check "and tells the organization's end" grep -q "organization *$(day $((now + 400 * 86400)))" "$T/shown"
forget_requests
equal "a preview says that nothing holds it up" null "$(store reissue --dry-run --json order/502 | jq -r .held_up_by)"
equal "which it asked for" 3 "$(asked)"
check "a name's own validation counts before that of the domain above it" \
    grep -q 'lapsed.example.com, validation ended on 2020-01-01' <<<"$(store reissue --dry-run --json order/182 | jq -r .held_up_by)"
check_fails "it waits, and says for which value" 5 'with the value _' store reissue --timeout 1 order/182
check "status says it, too" grep -q 'by dns-txt-token with the value _' <<<"$(store status)"
check_fails "a preview while a request is open ends as a reissue would" 5 'pending at the CA' store reissue --dry-run order/182
check "of a domain that has lapsed it says that it will" \
    grep -q "fresh domain validation: lapsed.example, validation ended on $(day $((now - 11 * 86400)))" <<<"$(store reissue --dry-run --json order/504 | jq -r .held_up_by)"
check_fails "it is as it said" 5 'validation' store reissue --timeout 1 order/504
control POST /settings "{\"organization_valid_until\":\"$(day "$now")\"}" >/dev/null
check "and of an organization" grep -q "fresh validation of the organization" <<<"$(store reissue --dry-run --json order/502 | jq -r .held_up_by)"
check_fails "which waits for people" 5 'has not issued' store reissue --timeout 1 order/502
control POST /settings '{"organization_valid_until":null}' >/dev/null

# ---- what may not be asked, and a service that is away ----
key=$(control POST /keys '{"role":100,"approver":true}' | jq -r .key)
fresh_state
printf '%s\n' "$key" >"$T/etc/api.key"
forget_requests
check "a key that may not read domains stops no sync" store sync
equal "what it may read is known" true "$(shown 501 .validation.account_ct)"
equal "the rest is not" null "$(shown 501 .validation.dcv_until)"
forget_requests
store sync >/dev/null
equal "nor is it asked for at each run" 0 "$(asked)"
configure "$(printf '[order/%s]\n' 501 502 503 504)"
fresh_state
fault '{"match":"GET /domain*","status":503,"html":true,"times":9}' >/dev/null
check "an answer that does not come stops no sync" store sync
forget_requests
store sync >/dev/null
equal "and is not waited for at each run" 0 "$(asked)"
control DELETE /faults >/dev/null
done_testing
