"""Peers for the proxy, on websockets and on plain sockets.

check.py server             echoes; other paths do what their functions below say
check.py sockets            a server that breaks rules, stops and refuses
check.py echoes URL...      a client that has messages of 64 MiB echoed, compressed and not
check.py client URL         a client of the first server, with what it may do
check.py sockets-client URL a client of the second one
check.py hasty URL DOWN     a client that does not go on, of a hasty proxy for the first server, and one for no server
"""

import asyncio
import base64
import hashlib
import http.client
import json
import os
import socket
import socketserver
import struct
import sys
import urllib.parse

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.datastructures import Headers
from websockets.sync.client import connect

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "AQIDBAUGBwgJCgsMDQ4PEC=="
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
TEXT, BINARY, CLOSE, FIN = 1, 2, 8, 0x80


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {str(got)[:200]!r} and not {str(wanted)[:200]!r}")


# The server on websockets.


async def echo(ws):
    async for message in ws:
        await ws.send(message)


async def wait(ws):
    await FLOOD_ENDED.wait()
    await ws.send("the flood has ended")


async def headers(ws):
    await ws.send(json.dumps(list(ws.request.headers.raw_items())))
    await echo(ws)


async def parts(ws):
    async for part in ws.recv_streaming():
        await ws.send(f"part {part}")
    await echo(ws)


async def bye(ws):
    await ws.close(4001, "bye")


async def abort(ws):
    await ws.recv()
    ws.transport.abort()


async def flood(ws):
    # Noise, which compression cannot shorten.
    count, noise = 0, os.urandom(64 << 10)
    try:
        while True:
            await ws.send(noise)
            count += 1
            await asyncio.sleep(0)
    finally:
        FLOOD_ENDED.set()
        print(f"flooded with {'less' if count < 1024 else 'more'} than 64 MiB", flush=True)


FLOOD_ENDED = asyncio.Event()
PATHS = {"/wait": wait, "/headers": headers, "/parts": parts, "/bye": bye, "/abort": abort, "/flood": flood}


async def handle(ws):
    names = [extension.name for extension in ws.protocol.extensions]
    print(f"extensions: {','.join(names)}", flush=True)
    try:
        await PATHS.get(urllib.parse.urlsplit(ws.request.path).path, echo)(ws)
    except ConnectionClosed:
        pass
    finally:
        await ws.wait_closed()
        print(f"closed: {ws.close_code} {ws.close_reason}", flush=True)


def check_origin(ws, request):
    if request.headers.get("Origin") != "http://other.example":
        return None
    lines = Headers({"X-Reason": "origin", "X-Hop": "1", "Connection": "close, X-Hop", "Content-Type": "text/html"})
    lines["Set-Cookie"] = "a=1"
    lines["Set-Cookie"] = "b=2"
    return Response(403, "No", lines, b"<p>not from there")


def answer_head(ws, request, response):
    if response.status_code == 101:
        response.headers["Set-Cookie"] = "id=7"
    return None


async def server():
    listener = serve(
        handle,
        "127.0.0.1",
        0,
        max_size=None,
        select_subprotocol=lambda ws, offered: "chat.v2" if "chat.v2" in offered else None,
        process_request=check_origin,
        process_response=answer_head,
    )
    async with listener as listener:
        print(f"listening on ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}", flush=True)
        await listener.serve_forever()


# Frames on plain sockets.


def frame(opcode, data, first=FIN, mask=False):
    size = bytes([len(data)]) if len(data) < 126 else struct.pack("!BH", 126, len(data))
    if not mask:
        return bytes([first | opcode]) + size + data
    # A key of zeros leaves the payload as it is.
    return bytes([first | opcode, size[0] | 0x80]) + size[1:] + bytes(4) + data


def close_frame(code, reason, mask=False):
    return frame(CLOSE, struct.pack("!H", code) + reason, mask=mask)


def read_frame(file):
    first, size = file.read(2)
    mask, size = size & 0x80, size & 0x7F
    if size == 126:
        [size] = struct.unpack("!H", file.read(2))
    elif size == 127:
        [size] = struct.unpack("!Q", file.read(8))
    key = file.read(4) if mask else bytes(4)
    return first & 0x0F, bytes(byte ^ key[i % 4] for i, byte in enumerate(file.read(size)))


def read_close(file):
    while True:
        opcode, data = read_frame(file)
        if opcode == CLOSE:
            return int.from_bytes(data[:2], "big"), data[2:].decode()


# The server on plain sockets.


