#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh - structure, layout and prose, as TAP. A tool that is missing is a failure, not a skip:
# tests/run.sh installs all of them.
set -u
cd "${DCS_SOURCE_ROOT:-$(dirname "$0")/../..}" || exit 1
n=0
check() {
    local name=$1
    shift
    n=$((n + 1))
    local out
    if out=$("$@" 2>&1); then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        printf '%s\n' "$out" | head -n 40 | sed 's/^/# /'
    fi
}

mapfile -t c_files < <(find store provider pkcs11 cli-shim sandbox tests examples -name '*.[ch]' 2>/dev/null)
mapfile -t scripts < <(find tests examples .ci -type f \( -name '*.sh' -o -path '.ci/run' \))
mapfile -t pages < <(find docs -name '*.[1-8]')

no_todo() { ! grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' --include='*.[ch]' --include='*.sh' --include='*.md' \
    --include='meson.build' store provider cli-shim sandbox tests examples docs README.md CONTRIBUTING.md | grep -v '^tests/lint/'; }
no_machine_paths() { ! grep -rnE '/(work|root|home/[a-z]+)/(main|shared|\.library)' --include='*' store provider cli-shim sandbox \
    tests examples docs meson.build README.md CONTRIBUTING.md | grep -v '^tests/lint/'; }
# One list of packages, in two places: who follows the README gets what quickstart.sh installs.
readme_packages() {
    local name
    # shellcheck source=tests/support/packages.sh
    . tests/support/packages.sh
    for name in "${BUILD_PACKAGES[@]}"; do
        grep -qE -- "(^| )$name( |$)" README.md || { echo "README.md, Install, lacks $name"; return 1; }
    done
}
man_pages() { local page; for page in "${pages[@]}"; do mandoc -Tlint -W warning "$page" || return 1; done; }

check "headers go down and each library has one adapter" python3 tests/lint/layers.py .
check "clang-format has nothing to change" clang-format --dry-run -Werror "${c_files[@]}"
check "shell scripts pass shellcheck" shellcheck -x -S warning "${scripts[@]}"
check "man pages are well formed" man_pages
check "prose and comments are spelt right" codespell -q 3 -L 'nd,crate,ans,fo,te,ser,nd,parms,unparseable' store provider cli-shim sandbox \
    tests/unit tests/integration tests/support docs examples README.md CONTRIBUTING.md
check "the README names what building needs" readme_packages
check "nothing is left open" no_todo
check "no path of a workplace is named" no_machine_paths
echo "1..$n"
