#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# provider-storeutl.sh - every URI form, selector, pin and storeutl option, with the real openssl.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
O=digicert://order/123

equal "an order gives leaf and issuer, and no key that is not here" "Certificate
Certificate" "$(kinds "$O")"
check_fails "a key that is asked for and not here fails and names import" 1 'import order/123 --key' \
    storeutl "$O?type=key"
# storeutl ends with 0 when the failing load was also the last one; its words and count tell.
check_fails "expecting a key that is not here says so too" 0 'its private key is not' storeutl -keys "$O"
import_key 123
import_key 124
equal "with its key an order gives leaf, issuer, key" "Certificate
Certificate
Pkey" "$(kinds "$O")"

show() { "$DIGICERT_STORE" show --json 123 | jq -r "$1"; }
serial=$(show .current.serial)
spki=$(show .current.spki_sha256)
sha1=$(show .current.sha1)
sha256=$(show .current.sha256)
cert_id=$(show .current.certificate_id)

for uri in digicert:order/123 DIGICERT:ORDER/123 'digicert://order/123' digicert:name/www.example.com \
    digicert://name/EXAMPLE.com. digicert:alternate/web-prod-17 "digicert:serial/$serial" \
    "digicert://thumbprint/$sha1" "digicert:thumbprint/$sha256" "digicert://certificate/$cert_id" \
    "$O?spki=$spki" "$O;spki=sha256:$spki" "$O?serial=$serial"; do
    equal "$uri resolves to the pair" "Certificate Certificate Pkey" "$(kinds "$uri" | xargs)"
done

while read -r selector want; do
    equal "$selector gives $want" "$want" "$(kinds "$O$selector" | xargs)"
done <<'EOT'
?type=cert Certificate
?type=ca Certificate
?type=chain Certificate Certificate
?type=key Pkey
?type=cert&type=key Certificate Pkey
;type=CERT,type=ca Certificate Certificate
?type=public Public key
?type=crl CRL
EOT
equal "type=public gives the certificate's public key" \
    "$(storeutl -certs "$O?type=cert" | openssl x509 -pubkey -noout)" \
    "$(openssl pkey "${P[@]}" -pubin -in "$O?type=public" -pubout 2>/dev/null)"

while IFS='|' read -r uri pattern; do
    check_fails "$uri is refused with a reason" 1 "$pattern" storeutl "$uri"
done <<'EOT'
digicert://order/0123|1 to 18 digits
digicert://order/1234567890123456789|1 to 18 digits
digicert://order/|value is missing
digicert://orders/123|not known
digicert:///order/123|slash
digicert://order/123?type=pem|types are
digicert://order/123?colour=red|parameters are
digicert://order/123?spki=12|64 hexadecimal
digicert://name/-bad-|host name
digicert://serial/xyz|hexadecimal
digicert://thumbprint/ab|40 \(SHA-1\) or 64
digicert:?spki=00|pins
digicert://order/123?scope=local|scope
digicert://alternate/a%zz|malformed %XX
digicert://order/999999|no such order
digicert://name/nobody.example|no order of this account fits
digicert://alternate/twins|fits several orders: 162, 163
EOT
long=digicert://alternate/$(printf 'x%.0s' $(seq 500))
check_fails "a URI over 512 bytes is refused" 1 '512 bytes' storeutl "$long"
check_fails "a pin that no generation meets is an error, never another key" 1 'meets the pin' \
    storeutl "$O?spki=$(printf '0%.0s' $(seq 64))"

equal "a renewed order gives way to its renewal" 161 \
    "$("$DIGICERT_STORE" show --json --refresh alternate/shop | jq .order_id)"
equal "a wildcard covers one label" 126 \
    "$("$DIGICERT_STORE" show --json --refresh name/a.wild.example.com | jq .order_id)"

