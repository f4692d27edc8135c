// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry

/// What a protocol on WebSocket does with one connection of a server.
///
/// Loop-confined; called by the connection, never re-entrantly. It holds its connection; the connection lets go of it
/// after `closed`.
package protocol WebSocketDelegate: AnyObject {
    /// The handshake is done; messages may be sent.
    func opened()
    /// A message came. The bytes are lent for the length of the call.
    ///
    /// - Parameters:
    ///   - kind: What it is; a text has been checked for being UTF-8.
    ///   - payload: Its bytes.
    ///   - frame: The same as a server's frame, ready to be published to a room or sent on.
    func received(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>, frame: Span<UInt8>)
    /// What arrived together has been handed on: for those who answer all of it at once.
    func receivedAll()
    /// Sends a message to this client alone; false when the protocol can't say it.
    func send(event: String, _ payload: Payload) -> Bool
    /// What was queued has been taken by the backend; only after `Connection.wantsDrained`.
    func drained()
    /// The broker drains: a last message may be sent. The connection then closes with 1001.
    func drain()
    /// The last call.
    ///
    /// - Parameters:
    ///   - code: What the peer's close frame said, or `.abnormal` when none came.
    ///   - reason: Why the connection ended, as the broker knows it.
    func closed(_ code: WebSocketCloseCode, _ reason: CloseReason)
}

extension WebSocketDelegate {
    package func receivedAll() {}
    package func drained() {}
    package func drain() {}
}
