# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""`belfry watchbox` against its wire's captures, clients of the package requests, and the original's browser loop."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
from urllib.parse import parse_qsl, quote, urlencode

import requests

from harness import check, expect, in_parallel, main, wait_until
from watchbox_server import Watchbox

COOKIE = re.compile(r"__wb\.client=[0-9a-f]{32}")
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def encoded(value):
    """The field `text` before the form's own encoding: JSON, percent-encoded as browsers do."""
    return quote(json.dumps(value, ensure_ascii=False, separators=(",", ":")), safe="-_.!~*'()")


class Page:
    """One registered client, by the package requests."""

    def __init__(self, server, *groups, register=True):
        self.url = server.url
        self.session = requests.Session()
        # No proxies and no .netrc of whoever runs this.
        self.session.trust_env = False
        if register:
            expect(self.post("register"), b"wb42")
        for group in groups:
            expect(self.join(group), b"wb31")

    @property
    def uid(self):
        return self.session.cookies.get("__wb.client")

    def answer(self, type, body=None, method="POST", **fields):
        headers = {}
        if body is None and fields:
            body = urlencode(fields, doseq=True)
        if body is not None:
            headers["Content-Type"] = FORM
        return self.session.request(method, self.url + "watchbox.%s.wb" % type, data=body, headers=headers, timeout=40)

    def post(self, type, body=None, **fields):
        answer = self.answer(type, body, **fields)
        expect(answer.status_code, 200)
        # A page's jQuery would parse or run what has another type.
        expect(answer.headers["Content-Type"].split(";")[0] in ("text/html", "text/plain"), True)
        return answer.content

    def join(self, group):
        return self.post("join", group=group)

    def get(self, group, **fields):
        return self.post("get", group=group, **fields)

    def publish(self, value, group):
        return self.post("brdcst", group=group, text=encoded(value))

    def send(self, value):
        return self.post("server", text=encoded(value))

    def drain(self, group):
        found = []
        while (body := self.get(group)) != b"wb00":
            found.append(json.loads(body))
        return found

    def wait(self, *groups, wait=5000, batch=50):
        """A get that waits, for several groups: what came, as pairs; or the code."""
        body = self.post("get", group=list(groups), wait=wait, batch=batch)
        if re.fullmatch(rb"wb\d\d", body):
            return body
        return [(entry["group"], entry["message"]) for entry in json.loads(body)]


# As captured: path, body, answer, and what a get for the same group then says.
CAPTURED = [
    ("get", b"group=foo", b"wb11"),
    ("join", b"group=foo", b"wb31"),
    ("get", b"group=foo", b"wb00"),
    ("brdcst", b"group=foo&text=%2522im%2520here!%2522", b"wb21", b'"im here!"'),
    ("join", b"group=a+b", b"wb31"),
    ("brdcst", b"group=a+b&text=%2522im%2520here!%2520%252B%25C3%25A9%2522", b"wb21", '"im here! +é"'.encode()),
    ("brdcst", b"group=foo&text=%257B%2522a%2522%253A1%252C%2522t%2522%253A%2522%25C3%25A9%252B%2520%252541%2520%2526%2520%253D"
               b"%25E2%2598%2583%2522%257D", b"wb21", '{"a":1,"t":"é+ %41 & =☃"}'.encode()),
    ("brdcst", b"group=foo&text=%22plain+100%25+text%22", b"wb21", b'"plain 100% text"'),
    ("brdcst", b"group=foo&text=%22%25FF%22", b"wb21", '"�"'.encode()),
    ("brdcst", b"group=foo&text=%22%25E2%2598%22", b"wb21", None),
    ("brdcst", b"group=foo&text=%22a%25zz+%25%22", b"wb21", b'"a%zz %"'),
    ("brdcst", b"text=%2522%25C3%25A9%2522&group=%C3%A9", b"wb21"),
    ("brdcst", b"group=foo&text=%5B1%2C++2%5D", b"wb21", b"[1,  2]"),
    ("brdcst", b"group=nobody&text=1", b"wb21"),
    ("join", b"group=", b"wb31"),
    ("brdcst", b"group=&text=1.50", b"wb21", b"1.50"),
    ("server", b"text=%255B%2522_log_%2522%252C%2522internals%2522%252C%2522connected%2522%255D", b"wb22"),
    ("brdcst", b"group=foo&text=wb41", b"wb24"),
    ("brdcst", b"group=foo&text=", b"wb24"),
    ("brdcst", b"group=server&text=1", b"wb24"),
    ("server", b"text=%7B", b"wb24"),
    ("get", b"group=foo", b"wb00"),
    ("register", b"", b"wb42"),
]


