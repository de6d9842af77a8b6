#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pkcs11-tls.sh - TLS and CMS through the PKCS#11 module: wget, git and libcurl with URIs, NSS directly
# and through p11-kit-proxy, OpenSSL by engine and by pkcs11-provider, Apache httpd; and a new key
# while a server runs.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/pkcs11.sh
. "$(dirname "$0")/../support/pkcs11.sh"
examples=$(realpath "$(dirname "$0")/../../examples/pkcs11")
become_user "$@"
setup_pkcs11

# Each shows a client certificate of the token to a server that demands one.
uri_clients() {
    local i uri
    for i in 1 2; do
        uri="pkcs11:token=digicert;object=order-$i"
        if has "wget with URIs" wget; then
            demand_peer
            wget -q --ca-certificate="$CA" --certificate="$uri;type=cert" --private-key="$uri;type=private" -O /dev/null "https://localhost:$peer_port/"
            check "wget shows order $i" peer_verified
            end_server
        fi
        if has "git with URIs" git; then
            demand_peer
            git -c http.sslCAInfo="$CA" -c http.sslCert="$uri;type=cert" -c http.sslKey="$uri;type=private" ls-remote "https://localhost:$peer_port/x.git" >/dev/null 2>&1
            check "git shows order $i" peer_verified
            end_server
        fi
        if has "libcurl with URIs" python3 && python3 -c 'import pycurl' 2>/dev/null; then
            demand_peer
            python3 -c "import pycurl; c=pycurl.Curl(); c.setopt(c.URL,'https://localhost:$peer_port/'); c.setopt(c.CAINFO,'$CA'); c.setopt(c.SSLCERT,'$uri;type=cert'); c.setopt(c.SSLKEY,'$uri;type=private'); c.setopt(c.WRITEFUNCTION, lambda b: None); c.perform()" >"$T/py.out" 2>&1
            check "libcurl shows order $i" peer_verified
            end_server
        else
            skip "libcurl with URIs" "python3-pycurl is not installed"
        fi
    done
}

# nss NAME MODULE: NSS tools on one database with that module.
nss() {
    local name=$1 module=$2 i port db
    has "NSS $name" certutil modutil selfserv tstclnt cmsutil "$module" || return
    db=sql:$T/nss-$name
    mkdir -p "$T/nss-$name"
    certutil -N -d "$db" --empty-password
    modutil -dbdir "$db" -add ours -libfile "$module" -force >/dev/null 2>&1
    certutil -A -d "$db" -n ca -t CT,C,C -i "$CA"
    printf 'digicert:whatever\n' >"$T/pf"
    for i in 1 2; do
        check "NSS $name lists order $i with its key" bash -c "certutil -L -d $db -h all -f $T/pf | grep -E 'order-$i +u,u,u'"
        check "NSS $name: a CMS of order $i" cmsutil -S -d "$db" -N "digicert:order-$i" -f "$T/pf" -i "$T/data" -o "$T/cms"
        check "verifies" openssl cms -verify -inform DER -in "$T/cms" -CAfile "$T/both.pem" -purpose any -out /dev/null
        port=$(free_port)
        check "NSS $name: selfserv starts with order $i" serve selfserv "$port" selfserv -d "$db" -p "$port" -n "digicert:order-$i" -f "$T/pf" -V tls1.2:tls1.3
        check "and serves TLS 1.3" shakes "$port" --cacert "$T/both.pem" --tlsv1.3
        check "and TLS 1.2" shakes "$port" --cacert "$T/both.pem" --tls-max 1.2
        end_server
        demand_peer
        printf 'GET / HTTP/1.0\r\n\r\n' | timeout 4 tstclnt -d "$db" -h 127.0.0.1 -p "$peer_port" -n "digicert:order-$i" -W "$T/pf" -V tls1.2:tls1.3 >/dev/null 2>&1
        check "NSS $name: tstclnt shows order $i" peer_verified
        end_server
    done
    check "NSS $name lists the keys" bash -c "certutil -K -d $db -h digicert -f $T/pf >$T/keys && grep -q order-1 $T/keys && grep -q order-2 $T/keys"
}

