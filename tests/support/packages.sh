# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# packages.sh - the Debian packages that building and testing need, and their installation.
# Sourced by examples/quickstart.sh and tests/run.sh: one list for both.

# shellcheck disable=SC2034 # used by who sources this
BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config libssl-dev libcurl4-openssl-dev
    libcjson-dev libmicrohttpd-dev libp11-kit-dev)
# shellcheck disable=SC2034
RUN_PACKAGES=(openssl ca-certificates libcurl4 jq)
# shellcheck disable=SC2034
TEST_PACKAGES=(libcmocka-dev clang clang-format clang-tidy libclang-rt-14-dev python3 curl jq strace
    valgrind gdb-minimal faketime shellcheck mandoc codespell procps util-linux binutils git
    debootstrap python3-minimal systemd)

# install_packages NAME...: installs what is missing, with apt, without a terminal.
install_packages() {
    local name missing=() as_root=()
    for name in "$@"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "these packages are missing: ${missing[*]}" >&2
            echo "hint: run this as root, or install them first" >&2
            return 1
        }
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "${missing[@]}" >/dev/null
}

# unpack_promtool DIR: promtool alone, for the tests that use it when DCS_PROMTOOL names it. Its
# package would start a server that listens to everybody.
unpack_promtool() {
    local dir=$1 package
    [ -x "$dir/promtool" ] && return 0
    package=$(mktemp -d) &&
        (cd "$package" && apt-get download -qq prometheus >/dev/null 2>&1 &&
            dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool) &&
        mkdir -p "$dir" && install -m 755 "$package/promtool" "$dir/promtool"
    local status=$?
    rm -rf "$package"
    return $status
}