@check
def the_wire_is_the_captured_one_byte_for_byte():
    with Watchbox() as server:
        stranger = Page(server, register=False)
        for type in ("get", "join", "brdcst", "server", "zzz"):
            expect(stranger.post(type, b"group=foo&text=1"), b"wb41")
        expect(len(stranger.session.cookies), 0)
        reader, writer = Page(server), Page(server)
        for type, body, wanted, *then in CAPTURED:
            # What is published is read by another member, as the sender may or may not be one of the receivers.
            if type == "join":
                expect(reader.post(type, body), wanted)
            answer = (writer if type in ("brdcst", "server") else reader).post(type, body)
            if answer != wanted:
                raise AssertionError("%s %r: %r is not %r" % (type, body, answer, wanted))
            if then:
                group = dict(parse_qsl(body.decode(), keep_blank_values=True))["group"]
                found = reader.get(group)
                if found != then[0] and then[0] is not None:
                    raise AssertionError("%s %r: a get says %r, not %r" % (type, body, found, then[0]))
        # Nobody has answered yet, or a handler took it.
        expect([writer.send("player 1 joined"), writer.send(["x"]), writer.send(["_log_", "two"])] in (
            [b"wb22"] * 3, [b"wb23"] * 3), True)
    return "%d requests" % len(CAPTURED)


@check
def statuses_and_methods_are_the_originals():
    with Watchbox() as server:
        page = Page(server)
        for method, type, body, status in [
            ("POST", "join", None, 400), ("POST", "join", b"", 400), ("POST", "get", b"text=1", 400), ("POST", "brdcst", b"group=foo", 400),
            ("POST", "server", b"group=foo", 400), ("PUT", "join", b"group=foo", 405), ("DELETE", "get", b"group=foo", 405),
            ("POST", "zzz", b"group=foo", 404), ("GET", "register", None, 200), ("HEAD", "file", None, 200),
        ]:
            answer = page.answer(type, body, method)
            if answer.status_code != status:
                raise AssertionError("%s %s %r: %d is not %d" % (method, type, body, answer.status_code, status))
            if status == 405:
                expect({"GET", "POST"} <= {each.strip() for each in answer.headers["Allow"].split(",")}, True)
        script = Page(server, register=False).answer("file", method="GET")
        expect(script.status_code, 200)
        expect(script.headers["Content-Type"].split(";")[0] in ("text/javascript", "application/javascript"), True)
        expect(b"root.watchbox" in script.content, True)
        expect("Set-Cookie" in script.headers, False)
        # Where a request ends is known: the next one on the same connection is answered, as is a page's first.
        raw = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(3):
            raw.request("POST", "/watchbox.register.wb", headers={"X-Requested-With": "XMLHttpRequest", "Accept": "*/*"})
            answer = raw.getresponse()
            expect((answer.status, answer.read(), answer.getheader("Content-Length")), (200, b"wb42", "4"))
        raw.close()


@check
def cookies_are_the_identity():
    with Watchbox() as server:
        page = Page(server, register=False)
        answer = page.answer("register")
        first, *attributes = answer.headers["Set-Cookie"].split("; ")
        expect(bool(COOKIE.fullmatch(first)), True)
        expect(set(attributes) <= {"Path=/", "HttpOnly", "SameSite=Lax"} and "Path=/" in attributes, True)
        uid = page.uid
        expect(page.join("foo"), b"wb31")
        expect("Set-Cookie" in page.answer("register").headers, False)
        expect(page.get("foo"), b"wb00")
        for unknown in ("deadbeef", uid[:-1], uid + "0", uid.upper() if uid != uid.upper() else "x", "0" * 32, "%00", ""):
            other = Page(server, register=False)
            other.session.headers["Cookie"] = "__wb.client=" + unknown
            expect(other.post("get", b"group=foo"), b"wb41")
            answer = other.answer("register")
            expect(answer.content, b"wb42")
            expect(COOKIE.match(answer.headers["Set-Cookie"]) and uid not in answer.headers["Set-Cookie"], True)
        among = Page(server, register=False)
        among.session.headers["Cookie"] = "theme=dark; __wb.client=%s; __wb.client2=1; x=%%20y" % uid
        expect(among.get("foo"), b"wb00")
        # Two tabs of a browser: one client, one queue, each message to one of them.
        sender, tab = Page(server), Page(server, register=False)
        tab.session.headers["Cookie"] = "__wb.client=" + uid
        for number in range(4):
            sender.publish(number, "foo")
        expect([page.get("foo"), tab.get("foo"), page.get("foo"), tab.get("foo"), page.get("foo")], [b"0", b"1", b"2", b"3", b"wb00"])


