"""What inspect prints of captures: check.py PROGRAM HOME"""

import contextlib
import itertools
import json
import os
import pathlib
import pty
import socket
import struct
import subprocess
import sys
import threading
import time
from random import Random

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

LONG = "Zoë 🦀 " + " ".join(str(number**5) for number in range(300))
CLIENT, SERVER = "client", "server"


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


def holds(what, text, *parts):
    for part in parts:
        if part not in text:
            raise SystemExit(f"{what}: there is no {part!r} in {text!r}")


class Relay:
    """Passes one connection on, and records what comes from whom."""

    def __init__(self, port):
        self.recorded, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, args=(port,))
        self.thread.start()

    def run(self, port):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", port), timeout=30)
        other = threading.Thread(target=self.pump, args=(SERVER, server, client))
        other.start()
        self.pump(CLIENT, client, server)
        other.join()
        client.close()
        server.close()
        self.listener.close()

    def pump(self, sender, source, target):
        source.settimeout(30)
        while data := source.recv(4096):
            with self.lock:
                self.recorded.append((sender, data))
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def record():
    """A conversation of websockets with itself, in the order in which its bytes were passed on."""

    def echo(ws):
        with contextlib.suppress(ConnectionClosed):
            for message in ws:
                ws.send(message)

    with serve(echo, "127.0.0.1", 0, subprotocols=["notes.v1"]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        relay = Relay(server.socket.getsockname()[1])
        with connect(
            f"ws://127.0.0.1:{relay.port}/notes?id=7", subprotocols=["notes.v2", "notes.v1"], proxy=None
        ) as ws:
            # The second message refers to the first one: its context is taken over.
            for message in [LONG, LONG, b"\x00\x01\xfe", "\x1b[31mred\n"]:
                ws.send(message)
                same("the echo", ws.recv(timeout=30), message)
            ws.send(["in ", "three ", "parts"])
            same("the echo", ws.recv(timeout=30), "in three parts")
            same("the Pong", ws.ping("are you there").wait(30), True)
            ws.close(4000, "enough")
        relay.thread.join(30)
        server.shutdown()
        thread.join()
    return relay.recorded


class Pcap:
    """Writes captures, in one of the forms that there are."""

    def __init__(self, link=1, order="<", nanoseconds=False, v6=False):
        self.link, self.order, self.v6 = link, order, v6
        self.tick = 10**9 if nanoseconds else 10**6
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
        self.file = bytearray(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link))
        self.time = 1_700_000_000.25
        # The numbers begin again at 0 within the connection.
        self.next = {CLIENT: 2**32 - 100, SERVER: 5}

    def segment(self, sender, sequence, payload=b"", flags=0x18, ports=(50000, 9001)):
        ends = (ports, (b"\x0a\0\0\1", b"\x0a\0\0\2"))
        if sender == SERVER:
            ends = tuple(end[::-1] for end in ends)
        (source, target), (source_ip, target_ip) = ends
        tcp = struct.pack(">HHIIBBHHH", source, target, sequence % 2**32, 1, 5 << 4, flags, 65535, 0, 0) + payload
        if self.v6:
            addresses = b"".join(bytes(12) + ip for ip in (source_ip, target_ip))
            packet = struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + addresses + tcp
        else:
            packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + source_ip + target_ip + tcp
        kind = b"\x86\xdd" if self.v6 else b"\x08\x00"
        header = {0: struct.pack("=I", 2), 1: bytes(12) + kind, 101: b"", 113: bytes(14) + kind, 276: kind + bytes(18)}
        # A short packet is padded to the least that Ethernet has.
        packet = header[self.link] + packet
        if self.link == 1:
            packet = packet.ljust(60, b"\0")
        seconds, rest = divmod(self.time, 1)
        self.file += (
            struct.pack(self.order + "IIII", int(seconds), int(rest * self.tick), len(packet), len(packet)) + packet
        )
        self.time += 0.001

    def begin(self):
        self.segment(CLIENT, self.next[CLIENT] - 1, flags=0x02)
        self.segment(SERVER, self.next[SERVER] - 1, flags=0x12)
        self.segment(CLIENT, self.next[CLIENT], flags=0x10)

    def send(self, sender, data):
        self.segment(sender, self.next[sender], data)
        self.next[sender] += len(data)

    def send_badly(self, sender, data):
        """In three segments: the last comes first, the middle one twice, the second time with what is around it."""
        at, (a, b) = self.next[sender], (len(data) // 3, len(data) * 2 // 3)
        self.segment(sender, at + b, data[b:])
        self.segment(sender, at, data[:a])
        self.segment(sender, at + a, data[a:b])
        self.segment(sender, at + a // 2, data[a // 2 : b + 1])
        self.next[sender] += len(data)


class Inspect:
    def __init__(self, program, home):
        self.program, self.home, self.count = program, home, itertools.count()

    def file(self, data):
        path = self.home / f"{next(self.count)}.bin"
        path.write_bytes(data)
        return path

    def run(self, *args, status=0):
        done = subprocess.run([self.program, *args], capture_output=True, timeout=60)
        same(f"the status of {args}: {done.stderr}", done.returncode, status)
        return done.stderr.decode() if status else done.stdout.decode()

    def json(self, *args):
        return [json.loads(line) for line in self.run("--json", *args).splitlines()]

    def raw(self, client, server, *args):
        return self.json("--client", self.file(client), "--server", self.file(server), *args)

    def pcap(self, pcap, *args):
        return self.json(self.file(pcap.file), *args)


def parts_of(line):
    """What a line is about, without when it was captured."""
    return {key: value for key, value in line.items() if key != "seconds"}


def conversation(inspect, recorded):
    sent = {side: b"".join(data for sender, data in recorded if sender == side) for side in (CLIENT, SERVER)}
    lines = inspect.raw(sent[CLIENT], sent[SERVER], "--full")
    request, response, *frames = lines
    same("the first lines", (request["type"], response["type"]), ("request", "response"))
    holds("the request", request["head"], "GET /notes?id=7 HTTP/1.1", "permessage-deflate")
    same("what is refused", (request["refused"], response["refused"]), (None, None))
    same("the subprotocol", response["subprotocol"], "notes.v1")
    holds("the extensions", response["extensions"], "permessage-deflate")
    for side in (CLIENT, SERVER):
        seen = [frame for frame in frames if frame["from"] == side]
        same("all are frames", {frame["type"] for frame in seen}, {"frame"})
        same("their masks", {frame["masked"] for frame in seen}, {side == CLIENT})
        # The places of the frames follow one another up to the last byte.
        at = len((request if side == CLIENT else response)["head"].encode())
        for frame in seen:
            same("where a frame begins", frame["at"], at)
            length = frame["length"]
            at += length + 2 + (0 if length < 126 else 2 if length < 65536 else 8) + (4 if side == CLIENT else 0)
        same("where the last one ends", at, len(sent[side]))
        texts = [frame for frame in seen if frame["opcode"] in ("text", "continuation")]
        same("the texts", [frame["text"] for frame in texts[:3]], [LONG, LONG, "\x1b[31mred\n"])
        first, second = texts[:2]
        same("the reserved bits", (first["rsv"], first["inflated"]), (4, len(LONG.encode())))
        same("what context takeover saves", second["length"] * 4 < first["length"], True)
        same("binary", [frame["hex"] for frame in seen if frame["opcode"] == "binary"], ["0001fe"])
        rest = texts[3:]
        same("the fragments end with FIN", [frame["fin"] for frame in rest], [False] * (len(rest) - 1) + [True])
        same("the fragments", "".join(frame["text"] for frame in rest), "in three parts")
        same("the Close", [(seen[-1]["opcode"], seen[-1]["code"], seen[-1]["text"])], [("close", 4000, "enough")])
    same("the client's fragments", len([f for f in frames if f["from"] == CLIENT and not f["fin"]]) >= 3, True)
    ping, pong = ([f for f in frames if f["opcode"] == opcode] for opcode in ("ping", "pong"))
    same("the Ping", [(f["from"], f["text"]) for f in ping], [(CLIENT, "are you there")])
    same("the Pong", [(f["from"], f["text"]) for f in pong], [(SERVER, "are you there")])
    return sent, lines


def pcaps(inspect, recorded, expected):
    """The same out of pcap files of several kinds, in the order in which the sides have sent."""
    kinds = [
        {},
        {"v6": True},
        {"link": 101, "order": ">", "nanoseconds": True, "v6": True},
        {"link": 113, "nanoseconds": True},
        {"link": 276, "v6": True},
        {"link": 0, "order": ">"},
    ]
    for kind in kinds:
        pcap = Pcap(**kind)
        pcap.begin()
        for sender, data in recorded:
            (pcap.send_badly if len(data) > 3 else pcap.send)(sender, data)
        lines = inspect.pcap(pcap, "--full")
        for side in (CLIENT, SERVER):
            wanted = [parts_of(line) for line in expected if line["from"] == side]
            same(f"the lines of a pcap {kind}", [parts_of(line) for line in lines if line["from"] == side], wanted)
        times = [line["seconds"] for line in lines]
        same("the order of times", times, sorted(times))
        # Each echo is behind what it echoes: the direction changes with nearly every message.
        changes = sum(a["from"] != b["from"] for a, b in itertools.pairwise(lines))
        same("the directions take turns", changes >= 11, True)

    # With the three packets of the handshake of TCP missing; with a gap; cut off; with a second connection.
    pcap = Pcap()
    for sender, data in recorded:
        pcap.send(sender, data)
    same(
        "lines without a SYN",
        [parts_of(line) for line in inspect.pcap(pcap, "--full")],
        [parts_of(line) for line in lines],
    )
    cut = inspect.json(inspect.file(pcap.file[:-5]))
    same("a file that is cut off", cut[-1]["text"], "the file ends within a packet")
    pcap.segment(CLIENT, 1, b"GET / HTTP/1.1\r\n\r\n", ports=(50001, 9001))
    holds("two connections", inspect.run(inspect.file(pcap.file), status=1), "10.0.0.1:50001", "use --port")
    same("the one with a port", len(inspect.pcap(pcap, "--port", "50000")), len(lines))
    same("the other one", inspect.pcap(pcap, "--port", "50001")[0]["head"], "GET / HTTP/1.1\r\n\r\n")

    pcap = Pcap()
    pcap.begin()
    pcap.send(CLIENT, b"GET /\x1b[31m HT")
    pcap.next[CLIENT] += 7
    pcap.send(CLIENT, b"later")
    lines = inspect.pcap(pcap)
    same("a gap", "lacks 7 bytes of the client behind its first 13" in lines[-1]["text"], True)
    holds("pcapng", inspect.run(inspect.file(b"\x0a\x0d\x0d\x0a" + bytes(40)), status=1), "pcapng", "convert")
    holds("no pcap", inspect.run(inspect.file(b"hello" * 20), status=1), "not a pcap file")


def masked(first, payload, second=None):
    key = b"\x11\x22\x33\x44"
    body = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    return bytes([first, 0x80 | (len(payload) if second is None else second)]) + key + body


def violations(inspect, sent, expected):
    head = {side: next(line["head"].encode() for line in expected if line["from"] == side) for side in (CLIENT, SERVER)}
    fine = masked(0x81, b"before")
    answer = b"\x81\x05after" + b"\x88\x02\x03\xe8"

    def broken(client, server=answer):
        lines = inspect.raw(head[CLIENT] + client, head[SERVER] + server)
        return lines, [
            (line["from"], line["rfc"], line["section"], line["sentence"])
            for line in lines
            if line["type"] == "violation"
        ]

    cases = [
        (b"\x81\x05naked", (6455, "5.1", "frame from client not masked")),
        (masked(0xA1, b"bits"), (6455, "5.2", "reserved bit set without a meaning")),
        (masked(0x81, b"caf\xe9 au lait"), (6455, "5.6", "text is not UTF-8")),
        (masked(0x83, b""), (6455, "5.2", "reserved opcode")),
        (masked(0x80, b"more"), (6455, "5.4", "continuation without a message")),
        (masked(0x88, b"\x03"), (6455, "5.5.1", "close body of one byte")),
        (masked(0x88, b"\x03\xed"), (6455, "7.4", "invalid close code")),
        (
            masked(0x81, b"\0\5hello", 126)[:2] + b"\0\5" + bytes(4) + b"hello",
            (6455, "5.2", "length not minimally encoded"),
        ),
        (masked(0xC1, b"\xff\xff\xff\xff"), (7692, "7.2.2", "compressed data is corrupt")),
    ]
    for frame, rule in cases:
        lines, found = broken(fine + frame + fine)
        same(f"the rule that {frame!r} breaks", found, [(CLIENT, *rule)])
        seen = [line.get("text") for line in lines if line["type"] == "frame" and line["from"] == SERVER]
        same("the other direction goes on", seen, ["after", ""])
        same("what is ahead of it is printed", lines[2]["text"], "before")
        # Where a header ends that is none, nobody knows.
        left = len(fine) + (len(frame) if rule[2] in ("reserved opcode", "length not minimally encoded") else 0)
        same("what is behind it is not", lines[-1]["text"], f"the last {left} bytes are not decoded")
    lines, _ = broken(masked(0x81, b"caf\xe9 au lait"))
    same(
        "the payload as it came",
        next(line["hex"] for line in lines if line["type"] == "frame"),
        b"caf\xe9 au lait".hex(),
    )
    same(
        "a masked frame of the server",
        broken(fine, masked(0x81, b"no"))[1],
        [(SERVER, 6455, "5.1", "frame from server masked")],
    )

    lines, _ = broken(fine[:-2], b"\x82")
    same(
        "what is cut off",
        [line["text"] for line in lines[2:]],
        [
            "the capture ends within a frame, of which it holds 10 of 12 bytes",
            "the capture ends within the header of a frame, of which it holds 1 bytes",
        ],
    )

    # Handshakes that break a rule, and one side without the other.
    wrong = head[SERVER].replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x")
    lines = inspect.raw(head[CLIENT] + fine, wrong + answer)
    holds("a wrong accept", lines[1]["refused"], "Sec-WebSocket-Accept", "RFC 6455")
    same("frames behind it", [line["text"] for line in lines[2:]], ["before", "after", ""])
    lines = inspect.raw(head[CLIENT].replace(b"notes.v1", b"notes.v3"), head[SERVER])
    holds("a subprotocol that is not listed", lines[1]["refused"], "subprotocol")
    lines = inspect.raw(head[CLIENT].replace(b"client_max_window_bits", b"client_no_context_takeover"), head[SERVER])
    holds("a window that is not offered", lines[1]["refused"], "client_max_window_bits", "RFC 7692")
    lines = inspect.raw(
        head[CLIENT].replace(b"Version: 13", b"Version: 8"),
        b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 3\r\n\r\nno\n" + head[SERVER],
    )
    holds("a version that is refused", lines[0]["refused"], "only version 13", "RFC 6455")
    same(
        "the answer",
        (lines[1]["refused"], lines[2]["text"]),
        ("the server answered with status 426", "the body of the answer, 3 bytes"),
    )
    declined = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno\n"
    lines = inspect.raw(head[CLIENT] * 2 + fine, declined + head[SERVER] + answer)
    same(
        "a second attempt",
        [line["type"] for line in lines],
        ["request", "response", "note", "request", "response"] + ["frame"] * 3,
    )
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    same("an interim response", inspect.raw(head[CLIENT], early + head[SERVER])[1]["refused"], None)
    same("the server alone", inspect.raw(b"", head[SERVER] + answer)[0]["refused"], None)
    same("the client alone", inspect.raw(head[CLIENT], b"")[-1]["text"], "the capture holds no answer")

    # What is no handshake.
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    lines = inspect.raw(hello, b"\x15\x03\x01\x00\x02\x02\x46")
    holds("TLS", lines[0]["refused"], "looks like TLS")
    same("frames first", "--no-handshake" in inspect.raw(fine, b"")[1]["text"], True)
    deflate = next(line["extensions"] for line in expected if line["type"] == "response")
    lines = inspect.raw(
        sent[CLIENT][len(head[CLIENT]) :],
        sent[SERVER][len(head[SERVER]) :],
        "--no-handshake",
        "--full",
        "--deflate",
        deflate,
    )
    without = [{**parts_of(line), "at": 0} for line in lines]
    same("frames without a handshake", without, [{**parts_of(line), "at": 0} for line in expected[2:]])


def mutations(inspect, recorded, sent):
    """Captures that are damaged anywhere are read all the same, or refused with a reason."""
    random = Random(6455)
    pcap = Pcap(v6=True)
    pcap.begin()
    for sender, data in recorded:
        pcap.send_badly(sender, data)
    for _ in range(300):
        files = [bytearray(data) for data in (pcap.file, sent[CLIENT], sent[SERVER])]
        for data in files:
            for _ in range(random.choice([1, 4, 40])):
                data[random.randrange(len(data))] = random.randrange(256)
            del data[random.choice([len(data), random.randrange(len(data))]) :]
        whole, client, server = (inspect.file(data) for data in files)
        for args in [[whole], ["--client", client, "--server", server]]:
            done = subprocess.run([inspect.program, "--json", *args], capture_output=True, timeout=60)
            is_said = done.stderr.startswith(b"inspect: ") if done.returncode else not done.stderr
            same(f"what is said of {args}, {done.stderr!r}", (done.returncode in (0, 1), is_said), (True, True))
            for line in done.stdout.splitlines():
                json.loads(line)
        for path in (whole, client, server):
            path.unlink()


def on_terminal(command, **env):
    """What a program prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, env={**os.environ, **env})
    os.close(theirs)
    printed = bytearray()
    try:
        while data := os.read(ours, 65536):
            printed += data
    except OSError:  # How the end of a terminal is said.
        pass
    os.close(ours)
    same("the status", process.wait(60), 0)
    return printed.decode()


def for_people(inspect, sent):
    files = ["--client", inspect.file(sent[CLIENT]), "--server", inspect.file(sent[SERVER])]
    text = inspect.run(*files)
    same("no control characters", [c for c in text if ord(c) < 32 and c != "\n"], [])
    holds(
        "what people read",
        text,
        "> GET /notes?id=7 HTTP/1.1\n",
        "subprotocol in use: notes.v1\n",
        '"\\u{1b}[31mred\\n"\n',
        "close 4000, 8 bytes",
    )
    holds("an abbreviated text", text, f"> text, {len(LONG.encode())} bytes, inflated from ", '"…\n')
    same("a text is abbreviated", LONG in text, False)
    holds("a whole text", inspect.run("--full", *files), f': "{LONG}"\n')
    naked = sent[CLIENT].split(b"\r\n\r\n")[0] + b"\r\n\r\n\x81\x05naked"
    holds(
        "a violation",
        inspect.run("--client", inspect.file(naked), *files[2:]),
        "> RFC 6455 §5.1: frame from client not masked",
    )
    environment = {"NO_COLOR": "", "TERM": "xterm"}
    holds("colours", on_terminal([inspect.program, *files], **environment), "\x1b[36m>\x1b[0m \x1b[1mGET ")
    same("no colours", "\x1b" in on_terminal([inspect.program, *files], NO_COLOR="1"), False)
    # Whoever has read enough.
    pipe = subprocess.Popen([inspect.program, "--full", *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe.stdout.close()
    same("what is said about it", pipe.stderr.read(), b"")
    same("the status", pipe.wait(60), 0)
    holds("the help", inspect.run("--help"), "Usage: inspect", "--no-handshake", "--port")


def main():
    program, home = sys.argv[1], pathlib.Path(sys.argv[2])
    home.mkdir(parents=True, exist_ok=True)
    inspect, began = Inspect(program, home), time.monotonic()
    recorded = record()
    sent, expected = conversation(inspect, recorded)
    pcaps(inspect, recorded, expected)
    violations(inspect, sent, expected)
    for_people(inspect, sent)
    mutations(inspect, recorded, sent)
    print(f"handshake, frames, pcaps and violations, in {time.monotonic() - began:.1f} s")


main()
