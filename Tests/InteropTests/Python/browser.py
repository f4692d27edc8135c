# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The browser client and its pages in a headless Chromium.

    browser.py [--server 'COMMAND … {port}'] [--screenshots FOLDER] [--only PART]
"""

import signal

from chromium import OWN, RESOURCES, PageServer, Tab, client, picture, run
from harness import check, expect, free_port

DUPLEX = RESOURCES.parents[2] / "Examples" / "DuplexBroadcast" / "index.html"

# What setup was called with; then list(), listType, connectionType, the number in list('mix'), list('flat').
SETUPS = [
    ("", "127.0.0.1:8001", "mix", "broadcast", 1, "127.0.0.1:8001"),
    ("'127.0.0.1'", "127.0.0.1:8001", "mix", "broadcast", 1, "127.0.0.1:8001"),
    ("'127.0.0.1:8002'", "127.0.0.1:8002", "mix", "broadcast", 1, "127.0.0.1:8002"),
    ("'127.0.0.1', 8001", "127.0.0.1:8001", "mix", "broadcast", 1, "127.0.0.1:8001"),
    ("'127.0.0.1', '8001'", "127.0.0.1:8001", "mix", "broadcast", 1, "127.0.0.1:8001"),
    ("'127.0.0.1:8001', 'broadcast'", "127.0.0.1:8001", "mix", "broadcast", 1, "127.0.0.1:8001"),
    ("'127.0.0.1:8001', 'overflow'", "127.0.0.1:8001", "mix", "overflow", 1, "127.0.0.1:8001"),
    ("'127.0.0.1', [8001, 8002]", "127.0.0.1:8001,127.0.0.1:8002", "mix", "broadcast", 2, "AddressException"),
    ("['a', 'b'], [1, 2]", "a:1,a:2,b:1,b:2", "mix", "broadcast", 4, "a:1,b:2"),
    ("['a', 'b'], [1, 2], 'mix', 'broadcast'", "a:1,a:2,b:1,b:2", "mix", "broadcast", 4, "a:1,b:2"),
    ("['a', 'b'], [1, 2], 'flat', 'broadcast'", "a:1,b:2", "flat", "broadcast", 4, "a:1,b:2"),
    ("['a', 'b'], [1, 2], 'overflow', 'flat'", "a:1,b:2", "flat", "overflow", 4, "a:1,b:2"),
    ("['a', 'b'], [1, 2], 'broadcast'", "a:1,a:2,b:1,b:2", "mix", "broadcast", 4, "a:1,b:2"),
    ("['a', 'b', 'c'], [1, 2, 3, 4], 'broadcast'", None, "mix", "broadcast", 12, "AddressException"),
    ("{local: ['a', 1], dev: ['b', 2]}", "a:1,b:2", "flat", "broadcast", 4, "a:1,b:2"),
    ("{local: {ip: 'a', port: 1}, dev: {ip: 'b', port: '2'}}", "a:1,b:2", "flat", "broadcast", 4, "a:1,b:2"),
    ("{local: ['a', 1], dev: ['b', 2]}, 'mix'", "a:1,a:2,b:1,b:2", "mix", "broadcast", 4, "a:1,b:2"),
    ("'127.0.0.1:8001', 8002", "127.0.0.1:8002", "mix", "broadcast", 1, "127.0.0.1:8002"),
    ("'127.0.0.1:8001', [8002]", "127.0.0.1:8002", "mix", "broadcast", 1, "127.0.0.1:8002"),
    ("['a:1', 'b:2']", "a:1,b:2", "flat", "broadcast", 4, "a:1,b:2"),
    ("['a', 'b']", "a:8001,b:8001", "mix", "broadcast", 2, "AddressException"),
    ("['a', 'b'], 'flat'", "a:8001,b:8001", "flat", "broadcast", 4, "a:8001,b:8001"),
    ("'ws://127.0.0.1:8003'", "127.0.0.1:8003", "mix", "broadcast", 1, "127.0.0.1:8003"),
    ("'ws://127.0.0.1'", "127.0.0.1:8001", "mix", "broadcast", 1, "127.0.0.1:8001"),
    ("'wss://example.org:8443/chat?x=1'", "wss://example.org:8443/chat?x=1", "mix", "broadcast", 1, None),
    ("'ws://example.org/chat', 81", "ws://example.org:81/chat", "mix", "broadcast", 1, None),
    ("'[::1]:8004'", "[::1]:8004", "mix", "broadcast", 1, "[::1]:8004"),
    ("'ws://[2001:db8::1]'", "[2001:db8::1]:8001", "mix", "broadcast", 1, None),
    ("'::1', 8004", "[::1]:8004", "mix", "broadcast", 1, "[::1]:8004"),
]
BAD_SETUPS = [
    "'a', 1, 'bogus'", "'a:1', 'bogus'", "'a', 1, null, false", "'a', 1, 'mix', 'flat'", "'a:0'", "'a:99999'", "'a', 1.5",
    "'a:x'", "'http://a'", "'a b'", "[1]", "{x: {}}", "7",
]


@check
def setup_understands_every_form():
    with client() as tab:
        for call, entries, list_type, connection_type, mixed, flat in SETUPS:
            found = tab.run("""() => {
                const connection = pocket.socket.setup(%s);
                let flat;
                try { flat = connection.list('flat').toString(); } catch (error) { flat = error.name; }
                const { listType, connectionType } = connection;
                const list = connection.list();
                return [list.toString(), list.toArray().join(), listType, connectionType,
                    connection.list('mix').length, flat, connection.isSetup(), connection === pocket.socket.connection];
            }""" % call)
            wanted = [entries or found[0], entries or found[0], list_type, connection_type, mixed, flat or found[5], True, True]
            if found != wanted:
                raise AssertionError("setup(%s): %r is not %r" % (call, found, wanted))
        for call in BAD_SETUPS:
            found = tab.run("""() => {
                pocket.socket.setup('kept:1');
                try { pocket.socket.setup(%s); return 'taken'; } catch (error) {
                    return [error instanceof AddressException, String(error).split(':')[0], pocket.socket.connection.list().toString()];
                }
            }""" % call)
            if found != [True, "AddressException", "kept:1"]:
                raise AssertionError("setup(%s): %r" % (call, found))
    return "%d forms, %d refused" % (len(SETUPS), len(BAD_SETUPS))


@check
def the_connection_object_does_what_it_says():
    with client() as tab:
        expect(tab.run("""() => {
            const { connection } = pocket.socket.setup('127.0.0.1:8001') && pocket.socket;
            const list = connection.list();
            const added = connection.addToList(list, 'b', 2, 'two');
            return [
                JSON.stringify(list), String(added), JSON.stringify(connection.addToList(list, 'b')), list.length,
                connection.getIp(0), connection.getPort(0), connection.getIp(9), connection.list('other').length,
                connection.on('x', () => {}) === connection, pocket.socket.on('x', () => {}) === pocket.socket,
                connection.empty(), connection.isSetup(), connection.list().length,
                ...['a:1', ['a', 1], { ip: 'a', port: 1 }, () => 'a:1'].map((each) => pocket.webSocket.socketString(each)),
                pocket.webSocket.socketString('wss://a'), pocket.webSocket.socketString('a:1', true),
                String(new AddressException('why')), pocket.socket.sendToAll('x').length, pocket.socket.sendToAll(),
                pocket.webSocket.sendJson(undefined, 'x'), pocket.webSocket.getActiveSocket(),
            ];
        }"""), [
            '[{"ip":"127.0.0.1","port":"8001","name":""},{"ip":"b","port":2,"name":"two"}]', "b:2", "{}", 2, "127.0.0.1",
            "8001", None, 0, True, True, True, False, 0, "ws://a:1", "ws://a:1", "ws://a:1", "ws://a:1", "wss://a",
            "wss://a:1", "AddressException:why", 0, False, False, False,
        ])
        for call in ("connect()", "sendTo(null, 'x')", "makeSocket()"):
            expect(tab.run("() => { try { pocket.socket.%s } catch (error) { return error.name } }" % call), "AddressException")


@check
def events_and_receipts_arrive_as_described():
    with PageServer() as server, client() as one, client() as two:
        for tab in (one, two):
            tab.run("""(port) => {
                window.seen = [];
                window.note = (from) => (name, payload) => seen.push([from, name, payload]);
                pocket.socket.setup('127.0.0.1:' + port).on('socket', note('socket')).on('chan', note('chan'))
                    .on('chan', 'evt', note('only')).on('nodot', note('nodot')).on('done', () => { window.done = true }).connect();
            }""", server.port)
            tab.until("seen.some(([, name]) => name === 'open')")
        one.until("seen.some(([, name]) => name === 'connected')")
        expect(one.run("seen.slice(0, 2).map(([, name, payload]) => name === 'open' ? [name, payload.socket.uri, payload.data.type]"
                       " : [name, String(payload[0]), payload[1]])"),
               [["connecting", "127.0.0.1:%d" % server.port, "ws://127.0.0.1:%d" % server.port],
                ["open", "ws://127.0.0.1:%d" % server.port, "open"]])
        two.run("""() => {
            window.receipts = [];
            const [id] = pocket.socket.signal('chan', 'evt', (name, receipt) => receipts.push([name, receipt.messageId === id]));
            pocket.socket.signal('chan', 'evt', 0);
            pocket.socket.signal('chan', 'other', null);
            pocket.socket.sendToAll('nodot', [false]);
            pocket.socket.sendToAll('socket.message', 'milk');
            pocket.webSocket.send('no json');
            pocket.webSocket.send('{"message":5}');
            pocket.webSocket.send('{"socket":"open"}');
            pocket.socket.send('done.done');
        }""")
        one.until("window.done")
        shown = one.run("""seen.filter(([from, , p]) => from !== 'socket' || p.data && typeof p.data === 'string' || p.socket === 'open')
            .map(([from, name, p]) => [from, name ?? null, p.data ?? null, p.__channel ?? null])""")
        expect(shown, [
            ["chan", "evt", {}, "chan"], ["only", "evt", {}, "chan"], ["chan", "evt", 0, "chan"], ["only", "evt", 0, "chan"],
            ["chan", "other", None, "chan"], ["nodot", None, [False], "nodot"], ["socket", "message", "milk", "socket"],
            ["socket", "message", "no json", None], ["socket", "message", '{"message":5}', None],
            ["socket", "message", None, None],
        ])
        two.until("seen.filter(([, name]) => name === 'sent').length === 9")
        expect(two.run("receipts"), [["sent", True]])
        two.run("pocket.socket.close()")
        one.until("seen.some(([, name, p]) => name === 'disconnected' && p.address === '127.0.0.1' && p.port > 0)")
        one.calm()
        two.calm()


@check
def make_socket_calls_back_for_its_own_socket_alone():
    with PageServer() as server, PageServer() as other, client() as tab:
        tab.run("""([one, two]) => {
            window.seen = [];
            window.first = pocket.socket.makeSocket('127.0.0.1:' + one,
                (name, event) => seen.push([name, event.name, event.socket === window.first || name === 'connecting']));
            window.second = pocket.webSocket.connect('127.0.0.1:' + two, (event) => { window.success = event.socket === second });
        }""", [server.port, other.port])
        tab.until("first.connected && second.connected && window.success")
        tab.run("first.sendJson('a.b'); second.sendJson('a.b')")
        tab.until("seen.some(([name]) => name === 'message')")
        tab.run("pocket.webSocket.close(first)")
        tab.until("seen.some(([name]) => name === 'close')")
        name = "127.0.0.1:%d" % server.port
        expect(tab.run("seen"), [[event, name, True] for event in ("connecting", "open", "message", "close")])
        expect(tab.run("[pocket.socket.sockets.length, first.dead, second.connected]"), [1, True, True])


@check
def nothing_is_lost_in_silence():
    port = free_port()
    with client() as tab:
        tab.run("""(port) => {
            window.errors = [];
            window.tries = 0;
            pocket.socket.configure({ reconnect: { delay: 20 }, queue: { messages: 2 } })
                .on('socket', 'reconnect', () => { tries += 1 })
                .on('socket', 'error', (name, error) => { if (error.code) errors.push([error.code, error.undelivered.length]) });
            pocket.socket.setup('127.0.0.1', port).connect();
            window.ids = ['a', 'b', 'c'].map((name) => pocket.socket.signal(name, 'x', (what) => errors.push([name, what])));
        }""", port)
        tab.until("pocket.socket.sockets[0].dead", timeout=30)
        expect(tab.run("ids.map(([id]) => typeof id)"), ["string", "string", "undefined"])
        expect(tab.run("errors"), [["queue-full", 1], ["c", "error"], ["gave-up", 2], ["a", "error"], ["b", "error"]])
        expect(tab.run("tries"), 5)
        expect(tab.run("[pocket.socket.sendToAll('late')[0] ?? 'none', errors.at(-1)]"), ["none", ["not-connected", 1]])
        with PageServer(port):
            tab.run("pocket.socket.connect()")
            tab.until("pocket.webSocket.isConnected()")
            expect(tab.run("[pocket.socket.sockets.length, pocket.socket.sockets[0].attempt]"), [1, 0])


@check
def attempts_wait_longer_and_longer_and_not_all_the_same():
    with client() as tab:
        tab.run("""(port) => {
            window.waits = [];
            pocket.socket.configure({ reconnect: { delay: 10, factor: 2, maxDelay: 40, jitter: 0.5, attempts: 8 } })
                .on('socket', 'reconnect', (name, { delay }) => waits.push(delay));
            pocket.socket.setup('127.0.0.1', port).connect();
        }""", free_port())
        tab.until("waits.length === 8", timeout=30)
        for wait, most in zip(tab.run("waits"), [10, 20] + [40] * 6):
            assert most / 2 <= wait <= most, "%s is not between %s and %s" % (wait, most / 2, most)
        assert len(set(tab.run("waits"))) > 2


@check
def sockets_are_addressed_reopened_and_hooked():
    with PageServer() as one, PageServer() as two, client() as tab, client() as other:
        for each in (tab, other):
            each.run("""(ports) => {
                window.seen = [];
                pocket.webSocket.eventHook(['x', 'y'], (name, { data }, socket) => seen.push([name, data, socket.uri.split(':')[2]]));
                pocket.socket.setup('127.0.0.1', ports, 'broadcast').connect();
            }""", [one.port, two.port])
            each.until("pocket.socket.sockets.every(({ connected }) => connected)")
        tab.run("""() => {
            const [first, second] = pocket.socket.sockets;
            pocket.socket.sendTo(second, 'x.to', 'two');
            pocket.socket.signal('y', 'all', 1, first); // With broadcast the socket is of no account.
        }""")
        other.until("seen.length === 3")
        a, b = str(one.port), str(two.port)
        expect(sorted(other.run("seen"), key=str), sorted([["to", "two", b], ["all", 1, a], ["all", 1, b]], key=str))
        # The same object before and after.
        tab.run("window.again = pocket.socket.sockets[0].reconnect(); again.sendJson('x.queued', 2)")
        other.until("seen.some(([name]) => name === 'queued')")
        expect(tab.run("again === pocket.socket.sockets[0] && again.connected"), True)
        # Another client can not make up a receipt.
        tab.run("""() => {
            window.count = 0;
            pocket.socket.on('z', () => { count += 1 });
        }""")
        other.run("pocket.webSocket.send(JSON.stringify({ socket: 'sent', messageId: 'z' })); pocket.socket.signal('z', 'z')")
        tab.until("count === 2")


@check
def overflow_takes_the_first_that_answers_and_moves_on():
    with PageServer() as first, PageServer() as second, client() as tab:
        away = free_port()
        tab.run("""(ports) => {
            pocket.socket.configure({ reconnect: { delay: 50 } });
            pocket.socket.setup(Array(3).fill('127.0.0.1'), ports, 'overflow', 'flat').connect();
        }""", [away, first.port, second.port])
        for server in (first, second):
            tab.until("(port) => pocket.webSocket.getActiveSocket().uri?.endsWith(':' + port)", server.port)
            expect(tab.run("pocket.socket.sockets.length"), 1)
            if server is first:
                server.stop(signal.SIGKILL)
                tab.run("pocket.socket.signal('kept', 'until then', (name) => { window.kept = name })")
        # Sent before the loss was noticed it counts as unconfirmed: either way it is said.
        tab.until("window.kept !== undefined")


@check
def one_page_broadcasts_to_two_servers():
    with PageServer() as one, PageServer() as two, Tab(DUPLEX.as_uri()) as tab, Tab(DUPLEX.as_uri()) as other:
        for each in (tab, other):
            each.page.get_by_label("Ports").fill("%d, %d" % (one.port, two.port))
            entries = ["127.0.0.1:%d" % one.port, "127.0.0.1:%d" % two.port]
            expect(each.page.locator("#flat li").all_inner_texts(), entries)
            expect(each.page.locator("#mix li").all_inner_texts(), entries + entries)
            each.page.get_by_role("button", name="Connect").click()
            each.until("document.querySelectorAll('#sockets .open').length === 2")
        tab.until("document.getElementById('log').textContent.includes('broadcast-all-connected')")
        tab.page.get_by_label("Say to all servers").fill("milk")
        tab.page.get_by_role("button", name="Send").click()
        other.until("(document.getElementById('log').textContent.match(/says: milk/g) ?? []).length === 2")
        tab.until("(document.getElementById('log').textContent.match(/: sent/g) ?? []).length === 2")
        picture(tab, "duplex-desktop-light")
        one.stop(signal.SIGKILL)
        tab.until("document.querySelectorAll('#sockets .open').length === 1")
        tab.page.get_by_label("Pairs").select_option("mix")
        tab.page.get_by_label("Ports").fill("%d" % two.port)
        expect(tab.page.locator("#flat li").all_inner_texts(), ["The arrays of IPs and of ports differ in length"])
        tab.calm()


@check
def two_tabs_chat_and_see_each_other():
    with PageServer() as server, Tab(server.url) as ann, Tab(server.url) as bob:
        ann.join("Ann")
        bob.join("Bob")
        ann.until("document.getElementById('people').textContent.includes('Bob')")
        bob.until("document.getElementById('people').textContent.includes('Ann')")
        ann.until("document.getElementById('presence').textContent.includes('127.0.0.1:')")
        ann.say("hello Bob")
        bob.hears("hello Bob")
        ann.until("document.querySelector('#log .own .state')?.textContent.includes('sent')")
        bob.say("hello Ann\nhttps://example.org/a?b=c, and so on")
        ann.hears("hello Ann\nhttps://example.org/a?b=c, and so on")
        expect(ann.page.locator("#log a").get_attribute("href"), "https://example.org/a?b=c")
        bob.page.get_by_label("Name of a room to join").fill("Other.room")
        bob.page.keyboard.press("Enter")
        expect(bob.page.locator("#room-name").inner_text(), "other-room")
        expect(bob.texts(), [])
        ann.say("still in the lobby")
        bob.until("document.querySelector('.badge')?.firstChild.textContent === '1'")
        bob.page.keyboard.press("Alt+ArrowUp")
        bob.hears("still in the lobby")
        bob.page.close(run_before_unload=True)
        ann.until("document.getElementById('log').textContent.includes('Bob left')")
        ann.until("document.querySelectorAll('#people li').length === 1")
        ann.until("document.querySelector('#presence .went') !== null")
        ann.calm()
        bob.calm()


@check
def what_others_send_is_never_markup():
    evil = "<img src=x onerror=alert(1)><b>bold</b>"
    with PageServer() as server, Tab(server.url) as ann, client() as other:
        ann.join("Ann", "r&d")
        other.run("(port) => { pocket.socket.setup('127.0.0.1', port).connect() }", server.port)
        other.run("""(evil) => {
            for (const data of [evil, { nick: evil, from: evil, text: evil }, { text: { toString: 1 } }, null, 7, [evil]]) {
                pocket.socket.signal('r&d', 'message', data);
            }
            pocket.socket.signal('r&d', 'hello', { nick: evil, from: 'z', ask: true });
            pocket.socket.signal('r&d', evil, { text: 'javascript:alert(1) https://x"onclick=alert(1)' });
            pocket.socket.signal('r&d', '__proto__', { nick: { a: 1 }, from: ['x'], key: {} });
            pocket.webSocket.send(JSON.stringify({ socket: 'connected', address: evil, port: evil }));
            for (const name of ['open', 'close', 'error', 'connecting', 'reconnect', 'sent', 'disconnected']) {
                pocket.webSocket.send(JSON.stringify({ socket: name }));
            }
            pocket.socket.signal('r&d', 'message', 'the end');
        }""", evil)
        ann.hears("the end")
        expect(ann.texts().count(evil), 2)
        expect(ann.page.locator("img, #log b, .people b").count(), 0)
        expect(ann.page.locator("#people bdi").all_inner_texts().count(evil[:32]), 2)
        expect(ann.page.locator("#status").get_attribute("data-state"), "open")
        ann.calm()


@check
def the_server_dies_and_comes_back_and_both_tabs_go_on():
    phone = Tab(None, 390, 844, color_scheme="dark", is_mobile=True, has_touch=True, device_scale_factor=2)
    with PageServer() as server, Tab(server.url) as ann, phone as bob:
        bob.page.goto(server.url)
        ann.join("Ann")
        bob.join("Bob")
        ann.say("before")
        bob.hears("before")
        server.stop(signal.SIGKILL)
        for tab in (ann, bob):
            tab.until("document.getElementById('status').dataset.state === 'waiting'")
            tab.page.locator("#banner").wait_for(state="visible")
        ann.say("meanwhile")
        for tab, name in ((ann, "desktop-light"), (bob, "phone-dark")):
            tab.until("document.getElementById('banner-detail').textContent.startsWith('Attempt')")
            picture(tab, "reconnecting-" + name)
        ann.until("document.querySelectorAll('#log .own .state')[1].textContent.includes('waits')")
        with PageServer(server.port):
            bob.connected()
            ann.run("document.getElementById('retry').click()")
            ann.connected()
            ann.until("[...document.querySelectorAll('#log .own .state')].every((each) => each.textContent.includes(', sent'))")
            bob.say("after")
            ann.hears("after")
            ann.say("and on")
            bob.hears("and on")
            expect(ann.page.locator("#banner").is_visible(), False)
            expect([text for text in ann.texts() if text == "after"], ["after"])
            picture(ann, "reconnected-desktop-light")
        ann.calm()
        bob.calm()


@check
def a_phone_has_a_drawer_and_no_sideways_scrolling():
    with PageServer() as server, Tab(server.url, 390, 844, is_mobile=True, has_touch=True) as tab:
        tab.join("Ann")
        tab.say("x" * 3000)
        tab.say("a line\n" * 40)
        tab.hears("x" * 3000)
        picture(tab, "long-phone-light")
        expect(tab.run("document.documentElement.scrollWidth"), 390)
        expect(tab.run("document.getElementById('log').scrollWidth <= 390"), True)
        expect(tab.page.get_by_label("Name of a room to join").is_visible(), False)
        tab.page.get_by_role("button", name="Rooms and people").tap()
        tab.page.get_by_label("Name of a room to join").fill("phone")
        tab.page.get_by_role("button", name="Join the room").tap()
        tab.until("document.getElementById('room-name').textContent === 'phone'")
        tab.until("getComputedStyle(document.getElementById('side')).visibility === 'hidden'")
        tab.page.get_by_role("button", name="Rooms and people").tap()
        tab.page.keyboard.press("Escape")
        expect(tab.run("document.activeElement.id"), "menu")
        tab.calm()


TALK = [
    ("Ann", "Good morning! Is the new build on the test machine?"),
    ("Bob", "Yes, since eight. It has handled 118,000 deliveries a second all night, and nobody lost a message."),
    ("Ann", "Nice."),
    ("Ann", "I put the profile here: https://example.org/profiles/2026-11-21/fan-out?subscribers=1000&bytes=128"),
    ("Bob", "Thanks, I will look at it after lunch 🍲"),
    ("Zoë", "Has anybody tried it on a phone yet? Mine shows everything, even "
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft."),
    ("Bob", "One thing after the other:\n1. phones\n2. screen readers\n3. lunch"),
    ("Ann", "שלום also works, and so does العربية."),
]


@check
def it_is_fit_to_be_seen():
    if not OWN.screenshots:
        return "no --screenshots"
    shapes = [("desktop", {"width": 1280, "height": 800}),
              ("phone", {"width": 390, "height": 844, "is_mobile": True, "has_touch": True, "device_scale_factor": 2})]
    with PageServer() as server, Tab(server.url) as bob, Tab(server.url) as zoe:
        bob.join("Bob")
        zoe.join("Zoë")
        for shape, size in shapes:
            for scheme in ("light", "dark"):
                with Tab(server.url, color_scheme=scheme, **size) as ann:
                    name = "%s-%s" % (shape, scheme)
                    picture(ann, "welcome-" + name)
                    ann.join("Ann", "engine-room")
                    picture(ann, "empty-" + name)
                    ann.run("() => { location.hash = 'lobby' }")
                    ann.until("document.querySelectorAll('#people li').length === 3")
                    for nick, text in TALK:
                        {"Ann": ann, "Bob": bob, "Zoë": zoe}[nick].say(text)
                        ann.hears(text)
                    ann.until("[...document.querySelectorAll('.own .state')].every((each) => each.textContent.includes(', sent'))")
                    picture(ann, "chat-" + name)
                    if shape == "phone":
                        ann.page.get_by_role("button", name="Rooms and people").tap()
                        ann.until("getComputedStyle(document.getElementById('side')).transform === 'none'")
                        picture(ann, "drawer-" + name)


run()
