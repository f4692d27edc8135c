# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The original ChatBox50's way with its file, written from the specification alone: sections 2, 5 and 12."""

import datetime
import pickle
import sqlite3
import uuid

CLIENT = """CREATE TABLE IF NOT EXISTS client (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at  TEXT DEFAULT CURRENT_TIMESTAMP,
    uid         VARCHAR(127) NOT NULL,
    service1_id VARCHAR(127) NOT NULL,
    service2_id VARCHAR(127) NOT NULL,
    properties  BLOB NOT NULL)"""
HISTORY = """CREATE TABLE IF NOT EXISTS history (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT,
    client_id  INTEGER NOT NULL,
    content    TEXT NOT NULL,
    sent_by    INTEGER NOT NULL,
    FOREIGN KEY (client_id) REFERENCES client(id))"""


class OriginalBox:
    """One run of the original on `path`: one uid and one time for all that it writes, history under the first client of
    the uid, messages of service 2 twice."""

    def __init__(self, path, s1_type=uuid.UUID, s2_type=int, time=None, uid=None):
        self.types = (s1_type, s2_type)
        self.uid = uid or uuid.uuid4()
        self.time = time or datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        self.database = sqlite3.connect(path)
        self.database.execute("PRAGMA foreign_keys=ON")
        self.database.execute(CLIENT)
        self.database.execute(HISTORY)
        self.database.commit()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.database.close()

    def insert(self, service1_id, service2_id):
        self.database.execute(
            "INSERT INTO client (uid, service1_id, service2_id, properties) VALUES (?, ?, ?, ?)",
            (str(self.uid), str(service1_id), str(service2_id), pickle.dumps({}, protocol=4)),
        )
        self.database.commit()

    def access(self, side, service_id):
        """The pair and its history, as an access loads them; None for an unknown client."""
        row = self.database.execute(
            "SELECT id, uid, service1_id, service2_id, properties FROM client WHERE service%d_id = ?" % side,
            (str(service_id),),
        ).fetchone()
        if row is None:
            return None
        pair = (uuid.UUID(row[1]), self.types[0](row[2]), self.types[1](row[3]))
        first = self.database.execute("SELECT id FROM client WHERE uid = ?", (row[1],)).fetchone()[0]
        history = [
            (sent_by, content, datetime.datetime.strptime(created_at, "%Y-%m-%d %H:%M:%S"))
            for sent_by, content, created_at in self.database.execute(
                "SELECT sent_by, content, created_at FROM history WHERE client_id = ?", (first,)
            )
        ]
        return pair, history

    def say(self, side, content, client_id=None):
        first = client_id or self.database.execute(
            "SELECT id FROM client WHERE uid = ?", (str(self.uid),)
        ).fetchone()[0]
        for _ in range(side):
            self.database.execute(
                "INSERT INTO history (created_at, client_id, content, sent_by) VALUES (?, ?, ?, ?)",
                (self.time, first, content, side - 1),
            )
            self.database.commit()


def captured(path):
    """The session of section 12, row by row."""
    with OriginalBox(path) as box:
        box.database.execute(
            "INSERT INTO client VALUES (1, '2026-11-21 10:13:20', 'c1afc09c-2b45-4fc5-aac9-029a6a58e373', "
            "'33333333-3333-4333-8333-333333333333', '101', X'80047D942E')"
        )
        for row in [(1, "hello <b>world</b> 世", 0), (2, "echo x", 0), (3, "re: x", 1), (4, "re: x", 1)]:
            box.database.execute("INSERT INTO history VALUES (?, '2026-11-21 10:13:18', 1, ?, ?)", row)
        box.database.commit()