# openssl_server NAME ORDER ENV... -- OPTION...: s_server; TLS 1.3 and 1.2.
openssl_server() {
    local name=$1 i=$2 port
    shift 2
    port=$(free_port)
    check "$name: s_server starts with order $i" serve s_server "$port" env "$@" -accept "127.0.0.1:$port" -www
    check "and serves TLS 1.3" shakes "$port" --cacert "$T/both.pem" --tlsv1.3
    check "and TLS 1.2" shakes "$port" --cacert "$T/both.pem" --tls-max 1.2
    end_server
}

engine() {
    local i uri engines
    engines=$(openssl version -e | cut -d'"' -f2)
    has "engine_pkcs11" "$engines/pkcs11.so" || return
    for i in 1 2; do
        uri="pkcs11:token=digicert;object=order-$i;type=private"
        check "the engine signs with order $i" env PKCS11_MODULE_PATH="$M" openssl dgst -engine pkcs11 -keyform engine -sha256 -sign "$uri" -out "$T/sig" "$T/data"
        check "which verifies" openssl dgst -sha256 -verify "$T/$i.pub" -signature "$T/sig" "$T/data"
        openssl_server "the engine" $i PKCS11_MODULE_PATH="$M" openssl s_server -engine pkcs11 -keyform engine \
            -cert "$T/state/orders/$i/current/cert.pem" -key "$uri"
    done
}

# The provider's configuration, loaded early, with our module as its driver.
write_provider_conf() {
    sed -e "s|^module = .*|module = $1|" -e "s|^pkcs11-module-path.*|pkcs11-module-path = $M\npkcs11-module-load-behavior = early|" \
        "$examples/openssl.cnf" >"$T/p11.cnf"
}

provider() {
    local module i uri
    module=$(pkg-config --variable=modulesdir libcrypto)/pkcs11.so
    has "pkcs11-provider" "$module" || return
    write_provider_conf "$module"
    local -a with=(env OPENSSL_CONF="$T/p11.cnf")
    for i in 1 2; do
        uri="pkcs11:token=digicert;object=order-$i"
        equal "pkcs11-provider: storeutl lists order $i" "Certificate Pkey Public" "$("${with[@]}" openssl storeutl "$uri" 2>/dev/null | sed -n 's/^[0-9]*: \([A-Za-z]*\).*/\1/p' | sort -u | xargs)"
        check "pkcs11-provider signs with order $i" "${with[@]}" openssl dgst -sha256 -sign "$uri;type=private" -out "$T/sig" "$T/data"
        check "which verifies" openssl dgst -sha256 -verify "$T/$i.pub" -signature "$T/sig" "$T/data"
        check "pkcs11-provider makes a request with order $i" "${with[@]}" openssl req -new -key "$uri;type=private" -subj /CN=x -out "$T/csr"
        check "which verifies" openssl req -in "$T/csr" -verify -noout
        openssl_server "pkcs11-provider" $i OPENSSL_CONF="$T/p11.cnf" openssl s_server -cert "$uri;type=cert" -key "$uri;type=private"
    done
    check "pkcs11-provider signs with PSS" "${with[@]}" openssl pkeyutl -sign -rawin -digest sha256 -inkey "$U1;type=private" -pkeyopt rsa_padding_mode:pss -in "$T/data" -out "$T/sig"
    check "which verifies" openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify "$T/1.pub" -signature "$T/sig" "$T/data"
    # One process: OpenSSL loads the provider, which loads p11-kit's modules, which load OpenSSL.
    local proxy
    proxy=$(pkg-config --variable=proxy_module p11-kit-1)
    if ! command -v p11tool >/dev/null || [ ! -e "$proxy" ]; then
        skip "no recursion" "gnutls-bin (p11tool) or p11-kit-modules (the proxy) is not installed"
        return
    fi
    check "no recursion: p11tool, whose libcrypto loads the provider, which loads us" \
        timeout 20 "${with[@]}" p11tool --batch --list-all 'pkcs11:token=digicert'
    sed "s|^pkcs11-module-path.*|pkcs11-module-path = $proxy|" "$T/p11.cnf" >"$T/proxy.cnf"
    check "nor through p11-kit-proxy" timeout 20 env OPENSSL_CONF="$T/proxy.cnf" openssl dgst -sha256 -sign "$U1;type=private" -out "$T/sig" "$T/data"
    check "nor p11tool over both" timeout 20 env OPENSSL_CONF="$T/proxy.cnf" p11tool --batch --test-sign "$U1;type=private"
}

