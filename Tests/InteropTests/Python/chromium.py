# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A headless Chromium, the servers that it talks to, and its tabs.

A script that imports this registers checks and calls `run`. Beside the harness's arguments it takes
`--server 'COMMAND … {port}'`, `--screenshots FOLDER` and `--files FOLDER`, from which the page's files are then taken
instead of those that the server has.

The command starts a server on 127.0.0.1 that serves the chat page at `/` and takes pages of this machine, and files; it is
killed and started again on the same port. Without it `belfry pocketsocket` is the server.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
RESOURCES = HERE.parents[2] / "Sources" / "BelfryPocketsocket" / "Resources"


def own_options():
    """Takes this script's options out of the arguments; the harness reads the others."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server")
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--files", type=pathlib.Path)
    options, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    return options


OWN = own_options()

import harness  # noqa: E402
from harness import OPTIONS, Child, expect, free_port, wait_until  # noqa: E402


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class PageServer(Child):
    """The server under test on a port of its own."""

    def __init__(self, port=None, history=None):
        self.port = port or free_port()
        server = OWN.server or "%s pocketsocket --io %s --loops %d 127.0.0.1 {port}" % (
            OPTIONS.belfry, OPTIONS.io, OPTIONS.loops)
        if history:
            server = ("%s serve --io %s --loops %d --nucosmq 127.0.0.1:0 --missioncommander 127.0.0.1:0"
                      " --web 127.0.0.1:{port} --history %s") % (OPTIONS.belfry, OPTIONS.io, OPTIONS.loops, history)
        command = [word.replace("{port}", str(self.port)) for word in shlex.split(server)]
        super().__init__(command, stdout=open(os.devnull, "w"))
        wait_until(lambda: is_listening(self.port) or self.process.poll() is not None, "the server to listen")
        if self.process.poll() is not None:
            raise AssertionError("the server did not start: " + self.log())

    @property
    def url(self):
        return "http://127.0.0.1:%d/" % self.port


class Chromium(Child):
    """A browser of our own, with a profile that goes when it goes."""

    def __init__(self):
        program = os.environ.get("BELFRY_TEST_CHROMIUM") or shutil.which("chromium")
        if not program:
            raise AssertionError("no chromium: `.ci/setup test` installs it; or name one in BELFRY_TEST_CHROMIUM")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        super().__init__(
            [program, "--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking",
             "--remote-debugging-port=0", "--user-data-dir=" + self.profile.name, "about:blank"]
            # Pages that no server sent are of nowhere, and may not connect to this machine.
            + (["--disable-features=LocalNetworkAccessChecks"] if OWN.files else []),
            stdout=open(os.devnull, "w"),
        )
        ready = pathlib.Path(self.profile.name, "DevToolsActivePort")
        wait_until(lambda: ready.exists() and ready.read_text().count("\n"), lambda: "Chromium: " + self.log()[-2000:], 30)
        self.endpoint = "http://127.0.0.1:" + ready.read_text().split("\n")[0]

    def __exit__(self, *rest):
        super().__exit__(*rest)
        self.profile.cleanup()


class Tab:
    """A page in a context of its own, which must say nothing alarming on its console."""

    def __init__(self, url=None, width=1280, height=800, **settings):
        self.context = CHROMIUM.browser.new_context(viewport={"width": width, "height": height}, **settings)
        self.context.set_default_timeout(10_000)
        if OWN.files:
            self.context.route(re.compile(r"^http://[^/]+/[\w.]*$"), self.from_files)
        self.open()
        if url:
            self.page.goto(url)

    @staticmethod
    def from_files(route):
        """The server must be there all the same: without it a page does not come either."""
        path = OWN.files / (route.request.url.split("/")[-1].split("?")[0] or "index.html")
        kind = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}.get(path.suffix)
        if kind and path.exists():
            route.fulfill(body=path.read_bytes(), content_type=kind + "; charset=utf-8")
        else:
            route.continue_()

    def open(self):
        self.alarms = []
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.alarms.append(str(error)))
        self.page.on("console", lambda message: self.alarms.append(message.text) if message.type == "error" else None)
        self.page.on("dialog", lambda dialog: (self.alarms.append("dialog " + dialog.message), dialog.dismiss()))
        return self.page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrowserError):
            self.context.close()

    def join(self, nick, room="lobby"):
        self.page.get_by_label("Your name", exact=True).fill(nick)
        self.page.get_by_label("Room", exact=True).fill(room)
        self.page.get_by_role("button", name="Join", exact=True).click()
        return self.connected()

    def connected(self, timeout=20):
        self.until("document.getElementById('status').dataset.state === 'open'", timeout=timeout)
        return self

    def say(self, text):
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.get_by_label("Message", exact=True).press("Enter")

    def texts(self):
        return self.page.locator("#log .text").all_inner_texts()

    def hears(self, text, timeout=10):
        wait_until(lambda: text in self.texts(), lambda: "%r in %r" % (text, self.texts()), timeout)

    def until(self, expression, argument=None, timeout=10):
        # Not by the page itself: its content security policy forbids what Playwright would do there.
        wait_until(lambda: self.run(expression, argument), expression, timeout)

    def run(self, script, argument=None):
        return self.page.evaluate(script, argument)

    def calm(self):
        """No alarm but those of connections that were refused while the server was away."""
        expect([alarm for alarm in self.alarms if "WebSocket connection to" not in alarm], [])


def client():
    """A page from a file, with nothing but the client."""
    page = pathlib.Path(CHROMIUM.profile.name, "client.html")
    page.write_text('<!DOCTYPE html><title>client</title><script src="%s"></script>' % (RESOURCES / "pocket.socket.js").as_uri())
    return Tab(page.as_uri())


def picture(tab, name):
    if OWN.screenshots:
        OWN.screenshots.mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=OWN.screenshots / (name + ".png"), animations="disabled")


CHROMIUM = Chromium()


def run():
    """Runs the checks that are registered, and ends the process."""
    with CHROMIUM:
        CHROMIUM.browser = sync_playwright().start().chromium.connect_over_cdp(CHROMIUM.endpoint)
        # The harness ends the process without unwinding: the browser is stopped before that.
        leave = os._exit
        harness.os._exit = lambda status: (CHROMIUM.__exit__(None, None, None), leave(status))
        harness.main()
