#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cli.sh - each command of digicert-store: output, JSON, exit status, files and their modes.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
D=$DIGICERT_STORE

while IFS='|' read -r args status pattern; do
    # shellcheck disable=SC2086 # words on purpose
    check_fails "digicert-store $args ends with $status" "$status" "$pattern" "$D" $args
done <<'EOT'
|2|usage:
--help|0|usage:
--version|0|digicert-store [0-9]
nonsense|2|there is no command "nonsense"
show|2|show wants a URI
show --nonsense|2|there is no option
show order/0|2|1 to 18 digits
show order/777|3|nothing is known of it
get|2|get wants one URI
get --format|2|wants pem
get --format xml 123|2|pem, der or p12
get 31337|3|no such order
get 150|5|no certificate yet
get 156|3|gets none: the CA says "rejected"
show --refresh 157|0|canceled
get --help|0|--with-key
import 123|2|--key FILE
import 123 --key /nonexistent|2|No such file
import 31337 --key /dev/null|2|no private key
list extra|2|takes no argument
status extra|2|takes no argument
exec|2|wants a command
EOT

# ---- get ----
check "get writes leaf and issuer as PEM" bash -c "'$D' get 123 | grep -c 'BEGIN CERTIFICATE' | grep -qx 2"
check_fails "get --with-key without a key says how to get one" 3 'import order/123' "$D" get 123 --with-key
check "get --out of a failing command leaves no file" bash -c "! '$D' get 123 --with-key --out $T/none 2>/dev/null; test ! -e $T/none && ! ls $T/none.tmp-* 2>/dev/null"
check "import takes the key" "$D" import 123 --key "$T/sandbox/keys/123.pem"
check "import from stdin and again is fine" bash -c "'$D' import 123 --key - <'$T/sandbox/keys/123.pem'"
check_fails "import of another order's key is refused" 2 'belongs to no certificate' "$D" import 123 --key "$T/sandbox/keys/124.pem"
check_fails "import of a certificate is refused in words" 2 'a certificate, not a private key' "$D" import 123 --key "$T/sandbox/roots.pem"
openssl pkey -in "$T/sandbox/keys/124.pem" -aes256 -passout pass:secret -out "$T/enc.pem"
printf 'secret\n' >"$T/pass"
check_fails "an encrypted key without passphrase says which option" 2 'passphrase-file' "$D" import 124 --key "$T/enc.pem"
printf 'wrong\n' >"$T/wrong"
check_fails "a wrong passphrase is said" 2 'wrong passphrase' "$D" import 124 --key "$T/enc.pem" --passphrase-file "$T/wrong"
check "an encrypted key with its passphrase is taken" "$D" import 124 --key "$T/enc.pem" --passphrase-file "$T/pass"
openssl genrsa -out "$T/weak.pem" 1024 2>/dev/null
check_fails "a weak key is refused" 2 '1024 bits' "$D" import 125 --key "$T/weak.pem"

"$D" get 123 --with-key --out "$T/pair.pem"
equal "a file with the key has mode 600" 600 "$(stat -c %a "$T/pair.pem")"
"$D" get 123 --out "$T/chain.pem"
equal "a file without it has mode 644" 644 "$(stat -c %a "$T/chain.pem")"
check "the pair in the file fits" bash -c "diff <(openssl x509 -in $T/pair.pem -pubkey -noout) <(openssl pkey -in $T/pair.pem -pubout)"
check "get --format der gives one object" bash -c "'$D' get '123?type=cert' --format der | openssl x509 -inform DER -noout"
check_fails "get --format der --with-key does not leave the key out" 2 'holds one object' "$D" get 123 --format der --with-key --out "$T/none"
check "get --format der of a key" bash -c "'$D' get '123?type=key' --format der | openssl pkey -inform DER -noout"
check "get --format p12 is read by openssl" bash -c "'$D' get 123 --with-key --format p12 --pass-file $T/pass --out $T/x.p12 && openssl pkcs12 -in $T/x.p12 -passin pass:secret -nodes | grep -q 'PRIVATE KEY'"
check "get ?type=public" bash -c "'$D' get '123?type=public' | openssl pkey -pubin -noout"
check "get ?type=crl" bash -c "'$D' get '123?type=crl' | openssl crl -noout"
check_fails "a private key does not go to a terminal" 2 'does not belong on a terminal' \
    script -qec "'$D' get 123 --with-key" /dev/null

