// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What the shell of a client's connection is to do after an input to `NucosClientMachine`.
package enum NucosClientAction: Equatable, Sendable {
    /// Nothing.
    case ignore
    /// Skip the message, with a log line.
    case drop(NucosClientDrop)
    /// Write these bytes at once, before anything that is held.
    case send([UInt8])
    /// Ask the application to sign the challenge (JSON), then call `signed`.
    case sign(challenge: [UInt8])
    /// Messages may leave: write the bytes, if any, then what was held, in order.
    case opened(isAuthenticated: Bool, send: [UInt8])
    /// Hand the message to the application.
    case message
    /// A `pong` came: whoever waits for one may go on.
    case pong
    /// Write the bytes, if any, and close when they are out.
    case close(send: [UInt8]?, reason: NucosClientCloseReason)
}

/// Why a client skipped a message.
package enum NucosClientDrop: String, Sendable {
    case controlEventInRoom = "an event that commands clients came through a room"
    case unexpectedHandshake = "a message of the handshake came at the wrong time"
    case unknownResult = "the result of the handshake is neither success nor failed"
    case unknownShutdown = "a shutdown is neither now nor confirmed"
}

/// Why a client's connection is closed.
package enum NucosClientCloseReason: String, Sendable {
    case noUID = "the server wants a uid, and the client has none"
    case noSigner = "the server wants a signature, and the client has no onChallenge"
    case signingFailed = "onChallenge failed, or returned what is no JSON"
    case refused = "the server refused the client"
    case handshakeTimedOut = "the server did not answer in time during the handshake"
    case idle = "nothing came from the server for too long, and no answer to a ping"
    case serverAnnounced = "the server said shutdown now"
    case clientClosed = "the client closed"
    case closeTimedOut = "the client closed, the server did not confirm in time"
    case peerClosed = "the stream ended"
}

/// The timer that a client's connection needs at the moment.
package enum NucosClientTimeout: Sendable {
    /// Armed once when it appears: then `holdTimedOut`.
    case hold
    /// Armed anew whenever the machine's `step` changes: then `stepTimedOut`.
    case step
    /// Put off by every byte that arrives: when it runs out, `idleTimedOut`.
    case idle
    /// Armed once when it appears, but gone with any byte that arrives: then `pongTimedOut`.
    case pong
    /// Armed once when it appears: then `closeTimedOut`.
    case close

    /// What the wire's specification suggests (§4 and §6).
    package var suggested: Duration {
        switch self {
        case .hold: .milliseconds(200)
        case .step: .seconds(5)
        case .idle: .seconds(60)
        case .pong: .seconds(10)
        case .close: .seconds(1)
        }
    }
}
