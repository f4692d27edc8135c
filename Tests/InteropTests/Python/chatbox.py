# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The library's ChatBox, driven through the interop peer, and the original's way with the same files."""

import sqlite3
import uuid

from chatbox_original import OriginalBox, captured
from harness import *

U = "33333333-3333-4333-8333-333333333333"
FOLDER = tempfile.TemporaryDirectory()


class Driver(Peer):
    """`belfry-interop-peer chatbox50`."""

    def __init__(self):
        super().__init__("chatbox50")

    def open(self, file, s1_type="uuid", s2_type="int", name="b"):
        self.do("cb.open", name=name, file=file, s1_type=s1_type, s2_type=s2_type)
        return self

    def cb(self, op, worker, id, **fields):
        return self.do("cb." + op, name=fields.pop("name", "b"), worker=worker, id=id, **fields)

    def fails(self, op, worker, id, **fields):
        answer = self.answer(self.ask("cb." + op, name="b", worker=worker, id=id, **fields))
        if "error" not in answer:
            raise AssertionError("cb.%s gave %r and no error" % (op, answer["result"]))
        return answer["error"]

    def heard(self, *kinds, name="b"):
        """Worker, kind and what else there is, of the events."""
        return [
            tuple(event[key] for key in ("worker", "kind", "id", "sent_by", "content") if key in event)
            for event in list(self.events) if event["name"] == name and (not kinds or event["kind"] in kinds)
        ]

    def close(self, name="b"):
        self.do("cb.close", name=name)


def path(name):
    return os.path.join(FOLDER.name, name)


def texts(rows):
    return [(row["sent_by"], row["content"]) for row in rows]


@check
def what_fires_when():
    with Driver() as driver:
        driver.open(path("fires"))
        expect(driver.cb("access", 1, U, create=True, other_id=101), U)
        expect(driver.heard(), [(2, "create", U), (2, "access", 101)])
        uid = driver.cb("uid", 1, U)
        expect(str(uuid.UUID(uid)), uid)
        expect(driver.cb("uid", 2, 101), uid)
        driver.cb("send", 1, U, content="hello")
        driver.cb("send", 2, 101, content="re")
        wait_until(lambda: len(driver.heard("message")) == 4, "four messages")
        for worker, id in ((1, U), (2, 101)):
            expect([line for line in driver.heard("message") if line[0] == worker],
                   [(worker, "message", id, 0, "hello"), (worker, "message", id, 1, "re")])
            expect(texts(driver.cb("queue", worker, id)), [(0, "hello"), (1, "re")])
            expect(driver.cb("queue", worker, id), [])
            expect(driver.cb("history", worker, id), [])
        driver.cb("deactivate", 2, 101)
        for worker, id in ((1, U), (2, 101)):
            for op in ("uid", "queue", "history"):
                expect(driver.cb(op, worker, id), None)
        assert "notActive" in driver.fails("deactivate", 1, U)
        assert "notActive" in driver.fails("send", 1, U, content="x")
        # A known client: access alone, and its history in no queue.
        expect(driver.cb("access", 2, 101, create=True), 101)
        expect(driver.heard()[-1], (1, "access", U))
        expect(driver.cb("uid", 1, U), uid)
        for worker, id in ((1, U), (2, 101)):
            expect(driver.cb("queue", worker, id), [])
            expect(texts(driver.cb("history", worker, id)), [(0, "hello"), (1, "re")])


@check
def unknown_clients_and_ids():
    with Driver() as driver:
        driver.open(path("unknown"), "uuid", "str")
        expect(driver.cb("access", 1, U, create=False), None)
        expect(driver.heard(), [])
        new = driver.cb("access", 1, None, create=True, other_id="x")
        expect(uuid.UUID(new).version, 4)
        expect(driver.heard(), [(2, "create", new), (2, "access", "x")])
        driver.fails("access", 2, None, create=True, other_id=U)
        driver.fails("access", 1, "notauuid", create=True, other_id="y")
        driver.fails("access", 1, 5, create=True, other_id="y")
        # The create callback's answer is of no use: nothing is stored.
        driver.fails("access", 1, U, create=True, other_id=7)
        driver.fails("access", 1, U, create=True)
        expect(driver.cb("access", 1, U, create=False), None)
        # Capitals and no dashes are the same id.
        plain = U.replace("-", "").upper()
        expect(driver.cb("access", 1, plain, create=True, other_id="é"), U)
        expect(driver.cb("access", 2, "é", create=False), "é")
        expect(driver.cb("access", 2, "e\u0301", create=False), None)


