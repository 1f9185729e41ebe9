"""A client over HTTP/2, on h2 of Python and the frames of websockets: check.py URL, or check.py URL silent

The second opens a WebSocket and says nothing, until the server gives it up.
"""

import contextlib
import os
import socket
import ssl
import sys
import urllib.parse

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import StreamClosedError
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

DEFLATE = "permessage-deflate"
CONNECT = {":method": "CONNECT", ":protocol": "websocket"}
OFFER = {"sec-websocket-version": "13", "sec-websocket-extensions": DEFLATE}


def same(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} and not {wanted!r}")


def tls(url, protocol):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    plain = socket.create_connection((url.hostname, url.port), timeout=30)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname=url.hostname)


class Stream:
    """What has come on one stream."""

    def __init__(self):
        self.headers, self.data, self.is_ended, self.reset = None, bytearray(), False, None


class Client:
    """One connection of HTTP/2 and its streams."""

    def __init__(self, url):
        self.url = url
        self.socket = tls(url, "h2")
        same("what TLS agreed on", self.socket.selected_alpn_protocol(), "h2")
        self.http2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.http2.initiate_connection()
        self.streams = {}
        self.flush()
        self.until(lambda: self.http2.remote_settings.enable_connect_protocol == 1)

    def flush(self):
        self.socket.sendall(self.http2.data_to_send())

    def until(self, is_done):
        while not is_done():
            data = self.socket.recv(65536)
            if not data:
                raise SystemExit("the server has closed the connection")
            for event in self.http2.receive_data(data):
                stream = self.streams.get(getattr(event, "stream_id", None))
                match event:
                    case ResponseReceived():
                        stream.headers = dict(event.headers)
                    case DataReceived():
                        stream.data += event.data
                        self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    case StreamEnded():
                        stream.is_ended = True
                    case StreamReset():
                        stream.reset = event.error_code
            self.flush()

    def open(self, path="/", end=False, **headers):
        """Sends a request, and waits for the head of the response."""
        id = self.http2.get_next_available_stream_id()
        stream = self.streams[id] = Stream()
        head = {":scheme": "https", ":authority": self.url.netloc, ":path": path} | headers
        self.http2.send_headers(id, head.items(), end_stream=end)
        self.flush()
        self.until(lambda: stream.headers is not None)
        return id, stream

    def send(self, id, data):
        while data:
            self.until(lambda: self.http2.local_flow_control_window(id) > 0)
            size = min(self.http2.local_flow_control_window(id), self.http2.max_outbound_frame_size)
            self.http2.send_data(id, data[:size])
            self.flush()
            data = data[size:]


class WebSocket:
    """A stream that has been accepted, with the frames of websockets on it."""

    def __init__(self, client):
        self.client = client
        self.id, self.stream = client.open(**CONNECT, **OFFER)
        same("the response", self.stream.headers[":status"], "200")
        same("what was agreed on", self.stream.headers.get("sec-websocket-extensions"), DEFLATE)
        for name in ["upgrade", "connection", "sec-websocket-accept"]:
            same(name, self.stream.headers.get(name), None)
        uri = parse_uri(client.url.geturl())
        self.frames = ClientProtocol(uri, state=State.OPEN, max_size=4 << 20)
        self.frames.extensions = [PerMessageDeflate(False, False, 15, 15)]

    def flush(self):
        self.client.send(self.id, b"".join(self.frames.data_to_send()))

    def receive(self):
        """The next frame."""
        while not (frames := self.frames.events_received()):
            self.client.until(lambda: self.stream.data or self.stream.is_ended)
            if not self.stream.data:
                raise SystemExit("the stream has ended where a frame was due")
            self.frames.receive_data(bytes(self.stream.data))
            self.stream.data.clear()
        [frame] = frames
        return frame

    def echo(self, data):
        self.frames.send_text(data) if len(data) < 1 << 20 else self.frames.send_binary(data)
        opcode = Opcode.TEXT if len(data) < 1 << 20 else Opcode.BINARY
        self.flush()
        frame = self.receive()
        same(f"the echo of {len(data)} bytes", (frame.opcode, frame.data == data), (opcode, True))


def main(address):
    url = urllib.parse.urlsplit(address)
    # Nothing but HTTP/2 is served.
    try:
        tls(url, "http/1.1")
        raise SystemExit("HTTP/1.1 was agreed on")
    except ssl.SSLError as error:
        # RFC 7301 §3.2: the alert no_application_protocol, which is 120.
        same("the alert", "no application protocol" in str(error) or "alert number 120" in str(error), True)

    client = Client(url)
    _, page = client.open(end=True, **{":method": "GET"})
    same("the page", (page.headers[":status"], page.headers["content-type"]), ("200", "text/html; charset=utf-8"))
    _, other = client.open("/elsewhere", end=True, **{":method": "GET"})
    same("GET", (other.headers[":status"], other.headers["allow"]), ("405", "CONNECT"))
    _, other = client.open(**CONNECT | {":protocol": "chat"}, **OFFER)
    same("another protocol", other.headers[":status"], "501")
    _, other = client.open(**CONNECT, **OFFER | {"sec-websocket-version": "8"})
    same("version 8", (other.headers[":status"], other.headers["sec-websocket-version"]), ("400", "13"))

    # All of these are streams of one connection.
    busy = WebSocket(client)
    for data in [b"hello", b"again and " * 1000, b"again and " * 1000, os.urandom(1 << 20)]:
        busy.echo(data)

    # RFC 8441 §5: after the Close frames the server ends the stream in order.
    busy.frames.send_close(4001, "bye")
    busy.flush()
    same("the Close", busy.receive().data, (4001).to_bytes(2, "big"))
    client.until(lambda: busy.stream.is_ended)
    # RFC 9113 §8.1: a server that has sent all may ask the client to stop, if that takes its time.
    with contextlib.suppress(StreamClosedError):
        client.http2.end_stream(busy.id)
        client.flush()

    # The client ends its stream in order: so does the server.
    ended = WebSocket(client)
    client.http2.end_stream(ended.id)
    client.flush()
    client.until(lambda: ended.stream.is_ended)

    # The client resets a stream; the others do not notice.
    reset = WebSocket(client)
    client.http2.reset_stream(reset.id, ErrorCodes.CANCEL)
    client.flush()
    WebSocket(client).echo(b"still there")

    for stream in [busy.stream, ended.stream]:
        same("a stream that ended in order", stream.reset in [None, ErrorCodes.NO_ERROR], True)
    print("page, 405, 501, 400, echoes, END_STREAM, RST_STREAM")


def silent(address):
    client = Client(urllib.parse.urlsplit(address))
    ws = WebSocket(client)
    client.until(lambda: ws.stream.is_ended or ws.stream.reset is not None)
    same("the end", (ws.stream.is_ended, ws.stream.reset), (False, ErrorCodes.CANCEL))
    print("a silent client is reset")


if __name__ == "__main__":
    silent(sys.argv[1]) if "silent" in sys.argv else main(sys.argv[1])
