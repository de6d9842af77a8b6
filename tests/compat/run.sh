#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [RELEASE [TEST...]] - builds and runs the unit and integration tests and the bench, or the tests
# named, inside a tree of that Debian release (trixie by default: OpenSSL 3.5). Needs root. The tree stays in $TREE for the next run, the
# results in build/compat/RELEASE.json. Exit status 75: the tree could not be made.
set -eu
cd "$(dirname "$0")/../.."
release=${1:-trixie}
shift || true
tests=("$@")
[ $# -gt 0 ] || tests=(--suite unit --suite integration --suite bench)
tree=${TREE:-/var/tmp/digicert-store-$release}
if ! tests/compat/tree.sh "$release" "$tree"; then
    echo "SKIPPED: compat $release: no tree of that release could be made (see above)" >&2
    exit 75
fi
mounted=()
unmount() {
    local at
    for at in "${mounted[@]}"; do umount -l "$at" 2>/dev/null || true; done
}
trap unmount EXIT
for at in proc dev; do
    mount --rbind "/$at" "$tree/$at"
    mounted+=("$tree/$at")
done
rm -rf "$tree/src"
mkdir "$tree/src"
git ls-files -z | tar --null -T - -cf - | tar -C "$tree/src" -xf -
status=0
chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 bash -c '
    cd /src && openssl version &&
    { meson setup build >build.log && ninja -C build >>build.log 2>&1 || { tail -n 40 build.log; exit 1; }; } &&
    meson test -C build --no-rebuild --print-errorlogs "$@";
    status=$?
    grep -h "^# .*: ratio\|^# activation\|^# cold\|^# P-256\|^# RSA" build/meson-logs/testlog.txt
    exit $status' run "${tests[@]}" </dev/null || status=$?
mkdir -p build/compat
cp "$tree/src/build/meson-logs/testlog.json" "build/compat/$release.json"
exit $status
