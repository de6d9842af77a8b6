#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rollback.sh - verify by handshakes with a real server; back to the delivered pair when it fails twice,
# once and not again; release by a person and by urgency; a renewal in the place of its order.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@"; }
link() { readlink "$T/state/orders/$1/$2"; }
result() { store deliver --json "${@:2}" 2>/dev/null | jq -r ".orders[0]$1"; }
serial() { openssl x509 -in "$1" -noout -serial | sed 's/.*=//'; }
posts() { control GET "/requests?method=POST" | jq '[.[] | select(.path | test("/(reissue|duplicate)$"))] | length'; }
new_pair() { store reissue --again --timeout 30 "order/$1" >/dev/null; }
shown() { store show --json "order/$1" | jq -r "$2"; }

# A server that takes a new pair by a restart only, as many do. The hook restarts it unless it is broken.
port=
server() {
    [ -s "$T/server.pid" ] && kill "$(cat "$T/server.pid")" 2>/dev/null
    openssl s_server -accept "127.0.0.1:${port:-0}" -naccept 1000 -quiet -www \
        -cert "$T/tls/current/cert.pem" -key "$T/tls/current/privkey.pem" \
        -cert_chain "$T/tls/current/chain.pem" >"$T/server.out" 2>&1 &
    echo $! >"$T/server.pid"
}
# With port 0 the system chooses; s_server without -quiet says which.
choose_port() {
    openssl s_server -accept 127.0.0.1:0 -naccept 1 -nocert >"$T/port" 2>&1 &
    local pid=$!
    wait_for 10 grep -q ACCEPT "$T/port"
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$T/port")
    kill "$pid"
    wait "$pid" 2>/dev/null
}
end_server() { [ -s "$T/server.pid" ] && kill "$(cat "$T/server.pid")" 2>/dev/null; }
trap 'end_server; cleanup' EXIT
served() { openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -serial | sed 's/.*=//'; }
choose_port
cat >"$T/hook" <<HOOK
echo "\$DIGICERT_STORE_ORDER \$DIGICERT_STORE_REASON" >>$T/runs
test -e $T/refuse && exit 3
test -e $T/broken && exit 0
kill "\$(cat $T/server.pid)" 2>/dev/null
setsid openssl s_server -accept 127.0.0.1:$port -naccept 1000 -quiet -www -cert $T/tls/current/cert.pem \
    -key $T/tls/current/privkey.pem -cert_chain $T/tls/current/chain.pem </dev/null >/dev/null 2>&1 &
echo \$! >$T/server.pid
HOOK
: >"$T/runs"
runs() { wc -l <"$T/runs"; }

# A certificate that is due, under an order that lasts.
control POST /orders '{"id":700,"common_name":"due.example.com","dns_names":["due.example.com"],"age_days":140,"order_days":1000,"switches":{"dcv":"valid"}}' >/dev/null
rules=('verify_deadline = 2s' '[order/700]' 'reissue = auto' "deliver = $T/tls" "hook = . $T/hook"
    "verify = tls://127.0.0.1:$port?sni=due.example.com" 'rollback = yes')
configure "${rules[@]}"
import_key 700

check "a first delivery is verified" store deliver order/700
equal "by what the server presents" "$(serial "$T/tls/current/cert.pem")" "$(served)"
check "sync reissues what is due" store sync
check "and deliver brings it to the server" store deliver
equal "which presents it" "$(serial "$T/state/orders/700/current/cert.pem")" "$(served)"
good=$(link 700 current)

# ---- a server that does not take it ----
touch "$T/broken"
new_pair 700
bad=$(link 700 current)
check_fails "verify says that the server presents another" 7 'did not present the new certificate' store deliver order/700
equal "once is not enough to go back" "$bad $good" "$(link 700 current) $(link 700 delivered)"
: >"$T/runs"
check_fails "twice is" 7 'rolled back from generation' store deliver
equal "current goes back" "$good $good" "$(link 700 current) $(link 700 delivered)"
check "the new one is held" test -e "$T/state/orders/700/$bad/held.json"
equal "the copy goes back" "$(serial "$T/state/orders/700/$good/cert.pem")" "$(serial "$T/tls/current/cert.pem")"
equal "and the hook runs once more" 2 "$(runs)"
check "told why" grep -q 'rolled back from generation .* did not present' "$T/runs"
equal "applications get the good one" "$(serial "$T/state/orders/700/$good/cert.pem")" \
    "$(openssl x509 "${P[@]}" -in digicert://order/700 -noout -serial | sed 's/.*=//')"
forget_requests
rm -f "$T/moves"
for _ in $(seq 10); do
    store sync >/dev/null
    store deliver >/dev/null
    link 700 current >>"$T/moves"
done
equal "ten more rounds of sync and deliver move nothing" "$good" "$(sort -u "$T/moves")"
equal "run no hook" 2 "$(runs)"
equal "and ask for nothing" 0 "$(posts)"

