# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The package websockets against ours.

websocket_peer.py client URL     exchanges messages with an echo server, and ends with status 0 if all was right
websocket_peer.py server FILE    echoes on a free port, which it writes to the file, until somebody says "quit"
"""

import asyncio
import os
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

LARGE = 16 * 1024 * 1024


async def exchange(url, compression):
    async with connect(url, compression=compression, max_size=2 * LARGE) as socket:
        agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        assert ("permessage-deflate" in agreed) == (compression is not None), agreed
        texts = ["", "hello", "h\u00e9llo \u2603 \U0001d11e", "x" * 125, "x" * 126, "y" * 70000]
        for message in texts + [b"", b"\x00\xff" * 60, os.urandom(65535), os.urandom(65536)]:
            await socket.send(message)
            assert await socket.recv() == message
        # Fragments, one message each.
        await socket.send(["frag", "", "men", "ted \u2603"])
        assert await socket.recv() == "fragmented \u2603"
        await socket.send([os.urandom(1) * 40000 for _ in range(5)])
        assert len(await socket.recv()) == 200000
        for message in [os.urandom(LARGE), "belfry " * (LARGE // 7)]:
            await socket.send(message)
            assert await socket.recv() == message, "16 MB"
        waiter = await socket.ping(b"are you there")
        await asyncio.wait_for(waiter, 10)
        await socket.close(4321, "that was it")
    assert socket.close_code == 4321, socket.close_code


async def broken(url):
    """A text that is not UTF-8 is answered by 1007, a message that is too long by 1009."""
    async with connect(url, compression=None) as socket:
        await socket.send(b"\xff\xfe", text=True)
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd.code == 1007, closed
        else:
            raise AssertionError("bad UTF-8 was taken")
    # Not left by `async with`: closing what the other side has closed in the middle of a message fails in asyncio.
    socket = await connect(url, compression=None)
    try:
        await socket.send(b"x" * (LARGE + 1024 * 1024))
        await socket.recv()
    except websockets.ConnectionClosed as closed:
        assert closed.rcvd is not None and closed.rcvd.code == 1009, closed
    else:
        raise AssertionError("too long a message was taken")


async def client(url):
    await exchange(url, None)
    await exchange(url, "deflate")
    await broken(url)


async def server(path):
    over = asyncio.Event()

    async def echo(socket):
        async for message in socket:
            if message == "quit":
                over.set()
                await socket.close(4000, "over")
            elif message == "fragments":
                await socket.send(["in ", "three ", "pieces \u2603"])
            else:
                await socket.send(message)

    async with serve(echo, "127.0.0.1", 0, max_size=2 * LARGE) as listening:
        port = listening.sockets[0].getsockname()[1]
        with open(path + ".new", "w") as file:
            file.write(str(port))
        os.rename(path + ".new", path)
        await over.wait()


asyncio.run(client(sys.argv[2]) if sys.argv[1] == "client" else server(sys.argv[2]))
