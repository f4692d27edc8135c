# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A Pocketsocket server of another make, which serves the pages as well: pocketsocket_stand_in.py PORT.

Receipts, presence, every text to the others as it came. Prints `Ready 127.0.0.1 PORT`.
"""

import asyncio
import datetime
import json
import pathlib
import sys

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = ROOT / "Sources" / "BelfryPocketsocket" / "Resources"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
peers = set()


def page(connection, request):
    """Answers a plain request; None lets the upgrade go on."""
    if "upgrade" in request.headers.get("Connection", "").lower():
        return None
    name = request.path.split("?")[0].lstrip("/") or "index.html"
    file = PAGES / name
    if "/" in name or file.suffix not in TYPES or not file.is_file():
        return connection.respond(404, "There is nothing here.\n")
    body = file.read_bytes()
    headers = Headers({"Content-Type": TYPES[file.suffix], "Content-Length": str(len(body)), "Connection": "close"})
    return Response(200, "OK", headers, body)


async def tell_others(peer, text):
    await asyncio.gather(*(each.send(text) for each in list(peers) if each is not peer), return_exceptions=True)


def receipt(text):
    value = {"time": str(datetime.datetime.now()), "messageId": len(text.encode()), "socket": "sent", "attr": "string"}
    try:
        message = json.loads(text)
    except ValueError:
        message = None
    if isinstance(message, dict):
        value.update(messageId=message.get("id"), attr="json")
    return json.dumps(value)


async def talk(peer):
    address, port = peer.remote_address[:2]
    presence = {"socket": "connected", "port": port, "address": address}
    peers.add(peer)
    await tell_others(peer, json.dumps(presence))
    try:
        async for message in peer:
            text = message if isinstance(message, str) else message.decode()
            await peer.send(receipt(text))
            await tell_others(peer, text)
    finally:
        peers.discard(peer)
        await tell_others(peer, json.dumps(dict(presence, socket="disconnected")))


async def main():
    port = int(sys.argv[1])
    async with serve(talk, "127.0.0.1", port, process_request=page, compression=None, max_size=4 << 20) as server:
        print("Ready 127.0.0.1 %d" % port, flush=True)
        await server.serve_forever()


asyncio.run(main())
