"""A peer on websockets: websockets_peer.py client URL [narrow], or websockets_peer.py server [narrow]"""

import asyncio
import sys

from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.sync.client import connect

from messages import REPORT, compare, messages


def client(url, narrow):
    # zlib reads a window of 8 bits, and writes one of 9 at least.
    windows = {"server_max_window_bits": 8, "client_max_window_bits": 9} if narrow else {"client_max_window_bits": True}
    extensions = [ClientPerMessageDeflateFactory(**windows)]
    with connect(url, compression=None, extensions=extensions, max_size=None, proxy=None, open_timeout=30) as ws:
        names = [extension.name for extension in ws.protocol.extensions]
        if names != ["permessage-deflate"]:
            raise SystemExit(f"agreed on {names}")
        for message in messages():
            ws.send(message)
            compare(ws.recv(timeout=60), message)
        ws.close(1000, "done")
        if not (ws.protocol.close_rcvd and ws.protocol.close_sent and ws.close_code == 1000):
            raise SystemExit(f"closed with {ws.close_code} {ws.close_reason}")
    print(REPORT)


async def server(narrow):
    async def echo(ws):
        async for message in ws:
            await ws.send(message)

    windows = {"server_max_window_bits": 9, "client_max_window_bits": 8} if narrow else {}
    extensions = [ServerPerMessageDeflateFactory(**windows)]
    async with serve(echo, "127.0.0.1", 0, compression=None, extensions=extensions, max_size=None) as listener:
        print(f"listening on ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}", flush=True)
        await listener.serve_forever()


if __name__ == "__main__":
    narrow = "narrow" in sys.argv
    if sys.argv[1] == "client":
        client(sys.argv[2], narrow)
    else:
        asyncio.run(server(narrow))
