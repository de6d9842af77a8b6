#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tree.sh RELEASE DIR - makes a Debian tree of that release (trixie: OpenSSL 3.5) with what building and
# testing need, from the mirror that this host's apt uses. Under a minute; an existing tree is kept.
set -eu
release=${1:?release, for example trixie}
dir=${2:?directory}
[ "$(id -u)" -eq 0 ] || { echo "tree.sh: debootstrap needs root" >&2; exit 1; }
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"
install_packages debootstrap

mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -n 's/^URIs: *\([^ ]*\/debian\/\{0,1\}\)$/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\/debian\/\{0,1\}\) .*/\2/p' | head -n 1)
[ -n "$mirror" ] || { echo "tree.sh: no mirror found in this host's apt sources" >&2; exit 1; }
script=/usr/share/debootstrap/scripts/$release
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
packages=$(printf '%s,' "${BUILD_PACKAGES[@]}" openssl ca-certificates jq curl strace procps libcmocka-dev binutils \
    util-linux python3-minimal python3-yaml faketime systemd softhsm2 opensc pkcs11-provider)
[ "$(cat "$dir/.complete" 2>/dev/null)" = "$packages" ] && exit 0
# What an interrupted run left mounted must not be removed from below.
for at in proc dev; do
    while mountpoint -q "$dir/$at"; do umount -l "$dir/$at"; done
done
rm -rf --one-file-system "$dir"
debootstrap --variant=minbase --include="${packages%,}" "$release" "$dir" "$mirror" "$script" >"$dir.log" 2>&1 || {
    tail -n 20 "$dir.log" >&2
    exit 1
}
echo "$packages" >"$dir/.complete"
