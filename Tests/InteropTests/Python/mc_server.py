# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Clients with the original's clockwork against a server of the library.

All checks run at once, each with a server of its own: what takes time is the originals' waiting.
"""

from mc_driver import *

DRIVER = Driver().__enter__()
# Killed and started again by its check.
MORTAL = Driver().__enter__()


@check
def an_original_client_gets_messages_in_order():
    port = DRIVER.server("order")
    client = joined(DRIVER, "order", port)
    for number in range(100):
        to = "*" if number % 2 else client.client_id
        expect(DRIVER.send("order", to, "number", {"n": number}), True)
    wait_until(lambda: len(client.messages("number")) == 100, lambda: client.received[-3:])
    expect(client.messages("number"), [{"n": number} for number in range(100)])
    expect(client.link.reports, [])


@check
def a_message_to_one_reaches_that_one_alone():
    port = DRIVER.server("one")
    clients = in_parallel(*[lambda: joined(DRIVER, "one", port)] * 3)
    for client in clients:
        DRIVER.send("one", client.client_id, "yours", {"id": client.client_id})
    DRIVER.send("one", "*", "all", {"to": "all"})
    for client in clients:
        wait_until(lambda: client.messages("all"), lambda: client.received)
        expect(client.received, [("known", {}), ("yours", {"id": client.client_id}), ("all", {"to": "all"})])


@check
def fifty_clients_get_a_broadcast():
    port = DRIVER.server("fifty")
    clients = in_parallel(*[lambda: joined(DRIVER, "fifty", port)] * 50)
    for number in range(20):
        expect(DRIVER.send("fifty", "*", "all", {"n": number}), True)
    for client in clients:
        wait_until(lambda: len(client.messages("all")) == 20, lambda: client.received[-3:], 20)
        expect(client.messages("all"), [{"n": number} for number in range(20)])


@check
def unicode_and_any_json_arrive():
    port = DRIVER.server("unicode")
    client = joined(DRIVER, "unicode", port, "Zoë 世界")
    payloads = [{"m": "hé世\U0001F514\0\n\"\\"},
                {"é": {"世": [1, 2.5, -1e300, True, None, "", {}, []]}}, {}, {"": ""},
                {"big": 12345678901234567890, "zero": 0, "minus": -1}]
    for payload in payloads:
        DRIVER.send("unicode", client.client_id, "wetter ☔", payload)
    wait_until(lambda: len(client.messages("wetter ☔")) == len(payloads), lambda: client.received)
    expect(client.messages("wetter ☔"), payloads)


@check
def a_megabyte_arrives():
    port = DRIVER.server("megabyte")
    client = joined(DRIVER, "megabyte", port)
    payload = {"text": "".join("%07d " % number for number in range(131_072))}
    for subject in ("large", "again"):
        DRIVER.send("megabyte", client.client_id, subject, payload)
    DRIVER.send("megabyte", client.client_id, "small", {})
    wait_until(lambda: client.messages("small"), lambda: client.link.reports)
    assert client.messages("large") == [payload] and client.messages("again") == [payload]


@check
def a_client_that_leaves_is_forgotten():
    port = DRIVER.server("leave")
    client = joined(DRIVER, "leave", port)
    expect(client.disconnect(), True)
    wait_until(lambda: not DRIVER.send("leave", client.client_id, "late", {}), "the server to forget")
    wait_until(lambda: "Unknown client ID " + client.client_id in DRIVER.log(), "a line of the log")
    expect(DRIVER.send("leave", "nobody", "x", {}), False)
    expect(DRIVER.send("leave", "*", "x", {}), True)


@check
def a_client_that_comes_back_gets_what_was_queued():
    port = DRIVER.server("back")
    client = joined(DRIVER, "back", port)
    watch = wire(DRIVER, "back", port, "watch")
    first = client.link
    client.attempt_reconnect = False
    first.socket.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: connections(port) == 1, "the server to see the end")
    for number in range(50):
        expect(DRIVER.send("back", client.client_id if number % 2 else "*", "queued", {"n": number}), True)
    client.attempt_reconnect = True
    threading.Thread(target=client._reconnect, daemon=True).start()
    wait_until(lambda: len(client.messages("queued")) == 50, lambda: client.received[-3:])
    DRIVER.send("back", client.client_id, "after", {})
    wait_until(lambda: client.messages("after"), lambda: client.received[-3:])
    expect(client.messages("queued"), [{"n": number} for number in range(50)])
    expect([watch.next()[1]["n"] for _ in range(25)], list(range(0, 50, 2)))


@check
def what_waits_for_a_client_is_bounded_and_the_oldest_go():
    port = DRIVER.server("bound")
    wire(DRIVER, "bound", port, "away").socket.close()
    wait_until(lambda: connections(port) == 0, "the server to see the end")
    asked = [DRIVER.ask("mc.server.send", name="bound", to="away" if number % 3 else "*", subject="n",
                        payload={"n": number, "text": "x" * 1000}) for number in range(10_000)]
    for seq in asked:
        expect(DRIVER.answer(seq)["result"], True)
    with wire(DRIVER, "bound", port, "watch"), Wire(port).negotiate("away") as client:
        numbers = []
        while numbers[-1:] != [9_999]:
            subject, payload = client.next()
            # What else comes may tell of the loss.
            if subject == "n":
                numbers.append(payload["n"])
        assert 0 < len(numbers) < 10_000, len(numbers)
        expect(numbers, list(range(10_000 - len(numbers), 10_000)))
    return "%d of 10000" % len(numbers)


@check
def a_second_client_with_the_id_replaces_the_first():
    port = DRIVER.server("twice")
    first = wire(DRIVER, "twice", port, "same")
    other = wire(DRIVER, "twice", port, "other")
    # The id was known before: only the first one's end tells that the second was taken.
    second = Wire(port).negotiate("same")
    expect(first.next(), None)
    DRIVER.send("twice", "same", "to the second", {})
    expect(second.next(), ("to the second", {}))
    # The first one's end must not take the second one's id along.
    first.socket.close()
    expect(DRIVER.send("twice", "same", "still there", {}), True)
    expect(second.next(), ("still there", {}))
    DRIVER.send("twice", "*", "all", {})
    expect([second.next(), other.next()], [("all", {})] * 2)


@check
def two_originals_with_one_id_bother_nobody_else():
    port = DRIVER.server("rivals")
    other = joined(DRIVER, "rivals", port)
    rivals = [Client("127.0.0.1", port, "same") for _ in range(2)]
    for rival in rivals:
        rival.connect()
    wait_until(lambda: all("reconnect" in rival.events for rival in rivals), lambda: [r.events for r in rivals], 20)
    DRIVER.send("rivals", other.client_id, "quiet", {})
    wait_until(lambda: other.messages("quiet"), lambda: other.received)
    for rival in rivals:
        rival.attempt_reconnect = False
    expect(other.events, ["connect"])


@check
def a_stop_loses_no_message_and_nobody_comes_back():
    port = DRIVER.server("stop")
    clients = in_parallel(*[lambda: joined(DRIVER, "stop", port)] * 25)
    for number in range(40):
        DRIVER.send("stop", "*", "last words", {"n": number, "text": "x" * 1000})
    expect(DRIVER.do("mc.server.stop", name="stop"), True)
    expect(DRIVER.do("mc.server.status", name="stop"), "Stopped")
    with Acceptor(port) as acceptor:
        for client in clients:
            wait_until(lambda: "servershutdown" in client.events, lambda: client.events)
            client.link.join(5)
            expect(client.events, ["connect", "servershutdown"])
            expect(client.messages("last words"), [{"n": n, "text": "x" * 1000} for n in range(40)])
        acceptor.listener.settimeout(0.5)
        try:
            acceptor.listener.accept()
            raise AssertionError("a client came back")
        except socket.timeout:
            pass


@check
def a_stop_waits_for_nobody_for_long():
    port = DRIVER.server("bounded")
    slow = Wire(port, receive_buffer=4096).negotiate("slow")
    silent = Wire(port)
    DRIVER.knows("bounded", "slow")
    with wire(DRIVER, "bounded", port, "quick") as quick:
        for _ in range(20):
            DRIVER.send("bounded", "slow", "large", {"text": "x" * 500_000})
        stopping = DRIVER.ask("mc.server.stop", name="bounded")
        expect(quick.next(), ("shutdown", {}))
    expect(DRIVER.answer(stopping, 8)["result"], True)
    assert silent.ended() and slow.ended()
    # Its clients are forgotten: no, or an error that says so.
    late = DRIVER.ask("mc.server.send", name="bounded", to="slow", subject="x", payload={})
    assert not DRIVER.answer(late).get("result")


@check
def a_stopped_server_starts_again():
    port = DRIVER.server("again")
    for number in range(3):
        with wire(DRIVER, "again", port, "client") as client:
            DRIVER.send("again", "client", "round", {"n": number})
            expect(client.next(), ("round", {"n": number}))
            stopping = DRIVER.ask("mc.server.stop", name="again")
            expect(client.next(), ("shutdown", {}))
        expect(DRIVER.answer(stopping)["result"], True)
        expect(DRIVER.do("mc.server.status", name="again"), "Stopped")
        expect(DRIVER.do("mc.server.stop", name="again"), True)
        expect(DRIVER.do("mc.server.start", name="again"), True)
        expect(DRIVER.do("mc.server.status", name="again"), "Running")


@check
def a_server_that_dies_is_found_again_by_its_clients():
    global MORTAL
    port = MORTAL.server("mortal")
    clients = in_parallel(*[lambda: joined(MORTAL, "mortal", port)] * 5)
    MORTAL.__exit__()
    MORTAL = Driver().__enter__()
    MORTAL.server_again("mortal", port)
    for client in clients:
        MORTAL.knows("mortal", client.client_id)
    MORTAL.send("mortal", "*", "hello again", {"n": 1})
    for client in clients:
        wait_until(lambda: client.messages("hello again") == [{"n": 1}], lambda: client.received)
        assert "reconnect" in client.events, client.events
        client.attempt_reconnect = False


@check
def silent_peers_hold_up_nobody_and_are_closed():
    port = DRIVER.server("silent")
    silent = [Wire(port) for _ in range(20)]
    half = Wire(port)
    half.send(frame("negotiation", {"id": "half"})[:70])
    with wire(DRIVER, "silent", port, "quick") as quick:
        DRIVER.send("silent", "quick", "hello", {})
        expect(quick.next(), ("hello", {}))
        for connection in silent + [half]:
            assert connection.ended(), "after 5 s"
        DRIVER.send("silent", "quick", "still here", {})
        expect(quick.next(), ("still here", {}))
    expect(DRIVER.send("silent", "half", "x", {}), False)


@check
def a_client_that_never_reads_harms_nobody():
    port = DRIVER.server("slow")
    slow = Wire(port, receive_buffer=4096).negotiate("slow")
    DRIVER.knows("slow", "slow")
    quick = wire(DRIVER, "slow", port, "quick")
    before = DRIVER.rss()
    payload = {"text": "x" * 500_000}
    for number in range(100):
        DRIVER.send("slow", "slow", "large", payload)
    expect(DRIVER.send("slow", "quick", "hello", {}), True)
    expect(quick.next(), ("hello", {}))
    slow.socket.close()
    return "%.1f MiB more" % ((DRIVER.rss() - before) / (1 << 20))


@check
def a_negotiation_may_take_any_shape_that_the_original_reads():
    port = DRIVER.server("shapes")
    for index, head in enumerate((
        b'{"subject":"negotiation","length":%d}', b'{"length":%d,"subject":"negotiation","v":[1]}',
        b'  {"length" : %d , "subject" : "negoti\\u0061tion"}', b'\0\0{"length":\0%d,"subject":"negotiation"}',
    )):
        name = "shape %d" % index
        body = b' { "more" : [1, {}] , "id" : "%s" } ' % name.encode()
        pad = b" " if index % 2 else b"\0"
        with Wire(port) as client:
            client.send((head % len(body)).ljust(64, pad) + body)
            DRIVER.knows("shapes", name)
            expect(client.next(), ("known", {}))
    with Wire(port) as number:
        number.send(frame("negotiation", {"id": 77}))
        DRIVER.knows("shapes", "77")
        expect(number.next(), ("known", {}))


@check
def a_first_frame_that_is_no_negotiation_ends_the_connection():
    port = DRIVER.server("strangers")
    for first in (
        frame("hello", {"id": "x"}), frame("shutdown", {}), frame("negotiation", {}), frame("negotiation", {"id": ""}),
        frame("negotiation", {"id": None}), frame("negotiation", {"id": False}), frame("negotiation", {"id": 0}),
        frame("negotiation", {"id": {"a": 1}}), frame("negotiation", {"id": ["x"]}), frame("negotiation", "x"),
        frame("negotiation", None), frame("Negotiation", {"id": "x"}),
    ):
        with Wire(port) as stranger:
            stranger.send(first)
            assert stranger.ended(), first
    expect(DRIVER.send("strangers", "x", "x", {}), False)


@check
def what_clients_say_is_taken_and_goes_nowhere():
    port = DRIVER.server("talk")
    with wire(DRIVER, "talk", port, "talker") as talker, wire(DRIVER, "talk", port, "other") as other:
        for number in range(1000):
            talker.send(frame("talk", {"n": number}))
        talker.send(frame("negotiation", {"id": "another"}), frame("*", {}), frame("known", []), frame("x", None))
        DRIVER.send("talk", "*", "all", {})
        expect([talker.next(), other.next()], [("all", {})] * 2)
        expect(DRIVER.send("talk", "another", "x", {}), False)


@check
def a_goodbye_behind_a_frame_in_one_segment_is_heard():
    port = DRIVER.server("segment")
    with Wire(port) as client:
        client.send(frame("negotiation", {"id": "brief"}) + frame("talk", {}) + frame("shutdown", {}))
        assert client.ended()
    wait_until(lambda: not DRIVER.send("segment", "brief", "x", {}), "the server to forget")


@check
def the_setters_and_the_life_of_a_server_are_checked():
    port = free_port()
    expect(DRIVER.fails("mc.server.open", name="bad", interface="127.0.0.1", port="abc"), "Port must be integer value")
    DRIVER.fails("mc.server.open", name="bad", interface=5, port=port)
    DRIVER.fails("mc.server.open", name="bad", interface="127.0.0.1", port=65536)
    DRIVER.fails("mc.server.open", name="bad", interface="127.0.0.1", port=-1)
    DRIVER.do("mc.server.open", name="life", port=port)
    expect(DRIVER.do("mc.server.status", name="life"), "Stopped")
    expect(DRIVER.fails("mc.server.start", name="life"), "Interface not set")
    DRIVER.fails("mc.server.stop", name="life")
    DRIVER.do("mc.server.open", name="life", interface="127.0.0.1")
    expect(DRIVER.fails("mc.server.start", name="life"), "Port not set")
    DRIVER.server("life", port)
    expect(DRIVER.do("mc.server.status", name="life"), "Running")
    DRIVER.fails("mc.server.start", name="life")
    DRIVER.do("mc.server.open", name="taken", interface="127.0.0.1", port=port)
    DRIVER.fails("mc.server.start", name="taken")
    expect(DRIVER.do("mc.server.status", name="taken"), "Stopped")
    expect(DRIVER.do("mc.server.stop", name="life"), True)
    expect(DRIVER.do("mc.server.start", name="taken"), True)
    DRIVER.fails("mc.server.send", name="taken", to="x", subject="s", payload=[1])
    DRIVER.fails("mc.server.send", name="taken", to="x", subject="s")


@check
def a_server_listens_where_it_is_told():
    for interface in ("*", "", "lo", "127.0.0.1", "localhost"):
        name = "at " + interface
        port = DRIVER.server(name, interface=interface)
        with wire(DRIVER, name, port, "client") as client:
            DRIVER.send(name, "*", "all", {"at": interface})
            expect(client.next(), ("all", {"at": interface}))
    DRIVER.do("mc.server.open", name="nowhere", interface="no-such-device", port=free_port())
    DRIVER.fails("mc.server.start", name="nowhere")


main(side_by_side=True)
