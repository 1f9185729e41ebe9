"""A peer on aiohttp: aiohttp_peer.py client URL, or aiohttp_peer.py server"""

import asyncio
import sys

from aiohttp import ClientSession, WSMsgType, web

from messages import REPORT, compare, messages

LARGEST = 4 << 20


async def client(url):
    async with ClientSession() as session, session.ws_connect(url, compress=15, max_msg_size=LARGEST) as ws:
        if not ws.compress:
            raise SystemExit("compression has not been agreed on")
        for message in messages():
            if isinstance(message, str):
                await ws.send_str(message)
                compare(await ws.receive_str(timeout=60), message)
            else:
                await ws.send_bytes(message)
                compare(await ws.receive_bytes(timeout=60), message)
        await ws.close(code=1000, message=b"done")
        if ws.close_code != 1000 or ws.exception():
            raise SystemExit(f"closed with {ws.close_code}, {ws.exception()}")
    print(REPORT)


async def echo(request):
    ws = web.WebSocketResponse(max_msg_size=LARGEST)
    await ws.prepare(request)
    async for message in ws:
        if message.type == WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await ws.send_bytes(message.data)
    return ws


async def server():
    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listening on ws://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(client(sys.argv[2]) if sys.argv[1] == "client" else server())
