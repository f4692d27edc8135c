# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""What comes over a MissionCommander connection may be anything: it ends that connection at most, never the others."""

from mc_driver import *

DRIVER = Driver().__enter__()
PORT = DRIVER.server("s")
WATCH = wire(DRIVER, "s", PORT, "watch")
NUMBER = [0]
LOCK = threading.Lock()


def fresh():
    with LOCK:
        NUMBER[0] += 1
        return "client %d" % NUMBER[0]


def head(text):
    data = text if isinstance(text, bytes) else text.encode()
    assert len(data) <= 64, data
    return data.ljust(64, b"\0")


# After these nobody knows where the next frame begins.
HOPELESS = {
    "no json": head("hello"),
    "only NULs": head(""),
    "a number": head("17"),
    "an array": head("[2, \"x\"]"),
    "null": head("null"),
    "no length": head('{"subject": "x"}'),
    "no subject": head('{"length": 2}') + b"{}",
    "a subject that is a number": head('{"length": 2, "subject": 5}') + b"{}",
    "a subject that is null": head('{"length": 2, "subject": null}') + b"{}",
    "a negative length": head('{"length": -1, "subject": "x"}') + b"{}",
    "a huge length": head('{"length": 99999999999999999999999, "subject": "x"}'),
    "a length of 2 to the 63": head('{"length": 9223372036854775808, "subject": "x"}'),
    "a length just below": head('{"length": 9223372036854775807, "subject": "x"}'),
    "a gigabyte": head('{"length": 1073741824, "subject": "x"}'),
    "a byte past the limit": head('{"length": 16777217, "subject": "x"}'),
    "a fraction": head('{"length": 2.5, "subject": "x"}') + b"{}",
    "a length in quotes": head('{"length": "2", "subject": "x"}') + b"{}",
    "a length that is true": head('{"length": true, "subject": "x"}') + b"{}",
    "a length that is null": head('{"length": null, "subject": "x"}') + b"{}",
    "broken UTF-8": head(b'{"length": 2, "subject": "\xff\xfe"}') + b"{}",
    "half a surrogate": None,
    "a cut header": head(b'{"length": 2, "subject": "' + b"s" * 38),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: none\r\nAccept: */*\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "nucosMQ": b'{"data": {"event": "subscripe", "content": "room"}}_EOM_' * 3,
}
HOPELESS.pop("half a surrogate")

# These have an end that is known.
SKIPPED = {
    "a body that is no json": head('{"length": 5, "subject": "x"}') + b"hello",
    "an empty body": head('{"length": 0, "subject": "x"}'),
    "a body in broken UTF-8": head('{"length": 4, "subject": "x"}') + b'"\xff\xfe"',
    "a body with two values": head('{"length": 5, "subject": "x"}') + b"{} {}",
    "a cut body": head('{"length": 9, "subject": "x"}') + b'{"a": "b"',
    "NaN": head('{"length": 3, "subject": "x"}') + b"NaN",
    "a body of NULs": head('{"length": 100, "subject": "x"}') + b"\0" * 100,
    "a deep body": head('{"length": 1000000, "subject": "x"}') + b"[" * 1_000_000,
}


def healthy_server():
    """Somebody who was here before and somebody new still hear."""
    name = fresh()
    with wire(DRIVER, "s", PORT, name) as client:
        for to, connection in (("watch", WATCH), (name, client)):
            mark = {"mark": os.urandom(4).hex()}
            with LOCK:
                expect(DRIVER.send("s", to, "are you there", mark), True)
                expect(connection.next(), ("are you there", mark))
        client.send(frame("shutdown", {}))


@check
def the_server_closes_what_it_cannot_read():
    for case, data in HOPELESS.items():
        for negotiated in (False, True):
            with Wire(PORT) as client:
                name = fresh()
                if negotiated:
                    client.negotiate(name)
                    DRIVER.knows("s", name)
                try:
                    client.send(data, frame("shutdown", {}) * 20)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                started = time.monotonic()
                assert client.ended(), case
                assert time.monotonic() - started < 4, "%s was left to the time-out" % case
    healthy_server()


@check
def the_server_skips_bodies_that_are_no_json():
    for case, data in SKIPPED.items():
        name = fresh()
        with wire(DRIVER, "s", PORT, name) as client:
            client.send(data, frame("x", {}))
            DRIVER.send("s", name, "alive", {"case": case})
            expect(client.next(), ("alive", {"case": case}))
            client.send(frame("shutdown", {}))
            assert client.ended(), case
        wait_until(lambda: not DRIVER.send("s", name, "gone", {}), case)
    healthy_server()


@check
def the_server_takes_bodies_that_are_no_objects():
    name = fresh()
    with wire(DRIVER, "s", PORT, name) as client:
        for body in ([1], "text", 5, None, True, 1.5, []):
            client.send(frame("x", body))
        client.send(frame("shutdown", []))
        assert client.ended()
    wait_until(lambda: not DRIVER.send("s", name, "gone", {}), "the goodbye to be understood")


@check
def a_lying_length_swallows_what_follows():
    # Ten bytes more than the body: the next frame's header has lost its beginning.
    with Wire(PORT) as client:
        client.negotiate(fresh()).send(head('{"length": 12, "subject": "x"}') + b"{}", frame("x", {}) * 3)
        assert client.ended()
    # Fewer: the header begins with the rest of the body.
    with Wire(PORT) as client:
        client.negotiate(fresh()).send(head('{"length": 1, "subject": "x"}') + b"{}", frame("x", {}) * 3)
        assert client.ended()
    # A body that never comes keeps a connection and nothing else.
    name = fresh()
    with wire(DRIVER, "s", PORT, name) as client:
        client.send(head('{"length": 16777216, "subject": "x"}') + b"{")
        DRIVER.send("s", name, "alive", {})
        expect(client.next(), ("alive", {}))
    healthy_server()


@check
def the_server_reads_one_byte_per_segment():
    name = fresh()
    with Wire(PORT) as client:
        for byte in frame("negotiation", {"id": name}) + frame("x", {"a": "é"}):
            client.send(bytes([byte]))
        DRIVER.knows("s", name)
        expect(client.next(), ("known", {}))
        for byte in frame("shutdown", {}):
            client.send(bytes([byte]))
        assert client.ended()


@check
def the_server_reads_headers_without_padding():
    name = fresh()
    body = json.dumps({"id": name}).encode()
    plain = b'{"length": %d, "subject": "negotiation"' % len(body)
    with Wire(PORT) as client:
        # Exactly 64 bytes of JSON: blanks before the bracket, and a member more than it needs.
        client.send(plain.ljust(63) + b"}" + body)
        DRIVER.knows("s", name)
        client.send(frame("s" * 36, {}), (plain + b', "v": "').ljust(62, b"x") + b'"}' + body)
        expect(client.next(), ("known", {}))
        DRIVER.send("s", name, "alive", {})
        expect(client.next(), ("alive", {}))


@check
def a_flood_of_connections_harms_nobody():
    for _ in range(300):
        with Wire(PORT) as client:
            client.send(os.urandom(200))
    with Wire(PORT) as client:
        client.negotiate(fresh())
        try:
            for _ in range(50):
                client.send(frame("x", {"text": "x" * 100_000}) * 5)
        except (ConnectionResetError, BrokenPipeError):
            pass
    healthy_server()


@check
def the_client_closes_what_it_cannot_read_and_comes_back():
    with Acceptor() as acceptor:
        DRIVER.connected("reader", acceptor.port, attempt_reconnect=True)
        for number, (case, data) in enumerate(HOPELESS.items()):
            with acceptor.accept() as server:
                server.send(frame("before", {"n": number}))
                try:
                    server.send(data, frame("behind", {}) * 20)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                assert server.ended(), case
        with acceptor.accept() as server:
            expect(server.negotiation, ("negotiation", {"id": "reader"}))
            server.send(frame("last", {}))
            wait_until(lambda: DRIVER.messages("reader", "last"), lambda: DRIVER.heard("reader")[-3:])
        expect([message["n"] for message in DRIVER.messages("reader", "before")], list(range(len(HOPELESS))))
        expect(DRIVER.messages("reader", "behind"), [])


@check
def the_client_skips_bodies_that_are_no_json_and_takes_any_that_is():
    with Acceptor() as acceptor:
        DRIVER.connected("skipper", acceptor.port)
        with acceptor.accept() as server:
            for number, data in enumerate(SKIPPED.values()):
                server.send(data, frame("behind", {"n": number}))
            for body in ([1], "text", 5, None, True, 1.5, []):
                server.send(frame("any", body))
            wait_until(lambda: len(DRIVER.messages("skipper", "any")) == 7, lambda: DRIVER.heard("skipper")[-3:])
            expect(DRIVER.messages("skipper", "any"), [[1], "text", 5, None, True, 1.5, []])
            expect(DRIVER.messages("skipper", "behind"), [{"n": number} for number in range(len(SKIPPED))])
            expect(DRIVER.messages("skipper", "x"), [])
            expect(DRIVER.state("skipper"), CONNECTED)


@check
def the_client_reads_one_byte_per_segment_and_many_frames_in_one():
    frames = [("one", {"a": "é\U0001F514"}), ("s" * 36, {}), ("two", {"l": [1, 2]})]
    compact = '{"subject":"é世","length":4}'.encode()
    data = b"".join(frame(*one) for one in frames) + compact + b" " * (64 - len(compact)) + b'[ ] '
    with Acceptor() as acceptor:
        DRIVER.connected("bytes", acceptor.port)
        with acceptor.accept() as server:
            for byte in data:
                server.send(bytes([byte]))
            server.send(data * 300)
            wanted = (frames + [("é世", [])]) * 301
            wait_until(lambda: len(DRIVER.messages("bytes")) == len(wanted), lambda: len(DRIVER.messages("bytes")))
            got = [(event["subject"], event["payload"]) for event in DRIVER.heard("bytes", "message")]
            for index, (one, other) in enumerate(zip(got, wanted)):
                assert one == other, (index, one, other)


@check
def a_pause_inside_a_frame_is_borne():
    # The original would have lost framing: ours has no deadline inside a frame.
    data = frame("slow", {"a": 1})
    with Acceptor() as acceptor:
        DRIVER.connected("patient", acceptor.port)
        with acceptor.accept() as server:
            for part in (data[:30], data[30:64], data[64:66], data[66:]):
                server.send(part)
                time.sleep(1.1)
            server.send(frame("next", {}))
            wait_until(lambda: DRIVER.messages("patient", "next"), lambda: DRIVER.heard("patient"))
        expect(DRIVER.messages("patient", "slow"), [{"a": 1}])


@check
def requests_that_make_no_sense_are_answered_with_errors():
    for line in ("hello", "[]", "17", '{"seq": 1000001, "op": "mc.server.fly", "name": "s"}'):
        DRIVER.process.stdin.write((line + "\n").encode())
    DRIVER.process.stdin.flush()
    assert "error" in DRIVER.answer(1_000_001)
    for op, fields in (
        ("mc.client.connect", {"name": "nobody"}), ("mc.server.start", {"name": "nobody"}), ("fly", {}), ("", {}),
        ("mc.server.send", {"name": "s", "to": "x"}), ("mc.state_name", {"state": "x"}), ("mc.state_name", {}),
        ("mc.server.send", {"name": "s", "to": 5, "subject": "x", "payload": {}}),
    ):
        DRIVER.fails(op, **fields)
    expect(DRIVER.do("mc.server.status", name="s"), "Running")


main(side_by_side=True)
