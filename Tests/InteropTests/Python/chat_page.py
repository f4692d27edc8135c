# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The chat page on return, after cuts, by keyboard and on a phone; and the browser client's resuming, in Chromium.

    chat_page.py [--screenshots FOLDER] [--only PART]
"""

import pathlib
import signal
import socket
import tempfile
import threading

from chromium import PageServer, Tab, client, picture, run
from harness import check, expect, free_port, wait_until
from plain_server import PlainServer

PHONE = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
# What a finger should hit: of what is visible, but for links in a text.
SMALL_TARGETS = """[...document.querySelectorAll('button, input, textarea, select')].flatMap((each) => {
    const { width, height } = each.getBoundingClientRect();
    const isShown = each.checkVisibility({ visibilityProperty: true }) && !each.closest('[inert]');
    return isShown && (width < 44 || height < 44) ? [`${each.id || each.className}: ${width}x${height}`] : [];
})"""


class Cut:
    """A way to a server that can be cut, and is whole again at once."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", self.to))
            self.pairs += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for each in (one, other):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for each in pairs:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def hide(tab, is_hidden):
    tab.run("""(isHidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
        document.dispatchEvent(new Event('visibilitychange'));
    }""", is_hidden)


def is_sent(tab):
    tab.until("[...document.querySelectorAll('.own .state')].every((each) => each.textContent.includes(', sent'))")


def comes_back(ann, server, nick="Ann"):
    """A page that was closed is opened again, as by the same person later."""
    ann.page.close(run_before_unload=True)
    ann.open().goto(server.url)
    return ann.join(nick)


# ---- The client -------------------------------------------------------------------------------------------------------


@check
def a_cut_loses_nothing_and_doubles_nothing():
    with PageServer() as server, client() as tab, client() as other:
        way = Cut(server.port)
        tab.run("""(port) => {
            Object.assign(window, { heard: [], starts: [], gaps: [], raw: [] });
            pocket.socket.configure({ reconnect: { delay: 5, attempts: Infinity } })
                .on('count', 'up', (name, { data }) => heard.push(data))
                .on('socket', 'resume', (name, { recovered, lost }) => starts.push([recovered, lost]))
                .on('socket', 'gap', (name, gap) => gaps.push(gap));
            pocket.socket.setup('127.0.0.1', port).connect();
            pocket.socket.sockets[0].addEventListener('message', ({ data }) => raw.push(data));
        }""", way.port)
        other.run("(port) => { pocket.socket.setup('127.0.0.1', port).connect() }", server.port)
        for each in (tab, other):
            each.until("pocket.webSocket.isConnected() && pocket.socket.sockets[0].position !== null")
        expect(tab.run("[pocket.socket.sockets[0].url, pocket.socket.sockets[0].uri]"),
               ["ws://127.0.0.1:%d/" % way.port, "ws://127.0.0.1:%d" % way.port])
        for turn in range(6):
            # Some are said before the cut, some during it, some after.
            other.run("(from) => { for (let n = from; n < from + 50; n += 1) pocket.socket.signal('count', 'up', n) }", turn * 100)
            way.cut()
            other.run("(from) => { for (let n = from; n < from + 50; n += 1) pocket.socket.signal('count', 'up', n) }", turn * 100 + 50)
            tab.run("pocket.socket.signal('own', 'word', %d)" % turn)
            tab.until("(count) => heard.length >= count", (turn + 1) * 100)
        tab.until("starts.length === 7")
        expect(tab.run("heard"), list(range(600)))
        expect(tab.run("starts"), [[True, 0]] * 7)
        expect(tab.run("gaps"), [])
        # Listeners to texts see what the other said, to the byte, and not what the two programs have to say.
        expect(tab.run("raw.filter((each) => each.includes('\"at\"') || each.includes('resume'))"), [])
        tab.calm()


@check
def what_can_not_be_made_up_for_is_said():
    port = free_port()
    with client() as tab:
        tab.run("""(port) => {
            Object.assign(window, { starts: [], gaps: [] });
            pocket.socket.configure({ reconnect: { delay: 20, attempts: Infinity }, resume: { fallback: false } })
                .on('socket', 'resume', (name, { recovered, epoch }) => starts.push([recovered, epoch]))
                .on('socket', 'gap', (name, gap, socket) => gaps.push([gap.lost, gap.socket === socket, gap.before.epoch, gap.position.epoch]));
            pocket.socket.setup('127.0.0.1', port).connect();
        }""", port)
        for count in (1, 2):
            with PageServer(port) as server:
                tab.until("(count) => starts.length === count", count)
                server.stop(signal.SIGKILL)
            tab.until("!pocket.webSocket.isConnected()")
        (first, old), (second, new) = tab.run("starts")
        expect([first, second], [True, False])
        expect(tab.run("gaps"), [[None, True, old, new]])


