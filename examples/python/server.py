#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TLS server whose key file is a stub. Before the first start:

    digicert-store get order/123 >/dev/null
    digicert-store stub order/123 --out /etc/ssl/digicert/www.key

The certificate is read again, with its key, whenever `current` names another pair."""
import os
import socket
import ssl

CURRENT = "/var/lib/digicert-store/orders/123/current"
KEY_STUB = "/etc/ssl/digicert/www.key"


def load(context):
    """Both of one pair: when `current` moved between the two reads, once more."""
    while True:
        before = os.readlink(CURRENT)
        try:
            context.load_cert_chain(CURRENT + "/fullchain.pem", KEY_STUB)
        except ssl.SSLError:
            if os.readlink(CURRENT) == before:
                raise
            continue
        if os.readlink(CURRENT) == before:
            return before


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
loaded = load(context)
with socket.create_server(("127.0.0.1", 443)) as listener:
    while True:
        connection, _ = listener.accept()
        if os.readlink(CURRENT) != loaded:
            loaded = load(context)
        try:
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1024)
                tls.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
        except (ssl.SSLError, OSError):
            connection.close()
