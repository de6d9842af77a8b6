#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install.sh - meson install puts files where the distribution expects them, and they work there.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

dest=$T/dest
check "meson install succeeds" env DESTDIR="$dest" meson install -C "$DCS_BUILD_ROOT" --no-rebuild
modules=$(pkg-config --variable=modulesdir libcrypto)
p11_modules=$(pkg-config --variable=p11_module_path p11-kit-1)
p11_configs=$(pkg-config --variable=p11_module_configs p11-kit-1)
for file in "$modules/digicert.so" /usr/bin/digicert-store /usr/bin/digicert-sandbox \
    /etc/ssl/digicert-store.cnf /usr/share/digicert-store/openssl-exec.cnf \
    /usr/share/man/man1/digicert-store.1 /usr/share/man/man1/digicert-sandbox.1 \
    /usr/share/man/man5/digicert-store.conf.5 /usr/share/man/man7/provider-digicert.7 \
    "$p11_modules/digicert-pkcs11.so" "$p11_configs/digicert-store.module" /usr/share/man/man7/digicert-pkcs11.7 \
    /usr/share/doc/digicert-store/examples/digicert-store.conf; do
    check "$file is installed" test -s "$dest$file"
done
check "everything that is installed as a program runs where it is installed" bash -c "
    find $dest -type f -perm -u+x ! -name '*.so' | sort | sed 's|.*/||' | xargs | grep -qx 'digicert-sandbox digicert-store'"
pc=$(find "$dest" -name digicert-store.pc)
check "pkg-config tells where the module is" bash -c "PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --variable=provider digicert-store | grep -qx $modules/digicert.so"
check "the installed snippet names the installed module" grep -q "module = $modules/digicert.so" "$dest/etc/ssl/digicert-store.cnf"
check "p11-kit is told of the module by its name" grep -qx 'module: digicert-pkcs11.so' "$dest$p11_configs/digicert-store.module"
check "and of no trust that it would state" bash -c "! grep -q trust-policy $dest$p11_configs/digicert-store.module"
check "no test variable is in what is shipped" bash -c "! strings $dest$modules/digicert.so | grep -q DCS_TEST"
start_sandbox
configure
DIGICERT_PROVIDER_DIR=$dest$modules
P=(-provider-path "$DIGICERT_PROVIDER_DIR" -provider default -provider digicert)
equal "the installed module serves" "Certificate Certificate" "$(kinds digicert://order/123 | xargs)"
done_testing