# ---- JSON ----
equal "get --json holds the PEM" 2 "$("$D" get 123 --json | jq -r .pem | grep -c 'BEGIN CERTIFICATE')"
equal "get --json --out tells what is where" "123 $T/j.pem true pem" \
    "$("$D" get 123 --with-key --out "$T/j.pem" --json | jq -r '"\(.order_id) \(.file) \(.with_key) \(.format)"')"
check_fails "a private key is in no JSON" 2 'want --out FILE' "$D" get 123 --with-key --json
check_fails "nor is binary data" 2 'want --out FILE' "$D" get 123 --format p12 --json
equal "import --json tells the generation" true "$("$D" import 123 --key "$T/sandbox/keys/123.pem" --json | jq .has_key)"
equal "show --json of several URIs is one object for each" "123 124" "$("$D" show 123 124 --json | jq .order_id | xargs)"
for args in "show 123" list "list --local" status config "config --keys" "doctor --offline"; do
    # shellcheck disable=SC2086
    check "$args --json is JSON" bash -c "'$D' $args --json | jq -e . >/dev/null"
done
equal "show --json tells of the pair" "true fresh www.example.com" \
    "$("$D" show 123 --json | jq -r '"\(.current.has_key) \(.current.stage) \(.current.common_name)"')"
equal "list counts every order once" "$("$D" list --json | jq 'length')" "$("$D" list --json | jq 'map(.order_id) | unique | length')"

# ---- status --check ----
"$D" status --check >/dev/null
equal "status --check is 3 with an order that ended without a certificate" 3 $?
rm -rf "$T/state/orders/156" "$T/state/orders/157"
"$D" status --check >/dev/null
equal "status --check is 5 while an order is pending" 5 $?
rm -rf "$T/state/orders/150"
"$D" status --check >/dev/null
equal "status --check is 0 while all is well" 0 $?
check "status --check is one line with performance data" \
    grep -qxE 'DIGICERT-STORE OK - [0-9]+ orders, all good \|( [a-z_0-9]+=[0-9]+s?;;;0)+' <<<"$("$D" status --check)"
check "status --nagios is OK" "$D" status --nagios
"$D" get 140 >/dev/null 2>&1
"$D" status --check >/dev/null
equal "status --check is 3 with an expired one" 3 $?
check_fails "status --nagios is CRITICAL then, and says which" 2 \
    '^DIGICERT-STORE CRITICAL - 1 of [0-9]+ orders needs attention; order 140 \(expired.example.com\) is expired: .*\| .*expired=1;' \
    "$D" status --nagios
check_fails "status --nagios is UNKNOWN, on stdout, when it cannot tell" 3 '^DIGICERT-STORE UNKNOWN - .*nonsense' \
    bash -c "sed 's/^state_dir/nonsense/' '$DIGICERT_STORE_CONF' >$T/bad.conf; chmod 600 $T/bad.conf; DIGICERT_STORE_CONF=$T/bad.conf '$D' status --nagios 2>/dev/null"
check_fails "status tells it in one way at a time" 2 'one way' "$D" status --check --nagios

configure "[order/129]"
rm -rf "$T/state/orders/140"
"$D" status --check >/dev/null
equal "status --check is 3 while a configured order was never fetched" 3 $?
"$D" get 129 >/dev/null
"$D" status --check >/dev/null
equal "and 0 when it was" 0 $?
configure

