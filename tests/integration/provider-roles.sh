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
trace_reader() {
    as_user "$1" env DIGICERT_STORE_CONF="$DIGICERT_STORE_CONF" \
        strace -f -o /dev/stdout -e trace=all openssl storeutl "${P[@]}" "$2" 2>/dev/null
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
trace_reader www-data "$O/124" >"$T/trace"
check "a reader opens no socket" bash -c "! grep -E 'socket\(|connect\(' $T/trace"
check "a reader writes nothing" bash -c "! grep -E '$writes' $T/trace | grep -v '/dev/'"
check "a reader does not read the API key" bash -c "! grep api.key $T/trace"
check "a reader takes no lock" bash -c "! grep 'flock(' $T/trace"
equal "a reader's listing is the local orders" "1" "$(load www-data digicert: | grep -c order/123)"

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
runuser -u www-data -- flock "$T/state/orders" sleep 5 &
pids+=($!)
runuser -u www-data -- flock "$T/state/orders/123/current/facts.json" sleep 5 &
pids+=($!)
sleep 0.3
begun=$(date +%s%N)
load root "$O/130" >/dev/null
load root "$O/123" >/dev/null
check "locks on what he can open delay nobody" test $((($(date +%s%N) - begun) / 1000000)) -lt 3000

# ---- read-only bind mount ----
mkdir -p "$T/ro"
if mount --bind "$T/state" "$T/ro" 2>/dev/null && mount -o remount,ro,bind "$T/ro" 2>/dev/null; then
    sed "s|^state_dir.*|state_dir = $T/ro|" "$DIGICERT_STORE_CONF" >"$T/etc/ro.conf"
    equal "on a read-only mount root is a reader and is served" "Certificate Certificate" \
        "$(DIGICERT_STORE_CONF=$T/etc/ro.conf load root "$O/123")"
    equal "and fails at once on a cold order" "" "$(DIGICERT_STORE_CONF=$T/etc/ro.conf load root "$O/126")"
    check "saying that the file system is read-only" grep -qi 'read-only' "$T/err"
    umount "$T/ro"
else
    skip "a read-only mount makes readers" "this machine allows no bind mounts"
fi

# ---- set-uid ----
cp "$(command -v openssl)" "$T/openssl-suid"
chown root "$T/openssl-suid"
chmod 4755 "$T/openssl-suid"
install -d "$T/sys/etc"
: >"$T/err"
as_user www-data env DIGICERT_STORE_CONF="$DIGICERT_STORE_CONF" DIGICERT_STORE_TRACE="$T/suid.trace" \
    "$T/openssl-suid" storeutl "${P[@]}" "$O/126" >"$T/suid.out" 2>&1
check "a set-uid program ignores DIGICERT_STORE_CONF" bash -c "! grep -q '$T/state' $T/suid.out"
check "a set-uid program ignores DIGICERT_STORE_TRACE" test ! -e "$T/suid.trace"
forget_requests
as_user www-data env DIGICERT_STORE_CONF="$DIGICERT_STORE_CONF" "$T/openssl-suid" storeutl "${P[@]}" "$O/126" >/dev/null 2>&1
equal "a set-uid program asks the CA nothing" 0 "$(requests '.')"

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
