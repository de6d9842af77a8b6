#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deliver-servers.sh - nginx, HAProxy and PostgreSQL take what deliver brings: files of an unprivileged
# user, a reload by the hook, and the new certificate at the next handshake. Each runs from the scratch
# directory, on a loopback port, as a user without rights; no service of the system is touched.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

for program in nginx haproxy; do
    command -v $program >/dev/null || PATH=$PATH:/usr/sbin
done
PG=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
USER_NAME=$([ "$(id -u)" -eq 0 ] && echo nobody || id -un)
start_sandbox --no-rate-limit
chmod 755 "$T"
store() { "$DIGICERT_STORE" "$@"; }
new_pair() { store reissue --again --timeout 30 "order/$1" >/dev/null; }
as() { # USER COMMAND...: as that user when we are root
    local user=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then as_user "$user" "$@"; else "$@"; fi
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
serial_at() { # PORT [s_client option...]
    local port=$1
    shift
    openssl s_client -connect "127.0.0.1:$port" "$@" -servername servers.example -CAfile "$T/roots.pem" \
        -verify_return_error </dev/null 2>"$T/s_client" | openssl x509 -noout -serial 2>/dev/null | sed 's/.*=//'
}
serial_of() { openssl x509 -in "$T/state/orders/$1/current/cert.pem" -noout -serial | sed 's/.*=//'; }
shows() { [ -n "$(serial_of "$1")" ] && [ "$(serial_at "${@:2}")" = "$(serial_of "$1")" ]; }
# A hook in a file: NCONF takes quotes and dollars for its own.
hook_is() { printf 'set -e\n%s\n' "$2" >"$T/$1.hook"; }
end_servers() {
    local pid
    for pid in $(cat "$T"/*.pid 2>/dev/null); do
        kill "$pid" 2>/dev/null
        wait_for 10 test ! -e "/proc/$pid/cwd"
    done
}
trap 'end_servers; cleanup' EXIT
cp "$T/sandbox/roots.pem" "$T/roots.pem" 2>/dev/null || cp "$SB_ca" "$T/roots.pem"
chmod 644 "$T/roots.pem"
order() { control POST /orders "{\"id\":$1,\"common_name\":\"servers.example\",\"dns_names\":[\"servers.example\"],\"switches\":{\"dcv\":\"valid\"}}" >/dev/null; }
# A directory of that user's, where root delivers and the server runs.
home() {
    mkdir "$T/$1"
    [ "$(id -u)" -ne 0 ] || chown "$2" "$T/$1"
}
# What is the same for each server: first pair, start, new pair, hook.
rounds() { # NAME ORDER PORT [s_client option...]
    local name=$1 id=$2 port=$3 i
    shift 3
    check "$name presents the delivered certificate, chain and all" wait_for 10 shows "$id" "$port" "$@"
    for i in 1 2 3; do
        new_pair "$id"
        check "$name takes pair $((i + 1)) by a reload that is not refused" store deliver "order/$id"
        check "$name presents it at once" wait_for 5 shows "$id" "$port" "$@"
    done
    equal "$name: no delivery failed" "0 0" "$(jq -r '"\(.failures) \(.refusals)"' "$T/state/orders/$id/delivery.json")"
}

# ---- nginx: two files ----
order 951
port=$(free_port)
home nginx "$USER_NAME"
mkdir "$T/nginx/tmp"
[ "$(id -u)" -ne 0 ] || chown "$USER_NAME" "$T/nginx/tmp"
cat >"$T/nginx/nginx.conf" <<CONF
pid $T/nginx/nginx.pid;
error_log $T/nginx/error.log;
worker_processes 2;
events { }
http {
    access_log off;
    client_body_temp_path $T/nginx/tmp; proxy_temp_path $T/nginx/tmp; fastcgi_temp_path $T/nginx/tmp;
    uwsgi_temp_path $T/nginx/tmp; scgi_temp_path $T/nginx/tmp;
    server {
        listen 127.0.0.1:$port ssl;
        server_name servers.example;
        ssl_certificate     $T/nginx/tls/current/fullchain.pem;
        ssl_certificate_key $T/nginx/tls/current/privkey.pem;
    }
}
CONF
N=(nginx -p "$T/nginx" -c "$T/nginx/nginx.conf" -e "$T/nginx/error.log")
configure 'verify_deadline = 10s' '[order/951]' "deliver = $T/nginx/tls" "deliver_owner = $USER_NAME" \
    "hook = . $T/nginx.hook"
hook_is nginx "test -e $T/nginx/nginx.pid || exit 0; ${N[*]} -t; kill -HUP \$(cat $T/nginx/nginx.pid)"
if command -v nginx >/dev/null; then
    new_pair 951
    check "a pair for nginx, before it runs" store deliver order/951
    sed -i "\$a verify = tls://127.0.0.1:$port?sni=servers.example" "$T/etc/digicert-store.conf"
    check "nginx accepts it" as "$USER_NAME" "${N[@]}" -t
    check "nginx starts" as "$USER_NAME" "${N[@]}"
    cp "$T/nginx/nginx.pid" "$T/nginx.pid"
    rounds nginx 951 "$port"
else
    skip "nginx" "is not installed"
fi

# ---- HAProxy: one file ----
order 952
port=$(free_port)
home haproxy "$USER_NAME"
cat >"$T/haproxy/haproxy.cfg" <<CONF
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend tls
    bind 127.0.0.1:$port ssl crt $T/haproxy/tls/current/combined.pem
    http-request return status 200
CONF
H=(haproxy -W -p "$T/haproxy/haproxy.pid" -f "$T/haproxy/haproxy.cfg")
configure 'verify_deadline = 10s' '[order/952]' "deliver = $T/haproxy/tls" "deliver_owner = $USER_NAME" \
    "hook = . $T/haproxy.hook"
hook_is haproxy "test -e $T/haproxy.pid || exit 0; haproxy -c -q -f $T/haproxy/haproxy.cfg; kill -USR2 \$(cat $T/haproxy.pid)"
if command -v haproxy >/dev/null; then
    new_pair 952
    check "a pair for HAProxy, before it runs" store deliver order/952
    sed -i "\$a verify = tls://127.0.0.1:$port?sni=servers.example" "$T/etc/digicert-store.conf"
    check "HAProxy accepts it" as "$USER_NAME" haproxy -c -f "$T/haproxy/haproxy.cfg"
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid "$USER_NAME" --regid "$(id -g "$USER_NAME")" --clear-groups "${H[@]}" >"$T/haproxy.out" 2>&1 &
    else
        "${H[@]}" >"$T/haproxy.out" 2>&1 &
    fi
    echo $! >"$T/haproxy.pid"
    rounds HAProxy 952 "$port"
else
    skip "HAProxy" "is not installed"
fi

# ---- PostgreSQL: refuses keys of a third owner; speaks TLS after a request of its own ----
order 953
port=$(free_port)
PG_USER=$([ "$(id -u)" -eq 0 ] && id -u postgres >/dev/null 2>&1 && echo postgres || id -un)
home pg "$PG_USER"
chmod 700 "$T/pg"
if [ -n "$PG" ] && { [ "$(id -u)" -ne 0 ] || [ "$PG_USER" = postgres ]; }; then
    mkdir -m 755 "$T/pgtls"
    [ "$(id -u)" -ne 0 ] || chown "$PG_USER" "$T/pgtls"
    configure '[order/953]' "deliver = $T/pgtls" "deliver_owner = $PG_USER" \
        "hook = . $T/pg.hook"
    hook_is pg "test -e $T/pg.pid || exit 0; kill -HUP \$(cat $T/pg.pid)"
    new_pair 953
    check "a pair for PostgreSQL, before it runs" store deliver order/953
    check "a cluster" as "$PG_USER" "$PG/initdb" -D "$T/pg/data" -A trust --no-sync
    cat >>"$T/pg/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$T/pg'
ssl = on
ssl_cert_file = '$T/pgtls/current/fullchain.pem'
ssl_key_file = '$T/pgtls/current/privkey.pem'
fsync = off
CONF
    check "PostgreSQL starts with it" as "$PG_USER" "$PG/pg_ctl" -D "$T/pg/data" -l "$T/pg/log" -w -t 30 start
    head -n 1 "$T/pg/data/postmaster.pid" >"$T/pg.pid"
    rounds PostgreSQL 953 "$port" -starttls postgres
    equal "it never refused a key" 0 "$(grep -cE 'private key|certificate' "$T/pg/log")"
    # The state directory's own files have a third owner: what delivery is for.
    if [ "$(id -u)" -eq 0 ]; then
        chown -R "$USER_NAME" "$T/state"
        new_pair 953
        check "root delivers from the keeper's directory" store deliver order/953
        equal "as the server's user" "$PG_USER" "$(stat -c %U "$T/pgtls/current/privkey.pem")"
        check "which PostgreSQL presents" wait_for 5 shows 953 "$port" -starttls postgres
        check "and leaves nothing of its own behind" test -z "$(find "$T/state" ! -user "$USER_NAME")"
    fi
    as "$PG_USER" "$PG/pg_ctl" -D "$T/pg/data" -m fast -w stop >/dev/null 2>&1
else
    skip "PostgreSQL" "is not installed"
fi
done_testing