# ---- a result that does not arrive ----
for args in "show 123" "show 123 --json" list "list --json" status config "get 123" "doctor --offline"; do
    check_fails "$args on a full disk is no success" 7 'stdout cannot be written' \
        bash -c "'$D' $args 2>&1 >/dev/full"
done

# ---- list: what is missing is said ----
mv "$T/state/account.jsonl" "$T/account.old"
fault '{"match": "GET /order/certificate*", "status": 503, "html": true, "times": 9}' >/dev/null
check_fails "list shows local orders while the service is away, and says what is missing" 6 "digicert://order/123" "$D" list
check_fails "list says why" 6 "account's orders are missing.*|HTTP 503" "$D" list --json
control DELETE /faults >/dev/null
check "list --local is complete without it" "$D" list --local
mv "$T/account.old" "$T/state/account.jsonl"
echo 7 >"$T/state/FORMAT"
for args in "list --local" "show 123" "get 123" status "import 123 --key $T/sandbox/keys/123.pem"; do
    # shellcheck disable=SC2086
    check_fails "$args refuses the state of a newer version" 7 'newer digicert-store' "$D" $args
done
echo 1 >"$T/state/FORMAT"

expiry_of() { "$D" list --json | jq -r --argjson id "$1" '.[] | select(.order_id == $id).not_after'; }
expiry=$(expiry_of 132)
"$D" get 132 >/dev/null
equal "an order expires at the same second before and after its certificate is here" "$expiry" "$(expiry_of 132)"

# ---- several URIs: the worst ----
"$D" show 123 order/777 >/dev/null 2>&1
equal "of several URIs the worst status counts" 3 $?

# ---- doctor ----
doctor() { "$D" doctor 2>&1; }
check "doctor finds a healthy host" bash -c "'$D' doctor | grep -q 'ok .*loader: this OpenSSL loads the module'"
check "doctor says that the key can do more than is needed" grep -q 'more than is needed' <<<"$(doctor)"
viewer=$(control POST /keys '{"role":102}' | jq -r .key)
echo "$viewer" >"$T/etc/api.key"
check "doctor accepts a view-only key" grep -q 'may read orders' <<<"$(doctor)"
control PATCH /keys "{\"key\":\"$viewer\",\"revoked\":true}"
check "doctor says that a revoked key is denied" grep -q 'wrong or revoked' <<<"$(doctor)"
"$D" get 126 >/dev/null 2>&1
equal "a revoked key is exit status 4" 4 $?
configure
fault '{"match":"GET /user/me","times":1,"body":"{\"access_roles\":[{\"id\":null,\"name\":null},7,{\"id\":\"5\",\"name\":\"Standard\"}]}"}' >/dev/null
check "doctor reads a user with less than the usual" grep -qF 'belongs to a user without a name (Standard)' <<<"$(doctor)"
control POST /clock '{"advance_s":7200}' >/dev/null
check "doctor sees a clock that is off" grep -q 'clock is 7[12][0-9][0-9] s behind' <<<"$(doctor)"
control POST /clock '{"advance_s":-7200}' >/dev/null
chmod 777 "$T/state"
check "doctor sees a state directory that others may write" grep -q 'group or others may write' <<<"$(doctor)"
chmod 755 "$T/state"
printf 'openssl_conf = openssl_init\n[openssl_init]\nproviders = provider_sect\n[provider_sect]\nlegacy = l\n[l]\nactivate = 1\n' >"$T/lost.cnf"
check "doctor sees that openssl.cnf lost the default provider" grep -q 'default provider is not active' <<<"$(OPENSSL_CONF=$T/lost.cnf doctor)"
check "doctor prints the line that activates the provider" grep -q '\.include .*digicert-store.cnf' <<<"$(doctor)"
check "doctor sees an active provider" grep -q 'digicert is active' <<<"$(OPENSSL_CONF=$CNF doctor)"
done_testing
