# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""`belfry missioncommander` in a pipe: transcripts of its command line, and how it ends."""

import array
import fcntl
import select
import termios

from harness import *

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "README.md")


def command(*arguments):
    return [OPTIONS.belfry, "missioncommander", "cli", "--io", OPTIONS.io, *arguments]


def converse(lines, *arguments, timeout=20):
    """Status and standard output of a whole conversation; nothing may be on standard error."""
    text = lines if isinstance(lines, bytes) else "".join(line + "\n" for line in lines).encode()
    result = subprocess.run(command(*arguments), input=text, capture_output=True, timeout=timeout,
                            preexec_fn=die_with_parent)
    expect(result.stderr.decode(), "")
    return result.returncode, result.stdout.decode()


def transcript(pairs, *arguments):
    """Each line with its answer; None for a line that is not answered."""
    code, output = converse([line for line, _ in pairs], *arguments)
    answers = iter(output.splitlines())
    for line, answer in pairs:
        if answer is not None:
            expect((line, next(answers, "nothing")), (line, answer))
    expect(list(answers), [])
    expect(code, 0)


class CLI(Child):
    """A command line that is asked line by line."""

    def __init__(self, *arguments):
        super().__init__(command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.rest = b""

    def ask(self, line, timeout=10):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.line(timeout)

    def line(self, timeout=10):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.rest:
            readable, _, _ = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))
            assert readable, "no answer within %s s; log: %s" % (timeout, self.log())
            bytes_ = os.read(self.process.stdout.fileno(), 1 << 16)
            assert bytes_, "it ended; log: " + self.log()
            self.rest += bytes_
        answer, self.rest = self.rest.split(b"\n", 1)
        return answer.decode()

    def do(self, pairs):
        for line, answer in pairs:
            expect((line, self.ask(line)), (line, answer))
        return self

    def serve(self):
        """Starts the server on a port of the kernel's choice; returns it."""
        self.do([
            ("server set interface 127.0.0.1", "Set server field interface to 127.0.0.1"),
            ("server set port 0", "Set server field port to 0"),
            ("server start", "server: Started"),
        ])
        return int(self.ask("server get port"))

    def connect(self, port, name="SomeClient"):
        return self.do([
            ("client set address 127.0.0.1", "Set client field address to 127.0.0.1"),
            ("client set port %d" % port, "Set client field port to %d" % port),
            ("client set client_id " + name, "Set client field client_id to " + name),
            ("client connect", "client: Connected"),
        ])

    def end(self):
        self.process.stdin.close()
        expect(self.process.wait(10), 0)
        expect(self.rest + self.process.stdout.read(), b"")
        expect(self.log(), "")


class Original:
    """A client on a bare socket, known by its negotiation."""

    def __init__(self, port, name="raw"):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.send("negotiation", {"id": name})

    def send(self, subject, body):
        body = json.dumps(body).encode()
        header = json.dumps({"length": len(body), "subject": subject}).encode()
        self.socket.sendall(header.ljust(64, b"\0") + body)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                return None
            data += more
        return data

    def next(self):
        header = self.read(64)
        if header is None:
            return None
        header = json.loads(header.rstrip(b"\0"))
        return header["subject"], json.loads(self.read(header["length"]))

    def known(self, cli):
        """Waits until the server of a command line knows this client, and so all that came before it."""
        wait_until(lambda: "Sent" in cli.ask("server send probe {}") and select.select([self.socket], [], [], 0.1)[0],
                   "a client to be known")