class Sockets(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split()[1].decode()
        fields = http.client.parse_headers(self.rfile)
        accept = base64.b64encode(hashlib.sha1((fields["Sec-WebSocket-Key"] + GUID).encode()).digest()).decode()
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ).encode()
        match path:
            case "/early":
                # One write: what stands behind the 101 may not be lost.
                self.wfile.write(head + frame(TEXT, b"early"))
                opcode, data = read_frame(self.rfile)
                self.wfile.write(frame(opcode, data) + close_frame(1000, b""))
                read_close(self.rfile)
            case "/answer":
                self.wfile.write(head)
                code, reason = read_close(self.rfile)
                self.wfile.write(close_frame(4002, f"after {code} {reason}".encode()))
            case "/broken":
                self.wfile.write(head + frame(3, b"no such opcode"))
                print(f"broken: {read_close(self.rfile)}", flush=True)
            case "/half":
                self.wfile.write(head + frame(BINARY, bytes(100))[:50])
                print(f"half: {read_close(self.rfile)}", flush=True)
            case "/silent":
                self.rfile.read()
            case "/garbage":
                self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
            case "/unknown":
                self.wfile.write(b"HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n")
            case "/redirect":
                chunked = b"Transfer-Encoding: chunked\r\n\r\n5\r\nmoved\r\n0\r\n\r\n"
                self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\n" + chunked)
            case "/large":
                self.wfile.write(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\r\n" + bytes(1 << 20))
            case "/cut":
                self.wfile.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\nRetry-After: 9\r\n\r\ncut")


def sockets():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sockets) as listener:
        listener.daemon_threads = True
        print(f"listening on ws://127.0.0.1:{listener.server_address[1]}", flush=True)
        listener.serve_forever()


# The clients.


def open_ws(url, path="/", **options):
    return connect(url + path, max_size=None, proxy=None, open_timeout=60, ping_interval=None, **options)


def open_raw(url, path, behind=b""):
    """A plain socket after the 101, and a file to read frames from."""
    address = urllib.parse.urlsplit(url)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    raw.settimeout(60)
    raw.connect((address.hostname, address.port))
    lines = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode() + behind)
    file = raw.makefile("rb")
    same("the first line", file.readline(), b"HTTP/1.1 101 Switching Protocols\r\n")
    while file.readline() != b"\r\n":
        pass
    return raw, file


