// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The bytes that arrive on a connection: a bounded async sequence of chunks, never empty ones.
///
/// While nobody reads, the socket is paused and TCP holds the peer back. The sequence ends with the peer's end of
/// stream, with the connection's scope, or when the reading task is cancelled.
public struct TCPInbound: AsyncSequence, Sendable {
    /// Bytes in the order of the stream; where a chunk ends means nothing.
    public typealias Element = [UInt8]
    /// What ends the sequence early, as `.reset`.
    public typealias Failure = IOError

    let connection: TCPConnection

    /// Goes on where an earlier iterator stopped.
    ///
    /// One task at a time may wait; a second one traps.
    public func makeAsyncIterator() -> Iterator { Iterator(connection: connection) }

    /// The reader of a connection.
    public struct Iterator: AsyncIteratorProtocol {
        let connection: TCPConnection

        /// The next chunk; waits for one, nil at the end.
        ///
        /// - Throws: ``IOError`` when the connection broke, after all that had arrived.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(IOError) -> [UInt8]? {
            try await connection.next()
        }
    }
}
