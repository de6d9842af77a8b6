#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reboot.sh - a data centre boots: a thousand hosts, each with its own state directory, load through the
# provider in the same minute, and the CA hears nothing of it.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

HOSTS=1000
start_sandbox
control POST /settings '{"switches":{"dcv":"valid"}}' >/dev/null
# A fresh certificate of an auto order, one that is due (two thirds of its life have passed), and one
# whose key is elsewhere.
configure '[order/124]' 'reissue = auto' '[order/7001]' 'reissue = auto'
control POST /orders '{"id":7001,"common_name":"due.example","age_days":140,"validity_days":199,"order_days":700}' >/dev/null
control GET /orders/7001/key >"$T/sandbox/keys/7001.pem"
"$DIGICERT_STORE" get order/124 >/dev/null
import_key 7001
"$DIGICERT_STORE" get order/125 >/dev/null
equal "the one is due" due "$("$DIGICERT_STORE" show --json order/7001 | jq -r .current.stage)"

# As a boot leaves them: stamps of the boot before, which are no answer of now.
here=$(cat /proc/sys/kernel/random/boot_id)
mkdir "$T/image"
cp -a "$T/state" "$T/image/state"
written=$(grep -rlF -- "$here" "$T/image/state" | wc -l)
check "stamps of this boot are in the state directory" test "$written" -ge 3
find "$T/image/state" -type f -exec sed -i "s/$here/00000000-0000-4000-8000-000000000000/g" {} +
check "and were made those of another one" bash -c "! grep -rqF -- $here $T/image/state"

disk=$T/hosts
[ -w /dev/shm ] && disk=$(mktemp -d /dev/shm/dcs-reboot-XXXXXX)
trap 'rm -rf "$disk"; cleanup' EXIT
mkdir -p "$disk"

boot_one() { # boot_one NUMBER: a host of its own; its one load says whether all objects came
    local dir=$disk/$1 uri=digicert://order/124 want=3
    [ $(($1 % 3)) -eq 1 ] && uri=digicert://order/7001
    [ $(($1 % 3)) -eq 2 ] && uri='digicert://order/125?type=chain' want=2
    mkdir "$dir"
    cp -a "$T/image/state" "$dir/state"
    sed "s|^state_dir.*|state_dir = $dir/state|" "$T/etc/digicert-store.conf" >"$dir/conf"
    DIGICERT_STORE_CONF=$dir/conf timeout 60 openssl storeutl "${P[@]}" -noout "$uri" 2>&1 |
        grep "Total found: $want"
    rm -rf "$dir"
}

forget_requests
began=$(date +%s)
half=$((HOSTS / 2))
for host in $(seq 1 $half); do boot_one "$host"; done >"$T/loaded-1" &
first=$!
for host in $(seq $((half + 1)) $HOSTS); do boot_one "$host"; done >"$T/loaded-2"
wait $first
equal "$HOSTS hosts load what they are for" $HOSTS "$(cat "$T"/loaded-* | wc -l)"
equal "and the CA hears of none of them" 0 "$(control GET /requests | jq length)"
echo "# $HOSTS hosts in $(($(date +%s) - began)) s"
# The log would show it.
fresh_state
storeutl -noout digicert://order/124 >/dev/null 2>&1
check "a host without its state would be heard" test "$(requests .)" -ge 2
done_testing
