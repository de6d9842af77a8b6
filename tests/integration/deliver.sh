#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deliver.sh - from `current` to running programs: copies, hooks of every bad kind, verify, rollback,
# kills, foreign directories. Asks the CA for certificates only.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox --no-rate-limit
store() { "$DIGICERT_STORE" "$@"; }
link() { readlink "$T/state/orders/$1/$2"; }
record() { jq -r "$2" "$T/state/orders/$1/delivery.json"; }
result() { store deliver --json "${@:2}" 2>/dev/null | jq -r ".orders[0]$1"; }
serial() { openssl x509 -in "$1" -noout -serial | sed 's/.*=//' | tr A-F a-f | sed 's/^0*//'; }
new_pair() { store reissue --again --timeout 30 "order/$1" >/dev/null; }
fits() { # DIR: cert.pem, privkey.pem and combined.pem belong together
    local key
    key=$(openssl pkey -in "$1/privkey.pem" -pubout) &&
        [ "$key" = "$(openssl x509 -in "$1/cert.pem" -pubkey -noout)" ] &&
        [ "$key" = "$(openssl pkey -in "$1/combined.pem" -pubout)" ] &&
        [ "$key" = "$(openssl x509 -in "$1/combined.pem" -pubkey -noout)" ] &&
        openssl crl2pkcs7 -nocrl -certfile "$1/fullchain.pem" | openssl pkcs7 -print_certs -noout | grep -q subject
}
# Orders 900..: made in one go, each with a pair.
control POST /orders '{"count":40,"first_id":900,"common_name":"d.example.com","switches":{"dcv":"valid"}}' >/dev/null

# ---- one order from the beginning ----
hook_env="env > $T/env; cat >> $T/env; ls /proc/self/fd | wc -l > $T/fds"
configure '[order/900]' 'reissue = auto' "deliver = $T/tls" "hook = $hook_env"
check "a pair" store get order/900
mv "$T/etc/api.key" "$T/etc/api.away"
equal "until deliver has run the pair is told as waiting" waiting "$(store status --json | jq -r '.orders[0].delivery.state')"
check_fails "after a day as undelivered" 8 'order 900 .*is undelivered: .*deliver. run' faketime -f +25h "$DIGICERT_STORE" status --check
forget_requests
check "deliver needs no API key" store deliver
mv "$T/etc/api.away" "$T/etc/api.key"
equal "and asks the CA nothing" 0 "$(control GET /requests | jq length)"
equal "delivered names what current names" "$(link 900 current)" "$(link 900 delivered)"
check "the copy is a pair, combined.pem too" fits "$T/tls/current"
equal "its key is for its owner alone" "600 600 644 644 644" \
    "$(cd "$T/tls/current/" && stat -c %a privkey.pem combined.pem cert.pem chain.pem fullchain.pem | xargs)"
equal "the hook's environment is PATH, LANG and ours, and nothing of this shell" \
    "CURRENT DIR EVENT LANG NAMES NEW_SERIAL NOT_AFTER OLD_SERIAL ORDER PATH PWD REASON URI" \
    "$(sed -n 's/^DIGICERT_STORE_//;s/=.*//p' "$T/env" | sort | xargs)"
value() { sed -n "s/^DIGICERT_STORE_$1=//p" "$T/env"; }
equal "it tells event, order and URI" "renewed 900 digicert://order/900" "$(value EVENT) $(value ORDER) $(value URI)"
equal "where the new files are" "$T/tls/gen-0001 $T/tls/current" "$(value DIR) $(value CURRENT)"
equal "no serial before the first" "" "$(value OLD_SERIAL)"
first=$(value NEW_SERIAL)
equal "and the new serial" "$(serial "$T/tls/current/cert.pem")" "$(sed 's/^0*//' <<<"$first")"
equal "no descriptor of ours is open in a hook" 4 "$(cat "$T/fds")"
rm "$T/env"
equal "a second run has nothing to do" nothing "$(result .action order/900)"
check "and runs no hook" test ! -e "$T/env"
new_pair 900
equal "a new certificate is delivered" delivered "$(result .action)"
equal "with the serial before" "$first" "$(value OLD_SERIAL)"
check "the copy is the new pair" fits "$T/tls/current"
equal "and the one before stays" "gen-0001 gen-0002" "$(cd "$T/tls" && echo gen-*)"
new_pair 900
store deliver >/dev/null
equal "older ones go" "gen-0002 gen-0003" "$(cd "$T/tls" && echo gen-*)"
echo x >>"$T/tls/current/cert.pem"
equal "a copy that somebody changed is made again" delivered "$(result .action)"
check "with a reason" grep -q 'REASON=the copy in .* was missing or changed' "$T/env"
check "and is a pair again" fits "$T/tls/current"
rm -rf "$T/tls"
check "so is one that is gone" store deliver order/900
check "and is a pair" fits "$T/tls/current"
check "nothing of a copy is left half done" test -z "$(find "$T/tls" -name '.tmp*')"