# httpd_serves NAME ORDER ENV... -- DIRECTIVE...: Apache httpd with URIs for both files.
httpd_serves() {
    local name=$1 i=$2 conf=$3 port mods=/usr/lib/apache2/modules
    shift 3
    port=$(free_port)
    printf '%s\n' "ServerName localhost" "PidFile $T/httpd-$port.pid" "ErrorLog $T/httpd.log" "DefaultRuntimeDir $T" "Listen 127.0.0.1:$port" \
        "LoadModule mpm_event_module $mods/mod_mpm_event.so" "LoadModule authz_core_module $mods/mod_authz_core.so" \
        "LoadModule socache_shmcb_module $mods/mod_socache_shmcb.so" "LoadModule ssl_module $mods/mod_ssl.so" \
        "DocumentRoot $T/www" "$@" >"$T/httpd.conf"
    sed "s/order-123/order-$i/" "$examples/httpd.conf" >>"$T/httpd.conf"
    check "Apache httpd starts with order $i, $name" serve httpd "$port" env OPENSSL_CONF="$conf" "$httpd" -X -f "$T/httpd.conf"
    check "and serves" shakes "$port" --cacert "$T/both.pem"
    end_server
}

apache() {
    local httpd module i engine
    httpd=$(command -v apache2 || echo /usr/sbin/apache2)
    module=$(pkg-config --variable=modulesdir libcrypto)/pkcs11.so
    engine=$(openssl version -e | cut -d'"' -f2)/pkcs11.so
    has "Apache httpd" "$httpd" || return
    mkdir -p "$T/www"
    echo hello >"$T/www/index.html"
    for i in 1 2; do
        if has "Apache httpd with the engine" "$engine"; then
            printf '%s\n' 'openssl_conf = o' '[o]' 'engines = e' '[e]' 'pkcs11 = k' '[k]' 'engine_id = pkcs11' \
                "dynamic_path = $engine" "MODULE_PATH = $M" 'init = 1' >"$T/engine.cnf"
            httpd_serves "with the engine" $i "$T/engine.cnf" 'SSLCryptoDevice pkcs11'
        fi
        if has "Apache httpd with pkcs11-provider" "$module"; then
            write_provider_conf "$module"
            httpd_serves "with pkcs11-provider" $i "$T/p11.cnf"
        fi
    done
}

# The running server keeps its pair, a new one takes the new pair.
rekey() {
    local port old new
    has "a new key under a server" gnutls-serv || return
    port=$(free_port)
    serial() { openssl s_client -connect "127.0.0.1:$1" -servername localhost </dev/null 2>/dev/null | openssl x509 -noout -serial 2>&1; }
    serve gnutls "$port" gnutls-serv -p "$port" --x509certfile "$U2;type=cert" --x509keyfile "$U2;type=private"
    old=$(serial "$port")
    fixture 2 ec
    equal "a running server keeps its pair when a new one comes" "$old" "$(serial "$port")"
    check "and its handshakes go on" shakes "$port"
    end_server
    serve gnutls "$port" gnutls-serv -p "$port" --x509certfile "$U2;type=cert" --x509keyfile "$U2;type=private"
    new=$(serial "$port")
    check "a new one takes the new pair" test "$old" != "$new"
    check "and serves" shakes "$port"
    end_server
}

uri_clients
nss directly "$M"
nss by-proxy "$(pkg-config --variable=proxy_module p11-kit-1)"
engine
provider
apache
rekey
done_testing
