"""What the chat does: check.py pages URL HOME, check.py rooms URL, check.py peers URL, or check.py stop PROGRAM"""

import concurrent.futures
import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from chromium import browser, call

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


class Member:
    """Somebody in a room, whose lines are read one after the other."""

    def __init__(self, url, room, name, **options):
        query = urllib.parse.urlencode({"name": name})
        self.ws = connect(f"{url}/rooms/{urllib.parse.quote(room)}?{query}", proxy=None, ping_interval=None, **options)
        self.name = name

    def line(self):
        return json.loads(self.ws.recv(timeout=60))

    def expect(self, **line):
        same(f"what {self.name} gets", self.line(), line)

    def until(self, **line):
        while self.line() != line:
            pass

    def say(self, text):
        self.ws.send(text)

    def close(self):
        self.ws.close()


def pages(url, home):
    """Two pages in one browser."""
    room = """
        const [name, text] = arguments;
        document.querySelector("#name").value = name;
        document.querySelector("#join").requestSubmit();
    """
    say = """
        document.querySelector("#line").value = arguments[0];
        document.querySelector("#say").requestSubmit();
    """
    seen = "return [document.querySelector('#state').textContent, document.querySelector('ol').textContent]"
    with browser(home) as session:

        def run(window, script, *args):
            call("POST", f"{session}/window", {"handle": window})
            return call("POST", f"{session}/execute/sync", {"script": script, "args": list(args)})

        def wait_for(window, state, text):
            for _ in range(300):
                found = run(window, seen)
                if found[0].startswith(state) and text in found[1]:
                    return
                time.sleep(0.1)
            raise SystemExit(f"the page shows {found}, and not {state!r} with {text!r}")

        page = url.replace("ws", "http", 1) + "/"
        first = call("GET", f"{session}/window")
        second = call("POST", f"{session}/window/new", {"type": "window"})["handle"]
        for window, name in [(first, "Zoë"), (second, "Bo")]:
            call("POST", f"{session}/window", {"handle": window})
            call("POST", f"{session}/url", {"url": page})
            run(window, room, name)
            wait_for(window, "connected", f"{name} has joined")
        wait_for(first, "connected", "Bo has joined (2 here)")
        run(first, say, "<b>good</b> mørning 🦀")
        wait_for(second, "connected", "Zoë: <b>good</b> mørning 🦀")
        run(second, say, "and good night")
        wait_for(first, "connected", "Bo: and good night")
        run(second, "document.querySelector('#join').requestSubmit()")
        wait_for(second, "disconnected (1000)", "")
        wait_for(first, "connected", "Bo has left (1 here)")
        # The page connects again when it is asked to.
        run(second, room, "Bo")
        wait_for(first, "connected", "Bo has joined (2 here)")
    print("the pages see each other")


def rooms(url):
    """Who gets what, and who is refused."""
    ada, bo, cy = (Member(url, room, name) for room, name in [("red", "ada"), ("red", "bo"), ("blue", "cy")])
    ada.expect(kind="joined", **{"from": "ada"}, members=1)
    ada.expect(kind="joined", **{"from": "bo"}, members=2)
    bo.expect(kind="joined", **{"from": "bo"}, members=2)
    cy.expect(kind="joined", **{"from": "cy"}, members=1)
    line = "a line that is long enough to be compressed, " * 20
    ada.say(line)
    for member in [ada, bo]:
        member.expect(kind="said", **{"from": "ada"}, text=line)
    same("the extension", [extension.name for extension in bo.ws.protocol.extensions], ["permessage-deflate"])
    cy.say("blue only")
    cy.expect(kind="said", **{"from": "cy"}, text="blue only")
    bo.close()
    ada.expect(kind="left", **{"from": "bo"}, members=1)

    # Many lines at once: who reads gets all of them, however long they wait in one read.
    dot, eli = Member(url, "paste", "dot"), Member(url, "paste", "eli")
    pasted = [f"{number} " + "x" * 3990 for number in range(60)]
    with concurrent.futures.ThreadPoolExecutor() as pool:

        def all_of(member):
            lines = []
            while len(lines) < len(pasted):
                line = member.line()
                if line["kind"] == "said":
                    lines.append(line["text"])
            return lines

        readers = [pool.submit(all_of, member) for member in [dot, eli]]
        for line in pasted:
            dot.say(line)
        for reader in readers:
            same("the lines at once", reader.result(60) == pasted, True)

    # A room may have any name that is not too long.
    far, near = Member(url, "日本語の部屋です", "far"), Member(url, "日本語の部屋です", "near")
    far.until(kind="joined", **{"from": "near"}, members=2)
    near.close()

    # A line has 4 KiB at most, and is text.
    for message, code in [("x" * 5000, 1009), (b"x", 1003)]:
        member = Member(url, "green", "dee")
        member.line()
        with contextlib.suppress(ConnectionClosed):
            member.say(message)
            member.line()
        same("the close code", member.ws.protocol.close_rcvd.code, code)
    host = urllib.parse.urlsplit(url).netloc
    for path, origin, status in [
        ("/rooms/red?name=eve", "https://evil.example", 403),
        ("/rooms/red", None, 400),
        ("/rooms/red?name=eve%1B%5B2J", None, 400),
        ("/rooms/%FF?name=eve", None, 404),
        ("/rooms/?name=eve", None, 404),
        ("/rooms/red?name=eve", f"http://{host}", None),
    ]:
        try:
            connect(url + path, origin=origin, proxy=None).close()
            same("a request for " + path, None, status)
        except InvalidStatus as error:
            same("a request for " + path, error.response.status_code, status)
    print("rooms, compression, 1009, 1003, 403, 400, 404")


