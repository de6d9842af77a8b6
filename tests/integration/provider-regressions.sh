#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# provider-regressions.sh - what broke other providers, each once (facts of the loader interface).
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
import_key 123
O=digicert://order/123
tool=$DCS_TEST_TOOLS/load-tool
snippet=$CNF

# write_conf NAME PROVIDER...: an openssl.cnf that activates providers in that order.
write_conf() {
    local file=$T/$1.cnf p
    shift
    {
        printf 'openssl_conf = o\n[o]\nproviders = p\n[p]\n'
        for p in "$@"; do echo "$p = ${p}_sect"; done
        for p in "$@"; do
            printf '[%s_sect]\nactivate = 1\n' "$p"
            [ "$p" = digicert ] && echo "module = $DIGICERT_PROVIDER_DIR/digicert.so"
        done
    } >"$file"
}
write_conf first digicert default
write_conf last default digicert
write_conf alone digicert
write_conf fips default digicert
cat >>"$T/fips.cnf" <<'EOT'
[o]
alg_section = algs
[algs]
default_properties = fips=yes
EOT

for conf in "$snippet" "$T/first.cnf" "$T/last.cnf"; do
    check "objects load and the error queue stays empty with ${conf##*/}" \
        env OPENSSL_CONF="$conf" "$tool" count "$O"
done
# A cold load, each kind of object and of URI: what libcurl and the decoders leave is not for the caller.
for uri in digicert:order/126 digicert://name/rsa.example.com digicert://alternate/web-prod-17 "$O?type=public" \
    "$O?type=crl" digicert://order/140 digicert: "digicert://certificate/$("$DIGICERT_STORE" show --json 123 | jq .current.certificate_id)"; do
    check "the error queue stays empty after $uri" env OPENSSL_CONF="$snippet" "$tool" count "$uri"
done
for type in 1 2 3 4 5 6; do
    check "the error queue stays empty when type $type is expected" env OPENSSL_CONF="$snippet" "$tool" count "$O" $type
done
equal "certificate, issuer and key come" "certs=2 keys=1 crls=0 names=0 publics=0" \
    "$(OPENSSL_CONF=$snippet "$tool" count "$O")"
check "alone in openssl.cnf the provider still gives certificates" \
    env OPENSSL_CONF="$T/alone.cnf" "$tool" count "$O?type=cert"
check "with default properties fips=yes the scheme is still found" \
    bash -c "OPENSSL_CONF=$T/fips.cnf openssl storeutl -certs '$O' 2>&1 | grep -q BEGIN"
check "attach to a stream is refused and does not crash" env OPENSSL_CONF="$snippet" "$tool" attach x
check "-propquery does not crash" storeutl -propquery '?provider=digicert' "$O"
check "pkey -inform does not crash" openssl pkey "${P[@]}" -inform PEM -in "$O" -noout
check_fails "parameters that open() cannot read are an error, no crash" 1 'malformed' \
    env OPENSSL_CONF="$snippet" "$tool" malformed "$O"
# It opens (its certificate is here), and fails in load(): status 1 within the time, not 124.
check_fails "a failing load reaches its end" 1 'its private key is not' \
    env OPENSSL_CONF="$snippet" timeout 20 "$tool" count digicert://order/125 4
check "after a fork the child signs, loads and signs" env OPENSSL_CONF="$snippet" "$tool" fork "$O"
check "contexts and module come and go while threads live on" env OPENSSL_CONF="$snippet" "$tool" contexts "$O"
check "a context that is never closed is no crash at exit" env OPENSSL_CONF="$snippet" "$tool" leak "$O"

# What the file loader would make of either form: a path below the current directory.
mkdir -p "$T/digicert:order" "$T/digicert:/order"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/digicert:order/123" 2>/dev/null
cp "$T/digicert:order/123" "$T/digicert:/order/123"
equal "(OpenSSL takes a file for the short form first)" "Pkey" "$(cd "$T" && kinds digicert:order/123 | xargs)"
equal "the long form is never a file of that name" "Certificate Certificate Pkey" \
    "$(cd "$T" && kinds "$O" | xargs)"

printf '#!/bin/sh\nexec curl -sS --max-time 10 -o /dev/null -w "%%{http_code}" --cacert "%s" -H "X-DC-DEVKEY: %s" "%s/user/me"\n' \
    "$SB_ca" "$SB_key" "$SB_url" >"$T/curl.sh"
equal "a program that uses libcurl starts with the module active" 200 \
    "$(OPENSSL_CONF=$snippet timeout 20 sh "$T/curl.sh")"