@check
def servers_that_know_nothing_of_it_are_served_as_before():
    with PlainServer() as plain, PlainServer(refuses_queries=True) as strict, client() as tab:
        tab.run("""([first, second]) => {
            Object.assign(window, { raw: [], seen: [] });
            pocket.socket.configure({ reconnect: { delay: 20 } }).on('socket', (name, payload) => seen.push(name));
            window.one = pocket.socket.makeSocket('127.0.0.1:' + first);
            window.two = pocket.socket.makeSocket('127.0.0.1:' + second);
            one.onmessage = two.onmessage = ({ data }) => raw.push(data);
        }""", [plain.port, strict.port])
        tab.until("one.connected && two.connected")
        expect(plain.targets, ["/?resume"])
        expect(strict.targets, ["/?resume", "/"])
        # Who sends what looks like an offer, or has a number, is no server that resumes.
        for text in ('{"message":"a.b","at":3}', '{"socket":"resume","epoch":"1","offset":4,"at":1}', '{"at":0}', '{"at":0}'):
            plain.say(text)
            strict.say(text)
        tab.until("raw.length === 8")
        expect(tab.run("[one.position, two.position]"), [None, None])
        plain.drop()
        tab.until("seen.includes('reconnect') && one.connected")
        expect(plain.targets, ["/?resume", "/?resume"])


# ---- The page ---------------------------------------------------------------------------------------------------------


@check
def who_comes_back_finds_what_was_said_and_what_is_new():
    with PageServer() as server, Tab(server.url) as ann, Tab(server.url) as bob:
        ann.join("Ann")
        bob.join("Bob")
        ann.say("first")
        bob.hears("first")
        bob.say("second")
        ann.hears("second")
        # Reloading keeps everything and everybody; nothing of it is new.
        ann.page.reload()
        ann.connected()
        ann.hears("second")
        expect(ann.texts(), ["first", "second"])
        expect(ann.page.locator("#log .own .text").all_inner_texts(), ["first"])
        expect(ann.page.locator("#log .message time").count(), 2)
        expect(ann.page.locator("#new-line").count(), 0)
        ann.until("document.querySelectorAll('#people li').length === 2")
        # Let the page note how far it was read: it does when it goes.
        ann.page.close(run_before_unload=True)
        bob.until("document.getElementById('log').textContent.includes('Ann left')")
        bob.say("third")
        bob.say("fourth")
        is_sent(bob)
        ann.open().goto(server.url)
        ann.join("Ann")
        ann.hears("fourth")
        expect(ann.texts(), ["first", "second", "third", "fourth"])
        line = ann.run("""[...document.querySelectorAll('#log > li')].map((each) =>
            each.id === 'new-line' ? 'line' : each.querySelector('.text')?.textContent).filter(Boolean)""")
        expect(line, ["first", "second", "line", "third", "fourth"])
        picture(ann, "history-desktop-light")
        ann.say("fifth")
        bob.hears("fifth")
        expect(ann.page.locator("#new-line").count(), 0)
        ann.calm()
        bob.calm()


@check
def history_outlives_the_server_with_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder, "history.db"))
        server = PageServer(history=path)
        with server, Tab(server.url) as ann, Tab(server.url) as bob:
            ann.join("Ann")
            bob.join("Bob")
            ann.say("before")
            bob.hears("before")
            is_sent(ann)
            bob.page.close(run_before_unload=True)
            server.stop()
            ann.until("document.getElementById('status').dataset.state === 'waiting'")
            with PageServer(server.port, history=path) as again:
                bob.open().goto(again.url)
                bob.join("Bob").hears("before")
                bob.say("meanwhile")
                is_sent(bob)
                ann.run("document.getElementById('retry').click()")
                ann.connected()
                ann.hears("meanwhile")
                expect(ann.texts(), ["before", "meanwhile"])
                expect("missing" in ann.page.locator("#log").inner_text(), False)
                comes_back(ann, again).hears("meanwhile")
                expect(ann.texts(), ["before", "meanwhile"])
                bob.say("after")
                ann.hears("after")
                ann.calm()
                bob.calm()


