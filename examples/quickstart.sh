#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh - installs what is missing, builds, starts the CertCentral simulator and shows the
# main job: an order number is all that OpenSSL needs. Leaves nothing running.
#
#     examples/quickstart.sh            builds in ./build/quickstart
#     BUILD=DIR examples/quickstart.sh  builds in DIR
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

build=${BUILD:-build/quickstart}
work=$(mktemp -d)
pids=()
cleanup() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n== %s\n' "$*"; }
run() {
    printf '$ %s\n' "$*"
    "$@"
}
wait_for() { # wait_for COMMAND...: ten seconds at most
    local left=200
    while [ $left -gt 0 ]; do
        "$@" >/dev/null 2>&1 && return 0
        left=$((left - 1))
        sleep 0.05
    done
    echo "quickstart: gave up waiting for: $*" >&2
    return 1
}

say "what is missing is installed"
install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" curl

say "build"
[ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=false >"$work/setup.log" ||
    { tail "$work/setup.log" >&2; exit 1; }
ninja -C "$build" >"$work/build.log" || { tail -n 40 "$work/build.log" >&2; exit 1; }
PATH=$PWD/$build/cli-shim:$PWD/$build/sandbox:$PATH
[ "${build#/}" = "$build" ] || PATH=$build/cli-shim:$build/sandbox:$PATH

say "a CertCentral of our own: the simulator, on loopback"
digicert-sandbox --dir "$work/sandbox" --ready-file "$work/ready" >/dev/null &
sandbox=$!
pids+=("$sandbox")
wait_for test -s "$work/ready"
url=$(sed -n 's/^url=//p' "$work/ready")
ca=$(sed -n 's/^ca=//p' "$work/ready")

say "the configuration"
cat >"$work/digicert-store.conf" <<EOT
api_url      = $url
api_key_file = $work/sandbox/api.key
api_ca_file  = $ca
state_dir    = $work/state
EOT
cat "$work/digicert-store.conf"
export DIGICERT_STORE_CONF=$work/digicert-store.conf

say "the account's orders"
digicert-store list | head -n 8

say "order 123: its certificate comes from the CA, its private key from a file, once"
run digicert-store import order/123 --key "$work/sandbox/keys/123.pem"
run digicert-store show order/123

# serve: a TLS server whose certificate, chain and key all come from one URI, and a client.
serve() {
    local port server
    : >"$work/server.out"
    digicert-store exec -- openssl s_server -accept 127.0.0.1:0 -www -cert digicert://order/123 \
        -key digicert://order/123 -cert_chain 'digicert://order/123?type=ca' >"$work/server.out" 2>&1 &
    server=$!
    pids+=("$server")
    wait_for grep -q '^ACCEPT' "$work/server.out" || { cat "$work/server.out" >&2; return 1; }
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$work/server.out" | head -n 1)
    openssl s_client -connect "127.0.0.1:$port" -servername www.example.com \
        -verify_hostname www.example.com -verify_return_error -CAfile "$work/sandbox/roots.pem" \
        </dev/null >"$work/client.out" 2>&1 || { cat "$work/client.out" >&2; return 1; }
    sed -n 's/^ *\(Verify return code.*\)/\1/p; /^subject=/p; /^issuer=/p; /^New, TLS/p' "$work/client.out" | sort -u
    kill "$server"
    wait "$server" 2>/dev/null || true
}

say "the main job: any OpenSSL application, one URI"
run digicert-store exec -- openssl storeutl -noout -text digicert:order/123 | grep -E 'Certificate$|Pkey|Subject:|Not After|Total'
say "the listing"
digicert-store exec -- openssl storeutl digicert: | grep -A1 -E 'order/12[34]$'
say "a TLS server with certificate, chain and key from digicert://order/123"
serve

say "order 125: its key is elsewhere; with reissue = auto the first load makes a key and gets a certificate for it"
printf '[order/125]\nreissue = auto\n' | tee -a "$work/digicert-store.conf"
run digicert-store exec -- openssl storeutl -noout digicert://order/125 | grep -E '^[0-9]|Total'
say "what would be done next, and when"
run digicert-store show order/125 | sed -n '/^plan/,$p'

say "the CA goes away"
kill "$sandbox"
wait "$sandbox" 2>/dev/null || true
say "the same again, from the cache"
run digicert-store exec -- openssl storeutl -noout digicert://order/123 | grep -E '^[0-9]|Total'
digicert-store exec -- openssl storeutl digicert: | grep -A1 -E 'order/12[34]$'
serve

say "done: all of it worked"
