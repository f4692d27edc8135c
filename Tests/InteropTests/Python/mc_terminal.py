# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""`belfry missioncommander cli` in a real terminal, which is tmux: typed at, looked at."""

import shlex
import shutil

from harness import *


class Terminal:
    """A shell in a terminal of its own, on a tmux server of its own; both end with the block."""

    def __init__(self, columns=100, rows=30, state=None, shell="sh"):
        self.name = "belfry-%d-%s" % (os.getpid(), os.urandom(3).hex())
        # Not among the user's own sockets, where a dead one would stay.
        self.folder = tempfile.mkdtemp(prefix="belfry-tmux-")
        self.state = state or tempfile.mkdtemp(prefix="belfry-state-")
        self.owns_state = state is None
        # A shell without a start-up file, and a prompt that is none of ours.
        shell = "env -i PATH=%s PS1='shell# ' TERM=screen HOME=%s XDG_STATE_HOME=%s %s" % (
            shlex.quote(os.environ.get("PATH", "/usr/bin:/bin")), shlex.quote(self.state), shlex.quote(self.state), shell)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-s", self.name, shell)
        self.sees("shell#")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-session", "-t", self.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.owns_state:
            shutil.rmtree(self.state, ignore_errors=True)

    def tmux(self, *arguments):
        result = subprocess.run(["tmux", "-u", "-S", self.folder + "/socket", *arguments], capture_output=True, timeout=20, text=True)
        expect((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def keys(self, *names):
        """Keys by tmux's names: Left, Up, BSpace, Enter, C-c."""
        self.tmux("send-keys", "-t", self.name, *names)

    def type(self, text):
        self.tmux("send-keys", "-t", self.name, "-l", text)

    def screen(self):
        """The rows, without blanks at their ends and without empty ones at the end."""
        return [row.rstrip() for row in self.tmux("capture-pane", "-p", "-t", self.name).rstrip("\n").split("\n")]

    def last(self):
        rows = [row for row in self.screen() if row]
        return rows[-1] if rows else ""

    def sees(self, text):
        wait_until(lambda: text in "\n".join(self.screen()), lambda: "%r on:\n%s" % (text, "\n".join(self.screen())))

    def ends_with(self, *rows):
        """Waits until the last rows are these."""
        wait_until(lambda: [row for row in self.screen() if row][-len(rows):] == list(rows),
                   lambda: "%r at the end of:\n%s" % (rows, "\n".join(self.screen())))

    def start(self, *arguments):
        command = [OPTIONS.belfry, "missioncommander", "cli", "--io", OPTIONS.io, *arguments]
        self.type("clear; " + shlex.join(command) + "; echo status $?")
        self.keys("Enter")
        self.ends_with(">")
        return self

    def line(self, text, answer):
        self.type(text)
        self.keys("Enter")
        self.ends_with(("> " + text).rstrip(), *([answer] if answer is not None else []), ">")


@check
def lines_are_edited_and_remembered():
    with Terminal() as terminal:
        terminal.start()
        terminal.type("clint foo")
        terminal.keys("Left", "Left", "Left", "Left", "Left", "Left")
        terminal.type("e")
        terminal.ends_with("> client foo")
        terminal.keys("Enter")
        terminal.ends_with("> client foo", "client: Unknown verb foo", ">")
        terminal.line("server status", "Stopped")
        terminal.keys("Up", "Up")
        terminal.ends_with("> client foo")
        terminal.keys("BSpace", "BSpace", "BSpace")
        terminal.type("get port")
        terminal.keys("Enter")
        terminal.ends_with("> client get port", "None", ">")
        terminal.line("", None)
        terminal.keys("C-d")
        terminal.sees("status 0")


@check
def letters_of_all_scripts_are_edited():
    with Terminal() as terminal:
        terminal.start()
        terminal.type("client set client_id Z\u00fcri-\u4e16\u754c")
        terminal.keys("Left", "BSpace")
        terminal.type("\u00e9")
        terminal.keys("Enter")
        terminal.ends_with("> client set client_id Z\u00fcri-\u00e9\u754c",
                           "Set client field client_id to Z\u00fcri-\u00e9\u754c", ">")
        terminal.line("client get client_id", "Z\u00fcri-\u00e9\u754c")


@check
def control_c_ends_quietly_and_restores_the_terminal():
    with Terminal() as terminal:
        terminal.start()
        terminal.type("half a li")
        terminal.ends_with("> half a li")
        terminal.keys("C-c")
        terminal.ends_with("> half a li", "status 0", "shell#")
        terminal.type("stty -a | grep -ow -e -icanon -e -echo -e -isig; echo modes $?")
        terminal.keys("Enter")
        terminal.ends_with("modes 1", "shell#")


@check
def quit_ends_with_status_0():
    with Terminal() as terminal:
        terminal.start()
        terminal.type("quit")
        terminal.keys("Enter")
        terminal.ends_with("> quit", "Exiting", "status 0", "shell#")


@check
def history_outlives_the_session_and_is_the_owners_alone():
    with Terminal() as terminal:
        terminal.start()
        terminal.line("server status", "Stopped")
        terminal.keys("C-d")
        terminal.sees("status 0")
        file = os.path.join(terminal.state, "belfry", "missioncommander_history")
        expect(oct(os.stat(file).st_mode & 0o777), "0o600")
        with open(file) as lines:
            expect(lines.read(), "server status\n")
        # More than is kept: cut when it is read.
        with open(file, "w") as lines:
            lines.write("".join("client get port %d\n" % number for number in range(5000)))
        os.chmod(file, 0o644)
        terminal.start()
        terminal.keys("Up")
        terminal.ends_with("> client get port 4999")
        terminal.keys("Enter")
        terminal.ends_with("> client get port 4999", "None", ">")
        with open(file) as lines:
            expect([line for line in lines][0::1000], ["client get port 4000\n", "client get port 4999\n"])
        expect(oct(os.stat(file).st_mode & 0o777), "0o600")


@check
def a_history_that_can_not_be_written_harms_nothing():
    with tempfile.NamedTemporaryFile() as file, Terminal(state=file.name) as terminal:
        terminal.start()
        terminal.line("server status", "Stopped")
        terminal.keys("Up")
        terminal.ends_with("> server status")
        terminal.keys("C-c")
        terminal.sees("status 0")


@check
def a_new_size_is_noticed():
    with Terminal(columns=60) as terminal:
        terminal.start()
        terminal.tmux("resize-window", "-t", terminal.name, "-x", "100", "-y", "30")
        text = "client set client_id " + "x" * 70
        terminal.type(text)
        terminal.ends_with("> " + text)
        terminal.keys("Home")
        terminal.type(" ")
        terminal.ends_with(">  " + text)


@check
def a_stopped_program_goes_on_with_its_line():
    with Terminal(shell="bash --norc --noprofile -i") as terminal:
        terminal.start()
        terminal.type("client sta")
        terminal.ends_with("> client sta")
        terminal.keys("C-z")
        terminal.sees("Stopped")
        terminal.type("fg")
        terminal.keys("Enter")
        terminal.ends_with("> client sta")
        terminal.type("tus")
        terminal.keys("Enter")
        terminal.ends_with("> client status", "STATE_NEEDS_INIT, STATE_NOT_CONNECTED", ">")


@check
def messages_are_shown_above_the_line_being_edited():
    with Terminal() as terminal:
        terminal.start()
        terminal.line("server set interface 127.0.0.1", "Set server field interface to 127.0.0.1")
        port = free_port()
        terminal.line("server set port %d" % port, "Set server field port to %d" % port)
        terminal.line("server start", "server: Started")
        with Terminal() as other:
            other.start()
            other.line("client set address 127.0.0.1", "Set client field address to 127.0.0.1")
            other.line("client set port %d" % port, "Set client field port to %d" % port)
            other.line("client set client_id Someone", "Set client field client_id to Someone")
            other.line("client connect", "client: Connected")
            other.type("client sta")
            other.ends_with("> client sta")
            # The first may leave before the server knows the client.
            def arrived():
                terminal.line("server send Echo '{\"text\": \"\\u001b[31mhi\"}'", "server: Sent message Echo")
                terminal.type("clear")
                terminal.keys("C-l", "C-u")
                return "client: Received message Echo" in "\n".join(other.screen())
            wait_until(arrived, "the message to be shown")
            wait_until(lambda: other.last() == "> client sta", lambda: "the line at the end of " + repr(other.screen()))
            assert "client: Received message Echo {\"text\": \"\\u001b[31mhi\"}" in other.screen(), other.screen()
            other.type("tus")
            other.keys("Enter")
            other.ends_with("> client status", "STATE_OK, STATE_RUNNING, STATE_CONNECTED", ">")
            other.keys("C-c")
            other.sees("status 0")
        terminal.keys("C-c")
        terminal.sees("status 0")


main()
