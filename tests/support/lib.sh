# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.sh - for whole-system tests: TAP, a sandbox, a configuration, bounded waits, and an end that
# leaves nothing running. Sourced by tests/integration/*.sh.

: "${DIGICERT_SANDBOX:?path of digicert-sandbox}"
: "${DIGICERT_PROVIDER_DIR:?directory of digicert.so}"
: "${DIGICERT_STORE:?path of the digicert-store program}"

T=$(mktemp -d)
export T
n=0
pids=()

# Ends what was started, by pid, and removes the scratch directory.
cleanup() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    umount "$T/ro" 2>/dev/null
    rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() {
    n=$((n + 1))
    echo "ok $n - $1"
}

# not_ok NAME [TEXT...]: the text explains.
not_ok() {
    n=$((n + 1))
    echo "not ok $n - $1"
    shift
    printf '%s\n' "$@" | head -n 30 | sed 's/^/# /'
}

# skip NAME WHY: said loudly.
skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
    echo "SKIPPED: $1: $2" >&2
}

# check NAME COMMAND...: passes when the command does; its output explains a failure.
check() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "status $?: $*" "$out"; fi
}

# check_fails NAME STATUS PATTERN COMMAND...: the command must fail with that status and say PATTERN.
check_fails() {
    local name=$1 want=$2 pattern=$3 out status
    shift 3
    out=$("$@" 2>&1)
    status=$?
    if [ "$status" -eq "$want" ] && grep -qE -- "$pattern" <<<"$out"; then
        ok "$name"
    else
        not_ok "$name" "status $status, wanted $want; wanted text: $pattern" "$out"
    fi
}

equal() { # equal NAME WANT GOT
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted: $2" "got:    $3"; fi
}

done_testing() { echo "1..$n"; }

# wait_for SECONDS COMMAND...: bounded.
wait_for() {
    local tries=$(($1 * 20))
    shift
    while [ $tries -gt 0 ]; do
        "$@" >/dev/null 2>&1 && return 0
        tries=$((tries - 1))
        sleep 0.05
    done
    return 1
}

# start_sandbox [OPTION...]: sets SB_url, SB_ca, SB_key, SB_crl, SB_control, SB_pid.
start_sandbox() {
    rm -f "$T/sandbox.ready"
    "$DIGICERT_SANDBOX" --dir "$T/sandbox" --ready-file "$T/sandbox.ready" "$@" \
        >"$T/sandbox.out" 2>"$T/sandbox.err" &
    SB_pid=$!
    pids+=("$SB_pid")
    if ! wait_for 30 test -s "$T/sandbox.ready"; then
        echo "Bail out! the sandbox does not start: $(cat "$T/sandbox.err")"
        exit 1
    fi
    SB_url=$(sed -n 's/^url=//p' "$T/sandbox.ready")
    SB_ca=$(sed -n 's/^ca=//p' "$T/sandbox.ready")
    SB_key=$(sed -n 's/^key=//p' "$T/sandbox.ready")
    SB_control=${SB_url%/services/v2}/_sandbox
    export SB_url SB_ca SB_key SB_control SB_pid
}

stop_sandbox() {
    kill "$SB_pid" 2>/dev/null
    wait "$SB_pid" 2>/dev/null
}

# control METHOD PATH [JSON]
control() {
    curl -sS --max-time 20 --cacert "$SB_ca" -X "$1" ${3:+-d "$3"} "$SB_control$2"
}
fault() { control POST /faults "$1"; }
# How many logged requests match a pattern.
requests() { control GET /requests | jq -r '.[] | .method + " " + .path' | grep -cE -- "$1"; }
forget_requests() { control DELETE /requests; }

# configure [LINE...]: a configuration for the sandbox with its own state directory.
configure() {
    mkdir -p "$T/etc"
    rm -f "$T/etc/digicert-store.conf"
    install -m 600 "$T/sandbox/api.key" "$T/etc/api.key"
    {
        echo "api_url = $SB_url"
        echo "api_key_file = $T/etc/api.key"
        echo "api_ca_file = $SB_ca"
        echo "state_dir = $T/state"
        printf '%s\n' "$@"
    } >"$T/etc/digicert-store.conf"
    export DIGICERT_STORE_CONF=$T/etc/digicert-store.conf
}
fresh_state() { rm -rf "$T/state"; }

# import_key ORDER: the key that the sandbox made for the order, into the store.
import_key() {
    install -m 600 "$T/sandbox/keys/$1.pem" "$T/import.pem" &&
        "$DIGICERT_STORE" import "order/$1" --key "$T/import.pem" >/dev/null
}

# An openssl.cnf that has nothing but the shipped snippet.
printf 'openssl_conf = openssl_init\n.include %s\n' "$DIGICERT_PROVIDER_DIR/digicert-store.cnf" >"$T/openssl.cnf"
CNF=$T/openssl.cnf
export CNF

P=(-provider-path "$DIGICERT_PROVIDER_DIR" -provider default -provider digicert)
export P
storeutl() { openssl storeutl "${P[@]}" "$@"; }
# The kinds of objects that storeutl prints, one word a line.
kinds() { storeutl "$@" 2>/dev/null | sed -n 's/^[0-9]*: //p' | sed 's/:.*//'; }

# as_user USER COMMAND...: with our environment, and the scratch directory reachable.
as_user() {
    local user=$1
    shift
    chmod 755 "$T" 2>/dev/null
    runuser -u "$user" -- "$@"
}