@check
def a_queue_keeps_the_newest_fifty():
    with Watchbox() as server:
        reader, writer = Page(server, "foo", "bar"), Page(server)
        for number in range(60):
            expect(writer.publish(number, "foo"), b"wb21")
        writer.publish("its own queue", "bar")
        expect(reader.drain("foo"), list(range(10, 60)))
        expect(reader.drain("bar"), ["its own queue"])
        for number in range(60):
            writer.publish(number, "foo")
        expect(reader.wait("foo", batch=20), [("foo", number) for number in range(10, 30)])
        expect(reader.wait("foo", batch=1000), [("foo", number) for number in range(30, 60)])
    with Watchbox("--list-limit", "3") as server:
        reader, writer = Page(server, "foo"), Page(server)
        for number in range(10):
            writer.publish(number, "foo")
        expect(reader.drain("foo"), [7, 8, 9])


@check
def joining_again_loses_nothing_and_reaches_back_nowhere():
    with Watchbox() as server:
        reader, writer = Page(server), Page(server)
        writer.publish("too early", "foo")
        reader.join("foo")
        expect(reader.get("foo"), b"wb00")
        writer.publish("kept", "foo")
        expect(in_parallel(*[lambda: reader_join(server, reader.uid)] * 8), [b"wb31"] * 8)
        expect(reader.drain("foo"), ["kept"])
        expect(writer.get("foo"), b"wb11")
        expect(reader.get("Foo"), b"wb11")
        return "the sender %s its own messages" % ("gets" if own_message(server) else "does not get")


def reader_join(server, uid):
    tab = Page(server, register=False)
    tab.session.headers["Cookie"] = "__wb.client=" + uid
    return tab.join("foo")


def own_message(server):
    page = Page(server, "own")
    page.publish(1, "own")
    return page.get("own") == b"1"


@check
def the_group_server_is_the_servers():
    with Watchbox() as server:
        page, other = Page(server), Page(server, "server")
        expect(page.get("server"), b"wb11")
        expect(page.join("server"), b"wb31")
        expect(page.get("server"), b"wb00")
        for text in (b"1", b"%2522fake%2522", b"x"):
            expect(other.post("brdcst", b"group=server&text=" + text), b"wb24")
            expect(other.post("brdcst", b"text=" + text + b"&group=%73erver"), b"wb24")
        expect([page.drain("server"), other.drain("server")], [[], []])


@check
def a_get_waits_when_it_is_asked_to():
    with Watchbox("--timeout", "1") as server:
        reader, writer = Page(server, "a", "b"), Page(server)
        start = time.monotonic()
        expect(reader.wait("a", "b", wait=300), b"wb00")
        expect(0.25 < time.monotonic() - start < 3, True)
        for number in range(3):
            writer.publish([number, "é"], "b")
        writer.publish(None, "a")
        expect(sorted(reader.wait("a", "b"), key=str), [("a", None)] + [("b", [number, "é"]) for number in range(3)])
        # Longer than the timeout: who waits is there.
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(reader.wait("a", "b", wait=6000)), daemon=True)
        thread.start()
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            expect(writer.post("register"), b"wb42")
            time.sleep(0.2)
        expect(waiting, [])
        expect(writer.publish("at last", "a"), b"wb21")
        thread.join(10)
        expect(waiting, [[("a", "at last")]])
        # Not a member of one of them: says so at once, and loses nothing.
        expect(reader.wait("a", "elsewhere", wait=30000), b"wb11")
        writer.publish(5, "a")
        expect(reader.wait("elsewhere", "a", wait=30000), b"wb11")
        expect(reader.wait("a", "b"), [("a", 5)])
        # Who hangs up while waiting takes no message along, once the server has seen it.
        with contextlib.suppress(requests.RequestException):
            reader.session.post(server.url + "watchbox.get.wb", data="group=a&wait=30000&batch=9",
                                headers={"Content-Type": FORM}, timeout=0.3)
        time.sleep(0.3)
        writer.publish("not lost", "a")
        expect(reader.wait("a"), [("a", "not lost")])


