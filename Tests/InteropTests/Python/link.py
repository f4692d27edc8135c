# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Links of the package and of the library."""

from harness import *
from nucosMQ import NucosLink

logging.getLogger("nucosLink").setLevel(logging.CRITICAL)
logging.getLogger("nucosServer").setLevel(logging.CRITICAL)
logging.getLogger("nucosClient").setLevel(logging.CRITICAL)
PEER = Peer().__enter__()


def link(name):
    PEER.do("nq.link.open", name=name)
    PEER.do("nq.link.on", name=name, event="all")


def bind(name):
    port = free_port()
    expect(PEER.do("nq.link.bind", name=name, ip="127.0.0.1", port=port), True)
    return port


def heard(name):
    return PEER.contents("event:all", name)


@check
def an_original_link_connects_to_one_of_the_library():
    link("bound")
    port = bind("bound")
    expect(PEER.do("nq.link.is_connected", name="bound"), False)
    # Waits for the partner.
    early = PEER.ask("nq.link.send", name="bound", event="early", content="waited")
    old = NucosLink()
    expect(old.connect("127.0.0.1", port), True)
    expect(PEER.answer(early)["result"], True)
    got = []
    old.add_event_callback("all", got.append)
    expect(PEER.do("nq.link.is_connected", name="bound"), True)
    expect(old.send("up", {"k": [1, "\u00e9"]}), True)
    wait_until(lambda: {"k": [1, "\u00e9"]} in heard("bound"), lambda: heard("bound"))
    expect(PEER.do("nq.link.send", name="bound", event="down", content=["x_EOM_y"]), True)
    wait_until(lambda: ["x_EOM_y"] in got, lambda: got)
    expect(old.ping(), True)
    expect(PEER.do("nq.link.ping", name="bound"), True)
    with Raw(port) as third:
        assert third.ended()
    expect(PEER.do("nq.link.bind", name="bound", ip="127.0.0.1", port=free_port()), False)
    expect(PEER.do("nq.link.connect", name="bound", ip="127.0.0.1", port=port), False)
    old.close()
    wait_until(lambda: not PEER.do("nq.link.is_connected", name="bound"), "the partner to leave")
    # The next may come.
    link("next")
    expect(PEER.do("nq.link.connect", name="next", ip="127.0.0.1", port=port), True)
    expect(PEER.do("nq.link.ping", name="next"), True)
    expect(PEER.do("nq.link.send", name="bound", event="down", content="for the next"), True)
    wait_until(lambda: "for the next" in heard("next"), lambda: heard("next"))
    PEER.do("nq.link.close", name="bound")
    PEER.do("nq.link.close", name="bound")
    wait_until(lambda: not PEER.do("nq.link.is_connected", name="next"), "the end of the bound side")
    expect(PEER.do("nq.link.send", name="next", event="up", content=1), False)


@check
def a_link_of_the_library_connects_to_an_original_one():
    old = NucosLink()
    port = free_port()
    expect(old.bind("127.0.0.1", port), True)
    got = []
    old.add_event_callback("all", got.append)
    link("connected")
    expect(PEER.do("nq.link.connect", name="connected", ip="127.0.0.1", port=port), True)
    expect(PEER.do("nq.link.is_connected", name="connected"), True)
    expect(PEER.do("nq.link.send", name="connected", event="up", content={"text": "\U0001F514"}), True)
    wait_until(lambda: {"text": "\U0001F514"} in got, lambda: got)
    expect(old.send("down", [1, 2]), True)
    wait_until(lambda: [1, 2] in heard("connected"), lambda: heard("connected"))
    expect(PEER.do("nq.link.ping", name="connected"), True)
    expect(old.ping(), True)
    start = time.monotonic()
    PEER.do("nq.link.close", name="connected")
    assert time.monotonic() - start < 3
    expect(PEER.do("nq.link.is_connected", name="connected"), False)


@check
def what_cannot_be_is_false():
    link("alone")
    expect(PEER.do("nq.link.is_connected", name="alone"), False)
    expect(PEER.do("nq.link.send", name="alone", event="e", content=1), False)
    expect(PEER.do("nq.link.ping", name="alone"), False)
    expect(PEER.do("nq.link.connect", name="alone", ip="127.0.0.1", port=free_port()), False)
    port = bind("alone")
    link("late")
    expect(PEER.do("nq.link.bind", name="late", ip="127.0.0.1", port=port), False)
    start = time.monotonic()
    expect(PEER.do("nq.link.send", name="alone", event="e", content=1), False)
    assert 4 < time.monotonic() - start < 8


main()
