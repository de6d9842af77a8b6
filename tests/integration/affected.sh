#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# affected.sh - `sync --all-affected-by`: what a revocation notice names is reissued, each once, whatever was
# killed in between; what is not understood or not managed is said with its line.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@" </dev/null; }
posts() { requests "^POST /order/certificate/$1/(reissue|duplicate)"; }
serial() { jq -r .serial "$T/state/orders/$1/current/facts.json"; }
lines() { jq -r '.orders[] | "\(.line) \(.action)"' "$1" | sort -n; }

sections=()
for i in 701 702 703 704 705 706; do
    control POST /orders "{\"id\":$i,\"common_name\":\"o$i.example.com\",\"switches\":{\"dcv\":\"valid\"}}" >/dev/null
    sections+=("[order/$i]" "reissue = auto")
done
control POST /orders '{"id":707,"common_name":"*.wild.example.com","switches":{"dcv":"valid"}}' >/dev/null
control POST /orders '{"id":708,"common_name":"else.example.com"}' >/dev/null # of the account, not managed here
configure "${sections[@]}" "[order/707]" "reissue = auto"
check "the pairs are here" store sync
for i in 701 702 703 704 705 706 707; do before[$i]=$(serial $i); done
elsewhere=$(control GET /orders/708 | jq -r '.certificates[0].serial')
forget_requests

# ---- the list ----
{
    echo "Serial Number,Order"
    echo "# of Monday"
    echo "$(sed 's/../&:/g; s/:$//' <<<"${before[701]^^}"),701" # 3: with colons
    echo "${before[702]}"                                      # 4
    echo "703"                                                 # 5: an order
    echo "O704.example.com"                                    # 6: a host
    echo "www.wild.example.com"                                # 7: covered by a wildcard
    echo "${before[702]}"                                      # 8: the same again
    echo "$elsewhere"                                          # 9: not managed here
    echo "0badc0ffee0badc0ffee"                                # 10: nobody's
    echo "999"                                                 # 11: not managed here
    echo "nobody.example.net"                                  # 12
    echo "what is this?"                                       # 13
} >"$T/notice.csv"

store sync --all-affected-by "$T/notice.csv" --dry-run >"$T/out" 2>"$T/err"
equal "a dry run ends with usage when a line is not understood" 2 $?
equal "it asks for nothing" 0 "$(posts '[0-9]+')"
equal "it names five certificates" 5 "$(grep -c 'would be reissued:' "$T/out")"
check "and estimates the time" grep -qE '^5 certificates would be reissued, 0 are replaced already, 4 lines .*; about [0-9]+ s by' "$T/out"
for pattern in 'line 9: .* order 708, which is not managed here' 'line 10: .* no certificate' \
    'line 11: order 999 is not managed here' 'line 12: no managed order .* nobody.example.net' \
    'line 13: "what is this\?" is no serial'; do
    check "it says: $pattern" grep -qE "$pattern" "$T/err"
done

# ---- killed in the middle ----
control POST /settings '{"latency_ms":150}'
forget_requests
store sync --all-affected-by "$T/notice.csv" >/dev/null 2>&1 &
pid=$!
pids+=("$pid")
begun() { [ "$(posts '70[0-9]')" -ge 1 ]; }
wait_for 20 begun
kill -9 "$pid"
wait "$pid" 2>/dev/null
control POST /settings '{"latency_ms":0}'
store sync --all-affected-by "$T/notice.csv" --json >"$T/json" 2>"$T/err"
equal "again: the worst is the line that is not understood" 2 $?
for i in 701 702 703 704 707; do
    if [ "$(jq -r ".orders[] | select(.order_id == $i) | .action" "$T/json")" = pending ]; then
        # Whether the CA took what was killed on its way is found out by two looks, over ten minutes.
        file=$(grep -L closed "$T/state/orders/$i"/gen-*/request.json | tail -n 1)
        jq '.posted_at -= 2000 | .looks = 1 | .first_look_at = .posted_at + 60 | .last_look_at = .first_look_at | .next_look_at = 0' \
            "$file" >"$T/later" && cat "$T/later" >"$file"
    fi
done
store sync --all-affected-by "$T/notice.csv" --json >"$T/json" 2>"$T/err"
for i in 701 702 703 704 707; do
    equal "order $i was asked for one certificate" 1 "$(posts $i)"
    if [ "$(serial $i)" != "${before[$i]}" ]; then ok "order $i serves another one"; else not_ok "order $i serves another one"; fi
done
equal "who is not named keeps the pair" "${before[705]} ${before[706]}" "$(serial 705) $(serial 706)"

# ---- and once more ----
forget_requests
store sync --all-affected-by "$T/notice.csv" --json >"$T/json" 2>"$T/err"
equal "all is done: nothing is asked for" 0 "$(posts '[0-9]+')"
equal "and so it is told, by line" "3 already
4 already
5 already
6 already
7 already
8 already
9 failed
10 failed
11 failed
12 failed
13 failed" "$(lines "$T/json")"

# ---- a new notice of the new certificate ----
serial 701 >"$T/second"
check "the new certificate can be affected, too" store sync --all-affected-by "$T/second"
equal "by one request" 1 "$(posts 701)"

# ---- what cannot be ----
check_fails "only what is not managed: not found" 3 'order 999 is not managed' sh -c 'echo 999 | "$DIGICERT_STORE" sync --all-affected-by -'
echo 999 >"$T/unknown"
check_fails "unknown orders end with 3" 3 'line 1: order 999' store sync --all-affected-by "$T/unknown"
printf '<html>\n<body>\n' >"$T/html"
check_fails "a file of something else is refused" 2 'line 1: .*most lines are not understood' store sync --all-affected-by "$T/html"
check_fails "a file that is not there" 2 'No such file' store sync --all-affected-by "$T/none"
check_fails "--dry-run alone" 2 'goes with --all-affected-by' store sync --dry-run
: >"$T/empty"
check "an empty list is nothing to do" store sync --all-affected-by "$T/empty"

# ---- one answers badly ----
fault '{"match":"POST /order/certificate/705/*","status":503,"html":true,"times":3}' >/dev/null
{ serial 705; serial 706; } >"$T/two"
store sync --all-affected-by "$T/two" >"$T/out" 2>"$T/err"
if [ "$(serial 706)" != "${before[706]}" ]; then ok "a failing order holds up no other"; else not_ok "a failing order holds up no other" "$(cat "$T/err")"; fi
equal "and keeps its pair" "${before[705]}" "$(serial 705)"
done_testing
