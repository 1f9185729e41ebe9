"""Looks at what the examples do: http1.py hyper URL, http1.py axum URL, http1.py server URL, or http1.py client PROGRAM"""

import base64
import contextlib
import hashlib
import http.client
import re
import socket
import struct
import subprocess
import sys
import urllib.parse

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


def ends(url):
    """What comes with the request in one write, and how the server ends connections."""
    server = urllib.parse.urlsplit(url)
    lines = [f"GET {server.path or '/'} HTTP/1.1", f"Host: {server.netloc}", *map(": ".join, UPGRADE.items()), "", ""]
    head = "\r\n".join(lines).encode()
    masked = b"\x81\x85\x01\x02\x03\x04" + bytes(byte ^ key for byte, key in zip(b"early", b"\1\2\3\4\1"))

    def connection(sent):
        tcp = socket.create_connection((server.hostname, server.port), timeout=30)
        tcp.sendall(head + sent)
        return tcp

    def received(tcp):
        data = bytearray()
        while more := tcp.recv(4096):
            data += more
        head, _, frames = bytes(data).partition(b"\r\n\r\n")
        same("the status", head.split(b"\r\n")[0].split()[1], b"101")
        return frames

    # The end of the stream without a Close frame is answered with the end of the stream.
    with connection(masked) as tcp:
        tcp.shutdown(socket.SHUT_WR)
        same("what came back", received(tcp), b"\x81\x05early")
    # RFC 6455 §5.1: a frame without a mask gets a Close, behind which the server hangs up.
    with connection(masked + b"\x81\x05early") as tcp:
        frames = received(tcp)
        same("what came back", frames[:7], b"\x81\x05early")
        same("the Close", (frames[7], frames[9:11]), (0x88, (1002).to_bytes(2, "big")))
    # A reset ends that connection alone.
    with connection(masked) as tcp:
        tcp.recv(1)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connect(url, proxy=None) as ws:
        ws.send("still there")
        same("the echo", ws.recv(timeout=30), "still there")


def hyper(url):
    """Plain requests and ones that are refused, all on one connection; then a close code, there and back."""
    http1 = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)

    def ask(method, path, **headers):
        http1.request(method, path, headers=headers)
        response = http1.getresponse()
        return response.status, response.headers, response.read()

    status, headers, body = ask("GET", "/")
    same("the page", (status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
    same("the page has a script", b"new WebSocket(" in body, True)
    status, headers, _ = ask("GET", "/elsewhere")
    same("no upgrade", (status, headers["Upgrade"], headers["Sec-WebSocket-Version"]), (426, "websocket", "13"))
    status, headers, _ = ask("GET", "/", **UPGRADE | {"Sec-WebSocket-Version": "8"})
    same("version 8", (status, headers["Sec-WebSocket-Version"]), (426, "13"))
    status, headers, _ = ask("POST", "/", **UPGRADE)
    same("POST", (status, headers["Allow"]), (405, "GET"))
    same("no key", ask("GET", "/", **UPGRADE | {"Sec-WebSocket-Key": "short"})[0], 400)
    http1.close()

    with connect(url, proxy=None) as ws:
        ws.close(4001, "bye")
        same("the Close that came", ws.protocol.close_rcvd.code, 4001)
    ends(url)
    print("page, 426, 405, 400, close code, ends of the stream")


def refused(url):
    """A plain request, which the server answers and behind which it hangs up; then the ends of other streams."""
    server = urllib.parse.urlsplit(url)
    with socket.create_connection((server.hostname, server.port), timeout=30) as tcp:
        tcp.sendall(f"GET / HTTP/1.1\r\nHost: {server.netloc}\r\n\r\n".encode())
        response = http.client.HTTPResponse(tcp)
        response.begin()
        same("no upgrade", (response.status, response.headers["Sec-WebSocket-Version"]), (426, "13"))
        response.read()
        same("what follows", tcp.recv(4096), b"")
    ends(url)
    print("426, ends of the stream")


def axum(url):
    """Subprotocols and origins."""
    offers = [(None, None), (["echo.v1"], "echo.v1"), (["x", "echo.v1", "echo.v2"], "echo.v1"), (["x"], None)]
    for offered, chosen in offers:
        with connect(url, subprotocols=offered, proxy=None) as ws:
            same(f"the answer to {offered}", ws.subprotocol, chosen)
            same("the extension", [extension.name for extension in ws.protocol.extensions], ["permessage-deflate"])

    with connect(url, origin="http://" + urllib.parse.urlsplit(url).netloc, proxy=None) as ws:
        ws.send("from here")
        same("the echo", ws.recv(timeout=30), "from here")
    for origin in ["https://evil.example", "null"]:
        try:
            connect(url, origin=origin, proxy=None).close()
        except InvalidStatus as error:
            same(f"the status for {origin}", error.response.status_code, 403)
        else:
            raise SystemExit(f"{origin} was accepted")
    ends(url)
    print("subprotocols, origins, ends of the stream")


def client(program):
    """What the client on hyper makes of a message right behind the 101, of the end without a Close, and of a refusal."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def run(response):
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        process = subprocess.Popen([program, url, "hello"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            tcp, _ = listener.accept()
            # A client that refuses the response may reset the connection.
            with tcp, contextlib.suppress(ConnectionError):
                tcp.settimeout(30)
                head = bytearray()
                while b"\r\n\r\n" not in head:
                    head += tcp.recv(4096)
                tcp.sendall(response(re.search(rb"(?im)^sec-websocket-key: *(\S+)", head)[1]))
                tcp.shutdown(socket.SHUT_WR)
                while tcp.recv(4096):
                    pass
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        return process.returncode, out.splitlines(), err

    def accept(key):
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        return head + b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n\x81\x05early"

    status, lines, _ = run(accept)
    same("what is printed", lines[:2], ["compression: false", "early"])
    same("the end", (status, lines[2].startswith('closed: 1006,')), (1, True))
    status, lines, errors = run(lambda _: b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    same("a refusal", (status, lines, "403" in errors), (1, [], True))
    status, lines, errors = run(lambda key: accept(key[::-1]))
    same("a wrong key", (status, lines, "Accept" in errors), (1, [], True))
    print("early message, end of the stream, 403, wrong key")


if __name__ == "__main__":
    {"hyper": hyper, "axum": axum, "client": client, "server": refused}[sys.argv[1]](sys.argv[2])
