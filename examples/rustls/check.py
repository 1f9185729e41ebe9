"""What the example on rustls does where TLS begins and ends: check.py server URL CA, or check.py client PROGRAM URL CA OTHER_CA
with a server that is started as check.py cut CERT KEY. On websockets, check.py echo CERT KEY is an echo server, and check.py
echoes URL CA a client of one."""

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import urllib.parse

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from messages import REPORT, compare, messages

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


def cut(tls):
    """Ends TCP under TLS, without a close_notify."""
    with socket.socket(fileno=tls.detach()) as tcp:
        tcp.shutdown(socket.SHUT_WR)


def server(url, ca):
    """How our server ends TLS, and what it makes of a client that does not."""
    host, port = urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port
    context = ssl.create_default_context(cafile=ca)

    def tcp():
        return socket.create_connection((host, port), timeout=60)

    def opened():
        tls = context.wrap_socket(tcp(), server_hostname=host, suppress_ragged_eofs=False)
        # The first frame comes in one record with the request.
        tls.sendall(UPGRADE + b"\x81\x85\0\0\0\0early")
        data = b""
        while not data.endswith(b"\x81\x05early"):
            data += tls.recv(4096)
        same("the status", data.split(b"\r\n")[0].split()[1], b"101")
        return tls

    silent = tcp()
    # A stream that is cut: the end of TCP without a close_notify.
    cut(opened())
    with opened() as tls:
        tls.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
        same("the Close", tls.recv(4096), b"\x88\x02\x03\xe8")
        # An end without a close_notify would raise SSLEOFError here.
        same("the end of TLS", tls.recv(4096), b"")
    # A client that speaks HTTP and no TLS gets an alert, which is a record of type 21, and the end.
    with tcp() as plain:
        plain.sendall(UPGRADE)
        same("the answer to HTTP", plain.recv(4096)[:1], b"\x15")
    # One that says nothing is given up by the deadline of the handshakes.
    with silent, contextlib.suppress(ConnectionResetError):
        same("the answer to silence", silent.recv(4096), b"")
    print("close_notify, truncation, an alert, silence")


def tls_of(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def echo(cert, key):
    """An echo server of others."""

    async def handle(ws):
        async for message in ws:
            await ws.send(message)

    async with serve(handle, "127.0.0.1", 0, ssl=tls_of(cert, key), max_size=None) as listener:
        print(f"listening on wss://127.0.0.1:{listener.sockets[0].getsockname()[1]}", flush=True)
        await listener.serve_forever()


async def echoes(url, ca):
    """Its other client, on threads, sets a time limit while it reads, which a read of Python's TLS takes for passed."""
    tls, extensions = ssl.create_default_context(cafile=ca), [ClientPerMessageDeflateFactory()]
    async with connect(url, ssl=tls, compression=None, extensions=extensions, max_size=None, proxy=None) as ws:
        same("the extensions", [extension.name for extension in ws.protocol.extensions], ["permessage-deflate"])
        for message in messages():
            await ws.send(message)
            compare(await asyncio.wait_for(ws.recv(), 60), message)
        await ws.close(1000, "done")
        same("the codes", (ws.protocol.close_sent.code, ws.protocol.close_rcvd.code), (1000, 1000))
    print(REPORT)


def cutting(cert, key):
    """A server that accepts whoever comes, answers the first frame, and cuts the stream."""
    context = tls_of(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"listening on wss://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            tcp, _ = listener.accept()
            with contextlib.suppress(ssl.SSLError):
                tls = context.wrap_socket(tcp, server_side=True)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += tls.recv(4096)
                key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                # The first frame comes in one record with the response.
                tls.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x81\x05early"
                )
                tls.recv(4096)
                cut(tls)


def client(program, url, ca, other_ca):
    """What our client makes of that, and of a certificate that it cannot trust."""

    def run(ca):
        command, quiet = [program, "--ca", ca, url, "hello", "again"], {**os.environ, "RUST_BACKTRACE": "0"}
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=quiet)
        return ended.returncode, ended.stdout, ended.stderr

    same(
        "a stream that is cut",
        run(ca),
        (
            1,
            "compression: false\nearly\nclosed: 1006, the transport ended before the closing handshake did\n",
            "Error: the connection did not end with Close frames\n",
        ),
    )
    status, _, error = run(other_ca)
    same("the status for an unknown root", status, 1)
    same("UnknownIssuer", "invalid peer certificate: UnknownIssuer" in error, True)
    print("truncation, an unknown root")


if __name__ == "__main__":
    role, *args = sys.argv[1:]
    if role in ("echo", "echoes"):
        asyncio.run({"echo": echo, "echoes": echoes}[role](*args))
    else:
        {"server": server, "cut": cutting, "client": client}[role](*args)
