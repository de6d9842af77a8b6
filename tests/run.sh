#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - installs what is missing, builds, and passes the tests, from a clean checkout.
#
#     tests/run.sh            everything that CI runs
#     tests/run.sh --quick    one build with gcc, all its tests, no sanitizers
#
# Ends with a line "N passed, N failed, N skipped"; exit status 0 only when nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

quick=false
[ "${1:-}" = --quick ] && quick=true
build=${BUILD:-build}
logs=()
broken=0

install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${TEST_PACKAGES[@]}" || exit 1
install_backports "${BACKPORTS_PACKAGES[@]}"

# suite NAME COMPILER "MESON OPTIONS" "TEST OPTIONS": one build directory and its tests.
suite() {
    local name=$1 compiler=$2 dir=$build/$1
    local options tests
    read -r -a options <<<"$3"
    read -r -a tests <<<"$4"
    echo "== $name: $compiler ${options[*]}"
    rm -f "$dir/meson-logs/testlog.json"
    if ! { [ -f "$dir/build.ninja" ] ||
        CC=$compiler meson setup "$dir" -Dwerror=true "${options[@]}" >"$build/$name.setup.log" 2>&1; }; then
        tail -n 30 "$build/$name.setup.log"
        broken=1
        return
    fi
    if ! ninja -C "$dir" >"$build/$name.build.log" 2>&1; then
        grep -E -A8 'error|FAILED' "$build/$name.build.log" | head -n 60
        broken=1
        return
    fi
    meson test -C "$dir" --no-rebuild --print-errorlogs "${tests[@]}" || true
    logs+=("$dir/meson-logs/testlog.json")
}

mkdir -p "$build"
if [ -z "${DCS_PROMTOOL:-}" ] && unpack_promtool "$build/tools"; then
    DCS_PROMTOOL=$(realpath "$build/tools/promtool")
    export DCS_PROMTOOL
fi
# The crash test runs some n of its sweeps: other ones for each commit, the same ones for the same commit.
OFFSET=${OFFSET:-$((16#$(git rev-parse --short=7 HEAD 2>/dev/null || echo 0)))}
export OFFSET
suite gcc gcc "" ""
if ! $quick; then
    # Without a sanitizer's library clang links what users link.
    suite clang clang "" "--suite fuzz"
    suite gcc-asan gcc "-Db_sanitize=address,undefined -Db_lundef=false" \
        "--suite unit --suite fuzz --timeout-multiplier 4"
    suite clang-asan clang "-Db_sanitize=address,undefined -Db_lundef=false" \
        "--suite unit --suite fuzz --timeout-multiplier 4"
    suite clang-tsan clang "-Db_sanitize=thread -Db_lundef=false" \
        "--suite threads --timeout-multiplier 8"
fi

if [ $broken -ne 0 ]; then
    echo "a build failed: its messages stand above, the whole in $build/*.log" >&2
    python3 tests/support/summary.py "${logs[@]}" | sed 's/, [0-9]* failed/, 1 failed/'
    exit 1
fi
python3 tests/support/summary.py "${logs[@]}"
