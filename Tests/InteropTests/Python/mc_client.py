# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A client of the library against a server with the original's clockwork, and against bare sockets.

All checks run at once, each with a client and a server of its own: what takes time is the original's waiting.
"""

from mc_driver import *

DRIVER = Driver().__enter__()


def serves(server, *names):
    """Waits until an original server knows these clients."""
    for name in names:
        wait_until(lambda: server.is_connected(name), "the server to know " + name, 20)


@check
def a_conversation_with_an_original_server():
    server = OriginalServer()
    DRIVER.connected("talk", server.port)
    serves(server, "talk")
    payloads = [{"m": "hé世\U0001F514\0\n"}, {}, {"l": [1, 2.5, None, True, {"": []}]}, {"big": 12345678901234567890}]
    for payload in payloads:
        server.send("talk", "wetter ☔", payload)
    wait_until(lambda: len(DRIVER.messages("talk", "wetter ☔")) == 4, lambda: DRIVER.heard("talk"), 20)
    expect(DRIVER.messages("talk"), payloads)
    expect(DRIVER.do("mc.client.disconnect", name="talk"), True)
    wait_until(lambda: ("talk", "shutdown", {}) in server.received, lambda: server.received)
    DRIVER.tells("talk", ["connect"] + ["message"] * 4 + ["disconnect"])
    DRIVER.went_through("talk", [8, 22, 38, 518, 10])
    expect(DRIVER.do("mc.client.connect", name="talk"), True)
    serves(server, "talk")
    expect(DRIVER.state("talk"), CONNECTED)


@check
def an_original_server_that_stops_is_left_alone():
    server = OriginalServer()
    DRIVER.connected("stopped", server.port)
    serves(server, "stopped")
    server.stop()
    wait_until(lambda: DRIVER.state("stopped") == ENDED, lambda: DRIVER.states("stopped"))
    with Acceptor(server.port) as acceptor:
        acceptor.listener.settimeout(0.5)
        try:
            acceptor.listener.accept()
            raise AssertionError("the client came back")
        except socket.timeout:
            pass
    DRIVER.tells("stopped", ["connect", "servershutdown"])
    DRIVER.went_through("stopped", [8, 22, 38, 10])


@check
def a_server_that_is_started_again_is_found():
    server = OriginalServer()
    DRIVER.connected("found", server.port)
    serves(server, "found")
    server.crash()
    wait_until(lambda: DRIVER.state("found") == RECONNECTING, lambda: DRIVER.states("found"))
    server = OriginalServer(server.port)
    serves(server, "found")
    server.send("found", "hello", {"n": 1})
    wait_until(lambda: DRIVER.messages("found") == [{"n": 1}], lambda: DRIVER.heard("found"))
    DRIVER.tells("found", ["connect", "reconnect", "message"])
    expect(DRIVER.heard("found", "reconnect")[0]["client_id"], "found")
    DRIVER.went_through("found", [8, 22, 38, 150, 38])


@check
def a_faulty_takeover_does_not_tire_the_client():
    server = OriginalServer(faulty_takeover=True)
    DRIVER.connected("thrown out", server.port)
    serves(server, "thrown out")
    server.handlers["thrown out"].reset()
    # Thrown out each time, and back soon: a success starts the pauses anew.
    wait_until(lambda: server.ids.count("thrown out") >= 6, lambda: server.ids, 20)
    expect(DRIVER.do("mc.client.disconnect", name="thrown out"), True)
    expect(DRIVER.state("thrown out"), ENDED)


@check
def nobody_there_yet_is_a_start_of_reconnecting():
    port = free_port()
    DRIVER.client("early", port)
    expect(DRIVER.do("mc.client.connect", name="early"), True)
    expect(DRIVER.state("early"), RECONNECTING)
    DRIVER.tells("early", [])
    with Acceptor(port) as acceptor, acceptor.accept() as server:
        expect(server.negotiation, ("negotiation", {"id": "early"}))
        wait_until(lambda: DRIVER.verbs("early") == ["connect"], lambda: DRIVER.heard("early"))
        DRIVER.went_through("early", [8, 22, 150, 38])


@check
def nobody_there_is_a_failure_without_reconnecting():
    DRIVER.client("alone", free_port(), attempt_reconnect=False)
    expect(DRIVER.do("mc.client.connect", name="alone"), False)
    expect(DRIVER.state("alone"), 72)
    DRIVER.went_through("alone", [8, 22, 72])
    DRIVER.tells("alone", [])
    # It may try again.
    with Acceptor() as acceptor:
        DRIVER.do("mc.client.set", name="alone", key="port", value=acceptor.port)
        expect(DRIVER.do("mc.client.connect", name="alone"), True)
        with acceptor.accept():
            expect(DRIVER.state("alone"), CONNECTED)


@check
def a_server_that_does_not_answer_is_a_time_out():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # They fill the queue of those not yet accepted: the kernel drops whoever comes next.
        waiting = []
        for _ in range(3):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            waiting.append(connection)
        DRIVER.client("late", port, attempt_reconnect=False)
        attempt = DRIVER.ask("mc.client.connect", name="late")
        wait_until(lambda: DRIVER.state("late") == 22, lambda: DRIVER.state("late"))
        expect(DRIVER.answer(attempt)["result"], False)
        expect(DRIVER.state("late"), 2120)


@check
def a_broken_link_is_the_end_without_reconnecting():
    with Acceptor() as acceptor:
        DRIVER.client("broken", acceptor.port, attempt_reconnect=False)
        DRIVER.do("mc.client.connect", name="broken")
        acceptor.accept().socket.close()
        wait_until(lambda: DRIVER.state("broken") == 2056, lambda: DRIVER.states("broken"))
        DRIVER.went_through("broken", [8, 22, 38, 2056])
        DRIVER.tells("broken", ["connect"])
        # And it may connect again.
        expect(DRIVER.do("mc.client.connect", name="broken"), True)
        with acceptor.accept() as server:
            expect(server.negotiation, ("negotiation", {"id": "broken"}))


@check
def a_broken_link_stands_again():
    with Acceptor() as acceptor:
        DRIVER.connected("again", acceptor.port)
        for number in range(4):
            with acceptor.accept() as server:
                expect(server.negotiation, ("negotiation", {"id": "again"}))
                server.send(frame("round", {"n": number}))
                wait_until(lambda: len(DRIVER.messages("again")) == number + 1, lambda: DRIVER.heard("again"))
        server = acceptor.accept()
        DRIVER.went_through("again", [8, 22, 38] + [150, 38] * 4)
        DRIVER.tells("again", ["connect"] + ["message", "reconnect"] * 4)


@check
def a_link_that_is_reset_stands_again_and_a_name_is_looked_up():
    with Acceptor() as acceptor:
        DRIVER.connected("reset", acceptor.port, address="localhost")
        for _ in range(3):
            connection = acceptor.accept().socket
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        with acceptor.accept() as server:
            expect(server.negotiation, ("negotiation", {"id": "reset"}))
            DRIVER.tells("reset", ["connect"] + ["reconnect"] * 3)
        DRIVER.client("nowhere", acceptor.port, address="no-such-host.invalid", attempt_reconnect=False)
        expect(DRIVER.do("mc.client.connect", name="nowhere"), False)
        assert DRIVER.state("nowhere") in (72, 2120), DRIVER.state("nowhere")


@check
def disconnecting_ends_reconnecting():
    port = free_port()
    DRIVER.client("enough", port)
    DRIVER.do("mc.client.connect", name="enough")
    expect(DRIVER.do("mc.client.disconnect", name="enough"), True)
    expect(DRIVER.state("enough"), ENDED)
    expect(DRIVER.do("mc.client.get", name="enough", key="attempt_reconnect"), True)
    expect(DRIVER.do("mc.client.disconnect", name="enough"), False)
    DRIVER.tells("enough", ["disconnect"])
    with Acceptor(port) as acceptor:
        acceptor.listener.settimeout(0.5)
        try:
            acceptor.listener.accept()
            raise AssertionError("the client came back")
        except socket.timeout:
            pass


@check
def reconnecting_is_switched_off_while_at_it():
    DRIVER.client("off", free_port())
    DRIVER.do("mc.client.connect", name="off")
    expect(DRIVER.state("off"), RECONNECTING)
    DRIVER.do("mc.client.set", name="off", key="attempt_reconnect", value=False)
    wait_until(lambda: DRIVER.state("off") == 264, lambda: DRIVER.state("off"), 2)
    DRIVER.went_through("off", [8, 22, 150, 264])


@check
def connecting_twice_and_disconnecting_twice_are_refused():
    with Acceptor() as acceptor:
        DRIVER.client("twice", acceptor.port)
        expect(DRIVER.do("mc.client.disconnect", name="twice"), False)
        DRIVER.tells("twice", [])
        expect(DRIVER.do("mc.client.connect", name="twice"), True)
        expect(DRIVER.do("mc.client.connect", name="twice"), False)
        wait_until(lambda: "Client is already connected" in DRIVER.log(), "a line of the log")
        with acceptor.accept():
            expect(DRIVER.do("mc.client.disconnect", name="twice"), True)
        expect(DRIVER.do("mc.client.disconnect", name="twice"), False)
        wait_until(lambda: "Client is not connected" in DRIVER.log(), "a line of the log")
        DRIVER.tells("twice", ["connect", "disconnect"])


@check
def what_is_missing_is_told():
    wanted = "Client ID not set"
    for name, fields, error in (
        ("no address", {"port": 1, "client_id": "x"}, "Address not set"),
        ("no port", {"address": "127.0.0.1", "client_id": "x"}, "Port not set"),
        ("no id", {"address": "127.0.0.1", "port": 1}, wanted),
    ):
        DRIVER.do("mc.client.open", name=name, **fields)
        expect(DRIVER.state(name), 9)
        expect(DRIVER.fails("mc.client.connect", name=name), error)
    DRIVER.do("mc.client.set", name="no id", key="client_id", value="now")
    expect(DRIVER.state("no id"), IDLE)


@check
def the_setters_check_what_they_are_given():
    DRIVER.do("mc.client.open", name="setters")
    for key in ("address", "port", "client_id", "interface", "bind_port"):
        expect(DRIVER.do("mc.client.get", name="setters", key=key), None)
    expect(DRIVER.do("mc.client.get", name="setters", key="attempt_reconnect"), True)
    for key, value in (("address", "127.0.0.1"), ("port", 30000), ("client_id", "My Id"), ("interface", "lo"),
                       ("bind_port", 0), ("bind_port", 30001), ("attempt_reconnect", False)):
        expect(DRIVER.do("mc.client.set", name="setters", key=key, value=value), None)
        expect(DRIVER.do("mc.client.get", name="setters", key=key), value)
    DRIVER.do("mc.client.set", name="setters", key="port", value="30002")
    expect(DRIVER.do("mc.client.get", name="setters", key="port"), 30002)
    for key, text in (("port", "Port must be integer value"), ("bind_port", "Bind port must be integer value")):
        for value in ("abc", "", [1], {}):
            expect(DRIVER.fails("mc.client.set", name="setters", key=key, value=value), text)
        for value in (None, -1, 65536, 1 << 70):
            DRIVER.fails("mc.client.set", name="setters", key=key, value=value)
    DRIVER.fails("mc.client.set", name="setters", key="port", value=0)
    for key, value in (("address", 5), ("client_id", 5), ("client_id", []), ("interface", 5), ("interface", True),
                       ("attempt_reconnect", "yes"), ("colour", "red")):
        DRIVER.fails("mc.client.set", name="setters", key=key, value=value)
    expect(DRIVER.do("mc.client.get", name="setters", key="port"), 30002)
    DRIVER.fails("mc.client.get", name="setters", key="colour")
    DRIVER.fails("mc.client.open", name="wrong", port=[])
    DRIVER.fails("mc.client.open", name="wrong", address=1)


@check
def the_setters_refuse_while_running():
    with Acceptor() as acceptor:
        DRIVER.connected("running", acceptor.port)
        for key, value in (("address", "127.0.0.1"), ("port", 1), ("client_id", "x"), ("interface", "lo"),
                           ("bind_port", 1)):
            DRIVER.fails("mc.client.set", name="running", key=key, value=value)
        expect(DRIVER.do("mc.client.get", name="running", key="client_id"), "running")
        DRIVER.do("mc.client.set", name="running", key="attempt_reconnect", value=False)
        DRIVER.do("mc.client.disconnect", name="running")
        DRIVER.do("mc.client.set", name="running", key="client_id", value="x")


@check
def an_interface_needs_a_bind_port():
    with Acceptor() as acceptor:
        for index, interface in enumerate(("lo", "127.0.0.1", "*", "")):
            name = "bound %d" % index
            port = free_port()
            DRIVER.client(name, acceptor.port, interface=interface)
            if interface in ("lo", "127.0.0.1"):
                DRIVER.fails("mc.client.connect", name=name)
            DRIVER.do("mc.client.set", name=name, key="bind_port", value=port)
            expect(DRIVER.do("mc.client.connect", name=name), True)
            with acceptor.accept() as server:
                expect(server.socket.getpeername(), ("127.0.0.1", port))
                DRIVER.do("mc.client.disconnect", name=name)
        for name, fields in (
            ("bound nowhere", {"interface": "no-such-device", "bind_port": 0}),
            ("bound elsewhere", {"interface": "192.0.2.1", "bind_port": 0}),
            ("bound to one taken", {"interface": "127.0.0.1", "bind_port": acceptor.port}),
        ):
            DRIVER.client(name, acceptor.port, attempt_reconnect=False, **fields)
            expect(DRIVER.do("mc.client.connect", name=name), False)
            expect(DRIVER.state(name), 72)


@check
def verbs_have_many_spellings():
    with Acceptor() as acceptor:
        spellings = ("onConnect", "on-connect", "ConNEct", "onCon-nect", "ON_CONNECT", "connect")
        DRIVER.client("verbs", acceptor.port, verbs=spellings + ("On-Server-Shutdown", "state_change"))
        for verb in ("foo", "", "on", "ononconnect"):
            answer = DRIVER.fails("mc.client.subscribe", name="verbs", verb=verb)
            if verb == "foo":
                expect(answer, "Unknown verb foo")
        DRIVER.do("mc.client.connect", name="verbs")
        with acceptor.accept() as server:
            server.send(frame("message", {}), frame("shutdown", {}))
            wait_until(lambda: "servershutdown" in DRIVER.verbs("verbs"), lambda: DRIVER.heard("verbs"))
        DRIVER.tells("verbs", ["connect"] * len(spellings) + ["servershutdown"])
        assert DRIVER.states("verbs")


@check
def several_callbacks_of_a_verb_all_fire():
    with Acceptor() as acceptor:
        DRIVER.client("several", acceptor.port, verbs=("message",) * 3)
        DRIVER.do("mc.client.connect", name="several")
        with acceptor.accept() as server:
            for number in range(20):
                server.send(frame("number", {"n": number}))
            wait_until(lambda: len(DRIVER.messages("several")) == 60, lambda: DRIVER.heard("several"))
            expect(DRIVER.messages("several"), [{"n": number} for number in range(20) for _ in range(3)])


@check
def states_and_ids_have_the_names_of_the_original():
    for state, name in (
        (0, "STATE_UNDEFINED"), (1, "STATE_NEEDS_INIT"), (2, "STATE_OK"), (4, "STATE_RUNNING"),
        (8, "STATE_NOT_CONNECTED"), (16, "STATE_CONNECTING"), (32, "STATE_CONNECTED"), (64, "STATE_CONNECT_FAILED"),
        (128, "STATE_RECONNECTING"), (256, "STATE_RECONNECT_FAILED"), (512, "STATE_DISCONNECTING"),
        (1024, "STATE_DISCONNECT_FAILED"), (2048, "STATE_UNEXP_CLOSED"), (34, "STATE_OK, STATE_CONNECTED"),
        (9, "STATE_NEEDS_INIT, STATE_NOT_CONNECTED"), (38, "STATE_OK, STATE_RUNNING, STATE_CONNECTED"), (4096, None),
        (4098, "STATE_OK"), (-1 << 40, None),
        (2120, "STATE_NOT_CONNECTED, STATE_CONNECT_FAILED, STATE_UNEXP_CLOSED"),
    ):
        expect(DRIVER.do("mc.state_name", state=state), name)
    made = {DRIVER.do("mc.generate_id") for _ in range(100)}
    expect(len(made), 100)
    for one in made:
        assert len(one) == 16 and one.isascii() and one.isalnum(), one


@check
def fifty_clients_at_one_original_server():
    server = OriginalServer(backlog=64)
    names = ["fifty %d" % number for number in range(50)]
    # One after the other is how the original takes them.
    in_parallel(*[lambda name=name: DRIVER.connected(name, server.port) for name in names])
    serves(server, *names)
    server.send("*", "all", {"n": 1})
    for name in names:
        wait_until(lambda: DRIVER.messages(name) == [{"n": 1}], lambda: DRIVER.heard(name))


@check
def a_megabyte_arrives():
    server = OriginalServer()
    DRIVER.connected("megabyte", server.port)
    serves(server, "megabyte")
    payload = {"text": "".join("%07d " % number for number in range(131_072))}
    server.send("megabyte", "large", payload)
    server.send("megabyte", "small", {})
    wait_until(lambda: DRIVER.messages("megabyte", "small"), "both messages")
    assert DRIVER.messages("megabyte", "large") == [payload]


@check
def a_stop_behind_messages_is_heard_behind_them():
    with Acceptor() as acceptor:
        DRIVER.connected("last words", acceptor.port)
        with acceptor.accept() as server:
            # In one segment, and the connection ends at once.
            server.send(b"".join(frame("last", {"n": number}) for number in range(200)) + frame("shutdown", {}))
        wait_until(lambda: DRIVER.state("last words") == ENDED, lambda: DRIVER.states("last words"))
        wait_until(lambda: DRIVER.verbs("last words")[-1] == "servershutdown", lambda: DRIVER.verbs("last words"))
        expect(DRIVER.messages("last words"), [{"n": number} for number in range(200)])
        acceptor.listener.settimeout(0.5)
        try:
            acceptor.listener.accept()
            raise AssertionError("the client came back")
        except socket.timeout:
            pass


main(side_by_side=True)
