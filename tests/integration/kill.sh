#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill.sh - killed at the n-th system call that writes, syncs, renames or talks, for every n, during
# the first fetch of an order by root for another keeper, and an import: the next load works, readers
# are served, root leaves nothing of its own, and nothing half-written is ever served.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
configure
if ! strace -o /dev/null true 2>/dev/null; then
    skip "killed anywhere, the next load works" "strace cannot trace here"
    done_testing
    exit 0
fi
calls=write,pwrite64,fsync,fchown,renameat,renameat2,mkdirat,symlinkat,openat,fchmod,ftruncate,unlinkat,sendto,recvfrom,connect,flock
reader_conf=$T/etc/reader.conf

# Kinds that a pure cache read gives: what somebody would be served right now.
served() { runuser -u nobody -- env DIGICERT_STORE_CONF="$reader_conf" openssl storeutl "${P[@]}" "$1" 2>/dev/null | sed -n 's/^[0-9]*: //p' | xargs; }
chmod 755 "$T" "$T/etc"
cp "$DIGICERT_STORE_CONF" "$reader_conf"
chmod 644 "$reader_conf"
cp "$DIGICERT_PROVIDER_DIR/digicert.so" "$T/"
P=(-provider-path "$T" -provider default -provider digicert)

sweep() { # sweep NAME COMMAND...: until a run survives
    local name=$1 k killed=0 bad="" after
    shift
    for call in ${calls//,/ }; do
        k=0
        while [ $k -lt 400 ]; do
            k=$((k + ${STEP:-1}))
            prepare
            # the subshell keeps the shell's own "Killed" to itself
            (
                strace -f -o /dev/null -e trace="$call" -e inject="$call":signal=KILL:when=$k "$@"
                exit $?
            ) >/dev/null 2>&1 && break
            killed=$((killed + 1))
            after=$(served digicert://order/123)
            case $after in
            "" | "Certificate Certificate" | "Certificate Certificate Pkey") ;;
            *) bad+="$call $k served: $after;" ;;
            esac
            after=$(kinds digicert://order/123 | xargs)
            case $after in
            "Certificate Certificate" | "Certificate Certificate Pkey") ;;
            *) bad+="$call $k, next load: $after;" ;;
            esac
            # What is left belongs to the owner of the directory and is open to those who may read.
            after=$(served digicert://order/123)
            [ "$after" = "Certificate Certificate" ] || bad+="$call $k, a reader after it: $after;"
            [ -z "$(find "$T/state" -name '.tmp-*' -prune -o \( ! -user "$(stat -c %U "$T/state")" -o -type d -perm 700 \) -print)" ] ||
                bad+="$call $k left something of another owner or closed;"
            [ -z "$(find "$T/state" -name '*.bad-*')" ] || bad+="$call $k left damage;"
        done
    done
    if [ -z "$bad" ] && [ $killed -gt 20 ]; then
        ok "$name: killed $killed times, each time the next load worked"
    else
        not_ok "$name" "killed $killed times" "$bad"
    fi
}

prepare() {
    fresh_state
    install -d -o www-data -g www-data -m 755 "$T/state"
}
sweep "the first fetch" openssl storeutl "${P[@]}" digicert://order/123

prepare() {
    fresh_state
    "$DIGICERT_STORE" get 123 >/dev/null 2>&1
}
install -m 600 "$T/sandbox/keys/123.pem" "$T/import.pem"
sweep "an import" "$DIGICERT_STORE" import 123 --key "$T/import.pem"
done_testing
