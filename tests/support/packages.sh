# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# packages.sh - the Debian packages that building and testing need, and their installation.
# Sourced by examples/quickstart.sh and tests/run.sh: one list for both.

# shellcheck disable=SC2034 # used by who sources this
BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config libssl-dev libcurl4-openssl-dev
    libcjson-dev libical-dev libmicrohttpd-dev libp11-kit-dev)
# shellcheck disable=SC2034
RUN_PACKAGES=(openssl ca-certificates libcurl4 jq)
# The clients of the PKCS#11 module. pkcs11-provider is in Debian from 13 on, in 12 among its backports.
PKCS11_PACKAGES=(p11-kit p11-kit-modules opensc softhsm2 gnutls-bin openssh-client openssh-server libnss3-tools
    libengine-pkcs11-openssl wget python3-pycurl apache2-bin default-jdk-headless)
# shellcheck disable=SC2034
BACKPORTS_PACKAGES=(pkcs11-provider)
# shellcheck disable=SC2034
TEST_PACKAGES=(libcmocka-dev chromium python3-yaml clang clang-format clang-tidy libclang-rt-14-dev python3 curl jq strace
    valgrind gdb-minimal faketime shellcheck mandoc codespell procps util-linux binutils git
    debootstrap python3-minimal systemd "${PKCS11_PACKAGES[@]}"
    nginx-light haproxy postgresql stunnel4 lighttpd lighttpd-mod-openssl dovecot-imapd)

# install_packages NAME...: installs what is missing, with apt, without a terminal. Servers among them are
# for tests that run them from a scratch directory: none is started as a service by its installation.
install_packages() {
    local name missing=() as_root=() policy=/usr/sbin/policy-rc.d made='' status
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
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy" && made=$policy
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "${missing[@]}" >/dev/null
    status=$?
    [ -z "$made" ] || "${as_root[@]}" rm -f "$made"
    return $status
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

# install_backports NAME...: what is missing, from the distribution or else from its backports, with lists
# of their own that change nothing on the host. Failing is not fatal: the tests say what they skip.
install_backports() {
    local name list uri code missing=()
    for name in "$@"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    install_packages "${missing[@]}" >/dev/null 2>&1 && return 0
    # shellcheck disable=SC2016 # apt's own variables
    read -r uri code < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | grep -v security | head -n 1)
    list=$(mktemp -d) || return 0
    mkdir -p "$list/lists/partial"
    chmod -R a+rX "$list"
    echo "deb $uri $code-backports main" >"$list/sources.list"
    echo "installing from backports: ${missing[*]}"
    local options=(-qq -o "Dir::Etc::sourcelist=$list/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$list/lists")
    apt-get "${options[@]}" update >/dev/null 2>&1 &&
        DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
        echo "cannot install: ${missing[*]}" >&2
    rm -rf "$list"
}
