# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Clients of the library at an original server that wants a signature."""

from harness import *


class Authenticator:
    def auth_challenge(self, uid=None):
        return {"nonce": "n-1", "for": uid}

    def auth_final(self, uid=None, signature=None, challenge=None):
        return signature == ["ok", 1]


PEER = Peer().__enter__()
SERVER = original_server(Authenticator)
PORT = SERVER.PORT


def member(name, **fields):
    PEER.client(name, PORT, uid=name, signature=["ok", 1], **fields)
    return SERVER.get_conn(name)


@check
def a_client_that_signs_is_let_in():
    assert member("alice", on=("all", "today"))
    wait_until(lambda: SERVER.seen == ["i am in"], lambda: SERVER.seen)
    expect(PEER.do("nq.client.ping", name="alice"), True)


@check
def what_is_sent_during_the_handshake_arrives_behind_it():
    del SERVER.seen[:]
    PEER.client("bob", PORT, uid="bob", signature=["ok", 1])
    for number in range(5):
        expect(PEER.do("nq.client.send", name="bob", event="early", content=number), True)
    wait_until(lambda: 4 in SERVER.seen, lambda: SERVER.seen)
    expect(SERVER.seen, ["i am in", 0, 1, 2, 3, 4])


@check
def a_message_to_a_uid_reaches_that_client_alone():
    SERVER.publish("alice", "direct", "for alice")
    wait_until(lambda: "for alice" in PEER.contents("event:all", "alice"), "the message")
    SERVER.publish("bob", "direct", "for bob")
    wait_until(lambda: "for bob" in PEER.contents("event:all", "bob"), "the other message")
    assert "for alice" not in PEER.contents("event:all", "bob")
    expect(SERVER.ping(SERVER.get_conn("alice")), True)


@check
def rooms_join_clients_and_call_their_callbacks_first():
    PEER.do("nq.client.on_room", name="alice", room="weather")
    PEER.do("nq.client.on_room_event", name="alice", room="weather", event="today")
    PEER.do("nq.client.on_room_event", name="alice", room="weather", event="tomorrow")
    PEER.do("nq.client.subscripe", name="alice", room="weather")
    PEER.do("nq.client.subscripe", name="bob", room="weather")
    # The server does not say that it has; its ping comes behind.
    PEER.do("nq.client.ping", name="alice")
    PEER.do("nq.client.ping", name="bob")
    mark = len(PEER.events)
    expect(PEER.do("nq.client.publish", name="bob", room="weather", event="today", content="sunny"), True)
    wait_until(lambda: "sunny" in PEER.contents("event:today", "alice"), lambda: PEER.events[mark:])
    wait_until(lambda: "sunny" in PEER.contents("event:all", "bob"), "the sender's own copy")
    expect([event["on"] for event in PEER.events[mark:] if event["name"] == "alice"],
           ["room:weather", "roomevent:weather/today", "event:all", "event:today"])
    SERVER.publish("weather", "rain", {"mm": 3})
    wait_until(lambda: {"mm": 3} in PEER.contents("room:weather", "alice"), "the server's message")


@check
def original_and_library_meet_in_a_room():
    old = original(PORT, "old", ["ok", 1])
    wait_until(lambda: SERVER.get_conn("old"), "the handshake")
    join(old, "weather")
    old.publish("weather", "today", "from the original")
    wait_until(lambda: "from the original" in PEER.contents("room:weather", "alice"), "the original's message")
    PEER.do("nq.client.publish", name="alice", room="weather", event="today", content="from the library")
    wait_until(lambda: "from the library" in old.seen, lambda: old.seen)
    old.close()


@check
def a_client_that_cannot_sign_or_has_no_name_leaves():
    PEER.client("mallory", PORT, uid="mallory", signature="wrong")
    wait_until(lambda: not PEER.do("nq.client.is_connected", name="mallory"), "the refusal")
    for name, fields in (("nobody", {"signature": "x"}), ("mute", {"uid": "mute"})):
        PEER.client(name, PORT, **fields)
        wait_until(lambda: not PEER.do("nq.client.is_connected", name=name), "the end of " + name)
    expect(PEER.do("nq.client.ping", name="mallory"), False)


main()
