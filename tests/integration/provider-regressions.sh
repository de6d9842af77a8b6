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
equal "certificate, issuer and key come" "certs=2 keys=1 crls=0 names=0 publics=0" \
    "$(OPENSSL_CONF=$snippet "$tool" count "$O")"
check "alone in openssl.cnf the provider still gives certificates" \
    env OPENSSL_CONF="$T/alone.cnf" "$tool" count "$O?type=cert"
check "with default properties fips=yes the scheme is still found" \
    bash -c "OPENSSL_CONF=$T/fips.cnf openssl storeutl -certs '$O' 2>&1 | grep -q BEGIN"
check "attach to a stream is refused and does not crash" env OPENSSL_CONF="$snippet" "$tool" attach x
check "-propquery does not crash" storeutl -propquery '?provider=digicert' "$O"
check "pkey -inform does not crash" openssl pkey "${P[@]}" -inform PEM -in "$O" -noout
check "a failing load reaches its end" bash -c "! OPENSSL_CONF=$snippet timeout 20 $tool count 'digicert://order/125?type=key'"
check_fails "a URI is loaded after a fork, too" 0 'certs=2' env OPENSSL_CONF="$snippet" "$tool" fork "$O"
check "a context that is never closed is no crash at exit" env OPENSSL_CONF="$snippet" "$tool" leak "$O"

(
    cd "$T" || exit 1
    mkdir -p digicert:order
    printf 'not ours\n' >digicert:order/123
)
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

if command -v valgrind >/dev/null; then
    check "valgrind finds no leak and no bad access" env OPENSSL_CONF="$snippet" valgrind -q \
        --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite "$tool" count "$O"
else
    skip "valgrind finds no leak and no bad access" "valgrind is missing"
fi
done_testing
