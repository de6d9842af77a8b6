#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# provider-light.sh - the module is loaded into every process: what it needs, exports and touches.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

start_sandbox
configure
import_key 123
module=$DIGICERT_PROVIDER_DIR/digicert.so
snippet=$CNF
O=digicert://order/123

equal "it exports OSSL_provider_init only" OSSL_provider_init "$(nm -D --defined-only "$module" | awk '{print $3}' | xargs)"
if readelf -Ws "$module" | grep -q __asan; then
    skip "it needs libcrypto, libcjson and libc only" "this is a sanitizer build"
else
    equal "it needs libcrypto, libcjson and libc only" "libc.so libcjson.so libcrypto.so" \
        "$(readelf -d "$module" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1.so/p' | sort | xargs)"
fi
check "its run-time opening of libcurl is recorded for packagers" bash -c "readelf -p .note.dlopen $module | grep -q libcurl.so.4"

# No file of ours is opened, no socket, no thread, until a URI is opened.
OPENSSL_CONF=$snippet strace -f -e trace=openat,open,socket,connect,clone,clone3 -o "$T/trace" openssl version >/dev/null
check "activating opens nothing of ours" bash -c "! grep -E 'digicert-store.conf|$T/state|libcurl' $T/trace"
check "activating opens no socket and starts no thread" bash -c "! grep -E 'socket\(|connect\(|clone' $T/trace"

# All that activating adds to a process: descriptors, threads, libraries.
printf 'openssl_conf = o\n[o]\nproviders = p\n[p]\ndefault = d\n[d]\nactivate = 1\n' >"$T/plain.cnf"
# idle CONF WHAT: ls of a directory, or the libraries, of a process that has loaded its configuration.
idle() {
    # shellcheck disable=SC2016 # for the shell below the process
    OPENSSL_CONF=$1 "$DCS_TEST_TOOLS/load-tool" idle "case $2 in
        libraries) sed -n 's|.*/\([^/]*\.so\)[.0-9]*\$|\1|p' /proc/\$PPID/maps | sort -u ;;
        *) ls /proc/\$PPID/$2 | wc -l ;;
    esac"
}
equal "activating leaves no descriptor open" "$(idle "$T/plain.cnf" fd)" "$(idle "$snippet" fd)"
equal "activating leaves one thread" 1 "$(idle "$snippet" task)"
equal "activating maps the module and what it needs, nothing else" "digicert.so libcjson.so" \
    "$(comm -13 <(idle "$T/plain.cnf" libraries) <(idle "$snippet" libraries) | xargs)"

storeutl "$O" >/dev/null 2>&1
strace -f -e trace=all -o "$T/trace" openssl storeutl "${P[@]}" "$O" >/dev/null 2>&1
check "a warm load opens no socket" bash -c "! grep -E 'socket\(|connect\(' $T/trace"
check "a warm load maps no HTTP library" bash -c "! grep -E 'libcurl' $T/trace"
check "a warm load takes no lock" bash -c "! grep -E 'flock\(' $T/trace"
check "a warm load writes nothing" bash -c "! grep -E '(openat|open)\(.*(O_WRONLY|O_RDWR|O_CREAT)' $T/trace | grep -v /dev/"
check "a warm load renames and removes nothing" bash -c "! grep -E '(rename|unlink|mkdir|symlink|chmod|chown|fsync|ftruncate)' $T/trace"
done_testing
