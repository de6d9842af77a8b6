#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# systemd.sh - the units as they are installed: accepted by systemd, confined, and their command lines
# do what they say as the user and with the credential that they name. No systemd needs to run.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

THRESHOLD=20 # tenths, of systemd's measure of exposure: 0 nothing, 100 everything
dest=$T/dest
check "meson install succeeds" env DESTDIR="$dest" meson install -C "$DCS_BUILD_ROOT" --no-rebuild
service=$(find "$dest" -name digicert-store-sync.service)
timer=$(find "$dest" -name digicert-store-sync.timer)
sysusers=$(find "$dest" -path '*/sysusers.d/digicert-store.conf')
tmpfiles=$(find "$dest" -path '*/tmpfiles.d/digicert-store.conf')
for file in "$service" "$timer" "$sysusers" "$tmpfiles"; do
    check "${file#"$dest"} is installed" test -s "$file"
done
check "the manual is, too" test -s "$dest/usr/share/man/man8/digicert-store-sync.service.8"
check "nothing in them is left to fill in" bash -c "! grep -nE '@[a-z_]+@' $service $timer $sysusers $tmpfiles"

# Of a unit: the values of a key, in their order.
values() { sed -n "s/^$2=//p" "$1"; }

if command -v systemd-analyze >/dev/null; then
    # The units of this host beside ours, since ours depend on them.
    units=$(dirname "$service")
    for dir in /usr/lib/systemd/system /lib/systemd/system; do
        [ -d "$dir" ] && cp -rn "$dir/." "$units/" 2>/dev/null
    done
    equal "systemd has nothing to say about them" "" \
        "$(systemd-analyze verify --man=no --root="$dest" digicert-store-sync.timer digicert-store-sync.service 2>&1)"
    cp "$service" "$service.good"
    echo 'ProtectSytem=strict' >>"$service"
    check "it would, if something was wrong" bash -c "
        systemd-analyze verify --man=no --root=$dest digicert-store-sync.service 2>&1 | grep -q ProtectSytem"
    mv "$service.good" "$service"
    check "the service is exposed little" \
        systemd-analyze security --no-pager --offline=yes --threshold=$THRESHOLD --root="$dest" \
        digicert-store-sync.service
    check "every ten minutes is a time that systemd knows" \
        systemd-analyze calendar "$(values "$timer" OnCalendar)"
else
    skip "what systemd says of the units" "systemd is not installed"
fi

equal "trouble of an order or the CA is no failure of the unit" "3 4 5 6 8" "$(values "$service" SuccessExitStatus)"
equal "a fleet is spread: a delay" 10min "$(values "$timer" RandomizedDelaySec)"
equal "  the same one each time" yes "$(values "$timer" FixedRandomDelay)"
equal "what was missed is made up for" yes "$(values "$timer" Persistent)"
equal "the key comes as a credential" digicert-api-key:/etc/digicert-store/api.key "$(values "$service" LoadCredential)"

# ---- the user and the directory ----
if [ "$(id -u)" -eq 0 ] && command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null; then
    mkdir -p "$dest/etc"
    check "sysusers makes the user" systemd-sysusers --root="$dest" "$sysusers"
    uid=$(awk -F: '$1 == "digicert-store" { print $3 }' "$dest/etc/passwd")
    check "  with its home" grep -q '^digicert-store:.*:/var/lib/digicert-store:' "$dest/etc/passwd"
    check "tmpfiles makes the directory" systemd-tmpfiles --root="$dest" --create digicert-store.conf
    equal "  which is that user's" "$uid 755" "$(stat -c '%u %a' "$dest/var/lib/digicert-store")"
else
    skip "the user and the directory are made" "needs root and systemd"
fi

# ---- the command lines ----
# What stands in the unit, run as its user would, with the credential in its directory and a
# configuration whose api_key_file that user cannot read.
start_sandbox
control POST /settings '{"switches":{"dcv":"valid"}}' >/dev/null
configure '[order/124]' 'reissue = auto' "[order/999]"
uid=64123
as_service() { # as_service COMMAND...: its programs are those of the installation
    env CREDENTIALS_DIRECTORY="$T/credentials" PATH="$dest/usr/bin:$PATH" \
        setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs \
        bash -c 'umask 0077; exec "$@"' - "$@"
}
if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$T"
    chmod 644 "$DIGICERT_STORE_CONF" "$SB_ca"
    chmod 755 "$T/sandbox"
    install -d -o "$uid" -g "$uid" -m 755 "$T/state"
    install -d -o "$uid" -g "$uid" -m 500 "$T/credentials"
    install -o "$uid" -g "$uid" -m 400 "$T/sandbox/api.key" "$T/credentials/digicert-api-key"
    read -r -a sync <<<"$(values "$service" ExecStart)"
    check "ExecStart is a program that is installed" test -x "$dest${sync[0]}"
    check_fails "ExecStart does the work; an order that is not there is status 3, which the unit takes for success" \
        3 'no such order' as_service "$dest${sync[0]}" "${sync[@]:1}"
    equal "  the pair is here" true "$("$DIGICERT_STORE" show --json order/124 | jq .current.has_key)"
    equal "  and the user's" "$uid 600" \
        "$(stat -L -c '%u %a' "$T/state/orders/124/current/privkey.pem")"
    check "  nothing of it is root's" bash -c "! find $T/state -user 0 | grep -q ."
    sed -i 's/^api_key_file.*//' "$DIGICERT_STORE_CONF"
    check "without api_key_file, too" bash -c "$(declare -f as_service); T=$T dest=$dest uid=$uid
        as_service $DIGICERT_STORE show --refresh order/124"
    rm -rf "$T/credentials"
    check_fails "without a credential it says what is missing" 2 'api_key_file is not set|does not exist' \
        as_service "$dest${sync[0]}" "${sync[@]:1}" --now
    # With + the line has full rights.
    post=$(values "$service" ExecStartPost)
    equal "ExecStartPost has full rights" + "${post:0:1}"
    read -r -a deliver <<<"${post#+}"
    check "ExecStartPost is a program that is installed" test -x "$dest${deliver[0]}"
    if "$DIGICERT_STORE" deliver --help >/dev/null 2>&1; then
        check "ExecStartPost does its work" "$dest${deliver[0]}" "${deliver[@]:1}"
        check "  what is current is delivered" test -e "$T/state/orders/124/delivered"
    else
        skip "ExecStartPost does its work" "there is no verb deliver yet"
    fi
else
    skip "the command lines run" "needs root"
fi
done_testing
