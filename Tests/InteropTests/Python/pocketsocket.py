# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""`belfry pocketsocket` against its wire's captures, hostile bytes, and clients of the package websockets."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import struct
import subprocess
import time

from websockets.asyncio.client import connect

from harness import OPTIONS, Child, Server, check, expect, join, main, original, wait_until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = bytes.fromhex("11223344")
RECEIPT = re.compile(
    rb'\{"time": "\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?", "messageId": (.*), "socket": "sent", "attr": "(json|string)"\}')


class Pocket(Child):
    """`belfry pocketsocket` on a free port, with its printed lines."""

    def __init__(self, *arguments, flags="-v"):
        super().__init__(
            [OPTIONS.belfry, "pocketsocket", "--io", OPTIONS.io, "--loops", str(OPTIONS.loops), *arguments,
             *([flags] if flags else []), "127.0.0.1", "0"],
            stdout=subprocess.PIPE,
        )
        self.ready = self.process.stdout.readline().decode().strip()
        assert re.fullmatch(r"Ready 127\.0\.0\.1 \d+", self.ready), self.ready + self.log()
        self.port = int(self.ready.split()[2])

    def stop(self):
        """Ends it, and returns what it printed."""
        self.process.terminate()
        lines = self.process.stdout.read().decode().splitlines()
        expect(self.process.wait(15), 0)
        return lines