def ask(url, path, **fields):
    """The answer to a request that is refused."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    connection.request("GET", path, headers=UPGRADE | fields)
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def closed_with(ws):
    try:
        for _ in ws:
            pass
    except ConnectionClosed:
        pass
    return ws.close_code, ws.close_reason


def echoes(urls):
    # Noise that comes again within the smallest window in use, and 32 bytes of text.
    binary, text = os.urandom(1 << 10) * (64 << 10), "🦀, Zoë said 日本語 twice " * (2 << 20)
    for url in urls:
        for compression in ["deflate", None]:
            with open_ws(url, compression=compression) as ws:
                for message in ["", "short", text, binary]:
                    ws.send(message)
                    same("an echo", ws.recv(timeout=60) == message, True)
                same("a Pong", ws.ping().wait(60), True)
                ws.close(4001, "bye")
                same("the Close", (ws.close_code, ws.close_reason), (4001, "bye"))
    print(f"{len(urls) * 2} times 64 MiB of text and of binary")


def client(url):
    fields = {"Cookie": "id=7", "Authorization": "Bearer abc", "X-Forwarded-For": "192.0.2.1", "X-Hop": "1"}
    fields |= {"X-Forwarded-Host": "forged", "Keep-Alive": "9", "Connection": "X-Hop"}
    host = urllib.parse.urlsplit(url).netloc
    with open_ws(
        url,
        "/headers?q=%C3%A9&r=[1]",
        origin="https://example.com",
        subprotocols=["chat.v1", "chat.v2"],
        additional_headers=fields,
    ) as ws:
        same("the subprotocol", ws.subprotocol, "chat.v2")
        same("the cookie", ws.response.headers["Set-Cookie"], "id=7")
        received = json.loads(ws.recv(timeout=60))
        sent = {name.lower(): value for name, value in received}
        same("every header once", len(sent), len(received))
        wanted = {
            "origin": "https://example.com",
            "cookie": "id=7",
            "authorization": "Bearer abc",
            "sec-websocket-protocol": "chat.v1, chat.v2",
            "x-forwarded-for": "192.0.2.1, 127.0.0.1",
            "x-forwarded-host": host,
            "x-forwarded-proto": "http",
            "forwarded": f'for=127.0.0.1;host="{host}";proto=http',
            "via": "1.1 ws-proto",
            "connection": "Upgrade",
        }
        for name, value in wanted.items():
            same(name, sent.get(name), value)
        for name in ["x-hop", "keep-alive"]:
            same(name, sent.get(name), None)
        same("whether Host is the server's", sent["host"] != host, True)
    # A part of a message arrives while the rest of it does not exist.
    with open_ws(url, "/parts") as ws:

        def one_by_one():
            yield "one"
            same("the first part", ws.recv(timeout=60), "part one")
            yield "two"

        ws.send(one_by_one())
        rest = ws.recv(timeout=60)
        same("the rest", rest, "part two")
    with open_ws(url, "/bye") as ws:
        same("a Close of the server's", closed_with(ws), (4001, "bye"))
    # The server repeats the code, as it may in its answer.
    ws = open_ws(url)
    ws.close(1010, "an extension is missing")
    same("a Close of a client alone", ws.close_code, 1010)
    with open_ws(url, "/abort") as ws:
        ws.send("now")
        same("the end of the server", closed_with(ws), (1014, "upstream: the transport ended before the closing handshake did"))

    status, lines, body = ask(url, "/", Origin="http://other.example")
    same("an origin", (status, body), (403, b"<p>not from there"))
    same("its headers", (lines["X-Reason"], lines["X-Hop"], lines["Content-Type"]), ("origin", None, "text/html"))
    same("its cookies", lines.get_all("Set-Cookie"), ["a=1", "b=2"])
    same("its length", lines.get_all("Content-Length"), ["17"])

    # What comes in one write with the request is not lost; then the client resets the connection.
    raw, file = open_raw(url, "/", frame(TEXT, b"early", mask=True))
    same("an early message", read_frame(file), (TEXT, b"early"))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    file.close()
    raw.close()
    raw, file = open_raw(url, "/", frame(TEXT, b"not masked"))
    same("a violation", read_close(file)[0], 1002)
    same("the end of it", file.read(), b"")
    print("headers, subprotocol, 403, parts, early bytes, Close frames, resets")


def sockets_client(url):
    with open_ws(url, "/early") as ws:
        same("an early message", ws.recv(timeout=60), "early")
        ws.send("hello")
        same("an echo", ws.recv(timeout=60), "hello")
    ws = open_ws(url, "/answer")
    ws.close(4001, "bye")
    same("the answer to a Close", (ws.close_code, ws.close_reason), (4002, "after 4001 bye"))
    with open_ws(url, "/broken") as ws:
        code, reason = closed_with(ws)
        same("a violation", (code, reason.startswith("upstream: the peer broke the protocol")), (1014, True))
    with open_ws(url, "/half") as ws:
        same("half a frame", closed_with(ws), (1014, "upstream: a message or frame came too slowly"))
    same("silence", ask(url, "/silent")[0], 504)
    same("garbage", ask(url, "/garbage")[0], 502)
    same("a status that there is not", ask(url, "/unknown")[0], 502)
    status, lines, body = ask(url, "/redirect")
    same("a redirect", (status, lines["Location"], body), (302, "https://example.com/", b"moved"))
    same("its framing", (lines["Transfer-Encoding"], lines["Content-Length"]), (None, "5"))
    status, lines, body = ask(url, "/large")
    same("a large body", (status, lines["WWW-Authenticate"], len(body)), (401, "Bearer", 64 << 10))
    status, lines, body = ask(url, "/cut")
    same("a body that is cut off", (status, lines["Retry-After"], body), (503, "9", b"cut"))
    print("early message, violation, half a frame, 302, 401, 502, 503, 504")


def trickle(raw, data):
    """Sends bytes one by one until something comes back."""
    raw.settimeout(0.3)
    for byte in data:
        raw.sendall(bytes([byte]))
        try:
            raw.recv(1, socket.MSG_PEEK)
            raw.settimeout(60)
            return
        except TimeoutError:
            pass
    raise SystemExit(f"{len(data)} bytes have been taken, one by one")


def hasty(url, down):
    same("no server", ask(down, "/")[0], 502)
    flooded, _ = open_raw(url, "/flood")

    # This proxy keeps the client's Host.
    with open_ws(url, "/headers") as ws:
        same("Host", dict(json.loads(ws.recv(timeout=60))).get("Host"), urllib.parse.urlsplit(url).netloc)
    address = urllib.parse.urlsplit(url)
    raw = socket.create_connection((address.hostname, address.port), timeout=60)
    trickle(raw, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Slow: 1\r\n" * 20)
    same("a slow request", raw.recv(12), b"HTTP/1.1 408")

    raw, file = open_raw(url, "/")
    trickle(raw, frame(BINARY, bytes(1000), mask=True))
    same("a slow frame", read_close(file), (1008, "too slow"))
    raw, file = open_raw(url, "/")
    raw.sendall(frame(BINARY, bytes(1000), mask=True)[:500])
    same("half a frame", read_close(file), (1008, "too slow"))

    # All the while the first client has not read. The others are served, and it is given up: without a Close frame, which it
    # would not read either. The server says how much it could send.
    with open_ws(url) as ws:
        ws.send("others are served")
        same("an echo", ws.recv(timeout=60), "others are served")
    with open_ws(url, "/wait") as ws:
        same("the server", ws.recv(timeout=60), "the flood has ended")
    flooded.close()
    print("no server, slow request, slow frame, half a frame, a client that does not read")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["server"]:
            asyncio.run(server())
        case ["sockets"]:
            sockets()
        case ["echoes", *urls]:
            echoes(urls)
        case ["client", url]:
            client(url)
        case ["sockets-client", url]:
            sockets_client(url)
        case ["hasty", url, down]:
            hasty(url, down)
