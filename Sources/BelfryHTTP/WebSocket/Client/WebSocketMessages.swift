// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The messages that arrive on a WebSocket: a bounded async sequence, for one reader at a time.
///
/// While nobody reads, the socket is paused and TCP holds the other side back. It ends when either side closed in
/// order, and when the reading task is cancelled.
public struct WebSocketMessages: AsyncSequence, Sendable {
    /// A message.
    public typealias Element = WebSocketMessage
    /// What ends the sequence early, after all that had arrived.
    public typealias Failure = WebSocketError

    let socket: WebSocket

    /// Goes on where an earlier iterator stopped.
    ///
    /// One task at a time may wait; a second one traps.
    public func makeAsyncIterator() -> Iterator { Iterator(socket: socket) }

    /// The reader of a WebSocket.
    public struct Iterator: AsyncIteratorProtocol {
        let socket: WebSocket

        /// The next message; waits for one, nil at the end.
        ///
        /// - Throws: ``WebSocketError`` `.connectionLost`, `.protocolError`, or `.closed` for a close code that is no
        ///   good end: any but 1000, 1001 and none.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(WebSocketError) -> WebSocketMessage? {
            try await socket.next()
        }
    }
}
