# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The example ChatBoxDiscord between a browser, played by the package websockets, and the stand-in for Discord of
discord_mock.py: the real Discord is never reached.

chatbox_discord.py PROGRAM     ends with status 0 if all was right
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import uuid

from websockets.asyncio.client import connect

import discord_mock

PROGRAM = os.path.abspath(sys.argv[1])
SERVICE, YOU = "ChatBoxService", "you"


def expect(value, wanted):
    if value != wanted:
        raise AssertionError("%.600r is not %.600r" % (value, wanted))


async def wait_until(condition, what, timeout=20):
    for _ in range(int(timeout / 0.02)):
        value = condition()
        if value:
            return value
        await asyncio.sleep(0.02)
    raise AssertionError("waited for: " + what)


class Program:
    """The example, with its input and output."""

    def __init__(self, folder, *arguments, **environment):
        self.folder, self.arguments = folder, arguments
        self.environment = dict(os.environ, **environment)
        self.lines, self.errors = [], []

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        # stdbuf, because what goes into a pipe is otherwise kept back until a block is full.
        self.process = await asyncio.create_subprocess_exec(
            "stdbuf", "-oL", PROGRAM, "0", *self.arguments, cwd=self.folder, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe,
        )
        self.readers = [
            asyncio.ensure_future(self.read(self.process.stdout, self.lines)),
            asyncio.ensure_future(self.read(self.process.stderr, self.errors)),
        ]
        line = await wait_until(lambda: self.starting("listening on "), lambda: self.text())
        self.port = int(line.rstrip("/").rsplit(":", 1)[1])
        return self

    async def read(self, pipe, lines):
        async for line in pipe:
            lines.append(line.decode().rstrip("\n"))

    def starting(self, text):
        if self.process.returncode is not None:
            raise AssertionError("it ended: " + self.text())
        return next((line for line in self.lines if line.startswith(text)), None)

    def text(self):
        return "\n".join(self.lines + self.errors)

    async def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 20)
        await asyncio.gather(*self.readers)


class Browser:
    """A page: one WebSocket under the visitor's token."""

    def __init__(self, program, visitor):
        self.url = "ws://127.0.0.1:%d/ws/%s" % (program.port, visitor)
        self.said = []

    async def __aenter__(self):
        self.socket = await connect(self.url)
        await self.hears(SERVICE, "waiting for response")
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def hears(self, who, what):
        """Waits for this one; what comes before it is kept in `said`."""
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
            self.said.append((frame["auther"], frame["content"]))
            if self.said[-1] == (who, what):
                return

    async def says(self, text):
        await self.socket.send(text)
        await self.hears(YOU, text)


class Bridge:
    def __init__(self, mock, program):
        self.mock, self.program = mock, program

    async def thread(self, visitor):
        named = lambda: [key for key, thread in self.mock.threads.items() if thread["name"] == visitor]
        found = await wait_until(named, "a thread for " + visitor)
        expect(len(found), 1)
        return found[0]

    def texts(self, thread, who="belfry"):
        return [content for author, content in self.mock.threads[thread]["messages"] if author == who]

    async def posted(self, thread, *texts):
        await wait_until(lambda: self.texts(thread)[-len(texts):] == list(texts), "the posts %.300r" % (texts,))

    async def eve(self, thread, text):
        await self.mock.write(thread, discord_mock.EVE, text)


async def both_ways(bridge):
    """Texts both ways, long ones in pieces, and nobody notified."""
    visitor = str(uuid.uuid4())
    async with Browser(bridge.program, visitor) as browser:
        thread = await bridge.thread(visitor)
        expect(bridge.texts(thread), ["new client access"])
        await browser.says("hello <b>world</b> \u4e16")
        await bridge.posted(thread, "hello <b>world</b> \u4e16")
        await bridge.eve(thread, "may I help? \U0001f600")
        await browser.hears(SERVICE, "may I help? \U0001f600")
        long = "\n".join("line %04d of many @everyone" % number for number in range(200))
        await browser.says(long)
        await wait_until(lambda: "\n".join(bridge.texts(thread)[2:]) == long, "a long text")
        expect(len(bridge.texts(thread)), 2 + 3)
        # Notices of Discord's, and threads that are nobody's.
        await bridge.mock.write(thread, discord_mock.EVE, "a new title", kind=4)
        bridge.mock.threads["7"] = {"name": "else", "messages": []}
        await bridge.eve("7", "not for visitors")
        await bridge.eve(thread, "the end")
        await browser.hears(SERVICE, "the end")
        expect([text for _, text in browser.said if "title" in text or "visitors" in text], [])


async def two_visitors(bridge):
    """Each visitor has a thread of its own."""
    visitors = [str(uuid.uuid4()), str(uuid.uuid4())]
    async with Browser(bridge.program, visitors[0]) as one, Browser(bridge.program, visitors[1]) as two:
        first, second = await bridge.thread(visitors[0]), await bridge.thread(visitors[1])
        await bridge.eve(second, "to the second")
        await bridge.eve(first, "to the first")
        await one.hears(SERVICE, "to the first")
        await two.hears(SERVICE, "to the second")
        expect([(SERVICE, "to the second") in one.said, (SERVICE, "to the first") in two.said], [False, False])


