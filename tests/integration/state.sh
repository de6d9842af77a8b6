#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# state.sh - the state directory as others left it: killed between two steps, rebooted, private,
# damaged, full, of another format, with a clock that jumped. The next load does the right thing.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
state=$T/state
get() { "$DIGICERT_STORE" get "$@" >/dev/null; }
current() { readlink "$state/orders/$1/current"; }
serial() { "$DIGICERT_STORE" show --json "$1" | jq -r .current.serial; }
day() { date -u -d "$1" +%Y-%m-%d; }

# ---- killed between facts.json and the switch of `current` ----
get 124
control PATCH /orders/124 "{\"issue\":{\"valid_from\":\"$(day '-1 day')\"}}" >/dev/null
"$DIGICERT_STORE" show --refresh 124 >/dev/null
equal "a newer certificate becomes current" gen-0002 "$(current 124)"
ln -sfn gen-0001 "$state/orders/124/current"
"$DIGICERT_STORE" show --refresh 124 >/dev/null
equal "a generation that was committed and not switched to is switched to" gen-0002 "$(current 124)"

# ---- what is not served in place of what is ----
control POST /orders "{\"id\":9002,\"common_name\":\"signer\",\"product\":\"code_signing\",\"status\":\"issued\",\"valid_from\":\"$(day '-100 days')\",\"validity_days\":90}" >/dev/null
control GET /orders/9002/key >"$T/9002.pem"
chmod 600 "$T/9002.pem"
"$DIGICERT_STORE" import 9002 --key "$T/9002.pem" >/dev/null 2>&1
check_fails "an expired pair without serverAuth is not served by default" 8 'expired on' get 9002
control PATCH /orders/9002 "{\"issue\":{\"key_elsewhere\":true,\"valid_from\":\"$(day '-1 day')\"}}" >/dev/null
"$DIGICERT_STORE" show --refresh 9002 >/dev/null 2>&1
check "and gives way to a valid certificate without key" get 9002

# ---- urgent and expired: when the lock is free and next_try has passed ----
memo() { echo "$state/orders/$1/memo.json"; }
load() { kinds "digicert://order/$1" | xargs; }
# rows: name ~ order ~ next_try (seconds from now) ~ requests
control POST /orders "{\"id\":9001,\"common_name\":\"urgent.example\",\"status\":\"issued\",\"valid_from\":\"$(day '-85 days')\",\"validity_days\":90}" >/dev/null
get 9001
get 140
while IFS='~' read -r name order ahead want; do
    jq ".next_try = $(($(date +%s) + ahead))" "$(memo "$order")" >"$T/memo" && cp "$T/memo" "$(memo "$order")"
    forget_requests
    equal "$name: served" "Certificate Certificate" "$(load "$order")"
    equal "$name: $want requests" "$want" "$(requests .)"
done <<'EOT'
urgent, next_try has passed~9001~-1~1
urgent, next_try is ahead~9001~3600~0
urgent, next_try was written by a clock years ahead~9001~90000000~1
expired, next_try has passed~140~-1~1
expired, next_try is ahead~140~3600~0
EOT
for order in 9001 140; do
    rm -f "$(memo "$order")"
    forget_requests
    flock "$state/orders/$order/lock" sleep 3 &
    pids+=($!)
    sleep 0.2
    begun=$(date +%s%N)
    equal "order $order, its lock held: served" "Certificate Certificate" "$(load "$order")"
    check "  without waiting for it" test $((($(date +%s%N) - begun) / 1000000)) -lt 1500
    equal "  and without a request" 0 "$(requests .)"
    wait "${pids[-1]}"
done
configure '[order/140]' 'serve_expired = no'
forget_requests
equal "expired and not served: refused" "" "$(load 140)$(load 140)$(load 140)"
check "  with one request at most for all doors" test "$(requests .)" -le 1
configure

# ---- load_deadline is one, whatever is waited for ----
configure 'load_deadline = 3s'
fresh_state
fault '{"match":"GET /order/certificate","delay_ms":2500}' >/dev/null
fault '{"match":"GET /order/certificate/124","times":9,"hang":true}' >/dev/null
begun=$(date +%s%N)
equal "a name is resolved late and its order never answered: an error" "" "$(kinds digicert://name/rsa.example.com)"
check "  within load_deadline" test $((($(date +%s%N) - begun) / 1000000)) -lt 4500
control DELETE /faults
configure

