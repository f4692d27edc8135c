# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A subscriber that never reads, with a million messages published past it (a quarter of that without --full)."""

import select

from harness import *

COUNT = 1_000_000 if OPTIONS.full else 250_000
BLOCK = 5_000
WINDOW = 4 * BLOCK
MIB = 1 << 20
# Every block is the same, so that nothing but the server is slow; offsets tell the blocks apart.
FRAME = b'{"data": {"event": "n", "content": "%07d' + b"." * 121 + b'", "room": "past"}}_EOM_'
WHOLE_BLOCK = b"".join([FRAME % number for number in range(BLOCK)])


class Reader:
    """Reads what a member gets, and compares it byte by byte with what was published."""

    def __init__(self, raw):
        self.raw, self.received, self.wanted = raw, 0, WHOLE_BLOCK * 8

    def read(self):
        bytes_ = self.raw.socket.recv(1 << 20)
        assert bytes_, "closed after %d bytes" % self.received
        if not self.wanted.startswith(bytes_, self.received % len(WHOLE_BLOCK)):
            raise AssertionError("not what was published, after %d bytes" % self.received)
        self.received += len(bytes_)


def publish(server, publisher, reader):
    """Publishes as far as both have read; returns the server's largest memory."""
    size, rss = len(FRAME % 0), 0
    queued, sent = memoryview(b""), 0
    sockets = {publisher.raw.socket: publisher, reader.raw.socket: reader}
    for one in sockets:
        one.setblocking(False)
    while min(publisher.received, reader.received) < COUNT * size:
        done = min(publisher.received, reader.received) // size
        if not queued and sent < COUNT and sent - done < WINDOW:
            queued, sent = memoryview(WHOLE_BLOCK), sent + BLOCK
            rss = max(rss, server.rss())
        readable, writable, _ = select.select(sockets, [publisher.raw.socket] if queued else [], [], 10)
        assert readable or writable, "nothing moved for 10 s, at %d of %d" % (done, COUNT)
        if writable:
            queued = queued[publisher.raw.socket.send(queued):]
        for one in readable:
            sockets[one].read()
    return rss


@check
def a_subscriber_that_never_reads_harms_nobody_and_learns_what_it_lost():
    with Server() as server:
        slow = Raw(server.port, receive_buffer=4096).join("past")
        publisher = Raw(server.port).join("past")
        reader = Raw(server.port).join("past")
        # Who came first saw who came later: the offset of the first numbered message is 3.
        expect(publisher.next()["event"], "joined")
        before = server.rss()
        highest = publish(server, Reader(publisher), Reader(reader))
        grown = highest - before
        assert grown < 64 * MIB, "grown by %d MiB" % (grown // MIB)
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        expect([slow.next()["event"], slow.next()["event"]], ["joined", "joined"])
        next_, lost, gaps = 0, 0, 0
        while next_ < COUNT:
            message = slow.next()
            assert message, "closed at %d" % next_
            expect(message["room"], "past")
            if message["event"] == "gap":
                content = message["content"]
                expect(content["from"], next_ + 3)
                assert content["to"] > content["from"], content
                lost += content["to"] - content["from"]
                next_ = content["to"] - 3
                gaps += 1
                continue
            expect(message["content"][:7], "%07d" % (next_ % BLOCK))
            next_ += 1
        assert lost > COUNT / 2, "lost only %d" % lost
        healthy(server.port)
        cpu = server.cpu()
        expect(server.stop(), 0)
        return "%d messages, lost %d in %d gap(s), memory grew by %.1f MiB, %.1f s of server" % (
            COUNT, lost, gaps, grown / MIB, cpu)


main()
