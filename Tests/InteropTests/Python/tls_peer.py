# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""TLS servers of Python's for our clients, good ones and bad ones.

tls_peer.py FILE     writes {"authority": PATH, "ports": {NAME: PORT}} to the file, and serves until somebody says
                     "quit" to the WebSocket "echo"
"""

import asyncio
import json
import os
import ssl
import sys
import tempfile

from websockets.asyncio.server import serve

from certificates import Certificates

HOSTS = "DNS:localhost,IP:127.0.0.1"
LARGE = 16 * 1024 * 1024


class Servers:
    def __init__(self):
        self.over = asyncio.Event()

    async def echo(self, socket):
        names = socket.transport.get_extra_info("ssl_object")
        async for message in socket:
            if message == "quit":
                self.over.set()
                await socket.close(4000, "over")
            elif message == "about":
                await socket.send("%s %s" % (names.version(), names.selected_alpn_protocol()))
            elif message == "flood":
                for number in range(200):
                    await socket.send(b"%04d" % number + b"x" * 65532)
            elif message == "cut":
                await socket.send("last words")
                # Half a frame, and then nothing more: no close frame, no word of TLS for the end.
                socket.transport.write(b"\x81\x7e\x10\x00half")
                socket.transport.abort()
            else:
                await socket.send(message)

    async def web(self, reader, writer):
        """Requests by their paths; keeps the connection."""
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                return writer.close()
            method, path, _ = head.split("\r\n")[0].split(" ")
            length = [int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")]
            body = await reader.readexactly(length[0]) if length else b""
            if path == "/large":
                body = b"x" * 5_000_000
            elif path == "/hello":
                body = b"hello"
            if path in ("/end", "/cut"):
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")
                await writer.drain()
                return writer.close() if path == "/end" else writer.transport.abort()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

    async def plain(self, reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def silent(self, reader, writer):
        await self.over.wait()
        writer.close()

    async def hang_up(self, reader, writer):
        await reader.read(1)
        writer.close()

    async def main(self, path):
        with tempfile.TemporaryDirectory() as folder:
            made = Certificates(folder)
            good = made.issue("good", HOSTS)
            older = made.issue("older", HOSTS)
            older.maximum_version = ssl.TLSVersion.TLSv1_2
            sockets = {
                "echo": good, "older": older, "other": made.issue("other", "DNS:other.test"),
                "expired": made.issue("expired", HOSTS, days=0), "alone": made.self_signed("alone", HOSTS),
            }
            ports = {}
            for name, context in sockets.items():
                server = await serve(self.echo, "127.0.0.1", 0, ssl=context, max_size=2 * LARGE, compression=None)
                ports[name] = server.sockets[0].getsockname()[1]
            for name, handler, context in [
                ("web", self.web, good), ("plain", self.plain, None), ("silent", self.silent, None),
                ("hang up", self.hang_up, None),
            ]:
                server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)
                ports[name] = server.sockets[0].getsockname()[1]
            with open(path + ".new", "w") as file:
                json.dump({"authority": made.authority, "ports": ports}, file)
            os.rename(path + ".new", path)
            await self.over.wait()
            await asyncio.sleep(0.2)


asyncio.run(Servers().main(sys.argv[1]))
