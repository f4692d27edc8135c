# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""What the interop scripts share: children, raw sockets, original clients, checks.

A script registers checks; each prints one JSON line {"check", "ok", "seconds", "detail"}. Every wait is for a
condition and bounded; every child dies with the script.
"""

import argparse
import ctypes
import json
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

EOM = b"_EOM_"
CHECKS = []
FAILED = []


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--belfry", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--io", default="epoll")
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="with the full number of messages and rooms")
    parser.add_argument("--only", default="")
    return parser.parse_args()


# A test runner may have started this with signals blocked; the programs started here are to have them.
signal.pthread_sigmask(signal.SIG_SETMASK, [])
OPTIONS = options()


def check(function):
    CHECKS.append(function)
    return function


def main(side_by_side=False):
    """Runs the checks, one after the other or all at once, and ends the process: listening threads of clients must not
    hold it."""
    chosen = [function for function in CHECKS if not OPTIONS.only or OPTIONS.only in function.__name__]
    if side_by_side:
        threads = [threading.Thread(target=run_check, args=(function,), daemon=True) for function in chosen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        for function in chosen:
            run_check(function)
    os._exit(1 if FAILED else 0)


def run_check(function):
    start = time.monotonic()
    line = {"check": function.__name__.replace("_", " "), "ok": True, "detail": ""}
    try:
        line["detail"] = function() or ""
    except BaseException:
        line["ok"] = False
        line["detail"] = traceback.format_exc(limit=-3)
        FAILED.append(function)
    line["seconds"] = round(time.monotonic() - start, 2)
    # In one write: others may be writing as well.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def wait_until(condition, what, timeout=10.0):
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %s s for: %s" % (timeout, what() if callable(what) else what))
        time.sleep(0.005)


def expect(value, wanted):
    if value != wanted:
        raise AssertionError("%.600r is not %.600r" % (value, wanted))


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


RESERVED = []


def free_port():
    """A port of the kernel's choice. It stays bound while the script runs, so that nobody else is given it; who binds it
    with SO_REUSEADDR, as servers do, may have it all the same, and connections to it are refused until then."""
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    RESERVED.append(reservation)
    return reservation.getsockname()[1]


class Child:
    """A process whose standard error goes to a file; killed by its own id when the block ends."""

    def __init__(self, arguments, environment=None, **pipes):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            arguments, stderr=self.errors, preexec_fn=die_with_parent,
            env=dict(os.environ, **(environment or {})), **pipes
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def log(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def cpu(self):
        """Seconds of processor time so far, by the scheduler's own account of each thread."""
        total = 0
        for task in os.listdir("/proc/%d/task" % self.pid):
            with open("/proc/%d/task/%s/schedstat" % (self.pid, task)) as schedstat:
                total += int(schedstat.read().split()[0])
        return total / 1e9

    def rss(self):
        with open("/proc/%d/statm" % self.pid) as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number=signal.SIGTERM, timeout=15):
        os.kill(self.pid, number)
        return self.process.wait(timeout)


class Server(Child):
    """`belfry serve` on a port of the kernel's choice."""

    def __init__(self, *arguments, log_level="info", **pipes):
        super().__init__(
            [os.path.abspath(OPTIONS.belfry), "serve", "--io", OPTIONS.io, "--loops", str(OPTIONS.loops),
             "--nucosmq", "127.0.0.1:0", "--web", "127.0.0.1:0", "--missioncommander", "127.0.0.1:0",
             "--log-level", log_level, *arguments],
            stdout=subprocess.PIPE, **pipes,
        )
        self.banner = []
        for line in self.process.stdout:
            self.banner.append(line.decode().rstrip("\n"))
            if line.startswith(b"nucosMQ on "):
                self.port = int(line.rsplit(b":", 1)[1])
                return
        raise AssertionError("belfry serve did not start: " + self.log())