@check
def who_says_nothing_is_forgotten():
    with Watchbox("--timeout", "1") as server:
        quiet, asking, malformed = Page(server, "foo"), Page(server, "foo"), Page(server, "foo")
        start = time.monotonic()
        old = quiet.uid
        while time.monotonic() - start < 2.2:
            expect(asking.get("foo"), b"wb00")
            # Even what is wrong is a sign of life.
            expect(malformed.answer("join").status_code, 400)
            time.sleep(0.05)
        expect(malformed.get("foo"), b"wb00")
        expect(quiet.get("foo"), b"wb41")
        expect(quiet.post("register"), b"wb42")
        expect(quiet.uid != old, True)
        expect(quiet.get("foo"), b"wb11")


@check
def client_log_lines_go_to_a_file():
    with Watchbox() as server:
        page = Page(server)
        expect(page.send(["_log_", "internals", "connected"]), b"wb22")
        expect(page.send(["_log_", "internals", "forged\nwatchbox : x"]), b"wb22")
        path = os.path.join(server.folder.name, "client.watchbox.log")
        wait_until(lambda: os.path.exists(path), lambda: "the log file in %r" % os.listdir(server.folder.name), 5)

        def lines():
            with open(path) as file:
                return file.read().splitlines()
        wait_until(lambda: len(lines()) >= 2, lambda: "two lines in %r" % lines(), 5)
        first, second = lines()
        wanted = r"watchbox : internals : \d{4}-\d\d-\d\d \d\d:\d\d:\d\d (AM|PM) : %s : connected" % page.uid
        if not re.fullmatch(wanted, first):
            raise AssertionError("%r is not %s" % (first, wanted))
        expect("forged" in second and "watchbox : x" in second, True)


@check
def its_switches_change_it():
    with Watchbox("--deliver-to-sender", "--no-client-logging") as server:
        page, other = Page(server, "foo"), Page(server, "foo")
        expect(page.publish("to all", "foo"), b"wb21")
        expect([page.drain("foo"), other.drain("foo")], [["to all"]] * 2)
        expect(page.send(["_log_", "internals", "connected"]), b"wb24")
        expect(os.listdir(server.folder.name), [])


