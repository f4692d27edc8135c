// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

extension ChatBox {
    /// Sends texts as one client.
    public struct MessageSender: Sendable {
        let core: ChatBoxCore<ID1, ID2>
        let key: IDKey
        let connection: Connection?

        /// Sends a text, as ``ServiceWorker/send(_:to:)`` does.
        ///
        /// - Throws: ``ChatBoxError`` `.notActive` when the client is not active now, and as there.
        public func callAsFunction(_ text: String) async throws(ChatBoxError) {
            try await core.send(text, from: key, in: connection)
        }
    }

    /// A client within ``ServiceWorker/withClient(_:_:)``.
    public struct ClientSession: Sendable {
        /// Its pair.
        public let connection: Connection
        /// What both sides say, from the access on; bounded as a client queue.
        public let messages: Queue<Message>
        let sender: MessageSender

        /// Sends a text as this client; returns once it is stored.
        ///
        /// - Throws: As ``ServiceWorker/send(_:to:)``.
        public func send(_ text: String) async throws(ChatBoxError) { try await sender(text) }
    }
}
