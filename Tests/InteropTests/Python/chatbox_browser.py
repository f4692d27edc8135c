# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""ChatBox's page in a headless Chromium; the box is driven through the interop peer."""

import pathlib
import shutil

from harness import *
from playwright.sync_api import sync_playwright

FOLDER = tempfile.TemporaryDirectory()


class Chromium(Child):
    """A browser of our own, with a profile that goes when it goes."""

    def __init__(self):
        program = os.environ.get("BELFRY_TEST_CHROMIUM") or shutil.which("chromium")
        if not program:
            raise AssertionError("no chromium: `.ci/setup test` installs it; or name one in BELFRY_TEST_CHROMIUM")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        super().__init__(
            [program, "--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking",
             "--remote-debugging-port=0", "--user-data-dir=" + self.profile.name, "about:blank"],
            stdout=open(os.devnull, "w"),
        )
        ready = pathlib.Path(self.profile.name, "DevToolsActivePort")
        wait_until(lambda: ready.exists() and ready.read_text().count("\n"), lambda: "Chromium: " + self.log()[-2000:], 30)
        self.endpoint = "http://127.0.0.1:" + ready.read_text().split("\n")[0]

    def __exit__(self, *rest):
        super().__exit__(*rest)
        self.profile.cleanup()


class Box(Peer):
    """A box with its page, where every visitor's partner is 101."""

    def __init__(self, name):
        super().__init__("chatbox50")
        self.do("cb.open", name="b", file=os.path.join(FOLDER.name, name), s1_type="uuid", s2_type="int")
        # The page's access has no partner to name, so the client is made before.
        self.url = "http://127.0.0.1:%d/" % self.do("cb.web", name="b")

    def know(self, token, partner):
        self.do("cb.access", name="b", worker=1, id=token, create=True, other_id=partner)
        self.do("cb.deactivate", name="b", worker=1, id=token)

    def say(self, partner, text):
        self.do("cb.send", name="b", worker=2, id=partner, content=text)

    def heard(self):
        return [event["content"] for event in self.events if event["kind"] == "message" and event["worker"] == 2]


class Tab:
    """A page in a context of its own, whose visitor the box knows."""

    def __init__(self, box, partner, **settings):
        self.context = BROWSER.new_context(**settings)
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.alarms, self.requests = [], []
        self.page.on("pageerror", lambda error: self.alarms.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.alarms.append("dialog " + dialog.message), dialog.dismiss()))
        self.page.on("console", lambda message: self.alarms.append(message.text) if message.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.request.get(box.url)
        self.token = next(cookie["value"] for cookie in self.context.cookies(box.url) if cookie["name"] == "token")
        if partner:
            box.know(self.token, partner)
        self.page.goto(box.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def lines(self, kind):
        return self.page.locator("#message-list ." + kind).all_inner_texts()

    def state(self, wanted, timeout=10):
        find = lambda: self.page.locator("#connection-state").get_attribute("data-state")
        wait_until(lambda: find() == wanted, lambda: "%s, not %s" % (wanted, find()), timeout)

    def hears(self, kind, text):
        wait_until(lambda: text in self.lines(kind), lambda: "%r in %r" % (text, self.lines(kind)))

    def calm(self):
        expect([alarm for alarm in self.alarms if "WebSocket connection to" not in alarm], [])


@check
def visitor_and_service_talk():
    with Box("talk") as box, Tab(box, 101) as tab:
        expect((tab.page.title(), tab.page.locator("h1").inner_text()), ("WebSocket Chat", "Customer service"))
        tab.state("open")
        tab.hears("other", "waiting for response")
        assert any(tab.token in line for line in tab.lines("system")), tab.lines("system")
        field = tab.page.locator("#message-content")
        expect(field.get_attribute("placeholder"), "Input message")
        for text, send in (("by button 世", lambda: tab.page.locator("#send-button").click()),
                           ("by enter", lambda: field.press("Enter"))):
            field.fill(text)
            send()
            tab.hears("you", text)
            expect(field.input_value(), "")
        expect(box.heard()[-2:], ["by button 世", "by enter"])
        box.say(101, "re")
        tab.hears("other", "re")
        # Nothing is sent.
        field.press("Enter")
        box.say(101, "behind nothing")
        tab.hears("other", "behind nothing")
        expect(len(box.heard()), 4)
        expect([url for url in tab.requests if not url.startswith((box.url, "data:"))], [])
        tab.calm()


@check
def text_stays_text():
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script> & "quotes"'
    with Box("evil") as box, Tab(box, 101) as tab:
        tab.state("open")
        tab.page.locator("#message-content").fill(evil)
        tab.page.locator("#message-content").press("Enter")
        tab.hears("you", evil)
        box.say(101, evil)
        tab.hears("other", evil)
        expect(tab.page.locator("#message-list img, #message-list script").count(), 0)
        tab.calm()


@check
def the_page_comes_back_by_itself():
    with Box("again") as box, Tab(box, 101) as tab:
        tab.state("open")
        box.do("cb.deactivate", name="b", worker=2, id=101)
        wait_until(lambda: "connection closed" in tab.lines("system"), "the end")
        tab.state("open", 20)
        wait_until(lambda: box.do("cb.uid", name="b", worker=2, id=101), "the visitor to be back")
        box.say(101, "welcome back")
        tab.hears("other", "welcome back")
        tab.calm()


@check
def a_page_that_is_not_served_says_so():
    with Box("nobody") as box, Tab(box, None) as tab:
        tab.state("closed")
        expect(tab.page.locator("#send-button").is_disabled(), True)
        field = tab.page.locator("#message-content")
        field.fill("kept")
        field.press("Enter")
        expect(field.input_value(), "kept")
        box.know(tab.token, 101)
        tab.state("open", 20)
        field.press("Enter")
        tab.hears("you", "kept")
        tab.calm()


@check
def a_phone_and_the_keyboard_do():
    phone = {"viewport": {"width": 360, "height": 560}, "has_touch": True, "is_mobile": True}
    with Box("phone") as box, Tab(box, 101, **phone) as tab:
        tab.state("open")
        for number in range(40):
            box.say(101, "line %d %s" % (number, "long" * 40))
        tab.hears("other", "line 39 " + "long" * 40)
        wide = tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        expect(wide, 0)
        button = tab.page.locator("#send-button").bounding_box()
        assert button["height"] >= 44 and button["y"] + button["height"] <= 560, button
        # The newest line is in sight.
        list_end = tab.page.evaluate(
            "(list => list.scrollHeight - list.scrollTop - list.clientHeight)(document.getElementById('message-list'))")
        assert list_end < 2, list_end
        tab.page.locator("#message-content").focus()
        tab.page.keyboard.type("typed")
        tab.page.keyboard.press("Tab")
        expect(tab.page.evaluate("document.activeElement.id"), "send-button")
        tab.page.keyboard.press("Enter")
        tab.hears("you", "typed")
        tab.calm()


if __name__ == "__main__":
    with Chromium() as chromium:
        BROWSER = sync_playwright().start().chromium.connect_over_cdp(chromium.endpoint)
        # The harness ends the process without unwinding: the browser is stopped before that.
        leave = os._exit
        os._exit = lambda status: (chromium.__exit__(None, None, None), leave(status))
        main()
