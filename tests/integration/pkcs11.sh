#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pkcs11.sh - the PKCS#11 module with p11-kit, OpenSC, GnuTLS and OpenSSH: listed, exported, signed
# with, served from; what the module needs and touches; PINs; isolation by `p11-kit server`.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/pkcs11.sh
. "$(dirname "$0")/../support/pkcs11.sh"
become_user "$@"
setup_pkcs11

light() {
    equal "it exports three symbols" "C_GetFunctionList C_GetInterface C_GetInterfaceList" \
        "$(nm -D --defined-only "$M" | awk '{print $3}' | sort | xargs)"
    if readelf -Ws "$M" | grep -qE '__(a|t)san'; then
        skip "it needs libcrypto, libcjson and libc only" "this is a sanitizer build"
    else
        equal "it needs libcrypto, libcjson and libc only" "libc.so libcjson.so libcrypto.so" \
            "$(readelf -d "$M" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1.so/p' | sort | xargs)"
    fi
    check "it stays mapped: a fork handler outlives dlclose" bash -c "readelf -d $M | grep -q NODELETE"
    check "its run-time opening of libcurl is recorded for packagers" bash -c "readelf -p .note.dlopen $M | grep -q libcurl.so.4"
    has "what it opens" strace pkcs11-tool || return
    strace -f -e trace=openat,open,socket,connect,clone,clone3 -o "$T/trace" pkcs11-tool --module "$M" -I >/dev/null
    check "listing slots opens no state and no HTTP library" bash -c "! grep -E '$T/state|libcurl' $T/trace"
    check "initialising opens no socket and starts no thread" bash -c "! grep -E 'socket\(|connect\(|clone' $T/trace"
    strace -f -e trace=all -o "$T/trace" pkcs11-tool --module "$M" --sign --id "$ID1" -m SHA256-RSA-PKCS -i "$T/data" -o "$T/sig" >/dev/null 2>&1
    check "signing opens no socket and takes no lock" bash -c "! grep -E 'socket\(|connect\(|flock\(' $T/trace"
    check "signing writes nothing of ours" bash -c "! grep -E '$T/state.*(O_WRONLY|O_RDWR|O_CREAT)' $T/trace"
}

p11_kit() {
    has "p11-kit lists the module" p11-kit || return
    check "p11-kit lists the module and its token" bash -c "p11-kit list-modules | grep -A20 '^ours' | grep -q 'token: digicert'"
    check "silently" bash -c "[ -z \"\$(p11-kit list-modules 2>&1 >/dev/null)\" ]"
}

opensc() {
    has "pkcs11-tool" pkcs11-tool || return
    check "pkcs11-tool lists the slots" bash -c "pkcs11-tool --module $M -L | grep -q 'token label *: digicert'"
    equal "pkcs11-tool lists both orders and the issuer" 3 "$(pkcs11-tool --module "$M" -O --type cert | grep -c 'Certificate Object')"
    check "pkcs11-tool --test" pkcs11-tool --module "$M" --test
    check "pkcs11-tool --test after a login" pkcs11-tool --module "$M" --login --pin 123456 --test
    check "pkcs11-tool --test-fork" pkcs11-tool --module "$M" --test-fork
    check "pkcs11-tool --test-threads" pkcs11-tool --module "$M" --test-threads IN:L0:N --test-threads IN:L0:N
    check "pkcs11-tool signs with RSA" pkcs11-tool --module "$M" --sign --id "$ID1" -m SHA256-RSA-PKCS -i "$T/data" -o "$T/sig"
    check "which verifies" openssl dgst -sha256 -verify "$T/1.pub" -signature "$T/sig" "$T/data"
    check "pkcs11-tool signs with PSS" pkcs11-tool --module "$M" --sign --id "$ID1" -m SHA256-RSA-PKCS-PSS -i "$T/data" -o "$T/sig"
    check "which verifies" openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify "$T/1.pub" -signature "$T/sig" "$T/data"
    check "pkcs11-tool signs with ECDSA" pkcs11-tool --module "$M" --sign --id "$ID2" -m ECDSA-SHA256 --signature-format openssl -i "$T/data" -o "$T/sig"
    check "which verifies" openssl dgst -sha256 -verify "$T/2.pub" -signature "$T/sig" "$T/data"
    pkcs11-tool --module "$M" --read-object --type cert --label order-2 -o "$T/c.der" >/dev/null 2>&1
    equal "pkcs11-tool reads the certificate" "$(openssl x509 -in "$T/state/orders/2/current/cert.pem" -noout -fingerprint)" \
        "$(openssl x509 -inform DER -in "$T/c.der" -noout -fingerprint 2>&1)"
    pkcs11-tool --module "$M" --read-object --type privkey --id "$ID2" -o "$T/k.der" >/dev/null 2>&1
    check "no private key leaves" test ! -s "$T/k.der"
    openssl pkeyutl -encrypt -pubin -inkey "$T/1.pub" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 -in "$T/data" -out "$T/sealed"
    pkcs11-tool --module "$M" --decrypt --id "$ID1" -m RSA-PKCS-OAEP --hash-algorithm SHA256 --mgf MGF1-SHA256 -i "$T/sealed" -o "$T/opened" >/dev/null 2>&1
    check "pkcs11-tool decrypts OAEP" cmp "$T/data" "$T/opened"
}

