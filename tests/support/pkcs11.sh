# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# pkcs11.sh - for the tests with PKCS#11 clients: a store with two orders, 1 (RSA) and 2 (EC), and
# p11-kit told of our module alone. Sourced after become_user.

: "${DIGICERT_PKCS11:?path of digicert-pkcs11.so}"

# p11-kit takes no user's configuration from root: the script runs again as a user of its own, who is
# made when missing and stays, as installed packages do. Not locked, so that sshd lets it in.
become_user() {
    local user=dcs-pkcs11
    [ "$(id -u)" -eq 0 ] || return 0
    cleanup
    id "$user" >/dev/null 2>&1 || useradd --no-create-home --password '*' --shell /bin/sh "$user" ||
        id "$user" >/dev/null || exit 1
    exec runuser -u "$user" -- env LC_ALL=C.UTF-8 HOME=/nonexistent bash "$0" "$@"
}

# has NAME PROGRAM...: whether the client's programs are here; says so loudly when not.
has() {
    local name=$1 program
    shift
    for program in "$@"; do
        [ -e "$program" ] || command -v "$program" >/dev/null && continue
        skip "$name" "$program is not installed"
        return 1
    done
}

fixture() { "$DCS_TEST_TOOLS/p11-fixture" "$T" "$@"; }

# id_of ORDER: its CKA_ID in hex, the SHA-1 of the public key's bits.
id_of() { jq -r '.. | .ckaid? // empty' "$T/state/orders/$1/current/facts.json"; }

setup_pkcs11() {
    M=$DIGICERT_PKCS11
    export HOME=$T XDG_CONFIG_HOME=$T/xdg DIGICERT_STORE_CONF=$T/store.conf
    mkdir -p "$T/xdg/pkcs11/modules"
    echo 'user-config: only' >"$T/xdg/pkcs11/pkcs11.conf"
    echo "module: $M" >"$T/xdg/pkcs11/modules/ours.module"
    echo "state_dir = $T/state" >"$DIGICERT_STORE_CONF"
    fixture 1 rsa && fixture 2 ec || { echo "Bail out! no fixture"; exit 1; }
    CA=$T/root.pem
    cat "$T/issuer.pem" "$CA" >"$T/both.pem"
    echo 'some words to sign' >"$T/data"
    for i in 1 2; do
        openssl x509 -in "$T/state/orders/$i/current/cert.pem" -pubkey -noout >"$T/$i.pub"
    done
    # shellcheck disable=SC2034 # used by who sources this
    ID1=$(id_of 1) ID2=$(id_of 2)
    # shellcheck disable=SC2034
    U1='pkcs11:token=digicert;object=order-1' U2='pkcs11:token=digicert;object=order-2'
}

# free_port: one that nobody listens on now.
free_port() {
    local port
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$((RANDOM % 20000 + 20000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
    done
}
listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# serve NAME PORT COMMAND...: a server in the background; its output in $T/NAME.out. Its pid goes into a
# file, for `check` runs this in a subshell whose variables are lost.
serve() {
    local name=$1 port=$2
    shift 2
    "$@" </dev/null >"$T/$name.out" 2>&1 &
    echo $! >"$T/server.pid"
    wait_for 15 listens "$port" || { cat "$T/$name.out"; return 1; }
}
end_server() {
    local pid
    pid=$(cat "$T/server.pid" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null
    wait_for 5 gone "$pid" || kill -9 "$pid" 2>/dev/null
    rm -f "$T/server.pid"
}
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
# Also when the script is ended in the middle.
trap 'end_server; cleanup' EXIT

# shakes PORT [OPTION...]: a TLS client that believes the fixture's root alone.
shakes() {
    local port=$1
    shift
    curl -sS --max-time 10 --cacert "$CA" "$@" "https://localhost:$port/" -o /dev/null
}
# served_certs PORT: how many certificates the server sends.
served_certs() {
    openssl s_client -connect "127.0.0.1:$1" -servername localhost -showcerts </dev/null 2>/dev/null |
        grep -c 'BEGIN CERTIFICATE'
}

# demand_peer: a server that wants a client certificate; sets peer_port. Each good one is a line of
# "verify return:1" for depth 0.
demand_peer() {
    peer_port=$(free_port)
    fixture 9 ec
    serve peer "$peer_port" openssl s_server -accept "127.0.0.1:$peer_port" -naccept 20 \
        -cert "$T/state/orders/9/current/cert.pem" -key "$T/state/orders/9/current/privkey.pem" \
        -cert_chain "$T/issuer.pem" -CAfile "$T/both.pem" -Verify 3 -www
}
peer_verified() { grep -A1 'depth=0' "$T/peer.out" | grep -q 'verify return:1'; }