# ---- a hundred deliveries with hooks that fail, hang, print megabytes, start daemons, kill ----
# shellcheck disable=SC2016 # for the hook's shell
hooks=(
    'exit 0'
    'exit 3'
    'sleep 1000'
    'trap "" TERM; sleep 1000 & sleep 1000'
    'head -c 3000000 /dev/zero | tr "\\0" x; echo; echo the end; exit 1'
    'yes'
    'setsid sleep 300 </dev/null & echo $! >>"$PIDS"'
    'sleep 300 & echo $! >>"$PIDS"'
    'kill -9 $$'
    'kill -TERM 0'
    'kill -STOP $$'
    'echo no; exec /nothing/there'
    'printf "\033[31mred\000\377\n"; exit 4'
    'exec 0<&- 1>&- 2>&-; exit 0'
    'ulimit -n 3; exit 5'
    'kill -9 $PPID; exit 0'
    'umask 0; mkdir "$PIDS.x" 2>/dev/null; exit 0'
    'cat; read -r line; test -z "$line"'
    ': >/dev/full; echo y >/dev/full; exit 6'
    'exit 255'
)
lines=()
mkdir "$T/hooks"
for i in "${!hooks[@]}"; do
    id=$((901 + i))
    printf 'PIDS=%s\n%s\n' "$T/pids" "${hooks[i]}" >"$T/hooks/$id"
    lines+=("[order/$id]" "deliver = $T/many/$id" "hook = . $T/hooks/$id")
done
mkdir "$T/many"
configure 'hook_deadline = 300ms' "${lines[@]}"
: >"$T/pids"
for i in "${!hooks[@]}"; do new_pair $((901 + i)); done
deliver_all() {
    local tries
    for tries in 1 2 3 4 5; do # a hook that kills its deliver ends that run
        timeout 60 "$DIGICERT_STORE" deliver >"$T/out" 2>"$T/err"
        [ $? -le 8 ] && return 0
        : "$tries"
    done
    return 1
}
begun=$(date +%s)
check "twenty bad hooks hold up no other" deliver_all
ready=(901 907 908 914 917 918)
is_delivered() { [ "$(link "$1" delivered)" = "$(link "$1" current)" ]; }
all_ready() { local o; for o in "${ready[@]}"; do is_delivered "$o" || { echo "order $o"; return 1; }; done; }
check "the good ones among them are delivered" all_ready
failing=(902 903 904 905 906 909 910 911 912 913 915 919 920)
none_ready() { local o; for o in "${failing[@]}"; do if is_delivered "$o"; then echo "order $o"; return 1; fi; done; }
check "the bad ones are not" none_ready
check "daemons that hooks started live on" bash -c "for pid in \$(cat '$T/pids'); do kill -0 \$pid || exit 1; done"
kill_daemons() { local pid; while read -r pid; do kill "$pid" 2>/dev/null; done <"$T/pids"; : >"$T/pids"; }
kill_daemons
equal "of megabytes the last 64 KiB are kept" "65536 the end" \
    "$(record 905 '.output | utf8bytelength') $(record 905 '.output | rtrimstr("\n")' | tail -n 1)"
equal "control characters become harmless" '?[31mred??' "$(record 913 .output)"
equal "the record tells how each ended" "exit status 3;not done after 1 s;killed by signal 9 (Killed)" \
    "$(record 902 .reason | sed 's/.*failed: //');$(record 903 .reason | sed 's/.*failed: //');$(record 909 .reason | sed 's/.*failed: //')"
check "a record with output is for its owner" test "$(stat -c %a "$T/state/orders/905/delivery.json")" = 600
check "twenty take about as long as their deadlines, on a busy machine, too" test $(($(date +%s) - begun)) -lt 90
for round in 2 3 4 5; do deliver_all || not_ok "run $round ends" "$(cat "$T/err")"; done
ok "a hundred deliveries come to their end"
equal "after three failures the next try is ten minutes away" 3 "$(record 902 .failures)"
wait_s=$(($(record 902 .next_try) - $(record 902 .last_try)))
check "  or as long as the ladder says ($wait_s s)" test "$wait_s" -ge 595 -a "$wait_s" -le 605
equal "until then it waits" waits "$(store deliver --json 2>/dev/null | jq -r '.orders[] | select(.order_id == 902).action')"
equal "a person is not kept waiting" failed "$(result .action order/902)"
equal "and climbs on" 4 "$(record 902 .failures)"
configure '[order/902]' 'hook = true'
equal "a hook that was mended makes an end of it" delivered "$(result .action order/902)"
equal "and of the record" "0 null" "$(record 902 .failures) $(record 902 .output)"
check_fails "a failing one is told on stderr with its exit status" 7 'order 903: not delivered: the hook failed' bash -c "
    echo 'hook_deadline = 200ms