def tcp(url, receive_buffer=None):
    server = urllib.parse.urlsplit(url)
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(60)
    sock.connect((server.hostname, server.port))
    return sock


def upgraded(url, path, receive_buffer=None):
    """A socket on which the handshake is done, and what has come behind it."""
    sock = tcp(url, receive_buffer)
    head = f"GET {path} HTTP/1.1\r\nHost: {urllib.parse.urlsplit(url).netloc}\r\nUpgrade: websocket\r\n"
    head += f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    sock.sendall(head.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(4096)
        if not more:
            raise SystemExit(f"the handshake ends with {data!r}")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    same("the status", head.split()[1], b"101")
    return sock, rest


def rest_of(sock, data=b""):
    """All that comes until the server hangs up; a reset is an end, too."""
    with contextlib.suppress(ConnectionError):
        while more := sock.recv(65536):
            data += more
    return data


def frames(data):
    """The opcodes and payloads of a server's frames."""
    while data:
        length, start = data[1], 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        yield data[0] & 0x0F, data[start : start + length]
        data = data[start + length :]


def close_of(data):
    opcode, body = list(frames(data))[-1]
    same("the last frame", opcode, 8)
    return int.from_bytes(body[:2], "big"), body[2:].decode()


def trickle(sock, pieces, stop):
    """Sends a piece a second in the background, until the server has hung up."""

    def send():
        with contextlib.suppress(OSError):
            for piece in pieces:
                sock.sendall(piece)
                if stop.wait(1):
                    return

    threading.Thread(target=send, daemon=True).start()


def peers(url):
    """What becomes of peers that do not do what they should, while others talk."""
    stop, failures, ends = threading.Event(), [], {}

    def in_background(what, check):
        def run():
            try:
                ends[what] = check()
            except (Exception, SystemExit) as error:
                failures.append(f"{what}: {error!r}")

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def slow_head():
        sock = tcp(url)
        trickle(sock, [b"GET / HTTP/1.1\r\nHost: x\r\n"] + [b"x"] * 99, stop)
        same("the answer to a slow head", rest_of(sock).split(b"\r\n")[0], b"HTTP/1.1 408 Request Timeout")

    def slow_frame():
        sock, _ = upgraded(url, "/rooms/slow?name=slow")
        trickle(sock, [b"\x81\xfe\x0f\x00\1\2\3\4"] + [b"x"] * 99, stop)
        same("the end of a slow frame", close_of(rest_of(sock))[0], 1008)

    def slow_fragments():
        sock, _ = upgraded(url, "/rooms/fragments?name=fragments")
        # Each second an empty fragment, of a message that never ends.
        trickle(sock, [b"\x01\x80\1\2\3\4"] + [b"\x00\x80\1\2\3\4"] * 99, stop)
        same("the end of empty fragments", close_of(rest_of(sock))[0], 1008)

    def stops_in_a_frame():
        sock, _ = upgraded(url, "/rooms/stops?name=stops")
        sock.sendall(b"\x81\xfe\x0f")
        same("the end of half a header", close_of(rest_of(sock))[0], 1008)

    def silent():
        # It reads the Ping and does not answer; there is nobody to send a Close frame to.
        sock, _ = upgraded(url, "/rooms/silent?name=silent")
        same("the last frame for the silent", list(frames(rest_of(sock)))[-1][0], 9)

    def no_close():
        # It is closed for a binary message, does not answer, and does not hang up.
        sock, _ = upgraded(url, "/rooms/rude?name=rude")
        sock.sendall(b"\x82\x81\0\0\0\0x")
        data = rest_of(sock)
        same("the end of one that does not answer", close_of(data)[0], 1003)

    def stops_reading():
        # The Close arrives when it reads at last, behind the frames that were on their way.
        sock, rest = upgraded(url, "/rooms/loud?name=slow", 4096)
        crowded.wait(60)
        same("the end of a slow reader", close_of(rest_of(sock, rest)), (1013, "you read too slowly"))

    def never_reads():
        sock, _ = upgraded(url, "/rooms/loud?name=never", 4096)
        gone.wait(60)
        sock.close()

    def resets():
        # It breaks the protocol while much waits for it, and then the connection: nobody else notices.
        sock, _ = upgraded(url, "/rooms/loud?name=resets", 4096)
        filling.wait(60)
        sock.sendall(b"\x83\x80\0\0\0\0")
        crowded.wait(60)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def pings():
        # A flood of Pings from one that does not read costs the server a few Pongs.
        sock, _ = upgraded(url, "/rooms/pings?name=pings", 4096)
        ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
        sock.settimeout(1)
        with contextlib.suppress(OSError):
            for _ in range(200_000):
                sock.sendall(ping)
        gone.wait(60)
        sock.close()

    filling, crowded, gone = threading.Event(), threading.Event(), threading.Event()
    ada, bo = Member(url, "loud", "ada"), Member(url, "loud", "bo")
    bo.until(kind="joined", **{"from": "bo"}, members=2)
    checks = [slow_head, slow_frame, slow_fragments, stops_in_a_frame, silent, no_close]
    checks += [stops_reading, never_reads, resets, pings]
    threads = [in_background(check.__name__, check) for check in checks]
    present, left = 2, set()
    while present < 5:
        present = bo.line()["members"]

    # Lines of 4 KiB that do not shrink, until both who do not read are closed: they leave when their deadline has come.
    noise = "".join(chr(0x100 + value * 7919 % 0x600) for value in range(1900))
    count = 0
    start = time.monotonic()
    while time.monotonic() < start + 60 and not {"never", "resets"} <= left:
        text = f"{count} {noise}"
        ada.say(text)
        while True:
            line = bo.line()
            if line["kind"] == "left":
                left.add(line["from"])
            elif line["kind"] == "said":
                same("the next line", line["text"], text)
                break
        # The other member reads along, too.
        while ada.line().get("text") != text:
            pass
        count += 1
        if count == 45:
            filling.set()
        if count == 100:
            crowded.set()
        if count > 100:
            time.sleep(0.05)
    crowded.set()
    filling.set()
    same("who never reads, and who resets, is gone", {"never", "resets"} <= left, True)
    gone.set()
    for thread in threads:
        thread.join(60)
        same("a check is over", thread.is_alive(), False)
    stop.set()
    if failures:
        raise SystemExit("; ".join(failures))
    same("all checks have ended", len(ends), len(checks))
    ada.say("still here")
    bo.until(kind="said", **{"from": "ada"}, text="still here")
    print("408, 1008, 1008, 1008, no Pong, 1003, 1013, dropped: everybody else is served")


def stop(program):
    """Two who answer, and one who does not, when the server is interrupted."""
    server = subprocess.Popen(
        [program, "127.0.0.1:0", "--heartbeat", "6"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        url = re.search(r"ws://\S+", server.stdout.readline())[0]
        members = [Member(url, "red", name) for name in ["ada", "bo"]]
        deaf, _ = upgraded(url, "/rooms/red?name=deaf")
        members[0].until(kind="joined", **{"from": "deaf"}, members=3)
        server.send_signal(signal.SIGINT)
        for member in members:
            try:
                while True:
                    member.line()
            except ConnectionClosed as end:
                same("the Close", (end.rcvd.code, end.rcvd.reason), (1001, "the server is going down"))
        same("the Close for one that does not answer", close_of(rest_of(deaf))[0], 1001)
        same("the status", server.wait(60), 0)
    finally:
        server.kill()
    same("panics", "panicked" in server.stdout.read(), False)
    print("1001 for all, and one that does not answer has a deadline")


if __name__ == "__main__":
    {"pages": pages, "rooms": rooms, "peers": peers, "stop": stop}[sys.argv[1]](*sys.argv[2:])