@check
def one_pair_for_many_accesses_at_once():
    with Driver() as driver:
        driver.open(path("once"))
        requests = [
            driver.ask("cb.access", name="b", worker=1, id=U, create=True, other_id=101) for _ in range(20)
        ]
        expect([driver.answer(request)["result"] for request in requests], [U] * 20)
        expect(driver.heard("create"), [(2, "create", U)])
        expect(driver.heard("access"), [(2, "access", 101)] * 20)
        for _ in range(20):
            assert driver.cb("uid", 1, U)
            driver.cb("deactivate", 1, U)
        expect(driver.cb("uid", 1, U), None)
    with sqlite3.connect(path("once.db")) as database:
        expect(database.execute("SELECT count(*) FROM client").fetchone(), (1,))


@check
def a_file_of_ours_is_the_originals():
    strange = ["", "世😀\n\t\"'", "a\0b", "x" * 100_000]
    with Driver() as driver:
        driver.open(path("ours"))
        driver.cb("access", 1, U.upper(), create=True, other_id=-(2 ** 63))
        for content in strange:
            driver.cb("send", 1, U, content=content)
        driver.cb("send", 2, -(2 ** 63), content="re")
        # While it is open.
        expect(sorted(os.listdir(FOLDER.name)).count("ours.db-wal"), 0)
        driver.close()
        driver.open(path("second"), "str", "str")
        driver.cb("access", 1, "a\0b", create=True, other_id="x")
        driver.close()
    expect([name for name in os.listdir(FOLDER.name) if name.startswith("ours")], ["ours.db"])
    with open(path("ours.db"), "rb") as file:
        head = file.read(100)
    # Rollback journal, user_version 0, UTF-8.
    expect((head[18:20], head[60:64], head[56:60]), (b"\x01\x01", bytes(4), b"\0\0\0\x01"))
    database = sqlite3.connect(path("ours.db"))
    expect(database.execute("PRAGMA journal_mode").fetchone(), ("delete",))
    expect(sorted(database.execute("SELECT type, name FROM sqlite_master")),
           [("table", "client"), ("table", "history"), ("table", "sqlite_sequence")])
    with OriginalBox(path("schema.db")) as box:
        for table in ("client", "history", "sqlite_sequence"):
            for pragma in ("table_info", "foreign_key_list"):
                sql = "PRAGMA %s(%s)" % (pragma, table)
                expect(database.execute(sql).fetchall(), box.database.execute(sql).fetchall())
        schema = "SELECT sql FROM sqlite_master ORDER BY name"
        expect([text.split() for text, in database.execute(schema)],
               [text.split() for text, in box.database.execute(schema)])
    row = database.execute("SELECT *, typeof(service1_id), typeof(service2_id) FROM client").fetchone()
    expect((row[0], row[2], row[3:]), (
        1, str(uuid.UUID(row[2])), (U, str(-(2 ** 63)), bytes.fromhex("80047D942E"), "text", "text")
    ))
    expect(uuid.UUID(row[2]).version, 4)
    expect(len(row[1]), 19)
    rows = database.execute("SELECT id, created_at, client_id, content, sent_by, typeof(content) FROM history").fetchall()
    expect([(row[0],) + row[2:] for row in rows],
           [(index + 1, 1, content, 0, "text") for index, content in enumerate(strange)] + [(5, 1, "re", 1, "text")])
    database.close()
    with OriginalBox(path("ours.db")) as box:
        (_, s1, s2), history = box.access(1, uuid.UUID(U))
        expect((s1, s2), (uuid.UUID(U), -(2 ** 63)))
        expect([entry[:2] for entry in history], [(0, content) for content in strange] + [(1, "re")])
        age = time.time() - history[0][2].replace(tzinfo=__import__("datetime").timezone.utc).timestamp()
        assert -1 < age < 60, age
        assert box.access(2, -(2 ** 63))
        expect(box.access(2, 5), None)
        box.say(1, "the original goes on", client_id=1)
        box.say(2, "twice", client_id=1)
    with OriginalBox(path("second.db"), str, str) as box:
        assert box.access(1, "a\0b")
        expect(box.access(1, "a"), None)
    with Driver() as driver:
        driver.open(path("ours"))
        driver.cb("access", 1, U, create=False)
        expect(texts(driver.cb("history", 1, U)), [(0, content) for content in strange]
               + [(1, "re"), (0, "the original goes on"), (1, "twice"), (1, "twice")])


@check
def the_captured_session_goes_on():
    captured(path("captured.db"))
    with Driver() as driver:
        driver.open(path("captured"))
        expect(driver.cb("access", 1, U, create=True, other_id=999), U)
        expect(driver.heard(), [(2, "access", 101)])
        expect(driver.cb("uid", 1, U), "c1afc09c-2b45-4fc5-aac9-029a6a58e373")
        expect([(row["sent_by"], row["content"], row["created_at"]) for row in driver.cb("history", 1, U)], [
            (0, "hello <b>world</b> 世", "2026-11-21 10:13:18"), (0, "echo x", "2026-11-21 10:13:18"),
            (1, "re: x", "2026-11-21 10:13:18"), (1, "re: x", "2026-11-21 10:13:18"),
        ])
        driver.cb("send", 2, 101, content="again")
        driver.cb("send", 2, 101, content="and again")
        driver.close()
    with OriginalBox(path("captured.db")) as box:
        (uid, _, s2), history = box.access(1, uuid.UUID(U))
        expect((str(uid), s2), ("c1afc09c-2b45-4fc5-aac9-029a6a58e373", 101))
        # Once each.
        expect([entry[:2] for entry in history[4:]], [(1, "again"), (1, "and again")])


