#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# examples.sh - examples/PROGRAM as they stand, but for paths, ports and what reloads a service: the real
# program serves the pair, takes three new ones by its hook, and loses no connection over it.
set -u
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

E=${DCS_SOURCE_ROOT:-$(dirname "$0")/../..}/examples
PATH=$PATH:/usr/sbin
STORE=$DIGICERT_STORE
start_sandbox --no-rate-limit
cp "$T/sandbox/roots.pem" "$T/roots.pem" 2>/dev/null || cp "$SB_ca" "$T/roots.pem"
chmod 755 "$T"
chmod 644 "$T/roots.pem"

end_servers() {
    local pid
    for pid in $(cat "$T"/*.pid 2>/dev/null); do
        kill "$pid" 2>/dev/null
        wait_for 10 test ! -e "/proc/$pid/cwd"
    done
    rm -f "$T"/*.pid
}
trap 'end_servers; cleanup' EXIT

# example FILE [SED EXPRESSION...]: the example's file with this test's paths and port.
example() {
    local file=$1 expression arguments=()
    shift
    for expression in "$@"; do arguments+=(-e "$expression"); done
    sed -e "s#/etc/ssl/digicert#$T/tls#g" -e "s#/var/lib/digicert-store#$T/state#g" \
        -e "s#127\.0\.0\.1:443#127.0.0.1:$port#g; s#127\.0\.0\.1:993#127.0.0.1:$port#g" "${arguments[@]}" "$E/$file"
}
# The order's section out of examples/PROGRAM/digicert-store.conf.
order_of() { mapfile -t lines < <(example "$1/digicert-store.conf" "${@:2}"); configure 'verify_deadline = 10s' "${lines[@]}"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Connects all the time until it is told to end; then says how often, what failed, and the serials in order.
cat >"$T/watch.py" <<'PY'
import signal, socket, ssl, sys, time
port, roots, seen, tries = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
ended = False
def end(*_):
    global ended
    ended = True
signal.signal(signal.SIGTERM, end)
context = ssl.create_default_context(cafile=roots)
count, failures, serials, left = 0, [], [], tries
while not ended:
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            with context.wrap_socket(raw, server_hostname="www.example.com") as tls:
                serial = tls.getpeercert()["serialNumber"]
        count, left = count + 1, tries
        open(seen, "w").close()
        if serial not in serials:
            serials.append(serial)
    except OSError as error:
        left -= 1
        if left == 0:
            failures.append(repr(error))
            left = tries
    time.sleep(0.01)
print(count, len(failures), " ".join(serials))
print("\n".join(failures[:5]), file=sys.stderr)
PY

serial_here() { openssl x509 -in "$T/state/orders/123/current/cert.pem" -noout -serial | sed 's/.*=//'; }
serial_at() {
    openssl s_client -connect "127.0.0.1:$port" -servername www.example.com -CAfile "$T/roots.pem" \
        -verify_return_error </dev/null 2>"$T/s_client" | openssl x509 -noout -serial 2>/dev/null | sed 's/.*=//'
}
shows() { [ -n "$(serial_here)" ] && [ "$(serial_at)" = "$(serial_here)" ]; }

# rounds PROGRAM [COMMAND...]: the command brings a new pair to the program (deliver).
rounds() {
    local name=$1 watch said wanted i
    shift
    check "$name serves the order's pair" wait_for 20 shows
    wanted=$(serial_here)
    rm -f "$T/watch.seen"
    python3 "$T/watch.py" "$port" "$T/roots.pem" "$T/watch.seen" "${TRIES:-1}" >"$T/watch.out" 2>"$T/watch.err" &
    watch=$!
    pids+=("$watch")
    wait_for 20 test -e "$T/watch.seen"
    for i in 1 2 3; do
        "$STORE" reissue order/123 --again --timeout 30 >/dev/null
        "$@" >"$T/round.out" 2>&1 || not_ok "$name: new pair $i" "$(cat "$T/round.out" "$T"/*.log 2>/dev/null | tail -n 20)"
        wait_for 10 shows
        sleep 0.2
        wanted="$wanted $(serial_here)"
    done
    kill "$watch"
    wait "$watch"
    said=$(cat "$T/watch.out")
    equal "$name serves each of three new pairs after its hook, in order" "$wanted" "$(cut -d ' ' -f 3- <<<"$said")"
    equal "$name lost none of $(cut -d ' ' -f 1 <<<"$said") connections over them" 0 "$(cut -d ' ' -f 2 <<<"$said")"
    grep . "$T/watch.err" | sed 's/^/# /'
    end_servers
}
deliver() { "$STORE" deliver order/123; }
# first_pair: what an administrator does before the program's first start; the hook must not fail yet.
first_pair() { "$STORE" get order/123 >/dev/null && "$STORE" deliver --to "$T/tls/$1" order/123 >/dev/null; }
# start PROGRAM COMMAND...: in the background; its pid is where end_servers looks.
start() {
    local name=$1
    shift
    "$@" >"$T/$name.log" 2>&1 &
    pids+=($!)
    echo $! >"$T/$name.pid"
}
have() { command -v "$1" >/dev/null || { skip "examples/$2" "$1 is not installed"; return 1; }; }
mkdir -p "$T/tls"

if have nginx nginx; then
    port=$(free_port)
    order_of nginx "s#nginx -#nginx -c $T/nginx.conf -e $T/nginx.log -#g"
    {
        echo "pid $T/nginx.pid; error_log $T/nginx.log; worker_processes 2; events { }"
        echo "http { access_log off;"
        example nginx/www.conf
        echo "}"
    } >"$T/nginx.conf"
    check "a first pair for nginx" first_pair www
    check "nginx takes the example" nginx -t -q -c "$T/nginx.conf" -e "$T/nginx.log"
    nginx -c "$T/nginx.conf" -e "$T/nginx.log"
    rounds nginx deliver
fi

if have apache2 apache; then
    port=$(free_port)
    rm -rf "$T/tls" && mkdir "$T/tls"
    modules=/usr/lib/apache2/modules
    order_of apache "s#apachectl configtest#apache2 -t -f $T/apache.conf#; s#apachectl graceful#apache2 -k graceful -f $T/apache.conf#"
    {
        echo "ServerRoot $T"
        echo "ServerName localhost"
        for m in mpm_prefork authz_core ssl socache_shmcb; do
            [ ! -e "$modules/mod_$m.so" ] || echo "LoadModule ${m}_module $modules/mod_$m.so"
        done
        echo "Listen 127.0.0.1:$port"
        echo "PidFile $T/apache.pid"
        echo "ErrorLog $T/apache.log"
        echo "DefaultRuntimeDir $T"
        echo "User nobody"
        echo "Group nogroup"
        example apache/www.conf "s#\*:443#127.0.0.1:$port#"
    } >"$T/apache.conf"
    check "a first pair for Apache" first_pair www
    check "Apache takes the example" apache2 -t -f "$T/apache.conf"
    apache2 -k start -f "$T/apache.conf"
    rounds Apache deliver
fi

if have haproxy haproxy; then
    port=$(free_port)
    rm -rf "$T/tls" && mkdir "$T/tls"
    order_of haproxy "s#/etc/haproxy/haproxy.cfg#$T/haproxy.cfg#; s#systemctl reload haproxy#pkill -USR2 -F $T/haproxy.pid#"
    {
        printf 'global\n    maxconn 200\n    stats socket %s/haproxy.sock expose-fd listeners\n' "$T"
        printf 'defaults\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n'
        example haproxy/haproxy.cfg
    } >"$T/haproxy.cfg"
    check "a first pair for HAProxy" first_pair www
    check "HAProxy takes the example" haproxy -c -q -f "$T/haproxy.cfg"
    start haproxy haproxy -W -f "$T/haproxy.cfg"
    rounds HAProxy deliver
fi

if have stunnel4 stunnel; then
    port=$(free_port)
    rm -rf "$T/tls" && mkdir "$T/tls"
    order_of stunnel "s#systemctl reload stunnel@www#pkill -HUP -F $T/stunnel.pid#"
    backend=$(free_port)
    python3 -m http.server --bind 127.0.0.1 --directory "$T/tls" "$backend" >/dev/null 2>&1 &
    pids+=($!)
    { echo "foreground = yes" && echo "pid =" && example stunnel/www.conf "s#127.0.0.1:8080#127.0.0.1:$backend#"; } >"$T/stunnel.conf"
    check "a first pair for stunnel" first_pair www
    start stunnel stunnel4 "$T/stunnel.conf"
    # It closes and binds its port anew at each reload; what waits there then is reset.
    TRIES=2 rounds stunnel deliver
fi

if have lighttpd lighttpd; then
    port=$(free_port)
    rm -rf "$T/tls" && mkdir "$T/tls"
    order_of lighttpd "s#/etc/lighttpd/lighttpd.conf#$T/lighttpd.conf#; s#systemctl reload lighttpd#pkill -USR1 -F $T/lighttpd.pid#"
    {
        echo "server.document-root = \"$T/tls\""
        echo "server.port = $(free_port)"
        echo "server.bind = \"127.0.0.1\""
        example lighttpd/tls.conf
    } >"$T/lighttpd.conf"
    check "a first pair for lighttpd" first_pair www
    check "lighttpd takes the example" lighttpd -tt -f "$T/lighttpd.conf"
    start lighttpd lighttpd -D -f "$T/lighttpd.conf"
    rounds lighttpd deliver
fi

if have dovecot dovecot; then
    port=$(free_port)
    rm -rf "$T/tls" && mkdir "$T/tls"
    order_of dovecot "s#doveadm reload#doveadm -c $T/dovecot.conf reload#"
    cat >"$T/dovecot.conf" <<CONF
base_dir = $T/dovecot
log_path = $T/dovecot.log
listen = 127.0.0.1
protocols = imap
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $port
    ssl = yes
  }
}
passdb {
  driver = static
  args = nopassword=y
}
CONF
    example dovecot/tls.conf >>"$T/dovecot.conf"
    check "a first pair for Dovecot" first_pair mail
    check "Dovecot takes the example" doveconf -c "$T/dovecot.conf" ssl
    start dovecot dovecot -F -c "$T/dovecot.conf"
    rounds Dovecot deliver
fi

port=$(free_port)
rm -rf "$T/tls" && mkdir "$T/tls"
order_of python
export OPENSSL_CONF=$CNF
check "a first pair for the Python server" "$STORE" get order/123
"$STORE" stub order/123 --out "$T/tls/www.key"
example python/server.py "s#(\"127.0.0.1\", 443)#(\"127.0.0.1\", $port)#" >"$T/server.py"
start python python3 "$T/server.py"
rounds Python true
done_testing