[order/903]
hook = exit 9' >>'$T/etc/digicert-store.conf'; sed -i '/^\[order.902/,/^hook = true/d' '$T/etc/digicert-store.conf'
    '$DIGICERT_STORE' deliver order/903"
kill_daemons

# ---- full disk, read-only, foreign directories ----
configure '[order/930]' "deliver = $T/ro/tls"
check "a pair" new_pair 930
if mkdir "$T/ro" && mount -t tmpfs -o size=256k tmpfs "$T/ro" 2>/dev/null; then
    check "a copy on a small disk" store deliver order/930
    new_pair 930
    head -c 1000000 /dev/zero >"$T/ro/full" 2>/dev/null
    check_fails "a full disk is said" 7 'No space left' store deliver order/930
    check "and leaves the pair that was there" fits "$T/ro/tls/current"
    equal "nothing half done" 0 "$(find "$T/ro/tls" -name '.tmp*' | wc -l)"
    equal "a copy failure is none of the hook's or the server's" "1 0" "$(record 930 .failures) $(record 930 .refusals)"
    check_fails "--to there says so, too, but not as a failure" 0 'stays: .*No space left' store deliver order/930 --to "$T/ro/tls"
    mount -o remount,ro "$T/ro"
    check_fails "a read-only one is said" 7 'Read-only' store deliver order/930
    check "--to is content with the pair that is there" store deliver order/930 --to "$T/ro/tls"
    check "which is no lie" fits "$T/ro/tls/current"
    mount -o remount,rw "$T/ro"
    rm "$T/ro/full"
    check "with room it goes on" store deliver order/930
    check "with the new pair" fits "$T/ro/tls/current"
    umount "$T/ro"
else
    skip "full and read-only disks" "this container may not mount"
fi
if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$T"
    give() { mkdir "$1" && chown nobody "$1"; }
    for_nobody() { configure '[order/930]' "deliver = $1" 'deliver_owner = nobody' 'deliver_mode = 0640'; }
    give "$T/theirs"
    for_nobody "$T/theirs"
    check "a copy for another user" store deliver order/930
    equal "belongs to that user, with deliver_mode" "nobody nobody 640 nobody 644 nobody 755" \
        "$(cd "$T/theirs/" && stat -c %U current | xargs) $(stat -c '%U %a' "$T/theirs/current/privkey.pem") $(stat -c '%U %a' "$T/theirs/current/cert.pem") $(stat -c '%U %a' "$T/theirs/current/")"
    check "who can read the pair" as_user nobody openssl pkey -in "$T/theirs/current/privkey.pem" -noout

    # What its owner may do in it: nothing that root would follow.
    victim=$T/victim
    mkdir -m 700 "$victim"
    echo precious >"$victim/cert.pem"
    untouched() { [ "$(cat "$victim/cert.pem")" = precious ] && [ "$(find "$victim" | wc -l)" = 2 ]; }
    attack() { # NAME SCRIPT: as the directory's owner, in it; then a new pair is delivered
        as_user nobody sh -c "cd '$T/theirs' && $2"
        new_pair 930
        store deliver order/930 >"$T/out" 2>&1
        check "$1: nothing of root's is touched" untouched
    }
    attack "current leads to a directory of root's" "rm -f current; ln -s '$victim' current"
    check "and is made anew" fits "$T/theirs/current"
    attack "the next generation is a link" "for i in 2 3 4 5 6 7 8 9; do ln -s '$victim' gen-000\$i; done"
    attack "so are temporary names" "for i in 2 3 4 5 6 7 8 9; do rm -rf gen-*; ln -s '$victim' .tmp-gen-000\$i; done"
    attack "and the files of a copy" "rm -rf gen-0099; mkdir gen-0099; ln -s '$victim/cert.pem' gen-0099/cert.pem; rm -f current; ln -s gen-0099 current"
    attack "current is a directory" "rm -f current; mkdir current; ln -s '$victim/cert.pem' current/privkey.pem"
    as_user nobody sh -c "rm -rf '$T/theirs/current' '$T/theirs'/gen-*"
    check "when they stop, the copy is there" store deliver order/930
    check "and is a pair" fits "$T/theirs/current"
    rm -rf "$T/theirs"
    ln -s "$victim" "$T/theirs" && chown -h nobody "$T/theirs"
    check_fails "a link in the place of the directory is not followed" 8 'symbolic link of uid' store deliver order/930
    rm "$T/theirs"
    mkdir -m 755 "$T/foreign" && chown daemon "$T/foreign"
    for_nobody "$T/foreign"
    check_fails "nor is a third user's directory used" 8 'belongs to uid' store deliver order/930
    give "$T/open" && chmod 1777 "$T/open"
    for_nobody "$T/open"
    check_fails "nor one that everybody writes to" 8 'written by everybody' store deliver order/930
    check "root's own links are followed" bash -c "ln -s '$T/open' '$T/door' && chmod 755 '$T/open' &&
        sed -i 's|$T/open|$T/door|' '$T/etc/digicert-store.conf' && '$DIGICERT_STORE' deliver order/930"
    check "to where they lead" fits "$T/open/current"
    check_fails "--to with a user that is not there" 2 'no such user' store deliver order/930 --to "$T/nowhere" --owner nosuchuser
    check "--to with owner and mode" store deliver order/930 --to "$T/unit" --owner nobody --mode 0640
    equal "has them" "nobody 640" "$(stat -c '%U %a' "$T/unit/current/privkey.pem")"

    # A state directory whose owner leads root astray.
    new_pair 930
    mv "$T/state/orders/930" "$T/state/orders/moved" && ln -s moved "$T/state/orders/930"
    check_fails "a link in the place of the order's directory is not followed" 3 'nothing of it is here' store deliver order/930
    rm "$T/state/orders/930" && mv "$T/state/orders/moved" "$T/state/orders/930"
else
    skip "directories of other users" "not root"
fi

# ---- --to ----
configure '[order/930]' "hook = touch $T/ran"
forget_requests
delivered=$(link 930 delivered)
check "--to copies" store deliver order/930 --to "$T/to"
check "a pair" fits "$T/to/current"
check "with no hook" test ! -e "$T/ran"
equal "and no link" "$delivered" "$(link 930 delivered)"
mv "$T/state" "$T/gone"
check "without a state directory the copy that is there is good enough" store deliver order/930 --to "$T/to"
check_fails "but none is no pair" 3 'nothing usable' store deliver order/930 --to "$T/empty"
mv "$T/gone" "$T/state"
echo 'nonsense = 1' >>"$T/etc/digicert-store.conf"
check "nor does a typo in the configuration stop a service" store deliver order/930 --to "$T/to"
check_fails "which deliver itself refuses" 2 nonsense store deliver
echo garbage >"$T/to/current/privkey.pem"
check_fails "half a pair is none" 2 nonsense store deliver order/930 --to "$T/to"
sed -i /nonsense/d "$T/etc/digicert-store.conf"
check "and is mended" store deliver order/930 --to "$T/to"
check "to a pair" fits "$T/to/current"
check_fails "a name that is not known here asks nobody" 7 'never does|nothing' store deliver name/elsewhere.example --to "$T/none"
equal "not once" 0 "$(control GET /requests | jq length)"
check "a name that is" store deliver "name/$(jq -r .names[0] "$T/state/orders/930/current/facts.json")" --to "$T/none"

# ---- killed at any step ----
configure '[order/931]' "deliver = $T/killed" "hook = echo run >>$T/runs"
check "a pair" store get order/931
check "delivered" store deliver order/931
killed=0
good=0
for call in rename renameat2 symlinkat fsync mkdirat unlinkat fchmod; do
    for at in 1 2 4; do
        [ $((killed % 4)) -eq 0 ] && new_pair 931
        rm -rf "$T/killed/current"
        # The shell would tell of each kill.
        { strace -f -qq -o /dev/null -e "inject=$call:signal=KILL:when=$at" "$DIGICERT_STORE" deliver order/931 >/dev/null 2>&1; } 2>/dev/null
        killed=$((killed + 1))
        store deliver order/931 >"$T/out" 2>&1 && fits "$T/killed/current" && is_delivered 931 &&
            [ -z "$(find "$T/killed" "$T/state/orders/931" -maxdepth 1 -name '.tmp-gen*')" ] && good=$((good + 1)) || cat "$T/out"
    done
done
equal "of $killed deliveries that were killed each is made good by the next" "$killed" "$good"

# ---- two at once ----
configure '[order/931]' "hook = sleep 1; echo run >>$T/once"
new_pair 931
store deliver >/dev/null &
other=$!
wait_for 10 test -e "$T/state/orders/931/deliver-lock"
sleep 0.3
equal "a second run leaves the order to the first" busy "$(result .action order/931)"
wait "$other"
equal "the hook ran once" 1 "$(wc -l <"$T/once")"
done_testing
