# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A MissionCommander client and server with the clockwork of the original, written from the specification alone.

Nothing here is shared with the project, so that a test sees what an old program would see: one thread per connection
that tries to receive one frame (1.0 s time-out) and then sends at most one; header and body in two writes; framing lost
by a pause of a second inside a header; the receive thread ended by one inside a body; `shutdown` lost behind queued
frames; a link that breaks for a client whose server closes at once.

Left out, because it would only hang a test: the accept loop that dies. Only if asked for (`faulty_takeover`): a known
id is thrown out after a second. Callbacks do not run in threads of their own: `received` is in the order of the wire.

`Wire` is a bare socket for bytes as they are written in the specification.
"""

import json
import random
import socket
import string
import struct
import threading
import time
from collections import deque

HEADER = 64
TICK = 1.0
NEGOTIATION = 5.0


def header(length, subject):
    """Exactly as the original writes it; a subject that is too long makes more than 64 bytes."""
    return json.dumps({"length": length, "subject": subject}).encode().ljust(HEADER, b"\0")


def frame(subject, payload):
    body = json.dumps(payload).encode()
    return header(len(body), subject) + body


def new_id():
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(16))


class Lost(Exception):
    """The connection has ended or cannot be used any more."""


class Stalled(Exception):
    """A pause of a second inside a body: the thread ends and the socket stays open."""


class Link(threading.Thread):
    """One connection: receive at most one frame, send at most one, again."""

    def __init__(self, connection, outgoing=None):
        super().__init__(daemon=True)
        self.socket = connection
        self.outgoing = outgoing if outgoing is not None else deque()
        self.running = True
        self.reports = []

    # What a subclass may do.
    def took(self, subject, payload):
        pass

    def broken(self):
        """The other side has gone."""

    def left(self):
        """The loop was told to end."""

    def run(self):
        try:
            while self.running:
                received = self.receive()
                if received:
                    self.took(*received)
                self.send_one()
        except Stalled:
            self.reports.append("stalled inside a body")
            return self.stalled()
        except (Lost, OSError, UnicodeDecodeError) as error:
            self.reports.append(repr(error))
            if self.running:
                self.running = False
                self.socket.close()
                return self.broken()
        self.socket.close()
        self.left()

    def stalled(self):
        self.running = False

    def receive(self):
        head = b""
        self.socket.settimeout(TICK)
        try:
            while len(head) < HEADER:
                part = self.socket.recv(HEADER - len(head))
                if not part:
                    raise Lost("end of stream")
                head += part
        except socket.timeout:
            if head:
                self.reports.append("lost framing: %r" % head)
            return None
        text = head.decode().replace("\0", "")
        try:
            fields = json.loads(text)
            length, subject = fields["length"], fields["subject"]
        except (ValueError, KeyError, TypeError):
            self.reports.append("no header: %r" % text)
            return None
        body = b""
        try:
            while len(body) < length:
                part = self.socket.recv(min(2048, length - len(body)))
                if not part:
                    raise Lost("end of stream inside a body")
                body += part
        except socket.timeout:
            raise Stalled()
        try:
            return subject, json.loads(body.decode())
        except ValueError:
            self.reports.append("no body: %.100r" % body)
            return None

    def send_one(self):
        try:
            subject, payload = self.outgoing.popleft()
        except IndexError:
            return
        body = json.dumps(payload).encode()
        self.socket.settimeout(TICK)
        try:
            self.socket.sendall(header(len(body), subject))
            self.socket.sendall(body)
        except socket.timeout:
            self.reports.append("blocked for a second")
            self.outgoing.appendleft((subject, payload))

    def reset(self):
        """Ends the connection the hard way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.running = False
        self.socket.close()


class Client:
    """The original's client. `events` has what its callbacks would be told, `received` the messages."""

    def __init__(self, address, port, client_id=None, attempt_reconnect=True):
        self.address, self.port = address, port
        self.client_id = client_id or new_id()
        self.attempt_reconnect = attempt_reconnect
        self.events, self.received = [], []
        self.link, self.connected = None, False

    def messages(self, subject=None):
        return [payload for name, payload in list(self.received) if subject in (None, name)]

    def connect(self):
        """True even if nobody listens: then it reconnects."""
        try:
            self._join()
        except OSError:
            self.events.append("connect")
            threading.Thread(target=self._reconnect, daemon=True).start()
            return True
        self.events.append("connect")
        return True

    def disconnect(self):
        """About a second: the thread waits for a frame before it says `shutdown`."""
        self.events.append("disconnect")
        self.attempt_reconnect = False
        if not self.connected:
            return False
        link = self.link
        link.outgoing.append(("shutdown", {}))
        link.running = False
        link.join(4 * TICK)
        self.connected = False
        return True

    def send(self, subject, payload):
        """Not in the original: what ours adds."""
        self.link.outgoing.append((subject, payload))

    def _join(self):
        connection = socket.socket()
        connection.settimeout(TICK)
        try:
            connection.connect((self.address, self.port))
        except OSError:
            connection.close()
            raise
        link = Link(connection)
        link.outgoing.append(("negotiation", {"id": self.client_id}))
        link.took, link.broken = self._took, self._broken
        link.stalled = self._broken
        self.link, self.connected = link, True
        link.start()

    def _took(self, subject, payload):
        if subject == "shutdown":
            # Noticed by another thread a moment later; the end of the stream must not be here before.
            threading.Timer(0.1, self._server_stops).start()
        else:
            self.received.append((subject, payload))

    def _server_stops(self):
        if not self.link.running:
            return
        self.events.append("servershutdown")
        self.attempt_reconnect = False
        self.connected = False
        self.link.running = False

    def _broken(self):
        self.connected = False
        self.events.append("broken")
        if self.attempt_reconnect:
            self._reconnect()

    def _reconnect(self):
        pause = 0.1
        while self.attempt_reconnect:
            time.sleep(pause)
            pause = min(pause * 2, 15)
            try:
                self._join()
                self.events.append("reconnect")
                return
            except OSError:
                continue


