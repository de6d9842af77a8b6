#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pkcs11-java.sh - Java's SunPKCS11 over the PKCS#11 module: keytool, jarsigner, JCA signatures and a
# TLS server.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/pkcs11.sh
. "$(dirname "$0")/../support/pkcs11.sh"
here=$(realpath "$(dirname "$0")")
become_user "$@"
setup_pkcs11

if ! has "Java" keytool jarsigner java jar; then
    done_testing
    exit 0
fi
sed "s|^library.*|library = $M|" "$here/../../examples/pkcs11/java.cfg" >"$T/ours.cfg"
export JAVA_TOOL_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
P=(-keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg "$T/ours.cfg" -storepass whatever)

keys() {
    keytool -list -v "${P[@]}" >"$T/list" 2>&1
    check "keytool lists both orders as private keys" bash -c "[ \$(grep -A3 -E 'Alias name: order-[12]$' $T/list | grep -c PrivateKeyEntry) -eq 2 ]"
    check "with their chains" bash -c "[ \$(grep -c 'Certificate chain length: 2' $T/list) -eq 2 ]"
}

jars() {
    local i
    (cd "$T" && jar cf t.jar data) 2>/dev/null
    for i in 1 2; do
        check "jarsigner signs with order $i" jarsigner "${P[@]}" -signedjar "$T/signed.jar" "$T/t.jar" "order-$i"
        check "which verifies" bash -c "jarsigner -verify $T/signed.jar 2>/dev/null | grep -q 'jar verified'"
    done
}

server() {
    local rsa ec name
    rsa=$(free_port)
    ec=$(free_port)
    java "$here/P11Server.java" "$T/ours.cfg" "$rsa" "$ec" >"$T/java.out" 2>&1 &
    echo $! >"$T/server.pid"
    check "a Java server starts" wait_for 40 grep -q '^ready' "$T/java.out" || cat "$T/java.out"
    for name in SHA256withRSA SHA384withRSA SHA512withRSA RSASSA-PSS SHA256withECDSA SHA384withECDSA SHA512withECDSA NONEwithECDSA; do
        check "JCA signs $name" grep -q "^signed $name" "$T/java.out"
    done
    check "JCA finds the chains" bash -c "[ \$(grep -c '^chain 2' $T/java.out) -eq 2 ]"
    for name in "RSA $rsa" "EC $ec"; do
        check "the Java server serves ${name% *}, TLS 1.3" shakes "${name#* }" --tlsv1.3
        check "the Java server serves ${name% *}, TLS 1.2" shakes "${name#* }" --tls-max 1.2
    done
    end_server
}

keys
jars
server
done_testing