gnutls() {
    local i port
    has "p11tool" p11tool gnutls-serv gnutls-cli || return
    check "p11tool lists the token" bash -c "p11tool --list-token-urls | grep -q 'token=digicert'"
    equal "p11tool lists all" 7 "$(p11tool --list-all 'pkcs11:token=digicert' 2>/dev/null | grep -cE 'type=(cert|public|private)$')"
    for i in 1 2; do
        local uri="pkcs11:token=digicert;object=order-$i"
        check "p11tool signs with order $i" p11tool --batch --test-sign "$uri;type=private"
        equal "p11tool exports the certificate of order $i" "$(openssl x509 -in "$T/state/orders/$i/current/cert.pem" -noout -fingerprint)" \
            "$(p11tool --batch --export "$uri;type=cert" 2>/dev/null | openssl x509 -noout -fingerprint 2>&1)"
        equal "p11tool exports the chain of order $i" 2 "$(p11tool --batch --export-chain "$uri;type=cert" 2>/dev/null | grep -c BEGIN)"
        equal "p11tool exports the public key of order $i" "$(cat "$T/$i.pub")" \
            "$(p11tool --batch --export-pubkey "$uri;type=private" 2>/dev/null | openssl pkey -pubin 2>&1)"
        port=$(free_port)
        if serve gnutls "$port" gnutls-serv -p "$port" --x509certfile "$uri;type=cert" --x509keyfile "$uri;type=private"; then
            check "gnutls-serv serves order $i, TLS 1.3" shakes "$port" --tlsv1.3
            check "gnutls-serv serves order $i, TLS 1.2" shakes "$port" --tls-max 1.2
            equal "gnutls-serv sends the issuer of order $i, too" 2 "$(served_certs "$port")"
        else
            not_ok "gnutls-serv starts with order $i" "$(cat "$T/gnutls.out")"
        fi
        end_server
        demand_peer
        gnutls-cli --x509cafile "$CA" --x509certfile "$uri;type=cert" --x509keyfile "$uri;type=private" -p "$peer_port" localhost </dev/null >"$T/cli.out" 2>&1
        check "gnutls-cli shows order $i to a server" peer_verified
        end_server
    done
}

pin() {
    has "a PIN" p11tool gnutls-serv || return
    mkdir -p "$T/pins"
    (umask 077; printf 4711 >"$T/pins/digicert") # without newline: p11-kit gives the file as it is
    echo "pin_dir = $T/pins" >>"$DIGICERT_STORE_CONF"
    check_fails "without its PIN a token shows no private key" 1 '.' p11tool --batch --test-sign "$U1;type=private"
    check "with pin-value it signs" p11tool --batch --login --test-sign "$U1;type=private?pin-value=4711"
    local port
    port=$(free_port)
    check "with pin-source a server starts" serve pin "$port" gnutls-serv -p "$port" --x509certfile "$U1;type=cert" \
        --x509keyfile "$U1;type=private?pin-source=$T/pins/digicert"
    check "and serves" shakes "$port"
    end_server
    check_fails "a wrong PIN is refused" 1 '.' pkcs11-tool --module "$M" --login --pin 1111 -O
    check "certificates are listed without" bash -c "pkcs11-tool --module $M -O --type cert | grep -q order-1"
    echo "state_dir = $T/state" >"$DIGICERT_STORE_CONF"
}