class Server:
    """The original's server: one thread accepts and negotiates, one per id receives and sends."""

    def __init__(self, port=0, faulty_takeover=False, backlog=5):
        self.faulty_takeover = faulty_takeover
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.handlers, self.received, self.accepted, self.ids = {}, [], [], []
        self.running = True
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def send(self, to, subject, payload):
        targets = list(self.handlers) if to == "*" else [to]
        if any(target not in self.handlers for target in targets):
            return False
        for target in targets:
            self.handlers[target].outgoing.append((subject, payload))
        return True

    def is_connected(self, client_id):
        handler = self.handlers.get(client_id)
        return handler is not None and handler.is_alive()

    def stop(self):
        """`shutdown` for one after the other, behind what is queued: with a frame before it, it is lost."""
        self.running = False
        self.thread.join(4 * TICK)
        self.listener.close()
        for handler in list(self.handlers.values()):
            handler.outgoing.append(("shutdown", {}))
            handler.running = False
            handler.join(2 * TICK)

    def crash(self):
        """Gone without a word."""
        self.running = False
        self.listener.close()
        for handler in list(self.handlers.values()):
            handler.reset()

    def _accept(self):
        self.listener.settimeout(TICK)
        while self.running:
            try:
                connection, address = self.listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            self.accepted.append(time.monotonic())
            try:
                self._negotiate(connection)
            except (Lost, Stalled, OSError, ValueError):
                connection.close()

    def _negotiate(self, connection):
        """Nobody else is accepted meanwhile."""
        asking = Link(connection)
        deadline = time.monotonic() + NEGOTIATION
        received = None
        while not received:
            if time.monotonic() > deadline or not self.running:
                raise Lost("no negotiation")
            received = asking.receive()
        subject, payload = received
        if subject != "negotiation" or not isinstance(payload, dict) or not payload.get("id"):
            raise Lost("not a negotiation: %r" % (received,))
        client_id = payload["id"]
        self.ids.append(client_id)
        old = self.handlers.get(client_id)
        handler = Link(connection, old.outgoing if old else None)
        handler.took = lambda subject, payload: self.received.append((client_id, subject, payload))
        self.handlers[client_id] = handler
        handler.start()
        if old and self.faulty_takeover:
            threading.Timer(TICK, connection.shutdown, [socket.SHUT_RDWR]).start()


class Wire:
    """A socket that sends and reads bytes as they are."""

    def __init__(self, port=None, connection=None, receive_buffer=None):
        self.socket = connection or socket.socket()
        self.socket.settimeout(15)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if port is not None:
            self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part)

    def read(self, count):
        """Exactly so many bytes, fewer only at the end of the stream."""
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                break
            data += part
        return data

    def next(self):
        """The next frame, taken apart; None at the end of the stream."""
        head = self.read(HEADER)
        if not head:
            return None
        fields = json.loads(head.decode().replace("\0", ""))
        return fields["subject"], json.loads(self.read(fields["length"]).decode())

    def negotiate(self, client_id):
        self.send(frame("negotiation", {"id": client_id}))
        return self

    def until(self, subject):
        """Skips to the next frame with this subject; None at the end of the stream."""
        while True:
            received = self.next()
            if received is None or received[0] == subject:
                return received

    def ended(self):
        """Reads to the end of the stream; a reset is one as well, nothing for 15 s is not."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        return True


class Acceptor:
    """A listening socket for bare connections: a server that does what the test says and nothing else."""

    def __init__(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.listener.settimeout(15)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self, negotiate=True):
        """The next connection; its negotiation is read unless told otherwise."""
        wire = Wire(connection=self.listener.accept()[0])
        wire.negotiation = wire.next() if negotiate else None
        return wire
