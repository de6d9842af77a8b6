#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# every.sh - `sync --every` where there is no systemd: a line a run, the configuration read anew, what
# came is delivered, nothing ends it but a signal, and that between two orders.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
control POST /settings '{"switches":{"dcv":"valid"}}' >/dev/null
configure '[order/124]' 'reissue = auto' '[order/999]'

for interval in 0 5s 30d soon ''; do
    check_fails "--every \"$interval\" is refused" 2 'interval from 10s to 7d' "$DIGICERT_STORE" sync --every "$interval"
done
check_fails "--every with --now is refused" 2 'for one run' "$DIGICERT_STORE" sync --every 10m --now
sed -i 's/^reissue/reisue/' "$DIGICERT_STORE_CONF"
check_fails "a broken configuration ends it before it begins" 2 'reissue' timeout 20 "$DIGICERT_STORE" sync --every 10s
sed -i 's/^reisue/reissue/' "$DIGICERT_STORE_CONF"

begin() { # begin COMMAND...: in the background, with its process id in $loop
    "$@" >"$T/out" 2>"$T/err" </dev/null &
    loop=$!
    pids+=("$loop")
}
runs() { grep -cE '^[0-9]+ orders:' "$T/out"; }
has_run() { [ "$(runs)" -ge "$1" ]; }

begin "$DIGICERT_STORE" sync --every 10s
check "the first run comes soon" wait_for 20 has_run 1
check "  the pair is here" test -s "$T/state/orders/124/current/privkey.pem"
check "  and delivered" wait_for 10 test -e "$T/state/orders/124/delivered"
check "  an order that is not there is said" wait_for 5 grep -q 'no such order' "$T/err"
check "  and ends nothing" kill -0 "$loop"
printf '[order/126]\nreissue = auto\n' >>"$DIGICERT_STORE_CONF"
fault '{"match":"* /order/certificate/124*","times":1000,"status":503,"html":true}' >/dev/null
check "the next one reads the configuration anew" wait_for 40 test -s "$T/state/orders/126/current/privkey.pem"
kill -TERM "$loop"
wait "$loop"
equal "SIGTERM ends it with 0" 0 $?
check "  with a line for each run" test "$(runs)" -ge 2
check "  and nothing half-written" bash -c "! find $T/state -name '.tmp-*' | grep -q ."
control DELETE /faults

# ---- in the middle of many orders ----
fresh_state
control POST /orders '{"count":60,"first_id":5000,"common_name":"h%d.bulk.example"}' >/dev/null
control POST /settings '{"latency_ms":60,"rate_limit":false}' >/dev/null
sections=()
for id in $(seq 5000 5059); do sections+=("[order/$id]" 'reissue = auto'); done
configure 'budget_5s = 1000' 'budget_3min = 1000' "${sections[@]}"
pairs() { find "$T/state/orders" -path '*/current/privkey.pem' -o -name current -type l 2>/dev/null | grep -c .; }
some_came() { [ "$(pairs)" -ge 5 ]; }
for how in "sync --every 10s" sync; do
    fresh_state
    control DELETE /requests
    read -r -a words <<<"$how"
    begin "$DIGICERT_STORE" "${words[@]}"
    wait_for 30 some_came
    kill -TERM "$loop"
    wait "$loop"
    status=$?
    [ "$how" = sync ] && equal "$how: ends as one that the signal ended" 143 "$status" || equal "$how: ends with 0" 0 "$status"
    check "  before it was through" test "$(pairs)" -lt 60
    check "  with its line" has_run 1
    check "  no request is left without its answer" bash -c "
        ! find $T/state/orders -name request.json | xargs -n1 dirname | xargs -I{} sh -c 'test -e {}/cert.pem || echo {}' | grep -q ."
    "$DIGICERT_STORE" sync >/dev/null 2>&1
    equal "  the next run does the rest" 60 "$(pairs)"
    equal "  and nothing twice" 60 "$(requests 'POST ')"
done
done_testing
