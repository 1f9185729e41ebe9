"""What an echo server does with many clients, and with those who are in the way: hostile.py many URL PID, hostile.py flood URL,
or, for a server whose patience is two seconds, hostile.py peers URL LOG, where it logs how connections end, and hostile.py
stopped URL PID"""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import sys
import threading
import time
import urllib.parse

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


def tcp(url, receive_buffer=None):
    server = urllib.parse.urlsplit(url)
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(60)
    sock.connect((server.hostname, server.port))
    return sock


def read(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise SystemExit(f"the stream ends behind {data!r}")
        data += more
    return data


def answer(sock):
    """The response to a request, of which nothing is behind the head."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = sock.recv(4096)
        if not more:
            raise SystemExit(f"the handshake ends with {head!r}")
        head += more
    same("the status", head.split()[1], b"101")


def upgraded(url, receive_buffer=None):
    sock = tcp(url, receive_buffer)
    sock.sendall(UPGRADE)
    answer(sock)
    return sock


def rest_of(sock):
    """All that comes until the server hangs up; a reset is an end, too."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := sock.recv(1 << 20):
            data += more
    return data


def many(url, pid):
    """As many connections as one process may have, up to 10,000, all open at a time."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = 10_000 if hard == resource.RLIM_INFINITY else min(10_000, hard - 100)

    def memory():
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) << 10

    def each(before):
        return f"{(memory() - before) / count:.0f} bytes each"

    with upgraded(url) as sock:  # what one takes is there already
        sock.sendall(b"\x81\x82\0\0\0\0hi")
        same("the echo", read(sock, 4), b"\x81\x02hi")
    before = memory()
    socks = [upgraded(url) for _ in range(count)]
    opened = each(before)
    for number, sock in enumerate(socks):
        sock.sendall(b"\x82\x84\0\0\0\0" + number.to_bytes(4))
    for number, sock in enumerate(socks):
        same("the echo", read(sock, 6), b"\x82\x04" + number.to_bytes(4))
    echoed = each(before)
    for sock in socks:
        sock.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
    for sock in socks:
        same("the Close", rest_of(sock), b"\x88\x02\x03\xe8")
        sock.close()
    print(f"{count} connections in {opened}, {echoed} behind an echo")


def flood(url):
    """Echoes that nobody reads at first: the server stops reading, and goes on where it has stopped."""
    count, size = 1000, 60_000
    payload = bytes(range(256)) * (size // 256 + 1)
    frame = b"\x82\xfe" + size.to_bytes(2) + bytes(4) + payload[:size]
    sock = upgraded(url)

    def send():
        for _ in range(count):
            sock.sendall(frame)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    # While the one is stuck, others are served.
    with upgraded(url) as other:
        other.sendall(b"\x81\x82\0\0\0\0hi")
        same("the echo", read(other, 4), b"\x81\x02hi")
    sender.join(1)
    same("the sender is stuck", sender.is_alive(), True)
    for _ in range(count):
        same("the header", read(sock, 4), b"\x82\x7e" + size.to_bytes(2))
        same("the payload is the same", read(sock, size) == payload[:size], True)
    sender.join(60)
    print(f"{count * size >> 20} MiB that were not read at first")


def peers(url, log):
    """Those who say nothing, stop in the middle, or do not read."""
    slow_head, silent, half, unread = tcp(url), upgraded(url), upgraded(url), upgraded(url, 4096)
    slow_head.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    half.sendall(b"\x81\xfe\x0f")

    def send():
        with contextlib.suppress(OSError):
            while True:
                unread.sendall(b"\x82\xfe\xff\xff" + bytes(4 + 65535))

    threading.Thread(target=send, daemon=True).start()
    same("the answer to a slow head", rest_of(slow_head).split(b"\r\n")[0], b"HTTP/1.1 408 Request Timeout")
    # The Ping is not answered, and there is nobody to send a Close frame to.
    same("the last frame for the silent", rest_of(silent)[:2], b"\x89\x05")
    data = rest_of(half)
    same("the Close for half a header", (data[0], data[2:4]), (0x88, (1008).to_bytes(2)))
    # It is given up in the middle of what it has not read.
    for _ in range(600):
        if "the peer did not read\n" in pathlib.Path(log).read_text():
            break
        time.sleep(0.1)
    else:
        raise SystemExit("one that does not read is kept")
    with contextlib.suppress(OSError):
        unread.shutdown(socket.SHUT_RDWR)
    with upgraded(url) as sock:
        sock.sendall(b"\x81\x82\0\0\0\0hi")
        same("the echo", read(sock, 4), b"\x81\x02hi")
    print("408, no Pong, 1008, dropped")


def stopped(url, pid):
    """Pongs that come in time, while the server is stopped until their time has passed."""
    socks = [upgraded(url) for _ in range(20)]
    pings = [read(sock, 7) for sock in socks]
    os.kill(int(pid), signal.SIGSTOP)
    try:
        for sock, ping in zip(socks, pings):
            same("the Ping", ping[:2], b"\x89\x05")
            sock.sendall(b"\x8a\x85\0\0\0\0" + ping[2:])
        # Late by less than a quarter of the two seconds, after which the time would be given once more.
        time.sleep(2.3)
    finally:
        os.kill(int(pid), signal.SIGCONT)
    for sock in socks:
        sock.sendall(b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xe8")
        data = rest_of(sock)
        while data[:2] == b"\x89\x05":  # it has been silent since
            data = data[7:]
        same("the echo and the Close", data, b"\x81\x02hi\x88\x02\x03\xe8")
    print(f"{len(socks)} Pongs that came while it was stopped")


if __name__ == "__main__":
    {"many": many, "flood": flood, "peers": peers, "stopped": stopped}[sys.argv[1]](*sys.argv[2:])