class Client:
    """A WebSocket by hand."""

    def __init__(self, port, path="/", fields="", behind=b"", wait=True):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.buffer = b""
        head = ("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n" % (path, port, KEY, fields))
        self.socket.sendall(head.encode() + behind)
        if wait:
            self.head = self.until(b"\r\n\r\n").decode()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def until(self, mark):
        while mark not in self.buffer:
            self.more()
        found, self.buffer = self.buffer.split(mark, 1)
        return found + mark

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self.buffer)
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def send(self, payload, first=0x81):
        self.socket.sendall(masked(payload, first))

    def frame(self):
        """First byte, the length's form and the payload of the next frame."""
        head = self.take(2)
        length = head[1]
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        return head, self.take(length)

    def text(self):
        head, payload = self.frame()
        expect(head[0], 0x81)
        return payload

    def receipt(self):
        text = self.text()
        match = RECEIPT.fullmatch(text)
        assert match, text
        return match[2].decode(), match[3].decode()

    def is_over(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def masked(payload, first=0x81):
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else \
        b"\xff" + struct.pack(">Q", size)
    return bytes([first]) + length + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


@check
def the_captures_hold_byte_for_byte():
    with Pocket() as server:
        first = Client(server.port)
        assert first.head.startswith("HTTP/1.1 101 "), first.head
        assert "Sec-WebSocket-Accept: " + ACCEPT in first.head, first.head
        second = Client(server.port)
        connected = '{"socket": "connected", "port": %d, "address": "127.0.0.1"}' % second.port
        expect(first.take(2 + len(connected)), bytes([0x81, len(connected)]) + connected.encode())
        for text, identity in (
                ('{"id":"0.lchkqdo","message":"Art can be very abstract.","data":{}}', ('"0.lchkqdo"', "json")),
                ('{"id":"0.12l60m","message":"socket.message","data":"milk"}', ('"0.12l60m"', "json")),
                ('{"message":"x"}', ("null", "json")), ('{"id":"é☃"}', ('"\\u00e9\\u2603"', "json")),
                ("[1,2]", ("5", "string")), ('  {"id": "w" }\n', ('"w"', "json")), ("hello there", ("11", "string")),
                ("x" * 217, ("217", "string")), ("y" * 70017, ("70017", "string"))):
            first.send(text)
            expect(first.receipt(), identity)
            head, payload = second.frame()
            expect(payload, text.encode())
            size = len(payload)
            expect(head, bytes([0x81, size if size < 126 else 126 if size < 65536 else 127]))
        first.send('{"id":"bin"}', 0x82)
        expect(first.receipt(), ('"bin"', "json"))
        expect(second.frame(), (b"\x81\x0c", b'{"id":"bin"}'))
        first.send("hi", 0x89)
        expect(first.frame(), (b"\x8a\x02", b"hi"))
        first.send('{"id":"fr', 0x01)
        first.send("hi", 0x89)
        first.send('ag"}', 0x80)
        expect(first.frame(), (b"\x8a\x02", b"hi"))
        expect(first.receipt(), ('"frag"', "json"))
        expect(second.text(), b'{"id":"frag"}')
        port = first.port
        first.send(struct.pack(">H", 1000) + b"bye", 0x88)
        expect(first.frame()[1][:2], struct.pack(">H", 1000))
        assert first.is_over()
        gone = '{"socket": "disconnected", "port": %d, "address": "127.0.0.1"}' % port
        expect(second.text(), gone.encode())
        second.socket.close()
        lines = server.stop()
        for line in ("connected ('127.0.0.1', %d)" % port, "disconnected ('127.0.0.1', %d)" % port, "Send: " + connected,
                     "Receive: [1,2]", "Send: [1,2]", "Send: " + gone):
            expect(lines.count(line), 1)


@check
def handshakes_of_old_and_odd_clients_are_taken_and_bad_ones_answered():
    with Pocket() as server:
        for path, fields in (("/", ""), ("/any/path?x=1", ""), ("/", "Origin: null\r\n"),
                             ("/", "Origin: http://localhost:1234\r\n"), ("/", "Origin: http://127.0.0.1:9\r\n"),
                             ("/", "Sec-WebSocket-Protocol: chat\r\n"),
                             ("/", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")):
            client = Client(server.port, path, fields)
            assert client.head.startswith("HTTP/1.1 101 "), (path, fields, client.head)
            assert "Extensions" not in client.head and "Protocol:" not in client.head, client.head
            client.socket.close()
        early = Client(server.port, behind=masked("at once") + masked("and again"))
        expect([early.receipt(), early.receipt()], [("7", "string"), ("9", "string")])
        for replaced, with_, status in (
                ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
                ("Sec-WebSocket-Key: " + KEY, "Sec-WebSocket-Key: short", 400),
                ("Sec-WebSocket-Key: %s\r\n" % KEY, "", 400),
                ("Upgrade: websocket\r\n", "", 404),
                ("Host:", "Origin: http://evil.example\r\nHost:", 403),
                ("Host:", "Origin: http://127.0.0.1.evil.example\r\nHost:", 403)):
            with socket.create_connection(("127.0.0.1", server.port), 10) as odd:
                head = ("GET /x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % KEY)
                assert replaced in head, replaced
                odd.sendall(head.replace(replaced, with_, 1).encode())
                odd.settimeout(10)
                answer = odd.recv(4096).decode()
                assert answer.startswith("HTTP/1.1 %d " % status), (replaced, with_, answer[:80])
    with Pocket("--origin", "https://page.example") as server:
        assert Client(server.port, fields="Origin: https://page.example\r\n").head.startswith("HTTP/1.1 101 ")
        assert Client(server.port, fields="Origin: null\r\n").head.startswith("HTTP/1.1 403 ")


@check
def echo_comes_behind_the_receipt():
    with Pocket(flags="-ev") as server:
        first, second = Client(server.port), Client(server.port)
        first.text()
        for number in range(20):
            first.send('{"id":%d}' % number)
            expect(first.receipt(), (str(number), "json"))
            expect(first.text(), b'{"id":%d}' % number)
            expect(second.text(), b'{"id":%d}' % number)


def run(*arguments):
    result = subprocess.run([OPTIONS.belfry, "pocketsocket", *arguments], capture_output=True, timeout=20)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


@check
def the_command_takes_the_originals_arguments():
    for arguments in (("-ve", "127.0.0.1", "0"), ("--verbose", "--port=0"), ("-v", "--host=127.0.0.1", "--port", "0"),
                      ("-v", "--port", "1", "127.0.0.1", "0")):
        with Child([OPTIONS.belfry, "pocketsocket", "--io", OPTIONS.io, *arguments], stdout=subprocess.PIPE) as child:
            line = child.process.stdout.readline().decode()
            assert re.fullmatch(r"Ready 127\.0\.0\.1 \d+\n", line), line
    expect(run("--help")[0], 0)
    expect(run("--version")[0], 0)
    for bad in (("127.0.0.1", "no-port"), ("--no-such",), ("127.0.0.1", "99999"), ("a", "1", "b")):
        code, _, errors = run(*bad)
        assert code != 0 and "Usage" in errors, (bad, code, errors)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, errors = run("--io", OPTIONS.io, "127.0.0.1", str(taken.getsockname()[1]))
        assert code == 1 and errors.startswith("belfry: "), (code, errors)


@check
def forty_clients_hear_each_other_in_one_order():
    async def talk(port):
        clients, count, each = [], 40, 25
        for _ in range(count):
            clients.append(await connect("ws://127.0.0.1:%d/" % port, compression=None, max_queue=None))

        async def say(index):
            for number in range(each):
                await clients[index].send(json.dumps({"id": "%d-%d" % (index, number), "message": "a.b"}))

        async def hear(index):
            heard, receipts = [], []
            while len(heard) < each * (count - 1) or len(receipts) < each:
                message = json.loads(await asyncio.wait_for(clients[index].recv(), 20))
                if message.get("socket") == "sent":
                    receipts.append(message["messageId"])
                elif "message" in message:
                    heard.append(message["id"])
            expect(receipts, ["%d-%d" % (index, number) for number in range(each)])
            return heard

        results = await asyncio.gather(*[hear(index) for index in range(count)], *[say(index) for index in range(count)])
        order = {}
        for index in range(count):
            for other in range(index):
                mine = [name for name in results[index] if not name.startswith("%d-" % other)]
                theirs = [name for name in results[other] if not name.startswith("%d-" % index)]
                expect(mine == theirs, True)
        await asyncio.gather(*[client.close() for client in clients])
        return order

    with Pocket(flags="-v") as server:
        drained = subprocess.Popen(["cat"], stdin=server.process.stdout, stdout=subprocess.DEVNULL)
        asyncio.run(talk(server.port))
        drained.terminate()


@check
def of_a_crowd_each_hears_of_those_after_it_and_before_they_speak():
    with Pocket(flags="-v") as server:
        drained = subprocess.Popen(["cat"], stdin=server.process.stdout, stdout=subprocess.DEVNULL)
        crowd = [Client(server.port) for _ in range(340)]
        crowd[-1].send("the last")
        expect(crowd[-1].receipt(), ("8", "string"))
        crowd[3].send("the fourth")
        # Who leaves does so when that has been said.
        expect(crowd[-1].text(), b"the fourth")
        leaving = crowd.pop(100)
        left = leaving.port
        leaving.socket.close()
        for index, client in enumerate(crowd):
            heard = [json.loads(client.text())["port"] for _ in crowd[index + 1:]] if index != 3 else []
            if index == 3:
                texts = [client.text() for _ in range(len(crowd) - index + 3)]
                assert sum(1 for text in texts if RECEIPT.fullmatch(text)) == 1, texts[-3:]
                continue
            others = [other.port for other in crowd[index + 1:]]
            if index < 100:
                others.insert(99 - index, left)
                heard.append(json.loads(client.text())["port"])
            expect(heard, others)
            if index < len(crowd) - 1:
                expect(client.text(), b"the last")
                expect(client.text(), b"the fourth")
            expect(client.text(), b'{"socket": "disconnected", "port": %d, "address": "127.0.0.1"}' % left)
        drained.terminate()


@check
def who_does_not_read_and_who_vanishes_harm_nobody():
    with Pocket(flags="-v") as server:
        drained = subprocess.Popen(["cat"], stdin=server.process.stdout, stdout=subprocess.DEVNULL)
        deaf, first, second = Client(server.port), Client(server.port), Client(server.port)
        first.text()
        frame, gone = masked("z" * 1_000_000), False
        for number in range(200):
            first.socket.sendall(frame)
            texts = [first.text(), second.text()]
            gone = any(text.startswith(b'{"socket": "disconnected"') for text in texts)
            if gone:
                break
            expect([len(texts[1]), bool(RECEIPT.fullmatch(texts[0]))], [1_000_000, True])
        assert gone, "a client that reads nothing is still there after 200 MB"
        assert server.rss() < 400 << 20, server.rss()
        deaf.socket.close()
        vanishing = Client(server.port)
        port = vanishing.port
        vanishing.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        vanishing.socket.close()
        wanted = b'{"socket": "disconnected", "port": %d, "address": "127.0.0.1"}' % port
        while second.text() != wanted:
            pass
        drained.terminate()


@check
def one_message_reaches_websocket_nucosmq_and_back():
    with Server() as server:
        while not any(line.startswith("Pocketsocket and the web on ") for line in server.banner):
            server.banner.append(server.process.stdout.readline().decode().rstrip("\n"))
        port = int(server.banner[-1].rsplit(":", 1)[1])
        client = Client(port)
        python = join(original(server.port), "chat")
        client.send('{"id":"0.1","message":"chat.said","data":{"text":"hé"}}')
        # The other client's own messages are heard here as well.
        while not RECEIPT.fullmatch(client.text()):
            pass
        wait_until(lambda: {"text": "hé"} in python.seen, lambda: python.seen)
        python.publish("chat", "answer", [1, None])
        while True:
            message = json.loads(client.text())
            if message.get("message") == "chat.answer":
                break
        expect(message["data"], [1, None])
        assert re.fullmatch(r"0\.[0-9a-v]+", message["id"]), message
        python.close()


main()
