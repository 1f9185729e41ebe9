#!/usr/bin/env python3
"""Looks at what a client and a server say to each other: wire.py URL MOST COMMAND…

Runs the command, a client, with the URL of a relay to the server at URL in the place of {}. Succeeds if the command
does, and if its messages have passed on one connection, compressed by both sides and in MOST KiB at most in each
direction, with Close frames of 1000 from both sides behind them. The last line that is printed tells what was agreed
and what the messages took.
"""

import asyncio
import contextlib
import re
import sys
import urllib.parse


class Side:
    """What one side has said: its head, and then its frames."""

    def __init__(self):
        self.head = None
        self.messages = self.compressed = self.payload = 0
        self.close = None
        self.buffer = bytearray()

    def hear(self, data):
        self.buffer += data
        if self.head is None:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.head, self.buffer = head.decode("latin-1"), rest
        while self.frame():
            pass

    def frame(self):
        """Takes a frame that is complete from the buffer, if there is one."""
        if len(self.buffer) < 2:
            return False
        opcode, length, start = self.buffer[0] & 0x0F, self.buffer[1] & 0x7F, 2
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(self.buffer[2:start], "big")
        key = bytes(4)
        if self.buffer[1] & 0x80:
            key, start = self.buffer[start : start + 4], start + 4
        if len(self.buffer) < start + length:
            return False
        if opcode in (1, 2):
            self.messages += 1
            self.compressed += self.buffer[0] >> 6 & 1
        if opcode < 8:
            self.payload += length
        elif opcode == 8 and length:
            self.close = (self.buffer[start] ^ key[0]) << 8 | self.buffer[start + 1] ^ key[1]
        del self.buffer[: start + length]
        return True

    def extensions(self):
        return ", ".join(re.findall(r"(?im)^sec-websocket-extensions:[ \t]*(.*?)[ \t]*\r?$", self.head or ""))

    def faults(self, name, most):
        if not self.compressed:
            yield f"{name} has compressed none of {self.messages} messages"
        if self.payload > most:
            yield f"the messages of {name} took {self.payload} bytes"
        if self.close != 1000:
            yield f"{name} has closed with {self.close}"


async def pass_on(reader, writer, side):
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(64 << 10):
            side.hear(data)
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def main(url, most, command):
    server = urllib.parse.urlsplit(url)
    connections, tasks = [], []

    async def relay(from_client, to_client):
        tasks.append(asyncio.current_task())
        client, answer = Side(), Side()
        connections.append((client, answer))
        from_server, to_server = await asyncio.open_connection(server.hostname, server.port)
        both = pass_on(from_client, to_server, client), pass_on(from_server, to_client, answer)
        await asyncio.gather(*both)
        to_server.close()
        to_client.close()

    listener = await asyncio.start_server(relay, "127.0.0.1", 0)
    address = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(*[word.replace("{}", address) for word in command])
    status = await process.wait()
    if tasks:
        await asyncio.wait(tasks, timeout=10)
    if status:
        sys.exit(f"the client has ended with status {status}")

    # A browser makes some connections of its own accord, and the page another that it says nothing on.
    spoken = [pair for pair in connections if pair[0].messages]
    if len(spoken) != 1:
        sys.exit(f"there were messages on {len(spoken)} connections of {len(connections)}")
    [(client, answer)] = spoken
    agreed = answer.extensions()
    faults = [*client.faults("the client", most), *answer.faults("the server", most)]
    if not re.match("permessage-deflate *(;|$)", agreed):
        faults.append(f"offered {client.extensions()!r} and agreed on {agreed!r}")
    if faults:
        sys.exit("; ".join(faults))
    print(f"{agreed} ({client.payload >> 10} KiB there, {answer.payload >> 10} KiB back)")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) << 10, sys.argv[3:]))
