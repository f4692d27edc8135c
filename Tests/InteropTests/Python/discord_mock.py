# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A stand-in for Discord, written after Discord's public documentation (API version 10: "Using Gateway", "Gateway
Events", "Opcodes and Status Codes", "Rate Limits", "Channels Resource", "Message Resource").

The real Discord was never reached, neither by this nor by what is tested with it: what the documentation leaves out, or
has wrong, is not found out here.

It has one server with a forum, and takes one bot. What a bot does against the documentation goes to `faults`. A message
of the bot's that begins with "mock: " is a command: see `command`.

discord_mock.py FILE     writes {"authority", "api", "gateway", "forum"} to the file, and serves until "mock: quit"; ends
                         with status 1 if there were faults
"""

import asyncio
import json
import os
import sys
import tempfile
import time
import urllib.parse

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from certificates import Certificates

TOKEN = "mock.token-of-the-bot"
BOT = {"id": "1100000000000000077", "username": "belfry", "bot": True}
EVE = {"id": "1100000000000000005", "username": "eve"}
GUILD = "1100000000000000001"
FORUM = "1100000000000000015"
GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT = 1 << 0, 1 << 9, 1 << 15
INTERVAL = 1.0  # seconds between heartbeats
LIMIT, WINDOW = 5, 1.0  # messages of one channel in so many seconds


class Session:
    def __init__(self, number):
        self.id = "session-%d" % number
        self.sequence = 0
        self.events = []
        self.socket = None


class DiscordMock:
    def __init__(self):
        self.faults = []
        self.requests = []
        self.sessions = {}
        self.resumed = 0
        self.identified = 0
        self.closed = []  # close codes of the bot's
        self.limited = 0  # requests answered by 429
        self.refusals = []  # of the next requests: (status, fields, body)
        self.threads = {}  # ID: {"name", "messages": [(author, content)]}
        self.acknowledges = True
        self.invalidates = False
        self.buckets = {}
        self.nonces = {}
        self.writers = set()
        self.over = asyncio.Event()
        self.last_id = int(FORUM) + 1000

    def fault(self, text):
        self.faults.append(text)

    def snowflake(self):
        self.last_id += 1
        return str(self.last_id)

    # Life

    async def start(self, folder):
        made = Certificates(folder)
        self.context = context = made.issue("discord", "DNS:localhost,IP:127.0.0.1")
        self.gateway_server = await serve(self.gateway, "127.0.0.1", 0, ssl=context, compression=None)
        self.resume_server = await serve(self.gateway, "127.0.0.1", 0, ssl=context, compression=None)
        self.http_server = await asyncio.start_server(self.http, "127.0.0.1", 0, ssl=context)
        port = lambda server: server.sockets[0].getsockname()[1]
        self.gateway_url = "wss://localhost:%d" % port(self.gateway_server)
        self.resume_url = "wss://localhost:%d" % port(self.resume_server)
        self.api_url = "https://127.0.0.1:%d/api/v10" % port(self.http_server)
        self.authority = made.authority

    # Gateway

    async def gateway(self, socket):
        """One connection: hello, then identify or resume, then heartbeats and events."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(socket.request.path).query)
        if query.get("v") != ["10"] or query.get("encoding") != ["json"]:
            self.fault("gateway with %r" % socket.request.path)
            return await socket.close(4012)
        is_resume_place = socket.local_address[1] == self.resume_server.sockets[0].getsockname()[1]
        await socket.send(json.dumps({"op": 10, "s": None, "t": None, "d": {"heartbeat_interval": int(INTERVAL * 1000)}}))
        session, sent, last_beat = None, [], time.monotonic()
        try:
            while True:
                # Half an interval is the tolerance.
                wait = last_beat + 1.5 * INTERVAL - time.monotonic()
                try:
                    text = await asyncio.wait_for(socket.recv(), max(0.01, wait))
                except asyncio.TimeoutError:
                    self.fault("no heartbeat")
                    return await socket.close(4009)
                now = time.monotonic()
                sent = [at for at in sent if now - at < 60] + [now]
                if len(sent) > 120:
                    self.fault("more than 120 payloads in 60 s")
                    return await socket.close(4008)
                if len(text.encode()) > 4096:
                    self.fault("a payload of more than 4096 bytes")
                    return await socket.close(4002)
                payload = json.loads(text)
                op, d = payload["op"], payload.get("d")
                if op == 1:
                    last_beat = now
                    if session and d is not None and not 0 <= d <= session.sequence:
                        self.fault("a heartbeat with %r" % d)
                    if self.acknowledges:
                        await socket.send('{"op":11,"s":null,"t":null,"d":null}')
                elif op == 2:
                    if session:
                        self.fault("identified twice")
                        return await socket.close(4005)
                    session = await self.identify(socket, d, is_resume_place)
                    if not session:
                        return
                elif op == 6:
                    session = await self.resume(socket, d, is_resume_place)
                    if not session:
                        return
                else:
                    self.fault("opcode %r" % op)
                    return await socket.close(4001)
        except ConnectionClosed as closed:
            self.closed.append(closed.rcvd.code if closed.rcvd else None)
            # 1000 and 1001 end the session, everything else leaves it for a while.
            if session and closed.rcvd and closed.rcvd.code in (1000, 1001):
                self.sessions.pop(session.id, None)
        finally:
            if session and session.socket is socket:
                session.socket = None

    async def identify(self, socket, d, is_resume_place):
        if is_resume_place:
            self.fault("identified where sessions are resumed")
        if d.get("token") != TOKEN:
            await socket.close(4004)
            return None
        if d.get("intents", 0) & ~(GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT):
            await socket.close(4014)
            return None
        if not all(isinstance(d.get("properties", {}).get(name), str) for name in ("os", "browser", "device")):
            self.fault("properties %r" % d.get("properties"))
        self.identified += 1
        if self.invalidates:
            self.invalidates = False
            await socket.send('{"op":9,"s":null,"t":null,"d":false}')
            return None
        session = Session(self.identified)
        self.sessions = {session.id: session}
        session.socket = socket
        await self.dispatch("READY", {
            "v": 10, "user": BOT, "guilds": [{"id": GUILD, "unavailable": True}], "session_id": session.id,
            "resume_gateway_url": self.resume_url, "application": {"id": BOT["id"], "flags": 0},
        })
        await self.dispatch("GUILD_CREATE", {
            "id": GUILD, "name": "a server", "large": False, "unavailable": False, "member_count": 2, "members": [],
            "threads": [], "channels": self.channels(),
        })
        return session

    async def resume(self, socket, d, is_resume_place):
        if not is_resume_place:
            self.fault("resumed where sessions begin")
        if d.get("token") != TOKEN:
            await socket.close(4004)
            return None
        session = self.sessions.get(d.get("session_id"))
        if not session:
            await socket.send('{"op":9,"s":null,"t":null,"d":false}')
            return None
        if not isinstance(d.get("seq"), int) or not 0 <= d["seq"] <= session.sequence:
            await socket.close(4007)
            return None
        for number, text in session.events:
            if number > d["seq"]:
                await socket.send(text)
        session.socket = socket
        self.resumed += 1
        await self.dispatch("RESUMED", {})
        return session

    async def dispatch(self, name, data):
        for session in self.sessions.values():
            session.sequence += 1
            text = json.dumps({"op": 0, "s": session.sequence, "t": name, "d": data})
            session.events.append((session.sequence, text))
            if session.socket:
                try:
                    await session.socket.send(text)
                except ConnectionClosed:
                    pass

    async def cut(self):
        """The connection is gone, without a word; the session lives."""
        for session in self.sessions.values():
            if session.socket:
                socket, session.socket = session.socket, None
                socket.transport.abort()

    async def tell(self, payload):
        for session in self.sessions.values():
            if session.socket:
                await session.socket.send(json.dumps(payload))

    # What happens there

    def channels(self):
        return [
            {"id": "1100000000000000014", "type": 0, "name": "chatbox50", "guild_id": GUILD, "position": 0},
            {"id": "1100000000000000016", "type": 15, "name": "other", "guild_id": GUILD, "position": 1},
            {"id": FORUM, "type": 15, "name": "chatbox50", "guild_id": GUILD, "position": 2},
        ]

    async def write(self, thread, author, content, kind=0):
        """A message; its object."""
        message = {
            "id": self.snowflake(), "channel_id": thread, "author": author, "content": content, "type": kind,
            "timestamp": "2026-01-01T00:00:00.000000+00:00", "edited_timestamp": None, "tts": False,
            "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
            "pinned": False,
        }
        self.threads[thread]["messages"].append((author["username"], content))
        await self.dispatch("MESSAGE_CREATE", dict(message, guild_id=GUILD, member={"roles": []}))
        return message

    async def command(self, thread, text):
        """What the bot asks for with "mock: ", besides being posted."""
        word, _, rest = text.partition(" ")
        if word == "say":
            await self.write(thread, EVE, rest)
        elif word == "cut":
            await self.cut()
            await self.write(thread, EVE, "said while you were away")
        elif word == "reconnect":
            await self.tell({"op": 7, "s": None, "t": None, "d": None})
        elif word == "invalid":
            self.sessions = {}
            self.invalidates = True
            for socket in list(self.gateway_server.connections) + list(self.resume_server.connections):
                await socket.send('{"op":9,"s":null,"t":null,"d":false}')
        elif word == "heartbeat":
            await self.tell({"op": 1, "s": None, "t": None, "d": None})
        elif word == "zombie":
            self.acknowledges = False
        elif word == "alive":
            self.acknowledges = True
        elif word == "limit":
            self.refusals += [self.limited_answer(float(rest), False)]
        elif word == "limit-all":
            self.refusals += [self.limited_answer(float(rest), True)]
        elif word == "fail":
            self.refusals += [(502, {}, b"<html>Bad Gateway</html>")] * int(rest)
        elif word == "away":
            asyncio.get_running_loop().create_task(self.go_away(float(rest)))
        elif word == "lose":
            self.refusals += [(0, {}, b"")]
        elif word == "reject":
            for socket in list(self.gateway_server.connections) + list(self.resume_server.connections):
                await socket.close(4014)
        elif word == "notice":
            await self.write(thread, EVE, "a new title", kind=4)
        elif word == "quit":
            asyncio.get_running_loop().call_later(0.3, self.over.set)

    async def go_away(self, seconds):
        """For so long nobody listens where requests go."""
        await asyncio.sleep(0.05)
        self.http_server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        await asyncio.sleep(seconds)
        port = urllib.parse.urlsplit(self.api_url).port
        self.http_server = await asyncio.start_server(self.http, "127.0.0.1", port, ssl=self.context)

    # HTTP

    def limited_answer(self, seconds, is_global):
        fields = {"Retry-After": str(int(seconds) + 1), "X-RateLimit-Scope": "global" if is_global else "user"}
        if is_global:
            fields["X-RateLimit-Global"] = "true"
        body = {"message": "You are being rate limited.", "retry_after": seconds, "global": is_global}
        return (429, fields, json.dumps(body).encode())

    async def http(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.split("\r\n")
                method, target, _ = lines[0].split(" ")
                fields = {line.split(":")[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                status, more, answer = await self.answer(method, target, fields, body)
                if status == 0:
                    return writer.transport.abort()
                text = "HTTP/1.1 %d Status\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (status, len(answer))
                text += "".join("%s: %s\r\n" % pair for pair in more.items())
                writer.write(text.encode() + b"\r\n" + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            writer.close()
        finally:
            self.writers.discard(writer)

    async def answer(self, method, target, fields, body):
        path = urllib.parse.urlsplit(target).path
        self.requests.append("%s %s" % (method, path))
        if fields.get("authorization") != "Bot " + TOKEN:
            return 401, {}, b'{"message": "401: Unauthorized", "code": 0}'
        if not fields.get("user-agent", "").startswith("DiscordBot ("):
            self.fault("user agent %r" % fields.get("user-agent"))
        if not path.startswith("/api/v10/"):
            return 404, {}, b'{"message": "404: Not Found", "code": 0}'
        if self.refusals:
            refusal = self.refusals.pop(0)
            if refusal[0] == 429:
                self.limited += 1
            if refusal[0] == 0:
                # What was asked is done all the same; only the answer is lost.
                await self.route(method, path[len("/api/v10"):].split("/")[1:], fields, body)
            return refusal
        return await self.route(method, path[len("/api/v10"):].split("/")[1:], fields, body)

    async def route(self, method, parts, fields, body):
        reply = lambda value, status=200, more={}: (status, more, json.dumps(value).encode())
        if method == "GET":
            if parts == ["gateway", "bot"]:
                limit = {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1}
                return reply({"url": self.gateway_url, "shards": 1, "session_start_limit": limit})
            if parts == ["users", "@me", "guilds"]:
                return reply([{"id": GUILD, "name": "a server", "icon": None, "owner": False, "permissions": "0", "features": []}])
            if parts == ["guilds", GUILD, "channels"]:
                return reply(self.channels())
            return reply({"message": "404: Not Found", "code": 0}, 404)
        if fields.get("content-type") != "application/json":
            self.fault("content type %r" % fields.get("content-type"))
        data = json.loads(body)
        if method == "POST" and parts == ["channels", FORUM, "threads"]:
            return await self.start_thread(data, reply)
        if method == "POST" and len(parts) == 3 and parts[0] == "channels" and parts[2] == "messages":
            return await self.create_message(parts[1], data, reply)
        return reply({"message": "Unknown Channel", "code": 10003}, 404)

    def check_message(self, data, reply):
        content = data.get("content", "")
        if not content.strip():
            return reply({"message": "Cannot send an empty message", "code": 50006}, 400)
        if len(content) > 2000:
            self.fault("a message of %d characters" % len(content))
            return reply({"message": "Invalid Form Body", "code": 50035}, 400)
        if data.get("allowed_mentions") != {"parse": []}:
            self.fault("a message that may mention people: %r" % data.get("allowed_mentions"))
        return None

    async def start_thread(self, data, reply):
        if not 1 <= len(data.get("name", "")) <= 100:
            return reply({"message": "Invalid Form Body", "code": 50035}, 400)
        refusal = self.check_message(data.get("message", {}), reply)
        if refusal:
            return refusal
        thread = self.snowflake()
        self.threads[thread] = {"name": data["name"], "messages": []}
        channel = {"id": thread, "type": 11, "guild_id": GUILD, "parent_id": FORUM, "name": data["name"], "owner_id": BOT["id"]}
        await self.dispatch("THREAD_CREATE", dict(channel, newly_created=True))
        message = await self.write(thread, BOT, data["message"]["content"])
        return reply(dict(channel, message=message), 201)

    async def create_message(self, thread, data, reply):
        if thread not in self.threads:
            return reply({"message": "Unknown Channel", "code": 10003}, 404)
        now = time.monotonic()
        start, used = self.buckets.get(thread, (now, 0))
        if now - start >= WINDOW:
            start, used = now, 0
        left = start + WINDOW - now
        if used >= LIMIT:
            self.fault("a rate limit was not kept")
            return self.limited_answer(left, False)
        self.buckets[thread] = (start, used + 1)
        fields = {
            "X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(LIMIT - used - 1),
            "X-RateLimit-Reset": "%.3f" % (time.time() + left), "X-RateLimit-Reset-After": "%.3f" % left,
            "X-RateLimit-Bucket": "80c17d2f203122d936070c88c8d10f33",
        }
        refusal = self.check_message(data, reply)
        if refusal:
            return refusal
        nonce = (thread, data.get("nonce")) if data.get("enforce_nonce") else None
        if nonce in self.nonces and nonce:
            return reply(self.nonces[nonce], 200, fields)
        message = await self.write(thread, BOT, data["content"])
        if nonce:
            self.nonces[nonce] = message
        if data["content"].startswith("mock: "):
            await self.command(thread, data["content"][len("mock: "):])
        return reply(message, 200, fields)


async def main(path):
    mock = DiscordMock()
    with tempfile.TemporaryDirectory() as folder:
        await mock.start(folder)
        with open(path + ".new", "w") as file:
            json.dump({"authority": mock.authority, "api": mock.api_url, "gateway": mock.gateway_url, "forum": FORUM}, file)
        os.rename(path + ".new", path)
        await mock.over.wait()
    for text in mock.faults:
        print("fault:", text, file=sys.stderr)
    os._exit(1 if mock.faults else 0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
