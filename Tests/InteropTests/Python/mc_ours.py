# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Clients of the library and a server of the library, in processes of their own."""

from mc_driver import *

CLIENTS = Driver().__enter__()
SERVERS = Driver().__enter__()
# Killed and started again by their checks.
MORTAL_SERVER = Driver().__enter__()
MORTAL_CLIENT = Driver().__enter__()


def known(servers, server, *names):
    for name in names:
        servers.knows(server, name)


@check
def fifty_clients_are_told_and_do_not_come_back():
    port = SERVERS.server("fifty")
    names = ["fifty %d" % number for number in range(50)]
    in_parallel(*[lambda name=name: CLIENTS.connected(name, port) for name in names])
    known(SERVERS, "fifty", *names)
    for number in range(100):
        SERVERS.send("fifty", "*" if number % 2 else names[number // 2], "n", {"n": number})
    expect(SERVERS.do("mc.server.stop", name="fifty"), True)
    for index, name in enumerate(names):
        wait_until(lambda: CLIENTS.state(name) == ENDED, lambda: CLIENTS.states(name))
        wait_until(lambda: CLIENTS.verbs(name)[-1] == "servershutdown", lambda: CLIENTS.verbs(name))
        expect(CLIENTS.verbs(name).count("servershutdown"), 1)
        # The messages came before the goodbye.
        expect([message["n"] for message in CLIENTS.messages(name, "n")], sorted(list(range(1, 100, 2)) + [2 * index]))
        CLIENTS.went_through(name, [8, 22, 38, 10])
    # A server that starts again finds nobody, until they connect.
    SERVERS.do("mc.server.start", name="fifty")
    for name in names[:5]:
        expect(CLIENTS.do("mc.client.connect", name=name), True)
    known(SERVERS, "fifty", *names[:5])
    for name in names[:5]:
        expect(CLIENTS.do("mc.client.disconnect", name=name), True)
        wait_until(lambda: not SERVERS.send("fifty", name, "x", {}), "the server to forget " + name)


@check
def a_server_that_dies_is_found_again():
    global MORTAL_SERVER
    port = MORTAL_SERVER.server("mortal")
    names = ["survivor %d" % number for number in range(10)]
    for name in names:
        CLIENTS.connected(name, port)
    known(MORTAL_SERVER, "mortal", *names)
    MORTAL_SERVER.__exit__()
    for name in names:
        wait_until(lambda: CLIENTS.state(name) == RECONNECTING, lambda: CLIENTS.states(name))
    MORTAL_SERVER = Driver().__enter__()
    MORTAL_SERVER.server_again("mortal", port)
    known(MORTAL_SERVER, "mortal", *names)
    MORTAL_SERVER.send("mortal", "*", "hello again", {})
    for name in names:
        wait_until(lambda: CLIENTS.messages(name, "hello again"), lambda: CLIENTS.heard(name))
        expect([verb for verb in CLIENTS.verbs(name) if verb != "message"], ["connect", "reconnect"])
        CLIENTS.went_through(name, [8, 22, 38, 150, 38])


@check
def a_client_that_dies_gets_what_was_queued_when_it_is_back():
    global MORTAL_CLIENT
    port = SERVERS.server("queue")
    MORTAL_CLIENT.connected("mortal", port)
    CLIENTS.connected("watch", port)
    known(SERVERS, "queue", "mortal", "watch")
    MORTAL_CLIENT.__exit__()
    # What is sent before the server sees the end may be lost with the connection.
    wait_until(lambda: connections(port) == 1, "the server to see the end")
    for number in range(200):
        expect(SERVERS.send("queue", "*" if number % 2 else "mortal", "n", {"n": number}), True)
    MORTAL_CLIENT = Driver().__enter__()
    MORTAL_CLIENT.connected("mortal", port)
    wait_until(lambda: len(MORTAL_CLIENT.messages("mortal", "n")) == 200, lambda: MORTAL_CLIENT.heard("mortal")[-3:])
    expect([message["n"] for message in MORTAL_CLIENT.messages("mortal", "n")], list(range(200)))
    wait_until(lambda: len(CLIENTS.messages("watch", "n")) == 100, lambda: CLIENTS.heard("watch")[-3:])
    expect([message["n"] for message in CLIENTS.messages("watch", "n")], list(range(1, 200, 2)))


@check
def two_clients_with_one_id_bother_nobody_else():
    port = SERVERS.server("rivals")
    CLIENTS.connected("bystander", port)
    for name in ("rival one", "rival two"):
        CLIENTS.client(name, port, client_id="same")
        CLIENTS.do("mc.client.connect", name=name)
    for name in ("rival one", "rival two"):
        wait_until(lambda: CLIENTS.verbs(name).count("reconnect") >= 3, lambda: CLIENTS.verbs(name))
    known(SERVERS, "rivals", "bystander")
    for name in ("rival one", "rival two"):
        expect(CLIENTS.do("mc.client.disconnect", name=name), True)
    CLIENTS.went_through("bystander", [8, 22, 38])


@check
def large_and_small_messages_keep_their_order():
    port = SERVERS.server("sizes")
    CLIENTS.connected("sizes", port)
    known(SERVERS, "sizes", "sizes")
    sizes = [1_000_000, 0, 100_000, 1, 70_000, 2_000_000, 5, 300_000]
    for number, size in enumerate(sizes):
        SERVERS.send("sizes", "sizes", "size", {"n": number, "text": "x" * size})
    wait_until(lambda: len(CLIENTS.messages("sizes", "size")) == len(sizes), "all messages", 20)
    expect([(m["n"], len(m["text"])) for m in CLIENTS.messages("sizes", "size")], list(enumerate(sizes)))


main(side_by_side=True)
