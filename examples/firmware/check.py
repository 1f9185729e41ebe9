"""Talks to the firmware in an emulator: check.py FIRMWARE BARE"""

import contextlib
import re
import socket
import struct
import subprocess
import sys

from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.sync.client import connect

MASK = b"\1\2\3\4"


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


def sizes(path):
    """What an image takes in flash and in memory, its heap included and its stack left out, by its sections."""
    with open(path, "rb") as file:
        elf = file.read()
    same("the image", elf[:6], b"\x7fELF\x01\x01")
    (start,), (size, count) = struct.unpack_from("<I", elf, 0x20), struct.unpack_from("<HH", elf, 0x2E)
    flash = memory = 0
    for at in range(start, start + size * count, size):
        _, kind, flags, address, _, length = struct.unpack_from("<6I", elf, at)
        if not flags & 2:  # It is not loaded.
            continue
        is_memory = address >= 0x2000_0000
        memory += length if is_memory else 0
        # What is initialised lies in flash, too.
        flash += length if kind != 8 else 0
    return flash, memory


class Board:
    """An emulator, whose serial line is a socket."""

    def __init__(self, image):
        self.image = image

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(60)
            line = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
            command = ["qemu-system-arm", "-machine", "mps2-an386", "-display", "none", "-monitor", "none"]
            command += ["-semihosting-config", "enable=on,target=native", "-serial", line, "-kernel", self.image]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.line, _ = listener.accept()
        self.line.settimeout(60)
        return self

    def __exit__(self, *_):
        self.line.close()
        self.process.kill()
        self.process.wait(60)

    def open(self):
        # The emulator has no port of its own: the URL is what the request says.
        return connect("ws://board.example/echo", sock=self.line, proxy=None, ping_interval=None)

    def end(self, status, *wanted):
        """How the firmware ends, and what it prints."""
        printed, _ = self.process.communicate(timeout=60)
        same(f"the status, with {printed!r}", self.process.returncode, status)
        for pattern in wanted:
            if not re.search(pattern, printed):
                raise SystemExit(f"there is no {pattern!r} in {printed!r}")
        return printed

    def rest(self):
        """All that still comes."""
        data = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while more := self.line.recv(4096):
                data += more
        return bytes(data)


def echo(image):
    messages = ["hello", "Zoë 🦀 " * 150, bytes(range(256)) * 8, "", "x" * 2048, b"", "bye"]
    with Board(image) as board:
        with board.open() as ws:
            for message in messages:
                ws.send(message)
                same("the echo", ws.recv(timeout=60), message)
            ws.send(["in ", "three ", "parts"])
            same("the echo", ws.recv(timeout=60), "in three parts")
            same("the Pong", ws.ping("are you there").wait(60), True)
            ws.close(4000, "enough")
        printed = board.end(0, 'closed: 4000 "enough", both sides closed')
        return int(re.search(r"heap: (\d+) bytes of \d+", printed)[1])


def refusals(image):
    """Peers that break rules or limits, or stop: each ends with its answer, and the device does not panic."""
    with Board(image) as board:
        with board.open() as ws:
            ws.send("x" * 2049)
            with contextlib.suppress(ConnectionClosedOK, ConnectionClosedError):
                ws.recv(timeout=60)
            same("too large a message", ws.close_code, 1009)
        board.end(1, "message too big", "heap")
    request = "GET / HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    cases = [
        # RFC 6455 §5.1: a frame without a mask.
        (request + key, b"\x81\x05naked", b"\x88\x1e\x03\xea", "frame from client not masked"),
        (request + "\r\n", b"", b"HTTP/1.1 400 ", "refused: Sec-WebSocket-Key"),
        (request + "Cookie: " + "x" * 2048, b"", b"HTTP/1.1 431 ", "refused: the head of the request is too large"),
        # It stops in the middle of its request, and later in the middle of its Close.
        (request, b"", b"HTTP/1.1 408 ", "refused: the request took too long"),
    ]
    for head, frames, answer, printed in cases:
        with Board(image) as board:
            board.line.sendall(head.encode() + frames)
            same(f"the answer, {printed}", answer in board.rest(), True)
            board.end(1, printed)


def bare(image):
    with Board(image) as board:
        board.line.sendall(b"the same board\4")
        same("the echo", board.rest(), b"the same board\4")
        board.end(0, "heap")


def main():
    firmware, without = sys.argv[1:]
    peak = echo(firmware)
    refusals(firmware)
    bare(without)
    (flash, memory), (base, _) = sizes(firmware), sizes(without)
    print(
        f"{flash} bytes of flash, of which {flash - base} for the protocol; {memory} of memory, with the heap, of which an "
        f"echo of 2 KiB took {peak}"
    )


main()