# ---- while one is held, due waits ----
faketime '+155 days' "$DIGICERT_STORE" show --json order/700 >"$T/plan"
equal "what is merely due waits while one is held" "refused held" "$(jq -r '.plan | "\(.action) \(.reason)"' "$T/plan")"

# ---- released by a person: delivered again, never rolled back again ----
check_fails "a release of another order finds nothing" 3 'nothing' store deliver --release order/701
check_fails "released it is tried again" 7 'did not present' store deliver --release order/700
equal "it is current again" "$bad $good" "$(link 700 current) $(link 700 delivered)"
check "released" test -e "$T/state/orders/700/$bad/released.json"
for _ in 1 2 3; do store deliver order/700 >/dev/null 2>&1; done
equal "and never rolled back again" "$bad" "$(link 700 current)"
rm "$T/broken"
check "when the server is mended it is delivered" store deliver order/700
equal "current and delivered agree" "$bad $bad" "$(link 700 current) $(link 700 delivered)"
equal "and the server presents it" "$(serial "$T/state/orders/700/$bad/cert.pem")" "$(served)"
check_fails "then nothing is held" 3 'nothing is held' store deliver --release order/700

# ---- released by urgency ----
good=$bad
touch "$T/refuse"
new_pair 700
bad=$(link 700 current)
store deliver >/dev/null 2>&1
store deliver >/dev/null 2>&1
equal "a hook that refuses twice is as good a reason" "$good" "$(link 700 current)"
equal "the hook is tried again, since it failed once more" failed "$(result .action order/700)"
rm "$T/refuse"
check "until it succeeds" store deliver order/700
equal "with the good one" "$good" "$(link 700 delivered)"
faketime '+160 days' "$DIGICERT_STORE" deliver >/dev/null
equal "not urgent yet: held" "$good" "$(link 700 current)"
faketime '+192 days' "$DIGICERT_STORE" deliver >/dev/null
equal "when the old one is urgent the held one serves" "$bad $bad" "$(link 700 current) $(link 700 delivered)"
check "released" test -e "$T/state/orders/700/$bad/released.json"

# ---- killed at any step of a rollback ----
states=0
made_good=0
for call in renameat symlinkat fsync; do
    for at in 2 5 8 11 14; do
        good=$(link 700 delivered)
        touch "$T/refuse"
        new_pair 700
        bad=$(link 700 current)
        store deliver >/dev/null 2>&1
        { strace -f -qq -o /dev/null -e "inject=$call:signal=KILL:when=$at" "$DIGICERT_STORE" deliver >/dev/null 2>&1; } 2>/dev/null
        for _ in 1 2 3; do store deliver order/700 >/dev/null 2>&1; done
        states=$((states + 1))
        [ "$(link 700 current)" = "$good" ] && [ -e "$T/state/orders/700/$bad/held.json" ] && made_good=$((made_good + 1))
        rm "$T/refuse"
        store deliver order/700 >/dev/null 2>&1
        [ "$(link 700 current)" = "$(link 700 delivered)" ] || not_ok "killed at $call $at" "$(link 700 current) $(link 700 delivered)"
    done
done
equal "of $states rollbacks that were killed each comes to its end" "$states" "$made_good"

# ---- a renewal in the place of its order ----
end_server
fresh_state
: >"$T/runs"
configure 'verify_deadline = 2s' '[order/160]' 'successor = 161' "deliver = $T/tls" "hook = . $T/hook" \
    "verify = tls://127.0.0.1:$port" 'rollback = yes'
import_key 160
check "before the renewal the old order's pair is delivered" store deliver
old=$(link 160 current)
import_key 161
equal "then current leads to the renewal" ../161/gen-0001 "$(link 160 current)"
check "which is delivered as the old order" store deliver
equal "by one hook, of the old order" "160 160" "$(cut -d' ' -f1 "$T/runs" | xargs)"
equal "and delivered says so" ../161/gen-0001 "$(link 160 delivered)"
check "the renewal has none of its own" test ! -e "$T/state/orders/161/delivered"
equal "the server presents the renewal" "$(serial "$T/state/orders/161/current/cert.pem")" "$(served)"
touch "$T/refuse"
new_pair 161
store deliver >/dev/null 2>&1
store deliver >/dev/null 2>&1
equal "a renewal's new pair is rolled back as well" "../161/gen-0001 gen-0001" "$(link 160 current) $(link 161 current)"
check "and held" test -e "$T/state/orders/161/gen-0002/held.json"
rm "$T/refuse"
check "the release" store deliver --release order/160
equal "brings it back" "../161/gen-0002 ../161/gen-0002 gen-0002" "$(link 160 current) $(link 160 delivered) $(link 161 current)"
: "$old"
done_testing
