#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# provider-roles.sh - who may do what: the owner, root for another owner, a stranger, a read-only
# mount, a set-uid program; and every row of the load table for keeper and reader.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
    skip "roles" "these tests need root to become other users"
    done_testing
    exit 0
fi
start_sandbox
configure
O=digicert://order
id keeper-test >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin keeper-test
chmod 755 "$T" "$T/etc" "$T/sandbox"
cp "$DIGICERT_PROVIDER_DIR/digicert.so" "$T/digicert.so"
cp "$DIGICERT_STORE" "$T/digicert-store"
P=(-provider-path "$T" -provider default -provider digicert)

# load USER URI: storeutl as that user; kinds of objects on one line.
load() {
    as_user "$1" env DIGICERT_STORE_CONF="$DIGICERT_STORE_CONF" \
        openssl storeutl "${P[@]}" "$2" 2>"$T/err" | sed -n 's/^[0-9]*: //p' | xargs
}
# trace_reader USER URI: the same, its system calls in $T/trace.
trace_reader() {
    : >"$T/trace"
    chmod 666 "$T/trace"
    as_user "$1" env DIGICERT_STORE_CONF="$DIGICERT_STORE_CONF" \
        strace -f -o "$T/trace" openssl storeutl "${P[@]}" "$2" 2>/dev/null | sed -n 's/^[0-9]*: //p' | sed 's/:.*//' | sort -u
}
writes='openat?\(.*(O_WRONLY|O_RDWR|O_CREAT)[^/]*$|rename|unlink|mkdir|symlink|chmod|chown|fsync|ftruncate'

import_key 123
# ---- a stranger (www-data) ----
equal "a reader is served certificates of a cached pair" "Certificate Certificate" "$(load www-data "$O/123?type=chain")"
equal "a reader without the right to the key gets certificates and no key" "Certificate Certificate" "$(load www-data "$O/123")"
check "the error names owner, mode, uid and key_group" bash -c "grep -q 'mode 0600' $T/err && grep -q 'uid' $T/err && grep -q key_group $T/err"
equal "?type=key fails for it when it opens" "" "$(load www-data "$O/123?type=key")"
equal "a reader fails at once on a cold order" "" "$(load www-data "$O/124")"
check "and says who may fetch it and how" grep -q 'digicert-store get order/124' "$T/err"
trace_reader www-data "$O/124" >/dev/null
check "the trace is one of a reader" grep -q 'orders/124' "$T/trace"
check "a reader opens no socket" bash -c "! grep -E 'socket\(|connect\(' $T/trace"
check "a reader writes nothing" bash -c "! grep -E '$writes' $T/trace | grep -v '/dev/'"
check "a reader does not read the API key" bash -c "! grep api.key $T/trace"
check "a reader takes no lock" bash -c "! grep 'flock(' $T/trace"
equal "a reader's listing is the local orders" "1" "$(load www-data digicert: | grep -c order/123)"

