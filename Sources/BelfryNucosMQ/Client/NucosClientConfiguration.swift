// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

/// How a nucosMQ client behaves.
///
/// Every default is stated here.
public struct NucosClientConfiguration: Sendable {
    /// Whether and how the client comes back by itself after the connection was lost; nil, the default, for never.
    ///
    /// The original never does, and two clients of one uid would take the name from each other for ever, so this is
    /// something to ask for. A client that comes back signs in and subscribes again by itself; what was published
    /// meanwhile comes then, if the server has it (`resumes`), and ``NucosClient/onConnect(_:)`` tells. It does not come back after `close()`, nor when the
    /// server refused it. Pauses grow until a connection has lasted as long as the policy's longest pause.
    public var reconnect: ReconnectPolicy?
    /// Whether a client that reconnects asks for what it missed in its rooms; a server that knows nothing of it goes on as
    /// ever.
    ///
    /// What is missing all the same is announced by an event `gap` of the room, with `from` and `to`, which are null where
    /// nobody knows how much.
    public var resumes = true
    /// How long ``NucosClient/ping(timeout:)`` waits for a running handshake.
    public var pingTimeout = Duration.seconds(20)
    /// How long an idle connection may take to answer a `ping` before it is closed.
    public var pongTimeout = Duration.seconds(10)
    /// How long each step of the handshake may take, the application's signature included.
    public var stepTimeout = Duration.seconds(5)
    /// How long what is sent waits for the server to ask for the uid, when there is something to sign with.
    public var holdTimeout = Duration.milliseconds(200)
    /// How long the server may take to confirm a `shutdown`, and to end its side.
    public var closeTimeout = Duration.seconds(1)
    /// How long, on closing, sending what was queued before may take.
    public var flushTimeout = Duration.seconds(10)
    /// Bytes of one message on the wire, in both directions, at least 64.
    public var maxFrameBytes = 16 * 1024 * 1024
    /// Bytes that wait to be sent before `send` waits; bytes that are held during a handshake before `send` refuses.
    public var maxPendingBytes = 1024 * 1024
    /// Messages that wait for callbacks before the socket is paused.
    public var maxQueuedMessages = 4_096

    /// Makes a configuration with the defaults stated above.
    public init() {}
}

extension NucosClientConfiguration {
    /// Whether it asks servers for positions.
    var asksForPositions: Bool { reconnect != nil && resumes }

    func duration(of timeout: NucosClientTimeout, idle: Duration) -> Duration {
        switch timeout {
        case .hold: holdTimeout
        case .step: stepTimeout
        case .idle: idle
        case .pong: pongTimeout
        case .close: closeTimeout
        }
    }
}
