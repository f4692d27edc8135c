# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""What comes from outside may be anything: each case ends one connection at most, and the others still talk."""

from harness import *

SERVER = Server()
PORT = SERVER.port
MIB = 1 << 20


def survives(case, logged=None):
    """The same connection goes on after the bytes; two others talk; the log says why."""
    with Raw(PORT) as raw:
        raw.join("bad input")
        raw.send(*case)
        raw.send(frame("ping", ""))
        expect(raw.until("pong"), {"event": "pong", "content": ""})
    if logged:
        wait_until(lambda: logged in SERVER.log(), lambda: SERVER.log()[-2000:])
    healthy(PORT)


@check
def broken_utf_8_is_skipped():
    survives([b'{"data": {"event": "x", "content": "\xff\xfe\xc3"}}_EOM_'], "malformed")


@check
def what_is_no_json_is_skipped():
    survives([b"hello_EOM_", b"_EOM__EOM_", b'{"data": {"event": "x", "content": 01}}_EOM_', b'{"data": {"event_EOM_',
              b'{"data": {"event": "x", "content": "\x00"}}_EOM_', b"\x00\x01\x02_EOM_", b"null_EOM_", b"[]_EOM_"])


@check
def missing_keys_are_skipped():
    survives([b"{}_EOM_", b'{"data": {}}_EOM_', b'{"data": 1}_EOM_', b'{"data": {"event": "x"}}_EOM_',
              b'{"data": {"content": 1}}_EOM_', b'{"data": {"event": [], "content": 1, "room": {}}}_EOM_'], "malformed")


@check
def deep_json_is_skipped():
    for depth in (10_000, 1_000_000):
        deep = b"[" * depth + b"]" * depth
        survives([b'{"data": {"event": "x", "content": ' + deep + b', "room": "bad input"}}_EOM_'], "malformed")
        survives([b'{"a":' * depth + b"_EOM_"])


@check
def reserved_events_may_be_strange():
    survives([frame("subscripe", {"not": "a text"}), frame("subscripe", ""), frame("subscripe", "x" * 10_000),
              frame("pong", ""), frame("shutdown", "whatever"), frame("auth_final", "success"), frame("uid", "x"),
              frame("shutdown", "now", "bad input"), frame("x", 1, "n" * 100_000)], "dropped")


@check
def a_wrong_delimiter_is_bounded():
    before = SERVER.rss()
    with Raw(PORT) as raw:
        block = b'{"data": {"event": "x", "content": "y"}}_EOF_' * 20_000
        try:
            for _ in range(40):
                raw.send(block)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert raw.ended()
    wait_until(lambda: "maxFrameBytes" in SERVER.log(), lambda: SERVER.log()[-2000:])
    healthy(PORT)
    return "%.1f MiB more" % ((SERVER.rss() - before) / MIB)


@check
def a_message_past_the_limit_closes_its_connection():
    count = SERVER.log().count("maxFrameBytes")
    for tail in (b"", b'"}}_EOM_'):
        with Raw(PORT) as raw:
            try:
                raw.send(b'{"data": {"event": "x", "content": "' + b"y" * (17 * MIB) + tail)
            except (ConnectionResetError, BrokenPipeError):
                pass
            assert raw.ended()
    wait_until(lambda: SERVER.log().count("maxFrameBytes") == count + 2, lambda: SERVER.log()[-2000:])
    healthy(PORT)


@check
def a_message_below_the_limit_goes_through():
    content = "z" * (12 * MIB)
    with Raw(PORT) as raw:
        raw.join("huge")
        raw.send(frame("huge", content, "huge"))
        expect(raw.until("huge")["content"] == content, True)