# Every row of the load table, and what else a reader may open, under strace.
control POST /orders "{\"id\":9001,\"common_name\":\"urgent.example\",\"status\":\"issued\",\"valid_from\":\"$(date -u -d '-85 days' +%Y-%m-%d)\",\"validity_days\":90}" >/dev/null
control POST /orders "{\"id\":9002,\"common_name\":\"due.example\",\"status\":\"issued\",\"valid_from\":\"$(date -u -d '-70 days' +%Y-%m-%d)\",\"validity_days\":90}" >/dev/null
for order in 124 125 130 140 141 9001 9002; do "$DIGICERT_STORE" get $order >/dev/null 2>&1; done
printf '[order/124]\nreissue = auto\n[order/140]\nserve_expired = no\n' >>"$DIGICERT_STORE_CONF"
printf x >>"$T/state/orders/130/current/fullchain.pem"
rm -f "$T"/state/orders/*/memo.json
while read -r uri want what; do
    equal "reader, $what: ${want/-/nothing}" "${want#-}" "$(trace_reader www-data "digicert:${uri#-}")"
    check "  no socket, no lock, no write, no API key" \
        bash -c "! grep -E 'socket\(|connect\(|flock\(|api\.key|$writes' $T/trace | grep -v '/dev/'"
done <<'EOT'
//order/123 Certificate valid pair, key unreadable
//order/125 Certificate valid without key
//order/9002 Certificate due
//order/9001 Certificate urgent
//order/124 - without key, reissue = auto
//order/130 - damaged
//order/140 - expired, serve_expired = no
//order/141 Certificate revoked
//order/126 - cold
//name/cold.example - a cold name
//certificate/5 - a cold certificate
//order/123?type=crl - a CRL that is not cached
- Name the listing
EOT
configure

# ---- key_group ----
groupadd -f keeper-test-readers
usermod -a -G keeper-test-readers www-data
printf '[order/124]\nkey_group = keeper-test-readers\n' >>"$DIGICERT_STORE_CONF"
import_key 124
equal "key_group gives the key file its group and mode 0640" "640 keeper-test-readers" \
    "$(stat -Lc '%a %G' "$T/state/orders/124/current/privkey.pem")"
equal "a member of key_group gets the pair" "Certificate Certificate Pkey" "$(load www-data "$O/124")"
printf 'private = yes\n' >>"$DIGICERT_STORE_CONF"
fresh_state
import_key 124
equal "private = yes: the order's directories are 0750 and of key_group" "750 keeper-test-readers 750 keeper-test-readers" \
    "$(stat -Lc '%a %G' "$T/state/orders/124" "$T/state/orders/124/current" | xargs)"
equal "a member of key_group gets the pair of a private order" "Certificate Certificate Pkey" "$(load www-data "$O/124")"
equal "somebody else gets nothing of it" "" "$(load nobody "$O/124")"
import_key 123
gpasswd -d www-data keeper-test-readers >/dev/null

# ---- a private key is never wider than its mode, not for a moment ----
fresh_state
"$DIGICERT_STORE" get 124 >/dev/null
install -m 600 "$T/sandbox/keys/124.pem" "$T/import.pem"
strace -f -y -e trace=openat,fchown,fchmod,write,renameat -o "$T/trace" \
    "$DIGICERT_STORE" import 124 --key "$T/import.pem" >/dev/null 2>&1
temporary=$(sed -n 's|.*renameat(.*"\([^"]*/\.tmp-[^"]*\)", .*privkey\.pem").*|\1|p' "$T/trace" | head -n 1)
name=${temporary##*/}
equal "it is made with mode 0600, given to its group, then 0640, then filled" \
    "openat 0600 fchown fchmod 0640 write renameat" \
    "$(grep -E -- "/$name([^0-9]|$)" "$T/trace" | sed -n 's/^[0-9]* *openat(.*O_CREAT.*, \(0[0-7]*\)).*/openat \1/p; s/^[0-9]* *fchown(.*/fchown/p; s/^[0-9]* *fchmod(.*, \(0[0-7]*\)).*/fchmod \1/p; s/^[0-9]* *write(.*/write/p; s/^[0-9]* *renameat(.*/renameat/p' | xargs)"
import_key 123

# ---- modes ----
while read -r mode path; do
    equal "$path has mode $mode" "$mode" "$(stat -Lc %a "$T/state/$path")"
done <<'EOT'
755 .
755 orders
755 orders/123
755 orders/123/current
600 lock
600 orders/123/lock
644 FORMAT
644 orders/123/order.json
644 orders/123/memo.json
600 orders/123/current/privkey.pem
644 orders/123/current/cert.pem
644 orders/123/current/fullchain.pem
644 orders/123/current/facts.json
EOT

# ---- root for another keeper ----
fresh_state
install -d -o keeper-test -g keeper-test -m 755 "$T/state"
equal "root fetches for another owner" "Certificate Certificate" "$(load root "$O/123")"
equal "what root made belongs to that owner" "" "$(find "$T/state" ! -user keeper-test)"
chown keeper-test "$T/etc/api.key"
equal "the owner itself is a keeper" "Certificate Certificate" "$(load keeper-test "$O/125")"
chown root "$T/etc/api.key"

# ---- a stranger holding what locks he can reach ----
fresh_state
load root "$O/123" >/dev/null
check "a stranger cannot open the locks" bash -c "! runuser -u www-data -- flock -n $T/state/orders/123/lock true 2>/dev/null"
# Everything that he can open for reading, at once; he says how much that was.
runuser -u www-data -- bash -c '
    held=0
    while read -r path; do
        exec {fd}<"$path" && flock -n "$fd" && held=$((held + 1))
    done < <(find "$1" -readable ! -type l ! -type p 2>/dev/null)
    echo "$held"
    exec sleep 20' hold "$T/state" >"$T/held" 2>/dev/null &
pids+=($!)
wait_for 10 test -s "$T/held"
check "a stranger holds a lock on each file and directory that he can open ($(cat "$T/held"))" test "$(cat "$T/held")" -gt 20
control POST /orders "{\"id\":9003,\"common_name\":\"urgent.example\",\"status\":\"issued\",\"valid_from\":\"$(date -u -d '-85 days' +%Y-%m-%d)\",\"validity_days\":90}" >/dev/null
begun=$(date +%s%N)
equal "a cold order all the same" "Certificate Certificate" "$(load root "$O/130")"
equal "an urgent one" "Certificate Certificate" "$(load root "$O/9003")$(rm -f "$T/state/orders/9003/memo.json")"
equal "and again, asking the CA" "Certificate Certificate" "$(load root "$O/9003")"
equal "a cold name" "Certificate Certificate" "$(load root digicert://name/rsa.example.com)"
check "an import" import_key 123
equal "the listing" 1 "$(load root digicert: | grep -c order/123)"
check "and nobody was delayed" test $((($(date +%s%N) - begun) / 1000000)) -lt 8000
# He may make nothing in the directory, so neither links nor FIFOs of his can lie in wait there.
equal "a stranger can write nowhere in it" "" "$(runuser -u www-data -- find "$T/state" ! -type l -writable)"
kill "${pids[-1]}" 2>/dev/null

# ---- read-only bind mount ----
mkdir -p "$T/ro"
if mount --bind "$T/state" "$T/ro" 2>/dev/null && mount -o remount,ro,bind "$T/ro" 2>/dev/null; then
    sed "s|^state_dir.*|state_dir = $T/ro|" "$DIGICERT_STORE_CONF" >"$T/etc/ro.conf"
    equal "on a read-only mount root is a reader and is served" "Certificate Certificate Pkey" \
        "$(DIGICERT_STORE_CONF=$T/etc/ro.conf load root "$O/123")"
    equal "and fails at once on a cold order" "" "$(DIGICERT_STORE_CONF=$T/etc/ro.conf load root "$O/126")"
    check "saying that the file system is read-only" grep -qi 'read-only' "$T/err"
    umount "$T/ro"
else
    skip "a read-only mount makes readers" "this machine allows no bind mounts"
fi

# ---- set-uid ----
# The configuration comes by `config =` in the system's openssl.cnf, as nothing else reaches such a
# program; that file is put over the real one in a mount namespace of the test's own.
fresh_state
load root "$O/123" >/dev/null
install -m 4755 "$DCS_TEST_TOOLS/load-tool" "$T/load-suid"
{
    printf 'openssl_conf = i\n[i]\nproviders = p\n[p]\ndefault = d\ndigicert = g\n[d]\nactivate = 1\n'
    printf '[g]\nmodule = %s/digicert.so\nactivate = 1\nconfig = %s\n' "$T" "$DIGICERT_STORE_CONF"
} >"$T/suid.cnf"
chmod 644 "$T/suid.cnf"
system_cnf=$(realpath "$(openssl version -d | cut -d'"' -f2)/openssl.cnf")
sed 's|/state$|/elsewhere|' "$DIGICERT_STORE_CONF" >"$T/etc/other.conf"
# set_uid URI: opens it as root by set-uid, started by www-data with variables that must not count.
set_uid() {
    unshare -m bash -c "mount --bind $T/suid.cnf $system_cnf && exec runuser -u www-data -- env \
        DIGICERT_STORE_CONF=$T/etc/other.conf DIGICERT_STORE_TRACE=$T/suid.trace $T/load-suid count $1" 2>&1
}
if unshare -m mount --bind "$T/suid.cnf" "$system_cnf" 2>/dev/null; then
    find "$T/state" -printf '%p %i %T@ %C@\n' | sort >"$T/before"
    forget_requests
    equal "a set-uid program is served from the cache, whatever DIGICERT_STORE_CONF says" \
        "certs=2 keys=0 crls=0 names=0 publics=0" "$(set_uid "$O/123")"
    check "and is a reader: a cold order is an error that says so" \
        bash -c "grep -q 'set-uid and set-gid programs may only read' <<<'$(set_uid "$O/126" | tr -d "'")'"
    equal "it asks the CA nothing" 0 "$(requests .)"
    equal "it writes nothing" "" "$(find "$T/state" -printf '%p %i %T@ %C@\n' | sort | diff - "$T/before")"
    check "it ignores DIGICERT_STORE_TRACE" test ! -e "$T/suid.trace"
else
    skip "a set-uid program is a reader" "this machine allows no mounts"
fi

# ---- modes do not depend on umask ----
for mask in 000 077 0277; do
    fresh_state
    # shellcheck disable=SC2030
    (
        umask "$mask"
        import_key 123
        "$DIGICERT_STORE" get 31337
        "$DIGICERT_STORE" list
    ) >/dev/null 2>&1
    equal "umask $mask: directories" 755 "$(find "$T/state" -type d -printf '%m\n' | sort -u)"
    equal "umask $mask: keys, locks and records of processes" 600 \
        "$(find "$T/state" -type f \( -name privkey.pem -o -name lock -o -path '*/cold/*' -o -name 'budget-*' -o -name 'service-*' -o -name account.jsonl \) -printf '%m\n' | sort -u)"
    equal "umask $mask: all other files" 644 \
        "$(find "$T/state" -type f ! \( -name privkey.pem -o -name lock -o -path '*/cold/*' -o -name 'budget-*' -o -name 'service-*' -o -name account.jsonl \) -printf '%m\n' | sort -u)"
done

# ---- the load table for a keeper ----
fresh_state
configure
forget_requests
load root "$O/140" >/dev/null
equal "alone, an expired serverAuth certificate is served" "Certificate Certificate" "$(load root "$O/140")"
configure '[order/140]' 'serve_expired = no'
equal "serve_expired = no refuses it" "" "$(load root "$O/140?type=cert")"
check "and says when it expired" grep -q 'expired on 2025-' "$T/err"
equal "a pin serves it all the same" "Certificate Certificate" \
    "$(load root "$O/140?serial=$("$DIGICERT_STORE" show --json 140 | jq -r .current.serial)")"
configure
equal "a revoked one without another is served" "Certificate Certificate" "$(load root "$O/141")"
equal "a pending order is an error that says what is waited for" "" "$(load root "$O/150")"
check "with the CA's word" grep -q '"pending"' "$T/err"
userdel keeper-test 2>/dev/null
groupdel keeper-test-readers 2>/dev/null
done_testing