# ---- what is no state directory of ours ----
fresh_state
mkdir "$state"
echo 2 >"$state/FORMAT"
check_fails "a newer format: the CLI refuses" 7 'newer digicert-store' "$DIGICERT_STORE" get 124
equal "  a door fetches nothing" "" "$(load 124)"
equal "  and neither writes anything" "FORMAT" "$(ls "$state")"
echo junk >"$state/FORMAT"
check_fails "a FORMAT that cannot be read: the CLI refuses" 7 'FORMAT cannot be read' "$DIGICERT_STORE" get 124
equal "  and leaves it as it is" "FORMAT junk" "$(ls "$state") $(cat "$state/FORMAT")"
fresh_state
echo x >"$state"
check_fails "a file in the place of the state directory is said to be one" 7 'is no directory' "$DIGICERT_STORE" get 124
rm "$state"
mkdir "$state"
echo x >"$state/orders"
check_fails "a file in the place of a directory in it is said to be one" 7 'orders is no directory' "$DIGICERT_STORE" get 124
fresh_state
get 124
for dir in cold index crls certificates orders; do
    rm -rf "${state:?}/$dir"
    check "$dir/ was removed: it is made again" "$DIGICERT_STORE" show --refresh 130
    check "  with its mode" test "$(stat -c %a "$state/$dir")" = 755
done
fresh_state
mkdir "$state"
ln -s "$state" "$T/link"
configure
sed -i "s|^state_dir.*|state_dir = $T/link|" "$DIGICERT_STORE_CONF"
check "a state directory that is a link, made by its owner, works" get 124
configure

# ---- a key that is damaged, its size unchanged: its generation gives way to the one before ----
fresh_state
import_key 123
control PATCH /orders/123 "{\"issue\":{\"same_key\":true,\"valid_from\":\"$(day '-2 days')\"}}" >/dev/null
"$DIGICERT_STORE" show --refresh 123 >/dev/null
damaged=$(current 123)
printf X | dd of="$state/orders/123/current/privkey.pem" bs=1 seek=60 conv=notrunc 2>/dev/null
equal "a damaged key is not handed out" "Certificate Certificate" "$(load 123)"
equal "  and the next load gives the pair before it" "Certificate Certificate Pkey" "$(load 123)"
check "  the damaged generation is kept, under another name" compgen -G "$state/orders/123/$damaged.bad-*"

# ---- every write, fsync and rename fails once: a clear error, the pair still served, nothing left ----
if strace -o /dev/null true 2>/dev/null; then
    fresh_state
    import_key 123
    cp -a "$state" "$T/keep"
    control PATCH /orders/123 "{\"issue\":{\"same_key\":true,\"valid_from\":\"$(day '-1 day')\"}}" >/dev/null
    bad=""
    failed=0
    for call in write pwrite64 fsync renameat renameat2 mkdirat symlinkat fchmod; do
        for ((k = 1; k < 150; k += 2)); do
            fresh_state
            cp -a "$T/keep" "$state"
            out=$(strace -f -o "$T/strace" -e trace="$call" -e inject="$call:error=ENOSPC:when=$k" \
                "$DIGICERT_STORE" show --refresh 123 2>&1 >/dev/null)
            status=$?
            grep -q INJECTED "$T/strace" || break
            failed=$((failed + 1))
            [ $status -eq 0 ] || grep -q 'No space left' <<<"$out" || bad+="$call $k: $out;"
            [ "$(load 123)" = "Certificate Certificate Pkey" ] || bad+="$call $k: the pair is not served;"
            for gen in "$state"/orders/123/gen-*; do
                [ -e "$gen/facts.json" ] || bad+="$call $k left $gen;"
            done
        done
    done
    if [ -z "$bad" ] && [ $failed -gt 20 ]; then
        ok "a full disk at $failed places"
    else
        not_ok "a full disk" "$failed places" "$bad"
    fi
else
    skip "a full disk" "strace cannot trace here"
fi

done_testing