@check
def without_a_file_a_restart_is_said_to_have_lost_what_was_kept():
    server = PageServer()
    with server, Tab(server.url) as ann:
        ann.join("Ann")
        ann.say("before")
        is_sent(ann)
        server.stop(signal.SIGKILL)
        ann.until("document.getElementById('status').dataset.state === 'waiting'")
        expect(ann.page.locator("#status").get_attribute("role"), "status")
        expect(ann.page.locator("#status-text").inner_text(), "Reconnecting…")
        with PageServer(server.port) as again, Tab(again.url) as bob:
            bob.join("Bob")
            bob.say("meanwhile")
            is_sent(bob)
            ann.run("document.getElementById('retry').click()")
            ann.connected()
            ann.hears("meanwhile")
            expect(ann.page.locator("#status-text").inner_text(), "Connected")
            expect(ann.texts(), ["before", "meanwhile"])
            ann.until("document.getElementById('log').textContent.includes('may be missing')")
            picture(ann, "restarted-desktop-light")
            comes_back(ann, again).hears("meanwhile")
            expect(ann.texts(), ["meanwhile"])


@check
def older_messages_come_as_one_scrolls_up():
    with tempfile.TemporaryDirectory() as folder:
        with PageServer(history=str(pathlib.Path(folder, "h.db"))) as server, client() as other:
            other.run("""(port) => {
                pocket.socket.configure({ queue: { messages: 2000 } }).setup('127.0.0.1', port).connect();
                for (let n = 0; n < 1500; n += 1) pocket.socket.signal('lobby', 'message', { from: 'z', nick: 'Zoë', text: `no. ${n}` });
                pocket.socket.signal('lobby', 'message', 'the end', () => { window.isDone = true });
            }""", server.port)
            other.until("window.isDone")
            with Tab(server.url) as ann:
                ann.join("Ann").hears("the end")
                assert len(ann.texts()) < 500, len(ann.texts())
                ann.page.locator("#log").focus()
                wait_until(lambda: ann.page.keyboard.press("Home") or "no. 0" in ann.texts(), "the first message", 20)
                texts = ann.texts()
                expect(texts, ["no. %d" % n for n in range(len(texts))])
                assert 100 < len(texts) <= 500, len(texts)
                ann.until("document.getElementById('older-item').hidden")
                # What is said meanwhile is not lost, and one is told.
                other.run("pocket.socket.signal('lobby', 'message', 'one more')")
                ann.page.locator("#newer").wait_for(state="visible")
                picture(ann, "older-desktop-light")
                ann.page.keyboard.press("Escape")
                ann.hears("one more")
                expect(ann.texts()[-2:], ["the end", "one more"])
                assert len(ann.texts()) <= 500, len(ann.texts())
                # A key's smooth scroll that is under way does not take the page from its end again.
                ann.until("chat.log.isAtEnd")
                ann.page.locator("#log").focus()
                ann.page.keyboard.press("Home")
                ann.until("!chat.log.isAtEnd")
                ann.page.keyboard.press("Escape")
                # A flood does not fill the document.
                other.run("() => { for (let n = 0; n < 1200; n += 1) pocket.socket.signal('lobby', 'message', `flood ${n}`) }")
                ann.hears("flood 1199", 20)
                expect(ann.texts(), ["flood %d" % n for n in range(700, 1200)])
                ann.calm()


@check
def a_hidden_page_counts_what_is_unread():
    with PageServer() as server, Tab(server.url) as ann, Tab(server.url) as bob:
        ann.join("Ann")
        bob.join("Bob")
        bob.say("seen")
        ann.hears("seen")
        hide(ann, True)
        bob.say("unseen 1")
        bob.say("unseen 2")
        ann.hears("unseen 2")
        expect(ann.page.title(), "(2) #lobby · Belfry chat")
        hide(ann, False)
        expect(ann.page.title(), "#lobby · Belfry chat")
        expect(ann.run("document.getElementById('new-line').nextElementSibling.querySelector('.text').textContent"), "unseen 1")
        ann.page.keyboard.press("Escape")
        expect(ann.page.locator("#new-line").count(), 0)
        hide(ann, True)
        bob.say("unseen 3")
        ann.hears("unseen 3")
        expect(ann.page.title(), "(1) #lobby · Belfry chat")
        expect(ann.run("document.getElementById('new-line').nextElementSibling.querySelector('.text').textContent"), "unseen 3")


@check
def who_is_here_is_who_answers():
    with PageServer() as server, Tab(server.url) as ann, Tab(server.url) as bob, client() as ghost:
        ann.join("Ann")
        bob.join("Bob")
        names = "[...document.querySelectorAll('#people bdi')].map((each) => each.textContent).sort().join()"
        ghost.run("""(port) => {
            pocket.socket.configure({ queue: { messages: 1000 } }).setup('127.0.0.1', port).connect();
            pocket.socket.signal('lobby', 'hello', { from: 'ghost', nick: 'Ghost' });
            for (let n = 0; n < 300; n += 1) pocket.socket.signal('lobby', 'hello', { from: `crowd ${n}`, nick: 'Crowd' });
        }""", server.port)
        ann.until(names + ".includes('Ghost')")
        ann.until("document.getElementById('room-count').textContent === '201 or more people here'")
        # It goes without a word: the server says that somebody went, and who does not answer is gone.
        ghost.page.close()
        for tab in (ann, bob):
            tab.until(names + " === 'Ann,Bob'", timeout=20)  # After a count that was under way.
        expect(ann.page.locator("#room-count").inner_text(), "2 people here")
        bob.page.get_by_role("button", name="Change your name").click()
        bob.page.locator("#nick").fill("Robert")
        bob.page.keyboard.press("Enter")
        ann.until(names + " === 'Ann,Robert'")


