# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The Watchbox browser client in a headless Chromium, against `belfry watchbox`.

    watchbox_browser.py [--screenshots FOLDER] [--only PART]

Each tab is a profile of its own. Where it matters the original's browser loop stands beside ours, written anew from
the description of what it does.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright

DEMO = pathlib.Path(__file__).resolve().parents[3] / "Examples" / "WatchboxDemo"


def own_options():
    """Takes this script's options out of the arguments; the harness reads the others."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--screenshots", type=pathlib.Path)
    options, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    return options


OWN = own_options()

from harness import Server, check, expect, join, main, original, wait_until  # noqa: E402
from watchbox_server import Watchbox  # noqa: E402

PAGE = '<!DOCTYPE html><meta charset="utf-8"><title>page</title><script src="/watchbox.file.wb"></script>'

# Before the page's own scripts: what its fetches come to, and a server that knows nothing of waiting.
NOTES = """
    window.posts = [];
    const fetchAsIs = window.fetch;
    window.fetch = async (url, settings) => {
        const note = { type: url.split('.').at(-2), body: String(settings.body ?? '') };
        posts.push(note);
        const response = await fetchAsIs(url, settings);
        note.answer = await response.clone().text();
        return response;
    };
"""
PLAIN = """
    const fetchWaiting = window.fetch;
    window.fetch = (url, settings) => {
        if (url.endsWith('.get.wb')) settings.body = new URLSearchParams({ group: settings.body.get('group') });
        return fetchWaiting(url, settings);
    };
"""

# The loop of the original's page, by its description; $.post converts by the answer's type as jQuery does.
ORIGINAL = """
    const $ = { post(url, fields) {
        const outcome = { done: () => {}, fail: () => {} };
        const request = new XMLHttpRequest();
        request.open('POST', url);
        request.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
        request.onerror = () => outcome.fail();
        request.onload = () => {
            if (request.status < 200 || request.status >= 300) return outcome.fail();
            const type = request.getResponseHeader('Content-Type') ?? '';
            let value = request.responseText;
            try {
                if (/\\bjson\\b/.test(type)) value = JSON.parse(value);
                else if (/\\b(?:java|ecma)script\\b/.test(type)) (0, eval)(value);
                else if (/\\bxml\\b/.test(type)) value = new DOMParser().parseFromString(value, 'text/xml');
            } catch { return outcome.fail(); }
            outcome.done(value);
        };
        const body = Object.entries(fields ?? {}).map(([name, value]) =>
            (encodeURIComponent(name) + '=' + encodeURIComponent(value)).replace(/%20/g, '+')).join('&');
        if (body) request.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded; charset=UTF-8');
        request.send(body || null);
        return { done(f) { outcome.done = f; return this; }, fail(f) { outcome.fail = f; return this; } };
    } };
    const vars = { registered: false, groups: [], level: 3, isLogging: true };
    window.original = {
        init(dtime = 100, level = 3, disconnect = () => {}, reconnect = () => {}) {
            vars.level = level;
            const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
            const lost = () => { vars.registered = false; log(2, 'disconnected'); disconnect(); };
            const connect = async () => {
                vars.registered = null;
                for (;;) {
                    await pause(1000);
                    const answer = await new Promise((resolve) =>
                        $.post('/watchbox.register.wb').done(resolve).fail(() => resolve('wb41')));
                    if (answer === 'wb42') { log(2, 'connected'); reconnect(); vars.registered = true; return; }
                    if (answer !== 'wb41') return;
                }
            };
            (async () => {
                for (;;) {
                    await pause(dtime);
                    if (vars.registered === false) connect();
                    if (vars.registered !== true) continue;
                    for (const [group, callback] of vars.groups) {
                        $.post('/watchbox.get.wb', { group }).done((body) => {
                            if (body == 'wb00') return;
                            if (body == 'wb11') {
                                $.post('/watchbox.join.wb', { group }).done((code) => log(3, 'join response: ' + code));
                            } else if (body == 'wb41') lost();
                            else { log(3, 'from group: ' + group); callback(JSON.parse(body)); }
                        }).fail(() => { if (vars.registered) lost(); });
                    }
                }
            })();
        },
        join(group, callback, onjoin = () => {}) { vars.groups.push([group, callback]); onjoin(); },
        publish(message, group) {
            $.post('/watchbox.brdcst.wb', { group, text: encodeURIComponent(JSON.stringify(message)) })
                .done((code) => log(3, 'message response: ' + code));
        },
        send(message, isLog) {
            $.post('/watchbox.server.wb', { text: encodeURIComponent(JSON.stringify(message)) }).done((code) => {
                if (!isLog) log(3, 'message response: ' + code);
                else if (code === 'wb24') vars.isLogging = false;
            });
        },
    };
    function log(level, text) {
        if (level <= vars.level && vars.isLogging) original.send(['_log_', 'internals', text], true);
    }