@check
def a_million_rooms_of_one_client_cost_nothing():
    count = 1_000_000 if OPTIONS.full else 100_000
    with Raw(PORT) as raw:
        raw.send(frame("ping", ""))
        raw.until("pong")
        before = SERVER.rss()
        for start in range(0, count, 10_000):
            raw.send(*[b'{"data": {"event": "subscripe", "content": "room-%d"}}_EOM_' % number
                       for number in range(start, start + 10_000)])
        raw.send(frame("out", 1, "room-%d" % (count - 1)), frame("in", 1, "room-127"), frame("ping", ""))
        # A room may be at home on another loop than the connection: nothing says which of the two comes first.
        expect(sorted(message["event"] for message in (raw.next(60), raw.next(60))), ["in", "pong"])
        grown = SERVER.rss() - before
        assert grown < 32 * MIB, grown
        assert "tooManyRooms" in SERVER.log() or "rooms" in SERVER.log()
        assert len(SERVER.log()) < MIB, "the log has %d bytes" % len(SERVER.log())
    healthy(PORT)
    return "%.1f MiB more" % (grown / MIB)


@check
def a_flood_of_rubbish_does_not_fill_the_log():
    before = len(SERVER.log())
    survives([b"rubbish_EOM_" * 30_000, frame("x", 1, "not mine") * 30_000, frame("shutdown", "x") * 30_000])
    grown = len(SERVER.log()) - before
    assert grown < MIB // 4, "%d bytes of log" % grown
    return "%d KiB of log" % (grown >> 10)


@check
def half_open_connections_leave_the_others_alone():
    descriptors = lambda: len(os.listdir("/proc/%d/fd" % SERVER.pid))
    wait_until(lambda: descriptors() < 40, lambda: "descriptors to come back: %d" % descriptors())
    before = descriptors()
    halves = []
    for _ in range(50):
        raw = Raw(PORT)
        raw.send(frame("x", "y")[:20])
        raw.socket.shutdown(socket.SHUT_WR)
        halves.append(raw)
    healthy(PORT)
    for raw in halves:
        assert raw.ended()
        raw.socket.close()
    wait_until(lambda: descriptors() <= before, lambda: "descriptors: %d of %d" % (descriptors(), before))


@check
def three_hundred_idle_connections_are_no_burden():
    with Raw(PORT) as warm:
        warm.join("idle")
        before = SERVER.rss()
        idle = [Raw(PORT) for _ in range(300)]
        healthy(PORT)
        for raw in idle:
            raw.send(frame("ping", ""))
        for raw in idle:
            assert raw.until("pong")
        grown = SERVER.rss() - before
        for raw in idle:
            raw.socket.close()
    assert grown < 8 * MIB, grown
    healthy(PORT)
    return "%.1f KiB each" % (grown / 300 / 1024)


@check
def a_stranger_cannot_slip_into_a_private_room():
    # Subscribes and publishes in one segment: the answer of a room at home on another loop is not there yet.
    with Peer() as peer:
        port = peer.server("private", auth=True, challenge=1, signature=2)

        def enter(uid):
            raw = Raw(port)
            raw.until("start_auth")
            raw.send(frame("uid", uid))
            raw.until("challenge_auth")
            raw.send(frame("signature", 2))
            expect(raw.until("auth_final")["content"], "success")
            return raw

        owners = [enter("owner%d" % number) for number in range(8)]
        for number in range(8):
            with enter("stranger%d" % number) as stranger:
                stranger.send(*[frame("subscripe", "owner%d" % n) + frame("spy", number, "owner%d" % n)
                                for n in range(8)], frame("ping", ""))
                assert stranger.until("pong")
        # A member of a room that becomes private is one no more.
        early = enter("early")
        early.send(frame("subscripe", "newcomer"), frame("mine", 1, "newcomer"))
        expect(early.until("mine")["content"], 1)
        owners.append(enter("newcomer"))
        early.send(frame("spy", 1, "newcomer"), frame("ping", ""))
        assert early.until("pong")
        for number, owner in enumerate(owners[:8]):
            peer.do("nq.server.publish", name="private", room="owner%d" % number, event="end", content=number)
            expect(owner.next(), {"event": "end", "content": number, "room": "owner%d" % number})
        peer.do("nq.server.publish", name="private", room="newcomer", event="end", content=0)
        expect(owners[8].next(), {"event": "end", "content": 0, "room": "newcomer"})


@check
def the_server_has_outlived_it_all():
    expect(SERVER.stop(), 0)
    for line in SERVER.log().splitlines():
        assert "fatal" not in line.lower(), line


main()