ssh_clients() {
    local sshd port key
    sshd=$(command -v sshd || echo /usr/sbin/sshd)
    has "ssh" ssh ssh-keygen ssh-agent "$sshd" || return
    ssh-keygen -D "$M" >"$T/ak" 2>/dev/null
    check "ssh-keygen -D prints both keys" bash -c "grep -q ssh-rsa $T/ak && grep -q ecdsa-sha2-nistp256 $T/ak"
    ssh-keygen -q -t ed25519 -N '' -f "$T/host"
    port=$(free_port)
    printf '%s\n' "Port $port" "ListenAddress 127.0.0.1" "HostKey $T/host" "PidFile none" "UsePAM no" \
        "StrictModes no" "AuthorizedKeysFile $T/ak" >"$T/sshd.conf"
    local -a to=(-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -v -N -o ExitOnForwardFailure=no -p "$port" "$(id -un)@127.0.0.1")
    # Who may not log in here still proves the key; -N asks for no program.
    signed_in() { timeout 5 ssh "$@" "${to[@]}" </dev/null 2>&1 | grep -q 'Authenticated to'; }
    if serve sshd "$port" "$sshd" -D -e -f "$T/sshd.conf"; then
        check "ssh -I signs in" signed_in -I "$M"
        printf '#!/bin/sh\necho\n' >"$T/askpass"
        chmod +x "$T/askpass"
        eval "$(ssh-agent -s -P "$(dirname "$(realpath "$M")")/*")" >/dev/null
        pids+=("$SSH_AGENT_PID")
        check "ssh-add -s takes the token" env SSH_ASKPASS_REQUIRE=force SSH_ASKPASS="$T/askpass" DISPLAY=: ssh-add -s "$M"
        check "ssh-add -T signs with its keys" ssh-add -T <(grep ssh-rsa "$T/ak" | head -n 1)
        check "the agent signs in" signed_in -o IdentityFile=none
        key=$(grep ecdsa "$T/ak" | head -n 1)
        echo "$key" >"$T/k.pub"
        check "ssh-keygen -Y signs" bash -c "ssh-keygen -Y sign -n file -f $T/k.pub <$T/data >$T/s"
        check "which verifies" bash -c "ssh-keygen -Y check-novalidate -n file -s $T/s <$T/data"
        kill "$SSH_AGENT_PID"
    else
        skip "ssh -I signs in" "sshd does not start here: $(tail -n 1 "$T/sshd.out")"
    fi
    end_server
}

# Who may read the key file may use the key.
permissions() {
    local key=$T/state/orders/1/current/privkey.pem
    has "file permissions" p11tool || return
    chmod 000 "$key"
    check_fails "without the right to read the key file there is no private key" 1 '.' p11tool --batch --test-sign "$U1;type=private"
    check "and all the same a certificate" bash -c "p11tool --batch --export '$U1;type=cert' | grep -q BEGIN"
    chmod 644 "$key"
    check_fails "a key file that others may read is refused" 1 '.' p11tool --batch --test-sign "$U1;type=private"
    chmod 600 "$key"
    check "with it, there is" p11tool --batch --test-sign "$U1;type=private"
}

# Another process owns the store; the application has a socket and no file of the key.
isolation() {
    local client
    client=$(pkg-config --variable=p11_module_path p11-kit-1)/p11-kit-client.so
    has "p11-kit server" p11-kit pkcs11-tool "$client" || return
    mkdir -p "$T/run"
    p11-kit server -f -n "$T/run/sock" --provider "$M" 'pkcs11:token=digicert' >"$T/server.out" 2>&1 &
    echo $! >"$T/server.pid"
    wait_for 10 test -S "$T/run/sock"
    export P11_KIT_SERVER_ADDRESS=unix:path=$T/run/sock
    local -a blind=(env DIGICERT_STORE_CONF=/nonexistent)
    equal "through p11-kit server an application sees the objects" "$(pkcs11-tool --module "$M" -O --type cert | grep -c 'Certificate Object')" \
        "$("${blind[@]}" pkcs11-tool --module "$client" -O --type cert | grep -c 'Certificate Object')"
    "${blind[@]}" pkcs11-tool --module "$client" --sign --id "$ID2" -m ECDSA-SHA256 --signature-format openssl -i "$T/data" -o "$T/sig" >/dev/null 2>&1
    check "and signs without reading a key" openssl dgst -sha256 -verify "$T/2.pub" -signature "$T/sig" "$T/data"
    unset P11_KIT_SERVER_ADDRESS
    end_server
}

# object=order-N of a section of its own is fetched; any other search stays local.
on_demand() {
    has "fetching on demand" p11tool curl jq || return
    start_sandbox --no-rate-limit
    configure '[order/125]' 'reissue = auto'
    check "a label of a section that is not cached is fetched" bash -c "p11tool --batch --list-all 'pkcs11:object=order-125' | grep -q URL"
    check "and its key signs" p11tool --batch --test-sign 'pkcs11:object=order-125;type=private'
    forget_requests
    p11tool --batch --list-all 'pkcs11:object=order-126' >/dev/null 2>&1
    p11tool --batch --list-all 'pkcs11:token=digicert' >/dev/null 2>&1
    p11tool --batch --list-all 'pkcs11:object=something' >/dev/null 2>&1
    equal "nothing else asks the CA" 0 "$(control GET /requests | jq length)"
    export DIGICERT_STORE_CONF=$T/store.conf
}

light
p11_kit
opensc
gnutls
permissions
pin
ssh_clients
isolation
on_demand
done_testing