"""


class Tab:
    """A page of the server's origin, in a profile of its own, which must throw nothing."""

    def __init__(self, server, scripts=(NOTES,), page=PAGE, width=1000, height=700, **settings):
        self.context = BROWSER.new_context(viewport={"width": width, "height": height}, **settings)
        self.context.set_default_timeout(10_000)
        for script in scripts:
            self.context.add_init_script("{" + script + "}")
        self.page = self.context.new_page()
        self.alarms, self.errors = [], []
        self.page.on("pageerror", lambda error: self.alarms.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        if page:
            self.page.route("**/page.html", lambda route: route.fulfill(body=page, content_type="text/html"))
        self.page.goto(server.url + ("page.html" if page else ""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrowserError):
            self.context.close()

    def run(self, script, argument=None):
        return self.page.evaluate(script, argument)

    def until(self, expression, argument=None, timeout=15):
        wait_until(lambda: self.run(expression, argument),
                   lambda: "%s; last posts %.1500s" % (expression, self.run("JSON.stringify(window.posts?.slice(-12))")), timeout)

    def start(self, options="{}", groups=("foo",)):
        """Our client with callbacks that take notes, joined."""
        self.run("""(groups) => {
            window.heard = []; window.ups = 0; window.downs = 0; window.joins = 0;
            watchbox.init({ disconnect: () => { downs += 1 }, reconnect: () => { ups += 1 }, ...%s });
            for (const group of groups) watchbox.join(group, (value) => { heard.push(value) }, () => { joins += 1 });
        }""" % options, list(groups))
        self.until("joins === %d" % len(groups))
        return self

    def start_original(self):
        self.run("""() => {
            window.heard = []; window.ups = 0; window.downs = 0;
            original.init(100, 3, () => { downs += 1 }, () => { ups += 1 });
            original.join('foo', (value) => { heard.push(value) });
        }""")
        return self

    def hears(self, wanted, timeout=15):
        wait_until(lambda: self.run("heard.length") >= len(wanted), lambda: "%r in %r" % (wanted, self.run("heard")), timeout)
        expect(self.run("heard"), wanted)

    def calm(self):
        """Threw nothing; the console has no errors but those of requests while the server was away."""
        expect(self.alarms, [])
        expect([error for error in self.errors if "Failed to load resource" not in error], [])


@check
def two_profiles_talk_and_come_back_by_themselves():
    with Watchbox() as server, Tab(server) as ann, Tab(server) as bob:
        for tab in (ann, bob):
            tab.start()
        expect(ann.run("watchbox.publish('im here! +é', 'foo')"), "wb21")
        bob.hears(["im here! +é"])
        bob.run("watchbox.publish({ a: 1, t: 'é+ %41 & =☃' }, 'foo')")
        ann.hears([{"a": 1, "t": "é+ %41 & =☃"}])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        for tab in (ann, bob):
            tab.until("downs === 1")
        ann.run("() => { window.late = watchbox.publish('held back', 'elsewhere') }")
        with Watchbox(port=server.port):
            for tab in (ann, bob):
                tab.until("ups === 1")
            expect(ann.run("late"), "wb21")
            # Joined again is what the server says it is: a message can only reach members.
            for tab in (ann, bob):
                tab.until("posts.filter(({ type, answer }) => type === 'join' && answer === 'wb31').length === 2")
            for number in range(5):
                ann.run("(number) => watchbox.publish(number, 'foo')", number)
            bob.run("watchbox.publish('and back', 'foo')")
            bob.hears(["im here! +é", 0, 1, 2, 3, 4])
            ann.hears([{"a": 1, "t": "é+ %41 & =☃"}, "and back"])
            for tab in (ann, bob):
                expect(tab.run("[downs, ups, joins]"), [1, 1, 1])
                tab.calm()


class Everything(Server):
    """`belfry serve`: all protocols on one broker."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        super().__init__(cwd=self.folder.name)
        while not self.banner[-1].startswith("Pocketsocket and the web on "):
            self.banner.append(self.process.stdout.readline().decode().rstrip("\n"))
        self.url = "http://%s/" % self.banner[-1].rsplit(" ", 1)[1]


@check
def watchbox_pocketsocket_and_nucosmq_meet_in_one_room():
    # The second page is the chat, as it is: a page that was not fetched from the server may not connect to it.
    with Everything() as server, Tab(server) as ann, Tab(server, page=None) as bob:
        ann.start(groups=["hall"])
        python = join(original(server.port), "hall")
        bob.run("""() => {
            window.heard = []; window.isOpen = false;
            pocket.socket.setup(location.host).on('hall', (event, message) => heard.push([event, message.data]));
            pocket.socket.on('socket', (event) => { isOpen ||= event === 'open' });
            pocket.socket.connect();
        }""")
        bob.until("isOpen")
        expect(ann.run("watchbox.publish({ from: 'ann' }, 'hall')"), "wb21")
        bob.run("pocket.socket.signal('hall', 'said', { from: 'bob' })")
        python.publish("hall", "spoke", {"from": "python"})
        # The original's own messages, and the marks by which it knows that it is in, are heard by all.
        for content in ({"event": "said", "content": {"from": "bob"}}, {"event": "spoke", "content": {"from": "python"}}):
            ann.until("(content) => heard.some((value) => JSON.stringify(value) === JSON.stringify(content))", content)
        for content in (["", {"from": "ann"}], ["spoke", {"from": "python"}]):
            bob.until("(content) => heard.some((value) => JSON.stringify(value) === JSON.stringify(content))", content)
        for content in ({"from": "ann"}, {"from": "bob"}):
            wait_until(lambda: content in python.seen, lambda: python.seen)
        for tab in (ann, bob):
            tab.calm()
        python.close()


@check
def init_takes_every_order_of_its_arguments():
    with Watchbox() as server:
        for arguments in ("100, down, up", "100, 2, down, up", "{ dtime: 100, disconnect: down, reconnect: up }",
                          "undefined, down, up", "undefined, undefined, down, up"):
            with Tab(server) as tab:
                tab.run("""() => {
                    window.calls = [];
                    const down = () => { calls.push('down') }, up = () => { calls.push('up') };
                    watchbox.init(%s);
                    watchbox.join('foo', () => {}, () => { calls.push('join') });
                }""" % arguments)
                tab.until("calls.length === 1")
                tab.context.clear_cookies()
                expect(tab.run("watchbox.publish(1, 'foo')"), "wb21")
                tab.until("calls.includes('up')")
                expect(tab.run("calls"), ["join", "down", "up"])
                tab.calm()
        with Tab(server) as tab:
            tab.run("() => { watchbox.init(); watchbox.init() }")
            tab.until("posts.some(({ answer }) => answer === 'wb42')")
            expect(tab.run("posts.filter(({ type }) => type === 'register').length"), 1)
            expect(tab.errors, ["[watchbox] already initialised"])


VALUES = [0, "", False, [], [[]], "join", ["join"], "register", "wb00", "wb41", "server", None, True, "0", " ", {}, -1.5, "\u2028\x00",
          "100% +&=?#", "%41%ff", {"group": "foo", "message": 1}, [{"group": "foo", "message": 1}], "😀" * 500]


@check
def every_value_reaches_the_callback():
    with Watchbox() as server, Tab(server) as ann:
        ann.start()
        for scripts in ((NOTES,), (NOTES, PLAIN)):
            with Tab(server, scripts) as bob:
                bob.start()
                if len(scripts) > 1:
                    bob.until("posts.filter(({ type, answer }) => type === 'get' && answer === 'wb00').length > 2")
                for value in VALUES:
                    expect(ann.run("(value) => watchbox.publish(value, 'foo')", value), "wb21")
                bob.hears(VALUES)
                bob.calm()
        expect(ann.run("""async () => {
            const cycle = []; cycle.push(cycle);
            const refused = [];
            for (const value of [undefined, () => {}, Symbol('x'), 1n, cycle]) {
                await watchbox.publish(value, 'foo').then((code) => refused.push(code), (error) => refused.push(error.name));
                await watchbox.send(value).then((code) => refused.push(code), (error) => refused.push(error.name));
            }
            for (const call of [() => watchbox.publish(1, 'server'), () => watchbox.publish(1), () => watchbox.join('x'),
                                () => watchbox.join(undefined, () => {})]) {
                await call().then((code) => refused.push(code), (error) => refused.push(error.name));
            }
            return refused;
        }"""), ["TypeError"] * 14)
        expect(len(ann.errors), 14)
        expect(ann.alarms, [])
        expect(ann.run("posts.filter(({ type }) => type === 'brdcst').length"), 2 * len(VALUES))


@check
def before_init_there_is_one_error_and_no_request():
    with Watchbox() as server, Tab(server) as tab:
        expect(tab.run("""async () => {
            const found = [];
            for (const call of [() => watchbox.join('a', () => {}), () => watchbox.publish(1, 'a'), () => watchbox.send(1)]) {
                await call().catch((error) => found.push(error.message));
            }
            return [...new Set(found), found.length, posts.length];
        }"""), ["not initialised: call watchbox.init() first", 3, 0])
        expect(tab.errors, ["[watchbox] not initialised: call watchbox.init() first"] * 3)
        expect(tab.alarms, [])


@check
def what_is_sent_too_early_is_held_back_within_bounds():
    with Watchbox("--list-limit", "1000") as server, Tab(server) as bob, Tab(server) as ann:
        bob.start()
        outcomes = ann.run("""async () => {
            watchbox.init({ queue: { messages: 20 } });
            const sent = [watchbox.send('player 1 joined')];
            for (let number = 0; number < 30; number += 1) sent.push(watchbox.publish(number, 'foo'));
            return (await Promise.allSettled(sent)).map(({ value }) => value ?? 'refused');
        }""")
        expect(outcomes[0] in ("wb22", "wb23"), True)
        expect(outcomes[1:], ["wb21"] * 19 + ["refused"] * 11)
        bob.hears(list(range(19)))
        expect(len(ann.errors), 11)
        expect(ann.run("""watchbox.publish('x'.repeat(1100000), 'foo').catch(({ message }) => message.slice(0, 8))"""), "Too many")
        expect(ann.alarms, [])


@check
def callbacks_of_a_group_never_overlap():
    with Watchbox("--list-limit", "1000") as server, Tab(server) as ann, Tab(server) as bob:
        ann.start()
        bob.run("""() => {
            Object.assign(window, { heard: [], other: [], running: 0, most: 0, joins: 0, second: [] });
            watchbox.init({ batch: 20, logLevel: 1 });
            watchbox.join('slow', async (value) => {
                running += 1;
                most = Math.max(most, running);
                await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
                running -= 1;
                heard.push(value);
                if (value === 7) throw new Error('of the page');
            }, () => { joins += 1 });
            watchbox.join('slow', (value) => { second.push([value, heard.at(-1), running]) }, () => { joins += 1 });
            watchbox.join('quick', (value) => { other.push(value) }, () => { joins += 1 });
        }""")
        bob.until("joins === 3")
        ann.run("""async () => {
            for (let number = 0; number < 120; number += 1) await watchbox.publish(number, number % 3 ? 'slow' : 'quick');
        }""")
        slow = [number for number in range(120) if number % 3]
        bob.hears(slow)
        expect(bob.run("[other, most]"), [list(range(0, 120, 3)), 1])
        bob.until("second.length === %d" % len(slow))
        expect(bob.run("second"), [[number, number, 0] for number in slow])
        expect([alarm for alarm in bob.alarms if "of the page" in alarm] == bob.alarms and len(bob.alarms), 1)


@check
def groups_that_are_joined_later_are_heard_soon():
    with Watchbox() as server, Tab(server) as ann, Tab(server) as bob:
        ann.start()
        bob.start(groups=["g0"])
        for number in range(1, 8):
            bob.run("""(name) => watchbox.join(name, (value) => { heard.push([name, value]) })""", "g%d" % number)
            ann.run("(name) => watchbox.publish(name, name)", "g%d" % number)
            wait_until(lambda: bob.run("heard.length") == number, "a message of group %d" % number, 6)
        expect(bob.run("heard"), [["g%d" % number, "g%d" % number] for number in range(1, 8)])
        ann.run("watchbox.publish('still', 'g0')")
        bob.until("heard.at(-1) === 'still'", timeout=6)
        bob.run("() => { watchbox.leave('g1'); watchbox.leave('g2') }")
        ann.run("watchbox.publish(1, 'g1'), watchbox.publish(1, 'g2'), watchbox.publish(1, 'g3')")
        bob.until("heard.length === 9", timeout=6)
        expect(bob.run("heard.at(-1)"), ["g3", 1])
        # Never two gets for one group at a time: no group stands in more gets than were answered before the next.
        expect(bob.run("posts.filter(({ type, answer }) => type === 'get' && answer === undefined).length <= 2"), True)
        bob.calm()


@check
def a_page_without_groups_stays_registered():
    with Watchbox("--timeout", "1") as server, Tab(server) as tab:
        tab.run("""() => {
            window.downs = 0;
            watchbox.init({ keepAlive: 300, logLevel: 1, disconnect: () => { downs += 1 } });
        }""")
        tab.until("posts.filter(({ type }) => type === 'register').length > 8")
        expect(tab.run("posts.slice(1).every(({ answer }) => answer === 'wb42' || answer === undefined)"), True)
        expect(len(tab.context.cookies()), 1)
        expect(tab.run("watchbox.send('hello').then((code) => [code === 'wb22' || code === 'wb23', downs])"), [True, 0])
        before = tab.context.cookies()[0]["value"]
        tab.context.clear_cookies()
        tab.context.add_cookies([{"name": "__wb.client", "value": "deadbeef", "url": server.url}])
        expect(tab.run("watchbox.publish('sent again', 'foo')"), "wb21")
        expect(tab.run("posts.filter(({ type }) => type === 'brdcst').map(({ answer }) => answer)"), ["wb41", "wb21"])
        tab.until("downs === 1")
        expect(tab.context.cookies()[0]["value"] not in (before, "deadbeef"), True)
        tab.calm()


@check
def a_waiting_get_keeps_the_registration():
    with Watchbox("--timeout", "1") as server, Tab(server) as ann, Tab(server) as bob:
        bob.start("{ logLevel: 0, wait: 4000, keepAlive: 1e9 }")
        ann.start("{ logLevel: 0, keepAlive: 300 }", groups=["other"])
        bob.until("posts.some(({ answer }) => answer === 'wb00')")
        ann.run("watchbox.publish(1, 'foo')")
        bob.hears([1])
        expect(bob.run("downs"), 0)


@check
def without_waiting_it_polls_as_the_original():
    with Watchbox() as server, Tab(server, (NOTES, PLAIN)) as ann, Tab(server, (NOTES, PLAIN)) as bob:
        ann.start(groups=["foo", "bar"])
        bob.start(groups=["foo", "bar"])
        for number in range(40):
            ann.run("(number) => watchbox.publish(number, 'foo')", number)
        bob.run("watchbox.publish('one', 'bar')")
        ann.hears(["one"])
        bob.hears(list(range(40)))
        expect(bob.run("posts.filter(({ type, body }) => type === 'get' && body === 'group=bar').length > 1"), True)
        for tab in (ann, bob):
            expect(tab.run("[downs, ups]"), [0, 0])
            tab.calm()


@check
def log_lines_go_to_the_server_until_it_wants_none():
    refusing = """
        const fetchLogging = window.fetch;
        window.refusing = false;
        window.fetch = async (url, settings) => {
            const response = await fetchLogging(url, settings);
            return refusing && url.endsWith('.server.wb') ? new Response('wb24') : response;
        };
    """
    with Watchbox() as server, Tab(server, (NOTES, refusing)) as tab:
        tab.start()
        tab.run("watchbox.publish(1, 'foo')")
        lines = """posts.filter(({ type, answer }) => type === 'server' && answer)
            .map(({ body }) => JSON.parse(decodeURIComponent(new URLSearchParams(body).get('text'))))"""
        tab.until("%s.length === 3" % lines)
        expect(tab.run(lines), [["_log_", "internals", text] for text in
                                ("connected", "join response: wb31", "message response: wb21")])
        tab.run("() => { refusing = true }")
        tab.run("watchbox.publish(2, 'foo')")
        tab.until("%s.length === 4" % lines)
        for number in range(5):
            tab.run("watchbox.publish(3, 'foo')")
        expect(tab.run("%s.length" % lines), 4)
        tab.calm()


@check
def odd_answers_are_survived():
    odd = """
        const fetchTruly = window.fetch;
        window.odd = { register: ['oops', '', '"wb42"', 'wb00'] };
        window.fetch = async (url, settings) => {
            const answer = odd[url.split('.').at(-2)]?.shift();
            if (answer === undefined) return fetchTruly(url, settings);
            return typeof answer === 'number' ? new Response('', { status: answer }) : new Response(answer);
        };
    """
    with Watchbox() as server, Tab(server) as ann, Tab(server, (NOTES, odd)) as bob:
        ann.start()
        bob.start("{ retry: 50, wait: 200 }")
        bob.run("() => { odd.get = ['wb99', '{', 500] }")
        bob.until("ups === 1 && downs === 1")
        bob.run("() => { odd.join = ['wb24', 'wb31']; odd.brdcst = [500, 'no code', 413] }")
        expect(bob.run("watchbox.join('full', () => {}).catch(({ message }) => message)"), "The server refuses the group full: wb24")
        for wanted in ("The server answers 500", "The server answers no code", "The server answers 413", "wb21"):
            expect(bob.run("watchbox.publish(1, 'foo').catch(({ message }) => message)"), wanted)
        ann.run("watchbox.publish('well?', 'foo')")
        bob.until("heard.at(-1) === 'well?'")
        expect(bob.run("[downs, ups, joins]"), [1, 1, 1])
        expect(bob.alarms, [])
        expect([error[11:] for error in bob.errors], [
            "register response: oops", "register response: ", 'register response: "wb42"', "register response: wb00",
            "get response: wb99", "what came from group foo is no JSON", "join response: wb24",
            "a message may not have arrived: The server answers 500", "a message may not have arrived: The server answers no code",
            "a message may not have arrived: The server answers 413"])


@check
def the_originals_loop_understands_the_server():
    with Watchbox() as server, Tab(server, (ORIGINAL,)) as one, Tab(server, (ORIGINAL,)) as two, Tab(server) as ours:
        ours.start()
        for tab in (one, two):
            tab.start_original()
        for tab in (one, two):
            tab.until("ups === 1")
        # An original is a member some gets after it is registered.
        wait_until(lambda: (ours.run("watchbox.publish('there?', 'foo')"), two.run("heard.length") and one.run("heard.length"))[1],
                   "both originals to join")
        for tab in (one, two):
            wait_until(lambda: tab.run("heard.length = 0, new Promise((r) => setTimeout(() => r(heard.length), 300))") == 0,
                       "the queue to be empty")
        for number in range(20):
            ours.run("(number) => watchbox.publish({ number }, 'foo')", number)
        # An original asks again without waiting for an answer, so that one may pass another.
        for tab in (one, two):
            tab.until("heard.length >= 20")
            expect(sorted(heard["number"] for heard in tab.run("heard")), list(range(20)))
        one.run("original.publish('im here! +é', 'foo')")
        one.run("original.send('player 1 joined')")
        two.until("heard.at(-1) === 'im here! +é'")
        ours.until("heard.at(-1) === 'im here! +é'")
        expect(one.run("[downs, ups]"), [0, 1])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        one.until("downs === 1")
        with Watchbox(port=server.port):
            for tab in (one, two):
                tab.until("ups === 2")
            wait_until(lambda: (one.run("original.publish('again', 'foo')"), two.run("heard.at(-1) === 'again'"))[1],
                       "the originals to meet again")
        for tab in (one, two, ours):
            expect(tab.alarms, [])


def picture(tab, name):
    if OWN.screenshots:
        OWN.screenshots.mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=OWN.screenshots / (name + ".png"), animations="disabled")


@check
def the_demo_shows_what_is_published():
    shapes = [("desktop", {"width": 1000, "height": 700}),
              ("phone", {"width": 390, "height": 760, "is_mobile": True, "has_touch": True, "device_scale_factor": 2})]
    with Watchbox("--files", str(DEMO)) as server, Tab(server, page=None) as bob:
        for shape, size in shapes:
            for scheme in ("light", "dark"):
                with Tab(server, page=None, color_scheme=scheme, **size) as ann:
                    for tab, name in ((ann, "Ann"), (bob, "Bob")):
                        tab.page.get_by_label("Your name", exact=True).fill(name)
                        tab.until("document.getElementById('status').dataset.state === 'open'")
                    texts = ["Good morning!", "Morning. <b>Is</b> the build on the test machine?",
                             "Yes, since eight. Nobody lost a message, and the whole night it handled "
                             "thousands of them each second. 🍲"]
                    for number, text in enumerate(texts):
                        tab, other = (ann, bob) if number % 2 else (bob, ann)
                        tab.page.get_by_label("Message", exact=True).fill(text)
                        tab.page.get_by_label("Message", exact=True).press("Enter")
                        for each in (tab, other):
                            each.until("(text) => [...document.querySelectorAll('#log .text')].at(-1)?.textContent === text", text)
                    expect(ann.run("document.querySelectorAll('#log .text').length"), len(texts))
                    expect(ann.run("document.documentElement.scrollWidth <= innerWidth"), True)
                    picture(ann, "demo-%s-%s" % (shape, scheme))
                    ann.calm()
        bob.calm()


program = os.environ.get("BELFRY_TEST_CHROMIUM") or shutil.which("chromium")
if not program:
    raise AssertionError("no chromium: `.ci/setup test` installs it; or name one in BELFRY_TEST_CHROMIUM")
PLAYWRIGHT = sync_playwright().start()
BROWSER = PLAYWRIGHT.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-background-networking"])
import harness  # noqa: E402

# The harness ends the process without unwinding: the browser is stopped before that.
leave = os._exit
harness.os._exit = lambda status: (BROWSER.close(), leave(status))
main()
