#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# doctor.sh - each thing that doctor claims to check is broken, and doctor finds it and says how to
# mend it; nothing here needs a service.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
D=$DIGICERT_STORE
M=$DIGICERT_PROVIDER_DIR/digicert.so
SNIPPET=$DIGICERT_PROVIDER_DIR/digicert-store.cnf
mkdir -p "$T/etc" "$T/state"
export DIGICERT_STORE_CONF=$T/etc/digicert-store.conf
echo "state_dir = $T/state" >"$DIGICERT_STORE_CONF"

# ---- openssl.cnf ----
# finds NAME PATTERN: doctor says PATTERN of the openssl.cnf on standard input.
finds() {
    local name=$1 pattern=$2 out
    cat >"$T/o.cnf"
    out=$(OPENSSL_CONF=$T/o.cnf "$D" doctor --offline 2>&1)
    if grep -qE -- "$pattern" <<<"$out"; then ok "$name"; else not_ok "$name" "wanted: $pattern" "$out"; fi
}
# exec_ends NAME STATUS PATTERN: exec with the same openssl.cnf. The URI is malformed on purpose:
# when the loader answers, the provider was there.
exec_ends() {
    check_fails "$1" "$2" "$3" env OPENSSL_CONF="$T/o.cnf" "$D" exec -- openssl storeutl digicert://exec
}
head='openssl_conf = openssl_init
[openssl_init]
providers = provider_sect
[provider_sect]
'
finds "an openssl.cnf without the provider gets the line to add" \
    'hint: add this line at the end of .*/o\.cnf: \.include .*digicert-store\.cnf' <<EOT
$head
default = default_sect
[default_sect]
activate = 1
EOT
exec_ends "exec adds it for one command" 1 'malformed digicert: URI'
finds "the line at the end activates it" 'ok +providers: digicert is active' <<EOT
$head
default = default_sect
[default_sect]
.include $SNIPPET
EOT
finds "an openssl.cnf that lost the default provider is an error" 'error +providers: the default provider is not active' <<EOT
$head
digicert = d
[d]
module = $M
activate = 1
EOT
finds "digicert before default is seen" 'warning +providers: .*before default' <<EOT
$head
digicert = d
default = e
[d]
module = $M
activate = 1
[e]
activate = 1
EOT
finds "a module that is not where openssl.cnf says is named, with the right one" 'module = /nonexistent/digicert.so: No such file' <<EOT
$head
default = e
digicert = d
[d]
module = /nonexistent/digicert.so
activate = 1
[e]
activate = 1
EOT
finds "a section that does not activate is named" 'add activate = 1 to \[d\]' <<EOT
$head
default = e
digicert = d
[d]
module = $M
[e]
activate = 1
EOT
finds "sections of other names are answered with lines for those names" 'add "digicert = digicert_sect" to \[my_list\]' <<EOT
openssl_conf = my_init
[my_init]
providers = my_list
[my_list]
default = e
[e]
activate = 1
EOT
exec_ends "exec refuses such a file and says what to rename" 2 'openssl_init and provider_sect'
finds "the lines that doctor printed are right" 'ok +providers: digicert is active' <<EOT
openssl_conf = my_init
[my_init]
providers = my_list
[my_list]
default = e
digicert = digicert_sect
[e]
activate = 1
[digicert_sect]
module = $M
activate = 1
EOT
exec_ends "exec uses such a file as it is" 1 'malformed digicert: URI'
finds "a file that does not begin with openssl_conf is seen, also when it includes ours" 'lacks "openssl_conf = openssl_init" before its first section' <<EOT
.include $SNIPPET
EOT
finds "a syntax error has its file and line" 'error +openssl\.cnf: .*/o\.cnf:2: .*bracket' <<EOT
openssl_conf = openssl_init
[openssl_init
EOT
exec_ends "exec refuses it too: OpenSSL would ignore the whole file" 2 'o\.cnf:2: .*bracket'

# ---- the command line of exec ----
check_fails "exec takes --json before the command" 0 '^hi$' "$D" exec --json -- echo hi
check_fails "exec knows no other option" 2 'there is no option "--nonsense"' "$D" exec --nonsense -- true
check_fails "what follows the command belongs to it" 0 '^--json --help$' "$D" exec echo --json --help

# ---- configuration, directories, modes ----
# says NAME PATTERN [COMMAND...]: doctor (run by the command) says PATTERN.
says() {
    local name=$1 pattern=$2 out
    shift 2
    out=$("$@" "$D" doctor --offline 2>&1)
    if grep -qE -- "$pattern" <<<"$out"; then ok "$name"; else not_ok "$name" "wanted: $pattern" "$out"; fi
}
check "the sample configuration has no problem but its key file" \
    bash -c "sed 's|^api_key_file.*|state_dir = $T/state|' '$DCS_SOURCE_ROOT/examples/digicert-store.conf' >'$T/etc/sample.conf'; DIGICERT_STORE_CONF=$T/etc/sample.conf '$D' doctor --offline --json | jq -e 'all(.level != \"error\")'"
printf '[order/5]\nkey_group = nosuchgroup\n' >>"$DIGICERT_STORE_CONF"
says "a key_group that does not exist has its file and line" 'digicert-store\.conf:3: key_group = nosuchgroup: there is no such group'
sed -i '2,$d' "$DIGICERT_STORE_CONF"
printf 'secret\n' >"$T/etc/api.key"
chmod 600 "$T/etc/api.key"
printf 'api_url = http://127.0.0.1:1/\napi_key_file = %s\n' "$T/etc/api.key" >>"$DIGICERT_STORE_CONF"
check_fails "with a wrong api_url the key goes nowhere, least of all to the built-in one" 2 'service: not asked: the configuration' \
    "$D" doctor
sed -i '2,$d' "$DIGICERT_STORE_CONF"

mkdir -p "$T/state/orders/5/gen-0001"
for dir in '' /orders /orders/5 /orders/5/gen-0001; do
    chmod g+w "$T/state$dir"
    says "others may write state_dir$dir: said with the chmod" "hint: chmod go-w $T/state$dir:"
    chmod g-w "$T/state$dir"
done
rm -r "$T/state/orders/5"
check "a healthy state directory has no error" bash -c "'$D' doctor --offline --json | jq -e 'all(.level != \"error\")'"
mv "$T/state" "$T/moved" && : >"$T/state"
says "a file in its place is no directory" 'error +state directory: .*/state is no directory'
rm "$T/state" && mv "$T/moved" "$T/state"
if [ "$(id -u)" -eq 0 ]; then
    mkdir "$T/state/orders/7"
    chown nobody "$T/state/orders/7"
    says "a directory of somebody else is named with the chown" "hint: chown -R 0 $T/state/orders/7"
    rmdir "$T/state/orders/7"
    cp "$D" "$T/digicert-store" # the build tree may be closed to others
    chmod 700 "$T/state"
    check_fails "a closed state directory is no matter of the configuration" 2 'error +state directory: .*Permission denied' \
        as_user nobody env DIGICERT_STORE_CONF="$DIGICERT_STORE_CONF" "$T/digicert-store" doctor --offline
    chmod 755 "$T/state"
else
    skip "directories of somebody else" "needs root"
fi
done_testing
