# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""What the MissionCommander scripts share: the library's side, driven through the interop peer."""

from harness import *
from missioncommander_peer import Acceptor, Client, Server as OriginalServer, Wire, frame, header, new_id

VERBS = ("connect", "disconnect", "reconnect", "message", "servershutdown", "statechange")
CONNECTED, RECONNECTING, IDLE, ENDED = 38, 150, 8, 10


class Driver(Peer):
    """`belfry-interop-peer missioncommander`."""

    def __init__(self):
        super().__init__("missioncommander")

    def server(self, name, port=None, interface="127.0.0.1"):
        """Opens and starts a server; returns its port."""
        port = port or free_port()
        self.do("mc.server.open", name=name, interface=interface, port=port)
        expect(self.do("mc.server.start", name=name), True)
        return port

    def server_again(self, name, port):
        """The same, where a process has just been killed: the kernel takes its ring apart later, and the listener."""
        self.do("mc.server.open", name=name, interface="127.0.0.1", port=port)
        wait_until(lambda: self.answer(self.ask("mc.server.start", name=name)).get("result"), self.log)

    def send(self, name, to, subject, payload):
        return self.do("mc.server.send", name=name, to=to, subject=subject, payload=payload)

    def client(self, name, port, verbs=VERBS, **fields):
        """Opens a client that hears everything; its id is its name."""
        fields = dict({"address": "127.0.0.1", "client_id": name}, **fields)
        self.do("mc.client.open", name=name, port=port, **fields)
        for verb in verbs:
            self.do("mc.client.subscribe", name=name, verb=verb)
        return name

    def connected(self, name, port, **fields):
        """The same, connected."""
        self.client(name, port, **fields)
        expect(self.do("mc.client.connect", name=name), True)
        wait_until(lambda: self.state(name) == CONNECTED, lambda: "a connection, not %s" % self.state(name))
        return name

    def state(self, name):
        return self.do("mc.client.state", name=name)

    def fails(self, op, **fields):
        """The text of the error that this gives."""
        answer = self.answer(self.ask(op, **fields))
        if "error" not in answer:
            raise AssertionError("%s %s gave %r and no error" % (op, fields, answer["result"]))
        return answer["error"]

    def heard(self, name, verb=None):
        """The events of a client, in order."""
        return [event for event in list(self.events) if event["name"] == name and verb in (None, event["verb"])]

    def verbs(self, name):
        return [event["verb"] for event in self.heard(name) if event["verb"] != "statechange"]

    def states(self, name):
        """The states that the client says it went through."""
        changes = self.heard(name, "statechange")
        for before, after in zip(changes, changes[1:]):
            expect(after["from"], before["to"])
        return [changes[0]["from"]] + [change["to"] for change in changes] if changes else []

    def tells(self, name, verbs):
        """Waits until a client has told just that: an answer may be here before the events that belong to it."""
        wait_until(lambda: self.verbs(name) == verbs, lambda: "%s, not %s" % (verbs, self.verbs(name)))

    def went_through(self, name, states):
        wait_until(lambda: self.states(name) == states, lambda: "%s, not %s" % (states, self.states(name)))

    def messages(self, name, subject=None):
        return [event["payload"] for event in self.heard(name, "message") if subject in (None, event["subject"])]

    def knows(self, name, client_id):
        """Waits until the server has taken a client's negotiation, and knows it by a message of no meaning."""
        wait_until(lambda: self.send(name, client_id, "known", {}), "the server to know " + client_id)
        return client_id


def connections(port):
    """How many sockets a server on this port has open, those included whose other end has gone."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(int(row[1].split(":")[1], 16) == port and row[3] in ("01", "08") for row in rows)


def joined(driver, name, port, client_id=None, **fields):
    """An original client that the server knows."""
    client = Client("127.0.0.1", port, client_id or new_id(), **fields)
    client.connect()
    driver.knows(name, client.client_id)
    return client


def wire(driver, name, port, client_id):
    """A bare connection that the server knows; what told us so is read."""
    connection = Wire(port).negotiate(client_id)
    driver.knows(name, client_id)
    expect(connection.next(), ("known", {}))
    return connection
