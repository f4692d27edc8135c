# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""`belfry serve --history`: what is said outlives the program, and a file that fails costs only the history."""

import sqlite3
import urllib.request

from harness import *


def web(server, path):
    """What the web port answers; the port stands in the lines that the program prints."""
    for line in list(server.banner):
        if "the web on" in line:
            break
    else:
        while "the web on" not in (line := server.process.stdout.readline().decode()):
            assert line, server.log()
        server.banner.append(line)
    address = "http://" + line.split("the web on ", 1)[1].split()[0].rstrip("/")
    with urllib.request.urlopen(address + path, timeout=10) as answer:
        return answer.status, answer.read().decode()


def resuming(server, room, position=""):
    """A client that joins from a position, and what it is told first."""
    client = Raw(server.port)
    data = {"event": "subscripe", "content": room, "resume": position}
    client.send(json.dumps({"data": data}).encode() + EOM)
    return client, client.until("resume")["content"]


def wait_until_stored(path, count):
    def stored():
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
            return database.execute(
                "SELECT count(*) FROM message JOIN room ON room.id = message.room WHERE name = 'weather'"
            ).fetchone()[0] >= count
    wait_until(stored, "%d messages in the file" % count)


@check
def what_was_stored_outlives_a_kill_and_a_stop():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "history.db")
        with Server("--history", path) as server:
            client, start = resuming(server, "weather")
            first = start["next"]
            for number in range(200):
                client.send(frame("now", number, "weather"))
            for number in range(200):
                expect(client.until("now")["content"], number)
            wait_until_stored(path, 200)
            server.stop(signal.SIGKILL)
        with sqlite3.connect(path) as database:
            expect(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        with Server("--history", path) as server:
            client, start = resuming(server, "weather", first)
            expect((start["recovered"], start["lost"]), (True, 0))
            for number in range(200):
                message = client.until("now")
                expect((message["content"], message["at"]), (number, number))
            client.send(frame("now", 200, "weather"))
            expect(client.until("now")["at"], 200)
            expect(server.stop(), 0)
        epoch = None
        for _ in range(2):
            with Server("--history", path) as server:
                client, start = resuming(server, "weather")
                # A stop in order goes on in the same epoch.
                assert epoch in (None, start["next"]), (epoch, start)
                epoch = start["next"]
                expect(epoch.split(".")[1], "201")
                expect(server.stop(), 0)


@check
def originals_are_served_as_before():
    with tempfile.TemporaryDirectory() as directory:
        with Server("--history", os.path.join(directory, "history.db")) as server:
            healthy(server.port)
            expect(web(server, "/readyz"), (200, "ready\n"))
            with Raw(server.port).join("plain") as member:
                member.send(frame("now", {"a": 1}, "plain"))
                expect(member.until("now"), {"event": "now", "content": {"a": 1}, "room": "plain"})


@check
def a_bad_file_degrades_the_history_alone():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "history.db")
        with open(path, "wb") as file:
            file.write(b"no database " * 1000)
        with Server("--history", path) as server:
            healthy(server.port)
            status, text = web(server, "/readyz")
            expect(status, 200)
            assert text.startswith("degraded\nhistory: ") and "no SQLite database" in text, text
            wait_until(lambda: "belfry_history_degraded 1" in web(server, "/metrics")[1], "the metric")
            assert "The history is degraded" in server.log(), server.log()
            # Mended, it is used without a restart.
            os.remove(path)
            wait_until(lambda: web(server, "/readyz") == (200, "ready\n"), "the history to be well again")
            client, _ = resuming(server, "weather")
            client.send(frame("now", 1, "weather"))
            wait_until_stored(path, 1)
            expect(server.stop(), 0)
        with open(path, "rb") as file:
            assert file.read(16) == b"SQLite format 3\0"


@check
def a_locked_file_is_told_and_waited_for():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "history.db")
        with Server("--history", path) as server:
            client, _ = resuming(server, "weather")
            client.send(frame("now", 1, "weather"))
            wait_until_stored(path, 1)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            client.send(frame("now", 2, "weather"))
            wait_until(lambda: "locked" in web(server, "/readyz")[1], "word of the lock")
            expect(client.until("now")["content"], 1)
            expect(client.until("now")["content"], 2)
            other.execute("COMMIT")
            other.close()
            wait_until_stored(path, 2)
            wait_until(lambda: web(server, "/readyz") == (200, "ready\n"), "the history to be well again")


@check
def a_full_disk_keeps_what_it_has():
    # A file system of its own that is soon full; only root can make one.
    with tempfile.TemporaryDirectory() as directory:
        mount = ["unshare", "-m", "sh", "-c",
                 'mount -t tmpfs -o size=1m none "$0" && exec "$@"', directory]
        probe = subprocess.run(mount + ["true"], capture_output=True)
        if probe.returncode:
            # Where that is forbidden the limit of the file stands for it, in the unit tests.
            print("no file system could be mounted: " + probe.stderr.decode().strip(), file=sys.stderr)
            return
        path = os.path.join(directory, "history.db")
        arguments = [os.path.abspath(OPTIONS.belfry), "serve", "--io", OPTIONS.io, "--nucosmq", "127.0.0.1:0",
                     "--web", "127.0.0.1:0", "--missioncommander", "127.0.0.1:0", "--history", path]
        with Child(mount + arguments, stdout=subprocess.PIPE) as server:
            server.banner = []
            for line in server.process.stdout:
                server.banner.append(line.decode())
                if line.startswith(b"nucosMQ on "):
                    server.port = int(line.rsplit(b":", 1)[1])
                    break
            client, _ = resuming(server, "weather")
            text = "x" * 10_000
            for number in range(300):
                client.send(frame("now", [number, text], "weather"))
                expect(client.until("now")["content"][0], number)
            wait_until(lambda: "full" in web(server, "/readyz")[1], "word of the disk")
            # Seen from where the file system is mounted.
            look = """if True:
                import json, sqlite3, sys
                database = sqlite3.connect(sys.argv[1])
                print(json.dumps([database.execute("PRAGMA integrity_check").fetchone()[0], [
                    json.loads(row[0])[0] for row in database.execute(
                        "SELECT CAST(payload AS TEXT) FROM message JOIN room ON room.id = message.room "
                        "WHERE name = 'weather' ORDER BY offset")]]))"""
            seen = subprocess.run(["nsenter", "-t", str(server.pid), "-m", sys.executable, "-c", look, path],
                                  capture_output=True, text=True, timeout=20)
            expect((seen.returncode, seen.stderr), (0, ""))
            check, rows = json.loads(seen.stdout)
            expect(check, "ok")
            expect(rows, list(range(len(rows))))
            assert 0 < len(rows) < 300, len(rows)
            healthy(server.port)


main()
