# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The example ChatBoxIRC between a browser (the package websockets) and a real server, ngircd.

chatbox_irc.py PROGRAM    ends with status 0 if visitors and operators heard each other as they should
"""

import asyncio
import ctypes
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

from websockets.asyncio.client import connect

signal.pthread_sigmask(signal.SIG_SETMASK, [])
LIMIT = 60


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(200):
        if process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def start_ngircd(folder):
    for _ in range(5):
        port = free_port()
        path = os.path.join(folder, "ngircd.conf")
        with open(path, "w") as file:
            file.write(
                "[Global]\nName = irc.belfry.test\nInfo = Test\nListen = 127.0.0.1\nPorts = %d\nMotdPhrase = hello\n"
                "[Limits]\nMaxJoins = 0\n[Options]\nDNS = no\nIdent = no\nPAM = no\n" % port)
        process = subprocess.Popen(["/usr/sbin/ngircd", "-n", "-f", path], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if wait_for_port(port, process):
            return process, port
        process.kill()
        process.wait()
    raise AssertionError("ngircd does not start")


def start_bridge(program, irc, database):
    bridge = subprocess.Popen(
        ["stdbuf", "-oL", program, "--irc", "127.0.0.1:%d" % irc, "--file", database, "--port", "0"],
        stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    line = bridge.stdout.readline().decode()
    assert line.startswith("listening on "), line
    return bridge, line.split()[-1]


class Operator:
    """Somebody with an IRC program."""

    async def start(self, port, name, channel):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.seen = []
        self.types("NICK " + name, "USER %s 0 * :%s" % (name, name))
        await self.hears(" 001 ")
        await self.joins(channel)
        return self

    def types(self, *lines):
        self.writer.write("".join(line + "\r\n" for line in lines).encode())

    async def joins(self, channel):
        self.types("JOIN " + channel)
        await self.hears(" 366 ")

    async def hears(self, part):
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), LIMIT)).decode().rstrip("\r\n")
            assert line, "the server ended the connection before %r; seen: %r" % (part, self.seen[-20:])
            self.seen.append(line)
            if line.startswith("PING"):
                self.types("PONG" + line[4:])
            if part in line:
                return line


class Visitor:
    """A browser's page."""

    def __init__(self, address, token):
        self.address, self.token = address, token

    async def __aenter__(self):
        self.socket = await connect("ws://%s/ws/%s" % (self.address, self.token), origin="http://" + self.address)
        await self.hears("ChatBoxService", "waiting for response")
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def hears(self, author, content):
        message = json.loads(await asyncio.wait_for(self.socket.recv(), LIMIT))
        assert message == {"auther": author, "content": content}, "%.300r instead of %.300r" % (message, content)

    async def says(self, text):
        await self.socket.send(text)
        await self.hears("you", text)


def new_token(address):
    with urllib.request.urlopen("http://%s/" % address) as page:
        return re.search("token=([0-9a-f-]{36})", page.headers["Set-Cookie"]).group(1)


async def stored(database, content):
    for _ in range(400):
        with sqlite3.connect("file:%s?mode=ro" % database, uri=True) as connection:
            if connection.execute("SELECT 1 FROM history WHERE content = ?", (content,)).fetchone():
                return
        await asyncio.sleep(0.05)
    raise AssertionError("%r is not stored" % content)


async def meet(operator, visitor):
    """The operator follows the invitation of the lobby; the visitor's channel."""
    channel = (await operator.hears("A visitor waits in ")).split()[-1]
    await operator.joins(channel)
    return channel


async def conversation(program, irc, folder):
    database = os.path.join(folder, "visitors.db")
    bridge, address = start_bridge(program, irc, database)
    operator = await Operator().start(irc, "ann", "#belfry")
    token = new_token(address)

    async with Visitor(address, token) as visitor:
        channel = await meet(operator, visitor)
        assert re.fullmatch("#visitor-[0-9a-f]{8}", channel) and channel[9:] not in token, channel
        await visitor.says("hello w\u00f6rld \U0001f30d")
        line = await operator.hears("PRIVMSG " + channel)
        assert line.endswith(":<visitor> hello w\u00f6rld \U0001f30d"), line
        operator.types("PRIVMSG %s :\x02hi\x02, how can I h\u00e9lp?" % channel)
        await visitor.hears("ChatBoxService", "hi, how can I h\u00e9lp?")

        # What would be commands, codes, or too much.
        await visitor.says("one\r\nQUIT :bye\nJOIN 0\r\x01VERSION\x01 \x0304red")
        for text in ["one", "QUIT :bye", "JOIN 0", "VERSION red"]:
            assert (await operator.hears("PRIVMSG " + channel)).endswith(":<visitor> " + text), operator.seen[-1]
        await visitor.says("\u00fc" * 100_000)
        await visitor.says("\x00\x01\x02\n\n")
        await visitor.says("e" + "\u0301" * 50_000)

    async with Visitor(address, new_token(address)):
        other = await meet(operator, None)
        assert other != channel

    # The visitor is away.
    operator.types("PRIVMSG %s :are you still there?" % channel, "PRIVMSG %s :for somebody else" % other)
    await stored(database, "are you still there?")
    await stored(database, "for somebody else")

    # The bridge goes and comes back, to the channel in which somebody waits.
    bridge.kill()
    bridge.wait()
    await operator.hears("QUIT")
    bridge, address = start_bridge(program, irc, database)
    await operator.hears("JOIN :" + channel)
    operator.types("PRIVMSG %s :I am here until five." % channel)
    await stored(database, "I am here until five.")

    history = [
        ("you", "hello w\u00f6rld \U0001f30d"), ("ChatBoxService", "hi, how can I h\u00e9lp?"),
        ("you", "one\r\nQUIT :bye\nJOIN 0\r\x01VERSION\x01 \x0304red"), ("you", "\u00fc" * 100_000),
        ("you", "\x00\x01\x02\n\n"), ("you", "e" + "\u0301" * 50_000),
        ("ChatBoxService", "are you still there?"), ("ChatBoxService", "I am here until five."),
    ]
    async with Visitor(address, token) as visitor:
        for author, content in history:
            await visitor.hears(author, content)
        await visitor.says("I am back")
        await operator.hears(":<visitor> I am back")
        operator.types("PRIVMSG %s :\x01ACTION smiles\x01" % channel)
        await visitor.hears("ChatBoxService", "* smiles")
    bridge.terminate()
    bridge.wait()
    strange = [line for line in operator.seen if line.startswith(":belfry!") and "PRIVMSG #visitor" in line
               and ":<visitor> " not in line]
    assert not strange, strange


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        server, port = start_ngircd(folder)
        try:
            asyncio.run(asyncio.wait_for(conversation(os.path.abspath(sys.argv[1]), port, folder), 150))
        finally:
            server.kill()
            server.wait()


main()
