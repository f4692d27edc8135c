// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

extension PocketsocketClient {
    /// A channel, as a client sees it: what others say there, and a way to say something.
    public struct Channel: Sendable {
        /// Whose view it is.
        public let client: PocketsocketClient
        /// The channel's name.
        public let name: String

        /// All events of the channel from now on.
        ///
        /// What ``events(_:limit:maxBytes:onOverflow:)`` says, with its defaults.
        public var events: Queue<Event> { events() }

        /// The channel's events from now on, of all servers; those of one server in its order.
        ///
        /// Ends with nil after the client's `close()`, with an error when all servers were given up, its `cause` a
        /// ``PocketsocketClientError``; goes on over a reconnect, without what was said meanwhile.
        ///
        /// - Parameters:
        ///   - event: nil for every event.
        ///   - limit: Events that may wait.
        ///   - maxBytes: Bytes that may wait, at least `maxMessageBytes` and 64 KiB.
        ///   - policy: `.suspend` pauses the client's sockets while the reader is behind; the others lose events,
        ///     announced as `.gap`.
        public func events(
            _ event: String? = nil,
            limit: Int = 1_024,
            maxBytes: Int = 16 * 1024 * 1024,
            onOverflow policy: OverflowPolicy = .suspend
        ) -> Queue<Event> {
            client.listen(.init(channel: name, event: event), limit: limit, maxBytes: maxBytes, policy)
        }

        /// Says something to all other clients; see ``PocketsocketClient/signal(_:_:_:)-(_,_,Payload)``.
        @discardableResult
        public func signal(
            _ event: String,
            _ data: Payload = .json("{}")
        ) async throws(PocketsocketClientError) -> [MessageID] {
            try await client.signal(name, event, data)
        }

        /// Says a text to all other clients.
        @discardableResult
        public func signal(_ event: String, _ text: String) async throws(PocketsocketClientError) -> [MessageID] {
            try await client.signal(name, event, .text(text))
        }
    }
}