async def away_and_back(bridge):
    """What is said to a visitor who is away is kept for the next visit."""
    visitor = str(uuid.uuid4())
    async with Browser(bridge.program, visitor) as browser:
        thread = await bridge.thread(visitor)
        await browser.says("I will be back")
        await bridge.posted(thread, "I will be back")
    await asyncio.sleep(0.2)
    await bridge.eve(thread, "while you were away")
    await bridge.eve(thread, "and this")
    await asyncio.sleep(0.2)
    async with Browser(bridge.program, visitor) as browser:
        await browser.hears(SERVICE, "and this")
        expect((SERVICE, "while you were away") in browser.said, True)
        await browser.says("here I am")
        await bridge.posted(thread, "I will be back", "here I am")
    return visitor


async def gateway_cut(bridge):
    """A cut, a request to reconnect, and a gateway that falls silent: each time nothing is missed."""
    visitor = str(uuid.uuid4())
    async with Browser(bridge.program, visitor) as browser:
        thread = await bridge.thread(visitor)
        resumed = bridge.mock.resumed
        await bridge.mock.cut()
        await bridge.eve(thread, "said in the gap")
        await browser.hears(SERVICE, "said in the gap")
        expect(bridge.mock.resumed, resumed + 1)
        await bridge.mock.tell({"op": 7, "s": None, "t": None, "d": None})
        await wait_until(lambda: bridge.mock.resumed == resumed + 2, "another session resumed")
        bridge.mock.acknowledges = False
        await wait_until(lambda: not any(session.socket for session in bridge.mock.sessions.values()), "the bot to leave")
        bridge.mock.acknowledges = True
        await bridge.eve(thread, "after the silence")
        await browser.hears(SERVICE, "after the silence")
        expect(bridge.mock.identified, 1)


async def limited(bridge):
    """Rate limits, errors and lost answers: everything arrives once, in its order."""
    visitor = str(uuid.uuid4())
    async with Browser(bridge.program, visitor) as browser:
        thread = await bridge.thread(visitor)
        answers = [bridge.mock.limited_answer(0.5, False), bridge.mock.limited_answer(0.3, True), (503, {}, b""), (0, {}, b"")]
        bridge.mock.refusals += answers
        texts = ["number %d" % number for number in range(8)]
        for text in texts:
            await browser.says(text)
        await bridge.posted(thread, *texts)
        expect(bridge.texts(thread), ["new client access"] + texts)
        expect(bridge.mock.refusals, [])


async def link_away(bridge):
    """What visitors say while Discord can't be reached waits, and arrives."""
    visitor = str(uuid.uuid4())
    async with Browser(bridge.program, visitor) as browser:
        thread = await bridge.thread(visitor)
        away = asyncio.ensure_future(bridge.mock.go_away(1.5))
        await asyncio.sleep(0.3)
        for text in ("one", "two", "three"):
            await browser.says(text)
        expect(bridge.texts(thread), ["new client access"])
        await away
        await bridge.posted(thread, "one", "two", "three")


async def terminal(folder):
    """Without Discord: a terminal is the other side."""
    visitor = str(uuid.uuid4())
    async with Program(folder, "--terminal") as program:
        async with Browser(program, visitor) as browser:
            await wait_until(lambda: program.starting("1 is here"), "an announcement")
            await browser.says("anybody there?")
            await wait_until(lambda: program.starting("1: anybody there?"), "the visitor's text")
            await program.type("1 yes, me")
            await browser.hears(SERVICE, "yes, me")
            await program.type("nonsense")
            await wait_until(lambda: program.starting("type a visitor's number"), "help")
        await asyncio.sleep(0.2)
        await program.type("1 come back")
        await program.type("2 who are you")
        await asyncio.sleep(0.2)
    async with Program(folder, "--terminal") as program:
        async with Browser(program, visitor) as browser:
            await browser.hears(SERVICE, "come back")
        async with Browser(program, str(uuid.uuid4())):
            await wait_until(lambda: program.starting("2 is here"), "another visitor")
        # End of input ends it, in order.
        program.process.stdin.close()
        expect(await asyncio.wait_for(program.process.wait(), 20), 0)


async def without_token(folder):
    """It does not start without a token."""
    environment = {name: value for name, value in os.environ.items() if name != "DISCORD_TOKEN"}
    process = await asyncio.create_subprocess_exec(PROGRAM, cwd=folder, env=environment, stderr=asyncio.subprocess.PIPE)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    expect((process.returncode, b"DISCORD_TOKEN is not set" in errors), (2, True))


async def main():
    passed, visitor = [], None
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as certificates:
        mock = discord_mock.DiscordMock()
        await mock.start(certificates)
        await without_token(folder)
        passed.append("without token")
        environment = {
            "DISCORD_TOKEN": discord_mock.TOKEN, "DISCORD_API_URL": mock.api_url, "SSL_CERT_FILE": mock.authority,
        }
        async with Program(folder, **environment) as program:
            bridge = Bridge(mock, program)
            for check in (both_ways, two_visitors, away_and_back, gateway_cut, limited, link_away):
                visitor = await check(bridge) or visitor
                passed.append(check.__name__.replace("_", " "))
            expect(discord_mock.TOKEN in program.text(), False)
        # The next run goes on with the file: the same thread, and what was said before.
        async with Program(folder, **environment) as program:
            bridge = Bridge(mock, program)
            async with Browser(program, visitor) as browser:
                thread = await bridge.thread(visitor)
                await browser.says("still me")
                await bridge.posted(thread, "here I am", "still me")
            passed.append("another run")
        await terminal(folder)
        passed.append("terminal")
        expect(mock.faults, [])
        print("%s; limits kept, %d sessions resumed, no faults" % (", ".join(passed), mock.resumed))
    os._exit(0)


asyncio.run(main())
