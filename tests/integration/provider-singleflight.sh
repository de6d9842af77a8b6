#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# provider-singleflight.sh - a crowd that opens one cold order asks the CA once.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
tool=$DCS_TEST_TOOLS/load-tool
processes=${PROCESSES:-64}
threads=${THREADS:-16}

# crowd URI: that many processes with that many threads at once; prints how many processes failed.
crowd() {
    local i failed=0 crowd_pids=()
    for ((i = 0; i < processes; i++)); do
        OPENSSL_CONF=$CNF timeout 120 "$tool" threads "$threads" "$1" 2>>"$T/crowd.err" &
        crowd_pids+=($!)
    done
    for i in "${crowd_pids[@]}"; do wait "$i" || failed=$((failed + 1)); done
    echo "$failed"
}

control POST /settings '{"latency_ms":50}' >/dev/null
forget_requests
equal "$processes processes with $threads threads each all load one cold order" 0 "$(crowd digicert://order/123)"
equal "they made one order info request" 1 "$(requests '^GET /order/certificate/123$')"
equal "they made one download" 1 "$(requests '/download/')"

forget_requests
equal "a crowd on a host name loads, too" 0 "$(crowd digicert://name/rsa.example.com)"
equal "it resolved the name once" 1 "$(requests 'GET /order/certificate\?')"
equal "it downloaded once" 1 "$(requests '/download/')"

forget_requests
equal "a crowd on a certificate id loads, too" 0 \
    "$(crowd "digicert://certificate/$(curl -sS --cacert "$SB_ca" -H "X-DC-DEVKEY: $SB_key" "$SB_url/order/certificate/130" | jq .certificate.id)?type=cert")"
equal "it downloaded once" 1 "$(requests '/download/')"

forget_requests
equal "a crowd on an order that is not there fails as one" "$processes" "$(crowd digicert://order/987654)"
asked=$(requests '.')
check "it asked a few times at most: late comers do not wait for an answer of the past ($asked)" test "$asked" -le 5

fresh_state
fault '{"match":"GET /order","times":100,"status":503,"html":true}' >/dev/null
forget_requests
equal "a crowd on a service that is away fails as one" "$processes" "$(crowd digicert://order/123)"
asked=$(requests '.')
check "the mark that it is away stopped the late comers ($asked)" test "$asked" -le 2
done_testing
