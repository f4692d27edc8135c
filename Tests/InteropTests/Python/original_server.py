# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Clients of the library at an original server without authentication."""

from harness import *

PEER = Peer().__enter__()
SERVER = original_server()
PORT = SERVER.PORT


@check
def events_go_both_ways():
    PEER.client("a", PORT, on=("all", "news"))
    content = {"k": [1, 2.5, True, None, "h\u00e9 \U0001F514", "x_EOM_y"]}
    expect(PEER.do("nq.client.send", name="a", event="hello _EOM_", content=content), True)
    wait_until(lambda: content in SERVER.seen, lambda: SERVER.seen)
    SERVER.send_all("news", {"all": ["\u4e16\u754c", 1]})
    wait_until(lambda: PEER.contents("event:news", "a"), "the event at the client")
    expect(PEER.contents("event:news", "a"), [{"all": ["\u4e16\u754c", 1]}])
    expect(PEER.contents("event:all", "a"), PEER.contents("event:news", "a"))


@check
def pings_are_answered_both_ways():
    expect(PEER.do("nq.client.ping", name="a"), True)
    expect(SERVER.ping(SERVER.get_conn("anonymous")), True)
    expect(PEER.contents("event:all", "a"), PEER.contents("event:news", "a"))


@check
def a_hundred_events_arrive_in_order():
    del SERVER.seen[:]
    for number in range(100):
        PEER.ask("nq.client.send", name="a", event="n", content=number)
    wait_until(lambda: 99 in SERVER.seen, lambda: SERVER.seen)
    expect(SERVER.seen, list(range(100)))
    before = len(PEER.contents("event:all", "a"))
    for number in range(100):
        SERVER.send_all("n", number)
    wait_until(lambda: len(PEER.contents("event:all", "a")) == before + 100, "100 events at the client")
    expect(PEER.contents("event:all", "a")[before:], list(range(100)))


@check
def a_large_message_goes_both_ways():
    content = "".join("%07d " % number for number in range(37_500))
    arrives(lambda: PEER.do("nq.client.send", name="a", event="up", content=content)
            and PEER.do("nq.client.send", name="a", event="resynchronise", content=""), content, SERVER)
    SERVER.send_all("down", content)
    wait_until(lambda: content in PEER.contents("event:all", "a"), "300 kB at the client")


@check
def a_client_closes_in_order_and_starts_again():
    start = time.monotonic()
    PEER.do("nq.client.close", name="a")
    assert time.monotonic() - start < 3
    expect(PEER.do("nq.client.is_connected", name="a"), False)
    expect(PEER.do("nq.client.send", name="a", event="late", content=1), False)
    expect(PEER.do("nq.client.ping", name="a"), False)
    PEER.do("nq.client.start", name="a")
    expect(PEER.do("nq.client.is_connected", name="a"), True)
    PEER.do("nq.client.send", name="a", event="again", content="back")
    wait_until(lambda: "back" in SERVER.seen, lambda: SERVER.seen)


@check
def a_server_that_closes_is_answered_and_left():
    start = time.monotonic()
    SERVER.close()
    assert time.monotonic() - start < 5, "close() of the original waited for the client"
    wait_until(lambda: not PEER.do("nq.client.is_connected", name="a"), "the client to leave")


@check
def nobody_to_connect_to_is_an_error():
    PEER.client("b", free_port(), start=False)
    assert "refused" in PEER.answer(PEER.ask("nq.client.start", name="b"))["error"]
    expect(PEER.do("nq.client.is_connected", name="b"), False)


main()
