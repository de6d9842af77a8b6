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
done_testing