class Peer(Child):
    """`belfry-interop-peer`, driven by requests."""

    def __init__(self, system="nucosmq"):
        super().__init__(
            [OPTIONS.peer, system, "--io", OPTIONS.io, "--loops", str(OPTIONS.loops), "--log-level", "info"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.lock = threading.Lock()
        self.answers = {}
        self.events = []
        self.last = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            if "seq" in message:
                self.answers[message["seq"]] = message
            else:
                self.events.append(message)

    def ask(self, op, **fields):
        """Sends a request; returns its number."""
        with self.lock:
            self.last += 1
            line = json.dumps(dict(fields, seq=self.last, op=op)) + "\n"
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
            return self.last

    def answer(self, seq, timeout=15):
        wait_until(lambda: seq in self.answers, "answer %s; log: %s" % (seq, self.log()), timeout)
        return self.answers.pop(seq)

    def do(self, op, **fields):
        answer = self.answer(self.ask(op, **fields))
        if "error" in answer:
            raise AssertionError("%s: %s" % (op, answer["error"]))
        return answer["result"]

    def server(self, name="s", on=("all",), **fields):
        """Opens and starts a server; returns its port."""
        port = free_port()
        self.do("nq.server.open", name=name, ip="127.0.0.1", port=port, **fields)
        for event in on:
            self.do("nq.server.on", name=name, event=event)
        self.do("nq.server.start", name=name)
        return port

    def client(self, name, port, on=("all",), start=True, **fields):
        """Opens a client of the library, and starts it."""
        self.do("nq.client.open", name=name, ip="127.0.0.1", port=port, **fields)
        for event in on:
            self.do("nq.client.on", name=name, event=event)
        if start:
            self.do("nq.client.start", name=name)

    def contents(self, on="event:all", name="s"):
        return [event["content"] for event in self.events if event["on"] == on and event["name"] == name]


def frame(event, content, room=None):
    data = {"event": event, "content": content}
    if room:
        data["room"] = room
    return json.dumps({"data": data}).encode() + EOM


class Raw:
    """A socket that speaks the wire by itself, with a proper reader."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.rest, self.at = b"", 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def raw(self, timeout=10):
        """The next message, without its terminator; None at the end of the stream."""
        self.socket.settimeout(timeout)
        while True:
            end = self.rest.find(EOM, self.at)
            if end >= 0:
                message = self.rest[self.at:end]
                self.at = end + len(EOM)
                return message
            bytes_ = self.socket.recv(1 << 20)
            if not bytes_:
                return None
            self.rest, self.at = self.rest[self.at:] + bytes_, 0

    def next(self, timeout=10):
        message = self.raw(timeout)
        return None if message is None else json.loads(message)["data"]

    def until(self, event, timeout=10):
        """Skips to the next message with this event."""
        while True:
            message = self.next(timeout)
            if message is None or message["event"] == event:
                return message

    def join(self, room):
        """Joins, and knows it: its own message comes back only to a member."""
        self.send(frame("subscripe", room), frame("joined", os.urandom(4).hex(), room))
        assert self.until("joined"), "not let into " + room
        return self

    def ended(self, timeout=10):
        """Reads to the end of the stream; a reset is an end as well."""
        try:
            while self.raw(timeout) is not None:
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        return True

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def healthy(port, room="health"):
    """Two fresh connections still talk."""
    with Raw(port) as one, Raw(port) as two:
        one.join(room)
        two.join(room)
        one.send(frame("are you there", [1], room))
        expect(two.until("are you there")["content"], [1])
        two.send(frame("ping", ""))
        assert two.until("pong")


def original(port, uid="", signature=None, start=True):
    """A client of the package, started; `seen` gets the content of every event."""
    from nucosMQ import NucosClient

    logging.getLogger("nucosClient").setLevel(logging.ERROR)
    answer = (lambda challenge: signature) if signature is not None else None
    client = NucosClient("127.0.0.1", port, uid=uid, on_challenge=answer)
    client.seen = []
    client.add_event_callback("all", client.seen.append)
    if start:
        client.start()
    return client


def original_server(authenticator=None, **arguments):
    """A server of the package, started; `seen` gets the content of every event. One per script: they share all."""
    from nucosMQ import NucosServer

    logging.getLogger("nucosServer").setLevel(logging.ERROR)
    server = NucosServer("127.0.0.1", free_port(), do_auth=authenticator, **arguments)
    server.seen = []
    server.add_event_callback("all", server.seen.append)
    server.start()
    return server


def join(client, room):
    """Subscribes, and knows it."""
    mark = "joined " + os.urandom(4).hex()
    client.subscripe(room)
    client.publish(room, "joined", mark)
    wait_until(lambda: mark in client.seen, "an original client to join " + room)
    return client


def arrives(send, content, client):
    """Sends until an original client has it. An original client that sends does not look how much was taken (the
    wire's specification, section 2), hence the small message behind a large one. One that receives loses a message of
    which it once has all that arrived, unless its read was full; the server's records see to that, but the kernel
    cuts where it likes when its memory is short."""
    for _ in range(15):
        send()
        try:
            return wait_until(lambda: content in client.seen, "", 2)
        except AssertionError:
            continue
    raise AssertionError("a large message did not come through in 15 attempts; the client saw %r"
                         % [str(seen)[:40] for seen in client.seen[-5:]])


def in_parallel(*functions):
    """The results, in order; the first error is raised."""
    results = [None] * len(functions)

    def run(index):
        try:
            results[index] = (functions[index](), None)
        except BaseException as error:
            results[index] = (None, error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for result in results:
        if result is None:
            raise AssertionError("not done within 30 s")
        if result[1]:
            raise result[1]
    return [result[0] for result in results]