write_conf missing default digicert
sed -i "s|^module = .*|module = /nonexistent/digicert.so|" "$T/missing.cnf"
check "without the module TLS still works" env OPENSSL_CONF="$T/missing.cnf" timeout 20 sh "$T/curl.sh"
check "foreign keys are verified by others" bash -c "
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $T/foreign.pem 2>/dev/null &&
    OPENSSL_CONF=$T/first.cnf openssl req -x509 -new -key $T/foreign.pem -subj /CN=x -out $T/foreign.crt &&
    OPENSSL_CONF=$T/first.cnf openssl verify -CAfile $T/foreign.crt $T/foreign.crt"

# A new pair between the certificate and the key: the same as the portal's reissue with our key file.
rotate="curl -sS --cacert $SB_ca -X PATCH -d '{\"issue\":{}}' $SB_control/orders/123 >/dev/null &&
    DIGICERT_STORE_CONF=$DIGICERT_STORE_CONF '$DIGICERT_STORE' show --refresh 123 >/dev/null &&
    install -m 600 $T/sandbox/keys/123.pem $T/new.pem &&
    curl -sS --cacert $SB_ca $SB_control/orders/123/key >$T/new.pem &&
    '$DIGICERT_STORE' import 123 --key $T/new.pem >/dev/null"
check "a new pair committed between the two loads does not part certificate and key" \
    env OPENSSL_CONF="$snippet" "$tool" pair "$O" "$rotate"
serials=$(OPENSSL_CONF=$snippet "$tool" reload "$O" "$rotate")
equal "a reload sees the new certificate" 2 "$(sort -u <<<"$serials" | wc -l)"

# A set-uid root program, with the module and its configuration in the system's own openssl.cnf: its
# effective uid could keep the state directory, and must not.
suid() {
    # shellcheck disable=SC2016 # for the shell in the private mount namespace
    unshare -m sh -c 'mount --bind "$T/suid.cnf" "$0" && exec runuser -u "$1" -- "$T/openssl-suid" storeutl "$2"' \
        "$(readlink -f "$(openssl version -d | cut -d'"' -f2)/openssl.cnf")" "$@"
}
if [ "$(id -u)" -eq 0 ] && ! readelf -Ws "$DIGICERT_PROVIDER_DIR/digicert.so" | grep -q __asan &&
    unshare -m true 2>/dev/null; then
    chmod 755 "$T"
    write_conf suid default digicert
    cp "$DIGICERT_PROVIDER_DIR/digicert.so" "$T/digicert.so"
    sed -i "s|^module = .*|module = $T/digicert.so\nconfig = $DIGICERT_STORE_CONF|" "$T/suid.cnf"
    install -m 4755 "$(command -v openssl)" "$T/openssl-suid"
    check_fails "a set-uid program is served from the cache" 0 'Total found: [23]' suid www-data "$O"
    forget_requests
    check_fails "and told who may fetch what is not there" 1 'order/129' suid www-data digicert://order/129
    equal "it asks the CA nothing" 0 "$(requests '.')"
    check_fails "started by root itself it is a keeper and fetches" 0 'Total found: 2' suid root digicert://order/129
else
    skip "a set-uid program does no network" "needs root, mount namespaces and a build without sanitizers"
fi

if command -v valgrind >/dev/null; then
    careful=(env OPENSSL_CONF="$snippet" valgrind -q --error-exitcode=9 --leak-check=full)
    for run in "count $O" "count $O 6" "contexts $O"; do
        # shellcheck disable=SC2086 # words on purpose
        check "valgrind finds no leak and no bad access: ${run%% *}" "${careful[@]}" \
            --errors-for-leak-kinds=definite "$tool" $run
    done
    check "valgrind finds no bad access at exit with a context that is never closed" "${careful[@]}" \
        --errors-for-leak-kinds=none "$tool" leak "$O"
else
    skip "valgrind finds no leak and no bad access" "valgrind is missing"
fi

# Last: the CA goes away. An error met before the first object comes out of load(), where callers look.
rm -rf "$T/state/crls"
stop_sandbox
check_fails "a CRL that cannot be fetched is an error, not an empty answer" 0 'the CRL http' \
    bash -c "timeout 20 openssl storeutl ${P[*]} -crls $O 2>&1 | head -n 20"
check_fails "load() raises it and ends" 1 'the CRL http' env OPENSSL_CONF="$snippet" timeout 20 "$tool" count "$O" 6
rm -rf "$T/state"
check_fails "a listing without any name is an error" 1 'listing the account' \
    env OPENSSL_CONF="$snippet" timeout 20 "$tool" count digicert:
done_testing
