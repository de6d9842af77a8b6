#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# notify.sh - the command `notify`: which events sync tells, how often, as whom; and that it holds up no
# sync, whatever it does.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
chmod 755 "$T"
: >"$T/events"
chmod 666 "$T/events"
store() { "$DIGICERT_STORE" "$@"; }
# What was told since the last look, one event a line.
events() { sort "$T/events" | xargs -d '\n' -r printf '%s;'; : >"$T/events"; }
later() { # DURATION COMMAND...
    faketime "+$1" "$DIGICERT_STORE" "${@:2}"
}
# A sync that waits for the CA's people waits for half a minute, here twenty times faster.
quickly() { faketime -f "+$1 x20" "$DIGICERT_STORE" sync; } # DURATION
cat >"$T/notify" <<'HOOK'
echo "$DIGICERT_STORE_EVENT $DIGICERT_STORE_ORDER" >>"${0%/*}/events"
env >"${0%/*}/last.env" 2>/dev/null
id -un >>"${0%/*}/who" 2>/dev/null
cat
HOOK
order() { control POST /orders "$1" >/dev/null; }
order '{"id":700,"common_name":"due.example.com","dns_names":["due.example.com"],"age_days":140,"order_days":1000,"switches":{"dcv":"valid"}}'
order '{"id":701,"common_name":"fresh.example.com","dns_names":["fresh.example.com"],"age_days":1,"order_days":1000,"switches":{"dcv":"valid"}}'
order '{"id":702,"common_name":"wait.example.com","dns_names":["wait.example.com"],"age_days":140,"order_days":1000,"switches":{"approval":"always"}}'
rules=("notify = exec sh $T/notify" 'hook_deadline = 5m')
configure "${rules[@]}"
import_key 700
import_key 701

store sync >/dev/null
equal "a certificate that was due days ago is told, a fresh one is not" "expiring 700;" "$(events)"
equal "with the reason in words" 1 "$(grep -c '^DIGICERT_STORE_REASON=due-missed: valid until .*reissue = never' "$T/last.env")"
equal "the serial and the directory" "$(store show --json order/700 | jq -r '"\(.current.serial) \(.current.dir)"')" \
    "$(sed -n 's/^DIGICERT_STORE_NEW_SERIAL=//p' "$T/last.env") $(sed -n 's/^DIGICERT_STORE_DIR=//p' "$T/last.env")"
store sync >/dev/null
later "2 days" sync >/dev/null
equal "and not again" "" "$(events)"
later "52 days" sync >/dev/null
equal "until the next stage" "expiring 700;" "$(events)"
later "53 days" sync >/dev/null
equal "which is told once, too" "" "$(events)"
later "60 days" sync >/dev/null
later "61 days" sync >/dev/null
later "62 days" sync >/dev/null
equal "expired is told each day" "expiring 700;expiring 700;expiring 700;" "$(events | sed 's/expiring 701;//g')"
fresh_state

# ---- pending ----
configure "${rules[@]}" '[order/702]' 'reissue = auto'
import_key 702
quickly 0s >/dev/null 2>&1
equal "a request that waits for approval is pending" 1 "$(events | grep -c 'pending 702')"
check "with the CA's reason" grep -qE '^DIGICERT_STORE_REASON=.*(approv|CA)' "$T/last.env"
quickly 10h >/dev/null 2>&1
equal "not told again on that day" 0 "$(events | grep -c 'pending 702')"
quickly 26h >/dev/null 2>&1
equal "but on the next" 1 "$(events | grep -c 'pending 702')"
fresh_state

# ---- failed: for all orders at once, or for one ----
autos=()
for id in 710 711 712 713; do autos+=("[order/$id]" 'reissue = auto'); done
configure "${rules[@]}" "${autos[@]}"
for id in 710 711 712 713; do
    order "{\"id\":$id,\"common_name\":\"o$id.example.com\",\"dns_names\":[\"o$id.example.com\"],\"age_days\":120,\"order_days\":1000,\"switches\":{\"dcv\":\"valid\"}}"
    import_key $id
done
store sync >/dev/null 2>&1
events >/dev/null
fault '{"match":"GET *","status":503,"html":true,"times":999}' >/dev/null
later "45 days" sync >/dev/null 2>&1
equal "an absence of the service is told once, not for each order" 1 "$(events | grep -o 'failed' | wc -l)"
later "45 days 9 hours" sync --now >/dev/null 2>&1
equal "and once a day" 0 "$(events | grep -o 'failed' | wc -l)"
later "47 days" sync --now >/dev/null 2>&1
equal "on the next day again" 1 "$(events | grep -o 'failed' | wc -l)"
control DELETE /faults >/dev/null
fresh_state

# ---- commands that hang, fail, flood ----
begin() {
    fresh_state
    configure "notify = exec sh $T/bad" 'hook_deadline = 1s'
    printf '%s\n' "$1" >"$T/bad"
    import_key 700
}
begin 'echo try >>'"$T"'/tries; sleep 600'
begun=$(date +%s)
check "a notify that hangs is ended, and sync goes on" store sync
check "  within its deadline" test $(($(date +%s) - begun)) -lt 10
begin 'yes | head -c 5000000; kill -9 $$'
check "one that floods and kills itself is no failure of sync" store sync
begin 'exit 1'
store sync >/dev/null
printf 'echo said >>%s/events\n' "$T" >"$T/bad"
store sync >/dev/null
equal "what a failing one did not take is told again" "said;" "$(events)"

# ---- as whom ----
if [ "$(id -u)" -eq 0 ]; then
    fresh_state
    configure "${rules[@]}"
    rm -f "$T/who"
    : >"$T/who"
    chmod 666 "$T/who"
    install -d -o nobody "$T/state"
    import_key 700
    store sync >/dev/null
    equal "root's sync tells as the keeper" nobody "$(cat "$T/who")"
    check "and leaves nothing of its own in the state directory" test -z "$(find "$T/state" ! -user nobody)"
    check "the API key is in no environment" bash -c "! grep -q \"\$(cat '$T/etc/api.key')\" '$T/last.env'"
else
    skip "as whom" "not root"
fi
done_testing
