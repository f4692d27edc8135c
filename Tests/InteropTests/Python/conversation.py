# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Original clients among themselves, through `belfry serve`."""

from harness import *

SERVER = Server()
PORT = SERVER.port
UNICODE = "Grüße, 世界, \U0001F514 and e\u0301, \u2028, \u0000, \"quoted\\\""


@check
def rooms_join_clients_and_keep_others_out():
    one, two, outside = in_parallel(*[lambda: original(PORT)] * 3)
    join(one, "weather")
    join(two, "weather")
    join(outside, "sports")
    expect(one.publish("weather", "today", {"sky": ["blue", 1, 2.5, None, True]}), True)
    two.publish("weather", "today", "rain")
    for client in (one, two):
        # Two publishers: nothing is promised of the order between them.
        for content in ({"sky": ["blue", 1, 2.5, None, True]}, "rain"):
            wait_until(lambda: content in client.seen, lambda: client.seen)
    outside.publish("sports", "end", "of it")
    wait_until(lambda: "of it" in outside.seen, lambda: outside.seen)
    assert "rain" not in outside.seen
    outside.publish("weather", "spoof", "not a member")
    one.publish("weather", "after", "it")
    wait_until(lambda: "it" in two.seen, lambda: two.seen)
    assert "not a member" not in two.seen
    assert "not in the room" in SERVER.log(), SERVER.log()
    in_parallel(one.close, two.close, outside.close)


@check
def callbacks_fire_by_event_room_and_all():
    client = original(PORT)
    order = []
    for name, add in (
        ("event", lambda f: client.add_event_callback("today", f)),
        ("all", lambda f: client.add_event_callback("all", f)),
        ("room", lambda f: client.add_room_callback("callbacks", f)),
        ("room event", lambda f: client.add_room_event_callback("callbacks", "today", f)),
        ("other room", lambda f: client.add_room_callback("elsewhere", f)),
        ("other event", lambda f: client.add_event_callback("tomorrow", f)),
    ):
        add(lambda content, name=name: order.append((name, content)))
    join(client, "callbacks")
    del order[:]
    client.publish("callbacks", "today", 7)
    wait_until(lambda: len(order) >= 4, lambda: order)
    expect(sorted(order), sorted([("event", 7), ("all", 7), ("room", 7), ("room event", 7)]))
    client.close()


@check
def texts_arrive_as_they_were_sent():
    one, two = in_parallel(*[lambda: original(PORT)] * 2)
    room = "Räume \U0001F514"
    join(one, room)
    join(two, room)
    one.publish(room, "ünïcode \U0001F680", {UNICODE: UNICODE})
    wait_until(lambda: {UNICODE: UNICODE} in two.seen, lambda: two.seen)
    # Raw UTF-8 and an escaped terminator, as a client of ours may write them; an original one has to understand.
    with Raw(PORT) as raw:
        raw.send(frame("subscripe", room))
        raw.send(json.dumps({"data": {"event": "raw", "content": UNICODE, "room": room}}, ensure_ascii=False)
                 .encode() + EOM)
        raw.send(b'{"data": {"event": "x\\u005fEOM_y", "content": "a\\u005fEOM_b", "room": '
                 + json.dumps(room).encode() + b"}}_EOM_")
        wait_until(lambda: "a_EOM_b" in one.seen and "a_EOM_b" in two.seen, lambda: one.seen[-3:])
        assert UNICODE in one.seen
    in_parallel(one.close, two.close)


@check
def a_ping_is_answered():
    client = original(PORT)
    expect(client.ping(), True)
    client.close()


@check
def a_megabyte_goes_through():
    one, two = in_parallel(*[lambda: original(PORT)] * 2)
    raw = Raw(PORT).join("large")
    join(one, "large")
    join(two, "large")
    content = "".join("%07d " % number for number in range(131_072))
    arrives(lambda: raw.send(frame("from raw", content, "large")), content, two)
    expect(raw.until("from raw")["content"], content)
    del two.seen[:]
    arrives(lambda: one.publish("large", "from original", content) and one.send("resynchronise", ""), content, two)
    expect(raw.until("from original")["content"], content)
    raw.socket.close()
    in_parallel(one.close, two.close)


@check
def a_client_that_dies_mid_message_harms_nobody():
    one, two = in_parallel(*[lambda: original(PORT)] * 2)
    join(one, "mortal")
    join(two, "mortal")
    half = frame("half", "x" * 5_000, "mortal")[:2_500]
    reset = Raw(PORT).join("mortal")
    reset.send(half)
    reset.reset()
    program = "import socket, os; s = socket.create_connection(('127.0.0.1', %d)); s.sendall(%r); print(flush=True); " \
        "s.recv(1 << 20); input()" % (PORT, frame("subscripe", "mortal") + half)
    with Child([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.process.stdout.readline()
        one.publish("mortal", "before", "the death")
        wait_until(lambda: "the death" in two.seen, lambda: two.seen)
        child.process.kill()
        child.process.wait(10)
    one.publish("mortal", "still", "alive")
    for client in (one, two):
        wait_until(lambda: "alive" in client.seen, lambda: client.seen)
    expect(one.ping(), True)
    in_parallel(one.close, two.close)


@check
def fifty_clients_see_one_order():
    clients = in_parallel(*[lambda: original(PORT)] * 50)
    in_parallel(*[lambda client=client: join(client, "crowd") for client in clients])
    for client in clients:
        client.got = []
        client.add_room_event_callback("crowd", "m", client.got.append)
    in_parallel(*[
        lambda number=number, client=client: [client.publish("crowd", "m", [number, turn]) for turn in range(3)]
        for number, client in enumerate(clients)
    ])
    for client in clients:
        wait_until(lambda: len(client.got) >= 150, lambda: "150 messages; got %d" % len(client.got), 20)
        expect(client.got, clients[0].got)
    for number in range(50):
        expect([turn for who, turn in clients[0].got if who == number], [0, 1, 2])
    in_parallel(*[client.close for client in clients])


@check
def a_client_comes_back_by_start_after_close():
    client = original(PORT)
    join(client, "again")
    client.close()
    expect(client.is_connected(), False)
    client.start()
    expect(client.is_connected(), True)
    join(client, "again")
    client.close()


@check
def a_stopping_server_says_shutdown_and_ends():
    one, two = in_parallel(*[lambda: original(PORT)] * 2)
    join(one, "end")
    raw = Raw(PORT).join("end")
    os.kill(SERVER.pid, signal.SIGTERM)
    expect(raw.until("shutdown"), {"event": "shutdown", "content": "now"})
    raw.send(frame("shutdown", "confirmed"))
    assert raw.ended()
    wait_until(lambda: not one.is_connected() and not two.is_connected(), "clients to notice the end", 12)
    expect(SERVER.process.wait(12), 0)


main()