@check
def the_originals_oddities_do_no_harm():
    one, two = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    with OriginalBox(path("odd.db"), time="2026-11-21 10:13:18") as box:
        box.insert(one, 1001)
        box.insert(two, 1002)
        # No unique constraint: the first row counts.
        box.insert(one, 1003)
        box.say(1, "from one")
        box.say(1, "from two")
        box.say(2, "to one")
        # Hyphens missing, capitals, a time of another program, a NULL, a row of nobody.
        box.database.execute("UPDATE client SET uid = ?, properties = X'00' WHERE id = 2", (uuid.uuid4().hex.upper(),))
        for created_at, sent_by in (("2026-11-21T10:13:19.5Z", 0), (None, 1), ("never", 5)):
            box.database.execute("INSERT INTO history (created_at, client_id, content, sent_by) VALUES (?, 2, 'x', ?)",
                                 (created_at, sent_by))
        box.database.commit()
    with Driver() as driver:
        driver.open(path("odd"))
        driver.cb("access", 1, one, create=False)
        expect(driver.heard(), [(2, "access", 1001)])
        expect(texts(driver.cb("history", 1, one)), [(0, "from one"), (0, "from two"), (1, "to one"), (1, "to one")])
        driver.cb("access", 2, 1002, create=False)
        expect(driver.heard()[-1], (1, "access", two))
        expect([(row["sent_by"], row["created_at"]) for row in driver.cb("history", 2, 1002)],
               [(0, "2026-11-21 10:13:19"), (1, "1970-01-01 00:00:00")])
        # Its id on this side is active in the first pair.
        assert "idInUse" in driver.fails("access", 2, 1003, create=False)
        driver.cb("send", 2, 1002, content="own history")
        driver.close()
    with sqlite3.connect(path("odd.db")) as database:
        expect(database.execute("SELECT client_id, content FROM history ORDER BY id DESC LIMIT 1").fetchone(),
               (2, "own history"))


@check
def what_was_answered_survives_a_kill():
    with Driver() as driver:
        driver.open(path("kill"))
        driver.cb("access", 1, U, create=True, other_id=101)
        requests = [driver.ask("cb.send", name="b", worker=1, id=U, content=str(number)) for number in range(200)]
        for request in requests[:150]:
            expect(driver.answer(request)["result"], None)
        driver.stop(signal.SIGKILL)
    with OriginalBox(path("kill.db")) as box:
        contents = [entry[1] for entry in box.access(1, uuid.UUID(U))[1]]
        expect(contents, [str(number) for number in range(len(contents))])
        assert len(contents) >= 150, len(contents)


@check
def two_programs_share_a_file():
    with Driver() as one, Driver() as two:
        one.open(path("shared"))
        two.open(path("shared"))
        one.cb("access", 1, U, create=True, other_id=101)
        expect(two.cb("access", 2, 101, create=False), 101)
        in_parallel(*[
            lambda driver=driver, worker=worker, id=id: [
                driver.cb("send", worker, id, content="%d %d" % (worker, number)) for number in range(50)
            ]
            for driver, worker, id in ((one, 1, U), (two, 2, 101))
        ])
    with OriginalBox(path("shared.db")) as box:
        contents = [entry[1] for entry in box.access(1, uuid.UUID(U))[1]]
        for worker in (1, 2):
            expect([text for text in contents if text[0] == str(worker)],
                   ["%d %d" % (worker, number) for number in range(50)])


@check
def bad_requests_get_errors():
    with Driver() as driver:
        driver.open(path("bad"), "str", "int")
        driver.fails("send", 3, "a", content="x")
        driver.fails("send", 1, "a")
        driver.fails("dance", 1, "a")
        driver.fails("access", 1, None)
        for fields in ({"file": path("bad2"), "s1_type": "float", "s2_type": "int"},
                       {"file": "/nowhere/at/all", "s1_type": "int", "s2_type": "int"}, {"s1_type": "int"}):
            assert "error" in driver.answer(driver.ask("cb.open", name="c", **fields))
        assert "error" in driver.answer(driver.ask("cb.close", name="c"))
        assert "error" in driver.answer(driver.ask("cb.open", name="b", file="x", s1_type="int", s2_type="int"))
        driver.cb("access", 1, "a", create=True, other_id=1)
        expect(driver.cb("uid", 2, 1), driver.cb("uid", 1, "a"))


if __name__ == "__main__":
    main()