@check
def everything_can_be_done_with_keys():
    with PageServer() as server, Tab(server.url) as ann, Tab(server.url) as bob:
        bob.join("Bob")
        press = ann.page.keyboard.press
        focus = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
        # The dialog has the focus, Escape does not get round it.
        press("Escape")
        ann.page.keyboard.type("Ann")
        press("Enter")
        ann.connected()
        expect(ann.run(focus), "text")
        ann.page.keyboard.type("one")
        press("Shift+Enter")
        ann.page.keyboard.type("two")
        press("Enter")
        bob.hears("one\ntwo")
        expect(ann.run("document.getElementById('text').value"), "")
        # From the beginning, with nothing but Tab, everything is reached, in order, and one sees where one is.
        ann.run("() => { document.activeElement.blur(); window.getSelection().removeAllRanges() }")
        ann.page.mouse.click(700, 300)
        ann.run("() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex') }")
        order = []
        for _ in range(12):
            press("Tab")
            where = ann.run(focus)
            order.append(where)
            if where in ("BODY", "send"):
                break
            expect(ann.run("getComputedStyle(document.activeElement).outlineStyle"), "solid")
        wanted = ["skip", "BUTTON", "join-room", "icon-button", "me", "log", "text", "send"]
        expect([each for each in order if each in wanted], wanted)
        # Another room and back, the name, the messages, Escape.
        press("Shift+Tab")
        bob.page.get_by_label("Name of a room to join").fill("side")
        bob.page.keyboard.press("Enter")
        press("Alt+ArrowDown")
        for _ in range(3):
            bob.say("a line\n" * 15)
        bob.page.keyboard.press("Alt+ArrowUp")
        for _ in range(3):
            bob.say("a line\n" * 15)
        ann.until("document.querySelectorAll('#log .message').length === 4")
        press("PageUp")
        ann.until("document.getElementById('log').scrollTop < 600")
        press("Escape")
        ann.until("document.getElementById('newer').hidden")
        expect(ann.run(focus), "text")
        ann.calm()


@check
def a_phone_has_room_for_fingers_and_a_keyboard():
    with PageServer() as server, Tab(server.url, color_scheme="dark", reduced_motion="reduce", **PHONE) as ann:
        expect(ann.run(SMALL_TARGETS), [])
        ann.join("Ann")
        with Tab(server.url) as bob:
            bob.join("Bob")
            for number in range(12):
                ann.say("A line,\nand another.")
            is_sent(ann)
            # The list scrolls, the page does not.
            expect(ann.run("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"), [844, 390])
            for number in range(30):
                bob.say("Message number %d, which is long enough for two lines on a phone, at least on this one." % number)
            ann.until("document.querySelectorAll('#log .message').length === 42")
            picture(ann, "phone-dark")
            expect(ann.run(SMALL_TARGETS), [])
            # A field of 16 pixels is not zoomed into.
            expect(ann.run("[...document.querySelectorAll('input, textarea')].map((each) => getComputedStyle(each).fontSize)"),
                   ["16px"] * 4)
            # The keyboard takes its share: the field and the last message stay in sight.
            ann.page.get_by_label("Message", exact=True).tap()
            ann.page.set_viewport_size({"width": 390, "height": 430})
            for place in ("#text", "#log .message:last-child"):
                ann.until("""(place) => {
                    const { top, bottom } = document.querySelector(place).getBoundingClientRect();
                    return top >= 0 && bottom <= innerHeight;
                }""", place)
            picture(ann, "phone-keyboard-dark")
            ann.page.set_viewport_size({"width": 390, "height": 844})
            ann.page.get_by_role("button", name="Rooms and people").tap()
            ann.until("getComputedStyle(document.getElementById('side')).visibility === 'visible'")
            expect(ann.run(SMALL_TARGETS), [])
            expect(ann.run("document.documentElement.scrollWidth"), 390)
            picture(ann, "phone-drawer-dark")
            expect(ann.run("getComputedStyle(document.getElementById('side')).transitionDuration"), "0s")
            for width in (320, 844):
                ann.page.set_viewport_size({"width": width, "height": 390 if width == 844 else 568})
                expect(ann.run("document.documentElement.scrollWidth"), width)
            ann.calm()


run()
