# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Original clients against a server of the library, driven through the interop peer."""

from harness import *

PEER = Peer().__enter__()
OPEN = PEER.server("open")
AUTH = PEER.server("auth", on=("all", "hello", "thanks"), auth=True, challenge={"nonce": "n-1"}, signature=["ok", 1])


def member(uid, start=True):
    client = original(AUTH, uid, ["ok", 1], start)
    if start:
        wait_until(lambda: uid_is_in(uid), "the handshake of " + uid)
    return client


def uid_is_in(uid):
    return PEER.do("nq.server.ping", name="auth", uid=uid)


@check
def a_client_that_signs_is_let_in():
    client = original(AUTH, "alice", ["ok", 1])
    wait_until(lambda: "i am in" in PEER.contents("event:thanks", "auth"), "thanks")
    expect(PEER.contents("event:all", "auth").count("i am in"), 1)
    expect(client.ping(), True)
    client.close()


@check
def a_client_that_cannot_sign_is_refused():
    client = original(AUTH, "mallory", "wrong")
    wait_until(lambda: not client.is_connected(), "the refusal")
    anonymous = original(AUTH, "anonymous", ["ok", 1])
    wait_until(lambda: not anonymous.is_connected(), "anonymous to be refused")


@check
def a_message_to_a_uid_reaches_that_client_alone():
    alice, bob = in_parallel(lambda: member("alice"), lambda: member("bob"))
    PEER.do("nq.server.publish", name="auth", room="alice", event="direct", content={"to": "alice \U0001F514"})
    wait_until(lambda: {"to": "alice \U0001F514"} in alice.seen, lambda: alice.seen)
    # A private room is its owner's: nobody else subscribes to it or publishes there.
    bob.subscripe("alice")
    bob.publish("alice", "spy", "from bob")
    alice.publish("alice", "note", "to self")
    wait_until(lambda: "to self" in alice.seen, lambda: alice.seen)
    expect(bob.ping(), True)
    PEER.do("nq.server.publish", name="auth", room="alice", event="direct", content="last")
    wait_until(lambda: "last" in alice.seen, lambda: alice.seen)
    assert "from bob" not in alice.seen, alice.seen
    expect(bob.seen, [])
    in_parallel(alice.close, bob.close)


@check
def the_server_hears_events_and_sends_to_all():
    alice, bob = in_parallel(lambda: member("alice"), lambda: member("bob"))
    content = {"k": [1, 2.5, True, None, "hé \U0001F514"]}
    alice.send("hello", content)
    alice.send("hullo", "other")
    wait_until(lambda: "other" in PEER.contents("event:all", "auth"), "events at the server")
    expect(PEER.contents("event:hello", "auth"), [content])
    PEER.do("nq.server.send_all", name="auth", event="bcast", content=[1, 2])
    for client in (alice, bob):
        wait_until(lambda: [1, 2] in client.seen, lambda: client.seen)
    join(alice, "weather")
    PEER.do("nq.server.publish", name="auth", room="weather", event="today", content="sunny, x_EOM_y")
    wait_until(lambda: "sunny, x_EOM_y" in alice.seen, lambda: alice.seen)
    assert "sunny, x_EOM_y" not in bob.seen
    expect(PEER.do("nq.server.ping", name="auth", uid="alice"), True)
    in_parallel(alice.close, bob.close)


@check
def a_megabyte_goes_both_ways():
    client = original(OPEN)
    join(client, "large")
    content = {"text": "".join("%07d " % number for number in range(131_072))}
    class Heard:
        @property
        def seen(self):
            return PEER.contents(name="open")

    arrives(lambda: client.send("up", content) and client.send("resynchronise", ""), content, Heard())
    arrives(lambda: PEER.do("nq.server.publish", name="open", room="large", event="down", content=content),
            content, client)
    client.close()


@check
def the_later_of_two_with_one_uid_has_the_name():
    first = member("twin")
    watcher = Raw(AUTH)
    second = member("twin", start=False)
    second.start()
    wait_until(lambda: not first.is_connected(), "the first to be closed")
    expect(second.is_connected(), True)
    PEER.do("nq.server.publish", name="auth", room="twin", event="direct", content="for the second")
    wait_until(lambda: "for the second" in second.seen, lambda: (second.seen, PEER.log()[-1000:]))
    expect(PEER.do("nq.server.ping", name="auth", uid="twin"), True)
    watcher.socket.close()
    second.close()


@check
def servers_of_one_process_do_not_mix():
    other = PEER.server("other")
    here, there = in_parallel(lambda: original(OPEN), lambda: original(other))
    join(here, "same name")
    join(there, "same name")
    here.publish("same name", "m", "here")
    here.send("e", "only open")
    PEER.do("nq.server.send_all", name="other", event="a", content="other's")
    wait_until(lambda: "other's" in there.seen, lambda: there.seen)
    wait_until(lambda: "here" in here.seen, lambda: here.seen)
    wait_until(lambda: "only open" in PEER.contents(name="open"), "the event")
    expect(there.ping(), True)
    assert "here" not in there.seen and "other's" not in here.seen
    assert "only open" not in PEER.contents(name="other")
    in_parallel(here.close, there.close)


@check
def a_single_server_takes_one_client_at_a_time():
    port = PEER.server("single", single=True)
    with Raw(port) as first:
        first.send(frame("ping", ""))
        expect(first.next(), {"event": "pong", "content": ""})
        with Raw(port) as second:
            assert second.ended()
    def comes_in():
        with Raw(port) as third:
            third.send(frame("ping", ""))
            try:
                return third.next()
            except ConnectionResetError:
                return None
    wait_until(comes_in, "the next client after the first has left")


@check
def a_closed_server_starts_again():
    port = PEER.server("again")
    client = original(port)
    PEER.do("nq.server.close", name="again")
    wait_until(lambda: not client.is_connected(), "the client to notice")
    PEER.do("nq.server.start", name="again")
    client.start()
    join(client, "again")
    client.send("e", "after the restart")
    wait_until(lambda: "after the restart" in PEER.contents(name="again"), "the event")
    client.close()


@check
def requests_run_side_by_side_and_errors_are_told():
    with Raw(AUTH) as silent:
        silent.send(frame("uid", "silent"), frame("signature", ["ok", 1]))
        silent.until("auth_final")
        slow = PEER.ask("nq.server.ping", name="auth", uid="silent")
        silent.until("ping")
        quick = PEER.ask("nq.server.send_all", name="auth", event="x", content=None)
        expect(PEER.answer(quick)["result"], None)
        assert slow not in PEER.answers
        for op in ("nq.client.start", "nq.link.bind", "nq.udp.start"):
            assert "is named 'c'" in PEER.answer(PEER.ask(op, name="c"))["error"]
        assert "unknown op" in PEER.answer(PEER.ask("nq.server.dance", name="auth"))["error"]
        assert "no server" in PEER.answer(PEER.ask("nq.server.start", name="nobody"))["error"]
        taken = PEER.answer(PEER.ask("nq.server.open", name="taken", ip="127.0.0.1", port=AUTH))
        expect(taken["result"], None)
        assert "in use" in PEER.answer(PEER.ask("nq.server.start", name="taken"))["error"].lower()
        assert slow not in PEER.answers
    expect(PEER.answer(slow)["result"], False)


@check
def end_of_input_ends_the_program():
    PEER.process.stdin.close()
    expect(PEER.process.wait(5), 0)


main()
