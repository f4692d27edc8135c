// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// How a protocol writes room messages: a message is encoded once per format, however many subscribers there are.
///
/// A format has no state, so frames can be shared by all its subscribers.
package protocol WireFormat: Sendable {
    /// The format's name: one frame log per room and name.
    var name: String { get }

    /// Appends the frame of a message, complete; nothing when the message can't be said in this protocol.
    func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8])

    /// The same for a format whose frames say where the message stands; others need only the one above.
    func encode(room: String, event: String, payload: Payload, at offset: UInt64, into frame: inout [UInt8])

    /// Whether frames say where the message stands, so that none can go out as it came.
    var isPositioned: Bool { get }

    /// Reads a frame of this format back, for other formats and for consumers in the process; nil when it can't be.
    func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)?

    /// Appends the frame that announces a loss of the messages `from..<to`, in whatever way the protocol's clients see.
    func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8])
}

extension WireFormat {
    package var isPositioned: Bool { false }

    package func encode(room: String, event: String, payload: Payload, at offset: UInt64, into frame: inout [UInt8]) {
        encode(room: room, event: event, payload: payload, into: &frame)
    }
}

/// A protocol: what the broker asks of a front-end.
package protocol FrontEnd: Sendable {
    /// For logs and metrics, as in `nucosmq`.
    var name: String { get }

    /// `SendBatch.recordBytes` of its connections; 0 for none.
    var recordBytes: Int { get }

    /// For protocols without a heartbeat: how the kernel notices peers that are gone; nil for not at all.
    var keepAlive: KeepAlive? { get }

    /// The broker's loops have ended: what the front-end holds of connections and loops can go.
    func brokerEnded()

    /// Makes the protocol's side of a connection that was accepted. On the connection's loop.
    func makeHandler(for connection: Connection) -> any ConnectionHandler
}

extension FrontEnd {
    package var recordBytes: Int { 0 }
    package var keepAlive: KeepAlive? { nil }
    package func brokerEnded() {}
}

/// The protocol's side of one connection.
///
/// Loop-confined; called by the connection, never re-entrantly.
package protocol ConnectionHandler: AnyObject {
    /// The connection stands; bytes may be sent.
    func opened()
    /// Bytes arrived. They are lent for the length of the call.
    func received(_ bytes: Span<UInt8>)
    /// The peer finished sending. The default closes after what is queued has been sent.
    func peerEnded()
    /// The network failed, or this side gives the peer up: nothing more is sent. The default does nothing; a protocol
    /// whose clients come back may say `keepUnsent`.
    func linkBroke()
    /// What was queued has been taken by the backend; only after `Connection.wantsDrained`. The default does nothing.
    func drained()
    /// The broker drains: say goodbye in the protocol's words and close.
    func drain()
    /// Sends a message to this client alone; false when the protocol can't say it.
    func send(event: String, _ payload: Payload) -> Bool
    /// About once a second: look after time-outs. `now` is the loop's clock in nanoseconds.
    func tick(now: Int64)
    /// The last call.
    func closed(_ reason: CloseReason)
}

extension ConnectionHandler {
    package func linkBroke() {}
    package func drained() {}
}

/// Why a connection ended.
package enum CloseReason: Sendable, Equatable, CustomStringConvertible {
    /// The peer closed it.
    case peer
    /// This side closed it, in order.
    case local
    /// It fell too far behind.
    case slowConsumer
    /// The peer broke the protocol's rules; the text says which.
    case protocolError(String)
    /// The peer took too long; the text says for what.
    case timedOut(String)
    /// The network failed.
    case failed(String)

    package var description: String {
        switch self {
        case .peer: "closed by the peer"
        case .local: "closed by this side"
        case .slowConsumer: "slow consumer"
        case .protocolError(let rule): "protocol error: \(rule)"
        case .timedOut(let what): "timed out: \(what)"
        case .failed(let error): "failed: \(error)"
        }
    }
}
