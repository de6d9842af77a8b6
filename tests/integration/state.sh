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
done_testing
