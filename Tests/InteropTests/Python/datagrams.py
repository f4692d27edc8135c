# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""nucosMQ over UDP, between the package and the library."""

from harness import *
from nucosMQ import NucosClientUDP

logging.getLogger("nucosClientUDP").setLevel(logging.ERROR)
PEER = Peer().__enter__()


def heard(name):
    return PEER.contents("event:all", name)


@check
def an_original_client_reaches_a_server_of_the_library():
    port = PEER.server("s", udp=True, on=("all", "hello"))
    old = NucosClientUDP("127.0.0.1", port)
    old.start()
    for number in range(20):
        old.send("hello", {"number": number, "text": "h\u00e9"})
    wait_until(lambda: len(heard("s")) == 20, lambda: heard("s"))
    expect(heard("s"), [{"number": number, "text": "h\u00e9"} for number in range(20)])
    expect(PEER.contents("event:hello", "s"), heard("s"))


@check
def every_message_of_a_datagram_counts_and_nothing_is_carried_over():
    port = PEER.server("t", udp=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        for datagram in (
            b"", b"x", b"no json_EOM_", frame("cut", 1)[:-2], b"_EOM_", b"\xff" * 2_000,
            frame("a", 1) + b"junk_EOM_" + frame("b", 2, "room") + frame("cut", 3)[:-5],
            frame("ping", "as an event"), frame("shutdown", "now"), frame("large", "x" * 65_000),
        ):
            raw.sendto(datagram, ("127.0.0.1", port))
        raw.sendto(frame("last", "last"), ("127.0.0.1", port))
    wait_until(lambda: "last" in heard("t"), lambda: heard("t"))
    expect(heard("t"), [1, 2, "as an event", "now", "x" * 65_000, "last"])


@check
def clients_of_the_library_send_as_much_as_fits():
    port = PEER.server("u", udp=True)
    PEER.do("nq.udp.open", name="c", ip="127.0.0.1", port=port)
    expect(PEER.do("nq.udp.send", name="c", event="early", content=1), False)
    PEER.do("nq.udp.start", name="c")
    expect(PEER.do("nq.udp.send", name="c", event="hello", content={"k": "x_EOM_y"}), True)
    room = 65_507 - len(frame("l", ""))
    expect(PEER.do("nq.udp.send", name="c", event="l", content="x" * room), True)
    expect(PEER.do("nq.udp.send", name="c", event="l", content="x" * (room + 1)), False)
    PEER.do("nq.udp.close", name="c")
    wait_until(lambda: "now" in heard("u"), "the client's last word")
    expect(heard("u"), [{"k": "x_EOM_y"}, "x" * room, "now"])
    expect(PEER.do("nq.udp.send", name="c", event="late", content=1), False)
    PEER.do("nq.server.close", name="u")
    PEER.do("nq.server.start", name="u")
    PEER.do("nq.udp.start", name="c")
    PEER.do("nq.udp.send", name="c", event="again", content="again")
    wait_until(lambda: "again" in heard("u"), "the restarted server")


@check
def a_client_of_the_library_reaches_an_original_server():
    server = original_server(udp=True)
    PEER.do("nq.udp.open", name="o", ip="127.0.0.1", port=server.PORT)
    PEER.do("nq.udp.start", name="o")
    content = "x" * (1_024 - len(frame("full", "")))
    for event, value in (("hello", {"k": [1, "\u00e9"]}), ("full", content), ("last", "last")):
        expect(PEER.do("nq.udp.send", name="o", event=event, content=value), True)
        wait_until(lambda: value in server.seen, lambda: server.seen)
    expect(server.seen, [{"k": [1, "\u00e9"]}, content, "last"])


main()