# ---- storeutl's own options ----
equal "-certs gives certificates only" "Certificate Certificate" "$(kinds -certs "$O" | xargs)"
equal "-keys gives the key only" "Pkey" "$(kinds -keys "$O" | xargs)"
equal "-crls gives the issuer's CRL" "CRL" "$(kinds -crls "$O" | xargs)"
storeutl -certs "$O?type=cert" | openssl x509 >"$T/leaf.pem" 2>/dev/null
storeutl -certs "$O?type=ca" | openssl x509 >"$T/ca.pem" 2>/dev/null
cn=$(openssl x509 -in "$T/leaf.pem" -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')
org=$(openssl x509 -in "$T/leaf.pem" -noout -subject -nameopt multiline | sed -n 's/ *organizationName *= //p')
full="/C=US/O=$org/CN=$cn"
equal "-subject finds the leaf by its name" "Certificate" "$(kinds -subject "$full" "$O" | xargs)"
equal "-subject of nobody finds nothing" "" "$(kinds -subject /CN=nobody "$O" | xargs)"
ca_cn=$(openssl x509 -in "$T/ca.pem" -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')
issuer="/C=US/O=Sandbox CA Ltd/CN=$ca_cn"
equal "-issuer with -serial finds the leaf" "Certificate" \
    "$(kinds -issuer "$issuer" -serial "0x$serial" "$O" | xargs)"
fingerprint=$(openssl x509 -in "$T/leaf.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
    openssl asn1parse -inform DER -strparse "$(openssl x509 -in "$T/leaf.pem" -noout -pubkey |
        openssl pkey -pubin -outform DER | openssl asn1parse -inform DER |
        sed -n 's/^ *\([0-9]*\):.*BIT STRING.*/\1/p')" -noout -out "$T/bits" 2>/dev/null; sha1sum <"$T/bits" | cut -d' ' -f1)
equal "-fingerprint finds by the hash of the public key" "Certificate" \
    "$(kinds -sha1 -fingerprint "$fingerprint" "$O" | xargs)"
for digest in sha256 sha384 sha512; do
    equal "-fingerprint finds by its $digest, too" "Certificate" \
        "$(kinds -$digest -fingerprint "$("${digest}sum" <"$T/bits" | cut -d' ' -f1)" "$O" | xargs)"
done
equal "an empty alias finds nothing, and no key" "" "$(kinds -alias '' "$O" | xargs)"
equal "-alias finds by order-123" "Certificate" "$(kinds -alias order-123 "$O" | xargs)"
equal "-alias finds by name" "Certificate" "$(kinds -alias www.example.com "$O" | xargs)"

# ---- listings ----
names=$(storeutl digicert: 2>/dev/null)
check "the listing names orders by full URIs" grep -q 'Name: digicert://order/124' <<<"$names"
check "a name carries common name, state and expiry" \
    grep -qE 'rsa.example.com, issued, expires 20[0-9-]+T' <<<"$names"
# Order 124 is here, order 128 is not, and both were issued on the same day.
equal "the last day counts to its end, whether the order is here or not" 1 \
    "$(grep -A1 -E 'order/12[48]$' <<<"$names" | sed -n 's/.*expires \([0-9T:-]*Z\).*/\1/p' | sort -u | wc -l)"
check "the long form lists too" grep -q 'order/124' <<<"$(storeutl digicert://)"
before=$(requests 'GET /order/certificate\?')
storeutl digicert: >/dev/null 2>&1
equal "a fresh listing is not fetched again" "$before" "$(requests 'GET /order/certificate\?')"
local=$(storeutl 'digicert:?scope=local' 2>/dev/null | grep -c Name:)
check "scope=local names what is here" test "$local" -ge 2
check_fails "-r walks the names and their objects" 0 'Certificate' storeutl -r 'digicert:?scope=local'
equal "criteria on the listing give the matching certificates only" "Certificate" \
    "$(kinds -subject "$full" digicert: | xargs)"
done_testing