class BareServer:
    """A server on a bare socket that takes one client."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.port = self.listener.getsockname()[1]

    def accept(self):
        peer = Original.__new__(Original)
        peer.socket, _ = self.listener.accept()
        peer.socket.settimeout(10)
        return peer


@check
def without_a_word_there_is_the_usage_and_status_2():
    for arguments, status, words in (
        ([], 2, ("USAGE: belfry missioncommander", "cli", "gui")), (["gui"], 1, ("web console",)),
        (["dance"], 64, ("dance",)),
    ):
        result = subprocess.run([OPTIONS.belfry, "missioncommander", *arguments], capture_output=True, timeout=20,
                                text=True, preexec_fn=die_with_parent)
        expect((result.returncode, result.stdout), (status, ""))
        for word in words:
            assert word in result.stderr, result.stderr


@check
def what_it_does_not_understand_is_answered():
    transcript([
        ("", None), ("   ", None),
        ("help", "Command syntax:  {client/server} <verb> [args...]"),
        ("HELP me", "Command syntax:  {client/server} <verb> [args...]"),
        ("foo", "Unknown controller 'foo'"),
        ("client", "client: No verb specified"), ("server", "server: No verb specified"),
        ("client foo", "client: Unknown verb foo"), ("server connect", "server: Unknown verb connect"),
        ("client help", "client: Known verbs: set, get, connect, disconnect, status"),
        ("server help", "server: Known verbs: set, get, start, stop, status, send"),
        ("client set", "client: set: No field specified"), ("client get", "client: get: No field specified"),
        ("client set foo 1", "client: set: Unknown field foo"), ("server get foo", "server: get: Unknown field foo"),
        ("client set port", "client: set port: No value specified"),
        ("client set port abc", "client: set port: abc is not a valid integer"),
        ("server send", "server: send: No subject specified"),
        ("server send echo", "server: send: No payload specified: give a JSON object, such as '{}'"),
        ("client set address 'x", "Unterminated quote: close the ', or write \\' for a plain one"),
        ("quit", "Exiting"),
        ("never read", None),
    ])


@check
def fields_are_set_and_read_and_keep_their_case():
    transcript([
        ("client get address", "None"), ("client get bind_port", "None"), ("server get port", "None"),
        ("client set Client_ID SomeClient", "Set client field client_id to SomeClient"),
        ("client get client_id", "SomeClient"),
        ("CLIENT SET port 30000 surplus", "Set client field port to 30000"), ("client get PORT", "30000"),
        ("client set address 'two words'", "Set client field address to two words"),
        ("client get address", "two words"),
        ("client set bind_port 0", "Set client field bind_port to 0"), ("client get bind_port", "0"),
        ("client set interface lo", "Set client field interface to lo"), ("client get interface", "lo"),
        ("server set interface *", "Set server field interface to *"),
        ("server set interface ''", "Set server field interface to "),
        ("client status", "STATE_NOT_CONNECTED"), ("server status", "Stopped"),
        ("EXIT", "Exiting"),
    ])


@check
def lines_may_end_in_any_way():
    expect(converse(b"help\r\nclient\nserver"), (0, "Command syntax:  {client/server} <verb> [args...]\n"
                                                 "client: No verb specified\nserver: No verb specified\n"))
    expect(converse(b""), (0, ""))
    expect(converse(b"client \xff\nclient set client_id \xc3\xbc\n"),
           (0, "Line is not UTF-8\nSet client field client_id to \u00fc\n"))
    code, output = converse(b"x" * (33 << 20) + b"\nclient\n")
    expect((code, output), (0, "Line is longer than %d bytes\nclient: No verb specified\n" % (32 << 20)))


@check
def a_prompt_is_shown_when_it_is_asked_for():
    expect(converse(["", "client", "quit"], "--prompt"), (0, "> > client: No verb specified\n> Exiting\n"))


@check
def strict_stops_at_the_first_failure():
    expect(converse(["client get port", "client foo", "client get port"], "--strict"),
           (1, "None\nclient: Unknown verb foo\n"))
    expect(converse(["client get port", "", "quit"], "--strict"), (0, "None\nExiting\n"))
    code, output = converse(["client connect", "client get port"], "--strict")
    expect((code, len(output.splitlines())), (1, 1))


@check
def every_answer_comes_at_once():
    with CLI() as cli:
        cli.do([("client get port", "None"), ("server status", "Stopped")])
        cli.end()


@check
def the_readmes_session_is_true():
    with open(README, encoding="utf-8") as readme:
        block = readme.read().split("$ belfry missioncommander cli\n", 1)[1].split("\n\n", 1)[0]
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    port = str(free_port())
    with CLI() as cli:
        asked = 0
        while lines:
            line = lines.pop(0).replace("30000", port)
            assert line.startswith("> "), line
            answer = lines.pop(0).replace("30000", port)
            expect((line, cli.ask(line[2:])), (line, answer))
            asked += 1
        assert asked >= 10, asked
        expect(cli.process.wait(10), 0)
        expect(cli.log(), "")


@check
def server_and_client_talk_between_two_command_lines():
    with CLI() as server, CLI() as client:
        port = server.serve()
        client.connect(port)
        client.do([("client status", "STATE_OK, STATE_RUNNING, STATE_CONNECTED")])
        server.do([
            ("server status", "Running"),
            ("server send Echo '{\"message\": \"Hello!\"}'", "server: Sent message Echo"),
            ("server send 'two words' {}", "server: Sent message 'two words'"),
        ])
        # What arrives is not shown in a pipe: the next line is the answer.
        client.do([("client get port", str(port)), ("client disconnect", "client: Disconnected"),
                   ("client status", "STATE_OK, STATE_NOT_CONNECTED")])
        client.do([("client connect", "client: Connected")])
        # A client that has not said who it is yet is not told of the end.
        witness = Original(port)
        witness.known(server)
        witness.socket.close()
        server.do([("server stop", "server: Stopped"), ("server status", "Stopped")])
        wait_until(lambda: client.ask("client status") == "STATE_OK, STATE_NOT_CONNECTED", "the client to hear of it")
        server.do([("server start", "server: Started"), ("server status", "Running")])
        client.end()
        server.end()


@check
def messages_leave_as_they_were_typed():
    with CLI() as server:
        port = server.serve()
        client = Original(port)
        body = {"text": "it's \"quoted\" \u00fc\u4e16", "list": [1, 2.5, None]}
        client.known(server)
        expect(client.next(), ("probe", {}))
        quoted = "'" + json.dumps(body).replace("'", "'\"'\"'") + "'"
        server.do([("server send Echo " + quoted, "server: Sent message Echo")])
        message = client.next()
        while message == ("probe", {}):
            message = client.next()
        expect(message, ("Echo", body))
        # The server waits for its clients to close, and it has only this one.
        client.socket.close()
        server.end()


def reason(cli, line, *words):
    """The line fails, and the answer has these words."""
    answer = cli.ask(line)
    place = " ".join(line.split()[:1]) + ": " + line.split()[1]
    assert answer.startswith(place), answer
    for word in words:
        assert word in answer, (answer, word)


@check
def what_fails_says_why_and_what_helps():
    with CLI() as cli:
        reason(cli, "client connect", "Address not set", "client set address")
        cli.ask("client set address 127.0.0.1")
        reason(cli, "client connect", "Port not set", "client set port")
        reason(cli, "client set port 0", "Port", "65535")
        closed = free_port()
        cli.ask("client set port %d" % closed)
        reason(cli, "client connect", "Client ID not set", "client set client_id")
        cli.ask("client set client_id SomeClient")
        reason(cli, "client disconnect", "not connected")
        reason(cli, "client connect", "127.0.0.1:%d" % closed)
        assert "STATE_CONNECTED" not in cli.ask("client status")
        reason(cli, "server start", "Interface not set", "server set interface")
        cli.ask("server set interface 127.0.0.1")
        reason(cli, "server start", "Port not set", "server set port")
        reason(cli, "server stop", "server start")
        reason(cli, "server send Echo {}", "server start")
        reason(cli, "server set port 65536", "65535")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            cli.ask("server set port %d" % taken.getsockname()[1])
            reason(cli, "server start", "in use")
            expect(cli.ask("server status"), "Stopped")
        port = cli.serve()
        reason(cli, "server start", "running")
        reason(cli, "server set port 1", "stopped")
        reason(cli, "server send Echo {message: 1}", "JSON object", "quotes")
        reason(cli, "server send Echo [1]", "JSON object")
        reason(cli, "server send %s {}" % ("s" * 60), "subject")
        cli.connect(port)
        reason(cli, "client connect", "already connected")
        reason(cli, "client set port 1", "disconnect")
        cli.end()


@check
def a_link_that_breaks_comes_back():
    server = BareServer()
    with CLI() as cli:
        cli.connect(server.port)
        first = server.accept()
        expect(first.next(), ("negotiation", {"id": "SomeClient"}))
        first.socket.close()
        second = server.accept()
        expect(second.next(), ("negotiation", {"id": "SomeClient"}))
        wait_until(lambda: cli.ask("client status") == "STATE_OK, STATE_RUNNING, STATE_CONNECTED", "the link to stand")
        cli.end()
        expect(second.next(), ("shutdown", {}))


def stopped(end):
    """Server and client say goodbye when the command line ends like this."""
    elsewhere = BareServer()
    with CLI() as cli:
        client = Original(cli.serve())
        cli.connect(elsewhere.port)
        server = elsewhere.accept()
        expect(server.next(), ("negotiation", {"id": "SomeClient"}))
        client.known(cli)
        end(cli)
        expect(server.next(), ("shutdown", {}))
        server.socket.close()
        message = client.next()
        while message == ("probe", {}):
            message = client.next()
        expect(message, ("shutdown", {}))
        client.socket.close()
        expect(cli.process.wait(10), 0)
        expect(cli.log(), "")
        return (cli.rest + cli.process.stdout.read()).decode()


@check
def client_and_server_stop_at_the_end_of_the_input():
    expect(stopped(lambda cli: cli.process.stdin.close()), "")


@check
def client_and_server_stop_when_told_to_quit():
    def quit(cli):
        cli.process.stdin.write(b"quit\n")
        cli.process.stdin.flush()

    expect(stopped(quit), "Exiting\n")


@check
def signals_end_it_quietly_and_in_order():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        expect(stopped(lambda cli: os.kill(cli.pid, number)), "")


@check
def nobody_who_reads_the_answers_ends_it():
    with CLI() as cli:
        cli.do([("client get port", "None")])
        cli.process.stdout.close()
        cli.process.stdin.write(b"client get port\n")
        cli.process.stdin.flush()
        expect(cli.process.wait(10), 0)


@check
def a_reader_that_stops_reading_holds_nobody_up():
    with CLI() as cli:
        # More answers than a pipe holds: it waits, and can be ended all the same.
        def fill():
            try:
                cli.process.stdin.write(b"client set address " + b"x" * 4000 + b"\n" * 200)
                for _ in range(100):
                    cli.process.stdin.write(b"client get address\n")
                cli.process.stdin.flush()
            except BrokenPipeError:
                pass
        threading.Thread(target=fill, daemon=True).start()
        wait_until(lambda: pending(cli.process.stdout) > 60_000, "the pipe to be full")
        os.kill(cli.pid, signal.SIGINT)
        expect(cli.process.wait(10), 0)


def pending(pipe):
    """Bytes that wait in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


main()