@check
def two_hundred_clients_get_all_messages_in_order():
    count, messages = 200, 40
    with Watchbox("--timeout", "30") as server:
        ready, failures = threading.Barrier(count + 1), []

        def poll(number):
            try:
                page = Page(server, "all")
                ready.wait(60)
                found = []
                while len(found) < messages:
                    if number % 2:
                        came = page.wait("all", wait=10000)
                        found += [message for _, message in came] if came != b"wb00" else []
                    else:
                        body = page.get("all")
                        if body == b"wb00":
                            time.sleep(0.1)
                        else:
                            found.append(json.loads(body))
                if found != list(range(messages)):
                    failures.append((number, found))
                page.session.close()
            except BaseException as error:
                failures.append((number, repr(error)))
                ready.abort()

        threads = [threading.Thread(target=poll, args=(number,), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        try:
            ready.wait(60)
        except threading.BrokenBarrierError:
            raise AssertionError("%.800r" % failures[:3]) from None
        writer = Page(server)
        start = time.monotonic()
        for number in range(messages):
            expect(writer.publish(number, "all"), b"wb21")
        for thread in threads:
            thread.join(max(0, start + 60 - time.monotonic()))
        expect([thread for thread in threads if thread.is_alive()], [])
        expect(failures, [])
        return "%d deliveries in %.1f s" % (count * messages, time.monotonic() - start)


class Loop:
    """The original's browser loop, by its description: gets are not awaited, answers count in the order they arrive."""

    def __init__(self, server, group, dtime=0.1):
        self.page = Page(server, register=False)
        self.group, self.dtime = group, dtime
        self.registered, self.heard, self.events = False, [], []
        self.lock, self.isOver = threading.Lock(), False
        threading.Thread(target=self.run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.isOver = True

    def run(self):
        while not self.isOver:
            time.sleep(self.dtime)
            if self.registered is True:
                threading.Thread(target=self.ask, daemon=True).start()
            elif self.registered is False:
                self.registered = None
                threading.Thread(target=self.register, daemon=True).start()

    def register(self):
        while not self.isOver:
            time.sleep(1)
            try:
                answer = self.page.post("register")
            except requests.RequestException:
                continue
            if answer == b"wb42":
                self.events.append("reconnect")
                self.registered = True
                return
            if answer != b"wb41":
                return

    def ask(self):
        try:
            answer = self.page.get(self.group)
        except (requests.RequestException, AssertionError):
            answer = b"wb41"
        with self.lock:
            if answer == b"wb11":
                self.page.join(self.group)
            elif answer == b"wb41":
                if self.registered is True:
                    self.registered = False
                    self.events.append("disconnect")
            elif answer != b"wb00":
                self.heard.append(json.loads(answer))


@check
def the_originals_loop_comes_back_after_a_kill():
    with Watchbox() as server, Loop(server, "a b") as loop, Loop(server, "a b") as other:
        writer = Page(server)

        def meet(text):
            """All loops are members: each has heard of it."""
            wait_until(lambda: (writer.publish(text, "a b"), time.sleep(0.15), text in loop.heard and text in other.heard)[2],
                       lambda: "%s in %r" % (text, loop.heard[-3:]), 15)
            wait_until(lambda: len(loop.heard) == (time.sleep(0.4), len(loop.heard))[1], "the queue to be empty")

        meet("there?")
        loop.heard.clear()
        for number in range(10):
            expect(writer.publish(number, "a b"), b"wb21")
        wait_until(lambda: len(loop.heard) == 10, lambda: "ten in %r" % loop.heard)
        expect(loop.heard, list(range(10)))
        expect(loop.events, ["reconnect"])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        wait_until(lambda: loop.events[-1] == other.events[-1] == "disconnect", "the loops to notice")
        with Watchbox(port=server.port):
            wait_until(lambda: loop.events[-1] == other.events[-1] == "reconnect", "the loops to register again")
            expect(writer.publish(1, "a b"), b"wb41")
            expect(writer.post("register"), b"wb42")
            meet("again?")
            expect(loop.events, ["reconnect", "disconnect", "reconnect"])


@check
def what_is_no_request_disturbs_nobody():
    with Watchbox() as server:
        page = Page(server, "foo")
        cookie = ("Cookie: __wb.client=%s\r\n" % page.uid).encode()
        head = b"POST /watchbox.%s.wb HTTP/1.1\r\nHost: x\r\n" + cookie
        form = b"Content-Type: application/x-www-form-urlencoded\r\n"
        for data in [
            b"\x00\xff" * 50, b"POST\r\n\r\n", head % b"get" + b"Content-Length: -1\r\n\r\n",
            head % b"get" + form + b"Content-Length: 99999999999999999999\r\n\r\n",
            head % b"brdcst" + form + b"Content-Length: 500000000\r\n\r\n" + b"group=foo&text=" + b"9" * 100_000,
            head % b"brdcst" + form + b"Content-Length: 20\r\n\r\ngroup=foo",
            head % b"get" + form + b"Content-Length: 38\r\n\r\ngroup=foo&wait=99999999999999999999999",
            head % b"get" + form + b"Content-Length: 33\r\n\r\ngroup=foo&wait=-1&batch=-99999999",
            head % b"get" + form + b"Content-Length: 23\r\n\r\ngroup=foo&wait=x&batch=",
            head % b"%67et" + b"\r\n", head % b"" + b"\r\n", head % b"../get" + b"\r\n",
            head % b"join" + form + b"Content-Length: 11\r\n\r\ngroup=%FF%00",
            head % b"join" + form + b"Content-Length: 11\r\n\r\n%=&&==&;&%&",
        ]:
            with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
                raw.settimeout(10)
                with contextlib.suppress(ConnectionResetError, socket.timeout):
                    while raw.recv(65536):
                        pass
        deep = b"group=foo&text=" + b"%5B" * 20_000
        expect(page.answer("brdcst", deep).content in (b"wb24", b"wb21"), True)
        # The refusal may come, and the connection end, before all of it is sent.
        with contextlib.suppress(requests.ConnectionError):
            large = page.answer("brdcst", b"group=foo&text=" + b"1" * 20_000_000)
            expect(large.status_code == 413 or large.content == b"wb24", True)
        expect(Page(server).publish("well?", "foo"), b"wb21")
        expect(page.drain("foo"), ["well?"])
        expect(server.process.poll(), None)


main()
