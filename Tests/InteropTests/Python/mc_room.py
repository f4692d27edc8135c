# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""nucosMQ clients from PyPI and MissionCommander clients meet in one room of one `belfry serve`."""

from mc_driver import *



def banner(start):
    """The line of what the server tells that begins like this."""
    while not any(line.startswith(start) for line in SERVER.banner):
        line = SERVER.process.stdout.readline().decode()
        assert line, "%r and no line %r" % (SERVER.banner, start)
        SERVER.banner.append(line.rstrip("\n"))
    return [line for line in SERVER.banner if line.startswith(start)][0]


SERVER = Server()
PORT = int(banner("MissionCommander on ").rsplit(":", 1)[1])
ROOM = "missioncommander"
PUBLISHER = join(original(SERVER.port), ROOM)


def told(client, wait=20):
    """Publishes until the client has heard: who has just connected is not in the room at once."""
    mark = os.urandom(4).hex()

    def said():
        PUBLISHER.publish(ROOM, "mark", {"mark": mark})
        time.sleep(0.1)
        return {"mark": mark} in client.messages("mark")
    wait_until(said, lambda: client.received[-3:], wait)
    return client


@check
def what_nucosmq_publishes_reaches_missioncommander_clients():
    clients = [Client("127.0.0.1", PORT, "one"), Client("127.0.0.1", PORT, "two")]
    for client in clients:
        client.connect()
    for client in clients:
        told(client)
    contents = [{"n": number, "t": "hé \U0001F514"} for number in range(20)]
    for content in contents:
        PUBLISHER.publish(ROOM, "weather", content)
    for client in clients:
        wait_until(lambda: len(client.messages("weather")) == 20, lambda: client.received[-3:])
        expect(client.messages("weather"), contents)
    for client in clients:
        expect(client.link.reports, [])
        client.disconnect()


@check
def a_client_of_the_library_hears_it_too():
    with Driver() as driver:
        driver.connected("ours", PORT)

        def said():
            PUBLISHER.publish(ROOM, "to ours", {"a": [1, None]})
            time.sleep(0.1)
            return {"a": [1, None]} in driver.messages("ours", "to ours")
        wait_until(said, lambda: driver.heard("ours"))
        expect(driver.do("mc.client.disconnect", name="ours"), True)


@check
def what_missioncommander_clients_send_reaches_nucosmq():
    talker, listener = Client("127.0.0.1", PORT, "talker"), Client("127.0.0.1", PORT, "listener")
    subscriber = join(original(SERVER.port), ROOM)
    for client in (talker, listener):
        client.connect()
        told(client)
    contents = [{"from": "talker", "n": number, "t": "hé \U0001F514"} for number in range(5)]
    for content in contents:
        talker.send("report", content)
    # One frame a second is how an original sends, more if it receives.
    wait_until(lambda: len(listener.messages("report")) == 5, lambda: listener.received[-3:])
    expect(listener.messages("report"), contents)
    wait_until(lambda: contents[-1] in subscriber.seen, lambda: subscriber.seen[-3:])
    expect([content for content in subscriber.seen if content in contents], contents)
    for client in (talker, listener):
        client.disconnect()
    subscriber.close()


@check
def what_has_no_place_in_a_header_or_is_no_object_arrives_all_the_same():
    with Wire(PORT).negotiate("wire") as client, Raw(SERVER.port).join(ROOM) as publisher:
        client.socket.settimeout(0.2)

        def is_in():
            publisher.send(frame_of("here", 1))
            try:
                return client.next()
            except socket.timeout:
                return None
        wait_until(is_in, "the client to be in the room")
        client.socket.settimeout(15)
        for event, content in (("list", [1, "a", None]), ("text", "hé"), ("null", None), ("number", 1.5), ("", {})):
            publisher.send(frame_of(event, content))
            expect(client.until(event), (event, content))
        for event, content in (("e" * 100, {"a": 1}), ("shutdown please", {}), ("é" * 40, [2])):
            publisher.send(frame_of(event, content))
            if len(event) < 37:
                expect(client.until(event), (event, content))
            else:
                expect(client.until("message"), ("message", {"event": event, "content": content}))


def frame_of(event, content):
    """A nucosMQ message to the room."""
    return json.dumps({"data": {"event": event, "content": content, "room": ROOM}}).encode() + EOM


@check
def other_rooms_are_not_heard():
    client = Client("127.0.0.1", PORT, "three")
    client.connect()
    told(client)
    join(PUBLISHER, "elsewhere")
    PUBLISHER.publish("elsewhere", "secret", {"a": 1})
    told(client)
    expect(client.messages("secret"), [])
    client.disconnect()


@check
def a_stopping_broker_tells_both():
    client = Client("127.0.0.1", PORT, "four")
    client.connect()
    told(client)
    os.kill(SERVER.pid, signal.SIGTERM)
    wait_until(lambda: "servershutdown" in client.events, lambda: client.events)
    wait_until(lambda: not PUBLISHER.is_connected(), "the nucosMQ client to notice", 12)
    expect(SERVER.process.wait(12), 0)
    expect(client.events, ["connect", "servershutdown"])


main()
