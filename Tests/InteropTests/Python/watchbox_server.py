# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""`belfry watchbox` as the Watchbox scripts start it."""

import os
import socket
import tempfile

from harness import OPTIONS, Child, free_port, wait_until


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Watchbox(Child):
    """`belfry watchbox` on a port, in a folder of its own: it writes its clients' log lines to where it works."""

    def __init__(self, *arguments, port=None):
        self.port = port or free_port()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        super().__init__(
            [os.path.abspath(OPTIONS.belfry), "watchbox", "--io", OPTIONS.io, "--loops", str(OPTIONS.loops), *arguments,
             "127.0.0.1", str(self.port)],
            stdout=open(os.devnull, "w"), cwd=self.folder.name,
        )
        wait_until(lambda: is_listening(self.port) or self.process.poll() is not None, "the server to listen")
        if self.process.poll() is not None:
            raise AssertionError("the server did not start: " + self.log())

    def __exit__(self, *rest):
        super().__exit__(*rest)
        self.folder.cleanup()

    @property
    def url(self):
        return "http://127.0.0.1:%d/" % self.port
