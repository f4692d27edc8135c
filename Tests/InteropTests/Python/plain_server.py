# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""A WebSocket server of another make, which knows nothing of resuming."""

import http
import threading

from websockets.sync.server import serve


class PlainServer:
    """Says what it is told to say; notes what it was asked for, and may refuse all that has a query."""

    def __init__(self, refuses_queries=False):
        self.targets = []
        self.sockets = []
        self.refuses_queries = refuses_queries
        self.server = serve(self.stay, "127.0.0.1", 0, process_request=self.answer)
        self.port = self.server.socket.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()
        self.server.shutdown()

    def answer(self, connection, request):
        self.targets.append(request.path)
        if self.refuses_queries and "?" in request.path:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "No such path\n")
        return None

    def stay(self, socket):
        self.sockets.append(socket)
        for _ in socket:
            pass

    def say(self, text):
        for each in self.sockets:
            each.send(text)

    def drop(self):
        sockets, self.sockets = self.sockets, []
        for each in sockets:
            each.close()
