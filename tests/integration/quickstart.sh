#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh - the README's first command, as written, and that it leaves nothing running.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

BUILD=$T/build bash "$DCS_SOURCE_ROOT/examples/quickstart.sh" >"$T/out" 2>&1
status=$?
equal "examples/quickstart.sh ends with 0" 0 $status
[ $status -eq 0 ] || tail -n 30 "$T/out" | sed 's/^/# /'
check "it says so" grep -q 'done: all of it worked' "$T/out"
equal "both handshakes verified" 2 "$(grep -c 'Verify return code: 0 (ok)' "$T/out")"
check "it leaves nothing running" bash -c "! pgrep -f '$T/build/sandbox/[d]igicert-sandbox'"
done_testing
