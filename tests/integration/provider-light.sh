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

storeutl "$O" >/dev/null 2>&1
strace -f -e trace=all -o "$T/trace" openssl storeutl "${P[@]}" "$O" >/dev/null 2>&1
check "a warm load opens no socket" bash -c "! grep -E 'socket\(|connect\(' $T/trace"
check "a warm load maps no HTTP library" bash -c "! grep -E 'libcurl' $T/trace"
check "a warm load takes no lock" bash -c "! grep -E 'flock\(' $T/trace"
check "a warm load writes nothing" bash -c "! grep -E '(openat|open)\(.*(O_WRONLY|O_RDWR|O_CREAT)' $T/trace | grep -v /dev/"
check "a warm load renames and removes nothing" bash -c "! grep -E '(rename|unlink|mkdir|symlink|chmod|chown|fsync|ftruncate)' $T/trace"
done_testing
