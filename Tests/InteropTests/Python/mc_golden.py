# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The captured frames of the wire's specification (section 12), byte for byte, in both directions."""

from mc_driver import *

DRIVER = Driver().__enter__()
NEGOTIATION = b'{"length": 26, "subject": "negotiation"}' + b"\0" * 24 + b'{"id": "Id0123456789abcd"}'
ECHO = b'{"length": 21, "subject": "echo"}' + b"\0" * 31 + b'{"message": "hello!"}'
UNI = (b'{"length": 75, "subject": "uni"}' + b"\0" * 32
       + b'{"m": "h\\u00e9\\u4e16", "n": 1, "f": 1.5, "b": true, "z": null, "l": [1, 2]}')
LONG = b'{"length": 2, "subject": "ssssssssssssssssssssssssssssssssssss"}' + b"{}"
SHUTDOWN = b'{"length": 2, "subject": "shutdown"}' + b"\0" * 28 + b"{}"
ID = "Id0123456789abcd"
UNI_OBJECT = {"m": "hé世", "n": 1, "f": 1.5, "b": True, "z": None, "l": [1, 2]}


def stored(server, port):
    """A bare client that negotiated with the captured bytes."""
    connection = Wire(port)
    connection.send(NEGOTIATION)
    DRIVER.knows(server, ID)
    expect(connection.read(66), b'{"length": 2, "subject": "known"}' + b"\0" * 31 + b"{}")
    return connection


@check
def the_server_writes_the_captured_frames():
    port = DRIVER.server("golden")
    with stored("golden", port) as client:
        for subject, payload, wanted in (
            ("echo", {"message": "hello!"}, ECHO), ("uni", UNI_OBJECT, UNI), ("s" * 36, {}, LONG),
        ):
            expect(DRIVER.send("golden", ID, subject, payload), True)
            # In one write: what is there is there as a whole.
            expect(client.socket.recv(4096), wanted)
        stopping = DRIVER.ask("mc.server.stop", name="golden")
        expect(client.read(len(SHUTDOWN)), SHUTDOWN)
        client.socket.shutdown(socket.SHUT_WR)
        expect(client.read(1), b"")
        expect(DRIVER.answer(stopping)["result"], True)


@check
def a_long_subject_is_written_compactly():
    port = DRIVER.server("compact")
    with stored("compact", port) as client:
        for subject, payload in (
            ("s" * 37, {}), ("s" * 39, {}), ("s" * 36, {"k": "v" * 10}), ("é" * 19, {}), ("世" * 13, {}),
            ("\U0001F514" * 9, {}),
        ):
            body = json.dumps(payload).encode()
            assert len(header(len(body), subject)) > 64, subject
            expect(DRIVER.send("compact", ID, subject, payload), True)
            wanted = '{"length":%d,"subject":"%s"}' % (len(body), subject)
            expect(client.read(64 + len(body)), wanted.encode().ljust(64, b"\0") + body)
        for subject in ("é" * 6, "\U0001F514" * 3, 'a"b\\c', "tab\tnul\0end"):
            expect(DRIVER.send("compact", ID, subject, {}), True)
            # NULs are padding wherever they stand, but an escaped one is not.
            expect(client.read(66), frame(subject, {}))


@check
def a_subject_that_cannot_fit_is_an_error_and_nothing_is_written():
    port = DRIVER.server("too long")
    with stored("too long", port) as client:
        for subject, payload in (("s" * 40, {}), ("é" * 20, {}), ("s" * 38, {"k": "v" * 100}), ("s" * 5000, {})):
            DRIVER.fails("mc.server.send", name="too long", to=ID, subject=subject, payload=payload)
            DRIVER.fails("mc.server.send", name="too long", to="*", subject=subject, payload=payload)
        expect(DRIVER.send("too long", ID, "echo", {"message": "hello!"}), True)
        expect(client.read(len(ECHO)), ECHO)


@check
def a_stopped_server_waits_for_the_client_to_close():
    port = DRIVER.server("closing")
    with stored("closing", port) as polite, Wire(port).negotiate("silent") as silent:
        DRIVER.knows("closing", "silent")
        expect(silent.next(), ("known", {}))
        stopping = DRIVER.ask("mc.server.stop", name="closing")
        for client in (polite, silent):
            expect(client.read(len(SHUTDOWN)), SHUTDOWN)
        # What arrives now is read, so that closing does not reset the connection.
        polite.send(frame("still", {"busy": 1}) * 10)
        polite.socket.settimeout(0.3)
        try:
            raise AssertionError("closed at once: %r" % polite.read(1))
        except socket.timeout:
            pass
        polite.socket.close()
        assert silent.ended(), "after 3 s at the latest"
        expect(DRIVER.answer(stopping)["result"], True)


@check
def the_client_writes_the_captured_frames():
    with Acceptor() as acceptor:
        DRIVER.client("writer", acceptor.port, client_id=ID)
        expect(DRIVER.do("mc.client.connect", name="writer"), True)
        with acceptor.accept(negotiate=False) as server:
            expect(server.socket.recv(4096), NEGOTIATION)
            expect(DRIVER.do("mc.client.disconnect", name="writer"), True)
            expect(server.read(len(SHUTDOWN)), SHUTDOWN)
            expect(server.read(1), b"")


@check
def the_client_reads_the_captured_frames():
    with Acceptor() as acceptor:
        DRIVER.client("reader", acceptor.port, client_id=ID)
        expect(DRIVER.do("mc.client.connect", name="reader"), True)
        with acceptor.accept() as server:
            server.send(ECHO, UNI, LONG, NEGOTIATION, SHUTDOWN)
            wait_until(lambda: DRIVER.verbs("reader")[-1:] == ["servershutdown"], lambda: DRIVER.heard("reader"))
            expect([(event["subject"], event["payload"]) for event in DRIVER.heard("reader", "message")], [
                ("echo", {"message": "hello!"}), ("uni", UNI_OBJECT), ("s" * 36, {}), ("negotiation", {"id": ID}),
            ])
            expect(server.read(1), b"")
        DRIVER.went_through("reader", [8, 22, 38, 10])


main(side_by_side=True)
